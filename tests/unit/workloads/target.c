/* target.c - apply: what it does to integers of both sizes, and to a row of a target that lacks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/oracle_target.h"
#include "tests/support/target_open.h"

static int64_t run_wide(enum target_function function, int64_t value, int64_t operand)
{
    char room[9] = {0}; /* at no alignment */
    memcpy(room + 1, &value, sizeof value);
    target_function_run(function, room + 1, sizeof value, operand);
    memcpy(&value, room + 1, sizeof value);
    return value;
}

static int32_t run_narrow(enum target_function function, int32_t value, int64_t operand)
{
    struct {
        int32_t value, behind;
    } row = {value, 77};
    target_function_run(function, &row.value, sizeof row.value, operand);
    assert_int_equal(row.behind, 77);
    return row.value;
}

static void additions_are_modulo_the_size(void **state)
{
    (void)state;
    assert_int_equal(run_wide(TARGET_ADD, 40, 2), 42);
    assert_int_equal(run_wide(TARGET_ADD, 40, -50), -10);
    assert_true(run_wide(TARGET_ADD, INT64_MAX, 1) == INT64_MIN);
    assert_int_equal(run_narrow(TARGET_ADD, -1, 3), 2);
    assert_true(run_narrow(TARGET_ADD, INT32_MAX, 1) == INT32_MIN);
}

static void the_larger_stays(void **state)
{
    (void)state;
    assert_int_equal(run_wide(TARGET_MAX, 40, 2), 40);
    assert_int_equal(run_wide(TARGET_MAX, -40, -2), -2);
    assert_int_equal(run_narrow(TARGET_MAX, 40, 41), 41);
    assert_int_equal(run_narrow(TARGET_MAX, 40, -41), 40);
}

static void without_the_extra_the_row_is_updated(void **state)
{
    static const struct target_key_value none[] = {{NULL, NULL}};
    const struct target_ops *ops = &oracle_target_ops;
    const struct target_table_config table_config = {.payload_max_bytes = 24};
    const struct target_index_config index_config = {.kind = TARGET_INDEX_HASH, .key_bytes = 8};
    struct target *target;
    struct target_table *table;
    struct target_index *index;
    struct target_worker *worker;
    struct target_txn *txn;
    uint64_t key = 5, absent = 6;
    int64_t *row;
    const void *read;
    size_t bytes;
    char error[128];
    (void)state;
    assert_null(ops->apply);
    assert_int_equal(target_open(ops, none, &target, error, sizeof error), TARGET_OK);
    assert_int_equal(ops->table_create(target, "rows", &table_config, &table), TARGET_OK);
    assert_int_equal(ops->index_create(target, table, "key", &index_config, &index), TARGET_OK);
    assert_int_equal(ops->worker_join(target, &worker), TARGET_OK);
    assert_int_equal(ops->begin(worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    assert_int_equal(ops->insert(txn, index, &key, 24, NULL, (void **)&row), TARGET_OK);
    row[0] = 1, row[1] = 10, row[2] = 100;
    assert_int_equal(target_apply(ops, txn, index, &key, TARGET_ADD, 8, 8, -3), TARGET_OK);
    assert_int_equal(target_apply(ops, txn, index, &key, TARGET_MAX, 16, 8, 500), TARGET_OK);
    assert_int_equal(target_apply(ops, txn, index, &absent, TARGET_ADD, 8, 8, -3), TARGET_NOT_FOUND);
    assert_int_equal(ops->read(txn, index, &key, &read, &bytes), TARGET_OK);
    assert_memory_equal(read, ((const int64_t[]){1, 7, 500}), 24);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    ops->worker_leave(worker);
    assert_int_equal(ops->close(target), TARGET_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(additions_are_modulo_the_size),
        cmocka_unit_test(the_larger_stays),
        cmocka_unit_test(without_the_extra_the_row_is_updated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
