/*
 * drop.c - dropping tables and indexes: what is left, what open transactions find, whom a drop waits for, and what the
 * log says of it. tests/stress/drop.c drops under load.
 */
#include "tests/support/logged.h"
#include "tests/support/world.h"

enum { KEYS = 500, OTHERS = 20 };

static const struct kind {
    const char *options;
    enum mae_index_kind kind;
    bool non_unique;
} kinds[] = {
    {"gc_interval_us=1", MAE_INDEX_HASH, false},
    {"gc_interval_us=1", MAE_INDEX_ORDERED, false},
    {"gc_interval_us=1", MAE_INDEX_ORDERED, true},
    {"gc_interval_us=1 simple_index_update=on", MAE_INDEX_ORDERED, true},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* An index beside that of the world, with other keys of the rows from `first` on; a non-unique one has some for a row
 * now and then. */
static struct mae_index *second_index(const struct world *world, const struct kind *kind, uint64_t first)
{
    const struct mae_index_config config = {.kind = kind->kind, .key_bytes = 8, .non_unique = kind->non_unique};
    struct mae_index *index;
    assert_ok(mae_index_create(world->db, world->table, "second", &config, &index));
    for (uint64_t key = first; key < KEYS; key++) {
        struct mae_txn *txn = begin(world->workers[0]);
        uint64_t row, other = key * 3;
        assert_ok(mae_index_find(txn, world->index, &key, &row));
        for (uint64_t i = 0; i < (kind->non_unique && key % 50 == 0 ? OTHERS : 1); i++, other += 10 * KEYS)
            assert_ok(mae_index_insert(txn, index, &other, row));
        assert_ok(mae_commit(txn));
    }
    return index;
}

static struct world two_indexes(const struct kind *kind, struct mae_index **second)
{
    struct world world = world_open(kind->options, MAE_INDEX_HASH, 8, 2);
    new_keys(world.workers[0], world.index, 0, KEYS, 5);
    *second = second_index(&world, kind, 0);
    return world;
}

static void rows_lose_the_entries_of_a_dropped_index(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct mae_index *second;
        struct world world = two_indexes(&kinds[i], &second);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(key_delete(txn, world.index, 0));
        assert_status(MAE_CORRUPT, mae_commit(txn)); /* the second index has an entry */
        assert_ok(mae_index_drop(world.db, second));
        world_verify(world.db);
        for (uint64_t key = 0; key < KEYS / 2; key++) {
            txn = begin(world.workers[key % 2]);
            assert_ok(key_delete(txn, world.index, key));
            assert_ok(mae_commit(txn));
        }
        struct mae_index *again = second_index(&world, &kinds[i], KEYS / 2);
        assert_ptr_equal(again, mae_index_by_name(world.db, "second"));
        assert_ptr_not_equal(again, second);
        world_close(&world);
    }
}

static void every_call_says_that_it_is_gone(struct mae_txn *txn, struct mae_table *table, struct mae_index *index,
                                            uint64_t key)
{
    uint64_t row = 0;
    const void *data;
    void *new_data;
    if (table) {
        assert_status(MAE_INVALID, mae_row_read(txn, table, row, &data, NULL));
        assert_status(MAE_INVALID, mae_row_update(txn, table, row, 0, NULL, &new_data));
        assert_status(MAE_INVALID, mae_row_overwrite(txn, table, row, 8, &new_data));
        assert_status(MAE_INVALID, mae_row_insert(txn, table, 8, &row, &new_data));
        assert_status(MAE_INVALID, mae_row_delete(txn, table, row));
    }
    assert_status(MAE_INVALID, mae_read(txn, index, &key, &data, NULL));
    assert_status(MAE_INVALID, mae_update(txn, index, &key, 0, NULL, &new_data));
    assert_status(MAE_INVALID, mae_overwrite(txn, index, &key, 8, &new_data));
    assert_status(MAE_INVALID, mae_upsert(txn, index, &key, 8, NULL, NULL, &new_data, NULL));
    assert_status(MAE_INVALID, mae_insert(txn, index, &key, 8, &row, &new_data));
    assert_status(MAE_INVALID, mae_delete(txn, index, &key));
    assert_status(MAE_INVALID, mae_index_find(txn, index, &key, &row));
    assert_status(MAE_INVALID, mae_index_insert(txn, index, &key, row));
    assert_status(MAE_INVALID, mae_index_remove(txn, index, &key, row));
    mae_prefetch(txn, index, &key, 1);
}

static void handles_are_refused_afterwards(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct mae_index *second;
        struct world world = two_indexes(&kinds[i], &second);
        const struct mae_index_config config = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
        struct mae_index *none;
        assert_ok(mae_index_drop(world.db, second));
        assert_status(MAE_INVALID, mae_index_drop(world.db, second));
        struct mae_txn *txn = begin(world.workers[1]);
        every_call_says_that_it_is_gone(txn, NULL, second, 3);
        assert_ok(mae_commit(txn));
        assert_ok(mae_table_drop(world.db, world.table));
        assert_status(MAE_INVALID, mae_table_drop(world.db, world.table));
        assert_status(MAE_INVALID, mae_index_create(world.db, world.table, "other", &config, &none));
        txn = begin(world.workers[1]);
        every_call_says_that_it_is_gone(txn, world.table, world.index, 3);
        assert_ok(mae_commit(txn));
        assert_null(mae_table_next(world.db, NULL));
        assert_null(mae_index_next(world.db, NULL));
        assert_null(mae_table_next(world.db, world.table));
        assert_int_equal(mae_table_rows(world.table), 0);
        assert_int_equal(mae_table_row_limit(world.table), 0);
        assert_string_equal(mae_index_name(second), "second");
        world_close(&world);
    }
}

static uint64_t committed_bytes(struct mae_db *db)
{
    struct mae_memory memory;
    mae_db_memory(db, &memory);
    return memory.committed_bytes;
}

/* More often than there are places for tables, each time with garbage that nobody has collected yet. What a worker
 * keeps of a dropped table's row ids and counts is not taken for those of the next one. */
static void memory_and_places_are_free_again(void **state)
{
    enum { ROUNDS = 700 / WORLD_SLOWNESS, ROWS = 30, WARM = 20 };
    static const struct mae_table_config rows = {.payload_max_bytes = 300};
    (void)state;
    struct world world = world_open("gc_interval_us=10000000", MAE_INDEX_HASH, 8, 2);
    uint64_t bytes = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        const struct mae_index_config keys = {.kind = round % 3 ? MAE_INDEX_HASH : MAE_INDEX_ORDERED, .key_bytes = 8};
        struct world round_world = world;
        assert_ok(mae_table_create(world.db, "round", &rows, &round_world.table));
        assert_ok(mae_index_create(world.db, round_world.table, "of round", &keys, &round_world.index));
        for (uint64_t key = 0; key < ROWS; key++) {
            struct mae_txn *txn = begin(world.workers[key % 2]);
            assert_ok(key_insert(txn, round_world.index, key, round));
            assert_ok(mae_commit(txn));
        }
        for (uint64_t key = 0; key < ROWS; key++) {
            struct mae_txn *txn = begin(world.workers[key % 2]);
            assert_ok(key % 3 ? key_add(txn, round_world.index, key, 1) : key_delete(txn, round_world.index, key));
            assert_ok(mae_commit(txn));
        }
        assert_int_equal(mae_table_rows(round_world.table), ROWS - ROWS / 3);
        assert_ok(mae_table_drop(world.db, round_world.table));
        if (round == WARM)
            bytes = committed_bytes(world.db);
        else if (round > WARM)
            assert_true(committed_bytes(world.db) <= bytes);
    }
    new_keys(world.workers[0], world.index, 0, KEYS, 1);
    world_check_keys(&world, 0, KEYS, 1);
    world_close(&world);
}

static void a_drop_waits_for_open_transactions(void **state)
{
    (void)state;
    for (int snapshot = 0; snapshot < 2; snapshot++) {
        struct mae_index *second;
        struct world world = two_indexes(&kinds[0], &second);
        uint64_t key = 3, value;
        settle(&world);
        struct mae_txn *txn = snapshot ? begin_snapshot(world.workers[1]) : begin(world.workers[1]);
        assert_status(MAE_BUSY, mae_index_drop(world.db, second));
        assert_status(MAE_BUSY, mae_table_drop(world.db, world.table));
        /* Then all is as before. */
        assert_ok(key_get(txn, second, 3 * key, &value));
        assert_ok(key_get(txn, world.index, key, &value));
        assert_ok(row_get(txn, world.table, 0, &value));
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]);
        assert_ok(key_insert(txn, world.index, KEYS, 5));
        assert_ok(mae_commit(txn));
        world_verify(world.db);
        assert_ok(mae_index_drop(world.db, second));
        assert_ok(mae_table_drop(world.db, world.table));
        world_close(&world);
    }
}

static void an_overtaken_transaction_is_waited_for(void **state)
{
    (void)state;
    struct mae_index *second;
    static const struct kind kind = {"gc_interval_us=1 overtake_us=100", MAE_INDEX_ORDERED, false};
    struct world world = two_indexes(&kind, &second);
    struct mae_txn *txn = begin(world.workers[1]);
    uint64_t value;
    assert_ok(key_get(txn, second, 3, &value));
    assert_status(MAE_BUSY, mae_index_drop(world.db, second));
    assert_ok(key_get(txn, second, 6, &value));
    assert_ok(mae_commit(txn));
    assert_ok(mae_index_drop(world.db, second));
    world_close(&world);
}

#ifdef MAE_DEBUG

/* A transaction that was open when the drop began, and ends while it waits. */
struct meanwhile {
    struct world *world;
    struct mae_index *index;
    struct mae_txn *txn;
    struct mae_cursor *cursor;
    bool table;
};

static void find_it_gone(void *arg)
{
    struct meanwhile *meanwhile = arg;
    uint64_t row;
    assert_status(MAE_INVALID, mae_cursor_next(meanwhile->cursor, NULL, &row));
    every_call_says_that_it_is_gone(meanwhile->txn, meanwhile->table ? meanwhile->world->table : NULL, meanwhile->index,
                                    3);
    assert_ok(mae_commit(meanwhile->txn));
}

/* Of the drop of an index: takes a row that still has an entry in it. */
static void delete_a_row(void *arg)
{
    struct meanwhile *meanwhile = arg;
    assert_ok(mae_commit(meanwhile->txn));
    struct mae_txn *txn = begin(meanwhile->world->workers[1]);
    assert_ok(key_delete(txn, meanwhile->world->index, 7));
    assert_status(MAE_ABORT_INDEX, mae_commit(txn));
}

static void open_transactions_find_it_gone(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct mae_index *second;
        struct world world = two_indexes(&kinds[1], &second);
        struct meanwhile meanwhile = {
            .world = &world, .index = second, .txn = begin(world.workers[1]), .table = i == 1};
        uint64_t row;
        assert_ok(mae_cursor_open(meanwhile.txn, second, NULL, NULL, 0, &meanwhile.cursor));
        assert_ok(mae_cursor_next(meanwhile.cursor, NULL, &row));
        assert_ok(key_add(meanwhile.txn, second, 3 * 20, 7)); /* which it commits */
        at_race(RACE_WAIT_HORIZON, 3, i == 2 ? delete_a_row : find_it_gone, &meanwhile);
        if (i == 1)
            assert_ok(mae_table_drop(world.db, world.table));
        else
            assert_ok(mae_index_drop(world.db, second));
        mae_cursor_close(meanwhile.cursor);
        if (i != 1) {
            uint64_t value;
            struct mae_txn *txn = begin(world.workers[0]);
            assert_ok(key_get(txn, world.index, 20, &value));
            assert_int_equal(value, 12);
            assert_ok(key_delete(txn, world.index, 7));
            assert_ok(mae_commit(txn));
        }
        world_close(&world);
    }
}

/* A table that has no rows when its drop begins gets one while the drop waits. */
static void insert_the_first(void *arg)
{
    struct meanwhile *meanwhile = arg;
    void *data;
    uint64_t row;
    assert_status(MAE_INVALID, mae_row_insert(meanwhile->txn, meanwhile->world->table, 8, &row, &data));
    assert_ok(mae_commit(meanwhile->txn));
}

static void an_empty_table_can_be_dropped(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_ORDERED, 8, 2);
    struct meanwhile meanwhile = {.world = &world, .txn = begin(world.workers[1])};
    at_race(RACE_WAIT_HORIZON, 3, insert_the_first, &meanwhile);
    assert_ok(mae_table_drop(world.db, world.table));
    world_close(&world);
}

/* ---- With a log. ---- */

static const char group[] = "durability=group log_dir=db log_segment_bytes=64K log_buffer_bytes=4K";

static void delete_all(const struct world *world, uint64_t first, uint64_t count)
{
    for (uint64_t key = first; key < first + count; key++) {
        struct mae_txn *txn = begin(world->workers[0]);
        assert_ok(key_delete(txn, world->index, key));
        assert_ok(mae_commit(txn));
    }
}

static struct world crash(struct world *world)
{
    assert_ok(mae_sync(world->db));
    world_close(world);
    disk_crash(NULL);
    struct world again = world_again(group);
    world_verify(again.db);
    return again;
}

static enum mae_status note_change(void *arg, const struct mae_log_change *change)
{
    unsigned *nameless = arg;
    *nameless += change->object[0] == '\0';
    return MAE_OK;
}

/* The log still has the records of what was dropped, and so has a checkpoint. */
static void stays_dropped(bool with_checkpoint)
{
    struct world world = world_open(group, MAE_INDEX_HASH, 8, 1), other;
    const struct kind kind = {.kind = MAE_INDEX_ORDERED};
    static const struct mae_table_config rows = {.payload_max_bytes = 8};
    new_keys(world.workers[0], world.index, 0, KEYS, 5);
    struct mae_index *second = second_index(&world, &kind, 0);
    other = world;
    assert_ok(mae_table_create(world.db, "other", &rows, &other.table));
    assert_ok(mae_index_create(world.db, other.table, "of other",
                               &(struct mae_index_config){.kind = MAE_INDEX_HASH, .key_bytes = 8}, &other.index));
    new_keys(world.workers[0], other.index, 0, KEYS, 6);
    if (with_checkpoint)
        assert_ok(mae_checkpoint(world.db));
    assert_ok(mae_table_drop(world.db, other.table));
    assert_true(mae_durable_timestamp(world.db) > mae_worker_last_commit(world.workers[0]));
    /* Numbers are not used again: of this table nothing is in the log. */
    assert_ok(mae_table_create(world.db, "other", &rows, &other.table));
    assert_ok(mae_index_drop(world.db, second));
    delete_all(&world, 0, KEYS / 2);
    world = crash(&world);
    assert_null(mae_index_by_name(world.db, "second"));
    assert_null(mae_index_by_name(world.db, "of other"));
    assert_non_null(other.table = mae_table_find(world.db, "other"));
    assert_int_equal(mae_table_rows(other.table), 0);
    assert_int_equal(mae_table_rows(world.table), KEYS - KEYS / 2);
    world_check_keys(&world, KEYS / 2, KEYS - KEYS / 2, 5);
    delete_all(&world, KEYS / 2, KEYS - KEYS / 2);
    world_close(&world);
    unsigned nameless = 0;
    struct mae_log_summary summary;
    const struct mae_log_visitor visitor = {.change = note_change};
    assert_ok(mae_log_read("db", &visitor, &nameless, &summary));
    assert_true(with_checkpoint || nameless >= 3 * KEYS);
    disk_crash(NULL);
}

static void what_was_dropped_stays_so(void **state)
{
    (void)state;
    stays_dropped(false);
}

static void of_a_checkpoint_too(void **state)
{
    (void)state;
    stays_dropped(true);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_lose_the_entries_of_a_dropped_index),
        cmocka_unit_test(handles_are_refused_afterwards),
        cmocka_unit_test(memory_and_places_are_free_again),
        cmocka_unit_test(a_drop_waits_for_open_transactions),
        cmocka_unit_test(an_overtaken_transaction_is_waited_for),
#ifdef MAE_DEBUG
        cmocka_unit_test(open_transactions_find_it_gone),
        cmocka_unit_test(an_empty_table_can_be_dropped),
        cmocka_unit_test_setup_teardown(what_was_dropped_stays_so, disk_set_up, disk_tear_down),
        cmocka_unit_test_setup_teardown(of_a_checkpoint_too, disk_set_up, disk_tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
