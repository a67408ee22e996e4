/* arrivals.c - harness/bench/arrivals.h: rates, independence, restarts. Nothing waits here. MAE_SEED repeats a run. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "harness/bench/arrivals.h"
#include "harness/common/clock.h"

static uint64_t seed;

static void uniform_gaps_are_equal_and_workers_shifted(void **state)
{
    (void)state;
    struct arrivals arrivals[4];
    double gap = clock_ticks_of_ns(1e9 * 4 / 1000); /* a quarter of 1000 a second each */
    for (unsigned worker = 0; worker < 4; worker++) {
        arrivals_init(&arrivals[worker], false, 1000, worker, 4, seed);
        arrivals_restart(&arrivals[worker], 1000000);
        double first = (double)(arrivals_due(&arrivals[worker]) - 1000000);
        assert_true(fabs(first - gap * (worker + 1) / 4) <= 1);
        for (int i = 1; i < 1000; i++) {
            arrivals_take(&arrivals[worker]);
            assert_true(fabs((double)(arrivals_due(&arrivals[worker]) - 1000000) - first - i * gap) <= 1);
        }
    }
}

/* The number in a time is Poisson: mean and variance are the same; for 100000 gaps both are well within 3%. */
static void poisson_gaps_have_the_rate_and_the_spread(void **state)
{
    (void)state;
    enum { GAPS = 100000 };
    struct arrivals arrivals;
    arrivals_init(&arrivals, true, 50000, 1, 2, seed);
    double mean = clock_ticks_of_ns(1e9 * 2 / 50000), sum = 0, squares = 0;
    uint64_t last = arrivals_due(&arrivals);
    for (int i = 0; i < GAPS; i++) {
        arrivals_take(&arrivals);
        double gap = (double)(arrivals_due(&arrivals) - last);
        last = arrivals_due(&arrivals);
        sum += gap;
        squares += gap * gap;
    }
    double variance = squares / GAPS - sum / GAPS * (sum / GAPS);
    assert_true(fabs(sum / GAPS / mean - 1) < 0.03);
    assert_true(fabs(sqrt(variance) / mean - 1) < 0.05);
}

static void schedules_repeat_by_seed_and_differ_by_worker(void **state)
{
    (void)state;
    struct arrivals a, b, c;
    arrivals_init(&a, true, 1000, 0, 2, seed);
    arrivals_init(&b, true, 1000, 0, 2, seed);
    arrivals_init(&c, true, 1000, 1, 2, seed);
    a.begin_ticks = b.begin_ticks = c.begin_ticks = 0;
    unsigned same = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(arrivals_due(&a), arrivals_due(&b));
        same += arrivals_due(&a) == arrivals_due(&c);
        arrivals_take(&a);
        arrivals_take(&b);
        arrivals_take(&c);
    }
    assert_true(same < 5);
}

static void a_restart_forgets_what_was_due(void **state)
{
    (void)state;
    struct arrivals arrivals;
    arrivals_init(&arrivals, true, 1000, 0, 1, seed);
    arrivals_take(&arrivals);
    assert_int_equal(arrivals.taken, 1);
    uint64_t now = arrivals.begin_ticks + (uint64_t)1e12;
    arrivals_restart(&arrivals, now);
    assert_true(arrivals_due(&arrivals) >= now);
    assert_int_equal(arrivals.taken, 0);
    assert_int_equal(arrivals_late_ns(&arrivals, now, now), 0);
}

/* A worker that is stopped does nothing about its lateness, and is late all the same. */
static void lateness_grows_without_the_worker(void **state)
{
    (void)state;
    struct arrivals arrivals;
    uint64_t ms = (uint64_t)clock_ticks_of_ns(1e6), begin = 1000 * ms;
    arrivals_init(&arrivals, false, 1000, 0, 1, seed);
    arrivals_restart(&arrivals, begin);
    assert_int_equal(arrivals_late_ns(&arrivals, begin, begin), 0);
    assert_in_range(arrivals_late_ns(&arrivals, begin + 6 * ms, begin + 6 * ms), 4900000, 5100000);
    assert_in_range(arrivals_late_ns(&arrivals, begin + 6 * ms, begin + 16 * ms), 14900000, 15100000);
    assert_int_equal(arrivals_late_ns(&arrivals, begin, begin + 16 * ms), 0); /* it was not due by then */
    arrivals_take(&arrivals);
    assert_in_range(arrivals_late_ns(&arrivals, begin + 6 * ms, begin + 6 * ms), 3900000, 4100000);
}

static void what_never_began_is_counted_with_its_waiting(void **state)
{
    (void)state;
    struct arrivals arrivals;
    struct histogram *waited = calloc(1, sizeof *waited);
    uint64_t ms = (uint64_t)clock_ticks_of_ns(1e6), begin = 1000 * ms;
    histogram_init(waited);
    arrivals_init(&arrivals, false, 1000, 0, 1, seed);
    arrivals_restart(&arrivals, begin);
    for (int i = 0; i < 40; i++)
        arrivals_take(&arrivals);
    assert_in_range(arrivals_overdue(&arrivals, begin + 100 * ms + ms / 2, begin + 110 * ms, waited), 60, 60);
    assert_int_equal(waited->count, 60);
    assert_in_range(waited->min, 9900000, 10100000);
    assert_in_range(waited->max, 68900000, 69100000);
    assert_int_equal(arrivals_overdue(&arrivals, begin + 100 * ms + ms / 2, begin + 110 * ms, waited), 0);
    free(waited);
}

/* A billion requests are not walked one by one, yet counted, and their waiting is right. */
static void a_long_backlog_is_counted_in_steps(void **state)
{
    (void)state;
    struct arrivals arrivals;
    struct histogram *waited = calloc(1, sizeof *waited);
    uint64_t second = (uint64_t)clock_ticks_of_ns(1e9);
    histogram_init(waited);
    arrivals_init(&arrivals, true, 1e9, 0, 1, seed);
    arrivals_restart(&arrivals, second);
    uint64_t overdue = arrivals_overdue(&arrivals, 2 * second, 2 * second, waited);
    assert_true(fabs((double)overdue / 1e9 - 1) < 0.001);
    assert_int_equal(waited->count, overdue);
    assert_true(fabs(histogram_mean(waited) / 5e8 - 1) < 0.01);
    assert_true(fabs((double)histogram_percentile(waited, 99) / 9.9e8 - 1) < 0.01);
    free(waited);
}

/* Until each moment as many are due as the area below the rate says, whatever the worker's share. */
static void a_plan_is_followed(void **state)
{
    (void)state;
    static const struct {
        double at_s;
        uint64_t due;
    } points[] = {{0.5, 250}, {1, 1000}, {2, 3000}, {2.5, 3750}, {3.4, 4000}, {4.5, 5000}};
    struct rate_plan plan;
    char error[RATE_PLAN_ERROR_BYTES];
    assert_true(rate_plan_read(&plan, "0..2k/1s,2k/1s,2000..0/1s,0/500ms,1k/1s", error));
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct arrivals arrivals;
        uint64_t due = 0;
        arrivals_init(&arrivals, false, 1000, 0, workers, 1);
        arrivals.plan = &plan;
        arrivals_restart(&arrivals, 1000);
        for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
            uint64_t until = 1000 + (uint64_t)clock_ticks_of_ns(points[i].at_s * 1e9);
            for (; arrivals_due(&arrivals) <= until; due++)
                arrivals_take(&arrivals);
            assert_in_range(due, points[i].due / workers - 2, points[i].due / workers + 2);
        }
    }
    assert_false(rate_plan_read(&plan, "1k/0s", error));
    assert_false(rate_plan_read(&plan, "1k..x/1s", error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_gaps_are_equal_and_workers_shifted),
        cmocka_unit_test(poisson_gaps_have_the_rate_and_the_spread),
        cmocka_unit_test(schedules_repeat_by_seed_and_differ_by_worker),
        cmocka_unit_test(a_restart_forgets_what_was_due),
        cmocka_unit_test(lateness_grows_without_the_worker),
        cmocka_unit_test(what_never_began_is_counted_with_its_waiting),
        cmocka_unit_test(a_plan_is_followed),
        cmocka_unit_test(a_long_backlog_is_counted_in_steps),
    };
    const char *given = getenv("MAE_SEED");
    seed = given == NULL ? (uint64_t)0x5eed : strtoull(given, NULL, 0);
    printf("seed %llu\n", (unsigned long long)seed);
    clock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
