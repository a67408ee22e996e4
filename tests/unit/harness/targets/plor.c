/* plor.c - who waits for whom, and when (schemes/plor.h). All runs in one thread, so who waits waits in vain, and gives
 * up. The fixture's transactions get younger one by one. */
#include "tests/support/few_rows.h"

static void open_fixture(void)
{
    static const struct target_key_value settings[] = {{"index_insert", "eager"}, {"huge_pages", "off"}, {NULL, NULL}};
    fixture_open(&plor_target_ops, settings);
    struct target_txn *txn = begin_one(0);
    for (unsigned row = 0; row < ROWS; row++)
        put(txn, row, row);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
}

static uint64_t committed(unsigned row)
{
    struct target_txn *txn = begin_one(3);
    uint64_t value = get(txn, row);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    return value;
}

/* Until the writer commits, both go on, and the reader has what was there before. */
static void readers_pass_writers(void **state)
{
    (void)state;
    open_fixture();
    struct target_txn *one = begin_one(0), *two = begin_one(1);
    put(one, 0, 10);
    assert_int_equal(get(two, 0), 0);
    assert_int_equal(get(two, 1), 1);
    put(one, 1, 11);
    assert_int_equal(get(one, 0), 10);
    assert_int_equal(fixture.ops->commit(two), TARGET_OK);
    assert_int_equal(fixture.ops->commit(one), TARGET_OK);
    assert_int_equal(committed(0), 10);
    assert_int_equal(committed(1), 11);
    fixture_close();
}

static void commit_waits_for_older_readers(void **state)
{
    (void)state;
    const void *data;
    open_fixture();
    struct target_txn *reader = begin_one(0), *writer = begin_one(1);
    put(writer, 0, 10);
    assert_int_equal(fixture.ops->row_read(reader, fixture.table, fixture.refs[0], &data, NULL), TARGET_OK);
    assert_reason(fixture.ops->commit(writer), "lock");
    assert_int_equal(*(const uint64_t *)data, 0); /* it stays so until the reader has ended */
    assert_int_equal(fixture.ops->commit(reader), TARGET_OK);
    writer = begin_one(1);
    put(writer, 0, 10);
    assert_int_equal(fixture.ops->commit(writer), TARGET_OK);
    assert_int_equal(committed(0), 10);
    fixture_close();
}

static void commit_wounds_younger_readers(void **state)
{
    (void)state;
    open_fixture();
    struct target_txn *writer = begin_one(0), *reader = begin_one(1), *other = begin_one(2);
    put(writer, 0, 10);
    assert_int_equal(get(reader, 0), 0);
    assert_int_equal(get(other, 1), 1);
    assert_reason(fixture.ops->commit(writer), "lock"); /* nobody gives it back, in this thread */
    assert_reason(fixture.ops->commit(reader), "wound");
    assert_int_equal(fixture.ops->commit(other), TARGET_OK);
    assert_int_equal(committed(0), 0);
    fixture_close();
}

static void writers_exclude_each_other(void **state)
{
    (void)state;
    open_fixture();
    struct target_txn *older = begin_one(0), *younger = begin_one(1);
    put(older, 0, 10);
    assert_reason(write_row(younger, 0), "lock");
    fixture.ops->abort(younger);
    younger = begin_one(1);
    put(younger, 1, 11);
    assert_reason(write_row(older, 1), "lock");
    fixture.ops->abort(older);
    assert_reason(fixture.ops->commit(younger), "wound");
    assert_int_equal(committed(0), 0);
    assert_int_equal(committed(1), 1);
    fixture_close();
}

static void next_attempt_is_as_old(void **state)
{
    (void)state;
    open_fixture();
    struct target_txn *older = begin_one(0), *younger = begin_one(1);
    put(older, 0, 10);
    assert_reason(write_row(younger, 0), "lock");
    fixture.ops->abort(younger);
    assert_int_equal(fixture.ops->commit(older), TARGET_OK);
    struct target_txn *next = begin_one(0);
    younger = begin_one(1); /* now it is the older of the two */
    put(next, 0, 11);
    assert_reason(write_row(younger, 0), "lock");
    assert_reason(fixture.ops->commit(next), "wound");
    fixture.ops->abort(younger);
    fixture_close();
}

/* A transaction has missed a key that another has inserted meanwhile. In its next attempt it keeps readers of what it
 * writes out from the beginning. */
static void next_attempt_after_other_nodes_locks_at_once(void **state)
{
    (void)state;
    const struct target_index_config config = {.key_bytes = 8};
    struct target_index *index;
    const uint64_t key = 7;
    uint64_t ref;
    void *data;
    open_fixture();
    const struct target_ops *ops = fixture.ops;
    assert_int_equal(ops->index_create(fixture.target, fixture.table, "i", &config, &index), TARGET_OK);
    struct target_txn *txn = begin_one(0), *inserter = begin_one(1);
    assert_int_equal(ops->find(txn, index, &key, &ref), TARGET_NOT_FOUND);
    assert_int_equal(ops->insert(inserter, index, &key, 8, NULL, &data), TARGET_OK);
    assert_int_equal(ops->commit(inserter), TARGET_OK);
    assert_reason(ops->commit(txn), "node_check");
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        txn = begin_one(0);
        put(txn, 0, 10);
        struct target_txn *reader = begin_one(1);
        assert_reason(read_row(reader, 0), "lock");
        ops->abort(reader);
        if (attempt == 0) { /* for another reason */
            inserter = begin_one(2);
            put(inserter, 1, 11);
            assert_reason(write_row(txn, 1), "lock");
            assert_reason(ops->commit(inserter), "wound");
            ops->abort(txn);
        }
    }
    assert_int_equal(ops->commit(txn), TARGET_OK);
    txn = begin_one(0); /* another transaction */
    put(txn, 0, 12);
    struct target_txn *reader = begin_one(1);
    assert_int_equal(get(reader, 0), 10);
    assert_int_equal(ops->commit(reader), TARGET_OK);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    fixture_close();
}

/* The same of one that has inserted a row and was made to abort, so that its insert was undone. */
static void next_attempt_after_an_insert_locks_at_once(void **state)
{
    (void)state;
    const struct target_index_config config = {.key_bytes = 8};
    struct target_index *index;
    const uint64_t key = 7;
    void *data;
    open_fixture();
    const struct target_ops *ops = fixture.ops;
    assert_int_equal(ops->index_create(fixture.target, fixture.table, "i", &config, &index), TARGET_OK);
    struct target_txn *older = begin_one(0), *inserter = begin_one(1);
    put(inserter, 0, 10);
    assert_int_equal(ops->insert(inserter, index, &key, 8, NULL, &data), TARGET_OK);
    assert_reason(write_row(older, 0), "lock");
    assert_reason(ops->commit(inserter), "wound");
    ops->abort(older);
    inserter = begin_one(1);
    put(inserter, 0, 10);
    struct target_txn *reader = begin_one(2);
    assert_reason(read_row(reader, 0), "lock");
    ops->abort(reader);
    assert_int_equal(ops->commit(inserter), TARGET_OK);
    assert_int_equal(committed(0), 10);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_pass_writers),
        cmocka_unit_test(commit_waits_for_older_readers),
        cmocka_unit_test(commit_wounds_younger_readers),
        cmocka_unit_test(writers_exclude_each_other),
        cmocka_unit_test(next_attempt_is_as_old),
        cmocka_unit_test(next_attempt_after_other_nodes_locks_at_once),
        cmocka_unit_test(next_attempt_after_an_insert_locks_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
