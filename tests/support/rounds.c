/* rounds.c - see rounds.h. */
#include "tests/support/rounds.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/txn/core.h"
#include "tests/support/scheduler.h"
#include "workloads/rng.h"

static uint64_t running; /* seed */

void rounds_failed(const char *what)
{
    scheduler_print(stdout);
    printf("FAILED: %s\nMAE_SEED=0x%" PRIx64 " repeats it\n", what, running);
    fflush(stdout);
}

/* Not what a signal handler may do, but the program is over anyway, and its trace is worth the try. */
static void crashed(int signal_number)
{
    (void)signal(signal_number, SIG_DFL);
    rounds_failed("crashed");
    (void)raise(signal_number);
}

uint64_t rounds_run(bool (*round)(uint64_t seed))
{
    const char *text = getenv("MAE_SECONDS");
    double seconds = (text ? strtod(text, NULL) : 30) / 6;
    text = getenv("MAE_SEED");
    uint64_t rounds = 0;
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
    running = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 0x10001;
    (void)signal(SIGABRT, crashed);
    (void)signal(SIGSEGV, crashed);
    printf("MAE_SEED=0x%" PRIx64 "\n", running);
    fflush(stdout);
    for (; rounds == 0 || clock() < end; rounds++, running++)
        if (!round(running))
            return 0;
    return rounds;
}

struct scheduler_plan rounds_plan(struct rng *rng, uint64_t seed)
{
    struct scheduler_plan plan = {.seed = seed};
    plan.policy = rng_below(rng, 2) ? SCHEDULER_RANDOM : SCHEDULER_PCT;
    plan.depth = 1 + (unsigned)rng_below(rng, 5);
    plan.clocks = (enum scheduler_clocks)rng_below(rng, SCHEDULER_CLOCKS_COUNT);
    return plan;
}

void rounds_barrier(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

void rounds_set_time(struct core *core, struct rng *rng)
{
    static const uint64_t overtake[] = {1, 100, UINT64_MAX}, gc[] = {1, 1, 40, 300};
    core->ticks_per_us = 100;
    core->protocol.gc_interval_ticks = gc[rng_below(rng, 4)];
    core->backoff.ticks_per_us = 100;
    core->horizon.barrier = rounds_barrier;
    core->horizon.overtake_ticks = overtake[rng_below(rng, 3)];
    core->horizon.look_ticks = gc[rng_below(rng, 2)];
}
