/*
 * tree_balance.c - splits and merges. Why they are safe: tree_index.c.
 *
 * The place at which a node splits depends on how the node is filled. Keys that arrive in ascending order (order ids of
 * a district, where the leaf also holds the next district's first entries) or descending order never come back to the
 * nodes that they have left. Splits in the middle would leave all these nodes half empty. So a node remembers the
 * position of its last insert. If the next insert goes right behind (before) it, the order is ascending (descending),
 * and the node splits there. At the very end the left node keeps 9/10, so that keys that come a little late, since
 * transactions commit out of order, still find room.
 *
 * A node is merged with a neighbour below the same parent if it is less than a quarter full and both fit into three
 * quarters of a node, so that a split does not follow at once. Two cases are merged at once: an empty leaf, so that
 * scans never walk along runs of empty leaves (a queue would leave such runs behind), and an inner node with one child,
 * since
 *   B1  every inner node has two children or more, so that each node but the root has a neighbour to merge with.
 * If the neighbour of a node with one child is too full to merge, the node takes half of the neighbour's children.
 */
#include "engine/index/tree_balance.h"

#include "engine/base/check.h"
#include "engine/index/tree_heap.h"
#include "engine/txn/txn.h"

/* ---- Access. Every change of a node goes through these functions. ---- */

static enum mae_status update_node(struct mae_txn *txn, const struct tree_index *index, uint64_t row,
                                   struct tree_node **node)
{
    void *data = NULL;
    const enum mae_status status = txn_update(txn, index->nodes, row, 0, NULL, &data);
    *node = data;
    return status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status;
}

static enum mae_status insert_node(struct mae_txn *txn, const struct tree_index *index, unsigned level, uint64_t *row,
                                   struct tree_node **node)
{
    void *data = NULL;
    const enum mae_status status = txn_insert(txn, index->nodes, index->shape.node_bytes, row, &data);
    *node = data;
    if (status == MAE_OK)
        tree_node_clear(&index->shape, *node, level);
    return status;
}

static void copy_fence(const struct tree_shape *shape, struct tree_node *to, const struct tree_node *from, bool high)
{
    if (high) {
        const struct tree_key key = tree_node_high(shape, from);
        tree_node_set_high(shape, to, from->high_open ? NULL : &key);
    } else {
        const struct tree_key key = tree_node_low(shape, from);
        tree_node_set_low(shape, to, from->low_open ? NULL : &key);
    }
}

/* The parent of a node that is not the root: its new version, and the node's place in it. */
static enum mae_status update_parent(struct mae_txn *txn, const struct tree_index *index, struct tree_path *path,
                                     const struct tree_node *node, struct tree_node **parent, unsigned *place)
{
    const struct tree_shape *const shape = &index->shape;
    const unsigned level = node->level + 1u;
    const struct tree_target target = {
        .kind = node->low_open ? TREE_FIRST : TREE_AT_KEY,
        .key = tree_node_low(shape, node),
    };
    const uint64_t row = path->rows[node->level];
    const void *seen = NULL;
    size_t bytes;
    enum mae_status status = txn_peek(txn, index->nodes, path->rows[level], &seen, &bytes);
    if (status != MAE_OK && status != MAE_NOT_FOUND)
        return status;
    const struct tree_node *above = seen;
    if (status == MAE_NOT_FOUND || above->level != level || !tree_target_covered(shape, above, &target)) {
        status = tree_walk(txn, index, &target, level, false, path, &above);
        if (status != MAE_OK)
            return status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status;
    }
    status = update_node(txn, index, path->rows[level], parent);
    if (status != MAE_OK)
        return status;
    if ((*parent)->level != level || !tree_target_covered(shape, *parent, &target))
        return MAE_ABORT_INDEX;
    *place = node->low_open ? 0 : tree_node_child(shape, *parent, &target.key);
    return tree_node_value(shape, *parent, *place) == row ? MAE_OK : MAE_ABORT_INDEX;
}

/* Leaves: lets the right neighbour of `left` (if any) point back to left_row instead of old_row. */
static enum mae_status link_back(struct mae_txn *txn, const struct tree_index *index, const struct tree_node *left,
                                 uint64_t left_row, uint64_t old_row)
{
    if (left->level > 0 || left->right == TREE_NO_ROW)
        return MAE_OK;
    struct tree_node *next;
    const enum mae_status status = update_node(txn, index, left->right, &next);
    if (status != MAE_OK)
        return status;
    if (next->level != 0 || next->left != old_row)
        return MAE_ABORT_INDEX;
    next->left = left_row;
    return MAE_OK;
}

/* ---- Growing. ---- */

/* Moves the root's contents to a new child, the root's only one. Then *node and the path are the child's. */
static enum mae_status grow_root(struct mae_txn *txn, const struct tree_index *index, struct tree_path *path,
                                 struct tree_node **node)
{
    struct tree_node *const root = *node;
    struct tree_node *child;
    uint64_t child_row;
    const unsigned level = root->level;
    MAE_CHECK(level + 1 < TREE_LEVELS_MAX);
    const enum mae_status status = insert_node(txn, index, level, &child_row, &child);
    if (status != MAE_OK)
        return status;
    tree_node_append(&index->shape, child, root, 0, root->count);
    child->last_insert = root->last_insert;
    tree_node_clear(&index->shape, root, level + 1);
    const struct tree_key first = tree_node_key(&index->shape, child, 0); /* any key will do: the low fence is open */
    tree_node_insert(&index->shape, root, 0, &first, child_row);
    path->rows[level] = child_row;
    path->rows[level + 1] = index->root;
    *node = child;
    return MAE_OK;
}

/* How many entries stay in the left node if one is added at `position`, and whether the new one goes there, too. Goes
 * by their numbers alone. */
static unsigned split_by_count(const struct tree_node *node, unsigned position, bool *goes_left)
{
    const unsigned count = node->count, last = node->last_insert, least = node->level == 0 ? 1 : 2;
    const bool ascending = last != TREE_NO_POSITION && position == last + 1;
    const bool descending = last != TREE_NO_POSITION && position == last;
    unsigned keep = count / 2;
    *goes_left = position < keep;
    if (position == count && (ascending || last == TREE_NO_POSITION)) {
        keep = count - count / 10;
        *goes_left = false;
    } else if (position == 0 && (descending || last == TREE_NO_POSITION)) {
        keep = count / 10;
        *goes_left = true;
    } else if (ascending || descending) {
        keep = position;
        *goes_left = ascending;
    }
    if (keep >= least && count - keep >= least)
        return keep;
    keep = keep < least ? least : count - least;
    *goes_left = position < keep;
    return keep;
}

/* As split_by_count, but so that both nodes have room for their keys, which may be of variable length. */
static unsigned split_at(const struct tree_shape *shape, const struct tree_node *node, unsigned position,
                         const struct tree_key *key, bool *goes_left)
{
    const unsigned keep = split_by_count(node, position, goes_left);
    if (!shape->variable)
        return keep;
    const unsigned cut = tree_heap_cut(shape, node, position, key, keep + *goes_left);
    *goes_left = position < cut;
    return cut - *goes_left;
}

static enum mae_status split(struct mae_txn *txn, const struct tree_index *index, struct tree_path *path,
                             struct tree_node *node, unsigned position, const struct tree_key *key, uint64_t value)
{
    const struct tree_shape *const shape = &index->shape;
    const uint64_t row = path->rows[node->level];
    uint64_t right_row;
    struct tree_node *right;
    enum mae_status status = insert_node(txn, index, node->level, &right_row, &right);
    if (status != MAE_OK)
        return status;

    bool goes_left;
    const unsigned keep = split_at(shape, node, position, key, &goes_left);
    tree_node_append(shape, right, node, keep, node->count - keep - MUTATED(split_loses_entry));
    tree_node_truncate(shape, node, keep);
    node->last_insert = TREE_NO_POSITION;
    if (goes_left)
        tree_node_insert(shape, node, position, key, value);
    else
        tree_node_insert(shape, right, position - keep, key, value);

    copy_fence(shape, right, node, true);
    const struct tree_key separator = tree_node_key(shape, right, 0);
    tree_node_set_low(shape, right, &separator);
    if (!MUTATED(split_keeps_fence))
        tree_node_set_high(shape, node, &separator);
    if (node->level == 0) {
        right->left = row;
        right->right = node->right;
        node->right = right_row;
        status = link_back(txn, index, right, right_row, row);
        if (status != MAE_OK)
            return status;
    }

    struct tree_node *parent;
    unsigned place;
    status = update_parent(txn, index, path, node, &parent, &place);
    if (status != MAE_OK)
        return status;
    return tree_add(txn, index, path, parent, place + 1, &separator, right_row);
}

enum mae_status tree_add(struct mae_txn *txn, const struct tree_index *index, struct tree_path *path,
                         struct tree_node *node, unsigned position, const struct tree_key *key, uint64_t value)
{
    if (tree_node_has_room(&index->shape, node, key)) {
        tree_node_insert(&index->shape, node, position, key, value);
        return MAE_OK;
    }
    if (path->rows[node->level] == index->root) {
        const enum mae_status status = grow_root(txn, index, path, &node);
        if (status != MAE_OK)
            return status;
    }
    return split(txn, index, path, node, position, key, value);
}

/* ---- Shrinking. ---- */

/* While the root has a single child, takes over its contents. */
static enum mae_status collapse_root(struct mae_txn *txn, const struct tree_index *index, struct tree_node *root)
{
    while (root->level > 0 && root->count == 1) {
        const uint64_t child_row = tree_node_value(&index->shape, root, 0);
        const struct tree_node *child;
        enum mae_status status = tree_read_node(txn, index, child_row, &child);
        if (status != MAE_OK)
            return status;
        if (child->level + 1u != root->level || !child->low_open || !child->high_open)
            return MAE_ABORT_INDEX;
        tree_node_clear(&index->shape, root, child->level);
        tree_node_append(&index->shape, root, child, 0, child->count);
        root->last_insert = child->last_insert;
        status = txn_delete(txn, index->nodes, child_row);
        if (status != MAE_OK)
            return status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status;
    }
    return MAE_OK;
}

/* Whether the node must be merged at once. */
static bool must_grow(const struct tree_node *node)
{
    return node->level == 0 ? node->count == 0 : node->count < 2;
}

/* Appends the right node, the child at `place` of the parent, to the left one. */
static enum mae_status merge(struct mae_txn *txn, const struct tree_index *index, struct tree_node *left,
                             uint64_t left_row, const struct tree_node *right, uint64_t right_row,
                             struct tree_node *parent, unsigned place)
{
    const struct tree_shape *const shape = &index->shape;
    tree_node_append(shape, left, right, 0, right->count);
    left->last_insert = TREE_NO_POSITION;
    copy_fence(shape, left, right, true);
    left->right = right->right;
    enum mae_status status = MUTATED(merge_keeps_link) ? MAE_OK : link_back(txn, index, left, left_row, right_row);
    if (status != MAE_OK)
        return status;
    tree_node_remove(shape, parent, place);
    status = txn_delete(txn, index->nodes, right_row);
    return status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status;
}

/*
 * Inner nodes: evens out two neighbours, of which `right` is the child at `place` of the parent. Of keys of variable
 * length it moves as many as there is room for, at least one: one of the nodes has a single one. The key that parts the
 * nodes may then be longer than the one before, so that the parent splits.
 */
static enum mae_status even_out(struct mae_txn *txn, const struct tree_index *index, struct tree_path *path,
                                struct tree_node *left, struct tree_node *right, uint64_t right_row,
                                struct tree_node *parent, unsigned place)
{
    const struct tree_shape *const shape = &index->shape;
    const unsigned total = left->count + (unsigned)right->count, keep = total / 2;
    for (; left->count < keep; tree_node_remove(shape, right, 0)) {
        const struct tree_key key = tree_node_key(shape, right, 0);
        if (!tree_node_has_room(shape, left, &key))
            break;
        tree_node_insert(shape, left, left->count, &key, tree_node_value(shape, right, 0));
    }
    while (left->count > keep) {
        const unsigned last = left->count - 1u;
        const struct tree_key key = tree_node_key(shape, left, last);
        if (!tree_node_has_room(shape, right, &key))
            break;
        tree_node_insert(shape, right, 0, &key, tree_node_value(shape, left, last));
        tree_node_remove(shape, left, last);
    }
    left->last_insert = right->last_insert = TREE_NO_POSITION;
    const struct tree_key separator = tree_node_key(shape, right, 0);
    tree_node_set_high(shape, left, &separator);
    tree_node_set_low(shape, right, &separator);
    tree_node_remove(shape, parent, place);
    if (!MUTATED(parent_fits_any))
        return tree_add(txn, index, path, parent, place, &separator, right_row);
    tree_node_insert(shape, parent, place, &separator, right_row);
    return MAE_OK;
}

/*
 * Merges or evens out the node with the neighbour at `other` of the parent, which is its place + 1 or - 1. `node` and
 * `parent` are new versions. *merged: the parent has a child less.
 */
static enum mae_status join(struct mae_txn *txn, const struct tree_index *index, struct tree_path *path,
                            struct tree_node *node, struct tree_node *parent, unsigned place, unsigned other,
                            bool *merged)
{
    const struct tree_shape *const shape = &index->shape;
    const uint64_t row = path->rows[node->level], other_row = tree_node_value(shape, parent, other);
    struct tree_node *neighbour;
    const enum mae_status status = update_node(txn, index, other_row, &neighbour);
    if (status != MAE_OK)
        return status;
    const bool to_the_right = other > place;
    struct tree_node *const left = to_the_right ? node : neighbour, *const right = to_the_right ? neighbour : node;
    const uint64_t left_row = to_the_right ? row : other_row, right_row = to_the_right ? other_row : row;
    const unsigned right_place = to_the_right ? other : place;
    const struct tree_key separator = tree_node_key(shape, parent, right_place);
    const struct tree_key high = tree_node_high(shape, left), low = tree_node_low(shape, right);
    if (neighbour->level != node->level || left->high_open || right->low_open ||
        tree_key_compare(shape, &high, &separator) != 0 || tree_key_compare(shape, &low, &separator) != 0)
        return MAE_ABORT_INDEX;
    *merged = tree_node_fit(shape, left, right, false);
    if (*merged)
        return merge(txn, index, left, left_row, right, right_row, parent, right_place);
    return node->level > 0 ? even_out(txn, index, path, left, right, right_row, parent, right_place) : MAE_OK;
}

/* Whether the node should be merged with the child at `other` of the parent above. Only peeks: no change relies on the
 * answer. */
static enum mae_status worth_joining(struct mae_txn *txn, const struct tree_index *index, const struct tree_node *node,
                                     const struct tree_node *above, unsigned other, bool *worth)
{
    *worth = false;
    if (other >= above->count)
        return MAE_OK;
    const void *neighbour;
    size_t bytes;
    const enum mae_status status =
        txn_peek(txn, index->nodes, tree_node_value(&index->shape, above, other), &neighbour, &bytes);
    if (status == MAE_OK)
        *worth = tree_node_fit(&index->shape, node, neighbour, true);
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

/* For a node that is small but may stay: the neighbour to merge it with, if any. Only peeks, so that most removals
 * write a single node. */
static enum mae_status choose_neighbour(struct mae_txn *txn, const struct tree_index *index,
                                        const struct tree_path *path, const struct tree_node *node, bool *right,
                                        bool *left)
{
    *right = *left = false;
    const void *data;
    size_t bytes;
    enum mae_status status = txn_peek(txn, index->nodes, path->rows[node->level + 1], &data, &bytes);
    if (status != MAE_OK)
        return status == MAE_NOT_FOUND ? MAE_OK : status;
    const struct tree_node *const above = data;
    if (above->level != node->level + 1u)
        return MAE_OK;
    const struct tree_key low = tree_node_low(&index->shape, node);
    const unsigned place = node->low_open ? 0 : tree_node_child(&index->shape, above, &low);
    status = worth_joining(txn, index, node, above, place + 1, right);
    if (status != MAE_OK || *right || place == 0)
        return status;
    return worth_joining(txn, index, node, above, place - 1, left);
}

enum mae_status tree_shrink(struct mae_txn *txn, const struct tree_index *index, struct tree_path *path,
                            struct tree_node *node)
{
    const struct tree_shape *const shape = &index->shape;
    if (path->rows[node->level] == index->root)
        return collapse_root(txn, index, node);
    if (!tree_node_is_small(shape, node))
        return MAE_OK;

    const bool must = must_grow(node);
    bool right = false, left = false, merged;
    enum mae_status status;
    if (!must) {
        status = choose_neighbour(txn, index, path, node, &right, &left);
        if (status != MAE_OK || (!right && !left))
            return status;
    }
    struct tree_node *parent;
    unsigned place;
    status = update_parent(txn, index, path, node, &parent, &place);
    if (status != MAE_OK)
        return status;
    if (must)
        right = place + 1u < parent->count;
    if (right ? place + 1u >= parent->count : place == 0)
        return must ? MAE_ABORT_INDEX : MAE_OK; /* B1 holds in every committed state, so with `must` this is not one */
    status = join(txn, index, path, node, parent, place, right ? place + 1 : place - 1, &merged);
    if (status != MAE_OK || !merged)
        return status;
    return tree_shrink(txn, index, path, parent);
}
