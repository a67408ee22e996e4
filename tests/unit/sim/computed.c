/* computed.c - sim/computed.h: addresses that are computed from what a load has brought are told from others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/addresses.h"
#include "sim/computed.h"

enum { FROM = 100, PLACE = 200, STRIDE = 192 };
#define TABLE (UINT64_C(1) << 45)

static struct computed computed;

static int open_computed(void **state)
{
    (void)state;
    return computed_init(&computed) ? 0 : -1;
}

static int close_computed(void **state)
{
    (void)state;
    computed_fini(&computed);
    return 0;
}

static uint64_t random_number(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *random >> 33;
}

static bool row_is_known(uint64_t row)
{
    return computed_from(&computed, FROM, PLACE, row, TABLE + row * STRIDE);
}

static void a_row_is_known_from_the_fourth_on(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int i = 1; i <= 100; i++)
        assert_int_equal(row_is_known(random_number(&random) % 100000), i >= 4); /* A1 */
}

static void falling_numbers_are_known_too(void **state)
{
    (void)state;
    for (uint64_t row = 100; row > 0; row--)
        assert_int_equal(row_is_known(row), row <= 97); /* A1: a difference of -1 */
    assert_true(row_is_known(1));                       /* the same row once more */
}

static void other_addresses_are_not_known(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 10000; i++) {
        uint64_t value = random_number(&random) % 1000;
        assert_false(
            computed_from(&computed, FROM, PLACE, value, TABLE + random_number(&random) % 100000 * 64)); /* A2 */
    }
    for (int i = 0; i < 100; i++) /* one line, whatever is loaded */
        assert_false(computed_from(&computed, FROM, PLACE + 1, random_number(&random), TABLE));
}

static void one_exception_is_not_the_end(void **state)
{
    (void)state;
    for (uint64_t row = 0; row < 10; row++)
        (void)row_is_known(row * row);
    assert_false(computed_from(&computed, FROM, PLACE, 7, TABLE + 8));
    assert_true(row_is_known(1000));
}

static void tables_have_functions_of_their_own(void **state)
{
    (void)state;
    const uint64_t other = TABLE + (UINT64_C(1) << ADDRESSES_AREA_SHIFT);
    for (uint64_t row = 1; row < 100; row++) {
        assert_int_equal(row_is_known(row * row), row >= 4);
        assert_int_equal(computed_from(&computed, FROM, PLACE, row * row, other + row * row * 64), row >= 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_computed, close_computed)
        TEST(a_row_is_known_from_the_fourth_on),  TEST(falling_numbers_are_known_too),
        TEST(other_addresses_are_not_known),      TEST(one_exception_is_not_the_end),
        TEST(tables_have_functions_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
