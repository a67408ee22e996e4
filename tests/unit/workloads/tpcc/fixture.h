/*
 * fixture.h - TPC-C on the oracle target, or another, for the tests of this folder: open, load, run single requests,
 * look at rows.
 *
 * Tests run in a fixed order over one loaded warehouse, so each compares with what it read before. Helpers that read
 * return copies, because a target's pointers are valid only until the end of the transaction.
 */
#ifndef TESTS_UNIT_WORKLOADS_TPCC_FIXTURE_H
#define TESTS_UNIT_WORKLOADS_TPCC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/targets/targets.h"
#include "tests/support/oracle_target.h"
#include "workloads/tpcc/instance.h"
#include "workloads/tpcc/tpcc.h"
#include "tests/support/target_open.h"

/* The target under the fixtures; a test may set another before it opens one. */
static const struct target_ops *fixture_ops = &oracle_target_ops;

struct fixture {
    struct target *target;
    struct target_worker *worker;
    struct workload *tpcc;
    struct workload_worker *self;
    char error[256];
    char report[4096];
};

static const uint64_t
    at_rest[TPCC_TXN_COUNT]; /* a `committed` for the check: its values do not matter, that it is there does */

/* `pairs` are option names and values, NULL-ended; the rest is at its default. option_values_clear frees. */
__attribute__((unused)) static void resolve(const char *const *pairs, struct tpcc_values *values)
{
    char why[256];
    *values = (struct tpcc_values){0};
    assert_true(option_values_init(tpcc_option_table, values, why, sizeof(why)));
    for (; pairs && pairs[0]; pairs += 2) {
        size_t i = option_find(tpcc_option_table, pairs[0]);
        assert_non_null(tpcc_option_table[i].name);
        if (!option_set(tpcc_option_table, i, pairs[1], values, why, sizeof(why)))
            fail_msg("%s: %s", pairs[0], why);
    }
}

__attribute__((unused)) static void open_unloaded(struct fixture *fixture, unsigned workers, const char *const *pairs)
{
    static const struct target_key_value no_settings[] = {{NULL, NULL}};
    struct tpcc_values values;
    *fixture = (struct fixture){0};
    resolve(pairs, &values);
    assert_int_equal(target_open(fixture_ops, no_settings, &fixture->target, fixture->error, sizeof(fixture->error)),
                     TARGET_OK);
    assert_int_equal(tpcc_workload_ops.create(&values, fixture_ops, 42, workers, &fixture->tpcc, fixture->error,
                                              sizeof(fixture->error)),
                     TARGET_OK);
    option_values_clear(tpcc_option_table, &values);
    assert_int_equal(tpcc_workload_ops.setup(fixture->tpcc, fixture->target, fixture->error, sizeof(fixture->error)),
                     TARGET_OK);
    assert_int_equal(fixture_ops->worker_join(fixture->target, &fixture->worker), TARGET_OK);
    assert_int_equal(tpcc_workload_ops.worker_create(fixture->tpcc, fixture->worker, 0, &fixture->self), TARGET_OK);
}

__attribute__((unused)) static void load_part(struct fixture *fixture, unsigned part, unsigned parts)
{
    struct workload_progress progress = {0};
    const _Atomic bool stop = false;
    assert_int_equal(tpcc_workload_ops.load(fixture->tpcc, fixture->worker, part, parts, &progress, &stop), TARGET_OK);
    assert_int_equal(progress.done, progress.total);
    assert_true(progress.total > 0);
}

__attribute__((unused)) static void open_loaded(struct fixture *fixture, const char *const *pairs)
{
    open_unloaded(fixture, 1, pairs);
    load_part(fixture, 0, 1);
}

__attribute__((unused)) static void close_fixture(struct fixture *fixture)
{
    tpcc_workload_ops.worker_destroy(fixture->self);
    fixture_ops->worker_leave(fixture->worker);
    tpcc_workload_ops.destroy(fixture->tpcc);
    assert_int_equal(fixture_ops->close(fixture->target), TARGET_OK);
}

/* ---- Looking. ---- */

__attribute__((unused)) static struct target_txn *begin(struct fixture *fixture, enum target_mode mode)
{
    struct target_txn *txn;
    assert_int_equal(fixture_ops->begin(fixture->worker, mode, &txn), TARGET_OK);
    return txn;
}

__attribute__((unused)) static void commit(struct target_txn *txn)
{
    assert_int_equal(fixture_ops->commit(txn), TARGET_OK);
}

/* As commit, of a change that snapshots, and so the check, shall see from now on: they may lag behind. */
__attribute__((unused)) static void commit_seen(struct fixture *fixture, struct target_txn *txn)
{
    uint64_t timestamp = fixture_ops->state ? fixture_ops->timestamp(txn) : 0;
    commit(txn);
    struct target_state now = {0};
    for (unsigned i = 0; fixture_ops->state && now.min_wts <= timestamp; i++) {
        assert_in_range(i, 0, 1000000);
        target_idle(fixture_ops, fixture->worker);
        commit(begin(fixture, TARGET_READ_WRITE));
        fixture_ops->state(fixture->target, &now);
    }
}

/* Copies the row of the key; false if there is none. */
__attribute__((unused)) static bool get(struct fixture *fixture, enum tpcc_index index, uint64_t key, void *row,
                                        size_t row_bytes)
{
    struct target_txn *txn = begin(fixture, TARGET_SNAPSHOT);
    const void *data;
    size_t bytes;
    enum target_status status = fixture_ops->read(txn, fixture->tpcc->indexes[index], &key, &data, &bytes);
    if (status == TARGET_OK) {
        assert_int_equal(bytes, row_bytes);
        memcpy(row, data, bytes);
    }
    commit(txn);
    return status == TARGET_OK;
}

#define GET(fixture, index, key, row) assert_true(get(fixture, TPCC_INDEX_##index, key, row, sizeof(*(row))))
#define GONE(fixture, index, key, row) assert_false(get(fixture, TPCC_INDEX_##index, key, row, sizeof(*(row))))

/* Opens the row of `key` as `row` of that type in a transaction of its own, runs the statement, commits. */
#define CHANGE(fixture, index, key_value, type, row, ...)                                                              \
    do {                                                                                                               \
        struct target_txn *change_txn = begin(fixture, TARGET_READ_WRITE);                                             \
        uint64_t change_key = key_value;                                                                               \
        void *change_data;                                                                                             \
        assert_int_equal(fixture_ops->update(change_txn, (fixture)->tpcc->indexes[TPCC_INDEX_##index], &change_key, 0, \
                                             NULL, &change_data),                                                      \
                         TARGET_OK);                                                                                   \
        struct type *row = change_data;                                                                                \
        __VA_ARGS__;                                                                                                   \
        commit_seen(fixture, change_txn);                                                                              \
    } while (0)

__attribute__((unused)) static bool count_row(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    (void)ref;
    (void)data;
    (void)bytes;
    ++*(uint64_t *)arg;
    return true;
}

__attribute__((unused)) static uint64_t table_rows(struct fixture *fixture, enum tpcc_table table)
{
    uint64_t count = 0;
    struct target_txn *txn = begin(fixture, TARGET_SNAPSHOT);
    assert_int_equal(fixture_ops->table_scan(txn, fixture->tpcc->tables[table], count_row, &count), TARGET_OK);
    commit(txn);
    return count;
}

__attribute__((unused)) static bool copy_history(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    (void)ref;
    (void)bytes;
    memcpy(arg, data, sizeof(struct tpcc_history));
    return true;
}

/* The row inserted last: the oracle numbers rows upwards. */
__attribute__((unused)) static struct tpcc_history last_history(struct fixture *fixture)
{
    struct tpcc_history history = {0};
    struct target_txn *txn = begin(fixture, TARGET_SNAPSHOT);
    assert_int_equal(fixture_ops->table_scan(txn, fixture->tpcc->tables[TPCC_TABLE_HISTORY], copy_history, &history),
                     TARGET_OK);
    commit(txn);
    return history;
}

/* ---- Running. ---- */

/* Runs the worker's request, which the test has filled in. */
__attribute__((unused)) static enum target_status run(struct fixture *fixture, enum tpcc_txn type)
{
    fixture->self->request->type = type;
    fixture->self->missing = 0;
    return tpcc_workload_ops.attempt(fixture->self);
}

/* Draws requests until one is of the type. */
__attribute__((unused)) static void next_of(struct fixture *fixture, enum tpcc_txn type)
{
    while (tpcc_workload_ops.next(fixture->self) != type) {
    }
}

__attribute__((unused)) static enum target_status run_check(struct fixture *fixture, const uint64_t *committed)
{
    return tpcc_workload_ops.check(fixture->tpcc, fixture->worker, committed, fixture->report, sizeof(fixture->report));
}

/* All is consistent; a failure shows the report. */
__attribute__((unused)) static void assert_consistent(struct fixture *fixture, const uint64_t *committed)
{
    enum target_status status = run_check(fixture, committed);
    if (status != TARGET_OK)
        print_error("%s\n", fixture->report);
    assert_int_equal(status, TARGET_OK);
    assert_int_equal(fixture_ops->verify(fixture->target, fixture->report, sizeof(fixture->report)), TARGET_OK);
}

#endif
