/* table.c - see table.h. */
#include "engine/store/table.h"

#include "engine/base/check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/race.h"
#include "engine/base/wait.h"

enum { HEAD_BYTES = sizeof(version_handle), FREE_BATCH = 1024, CHUNK_ROWS_MIN = 16 };

enum mae_status table_init(struct table *table, struct mem_budget *budget, const struct arena *arena, unsigned id,
                           size_t payload_max_bytes, uint64_t inline_max_bytes, uint64_t expected_rows)
{
    memset(table, 0, sizeof *table);
    if (payload_max_bytes <= inline_max_bytes) {
        size_t bytes = VERSION_HEADER_BYTES + payload_max_bytes + HEAD_BYTES;
        table->stride = (uint32_t)((bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES);
        table->head_offset = table->stride - HEAD_BYTES;
        table->lock_offset = offsetof(struct version, tag);
        table->inline_bytes = table->stride - VERSION_HEADER_BYTES - HEAD_BYTES;
        MAE_DCHECK(table->inline_bytes >= payload_max_bytes);
    } else {
        table->stride = 2 * HEAD_BYTES;
        table->head_offset = 0;
        table->lock_offset = HEAD_BYTES;
    }
    table->payload_max_bytes = (uint32_t)payload_max_bytes;
    MAE_DCHECK(payload_max_bytes >= 1 && payload_max_bytes <= MAE_PAYLOAD_MAX_BYTES);
    MAE_DCHECK(table->head_offset + HEAD_BYTES <= table->stride && table->lock_offset < table->stride);
    MAE_DCHECK(table->head_offset % HEAD_BYTES == 0 && table->stride % HEAD_BYTES == 0);
    table->arena_base = arena->base;
    table->unit_shift = arena->unit_shift;
    table->unit_bytes = arena->unit_bytes;
    table->size_class = class_of(arena->unit_shift, payload_max_bytes);
    table->id = id;
    pthread_mutex_init(&table->free_lock, NULL);
    entry_counts_init(&table->entry_counts);
    /* The whole budget may become rows of this one table, so reserve for that: addresses are cheap. */
    uint64_t most = mem_budget_most(budget), expected = most;
    if (expected_rows < most / table->stride)
        expected = expected_rows * table->stride;
    enum mae_status status = span_init(&table->rows, budget, most, expected);
    table->base = table->rows.base;
    return status;
}

void table_fini(struct table *table)
{
    span_fini(&table->rows);
    free(table->free_rows);
    pthread_mutex_destroy(&table->free_lock);
    entry_counts_fini(&table->entry_counts);
}

enum mae_status table_reserve_rows(struct table *table, uint64_t rows)
{
    if (rows > mem_budget_most(table->rows.budget) / table->stride)
        return MAE_NO_MEMORY; /* the product could overflow */
    enum mae_status status = span_commit(&table->rows, rows * table->stride);
    if (status == MAE_OK) {
        uint64_t now = atomic_load_explicit(&table->next_row, memory_order_relaxed);
        while (now < rows && !atomic_compare_exchange_weak_explicit(&table->next_row, &now, rows, memory_order_relaxed,
                                                                    memory_order_relaxed)) {
        }
    }
    return status;
}

/* The rows of a chunk of row ids: few in a small table, so that it stays small. In a large table a chunk fills a huge
 * page, so that it lies on its worker's node. */
static uint64_t chunk_rows(const struct table *table, uint64_t rows)
{
    MAE_DCHECK(table->stride <= MEM_CHUNK_BYTES);
    uint64_t most = MEM_CHUNK_BYTES / table->stride, wanted = rows / 16;
    return wanted > most ? most : wanted < CHUNK_ROWS_MIN ? CHUNK_ROWS_MIN : wanted;
}

/* Only debug builds ask. While a table is being closed its rows seem to be gone. */
static inline bool __attribute__((unused)) row_is_made(const struct table *table, uint64_t row)
{
    return row < atomic_load_explicit(&table->next_row, memory_order_relaxed) ||
           atomic_load_explicit(&table->closing, memory_order_relaxed) != TABLE_OPEN;
}

static bool grow(uint64_t **rows, size_t *capacity, size_t needed)
{
    if (needed <= *capacity)
        return true;
    size_t larger = *capacity ? 2 * *capacity : 2 * FREE_BATCH;
    while (larger < needed)
        larger *= 2;
    uint64_t *grown = mem_realloc(*rows, *capacity * sizeof **rows, larger * sizeof **rows);
    if (!grown)
        return false;
    *rows = grown;
    *capacity = larger;
    return true;
}

static bool take_free_rows(struct table *table, struct row_allocator *allocator)
{
    MAE_DCHECK(allocator->free_count == 0 && allocator->next == allocator->end);
    size_t count = 0;
    pthread_mutex_lock(&table->free_lock);
    if (table->free_count && grow(&allocator->free_rows, &allocator->free_capacity, FREE_BATCH)) {
        count = table->free_count < FREE_BATCH ? table->free_count : FREE_BATCH;
        table->free_count -= count;
        memcpy(allocator->free_rows, table->free_rows + table->free_count, count * sizeof *allocator->free_rows);
        allocator->free_count = count;
    }
    pthread_mutex_unlock(&table->free_lock);
    return count > 0;
}

enum mae_status row_alloc(struct table *table, struct row_allocator *allocator, uint64_t *row)
{
    if (allocator->free_count || (allocator->next == allocator->end && take_free_rows(table, allocator))) {
        *row = allocator->free_rows[--allocator->free_count];
        MAE_DCHECK(row_is_made(table, *row));
        return MAE_OK;
    }
    if (UNLIKELY(allocator->next == allocator->end)) {
        MAE_DCHECK(!allocator->table || allocator->table == table);
        allocator->table = table;
        uint64_t rows = atomic_load_explicit(&table->next_row, memory_order_acquire), count;
        do {
            /* ORD-17: after next_row, so that a table which that shows as closed is found closed here. */
            if (UNLIKELY(atomic_load_explicit(&table->closing, memory_order_acquire) != TABLE_OPEN))
                return MAE_ABORT_INDEX;
            count = chunk_rows(table, rows);
            enum mae_status status = span_commit(&table->rows, (rows + count) * table->stride);
            if (status != MAE_OK)
                return status;
        } while (!atomic_compare_exchange_weak_explicit(&table->next_row, &rows, rows + count, memory_order_acquire,
                                                        memory_order_acquire));
        allocator->next = rows;
        allocator->end = rows + count;
    }
    *row = allocator->next++;
    MAE_DCHECK(allocator->next <= allocator->end);
    return MAE_OK;
}

/* Moves the allocator's last `count` rows to the table. */
static void give_back(struct table *table, struct row_allocator *allocator, size_t count)
{
    MAE_DCHECK(count <= allocator->free_count);
    pthread_mutex_lock(&table->free_lock);
    if (grow(&table->free_rows, &table->free_capacity, table->free_count + count)) {
        allocator->free_count -= count;
        memcpy(table->free_rows + table->free_count, allocator->free_rows + allocator->free_count,
               count * sizeof *table->free_rows);
        table->free_count += count;
    }
    pthread_mutex_unlock(&table->free_lock);
}

void row_free(struct table *table, struct row_allocator *allocator, uint64_t row)
{
    MAE_DCHECK(row_is_made(table, row));
    MAE_DCHECK(!allocator->table || allocator->table == table);
    allocator->table = table;
    if (!grow(&allocator->free_rows, &allocator->free_capacity, allocator->free_count + 1))
        return;
    allocator->free_rows[allocator->free_count++] = row;
    if (allocator->free_count >= 2 * FREE_BATCH)
        give_back(table, allocator, FREE_BATCH);
}

void row_allocator_begin(struct row_allocator *allocator, struct table *table)
{
    MAE_DCHECK(!allocator->table || table_is_closed(allocator->table));
    allocator->table = table;
    if (MUTATED(row_ids_inherited))
        return;
    allocator->next = allocator->end = 0;
    allocator->free_count = 0;
}

void row_allocator_give(struct row_allocator *allocator)
{
    struct table *table = allocator->table;
    if (!table || table_is_closed(table))
        return;
    while (allocator->next < allocator->end) {
        size_t before = allocator->free_count;
        row_free(table, allocator, allocator->next++);
        if (allocator->free_count == before)
            break; /* the list cannot grow */
    }
    if (allocator->free_count)
        give_back(table, allocator, allocator->free_count);
}

void row_allocator_fini(struct row_allocator *allocator)
{
    row_allocator_give(allocator);
    free(allocator->free_rows);
    memset(allocator, 0, sizeof *allocator);
}

void table_close(struct table *table)
{
    MAE_DCHECK(atomic_load_explicit(&table->closing, memory_order_relaxed) != TABLE_CLOSED);
    atomic_store_explicit(&table->closing, TABLE_CLOSING, memory_order_release);
    uint64_t rows = atomic_load_explicit(&table->next_row, memory_order_relaxed);
    do { /* Ends: no new thread enters row_alloc's loop any more. */
        if (rows > 0)
            atomic_store_explicit(&table->kept_rows, rows, memory_order_release); /* ORD-17 */
    } while (
        !atomic_compare_exchange_weak_explicit(&table->next_row, &rows, 0, memory_order_release, memory_order_relaxed));
}

void table_reopen(struct table *table)
{
    uint64_t none = 0, kept = atomic_load_explicit(&table->kept_rows, memory_order_relaxed);
    (void)atomic_compare_exchange_strong_explicit(&table->next_row, &none, kept, memory_order_release,
                                                  memory_order_relaxed); /* else rows have come since */
    atomic_store_explicit(&table->closing, TABLE_OPEN, memory_order_release);
}

void table_count_rows(struct table *table, unsigned part, int64_t rows)
{
    atomic_fetch_add_explicit(&table->row_counts[part % ROW_COUNT_PARTS].rows, rows, memory_order_relaxed);
}

uint64_t table_rows(const struct table *table)
{
    int64_t rows = 0;
    for (unsigned i = 0; i < ROW_COUNT_PARTS; i++)
        rows += atomic_load_explicit(&table->row_counts[i].rows, memory_order_relaxed);
    return rows > 0 ? (uint64_t)rows : 0; /* a deletion may be seen before the insertion in another part */
}

/* Waits until no collector has the row locked, and returns the lock byte. Ends: a collector waits for nobody while it
 * has a row locked. */
static uint8_t lock_byte(_Atomic uint8_t *lock)
{
    uint8_t byte;
    for (unsigned i = 0; (byte = atomic_load_explicit(lock, memory_order_acquire)) == ROW_LOCKED; i++) { /* ORD-6 */
        RACE(WAIT_ROW);
        wait_step(i);
    }
    return byte;
}

uint32_t row_entries(struct table *table, char *row)
{
    uint32_t count = (uint32_t)lock_byte(row_lock(table, row)) >> ROW_ENTRIES_SHIFT;
    if (count < ROW_ENTRIES_MANY || MUTATED(many_uncounted))
        return count;
    return entry_counts_get(&table->entry_counts, table_row_id(table, row));
}

bool row_entries_reserve(struct table *table, char *row, uint32_t count)
{
    return count < ROW_ENTRIES_MANY || entry_counts_reserve(&table->entry_counts, table_row_id(table, row));
}

void row_entries_set(struct table *table, char *row, uint32_t count)
{
    _Atomic uint8_t *lock = row_lock(table, row);
    uint8_t byte, next;
    if (count >= ROW_ENTRIES_MANY) {
        entry_counts_set(&table->entry_counts, table_row_id(table, row), count);
        count = ROW_ENTRIES_MANY;
    }
    do { /* Ends: in each round that fails a collector has changed the byte. */
        byte = lock_byte(lock);
        next = (uint8_t)(count << ROW_ENTRIES_SHIFT | (byte & ROW_AWAITED));
    } while (next != byte && !atomic_compare_exchange_weak_explicit(lock, &byte, next, memory_order_acq_rel,
                                                                    memory_order_relaxed)); /* ORD-6 */
}

/* ORD-6: as a collector. It waits for nobody, so whoever waits for it goes on soon. */
static bool row_lock_try(_Atomic uint8_t *lock, uint8_t byte)
{
    return atomic_compare_exchange_strong_explicit(lock, &byte, ROW_LOCKED, memory_order_acquire, memory_order_relaxed);
}

void row_entries_add(struct table *table, char *row, int64_t change)
{
    _Atomic uint8_t *lock = row_lock(table, row);
    uint8_t byte;
    do /* Ends: in each round that fails another thread has changed the byte. */
        byte = lock_byte(lock);
    while (!row_lock_try(lock, byte));
    int64_t count = byte >> ROW_ENTRIES_SHIFT;
    if (count >= ROW_ENTRIES_MANY && !MUTATED(many_uncounted))
        count = entry_counts_get(&table->entry_counts, table_row_id(table, row));
    count = count + change > 0 ? count + change : 0;
    if (count >= ROW_ENTRIES_MANY) {
        entry_counts_set(&table->entry_counts, table_row_id(table, row), (uint32_t)count);
        count = ROW_ENTRIES_MANY;
    }
    byte = (uint8_t)(count << ROW_ENTRIES_SHIFT | (byte & ROW_AWAITED));
    atomic_store_explicit(lock, byte, memory_order_release); /* ORD-6 */
}
