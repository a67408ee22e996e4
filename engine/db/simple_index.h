/*
 * simple_index.h - ordered indexes with simple_index_update=on, as part of transactions: when they are changed.
 *
 * A transaction's changes wait in its worker's list until the commit is decided. The worker makes them then, before its
 * next quiescent point. So as long as an entry exists whose row has been deleted, the collector cannot free the row's
 * id (gc.h, G3), and a transaction that uses the entry meets a tombstone. index/tree_simple.h lists what the index
 * gives up.
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
