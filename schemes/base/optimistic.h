/*
 * optimistic.h - rows of schemes that read without locks and lock what they write at commit: Silo and its relatives.
 *
 * A row's word is the version of its payload, with the lock as its highest bit. A transaction reads a row as one state
 * and remembers the word; its commit locks the rows it writes in the order of their addresses, and checks the others.
 *   OP1  A row's word, but for the lock, changes with each commit that writes the row, and never comes back.
 *   OP2  A row that gains an entry is locked from then on, out of order (locked early). A transaction that holds such a
 *        lock waits for none, so there is no deadlock. If it aborts, the row gets a new word, so that whoever has met
 *        the entry aborts.
 *   OP3  After some commits in a row a commit tries the locks in the order of its writes first, without waiting. If
 *        it meets one that is held it gives all back, sorts, and waits in the order of addresses. Sorting is a tenth of
 *        a commit's cost, and where nobody meets anybody it is for nothing.
 * What the new word is, and when an old read still holds, is the scheme's.
 */
#ifndef SCHEMES_BASE_OPTIMISTIC_H
#define SCHEMES_BASE_OPTIMISTIC_H

#include <unistd.h>

#include "engine/base/check.h"
#include "schemes/base/private.h"

#define ROW_LOCKED (UINT64_C(1) << 63)

/* What a commit does when it meets a row that another has locked. */
#define VALIDATION_LOCK_RANGE "wait|no_wait|retry|retry_sleep"
enum { VALIDATION_WAIT, VALIDATION_NO_WAIT, VALIDATION_RETRY, VALIDATION_RETRY_SLEEP };
#define VALIDATION_LOCK_HELP                                                                           \
    "how a commit takes a lock that another holds: waits for it, aborts, or gives all locks back and " \
    "tries again after a pause, or after usleep(1), which takes some 50 us"

/* Nothing has aborted lately, so nothing will: what only makes conflicts cheaper is left out, as native does. */
static inline bool optimistic_is_calm(const struct worker *worker)
{
    enum { CALM_COMMITS = 5 };
    return worker->commits_in_a_row >= CALM_COMMITS;
}

static inline uint64_t row_word(const struct row *row)
{
    return atomic_load_explicit(&row->word, memory_order_seq_cst); /* ORD-ROW-1, ORD-LOCK-1 */
}

/* Reads the row as one state: the same unlocked word before and after. `second`: the row's second word, too. */
static ALWAYS_INLINE enum scheme_status optimistic_fetch(struct worker *worker, struct access *access, bool payload,
                                                         bool second)
{
    struct row *row = access->row;
    struct wait wait = {0};
    void *copy = NULL;
    if (payload && !(copy = copies_reserve(&worker->copies, access->table->payload_max_bytes)))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    for (;;) { /* ends: wait_go_on gives up */
        RACE(ROW_READ);
        uint64_t word = row_word(row), own = access->flags & ACCESS_LOCKED ? ROW_LOCKED : 0;
        if (LIKELY((word & ROW_LOCKED) == own)) {
            RACE(ROW_COPY);
            uint32_t size = row_size(row);
            if (payload && size)
                row_copy_out(copy, row, table_copied_bytes(access->table, size));
            uint64_t also = second ? atomic_load_explicit(&row->second, memory_order_seq_cst) : 0; /* ORD-LOCK-1 */
            RACE(ROW_CHECK);
            if (LIKELY(row_word(row) == word) || MUTATED(optimistic_skip_second_look)) {
                word &= ~ROW_LOCKED;
                if (UNLIKELY(access->flags & ACCESS_READ && access->word != word))
                    return worker_doom(worker, SCHEME_ABORTED(READ_CHECK));
                if (size || !MUTATED(optimistic_absent_unread))
                    access->flags |= ACCESS_READ;
                access->word = word;
                if (second)
                    access->second = also;
                access->old_size = size;
                if (copy && size) {
                    access->old_data = copy;
                    copies_use(&worker->copies, table_copied_bytes(access->table, size));
                }
                return SCHEME_OK;
            }
        }
        if (worker->early_locks || !wait_go_on(worker, &wait)) /* OP2 */
            return worker_doom(worker, SCHEME_ABORTED(LOCK));
    }
}

/* The short way (private.h), for rows that are there and unlocked. What it has loaded goes to the access at once: what
 * stays in registers during the copy costs instructions (schemes/DESIGN.md, "What a request costs"). */
static ALWAYS_INLINE bool optimistic_first(struct access *access, const struct table *table, struct row *row,
                                           void *copy, bool second)
{
    RACE(ROW_READ);
    uint64_t word = access->word = row_word(row);
    RACE(ROW_COPY);
    uint32_t size = access->old_size = row_size(row);
    if (UNLIKELY(word & ROW_LOCKED) || UNLIKELY(size == 0))
        return false;
    row_copy_lines_out(copy, row, table->copied_lines);
    if (second)
        access->second = atomic_load_explicit(&row->second, memory_order_seq_cst); /* ORD-LOCK-1 */
    RACE(ROW_CHECK);
    return row_word(row) == access->word || MUTATED(optimistic_skip_second_look);
}

/* ---- Locks. ---- */

enum lock_result { LOCK_TAKEN, LOCK_HELD, LOCK_CHANGED };

/* One try. A row that has been read since must not have changed, so this is its check, too. */
static inline enum lock_result row_lock_try(struct access *access)
{
    RACE(ROW_LOCK);
    uint64_t word = row_word(access->row);
    if (word & ROW_LOCKED)
        return LOCK_HELD;
    if (access->flags & ACCESS_READ && word != access->word && !MUTATED(optimistic_skip_lock_check))
        return LOCK_CHANGED;
    if (!atomic_compare_exchange_strong_explicit(&access->row->word, &word, word | ROW_LOCKED, memory_order_seq_cst,
                                                 memory_order_relaxed)) /* ORD-LOCK-1 */
        return LOCK_HELD;
    access->word = word;
    access->flags |= ACCESS_LOCKED;
    return LOCK_TAKEN;
}

static inline void row_unlock(struct access *access, uint64_t word)
{
    RACE(ROW_UNLOCK);
    atomic_store_explicit(&access->row->word, word, memory_order_release); /* ORD-ROW-1 */
    access->flags &= (uint16_t)~ACCESS_LOCKED;
}

/* Locks a row that gains an entry. */
static inline enum scheme_status optimistic_lock_early(struct worker *worker, struct access *access)
{
    switch (row_lock_try(access)) {
    case LOCK_TAKEN:
        worker->early_locks++;
        return SCHEME_OK;
    case LOCK_HELD:
        return worker_doom(worker, SCHEME_ABORTED(LOCK));
    default:
        return worker_doom(worker, SCHEME_ABORTED(READ_CHECK));
    }
}

/* Gives back the locks of the first `count` rows to be written; their words grow by `step`. */
static inline void optimistic_unlock_writes(struct worker *worker, uint32_t count, unsigned step)
{
    for (uint32_t i = 0; i < count; i++) {
        struct access *access = row_set_written(&worker->rows, i);
        if (access->flags & ACCESS_LOCKED)
            row_unlock(access, access->word + step);
    }
}

/* Of an abort. Rows that the commit has locked get their words back; those that were locked early get new ones (OP2).
 * Which were which nobody remembers, so all do if any was. */
static inline void optimistic_abort(struct worker *worker)
{
    worker_undo_entries(worker);
    optimistic_unlock_writes(worker, worker->rows.write_count,
                             worker->early_locks && !MUTATED(optimistic_abort_keeps_word));
}

/* Locks all rows to be written. Who waits while it has locks has taken them in the order of addresses (OP3). After a
 * failure some are locked. `reads_hold` says whether another try is worth it. */
static inline enum scheme_status optimistic_lock_writes(struct worker *worker, unsigned mode,
                                                        bool (*reads_hold)(const struct worker *worker))
{
    struct wait wait = {0};
    if (worker->early_locks)
        mode = VALIDATION_NO_WAIT; /* OP2 */
    bool in_order = mode != VALIDATION_NO_WAIT && !optimistic_is_calm(worker);
    if (in_order)
        row_set_sort_writes(&worker->rows);
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        struct access *access = row_set_written(&worker->rows, i);
        enum lock_result result;
        if (access->flags & ACCESS_LOCKED)
            continue;
        while ((result = row_lock_try(access)) == LOCK_HELD) { /* ends: wait_go_on gives up */
            if (mode == VALIDATION_NO_WAIT)
                return SCHEME_ABORTED(LOCK);
            if (mode >= VALIDATION_RETRY || !in_order) {
                if (!MUTATED(optimistic_waits_with_locks))
                    optimistic_unlock_writes(worker, i, 0);
                if (!reads_hold(worker))
                    return SCHEME_ABORTED(READ_CHECK);
                if (!in_order)
                    row_set_sort_writes(&worker->rows);
                in_order = true;
                access = row_set_written(&worker->rows, i = 0);
            }
            if (mode == VALIDATION_RETRY_SLEEP)
                usleep(1);
            if (!wait_go_on(worker, &wait))
                return SCHEME_ABORTED(LOCK);
        }
        if (result == LOCK_CHANGED)
            return SCHEME_ABORTED(READ_CHECK);
    }
    return SCHEME_OK;
}

/* The present word of a row that may be locked by the transaction itself is the one that it has read. */
static inline bool access_unchanged(const struct access *access)
{
    RACE(ROW_CHECK);
    return (access->flags & (ACCESS_READ | ACCESS_LOCKED)) != ACCESS_READ || row_word(access->row) == access->word;
}

/* Every row read is as it was, and locked by nobody else. */
static inline bool optimistic_reads_hold(const struct worker *worker)
{
    const struct access *access = worker->rows.entries, *end = access + worker->rows.count;
    for (; access != end; access++)
        if (UNLIKELY(!access_unchanged(access)))
            return false;
    return true;
}

/* Stores all writes, and unlocks the rows with their new word. */
static inline void optimistic_store_writes(struct worker *worker, uint64_t word)
{
    const struct row_write *write = worker->rows.writes, *end = write + worker->rows.write_count;
    for (; write != end; write++) {
        struct access *access = &worker->rows.entries[write->entry];
        RACE(ROW_WRITE);
        private_store(access);
        bool touched = !access->new_data && !(access->flags & ACCESS_ERASE);
        row_unlock(access, touched && MUTATED(optimistic_skip_touch) ? access->word : word);
    }
}

#endif
