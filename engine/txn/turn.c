/* turn.c - see turn.h. */
#include "engine/txn/turn.h"

#include "engine/base/race.h"
#include "engine/base/tsc.h"
#include "engine/base/wait.h"
#include "engine/txn/membership.h"

static void begin(struct core *core, bool sweeps)
{
    /* Under the lock, since whoever takes an orphan renews `attention`. */
    pthread_mutex_lock(&core->orphans_lock);
    atomic_store_explicit(&core->turning, true, memory_order_relaxed);
    atomic_store_explicit(&core->sweeps, sweeps, memory_order_relaxed);
    atomic_store_explicit(&core->attention, true, memory_order_relaxed);
    pthread_mutex_unlock(&core->orphans_lock);
    atomic_fetch_add_explicit(&core->turn, 1, memory_order_acq_rel); /* ORD-17 */
}

static void end(struct core *core)
{
    pthread_mutex_lock(&core->orphans_lock);
    atomic_store_explicit(&core->turning, false, memory_order_relaxed);
    atomic_store_explicit(&core->sweeps, false, memory_order_relaxed);
    gc_renew_attention(core);
    pthread_mutex_unlock(&core->orphans_lock);
}

static bool has_passed(struct mae_worker *own, unsigned id, bool sweeps)
{
    struct core *core = own->core;
    struct mae_worker *worker = atomic_load_explicit(&core->workers[id], memory_order_acquire);
    if (!worker || worker == own)
        return true;
    if (atomic_load_explicit(&worker->turn, memory_order_acquire) ==
        atomic_load_explicit(&core->turn, memory_order_relaxed)) /* ORD-17 */
        return true;
    enum horizon_slot_state state = horizon_state(&core->horizon, id);
    if (state == SLOT_OVERTAKEN)
        return sweeps || MUTATED(turn_passes_overtaken);
    return state != SLOT_ACTIVE || worker_park_other(own, id) || MUTATED(turn_ignores_open);
}

bool turn_wait(struct mae_worker *own, bool sweeps, unsigned patience_ms)
{
    struct core *core = own->core;
    const uint64_t start = tsc_now(), patience = (uint64_t)(patience_ms * 1000.0 * core->ticks_per_us);
    bool over = true;
    worker_wake(own);
    begin(core, sweeps);
    for (unsigned id = 0; id < HORIZON_SLOTS && over; id++) {
        for (unsigned i = 0; over && !has_passed(own, id, sweeps); i++) {
            uint64_t now = tsc_now();
            over = now - start < patience;
            RACE(WAIT_HORIZON);
            worker_lead(own, now); /* so that transactions are overtaken */
            wait_step(i);
        }
    }
    if (over && sweeps) {
        gc_sweep(own);
        gc_sweep_orphans(own);
    }
    end(core);
    worker_park(own);
    return over;
}
