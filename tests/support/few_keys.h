/*
 * few_keys.h - a target with two keys in a hash index, whose rows say 1, and workers whose transactions run one step at
 * a time, for tests of who sees what, and who is refused.
 */
#ifndef TESTS_SUPPORT_FEW_KEYS_H
#define TESTS_SUPPORT_FEW_KEYS_H

#include "harness/targets/targets.h"
#include "tests/support/target_open.h"
#include "tests/support/world.h"

enum { WORKERS = 40, KEYS = 2 };

static struct fixture {
    const struct target_ops *ops;
    struct target *target;
    struct target_index *index;
    struct target_worker *workers[WORKERS];
} fixture;

static inline struct target_txn *begin_one(unsigned worker, enum target_mode mode)
{
    struct target_txn *txn = NULL;
    assert_int_equal(fixture.ops->begin(fixture.workers[worker], mode, &txn), TARGET_OK);
    return txn;
}

/* An option of the target's and its value. Indexes get entries at once, so that transactions meet there. */
static inline void open_fixture(const struct target_ops *ops, const char *option, const char *value)
{
    const struct target_key_value settings[] = {
        {option, value}, {"index_insert", "eager"}, {"huge_pages", "off"}, {"memory_limit", "64M"}, {NULL, NULL}};
    const struct target_table_config table_config = {8, 0};
    const struct target_index_config index_config = {.kind = TARGET_INDEX_HASH, .key_bytes = 8};
    struct target_table *table;
    char error[256] = "";
    void *data;
    fixture.ops = ops;
    assert_int_equal(target_open(ops, settings, &fixture.target, error, sizeof error), TARGET_OK);
    assert_int_equal(ops->table_create(fixture.target, "t", &table_config, &table), TARGET_OK);
    assert_int_equal(ops->index_create(fixture.target, table, "i", &index_config, &fixture.index), TARGET_OK);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(ops->worker_join(fixture.target, &fixture.workers[i]), TARGET_OK);
    struct target_txn *txn = begin_one(0, TARGET_READ_WRITE);
    for (uint64_t key = 0; key < KEYS; key++) {
        assert_int_equal(ops->insert(txn, fixture.index, &key, 8, NULL, &data), TARGET_OK);
        *(uint64_t *)data = 1;
    }
    assert_int_equal(ops->commit(txn), TARGET_OK);
}

static inline void close_fixture(void)
{
    char report[256];
    for (unsigned i = 0; i < WORKERS; i++)
        fixture.ops->worker_leave(fixture.workers[i]);
    assert_int_equal(fixture.ops->verify(fixture.target, report, sizeof report), TARGET_OK);
    assert_int_equal(fixture.ops->close(fixture.target), TARGET_OK);
}

static inline void assert_reads(struct target_txn *txn, uint64_t key, uint64_t value)
{
    const void *data;
    assert_int_equal(fixture.ops->read(txn, fixture.index, &key, &data, NULL), TARGET_OK);
    assert_int_equal(*(const uint64_t *)data, value);
}

static inline void assert_misses(struct target_txn *txn, uint64_t key)
{
    const void *data;
    assert_int_equal(fixture.ops->read(txn, fixture.index, &key, &data, NULL), TARGET_NOT_FOUND);
}

static inline enum target_status write_one(struct target_txn *txn, uint64_t key, uint64_t value)
{
    void *data;
    enum target_status status = fixture.ops->update(txn, fixture.index, &key, 0, NULL, &data);
    if (status == TARGET_OK)
        *(uint64_t *)data = value;
    return status;
}

static inline enum target_status insert_one(struct target_txn *txn, uint64_t key)
{
    void *data;
    enum target_status status = fixture.ops->insert(txn, fixture.index, &key, 8, NULL, &data);
    if (status == TARGET_OK)
        *(uint64_t *)data = 1;
    return status;
}

/* A whole transaction of the last worker. */
static inline void commit_write(uint64_t key, uint64_t value)
{
    struct target_txn *txn = begin_one(WORKERS - 1, TARGET_READ_WRITE);
    assert_int_equal(write_one(txn, key, value), TARGET_OK);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
}

static inline void assert_reason(enum target_status status, const char *name)
{
    assert_true(target_status_is_retry(status));
    assert_string_equal(fixture.ops->reasons[target_status_reason(status)].name, name);
}

/* Write skew: each reads what the other writes. Closes the fixture; the status of the second commit. */
static inline enum target_status skewed(void)
{
    struct target_txn *one = begin_one(0, TARGET_READ_WRITE), *two = begin_one(1, TARGET_READ_WRITE);
    assert_reads(one, 1, 1);
    assert_reads(two, 0, 1);
    assert_int_equal(write_one(one, 0, 2), TARGET_OK);
    assert_int_equal(write_one(two, 1, 2), TARGET_OK);
    assert_int_equal(fixture.ops->commit(one), TARGET_OK);
    enum target_status status = fixture.ops->commit(two);
    close_fixture();
    return status;
}

#endif
