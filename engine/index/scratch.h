/*
 * scratch.h - the state that indexes keep for a worker's transaction, in memory that the transaction lends them.
 *
 * The transaction (txn/worker.h) knows only the size of the scratch, and whether its contents are of this transaction
 * or still of an earlier one. The first call of a transaction clears the contents; the worker keeps the arrays. A
 * scratch belongs to one thread.
 */
#ifndef ENGINE_INDEX_SCRATCH_H
#define ENGINE_INDEX_SCRATCH_H

#include "engine/txn/worker.h"

struct hash_index;
struct tree_deferred;

/* A key announced by mae_prefetch and the row to which it led. */
struct announced {
    uint64_t key, row;
    const void *index;
};

/* The leaf of an ordered index into which the transaction inserted last. The next key often belongs there, too. */
struct last_leaf {
    const void *index; /* NULL: none, as at a transaction's begin */
    void *node;        /* the transaction's new version of the leaf */
};

/* A hash index of which the transaction changes the number of entries, and by how many. */
struct hash_growth {
    struct hash_index *index;
    int64_t entries;
};

/* A worker's own count for a hash index. */
struct hash_count {
    int64_t entries;       /* entries that this worker has added and not yet counted in the index */
    unsigned growth_place; /* the index's place in the list of the transaction that has changed it last */
};

struct index_scratch {
    struct last_leaf last_leaf;
    unsigned announced_next, announced_count;
    unsigned growth_count;
    unsigned growth_from; /* places of `growth` below are older than the newest savepoint, and stay as they are */
    size_t growth_capacity;
    struct hash_growth *growth;
    struct hash_count *counts; /* by id of the table of buckets */
    unsigned counts_capacity;
    uint64_t changes; /* of ordered indexes, rollbacks included, by all transactions of the worker (cursor.h, C2) */
    struct tree_deferred *deferred; /* changes of single-version indexes that wait for the decision, or NULL */
    struct announced announced[MAE_PREFETCH_MAX];
};

static_assert(sizeof(struct index_scratch) <= INDEX_SCRATCH_BYTES, "a transaction lends that much");

/* The scratch as its last user has left it. */
static ALWAYS_INLINE struct index_scratch *index_scratch_kept(const struct mae_txn *txn)
{
    return (struct index_scratch *)(void *)(uintptr_t)txn->scratch;
}

/* The scratch for this transaction: the first call clears what an earlier transaction has left. */
static ALWAYS_INLINE struct index_scratch *index_scratch(struct mae_txn *txn)
{
    struct index_scratch *scratch = index_scratch_kept(txn);
    if (!txn->scratch_used) {
        txn->scratch_used = true;
        scratch->last_leaf.index = NULL;
        scratch->announced_next = scratch->announced_count = scratch->growth_count = scratch->growth_from = 0;
    }
    return scratch;
}

/* The next key that the transaction has announced and not used, or NULL. */
static ALWAYS_INLINE const struct announced *index_scratch_announced(const struct mae_txn *txn)
{
    const struct index_scratch *scratch = index_scratch_kept(txn);
    bool any = txn->scratch_used && scratch->announced_next < scratch->announced_count;
    return any ? &scratch->announced[scratch->announced_next] : NULL;
}

/* The worker's count of the index; NULL when out of memory. */
struct hash_count *index_scratch_count(struct mae_worker *worker, const struct hash_index *index);

/* Notes that the transaction adds so many entries. Does nothing when out of memory: growth only affects speed. */
void index_scratch_add_entries(struct mae_txn *txn, struct hash_index *index, int64_t entries);

/*
 * A moment of the transaction, for savepoints. At a mark and at a rollback the transaction forgets the leaf of its last
 * insert: the next insert must not write into it unless the leaf's row has been recorded (U3), and must not find it
 * given back. Announced keys stay: they are of the committed state, and are not asked for while own nodes are changed.
 */
struct index_mark {
    unsigned growth_count;
    size_t deferred_count;
};
struct index_mark index_scratch_mark(struct mae_txn *txn);
void index_scratch_roll_back(struct mae_txn *txn, const struct index_mark *mark);

/* Frees what indexes keep for a worker that leaves. No transaction may run. */
void index_scratch_fini(struct mae_worker *worker);

#endif
