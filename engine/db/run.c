/* run.c - mae_run: runs a transaction from begin to commit, and again until it commits or gives up; see maemio.h. */
#include "engine/db/guard.h"
#include "engine/txn/commit.h"
#include "engine/txn/logging.h"
#include "engine/txn/txn.h"

void mae_backoff(struct mae_worker *worker)
{
    GUARDED const struct guard guard = guard_worker(worker);
    if (guard.status != MAE_OK)
        return;
    uint64_t ticks = worker_backoff(worker);
    if (ticks) {
        COUNT(worker, backoff_waits);
        COUNT_ADD(worker, backoff_ticks, ticks);
    }
}

/* Ends the transaction that mae_run has begun, however mae_run is left: a body may throw a C++ exception, or its thread
 * be cancelled. */
static void abandon(struct mae_txn *const *open)
{
    if (*open)
        (void)mae_abort(*open);
}

/* The caller learns from the status what the body has read. With durability=sync that must be safe, too. */
static enum mae_status safe(struct mae_txn *txn, enum mae_status status)
{
    enum mae_status waited = logging_wait(txn);
    return waited == MAE_OK ? status : waited;
}

enum mae_status mae_run(struct mae_worker *worker, enum mae_mode mode, mae_body_fn body, void *arg,
                        unsigned attempts_max)
{
    return mae_run_after(worker, mode, 0, body, arg, attempts_max);
}

enum mae_status mae_run_after(struct mae_worker *worker, enum mae_mode mode, uint64_t after, mae_body_fn body,
                              void *arg, unsigned attempts_max)
{
    __attribute__((cleanup(abandon))) struct mae_txn *open = NULL;
    for (unsigned attempt = 1;; attempt++) {
        struct mae_txn *txn;
        enum mae_status status = mae_begin(worker, mode, after, &txn);
        if (status != MAE_OK)
            return status;
        open = txn;
        status = body(txn, arg);
        open = NULL;
        /* A call inside may have failed, and the body may not have returned its status. */
        if (status == MAE_OK || (txn->doomed != MAE_OK && !mae_status_is_abort(status))) {
            status = mae_commit(txn);
        } else {
            /* The body may have given up because of a read that was not valid: reads are validated only at the end. */
            if (txn->doomed == MAE_OK && !txn->snapshot && !txn_reads_are_valid(txn))
                status = txn_doom(txn, MAE_ABORT_READ_CHECK);
            (void)mae_abort(txn);
            if (!mae_status_is_retryable(status) && !MUTATED(giving_up_unsafe))
                status = safe(txn, status);
        }
        if (!mae_status_is_retryable(status) || attempt == attempts_max)
            return MUTATED(run_loses_status) ? MAE_OK : status;
        mae_backoff(worker);
    }
}
