/*
 * shell.h - `maemio sql`: statements of SQL from the command line, files or stdin, on a database in memory or in a
 * folder.
 *
 * A line that begins with a point is a command of the shell itself: `.help` lists them. Its arguments may stand in
 * quotes. Without a terminal the first
 * error ends the shell; at a terminal it goes on. An autocommit statement that meets a conflict is run again.
 */
#ifndef SQL_SHELL_H
#define SQL_SHELL_H

#include <stdbool.h>
#include <stddef.h>

struct shell_settings {
    const char *folder;          /* NULL: in memory */
    const char *const *commands; /* statements, run before the files; if there are any of both, stdin is not read */
    size_t command_count;
    const char *const *files;
    size_t file_count;
    bool csv, timing;
};

/* 0, or 1 after an error, which was printed to stderr. */
int shell_run(const struct shell_settings *settings);

#endif
