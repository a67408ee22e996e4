/*
 * restore.h - rows that get their only version without a transaction.
 *
 * For a recovery, and for the nodes of an index that is filled at once. Nobody else may use the row meanwhile; other
 * rows of the table may be written by other threads, each with a pool of its own. What has been written is visible to
 * transactions that begin after the call, and after whatever orders this thread before theirs.
 */
#ifndef ENGINE_STORE_RESTORE_H
#define ENGINE_STORE_RESTORE_H

#include "engine/store/table.h"

/* Gives the row a version for `bytes` bytes, which the caller fills in, in the place of one that it may have: the
 * inline slot, or memory of the pool. NULL: out of memory, and the row is empty. The row id is below table.next_row. */
struct version *restore_row(struct table *table, struct pool *pool, uint64_t row, size_t bytes, uint64_t ts,
                            enum version_status status);

/* Empties the row. */
void restore_empty(struct table *table, struct pool *pool, uint64_t row);

/* Counts one more index entry that leads to the row. Any number of threads at once, also for one row. MAE_OK;
 * MAE_NOT_FOUND: there is no such row; MAE_NO_MEMORY. */
enum mae_status restore_entry(struct table *table, uint64_t row);

/* The only version of a row, or NULL. */
static inline struct version *restored_version(const struct table *table, uint64_t row)
{
    char *at = table_row(table, row);
    version_handle handle = atomic_load_explicit(row_head(table, at), memory_order_relaxed);
    return handle == HANDLE_NONE ? NULL : row_version(table, at, handle);
}

#endif
