/*
 * churn.c - transactions insert, resize and delete rows, while a hash and an ordered index over the rows grow and
 * shrink. The number of rows at a time stays about the same, so memory must stay flat however long the workload runs.
 *
 * Half of the keys are flooded: those from the tide onwards, continuing at the first key after the last. The tide goes
 * once round all keys in `turn` transactions of the first worker. A transaction looks up `ops_per_txn` keys. It inserts
 * a flooded key that is missing into both indexes, rewrites a flooded row with another size, deletes a dry row from
 * both indexes, and leaves a dry key that is missing (a validated miss). A share of the transactions scans a range of
 * the ordered index in a snapshot.
 *     C1  A row proves its key, its stamp and its size, which follows from both (workloads/record.h).
 *     C2  In every snapshot both indexes have equal sets of keys and lead to the same rows.
 *     C3  While no transaction runs there are as many rows as committed inserts minus committed deletes, and they are
 *         the rows committed last: a fingerprint of all keys and stamps equals the sum of what the workers have written
 *         and removed.
 * The workload begins with an empty table and needs an ordered index that is protected from phantoms.
 */
#include "workloads/micro/micro.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/micro/common.h"
#include "workloads/record.h"

#define CHURN_OPTIONS(X)                                                                                   \
    X(u64, keys, "100000", "2..1000000000", "", "keys there are; about half of them have a row at a time") \
    X(u64, turn, "1M", "1..1000000000000", "txn",                                                          \
      "transactions of the first worker in which the tide of "                                             \
      "inserts and deletes goes once round the keys")                                                      \
    X(bytes, record_bytes_max, "1000", "16..65528", "bytes",                                               \
      "rows have 16 to this many bytes, small ones "                                                       \
      "more often: as many from 16 to 31 as from 32 to 63 and so on")                                      \
    X(u64, ops_per_txn, "4", "1..64", "", "keys a transaction looks up and changes")                       \
    X(f64, scan_ratio, "0.1", "0..1", "", "share of transactions that scan")                               \
    X(u64, scan_length_max, "99", "1..1000000", "rows", "a scan reads 1 to this many rows, uniformly")     \
    X(enum, ordered_keys, "number", "number|text", "",                                                     \
      "keys of the ordered index: numbers, or texts of 16 to 200 bytes")

enum { CHANGE, SCAN };
enum { KEYS_NUMBER, KEYS_TEXT };
enum { OPS_PER_TXN_MAX = 64, RECORD_LEAST_BYTES = 16, TEXT_LEAST_BYTES = 16, TEXT_MOST_BYTES = 200 };

struct churn_options {
    CHURN_OPTIONS(OPTION_FIELD)
};

/* What a worker has committed. */
struct churn_tally {
    int64_t rows; /* inserts - deletes; may be negative: others insert what this one deletes */
    int64_t bytes;
    uint64_t print; /* print_of what it wrote, minus print_of what it replaced or deleted */
};

struct workload {
    struct micro micro;
    struct churn_options options;
    struct target_index *ordered;
    SEPARATED _Atomic uint64_t drawn; /* transactions by the first worker, the only writer; only steers (relaxed) */
};

struct workload_worker {
    struct micro_worker base;
    unsigned type, operations;
    uint64_t keys[OPS_PER_TXN_MAX], stamps[OPS_PER_TXN_MAX];
    bool flooded[OPS_PER_TXN_MAX];
    uint64_t length; /* of the scan */
    /* Of the running attempt. */
    struct target_txn *txn;
    enum target_status status;
    int64_t rows, bytes;
    uint64_t print;
    uint64_t visited, last_key;
    char finding[MICRO_FINDING_BYTES];
};

static const struct option_spec option_table[] = {CHURN_OPTIONS(OPTION_SPEC) OPTION_END};
static const char *const txn_types[] = {"change", "scan", NULL};

/* ---- Keys of the ordered index. ---- */

/* A key as the text that sorts as it does; its length stands before it. */
static void text_of(uint64_t key, char text[1 + TEXT_MOST_BYTES])
{
    size_t more = rng_mix(key + 1) % (TEXT_MOST_BYTES - TEXT_LEAST_BYTES + 1);
    (void)snprintf(text + 1, TEXT_MOST_BYTES, "key %012" PRIu64, key);
    memset(text + 1 + TEXT_LEAST_BYTES, '.', more);
    text[0] = (char)(TEXT_LEAST_BYTES + more);
}

static const void *entry_of(const struct workload *workload, const uint64_t *key, char text[1 + TEXT_MOST_BYTES])
{
    if (workload->options.ordered_keys == KEYS_NUMBER)
        return key;
    text_of(*key, text);
    return text;
}

/* The key of an entry; UINT64_MAX if no key has such a one. */
static uint64_t key_of(const struct workload *workload, const void *entry)
{
    uint64_t key;
    char text[1 + TEXT_MOST_BYTES], digits[TEXT_LEAST_BYTES + 1] = "";
    if (workload->options.ordered_keys == KEYS_NUMBER) {
        memcpy(&key, entry, sizeof key);
        return key;
    }
    const unsigned char *const found = entry;
    memcpy(digits, found + 1, found[0] < TEXT_LEAST_BYTES ? found[0] : TEXT_LEAST_BYTES);
    key = strtoull(digits + strlen("key "), NULL, 10);
    text_of(key, text);
    return (unsigned char)text[0] == found[0] && memcmp(text, found, 1u + found[0]) == 0 ? key : UINT64_MAX;
}

/* C1: log-uniform from 16 to bytes_max. */
static size_t size_of(uint64_t key, uint64_t stamp, uint64_t bytes_max)
{
    uint64_t random = rng_mix(key * 0x9e3779b97f4a7c15u ^ stamp);
    unsigned octaves = 1;
    while ((uint64_t)RECORD_LEAST_BYTES << octaves <= bytes_max)
        octaves++;
    uint64_t least = (uint64_t)RECORD_LEAST_BYTES << (random >> 32) % octaves;
    uint64_t most = 2 * least - 1 < bytes_max ? 2 * least - 1 : bytes_max;
    return (size_t)(least + (random & 0xffffffffu) % (most - least + 1));
}

/* C3: sums of it are equal by accident once in 2^64. */
static uint64_t print_of(uint64_t key, uint64_t stamp)
{
    return rng_mix(rng_mix(key + 1) ^ stamp);
}

static bool record_is_sound(const struct workload *workload, uint64_t key, const void *data, size_t bytes, char *report,
                            size_t report_bytes)
{
    uint64_t stamp = bytes >= RECORD_LEAST_BYTES ? record_stamp(data, bytes) : 0;
    return record_check(data, bytes, size_of(key, stamp, workload->options.record_bytes_max), key, &stamp, report,
                        report_bytes);
}

static const struct micro_traits traits = {
    .workload_bytes = sizeof(struct workload),
    .worker_bytes = sizeof(struct workload_worker),
};

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **result, char *error, size_t error_bytes)
{
    struct churn_options options = *(const struct churn_options *)values;
    if (options.ops_per_txn > options.keys) {
        snprintf(error, error_bytes, "ops_per_txn=%" PRIu64 ": there are only %" PRIu64 " keys", options.ops_per_txn,
                 options.keys);
        return TARGET_INVALID;
    }
    struct workload *workload = micro_create(&traits, ops, seed, workers, options.keys / 2,
                                             (size_t)options.record_bytes_max, sizeof(struct churn_tally));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    struct micro *micro = &workload->micro;
    const bool texts = workload->options.ordered_keys == KEYS_TEXT;
    const struct target_index_config ordered = {
        .kind = TARGET_INDEX_ORDERED, .key_bytes = texts ? TEXT_MOST_BYTES : sizeof(uint64_t), .variable = texts};
    enum target_status status =
        micro_setup(workload, target, "churn", micro->row_bytes, TARGET_INDEX_HASH, error, error_bytes);
    if (status != TARGET_OK)
        return status;
    status = micro->ops->index_create(target, micro->table, "churn_ordered", &ordered, &workload->ordered);
    if (status != TARGET_OK)
        snprintf(error, error_bytes, "churn: an ordered index%s on target %s: %s",
                 texts ? " with texts as keys (ordered_keys=text)" : "", micro->ops->name, target_status_text(status));
    return status;
}

static enum target_status load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                               struct workload_progress *progress, const _Atomic bool *stop)
{
    (void)workload, (void)worker, (void)part, (void)parts, (void)progress, (void)stop;
    return TARGET_OK;
}

static unsigned next(struct workload_worker *w)
{
    struct workload *workload = w->base.workload;
    const struct churn_options *options = &workload->options;
    uint64_t drawn = atomic_load_explicit(&workload->drawn, memory_order_relaxed);
    if (w->base.worker_idx == 0)
        atomic_store_explicit(&workload->drawn, drawn + 1, memory_order_relaxed);
    uint64_t tide = (uint64_t)((__uint128_t)(drawn % options->turn) * options->keys / options->turn);
    w->type = rng_unit(&w->base.rng) < options->scan_ratio ? SCAN : CHANGE;
    if (w->type == SCAN) {
        w->keys[0] = rng_below(&w->base.rng, options->keys);
        w->length = 1 + rng_below(&w->base.rng, options->scan_length_max);
        return SCAN;
    }
    micro_draw_distinct(&w->base.rng, options->keys, w->keys, (unsigned)options->ops_per_txn);
    for (size_t i = 0; i < options->ops_per_txn; i++) {
        uint64_t after = w->keys[i] >= tide ? w->keys[i] - tide : w->keys[i] + options->keys - tide;
        w->stamps[i] = rng_next(&w->base.rng);
        w->flooded[i] = after < options->keys / 2;
    }
    return CHANGE;
}

/* Of an attempt that commits, the first finding counts. */
static void look(struct workload_worker *w, uint64_t key, const void *data, size_t bytes)
{
    char report[MICRO_FINDING_BYTES];
    if (UNLIKELY(!record_is_sound(w->base.workload, key, data, bytes, report, sizeof report)) && !w->finding[0])
        memcpy(w->finding, report, sizeof report);
}

static enum target_status insert(struct workload_worker *w, const uint64_t *key, size_t bytes, uint64_t stamp)
{
    const struct micro *micro = &w->base.workload->micro;
    uint64_t ref;
    void *data;
    char text[1 + TEXT_MOST_BYTES];
    enum target_status status = micro->ops->insert(w->txn, micro->index, key, bytes, &ref, &data);
    if (status != TARGET_OK)
        return status;
    record_fill(data, bytes, *key, stamp);
    w->rows++;
    w->bytes += (int64_t)bytes;
    w->print += print_of(*key, stamp);
    return micro->ops->index_insert(w->txn, w->base.workload->ordered, entry_of(w->base.workload, key, text), ref);
}

/* The row of a dry key; both entries and the row go. */
static enum target_status erase(struct workload_worker *w, const uint64_t *key, size_t bytes)
{
    const struct micro *micro = &w->base.workload->micro;
    uint64_t ref;
    char text[1 + TEXT_MOST_BYTES];
    enum target_status status = micro->ops->find(w->txn, micro->index, key, &ref);
    if (status == TARGET_OK)
        status =
            micro->ops->index_remove(w->txn, w->base.workload->ordered, entry_of(w->base.workload, key, text), ref);
    if (status == TARGET_OK)
        status = micro->ops->erase(w->txn, micro->index, key);
    w->rows--;
    w->bytes -= (int64_t)bytes;
    return status;
}

static enum target_status change(struct workload_worker *w, size_t i)
{
    const struct micro *micro = &w->base.workload->micro;
    const uint64_t *key = &w->keys[i];
    size_t old_bytes, bytes = size_of(*key, w->stamps[i], w->base.workload->options.record_bytes_max);
    const void *old;
    void *data;
    enum target_status status = micro->ops->read(w->txn, micro->index, key, &old, &old_bytes);
    if (status == TARGET_NOT_FOUND)
        return w->flooded[i] ? insert(w, key, bytes, w->stamps[i]) : TARGET_OK;
    if (status != TARGET_OK)
        return status;
    look(w, *key, old, old_bytes);
    w->print -= print_of(*key, old_bytes >= RECORD_LEAST_BYTES ? record_stamp(old, old_bytes) : 0);
    if (!w->flooded[i])
        return erase(w, key, old_bytes);
    status = micro->ops->overwrite(w->txn, micro->index, key, bytes, &data);
    if (status != TARGET_OK)
        return status;
    record_fill(data, bytes, *key, w->stamps[i]);
    w->bytes += (int64_t)bytes - (int64_t)old_bytes;
    w->print += print_of(*key, w->stamps[i]);
    return TARGET_OK;
}

static bool visit(void *arg, const void *entry, uint64_t ref)
{
    struct workload_worker *w = arg;
    const struct micro *micro = &w->base.workload->micro;
    const void *data;
    size_t bytes;
    const uint64_t key = key_of(w->base.workload, entry);
    w->status = micro->ops->row_read(w->txn, micro->table, ref, &data, &bytes);
    if (w->status != TARGET_OK)
        return false;
    look(w, key, data, bytes);
    if (UNLIKELY(key < w->keys[0] || (w->visited > 0 && key <= w->last_key)) && !w->finding[0])
        snprintf(w->finding, sizeof w->finding, "a scan from key %" PRIu64 " met key %" PRIu64 " after %" PRIu64,
                 w->keys[0], key, w->last_key);
    w->last_key = key;
    w->visited++;
    return true;
}

static enum target_status run(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    enum target_status status = TARGET_OK;
    char text[1 + TEXT_MOST_BYTES];
    w->finding[0] = '\0';
    w->rows = w->bytes = 0;
    w->print = 0;
    w->visited = 0;
    w->status = TARGET_OK;
    if (w->type == SCAN) {
        status = workload->micro.ops->scan(w->txn, workload->ordered, entry_of(workload, &w->keys[0], text), NULL, 0,
                                           w->length, visit, w);
        return status == TARGET_OK ? w->status : status;
    }
    for (size_t i = 0; i < workload->options.ops_per_txn && status == TARGET_OK; i++)
        status = change(w, i);
    return status;
}

static enum target_status attempt(struct workload_worker *w)
{
    const struct target_ops *ops = w->base.workload->micro.ops;
    struct churn_tally *tally = w->base.tally;
    enum target_status status =
        ops->begin(w->base.worker, w->type == SCAN ? TARGET_SNAPSHOT : TARGET_READ_WRITE, &w->txn);
    if (status != TARGET_OK)
        return status;
    status = run(w);
    /* A miss, and then an entry, or the other way round: another transaction has committed in between. Then this one
     * cannot commit; if it does, it is a finding. */
    if (status != TARGET_OK && status != TARGET_EXISTS && status != TARGET_NOT_FOUND) {
        ops->abort(w->txn);
        return status;
    }
    if (status != TARGET_OK && !w->finding[0])
        snprintf(w->finding, sizeof w->finding, "a transaction that changed its mind about a key has committed: %s",
                 target_status_name(status));
    status = ops->commit(w->txn);
    if (status != TARGET_OK)
        return status;
    w->operations = w->type == SCAN ? (unsigned)w->visited : (unsigned)w->base.workload->options.ops_per_txn;
    tally->rows += w->rows;
    tally->bytes += w->bytes;
    tally->print += w->print;
    if (UNLIKELY(w->finding[0]))
        micro_find(w, "%s", w->finding);
    return TARGET_OK;
}

static unsigned operations(const struct workload_worker *w)
{
    return w->operations;
}

static void data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    *rows = *bytes = 0;
    for (unsigned i = 0; i < workload->micro.workers; i++) {
        const struct churn_tally *tally = micro_tally(workload, i);
        *rows += (uint64_t)tally->rows;
        *bytes += (uint64_t)tally->bytes;
    }
    *bytes += *rows * sizeof(uint64_t);
}

static void space(const struct workload *workload, struct target_space *rows, struct target_space *indexes)
{
    const struct micro *micro = &workload->micro;
    struct target_space ordered = {0};
    micro_space(workload, rows, indexes);
    if (micro->ops->index_space)
        micro->ops->index_space(workload->ordered, &ordered);
    bulk_add_space(indexes, &ordered);
}

/* C1 and C2 in one snapshot: the ordered index in order, and each key of the hash index between its entries. */
struct check {
    struct workload *workload;
    struct target_txn *txn;
    enum target_status status;
    uint64_t next_key, rows, print;
    char *report;
    size_t report_bytes;
};

/* No key from next_key up to `end` may have an entry in the hash index. */
static bool expect_missing(struct check *check, uint64_t end)
{
    const struct micro *micro = &check->workload->micro;
    uint64_t ref;
    for (; check->next_key < end; check->next_key++) {
        check->status = micro->ops->find(check->txn, micro->index, &check->next_key, &ref);
        if (check->status == TARGET_NOT_FOUND)
            continue;
        if (check->status == TARGET_OK) {
            snprintf(check->report, check->report_bytes, "key %" PRIu64 " is in the hash index only", check->next_key);
            check->status = TARGET_CORRUPT;
        }
        return false;
    }
    check->status = TARGET_OK;
    return true;
}

static bool check_entry(void *arg, const void *entry, uint64_t ref)
{
    struct check *check = arg;
    const struct micro *micro = &check->workload->micro;
    const void *data;
    size_t bytes;
    uint64_t key = key_of(check->workload, entry), found;
    if (key >= check->workload->options.keys) {
        snprintf(check->report, check->report_bytes, "an entry of the ordered index has none of the keys");
        check->status = TARGET_CORRUPT;
        return false;
    }
    if (!expect_missing(check, key))
        return false;
    check->next_key = key + 1;
    check->rows++;
    check->status = micro->ops->find(check->txn, micro->index, &key, &found);
    if (check->status == TARGET_NOT_FOUND || (check->status == TARGET_OK && found != ref)) {
        snprintf(check->report, check->report_bytes,
                 "key %" PRIu64 " leads to row %" PRIu64 " in the ordered index, but %s in the hash index", key, ref,
                 check->status == TARGET_OK ? "to another row" : "missing");
        check->status = TARGET_CORRUPT;
        return false;
    }
    if (check->status == TARGET_OK)
        check->status = micro->ops->row_read(check->txn, micro->table, ref, &data, &bytes);
    if (check->status == TARGET_NOT_FOUND)
        snprintf(check->report, check->report_bytes, "key %" PRIu64 " leads to row %" PRIu64 ", which is not there",
                 key, ref);
    if (check->status == TARGET_NOT_FOUND ||
        (check->status == TARGET_OK &&
         !record_is_sound(check->workload, key, data, bytes, check->report, check->report_bytes)))
        check->status = TARGET_CORRUPT;
    if (check->status == TARGET_OK)
        check->print += print_of(key, record_stamp(data, bytes));
    return check->status == TARGET_OK;
}

/* Sets *rows to how many there are, *print to their print. */
static enum target_status check_snapshot(struct workload *workload, struct target_worker *worker, uint64_t *rows,
                                         uint64_t *print, char *report, size_t report_bytes)
{
    const struct target_ops *ops = workload->micro.ops;
    struct check check = {.workload = workload, .report = report, .report_bytes = report_bytes};
    enum target_status status = ops->begin(worker, TARGET_SNAPSHOT, &check.txn);
    if (status != TARGET_OK)
        return status;
    status = ops->scan(check.txn, workload->ordered, NULL, NULL, 0, 0, check_entry, &check);
    if (status == TARGET_OK)
        status = check.status;
    if (status == TARGET_OK && !expect_missing(&check, workload->options.keys))
        status = check.status;
    *rows = check.rows;
    *print = check.print;
    if (status == TARGET_OK)
        return ops->commit(check.txn);
    ops->abort(check.txn);
    return status;
}

/* And C3, and what the workers have found. */
static enum target_status check_at_rest(struct workload *workload, struct target_worker *worker, char *report,
                                        size_t report_bytes)
{
    uint64_t rows, expected, bytes, print, expected_print = 0;
    enum target_status status = check_snapshot(workload, worker, &rows, &print, report, report_bytes);
    if (status != TARGET_OK || (status = micro_findings(workload, report, report_bytes)) != TARGET_OK)
        return status;
    data_size(workload, &expected, &bytes);
    snprintf(report, report_bytes, "%" PRIu64 " rows, each in both indexes; committed inserts - deletes: %" PRIu64,
             rows, expected);
    if (rows != expected)
        return TARGET_CORRUPT;
    for (unsigned i = 0; i < workload->micro.workers; i++)
        expected_print += ((const struct churn_tally *)micro_tally(workload, i))->print;
    if (print == expected_print)
        return TARGET_OK;
    snprintf(report, report_bytes,
             "%" PRIu64 " rows, whose keys and stamps have the print %#" PRIx64 ", expected %#" PRIx64
             " of what was committed: a change was lost, or ran twice",
             rows, print, expected_print);
    return TARGET_CORRUPT;
}

static enum target_status check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                                char *report, size_t report_bytes)
{
    uint64_t rows, print;
    report[0] = '\0';
    if (committed == NULL)
        return check_snapshot(workload, worker, &rows, &print, report, report_bytes);
    return bulk_prove(check_at_rest, workload->micro.ops, workload, worker, report, report_bytes);
}

const struct workload_ops churn_workload_ops = {
    .name = "churn",
    .help = "inserts, deletes and changes of size that leave as much as there was; two indexes must agree",
    .options = option_table,
    .txn_types = txn_types,
    .create = create,
    .destroy = micro_destroy,
    .setup = setup,
    .load = load,
    .worker_create = micro_worker_create,
    .worker_destroy = micro_worker_destroy,
    .next = next,
    .attempt = attempt,
    .operations = operations,
    .check = check,
    .check_live = true,
    .data_size = data_size,
    .space = space,
};
