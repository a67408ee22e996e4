/* csv.c - see csv.h. */
#include "sql/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void csv_field(FILE *out, const char *value, bool last)
{
    if (value != NULL && (*value == '\0' || strpbrk(value, ",\"\r\n") != NULL)) {
        (void)putc('"', out);
        for (; *value != '\0'; value++) {
            if (*value == '"')
                (void)putc('"', out);
            (void)putc(*value, out);
        }
        (void)putc('"', out);
    } else if (value != NULL) {
        (void)fputs(value, out);
    }
    (void)putc(last ? '\n' : ',', out);
}

struct reader {
    FILE *file;
    const char *path;
    int line;
    char *text; /* of the field that was read */
    size_t length, capacity;
    bool quoted;
    int end; /* what has ended the field: a comma, a newline or EOF */
};

static int refuse(char **error, const struct reader *reader, const char *why)
{
    *error = sqlite3_mprintf("%s:%d: %s", reader->path, reader->line, why);
    return SQLITE_ERROR;
}

static bool put(struct reader *reader, int c)
{
    if (reader->length + 1 >= reader->capacity) {
        size_t capacity = reader->capacity * 2 + 64;
        char *text = realloc(reader->text, capacity);
        if (text == NULL)
            return false;
        reader->text = text;
        reader->capacity = capacity;
    }
    reader->text[reader->length++] = (char)c;
    reader->text[reader->length] = '\0';
    return true;
}

/* The rest of a field in quotes, up to the quote that ends it. */
static int quoted_read(struct reader *reader, char **error)
{
    for (int c; (c = getc(reader->file)) != EOF;) {
        reader->line += c == '\n';
        if (c == '"' && (c = getc(reader->file)) != '"') {
            (void)ungetc(c, reader->file);
            return SQLITE_OK;
        }
        if (!put(reader, c))
            return SQLITE_NOMEM;
    }
    return refuse(error, reader, "a quoted field does not end");
}

static int field_read(struct reader *reader, char **error)
{
    int c = getc(reader->file), code = SQLITE_OK;
    reader->length = 0;
    if (reader->text != NULL)
        reader->text[0] = '\0';
    reader->quoted = c == '"';
    if (reader->quoted) {
        code = quoted_read(reader, error);
        c = getc(reader->file);
    }
    for (; code == SQLITE_OK && c != ',' && c != '\n' && c != EOF; c = getc(reader->file)) {
        if (c == '\r')
            continue;
        if (reader->quoted)
            return refuse(error, reader, "something stands behind a quoted field");
        code = put(reader, c) ? SQLITE_OK : SQLITE_NOMEM;
    }
    reader->end = c;
    return code;
}

/* Prepares the INSERT for the columns that the first line names. */
static int insert_prepare(struct reader *reader, sqlite3 *sqlite, const char *table, sqlite3_stmt **insert,
                          int *columns, char **error)
{
    sqlite3_str *sql = sqlite3_str_new(sqlite);
    int code;
    sqlite3_str_appendf(sql, "INSERT INTO \"%w\"(", table);
    *columns = 0;
    do {
        code = field_read(reader, error);
        sqlite3_str_appendf(sql, "%s\"%w\"", (*columns)++ > 0 ? ", " : "", reader->text != NULL ? reader->text : "");
    } while (code == SQLITE_OK && reader->end == ',');
    sqlite3_str_appendall(sql, ") VALUES (?");
    for (int i = 1; i < *columns; i++)
        sqlite3_str_appendall(sql, ", ?");
    sqlite3_str_appendchar(sql, 1, ')');
    char *text = sqlite3_str_finish(sql);
    if (code == SQLITE_OK && (code = sqlite3_prepare_v2(sqlite, text, -1, insert, NULL)) != SQLITE_OK)
        code = refuse(error, reader, sqlite3_errmsg(sqlite));
    sqlite3_free(text);
    return code;
}

static int rows_insert(struct reader *reader, sqlite3 *sqlite, sqlite3_stmt *insert, int columns, char **error)
{
    int code = SQLITE_OK;
    for (int c; code == SQLITE_OK && (c = getc(reader->file)) != EOF;) {
        (void)ungetc(c, reader->file);
        const int line = ++reader->line;
        int count = 0;
        do {
            if ((code = field_read(reader, error)) != SQLITE_OK)
                return code;
            if (++count > columns)
                break;
            code = reader->length == 0 && !reader->quoted
                       ? sqlite3_bind_null(insert, count)
                       : sqlite3_bind_text(insert, count, reader->length > 0 ? reader->text : "", (int)reader->length,
                                           SQLITE_TRANSIENT);
        } while (code == SQLITE_OK && reader->end == ',');
        if (count != columns)
            return refuse(error, reader, "another number of fields than the first line has");
        (void)sqlite3_step(insert);
        if ((code = sqlite3_reset(insert)) != SQLITE_OK) {
            reader->line = line;
            (void)refuse(error, reader, sqlite3_errmsg(sqlite));
        }
    }
    return code;
}

int csv_import(sqlite3 *sqlite, const char *path, const char *table, char **error)
{
    struct reader reader = {.file = fopen(path, "r"), .path = path, .line = 1};
    sqlite3_stmt *insert = NULL;
    int columns, code;
    *error = NULL;
    if (reader.file == NULL) {
        *error = sqlite3_mprintf("%s: %s", path, strerror(errno));
        return SQLITE_CANTOPEN;
    }
    const bool own = sqlite3_get_autocommit(sqlite);
    code = own ? sqlite3_exec(sqlite, "BEGIN", NULL, NULL, error) : SQLITE_OK;
    if (code == SQLITE_OK)
        code = insert_prepare(&reader, sqlite, table, &insert, &columns, error);
    if (code == SQLITE_OK)
        code = rows_insert(&reader, sqlite, insert, columns, error);
    sqlite3_finalize(insert);
    if (own && code == SQLITE_OK)
        code = sqlite3_exec(sqlite, "COMMIT", NULL, NULL, error);
    if (own && !sqlite3_get_autocommit(sqlite))
        (void)sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
    (void)fclose(reader.file);
    free(reader.text);
    return code;
}
