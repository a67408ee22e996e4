/* schema.c - tests of workloads/schema.[ch] on the oracle target. */
#include "workloads/schema.h"

#include "tests/support/target_open.h"
#include "tests/unit/workloads/drive.h"

static const struct schema_table tables[] = {{"one", {.payload_max_bytes = 8}}, {"two", {.payload_max_bytes = 16}}};
static const struct schema_index indexes[] = {
    {"two_key", 1, {.kind = TARGET_INDEX_ORDERED, .key_bytes = 8}},
    {"one_key", 0, {.kind = TARGET_INDEX_HASH, .key_bytes = 24}},
    {"two_again", 1, {.kind = TARGET_INDEX_HASH, .key_bytes = 8}},
};
static const struct schema schema = {"test", tables, indexes, 2, 3};

static void all_are_created_and_summed_up(void **state)
{
    const struct target_ops *ops = &oracle_target_ops;
    struct target *target;
    struct target_table *created[2] = {NULL};
    struct target_index *keys[3] = {NULL};
    struct target_worker *worker;
    struct target_txn *txn;
    struct target_space rows, entries;
    char error[256];
    void *data;
    (void)state;
    assert_int_equal(target_open(ops, NULL, &target, error, sizeof error), TARGET_OK);
    assert_int_equal(schema_create(&schema, ops, target, created, keys, error, sizeof error), TARGET_OK);
    assert_int_equal(ops->worker_join(target, &worker), TARGET_OK);
    assert_int_equal(ops->begin(worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    for (uint64_t key = 0; key < 3; key++) /* the first index is of the second table */
        assert_int_equal(ops->insert(txn, keys[0], &key, 16, NULL, &data), TARGET_OK);
    assert_int_equal(ops->insert(txn, keys[1], "a key of 24 bytes......", 8, NULL, &data), TARGET_OK);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    schema_space(ops, created, 2, keys, 3, &rows, &entries);
    assert_true(!ops->table_space || rows.rows == 4);
    assert_int_equal(schema_create(&schema, ops, target, created, keys, error, sizeof error), TARGET_EXISTS);
    assert_string_equal(error, "test: table one of 8-byte rows on target oracle: the key is already there");
    ops->worker_leave(worker);
    assert_int_equal(ops->close(target), TARGET_OK);
}

static void an_index_that_the_target_has_not_is_named(void **state)
{
    struct target *target;
    struct target_table *created[2];
    struct target_index *keys[3];
    char error[256];
    (void)state;
    assert_int_equal(target_open(&bare_target_ops, NULL, &target, error, sizeof error), TARGET_OK);
    assert_int_equal(schema_create(&schema, &bare_target_ops, target, created, keys, error, sizeof error),
                     TARGET_UNSUPPORTED);
    assert_string_equal(error, "test: ordered index two_key with keys of 8 bytes on target bare: not supported here");
    assert_int_equal(bare_target_ops.close(target), TARGET_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_created_and_summed_up),
        cmocka_unit_test(an_index_that_the_target_has_not_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
