/*
 * loop.h - what a worker does in warm-up and window: draw a request, attempt it until it commits, count.
 *
 * The counters have one writer, their worker, and are read by the coordinator at any time (relaxed); each worker's
 * lie on cache lines of their own. Nothing here allocates, locks, prints or writes a shared line; the stop flag is
 * read once an attempt and lies on a line that nobody writes during the run.
 *
 * A worker notices the window's edges between two requests: from then on it times them and counts events, on its own
 * thread. In an open loop its schedule begins anew at the moment the window opened, even if the worker was kept from
 * noticing it: what was due meanwhile is late, not forgotten. Once the window has closed, an open loop goes on with
 * what was due until then, so that those requests have their response times, and then ends. A request that is given up,
 * as the loop was told to stop, has waited at least until then: that is recorded as its response time.
 */
#ifndef HARNESS_BENCH_LOOP_H
#define HARNESS_BENCH_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/bench/arrivals.h"
#include "harness/machine/pmu.h"
#include "harness/record/counts.h"
#include "harness/record/latency.h"
#include "workloads/target.h"
#include "workloads/workload.h"

struct loop_counters {
    _Atomic uint64_t committed, operations, rolled_back, aborted[TARGET_REASONS_MAX];
};

struct loop_worker {
    /* Set before loop_run, only read by it. */
    const struct workload_ops *workload;
    struct workload_worker *state;
    void (*backoff)(struct target_worker *worker);
    struct target_worker *target_worker;
    const _Atomic bool *stop;
    uint64_t commits_max;                       /* end after so many requests; UINT64_MAX: only when told to stop */
    const _Atomic uint64_t *opened_ticks;       /* when the window opened; 0: not yet. NULL: at the start */
    const _Atomic uint64_t *closed_ticks;       /* open loop: when it closed; 0: not yet. NULL: never */
    struct latency *latencies;                  /* one for each transaction type; NULL: nothing is timed */
    bool exact;                                 /* read the clock after drawing a request, too: see latency.h */
    struct pmu_set *counters_set;               /* counts in the window; NULL: none */
    struct arrivals *arrivals;                  /* NULL: closed loop */
    void (*idle)(struct target_worker *worker); /* before waiting for a request; used with `arrivals` only */
    /* Written by loop_run. */
    _Atomic bool entered;
    _Atomic bool measuring;         /* has seen the window open; stays so */
    uint64_t mark_ticks;            /* the latest reading of the clock */
    uint64_t begin_ns, end_ns;      /* valid when it has ended */
    struct loop_counters *counters; /* one for each transaction type; they only grow, from run to run */
};

/* Counters for `types` transaction types on lines of their own. free() them. */
struct loop_counters *loop_counters_create(unsigned types);

/* TARGET_OK when stopped or through with its commits; else the status, not retryable, of the attempt that ended it. */
enum target_status loop_run(struct loop_worker *worker);

/* Adds the present counters to `sums`, one for each type. Any thread, any time. */
void loop_counters_add(const struct loop_counters *counters, unsigned types, struct counts *sums);

#endif
