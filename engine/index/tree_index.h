/*
 * tree_index.h - the ordered index: a B+-tree whose nodes are rows.
 *
 * All nodes are rows of one table of the index's own, and the index touches them only through the row operations of
 * engine/txn/txn.h. So the tree is multi-version and transactional by construction: a change is private until its
 * transaction commits, a snapshot sees the tree as it was, and the read set has what a transaction relied on.
 * tree_index.c argues why that makes the index serializable, phantoms included, although only leaves are validated.
 *
 * Threads. The struct is constant after tree_index_create_root; any number of transactions may use it at once.
 * Common statuses: MAE_ABORT_* of the row operations, MAE_ABORT_INDEX (the nodes seen do not fit together: some of them
 * have been superseded), MAE_NO_MEMORY, all of which doom the transaction; MAE_READ_ONLY.
 * Source: section 3.6 (multi-version indexes). Not here: rows of data, the catalogue (engine/db).
 */
#ifndef ENGINE_INDEX_TREE_INDEX_H
#define ENGINE_INDEX_TREE_INDEX_H

#include "engine/index/tree_node.h"
#include "engine/maemio.h"

struct table;

struct tree_index {
    struct table *nodes;
    uint64_t root; /* the root's row, for the index's life */
    struct tree_shape shape;
};

/* The payload_max_bytes that the table of nodes must have. */
size_t tree_index_node_bytes(const struct mae_index_config *config);

/* `nodes` is empty and used for nothing else. Nothing is allocated. */
void tree_index_init(struct tree_index *index, struct table *nodes, const struct mae_index_config *config);

/*
 * Adds the root in a transaction of the caller's, which must commit before others learn of the index. To transactions
 * with smaller timestamps the index is empty; their changes return MAE_ABORT_INDEX.
 */
enum mae_status tree_index_create_root(struct mae_txn *txn, struct tree_index *index);

/*
 * Finds the row of `key`, in a non-unique index the smallest. MAE_NOT_FOUND is protected against phantoms. A hit of a
 * unique index is not validated: the caller reads the row, and if the row is MAE_NOT_FOUND, the entry was superseded
 * and the caller returns MAE_ABORT_INDEX.
 */
enum mae_status tree_index_find(struct mae_txn *txn, const struct tree_index *index, const void *key, uint64_t *row);

/* MAE_EXISTS: the key, or in a non-unique index the pair, is there. */
enum mae_status tree_index_insert(struct mae_txn *txn, const struct tree_index *index, const void *key, uint64_t row);

/* MAE_NOT_FOUND: there is no such pair. */
enum mae_status tree_index_remove(struct mae_txn *txn, const struct tree_index *index, const void *key, uint64_t row);

/*
 * tree_scan.c: visits the entries with lo <= key <= hi (NULL: open end), ascending, or descending with
 * MAE_SCAN_BACKWARD in `flags`, until `visit` returns false or `limit` (0: none) were visited. The range is protected
 * against phantoms as far as it was visited. `visit` must not change this index. `rows`, if not NULL, is the table the
 * entries lead to: the rows of the next entries are prefetched.
 */
enum mae_status tree_index_scan(struct mae_txn *txn, const struct tree_index *index, const struct table *rows,
                                const void *lo, const void *hi, unsigned flags, uint64_t limit, mae_entry_fn visit,
                                void *arg);

/* Ascends as keys do, not always strictly. */
uint64_t tree_index_order(const struct tree_index *index, const void *key);

/* A place in an index: behind this entry. */
struct tree_position {
    bool begun; /* false: before the first */
    _Alignas(8) unsigned char key[TREE_KEY_BYTES_MAX];
    uint64_t row;
};

/* tree_scan.c: visits the entries from the position on, ascending, until `visit` returns false, and moves the position
 * behind the last one. MAE_NOT_FOUND: there is none. */
enum mae_status tree_index_walk(struct mae_txn *txn, const struct tree_index *index, struct tree_position *position,
                                mae_entry_fn visit, void *arg);

/*
 * Starts loading the leaves of `count` contiguous keys (of variable length: struct mae_key), of which it looks at
 * MAE_PREFETCH_MAX, then the rows of `rows` that they lead to. It is a hint: it changes nothing and does not wait.
 */
void tree_index_prefetch(const struct mae_txn *txn, const struct tree_index *index, const struct table *rows,
                         const void *keys, size_t count);

struct tree_statistics {
    uint64_t entries, leaves, inner_nodes, height; /* height: levels, 0 without a root */
};

/*
 * tree_verify.c: walks the whole tree as the transaction sees it and checks fences, order, counts, levels and the links
 * in both directions, and that of the rows below row_limit exactly the tree's nodes exist. MAE_OK, or MAE_CORRUPT with
 * the first finding in `report`. Linear.
 */
enum mae_status tree_index_verify(struct mae_txn *txn, const struct tree_index *index, uint64_t row_limit,
                                  struct tree_statistics *statistics, char *report, size_t report_bytes);

#endif
