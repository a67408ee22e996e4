/*
 * window.h - a part of a segment in memory, read and checked by several threads.
 *
 * The window moves over the segment, from its beginning to its end. Whoever looks at the blocks in it does so alone and
 * in their order, and finds that they have been checked: the threads have gone from header to header and taken the
 * checksums of what looked like blocks. That is a guess, and whatever it has missed is checked when it is asked for.
 * Checked by: tests/unit/durable/window.c, tests/crash.   Not here: what the blocks mean (scan.h).
 */
#ifndef ENGINE_DURABLE_WINDOW_H
#define ENGINE_DURABLE_WINDOW_H

#include <stdatomic.h>

#include "engine/log/block.h"

enum window_verdict { WINDOW_UNCHECKED, WINDOW_BAD, WINDOW_GOOD };

struct window {
    unsigned threads;
    uint64_t database; /* whose blocks are good */
    char *memory;      /* `capacity` bytes */
    size_t capacity, bytes;
    uint64_t offset; /* of memory[0] in the file */
    uint64_t file_bytes;
    int file;
    bool is_end;             /* nothing of the file comes behind */
    unsigned char *verdicts; /* on what begins at each FILE_BLOCK_BYTES of the memory */
    /* For the threads. */
    size_t *candidates; /* where there may be a block, to be checked */
    size_t candidate_count;
    int64_t *got; /* what the read of each slice has returned */
    size_t kept, wanted, slice_count;
    _Atomic size_t next; /* slice or candidate */
};

/* False: no memory. To be ended with window_fini in any case. */
bool window_init(struct window *window, unsigned threads, uint64_t database);
void window_fini(struct window *window);

/* Begins with this file; nothing of it is in memory yet. Negative errno, or 0. */
int window_open(struct window *window, int file);

/* Lets go of the first `used` bytes, a multiple of FILE_BLOCK_BYTES, and reads on. Returns how many bytes have been
 * read, or a negative errno. */
int64_t window_move(struct window *window, size_t used);

/* Whether all of a block that begins at `at` would be in memory. Else the window has to be moved first. */
static inline bool window_reaches(const struct window *window, size_t at)
{
    size_t left = at < window->bytes ? window->bytes - at : 0; /* a file that was cut short may lack the padding */
    return left >= BLOCK_MAX_BYTES || (window->is_end && left >= FILE_BLOCK_BYTES);
}

/* Whether a whole and undamaged block of the database begins at `at`. */
bool window_has_block(const struct window *window, size_t at);

#endif
