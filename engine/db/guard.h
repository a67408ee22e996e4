/*
 * guard.h - the checks of handles with which the public calls of a transaction begin.
 *
 * A call returns MAE_INVALID for a transaction that has ended and for a table or index of another database. In debug
 * builds every call checks both, and also that no other thread is inside a call of its worker: a worker may move
 * between threads, but two threads must not use it at once. In other builds the calls with `guard_index` and
 * `guard_table` check both handles. The calls with `_hot`, the reads and updates of which a transaction mostly
 * consists, check nothing here:
 *     an ended transaction is doomed with MAE_INVALID (commit.c), so it leaves their fast paths by itself;
 *     they do not notice a foreign table;
 *     of a dropped one they find no rows, and of a dropped index they leave the fast paths.
 *
 * A call declares `GUARDED struct guard guard = guard_...(...)` first and returns guard.status unless that is MAE_OK.
 * GUARDED leaves the guard at the end of the call, in whatever way the call ends, C++ exceptions included.
 * Checked by: tests/unit/db/guard.c, tests/model/misuse.c.
 */
#ifndef ENGINE_DB_GUARD_H
#define ENGINE_DB_GUARD_H

#include "engine/db/db.h"

struct guard {
    enum mae_status status;
    struct mae_worker *entered; /* debug builds: to be left by this call, or NULL */
};

/* `db`: of a table or an index; NULL once that has been dropped. ORD-17: a relaxed load is enough, since the
 * transaction began after the worker took part in the turn, or is waited for. */
static ALWAYS_INLINE bool guard_db_fits(const struct mae_txn *txn, _Atomic(struct mae_db *) const *db)
{
    const struct mae_db *owner = atomic_load_explicit(db, memory_order_relaxed);
    return (LIKELY(txn->running) && LIKELY(owner == db_of(txn->worker))) || (owner && MUTATED(handles_unchecked));
}

#ifdef MAE_DEBUG

#define GUARDED __attribute__((cleanup(guard_leave)))
/* MAE_INVALID while another thread is inside a call of the worker, or if `worker` is NULL or has left. */
struct guard guard_worker(struct mae_worker *worker);
void guard_leave(const struct guard *guard);
struct guard guard_txn(struct mae_txn *txn);
struct guard guard_table(struct mae_txn *txn, const struct mae_table *table);
struct guard guard_index(struct mae_txn *txn, const struct mae_index *index);
#define guard_table_hot guard_table
#define guard_index_hot guard_index

#else

#define GUARDED

static ALWAYS_INLINE struct guard guard_made(bool good)
{
    return (struct guard){.status = good ? MAE_OK : MAE_INVALID};
}

static ALWAYS_INLINE struct guard guard_worker(const struct mae_worker *worker)
{
    (void)worker;
    return guard_made(true);
}

static ALWAYS_INLINE struct guard guard_txn(const struct mae_txn *txn)
{
    return guard_made(LIKELY(txn->running));
}

static ALWAYS_INLINE struct guard guard_table(const struct mae_txn *txn, const struct mae_table *table)
{
    return guard_made(guard_db_fits(txn, &table->db));
}

static ALWAYS_INLINE struct guard guard_index(const struct mae_txn *txn, const struct mae_index *index)
{
    return guard_made(guard_db_fits(txn, &index->db));
}

static ALWAYS_INLINE struct guard guard_table_hot(const struct mae_txn *txn, const struct mae_table *table)
{
    (void)txn, (void)table;
    return guard_made(true);
}

static ALWAYS_INLINE struct guard guard_index_hot(const struct mae_txn *txn, const struct mae_index *index)
{
    (void)txn, (void)index;
    return guard_made(true);
}

#endif

#endif
