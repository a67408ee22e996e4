/* target_counter.h - one of the counters of a target's worker, by its name. */
#ifndef TESTS_SUPPORT_TARGET_COUNTER_H
#define TESTS_SUPPORT_TARGET_COUNTER_H

#include <string.h>

#include "tests/support/world.h"
#include "workloads/target.h"

static inline uint64_t target_counter(const struct target_ops *ops, const struct target_worker *worker,
                                      const char *name)
{
    uint64_t values[128];
    size_t i = 0, count = ops->counter_count();
    assert_true(count <= 128);
    ops->worker_counters(worker, values);
    while (i < count && strcmp(ops->counter_info(i)->name, name) != 0)
        i++;
    assert_true(i < count);
    return values[i];
}

#endif
