/*
 * csv.h - results as rows of a CSV file (RFC 4180, lines end in LF), each row written whole or not at all.
 *
 * A file that exists is appended to only if its header is the same and its last line is whole. Every write is
 * checked: a full disk is an error, and the half row it left is cut off again. Not thread-safe; two processes may
 * append to one file.
 */
#ifndef HARNESS_RECORD_CSV_H
#define HARNESS_RECORD_CSV_H

#include "harness/record/result.h"

enum { CSV_ERROR_BYTES = 1024 };

struct csv;

/* "-" is stdout. Writes the header if the file is new or empty. NULL with a message in `error`. */
struct csv *csv_open(const char *path, char *error);

/* The same for a file with other columns: `option` is what messages begin with, `header` ends in a line feed. */
struct csv *csv_open_other(const char *path, const char *option, const char *header, char *error);

/* Lines as they are: everything or, in a file, nothing. False with a message. */
bool csv_write_text(struct csv *csv, const char *text, char *error);

/* Adds a field, quoted only where it must be. */
void csv_field_add(struct support_text *line, const char *text);
/* A comma and a number of so many digits, 17 for a whole one; NAN: an empty field. */
void csv_number_add(struct support_text *line, int digits, double value);

/* The row over all transaction types and, if there is more than one, a row for each. False with a message. */
bool csv_write(struct csv *csv, const struct result *result, char *error);

/* False with a message when the system reports a late error. `csv` is gone; NULL is fine. */
bool csv_close(struct csv *csv, char *error);

#endif
