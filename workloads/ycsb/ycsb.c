/* ycsb.c - YCSB's options, presets, tables, load and check; see ycsb.h and instance.h. */
#include "workloads/ycsb/ycsb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "workloads/bulk.h"
#include "workloads/record.h"
#include "workloads/ycsb/instance.h"

static const struct option_spec option_table[] = {YCSB_OPTIONS(OPTION_SPEC) OPTION_END};

static const char *const txn_types[] = {"read_only", "read_write", "long", NULL};

/* Without workers that run long transactions there is no type of that name. */
static unsigned type_count(const void *values)
{
    const struct ycsb_options *options = values;
    const unsigned all = sizeof txn_types / sizeof *txn_types - 1;
    return options->long_workers > 0 ? all : all - 1;
}

/*
 * The core workloads (github.com/brianfrankcooper/YCSB, workloads/workload[a-f]): one request a transaction, 10
 * fields of 100 bytes, zipfian as YCSB scrambles it. YCSB's update writes one field of the ten without looking at any,
 * hence blind; a target whose rows are whole copies the others. Scans are of uniform length up to 100, over keys
 * that YCSB hashes. preset, read, insert, scan, update kind, distribution, index, insert order
 */
#define YCSB_PRESETS(X)                                                         \
    X("A", "0.5", "0", "0", "blind", "ycsb-scrambled", "hash", "ordered")       \
    X("B", "0.95", "0", "0", "blind", "ycsb-scrambled", "hash", "ordered")      \
    X("C", "1", "0", "0", "blind", "ycsb-scrambled", "hash", "ordered")         \
    X("D", "0.95", "0.05", "0", "blind", "latest", "hash", "ordered")           \
    X("E", "0", "0.05", "0.95", "blind", "ycsb-scrambled", "ordered", "hashed") \
    X("F", "0.5", "0", "0", "rmw", "ycsb-scrambled", "hash", "ordered")

static const char *const preset_names[] = {
#define PRESET_NAME(name, ...) name,
    YCSB_PRESETS(PRESET_NAME)
#undef PRESET_NAME
        NULL};

static bool preset(const char *name, void (*set)(void *arg, const char *option, const char *value), void *arg)
{
    static const struct {
        const char *name;
        const char *values[7];
    } presets[] = {
#define PRESET_VALUES(preset_name, ...) {preset_name, {__VA_ARGS__}},
        YCSB_PRESETS(PRESET_VALUES)
#undef PRESET_VALUES
    };
    static const char *const varying[] = {"read_ratio",   "insert_ratio", "scan_ratio",  "update_kind",
                                          "distribution", "index",        "insert_order"};
    static const struct {
        const char *option, *value;
    } common[] = {{"records", "1M"},    {"record_bytes", "1000"}, {"fields", "10"},          {"update_fields", "one"},
                  {"ops_per_txn", "1"}, {"theta", "0.99"},        {"scan_length_max", "100"}};
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(presets[i].name, name) != 0)
            continue;
        for (size_t j = 0; j < sizeof common / sizeof *common; j++)
            set(arg, common[j].option, common[j].value);
        for (size_t j = 0; j < sizeof varying / sizeof *varying; j++)
            set(arg, varying[j], presets[i].values[j]);
        return true;
    }
    return false;
}

/* ---- Create. ---- */

static bool follows_newest(const struct ycsb_options *options)
{
    return options->insert_ratio > 0 &&
           (options->distribution == DISTRIBUTION_LATEST || options->distribution == DISTRIBUTION_EXPONENTIAL);
}

static enum target_status check_options(const struct ycsb_options *options, char *error, size_t error_bytes)
{
    double sum = options->read_ratio + options->insert_ratio + options->scan_ratio + options->modify_ratio;
    if (sum > 1 + 1e-9) {
        snprintf(error, error_bytes, "read_ratio + insert_ratio + scan_ratio + modify_ratio = %g: must be at most 1",
                 sum);
        return TARGET_INVALID;
    }
    if (options->modify_ratio > 0 && options->update_kind != UPDATE_BLIND) {
        snprintf(error, error_bytes,
                 "modify_ratio=%g with update_kind=rmw, where all updates are such: set "
                 "update_kind=blind",
                 options->modify_ratio);
        return TARGET_INVALID;
    }
    if (options->fields == 1 && (options->read_fields == FIELDS_ONE || options->update_fields == FIELDS_ONE)) {
        snprintf(error, error_bytes, "%s=one: a record has only one field; raise fields",
                 options->read_fields == FIELDS_ONE ? "read_fields" : "update_fields");
        return TARGET_INVALID;
    }
    if (options->scan_ratio > 0 && options->index != TARGET_INDEX_ORDERED) {
        snprintf(error, error_bytes, "scan_ratio=%g with index=hash: scans need index=ordered", options->scan_ratio);
        return TARGET_INVALID;
    }
    if (options->insert_order == INSERT_HASHED && follows_newest(options)) {
        snprintf(error, error_bytes,
                 "insert_order=hashed with distribution=%s: keys that follow the newest insert go on in order",
                 distribution_at(options->distribution)->name);
        return TARGET_INVALID;
    }
    return TARGET_OK;
}

static void destroy(struct workload *workload)
{
    for (unsigned i = 0; workload->shares && i < workload->workers; i++)
        ring_destroy(&workload->shares[i].walk.ring);
    ycsb_ledger_destroy(workload->ledger);
    free(workload->fields);
    free(workload->shares);
    free(workload);
}

/* None where a record is a plain one. */
static enum target_status create_fields(struct workload *workload, char *error, size_t error_bytes)
{
    const struct ycsb_options *options = &workload->options;
    if (options->fields == 1 && options->field_lengths == FIELD_LENGTHS_CONSTANT)
        return TARGET_OK;
    workload->fields = mem_alloc(sizeof *workload->fields);
    return workload->fields
               ? fields_init(workload->fields, options->fields, options->record_bytes,
                             (enum field_lengths)options->field_lengths, workload->seed, error, error_bytes)
               : TARGET_NO_MEMORY;
}

/* Can different keys be drawn for each transaction? The first worker and the last have all lengths that there are. */
static enum target_status probe(const struct workload *workload, char *error, size_t error_bytes)
{
    const unsigned workers[] = {0, workload->workers - 1};
    for (unsigned i = 0; i < 2; i++) {
        struct ring_config config;
        ycsb_ring_config(workload, workers[i], &config);
        if (ring_probe(&config))
            continue;
        snprintf(error, error_bytes,
                 "%u different keys a transaction are hardly ever drawn from %" PRIu64
                 " records so skewed: lower %s or theta, or duplicates=drop",
                 config.ops_per_txn, workload->options.records,
                 ycsb_is_long(workload, workers[i]) ? "long_ops_per_txn" : "ops_per_txn");
        return TARGET_INVALID;
    }
    return TARGET_OK;
}

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **result, char *error, size_t error_bytes)
{
    struct ycsb_options options = *(const struct ycsb_options *)values;
    enum target_status status = check_options(&options, error, error_bytes);
    if (status != TARGET_OK)
        return status;

    struct workload *workload = mem_alloc(sizeof *workload);
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->shares = mem_alloc(workers * sizeof *workload->shares);
    workload->ops = ops;
    workload->options = options;
    workload->seed = seed;
    workload->workers = workers;
    workload->follow_newest = follows_newest(&options);
    shuffle_init(&workload->shuffle, options.records, seed);
    struct distribution_config keys = {(enum distribution_kind)options.distribution,
                                       options.theta,
                                       options.hot_fraction,
                                       options.hot_ratio,
                                       options.exp_fraction,
                                       options.exp_ratio};
    status = TARGET_NO_MEMORY;
    if (workload->shares)
        status = create_fields(workload, error, error_bytes);
    if (status == TARGET_OK)
        status = distribution_init(&workload->distribution, &keys, options.records, error, error_bytes);
    if (status == TARGET_OK && options.duplicates == DUPLICATES_REDRAW)
        status = probe(workload, error, error_bytes);
    if (status != TARGET_OK) {
        destroy(workload);
        return status;
    }
    *result = workload;
    return TARGET_OK;
}

/* ---- Tables and load. ---- */

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    const struct ycsb_options *options = &workload->options;
    uint64_t expected_rows = options->size_hint ? options->records : 0;
    struct target_table_config table = {.payload_max_bytes = (size_t)options->record_bytes,
                                        .expected_rows = expected_rows};
    struct target_index_config index = {
        .kind = (enum target_index_kind)options->index, .key_bytes = sizeof(uint64_t), .expected_rows = expected_rows};
    workload->target = target;
    enum target_status status = workload->ops->table_create(target, "usertable", &table, &workload->table);
    if (status != TARGET_OK) {
        snprintf(error, error_bytes, "table of %" PRIu64 "-byte records: %s", options->record_bytes,
                 target_status_text(status));
        return status;
    }
    status = workload->ops->index_create(target, workload->table, "usertable_key", &index, &workload->index);
    if (status != TARGET_OK)
        snprintf(error, error_bytes, "%s index on target %s: %s",
                 options->index == TARGET_INDEX_ORDERED ? "ordered" : "hash", workload->ops->name,
                 target_status_text(status));
    return status;
}

static bool is_hashed(const struct workload *workload)
{
    return workload->options.insert_order == INSERT_HASHED;
}

static uint64_t load_key(void *arg, uint64_t i)
{
    const struct workload *workload = arg;
    bool shuffled = workload->options.load_order == LOAD_SHUFFLED;
    return ycsb_key(is_hashed(workload), shuffled ? shuffle_at(&workload->shuffle, i) : i);
}

static void load_fill(void *arg, uint64_t key, void *data)
{
    const struct workload *workload = arg;
    ycsb_record_fill(workload, data, key, 0);
}

static size_t load_bytes(void *arg, uint64_t key)
{
    return ycsb_record_bytes(arg, key);
}

static enum target_status load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                               struct workload_progress *progress, const _Atomic bool *stop)
{
    struct bulk bulk = {.ops = workload->ops,
                        .worker = worker,
                        .index = workload->index,
                        .bytes = (size_t)workload->options.record_bytes,
                        .bytes_of = workload->fields ? load_bytes : NULL,
                        .arg = workload,
                        .key = load_key,
                        .fill = load_fill};
    uint64_t first, last;
    bulk_part(workload->options.records, part, parts, &first, &last);
    return bulk_load(&bulk, first, last, progress, stop);
}

/* ---- Check. ---- */

struct check {
    struct workload *workload;
    struct ycsb_ledger *ledger; /* NULL: there is none, or the walk has passed its records */
    uint64_t number;            /* of the record at hand; those loaded come first */
    unsigned worker_idx;        /* the worker whose inserts are walked over */
    bool racy;                  /* several workers of a target that is not transactional: Y3 to Y5 are not owed */
    uint64_t rows, stamps;
    char *report;
    size_t report_bytes;
};

static uint64_t loaded_key(void *arg, uint64_t i)
{
    const struct check *check = arg;
    return ycsb_key(is_hashed(check->workload), i);
}

static uint64_t inserted_key(void *arg, uint64_t i)
{
    const struct check *check = arg;
    return ycsb_key(is_hashed(check->workload),
                    check->workload->options.records + i * check->workload->workers + check->worker_idx);
}

/* Y4: does the stamp name a worker of this run and one of its committed updates? */
static bool stamp_is_known(const struct workload *workload, uint64_t stamp)
{
    if (stamp == 0)
        return true;
    bool wide = workload->options.record_bytes >= 16;
    uint64_t writer = ycsb_stamp_writer(workload->options.record_bytes, stamp);
    uint64_t update = stamp & (((uint64_t)1 << 48) - 1);
    if (writer == 0 || writer > workload->workers)
        return false;
    return !wide || (update >= 1 && update <= workload->shares[writer - 1].updates);
}

/* Reads the row's stamps, as many as requests decide by themselves (ycsb_stamps). Y1, Y2, Y5, F1 */
static bool stamps_read(struct check *check, uint64_t key, const void *data, size_t bytes, uint64_t *stamps)
{
    const struct workload *workload = check->workload;
    if (!workload->fields)
        return record_check(data, bytes, (size_t)workload->options.record_bytes, key, stamps, check->report,
                            check->report_bytes);
    if (!fields_check(workload->fields, data, bytes, key, stamps, check->report, check->report_bytes))
        return false;
    for (unsigned i = 1; ycsb_stamps(workload) == 1 && i < workload->fields->count; i++) {
        if (stamps[i] == stamps[0])
            continue;
        snprintf(check->report, check->report_bytes,
                 "key %" PRIu64 ": stamp %#" PRIx64 " of field 0, %#" PRIx64 " of field %u: a torn write", key,
                 stamps[0], stamps[i], i);
        return false;
    }
    return true;
}

/* Y3, Y4 of one stamp. */
static bool check_stamp(struct check *check, uint64_t key, unsigned field, uint64_t stamp)
{
    struct workload *workload = check->workload;
    if (workload->options.update_kind == UPDATE_BLIND && !check->racy && !stamp_is_known(workload, stamp)) {
        snprintf(check->report, check->report_bytes,
                 "key %" PRIu64 ": stamp %#" PRIx64 " is of no committed update, expected 0 or worker and number", key,
                 stamp);
        return false;
    }
    check->stamps += stamp;
    return !check->ledger ||
           ycsb_ledger_holds(check->ledger, check->number, field, key, stamp, check->report, check->report_bytes);
}

static bool check_row(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    uint64_t stamps[FIELDS_MAX] = {0};
    bool good = stamps_read(check, key, data, bytes, stamps) || (check->racy && data);
    for (unsigned i = 0; good && i < ycsb_stamps(check->workload); i++)
        good = check_stamp(check, key, i, stamps[i]);
    check->rows++;
    check->number++;
    return good;
}

/* Y2, the other half: the key a worker would have inserted next must not be there. */
static bool check_absent(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    (void)bytes;
    if (data)
        snprintf(check->report, check->report_bytes,
                 "key %" PRIu64 ": found a row, expected none: its insert never committed", key);
    return !data;
}

static bool is_racy(const struct workload *workload)
{
    return !target_is_transactional(&workload->ops->promises) && workload->workers > 1;
}

/* The report's addition if not every row was compared by itself. */
static const char *in_detail(const struct workload *workload)
{
    return workload->ledger          ? ""
           : is_racy(workload)       ? ""
           : workload->follow_newest ? " (in sum only: the keys follow the newest insert)"
           : workload->unentered     ? " (in sum only: requests were given up, or a repetition was not checked)"
                                     : " (in sum only: no memory to compare row by row)";
}

static enum target_status check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                     size_t report_bytes)
{
    const struct ycsb_options *options = &workload->options;
    struct check check = {.workload = workload,
                          .ledger = workload->ledger,
                          .racy = is_racy(workload),
                          .report = report,
                          .report_bytes = report_bytes};
    struct bulk bulk = {.ops = workload->ops, .worker = worker, .index = workload->index, .arg = &check};
    uint64_t updates = 0, lost = 0;

    bulk.visit = check_row;
    bulk.key = loaded_key;
    enum target_status status = bulk_walk(&bulk, 0, options->records);
    if (status == TARGET_OK && check.ledger)
        status = ycsb_ledger_close(check.ledger, report, report_bytes);
    check.ledger = NULL;
    bulk.key = inserted_key;
    for (; status == TARGET_OK && check.worker_idx < workload->workers; check.worker_idx++) {
        const struct ycsb_share *share = &workload->shares[check.worker_idx];
        uint64_t inserted = atomic_load_explicit(&share->inserted, memory_order_acquire);
        updates += share->updates;
        lost += share->lost;
        bulk.visit = check_row;
        status = bulk_walk(&bulk, 0, inserted);
        bulk.visit = check_absent;
        if (status == TARGET_OK && target_is_transactional(&workload->ops->promises))
            status = bulk_walk(&bulk, inserted, inserted + 1);
    }
    if (status != TARGET_OK)
        return status;

    if (options->update_kind == UPDATE_BLIND) {
        snprintf(report, report_bytes,
                 "%" PRIu64 " rows present and intact, %" PRIu64 " blind updates%s, %" PRIu64 " reads before their row",
                 check.rows, updates, in_detail(workload), lost);
        return TARGET_OK;
    }
    /* Short records count modulo 2^32, each on its own; their sum does not wrap in any run that ends. */
    bool equal = check.stamps == updates;
    snprintf(report, report_bytes,
             "%" PRIu64 " rows present, their update counters sum to %" PRIu64 ", committed updates: %" PRIu64 "%s",
             check.rows, check.stamps, updates,
             equal        ? in_detail(workload)
             : check.racy ? " (not transactional: updates may be lost)"
                          : ": updates were lost or came from aborted transactions");
    return equal || check.racy ? TARGET_OK : TARGET_CORRUPT; /* Y3 */
}

/* TARGET_OK without a ledger where there can be none. */
static enum target_status enter_ledger(struct workload *workload, char *report, size_t report_bytes)
{
    bool possible = !is_racy(workload) && !workload->follow_newest && !workload->unentered;
    if (possible && !workload->ledger)
        workload->ledger = ycsb_ledger_create(workload);
    if (!possible) {
        ycsb_ledger_destroy(workload->ledger);
        workload->ledger = NULL;
    }
    return workload->ledger ? ycsb_ledger_enter(workload->ledger, report, report_bytes) : TARGET_OK;
}

static enum target_status check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                                char *report, size_t report_bytes)
{
    (void)committed; /* of transactions; what they did is in the shares */
    enum target_status status = enter_ledger(workload, report, report_bytes);
    if (status != TARGET_OK)
        return status;
    return bulk_prove(check_pass, workload->ops, workload, worker, report, report_bytes);
}

/* ---- Sizes. ---- */

static void data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    *rows = workload->options.records;
    for (unsigned i = 0; i < workload->workers; i++)
        *rows += atomic_load_explicit(&workload->shares[i].inserted, memory_order_relaxed);
    if (workload->fields && workload->fields->vary)
        *bytes = (uint64_t)((double)*rows * (workload->fields->bytes_mean + sizeof(uint64_t)));
    else
        *bytes = *rows * (workload->options.record_bytes + sizeof(uint64_t));
}

static void space(const struct workload *workload, struct target_space *rows, struct target_space *indexes)
{
    *rows = *indexes = (struct target_space){0};
    if (workload->ops->table_space)
        workload->ops->table_space(workload->table, rows);
    if (workload->ops->index_space)
        workload->ops->index_space(workload->index, indexes);
}

const struct workload_ops ycsb_workload_ops = {
    .name = "ycsb",
    .help = "reads, updates, inserts and scans by key; presets A to F are YCSB's core workloads",
    .options = option_table,
    .txn_types = txn_types,
    .type_count = type_count,
    .presets = preset_names,
    .preset = preset,
    .create = create,
    .destroy = destroy,
    .setup = setup,
    .load = load,
    .worker_create = ycsb_worker_create,
    .worker_destroy = ycsb_worker_destroy,
    .next = ycsb_next,
    .attempt = ycsb_attempt,
    .gave_up = ycsb_gave_up,
    .operations = ycsb_operations,
    .check = check,
    .data_size = data_size,
    .space = space,
};
