/*
 * tree_verify.c - checks N1, N2, KV1, KV2, T1, T2 and B1 over a whole tree (tree_node.h, tree_heap.h, tree_index.c,
 * tree_balance.c).
 */
#include "engine/index/tree_index.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/compiler.h"
#include "engine/index/tree_heap.h"
#include "engine/index/tree_walk.h"
#include "engine/txn/txn.h"

struct verifier {
    struct mae_txn *txn;
    const struct tree_index *index;
    struct tree_statistics *statistics;
    char *report;
    size_t report_bytes;
    uint64_t last_leaf;  /* the left neighbour of the next leaf */
    uint64_t last_right; /* that neighbour's right link */
};

__attribute__((format(printf, 2, 3))) COLD static enum mae_status corrupt(struct verifier *verifier, const char *format,
                                                                          ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (verifier->report_bytes > 0)
        vsnprintf(verifier->report, verifier->report_bytes, format, arguments);
    va_end(arguments);
    return MAE_CORRUPT;
}

static enum mae_status verify_entries(struct verifier *verifier, uint64_t row, const struct tree_node *node)
{
    const struct tree_shape *const shape = &verifier->index->shape;
    if (shape->variable && !tree_heap_is_sound(shape, node))
        return corrupt(verifier, "node %" PRIu64 ": its keys of variable length are damaged", row);
    /* An inner node's first key is not used when its low fence is open. */
    for (unsigned i = node->level > 0 && node->low_open; i < node->count; i++) {
        const struct tree_key key = tree_node_key(shape, node, i);
        if (!tree_node_covers(shape, node, &key))
            return corrupt(verifier, "node %" PRIu64 ", entry %u: the key lies outside the fences", row, i);
        if (i + 1u < node->count) {
            const struct tree_key next = tree_node_key(shape, node, i + 1);
            if (tree_key_compare(shape, &key, &next) >= 0)
                return corrupt(verifier, "node %" PRIu64 ", entries %u and %u: not in ascending order", row, i, i + 1);
        }
    }
    return MAE_OK;
}

static bool same_fence(const struct tree_shape *shape, bool open, const struct tree_key *key,
                       const struct tree_key *wanted)
{
    return wanted == NULL ? open : !open && tree_key_compare(shape, key, wanted) == 0;
}

static enum mae_status verify_leaf_links(struct verifier *verifier, uint64_t row, const struct tree_node *node)
{
    if (node->left != verifier->last_leaf)
        return corrupt(verifier, "leaf %" PRIu64 ": left link is %" PRIu64 ", its neighbour is %" PRIu64, row,
                       node->left, verifier->last_leaf);
    if (verifier->last_leaf != TREE_NO_ROW && verifier->last_right != row)
        return corrupt(verifier, "leaf %" PRIu64 ": right link is %" PRIu64 ", its neighbour is %" PRIu64,
                       verifier->last_leaf, verifier->last_right, row);
    verifier->last_leaf = row;
    verifier->last_right = node->right;
    return MAE_OK;
}

/* Checks that the node at `row` is of `level` and covers low <= key < high (NULL: open), and then its children. */
static enum mae_status verify_node(struct verifier *verifier, uint64_t row, unsigned level, const struct tree_key *low,
                                   const struct tree_key *high)
{
    const struct tree_index *const index = verifier->index;
    const struct tree_shape *const shape = &index->shape;
    const void *data;
    size_t bytes;
    enum mae_status status = txn_peek(verifier->txn, index->nodes, row, &data, &bytes);
    if (status == MAE_NOT_FOUND)
        return corrupt(verifier, "node %" PRIu64 " of level %u does not exist", row, level);
    if (status != MAE_OK)
        return status;
    const struct tree_node *const node = data;
    if (bytes != shape->node_bytes)
        return corrupt(verifier, "node %" PRIu64 " has %zu bytes, should have %u", row, bytes, shape->node_bytes);
    if (node->level != level)
        return corrupt(verifier, "node %" PRIu64 " is of level %u, should be of %u", row, node->level, level);
    const unsigned capacity = tree_node_capacity(shape, node);
    const unsigned least = level > 0 ? 2 : row == index->root ? 0 : 1;
    if (node->count > capacity || node->count < least)
        return corrupt(verifier, "node %" PRIu64 " has %u entries, should have %u to %u", row, node->count, least,
                       capacity);
    const struct tree_key own_low = tree_node_low(shape, node), own_high = tree_node_high(shape, node);
    if (!same_fence(shape, node->low_open, &own_low, low) || !same_fence(shape, node->high_open, &own_high, high))
        return corrupt(verifier, "node %" PRIu64 " of level %u: its fences are not what its parent says", row, level);
    status = verify_entries(verifier, row, node);
    if (status != MAE_OK)
        return status;
    if (level == 0) {
        verifier->statistics->leaves++;
        verifier->statistics->entries += node->count;
        return verify_leaf_links(verifier, row, node);
    }
    verifier->statistics->inner_nodes++;
    for (unsigned i = 0; i < node->count && status == MAE_OK; i++) {
        const struct tree_key from = tree_node_key(shape, node, i);
        const struct tree_key to = i + 1u < node->count ? tree_node_key(shape, node, i + 1) : own_high;
        status = verify_node(verifier, tree_node_value(shape, node, i), level - 1, i > 0 ? &from : low,
                             i + 1u < node->count ? &to : high);
    }
    return status;
}

static enum mae_status count_rows(struct verifier *verifier, uint64_t row_limit, uint64_t *count)
{
    *count = 0;
    for (uint64_t row = 0; row < row_limit; row++) {
        const void *data;
        size_t bytes;
        const enum mae_status status = txn_peek(verifier->txn, verifier->index->nodes, row, &data, &bytes);
        if (status == MAE_OK)
            ++*count;
        else if (status != MAE_NOT_FOUND)
            return status;
    }
    return MAE_OK;
}

enum mae_status tree_index_verify(struct mae_txn *txn, const struct tree_index *index, uint64_t row_limit,
                                  struct tree_statistics *statistics, char *report, size_t report_bytes)
{
    struct verifier verifier = {
        .txn = txn,
        .index = index,
        .statistics = statistics,
        .report = report,
        .report_bytes = report_bytes,
        .last_leaf = TREE_NO_ROW,
        .last_right = TREE_NO_ROW,
    };
    *statistics = (struct tree_statistics){0};
    const void *data;
    size_t bytes;
    enum mae_status status = txn_peek(txn, index->nodes, index->root, &data, &bytes);
    if (status == MAE_NOT_FOUND)
        return MAE_OK;
    if (status != MAE_OK)
        return status;
    const unsigned level = ((const struct tree_node *)data)->level;
    if (level >= TREE_LEVELS_MAX)
        return corrupt(&verifier, "the root is of level %u, should be below %d", level, TREE_LEVELS_MAX);
    statistics->height = level + 1u;
    status = verify_node(&verifier, index->root, level, NULL, NULL);
    if (status != MAE_OK)
        return status;
    if (verifier.last_right != TREE_NO_ROW)
        return corrupt(&verifier, "the last leaf, %" PRIu64 ", has a right neighbour, %" PRIu64, verifier.last_leaf,
                       verifier.last_right);
    uint64_t rows;
    status = count_rows(&verifier, row_limit, &rows);
    if (status == MAE_OK && rows != statistics->leaves + statistics->inner_nodes)
        return corrupt(&verifier,
                       "the table has %" PRIu64 " nodes, the tree %" PRIu64 " leaves and %" PRIu64 " inner nodes", rows,
                       statistics->leaves, statistics->inner_nodes);
    return status;
}
