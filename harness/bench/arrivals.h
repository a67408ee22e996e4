/*
 * arrivals.h - the times at which requests are due in an open loop, one schedule for each worker.
 *
 * The schedule does not depend on how long transactions take. A slow transaction makes the next requests late, and
 * their waiting counts as response time (no coordinated omission). Each worker gets an equal share of the rate.
 *   poisson   independent exponential gaps: many clients that do not know of each other
 *   uniform   equal gaps; the workers' schedules are shifted against each other
 *
 * With a plan the rate changes: the gaps are those of a rate of 1, and the time is where the plan has so many requests
 * due. It begins when the schedule begins anew, so the warm-up has the mean rate.
 *
 * A request that is due and has not begun is overdue. The lateness of a schedule follows from the next request's time
 * and the clock, so it is known even if the worker was stopped.
 *
 * A schedule belongs to one thread, except that any thread may call arrivals_late_ns.
 */
#ifndef HARNESS_BENCH_ARRIVALS_H
#define HARNESS_BENCH_ARRIVALS_H

#include <stdatomic.h>

#include "harness/options/rate_plan.h"
#include "harness/record/histogram.h"
#include "workloads/rng.h"

struct arrivals {
    bool poisson;
    double gap_ticks;             /* mean */
    double due_ticks;             /* since begin_ticks */
    const struct rate_plan *plan; /* from the next restart on; NULL: the rate is constant */
    double plan_share;            /* the worker's, of the plan's requests */
    bool is_planned;              /* the schedule at hand follows the plan */
    double requests;              /* is_planned: how many of the plan's are due until due_ticks */
    double first_share;           /* the share of a gap after which a uniform schedule begins */
    uint64_t begin_ticks;
    struct rng rng;
    uint64_t taken;              /* requests begun since the schedule began */
    _Atomic uint64_t next_ticks; /* when the next request is due, for other threads */
};

/* `rate` is the rate of all `workers` together, per second. */
void arrivals_init(struct arrivals *arrivals, bool poisson, double rate, unsigned worker, unsigned workers,
                   uint64_t seed);

/* Begins the schedule anew at `now_ticks`, which may lie in the past. Requests that were due before are forgotten. */
void arrivals_restart(struct arrivals *arrivals, uint64_t now_ticks);

/* When the next request is due. */
static inline uint64_t arrivals_due(const struct arrivals *arrivals)
{
    return arrivals->begin_ticks + (uint64_t)arrivals->due_ticks;
}

/* Notes that the next request begins now, and moves on to the one after it. */
void arrivals_take(struct arrivals *arrivals);

/* The time for which the next request has been due at `now_ticks`; 0 if it is due after `until_ticks`. Any thread. */
uint64_t arrivals_late_ns(const struct arrivals *arrivals, uint64_t until_ticks, uint64_t now_ticks);

/*
 * Skips the requests that were due until `until_ticks` and never began. Returns how many. `waited` (may be NULL) gets
 * the time that each has waited at `now_ticks`. In a long backlog neighbours may get one common time, which is off by
 * less than 0.01% of the backlog.
 */
uint64_t arrivals_overdue(struct arrivals *arrivals, uint64_t until_ticks, uint64_t now_ticks,
                          struct histogram *waited);

#endif
