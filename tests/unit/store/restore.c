/* restore.c - rows without transactions: what takes the place of what, and entries that several threads count. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wstringop-overflow" /* gcc takes a row's place, which it cannot see, for no bytes */
#endif

#include "tests/support/world.h"

#include "engine/db/db.h"
#include "engine/store/restore.h"
#include "engine/txn/worker.h"

enum { THREADS = 3, EACH = 50 };

static void *count_entries(void *arg)
{
    struct table *table = *(struct table **)arg;
    for (unsigned i = 0; i < EACH; i++)
        if (restore_entry(table, 0) != MAE_OK)
            return NULL;
    return NULL;
}

static void all_entries_are_counted(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_ORDERED, 8, 1);
    struct table *table = &world.table->rows, *tables[THREADS] = {table, table, table};
    assert_int_equal(new_row(world.workers[0], world.table, 1), 0);
    assert_status(MAE_NOT_FOUND, restore_entry(table, 1));
    assert_status(MAE_NOT_FOUND, restore_entry(table, UINT64_C(1) << 40));
    run_threads(THREADS, count_entries, tables, sizeof *tables);
    assert_int_equal(row_entries(table, table_row(table, 0)), THREADS * EACH);
    world_leave(&world);
    mae_close(world.db); /* no index has these entries, so mae_db_verify would complain */
}

static void a_row_takes_the_place_of_another(void **state)
{
    (void)state;
    enum { LARGE = 1000 };
    struct world world = world_open("inline_bytes=64", MAE_INDEX_ORDERED, 64, 1);
    const struct mae_table_config config = {.payload_max_bytes = LARGE};
    struct mae_table *large;
    assert_ok(mae_table_create(world.db, "large", &config, &large));
    struct mae_table *both[] = {world.table, large};
    for (unsigned i = 0; i < 2; i++) {
        struct table *table = &both[i]->rows;
        struct pool *pool = &world.workers[0]->pool;
        uint64_t value;
        size_t bytes;
        const void *data;
        assert_ok(table_reserve_rows(table, 2));
        assert_non_null(restore_row(table, pool, 1, 8, 1, VERSION_DELETED));
        struct version *version = restore_row(table, pool, 1, 24, 2, VERSION_COMMITTED);
        assert_ptr_equal(version, restored_version(table, 1));
        memset(version->payload, 1, 24);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_row_read(txn, both[i], 1, &data, &bytes));
        assert_int_equal(bytes, 24);
        memcpy(&value, data, sizeof value);
        assert_int_equal(value, UINT64_C(0x0101010101010101));
        assert_ok(mae_commit(txn));
        restore_empty(table, pool, 1);
        assert_null(restored_version(table, 1));
        txn = begin(world.workers[0]);
        assert_status(MAE_NOT_FOUND, mae_row_read(txn, both[i], 1, &data, &bytes));
        assert_ok(mae_commit(txn));
    }
    world_close(&world);
}

static void note_append(struct table *table, struct pool *pool, char letter, uint64_t ts)
{
    unsigned char list[16] = {MAE_APPEND, 0, 0, 0, 0, 0, 1, 0, (unsigned char)letter};
    assert_true(delta_is_whole(list, sizeof list, table->payload_max_bytes));
    assert_true(restore_note(table, pool, 0, list, sizeof list, ts));
}

/* D24. Whatever order the records come in. */
static void noted_operations_are_carried_out_in_their_order(void **state)
{
    (void)state;
    enum { PUTS = 2, LETTERS = 4, RECORDS = PUTS + LETTERS };
    static const uint64_t at[RECORDS] = {10, 30, 5, 20, 40, 50}; /* two rows that were put, then letters */
    uint64_t random = seed_from_environment();
    for (unsigned round = 0; round < 200; round++) {
        struct world world = world_open(round % 2 ? "inline_bytes=0" : "", MAE_INDEX_HASH, 8, 1);
        struct table *table = &world.table->rows;
        struct pool *pool = &world.workers[0]->pool;
        assert_ok(table_reserve_rows(table, 1));
        unsigned order[RECORDS];
        for (unsigned i = 0; i < RECORDS; i++) {
            unsigned j = (unsigned)random_below(&random, i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        for (unsigned i = 0; i < RECORDS; i++) {
            const struct version *before = restored_version(table, 0);
            const uint64_t ts = at[order[i]];
            if (order[i] >= PUTS)
                note_append(table, pool, (char)('a' + order[i] - PUTS), ts);
            else if (!before || version_wts(before) < ts)
                memcpy(restore_row(table, pool, 0, 1, ts, VERSION_COMMITTED)->payload, order[i] ? "Y" : "X", 1);
        }
        assert_ok(restore_compute(table, pool, 0));
        const struct version *version = restored_version(table, 0);
        assert_non_null(version);
        assert_int_equal(version_wts(version), 50);
        assert_int_equal(version->payload_bytes, 3);
        assert_memory_equal(version->payload, "Ycd", 3);
        assert_int_equal(atomic_load(&version->older), HANDLE_NONE);
        restore_empty(table, pool, 0);
        world_close(&world);
    }
}

static void operations_need_a_row(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    struct table *table = &world.table->rows;
    struct pool *pool = &world.workers[0]->pool;
    assert_ok(table_reserve_rows(table, 1));
    assert_ok(restore_compute(table, pool, 0));
    note_append(table, pool, 'a', 20);
    assert_null(restored_version(table, 0));
    assert_status(MAE_CORRUPT, restore_compute(table, pool, 0));
    assert_non_null(restore_row(table, pool, 0, 0, 10, VERSION_DELETED));
    assert_status(MAE_CORRUPT, restore_compute(table, pool, 0));
    assert_non_null(restore_row(table, pool, 0, 0, 30, VERSION_DELETED)); /* they were of an earlier row */
    assert_ok(restore_compute(table, pool, 0));
    restore_empty(table, pool, 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_entries_are_counted),
        cmocka_unit_test(a_row_takes_the_place_of_another),
        cmocka_unit_test(noted_operations_are_carried_out_in_their_order),
        cmocka_unit_test(operations_need_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
