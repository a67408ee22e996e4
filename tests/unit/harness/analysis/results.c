/*
 * Tests of harness/analysis/results.c, plot_data.c, claims.c: which rows count, the points of a figure, and
 * verdicts.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/analysis/results.h"
#include "harness/figures/claims.h"
#include "harness/figures/plot_data.h"
#include "tests/support/scratch.h"

#define HEADER \
    "txn_type,outcome,check_result,threads,oversubscribed,target,label,opt_backoff,throughput_txn_per_s,abort_ratio\n"
#define GOOD "all,complete,passed,"

static char error[CSV_TABLE_ERROR_BYTES];

static struct results read_good(const char *rows)
{
    struct results set;
    FILE *file = fopen(scratch_path, "w");
    assert_non_null(file);
    fprintf(file, "%s%s", HEADER, rows);
    assert_int_equal(fclose(file), 0);
    if (!results_read(&set, scratch_path, error))
        fail_msg("%s", error);
    return set;
}

/* ---- Rows. ---- */

static void only_whole_and_correct_totals_count(void **state)
{
    (void)state;
    struct results set = read_good("all,complete,passed,1,0,native,,adaptive,100,0\n"
                                   "payment,complete,passed,1,0,native,,adaptive,50,0\n"
                                   "all,interrupted,skipped,1,0,native,,adaptive,9,0\n"
                                   "all,complete,failed,1,0,native,,adaptive,9,0\n"
                                   "all,complete,skipped,4,0,native,,adaptive,300,0\n"
                                   "all,complete,passed,8,1,native,,adaptive,200,0\n");
    double values[8];
    assert_int_equal(set.count, 3);
    assert_true(set.interrupted == 1 && set.failed == 1);
    char *unused = results_unused_text(&set);
    assert_string_equal(unused, "1 of 5 rows failed their check, 1 of 5 rows are of interrupted windows");
    free(unused);
    assert_string_equal(set.cores, "4"); /* 8 were oversubscribed */
    assert_int_equal(results_values(&set, "", "throughput_txn_per_s", values), 3);
    assert_int_equal(results_values(&set, "threads=@cores", "throughput_txn_per_s", values), 1);
    assert_true(values[0] == 300);
    assert_int_equal(results_values(&set, "threads!=@cores&target=native", "throughput_txn_per_s", values), 2);
    assert_int_equal(results_values(&set, "no_such_column=", "throughput_txn_per_s", values), 3);
    assert_int_equal(results_values(&set, "no_such_column=1", "throughput_txn_per_s", values), 0);
    assert_int_equal(results_values(&set, "", "no_such_column", values), 0);
    assert_string_equal(results_text(&set, 0, "no_such_column"), "");
    results_free(&set);
}

static void the_best_group_is_the_one_with_the_highest_median(void **state)
{
    (void)state;
    struct results set = read_good(GOOD "2,0,native,manual,fixed:0,10,0\n" GOOD "2,0,native,manual,fixed:0,90,0\n" GOOD
                                        "2,0,native,manual,fixed:0,11,0\n" GOOD "2,0,native,manual,fixed:5,20,0\n" GOOD
                                        "2,0,native,manual,fixed:5,21,0\n" GOOD "2,0,native,auto,adaptive,99,0\n");
    double values[8];
    const char *group;
    assert_int_equal(results_best(&set, "label=manual", "opt_backoff", "throughput_txn_per_s", values, &group), 2);
    assert_string_equal(group, "fixed:5");
    assert_true(values[0] == 20 && values[1] == 21);
    assert_int_equal(results_best(&set, "label=none", "opt_backoff", "throughput_txn_per_s", values, &group), 0);
    assert_string_equal(group, "");
    results_free(&set);
}

static void what_is_no_result_file_is_refused(void **state)
{
    (void)state;
    struct results set;
    scratch_file_write("txn_type,outcome\nall,complete\n");
    assert_false(results_read(&set, scratch_path, error));
    assert_non_null(strstr(error, ":1: no column check_result: these are no results of maemio"));
    results_free(&set);
}

static void rows_that_agree_in_a_key_are_a_group(void **state)
{
    (void)state;
    struct results set = read_good(GOOD "1,0,native,a,adaptive,100,0\n" GOOD "2,0,native,a,adaptive,200,0\n" GOOD
                                        "1,0,bare,b,,300,0\n" GOOD "1,0,native,c,adaptive,400,0\n");
    struct results_key key = {0};
    results_key_add_configuration(&key, &set);
    results_key_add(&key, -1); /* a column that the file does not have tells nothing apart */
    results_key_look(&key, &set, NULL, NULL);
    struct results_groups groups = results_group(&set, &key, NULL, 0);
    assert_int_equal(groups.count, 3); /* the label is no configuration */
    assert_true(groups.items[0].count == 2 && groups.items[0].rows[0] == 0 && groups.items[0].rows[1] == 3);
    assert_true(groups.items[1].rows[0] == 1 && groups.items[2].rows[0] == 2);
    char *label = results_label(&key, &set.table, set.rows[2]);
    assert_string_equal(label, "threads=1 target=bare"); /* opt_backoff has one value only */
    free(label);
    results_groups_free(&groups);
    static const size_t some[] = {1, 2};
    groups = results_group(&set, &(struct results_key){0}, some, 2);
    assert_true(groups.count == 1 && groups.items[0].count == 2 && groups.items[0].rows[0] == 1);
    results_groups_free(&groups);
    free(key.columns);
    results_free(&set);
}

/* ---- Points. ---- */

static void points_are_grouped_sorted_and_measured(void **state)
{
    (void)state;
    static const struct figure figure = {.axis = "threads", .lines = "label"};
    struct results set = read_good(GOOD "16,1,native,,adaptive,5,0.5\n" GOOD "2,0,native,global,adaptive,30,0\n" GOOD
                                        "2,0,native,,adaptive,10,\n" GOOD "2,0,2pl,,adaptive,7,0\n" GOOD
                                        "2,0,native,,adaptive,20,0.5\n" GOOD "2,0,native,a b,adaptive,1,0\n");
    struct plot_data data;
    plot_data_make(&data, &set, &figure, NULL);
    assert_int_equal(data.count, 4);
    assert_int_equal(data.line_count, 3);
    assert_string_equal(data.lines[0], "native"); /* ours first, and a point without a label is its target's */
    assert_string_equal(data.lines[1], "2pl");
    assert_string_equal(data.lines[2], "a_b"); /* one word for gnuplot */
    const struct plot_point *point = &data.points[0];
    assert_string_equal(point->x, "2");
    assert_int_equal(point->runs, 3);
    assert_true(point->metrics[PLOT_throughput].median == 20);
    assert_true(point->metrics[PLOT_throughput].min == 10 && point->metrics[PLOT_throughput].max == 30);
    assert_true(point->metrics[PLOT_aborts].median == 0.25); /* of the two that have it */
    assert_true(isnan(point->metrics[PLOT_versions].median));
    assert_false(point->oversubscribed);
    assert_true(data.points[1].oversubscribed);
    assert_int_equal(data.points[1].place, 1); /* 16 after 2: numbers by size */
    plot_data_free(&data);
    results_free(&set);
}

/* Of several targets the caption says on which terms they ran. */
static void terms_are_said_of_several_targets(void **state)
{
    (void)state;
    static const struct {
        const char *rows, *terms;
    } cases[] = {
        {GOOD "1,0,native,,adaptive,1,0\n" GOOD "1,0,native,,off,1,0\n", ""},
        {GOOD "1,0,native,,adaptive,1,0\n" GOOD "1,0,bare,,,1,0\n" GOOD "1,0,twopl,,adaptive,1,0\n",
         "back-off adaptive; retry of the same transaction; index entries late"},
        {GOOD "1,0,native,,adaptive,1,0\n" GOOD "1,0,twopl,,dbx1000,1,0\n" GOOD "2,0,twopl,,dbx1000,1,0\n" GOOD
              "1,0,silo,,dbx1000,1,0\n",
         "back-off adaptive (native), dbx1000 (silo twopl); retry of the same transaction; "
         "index entries late"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct results set = read_good(cases[i].rows);
        char *terms = plot_terms(&set);
        assert_string_equal(terms, cases[i].terms);
        free(terms);
        results_free(&set);
    }
}

static void labels_keep_the_order_of_the_job_file(void **state)
{
    (void)state;
    static const struct figure figure = {.axis = "label", .lines = "target"},
                               backoff = {.axis = "opt_backoff", .lines = "label"};
    static char *order[] = {"full", "auto", "manual", NULL};
    struct results set = read_good(GOOD "2,0,native,manual,fixed:10,1,0\n" GOOD "2,0,native,manual,fixed:2.5,2,0\n" GOOD
                                        "2,0,native,auto,adaptive,3,0\n" GOOD "2,0,native,full,off,4,0\n");
    struct plot_data data;
    plot_data_make(&data, &set, &figure, order);
    assert_string_equal(data.points[0].x, "full");
    assert_string_equal(data.points[1].x, "auto");
    assert_string_equal(data.points[2].x, "manual");
    plot_data_free(&data);
    plot_data_make(&data, &set, &backoff, order);
    assert_string_equal(data.points[1].x, ""); /* automatic: nowhere on the axis of fixed bounds */
    assert_string_equal(data.points[2].x, "2.5");
    assert_string_equal(data.points[3].x, "10");
    plot_data_free(&data);
    results_free(&set);
}

/* ---- Verdicts. ---- */

static struct claim_result judge(const char *rows, struct claim claim)
{
    struct claim_result result;
    struct results set = read_good(rows);
    claim.experiment = "fig8";
    claim.metric = "throughput_txn_per_s";
    claim_judge(&claim, &set, &result);
    result.b.group = ""; /* pointed into the set */
    results_free(&set);
    return result;
}

/* Rows of a label around a speed: `count` of them, `step` apart. */
static void side_rows(FILE *file, const char *label, double middle, double step, int count)
{
    for (int i = 0; i < count; i++)
        fprintf(file, GOOD "2,0,native,%s,off,%g,0\n", label, middle + step * (i - (count - 1) / 2.0));
}

static struct claim_result judge_sides(double a, double step, double b, int count, struct claim claim)
{
    FILE *file = scratch_text_open();
    side_rows(file, "a", a, step, count);
    side_rows(file, "b", b, 1, count);
    char *rows = scratch_text_close(file);
    struct claim_result result = judge(rows, claim);
    free(rows);
    return result;
}

static void a_claim_holds_fails_or_cannot_be_told(void **state)
{
    (void)state;
    struct claim more = {.of = "label=a", .against = "label=b", .from = 1, .to = INFINITY, .cores = 1};
    struct claim_result result = judge_sides(121, 1, 101, 6, more);
    assert_int_equal(result.verdict, CLAIM_HOLDS);
    assert_true(fabs(result.ratio - 121.0 / 101) < 1e-9);
    assert_string_equal(result.reason, "");
    assert_int_equal(judge_sides(81, 1, 101, 6, more).verdict, CLAIM_FAILS);

    result = judge_sides(104, 8, 101, 6, more);
    assert_int_equal(result.verdict, CLAIM_UNKNOWN);
    assert_string_equal(result.reason, "Too noisy: the interval lies partly where the claim holds.");

    struct claim cores = more;
    cores.cores = 8;
    result = judge_sides(121, 1, 101, 6, cores);
    assert_int_equal(result.verdict, CLAIM_UNKNOWN);
    assert_string_equal(result.reason, "It is about 8 cores or more; measured were 2.");
    assert_true(!isnan(result.ratio)); /* shown all the same */

    result = judge(GOOD "2,0,native,a,off,5,0\n", more);
    assert_int_equal(result.verdict, CLAIM_UNKNOWN);
    assert_string_equal(result.reason, "No results in fig8 for what it is compared with.");

    result = judge(GOOD "2,0,native,a,off,5,0\n" GOOD "2,0,native,b,off,4,0\n", more);
    assert_string_equal(result.reason, "Fewer than 6 repetitions.");
    assert_string_equal(judge_sides(121, 1, 101, 5, more).reason, "Fewer than 6 repetitions.");

    struct claim number = {.of = "label=a", .against = "", .cores = 1};
    result = judge_sides(2, 1, 4, 3, number);
    assert_string_equal(result.reason, "It is a number of another machine.");
    assert_true(result.a.median == 2 && result.interval.low == 1 && result.interval.high == 3);
}

static void without_results_nothing_is_told(void **state)
{
    (void)state;
    struct claim claim = {.experiment = "fig8", .metric = "x", .of = "label=a", .against = ""};
    struct claim_result result;
    claim_judge(&claim, NULL, &result);
    assert_int_equal(result.verdict, CLAIM_UNKNOWN);
    assert_string_equal(result.reason, "Not measured: `maemio figure fig8` does.");
    claim.of = "";
    claim_judge(&claim, NULL, &result);
    assert_string_equal(result.reason, "Not measured.");
}

/* 36% less is claimed: 68% less is something else, however sure. */
static void more_than_is_claimed_does_not_hold(void **state)
{
    (void)state;
    struct claim less = {.of = "label=a", .against = "label=b", .ratio = 0.640, .from = 0.46, .to = 0.82, .cores = 2};
    assert_int_equal(judge_sides(320, 1, 1000, 6, less).verdict, CLAIM_FAILS);
    assert_int_equal(judge_sides(640, 1, 1000, 6, less).verdict, CLAIM_HOLDS);
    assert_int_equal(judge_sides(990, 1, 1000, 6, less).verdict, CLAIM_FAILS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_and_correct_totals_count),
        cmocka_unit_test(rows_that_agree_in_a_key_are_a_group),
        cmocka_unit_test(the_best_group_is_the_one_with_the_highest_median),
        cmocka_unit_test(what_is_no_result_file_is_refused),
        cmocka_unit_test(points_are_grouped_sorted_and_measured),
        cmocka_unit_test(terms_are_said_of_several_targets),
        cmocka_unit_test(labels_keep_the_order_of_the_job_file),
        cmocka_unit_test(a_claim_holds_fails_or_cannot_be_told),
        cmocka_unit_test(without_results_nothing_is_told),
        cmocka_unit_test(more_than_is_claimed_does_not_hold),
    };
    return cmocka_run_group_tests(tests, scratch_file_create, scratch_file_remove);
}
