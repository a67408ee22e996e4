/* upkeep.c - see upkeep.h. */
#include "engine/txn/upkeep.h"

#include "engine/txn/membership.h"

/* Returns whether another worker has published since the last look. */
static bool park_silent(struct mae_worker *own, uint64_t *last_wts)
{
    struct core *core = own->core;
    bool active = false;
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        struct mae_worker *worker = atomic_load_explicit(&core->workers[i], memory_order_acquire);
        if (!worker || worker == own)
            continue;
        uint64_t wts = atomic_load_explicit(&core->horizon.slots[i].wts, memory_order_relaxed);
        if (wts == last_wts[i])
            (void)worker_park_other(own, i);
        active |= wts != last_wts[i];
        last_wts[i] = wts;
    }
    return active;
}

bool upkeep_round(struct mae_worker *worker, uint64_t *last_wts)
{
    pthread_mutex_lock(&worker->core->upkeep_lock);
    bool active = park_silent(worker, last_wts);
    uint64_t reclaimed = atomic_load_explicit(&worker->counters.versions_reclaimed, memory_order_relaxed);
    worker_pass_parked(worker);
    pthread_mutex_unlock(&worker->core->upkeep_lock);
    return active || atomic_load_explicit(&worker->counters.versions_reclaimed, memory_order_relaxed) != reclaimed;
}
