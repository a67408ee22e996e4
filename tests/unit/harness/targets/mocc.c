/* mocc.c - when rows are locked, in which order, and what an attempt after an abort locks (schemes/mocc.h). All runs in
 * one thread, so who waits waits in vain, and gives up. */
#include <stdlib.h>

#include "tests/support/few_rows.h"

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static const char *lock_kind; /* the tests run for each */

/* The rows are in the order of addresses. */
static void open_fixture(const char *hot_threshold, const char *rll)
{
    const struct target_key_value settings[] = {
        {"hot_threshold", hot_threshold}, {"temperature", "row"}, {"rll", rll}, {"lock", lock_kind},
        {"index_insert", "eager"},        {"huge_pages", "off"},  {NULL, NULL}};
    fixture_open(&mocc_target_ops, settings);
    qsort(fixture.refs, ROWS, sizeof fixture.refs[0], by_value);
}

static void allowed(unsigned worker, unsigned row)
{
    struct target_txn *txn = begin_one(worker);
    assert_int_equal(write_row(txn, row), TARGET_OK);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
}

/* The write itself goes on without the lock; its commit cannot. */
static void refused(unsigned worker, unsigned row)
{
    struct target_txn *txn = begin_one(worker);
    assert_int_equal(write_row(txn, row), TARGET_OK);
    assert_reason(fixture.ops->commit(txn), "lock");
    fixture.ops->abort(begin_one(worker)); /* so that it begins anew */
}

/* A read of the row that another has written since. */
static void fail_read(unsigned worker, unsigned row)
{
    struct target_txn *txn = begin_one(worker);
    assert_int_equal(read_row(txn, row), TARGET_OK);
    allowed((worker + 1) % WORKERS, row);
    assert_reason(fixture.ops->commit(txn), "read_check");
}

static void hot_rows_are_locked(void **state)
{
    (void)state;
    open_fixture("0", "off");
    struct target_txn *txn = begin_one(0), *reader = begin_one(2);
    assert_int_equal(read_row(txn, 0), TARGET_OK);
    assert_int_equal(read_row(reader, 0), TARGET_OK); /* readers share */
    refused(1, 0);
    assert_int_equal(fixture.ops->commit(reader), TARGET_OK);
    fixture.ops->abort(txn);
    allowed(1, 0);
    txn = begin_one(0);
    assert_int_equal(write_row(txn, 0), TARGET_OK);
    refused(1, 0);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    allowed(1, 0);
    fixture_close();
}

static void cold_rows_are_not(void **state)
{
    (void)state;
    open_fixture("256", "off");
    fail_read(0, 0);
    fail_read(0, 0);
    fixture_close();
}

static void rows_whose_reads_fail_get_hot(void **state)
{
    (void)state;
    open_fixture("1", "off");
    fail_read(0, 0);
    struct target_txn *txn = begin_one(0);
    assert_int_equal(read_row(txn, 0), TARGET_OK);
    refused(1, 0);
    assert_int_equal(read_row(txn, 1), TARGET_OK); /* that one is cold */
    allowed(1, 1);
    assert_reason(fixture.ops->commit(txn), "read_check");
    fixture_close();
}

/* Who must wait for a lock gives back those from there on, so that others can go on. */
static void locks_are_waited_for_in_order(void **state)
{
    (void)state;
    open_fixture("0", "off");
    struct target_txn *one = begin_one(0), *two = begin_one(1);
    assert_int_equal(write_row(one, 1), TARGET_OK);
    assert_int_equal(write_row(two, 0), TARGET_OK);
    assert_int_equal(read_row(one, 0), TARGET_OK);
    assert_int_equal(write_row(two, 1), TARGET_OK);
    assert_int_equal(fixture.ops->commit(two), TARGET_OK);
    assert_reason(fixture.ops->commit(one), "read_check");
    fixture_close();
}

static void next_attempt_locks_what_was_lost(void **state)
{
    (void)state;
    open_fixture("256", "on");
    fail_read(0, 0);
    struct target_txn *txn = begin_one(0);
    refused(1, 0);
    assert_int_equal(read_row(txn, 0), TARGET_OK);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    txn = begin_one(0); /* another transaction, which locks nothing */
    allowed(1, 0);
    fixture.ops->abort(txn);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hot_rows_are_locked),
        cmocka_unit_test(cold_rows_are_not),
        cmocka_unit_test(rows_whose_reads_fail_get_hot),
        cmocka_unit_test(locks_are_waited_for_in_order),
        cmocka_unit_test(next_attempt_locks_what_was_lost),
    };
    lock_kind = "spin";
    int failed = cmocka_run_group_tests_name("words", tests, NULL, NULL);
    lock_kind = "mql";
    return failed + cmocka_run_group_tests_name("queues", tests, NULL, NULL);
}
