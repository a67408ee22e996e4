/* membership.c - joining, leaving, idling; quiescent points; the clocks of workers. */
#include "engine/txn/membership.h"
#include "engine/txn/upkeep.h"

#include "engine/db/db.h"
#include "tests/support/world.h"

static void two_hundred_and_fifty_six_workers_then_full(void **state)
{
    (void)state;
    struct mae_db *db = world_db("gc_interval_us=1");
    const struct mae_table_config config = {.payload_max_bytes = 8};
    struct mae_table *table;
    struct mae_worker *workers[MAE_WORKERS_MAX], *more = NULL;
    struct mae_state horizons;
    assert_ok(mae_table_create(db, "rows", &config, &table));
    for (unsigned i = 0; i < MAE_WORKERS_MAX; i++) {
        assert_ok(mae_worker_join(db, &workers[i]));
        assert_int_equal(mae_worker_id(workers[i]), i);
    }
    mae_db_state(db, &horizons);
    assert_int_equal(horizons.workers, MAE_WORKERS_MAX);
    assert_status(MAE_FULL, mae_worker_join(db, &more));
    assert_null(more);
    uint64_t row = new_row(workers[0], table, 0);
    for (unsigned i = 0; i < MAE_WORKERS_MAX; i++) {
        struct mae_txn *txn = begin(workers[i]);
        assert_int_equal(mae_txn_timestamp(txn) & 255, i);
        assert_ok(row_add(txn, table, row, 1));
        assert_ok(mae_commit(txn));
    }
    assert_int_equal(row_value(workers[255], table, row), MAE_WORKERS_MAX);
    mae_worker_leave(workers[77]);
    assert_ok(mae_worker_join(db, &more));
    assert_int_equal(mae_worker_id(more), 77); /* the free one */
    assert_int_equal(row_value(more, table, row), MAE_WORKERS_MAX);
    workers[77] = more;
    for (unsigned i = 0; i < MAE_WORKERS_MAX; i++)
        mae_worker_leave(workers[i]);
    mae_db_state(db, &horizons);
    assert_int_equal(horizons.workers, 0);
    world_verify(db);
    mae_close(db);
}

struct one_key {
    struct mae_index *index;
    uint64_t key;
    unsigned number; /* the low bits of the timestamp */
};

static enum mae_status insert_one(struct mae_txn *txn, void *arg)
{
    struct one_key *one = arg;
    one->number = mae_txn_timestamp(txn) & 255;
    return key_insert(txn, one->index, one->key, one->key);
}

/* The database's own workers take none of the 256 away, whichever join first, and do not need a free one. */
static void the_databases_own_workers_do_not_count(void **state)
{
    (void)state;
    for (int maintained_first = 0; maintained_first < 2; maintained_first++) {
        struct world world = world_open("gc_interval_us=1", MAE_INDEX_ORDERED, 8, 0);
        const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8};
        struct mae_worker *workers[MAE_WORKERS_MAX], *more = NULL;
        struct mae_index *index;
        struct mae_state now;
        bool seen[MAE_WORKERS_MAX] = {false};
        if (maintained_first && mae_maintenance_start(world.db) == MAE_UNSUPPORTED)
            skip();
        for (unsigned i = 0; i < MAE_WORKERS_MAX; i++) {
            assert_ok(mae_worker_join(world.db, &workers[i]));
            unsigned number = mae_worker_id(workers[i]);
            assert_true(number < MAE_WORKERS_MAX && !seen[number]);
            seen[number] = true;
        }
        assert_status(MAE_FULL, mae_worker_join(world.db, &more));
        if (!maintained_first)
            assert_true(mae_maintenance_start(world.db) != MAE_FULL);
        assert_ok(mae_index_create(world.db, world.table, "more keys", &config, &index));
        mae_db_state(world.db, &now);
        assert_int_equal(now.workers, MAE_WORKERS_MAX);
        for (unsigned i = 0; i < MAE_WORKERS_MAX; i++) { /* each writes, with a number of its own */
            struct one_key one = {.index = index, .key = i};
            assert_ok(mae_run(workers[i], MAE_READ_WRITE, insert_one, &one, 0));
            assert_int_equal(one.number, mae_worker_id(workers[i]));
        }
        world_verify(world.db);
        for (unsigned i = 0; i < MAE_WORKERS_MAX; i++)
            mae_worker_leave(workers[i]);
        world_close(&world);
    }
}

/* T1 for a number whose worker sits in another slot the next time, however far its clock was ahead. */
static void a_number_keeps_its_clock_in_another_slot(void **state)
{
    (void)state;
    struct world world = world_open("clock_sync_us=0", MAE_INDEX_HASH, 8, 2);
    struct mae_worker *own, *next;
    struct mae_txn *txn;
    uint64_t ahead = 0;
    for (int i = 0; i < 1000; i++) { /* each some clock units further, in no time */
        assert_ok(mae_begin(world.workers[1], MAE_READ_WRITE, ahead + (1 << 20), &txn));
        ahead = mae_txn_timestamp(txn);
        assert_ok(mae_commit(txn));
    }
    mae_worker_leave(world.workers[1]);
    assert_ok(worker_join_own(&world.db->core, &own));
    assert_int_equal(own->id, 1);
    assert_int_equal(own->number, HORIZON_NO_NUMBER);
    assert_ok(mae_worker_join(world.db, &next));
    assert_int_equal(next->id, 2);
    assert_int_equal(mae_worker_id(next), 2); /* the slot's is free: taken first */
    mae_worker_leave(next);
    struct mae_worker *joined[MAE_WORKERS_MAX];
    for (unsigned i = 1; i < MAE_WORKERS_MAX; i++) {
        assert_ok(mae_worker_join(world.db, &joined[i]));
        next = mae_worker_id(joined[i]) == 1 ? joined[i] : next;
    }
    assert_int_equal(mae_worker_id(next), 1);
    assert_int_not_equal(next->id, 1);
    assert_ok(mae_begin(next, MAE_READ_WRITE, 0, &txn));
    assert_true(mae_txn_timestamp(txn) > ahead);
    assert_ok(mae_commit(txn));
    for (unsigned i = 1; i < MAE_WORKERS_MAX; i++)
        mae_worker_leave(joined[i]);
    worker_leave(own);
    world.workers[1] = NULL;
    world_close(&world);
}

/* A worker that joins begins above everything that was committed, however far the clocks of others had gone. */
static void a_new_worker_begins_above_the_past(void **state)
{
    (void)state;
    for (int central = 0; central < 2; central++) {
        struct world world = world_open(central ? "timestamps=central" : "clock_sync_us=0", MAE_INDEX_HASH, 8, 1);
        uint64_t last = 0;
        for (int i = 0; i < 20; i++) {
            struct mae_txn *txn;
            assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, last + (UINT64_C(1) << 45), &txn));
            assert_true(mae_txn_timestamp(txn) > last);
            last = mae_txn_timestamp(txn);
            assert_ok(mae_commit(txn));
            struct mae_worker *gone = world.workers[0];
            mae_worker_leave(gone);
            assert_ok(mae_worker_join(world.db, &world.workers[0]));
            assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &txn));
            assert_true(mae_txn_timestamp(txn) > last);
            last = mae_txn_timestamp(txn);
            assert_ok(mae_commit(txn));
        }
        world_close(&world);
    }
}

static uint32_t worker_state(const struct mae_worker *worker)
{
    return atomic_load(&worker->slot->in_txn);
}

struct joiner {
    struct world *world;
    bool parked;
};

static void park_the_joiner(void *arg)
{
    struct joiner *joiner = arg;
    joiner->parked = worker_park_other(joiner->world->workers[0], 1);
}

/* It counts already, but has not taken the clock yet that a thread which parks it would keep for the slot. */
static void nobody_parks_a_worker_that_joins(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    struct joiner joiner = {&world, false};
    if (world.db->core.horizon.barrier) {
        mae_worker_leave(world.workers[1]);
        at_race(RACE_UNPARK, 2, park_the_joiner, &joiner);
        assert_ok(mae_worker_join(world.db, &world.workers[1]));
        assert_int_equal(world.workers[1]->id, 1);
        assert_false(joiner.parked);
        park_the_joiner(&joiner);
        assert_true(joiner.parked);
    }
    world_close(&world);
}

/* While it works it is no silent worker, whose garbage another thread may take. */
static void nobody_parks_the_maintenance_worker_at_work(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    static const enum race_point points[] = {RACE_UNPARK, RACE_PUBLISH_QUIESCENT}; /* without the leader's lock */
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 1);
        struct joiner joiner = {&world, false};
        uint64_t last_wts[HORIZON_SLOTS] = {0};
        struct mae_worker *maintainer;
        if (world.db->core.horizon.barrier) {
            assert_ok(worker_join_own(&world.db->core, &maintainer));
            assert_int_equal(maintainer->id, 1);
            worker_park(maintainer);
            at_race(points[i], points[i] == RACE_UNPARK ? 2 : 1, park_the_joiner, &joiner);
            upkeep_round(maintainer, last_wts);
            assert_false(joiner.parked);
            assert_false(at_race_cancel());
            db_worker_leave(maintainer);
        }
        world_close(&world);
    }
}

static void an_idle_worker_wakes_up_above_the_others(void **state)
{
    (void)state;
    struct world world = world_open("clock_sync_us=0", MAE_INDEX_HASH, 8, 2);
    struct mae_txn *txn;
    mae_worker_idle(world.workers[1]);
    assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, UINT64_C(1) << 45, &txn));
    uint64_t ts = mae_txn_timestamp(txn);
    assert_ok(mae_commit(txn));
    mae_worker_idle(world.workers[0]); /* publishes its clock */
    assert_ok(mae_begin(world.workers[1], MAE_READ_WRITE, 0, &txn));
    assert_true(mae_txn_timestamp(txn) > ts);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/*
 * T1 across parking by another, leaving and joining: a worker runs ahead of its counter, is parked before it publishes
 * that, leaves, and the worker that joins with its id is asked for the same place.
 */
static void an_id_that_is_used_again_repeats_no_timestamp(void **state)
{
    (void)state;
    for (int central = 0; central < 2; central++) {
        struct world world = world_open(
            central ? "timestamps=central gc_interval_us=10000000" : "gc_interval_us=10000000", MAE_INDEX_HASH, 8, 2);
        uint64_t ahead = 0, last_wts[HORIZON_SLOTS] = {0}, row = new_row(world.workers[0], world.table, 0);
        struct mae_worker *maintainer;
        struct mae_txn *txn;
        assert_ok(worker_join_own(&world.db->core, &maintainer));
        worker_park(maintainer);
        for (int i = 0; i < 10; i++) {
            ahead += UINT64_C(1) << 44;
            assert_ok(mae_begin(world.workers[1], MAE_READ_WRITE, ahead, &txn));
            uint64_t ts = mae_txn_timestamp(txn);
            assert_ok(row_add(txn, world.table, row, 1));
            assert_ok(mae_commit(txn));
            upkeep_round(maintainer, last_wts);
            upkeep_round(maintainer, last_wts); /* silent since the last one: parks it */
            mae_worker_leave(world.workers[1]);
            assert_ok(mae_worker_join(world.db, &world.workers[1]));
            assert_ok(mae_begin(world.workers[1], MAE_READ_WRITE, ahead, &txn));
            assert_true(mae_txn_timestamp(txn) > ts);
            ts = mae_txn_timestamp(txn);
            assert_ok(row_set(txn, world.table, row, 100));
            assert_ok(mae_commit(txn));
            assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, ts, &txn));
            uint64_t value = 0;
            assert_ok(row_get(txn, world.table, row, &value));
            assert_int_equal(value, 100);
            assert_ok(mae_commit(txn));
        }
        mae_worker_leave(maintainer);
        world_close(&world);
    }
}

/* What cannot be a timestamp is refused, leaves no trace, and does not hold the horizon. */
static void after_leads_no_further_than_an_hour(void **state)
{
    (void)state;
    const uint64_t wrong[] = {UINT64_MAX, UINT64_MAX - 255, UINT64_C(1) << 63, UINT64_C(1) << 60, UINT64_C(1) << 55};
    for (int central = 0; central < 2; central++) {
        struct world world = world_open(central ? "timestamps=central" : "clock_sync_us=1", MAE_INDEX_HASH, 8, 2);
        uint64_t row = new_row(world.workers[0], world.table, 0), before = 0;
        struct mae_state horizons;
        mae_db_state(world.db, &horizons);
        const uint64_t hour = (uint64_t)(3600e6 * horizons.ticks_per_us) << 8;
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            struct mae_txn *txn = begin(world.workers[0]);
            before = mae_txn_timestamp(txn);
            assert_ok(mae_commit(txn));
            assert_status(MAE_INVALID, mae_begin(world.workers[i % 2], MAE_READ_WRITE, wrong[i], &txn));
            assert_int_equal(worker_state(world.workers[i % 2]), 0);
            txn = begin(world.workers[i % 2]);
            assert_true(mae_txn_timestamp(txn) < before + hour);
            assert_ok(row_add(txn, world.table, row, 1));
            assert_ok(mae_commit(txn));
        }
        /* What one worker was allowed, another may follow. */
        struct mae_txn *txn;
        for (int i = 0; i < 8; i++) {
            assert_ok(mae_begin(world.workers[i % 2], MAE_READ_WRITE, before + hour / 2, &txn));
            before = mae_txn_timestamp(txn);
            assert_ok(mae_commit(txn));
            mae_worker_idle(world.workers[i % 2]);
        }
        world_close(&world);
    }
}

static void leaving_aborts_what_runs(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 5), fresh;
    void *data;
    struct mae_txn *txn = begin(world.workers[1]);
    assert_ok(row_add(txn, world.table, row, 1));
    assert_ok(mae_row_insert(txn, world.table, 8, &fresh, &data));
    mae_worker_leave(world.workers[1]);
    world.workers[1] = NULL;
    assert_int_equal(row_value(world.workers[0], world.table, row), 5);
    struct mae_space space;
    mae_table_space(world.table, &space);
    assert_int_equal(space.versions, 1);
    mae_worker_leave(NULL);
    world_close(&world);
}

/* The counters of an id go on when the next worker takes it, so that sums over the database only grow. */
static void counters_survive_their_worker(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    uint64_t row = new_row(world.workers[0], world.table, 0), commits = 1;
    for (int i = 0; i < 5; i++) {
        for (int n = 0; n < 10; n++, commits++)
            (void)row_value(world.workers[0], world.table, row);
        assert_int_equal(db_counter(world.db, "commits"), commits);
        mae_worker_leave(world.workers[0]);
        assert_int_equal(db_counter(world.db, "commits"), commits);
        assert_ok(mae_worker_join(world.db, &world.workers[0]));
        assert_int_equal(worker_counter(world.workers[0], "commits"), commits);
    }
    world_close(&world);
}

static void row_ids_pass_to_the_next_worker(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    (void)new_row(world.workers[0], world.table, 0);
    uint64_t limit = mae_table_row_limit(world.table);
    for (uint64_t i = 1; i < limit; i++) { /* the rest of the first chunk, each by a worker of its own */
        mae_worker_leave(world.workers[0]);
        assert_ok(mae_worker_join(world.db, &world.workers[0]));
        assert_true(new_row(world.workers[0], world.table, i) < limit);
    }
    assert_int_equal(mae_table_row_limit(world.table), limit);
    world_close(&world);
}

static void allocators_are_made_when_needed(void **state)
{
    (void)state;
    /* Each table reserves addresses for all that it may ever hold; valgrind has too few for forty of this machine's. */
    struct mae_db *db = world_db("memory_limit=256M");
    struct mae_worker *worker;
    assert_ok(mae_worker_join(db, &worker));
    for (int i = 0; i < 40; i++) { /* tables made after the worker has joined */
        const struct mae_table_config config = {.payload_max_bytes = 8};
        struct mae_table *table;
        char name[20];
        snprintf(name, sizeof name, "table %d", i);
        assert_ok(mae_table_create(db, name, &config, &table));
        assert_int_equal(row_value(worker, table, new_row(worker, table, 3)), 3);
        assert_non_null(worker_rows(worker, &table->rows));
        assert_ptr_equal(worker_rows(worker, &table->rows), worker_rows(worker, &table->rows));
    }
    mae_worker_leave(worker);
    world_verify(db);
    mae_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_and_fifty_six_workers_then_full),
        cmocka_unit_test(the_databases_own_workers_do_not_count),
        cmocka_unit_test(a_number_keeps_its_clock_in_another_slot),
        cmocka_unit_test(a_new_worker_begins_above_the_past),
        cmocka_unit_test(nobody_parks_a_worker_that_joins),
        cmocka_unit_test(nobody_parks_the_maintenance_worker_at_work),
        cmocka_unit_test(an_idle_worker_wakes_up_above_the_others),
        cmocka_unit_test(an_id_that_is_used_again_repeats_no_timestamp),
        cmocka_unit_test(after_leads_no_further_than_an_hour),
        cmocka_unit_test(leaving_aborts_what_runs),
        cmocka_unit_test(counters_survive_their_worker),
        cmocka_unit_test(row_ids_pass_to_the_next_worker),
        cmocka_unit_test(allocators_are_made_when_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
