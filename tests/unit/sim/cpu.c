/*
 * cpu.c - sim/cpu.h, on the machine of tests/support/small_machine.h: what a core waits for, worked out by hand. An
 * access takes 1 ns, a line from memory 70.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/cpu.h"
#include "tests/support/small_machine.h"

static struct machine machine;
static struct memory memory;
static struct cpu core;

static int open_core(void **state)
{
    (void)state;
    char error[MACHINE_ERROR_BYTES];
    if (!machine_read("small", SMALL_MACHINE, &machine, error) || !memory_init(&memory, &machine, 2, 1))
        return -1;
    cpu_init(&core, &memory, 0);
    return 0;
}

static int close_core(void **state)
{
    (void)state;
    memory_fini(&memory);
    machine_clear(&machine);
    return 0;
}

static uint64_t at(unsigned line)
{
    return 0x10000 + (uint64_t)line * LINE_BYTES;
}

static unsigned now_ns(void)
{
    return (unsigned)(core.now_ps / 1000);
}

static void independent_loads_overlap(void **state)
{
    (void)state;
    assert_non_null(cpu_read(&core, at(0)));
    assert_non_null(cpu_read(&core, at(100)));
    assert_int_equal(now_ns(), 2);
    cpu_drain(&core);
    assert_int_equal(now_ns(), 2 + 70);
}

static void work_adds_up(void **state)
{
    (void)state;
    for (int i = 0; i < 32; i++) /* a sixteenth of a nanosecond each: no part of a picosecond is lost */
        cpu_work(&core, 1);
    assert_int_equal(core.now_ps, 2000);
    cpu_work(&core, 48);
    assert_int_equal(now_ns(), 5);
    assert_int_equal(core.instructions, 80);
}

/* A number and the row that it names, on lines that the core has never had: how long both take. */
static unsigned row_ns(unsigned row)
{
    unsigned begin_ns = now_ns();
    memory.profile.at = 1;
    struct cpu_load *load = cpu_read(&core, at(1000 + row));
    assert_non_null(load);
    load->value = row;
    memory.profile.at = 2;
    (void)cpu_read(&core, at(5000 + 2 * row));
    memory.profile.at = 0;
    cpu_drain(&core);
    return now_ns() - begin_ns;
}

static void a_load_waits_for_the_number_of_its_row(void **state)
{
    (void)state;
    static const unsigned rows[] = {5, 2, 900, 300, 17, 40};
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(row_ns(rows[i]), i < 3 ? 2 + 70 : 1 + 70 + 70); /* T7 */
}

static void a_load_waits_for_its_address(void **state)
{
    (void)state;
    struct cpu_load *load = cpu_read(&core, at(0));
    assert_non_null(load);
    load->value = at(100);
    assert_non_null(cpu_read(&core, at(100) + 8));
    cpu_drain(&core);
    assert_int_equal(now_ns(), 1 + 70 + 70);
}

static void the_window_ends(void **state)
{
    (void)state;
    (void)cpu_read(&core, at(0));
    cpu_drain(&core); /* at 71 */
    (void)cpu_read(&core, at(50));
    for (unsigned i = 0; i < 9; i++)
        assert_null(cpu_read(&core, at(0)));
    assert_int_equal(now_ns(), 71 + 10);
    assert_null(cpu_read(&core, at(0))); /* the tenth access after it has to wait */
    assert_int_equal(now_ns(), 72 + 70);
}

/* An access is one of the instructions of its block, which count when it begins. */
static void the_window_is_of_instructions(void **state)
{
    (void)state;
    (void)cpu_read(&core, at(0));
    cpu_drain(&core); /* at 71 */
    cpu_work(&core, 5);
    (void)cpu_read(&core, at(50)); /* the second instruction, at 72.3 */
    cpu_work(&core, 5);
    assert_null(cpu_read(&core, at(0)));
    cpu_work(&core, 1);
    assert_null(cpu_read(&core, at(0))); /* behind two blocks of five: the eleventh */
    assert_int_equal(now_ns(), 74);
    assert_null(cpu_read(&core, at(0))); /* ten after it */
    assert_int_equal(now_ns(), 72 + 70);
}

static void so_many_lines_are_under_way_and_no_more(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        (void)cpu_read(&core, at(100 * i));
    assert_int_equal(now_ns(), 4);
    (void)cpu_read(&core, at(900));
    assert_int_equal(now_ns(), 1 + 70);
    cpu_drain(&core); /* the fifth was asked for when the first had come */
    assert_int_equal(now_ns(), 1 + 70 + 70);
}

static void fields_of_a_line_under_way_ask_for_it_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        (void)cpu_read(&core, at(100 * i));
        (void)cpu_read(&core, at(100 * i) + 8);
    }
    assert_int_equal(now_ns(), 8);
    for (unsigned i = 0; i < CPU_LOADS_MAX; i++) /* more loads wait for it than a core remembers */
        cpu_prefetch(&core, at(300) + 16);
    assert_true(now_ns() >= 7 + 70);
}

static void a_prefetched_line_is_waited_for_as_long_as_it_takes(void **state)
{
    (void)state;
    cpu_prefetch(&core, at(0));
    for (unsigned i = 0; i < 30; i++)
        core.now_ps += 1000;
    assert_non_null(cpu_read(&core, at(0))); /* it is on its way */
    cpu_drain(&core);
    assert_int_equal(now_ns(), 1 + 70);
}

/* How long a locked instruction takes on a line that another core has read and this one has prefetched. */
static uint64_t lock_ps(uint64_t address, void (*prefetch)(struct cpu *core, uint64_t address))
{
    struct cpu other;
    cpu_init(&other, &memory, 1);
    (void)cpu_read(&other, address);
    cpu_drain(&other);
    cpu_wait(&core, other.now_ps);
    prefetch(&core, address);
    core.now_ps += 1000000; /* it has arrived */
    uint64_t begin_ps = core.now_ps;
    (void)cpu_lock(&core, address);
    return core.now_ps - begin_ps;
}

static void a_line_prefetched_for_writing_is_owned(void **state)
{
    (void)state;
    (void)cpu_lock(&core, at(200));
    uint64_t begin_ps = core.now_ps;
    (void)cpu_lock(&core, at(200));
    uint64_t owned_ps = core.now_ps - begin_ps;
    assert_int_equal(lock_ps(at(0), cpu_prefetch_write), owned_ps);
    assert_true(lock_ps(at(100), cpu_prefetch) > owned_ps);
}

static void an_owned_line_is_prefetched_though_no_other_could_be(void **state)
{
    (void)state;
    (void)cpu_lock(&core, at(500));
    uint64_t begin_ps = core.now_ps;
    for (unsigned i = 0; i < 4; i++)
        (void)cpu_read(&core, at(100 * i));
    cpu_prefetch_write(&core, at(500)); /* asks nobody: T3 */
    assert_int_equal(core.now_ps - begin_ps, 5000);
}

static void a_store_waits_in_the_buffer(void **state)
{
    (void)state;
    cpu_write(&core, at(0));
    cpu_write(&core, at(100));
    assert_int_equal(now_ns(), 2);
    cpu_write(&core, at(200)); /* the buffer is full */
    assert_int_equal(now_ns(), 1 + 70);
    cpu_drain(&core);
    assert_int_equal(now_ns(), 3 + 70);
}

static void a_locked_instruction_waits_for_all(void **state)
{
    (void)state;
    cpu_write(&core, at(0));
    (void)cpu_read(&core, at(100));
    (void)cpu_lock(&core, at(0));
    assert_int_equal(now_ns(), 2 + 70 + 5); /* the access itself passes while it waits */
}

static void a_locked_instruction_that_overlaps_waits_for_nothing(void **state)
{
    (void)state;
    core.atomic_waits = false;
    cpu_write(&core, at(0));
    (void)cpu_read(&core, at(100));
    assert_non_null(cpu_lock(&core, at(200)));
    (void)cpu_read(&core, at(300));
    assert_int_equal(now_ns(), 4);
    cpu_drain(&core);
    assert_int_equal(now_ns(), 3 + 70 + 5);
    uint64_t begin_ps = core.now_ps;
    (void)cpu_lock(&core, at(200)); /* it took the line from all others */
    assert_int_equal(core.now_ps - begin_ps, 1000);
    cpu_drain(&core);
    assert_int_equal(core.now_ps - begin_ps, 1000 + 5000);
}

static void locked_instructions_that_overlap_run_one_after_the_other(void **state)
{
    (void)state;
    core.atomic_waits = false;
    for (unsigned i = 0; i < 3; i++)
        (void)cpu_lock(&core, at(200));
    cpu_drain(&core);
    assert_int_equal(now_ns(), 1 + 70 + 3 * 5);
    core.now_ps = core.atomic_free_ps = 100000;
    (void)cpu_lock(&core, at(200));
    (void)cpu_lock(&core, at(300)); /* from 102, but for the one before */
    cpu_fence(&core);
    assert_int_equal(now_ns(), 102);
    cpu_settle(&core);
    assert_int_equal(now_ns(), 102 + 70 + 5);
    (void)cpu_lock(&core, at(200));
    (void)cpu_lock(&core, at(300));
    cpu_fence(&core);
    cpu_settle(&core);
    assert_int_equal(now_ns(), 178 + 3 * 5);
}

static void what_a_locked_instruction_brings_may_be_an_address(void **state)
{
    (void)state;
    core.atomic_waits = false;
    struct cpu_load *load = cpu_lock(&core, at(0));
    assert_non_null(load);
    load->value = at(100);
    (void)cpu_read(&core, at(100));
    cpu_drain(&core);
    assert_int_equal(now_ns(), 1 + 70 + 5 + 70);
}

static void a_fence_waits_for_all(void **state)
{
    (void)state;
    (void)cpu_read(&core, at(0));
    cpu_fence(&core);
    assert_int_equal(now_ns(), 1 + 70 + 5);
}

static void a_wrong_prediction_waits_for_the_load_before_it(void **state)
{
    (void)state;
    (void)cpu_read(&core, at(0));
    cpu_drain(&core); /* at 71 */
    (void)cpu_read(&core, at(100));
    (void)cpu_read(&core, at(0));
    cpu_mispredict(&core); /* it tests what is there; the line before it stays under way */
    assert_int_equal(now_ns(), 73 + 6);
    (void)cpu_read(&core, at(200)); /* at 80 */
    cpu_mispredict(&core);
    assert_int_equal(now_ns(), 80 + 70 + 6);
}

static void a_settled_core_has_its_loads_and_not_its_stores(void **state)
{
    (void)state;
    (void)cpu_read(&core, at(0));
    cpu_settle(&core);
    assert_int_equal(now_ns(), 71);
    cpu_write(&core, at(100));
    cpu_settle(&core);
    assert_int_equal(now_ns(), 72);
}

static void time_does_not_run_backwards(void **state)
{
    (void)state;
    cpu_wait(&core, 5000);
    cpu_wait(&core, 3000);
    assert_int_equal(now_ns(), 5);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_core, close_core)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(independent_loads_overlap),
        CASE(work_adds_up),
        CASE(a_load_waits_for_the_number_of_its_row),
        CASE(a_load_waits_for_its_address),
        CASE(the_window_ends),
        CASE(the_window_is_of_instructions),
        CASE(so_many_lines_are_under_way_and_no_more),
        CASE(fields_of_a_line_under_way_ask_for_it_once),
        CASE(a_prefetched_line_is_waited_for_as_long_as_it_takes),
        CASE(a_line_prefetched_for_writing_is_owned),
        CASE(an_owned_line_is_prefetched_though_no_other_could_be),
        CASE(a_store_waits_in_the_buffer),
        CASE(a_locked_instruction_waits_for_all),
        CASE(a_locked_instruction_that_overlaps_waits_for_nothing),
        CASE(locked_instructions_that_overlap_run_one_after_the_other),
        CASE(what_a_locked_instruction_brings_may_be_an_address),
        CASE(a_fence_waits_for_all),
        CASE(a_wrong_prediction_waits_for_the_load_before_it),
        CASE(a_settled_core_has_its_loads_and_not_its_stores),
        CASE(time_does_not_run_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
