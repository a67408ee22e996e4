/*
 * trend.h - `maemio trend`: results over commits, as series that change-point tools read, and as pictures.
 *
 * A series is one configuration (config_hash) under one label, in a file of its own, FOLDER/LABEL-HASH.csv, so that
 * different configurations never meet in one column: time, commit, machine, runs, and each metric of TREND_METRIC_TABLE
 * as a median with its exact interval (statistics.h), _low and _high. The interval covers 95% from 6 runs on, and
 * 93.7%, 87.5%, 75% and 50% with 5, 4, 3 and 2 runs. Lines ascend in time. An entry stands for all complete
 * repetitions, of one series and commit in one results file, that have not failed; it has the time of the first.
 *
 *   the same again     an entry whose time and commit the series has is left as it is: adding twice adds once
 *   no commit          of a build outside git: refused, unless --commit gives one; -dirty marks uncommitted changes
 *   interruption       a series is written beside its place and renamed: it has the new entries or the old ones
 *   two at a time      a lock in the folder
 *
 * Checked by: tests/cli/trend.sh. Not here: finding change points; histories of transactions (harness/proof/).
 */
#ifndef HARNESS_ANALYSIS_TREND_H
#define HARNESS_ANALYSIS_TREND_H

#include "harness/common/exit_code.h"
#include "harness/common/support.h"

/* A column of the results, and of the series under the same name. */
#define TREND_METRIC_TABLE(X) \
    X(throughput_txn_per_s)   \
    X(ns_per_txn)             \
    X(abort_ratio)            \
    X(latency_p50_ns)         \
    X(latency_p99_ns)         \
    X(pmu_task_clock_per_txn) \
    X(bytes_per_row)

struct trend_request {
    const char *into, *commit;  /* the folder of the series; what the results are of, NULL: the revision they name */
    const char *const *sources; /* folders and files of results */
    size_t source_count;
    bool no_plot;
};

/* `name`: the command's for messages. */
enum exit_code trend_add(const char *name, const struct trend_request *asked);

#endif
