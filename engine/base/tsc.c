#include "engine/base/tsc.h"

#include <pthread.h>
#include <time.h>

#ifdef MAE_DEBUG
uint64_t (*tsc_override)(void);
#endif

static double ticks_per_us;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint64_t monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t raw_ticks(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#else
    return monotonic_ns();
#endif
}

/* The reading pair with the least time between its two clock calls: a preemption in between would spoil it. */
static void read_pair(uint64_t *ns, uint64_t *ticks)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 16; i++) {
        uint64_t before = monotonic_ns(), t = raw_ticks(), after = monotonic_ns();
        if (after - before < best) {
            best = after - before;
            *ns = before + best / 2;
            *ticks = t;
        }
    }
}

static void calibrate(void)
{
    uint64_t ns0 = 0, ticks0 = 0, ns1 = 0, ticks1 = 0;
    read_pair(&ns0, &ticks0);
    while (monotonic_ns() - ns0 < 10 * 1000 * 1000) {
    }
    read_pair(&ns1, &ticks1);
    ticks_per_us = (double)(ticks1 - ticks0) * 1000.0 / (double)(ns1 - ns0);
}

double tsc_ticks_per_us(void)
{
    pthread_once(&once, calibrate);
    return ticks_per_us;
}
