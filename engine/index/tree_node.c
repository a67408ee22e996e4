/* tree_node.c - see tree_node.h. */
#include "engine/index/tree_node.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include "engine/index/tree_heap.h"
#include "engine/store/version.h"

/*
 * With its header, a node with keys of up to 24 bytes fills the 1 KiB class of versions, and holds 60 entries of 8-byte
 * keys. Measured with 3M random 8-byte keys against tests/bench/plain_btree.c: with half the size scans are a third
 * slower, since each leaf is a cache miss, and inserts are not faster, since their cost is finding the leaf. With twice
 * the size no lookup is faster, and each insert copies, and conflicts over, twice as many entries. Longer keys get 2
 * KiB, so that 64-byte keys have a fan-out of 22 or more.
 */
#ifndef TREE_CLASS_BYTES
#define TREE_CLASS_BYTES 1024
#endif
enum {
    LONG_KEY_BYTES = 24,
    /* Keys of variable length that may be longer get 4 KiB, so that a node has room for eight of the longest. */
    VERY_LONG_KEY_BYTES = 64,
    /* How long keys of variable length are taken to be on average: half of what they may be, and no more than this. */
    USUAL_KEY_BYTES_MAX = 40,
    SPARE_SHARE = 10,
};

static size_t round_up(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static size_t class_bytes_of(const struct mae_index_config *config)
{
    if (config->key_bytes <= LONG_KEY_BYTES)
        return TREE_CLASS_BYTES;
    return config->variable && config->key_bytes > VERY_LONG_KEY_BYTES ? 4 * TREE_CLASS_BYTES : 2 * TREE_CLASS_BYTES;
}

static void shape_init_fixed(struct tree_shape *shape, size_t fence_bytes, size_t tie_bytes)
{
    const size_t key_bytes = shape->key_bytes;
    /* 7: the largest padding that aligns the values after the keys. */
    const size_t room = shape->node_bytes - sizeof(struct tree_node) - 2 * fence_bytes - (key_bytes % 8 == 0 ? 0 : 7);
    const size_t leaf = room / (key_bytes + sizeof(uint64_t));
    const size_t inner = room / (key_bytes + sizeof(uint64_t) + tie_bytes);
    const size_t inner_values = shape->keys + round_up(inner * key_bytes);
    shape->slot_bytes = shape->key_bytes;
    shape->leaf_capacity = (uint16_t)leaf;
    shape->inner_capacity = (uint16_t)inner;
    shape->leaf_values = (uint16_t)(shape->keys + round_up(leaf * key_bytes));
    shape->inner_values = (uint16_t)inner_values;
    shape->inner_ties = (uint16_t)(inner_values + inner * sizeof(uint64_t));
    MAE_CHECK(inner >= 8);
}

/* Nodes of all levels have the same capacity. With keys of the usual length heads and whole keys fill up at once. */
static void shape_init_variable(struct tree_shape *shape, size_t fence_bytes, size_t tie_bytes)
{
    const size_t usual = shape->key_bytes / 2 < USUAL_KEY_BYTES_MAX ? shape->key_bytes / 2u : USUAL_KEY_BYTES_MAX;
    const size_t head_bytes = sizeof(uint64_t), value_bytes = sizeof(uint64_t), place_bytes = sizeof(uint16_t);
    const size_t body_bytes = shape->node_bytes - sizeof(struct tree_node);
    const size_t room = body_bytes - 2 * fence_bytes - round_up(sizeof(struct tree_heap));
    const size_t capacity = room / (head_bytes + place_bytes + value_bytes + tie_bytes + 1 + usual);
    const size_t heap = shape->keys + capacity * head_bytes;
    const size_t values = heap + round_up(sizeof(struct tree_heap) + capacity * place_bytes);
    const size_t ties = values + capacity * value_bytes;
    shape->variable = true;
    shape->slot_bytes = (uint16_t)head_bytes;
    shape->leaf_capacity = shape->inner_capacity = (uint16_t)capacity;
    shape->leaf_values = shape->inner_values = (uint16_t)values;
    shape->inner_ties = shape->leaf_heap = (uint16_t)ties;
    shape->heap = (uint16_t)heap;
    shape->inner_heap = (uint16_t)(ties + capacity * tie_bytes);
    shape->heap_end = (uint16_t)body_bytes;
    MAE_CHECK(body_bytes <= TREE_HEAP_END_MAX);
    MAE_CHECK((size_t)shape->heap_end - shape->inner_heap >= TREE_LONGEST_KEYS * tree_heap_longest(shape));
}

void tree_shape_init(struct tree_shape *shape, const struct mae_index_config *config)
{
    const size_t tie_bytes = config->non_unique ? sizeof(uint64_t) : 0;
    const size_t fence_bytes = round_up(config->key_bytes + config->variable) + tie_bytes;
    *shape = (struct tree_shape){
        .key_bytes = (uint16_t)config->key_bytes,
        .numbers = !config->variable && config->key_bytes == sizeof(uint64_t),
        .non_unique = config->non_unique,
        .node_bytes = (uint16_t)(class_bytes_of(config) - VERSION_HEADER_BYTES),
        .low = 0,
        .high = (uint16_t)fence_bytes,
        .keys = (uint16_t)(2 * fence_bytes),
    };
    if (config->variable)
        shape_init_variable(shape, fence_bytes, tie_bytes);
    else
        shape_init_fixed(shape, fence_bytes, tie_bytes);
}

static const char *at(const struct tree_node *node, size_t offset)
{
    return (const char *)node->body + offset;
}

static char *at_mutable(struct tree_node *node, size_t offset)
{
    return (char *)node->body + offset;
}

static const uint64_t *words(const struct tree_node *node, size_t offset)
{
    return node->body + offset / sizeof(uint64_t);
}

static uint64_t *words_mutable(struct tree_node *node, size_t offset)
{
    return node->body + offset / sizeof(uint64_t);
}

static size_t values_offset(const struct tree_shape *shape, const struct tree_node *node)
{
    return node->level == 0 ? shape->leaf_values : shape->inner_values;
}

/* Non-unique only: the rows of the keys. */
static size_t ties_offset(const struct tree_shape *shape, const struct tree_node *node)
{
    return node->level == 0 ? shape->leaf_values : shape->inner_ties;
}

/* ---- Keys. ---- */

static uint64_t load_big_endian(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

size_t tree_key_size(const struct tree_shape *shape, const void *bytes)
{
    return shape->variable ? 1u + *(const unsigned char *)bytes : shape->key_bytes;
}

struct tree_key tree_key_make(const struct tree_shape *shape, const void *bytes, uint64_t row)
{
    struct tree_key key = {.bytes = bytes, .row = row};
    if (shape->numbers)
        memcpy(&key.number, bytes, sizeof(key.number));
    else if (shape->variable)
        key.number = tree_heap_head(bytes);
    return key;
}

/* memcmp's order, eight bytes at a time; the last eight overlap what is known to be equal. bytes >= 8. */
static int bytes_compare(const char *a, const char *b, size_t bytes)
{
    size_t i = 0;
    for (;;) {
        const uint64_t x = load_big_endian(a + i), y = load_big_endian(b + i);
        if (x != y)
            return x < y ? -1 : 1;
        if (i + 8 == bytes)
            return 0;
        i = i + 16 <= bytes ? i + 8 : bytes - 8;
    }
}

/*
 * What keys of variable length need stays out of line (NOINLINE), so that the functions around it stay small enough to
 * be inlined where keys are numbers.
 */
static NOINLINE int variable_compare(const struct tree_key *x, const struct tree_key *y)
{
    const unsigned char *const a = x->bytes, *const b = y->bytes;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    const size_t common = a[0] < b[0] ? a[0] : b[0];
    const int order = MUTATED(head_decides) ? 0 : memcmp(a + 1, b + 1, common);
    return order != 0 ? order : (a[0] > b[0]) - (a[0] < b[0]);
}

int tree_key_compare(const struct tree_shape *shape, const struct tree_key *a, const struct tree_key *b)
{
    if (shape->numbers) {
        if (a->number != b->number)
            return a->number < b->number ? -1 : 1;
    } else {
        const int order =
            shape->variable ? variable_compare(a, b) : bytes_compare(a->bytes, b->bytes, shape->key_bytes);
        if (order != 0)
            return order;
    }
    return shape->non_unique ? (a->row > b->row) - (a->row < b->row) : 0;
}

/* ---- Parts of a node. ---- */

void tree_node_clear(const struct tree_shape *shape, struct tree_node *node, unsigned level)
{
    *node = (struct tree_node){
        .level = (uint16_t)level,
        .last_insert = TREE_NO_POSITION,
        .low_open = true,
        .high_open = true,
        .left = TREE_NO_ROW,
        .right = TREE_NO_ROW,
    };
    if (shape->variable)
        tree_heap_clear(shape, node);
}

unsigned tree_node_capacity(const struct tree_shape *shape, const struct tree_node *node)
{
    return node->level == 0 ? shape->leaf_capacity : shape->inner_capacity;
}

/* Whether one more key of variable length then leaves so much of the room free. */
static NOINLINE bool heap_has_room(const struct tree_shape *shape, const struct tree_node *node,
                                   const struct tree_key *key, size_t spare)
{
    return tree_heap_used(shape, node) + tree_key_size(shape, key->bytes) + spare <= tree_heap_room(shape, node);
}

bool tree_node_has_room(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key)
{
    if (node->count >= tree_node_capacity(shape, node))
        return false;
    return !shape->variable || heap_has_room(shape, node, key, 0);
}

bool tree_node_has_spare(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key)
{
    const unsigned capacity = tree_node_capacity(shape, node);
    if (node->count >= capacity - capacity / SPARE_SHARE)
        return false;
    return !shape->variable || heap_has_room(shape, node, key, tree_heap_room(shape, node) / SPARE_SHARE);
}

bool tree_node_is_small(const struct tree_shape *shape, const struct tree_node *node)
{
    return node->count < tree_node_capacity(shape, node) / 4 &&
           (!shape->variable || tree_heap_used(shape, node) < tree_heap_room(shape, node) / 4);
}

bool tree_node_fit(const struct tree_shape *shape, const struct tree_node *a, const struct tree_node *b, bool loosely)
{
    const unsigned capacity = tree_node_capacity(shape, a);
    if (a->count + b->count > (loosely ? capacity - capacity / 4 : capacity))
        return false;
    if (!shape->variable)
        return true;
    const size_t room = tree_heap_room(shape, a);
    return tree_heap_used(shape, a) + tree_heap_used(shape, b) <= (loosely ? room - room / 4 : room);
}

void tree_node_prefetch_keys(const struct tree_shape *shape, const struct tree_node *node)
{
    /* All lines of 8-byte keys. Of longer keys an evenly spaced sample of lines, for the first steps of a search. */
    enum { LINES = 8 };
    const size_t step = (size_t)(shape->leaf_values - shape->keys) / LINES;
    for (size_t i = 0; i < LINES; i++)
        __builtin_prefetch(at(node, shape->keys + i * step));
}

struct tree_key tree_node_key(const struct tree_shape *shape, const struct tree_node *node, unsigned i)
{
    const char *const slot = at(node, shape->keys + (size_t)i * shape->slot_bytes);
    struct tree_key key = {.bytes = slot};
    if (shape->numbers) {
        memcpy(&key.number, slot, sizeof key.number);
    } else if (shape->variable) {
        memcpy(&key.number, slot, sizeof key.number);
        key.bytes = tree_heap_key(shape, node, i);
    }
    if (shape->non_unique)
        key.row = words(node, ties_offset(shape, node))[i];
    return key;
}

/* Non-unique only: where in a fence the row of its key stands. */
static size_t fence_row(const struct tree_shape *shape)
{
    return shape->high - sizeof(uint64_t);
}

static struct tree_key fence(const struct tree_shape *shape, const struct tree_node *node, size_t offset)
{
    struct tree_key key = tree_key_make(shape, at(node, offset), 0);
    if (shape->non_unique)
        key.row = *words(node, offset + fence_row(shape));
    return key;
}

static void set_fence(const struct tree_shape *shape, struct tree_node *node, size_t offset, const struct tree_key *key)
{
    memcpy(at_mutable(node, offset), key->bytes, tree_key_size(shape, key->bytes));
    if (shape->non_unique)
        *words_mutable(node, offset + fence_row(shape)) = key->row;
}

struct tree_key tree_node_low(const struct tree_shape *shape, const struct tree_node *node)
{
    return fence(shape, node, shape->low);
}

struct tree_key tree_node_high(const struct tree_shape *shape, const struct tree_node *node)
{
    return fence(shape, node, shape->high);
}

uint64_t tree_node_value(const struct tree_shape *shape, const struct tree_node *node, unsigned i)
{
    return words(node, values_offset(shape, node))[i];
}

void tree_node_set_low(const struct tree_shape *shape, struct tree_node *node, const struct tree_key *key)
{
    node->low_open = key == NULL;
    if (key != NULL)
        set_fence(shape, node, shape->low, key);
}

void tree_node_set_high(const struct tree_shape *shape, struct tree_node *node, const struct tree_key *key)
{
    node->high_open = key == NULL;
    if (key != NULL)
        set_fence(shape, node, shape->high, key);
}

/* As tree_key_compare, for most searches without a call. */
static ALWAYS_INLINE int compare(const struct tree_shape *shape, const struct tree_key *a, const struct tree_key *b)
{
    if (LIKELY(shape->numbers && a->number != b->number))
        return a->number < b->number ? -1 : 1;
    return tree_key_compare(shape, a, b);
}

bool tree_node_below_low(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key)
{
    const struct tree_key low = tree_node_low(shape, node);
    return !node->low_open && compare(shape, key, &low) < 0;
}

bool tree_node_beyond_high(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key)
{
    const struct tree_key high = tree_node_high(shape, node);
    return !node->high_open && compare(shape, key, &high) >= 0;
}

bool tree_node_covers(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key)
{
    return !tree_node_below_low(shape, node, key) && !tree_node_beyond_high(shape, node, key);
}

/*
 * ---- Search. Each function returns the first i in [first, count) whose entry is not below the key, or count if there
 * is none. Numbers are searched without branches: the CPU would mispredict half of the branches on random keys. ----
 */

static unsigned number_bound(const uint64_t *keys, unsigned first, unsigned count, uint64_t key)
{
    if (first >= count)
        return count;
    const uint64_t *base = keys + first;
    unsigned left = count - first;
    while (left > 1) {
        const unsigned half = left / 2;
        base += (base[half - 1] < key) * half;
        left -= half;
    }
    return (unsigned)(base - keys) + (*base < key);
}

static unsigned pair_bound(const uint64_t *keys, const uint64_t *ties, unsigned first, unsigned count, uint64_t key,
                           uint64_t row)
{
    if (first >= count)
        return count;
    unsigned base = first, left = count - first;
    while (left > 1) {
        const unsigned half = left / 2, i = base + half - 1;
        base += (unsigned)((keys[i] < key) | ((keys[i] == key) & (ties[i] < row))) * half;
        left -= half;
    }
    return base + (unsigned)((keys[base] < key) | ((keys[base] == key) & (ties[base] < row)));
}

/* Of the entries [first, end) the first that is >= key (above: 0) or > key (above: 1), or end. */
static unsigned bytes_bound(const struct tree_shape *shape, const struct tree_node *node, unsigned first, unsigned end,
                            const struct tree_key *key, int above)
{
    unsigned base = first;
    while (base < end) {
        const unsigned middle = (base + end) / 2;
        const struct tree_key other = tree_node_key(shape, node, middle);
        if (tree_key_compare(shape, &other, key) < above)
            base = middle + 1;
        else
            end = middle;
    }
    return base;
}

/* Looks at whole keys only where heads are equal. */
static NOINLINE unsigned variable_bound(const struct tree_shape *shape, const struct tree_node *node, unsigned first,
                                        const struct tree_key *key, int above)
{
    const uint64_t *const heads = words(node, shape->keys);
    const unsigned begin = number_bound(heads, first, node->count, key->number);
    if (begin >= node->count || heads[begin] != key->number)
        return begin;
    const unsigned end =
        key->number == UINT64_MAX ? node->count : number_bound(heads, begin, node->count, key->number + 1);
    return bytes_bound(shape, node, begin, end, key, above);
}

static unsigned lower_bound(const struct tree_shape *shape, const struct tree_node *node, unsigned first,
                            const struct tree_key *key)
{
    if (!shape->numbers)
        return shape->variable ? variable_bound(shape, node, first, key, 0)
                               : bytes_bound(shape, node, first, node->count, key, 0);
    if (!shape->non_unique)
        return number_bound(words(node, shape->keys), first, node->count, key->number);
    return pair_bound(words(node, shape->keys), words(node, ties_offset(shape, node)), first, node->count, key->number,
                      key->row);
}

/* The first entry > key: for numbers, the first that is >= their successor. */
static unsigned upper_bound(const struct tree_shape *shape, const struct tree_node *node, unsigned first,
                            const struct tree_key *key)
{
    if (!shape->numbers)
        return shape->variable ? variable_bound(shape, node, first, key, 1)
                               : bytes_bound(shape, node, first, node->count, key, 1);
    const bool carry = !shape->non_unique || key->row == UINT64_MAX;
    if (carry && key->number == UINT64_MAX)
        return node->count;
    const struct tree_key next = {.number = key->number + carry, .row = carry ? 0 : key->row + 1};
    return lower_bound(shape, node, first, &next);
}

unsigned tree_node_lower_bound(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key)
{
    return lower_bound(shape, node, 0, key);
}

unsigned tree_node_upper_bound(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key)
{
    return upper_bound(shape, node, 0, key);
}

unsigned tree_node_child(const struct tree_shape *shape, const struct tree_node *node, const struct tree_key *key)
{
    MAE_DCHECK(node->count > 0);
    return upper_bound(shape, node, 1, key) - 1;
}

bool tree_node_equals(const struct tree_shape *shape, const struct tree_node *node, unsigned i,
                      const struct tree_key *key)
{
    if (i >= node->count)
        return false;
    const struct tree_key found = tree_node_key(shape, node, i);
    return tree_key_compare(shape, &found, key) == 0;
}

/* ---- Changes. ---- */

/* Moves entries [from, count) of the node to `to`. */
static void shift(const struct tree_shape *shape, struct tree_node *node, unsigned from, unsigned to)
{
    const size_t count = node->count - from;
    char *const keys = at_mutable(node, shape->keys);
    uint64_t *const values = words_mutable(node, values_offset(shape, node));
    memmove(keys + (size_t)to * shape->slot_bytes, keys + (size_t)from * shape->slot_bytes, count * shape->slot_bytes);
    memmove(values + to, values + from, count * sizeof(*values));
    if (shape->non_unique && node->level > 0) {
        uint64_t *const ties = words_mutable(node, shape->inner_ties);
        memmove(ties + to, ties + from, count * sizeof(*ties));
    }
}

void tree_node_insert(const struct tree_shape *shape, struct tree_node *node, unsigned i, const struct tree_key *key,
                      uint64_t value)
{
    MAE_DCHECK(i <= node->count);
    MAE_DCHECK(tree_node_has_room(shape, node, key)); /* N2 */
    shift(shape, node, i, i + 1);
    char *const slot = at_mutable(node, shape->keys + (size_t)i * shape->slot_bytes);
    if (shape->variable) {
        memcpy(slot, &key->number, sizeof key->number);
        tree_heap_insert(shape, node, i, key->bytes);
    } else {
        memcpy(slot, key->bytes, shape->key_bytes);
    }
    words_mutable(node, values_offset(shape, node))[i] = value;
    if (shape->non_unique)
        words_mutable(node, ties_offset(shape, node))[i] = key->row; /* after the value: a leaf's tie is its value */
    node->count++;
    node->last_insert = (uint16_t)i;
}

void tree_node_remove(const struct tree_shape *shape, struct tree_node *node, unsigned i)
{
    MAE_DCHECK(i < node->count);
    if (shape->variable)
        tree_heap_remove(shape, node, i);
    shift(shape, node, i + 1, i);
    node->count--;
    if (node->last_insert != TREE_NO_POSITION && i <= node->last_insert)
        node->last_insert = i < node->last_insert ? (uint16_t)(node->last_insert - 1) : TREE_NO_POSITION;
}

void tree_node_append(const struct tree_shape *shape, struct tree_node *node, const struct tree_node *source,
                      unsigned from, unsigned count)
{
    const size_t values = values_offset(shape, node);
    const unsigned to = node->count;
    MAE_DCHECK(node->level == source->level && to + count <= tree_node_capacity(shape, node)); /* N2 */
    memcpy(at_mutable(node, shape->keys + (size_t)to * shape->slot_bytes),
           at(source, shape->keys + (size_t)from * shape->slot_bytes), (size_t)count * shape->slot_bytes);
    memcpy(words_mutable(node, values) + to, words(source, values) + from, count * sizeof(uint64_t));
    if (shape->non_unique && node->level > 0)
        memcpy(words_mutable(node, shape->inner_ties) + to, words(source, shape->inner_ties) + from,
               count * sizeof(uint64_t));
    if (shape->variable)
        tree_heap_append(shape, node, source, from, count);
    node->count = (uint16_t)(to + count);
}

void tree_node_truncate(const struct tree_shape *shape, struct tree_node *node, unsigned count)
{
    MAE_DCHECK(count <= node->count);
    for (unsigned i = count; shape->variable && i < node->count; i++)
        tree_heap_forget(shape, node, i);
    node->count = (uint16_t)count;
}
