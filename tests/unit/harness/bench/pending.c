/* pending.c - commits become safe in their order, and none is lost when there is no room for another one. */
#include "harness/bench/pending.h"

#include "tests/support/world.h"

static void what_is_safe_is_taken_in_order(void **state)
{
    (void)state;
    struct pending *pending = pending_create(NULL);
    struct pending_commit commit;
    assert_false(pending_take(pending, UINT64_MAX, &commit));
    for (uint64_t ts = 10; ts <= 30; ts += 10)
        pending_add(pending, &(struct pending_commit){.ts = ts, .begun_ticks = ts + 1, .count = 1});
    assert_false(pending_take(pending, 10, &commit)); /* those below are safe */
    assert_true(pending_take(pending, 21, &commit));
    assert_int_equal(commit.ts, 10);
    assert_true(pending_take(pending, 21, &commit));
    assert_int_equal(commit.begun_ticks, 21);
    assert_false(pending_take(pending, 21, &commit));
    free(pending);
}

static void a_full_ring_loses_none(void **state)
{
    (void)state;
    enum { MORE = 10 };
    struct pending *pending = pending_create(NULL);
    struct pending_commit commit;
    uint64_t taken = 0;
    for (uint64_t ts = 1; ts <= PENDING_MAX + MORE; ts++)
        pending_add(pending, &(struct pending_commit){.ts = ts, .begun_ticks = ts, .count = 1});
    while (pending_take(pending, PENDING_MAX + MORE, &commit))
        taken += commit.count;
    assert_int_equal(taken, PENDING_MAX - 1); /* the newest waits for the last that it stands for */
    assert_true(pending_take(pending, PENDING_MAX + MORE + 1, &commit));
    assert_int_equal(commit.count, MORE + 1);
    assert_int_equal(commit.begun_ticks, PENDING_MAX); /* of the first */
    free(pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_safe_is_taken_in_order),
                                       cmocka_unit_test(a_full_ring_loses_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
