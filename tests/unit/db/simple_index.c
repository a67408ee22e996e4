/*
 * simple_index.c - ordered indexes with simple_index_update=on: which changes a transaction sees, its own and those of
 * others; when changes are made; that nothing of an aborted transaction stays; and exactly which guarantees the option
 * gives up (engine/db/simple_index.h).
 */
#include "tests/support/world.h"

#include <pthread.h>

static struct world simple_world(const char *options, unsigned workers)
{
    char all[256];
    snprintf(all, sizeof all, "simple_index_update=on gc_interval_us=1 %s", options);
    return world_open(all, MAE_INDEX_ORDERED, sizeof(uint64_t), workers);
}

static bool count_entry(void *arg, const void *key, uint64_t row)
{
    (void)key;
    (void)row;
    ++*(unsigned *)arg;
    return true;
}

static unsigned entries(struct mae_txn *txn, struct mae_index *index)
{
    unsigned count = 0;
    assert_ok(mae_index_scan(txn, index, NULL, NULL, 0, 0, count_entry, &count));
    return count;
}

static void changes_are_made_at_the_commit(void **state)
{
    struct world world = simple_world("", 2);
    uint64_t value, row, key = 7;
    (void)state;
    struct mae_txn *writer = begin(world.workers[0]);
    assert_ok(key_insert(writer, world.index, key, 70));
    assert_status(MAE_EXISTS, key_insert(writer, world.index, key, 71));
    assert_ok(key_get(writer, world.index, key, &value)); /* lookups see own changes */
    assert_int_equal(value, 70);
    assert_ok(mae_index_find(writer, world.index, &key, &row));
    assert_int_equal(entries(writer, world.index), 0); /* scans do not: given up */
    struct mae_txn *other = begin(world.workers[1]);
    assert_status(MAE_NOT_FOUND, key_get(other, world.index, key, &value));
    mae_abort(other);
    assert_ok(mae_commit(writer));

    other = begin(world.workers[1]);
    assert_ok(key_get(other, world.index, key, &value));
    assert_int_equal(value, 70);
    assert_int_equal(entries(other, world.index), 1);
    assert_ok(key_delete(other, world.index, key));
    assert_status(MAE_NOT_FOUND, key_get(other, world.index, key, &value));
    assert_status(MAE_NOT_FOUND, key_delete(other, world.index, key));
    assert_ok(mae_commit(other));
    writer = begin(world.workers[0]);
    assert_int_equal(entries(writer, world.index), 0);
    mae_abort(writer);
    world_close(&world);
}

static void an_abort_leaves_nothing(void **state)
{
    struct world world = simple_world("", 1);
    uint64_t value;
    (void)state;
    new_keys(world.workers[0], world.index, 0, 3, 5);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_insert(txn, world.index, 10, 1));
    assert_ok(key_delete(txn, world.index, 1));
    mae_abort(txn);
    txn = begin(world.workers[0]);
    assert_int_equal(entries(txn, world.index), 3);
    assert_ok(key_get(txn, world.index, 1, &value));
    assert_status(MAE_NOT_FOUND, key_get(txn, world.index, 10, &value));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

static void snapshots_and_doomed_transactions_change_nothing(void **state)
{
    struct world world = simple_world("", 2);
    uint64_t key = 1, row = new_row(world.workers[0], world.table, 0);
    (void)state;
    new_keys(world.workers[0], world.index, 1, 1, 5);
    settle(&world);
    struct mae_txn *txn = begin_snapshot(world.workers[0]);
    assert_status(MAE_READ_ONLY, mae_index_insert(txn, world.index, &(uint64_t){2}, row));
    assert_status(MAE_READ_ONLY, mae_index_remove(txn, world.index, &key, row));
    assert_ok(mae_commit(txn));

    txn = begin(world.workers[0]);
    struct mae_txn *newer = begin(world.workers[1]);
    assert_ok(row_add(newer, world.table, row, 1));
    assert_ok(mae_commit(newer));
    enum mae_status doomed = row_add(txn, world.table, row, 1); /* a newer version is there */
    assert_true(mae_status_is_abort(doomed));
    assert_int_equal(mae_index_insert(txn, world.index, &(uint64_t){2}, row), doomed);
    assert_int_equal(mae_index_remove(txn, world.index, &key, row), doomed);
    mae_abort(txn);
    txn = begin(world.workers[0]);
    assert_int_equal(entries(txn, world.index), 1);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* Two transactions that each miss what the other inserts both commit: the ordered index would abort one. */
/* Whoever changes an entry writes the row to which it leads. */
static void of_two_that_change_one_entry_one_fails(void **state)
{
    (void)state;
    for (int add = 0; add < 2; add++) {
        struct world world = simple_world("", 2);
        const uint64_t key = 1, other = 2;
        uint64_t row;
        new_keys(world.workers[0], world.index, key, 1, 5);
        struct mae_txn *a = begin(world.workers[0]), *b = begin(world.workers[1]);
        assert_ok(mae_index_find(a, world.index, &key, &row));
        for (int i = 0; i < 2; i++)
            assert_ok(add ? mae_index_insert(i ? b : a, world.index, &other, row)
                          : mae_index_remove(i ? b : a, world.index, &key, row));
        assert_ok(mae_commit(a));
        assert_true(mae_status_is_retryable(mae_commit(b)));
        world_close(&world);
    }
}

static void an_entry_that_is_left_is_noticed(void **state)
{
    (void)state;
    struct world world = simple_world("", 2);
    const uint64_t key = 1;
    uint64_t row;
    new_keys(world.workers[0], world.index, key, 1, 5);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_index_find(txn, world.index, &key, &row));
    assert_ok(mae_row_delete(txn, world.table, row));
    assert_status(MAE_CORRUPT, mae_commit(txn));
    txn = begin(world.workers[0]);
    assert_ok(mae_row_delete(txn, world.table, row));
    assert_ok(mae_index_remove(txn, world.index, &key, row));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

struct deletion {
    struct world *world;
    uint64_t row, after; /* its place in the order is behind that one: workers' clocks may differ */
    enum mae_status status;
};

/* Deletes the row and removes what entries it finds. */
static enum mae_status delete_with_entries(struct mae_txn *txn, void *arg)
{
    const struct deletion *deletion = arg;
    enum mae_status status = MAE_OK;
    for (uint64_t key = 1; key <= 2 && status == MAE_OK; key++) {
        status = mae_index_remove(txn, deletion->world->index, &key, deletion->row);
        if (status == MAE_NOT_FOUND)
            status = MAE_OK;
    }
    return status == MAE_OK ? mae_row_delete(txn, deletion->world->table, deletion->row) : status;
}

static void delete_in_between(void *arg)
{
    struct deletion *deletion = arg;
    deletion->status =
        mae_run_after(deletion->world->workers[1], MAE_READ_WRITE, deletion->after, delete_with_entries, deletion, 1);
}

/* Whoever sees the row as a transaction has left it finds the entries that the transaction has added. */
static void entries_come_before_the_rows_that_count_them(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    for (unsigned n = 1; n <= 4; n++) { /* the deletion comes before the decision, and before and behind each row's */
        struct world world = simple_world("pending=abort", 2);
        const uint64_t key = 1, added = 2;
        struct deletion deletion = {.world = &world, .status = MAE_ABORT_USER};
        uint64_t last = new_row(world.workers[0], world.table, 0);
        new_keys(world.workers[0], world.index, key, 1, 5);
        struct mae_txn *txn = begin(world.workers[0]);
        deletion.after = mae_txn_timestamp(txn);
        assert_ok(mae_index_find(txn, world.index, &key, &deletion.row));
        assert_ok(mae_index_insert(txn, world.index, &added, deletion.row));
        assert_ok(row_add(txn, world.table, last, 1));
        at_race(RACE_DECIDE, n, delete_in_between, &deletion);
        assert_ok(mae_commit(txn));
        if (at_race_cancel())
            delete_in_between(&deletion);
        /* While the row is undecided the deletion fails; after that it finds both entries. */
        assert_true(deletion.status == MAE_OK || mae_status_is_retryable(deletion.status));
        assert_true(n > 1 || deletion.status != MAE_OK);
        assert_true(n < 4 || deletion.status == MAE_OK);
        world_close(&world);
    }
}

static void there_is_no_phantom_protection(void **state)
{
    struct world world = simple_world("", 2);
    uint64_t value;
    (void)state;
    struct mae_txn *a = begin(world.workers[0]), *b = begin(world.workers[1]);
    assert_int_equal(entries(a, world.index), 0);
    assert_int_equal(entries(b, world.index), 0);
    assert_status(MAE_NOT_FOUND, key_get(a, world.index, 2, &value));
    assert_status(MAE_NOT_FOUND, key_get(b, world.index, 1, &value));
    assert_ok(key_insert(a, world.index, 1, 0));
    assert_ok(key_insert(b, world.index, 2, 0));
    assert_ok(mae_commit(a));
    assert_ok(mae_commit(b));
    world_close(&world);
}

/* Rows keep their guarantee: a read of a row that changes meanwhile does not commit. */
static void rows_are_validated_all_the_same(void **state)
{
    struct world world = simple_world("", 2);
    uint64_t value;
    (void)state;
    new_keys(world.workers[0], world.index, 1, 2, 0);
    struct mae_txn *a = begin(world.workers[0]), *b = begin(world.workers[1]);
    assert_ok(key_get(a, world.index, 1, &value));
    assert_ok(key_get(b, world.index, 2, &value));
    assert_ok(key_add(a, world.index, 2, 1));
    assert_ok(key_add(b, world.index, 1, 1));
    enum mae_status first = mae_commit(a), second = mae_commit(b);
    assert_true((first == MAE_OK) != (second == MAE_OK));
    world_close(&world);
}

/* An entry whose row a snapshot does not see: there is no such row for it, and it goes on. */
static void a_snapshot_never_aborts(void **state)
{
    struct world world = simple_world("", 2);
    uint64_t value;
    (void)state;
    new_keys(world.workers[0], world.index, 1, 1, 11);
    settle(&world);
    struct mae_txn *held = begin(world.workers[1]); /* holds the horizon back */
    struct mae_txn *writer = begin(world.workers[0]);
    assert_ok(key_insert(writer, world.index, 2, 22));
    assert_ok(mae_commit(writer));
    struct mae_txn *snapshot = begin_snapshot(world.workers[0]);
    assert_int_equal(entries(snapshot, world.index), 2);
    assert_status(MAE_NOT_FOUND, key_get(snapshot, world.index, 2, &value));
    assert_ok(key_get(snapshot, world.index, 1, &value));
    assert_int_equal(value, 11);
    assert_status(MAE_READ_ONLY, key_insert(snapshot, world.index, 3, 0));
    assert_ok(mae_commit(snapshot));
    mae_abort(held);
    world_close(&world);
}

/* A read-write transaction that meets a row it is too early for runs again, rather than miss a key that is there. */
static void an_entry_ahead_of_its_reader_aborts_it(void **state)
{
    struct world world = simple_world("", 2);
    uint64_t value;
    (void)state;
    struct mae_txn *early = begin(world.workers[1]);
    struct mae_txn *writer = begin(world.workers[0]);
    assert_ok(key_insert(writer, world.index, 2, 22));
    assert_ok(mae_commit(writer));
    assert_status(MAE_ABORT_INDEX, key_get(early, world.index, 2, &value));
    assert_status(MAE_ABORT_INDEX, mae_commit(early));
    world_close(&world);
}

static void space_and_memory_count_the_nodes(void **state)
{
    struct world world = simple_world("", 1);
    struct mae_space space;
    struct mae_memory before, after;
    (void)state;
    mae_db_memory(world.db, &before);
    new_keys(world.workers[0], world.index, 0, 20000, 1);
    mae_index_space(world.index, &space);
    assert_in_range(space.row_bytes, 20000 * 16, 20000 * 64);
    mae_db_memory(world.db, &after);
    assert_true(after.resident_bytes >= before.resident_bytes + 20000 * 16);
    world_close(&world);
}

/* ---- Threads: keys of one's own come and go, everyone looks at everyone's. ---- */

enum { KEYS = 512, THREADS = 4 };

struct actor {
    struct world *world;
    struct mae_worker *worker;
    unsigned number;
    uint64_t start_ns, random, commits;
    bool there[KEYS];
    enum mae_status failure;
    bool wrong_row;
};

struct toggle {
    struct actor *actor;
    uint64_t key, look;
    bool insert, wrong_row;
};

static enum mae_status toggle_body(struct mae_txn *txn, void *arg)
{
    struct toggle *toggle = arg;
    struct mae_index *index = toggle->actor->world->index;
    uint64_t value;
    enum mae_status status = key_get(txn, index, toggle->look, &value);
    toggle->wrong_row = status == MAE_OK && value != toggle->look; /* an entry led to a row used again */
    if (status != MAE_OK && status != MAE_NOT_FOUND)
        return status;
    return toggle->insert ? key_insert(txn, index, toggle->key, toggle->key) : key_delete(txn, index, toggle->key);
}

static void *act(void *arg)
{
    struct actor *actor = arg;
    while (actor->failure == MAE_OK && (actor->commits == 0 || time_left(actor->start_ns, stress_ms() / 4))) {
        uint64_t i = random_below(&actor->random, KEYS);
        struct toggle toggle = {.actor = actor,
                                .key = i * THREADS + actor->number,
                                .look = random_below(&actor->random, KEYS * THREADS),
                                .insert = !actor->there[i]};
        actor->failure = mae_run(actor->worker, MAE_READ_WRITE, toggle_body, &toggle, 0);
        actor->wrong_row |= actor->failure == MAE_OK && toggle.wrong_row;
        actor->there[i] = toggle.insert;
        actor->commits++;
    }
    mae_worker_idle(actor->worker);
    return NULL;
}

static void keys_come_and_go_below_many_workers(void **state)
{
    struct world world = simple_world("", THREADS);
    struct actor actors[THREADS];
    uint64_t seed = seed_from_environment(), value;
    unsigned expected = 0;
    (void)state;
    memset(actors, 0, sizeof actors);
    for (unsigned i = 0; i < THREADS; i++)
        actors[i] = (struct actor){
            .world = &world, .worker = world.workers[i], .number = i, .start_ns = monotonic_ns(), .random = seed + i};
    run_threads(THREADS, act, actors, sizeof actors[0]);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_ok(actors[i].failure);
        assert_false(actors[i].wrong_row);
        assert_true(actors[i].commits > 0);
        struct mae_txn *txn = begin(world.workers[0]);
        for (unsigned k = 0; k < KEYS; k++) {
            expected += actors[i].there[k];
            assert_int_equal(key_get(txn, world.index, (uint64_t)k * THREADS + i, &value) == MAE_OK,
                             actors[i].there[k]);
        }
        assert_ok(mae_commit(txn));
    }
    struct mae_txn *txn = begin(world.workers[0]);
    assert_int_equal(entries(txn, world.index), expected);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_made_at_the_commit),
        cmocka_unit_test(an_abort_leaves_nothing),
        cmocka_unit_test(snapshots_and_doomed_transactions_change_nothing),
        cmocka_unit_test(of_two_that_change_one_entry_one_fails),
        cmocka_unit_test(an_entry_that_is_left_is_noticed),
        cmocka_unit_test(entries_come_before_the_rows_that_count_them),
        cmocka_unit_test(there_is_no_phantom_protection),
        cmocka_unit_test(rows_are_validated_all_the_same),
        cmocka_unit_test(a_snapshot_never_aborts),
        cmocka_unit_test(an_entry_ahead_of_its_reader_aborts_it),
        cmocka_unit_test(space_and_memory_count_the_nodes),
        cmocka_unit_test(keys_come_and_go_below_many_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
