#include "engine/index/tree_walk.h"

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include "engine/txn/txn.h"
#include "engine/txn/worker.h"

bool tree_target_covered(const struct tree_shape *shape, const struct tree_node *node, const struct tree_target *target)
{
    switch (target->kind) {
    case TREE_FIRST:
        return node->low_open;
    case TREE_LAST:
        return node->high_open;
    case TREE_AT_KEY:
        break;
    }
    return tree_node_covers(shape, node, &target->key);
}

static enum mae_status peek_leaf_or_inner(struct mae_txn *txn, const struct tree_index *index, uint64_t row,
                                          bool validate, const struct tree_node **node)
{
    const void *data = NULL;
    size_t bytes;
    const enum mae_status status = validate && !MUTATED(skip_leaf_validation)
                                       ? txn_read(txn, index->nodes, row, &data, &bytes)
                                       : txn_peek(txn, index->nodes, row, &data, &bytes);
    *node = data;
    return status;
}

/* Leaves and the nodes above them are those of which an index has more than the cache holds. */
static ALWAYS_INLINE void approach(struct mae_txn *txn, const struct tree_index *index, uint64_t row, unsigned level)
{
    if (UNLIKELY(txn->yields) && level <= 1)
        txn_approach(txn, index->nodes, row);
}

/* The transaction cannot commit after MAE_ABORT_INDEX, whatever the caller does. */
enum mae_status tree_doom(struct mae_txn *txn, enum mae_status status)
{
    if (UNLIKELY(status == MAE_ABORT_INDEX))
        (void)txn_doom(txn, status);
    return status;
}

enum mae_status tree_read_node(struct mae_txn *txn, const struct tree_index *index, uint64_t row,
                               const struct tree_node **node)
{
    approach(txn, index, row, 0);
    const enum mae_status status = peek_leaf_or_inner(txn, index, row, true, node);
    return status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status;
}

static uint64_t child_of(const struct tree_shape *shape, const struct tree_node *node, const struct tree_target *target)
{
    MAE_DCHECK(node->level > 0 && node->count > 0);
    unsigned i = 0;
    if (target->kind == TREE_AT_KEY)
        i = tree_node_child(shape, node, &target->key);
    else if (target->kind == TREE_LAST)
        i = node->count - 1u;
    return tree_node_value(shape, node, i);
}

/*
 * Makes one walk. *arrived is false, with MAE_OK, if the nodes on the way do not fit together: a child is gone or of
 * another level, or the last node does not cover the target. Ends because the level falls with each step.
 */
static enum mae_status walk_once(struct mae_txn *txn, const struct tree_index *index, const struct tree_target *target,
                                 unsigned level, bool validate, struct tree_path *path, const struct tree_node **node,
                                 bool *arrived)
{
    *arrived = false;
    enum mae_status status = peek_leaf_or_inner(txn, index, index->root, false, node);
    if (UNLIKELY(status != MAE_OK))
        return status;
    unsigned at = (*node)->level;
    if (UNLIKELY(at < level))
        return MAE_OK;
    path->rows[at] = index->root;
    if (at == 0 && validate) {
        status = tree_read_node(txn, index, index->root, node);
        if (status != MAE_OK || (*node)->level != 0)
            return status;
    }
    while (at > level) {
        const uint64_t child = child_of(&index->shape, *node, target);
        at--;
        approach(txn, index, child, at);
        status = peek_leaf_or_inner(txn, index, child, validate && at == 0, node);
        if (UNLIKELY(status != MAE_OK))
            return status == MAE_NOT_FOUND ? MAE_OK : status;
        /* Before the node is looked at, so that its lines arrive together: lookups of 10M keys take 25% less time. */
        tree_node_prefetch_keys(&index->shape, *node);
        if (UNLIKELY((*node)->level != at))
            return MAE_OK;
        path->rows[at] = child;
    }
    *arrived = tree_target_covered(&index->shape, *node, target);
    return MAE_OK;
}

enum mae_status tree_walk(struct mae_txn *txn, const struct tree_index *index, const struct tree_target *target,
                          unsigned level, bool validate, struct tree_path *path, const struct tree_node **node)
{
    for (unsigned attempt = 0; attempt < TREE_ATTEMPTS; attempt++) {
        bool arrived;
        const enum mae_status status = walk_once(txn, index, target, level, validate, path, node, &arrived);
        if (status != MAE_OK || LIKELY(arrived))
            return status;
    }
    return MAE_ABORT_INDEX;
}
