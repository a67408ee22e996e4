/*
 * checkpointer.h - makes checkpoints of a running database: on demand, and by itself in a thread.
 *
 *   D11 A checkpoint counts from the moment in which the manifest on the disk names it. By then its file is synced, and
 *       all commits below its end are (D10). Only then the checkpoint before it is removed, and the segments that have
 *       no record from its start on. So a crash at any moment leaves a checkpoint, or none, with all of the log that
 *       belongs to it.
 * An attempt that fails leaves everything as it was; a later one uses another number.
 *
 * Where files are in memory, the file of the checkpoint before is not removed but kept for the next one: a process gets
 * new memory from the system at a fraction of the speed at which it writes to what it has.
 * Checked by: tests/crash; mutations checkpoint_by_wts, checkpoint_unsecured, checkpoint_not_synced, log_dropped_early,
 * checkpoint_overwritten.
 */
#ifndef ENGINE_DURABLE_CHECKPOINTER_H
#define ENGINE_DURABLE_CHECKPOINTER_H

#include <pthread.h>

#include "engine/durable/checkpoint.h"
#include "engine/durable/folders.h"
#include "engine/txn/core.h"

struct checkpointer {
    struct core *core;
    const struct folders *folders;
    const struct durable_host *host;
    struct manifest *manifest;
    pthread_mutex_t *manifest_lock;
    uint64_t first_segments[STREAMS_MAX]; /* of this life */
    uint64_t last_number;                 /* of the last attempt */
    bool keeps_spare;                     /* the file of the checkpoint before the last one is kept for the next one */
    uint64_t spare;                       /* that checkpoint's number; 0: there is none */
    pthread_mutex_t busy;                 /* one at a time */
    /* The thread's. */
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    bool stop;
    uint64_t written_bytes; /* of the log when the last checkpoint began; less what of earlier lives is to be read */
    uint64_t begin_ticks;
    uint64_t count, last_bytes, last_ns;
    struct problem problem; /* why the last attempt has failed; "" if it has not */
};

/* The log has been opened. The pointers stay valid. `owed_bytes`: of the log that a recovery would have to read now.
 * Starts the thread, if the options want one. MAE_OK or MAE_NO_MEMORY. */
enum mae_status checkpointer_open(struct checkpointer *checkpointer, uint64_t owed_bytes);
/* Ends the thread; a checkpoint that it is making is given up. The log is still there. */
void checkpointer_close(struct checkpointer *checkpointer);

/* Makes a checkpoint. Statuses of mae_checkpoint. */
enum mae_status checkpointer_run(struct checkpointer *checkpointer);

/* Makes one if it is due. The thread looks so from time to time; a test without a thread does it itself. */
enum mae_status checkpointer_look(struct checkpointer *checkpointer);

/* Copies the database into another folder (backup.h). Statuses of mae_backup. */
enum mae_status checkpointer_backup(struct checkpointer *checkpointer, const char *folder, struct problem *problem);

/* Removes what no manifest names any more: other checkpoints than the one with this number and the spare one, and in
 * each folder segments with smaller numbers than its own. Failures are no matter. */
void checkpointer_tidy(const struct folders *folders, uint64_t checkpoint, uint64_t spare, const uint64_t *segments);

#endif
