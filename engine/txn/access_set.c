/* access_set.c - see access_set.h. */
#include "engine/txn/access_set.h"

#include "engine/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 64 };

static uint32_t bits_for(uint32_t capacity)
{
    return 33u - (uint32_t)__builtin_clz(capacity); /* 2^bits is at least 2 * capacity */
}

enum mae_status access_set_init(struct access_set *set, enum mem_huge_pages huge_pages)
{
    memset(set, 0, sizeof *set);
    set->huge_pages = huge_pages;
    set->capacity = CAPACITY_FIRST;
    set->slot_bits = bits_for(set->capacity);
    set->slot_shift = 64 - set->slot_bits;
    set->epoch = ACCESS_EPOCH;
    set->entries = mem_alloc(set->capacity * sizeof *set->entries);
    set->writes = mem_alloc(set->capacity * sizeof *set->writes);
    set->slots = mem_alloc(sizeof *set->slots << set->slot_bits);
    if (set->entries && set->writes && set->slots)
        return MAE_OK;
    access_set_fini(set);
    return MAE_NO_MEMORY;
}

void access_set_fini(struct access_set *set)
{
    free(set->entries);
    free(set->writes);
    free(set->slots);
    memset(set, 0, sizeof *set);
}

void access_set_renew(struct access_set *set)
{
    MAE_DCHECK(access_set_is_worn(set));
    memset(set->slots, 0, sizeof *set->slots << set->slot_bits);
    set->epoch = ACCESS_EPOCH; /* as at first */
}

/* Not zeroed if it is large. */
static void *array_alloc(const struct access_set *set, size_t bytes)
{
    return bytes < MEM_CHUNK_BYTES ? mem_alloc(bytes) : mem_alloc_large(bytes, set->huge_pages);
}

bool access_set_grow(struct access_set *set)
{
    MAE_DCHECK(set->count == set->capacity);
    uint32_t capacity = 2 * set->capacity, bits = bits_for(capacity);
    struct access *entries = array_alloc(set, capacity * sizeof *entries);
    uint32_t *writes = array_alloc(set, capacity * sizeof *writes);
    uint64_t *slots = array_alloc(set, sizeof *slots << bits);
    if (!entries || !writes || !slots) {
        free(entries);
        free(writes);
        free(slots);
        return false;
    }
    memset(slots, 0, sizeof *slots << bits);
    memcpy(entries, set->entries, set->count * sizeof *entries);
    free(set->entries);
    free(set->writes);
    free(set->slots);
    set->entries = entries;
    set->writes = writes;
    set->slots = slots;
    set->capacity = capacity;
    set->slot_bits = bits;
    set->slot_shift = 64 - bits;
    for (uint32_t i = 0; i < set->count; i++) {
        uint64_t slot = 0;
        (void)access_set_find(set, entries[i].row, &slot); /* finds nothing, but the slot */
        slots[slot] = set->epoch + i;
    }
    return true;
}
