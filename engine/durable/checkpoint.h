/*
 * checkpoint.h - a file with all rows and index entries, written while workers run on.
 *
 * It is fuzzy: its parts are of different moments. A walk through all tables in one snapshot would hold back garbage
 * collection, and a hot row would have millions of versions by the end. So the walk is cut into batches. Each batch is
 * a snapshot of its own, which is over before anything is written. A row stands there with its version's timestamp, an
 * entry with one just below the checkpoint's start.
 *   D10 Let S be min_wts when the walk began, and E the timestamp of its last batch. Then the checkpoint and the log's
 *       records from S up to any cut C >= E make the state at C. Proof: of a row or an entry the checkpoint says what a
 *       snapshot at some time between S and E saw. If it was changed from S on, then each change is in the log, and the
 *       last one below C counts, since it has a larger timestamp than what the checkpoint says. If it was not changed,
 *       then every snapshot has seen the same, and the walk has come by: rows in the order of their ids, of which all
 *       that were given out before S are below the limit that is read after S; entries in an order in which nothing
 *       moves (hash_index_walk, tree_index_walk). Records below S say nothing and are ignored. Below E the checkpoint
 *       has also what came after S, so C must not be smaller: a checkpoint counts only when E is on the disk.
 *
 * The file is a row of slots of the same size, so that threads can read it at once. A slot has a block (log/block.h) of
 * whole records; `number` counts them from 1, `flush` is the checkpoint's number, and the last block says that it is.
 * Checked by: tests/crash, tests/unit/db/checkpoint.c.   Source: section 3.7; SiloR (Zheng et al., OSDI 2014).
 * Not here: when it is written, and what names it (checkpointer.h).
 */
#ifndef ENGINE_DURABLE_CHECKPOINT_H
#define ENGINE_DURABLE_CHECKPOINT_H

#include "engine/durable/host.h"
#include "engine/durable/manifest.h"
#include "engine/durable/problem.h"
#include "engine/log/block.h"
#include "engine/txn/worker.h"

enum { CHECKPOINT_SLOT_BYTES = 256 << 10 };
static_assert((int)CHECKPOINT_SLOT_BYTES <= (int)BLOCK_MAX_BYTES, "a slot has a block");

/* What checkpoint_write is to do. */
struct checkpoint_order {
    const struct durable_host *host;
    struct mae_worker *worker; /* parked, and one of the database's own */
    const char *folder;
    uint64_t spare; /* another checkpoint there, which nothing names any more: its file may be used; 0: there is none */
    uint64_t database;
    /* Called between batches with how much has been written. False: the checkpoint is to be given up. */
    bool (*pause)(void *arg, uint64_t bytes);
    void *arg;
};

void checkpoint_path(const char *folder, uint64_t number, char *path);
/* The number of a checkpoint from its file's name; false: the name is none. */
bool checkpoint_number(const char *name, uint64_t *number);

/* Writes the file for checkpoint->number of checkpoint->life, syncs it and its folder, and fills in start, end, blocks,
 * rows and entries. MAE_OK; MAE_ABORT_USER: given up; MAE_IO; MAE_NO_MEMORY; MAE_FULL: the disk is. If it fails there
 * is no file. */
enum mae_status checkpoint_write(const struct checkpoint_order *order, struct manifest_checkpoint *checkpoint,
                                 struct problem *problem);

/* Reads a block, from 0, of a checkpoint that the manifest names, into `slot`. MAE_OK, MAE_IO, MAE_CORRUPT. Any number
 * of threads may read one file. */
enum mae_status checkpoint_read(int file, const char *path, uint64_t database,
                                const struct manifest_checkpoint *checkpoint, uint64_t i, struct block *slot,
                                struct problem *problem);

#endif
