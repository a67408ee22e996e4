/* upsert.c - see upsert.h. */
#include "sql/upsert.h"

#include <string.h>

#include "sql/vtab.h"
#include "sql/words.h"

struct upsert {
    const char *table;
    unsigned columns; /* of the target; 0: any */
    char *column[INDEX_COLUMNS_MAX];
    sqlite3_stmt *update; /* NULL: DO NOTHING */
};

static int refuse(char **error, char *why)
{
    sqlite3_free(*error);
    *error = why;
    return SQLITE_ERROR;
}

/* ---- Reading what stands behind ON CONFLICT. ---- */

/* The columns in parentheses, if there are any. */
static int target_read(struct upsert *upsert, const char **at, char **error)
{
    if (!words_take_if(at, "("))
        return SQLITE_OK;
    do {
        char *name;
        int code = words_name(at, &name);
        if (code == SQLITE_NOMEM)
            return code;
        if (name == NULL || upsert->columns == INDEX_COLUMNS_MAX) {
            sqlite3_free(name);
            return refuse(error, sqlite3_mprintf("maemio: ON CONFLICT names columns in parentheses"));
        }
        upsert->column[upsert->columns++] = name;
    } while (words_take_if(at, ","));
    return words_take_if(at, ")") ? SQLITE_OK
                                  : refuse(error, sqlite3_mprintf("maemio: ON CONFLICT names columns in parentheses"));
}

/* The number of the column in the order of SELECT *, from 1 on; 0: there is none. */
static int column_number(sqlite3_stmt *columns, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(columns); i++)
        if (sqlite3_stricmp(sqlite3_column_name(columns, i), name) == 0)
            return i + 1;
    return 0;
}

/* Writes the UPDATE: the text with ?3 in place of excluded.price, and the condition in parentheses. */
static int update_write(sqlite3_str *sql, sqlite3_stmt *columns, const char *at, char **error)
{
    const char *copied = at;
    bool conditions = false;
    for (;;) {
        const char *before = at;
        struct word word = words_take(&at);
        if (word.start == word.end)
            break;
        if (words_is(word, "RETURNING") || (words_is(word, "ON") && words_take_if(&at, "CONFLICT")))
            return refuse(error,
                          sqlite3_mprintf("maemio: ON CONFLICT takes neither RETURNING nor a second ON CONFLICT"));
        if (words_is(word, "WHERE") && !conditions) {
            conditions = true;
            sqlite3_str_append(sql, copied, (int)(word.start - copied));
            sqlite3_str_appendf(sql, "WHERE rowid = ?%d AND (", sqlite3_column_count(columns) + 1);
            copied = at;
        } else if (words_is(word, "excluded") && words_take_if(&at, ".")) {
            char *name;
            if (words_name(&at, &name) == SQLITE_NOMEM)
                return SQLITE_NOMEM;
            int number = name == NULL ? 0 : column_number(columns, name);
            sqlite3_free(name);
            if (number == 0)
                return refuse(error, sqlite3_mprintf("no such column: %.*s", (int)(at - before), before));
            sqlite3_str_append(sql, copied, (int)(word.start - copied));
            sqlite3_str_appendf(sql, "?%d", number);
            copied = at;
        }
    }
    sqlite3_str_appendall(sql, copied);
    if (conditions)
        sqlite3_str_appendall(sql, ")");
    else
        sqlite3_str_appendf(sql, " WHERE rowid = ?%d", sqlite3_column_count(columns) + 1);
    return SQLITE_OK;
}

static int update_prepare_for(struct upsert *upsert, sqlite3 *sqlite, const char *assignments, char **error)
{
    sqlite3_stmt *columns = NULL;
    char *select = sqlite3_mprintf("SELECT * FROM maemio.\"%w\"", upsert->table);
    int code = select == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(sqlite, select, -1, &columns, NULL);
    sqlite3_free(select);
    sqlite3_str *text = sqlite3_str_new(sqlite);
    sqlite3_str_appendf(text, "UPDATE maemio.\"%w\" SET ", upsert->table);
    if (code == SQLITE_OK)
        code = update_write(text, columns, assignments, error);
    char *sql = sqlite3_str_finish(text);
    if (code == SQLITE_OK)
        code = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(sqlite, sql, -1, &upsert->update, NULL);
    sqlite3_finalize(columns);
    sqlite3_free(sql);
    if (code != SQLITE_OK && *error == NULL)
        *error = sqlite3_mprintf("%s", sqlite3_errmsg(sqlite));
    return code;
}

static int clauses_read(struct upsert *upsert, sqlite3 *sqlite, const char *at, char **error)
{
    int code = target_read(upsert, &at, error);
    if (code != SQLITE_OK)
        return code;
    if (words_take_both(&at, "DO", "NOTHING"))
        return *words_blanks_end(at) == '\0'
                   ? SQLITE_OK
                   : refuse(error, sqlite3_mprintf("maemio: '%s' behind DO NOTHING", words_blanks_end(at)));
    if (!words_take_both(&at, "DO", "UPDATE") || !words_take_if(&at, "SET"))
        return refuse(error, sqlite3_mprintf("maemio: DO NOTHING or DO UPDATE SET should follow ON CONFLICT"));
    return update_prepare_for(upsert, sqlite, at, error);
}

/* ---- Running. ---- */

static int upsert_inside(struct connection *connection, struct upsert *upsert, const char *insert, const char *clauses,
                         char **error)
{
    /* The transaction is inside the gate from here on, so that the columns stay as they are. */
    int code = connection_enlist(connection, error);
    if (code == SQLITE_OK)
        code = clauses_read(upsert, connection->sqlite, clauses, error);
    if (code == SQLITE_OK) {
        connection->upsert = upsert;
        code = sqlite3_exec(connection->sqlite, insert, NULL, NULL, error);
        connection->upsert = NULL;
    }
    sqlite3_finalize(upsert->update);
    for (unsigned i = 0; i < upsert->columns; i++)
        sqlite3_free(upsert->column[i]);
    return code;
}

int upsert_run(struct connection *connection, const char *table, const char *insert, const char *clauses, char **error)
{
    struct upsert upsert = {.table = table};
    sqlite3 *sqlite = connection->sqlite;
    const bool own = sqlite3_get_autocommit(sqlite);
    int code = own ? sqlite3_exec(sqlite, "BEGIN", NULL, NULL, error) : SQLITE_OK;
    if (code != SQLITE_OK)
        return code;
    code = upsert_inside(connection, &upsert, insert, clauses, error);
    if (own && code == SQLITE_OK)
        code = sqlite3_exec(sqlite, "COMMIT", NULL, NULL, error);
    if (own && !sqlite3_get_autocommit(sqlite))
        (void)sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

bool upsert_takes(const struct connection *connection, const struct table *table, const struct index *index)
{
    const struct upsert *upsert = connection->upsert;
    if (upsert == NULL || sqlite3_stricmp(upsert->table, table->name) != 0)
        return false;
    const unsigned columns = index == NULL ? 1 : index->columns;
    if (upsert->columns == 0)
        return true;
    for (unsigned i = 0; upsert->columns == columns && i < columns; i++) {
        int column = index == NULL ? table->key : (int)index->column[i];
        unsigned at = 0;
        while (at < columns && (column < 0 || sqlite3_stricmp(upsert->column[at], table->column[column].name) != 0))
            at++;
        if (at == columns)
            return false;
    }
    return upsert->columns == columns;
}

int upsert_instead(struct connection *connection, const struct table *table, const struct value *values, int64_t rowid)
{
    struct upsert *upsert = connection->upsert;
    sqlite3_stmt *update = upsert->update;
    int code = SQLITE_OK;
    if (update == NULL)
        return SQLITE_OK;
    /* The values lie in memory that the UPDATE uses, too. */
    for (unsigned i = 0; i < table->columns && code == SQLITE_OK; i++) {
        const struct value *value = &values[i];
        if (value->type == VALUE_TEXT)
            code = sqlite3_bind_text(update, (int)i + 1, value->bytes, (int)value->length, SQLITE_TRANSIENT);
        else if (value->type == VALUE_BLOB && value->length > 0)
            code = sqlite3_bind_blob(update, (int)i + 1, value->bytes, (int)value->length, SQLITE_TRANSIENT);
        else
            code = value_bind(update, (int)i + 1, value);
    }
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(update, (int)table->columns + 1, rowid);
    connection->upsert = NULL; /* the UPDATE has conflicts of its own */
    if (code == SQLITE_OK) {
        (void)sqlite3_step(update);
        code = sqlite3_reset(update);
    }
    connection->upsert = upsert;
    return code;
}
