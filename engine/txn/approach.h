/*
 * approach.h - several open transactions on one thread, which take turns while memory is on its way.
 *
 * Each has a worker of its own, so bound, horizon, log and recorder are what they are for workers on threads of their
 * own. mae_worker_on_miss gives a worker a function that lets the thread go on with another one. The read phase
 * calls it when it has begun to load what it reads next. To the engine that is what it is if the system takes the
 * thread's CPU away at this point. Only one thing is new: the transactions of a thread must not wait for each other,
 * since the one that is waited for would never go on.
 *   - A transaction gives the thread away in its read phase only. There nobody waits for it: none of its versions is
 *     linked, it holds no row's lock, no leader's lock and no node of a single-version index, and it does not walk
 *     along a chain (H7). txn_yield asserts what of that can be seen.
 *   - Where a worker waits for the transactions of others to end, it gives the thread away, too: in a snapshot's
 *     mae_begin (worker_await), in mae_backoff, and where a commit waits for the elder (elder.h), still in the read
 *     phase. A commit with durability=sync waits for all older transactions, and the logger does the waiting, so
 *     mae_worker_on_miss refuses that.
 *   - For room in the log a commit waits a bounded time (MAE_ABORT_LOG).
 * The horizon moves on, since whoever takes turns comes to its quiescent points; one that ends parks its worker.
 *
 * Source: CoroBase (He, Lu, Wang: PVLDB 14(3), 2020), which suspends at each prefetch, too.
 * Checked by: tests/unit/db/on_miss.c; mutations yields_while_pending, backoff_keeps_thread, await_keeps_thread.
 */
#ifndef ENGINE_TXN_APPROACH_H
#define ENGINE_TXN_APPROACH_H

#include "engine/base/check.h"
#include "engine/txn/txn.h"
#include "engine/txn/worker.h"

/* Only debug builds ask. In the read phase, so that no version of it is linked, and not on a chain. */
static inline bool __attribute__((unused)) txn_may_yield(const struct mae_txn *txn)
{
    const struct horizon_slot *slot = txn->worker->slot;
    uint32_t owner = atomic_load_explicit(&slot->in_txn, memory_order_relaxed);
    return txn->running && (owner == OWNER_READING || owner == OWNER_SNAPSHOT) &&
           atomic_load_explicit(&slot->walks, memory_order_relaxed) % 2 == 0;
}

/* Of a transaction that yields: lets another one go on. */
static ALWAYS_INLINE void txn_yield(struct mae_txn *txn)
{
    MAE_DCHECK(txn->yields && txn_may_yield(txn));
    txn->worker->on_miss(txn->worker->on_miss_arg);
}

/* Of a large row only so many bytes are loaded: an index node with short keys, and what TPC-C's rows have. */
enum { APPROACH_BYTES_MAX = 16 * CACHE_LINE_BYTES };

/* Starts loading a row. */
static ALWAYS_INLINE void txn_load_row(const struct table *table, const char *row)
{
    uint32_t bytes = table->stride < APPROACH_BYTES_MAX ? table->stride : APPROACH_BYTES_MAX;
    for (uint32_t at = 0; at < bytes; at += CACHE_LINE_BYTES)
        __builtin_prefetch(row + at);
    if (UNLIKELY(table->head_offset >= APPROACH_BYTES_MAX))
        __builtin_prefetch(row + table->head_offset);
}

/* The second half of txn_approach: the row is there. */
void txn_approach_version(struct mae_txn *txn, const struct table *table, char *row);

#endif
