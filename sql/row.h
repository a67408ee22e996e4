/*
 * row.h - a row of a table as bytes: its rowid, a type for each column, 8 bytes for each column, and what is longer.
 *
 * A row keeps the number of columns that its table had when it was written. Columns added since are not in it: readers
 * take their defaults. A byte of 0 follows each text, and the row tells whether the text itself has one: SQLite copies
 * a text that it cannot tell to end so as soon as somebody looks at it. Rows of older databases, without that byte,
 * tell of none. Checked by: tests/unit/sql/key.c.
 */
#ifndef SQL_ROW_H
#define SQL_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_type { VALUE_NULL, VALUE_INTEGER, VALUE_REAL, VALUE_TEXT, VALUE_BLOB, VALUE_TYPES };

/* A value outside of a row; `bytes` belongs to whoever made it. */
struct value {
    enum value_type type;
    bool ended; /* a text in a row: the first byte of 0 stands right behind it */
    union {
        int64_t integer;
        double real;
    };
    const void *bytes;
    size_t length;
};

/* How long the row will be. */
size_t row_bytes(const struct value *values, unsigned count);

/* Writes the row into row_bytes() bytes, 8-byte aligned. `values` do not lie in there. */
void row_encode(void *row, int64_t rowid, const struct value *values, unsigned count);

int64_t row_rowid(const void *row);
unsigned row_columns(const void *row);

/* The value of a column; its bytes lie in the row. A column that the row has not is NULL. */
struct value row_column(const void *row, unsigned column);

/* The same type and value; NULL equals NULL here. */
bool value_equals(const struct value *a, const struct value *b);

#endif
