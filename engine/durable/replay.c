/* replay.c - see replay.h. */
#include "engine/durable/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/index/hash_index.h"
#include "engine/txn/commit.h"

/* Followed by the key, and zeros up to a multiple of 8 bytes. All of one index have the same size. */
struct replay_entry {
    uint64_t index, row, ts;
    uint32_t sequence; /* in its transaction */
    uint8_t added, key_bytes;
};

enum { ENTRIES_LEAST_BYTES = 1 << 16 };

void replay_init(struct replay *replay, const struct durable_host *host, struct mae_worker *worker,
                 struct problem *problem)
{
    *replay = (struct replay){.host = host, .worker = worker, .problem = problem};
}

void replay_fini(struct replay *replay)
{
    free(replay->entries);
}

/* ---- Rows. ---- */

/* Room for the row's version of `bytes` bytes: the inline slot, or memory of the pool. The old version is gone. */
static struct version *place_version(struct replay *replay, struct table *table, char *row, size_t bytes)
{
    struct pool *pool = &replay->worker->pool;
    _Atomic version_handle *head = row_head(table, row);
    version_handle handle = atomic_load_explicit(head, memory_order_relaxed);
    if (handle != HANDLE_NONE && handle != HANDLE_INLINE)
        pool_free(pool, handle, row_version(table, row, handle));
    struct version *version = row_inline_version(row);
    handle = HANDLE_INLINE;
    if (!table->inline_bytes || bytes > table->inline_bytes) {
        if (table->inline_bytes)
            atomic_store_explicit(&version->status, VERSION_UNUSED, memory_order_relaxed);
        version = pool_alloc(pool, bytes, &handle);
    }
    atomic_store_explicit(head, version ? handle : HANDLE_NONE, memory_order_relaxed);
    return version;
}

static enum mae_status set_row(struct replay *replay, struct table *table, uint64_t row_id, uint64_t ts,
                               const struct piece *piece)
{
    bool exists = row_id < atomic_load_explicit(&table->next_row, memory_order_relaxed);
    enum mae_status status = exists ? MAE_OK : table_reserve_rows(table, row_id + 1);
    if (status != MAE_OK)
        return status;
    MAE_DCHECK(row_id < atomic_load_explicit(&table->next_row, memory_order_relaxed));
    char *row = table_row(table, row_id);
    version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_relaxed);
    bool overruled = handle != HANDLE_NONE && version_wts(row_version(table, row, handle)) >= ts;
    if (overruled && !MUTATED(replay_unordered))
        return MAE_OK;
    struct version *version = place_version(replay, table, row, piece->payload_bytes);
    if (!version)
        return MAE_NO_MEMORY;
    version->payload_bytes = piece->payload_bytes;
    memcpy(version->payload, piece + 1, piece->payload_bytes);
    atomic_store_explicit(&version->older, HANDLE_NONE, memory_order_relaxed);
    atomic_store_explicit(&version->wts, ts, memory_order_relaxed);
    atomic_store_explicit(&version->rts, ts, memory_order_relaxed);
    atomic_store_explicit(&version->status, piece->kind == PIECE_PUT ? VERSION_COMMITTED : VERSION_DELETED,
                          memory_order_relaxed);
    return MAE_OK;
}

static enum mae_status put_row(struct replay *replay, uint64_t ts, const struct piece *piece)
{
    struct table *table = replay->host->table(replay->host->owner, piece->object);
    if (!table)
        return problem_set(replay->problem, MAE_CORRUPT, "a record names table %" PRIu64 ", which there is not",
                           (uint64_t)piece->object);
    if (piece->payload_bytes > table->payload_max_bytes)
        return MAE_CORRUPT;
    return set_row(replay, table, piece->row, ts, piece);
}

/* ---- Entries. ---- */

static enum mae_status note_entry(struct replay *replay, uint64_t ts, uint32_t sequence, const struct piece *piece)
{
    size_t bytes = sizeof(struct replay_entry) + padded(piece->key_bytes, 8), larger = replay->entries_capacity;
    if (replay->entries_bytes + bytes > larger) {
        larger = larger ? 2 * larger : ENTRIES_LEAST_BYTES;
        char *entries = mem_realloc(replay->entries, replay->entries_bytes, larger);
        if (!entries)
            return MAE_NO_MEMORY;
        replay->entries = entries;
        replay->entries_capacity = larger;
    }
    struct replay_entry entry = {.index = piece->object,
                                 .row = piece->row,
                                 .ts = ts,
                                 .sequence = sequence,
                                 .added = piece->kind == PIECE_ADD,
                                 .key_bytes = piece->key_bytes};
    char *at = replay->entries + replay->entries_bytes;
    memset(at, 0, bytes);
    memcpy(at, &entry, sizeof entry);
    memcpy(at + sizeof entry, piece + 1, piece->key_bytes);
    replay->entries_bytes += bytes;
    MAE_DCHECK(replay->entries_bytes <= replay->entries_capacity);
    replay->entry_count++;
    return MAE_OK;
}

enum mae_status replay_record(void *arg, const struct record *record)
{
    struct replay *replay = arg;
    const char *at = (const char *)(record + 1), *end = (const char *)record + record->bytes;
    enum mae_status status = MAE_OK;
    for (uint32_t i = 0; i < record->count && status == MAE_OK; i++) {
        const struct piece *piece = (const struct piece *)(const void *)at;
        if (end - at < (ptrdiff_t)sizeof *piece)
            return MAE_CORRUPT;
        bool is_row = piece->kind == PIECE_PUT || piece->kind == PIECE_DELETE;
        if (!is_row && piece->kind != PIECE_ADD && piece->kind != PIECE_REMOVE)
            return MAE_CORRUPT;
        at += piece_bytes(is_row ? piece->payload_bytes : piece->key_bytes);
        if (at > end)
            return MAE_CORRUPT;
        status = is_row ? put_row(replay, record->ts, piece) : note_entry(replay, record->ts, i, piece);
    }
    replay->records++;
    return status == MAE_OK && at != end ? MAE_CORRUPT : status;
}

static int compare_words(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_names(const struct replay_entry *a, const struct replay_entry *b)
{
    int result = compare_words(a->index, b->index);
    if (result == 0)
        result = compare_words(a->key_bytes, b->key_bytes);
    if (result == 0)
        result = memcmp(a + 1, b + 1, a->key_bytes);
    return result ? result : compare_words(a->row, b->row);
}

static int compare_entries(const void *left, const void *right)
{
    const struct replay_entry *a = *(const struct replay_entry *const *)left,
                              *b = *(const struct replay_entry *const *)right;
    int result = compare_names(a, b);
    if (result == 0)
        result = compare_words(a->ts, b->ts);
    return result ? result : compare_words(a->sequence, b->sequence);
}

/* All entries in order: NULL when out of memory. */
static struct replay_entry **sort_entries(struct replay *replay)
{
    struct replay_entry **sorted = mem_alloc((replay->entry_count + 1) * sizeof(struct replay_entry *));
    char *at = replay->entries;
    for (size_t i = 0; sorted && i < replay->entry_count; i++) {
        sorted[i] = (struct replay_entry *)(void *)at;
        at += sizeof(struct replay_entry) + padded(sorted[i]->key_bytes, 8);
    }
    MAE_DCHECK(!sorted || replay->entry_count == 0 || at == replay->entries + replay->entries_bytes);
    if (sorted && replay->entry_count > 0)
        qsort(sorted, replay->entry_count, sizeof(struct replay_entry *), compare_entries);
    return sorted;
}

static enum mae_status add_entry(struct replay *replay, const struct replay_entry *entry)
{
    MAE_DCHECK(entry->added); /* and no later record takes it away */
    struct durable_index index;
    struct mae_txn *txn;
    if (!replay->host->index(replay->host->owner, entry->index, &index) || index.key_bytes != entry->key_bytes)
        return problem_set(replay->problem, MAE_CORRUPT, "a record names index %" PRIu64 ", which there is not",
                           entry->index);
    enum mae_status status = txn_begin(replay->worker, MAE_READ_WRITE, 0, &txn);
    MAE_CHECK(status == MAE_OK); /* the worker has just joined, and runs no other */
    status = replay->host->add(txn, index.index, entry + 1, entry->row);
    if (status == MAE_OK)
        status = txn_commit(txn);
    else
        txn_abort(txn);
    if (status == MAE_OK && txn->scratch_used)
        hash_index_grow_all(txn);
    replay->entries_added += status == MAE_OK;
    if (status == MAE_ABORT_MEMORY)
        return MAE_NO_MEMORY;
    return status == MAE_OK || status == MAE_NO_MEMORY ? status : MAE_CORRUPT;
}

static enum mae_status add_entries(struct replay *replay)
{
    struct replay_entry **sorted = sort_entries(replay);
    enum mae_status status = sorted ? MAE_OK : MAE_NO_MEMORY;
    for (size_t first = 0, end; first < replay->entry_count && status == MAE_OK; first = end) {
        for (end = first + 1; end < replay->entry_count && compare_names(sorted[first], sorted[end]) == 0;)
            end++;
        if (sorted[end - 1]->added)
            status = add_entry(replay, sorted[end - 1]);
    }
    free(sorted);
    return status;
}

/* ---- The end. ---- */

/* Takes tombstones out, and gives the ids of empty rows to the table. */
static void free_rows(struct replay *replay, struct table *table)
{
    struct row_allocator rows = {0};
    uint64_t limit = atomic_load_explicit(&table->next_row, memory_order_relaxed);
    for (uint64_t row_id = limit; row_id-- > 0;) {
        char *row = table_row(table, row_id);
        version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_relaxed);
        struct version *version = handle == HANDLE_NONE ? NULL : row_version(table, row, handle);
        if (version && atomic_load_explicit(&version->status, memory_order_relaxed) == VERSION_COMMITTED) {
            replay->rows++;
            continue;
        }
        if (handle == HANDLE_INLINE)
            atomic_store_explicit(&version->status, VERSION_UNUSED, memory_order_relaxed);
        else if (version)
            pool_free(&replay->worker->pool, handle, version);
        atomic_store_explicit(row_head(table, row), HANDLE_NONE, memory_order_relaxed);
        row_free(table, &rows, row_id);
    }
    row_allocator_fini(table, &rows);
}

enum mae_status replay_finish(struct replay *replay, struct table *const *tables, size_t table_count)
{
    for (size_t i = 0; i < table_count; i++)
        free_rows(replay, tables[i]);
    return add_entries(replay);
}
