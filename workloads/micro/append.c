/*
 * append.c - appends to lists whose elements name their writer, so that each list shows lost, doubled or reordered
 * writes.
 *
 * A list is a row {count of all appends so far, the latest elements}. It grows by one element with each append. A full
 * list drops its older half, so payload sizes change all the time. An element is {worker + 1, n} for that worker's n-th
 * append to this list. Hence, of any list ever read by a committed transaction:
 *     A1  each worker's elements are consecutive and in order;
 *     A2  the reader's own latest element is its latest committed append (in a snapshot: that or an older one);
 * In the end the count of each list is the number of committed appends, and each worker's latest element, if one is
 * left, is the worker's latest committed append (A3).
 * A transaction appends to, or reads, lists_per_txn different lists.
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "workloads/micro/common.h"

#define APPEND_OPTIONS(X)                                                            \
    X(u64, lists, "16", "1..1000000", "rows", "how many lists there are")            \
    X(u64, lists_per_txn, "2", "1..64", "", "different lists a transaction touches") \
    X(u64, list_max, "64", "2..8000", "", "elements a list keeps at most")           \
    X(f64, read_ratio, "0.2", "0..1", "", "share of transactions that read")         \
    X(bool, snapshot_reads, "on", "", "", "they run as snapshots, else as read-write transactions")

enum { APPEND, READ };
enum { LISTS_PER_TXN_MAX = 64, SEQUENCE_BITS = 48 };

struct append_options {
    APPEND_OPTIONS(OPTION_FIELD)
};

struct list {
    uint64_t count;
    uint64_t elements[];
};

struct workload {
    struct micro micro;
    struct append_options options;
};

/* A worker's tally is its committed appends to each list, uint64_t[lists]. */
struct workload_worker {
    struct micro_worker base;
    unsigned type;
    uint64_t keys[LISTS_PER_TXN_MAX];
    char finding[MICRO_FINDING_BYTES]; /* of the running attempt */
};

static const struct option_spec option_table[] = {APPEND_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {"append", "read", NULL};

static void fill(void *arg, uint64_t key, void *data)
{
    (void)arg, (void)key;
    ((struct list *)data)->count = 0;
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
    struct append_options options = *(const struct append_options *)values;
    if (options.lists_per_txn > options.lists) {
        snprintf(error, error_bytes, "lists_per_txn=%" PRIu64 ": there are only %" PRIu64 " lists",
                 options.lists_per_txn, options.lists);
        return TARGET_INVALID;
    }
    struct workload *workload = micro_create(&traits, ops, seed, workers, options.lists, sizeof(struct list),
                                             (size_t)options.lists * sizeof(uint64_t));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    size_t bytes = sizeof(struct list) + (size_t)workload->options.list_max * sizeof(uint64_t);
    return micro_setup(workload, target, "append", bytes, TARGET_INDEX_HASH, error, error_bytes);
}

static unsigned next(struct workload_worker *w)
{
    const struct append_options *options = &w->base.workload->options;
    w->type = rng_unit(&w->base.rng) < options->read_ratio ? READ : APPEND;
    micro_draw_distinct(&w->base.rng, options->lists, w->keys, (unsigned)options->lists_per_txn);
    return w->type;
}

/* A1 of one list; `latest` receives each worker's latest sequence number in it, 0 for none. False: see `report`. */
static bool list_is_ordered(const struct list *list, size_t bytes, uint64_t key, unsigned workers,
                            uint64_t latest[TARGET_WORKERS_MAX], char *report, size_t report_bytes)
{
    size_t elements = (bytes - sizeof *list) / sizeof(uint64_t);
    memset(latest, 0, workers * sizeof *latest);
    for (size_t i = 0; i < elements; i++) {
        uint64_t writer = list->elements[i] >> SEQUENCE_BITS;
        uint64_t sequence = list->elements[i] & (((uint64_t)1 << SEQUENCE_BITS) - 1);
        if (writer == 0 || writer > workers) {
            snprintf(report, report_bytes, "list %" PRIu64 ": element %zu is of worker %" PRIu64 ", expected 1 to %u",
                     key, i, writer, workers);
            return false;
        }
        if (latest[writer - 1] && sequence != latest[writer - 1] + 1) {
            snprintf(report, report_bytes,
                     "list %" PRIu64 ": element %zu is append %" PRIu64 " of worker %" PRIu64 ", expected %" PRIu64,
                     key, i, sequence, writer - 1, latest[writer - 1] + 1);
            return false;
        }
        latest[writer - 1] = sequence;
    }
    return true;
}

/* A1 and A2 of a list as this attempt reads it; remembers the first finding. */
static void look(struct workload_worker *w, const struct list *list, size_t bytes, uint64_t key, bool snapshot)
{
    const uint64_t *appends = w->base.tally;
    uint64_t latest[TARGET_WORKERS_MAX], own, committed = appends[key];
    if (w->finding[0] ||
        !list_is_ordered(list, bytes, key, w->base.workload->micro.workers, latest, w->finding, sizeof w->finding))
        return;
    own = latest[w->base.worker_idx];
    if (own && (snapshot ? own > committed : own != committed))
        snprintf(w->finding, sizeof w->finding,
                 "list %" PRIu64 ": the reader's own latest append is %" PRIu64 ", expected %" PRIu64, key, own,
                 committed);
}

static enum target_status append_to(struct workload_worker *w, struct target_txn *txn, const uint64_t *key,
                                    size_t old_bytes)
{
    const struct micro *micro = &w->base.workload->micro;
    const uint64_t *appends = w->base.tally;
    size_t kept = (old_bytes - sizeof(struct list)) / sizeof(uint64_t), dropped = 0;
    if (kept == w->base.workload->options.list_max)
        dropped = kept - kept / 2;
    kept -= dropped;
    const void *old_data;
    void *data;
    enum target_status status = micro->ops->update(
        txn, micro->index, key, sizeof(struct list) + (kept + 1) * sizeof(uint64_t), &old_data, &data);
    if (status != TARGET_OK)
        return status;
    const struct list *old = old_data;
    struct list *list = data;
    if (dropped) /* a target without versions gives the same place for both */
        memmove(list->elements, old->elements + dropped, kept * sizeof(uint64_t));
    list->elements[kept] = (uint64_t)(w->base.worker_idx + 1) << SEQUENCE_BITS | (appends[*key] + 1);
    list->count++;
    return TARGET_OK;
}

static enum target_status attempt_once(struct workload_worker *w)
{
    const struct micro *micro = &w->base.workload->micro;
    const struct append_options *options = &w->base.workload->options;
    uint64_t *appends = w->base.tally;
    unsigned count = (unsigned)options->lists_per_txn;
    bool snapshot = w->type == READ && options->snapshot_reads;
    struct target_txn *txn;
    w->finding[0] = '\0';
    enum target_status status = micro->ops->begin(w->base.worker, snapshot ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    for (unsigned i = 0; i < count && status == TARGET_OK; i++) {
        const void *list;
        size_t bytes;
        status = micro->ops->read(txn, micro->index, &w->keys[i], &list, &bytes);
        if (status != TARGET_OK)
            break;
        look(w, list, bytes, w->keys[i], snapshot);
        if (w->type == APPEND)
            status = append_to(w, txn, &w->keys[i], bytes);
    }
    if (status != TARGET_OK) {
        micro->ops->abort(txn);
        return status;
    }
    status = micro->ops->commit(txn);
    if (status != TARGET_OK)
        return status;
    for (unsigned i = 0; i < count && w->type == APPEND; i++)
        appends[w->keys[i]]++;
    if (UNLIKELY(w->finding[0]))
        micro_find(w, "%s", w->finding);
    return TARGET_OK;
}

static unsigned operations(const struct workload_worker *w)
{
    return (unsigned)w->base.workload->options.lists_per_txn;
}

struct check {
    const struct workload *workload;
    uint64_t appends;
    char *report;
    size_t report_bytes;
};

/* A1 and A3. */
static bool check_row(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct workload *workload = check->workload;
    const struct list *list = data;
    uint64_t expected = 0, latest[TARGET_WORKERS_MAX];
    if (!data || bytes < sizeof *list) {
        snprintf(check->report, check->report_bytes, "list %" PRIu64 ": %zu bytes, expected at least %zu", key, bytes,
                 sizeof *list);
        return false;
    }
    check->appends += list->count;
    if (micro_is_racy(workload))
        return true;
    if (!list_is_ordered(list, bytes, key, workload->micro.workers, latest, check->report, check->report_bytes))
        return false;
    for (unsigned i = 0; i < workload->micro.workers; i++) {
        uint64_t appends = ((const uint64_t *)micro_tally(workload, i))[key];
        expected += appends;
        if (latest[i] == 0 || latest[i] == appends)
            continue;
        snprintf(check->report, check->report_bytes,
                 "list %" PRIu64 ": the latest append of worker %u is %" PRIu64 ", expected %" PRIu64, key, i,
                 latest[i], appends);
        return false;
    }
    if (list->count == expected)
        return true;
    snprintf(check->report, check->report_bytes,
             "list %" PRIu64 ": counts %" PRIu64 " appends, expected %" PRIu64 " committed ones", key, list->count,
             expected);
    return false;
}

static enum target_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                     size_t report_bytes)
{
    struct check check = {workload, 0, report, report_bytes};
    enum target_status status = micro_findings(workload, report, report_bytes);
    if (status != TARGET_OK || (status = micro_walk(workload, worker, &check, check_row)) != TARGET_OK)
        return status;
    snprintf(report, report_bytes, "%" PRIu64 " lists, %" PRIu64 " appends%s", workload->micro.rows, check.appends,
             micro_is_racy(workload) ? " (not transactional: not compared)" : ": every committed one, in order");
    return TARGET_OK;
}

const struct workload_ops append_workload_ops = {
    .name = "append",
    .help = "appends to lists that grow and shrink; none may be lost, doubled or out of order",
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
