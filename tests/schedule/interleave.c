/*
 * interleave.c - threads on which several transactions take turns (harness/bench/interleave.h) beside each other, under
 * random schedules: none of a thread waits for another one of the thread, and what all commit is serializable.
 *
 * Two threads with three workers each move amounts between accounts and add them up. A schedule that does not end has
 * found a wait. MAE_SECONDS / 6 of CPU (30: 5 seconds). How to read a failure: the trace has each thread's race points;
 * MAE_SEED, which the failure tells, repeats it at once.
 */
#include <inttypes.h>

#include "harness/bench/interleave.h"
#include "harness/targets/targets.h"
#include "tests/support/rounds.h"
#include "tests/support/scheduler.h"
#include "tests/support/world.h"

#if defined(__x86_64__)

SCHEDULER_INTERPOSE

enum { THREADS = 2, LANES = 3, ACCOUNTS = 5, EACH = 100, REQUESTS = 5 };

struct workload_worker {
    struct mae_worker *worker;
    uint64_t random, from, to;
    bool adds_up;
};

static struct {
    struct world world;
    uint64_t seed, committed;
    const char *failure;
    _Atomic bool stop;
} test;

static void fail_with(const char *text)
{
    if (!test.failure)
        test.failure = text;
}

static unsigned next(struct workload_worker *state)
{
    state->adds_up = random_below(&state->random, 3) == 0;
    state->from = random_below(&state->random, ACCOUNTS);
    state->to = (state->from + 1 + random_below(&state->random, ACCOUNTS - 1)) % ACCOUNTS;
    return 0;
}

static unsigned operations(const struct workload_worker *state)
{
    return state->adds_up ? ACCOUNTS : 2;
}

static enum mae_status add_up(struct mae_txn *txn)
{
    uint64_t sum = 0, value;
    enum mae_status status = MAE_OK;
    for (uint64_t key = 0; key < ACCOUNTS && status == MAE_OK; key++) {
        status = key_get(txn, test.world.index, key, &value);
        sum += value;
    }
    if (status == MAE_OK && sum != ACCOUNTS * EACH)
        fail_with("a snapshot's sum is wrong");
    return status;
}

static enum target_status attempt(struct workload_worker *state)
{
    struct mae_txn *txn;
    enum mae_status status = mae_begin(state->worker, state->adds_up ? MAE_SNAPSHOT : MAE_READ_WRITE, 0, &txn);
    if (status != MAE_OK)
        return (enum target_status)status;
    if (state->adds_up)
        status = add_up(txn);
    else if ((status = key_add(txn, test.world.index, state->from, UINT64_MAX)) == MAE_OK)
        status = key_add(txn, test.world.index, state->to, 1);
    if (status == MAE_OK)
        status = mae_commit(txn);
    else
        (void)mae_abort(txn);
    return (enum target_status)status; /* the target's statuses are the engine's */
}

static const struct workload_ops ops = {.next = next, .attempt = attempt, .operations = operations};

static void work(void *arg, unsigned thread)
{
    (void)arg;
    struct loop_worker loops[LANES], *each[LANES];
    struct workload_worker states[LANES];
    for (unsigned i = 0; i < LANES; i++) {
        struct mae_worker *worker = test.world.workers[thread * LANES + i];
        states[i] = (struct workload_worker){.worker = worker, .random = test.seed + thread * LANES + i};
        loops[i] = (struct loop_worker){.workload = &ops,
                                        .state = &states[i],
                                        .target = &native_target_ops,
                                        .target_worker = (struct target_worker *)worker,
                                        .stop = &test.stop,
                                        .commits_max = REQUESTS,
                                        .counters = loop_counters_create(1)};
        each[i] = &loops[i];
    }
    if (interleave_run(each, LANES) != TARGET_OK)
        fail_with("a transaction cannot be run again");
    for (unsigned i = 0; i < LANES; i++) {
        struct counts counts = {0};
        loop_counters_add(loops[i].counters, 1, &counts);
        test.committed += counts.committed;
        free(loops[i].counters);
    }
}

static void accounts_fill(void)
{
    struct mae_txn *txn = begin(test.world.workers[0]);
    for (uint64_t key = 0; key < ACCOUNTS; key++) {
        void *data;
        assert_ok(mae_insert(txn, test.world.index, &key, sizeof(uint64_t), NULL, &data));
        *(uint64_t *)data = EACH;
    }
    assert_ok(mae_commit(txn));
    for (unsigned i = 0; i < THREADS * LANES; i++)
        mae_worker_idle(test.world.workers[i]);
}

/* One schedule; false: a failure, with its trace. */
static bool round_run(uint64_t seed)
{
    static const char *const options[] = {"gc_interval_us=1",
                                          "gc_interval_us=1 order=strict",
                                          "gc_interval_us=1 order=strict inline_bytes=0",
                                          "gc_interval_us=1 pending=abort backoff=fixed:1",
                                          "gc_interval_us=1 overtake_us=1",
                                          "gc_interval_us=1 restamp=extend",
                                          "gc_interval_us=1 elder_after=1"};
    uint64_t random = seed;
    scheduler_open(seed);
    test.seed = seed;
    test.failure = NULL;
    test.committed = 0;
    const char *option = options[random_below(&random, sizeof options / sizeof options[0])];
    test.world = world_open(option, random_below(&random, 2) ? MAE_INDEX_HASH : MAE_INDEX_ORDERED, 8, THREADS * LANES);
    accounts_fill();
    const struct scheduler_plan plan = {.policy = random_below(&random, 2) ? SCHEDULER_RANDOM : SCHEDULER_PCT,
                                        .depth = 1 + (unsigned)random_below(&random, 5),
                                        .clocks = (enum scheduler_clocks)random_below(&random, SCHEDULER_CLOCKS_COUNT),
                                        .seed = seed};
    if (!scheduler_run(&plan, THREADS, work, NULL)) {
        rounds_failed("the schedule does not end");
        printf("with %s\n", option);
        exit(1); /* transactions are still open on stacks that nobody comes back to */
    }
    if (test.committed != THREADS * LANES * REQUESTS)
        fail_with("not every request has committed");
    if (test.failure)
        rounds_failed(test.failure);
    world_close(&test.world);
    scheduler_close();
    return !test.failure;
}

static void under_random_schedules(void **state)
{
    (void)state;
    uint64_t schedules = rounds_run(round_run);
    assert_true(schedules > 0);
    printf("%" PRIu64 " schedules\n", schedules);
}

int main(void)
{
    if (!scheduler_available()) {
        printf("skipped: this build has no race points to schedule at (MODE=debug or asan)\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(under_random_schedules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    printf("skipped: --interleave is made for x86-64\n");
    return 77;
}

#endif
