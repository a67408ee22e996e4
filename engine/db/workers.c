/* workers.c - joining and leaving a database; see maemio.h and db.h. */
#include "engine/base/check.h"
#include "engine/db/db.h"

#include "engine/db/guard.h"
#include "engine/db/savepoint.h"
#include "engine/index/scratch.h"
#include "engine/txn/commit.h"
#include "engine/txn/membership.h"

void db_worker_leave(struct mae_worker *worker)
{
    MAE_DCHECK(!worker->txn.running);
    index_scratch_fini(worker);
    savepoint_fini(worker);
    worker_leave(worker);
}

enum mae_status mae_worker_join(struct mae_db *db, struct mae_worker **worker)
{
    return db && worker ? worker_join(&db->core, worker) : MAE_INVALID;
}

void mae_worker_leave(struct mae_worker *worker)
{
    GUARDED struct guard guard = guard_worker(worker);
    if (!worker || guard.status != MAE_OK || !atomic_load_explicit(&worker->joined, memory_order_relaxed))
        return;
    if (worker->txn.running)
        txn_abort(&worker->txn);
    guard.entered = NULL; /* worker_leave leaves the guard, before the slot is the next worker's */
    db_worker_leave(worker);
}

void mae_worker_idle(struct mae_worker *worker)
{
    GUARDED const struct guard guard = guard_worker(worker);
    if (guard.status == MAE_OK && atomic_load_explicit(&worker->joined, memory_order_relaxed) && !worker->txn.running)
        worker_park(worker);
}

enum mae_status mae_worker_on_miss(struct mae_worker *worker, void (*on_miss)(void *arg), void *arg)
{
    GUARDED const struct guard guard = guard_worker(worker);
    if (guard.status != MAE_OK)
        return guard.status;
    if (worker->txn.running)
        return MAE_BUSY;
    if (worker->core->options.durability == DURABILITY_SYNC)
        return MAE_UNSUPPORTED;
    worker->on_miss = worker->retries.meanwhile = on_miss;
    worker->on_miss_arg = worker->retries.meanwhile_arg = arg;
    worker->txn.yields = on_miss != NULL;
    worker_set_beginning(worker);
    return MAE_OK;
}

unsigned mae_worker_id(const struct mae_worker *worker)
{
    return worker->number;
}
