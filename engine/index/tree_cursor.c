/*
 * tree_cursor.c - cursors in the ordered index; see cursor.h. Its reads are those of a scan (tree_scan.c), but for the
 * moment at which they happen.
 */
#include "engine/index/cursor.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include "engine/index/scratch.h"
#include "engine/index/tree_walk.h"
#include "engine/txn/txn.h"

/* How far ahead rows are prefetched, and then, once the rows' heads have arrived, their versions. */
enum { CURSOR_AHEAD = 12, CURSOR_VERSIONS_AHEAD = 6 };

/* A place between entries: before all entries of a key, or behind them. */
struct cut {
    struct tree_key key;
    bool behind;
};

static struct cut cut_at(const struct tree_shape *shape, const struct cursor_bound *bound, bool behind)
{
    return (struct cut){.key = tree_key_make(shape, bound->key, behind ? UINT64_MAX : 0), .behind = behind};
}

static unsigned cut_place(const struct tree_shape *shape, const struct tree_node *leaf, const struct cut *cut)
{
    return cut->behind ? tree_node_upper_bound(shape, leaf, &cut->key) : tree_node_lower_bound(shape, leaf, &cut->key);
}

/* The cursor is in `leaf`, at its entry `next`: finds where the range ends, and prefetches. */
static void arrive(const struct tree_index *index, const struct table *rows, struct index_cursor *cursor,
                   const struct tree_node *leaf, unsigned next)
{
    const struct tree_shape *const shape = &index->shape;
    cursor->leaf = leaf;
    cursor->next = next;
    if (cursor->backward) {
        cursor->last = leaf->low_open;
        cursor->end = 0;
        if (cursor->lo.set) {
            const struct cut cut = cut_at(shape, &cursor->lo, cursor->lo.open);
            cursor->last |= !tree_node_below_low(shape, leaf, &cut.key);
            cursor->end = cut_place(shape, leaf, &cut);
        }
        cursor->end = cursor->end < next ? cursor->end : next;
    } else {
        cursor->last = leaf->high_open;
        cursor->end = leaf->count;
        if (cursor->hi.set) {
            const struct cut cut = cut_at(shape, &cursor->hi, !cursor->hi.open);
            const struct tree_key high = tree_node_high(shape, leaf);
            const int order = tree_key_compare(shape, &cut.key, &high);
            cursor->last |= order < 0 || (order == 0 && !cut.behind);
            cursor->end = cut_place(shape, leaf, &cut);
        }
        cursor->end = cursor->end > next ? cursor->end : next;
    }
    if (!cursor->last)
        txn_prefetch_version(index->nodes, cursor->backward ? leaf->left : leaf->right);
    const unsigned count = cursor->backward ? next - cursor->end : cursor->end - next;
    for (unsigned i = 0; i < count && i < CURSOR_AHEAD; i++)
        txn_prefetch_row(rows, tree_node_value(shape, leaf, cursor->backward ? next - 1 - i : next + i));
    for (unsigned i = 0; i < count && i < CURSOR_VERSIONS_AHEAD; i++)
        txn_prefetch_version(rows, tree_node_value(shape, leaf, cursor->backward ? next - 1 - i : next + i));
}

/* From the root to the leaf behind the position, or where the range begins. MAE_NOT_FOUND: the index is empty. */
static enum mae_status enter(struct mae_txn *txn, const struct tree_index *index, const struct table *rows,
                             struct index_cursor *cursor)
{
    const struct tree_shape *const shape = &index->shape;
    const struct tree_position *const position = &cursor->position;
    const struct cursor_bound *const from = cursor->backward ? &cursor->hi : &cursor->lo;
    const bool anywhere = !position->begun && !from->set;
    struct cut cut = {.behind = !cursor->backward};
    struct tree_target target = {.kind = cursor->backward ? TREE_LAST : TREE_FIRST};
    if (position->begun)
        cut.key = tree_key_make(shape, position->key, position->row);
    else if (from->set)
        cut = cut_at(shape, from, from->open != cursor->backward);
    if (!anywhere)
        target = (struct tree_target){.kind = TREE_AT_KEY, .key = cut.key};
    struct tree_path path;
    const struct tree_node *leaf;
    cursor->leaf = NULL;
    const enum mae_status status = tree_walk(txn, index, &target, 0, true, &path, &leaf);
    if (status != MAE_OK)
        return status;
    const unsigned edge = cursor->backward ? leaf->count : 0;
    arrive(index, rows, cursor, leaf, anywhere ? edge : cut_place(shape, leaf, &cut));
    return MAE_OK;
}

/* To the next leaf by its link. The fences of both must join (tree_scan.c). */
static enum mae_status step(struct mae_txn *txn, const struct tree_index *index, const struct table *rows,
                            struct index_cursor *cursor)
{
    const struct tree_shape *const shape = &index->shape;
    const struct tree_node *const old = cursor->leaf, *leaf;
    const bool back = cursor->backward;
    const enum mae_status status = tree_read_node(txn, index, back ? old->left : old->right, &leaf);
    if (status != MAE_OK)
        return status;
    const struct tree_node *const left = back ? leaf : old, *const right = back ? old : leaf;
    const struct tree_key high = tree_node_high(shape, left), low = tree_node_low(shape, right);
    if (UNLIKELY(leaf->level != 0 || left->high_open || right->low_open || tree_key_compare(shape, &low, &high) != 0))
        return MAE_ABORT_INDEX;
    arrive(index, rows, cursor, leaf, back ? leaf->count : 0);
    return MAE_OK;
}

static void prefetch_ahead(const struct mae_txn *txn, const struct tree_index *index, const struct table *rows,
                           const struct index_cursor *cursor, unsigned i)
{
    const struct tree_shape *const shape = &index->shape;
    const unsigned left = cursor->backward ? i - cursor->end : cursor->end - 1 - i;
    if (left >= CURSOR_AHEAD) {
        const uint64_t row =
            tree_node_value(shape, cursor->leaf, cursor->backward ? i - CURSOR_AHEAD : i + CURSOR_AHEAD);
        txn_prefetch_row(rows, row);
        txn_prefetch_access(txn, rows, row);
    }
    if (left >= CURSOR_VERSIONS_AHEAD)
        txn_prefetch_version(rows,
                             tree_node_value(shape, cursor->leaf,
                                             cursor->backward ? i - CURSOR_VERSIONS_AHEAD : i + CURSOR_VERSIONS_AHEAD));
}

enum mae_status tree_cursor_next(struct mae_txn *txn, const struct tree_index *index, const struct table *rows,
                                 struct index_cursor *cursor)
{
    const struct tree_shape *const shape = &index->shape;
    const uint64_t changes = index_scratch_kept(txn)->changes;
    enum mae_status status = MAE_OK;
    if (cursor->leaf == NULL || (cursor->changes != changes && !MUTATED(cursor_keeps_leaf))) {
        status = enter(txn, index, rows, cursor);
        cursor->changes = changes;
    }
    while (status == MAE_OK && cursor->next == cursor->end) {
        if (cursor->last)
            return MAE_NOT_FOUND;
        status = step(txn, index, rows, cursor);
    }
    if (UNLIKELY(status != MAE_OK))
        return tree_doom(txn, status);
    const unsigned i = cursor->backward ? --cursor->next : cursor->next++;
    MAE_DCHECK(i < cursor->leaf->count);
    prefetch_ahead(txn, index, rows, cursor, i);
    const struct tree_key key = tree_node_key(shape, cursor->leaf, i);
    memcpy(cursor->position.key, key.bytes, tree_key_size(shape, key.bytes));
    cursor->position.row = tree_node_value(shape, cursor->leaf, i);
    cursor->position.begun = true;
    return MAE_OK;
}
