/* plor.c - see plor.h. */
#include "schemes/plor.h"

#include "schemes/base/private.h"

/* ---- Locks. ---- */

static NOINLINE enum scheme_status lock(struct worker *worker, struct access *access, enum hold wanted)
{
    enum scheme_status status =
        holders_lock((struct contender *)worker, access, wanted, holders_ask_wound_wait, holders_wait);
    return LIKELY(status == SCHEME_OK) ? status : worker_doom(worker, status);
}

/* What the access has of its row's lock; only the transaction itself changes that. */
static enum hold held(const struct access *access)
{
    return access->word ? holders_own(access)->has : HOLD_NOTHING;
}

/* The row may be read where it is (PL3), so nobody may take its payload for a copy that is free. */
static inline void note_payload(struct access *access)
{
    access->flags |= ACCESS_READ;
    access->old_size = row_size(access->row);
    access->old_data = access->old_size ? row_payload(access->row) : NULL;
    access->flags |= ACCESS_SHOWN;
}

static enum scheme_status lock_and_note(struct worker *worker, struct access *access, enum hold wanted)
{
    enum scheme_status status = held(access) < wanted ? lock(worker, access, wanted) : SCHEME_OK;
    if (LIKELY(status == SCHEME_OK) && !(access->flags & ACCESS_READ))
        note_payload(access);
    return status;
}

static enum scheme_status fetch(struct worker *worker, struct access *access, bool payload)
{
    (void)payload;
    enum scheme_status status = lock_and_note(worker, access, HOLD_SHARED);
    if (MUTATED(plor_unlocks_early) && access->word)
        holders_leave(access);
    return status;
}

static struct plor_worker *own_part(struct worker *worker)
{
    return (struct plor_worker *)worker;
}

static ALWAYS_INLINE enum scheme_status want(struct worker *worker, struct table *table, struct row *row)
{
    struct access *access = private_access(worker, table, row);
    enum hold wanted = UNLIKELY(own_part(worker)->at_once) ? HOLD_EXCLUSIVE : HOLD_INTENT;
    return UNLIKELY(!access) ? worker->doom : lock_and_note(worker, access, wanted);
}

/* ---- Rows. ---- */

SCHEME_NO_SHORT_WAY(plor)

enum scheme_status plor_read(struct worker *worker, struct table *table, struct row *row, const void **data,
                             size_t *bytes)
{
    return private_read(worker, table, row, data, bytes, fetch);
}

enum scheme_status plor_see(struct worker *worker, struct table *table, struct row *row)
{
    return private_see(worker, table, row, fetch);
}

enum scheme_status plor_update(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                               const void **old, void **data)
{
    enum scheme_status status = want(worker, table, row);
    return LIKELY(status == SCHEME_OK) ? private_update(worker, table, row, bytes, old, data, fetch) : status;
}

enum scheme_status plor_overwrite(struct worker *worker, struct table *table, struct row *row, size_t bytes,
                                  void **data)
{
    enum scheme_status status = want(worker, table, row);
    return LIKELY(status == SCHEME_OK) ? private_overwrite(worker, table, row, bytes, data, fetch) : status;
}

/* A fresh row: someone who goes through the whole table may have it as absent. Doomed or not, it is given back. */
enum scheme_status plor_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes, void **data)
{
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    access->flags |= ACCESS_FRESH;
    worker->retiring++;
    row_set_write(&worker->rows, access);
    enum scheme_status status = lock_and_note(worker, access, HOLD_EXCLUSIVE); /* PL5 */
    if (LIKELY(status == SCHEME_OK))
        status = private_make(worker, access, bytes, NULL, 0);
    *data = access->new_data;
    return status;
}

enum scheme_status plor_erase(struct worker *worker, struct table *table, struct row *row)
{
    enum scheme_status status = want(worker, table, row);
    return LIKELY(status == SCHEME_OK) ? private_erase(worker, table, row, fetch) : status;
}

static enum scheme_status lock_to_gain(struct worker *worker, struct access *access)
{
    return lock_and_note(worker, access, MUTATED(plor_gains_shared) ? HOLD_INTENT : HOLD_EXCLUSIVE); /* PL5 */
}

enum scheme_status plor_touch(struct worker *worker, struct table *table, struct row *row, bool gains_entry)
{
    if (MUTATED(plor_skip_touch))
        return plor_see(worker, table, row);
    enum scheme_status status = want(worker, table, row);
    return LIKELY(status == SCHEME_OK) ? private_touch(worker, table, row, gains_entry ? lock_to_gain : NULL, fetch)
                                       : status;
}

/* ---- Begin and end. ---- */

void plor_begin(struct worker *worker)
{
    contender_begin((struct contender *)worker, MUTATED(plor_age_lost));
}

static void unlock_all(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->rows.count; i++) {
        RACE(ROW_UNLOCK);
        if (worker->rows.entries[i].word)
            holders_leave(&worker->rows.entries[i]);
    }
}

/* PL2. */
static enum scheme_status lock_writes(struct worker *worker)
{
    enum scheme_status status = contender_status((const struct contender *)worker);
    for (uint32_t i = 0; i < worker->rows.write_count && status == SCHEME_OK; i++)
        if (held(row_set_written(&worker->rows, i)) < HOLD_EXCLUSIVE && !MUTATED(plor_readers_ignored))
            status = lock(worker, row_set_written(&worker->rows, i), HOLD_EXCLUSIVE);
    return status;
}

enum scheme_status plor_commit(struct worker *worker)
{
    enum scheme_status status = lock_writes(worker);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    worker_take_place(worker);
    if (UNLIKELY(!node_set_holds(&worker->nodes)) && !MUTATED(plor_skip_node_check))
        return SCHEME_ABORTED(NODE_CHECK);
    worker_apply_entries(worker, 0);
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        RACE(ROW_WRITE);
        private_store(row_set_written(&worker->rows, i));
    }
    unlock_all(worker);
    own_part(worker)->base.retries = own_part(worker)->at_once = false;
    return SCHEME_OK;
}

void plor_abort(struct worker *worker)
{
    struct plor_worker *own = own_part(worker);
    own->base.retries = worker->doom >= SCHEME_ABORT;
    own->at_once |= worker->doom == SCHEME_ABORTED(NODE_CHECK) || worker->entries.count > 0; /* PL6 */
    own->at_once &= own->base.retries && !MUTATED(plor_nodes_forgotten);
    worker_undo_entries(worker);
    unlock_all(worker);
}
