/*
 * durable.h - a database's folder: opening it, restoring what it holds, and beginning a new life (DURABLE.md).
 *
 * Opening goes in this order, so that a crash at any moment leaves a folder that can be opened again:
 *     lock; read the manifest; find the cuts; write the tail again and sync it; restore from checkpoint and log; write
 *     the manifest with the last life's cut and the new life; remove what a crash has left; start the log.
 *   D7  All timestamps of a new life are above every timestamp on the disk, also above those that do not count. The new
 *       life is in the manifest before its first block is written.
 * Checked by: tests/crash, tests/unit/durable.
 */
#ifndef ENGINE_DURABLE_DURABLE_H
#define ENGINE_DURABLE_DURABLE_H

#include "engine/durable/checkpointer.h"
#include "engine/durable/host.h"
#include "engine/durable/manifest.h"
#include "engine/txn/core.h"

struct durable;

/* Opens the folder that the core's options name, and raises the core's clocks. No worker has joined yet. Statuses of
 * mae_open, with the reason in `problem`. */
enum mae_status durable_open(struct core *core, struct problem *problem, struct durable **durable);

/* The tables and indexes that are to be made before durable_restore. */
const struct manifest *durable_manifest(const struct durable *durable);

/* Restores, and starts the log. The host's functions serve until durable_close. `worker` is one of the database's own;
 * it is the logger's until then. */
enum mae_status durable_restore(struct durable *durable, const struct durable_host *host, struct mae_worker *worker,
                                struct table *const *tables, size_t table_count, struct problem *problem);

/* Ends the log, if it has been started, and frees everything. Statuses of mae_close, with the reason in `problem`. */
enum mae_status durable_close(struct durable *durable, struct problem *problem);

/* Writes a new table or index into the manifest, and gives it its number. MAE_OK, MAE_IO, MAE_NO_MEMORY. */
enum mae_status durable_create(struct durable *durable, struct manifest_object *object);

/* Takes an object out of the manifest and, if it is a table, its indexes. MAE_OK; MAE_IO, MAE_FULL, MAE_NO_MEMORY: they
 * stay, but after MAE_IO a crash may leave the old manifest or the new one. */
enum mae_status durable_drop(struct durable *durable, uint64_t number);

/* Makes a checkpoint. Statuses of mae_checkpoint. */
enum mae_status durable_checkpoint(struct durable *durable);
/* What makes them by itself; for tests. */
struct checkpointer *durable_checkpointer(struct durable *durable);
/* Copies the database. Statuses of mae_backup. */
enum mae_status durable_backup(struct durable *durable, const char *folder, struct problem *problem);
/* What checkpoints have been made, for mae_log_state. */
void durable_checkpoint_state(struct durable *durable, struct mae_log_state *state);

/* Whether a commit with this timestamp has survived, or is of this life. */
bool durable_survived(const struct durable *durable, uint64_t ts);

void durable_info(const struct durable *durable, struct mae_recover_info *info);

#endif
