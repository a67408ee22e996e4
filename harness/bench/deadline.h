/*
 * deadline.h - a thread that ends a run that takes too long, whatever hangs: a worker, the coordinator, a close.
 *
 * The thread sleeps until the deadline, so it costs the run nothing.
 */
#ifndef HARNESS_BENCH_DEADLINE_H
#define HARNESS_BENCH_DEADLINE_H

#include "harness/common/support.h"

struct deadline;

/*
 * The deadline's thread calls `expired` when support_clock_ns() passes `at_ns`; `expired` should not return. NULL if
 * there is no thread.
 */
struct deadline *deadline_start(uint64_t at_ns, void (*expired)(void *arg), void *arg);

/* Moves the deadline. Any thread. */
void deadline_set(struct deadline *deadline, uint64_t at_ns);

void deadline_stop(struct deadline *deadline); /* NULL is fine */

#endif
