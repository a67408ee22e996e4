/* thread.c - a thread of the project's own takes none of the program's signals. */
#include "engine/base/thread.h"

#include <signal.h>

#include "tests/support/world.h"

static void *note_blocked(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
    return arg;
}

static void it_takes_no_signals(void **state)
{
    (void)state;
    pthread_t thread;
    sigset_t blocked, before, after;
    void *result;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_true(thread_start(&thread, note_blocked, &blocked));
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &blocked);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    const int signals[] = {SIGALRM, SIGTERM, SIGINT, SIGUSR1, SIGPROF, SIGCHLD};
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        assert_true(sigismember(&blocked, signals[i]));
        assert_int_equal(sigismember(&after, signals[i]),
                         sigismember(&before, signals[i])); /* who starts it still does */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_takes_no_signals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
