/*
 * table.h - a table: numbered rows in one span of addresses.
 *
 * A row is found by arithmetic: base + row * stride. With inlining (payload_max <= inline_bytes) it is
 *     | inline version: header, payload ... | (slack) | head |      stride a multiple of 64, head in the last 4 bytes
 * and without
 *     | head | lock | - - - |                                       stride 8
 * The head names the newest version. All zeros is an empty row: no version, free inline slot.
 *
 * The head stands behind the payload because then a 100-byte payload fits two lines and stays 8-byte aligned. One lock
 * byte a row lets one collector at a time unlink old versions (txn/gc.c); writers never take it.
 *
 * Row ids come from chunks that each worker takes from the table's counter, and from deleted rows.
 * Source: section 3.2 (array of rows), 3.3 (inlining).
 */
#ifndef ENGINE_STORE_TABLE_H
#define ENGINE_STORE_TABLE_H

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "engine/store/version_pool.h"

struct table {
    /* Constant after table_init. */
    char *base;
    uint32_t stride, head_offset, lock_offset;
    uint32_t inline_bytes; /* capacity of the inline slot, 0 without */
    uint32_t unit_bytes;   /* the arena's, as the next two */
    unsigned unit_shift;
    const char *arena_base;
    uint32_t payload_max_bytes;
    uint32_t size_class; /* of a version that holds payload_max_bytes */
    bool is_node;        /* rows are nodes of an index; set right after table_init */
    unsigned id;         /* place in the database's list, and in each worker's row allocators */
    struct span rows;
    /* Cold, shared. */
    SEPARATED _Atomic uint64_t next_row; /* row ids below were given to some worker */
    pthread_mutex_t free_lock;
    uint64_t *free_rows; /* row ids that workers handed back */
    size_t free_count, free_capacity;
};

/* The row's lock byte. AWAITED: free, and a collector will look at the row again when a pin goes (txn/gc.h, G6). */
enum row_lock_state { ROW_FREE, ROW_LOCKED, ROW_AWAITED };

/* The row ids a worker may use next; one a table and worker. */
struct row_allocator {
    struct table *table; /* once it has had rows */
    uint64_t next, end;
    uint64_t *free_rows;
    size_t free_count, free_capacity;
    unsigned growth_place; /* hash indexes: where the running transaction counts its entries */
    int64_t entries;       /* hash indexes: entries this worker added, not yet in the shared count */
};

/* inline_max_bytes: the inline_bytes option. expected_rows: how far it must be able to grow where addresses are
 * limited, if that can be had. MAE_OK, MAE_NO_MEMORY or MAE_NO_ADDRESSES. */
enum mae_status table_init(struct table *table, struct mem_budget *budget, const struct arena *arena, unsigned id,
                           size_t payload_max_bytes, uint64_t inline_max_bytes, uint64_t expected_rows);
void table_fini(struct table *table);

/* Rows 0 .. rows - 1 exist afterwards, empty, given to no worker. For hash buckets. Statuses of span_commit. */
enum mae_status table_reserve_rows(struct table *table, uint64_t rows);

/* A row that is empty. Statuses of span_commit. */
enum mae_status row_alloc(struct table *table, struct row_allocator *allocator, uint64_t *row);
/* Takes an empty row back. If the list cannot grow the id is lost until the database closes. */
void row_free(struct table *table, struct row_allocator *allocator, uint64_t row);
/* Hands everything to the table; the allocator goes on. */
void row_allocator_give(struct row_allocator *allocator);
/* The same at its end. */
void row_allocator_fini(struct table *table, struct row_allocator *allocator);

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
