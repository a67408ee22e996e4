/* quantity.c - harness/common/quantity.h: every suffix, exactness, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/common/quantity.h"

static uint64_t count_of(const char *text)
{
    uint64_t value = 0;
    if (!quantity_parse_u64(text, QUANTITY_COUNT, &value))
        fail_msg("'%s' was refused", text);
    return value;
}

static uint64_t bytes_of(const char *text)
{
    uint64_t value = 0;
    if (!quantity_parse_u64(text, QUANTITY_BYTES, &value))
        fail_msg("'%s' was refused", text);
    return value;
}

static uint64_t time_of(const char *text)
{
    uint64_t value = 1;
    if (!quantity_parse_time(text, &value))
        fail_msg("'%s' was refused", text);
    return value;
}

static void counts_are_decimal(void **state)
{
    (void)state;
    assert_int_equal(count_of("0"), 0);
    assert_int_equal(count_of("10M"), 10000000);
    assert_int_equal(count_of("3k"), 3000);
    assert_int_equal(count_of("1.5M"), 1500000);
    assert_int_equal(count_of("2G"), 2000000000);
    assert_int_equal(count_of("1T"), 1000000000000);
    assert_int_equal(count_of("1KiB"), 1024);
    assert_true(count_of("18446744073709551615") == UINT64_MAX);
}

static void sizes_are_binary(void **state)
{
    (void)state;
    assert_int_equal(bytes_of("4G"), UINT64_C(4) << 30);
    assert_int_equal(bytes_of("4GiB"), UINT64_C(4) << 30);
    assert_int_equal(bytes_of("0.5K"), 512);
    assert_int_equal(bytes_of(".5K"), 512);
    assert_int_equal(bytes_of("100"), 100);
}

static void times_carry_a_unit(void **state)
{
    (void)state;
    assert_int_equal(time_of("5s"), 5000000000);
    assert_int_equal(time_of("200ms"), 200000000);
    assert_int_equal(time_of("100us"), 100000);
    assert_int_equal(time_of("7ns"), 7);
    assert_int_equal(time_of("1m"), 60000000000);
    assert_int_equal(time_of("1.5h"), UINT64_C(5400000000000));
    assert_int_equal(time_of("0"), 0);
}

static void nonsense_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const no_counts[] = {"",
                                            " 1",
                                            "1 ",
                                            "-1",
                                            "+1",
                                            "M",
                                            "1X",
                                            "1MB",
                                            "1iB",
                                            "1.",
                                            ".",
                                            ".5",
                                            "1.5",
                                            "0x1",
                                            "1e6",
                                            "1,000",
                                            "99999999999999999999",
                                            "18446744073709551616",
                                            "20000000000G",
                                            "1.0001k"};
    static const char *const no_times[] = {"", "5", ".s", "1 s", "-1s", "s", "1sec", "0.5ns", "99999999999h", "1M"};
    static const char *const no_reals[] = {"", " 1", "1 ", "nan", "inf", "0x1p3", "1,5", "--1", "1e999", "abc"};
    uint64_t value = 77;
    double real = 77;
    for (size_t i = 0; i < sizeof no_counts / sizeof no_counts[0]; i++)
        if (quantity_parse_u64(no_counts[i], QUANTITY_COUNT, &value))
            fail_msg("'%s' was taken as a count", no_counts[i]);
    for (size_t i = 0; i < sizeof no_times / sizeof no_times[0]; i++)
        if (quantity_parse_time(no_times[i], &value))
            fail_msg("'%s' was taken as a time", no_times[i]);
    for (size_t i = 0; i < sizeof no_reals / sizeof no_reals[0]; i++)
        if (quantity_parse_f64(no_reals[i], &real))
            fail_msg("'%s' was taken as a number", no_reals[i]);
    assert_int_equal(value, 77);
    assert_true(real == 77);
}

static void numbers_for_people(void **state)
{
    (void)state;
    assert_string_equal(quantity_count(812), "812");
    assert_string_equal(quantity_count(2104000), "2.10M");
    assert_string_equal(quantity_count(21040), "21.0k");
    assert_string_equal(quantity_bytes(3.0 * 1073741824), "3.00 GiB");
    assert_string_equal(quantity_bytes(0), "0 B");
    assert_string_equal(quantity_time(5000000000), "5s");
    assert_string_equal(quantity_time(90000000000), "90s");
    assert_string_equal(quantity_time(1500000), "1.5ms");
    assert_string_equal(quantity_time(0), "0s");
    assert_string_equal(quantity_time(3), "3ns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_decimal), cmocka_unit_test(sizes_are_binary),
        cmocka_unit_test(times_carry_a_unit), cmocka_unit_test(nonsense_is_refused_and_changes_nothing),
        cmocka_unit_test(numbers_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
