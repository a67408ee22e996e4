/* simple_index.c - see simple_index.h. */
#include "engine/db/simple_index.h"

#include "engine/base/check.h"
#include "engine/index/scratch.h"
#include "engine/txn/txn.h"
#include "engine/txn/worker.h"

static void on_decision(struct mae_txn *txn, bool committed)
{
    MAE_DCHECK(index_scratch_kept(txn)->deferred != NULL);
    struct tree_deferred *deferred = index_scratch_kept(txn)->deferred;
    if (committed)
        tree_deferred_apply(deferred);
    else
        tree_deferred_discard(deferred);
}

/* MAE_OK, or the reason why the transaction cannot go on. In other indexes, whose nodes are rows, the row calls check
 * this. */
static enum mae_status usable(const struct mae_txn *txn)
{
    return txn->snapshot ? MAE_OK : txn->doomed;
}

/* The worker's list of changes that wait; NULL when out of memory. */
static struct tree_deferred *deferred_begin(struct mae_txn *txn)
{
    MAE_DCHECK(txn->running && !txn->snapshot);
    struct index_scratch *scratch = index_scratch_kept(txn);
    if (!scratch->deferred)
        scratch->deferred = mem_alloc(sizeof(struct tree_deferred));
    if (scratch->deferred)
        txn->on_decision = on_decision;
    return scratch->deferred;
}

static enum mae_status doom_if_abort(struct mae_txn *txn, enum mae_status status)
{
    return mae_status_is_abort(status) ? txn_doom(txn, status) : status;
}

enum mae_status simple_index_find(struct mae_txn *txn, const struct tree_simple *index, const void *key, uint64_t *row)
{
    enum mae_status status = usable(txn);
    if (status != MAE_OK)
        return status;
    return tree_simple_find(index, txn->on_decision ? index_scratch_kept(txn)->deferred : NULL, key, row);
}

enum mae_status simple_index_insert(struct mae_txn *txn, struct tree_simple *index, const void *key, uint64_t row)
{
    if (txn->snapshot)
        return MAE_READ_ONLY;
    if (txn->doomed != MAE_OK)
        return txn->doomed;
    struct tree_deferred *deferred = deferred_begin(txn);
    return doom_if_abort(txn, deferred ? tree_simple_insert(index, deferred, key, row) : MAE_NO_MEMORY);
}

enum mae_status simple_index_remove(struct mae_txn *txn, struct tree_simple *index, const void *key, uint64_t row)
{
    if (txn->snapshot)
        return MAE_READ_ONLY;
    if (txn->doomed != MAE_OK)
        return txn->doomed;
    struct tree_deferred *deferred = deferred_begin(txn);
    return doom_if_abort(txn, deferred ? tree_simple_remove(index, deferred, key, row) : MAE_NO_MEMORY);
}

enum mae_status simple_index_scan(struct mae_txn *txn, const struct tree_simple *index, const struct table *rows,
                                  const void *lo, const void *hi, unsigned flags, uint64_t limit, mae_entry_fn visit,
                                  void *arg)
{
    enum mae_status status = usable(txn);
    if (status == MAE_OK)
        tree_simple_scan(index, rows, lo, hi, flags, limit, visit, arg);
    return status;
}
