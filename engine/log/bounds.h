/*
 * bounds.h - how far the streams of a log have come, and who waits for that.
 *
 *   D9  After an error of a write or a sync, durable_ts never moves again. Linux reports a failed sync once and then
 *       forgets which data was not written, so nothing can be tried again.
 *   D13 durable_ts is the least of what the streams say is safe (D3). For a recovery restores what is below the least
 *       of their cuts: above it a transaction may have survived, and one that it has read from may not.
 * Any thread may make these calls.
 * Checked by: tests/crash, tests/unit/db/streams.c; mutations failure_forgotten, first_stream_decides.
 */
#ifndef ENGINE_LOG_BOUNDS_H
#define ENGINE_LOG_BOUNDS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"
#include "engine/log/block.h"

struct bounds {
    unsigned stream_count;
    _Atomic uint64_t *snapshots_below; /* NULL, or raised with durable_ts: ORD-15 */
    /* ORD-15. Read by workers. */
    SEPARATED _Atomic uint64_t durable_ts;
    _Atomic bool failed;
    SEPARATED pthread_mutex_t lock;
    pthread_cond_t changed; /* something below, or what else the lock protects */
    uint64_t safe[STREAMS_MAX], synced[STREAMS_MAX];
    const char *problem; /* what failed */
};

/* All streams begin at start_ts. */
void bounds_init(struct bounds *bounds, unsigned stream_count, uint64_t start_ts, _Atomic uint64_t *snapshots_below);
void bounds_fini(struct bounds *bounds);

/* A stream says: all below m is safe; all below m is on the disk, whatever `durability` says; an error is final. */
void bounds_safe(struct bounds *bounds, unsigned stream, uint64_t m);
void bounds_synced(struct bounds *bounds, unsigned stream, uint64_t m);
void bounds_failed(struct bounds *bounds, const char *problem);

/* Wakes all who wait for `changed`, so that they look again. */
void bounds_wake(struct bounds *bounds);

/* What is on the disk of all streams. */
uint64_t bounds_all_synced(struct bounds *bounds);

static inline uint64_t bounds_durable_ts(const struct bounds *bounds)
{
    return atomic_load_explicit(&bounds->durable_ts, memory_order_acquire); /* ORD-15 */
}

static inline bool bounds_has_failed(const struct bounds *bounds)
{
    return atomic_load_explicit(&bounds->failed, memory_order_acquire); /* ORD-15 */
}

#endif
