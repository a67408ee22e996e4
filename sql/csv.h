/*
 * csv.h - rows as CSV (RFC 4180), in and out. A field without quotes and without characters is NULL, one of two
 * quotes is the empty text. Checked by: tests/cli/sql.sh.
 */
#ifndef SQL_CSV_H
#define SQL_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "sql/sqlite.h"

/* Prints a field, NULL for a value that is NULL, and what follows it: a comma or the end of the line. */
void csv_field(FILE *out, const char *value, bool last);

/* Adds the rows of the file to the table, in one transaction, or in the one that is open. The first line names the
 * table's columns. */
int csv_import(sqlite3 *sqlite, const char *path, const char *table, char **error);

#endif
