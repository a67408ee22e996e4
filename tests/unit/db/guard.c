/* guard.c - handles that have ended or belong elsewhere are refused, and nothing happens. */
#include "engine/db/guard.h"

#include <inttypes.h>
#include <pthread.h>

#include "tests/support/world.h"

static bool visit_row(void *arg, uint64_t row, const void *data, size_t bytes)
{
    (void)row, (void)data, (void)bytes;
    ++*(unsigned *)arg;
    return true;
}

static bool visit_entry(void *arg, const void *key, uint64_t row)
{
    (void)key, (void)row;
    ++*(unsigned *)arg;
    return true;
}

static enum mae_status visit_row_status(void *arg, uint64_t row, const void *data, size_t bytes)
{
    return visit_row(arg, row, data, bytes) ? MAE_OK : MAE_STOP;
}

static enum mae_status visit_entry_status(void *arg, const void *key, uint64_t row)
{
    return visit_entry(arg, key, row) ? MAE_OK : MAE_STOP;
}

/*
 * Every call that takes a transaction returns MAE_INVALID. `hot`: also those that check foreign handles in debug
 * builds only.
 */
static void every_call_refuses(struct mae_txn *txn, struct mae_table *table, struct mae_index *index, uint64_t row,
                               bool hot)
{
    const uint64_t key = 1;
    const void *old;
    void *data = NULL;
    uint64_t found;
    unsigned visited = 0;
    if (hot) {
        assert_status(MAE_INVALID, mae_row_read(txn, table, row, &old, NULL));
        assert_status(MAE_INVALID, mae_row_update(txn, table, row, 0, NULL, &data));
        assert_status(MAE_INVALID, mae_read(txn, index, &key, &old, NULL));
        assert_status(MAE_INVALID, mae_update(txn, index, &key, 0, NULL, &data));
    }
    assert_status(MAE_INVALID, mae_row_overwrite(txn, table, row, 8, &data));
    assert_status(MAE_INVALID, mae_row_insert(txn, table, 8, &found, &data));
    assert_status(MAE_INVALID, mae_row_delete(txn, table, row));
    assert_status(MAE_INVALID, mae_table_scan(txn, table, 0, UINT64_MAX, visit_row, &visited));
    assert_status(MAE_INVALID, mae_table_visit(txn, table, 0, UINT64_MAX, visit_row_status, &visited));
    assert_status(MAE_INVALID, mae_index_visit(txn, index, NULL, NULL, 0, visit_entry_status, &visited));
    struct mae_cursor *cursor = NULL;
    assert_status(MAE_INVALID, mae_cursor_open(txn, index, NULL, NULL, 0, &cursor));
    assert_null(cursor);
    assert_status(MAE_INVALID, mae_index_find(txn, index, &key, &found));
    assert_status(MAE_INVALID, mae_index_insert(txn, index, &key, row));
    assert_status(MAE_INVALID, mae_index_remove(txn, index, &key, row));
    assert_status(MAE_INVALID, mae_index_scan(txn, index, NULL, NULL, 0, 0, visit_entry, &visited));
    assert_status(MAE_INVALID, mae_overwrite(txn, index, &key, 8, &data));
    assert_status(MAE_INVALID, mae_insert(txn, index, &key, 8, NULL, &data));
    assert_status(MAE_INVALID, mae_delete(txn, index, &key));
    mae_prefetch(txn, index, &key, 1);
    assert_int_equal(visited, 0);
    assert_null(data);
}

static const enum mae_index_kind kinds[] = {MAE_INDEX_HASH, MAE_INDEX_ORDERED};

static void an_ended_transaction_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct world world = world_open(i >= 4 ? "simple_index_update=on" : "", kinds[i % 2], 8, 1);
        uint64_t row = new_row(world.workers[0], world.table, 42), value;
        new_keys(world.workers[0], world.index, 1, 1, 7);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(key_add(txn, world.index, 1, 1));
        if (i & 2)
            assert_ok(mae_abort(txn));
        else
            assert_ok(mae_commit(txn));
        assert_status(MAE_INVALID, mae_commit(txn));
        assert_status(MAE_INVALID, mae_abort(txn));
        every_call_refuses(txn, world.table, world.index, row, true);
        assert_status(MAE_INVALID, mae_commit(txn));

        txn = begin(world.workers[0]);
        assert_ok(row_get(txn, world.table, row, &value));
        assert_int_equal(value, i & 2 ? 42 : 43);
        assert_ok(key_get(txn, world.index, 1, &value));
        assert_int_equal(value, i & 2 ? 7 : 8);
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

static void an_ended_snapshot_is_refused(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_ORDERED, 8, 1);
    uint64_t row = new_row(world.workers[0], world.table, 42);
    settle(&world);
    struct mae_txn *txn = begin_snapshot(world.workers[0]);
    uint64_t ts = mae_txn_timestamp(txn);
    assert_ok(mae_commit(txn));
    assert_int_equal(mae_txn_timestamp(txn), ts);
    assert_status(MAE_INVALID, mae_commit(txn));
    assert_status(MAE_INVALID, mae_abort(txn));
    every_call_refuses(txn, world.table, world.index, row, true);
    world_close(&world);
}

/* An insert that was rolled back once gives its row id back once. */
static void a_second_abort_frees_nothing(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    uint64_t row, first, second;
    void *data;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_row_insert(txn, world.table, 8, &row, &data));
    assert_ok(mae_abort(txn));
    assert_status(MAE_INVALID, mae_abort(txn));
    txn = begin(world.workers[0]);
    assert_ok(mae_row_insert(txn, world.table, 8, &first, &data));
    assert_ok(mae_row_insert(txn, world.table, 8, &second, &data));
    assert_int_not_equal(first, second);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

static void a_foreign_table_is_refused(void **state)
{
    (void)state;
#ifdef MAE_DEBUG
    const bool hot = true;
#else
    const bool hot = false;
#endif
    for (int k = 0; k < 2; k++) {
        struct world own = world_open("", kinds[k], 500, 1), foreign = world_open("", kinds[k], 500, 1);
        uint64_t own_row = new_row(own.workers[0], own.table, 1), row = new_row(foreign.workers[0], foreign.table, 2);
        new_keys(foreign.workers[0], foreign.index, 1, 1, 3);
        struct mae_txn *txn = begin(own.workers[0]);
        every_call_refuses(txn, foreign.table, foreign.index, row, hot);
        assert_ok(row_add(txn, own.table, own_row, 1)); /* it goes on */
        assert_ok(mae_commit(txn));
        assert_int_equal(row_value(own.workers[0], own.table, own_row), 2);
        assert_int_equal(row_value(foreign.workers[0], foreign.table, row), 2);
        world_close(&own);
        world_close(&foreign);
    }
}

static void a_worker_that_left_is_refused(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    struct mae_worker *worker = world.workers[1];
    uint64_t row = new_row(worker, world.table, 5);
    struct mae_txn *left_open = begin(worker), *txn;
    assert_ok(row_add(left_open, world.table, row, 1));
    mae_worker_leave(worker);
    world.workers[1] = NULL;
    assert_status(MAE_INVALID, mae_commit(left_open));
    assert_status(MAE_INVALID, mae_abort(left_open));
    every_call_refuses(left_open, world.table, world.index, row, true);
    assert_status(MAE_INVALID, mae_begin(worker, MAE_READ_WRITE, 0, &txn));
    assert_status(MAE_INVALID, mae_begin(worker, MAE_SNAPSHOT, 0, &txn));
    mae_worker_idle(worker);
    mae_worker_leave(worker);
    assert_int_equal(row_value(world.workers[0], world.table, row), 5);
    struct mae_worker *next;
    assert_ok(mae_worker_join(world.db, &next)); /* the number is free, and one joins with it once */
    assert_int_equal(mae_worker_id(next), 1);
    mae_worker_leave(next);
    world_close(&world);
}

static void there_are_two_modes(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    struct mae_txn *txn;
    assert_status(MAE_INVALID, mae_begin(world.workers[0], (enum mae_mode)2, 0, &txn));
    assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &txn));
    assert_status(MAE_BUSY, mae_begin(world.workers[0], MAE_READ_WRITE, 0, &txn));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* ---- What a body or a visitor does to its own transaction. ---- */

struct ender {
    struct mae_txn *txn;
    bool commit;
    enum mae_status result; /* of the body */
    unsigned calls;
};

static enum mae_status end_it(struct ender *ender)
{
    return ender->commit ? mae_commit(ender->txn) : mae_abort(ender->txn);
}

static enum mae_status ending_body(struct mae_txn *txn, void *arg)
{
    struct ender *ender = arg;
    ender->txn = txn;
    ender->calls++;
    assert_ok(end_it(ender));
    return ender->result;
}

static void a_body_that_ends_its_transaction_is_told(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    for (int commit = 0; commit < 2; commit++) {
        struct ender ender = {.commit = commit, .result = MAE_OK};
        assert_status(MAE_INVALID, mae_run(world.workers[0], MAE_READ_WRITE, ending_body, &ender, 0));
        ender.result = MAE_NOT_FOUND;
        assert_status(MAE_INVALID, mae_run(world.workers[0], MAE_READ_WRITE, ending_body, &ender, 0));
        ender.result = MAE_ABORT_USER;
        assert_status(MAE_ABORT_USER, mae_run(world.workers[0], MAE_READ_WRITE, ending_body, &ender, 0));
        assert_int_equal(ender.calls, 3);
    }
    world_close(&world);
}

static bool ending_visit(void *arg, const void *key, uint64_t row)
{
    (void)key, (void)row;
    struct ender *ender = arg;
    ender->calls++;
    (void)end_it(ender);
    return true;
}

static bool ending_row(void *arg, uint64_t row, const void *data, size_t bytes)
{
    (void)row, (void)data, (void)bytes;
    return ending_visit(arg, NULL, 0);
}

static void a_scan_stops_when_its_transaction_is_ended(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_ORDERED, 8, 1);
    new_keys(world.workers[0], world.index, 1, 300, 7);
    settle(&world);
    for (unsigned i = 0; i < 4; i++) {
        struct ender ender = {.commit = i & 1, .txn = begin(world.workers[0])};
        unsigned flags = i & 2 ? MAE_SCAN_BACKWARD : 0;
        assert_status(MAE_INVALID, mae_index_scan(ender.txn, world.index, NULL, NULL, flags, 0, ending_visit, &ender));
        assert_int_equal(ender.calls, 1);
        ender = (struct ender){.commit = i & 1, .txn = begin_snapshot(world.workers[0])};
        assert_status(MAE_INVALID, mae_table_scan(ender.txn, world.table, 0, UINT64_MAX, ending_row, &ender));
        assert_int_equal(ender.calls, 1);
    }
    world_close(&world);
}

/* ---- Threads. ---- */

struct other {
    struct mae_worker *worker;
    struct mae_txn *txn;
    struct mae_table *table;
    uint64_t row;
    enum mae_status statuses[3];
};

static void *other_thread(void *arg)
{
    struct other *other = arg;
    uint64_t value;
    struct mae_txn *txn;
    other->statuses[0] = row_get(other->txn, other->table, other->row, &value);
    other->statuses[1] = mae_commit(other->txn);
    other->statuses[2] = mae_begin(other->worker, MAE_READ_WRITE, 0, &txn);
    if (other->statuses[2] == MAE_OK)
        (void)mae_abort(txn);
    return NULL;
}

static bool visit_elsewhere(void *arg, const void *key, uint64_t row)
{
    (void)key, (void)row;
    run_threads(1, other_thread, arg, 0);
    return false;
}

/* Debug builds notice a thread that comes while another is inside a call of the same worker. */
static void two_threads_at_once_are_noticed(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = world_open("", MAE_INDEX_ORDERED, 8, 1);
    struct other other = {.worker = world.workers[0], .table = world.table};
    other.row = new_row(world.workers[0], world.table, 5);
    new_keys(world.workers[0], world.index, 1, 1, 7);
    other.txn = begin(world.workers[0]);
    assert_ok(mae_index_scan(other.txn, world.index, NULL, NULL, 0, 0, visit_elsewhere, &other));
    for (int i = 0; i < 3; i++)
        assert_status(MAE_INVALID, other.statuses[i]);
    assert_ok(mae_commit(other.txn));
    world_close(&world);
}

/* A worker goes from thread to thread, in the middle of a transaction, too. */
static void a_worker_may_move_between_threads(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    struct other other = {.worker = world.workers[0], .table = world.table};
    other.row = new_row(world.workers[0], world.table, 5);
    other.txn = begin(world.workers[0]);
    assert_ok(row_add(other.txn, world.table, other.row, 1));
    run_threads(1, other_thread, &other, 0);
    for (int i = 0; i < 3; i++)
        assert_status(MAE_OK, other.statuses[i]);
    assert_int_equal(row_value(world.workers[0], world.table, other.row), 6);
    world_close(&world);
}

/* A slot that a worker has given away belongs to whoever joins next: the one that leaves does not touch it any more. */
struct visitor {
    struct mae_db *db;
    enum mae_status status; /* of the first call that failed */
};

static void *visit(void *arg)
{
    enum { VISITS = 8000 / WORLD_SLOWNESS };
    struct visitor *visitor = arg;
    for (unsigned i = 0; i < VISITS && visitor->status == MAE_OK; i++) {
        struct mae_worker *worker;
        struct mae_txn *txn;
        visitor->status = mae_worker_join(visitor->db, &worker);
        if (visitor->status != MAE_OK)
            break;
        visitor->status = mae_begin(worker, MAE_READ_WRITE, 0, &txn);
        if (visitor->status == MAE_OK)
            visitor->status = mae_commit(txn);
        mae_worker_leave(worker);
    }
    return NULL;
}

static void a_worker_that_leaves_does_not_disturb_the_next(void **state)
{
    (void)state;
    enum { VISITORS = 4 };
    struct world world = world_open("", MAE_INDEX_HASH, 8, 0);
    struct visitor visitors[VISITORS];
    for (unsigned i = 0; i < VISITORS; i++)
        visitors[i] = (struct visitor){world.db, MAE_OK};
    run_threads(VISITORS, visit, visitors, sizeof visitors[0]);
    for (unsigned i = 0; i < VISITORS; i++)
        assert_ok(visitors[i].status);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {

        cmocka_unit_test(an_ended_transaction_is_refused),
        cmocka_unit_test(an_ended_snapshot_is_refused),
        cmocka_unit_test(a_second_abort_frees_nothing),
        cmocka_unit_test(a_foreign_table_is_refused),
        cmocka_unit_test(a_worker_that_left_is_refused),
        cmocka_unit_test(there_are_two_modes),
        cmocka_unit_test(a_body_that_ends_its_transaction_is_told),
        cmocka_unit_test(a_scan_stops_when_its_transaction_is_ended),
        cmocka_unit_test(two_threads_at_once_are_noticed),
        cmocka_unit_test(a_worker_may_move_between_threads),
        cmocka_unit_test(a_worker_that_leaves_does_not_disturb_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
