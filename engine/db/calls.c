/* calls.c - transactions, rows and index entries of the public interface, as compositions of the layers below; see
 * maemio.h. */
#include "engine/db/guard.h"
#include "engine/db/index_ops.h"
#include "engine/db/savepoint.h"
#include "engine/txn/approach.h"
#include "engine/txn/commit.h"
#include "engine/txn/entries.h"
#include "engine/txn/access_inline.h"
#include "engine/txn/logging.h"
#include "engine/txn/txn.h"

/* ---- Transactions. ---- */

enum mae_status mae_begin(struct mae_worker *worker, enum mae_mode mode, uint64_t after, struct mae_txn **txn)
{
    GUARDED const struct guard guard = guard_worker(worker);
    return guard.status != MAE_OK ? guard.status : txn_begin(worker, mode, after, txn);
}

enum mae_status mae_commit(struct mae_txn *txn)
{
    GUARDED const struct guard guard = guard_txn(txn);
    if (guard.status != MAE_OK)
        return guard.status;
    enum mae_status status = txn_commit(txn);
    if (UNLIKELY(txn->scratch_used) && status == MAE_OK)
        hash_index_grow_all(txn);
    return status;
}

enum mae_status mae_abort(struct mae_txn *txn)
{
    GUARDED const struct guard guard = guard_txn(txn);
    if (guard.status == MAE_OK)
        txn_abort(txn);
    return guard.status;
}

uint64_t mae_txn_timestamp(const struct mae_txn *txn)
{
    return txn->snapshot ? txn->ts - 1 : txn->ts;
}

struct mae_worker *mae_txn_worker(const struct mae_txn *txn)
{
    return txn->worker;
}

/* ---- Rows. ---- */

static ALWAYS_INLINE bool row_exists(const struct mae_table *table, uint64_t row)
{
    return LIKELY(row < atomic_load_explicit(&table->rows.next_row, memory_order_acquire));
}

/* Before a row is read by its number. */
static ALWAYS_INLINE void approach_row(struct mae_txn *txn, const struct mae_table *table, uint64_t row)
{
    if (UNLIKELY(txn->yields) && txn->running)
        txn_approach(txn, &table->rows, row);
}

/* Before an entry of an index is looked for. An ordered index approaches its nodes on the way down. */
static ALWAYS_INLINE void approach_entry(struct mae_txn *txn, struct mae_index *index, const void *key)
{
    if (UNLIKELY(txn->yields) && index_is_hashed(index))
        hash_index_approach(txn, &index->hash, key);
}

enum mae_status mae_row_read(struct mae_txn *txn, struct mae_table *table, uint64_t row, const void **data,
                             size_t *bytes)
{
    GUARDED const struct guard guard = guard_table_hot(txn, table);
    if (guard.status != MAE_OK)
        return guard.status;
    approach_row(txn, table, row);
    if (LIKELY(row_exists(table, row)) && LIKELY(txn->plain) && LIKELY(table->rows.inline_bytes > 0) &&
        LIKELY(txn_read_fast(txn, &table->rows, table_row(&table->rows, row), data, bytes)))
        return MAE_OK;
    return row_exists(table, row) ? txn_read(txn, &table->rows, row, data, bytes) : MAE_INVALID;
}

enum mae_status mae_row_update(struct mae_txn *txn, struct mae_table *table, uint64_t row, size_t bytes,
                               const void **old, void **data)
{
    GUARDED const struct guard guard = guard_table_hot(txn, table);
    if (guard.status != MAE_OK)
        return guard.status;
    approach_row(txn, table, row);
    if (LIKELY(row_exists(table, row)) && LIKELY(txn->plain) && LIKELY(bytes == 0) &&
        LIKELY(txn_update_fast(txn, &table->rows, table_row(&table->rows, row), old, data)))
        return MAE_OK;
    return row_exists(table, row) ? txn_update(txn, &table->rows, row, bytes, old, data) : MAE_INVALID;
}

/* As txn_update, with the sizes. A row that the transaction has written before changes in place, so its old size is
 * looked up before the update. */
static enum mae_status update_sized(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes,
                                    const void **old, size_t *old_bytes, void **data, size_t *new_bytes)
{
    const void *read;
    size_t before = 0;
    bool own = txn->running && txn_own_bytes(txn, table, row, &before) && !MUTATED(sized_after);
    enum mae_status status = txn_update(txn, table, row, bytes, &read, data);
    if (UNLIKELY(status != MAE_OK))
        return status;
    if (old)
        *old = read;
    if (old_bytes)
        *old_bytes = own ? before : txn_payload_bytes(read);
    if (new_bytes)
        *new_bytes = txn_payload_bytes(*data);
    return MAE_OK;
}

enum mae_status mae_row_update_sized(struct mae_txn *txn, struct mae_table *table, uint64_t row, size_t bytes,
                                     const void **old, size_t *old_bytes, void **data, size_t *new_bytes)
{
    GUARDED const struct guard guard = guard_table(txn, table);
    if (guard.status != MAE_OK)
        return guard.status;
    approach_row(txn, table, row);
    return row_exists(table, row) ? update_sized(txn, &table->rows, row, bytes, old, old_bytes, data, new_bytes)
                                  : MAE_INVALID;
}

enum mae_status mae_row_overwrite(struct mae_txn *txn, struct mae_table *table, uint64_t row, size_t bytes, void **data)
{
    GUARDED const struct guard guard = guard_table(txn, table);
    if (guard.status != MAE_OK)
        return guard.status;
    approach_row(txn, table, row);
    return row_exists(table, row) ? txn_overwrite(txn, &table->rows, row, bytes, data) : MAE_INVALID;
}

/* The operation, if a table has such. MAE_OK, MAE_INVALID or MAE_TOO_LARGE. */
static enum mae_status operation(const struct table *table, enum mae_function function, size_t offset, size_t bytes,
                                 struct delta_op *op)
{
    if (!delta_op_is_valid(function, offset, bytes, MAE_PAYLOAD_MAX_BYTES))
        return delta_op_is_valid(function, 0, bytes, MAE_PAYLOAD_MAX_BYTES) && function != MAE_APPEND ? MAE_TOO_LARGE
                                                                                                      : MAE_INVALID;
    if (!delta_op_is_valid(function, offset, bytes, table->payload_max_bytes))
        return MAE_TOO_LARGE;
    *op = (struct delta_op){.function = (uint8_t)function, .offset = (uint16_t)offset, .bytes = (uint16_t)bytes};
    return MAE_OK;
}

static enum mae_status apply(struct mae_txn *txn, struct table *table, uint64_t row, enum mae_function function,
                             size_t offset, const void *operand, size_t bytes)
{
    struct delta_op op;
    if (UNLIKELY(txn->snapshot))
        return MAE_READ_ONLY;
    enum mae_status status = operation(table, function, offset, bytes, &op);
    if (UNLIKELY(status != MAE_OK))
        return txn->doomed == MAE_OK ? status : txn->doomed;
    return txn_apply(txn, table, row, &op, operand);
}

enum mae_status mae_row_apply(struct mae_txn *txn, struct mae_table *table, uint64_t row, enum mae_function function,
                              size_t offset, const void *operand, size_t bytes)
{
    GUARDED const struct guard guard = guard_table(txn, table);
    if (guard.status != MAE_OK)
        return guard.status;
    return row_exists(table, row) ? apply(txn, &table->rows, row, function, offset, operand, bytes) : MAE_INVALID;
}

enum mae_status mae_row_insert(struct mae_txn *txn, struct mae_table *table, size_t bytes, uint64_t *row, void **data)
{
    GUARDED const struct guard guard = guard_table(txn, table);
    if (guard.status != MAE_OK)
        return guard.status;
    return txn_insert(txn, &table->rows, bytes, row, data);
}

enum mae_status mae_row_delete(struct mae_txn *txn, struct mae_table *table, uint64_t row)
{
    GUARDED const struct guard guard = guard_table(txn, table);
    if (guard.status != MAE_OK)
        return guard.status;
    approach_row(txn, table, row);
    return row_exists(table, row) ? txn_delete(txn, &table->rows, row) : MAE_INVALID;
}

uint64_t mae_table_row_limit(const struct mae_table *table)
{
    return atomic_load_explicit(&table->rows.next_row, memory_order_acquire);
}

/* Of `scan` and `visit` one is NULL. */
static ALWAYS_INLINE enum mae_status visit_rows(struct mae_txn *txn, struct mae_table *table, uint64_t first,
                                                uint64_t count, mae_row_fn scan, mae_row_visitor visit, void *arg)
{
    if (!txn->snapshot)
        return MAE_INVALID;
    uint64_t limit = mae_table_row_limit(table);
    if (first >= limit)
        return MAE_OK;
    uint64_t end = count < limit - first ? first + count : limit;
    for (uint64_t row = first; row < end; row++) {
        txn_prefetch_walk(&table->rows, row, end);
        const void *data;
        size_t bytes;
        enum mae_status status = txn_peek(txn, &table->rows, row, &data, &bytes);
        if (status == MAE_NOT_FOUND)
            continue;
        if (status != MAE_OK)
            return status;
        if (visit)
            status = visit(arg, row, data, bytes);
        else
            status = scan(arg, row, data, bytes) ? MAE_OK : MAE_STOP;
        if (UNLIKELY(status != MAE_OK) && (!scan || txn->running))
            return status == MAE_STOP ? MAE_OK : status;
        if (UNLIKELY(!txn->running)) /* it has ended the transaction */
            return MAE_INVALID;
    }
    return MAE_OK;
}

enum mae_status mae_table_scan(struct mae_txn *txn, struct mae_table *table, uint64_t first, uint64_t count,
                               mae_row_fn visit, void *arg)
{
    GUARDED const struct guard guard = guard_table(txn, table);
    return guard.status != MAE_OK ? guard.status : visit_rows(txn, table, first, count, visit, NULL, arg);
}

enum mae_status mae_table_visit(struct mae_txn *txn, struct mae_table *table, uint64_t first, uint64_t count,
                                mae_row_visitor visit, void *arg)
{
    GUARDED const struct guard guard = guard_table(txn, table);
    return guard.status != MAE_OK ? guard.status : visit_rows(txn, table, first, count, NULL, visit, arg);
}

/* ---- Index entries. ---- */

enum mae_status mae_index_find(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    approach_entry(txn, index, key);
    return index->ops->find(txn, index, key, row);
}

/* Tells the log, if there is one, of an entry that has come or gone. */
static ALWAYS_INLINE enum mae_status note_entry(struct mae_txn *txn, const struct mae_index *index, const void *key,
                                                uint64_t row, bool added)
{
    if (LIKELY(!txn->worker->log))
        return MAE_OK;
    return logging_note_entry(txn, index->number, index_key_data(index, key), index_key_length(index, key), row, added);
}

enum mae_status mae_index_insert(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    if (UNLIKELY(!row_exists(index->table, row)) || UNLIKELY(!index_has_key(index, key)))
        return txn->snapshot ? MAE_READ_ONLY : MAE_INVALID;
    approach_entry(txn, index, key);
    enum mae_status status = txn_gain_entry(txn, &index->table->rows, row); /* the row counts its entries (I4) */
    if (UNLIKELY(status != MAE_OK))
        return status;
    status = index->ops->insert(txn, index, key, row);
    if (status == MAE_EXISTS)
        txn_gain_refused(txn, &index->table->rows, row); /* and has counted one too many */
    return status == MAE_OK ? note_entry(txn, index, key, row, true) : status;
}

enum mae_status mae_index_remove(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    txn->frees = true;
    if (UNLIKELY(!row_exists(index->table, row)))
        return txn->snapshot ? MAE_READ_ONLY : MAE_INVALID;
    approach_entry(txn, index, key);
    enum mae_status status = index->ops->remove(txn, index, key, row);
    return status == MAE_OK ? note_entry(txn, index, key, row, false) : status;
}

enum mae_status mae_index_scan(struct mae_txn *txn, struct mae_index *index, const void *lo, const void *hi,
                               unsigned flags, uint64_t limit, mae_entry_fn visit, void *arg)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    SCANNING const struct savepoint_scan scan = savepoint_scan_begin(txn);
    enum mae_status status = index->ops->scan(txn, index, lo, hi, flags, limit, visit, arg);
    return LIKELY(txn->running) ? status : MAE_INVALID; /* `visit` has ended it */
}

void mae_prefetch(struct mae_txn *txn, struct mae_index *index, const void *keys, size_t count)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return;
    index->ops->prefetch(txn, index, keys, count);
}

/*
 * ---- Rows by key. ----
 * The row of a hit is validated instead of the index: a transaction that takes the entry away writes the row, too (I3).
 */

static ALWAYS_INLINE enum mae_status find_entry(struct mae_txn *txn, struct mae_index *index, const void *key,
                                                uint64_t *row)
{
    if (LIKELY(index_is_hashed(index))) {
        enum hash_found found = hash_index_find_fast(txn, &index->hash, hash_hint(&index->hash), key, row);
        if (UNLIKELY(found == HASH_FOUND_NOT))
            return hash_index_find(txn, &index->hash, key, false, row);
        hash_index_used(txn, found);
        return MAE_OK;
    }
    return index->ops->hit(txn, index, key, row);
}

static ALWAYS_INLINE enum mae_status find_yielding(struct mae_txn *txn, struct mae_index *index, const void *key,
                                                   uint64_t *row)
{
    const struct table *table = &index->table->rows;
    if (LIKELY(index_is_hashed(index)) && LIKELY(hash_index_approach_row(txn, &index->hash, table, key, row)))
        return MAE_OK;
    enum mae_status status = find_entry(txn, index, key, row);
    if (LIKELY(status == MAE_OK))
        txn_approach(txn, table, *row);
    return status;
}

static ALWAYS_INLINE enum mae_status find(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row)
{
    return UNLIKELY(txn->yields) ? find_yielding(txn, index, key, row) : find_entry(txn, index, key, row);
}

/*
 * For a row that has lost an entry. The lost entry may be the one that led here: when this transaction looked at it,
 * the removal may not have been in the index yet. A transaction that sees a MOVED version finds that every entry which
 * the row had lost by then is gone. So this looks at the entry again. A later removal supersedes the row's version.
 */
static COLD enum mae_status entry_again(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    uint64_t again = 0;
    if (!index->ops->multi_version || txn->snapshot || MUTATED(moved_entry_unseen))
        return MAE_OK;
    enum mae_status status = index->ops->hit(txn, index, key, &again);
    if (status == MAE_NOT_FOUND || (status == MAE_OK && again != row))
        return txn_doom(txn, MAE_ABORT_INDEX);
    return status;
}

/* For an entry that led to a row which does not exist: the entry has been superseded since. A snapshot can meet that
 * only in a single-version index. It cannot abort, so it reports that there is no such row. */
static ALWAYS_INLINE enum mae_status found_row(struct mae_txn *txn, struct mae_index *index, const void *key,
                                               uint64_t row, enum mae_status status)
{
    if (LIKELY(status == MAE_OK))
        return LIKELY(!txn->met_moved) ? MAE_OK : entry_again(txn, index, key, row);
    return status != MAE_NOT_FOUND || txn->snapshot ? status : txn_doom(txn, MAE_ABORT_INDEX);
}

/*
 * There are three paths to a row: `direct` for a transaction with txn->direct, in an index that has not grown; `hinted`
 * with announced keys, or in an index that has grown; `general` for all other cases. See DESIGN.md, "What an operation
 * costs".
 */
static NOINLINE enum mae_status read_general(struct mae_txn *txn, struct mae_index *index, const void *key,
                                             const void **data, size_t *bytes)
{
    if (UNLIKELY(!guard_db_fits(txn, &index->db))) /* not even the index may be looked at */
        return MAE_INVALID;
    uint64_t row;
    enum mae_status status = find(txn, index, key, &row);
    if (UNLIKELY(status != MAE_OK))
        return status;
    return found_row(txn, index, key, row, txn_read(txn, &index->table->rows, row, data, bytes));
}

static NOINLINE enum mae_status update_general(struct mae_txn *txn, struct mae_index *index, const void *key,
                                               size_t bytes, const void **old, void **data)
{
    if (UNLIKELY(!guard_db_fits(txn, &index->db))) /* not even the index may be looked at */
        return MAE_INVALID;
    uint64_t row;
    enum mae_status status = find(txn, index, key, &row);
    if (UNLIKELY(status != MAE_OK))
        return status;
    return found_row(txn, index, key, row, txn_update(txn, &index->table->rows, row, bytes, old, data));
}

static ALWAYS_INLINE struct table *rows_of(const struct mae_index *index)
{
    return &index->table->rows;
}

static NOINLINE enum mae_status read_hinted(struct mae_txn *txn, struct mae_index *index, const void *key,
                                            const void **data, size_t *bytes)
{
    uint64_t row;
    struct table *table = rows_of(index);
    enum hash_found found = hash_index_find_fast(txn, &index->hash, hash_hint(&index->hash), key, &row);
    if (UNLIKELY(!txn->plain) || UNLIKELY(found == HASH_FOUND_NOT) ||
        UNLIKELY(!txn_read_fast(txn, table, table_row(table, row), data, bytes)))
        return read_general(txn, index, key, data, bytes);
    hash_index_used(txn, found);
    return MAE_OK;
}

static NOINLINE enum mae_status update_hinted(struct mae_txn *txn, struct mae_index *index, const void *key,
                                              const void **old, void **data)
{
    uint64_t row;
    struct table *table = rows_of(index);
    enum hash_found found = hash_index_find_fast(txn, &index->hash, hash_hint(&index->hash), key, &row);
    if (UNLIKELY(!txn->plain) || UNLIKELY(found == HASH_FOUND_NOT) ||
        UNLIKELY(!txn_update_fast(txn, table, table_row(table, row), old, data)))
        return update_general(txn, index, key, 0, old, data);
    hash_index_used(txn, found);
    return MAE_OK;
}

static NOINLINE enum mae_status read_direct(struct mae_txn *txn, struct mae_index *index, const void *key,
                                            const void **data, size_t *bytes, char *base)
{
    uint64_t row;
    struct table *table = rows_of(index);
    if (UNLIKELY(!hash_index_find_direct(txn, &index->hash, base, key, &row)) ||
        UNLIKELY(!txn_read_fast(txn, table, table_row(table, row), data, bytes)))
        return read_general(txn, index, key, data, bytes);
    return MAE_OK;
}

static NOINLINE enum mae_status update_direct(struct mae_txn *txn, struct mae_index *index, const void *key,
                                              const void **old, void **data, char *base)
{
    uint64_t row;
    struct table *table = rows_of(index);
    if (UNLIKELY(!hash_index_find_direct(txn, &index->hash, base, key, &row)) ||
        UNLIKELY(!txn_update_fast(txn, table, table_row(table, row), old, data)))
        return update_general(txn, index, key, 0, old, data);
    return MAE_OK;
}

static NOINLINE enum mae_status read_yielding(struct mae_txn *txn, struct mae_index *index, const void *key,
                                              const void **data, size_t *bytes)
{
    if (UNLIKELY(!guard_db_fits(txn, &index->db))) /* not even the index may be looked at */
        return MAE_INVALID;
    uint64_t row;
    struct table *table = rows_of(index);
    enum mae_status status = find_yielding(txn, index, key, &row);
    if (UNLIKELY(status != MAE_OK))
        return status;
    if (LIKELY(txn->plain) && LIKELY(table->inline_bytes > 0) &&
        LIKELY(txn_read_fast(txn, table, table_row(table, row), data, bytes)))
        return MAE_OK;
    return found_row(txn, index, key, row, txn_read(txn, table, row, data, bytes));
}

static NOINLINE enum mae_status update_yielding(struct mae_txn *txn, struct mae_index *index, const void *key,
                                                const void **old, void **data)
{
    if (UNLIKELY(!guard_db_fits(txn, &index->db))) /* not even the index may be looked at */
        return MAE_INVALID;
    uint64_t row;
    struct table *table = rows_of(index);
    enum mae_status status = find_yielding(txn, index, key, &row);
    if (UNLIKELY(status != MAE_OK))
        return status;
    if (LIKELY(txn->plain) && LIKELY(txn_update_fast(txn, table, table_row(table, row), old, data)))
        return MAE_OK;
    return found_row(txn, index, key, row, txn_update(txn, table, row, 0, old, data));
}

enum mae_status mae_read_row(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row,
                             const void **data, size_t *bytes)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    enum mae_status status = find(txn, index, key, row);
    if (UNLIKELY(status != MAE_OK))
        return status;
    return found_row(txn, index, key, *row, txn_read(txn, &index->table->rows, *row, data, bytes));
}

/* Dispatch only: each branch is a tail call, so this function saves no registers. */
enum mae_status mae_read(struct mae_txn *txn, struct mae_index *index, const void *key, const void **data,
                         size_t *bytes)
{
    GUARDED const struct guard guard = guard_index_hot(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    if (UNLIKELY(!index_is_hashed(index)))
        return read_general(txn, index, key, data, bytes);
    char *base = atomic_load_explicit(&index->hash.direct, memory_order_relaxed);
    if (LIKELY(base != NULL) && LIKELY(txn->direct))
        return read_direct(txn, index, key, data, bytes, base);
    if (UNLIKELY(txn->yields))
        return read_yielding(txn, index, key, data, bytes);
    return read_hinted(txn, index, key, data, bytes);
}

enum mae_status mae_update(struct mae_txn *txn, struct mae_index *index, const void *key, size_t bytes,
                           const void **old, void **data)
{
    GUARDED const struct guard guard = guard_index_hot(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    if (UNLIKELY(!index_is_hashed(index)) || UNLIKELY(bytes != 0))
        return update_general(txn, index, key, bytes, old, data);
    char *base = atomic_load_explicit(&index->hash.direct, memory_order_relaxed);
    if (LIKELY(base != NULL) && LIKELY(txn->direct))
        return update_direct(txn, index, key, old, data, base);
    if (UNLIKELY(txn->yields))
        return update_yielding(txn, index, key, old, data);
    return update_hinted(txn, index, key, old, data);
}

enum mae_status mae_update_sized(struct mae_txn *txn, struct mae_index *index, const void *key, size_t bytes,
                                 const void **old, size_t *old_bytes, void **data, size_t *new_bytes)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    uint64_t row;
    enum mae_status status = find(txn, index, key, &row);
    if (UNLIKELY(status != MAE_OK))
        return status;
    return found_row(txn, index, key, row,
                     update_sized(txn, rows_of(index), row, bytes, old, old_bytes, data, new_bytes));
}

enum mae_status mae_overwrite(struct mae_txn *txn, struct mae_index *index, const void *key, size_t bytes, void **data)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    uint64_t row;
    enum mae_status status = find(txn, index, key, &row);
    if (UNLIKELY(status != MAE_OK))
        return status;
    return found_row(txn, index, key, row, txn_overwrite(txn, &index->table->rows, row, bytes, data));
}

enum mae_status mae_apply(struct mae_txn *txn, struct mae_index *index, const void *key, enum mae_function function,
                          size_t offset, const void *operand, size_t bytes)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    uint64_t row;
    enum mae_status status = find(txn, index, key, &row);
    if (UNLIKELY(status != MAE_OK))
        return status;
    return found_row(txn, index, key, row, apply(txn, rows_of(index), row, function, offset, operand, bytes));
}

enum mae_status mae_insert(struct mae_txn *txn, struct mae_index *index, const void *key, size_t bytes, uint64_t *row,
                           void **data)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    uint64_t inserted = 0;
    if (UNLIKELY(txn->snapshot))
        return MAE_READ_ONLY;
    if (UNLIKELY(!index_has_key(index, key)))
        return MAE_INVALID;
    /* The entry comes last: then after MAE_EXISTS only the row must be taken back. */
    enum mae_status status = txn_insert(txn, &index->table->rows, bytes, &inserted, data);
    if (status != MAE_OK)
        return status;
    status = mae_index_insert(txn, index, key, inserted);
    if (status == MAE_EXISTS)
        (void)txn_delete(txn, &index->table->rows, inserted); /* own insert: only marks it */
    else if (row)
        *row = inserted;
    return status;
}

enum mae_status mae_upsert(struct mae_txn *txn, struct mae_index *index, const void *key, size_t bytes,
                           const void **old, size_t *old_bytes, void **data, uint64_t *row)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    uint64_t found;
    if (index->config.non_unique)
        return MAE_UNSUPPORTED;
    if (UNLIKELY(txn->snapshot))
        return MAE_READ_ONLY;
    enum mae_status status = find(txn, index, key, &found);
    if (status == MAE_OK) {
        status = found_row(txn, index, key, found,
                           update_sized(txn, rows_of(index), found, bytes, old, old_bytes, data, NULL));
        if (status == MAE_OK && row)
            *row = found;
        return status;
    }
    if (status != MAE_NOT_FOUND)
        return status;
    if (old && !MUTATED(upsert_old_left))
        *old = NULL;
    if (old_bytes)
        *old_bytes = 0;
    status = mae_insert(txn, index, key, bytes, row, data);
    return status == MAE_EXISTS ? txn_doom(txn, MAE_ABORT_INDEX) : status; /* the index has changed since the miss */
}

enum mae_status mae_delete(struct mae_txn *txn, struct mae_index *index, const void *key)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    uint64_t row;
    if (UNLIKELY(txn->snapshot))
        return MAE_READ_ONLY;
    enum mae_status status = find(txn, index, key, &row);
    if (status == MAE_OK)
        status = found_row(txn, index, key, row, txn_delete(txn, &index->table->rows, row));
    if (status == MAE_OK && !MUTATED(delete_leaves_entry)) {
        status = mae_index_remove(txn, index, key, row);
        if (status == MAE_NOT_FOUND) /* the entry has been superseded since it was looked at */
            status = txn_doom(txn, MAE_ABORT_INDEX);
    }
    return status;
}
