/* backoff.c - see backoff.h. */
#include "engine/time/backoff.h"

#include <sched.h>

#include "engine/base/check.h"
#include "engine/base/options.h"
#include "engine/base/race.h"
#include "engine/base/tsc.h"

static const double PERIOD_US = 5000, STEP_US = 0.5, MAX_US = 1000;

/* xorshift64*: cheap, and good enough to spread waits. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

void backoff_init(struct backoff *backoff, uint64_t option, double ticks_per_us)
{
    backoff->adaptive = option == BACKOFF_ADAPTIVE;
    backoff->ticks_per_us = ticks_per_us;
    backoff->last_ticks = tsc_now();
    backoff->last_commits = 0;
    backoff->last_rate = -1;
    backoff->last_step_us = 0;
    backoff->random = UINT64_C(0x9E3779B97F4A7C15);
    backoff->max_us = option == BACKOFF_ADAPTIVE || option == BACKOFF_OFF ? 0 : (double)option / 1000;
    atomic_init(&backoff->max_ticks, (uint64_t)(backoff->max_us * ticks_per_us));
}

bool backoff_due(const struct backoff *backoff, uint64_t now_ticks)
{
    return backoff->adaptive && (double)(now_ticks - backoff->last_ticks) >= PERIOD_US * backoff->ticks_per_us;
}

void backoff_climb(struct backoff *backoff, uint64_t now_ticks, uint64_t commits)
{
    double elapsed = (double)(now_ticks - backoff->last_ticks);
    double rate = (double)(commits - backoff->last_commits) / elapsed;
    double gain = backoff->last_rate < 0 ? 0 : (rate - backoff->last_rate) * backoff->last_step_us;
    bool up = gain != 0 ? gain > 0 : next_random(&backoff->random) >> 63;
    /* A leader that comes late takes a step in proportion to the time that has passed, up to twice the usual one. */
    double step = STEP_US * elapsed / (PERIOD_US * backoff->ticks_per_us), before = backoff->max_us;
    if (step > 2 * STEP_US)
        step = 2 * STEP_US;
    double max_us = before + (up ? step : -step);
    backoff->max_us = max_us < 0 ? 0 : max_us > MAX_US ? MAX_US : max_us;
    backoff->last_step_us = backoff->max_us - before;
    backoff->last_rate = rate;
    backoff->last_ticks = now_ticks;
    backoff->last_commits = commits;
    /* ORD-4: relaxed; a worker that sees the bound late or early waits longer or shorter, and nothing else changes. */
    atomic_store_explicit(&backoff->max_ticks, (uint64_t)(backoff->max_us * backoff->ticks_per_us),
                          memory_order_relaxed);
}

uint64_t backoff_bound(const struct backoff *backoff, struct retries *retries, uint64_t commits)
{
    enum { DOUBLINGS_MAX = 10 };
    uint64_t max = atomic_load_explicit(&backoff->max_ticks, memory_order_relaxed); /* ORD-4 */
    retries->count = retries->commits == commits ? retries->count + 1 : 1;
    retries->commits = commits;
    if (!backoff->adaptive || retries->count <= BACKOFF_PATIENCE || MUTATED(backoff_stays_short))
        return max;
    unsigned doublings = retries->count - BACKOFF_PATIENCE - 1;
    double own_us = doublings < DOUBLINGS_MAX ? (double)(1 << doublings) : MAX_US;
    uint64_t own = (uint64_t)(own_us * backoff->ticks_per_us);
    return own > max ? own : max; /* BO1 */
}

uint64_t backoff_wait(const struct backoff *backoff, struct retries *retries, uint64_t commits)
{
    enum { SPIN_US = 20 }; /* longer waits yield the CPU to other threads: there may be more workers than CPUs */
    uint64_t max = backoff_bound(backoff, retries, commits);
    if (max == 0)
        return 0;
    uint64_t wait = (uint64_t)((unsigned __int128)next_random(&retries->random) * max >> 64);
    uint64_t start = tsc_now(), spin = (uint64_t)(SPIN_US * backoff->ticks_per_us), passed;
    while ((passed = tsc_now() - start) < wait) {
        RACE(BACKOFF);
        if (wait - passed > spin)
            sched_yield();
        else
            cpu_pause();
    }
    return passed;
}
