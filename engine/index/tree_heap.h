/*
 * tree_heap.h - the whole keys in a node with keys of variable length.
 *
 * Keys lie at the end of the node, in the order in which they came, and the first one that came stands last. A key that
 * is removed leaves a gap. If a key finds no room below the others, all are moved together.
 *
 *   KV1  `used` is the sum of the sizes of the entries' keys, lengths included, and at most the room of the level.
 *   KV2  Keys lie between `top` and the node's end, without overlap.
 *   KV3  If a node is too full for one more entry, its entries and that one can be cut into two parts that fit, of at
 *        least two entries each (tree_heap_cut).
 * Checked by: tree_heap_is_sound, tests/unit/index/tree_node.c, tests/unit/index/tree_index.c; mutations
 * heap_moves_nothing and cut_counts_entries. Internal to tree_node.c, tree_balance.c and tree_verify.c.
 */
#ifndef ENGINE_INDEX_TREE_HEAP_H
#define ENGINE_INDEX_TREE_HEAP_H

#include "engine/index/tree_node.h"

enum {
    TREE_LONGEST_KEYS = 8, /* so many of the longest keys fit into each node */
    TREE_HEAP_END_MAX = 4096,
};

struct tree_heap {
    uint16_t used;     /* bytes of keys */
    uint16_t top;      /* bytes from body: where the lowest key begins */
    uint16_t places[]; /* bytes from body: where each entry's key begins */
};

/* The head of a key (tree_node.h). */
uint64_t tree_heap_head(const void *key);

/* The longest key with its length. */
size_t tree_heap_longest(const struct tree_shape *shape);

/* How many bytes of keys a node of this level has room for, and has. */
size_t tree_heap_room(const struct tree_shape *shape, const struct tree_node *node);
size_t tree_heap_used(const struct tree_shape *shape, const struct tree_node *node);

/* The key of entry i, its length first. */
const void *tree_heap_key(const struct tree_shape *shape, const struct tree_node *node, unsigned i);

void tree_heap_clear(const struct tree_shape *shape, struct tree_node *node);
/* The caller then counts the entry. There is room. The key is not in this node. */
void tree_heap_insert(const struct tree_shape *shape, struct tree_node *node, unsigned i, const void *key);
/* The caller then counts it no more. */
void tree_heap_remove(const struct tree_shape *shape, struct tree_node *node, unsigned i);
/* Of the last entries, that the caller then counts no more: as removing entry i. */
void tree_heap_forget(const struct tree_shape *shape, struct tree_node *node, unsigned i);
/* Behind the entries that the node has; the caller then counts these, too. There is room. */
void tree_heap_append(const struct tree_shape *shape, struct tree_node *node, const struct tree_node *source,
                      unsigned from, unsigned count);

/*
 * If `key` came in at `position`, and the first `cut` of the entries then stayed while the others went to another node:
 * the cut nearest to this one with which both fit (KV3). The node has no room for the key.
 */
unsigned tree_heap_cut(const struct tree_shape *shape, const struct tree_node *node, unsigned position,
                       const struct tree_key *key, unsigned cut);

/* Whether KV1 and KV2 hold, no key is empty or too long, and each head is that of its key. */
bool tree_heap_is_sound(const struct tree_shape *shape, const struct tree_node *node);

#endif
