/*
 * copies.h - memory for a transaction's private copies of payloads. All of it is given back at once, at its end.
 *
 * Blocks are kept from one transaction to the next, so after a few transactions nothing is allocated. Pieces are as far
 * from a multiple of 16 bytes as the payloads of rows are, and have room for whole lines of one (row.h). One thread.
 */
#ifndef SCHEMES_BASE_COPIES_H
#define SCHEMES_BASE_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"
#include "schemes/base/store.h"

enum { COPIES_BLOCK_BYTES = 1024 * 1024 - 64, COPIES_ALIGN = 16 };

/* What a copy of a small row takes at most (store.h). */
enum { COPIES_SMALL_BYTES = STORE_SMALL_BYTES + 2 * CACHE_LINE_BYTES };

struct copies_block {
    struct copies_block *next;
    uint64_t bytes[COPIES_BLOCK_BYTES / sizeof(uint64_t)];
};

static_assert(offsetof(struct copies_block, bytes) % COPIES_ALIGN == ROW_HEADER_BYTES % COPIES_ALIGN, "as payloads");

struct copies {
    char *next, *small_end; /* in the present block; a small copy that begins at small_end or before has room */
    struct copies_block *first, *present;
};

void copies_fini(struct copies *copies);

/* Makes another block the present one. False when out of memory. */
NOINLINE bool copies_grow(struct copies *copies);

static inline void copies_reset(struct copies *copies)
{
    copies->present = copies->first;
    copies->next = copies->first ? (char *)copies->first->bytes : NULL;
    copies->small_end = copies->first ? copies->next + COPIES_BLOCK_BYTES - COPIES_SMALL_BYTES : NULL;
}

/* Room for up to `bytes` (a payload's most at a time); NULL when out of memory. It is taken by copies_use. */
static inline void *copies_reserve(struct copies *copies, size_t bytes)
{
    ptrdiff_t left = copies->small_end - copies->next + COPIES_SMALL_BYTES;
    if (UNLIKELY(left < (ptrdiff_t)row_words_bytes(bytes)) && !copies_grow(copies))
        return NULL;
    return copies->next;
}

/* What the copy of a payload takes. */
static inline size_t copies_bytes(size_t bytes)
{
    return (row_words_bytes(bytes) + COPIES_ALIGN - 1) / COPIES_ALIGN * COPIES_ALIGN;
}

static inline void copies_use(struct copies *copies, size_t bytes)
{
    copies->next += copies_bytes(bytes);
}

/* The short way for a table whose rows are small: whether there is room without a look for memory at `next`, which the
 * caller has loaded, and its use. */
static ALWAYS_INLINE bool copies_have_small(const struct copies *copies, const void *next)
{
    return (const char *)next <= copies->small_end;
}

static ALWAYS_INLINE void copies_use_small(struct copies *copies, const struct table *table)
{
    copies->next += table->copied_bytes;
}

static inline void *copies_take(struct copies *copies, size_t bytes)
{
    void *at = copies_reserve(copies, bytes);
    if (LIKELY(at != NULL))
        copies_use(copies, bytes);
    return at;
}

#endif
