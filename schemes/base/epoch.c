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

/* ---- What is retired. Links are ORD-STAT: only this worker reads them; others who look at the memory find that it is
 * not valid. ---- */

static void append(struct retired_list *list, struct retired *first, struct retired *last)
{
    if (list->last)
        atomic_store_explicit(&list->last->next, first, memory_order_relaxed);
    else
        list->first = first;
    list->last = last;
}

/* All of the list may be given back. */
static void make_ready(struct epoch_slot *slot, struct retired_list *list)
{
    if (!list->first)
        return;
    append(&slot->ready, list->first, list->last);
    list->first = list->last = NULL;
}

void epoch_retire(struct epoch_slot *slot, struct retired *item)
{
    uint64_t epoch = atomic_load_explicit(&slot->entered, memory_order_relaxed); /* ORD-STAT */
    struct retired_list *list = &slot->lists[epoch % EPOCH_LISTS];
    MAE_DCHECK(epoch != 0);
    if (list->epoch != epoch)
        make_ready(slot, list); /* E2: it is EPOCH_LISTS epochs old, or more */
    list->epoch = epoch;
    atomic_store_explicit(&item->next, NULL, memory_order_relaxed);
    append(list, item, item);
    slot->retired++;
}

uint64_t epoch_collect(struct epochs *epochs, struct epoch_slot *slot, retired_fn give_back, void *owner)
{
    uint64_t now = epoch_now(epochs), count = 0;
    for (unsigned i = 0; i < EPOCH_LISTS; i++)
        if (slot->lists[i].epoch + EPOCH_SAFE <= now)
            make_ready(slot, &slot->lists[i]); /* E2 */
    for (struct retired *item = slot->ready.first, *next; item; item = next, count++) {
        RACE(EPOCH_FREE);
        next = atomic_load_explicit(&item->next, memory_order_relaxed);
        give_back(item, owner);
    }
    slot->ready = (struct retired_list){0};
    slot->retired -= count;
    return count;
}
