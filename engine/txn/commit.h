/*
 * commit.h - beginning, validating and ending a transaction.
 */
#ifndef ENGINE_TXN_COMMIT_H
#define ENGINE_TXN_COMMIT_H

#include "engine/txn/worker.h"

/* Begins the worker's transaction, ordered behind the timestamp `after` (0: none). MAE_OK; MAE_BUSY if one is running;
 * MAE_INVALID if `mode` is none, the worker may not follow `after` (worker_may_follow), or it has left. */
enum mae_status txn_begin(struct mae_worker *worker, enum mae_mode mode, uint64_t after, struct mae_txn **txn);

/*
 * Validates the reads as a commit does: true if the transaction's timestamp sees every version that was read, and will
 * go on seeing it. For transactions that end with a result but without a commit. Waits for pending versions.
 */
bool txn_reads_are_valid(struct mae_txn *txn);

/*
 * For verification: makes a snapshot that has just begun see the newest state, while no other transaction runs, so that
 * all versions are decided. No leader overtakes the snapshot from then on, since its pin would be that of the older
 * state.
 */
void txn_see_newest(struct mae_txn *txn);

/* Both end the transaction, whatever the result. */
enum mae_status txn_commit(struct mae_txn *txn);
void txn_abort(struct mae_txn *txn);

#endif
