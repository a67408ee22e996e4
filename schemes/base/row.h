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

#include "engine/base/compiler.h"
#include "engine/base/mem.h"

enum { ROW_HEADER_BYTES = 24, ROW_TAIL_BYTES = 4, ROW_WORD_BYTES = 8 };
/* Where rows have several versions (chain.h): of a row, and of a version in front of its payload; and up to which size
 * a payload has room in the row. */
enum { CHAIN_ROW_BYTES = 40, CHAIN_VERSION_BYTES = 40, CHAIN_INLINE_MAX_BYTES = 216 };

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

/*
 * Copies take whole lines of a row, of which the first one begins with the header. So a loop has few steps, and none
 * that ends earlier or later by a row's size. What a copy costs is less its instructions than how many of them wait for
 * a row that is not in a cache: they keep the CPU from beginning with the next request.
 */
enum { ROW_LINE_WORDS = CACHE_LINE_BYTES / ROW_WORD_BYTES };
enum { ROW_USUAL_LINES = 2 }; /* that most rows have; copies have no loop for these */
enum { ROW_FIRST_WORDS = (CACHE_LINE_BYTES - ROW_HEADER_BYTES) / ROW_WORD_BYTES };
static_assert(ROW_FIRST_WORDS % 2 == 1, "pairs of words do not cross a line's end");

static inline size_t row_lines(size_t bytes)
{
    return (ROW_HEADER_BYTES + bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES;
}

/* Bytes of a buffer into which so many lines can be copied; a payload of `bytes` can. */
static inline size_t row_lines_bytes(size_t lines)
{
    return lines * CACHE_LINE_BYTES - ROW_HEADER_BYTES;
}

static inline size_t row_words_bytes(size_t bytes)
{
    return row_lines_bytes(row_lines(bytes));
}

/*
 * Moves two words. x86 loads in the program's order and stores so, too, and never splits an aligned word, which is all
 * that ORD-ROW-1 asks for. So one load and one store do. ThreadSanitizer would not know that: debug builds, and other
 * machines, move word by word.
 */
#if defined(__x86_64__) && !defined(MAE_DEBUG)
enum { ROW_PAIRS = 1 };
struct word_pair {
    uint64_t words[2];
};

static ALWAYS_INLINE void move_pair(void *to, const void *from)
{
    __asm__ volatile("movups %1, %%xmm0\n\tmovups %%xmm0, %0"
                     : "=m"(*(struct word_pair *)to)
                     : "m"(*(const struct word_pair *)from)
                     : "xmm0", "memory");
}
#else
enum { ROW_PAIRS = 0 };
static ALWAYS_INLINE void move_pair(void *to, const void *from)
{
    (void)to, (void)from; /* never called */
}
#endif

static ALWAYS_INLINE void words_out(uint64_t *to, const _Atomic uint64_t *from, unsigned count)
{
    unsigned i = 0;
#pragma GCC unroll 8
    for (; i < (ROW_PAIRS ? count % 2 : count); i++)
        to[i] = atomic_load_explicit(&from[i], memory_order_acquire); /* ORD-ROW-1 */
#pragma GCC unroll 4
    for (; i < count; i += 2)
        move_pair(&to[i], &from[i]);
}

static ALWAYS_INLINE void words_in(_Atomic uint64_t *to, const uint64_t *from, unsigned count)
{
    unsigned i = 0;
#pragma GCC unroll 8
    for (; i < (ROW_PAIRS ? count % 2 : count); i++)
        atomic_store_explicit(&to[i], from[i], memory_order_release); /* ORD-ROW-1 */
#pragma GCC unroll 4
    for (; i < count; i += 2)
        move_pair(&to[i], &from[i]);
}

/* Copies so many lines of a payload out. */
static ALWAYS_INLINE void row_copy_lines_out(void *to, struct row *row, size_t lines)
{
    const _Atomic uint64_t *from = row_payload(row);
    uint64_t *words = to;
    words_out(words, from, ROW_FIRST_WORDS);
    if (LIKELY(lines == ROW_USUAL_LINES)) {
        words_out(words + ROW_FIRST_WORDS, from + ROW_FIRST_WORDS, ROW_LINE_WORDS);
        return;
    }
    while (--lines > 0) {
        words_out(words + ROW_FIRST_WORDS, from + ROW_FIRST_WORDS, ROW_LINE_WORDS);
        words += ROW_LINE_WORDS;
        from += ROW_LINE_WORDS;
        FORGET(lines); /* else the loop would compare addresses, which the CPU may have to wait for */
    }
}

static ALWAYS_INLINE void row_copy_out(void *to, struct row *row, size_t bytes)
{
    row_copy_lines_out(to, row, row_lines(bytes));
}

/* Copies the lines of a payload in; the row is locked. */
static ALWAYS_INLINE void row_copy_in(struct row *row, const void *from, size_t bytes)
{
    _Atomic uint64_t *to = row_payload(row);
    const uint64_t *words = from;
    size_t lines = row_lines(bytes);
    words_in(to, words, ROW_FIRST_WORDS);
    if (LIKELY(lines == ROW_USUAL_LINES)) {
        words_in(to + ROW_FIRST_WORDS, words + ROW_FIRST_WORDS, ROW_LINE_WORDS);
        return;
    }
    while (--lines > 0) {
        words_in(to + ROW_FIRST_WORDS, words + ROW_FIRST_WORDS, ROW_LINE_WORDS);
        words += ROW_LINE_WORDS;
        to += ROW_LINE_WORDS;
    }
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
