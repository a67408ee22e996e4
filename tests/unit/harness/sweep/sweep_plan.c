/*
 * sweep_plan.c - harness/sweep/sweep_plan.h and harness/options/job.h: points, order, mistakes with file, line and
 * key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/sweep/sweep_plan.h"
#include "harness/targets/targets.h"
#include "tests/support/scratch.h"

static char error[SWEEP_ERROR_BYTES];
static const struct option_pairs no_overrides;

static bool plan_of(struct sweep_plan *plan, const char *text, const struct option_pairs *overrides, uint64_t seed)
{
    scratch_file_write(text);
    return sweep_plan_init(plan, scratch_path, overrides, seed, false, error);
}

static void assert_refused(const char *text, const char *says)
{
    struct sweep_plan plan;
    assert_false(plan_of(&plan, text, &no_overrides, 1));
    sweep_plan_fini(&plan);
    if (strstr(error, says) == NULL)
        fail_msg("'%s' does not say '%s'", error, says);
}

#define SMALL "records = 1000\nthreads = 1\n"

static void repetitions_are_interleaved(void **state)
{
    (void)state;
    struct sweep_plan plan;
    assert_true(plan_of(&plan, SMALL "repetitions = 3\n[a]\ntheta = 0, 0.5, 0.9, 0.99\n[b]\nrepetitions = 2\n",
                        &no_overrides, 1));
    assert_int_equal(plan.point_count, 5);
    assert_int_equal(plan.run_count, 4 * 3 + 2);
    /* Every point has run n times before any runs n + 1 times. */
    for (size_t i = 0; i < plan.run_count; i++)
        assert_int_equal(plan.runs[i].repetition, i < 5 ? 1 : i < 10 ? 2 : 3);
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(plan.runs[i].point, plan.runs[j].point);
    sweep_plan_fini(&plan);
}

static void the_seed_gives_the_order(void **state)
{
    (void)state;
    struct sweep_plan plans[3];
    const uint64_t seeds[] = {7, 7, 8};
    unsigned same = 0;
    for (size_t i = 0; i < 3; i++)
        assert_true(plan_of(&plans[i], SMALL "read_ratio = 0..1+0.01\n", &no_overrides, seeds[i]));
    assert_int_equal(plans[0].run_count, 101);
    for (size_t i = 0; i < 101; i++) {
        assert_string_equal(plans[0].runs[i].point->id, plans[1].runs[i].point->id);
        same += strcmp(plans[0].runs[i].point->id, plans[2].runs[i].point->id) == 0;
    }
    assert_true(same < 20);
    for (size_t i = 0; i < 3; i++)
        sweep_plan_fini(&plans[i]);
}

static void overrides_change_points_and_their_names(void **state)
{
    (void)state;
    struct sweep_plan plain, overridden;
    struct option_pair pairs[] = {{(char[]){"theta"}, (char[]){"0.1"}, NULL},
                                  {(char[]){"set.backoff"}, (char[]){"off"}, NULL}};
    const struct option_pairs overrides = {pairs, 2};
    assert_true(plan_of(&plain, SMALL "theta = 0.9\n", &no_overrides, 1));
    assert_true(plan_of(&overridden, SMALL "theta = 0.9\n", &overrides, 1));
    assert_string_not_equal(plain.points[0].id, overridden.points[0].id);
    assert_int_equal(plain.points[0].options->settings.count, 0);
    assert_int_equal(overridden.points[0].options->settings.count, 1);
    assert_string_equal(overridden.points[0].options->settings.items[0].key, "backoff");
    sweep_plan_fini(&plain);
    sweep_plan_fini(&overridden);
}

static void the_time_is_foreseen(void **state)
{
    (void)state;
    struct sweep_plan plan;
    assert_true(plan_of(&plan, SMALL "warmup = 1s\ntime = 4s\ntheta = 0, 0.5\nrepetitions = 2\n", &no_overrides, 1));
    assert_true(plan.points[1].config_hash[0] != '\0'); /* of a target that is opened once for both points */
    assert_string_not_equal(plan.points[0].config_hash, plan.points[1].config_hash);
    assert_true(sweep_nominal_s(&plan.points[0]) == 5);
    double all = sweep_plan_left_s(&plan);
    assert_true(all >= 4 * 5);
    plan.points[0].seconds = plan.points[1].seconds = 8;
    assert_true(sweep_plan_left_s(&plan) == 32);
    plan.runs[0].finished = true;
    assert_true(sweep_plan_left_s(&plan) == 24);
    plan.runs[1].failed = plan.runs[2].failed = true; /* these are not tried again */
    assert_true(sweep_plan_left_s(&plan) == 8);
    plan.runs[1].failed = plan.runs[2].failed = false;
    struct support_text text = {0};
    sweep_plan_print(&plan, &text);
    assert_non_null(strstr(text.text, "2 points, 4 runs, 1 of them finished; 3 to run\n"));
    assert_non_null(strstr(text.text, "time: 15s of warm-ups and windows, about 24s in all\n"));
    assert_non_null(strstr(text.text, "  [global] theta=0.5\n"));
    free(text.text);
    sweep_plan_fini(&plan);
}

static void mistakes_have_file_line_and_key(void **state)
{
    (void)state;
    char expected[128];
    (void)snprintf(expected, sizeof expected, "%s:2: ", scratch_path);
    assert_refused("records = 1000\nrecrods = 5\n", "unknown key 'recrods'");
    assert_refused("records = 1000\nrecrods = 5\n", expected);
    assert_refused("records = 1000\ntheta = 0, x\n", expected);
    assert_refused("records = 1000\nwarehouses = 2\n", expected);
    assert_refused("records = 1000\nwarehouses = 2\n", "key 'warehouses': --warehouses is an option of workload tpcc");
    assert_refused("records = 1000\nset.backof = off\n", expected);
    assert_refused("records = 1000\nset.backof = off\n",
                   "key 'set.backof': --set backof: target native has no such setting; did you mean 'backoff'?");
    assert_refused("records = 1000\ncsv = x.csv\n",
                   "key 'csv' cannot stand here: results go into results.csv of --out");
    assert_refused("records = 1000\nlatency_csv = ../x.csv\n", "must be the name of a file within --out");
    assert_refused("records = 1000\nworkload = nope\n", "key 'workload': --workload: there is no 'nope'");
    assert_refused("records = 1000\ntarget = bare\nset.backoff = off\n",
                   "key 'set.backoff': --set backoff: target bare has no such setting");
}

/* Whether a target is there depends on the machine and on the build; what follows from it does not. */
static void points_of_missing_targets_can_be_left_out(void **state)
{
    (void)state;
    static const char *const names[] = {"lmdb", "sql", "redis"};
    enum { NAMES = sizeof names / sizeof names[0] };
    struct sweep_plan plan;
    size_t missing = 0;
    char why[OPTION_ERROR_BYTES];
    scratch_file_write(SMALL "[a]\ntarget = lmdb, native, sql, redis\ntheta = 0, 0.5\n");
    if (!sweep_plan_init(&plan, scratch_path, &no_overrides, 1, true, error))
        fail_msg("%s", error);
    for (size_t i = 0; i < NAMES; i++) {
        const struct target_ops *target = target_by_name(names[i]);
        if (target != NULL && external_is_there(target, why, sizeof why))
            continue;
        if (target == NULL)
            (void)snprintf(why, sizeof why, "%s", target_not_built(names[i]));
        char *text = support_format("%s: %s", names[i], why);
        assert_string_equal(plan.left_out.items[missing++], text); /* once for its two points */
        free(text);
    }
    assert_int_equal(plan.left_out.count, missing);
    assert_int_equal(plan.point_count, 2 * (NAMES + 1 - missing));
    struct support_text frozen = {0};
    sweep_plan_freeze(&plan, &frozen);
    assert_int_equal(strstr(frozen.text, JOBFILE_LEFT_OUT) != NULL, missing > 0);
    free(frozen.text);
    sweep_plan_fini(&plan);
    scratch_file_write(SMALL "target = nosuch\n"); /* a name that is wrong is not left out */
    assert_false(sweep_plan_init(&plan, scratch_path, &no_overrides, 1, true, error));
    assert_non_null(strstr(error, "there is no 'nosuch'"));
    sweep_plan_fini(&plan);
}

/* Where the job says where the server is, none needs to be installed: only what is not built is left out. */
static void a_server_that_is_named_is_not_missing(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        bool names;
    } cases[] = {{"set.server = /opt/none", true},
                 {"set.postgresql.server = /opt/none", true},
                 {"set.conninfo = host=none", true},
                 {"set.server = auto\nset.conninfo = \"\"", false}};
    const struct target_ops *postgresql = target_by_name("postgresql");
    char why[OPTION_ERROR_BYTES], text[256];
    bool is_built = external_load(postgresql, why, sizeof why) != NULL;
    bool is_there = external_is_there(postgresql, why, sizeof why);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sweep_plan plan;
        (void)snprintf(text, sizeof text, SMALL "[a]\n[b]\ntarget = postgresql\n%s\n", cases[i].setting);
        scratch_file_write(text);
        if (!sweep_plan_init(&plan, scratch_path, &no_overrides, 1, true, error))
            fail_msg("%s: %s", cases[i].setting, error);
        assert_int_equal(plan.left_out.count, cases[i].names ? !is_built : !is_there);
        sweep_plan_fini(&plan);
    }
}

static void settings_of_one_target_go_into_its_section(void **state)
{
    (void)state;
    struct sweep_plan plan;
    assert_true(
        plan_of(&plan, SMALL "[native]\nset.backoff = off, adaptive\n[bare]\ntarget = bare\n", &no_overrides, 1));
    assert_int_equal(plan.point_count, 3);
    sweep_plan_fini(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repetitions_are_interleaved),
        cmocka_unit_test(the_seed_gives_the_order),
        cmocka_unit_test(overrides_change_points_and_their_names),
        cmocka_unit_test(the_time_is_foreseen),
        cmocka_unit_test(mistakes_have_file_line_and_key),
        cmocka_unit_test(points_of_missing_targets_can_be_left_out),
        cmocka_unit_test(a_server_that_is_named_is_not_missing),
        cmocka_unit_test(settings_of_one_target_go_into_its_section),
    };
    return cmocka_run_group_tests(tests, scratch_file_create, scratch_file_remove);
}
