/* stats.c - counters, space, memory and state of a database; see maemio.h. */
#include "engine/db/stats.h"

#include <string.h>

#include "engine/db/index_ops.h"

static const struct mae_counter_info infos[] = {
#define COUNTER(name, unit, help) {#name, unit, help},
#include "engine/txn/stats.def"
#undef COUNTER
};
static_assert(sizeof infos / sizeof infos[0] == COUNTER_COUNT, "one table");

size_t mae_counter_count(void)
{
    return COUNTER_COUNT;
}

const struct mae_counter_info *mae_counter_info(size_t i)
{
    return i < COUNTER_COUNT ? &infos[i] : NULL;
}

static void add_counters(const struct mae_worker *worker, uint64_t *values)
{
    size_t i = 0;
#define COUNTER(name, unit, help) values[i++] += atomic_load_explicit(&worker->counters.name, memory_order_relaxed);
#include "engine/txn/stats.def"
#undef COUNTER
}

void mae_worker_counters(const struct mae_worker *worker, uint64_t *values)
{
    memset(values, 0, COUNTER_COUNT * sizeof *values);
    add_counters(worker, values);
}

void mae_db_counters(const struct mae_db *db, uint64_t *values)
{
    memset(values, 0, COUNTER_COUNT * sizeof *values);
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        const struct mae_worker *worker = atomic_load_explicit(&db->core.workers[i], memory_order_acquire);
        if (worker)
            add_counters(worker, values);
    }
}

static void add_row(const struct table *table, char *row, struct mae_space *space)
{
    version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_acquire);
    if (handle == HANDLE_NONE)
        return;
    space->row_bytes += table->stride;
    bool inlined = false, decided = false;
    while (handle != HANDLE_NONE) {
        struct version *version = row_version(table, row, handle);
        uint8_t status = atomic_load_explicit(&version->status, memory_order_relaxed);
        if (!decided && !version_status_is_aborted(status)) { /* what a new transaction sees */
            decided = true;
            space->rows += status != VERSION_DELETED;
            space->payload_bytes += version->payload_bytes;
        }
        space->versions++;
        if (handle == HANDLE_INLINE)
            inlined = true;
        else
            space->version_bytes +=
                class_bytes(table->unit_shift, atomic_load_explicit(&version->tag, memory_order_relaxed));
        handle = atomic_load_explicit(&version->older, memory_order_relaxed);
    }
    space->inlined_versions += inlined;
    space->unused_inline_slots += table->inline_bytes && !inlined;
}

void stats_add_table(const struct table *table, struct mae_space *space)
{
    uint64_t rows = atomic_load_explicit(&table->next_row, memory_order_acquire);
    for (uint64_t row = 0; row < rows; row++)
        add_row(table, table_row(table, row), space);
}

uint64_t mae_table_rows(const struct mae_table *table)
{
    return table_is_closed(&table->rows) ? 0 : table_rows(&table->rows);
}

void mae_table_space(const struct mae_table *table, struct mae_space *space)
{
    memset(space, 0, sizeof *space);
    struct mae_db *db = atomic_load_explicit(&table->db, memory_order_relaxed);
    if (!db) /* it has been dropped */
        return;
    pthread_mutex_lock(&db->core.upkeep_lock);
    stats_add_table(&table->rows, space);
    pthread_mutex_unlock(&db->core.upkeep_lock);
}

void mae_index_space(const struct mae_index *index, struct mae_space *space)
{
    memset(space, 0, sizeof *space);
    struct mae_db *db = atomic_load_explicit(&index->db, memory_order_relaxed);
    if (!db) /* it has been dropped */
        return;
    pthread_mutex_lock(&db->core.upkeep_lock);
    index->ops->space(index, space);
    pthread_mutex_unlock(&db->core.upkeep_lock);
}

void mae_db_memory(struct mae_db *db, struct mae_memory *memory)
{
    /* With the lock, since the spans of a table or index whose creation fails are taken out of the list again. */
    pthread_mutex_lock(&db->lock);
    mem_usage(&db->core.budget, db->spans, memory);
    pthread_mutex_unlock(&db->lock);
}

void mae_db_state(const struct mae_db *db, struct mae_state *state)
{
    const struct core *core = &db->core;
    memset(state, 0, sizeof *state);
    state->min_wts = atomic_load_explicit(&core->horizon.min_wts, memory_order_relaxed);
    state->min_rts = atomic_load_explicit(&core->horizon.min_rts, memory_order_relaxed);
    state->ticks_per_us = core->ticks_per_us / (double)(UINT64_C(1) << core->clock_shift);
    state->backoff_max_us =
        (double)atomic_load_explicit(&core->backoff.max_ticks, memory_order_relaxed) / core->ticks_per_us;
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        const struct mae_worker *worker = atomic_load_explicit(&core->workers[i], memory_order_acquire);
        uint32_t number = atomic_load_explicit(&core->horizon.slots[i].number, memory_order_relaxed);
        state->workers += worker && number < MAE_WORKERS_MAX && /* not one of the database's own */
                          atomic_load_explicit(&worker->joined, memory_order_relaxed);
    }
}
