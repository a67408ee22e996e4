/* guard.c - see guard.h; empty in release builds, whose guards are inline. */
#include "engine/db/guard.h"

#ifdef MAE_DEBUG

/* The address of this variable names the thread. */
static _Thread_local char this_thread;

struct guard guard_worker(struct mae_worker *worker)
{
    if (!worker || !atomic_load_explicit(&worker->joined, memory_order_acquire))
        return (struct guard){.status = MAE_INVALID};
    uintptr_t self = (uintptr_t)&this_thread, user = 0;
    /* Acquire: the thread that was inside before has left with release. So a worker may be handed from thread to thread
     * without a race on the memory that the guarded call uses. */
    if (atomic_compare_exchange_strong_explicit(&worker->user, &user, self, memory_order_acquire, memory_order_relaxed))
        return (struct guard){.status = MAE_OK, .entered = worker};
    return (struct guard){.status = user == self ? MAE_OK : MAE_INVALID}; /* self: a call within a call */
}

void guard_leave(const struct guard *guard)
{
    if (guard->entered)
        atomic_store_explicit(&guard->entered->user, 0, memory_order_release);
}

static struct guard refused(const struct guard *guard)
{
    guard_leave(guard);
    return (struct guard){.status = MAE_INVALID};
}

struct guard guard_txn(struct mae_txn *txn)
{
    if (!txn)
        return (struct guard){.status = MAE_INVALID};
    struct guard guard = guard_worker(txn->worker);
    return guard.status == MAE_OK && !txn->running ? refused(&guard) : guard;
}

struct guard guard_table(struct mae_txn *txn, const struct mae_table *table)
{
    struct guard guard = guard_txn(txn);
    return guard.status == MAE_OK && !(table && guard_db_fits(txn, &table->db)) ? refused(&guard) : guard;
}

struct guard guard_index(struct mae_txn *txn, const struct mae_index *index)
{
    struct guard guard = guard_txn(txn);
    return guard.status == MAE_OK && !(index && guard_db_fits(txn, &index->db)) ? refused(&guard) : guard;
}

#endif
