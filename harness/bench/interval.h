/*
 * interval.h - a run as a time series. The coordinator samples counters, which only grow, while the workers run. The
 * samples also tell whether the run was steady.
 *
 * A sample costs the coordinator some microseconds on a CPU that a worker may want. Sampling writes nothing that
 * workers read. Samples lie in memory until the window is over; interval_write then writes a row for each pair of
 * neighbours.
 *
 * Horizon lag. min_rts, the horizon of garbage collection, is compared with the place where min_wts would be if it had
 * always kept the pace of its best sample so far. (The engine's clock and the wall clock run alike, but their zeros
 * differ.) With timestamps=central the engine's clock counts transactions, and the lag means nothing.
 *
 * Steady. The series is cut in two halves. It is steady if their mean throughputs differ by no more than
 * max(2%, two standard errors of the difference), and their mean back-offs by no more than max(10%, 2 us). The bound of
 * the back-off moves even if no worker waits (with one worker). So it counts only if in one of the halves workers
 * waited for more than 1% of a worker's time, where each abort is taken as half a bound. Not thread-safe.
 */
#ifndef HARNESS_BENCH_INTERVAL_H
#define HARNESS_BENCH_INTERVAL_H

#include "harness/machine/pmu.h"
#include "workloads/target.h"

enum { INTERVAL_SAMPLES_MAX = 1000000, INTERVAL_STEADY_MIN = 8, INTERVAL_STEADY_WARMUP = 20 };

struct interval_sample {
    uint64_t at_ns;
    uint64_t committed, operations, aborted[TARGET_REASONS_MAX];
    bool in_window, has_state, has_versions;
    struct target_state state;
    uint64_t versions_made, versions_reclaimed;
    uint64_t process_bytes;          /* resident; 0: unknown */
    uint64_t late_ns;                /* open loop: the worker that is furthest behind */
    double counters[PMU_EVENTS_MAX]; /* hardware events so far; NAN: unknown */
};

struct interval_series {
    struct interval_sample *samples;
    size_t count, room;
    uint64_t begin_ns; /* the window's begin; 0 before the window */
};

/* `room`: the largest number of samples; further ones are dropped. */
void interval_init(struct interval_series *series, size_t room);
void interval_fini(struct interval_series *series);

/* The next sample, zeroed, or NULL if there is no room. interval_keep makes it part of the series. */
struct interval_sample *interval_next(struct interval_series *series);
void interval_keep(struct interval_series *series);

/* Resident bytes of this process now. */
uint64_t interval_process_bytes(void);

/*
 * Whether samples [first, count) describe a steady state: 1, 0, or -1 for too few (INTERVAL_STEADY_MIN intervals).
 * *drift: how much faster the second half was, as a share.
 */
int interval_steady(const struct interval_series *series, size_t first, double *drift);

/* The header, without the caller's leading columns, and the rows, each after `prefix`. */
void interval_header(struct support_text *text);
void interval_rows(const struct interval_series *series, const struct target_ops *target, const struct pmu_plan *plan,
                   bool open_loop, const char *prefix, struct support_text *text);

#endif
