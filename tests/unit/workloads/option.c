/* option.c - tests of workloads/option.[ch]. */
#include "tests/unit/workloads/drive.h"
#include "workloads/option.h"

#define SAMPLE_OPTIONS(X)                           \
    X(u64, rows, "10M", "1..1G", "rows", "a count") \
    X(f64, ratio, "0.5", "0..1", "", "a share")     \
    X(bool, fast, "off", "", "", "a switch")        \
    X(enum, kind, "b", "a|b|long-name", "", "a choice")

struct sample {
    SAMPLE_OPTIONS(OPTION_FIELD)
};

static const struct workload_option option_table[] = {SAMPLE_OPTIONS(OPTION_INFO) OPTION_END};

static enum mae_status read_all(const char *const *values, struct sample *sample, char *error, size_t error_bytes)
{
    struct sample options;
    struct option_reader reader;
    option_reader_init(&reader, option_table, values, error, error_bytes);
    SAMPLE_OPTIONS(OPTION_READ)
    *sample = options;
    return reader.status;
}

static void values_are_read_by_type(void **state)
{
    (void)state;
    struct sample sample;
    char error[256];
    assert_int_equal(read_all((const char *[]){"10M", "0.25", "on", "long-name"}, &sample, error, sizeof error),
                     MAE_OK);
    assert_int_equal(sample.rows, 10000000);
    assert_true(sample.ratio == 0.25);
    assert_true(sample.fast);
    assert_int_equal(sample.kind, 2);
    assert_int_equal(read_all((const char *[]){"1G", "1e-1", "off", "a"}, &sample, error, sizeof error), MAE_OK);
    assert_int_equal(sample.rows, 1000000000);
    assert_true(sample.ratio == 0.1);
    assert_int_equal(sample.kind, 0);
}

static void a_bad_value_is_named_with_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *values[4], *text, *range;
    } bad[] = {
        {{"0", "0", "on", "a"}, "rows=0", "1..1G"},
        {{"2G", "0", "on", "a"}, "rows=2G", "1..1G"},
        {{"-1", "0", "on", "a"}, "rows=-1", "1..1G"},
        {{"1x", "0", "on", "a"}, "rows=1x", "1..1G"},
        {{"", "0", "on", "a"}, "rows=", "1..1G"},
        {{"99999999999999999999", "0", "on", "a"}, "rows=9999", "1..1G"},
        {{"20000000000000T", "0", "on", "a"}, "rows=2000", "1..1G"},
        {{"1", "1.5", "on", "a"}, "ratio=1.5", "0..1"},
        {{"1", "nan", "on", "a"}, "ratio=nan", "0..1"},
        {{"1", "half", "on", "a"}, "ratio=half", "0..1"},
        {{"1", "0", "yes", "a"}, "fast=yes", "on or off"},
        {{"1", "0", "on", "long"}, "kind=long", "a|b|long-name"},
        {{"1", "0", "on", "a|b"}, "kind=a|b", "a|b|long-name"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sample sample;
        char error[256] = "";
        assert_int_equal(read_all(bad[i].values, &sample, error, sizeof error), MAE_INVALID);
        if (!strstr(error, bad[i].text) || !strstr(error, bad[i].range))
            fail_msg("%s: %s", bad[i].text, error);
    }
}

static void the_first_error_is_kept(void **state)
{
    (void)state;
    struct sample sample;
    char error[256];
    assert_int_equal(read_all((const char *[]){"0", "2", "on", "a"}, &sample, error, sizeof error), MAE_INVALID);
    assert_non_null(strstr(error, "rows"));
}

/* Every default must be a value its own reader takes: else a workload could not run without options. */
static void every_workloads_defaults_are_valid(void **state)
{
    (void)state;
    const struct workload_ops *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        struct drive drive;
        if (drive_create(&drive, &oracle_target_ops, workload, 1, 1, NULL) != MAE_OK)
            fail_msg("%s: %s", workload->name, drive.error);
        workload->destroy(drive.workload);
        assert_ptr_equal(workload_by_name(workload->name), workload);
    }
    assert_null(workload_by_name("no such workload"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_by_type),
        cmocka_unit_test(a_bad_value_is_named_with_what_would_be_right),
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(every_workloads_defaults_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
