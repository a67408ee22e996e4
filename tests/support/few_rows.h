/*
 * few_rows.h - a target with a few rows, and workers whose transactions run one step at a time, for tests of who is
 * refused what.
 */
#ifndef TESTS_SUPPORT_FEW_ROWS_H
#define TESTS_SUPPORT_FEW_ROWS_H

#include "harness/targets/targets.h"
#include "tests/support/target_open.h"
#include "tests/support/world.h"

enum { WORKERS = 4, ROWS = 3 };

static struct fixture {
    const struct target_ops *ops;
    struct target *target;
    struct target_table *table;
    uint64_t refs[ROWS];
    struct target_worker *workers[WORKERS];
} fixture;

static inline struct target_txn *begin_one(unsigned worker)
{
    struct target_txn *txn = NULL;
    assert_int_equal(fixture.ops->begin(fixture.workers[worker], TARGET_READ_WRITE, &txn), TARGET_OK);
    return txn;
}

static inline void fixture_open(const struct target_ops *ops, const struct target_key_value *settings)
{
    struct target_table_config config = {8, 0};
    char error[256] = "";
    void *data;
    fixture.ops = ops;
    assert_int_equal(target_open(ops, settings, &fixture.target, error, sizeof error), TARGET_OK);
    assert_int_equal(ops->table_create(fixture.target, "t", &config, &fixture.table), TARGET_OK);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(ops->worker_join(fixture.target, &fixture.workers[i]), TARGET_OK);
    struct target_txn *txn = begin_one(0);
    for (unsigned i = 0; i < ROWS; i++)
        assert_int_equal(ops->row_insert(txn, fixture.table, 8, &fixture.refs[i], &data), TARGET_OK);
    assert_int_equal(ops->commit(txn), TARGET_OK);
}

static inline void fixture_close(void)
{
    for (unsigned i = 0; i < WORKERS; i++)
        fixture.ops->worker_leave(fixture.workers[i]);
    assert_int_equal(fixture.ops->close(fixture.target), TARGET_OK);
}

static inline enum target_status write_row(struct target_txn *txn, unsigned row)
{
    void *data;
    return fixture.ops->row_update(txn, fixture.table, fixture.refs[row], 8, NULL, &data);
}

static inline enum target_status read_row(struct target_txn *txn, unsigned row)
{
    const void *data;
    return fixture.ops->row_read(txn, fixture.table, fixture.refs[row], &data, NULL);
}

/* The same with what the row has. */
static inline void put(struct target_txn *txn, unsigned row, uint64_t value)
{
    void *data = NULL;
    assert_int_equal(fixture.ops->row_update(txn, fixture.table, fixture.refs[row], 8, NULL, &data), TARGET_OK);
    memcpy(data, &value, sizeof value);
}

static inline uint64_t get(struct target_txn *txn, unsigned row)
{
    const void *data = NULL;
    uint64_t value = 0;
    assert_int_equal(fixture.ops->row_read(txn, fixture.table, fixture.refs[row], &data, NULL), TARGET_OK);
    memcpy(&value, data, sizeof value);
    return value;
}

static inline void assert_reason(enum target_status status, const char *name)
{
    assert_true(target_status_is_retry(status));
    assert_string_equal(fixture.ops->reasons[target_status_reason(status)].name, name);
}

#endif
