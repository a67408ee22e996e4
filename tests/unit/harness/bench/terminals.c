/* terminals.c - harness/bench/terminals.h: who is served when. MAE_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "harness/bench/terminals.h"
#include "harness/common/clock.h"

enum { COUNT = 37, ANSWERS = 2000 };

static uint64_t seed;
static struct rng rng;
static uint64_t pauses_ns[COUNT]; /* the pause that was told last */
static unsigned drawn[COUNT], served;

static unsigned count(const struct workload_worker *state)
{
    (void)state;
    return COUNT;
}

static uint64_t draw(struct workload_worker *state, unsigned terminal)
{
    (void)state;
    drawn[terminal]++;
    return pauses_ns[terminal] = 1000000 + rng_below(&rng, 1000000000);
}

static void serve(struct workload_worker *state, unsigned terminal)
{
    (void)state;
    served = terminal;
}

static const struct workload_terminals ops = {.count = count, .draw = draw, .serve = serve};

static uint64_t ticks(uint64_t ns)
{
    return (uint64_t)clock_ticks_of_ns((double)ns);
}

/* Against the same with a search through all. */
static void whoever_is_due_first_is_served(void **state)
{
    (void)state;
    const uint64_t begin = 1000;
    uint64_t due[COUNT], now;
    bool known[COUNT] = {false};
    struct terminals *terminals = terminals_create(&ops, NULL, seed);
    terminals_begin(terminals, begin);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(drawn[i], 1);
    now = begin;
    for (unsigned i = 0; i < ANSWERS; i++) {
        uint64_t next = terminals_due(terminals);
        terminals_serve(terminals);
        assert_int_equal(terminals_due(terminals), next);
        if (known[served])
            assert_true(next == due[served]);
        else
            assert_in_range(next - begin, 0, ticks(pauses_ns[served]));
        for (unsigned j = 0; j < COUNT; j++)
            assert_true(!known[j] || due[j] >= next);
        now = (now > next ? now : next) + rng_below(&rng, ticks(50000000)); /* the answer takes that long */
        terminals_answer(terminals, now);
        known[served] = true;
        due[served] = now + ticks(pauses_ns[served]);
    }
    for (unsigned i = 0; i < COUNT; i++)
        assert_true(known[i] && drawn[i] > 1); /* nobody is forgotten */
    terminals_destroy(terminals);
}

static void users_do_not_come_at_once(void **state)
{
    (void)state;
    unsigned early = 0;
    struct terminals *terminals = terminals_create(&ops, NULL, seed);
    terminals_begin(terminals, 0);
    while (terminals_due(terminals) < ticks(500000000)) {
        early++;
        terminals_answer(terminals, ticks(5000000000));
    }
    assert_in_range(early, COUNT / 3, COUNT - 1); /* uniform within uniform pauses: some 85% */
    terminals_destroy(terminals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_is_due_first_is_served),
        cmocka_unit_test(users_do_not_come_at_once),
    };
    const char *given = getenv("MAE_SEED");
    seed = given == NULL ? (uint64_t)0x5eed : strtoull(given, NULL, 0);
    printf("seed %llu\n", (unsigned long long)seed);
    clock_init();
    rng_init(&rng, seed, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
