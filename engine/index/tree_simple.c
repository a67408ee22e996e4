/*
 * tree_simple.c - a B+-tree changed in place by many threads, with optimistic lock coupling.
 *
 * Each node has a version word that is also its lock. A reader notes the version, reads the node, and loads the version
 * again: if it is unchanged and not locked, the reader has seen one state of the node. On its way down a reader loads
 * the child's version before it loads the parent's again, so that parent and child belong together. A writer locks the
 * nodes that it changes by a compare-and-swap of their versions from even to odd, which fails if another thread has
 * changed a node since the writer walked past it. A thread that fails starts again from the root. No thread waits for a
 * lock while it holds one, so there are no deadlocks. A thread that starts again has seen a step of another thread
 * done, so some thread makes progress.
 *
 *   S1  Node memory stays node memory: a reader that comes late reads garbage at worst, and notices before it uses it.
 *   S2  The version of a node only grows, also when the node is taken out of the tree and used again.
 *   S3  A node is changed only while its lock is held. All its words are atomic, with release stores and acquire loads,
 *       so that a reader that sees a word of a change also sees the version that announced the change (ORD-TREE-1).
 *   S4  Only the nodes above a node tell what it covers: by its key there and the next key. The first key of an inner
 *       node stands for "from the beginning". So when a child is taken out, a neighbour covers its range without being
 *       changed.
 *
 * A writer splits full nodes on its way down, so that a split finds room above. A leaf that becomes empty is taken out,
 * together with the nodes above it that have no other child. Nodes are not merged otherwise. The root keeps its place.
 *
 * Entries are (key, row) pairs with a count. The changes of two transactions to a pair may be applied in the wrong
 * order: a removal that is applied before its insert leaves a count of -1. Lookups and scans see only pairs with a
 * positive count.
 *
 * Checked by: tree_simple_verify, tests/unit/index/tree_simple.c.
 * Source: Leis et al., "The ART of Practical Synchronization", DaMoN 2016 (optimistic lock coupling).
 */
#include "engine/index/tree_simple.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/wait.h"
#include "engine/index/cursor.h"
#include "engine/txn/txn.h"

enum {
    WORDS_MAX = MAE_KEY_MAX_BYTES / 8 + 1, /* key, row */
    CAPACITY_MAX = 42,
    NODE_BYTES_SMALL = 1024,
    NODE_BYTES_LARGE = 2048, /* keys of more than 24 bytes */
    LEVELS_MAX = 24,
    /* Nodes one change may need: one split a level and two for a new root, of a tree higher than any memory. */
    RESERVE = 12,
    AHEAD = 8,
};

enum { LOCKED = 1, OBSOLETE = 2, VERSION_STEP = 4 };

struct node {
    _Atomic uint64_t version;
    _Atomic uint32_t level, count;
    /* Keys: capacity x key_words. Rows: capacity (in inner nodes the key's second part). Children (in leaves counts):
     * capacity. */
    _Atomic uint64_t words[];
};

/* A key as words that compare as numbers, the row behind it. */
struct pair {
    uint64_t words[WORDS_MAX];
};

static struct node *node_at(const struct tree_simple *index, uint64_t number)
{
    return (struct node *)(void *)(index->span.base + number * index->node_bytes);
}

static uint64_t node_number(const struct tree_simple *index, const struct node *node)
{
    return (uint64_t)((const char *)node - index->span.base) / index->node_bytes;
}

/* ---- Pairs. ---- */

static struct pair pair_make(const struct tree_simple *index, const void *key, uint64_t row)
{
    struct pair pair;
    if (index->numbers) {
        memcpy(&pair.words[0], key, sizeof(pair.words[0]));
    } else {
        const unsigned char *const bytes = key;
        memset(&pair, 0, sizeof(pair));
        for (unsigned i = 0; i < index->key_bytes; i++)
            pair.words[i / 8] |= (uint64_t)bytes[i] << (56 - i % 8 * 8);
    }
    pair.words[index->key_words] = row;
    return pair;
}

static void pair_key(const struct tree_simple *index, const struct pair *pair, void *key)
{
    if (index->numbers) {
        memcpy(key, &pair->words[0], sizeof(pair->words[0]));
        return;
    }
    unsigned char *const bytes = key;
    for (unsigned i = 0; i < index->key_bytes; i++)
        bytes[i] = (unsigned char)(pair->words[i / 8] >> (56 - i % 8 * 8));
}

static uint64_t pair_row(const struct tree_simple *index, const struct pair *pair)
{
    return pair->words[index->key_words];
}

static int pair_compare(const struct tree_simple *index, const struct pair *a, const struct pair *b)
{
    for (unsigned i = 0; i <= index->key_words; i++)
        if (a->words[i] != b->words[i])
            return a->words[i] < b->words[i] ? -1 : 1;
    return 0;
}

/* The pair before it; false if there is none. */
static bool pair_step_back(const struct tree_simple *index, struct pair *pair)
{
    for (unsigned i = index->key_words + 1u; i-- > 0;)
        if (pair->words[i]-- != 0)
            return true;
    return false;
}

/* The pair behind it; false if there is none. */
static bool pair_step(const struct tree_simple *index, struct pair *pair)
{
    for (unsigned i = index->key_words + 1u; i-- > 0;)
        if (++pair->words[i] != 0)
            return true;
    return false;
}

/* ---- Words of nodes (S3). ---- */

static uint64_t get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire); /* ORD-TREE-1 */
}

static void put(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release); /* ORD-TREE-1 */
}

static unsigned level_of(const struct node *node)
{
    return atomic_load_explicit(&node->level, memory_order_acquire);
}

/* The node's count, but never more than its capacity, even if it is read while the node changes. */
static unsigned count_of(const struct tree_simple *index, const struct node *node)
{
    const unsigned count = atomic_load_explicit(&node->count, memory_order_acquire);
    return count <= index->capacity ? count : index->capacity;
}

static void set_level(struct node *node, unsigned level)
{
    atomic_store_explicit(&node->level, level, memory_order_release);
}

static void set_count(struct node *node, unsigned count)
{
    atomic_store_explicit(&node->count, count, memory_order_release);
}

static unsigned rows_at(const struct tree_simple *index)
{
    return (unsigned)index->capacity * index->key_words;
}

static _Atomic uint64_t *value_at(const struct tree_simple *index, struct node *node, unsigned i)
{
    return &node->words[rows_at(index) + index->capacity + i];
}

static struct pair pair_at(const struct tree_simple *index, const struct node *node, unsigned i)
{
    struct pair pair;
    for (unsigned word = 0; word < index->key_words; word++)
        pair.words[word] = get(&node->words[i * index->key_words + word]);
    pair.words[index->key_words] = get(&node->words[rows_at(index) + i]);
    return pair;
}

static void set_entry(const struct tree_simple *index, struct node *node, unsigned i, const struct pair *pair,
                      uint64_t value)
{
    for (unsigned word = 0; word < index->key_words; word++)
        put(&node->words[i * index->key_words + word], pair->words[word]);
    put(&node->words[rows_at(index) + i], pair->words[index->key_words]);
    put(value_at(index, node, i), value);
}

static void copy_entry(const struct tree_simple *index, struct node *to, unsigned i, struct node *from, unsigned k)
{
    const struct pair pair = pair_at(index, from, k);
    set_entry(index, to, i, &pair, get(value_at(index, from, k)));
}

static void insert_entry(const struct tree_simple *index, struct node *node, unsigned i, const struct pair *pair,
                         uint64_t value)
{
    const unsigned count = count_of(index, node);
    MAE_DCHECK(count < index->capacity);
    for (unsigned k = count; k > i; k--)
        copy_entry(index, node, k, node, k - 1);
    set_entry(index, node, i, pair, value);
    set_count(node, count + 1);
}

static void remove_entry(const struct tree_simple *index, struct node *node, unsigned i)
{
    const unsigned count = count_of(index, node);
    for (unsigned k = i; k + 1 < count; k++)
        copy_entry(index, node, k, node, k + 1);
    set_count(node, count - 1);
}

/* The first entry from `first` on that is not below the pair. */
static unsigned lower_bound(const struct tree_simple *index, const struct node *node, unsigned first, unsigned count,
                            const struct pair *pair)
{
    while (first < count) {
        const unsigned middle = (first + count) / 2;
        const struct pair other = pair_at(index, node, middle);
        if (pair_compare(index, &other, pair) < 0)
            first = middle + 1;
        else
            count = middle;
    }
    return first;
}

/* The child that covers the pair: the last whose key is not above it. */
static unsigned child_position(const struct tree_simple *index, const struct node *node, unsigned count,
                               const struct pair *pair)
{
    const unsigned i = lower_bound(index, node, 1, count, pair);
    if (i < count) {
        const struct pair other = pair_at(index, node, i);
        if (pair_compare(index, &other, pair) == 0)
            return i;
    }
    return i - 1;
}

/* ---- Versions. ---- */

/* The version of an unlocked node. False: it has been taken out. Waits for a writer, which waits for no
 * thread. */
static bool read_begin(const struct node *node, uint64_t *version)
{
    for (unsigned i = 0;; i++) {
        *version = atomic_load_explicit(&node->version, memory_order_acquire);
        if (LIKELY((*version & LOCKED) == 0))
            return (*version & OBSOLETE) == 0;
        wait_step(i);
    }
}

/* Whether the reader has seen one state of the node since it loaded `version`. The reader's loads are acquires, so they
 * come before this one. */
static bool read_end(const struct node *node, uint64_t version)
{
    return atomic_load_explicit(&node->version, memory_order_acquire) == version;
}

/* Locks the node if its version is still the one that was read. */
static bool try_lock(struct node *node, uint64_t version)
{
    return atomic_compare_exchange_strong_explicit(&node->version, &version, version | LOCKED, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

static void unlock_unchanged(struct node *node, uint64_t version)
{
    atomic_store_explicit(&node->version, version, memory_order_release);
}

static void unlock(struct node *node, uint64_t version)
{
    atomic_store_explicit(&node->version, version + VERSION_STEP, memory_order_release);
}

/* ---- Node memory. ---- */

static enum mae_status reserve(struct tree_simple *index)
{
    const uint64_t reserved = atomic_fetch_add_explicit(&index->reserved, RESERVE, memory_order_relaxed) + RESERVE;
    const uint64_t used = atomic_load_explicit(&index->used, memory_order_relaxed);
    const enum mae_status status = span_commit(&index->span, (used + reserved) * index->node_bytes);
    if (status != MAE_OK)
        atomic_fetch_sub_explicit(&index->reserved, RESERVE, memory_order_relaxed);
    return status;
}

static void unreserve(struct tree_simple *index)
{
    atomic_fetch_sub_explicit(&index->reserved, RESERVE, memory_order_relaxed);
}

/* Takes an empty node that is not in the tree, locked: its version is set when it is unlocked. */
static struct node *node_take(struct tree_simple *index, unsigned level, uint64_t *version)
{
    struct node *node = NULL;
    pthread_mutex_lock(&index->lock);
    if (index->free_first != 0) {
        node = node_at(index, index->free_first - 1);
        index->free_first = get(&node->words[0]);
    }
    pthread_mutex_unlock(&index->lock);
    if (node == NULL) {
        const uint64_t number = atomic_fetch_add_explicit(&index->used, 1, memory_order_relaxed);
        /* A transaction that changes the tree has set nodes aside (reserve). */
        MAE_CHECK(span_commit(&index->span, (number + 1) * index->node_bytes) == MAE_OK);
        node = node_at(index, number);
    }
    /* A late reader of the node's former contents must notice that they have changed (S2). */
    *version = atomic_load_explicit(&node->version, memory_order_relaxed) & ~(uint64_t)(LOCKED | OBSOLETE);
    atomic_exchange_explicit(&node->version, *version | LOCKED, memory_order_acq_rel);
    set_level(node, level);
    set_count(node, 0);
    return node;
}

/* Unlocks a node that is no longer in the tree. */
static void node_give(struct tree_simple *index, struct node *node, uint64_t version)
{
    pthread_mutex_lock(&index->lock);
    put(&node->words[0], index->free_first);
    index->free_first = node_number(index, node) + 1;
    atomic_store_explicit(&node->version, (version + VERSION_STEP) | OBSOLETE, memory_order_release);
    pthread_mutex_unlock(&index->lock);
}

/* ---- The way down. ---- */

struct way {
    struct node *nodes[LEVELS_MAX]; /* from the root */
    uint64_t versions[LEVELS_MAX];
    unsigned positions[LEVELS_MAX]; /* of the next node in this one */
    unsigned counts[LEVELS_MAX];
    unsigned depth; /* of the leaf */
    bool has_low, has_high;
    struct pair low, high; /* the leaf covers low <= pair < high */
};

/* One attempt to walk to the leaf that covers the pair; with `until_full` it stops at the first full node. */
static bool walk_once(const struct tree_simple *index, const struct pair *pair, bool until_full, struct way *way)
{
    struct node *node = node_at(index, 0);
    uint64_t version;
    way->has_low = way->has_high = false;
    if (!read_begin(node, &version))
        return false;
    for (way->depth = 0; way->depth < LEVELS_MAX; way->depth++) {
        const unsigned level = level_of(node), count = count_of(index, node);
        way->nodes[way->depth] = node;
        way->versions[way->depth] = version;
        way->counts[way->depth] = count;
        if (!read_end(node, version))
            return false;
        if (level == 0 || (until_full && count == index->capacity))
            return true;
        const unsigned i = child_position(index, node, count, pair);
        const uint64_t child = get(value_at(index, node, i));
        if (i > 0) {
            way->low = pair_at(index, node, i);
            way->has_low = true;
        }
        if (i + 1 < count) {
            way->high = pair_at(index, node, i + 1);
            way->has_high = true;
        }
        way->positions[way->depth] = i;
        if (!read_end(node, version)) /* before the child's number is used */
            return false;
        struct node *const next = node_at(index, child);
        uint64_t next_version;
        if (!read_begin(next, &next_version) || !read_end(node, version))
            return false;
        node = next;
        version = next_version;
    }
    return false;
}

static void walk(const struct tree_simple *index, const struct pair *pair, bool until_full, struct way *way)
{
    while (!walk_once(index, pair, until_full, way)) {
    }
}

/* ---- Changes. ---- */

/* Moves the upper half of the entries to a new node, which is returned locked. */
static struct node *split_off(struct tree_simple *index, struct node *node, unsigned keep, uint64_t *version)
{
    const unsigned count = count_of(index, node);
    struct node *const right = node_take(index, level_of(node), version);
    for (unsigned i = keep; i < count; i++)
        copy_entry(index, right, i - keep, node, i);
    set_count(right, count - keep);
    set_count(node, keep);
    return right;
}

/* The root, locked, becomes the parent of two new nodes with its entries. */
static void split_root(struct tree_simple *index, struct node *root)
{
    const unsigned count = count_of(index, root), level = level_of(root);
    uint64_t left_version, right_version;
    struct node *const right = split_off(index, root, count / 2, &right_version);
    struct node *const left = split_off(index, root, 0, &left_version);
    MAE_CHECK(level + 2 < LEVELS_MAX);
    set_level(root, level + 1);
    const struct pair none = {.words = {0}};
    const struct pair separator = pair_at(index, right, 0);
    set_entry(index, root, 0, &none, node_number(index, left));
    set_entry(index, root, 1, &separator, node_number(index, right));
    set_count(root, 2);
    unlock(left, left_version);
    unlock(right, right_version);
}

/* Splits the full node at the end of the way, if no node of the way has changed since. `pair` is to be added. */
static void split(struct tree_simple *index, const struct way *way, const struct pair *pair)
{
    const unsigned depth = way->depth;
    struct node *const node = way->nodes[depth];
    if (depth == 0) {
        if (!try_lock(node, way->versions[0]))
            return;
        split_root(index, node);
        unlock(node, way->versions[0]);
        return;
    }
    struct node *const parent = way->nodes[depth - 1];
    if (!try_lock(parent, way->versions[depth - 1]))
        return;
    if (!try_lock(node, way->versions[depth])) {
        unlock_unchanged(parent, way->versions[depth - 1]);
        return;
    }
    /* Ascending keys never come back to a node that they have left, so it stays full. */
    const unsigned count = count_of(index, node);
    const struct pair last = pair_at(index, node, count - 1);
    const unsigned keep = pair_compare(index, pair, &last) > 0 ? count - count / 10 : count / 2;
    uint64_t right_version;
    struct node *const right = split_off(index, node, keep, &right_version);
    const struct pair separator = pair_at(index, right, 0);
    insert_entry(index, parent, way->positions[depth - 1] + 1, &separator, node_number(index, right));
    unlock(right, right_version);
    unlock(node, way->versions[depth]);
    unlock(parent, way->versions[depth - 1]);
}

/* Takes the empty leaf at the end of the way out, with the nodes above that have no other child. False: try again. */
static bool unlink_leaf(struct tree_simple *index, const struct way *way)
{
    const unsigned depth = way->depth;
    unsigned top = depth - 1;
    while (top > 0 && way->counts[top] == 1)
        top--;
    unsigned locked = top;
    while (locked <= depth && try_lock(way->nodes[locked], way->versions[locked]))
        locked++;
    if (locked <= depth) {
        while (locked-- > top)
            unlock_unchanged(way->nodes[locked], way->versions[locked]);
        return false;
    }
    if (way->counts[top] == 1) { /* the root's only descendants */
        set_level(way->nodes[0], 0);
        set_count(way->nodes[0], 0);
    } else {
        remove_entry(index, way->nodes[top], way->positions[top]);
    }
    for (unsigned i = top + 1; i <= depth; i++)
        node_give(index, way->nodes[i], way->versions[i]);
    unlock(way->nodes[top], way->versions[top]);
    return true;
}

/* Adds `delta` to the pair's count. The caller has set nodes aside (reserve). */
static void change_count(struct tree_simple *index, const struct pair *pair, int64_t delta)
{
    struct way way;
    bool empty;
    for (;;) {
        walk(index, pair, true, &way);
        struct node *const node = way.nodes[way.depth];
        if (way.counts[way.depth] == index->capacity) {
            split(index, &way, pair);
            continue;
        }
        if (!try_lock(node, way.versions[way.depth]))
            continue;
        const unsigned count = count_of(index, node), i = lower_bound(index, node, 0, count, pair);
        bool found = false;
        if (i < count) {
            const struct pair at = pair_at(index, node, i);
            found = pair_compare(index, &at, pair) == 0;
        }
        if (!found)
            insert_entry(index, node, i, pair, (uint64_t)delta);
        else if ((int64_t)get(value_at(index, node, i)) + delta != 0)
            put(value_at(index, node, i), get(value_at(index, node, i)) + (uint64_t)delta);
        else
            remove_entry(index, node, i);
        empty = count_of(index, node) == 0;
        unlock(node, way.versions[way.depth]);
        break;
    }
    while (empty && way.depth > 0) {
        walk(index, pair, false, &way);
        empty = way.counts[way.depth] == 0;
        if (empty && way.depth > 0 && unlink_leaf(index, &way))
            break;
    }
}

/* ---- Looking. ---- */

struct leaf_copy {
    struct way way;
    unsigned count;
    struct pair pairs[CAPACITY_MAX];
};

/* The visible entries in [first, last] of the leaf that covers `pair`; going forward no more than `limit`. */
static void copy_leaf(const struct tree_simple *index, const struct pair *pair, const struct pair *first,
                      const struct pair *last, uint64_t limit, struct leaf_copy *copy)
{
    struct way *const way = &copy->way;
    do {
        walk(index, pair, false, way);
        struct node *const leaf = way->nodes[way->depth];
        const unsigned count = way->counts[way->depth];
        copy->count = 0;
        for (unsigned i = lower_bound(index, leaf, 0, count, first); i < count && copy->count < limit; i++) {
            copy->pairs[copy->count] = pair_at(index, leaf, i);
            if (pair_compare(index, &copy->pairs[copy->count], last) > 0)
                break;
            copy->count += (int64_t)get(value_at(index, leaf, i)) > 0;
        }
    } while (!read_end(way->nodes[way->depth], way->versions[way->depth]));
}

/* Visits the entries from `first` to `last`. */
static void scan_pairs(const struct tree_simple *index, const struct table *rows, struct pair first, struct pair last,
                       bool backward, uint64_t limit, mae_entry_fn visit, void *arg)
{
    struct leaf_copy copy;
    uint64_t key[MAE_KEY_MAX_BYTES / sizeof(uint64_t)];
    while (pair_compare(index, &first, &last) <= 0) {
        copy_leaf(index, backward ? &last : &first, &first, &last, backward ? UINT64_MAX : limit, &copy);
        for (unsigned n = 0; rows != NULL && n < AHEAD && n < copy.count; n++)
            txn_prefetch_row(rows, pair_row(index, &copy.pairs[backward ? copy.count - 1 - n : n]));
        for (unsigned n = 0; n < copy.count; n++) {
            const unsigned i = backward ? copy.count - 1 - n : n;
            if (rows != NULL && n + AHEAD < copy.count)
                txn_prefetch_row(rows, pair_row(index, &copy.pairs[backward ? i - AHEAD : i + AHEAD]));
            pair_key(index, &copy.pairs[i], key);
            if (!visit(arg, key, pair_row(index, &copy.pairs[i])) || --limit == 0)
                return;
        }
        if (backward) {
            last = copy.way.low;
            if (!copy.way.has_low || !pair_step_back(index, &last))
                return;
        } else {
            first = copy.way.high;
            if (!copy.way.has_high)
                return;
        }
    }
}

static struct pair pair_first(void)
{
    return (struct pair){.words = {0}};
}

static struct pair pair_last(void)
{
    struct pair last;
    memset(&last, 0xff, sizeof(last));
    return last;
}

void tree_simple_scan(const struct tree_simple *index, const struct table *rows, const void *lo, const void *hi,
                      unsigned flags, uint64_t limit, mae_entry_fn visit, void *arg)
{
    const struct pair first = lo != NULL ? pair_make(index, lo, 0) : pair_first();
    const struct pair last = hi != NULL ? pair_make(index, hi, UINT64_MAX) : pair_last();
    scan_pairs(index, rows, first, last, (flags & MAE_SCAN_BACKWARD) != 0, limit == 0 ? UINT64_MAX : limit, visit, arg);
}

struct step {
    const struct tree_simple *index;
    struct index_cursor *cursor;
    bool found;
};

static bool step_to(void *arg, const void *key, uint64_t row)
{
    struct step *const step = arg;
    struct tree_position *const position = &step->cursor->position;
    memcpy(position->key, key, step->index->key_bytes);
    position->row = row;
    position->begun = step->found = true;
    return false;
}

enum mae_status tree_simple_next(const struct tree_simple *index, struct index_cursor *cursor)
{
    const struct tree_position *const position = &cursor->position;
    const struct cursor_bound *const lo = &cursor->lo, *const hi = &cursor->hi;
    struct pair first = lo->set ? pair_make(index, lo->key, lo->open ? UINT64_MAX : 0) : pair_first();
    struct pair last = hi->set ? pair_make(index, hi->key, hi->open ? 0 : UINT64_MAX) : pair_last();
    bool first_open = lo->set && lo->open, last_open = hi->set && hi->open;
    if (position->begun && cursor->backward) {
        last = pair_make(index, position->key, position->row);
        last_open = true;
    } else if (position->begun) {
        first = pair_make(index, position->key, position->row);
        first_open = true;
    }
    if ((first_open && !pair_step(index, &first)) || (last_open && !pair_step_back(index, &last)))
        return MAE_NOT_FOUND;
    struct step step = {.index = index, .cursor = cursor};
    scan_pairs(index, NULL, first, last, cursor->backward, 1, step_to, &step);
    return step.found ? MAE_OK : MAE_NOT_FOUND;
}

/* ---- A transaction's own changes. ---- */

/* The last change of the pair, or NULL. */
static const struct tree_change *own_change(const struct tree_simple *index, const struct tree_deferred *deferred,
                                            const void *key, uint64_t row)
{
    for (size_t i = deferred != NULL ? deferred->count : 0; i-- > 0;) {
        const struct tree_change *const change = &deferred->changes[i];
        if (change->index == index && change->row == row && memcmp(change->key, key, index->key_bytes) == 0)
            return change;
    }
    return NULL;
}

struct lookup {
    const struct tree_simple *index;
    const struct tree_deferred *deferred;
    const void *key;
    uint64_t row;
    bool found;
};

static bool look_at(void *arg, const void *key, uint64_t row)
{
    struct lookup *const lookup = arg;
    const struct tree_change *const own = own_change(lookup->index, lookup->deferred, key, row);
    if (own != NULL && !own->insert)
        return true;
    lookup->row = row;
    lookup->found = true;
    return false;
}

enum mae_status tree_simple_find(const struct tree_simple *index, const struct tree_deferred *deferred, const void *key,
                                 uint64_t *row)
{
    struct lookup lookup = {.index = index, .deferred = deferred, .key = key, .row = UINT64_MAX};
    tree_simple_scan(index, NULL, key, key, 0, 0, look_at, &lookup);
    for (size_t i = 0; deferred != NULL && i < deferred->count; i++) {
        const struct tree_change *const change = &deferred->changes[i];
        if (change->index == index && change->insert && change->row <= lookup.row &&
            memcmp(change->key, key, index->key_bytes) == 0 && own_change(index, deferred, key, change->row)->insert) {
            lookup.row = change->row;
            lookup.found = true;
        }
    }
    *row = lookup.row;
    return lookup.found ? MAE_OK : MAE_NOT_FOUND;
}

/* Whether the transaction sees the pair. */
static bool has_pair(const struct tree_simple *index, const struct tree_deferred *deferred, const void *key,
                     uint64_t row)
{
    const struct tree_change *const own = own_change(index, deferred, key, row);
    if (own != NULL)
        return own->insert;
    const struct pair pair = pair_make(index, key, row);
    struct leaf_copy copy;
    copy_leaf(index, &pair, &pair, &pair, 1, &copy);
    return copy.count > 0;
}

static enum mae_status defer(struct tree_simple *index, struct tree_deferred *deferred, const void *key, uint64_t row,
                             bool insert)
{
    if (deferred->count == deferred->capacity) {
        enum { FIRST = 32 };
        struct tree_change *const changes = mem_double(deferred->changes, &deferred->capacity, FIRST, sizeof(*changes));
        if (changes == NULL)
            return MAE_NO_MEMORY;
        deferred->changes = changes;
    }
    if (reserve(index) != MAE_OK)
        return MAE_NO_MEMORY;
    struct tree_change *const change = &deferred->changes[deferred->count++];
    change->index = index;
    change->row = row;
    change->insert = insert;
    memcpy(change->key, key, index->key_bytes);
    return MAE_OK;
}

enum mae_status tree_simple_insert(struct tree_simple *index, struct tree_deferred *deferred, const void *key,
                                   uint64_t row)
{
    uint64_t other;
    if (index->non_unique ? has_pair(index, deferred, key, row)
                          : tree_simple_find(index, deferred, key, &other) == MAE_OK)
        return MAE_EXISTS;
    return defer(index, deferred, key, row, true);
}

enum mae_status tree_simple_remove(struct tree_simple *index, struct tree_deferred *deferred, const void *key,
                                   uint64_t row)
{
    return has_pair(index, deferred, key, row) ? defer(index, deferred, key, row, false) : MAE_NOT_FOUND;
}

void tree_deferred_apply(struct tree_deferred *deferred)
{
    for (size_t i = 0; i < deferred->count; i++) {
        const struct tree_change *const change = &deferred->changes[i];
        const struct pair pair = pair_make(change->index, change->key, change->row);
        change_count(change->index, &pair, change->insert ? 1 : -1);
    }
    tree_deferred_discard(deferred);
}

void tree_deferred_cut(struct tree_deferred *deferred, size_t count)
{
    while (deferred->count > count)
        unreserve(deferred->changes[--deferred->count].index);
}

void tree_deferred_discard(struct tree_deferred *deferred)
{
    tree_deferred_cut(deferred, 0);
}

void tree_deferred_fini(struct tree_deferred *deferred)
{
    free(deferred->changes);
    *deferred = (struct tree_deferred){0};
}

/* ---- Set-up. ---- */

enum mae_status tree_simple_init(struct tree_simple *index, struct mem_budget *budget, size_t key_bytes,
                                 bool non_unique)
{
    *index = (struct tree_simple){
        .key_bytes = (uint16_t)key_bytes,
        .key_words = (uint16_t)((key_bytes + 7) / 8),
        .numbers = key_bytes == sizeof(uint64_t),
        .non_unique = non_unique,
        .node_bytes = key_bytes <= 24 ? NODE_BYTES_SMALL : NODE_BYTES_LARGE,
    };
    index->capacity =
        (uint16_t)((index->node_bytes - sizeof(struct node)) / ((index->key_words + 2u) * sizeof(uint64_t)));
    MAE_CHECK(index->capacity <= CAPACITY_MAX && index->key_words < WORDS_MAX);
    enum mae_status status = span_init(&index->span, budget, mem_budget_most(budget), MEM_CHUNK_BYTES);
    if (status != MAE_OK)
        return status;
    status = span_commit(&index->span, index->node_bytes);
    if (status != MAE_OK) {
        span_fini(&index->span);
        return status;
    }
    pthread_mutex_init(&index->lock, NULL);
    atomic_store_explicit(&index->used, 1, memory_order_relaxed); /* node 0, all zeros: the root, an empty leaf */
    return MAE_OK;
}

void tree_simple_fini(struct tree_simple *index)
{
    pthread_mutex_destroy(&index->lock);
    span_fini(&index->span);
}

/* ---- Verification. ---- */

struct simple_verifier {
    const struct tree_simple *index;
    uint64_t entries, nodes;
    char *report;
    size_t report_bytes;
};

static enum mae_status verify_below(struct simple_verifier *verifier, uint64_t number, unsigned level,
                                    const struct pair *low, const struct pair *high)
{
    const struct tree_simple *const index = verifier->index;
    struct node *const node = node_at(index, number);
    const unsigned count = count_of(index, node);
    const char *problem = NULL;
    verifier->nodes++;
    if (level_of(node) != level)
        problem = "is of the wrong level";
    else if (atomic_load_explicit(&node->version, memory_order_relaxed) & (LOCKED | OBSOLETE))
        problem = "is locked or was taken out";
    else if (count == 0 && number != 0)
        problem = "is empty";
    for (unsigned i = level > 0; i < count && problem == NULL; i++) {
        const struct pair pair = pair_at(index, node, i);
        if ((low != NULL && pair_compare(index, &pair, low) < 0) ||
            (high != NULL && pair_compare(index, &pair, high) >= 0))
            problem = "has an entry out of its bounds";
        if (i + 1 < count) {
            const struct pair next = pair_at(index, node, i + 1);
            if (pair_compare(index, &pair, &next) >= 0)
                problem = "has entries out of order";
        }
        if (level > 0)
            continue;
        verifier->entries++;
        if ((int64_t)get(value_at(index, node, i)) <= 0) /* a transaction's change still waits, or was never made */
            problem = "has an entry that was removed more often than inserted";
    }
    if (problem != NULL) {
        if (verifier->report_bytes > 0)
            snprintf(verifier->report, verifier->report_bytes, "node %" PRIu64 " of level %u %s", number, level,
                     problem);
        return MAE_CORRUPT;
    }
    for (unsigned i = 0; level > 0 && i < count; i++) {
        const struct pair from = pair_at(index, node, i);
        struct pair to;
        if (i + 1 < count)
            to = pair_at(index, node, i + 1);
        const enum mae_status status = verify_below(verifier, get(value_at(index, node, i)), level - 1,
                                                    i > 0 ? &from : low, i + 1 < count ? &to : high);
        if (status != MAE_OK)
            return status;
    }
    return MAE_OK;
}

enum mae_status tree_simple_verify(const struct tree_simple *index, uint64_t *entries, uint64_t *nodes, char *report,
                                   size_t report_bytes)
{
    struct simple_verifier verifier = {.index = index, .report = report, .report_bytes = report_bytes};
    const enum mae_status status = verify_below(&verifier, 0, level_of(node_at(index, 0)), NULL, NULL);
    *entries = verifier.entries;
    *nodes = verifier.nodes;
    return status;
}
