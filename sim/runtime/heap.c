/*
 * heap.c - malloc as a simulated machine has it: where a block lies depends on the order of calls and on their rough
 * sizes only, so not on the system, and not on how long the names of files are.
 *
 * A block has a power of two of pages, to whose multiple it is aligned, from an area at a fixed place. No address in it
 * is near a pointer to another block (sim/cpu.h). What is given back goes to a list of its size, the last one first.
 * Blocks that the C library allocates for itself, and gives to the program to free, are its own.
 * Checked by: tests/cli/simulated.sh, whose runs repeat.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/addresses.h"
#include "sim/cpu.h"
#include "sim/runtime/wrap.h"

/* The largest kind has HEAP_BYTES twice. From RETURNED_KIND on, a megabyte, the memory of a block goes back. */
enum { PAGE_BYTES = CPU_REACH_BYTES, PAGE_SHIFT = 12, KINDS = 26, RETURNED_KIND = 8 };
static_assert(PAGE_BYTES == 1 << PAGE_SHIFT, "one size, said twice");

#define HEAP_BYTES (UINT64_C(1) << 36)

/* The last of the areas. */
static char *const begin =
    (char *)(uintptr_t)(ADDRESSES_FIRST + ((uint64_t)(ADDRESSES_AREAS_MAX - 1) << ADDRESSES_AREA_SHIFT));
static unsigned char kinds[HEAP_BYTES >> PAGE_SHIFT]; /* of the block that begins at the page: 2^kind pages */
static void *given_back[KINDS];
static uint64_t used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);

static bool is_ours(const void *block)
{
    return (size_t)((const char *)block - begin) < HEAP_BYTES;
}

static unsigned char *kind_of(const void *block)
{
    return &kinds[(size_t)((const char *)block - begin) >> PAGE_SHIFT];
}

static size_t bytes_of(unsigned kind)
{
    return (size_t)PAGE_BYTES << kind;
}

/* A block that has never been given out, of zeros; NULL: there is no more. */
static void *carve(unsigned kind)
{
    uint64_t at = (used + bytes_of(kind) - 1) / bytes_of(kind) * bytes_of(kind);
    if (used == 0 && mmap(begin, HEAP_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != begin)
        return NULL;
    if (at + bytes_of(kind) > HEAP_BYTES)
        return NULL;
    used = at + bytes_of(kind);
    *kind_of(begin + at) = (unsigned char)kind;
    return begin + at;
}

/* `is_zero` says whether it is known to be; it may be NULL. */
static void *take(size_t alignment, size_t bytes, bool *is_zero)
{
    unsigned kind = 1; /* the last page of a block stays empty */
    if (bytes > HEAP_BYTES || alignment > HEAP_BYTES)
        return NULL;
    while (bytes_of(kind) < bytes + PAGE_BYTES || bytes_of(kind) < alignment)
        kind++; /* ends at the largest one */
    (void)__real_pthread_mutex_lock(&lock);
    void *block = given_back[kind];
    if (block != NULL)
        given_back[kind] = *(void **)block;
    if (is_zero != NULL)
        *is_zero = block == NULL;
    if (block == NULL)
        block = carve(kind);
    (void)__real_pthread_mutex_unlock(&lock);
    return block;
}

WRAP(void *, aligned_alloc, size_t alignment, size_t bytes)
{
    return take(alignment, bytes, NULL);
}

WRAP(void *, malloc, size_t bytes)
{
    return take(1, bytes, NULL);
}

WRAP(void *, calloc, size_t count, size_t bytes)
{
    size_t all;
    bool is_zero;
    void *block = __builtin_mul_overflow(count, bytes, &all) ? NULL : take(1, all, &is_zero);
    return block == NULL || is_zero ? block : memset(block, 0, all);
}

WRAP(void, free, void *block)
{
    if (!is_ours(block)) {
        __real_free(block);
        return;
    }
    unsigned kind = *kind_of(block);
    if (kind >= RETURNED_KIND)
        (void)madvise(block, bytes_of(kind), MADV_DONTNEED);
    (void)__real_pthread_mutex_lock(&lock);
    *(void **)block = given_back[kind];
    given_back[kind] = block;
    (void)__real_pthread_mutex_unlock(&lock);
}

WRAP(void *, realloc, void *block, size_t bytes)
{
    if (block != NULL && !is_ours(block))
        return __real_realloc(block, bytes);
    void *other = take(1, bytes, NULL);
    if (block == NULL || other == NULL)
        return other;
    size_t old = bytes_of(*kind_of(block)) - PAGE_BYTES;
    memcpy(other, block, old < bytes ? old : bytes);
    __wrap_free(block);
    return other;
}
