/*
 * elder.c - a transaction that was aborted often reserves its rows: when, which, who waits, and until when
 * (engine/txn/elder.h).
 *
 * Workers on one thread; the order of begin is the order of timestamps, so every outcome is certain. Catches the
 * mutations elder_passed, elder_rows_forgotten, elder_stopper_forgotten, elder_stays, elder_waits_on,
 * elder_keeps_thread and elder_readers_pass.
 */
#include "engine/base/tsc.h"
#include "engine/db/db.h"
#include "tests/support/world.h"

static const char elder_options[] = "elder_after=1 backoff=off gc_interval_us=10000000";

static struct world open_world(const char *more, enum mae_index_kind kind)
{
    char text[200];
    snprintf(text, sizeof text, "%s %s", elder_options, more);
    return world_open(text, kind, 8, 3);
}

/* The worker's transaction is aborted, since a later one of the last worker has written a row that it writes. */
static void fail_at(const struct world *world, struct mae_worker *worker, uint64_t row)
{
    struct mae_txn *txn = begin(worker), *later = begin(world->workers[2]);
    assert_ok(row_add(later, world->table, row, 0));
    assert_ok(mae_commit(later));
    assert_status(MAE_ABORT_NEWER, row_add(txn, world->table, row, 0));
    assert_ok(mae_abort(txn));
}

struct elder_open {
    const struct world *world;
    struct mae_txn *txn;
    uint64_t row;
    uint64_t calls;
};

static void add_and_commit(void *arg)
{
    struct elder_open *open = arg;
    if (open->calls++ != 0)
        return;
    assert_ok(row_add(open->txn, open->world->table, open->row, 1));
    assert_ok(mae_commit(open->txn));
}

static enum mae_status add_by(struct mae_worker *worker, struct mae_table *table, uint64_t row)
{
    struct mae_txn *txn = begin(worker);
    assert_ok(row_add(txn, table, row, 10));
    return mae_commit(txn);
}

static void the_attempt_after_so_many_aborts_is_the_elder(void **state)
{
    (void)state;
    struct world world = world_open("elder_after=3 backoff=off", MAE_INDEX_HASH, 8, 3);
    uint64_t row = new_row(world.workers[0], world.table, 5);
    for (unsigned times = 1; times <= 2; times++) {
        for (unsigned aborts = 0; aborts < 3; aborts++) {
            fail_at(&world, world.workers[0], row);
            assert_int_equal(db_counter(world.db, "elders"), times - 1);
        }
        assert_ok(add_by(world.workers[0], world.table, row));
        assert_int_equal(db_counter(world.db, "elders"), times);
        assert_ok(add_by(world.workers[0], world.table, row));
        assert_int_equal(db_counter(world.db, "elders"), times); /* another transaction */
    }
    for (unsigned aborts = 0; aborts < 3; aborts++)
        fail_at(&world, world.workers[0], row);
    (void)mae_abort(begin(world.workers[0])); /* gives up */
    assert_int_equal(db_counter(world.db, "elders"), 3);
    assert_ok(add_by(world.workers[0], world.table, row));
    assert_int_equal(db_counter(world.db, "elders"), 3);
    world_close(&world);
}

static void who_writes_a_row_of_the_elder_lets_it_go_first(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = open_world("", MAE_INDEX_HASH);
    uint64_t row = new_row(world.workers[0], world.table, 5), other = new_row(world.workers[0], world.table, 5);
    fail_at(&world, world.workers[0], row);
    struct elder_open open = {.world = &world, .txn = begin(world.workers[0]), .row = row};
    assert_ok(add_by(world.workers[1], world.table, other));
    assert_int_equal(db_counter(world.db, "elder_waits"), 0);
    at_race(RACE_WAIT_ELDER, 1, add_and_commit, &open);
    assert_true(mae_status_is_retryable(add_by(world.workers[1], world.table, row))); /* it stands before the elder */
    assert_int_equal(open.calls, 1);
    assert_int_equal(db_counter(world.db, "elder_waits"), 1);
    assert_int_equal(row_value(world.workers[1], world.table, row), 6);
    /* The role has ended with the attempt. */
    assert_ok(add_by(world.workers[1], world.table, row));
    assert_int_equal(db_counter(world.db, "elder_waits"), 1);
    world_close(&world);
}

/* A reader of the elder's row, which itself writes another one. */
static void who_reads_such_a_row_waits_while_the_elder_commits(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    for (int commits = 0; commits < 2; commits++) {
        struct world world = open_world("", MAE_INDEX_HASH);
        uint64_t row = new_row(world.workers[0], world.table, 5), other = new_row(world.workers[0], world.table, 5);
        uint64_t value;
        fail_at(&world, world.workers[0], row);
        struct mae_txn *elder = begin(world.workers[0]);
        struct elder_open reader = {.world = &world, .txn = begin(world.workers[1]), .row = other};
        assert_ok(row_get(reader.txn, world.table, row, &value));
        if (!commits)
            add_and_commit(&reader);
        assert_ok(row_add(elder, world.table, row, 1)); /* moves behind a reader that has committed */
        if (commits)
            at_race(RACE_PRECHECK, 1, add_and_commit, &reader);
        assert_ok(mae_commit(elder));
        assert_int_equal(db_counter(world.db, "elder_waits"), commits);
        world_close(&world);
    }
}

#ifdef MAE_DEBUG
static uint64_t leaping;
static uint64_t leap(void)
{
    return leaping += (uint64_t)(100 * tsc_ticks_per_us());
}
#endif

static void a_wait_ends_after_some_milliseconds_and_later_for_later_attempts(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    struct world world = open_world("", MAE_INDEX_HASH);
    uint64_t row = new_row(world.workers[0], world.table, 5), before = 0;
    fail_at(&world, world.workers[0], row);
    leaping = tsc_now();
    tsc_override = leap;
    for (unsigned attempt = 0; attempt < 9; attempt++) {
        struct mae_txn *elder = begin(world.workers[0]);
        assert_ok(row_add(elder, world.table, row, 1));
        assert_ok(add_by(world.workers[1], world.table, row));
        assert_int_equal(db_counter(world.db, "elder_waits"), attempt + 1);
        uint64_t ticks = db_counter(world.db, "elder_wait_ticks"), waited = ticks - before;
        before = ticks;
        double most_us = ELDER_FIRST_US << (attempt < 6 ? attempt : 6);
        assert_true((double)waited < (most_us + 500) * tsc_ticks_per_us());
        assert_true((double)waited > most_us / 2 * tsc_ticks_per_us());
        assert_true(mae_status_is_retryable(mae_commit(elder)));
    }
    tsc_override = NULL;
    world_close(&world);
#endif
}

static void there_is_one_elder(void **state)
{
    (void)state;
    struct world world = open_world("", MAE_INDEX_HASH);
    uint64_t row = new_row(world.workers[0], world.table, 5);
    fail_at(&world, world.workers[0], row);
    fail_at(&world, world.workers[1], row);
    struct mae_txn *elder = begin(world.workers[0]), *second = begin(world.workers[1]);
    assert_int_equal(db_counter(world.db, "elders"), 1);
    assert_ok(mae_commit(elder));
    assert_ok(mae_commit(second));
    fail_at(&world, world.workers[1], row);
    second = begin(world.workers[1]);
    assert_int_equal(db_counter(world.db, "elders"), 2);
    mae_worker_leave(world.workers[1]); /* with the role, which it gives up */
    world.workers[1] = NULL;
    fail_at(&world, world.workers[0], row);
    elder = begin(world.workers[0]);
    assert_int_equal(db_counter(world.db, "elders"), 3);
    assert_ok(mae_commit(elder));
    assert_ok(mae_worker_join(world.db, &world.workers[1])); /* nothing is left of the last one in its place */
    assert_ok(add_by(world.workers[1], world.table, row));
    assert_int_equal(db_counter(world.db, "elders"), 3);
    world_close(&world);
}

static void who_waits_gives_its_thread_away(void **state)
{
    (void)state;
    struct world world = open_world("", MAE_INDEX_HASH);
    uint64_t row = new_row(world.workers[0], world.table, 5);
    fail_at(&world, world.workers[0], row);
    struct elder_open open = {.world = &world, .txn = begin(world.workers[0]), .row = row, .calls = 1};
    assert_ok(mae_worker_on_miss(world.workers[1], add_and_commit, &open));
    struct mae_txn *txn = begin(world.workers[1]);
    assert_ok(row_add(txn, world.table, row, 10));
    open.calls = 0; /* from now on: reads give the thread away, too, but that is not what this is about */
    assert_true(mae_status_is_retryable(mae_commit(txn)));
    assert_true(open.calls > 0);
    assert_int_equal(row_value(world.workers[0], world.table, row), 6);
    world_close(&world);
}

/* ---- What is announced. ---- */

struct stopped {
    const struct world *world;
    uint64_t row;
};

/* The other's version of the row is linked and not decided. */
static void be_stopped(void *arg)
{
    const struct stopped *stopped = arg;
    struct mae_txn *txn = begin(stopped->world->workers[0]);
    uint64_t value;
    assert_status(MAE_ABORT_PENDING, row_get(txn, stopped->world->table, stopped->row, &value));
    (void)mae_abort(txn);
}

static void a_row_that_stopped_an_attempt_before_it_was_read_is_announced(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = open_world("pending=abort", MAE_INDEX_HASH);
    struct stopped stopped = {.world = &world, .row = new_row(world.workers[0], world.table, 5)};
    struct mae_txn *txn = begin(world.workers[1]);
    assert_ok(row_add(txn, world.table, stopped.row, 1));
    at_race(RACE_CHECK_WRITE, 1, be_stopped, &stopped);
    assert_ok(mae_commit(txn));
    struct elder_open open = {.world = &world, .txn = begin(world.workers[0]), .row = stopped.row};
    assert_int_equal(db_counter(world.db, "elders"), 1);
    at_race(RACE_WAIT_ELDER, 1, add_and_commit, &open);
    assert_true(mae_status_is_retryable(add_by(world.workers[1], world.table, stopped.row)));
    assert_int_equal(db_counter(world.db, "elder_waits"), 1);
    world_close(&world);
}

static void insert_by_elder(void *arg)
{
    struct elder_open *open = arg;
    open->calls++;
    assert_ok(key_insert(open->txn, open->world->index, open->row, 1));
    assert_ok(mae_commit(open->txn));
}

/* What stops it is a node of the index: the one that is to have the new key, or in which a key is missing. */
static void an_insert_or_a_miss_announces_nodes(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    for (int misses = 0; misses < 2; misses++) {
        struct world world = open_world("", MAE_INDEX_ORDERED);
        new_keys(world.workers[0], world.index, 10, 4, 1);
        struct mae_txn *txn = begin(world.workers[0]), *later = begin(world.workers[1]);
        uint64_t value;
        if (misses)
            assert_status(MAE_NOT_FOUND, key_get(txn, world.index, 1, &value));
        assert_ok(key_insert(later, world.index, 20, 1));
        assert_ok(mae_commit(later));
        assert_true(mae_status_is_retryable(key_insert(txn, world.index, 1, 1)));
        (void)mae_abort(txn);
        struct elder_open open = {.world = &world, .txn = begin(world.workers[0]), .row = 1};
        assert_int_equal(db_counter(world.db, "elders"), 1);
        later = begin(world.workers[1]);
        assert_ok(key_insert(later, world.index, 21, 1));
        at_race(RACE_WAIT_ELDER, 1, insert_by_elder, &open);
        assert_true(mae_status_is_retryable(mae_commit(later)));
        assert_int_equal(open.calls, 1);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_attempt_after_so_many_aborts_is_the_elder),
        cmocka_unit_test(who_writes_a_row_of_the_elder_lets_it_go_first),
        cmocka_unit_test(who_reads_such_a_row_waits_while_the_elder_commits),
        cmocka_unit_test(a_wait_ends_after_some_milliseconds_and_later_for_later_attempts),
        cmocka_unit_test(there_is_one_elder),
        cmocka_unit_test(who_waits_gives_its_thread_away),
        cmocka_unit_test(a_row_that_stopped_an_attempt_before_it_was_read_is_announced),
        cmocka_unit_test(an_insert_or_a_miss_announces_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
