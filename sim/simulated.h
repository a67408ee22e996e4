/*
 * simulated.h - what the harness asks of the simulator: a run on a machine of sim/machines, in builds of MODE=sim
 * (sim/runtime/simulated.c).
 *
 * From simulated_open on every thread is a coroutine, clocks show the machine's time, and sleeps last in that time
 * only. A thread that has said which core it is pays for its accesses while costs are on; others act in no time. In
 * other builds all this is nothing.
 */
#ifndef SIM_SIMULATED_H
#define SIM_SIMULATED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/profile.h"

/* Warm-up and window where none is asked for. */
#define SIMULATED_WARMUP_NS UINT64_C(5000000)
#define SIMULATED_WINDOW_NS UINT64_C(20000000)

/* About how long a core's second takes to simulate, for estimates; where memory is slow it takes less. */
#define SIMULATED_SLOWDOWN 25.0

#ifdef MAE_SIM

#define SIMULATED 1

/* `text` is the machine's file; `cores` of it are there, 0: all. `seed` is of the spread of transfers, so that runs of
 * different seeds differ as repetitions do elsewhere. False with a message. */
bool simulated_open(const char *file, const char *text, unsigned long long cores, unsigned long long seed, char *error,
                    size_t error_bytes);
/* How many cores are there then; 0 with a message. */
unsigned simulated_cores(const char *file, const char *text, unsigned long long cores, char *error, size_t error_bytes);
/* The machine as hwloc's set_synthetic takes it, and the list of its cores that are there. */
const char *simulated_topology(void);
const char *simulated_allowed(void);
/* Runs the whole on a thread of its own, whose stack lies where it always lies. */
void simulated_run(void (*body)(void *arg), void *arg);
void simulated_core(int cpu); /* the calling thread is that core */
/* From now on places that wait for lines are counted. simulated_places: those of sim/profile.h, and how many. */
void simulated_profile(void);
const struct profile_place *simulated_places(size_t *room);
void simulated_costs(bool on); /* off: an access takes a nanosecond, and no cache notices */

#else

#define SIMULATED 0

static inline bool simulated_open(const char *file, const char *text, unsigned long long cores, unsigned long long seed,
                                  char *error, size_t error_bytes)
{
    (void)file, (void)text, (void)cores, (void)seed, (void)error, (void)error_bytes;
    return false;
}

static inline unsigned simulated_cores(const char *file, const char *text, unsigned long long cores, char *error,
                                       size_t error_bytes)
{
    (void)file, (void)text, (void)cores, (void)error, (void)error_bytes;
    return 0;
}

static inline const char *simulated_topology(void)
{
    return NULL;
}

static inline const char *simulated_allowed(void)
{
    return NULL;
}

static inline void simulated_run(void (*body)(void *arg), void *arg)
{
    body(arg);
}

static inline void simulated_core(int cpu)
{
    (void)cpu;
}

static inline void simulated_profile(void)
{
}

static inline const struct profile_place *simulated_places(size_t *room)
{
    *room = 0;
    return NULL;
}

static inline void simulated_costs(bool on)
{
    (void)on;
}

#endif

#endif
