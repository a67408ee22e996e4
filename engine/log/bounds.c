/* bounds.c - see bounds.h. */
#include "engine/log/bounds.h"

#include "engine/base/check.h"

void bounds_init(struct bounds *bounds, unsigned stream_count, uint64_t start_ts, _Atomic uint64_t *snapshots_below)
{
    MAE_DCHECK(stream_count > 0 && stream_count <= STREAMS_MAX);
    bounds->stream_count = stream_count;
    bounds->snapshots_below = snapshots_below;
    atomic_init(&bounds->durable_ts, start_ts);
    pthread_mutex_init(&bounds->lock, NULL);
    pthread_cond_init(&bounds->changed, NULL);
    for (unsigned i = 0; i < stream_count; i++)
        bounds->safe[i] = bounds->synced[i] = start_ts;
}

void bounds_fini(struct bounds *bounds)
{
    pthread_cond_destroy(&bounds->changed);
    pthread_mutex_destroy(&bounds->lock);
}

static uint64_t least_of(const struct bounds *bounds, const uint64_t *values)
{
    uint64_t least = values[0];
    for (unsigned i = 1; i < bounds->stream_count; i++)
        if (values[i] < least)
            least = values[i];
    return least;
}

/* D13. Under the lock. */
static void advance(struct bounds *bounds)
{
    uint64_t m = MUTATED(first_stream_decides) ? bounds->safe[0] : least_of(bounds, bounds->safe);
    if (m <= bounds_durable_ts(bounds) || bounds_has_failed(bounds)) /* D9 */
        return;
    atomic_store_explicit(&bounds->durable_ts, m, memory_order_release); /* ORD-15 */
    if (bounds->snapshots_below && m > atomic_load_explicit(bounds->snapshots_below, memory_order_relaxed))
        atomic_store_explicit(bounds->snapshots_below, m, memory_order_release); /* ORD-15 */
    pthread_cond_broadcast(&bounds->changed);
}

void bounds_safe(struct bounds *bounds, unsigned stream, uint64_t m)
{
    pthread_mutex_lock(&bounds->lock);
    MAE_DCHECK(m >= bounds->safe[stream]); /* H3 */
    bounds->safe[stream] = m;
    advance(bounds);
    pthread_mutex_unlock(&bounds->lock);
}

void bounds_synced(struct bounds *bounds, unsigned stream, uint64_t m)
{
    pthread_mutex_lock(&bounds->lock);
    bounds->synced[stream] = m;
    pthread_mutex_unlock(&bounds->lock);
}

void bounds_failed(struct bounds *bounds, const char *problem)
{
    pthread_mutex_lock(&bounds->lock);
    bounds->problem = bounds->problem ? bounds->problem : problem;
    atomic_store_explicit(&bounds->failed, !MUTATED(failure_forgotten), memory_order_release); /* ORD-15 */
    pthread_cond_broadcast(&bounds->changed);
    pthread_mutex_unlock(&bounds->lock);
}

void bounds_wake(struct bounds *bounds)
{
    pthread_mutex_lock(&bounds->lock);
    pthread_cond_broadcast(&bounds->changed);
    pthread_mutex_unlock(&bounds->lock);
}

uint64_t bounds_all_synced(struct bounds *bounds)
{
    pthread_mutex_lock(&bounds->lock);
    uint64_t least = least_of(bounds, bounds->synced);
    pthread_mutex_unlock(&bounds->lock);
    return least;
}
