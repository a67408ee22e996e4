/* logging.c - see logging.h. */
#include "engine/txn/logging.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/race.h"
#include "engine/base/tsc.h"
#include "engine/base/wait.h"
#include "engine/txn/gc.h"
#include "engine/txn/membership.h"
#include "engine/txn/txn.h"

enum { ENTRIES_LEAST_BYTES = 4096 };

/* ---- Entries, as they are added and removed. ---- */

static bool entries_make_room(struct log_buffer *log, size_t bytes)
{
    size_t needed = log->entries_bytes + bytes, larger = log->entries_capacity;
    if (needed <= larger)
        return true;
    if (larger == 0)
        larger = ENTRIES_LEAST_BYTES;
    while (larger < needed)
        larger *= 2;
    char *entries = mem_realloc(log->entries, log->entries_capacity, larger);
    if (!entries)
        return false;
    log->entries = entries;
    log->entries_capacity = larger;
    return true;
}

/* The list is of this transaction, else of an earlier one: the epoch of the access set tells. */
static bool has_entries(const struct mae_txn *txn)
{
    const struct log_buffer *log = txn->worker->log;
    return log->entries_count > 0 && log->entries_epoch == txn->accesses.epoch;
}

enum mae_status logging_note_entry(struct mae_txn *txn, uint64_t index, const void *key, size_t key_bytes, uint64_t row,
                                   bool added)
{
    struct log_buffer *log = txn->worker->log;
    if (!has_entries(txn)) {
        log->entries_bytes = log->entries_count = 0;
        log->entries_epoch = txn->accesses.epoch;
    }
    MAE_DCHECK(index <= PIECE_NUMBER_MAX && row <= PIECE_NUMBER_MAX && key_bytes <= UINT8_MAX); /* a piece has room */
    size_t bytes = piece_bytes(key_bytes);
    if (!entries_make_room(log, bytes))
        return txn_doom(txn, MAE_NO_MEMORY);
    uint64_t words[2];
    piece_pack(added ? PIECE_ADD : PIECE_REMOVE, index, row, key_bytes, words);
    char *at = log->entries + log->entries_bytes;
    memset(at + sizeof words, 0, bytes - sizeof words);
    memcpy(at, words, sizeof words);
    memcpy(at + sizeof words, key, key_bytes);
    log->entries_bytes += bytes;
    log->entries_count++;
    return MAE_OK;
}

/* Whether the transaction is to be told of. */
static bool is_told(const struct mae_txn *txn)
{
    return txn->worker->log->told_epoch == txn->accesses.epoch;
}

struct logging_mark logging_mark(const struct mae_txn *txn)
{
    const struct log_buffer *log = txn->worker->log;
    struct logging_mark mark = {.told = log && is_told(txn)};
    if (log && has_entries(txn)) {
        mark.entries_bytes = log->entries_bytes;
        mark.entries_count = log->entries_count;
    }
    if (mark.told) {
        mark.tell = log->told->tell;
        mark.arg = log->told->arg;
    }
    return mark;
}

void logging_roll_back(struct mae_txn *txn, const struct logging_mark *mark)
{
    struct log_buffer *log = txn->worker->log;
    if (!log)
        return;
    if (has_entries(txn) && !MUTATED(undo_entries_logged)) {
        log->entries_bytes = mark->entries_bytes;
        log->entries_count = mark->entries_count;
    }
    if (!is_told(txn) || MUTATED(undo_still_told))
        return;
    if (mark->told) {
        log->told->tell = mark->tell;
        log->told->arg = mark->arg;
    } else {
        log->told_epoch = 0; /* the memory is kept for the next one */
    }
}

/* ---- Rows, at the commit. ---- */

/* Whether the log tells of this write. A copy says what an earlier record has said. */
static bool is_logged(const struct access *access)
{
    const uint32_t nothing = ACCESS_INSERT | ACCESS_DELETE;
    if (access->table->is_node || ((access->flags & nothing) == nothing && !MUTATED(log_insert_deleted)))
        return false;
    if (MUTATED(log_forgets_operations) && access->flags & ACCESS_DELTA)
        return false;
    return access->flags & ACCESS_DELETE || !(access->flags & ACCESS_COPY);
}

static size_t logged_payload(const struct access *access)
{
    return access->flags & ACCESS_DELETE ? 0 : access->fresh->payload_bytes;
}

static void measure(struct mae_txn *txn, uint32_t write_count)
{
    const struct access_set *set = &txn->accesses;
    struct log_buffer *log = txn->worker->log;
    size_t bytes = sizeof(struct record) + (has_entries(txn) ? log->entries_bytes : 0);
    uint32_t count = has_entries(txn) ? log->entries_count : 0;
    for (uint32_t i = 0; i < write_count; i++) {
        const struct access *access = &set->entries[set->writes[i]];
        if (!is_logged(access))
            continue;
        bytes += piece_bytes(logged_payload(access));
        count++;
    }
    log->record_bytes = bytes;
    log->record_count = count;
}

/* Waits for room that the logger must make. */
static enum mae_status await_room(struct mae_worker *worker)
{
    struct log_buffer *log = worker->log;
    const size_t most = log->log->config.buffer_bytes;
    const uint64_t patience = (uint64_t)(LOGGING_PATIENCE_MS * 1000 * worker->core->ticks_per_us);
    uint64_t start = tsc_now(), head = atomic_load_explicit(&log->head, memory_order_relaxed);
    COUNT(worker, log_waits);
    for (unsigned i = 0;; i++) {
        if (log_has_failed(log->log))
            return MAE_IO;
        enum log_room room = log_buffer_reserve(log, log->record_bytes, most);
        if (room != LOG_WAIT)
            return room == LOG_ROOM ? MAE_OK : MAE_NO_MEMORY;
        uint64_t now = tsc_now(), taken = atomic_load_explicit(&log->head, memory_order_relaxed);
        if (taken != head)
            start = now;
        else if (now - start > patience)
            return MAE_ABORT_LOG;
        head = taken;
        log_wake(log->log, log);
        wait_step(i);
    }
}

enum mae_status logging_reserve(struct mae_txn *txn, uint32_t write_count)
{
    struct mae_worker *worker = txn->worker;
    struct log_buffer *log = worker->log;
    measure(txn, write_count);
    if (log->record_count == 0)
        return MAE_OK;
    if (UNLIKELY(log_has_failed(log->log)))
        return MAE_IO;
    enum log_room room = log_buffer_reserve(log, log->record_bytes, log->log->config.buffer_bytes);
    if (LIKELY(room == LOG_ROOM)) {
        log_buffer_prefetch(log, log->record_bytes);
        return MAE_OK;
    }
    return room == LOG_REFUSED ? MAE_NO_MEMORY : await_room(worker);
}

static enum piece_kind kind_of(const struct access *access)
{
    if (access->flags & ACCESS_DELETE)
        return PIECE_DELETE;
    return access->flags & ACCESS_DELTA && !MUTATED(log_puts_operations) ? PIECE_DELTA : PIECE_PUT;
}

static void put_row(struct log_buffer *log, const struct access *access)
{
    static const char zeros[8];
    size_t bytes = logged_payload(access);
    MAE_DCHECK(bytes <= UINT16_MAX);
    uint64_t words[2];
    piece_pack(kind_of(access), access->table->number, table_row_id(access->table, access->row), bytes, words);
    const size_t whole = piece_bytes(bytes);
    char *at = log_buffer_extend(log, whole);
    if (LIKELY(at != NULL)) {
        memcpy(at + whole - sizeof zeros, zeros, sizeof zeros); /* padding; the payload comes over it */
        memcpy(at, &words[0], sizeof words[0]);
        memcpy(at + sizeof words[0], &words[1], sizeof words[1]);
        memcpy(at + sizeof words, access->fresh->payload, bytes);
        return;
    }
    log_buffer_put(log, words, sizeof words);
    log_buffer_put(log, access->fresh->payload, bytes);
    log_buffer_put(log, zeros, padded(bytes, 8) - bytes);
}

void logging_append(struct mae_txn *txn, uint32_t write_count)
{
    const struct access_set *set = &txn->accesses;
    struct log_buffer *log = txn->worker->log;
    if (log->record_count == 0)
        return;
    RACE(LOG_APPEND);
    const struct record record = {.bytes = (uint32_t)log->record_bytes, .count = log->record_count, .ts = txn->ts};
    log_buffer_put(log, &record, sizeof record);
    if (has_entries(txn))
        log_buffer_put(log, log->entries, log->entries_bytes);
    for (uint32_t i = 0; i < write_count; i++)
        if (is_logged(&set->entries[set->writes[i]]))
            put_row(log, &set->entries[set->writes[i]]);
    MAE_DCHECK(log->put - atomic_load_explicit(&log->tail, memory_order_relaxed) == log->record_bytes);
    log_buffer_publish(log, txn->ts);
    COUNT(txn->worker, log_records);
    COUNT_ADD(txn->worker, log_bytes, log->record_bytes);
}

struct told *logging_take_told(struct mae_txn *txn)
{
    struct log_buffer *log = txn->worker->log;
    if (!log || !is_told(txn))
        return NULL;
    struct told *told = log->told;
    log->told = NULL;
    log->told_epoch = 0;
    return told;
}

void logging_tell(struct mae_txn *txn, struct told *told, bool committed)
{
    struct log_buffer *log = txn->worker->log;
    MAE_DCHECK(!log->told); /* the worker has no other transaction */
    if (!committed) {
        log->told = told;
        return;
    }
    told->ts = txn->ts;
    teller_add(&log->log->teller, txn->worker->id, told);
}

enum mae_status logging_wait(struct mae_txn *txn)
{
    struct log_buffer *log = txn->worker->log;
    if (!log || log->log->config.durability != DURABILITY_SYNC || log_durable_ts(log->log) > txn->ts)
        return MAE_OK;
    worker_park(txn->worker); /* so that it does not hold back the bound that it waits for */
    return log_wait(log->log, txn->ts);
}
