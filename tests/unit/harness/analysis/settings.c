/*
 * Tests of harness/analysis/settings.c: which rows are one setting, comparisons within rounds, and the verdict in
 * words.
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

#include "harness/analysis/settings.h"
#include "tests/support/scratch.h"

static const char header[] = "txn_type,outcome,check_result,threads,wl_theta,label,opt_backoff,repetition,"
                             "throughput_txn_per_s,line_before_ns,line_after_ns\n";

static struct results read_set(char *rows)
{
    struct results set;
    char error[CSV_TABLE_ERROR_BYTES];
    scratch_file_write(rows);
    free(rows);
    if (!results_read(&set, scratch_path, error))
        fail_msg("%s", error);
    return set;
}

static void row_add(FILE *file, const char *label, const char *backoff, int round, double speed, double line_ns)
{
    fprintf(file, "all,complete,passed,2,0.9,%s,%s,%d,%.3f,%g,%g\n", label, backoff, round, speed, line_ns, line_ns);
}

/* A machine that wanders by a factor of two from round to round. */
static double level(int round)
{
    return 1000 * (1 + 0.1 * (round * 7 % 10));
}

/* What a file says may hold any character, and be as long as it likes: it never selects other rows. */
static void any_label_is_a_setting_of_its_own(void **state)
{
    (void)state;
    char longer[2][700], error[32];
    memset(longer, 'x', sizeof(longer));
    longer[0][699] = longer[1][699] = '\0';
    longer[1][698] = 'y';
    char *labels[] = {"R", "R&D", "@cores", "a=b", "a!=b", longer[0], longer[1], NULL};
    FILE *file = scratch_text_open();
    fputs(header, file);
    for (int round = 1; round <= 2; round++)
        for (int i = 6; i >= 0; i--) {
            (void)snprintf(error, sizeof(error), "fixed:%d", i);
            row_add(file, labels[i], error, round, 100 * (i + 1), 80);
        }
    struct results set = read_set(scratch_text_close(file));
    size_t count;
    struct settings *all = settings_of(&set, labels, &count);
    assert_int_equal(count, 1);
    assert_int_equal(all[0].count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(all[0].items[i].name, labels[i]);
        assert_int_equal(all[0].items[i].row_count, 2);
        assert_true(all[0].items[i].median == 100 * (double)(i + 1));
    }
    settings_free(all, count);
    results_free(&set);
}

static void points_of_one_label_are_told_apart(void **state)
{
    (void)state;
    FILE *file = scratch_text_open();
    fputs(header, file);
    row_add(file, "auto", "adaptive", 1, 100, 80);
    row_add(file, "manual", "fixed:1", 1, 110, 80);
    row_add(file, "manual", "fixed:2", 1, 120, 80);
    fputs("all,complete,passed,4,0.9,auto,adaptive,1,7,80,80\n", file); /* other threads: a group of its own */
    struct results set = read_set(scratch_text_close(file));
    size_t count;
    struct settings *all = settings_of(&set, NULL, &count);
    assert_int_equal(count, 2);
    assert_int_equal(all[0].count, 3);
    assert_string_equal(all[0].heading, "threads 2");
    assert_string_equal(all[0].items[0].name, "auto");
    assert_string_equal(all[0].items[1].name, "manual backoff=fixed:1");
    assert_string_equal(all[0].items[2].name, "manual backoff=fixed:2");
    assert_int_equal(all[1].count, 1);
    settings_free(all, count);
    results_free(&set);
}

/* Targets have options of their own, and stand side by side all the same. */
static void targets_stand_side_by_side(void **state)
{
    (void)state;
    FILE *file = scratch_text_open();
    fputs("txn_type,outcome,check_result,threads,wl_theta,target,label,opt_backoff,opt_validation_lock,repetition,"
          "throughput_txn_per_s\n",
          file);
    for (int theta = 0; theta <= 1; theta++) {
        fprintf(file, "all,complete,passed,2,%d,silo,silo,adaptive,wait,1,100\n", theta);
        fprintf(file, "all,complete,passed,2,%d,native,native,adaptive,,1,150\n", theta);
        fprintf(file, "all,complete,passed,2,%d,bare,,,,1,200\n", theta);
    }
    struct results set = read_set(scratch_text_close(file));
    static char *order[] = {"native", "silo", NULL};
    size_t count;
    struct settings *all = settings_of(&set, order, &count);
    assert_int_equal(count, 2);
    assert_string_equal(all[1].heading, "theta 1");
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(all[i].count, 3);
        assert_string_equal(all[i].items[0].name, "native");
        assert_string_equal(all[i].items[1].name, "silo");
        assert_true(all[i].items[0].median == 150 && all[i].items[1].median == 100 && all[i].items[2].median == 200);
    }
    settings_free(all, count);
    results_free(&set);
}

/* Two settings whose ranges overlap all but for a hair: within rounds B is always 3% faster. */
static char *two_settings(int rounds, double b_line_ns)
{
    FILE *file = scratch_text_open();
    fputs(header, file);
    for (int round = 1; round <= rounds; round++) {
        row_add(file, "default", "adaptive", round, level(round), 80);
        row_add(file, "b", "off", round, level(round) * (1.03 + 0.001 * (round % 3)), round == 1 ? b_line_ns : 80);
    }
    return scratch_text_close(file);
}

static void a_machine_that_wanders_still_tells(void **state)
{
    (void)state;
    static char *order[] = {"default", "b", NULL};
    struct results set = read_set(two_settings(8, 80));
    struct settings_difference d[2];
    size_t count;
    struct settings *all = settings_of(&set, order, &count);
    settings_compare(&all[0], 0, d);
    assert_true(d[0].ratio == 1 && !d[0].beyond_noise);
    assert_int_equal(d[1].rounds, 8);
    assert_true(fabs(d[1].ratio - 1.031) < 1e-3 && d[1].interval.low > 1.029 && d[1].interval.high < 1.033);
    assert_true(d[1].beyond_noise && d[1].p < 0.01);
    char *verdict = settings_verdict(&all[0]);
    assert_non_null(strstr(verdict, "b wins: +3.1% against default (99.2% interval +3.0% to +3.2%): beyond noise."));
    free(verdict);
    settings_free(all, count);
    results_free(&set);

    set = read_set(two_settings(5, 80));
    all = settings_of(&set, order, &count);
    settings_compare(&all[0], 0, d);
    assert_string_equal(settings_noise_text(&all[0], &d[1]), "too few repetitions to tell: 5, and it takes 6");
    verdict = settings_verdict(&all[0]);
    assert_non_null(strstr(verdict, "No winner beyond noise. b is ahead: +3.1% against default (93.7% interval"));
    free(verdict);
    settings_free(all, count);
    results_free(&set);
}

/* b is ahead of the first one by most, but c is ahead of b in two rounds of three. */
static void who_is_ahead_is_behind_nobody(void **state)
{
    (void)state;
    static const double speeds[3][3] = {{100, 300, 400}, {100, 300, 200}, {100, 100, 200}};
    static char *order[] = {"a", "b", "c", NULL};
    FILE *file = scratch_text_open();
    fputs(header, file);
    for (int round = 0; round < 3; round++) {
        row_add(file, "a", "adaptive", round + 1, speeds[round][0], 80);
        row_add(file, "b", "off", round + 1, speeds[round][1], 80);
        row_add(file, "c", "fixed:1", round + 1, speeds[round][2], 80);
    }
    struct results set = read_set(scratch_text_close(file));
    size_t count;
    struct settings *all = settings_of(&set, order, &count);
    char *verdict = settings_verdict(&all[0]);
    assert_non_null(strstr(verdict, "c is ahead: +33.3% against b"));
    free(verdict);
    settings_free(all, count);
    results_free(&set);
}

static void runs_on_other_cpus_are_left_out(void **state)
{
    (void)state;
    struct results set = read_set(two_settings(7, 290));
    struct settings_difference d[2];
    size_t count;
    struct settings *all = settings_of(&set, NULL, &count);
    settings_compare(&all[0], 0, d);
    assert_int_equal(d[1].rounds, 6);
    assert_int_equal(d[1].left_out, 1);
    char *verdict = settings_verdict(&all[0]);
    assert_non_null(strstr(verdict, "1 rounds are left out"));
    free(verdict);
    settings_free(all, count);
    results_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_label_is_a_setting_of_its_own), cmocka_unit_test(points_of_one_label_are_told_apart),
        cmocka_unit_test(targets_stand_side_by_side),        cmocka_unit_test(a_machine_that_wanders_still_tells),
        cmocka_unit_test(who_is_ahead_is_behind_nobody),     cmocka_unit_test(runs_on_other_cpus_are_left_out),
    };
    return cmocka_run_group_tests(tests, scratch_file_create, scratch_file_remove);
}
