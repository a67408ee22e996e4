/*
 * private.h - the read phase of schemes that work on private copies: Silo and its relatives.
 *
 * Reads and updates are copies of rows in the transaction's own memory; only the commit locks rows and stores new
 * payloads. What differs between such schemes is how a row is read as one state (fetch), and the commit.
 *
 * fetch(worker, access, payload) reads the row of the access: the scheme's word, the size and, if `payload`, a copy of
 * the payload. If the access has ACCESS_READ already, the word must still be the same, else the
 * transaction aborts. On failure the transaction is doomed, and the status is returned. A row whose lock the
 * transaction itself holds is read as it is.
 *
 * first(worker, access, table, row, copy) is the short way, which most reads and updates take: the transaction meets
 * the row for the first time, and the row is small, there and unlocked. It fills the access, which is not in the set
 * yet, as fetch would, and puts the payload to `copy`, which has room. False: the row is not so, and nothing has been
 * done. The short way has no instructions for what is seldom (schemes/DESIGN.md, "What a request costs").
 */
#ifndef SCHEMES_BASE_PRIVATE_H
#define SCHEMES_BASE_PRIVATE_H

#include "schemes/base/scheme.h"

typedef enum scheme_status (*fetch_fn)(struct worker *worker, struct access *access, bool payload);
typedef bool (*first_fn)(struct worker *worker, struct access *access, const struct table *table, struct row *row,
                         void *copy);

/* The short way. False: the row needs another one, and nothing has been done. The caller has filled what depends on
 * whether the row is read or written. */
static ALWAYS_INLINE bool private_first(struct worker *worker, struct table *table, struct row *row,
                                        struct access *access, void *copy, bool writes, first_fn first)
{
    uint64_t slot = 0; /* gcc does not see that it is set where it is used */
    struct row_set *set = &worker->rows;
    access->table = table;
    if (UNLIKELY(!row_set_lacks(set, row, &slot)))
        return false;
    access->row = row;
    if (UNLIKELY(!first(worker, access, table, row, copy)))
        return false;
    if (writes)
        row_set_write_next(set);
    row_set_keep(set, slot);
    copies_use_small(&worker->copies, table);
    return true;
}

static ALWAYS_INLINE bool private_first_read(struct worker *worker, struct table *table, struct row *row,
                                             const void **data, size_t *bytes, first_fn first)
{
    struct access *access = row_set_next(&worker->rows);
    void *copy = worker->copies.next;
    access->old_data = copy;
    access->new_data = NULL;
    access->flags = ACCESS_READ | ACCESS_SHOWN;
    access->new_lines = 0;
    access->entry_plus_1 = 0;
    *data = copy;
    if (UNLIKELY(!private_first(worker, table, row, access, copy, false, first)))
        return false;
    if (bytes)
        *bytes = access->old_size - 1;
    return true;
}

/* The copy becomes the new payload. */
static ALWAYS_INLINE bool private_first_update(struct worker *worker, struct table *table, struct row *row, void **data,
                                               first_fn first)
{
    struct access *access = row_set_next(&worker->rows);
    void *copy = worker->copies.next;
    access->old_data = NULL;
    access->new_data = copy;
    access->flags = ACCESS_READ | ACCESS_WRITE;
    access->new_lines = 0;
    access->entry_plus_1 = 0;
    *data = copy;
    if (UNLIKELY(!private_first(worker, table, row, access, copy, true, first)))
        return false;
    access->new_size = access->old_size;
    return true;
}

/* The entry of the row, added if there is none. NULL when out of memory; the transaction is doomed then. */
static ALWAYS_INLINE struct access *private_access(struct worker *worker, struct table *table, struct row *row)
{
    uint64_t slot;
    struct access *access = row_set_find(&worker->rows, row, &slot);
    if (LIKELY(!access) && UNLIKELY(!(access = row_set_add(&worker->rows, table, row, slot))))
        (void)worker_doom(worker, SCHEME_NO_MEMORY);
    return access;
}

/* The access, known: read (ACCESS_READ), or fresh. A row that was written blindly is read now, for its word only: the
 * entry by which the transaction has come to it this time must still lead to it at the commit. */
static ALWAYS_INLINE enum scheme_status private_know(struct worker *worker, struct access *access, bool payload,
                                                     fetch_fn fetch)
{
    bool known = access->flags & (ACCESS_READ | ACCESS_FRESH) || (access->new_data && MUTATED(blind_hit_unread));
    bool copied = access->old_data || access->new_data || access->old_size == 0;
    if (LIKELY(!known) || (payload && !copied))
        return fetch(worker, access, payload && !access->new_data);
    access->flags |= ACCESS_AGAIN;
    return SCHEME_OK;
}

/* Whether the transaction sees the row. */
static inline bool private_present(const struct access *access)
{
    return !(access->flags & ACCESS_ERASE) && (access->new_data || access->old_size);
}

static ALWAYS_INLINE enum scheme_status private_read(struct worker *worker, struct table *table, struct row *row,
                                                     const void **data, size_t *bytes, fetch_fn fetch)
{
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    enum scheme_status status = private_know(worker, access, true, fetch);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    if (UNLIKELY(!private_present(access)))
        return SCHEME_NOT_FOUND;
    if (access->new_data == NULL)
        access->flags |= ACCESS_SHOWN;
    *data = access->new_data ? access->new_data : access->old_data;
    if (bytes)
        *bytes = (access->new_data ? access->new_size : access->old_size) - 1;
    return SCHEME_OK;
}

/* Whether the row is there, without its payload; afterwards it is in the read set, there or not. */
static ALWAYS_INLINE enum scheme_status private_see(struct worker *worker, struct table *table, struct row *row,
                                                    fetch_fn fetch)
{
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    enum scheme_status status = private_know(worker, access, false, fetch);
    return status != SCHEME_OK ? status : private_present(access) ? SCHEME_OK : SCHEME_NOT_FOUND;
}

/* Gives the access a new payload of `bytes` bytes, of which the first ones are those of `from`. */
static inline enum scheme_status private_make(struct worker *worker, struct access *access, size_t bytes,
                                              const void *from, size_t from_bytes)
{
    void *made = access->new_data;
    size_t lines = access->new_lines ? access->new_lines : access->table->copied_lines;
    if (!made || row_lines_bytes(lines) < bytes) {
        made = copies_take(&worker->copies, bytes);
        if (UNLIKELY(!made))
            return worker_doom(worker, SCHEME_NO_MEMORY);
        access->new_lines = (uint16_t)row_lines(bytes);
    }
    size_t kept = from_bytes < bytes ? from_bytes : bytes;
    if (from && made != from)
        memcpy(made, from, kept);
    if (from && bytes > kept)
        memset((char *)made + kept, 0, bytes - kept);
    access->new_data = made;
    access->new_size = (uint32_t)bytes + 1;
    row_set_write(&worker->rows, access);
    return SCHEME_OK;
}

static ALWAYS_INLINE enum scheme_status private_update(struct worker *worker, struct table *table, struct row *row,
                                                       size_t bytes, const void **old, void **data, fetch_fn fetch)
{
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    enum scheme_status status = private_know(worker, access, true, fetch);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    if (UNLIKELY(!private_present(access)))
        return SCHEME_NOT_FOUND;
    if (!old && !(access->flags & ACCESS_SHOWN) &&
        access->old_data) { /* nobody has a pointer to the copy: it becomes the new payload */
        access->new_data = access->old_data;
        access->new_size = access->old_size;
        access->new_lines = (uint16_t)row_lines(access->old_size - 1); /* at least */
        access->old_data = NULL;
        row_set_write(&worker->rows, access);
        *data = access->new_data;
        if (LIKELY(bytes == 0))
            return SCHEME_OK;
    }
    const void *before = access->new_data ? access->new_data : access->old_data;
    size_t before_bytes = (access->new_data ? access->new_size : access->old_size) - 1;
    if (bytes == 0)
        bytes = before_bytes;
    if (UNLIKELY((status = private_make(worker, access, bytes, before, before_bytes)) != SCHEME_OK))
        return status;
    if (old) {
        *old = access->old_data && before == access->old_data ? before : access->new_data;
        access->flags |= ACCESS_SHOWN;
    }
    *data = access->new_data;
    return SCHEME_OK;
}

/* A write without a read: the caller protects the row's presence by the node of the entry that led here. */
static ALWAYS_INLINE enum scheme_status private_overwrite(struct worker *worker, struct table *table, struct row *row,
                                                          size_t bytes, void **data, fetch_fn fetch)
{
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    bool unknown = !(access->flags & (ACCESS_READ | ACCESS_FRESH)) && !access->new_data;
    uint32_t size = unknown ? row_size(row) : access->new_data ? access->new_size : access->old_size;
    enum scheme_status status = SCHEME_OK;
    if (unknown && (size == 0 || bytes == 0)) { /* perhaps there, or of a size that must still be so */
        status = fetch(worker, access, false);
        size = access->old_size;
    }
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    if (UNLIKELY(size == 0 || access->flags & ACCESS_ERASE))
        return SCHEME_NOT_FOUND;
    status = private_make(worker, access, bytes ? bytes : size - 1, NULL, 0);
    *data = access->new_data;
    return status;
}

/* A fresh row, which is absent and stays so for all others until the commit. */
static inline enum scheme_status private_insert(struct worker *worker, struct table *table, struct row *row,
                                                size_t bytes, void **data)
{
    struct access *access = private_access(worker, table, row);
    if (UNLIKELY(!access))
        return worker->doom;
    access->flags |= ACCESS_FRESH;
    worker->retiring++;
    enum scheme_status status = private_make(worker, access, bytes, NULL, 0);
    *data = access->new_data;
    return status;
}

static ALWAYS_INLINE enum scheme_status private_erase(struct worker *worker, struct table *table, struct row *row,
                                                      fetch_fn fetch)
{
    enum scheme_status status = private_see(worker, table, row, fetch);
    if (status != SCHEME_OK)
        return status;
    struct access *access = private_access(worker, table, row);
    access->flags |= ACCESS_ERASE;
    worker->retiring++;
    row_set_write(&worker->rows, access);
    return SCHEME_OK;
}

/* The row is written, unchanged. `lock`, if not NULL, locks the row at once, unless the transaction has its lock. */
static ALWAYS_INLINE enum scheme_status private_touch(struct worker *worker, struct table *table, struct row *row,
                                                      enum scheme_status (*lock)(struct worker *, struct access *),
                                                      fetch_fn fetch)
{
    enum scheme_status status = private_see(worker, table, row, fetch);
    if (status != SCHEME_OK)
        return status;
    struct access *access = private_access(worker, table, row);
    row_set_write(&worker->rows, access);
    return lock && !(access->flags & ACCESS_FRESH) ? lock(worker, access) : SCHEME_OK;
}

/* Stores what the write does to the row, which is locked. */
static ALWAYS_INLINE void private_store(const struct access *access)
{
    struct row *row = access->row;
    uint32_t size = access->new_size;
    if (UNLIKELY(access->flags & ACCESS_ERASE)) {
        row_set_size(row, 0);
    } else if (LIKELY(access->new_data != NULL)) {
        row_set_size(row, size);
        RACE(ROW_COPY);
        row_copy_in(row, access->new_data, size - 1);
    }
}

static inline enum scheme_status private_want_nothing(struct worker *worker, struct table *table, struct row *row)
{
    (void)worker, (void)table, (void)row;
    return SCHEME_OK;
}

/* The calls of a scheme that reads and writes privately, but for begin, commit and abort. `lock` locks a written
 * row at once, without waiting, or dooms the transaction. `want` is called before a write of a row that is not
 * fresh; an update that goes the short way calls `first_write` in place of it and of first, which asks the same and
 * dooms nobody. */
#define PRIVATE_CALLS(name, fetch, first, lock) \
    PRIVATE_CALLS_WITH(name, fetch, first, first, lock, private_want_nothing)
#define PRIVATE_CALLS_WITH(name, fetch, first, first_write, lock, want)                                              \
    bool name##_first_read(struct worker *worker, struct table *table, struct row *row, const void **data,           \
                           size_t *bytes)                                                                            \
    {                                                                                                                \
        return private_first_read(worker, table, row, data, bytes, first);                                           \
    }                                                                                                                \
    bool name##_first_update(struct worker *worker, struct table *table, struct row *row, const void **old,          \
                             void **data)                                                                            \
    {                                                                                                                \
        return LIKELY(!old) && LIKELY(private_first_update(worker, table, row, data, first_write));                  \
    }                                                                                                                \
    enum scheme_status name##_read(struct worker *worker, struct table *table, struct row *row, const void **data,   \
                                   size_t *bytes)                                                                    \
    {                                                                                                                \
        return private_read(worker, table, row, data, bytes, fetch);                                                 \
    }                                                                                                                \
    enum scheme_status name##_see(struct worker *worker, struct table *table, struct row *row)                       \
    {                                                                                                                \
        return private_see(worker, table, row, fetch);                                                               \
    }                                                                                                                \
    enum scheme_status name##_update(struct worker *worker, struct table *table, struct row *row, size_t bytes,      \
                                     const void **old, void **data)                                                  \
    {                                                                                                                \
        enum scheme_status status = want(worker, table, row);                                                        \
        return UNLIKELY(status != SCHEME_OK) ? status : private_update(worker, table, row, bytes, old, data, fetch); \
    }                                                                                                                \
    enum scheme_status name##_overwrite(struct worker *worker, struct table *table, struct row *row, size_t bytes,   \
                                        void **data)                                                                 \
    {                                                                                                                \
        enum scheme_status status = want(worker, table, row);                                                        \
        return UNLIKELY(status != SCHEME_OK) ? status : private_overwrite(worker, table, row, bytes, data, fetch);   \
    }                                                                                                                \
    enum scheme_status name##_insert(struct worker *worker, struct table *table, struct row *row, size_t bytes,      \
                                     void **data)                                                                    \
    {                                                                                                                \
        return private_insert(worker, table, row, bytes, data);                                                      \
    }                                                                                                                \
    enum scheme_status name##_erase(struct worker *worker, struct table *table, struct row *row)                     \
    {                                                                                                                \
        enum scheme_status status = want(worker, table, row);                                                        \
        return UNLIKELY(status != SCHEME_OK) ? status : private_erase(worker, table, row, fetch);                    \
    }                                                                                                                \
    enum scheme_status name##_touch(struct worker *worker, struct table *table, struct row *row, bool gains_entry)   \
    {                                                                                                                \
        enum scheme_status status = want(worker, table, row);                                                        \
        return UNLIKELY(status != SCHEME_OK) ? status                                                                \
                                             : private_touch(worker, table, row, gains_entry ? lock : NULL, fetch);  \
    }

#endif
