/* index_ops.c - see index_ops.h. */
#include "engine/db/index_ops.h"

#include "engine/base/check.h"
#include "engine/db/simple_index.h"
#include "engine/db/stats.h"
#include "engine/txn/entries.h"
#include "engine/txn/txn.h"

/* The row counts (I4). With `peeked`, a hit by key is valid only as long as the row that was read, so the row also says
 * that it has lost an entry (I3). */
static enum mae_status lose_entry(struct mae_txn *txn, struct mae_index *index, uint64_t row, bool peeked,
                                  enum mae_status removed)
{
    MAE_DCHECK(index->ops->multi_version || !peeked); /* I3 */
    return removed == MAE_OK && !MUTATED(entry_move_untouched) ? txn_lose_entry(txn, &index->table->rows, row, peeked)
                                                               : removed;
}

static void own_nothing(struct mae_index *index)
{
    (void)index;
}

/* ---- Hash indexes. ---- */

static enum mae_status hash_find(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row)
{
    return hash_index_find(txn, &index->hash, key, true, row);
}

static enum mae_status hash_hit(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row)
{
    return hash_index_find(txn, &index->hash, key, false, row);
}

static enum mae_status hash_insert(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    MAE_DCHECK(index->config.kind == MAE_INDEX_HASH);
    return hash_index_insert(txn, &index->hash, key, row);
}

static enum mae_status hash_remove(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    return lose_entry(txn, index, row, true, hash_index_remove(txn, &index->hash, key, row));
}

static enum mae_status hash_scan(struct mae_txn *txn, struct mae_index *index, const void *lo, const void *hi,
                                 unsigned flags, uint64_t limit, mae_entry_fn visit, void *arg)
{
    (void)txn, (void)index, (void)lo, (void)hi, (void)flags, (void)limit, (void)visit, (void)arg;
    return MAE_UNSUPPORTED;
}

static enum mae_status hash_walk(struct mae_txn *txn, struct mae_index *index, struct index_position *position,
                                 mae_entry_fn visit, void *arg)
{
    return hash_index_walk(txn, &index->hash, &position->hash, visit, arg);
}

static void hash_prefetch(struct mae_txn *txn, struct mae_index *index, const void *keys, size_t count)
{
    hash_index_prefetch(txn, &index->hash, &index->table->rows, keys, count);
}

static enum mae_status hash_check(struct mae_txn *txn, struct mae_index *index, char *problem, size_t problem_bytes)
{
    (void)txn, (void)index, (void)problem, (void)problem_bytes;
    return MAE_OK;
}

static enum mae_status hash_visit(struct mae_txn *txn, struct mae_index *index, mae_entry_fn visit, void *arg)
{
    return hash_index_visit(txn, &index->hash, visit, arg);
}

static void hash_space(const struct mae_index *index, struct mae_space *space)
{
    stats_add_table(&index->nodes, space);
    stats_add_table(&index->overflow, space);
    /* Untouched buckets occupy their lines all the same. */
    space->row_bytes = atomic_load_explicit(&index->nodes.next_row, memory_order_relaxed) * index->nodes.stride +
                       atomic_load_explicit(&index->overflow.next_row, memory_order_relaxed) * index->overflow.stride;
}

const struct index_ops hash_index_ops = {
    .multi_version = true,
    .find = hash_find,
    .hit = hash_hit,
    .insert = hash_insert,
    .remove = hash_remove,
    .scan = hash_scan,
    .walk = hash_walk,
    .prefetch = hash_prefetch,
    .check = hash_check,
    .visit = hash_visit,
    .space = hash_space,
    .fini = own_nothing,
};

/* ---- Ordered indexes. ---- */

static bool take_first(void *arg, const void *key, uint64_t row)
{
    (void)key;
    *(uint64_t *)arg = row;
    return false;
}

/* Scans, so that the leaf is validated: the caller need not read the row. */
static enum mae_status tree_find(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row)
{
    *row = UINT64_MAX;
    enum mae_status status = tree_index_scan(txn, &index->tree, NULL, key, key, 0, 1, take_first, row);
    return status == MAE_OK && *row == UINT64_MAX ? MAE_NOT_FOUND : status;
}

static enum mae_status tree_hit(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row)
{
    return tree_index_find(txn, &index->tree, key, row);
}

static enum mae_status tree_insert(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    MAE_DCHECK(index->config.kind == MAE_INDEX_ORDERED);
    return tree_index_insert(txn, &index->tree, key, row);
}

/* A non-unique index validates every lookup: no hit in it is only peeked at. */
static enum mae_status tree_remove(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    bool peeked = !index->tree.shape.non_unique;
    return lose_entry(txn, index, row, peeked, tree_index_remove(txn, &index->tree, key, row));
}

static enum mae_status tree_scan(struct mae_txn *txn, struct mae_index *index, const void *lo, const void *hi,
                                 unsigned flags, uint64_t limit, mae_entry_fn visit, void *arg)
{
    return tree_index_scan(txn, &index->tree, &index->table->rows, lo, hi, flags, limit, visit, arg);
}

static enum mae_status tree_next(struct mae_txn *txn, struct mae_index *index, struct index_cursor *cursor)
{
    return tree_cursor_next(txn, &index->tree, &index->table->rows, cursor);
}

static enum mae_status tree_walk_part(struct mae_txn *txn, struct mae_index *index, struct index_position *position,
                                      mae_entry_fn visit, void *arg)
{
    return tree_index_walk(txn, &index->tree, &position->tree, visit, arg);
}

static void tree_prefetch(struct mae_txn *txn, struct mae_index *index, const void *keys, size_t count)
{
    tree_index_prefetch(txn, &index->tree, &index->table->rows, keys, count);
}

static enum mae_status tree_check(struct mae_txn *txn, struct mae_index *index, char *problem, size_t problem_bytes)
{
    struct tree_statistics statistics;
    uint64_t limit = atomic_load_explicit(&index->nodes.next_row, memory_order_acquire);
    return tree_index_verify(txn, &index->tree, limit, &statistics, problem, problem_bytes);
}

static enum mae_status tree_visit(struct mae_txn *txn, struct mae_index *index, mae_entry_fn visit, void *arg)
{
    return tree_index_scan(txn, &index->tree, NULL, NULL, NULL, 0, 0, visit, arg);
}

static void tree_space(const struct mae_index *index, struct mae_space *space)
{
    stats_add_table(&index->nodes, space);
}

const struct index_ops tree_index_ops = {
    .multi_version = true,
    .find = tree_find,
    .hit = tree_hit,
    .insert = tree_insert,
    .remove = tree_remove,
    .scan = tree_scan,
    .next = tree_next,
    .walk = tree_walk_part,
    .prefetch = tree_prefetch,
    .check = tree_check,
    .visit = tree_visit,
    .space = tree_space,
    .fini = own_nothing,
};

/* ---- Ordered indexes with simple_index_update=on. ---- */

static enum mae_status simple_find(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t *row)
{
    return simple_index_find(txn, &index->simple, key, row);
}

static enum mae_status simple_insert(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    MAE_DCHECK(index->config.kind == MAE_INDEX_ORDERED);
    return simple_index_insert(txn, &index->simple, key, row);
}

static enum mae_status simple_remove(struct mae_txn *txn, struct mae_index *index, const void *key, uint64_t row)
{
    /* Nothing validates what the index says. So the row comes first: the index has the changes of the transaction that
     * wrote the version which is read here, and an entry that leads to a row which is not visible is of a later one. */
    struct access *touched;
    enum mae_status status = txn_touch(txn, &index->table->rows, row, &touched);
    if (status != MAE_OK)
        return status;
    return lose_entry(txn, index, row, false, simple_index_remove(txn, &index->simple, key, row));
}

static enum mae_status simple_scan(struct mae_txn *txn, struct mae_index *index, const void *lo, const void *hi,
                                   unsigned flags, uint64_t limit, mae_entry_fn visit, void *arg)
{
    return simple_index_scan(txn, &index->simple, &index->table->rows, lo, hi, flags, limit, visit, arg);
}

static enum mae_status simple_next(struct mae_txn *txn, struct mae_index *index, struct index_cursor *cursor)
{
    (void)txn;
    return tree_simple_next(&index->simple, cursor);
}

static void simple_prefetch(struct mae_txn *txn, struct mae_index *index, const void *keys, size_t count)
{
    (void)txn, (void)index, (void)keys, (void)count; /* its nodes are in plain memory: nothing to gain */
}

static enum mae_status simple_check(struct mae_txn *txn, struct mae_index *index, char *problem, size_t problem_bytes)
{
    uint64_t entries, nodes;
    (void)txn;
    return tree_simple_verify(&index->simple, &entries, &nodes, problem, problem_bytes);
}

static enum mae_status simple_visit(struct mae_txn *txn, struct mae_index *index, mae_entry_fn visit, void *arg)
{
    (void)txn;
    tree_simple_scan(&index->simple, NULL, NULL, NULL, 0, 0, visit, arg);
    return MAE_OK;
}

static void simple_space(const struct mae_index *index, struct mae_space *space)
{
    space->row_bytes = atomic_load_explicit(&index->simple.used, memory_order_relaxed) * index->simple.node_bytes;
}

static void simple_fini(struct mae_index *index)
{
    tree_simple_fini(&index->simple);
}

const struct index_ops simple_index_ops = {
    .multi_version = false,
    .find = simple_find,
    .hit = simple_find,
    .insert = simple_insert,
    .remove = simple_remove,
    .scan = simple_scan,
    .next = simple_next,
    .prefetch = simple_prefetch,
    .check = simple_check,
    .visit = simple_visit,
    .space = simple_space,
    .fini = simple_fini,
};
