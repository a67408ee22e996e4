/* db.c - opening and closing, the catalogue and its errors, the memory limit. */
#include "engine/db/db.h"

#include "tests/support/world.h"

static void databases_open_and_close(void **state)
{
    (void)state;
    struct mae_db *first, *second;
    assert_status(MAE_INVALID, mae_open(NULL, NULL));
    assert_ok(mae_open(NULL, &first));
    assert_ok(mae_open(NULL, &second)); /* several in one program */
    mae_close(second);
    mae_close(first);
    mae_close(NULL);
}

static void options_are_read_once(void **state)
{
    (void)state;
    struct mae_options *options = world_options("memory_limit=64M");
    struct mae_db *db;
    struct mae_memory memory;
    assert_ok(mae_open(options, &db));
    assert_ok(mae_options_set(options, "memory_limit", "1M", NULL, 0));
    mae_options_destroy(options);
    mae_db_memory(db, &memory);
    assert_int_equal(memory.limit_bytes, 64 << 20);
    mae_close(db);
}

static void tables_have_names_and_sizes(void **state)
{
    (void)state;
    struct mae_db *db = world_db("");
    struct mae_table *table = NULL, *other = NULL;
    struct mae_table_config config = {.payload_max_bytes = 100};
    char name[NAME_BYTES + 2];
    assert_null(mae_table_find(db, "accounts"));
    assert_ok(mae_table_create(db, "accounts", &config, &table));
    assert_ptr_equal(mae_table_find(db, "accounts"), table);
    assert_null(mae_table_find(db, "account"));
    assert_status(MAE_EXISTS, mae_table_create(db, "accounts", &config, &other));
    assert_ok(mae_table_create(db, "others", &config, &other));
    assert_ptr_equal(mae_table_find(db, "others"), other);
    assert_int_equal(mae_table_row_limit(table), 0);

    assert_status(MAE_INVALID, mae_table_create(db, "", &config, &other));
    assert_status(MAE_INVALID, mae_table_create(db, NULL, &config, &other));
    assert_status(MAE_INVALID, mae_table_create(db, "x", NULL, &other));
    assert_status(MAE_INVALID, mae_table_create(db, "x", &config, NULL));
    assert_status(MAE_INVALID, mae_table_create(NULL, "x", &config, &other));
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_status(MAE_INVALID, mae_table_create(db, name, &config, &other));
    name[NAME_BYTES - 1] = '\0';
    assert_ok(mae_table_create(db, name, &config, &other));
    assert_ptr_equal(mae_table_find(db, name), other);
    config.payload_max_bytes = 0;
    assert_status(MAE_INVALID, mae_table_create(db, "x", &config, &other));
    config.payload_max_bytes = MAE_PAYLOAD_MAX_BYTES + 1;
    assert_status(MAE_INVALID, mae_table_create(db, "x", &config, &other));
    config.payload_max_bytes = MAE_PAYLOAD_MAX_BYTES;
    assert_ok(mae_table_create(db, "x", &config, &other));
    mae_close(db);
}

static void indexes_have_names_and_kinds(void **state)
{
    (void)state;
    struct mae_db *db = world_db(""), *foreign = world_db("");
    struct mae_table *table, *foreign_table;
    struct mae_index *index = NULL, *other = NULL;
    const struct mae_table_config table_config = {.payload_max_bytes = 100};
    struct mae_index_config config = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
    assert_ok(mae_table_create(db, "rows", &table_config, &table));
    assert_ok(mae_table_create(foreign, "rows", &table_config, &foreign_table));
    assert_null(mae_index_by_name(db, "keys"));
    assert_ok(mae_index_create(db, table, "keys", &config, &index));
    assert_ptr_equal(mae_index_by_name(db, "keys"), index);
    assert_status(MAE_EXISTS, mae_index_create(db, table, "keys", &config, &other));
    assert_ok(mae_index_create(db, table, "rows", &config, &other)); /* a table's name is free for an index */
    assert_null(mae_table_find(db, "keys"));

    assert_status(MAE_INVALID, mae_index_create(db, table, "", &config, &other));
    assert_status(MAE_INVALID, mae_index_create(db, table, NULL, &config, &other));
    assert_status(MAE_INVALID, mae_index_create(db, NULL, "x", &config, &other));
    assert_status(MAE_INVALID, mae_index_create(db, foreign_table, "x", &config, &other));
    assert_status(MAE_INVALID, mae_index_create(db, table, "x", NULL, &other));
    assert_status(MAE_INVALID, mae_index_create(db, table, "x", &config, NULL));
    assert_status(MAE_INVALID, mae_index_create(NULL, table, "x", &config, &other));
    for (int kind = MAE_INDEX_HASH; kind <= MAE_INDEX_ORDERED; kind++) {
        config.kind = (enum mae_index_kind)kind;
        config.key_bytes = MAE_KEY_MIN_BYTES - 1;
        assert_status(MAE_INVALID, mae_index_create(db, table, "x", &config, &other));
        config.key_bytes = MAE_KEY_MAX_BYTES + 1;
        assert_status(MAE_INVALID, mae_index_create(db, table, "x", &config, &other));
        config.key_bytes = MAE_KEY_MAX_BYTES;
        assert_ok(mae_index_create(db, table, kind == MAE_INDEX_HASH ? "wide hash" : "wide tree", &config, &other));
    }
    config = (struct mae_index_config){.kind = MAE_INDEX_HASH, .key_bytes = 8, .non_unique = true};
    assert_status(MAE_INVALID, mae_index_create(db, table, "x", &config, &other));
    config = (struct mae_index_config){.kind = (enum mae_index_kind)7, .key_bytes = 8};
    assert_status(MAE_INVALID, mae_index_create(db, table, "x", &config, &other));
    assert_null(mae_index_by_name(db, "x"));
    world_verify(db);
    mae_close(db);
    mae_close(foreign);
}

/* As many tables and indexes as there are slots; the addresses each reserves shrink when they run out. */
static void the_catalogue_has_an_end(void **state)
{
    (void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    skip(); /* the sanitizers keep most addresses for themselves */
#endif
    struct mae_db *db = world_db("memory_limit=64M");
    const struct mae_table_config config = {.payload_max_bytes = 8};
    struct mae_table *table;
    enum mae_status status = MAE_OK;
    unsigned count = 0;
    for (; count <= CATALOG_MAX && status == MAE_OK; count++) {
        char name[20];
        snprintf(name, sizeof name, "table %u", count);
        status = mae_table_create(db, name, &config, &table);
    }
    assert_status(MAE_FULL, status);
    assert_int_equal(count, CATALOG_MAX + 1);
    const struct mae_index_config index_config = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
    struct mae_index *index;
    assert_status(MAE_FULL, mae_index_create(db, table, "keys", &index_config, &index)); /* nodes are tables too */
    mae_close(db);
}

static void the_catalogue_is_listed(void **state)
{
    (void)state;
    struct mae_db *db = world_db("");
    struct mae_table *tables[3], *table = NULL;
    struct mae_index *indexes[3], *index = NULL;
    char name[] = "t0";
    assert_null(mae_table_next(db, NULL));
    assert_null(mae_index_next(db, NULL));
    for (unsigned i = 0; i < 3; i++, name[1]++) {
        const struct mae_table_config rows = {.payload_max_bytes = 10 + i, .expected_rows = i};
        const struct mae_index_config keys = {
            .kind = i ? MAE_INDEX_ORDERED : MAE_INDEX_HASH, .key_bytes = 8 + i, .non_unique = i == 2};
        name[0] = 't';
        assert_ok(mae_table_create(db, name, &rows, &tables[i]));
        name[0] = 'i';
        assert_ok(mae_index_create(db, tables[i / 2], name, &keys, &indexes[i]));
    }
    for (unsigned i = 0; i < 3; i++) {
        struct mae_table_config rows;
        struct mae_index_config keys;
        table = mae_table_next(db, table);
        index = mae_index_next(db, index);
        assert_ptr_equal(table, tables[i]);
        assert_ptr_equal(index, indexes[i]);
        assert_ptr_equal(mae_table_find(db, mae_table_name(table)), table);
        assert_ptr_equal(mae_index_by_name(db, mae_index_name(index)), index);
        assert_ptr_equal(mae_index_table(index), tables[i / 2]);
        mae_table_config_of(table, &rows);
        mae_index_config_of(index, &keys);
        assert_int_equal(rows.payload_max_bytes, 10 + i);
        assert_int_equal(rows.expected_rows, i);
        assert_int_equal(keys.key_bytes, 8 + i);
        assert_int_equal(keys.kind, i ? MAE_INDEX_ORDERED : MAE_INDEX_HASH);
        assert_int_equal(keys.non_unique, i == 2);
    }
    assert_null(mae_table_next(db, table));
    assert_null(mae_index_next(db, index));
    mae_close(db);
}

static void rows_are_counted(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 2);
    const struct mae_table_config config = {.payload_max_bytes = 8};
    struct mae_table *other;
    uint64_t rows[2], mark;
    void *data;
    assert_ok(mae_table_create(world.db, "other", &config, &other));
    assert_int_equal(mae_table_rows(world.table), 0);
    new_keys(world.workers[0], world.index, 0, 10, 7);
    assert_int_equal(mae_table_rows(world.table), 10);
    struct mae_txn *txn = begin(world.workers[1]);
    for (uint64_t key = 0; key < 4; key++) { /* of both tables in turn */
        assert_ok(key_delete(txn, world.index, key));
        assert_ok(mae_row_insert(txn, other, 8, &rows[key % 2], &data));
        memset(data, 0, 8);
    }
    assert_ok(mae_row_delete(txn, other, rows[0]));
    assert_ok(key_insert(txn, world.index, 2, 7));
    assert_ok(row_set(txn, other, rows[1], 1));
    assert_ok(mae_savepoint(txn, &mark));
    assert_ok(key_delete(txn, world.index, 9));
    assert_ok(key_insert(txn, world.index, 10, 7));
    assert_ok(mae_rollback_to(txn, mark));
    assert_ok(mae_commit(txn));
    assert_int_equal(mae_table_rows(world.table), 7);
    assert_int_equal(mae_table_rows(other), 3);
    txn = begin(world.workers[0]);
    assert_ok(key_delete(txn, world.index, 5));
    assert_ok(mae_abort(txn));
    assert_int_equal(mae_table_rows(world.table), 7);
    world_close(&world);
}

static void a_scan_needs_an_ordered_index(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_status(MAE_UNSUPPORTED, mae_index_scan(txn, world.index, NULL, NULL, 0, 0, NULL, NULL));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* Inserts until there is no memory; returns how many keys there are then. */
static uint64_t fill_up(struct world *world, size_t payload_bytes)
{
    uint64_t keys = 0;
    enum mae_status status = MAE_OK;
    while (status == MAE_OK || mae_status_is_retryable(status)) { /* ends: MAE_MEMORY_PATIENCE_MS */
        void *data;
        struct mae_txn *txn = begin(world->workers[0]);
        status = mae_insert(txn, world->index, &keys, payload_bytes, NULL, &data);
        if (status == MAE_OK)
            memcpy(data, &keys, sizeof keys);
        enum mae_status commit = mae_commit(txn);
        assert_string_equal(mae_status_name(commit), mae_status_name(status));
        keys += status == MAE_OK;
    }
    assert_status(MAE_NO_MEMORY, status);
    assert_true(db_counter(world->db, "aborts_memory") > 0);
    struct mae_memory memory;
    mae_db_memory(world->db, &memory);
    assert_int_equal(memory.limit_bytes, 8 << 20);
    assert_true(memory.committed_bytes <= memory.limit_bytes);
    return keys;
}

static void check_all(struct world *world, uint64_t keys)
{
    uint64_t value;
    struct mae_txn *txn = begin(world->workers[0]);
    for (uint64_t i = 0; i < keys; i++) {
        assert_ok(key_get(txn, world->index, i, &value));
        assert_int_equal(value, i);
    }
    assert_status(MAE_NOT_FOUND, key_get(txn, world->index, keys, &value));
    assert_ok(mae_commit(txn));
    world_verify(world->db);
}

static const enum mae_index_kind kinds[] = {MAE_INDEX_HASH, MAE_INDEX_ORDERED};

/* The limit is reached, nothing breaks, and what is given back can be used. */
static void the_memory_limit_is_clean(void **state)
{
    (void)state;
    enum { PAYLOAD = 200, AGAIN = 1000 };
    for (int k = 0; k < 2; k++) {
        struct world world = world_open("memory_limit=8M gc_interval_us=1", kinds[k], PAYLOAD, 1);
        uint64_t keys = fill_up(&world, PAYLOAD);
        assert_true(keys > 5000 && keys < (8 << 20) / PAYLOAD);
        check_all(&world, keys);
        for (uint64_t i = 0; i < AGAIN; i++) {
            struct mae_txn *txn = begin(world.workers[0]);
            assert_ok(key_delete(txn, world.index, i));
            assert_ok(mae_commit(txn));
        }
        settle(&world);
        for (uint64_t i = 0; i < AGAIN; i++) {
            struct mae_txn *txn = begin(world.workers[0]);
            void *data;
            assert_ok(mae_insert(txn, world.index, &i, PAYLOAD, NULL, &data));
            memcpy(data, &i, sizeof i);
            assert_ok(mae_commit(txn));
        }
        check_all(&world, keys);
        world_close(&world);
    }
}

/* Versions outside rows fill the memory: what is there stays readable. */
static void large_payloads_reach_the_limit_cleanly(void **state)
{
    (void)state;
    enum { PAYLOAD = 1000 };
    for (int k = 0; k < 2; k++) {
        struct world world = world_open("memory_limit=8M gc_interval_us=1", kinds[k], PAYLOAD, 1);
        uint64_t keys = fill_up(&world, PAYLOAD);
        assert_true(keys > 1000 && keys < 8192);
        check_all(&world, keys);
        for (int i = 0; i < 100; i++) { /* and stays so, however often one tries */
            uint64_t key = keys + 1;
            struct mae_txn *txn = begin(world.workers[0]);
            void *data;
            enum mae_status status = mae_insert(txn, world.index, &key, PAYLOAD, NULL, &data);
            assert_true(status == MAE_OK || status == MAE_NO_MEMORY);
            mae_abort(txn);
        }
        check_all(&world, keys);
        world_close(&world);
    }
}

static void a_limit_below_the_first_chunk_refuses_cleanly(void **state)
{
    (void)state;
    struct mae_db *db = world_db("memory_limit=1M");
    struct mae_table *table;
    struct mae_index *index;
    struct mae_worker *worker;
    const struct mae_table_config config = {.payload_max_bytes = 8};
    const struct mae_index_config hash = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
    const struct mae_index_config tree = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8};
    assert_ok(mae_table_create(db, "rows", &config, &table));
    assert_status(MAE_NO_MEMORY, mae_index_create(db, table, "hash", &hash, &index));
    assert_status(MAE_NO_MEMORY, mae_index_create(db, table, "tree", &tree, &index));
    assert_null(mae_index_by_name(db, "hash"));
    assert_ok(mae_worker_join(db, &worker));
    struct mae_txn *txn = begin(worker);
    uint64_t row;
    void *data;
    assert_status(MAE_NO_MEMORY, mae_row_insert(txn, table, 8, &row, &data));
    assert_status(MAE_NO_MEMORY, mae_commit(txn));
    mae_worker_leave(worker);
    world_verify(db);
    mae_close(db);
}

/* huge_pages decides what kind of pages back the memory, as far as the machine has them. */
static void page_sizes_follow_the_option(void **state)
{
    (void)state;
    static const char *const modes[] = {"huge_pages=auto", "huge_pages=transparent", "huge_pages=off"};
    uint64_t huge[3];
    for (int m = 0; m < 3; m++) {
        struct world world = world_open(modes[m], MAE_INDEX_HASH, 100, 1);
        struct mae_memory memory;
        new_keys(world.workers[0], world.index, 0, 20000, 1);
        mae_db_memory(world.db, &memory);
        huge[m] = memory.transparent_bytes + memory.hugetlb_bytes;
        assert_true(memory.resident_bytes > 20000 * 128);
        assert_true(memory.resident_bytes <= memory.committed_bytes);
        world_close(&world);
    }
    assert_int_equal(huge[2], 0);
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    char line[100] = "[never]";
    if (file) {
        assert_non_null(fgets(line, sizeof line, file));
        fclose(file);
    }
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
    if (!strstr(line, "[never]"))
        assert_true(huge[0] > 0 && huge[1] > 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(databases_open_and_close),
        cmocka_unit_test(options_are_read_once),
        cmocka_unit_test(tables_have_names_and_sizes),
        cmocka_unit_test(indexes_have_names_and_kinds),
        cmocka_unit_test(the_catalogue_has_an_end),
        cmocka_unit_test(the_catalogue_is_listed),
        cmocka_unit_test(rows_are_counted),
        cmocka_unit_test(a_scan_needs_an_ordered_index),
        cmocka_unit_test(the_memory_limit_is_clean),
        cmocka_unit_test(large_payloads_reach_the_limit_cleanly),
        cmocka_unit_test(a_limit_below_the_first_chunk_refuses_cleanly),
        cmocka_unit_test(page_sizes_follow_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
