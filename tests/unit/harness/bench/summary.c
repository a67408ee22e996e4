/* summary.c - harness/bench/summary.h: what the summary says of several repetitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/bench/summary.h"
#include "harness/common/support.h"
#include "tests/unit/harness/bench/fake_target.h"

enum { REPETITIONS = 3 };

static struct options *options;
static struct placement_worker places[2] = {{.cpu = 0}, {.cpu = 1}};
static const struct placement placement = {.count = 2, .workers = places};
static struct result *results[REPETITIONS];

static int make_results(void **state)
{
    (void)state;
    char error[OPTION_ERROR_BYTES];
    options = options_create();
    assert_true(options_set(options, "threads", "2", error));
    assert_true(options_resolve_for(options, &fake_workload_ops, &fake_target_ops, error));
    for (unsigned i = 0; i < REPETITIONS; i++) {
        results[i] = result_create(options, &placement, i + 1);
        results[i]->window_s = 1;
        results[i]->load_s = 1;
        results[i]->load_rows = 5000;
    }
    return 0;
}

static int free_results(void **state)
{
    (void)state;
    for (unsigned i = 0; i < REPETITIONS; i++)
        result_destroy(results[i]);
    options_destroy(options);
    return 0;
}

static void commits_are(unsigned i, uint64_t even, uint64_t odd)
{
    results[i]->types[0].committed = even;
    results[i]->types[1].committed = odd;
    results[i]->all.committed = even + odd;
}

static char *printed(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    summary_print(file, results, REPETITIONS, NULL);
    (void)fclose(file);
    return text;
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("the summary does not say '%s':\n%s", part, text);
}

static void assert_says_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("the summary says '%s':\n%s", part, text);
}

static void lines_by_type_are_medians_too(void **state)
{
    (void)state;
    commits_are(0, 200, 20);
    commits_are(1, 100, 10);
    commits_are(2, 900, 90); /* the last is no better than the others */
    results[0]->types[0].aborted[1] = results[0]->all.aborted[1] = 200;
    char *text = printed();
    assert_says(text, "median of 3 (min .. max)");
    assert_says(text, "throughput     220 txn/s (110 .. 990)");
    assert_says(text, "even           200 txn/s (100 .. 900), 0% aborted (0 .. 50)");
    assert_says(text, "odd            20 txn/s (10 .. 90), 0% aborted\n");
    free(text);
}

static void what_belongs_together_is_of_the_median_repetition(void **state)
{
    (void)state;
    for (unsigned i = 0; i < REPETITIONS; i++) {
        results[i]->latencies = support_alloc(3 * sizeof *results[i]->latencies);
        results[i]->latencies[2].service = (struct latency_digest){.count = 1, .p50 = (i + 1) * 111};
    }
    commits_are(0, 100, 100);
    commits_are(1, 50, 50);
    commits_are(2, 90, 90);
    char *text = printed();
    assert_says(text, "latency and counters of repetition 3, the median");
    assert_says(text, "p50 333ns");
    free(text);
}

static void any_saturated_repetition_is_said(void **state)
{
    char error[OPTION_ERROR_BYTES];
    (void)state;
    assert_true(options_set(options, "rate", "1000", error));
    assert_true(options_resolve_for(options, &fake_workload_ops, &fake_target_ops, error));
    for (unsigned i = 0; i < REPETITIONS; i++)
        commits_are(i, 500, 500);
    results[0]->saturated = true;
    char *text = printed();
    assert_says(text, "repetition 1 was saturated");
    assert_says_not(text, "repetition 3 was saturated");
    free(text);
}

static void short_windows_are_warned_of(void **state)
{
    static const char *const times[] = {"1ms", "99ms", "100ms"};
    char error[OPTION_ERROR_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_true(options_set(options, "time", times[i], error));
        assert_true(options_resolve_for(options, &fake_workload_ops, &fake_target_ops, error));
        char *text = printed();
        if (i < 2)
            assert_says(text, "is too short to mean much");
        else
            assert_says_not(text, "is too short to mean much");
        free(text);
    }
}

static void steadiness_rows_and_distance_are_said(void **state)
{
    (void)state;
    for (unsigned i = 0; i < REPETITIONS; i++) {
        commits_are(i, 500, 500);
        results[i]->steady = i != 1;
        results[i]->drift = i == 1 ? 0.25 : -0.004;
        results[i]->proximity = (struct proximity_span){{85, 85, 110}, {85, 85, 110}};
    }
    char *text = printed();
    assert_says(text, "load           5.00k rows/s; 5.00k rows");
    assert_says(text, "steady         2 of 3 repetitions; second half against first -0.4% .. +25.0%");
    assert_says(text, "distance       line 85 ns, memory 110 ns");
    assert_says_not(text, "moved");
    assert_says_not(text, "another distance");
    free(text);
    results[2]->proximity = (struct proximity_span){{85, 85, 110}, {270, 270, 110}};
    results[1]->proximity = (struct proximity_span){{270, 270, 110}, {270, 270, 110}};
    text = printed();
    assert_says(text, "repetition 3 was moved: line 85 ns before and 270 ns after");
    assert_says(text, "repetition 1 ran at another distance: line 85 ns");
    free(text);
}

static void what_is_wanted_most_comes_first_and_fits_a_screen(void **state)
{
    static const char *const order[] = {"  throughput ", "  latency ", "  aborts ",
                                        "  check ",      "  load ",    "  promises "};
    (void)state;
    for (unsigned i = 0; i < REPETITIONS; i++) {
        commits_are(i, 500 + i, 500);
        results[i]->steady = results[i]->warmup_settled = 0; /* said of all in one line */
        results[i]->drift = 0.5;
        results[i]->check = CHECK_PASSED;
        results[i]->all.operations = 5000;
        for (unsigned reason = 0; reason < 4; reason++)
            results[i]->all.aborted[reason] = reason + 1;
        results[i]->latencies = support_alloc(3 * sizeof *results[i]->latencies);
        results[i]->latencies[2].service = (struct latency_digest){.count = 1, .p50 = 111};
    }
    char *text = printed();
    const char *at = text;
    unsigned lines = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const char *next = strstr(at, order[i]);
        if (next == NULL)
            fail_msg("'%s' is not where it should be:\n%s", order[i], text);
        at = next;
    }
    for (at = text; *at != '\0'; at++)
        lines += *at == '\n';
    assert_in_range(lines, 10, 24);
    assert_says(text, "repetitions 1, 2 and 3: not steady");
    assert_says(text, ", others ");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_by_type_are_medians_too, make_results, free_results),
        cmocka_unit_test_setup_teardown(what_belongs_together_is_of_the_median_repetition, make_results, free_results),
        cmocka_unit_test_setup_teardown(any_saturated_repetition_is_said, make_results, free_results),
        cmocka_unit_test_setup_teardown(what_is_wanted_most_comes_first_and_fits_a_screen, make_results, free_results),
        cmocka_unit_test_setup_teardown(short_windows_are_warned_of, make_results, free_results),
        cmocka_unit_test_setup_teardown(steadiness_rows_and_distance_are_said, make_results, free_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
