/* csv_read.h - reads a small RFC 4180 file whole, for tests: rows of fields, found by the header's names. */
#ifndef TESTS_UNIT_HARNESS_CSV_READ_H
#define TESTS_UNIT_HARNESS_CSV_READ_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_READ_ROWS_MAX = 64, CSV_READ_FIELDS_MAX = 512 };

struct csv_read {
    char *text;                                        /* fields point into it */
    size_t row_count, field_counts[CSV_READ_ROWS_MAX]; /* row 0 is the header */
    char *fields[CSV_READ_ROWS_MAX][CSV_READ_FIELDS_MAX];
};

static char *csv_read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, 1 << 20);
    size_t got = fread(text, 1, (1 << 20) - 1, file);
    text[got] = '\0';
    (void)fclose(file);
    return text;
}

/* Ends the field at *in, unquoted in place; returns where the next begins. `ended` tells that the row is over. */
static char *csv_read_field(char *in, bool *ended)
{
    char *out = in;
    bool quoted = *in == '"';
    in += quoted;
    for (; *in != '\0'; in++) {
        if (quoted && in[0] == '"' && in[1] == '"')
            in++;
        else if (quoted && in[0] == '"') {
            quoted = false;
            continue;
        } else if (!quoted && (*in == ',' || *in == '\n'))
            break;
        *out++ = *in;
    }
    *ended = *in != ',';
    char *next = *in == '\0' ? in : in + 1;
    *out = '\0';
    return next;
}

static struct csv_read *csv_read(const char *path)
{
    struct csv_read *csv = calloc(1, sizeof *csv);
    csv->text = csv_read_text(path);
    for (char *at = csv->text; at != NULL && *at != '\0' && csv->row_count < CSV_READ_ROWS_MAX; csv->row_count++)
        for (bool ended = false; !ended && csv->field_counts[csv->row_count] < CSV_READ_FIELDS_MAX;) {
            char *field = at;
            at = csv_read_field(at, &ended);
            csv->fields[csv->row_count][csv->field_counts[csv->row_count]++] = field;
        }
    return csv;
}

/* NULL: no such column or row. */
static inline const char *csv_read_get(const struct csv_read *csv, size_t row, const char *column)
{
    for (size_t i = 0; row < csv->row_count && i < csv->field_counts[0]; i++)
        if (strcmp(csv->fields[0][i], column) == 0)
            return csv->fields[row][i];
    return NULL;
}

static void csv_read_free(struct csv_read *csv)
{
    free(csv->text);
    free(csv);
}

#endif
