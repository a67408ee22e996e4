/* text_file.h - a file as one string in memory: read whole, and written whole or not at all. */
#ifndef HARNESS_COMMON_TEXT_FILE_H
#define HARNESS_COMMON_TEXT_FILE_H

#include "harness/common/support.h"

/*
 * The whole content, which may be any bytes, with a NUL after it that *bytes (may be NULL) does not count. The caller
 * frees it. NULL with a message that names the file if the file cannot be read, is larger than bytes_max, or is a
 * folder; with regular_only also if it is not a plain file. regular_only is for names that a file contains, since
 * reading a terminal or a device would never end.
 */
char *text_file_read(const char *path, size_t bytes_max, bool regular_only, size_t *bytes, char *error,
                     size_t error_bytes);

/* A whole new file in the place of the old one, or, with a message that begins with `command`, the old one. */
bool text_file_write(const char *command, const char *path, const char *text, size_t bytes);

/* Gives the file `part` the name `path`, in place of a plain file that may be there. False, with errno, if that cannot
 * be, and where there is something else: of a device such as /dev/stdout, or a link, only a plain file would be left.
 */
bool text_file_rename(const char *part, const char *path);

/* At most 60 bytes of a text that may hold anything, so that a message about it stays one printable line; a
 * support_short. */
const char *text_shown(const char *text);

#endif
