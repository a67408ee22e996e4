/*
 * queue.h - locks of rows that are handed on in the order in which they were asked for.
 *
 * As MOCC's queue lock (MQL): readers share, who waits looks at memory of its own, and a wait can be given up. Where it
 * differs from that: the queue is changed under its latch (holders.h, HO1), where MQL's needs none.
 *   QU1  A row's second word leads to the queue: entries of those who have the lock, then of those who wait.
 *   QU2  Entries for reading have the lock as long as only such ones are in front of them; an entry for writing has it
 *        if it is the first. Whoever changes the queue gives the lock to those who have it by that (ORD-QUEUE-1).
 *   QU3  An entry stands in the memory of its owner's transaction, and leaves the queue before that ends.
 */
#ifndef SCHEMES_BASE_QUEUE_H
#define SCHEMES_BASE_QUEUE_H

#include "schemes/base/holders.h"

struct queue_entry {
    struct holder base; /* `wants` says for what */
    _Atomic bool has;   /* the lock */
};

static inline struct queue_entry *queue_entry(struct holder *holder)
{
    return (struct queue_entry *)holder;
}

static inline bool queue_has(const struct queue_entry *entry)
{
    return atomic_load_explicit(&entry->has, memory_order_acquire); /* ORD-QUEUE-1 */
}

/* QU2; the queue is latched. */
static inline void queue_hand_on(struct holder *first)
{
    for (struct holder *holder = first; holder; holder = holder->next) {
        bool writes = holder->wants == HOLD_EXCLUSIVE;
        if (!queue_has(queue_entry(holder)) && (holder == first || !writes))
            atomic_store_explicit(&queue_entry(holder)->has, true, memory_order_release); /* ORD-QUEUE-1 */
        if (writes && !(MUTATED(queue_readers_pass) && holder != first))
            break;
    }
}

/* Whether it got the lock at once; otherwise it stands in the queue if it `stays`. */
static inline bool queue_enter(struct row *row, struct queue_entry *entry, bool exclusive, bool stays)
{
    RACE(ROW_LOCK);
    struct holder *first = holders_latch(row), **at = &first;
    *entry = (struct queue_entry){.base = {.wants = exclusive ? HOLD_EXCLUSIVE : HOLD_SHARED}};
    while (*at)
        at = &(*at)->next;
    *at = &entry->base;
    queue_hand_on(first);
    bool has = queue_has(entry);
    if (!has && !stays)
        *at = NULL;
    holders_unlatch(row, first);
    return has;
}

/* Who has the lock for reading gets it for writing, if nobody else has it. */
static inline bool queue_upgrade(struct row *row, struct queue_entry *entry)
{
    RACE(ROW_LOCK);
    struct holder *first = holders_latch(row);
    struct holder *next = entry->base.next;
    bool alone = first == &entry->base && !(next && queue_has(queue_entry(next)));
    if (alone)
        entry->base.wants = HOLD_EXCLUSIVE;
    holders_unlatch(row, first);
    return alone;
}

static inline void queue_take_out(struct row *row, struct queue_entry *entry, bool unless_it_has)
{
    RACE(ROW_UNLOCK);
    struct holder *first = holders_latch(row);
    if (!(unless_it_has && queue_has(entry))) {
        holders_unlink(&first, &entry->base);
        if (!(MUTATED(queue_gives_up_alone) && unless_it_has) && !(MUTATED(queue_hands_nothing_on) && !unless_it_has))
            queue_hand_on(first);
    }
    holders_unlatch(row, first);
}

static inline void queue_leave(struct row *row, struct queue_entry *entry)
{
    queue_take_out(row, entry, false);
}

/* Ends a wait. False: the entry has got the lock meanwhile, and keeps it. */
static inline bool queue_give_up(struct row *row, struct queue_entry *entry)
{
    queue_take_out(row, entry, true);
    return !queue_has(entry);
}

#endif
