/*
 * plot_data.h - results as the points of a figure: median, minimum and maximum of every group of repetitions.
 *
 * The points are written as CSV for gnuplot: line, x, place (1, 2, ... along a categorical axis), oversubscribed, runs,
 * then for each metric M of PLOT_METRIC_TABLE the columns M, M_min, M_max, which are empty if there is no value. If
 * labels stand along the axis, these columns follow: relative, relative_low, relative_high, relative_coverage, the
 * throughput against the first label within rounds (settings.h). Rows are sorted by line, then by place. Texts are
 * reduced to letters, digits and . - _ , so that gnuplot can list them.
 * Checked by: tests/unit/harness/analysis/results.c.
 */
#ifndef HARNESS_FIGURES_PLOT_DATA_H
#define HARNESS_FIGURES_PLOT_DATA_H

#include "harness/figures/catalogue.h"

/* name, column of the results */
#define PLOT_METRIC_TABLE(X)                  \
    X(throughput, "throughput_txn_per_s")     \
    X(operations, "throughput_op_per_s")      \
    X(aborts, "abort_ratio")                  \
    X(versions, "versions_per_row")           \
    X(bytes_per_row, "bytes_per_row")         \
    X(backoff, "backoff_max_us")              \
    X(latency_p50_ns, "latency_p50_ns")       \
    X(latency_p99_ns, "latency_p99_ns")       \
    X(durable_p50, "durable_p50_ns")          \
    X(durable_p99, "durable_p99_ns")          \
    X(acknowledged, "acknowledged_txn_per_s") \
    X(commits, "commits")                     \
    X(worker_ns, "ns_per_txn")                \
    X(client_cpu_s, "client_cpu_s")           \
    X(server_cpu_s, "server_cpu_s")           \
    X(round_trips, "round_trips_per_txn")

#define PLOT_METRIC_ENUM(name, column) PLOT_##name,
enum plot_metric { PLOT_METRIC_TABLE(PLOT_METRIC_ENUM) PLOT_METRIC_COUNT };

enum { PLOT_TEXT_BYTES = 96 };

struct plot_range {
    double median, min, max; /* NAN: not available */
};

struct plot_point {
    char line[PLOT_TEXT_BYTES], x[PLOT_TEXT_BYTES];
    size_t place, runs; /* places from 0, in the order of the axis */
    bool oversubscribed;
    struct plot_range metrics[PLOT_METRIC_COUNT];
    double relative; /* to the first label; NAN: not available */
    struct statistics_interval relative_interval;
};

struct plot_data {
    size_t count, line_count;
    struct plot_point *points;
    const char **lines; /* in order; point into `points` */
};

/*
 * `order`: texts in the order in which they stand on an axis, ended by NULL (a job file's labels); others come after
 * them: the native target, then numbers by size. May be NULL.
 */
void plot_data_make(struct plot_data *data, const struct results *set, const struct figure *figure, char **order);
void plot_data_free(struct plot_data *data);

/* What a caption must say about the runs: how many records, and how many runs were not steady or were moved about by
 * the hypervisor. One line; the caller frees it. */
char *plot_facts(const struct results *set);
/* Where the results are of several targets: on which terms they ran, back-off, retries and index updates. One line, ""
 * for one target; the caller frees it. */
char *plot_terms(const struct results *set);
void plot_data_write(const struct plot_data *data, struct support_text *text);

#endif
