/*
 * Why it is serializable, phantoms included, although inner nodes are not validated.
 *
 * Let T be a transaction that commits with timestamp t, and let S be the committed state just below t: of every row the
 * newest version with wts < t. Validation proves for each version in T's read set that it is the row's version in S.
 *
 *   T1  In every committed state the leaves (rows with a version that is a leaf and no tombstone) partition the key
 *       space by their fences, and a leaf holds exactly the entries of its part.
 *   T2  The same holds for the nodes of each inner level, and a node's children are the nodes of the level below
 *       that cover its part. Leaves are linked both ways in key order.
 *
 * By T1, a leaf version that is in S and whose fences cover a key holds all entries of the key in S, however the walk
 * has found the leaf. So the walk down may mix nodes of different states. It only has to end at a leaf that covers the
 * key, which the leaf's own fences show, and the leaf has to be in the read set. A walk that ends elsewhere starts
 * again from the root (tree_walk.c). That helps if a node on the way was superseded meanwhile; otherwise T gives up
 * with MAE_ABORT_INDEX.
 *   - The leaf of a miss, an insert or a remove is read or updated, thus validated. A later insert of the key writes a
 *     leaf version that succeeds this one, and the validation of one of the two transactions fails.
 *   - A scan reads leaves whose fences join without gap (each one's low is the previous one's high), the edges
 *     included, also when no entry lies in the range: together they cover it.
 *   - A hit of a unique index is not validated: its leaf may be outdated. The caller reads the row, which is validated,
 *     and a transaction that takes the entry away writes the row, too (I3, db/calls.c). If the row turns out to be
 *     deleted, the key may have moved to another row, so the answer is not a miss but MAE_ABORT_INDEX.
 *
 * T1 and T2 stay true because a change of the tree's shape reads all that it relies on through updates, which are
 * validated:
 *   - A split writes the leaf (its high fence falls), the new right leaf, the old right neighbour (left link) and the
 *     parent (one more child). Transactions that read the leaf before find it superseded. The new leaf covers only what
 *     the old one did. The parent is the node that, in S, covers the leaf's low fence one level up, and it must list
 *     the leaf there.
 *   - A merge writes the left node (takes the right one's entries and high fence), the right node (tombstone), the next
 *     node's left link and the parent. Transactions that read either leaf find it superseded.
 * Snapshots read S alone, never a mixture, and need no validation.
 *
 * The root keeps its row: when it is full its contents move to a new child and it becomes that child's parent, and when
 * it has one child left it takes over the child's contents. Until its first commit the index is invisible, hence empty.
 *
 * A node's row is reused only after every transaction that could have met it in a parent or neighbour is over
 * (txn/gc.h, G3). A node in another place would still fail the checks of level and fences.
 *
 * Checked by: tree_index_verify, tests/unit/index/tree_*.c; mutations skip_leaf_validation, skip_miss_validation.
 */
#include "engine/index/tree_index.h"

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include "engine/index/scratch.h"
#include "engine/index/tree_balance.h"
#include "engine/index/tree_walk.h"
#include "engine/txn/txn.h"
#include "engine/txn/worker.h"

size_t tree_index_node_bytes(const struct mae_index_config *config)
{
    struct tree_shape shape;
    tree_shape_init(&shape, config);
    return shape.node_bytes;
}

void tree_index_init(struct tree_index *index, struct table *nodes, const struct mae_index_config *config)
{
    *index = (struct tree_index){.nodes = nodes, .root = TREE_NO_ROW};
    tree_shape_init(&index->shape, config);
}

enum mae_status tree_index_create_root(struct mae_txn *txn, struct tree_index *index)
{
    void *root;
    const enum mae_status status = txn_insert(txn, index->nodes, index->shape.node_bytes, &index->root, &root);
    if (status == MAE_OK)
        tree_node_clear(&index->shape, root, 0);
    return status;
}

static struct tree_target target_of(const struct tree_index *index, const void *key, uint64_t row)
{
    return (struct tree_target){.kind = TREE_AT_KEY, .key = tree_key_make(&index->shape, key, row)};
}

struct first_entry {
    uint64_t row;
    bool found;
};

static bool take_first(void *arg, const void *key, uint64_t row)
{
    (void)key;
    *(struct first_entry *)arg = (struct first_entry){.row = row, .found = true};
    return false;
}

static bool look_up(const struct tree_shape *shape, const struct tree_node *leaf, const struct tree_key *key,
                    uint64_t *row)
{
    const unsigned i = tree_node_lower_bound(shape, leaf, key);
    if (!tree_node_equals(shape, leaf, i, key))
        return false;
    *row = tree_node_value(shape, leaf, i);
    return true;
}

enum mae_status tree_index_find(struct mae_txn *txn, const struct tree_index *index, const void *key, uint64_t *row)
{
    if (index->shape.non_unique) {
        struct first_entry first = {.found = false};
        const enum mae_status status = tree_index_scan(txn, index, NULL, key, key, 0, 1, take_first, &first);
        *row = first.row;
        return status == MAE_OK && !first.found ? MAE_NOT_FOUND : status;
    }
    const struct tree_target target = target_of(index, key, 0);
    struct tree_path path;
    const struct tree_node *leaf;
    enum mae_status status = tree_walk(txn, index, &target, 0, false, &path, &leaf);
    if (UNLIKELY(status != MAE_OK))
        return tree_doom(txn, status);
    if (LIKELY(look_up(&index->shape, leaf, &target.key, row)))
        return MAE_OK;
    if (MUTATED(skip_miss_validation))
        return MAE_NOT_FOUND;
    /* What is read may be newer than what was peeked: look again. */
    status = tree_walk(txn, index, &target, 0, true, &path, &leaf);
    if (status != MAE_OK)
        return tree_doom(txn, status);
    return look_up(&index->shape, leaf, &target.key, row) ? MAE_OK : MAE_NOT_FOUND;
}

/*
 * Walks to the leaf of the target for a change: `leaf` is its new version, or, with MAE_EXISTS or MAE_NOT_FOUND
 * when the entry's presence is not `present`, nothing was changed and that is validated.
 */
static enum mae_status leaf_for_change(struct mae_txn *txn, const struct tree_index *index,
                                       const struct tree_target *target, uint64_t row, bool present,
                                       struct tree_path *path, struct tree_node **leaf, unsigned *position)
{
    const struct tree_shape *const shape = &index->shape;
    const enum mae_status refusal = present ? MAE_NOT_FOUND : MAE_EXISTS;
    for (unsigned attempt = 0; attempt < TREE_ATTEMPTS; attempt++) {
        const bool validate = attempt > 0;
        const struct tree_node *seen;
        uint64_t found;
        enum mae_status status = tree_walk(txn, index, target, 0, validate, path, &seen);
        if (status != MAE_OK)
            return status == MAE_NOT_FOUND ? MAE_ABORT_INDEX : status;
        if ((look_up(shape, seen, &target->key, &found) && (!present || found == row)) != present) {
            if (validate)
                return refusal;
            continue;
        }
        void *data;
        status = txn_update(txn, index->nodes, path->rows[0], 0, NULL, &data);
        if (status == MAE_NOT_FOUND)
            continue;
        if (status != MAE_OK)
            return status;
        *leaf = data;
        /* The version updated may be newer than the one peeked. */
        if ((*leaf)->level != 0 || !tree_node_covers(shape, *leaf, &target->key))
            continue;
        *position = tree_node_lower_bound(shape, *leaf, &target->key);
        const bool is_present = tree_node_equals(shape, *leaf, *position, &target->key) &&
                                (!present || tree_node_value(shape, *leaf, *position) == row);
        return is_present == present ? MAE_OK : refusal;
    }
    return MAE_ABORT_INDEX;
}

/*
 * The leaf of the transaction's last insert, if that is still a new version of its own with room that covers the key.
 * Being written, it is validated; every change of the tree's shape by this transaction forgets it (remember_leaf).
 */
static ALWAYS_INLINE struct tree_node *last_leaf(const struct mae_txn *txn, const struct tree_index *index,
                                                 const struct tree_key *key)
{
    const struct last_leaf *const last = &index_scratch_kept(txn)->last_leaf;
    if (!txn->scratch_used || last->index != index || !txn->plain)
        return NULL;
    struct tree_node *const leaf = last->node;
    return tree_node_has_room(&index->shape, leaf, key) && tree_node_covers(&index->shape, leaf, key) ? leaf : NULL;
}

static ALWAYS_INLINE void remember_leaf(struct mae_txn *txn, const struct tree_index *index, struct tree_node *leaf)
{
    MAE_DCHECK(!leaf || leaf->level == 0);
    index_scratch(txn)->last_leaf = (struct last_leaf){.index = index, .node = leaf};
}

enum mae_status tree_index_insert(struct mae_txn *txn, const struct tree_index *index, const void *key, uint64_t row)
{
    const struct tree_target target = target_of(index, key, row);
    struct tree_path path;
    struct tree_node *leaf;
    unsigned position;
    if (UNLIKELY(txn->snapshot))
        return MAE_READ_ONLY;
    leaf = last_leaf(txn, index, &target.key);
    if (leaf != NULL) {
        position = tree_node_lower_bound(&index->shape, leaf, &target.key);
        if (tree_node_equals(&index->shape, leaf, position, &target.key))
            return MAE_EXISTS;
        tree_node_insert(&index->shape, leaf, position, &target.key, row);
        index_scratch_kept(txn)->changes++; /* C2 */
        return MAE_OK;
    }
    enum mae_status status = leaf_for_change(txn, index, &target, row, false, &path, &leaf, &position);
    if (LIKELY(status == MAE_OK)) {
        remember_leaf(txn, tree_node_has_room(&index->shape, leaf, &target.key) ? index : NULL, leaf);
        index_scratch_kept(txn)->changes++; /* C2 */
        status = tree_add(txn, index, &path, leaf, position, &target.key, row);
    }
    return tree_doom(txn, status);
}

enum mae_status tree_index_remove(struct mae_txn *txn, const struct tree_index *index, const void *key, uint64_t row)
{
    const struct tree_target target = target_of(index, key, row);
    struct tree_path path;
    struct tree_node *leaf;
    unsigned position;
    if (UNLIKELY(txn->snapshot))
        return MAE_READ_ONLY;
    enum mae_status status = leaf_for_change(txn, index, &target, row, true, &path, &leaf, &position);
    if (LIKELY(status == MAE_OK)) {
        remember_leaf(txn, NULL, NULL);
        index_scratch_kept(txn)->changes++; /* C2 */
        tree_node_remove(&index->shape, leaf, position);
        status = tree_shrink(txn, index, &path, leaf);
    }
    return tree_doom(txn, status);
}

/*
 * All keys go down one level at a time, so that the cache misses of a level overlap. Nothing is waited for or relied
 * on: a key whose way leads nowhere is left out.
 */
void tree_index_prefetch(const struct mae_txn *txn, const struct tree_index *index, const struct table *rows,
                         const void *keys, size_t count)
{
    const struct tree_shape *const shape = &index->shape;
    const size_t key_stride = shape->variable ? sizeof(struct mae_key) : shape->key_bytes;
    const struct tree_node *nodes[MAE_PREFETCH_MAX];
    uint64_t at[MAE_PREFETCH_MAX];
    if (count > MAE_PREFETCH_MAX)
        count = MAE_PREFETCH_MAX;
    const struct tree_node *const root = txn_glance(txn, index->nodes, index->root);
    if (root == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        nodes[i] = root;
    for (unsigned level = root->level; level > 0; level--) {
        for (size_t i = 0; i < count; i++) {
            at[i] = TREE_NO_ROW;
            if (nodes[i] == NULL || nodes[i]->level != level)
                continue;
            const struct tree_key key = tree_key_make(shape, (const char *)keys + i * key_stride, 0);
            at[i] = tree_node_value(shape, nodes[i], tree_node_child(shape, nodes[i], &key));
            txn_prefetch_row(index->nodes, at[i]);
        }
        for (size_t i = 0; i < count; i++)
            if (at[i] != TREE_NO_ROW)
                txn_prefetch_version(index->nodes, at[i]);
        for (size_t i = 0; i < count; i++) {
            nodes[i] = at[i] != TREE_NO_ROW ? txn_glance(txn, index->nodes, at[i]) : NULL;
            if (nodes[i] != NULL)
                tree_node_prefetch_keys(shape, nodes[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        at[i] = TREE_NO_ROW;
        if (nodes[i] == NULL || nodes[i]->level != 0)
            continue;
        const struct tree_key key = tree_key_make(shape, (const char *)keys + i * key_stride, 0);
        const unsigned entry = tree_node_lower_bound(shape, nodes[i], &key);
        if (entry < nodes[i]->count)
            txn_prefetch_row(rows, at[i] = tree_node_value(shape, nodes[i], entry));
    }
    for (size_t i = 0; i < count; i++)
        if (at[i] != TREE_NO_ROW)
            txn_prefetch_version(rows, at[i]);
}
