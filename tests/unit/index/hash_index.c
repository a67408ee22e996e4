/*
 * hash_index.c - the hash index through the public calls: key sizes, growth, chains, phantoms.
 *
 * Catches the mutations skip_miss_validation, split_unnoticed, chains_never_branch and skip_directory_validation.
 */
#include "tests/support/colliding.h"
#include "tests/support/world.h"

#include <inttypes.h>

#include "engine/db/db.h"
#include "engine/index/hash_overflow.h"

struct keyed {
    struct mae_db *db;
    struct mae_table *table;
    struct mae_index *index;
    struct mae_worker *worker;
    size_t key_bytes;
};

static struct keyed keyed_open(const char *options, size_t key_bytes, uint64_t expected_rows)
{
    struct keyed keyed = {.db = world_db(options), .key_bytes = key_bytes};
    const struct mae_table_config table = {.payload_max_bytes = 8};
    const struct mae_index_config index = {
        .kind = MAE_INDEX_HASH, .key_bytes = key_bytes, .expected_rows = expected_rows};
    assert_ok(mae_table_create(keyed.db, "rows", &table, &keyed.table));
    assert_ok(mae_index_create(keyed.db, keyed.table, "keys", &index, &keyed.index));
    assert_ok(mae_worker_join(keyed.db, &keyed.worker));
    return keyed;
}

static void keyed_close(struct keyed *keyed)
{
    mae_worker_leave(keyed->worker);
    world_verify(keyed->db);
    mae_close(keyed->db);
}

/* Keys that differ in one place only, which moves with the number. */
static const void *key_of(const struct keyed *keyed, uint64_t number)
{
    static unsigned char key[MAE_KEY_MAX_BYTES];
    memset(key, 0x5a, sizeof key);
    memcpy(key + (keyed->key_bytes - sizeof number) * (number % 2), &number, sizeof number);
    return key;
}

static void insert_keys(struct keyed *keyed, uint64_t first, uint64_t count)
{
    enum { BATCH = 50 };
    for (uint64_t i = first; i < first + count;) {
        struct mae_txn *txn = begin(keyed->worker);
        for (int n = 0; n < BATCH && i < first + count; n++, i++) {
            void *data;
            assert_ok(mae_insert(txn, keyed->index, key_of(keyed, i), 8, NULL, &data));
            memcpy(data, &i, sizeof i);
        }
        assert_ok(mae_commit(txn));
    }
}

static void delete_keys(struct keyed *keyed, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        struct mae_txn *txn = begin(keyed->worker);
        assert_ok(mae_delete(txn, keyed->index, key_of(keyed, i)));
        assert_status(MAE_NOT_FOUND, mae_delete(txn, keyed->index, key_of(keyed, i)));
        assert_ok(mae_commit(txn));
    }
}

/* Exactly first .. first + count - 1 are there, of all below `limit`. */
static void check_keys(struct keyed *keyed, uint64_t first, uint64_t count, uint64_t limit)
{
    struct mae_txn *txn = begin(keyed->worker);
    for (uint64_t i = 0; i < limit; i++) {
        const void *data;
        uint64_t row;
        if (i >= first && i < first + count) {
            assert_ok(mae_read(txn, keyed->index, key_of(keyed, i), &data, NULL));
            assert_memory_equal(data, &i, sizeof i);
            assert_ok(mae_index_find(txn, keyed->index, key_of(keyed, i), &row));
            assert_ok(mae_row_read(txn, keyed->table, row, &data, NULL));
            assert_memory_equal(data, &i, sizeof i);
        } else {
            assert_status(MAE_NOT_FOUND, mae_read(txn, keyed->index, key_of(keyed, i), &data, NULL));
            assert_status(MAE_NOT_FOUND, mae_index_find(txn, keyed->index, key_of(keyed, i), &row));
        }
        if (i % 1000 == 999) {
            assert_ok(mae_commit(txn));
            txn = begin(keyed->worker);
        }
    }
    assert_ok(mae_commit(txn));
}

static void every_key_size_works(void **state)
{
    (void)state;
    for (size_t key_bytes = MAE_KEY_MIN_BYTES; key_bytes <= MAE_KEY_MAX_BYTES; key_bytes += key_bytes < 20 ? 1 : 11) {
        struct keyed keyed = keyed_open("gc_interval_us=1", key_bytes, 0);
        insert_keys(&keyed, 0, 1500);
        check_keys(&keyed, 0, 1500, 2000);
        delete_keys(&keyed, 0, 700);
        check_keys(&keyed, 700, 800, 2000);
        insert_keys(&keyed, 1500, 500);
        check_keys(&keyed, 700, 1300, 2100);
        keyed_close(&keyed);
    }
}

static void grows_from_nothing(void **state)
{
    (void)state;
    enum { KEYS = 100000 / WORLD_SLOWNESS };
    static const char *const options[] = {"", "inline_bytes=0"};
    for (int o = 0; o < 2; o++) {
        struct keyed keyed = keyed_open(options[o], 8, 0);
        uint64_t keys = o ? KEYS / 5 : KEYS;
        insert_keys(&keyed, 0, keys);
        assert_true(db_counter(keyed.db, "index_splits") > keys / 2); /* a bucket holds two keys or so */
        check_keys(&keyed, 0, keys, keys + 1000);
        struct mae_space space;
        mae_index_space(keyed.index, &space);
        assert_true(space.row_bytes < keys * 150); /* and memory is in proportion */
        delete_keys(&keyed, 0, keys / 10);
        check_keys(&keyed, keys / 10, keys - keys / 10, keys);
        keyed_close(&keyed);
    }
}

static void a_presized_index_does_not_split(void **state)
{
    (void)state;
    enum { KEYS = 20000 / WORLD_SLOWNESS };
    struct keyed keyed = keyed_open("", 8, KEYS);
    insert_keys(&keyed, 0, KEYS);
    assert_true(db_counter(keyed.db, "index_splits") < KEYS / 100);
    check_keys(&keyed, 0, KEYS, KEYS + 100);
    insert_keys(&keyed, KEYS, 2 * KEYS); /* the hint is no limit */
    assert_true(db_counter(keyed.db, "index_splits") > KEYS / 10);
    check_keys(&keyed, 0, 3 * KEYS, 3 * KEYS + 100);
    keyed_close(&keyed);
}

static void entries_come_and_go(void **state)
{
    (void)state;
    struct keyed keyed = keyed_open("gc_interval_us=1", 8, 0);
    const uint64_t key = 42;
    uint64_t row;
    void *data;
    for (uint64_t i = 0; i < 500; i++) {
        struct mae_txn *txn = begin(keyed.worker);
        assert_ok(mae_insert(txn, keyed.index, &key, 8, &row, &data));
        memcpy(data, &i, sizeof i);
        assert_status(MAE_EXISTS, mae_insert(txn, keyed.index, &key, 8, NULL, &data)); /* own entry */
        assert_ok(mae_commit(txn));
        txn = begin(keyed.worker);
        assert_status(MAE_EXISTS, mae_insert(txn, keyed.index, &key, 8, NULL, &data));
        assert_status(MAE_EXISTS, mae_index_insert(txn, keyed.index, &key, row));
        assert_status(MAE_NOT_FOUND, mae_index_remove(txn, keyed.index, &key, row + 1)); /* leads elsewhere */
        assert_ok(mae_delete(txn, keyed.index, &key));
        if (i % 2) { /* and back in the same transaction */
            assert_ok(mae_insert(txn, keyed.index, &key, 8, &row, &data));
            memcpy(data, &i, sizeof i);
            assert_ok(mae_delete(txn, keyed.index, &key));
        }
        assert_ok(mae_commit(txn));
    }
    struct mae_space space;
    mae_table_space(keyed.table, &space);
    assert_int_equal(space.rows, 0);
    keyed_close(&keyed);
}

/* More keys in one transaction than the few buckets of the beginning hold: long chains, before any split. */
static void chains_grow_and_shrink(void **state)
{
    (void)state;
    enum { KEYS = 3000 / WORLD_SLOWNESS };
    struct keyed keyed = keyed_open("gc_interval_us=1", 8, 0);
    for (int round = 0; round < 3; round++) {
        struct mae_txn *txn = begin(keyed.worker);
        for (uint64_t i = 0; i < KEYS; i++) {
            void *data;
            assert_ok(mae_insert(txn, keyed.index, &i, 8, NULL, &data));
            memcpy(data, &i, sizeof i);
        }
        for (uint64_t i = 0; i < KEYS; i++) {
            const void *data;
            assert_ok(mae_read(txn, keyed.index, &i, &data, NULL));
            assert_memory_equal(data, &i, sizeof i);
        }
        assert_ok(mae_commit(txn));
        check_keys(&keyed, 0, KEYS, KEYS + 100);
        txn = begin(keyed.worker);
        for (uint64_t i = 0; i < KEYS; i++)
            assert_ok(mae_delete(txn, keyed.index, &i));
        assert_ok(mae_commit(txn));
        check_keys(&keyed, 0, 0, KEYS);
    }
    keyed_close(&keyed);
}

static void rolled_back_changes_leave_nothing(void **state)
{
    (void)state;
    struct keyed keyed = keyed_open("", 8, 0);
    insert_keys(&keyed, 0, 300);
    for (int round = 0; round < 20; round++) {
        struct mae_txn *txn = begin(keyed.worker);
        for (uint64_t i = 300; i < 600; i++) {
            void *data;
            assert_ok(mae_insert(txn, keyed.index, &i, 8, NULL, &data));
        }
        for (uint64_t i = 0; i < 300; i++)
            assert_ok(mae_delete(txn, keyed.index, &i));
        mae_abort(txn);
    }
    check_keys(&keyed, 0, 300, 700);
    keyed_close(&keyed);
}

/* ---- Phantoms: two workers, every order of begin and commit. ---- */

/* Each misses both keys and inserts its own: write skew on misses. One must abort, even if the keys' buckets differ. */
static void write_skew_on_misses_aborts_one(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 8; order++) {
        for (int by_find = 0; by_find < 2; by_find++) {
            struct world world = world_open(order & 4 ? "precheck=off" : "", MAE_INDEX_HASH, 8, 2);
            const uint64_t keys[2] = {1, 2};
            struct mae_txn *txns[2];
            unsigned committed = 0;
            for (unsigned i = 0; i < 2; i++)
                txns[i ^ (order & 1)] = begin(world.workers[i ^ (order & 1)]);
            for (unsigned i = 0; i < 2; i++) {
                for (unsigned k = 0; k < 2; k++) {
                    uint64_t value;
                    if (by_find)
                        assert_status(MAE_NOT_FOUND, mae_index_find(txns[i], world.index, &keys[k], &value));
                    else
                        assert_status(MAE_NOT_FOUND, key_get(txns[i], world.index, keys[k], &value));
                }
            }
            bool going[2];
            for (unsigned i = 0; i < 2; i++)
                going[i] = key_insert(txns[i], world.index, keys[i], i) == MAE_OK;
            for (unsigned i = 0; i < 2; i++) {
                unsigned who = i ^ (order >> 1 & 1);
                enum mae_status status = mae_commit(txns[who]);
                assert_true(status == MAE_OK ? going[who] : mae_status_is_retryable(status));
                committed += status == MAE_OK;
            }
            assert_int_equal(committed, 1);
            world_close(&world);
        }
    }
}

static void a_miss_and_an_insert_before_it_conflict(void **state)
{
    (void)state;
    for (int touched = 0; touched < 2; touched++) { /* whether the bucket existed before */
        struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
        uint64_t value;
        if (touched) {
            new_keys(world.workers[0], world.index, 7, 1, 0);
            struct mae_txn *txn = begin(world.workers[0]);
            assert_ok(key_delete(txn, world.index, 7));
            assert_ok(mae_commit(txn));
        }
        struct mae_txn *inserter = begin(world.workers[0]), *reader = begin(world.workers[1]);
        assert_status(MAE_NOT_FOUND, key_get(reader, world.index, 7, &value));
        assert_ok(key_insert(inserter, world.index, 7, 1));
        assert_ok(mae_commit(inserter));
        assert_true(mae_status_is_retryable(mae_commit(reader))); /* it should have seen the key */

        inserter = begin(world.workers[0]), reader = begin(world.workers[1]);
        assert_ok(key_delete(inserter, world.index, 7));
        assert_ok(mae_commit(inserter));
        assert_status(MAE_NOT_FOUND, key_get(reader, world.index, 7, &value));
        assert_ok(mae_commit(reader));

        reader = begin(world.workers[1]), inserter = begin(world.workers[0]);
        assert_ok(key_insert(inserter, world.index, 8, 1));
        assert_ok(mae_commit(inserter));
        assert_status(MAE_NOT_FOUND, key_get(reader, world.index, 8, &value)); /* it begins before: rightly */
        enum mae_status status = mae_commit(reader);
        assert_true(status == MAE_OK || mae_status_is_retryable(status));
        world_close(&world);
    }
}

static void two_inserts_of_one_key_conflict(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
        struct mae_txn *txns[2] = {begin(world.workers[0]), begin(world.workers[1])};
        unsigned committed = 0;
        for (unsigned i = 0; i < 2; i++)
            assert_ok(key_insert(txns[i], world.index, 5, i));
        for (unsigned i = 0; i < 2; i++)
            committed += mae_commit(txns[i ^ order]) == MAE_OK;
        assert_int_equal(committed, 1);
        world_close(&world);
    }
}

/* The bucket leads to a row that is deleted before the row is read: the only way is to begin again. */
struct deletion {
    struct mae_txn *txn;
    struct mae_index *index;
    enum mae_status status;
};

static void delete_now(void *arg)
{
    struct deletion *deletion = arg;
    deletion->status = key_delete(deletion->txn, deletion->index, 5);
    if (deletion->status == MAE_OK)
        deletion->status = mae_commit(deletion->txn);
}

static void an_entry_that_leads_nowhere_aborts(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    bool aborted = false;
    for (unsigned n = 1; n < 8; n++) { /* one of these is between the look at the bucket and that at the row */
        /* Without inlining the look-up takes the general path, whose looks are race points. */
        struct world world = world_open("inline_bytes=0", MAE_INDEX_HASH, 8, 2);
        uint64_t value;
        new_keys(world.workers[0], world.index, 5, 1, 77);
        struct deletion deletion = {.txn = begin(world.workers[0]), .index = world.index};
        struct mae_txn *reader = begin(world.workers[1]);
        at_race(RACE_READ_HEAD, n, delete_now, &deletion);
        enum mae_status status = key_get(reader, world.index, 5, &value);
        if (at_race_cancel())
            delete_now(&deletion);
        assert_ok(deletion.status);
        if (status == MAE_ABORT_INDEX) {
            assert_status(MAE_ABORT_INDEX, mae_commit(reader));
            assert_int_equal(db_counter(world.db, "aborts_index"), 1);
            aborted = true;
        } else if (status == MAE_OK) {
            assert_true(mae_status_is_retryable(mae_commit(reader))); /* what it read is not what it should see */
        } else {
            assert_status(MAE_NOT_FOUND, status); /* it looked after the deletion */
            assert_ok(mae_commit(reader));
        }
        world_close(&world);
    }
    assert_true(aborted);
}

static void a_snapshot_sees_old_entries(void **state)
{
    (void)state;
    enum { KEYS = 2000 };
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 2);
    uint64_t value;
    new_keys(world.workers[0], world.index, 0, KEYS, 1);
    settle(&world);
    struct mae_txn *snapshot = begin_snapshot(world.workers[1]);
    for (uint64_t i = 0; i < KEYS; i += 2) { /* while the index goes on splitting, and rows would be freed */
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(key_delete(txn, world.index, i));
        assert_ok(mae_commit(txn));
        new_keys(world.workers[0], world.index, KEYS + 3 * i, 3, 2);
    }
    for (uint64_t i = 0; i < KEYS; i++) {
        assert_ok(key_get(snapshot, world.index, i, &value));
        assert_int_equal(value, 1);
    }
    for (uint64_t i = KEYS; i < 4 * KEYS; i++)
        assert_status(MAE_NOT_FOUND, key_get(snapshot, world.index, i, &value));
    assert_ok(mae_commit(snapshot));
    world_close(&world);
}

struct splitting {
    struct mae_worker *worker;
    struct mae_index *index;
};

static void split_now(void *arg)
{
    const struct splitting *splitting = arg;
    hash_index_grow(splitting->worker, &splitting->index->hash, 1000); /* every bucket is split a few times */
}

/* A key's bucket is found, then split by an earlier transaction, then read: the key may belong elsewhere by then. */
static void a_bucket_that_was_split_meanwhile_is_noticed(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    enum { KEYS = 8, LOOKS = 6 };
    const uint64_t far = UINT64_C(1) << 44; /* above all timestamps of the splits */
    unsigned aborted = 0;
    for (uint64_t i = 0; i < KEYS * LOOKS; i++) {
        struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
        struct splitting splitting = {world.workers[0], world.index};
        struct mae_txn *txn;
        assert_ok(mae_begin(world.workers[1], MAE_READ_WRITE, far, &txn));
        at_race(RACE_READ_HEAD, 1 + (unsigned)(i % LOOKS), split_now, &splitting);
        enum mae_status status = key_insert(txn, world.index, i / LOOKS, 1);
        if (at_race_cancel())
            split_now(&splitting);
        aborted += status == MAE_ABORT_INDEX;
        if (status == MAE_OK)
            status = mae_commit(txn);
        else
            mae_abort(txn);
        assert_true(status == MAE_OK || mae_status_is_retryable(status));
        world_close(&world); /* verifies that each entry is where it belongs */
    }
    assert_true(aborted > 0);
}

static void prefetching_changes_nothing(void **state)
{
    (void)state;
    enum { KEYS = 500 };
    for (int kind = MAE_INDEX_HASH; kind <= MAE_INDEX_ORDERED; kind++) {
        struct world world = world_open("", (enum mae_index_kind)kind, 8, 2);
        uint64_t keys[2 * MAE_PREFETCH_MAX], value;
        new_keys(world.workers[0], world.index, 0, KEYS, 3);
        for (uint64_t i = 0; i < 2 * MAE_PREFETCH_MAX; i++)
            keys[i] = i * 7; /* hits and misses */
        struct mae_txn *reader = begin(world.workers[1]), *later = begin(world.workers[0]);
        mae_prefetch(reader, world.index, keys, 0);
        mae_prefetch(reader, world.index, keys, 3);
        mae_prefetch(reader, world.index, keys, 2 * MAE_PREFETCH_MAX);
        assert_ok(key_add(later, world.index, 7, 1));
        assert_ok(mae_commit(later));
        assert_ok(mae_commit(reader)); /* nothing was read */
        reader = begin(world.workers[1]);
        mae_prefetch(reader, world.index, keys, 2 * MAE_PREFETCH_MAX);
        assert_ok(key_get(reader, world.index, 7, &value));
        assert_int_equal(value, 4);
        assert_ok(key_add(reader, world.index, 14, 1));
        mae_prefetch(reader, world.index, keys, 5);
        assert_ok(mae_commit(reader));
        reader = begin_snapshot(world.workers[1]);
        mae_prefetch(reader, world.index, keys, MAE_PREFETCH_MAX);
        assert_ok(mae_commit(reader));
        world_close(&world);
    }
}

/* Hits and misses of every size, also between own changes; what is read then is what is there. */
static void prefetching_long_keys_changes_nothing(void **state)
{
    (void)state;
    enum { COUNT = 8, KEYS = 100 };
    for (size_t key_bytes = 16; key_bytes <= MAE_KEY_MAX_BYTES; key_bytes += 24) {
        struct keyed keyed = keyed_open("", key_bytes, 0);
        unsigned char keys[COUNT * MAE_KEY_MAX_BYTES];
        insert_keys(&keyed, 0, KEYS);
        for (uint64_t i = 0; i < COUNT; i++)
            memcpy(keys + i * key_bytes, key_of(&keyed, i * 20), key_bytes);
        struct mae_txn *txn = begin(keyed.worker);
        mae_prefetch(txn, keyed.index, keys, COUNT);
        assert_ok(mae_delete(txn, keyed.index, key_of(&keyed, 20)));
        mae_prefetch(txn, keyed.index, keys, COUNT);
        assert_ok(mae_commit(txn));
        check_keys(&keyed, 0, 20, 21); /* 20 is gone */
        keyed_close(&keyed);
    }
}

/* ---- Buckets that overflow. ---- */

/* How many rows a miss has to read: all buckets and directories in which its key could be. */
static uint32_t miss_reads(struct keyed *keyed, uint64_t key)
{
    uint64_t row;
    struct mae_txn *txn = begin(keyed->worker);
    assert_status(MAE_NOT_FOUND, mae_index_find(txn, keyed->index, &key, &row));
    uint32_t reads = keyed->worker->txn.accesses.count;
    assert_ok(mae_commit(txn));
    return reads;
}

static void insert_colliding(struct keyed *keyed, uint64_t first, uint64_t count, bool at_once)
{
    struct mae_txn *txn = NULL;
    for (uint64_t i = first; i < first + count; i++) {
        uint64_t key = i * COLLIDING_KEY;
        void *data;
        if (!txn)
            txn = begin(keyed->worker);
        assert_ok(mae_insert(txn, keyed->index, &key, 8, NULL, &data));
        memcpy(data, &i, sizeof i);
        if (!at_once || i == first + count - 1) {
            assert_ok(mae_commit(txn));
            txn = NULL;
        }
    }
}

/* Keys that all fall into one bucket stay as quick to find, to miss and to insert as the logarithm of their number. */
static void colliding_keys_form_a_tree(void **state)
{
    (void)state;
    enum { KEYS = 20000, STEP = 5000, READS_MAX = 1 + 8 + OVERFLOW_CHAIN_MAX };
    for (int at_once = 0; at_once < 2; at_once++) {
        struct keyed keyed = keyed_open("hash_seed=1 memory_limit=512M", 8, 1000000);
        for (uint64_t n = 1; n < KEYS; n += STEP) {
            insert_colliding(&keyed, n, STEP, at_once);
            for (uint64_t i = 0; i < 100; i++)
                assert_true(miss_reads(&keyed, (KEYS + 7 * i + 1) * COLLIDING_KEY) <= READS_MAX);
        }
        struct mae_txn *txn = begin(keyed.worker);
        for (uint64_t i = 1; i <= KEYS; i++) {
            uint64_t key = i * COLLIDING_KEY, value;
            assert_ok(key_get(txn, keyed.index, key, &value));
            assert_int_equal(value, i);
        }
        assert_ok(mae_commit(txn));
        for (uint64_t i = 1; i <= KEYS; i++) {
            uint64_t key = i * COLLIDING_KEY, value;
            txn = begin(keyed.worker);
            assert_ok(key_delete(txn, keyed.index, key));
            assert_status(MAE_NOT_FOUND, key_get(txn, keyed.index, key, &value));
            assert_ok(mae_commit(txn));
        }
        keyed_close(&keyed);
    }
}

/* Long keys can be crafted so that their whole hashes are the same: the seeded one tells them apart. */
static void keys_of_one_hash_form_a_tree(void **state)
{
    (void)state;
    enum { KEYS = 2000 };
    struct keyed keyed = keyed_open("hash_seed=1", 16, 0);
    struct mae_txn *txn = begin(keyed.worker);
    uint64_t key[2];
    for (uint64_t i = 0; i < KEYS; i++) {
        void *data;
        key[0] = i;
        key[1] = hash_mix(16 ^ i); /* what the hash has come to before the second word */
        assert_ok(mae_insert(txn, keyed.index, key, 8, NULL, &data));
        memset(data, 0, 8);
    }
    assert_ok(mae_commit(txn));
    txn = begin(keyed.worker);
    uint64_t row;
    key[0] = KEYS;
    key[1] = hash_mix(16 ^ KEYS);
    assert_status(MAE_NOT_FOUND, mae_index_find(txn, keyed.index, key, &row));
    assert_true(keyed.worker->txn.accesses.count <= 1 + 8 + OVERFLOW_CHAIN_MAX);
    assert_ok(mae_commit(txn));
    keyed_close(&keyed);
}

/* A transaction that has missed a key conflicts with an earlier insert of it, also if there is no chain yet. */
static void an_empty_slot_of_a_directory_is_no_phantom(void **state)
{
    (void)state;
    struct keyed keyed = keyed_open("hash_seed=1", 8, 1000);
    struct mae_worker *other;
    assert_ok(mae_worker_join(keyed.db, &other));
    insert_colliding(&keyed, 1, 2 + 2 * (OVERFLOW_CHAIN_MAX + 1) + 1, true);
    for (uint64_t i = 3; i <= 2 + 2 * (OVERFLOW_CHAIN_MAX + 1) + 1; i++) { /* the directory stays, all its chains go */
        struct mae_txn *txn = begin(keyed.worker);
        assert_ok(key_delete(txn, keyed.index, i * COLLIDING_KEY));
        assert_ok(mae_commit(txn));
    }
    for (uint64_t i = 100; i < 110; i++) {
        uint64_t key = i * COLLIDING_KEY, row;
        struct mae_txn *earlier = begin(keyed.worker), *later = begin(other);
        assert_status(MAE_NOT_FOUND, mae_index_find(later, keyed.index, &key, &row));
        assert_int_equal(other->txn.accesses.count, 2);
        assert_ok(mae_commit(later));
        enum mae_status status = key_insert(earlier, keyed.index, key, 1);
        if (status == MAE_OK)
            status = mae_commit(earlier);
        else
            mae_abort(earlier);
        assert_true(mae_status_is_retryable(status));
    }
    mae_worker_leave(other);
    keyed_close(&keyed);
}

/* However many indexes a transaction changes, all of them grow. */
static void every_index_of_a_transaction_grows(void **state)
{
    (void)state;
    enum { INDEXES = 20, KEYS = 2000 };
    struct keyed keyed = keyed_open("", 8, 0);
    struct mae_index *more[INDEXES];
    const struct mae_index_config config = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
    for (int i = 0; i < INDEXES; i++) {
        char name[24];
        snprintf(name, sizeof name, "more %d", i);
        assert_ok(mae_index_create(keyed.db, keyed.table, name, &config, &more[i]));
    }
    for (uint64_t key = 0; key < KEYS; key++) {
        uint64_t row;
        void *data;
        struct mae_txn *txn = begin(keyed.worker);
        assert_ok(mae_insert(txn, keyed.index, &key, 8, &row, &data));
        memset(data, 0, 8);
        for (int i = 0; i < INDEXES; i++)
            assert_ok(mae_index_insert(txn, more[i], &key, row));
        assert_ok(mae_commit(txn));
    }
    for (int i = 0; i < INDEXES; i++)
        assert_true(atomic_load(&more[i]->hash.split_next) > KEYS / 2);
    keyed_close(&keyed);
}

/* The seed is the option's, else another one each time. */
static void seeds_are_fixed_or_drawn(void **state)
{
    (void)state;
    struct keyed fixed = keyed_open("hash_seed=77", 8, 0), drawn = keyed_open("", 8, 0), again = keyed_open("", 8, 0);
    assert_true(fixed.index->hash.seed == 77);
    assert_true(drawn.index->hash.seed != again.index->hash.seed);
    keyed_close(&fixed);
    keyed_close(&drawn);
    keyed_close(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_size_works),
        cmocka_unit_test(grows_from_nothing),
        cmocka_unit_test(a_presized_index_does_not_split),
        cmocka_unit_test(entries_come_and_go),
        cmocka_unit_test(chains_grow_and_shrink),
        cmocka_unit_test(rolled_back_changes_leave_nothing),
        cmocka_unit_test(write_skew_on_misses_aborts_one),
        cmocka_unit_test(a_miss_and_an_insert_before_it_conflict),
        cmocka_unit_test(two_inserts_of_one_key_conflict),
        cmocka_unit_test(an_entry_that_leads_nowhere_aborts),
        cmocka_unit_test(a_bucket_that_was_split_meanwhile_is_noticed),
        cmocka_unit_test(a_snapshot_sees_old_entries),
        cmocka_unit_test(prefetching_changes_nothing),
        cmocka_unit_test(prefetching_long_keys_changes_nothing),
        cmocka_unit_test(colliding_keys_form_a_tree),
        cmocka_unit_test(keys_of_one_hash_form_a_tree),
        cmocka_unit_test(an_empty_slot_of_a_directory_is_no_phantom),
        cmocka_unit_test(every_index_of_a_transaction_grows),
        cmocka_unit_test(seeds_are_fixed_or_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
