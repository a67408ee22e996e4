/*
 * load.c - loads beside each other and beside transactions (tests/support/loads.h), under random schedules.
 *
 * Two workers load, a third one inserts rows and looks at all. MAE_SECONDS / 6 of CPU (30: 5 seconds). How to read a
 * failure: the trace has each worker's race points; MAE_SEED, which the failure tells, repeats it at once.
 */
#include "tests/support/loads.h"

#include <inttypes.h>

#include "tests/support/rounds.h"
#include "tests/support/scheduler.h"

SCHEDULER_INTERPOSE

enum { WORKERS = LOADERS + 1, ROWS = 9, TXNS = 4 };

static struct {
    struct loads loads;
    struct mae_worker *workers[WORKERS];
    uint64_t random;
    const char *failure;
    uint64_t ended_early;
} test;

static void fail_with(const char *text)
{
    if (text && !test.failure)
        test.failure = text;
}

static void work(void *arg, unsigned worker)
{
    (void)arg;
    if (worker < LOADERS) {
        fail_with(loads_load(&test.loads, test.workers[worker], worker));
        scheduler_note("load ends", worker, test.loads.loaded[worker], (int)test.loads.ended[worker]);
        return;
    }
    for (unsigned i = 0; i < TXNS; i++) {
        fail_with(loads_disturb(&test.loads, test.workers[worker], &test.random));
        fail_with(loads_look(&test.loads, test.workers[worker], i % 2, false));
    }
}

/* One schedule; false: a failure, with its trace. */
static bool round_run(uint64_t seed)
{
    static const char *const options[] = {"gc_interval_us=1",
                                          "gc_interval_us=1 pending=skip precheck=off",
                                          "gc_interval_us=1 pending=abort",
                                          "overtake_us=1 gc_interval_us=1",
                                          "gc_interval_us=1 restamp=extend",
                                          "gc_interval_us=1 elder_after=1"};
    uint64_t random = seed;
    scheduler_open(seed);
    test.loads = loads_open(options[random_below(&random, sizeof options / sizeof options[0])],
                            random_below(&random, 2) ? MAE_INDEX_HASH : MAE_INDEX_ORDERED, ROWS);
    test.failure = NULL;
    test.random = seed;
    for (unsigned i = 0; i < WORKERS; i++)
        assert_ok(mae_worker_join(test.loads.world.db, &test.workers[i]));
    const struct scheduler_plan plan = {.policy = random_below(&random, 2) ? SCHEDULER_RANDOM : SCHEDULER_PCT,
                                        .depth = 1 + (unsigned)random_below(&random, 5),
                                        .clocks = (enum scheduler_clocks)random_below(&random, SCHEDULER_CLOCKS_COUNT),
                                        .seed = seed};
    if (!scheduler_run(&plan, WORKERS, work, NULL))
        fail_with("the schedule does not end");
    else
        for (unsigned i = 0; i < LOADERS; i++)
            test.ended_early += test.loads.ended[i] == MAE_EXISTS;
    if (!test.failure)
        fail_with(loads_look(&test.loads, test.workers[0], false, true));
    if (test.failure)
        rounds_failed(test.failure);
    for (unsigned i = 0; i < WORKERS; i++)
        mae_worker_leave(test.workers[i]);
    loads_close(&test.loads);
    scheduler_close();
    return !test.failure;
}

static void under_random_schedules(void **state)
{
    (void)state;
    uint64_t schedules = rounds_run(round_run);
    assert_true(schedules > 0);
    printf("%" PRIu64 " schedules, %" PRIu64 " loads met a key that was there\n", schedules, test.ended_early);
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
