/* polaris.c - see polaris.h. */
#include "schemes/polaris.h"

enum { PRIORITY_MAX = 15, PRIORITY_SHIFT = 56, NUMBER_SHIFT = 16, ACCESS_RESERVED = ACCESS_FIRST_OWN };

/* A row's second word: priority, the reservation's number, how many share it. */
#define NUMBERS ((UINT64_C(1) << PRIORITY_SHIFT) - (UINT64_C(1) << NUMBER_SHIFT))
#define SHARERS ((UINT64_C(1) << NUMBER_SHIFT) - 1)

static const struct polaris_settings *settings(const struct worker *worker)
{
    return worker->settings;
}

static uint64_t own_priority(const struct worker *worker)
{
    return ((const struct polaris_worker *)worker)->priority;
}

/* ---- Reservations. ---- */

static uint64_t load_reservation(const struct row *row)
{
    return atomic_load_explicit(&row->second, memory_order_seq_cst); /* ORD-LOCK-1 */
}

static bool change_reservation(struct row *row, uint64_t *seen, uint64_t to)
{
    RACE(ROW_RESERVE);
    return atomic_compare_exchange_weak_explicit(&row->second, seen, to, memory_order_seq_cst,
                                                 memory_order_seq_cst); /* ORD-LOCK-1 */
}

/* The next number, so that reservations before are known to be over (PO3). */
static uint64_t next_number(uint64_t reservation)
{
    return (reservation + (UINT64_C(1) << NUMBER_SHIFT)) & NUMBERS;
}

/* Step 1. */
static NOINLINE void reserve(struct worker *worker, struct access *access)
{
    uint64_t priority = own_priority(worker), seen = load_reservation(access->row), to;
    if (access->flags & ACCESS_RESERVED)
        return;
    do { /* ends: each time another has come or gone */
        if (seen >> PRIORITY_SHIFT > priority)
            return;
        bool join = seen >> PRIORITY_SHIFT == priority;
        to = join ? seen + 1 : priority << PRIORITY_SHIFT | next_number(seen) | 1;
    } while (!change_reservation(access->row, &seen, to));
    access->second = to & ~SHARERS;
    access->flags |= ACCESS_RESERVED;
    counter_add(worker, COUNTER_reservations, 1);
}

/* Step 4. */
static void give_back(struct access *access)
{
    uint64_t seen = load_reservation(access->row), to;
    access->flags &= (uint16_t)~ACCESS_RESERVED;
    do {                                         /* ends: each time another has come or gone */
        if ((seen & ~SHARERS) != access->second) /* taken over */
            return;
        to = (seen & SHARERS) > 1 ? seen - 1 : next_number(seen);
    } while (!change_reservation(access->row, &seen, to));
}

static void give_all_back(struct worker *worker)
{
    if (LIKELY(own_priority(worker) == 0) || MUTATED(polaris_keeps_reservations))
        return;
    for (uint32_t i = 0; i < worker->rows.count; i++)
        if (worker->rows.entries[i].flags & ACCESS_RESERVED)
            give_back(&worker->rows.entries[i]);
}

static bool may_write(const struct worker *worker, const struct row *row)
{
    return load_reservation(row) >> PRIORITY_SHIFT <= own_priority(worker) || MUTATED(polaris_ignores_reservations);
}

static bool may_write_all(const struct worker *worker)
{
    for (uint32_t i = 0; i < worker->rows.write_count; i++)
        if (UNLIKELY(!may_write(worker, row_set_written(&worker->rows, i)->row)))
            return false;
    return true;
}

/* ---- Read phase. ---- */

static ALWAYS_INLINE enum scheme_status fetch(struct worker *worker, struct access *access, bool payload)
{
    if (LIKELY(own_priority(worker) == 0))
        return optimistic_fetch(worker, access, payload, false);
    reserve(worker, access);
    uint64_t reservation = access->second;
    enum scheme_status status = optimistic_fetch(worker, access, payload, false);
    access->second = reservation;
    return status;
}

/* Step 2, of a write. */
static ALWAYS_INLINE enum scheme_status want(struct worker *worker, struct table *table, struct row *row)
{
    if (UNLIKELY(!may_write(worker, row)))
        return worker_doom(worker, SCHEME_ABORTED(PRIORITY));
    if (LIKELY(own_priority(worker) == 0))
        return SCHEME_OK;
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    reserve(worker, access);
    return SCHEME_OK;
}

static enum scheme_status lock_early(struct worker *worker, struct access *access)
{
    enum scheme_status status = optimistic_lock_early(worker, access);
    if (status == SCHEME_OK && !may_write(worker, access->row))
        return worker_doom(worker, SCHEME_ABORTED(PRIORITY));
    return status;
}

static ALWAYS_INLINE bool first(struct worker *worker, struct access *access, const struct table *table,
                                struct row *row, void *copy)
{
    if (UNLIKELY(own_priority(worker) != 0) && !MUTATED(polaris_first_unreserved))
        return false; /* it reserves */
    access->second = 0;
    return optimistic_first(access, table, row, copy, false);
}

static ALWAYS_INLINE bool first_write(struct worker *worker, struct access *access, const struct table *table,
                                      struct row *row, void *copy)
{
    return LIKELY(may_write(worker, row) || MUTATED(polaris_first_unasked)) &&
           LIKELY(first(worker, access, table, row, copy));
}

PRIVATE_CALLS_WITH(polaris, fetch, first, first_write, lock_early, want)

/* ---- Begin and end. ---- */

/* Step 5. */
void polaris_begin(struct worker *worker)
{
    struct polaris_worker *own = (struct polaris_worker *)worker;
    const struct polaris_settings *set = settings(worker);
    uint64_t priority = own->aborts < set->raise_after ? 0 : 1 + (own->aborts - set->raise_after) / set->raise_every;
    own->priority = priority < PRIORITY_MAX ? priority : PRIORITY_MAX;
    versions_begin(&own->versions, set->epoch_ms);
}

static inline bool read_holds(const struct access *access)
{
    return access_unchanged(access) || MUTATED(polaris_skip_read_check);
}

static bool reads_hold(const struct worker *worker)
{
    uint64_t largest = 0;
    return versions_hold(worker, read_holds, &largest);
}

static bool nodes_hold(const struct worker *worker)
{
    return node_set_holds(&worker->nodes) || MUTATED(polaris_skip_node_check);
}

enum scheme_status polaris_commit(struct worker *worker)
{
    struct polaris_worker *own = (struct polaris_worker *)worker;
    if (settings(worker)->pre_abort && worker->rows.write_count && !optimistic_is_calm(worker) && !reads_hold(worker))
        return SCHEME_ABORTED(READ_CHECK);
    if (UNLIKELY(!may_write_all(worker))) /* so that it does not lock what it must give back */
        return SCHEME_ABORTED(PRIORITY);
    enum scheme_status status = optimistic_lock_writes(worker, settings(worker)->validation_lock, reads_hold);
    if (LIKELY(status == SCHEME_OK) && UNLIKELY(!may_write_all(worker))) /* PO2 */
        status = SCHEME_ABORTED(PRIORITY);
    if (LIKELY(status == SCHEME_OK))
        status = versions_commit(&own->versions, worker, read_holds, nodes_hold);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    give_all_back(worker);
    own->aborts = 0;
    return SCHEME_OK;
}

void polaris_abort(struct worker *worker)
{
    struct polaris_worker *own = (struct polaris_worker *)worker;
    optimistic_abort(worker);
    give_all_back(worker);
    own->aborts = worker->doom >= SCHEME_ABORT && !MUTATED(polaris_forgets_aborts) ? own->aborts + 1 : 0;
}
