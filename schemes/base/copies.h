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

/* What a copy of a small row takes at most (store.h). So many of a transaction may be taken without a look whether
 * there is room: all others leave as much of a block. */
enum { COPIES_SMALL_BYTES = STORE_SMALL_BYTES + 2 * CACHE_LINE_BYTES, COPIES_SMALL_MAX = 768 };
enum { COPIES_LEFT_BYTES = COPIES_SMALL_MAX * COPIES_SMALL_BYTES };

struct copies_block {
    struct copies_block *next;
    uint64_t bytes[COPIES_BLOCK_BYTES / sizeof(uint64_t)];
};

static_assert(offsetof(struct copies_block, bytes) % COPIES_ALIGN == ROW_HEADER_BYTES % COPIES_ALIGN, "as payloads");

struct copies {
    char *next, *end; /* in the present block; from `end` on small copies only */
    struct copies_block *first, *present;
};

void copies_fini(struct copies *copies);

/* Makes another block the present one. False when out of memory. */
NOINLINE bool copies_grow(struct copies *copies);

static inline void copies_reset(struct copies *copies)
{
    copies->present = copies->first;
    copies->next = copies->first ? (char *)copies->first->bytes : NULL;
    copies->end = copies->first ? copies->next + COPIES_BLOCK_BYTES - COPIES_LEFT_BYTES : NULL;
}

/* Room for up to `bytes` (a payload's most at a time); NULL when out of memory. It is taken by copies_use. */
static inline void *copies_reserve(struct copies *copies, size_t bytes)
{
    if (UNLIKELY(copies->end - copies->next < (ptrdiff_t)row_words_bytes(bytes)) && !copies_grow(copies))
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

/* The short way for a table whose rows are small: what is at `next` is taken, which has room for the first
 * COPIES_SMALL_MAX of a transaction. */
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
