/*
 * relay.h - of a machine's clusters, the cores that share a last level of cache, one at a time retries: it holds the
 * baton, for a leg.
 *
 * Where many workers want the same few rows, a row's lines go to another cluster and back with nearly each attempt, and
 * a transfer between clusters takes twice as long as one within a cluster, or more. Whoever is aborted therefore waits
 * until its cluster holds the baton. First attempts never wait, so that nobody waits where there are no conflicts, and
 * workers of one cluster never wait for each other.
 *
 *   RL1  a wait ends after RELAY_LEGS_MAX legs of the waiter's own clock, whatever others do and clocks show
 *   RL2  nobody takes the baton before a leg is over, and who holds it does not prolong a leg whose end others wait for
 *   RL3  a cluster whose baton nobody else wants keeps it, and its workers do not wait
 * The baton is advice. A worker that reads an old one retries too early or waits too long, and nothing else follows.
 * Source: ours; the idea is that of cohort locks (Dice, Marathe, Shavit, PPoPP 2012).
 * Checked by: tests/unit/time/relay.c. Not here: how long a worker waits then (backoff.h).
 */
#ifndef ENGINE_TIME_RELAY_H
#define ENGINE_TIME_RELAY_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/base/compiler.h"
#include "engine/time/backoff.h"

enum { RELAY_LEGS_MAX = 64, RELAY_CPUS_MAX = 1024 };

struct relay {
    SEPARATED _Atomic uint64_t baton; /* who holds it, whether another cluster wants it, and until when; see relay.c */
    SEPARATED uint64_t leg_ticks;     /* 0: there is no relay */
    uint64_t grace_ticks;
    double ticks_per_us;
    uint16_t cluster[RELAY_CPUS_MAX]; /* of each CPU */
};

/*
 * `leg_us` 0: nobody ever waits. Else reads from the system which CPUs share a last level of cache, which takes some
 * milliseconds.
 */
void relay_init(struct relay *relay, uint64_t leg_us, double ticks_per_us);

/*
 * 0: a worker of `cluster` may retry at `now_ticks`. Else its cluster is noted as waiting, and the result is in how
 * many ticks the worker should ask again. Any thread may call it. Cost: a load, and an exchange where something
 * changes.
 */
uint64_t relay_enter(struct relay *relay, unsigned cluster, uint64_t now_ticks);

/* Waits until the cluster of a worker that retries holds the baton (RL1). Returns the ticks waited, 0 if it did not
 * have to. */
uint64_t relay_wait(struct relay *relay, const struct retries *retries);

#endif
