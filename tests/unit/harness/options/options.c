/* options.c - harness/options/options.h: values, ranges, presets, precedence, and the message of every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/options.h"
#include "harness/options/options.h"
#include "harness/targets/targets.h"
#include "tests/unit/harness/bench/fake_target.h"

static char error[OPTION_ERROR_BYTES];

static void set(struct options *options, const char *key, const char *value)
{
    if (!options_set(options, key, value, error))
        fail_msg("%s=%s: %s", key, value, error);
}

static void resolve(struct options *options)
{
    if (!options_resolve_for(options, &fake_workload_ops, &fake_target_ops, error))
        fail_msg("%s", error);
}

static void refused(struct options *options, const char *key, const char *value, const char *message)
{
    if (options_set(options, key, value, error))
        fail_msg("%s=%s was taken", key, value);
    assert_string_equal(error, message);
}

static void unresolved(struct options *options, const char *message)
{
    if (options_resolve_for(options, &fake_workload_ops, &fake_target_ops, error))
        fail_msg("resolved, not: %s", message);
    assert_string_equal(error, message);
    options_destroy(options);
}

static void assert_workload_value(const struct options *options, size_t i, const char *expected)
{
    char text[64];
    option_text(options->workload->options, i, options->workload_values, text, sizeof text);
    assert_string_equal(text, expected);
}

static void defaults_are_typed(void **state)
{
    (void)state;
    struct options *options = options_create();
    assert_string_equal(options->run.workload, "ycsb");
    assert_string_equal(options->run.pin, "compact");
    assert_int_equal(options->run.warmup, 2000000000);
    assert_int_equal(options->run.time, 5000000000);
    assert_int_equal(options->run.threads, 0); /* auto */
    assert_int_equal(options->run.deadline, 0);
    assert_int_equal(options->run.check, RUN_CHECK_FAST);
    assert_false(options->run.reload);
    options_destroy(options);
}

static void values_are_read_by_type(void **state)
{
    (void)state;
    struct options *options = options_create();
    char text[64];
    set(options, "threads", "12");
    set(options, "time", "200ms");
    set(options, "reload", "on");
    set(options, "reload", "no");
    set(options, "check", "off");
    set(options, "seed", "1M");
    set(options, "label", "a, b");
    assert_int_equal(options->run.threads, 12);
    assert_int_equal(options->run.time, 200000000);
    assert_false(options->run.reload);
    assert_int_equal(options->run.check, RUN_CHECK_OFF);
    assert_int_equal(options->run.seed, 1000000);
    assert_string_equal(options->run.label, "a, b");
    set(options, "threads", "auto");
    assert_int_equal(options->run.threads, 0);
    (void)option_column_text(run_option_specs, RUN_OPTION_time, &options->run, text, sizeof text);
    assert_string_equal(text, "0.2");
    (void)option_column_text(run_option_specs, RUN_OPTION_deadline, &options->run, text, sizeof text);
    assert_string_equal(text, "auto");
    (void)option_column_text(run_option_specs, RUN_OPTION_reload, &options->run, text, sizeof text);
    assert_string_equal(text, "off");
    options_destroy(options);
}

static void bad_values_are_refused_with_what_would_be_right(void **state)
{
    (void)state;
    struct options *options = options_create();
    refused(options, "threads", "0", "'0' is out of range, it can be auto|1..");
    refused(options, "threads", "two", "'two' is not a whole number such as 1000, 10k, 10M");
    refused(options, "time", "5.", "'5.' is not a time such as 500us, 200ms, 5s, 1m");
    refused(options, "time", "5x", "'5x' is not a time such as 500us, 200ms, 5s, 1m");
    refused(options, "time", "1us", "'1us' is out of range, it can be 1ms..");
    refused(options, "reload", "maybe", "'maybe' is neither on nor off");
    refused(options, "check", "on", "'on' is none of fast|full|off");
    refused(options, "progress", "loud", "'loud' is none of auto|on|off");
    refused(options, "repetitions", "0", "'0' is out of range, it can be 1..1M");
    refused(options, "set", "backoff", "'backoff' is not key=value");
    refused(options, "set", "=off", "'=off' is not key=value");
    refused(options, "label", "a\nb", "a value cannot contain a line break");
    assert_int_equal(options->run.time, 5000000000); /* as it was */
    options_destroy(options);
}

static void workload_options_default_preset_given(void **state)
{
    (void)state;
    struct options *options = options_create();
    resolve(options);
    assert_workload_value(options, 0, "1000");
    assert_workload_value(options, 2, "0.5");
    set(options, "preset", "small");
    resolve(options);
    assert_workload_value(options, 0, "10");
    assert_workload_value(options, 2, "0.25");
    set(options, "rows", "10M");
    set(options, "record-bytes", "1K"); /* dashes as on the command line; bytes are binary */
    resolve(options);
    assert_workload_value(options, 0, "10000000");
    assert_workload_value(options, 1, "1024");
    assert_workload_value(options, 2, "0.25");
    options_destroy(options);
}

static void bad_workload_options_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"rows", "0", "--rows: '0' is out of range, it can be 1..1G"},
        {"rows", "2G", "--rows: '2G' is out of range, it can be 1..1G"},
        {"record_bytes", "65K", "--record-bytes: '65K' is out of range, it can be 8..64K"},
        {"record_bytes", "many", "--record-bytes: 'many' is not a size such as 100, 64K, 4G"},
        {"share", "1.01", "--share: '1.01' is out of range, it can be 0..1"},
        {"share", "nan", "--share: 'nan' is not a number such as 0.99"},
        {"batch", "2", "--batch: '2' is neither on nor off"},
        {"fault_at", "moon", "--fault-at: 'moon' is none of create|setup|load|loaded|prepare|attempt|check"},
        {"no-such", "1", "unknown option --no-such; `maemio list options` shows all"},
        {"record-byte", "1", "unknown option --record-byte; did you mean --record-bytes?"},
        {"repetition", "1", "unknown option --repetition; did you mean --repetitions?"},
        {"preset", "large", "--preset: workload fake has no preset 'large'; it has small, broken"},
        {"preset", "broken", "the preset sets an unknown option no_such"},
        {"threads", "5", "--threads: 5 is too many; target fake allows 4 workers"},
        {"deadline", "7s", "--deadline: shorter than warm-ups and windows together"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct options *options = options_create();
        set(options, cases[i][0], cases[i][1]);
        unresolved(options, cases[i][2]);
    }
}

static void options_of_other_workloads_are_told_apart(void **state)
{
    (void)state;
    const struct workload_ops *first = workload_at(0);
    assert_non_null(first);
    struct options *options = options_create();
    set(options, first->options[0].name, "1");
    char name[64], message[OPTION_ERROR_BYTES];
    (void)snprintf(name, sizeof name, "%s", first->options[0].name);
    (void)snprintf(message, sizeof message, "--%s is an option of workload %s, not of fake", option_dashes(name),
                   first->name);
    unresolved(options, message);
}

static void txns_replaces_the_window(void **state)
{
    (void)state;
    struct options *options = options_create();
    set(options, "txns", "100");
    set(options, "time", "1s");
    unresolved(options, "--time and --txns exclude each other");
    options = options_create();
    set(options, "txns", "100");
    set(options, "txns_total", "100");
    unresolved(options, "--txns and --txns-total exclude each other");
    options = options_create();
    set(options, "txns", "100");
    set(options, "warmup", "1s");
    unresolved(options, "--warmup and --txns exclude each other: a warm-up in time would make the run differ");
    options = options_create();
    set(options, "txns", "100");
    resolve(options);
    assert_int_equal(options->run.warmup, 0);
    assert_int_equal(options->run.time, 0);
    options_destroy(options);
}

static void settings_are_options_of_the_target(void **state)
{
    (void)state;
    struct options *options = options_create();
    set(options, "target", "native");
    set(options, "set", "gc-interval-us=10");
    set(options, "set", "backoff=fixed:3");
    set(options, "set", "promote=no");
    set(options, "set", "gc_interval_us=20"); /* the last of two wins */
    if (!options_resolve(options, error))
        fail_msg("%s", error);
    const struct mae_options *values = options->target_values;
    assert_int_equal(values->gc_interval_us, 20);
    assert_int_equal(values->backoff, 3000);
    assert_int_equal(values->inline_bytes, 216);
    assert_false(values->promote);
    assert_true(options_promises(options).phantom_safe);
    set(options, "set", "simple_index_update=on");
    assert_true(options_resolve(options, error));
    assert_false(options_promises(options).phantom_safe);
    options_destroy(options);
}

/* So that one list of settings serves several targets. */
static void a_setting_may_be_for_one_target(void **state)
{
    (void)state;
    const char *const targets[] = {"native", "bare"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct options *options = options_create();
        set(options, "target", targets[i]);
        set(options, "set", "native.backoff=fixed:3");
        set(options, "set", "memory_limit=64M");
        set(options, "set", "bare.memory-limit=128M");
        set(options, "set", "silo-paper.no_such_setting=1"); /* found when that target is run */
        if (!options_resolve(options, error))
            fail_msg("%s: %s", targets[i], error);
        const struct option_spec *specs = options->target->options;
        assert_int_equal(option_u64_at(options->target_values, option_find(specs, "memory_limit")),
                         (i == 0 ? 64 : 128) << 20); /* the narrower of two wins, whichever came first */
        if (i == 0)
            assert_int_equal(((const struct mae_options *)options->target_values)->backoff, 3000);
        options_destroy(options);
    }
}

/* Before the target is opened, and with what would be right. */
static void bad_settings_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"native", "gc_interval_us=0", "--set gc_interval_us: '0' is out of range, it can be 1..10000000"},
        {"native", "backoff=sometimes", "--set backoff: 'sometimes' is none of adaptive|off|learn|fixed:0..1000000"},
        {"native", "backof=off", "--set backof: target native has no such setting; did you mean 'backoff'?"},
        {"bare", "backoff=off", "--set backoff: target bare has no such setting; it takes: huge_pages memory_limit"},
        {"native", "nativ.backoff=off", "--set nativ.backoff: there is no target 'nativ'; did you mean 'native'?"},
        {"native", "native.backof=off",
         "--set native.backof: target native has no such setting; did you mean 'backoff'?"},
        {"native", "native.backoff=sometimes",
         "--set native.backoff: 'sometimes' is none of adaptive|off|learn|fixed:0..1000000"},
        {"bare", "memory_limit=lots", "--set memory_limit: 'lots' is not a size such as 100, 64K, 4G"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct options *options = options_create();
        set(options, "target", cases[i][0]);
        set(options, "set", cases[i][1]);
        assert_false(options_resolve(options, error));
        assert_string_equal(error, cases[i][2]);
        options_destroy(options);
    }
}

static void unknown_names_list_the_known(void **state)
{
    (void)state;
    struct options *options = options_create();
    set(options, "workload", "nope");
    assert_false(options_resolve(options, error));
    assert_non_null(strstr(error, "--workload: there is no 'nope'; there are "));
    assert_non_null(strstr(error, "ycsb"));
    set(options, "workload", "ycsb");
    set(options, "target", "nope");
    assert_false(options_resolve(options, error));
    assert_non_null(strstr(error, "--target: there is no 'nope'; there are native, bare"));
    options_destroy(options);
}

/* The names that the C enums give to the places of words are those words. */
static void enums_are_the_words_of_their_options(void **state)
{
    (void)state;
    static const struct {
        enum run_option option;
        unsigned value;
        const char *word;
    } cases[] = {
        {RUN_OPTION_check, RUN_CHECK_FAST, "fast"},
        {RUN_OPTION_check, RUN_CHECK_FULL, "full"},
        {RUN_OPTION_check, RUN_CHECK_OFF, "off"},
        {RUN_OPTION_latency, RUN_LATENCY_ON, "on"},
        {RUN_OPTION_latency, RUN_LATENCY_EXACT, "exact"},
        {RUN_OPTION_latency, RUN_LATENCY_OFF, "off"},
        {RUN_OPTION_arrival, RUN_ARRIVAL_POISSON, "poisson"},
        {RUN_OPTION_arrival, RUN_ARRIVAL_UNIFORM, "uniform"},
        {RUN_OPTION_warmup_until, RUN_WARMUP_UNTIL_TIME, "time"},
        {RUN_OPTION_warmup_until, RUN_WARMUP_UNTIL_STEADY, "steady"},
        {RUN_OPTION_progress, RUN_PROGRESS_AUTO, "auto"},
        {RUN_OPTION_progress, RUN_PROGRESS_ON, "on"},
        {RUN_OPTION_progress, RUN_PROGRESS_OFF, "off"},
    };
    struct options *options = options_create();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const unsigned *values[RUN_OPTION_COUNT] = {
            [RUN_OPTION_check] = &options->run.check,       [RUN_OPTION_latency] = &options->run.latency,
            [RUN_OPTION_arrival] = &options->run.arrival,   [RUN_OPTION_warmup_until] = &options->run.warmup_until,
            [RUN_OPTION_progress] = &options->run.progress,
        };
        set(options, run_option_specs[cases[i].option].name, cases[i].word);
        assert_int_equal(*values[cases[i].option], cases[i].value);
    }
    options_destroy(options);
}

/* A word beside numbers is stored as 0, which the numbers then must leave out. */
static void assert_word_is_no_number(const struct option_spec *specs)
{
    for (; specs->name != NULL; specs++) {
        bool has_word = strstr(specs->range, "..") != NULL && specs->range[0] >= 'a';
        if (has_word && specs->type < OPTION_f64 && option_check(specs, "0", error))
            fail_msg("%s takes 0, which stands for its word", specs->name);
    }
}

/* The tables of all workloads and of the harness fit together. */
static void every_table_is_consistent(void **state)
{
    (void)state;
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        assert_ptr_equal(workload_by_name(workload->name), workload);
        assert_word_is_no_number(workload->options);
        for (const struct option_spec *option = workload->options; option->name != NULL; option++) {
            if (!option_check(option, option->default_value, error))
                fail_msg("%s: the default of %s: %s", workload->name, option->name, error);
            if (option_find(run_option_specs, option->name) < RUN_OPTION_COUNT)
                fail_msg("%s: %s is an option of the harness, too", workload->name, option->name);
        }
    }
    assert_word_is_no_number(run_option_specs);
    const struct target_ops *target;
    for (size_t i = 0; (target = target_at(i)) != NULL; i++) {
        assert_ptr_equal(target_by_name(target->name), target);
        assert_word_is_no_number(target->options);
        for (const struct option_spec *option = target->options; option->name != NULL; option++)
            if (!option_check(option, option->default_value, error))
                fail_msg("%s: the default of %s: %s", target->name, option->name, error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_typed),
        cmocka_unit_test(values_are_read_by_type),
        cmocka_unit_test(bad_values_are_refused_with_what_would_be_right),
        cmocka_unit_test(workload_options_default_preset_given),
        cmocka_unit_test(bad_workload_options_are_refused),
        cmocka_unit_test(options_of_other_workloads_are_told_apart),
        cmocka_unit_test(txns_replaces_the_window),
        cmocka_unit_test(settings_are_options_of_the_target),
        cmocka_unit_test(a_setting_may_be_for_one_target),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(unknown_names_list_the_known),
        cmocka_unit_test(enums_are_the_words_of_their_options),
        cmocka_unit_test(every_table_is_consistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
