/*
 * load.c - two threads load, a third one inserts rows, and a fourth one looks (tests/support/loads.h), again and again
 * in new databases.
 *
 * How to read a failure: the problem says what was seen that cannot be, or the status of a call that must not fail.
 * Catches load_passes_aborted now and then, which tests/unit/db/load.c always does.
 */
#include "tests/support/loads.h"

#include <inttypes.h>
#include <stdatomic.h>

enum { DISTURBER = LOADERS, WATCHER, THREADS, ROWS = 2000 };

struct actor {
    struct loads *loads;
    _Atomic unsigned *loading; /* loaders that have not ended */
    unsigned number;
    uint64_t random, done;
    const char *problem;
};

static void *act(void *arg)
{
    struct actor *actor = arg;
    struct mae_worker *worker;
    if (mae_worker_join(actor->loads->world.db, &worker) != MAE_OK) {
        actor->problem = "joining failed";
        return NULL;
    }
    if (actor->number < LOADERS) {
        actor->problem = loads_load(actor->loads, worker, actor->number);
        actor->done = actor->loads->loaded[actor->number];
        atomic_fetch_sub(actor->loading, 1);
    } else {
        do { /* once at least, however late the thread begins */
            actor->problem = actor->number == DISTURBER
                                 ? loads_disturb(actor->loads, worker, &actor->random)
                                 : loads_look(actor->loads, worker, random_below(&actor->random, 8) > 0, false);
            actor->done++;
        } while (!actor->problem && atomic_load(actor->loading) > 0);
    }
    mae_worker_leave(worker);
    return NULL;
}

static void load_once(const char *options, enum mae_index_kind kind, uint64_t *random)
{
    struct loads loads = loads_open(options, kind, ROWS);
    _Atomic unsigned loading = LOADERS;
    struct actor actors[THREADS];
    struct mae_worker *worker;
    for (unsigned i = 0; i < THREADS; i++)
        actors[i] = (struct actor){.loads = &loads, .loading = &loading, .number = i, .random = random_next(random)};
    run_threads(THREADS, act, actors, sizeof actors[0]);
    for (unsigned i = 0; i < THREADS; i++)
        if (actors[i].problem)
            fail_msg("thread %u: %s", i, actors[i].problem);
    assert_ok(mae_worker_join(loads.world.db, &worker));
    const char *problem = loads_look(&loads, worker, false, true);
    if (problem)
        fail_msg("in the end: %s", problem);
    mae_worker_leave(worker);
    loads_close(&loads);
}

static void loads_beside_others(void **state)
{
    (void)state;
    static const char *const options[] = {"gc_interval_us=1", "", "gc_interval_us=1 overtake_us=20",
                                          "pending=abort backoff=off"};
    uint64_t random = seed_from_environment(), rounds = 0;
    const uint64_t start = monotonic_ns();
    do {
        load_once(options[rounds % 4], rounds / 4 % 2 ? MAE_INDEX_ORDERED : MAE_INDEX_HASH, &random);
        rounds++;
    } while (rounds < 8 || time_left(start, stress_ms()));
    printf("%" PRIu64 " rounds\n", rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(loads_beside_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
