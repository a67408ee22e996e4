/*
 * undo.h - what a transaction takes back when it returns to a savepoint: its writes since then.
 *
 * Writes are private until the commit, so taking them back concerns no other transaction. The access set tells most of
 * it. An entry that has come since the mark becomes a read of the version that it found, and a row inserted since is
 * marked as deleted, which lets the commit discard it. Only an entry that was there before needs more: before its first
 * change after a mark it is recorded here, with the payload of its new version if it has one.
 *   U1  After a rollback the transaction reads, writes, adds entries and logs as if it had not made the calls since the
 *       mark, but for reads: those stay in the read set. What the caller has learnt by them may have led it on.
 *   U2  A new row of a call that was taken back keeps its id until the transaction ends. The id's entry in the access
 *       set would else be met by the next insert.
 *   U3  An entry of the access set that is older than the newest mark is recorded before it changes.
 * A transaction without savepoints pays a comparison where it writes a row for the second time.
 * Checked by: tests/unit/db/savepoint.c, tests/model/rows.c, tests/model/keys.c, tests/model/entries.c; mutations
 * blind_not_restored, undo_insert_freed, undo_payload_kept and undo_unrecorded.
 * Not here: index state and the log (db/savepoint.c puts all parts together).
 */
#ifndef ENGINE_TXN_UNDO_H
#define ENGINE_TXN_UNDO_H

#include "engine/base/compiler.h"
#include "engine/maemio.h"
#include "engine/store/version.h"

struct access;
struct undo_record;

struct undo {
    uint64_t epoch;        /* of the access set of the transaction that has savepoints; of any other: it has none */
    uint32_t guarded;      /* so many entries of the access set are older than the newest mark */
    uint64_t serial;       /* of the next record; never used again by the worker */
    uint64_t first_serial; /* an entry that was recorded with this serial or later has been since the newest mark */
    struct undo_record *records;
    uint32_t record_count;
    size_t record_capacity;
    unsigned char *bytes; /* payloads */
    size_t bytes_used, bytes_capacity;
};

/* A moment of a transaction, for undo_roll_back. */
struct undo_mark {
    uint32_t accesses, records;
    size_t bytes;
    uint64_t serial;
    bool frees;
};

/* Notes the moment. Cannot fail. */
struct undo_mark undo_mark(struct mae_txn *txn);
/* Whether the transaction has changed index nodes since. */
bool undo_changes_nodes(const struct mae_txn *txn, const struct undo_mark *mark);
/* Takes back what the transaction, which is not doomed, has done since. Cannot fail. The mark stays and moves on: what
 * was taken back is not looked at again. */
void undo_roll_back(struct mae_txn *txn, struct undo_mark *mark);
/* From now on `mark` is the newest; NULL: there is none any more. */
void undo_return_to(struct mae_txn *txn, const struct undo_mark *mark);

/* Records the entry if that is needed (U3). False: out of memory. */
bool undo_record(struct mae_txn *txn, struct access *access);

/* Gives back a version that was never linked, and counts it, since the commit will not see it. */
void undo_version(struct mae_worker *worker, char *row, version_handle handle, struct version *version);

void undo_fini(struct undo *undo);

#endif
