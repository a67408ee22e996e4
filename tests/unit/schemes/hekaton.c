/*
 * hekaton.c - what several versions of a row are for (schemes/hekaton.h): snapshots that see the past and never abort
 * for a row, the first writer wins, and what hekaton_validate leaves out.
 */
#include "harness/targets/targets.h"

#include "tests/support/target_open.h"
#include "tests/support/world.h"

enum { WORKERS = 2, KEYS = 2 };

static struct fixture {
    const struct target_ops *ops;
    struct target *target;
    struct target_index *index;
    struct target_worker *workers[WORKERS];
} fixture;

static struct target_txn *begin_one(unsigned worker, enum target_mode mode)
{
    struct target_txn *txn = NULL;
    assert_int_equal(fixture.ops->begin(fixture.workers[worker], mode, &txn), TARGET_OK);
    return txn;
}

/* Both keys have rows that say 1. */
static void open_fixture(const char *validate)
{
    const struct target_key_value settings[] = {
        {"hekaton_validate", validate}, {"huge_pages", "off"}, {"memory_limit", "64M"}, {NULL, NULL}};
    const struct target_table_config table_config = {8, 0};
    const struct target_index_config index_config = {.kind = TARGET_INDEX_HASH, .key_bytes = 8};
    struct target_table *table;
    char error[256] = "";
    void *data;
    fixture.ops = &hekaton_target_ops;
    assert_int_equal(target_open(fixture.ops, settings, &fixture.target, error, sizeof error), TARGET_OK);
    assert_int_equal(fixture.ops->table_create(fixture.target, "t", &table_config, &table), TARGET_OK);
    assert_int_equal(fixture.ops->index_create(fixture.target, table, "i", &index_config, &fixture.index), TARGET_OK);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(fixture.ops->worker_join(fixture.target, &fixture.workers[i]), TARGET_OK);
    struct target_txn *txn = begin_one(0, TARGET_READ_WRITE);
    for (uint64_t key = 0; key < KEYS; key++) {
        assert_int_equal(fixture.ops->insert(txn, fixture.index, &key, 8, NULL, &data), TARGET_OK);
        *(uint64_t *)data = 1;
    }
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
}

static void close_fixture(void)
{
    for (unsigned i = 0; i < WORKERS; i++)
        fixture.ops->worker_leave(fixture.workers[i]);
    fixture.ops->close(fixture.target);
}

static void assert_reads(struct target_txn *txn, uint64_t key, uint64_t value)
{
    const void *data;
    assert_int_equal(fixture.ops->read(txn, fixture.index, &key, &data, NULL), TARGET_OK);
    assert_int_equal(*(const uint64_t *)data, value);
}

static enum target_status write_one(struct target_txn *txn, uint64_t key, uint64_t value)
{
    void *data;
    enum target_status status = fixture.ops->update(txn, fixture.index, &key, 0, NULL, &data);
    if (status == TARGET_OK)
        *(uint64_t *)data = value;
    return status;
}

static void assert_reason(enum target_status status, const char *name)
{
    assert_true(target_status_is_retry(status));
    assert_string_equal(fixture.ops->reasons[target_status_reason(status)].name, name);
}

static void snapshot_sees_the_past(void **state)
{
    enum { COMMITS = 200 }; /* enough for versions to be given back */
    (void)state;
    open_fixture("full");
    struct target_txn *snapshot = begin_one(1, TARGET_SNAPSHOT);
    assert_reads(snapshot, 0, 1);
    for (uint64_t i = 2; i < COMMITS; i++) {
        struct target_txn *txn = begin_one(0, TARGET_READ_WRITE);
        for (uint64_t key = 0; key < KEYS; key++)
            assert_int_equal(write_one(txn, key, i), TARGET_OK);
        assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    }
    for (uint64_t key = 0; key < KEYS; key++)
        assert_reads(snapshot, key, 1);
    assert_int_equal(fixture.ops->commit(snapshot), TARGET_OK);
    snapshot = begin_one(1, TARGET_SNAPSHOT);
    assert_reads(snapshot, 1, COMMITS - 1);
    assert_int_equal(fixture.ops->commit(snapshot), TARGET_OK);
    close_fixture();
}

/* A deleted row is there for who began before; its entry has gone, so who has not met it yet aborts. */
static void snapshot_outlives_a_delete(void **state)
{
    uint64_t key = 0;
    const void *data;
    (void)state;
    open_fixture("full");
    struct target_txn *snapshot = begin_one(1, TARGET_SNAPSHOT), *txn = begin_one(0, TARGET_READ_WRITE);
    assert_reads(snapshot, 1, 1);
    assert_int_equal(fixture.ops->erase(txn, fixture.index, &key), TARGET_OK);
    assert_reads(snapshot, 0, 1);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    assert_reason(fixture.ops->read(snapshot, fixture.index, &key, &data, NULL), "node_check");
    fixture.ops->abort(snapshot);
    snapshot = begin_one(1, TARGET_SNAPSHOT);
    assert_int_equal(fixture.ops->read(snapshot, fixture.index, &key, &data, NULL), TARGET_NOT_FOUND);
    assert_int_equal(fixture.ops->commit(snapshot), TARGET_OK);
    close_fixture();
}

static void first_writer_wins(void **state)
{
    (void)state;
    open_fixture("full");
    struct target_txn *one = begin_one(0, TARGET_READ_WRITE), *two = begin_one(1, TARGET_READ_WRITE);
    assert_int_equal(write_one(one, 0, 2), TARGET_OK);
    assert_reason(write_one(two, 0, 3), "lock");
    fixture.ops->abort(two);
    two = begin_one(1, TARGET_READ_WRITE);
    assert_int_equal(fixture.ops->commit(one), TARGET_OK);
    assert_reason(write_one(two, 0, 3), "newer");
    fixture.ops->abort(two);
    two = begin_one(1, TARGET_READ_WRITE);
    assert_reads(two, 0, 2);
    assert_int_equal(fixture.ops->commit(two), TARGET_OK);
    close_fixture();
}

/* Each reads what the other writes. */
static enum target_status skew(const char *validate)
{
    open_fixture(validate);
    struct target_txn *one = begin_one(0, TARGET_READ_WRITE), *two = begin_one(1, TARGET_READ_WRITE);
    assert_reads(one, 1, 1);
    assert_reads(two, 0, 1);
    assert_int_equal(write_one(one, 0, 2), TARGET_OK);
    assert_int_equal(write_one(two, 1, 2), TARGET_OK);
    assert_int_equal(fixture.ops->commit(one), TARGET_OK);
    enum target_status status = fixture.ops->commit(two);
    close_fixture();
    return status;
}

static void skew_is_what_validation_is_for(void **state)
{
    (void)state;
    assert_reason(skew("full"), "read_check");
    assert_int_equal(skew("dbx1000"), TARGET_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_sees_the_past),
        cmocka_unit_test(snapshot_outlives_a_delete),
        cmocka_unit_test(first_writer_wins),
        cmocka_unit_test(skew_is_what_validation_is_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
