/*
 * program.h - runs other programs, such as gnuplot, and makes folders for their files. Messages go to stderr and begin
 * with `name`, the command's name.
 */
#ifndef HARNESS_COMMON_PROGRAM_H
#define HARNESS_COMMON_PROGRAM_H

#include <stdbool.h>

#include "harness/common/support.h"

/* mkdir -p */
bool program_folder_make(const char *name, const char *path);

/* Runs a program, found by PATH, and waits for it. Returns its exit code, or 128 + signal. It writes to our output. */
int program_run(const char *name, const char *const *argv);

/*
 * The folder that has plots/, as a prefix of that name: "" in the project's root, else a path that ends with a slash.
 * That path is beside the program: the folder that `make install` filled, or the tree in which the program was built.
 * The caller frees it. NULL with a message if plots/ is at none of these places.
 */
char *program_share(const char *name);

/* Runs gnuplot on SHAREplots/FILE after `settings`. FILE can load others by names such as plots/style.gp. Returns the
 * exit code, and prints a message unless it is 0. */
int program_gnuplot(const char *name, const char *share, const char *settings, const char *file);

/* variable='text'; for the settings of program_gnuplot. */
void program_gnuplot_set(struct support_text *script, const char *variable, const char *text);

#endif
