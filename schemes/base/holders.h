/*
 * holders.h - lists of those who have a row's lock or wait for it, for schemes that lock rows as they are accessed.
 *
 *   HO1  The row's second word leads to the list; its lowest bit is the list's latch, which is held for a few steps and
 *        never while something is waited for.
 *   HO2  An entry stands in the memory of its owner's transaction, and leaves the list before that transaction ends. So
 *        whoever has the latch finds only owners that are still in the transaction that entered.
 *   HO3  Transactions have ages. One that is tried again keeps its age, so it becomes the oldest some day.
 *   HO4  A transaction's fate is open until it is wounded or sealed. Only who has the latch of a list with an entry of
 *        it decides it from outside, so a fate is never one of the owner's next transaction.
 * Who waits asks again and again, since who has the lock may have changed, and with that the answer.
 */
#ifndef SCHEMES_BASE_HOLDERS_H
#define SCHEMES_BASE_HOLDERS_H

#include "engine/base/check.h"
#include "schemes/base/scheme.h"

/* Shared excludes exclusive; intent, to write later, excludes both but shared; exclusive excludes all. Each allows what
 * those before it allow. */
enum hold { HOLD_NOTHING, HOLD_SHARED, HOLD_INTENT, HOLD_EXCLUSIVE };

enum fate {
    FATE_OPEN,
    FATE_WOUNDED,  /* an older transaction wants a lock that this one has */
    FATE_CASCADED, /* it has read what was then taken back */
    FATE_SEALED    /* nobody can abort it any more but itself */
};

/* A worker whose transactions wait for each other. */
struct contender {
    struct worker base;
    uint64_t age; /* smaller is older; of the running transaction */
    bool retries; /* the last attempt was aborted: the next one keeps the age (HO3) */
    SEPARATED _Atomic uint32_t fate;
};

struct holder {
    struct holder *next;
    struct contender *owner;
    enum hold has, wants; /* wants: while it waits */
};

/* ---- Transactions. ---- */

/* A new transaction is younger than all others. */
static inline void contender_begin(struct contender *self, bool is_new)
{
    atomic_store_explicit(&self->fate, FATE_OPEN, memory_order_relaxed); /* ORD-STAT: it is in no list yet */
    if (!self->retries || is_new)
        self->age = order_place(&self->base.database->order, order_ticks(), self->base.number);
}

static inline enum fate contender_fate(const struct contender *self)
{
    return (enum fate)atomic_load_explicit(&self->fate, memory_order_relaxed); /* ORD-STAT, ORD-FATE-1 */
}

/* False: it was decided before. */
static inline bool contender_decide(struct contender *self, enum fate fate)
{
    uint32_t open = FATE_OPEN;
    return atomic_compare_exchange_strong_explicit(&self->fate, &open, fate, memory_order_relaxed,
                                                   memory_order_relaxed); /* ORD-STAT, ORD-FATE-1 */
}

/* SCHEME_OK, or why the transaction is to abort. A wound is seen some day, which is enough. */
static inline enum scheme_status contender_status(const struct contender *self)
{
    enum fate fate = contender_fate(self);
    return LIKELY(fate == FATE_OPEN || fate == FATE_SEALED) ? SCHEME_OK
           : fate == FATE_WOUNDED                           ? SCHEME_ABORTED(WOUND)
                                                            : SCHEME_ABORTED(CASCADE);
}

/* ---- Lists. An access's word leads to the transaction's own entry of the row's list. ---- */

enum { LATCHED = 1 };

static inline struct holder *holders_latch(struct row *row)
{
    for (unsigned i = 0;; i++) { /* ends: who has latched the list takes a few steps (HO1) */
        uint64_t list = atomic_load_explicit(&row->second, memory_order_relaxed);
        if (!(list & LATCHED) && atomic_compare_exchange_weak_explicit(&row->second, &list, list | LATCHED,
                                                                       memory_order_acquire, memory_order_relaxed))
            return (struct holder *)(uintptr_t)list; /* ORD-HOLD-1 */
        RACE(WAIT_LOCK);
        wait_step(i);
    }
}

static inline void holders_unlatch(struct row *row, struct holder *first)
{
    atomic_store_explicit(&row->second, (uintptr_t)first, memory_order_release); /* ORD-HOLD-1 */
}

static inline struct holder *holders_own(const struct access *access)
{
    return (struct holder *)(uintptr_t)access->word;
}

static inline void holders_unlink(struct holder **first, const struct holder *own)
{
    struct holder **at = first;
    while (*at != own)
        at = &(*at)->next;
    *at = own->next;
}

static inline bool hold_excludes(enum hold hold, enum hold wanted)
{
    if (hold == HOLD_NOTHING || wanted == HOLD_NOTHING)
        return false;
    return hold == HOLD_EXCLUSIVE || wanted == HOLD_EXCLUSIVE || (hold == HOLD_INTENT && wanted == HOLD_INTENT);
}

static inline bool is_older(const struct contender *one, const struct contender *other)
{
    return one->age < other->age;
}

/* Whoever has the lock, and who is older and waits for it: else younger ones could take it from under its nose. */
static inline bool holder_conflicts(const struct holder *holder, const struct contender *self, enum hold wanted)
{
    return holder->owner != self && (hold_excludes(holder->has, wanted) ||
                                     (is_older(holder->owner, self) && hold_excludes(holder->wants, wanted)));
}

/* ---- Taking a lock and giving it back. ---- */

enum answer { GRANTED, MUST_WAIT, MUST_DIE };

/* Of a wait; begins as {0}. */
struct patience {
    struct wait wait;
    uint64_t since_ticks, looked_ticks;
};

/* What the worker is to do. The list is latched. */
typedef enum answer (*holders_ask_fn)(struct contender *self, const struct holder *first, enum hold wanted);
/* One step of a wait for the row; not SCHEME_OK: the transaction is to abort. */
typedef enum scheme_status (*holders_wait_fn)(struct contender *self, struct row *row, enum hold wanted,
                                              struct patience *patience);

/* Wound-wait: makes all who have the lock against it and are younger abort, and waits. */
static inline enum answer holders_ask_wound_wait(struct contender *self, const struct holder *first, enum hold wanted)
{
    enum answer answer = GRANTED;
    for (const struct holder *holder = first; holder; holder = holder->next) {
        if (!holder_conflicts(holder, self, wanted))
            continue;
        answer = MUST_WAIT;
        if (is_older(self, holder->owner) && !MUTATED(holders_wounds_nobody))
            (void)contender_decide(holder->owner, FATE_WOUNDED);
    }
    return answer;
}

/* Waits for some 10 ms. */
static inline enum scheme_status holders_wait(struct contender *self, struct row *row, enum hold wanted,
                                              struct patience *patience)
{
    (void)row, (void)wanted;
    if (!wait_go_on(&self->base, &patience->wait))
        return SCHEME_ABORTED(LOCK);
    return contender_status(self);
}

/* The lock of the access's row, or why the transaction is to abort. It may hold less of it. */
static ALWAYS_INLINE enum scheme_status holders_lock(struct contender *self, struct access *access, enum hold wanted,
                                                     holders_ask_fn ask, holders_wait_fn wait_for)
{
    struct holder *own = holders_own(access);
    struct patience patience = {.since_ticks = 0};
    enum scheme_status status = contender_status(self);
    if (!own && !(own = copies_take(&self->base.copies, sizeof *own)))
        return SCHEME_NO_MEMORY;
    while (status == SCHEME_OK) { /* ends: wait_for gives up */
        RACE(ROW_LOCK);
        struct holder *first = holders_latch(access->row);
        enum answer answer = ask(self, first, wanted);
        if (answer != MUST_DIE && !access->word) {
            *own = (struct holder){.next = first, .owner = self};
            access->word = (uintptr_t)own;
            first = own;
        }
        if (answer == MUST_WAIT)
            own->wants = wanted;
        if (answer == GRANTED) {
            own->has = wanted;
            own->wants = HOLD_NOTHING;
        }
        holders_unlatch(access->row, first);
        if (answer == GRANTED)
            break;
        status = answer == MUST_DIE ? SCHEME_ABORTED(DIE) : wait_for(self, access->row, wanted, &patience);
    }
    return status;
}

static inline void holders_leave(struct access *access)
{
    struct holder *first = holders_latch(access->row);
    holders_unlink(&first, holders_own(access));
    holders_unlatch(access->row, first);
    access->word = 0;
}

#endif
