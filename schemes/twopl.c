/* twopl.c - see twopl.h. */
#include "schemes/twopl.h"

#include "engine/base/check.h"

#define WRITER (UINT64_C(1) << 63)

static const struct twopl_settings *settings(const struct worker *worker)
{
    return worker->settings;
}

/* ---- Locks of one word (TP1). Taking one acquires what its last writer released (ORD-TWOPL-1). ---- */

static bool lock_shared(struct row *row)
{
    RACE(ROW_LOCK);
    uint64_t word = atomic_load_explicit(&row->word, memory_order_relaxed);
    while (!(word & WRITER)) /* ends: another reader has come or gone each time */
        if (atomic_compare_exchange_weak_explicit(&row->word, &word, word + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/* `from`: 0, or 1 of a reader that is alone. */
static bool lock_exclusive(struct row *row, uint64_t from)
{
    RACE(ROW_LOCK);
    return atomic_compare_exchange_strong_explicit(&row->word, &from, WRITER, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* ---- Lists of those who have a lock or wait for it. ---- */

/* What the worker is to do (TP3). */
static enum answer ask(struct contender *self, const struct holder *first, enum hold wanted)
{
    unsigned mode = settings(&self->base)->lock_wait;
    if (mode == TWOPL_WOUND_WAIT)
        return holders_ask_wound_wait(self, first, wanted);
    enum answer answer = GRANTED;
    for (const struct holder *holder = first; holder; holder = holder->next) {
        if (!holder_conflicts(holder, self, wanted))
            continue;
        answer = MUST_WAIT;
        if (mode == TWOPL_WAIT_DIE && is_older(holder->owner, self))
            return MUST_DIE;
    }
    return answer;
}

/* Those for whom the worker waits. */
static unsigned blockers(struct contender *self, struct contender **list, uint64_t *ages)
{
    uintptr_t waits =
        atomic_load_explicit(&((struct twopl_worker *)self)->waits_for, memory_order_relaxed); /* ORD-STAT */
    unsigned found = 0;
    if (!waits)
        return 0;
    struct row *row = (struct row *)(waits & ~(uintptr_t)1); /* rows are never unmapped */
    struct holder *first = holders_latch(row);
    for (const struct holder *holder = first; holder; holder = holder->next)
        if (holder_conflicts(holder, self, waits & 1 ? HOLD_EXCLUSIVE : HOLD_SHARED) && found < DATABASE_WORKERS_MAX) {
            ages[found] = holder->owner->age;
            list[found++] = holder->owner;
        }
    holders_unlatch(row, first);
    return found;
}

/*
 * Whether the worker is the youngest in a circle of waits: whether a way along waits leads back to it that passes older
 * transactions only. Others go on meanwhile, so there may be no such circle any more; then the abort was needless.
 */
static bool closes_circle(struct contender *self)
{
    struct contender *open[DATABASE_WORKERS_MAX], *found[DATABASE_WORKERS_MAX];
    uint64_t ages[DATABASE_WORKERS_MAX];
    bool seen[DATABASE_WORKERS_MAX] = {false};
    unsigned count = 1;
    open[0] = self;
    seen[self->base.number] = true;
    while (count > 0) { /* ends: each worker comes in once */
        struct contender *next = open[--count];
        unsigned n = blockers(next, found, ages);
        for (unsigned i = 0; i < n; i++) {
            if (found[i] == self)
                return !MUTATED(twopl_circle_unseen);
            if (ages[i] > self->age || seen[found[i]->base.number])
                continue;
            seen[found[i]->base.number] = true;
            open[count++] = found[i];
        }
    }
    return false;
}

static enum scheme_status wait_for(struct contender *self, struct row *row, enum hold wanted, struct patience *patience)
{
    const struct twopl_settings *chosen = settings(&self->base);
    if (chosen->lock_wait != TWOPL_DETECT)
        return holders_wait(self, row, wanted, patience);
    wait_once(&self->base, &patience->wait);
    uint64_t now = tsc_now(), ticks_per_us = (uint64_t)self->base.database->policy.backoff.ticks_per_us;
    if (!patience->since_ticks)
        patience->since_ticks = patience->looked_ticks = now;
    atomic_store_explicit(&((struct twopl_worker *)self)->waits_for, (uintptr_t)row + (wanted == HOLD_EXCLUSIVE),
                          memory_order_relaxed); /* ORD-STAT */
    if (now - patience->looked_ticks >= chosen->detect_us * ticks_per_us) {
        patience->looked_ticks = now;
        if (closes_circle(self))
            return SCHEME_ABORTED(DEADLOCK);
    }
    return now - patience->since_ticks >= chosen->timeout_us * ticks_per_us ? SCHEME_ABORTED(TIMEOUT) : SCHEME_OK;
}

static NOINLINE enum scheme_status lock_listed(struct worker *worker, struct access *access, bool exclusive)
{
    enum scheme_status status =
        holders_lock((struct contender *)worker, access, exclusive ? HOLD_EXCLUSIVE : HOLD_SHARED, ask, wait_for);
    atomic_store_explicit(&((struct twopl_worker *)worker)->waits_for, 0, memory_order_relaxed); /* ORD-STAT */
    return status;
}

/* ---- Either. ---- */

static inline enum scheme_status lock(struct worker *worker, struct access *access, bool exclusive)
{
    if (UNLIKELY(settings(worker)->lock_wait != TWOPL_NO_WAIT))
        return lock_listed(worker, access, exclusive);
    bool locked =
        exclusive ? lock_exclusive(access->row, access->flags & ACCESS_READ ? 1 : 0) : lock_shared(access->row);
    return LIKELY(locked) ? SCHEME_OK : SCHEME_ABORTED(LOCK);
}

static inline void unlock(struct access *access)
{
    RACE(ROW_UNLOCK);
    if (access->word)
        holders_leave(access);
    else if (access->flags & ACCESS_LOCKED)
        atomic_store_explicit(&access->row->word, 0, memory_order_release); /* ORD-TWOPL-1 */
    else if (access->flags & ACCESS_READ)
        atomic_fetch_sub_explicit(&access->row->word, 1, memory_order_release); /* ORD-TWOPL-1 */
    access->flags &= (uint16_t) ~(ACCESS_LOCKED | ACCESS_READ);
}

/* The short way (private.h says why): the transaction meets the row for the first time and gets its lock at once. NULL:
 * it needs another way, and nothing has been done. */
static ALWAYS_INLINE struct access *meet(struct worker *worker, struct table *table, struct row *row, bool exclusive)
{
    uint64_t slot = 0; /* gcc does not see that it is set where it is used */
    struct row_set *set = &worker->rows;
    struct access *access = &set->entries[set->count];
    bool ready = worker_is_plain(worker) && settings(worker)->lock_wait == TWOPL_NO_WAIT;
    if (!LIKELY(ready) || UNLIKELY(row_set_find(set, row, &slot)) ||
        UNLIKELY(!(exclusive ? lock_exclusive(row, 0) : lock_shared(row))))
        return NULL;
    *access = (struct access){.row = row, .table = table, .flags = exclusive ? ACCESS_LOCKED : ACCESS_READ};
    row_set_keep(set, slot);
    return access;
}

/* The row's entry, and the row locked for reading at least. NULL: the transaction is doomed. */
static NOINLINE struct access *hold_any(struct worker *worker, struct table *table, struct row *row)
{
    uint64_t slot;
    struct access *access = row_set_find(&worker->rows, row, &slot);
    if (access)
        return access;
    access = row_set_add(&worker->rows, table, row, slot);
    enum scheme_status status = LIKELY(access != NULL) ? lock(worker, access, false) : SCHEME_NO_MEMORY;
    if (UNLIKELY(status != SCHEME_OK)) {
        (void)worker_doom(worker, status);
        return NULL;
    }
    access->flags = ACCESS_READ;
    return access;
}

static ALWAYS_INLINE struct access *hold(struct worker *worker, struct table *table, struct row *row)
{
    struct access *access = meet(worker, table, row, false);
    if (UNLIKELY(!access))
        access = hold_any(worker, table, row);
    if (MUTATED(twopl_unlocks_early) && access && !(access->flags & ACCESS_LOCKED))
        unlock(access);
    return access;
}

/* The same for writing. The first time the row's size is kept for an abort. */
static struct access *hold_to_write(struct worker *worker, struct table *table, struct row *row)
{
    uint64_t slot;
    struct access *access = row_set_find(&worker->rows, row, &slot);
    if (access && access->flags & ACCESS_LOCKED)
        return access;
    if (!access)
        access = row_set_add(&worker->rows, table, row, slot);
    enum scheme_status status = LIKELY(access != NULL) ? lock(worker, access, true) : SCHEME_NO_MEMORY;
    if (UNLIKELY(status != SCHEME_OK)) {
        (void)worker_doom(worker, status);
        return NULL;
    }
    access->flags |= ACCESS_LOCKED;
    access->old_size = row_size(row);
    row_set_write(&worker->rows, access);
    return access;
}

static bool present(const struct access *access)
{
    return !(access->flags & ACCESS_ERASE) && row_size(access->row);
}

/* ---- Rows. ---- */

enum scheme_status twopl_read(struct worker *worker, struct table *table, struct row *row, const void **data,
                              size_t *bytes)
{
    const struct access *access = hold(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!present(access)))
        return SCHEME_NOT_FOUND;
    *data = row_payload(row);
    if (bytes)
        *bytes = row_size(row) - 1;
    return SCHEME_OK;
}

/* As twopl_first_update. */
bool twopl_first_read(struct worker *worker, struct table *table, struct row *row, const void **data, size_t *bytes)
{
    struct access *access = meet(worker, table, row, false);
    if (UNLIKELY(!access))
        return false;
    if (MUTATED(twopl_unlocks_early))
        unlock(access);
    uint32_t size = row_size(row);
    if (UNLIKELY(size == 0))
        return false;
    *data = row_payload(row);
    if (bytes)
        *bytes = size - 1;
    return true;
}

enum scheme_status twopl_see(struct worker *worker, struct table *table, struct row *row)
{
    const struct access *access = hold(worker, table, row);
    return UNLIKELY(!access) ? worker->doom : present(access) ? SCHEME_OK : SCHEME_NOT_FOUND;
}

/* Keeps the payload as it was, unless it is kept or there was none. */
static enum scheme_status keep(struct worker *worker, struct access *access)
{
    if (access->old_data || access->old_size == 0)
        return SCHEME_OK;
    size_t bytes = table_copied_bytes(access->table, access->old_size);
    access->old_data = copies_take(&worker->copies, bytes);
    if (UNLIKELY(!access->old_data))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    row_copy_out(access->old_data, access->row, bytes);
    return SCHEME_OK;
}

enum scheme_status twopl_update(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                const void **old, void **data)
{
    struct access *access = hold_to_write(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    if (UNLIKELY(!present(access)))
        return SCHEME_NOT_FOUND;
    bool first = !access->old_data && access->old_size;
    enum scheme_status status = keep(worker, access);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    size_t before = row_size(row) - 1;
    if (bytes > before)
        memset((char *)row_payload(row) + before, 0, bytes - before);
    if (bytes)
        row_set_size(row, (uint32_t)bytes + 1);
    if (old)
        *old = first ? access->old_data : row_payload(row);
    *data = row_payload(row);
    return SCHEME_OK;
}

/* A row that is not there stays locked, and the long way finds it so. */
bool twopl_first_update(struct worker *worker, struct table *table, struct row *row, const void **old, void **data)
{
    struct access *access = LIKELY(table->copied_lines != 0) ? meet(worker, table, row, true) : NULL;
    if (UNLIKELY(!access))
        return false;
    row_set_write(&worker->rows, access);
    access->old_size = row_size(row);
    if (UNLIKELY(access->old_size == 0))
        return false;
    access->old_data = worker->copies.next;
    row_copy_lines_out(access->old_data, row, table->copied_lines);
    copies_use_small(&worker->copies, table);
    if (old)
        *old = access->old_data;
    *data = row_payload(row);
    return true;
}

enum scheme_status twopl_overwrite(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                   void **data)
{
    return twopl_update(worker, table, row, bytes, NULL, data);
}

/* A fresh row: someone who goes through the whole table may hold it as absent, also this transaction itself. */
enum scheme_status twopl_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes, void **data)
{
    uint64_t slot;
    struct access *access = row_set_find(&worker->rows, row, &slot);
    if (LIKELY(!access) && UNLIKELY(!(access = row_set_add(&worker->rows, table, row, slot))))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    access->flags |= ACCESS_FRESH;
    row_set_write(&worker->rows, access);
    worker->retiring++;
    enum scheme_status status = lock(worker, access, true);
    if (UNLIKELY(status != SCHEME_OK))
        return worker_doom(worker, status);
    access->flags |= ACCESS_LOCKED;
    row_set_size(row, (uint32_t)bytes + 1);
    *data = row_payload(row);
    return SCHEME_OK;
}

enum scheme_status twopl_erase(struct worker *worker, struct table *table, struct row *row)
{
    struct access *access = hold_to_write(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    if (!present(access))
        return SCHEME_NOT_FOUND;
    access->flags |= ACCESS_ERASE;
    worker->retiring++;
    return SCHEME_OK;
}

enum scheme_status twopl_touch(struct worker *worker, struct table *table, struct row *row, bool gains_entry)
{
    (void)gains_entry; /* the lock is enough */
    if (MUTATED(twopl_skip_touch))
        return twopl_see(worker, table, row);
    const struct access *access = hold_to_write(worker, table, row);
    return UNLIKELY(!access) ? worker->doom : present(access) ? SCHEME_OK : SCHEME_NOT_FOUND;
}

/* ---- Begin and end. ---- */

void twopl_begin(struct worker *worker)
{
    if (settings(worker)->lock_wait != TWOPL_NO_WAIT)
        contender_begin((struct contender *)worker, MUTATED(twopl_age_lost));
}

static void unlock_all(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->rows.count; i++)
        unlock(&worker->rows.entries[i]);
}

enum scheme_status twopl_commit(struct worker *worker)
{
    struct contender *self = (struct contender *)worker;
    enum scheme_status status = contender_status(self);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    worker_take_place(worker);
    if (UNLIKELY(!node_set_holds(&worker->nodes)) && !MUTATED(twopl_skip_node_check))
        return SCHEME_ABORTED(NODE_CHECK); /* TP2 */
    worker_apply_entries(worker, 0);
    if (worker->retiring)
        for (uint32_t i = 0; i < worker->rows.write_count; i++)
            if (row_set_written(&worker->rows, i)->flags & ACCESS_ERASE)
                row_set_size(row_set_written(&worker->rows, i)->row, 0);
    unlock_all(worker);
    self->retries = false;
    return SCHEME_OK;
}

void twopl_abort(struct worker *worker)
{
    ((struct contender *)worker)->retries = worker->doom >= SCHEME_ABORT;
    worker_undo_entries(worker);
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        struct access *access = row_set_written(&worker->rows, i);
        if (!(access->flags & ACCESS_LOCKED) || MUTATED(twopl_skip_undo))
            continue;
        row_set_size(access->row, access->flags & ACCESS_FRESH ? 0 : access->old_size);
        if (access->old_data)
            memcpy(row_payload(access->row), access->old_data, access->old_size - 1);
    }
    unlock_all(worker);
}
