/* backoff.c - see backoff.h. */
#include "engine/time/backoff.h"

#include <sched.h>

#include "engine/base/check.h"
#include "engine/base/options.h"
#include "engine/base/race.h"
#include "engine/base/tsc.h"

static const double CLIMB_PERIOD_US = 5000, LEARN_PERIOD_US = 1000, STEP_US = 0.5, MAX_US = 1000, NEWEST_SHARE = 0.25;

enum { TRIAL_EVERY = 64, TRIAL_PERIODS = 2 };

/* learn: a period with fewer commits says too little, and goes on for up to so many periods. */
enum { LEARN_COMMITS = 32, LEARN_PERIODS_MAX = 16 };

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
    backoff->learns = option == BACKOFF_LEARN;
    backoff->ticks_per_us = ticks_per_us;
    backoff->period_us = backoff->learns ? LEARN_PERIOD_US : CLIMB_PERIOD_US;
    backoff->last_ticks = backoff->looked_ticks = tsc_now();
    ladder_init(&backoff->ladder);
    backoff->last_commits = 0;
    backoff->mean_us = backoff->mean_rate = backoff->variance = backoff->covariance = 0;
    backoff->begun = false;
    backoff->periods = backoff->trial = 0;
    backoff->rate_without = backoff->rate_with = 0;
    backoff->random = UINT64_C(0x9E3779B97F4A7C15);
    bool is_word = backoff->adaptive || backoff->learns || option == BACKOFF_OFF;
    backoff->max_us = is_word ? 0 : (double)option / 1000;
    atomic_init(&backoff->max_ticks, (uint64_t)(backoff->max_us * ticks_per_us));
}

bool backoff_due(const struct backoff *backoff, uint64_t now_ticks)
{
    /* Less than 0 where another leader has read its clock later, but came first. */
    double passed = (double)(int64_t)(now_ticks - backoff->looked_ticks);
    return (backoff->adaptive || backoff->learns) && passed >= backoff->period_us * backoff->ticks_per_us;
}

static void note_period(struct backoff *backoff, double rate)
{
    const double share = !backoff->begun ? 1 : MUTATED(backoff_heeds_noise) ? 0.9 : NEWEST_SHARE;
    const double us = backoff->max_us - backoff->mean_us, more = rate - backoff->mean_rate;
    backoff->mean_us += share * us;
    backoff->mean_rate += share * more;
    backoff->variance = (1 - share) * (backoff->variance + share * us * us);
    backoff->covariance = (1 - share) * (backoff->covariance + share * us * more);
    backoff->begun = true;
}

/* BO2. */
static bool goes_up(struct backoff *backoff)
{
    const double least_us = STEP_US / 10;
    if (backoff->variance < least_us * least_us || backoff->covariance == 0)
        return next_random(&backoff->random) >> 63;
    return backoff->covariance > 0;
}

static void climb_step(struct backoff *backoff, double rate, double elapsed)
{
    note_period(backoff, rate);
    bool up = goes_up(backoff);
    /* A leader that comes late takes a step in proportion to the time that has passed, up to twice the usual one. */
    double step = STEP_US * elapsed / (backoff->period_us * backoff->ticks_per_us);
    if (step > 2 * STEP_US)
        step = 2 * STEP_US;
    double max_us = backoff->max_us + (up ? step : -step);
    backoff->max_us = max_us < 0 ? 0 : max_us > MAX_US ? MAX_US : max_us;
    backoff->rate_with += backoff->rate_with > 0 ? (rate - backoff->rate_with) / TRIAL_EVERY : rate;
    if (++backoff->periods % TRIAL_EVERY == 0 && backoff->max_us > 2 * STEP_US && !MUTATED(backoff_never_tries))
        backoff->trial = TRIAL_PERIODS;
}

/* BO3. */
static void trial_step(struct backoff *backoff, double rate)
{
    if (--backoff->trial > 0) /* workers still sat in waits */
        return;
    double without = backoff->rate_without;
    without = without > 0 ? without + NEWEST_SHARE * (rate - without) : rate;
    backoff->rate_without = without;
    if (without <= backoff->rate_with)
        return;
    backoff->max_us = backoff->rate_without = 0;
    backoff->rate_with = rate;
    backoff->begun = false;
}

void backoff_climb(struct backoff *backoff, uint64_t now_ticks, uint64_t commits)
{
    double elapsed = (double)(now_ticks - backoff->last_ticks);
    double rate = (double)(commits - backoff->last_commits) / elapsed;
    backoff->looked_ticks = now_ticks;
    if (backoff->learns && commits - backoff->last_commits < LEARN_COMMITS &&
        elapsed < LEARN_PERIODS_MAX * backoff->period_us * backoff->ticks_per_us)
        return;
    if (backoff->learns)
        backoff->max_us = ladder_next(&backoff->ladder, rate);
    else if (backoff->trial > 0)
        trial_step(backoff, rate);
    else
        climb_step(backoff, rate, elapsed);
    double max_us = backoff->trial > 0 ? 0 : backoff->max_us;
    backoff->last_ticks = now_ticks;
    backoff->last_commits = commits;
    /* ORD-4: relaxed; a worker that sees the bound late or early waits longer or shorter, and nothing else changes. */
    atomic_store_explicit(&backoff->max_ticks, (uint64_t)(max_us * backoff->ticks_per_us), memory_order_relaxed);
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

uint64_t backoff_pass(const struct retries *retries, uint64_t start, uint64_t ticks, double ticks_per_us)
{
    enum { SPIN_US = 20 }; /* longer waits yield the CPU to other threads: there may be more workers than CPUs */
    uint64_t spin = (uint64_t)(SPIN_US * ticks_per_us), passed;
    while ((passed = tsc_now() - start) < ticks) {
        RACE(BACKOFF);
        if (retries->meanwhile != NULL && !MUTATED(backoff_keeps_thread))
            retries->meanwhile(retries->meanwhile_arg);
        if (ticks - passed > spin)
            sched_yield();
        else
            cpu_pause();
    }
    return passed;
}

uint64_t backoff_wait(const struct backoff *backoff, struct retries *retries, uint64_t commits)
{
    uint64_t max = backoff_bound(backoff, retries, commits);
    if (max == 0)
        return 0;
    uint64_t wait = (uint64_t)((unsigned __int128)next_random(&retries->random) * max >> 64);
    return backoff_pass(retries, tsc_now(), wait, backoff->ticks_per_us);
}
