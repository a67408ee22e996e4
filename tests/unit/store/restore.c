/* restore.c - rows without transactions: what takes the place of what, and entries that several threads count. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_entries_are_counted),
        cmocka_unit_test(a_row_takes_the_place_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
