/*
 * tree_balance.h - adding an entry to a node and repairing one that lost entries. Internal to the ordered index.
 */
#ifndef ENGINE_INDEX_TREE_BALANCE_H
#define ENGINE_INDEX_TREE_BALANCE_H

#include "engine/index/tree_walk.h"

/*
 * Adds (key, value) at `position` of `node`, the new version of the node at path->rows[node->level], splitting it and
 * those above as needed. The path above may be outdated. Statuses as in tree_index.h.
 */
enum mae_status tree_add(struct mae_txn *txn, const struct tree_index *index, struct tree_path *path,
                         struct tree_node *node, unsigned position, const struct tree_key *key, uint64_t value);

/* `node` is as above and has lost an entry: merges it with a neighbour if it has become small. */
enum mae_status tree_shrink(struct mae_txn *txn, const struct tree_index *index, struct tree_path *path,
                            struct tree_node *node);

#endif
