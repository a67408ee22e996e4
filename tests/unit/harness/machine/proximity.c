/*
 * proximity.c - harness/machine/proximity.h: which pairs are measured, what a measurement says, and when two are
 * alike.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/common/support.h"
#include "harness/machine/proximity.h"

enum { WORKERS_MAX = 300 };

static struct placement_worker workers[WORKERS_MAX];

/* Worker i on CPU i % cpus. */
static struct placement placed(unsigned count, int cpus)
{
    for (unsigned i = 0; i < count; i++)
        workers[i] = (struct placement_worker){.cpu = cpus == 0 ? -1 : (int)i % cpus};
    return (struct placement){.count = count, .workers = workers};
}

static void few_workers_are_measured_in_all_pairs(void **state)
{
    unsigned pairs[PROXIMITY_PAIRS_MAX][2];
    (void)state;
    for (unsigned count = 1; count <= 4; count++) {
        struct placement placement = placed(count, 8);
        assert_int_equal(proximity_pairs(&placement, pairs), count * (count - 1) / 2);
    }
}

static void many_workers_are_sampled_near_and_far(void **state)
{
    unsigned pairs[PROXIMITY_PAIRS_MAX][2];
    (void)state;
    for (unsigned count = 5; count <= WORKERS_MAX; count++) {
        struct placement placement = placed(count, WORKERS_MAX);
        unsigned found = proximity_pairs(&placement, pairs), nearest = count, farthest = 0;
        assert_int_equal(found, PROXIMITY_PAIRS_MAX);
        for (unsigned i = 0; i < found; i++) {
            assert_true(pairs[i][0] < count && pairs[i][1] < count && pairs[i][0] != pairs[i][1]);
            unsigned distance = (pairs[i][1] + count - pairs[i][0]) % count;
            nearest = distance < nearest ? distance : nearest;
            farthest = distance > farthest ? distance : farthest;
        }
        assert_int_equal(nearest, 1);
        assert_int_equal(farthest, count / 2);
    }
}

static void workers_of_one_cpu_or_none_are_no_pair(void **state)
{
    unsigned pairs[PROXIMITY_PAIRS_MAX][2];
    struct placement placement = placed(40, 1);
    (void)state;
    assert_int_equal(proximity_pairs(&placement, pairs), 0);
    placement = placed(2, 0);
    assert_int_equal(proximity_pairs(&placement, pairs), 0);
}

static void who_gets_no_answer_gives_up(void **state)
{
    _Atomic uint64_t line = 0;
    (void)state;
    assert_true(proximity_exchange(&line, 0, support_clock_ns() + 1000000) == 0);
    assert_true(proximity_exchange(&line, 1, UINT64_MAX) == 0); /* the line says that it is over */
}

static _Atomic uint64_t shared_line;

static void *answer(void *arg)
{
    (void)proximity_exchange(&shared_line, 1, UINT64_MAX);
    return arg;
}

static void an_answered_exchange_has_a_time(void **state)
{
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, answer, NULL), 0);
    double ns = proximity_exchange(&shared_line, 0, UINT64_MAX);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(ns > 0);
}

static enum target_status nothing(void *arg, unsigned worker)
{
    (void)arg, (void)worker;
    return TARGET_OK;
}

/* The threads are not pinned here: what is measured is no distance, but every step runs. */
static void a_crew_measures_and_rests(void **state)
{
    struct placement placement = placed(3, 3);
    struct proximity proximity = {0};
    (void)state;
    struct crew *crew = crew_create(3, nothing, NULL);
    struct proximity_probe *probe = proximity_create(&placement);
    for (int i = 0; i < 3; i++) {
        proximity_measure(probe, crew, &proximity);
        assert_true(crew_wait(crew, 0));
        assert_true(proximity.line_max_ns >= proximity.line_ns);
#if defined(__x86_64__)
        assert_true(proximity.memory_ns > 1); /* no cache but the first is faster */
#endif
    }
    proximity_destroy(probe);
    crew_destroy(crew);
}

static struct proximity_span span_of(double line_before, double line_after, double memory)
{
    return (struct proximity_span){{line_before, line_before, memory}, {line_after, line_after, memory}};
}

static void who_was_moved_is_marked(void **state)
{
    struct proximity_span stays = span_of(85, 92, 110), moves = span_of(85, 270, 110), nears = span_of(270, 85, 110);
    struct proximity_span unknown = {0}, half = span_of(85, 0, 110), memory = span_of(85, 85, 110);
    (void)state;
    memory.after.memory_ns = 190;
    assert_int_equal(proximity_moved(&stays), 0);
    assert_int_equal(proximity_moved(&moves), 1);
    assert_int_equal(proximity_moved(&nears), 1);
    assert_int_equal(proximity_moved(&memory), 1);
    assert_int_equal(proximity_moved(&half), 0);
    assert_int_equal(proximity_moved(&unknown), -1);
    half.before.line_max_ns = 85, half.after.line_max_ns = 270; /* one pair of several went apart */
    assert_int_equal(proximity_moved(&half), 1);
}

static void near_and_far_are_not_the_same_placement(void **state)
{
    struct proximity_span near_a = span_of(82, 88, 110), near_b = span_of(95, 90, 115), far = span_of(260, 290, 110);
    struct proximity_span moved = span_of(85, 270, 110), unknown = {0}, half = span_of(0, 270, 110);
    (void)state;
    assert_true(proximity_same(&near_a, &near_b));
    assert_false(proximity_same(&near_a, &far));
    assert_false(proximity_same(&far, &near_b));
    assert_false(proximity_same(&near_a, &moved));
    assert_false(proximity_same(&moved, &moved)); /* it is not known when it moved */
    assert_true(proximity_same(&near_a, &unknown));
    assert_false(proximity_same(&near_a, &half));
    assert_true(proximity_same(&far, &half));
}

static void a_row_is_read_and_told(void **state)
{
    struct csv_table table;
    struct proximity_span span;
    char error[CSV_TABLE_ERROR_BYTES];
    char *csv = support_copy("line_before_ns,line_after_ns,memory_before_ns,memory_after_ns\n80,90,100,\n,,,\n");
    (void)state;
    assert_true(csv_table_parse(&table, "test", csv, strlen(csv), error));
    proximity_read(&table, &table.rows[0], &span);
    assert_string_equal(proximity_text(&span), "line 85 ns, memory 100 ns");
    proximity_read(&table, &table.rows[1], &span);
    assert_string_equal(proximity_text(&span), "");
    csv_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_workers_are_measured_in_all_pairs),
        cmocka_unit_test(many_workers_are_sampled_near_and_far),
        cmocka_unit_test(workers_of_one_cpu_or_none_are_no_pair),
        cmocka_unit_test(who_gets_no_answer_gives_up),
        cmocka_unit_test(an_answered_exchange_has_a_time),
        cmocka_unit_test(a_crew_measures_and_rests),
        cmocka_unit_test(who_was_moved_is_marked),
        cmocka_unit_test(near_and_far_are_not_the_same_placement),
        cmocka_unit_test(a_row_is_read_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
