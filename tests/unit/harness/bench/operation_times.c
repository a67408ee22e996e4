/* operation_times.c - harness/bench/operation_times.h: which calls are timed, when, and what they lead to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "harness/bench/operation_times.h"
#include "harness/common/clock.h"

enum { SLOW_NS = 2000000 };

static const struct target_ops *opened_through;
static unsigned reads;

static enum target_status slow_open(const struct target_ops *ops, const void *values, struct target **target,
                                    char *error, size_t error_bytes)
{
    (void)values, (void)target, (void)error, (void)error_bytes;
    opened_through = ops;
    return TARGET_OK;
}

static enum target_status slow_read(struct target_txn *txn, struct target_index *index, const void *key,
                                    const void **data, size_t *bytes)
{
    (void)txn, (void)index, (void)key, (void)data;
    *bytes = ++reads;
    for (uint64_t begin = clock_now_ticks(); clock_passed_ns(begin, clock_now_ticks()) < SLOW_NS;)
        continue;
    return TARGET_NOT_FOUND;
}

static enum target_status quick_commit(struct target_txn *txn)
{
    (void)txn;
    return TARGET_RETRY + 3;
}

static const struct target_ops slow = {.name = "slow", .open = slow_open, .read = slow_read, .commit = quick_commit};

static uint64_t merged(enum operation operation, struct histogram *into)
{
    histogram_init(into);
    operation_times_merge(operation, into);
    return into->count;
}

static void calls_are_timed_by_kind_and_lead_to_the_target(void **state)
{
    (void)state;
    struct histogram *times = support_alloc(sizeof *times);
    const struct target_ops *ops = operation_times_around(&slow);
    struct target *target;
    size_t bytes = 0;
    assert_string_equal(ops->name, "slow");
    assert_null(ops->scan); /* what it has not, it has not */
    assert_int_equal(ops->open(ops, NULL, &target, NULL, 0), TARGET_OK);
    assert_ptr_equal(opened_through, &slow);
    operation_times_count(true);
    assert_int_equal(ops->read(NULL, NULL, NULL, NULL, &bytes), TARGET_NOT_FOUND);
    assert_int_equal(bytes, 1);
    assert_int_equal(merged(OPERATION_read, times), 0); /* the thread has not joined */
    operation_times_join();
    operation_times_join();
    for (int i = 0; i < 3; i++)
        assert_int_equal(ops->read(NULL, NULL, NULL, NULL, &bytes), TARGET_NOT_FOUND);
    assert_int_equal(ops->commit(NULL), TARGET_RETRY + 3);
    assert_int_equal(merged(OPERATION_read, times), 3);
    assert_true(times->min >= SLOW_NS);
    assert_int_equal(merged(OPERATION_commit, times), 1);
    assert_int_equal(merged(OPERATION_update, times), 0);
    operation_times_count(false); /* outside of the window */
    assert_int_equal(ops->commit(NULL), TARGET_RETRY + 3);
    assert_int_equal(merged(OPERATION_commit, times), 1);
    operation_times_clear();
    assert_int_equal(merged(OPERATION_read, times), 0);
    operation_times_end();
    assert_int_equal(merged(OPERATION_read, times), 0);
    free(times);
}

int main(void)
{
    clock_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(calls_are_timed_by_kind_and_lead_to_the_target)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
