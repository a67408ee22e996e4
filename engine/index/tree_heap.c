/* tree_heap.c - see tree_heap.h. */
#include "engine/index/tree_heap.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/compiler.h"

static const struct tree_heap *heap_of(const struct tree_shape *shape, const struct tree_node *node)
{
    return (const struct tree_heap *)(const void *)((const char *)node->body + shape->heap);
}

static struct tree_heap *heap_mutable(const struct tree_shape *shape, struct tree_node *node)
{
    return (struct tree_heap *)(void *)((char *)node->body + shape->heap);
}

static size_t begin_of(const struct tree_shape *shape, const struct tree_node *node)
{
    return node->level == 0 ? shape->leaf_heap : shape->inner_heap;
}

/* With its length. */
static size_t size_of(const void *key)
{
    return 1u + *(const unsigned char *)key;
}

static size_t size_at(const struct tree_shape *shape, const struct tree_node *node, unsigned i)
{
    return size_of(tree_heap_key(shape, node, i));
}

uint64_t tree_heap_head(const void *key)
{
    const unsigned char *const bytes = key;
    uint64_t head = 0;
    for (unsigned i = 1; i <= sizeof head; i++)
        head = head << 8 | (i <= bytes[0] ? bytes[i] : 0);
    return head;
}

size_t tree_heap_longest(const struct tree_shape *shape)
{
    return 1u + shape->key_bytes;
}

size_t tree_heap_room(const struct tree_shape *shape, const struct tree_node *node)
{
    return shape->heap_end - begin_of(shape, node);
}

size_t tree_heap_used(const struct tree_shape *shape, const struct tree_node *node)
{
    return heap_of(shape, node)->used;
}

const void *tree_heap_key(const struct tree_shape *shape, const struct tree_node *node, unsigned i)
{
    return (const char *)node->body + heap_of(shape, node)->places[i];
}

void tree_heap_clear(const struct tree_shape *shape, struct tree_node *node)
{
    struct tree_heap *heap = heap_mutable(shape, node);
    heap->used = 0;
    heap->top = shape->heap_end;
}

/* There is room below the lowest key. */
static void push(const struct tree_shape *shape, struct tree_node *node, unsigned i, const void *key)
{
    struct tree_heap *heap = heap_mutable(shape, node);
    const size_t size = size_of(key);
    MAE_DCHECK(size > 1 && size <= tree_heap_longest(shape));
    MAE_DCHECK(heap->top - size >= begin_of(shape, node)); /* KV2 */
    heap->top = (uint16_t)(heap->top - size);
    heap->used = (uint16_t)(heap->used + size);
    heap->places[i] = heap->top;
    memcpy((char *)node->body + heap->top, key, size);
}

/* Sees to it that so many bytes fit below the lowest key. */
static void make_room(const struct tree_shape *shape, struct tree_node *node, size_t bytes)
{
    struct tree_heap *heap = heap_mutable(shape, node);
    char before[TREE_HEAP_END_MAX];
    const uint16_t top = heap->top;
    MAE_DCHECK(heap->used + bytes <= tree_heap_room(shape, node)); /* KV1 */
    if (LIKELY(begin_of(shape, node) + bytes <= top) || MUTATED(heap_moves_nothing))
        return;
    memcpy(before, (const char *)node->body + top, (size_t)shape->heap_end - top);
    tree_heap_clear(shape, node);
    for (unsigned i = 0; i < node->count; i++)
        push(shape, node, i, before + (heap->places[i] - top));
}

void tree_heap_insert(const struct tree_shape *shape, struct tree_node *node, unsigned i, const void *key)
{
    struct tree_heap *heap = heap_mutable(shape, node);
    make_room(shape, node, size_of(key));
    memmove(heap->places + i + 1, heap->places + i, (node->count - i) * sizeof heap->places[0]);
    push(shape, node, i, key);
}

void tree_heap_forget(const struct tree_shape *shape, struct tree_node *node, unsigned i)
{
    struct tree_heap *heap = heap_mutable(shape, node);
    heap->used = (uint16_t)(heap->used - size_at(shape, node, i));
}

void tree_heap_remove(const struct tree_shape *shape, struct tree_node *node, unsigned i)
{
    struct tree_heap *heap = heap_mutable(shape, node);
    tree_heap_forget(shape, node, i);
    memmove(heap->places + i, heap->places + i + 1, (node->count - i - 1) * sizeof heap->places[0]);
}

void tree_heap_append(const struct tree_shape *shape, struct tree_node *node, const struct tree_node *source,
                      unsigned from, unsigned count)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++)
        bytes += size_at(shape, source, from + i);
    make_room(shape, node, bytes);
    for (unsigned i = 0; i < count; i++)
        push(shape, node, node->count + i, tree_heap_key(shape, source, from + i));
}

/*
 * Both parts fit, in the end: eight of the longest keys fit into a node, so a cut behind the last entry that fits into
 * the left one leaves less than a node to the right, and at least two entries to each.
 */
unsigned tree_heap_cut(const struct tree_shape *shape, const struct tree_node *node, unsigned position,
                       const struct tree_key *key, unsigned cut)
{
    const size_t room = tree_heap_room(shape, node), size = size_of(key->bytes);
    const size_t all = tree_heap_used(shape, node) + size;
    size_t left = 0;
    unsigned at = 0; /* entries that `left` counts */
    if (MUTATED(cut_counts_entries))
        return cut;
    while (at < cut || all - left > room) {
        const size_t next = at == position ? size : size_at(shape, node, at < position ? at : at - 1);
        if (left + next > room)
            break;
        left += next;
        at++;
    }
    return at;
}

static bool key_is_sound(const struct tree_shape *shape, const struct tree_node *node, unsigned i)
{
    const struct tree_heap *heap = heap_of(shape, node);
    const size_t place = heap->places[i];
    if (place < heap->top || place >= shape->heap_end)
        return false;
    const size_t size = size_at(shape, node, i);
    if (size < 2 || size > tree_heap_longest(shape) || place + size > shape->heap_end)
        return false;
    const uint64_t *const heads = node->body + shape->keys / sizeof(uint64_t);
    return heads[i] == tree_heap_head(tree_heap_key(shape, node, i));
}

bool tree_heap_is_sound(const struct tree_shape *shape, const struct tree_node *node)
{
    const struct tree_heap *heap = heap_of(shape, node);
    bool taken[TREE_HEAP_END_MAX] = {false};
    size_t used = 0;
    if (heap->top < begin_of(shape, node) || heap->top > shape->heap_end)
        return false;
    for (unsigned i = 0; i < node->count; i++) {
        if (!key_is_sound(shape, node, i))
            return false;
        const size_t size = size_at(shape, node, i);
        for (size_t j = heap->places[i]; j < heap->places[i] + size; j++) {
            if (taken[j])
                return false;
            taken[j] = true;
        }
        used += size;
    }
    return used == heap->used && used <= tree_heap_room(shape, node);
}
