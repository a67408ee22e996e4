/*
 * epoch.h - when memory that other transactions may still look at can be given back.
 *
 * A counter, and a slot a worker. A transaction enters the present epoch. Its worker stays there after its end, and in
 * its next transaction if the counter has not gone on: to enter costs a locked instruction. To all others that is one
 * long transaction. Before it gives anything back, and when it is idle, a worker leaves its epoch. It may enter the
 * present one to retire something else meanwhile.
 * What a transaction takes out of reach is retired: queued at its worker, and given back later, never inside a commit.
 *   E1  The counter goes from n to n + 1 only when no slot is in an epoch below n.
 *   E2  A transaction in epoch e reaches only what was taken out of reach in epoch e - 1 or later. What was retired in
 *       epoch r may be given back from r + 3 on.
 * Proof of E2. Whoever retires something in epoch r has taken it out of reach before it leaves, and the counter gets to
 * r + 2 only after that (E1), so who enters r + 2 or later does not reach it. While a transaction is in epoch e the
 * counter stays at e + 1 or below, so while one in r + 1 runs the counter is at most r + 2. A slot is stored before the
 * counter is loaded again, and counter before slots on the other side, all sequentially consistent: an epoch that was
 * entered is seen (ORD-EPOCH-1).
 * Checked by: tests/unit/schemes/base/epoch.c; mutation epoch_ignores_slots.
 */
#ifndef SCHEMES_BASE_EPOCH_H
#define SCHEMES_BASE_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

enum { EPOCH_SLOTS_MAX = 256, EPOCH_SAFE = 3, EPOCH_FIRST = 1 };

struct retired;
typedef void (*retired_fn)(struct retired *item, void *owner);

/* Stands in the memory that is retired. Other transactions may look at that memory meanwhile, hence the atomic. */
struct retired {
    _Atomic(struct retired *) next;
};

struct retired_list {
    struct retired *first, *last;
    uint64_t epoch; /* in which all of it was retired */
};
enum { EPOCH_LISTS = EPOCH_SAFE + 1 };

struct SEPARATED epoch_slot {
    _Atomic uint64_t entered; /* 0: in no epoch */
    /* Only its worker's: what it has retired in the last epochs, each in the list with its number modulo EPOCH_LISTS;
     * what can be given back; and how many these are in all. */
    struct retired_list lists[EPOCH_LISTS], ready;
    uint64_t retired;
};

struct epochs {
    SEPARATED _Atomic uint64_t now;
    _Atomic uint64_t moved_ticks; /* when it was last moved on */
    struct epoch_slot slots[EPOCH_SLOTS_MAX];
    _Atomic uint32_t slots_used; /* slots from here on were never used */
};

void epochs_init(struct epochs *epochs);

/* Before a slot's first use. Under the caller's lock. */
void epoch_use(struct epochs *epochs, unsigned slot);

static inline uint64_t epoch_now(const struct epochs *epochs)
{
    return atomic_load_explicit(&epochs->now, memory_order_seq_cst); /* ORD-EPOCH-1 */
}

static inline void epoch_enter(const struct epochs *epochs, struct epoch_slot *slot)
{
    uint64_t now = epoch_now(epochs), seen;
    uint64_t entered = atomic_load_explicit(&slot->entered, memory_order_relaxed); /* ORD-STAT: its own */
    if (LIKELY(entered == now) || (entered && MUTATED(epoch_stays_behind)))
        return;
    for (;; now = seen) { /* ends: the counter cannot go on twice past a slot that is in an epoch (E1) */
        atomic_store_explicit(&slot->entered, now, memory_order_seq_cst); /* ORD-EPOCH-1 */
        seen = epoch_now(epochs);
        if (LIKELY(seen == now))
            return;
    }
}

static inline bool epoch_is_entered(const struct epoch_slot *slot)
{
    return atomic_load_explicit(&slot->entered, memory_order_relaxed) != 0; /* ORD-STAT: its own */
}

/* Outside of transactions. */
static inline void epoch_leave(struct epoch_slot *slot)
{
    atomic_store_explicit(&slot->entered, 0, memory_order_release); /* ORD-EPOCH-1 */
}

/* Moves the counter on if it can; false if some transaction holds it back. Any thread. Cost: a load a worker. */
bool epoch_advance(struct epochs *epochs);

/* The same if `interval` ticks have passed since it was last moved on. */
static inline void epoch_tick(struct epochs *epochs, uint64_t now_ticks, uint64_t interval)
{
    /* ORD-STAT: a hint. */
    if (UNLIKELY(now_ticks - atomic_load_explicit(&epochs->moved_ticks, memory_order_relaxed) >= interval)) {
        atomic_store_explicit(&epochs->moved_ticks, now_ticks, memory_order_relaxed);
        epoch_advance(epochs);
    }
}

/* In an epoch: `item` is out of reach of those that begin from now on. */
void epoch_retire(struct epoch_slot *slot, struct retired *item);

/* Outside of transactions: calls give_back with `owner` for what may be given back; that may retire other items if the
 * slot is in an epoch. Returns how many items. */
uint64_t epoch_collect(struct epochs *epochs, struct epoch_slot *slot, retired_fn give_back, void *owner);

#endif
