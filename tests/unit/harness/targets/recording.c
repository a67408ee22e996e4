/* recording.c - what goes through the recording target stands in its history, and the workload notices nothing. */
#include "harness/targets/recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/proof/judge.h"
#include "harness/proof/load.h"
#include "harness/proof/text.h"
#include "harness/targets/targets.h"
#include "tests/support/oracle_target.h"
#include "tests/support/scratch.h"
#include "tests/support/target_open.h"

static const struct target_key_value none[] = {{NULL, NULL}};
static const struct target_key_value no_settings[] = {{"memory_limit", "64M"}, {NULL, NULL}};

struct fixture {
    struct recording *recording;
    const struct target_ops *ops;
    struct target *target;
    struct target_table *table;
    struct target_index *index, *second;
    struct target_worker *worker;
    struct target_txn *txn;
};

static struct fixture set_up_over(const struct target_ops *inner, const char *path, enum target_index_kind kind)
{
    struct fixture f;
    char error[256] = "";
    const struct target_table_config table = {.payload_max_bytes = 64};
    const struct target_index_config index = {.kind = kind, .key_bytes = 8},
                                     second = {.kind = TARGET_INDEX_ORDERED, .key_bytes = 16, .non_unique = true};
    f.recording = recording_create(inner, path, error, sizeof error);
    assert_non_null(f.recording);
    f.ops = recording_ops(f.recording);
    assert_int_equal(target_open(f.ops, inner->options ? no_settings : none, &f.target, error, sizeof error),
                     TARGET_OK);
    assert_int_equal(f.ops->table_create(f.target, "rows", &table, &f.table), TARGET_OK);
    assert_int_equal(f.ops->index_create(f.target, f.table, "key", &index, &f.index), TARGET_OK);
    assert_int_equal(f.ops->index_create(f.target, f.table, "second", &second, &f.second), TARGET_OK);
    assert_int_equal(f.ops->worker_join(f.target, &f.worker), TARGET_OK);
    return f;
}

static struct fixture set_up(const char *path, enum target_index_kind kind)
{
    return set_up_over(&native_target_ops, path, kind);
}

static void tear_down(struct fixture *f)
{
    f->ops->worker_leave(f->worker);
    assert_int_equal(f->ops->close(f->target), TARGET_OK);
    recording_destroy(f->recording);
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

static void assert_is_fine(struct fixture *f, unsigned committed, unsigned aborted)
{
    struct history *history = calloc(1, sizeof *history);
    struct history_checker *checker = history_checker_create();
    struct history_verdict verdict;
    char error[256];
    history_init(history);
    assert_true(recording_history(f->target, history, error, sizeof error));
    if (!history_check(checker, history, &history_serializable, &verdict))
        fail_msg("%s", verdict.report.text);
    assert_int_equal(verdict.committed, committed);
    assert_int_equal(verdict.aborted, aborted);
    history_verdict_fini(&verdict);
    history_checker_destroy(checker);
    history_fini(history);
    free(history);
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
        assert_is_fine(&f, 3, 1);
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

static bool count_entry(void *arg, const void *key, uint64_t ref)
{
    (void)key, (void)ref;
    ++*(unsigned *)arg;
    return true;
}

/* Of keys of variable length only their own bytes are looked at, and they are told as they are. */
static void keys_of_variable_length_are_recorded(void **state)
{
    (void)state;
    static const char names[][4] = {"\1a", "\2a", "\3ab"}; /* the second one ends with a zero */
    const struct target_index_config config = {.kind = TARGET_INDEX_ORDERED, .key_bytes = 255, .variable = true};
    struct fixture f = set_up(NULL, TARGET_INDEX_HASH);
    struct target_index *index;
    unsigned visited = 0;
    void *data;
    const void *read;
    assert_int_equal(f.ops->index_create(f.target, f.table, "names", &config, &index), TARGET_OK);
    begin(&f, TARGET_READ_WRITE);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(f.ops->insert(f.txn, index, names[i], 8, NULL, &data), TARGET_OK);
        *(uint64_t *)data = i;
    }
    commit(&f);
    begin(&f, TARGET_READ_WRITE);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(f.ops->read(f.txn, index, names[i], &read, NULL), TARGET_OK);
        assert_int_equal(*(const uint64_t *)read, i);
    }
    assert_int_equal(f.ops->scan(f.txn, index, names[1], names[2], 0, 0, count_entry, &visited), TARGET_OK);
    assert_int_equal(f.ops->read(f.txn, index, "\2ab", &read, NULL), TARGET_NOT_FOUND);
    commit(&f);
    assert_int_equal(visited, 2);
    assert_history_has(&f, "index 2 names ordered unique variable 255\n");
    assert_history_has(&f, "scan 2 forward 6100 616200 all : 6100=1 616200=2\n");
    assert_is_fine(&f, 2, 0);
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
    assert_int_equal(f.ops->close(f.target), TARGET_OK);
    recording_destroy(f.recording);

    struct history *history = calloc(1, sizeof *history);
    struct history_checker *checker = history_checker_create();
    struct history_verdict verdict;
    history_init(history);
    bool loaded = history_load(history, path, error, sizeof error);
    if (!loaded)
        fail_msg("%s", error);
    assert_true(history_check(checker, history, &history_serializable, &verdict));
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
    assert_null(recording_create(&native_target_ops, "/nowhere/history", error, sizeof error));
    assert_non_null(strstr(error, "/nowhere/history: No such file"));
}

/* ---- A target that promises little: each transaction works on a copy of all rows, taken when it begins. ---- */

enum { LOOSE_ROWS = 4, LOOSE_BYTES = 64, LOOSE_WORKERS = 2 };

struct loose_row {
    char data[LOOSE_BYTES];
    size_t bytes; /* 0: no such row */
    bool written;
};

struct loose_txn {
    struct loose_row rows[LOOSE_ROWS];
    uint64_t begun, place;
};

/* `first_wins`: a transaction whose rows another one has written meanwhile aborts, as with snapshot isolation. */
static struct {
    struct loose_row rows[LOOSE_ROWS];
    uint64_t written[LOOSE_ROWS]; /* by the commit with this number */
    uint64_t commits;
    struct loose_txn txns[LOOSE_WORKERS];
    unsigned joined;
    bool first_wins;
} loose;

static enum target_status loose_open(const struct target_ops *ops, const void *values, struct target **target,
                                     char *error, size_t error_bytes)
{
    (void)ops, (void)values, (void)error, (void)error_bytes;
    bool first_wins = loose.first_wins;
    memset(&loose, 0, sizeof loose);
    loose.first_wins = first_wins;
    *target = (struct target *)(void *)&loose;
    return TARGET_OK;
}

static enum target_status loose_close(struct target *target)
{
    (void)target;
    return TARGET_OK;
}

static enum target_status loose_table_create(struct target *target, const char *name,
                                             const struct target_table_config *config, struct target_table **table)
{
    (void)target, (void)name, (void)config;
    *table = (struct target_table *)(void *)&loose;
    return TARGET_OK;
}

static enum target_status loose_index_create(struct target *target, struct target_table *table, const char *name,
                                             const struct target_index_config *config, struct target_index **index)
{
    (void)target, (void)table, (void)name, (void)config;
    *index = (struct target_index *)(void *)&loose;
    return TARGET_OK;
}

static enum target_status loose_worker_join(struct target *target, struct target_worker **worker)
{
    (void)target;
    *worker = (struct target_worker *)(void *)&loose.txns[loose.joined++];
    return TARGET_OK;
}

static void loose_worker_leave(struct target_worker *worker)
{
    (void)worker;
}

static enum target_status loose_begin(struct target_worker *worker, enum target_mode mode, struct target_txn **txn)
{
    (void)mode;
    struct loose_txn *own = (struct loose_txn *)(void *)worker;
    memcpy(own->rows, loose.rows, sizeof own->rows);
    own->begun = loose.commits;
    *txn = (struct target_txn *)(void *)own;
    return TARGET_OK;
}

static enum target_status loose_commit(struct target_txn *txn)
{
    struct loose_txn *own = (struct loose_txn *)(void *)txn;
    for (int i = 0; i < LOOSE_ROWS; i++)
        if (loose.first_wins && own->rows[i].written && loose.written[i] > own->begun)
            return TARGET_RETRY;
    own->place = ++loose.commits;
    for (int i = 0; i < LOOSE_ROWS; i++)
        if (own->rows[i].written) {
            loose.rows[i] = own->rows[i];
            loose.rows[i].written = false;
            loose.written[i] = own->place;
        }
    return TARGET_OK;
}

static void loose_abort(struct target_txn *txn)
{
    (void)txn;
}

static uint64_t loose_timestamp(const struct target_txn *txn)
{
    return ((const struct loose_txn *)(const void *)txn)->place;
}

static struct loose_row *loose_row(struct target_txn *txn, const void *key)
{
    return &((struct loose_txn *)(void *)txn)->rows[*(const uint64_t *)key];
}

static enum target_status loose_read(struct target_txn *txn, struct target_index *index, const void *key,
                                     const void **data, size_t *bytes)
{
    (void)index;
    const struct loose_row *row = loose_row(txn, key);
    *data = row->data;
    if (bytes)
        *bytes = row->bytes;
    return row->bytes ? TARGET_OK : TARGET_NOT_FOUND;
}

static enum target_status loose_update(struct target_txn *txn, struct target_index *index, const void *key,
                                       size_t bytes, const void **old, void **data)
{
    (void)index;
    struct loose_row *row = loose_row(txn, key);
    if (row->bytes == 0)
        return TARGET_NOT_FOUND;
    row->bytes = bytes ? bytes : row->bytes;
    row->written = true;
    if (old)
        *old = row->data;
    *data = row->data;
    return TARGET_OK;
}

static enum target_status loose_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                          size_t bytes, void **data)
{
    return loose_update(txn, index, key, bytes, NULL, data);
}

static enum target_status loose_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                       size_t bytes, uint64_t *ref, void **data)
{
    (void)index;
    struct loose_row *row = loose_row(txn, key);
    if (row->bytes)
        return TARGET_EXISTS;
    *row = (struct loose_row){.bytes = bytes, .written = true};
    *ref = *(const uint64_t *)key;
    *data = row->data;
    return TARGET_OK;
}

static struct target_ops loose_ops(bool first_wins, bool knows_order)
{
    loose.first_wins = first_wins;
    return (struct target_ops){.name = "loose",
                               .promises = {.isolation = TARGET_ISOLATION_SERIALIZABLE,
                                            .order = knows_order ? TARGET_ORDER_AT_COMMIT : TARGET_ORDER_NEVER},
                               .open = loose_open,
                               .close = loose_close,
                               .table_create = loose_table_create,
                               .index_create = loose_index_create,
                               .worker_join = loose_worker_join,
                               .worker_leave = loose_worker_leave,
                               .begin = loose_begin,
                               .commit = loose_commit,
                               .abort = loose_abort,
                               .timestamp = knows_order ? loose_timestamp : NULL,
                               .read = loose_read,
                               .update = loose_update,
                               .overwrite = loose_overwrite,
                               .insert = loose_insert};
}

/* Each of two transactions reads both rows; then one writes row `first`, the other row `second`, then both commit. */
static struct history_verdict two_at_once(const struct target_ops *inner, uint64_t first, uint64_t second, bool blindly)
{
    struct fixture f = set_up_over(inner, NULL, TARGET_INDEX_HASH);
    struct target_worker *other;
    struct target_txn *txns[2];
    assert_int_equal(f.ops->worker_join(f.target, &other), TARGET_OK);
    begin(&f, TARGET_READ_WRITE);
    insert(&f, 0, 1);
    insert(&f, 1, 1);
    commit(&f);
    for (int i = 0; i < 2; i++) {
        const void *row;
        assert_int_equal(f.ops->begin(i ? other : f.worker, TARGET_READ_WRITE, &txns[i]), TARGET_OK);
        for (uint64_t key = 0; key < 2 && !blindly; key++)
            assert_int_equal(f.ops->read(txns[i], f.index, &key, &row, NULL), TARGET_OK);
    }
    for (int i = 0; i < 2; i++) {
        void *data;
        const uint64_t *key = i ? &second : &first;
        assert_int_equal(blindly ? f.ops->overwrite(txns[i], f.index, key, 16, &data)
                                 : f.ops->update(txns[i], f.index, key, 0, NULL, &data),
                         TARGET_OK);
        memset(data, i, 16);
    }
    for (int i = 0; i < 2; i++)
        (void)f.ops->commit(txns[i]); /* may abort */
    struct history *history = calloc(1, sizeof *history);
    struct history_checker *checker = history_checker_create();
    struct history_verdict verdict;
    char error[256];
    history_init(history);
    assert_true(recording_history(f.target, history, error, sizeof error));
    (void)history_check(checker, history, &history_serializable, &verdict);
    history_checker_destroy(checker);
    history_fini(history);
    free(history);
    f.ops->worker_leave(other);
    tear_down(&f);
    return verdict;
}

static void assert_verdict(struct history_verdict verdict, bool ordered, enum history_anomaly cycle)
{
    assert_int_equal(verdict.ordered, ordered);
    if (cycle == HISTORY_ANOMALY_NONE ? verdict.found != 0 : verdict.findings[cycle] == 0)
        fail_msg("no %s: %s", history_anomalies[cycle].name, verdict.report.text ? verdict.report.text : "nothing");
    history_verdict_fini(&verdict);
}

/* Nothing but what the calls returned is needed to find what was wrong. */
static void a_target_without_an_order_is_judged_by_the_graph(void **state)
{
    (void)state;
    const struct target_ops careless = loose_ops(false, false);
    assert_verdict(two_at_once(&careless, 0, 0, false), false, HISTORY_ANOMALY_G2_ITEM); /* a lost update */
    assert_verdict(two_at_once(&careless, 0, 1, false), false, HISTORY_ANOMALY_G2_ITEM); /* write skew */
    const struct target_ops snapshots = loose_ops(true, false);
    assert_verdict(two_at_once(&snapshots, 0, 1, false), false, HISTORY_ANOMALY_G2_ITEM); /* write skew is allowed */
    assert_verdict(two_at_once(&snapshots, 0, 0, false), false, HISTORY_ANOMALY_NONE);    /* but no lost update */
}

/* A blind write has no order of its own: there it is recorded as what read what it replaced. */
static void a_blind_write_says_what_it_replaced_where_nothing_else_does(void **state)
{
    (void)state;
    const struct target_ops careless = loose_ops(false, false), ordered = loose_ops(false, true);
    assert_verdict(two_at_once(&careless, 0, 0, true), false, HISTORY_ANOMALY_G2_ITEM);
    assert_verdict(two_at_once(&ordered, 0, 0, true), true, HISTORY_ANOMALY_NONE); /* the later one wins: serial */
}

/* The workload may ask until the worker begins again, when the inner transaction is no longer held. */
static void the_order_is_told_when_commit_has_returned(void **state)
{
    (void)state;
    const struct target_ops loose_inner = loose_ops(false, true);
    const struct target_ops *const inners[] = {&loose_inner, &native_target_ops};
    for (int i = 0; i < 2; i++) {
        struct fixture f = set_up_over(inners[i], NULL, TARGET_INDEX_HASH);
        uint64_t last = 0;
        for (uint64_t key = 0; key < 3; key++) {
            begin(&f, TARGET_READ_WRITE);
            insert(&f, key, key);
            commit(&f);
            uint64_t place = f.ops->timestamp(f.txn);
            assert_true(place > last);
            last = place;
        }
        tear_down(&f);
    }
}

static void an_order_known_at_commit_is_replayed(void **state)
{
    (void)state;
    const struct target_ops careless = loose_ops(false, true);
    assert_verdict(two_at_once(&careless, 0, 0, false), true, HISTORY_ANOMALY_STALE_READ);
    assert_verdict(two_at_once(&careless, 0, 1, false), true, HISTORY_ANOMALY_G2_ITEM);
    const struct target_ops snapshots = loose_ops(true, true);
    assert_verdict(two_at_once(&snapshots, 0, 0, false), true, HISTORY_ANOMALY_NONE);
}

static enum target_status eager_apply(struct target_txn *txn, struct target_index *index, const void *key,
                                      enum target_function function, size_t offset, size_t bytes, int64_t operand)
{
    return target_apply(&(struct target_ops){.update = native_target_ops.update}, txn, index, key, function, offset,
                        bytes, operand);
}

static uint64_t counter_of(struct fixture *f, uint64_t key)
{
    const void *data;
    size_t bytes;
    uint64_t value;
    assert_int_equal(f->ops->read(f->txn, f->index, &key, &data, &bytes), TARGET_OK);
    assert_int_equal(bytes, 16);
    memcpy(&value, data, sizeof value);
    return value;
}

/* Of a target that applies, whatever it does then: who reads says which applies it saw. */
static void applies_are_recorded_and_readers_tell_them(void **state)
{
    struct target_ops applying = native_target_ops;
    (void)state;
    if (applying.apply == NULL)
        applying.apply = eager_apply;
    for (int kind = 0; kind < 2; kind++) {
        struct fixture f = set_up_over(&applying, NULL, kind ? TARGET_INDEX_ORDERED : TARGET_INDEX_HASH);
        uint64_t one = 1, absent = 9;
        void *data;
        begin(&f, TARGET_READ_WRITE);
        insert(&f, 1, 100);
        commit(&f);
        for (int i = 0; i < 3; i++) {
            begin(&f, TARGET_READ_WRITE);
            assert_int_equal(target_apply(f.ops, f.txn, f.index, &one, TARGET_ADD, 0, 8, 5), TARGET_OK);
            assert_int_equal(target_apply(f.ops, f.txn, f.index, &one, TARGET_MAX, 0, 8, 1), TARGET_OK);
            assert_int_equal(target_apply(f.ops, f.txn, f.index, &absent, TARGET_ADD, 0, 8, 5), TARGET_NOT_FOUND);
            commit(&f);
        }
        begin(&f, TARGET_READ_WRITE);
        assert_int_equal(counter_of(&f, 1), 115);
        assert_int_equal(target_apply(f.ops, f.txn, f.index, &one, TARGET_ADD, 0, 8, 1), TARGET_OK);
        assert_int_equal(counter_of(&f, 1), 116);
        assert_int_equal(f.ops->update(f.txn, f.index, &one, 0, NULL, &data), TARGET_OK);
        assert_int_equal(*(uint64_t *)data, 116);
        assert_int_equal(target_apply(f.ops, f.txn, f.index, &one, TARGET_ADD, 0, 8, 1), TARGET_OK);
        commit(&f);
        begin(&f, TARGET_READ_WRITE);
        assert_int_equal(target_apply(f.ops, f.txn, f.index, &one, TARGET_ADD, 0, 8, 1000), TARGET_OK);
        f.ops->abort(f.txn);
        begin(&f, TARGET_READ_WRITE);
        assert_int_equal(counter_of(&f, 1), 117);
        commit(&f);
        assert_history_has(&f, "apply key[1] 2\n");
        assert_is_fine(&f, 6, 1);
        tear_down(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_operations_pass_and_check),
        cmocka_unit_test(scans_are_recorded_as_far_as_they_went),
        cmocka_unit_test(keys_of_variable_length_are_recorded),
        cmocka_unit_test(files_can_be_read_back),
        cmocka_unit_test(files_that_cannot_be_written_are_named),
        cmocka_unit_test(a_target_without_an_order_is_judged_by_the_graph),
        cmocka_unit_test(a_blind_write_says_what_it_replaced_where_nothing_else_does),
        cmocka_unit_test(the_order_is_told_when_commit_has_returned),
        cmocka_unit_test(an_order_known_at_commit_is_replayed),
        cmocka_unit_test(applies_are_recorded_and_readers_tell_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
