/*
 * Tests of harness/common/statistics.c. Expected values were computed with SciPy 1.10.1: mannwhitneyu (exact, and
 * asymptotic with continuity) without ties or for many values, permutation_test over all arrangements of the ranks with
 * ties, numpy.quantile for quantiles. The coverage of intervals is simulated; MAE_SEED repeats a run.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/common/statistics.h"
#include "workloads/rng.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.17g, want %.17g", got, want);
}

static void a_summary_agrees_with_numpy(void **state)
{
    (void)state;
    const double values[] = {3.1, 1.2, 9.9, 4.4, 5.0, 2.2, 40.0};
    struct statistics_summary summary;
    assert_true(statistics_summarize(values, COUNT(values), &summary));
    assert_int_equal(summary.count, 7);
    assert_near(summary.mean, 9.4, 1e-12);
    assert_near(summary.median, 4.4, 0);
    assert_near(summary.min, 1.2, 0);
    assert_near(summary.max, 40.0, 0);
    assert_near(summary.q1, 2.65, 1e-12);
    assert_near(summary.q3, 7.45, 1e-12);
    const double sorted[] = {1.2, 2.2, 3.1, 4.4, 5.0, 9.9, 40.0};
    assert_near(statistics_quantile(sorted, 7, 0.1), 1.8, 1e-12);
    assert_near(statistics_quantile(sorted, 7, 0.975), 35.485, 1e-12);
    assert_near(statistics_quantile(sorted, 7, 0), 1.2, 0);
    assert_near(statistics_quantile(sorted, 7, 1), 40.0, 0);
    assert_near(statistics_median(values, 6), 3.75, 1e-12); /* an even count: between the two in the middle */
}

static void outliers_are_marked_and_stay(void **state)
{
    (void)state;
    const double values[] = {3.1, 1.2, 9.9, 4.4, 5.0, 2.2, 40.0};
    bool marks[COUNT(values)];
    assert_int_equal(statistics_outliers(values, COUNT(values), marks), 1);
    for (size_t i = 0; i < COUNT(values); i++)
        assert_int_equal(marks[i], values[i] > 30);
    struct statistics_summary summary;
    assert_true(statistics_summarize(values, COUNT(values), &summary));
    assert_int_equal(summary.outliers, 1);
    assert_near(summary.max, 40.0, 0);
}

static void no_values_and_values_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    struct statistics_summary summary;
    const double bad[] = {1, NAN, 2}, endless[] = {1, INFINITY};
    assert_false(statistics_summarize(bad, 0, &summary));
    assert_false(statistics_summarize(bad, 3, &summary));
    assert_false(statistics_summarize(endless, 2, &summary));
    assert_true(statistics_summarize(bad, 1, &summary));
    assert_near(summary.median, 1, 0);
    assert_true(isnan(summary.median_interval.low) &&
                isnan(summary.median_interval.high)); /* one value has no spread */
}

static void an_interval_of_a_median_is_cut_from_the_order_and_tells_what_it_covers(void **state)
{
    (void)state;
    static const struct {
        size_t count, k;
        double percent;
    } cases[] = {{2, 1, 50}, {3, 1, 75}, {4, 1, 87.5}, {5, 1, 93.7}, {6, 1, 96.8}, {10, 2, 97.8}, {30, 10, 95.7}};
    double values[30];
    struct statistics_summary summary;
    for (size_t i = 0; i < 30; i++)
        values[i] = (double)(i * 7 % 30); /* 0 to 29 */
    for (size_t i = 0; i < COUNT(cases); i++) {
        double few[30];
        for (size_t j = 0; j < cases[i].count; j++)
            few[j] = (double)(cases[i].count - j);
        assert_true(statistics_summarize(few, cases[i].count, &summary));
        assert_near(summary.median_interval.low, (double)cases[i].k, 0);
        assert_near(summary.median_interval.high, (double)(cases[i].count + 1 - cases[i].k), 0);
        assert_near(statistics_coverage_percent(summary.median_interval), cases[i].percent, 1e-9);
    }
    assert_true(statistics_summarize(values, 30, &summary));
    assert_near(summary.median_interval.low, 9, 0);
    assert_near(statistics_coverage_percent((struct statistics_interval){0, 0, 0.9499}), 94.9, 1e-9);
}

/* The factors that the U test would not refuse, counted out by trying. */
static void the_interval_of_a_factor_is_the_u_test_turned_round(void **state)
{
    (void)state;
    const double a[] = {100, 101, 99, 102, 98.3, 100.5, 99.5}, b[] = {95, 96.2, 94, 97, 93, 95.5, 94.6, 96.5};
    struct statistics_interval interval;
    double ratio, freed[8];
    statistics_median_ratio(a, 7, b, 8, 0.95, &ratio, &interval);
    assert_near(ratio, 95.25 / 100, 1e-12);
    assert_true(interval.coverage >= 0.95 && interval.coverage < 0.97);
    for (int side = 0; side < 2; side++)
        for (int outside = 0; outside < 2; outside++) {
            double end = side == 0 ? interval.low : interval.high;
            end *= (side == 0) == (outside == 1) ? 1 - 1e-9 : 1 + 1e-9;
            for (size_t i = 0; i < 8; i++)
                freed[i] = b[i] / end;
            assert_int_equal(statistics_mann_whitney(a, 7, freed, 8).p <= 0.05, outside);
        }
    statistics_median_ratio(a, 3, b, 3, 0.95, &ratio, &interval);
    assert_near(interval.coverage, 0.9, 1e-12); /* 2 of 20 arrangements lie outside */
    statistics_median_ratio(a, 2, b, 2, 0.95, &ratio, &interval);
    assert_near(interval.coverage, 2.0 / 3, 1e-12);
}

static void a_ratio_without_ground_is_not_a_number(void **state)
{
    (void)state;
    const double below[] = {-1, 2, 3}, b[] = {1, 2, 3};
    struct statistics_interval interval;
    double ratio;
    statistics_median_ratio(below, 3, b, 3, 0.95, &ratio, &interval);
    assert_true(isnan(ratio) && isnan(interval.low));
    statistics_median_ratio(b, 3, b, 0, 0.95, &ratio, &interval);
    assert_true(isnan(ratio) && isnan(interval.low));
    statistics_median_ratio(b, 1, b, 3, 0.95, &ratio, &interval);
    assert_near(ratio, 2, 0);
    assert_true(isnan(interval.low) && isnan(interval.high) && interval.coverage == 0);
}

static void zeros_have_ratios(void **state)
{
    (void)state;
    const double none[] = {0, 0, 0, 0, 0, 0}, some[] = {1, 2, 3, 4, 5, 6}, few[] = {0, 0, 0, 0, 0, 1};
    struct statistics_interval interval;
    double ratio;
    statistics_median_ratio(none, 6, some, 6, 0.95, &ratio, &interval);
    assert_true(isinf(ratio) && isinf(interval.low) && isinf(interval.high));
    statistics_median_ratio(some, 6, none, 6, 0.95, &ratio, &interval);
    assert_true(ratio == 0 && interval.low == 0 && interval.high == 0);
    statistics_median_ratio(none, 6, none, 6, 0.95, &ratio, &interval);
    assert_true(ratio == 1 && interval.low == 1 && interval.high == 1);
    statistics_median_ratio(none, 6, few, 6, 0.95, &ratio, &interval);
    assert_true(ratio == 1 && interval.low == 0 && isinf(interval.high)); /* 0 / 0 may be anything */

    struct statistics_block blocks[2] = {{some, none, 2, 2}, {&some[2], none, 2, 2}};
    statistics_block_ratio(blocks, 2, 0.95, &ratio, &interval);
    assert_true(ratio == 0 && interval.high == 0);
    blocks[1] = (struct statistics_block){none, some, 2, 2};
    statistics_block_ratio(blocks, 2, 0.95, &ratio, &interval);
    assert_true(ratio == 1 && interval.low == 0 && isinf(interval.high));
    assert_true(isnan(statistics_block_noise(blocks, 2, 2, 1)));
}

/* ---- What intervals cover, in simulated experiments. ---- */

enum { EXPERIMENTS = 20000 };
static uint64_t seed = 1;

/* Noise of three kinds around a median of 1: of a quiet machine, skewed, and with tails that have no mean. */
static double noise(struct rng *rng, int kind)
{
    double u = rng_unit(rng);
    if (kind == 0)
        return exp(0.02 * sqrt(-2 * log(1 - u)) * cos(2 * M_PI * rng_unit(rng)));
    if (kind == 1)
        return -log(1 - u) / log(2);
    return exp(fmax(-300, fmin(300, 0.05 * tan(M_PI * (u - 0.5)))));
}

/* Six standard deviations of a share of EXPERIMENTS. */
static double chance(double share)
{
    return 6 * sqrt(share * (1 - share) / EXPERIMENTS);
}

static void intervals_cover_what_they_say(void **state)
{
    (void)state;
    static const size_t counts[] = {2, 3, 4, 6, 10};
    struct rng rng;
    rng_init(&rng, seed, 0);
    for (int kind = 0; kind < 3; kind++)
        for (size_t c = 0; c < COUNT(counts); c++) {
            size_t n = counts[c], medians = 0, factors = 0;
            double a[10], b[10], ratio, promised = 0;
            struct statistics_summary summary = {0};
            struct statistics_interval factor;
            for (size_t i = 0; i < EXPERIMENTS; i++) {
                for (size_t k = 0; k < n; k++) {
                    a[k] = noise(&rng, kind);
                    b[k] = 0.8 * noise(&rng, kind);
                }
                assert_true(statistics_summarize(a, n, &summary));
                statistics_median_ratio(a, n, b, n, 0.95, &ratio, &factor);
                medians += summary.median_interval.low <= 1 && summary.median_interval.high >= 1;
                factors += factor.low <= 0.8 && factor.high >= 0.8;
                promised = factor.coverage;
            }
            double of_medians = (double)medians / EXPERIMENTS, of_factors = (double)factors / EXPERIMENTS;
            print_message("kind %d, n = %zu: median %.3f of %.3f, factor %.3f of %.3f\n", kind, n, of_medians,
                          summary.median_interval.coverage, of_factors, promised);
            assert_near(of_medians, summary.median_interval.coverage, chance(of_medians));
            assert_true(of_factors >= promised - chance(of_factors) && of_factors <= promised + 0.03);
            assert_true(n < 6 || (of_medians >= 0.95 - chance(0.95) && of_factors >= 0.95 - chance(0.95)));
        }
}

static void holm_keeps_false_finds_of_a_family_rare(void **state)
{
    (void)state;
    const double p[] = {0.01, NAN, 0.04, 0.03, 0.005};
    double adjusted[5];
    statistics_holm(p, 5, adjusted); /* as R's p.adjust */
    assert_near(adjusted[0], 0.03, 1e-15);
    assert_true(isnan(adjusted[1]));
    assert_near(adjusted[2], 0.06, 1e-15);
    assert_near(adjusted[3], 0.06, 1e-15);
    assert_near(adjusted[4], 0.02, 1e-15);
    const double sure[] = {0.9, 0.8};
    statistics_holm(sure, 2, adjusted);
    assert_near(adjusted[0], 1, 0);

    enum { FAMILY = 20, FAMILIES = 2000, RUNS = 8 };
    struct rng rng;
    size_t plain_families = 0, holm_families = 0;
    rng_init(&rng, seed, 1);
    for (size_t i = 0; i < FAMILIES; i++) {
        double plain[FAMILY], holm[FAMILY], a[RUNS], b[RUNS];
        bool plainly = false, surely = false;
        for (size_t k = 0; k < FAMILY; k++) {
            for (size_t j = 0; j < RUNS; j++) {
                a[j] = noise(&rng, 0);
                b[j] = noise(&rng, 0);
            }
            plain[k] = statistics_mann_whitney(a, RUNS, b, RUNS).p;
        }
        statistics_holm(plain, FAMILY, holm);
        for (size_t k = 0; k < FAMILY; k++) {
            plainly |= plain[k] <= 0.05;
            surely |= holm[k] <= 0.05;
        }
        plain_families += plainly;
        holm_families += surely;
    }
    print_message("families with a false find: %zu of %d, with Holm %zu\n", plain_families, FAMILIES, holm_families);
    assert_true(plain_families > FAMILIES / 3); /* so many without a correction */
    assert_true((double)holm_families / FAMILIES <= 0.05 + 6 * sqrt(0.05 * 0.95 / FAMILIES));
}

static void the_exact_u_test_agrees_with_scipy(void **state)
{
    (void)state;
    static const struct {
        size_t a_count, b_count;
        double a[8], b[8];
        double u, p;
    } cases[] = {
        {5, 5, {12.1, 11.8, 12.4, 12.0, 11.9}, {11.2, 11.7, 11.5, 11.95, 11.1}, 2, 0.031746031746031744},
        {8, 6, {1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5}, {5.1, 6.1, 7.1, 9.1, 10.1, 11.1}, 39, 0.05927405927405928},
        {6, 5, {1, 2, 2, 3, 3, 3}, {2, 3, 4, 4, 5}, 24.5, 0.11255411255411256}, /* ties */
        {3, 7, {1, 1, 9}, {1, 2, 2, 3, 3, 3, 3}, 13, 0.8166666666666667},       /* ties, unequal counts */
        {3, 3, {7, 7, 7}, {7, 7, 7}, 4.5, 1},
        {1, 1, {1}, {2}, 1, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct statistics_u_test test =
            statistics_mann_whitney(cases[i].a, cases[i].a_count, cases[i].b, cases[i].b_count);
        assert_true(test.exact);
        assert_near(test.u, cases[i].u, 0);
        assert_near(test.p, cases[i].p, 1e-12);
        struct statistics_u_test turned =
            statistics_mann_whitney(cases[i].b, cases[i].b_count, cases[i].a, cases[i].a_count);
        assert_near(turned.u, (double)(cases[i].a_count * cases[i].b_count) - cases[i].u, 0);
        assert_near(turned.p, test.p, 1e-12);
    }
}

static void the_exact_u_test_holds_up_to_its_limit_and_the_normal_one_beyond(void **state)
{
    (void)state;
    double a[40], b[50];
    for (int i = 0; i < 40; i++)
        a[i] = i * 37 % 101;
    for (int i = 0; i < 50; i++)
        b[i] = i * 53 % 103 + 10.5;
    struct statistics_u_test test = statistics_mann_whitney(a, 20, b, 20);
    assert_true(test.exact);
    assert_near(test.u, 208, 0);
    assert_near(test.p, 0.8410127327426743, 1e-12);
    test = statistics_mann_whitney(a, 30, b, 30);
    assert_true(test.exact);
    assert_near(test.u, 533, 0);
    assert_near(test.p, 0.22436564748160537, 1e-12);

    for (int i = 0; i < 40; i++)
        a[i] = i * 37 % 23;
    for (int i = 0; i < 50; i++)
        b[i] = i * 53 % 29;
    test = statistics_mann_whitney(a, 40, b, 50);
    assert_false(test.exact);
    assert_near(test.u, 1250, 0);
    assert_near(test.p, 0.04263733896387067, 1e-12);

    for (int i = 0; i < 40; i++)
        a[i] = b[i] = 3;
    test = statistics_mann_whitney(a, 40, b, 40);
    assert_false(test.exact);
    assert_near(test.p, 1, 0);
    assert_true(isnan(statistics_mann_whitney(a, 0, b, 5).p));
}

static void one_block_is_the_u_test(void **state)
{
    (void)state;
    const double a[] = {1, 2, 2, 3, 3, 3}, b[] = {2, 3, 4, 4, 5}; /* as above, with ties */
    const struct statistics_block block = {a, b, 6, 5};
    struct statistics_u_test test = statistics_block_test(&block, 1);
    assert_true(test.exact);
    assert_near(test.u, 24.5, 0);
    assert_near(test.p, 0.11255411255411256, 1e-12);
    assert_true(isnan(statistics_block_test(&block, 0).p));
}

/* Every arrangement of three blocks of 2 + 2, counted one by one. */
static void the_block_test_agrees_with_enumeration(void **state)
{
    (void)state;
    static const unsigned choices[6] = {3, 5, 6, 9, 10, 12}; /* which two of four are B's */
    const double a[] = {10, 11, 25, 21, 30, 32}, b[] = {9, 10.5, 20, 22, 30, 31};
    struct statistics_block blocks[3];
    double seen = 0, at_most = 0, at_least = 0;
    for (size_t i = 0; i < 3; i++)
        blocks[i] = (struct statistics_block){&a[2 * i], &b[2 * i], 2, 2};
    struct statistics_u_test test = statistics_block_test(blocks, 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 2; j++)
            for (size_t k = 0; k < 2; k++)
                seen += b[2 * i + j] > a[2 * i + k] ? 1 : b[2 * i + j] < a[2 * i + k] ? 0 : 0.5;
    assert_near(test.u, seen, 0);
    for (size_t n = 0; n < 216; n++) {
        double u = 0;
        for (size_t i = 0, left = n; i < 3; i++, left /= 6) {
            const double all[] = {a[2 * i], a[2 * i + 1], b[2 * i], b[2 * i + 1]};
            for (unsigned j = 0; j < 4; j++)
                for (unsigned k = 0; k < 4; k++)
                    if ((choices[left % 6] >> j & 1) && !(choices[left % 6] >> k & 1))
                        u += all[j] > all[k] ? 1 : all[j] < all[k] ? 0 : 0.5;
        }
        at_most += u <= seen;
        at_least += u >= seen;
    }
    assert_near(test.p, fmin(1, 2 * fmin(at_most, at_least) / 216), 1e-12);
}

static void blocks_are_free_of_what_changes_between_them(void **state)
{
    (void)state;
    double a[24], b[24], ratio;
    struct statistics_block blocks[12];
    struct statistics_interval interval;
    for (size_t i = 0; i < 12; i++) {
        double speed = 1000 * (1 + 0.3 * (double)(i * 7 % 12)); /* the machine: 1 to 4 times as fast */
        double jitter = 0.001 * (double)(i * 5 % 12);
        a[2 * i] = speed * (1 + jitter);
        a[2 * i + 1] = speed * (1 - jitter);
        b[2 * i] = b[2 * i + 1] = 0.97 * speed * (1 + jitter / 10);
        blocks[i] = (struct statistics_block){&a[2 * i], &b[2 * i], 2, 2};
    }
    statistics_block_ratio(blocks, 12, 0.95, &ratio, &interval);
    assert_near(ratio, 0.97, 0.001);
    assert_true(interval.low > 0.969 && interval.high < 0.972 && interval.low <= ratio && ratio <= interval.high);
    assert_true(statistics_block_test(blocks, 12).p < 1e-6);
    assert_true(statistics_mann_whitney(a, 24, b, 24).p > 0.5); /* what the same runs say without their blocks */

    double again;
    struct statistics_interval repeated;
    statistics_block_ratio(blocks, 12, 0.95, &again, &repeated);
    assert_near(repeated.low, interval.low, 0);
    a[0] = -1;
    statistics_block_ratio(blocks, 12, 0.95, &ratio, &interval);
    assert_true(isnan(ratio) && isnan(interval.low));
}

/* A block of equal values says nothing, but makes one value too many for the exact test. */
static void many_values_are_tested_by_their_normal_approximation(void **state)
{
    (void)state;
    enum { BLOCKS = STATISTICS_BLOCKS_EXACT_MAX / 20, SIDE = 10 };
    static double a[BLOCKS][SIDE], b[BLOCKS][SIDE];
    static const double equal[] = {1, 1};
    struct statistics_block blocks[BLOCKS + 1];
    uint64_t random = 7;
    for (int i = 0; i < BLOCKS; i++) {
        for (int k = 0; k < SIDE; k++) {
            random = random * UINT64_C(6364136223846793005) + 1;
            a[i][k] = (double)(random >> 40);
            random = random * UINT64_C(6364136223846793005) + 1;
            b[i][k] = (double)(random >> 40) * 1.1;
        }
        blocks[i] = (struct statistics_block){a[i], b[i], SIDE, SIDE};
    }
    blocks[BLOCKS] = (struct statistics_block){equal, equal + 1, 1, 1};
    struct statistics_u_test exact = statistics_block_test(blocks, BLOCKS);
    struct statistics_u_test many = statistics_block_test(blocks, BLOCKS + 1);
    assert_true(exact.exact && !many.exact);
    assert_near(many.u, exact.u + 0.5, 1e-9);
    assert_true(exact.p > 1e-6 && exact.p < 0.5);
    assert_near(many.p / exact.p, 1, 0.1);
}

static void noise_shrinks_with_blocks(void **state)
{
    (void)state;
    double values[40];
    struct statistics_block blocks[10];
    for (size_t i = 0; i < 10; i++) {
        values[4 * i] = values[4 * i + 1] = 100;
        values[4 * i + 2] = values[4 * i + 3] = 100 * exp(0.01);
        blocks[i] = (struct statistics_block){&values[4 * i], &values[4 * i + 2], 2, 2};
    }
    /* All differ by one and the same: a single block shows just that; the median of many is that or its inverse. */
    assert_near(statistics_block_noise(blocks, 10, 1, 1), expm1(0.01), 1e-12);
    assert_near(statistics_block_noise(blocks, 10, 9, 1), expm1(0.01), 1e-12);
    for (size_t i = 0; i < 10; i++) /* spread evenly */
        values[4 * i + 2] = values[4 * i + 3] = 100 * exp(0.002 * (double)(i + 1));
    double one = statistics_block_noise(blocks, 10, 1, 1), many = statistics_block_noise(blocks, 10, 25, 1);
    assert_near(one, expm1(0.02), 1e-12);
    assert_true(many > 0.002 && many < 0.7 * one);
    assert_true(isnan(statistics_block_noise(blocks, 0, 5, 1)));
}

int main(void)
{
    const char *given = getenv("MAE_SEED");
    seed = given ? strtoull(given, NULL, 0) : 1;
    print_message("MAE_SEED=%llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_summary_agrees_with_numpy),
        cmocka_unit_test(outliers_are_marked_and_stay),
        cmocka_unit_test(no_values_and_values_that_are_no_numbers_are_refused),
        cmocka_unit_test(an_interval_of_a_median_is_cut_from_the_order_and_tells_what_it_covers),
        cmocka_unit_test(the_interval_of_a_factor_is_the_u_test_turned_round),
        cmocka_unit_test(zeros_have_ratios),
        cmocka_unit_test(intervals_cover_what_they_say),
        cmocka_unit_test(holm_keeps_false_finds_of_a_family_rare),
        cmocka_unit_test(a_ratio_without_ground_is_not_a_number),
        cmocka_unit_test(the_exact_u_test_agrees_with_scipy),
        cmocka_unit_test(the_exact_u_test_holds_up_to_its_limit_and_the_normal_one_beyond),
        cmocka_unit_test(one_block_is_the_u_test),
        cmocka_unit_test(the_block_test_agrees_with_enumeration),
        cmocka_unit_test(many_values_are_tested_by_their_normal_approximation),
        cmocka_unit_test(blocks_are_free_of_what_changes_between_them),
        cmocka_unit_test(noise_shrinks_with_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
