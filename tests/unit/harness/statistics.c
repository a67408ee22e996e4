/*
 * Tests of harness/statistics.c. Expected values were computed with SciPy 1.10.1: mannwhitneyu (exact, and asymptotic
 * with continuity) where there are no ties or many values, permutation_test over all arrangements of the ranks where
 * there are ties, bootstrap(method="percentile", n_resamples=200000) for the intervals, numpy.quantile for quantiles.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/statistics.h"

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
    assert_true(statistics_summarize(values, COUNT(values), 1, &summary));
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
    assert_true(statistics_summarize(values, COUNT(values), 1, &summary));
    assert_int_equal(summary.outliers, 1);
    assert_near(summary.max, 40.0, 0);
}

static void no_values_and_values_that_are_no_numbers_are_refused(void **state)
{
    (void)state;
    struct statistics_summary summary;
    const double bad[] = {1, NAN, 2}, endless[] = {1, INFINITY};
    assert_false(statistics_summarize(bad, 0, 1, &summary));
    assert_false(statistics_summarize(bad, 3, 1, &summary));
    assert_false(statistics_summarize(endless, 2, 1, &summary));
    assert_true(statistics_summarize(bad, 1, 1, &summary));
    assert_near(summary.median, 1, 0);
    assert_true(isnan(summary.median_95.low) && isnan(summary.median_95.high)); /* one value has no spread */
}

static void bootstrap_intervals_agree_with_scipy_and_repeat(void **state)
{
    (void)state;
    const double a[] = {100, 101, 99, 102, 98, 100.5, 99.5, 101.5, 97, 103};
    const double b[] = {95, 96, 94, 97, 93, 95.5, 94.5, 96.5, 92, 98};
    struct statistics_interval first, second;
    double ratio;
    statistics_median_ratio(a, 10, b, 10, 0.95, 42, &ratio, &first);
    assert_near(ratio, 95.25 / 100.25, 1e-12);
    assert_near(first.low, 0.9308641975308642, 0.002);
    assert_near(first.high, 0.9697732997481109, 0.002);
    statistics_median_ratio(a, 10, b, 10, 0.95, 42, &ratio, &second);
    assert_near(first.low, second.low, 0);
    assert_near(first.high, second.high, 0);

    struct statistics_summary summary;
    assert_true(statistics_summarize(a, 10, 7, &summary));
    assert_near(summary.median_95.low, 98.75, 0.25);
    assert_near(summary.median_95.high, 101.5, 0.25);
}

static void a_ratio_without_ground_is_not_a_number(void **state)
{
    (void)state;
    const double a[] = {0, 0, 0}, b[] = {1, 2, 3};
    struct statistics_interval interval;
    double ratio;
    statistics_median_ratio(a, 3, b, 3, 0.95, 1, &ratio, &interval);
    assert_true(isnan(ratio) && isnan(interval.low));
    statistics_median_ratio(b, 3, b, 0, 0.95, 1, &ratio, &interval);
    assert_true(isnan(ratio) && isnan(interval.low));
    statistics_median_ratio(b, 1, b, 3, 0.95, 1, &ratio, &interval);
    assert_near(ratio, 2, 0);
    assert_true(isnan(interval.low) && isnan(interval.high));
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
    statistics_block_ratio(blocks, 12, 0.95, 1, &ratio, &interval);
    assert_near(ratio, 0.97, 0.001);
    assert_true(interval.low > 0.969 && interval.high < 0.972 && interval.low <= ratio && ratio <= interval.high);
    assert_true(statistics_block_test(blocks, 12).p < 1e-6);
    assert_true(statistics_mann_whitney(a, 24, b, 24).p > 0.5); /* what the same runs say without their blocks */

    double again;
    struct statistics_interval repeated;
    statistics_block_ratio(blocks, 12, 0.95, 1, &again, &repeated);
    assert_near(repeated.low, interval.low, 0);
    a[0] = 0;
    statistics_block_ratio(blocks, 12, 0.95, 1, &ratio, &interval);
    assert_true(isnan(ratio) && isnan(interval.low));
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_summary_agrees_with_numpy),
        cmocka_unit_test(outliers_are_marked_and_stay),
        cmocka_unit_test(no_values_and_values_that_are_no_numbers_are_refused),
        cmocka_unit_test(bootstrap_intervals_agree_with_scipy_and_repeat),
        cmocka_unit_test(a_ratio_without_ground_is_not_a_number),
        cmocka_unit_test(the_exact_u_test_agrees_with_scipy),
        cmocka_unit_test(the_exact_u_test_holds_up_to_its_limit_and_the_normal_one_beyond),
        cmocka_unit_test(one_block_is_the_u_test),
        cmocka_unit_test(the_block_test_agrees_with_enumeration),
        cmocka_unit_test(blocks_are_free_of_what_changes_between_them),
        cmocka_unit_test(noise_shrinks_with_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
