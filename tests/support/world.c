/* world.c - see world.h. */
#include "tests/support/world.h"

#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#include "engine/db/db.h"

/* What at_race announced. */
static struct {
    enum race_point point;
    unsigned left;
    void (*action)(void *arg);
    void *arg;
} interleaving;

struct mae_options *world_options(const char *text)
{
    struct mae_options *options = mae_options_create();
    assert_non_null(options);
    assert_ok(mae_options_set(options, "overtake_us", "0", NULL, 0));
    char *copy = strdup(text), *rest = copy, error[600] = "";
    assert_non_null(copy);
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value++ = '\0';
        if (mae_options_set(options, word, value, error, sizeof error) != MAE_OK)
            fail_msg("%s", error);
    }
    free(copy);
    return options;
}

/* The highest timestamp that begin has handed out: the order of begin is the order of timestamps. */
static uint64_t last_ts;

struct mae_db *world_db(const char *text)
{
    struct mae_options *options = world_options(text);
    struct mae_db *db = NULL;
    (void)at_race_cancel(); /* left by a test that failed; the database's own threads look at it */
    assert_ok(mae_open(options, &db));
    mae_options_destroy(options);
    last_ts = 0;
    return db;
}

struct world world_again(const char *options)
{
    struct world world = {.db = world_db(options), .worker_count = 1};
    world.table = mae_table_find(world.db, "rows");
    world.index = mae_index_by_name(world.db, "keys");
    assert_ok(mae_worker_join(world.db, &world.workers[0]));
    return world;
}

enum mae_status world_status(const char *text)
{
    struct mae_options *options = world_options(text);
    struct mae_db *db = NULL;
    enum mae_status status = mae_open(options, &db);
    mae_options_destroy(options);
    if (status == MAE_OK)
        mae_close(db);
    return status;
}

struct world world_open(const char *options, enum mae_index_kind kind, size_t payload_max_bytes, unsigned workers)
{
    struct world world = {.db = world_db(options), .worker_count = workers};
    const struct mae_table_config table = {.payload_max_bytes = payload_max_bytes};
    const struct mae_index_config index = {.kind = kind, .key_bytes = sizeof(uint64_t)};
    assert_true(workers <= WORLD_WORKERS_MAX);
    assert_ok(mae_table_create(world.db, "rows", &table, &world.table));
    assert_ok(mae_index_create(world.db, world.table, "keys", &index, &world.index));
    for (unsigned i = 0; i < workers; i++)
        assert_ok(mae_worker_join(world.db, &world.workers[i]));
    return world;
}

void world_leave(struct world *world)
{
    for (unsigned i = 0; i < world->worker_count; i++) {
        mae_worker_leave(world->workers[i]);
        world->workers[i] = NULL;
    }
}

void world_verify(struct mae_db *db)
{
    char report[300] = "";
    enum mae_status status = mae_db_verify(db, report, sizeof report);
    if (status != MAE_OK)
        fail_msg("mae_db_verify: %s: %s", mae_status_name(status), report);
}

void world_close(struct world *world)
{
    assert_int_equal(interleaving.left, 0); /* what at_race announced has happened */
    world_leave(world);
    world_verify(world->db);
    mae_close(world->db);
}

struct mae_txn *begin(struct mae_worker *worker)
{
    struct mae_txn *txn = NULL;
    assert_ok(mae_begin(worker, MAE_READ_WRITE, last_ts, &txn));
    assert_true(mae_txn_timestamp(txn) > last_ts);
    last_ts = mae_txn_timestamp(txn);
    return txn;
}

struct mae_txn *begin_snapshot(struct mae_worker *worker)
{
    struct mae_txn *txn = NULL;
    assert_ok(mae_begin(worker, MAE_SNAPSHOT, 0, &txn));
    return txn;
}

/* ---- Rows of one word. ---- */

enum mae_status row_get(struct mae_txn *txn, struct mae_table *table, uint64_t row, uint64_t *value)
{
    const void *data;
    enum mae_status status = mae_row_read(txn, table, row, &data, NULL);
    if (status == MAE_OK)
        memcpy(value, data, sizeof *value);
    return status;
}

static void add_word(void *data, uint64_t delta)
{
    uint64_t value;
    memcpy(&value, data, sizeof value);
    value += delta;
    memcpy(data, &value, sizeof value);
}

enum mae_status row_add(struct mae_txn *txn, struct mae_table *table, uint64_t row, uint64_t delta)
{
    void *data;
    enum mae_status status = mae_row_update(txn, table, row, 0, NULL, &data);
    if (status == MAE_OK)
        add_word(data, delta);
    return status;
}

enum mae_status row_set(struct mae_txn *txn, struct mae_table *table, uint64_t row, uint64_t value)
{
    void *data;
    enum mae_status status = mae_row_overwrite(txn, table, row, sizeof value, &data);
    if (status == MAE_OK)
        memcpy(data, &value, sizeof value);
    return status;
}

enum mae_status key_get(struct mae_txn *txn, struct mae_index *index, uint64_t key, uint64_t *value)
{
    const void *data;
    enum mae_status status = mae_read(txn, index, &key, &data, NULL);
    if (status == MAE_OK)
        memcpy(value, data, sizeof *value);
    return status;
}

enum mae_status key_add(struct mae_txn *txn, struct mae_index *index, uint64_t key, uint64_t delta)
{
    void *data;
    enum mae_status status = mae_update(txn, index, &key, 0, NULL, &data);
    if (status == MAE_OK)
        add_word(data, delta);
    return status;
}

enum mae_status key_insert(struct mae_txn *txn, struct mae_index *index, uint64_t key, uint64_t value)
{
    void *data;
    enum mae_status status = mae_insert(txn, index, &key, sizeof value, NULL, &data);
    if (status == MAE_OK)
        memcpy(data, &value, sizeof value);
    return status;
}

enum mae_status key_delete(struct mae_txn *txn, struct mae_index *index, uint64_t key)
{
    return mae_delete(txn, index, &key);
}

uint64_t new_row(struct mae_worker *worker, struct mae_table *table, uint64_t value)
{
    struct mae_txn *txn = begin(worker);
    uint64_t row;
    void *data;
    assert_ok(mae_row_insert(txn, table, sizeof value, &row, &data));
    memcpy(data, &value, sizeof value);
    assert_ok(mae_commit(txn));
    return row;
}

void new_keys(struct mae_worker *worker, struct mae_index *index, uint64_t first, uint64_t count, uint64_t value)
{
    enum { BATCH = 64 };
    for (uint64_t done = 0; done < count;) {
        struct mae_txn *txn = begin(worker);
        for (unsigned i = 0; i < BATCH && done < count; i++, done++)
            assert_ok(key_insert(txn, index, first + done, value));
        assert_ok(mae_commit(txn));
    }
}

uint64_t row_value(struct mae_worker *worker, struct mae_table *table, uint64_t row)
{
    struct mae_txn *txn = begin(worker);
    uint64_t value;
    assert_ok(row_get(txn, table, row, &value));
    assert_ok(mae_commit(txn));
    return value;
}

unsigned row_notes(struct mae_table *table, uint64_t row)
{
    unsigned notes = 0;
    char *home = table_row(&table->rows, row);
    for (version_handle at = *row_head(&table->rows, home); at != HANDLE_NONE;) {
        const struct version *version = row_version(&table->rows, home, at);
        notes += version_status_is_unresolved(version->status);
        at = version->older;
    }
    return notes;
}

void settle(struct world *world)
{
    /* A horizon takes two rounds, a tombstone's row a few more, and each needs every worker's quiescent point after
     * it. */
    enum { ROUNDS = 16, GC_INTERVAL_NS = 1000 };
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < world->worker_count; i++) {
            uint64_t start = monotonic_ns();
            while (monotonic_ns() - start <= 2 * GC_INTERVAL_NS) {
            }
            struct mae_txn *txn = begin(world->workers[i]);
            mae_abort(txn);
        }
    }
}

/* ---- Interleavings. ---- */

#ifdef MAE_DEBUG
static void on_race(enum race_point point)
{
    if (point != interleaving.point || interleaving.left == 0 || --interleaving.left > 0)
        return;
    race_hook = NULL;
    interleaving.action(interleaving.arg);
}

void at_race(enum race_point point, unsigned n, void (*action)(void *arg), void *arg)
{
    assert_int_equal(interleaving.left, 0);
    interleaving.point = point;
    interleaving.left = n;
    interleaving.action = action;
    interleaving.arg = arg;
    race_hook = on_race;
}
bool at_race_cancel(void)
{
    bool waiting = interleaving.left > 0;
    interleaving.left = 0;
    if (race_hook == on_race) /* else it is the scheduler's */
        race_hook = NULL;
    return waiting;
}
#else
bool at_race_cancel(void)
{
    return false;
}

void at_race(enum race_point point, unsigned n, void (*action)(void *arg), void *arg)
{
    (void)point, (void)n, (void)action, (void)arg;
    fail_msg("release builds have no race points: begin the test with NEEDS_HOOKS");
}
#endif

/* ---- Counters. ---- */

static uint64_t find_counter(const uint64_t *values, const char *name)
{
    for (size_t i = 0; i < mae_counter_count(); i++)
        if (strcmp(mae_counter_info(i)->name, name) == 0)
            return values[i];
    fail_msg("no counter %s", name);
    return 0;
}

void elder_is_out_of_time(struct mae_db *db)
{
    atomic_store(&db->core.elder.until_ticks, 0);
}

uint64_t worker_counter(const struct mae_worker *worker, const char *name)
{
    uint64_t values[128];
    assert_true(mae_counter_count() <= sizeof values / sizeof values[0]);
    mae_worker_counters(worker, values);
    return find_counter(values, name);
}

uint64_t db_counter(const struct mae_db *db, const char *name)
{
    uint64_t values[128];
    assert_true(mae_counter_count() <= sizeof values / sizeof values[0]);
    mae_db_counters(db, values);
    return find_counter(values, name);
}

/* ---- Random numbers, time, threads. ---- */

uint64_t seed_from_environment(void)
{
    const char *text = getenv("MAE_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* what follows is in the log as it comes, should the test be killed */
    printf("seed %" PRIu64 " (MAE_SEED)\n", seed);
    return seed;
}

void run_seeds(unsigned settings, uint64_t seeds, void (*run)(unsigned setting, uint64_t seed))
{
    uint64_t first = seed_from_environment();
    for (unsigned setting = 0; setting < settings; setting++)
        for (uint64_t i = 0; i < seeds; i++)
            run(setting, first + i);
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t random_below(uint64_t *state, uint64_t n)
{
    return random_next(state) % n;
}

unsigned stress_ms(void)
{
    const char *text = getenv("MAE_STRESS_MS");
    return text ? (unsigned)strtoul(text, NULL, 10) : 150;
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

bool cpu_time_left(uint64_t start_cpu_ns, unsigned ms)
{
    return cpu_ns() - start_cpu_ns < (uint64_t)ms * 1000000u;
}

bool time_left(uint64_t start_ns, unsigned ms)
{
    return monotonic_ns() - start_ns < (uint64_t)ms * 1000000u;
}

void run_threads(unsigned count, void *(*body)(void *arg), void *args, size_t arg_bytes)
{
    pthread_t ids[256];
    assert_true(count <= sizeof ids / sizeof ids[0]);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, body, (char *)args + i * arg_bytes), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
}

void world_check_keys(const struct world *world, uint64_t first, uint64_t count, uint64_t value)
{
    struct mae_txn *txn = begin(world->workers[0]);
    for (uint64_t key = first; key < first + count; key++) {
        uint64_t seen = 0;
        assert_ok(key_get(txn, world->index, key, &seen));
        assert_int_equal(seen, value);
    }
    assert_ok(mae_commit(txn));
}
