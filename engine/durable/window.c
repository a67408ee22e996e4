/* window.c - see window.h. */
#include "engine/durable/window.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/base/parallel.h"
#include "engine/base/thread.h"

enum {
    REST_BYTES = BLOCK_MAX_BYTES, /* of a part: place for what is left of the one before */
    THREADS_MAX = 8,              /* so that parts are not too large; more threads read them, too */
#ifdef MAE_DEBUG
    THREAD_BYTES = 0,
    PART_LEAST_BYTES = REST_BYTES + (1 << 20),
    SLICE_BYTES = 16 << 10,
#else
    THREAD_BYTES = 2 << 20,
    PART_LEAST_BYTES = 4 << 20,
    SLICE_BYTES = 1 << 20,
#endif
};

bool window_init(struct window *window, unsigned threads, uint64_t database, bool reads_ahead)
{
    threads = threads > 0 ? threads : 1;
    *window = (struct window){.threads = threads, .database = database, .reads_ahead = reads_ahead};
    window->part_bytes = (size_t)THREAD_BYTES * (threads < THREADS_MAX ? threads : THREADS_MAX);
    if (window->part_bytes < PART_LEAST_BYTES)
        window->part_bytes = PART_LEAST_BYTES;
    const size_t places = window->part_bytes / FILE_BLOCK_BYTES;
    for (unsigned i = 0; i < 2; i++)
        window->parts[i] = aligned_alloc(FILE_BLOCK_BYTES, window->part_bytes);
    window->verdicts = mem_alloc(places);
    window->candidates = mem_alloc(places * sizeof *window->candidates);
    window->reading.threads = threads;
    window->reading.got = mem_alloc((window->part_bytes / SLICE_BYTES + 1) * sizeof *window->reading.got);
    return window->parts[0] && window->parts[1] && window->verdicts && window->candidates && window->reading.got;
}

void window_fini(struct window *window)
{
    free(window->parts[0]);
    free(window->parts[1]);
    free(window->verdicts);
    free(window->candidates);
    free(window->reading.got);
}

static bool is_there(const struct window *window)
{
    return window->image && window->image->is_read;
}

int window_open(struct window *window, int file, struct window_image *image)
{
    window->image = image && image->memory ? image : NULL;
    int64_t bytes = is_there(window) ? (int64_t)image->bytes : file_calls->size(file);
    if (bytes < 0)
        return (int)bytes;
    if (window->image && (uint64_t)bytes > image->bytes)
        window->image = NULL;
    window->file = file;
    window->file_bytes = (uint64_t)bytes;
    window->memory = window->parts[window->shown];
    window->offset = 0;
    window->bytes = 0;
    window->is_end = false;
    window->reading.most_bytes = SLICE_BYTES;
    return 0;
}

/* ---- Reading. ---- */

/* Gives `count` pieces of work to as many of the threads as have one each; `next` is the first that nobody has. */
static void share(unsigned threads, size_t count, _Atomic size_t *next, void (*work)(void *arg, unsigned i), void *arg)
{
    atomic_store_explicit(next, 0, memory_order_relaxed); /* before there are threads */
    if (count > 0)
        parallel_run(count < threads ? (unsigned)count : threads, work, arg);
}

static size_t slice_bytes(const struct window_reading *reading, size_t i)
{
    size_t left = reading->bytes - i * SLICE_BYTES;
    return left < SLICE_BYTES ? left : SLICE_BYTES;
}

static void read_slices(void *arg, unsigned thread)
{
    struct window_reading *reading = arg;
    (void)thread;
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&reading->next, 1, memory_order_relaxed); /* who reads what is all one */
        if (i >= reading->slice_count)
            return;
        size_t at = i * SLICE_BYTES;
        reading->got[i] =
            file_calls->read(reading->file, reading->memory + at, slice_bytes(reading, i), reading->offset + at);
    }
}

static void *read_all(void *arg)
{
    struct window_reading *reading = arg;
    share(reading->threads, reading->slice_count, &reading->next, read_slices, reading);
    return NULL;
}

/* Says what comes behind the window, and where it is to go. */
static void reading_begin(struct window *window)
{
    struct window_reading *reading = &window->reading;
    const uint64_t end = window->offset + window->bytes, left = window->file_bytes - end;
    const size_t room = window->part_bytes - REST_BYTES;
    MAE_DCHECK(end <= window->file_bytes);
    reading->is_wanted = true;
    reading->file = window->file;
    reading->offset = end;
    reading->memory = window->image ? window->image->memory + end : window->parts[!window->shown] + REST_BYTES;
    reading->bytes = left < reading->most_bytes ? (size_t)left : reading->most_bytes;
    reading->most_bytes = 2 * reading->most_bytes < room ? 2 * reading->most_bytes : room;
    reading->slice_count = is_there(window) ? 0 : (reading->bytes + SLICE_BYTES - 1) / SLICE_BYTES;
}

static void read_ahead(struct window *window)
{
    struct window_reading *reading = &window->reading;
    if (!window->reads_ahead || window->is_end || is_there(window))
        return;
    reading_begin(window);
    reading->is_ahead = thread_start(&reading->thread, read_all, reading); /* else it is read when it is needed */
}

static void wait_for_ahead(struct window_reading *reading)
{
    if (reading->is_ahead)
        (void)pthread_join(reading->thread, NULL);
    reading->is_ahead = false;
}

/* Reads what comes behind the window, unless it has been read ahead. */
static int64_t read_on(struct window *window)
{
    struct window_reading *reading = &window->reading;
    if (!reading->is_wanted)
        reading_begin(window);
    if (reading->is_ahead)
        wait_for_ahead(reading);
    else
        (void)read_all(reading);
    reading->is_wanted = false;
    int64_t got = is_there(window) ? (int64_t)reading->bytes : 0;
    bool is_short = false;
    for (size_t i = 0; i < reading->slice_count && !is_short; i++) {
        if (reading->got[i] < 0)
            return reading->got[i];
        is_short = (size_t)reading->got[i] < slice_bytes(reading, i); /* the file has been made shorter meanwhile */
        got += reading->got[i];
    }
    window->is_end = is_short || reading->offset + reading->bytes == window->file_bytes;
    if (window->image && (window->is_end || MUTATED(kept_in_part))) {
        window->image->bytes = reading->offset + (uint64_t)got;
        window->image->is_read = true;
    }
    return got;
}

void window_close(struct window *window)
{
    wait_for_ahead(&window->reading);
    window->reading.is_wanted = false;
}

/* Shows what has been read, behind what is left of the window. */
static void show(struct window *window, size_t used, size_t got)
{
    const size_t rest = window->bytes - used;
    MAE_DCHECK(rest <= REST_BYTES && rest % FILE_BLOCK_BYTES == 0);
    char *memory = window->reading.memory - rest;
    if (!window->image)
        memcpy(memory, window->memory + used, rest); /* in an image it stands there */
    window->shown = !window->shown;
    window->memory = memory;
    window->offset += used;
    window->bytes = rest + got;
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
        size_t i = atomic_fetch_add_explicit(&window->next_candidate, 1, memory_order_relaxed); /* as for slices */
        if (i >= window->candidate_count)
            return;
        const size_t at = window->candidates[i];
        window->verdicts[at / FILE_BLOCK_BYTES] = is_good(window, at) ? WINDOW_GOOD : WINDOW_BAD;
    }
}

static void check(struct window *window)
{
    memset(window->verdicts, WINDOW_UNCHECKED, window->part_bytes / FILE_BLOCK_BYTES);
    find_candidates(window);
    share(window->threads, window->candidate_count, &window->next_candidate, check_candidates, window);
}

int64_t window_move(struct window *window, size_t used)
{
    MAE_DCHECK(used <= window->bytes && used % FILE_BLOCK_BYTES == 0);
    int64_t got = read_on(window);
    if (got < 0)
        return got;
    show(window, used, (size_t)got);
    read_ahead(window);
    check(window);
    return got;
}

bool window_has_block(const struct window *window, size_t at)
{
    MAE_DCHECK(window_reaches(window, at) && at % FILE_BLOCK_BYTES == 0);
    const enum window_verdict verdict = window->verdicts[at / FILE_BLOCK_BYTES];
    return verdict == WINDOW_UNCHECKED ? is_good(window, at) : verdict == WINDOW_GOOD;
}
