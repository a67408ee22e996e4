/*
 * tree.c - a B+-tree changed in place by many threads, with optimistic lock coupling.
 *
 * On its way down a reader loads the child's version before it checks the parent's again, so that parent and child
 * belong together. A writer locks the nodes that it changes, which fails if another thread has changed a node since the
 * writer walked past it. A thread that fails starts again from the anchor. It has then seen a step of another thread
 * done, so some thread makes progress.
 *
 *   T1  Node memory stays node memory: a reader that comes late reads garbage at worst, and notices before it uses it.
 *   T2  Only the nodes above a node tell what it covers: by its key there and the next key. The first key of an inner
 *       node stands for "from the beginning". So when a child is taken out, its neighbour covers its keys without being
 *       changed: the heir. A leaf covers no fewer keys as long as its version is unchanged.
 *   T3  Who has noted a leaf notes its heir, too (node.h). The heir is locked while it takes over, and the change tells
 *       its version. Any later insert among the keys of the leaf that is gone changes the heir's version.
 *   T4  Node 0 is the anchor, an inner node with one child: the root. So a root is split like any other node, and a
 *       leaf never becomes an inner node.
 *
 * A writer splits full inner nodes on its way down, so that a split finds room above. A leaf is split when it is full
 * and gets an entry, both under one lock, so a call splits at most one leaf. A leaf that becomes empty is taken out,
 * together with the nodes above it that have no other child; the last leaf stays. Nodes are not merged otherwise.
 *
 * Checked by: tree_verify, tests/unit/schemes/base/tree.c, tests/stress/nodes.c, tests/schedule/nodes.c.
 * Source: Leis et al., "The ART of Practical Synchronization", DaMoN 2016 (optimistic lock coupling).
 */
#include "schemes/base/tree.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"

enum {
    KEY_WORDS_MAX = 8,
    PAIR_WORDS_MAX = KEY_WORDS_MAX + 1, /* key, ref */
    NODE_BYTES_SMALL = 1024,
    NODE_BYTES_LARGE = 2048, /* keys of more than 24 bytes */
    LEVELS_MAX = 24,
    BATCH = 16, /* entries that a scan copies at a time */
    ANCHOR = 0,
    ROOT_FIRST = 1,
};

struct tree_node {
    struct index_node node;
    _Atomic uint64_t shape; /* level << 32 | count; a leaf's level is 0 */
    /* Pairs: capacity x pair_words. Values: capacity; in a leaf refs, else numbers of nodes. */
    _Atomic uint64_t words[];
};

/* A key as words that compare as numbers, in a non-unique tree with the ref behind it. */
struct pair {
    uint64_t words[PAIR_WORDS_MAX];
};

static struct tree_node *node_at(const struct tree *tree, uint64_t number)
{
    return (struct tree_node *)(void *)(tree->span.base + number * tree->node_bytes);
}

static uint64_t node_number(const struct tree *tree, const struct tree_node *node)
{
    return (uint64_t)((const char *)node - tree->span.base) / tree->node_bytes;
}

/* ---- Pairs. ---- */

static struct pair pair_make(const struct tree *tree, const void *key, uint64_t ref)
{
    struct pair pair;
    if (tree->numbers) {
        memcpy(pair.words, key, sizeof pair.words[0]);
    } else {
        pair.words[tree->key_words - 1] = 0; /* which the key may not fill */
        memcpy(pair.words, key, tree->key_bytes);
        for (unsigned i = 0; i < tree->key_words; i++)
            pair.words[i] = __builtin_bswap64(pair.words[i]);
    }
    if (tree->non_unique)
        pair.words[tree->key_words] = ref;
    return pair;
}

/* The bytes of the pair's key: its own words, if they are numbers, else in `bytes`. */
static inline const void *pair_key(const struct tree *tree, const struct pair *pair, uint64_t bytes[KEY_WORDS_MAX])
{
    if (tree->numbers)
        return pair->words;
    for (unsigned i = 0; i < tree->key_words; i++)
        bytes[i] = __builtin_bswap64(pair->words[i]);
    return bytes;
}

static int pair_compare(const struct tree *tree, const struct pair *a, const struct pair *b)
{
    for (unsigned i = 0; i < tree->pair_words; i++)
        if (a->words[i] != b->words[i])
            return a->words[i] < b->words[i] ? -1 : 1;
    return 0;
}

/* To the pair after it (step 1) or before it (step -1); false if there is none. */
static bool pair_step(const struct tree *tree, struct pair *pair, uint64_t step)
{
    for (unsigned i = tree->pair_words; i-- > 0;) {
        pair->words[i] += step;
        if (pair->words[i] != (step == 1 ? 0 : UINT64_MAX))
            return true;
    }
    return false;
}

/* ---- Words of nodes. ---- */

static unsigned level_of(const struct tree_node *node)
{
    return (unsigned)(node_word(&node->shape) >> 32);
}

/* The node's count, but never more than its capacity, even if it is read while the node changes. */
static unsigned count_of(const struct tree *tree, const struct tree_node *node)
{
    unsigned count = (unsigned)node_word(&node->shape);
    return count <= tree->capacity ? count : tree->capacity;
}

static void set_shape(struct tree_node *node, unsigned level, unsigned count)
{
    node_word_set(&node->shape, (uint64_t)level << 32 | count);
}

static _Atomic uint64_t *value_at(const struct tree *tree, struct tree_node *node, unsigned i)
{
    return &node->words[(unsigned)tree->capacity * tree->pair_words + i];
}

static inline void pair_read(const struct tree *tree, const struct tree_node *node, unsigned i, struct pair *pair)
{
    for (unsigned word = 0; word < tree->pair_words; word++)
        pair->words[word] = node_word(&node->words[i * tree->pair_words + word]);
}

/* What pair_compare says of the node's entry and `pair`. */
static inline int compare_at(const struct tree *tree, const struct tree_node *node, unsigned i, const struct pair *pair)
{
    for (unsigned word = 0; word < tree->pair_words; word++) {
        uint64_t own = node_word(&node->words[i * tree->pair_words + word]);
        if (own != pair->words[word])
            return own < pair->words[word] ? -1 : 1;
    }
    return 0;
}

static void set_entry(const struct tree *tree, struct tree_node *node, unsigned i, const struct pair *pair,
                      uint64_t value)
{
    for (unsigned word = 0; word < tree->pair_words; word++)
        node_word_set(&node->words[i * tree->pair_words + word], pair->words[word]);
    node_word_set(value_at(tree, node, i), value);
}

/* Upwards from the first one, or downwards from the last: as the places overlap. */
static inline void move_words(_Atomic uint64_t *to, const _Atomic uint64_t *from, unsigned count)
{
    if (to > from)
        for (unsigned i = count; i-- > 0;)
            node_word_set(&to[i], node_word(&from[i]));
    else
        for (unsigned i = 0; i < count; i++)
            node_word_set(&to[i], node_word(&from[i]));
}

/* Copies entries [k, k + count) of `from` to place i of `to`, which may be the same node; counts stay. */
static void move_entries(const struct tree *tree, struct tree_node *to, unsigned i, struct tree_node *from, unsigned k,
                         unsigned count)
{
    unsigned words = tree->pair_words;
    move_words(&to->words[i * words], &from->words[k * words], count * words);
    move_words(value_at(tree, to, i), value_at(tree, from, k), count);
}

static void insert_entry(const struct tree *tree, struct tree_node *node, unsigned i, const struct pair *pair,
                         uint64_t value)
{
    unsigned count = count_of(tree, node);
    MAE_DCHECK(count < tree->capacity);
    move_entries(tree, node, i + 1, node, i, count - i);
    set_entry(tree, node, i, pair, value);
    set_shape(node, level_of(node), count + 1);
}

static void remove_entry(const struct tree *tree, struct tree_node *node, unsigned i)
{
    unsigned count = count_of(tree, node);
    move_entries(tree, node, i, node, i + 1, count - i - 1);
    set_shape(node, level_of(node), count - 1);
}

/* The first of `count` ascending words that is not below `wanted`. Without branches on the words, which would be
 * mispredicted half of the time. */
static inline unsigned lower_bound_of_words(const _Atomic uint64_t *words, unsigned count, uint64_t wanted)
{
    unsigned first = 0;
    for (unsigned half; count > 1; count -= half) {
        half = count / 2;
        first += node_word(&words[first + half - 1]) < wanted ? half : 0;
    }
    return first + (count == 1 && node_word(&words[first]) < wanted);
}

/* The first entry from `first` on that is not below the pair. */
static inline unsigned lower_bound(const struct tree *tree, const struct tree_node *node, unsigned first,
                                   unsigned count, const struct pair *pair)
{
    if (first < count && tree->pair_words == 1)
        return first + lower_bound_of_words(&node->words[first], count - first, pair->words[0]);
    while (first < count) {
        unsigned middle = (first + count) / 2;
        if (compare_at(tree, node, middle, pair) < 0)
            first = middle + 1;
        else
            count = middle;
    }
    return first;
}

static bool holds(const struct tree *tree, const struct tree_node *node, unsigned i, unsigned count,
                  const struct pair *pair)
{
    return i < count && compare_at(tree, node, i, pair) == 0;
}

/* The child that covers the pair: the last whose key is not above it. */
static unsigned child_position(const struct tree *tree, const struct tree_node *node, unsigned count,
                               const struct pair *pair)
{
    unsigned i = lower_bound(tree, node, 1, count, pair);
    return holds(tree, node, i, count, pair) ? i : i - 1;
}

/* ---- Node memory. ---- */

/* An empty node that is not in the tree, locked: its version is set when it is unlocked. NULL: no memory. */
static struct tree_node *node_take(struct tree *tree, unsigned level, uint64_t stamp, uint64_t *version,
                                   enum mae_status *status)
{
    struct tree_node *node = NULL;
    *status = MAE_OK;
    pthread_mutex_lock(&tree->lock);
    if (tree->free_first != 0) {
        node = node_at(tree, tree->free_first);
        tree->free_first = node_word(&node->words[0]);
    } else if ((*status = span_commit(&tree->span, (tree->used + 1) * tree->node_bytes)) == MAE_OK) {
        node = node_at(tree, tree->used++);
    }
    pthread_mutex_unlock(&tree->lock);
    if (node == NULL)
        return NULL;
    /* A late reader of the node's former contents must notice that they have changed (node.h, N1). */
    *version = atomic_load_explicit(&node->node.version, memory_order_relaxed) & ~(uint64_t)NODE_GONE;
    atomic_exchange_explicit(&node->node.version, *version | NODE_LOCKED, memory_order_acq_rel); /* ORD-NODE-1 */
    atomic_store_explicit(&node->node.stamp, stamp, memory_order_release);                       /* ORD-NODE-2 */
    set_shape(node, level, 0);
    return node;
}

/* Unlocks a node that is in the tree no longer. Returns its version. */
static uint64_t node_give(struct tree *tree, struct tree_node *node, uint64_t version)
{
    version = (version + NODE_VERSION_STEP) | NODE_GONE;
    pthread_mutex_lock(&tree->lock);
    node_word_set(&node->words[0], tree->free_first);
    tree->free_first = node_number(tree, node);
    atomic_store_explicit(&node->node.version, version, memory_order_release); /* ORD-NODE-1 */
    pthread_mutex_unlock(&tree->lock);
    return version;
}

/* The stamp of a node that is locked. */
static uint64_t stamp_of(const struct tree_node *node)
{
    return atomic_load_explicit(&node->node.stamp, memory_order_seq_cst); /* ORD-NODE-2 */
}

/* ---- The way down. ---- */

struct way {
    struct tree_node *nodes[LEVELS_MAX]; /* from the anchor */
    uint64_t versions[LEVELS_MAX];
    unsigned positions[LEVELS_MAX]; /* of the next node in this one */
    unsigned counts[LEVELS_MAX];
    unsigned depth; /* of the last node */
    bool has_low, has_high;
    struct pair low, high; /* that node covers low <= pair < high */
};

/* One attempt to walk to the leaf that covers the pair; with `until_full` it stops at the first full node. */
static bool walk_once(const struct tree *tree, const struct pair *pair, bool until_full, struct way *way)
{
    struct tree_node *node = node_at(tree, ANCHOR);
    uint64_t version;
    way->has_low = way->has_high = false;
    if (!node_read_begin(&node->node, &version))
        return false;
    for (way->depth = 0; way->depth < LEVELS_MAX; way->depth++) {
        unsigned level = level_of(node), count = count_of(tree, node);
        way->nodes[way->depth] = node;
        way->versions[way->depth] = version;
        way->counts[way->depth] = count;
        if (level == 0 || (until_full && count == tree->capacity))
            return node_read_end(&node->node, version);
        unsigned i = child_position(tree, node, count, pair);
        uint64_t child = node_word(value_at(tree, node, i));
        if (i > 0) {
            pair_read(tree, node, i, &way->low);
            way->has_low = true;
        }
        if (i + 1 < count) {
            pair_read(tree, node, i + 1, &way->high);
            way->has_high = true;
        }
        way->positions[way->depth] = i;
        if (!node_read_end(&node->node, version)) /* before the child's number is used */
            return false;
        struct tree_node *next = node_at(tree, child);
        uint64_t next_version;
        if (!node_read_begin(&next->node, &next_version) || !node_read_end(&node->node, version))
            return false;
        node = next;
        version = next_version;
    }
    return false;
}

/* Ends: an attempt fails only if another thread has changed a node meanwhile. */
static void walk(const struct tree *tree, const struct pair *pair, bool until_full, struct way *way)
{
    while (!walk_once(tree, pair, until_full, way)) {
    }
}

/* As walk, to a leaf, without noting the way. */
static struct tree_node *leaf_of(const struct tree *tree, const struct pair *pair, uint64_t *version)
{
    for (;;) {
        struct tree_node *node = node_at(tree, ANCHOR);
        bool good = node_read_begin(&node->node, version);
        while (good && level_of(node) > 0) {
            unsigned i = child_position(tree, node, count_of(tree, node), pair);
            struct tree_node *next = node_at(tree, node_word(value_at(tree, node, i)));
            uint64_t next_version = 0;
            good = node_read_end(&node->node, *version) && node_read_begin(&next->node, &next_version) &&
                   node_read_end(&node->node, *version);
            node = next;
            *version = next_version;
        }
        if (good)
            return node;
    }
}

/* ---- Splits. ---- */

/* Moves the entries from `keep` on to `right`, which is empty and locked, as `node` is. */
static void split_off(const struct tree *tree, struct tree_node *node, unsigned keep, struct tree_node *right)
{
    unsigned count = count_of(tree, node);
    move_entries(tree, right, 0, node, keep, count - keep);
    set_shape(right, level_of(right), count - keep);
    set_shape(node, level_of(node), keep);
}

/* How many entries stay. Ascending keys never come back to a node that they have left, so it stays full. */
static unsigned split_point(const struct tree *tree, const struct tree_node *node, const struct pair *pair)
{
    unsigned count = count_of(tree, node);
    return compare_at(tree, node, count - 1, pair) < 0 ? count - count / 10 : count / 2;
}

/* The node at the end of a way and the one above it, locked, with new nodes. */
struct split {
    struct tree_node *parent, *node, *right, *root; /* root: a new one above `node`, if that was the root */
    uint64_t right_version, root_version;
};

/* False: another thread was there, or *status is why there are no new nodes; nothing is locked then. */
static bool split_begin(struct tree *tree, const struct way *way, struct split *split, enum mae_status *status)
{
    unsigned depth = way->depth;
    *split = (struct split){.parent = way->nodes[depth - 1], .node = way->nodes[depth]};
    *status = MAE_OK;
    if (!node_try_lock(&split->parent->node, way->versions[depth - 1]))
        return false;
    if (!node_try_lock(&split->node->node, way->versions[depth]))
        goto unlock_parent;
    unsigned level = level_of(split->node);
    split->right = node_take(tree, level, stamp_of(split->node), &split->right_version, status);
    if (split->right == NULL)
        goto unlock_node;
    if (depth == 1 && (split->root = node_take(tree, level + 1, 0, &split->root_version, status)) == NULL)
        goto give_right;
    return true;
give_right:
    node_give(tree, split->right, split->right_version);
unlock_node:
    node_unlock_unchanged(&split->node->node, way->versions[depth]);
unlock_parent:
    node_unlock_unchanged(&split->parent->node, way->versions[depth - 1]);
    return false;
}

/* Puts the right half into the tree. */
static void split_link(struct tree *tree, const struct way *way, struct split *split)
{
    struct pair separator;
    pair_read(tree, split->right, 0, &separator);
    uint64_t right = node_number(tree, split->right);
    if (split->root == NULL) {
        insert_entry(tree, split->parent, way->positions[way->depth - 1] + 1, &separator, right);
        return;
    }
    static const struct pair none;
    MAE_CHECK(level_of(split->root) + 2 < LEVELS_MAX);
    set_entry(tree, split->root, 0, &none, node_number(tree, split->node));
    set_entry(tree, split->root, 1, &separator, right);
    set_shape(split->root, level_of(split->root), 2);
    node_unlock(&split->root->node, split->root_version);
    node_word_set(value_at(tree, split->parent, 0), node_number(tree, split->root)); /* T4 */
}

/* Splits the full inner node at the end of the way, if no node has changed since. */
static enum mae_status split_inner(struct tree *tree, const struct way *way, const struct pair *pair)
{
    struct split split;
    enum mae_status status;
    if (!split_begin(tree, way, &split, &status))
        return status;
    split_off(tree, split.node, split_point(tree, split.node, pair), split.right);
    split_link(tree, way, &split);
    node_unlock(&split.right->node, split.right_version);
    node_unlock(&split.node->node, way->versions[way->depth]);
    node_unlock(&split.parent->node, way->versions[way->depth - 1]);
    return MAE_OK;
}

/* Splits the full leaf at the end of the way and adds the entry, which it does not hold, to one of the halves. */
static bool split_leaf(struct tree *tree, const struct way *way, const struct pair *pair, uint64_t ref,
                       struct node_changes *changes, enum mae_status *status)
{
    struct split split;
    if (!split_begin(tree, way, &split, status))
        return false;
    unsigned i = lower_bound(tree, split.node, 0, tree->capacity, pair);
    unsigned keep = split_point(tree, split.node, pair);
    split_off(tree, split.node, keep, split.right);
    split_link(tree, way, &split);
    if (i <= keep)
        insert_entry(tree, split.node, i, pair, ref);
    else
        insert_entry(tree, split.right, i - keep, pair, ref);
    uint64_t before = way->versions[way->depth];
    uint64_t right = node_unlock(&split.right->node, split.right_version);
    node_changed(changes, &split.node->node, before, node_unlock(&split.node->node, before));
    if (!MUTATED(split_forgets_leaf))
        node_took_over(changes, &split.right->node, &split.node->node, right);
    node_unlock(&split.parent->node, way->versions[way->depth - 1]);
    return true;
}

/* ---- Taking leaves out. ---- */

/* The heir of the node's child at `position`, locked: the next leaf before it, or after it if it is the first (T2).
 * False: another thread is changing something; nothing is locked then. */
static bool lock_heir(const struct tree *tree, struct tree_node *node, unsigned position, struct node_seen *heir,
                      struct tree_node **leaf)
{
    bool last = position > 0; /* of its entries the last leads to the heir */
    struct tree_node *child = node_at(tree, node_word(value_at(tree, node, last ? position - 1 : 1)));
    uint64_t version = node_version(&child->node);
    while ((version & (NODE_LOCKED | NODE_GONE)) == 0 && level_of(child) > 0) {
        unsigned count = count_of(tree, child);
        struct tree_node *next = node_at(tree, node_word(value_at(tree, child, last && count > 0 ? count - 1 : 0)));
        if (!node_read_end(&child->node, version)) /* before the number is used */
            return false;
        uint64_t next_version = node_version(&next->node);
        if (!node_read_end(&child->node, version))
            return false;
        child = next;
        version = next_version;
    }
    *leaf = child;
    *heir = (struct node_seen){&child->node, version};
    return (version & (NODE_LOCKED | NODE_GONE)) == 0 && node_try_lock(&child->node, version);
}

/* The heir, locked, gets the stamp of the leaf that goes, locked, too (node.h, N4). Ends: the scheme's stamps grow. */
static void join_stamps(const struct tree *tree, struct tree_node *heir, const struct tree_node *gone)
{
    uint64_t other = stamp_of(gone), own = stamp_of(heir), joined;
    do
        joined = tree->join != NULL ? tree->join(own, other) : own > other ? own : other;
    while (joined != own && !atomic_compare_exchange_weak_explicit(&heir->node.stamp, &own, joined,
                                                                   memory_order_seq_cst, memory_order_seq_cst));
}

/* Takes the empty leaf at the end of the way out, with the nodes above that have no other child. False: try again. */
static bool unlink_leaf(struct tree *tree, const struct way *way, struct node_changes *changes)
{
    unsigned depth = way->depth, top = depth - 1, locked;
    while (top > ANCHOR && way->counts[top] == 1)
        top--;
    if (top == ANCHOR) /* the last leaf stays */
        return true;
    for (locked = top; locked <= depth; locked++)
        if (!node_try_lock(&way->nodes[locked]->node, way->versions[locked]))
            break;
    struct node_seen heir;
    struct tree_node *heir_leaf, *leaf = way->nodes[depth];
    if (locked <= depth || !lock_heir(tree, way->nodes[top], way->positions[top], &heir, &heir_leaf)) {
        while (locked-- > top)
            node_unlock_unchanged(&way->nodes[locked]->node, way->versions[locked]);
        return false;
    }
    if (!MUTATED(stamp_not_joined))
        join_stamps(tree, heir_leaf, leaf);
    remove_entry(tree, way->nodes[top], way->positions[top]);
    node_unlock_unchanged(heir.node, heir.version);
    for (unsigned i = top + 1; i < depth; i++)
        node_give(tree, way->nodes[i], way->versions[i]);
    node_changed(changes, &leaf->node, way->versions[depth], node_give(tree, leaf, way->versions[depth]));
    if (!MUTATED(unlink_forgets_heir))
        node_took_over(changes, heir.node, &leaf->node, heir.version);
    node_unlock(&way->nodes[top]->node, way->versions[top]);
    return true;
}

/* ---- Calls. ---- */

bool tree_find(const struct tree *tree, const void *key, uint64_t *ref, struct node_seen *seen)
{
    MAE_DCHECK(!tree->non_unique);
    struct pair pair = pair_make(tree, key, 0);
    struct tree_node *leaf;
    uint64_t version;
    bool found;
    do {
        leaf = leaf_of(tree, &pair, &version);
        unsigned count = count_of(tree, leaf), i = lower_bound(tree, leaf, 0, count, &pair);
        found = holds(tree, leaf, i, count, &pair);
        if (found)
            *ref = node_word(value_at(tree, leaf, i));
    } while (!node_read_end(&leaf->node, version));
    *seen = (struct node_seen){&leaf->node, version};
    return found;
}

enum mae_status tree_replace(struct tree *tree, const void *key, uint64_t ref, uint64_t new_ref,
                             struct node_changes *changes)
{
    MAE_DCHECK(!tree->non_unique);
    struct pair pair = pair_make(tree, key, 0);
    struct tree_node *leaf;
    uint64_t version;
    changes->count = 0;
    do /* ends: each time another thread has changed the leaf */
        leaf = leaf_of(tree, &pair, &version);
    while (!node_try_lock(&leaf->node, version));
    unsigned count = count_of(tree, leaf), i = lower_bound(tree, leaf, 0, count, &pair);
    if (!holds(tree, leaf, i, count, &pair) || node_word(value_at(tree, leaf, i)) != ref) {
        node_unlock_unchanged(&leaf->node, version);
        return MAE_NOT_FOUND;
    }
    node_word_set(value_at(tree, leaf, i), new_ref);
    node_changed(changes, &leaf->node, version, node_unlock(&leaf->node, version));
    return MAE_OK;
}

enum mae_status tree_insert(struct tree *tree, const void *key, uint64_t ref, uint64_t *there,
                            struct node_changes *changes)
{
    struct pair pair = pair_make(tree, key, ref);
    enum mae_status status = MAE_OK;
    struct way way;
    changes->count = 0;
    while (status == MAE_OK) {
        walk(tree, &pair, true, &way);
        struct tree_node *node = way.nodes[way.depth];
        uint64_t version = way.versions[way.depth];
        unsigned count = way.counts[way.depth];
        if (level_of(node) > 0) { /* of a node that has changed since: then nothing is split */
            status = split_inner(tree, &way, &pair);
            continue;
        }
        unsigned i = lower_bound(tree, node, 0, count, &pair);
        bool found = holds(tree, node, i, count, &pair);
        uint64_t other = found ? node_word(value_at(tree, node, i)) : 0;
        if (!node_read_end(&node->node, version))
            continue;
        if (found) {
            *there = other;
            return MAE_EXISTS;
        }
        if (count == tree->capacity) {
            if (split_leaf(tree, &way, &pair, ref, changes, &status))
                return MAE_OK;
        } else if (node_try_lock(&node->node, version)) {
            insert_entry(tree, node, i, &pair, ref);
            node_changed(changes, &node->node, version, node_unlock(&node->node, version));
            return MAE_OK;
        }
    }
    return status;
}

enum mae_status tree_remove(struct tree *tree, const void *key, uint64_t ref, struct node_changes *changes)
{
    struct pair pair = pair_make(tree, key, ref);
    struct way way;
    bool empty;
    changes->count = 0;
    for (;;) {
        uint64_t version;
        struct tree_node *leaf = leaf_of(tree, &pair, &version);
        unsigned count = count_of(tree, leaf), i = lower_bound(tree, leaf, 0, count, &pair);
        bool found = holds(tree, leaf, i, count, &pair) && node_word(value_at(tree, leaf, i)) == ref;
        if (!found) {
            if (node_read_end(&leaf->node, version))
                return MAE_NOT_FOUND;
        } else if (node_try_lock(&leaf->node, version)) {
            remove_entry(tree, leaf, i);
            empty = count == 1;
            if (MUTATED(remove_keeps_version))
                node_unlock_unchanged(&leaf->node, version);
            else
                node_changed(changes, &leaf->node, version, node_unlock(&leaf->node, version));
            break;
        }
    }
    for (unsigned i = 0; empty; i++) { /* ends as walk does, or when the heir is unlocked */
        walk(tree, &pair, false, &way);
        empty = way.counts[way.depth] == 0 && !unlink_leaf(tree, &way, changes);
        if (empty)
            node_wait(i);
    }
    return MAE_OK;
}

/* ---- Scans. ---- */

/* Some entries of the leaf at the end of a way. */
struct batch {
    unsigned count;
    bool more; /* the leaf may have more of the range */
    struct pair pairs[BATCH];
    uint64_t refs[BATCH];
};

/* Copies the next entries of [first, last] from the leaf. False: the leaf has changed. */
static bool copy_batch(const struct tree *tree, const struct way *way, const struct pair *first,
                       const struct pair *last, bool backward, struct batch *batch)
{
    struct tree_node *leaf = way->nodes[way->depth];
    unsigned count = way->counts[way->depth], i = lower_bound(tree, leaf, 0, count, backward ? last : first);
    batch->count = 0;
    if (backward)
        i += holds(tree, leaf, i, count, last); /* one beyond the next */
    bool more = backward ? i > 0 : i < count;
    while (more && batch->count < BATCH) {
        unsigned at = backward ? i - 1 : i;
        struct pair *pair = &batch->pairs[batch->count];
        pair_read(tree, leaf, at, pair);
        if (backward ? pair_compare(tree, pair, first) < 0 : pair_compare(tree, pair, last) > 0) {
            more = false;
            break;
        }
        batch->refs[batch->count++] = node_word(value_at(tree, leaf, at));
        i = backward ? at : at + 1;
        more = backward ? i > 0 : i < count;
    }
    batch->more = more;
    return MUTATED(scan_unchecked) || node_read_end(&leaf->node, way->versions[way->depth]);
}

/* Moves the near end of the range beyond what has been visited; false: nothing is left. */
static bool scan_advance(const struct tree *tree, const struct way *way, const struct batch *batch, bool backward,
                         struct pair *first, struct pair *last)
{
    struct pair *near = backward ? last : first;
    if (batch->more) {
        *near = batch->pairs[batch->count - 1];
        if (!pair_step(tree, near, backward ? UINT64_MAX : 1))
            return false;
    } else if (backward) {
        *near = way->low;
        if (!way->has_low || !pair_step(tree, near, UINT64_MAX))
            return false;
    } else {
        *near = way->high;
        if (!way->has_high)
            return false;
    }
    return pair_compare(tree, first, last) <= 0;
}

void tree_scan(const struct tree *tree, const void *lo, const void *hi, unsigned flags, index_visit_fn visit,
               index_leaf_fn leaf, void *arg)
{
    bool backward = (flags & TREE_BACKWARD) != 0, inside = false;
    struct pair first = {.words = {0}}, last;
    uint64_t bytes[KEY_WORDS_MAX];
    struct node_seen seen = {NULL, 0};
    struct batch batch;
    struct way way;
    memset(&last, 0xff, sizeof last);
    if (lo != NULL)
        first = pair_make(tree, lo, 0);
    if (hi != NULL)
        last = pair_make(tree, hi, UINT64_MAX);
    if (pair_compare(tree, &first, &last) > 0)
        return;
    do {
        while (!inside || !copy_batch(tree, &way, &first, &last, backward, &batch)) {
            walk(tree, backward ? &last : &first, false, &way);
            inside = true;
        }
        struct node_seen now = {&way.nodes[way.depth]->node, way.versions[way.depth]};
        if ((now.node != seen.node || now.version != seen.version) && !leaf(arg, now))
            return;
        seen = now;
        for (unsigned i = 0; i < batch.count; i++) {
            if (!visit(arg, pair_key(tree, &batch.pairs[i], bytes), batch.refs[i]))
                return;
        }
        inside = batch.more;
    } while (scan_advance(tree, &way, &batch, backward, &first, &last));
}

/* ---- Set-up. ---- */

enum mae_status tree_init(struct tree *tree, struct mem_budget *budget, size_t key_bytes, bool non_unique,
                          index_join_fn join)
{
    *tree = (struct tree){
        .join = join,
        .key_bytes = (uint16_t)key_bytes,
        .key_words = (uint16_t)((key_bytes + 7) / 8),
        .numbers = key_bytes == sizeof(uint64_t),
        .non_unique = non_unique,
        .node_bytes = key_bytes <= 24 ? NODE_BYTES_SMALL : NODE_BYTES_LARGE,
    };
    MAE_CHECK(tree->key_words <= KEY_WORDS_MAX);
    tree->pair_words = (uint16_t)(tree->key_words + non_unique);
    tree->capacity =
        (uint16_t)((tree->node_bytes - sizeof(struct tree_node)) / ((tree->pair_words + 1u) * sizeof(uint64_t)));
    enum mae_status status = span_init(&tree->span, budget, mem_budget_most(budget), MEM_CHUNK_BYTES);
    if (status != MAE_OK)
        return status;
    status = span_commit(&tree->span, (ROOT_FIRST + 1) * (size_t)tree->node_bytes);
    if (status != MAE_OK) {
        span_fini(&tree->span);
        return status;
    }
    pthread_mutex_init(&tree->lock, NULL);
    struct tree_node *anchor = node_at(tree, ANCHOR);
    set_shape(anchor, LEVELS_MAX, 1);
    node_word_set(value_at(tree, anchor, 0), ROOT_FIRST); /* all zeros: an empty leaf */
    tree->used = ROOT_FIRST + 1;
    return MAE_OK;
}

uint64_t tree_node_count(const struct tree *tree)
{
    return tree->used;
}

void tree_fini(struct tree *tree)
{
    pthread_mutex_destroy(&tree->lock);
    span_fini(&tree->span);
}

/* ---- Verification. ---- */

struct verifier {
    const struct tree *tree;
    uint64_t entries, nodes;
};

/* What is wrong with the pairs of a node that covers low (NULL: open) <= pair < high. */
static const char *pairs_problem(const struct tree *tree, const struct tree_node *node, const struct pair *low,
                                 const struct pair *high)
{
    unsigned count = count_of(tree, node);
    for (unsigned i = level_of(node) > 0; i < count; i++) {
        struct pair pair;
        pair_read(tree, node, i, &pair);
        if ((low != NULL && pair_compare(tree, &pair, low) < 0) ||
            (high != NULL && pair_compare(tree, &pair, high) >= 0))
            return "has an entry out of its bounds";
        if (i + 1 < count && compare_at(tree, node, i + 1, &pair) <= 0)
            return "has entries out of order";
    }
    return NULL;
}

static const char *verify_below(struct verifier *verifier, uint64_t number, unsigned level, const struct pair *low,
                                const struct pair *high)
{
    const struct tree *tree = verifier->tree;
    struct tree_node *node = node_at(tree, number);
    unsigned count = count_of(tree, node);
    verifier->nodes++;
    if (level_of(node) != level)
        return "is of the wrong level";
    if (node_version(&node->node) & (NODE_LOCKED | NODE_GONE))
        return "is locked or was taken out";
    if (count == 0 && level > 0)
        return "has no child";
    const char *problem = pairs_problem(tree, node, low, high);
    if (level == 0) {
        verifier->entries += count;
        return problem;
    }
    for (unsigned i = 0; i < count && problem == NULL; i++) {
        struct pair from, to;
        pair_read(tree, node, i, &from);
        if (i + 1 < count)
            pair_read(tree, node, i + 1, &to);
        problem = verify_below(verifier, node_word(value_at(tree, node, i)), level - 1, i > 0 ? &from : low,
                               i + 1 < count ? &to : high);
    }
    return problem;
}

enum mae_status tree_verify(const struct tree *tree, uint64_t *entries, uint64_t *nodes, char *report,
                            size_t report_bytes)
{
    struct verifier verifier = {.tree = tree};
    uint64_t root = node_word(value_at(tree, node_at(tree, ANCHOR), 0));
    const char *problem = verify_below(&verifier, root, level_of(node_at(tree, root)), NULL, NULL);
    if (problem != NULL && report_bytes > 0)
        snprintf(report, report_bytes, "a node of the tree %s, or one below it", problem);
    *entries = verifier.entries;
    *nodes = verifier.nodes;
    return problem == NULL ? MAE_OK : MAE_CORRUPT;
}
