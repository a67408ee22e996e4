/* topology.c - harness/machine/topology.h: placements on imagined machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/machine/topology.h"
#include "tests/support/scratch.h"

/* Two sockets of two cores of two threads; CPUs 0,1 are one core, 0..3 the first socket. */
#define TWO_SOCKETS "pack:2 numa:1 l3:1 core:2 pu:2"
/* Even CPUs on the first socket, odd on the second, hyper-threads behind all cores. */
#define INTERLEAVED "pack:2 numa:1 core:2 pu:2(indexes=0,4,2,6,1,5,3,7)"

static char error[TOPOLOGY_ERROR_BYTES];

static struct topology *open_or_fail(const char *synthetic, const char *allowed)
{
    struct topology *topology = topology_open(synthetic, allowed, error);
    if (topology == NULL)
        fail_msg("%s", error);
    return topology;
}

/* The CPUs of a placement as text, "0,2,1"; a * behind it if oversubscribed. */
static void assert_placed(const char *synthetic, const char *allowed, const char *policy, unsigned workers,
                          const char *expected)
{
    struct topology *topology = open_or_fail(synthetic, allowed);
    struct placement placement;
    if (!topology_place(topology, policy, workers, &placement, error))
        fail_msg("%s", error);
    char text[256];
    size_t at = 0;
    assert_int_equal(placement.count, workers);
    for (unsigned i = 0; i < workers; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%d", i == 0 ? "" : ",", placement.workers[i].cpu);
    (void)snprintf(text + at, sizeof text - at, "%s", placement.oversubscribed ? "*" : "");
    assert_string_equal(text, expected);
    placement_free(&placement);
    topology_close(topology);
}

static void compact_fills_a_package_and_cores_come_first(void **state)
{
    (void)state;
    assert_placed(TWO_SOCKETS, NULL, "compact", 8, "0,2,4,6,1,3,5,7");
    assert_placed(INTERLEAVED, NULL, "compact", 8, "0,2,1,3,4,6,5,7");
}

static void scatter_alternates_packages(void **state)
{
    (void)state;
    assert_placed(TWO_SOCKETS, NULL, "scatter", 8, "0,4,2,6,1,5,3,7");
    assert_placed(INTERLEAVED, NULL, "scatter", 8, "0,1,2,3,4,5,6,7");
}

static void scatter_alternates_nodes_within_a_package(void **state)
{
    (void)state;
    assert_placed("pack:2 numa:2 core:2 pu:1", NULL, "scatter", 8, "0,4,2,6,1,5,3,7");
    assert_placed("pack:2 numa:2 core:2 pu:1", NULL, "compact", 8, "0,1,2,3,4,5,6,7");
}

static void the_allowed_set_is_honoured(void **state)
{
    (void)state;
    assert_placed(TWO_SOCKETS, "1,4-5", "compact", 3, "1,4,5"); /* CPU 1 is its core's first allowed thread */
    assert_placed(TWO_SOCKETS, "1,4-5", "scatter", 3, "1,4,5");
    assert_placed(TWO_SOCKETS, "3", "compact", 1, "3");
}

static void too_many_workers_wrap_and_are_marked(void **state)
{
    (void)state;
    assert_placed("core:2 pu:1", NULL, "compact", 5, "0,1,0,1,0*");
    assert_placed("pu:1", NULL, "compact", 1, "0");
    assert_placed("pu:1", NULL, "scatter", 2, "0,0*");
    assert_placed("core:2 pu:1", NULL, "none", 3, "-1,-1,-1*");
    assert_placed("core:2 pu:1", NULL, "none", 2, "-1,-1");
}

static void lists_are_taken_in_their_order(void **state)
{
    (void)state;
    assert_placed(TWO_SOCKETS, NULL, "7,0,2-3", 4, "7,0,2,3");
    assert_placed(TWO_SOCKETS, NULL, "5,1", 3, "5,1,5*");
}

static void faster_kinds_of_cores_come_first(void **state)
{
    (void)state;
    struct topology *topology = open_or_fail("pack:1 core:4 pu:1", NULL);
    struct placement placement;
    assert_true(topology_kind_add(topology, "0-1", 0));
    assert_true(topology_kind_add(topology, "2-3", 1));
    assert_true(topology_place(topology, "compact", 4, &placement, error));
    static const int expected[] = {2, 3, 0, 1};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(placement.workers[i].cpu, expected[i]);
    placement_free(&placement);
    topology_close(topology);
}

static void places_know_core_package_and_node(void **state)
{
    (void)state;
    struct topology *topology = open_or_fail(INTERLEAVED, NULL);
    struct placement placement;
    assert_true(topology_place(topology, "5,6", 2, &placement, error));
    assert_int_equal(placement.workers[0].package, 1);
    assert_int_equal(placement.workers[0].node, 1);
    assert_int_equal(placement.workers[0].core, 2);
    assert_int_equal(placement.workers[1].package, 0);
    assert_int_equal(placement.workers[1].node, 0);
    assert_int_equal(placement.workers[1].core, 1);
    assert_int_equal(topology_cpu_count(topology), 8);
    assert_int_equal(topology_core_count(topology), 4);
    assert_int_equal(topology_node_count(topology), 2);
    placement_free(&placement);
    topology_close(topology);
}

static void wrong_policies_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"sideways", "'sideways' is none of compact, scatter, none, and no list of CPUs such as 0,2,4-7"},
        {"", "'' is none of compact, scatter, none, and no list of CPUs such as 0,2,4-7"},
        {"0,", "'0,' is none of compact, scatter, none, and no list of CPUs such as 0,2,4-7"},
        {"3-1", "'3-1' is none of compact, scatter, none, and no list of CPUs such as 0,2,4-7"},
        {"-1", "'-1' is none of compact, scatter, none, and no list of CPUs such as 0,2,4-7"},
        {"1,1", "CPU 1 is listed twice"},
        {"0-2,1", "CPU 1 is listed twice"},
        {"0,9", "CPU 9 is not among the allowed CPUs, 0-3"},
    };
    struct topology *topology = open_or_fail(TWO_SOCKETS, "0-3");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct placement placement;
        if (topology_place(topology, cases[i][0], 1, &placement, error))
            fail_msg("'%s' was taken", cases[i][0]);
        assert_string_equal(error, cases[i][1]);
    }
    topology_close(topology);
}

static void wrong_machines_are_refused(void **state)
{
    (void)state;
    assert_null(topology_open("nonsense", NULL, error));
    assert_non_null(strstr(error, "--synthetic: 'nonsense' is no machine in hwloc's words"));
    assert_null(topology_open(TWO_SOCKETS, "99", error));
    assert_non_null(strstr(error, "--allowed: '99' names no CPU of the machine"));
    assert_null(topology_open(TWO_SOCKETS, "x", error));
    assert_non_null(strstr(error, "--allowed: 'x' is no list of CPUs such as 0,2,4-7"));
}

static void this_machine_can_be_bound(void **state)
{
    (void)state;
    struct topology *topology = open_or_fail(NULL, NULL);
    struct placement placement;
    assert_true(topology_place(topology, "compact", 1, &placement, error));
    assert_true(placement.workers[0].cpu >= 0);
    assert_true(topology_bind(topology, &placement.workers[0]));
    struct topology *bound = open_or_fail(NULL, NULL); /* now only this CPU is allowed */
    assert_int_equal(topology_cpu_count(bound), 1);
    topology_close(bound);
    placement_free(&placement);
    topology_close(topology);
}

/* hwloc reports success of every binding on a machine that it was told of; a worker must not seem to be pinned. */
static void another_machine_cannot_be_bound(void **state)
{
    (void)state;
    static const char *const variables[][2] = {{"HWLOC_SYNTHETIC", "pack:1 core:1 pu:1"}, {"HWLOC_THISSYSTEM", "0"}};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        struct placement placement;
        assert_int_equal(setenv(variables[i][0], variables[i][1], 1), 0);
        struct topology *topology = open_or_fail(NULL, NULL);
        assert_int_equal(unsetenv(variables[i][0]), 0);
        assert_true(topology_is_foreign(topology));
        assert_true(topology_place(topology, "compact", 1, &placement, error));
        assert_false(topology_bind(topology, &placement.workers[0]));
        placement_free(&placement);
        topology_close(topology);
    }
    struct topology *topology = open_or_fail(NULL, NULL);
    assert_false(topology_is_foreign(topology));
    topology_close(topology);
}

static void a_drawing_shows_workers_and_what_is_not_allowed(void **state)
{
    (void)state;
    struct placement placement;
    struct topology *topology = topology_open("pack:2 numa:1 core:2 pu:2", "0-5", error);
    assert_non_null(topology);
    assert_true(topology_place(topology, "scatter", 5, &placement, error));
    FILE *file = scratch_text_open();
    topology_draw(topology, &placement, file);
    char *text = scratch_text_close(file);
    assert_non_null(strstr(text, "CPU 0  worker 0\n"));
    assert_non_null(strstr(text, "CPU 4  worker 1\n"));
    assert_non_null(strstr(text, "CPU 2  worker 2\n"));
    assert_non_null(strstr(text, "CPU 1  worker 3\n"));
    assert_non_null(strstr(text, "CPU 3\n"));
    assert_non_null(strstr(text, "CPU 6  not allowed\n"));
    assert_non_null(strstr(text, "NUMANode 1 ("));
    free(text);
    placement_free(&placement);
    topology_close(topology);
}

static void a_shape_counts_allowed_cores(void **state)
{
    (void)state;
    struct topology_shape shape;
    struct topology *topology =
        open_or_fail("pack:2 numa:1 l3:2(size=8388608) core:3 l2:1(size=262144) l1d:1(size=32768) pu:2", NULL);
    topology_shape(topology, &shape);
    assert_int_equal(shape.sockets, 2);
    assert_int_equal(shape.cores_per_socket, 6);
    assert_int_equal(shape.cores_per_l3, 3);
    assert_true(shape.is_even);
    assert_int_equal(shape.caches[0].bytes, 32768);
    assert_int_equal(shape.caches[1].bytes, 262144);
    assert_int_equal(shape.caches[2].bytes, 8388608);
    assert_int_equal(topology_last_level(topology, 5), 0);
    assert_int_equal(topology_last_level(topology, 6), 1);
    topology_close(topology);
    topology = open_or_fail("pack:2 numa:1 core:3 pu:2", "0-5,6,7"); /* no last level: the package in its place */
    topology_shape(topology, &shape);
    assert_int_equal(shape.sockets, 2);
    assert_int_equal(shape.cores_per_l3, 3);
    assert_false(shape.is_even);
    assert_int_equal(shape.caches[2].bytes, 0);
    assert_int_equal(topology_last_level(topology, 5), 0);
    assert_int_equal(topology_last_level(topology, 6), 1);
    topology_close(topology);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact_fills_a_package_and_cores_come_first),
        cmocka_unit_test(scatter_alternates_packages),
        cmocka_unit_test(scatter_alternates_nodes_within_a_package),
        cmocka_unit_test(the_allowed_set_is_honoured),
        cmocka_unit_test(too_many_workers_wrap_and_are_marked),
        cmocka_unit_test(lists_are_taken_in_their_order),
        cmocka_unit_test(faster_kinds_of_cores_come_first),
        cmocka_unit_test(places_know_core_package_and_node),
        cmocka_unit_test(wrong_policies_are_refused),
        cmocka_unit_test(wrong_machines_are_refused),
        cmocka_unit_test(another_machine_cannot_be_bound),
        cmocka_unit_test(this_machine_can_be_bound),
        cmocka_unit_test(a_drawing_shows_workers_and_what_is_not_allowed),
        cmocka_unit_test(a_shape_counts_allowed_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
