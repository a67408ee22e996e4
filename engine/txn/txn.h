/*
 * txn.h - the read phase: what a transaction does between begin and commit.
 *
 * These are the row operations that everything above is made of: the public row calls (db/), and both indexes, whose
 * nodes are rows of tables of their own. Statuses and pointers as in maemio.h. The worker's thread only.
 * Source: section 3.3 (read phase), 3.6 (early abort). Not here: validation and commit (commit.c).
 */
#ifndef ENGINE_TXN_TXN_H
#define ENGINE_TXN_TXN_H

#include "engine/maemio.h"

struct table;

/* Notes that the transaction cannot commit any more, and why (the first reason stays). Returns `status`. */
enum mae_status txn_doom(struct mae_txn *txn, enum mae_status status) __attribute__((cold));

/*
 * The visible version of a row, own writes included, without adding it to the read set: nothing is validated. For index
 * nodes on the way to what is validated, and for snapshots. MAE_OK, MAE_NOT_FOUND, MAE_ABORT_PENDING.
 */
enum mae_status txn_peek(struct mae_txn *txn, struct table *table, uint64_t row, const void **data, size_t *bytes);

/* As txn_peek, and the version joins the read set (not for snapshot transactions). MAE_NOT_FOUND because of a tombstone
 * is validated too; a row that never had a version is not. May promote the version into the inline slot. */
enum mae_status txn_read(struct mae_txn *txn, struct table *table, uint64_t row, const void **data, size_t *bytes);

/* Read for update. bytes 0: keep the size. old may be NULL. New bytes beyond the old ones are zero. */
enum mae_status txn_update(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes, const void **old,
                           void **data);

/* Blind write of an existing row. */
enum mae_status txn_overwrite(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes, void **data);

/* New row, contents undefined. MAE_NO_MEMORY. */
enum mae_status txn_insert(struct mae_txn *txn, struct table *table, size_t bytes, uint64_t *row, void **data);

/* As txn_insert with an empty row of the caller's choice, which nobody else can create and commit at the same time. */
enum mae_status txn_create(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes, void **data);

enum mae_status txn_delete(struct mae_txn *txn, struct table *table, uint64_t row);

/*
 * An index entry that leads to the row goes: the row gets a new version, MOVED and else unchanged, so that whoever has
 * used the entry and is later than this transaction conflicts with it. MAE_OK also if there is no row.
 */
enum mae_status txn_lose_entry(struct mae_txn *txn, struct table *table, uint64_t row);

/*
 * Gives an empty row a committed version of `bytes` zeros that every timestamp sees: for nodes that exist from the
 * beginning of time but cost memory only when first looked at. MAE_OK also if another worker has done it meanwhile.
 */
enum mae_status txn_materialise(struct mae_txn *txn, struct table *table, uint64_t row, size_t bytes);

/*
 * If the row's newest version is old, stands outside and could stand inside: makes the transaction move it there, as a
 * read of it would. For rows that are only peeked at. No failure: at worst nothing happens.
 */
void txn_promote(struct mae_txn *txn, struct table *table, uint64_t row);

/*
 * The row's newest version if it is committed and visible to the transaction, looked at without waiting or tracking:
 * for prefetching only. NULL otherwise. Own writes are not considered.
 */
const void *txn_glance(const struct mae_txn *txn, const struct table *table, uint64_t row);

/* Starts loading the row's newest version if that is not in the row. No such row: nothing. */
void txn_prefetch_version(const struct table *table, uint64_t row);

/* Starts loading the row's cache lines; changes nothing. Any row below the limit. */
void txn_prefetch_row(const struct table *table, uint64_t row);

#endif
