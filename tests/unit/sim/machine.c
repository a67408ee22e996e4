/* machine.c - sim/machine.h: the machines that there are can be read, and what is wrong in a file is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/common/text_file.h"
#include "sim/machine.h"
#include "tests/support/small_machine.h"

enum { TEXT_BYTES = 1 << 16 };

static void a_whole_file_is_read(void **state)
{
    (void)state;
    struct machine machine;
    char error[MACHINE_ERROR_BYTES];
    assert_true(machine_read("small", "# a comment\n\n" SMALL_MACHINE, &machine, error));
    assert_string_equal(machine.title, "small");
    assert_int_equal(machine.sockets, 2);
    assert_int_equal(machine.l2_bytes, 2048);
    assert_true(machine.core_remote_ns > 99 && machine.core_remote_ns < 101);
    machine_clear(&machine);
}

/* SMALL_MACHINE with one text in another's place is refused with a message that has `says` in it. */
static void refused(const char *old, const char *new, const char *says)
{
    struct machine machine;
    char error[MACHINE_ERROR_BYTES] = "", *text = malloc(TEXT_BYTES);
    const char *at = strstr(SMALL_MACHINE, old);
    assert_non_null(at);
    (void)snprintf(text, TEXT_BYTES, "%.*s%s%s", (int)(at - (const char *)SMALL_MACHINE), SMALL_MACHINE, new,
                   at + strlen(old));
    assert_false(machine_read("m.conf", text, &machine, error));
    if (strstr(error, says) == NULL)
        fail_msg("'%s' does not say '%s'", error, says);
    machine_clear(&machine);
    free(text);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    refused("sockets = 2", "socket = 2", "m.conf:2: unknown key 'socket'");
    refused("sockets = 2", "sockets", "m.conf:2: want `key = value`");
    refused("sockets = 2", "sockets = many", "m.conf:2: key 'sockets': ");
    refused("cores_per_socket = 2", "sockets = 2", "m.conf:3: key 'sockets' is there twice");
    refused("l3_ns = 20\n", "", "m.conf: lacks the key 'l3_ns'");
    refused("cores_per_l3 = 2", "cores_per_l3 = 3", "cores_per_l3: want a divisor");
    refused("page_bytes = 4K", "page_bytes = 5K", "page_bytes: want a power of two");
    refused("l1_bytes = 1K", "l1_bytes = 1100", "l1_bytes: want a multiple of its ways");
    refused("sockets = 2", "sockets = 64\ncores_per_socket = 1024 # ", "twice");
    refused("cores_per_socket = 2", "cores_per_socket = 1000", "want at most 1024 cores");
}

static void every_machine_of_ours_is_whole(void **state)
{
    (void)state;
    static const char *const names[] = {"haswell-ep-2x14", "epyc-2x64", "abyss-1000"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128], error[MACHINE_ERROR_BYTES] = "";
        size_t bytes;
        struct machine machine;
        (void)snprintf(path, sizeof path, "sim/machines/%s.conf", names[i]);
        char *text = text_file_read(path, TEXT_BYTES, true, &bytes, error, sizeof error);
        if (text == NULL || !machine_read(path, text, &machine, error))
            fail_msg("%s", error);
        machine_clear(&machine);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_read),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(every_machine_of_ours_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
