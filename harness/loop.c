/* loop.c - the workers' loop, see loop.h. */
#include "harness/loop.h"

#include <stdatomic.h>

#include "harness/support.h"

struct loop_counters *loop_counters_create(unsigned types)
{
    return support_alloc_aligned(types * sizeof(struct loop_counters));
}

/* One writer: relaxed load, add, relaxed store. */
static void count(_Atomic uint64_t *counter, uint64_t add)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + add, memory_order_relaxed);
}

static bool stopped(const struct loop_worker *worker)
{
    return atomic_load_explicit(worker->stop, memory_order_relaxed);
}

/* Attempts the drawn request until it commits. MAE_OK also when told to stop in between. */
static enum mae_status request_run(struct loop_worker *worker, struct loop_counters *counters)
{
    enum mae_status (*attempt)(struct workload_worker *) = worker->workload->attempt;
    for (;;) {
        enum mae_status status = attempt(worker->state);
        if (status == MAE_OK) {
            count(&counters->committed, 1);
            count(&counters->operations, worker->workload->operations(worker->state));
            return MAE_OK;
        }
        count(&counters->aborted[status], 1);
        if (!mae_status_is_retryable(status))
            return status;
        if (stopped(worker))
            return MAE_OK;
        worker->backoff(worker->target_worker);
    }
}

enum mae_status loop_run(struct loop_worker *worker)
{
    enum mae_status status = MAE_OK;
    uint64_t left = worker->commits_max;
    worker->begin_ns = support_clock_ns();
    atomic_store_explicit(&worker->entered, true, memory_order_release);
    while (status == MAE_OK && left > 0 && !stopped(worker)) {
        unsigned type = worker->workload->next(worker->state);
        status = request_run(worker, &worker->counters[type]);
        left--;
    }
    worker->end_ns = support_clock_ns();
    return status;
}

void loop_counters_add(const struct loop_counters *counters, unsigned types, struct loop_counts *sums)
{
    for (unsigned type = 0; type < types; type++) {
        sums[type].committed += atomic_load_explicit(&counters[type].committed, memory_order_relaxed);
        sums[type].operations += atomic_load_explicit(&counters[type].operations, memory_order_relaxed);
        for (int status = 0; status < MAE_STATUS_COUNT; status++)
            sums[type].aborted[status] += atomic_load_explicit(&counters[type].aborted[status], memory_order_relaxed);
    }
}

void loop_counts_add(struct loop_counts *into, const struct loop_counts *add)
{
    into->committed += add->committed;
    into->operations += add->operations;
    for (int status = 0; status < MAE_STATUS_COUNT; status++)
        into->aborted[status] += add->aborted[status];
}

void loop_counts_subtract(struct loop_counts *into, const struct loop_counts *subtract)
{
    into->committed -= subtract->committed;
    into->operations -= subtract->operations;
    for (int status = 0; status < MAE_STATUS_COUNT; status++)
        into->aborted[status] -= subtract->aborted[status];
}

uint64_t loop_counts_aborted(const struct loop_counts *counts)
{
    uint64_t aborted = 0;
    for (int status = 0; status < MAE_STATUS_COUNT; status++)
        aborted += counts->aborted[status];
    return aborted;
}
