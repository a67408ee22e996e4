/* Tests of harness/record/columns.c: which values of a column are better (columns.def). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/record/columns.h"

static void measurements_have_directions_and_configuration_has_none(void **state)
{
    (void)state;
    assert_int_equal(column_better("throughput_txn_per_s"), COLUMN_MORE);
    assert_int_equal(column_better("latency_p99_ns"), COLUMN_LESS);
    assert_int_equal(column_better("latency_count"), COLUMN_UNSAID);
    assert_int_equal(column_better("pmu_task_clock_per_txn"), COLUMN_LESS);
    assert_int_equal(column_better("no_such_column"), COLUMN_UNSAID);
    for (size_t i = 0; i < column_count(); i++) {
        const struct column_info *info = column_info(i);
        assert_int_equal(info->better, column_better(info->name));
        if (info->is_configuration && info->better != COLUMN_UNSAID)
            fail_msg("%s is configuration: none of its values is better", info->name);
    }
    /* What this build measures in time has a direction, so that a new column is not forgotten. */
    for (size_t i = 0; i < column_count(); i++) {
        const struct column_info *info = column_info(i);
        if (strcmp(info->unit, "ns") == 0 || strcmp(info->unit, "txn/s") == 0 || strcmp(info->unit, "op/s") == 0)
            if (!info->is_configuration && info->better == COLUMN_UNSAID && strncmp(info->name, "eng_", 4) != 0)
                fail_msg("%s [%s] has no direction in columns.def", info->name, info->unit);
    }
}

static void measurements_are_no_configuration(void **state)
{
    (void)state;
    assert_true(column_is_configuration("threads"));
    assert_true(column_is_configuration("wl_theta"));
    assert_true(column_is_configuration("opt_backoff"));
    assert_true(column_is_configuration("rate_txn_per_s"));
    assert_false(column_is_configuration("commits"));
    assert_false(column_is_configuration("repetition"));
    assert_false(column_is_configuration("label"));
    assert_false(column_is_configuration("point"));
    assert_false(column_is_configuration("kernel"));
    assert_false(column_is_configuration("pmu_cycles"));
    assert_false(column_is_configuration("eng_of_another_build"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measurements_have_directions_and_configuration_has_none),
        cmocka_unit_test(measurements_are_no_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
