/*
 * access_set.h - the rows that a transaction has touched: one entry for each row, found by the row's address.
 *
 * Entries stand in the order of first access, and a small hash table leads from row to entry. A slot of the hash table
 * carries the transaction's epoch, so that beginning a transaction clears nothing. The end of a transaction moves the
 * epoch on as its beginning does. Entries and slots grow, so the cost of an access does not depend on the transaction's
 * length. A set belongs to one thread.
 */
#ifndef ENGINE_TXN_ACCESS_SET_H
#define ENGINE_TXN_ACCESS_SET_H

#include "engine/base/check.h"
#include "engine/store/table.h"

enum access_flags {
    ACCESS_READ = 1,        /* `read` must still be the visible version at commit */
    ACCESS_WRITE = 2,       /* `fresh` is a new version: with READ a read-modify-write, without a blind write */
    ACCESS_INSERT = 4,      /* the row itself is new */
    ACCESS_DELETE = 8,      /* `fresh` will be a tombstone */
    ACCESS_READ_HEAD = 16,  /* `read` was the newest version when it was read */
    ACCESS_INSTALLED = 32,  /* `fresh` is linked */
    ACCESS_KEEP_ID = 128,   /* inserted under a row id of the caller's, which an abort must not give back */
    ACCESS_COPY = 64,       /* `fresh` is a copy of `read`: a promotion */
    ACCESS_MOVED = 256,     /* `read` is MOVED, or the row loses an index entry: `fresh` will be MOVED */
    ACCESS_TOUCH = 512,     /* if the transaction does not write the row itself, the commit writes it, unchanged */
    ACCESS_ENTRIES = 1024,  /* `entries` is set: the row gains or loses index entries */
    ACCESS_DELTA = 4096,    /* a write: `fresh` notes operations (store/delta.h), and will be a DELTA */
    ACCESS_RECORDED = 2048, /* `saved` is set: the entry has been recorded for a rollback (undo.h) */
    ACCESS_BELOW = 8192,    /* `fresh` was linked below a newer version */
};

struct access {
    _Alignas(16) char *row; /* aligned so that an entry has 64 bytes: one cache line, found by a shift */
    struct table *table;
    struct version *read;  /* version read, of a blind write the one found; NULL for inserts */
    struct version *fresh; /* new version, with ACCESS_WRITE; else undefined */
    version_handle read_handle, fresh_handle;
    uint32_t flags;
    int32_t entries;         /* how many index entries the row gains or, negative, loses; with ACCESS_ENTRIES */
    uint64_t contention_wts; /* for sort_writes: wts of the row's newest version */
    uint64_t saved;          /* the serial of the record, with ACCESS_RECORDED */
};

static_assert(sizeof(struct access) == 64, "one cache line");

enum {
    ACCESS_ROW_BYTES = 2 * sizeof(version_handle), /* no row is shorter: table.c */
    ACCESS_BLOCK_ROWS = CACHE_LINE_BYTES / sizeof(uint64_t),
    ACCESS_BLOCK_BYTES = ACCESS_BLOCK_ROWS * ACCESS_ROW_BYTES
};

#define ACCESS_EPOCH (UINT64_C(1) << 32)
#define ACCESS_EPOCH_LAST (UINT64_MAX - 2 * ACCESS_EPOCH + 1) /* a transaction takes two */

struct access_set {
    struct access *entries;
    uint32_t capacity, count;
    uint32_t node_write_count;      /* how many written entries are index nodes */
    bool changes;                   /* some entry is more than a read, or was before a rollback */
    uint64_t *slots;                /* epoch + entry; a value below the present epoch is of an earlier transaction */
    uint32_t slot_bits, slot_shift; /* slot_shift = 64 - slot_bits */
    uint64_t epoch;                 /* a multiple of 2^32 */
    uint32_t *writes;               /* commit's list of the entries with ACCESS_WRITE, in the order of installation */
    enum mem_huge_pages huge_pages; /* for what a long scan needs: its rows' slots are far from each other */
};

/* MAE_OK or MAE_NO_MEMORY. */
enum mae_status access_set_init(struct access_set *set, enum mem_huge_pages huge_pages);
void access_set_fini(struct access_set *set);

/* Doubles the capacity. False when out of memory; then nothing has changed. */
bool access_set_grow(struct access_set *set);

/* Whether the epochs are used up, after 2^31 - 1 transactions. The slots must then be cleared before the next one. */
static ALWAYS_INLINE bool access_set_is_worn(const struct access_set *set)
{
    return set->epoch >= ACCESS_EPOCH_LAST;
}
void access_set_renew(struct access_set *set); /* clears the slots; the epochs begin again */

static ALWAYS_INLINE void access_set_open(struct access_set *set)
{
    MAE_DCHECK(!access_set_is_worn(set));
    set->count = set->node_write_count = 0;
    set->changes = false;
    set->epoch += ACCESS_EPOCH;
}

/* The transaction is over. A caller that has kept its epoch sees that, whether or not another one has begun. */
static ALWAYS_INLINE void access_set_close(struct access_set *set)
{
    set->epoch += ACCESS_EPOCH;
}

/*
 * Multiplies by the golden ratio. Rows whose versions lie elsewhere are short (table.c), and eight of them that lie
 * side by side share a cache line of slots: a scan of many rows then meets one new line for eight rows.
 */
static ALWAYS_INLINE uint64_t access_slot(const struct access_set *set, const char *row)
{
    const uint64_t block = (uintptr_t)row / ACCESS_BLOCK_BYTES, place = (uintptr_t)row / ACCESS_ROW_BYTES;
    return (block * UINT64_C(0x9E3779B97F4A7C15) >> set->slot_shift) ^ place % ACCESS_BLOCK_ROWS;
}

/* The row's entry; or NULL, and in *slot the place at which access_set_add will put the entry. */
static ALWAYS_INLINE struct access *access_set_find(const struct access_set *set, const char *row, uint64_t *slot)
{
    uint64_t mask = (UINT64_C(1) << set->slot_bits) - 1;
    for (uint64_t i = access_slot(set, row);; i = (i + 1) & mask) { /* ends: at least half of the slots are free */
        uint64_t value = set->slots[i];
        if (value < set->epoch) {
            *slot = i;
            return NULL;
        }
        struct access *access = &set->entries[(uint32_t)value];
        if (access->row == row)
            return access;
    }
}

/* Adds an entry for a row that access_set_find has just not found. NULL when out of memory. */
static ALWAYS_INLINE struct access *access_set_add(struct access_set *set, struct table *table, char *row,
                                                   uint64_t slot)
{
    if (UNLIKELY(set->count == set->capacity)) {
        if (!access_set_grow(set))
            return NULL;
        (void)access_set_find(set, row, &slot); /* the slots have moved */
    }
    set->slots[slot] = set->epoch + set->count;
    struct access *access = &set->entries[set->count++];
    MAE_DCHECK(set->count <= set->capacity);
    MAE_DCHECK((uintptr_t)row % ACCESS_ROW_BYTES == 0); /* access_slot */
    access->row = row;
    access->table = table;
    return access;
}

#endif
