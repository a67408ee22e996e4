/* errand.c - what is given is done once, at the same time where there is a thread. */
#include "engine/base/errand.h"

#include "tests/support/world.h"

struct task {
    pthread_mutex_t gate; /* the work begins once it is open */
    pthread_t by;
    unsigned done;
};

static void work(void *arg)
{
    struct task *task = arg;
    pthread_mutex_lock(&task->gate);
    task->by = pthread_self();
    task->done++;
    pthread_mutex_unlock(&task->gate);
}

static void the_giver_goes_on(void **state)
{
    (void)state;
    struct task task = {.gate = PTHREAD_MUTEX_INITIALIZER};
    struct errand errand;
    errand_init(&errand, false);
    assert_true(errand_is_over(&errand));
    for (unsigned i = 1; i <= 3; i++) {
        pthread_mutex_lock(&task.gate);
        errand_give(&errand, work, &task);
        assert_false(errand_is_over(&errand));
        pthread_mutex_unlock(&task.gate);
        errand_await(&errand);
        assert_true(errand_is_over(&errand));
        assert_int_equal(task.done, i);
    }
    assert_false(pthread_equal(task.by, pthread_self()));
    errand_fini(&errand);
}

static void what_was_given_is_done_before_the_end(void **state)
{
    (void)state;
    struct task task = {.gate = PTHREAD_MUTEX_INITIALIZER};
    struct errand errand;
    errand_init(&errand, false);
    errand_give(&errand, work, &task);
    errand_fini(&errand);
    assert_int_equal(task.done, 1);
}

static void alone_the_giver_does_it(void **state)
{
    (void)state;
    struct task task = {.gate = PTHREAD_MUTEX_INITIALIZER};
    struct errand errand;
    errand_init(&errand, true);
    errand_give(&errand, work, &task);
    assert_true(errand_is_over(&errand));
    assert_int_equal(task.done, 1);
    assert_true(pthread_equal(task.by, pthread_self()));
    errand_fini(&errand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_giver_goes_on),
        cmocka_unit_test(what_was_given_is_done_before_the_end),
        cmocka_unit_test(alone_the_giver_does_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
