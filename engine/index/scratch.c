/* scratch.c - see scratch.h. */
#include "engine/index/scratch.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/index/hash_index.h"
#include "engine/index/tree_simple.h"

struct hash_count *index_scratch_count(struct mae_worker *worker, const struct hash_index *index)
{
    struct index_scratch *scratch = index_scratch_kept(&worker->txn);
    unsigned id = index->buckets->id;
    if (UNLIKELY(id >= scratch->counts_capacity)) {
        unsigned capacity = id + 8;
        struct hash_count *counts =
            mem_realloc(scratch->counts, scratch->counts_capacity * sizeof *counts, capacity * sizeof *counts);
        if (!counts)
            return NULL;
        scratch->counts = counts;
        scratch->counts_capacity = capacity;
    }
    return &scratch->counts[id];
}

static COLD bool growth_room(struct index_scratch *scratch)
{
    MAE_DCHECK(scratch->growth_count == scratch->growth_capacity);
    enum { FIRST = 8 };
    struct hash_growth *growth = mem_double(scratch->growth, &scratch->growth_capacity, FIRST, sizeof *growth);
    if (!growth)
        return false;
    scratch->growth = growth;
    return true;
}

/* Each index has one place in the transaction's list since the newest savepoint. The worker's count of it knows it. */
void index_scratch_add_entries(struct mae_txn *txn, struct hash_index *index, int64_t entries)
{
    struct index_scratch *scratch = index_scratch(txn);
    struct hash_count *count = index_scratch_count(txn->worker, index);
    if (!count)
        return;
    unsigned i = count->growth_place;
    if (i >= scratch->growth_count || i < scratch->growth_from || scratch->growth[i].index != index) {
        if (scratch->growth_count == scratch->growth_capacity && !growth_room(scratch))
            return;
        i = count->growth_place = scratch->growth_count++;
        scratch->growth[i] = (struct hash_growth){.index = index};
    }
    scratch->growth[i].entries += entries;
}

struct index_mark index_scratch_mark(struct mae_txn *txn)
{
    struct index_scratch *scratch = index_scratch(txn);
    if (!MUTATED(undo_leaf_kept))
        scratch->last_leaf.index = NULL;
    scratch->growth_from = scratch->growth_count;
    return (struct index_mark){.growth_count = scratch->growth_count,
                               .deferred_count = txn->on_decision ? scratch->deferred->count : 0};
}

void index_scratch_roll_back(struct mae_txn *txn, const struct index_mark *mark)
{
    struct index_scratch *scratch = index_scratch(txn);
    if (!MUTATED(undo_leaf_kept))
        scratch->last_leaf.index = NULL;
    if (!MUTATED(undo_growth_kept))
        scratch->growth_count = mark->growth_count;
    scratch->growth_from = scratch->growth_count;
    scratch->changes += !MUTATED(cursor_passes_rollback); /* C2 */
    if (txn->on_decision && !MUTATED(undo_deferred_kept))
        tree_deferred_cut(scratch->deferred, mark->deferred_count);
}

void index_scratch_fini(struct mae_worker *worker)
{
    MAE_DCHECK(!worker->txn.running && !worker->txn.on_decision);
    struct index_scratch *scratch = index_scratch_kept(&worker->txn);
    if (scratch->deferred)
        tree_deferred_fini(scratch->deferred);
    free(scratch->deferred);
    free(scratch->growth);
    free(scratch->counts);
    *scratch = (struct index_scratch){.deferred = NULL};
}
