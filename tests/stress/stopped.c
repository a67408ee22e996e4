/*
 * stopped.c - a worker that stands still, at any instruction, may delay other workers but breaks nothing.
 *
 * SIGSTOP would stop the whole process. So a signal handler holds one thread instead, at an arbitrary instruction of
 * the protocol, often for a few milliseconds and sometimes for a second, while the others go on. Workers move amounts
 * between accounts and sum up all accounts, validated and in snapshots.
 *     S1  While a transaction stands still and is not overtaken (overtake_us=0), min_rts does not pass its timestamp,
 *         nor min_wts that of a writer.
 *     S2  Memory stays within its limit; what fails meanwhile fails with MAE_NO_MEMORY, and runs again afterwards.
 *     S3  Every sum seen and the final one are right, mae_db_verify finds nothing, and the garbage goes.
 *     S4  The others commit while one stands still.
 *
 * How to read a failure: the line before it names the options; "problem" says what a worker or the watcher saw.
 * MAE_SEED repeats the requests and the pauses, but not the instructions at which threads stop.
 */
#include "tests/support/world.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum { ACCOUNTS = 8, ACCOUNT_BYTES = 400, INITIAL = 1000, WORKERS = 3, PATIENCE_MS = 600000 };
enum { SHORT_STOPS = 150 / WORLD_SLOWNESS, LONG_STOPS = 2, LONG_MS = 1000, SHORT_MS = 8 };

static const char *const settings[] = {
    "overtake_us=0 memory_limit=8M",
    "overtake_us=0 memory_limit=8M inline_bytes=0 gc_interval_us=1 backoff=off",
    "overtake_us=0 memory_limit=256M gc_interval_us=1 pending=abort",
    "overtake_us=100 memory_limit=256M timestamps=central promote=off",
    "overtake_us=100 memory_limit=256M gc_interval_us=1",
};

struct actor {
    struct world *world;
    const uint64_t *rows;
    struct mae_worker *worker;
    pthread_t thread;
    uint64_t random;
    const char *problem;
    enum mae_status failure;
    uint64_t no_memory;
    /* The watcher reads these. */
    _Atomic uint64_t commits;
    _Atomic uint64_t reading; /* the timestamp of a transaction in its read phase; 0: none */
    _Atomic bool writes;
};

static atomic_bool stop, hold, standing;

static void stand_still(int number)
{
    (void)number;
    int before = errno;
    atomic_store(&standing, true);
    while (atomic_load(&hold))
        (void)poll(NULL, 0, 1); /* of the calls that a handler may make */
    atomic_store(&standing, false);
    errno = before;
}

/* ---- Workers. ---- */

static enum mae_status transfer(struct actor *actor, struct mae_txn *txn)
{
    uint64_t from = random_below(&actor->random, ACCOUNTS), to = random_below(&actor->random, ACCOUNTS - 1);
    uint64_t amount = 1 + random_below(&actor->random, 10);
    enum mae_status status = row_add(txn, actor->world->table, actor->rows[from], -amount);
    return status == MAE_OK ? row_add(txn, actor->world->table, actor->rows[to + (to >= from)], amount) : status;
}

static enum mae_status sum(struct actor *actor, struct mae_txn *txn, uint64_t *total)
{
    enum mae_status status = MAE_OK;
    *total = 0;
    for (unsigned i = 0; i < ACCOUNTS && status == MAE_OK; i++) {
        uint64_t value;
        status = row_get(txn, actor->world->table, actor->rows[i], &value);
        *total += status == MAE_OK ? value : 0;
    }
    return status;
}

static enum mae_status turn(struct actor *actor)
{
    unsigned kind = (unsigned)random_below(&actor->random, 4); /* 0, 1: transfer; 2: validated sum; 3: in a snapshot */
    uint64_t total = ACCOUNTS * INITIAL;
    struct mae_txn *txn;
    enum mae_status status = mae_begin(actor->worker, kind == 3 ? MAE_SNAPSHOT : MAE_READ_WRITE, 0, &txn);
    if (status != MAE_OK)
        return status;
    atomic_store(&actor->writes, kind != 3);
    atomic_store(&actor->reading, mae_txn_timestamp(txn));
    status = kind < 2 ? transfer(actor, txn) : sum(actor, txn, &total);
    atomic_store(&actor->reading, 0); /* once it has ended the horizon may pass it */
    if (status == MAE_OK)
        status = mae_commit(txn);
    else
        mae_abort(txn);
    if (status == MAE_OK && total != ACCOUNTS * INITIAL)
        actor->problem = "a transaction that committed saw a wrong sum";
    return status;
}

static void *work(void *arg)
{
    struct actor *actor = arg;
    actor->failure = mae_worker_join(actor->world->db, &actor->worker);
    if (actor->failure != MAE_OK)
        actor->problem = "a worker cannot join";
    while (!atomic_load(&stop)) {
        enum mae_status status = actor->problem ? MAE_NO_MEMORY : turn(actor); /* to be stopped it must be there */
        if (status == MAE_OK) {
            atomic_fetch_add(&actor->commits, 1);
        } else if (status == MAE_NO_MEMORY) {
            actor->no_memory++;
            (void)poll(NULL, 0, 1);
        } else if (mae_status_is_retryable(status)) {
            mae_backoff(actor->worker);
        } else {
            actor->failure = status;
            actor->problem = "a transaction failed for good";
        }
    }
    if (actor->worker)
        mae_worker_leave(actor->worker);
    return NULL;
}

/* ---- The watcher: the main thread. ---- */

static bool await(atomic_bool *flag, bool value)
{
    for (int i = 0; i < PATIENCE_MS && atomic_load(flag) != value; i++)
        (void)poll(NULL, 0, 1);
    return atomic_load(flag) == value;
}

static uint64_t commits_of(struct actor *actors)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < WORKERS; i++)
        all += atomic_load(&actors[i].commits);
    return all;
}

/* S1 and S2, now. */
static bool overtaking; /* the settings say so: S1 does not hold */

static const char *look(struct mae_db *db, uint64_t ts, bool writes)
{
    struct mae_state state;
    struct mae_memory memory;
    mae_db_state(db, &state);
    mae_db_memory(db, &memory);
    if (overtaking)
        ts = 0;
    if (ts && state.min_rts > ts)
        return "min_rts has passed a transaction that stands still";
    if (ts && writes && state.min_wts > ts)
        return "min_wts has passed a writer that stands still";
    if (memory.committed_bytes > memory.limit_bytes)
        return "more memory than the limit";
    return NULL;
}

/* What was wrong, or NULL. Adds to *inside if it was caught reading, to *meanwhile what the others committed. */
static const char *stop_one(struct mae_db *db, struct actor *actors, unsigned which, unsigned ms, unsigned *inside,
                            uint64_t *meanwhile)
{
    const char *problem = NULL;
    atomic_store(&hold, true);
    if (pthread_kill(actors[which].thread, SIGUSR1) != 0 || !await(&standing, true))
        problem = "the worker cannot be stopped";
    uint64_t before = commits_of(actors), ts = atomic_load(&actors[which].reading), start = monotonic_ns();
    bool writes = atomic_load(&actors[which].writes);
    *inside += ts != 0;
    do {
        (void)poll(NULL, 0, ms < 20 ? 1 : 20);
        problem = problem ? problem : look(db, ts, writes);
    } while (time_left(start, ms) && !problem);
    *meanwhile += commits_of(actors) - before;
    atomic_store(&hold, false);
    if (!await(&standing, false) && !problem)
        problem = "the worker does not go on";
    return problem;
}

static void finish(struct world *world, const uint64_t *rows)
{
    uint64_t total = 0;
    struct mae_space space = {0};
    world_verify(world->db);
    for (unsigned i = 0; i < ACCOUNTS; i++)
        total += row_value(world->workers[0], world->table, rows[i]);
    assert_int_equal(total, ACCOUNTS * INITIAL);
    for (unsigned i = 0; i < ACCOUNTS; i++) { /* what is replaced once more takes all that is older with it */
        struct mae_txn *txn = begin(world->workers[0]);
        assert_ok(row_add(txn, world->table, rows[i], 1));
        assert_ok(mae_commit(txn));
    }
    for (int i = 0; i < 1000 && space.versions != ACCOUNTS; i++) {
        settle(world);
        mae_table_space(world->table, &space);
    }
    assert_int_equal(space.versions, ACCOUNTS);
}

static uint64_t seed;

static void run_setting(const char *options, uint64_t random)
{
    overtaking = strstr(options, "overtake_us=0") == NULL;
    struct world world = world_open(options, MAE_INDEX_HASH, ACCOUNT_BYTES, 1);
    struct actor actors[WORKERS];
    uint64_t rows[ACCOUNTS], meanwhile = 0, no_memory = 0;
    unsigned inside = 0;
    const char *problem = NULL;
    struct mae_txn *txn = begin(world.workers[0]);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        void *data;
        assert_ok(mae_row_insert(txn, world.table, ACCOUNT_BYTES, &rows[i], &data));
        memset(data, 0, ACCOUNT_BYTES);
        *(uint64_t *)data = INITIAL;
    }
    uint64_t loaded = mae_txn_timestamp(txn);
    assert_ok(mae_commit(txn));
    for (struct mae_state state = {0}; state.min_wts <= loaded; mae_db_state(world.db, &state)) /* for snapshots */
        assert_ok(mae_commit(begin(world.workers[0])));
    mae_worker_idle(world.workers[0]);
    atomic_store(&stop, false);
    for (unsigned i = 0; i < WORKERS; i++) {
        actors[i] = (struct actor){.world = &world, .rows = rows, .random = random + i};
        assert_int_equal(pthread_create(&actors[i].thread, NULL, work, &actors[i]), 0);
    }
    /* Until each has happened that is demanded below, which on a busy machine takes more of them. */
    unsigned least = SHORT_STOPS + LONG_STOPS;
    for (unsigned i = 0; (i < least || (i < 100 * least && (!inside || !meanwhile))) && !problem; i++) {
        bool is_long = i % (SHORT_STOPS / LONG_STOPS + 1) == SHORT_STOPS / LONG_STOPS;
        (void)poll(NULL, 0, (int)random_below(&random, 3));
        problem = stop_one(world.db, actors, (unsigned)random_below(&random, WORKERS),
                           is_long ? LONG_MS : 1 + (unsigned)random_below(&random, SHORT_MS), &inside, &meanwhile);
    }
    uint64_t before = commits_of(actors), start = monotonic_ns();
    while (!problem && commits_of(actors) == before) { /* usable again */
        (void)poll(NULL, 0, 1);
        if (!time_left(start, PATIENCE_MS))
            problem = "nobody commits once all go on";
    }
    atomic_store(&hold, false);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(actors[i].thread, NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        no_memory += actors[i].no_memory;
        if (actors[i].problem)
            fail_msg("problem of worker %u: %s (%s)", i, actors[i].problem, mae_status_name(actors[i].failure));
    }
    if (problem)
        fail_msg("problem: %s", problem);
    printf("  %u of %u stops in a read phase, %llu commits of others meanwhile, %llu times out of memory\n", inside,
           SHORT_STOPS + LONG_STOPS, (unsigned long long)meanwhile, (unsigned long long)no_memory);
    assert_true(inside > 0);
    assert_true(meanwhile > 0); /* S4 */
    finish(&world, rows);
    world_close(&world);
}

static void stopped_workers_break_nothing(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = stand_still, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        printf("%s\n", settings[i]);
        fflush(stdout);
        run_setting(settings[i], seed + 1000 * i);
    }
}

int main(void)
{
    seed = seed_from_environment();
    const struct CMUnitTest tests[] = {cmocka_unit_test(stopped_workers_break_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
