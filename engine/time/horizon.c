/* horizon.c - see horizon.h. */
#include "engine/time/horizon.h"

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/time/timestamp.h"

void horizon_init(struct horizon *horizon)
{
    pthread_mutex_init(&horizon->leader, NULL);
    atomic_init(&horizon->min_wts, timestamp_make(1, 0));
    atomic_init(&horizon->min_rts, 0);
}

void horizon_fini(struct horizon *horizon)
{
    pthread_mutex_destroy(&horizon->leader);
}

/* Lower bound of the timestamps a worker with this clock issues from now on. */
static uint64_t bound(uint64_t clock)
{
    return timestamp_make(clock + 1, 0);
}

void horizon_publish(struct horizon *horizon, unsigned id, uint64_t clock)
{
    struct horizon_slot *slot = &horizon->slots[id];
    RACE(PUBLISH_QUIESCENT);
    /* ORD-2: acquire, so that transactions after this one see at least what that round had seen; release, so that
     * whoever reads the slot has everything this worker's finished transactions did before it. */
    uint64_t min_wts = atomic_load_explicit(&horizon->min_wts, memory_order_acquire);
    RACE(PUBLISH_QUIESCENT);
    atomic_store_explicit(&slot->clock, clock, memory_order_relaxed);
    atomic_store_explicit(&slot->rts, min_wts - 1, memory_order_release);
    RACE(PUBLISH_QUIESCENT);
    atomic_store_explicit(&slot->wts, bound(clock), memory_order_release);
}

/* The leader's lock is held. */
static void publish_minima(struct horizon *horizon)
{
    uint64_t min_wts = UINT64_MAX, min_rts = UINT64_MAX;
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed) - MUTATED(slot_skipped);
    for (uint32_t i = 0; i < limit; i++) {
        RACE(LEADER_SCAN);
        struct horizon_slot *slot = &horizon->slots[i];
        if (atomic_load_explicit(&slot->state, memory_order_acquire) != SLOT_ACTIVE)
            continue;
        /* ORD-2, reader half. */
        uint64_t wts = atomic_load_explicit(&slot->wts, memory_order_acquire);
        RACE(LEADER_SCAN);
        uint64_t rts = atomic_load_explicit(&slot->rts, memory_order_acquire);
        min_wts = wts < min_wts ? wts : min_wts;
        min_rts = rts < min_rts ? rts : min_rts;
    }
    if (min_wts == UINT64_MAX)
        return; /* nobody is active: nothing moves, and nothing needs to */
    if (MUTATED(horizon_too_high))
        min_rts = min_wts;
    RACE(LEADER_PUBLISH);
    if (min_wts > atomic_load_explicit(&horizon->min_wts, memory_order_relaxed)) /* H3 */
        atomic_store_explicit(&horizon->min_wts, min_wts, memory_order_release);
    RACE(LEADER_PUBLISH);
    if (min_rts > atomic_load_explicit(&horizon->min_rts, memory_order_relaxed))
        atomic_store_explicit(&horizon->min_rts, min_rts, memory_order_release);
}

bool horizon_round(struct horizon *horizon, uint64_t now_ticks, uint64_t interval_ticks)
{
    if (now_ticks - atomic_load_explicit(&horizon->round_ticks, memory_order_relaxed) < interval_ticks)
        return false;
    if (pthread_mutex_trylock(&horizon->leader) != 0)
        return false;
    atomic_store_explicit(&horizon->round_ticks, now_ticks, memory_order_relaxed);
    publish_minima(horizon);
    return true;
}

void horizon_round_end(struct horizon *horizon)
{
    pthread_mutex_unlock(&horizon->leader);
}

int horizon_join(struct horizon *horizon)
{
    int id = -1;
    pthread_mutex_lock(&horizon->leader);
    for (unsigned i = 0; i < MAE_WORKERS_MAX && id < 0; i++)
        if (atomic_load_explicit(&horizon->slots[i].state, memory_order_relaxed) == SLOT_FREE)
            id = (int)i;
    if (id >= 0) {
        atomic_store_explicit(&horizon->slots[id].state, SLOT_PARKED, memory_order_relaxed);
        if ((unsigned)id >= atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed))
            atomic_store_explicit(&horizon->slot_limit, (unsigned)id + 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&horizon->leader);
    return id;
}

void horizon_leave(struct horizon *horizon, unsigned id)
{
    pthread_mutex_lock(&horizon->leader);
    MAE_CHECK(atomic_load_explicit(&horizon->slots[id].state, memory_order_relaxed) == SLOT_PARKED);
    /* Its clock stays: ids are reused. */
    atomic_store_explicit(&horizon->slots[id].state, SLOT_FREE, memory_order_relaxed);
    pthread_mutex_unlock(&horizon->leader);
}

bool horizon_is_parked(struct horizon *horizon, unsigned id)
{
    pthread_mutex_lock(&horizon->leader);
    bool parked = atomic_load_explicit(&horizon->slots[id].state, memory_order_relaxed) == SLOT_PARKED;
    pthread_mutex_unlock(&horizon->leader);
    return parked;
}

void horizon_park(struct horizon *horizon, unsigned id, uint64_t clock)
{
    struct horizon_slot *slot = &horizon->slots[id];
    RACE(PARK);
    pthread_mutex_lock(&horizon->leader);
    atomic_store_explicit(&slot->clock, clock, memory_order_relaxed);
    atomic_store_explicit(&slot->state, SLOT_PARKED, memory_order_release);
    pthread_mutex_unlock(&horizon->leader);
}

uint64_t horizon_unpark(struct horizon *horizon, unsigned id, uint64_t clock)
{
    RACE(UNPARK);
    pthread_mutex_lock(&horizon->leader);
    uint64_t min_wts = atomic_load_explicit(&horizon->min_wts, memory_order_relaxed);
    if (bound(clock) < min_wts && !MUTATED(join_below_horizon))
        clock = timestamp_clock(min_wts) - 1;
    uint32_t limit = MUTATED(join_below_horizon) ? 0 : atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    for (uint32_t i = 0; i < limit; i++) {
        uint64_t other = atomic_load_explicit(&horizon->slots[i].clock, memory_order_relaxed);
        clock = other > clock ? other : clock;
    }
    struct horizon_slot *slot = &horizon->slots[id];
    atomic_store_explicit(&slot->clock, clock, memory_order_relaxed);
    atomic_store_explicit(&slot->rts, min_wts - 1, memory_order_relaxed);
    atomic_store_explicit(&slot->wts, bound(clock), memory_order_relaxed);
    atomic_store_explicit(&slot->state, SLOT_ACTIVE, memory_order_release);
    publish_minima(horizon); /* whoever comes back to a quiet database finds a fresh snapshot */
    pthread_mutex_unlock(&horizon->leader);
    return clock;
}

bool horizon_park_other(struct horizon *horizon, unsigned id, void (*barrier)(void), uint64_t (*parked)(void *arg),
                        void *arg)
{
    struct horizon_slot *slot = &horizon->slots[id];
    bool is_parked = false;
    pthread_mutex_lock(&horizon->leader);
    if (atomic_load_explicit(&slot->state, memory_order_relaxed) == SLOT_ACTIVE &&
        !atomic_load_explicit(&slot->in_txn, memory_order_relaxed)) {
        /* The owner stores in_txn, then loads state; here state is stored, then in_txn loaded; the barrier runs on
         * every CPU in between. So at least one of both sees the other, and an owner that sees SLOT_PARKED takes the
         * lock. */
        RACE(PARK_OTHER);
        atomic_store_explicit(&slot->state, SLOT_PARKED, memory_order_relaxed);
        barrier();
        RACE(PARK_OTHER);
        is_parked = !atomic_load_explicit(&slot->in_txn, memory_order_acquire);
        if (is_parked || MUTATED(park_in_txn)) {
            uint64_t clock = parked(arg);
            if (!MUTATED(park_loses_clock))
                atomic_store_explicit(&slot->clock, clock, memory_order_relaxed);
        } else {
            atomic_store_explicit(&slot->state, SLOT_ACTIVE, memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&horizon->leader);
    return is_parked;
}

void horizon_pins_load(const struct horizon *horizon, struct horizon_pins *pins)
{
    pins->count = 0;
    if (atomic_load_explicit(&horizon->pin_count, memory_order_relaxed) == 0)
        return;
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    for (uint32_t i = 0; i < limit; i++) {
        const struct horizon_slot *slot = &horizon->slots[i];
        /* ORD-2: who relies on a min_rts has loaded it with acquire, and the pins were stored before that was. A pin
         * that is taken away or replaced meanwhile is of a transaction that is over, or that still counts in that
         * min_rts. */
        uint64_t lo = atomic_load_explicit(&slot->pin_lo, memory_order_relaxed);
        uint64_t hi = atomic_load_explicit(&slot->pin_hi, memory_order_relaxed);
        if (hi == 0)
            continue;
        pins->pin[pins->count].lo = lo;
        pins->pin[pins->count++].hi = hi;
    }
}
