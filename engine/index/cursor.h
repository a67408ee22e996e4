/*
 * cursor.h - a place in an ordered index, from which a transaction goes on entry by entry.
 *
 *   C1  The position is the last entry that was given out, not a place in a leaf. So what the transaction itself
 *       changes in the index, also by a rollback to a savepoint, moves no cursor.
 *   C2  A cursor keeps the leaf that it is in, and looks into the transaction's state of the index again when the
 *       transaction has changed an ordered index or rolled back since (index_scratch: `changes`). Leaves of others do
 *       not change.
 *   C3  The leaves from the first bound to the position are in the read set, and their fences join. So what was passed
 *       is protected against phantoms, as in a scan.
 * Checked by: tests/unit/db/cursor.c, tests/model/keys.c, tests/stress/tree.c; mutations cursor_keeps_leaf and
 * cursor_passes_rollback. A cursor belongs to one transaction; one that is all zeros stands before a range without
 * bounds.
 */
#ifndef ENGINE_INDEX_CURSOR_H
#define ENGINE_INDEX_CURSOR_H

#include "engine/index/tree_index.h"

struct cursor_bound {
    bool set, open; /* open: the range begins behind, or ends before, the key */
    _Alignas(8) unsigned char key[TREE_KEY_BYTES_MAX];
};

struct index_cursor {
    bool backward;
    struct cursor_bound lo, hi;
    struct tree_position position;
    /* Of tree_cursor.c: the leaf that the cursor is in, NULL: none. Forward the entries [next, end) are to come,
     * backward [end, next), the last one first. */
    const struct tree_node *leaf;
    unsigned next, end;
    bool last;        /* the range ends in this leaf */
    uint64_t changes; /* what the transaction had changed when it was looked at */
};

/* Moves to the next entry, which is the position then. MAE_NOT_FOUND: there is none, and the position stays. `rows` is
 * the table that the entries lead to; the rows of the next ones are prefetched. */
enum mae_status tree_cursor_next(struct mae_txn *txn, const struct tree_index *index, const struct table *rows,
                                 struct index_cursor *cursor);

#endif
