/* polaris.c - who may write a row that is reserved, and how long it is (schemes/polaris.h). */
#include "harness/targets/targets.h"

#include "tests/support/target_open.h"
#include "tests/support/world.h"

enum { WORKERS = 4, ROWS = 3, SPARE = 2 };

static struct fixture {
    const struct target_ops *ops;
    struct target *target;
    struct target_table *table;
    uint64_t refs[ROWS];
    struct target_worker *workers[WORKERS];
} fixture;

static struct target_txn *begin_one(unsigned worker)
{
    struct target_txn *txn = NULL;
    assert_int_equal(fixture.ops->begin(fixture.workers[worker], TARGET_READ_WRITE, &txn), TARGET_OK);
    return txn;
}

static void open_fixture(const char *raise_after)
{
    const struct target_key_value settings[] = {
        {"raise_after", raise_after}, {"raise_every", "1"}, {"huge_pages", "off"}, {NULL, NULL}};
    struct target_table_config config = {8, 0};
    char error[256] = "";
    void *data;
    fixture.ops = &polaris_target_ops;
    assert_int_equal(target_open(fixture.ops, settings, &fixture.target, error, sizeof error), TARGET_OK);
    assert_int_equal(fixture.ops->table_create(fixture.target, "t", &config, &fixture.table), TARGET_OK);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(fixture.ops->worker_join(fixture.target, &fixture.workers[i]), TARGET_OK);
    struct target_txn *txn = begin_one(0);
    for (unsigned i = 0; i < ROWS; i++)
        assert_int_equal(fixture.ops->row_insert(txn, fixture.table, 8, &fixture.refs[i], &data), TARGET_OK);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
}

static void close_fixture(void)
{
    for (unsigned i = 0; i < WORKERS; i++)
        fixture.ops->worker_leave(fixture.workers[i]);
    fixture.ops->close(fixture.target);
}

static enum target_status write_row(struct target_txn *txn, unsigned row)
{
    void *data;
    return fixture.ops->row_update(txn, fixture.table, fixture.refs[row], 8, NULL, &data);
}

static enum target_status read_row(struct target_txn *txn, unsigned row)
{
    const void *data;
    return fixture.ops->row_read(txn, fixture.table, fixture.refs[row], &data, NULL);
}

static void assert_reason(enum target_status status, const char *name)
{
    assert_true(target_status_is_retry(status));
    assert_string_equal(fixture.ops->reasons[target_status_reason(status)].name, name);
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
    close_fixture();
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
    close_fixture();
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
    close_fixture();
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
    close_fixture();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reservation_keeps_lower_writers_out),
        cmocka_unit_test(commit_looks_again),
        cmocka_unit_test(higher_priority_takes_over),
        cmocka_unit_test(equal_priorities_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
