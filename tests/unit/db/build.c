/*
 * build.c - the entries of rows that were there before an index was. tests/stress/build.c builds under load.
 */
#include "tests/support/logged.h"
#include "tests/support/world.h"

enum { ROWS = 100, NO_KEY = 1000 };

static const char options[] = "gc_interval_us=1";

static struct mae_index *second_index(const struct world *world, enum mae_index_kind kind, bool non_unique)
{
    const struct mae_index_config config = {.kind = kind, .key_bytes = 8, .non_unique = non_unique};
    struct mae_index *index;
    assert_ok(mae_index_create(world->db, world->table, "second", &config, &index));
    return index;
}

/* The key is the value, divided by *arg; rows with the value NO_KEY have none. */
static enum mae_status key_of(void *arg, uint64_t row, const void *data, size_t bytes, void *key)
{
    const uint64_t *divisor = arg, value = *(const uint64_t *)data;
    assert_int_equal(bytes, 8);
    assert_true(row < UINT32_MAX);
    if (value == NO_KEY)
        return MAE_NOT_FOUND;
    memcpy(key, &(uint64_t){value / *divisor}, 8);
    return MAE_OK;
}

static bool count_entry(void *arg, const void *key, uint64_t row)
{
    (void)key, (void)row;
    ++*(uint64_t *)arg;
    return true;
}

static uint64_t entries_of(const struct world *world, struct mae_index *index)
{
    uint64_t count = 0;
    struct mae_txn *txn = begin(world->workers[0]);
    assert_ok(mae_index_scan(txn, index, NULL, NULL, 0, 0, count_entry, &count));
    assert_ok(mae_commit(txn));
    return count;
}

static uint64_t row_of_one; /* the row with the value 1 */

/* Rows with the values 0 to ROWS - 1, and now and then one without a key. */
static struct world some_rows(const char *settings)
{
    struct world world = world_open(settings, MAE_INDEX_HASH, 8, 2);
    for (uint64_t i = 0; i < ROWS; i++) {
        uint64_t row = new_row(world.workers[i % 2], world.table, i);
        if (i == 1)
            row_of_one = row;
        if (i % 10 == 0)
            (void)new_row(world.workers[0], world.table, NO_KEY);
    }
    return world;
}

static void each_row_has_its_entry(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct world world = some_rows(options);
        uint64_t divisor = kind == 2 ? 7 : 1, value;
        struct mae_index *second = second_index(&world, kind ? MAE_INDEX_ORDERED : MAE_INDEX_HASH, kind == 2);
        assert_ok(mae_index_build(world.workers[1], second, key_of, &divisor));
        if (kind < 2)
            for (uint64_t key = 0; key < ROWS; key++) {
                struct mae_txn *txn = begin(world.workers[0]);
                assert_ok(key_get(txn, second, key, &value));
                assert_int_equal(value, key);
                assert_ok(mae_commit(txn));
            }
        if (kind > 0)
            assert_int_equal(entries_of(&world, second), ROWS);
        world_verify(world.db);
        /* Once more adds nothing. */
        assert_ok(mae_index_build(world.workers[1], second, key_of, &divisor));
        if (kind > 0)
            assert_int_equal(entries_of(&world, second), ROWS);
        world_close(&world);
    }
}

static void two_rows_with_one_key_are_told(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct world world = some_rows(options);
        uint64_t divisor = 1;
        struct mae_index *second = second_index(&world, kind ? MAE_INDEX_ORDERED : MAE_INDEX_HASH, false);
        uint64_t twin = new_row(world.workers[0], world.table, ROWS / 2);
        assert_status(MAE_EXISTS, mae_index_build(world.workers[0], second, key_of, &divisor));
        world_verify(world.db);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(row_set(txn, world.table, twin, ROWS));
        assert_ok(mae_commit(txn));
        assert_ok(mae_index_build(world.workers[0], second, key_of, &divisor));
        assert_ok(mae_index_drop(world.db, second));
        world_close(&world);
    }
}

static enum mae_status refuse(void *arg, uint64_t row, const void *data, size_t bytes, void *key)
{
    (void)arg, (void)row, (void)data, (void)bytes, (void)key;
    return MAE_UNSUPPORTED;
}

static void what_cannot_be_built_is_refused(void **state)
{
    (void)state;
    uint64_t divisor = 1;
    struct world world = some_rows(options), other = world_open(options, MAE_INDEX_HASH, 8, 1);
    struct mae_index *second = second_index(&world, MAE_INDEX_HASH, false);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_status(MAE_BUSY, mae_index_build(world.workers[0], second, key_of, &divisor));
    assert_status(MAE_BUSY, mae_index_build(world.workers[1], second, key_of, &divisor)); /* the other one is open */
    assert_ok(mae_commit(txn));
    assert_status(MAE_UNSUPPORTED, mae_index_build(world.workers[0], second, refuse, NULL));
    assert_status(MAE_INVALID, mae_index_build(other.workers[0], second, key_of, &divisor));
    assert_status(MAE_INVALID, mae_index_build(world.workers[0], second, NULL, &divisor));
    assert_ok(mae_index_drop(world.db, second));
    assert_status(MAE_INVALID, mae_index_build(world.workers[0], second, key_of, &divisor));
    world_close(&world);
    world_close(&other);
}

/* The first worker's clock is far ahead, so its rows are of a later place in the order than that at which the second
 * one would read by itself. */
static void rows_of_a_clock_that_is_ahead_are_found(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=10000000 clock_sync_us=0", MAE_INDEX_HASH, 8, 2);
    uint64_t divisor = 1;
    struct mae_txn *txn;
    void *data;
    uint64_t row;
    /* An hour is the most that `after` may lead. */
    assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &txn));
    uint64_t now = mae_txn_timestamp(txn);
    assert_ok(mae_commit(txn));
    assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, now + (UINT64_C(1) << 38), &txn));
    assert_ok(mae_row_insert(txn, world.table, 8, &row, &data));
    memcpy(data, &(uint64_t){5}, 8);
    assert_ok(mae_commit(txn));
    struct mae_index *second = second_index(&world, MAE_INDEX_ORDERED, false);
    assert_ok(mae_index_build(world.workers[1], second, key_of, &divisor));
    assert_int_equal(entries_of(&world, second), 1);
    world_close(&world);
}

#ifdef MAE_DEBUG

struct meanwhile {
    struct world *world;
    struct mae_txn *txn;
};

static void commit_it(void *arg)
{
    struct meanwhile *meanwhile = arg;
    assert_ok(mae_commit(meanwhile->txn));
}

/* A transaction that does not know the index has inserted a row when the build begins, and commits while it waits. */
static void who_does_not_know_the_index_is_waited_for(void **state)
{
    (void)state;
    struct world world = some_rows(options);
    uint64_t divisor = 1, row;
    void *data;
    struct meanwhile meanwhile = {.world = &world, .txn = begin(world.workers[1])};
    assert_ok(mae_row_insert(meanwhile.txn, world.table, 8, &row, &data));
    memcpy(data, &(uint64_t){ROWS + 1}, 8);
    struct mae_index *second = second_index(&world, MAE_INDEX_ORDERED, false);
    at_race(RACE_WAIT_HORIZON, 3, commit_it, &meanwhile);
    assert_ok(mae_index_build(world.workers[0], second, key_of, &divisor));
    assert_int_equal(entries_of(&world, second), ROWS + 1);
    world_close(&world);
}

/* The row that the batch has just read changes its key before the batch commits. */
static void change_a_row(void *arg)
{
    struct world *world = arg;
    struct mae_index *second = mae_index_by_name(world->db, "second");
    uint64_t key = 1, next = 500, row = row_of_one;
    struct mae_txn *txn = begin(world->workers[1]);
    assert_ok(row_set(txn, world->table, row, next));
    enum mae_status status = mae_index_remove(txn, second, &key, row);
    assert_true(status == MAE_OK || status == MAE_NOT_FOUND);
    assert_ok(mae_index_insert(txn, second, &next, row));
    assert_ok(mae_commit(txn));
}

static void a_row_that_changes_meanwhile_has_the_right_entry(void **state)
{
    (void)state;
    struct world world = some_rows(options);
    uint64_t divisor = 1, value;
    struct mae_index *second = second_index(&world, MAE_INDEX_ORDERED, false);
    at_race(RACE_INSTALL_LINK, 1, change_a_row, &world);
    assert_ok(mae_index_build(world.workers[0], second, key_of, &divisor));
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(key_get(txn, second, 500, &value));
    assert_int_equal(value, 500);
    assert_status(MAE_NOT_FOUND, key_get(txn, second, 1, &value));
    assert_ok(mae_commit(txn));
    assert_int_equal(entries_of(&world, second), ROWS);
    world_close(&world);
}

static const char group[] = "durability=group log_dir=db log_segment_bytes=64K log_buffer_bytes=4K";

static void what_was_built_is_restored(void **state)
{
    (void)state;
    struct world world = some_rows(group);
    uint64_t divisor = 1;
    struct mae_index *second = second_index(&world, MAE_INDEX_ORDERED, false);
    assert_ok(mae_index_build(world.workers[0], second, key_of, &divisor));
    assert_ok(mae_sync(world.db));
    world_close(&world);
    disk_crash(NULL);
    world = world_again(group);
    assert_int_equal(entries_of(&world, mae_index_by_name(world.db, "second")), ROWS);
    world_close(&world);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_has_its_entry),
        cmocka_unit_test(two_rows_with_one_key_are_told),
        cmocka_unit_test(what_cannot_be_built_is_refused),
        cmocka_unit_test(rows_of_a_clock_that_is_ahead_are_found),
#ifdef MAE_DEBUG
        cmocka_unit_test(who_does_not_know_the_index_is_waited_for),
        cmocka_unit_test(a_row_that_changes_meanwhile_has_the_right_entry),
        cmocka_unit_test_setup_teardown(what_was_built_is_restored, disk_set_up, disk_tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
