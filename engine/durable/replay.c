/* replay.c - see replay.h. */
#include "engine/durable/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/base/wait.h"
#include "engine/durable/checkpoint.h"
#include "engine/index/hash_index.h"
#include "engine/log/segment.h"
#include "engine/txn/commit.h"
#include "engine/txn/membership.h"

/* Followed by the key, and zeros up to a multiple of 8 bytes. All of one index have the same size. */
struct replay_entry {
    uint64_t index, row, ts, order;
    uint32_t sequence; /* in its transaction */
    uint8_t added, key_bytes;
};

enum {
    ENTRIES_LEAST_BYTES = 1 << 12,
    ROWS_TOGETHER = 64, /* neighbours are one thread's, so that no two threads write one cache line */
    ENTRIES_TOGETHER = 32,
#ifdef MAE_DEBUG
    BATCH_BYTES = 1 << 12,
#else
    BATCH_BYTES = 16 << 20,
#endif
};

enum mae_status replay_init(struct replay *replay, const struct durable_host *host, struct core *core, unsigned threads,
                            struct problem *problem)
{
    *replay = (struct replay){.host = host, .core = core, .problem = problem, .file = -1};
    for (unsigned i = 0; i < REPLAY_ROW_LOCKS; i++)
        pthread_mutex_init(&replay->row_locks[i], NULL);
    replay->parts = mem_alloc(threads * sizeof *replay->parts);
    if (!replay->parts)
        return problem_set(problem, MAE_NO_MEMORY, "out of memory for the recovery");
    for (; replay->part_count < threads; replay->part_count++) {
        struct replay_part *part = &replay->parts[replay->part_count];
        enum mae_status status = worker_join(core, &part->worker);
        if (status != MAE_OK)
            return problem_set(problem, status, "there is no worker for the recovery");
        worker_park(part->worker);
    }
    return MAE_OK;
}

void replay_fini(struct replay *replay)
{
    for (unsigned i = 0; i < replay->part_count; i++) {
        struct replay_part *part = &replay->parts[i];
        struct mae_worker *worker = part->worker;
        for (unsigned j = 0; j < PARALLEL_MAX; j++)
            free(part->lists[j].entries);
        free(part->sorted);
        replay->host->leave(replay->host->owner, worker);
        memset(&worker->counters, 0, sizeof worker->counters); /* whoever gets this slot has done none of this */
    }
    for (unsigned i = 0; i < REPLAY_ROW_LOCKS; i++)
        pthread_mutex_destroy(&replay->row_locks[i]);
    free(replay->parts);
    free(replay->batch);
}

/* The first failure of a thread. */
static enum mae_status status_of_parts(struct replay *replay)
{
    for (unsigned i = 0; i < replay->part_count; i++)
        if (replay->parts[i].status != MAE_OK) {
            if (replay->parts[i].problem.text[0])
                *replay->problem = replay->parts[i].problem;
            return replay->parts[i].status;
        }
    return MAE_OK;
}

static enum mae_status run(struct replay *replay, void (*work)(void *arg, unsigned i))
{
    parallel_run(replay->part_count, work, replay);
    return status_of_parts(replay);
}

/* ---- Rows. ---- */

/* Room for the row's version of `bytes` bytes: the inline slot, or memory of the pool. The old version is gone. */
static struct version *place_version(struct pool *pool, struct table *table, char *row, size_t bytes)
{
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

static enum mae_status set_row(struct replay_part *part, struct table *table, uint64_t row_id, uint64_t ts,
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
    struct version *version = place_version(&part->worker->pool, table, row, piece->payload_bytes);
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

static enum mae_status put_row(const struct replay *replay, struct replay_part *part, uint64_t ts,
                               const struct piece *piece)
{
    struct table *table = replay->host->table(replay->host->owner, piece->object);
    if (!table)
        return problem_set(&part->problem, MAE_CORRUPT, "a record names table %" PRIu64 ", which there is not",
                           (uint64_t)piece->object);
    if (piece->payload_bytes > table->payload_max_bytes)
        return problem_set(&part->problem, MAE_CORRUPT, "a record has a row of %u bytes for table %" PRIu64,
                           (unsigned)piece->payload_bytes, (uint64_t)piece->object);
    return set_row(part, table, piece->row, ts, piece);
}

/* ---- Entries. ---- */

static bool list_make_room(struct replay_list *list, size_t bytes)
{
    size_t larger = list->capacity ? list->capacity : ENTRIES_LEAST_BYTES;
    if (list->bytes + bytes <= list->capacity)
        return true;
    while (larger < list->bytes + bytes)
        larger *= 2;
    char *entries = mem_realloc(list->entries, list->bytes, larger);
    if (!entries)
        return false;
    list->entries = entries;
    list->capacity = larger;
    return true;
}

static enum mae_status note_entry(struct replay_part *part, unsigned owner, uint64_t order, uint64_t ts,
                                  uint32_t sequence, const struct piece *piece)
{
    struct replay_list *list = &part->lists[owner];
    size_t bytes = sizeof(struct replay_entry) + padded(piece->key_bytes, 8);
    if (!list_make_room(list, bytes))
        return MAE_NO_MEMORY;
    const struct replay_entry entry = {.index = piece->object,
                                       .row = piece->row,
                                       .ts = ts,
                                       .order = order,
                                       .sequence = sequence,
                                       .added = piece->kind == PIECE_ADD,
                                       .key_bytes = piece->key_bytes};
    char *at = list->entries + list->bytes;
    memset(at + bytes - 8, 0, 8);
    memcpy(at, &entry, sizeof entry);
    memcpy(at + sizeof entry, piece + 1, piece->key_bytes);
    list->bytes += bytes;
    MAE_DCHECK(list->bytes <= list->capacity);
    list->count++;
    return MAE_OK;
}

/* ---- Records. ---- */

/* What of a record a thread takes: all of it, or what is its own. */
struct share {
    struct replay *replay;
    struct replay_part *part;
    unsigned i;
    bool all;
};

static enum mae_status take_entry(const struct share *share, const struct record *record, uint32_t sequence,
                                  const struct piece *piece)
{
    struct durable_index index;
    const struct durable_host *host = share->replay->host;
    if (!host->index(host->owner, piece->object, &index) || index.key_bytes != piece->key_bytes)
        return problem_set(&share->part->problem, MAE_CORRUPT, "a record names index %" PRIu64 ", which there is not",
                           (uint64_t)piece->object);
    uint64_t order = host->order(index.index, piece + 1);
    uint64_t spread = index.hashed ? order : hash_mix(order);
    unsigned owner = (unsigned)((unsigned __int128)spread * share->replay->part_count >> 64);
    return share->all || owner == share->i ? note_entry(share->part, owner, order, record->ts, sequence, piece)
                                           : MAE_OK;
}

static enum mae_status take_record(const struct share *share, const struct record *record)
{
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
        if (!is_row)
            status = take_entry(share, record, i, piece);
        else if (share->all || piece->row / ROWS_TOGETHER % share->replay->part_count == share->i)
            status = put_row(share->replay, share->part, record->ts, piece);
    }
    return status == MAE_OK && at != end ? MAE_CORRUPT : status;
}

static enum mae_status take_records(const struct share *share, const char *at, const char *end)
{
    enum mae_status status = MAE_OK;
    while (at < end && status == MAE_OK) {
        const struct record *record = (const struct record *)(const void *)at;
        if (end - at < (ptrdiff_t)sizeof *record || record->bytes < sizeof *record || record->bytes % 8 != 0 ||
            end - at < record->bytes || (share->all && record->ts > share->replay->checkpoint->end))
            return MAE_CORRUPT;
        share->part->record_ts = record->ts;
        status = take_record(share, record);
        at += record->bytes;
    }
    return status;
}

/* ---- A checkpoint. ---- */

static void take_blocks(void *arg, unsigned i)
{
    struct replay *replay = arg;
    struct replay_part *part = &replay->parts[i];
    const struct share share = {.replay = replay, .part = part, .i = i, .all = true};
    struct block *slot = aligned_alloc(FILE_BLOCK_BYTES, CHECKPOINT_SLOT_BYTES);
    if (!slot)
        part->status = MAE_NO_MEMORY;
    while (part->status == MAE_OK) {
        uint64_t block = atomic_fetch_add_explicit(&replay->next_block, 1, memory_order_relaxed);
        if (block >= replay->checkpoint->blocks)
            break;
        part->status = checkpoint_read(replay->file, replay->path, replay->database, replay->checkpoint, block, slot,
                                       &part->problem);
        if (part->status == MAE_OK)
            part->status = take_records(&share, (const char *)(slot + 1), (const char *)slot + slot->bytes);
        if (part->status == MAE_CORRUPT && part->problem.text[0] == '\0')
            (void)problem_set(&part->problem, MAE_CORRUPT, "%s at %" PRIu64 ": a record makes no sense", replay->path,
                              block * CHECKPOINT_SLOT_BYTES);
    }
    free(slot);
}

enum mae_status replay_checkpoint(struct replay *replay, const char *folder, uint64_t database,
                                  const struct manifest_checkpoint *checkpoint)
{
    char path[SEGMENT_PATH_BYTES];
    checkpoint_path(folder, checkpoint->number, path);
    replay->path = path;
    replay->database = database;
    replay->checkpoint = checkpoint;
    replay->file = file_calls->open(path, FILE_READ | FILE_BLOCKS);
    if (replay->file < 0)
        return problem_set(replay->problem, MAE_IO, "%s cannot be opened: %s", path, strerror(-replay->file));
    enum mae_status status = run(replay, take_blocks);
    (void)file_calls->close(replay->file);
    replay->path = NULL;
    return status;
}

/* ---- The log. ---- */

static void take_batch(void *arg, unsigned i)
{
    struct replay *replay = arg;
    struct replay_part *part = &replay->parts[i];
    const struct share share = {.replay = replay, .part = part, .i = i};
    part->status = take_records(&share, replay->batch, replay->batch + replay->batch_bytes);
    if (part->status != MAE_CORRUPT)
        return;
    const struct problem why = part->problem;
    (void)problem_set(&part->problem, MAE_CORRUPT, "the log's record with the timestamp %" PRIu64 " makes no sense: %s",
                      part->record_ts, why.text[0] ? why.text : "its length is wrong");
}

static enum mae_status apply_batch(struct replay *replay)
{
    enum mae_status status = replay->batch_bytes > 0 ? run(replay, take_batch) : MAE_OK;
    replay->batch_bytes = 0;
    return status;
}

enum mae_status replay_record(void *arg, const struct record *record)
{
    struct replay *replay = arg;
    if (replay->batch_bytes + record->bytes > replay->batch_capacity) {
        enum mae_status status = apply_batch(replay);
        size_t larger = record->bytes > BATCH_BYTES ? record->bytes : BATCH_BYTES;
        if (status != MAE_OK)
            return status;
        if (larger > replay->batch_capacity) {
            char *batch = mem_realloc(replay->batch, 0, larger);
            if (!batch)
                return MAE_NO_MEMORY;
            replay->batch = batch;
            replay->batch_capacity = larger;
        }
    }
    memcpy(replay->batch + replay->batch_bytes, record, record->bytes);
    replay->batch_bytes += record->bytes;
    replay->records++;
    return MAE_OK;
}

/* ---- Which entries there are in the end. ---- */

static int compare_words(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* By index, and there in the index's order; 0: they are the same entry. */
static int compare_names(const struct replay_sorted *a, const struct replay_sorted *b)
{
    int result = compare_words(a->entry->index, b->entry->index);
    if (result == 0)
        result = compare_words(a->order, b->order);
    if (result == 0)
        result = memcmp(a->entry + 1, b->entry + 1, a->entry->key_bytes);
    return result ? result : compare_words(a->entry->row, b->entry->row);
}

static int compare_entries(const void *left, const void *right)
{
    const struct replay_sorted *a = left, *b = right;
    int result = compare_names(a, b);
    if (result == 0)
        result = compare_words(a->entry->ts, b->entry->ts);
    return result ? result : compare_words(a->entry->sequence, b->entry->sequence);
}

/* Appends pointers to all entries that are the part's. */
static void gather(struct replay *replay, struct replay_part *part, unsigned i)
{
    for (unsigned j = 0; j < replay->part_count; j++) {
        const struct replay_list *list = &replay->parts[j].lists[i];
        char *at = list->entries;
        for (size_t k = 0; k < list->count; k++) {
            struct replay_entry *entry = (struct replay_entry *)(void *)at;
            part->sorted[part->sorted_count++] = (struct replay_sorted){.order = entry->order, .entry = entry};
            at += sizeof *entry + padded(entry->key_bytes, 8);
        }
        MAE_DCHECK(list->count == 0 || at == list->entries + list->bytes);
    }
}

/* Keeps those whose last piece adds them. */
static size_t keep_last(struct replay_sorted *sorted, size_t count)
{
    size_t kept = 0;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && compare_names(&sorted[first], &sorted[end]) == 0;)
            end++;
        if (sorted[end - 1].entry->added)
            sorted[kept++] = sorted[end - 1];
    }
    return kept;
}

static void sort_part(void *arg, unsigned i)
{
    struct replay *replay = arg;
    struct replay_part *part = &replay->parts[i];
    size_t count = 0;
    for (unsigned j = 0; j < replay->part_count; j++)
        count += replay->parts[j].lists[i].count;
    part->sorted = mem_alloc((count + 1) * sizeof *part->sorted);
    if (!part->sorted) {
        part->status = MAE_NO_MEMORY;
        return;
    }
    gather(replay, part, i);
    if (count > 0)
        qsort(part->sorted, count, sizeof *part->sorted, compare_entries);
    part->sorted_count = keep_last(part->sorted, count);
}

/* ---- Building the indexes. ---- */

static enum mae_status try_entries(struct replay *replay, struct replay_part *part, const struct durable_index *index,
                                   const struct replay_sorted *sorted, size_t count)
{
    struct mae_txn *txn;
    enum mae_status status = txn_begin(part->worker, MAE_READ_WRITE, 0, &txn);
    MAE_CHECK(status == MAE_OK); /* the worker runs no other */
    for (size_t i = 0; i < count && status == MAE_OK; i++)
        status = replay->host->add(txn, index->index, sorted[i].entry + 1, sorted[i].entry->row);
    if (status == MAE_OK)
        status = txn_commit(txn);
    else
        txn_abort(txn);
    if (status == MAE_OK && txn->scratch_used)
        hash_index_grow_all(txn);
    return status;
}

/* Rows count their entries (I4), which two indexes may add at once. */
static enum mae_status count_entry(struct replay *replay, const struct durable_index *index, uint64_t row)
{
    pthread_mutex_t *lock = &replay->row_locks[row / ROWS_TOGETHER % REPLAY_ROW_LOCKS];
    pthread_mutex_lock(lock);
    enum mae_status status = replay->host->added(index->index, row);
    pthread_mutex_unlock(lock);
    return status;
}

static enum mae_status add_entries(struct replay *replay, struct replay_part *part, const struct durable_index *index,
                                   const struct replay_sorted *sorted, size_t count)
{
    enum mae_status status;
    for (unsigned i = 0;; i++) { /* ends: the others come to an end */
        status = try_entries(replay, part, index, sorted, count);
        if (!mae_status_is_retryable(status) || status == MAE_ABORT_MEMORY)
            break;
        wait_step(i);
    }
    for (size_t i = 0; i < count && status == MAE_OK; i++)
        status = count_entry(replay, index, sorted[i].entry->row);
    part->entries_added += status == MAE_OK ? count : 0;
    if (status == MAE_OK || status == MAE_NO_MEMORY || status == MAE_ABORT_MEMORY)
        return status == MAE_OK ? MAE_OK : MAE_NO_MEMORY;
    return problem_set(&part->problem, MAE_CORRUPT, "an entry of index %" PRIu64 " does not fit its row: %s",
                       index->number, mae_status_text(status));
}

static void build_range(struct replay *replay, struct replay_part *part, size_t from, size_t to)
{
    struct durable_index index = {0};
    for (size_t first = from, end; first < to && part->status == MAE_OK; first = end) {
        const struct replay_sorted *sorted = &part->sorted[first];
        if (index.number != sorted->entry->index)
            (void)replay->host->index(replay->host->owner, sorted->entry->index, &index);
        for (end = first + 1;
             end < to && end - first < ENTRIES_TOGETHER && part->sorted[end].entry->index == index.number;)
            end++;
        part->status = add_entries(replay, part, &index, sorted, end - first);
    }
}

/* Each thread begins at another place, so that they do not meet in the same leaves of ordered indexes all the way. */
static void build_part(void *arg, unsigned i)
{
    struct replay *replay = arg;
    struct replay_part *part = &replay->parts[i];
    size_t from = part->sorted_count * i / replay->part_count;
    build_range(replay, part, from, part->sorted_count);
    build_range(replay, part, 0, from);
    worker_park(part->worker); /* it holds nothing back while the others go on */
}

/* Tells each index how many entries come. */
static enum mae_status expect_entries(struct replay *replay)
{
    struct durable_index index;
    enum mae_status status = MAE_OK;
    for (size_t at = 0; status == MAE_OK && replay->host->index_at(replay->host->owner, at, &index); at++) {
        uint64_t count = 0;
        for (unsigned i = 0; i < replay->part_count; i++)
            for (size_t j = 0; j < replay->parts[i].sorted_count; j++)
                count += replay->parts[i].sorted[j].entry->index == index.number;
        status = replay->host->expect(index.index, count);
    }
    return status;
}

/* ---- The end. ---- */

/* Takes tombstones out, and gives the ids of empty rows to the table. */
static void free_rows(struct replay *replay, struct table *table)
{
    struct row_allocator rows = {0};
    int64_t found = 0;
    uint64_t limit = atomic_load_explicit(&table->next_row, memory_order_relaxed);
    for (uint64_t row_id = limit; row_id-- > 0;) {
        char *row = table_row(table, row_id);
        version_handle handle = atomic_load_explicit(row_head(table, row), memory_order_relaxed);
        struct version *version = handle == HANDLE_NONE ? NULL : row_version(table, row, handle);
        if (version && atomic_load_explicit(&version->status, memory_order_relaxed) == VERSION_COMMITTED) {
            found++;
            continue;
        }
        if (handle == HANDLE_INLINE)
            atomic_store_explicit(&version->status, VERSION_UNUSED, memory_order_relaxed);
        else if (version)
            pool_free(&replay->parts[0].worker->pool, handle, version);
        atomic_store_explicit(row_head(table, row), HANDLE_NONE, memory_order_relaxed);
        row_free(table, &rows, row_id);
    }
    row_allocator_fini(table, &rows);
    table_count_rows(table, 0, MUTATED(restored_uncounted) ? 0 : found);
    replay->rows += (uint64_t)found;
}

enum mae_status replay_finish(struct replay *replay, struct table *const *tables, size_t table_count)
{
    enum mae_status status = apply_batch(replay);
    if (status != MAE_OK)
        return status;
    for (size_t i = 0; i < table_count; i++)
        free_rows(replay, tables[i]);
    status = run(replay, sort_part);
    if (status == MAE_OK)
        status = expect_entries(replay);
    if (status == MAE_OK)
        status = run(replay, build_part);
    for (unsigned i = 0; i < replay->part_count; i++)
        replay->entries_added += replay->parts[i].entries_added;
    return status;
}
