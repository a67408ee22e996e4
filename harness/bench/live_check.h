/*
 * live_check.h - the workload's check again and again while the workload runs, on a thread and worker of its own.
 *
 * The thread is not pinned and takes CPU time from whatever runs there; its snapshots hold versions back. So a run
 * with it is a proof, not a measurement. The first failure ends it and stays.
 */
#ifndef HARNESS_BENCH_LIVE_CHECK_H
#define HARNESS_BENCH_LIVE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/target.h"
#include "workloads/workload.h"

struct live_check;

/* Begins at once, then every `every_ns` from begin to begin, later if a check takes longer. NULL: no thread. */
struct live_check *live_check_start(const struct workload_ops *workload_ops, struct workload *workload,
                                    const struct target_ops *target_ops, struct target *target, uint64_t every_ns);

bool live_check_failed(const struct live_check *check); /* any thread; NULL is fine and has not failed */

/*
 * Ends it, after the check that runs. False if one failed: what in `report`. With `report` NULL nothing is told.
 * *passed: how many passed. NULL is fine.
 */
bool live_check_stop(struct live_check *check, unsigned *passed, char *report, size_t report_bytes);

#endif
