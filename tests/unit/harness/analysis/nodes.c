/* Tests of harness/analysis/nodes.c: nodes are compared within configurations, and one that differs is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/analysis/nodes.h"
#include "tests/support/scratch.h"

enum { SETTINGS = 4, ROUNDS = 6 };

struct speed {
    const char *node;
    double factor;
};

/* Each round is on one of the nodes. Settings differ a lot, runs by some percent, and nodes by their factors. */
static struct results sweep_over(size_t count, const struct speed *speeds, int rounds)
{
    FILE *file = scratch_text_open();
    fputs("txn_type,outcome,check_result,threads,label,wl_theta,node,repetition,throughput_txn_per_s\n", file);
    for (int round = 0; round < rounds; round++)
        for (int setting = 0; setting < SETTINGS; setting++) {
            const struct speed *speed = &speeds[(size_t)round % count];
            double noise = 1 + 0.004 * ((round * 5 + setting * 3) % 7 - 3);
            fprintf(file, "all,complete,passed,1,x,0.%d,%s,%d,%.3f\n", setting, speed->node, round + 1,
                    1000 * (setting + 1) * noise * speed->factor);
        }
    struct results set;
    char error[CSV_TABLE_ERROR_BYTES], *rows = scratch_text_close(file);
    scratch_file_write(rows);
    free(rows);
    if (!results_read(&set, scratch_path, error))
        fail_msg("%s", error);
    return set;
}

static struct results sweep_of(double factor, const char *first, const char *second)
{
    return sweep_over(2, (const struct speed[]){{first, 1}, {second, factor}}, ROUNDS);
}

static void a_slow_node_is_found(void **state)
{
    (void)state;
    struct results set = sweep_of(0.8, "a", "b");
    size_t count;
    struct node_speed *nodes = nodes_compare(&set, &count);
    assert_int_equal(count, 2);
    assert_string_equal(nodes[0].name, "a");
    assert_string_equal(nodes[1].name, "b");
    assert_int_equal(nodes[1].runs, SETTINGS * ROUNDS / 2);
    assert_int_equal(nodes[1].compared, SETTINGS);
    assert_true(nodes[1].ratio > 0.78 && nodes[1].ratio < 0.82);
    assert_true(nodes[0].ratio > 1.2 && nodes[0].ratio < 1.3);
    assert_true(nodes[0].disagrees && nodes[1].disagrees);
    assert_non_null(strstr(nodes_text(&nodes[1]), "against the other nodes"));
    assert_non_null(strstr(nodes_text(&nodes[1]), "disagrees"));
    free(nodes);
    FILE *file = scratch_text_open();
    nodes_print(file, &set);
    char *text = scratch_text_close(file);
    assert_non_null(strstr(text, "node b, 12 runs: -"));
    assert_non_null(strstr(text, nodes_warning));
    free(text);
    results_free(&set);
}

static void equal_nodes_do_not_disagree(void **state)
{
    (void)state;
    struct results set = sweep_of(1, "a", "b");
    size_t count;
    struct node_speed *nodes = nodes_compare(&set, &count);
    assert_int_equal(count, 2);
    assert_false(nodes[0].disagrees || nodes[1].disagrees);
    assert_non_null(strstr(nodes_text(&nodes[0]), "within noise"));
    free(nodes);
    results_free(&set);
}

/* Who is slow is set aside, and the others are compared without it. */
static void one_slow_node_does_not_mark_the_others(void **state)
{
    (void)state;
    struct results set = sweep_over(3, (const struct speed[]){{"a", 1}, {"b", 0.8}, {"c", 1}}, 2 * ROUNDS);
    size_t count;
    struct node_speed *nodes = nodes_compare(&set, &count);
    assert_int_equal(count, 3);
    assert_true(nodes[1].disagrees);
    assert_true(nodes[1].ratio > 0.78 && nodes[1].ratio < 0.82);
    for (size_t i = 0; i < count; i += 2) {
        assert_false(nodes[i].disagrees);
        assert_true(nodes[i].ratio > 0.98 && nodes[i].ratio < 1.02);
    }
    free(nodes);
    results_free(&set);
}

/* Two of five, one slow and one fast: each is told by what it is against the three that agree. */
static void several_nodes_are_set_aside(void **state)
{
    (void)state;
    const struct speed speeds[] = {{"a", 1}, {"b", 0.8}, {"c", 1}, {"d", 1.3}, {"e", 1}};
    struct results set = sweep_over(5, speeds, 20);
    size_t count;
    struct node_speed *nodes = nodes_compare(&set, &count);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(nodes[i].disagrees, speeds[i].factor != 1);
        assert_true(nodes[i].ratio > 0.98 * speeds[i].factor && nodes[i].ratio < 1.02 * speeds[i].factor);
    }
    free(nodes);
    results_free(&set);
}

static void one_node_is_compared_with_none(void **state)
{
    (void)state;
    struct results set = sweep_of(0.8, "a", "");
    size_t count;
    struct node_speed *nodes = nodes_compare(&set, &count);
    assert_int_equal(count, 1);
    assert_int_equal(nodes[0].compared, 0);
    assert_false(nodes[0].disagrees);
    assert_non_null(strstr(nodes_text(&nodes[0]), "cannot be compared"));
    free(nodes);
    FILE *file = scratch_text_open();
    nodes_print(file, &set);
    char *text = scratch_text_close(file);
    assert_string_equal(text, "");
    free(text);
    results_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_node_is_found),
        cmocka_unit_test(equal_nodes_do_not_disagree),
        cmocka_unit_test(one_slow_node_does_not_mark_the_others),
        cmocka_unit_test(several_nodes_are_set_aside),
        cmocka_unit_test(one_node_is_compared_with_none),
    };
    return cmocka_run_group_tests(tests, scratch_file_create, scratch_file_remove);
}
