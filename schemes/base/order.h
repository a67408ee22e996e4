/*
 * order.h - a transaction's place in the serial order, for histories. No scheme decides anything by it. It is taken
 * only if somebody is going to ask: waiting for all loads to be done, and for the counter, costs 3% of a transaction
 * of 16 requests.
 *
 * The place is the time stamp counter, read after the transaction's last lock and before anything is validated. For
 * write-write and write-read dependencies the later transaction locks or reads the row after the earlier one has
 * unlocked it. For a read-write dependency the reader validates after it has read the counter, and the writer locks the
 * row after that, since a row that another has locked fails validation. So places are a serial order if the counters of
 * all CPUs run alike. Where they need not, a shared counter takes their place. The worker's number makes places unique.
 */
#ifndef SCHEMES_BASE_ORDER_H
#define SCHEMES_BASE_ORDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/compiler.h"
#include "engine/base/tsc.h"

enum { ORDER_WORKER_BITS = 8 };

struct order {
    uint64_t base_ticks; /* a little before the database was opened, so that 56 bits last for months */
    bool counted;        /* the CPUs' counters cannot be compared */
    bool told;           /* transactions take places; set before a worker joins */
    SEPARATED _Atomic uint64_t counter;
};

void order_init(struct order *order);

/* The counter, not read before the loads in front of it are done, nor after those behind it begin. */
static inline uint64_t order_ticks(void)
{
#if defined(__x86_64__)
    _mm_lfence();
    uint64_t ticks = tsc_now();
    _mm_lfence();
    return ticks;
#else
    return tsc_now();
#endif
}

static inline uint64_t order_place(struct order *order, uint64_t ticks, unsigned worker)
{
    uint64_t time = LIKELY(!order->counted)
                        ? ticks - order->base_ticks
                        : atomic_fetch_add_explicit(&order->counter, 1, memory_order_seq_cst) + 1; /* ORD-ORDER-1 */
    return time << ORDER_WORKER_BITS | worker;
}

#endif
