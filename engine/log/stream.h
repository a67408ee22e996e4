/*
 * stream.h - one of the streams of a log: the thread that writes the records of some workers into one folder.
 *
 * A round of a stream takes what is in its workers' buffers and writes it as one flush. With the flush goes a bound m:
 * a timestamp below which everything has ended.
 *   D2  A flush with the bound m and all flushes of the stream before it hold the record of every transaction of its
 *       workers that has committed below m. Proof: the stream loads m before it looks at the buffers. A worker
 *       publishes its record before it decides its transaction, and only later publishes a bound above the
 *       transaction's timestamp; m is the minimum of such bounds (H1), so whoever has seen m sees the records (ORD-2).
 *   D3  A stream says that it is safe up to m only when this flush and all before it are: with durability=async
 *       written, else synced. It says so without a flush only if no record of any stream is above its last flush's
 *       bound. Otherwise a record between the two bounds would be acknowledged and, after a crash, be above the last
 *       bound that this stream has on the disk, which is then the cut (D13). The stream sees all such records: those
 *       below m are published before m is loaded (D2).
 *
 * Checked by: tests/crash, tests/unit/log, tests/schedule/durable.c.   Not here: what follows when all streams are safe
 * (logger.h).
 */
#ifndef ENGINE_LOG_STREAM_H
#define ENGINE_LOG_STREAM_H

#include <pthread.h>

#include "engine/base/compiler.h"
#include "engine/log/block.h"
#include "engine/log/buffer.h"
#include "engine/log/bounds.h"
#include "engine/log/segment.h"
#include "engine/time/horizon.h"

struct log_place {
    const char *folder; /* the caller's, until log_close */
    uint64_t next_segment;
};

struct log_config {
    struct log_place places[STREAMS_MAX]; /* of each stream */
    unsigned stream_count;
    uint64_t database, life;
    uint64_t start_ts; /* all timestamps of this life are above */
    uint64_t segment_bytes, buffer_bytes;
    unsigned durability;
    bool uses_ring;     /* log_io=uring */
    uint64_t half_hour; /* in units of timestamps */
    struct mem_budget *budget;
    _Atomic uint64_t *snapshots_below; /* NULL, or raised with durable_ts: ORD-15 */
    /* Advances the horizon as far as it can be and returns min_wts, loaded with acquire (D2). Streams call it at the
     * same time. */
    uint64_t (*bound)(void *arg);
    void *arg;
};

struct log_stream {
    struct log *log; /* whose stream it is; for its thread */
    const struct log_config *config;
    struct bounds *bounds;
    struct log_buffer *buffers;       /* of all workers, by slot of the horizon */
    const struct log_stream *streams; /* all of them */
    unsigned number;
    bool has_threads; /* false: in tests, in which nothing happens at the same time */
    /* Read by others. */
    SEPARATED _Atomic uint64_t flushes, written_bytes;
    _Atomic bool full; /* its disk is */
    /* The stream's own. */
    SEPARATED struct segments segments;
    struct errand errand; /* makes segments */
    struct block *block;  /* the one that is filled; memory of BLOCK_MAX_BYTES, in a large page if there are any */
    uint64_t block_number, flush_number;
    uint64_t first_block; /* of the flush that is written */
    uint64_t highest_ts;  /* no record that any worker had published when the last round began is above */
    uint64_t written_m;   /* the bound of the last flush */
    uint64_t synced_m;    /* of the last flush that has been synced, and its number */
    uint64_t synced_flush;
    uint64_t all_synced_m; /* the least of all streams, when the flush began */
    uint64_t synced_ticks; /* when the last sync was */
    uint64_t full_ticks;   /* when the disk was asked for space last */
    uint64_t taking[HORIZON_SLOTS];
    pthread_t thread;
    bool in_round; /* without threads: somebody makes a round */
    /* Under the lock of `bounds`. */
    bool woken, asked; /* asked: by log_secure, which waits for `kept` */
    uint64_t asked_start, release_below;
    struct log_kept kept;
};

/* Fills in the rest. MAE_OK or MAE_NO_MEMORY. `stream` has its pointers and its number, and else zeros; it is to be
 * ended with stream_fini in any case. */
enum mae_status stream_init(struct log_stream *stream);
void stream_fini(struct log_stream *stream);

/* A round. True if it has written something. Without threads, anybody may make it, and nothing happens in the middle of
 * a round of this stream. */
bool stream_round(struct log_stream *stream);

/* The last sync, with durability=async. */
void stream_sync(struct log_stream *stream);

#endif
