/*
 * recording.h - a target around another target; it records what every transaction sees and does.
 *
 * Each payload gets HEADER_BYTES in front, which tell a reader the transaction and the write that it has read. The
 * workload does not see them. So the history has what the database returned, not what the database claims. The recorder
 * passes the workload's calls on to the database, with two exceptions: `overwrite` through an index whose rows were not
 * inserted by key, and `row_erase`. These read the row first, because the recorder must know which row it is.
 *
 * Cost: 16 bytes for each payload, which may make a row too large for its inline slot; some 10 words of log for each
 * access; and writing the log to the file, 1 MB at a time, in the measured window. The throughput of a recorded run is
 * not comparable with that of other runs.
 *
 * Threads: as the target inside. One recording at a time in a process.
 */
#ifndef HARNESS_TARGETS_RECORDING_H
#define HARNESS_TARGETS_RECORDING_H

#include "harness/proof/history.h"
#include "workloads/target.h"

/*
 * The target to use in place of `inner`, to be opened once. `path` is where the history goes, created or emptied now;
 * NULL: it stays in memory, for recording_history. NULL with a message when `inner` has no timestamps or the file
 * cannot be written. Valid until the next call.
 */
const struct target_ops *recording_target(const struct target_ops *inner, const char *path, char *error,
                                          size_t error_bytes);

/* Writes what is left and the file's end; false with a message, and a file without end, if anything could not be
 * written. No worker may be joined. */
bool recording_finish(struct target *target, char *error, size_t error_bytes);

/* In memory: puts everything recorded since the last recording_clear into `history`, valid until then. */
bool recording_history(struct target *target, struct history *history, char *error, size_t error_bytes);
void recording_clear(struct target *target);

/* In memory: how much a worker has recorded since the last recording_clear; its own thread. */
size_t recording_words(const struct target_worker *worker);

/* The timestamp of the transaction that wrote a payload which the recording target gave out. */
uint64_t recording_writer(const void *data);

/* What is inside. */
struct target_worker *recording_worker_inner(struct target_worker *worker);
struct target *recording_target_inner(struct target *target);

#endif
