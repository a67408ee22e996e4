/*
 * horizon.h - the horizons min_wts and min_rts: timestamps that every worker has passed.
 *
 *   H1  Every transaction that installs versions, now or later, does so with ts >= min_wts. Hence every version below
 *       min_wts is decided, and min_wts is a snapshot that no transaction can change any more.
 *   H2  Every transaction that runs or will begin reads at ts >= min_rts, unless it has been overtaken (below). Hence a
 *       version is garbage if a newer committed version below min_rts hides it, unless a pin needs it.
 *   H3  Both horizons only grow.
 *   H4  While a transaction runs that has not been overtaken, min_rts stays below the timestamp of every transaction
 *       that commits meanwhile, so nothing that it has read is reclaimed before it ends. Proof: its worker published
 *       rts = min_wts - 1 before the transaction began; a transaction that commits later has ts >= that min_wts (H1);
 *       and min_rts <= the worker's rts until the worker publishes again.
 *
 * Each worker has a slot that only it writes. At its quiescent points, which lie between transactions, the worker
 * publishes there
 *     wts = a lower bound of its future timestamps,
 *     rts = min_wts - 1, with the min_wts it saw: a lower bound of the timestamps it will read at (but see below).
 * The leader is the worker that wins the try-lock, once per interval. It publishes the minima over all active slots. A
 * parked worker does not count. It comes back under the leader's lock and above both horizons, so that no round can
 * have missed it.
 *
 * Snapshots read at min_wts. While `snapshots_below` is lower, which the log sets with snapshot=durable, they read at
 * that, and rts is one less than that (D21 in DURABLE.md). It only grows, too, so H2 to H4 hold as they are: rts is
 * still a lower bound of what the worker will read at, and still below min_wts.
 *
 * Overtaking. A transaction that stays open would hold both horizons back. Until it begins to commit it has installed
 * nothing. So once it is older than overtake_ticks, the leader stops counting it, as if its worker were parked, and
 * pins what the transaction may still read. When the owner begins to commit or ends the transaction, the owner comes
 * back under the leader's lock. A read-write transaction then takes a new timestamp above both horizons and validates
 * all its reads at that timestamp.
 *   H5  A slot is SLOT_OVERTAKEN only while its owner reads. The leader stores the state, runs a barrier on every CPU,
 *       and loads whether the owner is still reading. The owner stops reading by storing OWNER_BUSY before it loads the
 *       state (ORD-9). So at least one of them sees the other; an owner that sees the state waits for the leader's
 *       lock.
 *   H6  A pin [lo, hi] stands from before the first min_rts that does not count its transaction until the transaction
 *       is over. hi is the timestamp that the transaction reads at. The transaction may hold any version v with
 *       v.wts < hi that was visible at some moment since the transaction began, so any v whose successor has a
 *       timestamp of lo or more. lo is the first timestamp that can have been committed since the transaction began (by
 *       the argument of H4). A snapshot reads only what is decided, so its lo is hi.
 *   H7  An overtaken transaction that walks along a chain may stand on versions that no pin protects. The owner counts
 *       its walks in the slot; the count is odd while a walk lasts. A min_rts computed while there are overtaken
 *       transactions is published only when every walk that the leader saw after computing it has ended. So no walk
 *       still stands on a version that had been unlinked below that min_rts.
 *       A snapshot that finds its version without a walk counts none. It loads its slot's state afterwards, and takes
 *       the version only if it has not been overtaken (txn.c, peek_snapshot). A read-write transaction need not look,
 *       since it validates what it has read.
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

/* What the owner of a slot is doing. BUSY: it begins, commits or ends a transaction, or parks. */
enum horizon_owner { OWNER_IDLE, OWNER_BUSY, OWNER_READING, OWNER_SNAPSHOT };

/* Callers' workers and the database's own workers each have a slot. The database's own are its maintenance worker,
 * one that makes an index or verifies, the logger's, and one that makes a checkpoint. Only callers' workers have a
 * number, the low bits of their timestamps; usually it equals the slot's index. */
enum { HORIZON_OWN = 4, HORIZON_SLOTS = MAE_WORKERS_MAX + HORIZON_OWN, HORIZON_NO_NUMBER = MAE_WORKERS_MAX };

struct SEPARATED horizon_slot {
    _Atomic uint64_t wts, rts;
    _Atomic uint64_t clock;  /* as last published: for one-sided synchronisation, and for the id's next worker */
    _Atomic uint32_t number; /* of the slot's worker */
    _Atomic uint32_t state;
    _Atomic uint64_t pin_lo, pin_hi; /* H6; 0: none */
    _Atomic uint64_t doomed_ticks;   /* begin_ticks of a transaction that has been open for too long */
    uint32_t walk_seen;              /* the leader's: the walk it waits for, 0 if none */
    /* On lines of their own: the owner writes these in each transaction, the leader reads the above in each round. */
    SEPARATED _Atomic uint32_t in_txn; /* enum horizon_owner */
    _Atomic uint32_t walks;            /* H7 */
    _Atomic uint64_t ts, begin_ticks;  /* of the running transaction, or of the last one */
    _Atomic uint64_t last_ts;          /* of the last commit under this id; 0: none yet */
};

struct horizon {
    /* Read by all at quiescent points, written once per round. */
    SEPARATED _Atomic uint64_t min_wts;
    _Atomic uint64_t min_rts;
    _Atomic uint64_t snapshots_below; /* UINT64_MAX: nothing keeps snapshots from min_wts. ORD-15 */
    _Atomic uint64_t round_ticks;     /* when the last round was */
    _Atomic bool round_is_on;         /* a hint: a leader's round is under way, so that to try the lock is in vain */
    _Atomic uint32_t slot_limit;      /* every slot that was ever used is below */
    _Atomic uint32_t pin_count;
    /* Constant. The ages at which a transaction is overtaken and doomed (UINT64_MAX: never, as without a barrier), and
     * the interval at which the leader looks for such transactions and for walks, each of which takes a barrier. */
    uint64_t overtake_ticks, doom_ticks, look_ticks;
    void (*barrier)(void);
    /* Constant. NULL, or what the leader calls for each slot that it has overtaken, before the owner can come back. */
    void (*on_overtaking)(void *arg, unsigned id);
    void *on_overtaking_arg;
    /* The leader's. */
    SEPARATED pthread_mutex_t leader;
    uint64_t looked_ticks, walked_ticks; /* when the leader last looked for old transactions, and for walks */
    uint64_t waiting_rts;                /* a min_rts that waits for walks to end, or 0 */
    uint32_t overtaken;                  /* how many slots are */
    bool number_used[MAE_WORKERS_MAX];
    SEPARATED struct horizon_slot slots[HORIZON_SLOTS];
};

/* Where a snapshot that begins now reads: every version below is decided (H1), and safe if that is asked for. */
static ALWAYS_INLINE uint64_t horizon_snapshot_ts(const struct horizon *horizon)
{
    /* ORD-2: acquire, to see what the transactions below did. */
    uint64_t min_wts = atomic_load_explicit(&horizon->min_wts, memory_order_acquire);
    uint64_t below = atomic_load_explicit(&horizon->snapshots_below, memory_order_acquire); /* ORD-15 */
    return below < min_wts && !MUTATED(snapshot_unsafe) ? below : min_wts;
}

void horizon_init(struct horizon *horizon);
void horizon_fini(struct horizon *horizon);

/* Sets the ages at which open transactions are overtaken and doomed. Call it before the first worker joins. */
void horizon_set_overtaking(struct horizon *horizon, void (*barrier)(void), uint64_t overtake_ticks,
                            uint64_t doom_ticks, uint64_t look_ticks);
/* Sets what the leader calls with `arg` and a slot's index when it has overtaken that slot's transaction. Call it
 * before the first worker joins. */
void horizon_on_overtaking(struct horizon *horizon, void (*call)(void *arg, unsigned id), void *arg);

/* Whether the transaction of this slot has been doomed. Only the slot's owner may ask. */
static ALWAYS_INLINE bool horizon_is_doomed(const struct horizon_slot *slot)
{
    return atomic_load_explicit(&slot->doomed_ticks, memory_order_relaxed) ==
           atomic_load_explicit(&slot->begin_ticks, memory_order_relaxed); /* ORD-4 */
}

/* The highest timestamp of a commit that has returned, over all workers. Reads one cache line of each slot. */
uint64_t horizon_last_commit(const struct horizon *horizon);

/* Publishes at a quiescent point of an active worker. */
void horizon_publish(struct horizon *horizon, unsigned id, uint64_t clock);

/* Publishes new minima, unless another worker is the leader or the last round is younger than interval_ticks. True if
 * it did: the caller then is the leader, and holds the leader's lock, until it calls horizon_round_end. */
bool horizon_round(struct horizon *horizon, uint64_t now_ticks, uint64_t interval_ticks);
void horizon_round_end(struct horizon *horizon);

/* Takes the first free slot and parks it; -1 if there is none. horizon_join serves a caller's worker and gives it a
 * number. horizon_join_own serves one of the database's own workers, which need no number and take none away. A number
 * may move to another slot; T1 holds because horizon_unpark goes above the clocks of all slots. */
int horizon_join(struct horizon *horizon);
int horizon_join_own(struct horizon *horizon);
void horizon_leave(struct horizon *horizon, unsigned id);

/* The highest of `clock` and the clocks of all slots as they were published last. */
uint64_t horizon_highest_clock(const struct horizon *horizon, uint64_t clock);

/* The state of the slot, between rounds. */
enum horizon_slot_state horizon_state(struct horizon *horizon, unsigned id);

/* Whether the worker is parked. First waits for a round, or for another worker that is parking this one, to end. */
bool horizon_is_parked(struct horizon *horizon, unsigned id);

/* Stops counting the worker. */
void horizon_park(struct horizon *horizon, unsigned id, uint64_t clock);

/* Counts the worker again. Returns the clock from which it must continue: at least `clock`, and past everything that
 * was published. */
uint64_t horizon_unpark(struct horizon *horizon, unsigned id, uint64_t clock);

/*
 * For a thread other than the owner: parks the worker if it is between transactions; true if it did. `barrier` (the
 * membarrier system call) orders the owner's store of in_txn before its load of state without a fence in the owner.
 * horizon_park_other calls `parked` with `arg` before the owner can come back. `parked` returns the owner's clock, and
 * the slot keeps that clock, because the owner may leave without publishing again and the next worker with this id must
 * continue above it (T1).
 */
bool horizon_park_other(struct horizon *horizon, unsigned id, void (*barrier)(void), uint64_t (*parked)(void *arg),
                        void *arg);

/*
 * For an owner that has stored OWNER_BUSY and then found its slot not active. True: the owner's transaction was
 * overtaken; now the worker counts again and *clock is raised as by horizon_unpark. The pin stays until the owner calls
 * horizon_unpin, which it does when that transaction is over. False: the leader or a parker tried and gave up.
 */
bool horizon_come_back(struct horizon *horizon, unsigned id, uint64_t *clock);
void horizon_unpin(struct horizon *horizon, unsigned id);

/* The active or overtaken slot with the lowest rts, of several the one whose transaction began first; false if there is
 * none. Takes the leader's lock. */
struct horizon_hold {
    unsigned id;
    uint32_t owner; /* enum horizon_owner */
    bool overtaken;
    uint64_t ts, begin_ticks;
};
bool horizon_oldest(struct horizon *horizon, struct horizon_hold *oldest);

/* The owner tells that it begins and ends a walk along a chain: H7. */
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

/* The pins for a collector. Load them after the min_rts that the collector relies on. */
struct horizon_pins {
    unsigned count;
    struct {
        uint64_t lo, hi;
    } pin[HORIZON_SLOTS];
};
void horizon_pins_load(const struct horizon *horizon, struct horizon_pins *pins);

/* Whether an overtaken transaction may hold a version of timestamp wts that was visible until `until`: the timestamp of
 * its successor, or the next timestamp of the collector that unlinked the version (H6). */
static inline bool horizon_pins_need(const struct horizon_pins *pins, uint64_t wts, uint64_t until)
{
    for (unsigned i = 0; i < pins->count; i++)
        if (wts < pins->pin[i].hi && until >= pins->pin[i].lo)
            return true;
    return false;
}

#endif
