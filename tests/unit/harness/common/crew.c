/* crew.c - harness/common/crew.h and harness/bench/deadline.h: the crew's threads, and the thread of the deadline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "harness/bench/deadline.h"
#include "harness/common/crew.h"
#include "harness/common/support.h"

enum { WORKERS = 4 };

struct board {
    _Atomic unsigned done[WORKERS];
    _Atomic bool release;
};

static enum target_status count(void *arg, unsigned worker)
{
    struct board *board = arg;
    board->done[worker]++;
    return TARGET_OK;
}

static enum target_status second_fails(void *arg, unsigned worker)
{
    struct board *board = arg;
    if (worker == 1)
        return TARGET_NO_MEMORY;
    while (!board->release)
        (void)usleep(100);
    return TARGET_OK;
}

static void tasks_run_once_on_each_worker_asked(void **state)
{
    (void)state;
    struct board board = {0};
    struct crew *crew = crew_create(WORKERS, count, &board);
    assert_non_null(crew);
    crew_begin(crew, 2, count, &board);
    assert_true(crew_wait(crew, UINT64_MAX));
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(board.done[i], i < 2 ? 2 : 1);
        assert_false(crew_is_busy(crew, i));
        assert_int_equal(crew_status(crew, i), TARGET_OK);
    }
    crew_destroy(crew);
}

static void a_failure_is_seen_while_others_work(void **state)
{
    (void)state;
    struct board board = {0};
    unsigned worker = 99;
    enum target_status status = TARGET_OK;
    struct crew *crew = crew_create(WORKERS, count, &board);
    assert_false(crew_failure(crew, &worker, &status));
    crew_begin(crew, WORKERS, second_fails, &board);
    while (!crew_failure(crew, &worker, &status))
        assert_false(crew_wait(crew, support_clock_ns() + 10000000));
    assert_int_equal(worker, 1);
    assert_int_equal(status, TARGET_NO_MEMORY);
    assert_true(crew_is_busy(crew, 0));
    board.release = true;
    assert_true(crew_wait(crew, UINT64_MAX));
    crew_begin(crew, WORKERS, count, &board);
    assert_true(crew_wait(crew, UINT64_MAX));
    assert_false(crew_failure(crew, &worker, &status)); /* a new task, a new status */
    crew_destroy(crew);
}

static void waiting_ends_at_its_time(void **state)
{
    (void)state;
    struct board board = {0};
    struct crew *crew = crew_create(1, count, &board);
    crew_begin(crew, 1, count, &board);
    assert_true(crew_wait(crew, UINT64_MAX));
    struct crew *busy = crew_create(2, count, &board);
    crew_begin(busy, 1, second_fails, &board);
    uint64_t until_ns = support_clock_ns() + 20000000;
    assert_false(crew_wait(busy, until_ns));
    assert_true(support_clock_ns() >= until_ns);
    board.release = true;
    assert_true(crew_wait(busy, UINT64_MAX));
    crew_destroy(busy);
    crew_destroy(crew);
    crew_destroy(NULL);
}

static void expire(void *arg)
{
    *(_Atomic bool *)arg = true;
}

static void a_deadline_passes_once_it_is_moved_near(void **state)
{
    (void)state;
    _Atomic bool passed = false;
    struct deadline *deadline = deadline_start(support_clock_ns() + UINT64_C(1000000000000), expire, &passed);
    assert_non_null(deadline);
    assert_false(passed);
    deadline_set(deadline, support_clock_ns());
    while (!passed)
        (void)usleep(1000);
    deadline_stop(deadline);
    passed = false;
    deadline = deadline_start(support_clock_ns() + UINT64_C(1000000000000), expire, &passed);
    deadline_stop(deadline);
    assert_false(passed);
    deadline_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_once_on_each_worker_asked),
        cmocka_unit_test(a_failure_is_seen_while_others_work),
        cmocka_unit_test(waiting_ends_at_its_time),
        cmocka_unit_test(a_deadline_passes_once_it_is_moved_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
