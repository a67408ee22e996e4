/* race.c - the named points at which tests interleave. */
#include "engine/base/race.h"

#include "tests/support/world.h"

#ifdef MAE_DEBUG
static unsigned passed[RACE_POINT_COUNT];

static void count(enum race_point point)
{
    passed[point]++;
}
#endif

/* A transaction that writes and reads passes the points of its steps, in a debug build. */
static void points_are_passed_and_named(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    static const enum race_point expected[] = {RACE_READ_HEAD,  RACE_PRECHECK,    RACE_INSTALL_LINK, RACE_RAISE_RTS,
                                               RACE_CHECK_READ, RACE_CHECK_WRITE, RACE_DECIDE};
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 1);
    uint64_t row = new_row(world.workers[0], world.table, 1), other = new_row(world.workers[0], world.table, 1), value;
    race_hook = count;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(row_add(txn, world.table, row, 1));
    assert_ok(row_get(txn, world.table, other, &value));
    assert_ok(mae_commit(txn));
    settle(&world);
    race_hook = NULL;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_true(passed[expected[i]] > 0);
    assert_true(passed[RACE_GC_LOCK] > 0);
    assert_true(passed[RACE_PUBLISH_QUIESCENT] > 0);
    assert_true(passed[RACE_LEADER_PUBLISH] > 0);
    for (int i = 0; i < RACE_POINT_COUNT; i++)
        assert_true(strlen(race_point_name((enum race_point)i)) > 0);
    assert_string_equal(race_point_name(RACE_DECIDE), "DECIDE");
    world_close(&world);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(points_are_passed_and_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
