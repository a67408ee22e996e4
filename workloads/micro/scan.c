/*
 * scan.c - reading many rows in one transaction, against updates of single rows.
 *
 * kind=table scans the whole table in row order. kind=keys announces scan_length consecutive keys and looks each up in
 * the index. kind=range scans such a range through an ordered index. Scans run as snapshots, except kind=range with
 * snapshot=off. The `operations` of a scan are the records that it visited, so operations per second are records per
 * second. With long_workers some workers only scan and the others only update. A scan must visit exactly the existing
 * rows, each in order and with its own key. What it saw counts only if it commits. In the end the update counters sum
 * to the committed updates. So do the counters weighted by a number of each key's own, hence no update went to another
 * record. Source: the scans of the Cicada authors' own test program: 10M records, 95% scans, theta 0.99, lengths
 * uniform in 1..99.
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>

#include "workloads/distribution.h"
#include "workloads/micro/common.h"
#include "workloads/record.h"

#define SCAN_OPTIONS(X)                                                                                           \
    X(u64, records, "1M", "1..1000000000000", "rows", "rows loaded, keys 0 and up")                               \
    X(bytes, record_bytes, "100", "8..65528", "bytes", "size of a record")                                        \
    X(enum, kind, "table", "table|keys|range", "",                                                                \
      "table: all rows; keys: consecutive keys, each by a hash lookup; range: the same through an ordered index") \
    X(u64, scan_length_min, "1", "1..1000000", "rows", "kind=keys and range: the shortest scan")                  \
    X(u64, scan_length_max, "99", "1..1000000", "rows", "the longest one; uniformly between the two")             \
    X(f64, scan_ratio, "0.95", "0..1", "", "share of transactions that scan; the rest update one record")         \
    X(u64, long_workers, "0", "0..256", "",                                                                       \
      "so many workers, the first, only scan, the others only update, if there are others")                       \
    X(bool, snapshot, "on", "", "", "off: range and keys scans run as read-write transactions")                   \
    X(enum, distribution, "zipfian", DISTRIBUTION_NAMES, "", "where scans begin and which records are updated")   \
    X(f64, theta, "0.99", "0..100", "", "skew of the zipf-like distributions")

enum { KIND_TABLE, KIND_KEYS, KIND_RANGE };
enum { SCAN, UPDATE };

struct scan_options {
    SCAN_OPTIONS(OPTION_FIELD)
};

/* What a worker has committed. */
struct scan_tally {
    uint64_t updates, scans, records;
    uint64_t print; /* sum of the weights of the records updated */
};

struct workload {
    struct micro micro;
    struct scan_options options;
    struct distribution distribution;
    bool apart; /* the first long_workers only scan, the others only update */
};

struct workload_worker {
    struct micro_worker base;
    unsigned type, operations;
    uint64_t key, length;
    /* Of the running attempt. */
    struct target_txn *txn;
    enum target_status status;
    uint64_t visited, sum;
    char finding[MICRO_FINDING_BYTES];
};

static const struct option_spec option_table[] = {SCAN_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {"scan", "update", NULL};

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
    struct scan_options options = *(const struct scan_options *)values;
    if (options.kind == KIND_TABLE && !options.snapshot) {
        snprintf(error, error_bytes, "snapshot=off with kind=table: table scans are snapshots only");
        return TARGET_INVALID;
    }
    if (options.scan_length_min > options.scan_length_max) {
        snprintf(error, error_bytes, "scan_length_min=%" PRIu64 " is more than scan_length_max=%" PRIu64,
                 options.scan_length_min, options.scan_length_max);
        return TARGET_INVALID;
    }
    enum target_status status =
        options.kind == KIND_TABLE ? target_needs_table_scan(ops, error, error_bytes) : TARGET_OK;
    if (status != TARGET_OK)
        return status;
    struct workload *workload = micro_create(&traits, ops, seed, workers, options.records, (size_t)options.record_bytes,
                                             sizeof(struct scan_tally));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    workload->apart = options.long_workers > 0 && workers > options.long_workers;
    struct distribution_config keys = {.kind = (enum distribution_kind)options.distribution,
                                       .theta = options.theta,
                                       .hot_fraction = 0.2,
                                       .hot_ratio = 0.8};
    status = distribution_init(&workload->distribution, &keys, options.records, error, error_bytes);
    if (status != TARGET_OK) {
        micro_destroy(workload);
        return status;
    }
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    return micro_setup(workload, target, "scan", workload->micro.row_bytes,
                       workload->options.kind == KIND_RANGE ? TARGET_INDEX_ORDERED : TARGET_INDEX_HASH, error,
                       error_bytes);
}

static unsigned next(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    const struct scan_options *options = &workload->options;
    bool scans =
        workload->apart ? w->base.worker_idx < options->long_workers : rng_unit(&w->base.rng) < options->scan_ratio;
    w->type = scans ? SCAN : UPDATE;
    w->key = distribution_draw(&w->base.workload->distribution, &w->base.rng);
    w->length = options->records;
    if (w->type == SCAN && options->kind == KIND_TABLE) {
        w->key = 0;
    } else if (w->type == SCAN) {
        w->length =
            options->scan_length_min + rng_below(&w->base.rng, options->scan_length_max - options->scan_length_min + 1);
        if (w->length > options->records - w->key)
            w->length = options->records - w->key;
    }
    return w->type;
}

static uint64_t record_key(const void *data, size_t bytes)
{
    uint64_t key = 0;
    memcpy(&key, data, bytes >= 16 ? 8 : 4);
    return key;
}

/* One record of a scan by key; `visited` tells which one it must be. */
static void visit_in_order(struct workload_worker *w, const void *data, size_t bytes)
{
    uint64_t expected = w->key + w->visited++, found = record_key(data, bytes);
    if (bytes < 16)
        expected = (uint32_t)expected;
    w->sum += record_sum(data, bytes);
    if (UNLIKELY(found != expected) && !w->finding[0])
        snprintf(w->finding, sizeof w->finding, "a scan from key %" PRIu64 " met key %" PRIu64 ", expected %" PRIu64,
                 w->key, found, expected);
}

/* Rows of a table come in no known order; their number must be right. */
static bool visit_row(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    struct workload_worker *w = arg;
    (void)ref;
    w->sum += record_sum(data, bytes);
    w->visited++;
    return true;
}

static bool visit_entry(void *arg, const void *key, uint64_t ref)
{
    struct workload_worker *w = arg;
    const struct micro *micro = &w->base.workload->micro;
    const void *data;
    size_t bytes;
    (void)key;
    w->status = micro->ops->row_read(w->txn, micro->table, ref, &data, &bytes);
    if (w->status != TARGET_OK)
        return false;
    visit_in_order(w, data, bytes);
    return true;
}

static enum target_status scan_keys(struct workload_worker *w)
{
    const struct micro *micro = &w->base.workload->micro;
    uint64_t keys[BULK_ROWS];
    for (uint64_t done = 0; done < w->length; done += BULK_ROWS) {
        size_t count = w->length - done < BULK_ROWS ? (size_t)(w->length - done) : BULK_ROWS;
        for (size_t i = 0; i < count; i++)
            keys[i] = w->key + done + i;
        target_prefetch(micro->ops, w->txn, micro->index, keys, count);
        for (size_t i = 0; i < count; i++) {
            const void *data;
            size_t bytes;
            enum target_status status = micro->ops->read(w->txn, micro->index, &keys[i], &data, &bytes);
            if (status != TARGET_OK)
                return status;
            visit_in_order(w, data, bytes);
        }
    }
    return TARGET_OK;
}

static enum target_status run(struct workload_worker *w)
{
    const struct micro *micro = &w->base.workload->micro;
    enum target_status status;
    void *data;
    w->visited = w->sum = 0;
    w->status = TARGET_OK;
    if (w->type == UPDATE) {
        status = micro->ops->update(w->txn, micro->index, &w->key, 0, NULL, &data);
        if (status == TARGET_OK)
            record_increment(data, micro->row_bytes);
        return status;
    }
    switch (w->base.workload->options.kind) {
    case KIND_TABLE:
        return micro->ops->table_scan(w->txn, micro->table, visit_row, w);
    case KIND_KEYS:
        return scan_keys(w);
    default:
        status = micro->ops->scan(w->txn, micro->index, &w->key, NULL, 0, w->length, visit_entry, w);
        return status == TARGET_OK ? w->status : status;
    }
}

static enum target_status attempt_once(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    const struct target_ops *ops = workload->micro.ops;
    struct scan_tally *tally = w->base.tally;
    bool snapshot = w->type == SCAN && workload->options.snapshot;
    w->finding[0] = '\0';
    enum target_status status = ops->begin(w->base.worker, snapshot ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &w->txn);
    if (status != TARGET_OK)
        return status;
    status = run(w);
    /* Fewer rows than were loaded: the load may still be ahead in the serial order, as for one row not found. */
    if (status == TARGET_OK && w->type == SCAN && w->visited < w->length && !micro_is_racy(workload))
        status = TARGET_NOT_FOUND;
    if (status != TARGET_OK) {
        ops->abort(w->txn);
        return status;
    }
    status = ops->commit(w->txn);
    if (status != TARGET_OK)
        return status;
    __asm__ volatile("" : : "r"(w->sum)); /* the reads have a use */
    w->operations = w->type == SCAN ? (unsigned)w->visited : 1;
    if (w->type == UPDATE) {
        tally->updates++;
        tally->print += micro_weight(w->key);
    }
    tally->scans += w->type == SCAN;
    tally->records += w->type == SCAN ? w->visited : 0;
    if (UNLIKELY(w->type == SCAN && w->visited != w->length))
        micro_find(w, "a scan from key %" PRIu64 " met %" PRIu64 " rows, expected %" PRIu64, w->key, w->visited,
                   w->length);
    if (UNLIKELY(w->finding[0]))
        micro_find(w, "%s", w->finding);
    return TARGET_OK;
}

static unsigned operations(const struct workload_worker *w)
{
    return w->operations;
}

struct check {
    const struct workload *workload;
    uint64_t stamps, print;
    char *report;
    size_t report_bytes;
};

static bool check_row(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    uint64_t stamp = 0;
    if (!record_check(data, bytes, check->workload->micro.row_bytes, key, &stamp, check->report, check->report_bytes) &&
        !(micro_is_racy(check->workload) && data))
        return false;
    check->stamps += stamp;
    check->print += stamp * micro_weight(key);
    return true;
}

static enum target_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                     size_t report_bytes)
{
    struct check check = {workload, 0, 0, report, report_bytes};
    enum target_status status = micro_walk(workload, worker, &check, check_row);
    if (status != TARGET_OK || (status = micro_findings(workload, report, report_bytes)) != TARGET_OK)
        return status;
    uint64_t updates = 0, scans = 0, records = 0, print = 0;
    for (unsigned i = 0; i < workload->micro.workers; i++) {
        const struct scan_tally *tally = micro_tally(workload, i);
        updates += tally->updates;
        scans += tally->scans;
        records += tally->records;
        print += tally->print;
    }
    bool equal = check.stamps == updates, racy = micro_is_racy(workload);
    snprintf(report, report_bytes,
             "%" PRIu64 " scans met %" PRIu64 " records; update counters sum to %" PRIu64
             ", committed updates: %" PRIu64 "%s",
             scans, records, check.stamps, updates, racy ? " (not transactional: not owed)" : "");
    if (racy)
        return TARGET_OK;
    if (equal && check.print != print)
        snprintf(report, report_bytes,
                 "the sum of the update counters is right, but their print by key is %#" PRIx64 ", expected %#" PRIx64
                 ": an update went to another record",
                 check.print, print);
    return equal && check.print == print ? TARGET_OK : TARGET_CORRUPT;
}

const struct workload_ops scan_workload_ops = {
    .name = "scan",
    .help = "full table scans, range scans or runs of keys, against updates",
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
