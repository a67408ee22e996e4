/*
 * logging.h - a transaction's record for the log: what it has changed, in terms of rows and index entries.
 *
 * The nodes of indexes are rows, too, but the log does not tell of them: it names the entries that were added and
 * removed, and a recovery builds the indexes anew. So a record is as small as the change, and says nothing about trees.
 *   D1  The record of a transaction is published in its worker's buffer before any of its versions is decided, hence
 *       before the worker can publish a bound above it, and only if nothing can make it abort any more. So no record is
 *       of an abort, and a transaction that cannot be logged has changed nothing.
 *   D6  A record says what the transaction leaves behind. A row that it has inserted and deleted again is not named:
 *       the row's id is free as soon as the transaction is over, and another one with a smaller timestamp may take it.
 * Checked by: tests/crash; mutations logged_too_late, log_insert_deleted.   Source: section 3.7.
 */
#ifndef ENGINE_TXN_LOGGING_H
#define ENGINE_TXN_LOGGING_H

#include "engine/txn/worker.h"

/* How long a commit waits while its worker's buffer is full and nothing is taken from it. */
enum { LOGGING_PATIENCE_MS = 100 };

/* Notes that the transaction, whose worker has a log, has added or removed an index entry. MAE_OK, or MAE_NO_MEMORY,
 * which dooms it. */
enum mae_status logging_note_entry(struct mae_txn *txn, uint64_t index, const void *key, size_t key_bytes, uint64_t row,
                                   bool added);

/* How much the transaction has noted, and whether and what it is to be told; for savepoints. */
struct logging_mark {
    size_t entries_bytes;
    uint32_t entries_count;
    bool told;
    mae_durable_fn tell;
    void *arg;
};
struct logging_mark logging_mark(const struct mae_txn *txn);
void logging_roll_back(struct mae_txn *txn, const struct logging_mark *mark);

/*
 * Reserves room for the record, while the transaction can still fail. Waits while the worker's buffer is full. MAE_OK;
 * MAE_IO; MAE_ABORT_LOG: the log's disk is full, or takes nothing; MAE_NO_MEMORY: the record is larger than the buffer
 * and the memory limit is reached.
 */
enum mae_status logging_reserve(struct mae_txn *txn, uint32_t write_count);

/* Publishes the record. The transaction will be decided. */
void logging_append(struct mae_txn *txn, uint32_t write_count);

/* Takes away what the transaction, which is about to commit, wants to be told; NULL: nothing. If it then commits, the
 * teller gets that. If it does not, it is kept for a later transaction. */
struct told *logging_take_told(struct mae_txn *txn);
void logging_tell(struct mae_txn *txn, struct told *told, bool committed);

/* With durability=sync: waits until the transaction, which is over, and all that it can have read are safe. MAE_OK or
 * MAE_IO_UNKNOWN. With other values it returns MAE_OK at once. */
enum mae_status logging_wait(struct mae_txn *txn);

#endif
