/*
 * live_check.h - runs the workload's check again and again while the workload runs, on a thread and worker of its own.
 *
 * The thread is not pinned and takes CPU time from other threads. Its snapshots hold versions back. So a run with it is
 * a proof, not a measurement. The first failure ends the thread, and the failure stays.
 */
#ifndef HARNESS_BENCH_LIVE_CHECK_H
#define HARNESS_BENCH_LIVE_CHECK_H

#include "workloads/workload.h"

struct live_check;

/* Begins a check at once and then every `every_ns`, later if a check takes longer. NULL if there is no thread. */
struct live_check *live_check_start(const struct workload_ops *workload_ops, struct workload *workload,
                                    const struct target_ops *target_ops, struct target *target, uint64_t every_ns);

bool live_check_failed(const struct live_check *check); /* any thread; NULL is fine and has not failed */

/*
 * Ends the thread after the check that runs. False if a check failed; then `report` says what, unless it is NULL.
 * *passed: how many checks passed. NULL is fine.
 */
bool live_check_stop(struct live_check *check, unsigned *passed, char *report, size_t report_bytes);

#endif
