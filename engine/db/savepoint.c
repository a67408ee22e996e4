/* savepoint.c - see savepoint.h. */
#include "engine/db/savepoint.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/db/guard.h"
#include "engine/index/scratch.h"
#include "engine/txn/logging.h"
#include "engine/txn/txn.h"

enum { SAVEPOINTS_FIRST = 8, WORKER_BITS = 8 };

struct savepoint {
    uint64_t mark; /* what the caller knows it by: grows with each, and differs from all of other workers */
    struct undo_mark undo;
    struct logging_mark logging;
    struct index_mark index;
};

/* The stack of a worker's transaction. It is empty unless txn_has_savepoints. */
struct savepoints {
    struct savepoint *stack;
    size_t count, capacity;
    uint64_t given; /* how many the worker has given out */
};

static struct savepoints *savepoints_of(struct mae_txn *txn)
{
    if (!txn->savepoints)
        txn->savepoints = mem_alloc(sizeof *txn->savepoints);
    if (txn->savepoints && !txn_has_savepoints(txn))
        txn->savepoints->count = 0;
    return txn->savepoints;
}

static struct savepoint *push(struct savepoints *savepoints)
{
    if (savepoints->count == savepoints->capacity) {
        struct savepoint *stack = mem_double(savepoints->stack, &savepoints->capacity, SAVEPOINTS_FIRST, sizeof *stack);
        if (!stack)
            return NULL;
        savepoints->stack = stack;
    }
    return &savepoints->stack[savepoints->count++];
}

/* The place of the mark in the transaction's stack, or its height. */
static size_t find(const struct mae_txn *txn, uint64_t mark)
{
    const struct savepoints *savepoints = txn->savepoints;
    size_t i = savepoints->count;
    while (i > 0 && savepoints->stack[i - 1].mark > mark)
        i--;
    return i > 0 && savepoints->stack[i - 1].mark == mark ? i - 1 : savepoints->count;
}

enum mae_status mae_savepoint(struct mae_txn *txn, uint64_t *mark)
{
    GUARDED const struct guard guard = guard_txn(txn);
    if (guard.status != MAE_OK)
        return guard.status;
    if (txn->doomed != MAE_OK)
        return txn->doomed;
    struct savepoints *savepoints = savepoints_of(txn);
    struct savepoint *savepoint = savepoints ? push(savepoints) : NULL;
    if (!savepoint)
        return txn_doom(txn, MAE_NO_MEMORY);
    *savepoint = (struct savepoint){.mark = ++savepoints->given << WORKER_BITS | (txn->worker->id & 0xff),
                                    .undo = undo_mark(txn),
                                    .logging = logging_mark(txn),
                                    .index = index_scratch_mark(txn)};
    *mark = savepoint->mark;
    return MAE_OK;
}

/* MAE_OK and the place of the mark. */
static enum mae_status look_up(const struct mae_txn *txn, uint64_t mark, size_t *place)
{
    if (txn->doomed != MAE_OK)
        return txn->doomed;
    if (!txn_has_savepoints(txn))
        return MAE_INVALID;
    *place = find(txn, mark);
    return *place < txn->savepoints->count ? MAE_OK : MAE_INVALID;
}

/* U4. */
static bool is_scanning(const struct mae_txn *txn)
{
    return txn->scans > 0 && txn->scans_epoch == txn->accesses.epoch;
}

enum mae_status mae_rollback_to(struct mae_txn *txn, uint64_t mark)
{
    GUARDED const struct guard guard = guard_txn(txn);
    size_t place;
    if (guard.status != MAE_OK)
        return guard.status;
    enum mae_status status = look_up(txn, mark, &place);
    if (status != MAE_OK)
        return status;
    struct savepoints *savepoints = txn->savepoints;
    struct savepoint *savepoint = &savepoints->stack[place];
    if (is_scanning(txn) && undo_changes_nodes(txn, &savepoint->undo) && !MUTATED(undo_below_scan))
        return MAE_BUSY;
    savepoints->count = place + 1;
    undo_roll_back(txn, &savepoint->undo);
    logging_roll_back(txn, &savepoint->logging);
    index_scratch_roll_back(txn, &savepoint->index);
    return MAE_OK;
}

enum mae_status mae_release(struct mae_txn *txn, uint64_t mark)
{
    GUARDED const struct guard guard = guard_txn(txn);
    size_t place;
    if (guard.status != MAE_OK)
        return guard.status;
    enum mae_status status = look_up(txn, mark, &place);
    if (status != MAE_OK)
        return status;
    struct savepoints *savepoints = txn->savepoints;
    savepoints->count = place;
    if (MUTATED(undo_release_drops) && place > 0)
        savepoints->stack[place - 1].undo = undo_mark(txn);
    undo_return_to(txn, place > 0 ? &savepoints->stack[place - 1].undo : NULL);
    return MAE_OK;
}

void savepoint_fini(struct mae_worker *worker)
{
    if (worker->txn.savepoints)
        free(worker->txn.savepoints->stack);
    free(worker->txn.savepoints);
    worker->txn.savepoints = NULL;
}
