/*
 * horizon.h - what every worker has passed: min_wts and min_rts.
 *
 *   H1  Every read-write transaction that runs or will begin has ts >= min_wts. Hence all below have finished, and
 *       min_wts - 1 is a snapshot that nobody can still change.
 *   H2  Every transaction that runs or will begin reads at ts >= min_rts. Hence versions that are hidden from min_rts
 *       on by a newer committed one below it are garbage.
 *   H3  Both only grow.
 *   H4  While a transaction runs, min_rts stays below the timestamp of every transaction that commits meanwhile; so
 *       nothing it has read is reclaimed before it ends. For: its worker published rts = min_wts - 1 before it began, a
 *       transaction that commits later has ts >= that min_wts (H1), and min_rts <= the worker's rts until it publishes
 *       again.
 *
 * Each worker has a slot with one writer, where it publishes at quiescent points (between transactions)
 *     wts = a lower bound of its future timestamps,
 *     rts = min_wts - 1 as it saw it: a lower bound of its future reads.
 * The leader, whichever worker wins the try-lock once per interval, publishes the minima over the active slots. A
 * parked worker does not count; it comes back under the leader's lock, above both horizons, so no round can have missed
 * it.
 *
 *   find which may race:          publish  round  park/unpark   "-" free to race, "X" excluded by the leader's lock
 *     horizon_publish (own slot)     -       -        -
 *     horizon_round                  -       X        X
 *     horizon_park / _unpark         -       X        X
 *
 * Source: section 3.1 (min_wts, min_rts), 3.8 (quiescence, leader).
 */
#ifndef ENGINE_TIME_HORIZON_H
#define ENGINE_TIME_HORIZON_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"
#include "engine/maemio.h"

enum horizon_slot_state { SLOT_FREE, SLOT_PARKED, SLOT_ACTIVE };

struct SEPARATED horizon_slot {
    _Atomic uint64_t wts, rts;
    _Atomic uint64_t clock; /* as of the last publication: for one-sided synchronisation, and for who reuses the id */
    _Atomic uint32_t state;
    _Atomic uint64_t pin_lo, pin_hi; /* 0: none */
    /* Apart, since the owner writes it in each transaction, and the leader reads what is above in each round. */
    SEPARATED _Atomic uint32_t in_txn; /* the owner is in a transaction, or at work on what is a worker's own */
};

struct horizon {
    /* Read by all at quiescent points, written once per round. */
    SEPARATED _Atomic uint64_t min_wts;
    _Atomic uint64_t min_rts;
    _Atomic uint64_t round_ticks; /* when the last round was */
    _Atomic uint32_t pin_count;
    _Atomic uint32_t slot_limit; /* slots ever used are below */
    SEPARATED pthread_mutex_t leader;
    SEPARATED struct horizon_slot slots[MAE_WORKERS_MAX];
};

void horizon_init(struct horizon *horizon);
void horizon_fini(struct horizon *horizon);

/* Publishes at a quiescent point of an active worker. */
void horizon_publish(struct horizon *horizon, unsigned id, uint64_t clock);

/* Publishes new minima unless another leader is at it or the last round is younger than interval_ticks. True if it did:
 * the caller is the leader until it calls horizon_round_end, and alone in what it does meanwhile. */
bool horizon_round(struct horizon *horizon, uint64_t now_ticks, uint64_t interval_ticks);
void horizon_round_end(struct horizon *horizon);

/* Takes the free slot with the lowest number, parked; or -1. */
int horizon_join(struct horizon *horizon);
void horizon_leave(struct horizon *horizon, unsigned id);

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

/* Pins as a collector needs them: load them behind the min_rts that is relied on. */
struct horizon_pins {
    unsigned count;
    struct {
        uint64_t lo, hi;
    } pin[MAE_WORKERS_MAX];
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
