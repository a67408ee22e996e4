/* interleave.c - harness/bench/interleave.h: loops that take turns on one thread; a target that gives the thread away
 * in each attempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/bench/interleave.h"

#if defined(__x86_64__) && !defined(MAE_SIM)

enum { LOOPS = INTERLEAVE_MAX, YIELDS = 3 };

struct target_worker {
    void (*on_miss)(void *arg);
    void *arg;
    unsigned idles, settings;
    bool refuses;
};

struct workload_worker {
    struct target_worker *worker;
    unsigned number, attempts, fails_at;
    unsigned char deep[4096]; /* what its attempts fill, and compare when they have the thread again */
};

static char order[4096]; /* which loop went on, in turn */
static size_t turns;

static enum target_status on_miss(struct target_worker *worker, void (*call)(void *arg), void *arg)
{
    worker->settings++;
    if (worker->refuses)
        return TARGET_UNSUPPORTED;
    worker->on_miss = call;
    worker->arg = arg;
    return TARGET_OK;
}

static void idle(struct target_worker *worker)
{
    worker->idles++;
}

static unsigned next(struct workload_worker *state)
{
    (void)state;
    return 0;
}

static unsigned operations(const struct workload_worker *state)
{
    (void)state;
    return 1;
}

/* Has something on its stack that another loop's attempt would overwrite if they had one stack. */
static enum target_status attempt(struct workload_worker *state)
{
    unsigned char local[1024];
    for (int i = 0; i < YIELDS; i++) {
        memset(local, (int)state->number, sizeof local);
        if (turns < sizeof order)
            order[turns++] = (char)('a' + state->number);
        state->worker->on_miss(state->worker->arg);
        for (size_t k = 0; k < sizeof local; k++)
            assert_int_equal(local[k], state->number);
    }
    return ++state->attempts == state->fails_at ? TARGET_CORRUPT : TARGET_OK;
}

static const struct target_ops target = {.worker_idle = idle, .on_miss = on_miss};
static const struct workload_ops ops = {.next = next, .attempt = attempt, .operations = operations};

static struct set {
    struct loop_worker loops[LOOPS], *each[LOOPS];
    struct target_worker workers[LOOPS];
    struct workload_worker states[LOOPS];
    _Atomic bool stop;
} set;

static void set_up(const uint64_t *commits, unsigned count)
{
    memset(&set, 0, sizeof set);
    turns = 0;
    for (unsigned i = 0; i < count; i++) {
        set.states[i] = (struct workload_worker){.worker = &set.workers[i], .number = i};
        set.loops[i] = (struct loop_worker){.workload = &ops,
                                            .state = &set.states[i],
                                            .target = &target,
                                            .target_worker = &set.workers[i],
                                            .stop = &set.stop,
                                            .commits_max = commits[i],
                                            .counters = loop_counters_create(1)};
        set.each[i] = &set.loops[i];
    }
}

static uint64_t committed(unsigned i)
{
    struct counts counts = {0};
    loop_counters_add(set.loops[i].counters, 1, &counts);
    return counts.committed;
}

static void tear_down(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_null(set.workers[i].on_miss);
        free(set.loops[i].counters);
    }
}

static void loops_take_turns(void **state)
{
    (void)state;
    const uint64_t commits[] = {2, 1, 2};
    set_up(commits, 3);
    assert_int_equal(interleave_run(set.each, 3), TARGET_OK);
    order[turns] = '\0';
    assert_string_equal(order, "abcabcabcacacac");
    tear_down(3);
}

static void each_loop_makes_its_commits_and_is_idle_then(void **state)
{
    (void)state;
    uint64_t commits[LOOPS];
    for (unsigned count = 1; count <= LOOPS; count++) {
        for (unsigned i = 0; i < count; i++)
            commits[i] = (i * 7) % 5; /* none, too */
        set_up(commits, count);
        assert_int_equal(interleave_run(set.each, count), TARGET_OK);
        for (unsigned i = 0; i < count; i++) {
            assert_int_equal(committed(i), commits[i]);
            assert_int_equal(set.workers[i].idles, 1);
            assert_true(set.loops[i].entered && set.loops[i].begin_ns <= set.loops[i].end_ns);
        }
        tear_down(count);
    }
}

static void one_that_fails_ends_the_others(void **state)
{
    (void)state;
    const uint64_t commits[] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    set_up(commits, 3);
    set.states[1].fails_at = 10;
    assert_int_equal(interleave_run(set.each, 3), TARGET_CORRUPT);
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(set.states[i].attempts, 9, 11);
    tear_down(3);
}

static void all_end_when_told_to_stop(void **state)
{
    (void)state;
    const uint64_t commits[] = {UINT64_MAX, UINT64_MAX};
    set_up(commits, 2);
    set.stop = true;
    assert_int_equal(interleave_run(set.each, 2), TARGET_OK);
    assert_int_equal(committed(0) + committed(1), 0);
    tear_down(2);
}

static void a_target_that_refuses_is_left_as_it_was(void **state)
{
    (void)state;
    const uint64_t commits[] = {1, 1, 1};
    set_up(commits, 3);
    set.workers[1].refuses = true;
    assert_int_equal(interleave_run(set.each, 3), TARGET_UNSUPPORTED);
    assert_int_equal(committed(0) + committed(1) + committed(2), 0);
    assert_int_equal(set.workers[2].settings, 0);
    tear_down(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_take_turns),
        cmocka_unit_test(each_loop_makes_its_commits_and_is_idle_then),
        cmocka_unit_test(one_that_fails_ends_the_others),
        cmocka_unit_test(all_end_when_told_to_stop),
        cmocka_unit_test(a_target_that_refuses_is_left_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 77; /* not made for this machine: skipped */
}

#endif
