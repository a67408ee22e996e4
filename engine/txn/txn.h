/*
 * txn.h - the read phase: what a transaction does between begin and commit.
 *
 * The public row calls (db/) and both kinds of index are made of these row operations; an index's nodes are rows of a
 * table of its own. Statuses and pointers as in maemio.h. Only the worker's thread may call them.
 * Source: section 3.3 (read phase), 3.6 (early abort). Not here: validation and commit (commit.c).
 */
#ifndef ENGINE_TXN_TXN_H
#define ENGINE_TXN_TXN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/maemio.h"

struct access;
struct delta_op;
struct table;

/* Dooms the transaction: it cannot commit any more. The first status it is doomed with stays. Returns `status`. */
enum mae_status txn_doom(struct mae_txn *txn, enum mae_status status) __attribute__((cold));

/*
 * Peeks: finds the visible version of a row, own writes included, without adding it to the read set, so that the commit
 * does not validate it. For index nodes on the way to what is validated, and for snapshots. MAE_OK, MAE_NOT_FOUND,
 * MAE_ABORT_PENDING; in a snapshot also MAE_ABORT_OLD.
 */
enum mae_status txn_peek(struct mae_txn *txn, struct table *table, uint64_t row, const void **data, size_t *bytes);

/* As txn_peek, and adds the version to the read set (a snapshot has none). MAE_NOT_FOUND because of a tombstone is
 * validated, too; MAE_NOT_FOUND because the row never had a version is not. May promote the version into the inline
 * slot. */
enum mae_status txn_read(struct mae_txn *txn, struct table *table, uint64_t row, const void **data, size_t *bytes);

/* Reads a row and gives it a new version, a copy of the old one to be changed. bytes 0: as many as the old one has. old
 * may be NULL. Bytes beyond the old size are zero. */
enum mae_status txn_update(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes, const void **old,
                           void **data);

/* The size of a payload that a call has given. */
size_t txn_payload_bytes(const void *payload);
/* Whether the transaction has written the row, and then the size of its new version. If the transaction has noted
 * operations, they are carried out, which may doom it: then false. */
bool txn_own_bytes(struct mae_txn *txn, const struct table *table, uint64_t row, size_t *bytes);

/* Blind write of an existing row. */
enum mae_status txn_overwrite(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes, void **data);

/* Notes an operation, which is valid for the table, on an existing row: a blind write whose value is computed when
 * somebody needs it (resolve.h). If the transaction has read or written the row, or the row has lost an entry, or there
 * is no room for the operand, it is an update. */
enum mae_status txn_apply(struct mae_txn *txn, struct table *table, uint64_t row, const struct delta_op *op,
                          const void *operand);

/* New row, contents undefined. MAE_NO_MEMORY. */
enum mae_status txn_insert(struct mae_txn *txn, struct table *table, size_t bytes, uint64_t *row, void **data);

/* As txn_insert, with an empty row of the caller's choice. The caller sees to it that no other transaction can create
 * the row and commit at the same time. */
enum mae_status txn_create(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes, void **data);

enum mae_status txn_delete(struct mae_txn *txn, struct table *table, uint64_t row);

/*
 * Reads a row and sees to it that the commit writes it, unchanged if the transaction does not change it. The copy is
 * made only then, since the transaction may still delete the row. MAE_OK also for a row that the transaction itself has
 * deleted. Statuses as txn_update. With MAE_OK *access is the row's entry in the access set.
 */
enum mae_status txn_touch(struct mae_txn *txn, struct table *table, uint64_t row, struct access **access);

/* For a commit: makes the copies of the rows that are only touched. MAE_OK, or why there is no memory for them. The
 * versions that were read must be those of their rows still. */
enum mae_status txn_write_touched(struct mae_txn *txn);

/*
 * Gives an empty row a committed version of `bytes` zeros that every timestamp sees: for nodes that exist from the
 * beginning of time but cost memory only once a transaction reads them. MAE_OK also if another worker did it meanwhile.
 */
enum mae_status txn_materialise(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes);

/*
 * Promotes the row's newest version into the inline slot, as a read would, if that version is old, lies outside the row
 * and fits. For rows that are only peeked at. Cannot fail: at worst nothing is promoted.
 */
void txn_promote(struct mae_txn *txn, struct table *table, uint64_t row);

/*
 * The payload of the row's newest version if that is COMMITTED and visible to the transaction, else NULL. Does not
 * wait, adds nothing to the read set, ignores own writes: for prefetching only.
 */
const void *txn_glance(const struct mae_txn *txn, const struct table *table, uint64_t row);

/* Starts loading the row's newest version if that lies outside the row. Does nothing if there is no such row. */
void txn_prefetch_version(const struct table *table, uint64_t row);

/* Starts loading the place in the access set that a read or an update of the row will take. It helps transactions with
 * more accesses than the cache holds. */
void txn_prefetch_access(const struct mae_txn *txn, const struct table *table, uint64_t row);

/* Of a transaction that yields (approach.c): starts loading a row, then its newest version if that lies elsewhere, and
 * yields after each. Then a read finds both in the cache. Does nothing if there is no such row. */
void txn_approach(struct mae_txn *txn, const struct table *table, uint64_t row);

/* Starts loading the row's cache lines. The row id must be below the table's limit; the row may be empty. */
void txn_prefetch_row(const struct table *table, uint64_t row);

/* A snapshot that goes through the rows of a table to `end` has come to this one: starts loading what it comes to next.
 * Where rows have been updated, the newest versions of half of them are elsewhere, so there are two steps. It only
 * reads, so that no line is taken from a worker that writes it. */
void txn_prefetch_walk(const struct table *table, uint64_t row, uint64_t end);

#endif
