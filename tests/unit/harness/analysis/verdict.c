/*
 * Tests of harness/analysis/verdict.h: the rule on made-up evidence, and the whole decision of scripts/regress on
 * simulated machines: blocks A B B A in random order, noise measured first, four looks. The machines are unkind on
 * purpose: they have Gaussian noise, noise with heavy tails, or a speed that wanders and jumps by a third. MAE_SEED
 * repeats a run. The bounds are at most 6 standard deviations from the expected values.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/analysis/verdict.h"
#include "workloads/rng.h"

enum { LOOKS = 4, BLOCKS = 24, NOISE_BLOCKS = 6, TRIALS = 100 };

struct machine {
    const char *name;
    double spread;            /* of a run, standard deviation */
    double outlier_rate;      /* runs that neighbours slow down by up to half */
    double wander, jump_rate; /* of the machine's speed from run to run */
};

static uint64_t seed;

static double gauss(struct rng *rng)
{
    return sqrt(-2 * log(1 - rng_unit(rng))) * cos(2 * M_PI * rng_unit(rng));
}

static double run_speed(const struct machine *machine, struct rng *rng, double *level)
{
    *level += machine->wander * gauss(rng);
    if (rng_unit(rng) < machine->jump_rate)
        *level = 0.33 * (rng_unit(rng) - 0.5);
    double slow = rng_unit(rng) < machine->outlier_rate ? 0.5 * rng_unit(rng) : 0;
    return exp(*level + machine->spread * gauss(rng)) * (1 - slow);
}

/* One block: A B B A or B A A B. */
static void run_block(const struct machine *machine, struct rng *rng, double *level, double b_speed, double a[2],
                      double b[2])
{
    bool a_outside = rng_unit(rng) < 0.5;
    for (int i = 0, a_count = 0, b_count = 0; i < 4; i++) {
        double speed = run_speed(machine, rng, level);
        if ((i == 0 || i == 3) == a_outside)
            a[a_count++] = speed;
        else
            b[b_count++] = speed * b_speed;
    }
}

static enum verdict decide(const struct machine *machine, struct rng *rng, double b_speed, double threshold)
{
    double a[2 * BLOCKS], b[2 * BLOCKS], level = 0;
    struct statistics_block noise_blocks[NOISE_BLOCKS], blocks[BLOCKS];
    double aa[4 * NOISE_BLOCKS];
    for (size_t i = 0; i < NOISE_BLOCKS; i++) {
        run_block(machine, rng, &level, 1, &aa[4 * i], &aa[4 * i + 2]);
        noise_blocks[i] = (struct statistics_block){&aa[4 * i], &aa[4 * i + 2], 2, 2};
    }
    double alpha = verdict_alpha(LOOKS);
    enum verdict verdict = VERDICT_INCONCLUSIVE;
    for (size_t n = 0; n < BLOCKS && verdict == VERDICT_INCONCLUSIVE; n++) {
        run_block(machine, rng, &level, b_speed, &a[2 * n], &b[2 * n]);
        blocks[n] = (struct statistics_block){&a[2 * n], &b[2 * n], 2, 2};
        if ((n + 1) % (BLOCKS / LOOKS) != 0)
            continue;
        struct verdict_evidence evidence = {.a_count = 2 * (n + 1), .b_count = 2 * (n + 1)};
        const char *reason;
        statistics_block_ratio(blocks, n + 1, 1 - alpha, &evidence.ratio, &evidence.interval);
        evidence.p = statistics_block_test(blocks, n + 1).p;
        double noise = statistics_block_noise(noise_blocks, NOISE_BLOCKS, n + 1, 1);
        verdict = verdict_of(&evidence, false, threshold > 0 ? fmax(threshold, noise) : 0, alpha, &reason);
    }
    return verdict;
}

static int slower_in(const struct machine *machine, double b_speed, double threshold)
{
    struct rng rng;
    int slower = 0;
    rng_init(&rng, seed, (uint64_t)(1000 * b_speed) + (uint64_t)(1e6 * machine->spread));
    for (int i = 0; i < TRIALS; i++)
        slower += decide(machine, &rng, b_speed, threshold) == VERDICT_SLOWER;
    print_message("%s, B at %.0f%%, threshold %.0f%%: %d of %d slower\n", machine->name, 100 * b_speed, 100 * threshold,
                  slower, TRIALS);
    return slower;
}

static const struct machine quiet = {"quiet", 0.01, 0, 0, 0}, heavy = {"heavy tails", 0.01, 0.06, 0, 0},
                            drifting = {"drifting", 0.01, 0.05, 0.004, 0.02};

/* 6 standard deviations above `rate` of the trials. */
static int at_most(double rate)
{
    return (int)ceil(TRIALS * rate + 6 * sqrt(TRIALS * rate * (1 - rate)));
}

static void false_alarms_are_rarer_than_promised(void **state)
{
    (void)state;
    /* Without any threshold the test alone must hold what it promises: 5% in both directions together. */
    assert_true(slower_in(&quiet, 1, 0) <= at_most(VERDICT_ALPHA / 2));
    assert_true(slower_in(&heavy, 1, 0) <= at_most(VERDICT_ALPHA / 2));
    assert_true(slower_in(&drifting, 1, 0) <= at_most(VERDICT_ALPHA / 2));
    assert_true(slower_in(&drifting, 1, 0.02) <= at_most(VERDICT_ALPHA / 2));
}

static void slowness_beyond_the_threshold_is_found(void **state)
{
    (void)state;
    assert_true(slower_in(&quiet, 0.95, 0.02) >= TRIALS - at_most(0.01));
    assert_true(slower_in(&heavy, 0.90, 0.02) >= TRIALS - at_most(0.10));
    assert_true(slower_in(&drifting, 0.90, 0.02) >= TRIALS - at_most(0.10));
}

static void slowness_within_the_threshold_is_none(void **state)
{
    (void)state;
    assert_true(slower_in(&quiet, 0.995, 0.02) <= at_most(0.01));
}

static enum verdict judged(double ratio, double low, double high, double p, bool lower_is_better, const char **reason)
{
    struct verdict_evidence evidence = {10, 10, ratio, {low, high, 0.95}, p};
    return verdict_of(&evidence, lower_is_better, 0.03, 0.05, reason);
}

static void each_condition_is_needed(void **state)
{
    (void)state;
    const char *reason;
    assert_int_equal(judged(0.95, 0.93, 0.97, 0.01, false, &reason), VERDICT_SLOWER);
    assert_string_equal(reason, "");
    assert_int_equal(judged(0.95, 0.93, 1.01, 0.01, false, &reason), VERDICT_INCONCLUSIVE); /* 1 is possible */
    assert_string_equal(reason, "the interval is too wide for the threshold: run more repetitions");
    assert_int_equal(judged(0.95, 0.93, 0.97, 0.06, false, &reason), VERDICT_INCONCLUSIVE); /* U cannot tell */
    assert_int_equal(judged(0.98, 0.96, 0.99, 0.01, false, &reason), VERDICT_INCONCLUSIVE); /* not beyond the bound */
    assert_int_equal(judged(0.98, 0.975, 0.99, 0.01, false, &reason), VERDICT_SAME);        /* small but sure */
    assert_int_equal(judged(1.05, 1.04, 1.07, 0.01, false, &reason), VERDICT_FASTER);
    assert_int_equal(judged(1.05, 1.04, 1.07, 0.01, true, &reason), VERDICT_SLOWER);
    assert_int_equal(judged(NAN, NAN, NAN, 0.01, false, &reason), VERDICT_INCONCLUSIVE);
    assert_string_equal(reason, "a value is below 0: there is no ratio");
}

static void nothing_and_everything_are_ratios(void **state)
{
    (void)state;
    const char *reason;
    assert_int_equal(judged(0, 0, 0, 0.001, false, &reason), VERDICT_SLOWER); /* B commits nothing */
    assert_int_equal(judged(0, 0, 0, 0.001, true, &reason), VERDICT_FASTER);
    assert_int_equal(judged(INFINITY, INFINITY, INFINITY, 0.001, false, &reason), VERDICT_FASTER);
    assert_int_equal(judged(INFINITY, INFINITY, INFINITY, 0.001, true, &reason), VERDICT_SLOWER); /* B aborts */
    assert_int_equal(judged(1, 1, 1, 1, true, &reason), VERDICT_SAME);
}

static void what_covers_too_little_is_never_the_same(void **state)
{
    (void)state;
    const char *reason;
    struct verdict_evidence evidence = {3, 3, 1, {0.999, 1.001, 0.9}, 1};
    assert_int_equal(verdict_of(&evidence, false, 0.03, 0.05, &reason), VERDICT_INCONCLUSIVE);
    assert_string_equal(reason, "too few repetitions: the interval covers too little to call it the same");
}

static void chances_of_an_alarm_are_shared_out(void **state)
{
    (void)state;
    assert_true(verdict_alpha(1) == VERDICT_ALPHA && verdict_alpha(0) == VERDICT_ALPHA);
    assert_true(fabs(verdict_alpha(4) * 4 - VERDICT_ALPHA) < 1e-15);
}

int main(void)
{
    const char *given = getenv("MAE_SEED");
    seed = given ? strtoull(given, NULL, 0) : 1;
    print_message("MAE_SEED=%llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_condition_is_needed),
        cmocka_unit_test(nothing_and_everything_are_ratios),
        cmocka_unit_test(what_covers_too_little_is_never_the_same),
        cmocka_unit_test(chances_of_an_alarm_are_shared_out),
        cmocka_unit_test(false_alarms_are_rarer_than_promised),
        cmocka_unit_test(slowness_beyond_the_threshold_is_found),
        cmocka_unit_test(slowness_within_the_threshold_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
