/* option.c - engine/base/option.h: every type, its words and bounds, the one text of a value, and every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/option.h"

#define SAMPLE_OPTIONS(X)                                                     \
    X(u64, rows, "10M", "1..1G", "rows", "a count")                           \
    X(u64, threads, "auto", "auto|1..", "", "a count or a word")              \
    X(bytes, record, "100", "8..64K", "bytes", "a size")                      \
    X(time, wait, "off", "off|1ms..", "", "a time or a word")                 \
    X(f64, ratio, "0.5", "0..1", "", "a share")                               \
    X(f64, share, "mode", "mode|0..1", "", "a share or a word")               \
    X(backoff, pause, "adaptive", "adaptive|off|fixed:0..1000000", "us", "a") \
    X(bool, fast, "off", "", "", "a switch")                                  \
    X(enum, kind, "b", "a|b|long-name", "", "a choice")                       \
    X(string, label, "", "", "", "a text")

struct sample {
    SAMPLE_OPTIONS(OPTION_FIELD)
};

static const struct option_spec specs[] = {SAMPLE_OPTIONS(OPTION_SPEC) OPTION_END};
static struct sample sample;
static char why[256];

static int open_sample(void **state)
{
    (void)state;
    memset(&sample, 0, sizeof sample);
    return option_values_init(specs, &sample, why, sizeof why) ? 0 : -1;
}

static int close_sample(void **state)
{
    (void)state;
    option_values_clear(specs, &sample);
    return 0;
}

static void set(const char *name, const char *text)
{
    if (!option_set(specs, option_find(specs, name), text, &sample, why, sizeof why))
        fail_msg("%s=%s: %s", name, text, why);
}

static void assert_text(const char *name, const char *expected)
{
    char text[64];
    option_text(specs, option_find(specs, name), &sample, text, sizeof text);
    assert_string_equal(text, expected);
}

static void fields_are_the_options_in_their_order(void **state)
{
    (void)state;
    assert_int_equal(option_count(specs), 10);
    assert_int_equal(sizeof(struct sample), 10 * OPTION_SLOT_BYTES);
    assert_int_equal(option_find(specs, "label"), 9);
    assert_int_equal(option_find(specs, "lab"), 10);
    assert_int_equal(sample.rows, 10000000);
    assert_int_equal(option_u64_at(&sample, 0), 10000000);
    assert_int_equal(sample.record, 100);
    assert_true(sample.ratio == 0.5);
    assert_int_equal(sample.kind, 1);
    assert_false(sample.fast);
    assert_string_equal(sample.label, "");
}

static void words_have_values_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(sample.threads, 0);
    assert_int_equal(sample.wait, 0);
    assert_true(isnan(sample.share));
    assert_true(sample.pause == OPTION_WORD_FIRST);
    assert_text("threads", "auto");
    assert_text("wait", "off");
    assert_text("share", "mode");
    assert_text("pause", "adaptive");
    assert_false(option_is_number(specs, option_find(specs, "threads"), &sample));
    set("threads", "4");
    assert_true(option_is_number(specs, option_find(specs, "threads"), &sample));
    set("threads", "auto");
    assert_int_equal(sample.threads, 0);
    set("pause", "off");
    assert_true(sample.pause == OPTION_WORD_FIRST - 1);
    assert_text("pause", "off");
    assert_false(option_is_number(specs, option_find(specs, "kind"), &sample));
}

/* What is shown is taken, and means the same; two texts of one value are shown alike. */
static void a_value_has_one_text(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"rows", "1.5M", "1500000"},
        {"rows", "1KiB", "1024"},
        {"record", "4K", "4096"},
        {"record", "1KB", "1024"},
        {"wait", "1500us", "1500us"},
        {"wait", "2000ms", "2s"},
        {"wait", "120s", "2m"},
        {"wait", "5400s", "90m"},
        {"ratio", "1e-1", "0.1"},
        {"ratio", "0.10", "0.1"},
        {"ratio", ".3", "0.3"},
        {"share", "0", "0"},
        {"ratio", "1", "1"},
        {"fast", "on", "on"},
        {"kind", "long-name", "long-name"},
        {"pause", "fixed:12.5", "fixed:12.5"},
        {"pause", "fixed:0", "fixed:0"},
        {"label", "a, b", "a, b"},
        {"ratio", "0.30000000000000004", "0.30000000000000004"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set(cases[i][0], cases[i][1]);
        assert_text(cases[i][0], cases[i][2]);
        set(cases[i][0], cases[i][2]);
        assert_text(cases[i][0], cases[i][2]);
    }
    assert_int_equal(sample.pause, 0);
    assert_int_equal(sample.wait, UINT64_C(5400000000000));
}

static void bad_values_are_refused_with_what_would_be_right(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"rows", "0", "'0' is out of range, it can be 1..1G"},
        {"rows", "2G", "'2G' is out of range, it can be 1..1G"},
        {"rows", "", "'' is not a whole number such as 1000, 10k, 10M"},
        {"rows", "1..1G", "'1..1G' is not a whole number such as 1000, 10k, 10M"},
        {"rows", "20000000000000T", "'20000000000000T' is not a whole number such as 1000, 10k, 10M"},
        {"threads", "0", "'0' is out of range, it can be auto|1.."},
        {"threads", "Auto", "'Auto' is not a whole number such as 1000, 10k, 10M"},
        {"record", "65K", "'65K' is out of range, it can be 8..64K"},
        {"record", "many", "'many' is not a size such as 100, 64K, 4G"},
        {"wait", "5", "'5' is not a time such as 500us, 200ms, 5s, 1m"},
        {"wait", "1us", "'1us' is out of range, it can be off|1ms.."},
        {"ratio", "1.01", "'1.01' is out of range, it can be 0..1"},
        {"ratio", "nan", "'nan' is not a number such as 0.99"},
        {"share", "-0.5", "'-0.5' is out of range, it can be mode|0..1"},
        {"pause", "5", "'5' is none of adaptive|off|fixed:0..1000000"},
        {"pause", "fixed:1e7", "'fixed:1e7' is out of range, it can be adaptive|off|fixed:0..1000000"},
        {"fast", "yes", "'yes' is neither on nor off"},
        {"fast", "", "'' is neither on nor off"},
        {"kind", "long", "'long' is none of a|b|long-name"},
        {"kind", "a|b", "'a|b' is none of a|b|long-name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char before[64];
        size_t at = option_find(specs, cases[i][0]);
        option_text(specs, at, &sample, before, sizeof before);
        if (option_set(specs, at, cases[i][1], &sample, why, sizeof why))
            fail_msg("%s=%s was taken", cases[i][0], cases[i][1]);
        assert_string_equal(why, cases[i][2]);
        assert_text(cases[i][0], before);
    }
}

static void an_option_describes_itself(void **state)
{
    (void)state;
    static const struct option_spec full = {"x", OPTION_u64, "10M", "1..1G", "rows", "help", "3.1"};
    char text[OPTION_DESCRIBED_BYTES];
    option_describe(&full, text, sizeof text);
    assert_string_equal(text, "u64, default 10M, 1..1G, in rows; paper 3.1");
    option_describe(&specs[9], text, sizeof text);
    assert_string_equal(text, "string");
}

static void a_default_beyond_the_range_is_found(void **state)
{
    (void)state;
    static const struct option_spec wrong[] = {{"x", OPTION_u64, "0", "1..2", "", "", ""}, OPTION_END};
    uint64_t value = 7;
    assert_false(option_values_init(wrong, &value, why, sizeof why));
    assert_string_equal(why, "'0' is out of range, it can be 1..2");
    assert_int_equal(value, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_are_the_options_in_their_order, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(words_have_values_of_their_own, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(a_value_has_one_text, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(bad_values_are_refused_with_what_would_be_right, open_sample, close_sample),
        cmocka_unit_test(an_option_describes_itself),
        cmocka_unit_test(a_default_beyond_the_range_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
