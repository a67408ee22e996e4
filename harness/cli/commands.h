/*
 * commands.h - the sub-commands of `maemio`, one file of this folder each. A new one: a line in the table, a file.
 *
 * A command gets its own arguments, argv[0] being its name for messages ("maemio run"), and returns the exit code.
 */
#ifndef HARNESS_CLI_COMMANDS_H
#define HARNESS_CLI_COMMANDS_H

#include "harness/common/exit_code.h"

/* name, help */
#define COMMAND_TABLE(X)                                                                           \
    X(run, "run a workload on a target and measure it")                                            \
    X(sweep, "run every point of a job file, resumable, into a folder")                            \
    X(compare, "is B slower than A? two result files, by configuration")                           \
    X(check, "was a recorded history (`run --history') serializable?")                             \
    X(figure, "run an experiment of the paper and draw its figure")                                \
    X(report, "of a result file: medians and spread; of a folder: a page with figures and claims") \
    X(trend, "results over commits: add results to series, for plots and change-point tools")      \
    X(latency, "merge latency histograms")                                                         \
    X(doctor, "what about this machine spoils measurements, and how to mend it")                   \
    X(topology, "draw the machine and where workers run")                                          \
    X(list, "list options, columns, counters, workloads, targets, distributions")

#define COMMAND_DECLARE(name, help) enum exit_code name##_command(int argc, char **argv);
COMMAND_TABLE(COMMAND_DECLARE)
#undef COMMAND_DECLARE

/* `code`, or EXIT_FAILED with a message if what was printed to stdout could not be written. */
enum exit_code command_end(const char *name, enum exit_code code);

#endif
