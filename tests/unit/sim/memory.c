/*
 * memory.c - sim/memory.h, lines.h and directory.h, on the machine of tests/support/small_machine.h: what each load and
 * store costs, worked out by hand. Cores 0 and 1 are on one socket, 2 and 3 on the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/memory.h"
#include "tests/support/small_machine.h"

enum { CORES = 4, RANDOM_STEPS = 200000, RANDOM_LINES = 300 };

static struct machine machine;
static struct memory memory;

static int open_memory(void **state)
{
    (void)state;
    char error[MACHINE_ERROR_BYTES];
    return machine_read("small", SMALL_MACHINE, &machine, error) && memory_init(&memory, &machine, CORES, 1) ? 0 : -1;
}

static int close_memory(void **state)
{
    (void)state;
    memory_fini(&memory);
    machine_clear(&machine);
    return 0;
}

/* In whole nanoseconds, from `at_ns` on. */
static unsigned load(unsigned core, uint64_t line, unsigned at_ns)
{
    return (unsigned)(memory_load(&memory, core, line, at_ns * 1000, at_ns * 1000) / 1000) - at_ns;
}

static unsigned store(unsigned core, uint64_t line, unsigned at_ns)
{
    return (unsigned)(memory_store(&memory, core, line, at_ns * 1000, at_ns * 1000) / 1000) - at_ns;
}

/* A line that this core has touched first. */
static uint64_t line_of(unsigned core, uint64_t number)
{
    return memory_line(&memory, core, number * LINE_BYTES);
}

static void a_load_costs_what_its_place_says(void **state)
{
    (void)state;
    uint64_t line = line_of(0, 7);
    assert_int_equal(load(0, line, 0), 70);              /* memory of the socket */
    assert_int_equal(load(0, line, 1000), 0);            /* first level */
    assert_int_equal(load(1, line, 1000), 30);           /* core 0 owns it */
    assert_int_equal(load(2, line, 2000), 80);           /* the other socket's last level */
    assert_int_equal(load(3, line, 3000), 20);           /* its own socket's */
    assert_int_equal(load(3, line_of(0, 8), 4000), 120); /* the other socket's memory */
}

static void a_store_takes_the_line_from_all(void **state)
{
    (void)state;
    uint64_t line = line_of(0, 7);
    for (unsigned core = 0; core < CORES; core++)
        (void)load(core, line, 1000 * core);
    assert_int_equal(store(0, line, 5000), 100); /* the farthest answers */
    assert_int_equal(store(0, line, 6000), 0);
    assert_int_equal(load(1, line, 6000), 30); /* no copy is left: core 0 owns it */
    assert_int_equal(load(2, line, 7000), 80);
    assert_int_equal(store(2, line, 8000), 100);
    assert_int_equal(load(0, line, 9000), 100);
}

static void a_hot_line_makes_one_transfer_at_a_time(void **state)
{
    (void)state;
    uint64_t line = line_of(0, 7);
    assert_int_equal(store(0, line, 0), 70);
    assert_int_equal(store(1, line, 0), 70 + 30);
    assert_int_equal(store(0, line, 0), 70 + 30 + 30);
    assert_int_equal(store(2, line, 10), 120 + 100);
}

static void memory_and_link_serve_a_line_after_the_other(void **state)
{
    (void)state;
    assert_int_equal(load(0, line_of(0, 1), 0), 70);
    assert_int_equal(load(0, line_of(0, 2), 0), 71); /* 64 GB/s: a nanosecond a line */
    assert_int_equal(load(1, line_of(0, 3), 0), 72);
    assert_int_equal(load(0, line_of(0, 4), 100), 70); /* the queue is empty again */
    assert_int_equal(load(0, line_of(2, 5), 200), 120);
    assert_int_equal(load(0, line_of(2, 6), 200), 2 + 120); /* at 32 GB/s the link takes two a line */
}

static void the_waits_for_a_line_and_for_a_link_pass_together(void **state)
{
    (void)state;
    uint64_t line = line_of(0, 7);
    assert_int_equal(store(0, line, 0), 70);
    for (unsigned i = 0; i < 10; i++)
        (void)load(2, line_of(0, 20 + i), 0);
    assert_int_equal(store(2, line, 0),
                     70 + 100); /* M5: for 70 ns it waits for the line, and for 20 of these the link */
}

static void what_a_cache_loses_its_last_level_has(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40; i++) /* the second level has 32 lines */
        (void)load(0, line_of(0, i), 1000 * i);
    assert_int_equal(load(0, line_of(0, 0), 100000), 20);
    assert_int_equal(load(0, line_of(0, 39), 100000), 0);
    assert_int_equal(load(0, line_of(0, 12), 100000), 10); /* second level: the first has but 16 */
    assert_int_equal(memory.directory.used, 32);           /* D1 */
}

/* Others use the last level, too: of 96 lines that only it has, some half are gone after the half-life. */
static void a_shared_last_level_forgets(void **state)
{
    (void)state;
    enum { LINES = 96, HALF_NS = 1000000 };
    unsigned there = 0;
    memory.l3_half_ps = HALF_NS * UINT64_C(1000);
    for (unsigned i = 0; i < LINES; i++)
        (void)load(0, line_of(0, i), 100 * i);
    for (unsigned i = 0; i < LINES - 40; i++) /* the second level has the last 32 */
        there += load(1, line_of(0, i), HALF_NS) == 20;
    assert_in_range(there, 15, 41);
}

/* What a translation costs, in whole nanoseconds. */
static unsigned translate(unsigned core, uint64_t number, unsigned at_ns)
{
    (void)line_of(core, number);
    return (unsigned)(memory_walk(&memory, core, number * LINE_BYTES, at_ns * 1000, at_ns * 1000) / 1000) - at_ns;
}

static void a_page_is_walked_to_once(void **state)
{
    (void)state;
    assert_int_equal(translate(0, 5000, 0), 0); /* this machine has no walks */
    memory.machine.walk_ns = 25;
    memory.walk_ps = 15000;
    assert_int_equal(translate(0, 0, 0), 70 + 15); /* the table's entry lies in memory */
    assert_int_equal(translate(0, 63, 1000), 0);
    assert_int_equal(translate(0, 64, 2000), 15); /* the next page's entry lies on the same line */
    assert_int_equal(translate(1, 0, 3000), 30 + 15);
}

/* Below a hypervisor: the second entry is known only when the first one has come. */
static void a_walk_may_load_several_entries(void **state)
{
    (void)state;
    memory.machine.walk_ns = 35;
    memory.machine.walk_loads = 2;
    memory.walk_ps = 15000;
    assert_int_equal(translate(0, 0, 0), 70 + 70 + 15);
    assert_int_equal(translate(0, 64, 1000), 15);
}

/* Pages are told by addresses, however their lines were touched. */
static void lines_touched_together_may_lie_on_different_pages(void **state)
{
    (void)state;
    memory.machine.walk_ns = 25;
    memory.walk_ps = 15000;
    (void)translate(0, 0, 0);
    for (unsigned i = 1; i < 8; i++) {
        assert_int_equal(translate(0, 1000 * i, 1000 * i), 15);
        assert_int_equal(translate(0, i, 1000 * i + 500), 0);
    }
}

/* M1, M2, D1, D2 of one line. */
static void hold(uint64_t line)
{
    const struct directory_entry *entry = directory_find(&memory.directory, line, false);
    unsigned holders = 0;
    for (unsigned core = 0; core < CORES; core++) {
        enum line_state first = cache_look(&memory.l1[core], line), second = cache_look(&memory.l2[core], line);
        assert_true(first == LINE_ABSENT || first == second);
        holders += second != LINE_ABSENT;
        if (second == LINE_ABSENT)
            continue;
        assert_non_null(entry);
        assert_true(directory_holds(entry, core));
        assert_true((second == LINE_SHARED) == (entry->owner == NO_CORE));
        assert_true(second == LINE_SHARED || (entry->owner == core && entry->count == 1));
    }
    assert_int_equal(entry == NULL ? 0 : entry->count, holders);
}

static void the_invariants_hold_whatever_is_done(void **state)
{
    (void)state;
    uint64_t random = 1;
    unsigned now = 0;
    for (unsigned i = 0; i < RANDOM_STEPS; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        unsigned core = random >> 33 & 3;
        uint64_t line = line_of(core, (random >> 35) % RANDOM_LINES);
        (void)((random >> 60 & 1) ? load : store)(core, line, now);
        now += 5;
        hold(line);
        if (i % 1000 == 0)
            for (uint64_t each = 0; each < memory.lines.used; each++)
                hold(each);
    }
}

static unsigned turns;

static void count_turn(void)
{
    turns++;
}

static void only_who_asks_others_waits_for_its_turn(void **state)
{
    (void)state;
    uint64_t line = line_of(0, 7);
    memory.turn = count_turn;
    turns = 0;
    (void)load(0, line, 0);
    assert_int_equal(turns, 1); /* M6 */
    (void)load(0, line, 1000);
    (void)store(0, line, 2000);
    assert_int_equal(turns, 1); /* it has the line itself */
    (void)load(1, line, 3000);
    assert_int_equal(turns, 2);
    (void)store(0, line, 4000); /* its copy is one of two */
    assert_int_equal(turns, 3);
}

/* Core 1, which is behind, takes line 0. */
static void take_line(void)
{
    memory.turn = NULL;
    assert_int_equal(store(1, 0, 4000), 30);
}

static void a_copy_may_be_lost_while_a_core_waits_for_its_turn(void **state)
{
    (void)state;
    uint64_t line = line_of(0, 7);
    assert_int_equal(line, 0);
    (void)load(0, line, 0);
    (void)load(1, line, 1000);
    memory.turn = take_line;
    assert_int_equal(store(0, line, 4005), 25 + 30); /* it waits until core 1 has the line, and takes it back */
    hold(line);
    assert_int_equal(load(0, line, 5000), 0);
}

static void lines_far_apart_are_told_apart(void **state)
{
    (void)state;
    enum { APART = 140 }; /* more regions than half of the table's places at first, so it grows; each has 2 MiB */
    for (uint64_t i = 0; i < APART; i++)
        assert_int_equal(line_of(0, i * LINES_REGION), i);
    for (uint64_t i = 0; i < APART; i++)
        assert_int_equal(line_of(1, i * LINES_REGION), i);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_memory, close_memory)

static void a_flushed_line_comes_from_memory(void **state)
{
    (void)state;
    uint64_t line = line_of(0, 7);
    for (unsigned core = 0; core < CORES; core++)
        (void)load(core, line, 1000 * core);
    memory_flush(&memory, line);
    assert_int_equal(load(1, line, 5000), 70);
    (void)store(1, line, 6000);
    memory_flush(&memory, line);
    memory_flush(&memory, line); /* one that no cache has */
    assert_int_equal(load(1, line, 7000), 70);
    assert_int_equal(load(0, line, 8000), 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_load_costs_what_its_place_says),
        CASE(a_store_takes_the_line_from_all),
        CASE(a_hot_line_makes_one_transfer_at_a_time),
        CASE(memory_and_link_serve_a_line_after_the_other),
        CASE(the_waits_for_a_line_and_for_a_link_pass_together),
        CASE(what_a_cache_loses_its_last_level_has),
        CASE(a_shared_last_level_forgets),
        CASE(a_page_is_walked_to_once),
        CASE(a_walk_may_load_several_entries),
        CASE(lines_touched_together_may_lie_on_different_pages),
        CASE(the_invariants_hold_whatever_is_done),
        CASE(a_flushed_line_comes_from_memory),
        CASE(only_who_asks_others_waits_for_its_turn),
        CASE(a_copy_may_be_lost_while_a_core_waits_for_its_turn),
        CASE(lines_far_apart_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
