/* branch.c - sim/branch.h: what follows a block by a rule is foretold once the rule has been seen; chance is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/branch.h"

static struct branch_only only[BRANCH_PLACES];
static struct branches branches, other; /* two cores' */

static int open_branches(void **state)
{
    (void)state;
    memset(only, 0, sizeof only);
    return branches_init(&branches, only) && branches_init(&other, only) ? 0 : -1;
}

static int close_branches(void **state)
{
    (void)state;
    branches_fini(&branches);
    branches_fini(&other);
    return 0;
}

static void what_always_follows_is_foretold(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++)
        for (uint32_t block = 1; block <= 5; block++)
            assert_true(branches_follow(&branches, block)); /* B1 */
}

/* A loop of so many rounds, between two other blocks. How many blocks were not foretold. */
static unsigned loop(unsigned rounds)
{
    unsigned wrong = !branches_follow(&branches, 10);
    for (unsigned i = 0; i < rounds; i++)
        wrong += !branches_follow(&branches, 20);
    return wrong + !branches_follow(&branches, 30);
}

static void a_short_loop_is_foretold_when_it_has_been_seen(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 50; i++)
        (void)loop(5);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(loop(5), 0); /* B2 */
}

static void every_other_turn_is_foretold_when_it_has_been_seen(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        bool foretold = branches_follow(&branches, 1);
        foretold &= branches_follow(&branches, i % 2 == 0 ? 2 : 3);
        assert_true(foretold || i < 100); /* B2 */
    }
}

static void a_coin_is_foretold_every_other_time(void **state)
{
    (void)state;
    uint64_t random = 1;
    unsigned wrong = 0;
    for (unsigned i = 0; i < 4000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        (void)branches_follow(&branches, 1);
        wrong += !branches_follow(&branches, random >> 63 == 0 ? 2 : 3);
    }
    assert_in_range(wrong, 4000 * 4 / 10, 4000 * 6 / 10);
}

/* Of a loop that one core leaves after two rounds, and the other after three. */
static unsigned round_of(struct branches *core, unsigned rounds)
{
    unsigned wrong = !branches_follow(core, 40);
    for (unsigned i = 0; i < rounds; i++)
        wrong += !branches_follow(core, 80);
    return wrong + !branches_follow(core, 120);
}

static void each_core_learns_what_it_does(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        unsigned wrong = round_of(&branches, 2) + round_of(&other, 3);
        assert_true(wrong == 0 || i < 50); /* B2 */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_always_follows_is_foretold, open_branches, close_branches),
        cmocka_unit_test_setup_teardown(a_short_loop_is_foretold_when_it_has_been_seen, open_branches, close_branches),
        cmocka_unit_test_setup_teardown(every_other_turn_is_foretold_when_it_has_been_seen, open_branches,
                                        close_branches),
        cmocka_unit_test_setup_teardown(each_core_learns_what_it_does, open_branches, close_branches),
        cmocka_unit_test_setup_teardown(a_coin_is_foretold_every_other_time, open_branches, close_branches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
