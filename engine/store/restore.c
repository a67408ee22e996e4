/* restore.c - see restore.h. */
#include "engine/store/restore.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

static void release(struct pool *pool, char *at, version_handle handle, struct version *version)
{
    if (handle == HANDLE_INLINE)
        atomic_store_explicit(&row_inline_version(at)->status, VERSION_UNUSED, memory_order_relaxed);
    else
        pool_free(pool, handle, version);
}

/* Takes the row's version away. Returns what is noted. */
static version_handle take_version(struct table *table, struct pool *pool, uint64_t row)
{
    char *at = table_row(table, row);
    version_handle handle = atomic_load_explicit(row_head(table, at), memory_order_relaxed);
    struct version *version = restored_version(table, row);
    if (!version)
        return handle;
    version_handle noted = atomic_load_explicit(&version->older, memory_order_relaxed);
    release(pool, at, handle, version);
    return noted;
}

void restore_empty(struct table *table, struct pool *pool, uint64_t row)
{
    char *at = table_row(table, row);
    _Atomic version_handle *head = row_head(table, at);
    for (version_handle handle = atomic_load_explicit(head, memory_order_relaxed); handle != HANDLE_NONE;) {
        struct version *version = row_version(table, at, handle);
        version_handle older = atomic_load_explicit(&version->older, memory_order_relaxed);
        release(pool, at, handle, version);
        handle = older;
    }
    atomic_store_explicit(head, HANDLE_NONE, memory_order_relaxed);
}

static void complete(struct version *version, size_t bytes, uint64_t ts, enum version_status status,
                     version_handle older)
{
    version->payload_bytes = (uint16_t)bytes;
    atomic_store_explicit(&version->older, older, memory_order_relaxed);
    atomic_store_explicit(&version->wts, ts, memory_order_relaxed);
    atomic_store_explicit(&version->rts, ts, memory_order_relaxed);
    atomic_store_explicit(&version->status, status, memory_order_relaxed);
}

struct version *restore_row(struct table *table, struct pool *pool, uint64_t row, size_t bytes, uint64_t ts,
                            enum version_status status)
{
    char *at = table_row(table, row);
    MAE_DCHECK(row < atomic_load_explicit(&table->next_row, memory_order_relaxed));
    MAE_DCHECK(bytes <= table->payload_max_bytes);
    version_handle noted = take_version(table, pool, row);
    atomic_store_explicit(row_head(table, at), noted, memory_order_relaxed);
    struct version *version = row_inline_version(at);
    version_handle handle = HANDLE_INLINE;
    if (!table->inline_bytes || bytes > table->inline_bytes)
        version = pool_alloc(pool, bytes, &handle);
    if (!version) {
        restore_empty(table, pool, row);
        return NULL;
    }
    complete(version, bytes, ts, status, noted);
    atomic_store_explicit(row_head(table, at), handle, memory_order_relaxed);
    return version;
}

/* ---- Noted operations. ---- */

bool restore_note(struct table *table, struct pool *pool, uint64_t row, const void *list, size_t bytes, uint64_t ts)
{
    version_handle handle;
    struct version *noted = pool_alloc(pool, bytes, &handle), *version = restored_version(table, row);
    if (!noted)
        return false;
    _Atomic version_handle *link = version ? &version->older : row_head(table, table_row(table, row));
    complete(noted, bytes, ts, VERSION_DELTA, atomic_load_explicit(link, memory_order_relaxed));
    memcpy(noted->payload, list, bytes);
    atomic_store_explicit(link, handle, memory_order_relaxed);
    return true;
}

static int by_timestamp(const void *a, const void *b)
{
    uint64_t x = version_wts(*(struct version *const *)a), y = version_wts(*(struct version *const *)b);
    return (x > y) - (x < y);
}

/* The operations behind the version that are younger, oldest first; `most` have room in `found`. How many there are. */
static size_t gather(const struct table *table, char *at, const struct version *version, struct version **found,
                     size_t most)
{
    size_t count = 0;
    for (version_handle handle = atomic_load_explicit(&version->older, memory_order_relaxed); handle != HANDLE_NONE;) {
        struct version *noted = row_version(table, at, handle);
        if (version_wts(noted) > version_wts(version) || MUTATED(replay_repeats_operations)) {
            if (count < most)
                found[count] = noted;
            count++;
        }
        handle = atomic_load_explicit(&noted->older, memory_order_relaxed);
    }
    if (most > 0 && !MUTATED(replay_order_ignored))
        qsort(found, count, sizeof *found, by_timestamp);
    return count;
}

/* The row's value at the end; `room` has payload_max bytes. */
static size_t compute(const struct table *table, const struct version *version, struct version *const *noted,
                      size_t count, unsigned char *room)
{
    size_t bytes = version->payload_bytes;
    memcpy(room, version->payload, bytes);
    for (size_t i = 0; i < count; i++)
        bytes = delta_compute(noted[i]->payload, noted[i]->payload_bytes, room, bytes, table->payload_max_bytes);
    return bytes;
}

enum mae_status restore_compute(struct table *table, struct pool *pool, uint64_t row)
{
    char *at = table_row(table, row);
    struct version *version = restored_version(table, row);
    if (!version)
        return atomic_load_explicit(row_head(table, at), memory_order_relaxed) == HANDLE_NONE ? MAE_OK : MAE_CORRUPT;
    if (atomic_load_explicit(&version->older, memory_order_relaxed) == HANDLE_NONE)
        return MAE_OK;
    size_t count = gather(table, at, version, NULL, 0), bytes = version->payload_bytes;
    uint8_t status = atomic_load_explicit(&version->status, memory_order_relaxed);
    if (count > 0 && status == VERSION_DELETED)
        return MAE_CORRUPT;
    uint64_t ts = version_wts(version);
    struct version **noted = mem_alloc((count + 1) * sizeof *noted);
    unsigned char *room = mem_alloc(table->payload_max_bytes);
    if (noted && room) {
        (void)gather(table, at, version, noted, count);
        bytes = compute(table, version, noted, count, room);
        ts = count > 0 ? version_wts(noted[count - 1]) : ts;
        restore_empty(table, pool, row);
        version = restore_row(table, pool, row, bytes, ts, (enum version_status)status);
        if (version)
            memcpy(version->payload, room, bytes);
    }
    bool done = noted && room && version;
    free(noted);
    free(room);
    return done ? MAE_OK : MAE_NO_MEMORY;
}

/* As row_entries_set to one more, for which only one thread at a time may see the row. */
static enum mae_status count_slowly(struct table *table, char *row)
{
    pthread_mutex_lock(&table->free_lock);
    uint32_t count = row_entries(table, row) + 1;
    bool has_place = row_entries_reserve(table, row, count);
    if (has_place)
        row_entries_set(table, row, count);
    pthread_mutex_unlock(&table->free_lock);
    return has_place ? MAE_OK : MAE_NO_MEMORY;
}

enum mae_status restore_entry(struct table *table, uint64_t row)
{
    enum { ONE = 1 << ROW_ENTRIES_SHIFT };
    if (row >= atomic_load_explicit(&table->next_row, memory_order_relaxed) || !restored_version(table, row))
        return MAE_NOT_FOUND;
    char *at = table_row(table, row);
    _Atomic uint8_t *lock = row_lock(table, at);
    uint8_t byte = atomic_load_explicit(lock, memory_order_relaxed);
    /* Ends: where the exchange fails, another thread has counted. A count that has come to MANY stays there, so nobody
     * passes by those who count slowly. */
    while ((byte >> ROW_ENTRIES_SHIFT) + 1 < ROW_ENTRIES_MANY)
        if (atomic_compare_exchange_weak_explicit(lock, &byte, (uint8_t)(byte + ONE), memory_order_relaxed,
                                                  memory_order_relaxed)) /* ORD-4 */
            return MAE_OK;
    return count_slowly(table, at);
}
