/* arrivals.c - see arrivals.h. */
#include "harness/arrivals.h"

#include <math.h>

#include "harness/clock.h"

static double gap(struct arrivals *arrivals)
{
    return arrivals->poisson ? -log(1 - rng_unit(&arrivals->rng)) * arrivals->gap_ticks : arrivals->gap_ticks;
}

void arrivals_init(struct arrivals *arrivals, bool poisson, double rate, unsigned worker, unsigned workers,
                   uint64_t seed)
{
    *arrivals = (struct arrivals){.poisson = poisson,
                                  .gap_ticks = clock_ticks_of_ns(1e9 * workers / rate),
                                  .first_share = (worker + 1.0) / workers};
    rng_init(&arrivals->rng, seed ^ 0x6172726976616c73u, worker); /* not the workload's own sequence */
    arrivals_restart(arrivals, clock_now_ticks());
}

void arrivals_restart(struct arrivals *arrivals, uint64_t now_ticks)
{
    arrivals->begin_ticks = now_ticks;
    arrivals->due_ticks = arrivals->poisson ? gap(arrivals) : arrivals->first_share * arrivals->gap_ticks;
    atomic_store_explicit(&arrivals->late_ns, 0, memory_order_relaxed);
}

void arrivals_take(struct arrivals *arrivals, uint64_t late_ns)
{
    atomic_store_explicit(&arrivals->late_ns, late_ns, memory_order_relaxed);
    arrivals->due_ticks += gap(arrivals);
}
