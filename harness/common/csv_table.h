/*
 * csv_table.h - a CSV file with a header (RFC 4180: quotes, line breaks inside them) as a table of texts.
 * The reader refuses a file that cannot be trusted and names file and line: rows with more or fewer fields than the
 * header (half-written), a last line without an end, two columns of one name. Memory: the file's size once, and a
 * pointer for each field.
 */
#ifndef HARNESS_COMMON_CSV_TABLE_H
#define HARNESS_COMMON_CSV_TABLE_H

#include "harness/common/support.h"

enum { CSV_TABLE_ERROR_BYTES = 1024 };

struct csv_table_row {
    unsigned line; /* the number of its first line */
    char **fields; /* as many as columns */
};

struct csv_table {
    char *path;
    char *text; /* what the fields point into */
    size_t column_count, row_count;
    char **columns;
    struct csv_table_row *rows;
};

/* False with a message in `error` (CSV_TABLE_ERROR_BYTES); the table is then empty. The caller frees the table. */
bool csv_table_read(struct csv_table *table, const char *path, char *error);
/* Reads a text in memory that has a NUL after its `bytes`. The table owns the text afterwards, whether it failed or
 * not. */
bool csv_table_parse(struct csv_table *table, const char *path, char *text, size_t bytes, char *error);
void csv_table_free(struct csv_table *table);

/* The column of a name, -1 if there is none. */
int csv_table_column(const struct csv_table *table, const char *name);

#endif
