/*
 * chained.c - what holds for all schemes whose rows have several versions (schemes/base/chained.h), at moments that
 * schedules hardly find.
 */
#include "tests/support/few_keys.h"

#include "engine/base/race.h"

static const struct target_ops *const schemes[] = {&hekaton_target_ops, &ermia_target_ops};
enum { SCHEMES = sizeof schemes / sizeof schemes[0] };
enum { MOVED_BY = 40 }; /* so many commits of one row after the first one another row's version has moved (C8) */

#ifdef MAE_DEBUG
enum { ALIAS = 7 };

static struct {
    struct target_txn *txn; /* has given the row of key 0 a second entry */
    unsigned looks;
} gain;

static struct target_txn *add_alias(void)
{
    uint64_t key = 0, alias = ALIAS, ref;
    struct target_txn *txn = begin_one(1, TARGET_READ_WRITE);
    assert_int_equal(fixture.ops->find(txn, fixture.index, &key, &ref), TARGET_OK);
    assert_int_equal(fixture.ops->index_insert(txn, fixture.index, &alias, ref), TARGET_OK);
    return txn;
}

/* The entry goes before the first look at the row, is there again for the second look at the entry, and goes again
 * before the second look at the row. */
static void come_and_go(enum race_point point)
{
    bool goes = point == RACE_ROW_READ && gain.looks < 2 && gain.txn != NULL;
    bool comes = point == RACE_ENTRY_CHECK && gain.looks == 1;
    void (*hook)(enum race_point) = race_hook;
    race_hook = NULL;
    if (comes && gain.txn == NULL)
        gain.txn = add_alias();
    if (goes) {
        fixture.ops->abort(gain.txn);
        gain.txn = NULL;
        gain.looks++;
    }
    race_hook = hook;
}

static void find_alias(const struct target_ops *ops, const char *option, const char *value)
{
    uint64_t alias = ALIAS;
    const void *data;
    open_fixture(ops, option, value);
    struct target_txn *reader = begin_one(2, TARGET_READ_WRITE);
    gain.txn = add_alias();
    gain.looks = 0;
    race_hook = come_and_go;
    enum target_status status = ops->read(reader, fixture.index, &alias, &data, NULL);
    race_hook = NULL;
    assert_reason(status, "node_check");
    assert_true(gain.looks > 0);
    ops->abort(reader);
    if (gain.txn != NULL)
        ops->abort(gain.txn);
    close_fixture();
}

/* An entry that never was committed is not used, although it is there whenever it is looked at (CV4). */
static void an_aborted_gain_is_remembered(void **state)
{
    (void)state;
    find_alias(&hekaton_target_ops, "hekaton_validate", "full");
    find_alias(&hekaton_target_ops, "hekaton_validate", "dbx1000");
    find_alias(&ermia_target_ops, "ermia_isolation", "ssn");
    find_alias(&ermia_target_ops, "ermia_isolation", "si");
}
#endif

/* A transaction that has begun later sees the row by the key that was there all the time. */
static void an_aborted_gain_changes_nothing(void **state)
{
    uint64_t key = 0, alias = 7, ref;
    (void)state;
    for (unsigned i = 0; i < SCHEMES; i++) {
        open_fixture(schemes[i], "huge_pages", "off");
        struct target_txn *txn = begin_one(1, TARGET_READ_WRITE);
        assert_int_equal(fixture.ops->find(txn, fixture.index, &key, &ref), TARGET_OK);
        assert_int_equal(fixture.ops->index_insert(txn, fixture.index, &alias, ref), TARGET_OK);
        fixture.ops->abort(txn);
        txn = begin_one(2, TARGET_READ_WRITE);
        assert_reads(txn, key, 1);
        assert_misses(txn, alias);
        assert_int_equal(write_one(txn, key, 2), TARGET_OK);
        assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
        close_fixture();
    }
}

/* What a transaction has read stays as it is, also where the version's room in the row is wanted (C7). */
static void what_was_read_stays(void **state)
{
    enum { COMMITS = 100 }; /* enough for versions to be given back */
    uint64_t key = 0;
    const void *data;
    (void)state;
    for (unsigned i = 0; i < SCHEMES; i++) {
        open_fixture(schemes[i], "huge_pages", "off");
        struct target_txn *reader = begin_one(1, TARGET_SNAPSHOT);
        assert_int_equal(fixture.ops->read(reader, fixture.index, &key, &data, NULL), TARGET_OK);
        for (uint64_t value = 2; value < COMMITS; value++) {
            commit_write(key, value);
            assert_int_equal(*(const uint64_t *)data, 1);
        }
        fixture.ops->abort(reader);
        close_fixture();
    }
}

/* Where the payload of key 0 is, as of now. */
static const void *place_of_key_0(void)
{
    uint64_t key = 0;
    const void *data;
    struct target_txn *txn = begin_one(1, TARGET_READ_WRITE);
    assert_int_equal(fixture.ops->read(txn, fixture.index, &key, &data, NULL), TARGET_OK);
    fixture.ops->abort(txn);
    fixture.ops->worker_idle(fixture.workers[1]);
    return data;
}

static void open_with_moved(const struct target_ops *ops, uint64_t commits)
{
    open_fixture(ops, "huge_pages", "off");
    fixture.ops->worker_idle(fixture.workers[0]);
    const void *room = place_of_key_0();
    commit_write(0, 2);
    assert_ptr_not_equal(place_of_key_0(), room);
    for (uint64_t i = 0; i < commits; i++)
        commit_write(1, i);
    if (commits == MOVED_BY)
        assert_ptr_equal(place_of_key_0(), room);
}

/* A version moves into its row while others go on. Who has read it there or here has read the same (C8). */
static void a_version_moves_into_its_row(void **state)
{
    enum { MORE = 40 }; /* enough for versions that were given back to be used again */
    uint64_t key = 0;
    const void *data;
    (void)state;
    for (unsigned i = 0; i < SCHEMES; i++)
        for (uint64_t commits = 0; commits <= MOVED_BY; commits++) {
            open_with_moved(schemes[i], commits);
            struct target_txn *reader = begin_one(1, TARGET_READ_WRITE), *writer = begin_one(2, TARGET_READ_WRITE);
            assert_int_equal(fixture.ops->read(reader, fixture.index, &key, &data, NULL), TARGET_OK);
            assert_reads(writer, key, 2);
            for (uint64_t value = 0; value < MORE; value++) {
                commit_write(1, value + 10);
                assert_int_equal(*(const uint64_t *)data, 2);
            }
            assert_reads(reader, key, 2);
            assert_int_equal(fixture.ops->commit(reader), TARGET_OK);
            assert_int_equal(write_one(writer, key, 3), TARGET_OK);
            assert_int_equal(fixture.ops->commit(writer), TARGET_OK);
            close_fixture();
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef MAE_DEBUG
        cmocka_unit_test(an_aborted_gain_is_remembered),
#endif
        cmocka_unit_test(an_aborted_gain_changes_nothing),
        cmocka_unit_test(what_was_read_stays),
        cmocka_unit_test(a_version_moves_into_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
