/* membership.c - see membership.h, and horizon.h for why. */
#include "engine/txn/membership.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/base/tsc.h"
#include "engine/base/wait.h"
#include "engine/log/logger.h"
#include "engine/time/timestamp.h"

/* How long a snapshot that waits leaves the others to pass by themselves. */
#define PATIENCE_US 50.0

/* The clock to publish: in central mode the shared one, since this worker's next timestamp is above that. */
static uint64_t clock_now(struct mae_worker *worker, uint64_t now_ticks)
{
    if (worker->clock.central)
        worker->clock.clock = atomic_load_explicit(worker->clock.central, memory_order_relaxed);
    else
        tsclock_advance(&worker->clock, now_ticks);
    return worker->clock.clock;
}

/* From here on no other thread parks the worker, nor takes its garbage and its clock: as in a transaction (ORD-9). */
static void be_busy(struct mae_worker *worker)
{
    atomic_store_explicit(&worker->slot->in_txn, OWNER_BUSY, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

static void be_idle(struct mae_worker *worker)
{
    atomic_store_explicit(&worker->slot->in_txn, OWNER_IDLE, memory_order_release);
}

/* As worker_join, in a slot that has been taken, or -1. */
static enum mae_status join(struct core *core, int id, struct mae_worker **joined)
{
    if (id < 0)
        return MAE_FULL;
    struct mae_worker *worker = atomic_load_explicit(&core->workers[id], memory_order_relaxed);
    if (!worker) {
        worker = mem_alloc(sizeof *worker);
        if (!worker)
            goto leave;
        /* Release: a thread that reads counters through the pointer sees zeros. */
        atomic_store_explicit(&core->workers[id], worker, memory_order_release);
    }
    /* Everything but the counters, which go on where this id's last worker stopped. */
    memset(worker, 0, offsetof(struct mae_worker, joined));
    if (access_set_init(&worker->txn.accesses, core->budget.huge_pages) != MAE_OK)
        goto leave;
    if (pool_init(&worker->pool, &core->arena) != MAE_OK)
        goto fini_accesses;
    worker->protocol = core->protocol;
    worker->core = core;
    worker->slot = &core->horizon.slots[id];
    worker->log = core->log ? log_buffer_of(core->log, (unsigned)id) : NULL;
    worker->id = (unsigned)id;
    worker->number = atomic_load_explicit(&worker->slot->number, memory_order_relaxed);
    worker->txn.worker = worker;
    worker->txn.doomed = MAE_INVALID;
    worker->retries.random = UINT64_C(0x9E3779B97F4A7C15) * (uint64_t)(id + 1);
    uint64_t now = tsc_now();
    tsclock_init(&worker->clock, core->clock_shift, core->ticks_per_us, now,
                 core->options.timestamps == TIMESTAMPS_CENTRAL ? &core->central_clock : NULL);
    worker->clock.clock = atomic_load_explicit(&worker->slot->clock, memory_order_relaxed);
    if (!MUTATED(join_as_idle))
        be_busy(worker);
    worker_unpark(worker, now);
    be_idle(worker);
    atomic_store_explicit(&worker->joined, true, memory_order_release);
    *joined = worker;
    return MAE_OK;
fini_accesses:
    access_set_fini(&worker->txn.accesses);
leave:
    horizon_leave(&core->horizon, (unsigned)id);
    return MAE_NO_MEMORY;
}

enum mae_status worker_join(struct core *core, struct mae_worker **worker)
{
    return join(core, horizon_join(&core->horizon), worker);
}

enum mae_status worker_join_own(struct core *core, struct mae_worker **worker)
{
    return join(core, horizon_join_own(&core->horizon), worker);
}

void worker_leave(struct mae_worker *worker)
{
    worker_park(worker);
    for (unsigned i = 0; i < worker->rows_count; i++)
        row_allocator_fini(&worker->rows[i]);
    free(worker->rows);
    gc_fini(worker);
    pool_fini(&worker->pool);
    access_set_fini(&worker->txn.accesses);
    undo_fini(&worker->txn.undo);
    atomic_store_explicit(&worker->joined, false, memory_order_release);
#ifdef MAE_DEBUG
    atomic_store_explicit(&worker->user, 0, memory_order_release); /* db/guard.h */
#endif
    /* From here on the slot and this memory may be another worker's: nothing may touch them any more. */
    horizon_leave(&worker->core->horizon, worker->id);
}

/* One-sided synchronisation: look at one other clock, and jump forward to it if it is ahead. */
static void clock_sync(struct mae_worker *worker, uint64_t now_ticks)
{
    struct horizon *horizon = &worker->core->horizon;
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    worker->sync_ticks = now_ticks;
    worker->sync_next = (worker->sync_next + 1) % limit;
    if (worker->sync_next == worker->id)
        worker->sync_next = (worker->sync_next + 1) % limit;
    RACE(CLOCK_SYNC);
    /* ORD-4: relaxed; an old reading only delays the catching up. */
    uint64_t other = atomic_load_explicit(&horizon->slots[worker->sync_next].clock, memory_order_relaxed);
    COUNT(worker, clock_syncs);
    if (other > worker->clock.clock) {
        worker->clock.clock = other;
        COUNT(worker, clock_jumps);
    }
}

static void backoff_lead(struct mae_worker *worker, uint64_t now_ticks)
{
    struct core *core = worker->core;
    if (!backoff_due(&core->backoff, now_ticks))
        return;
    uint64_t commits = 0;
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        struct mae_worker *other = atomic_load_explicit(&core->workers[i], memory_order_acquire);
        if (other)
            commits += atomic_load_explicit(&other->counters.commits, memory_order_relaxed);
    }
    backoff_climb(&core->backoff, now_ticks, commits);
}

void worker_quiescent(struct mae_worker *worker, uint64_t now_ticks)
{
    MAE_DCHECK(!worker->txn.running); /* H2, H4: between transactions */
    MAE_DCHECK(atomic_load_explicit(&worker->slot->in_txn, memory_order_relaxed) == OWNER_BUSY); /* ORD-9 */
    struct horizon *horizon = &worker->core->horizon;
    uint64_t phase = PROTOCOL(worker, phase_times) ? tsc_now() : 0;
    worker->quiescent_ticks = now_ticks;
    COUNT(worker, quiescent_points);
    uint64_t clock = clock_now(worker, now_ticks);
    if (now_ticks - worker->sync_ticks >= worker->protocol.clock_sync_ticks && !worker->clock.central) {
        clock_sync(worker, now_ticks);
        clock = worker->clock.clock;
    }
    horizon_publish(horizon, worker->id, clock);
    if (horizon_round(horizon, now_ticks, worker->protocol.gc_interval_ticks)) {
        COUNT(worker, leader_rounds);
        backoff_lead(worker, now_ticks);
        horizon_round_end(horizon);
    }
    gc_run(worker);
    PHASE_END(worker, ticks_quiescent, &phase);
}

bool worker_may_follow(struct mae_worker *worker, uint64_t after, uint64_t now_ticks)
{
    /* In the upper half of the range `after` may not lead the clocks on: only clocks that count real time get there. */
    const uint64_t lead_max = UINT64_C(1) << (63 - TIMESTAMP_WORKER_BITS);
    const struct horizon *horizon = &worker->core->horizon;
    uint64_t wanted = timestamp_clock(after), highest = clock_now(worker, now_ticks);
    uint64_t ahead = wanted <= lead_max ? worker->clock.step_max_units : 0;
    if (LIKELY(wanted <= highest + ahead))
        return true;
    /* A worker's clock is ahead of what it has published by less than the allowance. */
    return wanted <= horizon_highest_clock(horizon, highest) + ahead;
}

/* The worker is between transactions and cannot begin one meanwhile, so the caller may use its memory. */
static uint64_t take_garbage(void *arg)
{
    MAE_DCHECK(!((struct mae_worker *)arg)->txn.running); /* ORD-9 */
    struct mae_worker *worker = arg;
    gc_orphan(worker);
    pool_give(&worker->pool);
    return worker->clock.clock;
}

bool worker_park_other(struct mae_worker *own, unsigned id)
{
    MAE_DCHECK(id < HORIZON_SLOTS);
    struct horizon *horizon = &own->core->horizon;
    struct mae_worker *other = atomic_load_explicit(&own->core->workers[id], memory_order_acquire);
    return horizon->barrier && other && other != own &&
           horizon_park_other(horizon, id, horizon->barrier, take_garbage, other);
}

/* Parks the workers that are between transactions and have not passed `after`: they come back above this worker's
 * clock. */
static void park_who_is_behind(struct mae_worker *worker, uint64_t after)
{
    MAE_DCHECK(worker->id < HORIZON_SLOTS);
    const struct horizon *horizon = &worker->core->horizon;
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    for (uint32_t i = 0; i < limit; i++) {
        const struct horizon_slot *slot = &horizon->slots[i];
        if (atomic_load_explicit(&slot->state, memory_order_relaxed) == SLOT_ACTIVE &&
            atomic_load_explicit(&slot->in_txn, memory_order_relaxed) == OWNER_IDLE &&
            atomic_load_explicit(&slot->wts, memory_order_relaxed) <= after)
            (void)worker_park_other(worker, i);
    }
}

void worker_lead(struct mae_worker *worker, uint64_t now_ticks)
{
    struct horizon *horizon = &worker->core->horizon;
    worker_quiescent(worker, now_ticks);
    if (horizon_round(horizon, now_ticks, 0))
        horizon_round_end(horizon);
}

enum mae_status worker_await(struct mae_worker *worker, uint64_t after)
{
    MAE_DCHECK(!worker->txn.running);
    struct horizon *horizon = &worker->core->horizon;
    uint64_t patience = (uint64_t)(PATIENCE_US * worker->core->ticks_per_us), start = tsc_now();
    if (horizon_snapshot_ts(horizon) > after)
        return MAE_OK;
    COUNT(worker, snapshot_waits);
    (void)tsclock_next(&worker->clock, start, timestamp_clock(after)); /* so this worker does not hold min_wts back */
    for (unsigned i = 0;; i++) {
        uint64_t now = tsc_now();
        worker_lead(worker, now);
        if (horizon_snapshot_ts(horizon) > after)
            return MAE_OK;
        if (worker->core->log && log_has_failed(worker->core->log) &&
            atomic_load_explicit(&horizon->min_wts, memory_order_relaxed) > after)
            return MAE_IO; /* what it waits for will never be safe */
        RACE(WAIT_HORIZON);
        if (now - start >= patience) {
            park_who_is_behind(worker, after);
            start = now;
        }
        if (worker->on_miss != NULL && !MUTATED(await_keeps_thread))
            worker->on_miss(worker->on_miss_arg); /* it may be the thread's other transactions that it waits for */
        wait_step(i);
    }
}

void worker_park(struct mae_worker *worker)
{
    MAE_DCHECK(!worker->txn.running);
    struct horizon *horizon = &worker->core->horizon;
    be_busy(worker);
    if (!horizon_is_parked(horizon, worker->id)) {
        uint64_t now = tsc_now();
        worker_quiescent(worker, now);
        if (!MUTATED(park_without_flush))
            gc_orphan(worker);
        pool_give(&worker->pool);
        horizon_park(horizon, worker->id, clock_now(worker, now));
    }
    be_idle(worker);
}

void worker_wake(struct mae_worker *worker)
{
    if (!MUTATED(round_as_idle))
        be_busy(worker);
    worker_unpark(worker, tsc_now());
}

void worker_pass_parked(struct mae_worker *worker)
{
    worker_wake(worker);
    worker_quiescent(worker, tsc_now());
    worker_park(worker); /* also hands over the garbage that is left */
}

void worker_unpark(struct mae_worker *worker, uint64_t now_ticks)
{
    /* The thread that has parked this worker may still be reading its clock; this waits until it has finished. */
    (void)horizon_is_parked(&worker->core->horizon, worker->id);
    uint64_t clock = clock_now(worker, now_ticks);
    worker->clock.clock = horizon_unpark(&worker->core->horizon, worker->id, clock);
    worker->quiescent_ticks = now_ticks;
    worker->sync_ticks = now_ticks;
}
