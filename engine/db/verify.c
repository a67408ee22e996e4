/*
 * verify.c - checks the invariants of every chain and every index while nothing runs; see mae_db_verify.
 * Chains: V2, V3, V5 and CU3, no version undecided, no version in two chains; indexes: every entry leads to a live row,
 * and each row counts the entries that do (I4). Tables: as many rows as they count.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/tsc.h"
#include "engine/db/index_ops.h"
#include "engine/db/stats.h"
#include "engine/txn/commit.h"
#include "engine/txn/membership.h"
#include "engine/txn/txn.h"

struct verifier {
    struct mae_db *db;
    char *report;
    size_t report_bytes;
    unsigned char *seen; /* a bit per unit of the arena: a version has been met there */
    struct mae_txn *txn;
    struct mae_index *index; /* the one being visited */
    uint32_t *entries;       /* of each row of the table whose indexes are visited: how many lead to it */
    bool failed;
};

__attribute__((format(printf, 2, 3))) static bool finding(struct verifier *verifier, const char *format, ...)
{
    if (!verifier->failed && verifier->report && verifier->report_bytes) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(verifier->report, verifier->report_bytes, format, arguments);
        va_end(arguments);
    }
    verifier->failed = true;
    return false;
}

/* `newer_status` is that of the next newer version that is not aborted. */
static bool check_version(struct verifier *verifier, const struct table *table, uint64_t row_id,
                          const struct version *version, uint8_t newer_status)
{
    uint8_t status = atomic_load_explicit(&version->status, memory_order_acquire);
    if ((!version_status_is_committed(status) || status == VERSION_RESOLVING) && status != VERSION_ABORTED)
        return finding(verifier,
                       "table %u row %" PRIu64 ": version with wts %" PRIu64 " has status %u though nothing runs",
                       table->id, row_id, version_wts(version), status);
    if (status == VERSION_MOVED && version_status_is_plain(newer_status))
        return finding(verifier,
                       "table %u row %" PRIu64 ": the version above the moved one of %" PRIu64 " does not say so (V5)",
                       table->id, row_id, version_wts(version));
    if (status == VERSION_DELETED && newer_status == VERSION_DELTA)
        return finding(verifier, "table %u row %" PRIu64 ": operations are noted above a tombstone (CU3)", table->id,
                       row_id);
    if (status == VERSION_DELTA && !delta_is_whole(version->payload, version->payload_bytes, table->payload_max_bytes))
        return finding(verifier, "table %u row %" PRIu64 ": the operations that are noted at %" PRIu64 " are none",
                       table->id, row_id, version_wts(version));
    if (version->payload_bytes > table->payload_max_bytes && status >= VERSION_COMMITTED && status != VERSION_ABORTED)
        return finding(verifier, "table %u row %" PRIu64 ": payload of %u bytes, maximum %u", table->id, row_id,
                       version->payload_bytes, table->payload_max_bytes);
    return true;
}

static bool check_row(struct verifier *verifier, struct table *table, uint64_t row_id)
{
    char *row = table_row(table, row_id);
    uint64_t newer_wts = UINT64_MAX;
    uint8_t newer_status = VERSION_UNUSED;
    bool inlined = false;
    if (atomic_load_explicit(row_lock(table, row), memory_order_relaxed) == ROW_LOCKED)
        return finding(verifier, "table %u row %" PRIu64 ": a collector holds it though nothing runs", table->id,
                       row_id);
    for (version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_acquire);
         handle != HANDLE_NONE;) {
        struct version *version = row_version(table, row, handle);
        uint8_t status = atomic_load_explicit(&version->status, memory_order_acquire);
        uint64_t rts = atomic_load_explicit(&version->rts, memory_order_relaxed);
        if (handle == HANDLE_INLINE) {
            if (inlined || !table->inline_bytes)
                return finding(verifier, "table %u row %" PRIu64 ": inline slot linked twice, or there is none",
                               table->id, row_id);
            inlined = true;
        } else {
            unsigned char bit = (unsigned char)(1u << (handle & 7));
            if (verifier->seen[handle >> 3] & bit)
                return finding(verifier, "table %u row %" PRIu64 ": version %u is in two chains", table->id, row_id,
                               handle);
            verifier->seen[handle >> 3] |= bit;
        }
        if (version_wts(version) >= newer_wts)
            return finding(verifier,
                           "table %u row %" PRIu64 ": wts %" PRIu64 " below %" PRIu64 " does not decrease (V3)",
                           table->id, row_id, version_wts(version), newer_wts);
        if (rts < version_wts(version))
            return finding(verifier, "table %u row %" PRIu64 ": rts %" PRIu64 " is below wts %" PRIu64 " (V2)",
                           table->id, row_id, rts, version_wts(version));
        if (!check_version(verifier, table, row_id, version, newer_status))
            return false;
        if (status != VERSION_ABORTED)
            newer_status = status;
        newer_wts = version_wts(version);
        handle = atomic_load_explicit(&version->older, memory_order_relaxed);
    }
    if (newer_status == VERSION_DELTA)
        return finding(verifier, "table %u row %" PRIu64 ": operations are noted above nothing (CU3)", table->id,
                       row_id);
    return true;
}

static bool check_chains(struct verifier *verifier)
{
    struct mae_db *db = verifier->db;
    uint64_t units =
        atomic_load_explicit(&db->core.arena.span.committed_bytes, memory_order_acquire) >> db->core.arena.unit_shift;
    verifier->seen = mem_alloc(units / 8 + 1);
    if (!verifier->seen)
        return false;
    for (unsigned t = 0; t < db->table_count && !verifier->failed; t++) {
        if (!db->tables[t])
            continue;
        uint64_t rows = atomic_load_explicit(&db->tables[t]->next_row, memory_order_acquire);
        for (uint64_t row = 0; row < rows && check_row(verifier, db->tables[t], row); row++) {
        }
    }
    free(verifier->seen);
    return !verifier->failed;
}

static bool check_entry(void *arg, const void *key, uint64_t row)
{
    struct verifier *verifier = arg;
    const struct mae_index *index = verifier->index;
    const void *data;
    uint64_t word = 0; /* the key's first bytes */
    const size_t length = index_key_length(index, key);
    memcpy(&word, index_key_data(index, key), length < sizeof word ? length : sizeof word);
    if (row >= atomic_load_explicit(&index->table->rows.next_row, memory_order_acquire))
        return finding(verifier, "index %s: key %" PRIu64 " leads to row %" PRIu64 ", which does not exist",
                       index->name, word, row);
    if (txn_peek(verifier->txn, &index->table->rows, row, &data, NULL) != MAE_OK)
        return finding(verifier, "index %s: key %" PRIu64 " leads to row %" PRIu64 ", which is not there", index->name,
                       word, row);
    verifier->entries[row]++;
    return true;
}

static bool check_index(struct verifier *verifier)
{
    struct mae_index *index = verifier->index;
    char problem[256] = "";
    enum mae_status status = index->ops->check(verifier->txn, index, problem, sizeof problem);
    if (status == MAE_OK)
        status = index->ops->visit(verifier->txn, index, check_entry, verifier);
    if (status == MAE_CORRUPT && problem[0])
        return finding(verifier, "index %s: %s", index->name, problem);
    if (status != MAE_OK)
        return finding(verifier, "index %s: visiting its entries failed: %s", index->name, mae_status_text(status));
    return !verifier->failed;
}

static bool check_entry_counts(struct verifier *verifier, struct mae_table *table, uint64_t rows)
{
    for (uint64_t row = 0; row < rows; row++) {
        uint32_t counted = row_entries(&table->rows, table_row(&table->rows, row)), found = verifier->entries[row];
        if (counted != found)
            return finding(verifier, "table %s row %" PRIu64 ": %u index entries lead to it, but it counts %u (I4)",
                           table->name, row, found, counted);
    }
    return true;
}

static bool check_row_count(struct verifier *verifier, const struct mae_table *table)
{
    struct mae_space space = {0};
    stats_add_table(&table->rows, &space);
    if (space.rows == table_rows(&table->rows))
        return true;
    return finding(verifier, "table %s: has %" PRIu64 " rows, but counts %" PRIu64, table->name, space.rows,
                   table_rows(&table->rows));
}

/* The indexes of a table. MAE_CORRUPT: there is a finding. */
static enum mae_status check_indexes(struct verifier *verifier, struct mae_table *table)
{
    struct mae_db *db = verifier->db;
    uint64_t rows = atomic_load_explicit(&table->rows.next_row, memory_order_acquire);
    uint32_t *entries = mem_alloc((rows + 1) * sizeof *entries);
    if (!entries)
        return MAE_NO_MEMORY;
    verifier->entries = entries;
    bool sound = true;
    for (unsigned i = 0; i < db->index_count && sound; i++) {
        verifier->index = db->indexes[i];
        sound = verifier->index->table != table || check_index(verifier);
    }
    sound = sound && check_entry_counts(verifier, table, rows) && check_row_count(verifier, table);
    free(entries);
    return sound ? MAE_OK : MAE_CORRUPT;
}

/* The caller holds the database's lock, so no other thread creates tables or indexes, or uses this worker. */
static enum mae_status verify(struct verifier *verifier)
{
    struct mae_db *db = verifier->db;
    struct mae_worker *worker;
    if (!check_chains(verifier))
        return verifier->failed ? MAE_CORRUPT : MAE_NO_MEMORY;
    enum mae_status status = worker_join_own(&db->core, &worker);
    if (status != MAE_OK)
        return status;
    status = txn_begin(worker, MAE_SNAPSHOT, 0, &verifier->txn);
    MAE_CHECK(status == MAE_OK); /* a snapshot of a worker that has just joined */
    txn_see_newest(verifier->txn);
    for (unsigned i = 0; i < db->named_count && status == MAE_OK; i++)
        status = check_indexes(verifier, db->named[i]);
    txn_abort(verifier->txn);
    db_worker_leave(worker);
    return status;
}

enum mae_status mae_db_verify(struct mae_db *db, char *report, size_t report_bytes)
{
    struct verifier verifier = {.db = db, .report = report, .report_bytes = report_bytes};
    if (report && report_bytes)
        report[0] = '\0';
    pthread_mutex_lock(&db->lock);
    pthread_mutex_lock(&db->core.upkeep_lock); /* maintenance and log would collect what is being looked at */
    enum mae_status status = verify(&verifier);
    pthread_mutex_unlock(&db->core.upkeep_lock);
    pthread_mutex_unlock(&db->lock);
    return status;
}
