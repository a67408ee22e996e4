/* clock.c - see clock.h. */
#include "harness/common/clock.h"

uint64_t clock_multiplier;

void clock_init(void)
{
    clock_multiplier = (uint64_t)(1000.0 / tsc_ticks_per_us() * 0x1p32);
}

double clock_ticks_of_ns(double ns)
{
    return ns * tsc_ticks_per_us() / 1000;
}
