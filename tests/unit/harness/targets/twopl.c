/* twopl.c - who aborts, and for which reason, in each way of waiting for a lock (schemes/twopl.h). */
#include <pthread.h>

#include "tests/support/few_rows.h"

static void open_fixture(const char *lock_wait)
{
    const struct target_key_value settings[] = {{"lock_wait", lock_wait},
                                                {"timeout_us", "1000000"},
                                                {"index_insert", "eager"},
                                                {"huge_pages", "off"},
                                                {NULL, NULL}};
    fixture_open(&twopl_target_ops, settings);
}

static void no_wait_aborts(void **state)
{
    (void)state;
    open_fixture("no_wait");
    struct target_txn *one = begin_one(0), *two = begin_one(1);
    assert_int_equal(read_row(one, 0), TARGET_OK);
    assert_int_equal(read_row(two, 0), TARGET_OK);
    assert_reason(write_row(two, 0), "lock"); /* another reads it */
    fixture.ops->abort(two);
    assert_int_equal(write_row(one, 0), TARGET_OK); /* now it is alone */
    assert_int_equal(fixture.ops->commit(one), TARGET_OK);
    fixture_close();
}

/* The older one waits, here for nobody, until it has waited for long enough; the younger one dies at once. */
static void wait_die_lets_the_older_wait(void **state)
{
    (void)state;
    open_fixture("wait_die");
    struct target_txn *older = begin_one(0), *younger = begin_one(1);
    assert_int_equal(write_row(older, 0), TARGET_OK);
    assert_int_equal(write_row(younger, 1), TARGET_OK);
    assert_reason(read_row(older, 1), "lock");
    fixture.ops->abort(older);
    older = begin_one(0); /* it keeps its age (TP4) */
    assert_int_equal(write_row(older, 0), TARGET_OK);
    assert_reason(read_row(younger, 0), "die");
    assert_reason(read_row(older, 1), "lock");
    fixture.ops->abort(older);
    fixture.ops->abort(younger);
    fixture_close();
}

static void age_is_lost_with_the_commit(void **state)
{
    (void)state;
    open_fixture("wait_die");
    struct target_txn *first = begin_one(0), *second = begin_one(1);
    assert_int_equal(fixture.ops->commit(first), TARGET_OK);
    first = begin_one(0);
    assert_int_equal(write_row(second, 0), TARGET_OK);
    assert_reason(write_row(first, 0), "die");
    fixture.ops->abort(first);
    fixture.ops->abort(second);
    fixture_close();
}

static void wound_wait_aborts_the_younger(void **state)
{
    (void)state;
    open_fixture("wound_wait");
    struct target_txn *older = begin_one(0), *younger = begin_one(1);
    assert_int_equal(write_row(older, 0), TARGET_OK);
    assert_int_equal(write_row(younger, 1), TARGET_OK);
    assert_reason(write_row(younger, 0), "lock"); /* it waits: the older one is not wounded */
    fixture.ops->abort(younger);
    assert_int_equal(write_row(older, 2), TARGET_OK);
    younger = begin_one(1);
    assert_int_equal(write_row(younger, 1), TARGET_OK);
    assert_reason(write_row(older, 1), "lock"); /* nobody gives it back, in this thread */
    assert_reason(fixture.ops->commit(younger), "wound");
    fixture.ops->abort(older);
    younger = begin_one(1); /* it is not wounded any more */
    assert_int_equal(write_row(younger, 1), TARGET_OK);
    assert_int_equal(fixture.ops->commit(younger), TARGET_OK);
    fixture_close();
}

static pthread_barrier_t both_hold;

struct side {
    struct target_txn *txn;
    unsigned has, wants;
    enum target_status status;
};

static void *hold_and_want(void *arg)
{
    struct side *side = arg;
    if (write_row(side->txn, side->has) != TARGET_OK)
        abort();
    pthread_barrier_wait(&both_hold);
    side->status = write_row(side->txn, side->wants);
    if (side->status == TARGET_OK)
        side->status = fixture.ops->commit(side->txn);
    else
        fixture.ops->abort(side->txn);
    return NULL;
}

/* Of two that wait for each other the younger one aborts, and the other one commits. */
static void circle_is_found(void **state)
{
    (void)state;
    open_fixture("detect");
    pthread_barrier_init(&both_hold, NULL, 2);
    for (unsigned round = 0; round < 20; round++) {
        struct side sides[2] = {{.has = 0, .wants = 1}, {.has = 1, .wants = 0}};
        sides[0].txn = begin_one(0);
        sides[1].txn = begin_one(1);
        run_threads(2, hold_and_want, sides, sizeof sides[0]);
        assert_int_equal(sides[0].status, TARGET_OK);
        assert_reason(sides[1].status, "deadlock");
        struct target_txn *again = begin_one(1); /* so that its next one is the younger again */
        assert_int_equal(fixture.ops->commit(again), TARGET_OK);
    }
    pthread_barrier_destroy(&both_hold);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wait_aborts),
        cmocka_unit_test(wait_die_lets_the_older_wait),
        cmocka_unit_test(age_is_lost_with_the_commit),
        cmocka_unit_test(wound_wait_aborts_the_younger),
        cmocka_unit_test(circle_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
