/*
 * drop.c - tables and indexes are created and dropped while threads use them.
 *
 * One thread makes a table with an index, and a second index over the rows of a table that stays, and drops all of
 * them, again and again. The others insert, change, scan and delete in all of that, by handles that they look up
 * before each transaction, and which may be gone by the time they are used: then calls return MAE_INVALID. A row that
 * stays holds its own key, so a transaction that finds anything else has met memory of something else. In the end the
 * database is verified: each row counts the entries of the indexes that there are.
 *
 * How to read a failure: "status" is one that no call may return here; a wrong value, or an error of a sanitizer, shows
 * memory that was given back too early; a report of mae_db_verify an entry that a row lost twice, or not at all.
 */
#include "tests/support/world.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <time.h>

enum { KEYS = 64, THREADS = 2, WITH_SCANS = 8 };

struct actor {
    struct mae_db *db;
    struct mae_index *keys; /* of the table that stays */
    _Atomic bool *over;
    uint64_t random, commits, gone;
    bool drops;
    char problem[128];
};

static void note(struct actor *actor, const char *what, enum mae_status status)
{
    if (!actor->problem[0])
        snprintf(actor->problem, sizeof actor->problem, "%s: status %s", what, mae_status_name(status));
}

/* ---- Who drops. ---- */

static void expect(struct actor *actor, const char *what, enum mae_status status)
{
    if (status != MAE_OK)
        note(actor, what, status);
}

static void drop_until_over(struct actor *actor)
{
    static const struct mae_table_config rows = {.payload_max_bytes = 200};
    struct mae_table *stays = mae_table_find(actor->db, "rows");
    for (uint64_t round = 0; !atomic_load(actor->over) && !actor->problem[0]; round++) {
        const bool ordered = round % 2, non_unique = round % 4 == 1;
        const struct mae_index_config config = {
            .kind = ordered ? MAE_INDEX_ORDERED : MAE_INDEX_HASH, .key_bytes = 8, .non_unique = non_unique};
        struct mae_table *table;
        struct mae_index *index;
        enum mae_status status;
        expect(actor, "table_create", mae_table_create(actor->db, "comes", &rows, &table));
        expect(actor, "index_create", mae_index_create(actor->db, table, "of comes", &config, &index));
        expect(actor, "index_create", mae_index_create(actor->db, stays, "second", &config, &index));
        for (uint64_t start = monotonic_ns(); time_left(start, 1 + (unsigned)random_below(&actor->random, 3));) {
        }
        if (actor->problem[0])
            return;
        /* Without the membarrier system call, or on a busy machine, a worker may be silent for longer than it waits. */
        while ((status = mae_index_drop(actor->db, index)) == MAE_BUSY) {
        }
        expect(actor, "index_drop", status);
        while ((status = mae_table_drop(actor->db, table)) == MAE_BUSY) {
        }
        expect(actor, "table_drop", status);
        actor->commits++;
    }
}

/* ---- Who uses what there is. ---- */

static bool visit(void *arg, const void *key, uint64_t row)
{
    (void)key, (void)row;
    return ++*(unsigned *)arg < WITH_SCANS;
}

static enum mae_status add_or_remove(struct actor *actor, struct mae_txn *txn, struct mae_index *second, uint64_t key)
{
    uint64_t row, value;
    void *data;
    enum mae_status status = key_get(txn, actor->keys, key, &value);
    if (status == MAE_OK && value != key) {
        status = mae_commit(txn); /* unless its reads were not valid */
        if (status == MAE_OK)
            note(actor, "a wrong value", status);
        return MAE_INVALID;
    }
    if (status == MAE_NOT_FOUND) {
        status = mae_insert(txn, actor->keys, &key, 8, &row, &data);
        if (status != MAE_OK)
            return status;
        memcpy(data, &key, 8);
        return second ? mae_index_insert(txn, second, &key, row) : MAE_OK;
    }
    if (status == MAE_OK)
        status = mae_index_find(txn, actor->keys, &key, &row);
    if (status == MAE_OK && second)
        status = mae_index_remove(txn, second, &key, row);
    if (status == MAE_OK || status == MAE_NOT_FOUND)
        status = mae_delete(txn, actor->keys, &key);
    return status;
}

static enum mae_status use(struct actor *actor, struct mae_txn *txn, struct mae_index *second, struct mae_index *comes)
{
    uint64_t key = random_below(&actor->random, KEYS), kind = random_below(&actor->random, 8), row;
    unsigned visited = 0;
    const void *data;
    enum mae_status status;
    switch (kind) {
    case 0:
        return comes ? mae_index_scan(txn, comes, NULL, NULL, 0, 0, visit, &visited) : MAE_OK;
    case 1:
        status = second ? mae_index_find(txn, second, &key, &row) : MAE_NOT_FOUND;
        return status == MAE_OK ? mae_row_read(txn, mae_index_table(second), row, &data, NULL) : status;
    case 2:
    case 3:
    case 4:
        if (!comes)
            return MAE_OK;
        status = key_add(txn, comes, key, 1);
        if (status == MAE_NOT_FOUND)
            status = key_insert(txn, comes, key, 1);
        else if (status == MAE_OK && kind == 4)
            status = key_delete(txn, comes, key);
        return status;
    default:
        return add_or_remove(actor, txn, second, key);
    }
}

static bool is_expected(enum mae_status status)
{
    return status == MAE_OK || status == MAE_NOT_FOUND || status == MAE_EXISTS || status == MAE_INVALID ||
           status == MAE_UNSUPPORTED || mae_status_is_retryable(status);
}

static void use_until_over(struct actor *actor, struct mae_worker *worker)
{
    while (!atomic_load(actor->over) && !actor->problem[0]) {
        struct mae_index *second = mae_index_by_name(actor->db, "second");
        struct mae_index *comes = mae_index_by_name(actor->db, "of comes");
        struct mae_txn *txn;
        for (unsigned i = random_below(&actor->random, 20) & 0xFF; i > 0; i--) {
            enum mae_status status = mae_begin(worker, MAE_READ_WRITE, 0, &txn);
            if (status == MAE_OK)
                status = use(actor, txn, second, comes);
            if (status == MAE_OK)
                status = mae_commit(txn);
            else
                (void)mae_abort(txn);
            actor->commits += status == MAE_OK;
            actor->gone += status == MAE_INVALID;
            /* The index may be a new one since, and have an entry of the row that was to be deleted. */
            if (status == MAE_CORRUPT && (!second || mae_index_by_name(actor->db, "second") != second))
                break;
            if (!is_expected(status))
                note(actor, "transaction", status);
        }
    }
}

static void *act(void *arg)
{
    struct actor *actor = arg;
    struct mae_worker *worker;
    if (actor->drops) {
        drop_until_over(actor);
        return NULL;
    }
    expect(actor, "join", mae_worker_join(actor->db, &worker));
    if (!actor->problem[0]) {
        use_until_over(actor, worker);
        mae_worker_leave(worker);
    }
    return NULL;
}

static void *end(void *arg)
{
    _Atomic bool *over = arg;
    for (uint64_t start = monotonic_ns(); time_left(start, stress_ms());) {
        const struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
    atomic_store(over, true);
    return NULL;
}

struct part {
    struct actor *actor;
    _Atomic bool *over;
};

static void *run_part(void *arg)
{
    struct part *part = arg;
    return part->actor ? act(part->actor) : end(part->over);
}

static void dropped_under_load(const char *options)
{
    struct world world = world_open(options, MAE_INDEX_HASH, 8, 0);
    uint64_t random = seed_from_environment();
    _Atomic bool over = false;
    struct actor actors[THREADS + 1];
    struct part parts[THREADS + 2] = {{NULL, &over}};
    for (unsigned i = 0; i <= THREADS; i++) {
        actors[i] = (struct actor){
            .db = world.db, .keys = world.index, .over = &over, .random = random_next(&random), .drops = i == 0};
        parts[i + 1].actor = &actors[i];
    }
    run_threads(THREADS + 2, run_part, parts, sizeof parts[0]);
    for (unsigned i = 0; i <= THREADS; i++) {
        printf("thread %u: %" PRIu64 " done, %" PRIu64 " met what was gone\n", i, actors[i].commits, actors[i].gone);
        assert_string_equal(actors[i].problem, "");
        assert_true(actors[i].commits > 0);
    }
    world_close(&world);
}

static void in_a_usual_database(void **state)
{
    (void)state;
    dropped_under_load("gc_interval_us=1");
}

static void while_transactions_are_overtaken(void **state)
{
    (void)state;
    dropped_under_load("gc_interval_us=1 overtake_us=20");
}

/* Memory is short, so that collectors walk along chains, and workers take orphans. */
static void at_the_memory_limit(void **state)
{
    (void)state;
    dropped_under_load("gc_interval_us=10 memory_limit=24M huge_pages=off");
}

static void with_simple_indexes(void **state)
{
    (void)state;
    dropped_under_load("gc_interval_us=1 simple_index_update=on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_usual_database),
        cmocka_unit_test(while_transactions_are_overtaken),
        cmocka_unit_test(at_the_memory_limit),
        cmocka_unit_test(with_simple_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
