/*
 * backup.h - a copy of a running database in another folder, which is a database of its own.
 *
 * It is made like a checkpoint (checkpointer.h), only in the other folder, and followed by a copy of the log that
 * belongs to it: from the first block that the checkpoint needs up to the bound that was on the disk when its end was.
 * Each stream of the log becomes a segment there.
 *   D12 The manifest of a copy comes last. By then the checkpoint and the log are synced; and after a failure it goes
 *       first. So without it the folder is no database, and is refused as one, and with it the copy is whole.
 * The copy has a random number of its own, which each block carries, so no block of one is ever taken for one of the
 * other.
 * Checked by: tests/crash, tests/unit/db/backup.c.
 */
#ifndef ENGINE_DURABLE_BACKUP_H
#define ENGINE_DURABLE_BACKUP_H

#include "engine/durable/manifest.h"
#include "engine/durable/problem.h"

/* A random number for a database. */
uint64_t backup_identity(void);

/* Makes the folder, if it is not there. MAE_OK; MAE_EXISTS: it has a database, or a part of one; MAE_IO. */
enum mae_status backup_begin(const char *folder, struct problem *problem);

/* The folder has the checkpoint: copies the log that belongs to it from the folders `from`, and writes the manifest.
 * `from_manifest`: as it is there. `checkpoint`: what the copy's manifest will name, with the segments of the original.
 * Nothing is released meanwhile. MAE_OK, MAE_IO, MAE_NO_MEMORY, MAE_CORRUPT: the log cannot be read. */
enum mae_status backup_end(const char *folder, uint64_t database, const char *const *from, unsigned from_count,
                           const struct manifest *from_manifest, const struct manifest_checkpoint *checkpoint,
                           struct problem *problem);

/* After a failure: removes what is there. */
void backup_undo(const char *folder, const struct manifest_checkpoint *checkpoint);

#endif
