/*
 * build.c - adding the entries of rows that were there before an index was; see maemio.h.
 *
 *   B1  In the end the index has the entry of each row that the table has. A row that was inserted by a transaction
 *       that had begun before the build has its entry from the build: the build waits for such transactions (turn.h),
 *       and its worker then comes back above all clocks (horizon_unpark), so it reads what they have committed. Any
 *       other row has its entry from the caller.
 *   B2  Entries are added in transactions like any other. So an entry is that of the row as it is at that place in the
 *       order, a clash of keys is one that there was, and rows count the entries (I4).
 *
 * A batch that aborts is tried again with half of the rows, so that rows which are written all the time hold up only
 * themselves.
 * Checked by: tests/unit/db/build.c, tests/stress/build.c; mutations build_waits_for_nobody and build_passes_clash.
 */
#include "engine/db/guard.h"
#include "engine/db/index_ops.h"
#include "engine/txn/membership.h"
#include "engine/txn/turn.h"
#include "engine/txn/txn.h"

#ifdef MAE_DEBUG
enum { BATCH_ROWS = 4 }; /* so that tests of a few rows have several batches */
#else
enum { BATCH_ROWS = 64 };
#endif
enum { BATCH_BYTES = 64 * 1024 };

struct build {
    struct mae_index *index;
    mae_key_fn key_of;
    void *arg;
    uint64_t row, limit; /* the batch's rows; it may end before the limit */
};

/* The row has the key. */
static enum mae_status add_entry(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    uint64_t there;
    enum mae_status status = index->config.non_unique ? MAE_NOT_FOUND : mae_index_find(txn, index, key, &there);
    if (status == MAE_OK)
        return there == row || MUTATED(build_passes_clash) ? MAE_OK : MAE_EXISTS;
    if (status != MAE_NOT_FOUND)
        return status;
    status = mae_index_insert(txn, index, key, row);
    if (status != MAE_EXISTS)
        return status;
    /* Of a non-unique index it was this entry. Of another one the key has come since it was looked for. */
    return index->config.non_unique ? MAE_OK : txn_doom(txn, MAE_ABORT_INDEX);
}

static enum mae_status add_batch(struct mae_txn *txn, void *arg)
{
    struct build *build = arg;
    size_t bytes_left = BATCH_BYTES;
    unsigned char key[sizeof(struct mae_key)];
    enum mae_status status = MAE_OK;
    uint64_t row = build->row;
    for (; row < build->limit && status == MAE_OK; row++) {
        const void *data;
        size_t bytes = 0;
        status = mae_row_read(txn, build->index->table, row, &data, &bytes);
        if (status == MAE_OK)
            status = build->key_of(build->arg, row, data, bytes, key);
        if (status == MAE_NOT_FOUND) { /* there is no row, or it has no key */
            status = MAE_OK;
            continue;
        }
        if (status == MAE_OK)
            status = add_entry(txn, build->index, key, row);
        if (bytes >= bytes_left)
            build->limit = row + 1;
        bytes_left -= bytes < bytes_left ? bytes : bytes_left;
    }
    return status;
}

/* B1: until the transactions that do not know the index are over. */
static enum mae_status wait_for_others(struct mae_worker *worker)
{
    struct mae_db *db = db_of(worker);
    pthread_mutex_lock(&db->lock);
    worker_park(worker);
    bool over = MUTATED(build_waits_for_nobody) || turn_wait(worker, false, MAE_DROP_PATIENCE_MS);
    pthread_mutex_unlock(&db->lock);
    return over ? MAE_OK : MAE_BUSY;
}

static enum mae_status add_all(struct mae_worker *worker, struct build *build)
{
    const uint64_t rows = mae_table_row_limit(build->index->table);
    uint64_t count = BATCH_ROWS;
    while (build->row < rows) {
        build->limit = rows - build->row < count ? rows : build->row + count;
        enum mae_status status = mae_run(worker, MAE_READ_WRITE, add_batch, build, 1);
        if (status == MAE_OK) {
            build->row = build->limit;
            count = BATCH_ROWS;
        } else if (mae_status_is_retryable(status)) {
            count = count > 1 ? count / 2 : 1;
        } else {
            return status;
        }
    }
    return MAE_OK;
}

enum mae_status mae_index_build(struct mae_worker *worker, struct mae_index *index, mae_key_fn key_of, void *arg)
{
    if (!worker || !index || !key_of)
        return MAE_INVALID;
    GUARDED const struct guard guard = guard_worker(worker);
    if (guard.status != MAE_OK)
        return guard.status;
    if (worker->txn.running)
        return MAE_BUSY;
    if (atomic_load_explicit(&index->db, memory_order_relaxed) != db_of(worker))
        return MAE_INVALID;
    struct build build = {.index = index, .key_of = key_of, .arg = arg};
    enum mae_status status = wait_for_others(worker);
    return status == MAE_OK ? add_all(worker, &build) : status;
}
