/*
 * savepoint.c - what mae_rollback_to takes back and what it leaves; tests/model drives savepoints between all calls.
 */
#include "tests/support/logged.h"
#include "tests/support/world.h"

#include "engine/base/mem.h"
#include "engine/db/db.h"

static uint64_t savepoint(struct mae_txn *txn)
{
    uint64_t mark;
    assert_ok(mae_savepoint(txn, &mark));
    return mark;
}

static void set_payload(struct mae_txn *txn, struct mae_table *table, uint64_t row, size_t bytes, int with)
{
    void *data;
    assert_ok(mae_row_update(txn, table, row, bytes, NULL, &data));
    memset(data, with, bytes);
}

static void check_payload(struct mae_txn *txn, struct mae_table *table, uint64_t row, size_t bytes, int with)
{
    const void *data;
    size_t found;
    assert_ok(mae_row_read(txn, table, row, &data, &found));
    assert_int_equal(found, bytes);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(((const unsigned char *)data)[i], with);
}

/* U1, in two depths: sizes that grow and shrink, rows that were new before, that are new, blind and gone. */
static void writes_are_taken_back(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 3000, 1);
    uint64_t old = new_row(world.workers[0], world.table, 1), blind = new_row(world.workers[0], world.table, 5);
    uint64_t gone = new_row(world.workers[0], world.table, 6), row, late, value;
    void *data;
    struct mae_txn *txn = begin(world.workers[0]);
    set_payload(txn, world.table, old, 20, 2);
    assert_ok(mae_row_insert(txn, world.table, 100, &row, &data));
    memset(data, 3, 100);
    uint64_t outer = savepoint(txn);
    set_payload(txn, world.table, old, 2500, 4);
    set_payload(txn, world.table, row, 1, 4);
    uint64_t inner = savepoint(txn);
    set_payload(txn, world.table, old, 8, 5);
    assert_ok(mae_row_delete(txn, world.table, row));
    assert_ok(mae_row_delete(txn, world.table, gone));
    assert_ok(row_set(txn, world.table, blind, 9));
    assert_ok(mae_row_insert(txn, world.table, 8, &late, &data));
    for (int again = 0; again < 2; again++) {
        assert_ok(mae_rollback_to(txn, inner));
        check_payload(txn, world.table, old, 2500, 4);
        check_payload(txn, world.table, row, 1, 4);
        assert_ok(row_get(txn, world.table, gone, &value));
        assert_ok(row_get(txn, world.table, blind, &value));
        assert_int_equal(value, 5);
        assert_status(MAE_NOT_FOUND, row_get(txn, world.table, late, &value));
        set_payload(txn, world.table, row, 300, 7);
        assert_ok(mae_row_delete(txn, world.table, blind));
    }
    assert_ok(mae_rollback_to(txn, outer));
    check_payload(txn, world.table, old, 20, 2);
    check_payload(txn, world.table, row, 100, 3);
    assert_ok(mae_commit(txn));
    txn = begin(world.workers[0]);
    check_payload(txn, world.table, old, 20, 2);
    check_payload(txn, world.table, row, 100, 3);
    assert_ok(row_get(txn, world.table, blind, &value));
    assert_int_equal(value, 5);
    assert_status(MAE_NOT_FOUND, row_get(txn, world.table, late, &value));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* U2. */
static void a_row_that_was_taken_back_keeps_its_id(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    uint64_t rows[3];
    void *data;
    struct mae_txn *txn = begin(world.workers[0]);
    uint64_t mark = savepoint(txn);
    for (int i = 0; i < 3; i++) {
        assert_ok(mae_row_insert(txn, world.table, 8, &rows[i], &data));
        if (i < 2)
            assert_ok(mae_rollback_to(txn, mark));
    }
    memset(data, 0, 8);
    assert_true(rows[0] != rows[1] && rows[1] != rows[2] && rows[0] != rows[2]);
    assert_ok(mae_commit(txn));
    assert_int_equal(row_value(world.workers[0], world.table, rows[2]), 0);
    world_close(&world);
}

/* What was released belongs to the savepoint around it. */
static void release_leaves_what_was_recorded(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    uint64_t row = new_row(world.workers[0], world.table, 1), value;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(row_add(txn, world.table, row, 1));
    uint64_t outer = savepoint(txn), inner = savepoint(txn);
    assert_ok(row_add(txn, world.table, row, 1));
    uint64_t innermost = savepoint(txn);
    assert_ok(row_add(txn, world.table, row, 1));
    assert_ok(mae_release(txn, inner));
    assert_status(MAE_INVALID, mae_rollback_to(txn, innermost));
    assert_status(MAE_INVALID, mae_release(txn, inner));
    assert_ok(row_add(txn, world.table, row, 1));
    assert_ok(mae_rollback_to(txn, outer));
    assert_ok(row_get(txn, world.table, row, &value));
    assert_int_equal(value, 2);
    assert_ok(mae_release(txn, outer));
    assert_ok(row_add(txn, world.table, row, 1));
    outer = savepoint(txn);
    assert_ok(row_add(txn, world.table, row, 1));
    assert_ok(mae_rollback_to(txn, outer));
    assert_ok(mae_commit(txn));
    assert_int_equal(row_value(world.workers[0], world.table, row), 3);
    world_close(&world);
}

/* What was seen of a row that was written blindly is validated. */
static void reads_stay(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 1), value;
    struct mae_txn *txn = begin(world.workers[0]);
    uint64_t mark = savepoint(txn);
    assert_ok(row_set(txn, world.table, row, 2));
    assert_ok(mae_rollback_to(txn, mark));
    assert_ok(row_get(txn, world.table, row, &value));
    assert_int_equal(value, 1);
    struct mae_txn *other;
    assert_ok(mae_begin(world.workers[1], MAE_READ_WRITE, 0, &other));
    bool before = mae_txn_timestamp(other) < mae_txn_timestamp(txn);
    assert_ok(row_add(other, world.table, row, 1));
    assert_ok(mae_commit(other));
    enum mae_status status = mae_commit(txn);
    assert_true(before ? mae_status_is_retryable(status) : status == MAE_OK);
    world_close(&world);
}

static uint64_t count_keys(struct mae_txn *txn, struct mae_index *index, uint64_t below)
{
    uint64_t found = 0, value;
    for (uint64_t key = 0; key < below; key++) {
        enum mae_status status = key_get(txn, index, key, &value);
        assert_true(status == MAE_OK || status == MAE_NOT_FOUND);
        found += status == MAE_OK;
    }
    return found;
}

/* Entries by the leaf that was filled last, by leaves that split, and by buckets. */
static void index_entries_are_taken_back(void **state)
{
    (void)state;
    static const char *const options[] = {"gc_interval_us=1", "gc_interval_us=1 inline_bytes=0",
                                          "gc_interval_us=1 simple_index_update=on"};
    enum { KEYS = 500, KEPT = 3 };
    for (unsigned i = 0; i < 6; i++) {
        struct world world = world_open(options[i / 2], i % 2 ? MAE_INDEX_ORDERED : MAE_INDEX_HASH, 8, 1);
        struct mae_txn *txn = begin(world.workers[0]);
        for (uint64_t key = 0; key < KEPT; key++)
            assert_ok(key_insert(txn, world.index, key, key));
        uint64_t mark = savepoint(txn);
        for (int again = 0; again < 3; again++) {
            for (uint64_t key = KEPT; key < (again ? KEYS : 2 * KEPT); key++)
                assert_ok(key_insert(txn, world.index, key, key));
            assert_ok(key_delete(txn, world.index, 1));
            assert_status(MAE_EXISTS, key_insert(txn, world.index, 4, 4));
            assert_ok(mae_rollback_to(txn, mark));
            assert_int_equal(count_keys(txn, world.index, KEYS), KEPT);
        }
        assert_ok(key_insert(txn, world.index, KEPT, KEPT));
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]);
        assert_int_equal(count_keys(txn, world.index, KEYS), KEPT + 1);
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

/* An index does not grow for entries that were taken back. */
static void a_hash_index_grows_for_what_stays(void **state)
{
    (void)state;
    enum { KEYS = 4000 };
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    struct mae_txn *txn = begin(world.workers[0]);
    uint64_t outer = savepoint(txn);
    for (uint64_t key = 0; key < KEYS; key++) {
        if (key % 100 == 0)
            (void)savepoint(txn);
        assert_ok(key_insert(txn, world.index, key, key));
    }
    assert_ok(mae_rollback_to(txn, outer));
    assert_ok(mae_commit(txn));
    assert_int_equal(db_counter(world.db, "index_splits"), 0);
    txn = begin(world.workers[0]);
    for (uint64_t key = 0; key < KEYS; key++) {
        if (key % 100 == 0)
            (void)savepoint(txn);
        assert_ok(key_insert(txn, world.index, key, key));
    }
    assert_ok(mae_commit(txn));
    assert_true(db_counter(world.db, "index_splits") > KEYS / 4);
    world_close(&world);
}

struct scan {
    struct mae_txn *txn;
    struct mae_table *table;
    uint64_t before, inside, visited;
};

static bool go_back(void *arg, const void *key, uint64_t row)
{
    struct scan *scan = arg;
    (void)key;
    assert_status(MAE_BUSY, mae_rollback_to(scan->txn, scan->before));
    if (scan->visited++ == 0)
        scan->inside = savepoint(scan->txn);
    assert_ok(row_add(scan->txn, scan->table, row, 1));
    assert_ok(mae_rollback_to(scan->txn, scan->inside));
    return true;
}

/* U4. */
static void no_entries_below_a_scan(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_ORDERED, 8, 1);
    struct mae_txn *txn = begin(world.workers[0]);
    struct scan scan = {.txn = txn, .table = world.table, .before = savepoint(txn)};
    for (uint64_t key = 0; key < 300; key++)
        assert_ok(key_insert(txn, world.index, key, key));
    assert_ok(mae_index_scan(txn, world.index, NULL, NULL, 0, 0, go_back, &scan));
    assert_int_equal(scan.visited, 300);
    assert_ok(mae_rollback_to(txn, scan.before));
    assert_int_equal(count_keys(txn, world.index, 300), 0);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

static void marks_of_others_are_refused(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 1), mark, value;
    struct mae_txn *txn = begin(world.workers[0]), *other = begin(world.workers[1]);
    assert_status(MAE_INVALID, mae_rollback_to(txn, 0));
    mark = savepoint(txn);
    assert_status(MAE_INVALID, mae_rollback_to(other, mark));
    (void)savepoint(other);
    assert_status(MAE_INVALID, mae_rollback_to(other, mark));
    assert_status(MAE_INVALID, mae_release(other, mark));
    assert_ok(mae_abort(other));
    assert_ok(mae_commit(txn));
    assert_status(MAE_INVALID, mae_rollback_to(txn, mark));
    assert_status(MAE_INVALID, mae_savepoint(txn, &mark));
    txn = begin(world.workers[0]);
    assert_status(MAE_INVALID, mae_rollback_to(txn, mark));
    (void)savepoint(txn);
    assert_status(MAE_INVALID, mae_rollback_to(txn, mark));
    void *data;
    assert_status(MAE_TOO_LARGE, mae_row_insert(txn, world.table, 9, &value, &data));
    assert_ok(mae_abort(txn));
    txn = begin_snapshot(world.workers[0]);
    mark = savepoint(txn);
    assert_status(MAE_READ_ONLY, row_set(txn, world.table, row, 2));
    assert_ok(mae_rollback_to(txn, mark));
    (void)row_get(txn, world.table, row, &value);
    assert_ok(mae_release(txn, mark));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* A transaction that an earlier call has made fail stays so. */
static void there_is_no_way_back_from_an_abort(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 1), mark, value;
    struct mae_txn *txn = begin(world.workers[0]), *later = begin(world.workers[1]);
    mark = savepoint(txn);
    assert_ok(row_get(later, world.table, row, &value));
    assert_ok(mae_commit(later));
    assert_status(MAE_ABORT_RTS, row_add(txn, world.table, row, 1));
    assert_status(MAE_ABORT_RTS, mae_rollback_to(txn, mark));
    assert_status(MAE_ABORT_RTS, mae_release(txn, mark));
    assert_status(MAE_ABORT_RTS, mae_savepoint(txn, &mark));
    assert_ok(mae_abort(txn));
    world_close(&world);
}

#ifdef MAE_DEBUG

static void hear(void *arg, uint64_t timestamp, enum mae_status status)
{
    (void)timestamp;
    assert_ok(status);
    ++*(unsigned *)arg;
}

/* The log tells only of what stays, and so does the thread that tells. */
static void the_log_does_not_tell(void **state)
{
    (void)state;
    static const char group[] = "durability=group log_dir=db log_segment_bytes=64K log_buffer_bytes=4K";
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1);
    unsigned heard[3] = {0};
    uint64_t value;
    struct mae_txn *txn = begin(world.workers[0]);
    uint64_t first = savepoint(txn);
    assert_ok(key_insert(txn, world.index, 1, 1));
    assert_ok(mae_on_durable(txn, hear, &heard[0]));
    assert_ok(mae_rollback_to(txn, first));
    assert_ok(key_insert(txn, world.index, 2, 2));
    uint64_t second = savepoint(txn);
    assert_ok(key_insert(txn, world.index, 3, 3));
    assert_ok(key_delete(txn, world.index, 2));
    assert_ok(mae_rollback_to(txn, second));
    assert_ok(mae_commit(txn));
    txn = begin(world.workers[0]);
    assert_ok(key_insert(txn, world.index, 4, 4));
    assert_ok(mae_on_durable(txn, hear, &heard[1]));
    second = savepoint(txn);
    assert_ok(mae_on_durable(txn, hear, &heard[2]));
    assert_ok(mae_rollback_to(txn, second));
    assert_ok(mae_commit(txn));
    assert_ok(mae_sync(world.db));
    assert_int_equal(heard[0], 0);
    assert_int_equal(heard[1], 1);
    assert_int_equal(heard[2], 0);
    world_close(&world);
    disk_crash(NULL);
    world = world_again(group);
    txn = begin(world.workers[0]);
    for (uint64_t key = 1; key <= 4; key++) {
        enum mae_status status = key_get(txn, world.index, key, &value);
        assert_true(status == (key % 2 ? MAE_NOT_FOUND : MAE_OK));
        assert_true(status == MAE_NOT_FOUND || value == key);
    }
    assert_ok(mae_commit(txn));
    world_close(&world);
    disk_crash(NULL);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_are_taken_back),
        cmocka_unit_test(a_row_that_was_taken_back_keeps_its_id),
        cmocka_unit_test(release_leaves_what_was_recorded),
        cmocka_unit_test(reads_stay),
        cmocka_unit_test(index_entries_are_taken_back),
        cmocka_unit_test(a_hash_index_grows_for_what_stays),
        cmocka_unit_test(no_entries_below_a_scan),
        cmocka_unit_test(marks_of_others_are_refused),
        cmocka_unit_test(there_is_no_way_back_from_an_abort),
#ifdef MAE_DEBUG
        cmocka_unit_test_setup_teardown(the_log_does_not_tell, disk_set_up, disk_tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
