/* stats.c - counters, space and state say what happened. */
#include "engine/db/db.h"

#include "tests/support/world.h"

static void every_counter_describes_itself(void **state)
{
    (void)state;
    assert_null(mae_counter_info(mae_counter_count()));
    for (size_t i = 0; i < mae_counter_count(); i++) {
        const struct mae_counter_info *info = mae_counter_info(i);
        assert_true(info->name[0] && info->unit[0] && info->help[0]);
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(info->name, mae_counter_info(other)->name);
    }
}

static void counters_count_what_happens(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 0), value;
    for (int i = 0; i < 3; i++)
        (void)row_value(world.workers[1], world.table, row);
    for (int i = 0; i < 2; i++)
        mae_abort(begin(world.workers[0]));
    struct mae_txn *txn = begin_snapshot(world.workers[1]);
    assert_ok(mae_commit(txn));
    txn = begin(world.workers[0]);
    assert_ok(row_get(txn, world.table, row, &value));
    assert_ok(mae_commit(txn));
    assert_int_equal(worker_counter(world.workers[0], "commits"), 2);
    assert_int_equal(worker_counter(world.workers[1], "commits"), 3);
    assert_int_equal(worker_counter(world.workers[0], "aborts_user"), 2);
    assert_int_equal(worker_counter(world.workers[1], "snapshots"), 1);
    assert_int_equal(db_counter(world.db, "commits"), 5);
    assert_int_equal(db_counter(world.db, "snapshots"), 1);
    world_close(&world);
}

static void space_counts_rows_versions_and_bytes(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=10000000", MAE_INDEX_HASH, 100, 2);
    struct mae_space space;
    uint64_t rows[10];
    mae_table_space(world.table, &space);
    assert_int_equal(space.rows + space.versions + space.row_bytes + space.payload_bytes, 0);
    for (uint64_t i = 0; i < 10; i++)
        rows[i] = new_row(world.workers[0], world.table, i);
    mae_table_space(world.table, &space);
    assert_int_equal(space.rows, 10);
    assert_int_equal(space.versions, 10);
    assert_int_equal(space.inlined_versions, 10);
    assert_int_equal(space.unused_inline_slots, 0);
    assert_int_equal(space.payload_bytes, 80);
    assert_int_equal(space.row_bytes, 10 * 128); /* 100 bytes of payload: two cache lines a row */
    assert_int_equal(space.version_bytes, 0);

    struct mae_txn *txn = begin(world.workers[0]);
    void *data;
    assert_ok(mae_row_update(txn, world.table, rows[0], 100, NULL, &data));
    assert_ok(mae_row_delete(txn, world.table, rows[1]));
    assert_ok(mae_commit(txn));
    mae_table_space(world.table, &space);
    assert_int_equal(space.rows, 9);
    assert_int_equal(space.versions, 12); /* the old ones, the new one, and the tombstone */
    assert_int_equal(space.inlined_versions, 10);
    assert_int_equal(space.payload_bytes, 8 * 8 + 100);
    assert_int_equal(space.version_bytes, 128 + 32);
    world_close(&world);
}

/* An aborted version on top does not hide the row below it. */
static void space_looks_below_aborted_versions(void **state)
{
    (void)state;
    struct world world = world_open("precheck=off sort_writes=off gc_interval_us=10000000", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 0), other = new_row(world.workers[0], world.table, 0);
    struct mae_txn *first = begin(world.workers[0]), *second = begin(world.workers[1]);
    assert_ok(row_add(second, world.table, row, 1));
    assert_ok(row_add(second, world.table, other, 1));
    assert_ok(row_add(first, world.table, other, 1));
    assert_ok(mae_commit(first));
    assert_status(MAE_ABORT_INSTALL, mae_commit(second));
    struct mae_space space;
    mae_table_space(world.table, &space);
    assert_int_equal(space.rows, 2);
    assert_int_equal(space.payload_bytes, 16);
    assert_int_equal(space.versions, 4);
    world_close(&world);
}

static void index_space_counts_nodes(void **state)
{
    (void)state;
    for (int kind = MAE_INDEX_HASH; kind <= MAE_INDEX_ORDERED; kind++) {
        struct world world = world_open("", (enum mae_index_kind)kind, 8, 1);
        struct mae_space before, after;
        mae_index_space(world.index, &before);
        new_keys(world.workers[0], world.index, 0, 10000, 0);
        mae_index_space(world.index, &after);
        assert_true(after.rows > before.rows + 100);
        assert_true(after.row_bytes + after.version_bytes > before.row_bytes + before.version_bytes + 10000 * 16);
        world_close(&world);
    }
}

/* Two transactions at a time on few keys: many fail, in every phase. Returns how many. */
static unsigned work_on_few_keys(struct world *world, uint64_t *random)
{
    unsigned aborts = 0;
    for (int i = 0; i < 3000; i++) {
        struct mae_txn *txn[2] = {begin(world->workers[0]), begin(world->workers[1])};
        bool failed[2] = {false, false};
        for (int step = 0; step < 6; step++) {
            uint64_t key = random_below(random, 40);
            size_t bytes = 8 + random_below(random, 190);
            int t = step % 2;
            void *data;
            if (failed[t])
                continue;
            enum mae_status status = random_below(random, 4)
                                         ? mae_update(txn[t], world->index, &key, bytes, NULL, &data)
                                         : mae_delete(txn[t], world->index, &key);
            if (status == MAE_NOT_FOUND)
                status = mae_insert(txn[t], world->index, &key, bytes, NULL, &data);
            failed[t] = status != MAE_OK;
        }
        for (int t = 1; t >= 0; t--) {
            if (failed[t] || random_below(random, 10) == 0) {
                mae_abort(txn[t]);
                aborts++;
            } else {
                aborts += mae_commit(txn[t]) != MAE_OK;
            }
        }
    }
    return aborts;
}

/* What is made, not discarded and not reclaimed is there: in the rows and in the nodes of the index. */
static void versions_add_up(void **state)
{
    (void)state;
    for (int setting = 0; setting < 4; setting++) {
        struct world world =
            world_open(setting % 2 ? "gc_interval_us=1" : "gc_interval_us=1 inline_bytes=0 precheck=off",
                       setting / 2 ? MAE_INDEX_ORDERED : MAE_INDEX_HASH, 200, 2);
        uint64_t random = seed_from_environment();
        assert_true(work_on_few_keys(&world, &random) > 100);
        settle(&world);
        struct mae_space rows, nodes;
        mae_table_space(world.table, &rows);
        mae_index_space(world.index, &nodes);
        assert_int_equal(rows.versions + nodes.versions,
                         db_counter(world.db, "inlined_writes") + db_counter(world.db, "pool_writes") +
                             db_counter(world.db, "settled") - db_counter(world.db, "versions_discarded") -
                             db_counter(world.db, "versions_reclaimed"));
        world_close(&world);
    }
}

static void state_shows_workers_and_horizons(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 3);
    struct mae_state first, second;
    (void)new_row(world.workers[0], world.table, 0);
    settle(&world);
    mae_db_state(world.db, &first);
    assert_int_equal(first.workers, 3);
    assert_true(first.ticks_per_us > 1);
    assert_true(first.min_rts > 0 && first.min_rts < first.min_wts);
    settle(&world);
    mae_db_state(world.db, &second);
    assert_true(second.min_wts > first.min_wts && second.min_rts > first.min_rts);
    world_leave(&world);
    mae_db_state(world.db, &second);
    assert_int_equal(second.workers, 0);
    world.worker_count = 0;
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_describes_itself),
        cmocka_unit_test(counters_count_what_happens),
        cmocka_unit_test(space_counts_rows_versions_and_bytes),
        cmocka_unit_test(space_looks_below_aborted_versions),
        cmocka_unit_test(index_space_counts_nodes),
        cmocka_unit_test(versions_add_up),
        cmocka_unit_test(state_shows_workers_and_horizons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
