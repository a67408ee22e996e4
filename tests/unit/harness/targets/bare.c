/*
 * bare.c - tests of the target bare and its index: the contract of target.h as far as it goes without transactions,
 * growing, and several threads inserting and removing at once.
 */
#include "harness/targets/targets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/support/target_open.h"

enum { THREADS = 4, KEYS_PER_THREAD = 20000 };

struct fixture {
    const struct target_ops *ops;
    struct target *target;
    struct target_worker *worker;
    struct target_table *table;
    struct target_index *index;
    char error[256];
};

static void open_fixture(struct fixture *fixture, size_t payload_max_bytes, uint64_t expected_rows)
{
    struct target_table_config table = {payload_max_bytes, expected_rows};
    struct target_index_config index = {.kind = TARGET_INDEX_HASH, .key_bytes = 8, .expected_rows = expected_rows};
    *fixture = (struct fixture){.ops = &bare_target_ops};
    assert_int_equal(target_open(fixture->ops, NULL, &fixture->target, fixture->error, sizeof fixture->error),
                     TARGET_OK);
    assert_int_equal(fixture->ops->table_create(fixture->target, "t", &table, &fixture->table), TARGET_OK);
    assert_int_equal(fixture->ops->index_create(fixture->target, fixture->table, "i", &index, &fixture->index),
                     TARGET_OK);
    assert_int_equal(fixture->ops->worker_join(fixture->target, &fixture->worker), TARGET_OK);
}

static void close_fixture(struct fixture *fixture)
{
    assert_int_equal(fixture->ops->verify(fixture->target, fixture->error, sizeof fixture->error), TARGET_OK);
    fixture->ops->worker_leave(fixture->worker);
    assert_int_equal(fixture->ops->close(fixture->target), TARGET_OK);
}

static struct target_txn *begin(struct fixture *fixture, enum target_mode mode)
{
    struct target_txn *txn;
    assert_int_equal(fixture->ops->begin(fixture->worker, mode, &txn), TARGET_OK);
    return txn;
}

static void rows_by_key_are_kept_as_written(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t key = 0, ref; /* 0 is a key like any other */
    void *data;
    const void *old;
    size_t bytes;
    open_fixture(&fixture, 100, 0);
    const struct target_ops *ops = fixture.ops;
    struct target_txn *txn = begin(&fixture, TARGET_READ_WRITE), *again;
    assert_int_equal(ops->begin(fixture.worker, TARGET_READ_WRITE, &again), TARGET_BUSY);
    assert_int_equal(ops->read(txn, fixture.index, &key, &old, &bytes), TARGET_NOT_FOUND);
    assert_int_equal(ops->insert(txn, fixture.index, &key, 101, &ref, &data), TARGET_TOO_LARGE);
    assert_int_equal(ops->insert(txn, fixture.index, &key, 40, &ref, &data), TARGET_OK);
    memset(data, 'a', 40);
    assert_int_equal(ops->insert(txn, fixture.index, &key, 40, &ref, &data), TARGET_EXISTS);
    assert_int_equal(ops->update(txn, fixture.index, &key, 0, &old, &data), TARGET_OK);
    assert_ptr_equal(old, data);
    ((char *)data)[0] = 'b';
    assert_int_equal(ops->update(txn, fixture.index, &key, 100, NULL, &data), TARGET_OK);
    assert_int_equal(ops->update(txn, fixture.index, &key, 101, NULL, &data), TARGET_TOO_LARGE);
    ops->abort(txn); /* undoes nothing */

    txn = begin(&fixture, TARGET_SNAPSHOT);
    assert_int_equal(ops->read(txn, fixture.index, &key, &old, &bytes), TARGET_OK);
    assert_int_equal(bytes, 100);
    const char *text = old;
    assert_true(text[0] == 'b' && text[1] == 'a' && text[39] == 'a' && text[40] == 0 && text[99] == 0);
    assert_true((uintptr_t)old % 8 == 0);
    assert_int_equal(ops->update(txn, fixture.index, &key, 0, NULL, &data), TARGET_READ_ONLY);
    assert_int_equal(ops->erase(txn, fixture.index, &key), TARGET_READ_ONLY);
    assert_int_equal(ops->commit(txn), TARGET_OK);

    txn = begin(&fixture, TARGET_READ_WRITE);
    assert_int_equal(ops->find(txn, fixture.index, &key, &ref), TARGET_OK);
    assert_int_equal(ops->erase(txn, fixture.index, &key), TARGET_OK);
    assert_int_equal(ops->erase(txn, fixture.index, &key), TARGET_NOT_FOUND);
    assert_int_equal(ops->row_read(txn, fixture.table, ref, &old, &bytes), TARGET_NOT_FOUND);
    uint64_t reused;
    assert_int_equal(ops->row_insert(txn, fixture.table, 8, &reused, &data), TARGET_OK);
    assert_int_equal(reused, ref);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    close_fixture(&fixture);
}

static void rows_by_ref_and_entries_go_apart(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t key = 7, ref, found;
    void *data;
    const void *old;
    open_fixture(&fixture, 300, 0);
    const struct target_ops *ops = fixture.ops;
    struct target_txn *txn = begin(&fixture, TARGET_READ_WRITE);
    assert_int_equal(ops->row_insert(txn, fixture.table, 300, &ref, &data), TARGET_OK);
    assert_int_equal(ops->find(txn, fixture.index, &key, &found), TARGET_NOT_FOUND);
    assert_int_equal(ops->index_insert(txn, fixture.index, &key, ref), TARGET_OK);
    assert_int_equal(ops->index_insert(txn, fixture.index, &key, ref), TARGET_EXISTS);
    assert_int_equal(ops->find(txn, fixture.index, &key, &found), TARGET_OK);
    assert_int_equal(found, ref);
    assert_int_equal(ops->index_remove(txn, fixture.index, &key, ref + 1), TARGET_NOT_FOUND);
    assert_int_equal(ops->index_remove(txn, fixture.index, &key, ref), TARGET_OK);
    assert_int_equal(ops->row_update(txn, fixture.table, ref, 0, &old, &data), TARGET_OK);
    assert_int_equal(ops->row_erase(txn, fixture.table, ref), TARGET_OK);
    assert_int_equal(ops->row_erase(txn, fixture.table, ref), TARGET_NOT_FOUND);
    assert_int_equal(ops->row_update(txn, fixture.table, 1u << 30, 0, &old, &data), TARGET_NOT_FOUND);
    assert_null(ops->scan); /* there are no ordered indexes */
    assert_int_equal(ops->table_scan(txn, fixture.table, NULL, NULL), TARGET_INVALID);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    close_fixture(&fixture);
}

static bool sum_row(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    uint64_t *sum = arg;
    (void)ref;
    assert_int_equal(bytes, 8);
    *sum += *(const uint64_t *)data;
    return *sum < 1000000;
}

static void scans_visit_the_rows_there_are(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t sum = 0;
    open_fixture(&fixture, 8, 0);
    const struct target_ops *ops = fixture.ops;
    struct target_txn *txn = begin(&fixture, TARGET_READ_WRITE);
    for (uint64_t key = 1; key <= 1000; key++) {
        void *data;
        assert_int_equal(ops->insert(txn, fixture.index, &key, 8, NULL, &data), TARGET_OK);
        *(uint64_t *)data = key;
    }
    for (uint64_t key = 2; key <= 1000; key += 2)
        assert_int_equal(ops->erase(txn, fixture.index, &key), TARGET_OK);
    assert_int_equal(ops->commit(txn), TARGET_OK);
    txn = begin(&fixture, TARGET_SNAPSHOT);
    assert_int_equal(ops->table_scan(txn, fixture.table, sum_row, &sum), TARGET_OK);
    assert_int_equal(sum, 250000); /* 1 + 3 + ... + 999 */
    sum = 999999;
    assert_int_equal(ops->table_scan(txn, fixture.table, sum_row, &sum), TARGET_OK);
    assert_int_equal(sum, 1000000); /* stopped at the first */
    assert_int_equal(ops->commit(txn), TARGET_OK);
    close_fixture(&fixture);
}

/* The layout native is compared with: 100 bytes in two cache lines, and a bucket's line for some 1.2 keys. */
static void space_is_natives(void **state)
{
    (void)state;
    struct fixture fixture;
    struct target_space rows, buckets;
    struct target_memory memory;
    enum { ROWS = 100000 };
    open_fixture(&fixture, 100, ROWS);
    struct target_txn *txn = begin(&fixture, TARGET_READ_WRITE);
    for (uint64_t key = 0; key < ROWS; key++) {
        void *data;
        assert_int_equal(fixture.ops->insert(txn, fixture.index, &key, 100, NULL, &data), TARGET_OK);
    }
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    fixture.ops->table_space(fixture.table, &rows);
    fixture.ops->index_space(fixture.index, &buckets);
    fixture.ops->memory(fixture.target, &memory);
    assert_int_equal(rows.rows, ROWS);
    assert_int_equal(rows.payload_bytes, ROWS * 100);
    assert_int_equal(rows.row_bytes, ROWS * 128);
    assert_true(buckets.rows >= 131072 && buckets.rows < 131072 * 5 / 4); /* with overflows */
    assert_int_equal(buckets.row_bytes, buckets.rows * 64);
    assert_true(memory.committed_bytes >= rows.row_bytes + buckets.row_bytes);
    assert_true(memory.resident_bytes >= rows.row_bytes);
    close_fixture(&fixture);
}

struct inserter {
    struct fixture *fixture;
    pthread_t thread;
    uint64_t first;
    enum target_status status;
    unsigned wrong;
};

/* Inserts its keys, removes every third and reads the others. Others do the same with theirs meanwhile. */
static void *insert_and_remove(void *arg)
{
    struct inserter *inserter = arg;
    struct fixture *fixture = inserter->fixture;
    const struct target_ops *ops = fixture->ops;
    struct target_worker *worker;
    struct target_txn *txn;
    inserter->status = ops->worker_join(fixture->target, &worker);
    if (inserter->status != TARGET_OK)
        return NULL;
    inserter->wrong += ops->begin(worker, TARGET_READ_WRITE, &txn) != TARGET_OK;
    for (uint64_t i = 0; i < KEYS_PER_THREAD && inserter->status == TARGET_OK; i++) {
        uint64_t key = inserter->first + i;
        void *data;
        inserter->status = ops->insert(txn, fixture->index, &key, 8, NULL, &data);
        if (inserter->status == TARGET_OK)
            *(uint64_t *)data = key;
        if (inserter->status == TARGET_OK && i % 3 == 2)
            inserter->status = ops->erase(txn, fixture->index, &key);
        key = inserter->first + i / 2 / 3 * 3; /* one that stays, wherever it has been moved */
        const void *found;
        if (ops->read(txn, fixture->index, &key, &found, NULL) != TARGET_OK || *(const uint64_t *)found != key)
            inserter->wrong++;
    }
    inserter->wrong += ops->commit(txn) != TARGET_OK;
    ops->worker_leave(worker);
    return NULL;
}

static void several_can_insert_while_it_grows(void **state)
{
    (void)state;
    struct fixture fixture;
    struct inserter inserters[THREADS];
    open_fixture(&fixture, 8, 0); /* no hint: from 1024 buckets to 65536 */
    for (unsigned i = 0; i < THREADS; i++) {
        inserters[i] = (struct inserter){.fixture = &fixture, .first = (uint64_t)i * KEYS_PER_THREAD};
        assert_int_equal(pthread_create(&inserters[i].thread, NULL, insert_and_remove, &inserters[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(inserters[i].thread, NULL), 0);
        assert_int_equal(inserters[i].status, TARGET_OK);
        assert_int_equal(inserters[i].wrong, 0);
    }
    struct target_txn *txn = begin(&fixture, TARGET_READ_WRITE);
    for (uint64_t key = 0; key < THREADS * KEYS_PER_THREAD; key++) {
        const void *data;
        bool removed = key % KEYS_PER_THREAD % 3 == 2;
        assert_int_equal(fixture.ops->read(txn, fixture.index, &key, &data, NULL),
                         removed ? TARGET_NOT_FOUND : TARGET_OK);
        if (!removed)
            assert_int_equal(*(const uint64_t *)data, key);
    }
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    struct target_space space;
    fixture.ops->index_space(fixture.index, &space);
    assert_true(space.rows >= 32768);
    close_fixture(&fixture);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct target *target;
    char error[256];
    static const struct {
        struct target_key_value settings[2];
        const char *text;
    } bad[] = {
        {{{"backoff", "off"}, {NULL, NULL}}, "no setting backoff"},
        {{{"huge_pages", "maybe"}, {NULL, NULL}}, "none of auto|transparent|off"},
        {{{"memory_limit", "lots"}, {NULL, NULL}}, "memory_limit: 'lots' is not a size"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(target_open(&bare_target_ops, bad[i].settings, &target, error, sizeof error), TARGET_INVALID);
        assert_non_null(strstr(error, bad[i].text));
    }
    const struct target_key_value good[] = {{"huge_pages", "off"}, {"memory_limit", "1M"}, {NULL, NULL}};
    assert_int_equal(target_open(&bare_target_ops, good, &target, error, sizeof error), TARGET_OK);
    /* One chunk of memory is more than the limit. */
    struct target_table_config table = {8, 0};
    struct target_index_config ordered = {.kind = TARGET_INDEX_ORDERED, .key_bytes = 8}, hash = {.key_bytes = 8};
    struct target_index_config longer = {.key_bytes = 16};
    struct target_table *created;
    struct target_index *index;
    assert_int_equal(bare_target_ops.table_create(target, "t", &table, &created), TARGET_OK);
    assert_int_equal(bare_target_ops.table_create(target, "t", &table, &created), TARGET_EXISTS);
    assert_int_equal(bare_target_ops.index_create(target, created, "i", &ordered, &index), TARGET_UNSUPPORTED);
    assert_int_equal(bare_target_ops.index_create(target, created, "i", &longer, &index), TARGET_UNSUPPORTED);
    assert_int_equal(bare_target_ops.index_create(target, created, "i", &hash, &index), TARGET_NO_MEMORY);
    table.payload_max_bytes = 0;
    assert_int_equal(bare_target_ops.table_create(target, "u", &table, &created), TARGET_INVALID);
    assert_int_equal(bare_target_ops.close(target), TARGET_OK);
}

static void workers_fill_up_and_leave(void **state)
{
    (void)state;
    struct fixture fixture;
    struct target_worker *workers[TARGET_WORKERS_MAX], *more;
    open_fixture(&fixture, 8, 0);
    for (unsigned i = 1; i < TARGET_WORKERS_MAX; i++)
        assert_int_equal(fixture.ops->worker_join(fixture.target, &workers[i]), TARGET_OK);
    assert_int_equal(fixture.ops->worker_join(fixture.target, &more), TARGET_FULL);
    fixture.ops->worker_leave(workers[100]);
    assert_int_equal(fixture.ops->worker_join(fixture.target, &workers[100]), TARGET_OK);
    for (unsigned i = 1; i < TARGET_WORKERS_MAX; i++)
        fixture.ops->worker_leave(workers[i]);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_by_key_are_kept_as_written),   cmocka_unit_test(rows_by_ref_and_entries_go_apart),
        cmocka_unit_test(scans_visit_the_rows_there_are),    cmocka_unit_test(space_is_natives),
        cmocka_unit_test(several_can_insert_while_it_grows), cmocka_unit_test(options_are_checked),
        cmocka_unit_test(workers_fill_up_and_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
