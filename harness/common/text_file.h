/* text_file.h - reads a file into one string, for the readers of job files, properties and CSV. */
#ifndef HARNESS_COMMON_TEXT_FILE_H
#define HARNESS_COMMON_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The whole content, which may be any bytes, with a NUL after it that *bytes does not count. The caller frees it. NULL
 * with a message that names the file if the file cannot be read, is larger than bytes_max, or is a folder; with
 * regular_only also if it is not a plain file. regular_only is for names that a file contains, since reading a terminal
 * or a device would never end.
 */
char *text_file_read(const char *path, size_t bytes_max, bool regular_only, size_t *bytes, char *error,
                     size_t error_bytes);

/* Copies at most 60 bytes of a text of any bytes, so that a message about it stays one printable line. */
enum { TEXT_SHOWN_BYTES = 64 };
const char *text_shown(const char *text, size_t bytes, char shown[TEXT_SHOWN_BYTES]);

#endif
