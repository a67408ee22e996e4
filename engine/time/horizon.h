/*
 * horizon.h - what every worker has passed: min_wts and min_rts.
 *
 *   H1  Every transaction that installs versions, now or later, does so with ts >= min_wts. Hence all below are
 *       decided, and min_wts is a snapshot that nobody can still change.
 *   H2  Every transaction that runs or will begin reads at ts >= min_rts, unless it has been overtaken (below). Hence
 *       versions that are hidden from min_rts on by a newer committed one below it are garbage, but for pins.
 *   H3  Both only grow.
 *   H4  While a transaction runs that has not been overtaken, min_rts stays below the timestamp of every transaction
 *       that commits meanwhile; so nothing it has read is reclaimed before it ends. For: its worker published rts =
 *       min_wts - 1 before it began, a transaction that commits later has ts >= that min_wts (H1), and min_rts <= the
 *       worker's rts until it publishes again.
 *
 * Each worker has a slot with one writer, where it publishes at quiescent points (between transactions)
 *     wts = a lower bound of its future timestamps,
 *     rts = min_wts - 1 as it saw it: a lower bound of its future reads.
 * The leader, whichever worker wins the try-lock once per interval, publishes the minima over the active slots. A
 * parked worker does not count; it comes back under the leader's lock, above both horizons, so no round can have missed
 * it.
 *
 * Overtaking. A transaction that stays open would hold both horizons. Until it begins to commit it has installed
 * nothing, so the leader stops counting it, as if its worker were parked, once it is older than overtake_ticks. What it
 * may still read is pinned. When the owner begins to commit, or ends, it comes back under the leader's lock; a
 * read-write transaction then takes a new timestamp above both horizons and validates all its reads as of that.
 *   H5  A slot is SLOT_OVERTAKEN only while its owner reads: the leader stores the state, a barrier runs on every CPU,
 *       and the leader looks whether the owner is still reading; the owner stops reading by storing OWNER_BUSY before
 *       it loads the state (ORD-9). One of both sees the other, and the owner then waits for the leader's lock.
 *   H6  A pin [lo, hi] stands from before the first min_rts that does not count its transaction until that transaction
 *       is over. hi is the timestamp it reads at. It can have in hand any version v with v.wts < hi that was visible at
 *       some moment since it began, so whose successor has a timestamp of lo or more: lo is the first timestamp that
 *       can have been committed since (H4's argument; a snapshot reads what is decided: lo = hi).
 *   H7  An overtaken transaction that walks along a chain may stand on versions that no pin protects. Walks are counted
 *       in the slot, odd while one lasts. A min_rts computed while there are overtaken transactions is published only
 *       when each walk that was seen after it has ended; so what had been unlinked below it is walked over no more.
 *
 *   find which may race:          publish  round  park/unpark   "-" free to race, "X" excluded by the leader's lock
 *     horizon_publish (own slot)     -       -        -
 *     horizon_round                  -       X        X
 *     horizon_park / _unpark /
 *       _come_back / _unpin          -       X        X
 *     horizon_pins_load              -       -        -
 *
 * Source: section 3.1 (min_wts, min_rts), 3.8 (quiescence, leader). Overtaking is ours.
 */
#ifndef ENGINE_TIME_HORIZON_H
#define ENGINE_TIME_HORIZON_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"
#include "engine/maemio.h"

enum horizon_slot_state { SLOT_FREE, SLOT_PARKED, SLOT_ACTIVE, SLOT_OVERTAKEN };

/* What the owner of a slot is at. BUSY: it begins, commits or ends a transaction, or parks. */
enum horizon_owner { OWNER_IDLE, OWNER_BUSY, OWNER_READING, OWNER_SNAPSHOT };

/* Every worker has a slot, those of callers and the database's own: its maintenance, and one that makes an index or
 * verifies. Only callers' workers have a number, the low bits of their timestamps; usually it is that of the slot. */
enum { HORIZON_OWN = 2, HORIZON_SLOTS = MAE_WORKERS_MAX + HORIZON_OWN, HORIZON_NO_NUMBER = MAE_WORKERS_MAX };

struct SEPARATED horizon_slot {
    _Atomic uint64_t wts, rts;
    _Atomic uint64_t clock;  /* as of the last publication: for one-sided synchronisation, and for who reuses the id */
    _Atomic uint32_t number; /* of its worker */
    _Atomic uint32_t state;
    _Atomic uint64_t pin_lo, pin_hi; /* H6; 0: none */
    _Atomic uint64_t doomed_ticks;   /* when a transaction began that has been open for too long */
    uint32_t walk_seen;              /* the leader's: the walk it waits for, 0 if none */
    /* Apart, since the owner writes it in each transaction, and the leader reads what is above in each round. */
    SEPARATED _Atomic uint32_t in_txn; /* enum horizon_owner */
    _Atomic uint32_t walks;            /* H7 */
    _Atomic uint64_t ts, begin_ticks;  /* of the transaction that runs, or the last one */
    _Atomic uint64_t last_ts;          /* of the last commit under this id; 0: none yet */
};

struct horizon {
    /* Read by all at quiescent points, written once per round. */
    SEPARATED _Atomic uint64_t min_wts;
    _Atomic uint64_t min_rts;
    _Atomic uint64_t round_ticks; /* when the last round was */
    _Atomic uint32_t slot_limit;  /* slots ever used are below */
    _Atomic uint32_t pin_count;
    /* Constant: a transaction older than this is overtaken (UINT64_MAX: never, as without a barrier), and how often the
     * leader looks and waits for walks, which takes a barrier. */
    uint64_t overtake_ticks, doom_ticks, look_ticks;
    void (*barrier)(void);
    /* The leader's. */
    SEPARATED pthread_mutex_t leader;
    uint64_t looked_ticks, walked_ticks; /* when it last did */
    uint64_t waiting_rts;                /* a min_rts that waits for walks to end, or 0 */
    uint32_t overtaken;                  /* how many slots are */
    bool number_used[MAE_WORKERS_MAX];
    SEPARATED struct horizon_slot slots[HORIZON_SLOTS];
};

void horizon_init(struct horizon *horizon);
void horizon_fini(struct horizon *horizon);

/* Lets open transactions be overtaken, and doomed, once they are so old; before the first worker joins. */
void horizon_set_overtaking(struct horizon *horizon, void (*barrier)(void), uint64_t overtake_ticks,
                            uint64_t doom_ticks, uint64_t look_ticks);

/* Whether the transaction of this slot has been doomed. Its owner only. */
static ALWAYS_INLINE bool horizon_is_doomed(const struct horizon_slot *slot)
{
    return atomic_load_explicit(&slot->doomed_ticks, memory_order_relaxed) ==
           atomic_load_explicit(&slot->begin_ticks, memory_order_relaxed); /* ORD-4 */
}

/* The timestamp of the last commit that has returned, of all workers: a line of each. */
uint64_t horizon_last_commit(const struct horizon *horizon);

/* Publishes at a quiescent point of an active worker. */
void horizon_publish(struct horizon *horizon, unsigned id, uint64_t clock);

/* Publishes new minima unless another leader is at it or the last round is younger than interval_ticks. True if it did:
 * the caller is the leader until it calls horizon_round_end, and alone in what it does meanwhile. */
bool horizon_round(struct horizon *horizon, uint64_t now_ticks, uint64_t interval_ticks);
void horizon_round_end(struct horizon *horizon);

/* Takes the first free slot, parked; or -1. The first for a caller's worker, who gets a number; the second for one of
 * the database's own, which get none and take none away. T1 holds for a number that moves to another slot, because
 * horizon_unpark goes above the clocks of all slots. */
int horizon_join(struct horizon *horizon);
int horizon_join_own(struct horizon *horizon);
void horizon_leave(struct horizon *horizon, unsigned id);

/* The highest of `clock` and the clocks of all slots as they were published last. */
uint64_t horizon_highest_clock(const struct horizon *horizon, uint64_t clock);

/* Whether the worker is parked; waits for a round, or for someone who is about to park it, to end. */
bool horizon_is_parked(struct horizon *horizon, unsigned id);

/* Stops counting the worker. */
void horizon_park(struct horizon *horizon, unsigned id, uint64_t clock);

/* Counts it again; returns the clock it must continue from, at least `clock` and past everything published. */
uint64_t horizon_unpark(struct horizon *horizon, unsigned id, uint64_t clock);

/*
 * For a thread other than the owner: parks the worker if it is between transactions, true if so. Needs `barrier` to
 * order the owner's store of in_txn before its load of state without a fence there (the membarrier system call).
 * `parked` is called with `arg` before the owner can come back and returns the owner's clock, which the slot keeps: the
 * owner may leave without another publication, and whoever joins with its id must continue above it (T1).
 */
bool horizon_park_other(struct horizon *horizon, unsigned id, void (*barrier)(void), uint64_t (*parked)(void *arg),
                        void *arg);

/*
 * For an owner that has stored OWNER_BUSY and found its slot not active: if its transaction was overtaken, true, the
 * worker counts again, and *clock is raised as by horizon_unpark. The pin stays until horizon_unpin, which the owner
 * calls when that transaction is over. False: somebody only tried.
 */
bool horizon_come_back(struct horizon *horizon, unsigned id, uint64_t *clock);
void horizon_unpin(struct horizon *horizon, unsigned id);

/* The active slot that holds min_rts back the most; false if there is none. Takes the leader's lock. */
struct horizon_hold {
    unsigned id;
    uint32_t owner; /* enum horizon_owner */
    bool overtaken;
    uint64_t ts, begin_ticks;
};
bool horizon_oldest(struct horizon *horizon, struct horizon_hold *oldest);

/* The owner's walk along a chain begins and ends: H7. */
static ALWAYS_INLINE void horizon_walk_begin(struct horizon_slot *slot)
{
    uint32_t walks = atomic_load_explicit(&slot->walks, memory_order_relaxed);
    atomic_store_explicit(&slot->walks, walks + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* ORD-9, the owner's half: before the loads of links */
}

static ALWAYS_INLINE void horizon_walk_end(struct horizon_slot *slot)
{
    uint32_t walks = atomic_load_explicit(&slot->walks, memory_order_relaxed);
    atomic_store_explicit(&slot->walks, walks + 1, memory_order_release); /* ORD-11: after the loads */
}

/* Pins as a collector needs them: load them behind the min_rts that is relied on. */
struct horizon_pins {
    unsigned count;
    struct {
        uint64_t lo, hi;
    } pin[HORIZON_SLOTS];
};
void horizon_pins_load(const struct horizon *horizon, struct horizon_pins *pins);

/* Whether an overtaken transaction may have in hand a version of timestamp wts that was visible until a version of
 * timestamp `until` was committed, or until it was unlinked by a collector whose next timestamp was that (H6). */
static inline bool horizon_pins_need(const struct horizon_pins *pins, uint64_t wts, uint64_t until)
{
    for (unsigned i = 0; i < pins->count; i++)
        if (wts < pins->pin[i].hi && until >= pins->pin[i].lo)
            return true;
    return false;
}

#endif
