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
 *   OP4  While a transaction has a row's lock, the word in its access has the lock's bit, too. So a row that was read
 *        is as it was, and locked by nobody else, if its word is the access's. The flag ACCESS_LOCKED is not used.
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

static inline bool access_is_locked(const struct access *access)
{
    return access->word & ROW_LOCKED; /* OP4 */
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
        uint64_t word = row_word(row);
        if (LIKELY((word & ROW_LOCKED) == (access->word & ROW_LOCKED))) {
            RACE(ROW_COPY);
            uint32_t size = row_size(row);
            if (payload && size)
                row_copy_out(copy, row, table_copied_bytes(access->table, size));
            uint64_t also = second ? atomic_load_explicit(&row->second, memory_order_seq_cst) : 0; /* ORD-LOCK-1 */
            RACE(ROW_CHECK);
            if (LIKELY(row_word(row) == word) || MUTATED(optimistic_skip_second_look)) {
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
    size_t lines = table->copied_lines;
    if (UNLIKELY(word & ROW_LOCKED) || UNLIKELY(size == 0))
        return false;
    if (LIKELY(lines == ROW_USUAL_LINES))
        row_copy_lines_out(copy, row, ROW_USUAL_LINES);
    else if (lines > 0)
        row_copy_lines_out(copy, row, lines);
    else
        return false;
    if (second)
        access->second = atomic_load_explicit(&row->second, memory_order_seq_cst); /* ORD-LOCK-1 */
    RACE(ROW_CHECK);
    return row_word(row) == access->word || MUTATED(optimistic_skip_second_look);
}

/* ---- Locks. ---- */

enum lock_result { LOCK_TAKEN, LOCK_HELD, LOCK_CHANGED };

/* One try. A row that has been read since must not have changed, so this is its check, too. */
static ALWAYS_INLINE enum lock_result row_lock_try(struct access *access)
{
    RACE(ROW_LOCK);
    bool read = access->flags & ACCESS_READ && !MUTATED(optimistic_skip_lock_check);
    uint64_t word = LIKELY(read) ? access->word : row_word(access->row) & ~ROW_LOCKED;
    uint64_t locked = word | ROW_LOCKED;
    if (LIKELY(atomic_compare_exchange_strong_explicit(&access->row->word, &word, locked, memory_order_seq_cst,
                                                       memory_order_relaxed))) { /* ORD-LOCK-1 */
        access->word = locked;
        return LOCK_TAKEN;
    }
    return word & ROW_LOCKED || !read ? LOCK_HELD : LOCK_CHANGED;
}

static inline void row_unlock(struct row *row, uint64_t word)
{
    RACE(ROW_UNLOCK);
    atomic_store_explicit(&row->word, word, memory_order_release); /* ORD-ROW-1 */
}

/* Locks a row that gains an entry. */
static inline enum scheme_status optimistic_lock_early(struct worker *worker, struct access *access)
{
    if (access_is_locked(access))
        return SCHEME_OK;
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
        if (!access_is_locked(access))
            continue;
        access->word &= ~ROW_LOCKED;
        row_unlock(access->row, access->word + step);
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
        if (UNLIKELY(access_is_locked(access)))
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
            do { /* the same */
                if (!wait_go_on(worker, &wait))
                    return SCHEME_ABORTED(LOCK);
            } while (row_word(access->row) & ROW_LOCKED);
        }
        if (result == LOCK_CHANGED)
            return SCHEME_ABORTED(READ_CHECK);
    }
    return SCHEME_OK;
}

/* A row that was read is as it was, and locked by nobody else (OP4). */
static inline bool access_unchanged(const struct access *access)
{
    RACE(ROW_CHECK);
    return UNLIKELY(!(access->flags & ACCESS_READ)) || row_word(access->row) == access->word;
}

/* Stores all writes, and unlocks the rows with their new word; `second`: it is the rows' second word, too. */
static ALWAYS_INLINE void optimistic_store_writes(struct worker *worker, uint64_t word, bool second)
{
    const uint32_t *write = worker->rows.writes, *end = write + worker->rows.write_count;
    for (; write != end; write++) {
        const struct access *access = &worker->rows.entries[*write];
        struct row *row = access->row;
        RACE(ROW_WRITE);
        private_store(access);
        if (second)
            atomic_store_explicit(&row->second, word, memory_order_release); /* ORD-ROW-1 */
        bool touched = !access->new_data && !(access->flags & ACCESS_ERASE);
        row_unlock(row, touched && MUTATED(optimistic_skip_touch) ? access->word & ~ROW_LOCKED : word);
    }
}

#endif
