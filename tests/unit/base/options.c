/* options.c - setting and printing every option; bad names and values are refused and say why. */
#include "tests/support/world.h"

static size_t option_number(const char *name)
{
    for (size_t i = 0; i < mae_option_count(); i++)
        if (strcmp(mae_option_info(i)->name, name) == 0)
            return i;
    fail_msg("no option %s", name);
    return 0;
}

static void every_option_describes_itself(void **state)
{
    (void)state;
    assert_true(mae_option_count() >= 15);
    assert_null(mae_option_info(mae_option_count()));
    assert_null(mae_option_info(SIZE_MAX));
    for (size_t i = 0; i < mae_option_count(); i++) {
        const struct mae_option_info *info = mae_option_info(i);
        assert_true(info->name[0] && info->type[0] && info->range[0] && info->help[0]);
        assert_true(info->default_value[0] || strcmp(info->type, "string") == 0);
        assert_non_null(info->unit);
        assert_non_null(info->paper_section);
        assert_ptr_equal(info, mae_option_info(i));
    }
}

/* Every default is in its own range and is what a fresh set of options holds. */
static void defaults_are_valid(void **state)
{
    (void)state;
    struct mae_options *options = mae_options_create();
    assert_non_null(options);
    for (size_t i = 0; i < mae_option_count(); i++) {
        const struct mae_option_info *info = mae_option_info(i);
        char value[64], error[300] = "";
        assert_true(mae_options_get(options, i, value, sizeof value));
        assert_string_equal(value, info->default_value);
        assert_ok(mae_options_set(options, info->name, info->default_value, error, sizeof error));
        assert_string_equal(error, "");
    }
    assert_false(mae_options_get(options, mae_option_count(), NULL, 0));
    mae_options_destroy(options);
    mae_options_destroy(NULL);
}

static void good_values_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *back;
    } cases[] = {
        {"timestamps", "central", "central"},
        {"timestamps", "multi", "multi"},
        {"clock_sync_us", "0", "0"},
        {"clock_sync_us", "1000000", "1000000"},
        {"clock_boost_ns", "1000000000", "1000000000"},
        {"restamp", "retry", "retry"},
        {"restamp", "extend", "extend"},
        {"elder_after", "4", "4"},
        {"inline_bytes", "4096", "4096"},
        {"promote", "off", "off"},
        {"early_abort_newer", "on", "on"},
        {"pending", "wait", "wait"},
        {"pending", "abort", "abort"},
        {"pending", "skip", "skip"},
        {"gc_interval_us", "1", "1"},
        {"backoff", "adaptive", "adaptive"},
        {"backoff", "off", "off"},
        {"backoff", "learn", "learn"},
        {"backoff", "fixed:0", "fixed:0"},
        {"backoff", "fixed:12.5", "fixed:12.5"},
        {"backoff", "fixed:1000000", "fixed:1000000"},
        {"huge_pages", "transparent", "transparent"},
        {"huge_pages", "off", "off"},
        {"memory_limit", "512", "512"},
        {"memory_limit", "4K", "4096"},
        {"memory_limit", "3g", "3221225472"},
        {"memory_limit", "2MiB", "2097152"},
        {"memory_limit", "1TB", "1099511627776"},
        {"memory_limit", "18446744073709551615", "18446744073709551615"},
        {"phase_times", "on", "on"},
    };
    struct mae_options *options = mae_options_create();
    assert_non_null(options);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        char value[64];
        assert_ok(mae_options_set(options, cases[c].name, cases[c].value, NULL, 0));
        assert_true(mae_options_get(options, option_number(cases[c].name), value, sizeof value));
        assert_string_equal(value, cases[c].back);
    }
    mae_options_destroy(options);
}

/* The message names the option, the value and what would be right; the option stays as it was. */
static void bad_values_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } cases[] = {
        {"timestamps", ""},
        {"timestamps", "cen"},
        {"timestamps", "central "},
        {"timestamps", "multi|central"},
        {"timestamps", "Central"},
        {"clock_sync_us", "-1"},
        {"clock_sync_us", "1000001"},
        {"clock_sync_us", "1.5"},
        {"clock_sync_us", ""},
        {"clock_sync_us", "ten"},
        {"clock_sync_us", " 5"},
        {"clock_sync_us", "5us"},
        {"gc_interval_us", "0"},
        {"inline_bytes", "4097"},
        {"promote", "yes"},
        {"promote", "1"},
        {"promote", ""},
        {"pending", "wait|abort"},
        {"backoff", "fixed"},
        {"backoff", "fixed:"},
        {"backoff", "fixed:-1"},
        {"backoff", "fixed:1e7"},
        {"backoff", "fixed:1x"},
        {"backoff", "fixed:nan"},
        {"backoff", "5"},
        {"backoff", ""},
        {"huge_pages", "on"},
        {"memory_limit", "1X"},
        {"memory_limit", "K"},
        {"memory_limit", "16777216T"},
        {"memory_limit", "18446744073709551616"},
        {"memory_limit", "1K1"},
        {"phase_times", "true"},
    };
    struct mae_options *options = mae_options_create();
    assert_non_null(options);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        size_t i = option_number(cases[c].name);
        char error[300] = "", value[64], quoted[64];
        if (mae_options_set(options, cases[c].name, cases[c].value, error, sizeof error) != MAE_INVALID)
            fail_msg("%s=%s was taken", cases[c].name, cases[c].value);
        snprintf(quoted, sizeof quoted, "'%s'", cases[c].value);
        assert_non_null(strstr(error, cases[c].name));
        assert_non_null(strstr(error, quoted));
        assert_non_null(strstr(error, mae_option_info(i)->range));
        assert_true(mae_options_get(options, i, value, sizeof value));
        assert_string_equal(value, mae_option_info(i)->default_value);
    }
    mae_options_destroy(options);
}

static void unknown_names_are_refused_with_the_list(void **state)
{
    (void)state;
    struct mae_options *options = mae_options_create();
    assert_non_null(options);
    char error[600] = "", small[10];
    assert_status(MAE_INVALID, mae_options_set(options, "gc_interval", "1", error, sizeof error));
    assert_non_null(strstr(error, "'gc_interval'"));
    for (size_t i = 0; i < mae_option_count(); i++)
        assert_non_null(strstr(error, mae_option_info(i)->name));
    assert_status(MAE_INVALID, mae_options_set(options, "", "1", NULL, 0));
    memset(small, 'x', sizeof small);
    assert_status(MAE_INVALID, mae_options_set(options, "nonsense", "1", small, sizeof small));
    assert_int_equal(strlen(small), sizeof small - 1); /* cut, and terminated */
    mae_options_destroy(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_describes_itself),
        cmocka_unit_test(defaults_are_valid),
        cmocka_unit_test(good_values_come_back),
        cmocka_unit_test(bad_values_are_refused),
        cmocka_unit_test(unknown_names_are_refused_with_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
