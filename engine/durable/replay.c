/* replay.c - see replay.h. */
#include "engine/durable/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/durable/checkpoint.h"
#include "engine/log/segment.h"
#include "engine/store/restore.h"
#include "engine/txn/membership.h"

enum {
    ROWS_TOGETHER = 64, /* neighbours are one thread's, so that no two threads write one cache line */
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
    replay->parts = mem_alloc(threads * sizeof *replay->parts);
    if (entries_init(&replay->entries, host, threads) != MAE_OK || !replay->parts)
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
        struct mae_worker *worker = replay->parts[i].worker;
        replay->host->leave(worker);
        memset(&worker->counters, 0, sizeof worker->counters); /* whoever gets this slot has done none of this */
    }
    entries_fini(&replay->entries);
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

/* Where the i-th of `parts` equal shares begins. */
static uint64_t share_of(uint64_t count, unsigned i, unsigned parts)
{
    return (uint64_t)((unsigned __int128)count * i / parts);
}

/* ---- Rows. ---- */

static enum mae_status set_row(struct replay_part *part, uint64_t ts, const struct piece *piece)
{
    struct table *table = part->table;
    if (piece->row >= atomic_load_explicit(&table->next_row, memory_order_relaxed)) {
        /* Up to the end of this thread's rows there: rows come about in their order. */
        enum mae_status status = table_reserve_rows(table, (piece->row / ROWS_TOGETHER + 1) * ROWS_TOGETHER);
        if (status != MAE_OK)
            return status;
    }
    const struct version *old = restored_version(table, piece->row);
    if (old && version_wts(old) >= ts && !MUTATED(replay_unordered))
        return MAE_OK;
    if (piece->kind == PIECE_DELTA)
        return restore_note(table, &part->worker->pool, piece->row, piece + 1, piece->payload_bytes, ts)
                   ? MAE_OK
                   : MAE_NO_MEMORY;
    struct version *version = restore_row(table, &part->worker->pool, piece->row, piece->payload_bytes, ts,
                                          piece->kind == PIECE_PUT ? VERSION_COMMITTED : VERSION_DELETED);
    if (!version)
        return MAE_NO_MEMORY;
    memcpy(version->payload, piece + 1, piece->payload_bytes);
    return MAE_OK;
}

/* Whether the piece is of a table or index that there once was: it no longer counts. D23 */
static bool was_dropped(const struct replay *replay, const struct piece *piece)
{
    return piece->object < replay->next_number && !MUTATED(dropped_refused);
}

static enum mae_status put_row(const struct replay *replay, struct replay_part *part, uint64_t ts,
                               const struct piece *piece)
{
    if (!part->table || part->table->number != piece->object)
        part->table = replay->host->table(replay->host->owner, piece->object);
    if (!part->table && was_dropped(replay, piece))
        return MAE_OK;
    if (!part->table)
        return problem_set(&part->problem, MAE_CORRUPT, "a record names table %" PRIu64 ", which there is not",
                           (uint64_t)piece->object);
    if (piece->kind == PIECE_DELTA &&
        !delta_is_whole((const unsigned char *)(piece + 1), piece->payload_bytes, part->table->payload_max_bytes))
        return problem_set(&part->problem, MAE_CORRUPT, "a record has operations that table %" PRIu64 " cannot have",
                           (uint64_t)piece->object);
    if (piece->kind == PIECE_PUT && piece->payload_bytes > part->table->payload_max_bytes)
        return problem_set(&part->problem, MAE_CORRUPT, "a record has a row of %u bytes for table %" PRIu64,
                           (unsigned)piece->payload_bytes, (uint64_t)piece->object);
    return set_row(part, ts, piece);
}

/* ---- Records. ---- */

/* What of a record a thread takes: all of it, or what is its own. */
struct share {
    struct replay *replay;
    struct replay_part *part;
    unsigned i;
    bool all;
};

static enum mae_status take_entry(const struct share *share, uint64_t ts, uint32_t sequence, const struct piece *piece)
{
    enum mae_status status = entries_note(&share->replay->entries, share->i, ts, sequence, piece);
    if (status == MAE_NOT_FOUND && was_dropped(share->replay, piece))
        return MAE_OK;
    if (status != MAE_CORRUPT && status != MAE_NOT_FOUND)
        return status;
    return problem_set(&share->part->problem, MAE_CORRUPT, "a record names index %" PRIu64 ", which there is not",
                       (uint64_t)piece->object);
}

static enum mae_status take_record(const struct share *share, const struct record *record)
{
    const char *at = (const char *)(record + 1), *end = (const char *)record + record->bytes;
    enum mae_status status = MAE_OK;
    for (uint32_t i = 0; i < record->count && status == MAE_OK; i++) {
        const struct piece *piece = piece_take(&at, end);
        if (!piece)
            return MAE_CORRUPT;
        if (!share->all && piece->row / ROWS_TOGETHER % share->replay->part_count != share->i)
            continue;
        status = piece_is_row(piece) ? put_row(share->replay, share->part, record->ts, piece)
                                     : take_entry(share, record->ts, i, piece);
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

/* ---- The end. ---- */

/* Carries out operations in a thread's share of a table, takes tombstones out, and frees the ids of empty rows. */
static void free_share(void *arg, unsigned i)
{
    struct replay *replay = arg;
    struct replay_part *part = &replay->parts[i];
    struct table *table = replay->freed_table;
    uint64_t limit = atomic_load_explicit(&table->next_row, memory_order_relaxed);
    uint64_t from = share_of(limit, i, replay->part_count);
    part->rows = 0;
    for (uint64_t row = share_of(limit, i + 1, replay->part_count); row-- > from && part->status == MAE_OK;) {
        part->status = restore_compute(table, &part->worker->pool, row);
        if (part->status == MAE_CORRUPT)
            (void)problem_set(&part->problem, MAE_CORRUPT,
                              "the log has operations on row %" PRIu64 " of table %" PRIu64 ", which is not there", row,
                              table->number);
        const struct version *version = restored_version(table, row);
        if (version && atomic_load_explicit(&version->status, memory_order_relaxed) == VERSION_COMMITTED) {
            part->rows++;
            continue;
        }
        if (version)
            restore_empty(table, &part->worker->pool, row);
        row_free(table, &part->free_rows, row);
    }
}

static enum mae_status free_rows(struct replay *replay, struct table *table)
{
    replay->freed_table = table;
    enum mae_status status = run(replay, free_share);
    for (unsigned i = replay->part_count; i-- > 0;) { /* small ids are given out first */
        struct replay_part *part = &replay->parts[i];
        row_allocator_fini(&part->free_rows);
        table_count_rows(table, 0, MUTATED(restored_uncounted) ? 0 : (int64_t)part->rows);
        replay->rows += part->rows;
    }
    return status;
}

enum mae_status replay_finish(struct replay *replay, struct table *const *tables, size_t table_count)
{
    struct mae_worker *workers[PARALLEL_MAX];
    enum mae_status status = apply_batch(replay);
    if (status != MAE_OK)
        return status;
    for (size_t i = 0; i < table_count && status == MAE_OK; i++)
        status = free_rows(replay, tables[i]);
    if (status != MAE_OK)
        return status;
    for (unsigned i = 0; i < replay->part_count; i++)
        workers[i] = replay->parts[i].worker;
    status = entries_build(&replay->entries, workers, replay->problem);
    replay->entries_added = replay->entries.added;
    return status;
}
