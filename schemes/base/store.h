/*
 * store.h - tables: rows at base + number * stride, on memory of engine/base/mem. A row's number is its ref.
 *
 * Fresh rows come in chunks from the table's end; rows of deletes come back through epoch.h. A worker keeps a few of
 * both for itself (row_supply) and shares the rest through the table.
 *   S1  Every row below next_row has memory. next_row only grows.
 *   S2  `growth` is a node (node.h) whose version changes after next_row has: a transaction that has gone through all
 *       rows notes it, as it notes the leaves of a scan.
 * Threads: store_take and store_give_back belong to the supply's worker, and any number of workers may call them.
 */
#ifndef SCHEMES_BASE_STORE_H
#define SCHEMES_BASE_STORE_H

#include <pthread.h>
#include <stdbool.h>

#include "engine/base/mem.h"
#include "schemes/base/epoch.h"
#include "schemes/base/node.h"
#include "schemes/base/row.h"

enum { STORE_NAME_BYTES = 64, STORE_CHUNK_BYTES = 64 * 1024, STORE_SUPPLY_ROWS = 256 };

struct table {
    char *base;
    size_t stride_bytes, payload_max_bytes;
    size_t copied_lines; /* of a row by each copy; 0: rows are large, and copies as long as the payload */
    size_t copied_bytes; /* which such a copy takes (copies.h) */
    uint64_t rows_per_chunk;
    uint32_t number;
    char name[STORE_NAME_BYTES];
    struct table *versions; /* of its rows, of schemes that keep several (chain.h) */
    size_t inline_at;       /* offset of the version in a row that has room there; 0: none has */
    struct span span;
    SEPARATED struct index_node growth; /* S2 */
    _Atomic uint64_t next_row;          /* S1 */
    pthread_mutex_t lock;               /* of what follows, and of growing */
    struct retired *free_rows;
    uint64_t free_count;
};

/* What a worker has of one table: rows that were never used, and rows that were. */
struct row_supply {
    uint64_t next, end;
    struct retired *free_rows;
    uint64_t free_count;
};

/* How much of a payload a copy takes: of a small row all its room. So the copy's length does not depend on the row's
 * size, which is mostly not in a cache yet, and the CPU can begin with the requests behind it. */
enum { STORE_SMALL_BYTES = 512 };

static inline size_t table_copied_bytes(const struct table *table, uint32_t size)
{
    if (LIKELY(table->copied_lines))
        return table->payload_max_bytes;
    KEEP_BRANCH();
    return size - 1;
}

static inline struct row *table_row(const struct table *table, uint64_t ref)
{
    return (struct row *)(void *)(table->base + ref * table->stride_bytes);
}

static inline uint64_t table_ref(const struct table *table, const struct row *row)
{
    return (uint64_t)((const char *)row - table->base) / table->stride_bytes;
}

static inline uint64_t table_limit(const struct table *table)
{
    return atomic_load_explicit(&table->next_row, memory_order_acquire); /* ORD-STORE-1 */
}

/* MAE_OK, MAE_NO_MEMORY or MAE_NO_ADDRESSES, and then there is nothing to finish. */
enum mae_status store_table_init(struct table *table, struct mem_budget *budget, uint32_t number, const char *name,
                                 size_t payload_max_bytes);
void store_table_fini(struct table *table);

/* An absent row that no transaction can reach. MAE_OK, MAE_NO_MEMORY, MAE_NO_ADDRESSES. */
enum mae_status store_take(struct table *table, struct row_supply *supply, struct row **row);
void store_give_back(struct table *table, struct row_supply *supply, struct row *row);
/* Gives all of a supply to the table. */
void store_supply_fini(struct table *table, struct row_supply *supply);

/* Where a row that is retired or free is linked. */
static inline struct retired *row_retired(struct row *row)
{
    return row_payload(row);
}

static inline struct row *retired_row(struct retired *item)
{
    return (struct row *)(void *)((char *)item - ROW_HEADER_BYTES);
}

/* store_take from what the supply has: the row that was given back last, which is the likeliest to be in a cache, or a
 * new one. NULL: it has neither. */
static ALWAYS_INLINE struct row *store_take_ready(const struct table *table, struct row_supply *supply)
{
    struct retired *item = supply->free_rows;
    struct row *row;
    if (LIKELY(item != NULL)) {
        supply->free_rows = atomic_load_explicit(&item->next, memory_order_relaxed); /* ORD-STORE-1 */
        supply->free_count--;
        row = retired_row(item);
    } else if (supply->next != supply->end) {
        row = table_row(table, supply->next++);
    } else {
        return NULL;
    }
    row->table = table->number;
    return row;
}

#endif
