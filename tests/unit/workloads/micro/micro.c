/*
 * micro.c - tests of the micro-workloads, and of those that are built on the same parts: each runs on the oracle and on
 * bare and proves itself; each proof of a micro-workload fails when a row is changed behind its back.
 */
#include "workloads/micro/micro.h"

#include "tests/unit/workloads/drive.h"
#include "workloads/bomb/bomb.h"
#include "workloads/micro/common.h"
#include "workloads/record.h"
#include "workloads/smallbank/smallbank.h"
#include "workloads/tatp/tatp.h"

enum { STEPS = 2000 };

static const struct target_ops *const targets[] = {&oracle_target_ops, &bare_target_ops};

/* Every struct workload of these begins with its struct micro. */
static struct micro *micro_of(struct drive *drive)
{
    return (void *)drive->workload;
}

static const struct {
    const struct workload_ops *ops;
    const char *pairs[24];
    bool oracle_only; /* needs an ordered index, or keys of more than 8 bytes */
} variants[] = {
    {&bank_workload_ops, {NULL}, false},
    {&bank_workload_ops, {"accounts", "2", "audit_ratio", "0.3", "audit_mode", "read_write", NULL}, false},
    {&skew_workload_ops, {NULL}, false},
    {&skew_workload_ops, {"pairs", "1", "withdrawal_max", "300", NULL}, false},
    {&append_workload_ops, {NULL}, false},
    {&append_workload_ops, {"lists", "3", "lists_per_txn", "3", "list_max", "2", "snapshot_reads", "off", NULL}, false},
    {&append_workload_ops, {"lists", "1", "lists_per_txn", "1", "list_max", "8000", NULL}, false},
    {&counter_workload_ops, {NULL}, false},
    {&counter_workload_ops, {"rows", "20", "ops_per_txn", "20", NULL}, false},
    {&singlekey_workload_ops, {NULL}, false},
    {&singlekey_workload_ops, {"record_bytes", "10", "read_ratio", "0.5", NULL}, false},
    {&scan_workload_ops, {"records", "300", NULL}, false},
    {&scan_workload_ops, {"records", "300", "kind", "keys", "scan_ratio", "0.5", NULL}, false},
    {&scan_workload_ops, {"records", "300", "kind", "keys", "snapshot", "off", "record_bytes", "12", NULL}, false},
    {&scan_workload_ops, {"records", "300", "kind", "range", "scan_ratio", "0.5", NULL}, true},
    {&scan_workload_ops, {"records", "300", "kind", "keys", "long_workers", "1", "scan_length_min", "99", NULL}, false},
    {&scan_workload_ops, {"records", "300", "kind", "range", "snapshot", "off", "theta", "0", NULL}, true},
    {&churn_workload_ops, {"keys", "100", "turn", "500", "ops_per_txn", "8", NULL}, true},
    {&churn_workload_ops, {"keys", "7", "turn", "9", "record_bytes_max", "16", "scan_ratio", "0.5", NULL}, true},
    {&blind_workload_ops, {"records", "100", NULL}, false},
    {&blind_workload_ops, {"records", "5", "ops_per_txn", "5", "record_bytes", "16", "theta", "3", NULL}, false},
    {&smallbank_workload_ops, {"accounts", "20", NULL}, false},
    {&smallbank_workload_ops, {"accounts", "30", "lookup", "name", "snapshot_reads", "on", NULL}, true},
    {&tatp_workload_ops, {"subscribers", "20", NULL}, true},
    {&tatp_workload_ops, {"subscribers", "3", "choice", "uniform", "mix", "0/20/0/20/0/30/30", NULL}, true},
    {&tatp_workload_ops, {"subscribers", "20", "snapshot_reads", "on", NULL}, true},
    {&bomb_workload_ops,
     {"factories",
      "2",
      "product_types",
      "12",
      "material_types",
      "8",
      "raw_material_types",
      "9",
      "material_trees_per_product",
      "3",
      "material_tree_size",
      "5",
      "target_products",
      "4",
      "long_ratio",
      "0.1",
      "mix",
      "30/20/20/20/10",
      "long_workers",
      "0",
      NULL},
     true},
    {&bomb_workload_ops,
     {"factories", "1", "product_types", "3", "material_types", "2", "raw_material_types", "4",
      "material_trees_per_product", "1", "material_tree_size", "1", "raw_materials_per_leaf", "4", "target_products",
      "3", "target_materials", "4", NULL},
     true},
    {&skeleton_workload_ops, {NULL}, false},
    {&skeleton_workload_ops, {"transactions", "on", NULL}, false},
};

/* skeleton has no load to report. */
static void open_variant(struct drive *drive, const struct target_ops *ops, size_t variant, unsigned workers,
                         uint64_t seed)
{
    drive_open(drive, ops, variants[variant].ops, workers, seed, variants[variant].pairs);
}

static void runs_end_with_a_proof(void **state)
{
    (void)state;
    uint64_t seed = drive_seed();
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++)
        for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
            for (unsigned workers = 1; workers <= 3; workers += 2) {
                struct drive drive;
                if (variants[v].oracle_only && targets[t] != &oracle_target_ops)
                    continue;
                open_variant(&drive, targets[t], v, workers, seed);
                drive_expect_sound(&drive);
                drive_run(&drive, STEPS);
                drive_expect_sound(&drive);
                assert_true(drive.operations >= STEPS || variants[v].ops == &skeleton_workload_ops);
                uint64_t rows, bytes;
                drive.workload_ops->data_size(drive.workload, &rows, &bytes);
                if (drive.workload_ops->space) {
                    struct target_space row_space, index_space;
                    drive.workload_ops->space(drive.workload, &row_space, &index_space);
                    assert_true(!targets[t]->table_space || row_space.rows == rows);
                }
                drive_close(&drive);
            }
}

static void aborted_attempts_count_nothing(void **state)
{
    (void)state;
    uint64_t seed = drive_seed();
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        struct drive drive;
        open_variant(&drive, &oracle_target_ops, v, 2, seed);
        for (unsigned step = 0; step < 300; step++) {
            oracle_fail_at(drive.target, step % 7 + 1, TARGET_RETRY + 5);
            drive_step(&drive, step % 2);
        }
        oracle_fail_at(drive.target, 0, TARGET_OK);
        drive_expect_sound(&drive);
        drive_close(&drive);
    }
}

/* Adds to the 8-byte number at `offset` of a row. */
static void add_to(struct drive *drive, uint64_t key, size_t offset, int64_t amount)
{
    struct drive_row row = drive_row_open(drive, micro_of(drive)->index, key, 0);
    int64_t value;
    memcpy(&value, row.data + offset, sizeof value);
    value += amount;
    memcpy(row.data + offset, &value, sizeof value);
    drive_row_close(drive, row);
}

static void churn_finds_what_only_one_index_has(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &churn_workload_ops, 2, drive_seed(),
               (const char *[]){"keys", "20", "turn", "1000000", "scan_ratio", "0", NULL});
    drive_run(&drive, 500); /* keys 0 to 9 are there; the others are dry */
    drive_expect_sound(&drive);
    add_to(&drive, 7, 8, 1);
    drive_expect_corrupt(&drive, (const char *[]){"key 7", NULL});
    add_to(&drive, 7, 8, -1);
    drive_expect_sound(&drive);

    struct target_txn *txn;
    uint64_t ref, key = 15;
    void *data;
    struct target_index *hash = micro_of(&drive)->index;
    assert_int_equal(drive.ops->begin(drive.worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    assert_int_equal(drive.ops->insert(txn, hash, &key, 16, &ref, &data), TARGET_OK);
    record_fill(data, 16, key, 0);
    assert_int_equal(drive.ops->commit(txn), TARGET_OK);
    drive_expect_corrupt(&drive, (const char *[]){"key 15 is in the hash index only", NULL});

    assert_int_equal(drive.ops->begin(drive.worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    assert_int_equal(drive.ops->erase(txn, hash, &key), TARGET_OK);
    assert_int_equal(drive.ops->commit(txn), TARGET_OK);
    drive_expect_sound(&drive);

    key = 3;
    assert_int_equal(drive.ops->begin(drive.worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    assert_int_equal(drive.ops->erase(txn, hash, &key), TARGET_OK);
    assert_int_equal(drive.ops->commit(txn), TARGET_OK);
    drive_expect_corrupt(&drive, (const char *[]){"key 3", "missing in the hash index", NULL});
    drive_close(&drive);
}

static void bank_finds_lost_and_made_money(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &bank_workload_ops, 2, drive_seed(),
               (const char *[]){"accounts", "10", "audit_ratio", "0", NULL});
    drive_run(&drive, 500);
    add_to(&drive, 7, 8, 5);
    drive_expect_corrupt(&drive, (const char *[]){"account 7: balance", "expected", NULL});
    add_to(&drive, 7, 8, -5);
    drive_expect_sound(&drive);
    add_to(&drive, 7, 8, 1); /* the total is right */
    add_to(&drive, 8, 8, -1);
    drive_expect_corrupt(&drive, (const char *[]){"account 7: balance", "committed ones", NULL});
    add_to(&drive, 7, 8, -1);
    add_to(&drive, 8, 8, 1);
    add_to(&drive, 5, 16, -1); /* a transfer that moved nothing was lost */
    drive_expect_corrupt(&drive, (const char *[]){"account 5: balance", "transfers", NULL});
    add_to(&drive, 5, 16, 1);
    drive_expect_sound(&drive);
    add_to(&drive, 7, 8, -100000);
    add_to(&drive, 8, 8, 100000);
    drive_expect_corrupt(&drive, (const char *[]){"account 7", "balance -", NULL});
    drive_close(&drive);
}

/* What an audit saw stays a finding, even if the final total is right. */
static void bank_audits_report_what_they_saw(void **state)
{
    (void)state;
    static const char *const modes[] = {"snapshot", "read_write"};
    for (int i = 0; i < 2; i++) {
        struct drive drive;
        drive_open(&drive, &oracle_target_ops, &bank_workload_ops, 2, drive_seed(),
                   (const char *[]){"accounts", "10", "audit_ratio", "1", "audit_mode", modes[i], NULL});
        add_to(&drive, 3, 8, 1);
        drive_step(&drive, 1);
        add_to(&drive, 3, 8, -1);
        drive_expect_corrupt(&drive, (const char *[]){"worker 1", "10001", "expected 10000", NULL});
        drive_close(&drive);
    }
}

static void skew_finds_negative_sums_and_lost_changes(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &skew_workload_ops, 2, drive_seed(), NULL);
    drive_run(&drive, 500);
    add_to(&drive, 1, 0, 1);
    drive_expect_corrupt(&drive, (const char *[]){"row 1: value", "expected", NULL});
    add_to(&drive, 0, 0, -1); /* the pair's sum is right */
    drive_expect_corrupt(&drive, (const char *[]){"row 0: value", "expected", NULL});
    add_to(&drive, 0, 0, 1);
    add_to(&drive, 1, 0, -1001);
    drive_expect_corrupt(&drive, (const char *[]){"rows 0 and 1", "write skew", NULL});
    add_to(&drive, 1, 0, 1000);
    drive_expect_sound(&drive);
    for (uint64_t key = 0; key < 8; key += 2) /* seen by whoever comes next, though repaired afterwards */
        add_to(&drive, key, 0, -1000);
    struct target_txn *txn;
    assert_int_equal(drive.workload_ops->next(drive.states[0]) < 2, 1);
    assert_int_equal(drive.workload_ops->attempt(drive.states[0]), TARGET_OK);
    for (uint64_t key = 0; key < 8; key += 2)
        add_to(&drive, key, 0, 1000);
    assert_int_equal(drive.ops->begin(drive.worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    drive.ops->abort(txn);
    drive_expect_corrupt(&drive, (const char *[]){"worker 0", "write skew", NULL});
    drive_close(&drive);
}

static void append_finds_lost_doubled_and_foreign_elements(void **state)
{
    (void)state;
    static const char *const pairs[] = {"lists", "1", "lists_per_txn", "1", "read_ratio", "0", NULL};
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &append_workload_ops, 2, drive_seed(), pairs);
    drive_run(&drive, 20);
    add_to(&drive, 0, 0, -1);
    drive_expect_corrupt(&drive, (const char *[]){"list 0", "counts 19", "expected 20", NULL});
    add_to(&drive, 0, 0, 1);
    add_to(&drive, 0, 8 + 5 * 8, 1); /* one element looks like its writer's next */
    drive_expect_corrupt(&drive, (const char *[]){"list 0", "expected", NULL});
    drive_step(&drive, 0); /* which a reader sees as well */
    add_to(&drive, 0, 8 + 5 * 8, -1);
    drive_expect_corrupt(&drive, (const char *[]){"worker 0", "list 0", NULL});
    drive_close(&drive);

    drive_open(&drive, &oracle_target_ops, &append_workload_ops, 2, drive_seed(), pairs);
    drive_run(&drive, 4);
    struct drive_row row = drive_row_open(&drive, micro_of(&drive)->index, 0, 8 + 3 * 8); /* the last one is lost */
    drive_row_close(&drive, row);
    drive_step(&drive, 1);            /* worker 1 wrote it and misses it */
    add_to(&drive, 0, 8 + 3 * 8, -1); /* even if the list looks right in the end */
    drive_expect_corrupt(&drive, (const char *[]){"worker 1", "own latest append is 1, expected 2", NULL});
    drive_close(&drive);
}

static void counter_names_the_counter_and_both_values(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &counter_workload_ops, 3, drive_seed(),
               (const char *[]){"rows", "4", "ops_per_txn", "4", NULL});
    drive_run(&drive, 30);
    drive_expect_sound(&drive);
    add_to(&drive, 2, 0, -1);
    drive_expect_corrupt(&drive, (const char *[]){"counter 2", "value 29", "expected 30", NULL});
    drive_erase(&drive, micro_of(&drive)->index, 1);
    drive_expect_corrupt(&drive, (const char *[]){"counter 1", NULL});
    drive_close(&drive);
}

/* It is not found however often the worker looks: no transaction deletes rows here. */
static void a_lost_row_is_corruption(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &counter_workload_ops, 1, drive_seed(), NULL);
    drive_erase(&drive, micro_of(&drive)->index, 0);
    drive.workload_ops->next(drive.states[0]);
    assert_int_equal(drive.workload_ops->attempt(drive.states[0]), TARGET_CORRUPT);
    drive_close(&drive);
}

static void singlekey_names_both_values(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &singlekey_workload_ops, 2, drive_seed(), NULL);
    drive_run(&drive, 30);
    drive_expect_sound(&drive);
    add_to(&drive, 0, 8, 1);
    drive_expect_corrupt(&drive, (const char *[]){"key 0", "is 31", "updates: 30", NULL});
    drive_close(&drive);
}

static void scan_finds_missing_and_foreign_rows(void **state)
{
    (void)state;
    static const char *const kinds[] = {"table", "keys", "range"};
    for (int i = 0; i < 3; i++) {
        struct drive drive;
        drive_open(&drive, &oracle_target_ops, &scan_workload_ops, 1, drive_seed(),
                   (const char *[]){"records", "50", "kind", kinds[i], "scan_ratio", "1", "theta", "0",
                                    "scan_length_max", "1000", NULL});
        drive_run(&drive, 100);
        drive_expect_sound(&drive);
        if (i > 0) { /* row 49 claims to be another: in every scan's reach */
            add_to(&drive, 49, 0, 1);
            drive_run(&drive, 200);
            add_to(&drive, 49, 0, -1);
            drive_expect_corrupt(&drive, (const char *[]){"met key 50", "expected 49", NULL});
        } else { /* a row too many */
            struct target_txn *txn;
            uint64_t ref;
            void *data;
            assert_int_equal(drive.ops->begin(drive.worker, TARGET_READ_WRITE, &txn), TARGET_OK);
            assert_int_equal(drive.ops->row_insert(txn, micro_of(&drive)->table, 100, &ref, &data), TARGET_OK);
            record_fill(data, 100, 50, 0);
            assert_int_equal(drive.ops->commit(txn), TARGET_OK);
            drive_step(&drive, 0);
            drive_expect_corrupt(&drive, (const char *[]){"met 51 rows", "expected 50", NULL});
        }
        drive_close(&drive);
    }
}

/* The first worker's transactions scan, and the end of the table cuts few of them short; those of the others update. A
 * worker alone does both. */
static void long_workers_only_scan(void **state)
{
    (void)state;
    struct drive drive;
    unsigned whole = 0;
    const char *pairs[] = {
        "records",         "3000", "kind",         "keys", "theta", "0", "scan_ratio", "0.5", "scan_length_min", "20",
        "scan_length_max", "30",   "long_workers", "1",    NULL};
    drive_open(&drive, &oracle_target_ops, &scan_workload_ops, 3, drive_seed(), pairs);
    for (unsigned i = 0; i < 600; i++) {
        drive_step(&drive, 0);
        assert_in_range(scan_workload_ops.operations(drive.states[0]), 1, 30);
        whole += scan_workload_ops.operations(drive.states[0]) >= 20;
        drive_step(&drive, 1 + i % 2);
        assert_int_equal(scan_workload_ops.operations(drive.states[1 + i % 2]), 1);
    }
    assert_in_range(whole, 500, 600);
    assert_int_equal(drive.committed[0], 600); /* scan */
    assert_int_equal(drive.committed[1], 600); /* update */
    drive_expect_sound(&drive);
    drive_close(&drive);
    drive_open(&drive, &oracle_target_ops, &scan_workload_ops, 1, drive_seed(), pairs);
    for (unsigned i = 0; i < 600; i++)
        drive_step(&drive, 0);
    assert_in_range(drive.committed[0], 200, 400);
    drive_close(&drive);
}

static void scan_finds_lost_updates(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &scan_workload_ops, 2, drive_seed(),
               (const char *[]){"records", "50", "scan_ratio", "0", NULL});
    drive_run(&drive, 100);
    struct drive_row row = drive_row_open(&drive, micro_of(&drive)->index, 0, 0);
    record_fill(row.data, 100, 0, record_stamp(row.data, 100) + 1);
    drive_row_close(&drive, row);
    drive_expect_corrupt(&drive, (const char *[]){"sum to 101", "updates: 100", NULL});
    row = drive_row_open(&drive, micro_of(&drive)->index, 1, 0); /* now the sum is right */
    record_fill(row.data, 100, 1, record_stamp(row.data, 100) - 1);
    drive_row_close(&drive, row);
    drive_expect_corrupt(&drive, (const char *[]){"went to another record", NULL});
    drive_close(&drive);
}

/* Writes a row as a worker would have. */
static void blind_write(struct drive *drive, uint64_t key, unsigned worker, uint64_t number)
{
    struct drive_row row = drive_row_open(drive, micro_of(drive)->index, key, 0);
    record_fill(row.data, 100, key, (uint64_t)(worker + 1) << 48 | number);
    drive_row_close(drive, row);
}

/* The oracle runs one transaction after the other, so their order is that of the asking. */
static uint64_t place_in_order(const struct target_txn *txn)
{
    static uint64_t asked;
    (void)txn;
    return ++asked;
}

/* Two workers take turns and overwrite all four rows: worker 0 in its updates 1 to 10, and then worker 1. */
static void blind_finds_what_is_not_the_last_write(void **state)
{
    (void)state;
    struct drive drive;
    struct target_ops ordered = oracle_target_ops;
    ordered.promises.order = TARGET_ORDER_AT_COMMIT;
    ordered.timestamp = place_in_order;
    drive_open(&drive, &ordered, &blind_workload_ops, 2, drive_seed(),
               (const char *[]){"records", "4", "ops_per_txn", "4", NULL});
    drive_expect_sound(&drive);
    blind_write(&drive, 3, 1, 1); /* never committed */
    drive_expect_corrupt(&drive, (const char *[]){"key 3: holds update 1 of worker 1, expected its last one, 0", NULL});
    drive_run(&drive, 20);
    drive_expect_sound(&drive);
    blind_write(&drive, 2, 1, 9); /* its last one was lost */
    drive_expect_corrupt(&drive, (const char *[]){"key 2: holds update 9 of worker 1", "last one, 10", NULL});
    blind_write(&drive, 2, 1, 11);
    drive_expect_corrupt(&drive, (const char *[]){"key 2: holds update 11 of worker 1", "last one, 10", NULL});
    blind_write(&drive, 2, 0, 10); /* some worker's last one, but not the last of all */
    drive_expect_corrupt(&drive, (const char *[]){"key 2", "expected update 10 of worker 1, which is later", NULL});
    blind_write(&drive, 2, 2, 10);
    drive_expect_corrupt(&drive, (const char *[]){"key 2", "names no worker", NULL});
    drive_close(&drive);
}

/* A target that does not say in which order it serializes owes some worker's last write. */
static void blind_takes_any_last_write_without_an_order(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &blind_workload_ops, 2, drive_seed(),
               (const char *[]){"records", "4", "ops_per_txn", "4", NULL});
    drive_run(&drive, 20);
    drive_expect_sound(&drive);
    blind_write(&drive, 2, 0, 10);
    drive_expect_sound(&drive);
    blind_write(&drive, 2, 0, 9);
    drive_expect_corrupt(&drive, (const char *[]){"key 2: holds update 9 of worker 0", "last one, 10", NULL});
    blind_write(&drive, 2, 0, 10);
    struct drive_row row = drive_row_open(&drive, micro_of(&drive)->index, 2, 0);
    record_fill(row.data, 100, 2, 0); /* as loaded: all writes of it were lost */
    drive_row_close(&drive, row);
    drive_expect_corrupt(&drive, (const char *[]){"key 2: holds stamp 0", "worker 0, which is later", NULL});
    drive_close(&drive);
}

static void blind_presets_are_sets_of_options(void **state)
{
    (void)state;
    drive_expect_presets(&blind_workload_ops);
}

static void skeleton_checks_the_harnesss_count(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &skeleton_workload_ops, 2, drive_seed(), NULL);
    drive_run(&drive, 10);
    drive_expect_sound(&drive);
    drive.committed[0]++;
    drive_expect_corrupt(&drive, (const char *[]){"counted 11", "the workload 10", NULL});
    drive_close(&drive);
}

static void combinations_that_cannot_work_are_refused(void **state)
{
    (void)state;
    static const struct {
        const struct workload_ops *ops;
        const char *pairs[8], *text;
    } bad[] = {
        {&counter_workload_ops, {"rows", "3", "ops_per_txn", "4", NULL}, "only 3"},
        {&append_workload_ops, {"lists", "1", NULL}, "only 1"},
        {&scan_workload_ops, {"snapshot", "off", NULL}, "kind=table"},
        {&scan_workload_ops, {"distribution", "zipfian-gray", "theta", "2", NULL}, "theta 2"},
        {&scan_workload_ops, {"kind", "keys", "scan_length_min", "100", NULL}, "scan_length_max=99"},
        {&bank_workload_ops, {"accounts", "1", NULL}, "accounts: '1' is out"},
        {&skew_workload_ops, {"audit_ratio", "2", NULL}, "0..1"},
        {&singlekey_workload_ops, {"record_bytes", "4", NULL}, "8..65528"},
        {&blind_workload_ops, {"records", "3", NULL}, "only 3"},
        {&blind_workload_ops, {"distribution", "hotspot", "hot_fraction", "0", NULL}, "hot_fraction"},
        {&skeleton_workload_ops, {"transactions", "maybe", NULL}, "on nor off"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        drive_expect_refused(bad[i].ops, bad[i].pairs, bad[i].text);
}

static void a_target_without_an_extra_is_refused_where_nothing_can_replace_it(void **state)
{
    (void)state;
    struct target_ops small = oracle_target_ops;
    small.table_scan = NULL;
    struct drive drive;
    assert_int_equal(drive_create(&drive, &small, &scan_workload_ops, 1, 1, NULL), TARGET_UNSUPPORTED);
    assert_string_equal(drive.error, "it reads whole tables, which target oracle cannot");
    assert_int_equal(drive_create(&drive, &small, workload_by_name("tpcc"), 1, 1, NULL), TARGET_UNSUPPORTED);
    assert_string_equal(drive.error, "it reads whole tables, which target oracle cannot");
    assert_int_equal(drive_create(&drive, &small, &scan_workload_ops, 1, 1, (const char *[]){"kind", "keys", NULL}),
                     TARGET_OK);
    scan_workload_ops.destroy(drive.workload);
}

/* The oracle lacks two extras already. */
static void without_hints_everything_is_as_before(void **state)
{
    (void)state;
    assert_true(oracle_target_ops.backoff == NULL && oracle_target_ops.worker_idle == NULL);
    struct target_ops small = oracle_target_ops;
    small.prefetch = NULL;
    struct drive drive;
    drive_open(&drive, &small, &scan_workload_ops, 1, 1, (const char *[]){"kind", "keys", "records", "100", NULL});
    drive_run(&drive, 50);
    drive_close(&drive);
}

static void every_workload_is_created_from_its_defaults(void **state)
{
    (void)state;
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        struct drive drive;
        if (drive_create(&drive, &oracle_target_ops, workload, 1, 1, NULL) != TARGET_OK)
            fail_msg("%s: %s", workload->name, drive.error);
        workload->destroy(drive.workload);
        assert_ptr_equal(workload_by_name(workload->name), workload);
    }
    assert_null(workload_by_name("no such workload"));
}

static void draws_of_distinct_keys_are_distinct_and_fair(void **state)
{
    (void)state;
    enum { N = 6, DRAWS = 60000 };
    struct rng rng;
    uint64_t counts[N] = {0};
    rng_init(&rng, drive_seed(), 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t keys[N];
        unsigned count = 1 + (unsigned)i % N;
        micro_draw_distinct(&rng, N, keys, count);
        for (unsigned a = 0; a < count; a++) {
            assert_true(keys[a] < N);
            for (unsigned b = 0; b < a; b++)
                assert_true(keys[a] != keys[b]);
            counts[keys[a]]++;
        }
    }
    for (int i = 0; i < N; i++) /* 35000 expected of each */
        assert_true(counts[i] > 34300 && counts[i] < 35700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_end_with_a_proof),
        cmocka_unit_test(aborted_attempts_count_nothing),
        cmocka_unit_test(churn_finds_what_only_one_index_has),
        cmocka_unit_test(bank_finds_lost_and_made_money),
        cmocka_unit_test(bank_audits_report_what_they_saw),
        cmocka_unit_test(skew_finds_negative_sums_and_lost_changes),
        cmocka_unit_test(append_finds_lost_doubled_and_foreign_elements),
        cmocka_unit_test(counter_names_the_counter_and_both_values),
        cmocka_unit_test(a_lost_row_is_corruption),
        cmocka_unit_test(singlekey_names_both_values),
        cmocka_unit_test(scan_finds_missing_and_foreign_rows),
        cmocka_unit_test(long_workers_only_scan),
        cmocka_unit_test(scan_finds_lost_updates),
        cmocka_unit_test(blind_finds_what_is_not_the_last_write),
        cmocka_unit_test(blind_takes_any_last_write_without_an_order),
        cmocka_unit_test(blind_presets_are_sets_of_options),
        cmocka_unit_test(skeleton_checks_the_harnesss_count),
        cmocka_unit_test(combinations_that_cannot_work_are_refused),
        cmocka_unit_test(a_target_without_an_extra_is_refused_where_nothing_can_replace_it),
        cmocka_unit_test(without_hints_everything_is_as_before),
        cmocka_unit_test(every_workload_is_created_from_its_defaults),
        cmocka_unit_test(draws_of_distinct_keys_are_distinct_and_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
