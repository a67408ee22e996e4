/*
 * memory.c - every target goes on when memory runs out.
 *
 *   requests  Each request for memory (each WORLD_SLOWNESS-th) fails once, the first, then the second, and so on,
 *             until a run makes fewer. The call in which it fails does without or says TARGET_NO_MEMORY. It has then
 *             done nothing, its transaction is aborted, and both work when they are repeated. At the end the contents
 *             are those of a run without. In release builds there is only a run without.
 *   limit     Rows are inserted until the memory limit refuses one. All before are there; rows can be erased, and then
 *             inserted again.
 * How to read a failure: the last line names the target, "request" the number that failed. TARGET= repeats it.
 */
#include <inttypes.h>

#include "engine/base/mem.h"
#include "tests/support/conform.h"
#include "tests/support/world.h"

enum {
    KEYS = 1200,
    BATCH = 100,
    SMALL_BYTES = 40,
    LARGE_BYTES = 1000,
    INDEXES = 3,
    REQUESTS_MAX = 10000,
    TRIES_MAX = 100000,
    RETRIES = 1000, /* of what is refused for the moment */
};

static struct {
    const struct conform_variant *variant;
    const struct target_ops *ops;
    struct target *target;
    struct target_worker *worker;
    struct target_table *table;
    struct target_index *indexes[INDEXES]; /* the first is of unique 8-byte keys; NULL: the target has none such */
    unsigned refused;
} test;

static const struct target_index_config shapes[INDEXES] = {
    {.kind = TARGET_INDEX_HASH, .key_bytes = 8},
    {.kind = TARGET_INDEX_ORDERED, .key_bytes = 8},
    {.kind = TARGET_INDEX_ORDERED, .key_bytes = 24, .non_unique = true},
};

/* In release builds no request can be made to fail: the first run is the last. */
static void fail_at(uint64_t n)
{
#ifdef MAE_DEBUG
    mem_fail_at(n);
#else
    (void)n;
#endif
}

static bool has_failed(void)
{
#ifdef MAE_DEBUG
    return mem_fail_happened();
#else
    return false;
#endif
}

/* A failure that was asked for happens once. */
static bool was_refused(enum target_status status)
{
    if (status != TARGET_NO_MEMORY && !target_status_is_retry(status))
        return false;
    test.refused += status == TARGET_NO_MEMORY;
    assert_true(status != TARGET_NO_MEMORY || has_failed());
    assert_true(test.refused <= 1);
    return true;
}

/* ---- What a transaction does to the keys first .. first + BATCH - 1. ---- */

static enum target_status insert_key(struct target_txn *txn, uint64_t key)
{
    char other[TARGET_KEY_MAX_BYTES];
    uint64_t ref;
    void *data;
    enum target_status status = test.ops->insert(txn, test.indexes[0], &key, SMALL_BYTES, &ref, &data);
    if (status != TARGET_OK)
        return status;
    memset(data, (int)(key & 0x7f), SMALL_BYTES);
    for (unsigned i = 1; i < INDEXES && status == TARGET_OK; i++) {
        conform_key(shapes[i].key_bytes, other, shapes[i].non_unique ? key / 10 : key);
        if (test.indexes[i] != NULL)
            status = test.ops->index_insert(txn, test.indexes[i], other, ref);
    }
    return status;
}

static enum target_status update_key(struct target_txn *txn, uint64_t key)
{
    void *data;
    enum target_status status = test.ops->update(txn, test.indexes[0], &key, key % 3 ? 0 : LARGE_BYTES, NULL, &data);
    if (status == TARGET_OK)
        ((unsigned char *)data)[0] ^= 0x80;
    return status;
}

static enum target_status erase_key(struct target_txn *txn, uint64_t key)
{
    char other[TARGET_KEY_MAX_BYTES];
    uint64_t ref;
    enum target_status status = test.ops->find(txn, test.indexes[0], &key, &ref);
    for (unsigned i = 1; i < INDEXES && status == TARGET_OK; i++) {
        conform_key(shapes[i].key_bytes, other, shapes[i].non_unique ? key / 10 : key);
        if (test.indexes[i] != NULL)
            status = test.ops->index_remove(txn, test.indexes[i], other, ref);
    }
    return status == TARGET_OK ? test.ops->erase(txn, test.indexes[0], &key) : status;
}

static enum target_status check_key(struct target_txn *txn, uint64_t key)
{
    const unsigned char *bytes;
    const void *data;
    size_t size;
    enum target_status status = test.ops->read(txn, test.indexes[0], &key, &data, &size);
    if (status != TARGET_OK)
        return status;
    bytes = data;
    assert_int_equal(bytes[0], (key & 0x7f) ^ 0x80);
    assert_int_equal(bytes[SMALL_BYTES - 1], key & 0x7f);
    assert_int_equal(size, key % 3 ? SMALL_BYTES : LARGE_BYTES);
    return TARGET_OK;
}

static enum target_status batch_once(enum target_status (*change)(struct target_txn *txn, uint64_t key), uint64_t first)
{
    struct target_txn *txn;
    enum target_status status = test.ops->begin(test.worker, TARGET_READ_WRITE, &txn);
    if (status != TARGET_OK)
        return status;
    for (uint64_t key = first; key < first + BATCH && status == TARGET_OK; key++)
        status = change(txn, key);
    if (status == TARGET_OK)
        return test.ops->commit(txn);
    test.ops->abort(txn);
    return status;
}

static void batch(enum target_status (*change)(struct target_txn *txn, uint64_t key), uint64_t first)
{
    enum target_status status;
    while (was_refused(status = batch_once(change, first))) {
    }
    assert_target_ok(status);
}

static void batches(enum target_status (*change)(struct target_txn *txn, uint64_t key), uint64_t from)
{
    for (uint64_t first = from; first < KEYS; first += BATCH)
        batch(change, first);
}

/* ---- Requests. ---- */

/* Opens and makes tables and indexes; TARGET_NO_MEMORY: what has failed is to be repeated. */
static void set_up(const struct conform_variant *variant)
{
    const struct target_table_config table = {.payload_max_bytes = LARGE_BYTES};
    static const char *const names[INDEXES] = {"hash", "ordered", "pairs"};
    char error[256];
    enum target_status status;
    test.variant = variant;
    test.ops = variant->ops;
    test.refused = 0;
    while (was_refused(status = test.ops->open(test.ops, variant->values, &test.target, error, sizeof error))) {
    }
    assert_target_ok(status);
    while (was_refused(status = test.ops->table_create(test.target, "rows", &table, &test.table))) {
    }
    assert_target_ok(status);
    for (unsigned i = 0; i < INDEXES; i++) {
        while (was_refused(
            status = test.ops->index_create(test.target, test.table, names[i], &shapes[i], &test.indexes[i]))) {
        }
        if (status == TARGET_UNSUPPORTED)
            test.indexes[i] = NULL;
        else
            assert_target_ok(status);
    }
    while (was_refused(status = test.ops->worker_join(test.target, &test.worker))) {
    }
    assert_target_ok(status);
}

static void tear_down(void)
{
    char report[300] = "";
    test.ops->worker_leave(test.worker);
    if (test.ops->verify != NULL && test.ops->verify(test.target, report, sizeof report) != TARGET_OK)
        fail_msg("%s", report);
    assert_target_ok(test.ops->close(test.target));
}

static void run_requests(const struct conform_variant *variant)
{
    uint64_t n = WORLD_SLOWNESS;
    unsigned tried = 0, refused = 0;
    bool happened = true;
    if (!target_is_transactional(&variant->promises))
        return; /* what the aborted transaction has done is not undone */
    for (; happened && n < REQUESTS_MAX; n += WORLD_SLOWNESS, tried++) {
        fail_at(n);
        set_up(variant);
        batches(insert_key, 0);
        batches(update_key, 0);
        batches(erase_key, KEYS / 2);
        batches(insert_key, KEYS / 2);
        batches(update_key, KEYS / 2);
        batches(check_key, 0);
        happened = has_failed();
        fail_at(0);
        tear_down();
        refused += test.refused;
    }
    assert_true(n < REQUESTS_MAX);
    printf("    %u requests, of which %u were told to the caller\n", tried - 1, refused);
    assert_true(refused > 0 || tried == 1 || WORLD_SLOWNESS > 1);
}

static void each_request_fails_once(void **state)
{
    (void)state;
    conform_each(run_requests);
}

/* ---- The limit. ---- */

static enum target_status one_row(enum target_status (*change)(struct target_txn *txn, uint64_t key), uint64_t key)
{
    struct target_txn *txn;
    assert_target_ok(test.ops->begin(test.worker, TARGET_READ_WRITE, &txn));
    enum target_status status = change(txn, key);
    if (status == TARGET_OK)
        return test.ops->commit(txn);
    test.ops->abort(txn);
    return status;
}

static enum target_status insert_large(struct target_txn *txn, uint64_t key)
{
    void *data;
    enum target_status status = test.ops->insert(txn, test.indexes[0], &key, LARGE_BYTES, NULL, &data);
    if (status == TARGET_OK)
        memset(data, (int)(key & 0x7f), LARGE_BYTES);
    return status;
}

static enum target_status read_large(struct target_txn *txn, uint64_t key)
{
    const void *data;
    size_t bytes;
    enum target_status status = test.ops->read(txn, test.indexes[0], &key, &data, &bytes);
    if (status != TARGET_OK)
        return status;
    assert_int_equal(bytes, LARGE_BYTES);
    assert_int_equal(((const unsigned char *)data)[LARGE_BYTES - 1], key & 0x7f);
    return TARGET_OK;
}

static enum target_status erase_large(struct target_txn *txn, uint64_t key)
{
    return test.ops->erase(txn, test.indexes[0], &key);
}

/* Until it works: the target may want to collect what was erased. */
static void row_in_the_end(enum target_status (*change)(struct target_txn *txn, uint64_t key), uint64_t key)
{
    enum target_status status = one_row(change, key);
    for (unsigned i = 0; status == TARGET_NO_MEMORY || target_status_is_retry(status); i++) {
        assert_true(i < TRIES_MAX);
        target_idle(test.ops, test.worker);
        status = one_row(change, key);
    }
    assert_target_ok(status);
}

/* Whether the row is refused, not only for a moment. */
static bool is_full(uint64_t key)
{
    enum target_status status = one_row(insert_large, key);
    for (unsigned i = 0; target_status_is_retry(status) && i < RETRIES; i++) {
        target_idle(test.ops, test.worker);
        status = one_row(insert_large, key);
    }
    if (status != TARGET_OK && !target_status_is_retry(status))
        assert_target_status(TARGET_NO_MEMORY, status);
    return status != TARGET_OK;
}

static void run_limit(const struct conform_variant *variant)
{
    struct conform_variant limited = *variant; /* strings are not touched */
    struct target_memory memory;
    uint64_t rows = 0;
    if (variant->ops->memory == NULL || variant->ops->options == NULL)
        return;
    conform_set(&limited, "memory_limit", "40M");
    set_up(&limited);
    while (!is_full(rows))
        rows++;
    test.ops->memory(test.target, &memory);
    assert_true(memory.committed_bytes <= memory.limit_bytes);
    assert_true(rows * LARGE_BYTES > memory.limit_bytes / 4); /* it was used for rows */
    for (uint64_t key = 0; key < rows; key++)
        assert_target_ok(one_row(read_large, key));
    assert_target_status(TARGET_NOT_FOUND, one_row(read_large, rows));
    for (uint64_t key = 0; key < rows / 2; key++)
        row_in_the_end(erase_large, key);
    for (uint64_t key = 0; key < rows / 4; key++)
        row_in_the_end(insert_large, key);
    for (uint64_t key = 0; key < rows; key++)
        assert_target_status(key >= rows / 4 && key < rows / 2 ? TARGET_NOT_FOUND : TARGET_OK,
                             one_row(read_large, key));
    tear_down();
}

static void the_limit_refuses_and_lets_go_on(void **state)
{
    (void)state;
    conform_each(run_limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_fails_once),
        cmocka_unit_test(the_limit_refuses_and_lets_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
