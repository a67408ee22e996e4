/* restore.c - see restore.h. */
#include "engine/store/restore.h"

void restore_empty(struct table *table, struct pool *pool, uint64_t row)
{
    char *at = table_row(table, row);
    _Atomic version_handle *head = row_head(table, at);
    version_handle handle = atomic_load_explicit(head, memory_order_relaxed);
    if (handle == HANDLE_INLINE)
        atomic_store_explicit(&row_inline_version(at)->status, VERSION_UNUSED, memory_order_relaxed);
    else if (handle != HANDLE_NONE)
        pool_free(pool, handle, row_version(table, at, handle));
    atomic_store_explicit(head, HANDLE_NONE, memory_order_relaxed);
}

struct version *restore_row(struct table *table, struct pool *pool, uint64_t row, size_t bytes, uint64_t ts,
                            enum version_status status)
{
    char *at = table_row(table, row);
    MAE_DCHECK(row < atomic_load_explicit(&table->next_row, memory_order_relaxed));
    MAE_DCHECK(bytes <= table->payload_max_bytes);
    restore_empty(table, pool, row);
    struct version *version = row_inline_version(at);
    version_handle handle = HANDLE_INLINE;
    if (!table->inline_bytes || bytes > table->inline_bytes)
        version = pool_alloc(pool, bytes, &handle);
    if (!version)
        return NULL;
    version->payload_bytes = (uint16_t)bytes;
    atomic_store_explicit(&version->older, HANDLE_NONE, memory_order_relaxed);
    atomic_store_explicit(&version->wts, ts, memory_order_relaxed);
    atomic_store_explicit(&version->rts, ts, memory_order_relaxed);
    atomic_store_explicit(&version->status, status, memory_order_relaxed);
    atomic_store_explicit(row_head(table, at), handle, memory_order_relaxed);
    return version;
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
