/*
 * folders.h - the folders that log_dir names: each has a stream of the log, and the first has everything else, too.
 *
 * A folder is locked while it is used. The first one is known by its manifest. Each of the others has a file `folder`,
 * which says of which database it is and which of its folders. So a folder that is missing, say because its disk is not
 * mounted, or that is another one's, is noticed. It would seem to be a stream that has written nothing.
 *   D14 A folder says whose it is before the manifest names it, so whoever finds another one, or none, knows that it is
 *       not the one that belongs there.
 * Checked by: tests/unit/db/streams.c, tests/crash; mutations folder_unmarked, stream_missing.
 */
#ifndef ENGINE_DURABLE_FOLDERS_H
#define ENGINE_DURABLE_FOLDERS_H

#include "engine/durable/manifest.h"
#include "engine/durable/problem.h"
#include "engine/log/block.h"

struct folders {
    unsigned count;
    const char *names[STREAMS_MAX];
    int locks[STREAMS_MAX]; /* files that are locked */
    unsigned locked;
    char *text; /* the names stand here */
};

/* Takes the names apart. MAE_OK, MAE_INVALID, MAE_NO_MEMORY. */
enum mae_status folders_name(struct folders *folders, const char *log_dir, struct problem *problem);

/* Makes the folders that `log_dir` names, unless they are there, and locks them. `lasting`: they must be on a disk.
 * `folders` is to be ended with folders_close in any case. Statuses of mae_open. */
enum mae_status folders_open(struct folders *folders, const char *log_dir, bool lasting, struct problem *problem);
void folders_close(struct folders *folders);

/* Whether these are the folders that the manifest names, in that order; what comes behind them must be no database's.
 * MAE_OK; MAE_INVALID: there are too few; MAE_CORRUPT; MAE_IO; MAE_NO_MEMORY. */
enum mae_status folders_check(const struct folders *folders, const struct manifest *manifest, struct problem *problem);

/* Writes into those that the manifest does not name yet whose they are, and adds them to the manifest. MAE_OK, MAE_IO,
 * MAE_NO_MEMORY. */
enum mae_status folders_join(const struct folders *folders, struct manifest *manifest, struct problem *problem);

#endif
