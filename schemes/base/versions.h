/*
 * versions.h - how Silo and its relatives end a commit whose rows are locked: versions of epochs as words of rows.
 *
 *   VE1  A row's word is its version: epoch, then number. Each commit that writes the row gives it a larger one, larger
 *        also than all the transaction has read. So words never come back (OP1).
 *   VE2  From its last lock to its last check a transaction's reads and misses are as it saw them; there it stands in
 *        the serial order.
 */
#ifndef SCHEMES_BASE_VERSIONS_H
#define SCHEMES_BASE_VERSIONS_H

#include "schemes/base/optimistic.h"

enum { VERSION_EPOCH_SHIFT = 32 };

#define VERSIONS_OPTIONS(X) \
    X(u64, epoch_ms, "40", "1..10000", "ms", "how often the epoch, the high part of versions, moves on")

/* A worker's. */
struct versions {
    uint64_t last;        /* that it has given to rows */
    uint64_t epoch_ticks; /* epoch_ms */
};

static inline void versions_begin(struct versions *versions, uint64_t epoch_ms)
{
    if (UNLIKELY(versions->epoch_ticks == 0))
        versions->epoch_ticks = (uint64_t)((double)epoch_ms * 1000 * tsc_ticks_per_us());
}

/* The smallest version of the epoch that is larger than all that were read or are written, and than the worker's last
 * (VE1). */
static inline uint64_t versions_next(const struct versions *versions, const struct worker *worker, uint64_t epoch)
{
    uint64_t version = versions->last;
    for (uint32_t i = 0; i < worker->rows.count; i++)
        if (worker->rows.entries[i].word > version)
            version = worker->rows.entries[i].word;
    version++;
    return version >> VERSION_EPOCH_SHIFT < epoch ? epoch << VERSION_EPOCH_SHIFT : version;
}

/* All rows to be written are locked. Validates, stores and unlocks. */
static ALWAYS_INLINE enum scheme_status versions_commit(struct versions *versions, struct worker *worker,
                                                        bool (*reads_hold)(const struct worker *worker),
                                                        bool (*nodes_hold)(const struct worker *worker))
{
    worker_take_place(worker);
    uint64_t epoch = epoch_now(&worker->database->epochs); /* VE2; ORD-LOCK-1 */
    if (UNLIKELY(!reads_hold(worker)))
        return SCHEME_ABORTED(READ_CHECK);
    if (UNLIKELY(!nodes_hold(worker)))
        return SCHEME_ABORTED(NODE_CHECK);
    if (worker->rows.write_count) {
        versions->last = versions_next(versions, worker, epoch);
        if (UNLIKELY(worker->entries.count))
            worker_apply_entries(worker, 0);
        optimistic_store_writes(worker, versions->last);
    }
    epoch_tick(&worker->database->epochs, tsc_now(), versions->epoch_ticks);
    return SCHEME_OK;
}

#endif
