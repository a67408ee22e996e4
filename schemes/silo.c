/* silo.c - see silo.h. */
#include "schemes/silo.h"

static const struct silo_settings *settings(const struct worker *worker)
{
    return worker->settings;
}

static ALWAYS_INLINE enum scheme_status fetch(struct worker *worker, struct access *access, bool payload)
{
    return optimistic_fetch(worker, access, payload, false);
}

static ALWAYS_INLINE bool first(struct worker *worker, struct access *access, const struct table *table,
                                struct row *row, void *copy)
{
    (void)worker;
    return optimistic_first(access, table, row, copy, false);
}

PRIVATE_CALLS(silo, fetch, first, optimistic_lock_early)

static inline bool read_holds(const struct access *access)
{
    return access_unchanged(access) || MUTATED(silo_skip_read_check);
}

static bool reads_hold(const struct worker *worker)
{
    uint64_t largest = 0;
    return versions_hold(worker, read_holds, &largest);
}

static bool nodes_hold(const struct worker *worker)
{
    return node_set_holds(&worker->nodes) || MUTATED(silo_skip_node_check);
}

void silo_begin(struct worker *worker)
{
    versions_begin(&((struct silo_worker *)worker)->versions, settings(worker)->epoch_ms);
}

enum scheme_status silo_commit(struct worker *worker)
{
    if (settings(worker)->pre_abort && worker->rows.write_count && !optimistic_is_calm(worker) && !reads_hold(worker))
        return SCHEME_ABORTED(READ_CHECK);
    enum scheme_status status = optimistic_lock_writes(worker, settings(worker)->validation_lock, reads_hold);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    return versions_commit(&((struct silo_worker *)worker)->versions, worker, read_holds, nodes_hold);
}

void silo_abort(struct worker *worker)
{
    optimistic_abort(worker);
}
