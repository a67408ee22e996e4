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

/*
 * Where plots/ is, as what to put before that name: "" in the project's root, else a path with a slash at its end,
 * beside the program: what `make install` put there, or the tree that it was built in. The caller frees it. NULL with a
 * message if plots/ is at none of these places.
 */
char *program_share(const char *name);

/* Runs gnuplot on SHAREplots/FILE after `settings`; what that loads is found by names such as plots/style.gp. The exit
 * code, with a message unless it is 0. */
int program_gnuplot(const char *name, const char *share, const char *settings, const char *file);

/* variable='text'; for the settings of program_gnuplot. */
void program_gnuplot_set(struct support_text *script, const char *variable, const char *text);

#endif
