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
 * A key of variable length is a byte that says how many bytes it has, and these bytes. Keys sort as memcmp does, and of
 * two keys of which one begins the other the shorter one comes first. Where other nodes have keys, a node then has the
 * heads of its keys: the first eight bytes as a number, with zeros where a key ends. Of two keys with different heads
 * the one with the smaller head is smaller, so most comparisons look no further. The whole keys lie in a heap at the
 * node's end (tree_heap.h). Fences have room for the longest key.
 *
 *     struct tree_node | low | high | heads: capacity x 8 | struct tree_heap | values: capacity x 8 | ties | whole keys
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

enum {
    TREE_NO_POSITION = UINT16_MAX,
    TREE_KEY_BYTES_MAX = 1 + MAE_KEY_DATA_BYTES, /* with the length of a key of variable length */
};

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
    uint16_t key_bytes;  /* variable: of the longest key, without its length */
    uint16_t slot_bytes; /* of each of `keys`: key_bytes, or 8 for heads */
    bool numbers;        /* keys are uint64_t in native order */
    bool variable;       /* keys are of variable length */
    bool non_unique;
    uint16_t node_bytes;
    uint16_t leaf_capacity, inner_capacity;                          /* entries */
    uint16_t low, high, keys, leaf_values, inner_values, inner_ties; /* bytes from body */
    uint16_t heap, leaf_heap, inner_heap, heap_end; /* variable: struct tree_heap, and where whole keys may lie */
};

/* A key to look for or to store. */
struct tree_key {
    const void *bytes; /* key_bytes of them; variable: the length, and so many bytes */
    uint64_t number;   /* the key as a number, if it has 8 bytes; variable: its head */
    uint64_t row;      /* non-unique: breaks ties; else ignored */
};

/* Of an ordered index. */
void tree_shape_init(struct tree_shape *shape, const struct mae_index_config *config);

/* How many bytes stand at a key, with its length if that is variable. */
size_t tree_key_size(const struct tree_shape *shape, const void *bytes);

struct tree_key tree_key_make(const struct tree_shape *shape, const void *bytes, uint64_t row);
/* < 0, 0, > 0 */
int tree_key_compare(const struct tree_shape *shape, const struct tree_key *a, const struct tree_key *b);

/* An empty node, fences open, no neighbours. */
void tree_node_clear(const struct tree_shape *shape, struct tree_node *node, unsigned level);
unsigned tree_node_capacity(const struct tree_shape *shape, const struct tree_node *node);

/* Whether the node has room for one more entry, with this key. With spare: then a tenth of it is still free. */
bool tree_node_has_room(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key);
bool tree_node_has_spare(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key);
/* Whether less than a quarter is in use. */
bool tree_node_is_small(const struct tree_shape *shape, const struct tree_node *node);
/* Whether one node of their level can take the entries of both; loosely: so that a quarter stays free. */
bool tree_node_fit(const struct tree_shape *shape, const struct tree_node *a, const struct tree_node *b, bool loosely);

/* Starts loading the lines that a search will look at. Uses only the node's address, not its contents. */
void tree_node_prefetch_keys(const struct tree_shape *shape, const struct tree_node *node);

/* Views into the node. A fence that is open has no key. With keys of variable length, an insertion into the node may
 * move the keys of entries; fences stay where they are. */
struct tree_key tree_node_key(const struct tree_shape *shape, const struct tree_node *node, unsigned i);
struct tree_key tree_node_low(const struct tree_shape *shape, const struct tree_node *node);
struct tree_key tree_node_high(const struct tree_shape *shape, const struct tree_node *node);
uint64_t tree_node_value(const struct tree_shape *shape, const struct tree_node *node, unsigned i);

/* `key` may be a view into another node; NULL opens the fence. */
void tree_node_set_low(const struct tree_shape *shape, struct tree_node *node, const struct tree_key *key);
void tree_node_set_high(const struct tree_shape *shape, struct tree_node *node, const struct tree_key *key);

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
/* Adds entries [from, from + count) of `source`, which is of the same level, behind those of `node`, which has room. */
void tree_node_append(const struct tree_shape *shape, struct tree_node *node, const struct tree_node *source,
                      unsigned from, unsigned count);
/* Leaves the first `count` entries. */
void tree_node_truncate(const struct tree_shape *shape, struct tree_node *node, unsigned count);

#endif
