/*
 * logger.h - the log of a database: the buffers of its workers, and the thread that writes them to disk (DURABLE.md).
 *
 * A round of the logger takes what is in all buffers and writes it as one flush. With the flush goes a bound m: a
 * timestamp below which everything has ended.
 *   D2  A flush with the bound m and all flushes before it hold the record of every transaction that has committed
 *       below m. Proof: the logger loads m before it looks at the buffers. A worker publishes its record before it
 *       decides its transaction, and only later publishes a bound above the transaction's timestamp; m is the minimum
 *       of such bounds (H1), so whoever has seen m sees the records (ORD-2).
 *   D3  durable_ts becomes m only when this flush and all before it are safe: with durability=async written, else
 *       synced. It becomes m without a flush only if no record has been taken since the last flush, and that flush's
 *       bound is above all records. Otherwise a record between the two bounds would be acknowledged and, after a crash,
 *       be above the last bound on the disk.
 *   D9  After an error of a write or a sync, durable_ts never moves again. Linux reports a failed sync once and then
 *       forgets which data was not written, so nothing can be tried again.
 *
 *   D11 A checkpoint asks what of the log it makes superfluous (log_secure), and releases that once the manifest names
 *       it (log_release).
 *
 * Checked by: tests/crash, tests/unit/log, tests/schedule/durable.c.   Not here: what the records say
 * (txn/logging.c), reading them back (durable/scan.c).
 */
#ifndef ENGINE_LOG_LOGGER_H
#define ENGINE_LOG_LOGGER_H

#include <pthread.h>

#include "engine/base/options.h"
#include "engine/log/block.h"
#include "engine/log/buffer.h"
#include "engine/log/segment.h"
#include "engine/log/teller.h"
#include "engine/time/horizon.h"

struct log_config {
    const char *folder; /* the caller's, until log_close */
    uint64_t database, life;
    uint64_t start_ts; /* all timestamps of this life are above */
    uint64_t next_segment;
    uint64_t segment_bytes, buffer_bytes;
    unsigned durability;
    uint64_t half_hour; /* in units of timestamps */
    struct mem_budget *budget;
    _Atomic uint64_t *snapshots_below; /* NULL, or raised with durable_ts: ORD-15 */
    /* Advances the horizon as far as it can be and returns min_wts, loaded with acquire (D2). */
    uint64_t (*bound)(void *arg);
    void *arg;
};

/* What is to be kept of the log of this life. */
struct log_kept {
    uint64_t bound;                 /* the highest that is certainly on the disk */
    uint64_t segment, block, flush; /* as struct segment_used: the first that is needed */
};

struct log {
    struct log_config config;
    /* ORD-15. Read by workers. */
    SEPARATED _Atomic uint64_t durable_ts;
    _Atomic bool failed, full;
    _Atomic uint64_t flushes, written_bytes;
    /* The logger's. */
    SEPARATED struct segments segments;
    struct block *block; /* the one that is filled, BLOCK_MAX_BYTES long */
    uint64_t block_number, flush_number;
    uint64_t first_block; /* of the flush that is written */
    uint64_t highest_ts;  /* no record that has been taken is above */
    uint64_t written_m;   /* the bound of the last flush */
    uint64_t synced_m;    /* of the last flush that has been synced, and its number */
    uint64_t synced_flush;
    uint64_t synced_ticks; /* when that was */
    uint64_t full_ticks;   /* when the disk was asked for space last */
    uint64_t taking[HORIZON_SLOTS];
    pthread_t thread;
    bool runs;     /* there is a thread */
    bool in_round; /* without one: somebody makes a round */
    /* Of those who wait, and for the thread's sleep. */
    SEPARATED pthread_mutex_t lock;
    pthread_cond_t wake, done;
    unsigned waiters;
    bool stop, woken;
    bool asked; /* of log_secure, which waits for `kept` */
    uint64_t asked_start, release_below;
    struct log_kept kept;
    bool ended; /* there will be no more rounds */
    struct teller teller;
    struct log_buffer buffers[HORIZON_SLOTS]; /* by slot of the horizon */
};

/* Starts the log. MAE_OK, MAE_NO_MEMORY. */
enum mae_status log_open(const struct log_config *config, struct log **log);
/* Writes what is left, if it can, and ends the log. No worker may use it any more. */
void log_close(struct log *log);

/* The buffer of the worker in this slot. */
struct log_buffer *log_buffer_of(struct log *log, unsigned slot);

/* A round of the logger. True if it has written something. */
bool log_round(struct log *log);

/* Every commit with a smaller timestamp is safe. */
static inline uint64_t log_durable_ts(const struct log *log)
{
    return atomic_load_explicit(&log->durable_ts, memory_order_acquire); /* ORD-15 */
}

static inline bool log_has_failed(const struct log *log)
{
    return atomic_load_explicit(&log->failed, memory_order_acquire); /* ORD-15 */
}

/* Whether the logger is a thread, as it always is but in tests. */
static inline bool log_has_thread(const struct log *log)
{
    return log->runs;
}

/* For a worker that waits for room in its buffer: the logger's next round begins at once. */
void log_wake(struct log *log);

/* Waits until durable_ts is above ts: MAE_OK; MAE_IO_UNKNOWN: the log has failed, or it ends. The caller must
 * hold nothing that keeps the horizon below ts. */
enum mae_status log_wait(struct log *log, uint64_t ts);

/*
 * Waits until every commit below end_ts is on the disk, with durability=async, too. Then fills in what of the log is
 * still needed if no record below start_ts is. MAE_OK or MAE_IO. The caller must hold nothing that keeps the horizon
 * below end_ts. One thread at a time.
 */
enum mae_status log_secure(struct log *log, uint64_t start_ts, uint64_t end_ts, struct log_kept *kept);
/* Segments with smaller numbers may go. */
void log_release(struct log *log, uint64_t segment);

#ifdef MAE_DEBUG
/* Tests only: no thread is started, and whoever waits makes the logger's rounds himself. */
extern bool log_by_hand;
#endif

#endif
