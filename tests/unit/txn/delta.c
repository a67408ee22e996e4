/*
 * delta.c - commit-time updates: what they conflict with, in which order they count, who computes the value and when.
 *
 * Some workers on one thread; the order of begin is the order of timestamps, so every outcome is certain. Catches the
 * mutations delta_below_unraised, delta_resolved_twice, delta_cut_early, delta_freed_early, delta_read_unchecked,
 * delta_chain_grows, delta_fold_forgets, delta_fold_passes, delta_item_by_item, delta_values_all and
 * undo_read_forgotten.
 */
#include "tests/support/world.h"

#include <stdatomic.h>

#include "engine/db/db.h"
#include "engine/txn/resolve.h"
#include "engine/txn/worker.h"

enum { TEXT_AT = 16, PAYLOAD_MAX = 64 };

static struct world open_world(const char *options)
{
    return world_open(options, MAE_INDEX_HASH, PAYLOAD_MAX, 3);
}

static enum mae_status add(struct mae_txn *txn, struct mae_table *table, uint64_t row, int64_t n)
{
    return mae_row_apply(txn, table, row, MAE_ADD, 0, &n, sizeof n);
}

static enum mae_status append(struct mae_txn *txn, struct mae_table *table, uint64_t row, const char *text)
{
    return mae_row_apply(txn, table, row, MAE_APPEND, 0, text, strlen(text));
}

static void add_alone(const struct world *world, unsigned worker, uint64_t row, int64_t n)
{
    struct mae_txn *txn = begin(world->workers[worker]);
    assert_ok(add(txn, world->table, row, n));
    assert_ok(mae_commit(txn));
}

/* The text behind the first word. */
static void check_text(const struct world *world, uint64_t row, const char *expected)
{
    const void *data;
    size_t bytes;
    struct mae_txn *txn = begin(world->workers[0]);
    assert_ok(mae_row_read(txn, world->table, row, &data, &bytes));
    assert_int_equal(bytes, 8 + strlen(expected));
    assert_memory_equal((const char *)data + 8, expected, strlen(expected));
    assert_ok(mae_commit(txn));
}

/* ---- Conflicts. ---- */

static void appliers_do_not_conflict(void **state)
{
    (void)state;
    struct world world = open_world("");
    uint64_t row = new_row(world.workers[0], world.table, 100);
    struct mae_txn *txns[3];
    for (unsigned i = 0; i < 3; i++)
        txns[i] = begin(world.workers[i]);
    for (unsigned i = 3; i-- > 0;) { /* the later one first: the others come below it */
        assert_ok(add(txns[i], world.table, row, 1 << i));
        assert_ok(append(txns[i], world.table, row, i == 0 ? "a" : i == 1 ? "b" : "c"));
        assert_ok(mae_commit(txns[i]));
    }
    assert_int_equal(db_counter(world.db, "deltas"), 3);
    assert_int_equal(db_counter(world.db, "deltas_resolved"), 0);
    check_text(&world, row, "abc"); /* in the order of timestamps */
    assert_int_equal(row_value(world.workers[0], world.table, row), 107);
    assert_int_equal(db_counter(world.db, "deltas_resolved"), 3);
    world_close(&world);
}

/* CU1. What has been read is final, down to the version from which the first value came. */
static void a_value_that_was_read_stays(void **state)
{
    (void)state;
    for (unsigned later = 0; later < 3; later++) {
        struct world world = open_world("");
        uint64_t row = new_row(world.workers[0], world.table, 100), value;
        struct mae_txn *early = begin(world.workers[0]);
        for (unsigned i = 0; i < later; i++)
            add_alone(&world, 1, row, 10);
        struct mae_txn *reader = begin(world.workers[2]);
        assert_ok(row_get(reader, world.table, row, &value));
        assert_int_equal(value, 100 + 10 * later);
        assert_ok(mae_commit(reader));
        assert_status(MAE_ABORT_RTS, add(early, world.table, row, 1));
        mae_abort(early);
        assert_int_equal(row_value(world.workers[0], world.table, row), 100 + 10 * later);
        world_close(&world);
    }
}

/* The same for one that has looked before the read, and comes to its commit after it. */
static void a_value_that_was_read_stays_before_the_commit_of_others(void **state)
{
    (void)state;
    struct world world = open_world("");
    uint64_t row = new_row(world.workers[0], world.table, 100), value;
    struct mae_txn *early = begin(world.workers[0]);
    assert_ok(add(early, world.table, row, 1));
    add_alone(&world, 1, row, 10);
    struct mae_txn *reader = begin(world.workers[2]);
    assert_ok(row_get(reader, world.table, row, &value));
    assert_int_equal(value, 110);
    assert_status(MAE_ABORT_INSTALL, mae_commit(early));
    assert_ok(mae_commit(reader));
    assert_int_equal(row_value(world.workers[0], world.table, row), 110);
    world_close(&world);
}

static void other_writes_keep_their_places(void **state)
{
    (void)state;
    struct world world = open_world("");
    uint64_t row = new_row(world.workers[0], world.table, 100);
    struct mae_txn *below = begin(world.workers[0]), *blind = begin(world.workers[1]);
    add_alone(&world, 2, row, 1);
    assert_ok(row_set(blind, world.table, row, 50)); /* below an addition that nobody has read yet */
    assert_ok(mae_commit(blind));
    assert_ok(add(below, world.table, row, 1000)); /* and what is added below a blind write does not show */
    assert_ok(mae_commit(below));
    assert_int_equal(row_value(world.workers[0], world.table, row), 51);
    assert_ok(row_add(below = begin(world.workers[0]), world.table, row, 2));
    assert_ok(mae_commit(below));
    add_alone(&world, 1, row, 4);
    assert_int_equal(row_value(world.workers[0], world.table, row), 57);
    world_close(&world);
}

static void deleted_rows_are_not_changed(void **state)
{
    (void)state;
    struct world world = open_world("");
    uint64_t row = new_row(world.workers[0], world.table, 100), other = new_row(world.workers[0], world.table, 100);
    struct mae_txn *deletes = begin(world.workers[0]), *late = begin(world.workers[1]);
    assert_ok(add(late, world.table, row, 1));
    assert_ok(mae_row_delete(deletes, world.table, row));
    assert_ok(mae_commit(deletes));
    assert_status(MAE_ABORT_INSTALL, mae_commit(late));
    late = begin(world.workers[1]);
    assert_status(MAE_NOT_FOUND, add(late, world.table, row, 1));
    assert_ok(mae_commit(late));
    deletes = begin(world.workers[0]); /* and above a deletion there is no addition */
    add_alone(&world, 1, other, 1);
    enum mae_status status = mae_row_delete(deletes, world.table, other);
    if (status == MAE_OK)
        status = mae_commit(deletes);
    else
        mae_abort(deletes);
    assert_true(mae_status_is_abort(status));
    assert_int_equal(row_value(world.workers[0], world.table, other), 101);
    world_close(&world);
}

/* ---- In a transaction. ---- */

static void a_transaction_reads_what_it_has_noted(void **state)
{
    (void)state;
    struct world world = open_world("early_abort_newer=off");
    uint64_t row = new_row(world.workers[0], world.table, 100), value;
    void *data;
    const void *old;
    size_t before, after;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(add(txn, world.table, row, 1));
    assert_ok(add(txn, world.table, row, 1));
    add_alone(&world, 1, row, 1000); /* later */
    assert_ok(row_get(txn, world.table, row, &value));
    assert_int_equal(value, 102);
    assert_ok(add(txn, world.table, row, 3)); /* by now an update */
    assert_ok(row_add(txn, world.table, row, 5));
    assert_ok(row_get(txn, world.table, row, &value));
    assert_int_equal(value, 110);
    assert_ok(mae_commit(txn));
    txn = begin(world.workers[0]);
    assert_ok(append(txn, world.table, row, "xy"));
    assert_ok(mae_row_update_sized(txn, world.table, row, 0, &old, &before, &data, &after));
    assert_int_equal(before, 10);
    assert_int_equal(after, 10);
    assert_memory_equal((char *)data + 8, "xy", 2);
    assert_ok(mae_commit(txn));
    assert_int_equal(row_value(world.workers[0], world.table, row), 1110);
    world_close(&world);
}

/* What a transaction reads of a row that it has added to is validated. */
static void such_a_read_is_validated(void **state)
{
    (void)state;
    struct world world = open_world("early_abort_newer=off");
    uint64_t row = new_row(world.workers[0], world.table, 100), other = new_row(world.workers[0], world.table, 0);
    uint64_t value, mark;
    for (unsigned taken_back = 0; taken_back < 2; taken_back++) {
        struct mae_txn *below = begin(world.workers[1]), *txn = begin(world.workers[0]);
        assert_ok(add(txn, world.table, row, 1));
        assert_ok(row_add(txn, world.table, other, 1));
        if (taken_back)
            assert_ok(mae_savepoint(txn, &mark));
        assert_ok(row_get(txn, world.table, row, &value));
        assert_int_equal(value, 101);
        if (taken_back)
            assert_ok(mae_rollback_to(txn, mark));
        assert_ok(add(below, world.table, row, 1));
        assert_ok(mae_commit(below));
        assert_true(mae_status_is_retryable(mae_commit(txn)));
        assert_ok(row_set(txn = begin(world.workers[0]), world.table, row, 100));
        assert_ok(mae_commit(txn));
    }
    world_close(&world);
}

static void noted_operations_are_taken_back(void **state)
{
    (void)state;
    struct world world = open_world("");
    uint64_t row = new_row(world.workers[0], world.table, 100), late = new_row(world.workers[0], world.table, 200);
    uint64_t value, mark;
    for (unsigned reads = 0; reads < 3; reads++) {
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(add(txn, world.table, row, 1));
        assert_ok(mae_savepoint(txn, &mark));
        if (reads == 1)
            assert_ok(row_get(txn, world.table, row, &value));
        assert_ok(add(txn, world.table, row, 10));
        assert_ok(append(txn, world.table, row, "gone"));
        assert_ok(add(txn, world.table, late, 10));
        assert_ok(mae_rollback_to(txn, mark));
        assert_ok(add(txn, world.table, row, 1));
        if (reads == 2) {
            assert_ok(row_get(txn, world.table, late, &value)); /* a read of what the operation had found */
            assert_int_equal(value, 200);
        }
        assert_ok(mae_commit(txn));
        check_text(&world, row, "");
        assert_int_equal(row_value(world.workers[0], world.table, row), 102 + 2 * reads);
        assert_int_equal(row_value(world.workers[0], world.table, late), 200);
    }
    world_close(&world);
}

static void new_rows_and_deleted_ones(void **state)
{
    (void)state;
    struct world world = open_world("");
    uint64_t row = new_row(world.workers[0], world.table, 100), fresh, value;
    void *data;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_row_insert(txn, world.table, 8, &fresh, &data));
    memset(data, 0, 8);
    assert_ok(add(txn, world.table, fresh, 7));
    assert_ok(append(txn, world.table, fresh, "new"));
    assert_ok(add(txn, world.table, row, 7));
    assert_ok(mae_row_delete(txn, world.table, row));
    assert_status(MAE_NOT_FOUND, add(txn, world.table, row, 7));
    assert_status(MAE_NOT_FOUND, row_get(txn, world.table, row, &value));
    assert_ok(mae_commit(txn));
    check_text(&world, fresh, "new");
    assert_int_equal(row_value(world.workers[0], world.table, fresh), 7);
    world_close(&world);
}

static void long_lists_become_updates(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 2000, 1);
    uint64_t row = new_row(world.workers[0], world.table, 0), value;
    static const char text[1000];
    struct mae_txn *txn = begin(world.workers[0]);
    for (size_t i = 0; i < 100; i++) {
        const int64_t one = 1, least = 0;
        assert_ok(mae_row_apply(txn, world.table, row, MAE_ADD, 0, &one, sizeof one));
        assert_ok(mae_row_apply(txn, world.table, row, MAE_MAX, 8, &least, sizeof least));
    }
    assert_ok(mae_row_apply(txn, world.table, row, MAE_APPEND, 0, text, sizeof text));
    assert_ok(mae_row_apply(txn, world.table, row, MAE_APPEND, 0, text, sizeof text));
    assert_ok(row_get(txn, world.table, row, &value));
    assert_int_equal(value, 100);
    const void *data;
    size_t bytes;
    assert_ok(mae_row_read(txn, world.table, row, &data, &bytes));
    assert_int_equal(bytes, 2000);
    assert_ok(mae_commit(txn));
    txn = begin(world.workers[0]);
    assert_ok(mae_row_apply(txn, world.table, row, MAE_APPEND, 0, text, sizeof text));
    assert_ok(mae_commit(txn));
    assert_int_equal(db_counter(world.db, "deltas"), 0);
    world_close(&world);
}

static void bad_calls_are_refused(void **state)
{
    (void)state;
    struct world world = open_world("");
    uint64_t row = new_row(world.workers[0], world.table, 100), value;
    const int64_t one = 1;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_status(MAE_INVALID, mae_row_apply(txn, world.table, row, MAE_ADD, 0, &one, 3));
    assert_status(MAE_INVALID, mae_row_apply(txn, world.table, row, (enum mae_function)7, 0, &one, 8));
    assert_status(MAE_INVALID, mae_row_apply(txn, world.table, row, MAE_APPEND, 1, &one, 8));
    assert_status(MAE_INVALID, mae_row_apply(txn, world.table, row + 1000, MAE_ADD, 0, &one, 8));
    assert_status(MAE_TOO_LARGE, mae_row_apply(txn, world.table, row, MAE_ADD, PAYLOAD_MAX - 7, &one, 8));
    assert_status(MAE_TOO_LARGE, mae_row_apply(txn, world.table, row, MAE_MAX, SIZE_MAX, &one, 8));
    assert_status(MAE_TOO_LARGE, mae_row_apply(txn, world.table, row, MAE_APPEND, 0, &one, PAYLOAD_MAX + 1));
    assert_ok(row_get(txn, world.table, row, &value)); /* it goes on */
    assert_ok(mae_commit(txn));
    assert_status(MAE_INVALID, add(txn, world.table, row, 1));
    txn = begin_snapshot(world.workers[0]);
    assert_status(MAE_READ_ONLY, add(txn, world.table, row, 1));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

static void rows_by_key(void **state)
{
    (void)state;
    struct world world = open_world("");
    const int64_t most = 77;
    const uint64_t key = 5, none = 6;
    uint64_t value;
    new_keys(world.workers[0], world.index, key, 1, 3);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_apply(txn, world.index, &key, MAE_MAX, 0, &most, sizeof most));
    assert_status(MAE_NOT_FOUND, mae_apply(txn, world.index, &none, MAE_MAX, 0, &most, sizeof most));
    assert_status(MAE_TOO_LARGE, mae_apply(txn, world.index, &key, MAE_MAX, PAYLOAD_MAX, &most, sizeof most));
    assert_ok(mae_commit(txn));
    txn = begin(world.workers[0]);
    assert_ok(key_get(txn, world.index, key, &value));
    assert_int_equal(value, 77);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* A row that has lost an entry stays MOVED, and one that loses an entry has its value first (V5). */
static void rows_that_lose_entries(void **state)
{
    (void)state;
    struct world world = open_world("");
    const uint64_t keys[2] = {5, 6};
    const int64_t one = 1;
    uint64_t row, value;
    new_keys(world.workers[0], world.index, keys[0], 1, 3);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_apply(txn, world.index, &keys[0], MAE_ADD, 0, &one, sizeof one));
    assert_ok(mae_index_find(txn, world.index, &keys[0], &row));
    assert_ok(mae_index_remove(txn, world.index, &keys[0], row));
    assert_ok(mae_index_insert(txn, world.index, &keys[1], row));
    assert_ok(mae_commit(txn));
    for (int i = 0; i < 2; i++) {
        txn = begin(world.workers[0]);
        assert_ok(mae_apply(txn, world.index, &keys[1], MAE_ADD, 0, &one, sizeof one));
        assert_ok(mae_commit(txn));
    }
    assert_int_equal(db_counter(world.db, "deltas"), 0);
    txn = begin(world.workers[0]);
    assert_ok(key_get(txn, world.index, keys[1], &value));
    assert_int_equal(value, 6);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* ---- Values that the collector computes, and memory. ---- */

static uint64_t versions_of(const struct world *world)
{
    struct mae_space space;
    mae_table_space(world->table, &space);
    return space.versions;
}

/* CU4 */
static void chains_that_nobody_reads_stay_short(void **state)
{
    (void)state;
    static const char *const options[] = {"gc_interval_us=1", "gc_interval_us=1 settle=off inline_bytes=0",
                                          "gc_interval_us=1 settle=off"};
    for (unsigned i = 0; i < 3; i++) {
        struct world world = open_world(options[i]);
        uint64_t row = new_row(world.workers[0], world.table, 0);
        for (unsigned n = 0; n < 300; n++) {
            add_alone(&world, n % 3, row, 1);
            if (n % 100 == 99)
                settle(&world);
        }
        assert_int_equal(versions_of(&world), 1);
        assert_int_equal(row_value(world.workers[0], world.table, row), 300);
        world_close(&world);
    }
}

/* CU4. A transaction holds the horizon back while two workers add by turns. */
static void one_collector_computes_one_value_for_many(void **state)
{
    (void)state;
    enum { ADDED = RESOLVE_NOTES_MOST - 1 };
    struct world world = open_world("gc_interval_us=1");
    uint64_t row = new_row(world.workers[0], world.table, 0);
    settle(&world);
    struct mae_txn *holds = begin(world.workers[2]);
    for (unsigned n = 0; n < ADDED; n++)
        add_alone(&world, n % 2, row, 1);
    assert_int_equal(db_counter(world.db, "deltas_resolved"), 0);
    assert_ok(mae_commit(holds));
    settle(&world);
    assert_int_equal(versions_of(&world), 1);
    assert_in_range(db_counter(world.db, "deltas_resolved"), 1, ADDED / 2); /* a debug build remembers four at once */
    assert_int_equal(row_value(world.workers[0], world.table, row), ADDED);
    world_close(&world);
}

/* CU4, where nothing can be collected; and values from chains that are deeper than what resolve.c remembers at once. */
static void long_chains_are_computed(void **state)
{
    (void)state;
    enum { ADDED = 50000, LOOKS_MISSED = 30 };
    struct world world = open_world("gc_interval_us=10000000");
    uint64_t row = new_row(world.workers[0], world.table, 0), other = new_row(world.workers[0], world.table, 0);
    for (int i = 1; i <= 200; i++) {
        add_alone(&world, 0, row, i);
        add_alone(&world, 1, other, 1);
    }
    assert_int_equal(row_value(world.workers[0], world.table, row), 200 * 201 / 2);
    unsigned most = 0;
    for (int i = 0; i < ADDED; i++) {
        add_alone(&world, 0, row, 1);
        unsigned notes = i % 16 == 0 ? row_notes(world.table, row) : 0;
        most = notes > most ? notes : most;
    }
    assert_in_range(most, RESOLVE_NOTES_MOST / 2, RESOLVE_NOTES_MOST + LOOKS_MISSED * RESOLVE_LOOK_EACH);
    assert_int_equal(row_value(world.workers[0], world.table, row), 200 * 201 / 2 + ADDED);
    struct mae_txn *snapshot;
    assert_ok(mae_begin(world.workers[2], MAE_SNAPSHOT, mae_worker_last_commit(world.workers[1]), &snapshot));
    uint64_t value;
    assert_ok(row_get(snapshot, world.table, other, &value));
    assert_int_equal(value, 200);
    assert_ok(mae_commit(snapshot));
    world_close(&world);
}

static void a_few_bytes_are_enough_for_a_row(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 1, 1);
    uint64_t row;
    void *data;
    const void *found;
    const int8_t three = 3;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_row_insert(txn, world.table, 1, &row, &data));
    *(int8_t *)data = 1;
    assert_ok(mae_commit(txn));
    for (int i = 0; i < 5; i++) {
        txn = begin(world.workers[0]);
        assert_ok(mae_row_apply(txn, world.table, row, MAE_ADD, 0, &three, 1));
        assert_ok(mae_commit(txn));
        settle(&world);
    }
    txn = begin(world.workers[0]);
    assert_ok(mae_row_read(txn, world.table, row, &found, NULL));
    assert_int_equal(*(const int8_t *)found, 16);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

#ifdef MAE_DEBUG
/* ---- Interleavings. ---- */

struct scene {
    struct world world;
    uint64_t row, value;
};

static void read_meanwhile(void *arg)
{
    struct scene *scene = arg;
    scene->value = row_value(scene->world.workers[1], scene->world.table, scene->row);
}

static void collect_meanwhile(void *arg)
{
    struct scene *scene = arg;
    gc_run(scene->world.workers[1]);
}

/* CU2 */
static void a_value_is_computed_once(void **state)
{
    (void)state;
    struct scene scene = {.world = open_world("gc_interval_us=10000000")};
    scene.row = new_row(scene.world.workers[0], scene.world.table, 0);
    add_alone(&scene.world, 0, scene.row, 250);
    at_race(RACE_CLAIM_DELTA, 1, read_meanwhile, &scene);
    assert_int_equal(row_value(scene.world.workers[0], scene.world.table, scene.row), 250);
    assert_int_equal(scene.value, 250);
    assert_int_equal(db_counter(scene.world.db, "deltas_resolved"), 1);
    world_close(&scene.world);
}

static void compute_second_meanwhile(void *arg)
{
    struct scene *scene = arg;
    struct table *table = &scene->world.table->rows;
    char *row = table_row(table, scene->row);
    const struct version *newest = row_version(table, row, *row_head(table, row));
    version_resolve(scene->world.workers[1], table, row, row_version(table, row, newest->older));
}

/* CU4. A collector has claimed the newest of three, and then a reader that has come up from below computes the second
 * one. */
static void one_value_for_many_goes_on_from_what_others_have_computed(void **state)
{
    (void)state;
    struct scene scene = {.world = open_world("gc_interval_us=1")};
    struct world *world = &scene.world;
    scene.row = new_row(world->workers[0], world->table, 0);
    settle(world);
    struct mae_txn *holds = begin(world->workers[2]);
    for (int n = 1; n <= 100; n *= 10)
        add_alone(world, 0, scene.row, n);
    assert_ok(mae_commit(holds));
    assert_int_equal(row_notes(world->table, scene.row), 3);
    at_race(RACE_CLAIM_DELTA, 2, compute_second_meanwhile, &scene);
    settle(world);
    assert_int_equal(versions_of(world), 1);
    assert_int_equal(db_counter(world->db, "deltas_resolved"), 3);
    assert_int_equal(row_value(world->workers[0], world->table, scene.row), 111);
    world_close(world);
}

/* CU3. A reader is about to look at the version below a DELTA. Then a collector, whose horizon has passed both,
 * resolves the DELTA and cuts off what is below. */
static void who_resolves_stands_on_memory_that_stays(void **state)
{
    (void)state;
    struct scene scene = {.world = open_world("gc_interval_us=1 settle=off")};
    struct world *world = &scene.world;
    scene.row = new_row(world->workers[0], world->table, 1);
    settle(world);
    add_alone(world, 1, scene.row, 2);
    struct mae_worker *collector = world->workers[1];
    const struct gc_queue queue = collector->gc; /* its garbage stays while the horizon moves on */
    memset(&collector->gc, 0, sizeof collector->gc);
    settle(world);
    collector->gc = queue;
    at_race(RACE_READ_VERSION, 3, collect_meanwhile, &scene);
    assert_int_equal(row_value(world->workers[0], world->table, scene.row), 3);
    settle(world);
    world_close(world);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appliers_do_not_conflict),
        cmocka_unit_test(a_value_that_was_read_stays),
        cmocka_unit_test(a_value_that_was_read_stays_before_the_commit_of_others),
        cmocka_unit_test(other_writes_keep_their_places),
        cmocka_unit_test(deleted_rows_are_not_changed),
        cmocka_unit_test(a_transaction_reads_what_it_has_noted),
        cmocka_unit_test(such_a_read_is_validated),
        cmocka_unit_test(noted_operations_are_taken_back),
        cmocka_unit_test(new_rows_and_deleted_ones),
        cmocka_unit_test(long_lists_become_updates),
        cmocka_unit_test(bad_calls_are_refused),
        cmocka_unit_test(rows_by_key),
        cmocka_unit_test(rows_that_lose_entries),
        cmocka_unit_test(chains_that_nobody_reads_stay_short),
        cmocka_unit_test(one_collector_computes_one_value_for_many),
        cmocka_unit_test(long_chains_are_computed),
        cmocka_unit_test(a_few_bytes_are_enough_for_a_row),
#ifdef MAE_DEBUG
        cmocka_unit_test(a_value_is_computed_once),
        cmocka_unit_test(one_value_for_many_goes_on_from_what_others_have_computed),
        cmocka_unit_test(who_resolves_stands_on_memory_that_stays),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
