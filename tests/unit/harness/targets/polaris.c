/* polaris.c - who may write a row that is reserved, and how long it is (schemes/polaris.h). */
#include "tests/support/few_rows.h"

enum { SPARE = 2 };

static void open_fixture(const char *raise_after)
{
    const struct target_key_value settings[] = {{"raise_after", raise_after},
                                                {"raise_every", "1"},
                                                {"index_insert", "eager"},
                                                {"huge_pages", "off"},
                                                {NULL, NULL}};
    fixture_open(&polaris_target_ops, settings);
}

/* The worker's next transaction has one abort behind it. */
static void suffer(unsigned worker)
{
    struct target_txn *txn = begin_one(worker), *other = begin_one(3);
    assert_int_equal(read_row(txn, SPARE), TARGET_OK);
    assert_int_equal(write_row(other, SPARE), TARGET_OK);
    assert_int_equal(fixture.ops->commit(other), TARGET_OK);
    assert_reason(fixture.ops->commit(txn), "read_check");
}

static void refused(unsigned worker, unsigned row)
{
    struct target_txn *txn = begin_one(worker);
    assert_int_equal(read_row(txn, row), TARGET_OK); /* reading does no harm */
    assert_reason(write_row(txn, row), "priority");
    fixture.ops->abort(txn);
    fixture.ops->abort(begin_one(worker)); /* so that it begins anew */
}

static void allowed(unsigned worker, unsigned row)
{
    struct target_txn *txn = begin_one(worker);
    assert_int_equal(write_row(txn, row), TARGET_OK);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
}

static void reservation_keeps_lower_writers_out(void **state)
{
    (void)state;
    open_fixture("1");
    struct target_txn *txn = begin_one(1);
    assert_int_equal(read_row(txn, 0), TARGET_OK);
    allowed(0, 0); /* priority 0 reserves nothing */
    assert_reason(fixture.ops->commit(txn), "read_check");
    txn = begin_one(1);
    assert_int_equal(read_row(txn, 0), TARGET_OK);
    assert_int_equal(write_row(txn, 1), TARGET_OK);
    refused(0, 0);
    refused(0, 1);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    allowed(0, 0);
    allowed(0, 1);
    txn = begin_one(1); /* a new transaction, of priority 0 */
    assert_int_equal(read_row(txn, 0), TARGET_OK);
    allowed(0, 0);
    fixture.ops->abort(txn);
    fixture_close();
}

/* The same where the first that a transaction does with the row is a write of its size, the short way. */
static void first_write_is_kept_out(void **state)
{
    (void)state;
    open_fixture("1");
    suffer(1);
    struct target_txn *higher = begin_one(1), *lower = begin_one(0);
    void *data;
    assert_int_equal(read_row(higher, 0), TARGET_OK);
    assert_reason(fixture.ops->row_update(lower, fixture.table, fixture.refs[0], 0, NULL, &data), "priority");
    fixture.ops->abort(lower);
    assert_int_equal(fixture.ops->commit(higher), TARGET_OK);
    fixture_close();
}

/* The row is reserved between a write and its commit. */
static void commit_looks_again(void **state)
{
    (void)state;
    open_fixture("1");
    suffer(1);
    struct target_txn *lower = begin_one(0), *higher = begin_one(1);
    assert_int_equal(write_row(lower, 0), TARGET_OK);
    assert_int_equal(read_row(higher, 0), TARGET_OK);
    assert_reason(fixture.ops->commit(lower), "priority");
    assert_int_equal(fixture.ops->commit(higher), TARGET_OK);
    fixture_close();
}

static void higher_priority_takes_over(void **state)
{
    (void)state;
    open_fixture("0");
    suffer(2);
    struct target_txn *lower = begin_one(1), *higher = begin_one(2);
    assert_int_equal(read_row(lower, 0), TARGET_OK);
    assert_int_equal(read_row(higher, 0), TARGET_OK);
    assert_int_equal(fixture.ops->commit(lower), TARGET_OK); /* gives back nothing that it still has (PO3) */
    refused(0, 0);
    assert_int_equal(fixture.ops->commit(higher), TARGET_OK);
    allowed(0, 0);
    fixture_close();
}

static void equal_priorities_share(void **state)
{
    (void)state;
    open_fixture("1");
    suffer(1);
    suffer(2);
    struct target_txn *one = begin_one(1), *two = begin_one(2);
    assert_int_equal(read_row(one, 0), TARGET_OK);
    assert_int_equal(read_row(two, 0), TARGET_OK);
    fixture.ops->abort(one);
    refused(0, 0);
    fixture.ops->abort(two);
    allowed(0, 0);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reservation_keeps_lower_writers_out),
        cmocka_unit_test(first_write_is_kept_out),
        cmocka_unit_test(commit_looks_again),
        cmocka_unit_test(higher_priority_takes_over),
        cmocka_unit_test(equal_priorities_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
