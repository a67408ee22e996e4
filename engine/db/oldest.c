/* oldest.c - the worker that holds the horizon back the most; see maemio.h. */
#include "engine/base/tsc.h"
#include "engine/db/db.h"

uint64_t mae_worker_last_commit(const struct mae_worker *worker)
{
    return atomic_load_explicit(&worker->slot->last_ts, memory_order_relaxed);
}

enum mae_status mae_oldest(struct mae_db *db, struct mae_oldest *oldest)
{
    struct horizon *horizon = &db->core.horizon;
    struct horizon_hold hold;
    if (!horizon_oldest(horizon, &hold))
        return MAE_NOT_FOUND;
    uint64_t age = tsc_now() - hold.begin_ticks;
    if (age > INT64_MAX)
        age = 0; /* the counters of two CPUs may differ */
    *oldest = (struct mae_oldest){
        .worker = atomic_load_explicit(&horizon->slots[hold.id].number, memory_order_relaxed),
        .activity = (enum mae_activity)hold.owner,
        .overtaken = hold.overtaken,
        .timestamp = hold.owner == OWNER_SNAPSHOT ? hold.ts - 1 : hold.ts,
        .age_ns = (uint64_t)((double)age / db->core.ticks_per_us * 1000),
    };
    return MAE_OK;
}
