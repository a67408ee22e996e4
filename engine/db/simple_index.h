/*
 * simple_index.h - ordered indexes with simple_index_update=on, as part of transactions: when they are changed.
 *
 * A transaction's changes wait in its worker's list until the commit is certain. The worker makes them then, before it
 * decides any version. So a transaction that sees a row as another one has left it finds the entries that the other one
 * has added. As long as an entry exists, its row has not been deleted, or is about to be: the collector cannot free the
 * row's id (gc.h, G3). index/tree_simple.h lists what the index gives up.
 *
 * Whoever changes an entry writes its row, as with other indexes (txn/entries.h). So of two transactions that change
 * one entry at once, one fails, and the row's count of entries is exact.
 *
 * Statuses as the calls of maemio.h. Source: section 4.2, Figure 4.
 */
#ifndef ENGINE_DB_SIMPLE_INDEX_H
#define ENGINE_DB_SIMPLE_INDEX_H

#include "engine/index/tree_simple.h"

struct mae_txn;

enum mae_status simple_index_find(struct mae_txn *txn, const struct tree_simple *index, const void *key, uint64_t *row);
enum mae_status simple_index_insert(struct mae_txn *txn, struct tree_simple *index, const void *key, uint64_t row);
enum mae_status simple_index_remove(struct mae_txn *txn, struct tree_simple *index, const void *key, uint64_t row);
enum mae_status simple_index_scan(struct mae_txn *txn, const struct tree_simple *index, const struct table *rows,
                                  const void *lo, const void *hi, unsigned flags, uint64_t limit, mae_entry_fn visit,
                                  void *arg);

#endif
