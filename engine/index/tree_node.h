/*
 * tree_node.h - the layout of one node of the ordered index, and what can be done inside it.
 *
 * A node is the payload of a row. It covers the keys low <= key < high (its fences, either may be open) and holds
 * entries (key, value) in strictly ascending order: in a leaf (level 0) the value is the row the key leads to, in an
 * inner node it is the child that covers the keys from the entry's key on. The first key of an inner node is its low
 * fence (unused when that is open). In a non-unique tree the key is the pair (key, row), in leaves, inner nodes and
 * fences alike, so that all entries differ; an inner node then needs a third array, for the rows of its keys (`ties`).
 *
 *     struct tree_node | low | high | keys: capacity x key_bytes | values: capacity x 8 | ties (inner, non-unique only)
 *
 * Keys stand together because a search reads only them. Keys of 8 bytes begin at a cache line of their own: the
 * version's header, the node's header and two fences fill the line before.
 *
 *   N1  Keys ascend strictly and lie within the fences; checked by tree_verify.c.
 *   N2  count <= capacity of the node's level.
 *
 * TREE_CLASS_BYTES says why a node has its size. No locks: a node that is being changed is private to its transaction.
 * Not here: how nodes make a tree (tree_index.c).
 */
#ifndef ENGINE_INDEX_TREE_NODE_H
#define ENGINE_INDEX_TREE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/maemio.h"

#define TREE_NO_ROW UINT64_MAX

enum { TREE_NO_POSITION = UINT16_MAX };

struct tree_node {
    uint16_t level; /* 0: leaf */
    uint16_t count;
    uint16_t last_insert; /* position of the last insert or TREE_NO_POSITION: tells ascending from random order */
    uint8_t low_open, high_open;
    uint64_t left, right; /* leaves: neighbours or TREE_NO_ROW; inner nodes: unused */
    uint64_t body[];
};

/* The layout of the nodes of one index; constant. */
struct tree_shape {
    uint16_t key_bytes;
    bool numbers; /* keys are uint64_t in native order */
    bool non_unique;
    uint16_t node_bytes;
    uint16_t leaf_capacity, inner_capacity;                          /* entries */
    uint16_t low, high, keys, leaf_values, inner_values, inner_ties; /* bytes from body */
};

/* A key to look for or to store. */
struct tree_key {
    const void *bytes; /* key_bytes of them */
    uint64_t number;   /* the key as a number, if it has 8 bytes */
    uint64_t row;      /* non-unique: breaks ties; else ignored */
};

void tree_shape_init(struct tree_shape *shape, size_t key_bytes, bool non_unique);

struct tree_key tree_key_make(const struct tree_shape *shape, const void *bytes, uint64_t row);
/* < 0, 0, > 0 */
int tree_key_compare(const struct tree_shape *shape, const struct tree_key *a, const struct tree_key *b);

/* An empty node, fences open, no neighbours. */
void tree_node_clear(struct tree_node *node, unsigned level);
unsigned tree_node_capacity(const struct tree_shape *shape, const struct tree_node *node);

/* Starts loading the lines that a search will look at. Uses only the node's address, not its contents. */
void tree_node_prefetch_keys(const struct tree_shape *shape, const struct tree_node *node);

/* Views into the node. A fence that is open has no key. */
struct tree_key tree_node_key(const struct tree_shape *shape, const struct tree_node *node, unsigned i);
struct tree_key tree_node_low(const struct tree_shape *shape, const struct tree_node *node);
struct tree_key tree_node_high(const struct tree_shape *shape, const struct tree_node *node);
uint64_t tree_node_value(const struct tree_shape *shape, const struct tree_node *node, unsigned i);

/* `key` may be a view into another node; NULL opens the fence. */
void tree_node_set_low(const struct tree_shape *shape, struct tree_node *node, const struct tree_key *key);
void tree_node_set_high(const struct tree_shape *shape, struct tree_node *node, const struct tree_key *key);
void tree_node_set_key(const struct tree_shape *shape, struct tree_node *node, unsigned i, const struct tree_key *key);

bool tree_node_below_low(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key);
bool tree_node_beyond_high(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key);
bool tree_node_covers(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key);

/* The first entry that is >= key (lower) or > key (upper); count if there is none. */
unsigned tree_node_lower_bound(const struct tree_shape *shape, const struct tree_node *node,
                               const struct tree_key *key);
unsigned tree_node_upper_bound(const struct tree_shape *shape, const struct tree_node *node,
                               const struct tree_key *key);
/* Inner nodes: the entry whose child covers the key, if the node does. */
unsigned tree_node_child(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key);
/* Whether entry i, found as lower bound, is the key itself. */
bool tree_node_equals(const struct tree_shape *shape, const struct tree_node *node, unsigned i,
                      const struct tree_key *key);

/* The node must have room. `key` must not be a view into the same node. */
void tree_node_insert(const struct tree_shape *shape, struct tree_node *node, unsigned i, const struct tree_key *key,
                      uint64_t value);
void tree_node_remove(const struct tree_shape *shape, struct tree_node *node, unsigned i);
/* Copies entries [from, from + count) of `source` to position `to` of `node`, overwriting; counts stay. */
void tree_node_copy(const struct tree_shape *shape, struct tree_node *node, unsigned to, const struct tree_node *source,
                    unsigned from, unsigned count);

#endif
