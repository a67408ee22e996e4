/* window.c - see window.h. */
#include "engine/durable/window.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/base/parallel.h"

enum {
    THREAD_BYTES = 4 << 20, /* of the window */
    THREADS_MAX = 8,        /* so that it is not too large; more threads read it, too */
#ifdef MAE_DEBUG
    SLICE_BYTES = 64 << 10,
#else
    SLICE_BYTES = 1 << 20,
#endif
};

bool window_init(struct window *window, unsigned threads, uint64_t database)
{
    threads = threads > 0 ? threads : 1;
    *window = (struct window){.threads = threads, .database = database};
    window->capacity = (size_t)THREAD_BYTES * (threads < THREADS_MAX ? threads : THREADS_MAX);
    const size_t places = window->capacity / FILE_BLOCK_BYTES;
    window->memory = aligned_alloc(FILE_BLOCK_BYTES, window->capacity);
    window->verdicts = mem_alloc(places);
    window->candidates = mem_alloc(places * sizeof *window->candidates);
    window->got = mem_alloc((window->capacity / SLICE_BYTES + 1) * sizeof *window->got);
    return window->memory && window->verdicts && window->candidates && window->got;
}

void window_fini(struct window *window)
{
    free(window->memory);
    free(window->verdicts);
    free(window->candidates);
    free(window->got);
}

int window_open(struct window *window, int file)
{
    int64_t bytes = file_calls->size(file);
    if (bytes < 0)
        return (int)bytes;
    window->file = file;
    window->file_bytes = (uint64_t)bytes;
    window->offset = 0;
    window->bytes = 0;
    window->is_end = false;
    return 0;
}

/* Gives `count` pieces of work to as many threads as have one each. */
static void share(struct window *window, size_t count, void (*work)(void *arg, unsigned i))
{
    unsigned threads = count < window->threads ? (unsigned)count : window->threads;
    atomic_store_explicit(&window->next, 0, memory_order_relaxed); /* before there are threads */
    if (threads > 0)
        parallel_run(threads, work, window);
}

/* ---- Reading. ---- */

static size_t slice_bytes(const struct window *window, size_t i)
{
    size_t left = window->wanted - i * SLICE_BYTES;
    return left < SLICE_BYTES ? left : SLICE_BYTES;
}

static void read_slices(void *arg, unsigned thread)
{
    struct window *window = arg;
    (void)thread;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&window->next, 1, memory_order_relaxed); /* who reads what is all one */
        if (i >= window->slice_count)
            return;
        size_t at = window->kept + i * SLICE_BYTES;
        window->got[i] =
            file_calls->read(window->file, window->memory + at, slice_bytes(window, i), window->offset + at);
    }
}

/* Fills the window behind what is kept. */
static int64_t fill(struct window *window)
{
    const uint64_t left = window->file_bytes - (window->offset + window->kept);
    const size_t room = window->capacity - window->kept;
    size_t got = 0;
    window->wanted = left < room ? (size_t)left : room;
    window->slice_count = (window->wanted + SLICE_BYTES - 1) / SLICE_BYTES;
    share(window, window->slice_count, read_slices);
    bool is_short = false;
    for (size_t i = 0; i < window->slice_count && !is_short; i++) {
        if (window->got[i] < 0)
            return window->got[i];
        is_short = (size_t)window->got[i] < slice_bytes(window, i); /* the file has been made shorter meanwhile */
        got += (size_t)window->got[i];
    }
    window->bytes = window->kept + got;
    window->is_end = is_short || left <= room;
    return (int64_t)got;
}

/* ---- Checking. ---- */

/* Goes from header to header, and takes what stands there on trust. */
static void find_candidates(struct window *window)
{
    window->candidate_count = 0;
    for (size_t at = 0; window_reaches(window, at);) {
        const struct block *block = (const struct block *)(const void *)(window->memory + at);
        if (block->magic != BLOCK_MAGIC || block->bytes < sizeof *block || block->bytes > window->bytes - at ||
            block->bytes > BLOCK_MAX_BYTES) {
            at += FILE_BLOCK_BYTES;
            continue;
        }
        window->candidates[window->candidate_count++] = at;
        at += padded(block->bytes, FILE_BLOCK_BYTES);
    }
}

static bool is_good(const struct window *window, size_t at)
{
    const struct block *block = (const struct block *)(const void *)(window->memory + at);
    return block_is_good(block, window->bytes - at, window->database);
}

static void check_candidates(void *arg, unsigned thread)
{
    struct window *window = arg;
    (void)thread;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&window->next, 1, memory_order_relaxed); /* who checks what is all one */
        if (i >= window->candidate_count)
            return;
        const size_t at = window->candidates[i];
        window->verdicts[at / FILE_BLOCK_BYTES] = is_good(window, at) ? WINDOW_GOOD : WINDOW_BAD;
    }
}

int64_t window_move(struct window *window, size_t used)
{
    MAE_DCHECK(used <= window->bytes && used % FILE_BLOCK_BYTES == 0);
    window->kept = window->bytes - used;
    memmove(window->memory, window->memory + used, window->kept);
    window->offset += used;
    int64_t got = fill(window);
    if (got < 0)
        return got;
    memset(window->verdicts, WINDOW_UNCHECKED, window->capacity / FILE_BLOCK_BYTES);
    find_candidates(window);
    share(window, window->candidate_count, check_candidates);
    return got;
}

bool window_has_block(const struct window *window, size_t at)
{
    MAE_DCHECK(window_reaches(window, at) && at % FILE_BLOCK_BYTES == 0);
    const enum window_verdict verdict = window->verdicts[at / FILE_BLOCK_BYTES];
    return verdict == WINDOW_UNCHECKED ? is_good(window, at) : verdict == WINDOW_GOOD;
}
