/*
 * arrivals.h - when requests are due in an open loop, one schedule a worker.
 *
 * The schedule knows nothing of how long transactions take: a slow one makes the next ones late, and the time they
 * wait counts as response time (no coordinated omission). Each worker gets an equal share of the rate.
 *   poisson   independent exponential gaps: many clients that do not know of each other
 *   uniform   equal gaps, the workers' schedules shifted against each other
 *
 * A request that is due and has not begun is overdue, however little its worker does about it: how late a schedule is
 * follows from the next request's time and the clock, and needs nothing from a worker that was stopped.
 *
 * One thread, but for arrivals_late_ns, which any may call.
 */
#ifndef HARNESS_BENCH_ARRIVALS_H
#define HARNESS_BENCH_ARRIVALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/record/histogram.h"
#include "workloads/rng.h"

struct arrivals {
    bool poisson;
    double gap_ticks;   /* mean */
    double due_ticks;   /* since begin_ticks */
    double first_share; /* of a gap: where a uniform schedule begins */
    uint64_t begin_ticks;
    struct rng rng;
    uint64_t taken;              /* requests begun since the schedule began */
    _Atomic uint64_t next_ticks; /* when the next request is due, for others to see */
};

/* `rate` is that of all `workers` together, per second. */
void arrivals_init(struct arrivals *arrivals, bool poisson, double rate, unsigned worker, unsigned workers,
                   uint64_t seed);

/* Begins the schedule anew at `now_ticks`, which may have passed: what was due before is forgotten. */
void arrivals_restart(struct arrivals *arrivals, uint64_t now_ticks);

/* When the next request is due. */
static inline uint64_t arrivals_due(const struct arrivals *arrivals)
{
    return arrivals->begin_ticks + (uint64_t)arrivals->due_ticks;
}

/* The next request begins now: moves on to the one after it. */
void arrivals_take(struct arrivals *arrivals);

/* For how long the next request has been due at `now_ticks`; 0 if it was not until `until_ticks`. Any thread. */
uint64_t arrivals_late_ns(const struct arrivals *arrivals, uint64_t until_ticks, uint64_t now_ticks);

/*
 * Passes over the requests that were due until `until_ticks` and never begun. Returns how many; `waited` (may be NULL)
 * gets for how long each has waited at `now_ticks`. Of a long backlog neighbours may get the same time, which is off by
 * less than 0.01% of the backlog.
 */
uint64_t arrivals_overdue(struct arrivals *arrivals, uint64_t until_ticks, uint64_t now_ticks,
                          struct histogram *waited);

#endif
