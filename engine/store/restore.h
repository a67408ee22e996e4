/*
 * restore.h - rows that get their only version without a transaction.
 *
 * Behind the version that a row has so far, or in its place if there is none, operations may stand that were noted for
 * it (delta.h), in any order. restore_compute makes one version of all.
 *
 * For a recovery, and for the nodes of an index that is filled at once. Nobody else may use the row meanwhile; other
 * rows of the table may be written by other threads, each with a pool of its own. What has been written is visible to
 * transactions that begin after the call, and after whatever orders this thread before theirs.
 */
#ifndef ENGINE_STORE_RESTORE_H
#define ENGINE_STORE_RESTORE_H

#include "engine/store/table.h"

/* Gives the row a version for `bytes` bytes, which the caller fills in, in the place of one that it may have: the
 * inline slot, or memory of the pool. What is noted stays. NULL: out of memory, and the row is empty. The row id is
 * below table.next_row. */
struct version *restore_row(struct table *table, struct pool *pool, uint64_t row, size_t bytes, uint64_t ts,
                            enum version_status status);

/* Notes operations of this timestamp. False: out of memory. */
bool restore_note(struct table *table, struct pool *pool, uint64_t row, const void *list, size_t bytes, uint64_t ts);

/* Carries out what is noted, in the order of timestamps; what is older than the row's version has no effect. MAE_OK;
 * MAE_NO_MEMORY; MAE_CORRUPT: something is noted for a row that is not there. */
enum mae_status restore_compute(struct table *table, struct pool *pool, uint64_t row);

/* Empties the row. */
void restore_empty(struct table *table, struct pool *pool, uint64_t row);

/* Counts one more index entry that leads to the row. Any number of threads at once, also for one row. MAE_OK;
 * MAE_NOT_FOUND: there is no such row; MAE_NO_MEMORY. */
enum mae_status restore_entry(struct table *table, uint64_t row);

/* The version of a row, or NULL. */
static inline struct version *restored_version(const struct table *table, uint64_t row)
{
    char *at = table_row(table, row);
    version_handle handle = atomic_load_explicit(row_head(table, at), memory_order_relaxed);
    struct version *version = handle == HANDLE_NONE ? NULL : row_version(table, at, handle);
    return version && atomic_load_explicit(&version->status, memory_order_relaxed) != VERSION_DELTA ? version : NULL;
}

#endif
