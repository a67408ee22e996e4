/* silo.c - see silo.h. */
#include "schemes/silo.h"

#include "engine/base/check.h"
#include "schemes/base/private.h"

#define LOCK (UINT64_C(1) << 63)
enum { EPOCH_SHIFT = 32 };

static const struct silo_settings *settings(const struct worker *worker)
{
    return worker->settings;
}

static uint64_t load_word(const struct row *row)
{
    return atomic_load_explicit(&row->word, memory_order_acquire); /* ORD-ROW-1 */
}

/* ---- Read phase. ---- */

/* The row as one state: the same unlocked word before and after. */
static ALWAYS_INLINE enum scheme_status fetch(struct worker *worker, struct access *access, bool payload)
{
    struct row *row = access->row;
    struct wait wait = {0};
    void *copy = NULL;
    if (payload && !(copy = copies_reserve(&worker->copies, access->table->payload_max_bytes)))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    for (;;) { /* ends: wait_go_on gives up */
        RACE(ROW_READ);
        uint64_t word = load_word(row), own = access->flags & ACCESS_LOCKED ? LOCK : 0;
        if (LIKELY((word & LOCK) == own)) {
            RACE(ROW_COPY);
            uint32_t size = row_size(row);
            if (payload && size)
                row_copy_out(copy, row, size - 1);
            RACE(ROW_CHECK);
            if (LIKELY(atomic_load_explicit(&row->word, memory_order_relaxed) == word) || /* ORD-ROW-1 */
                MUTATED(silo_skip_second_look)) {
                word &= ~LOCK;
                if (UNLIKELY(access->flags & ACCESS_READ && access->word != word))
                    return worker_doom(worker, SCHEME_ABORTED(READ_CHECK));
                if (size || !MUTATED(silo_absent_unread))
                    access->flags |= ACCESS_READ;
                access->word = word;
                access->old_size = size;
                if (copy && size) {
                    access->old_data = copy;
                    copies_use(&worker->copies, size - 1);
                }
                return SCHEME_OK;
            }
        }
        if (worker->early_locks || !wait_go_on(worker, &wait)) /* SI3 */
            return worker_doom(worker, SCHEME_ABORTED(LOCK));
    }
}

/* ---- Locks. ---- */

enum lock_result { LOCK_TAKEN, LOCK_HELD, LOCK_CHANGED };

/* One try. A row that has been read since must not have changed, so this is its check, too. */
static enum lock_result lock_try(struct access *access)
{
    RACE(ROW_LOCK);
    uint64_t word = load_word(access->row);
    if (word & LOCK)
        return LOCK_HELD;
    if (access->flags & ACCESS_READ && word != access->word && !MUTATED(silo_skip_lock_check))
        return LOCK_CHANGED;
    if (!atomic_compare_exchange_strong_explicit(&access->row->word, &word, word | LOCK, memory_order_seq_cst,
                                                 memory_order_relaxed)) /* ORD-SILO-1 */
        return LOCK_HELD;
    access->word = word;
    access->flags |= ACCESS_LOCKED;
    return LOCK_TAKEN;
}

static void unlock(struct access *access, uint64_t word)
{
    RACE(ROW_UNLOCK);
    atomic_store_explicit(&access->row->word, word, memory_order_release); /* ORD-ROW-1 */
    access->flags &= (uint16_t)~ACCESS_LOCKED;
}

/* A row that gains an entry. */
static enum scheme_status lock_early(struct worker *worker, struct access *access)
{
    switch (lock_try(access)) {
    case LOCK_TAKEN:
        worker->early_locks++;
        return SCHEME_OK;
    case LOCK_HELD:
        return worker_doom(worker, SCHEME_ABORTED(LOCK));
    default:
        return worker_doom(worker, SCHEME_ABORTED(READ_CHECK));
    }
}

PRIVATE_CALLS(silo, fetch, lock_early)

/* ---- Commit. ---- */

/* Every row read is as it was, and locked by nobody else. */
static bool reads_hold(const struct worker *worker)
{
    for (uint32_t i = 0; i < worker->rows.count; i++) {
        const struct access *access = &worker->rows.entries[i];
        RACE(ROW_CHECK);
        if ((access->flags & (ACCESS_READ | ACCESS_LOCKED)) == ACCESS_READ &&
            atomic_load_explicit(&access->row->word, memory_order_seq_cst) != access->word && /* ORD-SILO-1 */
            !MUTATED(silo_skip_read_check))
            return false;
    }
    return true;
}

/* Gives back the locks that this commit has taken: the first ones in the order of addresses, but for early ones. */
static void unlock_unchanged(struct worker *worker, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        unlock(row_set_written(&worker->rows, i), row_set_written(&worker->rows, i)->word);
}

/* Locks all rows to be written. After a failure some are. */
static enum scheme_status lock_writes(struct worker *worker)
{
    unsigned mode = worker->early_locks ? SILO_NO_WAIT : settings(worker)->validation_lock; /* SI3 */
    struct wait wait = {0};
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        struct access *access = row_set_written(&worker->rows, i);
        enum lock_result result;
        if (access->flags & ACCESS_LOCKED)
            continue;
        while ((result = lock_try(access)) == LOCK_HELD) { /* ends: wait_go_on gives up */
            if (mode == SILO_RETRY) {
                unlock_unchanged(worker, i);
                i = 0;
                access = row_set_written(&worker->rows, 0);
                if (!reads_hold(worker))
                    return SCHEME_ABORTED(READ_CHECK);
            }
            if (mode == SILO_NO_WAIT || !wait_go_on(worker, &wait))
                return SCHEME_ABORTED(LOCK);
        }
        if (result == LOCK_CHANGED)
            return SCHEME_ABORTED(READ_CHECK);
    }
    return SCHEME_OK;
}

/* The smallest version of the epoch that is larger than all that were read or are written, and than the worker's last
 * (SI1). */
static uint64_t next_version(const struct silo_worker *worker, uint64_t epoch)
{
    uint64_t version = worker->last_version;
    for (uint32_t i = 0; i < worker->base.rows.count; i++)
        if (worker->base.rows.entries[i].word > version)
            version = worker->base.rows.entries[i].word;
    version++;
    return version >> EPOCH_SHIFT < epoch ? epoch << EPOCH_SHIFT : version;
}

static void store_writes(struct worker *worker, uint64_t version)
{
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        struct access *access = row_set_written(&worker->rows, i);
        RACE(ROW_WRITE);
        private_store(access);
        bool touched = !access->new_data && !(access->flags & ACCESS_ERASE);
        unlock(access, touched && MUTATED(silo_skip_touch) ? access->word : version);
    }
}

void silo_begin(struct worker *worker)
{
    struct silo_worker *own = (struct silo_worker *)worker;
    if (UNLIKELY(own->epoch_ticks == 0))
        own->epoch_ticks = (uint64_t)((double)settings(worker)->epoch_ms * 1000 * tsc_ticks_per_us());
}

enum scheme_status silo_commit(struct worker *worker)
{
    struct silo_worker *own = (struct silo_worker *)worker;
    if (settings(worker)->pre_abort && worker->rows.write_count && !reads_hold(worker))
        return SCHEME_ABORTED(READ_CHECK);
    row_set_sort_writes(&worker->rows);
    enum scheme_status status = lock_writes(worker);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    uint64_t ticks = worker_take_place(worker);
    uint64_t epoch = epoch_now(&worker->database->epochs); /* SI2; ORD-SILO-1 */
    if (UNLIKELY(!reads_hold(worker)))
        return SCHEME_ABORTED(READ_CHECK);
    if (UNLIKELY(!node_set_holds(&worker->nodes)) && !MUTATED(silo_skip_node_check))
        return SCHEME_ABORTED(NODE_CHECK);
    if (worker->rows.write_count) {
        own->last_version = next_version(own, epoch);
        worker_apply_entries(worker);
        store_writes(worker, own->last_version);
    }
    epoch_tick(&worker->database->epochs, ticks, own->epoch_ticks);
    return SCHEME_OK;
}

/* Rows that the commit locked get their words back; those that were locked early get new ones, since others may have
 * met the entries (SI3). Which were which nobody remembers, so all do if any was. */
void silo_abort(struct worker *worker)
{
    worker_undo_entries(worker);
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        struct access *access = row_set_written(&worker->rows, i);
        if (access->flags & ACCESS_LOCKED)
            unlock(access, access->word + (worker->early_locks && !MUTATED(silo_abort_keeps_word)));
    }
}
