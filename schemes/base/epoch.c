/* epoch.c - see epoch.h. */
#include "schemes/base/epoch.h"

#include "engine/base/check.h"
#include "engine/base/race.h"

void epochs_init(struct epochs *epochs)
{
    atomic_init(&epochs->now, EPOCH_FIRST);
}

void epoch_use(struct epochs *epochs, unsigned slot)
{
    MAE_CHECK(slot < EPOCH_SLOTS_MAX);
    if (slot >= atomic_load_explicit(&epochs->slots_used, memory_order_relaxed))
        atomic_store_explicit(&epochs->slots_used, slot + 1, memory_order_seq_cst); /* ORD-EPOCH-1 */
}

bool epoch_advance(struct epochs *epochs)
{
    RACE(EPOCH_ADVANCE);
    uint64_t now = epoch_now(epochs);
    uint32_t used = atomic_load_explicit(&epochs->slots_used, memory_order_seq_cst); /* ORD-EPOCH-1 */
    for (uint32_t i = 0; i < used && !MUTATED(epoch_ignores_slots); i++) {
        uint64_t entered = atomic_load_explicit(&epochs->slots[i].entered, memory_order_seq_cst); /* ORD-EPOCH-1 */
        if (entered != 0 && entered < now)
            return false; /* E1 */
    }
    return atomic_compare_exchange_strong_explicit(&epochs->now, &now, now + 1, memory_order_seq_cst,
                                                   memory_order_relaxed); /* ORD-EPOCH-1 */
}

void epoch_retire(struct epoch_slot *slot, struct retired *item, retired_fn give_back)
{
    /* ORD-STAT: only this worker reads these fields; others who look at the memory find that it is not valid. */
    uint64_t epoch = atomic_load_explicit(&slot->entered, memory_order_relaxed);
    MAE_DCHECK(epoch != 0);
    atomic_store_explicit(&item->next, NULL, memory_order_relaxed);
    atomic_store_explicit(&item->give_back, give_back, memory_order_relaxed);
    atomic_store_explicit(&item->epoch, epoch, memory_order_relaxed);
    if (slot->last)
        atomic_store_explicit(&slot->last->next, item, memory_order_relaxed);
    else
        slot->first = item;
    slot->last = item;
    slot->retired++;
}

uint64_t epoch_collect(struct epochs *epochs, struct epoch_slot *slot, void *owner)
{
    uint64_t now = epoch_now(epochs), count = 0;
    for (struct retired *item = slot->first; item; item = slot->first) {
        if (atomic_load_explicit(&item->epoch, memory_order_relaxed) + EPOCH_SAFE > now)
            break; /* E2 */
        RACE(EPOCH_FREE);
        slot->first = atomic_load_explicit(&item->next, memory_order_relaxed);
        if (!slot->first)
            slot->last = NULL;
        atomic_load_explicit(&item->give_back, memory_order_relaxed)(item, owner);
        count++;
    }
    slot->retired -= count;
    return count;
}
