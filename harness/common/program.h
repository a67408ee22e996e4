/*
 * program.h - runs other programs, such as gnuplot, and makes folders for their files. Messages go to stderr and begin
 * with `name`, the command's name.
 */
#ifndef HARNESS_COMMON_PROGRAM_H
#define HARNESS_COMMON_PROGRAM_H

#include "harness/common/support.h"

/* mkdir -p */
bool program_folder_make(const char *name, const char *path);

/* A folder and all that is in it; what is not there is fine. */
void program_folder_remove(const char *path);

bool program_is_folder(const char *path); /* false also for what is not there */

/* What is in a folder, sorted, but for names that begin with a dot; empty if it cannot be read. The caller frees it. */
struct support_list program_folder_names(const char *path);

/* Runs a program, found by PATH, and waits for it. Returns its exit code, or 128 + signal. It writes to our output. */
int program_run(const char *name, char *const *argv);

/*
 * The folder that has plots/, as a prefix of that name: "" in the project's root, else a path that ends with a slash.
 * That path is beside the program: the folder that `make install` filled, or the tree in which the program was built.
 * The caller frees it. NULL with a message if plots/ is at none of these places.
 */
char *program_share(const char *name);

/* Draws plots/PLOT.gp, below `share`, after `settings`, to which the file's name is added; what it loads is found by
 * names such as plots/style.gp. A whole new file in the place of the old one, or false with a message. */
bool program_gnuplot(const char *name, const char *share, const char *plot, struct support_text *settings,
                     const char *output);

/* variable='text'; for the settings of program_gnuplot. */
void program_gnuplot_set(struct support_text *script, const char *variable, const char *text);

#endif
