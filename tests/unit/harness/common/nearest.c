/* nearest.c - harness/common/nearest.h: what is near enough, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/common/nearest.h"

static const char *meant(const char *wanted)
{
    static const char *const known[] = {"records", "record_bytes", "theta", "set"};
    struct nearest nearest = {.wanted = wanted};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        nearest_offer(&nearest, known[i]);
    return nearest_name(&nearest);
}

static void a_slip_finds_its_name(void **state)
{
    (void)state;
    assert_string_equal(meant("recrods"), "records");
    assert_string_equal(meant("record"), "records");
    assert_string_equal(meant("recordbyte"), "record_bytes");
    assert_string_equal(meant("theeta"), "theta");
    assert_string_equal(meant("record_"), "records"); /* nearer than record_bytes, of which it is a beginning */
    assert_string_equal(meant("record_b"), "record_bytes");
    assert_string_equal(meant("the"), "theta");
}

static void another_word_finds_none(void **state)
{
    (void)state;
    assert_null(meant("warehouses"));
    assert_null(meant("x_ray_tubes"));
    assert_null(meant("a-name-that-is-longer-than-any-option-has-ever-been-and-so-is-not-compared-at-all"));
    struct nearest nothing = {.wanted = "theta"};
    assert_null(nearest_name(&nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_finds_its_name),
        cmocka_unit_test(another_word_finds_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
