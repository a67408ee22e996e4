#include "engine/time/tsclock.h"

#include "engine/time/timestamp.h"

unsigned tsclock_shift(double ticks_per_us)
{
    const double years = 30, us_per_year = 365.25 * 24 * 3600 * 1e6;
    const double range = (double)(UINT64_MAX >> TIMESTAMP_WORKER_BITS);
    unsigned shift = 0;
    while (range * (double)(1u << shift) < years * us_per_year * ticks_per_us)
        shift++;
    return shift;
}

void tsclock_init(struct tsclock *clock, unsigned shift, double ticks_per_us, uint64_t now_ticks,
                  _Atomic uint64_t *central)
{
    const double hour_us = 3600e6;
    clock->clock = 1;
    clock->shift = shift;
    clock->last_units = now_ticks >> shift;
    clock->boost_units = 0;
    clock->step_max_units = (uint64_t)(hour_us * ticks_per_us) >> shift;
    clock->central = central;
}
