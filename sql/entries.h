/*
 * entries.h - the entries of a row in an index of a table, of whichever kind the index is.
 *
 * An ordered index has pairs of key (key.h) and row. The engine's hash indexes are unique, and an index of SQL need not
 * be. So the rows with one hash make a chain, and the entries of a HASH index are its links: from the hash to the first
 * row, and from each row to the next one and to the one before.
 *   E1  Each row of a chain can be reached from its hash, by links in both directions. New rows come first. Who has
 *       looked at a chain has read where it begins, which protects against rows that come meanwhile; that of no row is
 *       a miss.
 *   E2  A row with a NULL in a column of a HASH index has no entry there: = never finds it, and two are not equal.
 * To add or to remove a row takes a few lookups, however many there are with its hash. It changes the links of its
 * neighbours, so transactions that do so with the same values conflict.
 *
 * `values` has a value for each column of the table; only those of the index are looked at. Statuses are those of the
 * engine's calls. Checked by: tests/unit/sql/entries.c, tests/unit/sql/lists.c, tests/model/sql.c; mutations
 * sql_chain_cut, sql_chain_ends_early, sql_hash_by_bytes and sql_hash_of_another_type.
 */
#ifndef SQL_ENTRIES_H
#define SQL_ENTRIES_H

#include "sql/schema.h"

enum { HASH_KEY_BYTES = 24 };

enum mae_status entries_add(struct mae_txn *txn, const struct table *table, const struct index *index,
                            const struct value *values, uint64_t row);
enum mae_status entries_remove(struct mae_txn *txn, const struct table *table, const struct index *index,
                               const struct value *values, uint64_t row);

/* The row had the values `old`. Nothing is written if its entry stays the same. */
enum mae_status entries_change(struct mae_txn *txn, const struct table *table, const struct index *index,
                               const struct value *old, const struct value *values, uint64_t row);

/* Visits rows: all that have these values, and perhaps others, which the caller tells apart. `visit` is called as
 * mae_index_visit calls it, without a key, and changes no entry. */
enum mae_status entries_visit(struct mae_txn *txn, const struct table *table, const struct index *index,
                              const struct value *values, mae_entry_visitor visit, void *arg);

/* Visits, as above, the rows that have one of these hashes (key_hash) in a HASH index. A hash that stands there twice
 * has its rows visited twice. */
enum mae_status entries_visit_hashes(struct mae_txn *txn, const struct index *index, const uint64_t *hashes,
                                     size_t count, mae_entry_visitor visit, void *arg);

#endif
