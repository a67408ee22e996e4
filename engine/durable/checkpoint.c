/* checkpoint.c - see checkpoint.h. */
#include "engine/durable/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/log/segment.h"
#include "engine/txn/commit.h"
#include "engine/txn/membership.h"
#include "engine/txn/txn.h"

/* How many rows or hash buckets a batch looks at, whether there is something, or how many entries. */
#ifdef MAE_DEBUG
enum { BATCH_MAX = 4 }; /* so that tests of a few rows have several batches */
#else
enum { BATCH_MAX = 8192 };
#endif

struct writer {
    const struct checkpoint_order *order;
    struct manifest_checkpoint *checkpoint;
    struct problem *problem;
    char path[SEGMENT_PATH_BYTES];
    int file;
    struct block *slot;
    struct record *record; /* the last one in the slot; NULL: there is none */
    struct mae_txn *txn;   /* the batch's */
    const struct durable_index *walked;
    unsigned left; /* of BATCH_MAX */
    uint64_t unpaused_bytes;
    enum mae_status failed; /* in a visitor */
};

void checkpoint_path(const char *folder, uint64_t number, char *path)
{
    int bytes = snprintf(path, SEGMENT_PATH_BYTES, "%s/checkpoint-%08" PRIu64, folder, number);
    MAE_CHECK(bytes > 0 && bytes < SEGMENT_PATH_BYTES);
}

bool checkpoint_number(const char *name, uint64_t *number)
{
    static const char before[] = "checkpoint-";
    char same[SEGMENT_PATH_BYTES];
    if (strncmp(name, before, strlen(before)) != 0)
        return false;
    *number = strtoull(name + strlen(before), NULL, 10);
    checkpoint_path("", *number, same);
    return strcmp(same + 1, name) == 0;
}

static enum mae_status cannot(const struct writer *writer, const char *what, int result)
{
    return problem_set(writer->problem, problem_status(result), "%s of %s: %s", what, writer->path, strerror(-result));
}

/* ---- Slots. ---- */

static void slot_begin(struct writer *writer)
{
    const struct manifest_checkpoint *checkpoint = writer->checkpoint;
    *writer->slot = (struct block){
        .bytes = sizeof(struct block),
        .database = writer->order->database,
        .life = checkpoint->life,
        .number = checkpoint->blocks + 1,
        .flush = checkpoint->number,
    };
    writer->record = NULL;
}

static size_t slot_room(const struct writer *writer)
{
    return CHECKPOINT_SLOT_BYTES - writer->slot->bytes;
}

static enum mae_status slot_write(struct writer *writer)
{
    struct block *slot = writer->slot;
    size_t bytes = padded(slot->bytes, FILE_BLOCK_BYTES);
    memset((char *)slot + slot->bytes, 0, bytes - slot->bytes);
    block_seal(slot);
    int result =
        file_calls->write(writer->file, slot, bytes, writer->checkpoint->blocks * (uint64_t)CHECKPOINT_SLOT_BYTES);
    if (result < 0)
        return cannot(writer, "write", result);
    writer->unpaused_bytes += bytes;
    writer->checkpoint->blocks++;
    slot_begin(writer);
    return MAE_OK;
}

/* Adds a piece of a record with this timestamp. There is room for both. */
static void slot_add(struct writer *writer, uint64_t ts, const struct piece *piece, const void *data, size_t bytes)
{
    struct block *slot = writer->slot;
    if (!writer->record || writer->record->ts != ts) {
        writer->record = (struct record *)(void *)((char *)slot + slot->bytes);
        *writer->record = (struct record){.bytes = sizeof(struct record), .ts = ts};
        slot->bytes += (uint32_t)sizeof(struct record);
    }
    char *at = (char *)slot + slot->bytes;
    size_t whole = piece_bytes(bytes);
    memcpy(at, piece, sizeof *piece);
    memcpy(at + sizeof *piece, data, bytes);
    memset(at + sizeof *piece + bytes, 0, whole - sizeof *piece - bytes);
    slot->bytes += (uint32_t)whole;
    writer->record->bytes += (uint32_t)whole;
    writer->record->count++;
    MAE_DCHECK(slot->bytes <= CHECKPOINT_SLOT_BYTES);
}

static bool slot_has_room(const struct writer *writer, size_t data_bytes)
{
    return slot_room(writer) >= sizeof(struct record) + piece_bytes(data_bytes);
}

/* ---- Batches. ---- */

static enum mae_status batch_begin(struct writer *writer)
{
    enum mae_status status = txn_begin(writer->order->worker, MAE_SNAPSHOT, 0, &writer->txn);
    MAE_CHECK(status == MAE_OK); /* the worker is of the database's own, and runs no other */
    MAE_DCHECK(writer->txn->ts >= writer->checkpoint->start);
    writer->left = BATCH_MAX;
    if (writer->txn->ts > writer->checkpoint->end && !MUTATED(checkpoint_by_wts))
        writer->checkpoint->end = writer->txn->ts;
    return MAE_OK;
}

/* Ends the batch so that it holds nothing back, and writes the slot if it is full. */
static enum mae_status batch_end(struct writer *writer, bool full)
{
    txn_abort(writer->txn);
    worker_park(writer->order->worker);
    RACE(CHECKPOINT_BATCH);
    enum mae_status status = full ? slot_write(writer) : MAE_OK;
    if (status != MAE_OK)
        return status;
    bool goes_on = writer->order->pause(writer->order->arg, writer->unpaused_bytes);
    writer->unpaused_bytes = 0;
    return goes_on ? MAE_OK : problem_set(writer->problem, MAE_ABORT_USER, "the database is being closed");
}

/* Whether a batch that ended with this status can be gone on with in another snapshot. */
static bool is_passing(enum mae_status status)
{
    return status == MAE_OK || status == MAE_ABORT_OLD;
}

/* ---- Rows. ---- */

/* *full: there was no room, and the row is still to come. */
static enum mae_status add_row(struct writer *writer, struct table *table, uint64_t row, bool *full)
{
    const void *data;
    size_t bytes;
    enum mae_status status = txn_peek(writer->txn, table, row, &data, &bytes);
    if (status != MAE_OK)
        return status == MAE_NOT_FOUND ? MAE_OK : status;
    *full = !slot_has_room(writer, bytes);
    if (*full)
        return MAE_OK;
    const struct piece piece = {.object = table->number & PIECE_NUMBER_MAX,
                                .kind = PIECE_PUT,
                                .row = row & PIECE_NUMBER_MAX,
                                .payload_bytes = bytes & UINT16_MAX};
    uint64_t wts = version_wts(version_of_payload(data));
    MAE_DCHECK(wts < writer->txn->ts);
    if (MUTATED(checkpoint_by_wts) && wts > writer->checkpoint->end)
        writer->checkpoint->end = wts;
    slot_add(writer, wts, &piece, data, bytes);
    writer->checkpoint->rows++;
    return MAE_OK;
}

static enum mae_status add_rows(struct writer *writer, struct table *table)
{
    uint64_t limit = table_rows_made(table);
    enum mae_status status = MAE_OK;
    for (uint64_t row = 0; row < limit && status == MAE_OK;) {
        bool full = false;
        status = batch_begin(writer);
        if (table_is_closed(table)) /* it has been dropped: nothing of it counts any more */
            limit = 0;
        for (; writer->left > 0 && row < limit && status == MAE_OK && !full; writer->left--) {
            txn_prefetch_walk(table, row, limit);
            status = add_row(writer, table, row, &full);
            row += status == MAE_OK && !full;
        }
        enum mae_status ended = batch_end(writer, full);
        status = is_passing(status) ? ended : status;
    }
    return status;
}

/* ---- Entries. ---- */

static bool batch_goes_on(const struct writer *writer)
{
    return writer->failed == MAE_OK && writer->left > 0 && slot_has_room(writer, writer->walked->config.key_bytes);
}

static bool add_entry(void *arg, const void *key, uint64_t row)
{
    struct writer *writer = arg;
    const struct mae_index_config *config = &writer->walked->config;
    const unsigned char *bytes = key;
    const size_t key_bytes = config->variable ? *bytes++ : config->key_bytes;
    const struct piece piece = {.object = writer->walked->number & PIECE_NUMBER_MAX,
                                .kind = PIECE_ADD,
                                .key_bytes = key_bytes & UINT8_MAX,
                                .row = row & PIECE_NUMBER_MAX};
    /* Only a hash bucket with thousands of entries comes here without room: the batch then writes before its end. */
    if (!slot_has_room(writer, writer->walked->config.key_bytes) && writer->failed == MAE_OK)
        writer->failed = slot_write(writer);
    if (writer->failed != MAE_OK)
        return false;
    slot_add(writer, writer->checkpoint->start - 1, &piece, bytes, key_bytes);
    writer->checkpoint->entries++;
    writer->left -= writer->left > 0;
    return batch_goes_on(writer);
}

static enum mae_status add_entries(struct writer *writer, const struct durable_index *index)
{
    const struct durable_host *host = writer->order->host;
    struct index_position position = {0};
    enum mae_status status = MAE_OK;
    writer->walked = index;
    for (bool at_end = false; !at_end && status == MAE_OK;) {
        status = batch_begin(writer);
        for (unsigned i = 0; i < BATCH_MAX && status == MAE_OK && batch_goes_on(writer); i++)
            status = host->walk(writer->txn, index->index, &position, add_entry, writer);
        at_end = status == MAE_NOT_FOUND;
        bool full = writer->failed == MAE_OK && !slot_has_room(writer, index->config.key_bytes);
        enum mae_status ended = batch_end(writer, full);
        status = writer->failed != MAE_OK ? writer->failed : at_end || is_passing(status) ? ended : status;
    }
    return status;
}

/* ---- The file. ---- */

static enum mae_status write_all(struct writer *writer)
{
    const struct durable_host *host = writer->order->host;
    struct durable_index index;
    struct table *table;
    enum mae_status status = MAE_OK;
    slot_begin(writer);
    for (uint64_t last = 0; status == MAE_OK && (table = host->table_after(host->owner, last)) != NULL;) {
        last = table->number;
        status = add_rows(writer, table);
    }
    for (uint64_t last = 0; status == MAE_OK && host->index_after(host->owner, last, &index);) {
        last = index.number;
        status = add_entries(writer, &index);
    }
    if (status != MAE_OK)
        return status;
    writer->slot->is_last = 1;
    status = slot_write(writer);
    if (status != MAE_OK || MUTATED(checkpoint_not_synced))
        return status;
    int result = file_calls->sync(writer->file);
    if (result < 0)
        return cannot(writer, "sync", result);
    result = file_calls->sync_folder(writer->order->folder);
    return result < 0 ? cannot(writer, "sync of the folder", result) : MAE_OK;
}

/* Blocks that the file of another checkpoint has are not taken for this one's, which has another number. */
static int open_file(const struct writer *writer)
{
    int result = file_calls->remove(writer->path); /* a crash may have left one */
    if (result < 0 && result != -ENOENT)
        return result;
    if (writer->order->spare > 0) {
        char spare[SEGMENT_PATH_BYTES];
        checkpoint_path(writer->order->folder, writer->order->spare, spare);
        result = file_calls->rename(spare, writer->path);
        if (result < 0 && result != -ENOENT)
            return result;
    }
    return file_calls->open(writer->path, FILE_WRITE | FILE_CREATE | FILE_BLOCKS);
}

enum mae_status checkpoint_write(const struct checkpoint_order *order, struct manifest_checkpoint *checkpoint,
                                 struct problem *problem)
{
    struct writer writer = {.order = order, .checkpoint = checkpoint, .problem = problem};
    struct core *core = order->worker->core;
    checkpoint->start = checkpoint->end =
        atomic_load_explicit(&core->horizon.min_wts, memory_order_acquire); /* ORD-2 */
    checkpoint_path(order->folder, checkpoint->number, writer.path);
    writer.slot = aligned_alloc(FILE_BLOCK_BYTES, CHECKPOINT_SLOT_BYTES);
    if (!writer.slot)
        return problem_set(problem, MAE_NO_MEMORY, "out of memory for a block of the checkpoint");
    writer.file = open_file(&writer);
    enum mae_status status = writer.file < 0 ? cannot(&writer, "creation", writer.file) : write_all(&writer);
    if (writer.file >= 0)
        (void)file_calls->close(writer.file);
    if (status != MAE_OK)
        (void)file_calls->remove(writer.path);
    free(writer.slot);
    return status;
}

/* ---- Reading. ---- */

enum mae_status checkpoint_read(int file, const char *path, uint64_t database,
                                const struct manifest_checkpoint *checkpoint, uint64_t i, struct block *slot,
                                struct problem *problem)
{
    const uint64_t offset = i * CHECKPOINT_SLOT_BYTES;
    int64_t got = file_calls->read(file, slot, CHECKPOINT_SLOT_BYTES, offset);
    if (got < 0)
        return problem_set(problem, MAE_IO, "read of %s at %" PRIu64 ": %s", path, offset, strerror((int)-got));
    if (block_is_good(slot, (size_t)got, database) && slot->life == checkpoint->life && slot->number == i + 1 &&
        slot->flush == checkpoint->number && slot->is_last == (i + 1 == checkpoint->blocks))
        return MAE_OK;
    return problem_set(problem, MAE_CORRUPT, "%s at %" PRIu64 ": the block of the checkpoint is damaged or missing",
                       path, offset);
}
