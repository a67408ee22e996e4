/* silo.c - see silo.h. */
#include "schemes/silo.h"

#include "schemes/base/optimistic.h"

enum { EPOCH_SHIFT = 32 };

static const struct silo_settings *settings(const struct worker *worker)
{
    return worker->settings;
}

static ALWAYS_INLINE enum scheme_status fetch(struct worker *worker, struct access *access, bool payload)
{
    return optimistic_fetch(worker, access, payload, false);
}

PRIVATE_CALLS(silo, fetch, optimistic_lock_early)

static bool reads_hold(const struct worker *worker)
{
    return optimistic_reads_hold(worker) || MUTATED(silo_skip_read_check);
}

/* The smallest version of the epoch that is larger than all that were read or are written, and than the worker's last
 * (SI1). */
static uint64_t next_version(const struct silo_worker *worker, uint64_t epoch)
{
    uint64_t version = worker->last_version;
    for (uint32_t i = 0; i < worker->base.rows.count; i++)
        if (worker->base.rows.entries[i].word > version)
            version = worker->base.rows.entries[i].word;
    version++;
    return version >> EPOCH_SHIFT < epoch ? epoch << EPOCH_SHIFT : version;
}

void silo_begin(struct worker *worker)
{
    struct silo_worker *own = (struct silo_worker *)worker;
    if (UNLIKELY(own->epoch_ticks == 0))
        own->epoch_ticks = (uint64_t)((double)settings(worker)->epoch_ms * 1000 * tsc_ticks_per_us());
}

enum scheme_status silo_commit(struct worker *worker)
{
    struct silo_worker *own = (struct silo_worker *)worker;
    if (settings(worker)->pre_abort && worker->rows.write_count && !reads_hold(worker))
        return SCHEME_ABORTED(READ_CHECK);
    enum scheme_status status = optimistic_lock_writes(worker, settings(worker)->validation_lock, reads_hold);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    uint64_t ticks = worker_take_place(worker);
    uint64_t epoch = epoch_now(&worker->database->epochs); /* SI2; ORD-LOCK-1 */
    if (UNLIKELY(!reads_hold(worker)))
        return SCHEME_ABORTED(READ_CHECK);
    if (UNLIKELY(!node_set_holds(&worker->nodes)) && !MUTATED(silo_skip_node_check))
        return SCHEME_ABORTED(NODE_CHECK);
    if (worker->rows.write_count) {
        own->last_version = next_version(own, epoch);
        worker_apply_entries(worker, 0);
        optimistic_store_writes(worker, own->last_version);
    }
    epoch_tick(&worker->database->epochs, ticks, own->epoch_ticks);
    return SCHEME_OK;
}

void silo_abort(struct worker *worker)
{
    optimistic_abort(worker);
}
