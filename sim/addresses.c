/* addresses.c - see addresses.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_FIXED_NOREPLACE */
#endif
#include "sim/addresses.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPANS_MAX = 64 };

void *addresses_map(void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    /* Above AddressSanitizer's shadow, below what the kernel hands out. */
    const uintptr_t first = UINT64_C(1) << 45, step = UINT64_C(1) << ADDRESSES_AREA_SHIFT;
    bool reserves = at == NULL && protection == PROT_NONE && (flags & MAP_NORESERVE);
    for (uintptr_t i = 0; reserves && i < SPANS_MAX; i++) {
        long got = syscall(SYS_mmap, first + i * step, bytes, protection, flags | MAP_FIXED_NOREPLACE, file, offset);
        if (got != -1 || errno != EEXIST)
            return (void *)got;
    }
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, file, offset);
}
