#include "tests/bench/plain_btree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Nodes come from large zeroed blocks that ask for huge pages, as the engine's do: otherwise the comparison would be
 * one of page tables. PLAIN_CAPACITY 60 was faster than 28 and as fast as 124 (lookups of 10M random keys).
 */
enum { PLAIN_CAPACITY = 60, PLAIN_LEVELS_MAX = 24, PLAIN_BLOCK_BYTES = 64 << 20 };

struct plain_node {
    uint32_t level, count;
    struct plain_node *next; /* leaves */
    uint64_t keys[PLAIN_CAPACITY];
    union {
        uint64_t value;
        struct plain_node *child;
    } slots[PLAIN_CAPACITY];
};

struct plain_block {
    struct plain_block *next;
};

struct plain_btree {
    struct plain_node *root;
    struct plain_block *blocks;
    char *free, *end;
    uint64_t nodes;
};

static struct plain_node *node_create(struct plain_btree *tree, uint32_t level)
{
    if (tree->end - tree->free < (ptrdiff_t)sizeof(struct plain_node)) {
        void *const block = aligned_alloc(2 << 20, PLAIN_BLOCK_BYTES);
        if (block == NULL)
            return NULL;
        (void)madvise(block, PLAIN_BLOCK_BYTES, MADV_HUGEPAGE);
        ((struct plain_block *)block)->next = tree->blocks;
        tree->blocks = block;
        tree->free = (char *)block + 64;
        tree->end = (char *)block + PLAIN_BLOCK_BYTES;
    }
    struct plain_node *const node = (struct plain_node *)(void *)tree->free;
    tree->free += sizeof(*node);
    tree->nodes++;
    node->level = level;
    node->count = 0;
    node->next = NULL;
    return node;
}

struct plain_btree *plain_btree_create(void)
{
    struct plain_btree *const tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        return NULL;
    tree->root = node_create(tree, 0);
    if (tree->root == NULL) {
        free(tree);
        return NULL;
    }
    return tree;
}

void plain_btree_destroy(struct plain_btree *tree)
{
    while (tree->blocks != NULL) {
        struct plain_block *const block = tree->blocks;
        tree->blocks = block->next;
        free(block);
    }
    free(tree);
}

/* The first of keys [0, count) that is >= key. */
static uint32_t lower_bound(const uint64_t *keys, uint32_t count, uint64_t key)
{
    const uint64_t *base = keys;
    uint32_t left = count;
    if (left == 0)
        return 0;
    while (left > 1) {
        const uint32_t half = left / 2;
        base += (base[half - 1] < key) * half;
        left -= half;
    }
    return (uint32_t)(base - keys) + (*base < key);
}

/* The child that covers the key; keys[0] of an inner node is not looked at. */
static uint32_t child_of(const struct plain_node *node, uint64_t key)
{
    return key == UINT64_MAX ? node->count - 1 : lower_bound(node->keys + 1, node->count - 1, key + 1);
}

static const struct plain_node *find_leaf(const struct plain_btree *tree, uint64_t key)
{
    const struct plain_node *node = tree->root;
    while (node->level > 0)
        node = node->slots[child_of(node, key)].child;
    return node;
}

bool plain_btree_find(const struct plain_btree *tree, uint64_t key, uint64_t *value)
{
    const struct plain_node *const leaf = find_leaf(tree, key);
    const uint32_t i = lower_bound(leaf->keys, leaf->count, key);
    if (i == leaf->count || leaf->keys[i] != key)
        return false;
    *value = leaf->slots[i].value;
    return true;
}

static void put(struct plain_node *node, uint32_t i, uint64_t key, uint64_t slot)
{
    memmove(node->keys + i + 1, node->keys + i, (node->count - i) * sizeof(node->keys[0]));
    memmove(node->slots + i + 1, node->slots + i, (node->count - i) * sizeof(node->slots[0]));
    node->keys[i] = key;
    node->slots[i].value = slot;
    node->count++;
}

/* Moves the upper half of the i-th child to a new one behind it. */
static bool split_child(struct plain_btree *tree, struct plain_node *parent, uint32_t i, bool at_end)
{
    struct plain_node *const left = parent->slots[i].child, *const right = node_create(tree, left->level);
    if (right == NULL)
        return false;
    const uint32_t keep = at_end ? PLAIN_CAPACITY - PLAIN_CAPACITY / 10 : PLAIN_CAPACITY / 2;
    right->count = PLAIN_CAPACITY - keep;
    memcpy(right->keys, left->keys + keep, right->count * sizeof(left->keys[0]));
    memcpy(right->slots, left->slots + keep, right->count * sizeof(left->slots[0]));
    left->count = keep;
    right->next = left->next;
    left->next = right;
    put(parent, i + 1, right->keys[0], (uint64_t)(uintptr_t)right);
    return true;
}

bool plain_btree_insert(struct plain_btree *tree, uint64_t key, uint64_t value)
{
    /* Full nodes are split on the way down, so that a split always finds room above. */
    if (tree->root->count == PLAIN_CAPACITY) {
        struct plain_node *const root = node_create(tree, tree->root->level + 1);
        if (root == NULL)
            return false;
        put(root, 0, 0, (uint64_t)(uintptr_t)tree->root);
        if (!split_child(tree, root, 0, key > tree->root->keys[PLAIN_CAPACITY - 1]))
            return false;
        tree->root = root;
    }
    struct plain_node *node = tree->root;
    while (node->level > 0) {
        const uint32_t i = child_of(node, key);
        struct plain_node *const child = node->slots[i].child;
        if (child->count < PLAIN_CAPACITY)
            node = child;
        else if (!split_child(tree, node, i, key > child->keys[PLAIN_CAPACITY - 1]))
            return false; /* out of memory; else look again, there are two children now */
    }
    const uint32_t i = lower_bound(node->keys, node->count, key);
    if (i < node->count && node->keys[i] == key)
        return false;
    put(node, i, key, value);
    return true;
}

void plain_btree_scan(const struct plain_btree *tree, uint64_t lo, uint64_t limit,
                      bool (*visit)(void *arg, const void *key, uint64_t value), void *arg)
{
    const struct plain_node *leaf = find_leaf(tree, lo);
    for (uint32_t i = lower_bound(leaf->keys, leaf->count, lo); leaf != NULL; leaf = leaf->next, i = 0) {
        if (leaf->next != NULL)
            __builtin_prefetch(leaf->next);
        for (; i < leaf->count; i++)
            if (limit-- == 0 || !visit(arg, &leaf->keys[i], leaf->slots[i].value))
                return;
    }
}

uint64_t plain_btree_bytes(const struct plain_btree *tree)
{
    return tree->nodes * sizeof(struct plain_node);
}
