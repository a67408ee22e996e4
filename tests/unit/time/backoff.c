/*
 * backoff.c - the hill climb in a simulation, periods of learning, and the waits of each option.
 *
 * The simulated machine commits at a rate that depends on the present bound. Leaders adjust the bound every 5 ms, or
 * late.
 */
#include "engine/time/backoff.h"

#include <math.h>

#include "engine/base/options.h"
#include "engine/base/tsc.h"
#include "tests/support/world.h"

static const double TICKS_PER_US = 1000, PERIOD_US = 5000;

static double bound_us(const struct backoff *backoff)
{
    return (double)atomic_load(&backoff->max_ticks) / TICKS_PER_US;
}

/* Commits a second at a bound: a hill with its top at `top_us`. */
static double rate(double us, double top_us)
{
    return 1e10 / (1 + fabs(us - top_us) / 10);
}

/* Runs `periods`; returns the mean distance to the top over the second half. */
static double climb(struct backoff *backoff, double top_us, int periods, double period_us)
{
    double commits = (double)backoff->last_commits, distance = 0;
    for (int i = 0; i < periods; i++) {
        uint64_t now = backoff->last_ticks + (uint64_t)(period_us * TICKS_PER_US) + 1;
        assert_true(backoff_due(backoff, now));
        commits += rate(bound_us(backoff), top_us) * period_us / 1e6;
        double before = backoff->max_us;
        backoff_climb(backoff, now, (uint64_t)commits);
        assert_true(backoff->max_us >= 0 && backoff->max_us <= 1000);
        /* At most two steps, however late the leader, or the jump of BO3. */
        assert_true(fabs(backoff->max_us - before) <= 1.001 || backoff->max_us == 0);
        assert_true(bound_us(backoff) == 0 || fabs(bound_us(backoff) - backoff->max_us) < 0.001);
        if (i >= periods / 2)
            distance += fabs(backoff->max_us - top_us);
    }
    return distance / (periods - periods / 2);
}

static void it_climbs_to_the_better_rate(void **state)
{
    (void)state;
    static const double tops[] = {0, 3, 20, 100};
    for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++) {
        struct backoff backoff;
        memset(&backoff, 0, sizeof backoff);
        backoff_init(&backoff, BACKOFF_ADAPTIVE, TICKS_PER_US);
        assert_true(bound_us(&backoff) == 0);
        assert_true(climb(&backoff, tops[i], 1000, PERIOD_US) < 3);
        assert_true(climb(&backoff, 50, 1000, PERIOD_US) < 3); /* follows when the load changes */
        assert_true(climb(&backoff, tops[i], 2000, 7500) < 3); /* with late leaders as well */
    }
}

static void it_stays_within_its_bounds(void **state)
{
    (void)state;
    struct backoff backoff;
    memset(&backoff, 0, sizeof backoff);
    backoff_init(&backoff, BACKOFF_ADAPTIVE, TICKS_PER_US);
    (void)climb(&backoff, 5000, 4000, PERIOD_US); /* the top is out of reach: it stops at 1000 us */
    assert_true(bound_us(&backoff) > 990);
    (void)climb(&backoff, -5000, 6000, PERIOD_US);
    assert_true(bound_us(&backoff) < 10);
}

/* A flat hill: the bound wanders, but no further than a walk of that many steps may. */
static void on_a_plateau_it_wanders(void **state)
{
    (void)state;
    struct backoff backoff;
    memset(&backoff, 0, sizeof backoff);
    backoff_init(&backoff, BACKOFF_ADAPTIVE, TICKS_PER_US);
    double highest = 0;
    for (int i = 0; i < 10000; i++) {
        backoff_climb(&backoff, backoff.last_ticks + 5000000, backoff.last_commits + 5000);
        highest = bound_us(&backoff) > highest ? bound_us(&backoff) : highest;
    }
    assert_true(highest > 1);
    assert_true(highest < 0.5 * 5 * 100); /* five standard deviations of 10000 steps */
}

static double noise(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        sum += (double)(*state >> 11) / 0x1p53;
    }
    return sum - 6; /* about normal, with a standard deviation of 1 */
}

/* BO2: waits only cost time, 2% of the rate for each step, and the rate varies ten times as much from period to period.
 */
static void noise_does_not_make_it_wait(void **state)
{
    (void)state;
    enum { PERIODS = 4000 };
    struct backoff backoff;
    uint64_t random = 7;
    double commits = 0, sum = 0;
    memset(&backoff, 0, sizeof backoff);
    backoff_init(&backoff, BACKOFF_ADAPTIVE, TICKS_PER_US);
    for (int i = 0; i < PERIODS; i++) {
        double rate = 1e6 / (1 + bound_us(&backoff) * 0.04) * (1 + 0.2 * noise(&random));
        commits += rate > 0 ? rate : 0;
        backoff_climb(&backoff, backoff.last_ticks + 5000000, (uint64_t)commits);
        sum += bound_us(&backoff);
    }
    assert_true(sum / PERIODS < 1.5);
}

/* BO3: far up, where the rate does not depend on the bound, no slope leads back to the better rate without waits. And
 * where waits are worth it, trials do not end them. */
static void it_comes_back_from_a_plateau(void **state)
{
    (void)state;
    for (unsigned worth = 0; worth < 2; worth++) {
        struct backoff backoff;
        double commits = 0, sum = 0;
        memset(&backoff, 0, sizeof backoff);
        backoff_init(&backoff, BACKOFF_ADAPTIVE, TICKS_PER_US);
        backoff.max_us = 500;
        for (int i = 0; i < 1000; i++) {
            commits += bound_us(&backoff) > 10 || worth ? 4e5 + worth * 1e3 * bound_us(&backoff) : 5e5;
            backoff_climb(&backoff, backoff.last_ticks + 5000000, (uint64_t)commits);
            sum += i >= 500 ? backoff.max_us : 0;
        }
        assert_true(worth ? sum / 500 > 500 : sum / 500 < 10);
    }
}

static void only_adaptive_climbs(void **state)
{
    (void)state;
    struct backoff backoff;
    memset(&backoff, 0, sizeof backoff);
    backoff_init(&backoff, BACKOFF_OFF, TICKS_PER_US);
    assert_true(bound_us(&backoff) == 0);
    assert_false(backoff_due(&backoff, backoff.last_ticks + UINT32_MAX));
    backoff_init(&backoff, 12500, TICKS_PER_US); /* ns */
    assert_true(bound_us(&backoff) == 12.5);
    assert_false(backoff_due(&backoff, backoff.last_ticks + UINT32_MAX));
    backoff_init(&backoff, BACKOFF_ADAPTIVE, TICKS_PER_US);
    assert_false(backoff_due(&backoff, backoff.last_ticks + 4999000));
    assert_false(backoff_due(&backoff, backoff.last_ticks - 1)); /* a leader that read its clock earlier */
    assert_true(backoff_due(&backoff, backoff.last_ticks + 5000000));
}

/* A machine that commits most without waits, and half as often for each doubling of the bound. */
static double commits_in_ms(double us)
{
    return 1000 / (1 + us);
}

/* learn: within 50 ms the bound is the best one, whatever bounds were tried on the way. */
static void it_learns_the_best_bound(void **state)
{
    (void)state;
    struct backoff backoff;
    double commits = 0, longest = 0;
    memset(&backoff, 0, sizeof backoff);
    backoff_init(&backoff, BACKOFF_LEARN, TICKS_PER_US);
    assert_false(backoff_due(&backoff, backoff.last_ticks + 999000));
    for (int i = 0; i < 100; i++) {
        uint64_t now = backoff.last_ticks + 1000000;
        assert_true(backoff_due(&backoff, now));
        commits += commits_in_ms(bound_us(&backoff));
        backoff_climb(&backoff, now, (uint64_t)commits);
        longest = fmax(longest, bound_us(&backoff));
        assert_true(i < 50 || bound_us(&backoff) == 0);
    }
    assert_true(longest >= 4);
}

/* learn: a period goes on until there are 32 commits, or until 16 ms have passed. */
static void few_commits_make_a_long_period(void **state)
{
    (void)state;
    struct backoff backoff;
    memset(&backoff, 0, sizeof backoff);
    backoff_init(&backoff, BACKOFF_LEARN, TICKS_PER_US);
    for (unsigned bound = 0; bound < 2; bound++) {
        uint64_t begin = backoff.last_ticks, first = backoff.last_commits;
        for (unsigned ms = 1; ms <= 15; ms++) {
            uint64_t now = begin + ms * UINT64_C(1000000);
            assert_true(backoff_due(&backoff, now));
            backoff_climb(&backoff, now, first + (bound ? ms : ms * 31 / 15));
            assert_int_equal(backoff.last_ticks, begin);
            assert_false(backoff_due(&backoff, now + 999999)); /* nobody sums commits before the next ms */
        }
        backoff_climb(&backoff, begin + 16000000, first + (bound ? 16 : 32));
        assert_int_equal(backoff.last_ticks, begin + 16000000);
        assert_true(bound_us(&backoff) == (bound ? 1 : 0.5));
    }
}

static void waits_are_uniform_below_the_bound(void **state)
{
    (void)state;
    enum { WAITS = 4000 };
    struct backoff backoff;
    struct retries retries = {.random = 5};
    uint64_t max, at_least = 0, short_waits = 0;
    memset(&backoff, 0, sizeof backoff);
    backoff_init(&backoff, BACKOFF_OFF, 1);
    assert_int_equal(backoff_wait(&backoff, &retries, 0), 0);
    backoff_init(&backoff, 2000, tsc_ticks_per_us()); /* 2 us */
    max = atomic_load(&backoff.max_ticks);
    for (int i = 0; i < WAITS; i++) {
        uint64_t waited = backoff_wait(&backoff, &retries, 0); /* what passed: the wait asked for, or a little more */
        at_least += waited < max ? waited : max;
        short_waits += waited < max / 4;
    }
    assert_true((double)at_least > 0.4 * (double)max * WAITS);
    assert_true(short_waits > 0);
}

/* BO1. */
static void who_does_not_get_through_waits_longer(void **state)
{
    (void)state;
    struct backoff backoff;
    struct retries retries = {.random = 5};
    memset(&backoff, 0, sizeof backoff);
    backoff_init(&backoff, BACKOFF_ADAPTIVE, TICKS_PER_US);
    for (int round = 0; round < 2; round++) { /* a commit begins it anew */
        uint64_t commits = (uint64_t)round;
        for (int i = 0; i < BACKOFF_PATIENCE; i++)
            assert_int_equal(backoff_bound(&backoff, &retries, commits), 0);
        for (unsigned us = 1; us < 1000; us *= 2)
            assert_int_equal(backoff_bound(&backoff, &retries, commits), us * 1000);
        for (int i = 0; i < 100; i++)
            assert_int_equal(backoff_bound(&backoff, &retries, commits), 1000 * 1000);
    }
    atomic_store(&backoff.max_ticks, 70000); /* the common bound, where it is larger */
    for (int i = 1; i < 100; i++) {
        uint64_t bound = backoff_bound(&backoff, &retries, 3);
        assert_int_equal(bound, i <= BACKOFF_PATIENCE + 7 ? 70000 : i <= BACKOFF_PATIENCE + 10 ? bound : 1000 * 1000);
        assert_true(bound >= 70000);
    }
    static const uint64_t others[] = {BACKOFF_OFF, 3000, BACKOFF_LEARN};
    for (size_t i = 0; i < 3; i++) { /* what was asked for, or has been learnt, stays so */
        backoff_init(&backoff, others[i], TICKS_PER_US);
        for (int n = 0; n < 100; n++)
            assert_int_equal(backoff_bound(&backoff, &retries, 4), i == 1 ? 3000 : 0);
    }
}

static void the_option_decides_whether_workers_wait(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        bool waits;
        double max_us;
    } cases[] = {{"backoff=off", false, 0},
                 {"backoff=fixed:5", true, 5},
                 {"backoff=adaptive", false, 0}, /* not yet */
                 {"backoff=learn", false, 0},    /* not yet */
                 {"backoff=fixed:0", false, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world = world_open(cases[i].options, MAE_INDEX_HASH, 8, 1);
        struct mae_state horizons;
        for (int n = 0; n < 10; n++)
            mae_backoff(world.workers[0]);
        assert_int_equal(worker_counter(world.workers[0], "backoff_waits") > 0, cases[i].waits);
        assert_int_equal(worker_counter(world.workers[0], "backoff_ticks") > 0, cases[i].waits);
        mae_db_state(world.db, &horizons);
        assert_true(fabs(horizons.backoff_max_us - cases[i].max_us) < 0.01);
        world_close(&world);
    }
}

/* In the engine the leader moves the bound: after a while of committing, however long that takes on a busy machine, it
 * has moved away from zero. */
static void the_leader_moves_the_bound(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        double first_us;
        bool moves;
    } cases[] = {{"backoff=adaptive", 0, true}, {"backoff=learn", 0, true}, {"backoff=fixed:7", 7, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world = world_open(cases[i].options, MAE_INDEX_HASH, 8, 1);
        uint64_t row = new_row(world.workers[0], world.table, 0);
        bool moved = false;
        for (uint64_t start = monotonic_ns(); (cases[i].moves || time_left(start, 20)) && !moved;) {
            struct mae_state horizons;
            (void)row_value(world.workers[0], world.table, row);
            mae_db_state(world.db, &horizons);
            moved = fabs(horizons.backoff_max_us - cases[i].first_us) > 0.01;
        }
        assert_int_equal(moved, cases[i].moves);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_climbs_to_the_better_rate),
        cmocka_unit_test(it_stays_within_its_bounds),
        cmocka_unit_test(on_a_plateau_it_wanders),
        cmocka_unit_test(noise_does_not_make_it_wait),
        cmocka_unit_test(it_comes_back_from_a_plateau),
        cmocka_unit_test(only_adaptive_climbs),
        cmocka_unit_test(it_learns_the_best_bound),
        cmocka_unit_test(few_commits_make_a_long_period),
        cmocka_unit_test(waits_are_uniform_below_the_bound),
        cmocka_unit_test(who_does_not_get_through_waits_longer),
        cmocka_unit_test(the_option_decides_whether_workers_wait),
        cmocka_unit_test(the_leader_moves_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
