/* store.c - see store.h. */
#include "schemes/base/store.h"

#include <string.h>

#include "schemes/base/copies.h"

/* Address space for a table's rows; it costs nothing until it is used. */
#define TABLE_RESERVED_BYTES ((size_t)1 << 40)
#define TABLE_RESERVED_MIN_BYTES ((size_t)1 << 30)

static_assert(ROW_HEADER_BYTES + sizeof(struct retired) <= CACHE_LINE_BYTES, "a row has room for its link");

enum mae_status store_table_init(struct table *table, struct mem_budget *budget, uint32_t number, const char *name,
                                 size_t payload_max_bytes)
{
    enum mae_status status = span_init(&table->span, budget, TABLE_RESERVED_BYTES, TABLE_RESERVED_MIN_BYTES);
    if (status != MAE_OK)
        return status;
    size_t bytes = ROW_HEADER_BYTES + payload_max_bytes + ROW_TAIL_BYTES;
    table->stride_bytes = (bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
    table->payload_max_bytes = payload_max_bytes;
    table->copied_lines = payload_max_bytes <= STORE_SMALL_BYTES ? row_lines(payload_max_bytes) : 0;
    table->copied_bytes = copies_bytes(payload_max_bytes);
    table->rows_per_chunk = STORE_CHUNK_BYTES / table->stride_bytes;
    if (table->rows_per_chunk == 0)
        table->rows_per_chunk = 1;
    table->base = table->span.base;
    table->number = number;
    strcpy(table->name, name);
    pthread_mutex_init(&table->lock, NULL);
    return MAE_OK;
}

void store_table_fini(struct table *table)
{
    pthread_mutex_destroy(&table->lock);
    span_fini(&table->span);
}

/* ---- Free rows, linked through their payloads. ---- */

static void push(struct retired **list, struct retired *item)
{
    atomic_store_explicit(&item->next, *list, memory_order_relaxed); /* ORD-STORE-1: ordered by the table's lock */
    *list = item;
}

static struct retired *pop(struct retired **list)
{
    struct retired *item = *list;
    *list = atomic_load_explicit(&item->next, memory_order_relaxed); /* ORD-STORE-1 */
    return item;
}

static void move(struct retired **from, uint64_t *from_count, struct retired **to, uint64_t *to_count, uint64_t count)
{
    for (; count && *from_count; count--, (*from_count)--, (*to_count)++)
        push(to, pop(from));
}

/* ---- Taking and giving back. ---- */

/* Under the table's lock: free rows if there are any, else a chunk from the end. */
static enum mae_status refill(struct table *table, struct row_supply *supply)
{
    move(&table->free_rows, &table->free_count, &supply->free_rows, &supply->free_count, STORE_SUPPLY_ROWS);
    if (supply->free_count)
        return MAE_OK;
    uint64_t first = table_limit(table), end = first + table->rows_per_chunk;
    enum mae_status status = span_commit(&table->span, end * table->stride_bytes);
    if (status != MAE_OK)
        return status;
    atomic_store_explicit(&table->next_row, end, memory_order_release); /* ORD-STORE-1 */
    uint64_t version = atomic_load_explicit(&table->growth.version, memory_order_relaxed);
    atomic_store_explicit(&table->growth.version, version + NODE_VERSION_STEP, memory_order_seq_cst); /* S2 */
    supply->next = first;
    supply->end = end;
    return MAE_OK;
}

enum mae_status store_take(struct table *table, struct row_supply *supply, struct row **row)
{
    *row = store_take_ready(table, supply);
    if (LIKELY(*row != NULL))
        return MAE_OK;
    pthread_mutex_lock(&table->lock);
    enum mae_status status = refill(table, supply);
    pthread_mutex_unlock(&table->lock);
    if (status == MAE_OK)
        *row = store_take_ready(table, supply);
    return status;
}

void store_give_back(struct table *table, struct row_supply *supply, struct row *row)
{
    push(&supply->free_rows, row_retired(row));
    if (++supply->free_count < 2 * STORE_SUPPLY_ROWS)
        return;
    pthread_mutex_lock(&table->lock);
    move(&supply->free_rows, &supply->free_count, &table->free_rows, &table->free_count, STORE_SUPPLY_ROWS);
    pthread_mutex_unlock(&table->lock);
}

void store_supply_fini(struct table *table, struct row_supply *supply)
{
    pthread_mutex_lock(&table->lock);
    move(&supply->free_rows, &supply->free_count, &table->free_rows, &table->free_count, supply->free_count);
    for (; supply->next < supply->end; supply->next++, table->free_count++)
        push(&table->free_rows, row_retired(table_row(table, supply->next)));
    pthread_mutex_unlock(&table->lock);
}
