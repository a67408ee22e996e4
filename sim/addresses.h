/*
 * addresses.h - reserved address space at places that never change.
 *
 * The address of a row decides its place in an access set, and the set of a cache that its lines go to. Runs that shall
 * repeat from their seed therefore take their tables from here, whatever the kernel's randomisation of addresses does.
 */
#ifndef SIM_ADDRESSES_H
#define SIM_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

enum { ADDRESSES_AREA_SHIFT = 40, ADDRESSES_AREAS_MAX = 64 }; /* so far apart are these places: a terabyte */

/* Above AddressSanitizer's shadow, below what the kernel hands out. */
#define ADDRESSES_FIRST (UINT64_C(1) << 45)

static inline bool addresses_never_change(uint64_t address)
{
    return (address - ADDRESSES_FIRST) >> ADDRESSES_AREA_SHIFT < ADDRESSES_AREAS_MAX;
}

/* mmap, but address space that is only reserved, as tables do, is always found at the same places. */
void *addresses_map(void *at, size_t bytes, int protection, int flags, int file, off_t offset);

#endif
