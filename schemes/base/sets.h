/*
 * sets.h - what a transaction has touched: rows (read set and write set in one) and nodes of indexes.
 *
 * Entries stand in the order of first access. A small hash table leads from the address to the entry, so that the cost
 * of an access does not depend on the transaction's length. A slot of it carries the transaction's stamp, so that
 * beginning a transaction clears nothing. One thread.
 */
#ifndef SCHEMES_BASE_SETS_H
#define SCHEMES_BASE_SETS_H

#include <stdbool.h>

#include "engine/base/check.h"
#include "schemes/base/node.h"
#include "schemes/base/store.h"

enum access_flags {
    ACCESS_READ = 1,       /* `word` is to be validated; a scheme that locks: the row is locked for reading */
    ACCESS_WRITE = 2,      /* in the list of writes */
    ACCESS_FRESH = 4,      /* the transaction has inserted the row; it is absent to all others */
    ACCESS_ERASE = 8,      /* the transaction deletes the row */
    ACCESS_LOCKED = 16,    /* the transaction holds the row's lock for writing; but see optimistic.h, OP4 */
    ACCESS_AGAIN = 32,     /* looked at again after it was read */
    ACCESS_SHOWN = 64,     /* old_data has been handed out, so it must stay */
    ACCESS_FIRST_OWN = 128 /* from here on: the scheme's */
};

/* A row. Where `new_data` is NULL, a write leaves the payload as it is. An entry is one cache line: each request writes
 * one. */
struct access {
    struct row *row; /* first: sets_slot's key */
    struct table *table;
    uint64_t word;     /* the scheme's word when the row was read or locked */
    uint64_t second;   /* the row's second word when it was read, or the scheme's own */
    void *old_data;    /* a copy of the payload as it was, or NULL */
    void *new_data;    /* the new payload, or NULL */
    uint32_t old_size; /* as row->size, of the row as it was */
    uint32_t new_size; /* of the new payload, size + 1 */
    uint16_t flags;
    uint16_t new_lines;    /* room of new_data, as row_lines; 0: as each copy of the table's rows */
    uint32_t entry_plus_1; /* first of the row's changes of entries (entries.h) */
};
static_assert(sizeof(struct access) == CACHE_LINE_BYTES, "so the entry of a number is a shift away");

struct set_slots {
    uint64_t *slots; /* stamp + entry; a value below the present stamp is of an earlier transaction */
    uint64_t mask;   /* their number - 1 */
    uint64_t stamp;  /* a multiple of 2^32 */
};

#define SET_STAMP (UINT64_C(1) << 32)

struct row_set {
    struct access *entries;
    uint32_t *writes; /* numbers of the entries with ACCESS_WRITE, in the order of first write until they are sorted */
    uint32_t count, capacity, write_count;
    struct set_slots hash;
};

struct node_set {
    struct node_seen *entries;
    uint32_t count, capacity;
    struct set_slots hash;
};

/* False when out of memory; fini is right then, too. */
bool row_set_init(struct row_set *set);
void row_set_fini(struct row_set *set);
NOINLINE bool row_set_grow(struct row_set *set);
bool node_set_init(struct node_set *set);
void node_set_fini(struct node_set *set);
NOINLINE bool node_set_grow(struct node_set *set);
void set_slots_renew(struct set_slots *hash); /* the stamps are used up: clears */

static inline void set_slots_begin(struct set_slots *hash)
{
    if (UNLIKELY(hash->stamp >= UINT64_MAX - 2 * SET_STAMP))
        set_slots_renew(hash);
    hash->stamp += SET_STAMP;
}

static inline void row_set_begin(struct row_set *set)
{
    set->count = set->write_count = 0;
    set_slots_begin(&set->hash);
}

static inline void node_set_begin(struct node_set *set)
{
    if (set->count == 0)
        return;
    set->count = 0;
    set_slots_begin(&set->hash);
}

/* Where the search for an address begins. The best bits of a product are the highest ones. To bring them down by a
 * shift whose width is not constant costs one more register. */
static ALWAYS_INLINE uint64_t set_slot(const struct set_slots *hash, const void *address)
{
    return __builtin_bswap64((uintptr_t)address * (UINT64_C(0x9E3779B97F4A7C15) / 8 | 1)) & hash->mask;
}

/* The entry of `address`, whose pointer stands first in each entry of `entry_bytes`; or NULL and the slot for it. Ends:
 * at least half of the slots are free. */
static ALWAYS_INLINE void *set_find(const struct set_slots *hash, const void *entries, size_t entry_bytes,
                                    const void *address, uint64_t *slot)
{
    for (uint64_t i = set_slot(hash, address);; i = (i + 1) & hash->mask) {
        uint64_t value = hash->slots[i];
        if (value < hash->stamp) {
            *slot = i;
            return NULL;
        }
        const char *entry = (const char *)entries + (uint32_t)value * entry_bytes;
        const void *found;
        memcpy(&found, entry, sizeof found);
        if (found == address)
            return (void *)(uintptr_t)entry;
    }
}

static ALWAYS_INLINE struct access *row_set_find(const struct row_set *set, const struct row *row, uint64_t *slot)
{
    return set_find(&set->hash, set->entries, sizeof *set->entries, row, slot);
}

/* The same for the short way: true if the first two looks show that the row is not in the set, and then the slot for
 * it. What a loop, or the second look, needs of the set would take registers from the first one. */
static ALWAYS_INLINE bool row_set_lacks(const struct row_set *set, const struct row *row, uint64_t *slot)
{
    const struct set_slots *hash = &set->hash;
    uint64_t i = set_slot(hash, row);
    if (UNLIKELY(hash->slots[i] >= hash->stamp)) {
        atomic_signal_fence(memory_order_seq_cst); /* loads again, here only */
        if (set->entries[(uint32_t)hash->slots[i]].row == row)
            return false;
        i = (i + 1) & hash->mask;
        if (hash->slots[i] >= hash->stamp)
            return false;
    }
    *slot = i;
    return true;
}

/* The entry that the next row gets. */
static ALWAYS_INLINE struct access *row_set_next(const struct row_set *set)
{
    return &set->entries[set->count];
}

/* The next entry, which has been filled, is that of the row that was not found and has got the slot. */
static ALWAYS_INLINE void row_set_keep(struct row_set *set, uint64_t slot)
{
    set->hash.slots[slot] = set->hash.stamp + set->count++;
}

/* For a row that row_set_find has just not found; everything but row and table is zero. NULL when out of memory. */
static ALWAYS_INLINE struct access *row_set_add(struct row_set *set, struct table *table, struct row *row,
                                                uint64_t slot)
{
    if (UNLIKELY(set->count == set->capacity)) {
        if (!row_set_grow(set))
            return NULL;
        (void)row_set_find(set, row, &slot); /* the slots have moved */
    }
    struct access *access = &set->entries[set->count];
    *access = (struct access){.row = row, .table = table};
    row_set_keep(set, slot);
    return access;
}

static inline void row_set_write(struct row_set *set, struct access *access)
{
    if (access->flags & ACCESS_WRITE)
        return;
    access->flags |= ACCESS_WRITE;
    set->writes[set->write_count++] = (uint32_t)(access - set->entries);
}

/* The same for the next entry, which is not in the set yet; it gets the flag from the caller. */
static ALWAYS_INLINE void row_set_write_next(struct row_set *set)
{
    set->writes[set->write_count++] = set->count;
}

static inline struct access *row_set_written(const struct row_set *set, uint32_t i)
{
    return &set->entries[set->writes[i]];
}

/* Into the order of addresses, which is the same for all transactions. */
void row_set_sort_writes(struct row_set *set);

/* Notes a node; one that is noted keeps its first version, and *same says whether that is the same. False when out of
 * memory. */
static inline bool node_set_note(struct node_set *set, struct node_seen seen, bool *same)
{
    uint64_t slot;
    const struct node_seen *noted = set_find(&set->hash, set->entries, sizeof *set->entries, seen.node, &slot);
    *same = !noted || noted->version == seen.version;
    if (noted)
        return true;
    if (UNLIKELY(set->count == set->capacity)) {
        if (!node_set_grow(set))
            return false;
        (void)set_find(&set->hash, set->entries, sizeof *set->entries, seen.node, &slot);
    }
    set->hash.slots[slot] = set->hash.stamp + set->count;
    set->entries[set->count++] = seen;
    return true;
}

/* What an own change of an index means for the notes (node.h: struct node_change). False when out of memory; *same as
 * above. */
bool node_set_follow(struct node_set *set, const struct node_changes *changes, bool *same);

/* Whether all noted nodes are unchanged. */
static inline bool node_set_holds(const struct node_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (node_version(set->entries[i].node) != set->entries[i].version)
            return false;
    return true;
}

#endif
