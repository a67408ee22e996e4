/* mix.c - tests of reading and drawing mixes. */
#include "workloads/mix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void percents_that_sum_up_are_read(void **state)
{
    uint8_t percents[3];
    char error[128];
    (void)state;
    assert_true(mix_read("35/0/65", 3, percents, "three", error, sizeof error));
    assert_memory_equal(percents, ((uint8_t[]){35, 0, 65}), 3);
    assert_true(mix_read("100", 1, percents, "one", error, sizeof error));
    assert_int_equal(percents[0], 100);
}

static void what_is_no_mix_is_refused(void **state)
{
    static const char *const bad[] = {"",         "50/50/",  "50/50",   "50/50/0/0",
                                      "-1/100/1", "50/x/50", "101/0/0", " 50/25/25"};
    uint8_t percents[3];
    char error[128];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(mix_read(bad[i], 3, percents, "three percents", error, sizeof error));
        assert_non_null(strstr(error, "must be three percents"));
        assert_non_null(strstr(error, bad[i]));
    }
    assert_false(mix_read("50/25/26", 3, percents, "three percents", error, sizeof error));
    assert_string_equal(error, "mix=50/25/26: the percents sum up to 101, must be 100");
}

static void types_are_drawn_as_often_as_the_mix_says(void **state)
{
    enum { DRAWS = 100000 };
    static const uint8_t percents[] = {0, 70, 0, 25, 5};
    unsigned counts[5] = {0};
    struct rng rng;
    (void)state;
    rng_init(&rng, 1, 1);
    for (int i = 0; i < DRAWS; i++)
        counts[mix_draw(percents, &rng)]++;
    for (int i = 0; i < 5; i++) /* 5 standard deviations are below 800 */
        assert_true(abs((int)counts[i] - percents[i] * (DRAWS / 100)) < 800 * (percents[i] > 0) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percents_that_sum_up_are_read),
        cmocka_unit_test(what_is_no_mix_is_refused),
        cmocka_unit_test(types_are_drawn_as_often_as_the_mix_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
