/*
 * tsclock.h - a worker's clock, loosely synchronised with the others'.
 *
 * The clock advances with the time stamp counter, and by at least 1 for each timestamp. So a worker's timestamps
 * strictly increase whatever its counter does (T1). The clock counts in units of 2^shift ticks; tsclock_shift chooses
 * the shift so that 56 bits last for decades. Issuing a timestamp writes no shared cache line: other workers see the
 * clock as its owner published it at the last quiescent point (horizon.h).
 *
 * In central mode, which exists for comparison, the clock is a shared counter and each timestamp takes a fetch-and-add.
 * Source: section 3.1. A clock belongs to one thread at a time.
 */
#ifndef ENGINE_TIME_TSCLOCK_H
#define ENGINE_TIME_TSCLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/check.h"

struct tsclock {
    uint64_t clock;          /* units; every timestamp issued is at most this */
    uint64_t last_units;     /* counter reading at the last advance */
    uint64_t boost_units;    /* added between an abort and the next commit, else 0 */
    uint64_t step_max_units; /* a larger advance is ignored, so that a counter that jumps does not use up the range */
    unsigned shift;
    _Atomic uint64_t *central; /* NULL: multi-clock */
};

/* Units per tick as a shift, such that 56 bits last at least 30 years. */
unsigned tsclock_shift(double ticks_per_us);

void tsclock_init(struct tsclock *clock, unsigned shift, double ticks_per_us, uint64_t now_ticks,
                  _Atomic uint64_t *central);

/* Advances the clock as far as the counter has advanced since the last call. */
static inline void tsclock_advance(struct tsclock *clock, uint64_t now_ticks)
{
    uint64_t units = now_ticks >> clock->shift, delta = units - clock->last_units;
    clock->last_units = units;
    if (delta <= clock->step_max_units) /* also false when the counter went backwards: delta wraps */
        clock->clock += delta;
}

/* The clock part of the next timestamp, above `after`. */
static inline uint64_t tsclock_next(struct tsclock *clock, uint64_t now_ticks, uint64_t after)
{
    if (clock->central) {
        /* ORD-1: relaxed; only the counter's uniqueness and growth matter. The horizon has orders of its own. Ends:
         * the counter grows in every round. */
        while ((clock->clock = atomic_fetch_add_explicit(clock->central, 1, memory_order_relaxed) + 1) <= after) {
            uint64_t seen = clock->clock;
            atomic_compare_exchange_strong_explicit(clock->central, &seen, after, memory_order_relaxed,
                                                    memory_order_relaxed);
        }
        return clock->clock;
    }
    uint64_t last = clock->clock;
    tsclock_advance(clock, now_ticks);
    uint64_t next = clock->clock + clock->boost_units;
    if (next <= last)
        next = last + 1;
    if (next <= after)
        next = after + 1;
    MAE_DCHECK(next > last && next > after); /* T1, T3 */
    clock->clock = next;
    return next;
}

#endif
