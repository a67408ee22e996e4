/*
 * tree_walk.h - the way from the root to a node. Internal to the ordered index. See tree_index.c for the argument.
 */
#ifndef ENGINE_INDEX_TREE_WALK_H
#define ENGINE_INDEX_TREE_WALK_H

#include "engine/index/tree_index.h"

enum {
    /* Inner nodes but the root have at least two children: more than enough for 2^64 rows in nodes of any fan-out. */
    TREE_LEVELS_MAX = 64,
    /* Walks before giving up. A second walk sees a change that committed during the first. More walks help only while
     * changes keep committing. */
    TREE_ATTEMPTS = 8,
};

/* The key, or the end of the tree, to which a walk goes. */
struct tree_target {
    enum { TREE_FIRST, TREE_AT_KEY, TREE_LAST } kind;
    struct tree_key key; /* TREE_AT_KEY */
};

/* The rows of the nodes on the way, by level. */
struct tree_path {
    uint64_t rows[TREE_LEVELS_MAX];
};

/* Whether the node covers the target. */
bool tree_target_covered(const struct tree_shape *shape, const struct tree_node *node,
                         const struct tree_target *target);

/*
 * Walks from the root to the node of `level` that covers the target, and fills `path` from there upwards. Inner nodes
 * are peeked; a leaf is read (joins the read set) if `validate`, else peeked too. MAE_NOT_FOUND: the index has no root
 * at the transaction's timestamp, hence no entries.
 */
enum mae_status tree_walk(struct mae_txn *txn, const struct tree_index *index, const struct tree_target *target,
                          unsigned level, bool validate, struct tree_path *path, const struct tree_node **node);

/* Passes the status on; MAE_ABORT_INDEX dooms the transaction. */
enum mae_status tree_doom(struct mae_txn *txn, enum mae_status status);

/* Reads a node into the read set. Its row ought to exist, so MAE_NOT_FOUND becomes MAE_ABORT_INDEX. */
enum mae_status tree_read_node(struct mae_txn *txn, const struct tree_index *index, uint64_t row,
                               const struct tree_node **node);

#endif
