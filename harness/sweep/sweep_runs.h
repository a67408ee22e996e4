/* sweep_runs.h - the runs of a sweep: one at a time here, or one at a time on each node; see sweep.h. */
#ifndef HARNESS_SWEEP_SWEEP_RUNS_H
#define HARNESS_SWEEP_SWEEP_RUNS_H

#include "harness/sweep/sweep_folder.h"

/* The point's settings and the overrides, as arguments of `maemio run`. */
void sweep_arguments_add(struct support_list *arguments, const struct sweep *sweep, const struct jobfile_point *point);

/* All that is not finished. EXIT_FINE: nothing is left. */
enum exit_code sweep_runs_do(struct sweep *sweep);

#endif
