/*
 * counter.c - increments of a few counters: the lost update, looked for.
 *
 * A transaction increments ops_per_txn different counters. Each worker keeps how often it incremented which, so that
 * a lost or doubled update is found with its counter and both values.
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>

#include "workloads/micro/common.h"

#define COUNTER_OPTIONS(X)                                             \
    X(u64, rows, "1", "1..1000000", "", "how many counters there are") \
    X(u64, ops_per_txn, "1", "1..64", "", "different counters a transaction increments")

struct counter_options {
    COUNTER_OPTIONS(OPTION_FIELD)
};

struct workload {
    struct micro micro;
    struct counter_options options;
    size_t stride;        /* counters, rounded up so that no two workers write one line */
    uint64_t *increments; /* [worker * stride + counter], committed */
};

struct workload_worker {
    const struct workload *workload;
    struct target_worker *worker;
    uint64_t *increments; /* this worker's */
    struct rng rng;
    uint64_t keys[64];
};

static const struct workload_option option_table[] = {COUNTER_OPTIONS(OPTION_INFO) OPTION_END};
static const char *const txn_types[] = {"increment", NULL};

static void fill(void *arg, uint64_t key, void *data)
{
    (void)arg, (void)key;
    *(uint64_t *)data = 0;
}

static void destroy(struct workload *workload)
{
    free(workload->increments);
    micro_destroy(workload);
}

static enum mae_status create(const char *const *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                              struct workload **result, char *error, size_t error_bytes)
{
    struct counter_options options;
    struct option_reader reader;
    option_reader_init(&reader, option_table, values, error, error_bytes);
    COUNTER_OPTIONS(OPTION_READ)
    if (reader.status != MAE_OK)
        return reader.status;
    if (options.ops_per_txn > options.rows) {
        snprintf(error, error_bytes, "ops_per_txn=%" PRIu64 ": there are only %" PRIu64 " counters",
                 options.ops_per_txn, options.rows);
        return MAE_INVALID;
    }
    struct workload *workload =
        micro_create(sizeof *workload, ops, seed, workers, options.rows, sizeof(uint64_t), fill);
    if (!workload)
        return MAE_NO_MEMORY;
    workload->options = options;
    enum { PER_LINE = SEPARATE_WRITERS_BYTES / sizeof(uint64_t) };
    workload->stride = (size_t)(options.rows + PER_LINE - 1) / PER_LINE * PER_LINE;
    workload->increments = mem_alloc(workers * workload->stride * sizeof(uint64_t));
    if (!workload->increments) {
        destroy(workload);
        return MAE_NO_MEMORY;
    }
    *result = workload;
    return MAE_OK;
}

static enum mae_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    return micro_setup(workload, target, "counter", sizeof(uint64_t), MAE_INDEX_HASH, error, error_bytes);
}

static enum mae_status worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                     struct workload_worker **state)
{
    struct workload_worker *w = mem_alloc(sizeof *w);
    if (!w)
        return MAE_NO_MEMORY;
    w->workload = workload;
    w->worker = worker;
    w->increments = &workload->increments[worker_idx * workload->stride];
    rng_init(&w->rng, workload->micro.seed, worker_idx);
    *state = w;
    return MAE_OK;
}

static void worker_destroy(struct workload_worker *w)
{
    free(w);
}

static unsigned next(struct workload_worker *w)
{
    micro_draw_distinct(&w->rng, w->workload->options.rows, w->keys, (unsigned)w->workload->options.ops_per_txn);
    return 0;
}

static enum mae_status attempt_once(struct workload_worker *w)
{
    const struct micro *micro = &w->workload->micro;
    unsigned count = (unsigned)w->workload->options.ops_per_txn;
    struct target_txn *txn;
    enum mae_status status = micro->ops->begin(w->worker, MAE_READ_WRITE, &txn);
    if (status != MAE_OK)
        return status;
    for (unsigned i = 0; i < count; i++) {
        void *data;
        status = micro->ops->update(txn, micro->index, &w->keys[i], 0, NULL, &data);
        if (status != MAE_OK) {
            micro->ops->abort(txn);
            return status;
        }
        ++*(uint64_t *)data;
    }
    status = micro->ops->commit(txn);
    for (unsigned i = 0; status == MAE_OK && i < count; i++)
        w->increments[w->keys[i]]++;
    return status;
}

static enum mae_status attempt(struct workload_worker *w)
{
    enum mae_status status = attempt_once(w);
    return LIKELY(status != MAE_NOT_FOUND) ? status : bulk_settle(attempt_once, w, w->workload->micro.ops, w->worker);
}

static unsigned operations(const struct workload_worker *w)
{
    return (unsigned)w->workload->options.ops_per_txn;
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
        expected += workload->increments[i * workload->stride + key];
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

static enum mae_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                  size_t report_bytes)
{
    struct check check = {workload, 0, report, report_bytes};
    enum mae_status status = micro_walk(workload, worker, &check, check_row);
    if (status == MAE_OK)
        snprintf(report, report_bytes, "%" PRIu64 " counters, sum %" PRIu64 "%s", workload->micro.rows, check.sum,
                 micro_is_racy(workload) ? " (not transactional: not compared)" : ": every committed increment");
    return status;
}

static enum mae_status check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                             char *report, size_t report_bytes)
{
    (void)committed;
    return bulk_prove(check_pass, workload->micro.ops, workload, worker, report, report_bytes);
}

const struct workload_ops counter_workload_ops = {
    .name = "counter",
    .help = "increments of a few counters; every committed one is found in the end",
    .options = option_table,
    .txn_types = txn_types,
    .create = create,
    .destroy = destroy,
    .setup = setup,
    .load = micro_load,
    .worker_create = worker_create,
    .worker_destroy = worker_destroy,
    .next = next,
    .attempt = attempt,
    .operations = operations,
    .check = check,
    .data_size = micro_data_size,
    .space = micro_space,
};
