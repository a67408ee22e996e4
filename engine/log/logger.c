/* logger.c - see logger.h. */
#include "engine/log/logger.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/base/thread.h"
#include "engine/base/tsc.h"
#include "engine/base/wait.h"

enum { SLEEP_LEAST_NS = 1000000, SLEEP_MOST_NS = 16 * SLEEP_LEAST_NS, LAST_ROUNDS = 4 };

#ifdef MAE_DEBUG
bool log_by_hand;
#define BY_HAND log_by_hand
#else
#define BY_HAND false
#endif

/* ---- Without threads. ---- */

/* Whoever waits for the log makes its rounds, and the teller tells here. Something may happen in the middle of a round
 * that makes a round of another stream. */
bool log_round_of(struct log *log, unsigned stream)
{
    bool written = stream_round(&log->streams[stream]);
    if (!log->runs && !log->telling && !log_has_failed(log)) {
        log->telling = true;
        teller_tell(&log->teller, log_durable_ts(log), MAE_OK);
        log->telling = false;
    }
    return written;
}

bool log_round(struct log *log)
{
    bool written = false;
    for (unsigned i = 0; i < log->config.stream_count; i++)
        written |= log_round_of(log, i);
    if (!written && !log->runs)
        RACE(WAIT_LOG); /* for somebody else */
    return written;
}

/* ---- The threads. ---- */

/* True if somebody has woken the thread. */
static bool sleep_for(struct log_stream *stream, uint64_t ns)
{
    struct log *log = stream->log;
    struct timespec until = wait_deadline(ns);
    pthread_mutex_lock(&log->bounds.lock);
    for (bool is_late = false; !log->stop && !stream->woken && !is_late;) /* others are woken by the same signal */
        is_late = pthread_cond_timedwait(&log->wake, &log->bounds.lock, &until) != 0;
    bool woken = stream->woken;
    stream->woken = false;
    pthread_mutex_unlock(&log->bounds.lock);
    return woken;
}

static bool is_stopped(struct log *log)
{
    pthread_mutex_lock(&log->bounds.lock);
    bool stop = log->stop;
    pthread_mutex_unlock(&log->bounds.lock);
    return stop;
}

/*
 * After a flush: the next one shall be large, since each costs calls of the system, the parking of silent workers and
 * padding. While the disk syncs, the next one comes together by itself. Where flushes are quick, the logger sleeps as
 * long as the last one took, so that a commit is still safe two flush times later on average. With durability=async
 * nobody waits for a disk. Whoever waits for the log, or for room in a buffer, ends the sleep.
 */
static void pace(const struct log *log, struct log_stream *stream, uint64_t began)
{
    double took_ns = (double)(tsc_now() - began) / tsc_ticks_per_us() * 1000;
    if (log->config.durability == DURABILITY_ASYNC)
        (void)sleep_for(stream, SLEEP_LEAST_NS);
    else if (took_ns < SLEEP_LEAST_NS)
        (void)sleep_for(stream, (uint64_t)took_ns);
}

static void *run(void *arg)
{
    struct log_stream *stream = arg;
    struct log *log = stream->log;
    for (uint64_t sleep_ns = SLEEP_LEAST_NS; !is_stopped(log);) {
        uint64_t began = tsc_now();
        if (stream_round(stream)) {
            sleep_ns = SLEEP_LEAST_NS;
            pace(log, stream, began);
            continue;
        }
        bool woken = sleep_for(stream, sleep_ns);
        sleep_ns = woken ? SLEEP_LEAST_NS : sleep_ns < SLEEP_MOST_NS ? 2 * sleep_ns : sleep_ns;
    }
    return NULL;
}

/* Under the lock. */
static void wake_all(struct log *log)
{
    for (unsigned i = 0; i < log->config.stream_count; i++)
        log->streams[i].woken = true;
    pthread_cond_broadcast(&log->wake);
}

void log_wake(struct log *log, const struct log_buffer *buffer)
{
    if (!log->runs) {
        (void)log_round(log);
        return;
    }
    struct log_stream *stream = &log->streams[(size_t)(buffer - log->buffers) % log->config.stream_count];
    pthread_mutex_lock(&log->bounds.lock);
    stream->woken = true;
    pthread_cond_broadcast(&log->wake);
    pthread_mutex_unlock(&log->bounds.lock);
}

/* ---- Those who wait. ---- */

enum mae_status log_wait(struct log *log, uint64_t ts)
{
    while (!log->runs && log_durable_ts(log) <= ts && !log_has_failed(log))
        (void)log_round(log);
    pthread_mutex_lock(&log->bounds.lock);
    log->waiters++;
    while (log_durable_ts(log) <= ts && !log_has_failed(log) && !log->ended) {
        wake_all(log);
        pthread_cond_wait(&log->bounds.changed, &log->bounds.lock);
    }
    log->waiters--;
    pthread_mutex_unlock(&log->bounds.lock);
    return log_durable_ts(log) > ts ? MAE_OK : MAE_IO_UNKNOWN;
}

/* As log_wait. But a checkpoint that waited for space could wait for ever, since nobody else makes any, and mae_close
 * waits for the checkpoint. */
static enum mae_status wait_unless_full(struct log *log, uint64_t ts)
{
    while (!log->runs && log_durable_ts(log) <= ts && !log_has_failed(log) && !log_is_full(log))
        (void)log_round(log);
    pthread_mutex_lock(&log->bounds.lock);
    log->waiters++;
    while (log_durable_ts(log) <= ts && !log_has_failed(log) && !log_is_full(log)) {
        wake_all(log);
        pthread_cond_wait(&log->bounds.changed, &log->bounds.lock);
    }
    log->waiters--;
    pthread_mutex_unlock(&log->bounds.lock);
    return log_durable_ts(log) > ts ? MAE_OK : log_has_failed(log) ? MAE_IO : MAE_FULL;
}

/* Whether a stream has still to answer; under the lock, or without threads. */
static bool is_asked(const struct log *log)
{
    bool asked = false;
    for (unsigned i = 0; i < log->config.stream_count; i++)
        asked |= log->streams[i].asked;
    return asked;
}

static void ask(struct log *log, uint64_t start_ts)
{
    pthread_mutex_lock(&log->bounds.lock);
    for (unsigned i = 0; i < log->config.stream_count; i++) {
        log->streams[i].asked_start = start_ts;
        log->streams[i].asked = true;
    }
    wake_all(log);
    pthread_mutex_unlock(&log->bounds.lock);
}

enum mae_status log_secure(struct log *log, uint64_t start_ts, uint64_t end_ts, struct log_kept *kept)
{
    MAE_DCHECK(start_ts <= end_ts);
    enum mae_status status = wait_unless_full(log, end_ts - 1);
    if (status != MAE_OK)
        return status;
    ask(log, start_ts);
    while (!log->runs && is_asked(log) && !log_has_failed(log))
        (void)log_round(log);
    pthread_mutex_lock(&log->bounds.lock);
    log->waiters++;
    while (is_asked(log) && !log_has_failed(log))
        pthread_cond_wait(&log->bounds.changed, &log->bounds.lock);
    log->waiters--;
    status = is_asked(log) ? MAE_IO : MAE_OK;
    for (unsigned i = 0; i < log->config.stream_count; i++) {
        kept[i] = log->streams[i].kept;
        log->streams[i].asked = false;
    }
    pthread_mutex_unlock(&log->bounds.lock);
    return status;
}

void log_release(struct log *log, const struct log_kept *kept)
{
    pthread_mutex_lock(&log->bounds.lock);
    for (unsigned i = 0; i < log->config.stream_count; i++)
        log->streams[i].release_below = kept[i].segment;
    pthread_mutex_unlock(&log->bounds.lock);
}

/* ---- Sums. ---- */

uint64_t log_flushes(const struct log *log)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < log->config.stream_count; i++)
        sum += atomic_load_explicit(&log->streams[i].flushes, memory_order_relaxed);
    return sum;
}

uint64_t log_written_bytes(const struct log *log)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < log->config.stream_count; i++)
        sum += atomic_load_explicit(&log->streams[i].written_bytes, memory_order_relaxed);
    return sum;
}

bool log_is_full(const struct log *log)
{
    bool full = false;
    for (unsigned i = 0; i < log->config.stream_count; i++)
        full |= atomic_load_explicit(&log->streams[i].full, memory_order_relaxed);
    return full;
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
    for (unsigned i = 0; i < log->config.stream_count; i++)
        stream_fini(&log->streams[i]);
    pthread_cond_destroy(&log->wake);
    bounds_fini(&log->bounds);
    free(log);
}

/* Ends the first `count` threads. */
static void stop(struct log *log, unsigned count)
{
    pthread_mutex_lock(&log->bounds.lock);
    log->stop = true;
    pthread_cond_broadcast(&log->wake);
    pthread_mutex_unlock(&log->bounds.lock);
    for (unsigned i = 0; i < count && log->runs; i++)
        pthread_join(log->streams[i].thread, NULL);
}

static enum mae_status start(struct log *log)
{
    enum mae_status status = MAE_OK;
    log->runs = !BY_HAND; /* the threads look at it, so it is set before there are any */
    for (unsigned i = 0; i < log->config.stream_count && status == MAE_OK; i++) {
        log->streams[i] = (struct log_stream){.log = log,
                                              .config = &log->config,
                                              .bounds = &log->bounds,
                                              .buffers = log->buffers,
                                              .streams = log->streams,
                                              .number = i,
                                              .has_threads = log->runs};
        status = stream_init(&log->streams[i]);
    }
    for (unsigned i = 0; log->runs && i < log->config.stream_count && status == MAE_OK; i++)
        if (!thread_start(&log->streams[i].thread, run, &log->streams[i])) {
            stop(log, i);
            status = MAE_NO_MEMORY;
        }
    return status;
}

enum mae_status log_open(const struct log_config *config, struct log **opened)
{
    MAE_DCHECK(config->start_ts > 0 && config->stream_count > 0);
    struct log *log = mem_alloc(sizeof *log);
    if (!log)
        return MAE_NO_MEMORY;
    log->config = *config;
    bounds_init(&log->bounds, config->stream_count, config->start_ts, config->snapshots_below);
    teller_init(&log->teller, await, log);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&log->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    enum mae_status status = start(log);
    if (status == MAE_OK)
        *opened = log;
    else
        release(log);
    return status;
}

/* Whether a commit is not on the disk, when no worker runs any more. If all are, no record is above any stream's last
 * bound (D3), which has been synced. */
static bool has_lost(struct log *log)
{
    const uint64_t synced = bounds_all_synced(&log->bounds);
    bool lost = false;
    for (unsigned i = 0; i < HORIZON_SLOTS; i++)
        lost |= atomic_load_explicit(&log->buffers[i].last_ts, memory_order_relaxed) >= synced;
    return lost && !MUTATED(loss_unsaid);
}

enum mae_status log_end(struct log *log)
{
    pthread_mutex_lock(&log->bounds.lock);
    MAE_DCHECK(log->waiters <= log->teller.runs); /* no worker uses it any more */
    pthread_mutex_unlock(&log->bounds.lock);
    stop(log, log->config.stream_count);
    for (unsigned i = 0; i < log->config.stream_count; i++)
        log->streams[i].full_ticks = 0; /* a full disk is asked once more, however short ago it was */
    for (unsigned i = 0; i < LAST_ROUNDS; i++)
        (void)log_round(log);
    for (unsigned i = 0; i < log->config.stream_count && !log_has_failed(log); i++)
        stream_sync(&log->streams[i]); /* durability=async */
    return !has_lost(log) ? MAE_OK : log_has_failed(log) ? MAE_IO_UNKNOWN : MAE_FULL;
}

void log_close(struct log *log)
{
    pthread_mutex_lock(&log->bounds.lock);
    log->ended = true;
    pthread_cond_broadcast(&log->bounds.changed);
    pthread_mutex_unlock(&log->bounds.lock);
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
