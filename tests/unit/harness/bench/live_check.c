/* live_check.c - harness/bench/live_check.h: a check that repeats, fails, or cannot join. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/bench/live_check.h"

static _Atomic unsigned calls, joins, leaves, fail_at;
static _Atomic bool saw_committed;
static enum target_status join_status;

static enum target_status check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                                char *report, size_t report_bytes)
{
    (void)workload, (void)worker;
    if (committed != NULL)
        saw_committed = true;
    if (++calls != fail_at)
        return TARGET_OK;
    (void)snprintf(report, report_bytes, "row 7: found 1, expected 2");
    return TARGET_CORRUPT;
}

static enum target_status join(struct target *target, struct target_worker **worker)
{
    (void)target;
    *worker = NULL;
    joins += join_status == TARGET_OK;
    return join_status;
}

static void idle(struct target_worker *worker)
{
    (void)worker;
}

static void leave(struct target_worker *worker)
{
    (void)worker;
    leaves++;
}

static const struct workload_ops workload_ops = {.check = check, .check_live = true};
static const struct target_ops target_ops = {.worker_join = join, .worker_idle = idle, .worker_leave = leave};

static struct live_check *start(unsigned fails_at, enum target_status join_returns)
{
    calls = joins = leaves = 0;
    saw_committed = false;
    fail_at = fails_at;
    join_status = join_returns;
    return live_check_start(&workload_ops, NULL, &target_ops, NULL, 1000000);
}

static void it_repeats_until_stopped(void **state)
{
    (void)state;
    unsigned passed;
    char report[64] = "untouched";
    struct live_check *check_now = start(0, TARGET_OK);
    while (calls < 3)
        (void)usleep(1000);
    assert_false(live_check_failed(check_now));
    assert_true(live_check_stop(check_now, &passed, report, sizeof report));
    assert_int_equal(passed, calls);
    assert_true(passed >= 3);
    assert_int_equal(joins, 1);
    assert_int_equal(leaves, 1);
    assert_false(saw_committed); /* workers run: nobody knows */
    assert_string_equal(report, "untouched");
}

static void the_first_failure_ends_it_and_stays(void **state)
{
    (void)state;
    unsigned passed;
    char report[64];
    struct live_check *check_now = start(3, TARGET_OK);
    while (!live_check_failed(check_now))
        (void)usleep(1000);
    (void)usleep(5000);
    assert_false(live_check_stop(check_now, &passed, report, sizeof report));
    assert_int_equal(passed, 2);
    assert_int_equal(calls, 3);
    assert_int_equal(leaves, 1);
    assert_string_equal(report, "row 7: found 1, expected 2");
}

static void no_room_for_its_worker_is_a_failure(void **state)
{
    (void)state;
    unsigned passed;
    char report[128];
    struct live_check *check_now = start(0, TARGET_NO_MEMORY);
    while (!live_check_failed(check_now))
        (void)usleep(1000);
    assert_false(live_check_stop(check_now, &passed, report, sizeof report));
    assert_int_equal(calls, 0);
    assert_int_equal(leaves, 0);
    const char expected[] = "no worker for the check: TARGET_NO_MEMORY: out of memory";
    assert_memory_equal(report, expected, sizeof expected - 1);
}

static void none_is_fine(void **state)
{
    (void)state;
    unsigned passed;
    assert_false(live_check_failed(NULL));
    assert_true(live_check_stop(NULL, &passed, NULL, 0));
    assert_int_equal(passed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_repeats_until_stopped),
        cmocka_unit_test(the_first_failure_ends_it_and_stays),
        cmocka_unit_test(no_room_for_its_worker_is_a_failure),
        cmocka_unit_test(none_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
