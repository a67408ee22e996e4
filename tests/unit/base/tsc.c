/* tsc.c - the tick counter and its calibration. */
#include "engine/base/tsc.h"

#include <math.h>

#include "tests/support/world.h"

static void ticks_grow(void **state)
{
    (void)state;
    uint64_t last = tsc_now();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = tsc_now();
        assert_true(now >= last);
        last = now;
    }
}

/* Against the monotonic clock over 20 ms. A preemption between two readings spoils a try: the best of many counts. */
static void ticks_per_us_is_about_right(void **state)
{
    (void)state;
    double ticks_per_us = tsc_ticks_per_us(), best = INFINITY;
    for (int i = 0; i < 500 && best > 0.02; i++) {
        uint64_t ns = monotonic_ns(), ticks = tsc_now();
        while (monotonic_ns() - ns < 20000000) {
        }
        double measured = (double)(tsc_now() - ticks) * 1000 / (double)(monotonic_ns() - ns);
        double error = fabs(measured / ticks_per_us - 1);
        best = error < best ? error : best;
    }
    assert_true(best < 0.02);
    assert_true(tsc_ticks_per_us() == ticks_per_us); /* measured once */
}

#ifdef MAE_DEBUG
static uint64_t constant_ticks(void)
{
    return 42;
}
#endif

static void the_clock_can_be_replaced(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    tsc_override = constant_ticks;
    assert_int_equal(tsc_now(), 42);
    tsc_override = NULL;
    assert_true(tsc_now() != 42);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_grow),
        cmocka_unit_test(ticks_per_us_is_about_right),
        cmocka_unit_test(the_clock_can_be_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
