/* sweep_folder.h - a sweep, and the folder of each of its runs. */
#ifndef HARNESS_SWEEP_SWEEP_FOLDER_H
#define HARNESS_SWEEP_SWEEP_FOLDER_H

#include "harness/sweep/launcher.h"
#include "harness/sweep/sweep.h"
#include "harness/sweep/sweep_plan.h"

struct sweep {
    const struct sweep_request *asked;
    const char *name, *out; /* of the command for messages; the folder */
    const char *ending;     /* of what is written there: "", or ".part" while it will replace another job's */
    struct sweep_plan plan;
    struct launcher launcher;
    size_t failed;
    enum exit_code worst; /* of the runs that failed */
};

/* A run's folder, or a file there; the caller frees it. `ending`: "", ".part" until it is whole, ".failed". */
char *sweep_path(const struct sweep *sweep, const struct sweep_run *run, const char *ending, const char *file);
void sweep_remove(const struct sweep *sweep, const struct sweep_run *run, const char *ending);

/* Whether the file of the run has all rows of this run and no others. If not, `why` (CSV_TABLE_ERROR_BYTES) says so. */
bool sweep_rows_whole(const struct sweep *sweep, const struct sweep_run *run, const char *ending, char *why);

/* Adds a finished run's rows to the merged files. */
bool sweep_merge(const struct sweep *sweep, const struct sweep_run *run);

#endif
