/*
 * singlekey.c - one record that every transaction reads or updates: contention cannot be higher.
 * Source: the "singlekey" run of the Cicada authors' experiments (one record of 16 bytes, updates only).
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>

#include "workloads/micro/common.h"
#include "workloads/record.h"

#define SINGLEKEY_OPTIONS(X)                                                \
    X(bytes, record_bytes, "16", "8..65528", "bytes", "size of the record") \
    X(f64, read_ratio, "0", "0..1", "", "share of transactions that read; the rest read, change and write it")

struct singlekey_options {
    SINGLEKEY_OPTIONS(OPTION_FIELD)
};

struct workload {
    struct micro micro;
    struct singlekey_options options;
};

/* A worker's tally is its committed updates, a uint64_t. */
struct workload_worker {
    struct micro_worker base;
    bool read;
};

static const struct option_spec option_table[] = {SINGLEKEY_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {"read", "update", NULL};
static const uint64_t the_key = 0;

static bulk_attempt_fn attempt_once;
static bulk_pass_fn check_pass;
static const struct micro_traits traits = {
    .workload_bytes = sizeof(struct workload),
    .worker_bytes = sizeof(struct workload_worker),
    .fill = micro_fill,
    .attempt = attempt_once,
    .check_pass = check_pass,
};

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **result, char *error, size_t error_bytes)
{
    struct singlekey_options options = *(const struct singlekey_options *)values;
    (void)error, (void)error_bytes;
    struct workload *workload =
        micro_create(&traits, ops, seed, workers, 1, (size_t)options.record_bytes, sizeof(uint64_t));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    return micro_setup(workload, target, "singlekey", workload->micro.row_bytes, TARGET_INDEX_HASH, error, error_bytes);
}

static unsigned next(struct workload_worker *w)
{
    w->read = rng_unit(&w->base.rng) < w->base.workload->options.read_ratio;
    return w->read ? 0 : 1;
}

static enum target_status attempt_once(struct workload_worker *w)
{
    const struct micro *micro = &w->base.workload->micro;
    struct target_txn *txn;
    const void *old;
    void *data;
    uint64_t sum = 0;
    enum target_status status = micro->ops->begin(w->base.worker, TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    if (w->read) {
        status = micro->ops->read(txn, micro->index, &the_key, &old, NULL);
        if (status == TARGET_OK)
            sum = record_sum(old, micro->row_bytes);
    } else {
        status = micro->ops->update(txn, micro->index, &the_key, 0, NULL, &data);
        if (status == TARGET_OK)
            record_increment(data, micro->row_bytes);
    }
    if (status != TARGET_OK) {
        micro->ops->abort(txn);
        return status;
    }
    status = micro->ops->commit(txn);
    __asm__ volatile("" : : "r"(sum)); /* the read has a use */
    if (status == TARGET_OK && !w->read)
        ++*(uint64_t *)w->base.tally;
    return status;
}

static unsigned operations(const struct workload_worker *w)
{
    (void)w;
    return 1;
}

struct check {
    const struct workload *workload;
    char *report;
    size_t report_bytes;
};

static bool check_row(void *arg, uint64_t key, const void *data, size_t bytes)
{
    const struct check *check = arg;
    const struct workload *workload = check->workload;
    uint64_t stamp = 0, updates = 0;
    bool racy = micro_is_racy(workload);
    if (!record_check(data, bytes, workload->micro.row_bytes, key, &stamp, check->report, check->report_bytes) &&
        !(racy && data))
        return false;
    for (unsigned i = 0; i < workload->micro.workers; i++)
        updates += *(const uint64_t *)micro_tally(workload, i);
    if (bytes < 16)
        updates = (uint32_t)updates;
    snprintf(check->report, check->report_bytes,
             "key %" PRIu64 ": its counter is %" PRIu64 ", committed updates: %" PRIu64 "%s", key, stamp, updates,
             racy ? " (not transactional: not compared)" : "");
    return stamp == updates || racy;
}

static enum target_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                     size_t report_bytes)
{
    struct check check = {workload, report, report_bytes};
    return micro_walk(workload, worker, &check, check_row);
}

const struct workload_ops singlekey_workload_ops = {
    .name = "singlekey",
    .help = "one record that every transaction reads or updates",
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
