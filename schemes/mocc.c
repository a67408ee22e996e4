/* mocc.c - see mocc.h. */
#include "schemes/mocc.h"

#include <stdlib.h>

#define WRITER (UINT64_C(1) << 63)
enum { TEMPERATURE_MAX = 20, PAGE_SHIFT = 12, ROW_SHIFT = 6 };
enum { ACCESS_SHARED = ACCESS_FIRST_OWN, ACCESS_EXCLUSIVE = 2 * ACCESS_FIRST_OWN };

static const struct mocc_settings *settings(const struct worker *worker)
{
    return worker->settings;
}

/* ---- Temperatures. ---- */

static _Atomic uint8_t *temperature_of(const struct worker *worker, const struct row *row)
{
    unsigned shift = settings(worker)->temperature == MOCC_PAGE ? PAGE_SHIFT : ROW_SHIFT;
    uint64_t hash = ((uintptr_t)row >> shift) * UINT64_C(0x9E3779B97F4A7C15);
    return &worker->database->temperatures[hash >> (64 - DATABASE_TEMPERATURE_BITS)];
}

static bool is_hot(const struct worker *worker, const struct row *row)
{
    return atomic_load_explicit(temperature_of(worker, row), memory_order_relaxed) >=
           settings(worker)->hot_threshold; /* ORD-STAT */
}

static bool chance_of_one_in(struct mocc_worker *worker, unsigned power)
{
    worker->chance = worker->chance * UINT64_C(6364136223846793005) + worker->base.number * 2 + 1;
    return power == 0 || worker->chance >> (64 - power) == 0;
}

/* Step 1. If two raise it at the same time, it goes up by one. */
static void warm(struct mocc_worker *worker, const struct row *row)
{
    _Atomic uint8_t *temperature = temperature_of(&worker->base, row);
    uint8_t now = atomic_load_explicit(temperature, memory_order_relaxed); /* ORD-STAT */
    if (now < TEMPERATURE_MAX && chance_of_one_in(worker, now) && !MUTATED(mocc_never_warms))
        atomic_store_explicit(temperature, (uint8_t)(now + 1), memory_order_relaxed); /* ORD-STAT */
}

/* ---- Locks of the second word (MO1). ---- */

static bool holds(const struct access *access, bool exclusive)
{
    return access->flags & (exclusive ? ACCESS_EXCLUSIVE : ACCESS_SHARED | ACCESS_EXCLUSIVE);
}

static bool is_queued(const struct mocc_worker *worker)
{
    return settings(&worker->base)->lock == MOCC_MQL;
}

/* One try at the word. A transaction that alone holds the lock for reading gets it for writing. */
static bool word_try(struct access *access, bool exclusive)
{
    uint64_t own = access->flags & ACCESS_SHARED ? 1 : 0;
    uint64_t word = atomic_load_explicit(&access->row->second, memory_order_relaxed);
    RACE(ROW_LOCK);
    do { /* ends: another reader has come or gone each time */
        if (exclusive ? word != own : word & WRITER)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&access->row->second, &word, exclusive ? WRITER : word + 1,
                                                    memory_order_acquire, memory_order_relaxed)); /* ORD-MOCC-1 */
    return true;
}

/* The transaction's entry for the row's queue, made when it is needed; NULL when out of memory. The access's second
 * word leads to it. */
static struct queue_entry *own_entry(struct mocc_worker *worker, struct access *access)
{
    if (!access->second)
        access->second = (uintptr_t)copies_take(&worker->base.copies, sizeof(struct queue_entry));
    return (struct queue_entry *)(uintptr_t)access->second;
}

/* The same at the queue; `stays`: it is in the queue then, without the lock. */
static bool queue_try(struct mocc_worker *worker, struct access *access, bool exclusive, bool stays)
{
    struct queue_entry *entry = own_entry(worker, access);
    if (UNLIKELY(!entry))
        return false;
    return access->flags & ACCESS_SHARED ? queue_upgrade(access->row, entry)
                                         : queue_enter(access->row, entry, exclusive, stays);
}

/* The lock is the transaction's. */
static void note_hold(struct mocc_worker *worker, struct access *access, bool exclusive)
{
    worker->held += !(access->flags & ACCESS_SHARED);
    access->flags = (uint16_t)((access->flags & ~ACCESS_SHARED) | (exclusive ? ACCESS_EXCLUSIVE : ACCESS_SHARED));
    if ((uintptr_t)access->row > worker->highest)
        worker->highest = (uintptr_t)access->row;
}

static bool hold_try(struct mocc_worker *worker, struct access *access, bool exclusive)
{
    if (!(is_queued(worker) ? queue_try(worker, access, exclusive, false) : word_try(access, exclusive)))
        return false;
    note_hold(worker, access, exclusive);
    return true;
}

/* Waits for a lock of which the transaction has nothing. False: in vain. */
static bool hold_wait(struct mocc_worker *worker, struct access *access, bool exclusive)
{
    struct wait wait = {0};
    if (!is_queued(worker)) {
        while (!hold_try(worker, access, exclusive)) /* ends: wait_go_on gives up */
            if (!wait_go_on(&worker->base, &wait))
                return false;
        return true;
    }
    bool has = queue_try(worker, access, exclusive, true);
    struct queue_entry *entry = own_entry(worker, access);
    if (UNLIKELY(!entry))
        return false;
    while (!has && !(has = queue_has(entry))) /* ends: wait_go_on gives up */
        if (!wait_go_on(&worker->base, &wait)) {
            has = !queue_give_up(access->row, entry);
            break;
        }
    if (has)
        note_hold(worker, access, exclusive);
    return has;
}

static void let_go(struct mocc_worker *worker, struct access *access)
{
    RACE(ROW_UNLOCK);
    if (is_queued(worker))
        queue_leave(access->row, own_entry(worker, access));
    else if (access->flags & ACCESS_EXCLUSIVE)
        atomic_store_explicit(&access->row->second, 0, memory_order_release); /* ORD-MOCC-1 */
    else
        atomic_fetch_sub_explicit(&access->row->second, 1, memory_order_release); /* ORD-MOCC-1 */
    access->flags &= (uint16_t) ~(ACCESS_SHARED | ACCESS_EXCLUSIVE);
    worker->held--;
}

/* Gives back all locks from the address on. */
static void let_go_from(struct mocc_worker *worker, uintptr_t from)
{
    struct row_set *rows = &worker->base.rows;
    worker->highest = 0;
    for (uint32_t i = 0; i < rows->count && worker->held; i++) {
        struct access *access = &rows->entries[i];
        uintptr_t at = (uintptr_t)access->row;
        if (!holds(access, false))
            continue;
        if (at >= from)
            let_go(worker, access);
        else if (at > worker->highest)
            worker->highest = at;
    }
}

/* Step 3. False: another holds the lock, and the transaction may not wait for it, or has waited for long. */
static bool hold(struct mocc_worker *worker, struct access *access, bool exclusive)
{
    if (holds(access, exclusive) || hold_try(worker, access, exclusive))
        return true;
    if (worker->base.early_locks) /* MO3 */
        return false;
    if ((uintptr_t)access->row <= worker->highest && !MUTATED(mocc_waits_out_of_order)) {
        counter_add(&worker->base, COUNTER_locks_given_back, worker->held);
        let_go_from(worker, (uintptr_t)access->row);
    }
    return hold_wait(worker, access, exclusive);
}

/* Step 5, of the attempt after. A row may have been used again for another meanwhile; then it is locked for nothing. */
static void hold_retrospective(struct mocc_worker *worker)
{
    for (uint32_t i = 0; i < worker->retrospective_count; i++) {
        const struct mocc_retrospective *entry = &worker->retrospective[i];
        struct access *access = private_access(&worker->base, entry->table, entry->row);
        if (!access || !hold(worker, access, entry->exclusive))
            break;
        counter_add(&worker->base, COUNTER_locks_retrospective, 1);
    }
    worker->retrospective_count = 0;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct mocc_retrospective *)a)->row;
    uintptr_t y = (uintptr_t)((const struct mocc_retrospective *)b)->row;
    return (x > y) - (x < y);
}

/* Step 5, of the aborted one. Its own locks of words are given back. */
static void note_retrospective(struct mocc_worker *worker)
{
    const struct row_set *rows = &worker->base.rows;
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows->count && count < MOCC_RETROSPECTIVE_MAX; i++) {
        const struct access *access = &rows->entries[i];
        bool written = access->flags & ACCESS_WRITE;
        if (access->flags & ACCESS_FRESH)
            continue; /* it has no other */
        if (written || (access->flags & ACCESS_READ &&
                        (is_hot(&worker->base, access->row) || row_word(access->row) != access->word)))
            worker->retrospective[count++] = (struct mocc_retrospective){access->row, access->table, written};
    }
    qsort(worker->retrospective, count, sizeof worker->retrospective[0], by_address);
    worker->retrospective_count = count;
}

/* ---- Read phase. ---- */

/* Step 2. A lock that cannot be had is not needed (MO1). */
static inline void hold_if_hot(struct worker *worker, struct access *access, bool exclusive)
{
    if (UNLIKELY(is_hot(worker, access->row)) && !holds(access, exclusive)) {
        counter_add(worker, COUNTER_locks_hot, 1);
        (void)hold((struct mocc_worker *)worker, access, exclusive);
    }
}

static ALWAYS_INLINE enum scheme_status fetch(struct worker *worker, struct access *access, bool payload)
{
    hold_if_hot(worker, access, false);
    return optimistic_fetch(worker, access, payload, false);
}

static ALWAYS_INLINE enum scheme_status want(struct worker *worker, struct table *table, struct row *row)
{
    if (LIKELY(!is_hot(worker, row)))
        return SCHEME_OK;
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    hold_if_hot(worker, access, true);
    return SCHEME_OK;
}

static enum scheme_status lock_early(struct worker *worker, struct access *access)
{
    struct mocc_worker *own = (struct mocc_worker *)worker;
    if (!holds(access, true) && !hold_try(own, access, true))
        return worker_doom(worker, SCHEME_ABORTED(LOCK));
    return optimistic_lock_early(worker, access);
}

static ALWAYS_INLINE bool first(struct worker *worker, struct access *access, const struct table *table,
                                struct row *row, void *copy)
{
    if (UNLIKELY(is_hot(worker, row)) && !MUTATED(mocc_first_unlocked))
        return false; /* it locks */
    access->second = 0;
    return optimistic_first(access, table, row, copy, false);
}

PRIVATE_CALLS_WITH(mocc, fetch, first, first, lock_early, want)

/* ---- Begin and end. ---- */

void mocc_begin(struct worker *worker)
{
    struct mocc_worker *own = (struct mocc_worker *)worker;
    own->highest = 0;
    versions_begin(&own->versions, settings(worker)->epoch_ms);
    if (UNLIKELY(own->retrospective_count))
        hold_retrospective(own);
}

/* What Silo asks, and what has changed gets warmer. */
static inline bool read_holds(const struct access *access)
{
    if (MUTATED(mocc_verify_ignores_lock))
        return !(access->flags & ACCESS_READ) || ((row_word(access->row) ^ access->word) & ~ROW_LOCKED) == 0;
    return access_unchanged(access) || MUTATED(mocc_skip_read_check);
}

static bool reads_hold(const struct worker *worker)
{
    uint64_t largest = 0;
    return versions_hold(worker, read_holds, &largest);
}

static bool nodes_hold(const struct worker *worker)
{
    return node_set_holds(&worker->nodes) || MUTATED(mocc_skip_node_check);
}

/* Step 4: the locks of the second words, then of the words, which are free then but for those whom an abort or a commit
 * is about to end. */
static enum scheme_status lock_writes(struct mocc_worker *worker)
{
    struct row_set *rows = &worker->base.rows;
    row_set_sort_writes(rows);
    for (uint32_t i = 0; i < rows->write_count; i++)
        if (UNLIKELY(!hold(worker, row_set_written(rows, i), true)))
            return SCHEME_ABORTED(LOCK);
    return optimistic_lock_writes(&worker->base, VALIDATION_NO_WAIT, reads_hold);
}

enum scheme_status mocc_commit(struct worker *worker)
{
    struct mocc_worker *own = (struct mocc_worker *)worker;
    enum scheme_status status = lock_writes(own);
    if (LIKELY(status == SCHEME_OK))
        status = versions_commit(&own->versions, worker, read_holds, nodes_hold);
    if (LIKELY(status == SCHEME_OK) && own->held)
        let_go_from(own, 0);
    return status;
}

void mocc_abort(struct worker *worker)
{
    struct mocc_worker *own = (struct mocc_worker *)worker;
    bool again = worker->doom >= SCHEME_ABORT;
    if (worker->doom == SCHEME_ABORTED(READ_CHECK))
        for (uint32_t i = 0; i < worker->rows.count; i++)
            if (!access_unchanged(&worker->rows.entries[i]))
                warm(own, worker->rows.entries[i].row);
    if (again && settings(worker)->rll && !MUTATED(mocc_forgets_rll))
        note_retrospective(own);
    optimistic_abort(worker);
    if (own->held && !MUTATED(mocc_keeps_locks))
        let_go_from(own, 0);
}
