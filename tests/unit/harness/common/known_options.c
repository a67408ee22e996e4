/* known_options.c - harness/common/known_options.h: known options pass in every spelling; arguments are no options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/common/exit_code.h"
#include "harness/common/known_options.h"

static const struct argp_option options[] = {
    {.doc = "The first group:", .group = 1},
    {.name = "records", .key = 256, .arg = "N"},
    {.name = "reload", .key = 257, .arg = "on|off", .flags = OPTION_ARG_OPTIONAL},
    {.key = 'P', .arg = "FILE"},
    {0},
};

/* The exit code of a process that checks these arguments; EXIT_FINE if the check returns. */
static int code_of(char *first, char *second, char *third)
{
    const struct argp argp = {.options = options};
    char *argv[] = {(char[]){"test"}, first, second, third, NULL};
    int argc = 1, status = 0;
    while (argv[argc] != NULL)
        argc++;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(STDERR_FILENO);
        known_options_check(&argp, argc, argv, NULL);
        _exit(EXIT_FINE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void known_options_pass(void **state)
{
    (void)state;
    assert_int_equal(code_of("--records", "5", "--reload"), EXIT_FINE);
    assert_int_equal(code_of("--records=5", "--rel", "--help"), EXIT_FINE);
    assert_int_equal(code_of("-P", "file", "--usage"), EXIT_FINE);
    assert_int_equal(code_of("--version", "--vers", NULL), EXIT_FINE);
    assert_int_equal(code_of("plain", NULL, NULL), EXIT_FINE);
}

static void unknown_options_end_the_program(void **state)
{
    (void)state;
    assert_int_equal(code_of("--recods", "5", NULL), EXIT_USAGE);
    assert_int_equal(code_of("--recods=5", NULL, NULL), EXIT_USAGE);
    assert_int_equal(code_of("--reload", "--foo", NULL), EXIT_USAGE); /* its argument stands behind = */
    assert_int_equal(code_of("plain", "--records=5", "--foo"), EXIT_USAGE);
}

static void an_argument_is_no_option(void **state)
{
    (void)state;
    assert_int_equal(code_of("--records", "--foo", NULL), EXIT_FINE);
    assert_int_equal(code_of("-P", "--foo", NULL), EXIT_FINE);
    assert_int_equal(code_of("--", "--foo", NULL), EXIT_FINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_options_pass),
        cmocka_unit_test(unknown_options_end_the_program),
        cmocka_unit_test(an_argument_is_no_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
