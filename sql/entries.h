/*
 * entries.h - the entries of a row in an index of a table, of whichever kind the index is.
 *
 * An ordered index has pairs of key (key.h) and row. The engine's hash indexes are unique, and an index of SQL need not
 * be. So the entries of a HASH index make chains: a key is the hash of the values and the number of a place in the
 * chain of that hash.
 *   E1  The places of a chain are taken from 0 on without a gap: a new entry gets the first one that is free, and the
 *       last entry takes the place of one that goes. So a chain ends at the first place that is free, and a look there
 *       is a miss, which protects against entries that come meanwhile.
 *   E2  A row with a NULL in a column of a HASH index has no entry there: = never finds it, and two are not equal.
 * To add an entry takes about as many lookups as the chain's length has bits; to remove one, as it has entries. Chains
 * are long where many rows have equal values.
 *
 * `values` has a value for each column of the table; only those of the index are looked at. Statuses are those of the
 * engine's calls. Checked by: tests/unit/sql/entries.c, tests/unit/sql/lists.c, tests/model/sql.c; mutations
 * sql_chain_gap, sql_chain_ends_early, sql_hash_by_bytes and sql_hash_of_another_type.
 */
#ifndef SQL_ENTRIES_H
#define SQL_ENTRIES_H

#include "sql/schema.h"

enum { HASH_KEY_BYTES = 16 };

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
