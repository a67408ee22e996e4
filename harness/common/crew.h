/*
 * crew.h - the worker threads of a run. They are created once and pinned. Each runs one task after the other.
 *
 * One coordinator makes all calls. A thread without a task sleeps. A task runs without touching the crew.
 */
#ifndef HARNESS_COMMON_CREW_H
#define HARNESS_COMMON_CREW_H

#include "workloads/target.h"

struct crew;

typedef enum target_status (*crew_task_fn)(void *arg, unsigned worker);

/*
 * Starts `workers` threads, which block all signals. Each runs `first` once (to pin itself). NULL if the threads cannot
 * be had.
 */
struct crew *crew_create(unsigned workers, crew_task_fn first, void *arg);

/* Lets workers [0, count) run `task`. No worker may have a task. */
void crew_begin(struct crew *crew, unsigned count, crew_task_fn task, void *arg);

/* Waits until no worker has a task, or until the clock (support_clock_ns) shows `until_ns`. True: no worker has one. */
bool crew_wait(struct crew *crew, uint64_t until_ns);

/* Whether the worker still runs its task; if not, the status of its last task. Any thread. */
bool crew_is_busy(const struct crew *crew, unsigned worker);
enum target_status crew_status(const struct crew *crew, unsigned worker);

/* The first worker whose last task ended with another status than TARGET_OK. False if there is none so far. */
bool crew_failure(const struct crew *crew, unsigned *worker, enum target_status *status);

void crew_destroy(struct crew *crew); /* no worker may have a task; NULL is fine */

#endif
