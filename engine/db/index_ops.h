/*
 * index_ops.h - what the kinds of index do differently: one table of functions for each kind.
 *
 * Calls that are not on the fast path of a hash index go through index->ops. Statuses and arguments are those of
 * maemio.h. The caller has checked the handles, and that the row exists.
 */
#ifndef ENGINE_DB_INDEX_OPS_H
#define ENGINE_DB_INDEX_OPS_H

#include "engine/db/db.h"
#include "engine/index/cursor.h"
#include "engine/index/position.h"

struct index_ops {
    bool multi_version; /* entries are versions, as rows are */
    /* Finds the row of a key, in a non-unique index the smallest. `find` validates a hit; `hit` leaves that to the read
     * of the row. Both validate a miss. */
    enum mae_status (*find)(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row);
    enum mae_status (*hit)(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row);
    /* The caller has the row count the entry (I4); `remove` does that itself. */
    enum mae_status (*insert)(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row);
    enum mae_status (*remove)(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row);
    enum mae_status (*scan)(struct mae_txn *txn, struct mae_index *index, const void *lo, const void *hi,
                            unsigned flags, uint64_t limit, mae_entry_fn visit, void *arg);
    /* Moves the cursor to the next entry. MAE_NOT_FOUND: there is none. Not in an index without order. */
    enum mae_status (*next)(struct mae_txn *txn, struct mae_index *index, struct index_cursor *cursor);
    /* Visits the next entries, about until `visit` returns false, and moves the position on. MAE_NOT_FOUND: it was at
     * the end. An index without this function is never logged. */
    enum mae_status (*walk)(struct mae_txn *txn, struct mae_index *index, struct index_position *position,
                            mae_entry_fn visit, void *arg);
    void (*prefetch)(struct mae_txn *txn, struct mae_index *index, const void *keys, size_t count);
    /* Checks the index's own structure: MAE_CORRUPT, with the first finding in `problem` where it can name one. */
    enum mae_status (*check)(struct mae_txn *txn, struct mae_index *index, char *problem, size_t problem_bytes);
    /* Visits every entry that a snapshot sees, until `visit` returns false. */
    enum mae_status (*visit)(struct mae_txn *txn, struct mae_index *index, mae_entry_fn visit, void *arg);
    void (*space)(const struct mae_index *index, struct mae_space *space); /* of zeros */
    void (*fini)(struct mae_index *index);                                 /* what is not in the tables of nodes */
};

extern const struct index_ops hash_index_ops, tree_index_ops, simple_index_ops;

#endif
