/*
 * rate_plan.h - how the rate of an open loop changes over the window: stages, each FROM..TO/TIME or RATE/TIME.
 *
 *     10k/5s,10k..50k/20s,50k/10s     five seconds at 10k, then linearly up to 50k within 20 s, then ten seconds there
 *
 * Read by --rate-plan, used by arrivals.c. The number of requests due until a time is the area below the rate; so the
 * time of the n-th request is where that area reaches n, which has a closed form within a stage.
 * Checked by: tests/unit/harness/bench/arrivals.c.
 */
#ifndef HARNESS_OPTIONS_RATE_PLAN_H
#define HARNESS_OPTIONS_RATE_PLAN_H

#include "harness/common/support.h"

enum { RATE_PLAN_STAGES_MAX = 64, RATE_PLAN_ERROR_BYTES = 512 };

struct rate_plan {
    size_t count;
    struct rate_stage {
        double from, to; /* per second */
        double length_s;
    } stages[RATE_PLAN_STAGES_MAX];
};

/* False with what is wrong and what would be right in `error` (RATE_PLAN_ERROR_BYTES). */
bool rate_plan_read(struct rate_plan *plan, const char *text, char *error);

double rate_plan_length_s(const struct rate_plan *plan);
double rate_plan_requests(const struct rate_plan *plan); /* due in all of it */
double rate_plan_highest(const struct rate_plan *plan);

/* When, since the begin of the plan, the n-th request is due; after the plan's end as if its last rate went on. */
double rate_plan_time_s(const struct rate_plan *plan, double n);

#endif
