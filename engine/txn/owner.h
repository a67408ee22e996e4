/*
 * owner.h - how the owner of a slot tells the others whether its transaction may be overtaken (horizon.h, H5).
 */
#ifndef ENGINE_TXN_OWNER_H
#define ENGINE_TXN_OWNER_H

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/txn/worker.h"

/* ORD-11: the timestamp first. */
static ALWAYS_INLINE void owner_reads(const struct mae_txn *txn, enum horizon_owner owner)
{
    MAE_DCHECK(txn->running);
    MAE_DCHECK((owner == OWNER_SNAPSHOT) == txn->snapshot);
    struct horizon_slot *slot = txn->worker->slot;
    atomic_store_explicit(&slot->ts, txn->ts, memory_order_relaxed);
    atomic_store_explicit(&slot->in_txn, owner, memory_order_release);
}

/* From here on no other thread parks the worker or overtakes its transaction. False: the slot is not active. ORD-9:
 * in_txn before state, see horizon_park_other. On this side a compiler barrier is enough. */
static ALWAYS_INLINE bool owner_stops_others(struct horizon_slot *slot)
{
    atomic_store_explicit(&slot->in_txn, OWNER_BUSY, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    RACE(IN_TXN);
    return LIKELY(atomic_load_explicit(&slot->state, memory_order_relaxed) == SLOT_ACTIVE);
}

#endif
