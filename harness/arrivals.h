/*
 * arrivals.h - when requests are due in an open loop, one schedule a worker.
 *
 * The schedule knows nothing of how long transactions take: a slow one makes the next ones late, and the time they
 * wait counts as response time (no coordinated omission). Each worker gets an equal share of the rate.
 *   poisson   independent exponential gaps: many clients that do not know of each other
 *   uniform   equal gaps, the workers' schedules shifted against each other
 *
 * One thread, but for late_ns, which any may read.
 */
#ifndef HARNESS_ARRIVALS_H
#define HARNESS_ARRIVALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "workloads/rng.h"

struct arrivals {
    bool poisson;
    double gap_ticks;   /* mean */
    double due_ticks;   /* since begin_ticks */
    double first_share; /* of a gap: where a uniform schedule begins */
    uint64_t begin_ticks;
    struct rng rng;
    _Atomic uint64_t late_ns; /* how late the latest request began; 0: it was waited for */
};

/* `rate` is that of all `workers` together, per second. */
void arrivals_init(struct arrivals *arrivals, bool poisson, double rate, unsigned worker, unsigned workers,
                   uint64_t seed);

/* Begins the schedule anew: what was due before is forgotten. */
void arrivals_restart(struct arrivals *arrivals, uint64_t now_ticks);

/* When the next request is due. */
static inline uint64_t arrivals_due(const struct arrivals *arrivals)
{
    return arrivals->begin_ticks + (uint64_t)arrivals->due_ticks;
}

/* The next request begins now: notes how late it is, and moves on to the one after it. */
void arrivals_take(struct arrivals *arrivals, uint64_t late_ns);

#endif
