/* bamboo.c - who reads what is not committed, who commits after whom, whom an abort takes along (schemes/bamboo.h). All
 * runs in one thread, so who waits waits in vain, and gives up. The fixture's transactions get younger one by one. */
#include "tests/support/few_rows.h"

static struct target_index *by_row;

static void open_fixture(const char *retire)
{
    const struct target_key_value settings[] = {
        {"retire", retire}, {"index_insert", "eager"}, {"huge_pages", "off"}, {NULL, NULL}};
    const struct target_index_config config = {.key_bytes = 8};
    fixture_open(&bamboo_target_ops, settings);
    assert_int_equal(fixture.ops->index_create(fixture.target, fixture.table, "i", &config, &by_row), TARGET_OK);
    struct target_txn *txn = begin_one(0);
    for (uint64_t row = 0; row < ROWS; row++) {
        put(txn, (unsigned)row, row);
        assert_int_equal(fixture.ops->index_insert(txn, by_row, &row, fixture.refs[row]), TARGET_OK);
    }
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
}

/* Whether the row is there, without its payload. */
static void see_row(struct target_txn *txn, uint64_t row)
{
    uint64_t ref;
    assert_int_equal(fixture.ops->find(txn, by_row, &row, &ref), TARGET_OK);
    assert_int_equal(ref, fixture.refs[row]);
}

/* A value of the row that no transaction that runs holds back. */
static uint64_t committed(unsigned row)
{
    struct target_txn *txn = begin_one(3);
    uint64_t value = get(txn, row);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    return value;
}

static void written_rows_can_be_read_at_once(void **state)
{
    (void)state;
    open_fixture("on");
    struct target_txn *writer = begin_one(0), *reader = begin_one(1);
    put(writer, 0, 10);
    assert_reason(read_row(reader, 0), "lock"); /* the writer has not made its next request yet */
    fixture.ops->abort(reader);
    assert_int_equal(get(writer, 1), 1);
    reader = begin_one(1);
    assert_int_equal(get(reader, 0), 10);
    assert_reason(fixture.ops->commit(reader), "lock"); /* it waits for the writer */
    reader = begin_one(1);
    assert_int_equal(get(reader, 0), 10);
    assert_int_equal(fixture.ops->commit(writer), TARGET_OK);
    assert_int_equal(fixture.ops->commit(reader), TARGET_OK);
    fixture_close();
}

static void retire_off_keeps_locks(void **state)
{
    (void)state;
    open_fixture("off");
    struct target_txn *writer = begin_one(0), *reader = begin_one(1);
    put(writer, 0, 10);
    assert_int_equal(get(writer, 1), 1);
    assert_reason(read_row(reader, 0), "lock");
    fixture.ops->abort(reader);
    fixture.ops->abort(writer);
    assert_int_equal(committed(0), 0);
    fixture_close();
}

static void abort_takes_along_who_relies_on_it(void **state)
{
    (void)state;
    open_fixture("on");
    struct target_txn *one = begin_one(0), *two = begin_one(1), *three = begin_one(2);
    put(one, 0, 10);
    assert_int_equal(get(one, 2), 2);
    put(two, 1, get(two, 0));
    assert_int_equal(get(two, 2), 2);
    assert_int_equal(get(three, 1), 10);
    fixture.ops->abort(one);
    assert_reason(fixture.ops->commit(two), "cascade");
    assert_reason(fixture.ops->commit(three), "cascade");
    assert_int_equal(committed(0), 0);
    assert_int_equal(committed(1), 1);
    fixture_close();
}

/* Readers in front of a writer have nothing to do with its abort. */
static void abort_leaves_those_in_front_alone(void **state)
{
    (void)state;
    open_fixture("on");
    struct target_txn *one = begin_one(0), *two = begin_one(1);
    assert_int_equal(get(one, 0), 0);
    put(two, 0, 10);
    assert_int_equal(get(two, 1), 1);
    fixture.ops->abort(two);
    assert_int_equal(fixture.ops->commit(one), TARGET_OK);
    assert_int_equal(committed(0), 0);
    fixture_close();
}

/* Three writes of a row, of which the first `commits` stay, and the others are taken back in the given order. */
static void take_back(unsigned commits, const unsigned order[static 3])
{
    struct target_txn *txns[3];
    open_fixture("on");
    for (unsigned i = 0; i < 3; i++) {
        txns[i] = begin_one(i);
        put(txns[i], 0, 10 + i);
        assert_int_equal(get(txns[i], 1), 1);
    }
    for (unsigned i = 0; i < commits; i++)
        assert_int_equal(fixture.ops->commit(txns[i]), TARGET_OK);
    for (unsigned i = 0; i < 3; i++)
        if (order[i] >= commits)
            fixture.ops->abort(txns[order[i]]);
    assert_int_equal(committed(0), commits ? 9 + commits : 0);
    fixture_close();
}

static void writes_are_taken_back_in_any_order(void **state)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;
    for (unsigned commits = 0; commits < 3; commits++)
        for (unsigned i = 0; i < sizeof orders / sizeof orders[0]; i++)
            take_back(commits, orders[i]);
}

static void older_one_wounds(void **state)
{
    (void)state;
    open_fixture("on");
    struct target_txn *older = begin_one(0), *younger = begin_one(1);
    put(younger, 0, 10);
    assert_int_equal(get(younger, 1), 1);
    assert_reason(read_row(older, 0), "lock"); /* nobody gives it back, in this thread */
    fixture.ops->abort(older);
    assert_reason(fixture.ops->commit(younger), "wound");
    assert_int_equal(committed(0), 0);
    /* Tried again it is as old as it was, so it is older than the next one. */
    struct target_txn *next = begin_one(2);
    younger = begin_one(1);
    put(next, 0, 10);
    assert_reason(read_row(younger, 0), "lock");
    assert_reason(fixture.ops->commit(next), "wound");
    fixture.ops->abort(younger);
    fixture_close();
}

/* A row that was retired is written again: who has passed meanwhile has read what will not be committed. */
static void second_write_dooms_who_has_passed(void **state)
{
    (void)state;
    open_fixture("on");
    struct target_txn *one = begin_one(0), *two = begin_one(1);
    put(one, 0, 10);
    assert_int_equal(get(one, 1), 1);
    put(one, 0, 11); /* nobody has passed yet */
    assert_int_equal(get(one, 1), 1);
    assert_int_equal(get(two, 0), 11);
    assert_reason(write_row(one, 0), "lock");
    assert_reason(fixture.ops->commit(two), "wound");
    fixture.ops->abort(one);
    assert_int_equal(committed(0), 0);
    fixture_close();
}

/* The payload is filled later than by the next request. */
static void late_writes_are_noticed(void **state)
{
    (void)state;
    void *data;
    open_fixture("on");
    struct target_txn *one = begin_one(0), *two = begin_one(1);
    assert_int_equal(fixture.ops->row_update(one, fixture.table, fixture.refs[0], 8, NULL, &data), TARGET_OK);
    assert_int_equal(get(one, 1), 1);
    *(uint64_t *)data = 10;
    assert_int_equal(get(one, 0), 10);
    assert_int_equal(get(two, 0), 0);
    assert_reason(fixture.ops->commit(one), "lock"); /* for the other one to abort */
    assert_reason(fixture.ops->commit(two), "wound");
    assert_int_equal(committed(0), 0);
    one = begin_one(0);
    assert_int_equal(fixture.ops->row_update(one, fixture.table, fixture.refs[0], 8, NULL, &data), TARGET_OK);
    assert_int_equal(get(one, 1), 1);
    *(uint64_t *)data = 10;
    assert_int_equal(fixture.ops->commit(one), TARGET_OK);
    assert_int_equal(committed(0), 10);
    fixture_close();
}

/* A writer passes readers that are older, and commits after all of them. A reader sees the row as it was at its place,
 * also if it asks for the payload later. */
static void writer_commits_after_older_readers(void **state)
{
    (void)state;
    open_fixture("on");
    struct target_txn *one = begin_one(0), *two = begin_one(1), *writer = begin_one(2);
    assert_int_equal(get(one, 0), 0);
    see_row(two, 0);
    assert_int_equal(get(writer, 0), 0);
    put(writer, 0, 10);
    assert_int_equal(get(writer, 1), 1);
    fixture.ops->abort(one);
    assert_int_equal(get(two, 0), 0);
    assert_reason(fixture.ops->commit(writer), "lock");
    assert_int_equal(fixture.ops->commit(two), TARGET_OK);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_rows_can_be_read_at_once),   cmocka_unit_test(retire_off_keeps_locks),
        cmocka_unit_test(abort_takes_along_who_relies_on_it), cmocka_unit_test(abort_leaves_those_in_front_alone),
        cmocka_unit_test(writes_are_taken_back_in_any_order), cmocka_unit_test(older_one_wounds),
        cmocka_unit_test(second_write_dooms_who_has_passed),  cmocka_unit_test(late_writes_are_noticed),
        cmocka_unit_test(writer_commits_after_older_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
