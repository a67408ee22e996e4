/*
 * tree_bulk.c - builds an ordered index from its leaves up; see bulk.h.
 *
 * A node is filled to nine tenths, and no inner node gets only one child (tree_balance.c, B1). The root keeps its row
 * and its version, and all other nodes get that version's timestamp: whoever sees the root sees them.
 */
#include "engine/index/bulk.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/index/tree_walk.h"
#include "engine/store/restore.h"

enum { RUN_LEAST = 64 };

static struct tree_node *node_at(const struct tree_index *index, uint64_t row)
{
    return (struct tree_node *)(void *)restored_version(index->nodes, row)->payload;
}

static enum mae_status new_node(struct mae_worker *worker, const struct tree_index *index, unsigned level,
                                uint64_t *row, struct tree_node **node)
{
    void *data;
    uint64_t ts = version_wts(restored_version(index->nodes, index->root));
    enum mae_status status = bulk_node(worker, index->nodes, index->shape.node_bytes, ts, row, &data);
    if (status != MAE_OK)
        return status;
    *node = data;
    tree_node_clear(&index->shape, *node, level);
    return MAE_OK;
}

/* ---- A run of leaves. ---- */

static bool run_add(struct tree_run *run, uint64_t row)
{
    if (run->count == run->capacity) {
        uint64_t *leaves = mem_double(run->leaves, &run->capacity, RUN_LEAST, sizeof *leaves);
        if (!leaves)
            return false;
        run->leaves = leaves;
    }
    run->leaves[run->count++] = row;
    return true;
}

void tree_run_fini(struct tree_run *run)
{
    free(run->leaves);
    *run = (struct tree_run){0};
}

/* Puts `right`, whose first key this is or will be, behind the leaf `left`. */
static void link_leaves(const struct tree_index *index, uint64_t left_row, struct tree_node *left, uint64_t right_row,
                        struct tree_node *right, const struct tree_key *first)
{
    left->right = right_row;
    right->left = left_row;
    tree_node_set_high(&index->shape, left, first);
    tree_node_set_low(&index->shape, right, first);
}

/* Begins the run's next leaf, of which this is the first key. */
static enum mae_status next_leaf(struct mae_worker *worker, const struct tree_index *index, struct tree_run *run,
                                 const struct tree_key *first, struct tree_node **leaf)
{
    uint64_t row;
    struct tree_node *fresh;
    enum mae_status status = new_node(worker, index, 0, &row, &fresh);
    if (status != MAE_OK)
        return status;
    if (*leaf)
        link_leaves(index, run->leaves[run->count - 1], *leaf, row, fresh, first);
    *leaf = fresh;
    return run_add(run, row) ? MAE_OK : MAE_NO_MEMORY;
}

static bool is_above_last(const struct tree_shape *shape, const struct tree_node *leaf, const struct tree_key *key)
{
    const struct tree_key last = tree_node_key(shape, leaf, leaf->count - 1u);
    return tree_key_compare(shape, &last, key) < 0;
}

enum mae_status tree_bulk_fill(struct mae_worker *worker, const struct tree_index *index,
                               const struct bulk_source *source, struct tree_run *run)
{
    const struct tree_shape *const shape = &index->shape;
    struct tree_node *leaf = NULL;
    const void *bytes;
    uint64_t row;
    MAE_DCHECK(run->count == 0);
    while (source->next(source->arg, &bytes, &row)) {
        const struct tree_key key = tree_key_make(shape, bytes, row);
        enum mae_status status = MAE_OK;
        if (leaf && !is_above_last(shape, leaf, &key))
            return MAE_EXISTS;
        if (!leaf || !tree_node_has_spare(shape, leaf, &key))
            status = next_leaf(worker, index, run, &key, &leaf);
        if (status != MAE_OK)
            return status;
        tree_node_insert(shape, leaf, leaf->count, &key, row);
        leaf->last_insert = TREE_NO_POSITION;
    }
    return MAE_OK;
}

/* ---- The tree. ---- */

/* Makes one run of all. */
static enum mae_status join_runs(const struct tree_index *index, struct tree_run *runs, size_t run_count,
                                 struct tree_run *all)
{
    for (size_t i = 0; i < run_count; i++) {
        if (runs[i].count > 0 && all->count > 0) {
            uint64_t left_row = all->leaves[all->count - 1], right_row = runs[i].leaves[0];
            struct tree_node *left = node_at(index, left_row), *right = node_at(index, right_row);
            const struct tree_key first = tree_node_key(&index->shape, right, 0);
            if (!is_above_last(&index->shape, left, &first))
                return MAE_EXISTS;
            if (!MUTATED(runs_unlinked))
                link_leaves(index, left_row, left, right_row, right, &first);
        }
        for (size_t j = 0; j < runs[i].count; j++)
            if (!run_add(all, runs[i].leaves[j]))
                return MAE_NO_MEMORY;
    }
    return MAE_OK;
}

/* The key from which on a node covers keys. If that is open, any key will do. */
static struct tree_key low_of(const struct tree_shape *shape, const struct tree_node *node)
{
    return node->low_open ? tree_node_key(shape, node, 0) : tree_node_low(shape, node);
}

/* Gives an empty inner node as many of the first children as it has room for, and their fences. With `spare` a tenth of
 * it stays free, and no child is left alone. How many it takes. */
static size_t take_children(const struct tree_index *index, struct tree_node *node, const uint64_t *rows, size_t count,
                            bool spare)
{
    const struct tree_shape *const shape = &index->shape;
    size_t taken = 0;
    for (; taken < count; taken++) {
        const struct tree_key key = low_of(shape, node_at(index, rows[taken]));
        if (!(spare ? tree_node_has_spare(shape, node, &key) : tree_node_has_room(shape, node, &key)))
            break;
        tree_node_insert(shape, node, (unsigned)taken, &key, rows[taken]);
    }
    if (spare && count - taken == 1)
        tree_node_remove(shape, node, (unsigned)--taken);
    const struct tree_node *first = node_at(index, rows[0]), *last = node_at(index, rows[taken - 1]);
    const struct tree_key low = tree_node_low(shape, first), high = tree_node_high(shape, last);
    tree_node_set_low(shape, node, first->low_open ? NULL : &low);
    tree_node_set_high(shape, node, last->high_open ? NULL : &high);
    node->last_insert = TREE_NO_POSITION;
    return taken;
}

/* Makes the nodes above `rows`, which do not fit into one, and puts their rows there instead. */
static enum mae_status build_level(struct mae_worker *worker, const struct tree_index *index, unsigned level,
                                   uint64_t *rows, size_t *count)
{
    size_t nodes = 0;
    for (size_t from = 0; from < *count; nodes++) {
        struct tree_node *node;
        uint64_t row;
        enum mae_status status = new_node(worker, index, level, &row, &node);
        if (status != MAE_OK)
            return status;
        from += take_children(index, node, rows + from, *count - from, true);
        rows[nodes] = row;
    }
    *count = nodes;
    return MAE_OK;
}

/* The root of a tree of one leaf is that leaf. */
static void become_leaf(struct mae_worker *worker, const struct tree_index *index, struct tree_node *root, uint64_t row)
{
    const struct tree_node *leaf = node_at(index, row);
    tree_node_append(&index->shape, root, leaf, 0, leaf->count);
    restore_empty(index->nodes, &worker->pool, row);
    row_free(index->nodes, worker_rows(worker, index->nodes), row);
}

enum mae_status tree_bulk_join(struct mae_worker *worker, const struct tree_index *index, struct tree_run *runs,
                               size_t run_count)
{
    struct tree_run all = {0};
    struct tree_node *root = node_at(index, index->root);
    unsigned level = 1;
    MAE_DCHECK(root->count == 0 && root->level == 0);
    enum mae_status status = join_runs(index, runs, run_count, &all);
    for (; status == MAE_OK && all.count > 1; level++) {
        tree_node_clear(&index->shape, root, level);
        if (take_children(index, root, all.leaves, all.count, false) == all.count)
            break;
        status = build_level(worker, index, level, all.leaves, &all.count);
    }
    MAE_CHECK(level < TREE_LEVELS_MAX);
    if (status == MAE_OK && all.count == 1)
        become_leaf(worker, index, root, all.leaves[0]);
    tree_run_fini(&all);
    return status;
}
