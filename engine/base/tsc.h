/*
 * tsc.h - the CPU's time stamp counter: a cheap clock whose ticks are constant in length.
 * Skew between CPUs may cause aborts, but never wrong results. On CPUs without such a counter clock_gettime takes its
 * place (1 tick = 1 ns).
 */
#ifndef ENGINE_BASE_TSC_H
#define ENGINE_BASE_TSC_H

#include <stdint.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <time.h>
#endif

#ifdef MAE_DEBUG
/* Schedule exploration replaces the clock: if set, tsc_now returns what it returns. */
extern uint64_t (*tsc_override)(void);
#endif

static inline uint64_t tsc_now(void)
{
#ifdef MAE_DEBUG
    if (tsc_override)
        return tsc_override();
#endif
#if defined(__x86_64__)
    return __rdtsc();
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

/* Ticks per microsecond; the first call measures for 10 ms against the monotonic clock, later ones return the same. */
double tsc_ticks_per_us(void);

#endif
