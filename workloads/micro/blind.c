/*
 * blind.c - transactions that only write: each overwrites some rows without reading them.
 *
 * No transaction depends on another, so any order of them is serial, and a scheme need not abort any: a write that
 * comes too late may be dropped as if a later one had overwritten it (Thomas, ACM TODS 4(2), 1979). So this shows what
 * a scheme pays for writes alone, and whether it decides by one order which of them is the last.
 *
 * A row's stamp (record.h) names the worker and the number of the transaction that wrote it. Each worker keeps its
 * last committed write of each row: its number and its place in the target's order.
 *     B1  Each row is there, whole, and as one transaction wrote it.
 *     B2  A row holds the last write of the worker that it names; or, as loaded, no worker has written it.
 *     B3  Where the target says in which order it serializes, no worker has written the row later than that.
 * A write that was done twice leaves what it would leave once, so no check of the result can see it.
 *
 * To keep these numbers a worker touches a cache line of its own for each write. Where that counts, on tables larger
 * than the cache, run ycsb with update_kind=blind and read_ratio=0: it keeps no such numbers and checks B1 and B2 only.
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>

#include "workloads/distribution.h"
#include "workloads/micro/common.h"
#include "workloads/record.h"

#define BLIND_OPTIONS(X)                                                                                           \
    X(u64, records, "10k", "1..100000000", "rows", "how many rows there are")                                      \
    X(bytes, record_bytes, "100", "16..65528", "bytes", "size of a row; the key (8 bytes) is not part of it")      \
    X(u64, ops_per_txn, "16", "1..64", "", "different rows a transaction overwrites")                              \
    X(enum, distribution, "zipfian", DISTRIBUTION_NAMES, "", "which rows are written (maemio list distributions)") \
    X(f64, theta, "0.99", "0..100", "", "skew of the zipf-like distributions")                                     \
    X(f64, hot_fraction, "0.2", "0..1", "", "distribution=hotspot: share of the rows that is hot")                 \
    X(f64, hot_ratio, "0.8", "0..1", "", "distribution=hotspot: share of the writes that goes to them")            \
    X(f64, exp_fraction, "0.8571428571", "0..1", "", "distribution=exponential: share of the rows, the last ones") \
    X(f64, exp_ratio, "0.95", "0..1", "", "distribution=exponential: share of the writes that goes to them")

enum { OPS_PER_TXN_MAX = 64, NUMBER_BITS = 48 };

struct blind_options {
    BLIND_OPTIONS(OPTION_FIELD)
};

/* A worker's last committed write of a row. */
struct last_write {
    uint64_t number; /* of its transaction; 0: none */
    uint64_t place;  /* in the target's order; 0 if it says none */
};

struct blind_tally {
    uint64_t committed;
    struct last_write rows[];
};

struct workload {
    struct micro micro;
    struct blind_options options;
    struct distribution distribution;
};

struct workload_worker {
    struct micro_worker base;
    uint64_t keys[OPS_PER_TXN_MAX];
    struct target_txn *txn; /* of the attempt */
};

static const struct option_spec option_table[] = {BLIND_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {"overwrite", NULL};

static const char *const preset_names[] = {"thomas", NULL};

/* The same few rows, by everyone. */
static bool preset(const char *name, void (*set)(void *arg, const char *option, const char *value), void *arg)
{
    if (strcmp(name, preset_names[0]) != 0)
        return false;
    set(arg, "records", "16");
    set(arg, "ops_per_txn", "4");
    set(arg, "distribution", "uniform");
    return true;
}

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
    struct blind_options options = *(const struct blind_options *)values;
    if (options.ops_per_txn > options.records) {
        snprintf(error, error_bytes, "ops_per_txn=%" PRIu64 ": there are only %" PRIu64 " rows", options.ops_per_txn,
                 options.records);
        return TARGET_INVALID;
    }
    size_t tally_bytes = sizeof(struct blind_tally) + (size_t)options.records * sizeof(struct last_write);
    struct workload *workload =
        micro_create(&traits, ops, seed, workers, options.records, (size_t)options.record_bytes, tally_bytes);
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    struct distribution_config keys = {(enum distribution_kind)options.distribution,
                                       options.theta,
                                       options.hot_fraction,
                                       options.hot_ratio,
                                       options.exp_fraction,
                                       options.exp_ratio};
    enum target_status status = distribution_init(&workload->distribution, &keys, options.records, error, error_bytes);
    if (status != TARGET_OK) {
        micro_destroy(workload);
        return status;
    }
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    target_tell_order(workload->micro.ops, target);
    return micro_setup(workload, target, "blind", workload->micro.row_bytes, TARGET_INDEX_HASH, error, error_bytes);
}

static bool is_drawn(const uint64_t *keys, unsigned count, uint64_t key)
{
    for (unsigned i = 0; i < count; i++)
        if (keys[i] == key)
            return true;
    return false;
}

/* A row that is drawn a second time gives way to the next one that is not drawn yet. */
static unsigned next(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    for (unsigned i = 0; i < workload->options.ops_per_txn; i++) {
        uint64_t key = distribution_draw(&workload->distribution, &w->base.rng);
        while (is_drawn(w->keys, i, key))
            key = key + 1 < workload->options.records ? key + 1 : 0;
        w->keys[i] = key;
    }
    return 0;
}

static bool has_order(const struct micro *micro)
{
    return micro->ops->timestamp && micro->ops->promises.order != TARGET_ORDER_NEVER;
}

static enum target_status run(struct workload_worker *w, struct target_txn *txn)
{
    const struct micro *micro = &w->base.workload->micro;
    const struct blind_tally *tally = w->base.tally;
    uint64_t stamp = (uint64_t)(w->base.worker_idx + 1) << NUMBER_BITS | (tally->committed + 1);
    for (unsigned i = 0; i < w->base.workload->options.ops_per_txn; i++) {
        void *data;
        enum target_status status = micro->ops->overwrite(txn, micro->index, &w->keys[i], micro->row_bytes, &data);
        if (status != TARGET_OK)
            return status;
        record_fill(data, micro->row_bytes, w->keys[i], stamp);
    }
    w->txn = txn;
    return TARGET_OK;
}

static enum target_status attempt_once(struct workload_worker *w)
{
    const struct micro *micro = &w->base.workload->micro;
    struct blind_tally *tally = w->base.tally;
    enum target_status status = micro_run(w, TARGET_READ_WRITE, run);
    if (status != TARGET_OK)
        return status;
    /* The target tells the place of the transaction until the worker begins the next one. */
    struct last_write last = {++tally->committed, has_order(micro) ? micro->ops->timestamp(w->txn) : 0};
    for (unsigned i = 0; i < w->base.workload->options.ops_per_txn; i++)
        tally->rows[w->keys[i]] = last;
    return TARGET_OK;
}

static unsigned operations(const struct workload_worker *w)
{
    return (unsigned)w->base.workload->options.ops_per_txn;
}

struct check {
    const struct workload *workload;
    uint64_t loaded; /* rows that nobody has written */
    char *report;
    size_t report_bytes;
};

static const struct last_write *last_write(const struct workload *workload, unsigned worker, uint64_t key)
{
    return &((const struct blind_tally *)micro_tally(workload, worker))->rows[key];
}

/* B2 and B3 of a row whose stamp is `stamp`. */
static bool is_last(struct check *check, uint64_t key, uint64_t stamp)
{
    const struct workload *workload = check->workload;
    uint64_t writer = stamp >> NUMBER_BITS, number = stamp & (((uint64_t)1 << NUMBER_BITS) - 1);
    if (writer > workload->micro.workers || (writer > 0) != (number > 0)) {
        snprintf(check->report, check->report_bytes, "key %" PRIu64 ": stamp %#" PRIx64 " names no worker", key, stamp);
        return false;
    }
    const struct last_write none = {0}, *held = writer ? last_write(workload, (unsigned)writer - 1, key) : &none;
    if (held->number != number) {
        snprintf(check->report, check->report_bytes,
                 "key %" PRIu64 ": holds update %" PRIu64 " of worker %" PRIu64 ", expected its last one, %" PRIu64,
                 key, number, writer - 1, held->number);
        return false;
    }
    for (unsigned i = 0; i < workload->micro.workers; i++) {
        const struct last_write *other = last_write(workload, i, key);
        bool later = writer == 0 ? other->number > 0 : other->place > held->place;
        if (!later)
            continue;
        snprintf(check->report, check->report_bytes,
                 "key %" PRIu64 ": holds stamp %#" PRIx64 ", expected update %" PRIu64 " of worker %u, which is later",
                 key, stamp, other->number, i);
        return false;
    }
    check->loaded += writer == 0;
    return true;
}

static bool check_row(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    bool racy = micro_is_racy(check->workload);
    uint64_t stamp = 0;
    if (!record_check(data, bytes, check->workload->micro.row_bytes, key, &stamp, check->report, check->report_bytes) &&
        !(racy && data))
        return false; /* B1 */
    return racy || is_last(check, key, stamp);
}

static enum target_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                     size_t report_bytes)
{
    struct check check = {workload, 0, report, report_bytes};
    enum target_status status = micro_walk(workload, worker, &check, check_row);
    if (status != TARGET_OK)
        return status;
    snprintf(report, report_bytes, "%" PRIu64 " rows, %" PRIu64 " of them as loaded%s", workload->micro.rows,
             check.loaded,
             micro_is_racy(workload)       ? " (not transactional: not compared)"
             : has_order(&workload->micro) ? "; the others hold the last committed write in the target's order"
                                           : "; the others hold some worker's last committed write (the target says no "
                                             "order)");
    return TARGET_OK;
}

const struct workload_ops blind_workload_ops = {
    .name = "blind",
    .help = "write-only transactions that overwrite rows unread; the last one of the order stays",
    .options = option_table,
    .txn_types = txn_types,
    .presets = preset_names,
    .preset = preset,
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
