/*
 * row.h - a row: a header with the scheme's words, and the payload behind it.
 *
 * The layout is the native engine's and bare's, so that a comparison compares schemes: {24-byte header, payload} and 4
 * more bytes, rounded up to whole cache lines (store.h).
 *   R1  `size` is the payload's size + 1; 0: the row is absent. Fresh memory is zeros, so a row begins absent.
 *   R2  Size and payload change only while the scheme's word says that the row is locked. They are stored with release
 *       and loaded with acquire, 8 bytes of payload at a time. A reader that finds the same unlocked word before and
 *       after has a payload that was there all the time in between (ORD-ROW-1).
 *   R3  The scheme's words go on when a row is used again; they are never reset.
 * A scheme whose readers lock the row may use plain accesses in place of those of R2.
 */
#ifndef SCHEMES_BASE_ROW_H
#define SCHEMES_BASE_ROW_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ROW_HEADER_BYTES = 24, ROW_TAIL_BYTES = 4, ROW_WORD_BYTES = 8 };
/* Where rows have several versions (chain.h): of a row, and of a version in front of its payload. */
enum { CHAIN_ROW_BYTES = 56, CHAIN_VERSION_BYTES = 64 };

struct row {
    _Atomic uint64_t word;   /* the scheme's */
    _Atomic uint64_t second; /* the scheme's, if one is not enough */
    _Atomic uint32_t size;   /* R1 */
    uint32_t table;          /* number of its table; written when the row is taken */
};
static_assert(sizeof(struct row) == ROW_HEADER_BYTES, "as native's version header");

static inline void *row_payload(struct row *row)
{
    return row + 1;
}

/* Bytes of a buffer into which a payload of `bytes` can be copied word by word. */
static inline size_t row_words_bytes(size_t bytes)
{
    return (bytes + ROW_WORD_BYTES - 1) / ROW_WORD_BYTES * ROW_WORD_BYTES;
}

/* Copies the payload out, whole words. */
static inline void row_copy_out(void *to, struct row *row, size_t bytes)
{
    const _Atomic uint64_t *from = row_payload(row);
    uint64_t *words = to;
    size_t count = row_words_bytes(bytes) / ROW_WORD_BYTES;
#pragma GCC unroll 4
    for (size_t i = 0; i < count; i++)
        words[i] = atomic_load_explicit(&from[i], memory_order_acquire); /* ORD-ROW-1 */
}

/* Copies a payload in; the row is locked. */
static inline void row_copy_in(struct row *row, const void *from, size_t bytes)
{
    _Atomic uint64_t *to = row_payload(row);
    const uint64_t *words = from;
    size_t count = row_words_bytes(bytes) / ROW_WORD_BYTES;
#pragma GCC unroll 4
    for (size_t i = 0; i < count; i++)
        atomic_store_explicit(&to[i], words[i], memory_order_release); /* ORD-ROW-1 */
}

static inline uint32_t row_size(const struct row *row)
{
    return atomic_load_explicit(&row->size, memory_order_acquire); /* ORD-ROW-1 */
}

static inline void row_set_size(struct row *row, uint32_t size)
{
    atomic_store_explicit(&row->size, size, memory_order_release); /* ORD-ROW-1 */
}

#endif
