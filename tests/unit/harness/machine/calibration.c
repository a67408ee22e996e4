/* calibration.c - harness/machine/calibration.h: from what is measured and told to a file that the simulator takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/machine/calibration.h"
#include "harness/machine/probes.h"
#include "sim/machine.h"

static struct calibration calibration;
static double values[CALIBRATION_COUNT][3];

/* Each number i has the samples 10 + i, 20 + i and 30 + i, in no order; two sockets of two last levels. */
static int prepare(void **state)
{
    (void)state;
    calibration = (struct calibration){.rounds = 3,
                                       .shape = {.sockets = 2,
                                                 .cores_per_socket = 4,
                                                 .cores_per_l3 = 2,
                                                 .is_even = true,
                                                 .caches = {{32 << 10, 8}, {1 << 20, 16}, {30 << 20, 15}}}};
    for (int i = 0; i < CALIBRATION_COUNT; i++) {
        values[i][0] = 30 + i;
        values[i][1] = 10 + i;
        values[i][2] = 20 + i;
        calibration.samples[i] = (struct calibration_samples){3, values[i]};
    }
    for (int i = 0; i < 3; i++) {
        values[CALIBRATION_tsc_ghz][i] = 2.5;
        values[CALIBRATION_spread][i] = 0.125;
        values[CALIBRATION_l2_found_bytes][i] = 1 << 20;
        values[CALIBRATION_l3_found_bytes][i] = 30 << 20;
    }
    return 0;
}

static struct machine read_back(void)
{
    char error[MACHINE_ERROR_BYTES] = "";
    struct machine machine = {0};
    char *text = calibration_text(&calibration, error, sizeof error);
    if (text == NULL || !machine_read("file", text, &machine, error))
        fail_msg("%s", error);
    free(text);
    return machine;
}

static void the_file_has_medians_and_what_the_system_says(void **state)
{
    (void)state;
    struct machine machine = read_back();
    assert_int_equal(machine.sockets, 2);
    assert_int_equal(machine.cores_per_socket, 4);
    assert_int_equal(machine.cores_per_l3, 2);
    assert_int_equal(machine.l2_bytes, 1 << 20);
    assert_int_equal(machine.l2_ways, 16);
    assert_int_equal(machine.l3_bytes, 30 << 20);
    assert_true(machine.tsc_ghz == 2.5 && machine.spread == 0.125);
    assert_true(machine.l3_remote_ns == 20 + CALIBRATION_l3_remote_ns);
    assert_true(machine.core_near_ns == 20 + CALIBRATION_core_near_ns);
    assert_int_equal(machine.misses, 20 + CALIBRATION_misses);
    assert_int_equal(machine.window, 20 + CALIBRATION_window);
    machine_clear(&machine);
}

static void numbers_say_where_they_come_from(void **state)
{
    (void)state;
    char error[MACHINE_ERROR_BYTES];
    char *text = calibration_text(&calibration, error, sizeof error);
    assert_non_null(text);
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
        assert_true(memchr(line, '#', (size_t)(end - line)) != NULL);
    assert_non_null(strstr(text, "l2_ns = 26 # measured, half of them 21 to 31: "));
    free(text);
}

/* One last level of one socket: other places have the numbers of the nearest that there is. */
static void a_place_that_is_not_there_is_said(void **state)
{
    (void)state;
    static const enum calibration_number absent[] = {CALIBRATION_l3_socket_ns,     CALIBRATION_l3_remote_ns,
                                                     CALIBRATION_core_socket_ns,   CALIBRATION_core_remote_ns,
                                                     CALIBRATION_memory_remote_ns, CALIBRATION_link_gb_per_s};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        calibration.samples[absent[i]].count = 0;
    struct machine machine = read_back();
    assert_true(machine.l3_remote_ns == machine.l3_ns);
    assert_true(machine.core_remote_ns == machine.core_near_ns);
    assert_true(machine.memory_remote_ns == machine.memory_near_ns);
    assert_true(machine.link_gb_per_s == machine.memory_gb_per_s);
    machine_clear(&machine);
    char error[MACHINE_ERROR_BYTES];
    char *text = calibration_text(&calibration, error, sizeof error);
    assert_non_null(strstr(text, "# no such place among these cores: as core_near_ns"));
    free(text);
}

static void pages_are_as_large_as_they_act(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        values[CALIBRATION_paged_ns][i] = 24;
        values[CALIBRATION_large_paged_ns][i] = 8;
    }
    struct machine machine = read_back();
    assert_int_equal(machine.page_bytes, 4096);
    assert_true(machine.walk_ns == 8);
    machine_clear(&machine);
    for (int i = 0; i < 3; i++)
        values[CALIBRATION_large_paged_ns][i] = 1;
    machine = read_back();
    assert_int_equal(machine.page_bytes, 2 << 20);
    assert_true(machine.walk_ns == 24);
    machine_clear(&machine);
}

static void a_last_level_that_others_share_is_as_large_as_it_acts(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        values[CALIBRATION_l3_found_bytes][i] = (6 << 20) + 1000;
    struct machine machine = read_back();
    assert_true(machine.l3_bytes <= (6 << 20) + 1000 && machine.l3_bytes > (6 << 20) - (1 << 10));
    machine_clear(&machine);
}

static void a_second_level_that_others_share_is_as_large_as_it_acts(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        values[CALIBRATION_l2_found_bytes][i] = (600 << 10) + 1000;
    struct machine machine = read_back();
    assert_int_equal(machine.l2_bytes, 600 << 10); /* in whole sets */
    machine_clear(&machine);
}

static bool fits(void *arg, uint64_t bytes)
{
    return bytes <= *(const uint64_t *)arg;
}

static void a_search_finds_what_fits(void **state)
{
    (void)state;
    enum { LEAST = 4 << 20, MOST = 32 << 20 };
    for (uint64_t size = LEAST; size < MOST; size += 999999) {
        uint64_t found = calibration_search(LEAST, MOST, fits, &size);
        assert_true(found <= size && found + found / 20 >= size);
    }
    uint64_t size = MOST;
    assert_int_equal(calibration_search(LEAST, MOST, fits, &size), MOST);
}

static void locked_instructions_wait_if_loads_around_them_do_not_overlap(void **state)
{
    (void)state;
    for (unsigned waits = 0; waits < 2; waits++) {
        for (int i = 0; i < 3; i++) {
            values[CALIBRATION_memory_near_ns][i] = 100;
            values[CALIBRATION_locked_ns][i] = waits ? 105 : 12;
        }
        struct machine machine = read_back();
        assert_int_equal(machine.atomic_waits, waits);
        machine_clear(&machine);
    }
}

static void what_is_no_machine_is_refused(void **state)
{
    (void)state;
    char error[MACHINE_ERROR_BYTES];
    for (int i = 0; i < 3; i++)
        values[CALIBRATION_tsc_ghz][i] = 25;
    assert_null(calibration_text(&calibration, error, sizeof error));
    assert_non_null(strstr(error, "key 'tsc_ghz'"));
}

/* Every node is met once in a round, whatever the window is. */
static void a_chain_is_one_ring(void **state)
{
    (void)state;
    enum { NODES = 96, SPACING = 192 };
    for (size_t window = 1; window <= NODES; window = window == 32 ? NODES : window * 2) {
        struct chain chain;
        unsigned met[NODES] = {0};
        chain_init(&chain, NODES, SPACING, window, false);
        chain_own(&chain); /* leaves the pointers alone */
        unsigned char *node = chain.memory;
        for (size_t i = 0; i < NODES; i++) {
            met[(size_t)(node - chain.memory) / SPACING]++;
            node = *(unsigned char **)(void *)node;
        }
        for (size_t i = 0; i < NODES; i++)
            assert_int_equal(met[i], 1);
        assert_ptr_equal(node, chain.memory);
        chain_fini(&chain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_file_has_medians_and_what_the_system_says, prepare),
        cmocka_unit_test_setup(numbers_say_where_they_come_from, prepare),
        cmocka_unit_test_setup(a_place_that_is_not_there_is_said, prepare),
        cmocka_unit_test_setup(pages_are_as_large_as_they_act, prepare),
        cmocka_unit_test_setup(locked_instructions_wait_if_loads_around_them_do_not_overlap, prepare),
        cmocka_unit_test_setup(what_is_no_machine_is_refused, prepare),
        cmocka_unit_test_setup(a_second_level_that_others_share_is_as_large_as_it_acts, prepare),
        cmocka_unit_test_setup(a_last_level_that_others_share_is_as_large_as_it_acts, prepare),
        cmocka_unit_test(a_search_finds_what_fits),
        cmocka_unit_test(a_chain_is_one_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
