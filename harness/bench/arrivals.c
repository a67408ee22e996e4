/* arrivals.c - see arrivals.h. */
#include "harness/bench/arrivals.h"

#include <math.h>

#include "harness/common/clock.h"

/* A long backlog is passed in larger and larger steps: about so many steps for each factor e. */
enum { OVERDUE_STEPS = 10000 };

static void due_show(struct arrivals *arrivals)
{
    atomic_store_explicit(&arrivals->next_ticks, arrivals_due(arrivals), memory_order_relaxed);
}

/* Moves on by so many mean gaps. */
static void due_advance(struct arrivals *arrivals, double gaps)
{
    if (arrivals->is_planned) {
        arrivals->requests += gaps / arrivals->plan_share;
        arrivals->due_ticks = clock_ticks_of_ns(1e9 * rate_plan_time_s(arrivals->plan, arrivals->requests));
    } else {
        arrivals->due_ticks += gaps * arrivals->gap_ticks;
    }
}

static double gap(struct arrivals *arrivals)
{
    return arrivals->poisson ? -log(1 - rng_unit(&arrivals->rng)) : 1;
}

void arrivals_init(struct arrivals *arrivals, bool poisson, double rate, unsigned worker, unsigned workers,
                   uint64_t seed)
{
    MAE_CHECK(rate > 0 && worker < workers);
    *arrivals = (struct arrivals){.poisson = poisson,
                                  .gap_ticks = clock_ticks_of_ns(1e9 * workers / rate),
                                  .plan_share = 1.0 / workers,
                                  .first_share = (worker + 1.0) / workers};
    rng_init(&arrivals->rng, seed ^ 0x6172726976616c73u, worker); /* not the workload's own sequence */
    arrivals_restart(arrivals, clock_now_ticks());
}

void arrivals_restart(struct arrivals *arrivals, uint64_t now_ticks)
{
    arrivals->begin_ticks = now_ticks;
    arrivals->is_planned = arrivals->plan != NULL;
    arrivals->due_ticks = arrivals->requests = 0;
    due_advance(arrivals, arrivals->poisson ? gap(arrivals) : arrivals->first_share);
    arrivals->taken = 0;
    due_show(arrivals);
}

void arrivals_take(struct arrivals *arrivals)
{
    due_advance(arrivals, gap(arrivals));
    arrivals->taken++;
    due_show(arrivals);
}

uint64_t arrivals_late_ns(const struct arrivals *arrivals, uint64_t until_ticks, uint64_t now_ticks)
{
    uint64_t next_ticks = atomic_load_explicit(&arrivals->next_ticks, memory_order_relaxed);
    return next_ticks > until_ticks ? 0 : clock_passed_ns(next_ticks, now_ticks);
}

uint64_t arrivals_overdue(struct arrivals *arrivals, uint64_t until_ticks, uint64_t now_ticks, struct histogram *waited)
{
    uint64_t overdue = 0, due;
    while ((due = arrivals_due(arrivals)) <= until_ticks) {
        double left = (double)(until_ticks - due) / arrivals->gap_ticks;
        uint64_t times = 1 + (uint64_t)(left / OVERDUE_STEPS);
        if (waited != NULL)
            histogram_record_times(waited, clock_passed_ns(due, now_ticks), times);
        overdue += times;
        due_advance(arrivals, times == 1 ? gap(arrivals) : (double)times);
    }
    return overdue;
}
