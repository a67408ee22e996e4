/* profile.c - sim/profile.h, and how memory and cores fill it, on the machine of tests/support/small_machine.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/cpu.h"
#include "tests/support/small_machine.h"

static struct machine machine;
static struct memory memory;

static int open_memory(void **state)
{
    (void)state;
    char error[MACHINE_ERROR_BYTES];
    return machine_read("small", SMALL_MACHINE, &machine, error) && memory_init(&memory, &machine, 2, 1) &&
                   profile_init(&memory.profile)
               ? 0
               : -1;
}

static int close_memory(void **state)
{
    (void)state;
    memory_fini(&memory);
    machine_clear(&machine);
    return 0;
}

static const struct profile_place *place_of(uintptr_t at)
{
    for (size_t i = 0; i < memory.profile.room; i++)
        if (memory.profile.places[i].at == at)
            return &memory.profile.places[i];
    return NULL;
}

static uint64_t address(unsigned line)
{
    return 0x10000 + (uint64_t)line * LINE_BYTES;
}

/* One core fetches a line from memory and stands still for it; the other takes the line from the first. */
static void transfers_are_noted_where_they_begin(void **state)
{
    (void)state;
    struct cpu first, second;
    cpu_init(&first, &memory, 0);
    cpu_init(&second, &memory, 1);
    profile_at(&memory.profile, 1);
    (void)cpu_read(&first, address(0));
    profile_at(&memory.profile, 2);
    cpu_drain(&first);
    cpu_wait(&second, first.now_ps);
    profile_at(&memory.profile, 3);
    (void)cpu_lock(&second, address(0));
    assert_int_equal(place_of(1)->from_memory, 1);
    assert_int_equal(place_of(1)->taken_ps, 70000);
    assert_int_equal(place_of(1)->stood_ps, 0);
    assert_int_equal(place_of(2)->from_memory, 0);
    assert_int_equal(place_of(2)->stood_ps, 70000);
    assert_int_equal(place_of(3)->from_cores, 1);
    assert_int_equal(place_of(3)->from_memory + place_of(3)->from_caches, 0);
    assert_int_equal(place_of(3)->stood_ps, place_of(3)->taken_ps);
    assert_true(place_of(3)->taken_ps > 0);
}

/* What is in the core's own caches is no transfer. */
static void hits_are_not_noted(void **state)
{
    (void)state;
    struct cpu core;
    cpu_init(&core, &memory, 0);
    (void)cpu_lock(&core, address(0));
    profile_at(&memory.profile, 1);
    (void)cpu_lock(&core, address(0));
    (void)cpu_read(&core, address(0));
    assert_null(place_of(1));
}

static void a_cleared_profile_is_empty(void **state)
{
    (void)state;
    profile_at(&memory.profile, 1);
    profile_stand(&memory.profile, 5);
    profile_clear(&memory.profile);
    profile_stand(&memory.profile, 5); /* of nobody */
    assert_null(place_of(1));
}

static void it_grows(void **state)
{
    (void)state;
    enum { PLACES = 20000 };
    for (unsigned round = 0; round < 2; round++)
        for (uintptr_t at = 1; at <= PLACES; at++) {
            profile_at(&memory.profile, at);
            profile_stand(&memory.profile, at);
        }
    assert_int_equal(memory.profile.used, PLACES);
    for (uintptr_t at = 1; at <= PLACES; at += 997)
        assert_int_equal(place_of(at)->stood_ps, 2 * at);
}

/* Nothing that is off takes memory or crashes. */
static void off_it_notes_nothing(void **state)
{
    (void)state;
    struct profile off = {0};
    profile_at(&off, 1);
    profile_transfer(&off, PROFILE_MEMORY, 1);
    profile_stand(&off, 1);
    profile_clear(&off);
    assert_null(off.places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transfers_are_noted_where_they_begin, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(hits_are_not_noted, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(a_cleared_profile_is_empty, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(it_grows, open_memory, close_memory),
        cmocka_unit_test(off_it_notes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
