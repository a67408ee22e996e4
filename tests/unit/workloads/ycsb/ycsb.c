/*
 * ycsb.c - tests of YCSB as a whole, on the oracle (one worker at a time, transactional) and on the target bare. Tests
 * change rows behind the workload's back to show that its check notices.
 */
#include "tests/unit/workloads/drive.h"
#include "workloads/record.h"
#include "workloads/ycsb/instance.h"
#include "workloads/ycsb/ycsb.h"
#include "tests/support/target_open.h"

enum { RECORDS = 5000, STEPS = 3000 };

#define SMALL "records", "5000", "ring_requests", "20000"

#define FIELDS "fields", "4", "record_bytes", "256", "update_fields", "one"

static const struct target_ops *const targets[] = {&oracle_target_ops, &bare_target_ops};
enum { TARGETS = sizeof targets / sizeof *targets };

/* Every combination runs, and its check passes before, in between and after. */
static void runs_end_with_a_proof(void **state)
{
    (void)state;
    static const char *const variants[][20] = {
        {SMALL, NULL},
        {SMALL, "batch", "on", "size_hint", "off", "load_order", "sequential", NULL},
        {SMALL, "record_bytes", "8", "ops_per_txn", "1", "theta", "1.3", NULL},
        {SMALL, "record_bytes", "10", "distribution", "uniform", "read_ratio", "0", NULL},
        {SMALL, "record_bytes", "1000", "update_kind", "blind", "duplicates", "drop", NULL},
        {SMALL, "record_bytes", "12", "update_kind", "blind", "distribution", "hotspot", NULL},
        {SMALL, "insert_ratio", "0.2", "batch", "on", "distribution", "latest", NULL},
        {SMALL, "insert_ratio", "0.2", "distribution", "exponential", NULL},
        {SMALL, "insert_ratio", "0.5", "update_kind", "blind", "snapshot_reads", "on", NULL},
        {SMALL, "ops_per_txn", "200", "theta", "0.5", "batch", "on", NULL},
        {SMALL, "read_ratio", "1", "snapshot_reads", "on", "distribution", "ycsb-scrambled", NULL},
        {SMALL, "read_ratio", "0.3", "insert_ratio", "0.1", "distribution", "zipfian-gray", NULL},
        {SMALL, "read_ratio", "0.3", "insert_ratio", "0.1", "insert_order", "hashed", NULL},
        {SMALL, "update_kind", "blind", "read_ratio", "0.3", "modify_ratio", "0.3", NULL},
        {SMALL, "fields", "5", NULL},
        {SMALL, FIELDS, "read_fields", "one", "insert_ratio", "0.1", "insert_order", "hashed", NULL},
        {SMALL, FIELDS, "update_kind", "blind", "modify_ratio", "0.2", "field_lengths", "uniform", NULL},
        {SMALL, "fields", "3", "record_bytes", "300", "update_kind", "blind", "modify_ratio", "0.2", NULL},
        {SMALL, "field_lengths", "zipfian", "insert_ratio", "0.2", "distribution", "latest", NULL},
        {SMALL, "long_workers", "1", "long_ops_per_txn", "50", "insert_ratio", "0.1", NULL},
    };
    uint64_t seed = drive_seed();
    for (size_t t = 0; t < TARGETS; t++)
        for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
            for (unsigned workers = 1; workers <= 3; workers += 2) {
                struct drive drive;
                drive_open(&drive, targets[t], &ycsb_workload_ops, workers, seed, variants[v]);
                drive_expect_sound(&drive);
                drive_run(&drive, STEPS / 10);
                drive_expect_sound(&drive);
                drive_run(&drive, STEPS);
                drive_expect_sound(&drive);
                assert_true(drive.committed[0] + drive.committed[1] + drive.committed[2] == STEPS / 10 + STEPS);
                uint64_t rows, bytes, inserted = 0;
                for (unsigned i = 0; i < workers; i++)
                    inserted += drive.workload->shares[i].inserted;
                ycsb_workload_ops.data_size(drive.workload, &rows, &bytes);
                assert_int_equal(rows, RECORDS + inserted);
                if (drive.workload->options.field_lengths == FIELD_LENGTHS_CONSTANT)
                    assert_int_equal(bytes, rows * (drive.workload->options.record_bytes + 8));
                else
                    assert_in_range(bytes, rows * 24, rows * (drive.workload->options.record_bytes + 8) - 1);
                assert_true((inserted > 0) == (drive.workload->options.insert_ratio > 0));
                drive_close(&drive);
            }
}

/* FNV-1a over all rows in the order of their keys. */
static uint64_t digest_of(struct drive *drive)
{
    uint64_t digest = 14695981039346656037u;
    uint64_t keys = RECORDS + drive->workload->shares[0].inserted;
    for (uint64_t key = 0; key < keys; key++) {
        struct target_txn *txn;
        const void *row;
        size_t bytes;
        assert_int_equal(drive->ops->begin(drive->worker, TARGET_READ_WRITE, &txn), TARGET_OK);
        assert_int_equal(drive->ops->read(txn, drive->workload->index, &key, &row, &bytes), TARGET_OK);
        for (size_t i = 0; i < bytes; i++)
            digest = (digest ^ ((const unsigned char *)row)[i]) * 1099511628211u;
        assert_int_equal(drive->ops->commit(txn), TARGET_OK);
    }
    return digest;
}

/* With one worker bare does what the engine does, byte for byte. */
static void one_worker_gives_equal_rows_on_every_target(void **state)
{
    (void)state;
    static const struct target_ops *const all[] = {&native_target_ops, &bare_target_ops, &oracle_target_ops};
    static const char *const variants[][14] = {
        {SMALL, NULL},
        {SMALL, "batch", "on", "distribution", "uniform", NULL},
        {SMALL, "update_kind", "blind", "record_bytes", "300", NULL},
        {SMALL, "insert_ratio", "0.2", "distribution", "latest", NULL},
    };
    uint64_t seed = drive_seed();
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        uint64_t loaded[3], after[3];
        for (unsigned t = 0; t < 3; t++) {
            struct drive drive;
            drive_open(&drive, all[t], &ycsb_workload_ops, 1, seed, variants[v]);
            loaded[t] = digest_of(&drive);
            drive_run(&drive, STEPS);
            after[t] = digest_of(&drive);
            assert_true(loaded[t] != after[t]);
            assert_true(loaded[t] == loaded[0] && after[t] == after[0]);
            drive_close(&drive);
        }
    }
}

static void counters_sum_to_the_updates(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, drive_seed(),
               (const char *[]){SMALL, "read_ratio", "0", "ops_per_txn", "7", NULL});
    drive_run(&drive, STEPS);
    drive_expect_sound(&drive);
    assert_int_equal(drive.operations, STEPS * 7);
    assert_int_equal(drive.workload->shares[0].updates + drive.workload->shares[1].updates, STEPS * 7);
    assert_non_null(strstr(drive.report, "sum to 21000, committed updates: 21000"));
    assert_int_equal(drive.committed[1], STEPS); /* read_write */
    drive_close(&drive);
}

static void there_is_the_type_long_only_with_long_workers(void **state)
{
    (void)state;
    for (unsigned workers = 0; workers < 2; workers++) {
        const char *const options[] = {"long_workers", workers ? "1" : "0", NULL};
        uint64_t values[DRIVE_OPTIONS_MAX] = {0};
        char error[256];
        assert_true(drive_values(&ycsb_workload_ops, options, values, error, sizeof error));
        assert_int_equal(workload_type_count(&ycsb_workload_ops, values), 2 + workers);
        assert_string_equal(ycsb_workload_ops.txn_types[2], "long");
        option_values_clear(ycsb_workload_ops.options, values);
    }
}

static void long_transactions_are_of_the_first_workers_only(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 3, drive_seed(),
               (const char *[]){SMALL, "read_ratio", "0", "ops_per_txn", "7", "long_workers", "2", "long_ops_per_txn",
                                "100", NULL});
    drive_run(&drive, STEPS);
    drive_expect_sound(&drive);
    assert_int_equal(drive.committed[2], STEPS / 3 * 2); /* long */
    assert_int_equal(drive.committed[1], STEPS / 3);
    assert_int_equal(drive.workload->shares[0].updates, STEPS / 3 * 100);
    assert_int_equal(drive.workload->shares[1].updates, STEPS / 3 * 100);
    assert_int_equal(drive.workload->shares[2].updates, STEPS / 3 * 7);
    drive_close(&drive);
}

static void a_lost_update_is_found(void **state)
{
    (void)state;
    for (size_t t = 0; t < TARGETS; t++) {
        struct drive drive;
        drive_open(&drive, targets[t], &ycsb_workload_ops, 1, drive_seed(),
                   (const char *[]){SMALL, "read_ratio", "0", "ops_per_txn", "1", NULL});
        drive_run(&drive, 100);
        /* As if the last update had never been: a record like any other, but one count short. */
        struct drive_row row = drive_row_open(&drive, drive.workload->index, 0, 0);
        uint64_t stamp = record_stamp(row.data, 100);
        record_fill(row.data, 100, 0, stamp + 1);
        drive_row_close(&drive, row);
        drive_expect_corrupt(&drive, (const char *[]){"key 0: its counter is", "committed updates of it", NULL});
        row = drive_row_open(&drive, drive.workload->index, 0, 0);
        record_fill(row.data, 100, 0, stamp);
        drive_row_close(&drive, row);
        drive_expect_sound(&drive);
        drive_close(&drive);
    }
}

static void a_changed_counter_names_its_key_and_both_values(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 1, drive_seed(),
               (const char *[]){SMALL, "read_ratio", "1", NULL});
    struct drive_row row = drive_row_open(&drive, drive.workload->index, 4321, 0);
    uint64_t base = row.data[64];
    row.data[8]++; /* the counter alone: half an update */
    drive_row_close(&drive, row);
    char found[64], expected[64];
    snprintf(found, sizeof found, "byte 64 is %llu", (unsigned long long)base);
    snprintf(expected, sizeof expected, "expected %llu", (unsigned long long)(uint8_t)(base + 1));
    drive_expect_corrupt(&drive, (const char *[]){"key 4321", found, expected, NULL});
    drive_close(&drive);
}

static void a_missing_row_is_found(void **state)
{
    (void)state;
    for (size_t t = 0; t < TARGETS; t++) {
        struct drive drive;
        drive_open(&drive, targets[t], &ycsb_workload_ops, 1, drive_seed(),
                   (const char *[]){SMALL, "read_ratio", "1", NULL});
        drive_erase(&drive, drive.workload->index, 4999);
        drive_expect_corrupt(&drive, (const char *[]){"key 4999", "no row", NULL});
        drive_close(&drive);
    }
}

static void insert_behind_its_back(struct drive *drive, uint64_t key)
{
    struct target_txn *txn;
    void *data;
    assert_int_equal(drive->ops->begin(drive->worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    assert_int_equal(drive->ops->insert(txn, drive->workload->index, &key, 100, NULL, &data), TARGET_OK);
    record_fill(data, 100, key, 0);
    assert_int_equal(drive->ops->commit(txn), TARGET_OK);
}

static void inserts_that_did_not_commit_and_lost_ones_are_found(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, drive_seed(),
               (const char *[]){SMALL, "insert_ratio", "0.5", "ops_per_txn", "2", NULL});
    drive_run(&drive, 100);
    drive_expect_sound(&drive);
    uint64_t inserted = drive.workload->shares[1].inserted, next = RECORDS + inserted * 2 + 1;
    char named[64];
    assert_true(inserted > 0);
    insert_behind_its_back(&drive, next);
    snprintf(named, sizeof named, "key %llu: found a row", (unsigned long long)next);
    drive_expect_corrupt(&drive, (const char *[]){named, NULL});
    drive_erase(&drive, drive.workload->index, next);
    drive_expect_sound(&drive);
    drive_erase(&drive, drive.workload->index, next - 2);
    snprintf(named, sizeof named, "key %llu: no row", (unsigned long long)next - 2);
    drive_expect_corrupt(&drive, (const char *[]){named, NULL});
    drive_close(&drive);
}

static void a_blind_write_of_nobody_is_found(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, drive_seed(),
               (const char *[]){SMALL, "update_kind", "blind", NULL});
    drive_run(&drive, 100);
    drive_expect_sound(&drive);
    uint64_t updates = drive.workload->shares[1].updates;
    static const uint64_t key = 17;
    struct drive_row kept = drive_row_open(&drive, drive.workload->index, key, 0);
    uint64_t own_stamp = record_stamp(kept.data, 100);
    drive_row_close(&drive, kept);
    const uint64_t stamps[] = {ycsb_stamp(100, 1, updates + 1), ycsb_stamp(100, 2, 1), ycsb_stamp(100, 1, 0), 1};
    for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++) {
        struct drive_row row = drive_row_open(&drive, drive.workload->index, key, 0);
        record_fill(row.data, 100, key, stamps[i]);
        drive_row_close(&drive, row);
        drive_expect_corrupt(&drive, (const char *[]){"key 17", "no committed update", NULL});
    }
    struct drive_row row = drive_row_open(&drive, drive.workload->index, key, 0);
    record_fill(row.data, 100, key, own_stamp);
    drive_row_close(&drive, row);
    drive_expect_sound(&drive);
    drive_close(&drive);
}

/* Sums and single stamps are all right in these; only the record's own history is not. */
static void set_stamp(struct drive *drive, uint64_t key, uint64_t stamp)
{
    struct drive_row row = drive_row_open(drive, drive->workload->index, key, 0);
    record_fill(row.data, 100, key, stamp);
    drive_row_close(drive, row);
}

static uint64_t stamp_of(struct drive *drive, uint64_t key)
{
    struct drive_row row = drive_row_open(drive, drive->workload->index, key, 0);
    uint64_t stamp = record_stamp(row.data, 100);
    drive_row_close(drive, row);
    return stamp;
}

static void an_update_of_another_record_is_found(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, drive_seed(),
               (const char *[]){SMALL, "read_ratio", "0", "ring_requests", "1024", NULL});
    for (unsigned round = 0; round < 3; round++) { /* in the last one the rings have gone round */
        drive_run(&drive, 50 + round * 400);
        drive_expect_sound(&drive);
        uint64_t stamps[] = {stamp_of(&drive, 3), stamp_of(&drive, 4)};
        set_stamp(&drive, 3, stamps[0] + 1);
        set_stamp(&drive, 4, stamps[1] - 1);
        drive_expect_corrupt(&drive, (const char *[]){"key 3: its counter is", NULL});
        set_stamp(&drive, 3, stamps[0]);
        set_stamp(&drive, 4, stamps[1]);
        drive_expect_sound(&drive);
    }
    drive_close(&drive);
}

static void a_lost_blind_update_is_found(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, drive_seed(),
               (const char *[]){SMALL, "update_kind", "blind", "read_ratio", "0.2", "ring_requests", "1024", NULL});
    drive_run(&drive, 20);
    drive_expect_sound(&drive);
    for (unsigned round = 0; round < 3; round++) {
        uint64_t old[RECORDS], found = 0, changed = 0;
        for (uint64_t key = 0; key < RECORDS; key++)
            old[key] = stamp_of(&drive, key);
        drive_run(&drive, 4 + round * 300);
        for (uint64_t key = 0; key < RECORDS; key++) {
            uint64_t stamp = stamp_of(&drive, key);
            if (stamp == old[key] || changed++ % (1 + 15 * round)) /* a check reads them all: later rounds try some */
                continue;
            set_stamp(&drive, key, old[key]); /* as if what was written since had been lost */
            drive_expect_corrupt(&drive, (const char *[]){"lost", NULL});
            set_stamp(&drive, key, stamp);
            found++;
        }
        assert_true(found > 0);
        drive_expect_sound(&drive);
        /* What nobody has updated must stay as it was. */
        for (uint64_t key = 0; key < RECORDS && round == 0; key++) {
            if (old[key] != stamp_of(&drive, key) || old[key] == ycsb_stamp(100, 0, 1))
                continue;
            set_stamp(&drive, key, ycsb_stamp(100, 0, 1));
            drive_expect_corrupt(&drive, (const char *[]){"as before", NULL});
            set_stamp(&drive, key, old[key]);
            break;
        }
    }
    drive_close(&drive);
}

/* ---- Fields. ---- */

static void set_field(struct drive *drive, uint64_t key, unsigned field, uint64_t stamp)
{
    struct drive_row row = drive_row_open(drive, drive->workload->index, key, 0);
    fields_fill(drive->workload->fields, row.data, key, field, stamp);
    drive_row_close(drive, row);
}

static uint64_t field_stamp(struct drive *drive, uint64_t key, unsigned field)
{
    uint64_t stamps[FIELDS_MAX];
    char report[256];
    struct drive_row row = drive_row_open(drive, drive->workload->index, key, 0);
    assert_true(fields_check(drive->workload->fields, row.data, fields_bytes(drive->workload->fields, key), key, stamps,
                             report, sizeof report));
    drive_row_close(drive, row);
    return stamps[field];
}

/* Each sum is right in these. */
static void an_update_of_another_field_is_found(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, drive_seed(),
               (const char *[]){SMALL, FIELDS, "read_ratio", "0", "ring_requests", "1024", NULL});
    for (unsigned round = 0; round < 3; round++) { /* in the last one the rings have gone round */
        unsigned field = 0;
        drive_run(&drive, 50 + round * 400);
        drive_expect_sound(&drive);
        while (field_stamp(&drive, 0, field) == 0) /* key 0 is the hottest */
            field++;
        unsigned other = (field + 1) % 4;
        uint64_t stamp = field_stamp(&drive, 0, field), other_stamp = field_stamp(&drive, 0, other);
        set_field(&drive, 0, field, stamp - 1);
        set_field(&drive, 0, other, other_stamp + 1);
        drive_expect_corrupt(&drive, (const char *[]){"of key 0: its counter is", "field", NULL});
        set_field(&drive, 0, field, stamp);
        set_field(&drive, 0, other, other_stamp);
        drive_expect_sound(&drive);
    }
    drive_close(&drive);
}

static void a_lost_blind_update_of_a_field_is_found(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, drive_seed(),
               (const char *[]){SMALL, FIELDS, "update_kind", "blind", "read_ratio", "0.2", "modify_ratio", "0.4",
                                "ring_requests", "1024", NULL});
    drive_run(&drive, 20);
    drive_expect_sound(&drive);
    for (unsigned round = 0; round < 3; round++) {
        uint64_t old[200][4], found = 0;
        for (uint64_t key = 0; key < 200; key++)
            for (unsigned field = 0; field < 4; field++)
                old[key][field] = field_stamp(&drive, key, field);
        drive_run(&drive, 4 + round * 300);
        for (uint64_t key = 0; key < 200 && found < 20; key++)
            for (unsigned field = 0; field < 4; field++) {
                uint64_t stamp = field_stamp(&drive, key, field);
                if (stamp == old[key][field])
                    continue;
                set_field(&drive, key, field, old[key][field]);
                drive_expect_corrupt(&drive, (const char *[]){"lost", "field", NULL});
                set_field(&drive, key, field, stamp);
                found++;
            }
        assert_true(found > 0);
        drive_expect_sound(&drive);
    }
    drive_close(&drive);
}

static void a_write_torn_between_fields_is_found(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 1, drive_seed(),
               (const char *[]){SMALL, "fields", "5", NULL});
    drive_run(&drive, 50);
    drive_expect_sound(&drive);
    uint64_t stamp = field_stamp(&drive, 0, 3);
    set_field(&drive, 0, 3, stamp + 1);
    drive_expect_corrupt(&drive, (const char *[]){"key 0", "field 3: a torn write", NULL});
    drive_close(&drive);
}

static void every_field_is_updated(void **state)
{
    (void)state;
    struct drive drive;
    unsigned updates[4] = {0}, sum = 0;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 1, drive_seed(),
               (const char *[]){SMALL, FIELDS, "read_ratio", "0", "distribution", "uniform", NULL});
    drive_run(&drive, 500);
    for (uint64_t key = 0; key < RECORDS; key++)
        for (unsigned field = 0; field < 4; field++)
            updates[field] += (unsigned)field_stamp(&drive, key, field);
    for (unsigned field = 0; field < 4; field++) {
        assert_in_range(updates[field], 1750, 2250); /* 8000 / 4, six standard deviations */
        sum += updates[field];
    }
    assert_int_equal(sum, 8000);
    drive_close(&drive);
}

/* A worker that says more than its requests hold. */
static void updates_that_no_request_asked_for_are_found(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, drive_seed(), (const char *[]){SMALL, NULL});
    drive_run(&drive, 50);
    drive.workload->shares[1].updates += 1000;
    drive_expect_corrupt(&drive, (const char *[]){"worker 1", "as its requests hold", NULL});
    drive.workload->shares[1].updates -= 1000;
    drive_expect_sound(&drive);
    drive_close(&drive);
}

/* An attempt that aborts counts nothing, and its keys are used again by the next. */
static void aborted_attempts_count_nothing(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 1, drive_seed(),
               (const char *[]){SMALL, "insert_ratio", "0.2", NULL});
    for (unsigned step = 0; step < 400; step++) {
        oracle_fail_at(drive.target, step % 19 + 1, step % 2 ? TARGET_RETRY + 5 : TARGET_RETRY);
        drive_step(&drive, 0);
    }
    oracle_fail_at(drive.target, 0, TARGET_OK);
    drive_expect_sound(&drive);
    drive_close(&drive);
}

/* The memory and time of all rings are bounded, however many workers there are; what is asked for is done. */
static void rings_scale_with_the_workers(void **state)
{
    (void)state;
    struct workload workload = {.options = {.records = 1000, .ops_per_txn = 1}};
    struct ring_config config;
    for (workload.workers = 1; workload.workers <= 256; workload.workers++) {
        workload.options.ring_requests = 0;
        ycsb_ring_config(&workload, 0, &config);
        assert_true(config.requests * workload.workers <= RING_REQUESTS_SUM);
        assert_true(config.requests >= RING_REQUESTS_SUM / 256);
        assert_int_equal(config.requests == RING_REQUESTS_MAX, workload.workers <= 16);
        workload.options.ring_requests = 5000;
        ycsb_ring_config(&workload, 0, &config);
        assert_int_equal(config.requests, 5000);
    }
}

static void a_vanished_row_ends_the_run(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 1, 1,
               (const char *[]){"records", "1", "ring_requests", "1024", "ops_per_txn", "1", NULL});
    drive_erase(&drive, drive.workload->index, 0);
    ycsb_workload_ops.next(drive.states[0]);
    assert_int_equal(ycsb_workload_ops.attempt(drive.states[0]), TARGET_CORRUPT);
    drive_close(&drive);
}

/* With distribution=latest and inserts, each worker's newest rows are the hottest, others' included. */
static void latest_follows_the_inserts(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 3, drive_seed(),
               (const char *[]){SMALL, "insert_ratio", "0.2", "read_ratio", "0", "ops_per_txn", "4", "distribution",
                                "latest", NULL});
    drive_run(&drive, 3000); /* some 2400 rows inserted */
    drive_expect_sound(&drive);
    uint64_t fresh = 0, loaded = 0;
    struct target_txn *txn;
    assert_int_equal(drive.ops->begin(drive.worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    for (uint64_t key = 0; key < RECORDS; key++) {
        const void *data;
        assert_int_equal(drive.ops->read(txn, drive.workload->index, &key, &data, NULL), TARGET_OK);
        loaded += record_stamp(data, 100);
    }
    for (unsigned w = 0; w < 3; w++)
        for (uint64_t i = 0; i < drive.workload->shares[w].inserted; i++) {
            const void *data;
            uint64_t key = RECORDS + i * 3 + w;
            assert_int_equal(drive.ops->read(txn, drive.workload->index, &key, &data, NULL), TARGET_OK);
            fresh += record_stamp(data, 100);
        }
    drive.ops->abort(txn);
    assert_true(fresh > 2 * loaded);
    drive_close(&drive);
}

static uint64_t preset_count;
static const char *preset_pairs[2 * DRIVE_OPTIONS_MAX];

static void preset_set(void *arg, const char *option, const char *value)
{
    (void)arg;
    preset_pairs[preset_count++] = option;
    preset_pairs[preset_count++] = value;
}

static const char *preset_value(const char *option)
{
    for (uint64_t i = 0; i < preset_count; i += 2)
        if (strcmp(preset_pairs[i], option) == 0)
            return preset_pairs[i + 1];
    return "";
}

static void presets_are_ycsbs_core_workloads(void **state)
{
    (void)state;
    static const struct {
        const char *name, *read, *insert, *scan, *kind, *distribution;
    } core[] = {
        {"A", "0.5", "0", "0", "blind", "ycsb-scrambled"},     {"B", "0.95", "0", "0", "blind", "ycsb-scrambled"},
        {"C", "1", "0", "0", "blind", "ycsb-scrambled"},       {"D", "0.95", "0.05", "0", "blind", "latest"},
        {"E", "0", "0.05", "0.95", "blind", "ycsb-scrambled"}, {"F", "0.5", "0", "0", "rmw", "ycsb-scrambled"},
    };
    uint64_t seed = drive_seed();
    for (size_t i = 0; i < sizeof core / sizeof *core; i++) {
        struct drive drive;
        preset_count = 0;
        assert_string_equal(ycsb_workload_ops.presets[i], core[i].name);
        assert_true(ycsb_workload_ops.preset(core[i].name, preset_set, NULL));
        assert_string_equal(preset_value("read_ratio"), core[i].read);
        assert_string_equal(preset_value("insert_ratio"), core[i].insert);
        assert_string_equal(preset_value("scan_ratio"), core[i].scan);
        assert_string_equal(preset_value("update_kind"), core[i].kind);
        assert_string_equal(preset_value("distribution"), core[i].distribution);
        assert_string_equal(preset_value("insert_order"), core[i].name[0] == 'E' ? "hashed" : "ordered");
        assert_string_equal(preset_value("record_bytes"), "1000");
        assert_string_equal(preset_value("fields"), "10");
        assert_string_equal(preset_value("update_fields"), "one");
        assert_string_equal(preset_value("ops_per_txn"), "1");
        preset_set(NULL, "records", "2000");
        preset_set(NULL, "ring_requests", "5000");
        preset_pairs[preset_count] = NULL;
        drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, seed, preset_pairs);
        drive_run(&drive, 1000);
        drive_expect_sound(&drive);
        assert_true(core[i].name[0] == 'E' ? drive.operations > 20000 : drive.operations == 1000);
        drive_close(&drive);
    }
    assert_null(ycsb_workload_ops.presets[6]);
    assert_false(ycsb_workload_ops.preset("G", preset_set, NULL));
}

static void scans_begin_at_every_record_there_is(void **state)
{
    (void)state;
    static const char *const orders[] = {"ordered", "hashed"};
    for (unsigned hashed = 0; hashed < 2; hashed++) {
        struct drive drive;
        drive_open(&drive, &oracle_target_ops, &ycsb_workload_ops, 2, drive_seed(),
                   (const char *[]){SMALL, "read_ratio", "0", "insert_ratio", "0.5", "scan_ratio", "0.5", "index",
                                    "ordered", "scan_length_max", "5", "insert_order", orders[hashed], NULL});
        drive_run(&drive, 2000);
        drive_expect_sound(&drive);
        uint64_t inserted = drive.workload->shares[0].inserted + drive.workload->shares[1].inserted, loaded = 0,
                 new = 0;
        for (unsigned i = 0; i < 1000; i++) {
            const uint64_t *keys;
            const uint8_t *kinds;
            ycsb_workload_ops.next(drive.states[0]);
            unsigned count = ycsb_request(drive.states[0], &keys, &kinds);
            for (unsigned j = 0; j < count; j++) {
                if (kinds[j] != RING_SCAN)
                    continue;
                bool is_loaded = false;
                for (uint64_t number = 0; number < RECORDS && !is_loaded; number++)
                    is_loaded = ycsb_key(hashed, number) == keys[j];
                loaded += is_loaded;
                new += !is_loaded;
            }
        }
        double share = (double)new / (double)(new + loaded), expected = (double)inserted / (double)(RECORDS + inserted);
        assert_true(share > 0.9 * expected && share < 1.1 * expected);
        drive_close(&drive);
    }
}

static void combinations_that_cannot_work_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pairs[8], *text;
    } bad[] = {
        {{"read_ratio", "0.8", "insert_ratio", "0.3", NULL}, "1.1"},
        {{"scan_ratio", "0.1", NULL}, "index=ordered"},
        {{"records", "10", NULL}, "16 different keys"},
        {{"theta", "30", NULL}, "duplicates=drop"},
        {{"distribution", "zipfian-gray", "theta", "1", NULL}, "theta 1"},
        {{"modify_ratio", "0.1", NULL}, "update_kind=blind"},
        {{"update_kind", "blind", "read_ratio", "0.5", "modify_ratio", "0.6", NULL}, "1.1"},
        {{"update_fields", "one", NULL}, "raise fields"},
        {{"fields", "10", NULL}, "16 at least"},
        {{"record_bytes", "7", NULL}, "8..65528"},
        {{"record_bytes", "65529", NULL}, "8..65528"},
        {{"ops_per_txn", "1025", NULL}, "1..1024"},
        {{"records", "500", "long_workers", "1", NULL}, "1000 different keys"},
        {{"records", "500", "long_workers", "1", NULL}, "lower long_ops_per_txn"},
        {{"distribution", "pareto", NULL}, "zipfian-gray"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct drive drive;
        assert_int_equal(drive_create(&drive, &bare_target_ops, &ycsb_workload_ops, 1, 1, bad[i].pairs),
                         TARGET_INVALID);
        if (!strstr(drive.error, bad[i].text))
            fail_msg("'%s' is not in: %s", bad[i].text, drive.error);
    }
    struct drive drive;
    assert_int_equal(drive_create(&drive, &bare_target_ops, &ycsb_workload_ops, 1, 1,
                                  (const char *[]){SMALL, "index", "ordered", NULL}),
                     TARGET_OK);
    assert_int_equal(target_open(&bare_target_ops, NULL, &drive.target, drive.error, sizeof drive.error), TARGET_OK);
    assert_int_equal(ycsb_workload_ops.setup(drive.workload, drive.target, drive.error, sizeof drive.error),
                     TARGET_UNSUPPORTED);
    assert_non_null(strstr(drive.error, "ordered index on target bare"));
    ycsb_workload_ops.destroy(drive.workload);
    assert_int_equal(bare_target_ops.close(drive.target), TARGET_OK);
}

/* The same seed asks for the same, so that targets can be compared: both end with equal rows. */
static void targets_run_the_same_requests(void **state)
{
    (void)state;
    struct drive drives[TARGETS];
    struct target_txn *txns[TARGETS];
    uint64_t seed = drive_seed();
    for (size_t t = 0; t < TARGETS; t++) {
        drive_open(&drives[t], targets[t], &ycsb_workload_ops, 1, seed, (const char *[]){SMALL, NULL});
        drive_run(&drives[t], STEPS);
        assert_int_equal(drives[t].ops->begin(drives[t].worker, TARGET_READ_WRITE, &txns[t]), TARGET_OK);
    }
    for (uint64_t key = 0; key < RECORDS; key++) {
        const void *data[TARGETS];
        for (size_t t = 0; t < TARGETS; t++)
            assert_int_equal(drives[t].ops->read(txns[t], drives[t].workload->index, &key, &data[t], NULL), TARGET_OK);
        assert_memory_equal(data[0], data[1], 100);
    }
    for (size_t t = 0; t < TARGETS; t++) {
        drives[t].ops->abort(txns[t]);
        drive_close(&drives[t]);
    }
}

/* Several workers of bare lose updates; the check reports the sum and does not demand it. */
static void racy_targets_owe_no_sum(void **state)
{
    (void)state;
    struct drive drive;
    drive_open(&drive, &bare_target_ops, &ycsb_workload_ops, 2, drive_seed(), (const char *[]){SMALL, NULL});
    drive_run(&drive, 100);
    struct drive_row row = drive_row_open(&drive, drive.workload->index, 3, 0);
    row.data[8]++;
    drive_row_close(&drive, row);
    drive_expect_sound(&drive);
    assert_non_null(strstr(drive.report, "not transactional"));
    drive_erase(&drive, drive.workload->index, 3);
    drive_expect_corrupt(&drive, (const char *[]){"key 3: no row", NULL});
    drive_close(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_end_with_a_proof),
        cmocka_unit_test(one_worker_gives_equal_rows_on_every_target),
        cmocka_unit_test(counters_sum_to_the_updates),
        cmocka_unit_test(there_is_the_type_long_only_with_long_workers),
        cmocka_unit_test(long_transactions_are_of_the_first_workers_only),
        cmocka_unit_test(a_lost_update_is_found),
        cmocka_unit_test(a_changed_counter_names_its_key_and_both_values),
        cmocka_unit_test(a_missing_row_is_found),
        cmocka_unit_test(inserts_that_did_not_commit_and_lost_ones_are_found),
        cmocka_unit_test(a_blind_write_of_nobody_is_found),
        cmocka_unit_test(an_update_of_another_record_is_found),
        cmocka_unit_test(a_lost_blind_update_is_found),
        cmocka_unit_test(an_update_of_another_field_is_found),
        cmocka_unit_test(a_lost_blind_update_of_a_field_is_found),
        cmocka_unit_test(a_write_torn_between_fields_is_found),
        cmocka_unit_test(every_field_is_updated),
        cmocka_unit_test(updates_that_no_request_asked_for_are_found),
        cmocka_unit_test(aborted_attempts_count_nothing),
        cmocka_unit_test(rings_scale_with_the_workers),
        cmocka_unit_test(a_vanished_row_ends_the_run),
        cmocka_unit_test(latest_follows_the_inserts),
        cmocka_unit_test(presets_are_ycsbs_core_workloads),
        cmocka_unit_test(scans_begin_at_every_record_there_is),
        cmocka_unit_test(combinations_that_cannot_work_are_refused),
        cmocka_unit_test(targets_run_the_same_requests),
        cmocka_unit_test(racy_targets_owe_no_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
