/*
 * bulk.h - filling an empty index without transactions, from entries that come in its order.
 *
 * For a recovery. Nobody else may use the index meanwhile, but several threads may fill parts of it, each with a worker
 * of its own. Nodes are made as committed versions, which all transactions see that see the index. They are as full as
 * splits of ascending keys leave them, so that later inserts find room.
 *
 * Statuses: MAE_OK; MAE_EXISTS: a key comes twice, or before a smaller one; MAE_NO_MEMORY; MAE_NO_ADDRESSES. If a call
 * fails, the index is of no use.
 *   D22  In the end every entry is in the index once, in the bucket or leaf that covers its key.
 * Checked by: tests/unit/durable/entries.c, tests/crash.
 */
#ifndef ENGINE_INDEX_BULK_H
#define ENGINE_INDEX_BULK_H

#include "engine/index/hash_index.h"
#include "engine/index/tree_index.h"

/* Where entries come from. `next` returns false at the end; a key must stay where it is until the call after the next
 * one. */
struct bulk_source {
    bool (*next)(void *arg, const void **key, uint64_t *row);
    void *arg;
};

/* A new row for a node of `bytes` bytes, which the caller fills in: a committed version with this timestamp. */
enum mae_status bulk_node(struct mae_worker *worker, struct table *table, size_t bytes, uint64_t ts, uint64_t *row,
                          void **data);

/*
 * A hash index (hash_bulk.c): keys come in the order of hash_index_order, and equal ones one behind the other. A part
 * of the entries must have all that belong into its buckets: the i-th of `parts` parts begins at hash_bulk_order(index,
 * i, parts).
 */
uint64_t hash_bulk_order(const struct hash_index *index, uint64_t i, uint64_t parts);
enum mae_status hash_bulk_fill(struct mae_worker *worker, struct hash_index *index, const struct bulk_source *source);

/*
 * An ordered index (tree_bulk.c): entries come as tree_index_scan visits them. Each part becomes a run of leaves, and
 * tree_bulk_join makes the tree of the runs. Only that call changes what transactions see.
 */
struct tree_run {
    uint64_t *leaves; /* their rows */
    size_t count, capacity;
};
enum mae_status tree_bulk_fill(struct mae_worker *worker, const struct tree_index *index,
                               const struct bulk_source *source, struct tree_run *run);
/* All runs in their order; those without entries may be left out. */
enum mae_status tree_bulk_join(struct mae_worker *worker, const struct tree_index *index, struct tree_run *runs,
                               size_t run_count);
void tree_run_fini(struct tree_run *run);

#endif
