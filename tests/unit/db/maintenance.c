/* maintenance.c - the maintenance thread reclaims while no worker runs transactions. */
#include "tests/support/world.h"

#include <sched.h>
#include <time.h>

enum { PATIENCE_MS = 600000 }; /* of a machine that is very busy */

static void start(struct world *world)
{
    enum mae_status status = mae_maintenance_start(world->db);
    if (status == MAE_UNSUPPORTED) {
        printf("no membarrier system call\n");
        skip();
    }
    assert_ok(status);
}

static void it_starts_once_and_stops(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    start(&world);
    assert_status(MAE_BUSY, mae_maintenance_start(world.db));
    mae_maintenance_stop(world.db);
    mae_maintenance_stop(world.db);
    start(&world);
    world_leave(&world);
    world_verify(world.db);
    mae_close(world.db); /* stops it */
}

/* A worker is silent, without saying that it is idle: the horizon moves, its garbage goes, snapshots see the last
 * state. */
static void an_idle_program_reclaims(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=10000000", MAE_INDEX_HASH, 8, 2); /* its workers never do */
    struct mae_state before, after;
    struct mae_space space = {0};
    uint64_t row = new_row(world.workers[0], world.table, 0), gone = new_row(world.workers[0], world.table, 0),
             value = 0;
    for (int i = 0; i < 100; i++) {
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(mae_commit(txn));
    }
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_row_delete(txn, world.table, gone));
    assert_ok(mae_commit(txn));
    mae_db_state(world.db, &before);
    start(&world);
    for (uint64_t start_ns = monotonic_ns(); time_left(start_ns, PATIENCE_MS) && value != 100;) {
        txn = begin_snapshot(world.workers[1]);
        if (row_get(txn, world.table, row, &value) != MAE_OK)
            value = 0;
        assert_ok(mae_commit(txn));
    }
    assert_int_equal(value, 100);
    mae_db_state(world.db, &after);
    assert_true(after.min_wts > before.min_wts);
    for (uint64_t start_ns = monotonic_ns(); time_left(start_ns, PATIENCE_MS);) {
        if (db_counter(world.db, "versions_reclaimed") >= 100 && db_counter(world.db, "rows_reclaimed") == 1)
            break;
        sched_yield();
    }
    mae_maintenance_stop(world.db);
    mae_table_space(world.table, &space);
    assert_int_equal(space.versions, 1);
    assert_int_equal(space.rows, 1);
    /* The workers that were parked go on as if nothing had been. */
    for (unsigned i = 0; i < 2; i++) {
        txn = begin(world.workers[i]);
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(mae_commit(txn));
    }
    assert_int_equal(row_value(world.workers[0], world.table, row), 102);
    world_close(&world);
}

/* A worker in the middle of a transaction is not parked, however long that takes. */
static void a_running_transaction_is_left_alone(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1 overtake_us=0", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 5), value;
    struct mae_txn *reader = begin(world.workers[1]);
    assert_ok(row_get(reader, world.table, row, &value));
    uint64_t ts = mae_txn_timestamp(reader);
    start(&world);
    for (uint64_t start_ns = monotonic_ns(); time_left(start_ns, 30);) {
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(row_set(txn, world.table, row, 6));
        assert_ok(mae_commit(txn));
        struct mae_state horizons;
        mae_db_state(world.db, &horizons);
        assert_true(horizons.min_wts <= ts && horizons.min_rts < ts);
    }
    assert_ok(row_get(reader, world.table, row, &value));
    assert_int_equal(value, 5);
    assert_ok(mae_commit(reader));
    mae_maintenance_stop(world.db);
    world_close(&world);
}

/* Nothing happens: the thread hardly runs. A program that works again is noticed in time nevertheless. */
static void it_sleeps_while_nothing_happens(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 1);
    uint64_t row = new_row(world.workers[0], world.table, 0), value = 0;
    start(&world);
    const struct timespec while_it_sleeps = {.tv_nsec = 400000000};
    uint64_t points = UINT64_MAX; /* within that time; 400 if it did not sleep longer */
    for (uint64_t start_ns = monotonic_ns(); time_left(start_ns, PATIENCE_MS) && points > 30;) {
        uint64_t before = db_counter(world.db, "quiescent_points");
        nanosleep(&while_it_sleeps, NULL);
        points = db_counter(world.db, "quiescent_points") - before; /* at first more: it settles */
    }
    assert_true(points <= 30);

    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(row_add(txn, world.table, row, 1));
    assert_ok(mae_commit(txn));
    for (uint64_t start_ns = monotonic_ns(); time_left(start_ns, PATIENCE_MS) && value != 1;) {
        struct mae_state horizons;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        mae_db_state(world.db, &horizons);
        if (horizons.min_wts <= mae_txn_timestamp(txn))
            continue;
        struct mae_txn *snapshot = begin_snapshot(world.workers[0]);
        assert_ok(row_get(snapshot, world.table, row, &value));
        assert_ok(mae_commit(snapshot));
    }
    assert_int_equal(value, 1);
    mae_maintenance_stop(world.db);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_once_and_stops),
        cmocka_unit_test(an_idle_program_reclaims),
        cmocka_unit_test(a_running_transaction_is_left_alone),
        cmocka_unit_test(it_sleeps_while_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
