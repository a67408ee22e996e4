/*
 * commit.h - beginning, validating and ending a transaction.
 */
#ifndef ENGINE_TXN_COMMIT_H
#define ENGINE_TXN_COMMIT_H

#include "engine/txn/worker.h"

/* MAE_OK, MAE_BUSY, or MAE_INVALID for an `after` that cannot be followed (worker_may_follow). */
enum mae_status txn_begin(struct mae_worker *worker, enum mae_mode mode, uint64_t after, struct mae_txn **txn);

/*
 * Whether all that was read is what the timestamp sees, and will stay so: as in validation. For transactions that end
 * with a result but without a commit. Waits for pending versions.
 */
bool txn_reads_are_valid(struct mae_txn *txn);

/* Over afterwards, whatever the result. */
enum mae_status txn_commit(struct mae_txn *txn);
void txn_abort(struct mae_txn *txn);

#endif
