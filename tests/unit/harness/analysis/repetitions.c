/* repetitions.c - harness/analysis/repetitions.h: grouping, statistics, what is left out, outliers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/analysis/repetitions.h"
#include "tests/support/scratch.h"

static char error[CSV_TABLE_ERROR_BYTES];

static void rows_of_one_configuration_are_one_group(void **state)
{
    (void)state;
    struct repetitions r;
    scratch_file_write(
        "workload,threads,txn_type,repetition,outcome,check_result,throughput_txn_per_s,start_utc,wl_theta\n"
        "ycsb,1,all,1,complete,passed,100,t1,0.99\n"
        "ycsb,1,read,1,complete,passed,5,t1,0.99\n"
        "ycsb,2,all,1,complete,skipped,300,t2,0.99\n"
        "ycsb,1,all,2,complete,passed,104,t3,0.99\n"
        "ycsb,1,all,3,interrupted,skipped,1,t4,0.99\n"
        "ycsb,1,all,4,complete,failed,1,t5,0.99\n"
        "ycsb,1,all,5,complete,passed,102,t6,0.99\n");
    assert_true(repetitions_read(&r, scratch_path, "throughput_txn_per_s", "all", error));
    assert_int_equal(r.group_count, 2);
    assert_true(r.results.interrupted == 1 && r.results.failed == 1);
    assert_int_equal(r.groups[0].count, 3);
    assert_true(r.groups[0].summary.median == 102 && r.groups[0].summary.mean == 102);
    assert_true(r.groups[0].summary.min == 100 && r.groups[0].summary.max == 104);
    assert_int_equal(r.groups[1].count, 1);
    assert_true(r.groups[1].summary.median == 300);
    assert_true(isnan(r.groups[1].summary.median_interval.low));
    repetitions_free(&r);
    assert_true(repetitions_read(&r, scratch_path, "throughput_txn_per_s", "read", error));
    assert_int_equal(r.group_count, 1);
    repetitions_free(&r);
    scratch_file_write("workload,txn_type,repetition,outcome,check_result,throughput_txn_per_s\n"
                       "ycsb,all,1,complete,failed,100\nycsb,read,1,complete,,5\n"
                       "ycsb,all,2,complete,passed,100\nycsb,read,2,complete,,6\n");
    assert_true(repetitions_read(&r, scratch_path, "throughput_txn_per_s", "read", error));
    assert_int_equal(r.results.failed, 1); /* the check of a run is that of its types */
    assert_true(r.groups[0].count == 1 && r.groups[0].values[0] == 6);
    repetitions_free(&r);
}

static void an_outlier_is_marked_and_counted(void **state)
{
    (void)state;
    struct repetitions r;
    scratch_file_write("workload,txn_type,repetition,throughput_txn_per_s\n"
                       "a,all,1,100\na,all,2,101\na,all,3,99\na,all,4,100\na,all,5,20\na,all,6,\n");
    assert_true(repetitions_read(&r, scratch_path, "throughput_txn_per_s", "all", error));
    assert_int_equal(r.groups[0].count, 5); /* the empty field is unavailable, not zero */
    assert_int_equal(r.groups[0].summary.outliers, 1);
    assert_true(r.groups[0].outliers[4]);
    assert_true(r.groups[0].summary.min == 20);
    assert_true(r.groups[0].summary.mean == 84);
    FILE *file = scratch_text_open();
    repetitions_print_table(&r, file);
    char *text = scratch_text_close(file);
    assert_non_null(strstr(text, "outliers (counted in): #5 20"));
    free(text);
    repetitions_free(&r);
}

static void what_tells_configurations_apart_is_shown(void **state)
{
    (void)state;
    struct repetitions r;
    scratch_file_write("workload,threads,repetition,throughput_txn_per_s,wl_theta,wl_accounts\n"
                       "ycsb,1,1,100,0.9,\nycsb,1,1,100,0.5,\nbank,1,1,100,,1000\n");
    assert_true(repetitions_read(&r, scratch_path, "throughput_txn_per_s", "all", error));
    FILE *file = scratch_text_open();
    repetitions_print_table(&r, file);
    char *text = scratch_text_close(file);
    assert_non_null(strstr(text, "  workload=ycsb wl_theta=0.9\n"));
    assert_non_null(strstr(text, "  workload=bank\n"));
    free(text);
    file = scratch_text_open();
    repetitions_print_csv(&r, file);
    text = scratch_text_close(file);
    assert_non_null(strstr(text, "workload,wl_theta,wl_accounts,metric,n,median,"));
    assert_non_null(strstr(text, "\nbank,,1000,throughput_txn_per_s,1,100,100,100,100,,,,100,100,0\n"));
    free(text);
    repetitions_free(&r);
}

static void labels_tell_rows_apart_and_are_shown(void **state)
{
    (void)state;
    static const char *const files[][2] = {
        {"label,workload,throughput_txn_per_s\nold,a,1\nnew,a,2\nold,a,3\n", "  label=old\n"},
        {"label,workload,throughput_txn_per_s\nsame,a,1\nsame,b,2\nsame,c,3\n", ": throughput_txn_per_s, label same\n"},
        {"label,workload,throughput_txn_per_s\nold,a,1\nnew,b,2\n", "  label=new workload=b\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct repetitions r;
        scratch_file_write(files[i][0]);
        assert_true(repetitions_read(&r, scratch_path, "throughput_txn_per_s", "all", error));
        assert_int_equal(r.group_count, i == 1 ? 3 : 2);
        FILE *file = scratch_text_open();
        repetitions_print_table(&r, file);
        char *text = scratch_text_close(file);
        if (strstr(text, files[i][1]) == NULL)
            fail_msg("no '%s' in\n%s", files[i][1], text);
        free(text);
        repetitions_free(&r);
    }
}

static void wrong_files_are_told(void **state)
{
    (void)state;
    struct repetitions r;
    scratch_file_write("workload,throughput_txn_per_s\nycsb,1\n");
    assert_false(repetitions_read(&r, scratch_path, "speed", "all", error));
    assert_non_null(strstr(error, "has no column 'speed'"));
    repetitions_free(&r);
    assert_false(repetitions_read(&r, scratch_path, "throughput_txn", "all", error));
    assert_non_null(strstr(error, "did you mean 'throughput_txn_per_s'?"));
    repetitions_free(&r);
    assert_false(repetitions_read(&r, scratch_path, "workload", "all", error));
    assert_non_null(strstr(error, "the column 'workload' has texts, such as 'ycsb'"));
    repetitions_free(&r);
    scratch_file_write("txn_type,throughput_txn_per_s\nall,1\nread,1\nall,2\n");
    assert_false(repetitions_read(&r, scratch_path, "throughput_txn_per_s", "reads", error));
    assert_non_null(strstr(error, "no row is of the transaction type 'reads'; there are all, read"));
    repetitions_free(&r);
    scratch_file_write("workload,outcome,throughput_txn_per_s\nycsb,interrupted,1\n");
    assert_false(repetitions_read(&r, scratch_path, "throughput_txn_per_s", "all", error));
    assert_non_null(strstr(error, "no row to use: 1 of 1 rows are of interrupted windows"));
    repetitions_free(&r);
    scratch_file_write("workload,throughput_txn_per_s\nycsb");
    assert_false(repetitions_read(&r, scratch_path, "throughput_txn_per_s", "all", error));
    repetitions_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_one_configuration_are_one_group),
        cmocka_unit_test(an_outlier_is_marked_and_counted),
        cmocka_unit_test(what_tells_configurations_apart_is_shown),
        cmocka_unit_test(labels_tell_rows_apart_and_are_shown),
        cmocka_unit_test(wrong_files_are_told),
    };
    return cmocka_run_group_tests(tests, scratch_file_create, scratch_file_remove);
}
