/*
 * recording.h - a target around another target; it records what every transaction sees and does.
 *
 * Each payload gets HEADER_BYTES in front, by which a reader knows which write of which transaction it has got. The
 * workload does not see them. So what is recorded is what the database returned, not what it claims. The recorder names
 * the transactions itself; if the target knows their place in the serial order, each commit says that, too.
 *
 * The calls that reach the database are those of the workload, with three exceptions, which read the row first because
 * they must know which row or version it is: `row_erase`; `overwrite` and `erase` through an index whose rows were not
 * inserted by key; and both through any index of a target that does not know the order.
 *
 * Cost: 16 bytes a payload, which may take rows out of line, some 10 words of log an access, and writing the log to the
 * file, half a megabyte at a time in the measured window. Throughput of a recorded run is not comparable with others.
 *
 * Threads: as the target inside.
 */
#ifndef HARNESS_TARGETS_RECORDING_H
#define HARNESS_TARGETS_RECORDING_H

#include "harness/proof/history.h"
#include "workloads/target.h"

struct recording;

/*
 * `path` is where the history goes, created or emptied now; NULL: it stays in memory, for recording_history. Returns
 * NULL with a message when the file cannot be written.
 */
struct recording *recording_create(const struct target_ops *inner, const char *path, char *error, size_t error_bytes);
/* The target to use in place of `inner`, to be opened once; valid as long as the recording. */
const struct target_ops *recording_ops(const struct recording *recording);
/* After the target has been closed. NULL is fine. */
void recording_destroy(struct recording *recording);

/* Writes what is left and the file's end; false with a message, and a file without end, if anything could not be
 * written. No worker may be joined. */
bool recording_finish(struct target *target, char *error, size_t error_bytes);

/* In memory: puts everything recorded since the last recording_clear into `history`, valid until then. */
bool recording_history(struct target *target, struct history *history, char *error, size_t error_bytes);
void recording_clear(struct target *target);

/* In memory: how much a worker has recorded since the last recording_clear; its own thread. */
size_t recording_words(const struct target_worker *worker);

/* Whether the running transaction wrote a payload that the recording target gave out. */
bool recording_wrote(const struct target_txn *txn, const void *data);

/* What is inside. */
struct target_worker *recording_worker_inner(struct target_worker *worker);

#endif
