/*
 * any_thread.c - every call that any thread may make, against every other such call.
 *
 * The table `calls` has the calls of maemio.h on the database, on names, options and statistics, and those that a
 * thread makes with a worker of its own. For each pair of calls, a call with itself included, two threads make both
 * again and again on a fresh database, in which a third thread runs transactions. The test checks that each call
 * returns only statuses that it may return, and verifies the database at the end. Its main purpose is to run under
 * ThreadSanitizer, which must not report anything.
 *
 * How to read a failure: the last line "pair" names the two calls. MAE_PAIR="first second" runs only that pair.
 */
#include "tests/support/world.h"

#include <pthread.h>
#include <stdatomic.h>

enum { TIMES = 24, KEYS = 16, THREADS = 3 };

struct stage {
    struct mae_db *db;
    struct mae_table *table;
    struct mae_index *hash, *tree;
    struct mae_worker *standing; /* joined all the time, used by the third thread */
    pthread_barrier_t begin;
    atomic_uint done;
    const char *_Atomic problem;
};

struct caller {
    struct stage *stage;
    void (*call)(struct caller *caller);
    struct mae_worker *worker; /* this thread's */
    unsigned thread, turn;
};

static void expect(struct caller *caller, bool good, const char *problem)
{
    const char *none = NULL;
    if (!good)
        atomic_compare_exchange_strong(&caller->stage->problem, &none, problem);
}

/* ---- The calls. ---- */

static void options(struct caller *caller)
{
    char text[64];
    struct mae_options *made = mae_options_create();
    expect(caller, made != NULL, "no options");
    for (size_t i = 0; i < mae_option_count(); i++) {
        const struct mae_option_info *info = mae_option_info(i);
        expect(caller, info && info->name && info->type && info->range[0], "an option without a description");
        expect(caller, mae_options_get(made, i, text, sizeof text), "an option without a value");
        expect(caller, mae_options_set(made, info->name, text, NULL, 0) == MAE_OK, "an option's value is refused");
    }
    mae_options_destroy(made);
}

static void names(struct caller *caller)
{
    for (int i = 0; i < MAE_STATUS_COUNT; i++)
        expect(caller, mae_status_name((enum mae_status)i) && mae_status_text((enum mae_status)i), "no such status");
    for (size_t i = 0; i < mae_counter_count(); i++)
        expect(caller, mae_counter_info(i)->name != NULL, "a counter without a name");
}

static void open_another(struct caller *caller)
{
    struct mae_db *db;
    if (caller->turn % 8 != 0)
        return; /* it takes long */
    expect(caller, mae_open(NULL, &db) == MAE_OK, "mae_open");
    mae_close(db);
}

static void table_create(struct caller *caller)
{
    char name[32];
    struct mae_table *table;
    const struct mae_table_config config = {.payload_max_bytes = 8, .expected_rows = 10};
    snprintf(name, sizeof name, "table %u", (caller->turn + caller->thread) % TIMES);
    enum mae_status status = mae_table_create(caller->stage->db, name, &config, &table);
    expect(caller, status == MAE_OK || status == MAE_EXISTS || status == MAE_NO_MEMORY, "mae_table_create");
}

static void index_create(struct caller *caller, enum mae_index_kind kind, uint64_t expected_rows)
{
    char name[32];
    struct mae_index *index;
    const struct mae_index_config config = {.kind = kind, .key_bytes = 8, .expected_rows = expected_rows};
    snprintf(name, sizeof name, "index %u-%u", (unsigned)kind, (caller->turn + caller->thread) % TIMES);
    enum mae_status status = mae_index_create(caller->stage->db, caller->stage->table, name, &config, &index);
    expect(caller, status == MAE_OK || status == MAE_EXISTS || status == MAE_NO_MEMORY, "mae_index_create");
}

static void hash_create(struct caller *caller)
{
    index_create(caller, MAE_INDEX_HASH, 0);
}

static void hash_refused(struct caller *caller)
{
    index_create(caller, MAE_INDEX_HASH, UINT64_C(1) << 26); /* more than the memory limit */
}

static void tree_create(struct caller *caller)
{
    index_create(caller, MAE_INDEX_ORDERED, 0);
}

static void find(struct caller *caller)
{
    char name[32];
    snprintf(name, sizeof name, "table %u", caller->turn);
    struct mae_table *table = mae_table_find(caller->stage->db, name);
    expect(caller, !table || mae_table_row_limit(table) == 0, "a row in an empty table");
    expect(caller, mae_table_row_limit(caller->stage->table) > 0, "no rows in a table that has some");
    snprintf(name, sizeof name, "index 0-%u", caller->turn);
    (void)mae_index_by_name(caller->stage->db, name);
    expect(caller, mae_index_by_name(caller->stage->db, "hash") == caller->stage->hash, "mae_index_by_name");
}

static void maintenance_start(struct caller *caller)
{
    enum mae_status status = mae_maintenance_start(caller->stage->db);
    expect(caller, status == MAE_OK || status == MAE_BUSY || status == MAE_UNSUPPORTED, "mae_maintenance_start");
}

static void maintenance_stop(struct caller *caller)
{
    mae_maintenance_stop(caller->stage->db);
}

static void counters(struct caller *caller)
{
    uint64_t values[256];
    if (mae_counter_count() > sizeof values / sizeof values[0]) {
        expect(caller, false, "more counters than this test has room for");
        return;
    }
    mae_worker_counters(caller->stage->standing, values);
    mae_db_counters(caller->stage->db, values);
    expect(caller, mae_worker_id(caller->stage->standing) < MAE_WORKERS_MAX, "mae_worker_id");
}

static void memory(struct caller *caller)
{
    struct mae_memory now;
    mae_db_memory(caller->stage->db, &now);
    expect(caller, now.committed_bytes <= now.limit_bytes, "more memory than the limit");
}

static void state(struct caller *caller)
{
    struct mae_state now;
    mae_db_state(caller->stage->db, &now);
    expect(caller, now.min_rts <= now.min_wts && now.workers >= 1 && now.workers <= 8, "mae_db_state");
}

static void oldest(struct caller *caller)
{
    struct mae_oldest now;
    enum mae_status status = mae_oldest(caller->stage->db, &now);
    expect(caller, status == MAE_NOT_FOUND || (status == MAE_OK && now.worker <= MAE_WORKERS_MAX), "mae_oldest");
    (void)mae_worker_last_commit(caller->stage->standing);
}

static enum mae_status change(struct mae_txn *txn, void *arg)
{
    struct caller *caller = arg;
    const uint64_t key = (caller->turn * 7 + caller->thread) % KEYS;
    uint64_t row;
    void *data;
    enum mae_status status;
    switch (caller->turn % 3) {
    case 0:
        status = mae_update(txn, caller->stage->hash, &key, 0, NULL, &data);
        if (status == MAE_OK)
            ++*(uint64_t *)data;
        return status;
    case 1:
        status = mae_index_find(txn, caller->stage->hash, &key, &row);
        if (status == MAE_OK)
            status = mae_index_remove(txn, caller->stage->tree, &key, row);
        return status == MAE_OK ? mae_delete(txn, caller->stage->hash, &key) : status;
    default:
        status = mae_insert(txn, caller->stage->hash, &key, 8, &row, &data);
        if (status == MAE_OK)
            *(uint64_t *)data = 1;
        return status == MAE_OK ? mae_index_insert(txn, caller->stage->tree, &key, row) : status;
    }
}

static void transaction(struct caller *caller)
{
    enum mae_status status = mae_run(caller->worker, MAE_READ_WRITE, change, caller, 0);
    expect(caller, status == MAE_OK || status == MAE_NOT_FOUND || status == MAE_EXISTS || status == MAE_NO_MEMORY,
           "mae_run");
    if (caller->turn % 5 == 0)
        mae_worker_idle(caller->worker);
}

static bool count_row(void *arg, uint64_t row, const void *data, size_t bytes)
{
    (void)row, (void)data;
    *(bool *)arg &= bytes == 8;
    return true;
}

static enum mae_status scan(struct mae_txn *txn, void *arg)
{
    struct caller *caller = arg;
    bool good = true;
    enum mae_status status = mae_table_scan(txn, caller->stage->table, 0, UINT64_MAX, count_row, &good);
    expect(caller, good, "a row of another size");
    return status;
}

static void snapshot(struct caller *caller)
{
    expect(caller, mae_run(caller->worker, MAE_SNAPSHOT, scan, caller, 0) == MAE_OK, "a snapshot");
}

static void join_and_leave(struct caller *caller)
{
    struct mae_worker *before = caller->worker;
    if (mae_worker_join(caller->stage->db, &caller->worker) == MAE_OK) {
        transaction(caller);
        mae_worker_leave(caller->worker);
    } else {
        expect(caller, false, "mae_worker_join");
    }
    caller->worker = before;
}

static const struct {
    const char *name;
    void (*call)(struct caller *caller);
} calls[] = {
    {"options", options},
    {"names", names},
    {"open", open_another},
    {"table_create", table_create},
    {"hash_create", hash_create},
    {"hash_refused", hash_refused},
    {"tree_create", tree_create},
    {"find", find},
    {"maintenance_start", maintenance_start},
    {"maintenance_stop", maintenance_stop},
    {"counters", counters},
    {"memory", memory},
    {"state", state},
    {"oldest", oldest},
    {"transaction", transaction},
    {"snapshot", snapshot},
    {"join_and_leave", join_and_leave},
};
enum { CALLS = sizeof calls / sizeof calls[0] };

/* ---- A pair. ---- */

static void *make_calls(void *arg)
{
    struct caller *caller = arg;
    bool third = caller->worker == caller->stage->standing;
    pthread_barrier_wait(&caller->stage->begin);
    for (; third ? atomic_load(&caller->stage->done) < THREADS - 1 : caller->turn < TIMES; caller->turn++)
        caller->call(caller);
    atomic_fetch_add(&caller->stage->done, 1);
    return NULL;
}

static void stage_open(struct stage *stage)
{
    struct mae_txn *txn;
    const struct mae_table_config rows = {.payload_max_bytes = 8};
    struct mae_index_config keys = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
    memset(stage, 0, sizeof *stage);
    stage->db = world_db("memory_limit=256M gc_interval_us=1");
    assert_ok(mae_table_create(stage->db, "rows", &rows, &stage->table));
    assert_ok(mae_index_create(stage->db, stage->table, "hash", &keys, &stage->hash));
    keys.kind = MAE_INDEX_ORDERED;
    assert_ok(mae_index_create(stage->db, stage->table, "tree", &keys, &stage->tree));
    assert_ok(mae_worker_join(stage->db, &stage->standing));
    for (uint64_t key = 0; key < KEYS; key += 2) {
        uint64_t row;
        void *data;
        assert_ok(mae_begin(stage->standing, MAE_READ_WRITE, 0, &txn));
        assert_ok(mae_insert(txn, stage->hash, &key, 8, &row, &data));
        memset(data, 0, 8);
        assert_ok(mae_index_insert(txn, stage->tree, &key, row));
        assert_ok(mae_commit(txn));
    }
    pthread_barrier_init(&stage->begin, NULL, THREADS);
}

static void run_pair(unsigned first, unsigned second)
{
    struct stage stage;
    printf("pair %s %s\n", calls[first].name, calls[second].name);
    fflush(stdout);
    stage_open(&stage);
    struct caller callers[THREADS] = {
        {.stage = &stage, .call = calls[first].call, .thread = 0},
        {.stage = &stage, .call = calls[second].call, .thread = 1},
        {.stage = &stage, .call = transaction, .thread = 2, .worker = stage.standing},
    };
    for (unsigned i = 0; i < 2; i++)
        assert_ok(mae_worker_join(stage.db, &callers[i].worker));
    run_threads(THREADS, make_calls, callers, sizeof callers[0]);
    if (stage.problem)
        fail_msg("%s", stage.problem);
    for (unsigned i = 0; i < THREADS; i++)
        mae_worker_leave(callers[i].worker);
    mae_maintenance_stop(stage.db);
    world_verify(stage.db);
    mae_close(stage.db);
    pthread_barrier_destroy(&stage.begin);
}

static void every_call_may_meet_every_other(void **unused)
{
    (void)unused;
    const char *only = getenv("MAE_PAIR");
    unsigned pairs = 0;
    for (unsigned first = 0; first < CALLS; first++) {
        for (unsigned second = first; second < CALLS; second++) {
            char name[64];
            snprintf(name, sizeof name, "%s %s", calls[first].name, calls[second].name);
            if (only && strcmp(only, name) != 0)
                continue;
            run_pair(first, second);
            pairs++;
        }
    }
    assert_true(pairs == (only ? 1 : CALLS * (CALLS + 1) / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_may_meet_every_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
