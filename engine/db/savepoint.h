/*
 * savepoint.h - savepoints of a transaction: mae_savepoint, mae_rollback_to and mae_release.
 *
 * A savepoint is a mark in each part of the transaction: its writes (txn/undo.h), its record for the log and what it
 * is to be told (txn/logging.h), and the state of indexes (index/scratch.h). Marks stand on a stack; a rollback takes
 * back what came after one of them and the marks above it, a release only removes marks.
 *   U4  A scan stands on index nodes, which the transaction may have written. While one runs, no change of nodes is
 *       taken back.
 * Checked by: tests/unit/db/savepoint.c, tests/model; mutations undo_leaf_kept, undo_growth_kept, undo_deferred_kept,
 * undo_entries_logged, undo_still_told, undo_release_drops and undo_below_scan.
 */
#ifndef ENGINE_DB_SAVEPOINT_H
#define ENGINE_DB_SAVEPOINT_H

#include "engine/txn/worker.h"

/* A scan of the transaction. SCANNING ends it in whatever way the scan ends. */
struct savepoint_scan {
    struct mae_txn *txn;
    uint64_t epoch;
};
#define SCANNING __attribute__((cleanup(savepoint_scan_end), unused))

static ALWAYS_INLINE struct savepoint_scan savepoint_scan_begin(struct mae_txn *txn)
{
    uint64_t epoch = txn->accesses.epoch;
    txn->scans = txn->scans_epoch == epoch ? txn->scans + 1 : 1;
    txn->scans_epoch = epoch;
    return (struct savepoint_scan){txn, epoch};
}

static ALWAYS_INLINE void savepoint_scan_end(const struct savepoint_scan *scan)
{
    scan->txn->scans -= scan->txn->scans_epoch == scan->epoch;
}

/* For a worker that leaves. */
void savepoint_fini(struct mae_worker *worker);

#endif
