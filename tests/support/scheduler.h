/*
 * scheduler.h - runs workers as coroutines on one OS thread and decides at every race point (engine/base/race.h) which
 * worker goes on.
 *
 * Only a policy and a seed decide that, and what each worker's clock says. So its seed repeats a schedule:
 *     RANDOM   at each point the CPU changes hands with a probability drawn per schedule, to any other worker
 *     PCT      workers have random priorities, the highest runs; `depth` - 1 random steps lower the running one's
 *              (Burckhardt et al., A randomized scheduler with probabilistic guarantees of finding bugs, ASPLOS 2010)
 *     BOUNDED  depth-first through all schedules with at most `depth` preemptions; scheduler_next moves to the next one
 * A worker that waits (for a pending version, a back-off, a mutex) lets others run; that is no preemption.
 *
 * Each worker's clock has its own skew and at times stalls, jumps ahead and runs backwards.
 *
 * A program that uses the scheduler has SCHEDULER_INTERPOSE once at file level, which replaces some functions:
 *   - A mutex that another coroutine holds would block the whole thread, so pthread_mutex_lock becomes a wait that the
 *     policy sees.
 *   - No sleep lasts.
 *   - The CPU on which the thread runs is fixed, since version_pool.c asks for it.
 *   - Tables lie at fixed addresses. The address of a row decides its place in a transaction's access set, and with
 *     that how many race points the transaction passes.
 * A process has one scheduler, on one thread.
 */
#ifndef TESTS_SUPPORT_SCHEDULER_H
#define TESTS_SUPPORT_SCHEDULER_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "sim/addresses.h"

#define SCHEDULER_INTERPOSE                                                               \
    int pthread_mutex_lock(pthread_mutex_t *mutex)                                        \
    {                                                                                     \
        return scheduler_mutex_lock(mutex);                                               \
    }                                                                                     \
    int sched_yield(void)                                                                 \
    {                                                                                     \
        return 0;                                                                         \
    }                                                                                     \
    int nanosleep(const struct timespec *wanted, struct timespec *left)                   \
    {                                                                                     \
        (void)wanted, (void)left;                                                         \
        return 0;                                                                         \
    }                                                                                     \
    int getcpu(unsigned *cpu, unsigned *node);                                            \
    int getcpu(unsigned *cpu, unsigned *node)                                             \
    {                                                                                     \
        *cpu = *node = 0;                                                                 \
        return 0;                                                                         \
    }                                                                                     \
    void *mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset) \
    {                                                                                     \
        return addresses_map(at, bytes, protection, flags, file, offset);                 \
    }

enum { SCHEDULER_WORKERS_MAX = 8 };

enum scheduler_policy { SCHEDULER_RANDOM, SCHEDULER_PCT, SCHEDULER_BOUNDED };

/* How wild the clocks are. */
enum scheduler_clocks { SCHEDULER_CLOCKS_EVEN, SCHEDULER_CLOCKS_SKEWED, SCHEDULER_CLOCKS_WILD, SCHEDULER_CLOCKS_COUNT };

struct scheduler_plan {
    enum scheduler_policy policy;
    unsigned depth; /* PCT: bug depth; BOUNDED: preemptions */
    enum scheduler_clocks clocks;
    uint64_t seed;
};

/* True in builds that have race points. */
bool scheduler_available(void);

/* Puts hook and clock in place; from now on time is the scheduler's, also outside of runs. */
void scheduler_open(uint64_t seed);
void scheduler_close(void);

/*
 * Runs `body(arg, worker)` for workers 0 .. count - 1 until all have returned. False if that took more than the step
 * limit: a livelock, or starvation; the coroutines are then abandoned and so is everything they hold.
 */
bool scheduler_run(const struct scheduler_plan *plan, unsigned count, void (*body)(void *arg, unsigned worker),
                   void *arg);

/* BOUNDED: makes the next run take the next schedule; false when there is none left. First call scheduler_first. */
void scheduler_first(void);
bool scheduler_next(void);
/* BOUNDED: some run did not repeat the run before it up to their difference, so the search has missed schedules. */
bool scheduler_diverged(void);

/* Something a worker did, for the trace: `name` is static text. */
void scheduler_note(const char *name, uint64_t key, uint64_t value, int status);

/* Another place where the CPU may change hands, in the test's own code. */
void scheduler_point(void);

/* Prints the last run: each change of hands, each point, each note. */
void scheduler_print(FILE *out);
uint64_t scheduler_steps(void); /* of the last run */
/* Of all that happened since scheduler_open or the last call: different for the same seed if anything beside it has
 * decided. */
uint64_t scheduler_digest(void);

int scheduler_mutex_lock(pthread_mutex_t *mutex);

#endif
