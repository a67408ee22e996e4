/* check.c - a failed check says what and where, and ends the program. */
#include "engine/base/check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/world.h"

static void a_true_check_does_nothing(void **state)
{
    (void)state;
    int evaluated = 0;
    MAE_CHECK(++evaluated == 1);
    assert_int_equal(evaluated, 1);
}

enum { TEXT_BYTES = 500 };

/* The child has aborted. `text`: what it had written into the pipe. */
static void aborted_with(pid_t child, const int ends[2], char text[TEXT_BYTES])
{
    close(ends[1]);
    memset(text, 0, TEXT_BYTES);
    for (size_t used = 0; used + 1 < TEXT_BYTES;) {
        ssize_t got = read(ends[0], text + used, TEXT_BYTES - 1 - used);
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void a_false_check_aborts_with_a_message(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        MAE_CHECK(1 + 1 == 3);
        _exit(0);
    }
    char text[TEXT_BYTES];
    aborted_with(child, ends, text);
    assert_non_null(strstr(text, "1 + 1 == 3"));
    assert_non_null(strstr(text, "check.c"));
}

static int pipe_end;

static void hear(void *arg, const char *text)
{
    assert_ptr_equal(arg, &pipe_end);
    (void)!write(pipe_end, "heard: ", 7);
    (void)!write(pipe_end, text, strlen(text));
    MAE_CHECK(2 + 2 == 5); /* is not told in its turn */
}

static void who_asks_is_told_before_the_end(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        pipe_end = ends[1];
        mae_on_fatal(NULL, NULL);
        mae_on_fatal(hear, &pipe_end);
        MAE_CHECK(1 + 1 == 3);
        _exit(0);
    }
    char text[TEXT_BYTES];
    aborted_with(child, ends, text);
    const char *heard = strstr(text, "heard: internal error: 1 + 1 == 3 does not hold");
    assert_non_null(heard);
    assert_null(strstr(heard + 1, "heard: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_true_check_does_nothing),
        cmocka_unit_test(a_false_check_aborts_with_a_message),
        cmocka_unit_test(who_asks_is_told_before_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
