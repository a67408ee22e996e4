/*
 * build.c - an index over the rows of a table is built while threads change the rows.
 *
 * Each row holds a number, and the first index has its key. The threads insert, change and delete rows, and keep all
 * indexes in step that there are when their transaction begins. Another thread creates a second index, whose keys are
 * made of the numbers, lets the others know, builds it, and drops it, again and again. Each time, between build and
 * drop, it compares in one transaction: the second index has an entry for each entry of the first one, which leads to a
 * row with the number that its key says.
 *
 * How to read a failure: "entries differ" tells how many entries each index has: the build has left out a row, or has
 * added an entry of a row that is gone. Catches build_waits_for_nobody now and then, which tests/unit/db/build.c always
 * does.
 */
#include "tests/support/world.h"

#include <inttypes.h>
#include <stdatomic.h>

enum { KEYS = 200, THREADS = 2 };

struct shared {
    struct world world;
    _Atomic(struct mae_index *) second; /* NULL: there is none */
    _Atomic bool over;
};

struct actor {
    struct shared *shared;
    bool builds;
    uint64_t random, commits;
    char problem[160];
};

static uint64_t second_key(uint64_t number)
{
    return number * UINT64_C(0x9E3779B97F4A7C15);
}

static void expect(struct actor *actor, const char *what, enum mae_status status)
{
    if (status != MAE_OK && !actor->problem[0])
        snprintf(actor->problem, sizeof actor->problem, "%s: status %s", what, mae_status_name(status));
}

/* ---- Who changes rows. ---- */

/* What the second index needs not have: the build may not have come to the row, or the index may be gone. */
static enum mae_status may_lack(enum mae_status status)
{
    return status == MAE_NOT_FOUND || status == MAE_INVALID ? MAE_OK : status;
}

static enum mae_status change_row(struct actor *actor, struct mae_txn *txn, struct mae_index *second)
{
    struct mae_index *first = actor->shared->world.index;
    uint64_t key = random_below(&actor->random, KEYS), row, number, old_key, new_key;
    void *data;
    enum mae_status status = mae_index_find(txn, first, &key, &row);
    const bool inserts = status == MAE_NOT_FOUND, deletes = !inserts && random_below(&actor->random, 3) == 0;
    if (inserts) {
        status = mae_insert(txn, first, &key, 8, &row, &data);
    } else if (status == MAE_OK) {
        status = mae_row_update(txn, actor->shared->world.table, row, 0, NULL, &data);
        if (status == MAE_OK) {
            memcpy(&number, data, 8);
            old_key = second_key(number);
            status = second ? may_lack(mae_index_remove(txn, second, &old_key, row)) : MAE_OK;
        }
    }
    if (status == MAE_OK && deletes)
        return mae_delete(txn, first, &key);
    if (status != MAE_OK)
        return status;
    /* No two rows have the same number: it tells the key. */
    number = random_next(&actor->random) / KEYS % 1000000 * KEYS + key;
    memcpy(data, &number, 8);
    new_key = second_key(number);
    return second ? may_lack(mae_index_insert(txn, second, &new_key, row)) : MAE_OK;
}

static void change_until_over(struct actor *actor, struct mae_worker *worker)
{
    while (!atomic_load(&actor->shared->over) && !actor->problem[0]) {
        struct mae_txn *txn;
        expect(actor, "begin", mae_begin(worker, MAE_READ_WRITE, 0, &txn));
        struct mae_index *second = atomic_load(&actor->shared->second);
        enum mae_status status = change_row(actor, txn, second);
        if (status == MAE_OK)
            status = mae_commit(txn);
        else
            (void)mae_abort(txn);
        actor->commits += status == MAE_OK;
        if (!mae_status_is_retryable(status) && status != MAE_NOT_FOUND && status != MAE_EXISTS)
            expect(actor, "change", status);
    }
}

/* ---- Who builds. ---- */

static enum mae_status key_of(void *arg, uint64_t row, const void *data, size_t bytes, void *key)
{
    uint64_t number;
    (void)arg, (void)row, (void)bytes;
    memcpy(&number, data, 8);
    memcpy(key, &(uint64_t){second_key(number)}, 8);
    return MAE_OK;
}

struct comparison {
    struct actor *actor;
    struct mae_txn *txn;
    uint64_t first, second, wrong;
};

static enum mae_status count_first(void *arg, const void *key, uint64_t row)
{
    struct comparison *comparison = arg;
    (void)key, (void)row;
    comparison->first++;
    return MAE_OK;
}

static enum mae_status count_second(void *arg, const void *key, uint64_t row)
{
    struct comparison *comparison = arg;
    uint64_t number, seen;
    enum mae_status status = row_get(comparison->txn, comparison->actor->shared->world.table, row, &number);
    if (status != MAE_OK)
        return status;
    memcpy(&seen, key, 8);
    comparison->second++;
    comparison->wrong += seen != second_key(number);
    return MAE_OK;
}

static enum mae_status compare(struct mae_txn *txn, void *arg)
{
    struct comparison *comparison = arg;
    const struct shared *shared = comparison->actor->shared;
    comparison->txn = txn;
    comparison->first = comparison->second = comparison->wrong = 0;
    enum mae_status status = mae_index_visit(txn, shared->world.index, NULL, NULL, 0, count_first, comparison);
    struct mae_index *second = atomic_load(&comparison->actor->shared->second);
    return status == MAE_OK ? mae_index_visit(txn, second, NULL, NULL, 0, count_second, comparison) : status;
}

static void build_once(struct actor *actor, struct mae_worker *worker, bool non_unique)
{
    struct shared *shared = actor->shared;
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = non_unique};
    struct mae_index *second;
    struct comparison comparison = {.actor = actor};
    enum mae_status status;
    expect(actor, "create", mae_index_create(shared->world.db, shared->world.table, "second", &config, &second));
    if (actor->problem[0])
        return;
    atomic_store(&shared->second, second);
    while ((status = mae_index_build(worker, second, key_of, NULL)) == MAE_BUSY) {
    }
    expect(actor, "build", status);
    /* As a snapshot behind the build: the state is one that there was. */
    expect(actor, "compare",
           mae_run_after(worker, MAE_SNAPSHOT, mae_worker_last_commit(worker), compare, &comparison, 0));
    if ((comparison.first != comparison.second || comparison.wrong) && !actor->problem[0])
        snprintf(actor->problem, sizeof actor->problem,
                 "entries differ: %" PRIu64 " and %" PRIu64 ", of which %" PRIu64 " are wrong", comparison.first,
                 comparison.second, comparison.wrong);
    /* Until it is gone the others keep it in step: before, no row may be deleted that has an entry in it. */
    while ((status = mae_index_drop(shared->world.db, second)) == MAE_BUSY) {
    }
    atomic_store(&shared->second, NULL);
    expect(actor, "drop", status);
    actor->commits++;
}

static void *act(void *arg)
{
    struct actor *actor = arg;
    struct mae_worker *worker;
    expect(actor, "join", mae_worker_join(actor->shared->world.db, &worker));
    if (actor->problem[0])
        return NULL;
    if (actor->builds) {
        bool non_unique = false;
        for (uint64_t start = monotonic_ns(); time_left(start, stress_ms()) && !actor->problem[0];) {
            build_once(actor, worker, non_unique);
            non_unique = !non_unique;
        }
        atomic_store(&actor->shared->over, true);
    } else {
        change_until_over(actor, worker);
    }
    mae_worker_leave(worker);
    return NULL;
}

static void built_under_load(const char *options)
{
    struct shared shared = {.world = world_open(options, MAE_INDEX_ORDERED, 8, 0)};
    uint64_t random = seed_from_environment();
    struct actor actors[THREADS + 1];
    for (unsigned i = 0; i <= THREADS; i++)
        actors[i] = (struct actor){.shared = &shared, .random = random_next(&random), .builds = i == 0};
    run_threads(THREADS + 1, act, actors, sizeof actors[0]);
    for (unsigned i = 0; i <= THREADS; i++) {
        printf("thread %u: %" PRIu64 " done\n", i, actors[i].commits);
        assert_string_equal(actors[i].problem, "");
        assert_true(actors[i].commits > 0);
    }
    world_close(&shared.world);
}

static void in_a_usual_database(void **state)
{
    (void)state;
    built_under_load("gc_interval_us=1");
}

static void while_transactions_are_overtaken(void **state)
{
    (void)state;
    built_under_load("gc_interval_us=1 overtake_us=20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_usual_database),
        cmocka_unit_test(while_transactions_are_overtaken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
