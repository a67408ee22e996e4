/*
 * rows.c - many workers on few hot rows: no update may be lost, torn or half visible, and no version kept for ever.
 *
 *   counters   increments, some of which the caller rolls back: the sum is exact.
 *   skew       of each pair of rows at most one may be set. A transaction sets one only after it has read both.
 *   transfers  between accounts: every transaction that reads all accounts, validated or in a snapshot, sees the loaded
 *              total. Some readers take long, so that collection has to wait for them.
 *   sizes      payloads of changing sizes, written blindly and not, in tables with and without inlining: each payload
 *              read is whole.
 *   visitors   as counters, by workers that join, idle, wait and leave all the time, beside a maintenance thread that
 *              the test starts and stops.
 *
 * Each scenario runs with every line of `settings`, with 2 to 32 workers, however many CPUs the machine has. Each ends
 * with exact sums, with mae_db_verify, and with one more update of each row, after which each row must have exactly one
 * version.
 *
 * How to read a failure: the line before it names scenario, options and workers; "problem" says what a worker saw. Runs
 * do not repeat step by step. MAE_SEED repeats the requests, and MAE_STRESS_MS=10000 gives them more time.
 * Catches the mutations skip_check, skip_read_check, skip_write_check, skip_rts_raise, ignore_pending, gc_early,
 * horizon_too_high, promote_without_claim and park_without_flush.
 */
#include "tests/support/world.h"

#include <inttypes.h>
#include <sched.h>

enum { ROWS = 8, WORKERS_MAX = 32 };

static const struct {
    const char *options;
    unsigned workers;
} settings[] = {
    {"", 2},
    {"", 32},
    {"timestamps=central", 4},
    {"pending=skip", 3},
    {"pending=abort gc_interval_us=1", 4},
    {"inline_bytes=0 gc_interval_us=1", 4},
    {"promote=off adaptive_skip=off", 8},
    {"precheck=off sort_writes=off early_abort_newer=off gc_interval_us=1", 3},
    {"backoff=off clock_sync_us=1", 4},
    {"backoff=fixed:20 huge_pages=off", 16},
    {"clock_sync_us=0 clock_boost_ns=0 gc_interval_us=500 phase_times=on", 4},
    {"restamp=extend gc_interval_us=1", 4},
    {"elder_after=1 gc_interval_us=1", 4},
    {"elder_after=2 pending=abort overtake_us=50", 8},
    {"clock_boost_ns=1000000 backoff=fixed:1 pending=skip precheck=off adaptive_skip=off gc_interval_us=1", 8},
};
enum { SETTING_COUNT = sizeof settings / sizeof settings[0] };

struct scenario;

struct actor {
    struct world *world;
    const struct scenario *scenario;
    const uint64_t *rows;
    struct mae_worker *worker;
    unsigned number;
    unsigned ms;
    uint64_t start_ns, random;
    int64_t sum; /* what this worker's commits added in all */
    uint64_t commits;
    const char *problem; /* the first thing that was wrong */
    enum mae_status failure;
    /* Of the transaction being run, set anew by each run of its body. */
    int64_t delta;
    bool wrong;
};

struct scenario {
    const char *name;
    size_t payload_max_bytes;
    uint64_t initial;
    void (*turn)(struct actor *actor);
    bool joins; /* turn joins and leaves by itself */
};

static void problem(struct actor *actor, const char *text)
{
    if (!actor->problem)
        actor->problem = text;
}

/* Runs the body until it commits. Anything but conflicts and the caller's own abort is wrong. */
static void run(struct actor *actor, enum mae_mode mode, mae_body_fn body)
{
    enum mae_status status = mae_run(actor->worker, mode, body, actor, 0);
    if (status == MAE_OK) {
        actor->commits++;
        actor->sum += actor->delta;
        if (actor->wrong)
            problem(actor, "a transaction that committed saw an inconsistent state");
    } else if (status != MAE_ABORT_USER) {
        actor->failure = status;
        problem(actor, "a transaction failed for good");
    }
}

/* ---- Payloads: a word that counts, then a pattern that tells a torn or reused payload. ---- */

static void pattern_fill(void *data, size_t bytes, uint64_t value)
{
    memcpy(data, &value, sizeof value);
    memset((char *)data + sizeof value, (int)((value * 31 + bytes) & 0xff), bytes - sizeof value);
}

static bool pattern_read(const void *data, size_t bytes, uint64_t *value)
{
    const unsigned char *pattern = data;
    if (bytes < sizeof *value)
        return false;
    memcpy(value, data, sizeof *value);
    for (size_t i = sizeof *value; i < bytes; i++)
        if (pattern[i] != (unsigned char)((*value * 31 + bytes) & 0xff))
            return false;
    return true;
}

static enum mae_status read_row(struct actor *actor, struct mae_txn *txn, unsigned i, uint64_t *value)
{
    const void *data;
    size_t bytes;
    enum mae_status status = mae_row_read(txn, actor->world->table, actor->rows[i], &data, &bytes);
    if (status == MAE_OK && !pattern_read(data, bytes, value))
        problem(actor, "a payload is torn");
    return status;
}

/* Updates a row to `bytes` bytes (0: as it is) and adds to its word. */
static enum mae_status add_row(struct actor *actor, struct mae_txn *txn, unsigned i, size_t bytes, int64_t delta)
{
    const void *old, *now;
    void *data;
    size_t old_bytes;
    uint64_t value;
    enum mae_status status = mae_row_read(txn, actor->world->table, actor->rows[i], &old, &old_bytes);
    if (status != MAE_OK)
        return status;
    bytes = bytes ? bytes : old_bytes;
    status = mae_row_update(txn, actor->world->table, actor->rows[i], bytes, &now, &data);
    if (status != MAE_OK)
        return status;
    if (!pattern_read(old, old_bytes, &value))
        problem(actor, "a payload read for update is torn");
    pattern_fill(data, bytes, value + (uint64_t)delta);
    return MAE_OK;
}

/* ---- Counters. ---- */

static enum mae_status count_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    unsigned rows = 1 + (unsigned)random_below(&actor->random, 3);
    actor->delta = 0;
    for (unsigned i = 0; i < rows; i++) {
        int64_t delta = 1 + (int64_t)random_below(&actor->random, 9);
        enum mae_status status = add_row(actor, txn, (unsigned)random_below(&actor->random, ROWS), 0, delta);
        if (status != MAE_OK)
            return status;
        actor->delta += delta;
    }
    return random_below(&actor->random, 16) ? MAE_OK : MAE_ABORT_USER;
}

static void counters_turn(struct actor *actor)
{
    run(actor, MAE_READ_WRITE, count_body);
}

/* ---- Write skew. Rows 2p and 2p + 1 are a pair. ---- */

static enum mae_status skew_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    unsigned row = (unsigned)random_below(&actor->random, ROWS);
    uint64_t mine, other;
    enum mae_status status;
    actor->delta = 0;
    if ((status = read_row(actor, txn, row, &mine)) != MAE_OK ||
        (status = read_row(actor, txn, row ^ 1, &other)) != MAE_OK)
        return status;
    actor->wrong = mine + other > 1;
    if (other)
        return MAE_OK;
    actor->delta = mine ? -1 : 1;
    return add_row(actor, txn, row, 0, actor->delta);
}

static enum mae_status skew_look_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    actor->delta = 0;
    actor->wrong = false;
    for (unsigned row = 0; row < ROWS; row += 2) {
        uint64_t a, b;
        enum mae_status status;
        if ((status = read_row(actor, txn, row, &a)) != MAE_OK ||
            (status = read_row(actor, txn, row + 1, &b)) != MAE_OK)
            return status;
        actor->wrong |= a + b > 1;
    }
    return MAE_OK;
}

static void skew_turn(struct actor *actor)
{
    if (random_below(&actor->random, 8) == 0)
        run(actor, MAE_SNAPSHOT, skew_look_body);
    else
        run(actor, MAE_READ_WRITE, skew_body);
}

/* ---- Transfers. ---- */

enum { INITIAL = 1000 };

static enum mae_status transfer_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    unsigned from = (unsigned)random_below(&actor->random, ROWS);
    unsigned to = (from + 1 + (unsigned)random_below(&actor->random, ROWS - 1)) % ROWS;
    int64_t amount = 1 + (int64_t)random_below(&actor->random, 50);
    uint64_t balance;
    actor->delta = 0;
    actor->wrong = false;
    enum mae_status status = read_row(actor, txn, from, &balance);
    if (status == MAE_OK && balance < (uint64_t)amount)
        return MAE_OK;
    if (status == MAE_OK)
        status = add_row(actor, txn, from, 0, -amount);
    if (status == MAE_OK)
        status = add_row(actor, txn, to, 0, amount);
    return status;
}

static enum mae_status total_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    uint64_t total = 0, balance;
    bool slowly = actor->number % 2 && random_below(&actor->random, 4) == 0;
    actor->delta = 0;
    for (unsigned row = 0; row < ROWS; row++) {
        enum mae_status status = read_row(actor, txn, row, &balance);
        if (status != MAE_OK)
            return status;
        total += balance;
        for (int i = 0; slowly && i < 20; i++) /* so that the writers pass thousands of versions meanwhile */
            sched_yield();
    }
    actor->wrong = total != ROWS * INITIAL;
    return MAE_OK;
}

static void transfers_turn(struct actor *actor)
{
    uint64_t choice = random_below(&actor->random, 8);
    run(actor, choice == 0 ? MAE_SNAPSHOT : MAE_READ_WRITE, choice <= 1 ? total_body : transfer_body);
}

/* ---- Changing sizes: add_row moves versions between the inline slot and the pool, reads promote them back. ---- */

static enum mae_status sizes_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    size_t max = actor->scenario->payload_max_bytes;
    unsigned row = (unsigned)random_below(&actor->random, ROWS);
    size_t bytes = sizeof(uint64_t) + random_below(&actor->random, max - sizeof(uint64_t) + 1);
    uint64_t value;
    actor->delta = 0;
    enum mae_status status = MAE_OK;
    switch (random_below(&actor->random, 4)) {
    case 0:
        status = read_row(actor, txn, row, &value);
        break;
    case 1: /* blind, with the value it should have: a read makes sure of that */
        status = read_row(actor, txn, row, &value);
        if (status == MAE_OK) {
            void *data;
            status = mae_row_overwrite(txn, actor->world->table, actor->rows[row], bytes, &data);
            if (status == MAE_OK)
                pattern_fill(data, bytes, value);
        }
        break;
    case 2: /* twice, so that the new version moves while it is private */
        status = add_row(actor, txn, row, sizeof(uint64_t), 1);
        if (status == MAE_OK)
            status = add_row(actor, txn, row, bytes, 1);
        actor->delta = 2;
        break;
    default:
        status = add_row(actor, txn, row, bytes, 1);
        actor->delta = 1;
        break;
    }
    return status;
}

static enum mae_status look_body(struct mae_txn *txn, void *arg)
{
    struct actor *actor = arg;
    uint64_t value;
    enum mae_status status = MAE_OK;
    actor->delta = 0;
    for (unsigned row = 0; row < ROWS && status == MAE_OK; row++)
        status = read_row(actor, txn, row, &value);
    return status;
}

static void sizes_turn(struct actor *actor)
{
    if (random_below(&actor->random, 6) == 0)
        run(actor, MAE_SNAPSHOT, look_body);
    else
        run(actor, MAE_READ_WRITE, sizes_body);
}

/* ---- Visitors. ---- */

static void visitors_turn(struct actor *actor)
{
    enum mae_status status = mae_worker_join(actor->world->db, &actor->worker);
    if (status != MAE_OK) {
        actor->failure = status;
        problem(actor, "joining failed");
        return;
    }
    for (uint64_t stays = random_below(&actor->random, 40); stays > 0 && !actor->problem; stays--) {
        run(actor, MAE_READ_WRITE, count_body);
        switch (random_below(&actor->random, 12)) {
        case 0:
            mae_worker_idle(actor->worker);
            break;
        case 1: /* silent for a while without saying so: the maintenance thread parks the worker */
            for (uint64_t start = monotonic_ns(); time_left(start, 3);)
                sched_yield();
            break;
        case 2: { /* a transaction that takes long, for its worker looks silent */
            struct mae_txn *txn;
            if (mae_begin(actor->worker, MAE_READ_WRITE, 0, &txn) != MAE_OK) {
                problem(actor, "begin failed");
                break;
            }
            for (uint64_t start = monotonic_ns(); time_left(start, 3);)
                sched_yield();
            if (random_below(&actor->random, 2))
                mae_abort(txn);
            else if (mae_commit(txn) != MAE_OK)
                problem(actor, "an empty transaction did not commit");
            break;
        }
        case 3: { /* a snapshot that waits, and parks whoever is silent meanwhile */
            struct mae_txn *txn;
            if (mae_begin(actor->worker, MAE_SNAPSHOT, mae_worker_last_commit(actor->worker), &txn) != MAE_OK ||
                mae_txn_timestamp(txn) < mae_worker_last_commit(actor->worker) || mae_commit(txn) != MAE_OK)
                problem(actor, "a snapshot was not ordered behind its worker's last commit");
            break;
        }
        default:
            break;
        }
    }
    if (random_below(&actor->random, 4) == 0) { /* in the middle of a transaction */
        struct mae_txn *txn;
        if (mae_begin(actor->worker, MAE_READ_WRITE, 0, &txn) == MAE_OK)
            (void)add_row(actor, txn, 0, 0, 1000);
    }
    mae_worker_leave(actor->worker);
}

/* ---- Running. ---- */

static const struct scenario scenarios[] = {
    {"counters", 8, 0, counters_turn, false},           {"skew", 24, 0, skew_turn, false},
    {"transfers", 100, INITIAL, transfers_turn, false}, {"sizes, inlined", 216, 0, sizes_turn, false},
    {"sizes, mixed", 700, 0, sizes_turn, false},        {"visitors", 64, 0, visitors_turn, true},
};

static void *thread_body(void *arg)
{
    struct actor *actor = arg;
    if (!actor->scenario->joins) {
        actor->failure = mae_worker_join(actor->world->db, &actor->worker);
        if (actor->failure != MAE_OK) {
            problem(actor, "joining failed");
            return NULL;
        }
    }
    do /* once at least, however late the thread begins */
        actor->scenario->turn(actor);
    while (time_left(actor->start_ns, actor->ms) && !actor->problem);
    if (!actor->scenario->joins)
        mae_worker_leave(actor->worker);
    return NULL;
}

/* Comes and goes while the visitors do: one more actor. */
static void *maintenance_body(void *arg)
{
    struct actor *actor = arg;
    while (time_left(actor->start_ns, actor->ms)) {
        if (mae_maintenance_start(actor->world->db) != MAE_OK)
            problem(actor, "maintenance did not start");
        for (uint64_t start = monotonic_ns(); time_left(start, 10);)
            sched_yield();
        mae_maintenance_stop(actor->world->db);
    }
    return NULL;
}

static void *any_body(void *arg)
{
    struct actor *actor = arg;
    return actor->scenario->joins && actor->number == 0 ? maintenance_body(arg) : thread_body(arg);
}

static void fill(struct world *world, const struct scenario *scenario, uint64_t *rows)
{
    struct mae_txn *txn = begin(world->workers[0]);
    for (unsigned i = 0; i < ROWS; i++) {
        void *data;
        size_t bytes = scenario->payload_max_bytes;
        assert_ok(mae_row_insert(txn, world->table, bytes, &rows[i], &data));
        pattern_fill(data, bytes, scenario->initial);
    }
    assert_ok(mae_commit(txn));
}

/* Reads every row and updates it once more; the sum. */
static uint64_t sum_up(struct world *world, const uint64_t *rows)
{
    uint64_t sum = 0;
    struct mae_txn *txn = begin(world->workers[0]);
    for (unsigned i = 0; i < ROWS; i++) {
        const void *old;
        void *data;
        size_t bytes;
        uint64_t value;
        assert_ok(mae_row_read(txn, world->table, rows[i], &old, &bytes));
        assert_true(pattern_read(old, bytes, &value));
        sum += value;
        assert_ok(mae_row_update(txn, world->table, rows[i], 0, &old, &data));
    }
    assert_ok(mae_commit(txn));
    return sum;
}

/* A worker that joins after the others have left begins above all their timestamps. */
static void check_garbage_is_gone(struct world *world)
{
    struct mae_space space = {0};
    for (int i = 0; i < 1000; i++) {
        settle(world);
        mae_table_space(world->table, &space);
        if (space.versions == ROWS)
            break;
    }
    assert_int_equal(space.rows, ROWS);
    assert_int_equal(space.versions, ROWS);
}

static void run_scenario(const struct scenario *scenario, const char *options, unsigned workers, uint64_t seed)
{
    struct world world = world_open(options, MAE_INDEX_HASH, scenario->payload_max_bytes, 1);
    struct actor actors[WORKERS_MAX];
    uint64_t rows[ROWS], commits = 0, start = monotonic_ns();
    int64_t sum = (int64_t)(ROWS * scenario->initial);
    printf("%s, %u workers, %s\n", scenario->name, workers, options);
    fflush(stdout);
    fill(&world, scenario, rows);
    world_leave(&world);
    for (unsigned i = 0; i < workers; i++)
        actors[i] = (struct actor){.world = &world,
                                   .scenario = scenario,
                                   .rows = rows,
                                   .number = i,
                                   .ms = stress_ms(),
                                   .start_ns = start,
                                   .random = seed * 1000 + i};
    run_threads(workers, any_body, actors, sizeof actors[0]);
    for (unsigned i = 0; i < workers; i++) {
        if (actors[i].problem)
            fail_msg("problem of worker %u: %s (%s)", i, actors[i].problem, mae_status_name(actors[i].failure));
        sum += actors[i].sum;
        commits += actors[i].commits;
    }
    assert_true(commits > 0 || scenario->joins);
    world_verify(world.db);
    assert_ok(mae_worker_join(world.db, &world.workers[0]));
    assert_int_equal(sum_up(&world, rows), sum);
    check_garbage_is_gone(&world);
    world_close(&world);
}

static uint64_t seed;

static void run_settings(const struct scenario *scenario)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        run_scenario(scenario, settings[i].options, settings[i].workers, seed + i);
}

static void counters(void **state)
{
    (void)state;
    run_settings(&scenarios[0]);
}

static void write_skew(void **state)
{
    (void)state;
    run_settings(&scenarios[1]);
}

static void transfers(void **state)
{
    (void)state;
    run_settings(&scenarios[2]);
}

static void changing_sizes_inlined(void **state)
{
    (void)state;
    run_settings(&scenarios[3]);
}

static void changing_sizes_mixed(void **state)
{
    (void)state;
    run_settings(&scenarios[4]);
}

static void visitors(void **state)
{
    (void)state;
    run_settings(&scenarios[5]);
}

int main(void)
{
    seed = seed_from_environment();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters),
        cmocka_unit_test(write_skew),
        cmocka_unit_test(transfers),
        cmocka_unit_test(changing_sizes_inlined),
        cmocka_unit_test(changing_sizes_mixed),
        cmocka_unit_test(visitors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
