/* addresses.c - see addresses.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_FIXED_NOREPLACE */
#endif
#include "sim/addresses.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

void *addresses_map(void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    const uintptr_t step = UINT64_C(1) << ADDRESSES_AREA_SHIFT;
    bool reserves = at == NULL && protection == PROT_NONE && (flags & MAP_NORESERVE);
    for (uintptr_t i = 0; reserves && i < ADDRESSES_AREAS_MAX; i++) {
        long got =
            syscall(SYS_mmap, ADDRESSES_FIRST + i * step, bytes, protection, flags | MAP_FIXED_NOREPLACE, file, offset);
        if (got != -1 || errno != EEXIST)
            return (void *)got;
    }
    return (void *)syscall(SYS_mmap, at, bytes, protection, flags, file, offset);
}
