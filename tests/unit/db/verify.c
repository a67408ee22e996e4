/*
 * verify.c - mae_db_verify finds what is wrong: each test plants one corruption, behind the engine's back, expects a
 * report that names the place, and takes it back.
 */
#include "engine/db/db.h"

#include "tests/support/world.h"

/* Three rows; of the last, rows[2], the chain has an inlined version and two from the pool. */
static struct world corruptible(uint64_t *rows)
{
    struct world world = world_open("gc_interval_us=10000000", MAE_INDEX_HASH, 100, 1);
    for (int i = 0; i < 3; i++)
        rows[i] = new_row(world.workers[0], world.table, (uint64_t)i);
    for (int i = 0; i < 2; i++) {
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(row_add(txn, world.table, rows[2], 1));
        assert_ok(mae_commit(txn));
    }
    new_keys(world.workers[0], world.index, 500, 20, 0);
    return world;
}

static struct version *newest(struct world *world, uint64_t row)
{
    struct table *table = &world->table->rows;
    char *at = table_row(table, row);
    return row_version(table, at, atomic_load(row_head(table, at)));
}

static void expect_report(struct world *world, const char *text, const char *more)
{
    char report[300] = "", tiny[12];
    assert_status(MAE_CORRUPT, mae_db_verify(world->db, report, sizeof report));
    if (!strstr(report, text) || !strstr(report, more))
        fail_msg("expected '%s' and '%s' in: %s", text, more, report);
    assert_status(MAE_CORRUPT, mae_db_verify(world->db, NULL, 0));
    assert_status(MAE_CORRUPT, mae_db_verify(world->db, tiny, sizeof tiny));
    assert_int_equal(strlen(tiny), sizeof tiny - 1);
}

static void a_sound_database_is_sound(void **state)
{
    (void)state;
    uint64_t rows[3];
    struct world world = corruptible(rows);
    char report[100] = "old text";
    assert_ok(mae_db_verify(world.db, report, sizeof report));
    assert_string_equal(report, "");
    assert_ok(mae_db_verify(world.db, NULL, 0));
    world_close(&world);
}

static void bad_versions_are_found(void **state)
{
    (void)state;
    uint64_t rows[3];
    struct world world = corruptible(rows);
    struct version *version = newest(&world, rows[2]);
    char place[40];
    snprintf(place, sizeof place, "row %u:", (unsigned)rows[2]);

    uint64_t wts = atomic_load(&version->wts), rts = atomic_load(&version->rts);
    atomic_store(&version->wts, 1);
    expect_report(&world, "V3", place);
    atomic_store(&version->wts, wts);

    atomic_store(&version->rts, wts - 1);
    expect_report(&world, "V2", place);
    atomic_store(&version->rts, rts);

    atomic_store(&version->status, VERSION_PENDING);
    expect_report(&world, "status", place);
    atomic_store(&version->status, VERSION_UNUSED);
    expect_report(&world, "status", place);
    atomic_store(&version->status, VERSION_COMMITTED);

    uint16_t bytes = version->payload_bytes;
    version->payload_bytes = 101;
    expect_report(&world, "payload of 101 bytes", place);
    version->payload_bytes = bytes;
    world_close(&world);
}

static void bad_chains_are_found(void **state)
{
    (void)state;
    uint64_t rows[3];
    struct world world = corruptible(rows);
    struct table *table = &world.table->rows;
    _Atomic version_handle *head = row_head(table, table_row(table, rows[1]));
    version_handle own = atomic_load(head), foreign = atomic_load(row_head(table, table_row(table, rows[2])));
    assert_int_equal(own, HANDLE_INLINE);
    atomic_store(head, foreign); /* two rows lead to one version */
    expect_report(&world, "two chains", "row ");
    atomic_store(head, own);

    struct version *inlined = newest(&world, rows[1]);
    atomic_store(&inlined->older, HANDLE_INLINE);
    expect_report(&world, "linked twice", "row ");
    atomic_store(&inlined->older, HANDLE_NONE);

    _Atomic uint8_t *lock = row_lock(table, table_row(table, rows[0]));
    uint8_t unlocked = atomic_load(lock);
    atomic_store(lock, ROW_LOCKED);
    expect_report(&world, "collector", "row ");
    atomic_store(lock, unlocked);
    world_close(&world);
}

static void bad_entries_are_found(void **state)
{
    (void)state;
    static const enum mae_index_kind kinds[] = {MAE_INDEX_HASH, MAE_INDEX_ORDERED};
    for (int k = 0; k < 2; k++) {
        struct world world = world_open("", kinds[k], 8, 1);
        const uint64_t key = 77, stray = 78, beyond = 79;
        uint64_t row;
        new_keys(world.workers[0], world.index, key, 1, 0);
        world_verify(world.db);
        struct mae_txn *txn = begin(world.workers[0]); /* the row goes, the entry stays */
        assert_ok(mae_index_find(txn, world.index, &key, &row));
        row_entries_set(&world.table->rows, table_row(&world.table->rows, row), 0);
        assert_ok(mae_row_delete(txn, world.table, row));
        assert_ok(mae_commit(txn));
        mae_worker_idle(world.workers[0]);
        expect_report(&world, "index keys", "key 77");
        txn = begin(world.workers[0]);
        assert_ok(mae_index_remove(txn, world.index, &key, row));
        assert_ok(mae_commit(txn));
        mae_worker_idle(world.workers[0]);
        world_verify(world.db);

        txn = begin(world.workers[0]); /* an entry that never had a row */
        assert_ok(kinds[k] == MAE_INDEX_HASH ? hash_index_insert(txn, &world.index->hash, &stray, 3)
                                             : tree_index_insert(txn, &world.index->tree, &stray, 3));
        assert_ok(mae_commit(txn));
        mae_worker_idle(world.workers[0]);
        expect_report(&world, "not there", "key 78");
        txn = begin(world.workers[0]);
        assert_ok(mae_index_remove(txn, world.index, &stray, 3));
        assert_ok(kinds[k] == MAE_INDEX_HASH ? hash_index_insert(txn, &world.index->hash, &beyond, 1 << 20)
                                             : tree_index_insert(txn, &world.index->tree, &beyond, 1 << 20));
        assert_ok(mae_commit(txn));
        mae_worker_idle(world.workers[0]);
        expect_report(&world, "does not exist", "key 79");
        txn = begin(world.workers[0]);
        assert_ok(kinds[k] == MAE_INDEX_HASH ? hash_index_remove(txn, &world.index->hash, &beyond, 1 << 20)
                                             : tree_index_remove(txn, &world.index->tree, &beyond, 1 << 20));
        assert_ok(mae_commit(txn));
        mae_worker_idle(world.workers[0]);
        world_close(&world);
    }
}

static void bad_counts_are_found(void **state)
{
    (void)state;
    uint64_t rows[3];
    struct world world = corruptible(rows);
    char *row = table_row(&world.table->rows, rows[0]);
    row_entries_set(&world.table->rows, row, 2);
    expect_report(&world, "0 index entries lead to it, but it counts 2", "table rows row ");
    row_entries_set(&world.table->rows, row, 0);
    world_close(&world);
}

/* A lost bucket: an overflow chain that leads nowhere. */
static void broken_buckets_are_found(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=10000000", MAE_INDEX_HASH, 8, 1);
    struct mae_txn *txn = begin(world.workers[0]);
    for (uint64_t key = 0; key < 1000; key++) /* long chains: the index splits only afterwards, and leaves some */
        assert_ok(key_insert(txn, world.index, key, key));
    assert_ok(mae_commit(txn));
    mae_worker_idle(world.workers[0]);
    world_verify(world.db);
    struct table *overflow = &world.index->overflow;
    uint64_t limit = atomic_load(&overflow->next_row), row = 0;
    version_handle handle = HANDLE_NONE;
    for (; row < limit && handle == HANDLE_NONE; row++) {
        handle = atomic_load(row_head(overflow, table_row(overflow, row)));
        if (handle != HANDLE_NONE &&
            atomic_load(&row_version(overflow, table_row(overflow, row), handle)->status) != VERSION_COMMITTED)
            handle = HANDLE_NONE;
    }
    assert_true(handle != HANDLE_NONE);
    atomic_store(row_head(overflow, table_row(overflow, row - 1)), HANDLE_NONE);
    expect_report(&world, "index keys", "visiting");
    atomic_store(row_head(overflow, table_row(overflow, row - 1)), handle);
    world_close(&world);
}

#ifdef MAE_DEBUG

static pthread_mutex_t *upkeep;
static _Atomic unsigned looks_unlocked, looks;

/* The verifying thread looks at versions: the lock is taken. */
static void try_upkeep(enum race_point point)
{
    if (point != RACE_READ_HEAD && point != RACE_READ_VERSION)
        return;
    looks++;
    if (pthread_mutex_trylock(upkeep) == 0) {
        looks_unlocked++;
        pthread_mutex_unlock(upkeep);
    }
}

#endif

/* The maintenance thread collects only while nobody looks at all versions. */
static void maintenance_waits(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    struct world world = world_open("gc_interval_us=10000000", MAE_INDEX_ORDERED, 8, 1);
    new_keys(world.workers[0], world.index, 20, 20, 0);
    uint64_t row = new_row(world.workers[0], world.table, 0);
    upkeep = &world.db->core.upkeep_lock;
    looks = looks_unlocked = 0;
    race_hook = try_upkeep;
    world_verify(world.db);
    race_hook = NULL;
    assert_true(looks > 0);
    assert_int_equal(looks_unlocked, 0);

    enum mae_status status = mae_maintenance_start(world.db);
    if (status == MAE_UNSUPPORTED)
        skip(); /* the kernel has no membarrier */
    assert_ok(status);
    pthread_mutex_lock(upkeep);
    uint64_t reclaimed = db_counter(world.db, "versions_reclaimed");
    for (int i = 0; i < 100; i++) {
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(mae_commit(txn));
    }
    mae_worker_idle(world.workers[0]);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_int_equal(db_counter(world.db, "versions_reclaimed"), reclaimed);
    pthread_mutex_unlock(upkeep);
    while (db_counter(world.db, "versions_reclaimed") == reclaimed) /* or this test has no end */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    mae_maintenance_stop(world.db);
    world_close(&world);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_database_is_sound), cmocka_unit_test(bad_versions_are_found),
        cmocka_unit_test(bad_chains_are_found),      cmocka_unit_test(bad_entries_are_found),
        cmocka_unit_test(bad_counts_are_found),      cmocka_unit_test(broken_buckets_are_found),
        cmocka_unit_test(maintenance_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
