/* Tests of harness/analysis/compare.c: joining, verdicts, what is listed instead of compared, and the three outputs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/analysis/compare.h"
#include "tests/support/scratch.h"

static char a_path[] = "/tmp/maemio-compare-a-XXXXXX", b_path[] = "/tmp/maemio-compare-b-XXXXXX";
static char error[COMPARE_ERROR_BYTES];
static struct compare_options options;

static int reset(void **state)
{
    (void)state;
    options = (struct compare_options){.metric = "speed", .type = "all", .threshold = 0.03, .seed = 1};
    return 0;
}

static int make_files(void **state)
{
    (void)state;
    int a = mkstemp(a_path), b = mkstemp(b_path);
    return a < 0 || b < 0 || close(a) || close(b);
}

static int remove_files(void **state)
{
    (void)state;
    return unlink(a_path) || unlink(b_path);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static struct compare *compared(const char *a, const char *b)
{
    write_text(a_path, a);
    write_text(b_path, b);
    struct compare *compare = compare_files(a_path, b_path, &options, error);
    if (!compare)
        fail_msg("%s", error);
    return compare;
}

/* Ten repetitions around `speed`, spread by +-1%, as CSV rows of theta. */
static void add_rows(FILE *file, const char *theta, double speed, int repetitions)
{
    for (int i = 0; i < repetitions; i++)
        fprintf(file, "ycsb,%s,%d,%.6f,r1\n", theta, i + 1, speed * (1 + 0.01 * ((i * 7 % 10) - 4.5) / 4.5));
}

static char *rows(const char *header, double low_theta_speed, double high_theta_speed, int repetitions)
{
    FILE *file = scratch_text_open();
    fputs(header, file);
    add_rows(file, "0.5", low_theta_speed, repetitions);
    add_rows(file, "0.99", high_theta_speed, repetitions);
    return scratch_text_close(file);
}

static const char header[] = "workload,theta,repetition,speed,revision\n";

static struct compare *compare_speeds(double a_low, double a_high, double b_low, double b_high, int repetitions)
{
    char *a = rows(header, a_low, a_high, repetitions), *b = rows(header, b_low, b_high, repetitions);
    struct compare *compare = compared(a, b);
    free(a);
    free(b);
    return compare;
}

static void a_slower_configuration_is_found_beside_one_that_is_the_same(void **state)
{
    (void)state;
    struct compare *compare = compare_speeds(100, 50, 100.1, 45, 10);
    assert_int_equal(compare->matched_count, 2);
    assert_int_equal(compare->row_count, 2);
    assert_int_equal(compare->rows[0].verdict, VERDICT_SAME);
    assert_int_equal(compare->rows[1].verdict, VERDICT_SLOWER);
    assert_true(fabs(compare->rows[1].ratio - 0.9) < 1e-4);
    assert_true(compare->rows[1].interval.high < 1);
    assert_true(compare->rows[1].u_test.exact && compare->rows[1].u_test.p < 0.001);
    assert_int_equal(compare->rows[1].a_count, 10);
    assert_int_equal(compare_exit(compare, false), 4);
    assert_int_equal(compare_exit(compare, true), 4);
    compare_destroy(compare);
}

static void faster_and_same_pass(void **state)
{
    (void)state;
    struct compare *compare = compare_speeds(100, 50, 101, 60, 10);
    assert_int_equal(compare->rows[0].verdict, VERDICT_SAME);
    assert_int_equal(compare->rows[1].verdict, VERDICT_FASTER);
    assert_int_equal(compare_exit(compare, true), 0);
    compare_destroy(compare);
}

static void where_lower_is_better_more_is_slower(void **state)
{
    (void)state;
    options.lower_is_better = true;
    struct compare *compare = compare_speeds(100, 50, 110, 45, 10);
    assert_int_equal(compare->rows[0].verdict, VERDICT_SLOWER);
    assert_int_equal(compare->rows[1].verdict, VERDICT_FASTER);
    assert_true(compare->rows[0].ratio > 1); /* the ratio itself stays B / A */
    compare_destroy(compare);
}

static void an_effect_below_the_noise_is_no_regression(void **state)
{
    (void)state;
    options.noise = 0.15;
    struct compare *compare = compare_speeds(100, 50, 90, 45, 10);
    assert_int_equal(compare->rows[0].verdict, VERDICT_SAME);
    compare_destroy(compare);
    options.noise = 0.1; /* 10% slower: the interval reaches past it */
    compare = compare_speeds(100, 50, 90, 45, 10);
    assert_int_equal(compare->rows[0].verdict, VERDICT_INCONCLUSIVE);
    assert_int_equal(compare_exit(compare, false), 0);
    assert_int_equal(compare_exit(compare, true), 5);
    compare_destroy(compare);
}

static void too_few_repetitions_never_make_a_verdict(void **state)
{
    (void)state;
    struct compare *compare = compare_speeds(100, 50, 50, 25, 3);
    assert_int_equal(compare->rows[0].verdict, VERDICT_INCONCLUSIVE);
    assert_string_equal(compare->rows[0].reason, "too few or too overlapping repetitions: the U test cannot tell");
    compare_destroy(compare);
    compare = compare_speeds(100, 50, 50, 25, 1);
    assert_int_equal(compare->rows[0].verdict, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(compare->rows[0].reason, "single repetition"));
    assert_int_equal(compare_exit(compare, false), 0);
    compare_destroy(compare);
    compare = compare_speeds(100, 50, 50, 25, 4); /* each by itself could tell, but they are two */
    assert_true(compare->rows[0].u_test.p <= 0.05 && compare->rows[0].p_holm > 0.05);
    assert_int_equal(compare->rows[0].verdict, VERDICT_INCONCLUSIVE);
    compare_destroy(compare);
    compare = compare_speeds(100, 50, 50, 25, 5);
    assert_int_equal(compare->rows[0].verdict, VERDICT_SLOWER);
    compare_destroy(compare);
}

static void configurations_of_one_file_are_listed_and_never_joined(void **state)
{
    (void)state;
    struct compare *compare =
        compared("workload,theta,repetition,speed,revision\nycsb,0.5,1,10,x\nycsb,0.9,1,20,x\nycsb,0.9,2,21,x\n",
                 "revision,theta,workload,repetition,speed,aborts_rts\n"
                 "y,0.90,ycsb,1,20,7\ny,0.5,ycsb,1,11,8\n"); /* another order of columns */
    assert_int_equal(compare->matched_count, 1);
    assert_int_equal(compare->row_count, 3);
    assert_true(compare->rows[0].a && compare->rows[0].b);
    assert_int_equal(compare->rows[0].b->line, 3);
    assert_true(compare->rows[1].a && !compare->rows[1].b); /* 0.9 is not 0.90: texts are compared */
    assert_int_equal(compare->rows[1].a_count, 2);
    assert_true(!compare->rows[2].a && compare->rows[2].b);
    assert_int_equal(compare_exit(compare, true), 5);
    assert_int_equal(compare_exit(compare, false), 0);

    FILE *file = scratch_text_open();
    compare_print_table(compare, file);
    char *text = scratch_text_close(file);
    assert_non_null(strstr(text, "(line 3, 2 repetitions): theta=0.9\n"));
    assert_non_null(strstr(text, "(line 2, 1 repetition): theta=0.90\n"));
    assert_non_null(strstr(text, "1 compared: 0 slower, 0 faster, 0 same, 1 inconclusive; 2 not matched\n"));
    free(text);
    compare_destroy(compare);
}

static void nothing_in_common_never_looks_like_a_pass(void **state)
{
    (void)state;
    struct compare *compare = compared("theta,speed\n0.5,10\n", "theta,speed\n0.6,10\n");
    assert_int_equal(compare->matched_count, 0);
    assert_int_equal(compare_exit(compare, false), 1);
    compare_destroy(compare);
}

static void a_configuration_column_of_one_file_is_noted_or_refused(void **state)
{
    (void)state;
    struct compare *compare = compared("theta,speed\n0.5,10\n", "theta,opt_new,speed\n0.5,on,10\n");
    assert_int_equal(compare->matched_count, 1);
    assert_int_equal(compare->notes.count, 1);
    assert_non_null(strstr(compare->notes.items[0], "configuration column opt_new is in "));
    assert_non_null(strstr(compare->notes.items[0], "only (always 'on')"));
    compare_destroy(compare);

    write_text(b_path, "theta,opt_new,speed\n0.5,on,10\n0.5,off,10\n");
    assert_null(compare_files(a_path, b_path, &options, error));
    assert_non_null(strstr(error, "configuration column opt_new varies there"));
}

static void rows_that_cannot_be_used_are_noted(void **state)
{
    (void)state;
    struct compare *compare = compared("theta,speed,outcome\n1,10,complete\n1,,complete\n1,1,interrupted\n",
                                       "theta,speed,outcome\n1,10,complete\n");
    assert_int_equal(compare->matched_count, 1);
    assert_int_equal(compare->rows[0].a_count, 1);
    assert_int_equal(compare->unused_count, 2);
    assert_non_null(strstr(compare->notes.items[0], ":4: outcome is 'interrupted': not used"));
    assert_non_null(strstr(compare->notes.items[1], ":3: speed is empty: not used"));
    assert_int_equal(compare_exit(compare, true), 5);
    compare_destroy(compare);
}

static void errors_name_file_line_and_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *b, *expected;
    } cases[] = {
        {"theta,speed\n1,fast\n", ":2: speed is 'fast': want a number, or an empty field if there is none"},
        {"theta,speed\n1,inf\n", ":2: speed is 'inf': want a number, or an empty field if there is none"},
        {"theta,velocity\n1,2\n", ":1: has no column 'speed'"},
        {"theta,speed\n", ": a header but no rows"},
        {"theta,speed\n1\n", ":2: 1 fields, but the header has 2: a half-written row, or rows of another schema"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_text(a_path, "theta,speed\n1,2\n");
        write_text(b_path, cases[i].b);
        assert_null(compare_files(a_path, b_path, &options, error));
        assert_int_equal(strncmp(error, b_path, strlen(b_path)), 0);
        assert_string_equal(error + strlen(b_path), cases[i].expected);
    }
}

static void a_median_of_zero_is_judged_in_both_directions(void **state)
{
    (void)state;
    static const char some[] = "theta,speed\n1,8\n1,9\n1,10\n1,11\n1,12\n",
                      none[] = "theta,speed\n1,0\n1,0\n1,0\n1,0\n1,0\n";
    for (int lower = 0; lower < 2; lower++) {
        options.lower_is_better = lower;
        struct compare *compare = compared(some, none);
        assert_true(compare->rows[0].ratio == 0);
        assert_int_equal(compare->rows[0].verdict, lower ? VERDICT_FASTER : VERDICT_SLOWER);
        assert_int_equal(compare_exit(compare, false), lower ? EXIT_FINE : EXIT_REGRESSION);
        compare_destroy(compare);
        compare = compared(none, some);
        assert_true(isinf(compare->rows[0].ratio));
        assert_int_equal(compare->rows[0].verdict, lower ? VERDICT_SLOWER : VERDICT_FASTER);
        compare_destroy(compare);
        compare = compared(none, none);
        assert_int_equal(compare->rows[0].verdict, VERDICT_SAME);
        compare_destroy(compare);
    }
    struct compare *compare = compared("theta,speed\n1,-1\n1,-1\n", "theta,speed\n1,2\n1,2\n");
    assert_string_equal(compare->rows[0].reason, "a value is below 0: there is no ratio");
    compare_destroy(compare);
}

static void a_failed_check_fails_the_comparison(void **state)
{
    (void)state;
    static const char fine[] = "theta,txn_type,speed,check_result\n1,all,10,passed\n1,all,10,skipped\n";
    struct compare *compare = compared(fine, "theta,txn_type,speed,check_result\n1,all,10,passed\n1,all,20,failed\n");
    assert_int_equal(compare->failed_count, 1);
    assert_int_equal(compare->rows[0].b_count, 1);
    assert_int_equal(compare_exit(compare, false), EXIT_CHECK);
    compare_destroy(compare);

    /* The rows of a type do not say it themselves. */
    options.type = "read";
    compare = compared("theta,txn_type,speed,check_result\n1,all,10,passed\n1,read,8,\n1,all,10,failed\n1,read,9,\n",
                       "theta,txn_type,speed,check_result\n1,all,10,passed\n1,read,8,\n");
    assert_int_equal(compare->failed_count, 1);
    assert_true(compare->rows[0].a_count == 1 && compare->rows[0].a_median == 8);
    compare_destroy(compare);
}

/* speed, ns from CPU to CPU before and after: rows of one configuration. */
static char *placed_rows(const char *const *rows, size_t count)
{
    FILE *file = scratch_text_open();
    fputs("theta,repetition,speed,line_before_ns,line_after_ns\n", file);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "1,%s\n", rows[i]);
    return scratch_text_close(file);
}

static void only_runs_on_equally_near_cpus_are_compared(void **state)
{
    (void)state;
    static const char *const near_and_far[] = {"1,100,80,85", "1,101,80,80", "2,50,280,280", "2,51,270,270",
                                               "3,90,80,280"};
    static const char *const near_only[] = {"1,100,90,85", "1,100,90,80", "2,100,85,80", "2,100,80,80"};
    static const char *const far_only[] = {"1,50,290,280", "1,50,290,280"};
    char *a = placed_rows(near_and_far, 5), *b = placed_rows(near_only, 4), *far = placed_rows(far_only, 2);
    struct compare *compare = compared(a, b);
    assert_true(compare->rows[0].a_count == 2 && compare->rows[0].b_count == 4); /* the far and the moved one are out */
    assert_int_equal(compare->unused_count, 3);
    assert_non_null(strstr(compare->notes.items[0], "3 rows ran on CPUs that were not as near"));
    compare_destroy(compare);

    options.blocks = "repetition";
    compare = compared(a, a); /* a block of far runs is as good as one of near runs */
    assert_int_equal(compare->rows[0].block_count, 2);
    assert_int_equal(compare->unused_count, 2); /* the moved one, twice */
    compare_destroy(compare);
    options.blocks = NULL;

    compare = compared(far, b);
    assert_int_equal(compare->rows[0].verdict, VERDICT_INCONCLUSIVE);
    assert_string_equal(compare->rows[0].reason, "A and B never ran on CPUs that were equally near");
    compare_destroy(compare);
    free(a);
    free(b);
    free(far);
}

static void what_is_to_be_ignored_must_be_there(void **state)
{
    (void)state;
    static char *known[] = {"the*", NULL}, *unknown[] = {"theta", "thetas", NULL};
    options.ignored = known;
    struct compare *compare = compared("theta,speed\n1,1\n", "theta,speed\n2,1\n");
    assert_int_equal(compare->matched_count, 1);
    compare_destroy(compare);
    options.ignored = unknown;
    assert_null(compare_files(a_path, b_path, &options, error));
    assert_non_null(strstr(error, "--ignore: no column of "));
    assert_non_null(strstr(error, "is called 'thetas'"));
}

/* The i-th note; "" if there are fewer. */
static const char *note_at(const struct compare *compare, size_t i)
{
    return i < compare->notes.count ? compare->notes.items[i] : "";
}

static void what_would_let_rows_match_is_suggested(void **state)
{
    (void)state;
    static char *ignored[] = {"opt_backoff", NULL};
    static const char *const a = "label,threads,opt_backoff,speed\nx,1,auto,1\nx,2,auto,1\n",
                             *const b = "label,threads,opt_backoff,speed\nx,1,off,1\nx,2,off,1\n";
    struct compare *compare = compared(a, b);
    assert_int_equal(compare->matched_count, 0);
    assert_string_equal(note_at(compare, 0), "to compare A and B although they differ there, say --ignore opt_backoff");
    assert_string_equal(note_at(compare, 1),
                        "to compare rows of the same label, whatever else differs, say --match label");
    compare_destroy(compare);
    options.ignored = ignored; /* what it says helps */
    compare = compared(a, b);
    assert_true(compare->matched_count == 2 && compare->notes.count == 0);
    compare_destroy(compare);
    options.ignored = NULL;
    options.match = "label";
    compare = compared(a, b);
    assert_true(compare->matched_count == 1 && compare->notes.count == 0);
    compare_destroy(compare);
    options.match = NULL;

    compare = compared("label,opt_a,opt_b,opt_c,opt_d,speed\nx,1,2,3,4,1\n",
                       "label,opt_a,opt_b,opt_c,opt_d,speed\ny,,,,,1\n");
    assert_string_equal(note_at(compare, 0), "to compare A and B although they differ there, say --ignore 'opt_*'");
    assert_string_equal(note_at(compare, 1), ""); /* no label of A is one of B */
    compare_destroy(compare);
    compare = compared("threads,speed\n1,1\n2,1\n", "threads,speed\n1,1\n"); /* B just has fewer */
    assert_int_equal(compare->notes.count, 0);
    compare_destroy(compare);
}

static void the_csv_has_every_row_and_reads_back(void **state)
{
    (void)state;
    struct compare *compare = compared("target,theta,speed\n\"a,\"\"b\",1,10\n\"a,\"\"b\",1,10\n\"a,\"\"b\",2,10\n",
                                       "target,theta,speed\n\"a,\"\"b\",1,20\n\"a,\"\"b\",1,20\nc,3,5\n");
    char out_path[] = "/tmp/maemio-compare-out-XXXXXX";
    int fd = mkstemp(out_path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    compare_print_csv(compare, file);
    assert_int_equal(fclose(file), 0);
    struct csv_table table;
    if (!csv_table_read(&table, out_path, error))
        fail_msg("%s", error);
    unlink(out_path);
    assert_int_equal(table.row_count, 3);
    int target = csv_table_column(&table, "target"), ratio = csv_table_column(&table, "ratio"),
        verdict = csv_table_column(&table, "verdict"), reason = csv_table_column(&table, "reason");
    assert_string_equal(table.rows[0].fields[target], "a,\"b");
    assert_string_equal(table.rows[0].fields[ratio], "2");
    assert_string_equal(table.rows[0].fields[verdict], "inconclusive"); /* two repetitions */
    assert_string_equal(table.rows[1].fields[verdict], "unmatched");
    assert_string_equal(table.rows[1].fields[ratio], "");
    assert_string_equal(table.rows[2].fields[reason], "only in B");
    csv_table_free(&table);
    compare_destroy(compare);
}

static void the_json_says_the_same(void **state)
{
    (void)state;
    struct compare *compare = compare_speeds(100, 50, 100, 40, 10);
    FILE *file = scratch_text_open();
    compare_print_json(compare, file);
    char *text = scratch_text_close(file);
    json_error_t where;
    json_t *root = json_loads(text, 0, &where);
    if (!root)
        fail_msg("%s in %s", where.text, text);
    assert_string_equal(json_string_value(json_object_get(root, "metric")), "speed");
    assert_int_equal(json_integer_value(json_object_get(root, "exit")), 4);
    assert_string_equal(json_string_value(json_object_get(json_object_get(root, "configuration"), "workload")), "ycsb");
    json_t *row = json_array_get(json_object_get(root, "rows"), 1);
    assert_string_equal(json_string_value(json_object_get(row, "verdict")), "slower");
    assert_string_equal(json_string_value(json_object_get(json_object_get(row, "configuration"), "theta")), "0.99");
    assert_true(fabs(json_real_value(json_object_get(row, "ratio")) - 0.8) < 1e-4);
    json_decref(root);
    free(text);
    compare_destroy(compare);

    compare = compared("theta,speed\n\xff,1\n", "theta,speed\n2,1\n"); /* no value, no UTF-8: still JSON */
    file = scratch_text_open();
    compare_print_json(compare, file);
    text = scratch_text_close(file);
    root = json_loads(text, 0, &where);
    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "unmatched")), 2);
    json_decref(root);
    free(text);
    compare_destroy(compare);
}

/* Speeds of one configuration, two rows a block; the machine wanders from `slow_block` to 1 times its speed. */
static char *block_rows(double speed, double slow_block, int blocks)
{
    FILE *file = scratch_text_open();
    fputs(header, file);
    for (int i = 0; i < 2 * blocks; i++)
        fprintf(file, "ycsb,0.5,%d,%.6f,r1\n", i / 2 + 1,
                speed * (1 - (1 - slow_block) * (i / 2 * 7 % 10) / 9) * (1 + 0.002 * ((i * 7 % 10) - 4.5) / 4.5));
    return scratch_text_close(file);
}

static void blocks_take_the_drift_out(void **state)
{
    (void)state;
    char *a = block_rows(100, 0.7, 10), *b = block_rows(95, 0.7, 10);
    struct compare *compare = compared(a, b);
    assert_int_equal(compare->rows[0].verdict, VERDICT_INCONCLUSIVE);
    compare_destroy(compare);
    options.blocks = "repetition";
    options.looks = 4;
    compare = compared(a, b);
    assert_int_equal(compare->rows[0].verdict, VERDICT_SLOWER);
    assert_int_equal(compare->rows[0].block_count, 10);
    assert_true(fabs(compare->rows[0].ratio - 0.95) < 1e-3);
    assert_true(fabs(compare->alpha - 0.05 / 4) < 1e-12);
    assert_int_equal(compare_exit(compare, true), 4);
    compare_destroy(compare);
    free(b);
    b = block_rows(95, 0.7, 6); /* four blocks of A are alone */
    compare = compared(a, b);
    assert_int_equal(compare->rows[0].block_count, 6);
    assert_int_equal(compare->rows[0].a_count, 12);
    assert_int_equal(compare->unused_count, 8);
    assert_non_null(strstr(compare->notes.items[0], "8 rows have no neighbour of the same repetition"));
    compare_destroy(compare);
    free(a);
    free(b);
}

static void measured_noise_widens_the_bound(void **state)
{
    (void)state;
    char noise_path[] = "/tmp/maemio-compare-noise-XXXXXX";
    int fd = mkstemp(noise_path);
    assert_true(fd >= 0 && close(fd) == 0);
    char *a = block_rows(100, 1, 10), *b = block_rows(95, 1, 10);
    /* A A' A' A, eight times; A' is 10% off. A torn block at the end does not count. */
    FILE *file = scratch_text_open();
    fputs(header, file);
    for (int i = 0; i < 34; i++)
        fprintf(file, "ycsb,0.5,%d,%d,r1\n", i / 4, i % 4 == 1 || i % 4 == 2 ? 110 : 100);
    char *text = scratch_text_close(file);
    write_text(noise_path, text);
    options.blocks = "repetition";
    options.noise_path = noise_path;
    struct compare *compare = compared(a, b);
    assert_true(fabs(compare->rows[0].noise - 0.1) < 1e-9);
    assert_true(fabs(compare->rows[0].bound - 0.1) < 1e-9);
    assert_int_equal(compare->rows[0].verdict, VERDICT_SAME);
    assert_int_equal(compare->unused_count, 0);
    compare_destroy(compare);

    write_text(noise_path, "workload,theta,repetition,speed\nycsb,0.99,1,5\n");
    compare = compared(a, b);
    assert_int_equal(compare->rows[0].verdict, VERDICT_SLOWER);
    assert_non_null(strstr(compare->notes.items[0], "its noise is unknown"));
    assert_int_equal(compare->unused_count, 1);
    compare_destroy(compare);
    write_text(noise_path, "theta,speed\n1,5\n");
    assert_null(compare_files(a_path, b_path, &options, error));
    assert_non_null(strstr(error, "no column 'repetition'"));
    assert_int_equal(unlink(noise_path), 0);
    free(text);
    free(a);
    free(b);
}

static void one_column_may_tell_what_matches(void **state)
{
    (void)state;
    options.match = "workload";
    struct compare *compare =
        compared("workload,theta,speed\nycsb,1,10\nycsb,2,10\n", "workload,speed\nycsb,10\nx,1\n");
    assert_int_equal(compare->matched_count, 1);
    assert_int_equal(compare->row_count, 2);
    assert_int_equal(compare->rows[0].a_count, 2);
    compare_destroy(compare);
    options.match = "label";
    assert_null(compare_files(a_path, b_path, &options, error));
    assert_non_null(strstr(error, "no column 'label'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_slower_configuration_is_found_beside_one_that_is_the_same, reset),
        cmocka_unit_test_setup(faster_and_same_pass, reset),
        cmocka_unit_test_setup(where_lower_is_better_more_is_slower, reset),
        cmocka_unit_test_setup(an_effect_below_the_noise_is_no_regression, reset),
        cmocka_unit_test_setup(too_few_repetitions_never_make_a_verdict, reset),
        cmocka_unit_test_setup(configurations_of_one_file_are_listed_and_never_joined, reset),
        cmocka_unit_test_setup(nothing_in_common_never_looks_like_a_pass, reset),
        cmocka_unit_test_setup(a_configuration_column_of_one_file_is_noted_or_refused, reset),
        cmocka_unit_test_setup(rows_that_cannot_be_used_are_noted, reset),
        cmocka_unit_test_setup(errors_name_file_line_and_what_would_be_right, reset),
        cmocka_unit_test_setup(a_median_of_zero_is_judged_in_both_directions, reset),
        cmocka_unit_test_setup(a_failed_check_fails_the_comparison, reset),
        cmocka_unit_test_setup(only_runs_on_equally_near_cpus_are_compared, reset),
        cmocka_unit_test_setup(what_is_to_be_ignored_must_be_there, reset),
        cmocka_unit_test_setup(what_would_let_rows_match_is_suggested, reset),
        cmocka_unit_test_setup(the_csv_has_every_row_and_reads_back, reset),
        cmocka_unit_test_setup(the_json_says_the_same, reset),
        cmocka_unit_test_setup(blocks_take_the_drift_out, reset),
        cmocka_unit_test_setup(measured_noise_widens_the_bound, reset),
        cmocka_unit_test_setup(one_column_may_tell_what_matches, reset),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
