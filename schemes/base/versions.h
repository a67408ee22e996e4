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

/* How often a worker looks whether the epoch should move on. To read the clock takes as long as half a request. */
enum { VERSION_EPOCH_SHIFT = 32, VERSION_TICK_COMMITS = 16 };

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

/* Whether each row holds as it was read, and raises `largest` to the versions of all, and of those that are written. */
static ALWAYS_INLINE bool versions_hold(const struct worker *worker, bool (*holds)(const struct access *access),
                                        uint64_t *largest)
{
    const struct access *access = worker->rows.entries, *end = access + worker->rows.count;
    for (; access != end; access++) {
        uint64_t version = access->word & ~ROW_LOCKED;
        if (UNLIKELY(!holds(access)))
            return false;
        *largest = version > *largest ? version : *largest;
    }
    return true;
}

/* All rows to be written are locked. Validates, stores and unlocks. The new version is the smallest of the epoch that
 * is larger than all that were read or are written, and than the worker's last (VE1). */
static ALWAYS_INLINE enum scheme_status versions_commit(struct versions *versions, struct worker *worker,
                                                        bool (*holds)(const struct access *access),
                                                        bool (*nodes_hold)(const struct worker *worker))
{
    worker_take_place(worker);
    uint64_t epoch = epoch_now(&worker->database->epochs); /* VE2; ORD-LOCK-1 */
    uint64_t largest = versions->last;
    if (UNLIKELY(!versions_hold(worker, holds, &largest)))
        return SCHEME_ABORTED(READ_CHECK);
    if (UNLIKELY(!nodes_hold(worker)))
        return SCHEME_ABORTED(NODE_CHECK);
    if (worker->rows.write_count) {
        largest++;
        versions->last = largest >> VERSION_EPOCH_SHIFT < epoch ? epoch << VERSION_EPOCH_SHIFT : largest;
        if (UNLIKELY(worker->entries.count))
            worker_apply_entries(worker, 0);
        optimistic_store_writes(worker, versions->last, false);
    }
    if (UNLIKELY(worker->commits_in_a_row % VERSION_TICK_COMMITS == 0))
        epoch_tick(&worker->database->epochs, tsc_now(), versions->epoch_ticks);
    return SCHEME_OK;
}

#endif
