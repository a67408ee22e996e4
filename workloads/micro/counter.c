/*
 * counter.c - increments of a few counters, to find lost updates.
 *
 * A transaction increments ops_per_txn different counters. Each worker counts its committed increments of each counter,
 * so that the check names the counter of a lost or doubled update and both values.
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>

#include "workloads/micro/common.h"

#define COUNTER_OPTIONS(X)                                                               \
    X(u64, rows, "1", "1..1000000", "", "how many counters there are")                   \
    X(u64, ops_per_txn, "1", "1..64", "", "different counters a transaction increments") \
    X(bool, commit_updates, "off", "", "",                                               \
      "increment without reading, so that increments do not conflict (on a target that can)")

struct counter_options {
    COUNTER_OPTIONS(OPTION_FIELD)
};

struct workload {
    struct micro micro;
    struct counter_options options;
};

/* A worker's tally is its committed increments of each counter, uint64_t[rows]. */
struct workload_worker {
    struct micro_worker base;
    uint64_t keys[64];
};

static const struct option_spec option_table[] = {COUNTER_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {"increment", NULL};

static void fill(void *arg, uint64_t key, void *data)
{
    (void)arg, (void)key;
    *(uint64_t *)data = 0;
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
    struct counter_options options = *(const struct counter_options *)values;
    if (options.ops_per_txn > options.rows) {
        snprintf(error, error_bytes, "ops_per_txn=%" PRIu64 ": there are only %" PRIu64 " counters",
                 options.ops_per_txn, options.rows);
        return TARGET_INVALID;
    }
    struct workload *workload = micro_create(&traits, ops, seed, workers, options.rows, sizeof(uint64_t),
                                             (size_t)options.rows * sizeof(uint64_t));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    return micro_setup(workload, target, "counter", sizeof(uint64_t), TARGET_INDEX_HASH, error, error_bytes);
}

static unsigned next(struct workload_worker *w)
{
    micro_draw_distinct(&w->base.rng, w->base.workload->options.rows, w->keys,
                        (unsigned)w->base.workload->options.ops_per_txn);
    return 0;
}

static enum target_status increment(struct workload_worker *w, struct target_txn *txn, uint64_t key)
{
    const struct micro *micro = &w->base.workload->micro;
    if (w->base.workload->options.commit_updates)
        return target_apply(micro->ops, txn, micro->index, &key, TARGET_ADD, 0, sizeof(uint64_t), 1);
    void *data;
    enum target_status status = micro->ops->update(txn, micro->index, &key, 0, NULL, &data);
    if (status == TARGET_OK)
        ++*(uint64_t *)data;
    return status;
}

static enum target_status attempt_once(struct workload_worker *w)
{
    const struct micro *micro = &w->base.workload->micro;
    unsigned count = (unsigned)w->base.workload->options.ops_per_txn;
    uint64_t *increments = w->base.tally;
    struct target_txn *txn;
    enum target_status status = micro->ops->begin(w->base.worker, TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    for (unsigned i = 0; i < count; i++) {
        if ((status = increment(w, txn, w->keys[i])) != TARGET_OK) {
            micro->ops->abort(txn);
            return status;
        }
    }
    status = micro->ops->commit(txn);
    for (unsigned i = 0; status == TARGET_OK && i < count; i++)
        increments[w->keys[i]]++;
    return status;
}

static unsigned operations(const struct workload_worker *w)
{
    return (unsigned)w->base.workload->options.ops_per_txn;
}

struct check {
    const struct workload *workload;
    uint64_t sum;
    char *report;
    size_t report_bytes;
};

static bool check_row(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct workload *workload = check->workload;
    uint64_t expected = 0;
    for (unsigned i = 0; i < workload->micro.workers; i++)
        expected += ((const uint64_t *)micro_tally(workload, i))[key];
    if (!data || bytes != sizeof(uint64_t)) {
        snprintf(check->report, check->report_bytes, "counter %" PRIu64 ": %zu bytes, expected %zu", key, bytes,
                 sizeof(uint64_t));
        return false;
    }
    uint64_t found = *(const uint64_t *)data;
    check->sum += found;
    if (found == expected || micro_is_racy(workload))
        return true;
    snprintf(check->report, check->report_bytes,
             "counter %" PRIu64 ": value %" PRIu64 ", expected %" PRIu64 " committed increments", key, found, expected);
    return false;
}

static enum target_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                     size_t report_bytes)
{
    struct check check = {workload, 0, report, report_bytes};
    enum target_status status = micro_walk(workload, worker, &check, check_row);
    if (status == TARGET_OK)
        snprintf(report, report_bytes, "%" PRIu64 " counters, sum %" PRIu64 "%s", workload->micro.rows, check.sum,
                 micro_is_racy(workload) ? " (not transactional: not compared)" : ": every committed increment");
    return status;
}

const struct workload_ops counter_workload_ops = {
    .name = "counter",
    .help = "increments of a few counters; every committed one is found in the end",
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
