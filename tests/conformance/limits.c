/*
 * limits.c - what every target takes and what it refuses: sizes of keys and payloads, names, workers, transactions, and
 * that a refused call leaves the transaction usable. How to read a failure: the last line names the target.
 */
#include "tests/support/conform.h"

enum {
    KEY_BYTES_MAX = TARGET_KEY_MAX_BYTES,
    PAYLOAD_LEAST_BYTES = TARGET_PAYLOAD_MAX_BYTES - 100 /* every target takes payloads of this size */
};

static struct {
    const struct conform_variant *variant;
    const struct target_ops *ops;
    struct target *target;
    struct target_worker *worker;
} test;

/* NULL: the target's limit is lower. */
static struct target_table *table_of(const char *name, size_t payload_max_bytes)
{
    const struct target_table_config config = {.payload_max_bytes = payload_max_bytes};
    struct target_table *table = NULL;
    enum target_status status = test.ops->table_create(test.target, name, &config, &table);
    if (status == TARGET_UNSUPPORTED && payload_max_bytes > PAYLOAD_LEAST_BYTES)
        return NULL;
    assert_target_ok(status);
    return table;
}

static enum target_status index_create(struct target_table *table, const char *name,
                                       const struct target_index_config *config, struct target_index **index)
{
    *index = NULL;
    return test.ops->index_create(test.target, table, name, config, index);
}

static struct target_txn *begin(enum target_mode mode)
{
    struct target_txn *txn;
    assert_target_ok(test.ops->begin(test.worker, mode, &txn));
    return txn;
}

/* ---- Tables and indexes. ---- */

static void refuse_wrong_tables(void)
{
    static const struct {
        const char *name;
        size_t payload_max_bytes;
        enum target_status status;
    } wrong[] = {
        {"", 8, TARGET_INVALID},
        {"none", 0, TARGET_INVALID},
        {"large", TARGET_PAYLOAD_MAX_BYTES + 1, TARGET_INVALID},
        {"rows", 8, TARGET_EXISTS},
    };
    struct target_table *table;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct target_table_config config = {.payload_max_bytes = wrong[i].payload_max_bytes};
        assert_target_status(wrong[i].status, test.ops->table_create(test.target, wrong[i].name, &config, &table));
    }
}

static void refuse_wrong_indexes(struct target_table *table)
{
    static const struct target_index_config wrong[] = {
        {.kind = TARGET_INDEX_HASH, .key_bytes = TARGET_KEY_MIN_BYTES - 1},
        {.kind = TARGET_INDEX_HASH, .key_bytes = TARGET_KEY_MAX_BYTES + 1},
        {.kind = TARGET_INDEX_ORDERED, .key_bytes = 0},
        {.kind = TARGET_INDEX_HASH, .key_bytes = 8, .non_unique = true},
        {.kind = TARGET_INDEX_HASH, .key_bytes = 8, .variable = true},
        {.kind = TARGET_INDEX_ORDERED, .key_bytes = 0, .variable = true},
        {.kind = TARGET_INDEX_ORDERED, .key_bytes = TARGET_VARIABLE_KEY_MAX_BYTES + 1, .variable = true},
    };
    struct target_index *index;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        enum target_status status = index_create(table, "wrong", &wrong[i], &index);
        if (status != TARGET_UNSUPPORTED) /* nor does it support a right one of this kind */
            assert_target_status(TARGET_INVALID, status);
    }
}

/* ---- Sizes. ---- */

static void fill(void *data, size_t bytes, unsigned char seed)
{
    for (size_t i = 0; i < bytes; i++)
        ((unsigned char *)data)[i] = (unsigned char)(seed + i * 7);
}

static void compare(const void *data, size_t bytes, unsigned char seed)
{
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(((const unsigned char *)data)[i], (unsigned char)(seed + i * 7));
}

/* Inserts, reads back, updates to 1 byte and to the largest, refuses more, and erases. */
static void use_row(struct target_index *index, size_t key_bytes, size_t most)
{
    char key[KEY_BYTES_MAX];
    const void *data, *old;
    void *fresh;
    size_t bytes;
    conform_key(key_bytes, key, 12345);
    struct target_txn *txn = begin(TARGET_READ_WRITE);
    assert_target_status(TARGET_TOO_LARGE, test.ops->insert(txn, index, key, most + 1, NULL, &fresh));
    assert_target_status(TARGET_NOT_FOUND, test.ops->read(txn, index, key, &data, &bytes));
    assert_target_ok(test.ops->insert(txn, index, key, most, NULL, &fresh));
    fill(fresh, most, 1);
    assert_target_ok(test.ops->commit(txn));

    txn = begin(TARGET_READ_WRITE);
    assert_target_ok(test.ops->read(txn, index, key, &data, &bytes));
    assert_int_equal(bytes, most);
    compare(data, most, 1);
    assert_target_status(TARGET_TOO_LARGE, test.ops->update(txn, index, key, most + 1, NULL, &fresh));
    assert_target_status(TARGET_TOO_LARGE, test.ops->overwrite(txn, index, key, most + 1, &fresh));
    assert_target_status(TARGET_EXISTS, test.ops->insert(txn, index, key, most, NULL, &fresh));
    assert_target_ok(test.ops->update(txn, index, key, 1, &old, &fresh));
    assert_int_equal(*(const unsigned char *)fresh, 1);
    assert_target_ok(test.ops->update(txn, index, key, most, NULL, &fresh));
    for (size_t i = 1; i < most; i++)
        assert_int_equal(((const unsigned char *)fresh)[i], 0);
    fill(fresh, most, 2);
    assert_target_ok(test.ops->commit(txn));

    txn = begin(TARGET_READ_WRITE);
    assert_target_ok(test.ops->read(txn, index, key, &data, &bytes));
    assert_int_equal(bytes, most);
    compare(data, most, 2);
    assert_target_ok(test.ops->erase(txn, index, key));
    assert_target_status(TARGET_NOT_FOUND, test.ops->read(txn, index, key, &data, &bytes));
    assert_target_status(TARGET_NOT_FOUND, test.ops->erase(txn, index, key));
    assert_target_ok(test.ops->commit(txn));
}

static void keys_and_payloads_of_all_sizes(void)
{
    static const size_t payloads[] = {1, 7, 8, 100, 216, 217, 4096, PAYLOAD_LEAST_BYTES, TARGET_PAYLOAD_MAX_BYTES};
    char name[32];
    for (size_t p = 0; p < sizeof payloads / sizeof payloads[0]; p++) {
        snprintf(name, sizeof name, "table %zu", payloads[p]);
        struct target_table *table = table_of(name, payloads[p]);
        for (unsigned ordered = 0; table != NULL && ordered < 2; ordered++) {
            /* Not all lengths with all payloads: the number of indexes is limited. */
            size_t step = p == 3 ? 7 : TARGET_KEY_MAX_BYTES - TARGET_KEY_MIN_BYTES;
            for (size_t key_bytes = TARGET_KEY_MIN_BYTES; key_bytes <= TARGET_KEY_MAX_BYTES; key_bytes += step) {
                const struct target_index_config config = {.kind = ordered ? TARGET_INDEX_ORDERED : TARGET_INDEX_HASH,
                                                           .key_bytes = key_bytes};
                struct target_index *index;
                snprintf(name, sizeof name, "%u %zu %zu", ordered, payloads[p], key_bytes);
                enum target_status status = index_create(table, name, &config, &index);
                if (status == TARGET_UNSUPPORTED)
                    continue;
                assert_target_ok(status);
                use_row(index, key_bytes, payloads[p]);
            }
        }
    }
}

/* ---- Workers and transactions. ---- */

static void as_many_workers_as_promised(void)
{
    unsigned most = test.variant->promises.workers_max, joined = 1; /* test.worker */
    static struct target_worker *workers[TARGET_WORKERS_MAX + 1];
    assert_true(most >= 1 && most <= TARGET_WORKERS_MAX);
    for (; joined < most; joined++)
        assert_target_ok(test.ops->worker_join(test.target, &workers[joined]));
    assert_target_status(TARGET_FULL, test.ops->worker_join(test.target, &workers[joined]));
    for (unsigned i = 1; i < joined; i++)
        test.ops->worker_leave(workers[i]);
    if (most > 1) {
        assert_target_ok(test.ops->worker_join(test.target, &workers[1]));
        test.ops->worker_leave(workers[1]);
    }
}

/* A worker that leaves takes its transaction with it. */
static void leaving_aborts(struct target_index *index)
{
    uint64_t key = 99;
    const void *data;
    void *fresh;
    struct target_txn *txn = begin(TARGET_READ_WRITE);
    assert_target_ok(test.ops->insert(txn, index, &key, 8, NULL, &fresh));
    memset(fresh, 1, 8);
    test.ops->worker_leave(test.worker);
    assert_target_ok(test.ops->worker_join(test.target, &test.worker));
    txn = begin(TARGET_READ_WRITE);
    assert_target_status(TARGET_NOT_FOUND, test.ops->read(txn, index, &key, &data, NULL));
    assert_target_ok(test.ops->commit(txn));
}

static void snapshots_do_not_write(struct target_table *table, struct target_index *index)
{
    uint64_t key = 1, ref;
    void *fresh;
    struct target_txn *txn = begin(TARGET_SNAPSHOT), *second;
    assert_target_status(TARGET_BUSY, test.ops->begin(test.worker, TARGET_SNAPSHOT, &second));
    assert_target_status(TARGET_READ_ONLY, test.ops->insert(txn, index, &key, 8, NULL, &fresh));
    assert_target_status(TARGET_READ_ONLY, test.ops->row_insert(txn, table, 8, &ref, &fresh));
    assert_target_ok(test.ops->commit(txn));
    txn = begin(TARGET_READ_WRITE);
    assert_target_status(TARGET_NOT_FOUND, test.ops->find(txn, index, &key, &ref));
    test.ops->abort(txn);
}

static void transactions_may_be_empty_and_large(struct target_index *index)
{
    enum { MANY = 3000 };
    const void *data;
    void *fresh;
    for (unsigned i = 0; i < 3; i++) {
        assert_target_ok(test.ops->commit(begin(TARGET_READ_WRITE)));
        assert_target_ok(test.ops->commit(begin(TARGET_SNAPSHOT)));
        test.ops->abort(begin(TARGET_READ_WRITE));
    }
    struct target_txn *txn = begin(TARGET_READ_WRITE);
    for (uint64_t key = 1000; key < 1000 + MANY; key++) {
        assert_target_ok(test.ops->insert(txn, index, &key, 8, NULL, &fresh));
        memcpy(fresh, &key, 8);
    }
    assert_target_ok(test.ops->commit(txn));
    txn = begin(TARGET_READ_WRITE);
    for (uint64_t key = 1000; key < 1000 + MANY; key++) {
        assert_target_ok(test.ops->read(txn, index, &key, &data, NULL));
        assert_memory_equal(data, &key, 8);
        assert_target_ok(test.ops->erase(txn, index, &key));
    }
    assert_target_ok(test.ops->commit(txn));
}

static void run_variant(const struct conform_variant *variant)
{
    const struct target_index_config config = {.kind = TARGET_INDEX_HASH, .key_bytes = 8};
    struct target_index *index;
    char report[300] = "";
    test.variant = variant;
    test.ops = variant->ops;
    test.target = conform_open(variant, test.ops);
    assert_target_ok(test.ops->worker_join(test.target, &test.worker));
    struct target_table *table = table_of("rows", 8);
    assert_target_ok(index_create(table, "key", &config, &index));
    refuse_wrong_tables();
    refuse_wrong_indexes(table);
    keys_and_payloads_of_all_sizes();
    as_many_workers_as_promised();
    if (target_is_transactional(&variant->promises))
        leaving_aborts(index);
    snapshots_do_not_write(table, index);
    transactions_may_be_empty_and_large(index);
    test.ops->worker_leave(test.worker);
    if (test.ops->verify != NULL && test.ops->verify(test.target, report, sizeof report) != TARGET_OK)
        fail_msg("%s", report);
    assert_target_ok(test.ops->close(test.target));
}

static void target_takes_and_refuses_what_the_contract_says(void **state)
{
    (void)state;
    conform_each(run_variant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(target_takes_and_refuses_what_the_contract_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
