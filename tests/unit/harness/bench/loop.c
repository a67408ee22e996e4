/* loop.c - harness/bench/loop.h: what is attempted, counted and given up; one worker, driven by a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "harness/bench/loop.h"
#include "harness/common/clock.h"

/* The script: what each attempt returns, and after how many attempts the stop flag is raised. */
static enum target_status script[16];
static unsigned script_length, attempts, draws, backoffs, stop_after;
static _Atomic bool stop;

static unsigned next(struct workload_worker *state)
{
    (void)state;
    return draws++ % 2;
}

static enum target_status attempt(struct workload_worker *state)
{
    (void)state;
    enum target_status status = attempts < script_length ? script[attempts] : TARGET_OK;
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

static unsigned idles;
static void idle(struct target_worker *worker)
{
    (void)worker;
    idles++;
}

static const struct target_ops target = {.backoff = backoff, .worker_idle = idle};
static const struct workload_ops ops = {.next = next, .attempt = attempt, .operations = operations};

static enum target_status run(struct counts counts[2], uint64_t commits_max, unsigned stop_attempt)
{
    attempts = draws = backoffs = 0;
    stop = false;
    stop_after = stop_attempt;
    struct loop_worker worker = {.workload = &ops, .target = &target, .stop = &stop, .commits_max = commits_max};
    worker.counters = loop_counters_create(2);
    enum target_status status = loop_run(&worker);
    counts[0] = counts[1] = (struct counts){0};
    loop_counters_add(worker.counters, 2, counts);
    free(worker.counters);
    assert_true(worker.entered);
    assert_true(worker.end_ns >= worker.begin_ns);
    return status;
}

static void set_script(const enum target_status *statuses, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        script[i] = statuses[i];
    script_length = length;
}

static void a_request_is_attempted_until_it_commits(void **state)
{
    (void)state;
    const enum target_status statuses[] = {TARGET_RETRY, TARGET_RETRY + 1, TARGET_OK,
                                           TARGET_OK,    TARGET_RETRY + 1, TARGET_OK};
    struct counts counts[2];
    set_script(statuses, 6);
    assert_int_equal(run(counts, 3, 0), TARGET_OK);
    assert_int_equal(draws, 3); /* one a request, not one an attempt */
    assert_int_equal(attempts, 6);
    assert_int_equal(backoffs, 3);
    assert_int_equal(counts[0].committed, 2);
    assert_int_equal(counts[1].committed, 1);
    assert_int_equal(counts[0].operations, 10);
    assert_int_equal(counts[0].aborted[0], 1);
    assert_int_equal(counts[0].aborted[1], 2);
    assert_int_equal(counts_aborted(&counts[0]), 3);
    assert_int_equal(counts_aborted(&counts[1]), 0);
}

static void a_request_rolled_back_on_purpose_is_neither_commit_nor_abort(void **state)
{
    (void)state;
    const enum target_status statuses[] = {TARGET_RETRY + 1, TARGET_ROLLED_BACK, TARGET_OK, TARGET_OK};
    struct counts counts[2];
    set_script(statuses, 4);
    assert_int_equal(run(counts, 3, 0), TARGET_OK);
    assert_int_equal(draws, 3); /* it is done and not attempted again */
    assert_int_equal(attempts, 4);
    assert_int_equal(backoffs, 1);
    assert_int_equal(counts[0].rolled_back, 1);
    assert_int_equal(counts[0].committed, 1);
    assert_int_equal(counts[1].committed, 1);
    assert_int_equal(counts[0].operations, 5);
    assert_int_equal(counts[0].aborted[TARGET_ROLLED_BACK], 0);
    assert_int_equal(counts_aborted(&counts[0]), 1);
}

static void a_failure_that_is_not_retryable_ends_the_loop(void **state)
{
    (void)state;
    const enum target_status statuses[] = {TARGET_OK, TARGET_RETRY + 1, TARGET_NO_MEMORY};
    struct counts counts[2];
    set_script(statuses, 3);
    assert_int_equal(run(counts, UINT64_MAX, 0), TARGET_NO_MEMORY);
    assert_int_equal(attempts, 3);
    assert_int_equal(backoffs, 1);
    assert_int_equal(counts[0].committed, 1);
    assert_int_equal(counts[1].committed, 0);
    assert_int_equal(counts_aborted(&counts[1]), 1); /* the one that was tried again */
}

static void stop_is_heeded_between_attempts(void **state)
{
    (void)state;
    const enum target_status statuses[] = {TARGET_OK, TARGET_RETRY + 1, TARGET_RETRY + 1, TARGET_RETRY + 1};
    struct counts counts[2];
    set_script(statuses, 4);
    assert_int_equal(run(counts, UINT64_MAX, 3), TARGET_OK);
    assert_int_equal(attempts, 3);
    assert_int_equal(backoffs, 1); /* none after the stop */
    assert_int_equal(counts[1].committed, 0);
    assert_int_equal(run(counts, UINT64_MAX, 1), TARGET_OK);
    assert_int_equal(attempts, 1);
    assert_int_equal(counts[0].committed, 1);
}

/* ---- Timing and the window. ---- */

static _Atomic uint64_t window;
static unsigned open_at; /* the window opens in this attempt */

static enum target_status attempt_and_open(struct workload_worker *worker_state)
{
    if (attempts + 1 == open_at)
        window = clock_now_ticks();
    return attempt(worker_state);
}

static const struct workload_ops timed_ops = {.next = next, .attempt = attempt_and_open, .operations = operations};

static void only_what_begins_in_the_window_is_timed(void **state)
{
    (void)state;
    /* The third request (type 0) sees the window open while it runs, so only the fourth and fifth are timed. */
    const enum target_status statuses[] = {TARGET_OK,        TARGET_OK, TARGET_OK, TARGET_RETRY + 1,
                                           TARGET_RETRY + 1, TARGET_OK, TARGET_OK};
    for (int exact = 0; exact < 2; exact++) {
        set_script(statuses, 7);
        attempts = draws = backoffs = stop_after = 0;
        stop = false;
        window = 0;
        open_at = 3;
        struct loop_worker worker = {.workload = &timed_ops,
                                     .target = &target,
                                     .stop = &stop,
                                     .opened_ticks = &window,
                                     .commits_max = 5,
                                     .exact = exact};
        worker.counters = loop_counters_create(2);
        worker.latencies = latencies_create(2);
        assert_int_equal(loop_run(&worker), TARGET_OK);
        assert_true(worker.measuring);
        assert_int_equal(worker.latencies[1].service.count, 1); /* the fourth, in three attempts */
        assert_int_equal(worker.latencies[1].retried.count, 1);
        assert_int_equal(worker.latencies[1].retried.max, 3);
        assert_int_equal(worker.latencies[0].service.count, 1);
        assert_int_equal(worker.latencies[0].retried.count, 0);
        assert_int_equal(worker.latencies[0].response.count, 0);
        assert_int_equal(worker.counters[0].committed + worker.counters[1].committed, 5); /* all of them count */
        free(worker.latencies);
        free(worker.counters);
    }
}

static void a_window_that_never_opens_times_nothing(void **state)
{
    (void)state;
    set_script(NULL, 0);
    attempts = draws = backoffs = stop_after = open_at = 0;
    stop = false;
    window = 0;
    struct loop_worker worker = {
        .workload = &timed_ops, .target = &target, .stop = &stop, .opened_ticks = &window, .commits_max = 10};
    worker.counters = loop_counters_create(2);
    worker.latencies = latencies_create(2);
    assert_int_equal(loop_run(&worker), TARGET_OK);
    assert_false(worker.measuring);
    assert_int_equal(worker.latencies[0].service.count + worker.latencies[1].service.count, 0);
    free(worker.latencies);
    free(worker.counters);
}

static void an_open_loop_waits_and_counts_waiting_as_response(void **state)
{
    (void)state;
    set_script(NULL, 0);
    attempts = draws = backoffs = stop_after = open_at = idles = 0;
    stop = false;
    struct arrivals arrivals;
    struct loop_worker worker = {
        .workload = &ops, .target = &target, .stop = &stop, .commits_max = 20, .arrivals = &arrivals};
    arrivals_init(&arrivals, false, 200, 0, 1, 1);
    worker.counters = loop_counters_create(2);
    worker.latencies = latencies_create(2);
    assert_int_equal(loop_run(&worker), TARGET_OK);
    /* Twenty requests, 5 ms apart: the schedule holds them back, however fast they are. A machine so busy that each of
     * them is late would never let the worker wait. */
    assert_true(worker.end_ns - worker.begin_ns >= 99000000);
    assert_true(idles > 0);
    for (int type = 0; type < 2; type++) {
        assert_int_equal(worker.latencies[type].service.count, 10);
        assert_int_equal(worker.latencies[type].response.count, 10);
        assert_true(worker.latencies[type].response.sum >= worker.latencies[type].service.sum);
    }
    free(worker.latencies);
    free(worker.counters);
}

static unsigned terminals_drawn, terminals_served;

static unsigned terminal_count(const struct workload_worker *state)
{
    (void)state;
    return 3;
}

static uint64_t terminal_draw(struct workload_worker *state, unsigned terminal)
{
    (void)state;
    (void)terminal;
    terminals_drawn++;
    return 3000000;
}

static void terminal_serve(struct workload_worker *state, unsigned terminal)
{
    (void)state;
    (void)terminal;
    assert_int_equal(terminals_served++, draws); /* before the request is taken */
}

static bool draws_ahead(struct workload_worker *state)
{
    (void)state;
    fail_msg("a terminal's request is drawn for it");
    return false;
}

static void users_who_think_are_waited_for(void **state)
{
    (void)state;
    static const struct workload_terminals terminal_ops = {
        .count = terminal_count, .draw = terminal_draw, .serve = terminal_serve};
    const struct workload_ops thinking_ops = {
        .next = next, .attempt = attempt, .operations = operations, .draw_ahead = draws_ahead};
    set_script((const enum target_status[]){TARGET_RETRY, TARGET_ROLLED_BACK}, 2);
    attempts = draws = backoffs = stop_after = open_at = 0;
    stop = false;
    struct terminals *terminals = terminals_create(&terminal_ops, NULL, 1);
    struct loop_worker worker = {
        .workload = &thinking_ops, .target = &target, .stop = &stop, .commits_max = 12, .terminals = terminals};
    worker.counters = loop_counters_create(2);
    worker.latencies = latencies_create(2);
    assert_int_equal(loop_run(&worker), TARGET_OK);
    /* Three users of 3 ms, four requests each: the last of them cannot have keyed in any earlier. */
    assert_true(worker.end_ns - worker.begin_ns >= 9000000);
    assert_int_equal(terminals_served, 12);
    assert_int_equal(terminals_drawn, 3 + 11); /* the last one's user has the answer and does not go on */
    assert_int_equal(worker.latencies[0].response.count + worker.latencies[1].response.count, 11); /* one rolled back */
    for (int type = 0; type < 2; type++)
        assert_true(worker.latencies[type].response.sum >= worker.latencies[type].service.sum);
    terminals_destroy(terminals);
    free(worker.latencies);
    free(worker.counters);
}

/* The window opened 20 ms ago and closed 10 ms ago; the worker, kept from its CPU, sees both only now. */
static void what_was_due_in_a_window_is_done_and_is_late(void **state)
{
    (void)state;
    set_script(NULL, 0);
    attempts = draws = stop_after = 0;
    stop = false;
    uint64_t ms = (uint64_t)clock_ticks_of_ns(1e6);
    _Atomic uint64_t opened = clock_now_ticks() - 20 * ms, closed = opened + 10 * ms + ms / 2;
    struct arrivals arrivals;
    struct loop_worker worker = {.workload = &ops,
                                 .target = &target,
                                 .stop = &stop,
                                 .opened_ticks = &opened,
                                 .closed_ticks = &closed,
                                 .commits_max = UINT64_MAX,
                                 .arrivals = &arrivals};
    arrivals_init(&arrivals, false, 1000, 0, 1, 1);
    worker.counters = loop_counters_create(2);
    worker.latencies = latencies_create(2);
    assert_int_equal(loop_run(&worker), TARGET_OK); /* ends by itself */
    assert_int_equal(attempts, 10);
    assert_int_equal(arrivals.taken, 10);
    assert_true(worker.latencies[0].response.max > 18500000); /* the first was due 19 ms ago, */
    assert_true(worker.latencies[1].response.min > 9500000);  /* the last 10 */
    free(worker.latencies);
    free(worker.counters);
}

static void a_request_given_up_has_waited_too(void **state)
{
    (void)state;
    const enum target_status statuses[] = {TARGET_RETRY + 1, TARGET_RETRY + 1};
    set_script(statuses, 2);
    attempts = draws = 0;
    stop = false;
    stop_after = 2;
    uint64_t ms = (uint64_t)clock_ticks_of_ns(1e6);
    _Atomic uint64_t opened = clock_now_ticks() - 20 * ms;
    struct arrivals arrivals;
    struct loop_worker worker = {.workload = &ops,
                                 .target = &target,
                                 .stop = &stop,
                                 .opened_ticks = &opened,
                                 .commits_max = UINT64_MAX,
                                 .arrivals = &arrivals};
    arrivals_init(&arrivals, false, 1000, 0, 1, 1);
    worker.counters = loop_counters_create(2);
    worker.latencies = latencies_create(2);
    assert_int_equal(loop_run(&worker), TARGET_OK);
    assert_int_equal(worker.latencies[0].service.count, 0);
    assert_int_equal(worker.latencies[0].response.count, 1);
    assert_true(worker.latencies[0].response.min > 18500000);
    free(worker.latencies);
    free(worker.counters);
}

/* A request is given up after so many attempts, or so long after its first abort; the next one goes on. */
static void a_request_is_given_up_after_attempts_or_time(void **state)
{
    (void)state;
    static const enum target_status OK = TARGET_OK, NO = TARGET_RETRY + 1;
    const enum target_status statuses[] = {OK, NO, NO, NO, NO, OK, NO, NO, OK};
    for (int by_time = 0; by_time < 2; by_time++) {
        set_script(statuses, 9);
        attempts = draws = backoffs = stop_after = 0;
        stop = false;
        struct loop_worker worker = {.workload = &ops, .target = &target, .stop = &stop, .commits_max = 4};
        worker.attempts_max = by_time ? 0 : 3;
        worker.give_up_ns = by_time ? 1 : 0; /* at the second abort, if not at the first */
        worker.counters = loop_counters_create(2);
        assert_int_equal(loop_run(&worker), TARGET_OK);
        struct counts counts[2] = {{0}};
        loop_counters_add(worker.counters, 2, counts);
        assert_int_equal(draws, 4);
        assert_int_equal(counts[0].committed + counts[1].committed + counts[0].given_up + counts[1].given_up, 4);
        if (!by_time) { /* OK | NO NO NO | NO OK | NO NO OK */
            assert_int_equal(counts[1].given_up, 1);
            assert_int_equal(counts[0].committed, 2);
            assert_int_equal(counts[1].committed, 1);
            assert_int_equal(backoffs, 5); /* none before a request is given up */
        } else {                           /* OK | NO NO | NO NO | OK */
            assert_int_equal(counts[1].given_up, 1);
            assert_int_equal(counts[0].given_up, 1);
            assert_int_equal(backoffs, 2);
        }
        free(worker.counters);
    }
}

static void slow_backoff(struct target_worker *worker)
{
    (void)worker;
    uint64_t begin = clock_now_ticks();
    while (clock_passed_ns(begin, clock_now_ticks()) < 2000000)
        continue;
}

/* What was aborted is timed for itself, and the back-off after it is not in it. */
static void aborted_attempts_are_timed_without_their_backoff(void **state)
{
    (void)state;
    static const struct target_ops slow_target = {.backoff = slow_backoff, .worker_idle = idle};
    const enum target_status statuses[] = {TARGET_RETRY + 1, TARGET_RETRY + 1, TARGET_RETRY + 1, TARGET_OK, TARGET_OK};
    for (int times = 0; times < 2; times++) {
        set_script(statuses, 5);
        attempts = draws = stop_after = 0;
        stop = false;
        struct loop_worker worker = {
            .workload = &ops, .target = &slow_target, .stop = &stop, .commits_max = 2, .times_aborted = times};
        worker.counters = loop_counters_create(2);
        worker.latencies = latencies_create(2);
        assert_int_equal(loop_run(&worker), TARGET_OK);
        assert_int_equal(worker.latencies[0].aborted.count, times ? 3 : 0);
        assert_int_equal(worker.latencies[1].aborted.count, 0);
        assert_true(worker.latencies[0].service.min >= 6000000); /* three back-offs */
        assert_true(!times || worker.latencies[0].aborted.min < 2000000);
        free(worker.latencies);
        free(worker.counters);
    }
}

static void idle_until_stopped(struct target_worker *worker)
{
    (void)worker;
    stop = true;
}

static const struct target_ops target_idle_until_stopped = {.worker_idle = idle_until_stopped};

static void stop_ends_the_waiting(void **state)
{
    (void)state;
    set_script(NULL, 0);
    attempts = draws = stop_after = 0;
    stop = false;
    struct arrivals arrivals;
    struct loop_worker worker = {.workload = &ops,
                                 .target = &target_idle_until_stopped,
                                 .stop = &stop,
                                 .commits_max = 20,
                                 .arrivals = &arrivals};
    arrivals_init(&arrivals, false, 1, 0, 1, 1); /* the first one in a second */
    arrivals.gap_ticks *= 3600;
    worker.counters = loop_counters_create(2);
    assert_int_equal(loop_run(&worker), TARGET_OK);
    assert_int_equal(attempts, 0);
    free(worker.counters);
}

static void counts_add_and_subtract(void **state)
{
    (void)state;
    struct counts a = {.committed = 5, .operations = 50, .rolled_back = 9},
                  b = {.committed = 2, .operations = 20, .rolled_back = 4};
    a.aborted[1] = 7;
    b.aborted[1] = 3;
    counts_subtract(&a, &b);
    assert_int_equal(a.committed, 3);
    assert_int_equal(a.operations, 30);
    assert_int_equal(a.rolled_back, 5);
    assert_int_equal(a.aborted[1], 4);
    counts_add(&a, &b);
    assert_int_equal(a.committed, 5);
    assert_int_equal(a.rolled_back, 9);
    assert_int_equal(counts_aborted(&a), 7);
}

enum { DRAW_NS = 2000000 };

static bool draw_slowly(struct workload_worker *state)
{
    (void)state;
    uint64_t begin = clock_now_ticks();
    while (clock_passed_ns(begin, clock_now_ticks()) < DRAW_NS) {
    }
    return true;
}

static void drawing_ahead_is_no_transactions_time(void **state)
{
    (void)state;
    struct workload_ops slow = ops;
    slow.draw_ahead = draw_slowly;
    stop = false;
    script_length = stop_after = 0;
    struct loop_worker worker = {.workload = &slow, .target = &target, .stop = &stop, .commits_max = 20};
    worker.counters = loop_counters_create(2);
    worker.latencies = latencies_create(2);
    assert_int_equal(loop_run(&worker), TARGET_OK);
    for (unsigned type = 0; type < 2; type++) { /* the least: others may have been interrupted */
        assert_int_equal(worker.latencies[type].service.count, 10);
        assert_true(worker.latencies[type].service.min < DRAW_NS);
    }
    free(worker.latencies);
    free(worker.counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_attempted_until_it_commits),
        cmocka_unit_test(a_request_rolled_back_on_purpose_is_neither_commit_nor_abort),
        cmocka_unit_test(a_failure_that_is_not_retryable_ends_the_loop),
        cmocka_unit_test(stop_is_heeded_between_attempts),
        cmocka_unit_test(only_what_begins_in_the_window_is_timed),
        cmocka_unit_test(a_window_that_never_opens_times_nothing),
        cmocka_unit_test(an_open_loop_waits_and_counts_waiting_as_response),
        cmocka_unit_test(users_who_think_are_waited_for),
        cmocka_unit_test(what_was_due_in_a_window_is_done_and_is_late),
        cmocka_unit_test(a_request_given_up_has_waited_too),
        cmocka_unit_test(a_request_is_given_up_after_attempts_or_time),
        cmocka_unit_test(aborted_attempts_are_timed_without_their_backoff),
        cmocka_unit_test(stop_ends_the_waiting),
        cmocka_unit_test(counts_add_and_subtract),
        cmocka_unit_test(drawing_ahead_is_no_transactions_time),
    };
    clock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
