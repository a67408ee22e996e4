/* wait.c - a wait that lasts gives the CPU to threads of any priority. */
#include "engine/base/wait.h"

#include <limits.h>
#include <sys/resource.h>

#include "tests/support/world.h"

static long sleeps(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_nvcsw;
}

/* The kernel counts a voluntary switch when a thread sleeps, not when it yields. */
static void a_long_wait_sleeps(void **state)
{
    (void)state;
    enum { ROUNDS = 20 };
    long before = sleeps();
    for (unsigned round = 1000; round < 1000 + ROUNDS; round++)
        wait_step(round);
    assert_true(sleeps() - before >= ROUNDS);
}

/* The best of some: a page that must be read from the disk makes a thread sleep, too. */
static void a_short_wait_only_spins(void **state)
{
    (void)state;
    long slept = LONG_MAX;
    for (unsigned attempt = 0; attempt < 100 && slept > 0; attempt++) {
        long before = sleeps();
        for (unsigned round = 0; round < 64; round++)
            wait_step(round);
        slept = sleeps() - before;
    }
    assert_int_equal(slept, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_wait_sleeps),
        cmocka_unit_test(a_short_wait_only_spins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
