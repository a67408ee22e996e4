/* recording.c - what goes through the recording target stands in its history, and the workload notices nothing. */
#include "harness/targets/recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/proof/check.h"
#include "harness/targets/targets.h"
#include "tests/support/oracle_target.h"
#include "tests/support/scratch.h"
#include "tests/support/target_open.h"

static const struct target_key_value no_settings[] = {{"memory_limit", "64M"}, {NULL, NULL}};

struct fixture {
    const struct target_ops *ops;
    struct target *target;
    struct target_table *table;
    struct target_index *index, *second;
    struct target_worker *worker;
    struct target_txn *txn;
};

static struct fixture set_up(const char *path, enum target_index_kind kind)
{
    struct fixture f;
    char error[256] = "";
    const struct target_table_config table = {.payload_max_bytes = 64};
    const struct target_index_config index = {.kind = kind, .key_bytes = 8},
                                     second = {.kind = TARGET_INDEX_ORDERED, .key_bytes = 16, .non_unique = true};
    f.ops = recording_target(&native_target_ops, path, error, sizeof error);
    assert_non_null(f.ops);
    assert_int_equal(target_open(f.ops, no_settings, &f.target, error, sizeof error), TARGET_OK);
    assert_int_equal(f.ops->table_create(f.target, "rows", &table, &f.table), TARGET_OK);
    assert_int_equal(f.ops->index_create(f.target, f.table, "key", &index, &f.index), TARGET_OK);
    assert_int_equal(f.ops->index_create(f.target, f.table, "second", &second, &f.second), TARGET_OK);
    assert_int_equal(f.ops->worker_join(f.target, &f.worker), TARGET_OK);
    return f;
}

static void tear_down(struct fixture *f)
{
    f->ops->worker_leave(f->worker);
    f->ops->close(f->target);
}

static void begin(struct fixture *f, enum target_mode mode)
{
    assert_int_equal(f->ops->begin(f->worker, mode, &f->txn), TARGET_OK);
}

static void commit(struct fixture *f)
{
    assert_int_equal(f->ops->commit(f->txn), TARGET_OK);
}

static void insert(struct fixture *f, uint64_t key, uint64_t value)
{
    void *data;
    assert_int_equal(f->ops->insert(f->txn, f->index, &key, 16, NULL, &data), TARGET_OK);
    memcpy(data, &value, sizeof value);
    memcpy((char *)data + 8, &key, sizeof key);
}

/* The history as text. */
static char *history_of(struct fixture *f)
{
    struct history *history = calloc(1, sizeof *history);
    char error[256] = "";
    history_init(history);
    assert_true(recording_history(f->target, history, error, sizeof error));
    FILE *out = scratch_text_open();
    history_print(history, out);
    char *text = scratch_text_close(out);
    history_fini(history);
    free(history);
    return text;
}

static void assert_history_has(struct fixture *f, const char *part)
{
    char *text = history_of(f);
    if (strstr(text, part) == NULL)
        fail_msg("no '%s' in: %s", part, text);
    free(text);
}

/* Everything once; payloads arrive as they were written, and the history is a good one. */
static void all_operations_pass_and_check(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct fixture f = set_up(NULL, kind ? TARGET_INDEX_ORDERED : TARGET_INDEX_HASH);
        uint64_t one = 1, two = 2, nine = 9, ref;
        const void *old;
        void *data;
        size_t bytes;
        char town[16] = "town";
        begin(&f, TARGET_READ_WRITE);
        insert(&f, 1, 100);
        insert(&f, 2, 200);
        insert(&f, 3, 300);
        assert_int_equal(f.ops->insert(f.txn, f.index, &one, 8, NULL, &data), TARGET_EXISTS);
        commit(&f);
        begin(&f, TARGET_READ_WRITE);
        assert_int_equal(f.ops->read(f.txn, f.index, &one, &old, &bytes), TARGET_OK);
        assert_int_equal(bytes, 16);
        assert_int_equal(*(const uint64_t *)old, 100);
        assert_int_equal(f.ops->update(f.txn, f.index, &one, 0, &old, &data), TARGET_OK);
        assert_int_equal(*(const uint64_t *)old, 100);
        assert_int_equal(((uint64_t *)data)[1], 1); /* the old payload, to be changed */
        *(uint64_t *)data = 101;
        assert_int_equal(f.ops->update(f.txn, f.index, &one, 24, NULL, &data), TARGET_OK);
        assert_int_equal(*(uint64_t *)data, 101);
        assert_int_equal(((uint64_t *)data)[2], 0);
        assert_int_equal(f.ops->overwrite(f.txn, f.index, &two, 8, &data), TARGET_OK);
        *(uint64_t *)data = 201;
        assert_int_equal(f.ops->read(f.txn, f.index, &nine, &old, &bytes), TARGET_NOT_FOUND);
        assert_int_equal(f.ops->row_insert(f.txn, f.table, 8, &ref, &data), TARGET_OK);
        assert_int_equal(f.ops->index_insert(f.txn, f.second, town, ref), TARGET_OK);
        commit(&f);
        begin(&f, TARGET_READ_WRITE);
        assert_int_equal(f.ops->read(f.txn, f.index, &one, &old, &bytes), TARGET_OK);
        assert_int_equal(bytes, 24);
        assert_int_equal(f.ops->read(f.txn, f.index, &two, &old, &bytes), TARGET_OK);
        assert_int_equal(*(const uint64_t *)old, 201);
        assert_int_equal(f.ops->find(f.txn, f.second, town, &ref), TARGET_OK);
        assert_int_equal(f.ops->row_update(f.txn, f.table, ref, 0, NULL, &data), TARGET_OK);
        assert_int_equal(f.ops->row_erase(f.txn, f.table, ref), TARGET_OK);
        assert_int_equal(f.ops->index_remove(f.txn, f.second, town, ref), TARGET_OK);
        assert_int_equal(f.ops->erase(f.txn, f.index, &two), TARGET_OK);
        commit(&f);
        begin(&f, TARGET_READ_WRITE);
        insert(&f, 2, 202);
        f.ops->abort(f.txn);

        struct history *history = calloc(1, sizeof *history);
        struct history_checker *checker = history_checker_create();
        struct history_verdict verdict;
        char error[256];
        history_init(history);
        assert_true(recording_history(f.target, history, error, sizeof error));
        if (!history_check(checker, history, &verdict))
            fail_msg("%s", verdict.report.text);
        assert_int_equal(verdict.committed, 3);
        assert_int_equal(verdict.aborted, 1);
        history_verdict_fini(&verdict);
        history_checker_destroy(checker);
        history_fini(history);
        free(history);
        tear_down(&f);
    }
}

static bool stop_at_two(void *arg, const void *key, uint64_t ref)
{
    (void)arg, (void)ref;
    return *(const uint64_t *)key != 2;
}

/* A scan promises what it has passed, not what it was asked for. */
static void scans_are_recorded_as_far_as_they_went(void **state)
{
    (void)state;
    struct fixture f = set_up(NULL, TARGET_INDEX_ORDERED);
    uint64_t low = 1, high = 9;
    begin(&f, TARGET_READ_WRITE);
    for (uint64_t key = 1; key < 5; key++)
        insert(&f, key, key);
    commit(&f);
    begin(&f, TARGET_READ_WRITE);
    assert_int_equal(f.ops->scan(f.txn, f.index, &low, &high, 0, 0, stop_at_two, NULL), TARGET_OK);
    assert_int_equal(f.ops->scan(f.txn, f.index, NULL, &high, TARGET_SCAN_BACKWARD, 1, stop_at_two, NULL), TARGET_OK);
    assert_int_equal(f.ops->scan(f.txn, f.index, &high, NULL, 0, 1, stop_at_two, NULL), TARGET_OK);
    commit(&f);
    assert_history_has(&f, "scan 0 forward 1 2 all : 1=0 2=1\n");
    assert_history_has(&f, "scan 0 backward 4 9 all : 4=3\n");
    assert_history_has(&f, "scan 0 forward 9 - all :\n");
    tear_down(&f);
}

/* What is written to a file is what stays in memory. */
static void files_can_be_read_back(void **state)
{
    (void)state;
    char path[] = "recording-test-XXXXXX", error[256] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct fixture f = set_up(path, TARGET_INDEX_HASH);
    enum { TXNS = 20000 }; /* more than a buffer */
    for (uint64_t key = 0; key < TXNS; key++) {
        begin(&f, TARGET_READ_WRITE);
        insert(&f, key, key);
        commit(&f);
    }
    f.ops->worker_leave(f.worker);
    assert_true(recording_finish(f.target, error, sizeof error));
    f.ops->close(f.target);

    struct history *history = calloc(1, sizeof *history);
    struct history_checker *checker = history_checker_create();
    struct history_verdict verdict;
    history_init(history);
    bool loaded = history_load(history, path, error, sizeof error);
    if (!loaded)
        fail_msg("%s", error);
    assert_true(history_check(checker, history, &verdict));
    assert_int_equal(verdict.committed, TXNS);
    history_verdict_fini(&verdict);
    history_fini(history);

    /* Cut off: refused, with the place. */
    assert_int_equal(truncate(path, 1000 * 8), 0);
    history_init(history);
    assert_false(history_load(history, path, error, sizeof error));
    assert_non_null(strstr(error, "cut off"));
    history_fini(history);
    history_checker_destroy(checker);
    free(history);
    unlink(path);
}

static void files_that_cannot_be_written_are_named(void **state)
{
    (void)state;
    char error[256] = "";
    assert_null(recording_target(&native_target_ops, "/nowhere/history", error, sizeof error));
    assert_non_null(strstr(error, "/nowhere/history: No such file"));
}

static void targets_without_timestamps_are_refused(void **state)
{
    (void)state;
    char error[256] = "";
    assert_null(recording_target(&oracle_target_ops, NULL, error, sizeof error));
    assert_non_null(strstr(error, "has no timestamps"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_operations_pass_and_check),
        cmocka_unit_test(scans_are_recorded_as_far_as_they_went),
        cmocka_unit_test(files_can_be_read_back),
        cmocka_unit_test(files_that_cannot_be_written_are_named),
        cmocka_unit_test(targets_without_timestamps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
