/* bamboo.c - see bamboo.h. */
#include "schemes/bamboo.h"

#include "engine/base/check.h"
#include "schemes/base/private.h"

enum { ACCESS_KEPT = ACCESS_FIRST_OWN }; /* locked alone, until the end (BA7) */

/* Under the list's latch, but for `behind`. */
struct bamboo_holder {
    struct holder base;
    void *before; /* memory of before_size - 1 bytes or more: what the row had before what is stored */
    uint32_t before_size;
    bool stored;         /* the row, or `before` of the next one, has the transaction's payload (BA4) */
    bool retired;        /* others may pass */
    _Atomic bool behind; /* BA1 */
};

static struct bamboo_holder *full(const struct holder *holder)
{
    return (struct bamboo_holder *)(uintptr_t)holder;
}

static struct bamboo_worker *own_part(struct worker *worker)
{
    return (struct bamboo_worker *)worker;
}

/* ---- Lists. ---- */

/* Whether an older one that has the lock may be passed (BA2). */
static bool is_passable(const struct holder *holder)
{
    if (holder->has == HOLD_EXCLUSIVE && !full(holder)->retired)
        return false;
    enum fate fate = contender_fate(holder->owner);
    return fate == FATE_OPEN || fate == FATE_SEALED;
}

/* BA2. `alone`: nobody is passed. `behind`: if it gets the lock, there are some in front of it. */
static enum answer ask(struct contender *self, const struct holder *first, enum hold wanted, bool alone, bool *behind)
{
    enum answer answer = GRANTED;
    *behind = false;
    for (const struct holder *holder = first; holder; holder = holder->next) {
        if (!holder_conflicts(holder, self, wanted))
            continue;
        if (is_older(self, holder->owner)) {
            if (!MUTATED(bamboo_wounds_nobody))
                (void)contender_decide(holder->owner, FATE_WOUNDED);
            answer = MUST_WAIT;
        } else if (alone || hold_excludes(holder->wants, wanted) || !is_passable(holder)) {
            answer = MUST_WAIT;
        } else {
            *behind = true;
        }
    }
    return answer;
}

/* The lock is the transaction's: its entry goes to the end. */
static void grant(struct holder **first, struct bamboo_holder *own, enum hold wanted, bool behind)
{
    struct holder **at = first;
    if (!MUTATED(bamboo_keeps_place)) {
        holders_unlink(first, &own->base);
        while (*at)
            at = &(*at)->next;
        *at = &own->base;
        own->base.next = NULL;
    }
    own->base.has = wanted;
    own->base.wants = HOLD_NOTHING;
    own->retired = false;
    atomic_store_explicit(&own->behind, behind, memory_order_relaxed); /* ORD-FATE-1: its own */
}

/* The next one behind whose payload is stored, or NULL. */
static struct bamboo_holder *next_stored(const struct bamboo_holder *own)
{
    struct holder *holder = own->base.next;
    while (holder && !full(holder)->stored)
        holder = holder->next;
    return holder ? full(holder) : NULL;
}

/* The row's payload as it is at the place of the entry (BA4). Returns its size, as row->size. */
static uint32_t payload_at(struct row *row, const struct bamboo_holder *own, const void **payload)
{
    const struct bamboo_holder *next = next_stored(own);
    *payload = next ? next->before : row_payload(row);
    return next ? next->before_size : row_size(row);
}

/* ---- Locks. ---- */

static bool is_behind(const struct bamboo_holder *own)
{
    return atomic_load_explicit(&own->behind, memory_order_acquire); /* ORD-FATE-1 */
}

static bool is_alone(const struct access *access)
{
    return access->flags & ACCESS_KEPT && !MUTATED(bamboo_passes_to_gain);
}

/* Whether nothing is left to ask for. Only the transaction itself takes and retires its locks. */
static bool has_lock(const struct access *access, const struct bamboo_holder *own, enum hold wanted)
{
    if (wanted != HOLD_EXCLUSIVE)
        return own->base.has >= wanted;
    return own->base.has == HOLD_EXCLUSIVE && !own->retired && !(is_alone(access) && is_behind(own));
}

/* One try, under the latch; `copy` gets the payload if it is not NULL. */
static bool lock_try(struct contender *self, struct access *access, struct bamboo_holder *own, enum hold wanted,
                     void *copy)
{
    bool behind = false, granted;
    RACE(ROW_LOCK);
    struct holder *first = holders_latch(access->row);
    if (!access->word) {
        *own = (struct bamboo_holder){.base = {.next = first, .owner = self}};
        access->word = (uintptr_t)own;
        first = &own->base;
    }
    bool had = has_lock(access, own, wanted);
    granted = had || ask(self, first, wanted, is_alone(access), &behind) == GRANTED;
    if (granted && !had)
        grant(&first, own, wanted, behind);
    if (!granted)
        own->base.wants = wanted;
    if (granted && (copy || !(access->flags & ACCESS_READ))) {
        const void *payload;
        access->old_size = payload_at(access->row, own, &payload);
        if (copy && access->old_size)
            memcpy(copy, payload, access->old_size - 1);
    }
    holders_unlatch(access->row, first);
    if (granted && wanted == HOLD_SHARED && behind)
        counter_add(&self->base, COUNTER_speculative_reads, 1);
    return granted;
}

/* Locks the row of the access. `payload`: and copies its payload. On failure the transaction is doomed. */
static NOINLINE enum scheme_status lock(struct worker *worker, struct access *access, enum hold wanted, bool payload)
{
    struct contender *self = (struct contender *)worker;
    struct bamboo_holder *own = full(holders_own(access));
    struct wait wait = {0};
    void *copy = NULL;
    enum scheme_status status;
    if (!own && !(own = copies_take(&worker->copies, sizeof *own)))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    if (payload && !(copy = copies_reserve(&worker->copies, access->table->payload_max_bytes)))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    for (;;) { /* ends: wait_go_on gives up */
        if (UNLIKELY((status = contender_status(self)) != SCHEME_OK))
            return worker_doom(worker, status);
        if (LIKELY(lock_try(self, access, own, wanted, copy)))
            break;
        if (!wait_go_on(worker, &wait))
            return worker_doom(worker, SCHEME_ABORTED(LOCK));
    }
    access->flags |= ACCESS_READ;
    if (copy && access->old_size) {
        access->old_data = copy;
        copies_use(&worker->copies, access->old_size - 1);
    }
    return SCHEME_OK;
}

/* ---- Retiring. ---- */

static void store(struct access *access)
{
    row_set_size(access->row, access->new_size);
    memcpy(row_payload(access->row), access->new_data, access->new_size - 1);
}

/* What cannot be kept for want of memory is not retired. */
static void retire(struct worker *worker, struct access *access)
{
    struct bamboo_holder *own = full(holders_own(access));
    void *before = own->before ? own->before : copies_take(&worker->copies, access->table->payload_max_bytes);
    if (!before)
        return;
    RACE(ROW_RETIRE);
    struct holder *first = holders_latch(access->row);
    if (!own->stored) {
        own->before = before;
        own->before_size = row_size(access->row);
        memcpy(before, row_payload(access->row), own->before_size - 1);
    }
    store(access);
    own->stored = own->retired = true;
    holders_unlatch(access->row, first);
    counter_add(worker, COUNTER_rows_retired, 1);
}

/* The transaction has made its next request, which is for `row` (BA6). */
static inline void retire_last(struct worker *worker, const struct row *row)
{
    struct bamboo_worker *own = own_part(worker);
    if (LIKELY(!own->written_plus_1))
        return;
    struct access *access = &worker->rows.entries[own->written_plus_1 - 1];
    if (access->row == row)
        return;
    own->written_plus_1 = 0;
    if (!(access->flags & ACCESS_KEPT) && ((const struct bamboo_settings *)worker->settings)->retire)
        retire(worker, access);
}

/* ---- Rows. ---- */

static enum scheme_status fetch(struct worker *worker, struct access *access, bool payload)
{
    return lock(worker, access, HOLD_SHARED, payload);
}

/* Locks the row for writing; `flags` for its access. */
static ALWAYS_INLINE enum scheme_status want(struct worker *worker, struct table *table, struct row *row, bool payload,
                                             unsigned flags)
{
    retire_last(worker, row);
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    access->flags |= (uint16_t)flags;
    const struct bamboo_holder *own = full(holders_own(access));
    if (own && has_lock(access, own, HOLD_EXCLUSIVE))
        return SCHEME_OK;
    payload = payload && !access->old_data && !access->new_data;
    return lock(worker, access, HOLD_EXCLUSIVE, payload);
}

/* The row was written by this request. */
static inline enum scheme_status written(struct worker *worker, struct row *row, enum scheme_status status)
{
    uint64_t slot;
    if (LIKELY(status == SCHEME_OK))
        own_part(worker)->written_plus_1 =
            (uint32_t)(row_set_find(&worker->rows, row, &slot) - worker->rows.entries) + 1;
    return status;
}

SCHEME_NO_SHORT_WAY(bamboo)

enum scheme_status bamboo_read(struct worker *worker, struct table *table, struct row *row, const void **data,
                               size_t *bytes)
{
    retire_last(worker, row);
    return private_read(worker, table, row, data, bytes, fetch);
}

enum scheme_status bamboo_see(struct worker *worker, struct table *table, struct row *row)
{
    retire_last(worker, row);
    return private_see(worker, table, row, fetch);
}

enum scheme_status bamboo_update(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                 const void **old, void **data)
{
    enum scheme_status status = want(worker, table, row, true, 0);
    if (LIKELY(status == SCHEME_OK))
        status = private_update(worker, table, row, bytes, old, data, fetch);
    return written(worker, row, status);
}

enum scheme_status bamboo_overwrite(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                    void **data)
{
    enum scheme_status status = want(worker, table, row, false, 0);
    if (LIKELY(status == SCHEME_OK))
        status = private_overwrite(worker, table, row, bytes, data, fetch);
    return written(worker, row, status);
}

/* A fresh row: someone who goes through the whole table may have it as absent. Doomed or not, it is given back. */
enum scheme_status bamboo_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes, void **data)
{
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    access->flags |= ACCESS_FRESH;
    worker->retiring++;
    row_set_write(&worker->rows, access);
    enum scheme_status status = want(worker, table, row, false, ACCESS_KEPT);
    if (LIKELY(status == SCHEME_OK))
        status = private_make(worker, access, bytes, NULL, 0);
    *data = access->new_data;
    return status;
}

enum scheme_status bamboo_erase(struct worker *worker, struct table *table, struct row *row)
{
    enum scheme_status status = want(worker, table, row, false, ACCESS_KEPT);
    return LIKELY(status == SCHEME_OK) ? private_erase(worker, table, row, fetch) : status;
}

enum scheme_status bamboo_touch(struct worker *worker, struct table *table, struct row *row, bool gains_entry)
{
    (void)gains_entry; /* the lock is enough */
    if (MUTATED(bamboo_skip_touch))
        return bamboo_see(worker, table, row);
    enum scheme_status status = want(worker, table, row, false, ACCESS_KEPT);
    return LIKELY(status == SCHEME_OK) ? private_touch(worker, table, row, NULL, fetch) : status;
}

/* ---- Leaving a list. ---- */

/* A retired write is taken back (BA3, BA4). */
static void take_back(struct row *row, const struct bamboo_holder *own)
{
    struct bamboo_holder *next = next_stored(own);
    for (const struct holder *holder = own->base.next; holder && !MUTATED(bamboo_skip_cascade); holder = holder->next)
        if (holder->has != HOLD_NOTHING)
            (void)contender_decide(holder->owner, FATE_CASCADED);
    if (next && !MUTATED(bamboo_undo_in_place)) {
        next->before_size = own->before_size;
        memcpy(next->before, own->before, own->before_size - 1);
    } else {
        row_set_size(row, own->before_size);
        memcpy(row_payload(row), own->before, own->before_size - 1);
    }
}

/* Those who have nobody in front of them any more may commit (BA1). */
static void let_go(const struct holder *first)
{
    bool shared = false, exclusive = false;
    for (const struct holder *holder = first; holder; holder = holder->next) {
        bool free = !exclusive && !(shared && holder->has == HOLD_EXCLUSIVE);
        if (free && is_behind(full(holder)))
            atomic_store_explicit(&full(holder)->behind, false, memory_order_release); /* ORD-FATE-1 */
        shared |= holder->has == HOLD_SHARED;
        exclusive |= holder->has == HOLD_EXCLUSIVE;
    }
}

static void leave(struct access *access, bool committed)
{
    struct bamboo_holder *own = full(holders_own(access));
    RACE(ROW_UNLOCK);
    struct holder *first = holders_latch(access->row);
    if (!committed && own->stored)
        take_back(access->row, own);
    if (committed && access->flags & ACCESS_ERASE)
        row_set_size(access->row, 0);
    else if (committed && access->new_data && !own->retired)
        store(access);
    holders_unlink(&first, &own->base);
    let_go(first);
    holders_unlatch(access->row, first);
    access->word = 0;
}

static void leave_all(struct worker *worker, bool committed)
{
    for (uint32_t i = 0; i < worker->rows.count; i++)
        if (worker->rows.entries[i].word)
            leave(&worker->rows.entries[i], committed);
}

/* ---- Begin and end. ---- */

void bamboo_begin(struct worker *worker)
{
    contender_begin((struct contender *)worker, MUTATED(bamboo_age_lost));
    own_part(worker)->written_plus_1 = 0;
}

/* BA6. */
static bool is_as_stored(const struct access *access)
{
    const void *payload;
    struct holder *first = holders_latch(access->row);
    uint32_t size = payload_at(access->row, full(holders_own(access)), &payload);
    bool same = size == access->new_size && memcmp(payload, access->new_data, size - 1) == 0;
    holders_unlatch(access->row, first);
    return same;
}

/* Locks again what was written after it was retired. */
static enum scheme_status look_again(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->rows.write_count && !MUTATED(bamboo_skip_second_look); i++) {
        struct access *access = row_set_written(&worker->rows, i);
        const struct bamboo_holder *own = full(holders_own(access));
        if (own->retired && !is_as_stored(access) && lock(worker, access, HOLD_EXCLUSIVE, false) != SCHEME_OK)
            return worker->doom;
    }
    return SCHEME_OK;
}

/* Until nobody is in front of any entry. */
static enum scheme_status wait_for_others(struct worker *worker)
{
    const struct contender *self = (const struct contender *)worker;
    struct wait wait = {0};
    for (uint32_t i = 0; i < worker->rows.count && !MUTATED(bamboo_dependency_ignored); i++) {
        const struct bamboo_holder *own = full(holders_own(&worker->rows.entries[i]));
        while (own && is_behind(own)) {
            enum scheme_status status = contender_status(self);
            if (status != SCHEME_OK)
                return status;
            if (!wait_go_on(worker, &wait))
                return SCHEME_ABORTED(LOCK);
        }
    }
    return SCHEME_OK;
}

enum scheme_status bamboo_commit(struct worker *worker)
{
    struct contender *self = (struct contender *)worker;
    enum scheme_status status = look_again(worker);
    if (LIKELY(status == SCHEME_OK))
        status = wait_for_others(worker);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    RACE(DECIDE);
    if (UNLIKELY(!contender_decide(self, FATE_SEALED)))
        return contender_status(self);
    worker_take_place(worker);
    if (UNLIKELY(!node_set_holds(&worker->nodes)) && !MUTATED(bamboo_skip_node_check))
        return SCHEME_ABORTED(NODE_CHECK);
    worker_apply_entries(worker, 0);
    leave_all(worker, true);
    self->retries = false;
    return SCHEME_OK;
}

void bamboo_abort(struct worker *worker)
{
    ((struct contender *)worker)->retries = worker->doom >= SCHEME_ABORT;
    worker_undo_entries(worker);
    leave_all(worker, false);
}
