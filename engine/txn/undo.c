/* undo.c - see undo.h. */
#include "engine/txn/undo.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/txn/worker.h"

enum { RECORDS_FIRST = 32, BYTES_FIRST = 4096 };

/* An entry of the access set as it was, and where the payload of its new version is, if it had one. */
struct undo_record {
    uint64_t saved; /* the entry's own: the serial of its record before */
    uint32_t access, flags;
    int32_t entries;
    uint32_t payload_bytes;
    size_t payload_at;
};

static bool make_room(struct undo *undo, size_t bytes)
{
    if (undo->record_count == undo->record_capacity) {
        struct undo_record *records = mem_double(undo->records, &undo->record_capacity, RECORDS_FIRST, sizeof *records);
        if (!records)
            return false;
        undo->records = records;
    }
    size_t capacity = undo->bytes_capacity ? undo->bytes_capacity : BYTES_FIRST;
    while (capacity - undo->bytes_used < bytes)
        capacity *= 2;
    if (bytes == 0 || capacity == undo->bytes_capacity)
        return true;
    unsigned char *grown = mem_realloc(undo->bytes, undo->bytes_capacity, capacity);
    if (!grown)
        return false;
    undo->bytes = grown;
    undo->bytes_capacity = capacity;
    return true;
}

bool undo_record(struct mae_txn *txn, struct access *access)
{
    struct undo *undo = &txn->undo;
    uint32_t i = (uint32_t)(access - txn->accesses.entries);
    MAE_DCHECK(undo->epoch == txn->accesses.epoch && i < txn->accesses.count);
    if (i >= undo->guarded || (access->flags & ACCESS_RECORDED && access->saved >= undo->first_serial) ||
        MUTATED(undo_unrecorded))
        return true;
    size_t bytes = access->flags & ACCESS_WRITE ? access->fresh->payload_bytes : 0;
    if (!make_room(undo, bytes))
        return false;
    undo->records[undo->record_count++] = (struct undo_record){
        .saved = access->saved,
        .access = i,
        .flags = access->flags,
        .entries = access->entries,
        .payload_bytes = (uint32_t)bytes,
        .payload_at = undo->bytes_used,
    };
    if (bytes > 0)
        memcpy(undo->bytes + undo->bytes_used, access->fresh->payload, bytes);
    undo->bytes_used += bytes;
    access->saved = undo->serial++;
    access->flags |= ACCESS_RECORDED;
    return true;
}

void undo_version(struct mae_worker *worker, char *row, version_handle handle, struct version *version)
{
    COUNT(worker, versions_discarded);
    if (handle == HANDLE_INLINE) {
        COUNT(worker, inlined_writes);
        atomic_store_explicit(&row_inline_version(row)->status, VERSION_UNUSED, memory_order_release);
    } else {
        COUNT(worker, pool_writes);
        pool_free(&worker->pool, handle, version);
    }
}

/* The access is no longer a write. */
static void discard_write(struct mae_txn *txn, const struct access *access)
{
    MAE_DCHECK(access->flags & ACCESS_WRITE && !(access->flags & (ACCESS_INSERT | ACCESS_INSTALLED)));
    txn->accesses.node_write_count -= access->table->is_node;
    undo_version(txn->worker, access->row, access->fresh_handle, access->fresh);
}

static void restore(struct mae_txn *txn, const struct undo_record *record)
{
    struct access *access = &txn->accesses.entries[record->access];
    MAE_DCHECK(access->flags & ACCESS_RECORDED);
    if (record->flags & ACCESS_WRITE) {
        /* The new version may have moved since, to a place that has more room. */
        access->fresh->payload_bytes = (uint16_t)record->payload_bytes;
        if (record->payload_bytes > 0 && !MUTATED(undo_payload_kept))
            memcpy(access->fresh->payload, txn->undo.bytes + record->payload_at, record->payload_bytes);
    } else if (access->flags & ACCESS_WRITE) {
        discard_write(txn, access);
    }
    /* Noted operations that have been carried out since then have made it a read, which is still validated (U1). */
    const uint32_t read = record->flags & ACCESS_DELTA && !MUTATED(undo_read_forgotten) ? ACCESS_READ : 0;
    access->flags = record->flags | (access->flags & read);
    access->entries = record->entries;
    access->saved = record->saved;
}

/* The entry has come since the mark: what the transaction has seen of the row stays. */
static void forget_write(struct mae_txn *txn, struct access *access)
{
    if (access->flags & ACCESS_INSERT) { /* U2: as a row that the transaction has inserted and deleted */
        if (MUTATED(undo_insert_freed))
            row_free(access->table, worker_rows(txn->worker, access->table), table_row_id(access->table, access->row));
        access->flags = (access->flags & (ACCESS_WRITE | ACCESS_INSERT | ACCESS_KEEP_ID)) | ACCESS_DELETE;
        access->fresh->payload_bytes = 0;
        return;
    }
    if (MUTATED(blind_not_restored) && (access->flags & (ACCESS_WRITE | ACCESS_READ)) == ACCESS_WRITE)
        return;
    if (access->flags & ACCESS_WRITE)
        discard_write(txn, access);
    MAE_DCHECK(access->read != NULL);
    uint8_t status = atomic_load_explicit(&access->read->status, memory_order_acquire); /* ORD-7 */
    access->flags = ACCESS_READ | (access->flags & ACCESS_READ_HEAD) | (status == VERSION_MOVED ? ACCESS_MOVED : 0);
}

struct undo_mark undo_mark(struct mae_txn *txn)
{
    struct undo *undo = &txn->undo;
    if (undo->epoch != txn->accesses.epoch) {
        undo->epoch = txn->accesses.epoch;
        undo->record_count = 0;
        undo->bytes_used = 0;
    }
    undo->guarded = txn->accesses.count;
    undo->first_serial = undo->serial;
    return (struct undo_mark){.accesses = txn->accesses.count,
                              .records = undo->record_count,
                              .bytes = undo->bytes_used,
                              .serial = undo->serial,
                              .frees = txn->frees};
}

bool undo_changes_nodes(const struct mae_txn *txn, const struct undo_mark *mark)
{
    const struct access *entries = txn->accesses.entries;
    for (uint32_t i = mark->records; i < txn->undo.record_count; i++)
        if (entries[txn->undo.records[i].access].table->is_node)
            return true;
    for (uint32_t i = mark->accesses; i < txn->accesses.count; i++) /* a copy is not what others have been given */
        if (entries[i].table->is_node && (entries[i].flags & (ACCESS_WRITE | ACCESS_COPY)) == ACCESS_WRITE)
            return true;
    return false;
}

void undo_roll_back(struct mae_txn *txn, struct undo_mark *mark)
{
    struct undo *undo = &txn->undo;
    MAE_DCHECK(undo->epoch == txn->accesses.epoch && txn->doomed == MAE_OK);
    while (undo->record_count > mark->records)
        restore(txn, &undo->records[--undo->record_count]);
    for (uint32_t i = mark->accesses; i < txn->accesses.count; i++)
        forget_write(txn, &txn->accesses.entries[i]);
    undo->bytes_used = mark->bytes;
    txn->frees = mark->frees;
    *mark = undo_mark(txn);
}

void undo_return_to(struct mae_txn *txn, const struct undo_mark *mark)
{
    struct undo *undo = &txn->undo;
    undo->guarded = mark ? mark->accesses : 0;
    undo->first_serial = mark ? mark->serial : undo->serial;
    undo->epoch = mark ? undo->epoch : 0;
}

void undo_fini(struct undo *undo)
{
    free(undo->records);
    free(undo->bytes);
    *undo = (struct undo){.epoch = 0};
}
