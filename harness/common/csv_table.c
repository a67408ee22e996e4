/* csv_table.c - see csv_table.h. */
#include "harness/common/csv_table.h"

#include "harness/common/text_file.h"

enum { FILE_BYTES_MAX = 1 << 30 };

/* The reader's place in the text, which a NUL ends. It removes quotes in place, which never needs more room. */
struct cursor {
    const struct csv_table *table;
    char *at;
    unsigned line;
    char *error;
};

#define WRONG(cursor, line, ...) \
    support_error_at((cursor)->error, CSV_TABLE_ERROR_BYTES, (cursor)->table->path, line, __VA_ARGS__)

/* Reads a field and steps over the separator. *last: the separator ended the line. */
static bool read_field(struct cursor *cursor, char **field, bool *last)
{
    char *at = cursor->at, *end = at;
    unsigned first_line = cursor->line;
    *field = at;
    if (*at == '"') {
        for (at++; *at != '\0' && (*at != '"' || at[1] == '"'); at++) {
            at += *at == '"';
            cursor->line += *at == '\n';
            *end++ = *at;
        }
        if (*at++ == '\0')
            return WRONG(cursor, first_line, "a quote is never closed");
        at += at[0] == '\r' && at[1] == '\n';
    } else {
        at += strcspn(at, ",\n");
        end = at - (*at == '\n' && at > *field && at[-1] == '\r');
    }
    if (*at != ',' && *at != '\n')
        return WRONG(cursor, cursor->line,
                     *at == '\0' ? "the line has no end: it was cut off while being written"
                                 : "after a closing quote only a comma or the line's end may follow");
    MAE_CHECK(end <= at); /* unquoting never needs more room */
    *last = *at == '\n';
    cursor->line += *last;
    cursor->at = at + 1;
    *end = '\0';
    return true;
}

/* Reads the fields of a line. The caller frees *fields, also after false. */
static bool read_line(struct cursor *cursor, char ***fields, size_t *count)
{
    bool last = false;
    *fields = NULL;
    *count = 0;
    while (!last) {
        *fields = support_more(*fields, *count, sizeof(char *));
        if (!read_field(cursor, &(*fields)[*count], &last))
            return false;
        ++*count;
    }
    return true;
}

static bool read_header(struct csv_table *table, struct cursor *cursor)
{
    if (*cursor->at == '\0')
        return WRONG(cursor, 1, "the file is empty: the header is missing");
    if (!read_line(cursor, &table->columns, &table->column_count))
        return false;
    for (size_t i = 0; i < table->column_count; i++) {
        if (csv_table_column(table, table->columns[i]) != (int)i)
            return WRONG(cursor, 1, "column %s is there twice", text_shown(table->columns[i]));
    }
    return true;
}

static bool read_rows(struct csv_table *table, struct cursor *cursor)
{
    while (*cursor->at != '\0') {
        size_t count;
        table->rows = support_more(table->rows, table->row_count, sizeof(*table->rows));
        struct csv_table_row *row = &table->rows[table->row_count++];
        row->line = cursor->line;
        if (!read_line(cursor, &row->fields, &count))
            return false;
        if (count != table->column_count)
            return WRONG(cursor, row->line,
                         "%zu fields, but the header has %zu: a half-written row, or rows of another schema", count,
                         table->column_count);
    }
    return true;
}

bool csv_table_parse(struct csv_table *table, const char *path, char *text, size_t bytes, char *error)
{
    *table = (struct csv_table){.path = support_copy(path), .text = text};
    struct cursor cursor = {.table = table, .at = text, .line = 1, .error = error};
    bool good = memchr(text, '\0', bytes) ? WRONG(&cursor, 1, "the file holds a NUL byte: this is no CSV")
                                          : read_header(table, &cursor) && read_rows(table, &cursor);
    MAE_CHECK(!good || cursor.at == text + bytes);
    if (!good)
        csv_table_free(table);
    return good;
}

bool csv_table_read(struct csv_table *table, const char *path, char *error)
{
    size_t bytes;
    *table = (struct csv_table){0};
    char *text = text_file_read(path, FILE_BYTES_MAX, false, &bytes, error, CSV_TABLE_ERROR_BYTES);
    return text && csv_table_parse(table, path, text, bytes, error);
}

void csv_table_free(struct csv_table *table)
{
    for (size_t i = 0; i < table->row_count; i++)
        free(table->rows[i].fields);
    free(table->rows);
    free(table->columns);
    free(table->text);
    free(table->path);
    memset(table, 0, sizeof(*table));
}

int csv_table_column(const struct csv_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i], name) == 0)
            return (int)i;
    return -1;
}
