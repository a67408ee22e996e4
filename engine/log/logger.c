/* logger.c - see logger.h. */
#include "engine/log/logger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/base/tsc.h"
#include "engine/base/wait.h"

enum { SLEEP_LEAST_NS = 1000000, SLEEP_MOST_NS = 16 * SLEEP_LEAST_NS, LAST_ROUNDS = 4 };
#define FULL_INTERVAL_US 10e3
#define SYNC_INTERVAL_US 1e6 /* durability=async */

#ifdef MAE_DEBUG
bool log_by_hand;
#define BY_HAND log_by_hand
#else
#define BY_HAND false
#endif

/* ---- What others see. ---- */

static void tell_waiters(struct log *log)
{
    pthread_mutex_lock(&log->lock);
    if (log->waiters > 0)
        pthread_cond_broadcast(&log->done);
    pthread_mutex_unlock(&log->lock);
}

static void acknowledge(struct log *log, uint64_t m)
{
    MAE_DCHECK(!log_has_failed(log));                                              /* D9 */
    MAE_DCHECK(m >= atomic_load_explicit(&log->durable_ts, memory_order_relaxed)); /* H3 */
    atomic_store_explicit(&log->durable_ts, m, memory_order_release);              /* ORD-15 */
    if (log->config.snapshots_below && m > atomic_load_explicit(log->config.snapshots_below, memory_order_relaxed))
        atomic_store_explicit(log->config.snapshots_below, m, memory_order_release); /* ORD-15 */
    tell_waiters(log);
}

/* D9. */
static bool fail(struct log *log)
{
    atomic_store_explicit(&log->failed, !MUTATED(failure_forgotten), memory_order_release); /* ORD-15 */
    tell_waiters(log);
    return false;
}

/* ---- A round. ---- */

/* How many bytes this round takes: all that the buffers hold now. */
static uint64_t note_filled(struct log *log)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        struct log_buffer *buffer = &log->buffers[i];
        sum += log->taking[i] = log_buffer_filled(buffer);
        /* It may be of a later record than those. Then a flush comes that would not be needed. */
        uint64_t last_ts = atomic_load_explicit(&buffer->last_ts, memory_order_relaxed);
        if (last_ts > log->highest_ts)
            log->highest_ts = last_ts;
    }
    return sum;
}

/* Whether the disk must learn of the bound m although there is no record (D3). If a record is above the last bound, any
 * higher bound is news: it may make another commit safe, and who waits for that one must not wait for a transaction
 * that is still open between the two. From time to time the disk learns of the bound in any case, so that a new life of
 * the database, which starts an hour above what is on the disk, starts above all timestamps. */
static bool bound_is_news(const struct log *log, uint64_t m)
{
    uint64_t least = log->highest_ts < log->written_m ? log->config.half_hour
                     : MUTATED(bound_withheld)        ? log->highest_ts - log->written_m
                                                      : 0;
    return m - log->written_m > least;
}

static size_t block_capacity(const struct log *log)
{
    size_t left = segments_left(&log->segments);
    return left < BLOCK_MAX_BYTES ? left : BLOCK_MAX_BYTES;
}

static void begin_block(struct log *log)
{
    MAE_DCHECK(log->synced_m <= log->written_m); /* D8: what a block says is synced has been written */
    *log->block = (struct block){
        .bytes = sizeof(struct block),
        .database = log->config.database,
        .life = log->config.life,
        .number = log->block_number++,
        .flush = log->flush_number,
        .synced = log->synced_m,
    };
}

static bool write_block(struct log *log)
{
    MAE_DCHECK(log->block->is_last || log->block->bytes > sizeof(struct block)); /* else it would hold nothing */
    size_t bytes = padded(log->block->bytes, FILE_BLOCK_BYTES);
    memset((char *)log->block + log->block->bytes, 0, bytes - log->block->bytes);
    block_seal(log->block);
    atomic_store_explicit(&log->written_bytes, atomic_load_explicit(&log->written_bytes, memory_order_relaxed) + bytes,
                          memory_order_relaxed);
    segments_note_block(&log->segments, log->block->number,
                        log->flush_number + (log->block->number != log->first_block));
    return segments_write(&log->segments, log->block, bytes, log->highest_ts) == 0;
}

/* Moves `bytes` bytes from the buffer into blocks. */
static bool write_buffer(struct log *log, struct log_buffer *buffer, uint64_t bytes)
{
    while (bytes > 0) {
        size_t capacity = block_capacity(log), used = log->block->bytes;
        if (used == capacity) {
            if (!write_block(log))
                return false;
            begin_block(log);
            continue;
        }
        size_t part = bytes < capacity - used ? (size_t)bytes : capacity - used;
        log_buffer_take(buffer, (char *)log->block + used, part);
        log->block->bytes += (uint32_t)part;
        bytes -= part;
    }
    return true;
}

static bool write_flush(struct log *log, uint64_t m)
{
    MAE_DCHECK(m >= log->written_m); /* H3: bounds never go back */
    log->first_block = log->block_number;
    begin_block(log);
    for (unsigned i = 0; i < HORIZON_SLOTS; i++)
        if (log->taking[i] > 0 && !write_buffer(log, &log->buffers[i], log->taking[i]))
            return false;
    log->block->is_last = 1;
    log->block->bound = m;
    if (!write_block(log))
        return false;
    log->flush_number++;
    log->written_m = m;
    return true;
}

static bool sync_written(struct log *log, uint64_t now)
{
    if (!MUTATED(sync_skipped) && segments_sync(&log->segments) != 0)
        return false;
    log->synced_ticks = now;
    log->synced_m = log->written_m;
    log->synced_flush = log->flush_number - 1;
    return true;
}

static bool sync_flush(struct log *log, uint64_t m)
{
    MAE_DCHECK(m == log->written_m); /* D3 */
    uint64_t now = tsc_now();
    bool due = log->config.durability != DURABILITY_ASYNC ||
               (double)(now - log->synced_ticks) > SYNC_INTERVAL_US * tsc_ticks_per_us();
    return !due || sync_written(log, now);
}

/* ---- What checkpoints ask. ---- */

static struct log_kept find_kept(const struct log *log, uint64_t start_ts)
{
    const struct segment_used *needed = segments_needed(&log->segments, start_ts, log->synced_flush);
    struct log_kept kept = {.bound = log->synced_m, .segment = log->config.next_segment, .block = 1, .flush = 1};
    if (needed) {
        kept.segment = needed->number;
        kept.block = needed->block;
        kept.flush = needed->flush;
    }
    return kept;
}

/* False: the log fails. It must not have failed before: a second sync would say nothing of what the first has lost. */
static bool answer(struct log *log)
{
    MAE_DCHECK(!log_has_failed(log)); /* D9 */
    pthread_mutex_lock(&log->lock);
    bool asked = log->asked;
    uint64_t start_ts = log->asked_start, below = log->release_below;
    pthread_mutex_unlock(&log->lock);
    segments_release(&log->segments, below);
    if (!asked)
        return true;
    if (log->synced_m != log->written_m && !sync_written(log, tsc_now()))
        return false;
    pthread_mutex_lock(&log->lock);
    log->kept = find_kept(log, start_ts);
    log->asked = false;
    pthread_cond_broadcast(&log->done);
    pthread_mutex_unlock(&log->lock);
    return true;
}

/* Space for the records, a header for each block and the padding behind the last. Blocks that a segment's end cuts
 * short have headers, too. */
static uint64_t space_for(const struct log *log, uint64_t bytes)
{
    uint64_t blocks = bytes / (BLOCK_MAX_BYTES - sizeof(struct block)) + bytes / log->config.segment_bytes + 4;
    return bytes + blocks * sizeof(struct block) + 2 * FILE_BLOCK_BYTES;
}

/* -ENOSPC: the round has to wait. A full disk is asked again only after a while. */
static int make_room(struct log *log, uint64_t bytes)
{
    uint64_t now = tsc_now();
    if (atomic_load_explicit(&log->full, memory_order_relaxed) &&
        (double)(now - log->full_ticks) < FULL_INTERVAL_US * tsc_ticks_per_us())
        return -ENOSPC;
    int result = segments_make_room(&log->segments, space_for(log, bytes));
    atomic_store_explicit(&log->full, result == -ENOSPC, memory_order_relaxed);
    log->full_ticks = now;
    return result;
}

static bool round_of(struct log *log)
{
    if (log_has_failed(log))
        return false;
    if (!answer(log))
        return fail(log);
    uint64_t m = MUTATED(bound_too_late) ? 0 : log->config.bound(log->config.arg); /* D2: before the buffers */
    RACE(LOG_TAKE);
    uint64_t bytes = note_filled(log);
    RACE(LOG_TAKE);
    if (MUTATED(bound_too_late))
        m = log->config.bound(log->config.arg);
    if (bytes == 0 && (!bound_is_news(log, m) || MUTATED(bound_unwritten))) {
        if (log->highest_ts < log->written_m || MUTATED(bound_unwritten))
            acknowledge(log, m); /* D3 */
        return false;
    }
    int result = make_room(log, bytes);
    if (result == -ENOSPC)
        return false;
    if (result != 0 || !write_flush(log, m) || !sync_flush(log, m))
        return fail(log);
    atomic_store_explicit(&log->flushes, log->flush_number - 1, memory_order_relaxed);
    acknowledge(log, m);
    return true;
}

/* Without a thread: whoever waits for the logger makes its rounds, one at a time, and the teller tells here. */
static bool round_by_hand(struct log *log)
{
    bool written = false;
    if (!log->in_round) {
        log->in_round = true;
        written = round_of(log);
        if (!log_has_failed(log))
            teller_tell(&log->teller, log_durable_ts(log), MAE_OK);
        log->in_round = false;
    }
    if (!written)
        RACE(WAIT_LOG); /* for somebody else */
    return written;
}

bool log_round(struct log *log)
{
    return log->runs ? round_of(log) : round_by_hand(log);
}

/* ---- The thread. ---- */

/* True if somebody has woken the thread. */
static bool sleep_for(struct log *log, uint64_t ns)
{
    struct timespec until = wait_deadline(ns);
    pthread_mutex_lock(&log->lock);
    if (!log->stop && !log->woken)
        pthread_cond_timedwait(&log->wake, &log->lock, &until);
    bool woken = log->woken;
    log->woken = false;
    pthread_mutex_unlock(&log->lock);
    return woken;
}

static bool is_stopped(struct log *log)
{
    pthread_mutex_lock(&log->lock);
    bool stop = log->stop;
    pthread_mutex_unlock(&log->lock);
    return stop;
}

/*
 * After a flush: the next one shall be large, since each costs calls of the system, the parking of silent workers and
 * padding. While the disk syncs, the next one comes together by itself. Where flushes are quick, the logger sleeps as
 * long as the last one took, so that a commit is still safe two flush times later on average. With durability=async
 * nobody waits for a disk. Whoever waits for the log, or for room in a buffer, ends the sleep.
 */
static void pace(struct log *log, uint64_t began)
{
    double took_ns = (double)(tsc_now() - began) / tsc_ticks_per_us() * 1000;
    if (log->config.durability == DURABILITY_ASYNC)
        (void)sleep_for(log, SLEEP_LEAST_NS);
    else if (took_ns < SLEEP_LEAST_NS)
        (void)sleep_for(log, (uint64_t)took_ns);
}

static void *run(void *arg)
{
    struct log *log = arg;
    for (uint64_t sleep_ns = SLEEP_LEAST_NS; !is_stopped(log);) {
        uint64_t began = tsc_now();
        if (log_round(log)) {
            sleep_ns = SLEEP_LEAST_NS;
            pace(log, began);
            continue;
        }
        bool woken = sleep_for(log, sleep_ns);
        sleep_ns = woken ? SLEEP_LEAST_NS : sleep_ns < SLEEP_MOST_NS ? 2 * sleep_ns : sleep_ns;
    }
    return NULL;
}

void log_wake(struct log *log)
{
    if (!log->runs) {
        (void)log_round(log);
        return;
    }
    pthread_mutex_lock(&log->lock);
    log->woken = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
}

enum mae_status log_wait(struct log *log, uint64_t ts)
{
    while (!log->runs && log_durable_ts(log) <= ts && !log_has_failed(log))
        (void)log_round(log);
    pthread_mutex_lock(&log->lock);
    log->waiters++;
    while (log_durable_ts(log) <= ts && !log_has_failed(log) && !log->ended) {
        log->woken = true;
        pthread_cond_signal(&log->wake);
        pthread_cond_wait(&log->done, &log->lock);
    }
    log->waiters--;
    pthread_mutex_unlock(&log->lock);
    return log_durable_ts(log) > ts ? MAE_OK : MAE_IO_UNKNOWN;
}

enum mae_status log_secure(struct log *log, uint64_t start_ts, uint64_t end_ts, struct log_kept *kept)
{
    MAE_DCHECK(start_ts <= end_ts);
    if (log_wait(log, end_ts - 1) != MAE_OK)
        return MAE_IO;
    pthread_mutex_lock(&log->lock);
    log->asked_start = start_ts;
    log->asked = true;
    log->woken = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
    while (!log->runs && log->asked && !log_has_failed(log))
        (void)log_round(log);
    pthread_mutex_lock(&log->lock);
    log->waiters++;
    while (log->asked && !log_has_failed(log))
        pthread_cond_wait(&log->done, &log->lock);
    log->waiters--;
    *kept = log->kept;
    enum mae_status status = log->asked ? MAE_IO : MAE_OK;
    log->asked = false;
    pthread_mutex_unlock(&log->lock);
    return status;
}

void log_release(struct log *log, uint64_t segment)
{
    pthread_mutex_lock(&log->lock);
    log->release_below = segment;
    pthread_mutex_unlock(&log->lock);
}

static enum mae_status await(void *arg, uint64_t ts, uint64_t *safe_ts)
{
    enum mae_status status = log_wait(arg, ts);
    *safe_ts = log_durable_ts(arg);
    return status;
}

/* ---- Beginning and end. ---- */

static void release(struct log *log)
{
    for (unsigned i = 0; i < HORIZON_SLOTS; i++)
        log_buffer_fini(&log->buffers[i]);
    segments_fini(&log->segments);
    pthread_cond_destroy(&log->wake);
    pthread_cond_destroy(&log->done);
    pthread_mutex_destroy(&log->lock);
    free(log->block);
    free(log);
}

enum mae_status log_open(const struct log_config *config, struct log **opened)
{
    MAE_DCHECK(config->start_ts > 0 && config->next_segment > 0);
    struct log *log = mem_alloc(sizeof *log);
    if (!log)
        return MAE_NO_MEMORY;
    log->config = *config;
    log->written_m = log->synced_m = config->start_ts;
    log->highest_ts = config->start_ts - 1;
    log->block_number = log->flush_number = 1;
    atomic_init(&log->durable_ts, config->start_ts);
    teller_init(&log->teller, await, log);
    segments_init(&log->segments, config->folder, config->segment_bytes, config->next_segment);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->wake, &attributes);
    pthread_cond_init(&log->done, NULL);
    pthread_condattr_destroy(&attributes);
    log->block = aligned_alloc(FILE_BLOCK_BYTES, BLOCK_MAX_BYTES);
    log->runs = !BY_HAND; /* the thread looks at it, so it is set before there is one */
    if (!log->block || (log->runs && pthread_create(&log->thread, NULL, run, log) != 0)) {
        release(log);
        return MAE_NO_MEMORY;
    }
    *opened = log;
    return MAE_OK;
}

void log_close(struct log *log)
{
    pthread_mutex_lock(&log->lock);
    MAE_DCHECK(log->waiters <= log->teller.runs); /* no worker uses it any more */
    log->stop = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
    if (log->runs)
        pthread_join(log->thread, NULL);
    for (unsigned i = 0; i < LAST_ROUNDS; i++)
        (void)log_round(log);
    if (!log_has_failed(log))
        (void)segments_sync(&log->segments); /* durability=async */
    pthread_mutex_lock(&log->lock);
    log->ended = true;
    pthread_cond_broadcast(&log->done);
    pthread_mutex_unlock(&log->lock);
    teller_fini(&log->teller, log_durable_ts(log));
    release(log);
}

struct log_buffer *log_buffer_of(struct log *log, unsigned slot)
{
    MAE_CHECK(slot < HORIZON_SLOTS);
    struct log_buffer *buffer = &log->buffers[slot];
    buffer->log = log;
    buffer->budget = log->config.budget;
    log_buffer_forget(buffer); /* what the slot's last worker has left */
    return buffer;
}
