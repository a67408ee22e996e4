/* order.c - see order.h. */
#include "schemes/base/order.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const uint64_t SKEW_TICKS = 1 << 20; /* the counter of another CPU may lag behind by less than that */

/* Constant in rate and running in all states, hence the same on all CPUs of a machine that starts them together. */
static bool counters_agree(void)
{
#if defined(__x86_64__)
    enum { POWER_LEAF = 0x80000007, INVARIANT_TSC = 1 << 8 };
    unsigned a, b, c, d;
    return __get_cpuid(POWER_LEAF, &a, &b, &c, &d) && (d & INVARIANT_TSC);
#else
    return false;
#endif
}

void order_init(struct order *order)
{
    order->counted = !counters_agree();
#ifdef MAE_DEBUG
    order->counted |= tsc_override != NULL; /* a schedule's clocks disagree on purpose */
#endif
    order->base_ticks = tsc_now() - SKEW_TICKS;
}
