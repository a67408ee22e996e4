/* cursor.c - cursors over ordered indexes, and the visitors that are made of them; see maemio.h and index/cursor.h. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/db/guard.h"
#include "engine/db/index_ops.h"
#include "engine/txn/txn.h"

struct mae_cursor {
    struct mae_txn *txn;
    struct mae_index *index;
    uint64_t epoch; /* of the transaction's access set: with another epoch it is another transaction */
    struct index_cursor at;
};

static void bound_set(const struct mae_index *index, struct cursor_bound *bound, const void *key, bool open)
{
    bound->set = key != NULL;
    bound->open = open;
    if (key)
        memcpy(bound->key, key, index_key_length(index, key) + index->config.variable);
}

/* Fills a cursor of zeros. */
static enum mae_status start(struct mae_cursor *cursor, struct mae_txn *txn, struct mae_index *index, const void *lo,
                             const void *hi, unsigned flags)
{
    if (!index->ops->next)
        return MAE_UNSUPPORTED;
    if (flags & ~(unsigned)(MAE_SCAN_BACKWARD | MAE_SCAN_LO_OPEN | MAE_SCAN_HI_OPEN))
        return MAE_INVALID;
    cursor->txn = txn;
    cursor->index = index;
    cursor->epoch = txn->accesses.epoch;
    cursor->at.backward = (flags & MAE_SCAN_BACKWARD) != 0;
    bound_set(index, &cursor->at.lo, lo, (flags & MAE_SCAN_LO_OPEN) != 0);
    bound_set(index, &cursor->at.hi, hi, (flags & MAE_SCAN_HI_OPEN) != 0);
    return txn->doomed;
}

/* The transaction's epoch moves on at its end, so this notices also one that has ended. */
static enum mae_status advance(struct mae_cursor *cursor)
{
    struct mae_txn *txn = cursor->txn;
    if (UNLIKELY(txn->accesses.epoch != cursor->epoch))
        return MAE_INVALID;
    return UNLIKELY(txn->doomed != MAE_OK) ? txn->doomed : cursor->index->ops->next(txn, cursor->index, &cursor->at);
}

enum mae_status mae_cursor_open(struct mae_txn *txn, struct mae_index *index, const void *lo, const void *hi,
                                unsigned flags, struct mae_cursor **cursor)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    struct mae_cursor *made = mem_alloc(sizeof *made);
    if (!made)
        return txn_doom(txn, MAE_NO_MEMORY);
    enum mae_status status = start(made, txn, index, lo, hi, flags);
    if (status == MAE_OK)
        *cursor = made;
    else
        free(made);
    return status;
}

enum mae_status mae_cursor_next(struct mae_cursor *cursor, const void **key, uint64_t *row)
{
    if (UNLIKELY(!cursor))
        return MAE_INVALID;
    GUARDED const struct guard guard = guard_index(cursor->txn, cursor->index);
    if (guard.status != MAE_OK)
        return guard.status;
    enum mae_status status = advance(cursor);
    if (status != MAE_OK)
        return status;
    if (key)
        *key = cursor->at.position.key;
    *row = cursor->at.position.row;
    return MAE_OK;
}

void mae_cursor_close(struct mae_cursor *cursor)
{
    free(cursor);
}

enum mae_status mae_index_visit(struct mae_txn *txn, struct mae_index *index, const void *lo, const void *hi,
                                unsigned flags, mae_entry_visitor visit, void *arg)
{
    GUARDED const struct guard guard = guard_index(txn, index);
    if (guard.status != MAE_OK)
        return guard.status;
    struct mae_cursor cursor = {.txn = NULL};
    enum mae_status status = start(&cursor, txn, index, lo, hi, flags);
    if (status != MAE_OK)
        return status;
    for (;;) {
        status = advance(&cursor);
        if (status != MAE_OK)
            return status == MAE_NOT_FOUND ? MAE_OK : status;
        status = visit(arg, cursor.at.position.key, cursor.at.position.row);
        if (status != MAE_OK)
            return status == MAE_STOP ? MAE_OK : status;
    }
}
