/* approach.c - see approach.h. */
#include "engine/txn/approach.h"

void txn_approach_version(struct mae_txn *txn, const struct table *table, char *row)
{
    version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_acquire); /* ORD-8 */
    if (LIKELY(handle == HANDLE_INLINE) || handle == HANDLE_NONE)
        return;
    const char *version = (const char *)row_version(table, row, handle);
    size_t bytes = VERSION_HEADER_BYTES + table->payload_max_bytes;
    for (size_t at = 0; at < bytes && at < APPROACH_BYTES_MAX; at += CACHE_LINE_BYTES)
        __builtin_prefetch(version + at);
    txn_yield(txn);
}

void txn_approach(struct mae_txn *txn, const struct table *table, uint64_t row_id)
{
    if (UNLIKELY(row_id >= atomic_load_explicit(&table->next_row, memory_order_acquire)))
        return; /* an entry that is peeked at may hold any number */
    char *row = table_row(table, row_id);
    txn_load_row(table, row);
    txn_yield(txn);
    txn_approach_version(txn, table, row);
}
