/*
 * memory.c - every single request for memory fails once. The call that made the request returns MAE_NO_MEMORY or does
 * without the memory, and the program goes on.
 *
 * The scenario runs everything that can allocate: opening, tables, both kinds of index, joining, inserts that make
 * indexes grow, savepoints, large transactions, large payloads, updates, deletes, collection, handing over garbage and
 * free memory, maintenance, dropping, verification. Ordered indexes are multi-version or, with
 * simple_index_update=on, single-version. The scenario runs with the first request failing, then with the second, and
 * so on, until a run makes fewer requests. The test repeats a call that returned MAE_NO_MEMORY, and the call must then
 * succeed. At the end the contents are exactly those of a run without a failure. Under AddressSanitizer nothing leaks.
 *
 * How to read a failure: the last line "request" has the number of the failing request. MAE_FAULT=<number> begins
 * there.
 */
#include "tests/support/world.h"

#include <inttypes.h>

#include "engine/base/mem.h"

#ifdef MAE_DEBUG

enum { KEYS = 2000, BATCH = 200, LARGE_BYTES = 40000, REQUESTS_MAX = 100000 };

static unsigned refused; /* calls that returned MAE_NO_MEMORY, in one run */

/* Calls until it works: twice at most. */
#define PATIENTLY(call)                          \
    do {                                         \
        enum mae_status patient_status = (call); \
        if (patient_status == MAE_NO_MEMORY) {   \
            assert_true(mem_fail_happened());    \
            assert_int_equal(refused++, 0);      \
            patient_status = (call);             \
        }                                        \
        assert_status(MAE_OK, patient_status);   \
    } while (0)

struct scenario {
    const char *single_version; /* simple_index_update */
    struct mae_db *db;
    struct mae_table *table, *large;
    struct mae_index *hash, *tree, *pairs;
    struct mae_worker *workers[2];
    uint64_t first, count; /* keys of a body */
    uint64_t large_row;
};

/* How many entries of `pairs` lead to the row of a key: for some more than its lock byte counts (store/table.h). */
enum { PAIRS_APART = 1000000, MANY_PAIRS = 200 };
static uint64_t pairs_of(uint64_t key)
{
    return key % 100 == 50 ? MANY_PAIRS : 1;
}

/* Inserts and changes rows between savepoints, and takes all of it back. */
static enum mae_status undone(struct mae_txn *txn, const struct scenario *scenario)
{
    enum { UNDONE = 40, FIRST = 1 << 20 };
    uint64_t outer, inner;
    void *data;
    enum mae_status status = mae_savepoint(txn, &outer);
    for (uint64_t key = FIRST; key < FIRST + UNDONE && status == MAE_OK; key++) {
        uint64_t row;
        status = mae_insert(txn, scenario->hash, &key, 100, &row, &data);
        if (status == MAE_OK)
            status = mae_index_insert(txn, scenario->tree, &key, row);
    }
    for (uint64_t key = FIRST; key < FIRST + UNDONE && status == MAE_OK; key++) {
        if (key % 4 == 0)
            status = mae_savepoint(txn, &inner);
        if (status == MAE_OK)
            status = mae_update(txn, scenario->hash, &key, 100, NULL, &data);
    }
    return status == MAE_OK ? mae_rollback_to(txn, outer) : status;
}

static enum mae_status insert_body(struct mae_txn *txn, void *arg)
{
    struct scenario *scenario = arg;
    enum mae_status undoing = scenario->first == 0 ? undone(txn, scenario) : MAE_OK;
    if (undoing != MAE_OK)
        return undoing;
    for (uint64_t key = scenario->first; key < scenario->first + scenario->count; key++) {
        uint64_t row, group = key / 10;
        void *data;
        enum mae_status status = mae_insert(txn, scenario->hash, &key, sizeof key, &row, &data);
        if (status == MAE_OK) {
            memcpy(data, &key, sizeof key);
            status = mae_index_insert(txn, scenario->tree, &key, row);
        }
        for (uint64_t i = 0; status == MAE_OK && i < pairs_of(key); i++, group += PAIRS_APART)
            status = mae_index_insert(txn, scenario->pairs, &group, row);
        if (status != MAE_OK)
            return status;
    }
    return MAE_OK;
}

static enum mae_status update_body(struct mae_txn *txn, void *arg)
{
    struct scenario *scenario = arg;
    for (uint64_t key = scenario->first; key < scenario->first + scenario->count; key++) {
        void *data;
        enum mae_status status = mae_update(txn, scenario->tree, &key, key % 3 ? 0 : 100, NULL, &data);
        if (status != MAE_OK)
            return status;
        *(uint64_t *)data += 1000000;
    }
    return MAE_OK;
}

static enum mae_status delete_body(struct mae_txn *txn, void *arg)
{
    struct scenario *scenario = arg;
    for (uint64_t key = scenario->first; key < scenario->first + scenario->count; key++) {
        uint64_t row, group = key / 10;
        enum mae_status status = mae_index_find(txn, scenario->hash, &key, &row);
        if (status == MAE_OK)
            status = mae_delete(txn, scenario->hash, &key);
        if (status == MAE_OK)
            status = mae_index_remove(txn, scenario->tree, &key, row);
        for (uint64_t i = 0; status == MAE_OK && i < pairs_of(key); i++, group += PAIRS_APART)
            status = mae_index_remove(txn, scenario->pairs, &group, row);
        if (status != MAE_OK)
            return status;
    }
    return MAE_OK;
}

static enum mae_status large_body(struct mae_txn *txn, void *arg)
{
    struct scenario *scenario = arg;
    void *data;
    enum mae_status status;
    if (scenario->large_row == UINT64_MAX) {
        uint64_t row;
        status = mae_row_insert(txn, scenario->large, 100, &row, &data);
        if (status == MAE_OK)
            memset(data, 7, 100);
        if (status == MAE_OK) /* grows while it is private */
            status = mae_row_update(txn, scenario->large, row, LARGE_BYTES, NULL, &data);
        if (status == MAE_OK)
            scenario->large_row = row;
        return status;
    }
    status = mae_row_overwrite(txn, scenario->large, scenario->large_row, LARGE_BYTES / 3, &data);
    if (status == MAE_OK)
        memset(data, 8, LARGE_BYTES / 3);
    return status;
}

/* As mae_run, and once more if there was no memory; large_row must be forgotten then. */
static void run(struct scenario *scenario, unsigned worker, mae_body_fn body, uint64_t first, uint64_t count)
{
    uint64_t large_row = scenario->large_row;
    scenario->first = first;
    scenario->count = count;
    enum mae_status status = mae_run(scenario->workers[worker], MAE_READ_WRITE, body, scenario, 0);
    if (status == MAE_NO_MEMORY) {
        assert_true(mem_fail_happened());
        assert_int_equal(refused++, 0);
        scenario->large_row = large_row;
        status = mae_run(scenario->workers[worker], MAE_READ_WRITE, body, scenario, 0);
    }
    assert_status(MAE_OK, status);
}

static void settle_both(struct scenario *scenario)
{
    for (int i = 0; i < 16; i++) {
        for (unsigned w = 0; w < 2; w++) {
            struct mae_txn *txn;
            for (uint64_t start = monotonic_ns(); monotonic_ns() - start <= 2000;) {
            }
            assert_ok(mae_begin(scenario->workers[w], MAE_READ_WRITE, 0, &txn));
            mae_abort(txn);
        }
    }
}

static bool count_entry(void *arg, const void *key, uint64_t row)
{
    (void)key, (void)row;
    ++*(uint64_t *)arg;
    return true;
}

/* Keys below `deleted` are gone, below `updated` changed. Reads need memory only for the access set. */
static void check(struct scenario *scenario, uint64_t deleted, uint64_t updated, uint64_t count)
{
    struct mae_txn *txn;
    uint64_t entries = 0, last_ts = 0;
    for (uint64_t key = 0; key < count; key++) {
        const void *data;
        assert_ok(mae_begin(scenario->workers[0], MAE_READ_WRITE, last_ts, &txn));
        last_ts = mae_txn_timestamp(txn);
        struct mae_index *index = key % 2 ? scenario->hash : scenario->tree;
        enum mae_status status = mae_read(txn, index, &key, &data, NULL);
        if (key < deleted) {
            assert_status(MAE_NOT_FOUND, status);
        } else {
            assert_ok(status);
            assert_int_equal(*(const uint64_t *)data, key + (key < updated ? 1000000 : 0));
        }
        assert_ok(mae_commit(txn));
    }
    assert_ok(mae_begin(scenario->workers[0], MAE_READ_WRITE, last_ts, &txn));
    assert_ok(mae_index_scan(txn, scenario->pairs, NULL, NULL, 0, 0, count_entry, &entries));
    uint64_t expected = 0;
    for (uint64_t key = deleted; key < count; key++)
        expected += pairs_of(key);
    assert_int_equal(entries, expected);
    assert_ok(mae_commit(txn));
}

/* The workers' timestamps have no order of their own; what one does must be seen by the other. */
static void take_turns(struct scenario *scenario)
{
    for (unsigned w = 0; w < 2; w++)
        mae_worker_idle(scenario->workers[w]);
}

/* An index, and a table with one, that nothing else needs. */
static void drop(struct scenario *scenario)
{
    const struct mae_table_config rows = {.payload_max_bytes = 100};
    const struct mae_index_config hash = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
    struct mae_table *table;
    struct mae_index *index;
    PATIENTLY(mae_index_create(scenario->db, scenario->table, "passing", &hash, &index));
    PATIENTLY(mae_index_drop(scenario->db, index));
    PATIENTLY(mae_table_create(scenario->db, "passing", &rows, &table));
    PATIENTLY(mae_index_create(scenario->db, table, "passing", &hash, &index));
    PATIENTLY(mae_table_drop(scenario->db, table));
}

static void play(struct scenario *scenario)
{
    const struct mae_table_config small = {.payload_max_bytes = 100}, large = {.payload_max_bytes = LARGE_BYTES};
    const struct mae_index_config hash = {.kind = MAE_INDEX_HASH, .key_bytes = 8};
    const struct mae_index_config tree = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8};
    const struct mae_index_config pairs = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true};
    struct mae_options *options = mae_options_create();
    if (!options) {
        assert_true(mem_fail_happened());
        refused++;
        options = mae_options_create();
    }
    assert_non_null(options);
    assert_ok(mae_options_set(options, "gc_interval_us", "1", NULL, 0));
    assert_ok(mae_options_set(options, "huge_pages", "off", NULL, 0));
    assert_ok(mae_options_set(options, "simple_index_update", scenario->single_version, NULL, 0));
    PATIENTLY(mae_open(options, &scenario->db));
    mae_options_destroy(options);
    PATIENTLY(mae_table_create(scenario->db, "rows", &small, &scenario->table));
    PATIENTLY(mae_table_create(scenario->db, "large", &large, &scenario->large));
    PATIENTLY(mae_index_create(scenario->db, scenario->table, "hash", &hash, &scenario->hash));
    PATIENTLY(mae_index_create(scenario->db, scenario->table, "tree", &tree, &scenario->tree));
    PATIENTLY(mae_index_create(scenario->db, scenario->table, "pairs", &pairs, &scenario->pairs));
    for (unsigned w = 0; w < 2; w++)
        PATIENTLY(mae_worker_join(scenario->db, &scenario->workers[w]));
    scenario->large_row = UINT64_MAX;

    for (uint64_t key = 0; key < KEYS; key += BATCH)
        run(scenario, 0, insert_body, key, BATCH);
    take_turns(scenario);
    run(scenario, 1, large_body, 0, 0);
    run(scenario, 1, large_body, 0, 0);
    run(scenario, 1, update_body, 0, KEYS / 2);
    take_turns(scenario);
    for (uint64_t key = 0; key < KEYS / 2; key += BATCH / 2)
        run(scenario, 0, delete_body, key, BATCH / 2);
    settle_both(scenario); /* versions and rows come free; more than a pool keeps for itself */
    for (uint64_t key = KEYS; key < 2 * KEYS; key += BATCH)
        run(scenario, 0, insert_body, key, BATCH);
    take_turns(scenario);

    /* Leaving hands everything on, joining takes it. */
    mae_worker_leave(scenario->workers[1]);
    scenario->workers[1] = NULL;
    PATIENTLY(mae_worker_join(scenario->db, &scenario->workers[1]));
    run(scenario, 1, update_body, KEYS / 2, KEYS / 2);
    take_turns(scenario);
    enum mae_status status = mae_maintenance_start(scenario->db);
    if (status == MAE_NO_MEMORY) {
        assert_true(mem_fail_happened());
        assert_int_equal(refused++, 0);
        status = mae_maintenance_start(scenario->db);
    }
    assert_true(status == MAE_OK || status == MAE_UNSUPPORTED);
    settle_both(scenario);
    mae_maintenance_stop(scenario->db);
    drop(scenario);
    PATIENTLY(mae_db_verify(scenario->db, NULL, 0));
}

/* Returns whether the request came to pass. */
static bool play_with_failure(uint64_t request, const char *single_version)
{
    struct scenario scenario = {.single_version = single_version};
    refused = 0;
    mem_fail_at(request);
    play(&scenario);
    bool happened = mem_fail_happened();
    mem_fail_at(0);
    check(&scenario, KEYS / 2, KEYS, 2 * KEYS);
    const void *data;
    size_t bytes;
    struct mae_txn *txn;
    assert_ok(mae_begin(scenario.workers[1], MAE_READ_WRITE, 0, &txn));
    assert_ok(mae_row_read(txn, scenario.large, scenario.large_row, &data, &bytes));
    assert_int_equal(bytes, LARGE_BYTES / 3);
    assert_int_equal(((const char *)data)[LARGE_BYTES / 3 - 1], 8);
    assert_ok(mae_commit(txn));
    for (unsigned w = 0; w < 2; w++)
        mae_worker_leave(scenario.workers[w]);
    world_verify(scenario.db);
    mae_close(scenario.db);
    return happened;
}

#endif

static void fail_each_request(const char *single_version)
{
#ifdef MAE_DEBUG
    const char *text = getenv("MAE_FAULT");
    uint64_t request = text ? strtoull(text, NULL, 10) : 1, clean = 0;
    for (; request < REQUESTS_MAX; request += WORLD_SLOWNESS) {
        printf("request %" PRIu64 "\n", request);
        fflush(stdout);
        if (!play_with_failure(request, single_version))
            break;
        clean += refused == 0;
    }
    printf("%" PRIu64 " requests, %" PRIu64 " of which nobody noticed\n", request / WORLD_SLOWNESS, clean);
    assert_true(request > 50 && request < REQUESTS_MAX);
    assert_true(clean < request / WORLD_SLOWNESS / 2);
#else
    (void)single_version;
#endif
}

static void every_request_may_fail(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    fail_each_request("off");
}

static void also_with_single_version_indexes(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    fail_each_request("on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_request_may_fail),
                                       cmocka_unit_test(also_with_single_version_indexes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
