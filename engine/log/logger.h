/*
 * logger.h - the log of a database: the buffers of its workers, and the streams that write them to disk (DURABLE.md).
 *
 * Each worker's records go to one stream (stream.h), and each stream has a folder and a thread of its own. A commit is
 * safe when all streams have come so far (bounds.h).
 *   D11 A checkpoint asks what of the log it makes superfluous (log_secure), and releases that once the manifest names
 *       it (log_release).
 *
 * Checked by: tests/crash, tests/unit/log, tests/unit/db/streams.c, tests/schedule/durable.c.   Not here: what the
 * records say (txn/logging.c), reading them back (durable/scan.c).
 */
#ifndef ENGINE_LOG_LOGGER_H
#define ENGINE_LOG_LOGGER_H

#include <pthread.h>

#include "engine/base/options.h"
#include "engine/log/block.h"
#include "engine/log/buffer.h"
#include "engine/log/stream.h"
#include "engine/log/teller.h"
#include "engine/time/horizon.h"

struct log {
    struct log_config config;
    struct bounds bounds;
    bool runs;    /* the streams have threads */
    bool telling; /* without them */
    /* Under the lock of `bounds`. */
    pthread_cond_t wake; /* for the threads' sleep */
    unsigned waiters;
    bool stop;
    bool ended; /* there will be no more rounds */
    struct teller teller;
    struct log_buffer buffers[HORIZON_SLOTS]; /* by slot of the horizon */
    struct log_stream streams[STREAMS_MAX];
};

/* Starts the log. MAE_OK, MAE_NO_MEMORY. */
enum mae_status log_open(const struct log_config *config, struct log **log);
/* Writes what is left, and ends the threads. No worker may use the log any more. MAE_OK: all commits are on the disk,
 * with durability=async, too. MAE_FULL: there is no space for some from bounds_all_synced on. MAE_IO_UNKNOWN: the log
 * has failed before these were on the disk. */
enum mae_status log_end(struct log *log);
/* Frees a log that has ended. Who is still to be told of a commit is told now. */
void log_close(struct log *log);

/* The buffer of the worker in this slot. */
struct log_buffer *log_buffer_of(struct log *log, unsigned slot);

/* For tests without threads: a round of each stream, or of one. True if it has written something. */
bool log_round(struct log *log);
bool log_round_of(struct log *log, unsigned stream);

/* Every commit with a smaller timestamp is safe. */
static inline uint64_t log_durable_ts(const struct log *log)
{
    return bounds_durable_ts(&log->bounds);
}

static inline bool log_has_failed(const struct log *log)
{
    return bounds_has_failed(&log->bounds);
}

/* Whether the streams have threads, as they always do but in tests. */
static inline bool log_has_thread(const struct log *log)
{
    return log->runs;
}

/* For a worker that waits for room in its buffer: the next round of its stream begins at once. */
void log_wake(struct log *log, const struct log_buffer *buffer);

/* Waits until durable_ts is above ts: MAE_OK; MAE_IO_UNKNOWN: the log has failed, or it ends. The caller must
 * hold nothing that keeps the horizon below ts. */
enum mae_status log_wait(struct log *log, uint64_t ts);

/*
 * Waits until every commit below end_ts is on the disk, with durability=async, too. Then fills in what of the log is
 * still needed of each stream if no record below start_ts is. MAE_OK; MAE_IO; MAE_FULL: there is no space for the log,
 * which is not waited for. The caller must hold nothing that keeps the horizon below end_ts. One thread at a time.
 */
enum mae_status log_secure(struct log *log, uint64_t start_ts, uint64_t end_ts, struct log_kept *kept);
/* Segments of each stream with smaller numbers than those may go. */
void log_release(struct log *log, const struct log_kept *kept);

/* What has been written to the disk, and whether there is a full disk: of all streams. */
uint64_t log_flushes(const struct log *log);
uint64_t log_written_bytes(const struct log *log);
bool log_is_full(const struct log *log);

#ifdef MAE_DEBUG
/* Tests only: no thread is started, and whoever waits makes the logger's rounds himself. */
extern bool log_by_hand;
#endif

#endif
