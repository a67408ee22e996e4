/* loop.c - harness/loop.h: what is attempted, counted and given up; one worker, driven by a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "harness/loop.h"

/* The script: what each attempt returns, and after how many attempts the stop flag is raised. */
static enum mae_status script[16];
static unsigned script_length, attempts, draws, backoffs, stop_after;
static _Atomic bool stop;

static unsigned next(struct workload_worker *state)
{
    (void)state;
    return draws++ % 2;
}

static enum mae_status attempt(struct workload_worker *state)
{
    (void)state;
    enum mae_status status = attempts < script_length ? script[attempts] : MAE_OK;
    if (++attempts == stop_after)
        stop = true;
    return status;
}

static unsigned operations(const struct workload_worker *state)
{
    (void)state;
    return 5;
}

static void backoff(struct target_worker *worker)
{
    (void)worker;
    backoffs++;
}

static const struct workload_ops ops = {.next = next, .attempt = attempt, .operations = operations};

static enum mae_status run(struct loop_counts counts[2], uint64_t commits_max, unsigned stop_attempt)
{
    attempts = draws = backoffs = 0;
    stop = false;
    stop_after = stop_attempt;
    struct loop_worker worker = {.workload = &ops, .backoff = backoff, .stop = &stop, .commits_max = commits_max};
    worker.counters = loop_counters_create(2);
    enum mae_status status = loop_run(&worker);
    counts[0] = counts[1] = (struct loop_counts){0};
    loop_counters_add(worker.counters, 2, counts);
    free(worker.counters);
    assert_true(worker.entered);
    assert_true(worker.end_ns >= worker.begin_ns);
    return status;
}

static void set_script(const enum mae_status *statuses, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        script[i] = statuses[i];
    script_length = length;
}

static void a_request_is_attempted_until_it_commits(void **state)
{
    (void)state;
    const enum mae_status statuses[] = {MAE_ABORT_NEWER, MAE_ABORT_RTS, MAE_OK, MAE_OK, MAE_ABORT_RTS, MAE_OK};
    struct loop_counts counts[2];
    set_script(statuses, 6);
    assert_int_equal(run(counts, 3, 0), MAE_OK);
    assert_int_equal(draws, 3); /* one a request, not one an attempt */
    assert_int_equal(attempts, 6);
    assert_int_equal(backoffs, 3);
    assert_int_equal(counts[0].committed, 2);
    assert_int_equal(counts[1].committed, 1);
    assert_int_equal(counts[0].operations, 10);
    assert_int_equal(counts[0].aborted[MAE_ABORT_NEWER], 1);
    assert_int_equal(counts[0].aborted[MAE_ABORT_RTS], 2);
    assert_int_equal(loop_counts_aborted(&counts[0]), 3);
    assert_int_equal(loop_counts_aborted(&counts[1]), 0);
}

static void a_failure_that_is_not_retryable_ends_the_loop(void **state)
{
    (void)state;
    const enum mae_status statuses[] = {MAE_OK, MAE_ABORT_RTS, MAE_NO_MEMORY};
    struct loop_counts counts[2];
    set_script(statuses, 3);
    assert_int_equal(run(counts, UINT64_MAX, 0), MAE_NO_MEMORY);
    assert_int_equal(attempts, 3);
    assert_int_equal(backoffs, 1);
    assert_int_equal(counts[0].committed, 1);
    assert_int_equal(counts[1].committed, 0);
    assert_int_equal(counts[1].aborted[MAE_NO_MEMORY], 1);
}

static void stop_is_heeded_between_attempts(void **state)
{
    (void)state;
    const enum mae_status statuses[] = {MAE_OK, MAE_ABORT_RTS, MAE_ABORT_RTS, MAE_ABORT_RTS};
    struct loop_counts counts[2];
    set_script(statuses, 4);
    assert_int_equal(run(counts, UINT64_MAX, 3), MAE_OK);
    assert_int_equal(attempts, 3);
    assert_int_equal(backoffs, 1); /* none after the stop */
    assert_int_equal(counts[1].committed, 0);
    assert_int_equal(run(counts, UINT64_MAX, 1), MAE_OK);
    assert_int_equal(attempts, 1);
    assert_int_equal(counts[0].committed, 1);
}

static void counts_add_and_subtract(void **state)
{
    (void)state;
    struct loop_counts a = {.committed = 5, .operations = 50}, b = {.committed = 2, .operations = 20};
    a.aborted[MAE_ABORT_RTS] = 7;
    b.aborted[MAE_ABORT_RTS] = 3;
    loop_counts_subtract(&a, &b);
    assert_int_equal(a.committed, 3);
    assert_int_equal(a.operations, 30);
    assert_int_equal(a.aborted[MAE_ABORT_RTS], 4);
    loop_counts_add(&a, &b);
    assert_int_equal(a.committed, 5);
    assert_int_equal(loop_counts_aborted(&a), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_attempted_until_it_commits),
        cmocka_unit_test(a_failure_that_is_not_retryable_ends_the_loop),
        cmocka_unit_test(stop_is_heeded_between_attempts),
        cmocka_unit_test(counts_add_and_subtract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
