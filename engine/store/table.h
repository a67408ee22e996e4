/*
 * table.h - a table: numbered rows in one span of addresses.
 *
 * The address of a row is base + row * stride. A row with an inline slot (payload_max <= inline_bytes) is
 *     | inline version: header, payload ... | (slack) | head |      stride a multiple of 64, head in the last 4 bytes
 * and a row without one is
 *     | head | lock | - - - |                                       stride 8
 * The head names the newest version. A row of zeros is empty: it has no version, and its inline slot is free.
 *
 * The head stands behind the payload, because then a 100-byte payload fits two cache lines and stays 8-byte aligned.
 * Each row has a lock byte (with an inline slot, the tag of the inline version), so that only one collector at a time
 * unlinks versions of the row (txn/gc.c). Writers never take that lock. The same byte counts the index entries that
 * lead to the row (txn/entries.h).
 *
 * A worker takes row ids in chunks from the table's counter, and from the list of deleted rows.
 * Source: section 3.2 (array of rows), 3.3 (inlining).
 */
#ifndef ENGINE_STORE_TABLE_H
#define ENGINE_STORE_TABLE_H

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "engine/store/delta.h"
#include "engine/store/entry_counts.h"
#include "engine/store/version_pool.h"

/* How many rows a table has is counted in parts, each of which some of the workers write. ORD-4. */
enum { ROW_COUNT_PARTS = 16 };
struct row_count {
    SEPARATED _Atomic int64_t rows;
};

struct table {
    /* Constant after table_init. */
    char *base;
    uint32_t stride, head_offset, lock_offset;
    uint32_t inline_bytes; /* capacity of the inline slot, 0 without */
    uint32_t unit_bytes;   /* this and the next two: copies of the arena's */
    unsigned unit_shift;
    const char *arena_base;
    uint32_t payload_max_bytes;
    uint32_t size_class;     /* of a version that holds payload_max_bytes */
    bool is_node;            /* rows are nodes of an index; set right after table_init */
    _Atomic uint8_t closing; /* enum table_closing; ORD-17 */
    _Atomic bool has_deltas; /* some version of a row is a DELTA, or was; ORD-18 */
    unsigned id;             /* place in the database's list, and in each worker's row allocators */
    uint64_t number;         /* of a table of rows in the log, where numbers are never used again; 0 without a log */
    struct span rows;
    /* Cold, shared. */
    SEPARATED _Atomic uint64_t next_row; /* every row id below has been given to some worker; 0 while it is closed */
    _Atomic uint64_t kept_rows;          /* the next_row of a closed table */
    _Atomic uint32_t losing;             /* how many of the indexes of its rows are being dropped; ORD-17 */
    pthread_mutex_t free_lock;
    uint64_t *free_rows; /* row ids that workers handed back */
    size_t free_count, free_capacity;
    struct entry_counts entry_counts;             /* of the rows whose lock byte says MANY */
    struct row_count row_counts[ROW_COUNT_PARTS]; /* not of a table of nodes */
};

/* CLOSING: it is being dropped, and may be opened again. CLOSED: it never is. */
enum table_closing { TABLE_OPEN, TABLE_CLOSING, TABLE_CLOSED };

/*
 * The row's lock byte. LOCKED: a collector works on the row; when it has finished it puts back what it has found in the
 * byte. Otherwise the lowest bit is AWAITED: a collector's list has the row, to look at it again when a pin has gone
 * (txn/gc.h, G6). The other bits count the index entries that lead to the row. MANY: entry_counts has the number.
 */
enum row_lock_state { ROW_FREE = 0, ROW_AWAITED = 1, ROW_LOCKED = 0xFF };
enum { ROW_ENTRIES_SHIFT = 1 };
#ifdef MAE_DEBUG
enum { ROW_ENTRIES_MANY = 6 }; /* so that tests of few entries come to it */
#else
enum { ROW_ENTRIES_MANY = 126 };
#endif
static_assert(((ROW_ENTRIES_MANY << ROW_ENTRIES_SHIFT) | ROW_AWAITED) < ROW_LOCKED, "the count leaves LOCKED alone");

/* The row ids that a worker may use next. Each worker has one allocator for each table. */
struct row_allocator {
    struct table *table; /* once it has had rows */
    uint64_t next, end;
    uint64_t *free_rows;
    size_t free_count, free_capacity;
};

/* inline_max_bytes is the option inline_bytes. expected_rows is the number of rows that the table should at least have
 * room for where addresses are limited. MAE_OK, MAE_NO_MEMORY or MAE_NO_ADDRESSES. */
enum mae_status table_init(struct table *table, struct mem_budget *budget, const struct arena *arena, unsigned id,
                           size_t payload_max_bytes, uint64_t inline_max_bytes, uint64_t expected_rows);
void table_fini(struct table *table);

/* Makes rows 0 .. rows - 1 exist, empty and given to no worker. For hash buckets. Statuses of span_commit. */
enum mae_status table_reserve_rows(struct table *table, uint64_t rows);

/* Allocates an empty row. Statuses of span_commit; MAE_ABORT_INDEX: the table is closed. */
enum mae_status row_alloc(struct table *table, struct row_allocator *allocator, uint64_t *row);
/* Takes an empty row back. If the free list cannot grow, the row id stays unused until the database closes. */
void row_free(struct table *table, struct row_allocator *allocator, uint64_t row);
/* Counts rows that have come or, negative, gone. Any number of threads; `part` is any number of the caller's. */
void table_count_rows(struct table *table, unsigned part, int64_t rows);
/* The sum: exact if nothing is counted meanwhile. */
uint64_t table_rows(const struct table *table);

/* How many index entries lead to the row. Waits while a collector has the row locked. */
uint32_t row_entries(struct table *table, char *row);
/* Makes it possible to set that number to `count`. False when out of memory. */
bool row_entries_reserve(struct table *table, char *row, uint32_t count);
/* Sets it. Waits likewise. Only one thread at a time may set the number of a row. */
void row_entries_set(struct table *table, char *row, uint32_t count);
/* Adds to it, not below 0. Waits likewise. Any number of threads; there is a place for the sum. */
void row_entries_add(struct table *table, char *row, int64_t change);

/* Makes the allocator, which has none or is of a table that is closed, one of this table. */
void row_allocator_begin(struct row_allocator *allocator, struct table *table);
/* Hands all row ids of the allocator to the table. The allocator stays usable. */
void row_allocator_give(struct row_allocator *allocator);
/* Hands all row ids of the allocator to its table and frees the allocator's memory. */
void row_allocator_fini(struct row_allocator *allocator);

/*
 * Closing: from when the call returns, row ids look as if there were none, and no more are made; but row_alloc, in a
 * thread that has begun before, may make the first ones of an empty table. table_reopen takes that back. One thread at
 * a time.
 */
void table_close(struct table *table);
void table_reopen(struct table *table);

/* All row ids are below, whether or not the table is closed. */
static inline uint64_t table_rows_made(const struct table *table)
{
    uint64_t rows = atomic_load_explicit(&table->next_row, memory_order_acquire);
    return rows > 0 ? rows : atomic_load_explicit(&table->kept_rows, memory_order_acquire); /* ORD-17 */
}

static inline bool table_is_closed(const struct table *table)
{
    return atomic_load_explicit(&table->closing, memory_order_acquire) == TABLE_CLOSED; /* ORD-17 */
}

/* The longest list of operations that a version of a row has (delta.h). */
static inline size_t table_delta_room(const struct table *table)
{
    size_t room = table->payload_max_bytes > DELTA_LEAST_BYTES ? table->payload_max_bytes : DELTA_LEAST_BYTES;
    return room < DELTA_MOST_BYTES ? room : DELTA_MOST_BYTES;
}

/* The size of a version that has a list first, and then the row's value. */
static inline size_t table_delta_bytes(const struct table *table)
{
    return table->payload_max_bytes > DELTA_LEAST_BYTES ? table->payload_max_bytes : DELTA_LEAST_BYTES;
}

static ALWAYS_INLINE char *table_row(const struct table *table, uint64_t row)
{
    return table->base + row * table->stride;
}

static ALWAYS_INLINE uint64_t table_row_id(const struct table *table, const char *row)
{
    return (uint64_t)(row - table->base) / table->stride;
}

static ALWAYS_INLINE _Atomic version_handle *row_head(const struct table *table, char *row)
{
    return (_Atomic version_handle *)(void *)(row + table->head_offset);
}

static ALWAYS_INLINE _Atomic uint8_t *row_lock(const struct table *table, char *row)
{
    return (_Atomic uint8_t *)(row + table->lock_offset);
}

static ALWAYS_INLINE struct version *row_inline_version(char *row)
{
    return (struct version *)(void *)row;
}

static ALWAYS_INLINE struct version *row_version(const struct table *table, char *row, version_handle handle)
{
    if (LIKELY(handle == HANDLE_INLINE))
        return row_inline_version(row);
    KEEP_BRANCH();
    return arena_version(table->arena_base, table->unit_bytes, handle);
}

#endif
