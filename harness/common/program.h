/*
 * program.h - other programs, such as gnuplot, and folders for what they write. Messages go to stderr and begin with
 * `name`, the command's.
 */
#ifndef HARNESS_COMMON_PROGRAM_H
#define HARNESS_COMMON_PROGRAM_H

#include <stdbool.h>

#include "harness/common/support.h"

/* mkdir -p */
bool program_folder_make(const char *name, const char *path);

/* Runs a program, found by PATH, and waits: its exit code, or 128 + signal. Its output is ours. */
int program_run(const char *name, const char *const *argv);

/* variable='text'; for gnuplot -e. */
void program_gnuplot_set(struct support_text *script, const char *variable, const char *text);

#endif
