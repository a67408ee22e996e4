/*
 * skew.c - write skew, the anomaly that snapshot isolation allows and serializability does not.
 *
 * Rows come in pairs whose sum must not fall below 0. A withdrawal reads both rows of a pair. If their sum covers the
 * amount, it takes the amount from one of the rows, even below 0; else it refills that row to the pair's initial sum.
 * Two withdrawals from different rows of a pair do not write a common row: only the validation of their reads keeps
 * both from committing. Audits (snapshots) look at the sum, too. What a transaction saw counts only if it commits.
 * Source: Berenson et al., "A critique of ANSI SQL isolation levels", SIGMOD 1995, A5B.
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>

#include "workloads/micro/common.h"

#define SKEW_OPTIONS(X)                                                                     \
    X(u64, pairs, "4", "1..100000000", "", "how many pairs of rows there are")              \
    X(u64, initial_value, "100", "1..1000000000", "", "loaded into each row")               \
    X(u64, withdrawal_max, "100", "1..1000000000", "", "a withdrawal takes 1 to this much") \
    X(f64, audit_ratio, "0.1", "0..1", "", "share of transactions that only look, as snapshots")

enum { WITHDRAW, AUDIT };

struct skew_options {
    SKEW_OPTIONS(OPTION_FIELD)
};

struct workload {
    struct micro micro;
    struct skew_options options;
};

/* A worker's tally is by how much its committed transactions changed each row, int64_t[rows]. */
struct workload_worker {
    struct micro_worker base;
    unsigned type;
    uint64_t keys[2]; /* of the row to change and its twin */
    int64_t amount;
};

static const struct option_spec option_table[] = {SKEW_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {"withdraw", "audit", NULL};

static void fill(void *arg, uint64_t key, void *data)
{
    const struct workload *workload = arg;
    (void)key;
    *(int64_t *)data = (int64_t)workload->options.initial_value;
}

static bulk_attempt_fn attempt_once;
static bulk_pass_fn check_pass;
static const struct micro_traits traits = {
    .workload_bytes = sizeof(struct workload),
    .worker_bytes = sizeof(struct workload_worker),
    .fill = fill,
    .attempt = attempt_once,
    .check_pass = check_pass,
};

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **result, char *error, size_t error_bytes)
{
    struct skew_options options = *(const struct skew_options *)values;
    (void)error, (void)error_bytes;
    struct workload *workload = micro_create(&traits, ops, seed, workers, 2 * options.pairs, sizeof(int64_t),
                                             (size_t)(2 * options.pairs) * sizeof(int64_t));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    return micro_setup(workload, target, "skew", sizeof(int64_t), TARGET_INDEX_HASH, error, error_bytes);
}

static unsigned next(struct workload_worker *w)
{
    const struct skew_options *options = &w->base.workload->options;
    w->type = rng_unit(&w->base.rng) < options->audit_ratio ? AUDIT : WITHDRAW;
    w->keys[0] = rng_below(&w->base.rng, 2 * options->pairs);
    w->keys[1] = w->keys[0] ^ 1;
    w->amount = 1 + (int64_t)rng_below(&w->base.rng, options->withdrawal_max);
    return w->type;
}

/* Reads the pair and, unless it is an audit, writes one of it. */
static enum target_status run(struct workload_worker *w, struct target_txn *txn, int64_t *sum, int64_t *change)
{
    const struct micro *micro = &w->base.workload->micro;
    const void *own, *twin;
    enum target_status status = micro->ops->read(txn, micro->index, &w->keys[0], &own, NULL);
    if (status == TARGET_OK)
        status = micro->ops->read(txn, micro->index, &w->keys[1], &twin, NULL);
    if (status != TARGET_OK)
        return status;
    *sum = *(const int64_t *)own + *(const int64_t *)twin;
    if (w->type == AUDIT)
        return TARGET_OK;
    *change = *sum >= w->amount ? -w->amount : 2 * (int64_t)w->base.workload->options.initial_value - *sum;
    void *data;
    status = micro->ops->update(txn, micro->index, &w->keys[0], 0, NULL, &data);
    if (status == TARGET_OK)
        *(int64_t *)data += *change;
    return status;
}

static enum target_status attempt_once(struct workload_worker *w)
{
    const struct target_ops *ops = w->base.workload->micro.ops;
    int64_t sum = 0, change = 0;
    struct target_txn *txn;
    enum target_status status =
        ops->begin(w->base.worker, w->type == AUDIT ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    status = run(w, txn, &sum, &change);
    if (status != TARGET_OK) {
        ops->abort(txn);
        return status;
    }
    status = ops->commit(txn);
    if (status != TARGET_OK)
        return status;
    ((int64_t *)w->base.tally)[w->keys[0]] += change;
    if (UNLIKELY(sum < 0))
        micro_find(w, "rows %" PRIu64 " and %" PRIu64 " had a sum of %" PRId64 ", expected 0 or more: write skew",
                   w->keys[0], w->keys[1], sum);
    return TARGET_OK;
}

static unsigned operations(const struct workload_worker *w)
{
    return w->type == AUDIT ? 2 : 3;
}

struct check {
    const struct workload *workload;
    int64_t total, first; /* first: of the pair at hand */
    char *report;
    size_t report_bytes;
};

static bool check_row(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    if (!data || bytes != sizeof(int64_t)) {
        snprintf(check->report, check->report_bytes, "row %" PRIu64 ": %zu bytes, expected %zu", key, bytes,
                 sizeof(int64_t));
        return false;
    }
    int64_t value = *(const int64_t *)data, expected = (int64_t)check->workload->options.initial_value;
    for (unsigned i = 0; i < check->workload->micro.workers; i++)
        expected += ((const int64_t *)micro_tally(check->workload, i))[key];
    check->total += value;
    if (key % 2 == 0) {
        check->first = value;
    } else if (check->first + value < 0 && !micro_is_racy(check->workload)) {
        snprintf(check->report, check->report_bytes,
                 "rows %" PRIu64 " and %" PRIu64 ": %" PRId64 " + %" PRId64 ", expected a sum of 0 or more: write skew",
                 key - 1, key, check->first, value);
        return false;
    }
    if (value != expected && !micro_is_racy(check->workload)) {
        snprintf(check->report, check->report_bytes,
                 "row %" PRIu64 ": value %" PRId64 ", expected %" PRId64 " after the committed withdrawals of it", key,
                 value, expected);
        return false;
    }
    return true;
}

static enum target_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                     size_t report_bytes)
{
    struct check check = {workload, 0, 0, report, report_bytes};
    enum target_status status = micro_walk(workload, worker, &check, check_row);
    if (status != TARGET_OK || (status = micro_findings(workload, report, report_bytes)) != TARGET_OK)
        return status;
    snprintf(report, report_bytes, "%" PRIu64 " rows, total %" PRId64 "%s", workload->micro.rows, check.total,
             micro_is_racy(workload) ? " (not transactional: not compared)"
                                     : ": every committed withdrawal, row by row");
    return TARGET_OK;
}

const struct workload_ops skew_workload_ops = {
    .name = "skew",
    .help = "write skew: pairs of rows whose sum must never fall below 0",
    .options = option_table,
    .txn_types = txn_types,
    .create = create,
    .destroy = micro_destroy,
    .setup = setup,
    .load = micro_load,
    .worker_create = micro_worker_create,
    .worker_destroy = micro_worker_destroy,
    .next = next,
    .attempt = micro_attempt,
    .operations = operations,
    .check = micro_check,
    .data_size = micro_data_size,
    .space = micro_space,
};
