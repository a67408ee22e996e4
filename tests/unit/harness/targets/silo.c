/* silo.c - when an optimistic transaction waits, and that it then has nothing for which others wait (scheme.inc,
 * optimistic.h: OP2, OP3). All runs in one thread, so who waits waits in vain, and gives up. */
#include "engine/base/race.h"
#include "tests/support/few_rows.h"
#include "tests/support/target_counter.h"

enum { ENOUGH_COMMITS = 6 };
static const uint64_t KEY = 7, OTHER_KEY = 8;

static struct target_index *fixture_index(const struct target_ops *ops)
{
    static const struct target_key_value settings[] = {{"index_insert", "eager"}, {"huge_pages", "off"}, {NULL, NULL}};
    static const struct target_index_config config = {.kind = TARGET_INDEX_HASH, .key_bytes = sizeof KEY};
    struct target_index *index = NULL;
    fixture_open(ops, settings);
    assert_int_equal(ops->index_create(fixture.target, fixture.table, "i", &config, &index), TARGET_OK);
    return index;
}

static enum target_status insert(struct target_txn *txn, struct target_index *index, uint64_t key)
{
    void *data;
    return fixture.ops->insert(txn, index, &key, 8, NULL, &data);
}

static uint64_t waits(unsigned worker)
{
    return target_counter(fixture.ops, fixture.workers[worker], "waits");
}

static void inserter_waits_for_the_first_one(void **state)
{
    (void)state;
    struct target_index *index = fixture_index(&silo_target_ops);
    struct target_txn *first = begin_one(0), *second = begin_one(1);
    assert_int_equal(insert(first, index, KEY), TARGET_OK);
    assert_reason(insert(second, index, KEY), "lock");
    assert_int_equal(waits(1), 1);
    fixture.ops->abort(second);
    fixture.ops->abort(first);
    second = begin_one(1);
    assert_int_equal(insert(second, index, KEY), TARGET_OK);
    assert_int_equal(fixture.ops->commit(second), TARGET_OK);
    fixture_close();
}

/* Else two could wait for each other. */
static void inserter_with_an_entry_does_not(void **state)
{
    (void)state;
    struct target_index *index = fixture_index(&silo_target_ops);
    struct target_txn *first = begin_one(0), *second = begin_one(1);
    assert_int_equal(insert(first, index, KEY), TARGET_OK);
    assert_int_equal(insert(second, index, OTHER_KEY), TARGET_OK);
    assert_reason(insert(second, index, KEY), "lock");
    assert_int_equal(waits(1), 0);
    fixture.ops->abort(second);
    assert_int_equal(fixture.ops->commit(first), TARGET_OK);
    fixture_close();
}

#ifdef MAE_DEBUG
static unsigned looks;

/* From within a wait: another transaction can read row 1. */
static void read_meanwhile(enum race_point point)
{
    if (point != RACE_WAIT_LOCK || looks++ > 0)
        return;
    struct target_txn *txn = begin_one(2);
    assert_int_equal(read_row(txn, 1), TARGET_OK);
    fixture.ops->abort(txn);
}
#endif

/* The first attempt locks the rows as they come, row 1 first. When it meets the next one, which another has locked, it
 * gives row 1 back before it waits. */
static void commits_without_order_wait_with_nothing(void **state)
{
    (void)state;
    struct target_index *index = fixture_index(&silo_target_ops);
    struct target_txn *txn = begin_one(1), *other;
    uint64_t ref;
    void *data;
    assert_int_equal(fixture.ops->insert(txn, index, &KEY, 8, &ref, &data), TARGET_OK);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    for (unsigned i = 0; i < ENOUGH_COMMITS; i++) {
        txn = begin_one(1);
        assert_int_equal(write_row(txn, i % 2), TARGET_OK);
        assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    }
    other = begin_one(0);
    assert_int_equal(fixture.ops->index_insert(other, index, &OTHER_KEY, ref), TARGET_OK); /* locks the row */
    txn = begin_one(1);
    assert_int_equal(write_row(txn, 1), TARGET_OK);
    assert_int_equal(fixture.ops->overwrite(txn, index, &KEY, 8, &data), TARGET_OK); /* reads nothing */
#ifdef MAE_DEBUG
    race_hook = read_meanwhile;
#endif
    assert_reason(fixture.ops->commit(txn), "lock");
#ifdef MAE_DEBUG
    race_hook = NULL;
    assert_true(looks > 0);
#endif
    assert_true(waits(1) > 0);
    assert_int_equal(write_row(other, 1), TARGET_OK); /* nothing is left locked */
    assert_int_equal(fixture.ops->commit(other), TARGET_OK);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inserter_waits_for_the_first_one),
        cmocka_unit_test(inserter_with_an_entry_does_not),
        cmocka_unit_test(commits_without_order_wait_with_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
