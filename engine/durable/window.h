/*
 * window.h - a part of a segment in memory, read and checked by several threads.
 *
 * The window moves over the segment, from its beginning to its end. Whoever looks at the blocks in it does so alone and
 * in their order, and finds that they have been checked: the threads have gone from header to header and taken the
 * checksums of what looked like blocks. That is a guess, and whatever it has missed is checked when it is asked for.
 * If that is wanted, what comes next is read meanwhile, into a second part of memory. And if there is memory for all of
 * the file, what has been read stays there for the next time.
 *
 * Checked by: tests/unit/durable/window.c, tests/crash.   Not here: what the blocks mean (scan.h).
 */
#ifndef ENGINE_DURABLE_WINDOW_H
#define ENGINE_DURABLE_WINDOW_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/log/block.h"

enum window_verdict { WINDOW_UNCHECKED, WINDOW_BAD, WINDOW_GOOD };

/* What is read at once, in slices, by several threads. */
struct window_reading {
    bool is_wanted; /* begun, and not in the window yet */
    bool is_ahead;  /* `thread` is reading it, or has read it */
    pthread_t thread;
    unsigned threads;
    int file;
    uint64_t offset;
    char *memory;      /* before it is place for what is left of the window */
    size_t most_bytes; /* that are read next. Little at first, since nobody has anything to look at meanwhile */
    size_t bytes, slice_count;
    int64_t *got; /* what the read of each slice has returned */
    _Atomic size_t next;
};

/* All of a file, in memory. Who reads a file again looks at what has been read. */
struct window_image {
    char *memory; /* of `bytes` bytes; NULL: there is none */
    uint64_t bytes;
    bool is_read; /* the first time has come to the file's end, and `bytes` are the file's */
};

struct window {
    unsigned threads;
    uint64_t database; /* whose blocks are good */
    bool reads_ahead;
    char *memory; /* of the file: what can be looked at */
    size_t bytes;
    uint64_t offset; /* of memory[0] in the file */
    uint64_t file_bytes;
    int file;
    bool is_end;             /* nothing of the file comes behind */
    unsigned char *verdicts; /* on what begins at each FILE_BLOCK_BYTES of the memory */
    char *parts[2];          /* of `part_bytes` each; the window shows something of parts[shown] */
    unsigned shown;
    size_t part_bytes;
    struct window_image *image; /* NULL, or what is shown instead of the parts */
    struct window_reading reading;
    /* For the threads that check. */
    size_t *candidates; /* where there may be a block */
    size_t candidate_count;
    _Atomic size_t next_candidate;
};

/* reads_ahead: a thread of the window's own may call `file_calls` from window_move to window_close. False: no memory.
 * To be ended with window_fini in any case. The memory: two parts of 2 MiB for each thread up to 8, 4 MiB at least. */
bool window_init(struct window *window, unsigned threads, uint64_t database, bool reads_ahead);
void window_fini(struct window *window);

/* Begins with this file; nothing of it is shown yet. `image`: where the file is read to; if it is there, the file is
 * not looked at. Without memory, or with too little, it is as NULL. It must stay until window_close, which ends this.
 * Negative errno, or 0. */
int window_open(struct window *window, int file, struct window_image *image);
/* From here on nobody reads the file, whose end the window need not have seen. */
void window_close(struct window *window);

/* Lets go of the first `used` bytes, a multiple of FILE_BLOCK_BYTES, and reads on. No more than a block of the largest
 * size is left. Returns how many more bytes are shown, or a negative errno. */
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
