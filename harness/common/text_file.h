/* text_file.h - a file as one string in memory: what the readers of job files, properties and CSV begin with. */
#ifndef HARNESS_COMMON_TEXT_FILE_H
#define HARNESS_COMMON_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The whole content, of any bytes, with a NUL after it that *bytes does not count; the caller frees it. NULL with a
 * message that names the file when it cannot be read, is larger than bytes_max, or is a folder. With regular_only also
 * when it is not a plain file, for names out of a file: reading a terminal or a device would never end.
 */
char *text_file_read(const char *path, size_t bytes_max, bool regular_only, size_t *bytes, char *error,
                     size_t error_bytes);

/* Copies at most 60 bytes of a text that may hold anything, so that a message about it stays one printable line. */
enum { TEXT_SHOWN_BYTES = 64 };
const char *text_shown(const char *text, size_t bytes, char shown[TEXT_SHOWN_BYTES]);

#endif
