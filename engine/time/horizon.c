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
    atomic_init(&horizon->round_is_on, false);
    atomic_init(&horizon->snapshots_below, UINT64_MAX);
    horizon->overtake_ticks = horizon->doom_ticks = horizon->look_ticks = UINT64_MAX;
}

void horizon_set_overtaking(struct horizon *horizon, void (*barrier)(void), uint64_t overtake_ticks,
                            uint64_t doom_ticks, uint64_t look_ticks)
{
    horizon->barrier = barrier;
    /* Only an overtaken transaction notices that it is doomed, so it must be overtaken no later than doomed. */
    horizon->overtake_ticks = overtake_ticks < doom_ticks ? overtake_ticks : doom_ticks;
    horizon->doom_ticks = doom_ticks;
    horizon->look_ticks = look_ticks;
}

void horizon_on_overtaking(struct horizon *horizon, void (*call)(void *arg, unsigned id), void *arg)
{
    horizon->on_overtaking = call;
    horizon->on_overtaking_arg = arg;
}

void horizon_fini(struct horizon *horizon)
{
    pthread_mutex_destroy(&horizon->leader);
}

/* Somebody holds the leader's lock: the caller, if all is well. Only debug builds ask. */
static inline bool __attribute__((unused)) is_led(struct horizon *horizon)
{
    return pthread_mutex_trylock(&horizon->leader) != 0;
}

/* Lower bound of the timestamps a worker with this clock issues from now on. */
static uint64_t bound(uint64_t clock)
{
    return timestamp_make(clock + 1, 0);
}

/* A lower bound of where a worker will read that has seen this min_wts. */
static ALWAYS_INLINE uint64_t read_bound(const struct horizon *horizon, uint64_t min_wts)
{
    uint64_t below = atomic_load_explicit(&horizon->snapshots_below, memory_order_relaxed);
    return (below < min_wts && !MUTATED(safe_unprotected) ? below : min_wts) - 1;
}

void horizon_publish(struct horizon *horizon, unsigned id, uint64_t clock)
{
    MAE_DCHECK(id < HORIZON_SLOTS);
    MAE_DCHECK(clock >= atomic_load_explicit(&horizon->slots[id].clock, memory_order_relaxed)); /* T1 */
    struct horizon_slot *slot = &horizon->slots[id];
    RACE(PUBLISH_QUIESCENT);
    /* ORD-2. The acquire load: this worker's later transactions see at least what the leader of that round had seen.
     * The release stores: a leader that reads the slot sees everything that this worker's finished transactions did. */
    uint64_t min_wts = atomic_load_explicit(&horizon->min_wts, memory_order_acquire);
    MAE_DCHECK(min_wts > atomic_load_explicit(&slot->rts, memory_order_relaxed)); /* H3 */
    RACE(PUBLISH_QUIESCENT);
    atomic_store_explicit(&slot->clock, clock, memory_order_relaxed);
    atomic_store_explicit(&slot->rts, read_bound(horizon, min_wts), memory_order_release);
    RACE(PUBLISH_QUIESCENT);
    atomic_store_explicit(&slot->wts, bound(clock), memory_order_release);
}

/* ---- Overtaking. The leader's lock is held in all of these. ---- */

/* ORD-13: release, like the pins, since a collector may see this count after an earlier pin was taken away. */
static void add_to_pin_count(struct horizon *horizon, uint32_t change)
{
    MAE_DCHECK(is_led(horizon));
    uint32_t count = atomic_load_explicit(&horizon->pin_count, memory_order_relaxed);
    atomic_store_explicit(&horizon->pin_count, count + change, memory_order_release);
}

/* Stops counting the transaction that is open in the slot. It cannot end meanwhile: that takes the leader's lock. */
static void pin(struct horizon *horizon, struct horizon_slot *slot, uint32_t owner)
{
    uint64_t ts = atomic_load_explicit(&slot->ts, memory_order_relaxed); /* of this one: ORD-11 */
    uint64_t first = atomic_load_explicit(&slot->rts, memory_order_relaxed) + 1;
    MAE_DCHECK(is_led(horizon));
    MAE_DCHECK(owner == OWNER_READING || owner == OWNER_SNAPSHOT); /* H5 */
    MAE_DCHECK(first <= ts); /* H1, H6: nothing is read below what was published */
    MAE_DCHECK(atomic_load_explicit(&slot->pin_hi, memory_order_relaxed) == 0);
    atomic_store_explicit(&slot->pin_lo, owner == OWNER_SNAPSHOT || MUTATED(pin_too_small) ? ts : first,
                          memory_order_release);
    atomic_store_explicit(&slot->pin_hi, ts, memory_order_release);
    slot->walk_seen = 0;
    horizon->overtaken++;
    add_to_pin_count(horizon, 1);
}

static bool may_overtake(const struct horizon *horizon, struct horizon_slot *slot, uint64_t now_ticks)
{
    if (atomic_load_explicit(&slot->in_txn, memory_order_relaxed) < OWNER_READING)
        return false;
    uint64_t begin_ticks = atomic_load_explicit(&slot->begin_ticks, memory_order_relaxed);
    uint64_t age = now_ticks - begin_ticks;
    if (age > INT64_MAX)
        return false; /* the counters of two CPUs may differ: a transaction from the future is young */
    if (age >= horizon->doom_ticks)
        atomic_store_explicit(&slot->doomed_ticks, begin_ticks, memory_order_relaxed); /* ORD-4 */
    return age >= horizon->overtake_ticks && atomic_load_explicit(&slot->state, memory_order_relaxed) == SLOT_ACTIVE;
}

/* H5. One barrier serves all slots, and runs only if there is a transaction to overtake. */
static NOINLINE void overtake(struct horizon *horizon, uint64_t now_ticks)
{
    MAE_DCHECK(is_led(horizon));
    uint16_t marked[HORIZON_SLOTS];
    unsigned count = 0;
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    for (uint32_t i = 0; i < limit; i++) {
        if (!may_overtake(horizon, &horizon->slots[i], now_ticks))
            continue;
        RACE(OVERTAKE);
        /* ORD-9, the leader's half. */
        atomic_store_explicit(&horizon->slots[i].state, SLOT_OVERTAKEN, memory_order_relaxed);
        marked[count++] = (uint16_t)i;
    }
    if (count == 0)
        return;
    horizon->barrier();
    for (unsigned i = 0; i < count; i++) {
        struct horizon_slot *slot = &horizon->slots[marked[i]];
        RACE(OVERTAKE);
        uint32_t owner = atomic_load_explicit(&slot->in_txn, memory_order_acquire);
        if (owner >= OWNER_READING) {
            pin(horizon, slot, owner);
            if (horizon->on_overtaking)
                horizon->on_overtaking(horizon->on_overtaking_arg, marked[i]);
        } else {
            atomic_store_explicit(&slot->state, SLOT_ACTIVE, memory_order_relaxed);
        }
    }
}

/* Whether an overtaken transaction is still in a walk that note_walks saw. */
static bool walks_last(struct horizon *horizon)
{
    MAE_DCHECK(is_led(horizon));
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    for (uint32_t i = 0; i < limit; i++) {
        struct horizon_slot *slot = &horizon->slots[i];
        if (slot->walk_seen && atomic_load_explicit(&slot->state, memory_order_relaxed) == SLOT_OVERTAKEN &&
            atomic_load_explicit(&slot->walks, memory_order_acquire) == slot->walk_seen) /* ORD-11 */
            return true;
        slot->walk_seen = 0;
    }
    return false;
}

/* Notes the walks that overtaken transactions are in now. The barrier makes every walk that begins later load its links
 * after all the unlinking that the leader has seen. */
static void note_walks(struct horizon *horizon)
{
    MAE_DCHECK(is_led(horizon));
    MAE_DCHECK(horizon->barrier != NULL); /* ORD-9 */
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    horizon->barrier();
    for (uint32_t i = 0; i < limit; i++) {
        struct horizon_slot *slot = &horizon->slots[i];
        uint32_t walks = atomic_load_explicit(&slot->walks, memory_order_acquire); /* ORD-11 */
        slot->walk_seen = walks % 2 ? walks : 0;
    }
}

static ALWAYS_INLINE void raise_min_rts(struct horizon *horizon, uint64_t min_rts)
{
    MAE_DCHECK(min_rts >= atomic_load_explicit(&horizon->min_rts, memory_order_relaxed)); /* H3 */
    if (min_rts > atomic_load_explicit(&horizon->min_rts, memory_order_relaxed))
        atomic_store_explicit(&horizon->min_rts, min_rts, memory_order_release);
}

/* H7. */
static NOINLINE void publish_behind_walks(struct horizon *horizon, uint64_t min_rts, uint64_t now_ticks)
{
    MAE_DCHECK(horizon->overtaken <= HORIZON_SLOTS);
    if (horizon->waiting_rts == 0) {
        if (now_ticks - horizon->walked_ticks < horizon->look_ticks)
            return;
        horizon->walked_ticks = now_ticks;
        horizon->waiting_rts = min_rts;
        note_walks(horizon);
    }
    RACE(LEADER_PUBLISH);
    if (walks_last(horizon))
        return;
    raise_min_rts(horizon, horizon->waiting_rts);
    horizon->waiting_rts = 0;
}

/* The leader's lock is held. */
static void publish_minima(struct horizon *horizon, uint64_t now_ticks)
{
    MAE_DCHECK(is_led(horizon));
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
        return; /* no worker is active: the horizons stay, and nothing needs them to move */
    if (MUTATED(horizon_too_high))
        min_rts = min_wts;
    RACE(LEADER_PUBLISH);
    if (min_wts > atomic_load_explicit(&horizon->min_wts, memory_order_relaxed)) /* H3 */
        atomic_store_explicit(&horizon->min_wts, min_wts, memory_order_release);
    RACE(LEADER_PUBLISH);
    if (UNLIKELY(horizon->overtaken > 0) && !MUTATED(walker_ignored))
        publish_behind_walks(horizon, min_rts, now_ticks);
    else
        raise_min_rts(horizon, min_rts);
}

bool horizon_round(struct horizon *horizon, uint64_t now_ticks, uint64_t interval_ticks)
{
    if (now_ticks - atomic_load_explicit(&horizon->round_ticks, memory_order_relaxed) < interval_ticks)
        return false;
    /* With many workers a round takes longer than the interval. If all tried the lock meanwhile, each would take its
     * line from the others, and the leader would wait behind them to give it back. Relaxed: only the lock decides. */
    if (atomic_load_explicit(&horizon->round_is_on, memory_order_relaxed) ||
        pthread_mutex_trylock(&horizon->leader) != 0)
        return false;
    atomic_store_explicit(&horizon->round_is_on, true, memory_order_relaxed);
    atomic_store_explicit(&horizon->round_ticks, now_ticks, memory_order_relaxed);
    if (UNLIKELY(now_ticks - horizon->looked_ticks >= horizon->look_ticks)) {
        horizon->looked_ticks = now_ticks;
        overtake(horizon, now_ticks);
    }
    publish_minima(horizon, now_ticks);
    return true;
}

void horizon_round_end(struct horizon *horizon)
{
    MAE_DCHECK(is_led(horizon));
    atomic_store_explicit(&horizon->round_is_on, MUTATED(led_for_ever), memory_order_relaxed);
    pthread_mutex_unlock(&horizon->leader);
}

/* A number for the worker in slot `id`, HORIZON_NO_NUMBER when all are taken. */
static uint32_t take_number(struct horizon *horizon, uint32_t id)
{
    MAE_DCHECK(is_led(horizon));
    MAE_DCHECK(id < HORIZON_SLOTS);
    uint32_t number = id;
    if (number >= MAE_WORKERS_MAX || horizon->number_used[number])
        for (number = 0; number < MAE_WORKERS_MAX && horizon->number_used[number];)
            number++;
    if (number < MAE_WORKERS_MAX)
        horizon->number_used[number] = true;
    return number;
}

static int take_slot(struct horizon *horizon, bool own)
{
    uint32_t id = 0, number = HORIZON_NO_NUMBER;
    pthread_mutex_lock(&horizon->leader);
    while (id < HORIZON_SLOTS && atomic_load_explicit(&horizon->slots[id].state, memory_order_relaxed) != SLOT_FREE)
        id++;
    if (id < HORIZON_SLOTS && !own)
        number = take_number(horizon, id);
    bool taken = id < HORIZON_SLOTS && (own || number < MAE_WORKERS_MAX);
    if (taken) {
        atomic_store_explicit(&horizon->slots[id].number, number, memory_order_relaxed);
        atomic_store_explicit(&horizon->slots[id].state, SLOT_PARKED, memory_order_relaxed);
        if (id >= atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed))
            atomic_store_explicit(&horizon->slot_limit, id + 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&horizon->leader);
    return taken ? (int)id : -1;
}

int horizon_join(struct horizon *horizon)
{
    return take_slot(horizon, false);
}

int horizon_join_own(struct horizon *horizon)
{
    return take_slot(horizon, true);
}

void horizon_leave(struct horizon *horizon, unsigned id)
{
    pthread_mutex_lock(&horizon->leader);
    MAE_CHECK(atomic_load_explicit(&horizon->slots[id].state, memory_order_relaxed) == SLOT_PARKED);
    /* The slot keeps the clock for the id's next worker (T1). */
    atomic_store_explicit(&horizon->slots[id].state, SLOT_FREE, memory_order_relaxed);
    uint32_t number = atomic_load_explicit(&horizon->slots[id].number, memory_order_relaxed);
    if (number < MAE_WORKERS_MAX)
        horizon->number_used[number] = false;
    pthread_mutex_unlock(&horizon->leader);
}

enum horizon_slot_state horizon_state(struct horizon *horizon, unsigned id)
{
    MAE_DCHECK(id < HORIZON_SLOTS);
    pthread_mutex_lock(&horizon->leader);
    uint32_t state = atomic_load_explicit(&horizon->slots[id].state, memory_order_relaxed);
    pthread_mutex_unlock(&horizon->leader);
    return (enum horizon_slot_state)state;
}

bool horizon_is_parked(struct horizon *horizon, unsigned id)
{
    return horizon_state(horizon, id) == SLOT_PARKED;
}

void horizon_park(struct horizon *horizon, unsigned id, uint64_t clock)
{
    MAE_DCHECK(id < HORIZON_SLOTS);
    MAE_DCHECK(clock >= atomic_load_explicit(&horizon->slots[id].clock, memory_order_relaxed)); /* T1 */
    struct horizon_slot *slot = &horizon->slots[id];
    RACE(PARK);
    pthread_mutex_lock(&horizon->leader);
    atomic_store_explicit(&slot->clock, clock, memory_order_relaxed);
    atomic_store_explicit(&slot->state, SLOT_PARKED, memory_order_release);
    pthread_mutex_unlock(&horizon->leader);
}

uint64_t horizon_highest_clock(const struct horizon *horizon, uint64_t clock)
{
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    for (uint32_t i = 0; i < limit; i++) {
        /* ORD-4: relaxed. */
        uint64_t other = atomic_load_explicit(&horizon->slots[i].clock, memory_order_relaxed);
        clock = other > clock ? other : clock;
    }
    return clock;
}

/* The clock from which a worker that was not counted continues: above everything published. */
static uint64_t catch_up(const struct horizon *horizon, uint64_t clock, bool careless)
{
    uint64_t min_wts = atomic_load_explicit(&horizon->min_wts, memory_order_relaxed);
    if (careless)
        return clock;
    if (bound(clock) < min_wts)
        clock = timestamp_clock(min_wts) - 1;
    return horizon_highest_clock(horizon, clock);
}

/* Counts a worker again. */
static void count_in(struct horizon *horizon, struct horizon_slot *slot, uint64_t clock)
{
    MAE_DCHECK(is_led(horizon));
    MAE_DCHECK(bound(clock) >= atomic_load_explicit(&horizon->min_wts, memory_order_relaxed) ||
               MUTATED(join_below_horizon) || MUTATED(overtaken_below_horizon)); /* H1 */
    uint64_t min_wts = atomic_load_explicit(&horizon->min_wts, memory_order_relaxed);
    atomic_store_explicit(&slot->clock, clock, memory_order_relaxed);
    atomic_store_explicit(&slot->rts, read_bound(horizon, min_wts), memory_order_relaxed);
    atomic_store_explicit(&slot->wts, bound(clock), memory_order_relaxed);
    atomic_store_explicit(&slot->state, SLOT_ACTIVE, memory_order_release);
}

uint64_t horizon_unpark(struct horizon *horizon, unsigned id, uint64_t clock)
{
    MAE_DCHECK(id < HORIZON_SLOTS);
    RACE(UNPARK);
    pthread_mutex_lock(&horizon->leader);
    clock = catch_up(horizon, clock, MUTATED(join_below_horizon));
    count_in(horizon, &horizon->slots[id], clock);
    /* A worker that comes back to a quiet database finds a fresh snapshot. */
    publish_minima(horizon, atomic_load_explicit(&horizon->round_ticks, memory_order_relaxed));
    pthread_mutex_unlock(&horizon->leader);
    RACE(UNPARK);
    return clock;
}

bool horizon_come_back(struct horizon *horizon, unsigned id, uint64_t *clock)
{
    struct horizon_slot *slot = &horizon->slots[id];
    RACE(UNPARK);
    pthread_mutex_lock(&horizon->leader);
    bool overtaken = atomic_load_explicit(&slot->state, memory_order_relaxed) == SLOT_OVERTAKEN;
    if (overtaken) {
        *clock = catch_up(horizon, *clock, MUTATED(overtaken_below_horizon));
        count_in(horizon, slot, *clock);
        MAE_DCHECK(horizon->overtaken > 0); /* H5 */
        if (--horizon->overtaken == 0)
            horizon->waiting_rts = 0;
    }
    pthread_mutex_unlock(&horizon->leader);
    return overtaken;
}

void horizon_unpin(struct horizon *horizon, unsigned id)
{
    struct horizon_slot *slot = &horizon->slots[id];
    pthread_mutex_lock(&horizon->leader);
    /* ORD-13: release, after all loads of the transaction. */
    atomic_store_explicit(&slot->pin_lo, 0, memory_order_release);
    atomic_store_explicit(&slot->pin_hi, 0, memory_order_release);
    add_to_pin_count(horizon, (uint32_t)-1);
    pthread_mutex_unlock(&horizon->leader);
}

bool horizon_oldest(struct horizon *horizon, struct horizon_hold *oldest)
{
    uint64_t lowest = UINT64_MAX;
    pthread_mutex_lock(&horizon->leader);
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    for (uint32_t i = 0; i < limit; i++) {
        const struct horizon_slot *slot = &horizon->slots[i];
        uint32_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
        uint64_t rts = atomic_load_explicit(&slot->rts, memory_order_acquire);
        uint64_t begin_ticks = atomic_load_explicit(&slot->begin_ticks, memory_order_relaxed);
        if ((state != SLOT_ACTIVE && state != SLOT_OVERTAKEN) || rts > lowest ||
            (rts == lowest && begin_ticks - oldest->begin_ticks <= INT64_MAX)) /* of equals, the first to begin wins */
            continue;
        lowest = rts;
        *oldest = (struct horizon_hold){
            .id = i,
            .owner = atomic_load_explicit(&slot->in_txn, memory_order_acquire), /* ORD-11 */
            .overtaken = state == SLOT_OVERTAKEN,
            .ts = atomic_load_explicit(&slot->ts, memory_order_relaxed),
            .begin_ticks = begin_ticks,
        };
    }
    pthread_mutex_unlock(&horizon->leader);
    return lowest != UINT64_MAX;
}

uint64_t horizon_last_commit(const struct horizon *horizon)
{
    uint64_t last = 0;
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_acquire);
    for (uint32_t i = 0; i < limit; i++) {
        /* ORD-12 */
        uint64_t ts = atomic_load_explicit(&horizon->slots[i].last_ts, memory_order_acquire);
        last = ts > last ? ts : last;
    }
    return last;
}

void horizon_pins_load(const struct horizon *horizon, struct horizon_pins *pins)
{
    pins->count = 0;
    if (atomic_load_explicit(&horizon->pin_count, memory_order_acquire) == 0) /* ORD-13 */
        return;
    uint32_t limit = atomic_load_explicit(&horizon->slot_limit, memory_order_relaxed);
    for (uint32_t i = 0; i < limit; i++) {
        const struct horizon_slot *slot = &horizon->slots[i];
        /* ORD-2: the collector has loaded its min_rts with acquire, and the pins were stored before that min_rts. A pin
         * that was taken away or replaced since belonged to a transaction that is over, so that its loads are done
         * (ORD-13), or belongs to one that this min_rts still counts. */
        uint64_t lo = atomic_load_explicit(&slot->pin_lo, memory_order_acquire);
        uint64_t hi = atomic_load_explicit(&slot->pin_hi, memory_order_acquire);
        if (hi == 0)
            continue;
        pins->pin[pins->count].lo = lo;
        pins->pin[pins->count++].hi = hi;
    }
}

bool horizon_park_other(struct horizon *horizon, unsigned id, void (*barrier)(void), uint64_t (*parked)(void *arg),
                        void *arg)
{
    struct horizon_slot *slot = &horizon->slots[id];
    bool is_parked = false;
    pthread_mutex_lock(&horizon->leader);
    if (atomic_load_explicit(&slot->state, memory_order_relaxed) == SLOT_ACTIVE &&
        !atomic_load_explicit(&slot->in_txn, memory_order_relaxed)) {
        /* ORD-9. The owner stores in_txn, then loads state. This thread stores state, runs a barrier on every CPU, then
         * loads in_txn. So at least one of them sees the other, and an owner that sees SLOT_PARKED takes the lock. */
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
