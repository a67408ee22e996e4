/*
 * loop.h - the loop of a worker in warm-up and window: draw a request, attempt it until it commits, count.
 *
 * Only its worker writes a counter; the coordinator may read it at any time (relaxed). Each worker's counters lie on
 * cache lines of their own. The loop does not allocate, lock, print or write a shared line. It reads the stop flag once
 * an attempt; no thread writes the flag's cache line during the run.
 *
 * A worker notices the window's edges between two requests. From the first edge on it times requests and counts events,
 * on its own thread. In an open loop the worker's schedule begins anew at the moment when the window opened, even if
 * the worker was kept from noticing that: a request that was due meanwhile is late, not forgotten. After the window has
 * closed, an open loop still runs the requests that were due until then, so that these have response times, and then
 * ends. If the loop is told to stop, or gives up a request, it records the time that the request has waited so far as
 * its response time.
 *
 * With terminals (terminals.h) a worker likewise waits until a request is due. It leaves no request behind when the
 * window closes, but ends with the one at hand.
 *
 * Where commits become safe some time after they return, the worker keeps those that are not, and looks between two
 * requests whether the target has moved on. At the end it waits for the rest, for a second at most.
 */
#ifndef HARNESS_BENCH_LOOP_H
#define HARNESS_BENCH_LOOP_H

#include "harness/bench/arrivals.h"
#include "harness/bench/pending.h"
#include "harness/bench/terminals.h"
#include "harness/machine/pmu.h"
#include "harness/record/counts.h"
#include "harness/record/latency.h"
#include "workloads/workload.h"

struct loop_counters {
    _Atomic uint64_t committed, operations, rolled_back, given_up, acknowledged, aborted[TARGET_REASONS_MAX];
};

struct loop_worker {
    /* Set before loop_run, only read by it. */
    const struct workload_ops *workload;
    struct workload_worker *state;
    const struct target_ops *target; /* waits before a retry, and is told of an open loop's longer waits */
    struct target_worker *target_worker;
    const _Atomic bool *stop;
    uint64_t commits_max;                 /* end after so many requests; UINT64_MAX: only when told to stop */
    const _Atomic uint64_t *opened_ticks; /* when the window opened; 0: not yet. NULL: at the start */
    const _Atomic uint64_t *closed_ticks; /* open loop: when it closed; 0: not yet. NULL: never */
    struct latency *latencies;            /* one for each transaction type; NULL: nothing is timed */
    bool exact;                           /* read the clock after drawing a request, too: see latency.h */
    bool times_aborted;                   /* with latencies: time each attempt that was aborted */
    uint64_t attempts_max;                /* a request is given up after so many aborted attempts; 0: never */
    uint64_t give_up_ns;                  /* or at an abort this long after its first one; 0: never */
    struct pmu_set *counters_set;         /* counts in the window; NULL: none */
    struct arrivals *arrivals;            /* NULL: closed loop */
    struct terminals *terminals;          /* NULL: none; else arrivals is NULL */
    struct pending *pending;              /* NULL: a commit is all that the target promises */
    /* Written by loop_run. */
    _Atomic bool entered;
    _Atomic bool measuring; /* true once the worker has seen the window open */
    bool paced;             /* requests are due at times of their own, not when the one before has ended */
    bool served;            /* a terminal waits for the answer to the request at hand */
    bool (*draw_ahead)(struct workload_worker *state); /* the workload's; NULL: no request is drawn ahead */
    uint64_t mark_ticks;                               /* the latest reading of the clock */
    uint64_t attempt_ticks;         /* times_aborted: when the attempt at hand began, if it is not the first */
    uint64_t aborted_ticks;         /* give_up_ns: when the first attempt of the request at hand was aborted */
    uint64_t begin_ns, end_ns;      /* valid when it has ended */
    struct loop_counters *counters; /* one for each transaction type; they only grow, also from run to run */
};

/* Counters for `types` transaction types on lines of their own. free() them. */
struct loop_counters *loop_counters_create(unsigned types);

/* TARGET_OK if it was told to stop or has made its commits; else the status of the attempt that ended the loop, which
 * is not retryable. */
enum target_status loop_run(struct loop_worker *worker);

/* Its parts, for several loops on one thread (interleave.h): all begin, then their requests run, and all end. */
void loop_begin(struct loop_worker *worker);
enum target_status loop_requests(struct loop_worker *worker); /* as loop_run */
void loop_end(struct loop_worker *worker);                    /* waits until its commits are safe */

/* Adds the present counters to `sums`, one for each type. Any thread, any time. */
void loop_counters_add(const struct loop_counters *counters, unsigned types, struct counts *sums);

#endif
