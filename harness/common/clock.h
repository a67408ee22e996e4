/*
 * clock.h - the clock that times transactions: the time stamp counter, in nanoseconds. A reading takes some 10 ns.
 *
 * The counter's rate is measured once against CLOCK_MONOTONIC (engine/base/tsc.h) and is off by less than 0.01%. A
 * reading is not ordered with the loads and stores around it: it may be some tens of instructions early or late.
 * clock_init runs before any worker starts. Any thread may call the other functions.
 */
#ifndef HARNESS_COMMON_CLOCK_H
#define HARNESS_COMMON_CLOCK_H

#include "engine/base/tsc.h"

extern uint64_t clock_multiplier; /* nanoseconds per tick x 2^32; constant once clock_init has run */

void clock_init(void);

static inline uint64_t clock_now_ticks(void)
{
    return tsc_now();
}

/* The counters of two CPUs may differ a little, so an interval that seems negative counts as 0. */
static inline uint64_t clock_passed_ns(uint64_t from_ticks, uint64_t to_ticks)
{
    uint64_t ticks = to_ticks - from_ticks;
    return (int64_t)ticks < 0 ? 0 : (uint64_t)((unsigned __int128)ticks * clock_multiplier >> 32);
}

double clock_ticks_of_ns(double ns);

/* The ticks at a time of support_clock_ns() that has passed. */
uint64_t clock_ticks_at(uint64_t at_ns);

#endif
