/* twopl.c - see twopl.h. */
#include "schemes/twopl.h"

#include "engine/base/check.h"

#define WRITER (UINT64_C(1) << 63)

/* ---- Locks (TP1). Taking one acquires what its last writer released (ORD-TWOPL-1). ---- */

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

static void unlock(struct access *access)
{
    RACE(ROW_UNLOCK);
    if (access->flags & ACCESS_LOCKED)
        atomic_store_explicit(&access->row->word, 0, memory_order_release);
    else if (access->flags & ACCESS_READ)
        atomic_fetch_sub_explicit(&access->row->word, 1, memory_order_release);
    access->flags &= (uint16_t) ~(ACCESS_LOCKED | ACCESS_READ);
}

/* The row's entry, and the row locked for reading at least. NULL: the transaction is doomed. */
static ALWAYS_INLINE struct access *hold(struct worker *worker, struct table *table, struct row *row)
{
    uint64_t slot;
    struct access *access = row_set_find(&worker->rows, row, &slot);
    if (access)
        return access;
    access = row_set_add(&worker->rows, table, row, slot);
    if (UNLIKELY(!access)) {
        (void)worker_doom(worker, SCHEME_NO_MEMORY);
    } else if (UNLIKELY(!lock_shared(row))) {
        (void)worker_doom(worker, SCHEME_ABORTED(LOCK));
        access = NULL;
    } else {
        access->flags = ACCESS_READ;
        if (MUTATED(twopl_unlocks_early))
            unlock(access);
    }
    return access;
}

/* The same for writing. The first time the row's size is kept for an abort. */
static ALWAYS_INLINE struct access *hold_to_write(struct worker *worker, struct table *table, struct row *row)
{
    uint64_t slot;
    struct access *access = row_set_find(&worker->rows, row, &slot);
    if (access && access->flags & ACCESS_LOCKED)
        return access;
    if (!access && UNLIKELY(!(access = row_set_add(&worker->rows, table, row, slot)))) {
        (void)worker_doom(worker, SCHEME_NO_MEMORY);
        return NULL;
    }
    if (UNLIKELY(!lock_exclusive(row, access->flags & ACCESS_READ ? 1 : 0))) {
        (void)worker_doom(worker, SCHEME_ABORTED(LOCK));
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
    size_t bytes = access->old_size - 1;
    access->old_data = copies_take(&worker->copies, bytes);
    if (UNLIKELY(!access->old_data))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    memcpy(access->old_data, row_payload(access->row), bytes);
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

enum scheme_status twopl_overwrite(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                   void **data)
{
    return twopl_update(worker, table, row, bytes, NULL, data);
}

/* A fresh row: someone who goes through the whole table may hold it as absent. */
enum scheme_status twopl_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes, void **data)
{
    uint64_t slot = 0;
    (void)row_set_find(&worker->rows, row, &slot);
    struct access *access = row_set_add(&worker->rows, table, row, slot);
    if (UNLIKELY(!access))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    access->flags = ACCESS_FRESH;
    row_set_write(&worker->rows, access);
    worker->retiring++;
    if (UNLIKELY(!lock_exclusive(row, 0)))
        return worker_doom(worker, SCHEME_ABORTED(LOCK));
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
    (void)worker;
}

static void unlock_all(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->rows.count; i++)
        unlock(&worker->rows.entries[i]);
}

enum scheme_status twopl_commit(struct worker *worker)
{
    (void)worker_take_place(worker);
    if (UNLIKELY(!node_set_holds(&worker->nodes)) && !MUTATED(twopl_skip_node_check))
        return SCHEME_ABORTED(NODE_CHECK); /* TP2 */
    worker_apply_entries(worker);
    if (worker->retiring)
        for (uint32_t i = 0; i < worker->rows.write_count; i++)
            if (row_set_written(&worker->rows, i)->flags & ACCESS_ERASE)
                row_set_size(row_set_written(&worker->rows, i)->row, 0);
    unlock_all(worker);
    return SCHEME_OK;
}

void twopl_abort(struct worker *worker)
{
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
