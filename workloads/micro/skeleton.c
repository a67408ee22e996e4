/*
 * skeleton.c - a workload that does nothing, to measure the harness's own cost of a transaction: drawing, timing,
 * counting, and with transactions=on the target's begin and commit of an empty transaction. It has no table.
 * Its check tests the harness: the number of transactions that the harness counted as committed must be the number of
 * successful attempts.
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>

#include "workloads/micro/common.h"

#define SKELETON_OPTIONS(X) X(bool, transactions, "off", "", "", "begin and commit an empty transaction each time")

struct skeleton_options {
    SKELETON_OPTIONS(OPTION_FIELD)
};

struct skeleton_share {
    SEPARATED uint64_t done;
};

struct workload {
    struct skeleton_options options;
    const struct target_ops *ops;
    unsigned workers;
    struct skeleton_share *shares;
};

struct workload_worker {
    const struct target_ops *ops;
    struct target_worker *worker;
    struct skeleton_share *share;
    bool transactions;
};

static const struct option_spec option_table[] = {SKELETON_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {"nothing", NULL};

static void destroy(struct workload *workload)
{
    free(workload->shares);
    free(workload);
}

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **result, char *error, size_t error_bytes)
{
    struct skeleton_options options = *(const struct skeleton_options *)values;
    (void)seed, (void)error, (void)error_bytes;
    struct workload *workload = mem_alloc(sizeof *workload);
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    workload->ops = ops;
    workload->workers = workers;
    workload->shares = mem_alloc(workers * sizeof *workload->shares);
    if (!workload->shares) {
        destroy(workload);
        return TARGET_NO_MEMORY;
    }
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    (void)workload, (void)target, (void)error, (void)error_bytes;
    return TARGET_OK;
}

static enum target_status load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                               struct workload_progress *progress, const _Atomic bool *stop)
{
    (void)workload, (void)worker, (void)part, (void)parts, (void)progress, (void)stop;
    return TARGET_OK;
}

static enum target_status worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                        struct workload_worker **state)
{
    struct workload_worker *w = mem_alloc(sizeof *w);
    if (!w)
        return TARGET_NO_MEMORY;
    *w = (struct workload_worker){workload->ops, worker, &workload->shares[worker_idx], workload->options.transactions};
    *state = w;
    return TARGET_OK;
}

static void worker_destroy(struct workload_worker *w)
{
    free(w);
}

static unsigned next(struct workload_worker *w)
{
    (void)w;
    return 0;
}

static enum target_status attempt(struct workload_worker *w)
{
    enum target_status status = TARGET_OK;
    if (w->transactions) {
        struct target_txn *txn;
        status = w->ops->begin(w->worker, TARGET_READ_WRITE, &txn);
        if (status == TARGET_OK)
            status = w->ops->commit(txn);
    }
    w->share->done += status == TARGET_OK;
    return status;
}

static unsigned operations(const struct workload_worker *w)
{
    (void)w;
    return 0;
}

static enum target_status check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                                char *report, size_t report_bytes)
{
    (void)worker;
    uint64_t done = 0;
    for (unsigned i = 0; i < workload->workers; i++)
        done += workload->shares[i].done;
    snprintf(report, report_bytes, "the harness counted %" PRIu64 " commits, the workload %" PRIu64, committed[0],
             done);
    return committed[0] == done ? TARGET_OK : TARGET_CORRUPT;
}

static void data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    (void)workload;
    *rows = *bytes = 0;
}

const struct workload_ops skeleton_workload_ops = {
    .name = "skeleton",
    .help = "does nothing: measures the harness's own cost",
    .options = option_table,
    .txn_types = txn_types,
    .create = create,
    .destroy = destroy,
    .setup = setup,
    .load = load,
    .worker_create = worker_create,
    .worker_destroy = worker_destroy,
    .next = next,
    .attempt = attempt,
    .operations = operations,
    .check = check,
    .data_size = data_size,
};
