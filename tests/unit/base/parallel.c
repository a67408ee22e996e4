/* parallel.c - each piece of work is done once, at the same time where there are threads. */
#include "engine/base/parallel.h"

#include <stdatomic.h>

#include "tests/support/world.h"

static _Atomic unsigned done[PARALLEL_MAX];

static void work(void *arg, unsigned i)
{
    assert_ptr_equal(arg, done);
    (void)atomic_fetch_add(&done[i], 1);
}

static void each_is_done_once(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= PARALLEL_MAX; count *= 2) {
        for (unsigned i = 0; i < PARALLEL_MAX; i++)
            atomic_store(&done[i], 0);
        parallel_run(count, work, done);
        for (unsigned i = 0; i < PARALLEL_MAX; i++)
            assert_int_equal(atomic_load(&done[i]), i < count);
    }
}

static void there_is_a_cpu(void **state)
{
    (void)state;
    assert_in_range(parallel_cpus(), 1, PARALLEL_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_done_once), cmocka_unit_test(there_is_a_cpu)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
