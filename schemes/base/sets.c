/* sets.c - see sets.h. */
#define _GNU_SOURCE /* qsort_r */
#include "schemes/base/sets.h"

#include <stdlib.h>

#include "engine/base/mem.h"

enum { CAPACITY_FIRST = 64, SORT_BY_INSERTION_MAX = 24 };

/* ---- Slots: twice the capacity, at least half of them free. ---- */

static bool slots_make(struct set_slots *hash, uint32_t capacity)
{
    uint32_t bits = 1;
    while ((UINT64_C(1) << bits) < 2 * (uint64_t)capacity)
        bits++;
    uint64_t *slots = mem_alloc(sizeof *slots << bits);
    if (!slots)
        return false;
    free(hash->slots);
    hash->slots = slots;
    hash->mask = (UINT64_C(1) << bits) - 1;
    if (hash->stamp == 0)
        hash->stamp = SET_STAMP;
    return true;
}

/* Enters all entries into new slots, which are zero. */
static void slots_fill(struct set_slots *hash, const void *entries, size_t entry_bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const void *address;
        uint64_t slot = 0;
        memcpy(&address, (const char *)entries + i * entry_bytes, sizeof address);
        (void)set_find(hash, entries, entry_bytes, address, &slot);
        hash->slots[slot] = hash->stamp + i;
    }
}

void set_slots_renew(struct set_slots *hash)
{
    memset(hash->slots, 0, (hash->mask + 1) * sizeof *hash->slots);
    hash->stamp = 0;
}

/* ---- Rows. ---- */

bool row_set_grow(struct row_set *set)
{
    uint32_t capacity = set->capacity ? 2 * set->capacity : CAPACITY_FIRST;
    struct access *entries = mem_realloc(set->entries, set->capacity * sizeof *entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    set->entries = entries;
    uint32_t *writes = mem_realloc(set->writes, set->capacity * sizeof *writes, capacity * sizeof *writes);
    if (!writes)
        return false;
    set->writes = writes;
    if (!slots_make(&set->hash, capacity))
        return false;
    set->capacity = capacity;
    slots_fill(&set->hash, entries, sizeof *entries, set->count);
    return true;
}

bool row_set_init(struct row_set *set)
{
    return row_set_grow(set);
}

void row_set_fini(struct row_set *set)
{
    free(set->entries);
    free(set->writes);
    free(set->hash.slots);
    *set = (struct row_set){0};
}

static int compare_writes(const void *a, const void *b, void *entries)
{
    const struct access *accesses = entries;
    uintptr_t x = (uintptr_t)accesses[*(const uint32_t *)a].row, y = (uintptr_t)accesses[*(const uint32_t *)b].row;
    return (x > y) - (x < y);
}

void row_set_sort_writes(struct row_set *set)
{
    uint32_t *writes = set->writes;
    uintptr_t rows[SORT_BY_INSERTION_MAX];
    if (set->write_count > SORT_BY_INSERTION_MAX) {
        qsort_r(writes, set->write_count, sizeof *writes, compare_writes, set->entries);
        return;
    }
    for (uint32_t i = 0; i < set->write_count; i++) {
        uint32_t write = writes[i], at = i;
        uintptr_t row = (uintptr_t)set->entries[write].row;
        for (; at > 0 && rows[at - 1] > row; at--) {
            rows[at] = rows[at - 1];
            writes[at] = writes[at - 1];
        }
        rows[at] = row;
        writes[at] = write;
    }
}

/* ---- Nodes. ---- */

bool node_set_grow(struct node_set *set)
{
    uint32_t capacity = set->capacity ? 2 * set->capacity : CAPACITY_FIRST;
    struct node_seen *entries = mem_realloc(set->entries, set->capacity * sizeof *entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    set->entries = entries;
    if (!slots_make(&set->hash, capacity))
        return false;
    set->capacity = capacity;
    slots_fill(&set->hash, entries, sizeof *entries, set->count);
    return true;
}

bool node_set_init(struct node_set *set)
{
    return node_set_grow(set);
}

void node_set_fini(struct node_set *set)
{
    free(set->entries);
    free(set->hash.slots);
    *set = (struct node_set){0};
}

static struct node_seen *noted(const struct node_set *set, const struct index_node *node)
{
    uint64_t slot;
    return set->count ? set_find(&set->hash, set->entries, sizeof *set->entries, node, &slot) : NULL;
}

bool node_set_follow(struct node_set *set, const struct node_changes *changes, bool *same)
{
    *same = true;
    for (unsigned i = 0; i < changes->count; i++) {
        const struct node_change *change = &changes->list[i];
        struct node_seen *note = noted(set, change->from ? change->from : change->node);
        bool equal = true;
        if (!note)
            continue;
        if (change->from) {
            if (!node_set_note(set, (struct node_seen){change->node, change->after}, &equal))
                return false;
        } else if (note->version == change->before) {
            note->version = change->after;
        } else {
            equal = false;
        }
        *same &= equal;
    }
    return true;
}
