/*
 * cursor.c - cursors over ordered indexes, and visitors with a status: what a transaction may do between two calls, and
 * what protects what was passed. tests/model/keys.c changes the index at random under a cursor.
 */
#include "tests/support/world.h"

enum { SPREAD = 10, MANY = 400 }; /* MANY keys need some leaves */

static struct world many_keys(const char *options)
{
    struct world world = world_open(options, MAE_INDEX_ORDERED, 8, 2);
    for (uint64_t i = 0; i < MANY; i++)
        new_keys(world.workers[0], world.index, i * SPREAD, 1, i);
    return world;
}

static struct mae_cursor *open_cursor(struct mae_txn *txn, struct mae_index *index, const uint64_t *lo,
                                      const uint64_t *hi, unsigned flags)
{
    struct mae_cursor *cursor;
    assert_ok(mae_cursor_open(txn, index, lo, hi, flags, &cursor));
    return cursor;
}

/* The next key, or UINT64_MAX at the end. */
static uint64_t next_key(struct mae_cursor *cursor)
{
    const void *key;
    uint64_t row, number;
    enum mae_status status = mae_cursor_next(cursor, &key, &row);
    if (status == MAE_NOT_FOUND)
        return UINT64_MAX;
    assert_ok(status);
    memcpy(&number, key, sizeof number);
    return number;
}

/* Of the keys 0, SPREAD, 2 SPREAD ...: those from lo (0: an open end) to hi. */
static void check_range(struct world *world, uint64_t lo, uint64_t hi, unsigned flags)
{
    const bool has_hi = hi < MANY * SPREAD;
    struct mae_txn *txn = begin(world->workers[0]);
    struct mae_cursor *cursor = open_cursor(txn, world->index, lo ? &lo : NULL, has_hi ? &hi : NULL, flags);
    uint64_t keys[MANY], count = 0;
    for (uint64_t key = 0; key < MANY * SPREAD; key += SPREAD)
        if ((!lo || key > lo || (key == lo && !(flags & MAE_SCAN_LO_OPEN))) &&
            (!has_hi || key < hi || (key == hi && !(flags & MAE_SCAN_HI_OPEN))))
            keys[count++] = key;
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(next_key(cursor), keys[flags & MAE_SCAN_BACKWARD ? count - 1 - i : i]);
    for (int again = 0; again < 2; again++)
        assert_int_equal(next_key(cursor), UINT64_MAX);
    mae_cursor_close(cursor);
    assert_ok(mae_commit(txn));
}

static void a_range_is_visited_in_both_directions(void **state)
{
    (void)state;
    static const char *const kinds[] = {"", "simple_index_update=on"};
    for (unsigned k = 0; k < 2; k++) {
        struct world world = many_keys(kinds[k]);
        for (unsigned flags = 0; flags < 8; flags++)
            for (uint64_t lo = 0; lo < MANY * SPREAD; lo += 395)
                for (uint64_t hi = lo < 1200 ? 0 : lo - 1200; hi <= MANY * SPREAD; hi += 600)
                    check_range(&world, lo, hi, flags);
        world_close(&world);
    }
}

/* C1: the transaction removes what the cursor stands on and what is to come, adds on both sides, splits the leaf. */
static void own_changes_move_no_cursor(void **state)
{
    (void)state;
    for (int backward = 0; backward < 2; backward++) {
        struct world world = many_keys("");
        struct mae_txn *txn = begin(world.workers[0]);
        struct mae_cursor *cursor = open_cursor(txn, world.index, NULL, NULL, backward ? MAE_SCAN_BACKWARD : 0);
        uint64_t key = backward ? 2000 : 1000;
        while (next_key(cursor) != key)
            ;
        uint64_t step = backward ? -(uint64_t)SPREAD : SPREAD, one = backward ? -UINT64_C(1) : 1;
        assert_ok(key_delete(txn, world.index, key));        /* where it stands */
        assert_ok(key_delete(txn, world.index, key + step)); /* what would come */
        assert_ok(key_insert(txn, world.index, key - one, 1));
        assert_ok(key_insert(txn, world.index, key + one, 1));
        assert_int_equal(next_key(cursor), key + one);
        assert_int_equal(next_key(cursor), key + 2 * step);
        for (uint64_t i = 1; i < 9; i++) /* more than a leaf has room for */
            for (uint64_t at = 3; at < 20; at++)
                assert_ok(key_insert(txn, world.index, key + at * step + i * one, 1));
        for (uint64_t i = 3 * SPREAD; i < 20 * SPREAD; i++)
            if (i % SPREAD != 9)
                assert_int_equal(next_key(cursor), key + i * one);
        assert_int_equal(next_key(cursor), key + 20 * step);
        for (uint64_t i = 21; i < 100; i++) /* leaves merge */
            assert_ok(key_delete(txn, world.index, key + i * step));
        assert_int_equal(next_key(cursor), key + 100 * step);
        mae_cursor_close(cursor);
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

static void a_rollback_moves_no_cursor(void **state)
{
    (void)state;
    struct world world = many_keys("");
    struct mae_txn *txn = begin(world.workers[0]);
    uint64_t mark;
    struct mae_cursor *cursor = open_cursor(txn, world.index, NULL, NULL, 0);
    assert_int_equal(next_key(cursor), 0);
    assert_ok(mae_savepoint(txn, &mark));
    assert_ok(key_insert(txn, world.index, 1, 1));
    assert_ok(key_insert(txn, world.index, 2, 1));
    assert_int_equal(next_key(cursor), 1);
    assert_ok(mae_rollback_to(txn, mark));
    assert_int_equal(next_key(cursor), 10);
    assert_int_equal(next_key(cursor), 20);
    mae_cursor_close(cursor);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* In a non-unique index the position is the pair. */
static void rows_of_one_key_are_told_apart(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_ORDERED, 8, 1);
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true};
    struct mae_index *index;
    assert_ok(mae_index_create(world.db, world.table, "many", &config, &index));
    uint64_t rows[200], key = 7, row;
    const void *found;
    for (unsigned i = 0; i < 200; i++)
        rows[i] = new_row(world.workers[0], world.table, i);
    struct mae_txn *txn = begin(world.workers[0]);
    for (unsigned i = 0; i < 200; i += 2)
        assert_ok(mae_index_insert(txn, index, &key, rows[i]));
    for (unsigned backward = 0; backward < 2; backward++) {
        struct mae_cursor *cursor = open_cursor(txn, index, &key, &key, backward ? MAE_SCAN_BACKWARD : 0);
        for (unsigned i = 0; i < 100; i++) {
            unsigned at = backward ? 198 - 2 * i : 2 * i;
            assert_ok(mae_cursor_next(cursor, &found, &row));
            assert_int_equal(row, rows[at]);
            assert_ok(mae_index_remove(txn, index, &key, rows[at])); /* makes the cursor search again */
            assert_ok(mae_index_insert(txn, index, &key, rows[at]));
        }
        assert_status(MAE_NOT_FOUND, mae_cursor_next(cursor, NULL, &row));
        mae_cursor_close(cursor);
        cursor = open_cursor(txn, index, &key, NULL, MAE_SCAN_LO_OPEN | (backward ? MAE_SCAN_BACKWARD : 0));
        assert_status(MAE_NOT_FOUND, mae_cursor_next(cursor, NULL, &row));
        mae_cursor_close(cursor);
    }
    for (unsigned i = 0; i < 200; i += 2)
        assert_ok(mae_index_remove(txn, index, &key, rows[i]));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* C3: write skew through two empty ranges; one of two phantoms must not commit. */
static void what_was_passed_is_protected(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 2; flags++) {
        struct world world = many_keys("");
        uint64_t lo[2] = {1001, 3001}, hi[2] = {1009, 3009}, row;
        struct mae_txn *txn[2];
        enum mae_status status[2] = {MAE_OK, MAE_OK};
        for (int i = 0; i < 2; i++) {
            txn[i] = begin(world.workers[i]);
            struct mae_cursor *cursor = open_cursor(txn[i], world.index, &lo[i], &hi[i], flags);
            assert_status(MAE_NOT_FOUND, mae_cursor_next(cursor, NULL, &row));
            mae_cursor_close(cursor);
        }
        for (int i = 0; i < 2; i++)
            status[i] = key_insert(txn[i], world.index, lo[!i] + 1, 1);
        for (int i = 0; i < 2; i++) {
            if (status[i] == MAE_OK)
                status[i] = mae_commit(txn[i]);
            else
                mae_abort(txn[i]);
        }
        assert_true(mae_status_is_retryable(status[0]) || mae_status_is_retryable(status[1]));
        world_close(&world);
    }
}

static void a_snapshot_stays_as_it_is(void **state)
{
    (void)state;
    struct world world = many_keys("");
    settle(&world);
    struct mae_txn *snapshot = begin_snapshot(world.workers[0]);
    struct mae_cursor *cursor = open_cursor(snapshot, world.index, NULL, NULL, 0);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(next_key(cursor), i * SPREAD);
        struct mae_txn *txn = begin(world.workers[1]);
        assert_ok(key_delete(txn, world.index, i * SPREAD));
        assert_ok(key_insert(txn, world.index, i * SPREAD + 5, 1));
        assert_ok(mae_commit(txn));
    }
    assert_int_equal(next_key(cursor), UINT64_MAX);
    mae_cursor_close(cursor);
    assert_ok(mae_commit(snapshot));
    world_close(&world);
}

static void a_cursor_ends_with_its_transaction(void **state)
{
    (void)state;
    struct world world = many_keys("");
    uint64_t row;
    struct mae_txn *txn = begin(world.workers[0]);
    struct mae_cursor *cursor = open_cursor(txn, world.index, NULL, NULL, 0), *other;
    assert_int_equal(next_key(cursor), 0);
    assert_ok(mae_commit(txn));
    assert_status(MAE_INVALID, mae_cursor_next(cursor, NULL, &row));
    assert_ptr_equal(begin(world.workers[0]), txn);
    assert_status(MAE_INVALID, mae_cursor_next(cursor, NULL, &row)); /* of another one */
    mae_cursor_close(cursor);
    assert_status(MAE_INVALID, mae_cursor_open(txn, world.index, NULL, NULL, 8, &other));
    mae_cursor_close(NULL);
    const struct mae_index_config config = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
    struct mae_index *hash;
    assert_ok(mae_index_create(world.db, world.table, "hash", &config, &hash));
    assert_status(MAE_UNSUPPORTED, mae_cursor_open(txn, hash, NULL, NULL, 0, &other));
    assert_ok(mae_abort(txn));
    assert_status(MAE_INVALID, mae_cursor_open(txn, world.index, NULL, NULL, 0, &other));
    world_close(&world);
}

struct visit {
    struct world *world;
    struct mae_txn *txn;
    uint64_t visited;
    enum mae_status then; /* with the tenth entry */
    bool change, end;
};

static enum mae_status visit_entry(void *arg, const void *key, uint64_t row)
{
    struct visit *visit = arg;
    uint64_t number, value;
    memcpy(&number, key, sizeof number);
    assert_ok(row_get(visit->txn, visit->world->table, row, &value));
    if (visit->change) {
        assert_ok(key_delete(visit->txn, visit->world->index, number));
        assert_ok(key_insert(visit->txn, visit->world->index, number + 1000000, 1));
    }
    if (++visit->visited != 10)
        return MAE_OK;
    if (visit->end)
        assert_ok(mae_abort(visit->txn));
    return visit->then;
}

static enum mae_status visit_row(void *arg, uint64_t row, const void *data, size_t bytes)
{
    struct visit *visit = arg;
    (void)row, (void)data, (void)bytes;
    if (++visit->visited != 10)
        return MAE_OK;
    if (visit->end)
        assert_ok(mae_abort(visit->txn));
    return visit->then;
}

/* The visitor returns `then` with its tenth entry, and ends the transaction before that or not. */
static void check_visits(struct world *world, enum mae_status then, bool end)
{
    struct visit visit = {.world = world, .then = then, .end = end};
    const uint64_t visits = then == MAE_OK && !end ? MANY : 10;
    const enum mae_status wanted = then == MAE_STOP ? MAE_OK : then;
    visit.txn = begin(world->workers[0]);
    enum mae_status status = mae_index_visit(visit.txn, world->index, NULL, NULL, 0, visit_entry, &visit);
    assert_int_equal(status, end && then == MAE_OK ? MAE_INVALID : wanted);
    assert_int_equal(visit.visited, visits);
    assert_int_equal(mae_abort(visit.txn), end ? MAE_INVALID : MAE_OK);
    visit.visited = 0;
    visit.txn = begin_snapshot(world->workers[0]);
    status = mae_table_visit(visit.txn, world->table, 0, UINT64_MAX, visit_row, &visit);
    assert_int_equal(status, end && then == MAE_OK ? MAE_INVALID : wanted);
    assert_int_equal(visit.visited, visits);
    assert_int_equal(mae_abort(visit.txn), end ? MAE_INVALID : MAE_OK);
}

static void a_visitor_has_a_status(void **state)
{
    (void)state;
    static const enum mae_status statuses[] = {MAE_OK, MAE_STOP, MAE_NOT_FOUND, MAE_ABORT_USER, MAE_INVALID};
    struct world world = many_keys("");
    settle(&world);
    for (unsigned i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        check_visits(&world, statuses[i], false);
        check_visits(&world, statuses[i], true);
    }
    world_close(&world);
}

/* What a visitor of mae_index_scan must not do. */
static void a_visitor_may_change_the_index(void **state)
{
    (void)state;
    struct world world = many_keys("");
    struct visit visit = {.world = &world, .then = MAE_OK, .change = true, .txn = begin(world.workers[0])};
    uint64_t hi = 999999, value;
    assert_ok(mae_index_visit(visit.txn, world.index, NULL, &hi, 0, visit_entry, &visit));
    assert_int_equal(visit.visited, MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_status(MAE_NOT_FOUND, key_get(visit.txn, world.index, i * SPREAD, &value));
        assert_ok(key_get(visit.txn, world.index, 1000000 + i * SPREAD, &value));
    }
    assert_ok(mae_commit(visit.txn));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_visited_in_both_directions),
        cmocka_unit_test(own_changes_move_no_cursor),
        cmocka_unit_test(a_rollback_moves_no_cursor),
        cmocka_unit_test(rows_of_one_key_are_told_apart),
        cmocka_unit_test(what_was_passed_is_protected),
        cmocka_unit_test(a_snapshot_stays_as_it_is),
        cmocka_unit_test(a_cursor_ends_with_its_transaction),
        cmocka_unit_test(a_visitor_has_a_status),
        cmocka_unit_test(a_visitor_may_change_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
