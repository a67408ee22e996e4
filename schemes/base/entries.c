/* entries.c - see entries.h. */
#include "schemes/base/entries.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "schemes/base/sets.h"
#include "schemes/base/worker.h"

enum { CHANGES_FIRST = 64 };

void entry_changes_fini(struct entry_changes *changes)
{
    free(changes->list);
    *changes = (struct entry_changes){0};
}

struct entry_change *entry_change_find(const struct entry_changes *changes, const struct access *access,
                                       const struct table_index *index, const void *key)
{
    for (uint32_t at = access->entry_plus_1; at; at = changes->list[at - 1].next_plus_1) {
        struct entry_change *change = &changes->list[at - 1];
        if (change->index == index && memcmp(change->key, key, index->key_bytes) == 0)
            return change;
    }
    return NULL;
}

struct entry_change *entry_change_pending(const struct entry_changes *changes, const struct table_index *index,
                                          const void *key, uint64_t ref)
{
    for (uint32_t i = changes->count, left = changes->pending; left > 0;) {
        struct entry_change *change = &changes->list[--i];
        left -= !!(change->flags & ENTRY_PENDING);
        if (change->flags & ENTRY_PENDING && change->index == index && (!index->non_unique || change->ref == ref) &&
            memcmp(change->key, key, index->key_bytes) == 0)
            return change;
    }
    return NULL;
}

bool entry_changes_reserve(struct entry_changes *changes)
{
    if (LIKELY(changes->count < changes->capacity))
        return true;
    uint32_t capacity = changes->capacity ? 2 * changes->capacity : CHANGES_FIRST;
    struct entry_change *list = mem_realloc(changes->list, changes->capacity * sizeof *list, capacity * sizeof *list);
    if (!list)
        return false;
    changes->list = list;
    changes->capacity = capacity;
    return true;
}

struct entry_change *entry_change_add(struct entry_changes *changes, struct access *access, struct table_index *index,
                                      const void *key, uint64_t ref, unsigned flags)
{
    MAE_DCHECK(changes->count < changes->capacity);
    struct entry_change *change = &changes->list[changes->count++];
    change->index = index;
    change->ref = ref;
    change->flags = flags;
    if (flags & ENTRY_PENDING) {
        changes->pending++;
        changes->pending_indexes |= table_index_bit(index);
    }
    change->next_plus_1 = access->entry_plus_1;
    memcpy(change->key, key, index->key_bytes);
    access->entry_plus_1 = changes->count;
    return change;
}
