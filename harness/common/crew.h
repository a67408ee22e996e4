/*
 * crew.h - the worker threads of a run: created once, pinned, each doing one task after the other as told.
 *
 * One coordinator calls everything here. A thread that has nothing to do sleeps; a task runs without touching the crew.
 */
#ifndef HARNESS_COMMON_CREW_H
#define HARNESS_COMMON_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "workloads/target.h"

struct crew;

typedef enum target_status (*crew_task_fn)(void *arg, unsigned worker);

/*
 * Starts `workers` threads, all signals blocked in them; each runs `first` once (to pin itself). NULL: no such
 * threads.
 */
struct crew *crew_create(unsigned workers, crew_task_fn first, void *arg);

/* Lets workers [0, count) run `task`. All must be at rest. */
void crew_begin(struct crew *crew, unsigned count, crew_task_fn task, void *arg);

/* Waits until all are at rest or the clock (support_clock_ns) shows `until_ns`. True: at rest. */
bool crew_wait(struct crew *crew, uint64_t until_ns);

/* Whether the worker still runs its task; its last status once it does not. Any thread. */
bool crew_is_busy(const struct crew *crew, unsigned worker);
enum target_status crew_status(const struct crew *crew, unsigned worker);

/* The first worker whose last task ended with another status than TARGET_OK; false: none so far. */
bool crew_failure(const struct crew *crew, unsigned *worker, enum target_status *status);

void crew_destroy(struct crew *crew); /* all must be at rest; NULL is fine */

#endif
