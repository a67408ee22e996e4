/* clock.c - see clock.h. */
#include "harness/common/clock.h"

#include "harness/common/support.h"

uint64_t clock_multiplier;

void clock_init(void)
{
    clock_multiplier = (uint64_t)(1000.0 / tsc_ticks_per_us() * 0x1p32);
}

double clock_ticks_of_ns(double ns)
{
    return ns * tsc_ticks_per_us() / 1000;
}

/* Of some readings of both clocks the one that took least counts: one in which the thread lost its CPU is wrong by
 * milliseconds. */
uint64_t clock_ticks_at(uint64_t at_ns)
{
    enum { READINGS = 16 };
    uint64_t least_ns = UINT64_MAX, ns = 0, ticks = 0;
    for (int i = 0; i < READINGS; i++) {
        uint64_t before_ns = support_clock_ns(), now_ticks = clock_now_ticks(),
                 took_ns = support_clock_ns() - before_ns;
        if (took_ns < least_ns) {
            least_ns = took_ns;
            ns = before_ns + took_ns / 2;
            ticks = now_ticks;
        }
    }
    return ticks - (uint64_t)clock_ticks_of_ns((double)(ns - at_ns));
}
