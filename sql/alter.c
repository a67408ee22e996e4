/* alter.c - see alter.h. */
#include "sql/alter.h"

#include <string.h>
#include <strings.h>

#include "engine/base/compiler.h"
#include "sql/entries.h"
#include "sql/key.h"
#include "sql/tables.h"
#include "sql/vtab.h"
#include "sql/words.h"

int alter_begin(struct connection *connection, char **error)
{
    /* The table that is being created has a name already, and is not in the catalogue yet. */
    connection->refreshing = true;
    int code = connection_enlist(connection, error);
    connection->refreshing = false;
    return code == SQLITE_OK ? connection_own(connection, error) : code;
}

int alter_end(struct connection *connection, enum mae_status status, bool sqlite_follows, char **error)
{
    if (connection->writer == NULL) /* a statement within had no memory, for which SQLite rolls all back */
        return SQLITE_NOMEM;
    const struct database *database = connection->database;
    const bool follows = sqlite_follows && connection->version == database->version;
    if (status == MAE_OK)
        status = tables_read(connection->database, connection->writer->txn);
    if (status != MAE_OK) {
        sqlite3_free(*error);
        *error = sqlite3_mprintf("maemio: %s", mae_status_text(status));
    }
    if (connection->inside > 1 || connection->writer->cursors > 0)
        connection->changed_amid = !MUTATED(sql_query_begins_again);
    connection->writer->used = !MUTATED(sql_change_forgotten);
    connection->version = status == MAE_OK && follows ? database->version : 0;
    return session_code(connection->writer, status);
}

enum mae_status alter_write(struct connection *connection, struct table *table)
{
    struct database *database = connection->database;
    enum mae_status status = tables_make(database, connection->writer->txn, table);
    /* A transaction that is older than an index does not see it. One that is not used yet begins again; another one
     * fails with MAE_ABORT_INDEX, and finds the index when it is run again. */
    if (status == MAE_OK && !connection->writer->used && !table->is_view)
        status = connection_restart(connection, table);
    if (status != MAE_OK)
        return status;
    return tables_write(database, connection->writer->txn, table);
}

/* A table's new definition, and how its rows follow. */
struct redefinition {
    struct connection *connection;
    const struct table *old;
    struct table *table;
    int from[COLUMNS_MAX]; /* the old number of each column; -1: it is new */
    bool rewrites;         /* the rows */
    struct value added;    /* what a new column has */
    char *why;
    void *scratch;
};

static bool refuse(char **error, char *why)
{
    sqlite3_free(*error);
    *error = why;
    return false;
}

/* Of what has failed and says why, unless memory has run out. */
static int refused(char *const *error)
{
    return *error == NULL ? SQLITE_NOMEM : SQLITE_ERROR;
}

static const struct index *index_by_id(const struct table *table, uint64_t id)
{
    for (unsigned i = 0; i < table->indexes; i++)
        if (table->index[i].id == id)
            return &table->index[i];
    return NULL;
}

/* ---- Rows. ---- */

struct twin {
    const struct redefinition *change;
    const struct index *index;
    const struct value *values;
    bool found;
};

static enum mae_status twin_visit(void *arg, const void *key, uint64_t row)
{
    struct twin *twin = arg;
    const void *data;
    (void)key;
    enum mae_status status =
        mae_row_read(twin->change->connection->writer->txn, twin->change->table->rows, row, &data, NULL);
    if (status != MAE_OK)
        return status;
    for (unsigned i = 0; i < twin->index->columns; i++) {
        struct value value = row_column(data, twin->index->column[i]);
        if (value.type == VALUE_NULL || !key_equals(twin->index, i, &value, &twin->values[twin->index->column[i]]))
            return MAE_OK;
    }
    twin->found = true;
    return MAE_STOP;
}

/* Adds the entry of a row to an index that is new. */
static enum mae_status entry_add(struct redefinition *change, const struct index *index, const struct value *values,
                                 uint64_t row)
{
    struct mae_txn *txn = change->connection->writer->txn;
    struct twin twin = {.change = change, .index = index, .values = values};
    enum mae_status status = MAE_OK;
    if (index->unique)
        status = entries_visit(txn, change->table, index, values, twin_visit, &twin);
    if (status == MAE_OK && twin.found) {
        change->why = sqlite3_mprintf("UNIQUE constraint failed: index %s", index->name != NULL ? index->name : "");
        return MAE_EXISTS;
    }
    return status == MAE_OK ? entries_add(txn, change->table, index, values, row) : status;
}

static enum mae_status row_rewrite(struct redefinition *change, const struct value *values, int64_t rowid, uint64_t row)
{
    size_t bytes = row_bytes(values, change->table->columns);
    void *data;
    if (bytes > MAE_PAYLOAD_MAX_BYTES)
        return MAE_TOO_LARGE;
    row_encode(change->scratch, rowid, values, change->table->columns);
    enum mae_status status = mae_row_overwrite(change->connection->writer->txn, change->table->rows, row, bytes, &data);
    if (status == MAE_OK)
        memcpy(data, change->scratch, bytes);
    return status;
}

static enum mae_status row_redefine(void *arg, const void *key, uint64_t row)
{
    struct redefinition *change = arg;
    const struct table *old = change->old, *table = change->table;
    struct mae_txn *txn = change->connection->writer->txn;
    struct value before[COLUMNS_MAX], after[COLUMNS_MAX];
    const void *data;
    (void)key;
    enum mae_status status = mae_row_read(txn, table->rows, row, &data, NULL);
    if (status != MAE_OK)
        return status;
    for (unsigned i = 0; i < old->columns; i++)
        before[i] = row_column(data, i);
    for (unsigned i = 0; i < table->columns; i++)
        after[i] = change->from[i] < 0 ? change->added : before[change->from[i]];
    for (unsigned i = 0; i < old->indexes && status == MAE_OK; i++)
        if (index_by_id(table, old->index[i].id) == NULL)
            status = entries_remove(txn, old, &old->index[i], before, row);
    for (unsigned i = 0; i < table->indexes && status == MAE_OK; i++)
        if (index_by_id(old, table->index[i].id) == NULL)
            status = entry_add(change, &table->index[i], after, row);
    return status == MAE_OK && change->rewrites ? row_rewrite(change, after, row_rowid(data), row) : status;
}

/* ---- Definitions. ---- */

/* The table and its copy that is to be changed. */
static bool table_copy(struct redefinition *change, const char *name, char **error)
{
    change->old = tables_named(change->connection->database, name);
    if (change->old == NULL)
        return refuse(error, sqlite3_mprintf("no such table: %s", name));
    change->table = schema_read(change->old->name, change->old->text, error);
    for (unsigned i = 0; i < COLUMNS_MAX; i++)
        change->from[i] = (int)i;
    return change->table != NULL;
}

/* What a column that is added has in the rows that are there. */
static int added_value(struct redefinition *change, const struct column *column, sqlite3_stmt **holder, char **error)
{
    sqlite3 *sqlite = change->connection->sqlite;
    if (column->default_text == NULL)
        return SQLITE_OK;
    char *sql = sqlite3_mprintf("SELECT CAST((%s) AS %s)", column->default_text, column->type_name);
    int code = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(sqlite, sql, -1, holder, NULL);
    sqlite3_free(sql);
    if (code == SQLITE_OK && sqlite3_step(*holder) != SQLITE_ROW)
        code = sqlite3_errcode(sqlite);
    if (code == SQLITE_NOMEM)
        return code;
    if (code != SQLITE_OK) {
        (void)refuse(error, sqlite3_mprintf("maemio: a DEFAULT: %s", sqlite3_errmsg(sqlite)));
        return code;
    }
    change->added = value_of(sqlite3_column_value(*holder, 0));
    change->rewrites = true;
    return SQLITE_OK;
}

/* Writes the catalogue and lets the rows follow. */
static int redefine(struct redefinition *change, char **error)
{
    struct connection *connection = change->connection;
    struct table *table = change->table;
    table->id = change->old->id;
    if (change->rewrites && (change->scratch = sqlite3_malloc64(MAE_PAYLOAD_MAX_BYTES)) == NULL)
        return SQLITE_NOMEM;
    connection->writer->changes++;
    enum mae_status status = alter_write(connection, table);
    if (status == MAE_OK && (change->rewrites || table->indexes != change->old->indexes))
        status = mae_index_visit(connection->writer->txn, table->by_rowid, NULL, NULL, 0, row_redefine, change);
    sqlite3_free(change->scratch);
    if (status == MAE_EXISTS && change->why != NULL) {
        (void)refuse(error, change->why);
        return SQLITE_CONSTRAINT_UNIQUE;
    }
    return alter_end(connection, status, false, error);
}

/* ---- What is asked. ---- */

struct request {
    const char *table, *name, *text; /* text: a definition, or a new name */
    bool lax;
    const struct table *counted; /* what ANALYZE has looked at, and found there */
    const struct statistics *found;
};

typedef int (*alter_fn)(struct redefinition *change, const struct request *request, char **error);

static int add(struct redefinition *change, const struct request *request, char **error)
{
    if (request->name != NULL && tables_with_index(change->connection->database, request->name) != NULL) {
        if (request->lax)
            return SQLITE_OK;
        (void)refuse(error, sqlite3_mprintf("index %s already exists", request->name));
        return SQLITE_ERROR;
    }
    if (!table_copy(change, request->table, error))
        return refused(error);
    char *text = sqlite3_mprintf("%s, %s", change->old->text, request->text);
    schema_free(change->table);
    change->table = text == NULL ? NULL : schema_read(change->old->name, text, error);
    sqlite3_free(text);
    if (change->table == NULL)
        return refused(error);
    const unsigned columns = change->old->columns;
    sqlite3_stmt *holder = NULL;
    int code = SQLITE_OK;
    if (request->name == NULL && change->table->columns == columns) {
        (void)refuse(error, sqlite3_mprintf("maemio: '%s' is no column", request->text));
        return SQLITE_ERROR;
    }
    if (change->table->columns > columns) {
        const struct column *column = &change->table->column[columns];
        change->from[columns] = -1;
        if (change->table->columns > columns + 1 || change->table->indexes > change->old->indexes ||
            change->table->key != change->old->key || change->table->checks > change->old->checks) {
            (void)refuse(error, sqlite3_mprintf("maemio: a column that is added cannot be a key, UNIQUE or CHECKed"));
            code = SQLITE_ERROR;
        }
        if (code == SQLITE_OK)
            code = added_value(change, column, &holder, error);
        if (code == SQLITE_OK && column->not_null && change->added.type == VALUE_NULL) {
            (void)refuse(error, sqlite3_mprintf("Cannot add a NOT NULL column with default value NULL"));
            code = SQLITE_ERROR;
        }
    }
    if (code == SQLITE_OK)
        code = redefine(change, error);
    sqlite3_finalize(holder);
    return code;
}

/* Takes the column out of the copy. */
static void column_remove(struct redefinition *change, unsigned column)
{
    struct table *table = change->table;
    sqlite3_free(table->column[column].name);
    sqlite3_free(table->column[column].default_text);
    table->columns--;
    for (unsigned i = column; i < table->columns; i++) {
        table->column[i] = table->column[i + 1];
        change->from[i] = (int)i + 1;
    }
    memset(&table->column[table->columns], 0, sizeof table->column[0]);
    for (unsigned i = 0; i < table->indexes; i++)
        for (unsigned j = 0; j < table->index[i].columns; j++)
            table->index[i].column[j] -= table->index[i].column[j] > column;
    table->key -= table->key > (int)column;
    change->rewrites = true;
}

static bool is_indexed(const struct table *table, unsigned column)
{
    for (unsigned i = 0; i < table->indexes; i++)
        for (unsigned j = 0; j < table->index[i].columns; j++)
            if (table->index[i].column[j] == column)
                return true;
    return false;
}

/* The number of the column in the copy; CHECKs are texts, which might name it. */
static int column_find(struct redefinition *change, const struct request *request, char **error)
{
    if (!table_copy(change, request->table, error))
        return -1;
    int column = schema_column(change->old, request->name);
    if (column < 0)
        (void)refuse(error, sqlite3_mprintf("no such column: %s", request->name));
    else if (change->old->checks > 0) {
        (void)refuse(error, sqlite3_mprintf("maemio: table %s has CHECKs, which might name column %s",
                                            change->old->name, request->name));
        column = -1;
    }
    return column;
}

static int drop_column(struct redefinition *change, const struct request *request, char **error)
{
    int column = column_find(change, request, error);
    if (column < 0)
        return refused(error);
    if (column == change->old->key || is_indexed(change->old, (unsigned)column) || change->old->columns == 1) {
        (void)refuse(error, sqlite3_mprintf("cannot drop column \"%s\": it is a key, in an index, or the only one",
                                            request->name));
        return SQLITE_ERROR;
    }
    column_remove(change, (unsigned)column);
    return redefine(change, error);
}

static int rename_column(struct redefinition *change, const struct request *request, char **error)
{
    int column = column_find(change, request, error);
    if (column < 0)
        return refused(error);
    if (schema_column(change->old, request->text) >= 0) {
        (void)refuse(error, sqlite3_mprintf("duplicate column name: %s", request->text));
        return SQLITE_ERROR;
    }
    sqlite3_free(change->table->column[column].name);
    change->table->column[column].name = memory_text(request->text);
    return change->table->column[column].name == NULL ? SQLITE_NOMEM : redefine(change, error);
}

static int drop_index(struct redefinition *change, const struct request *request, char **error)
{
    const struct table *owner = tables_with_index(change->connection->database, request->name);
    if (owner == NULL)
        return SQLITE_NOTFOUND;
    if (!table_copy(change, owner->name, error))
        return refused(error);
    struct table *table = change->table;
    unsigned i = 0;
    while (table->index[i].name == NULL || strcasecmp(table->index[i].name, request->name) != 0)
        i++; /* ends: the table has it */
    sqlite3_free(table->index[i].name);
    table->indexes--;
    memmove(&table->index[i], &table->index[i + 1], (table->indexes - i) * sizeof table->index[0]);
    memset(&table->index[table->indexes], 0, sizeof table->index[0]);
    return redefine(change, error);
}

static int set_statistics(struct redefinition *change, const struct request *request, char **error)
{
    if (!table_copy(change, request->table, error))
        return change->old == NULL ? SQLITE_SCHEMA : refused(error);
    if (change->old != request->counted) {
        (void)refuse(error, sqlite3_mprintf("maemio: table %s has changed during ANALYZE", request->table));
        return SQLITE_SCHEMA;
    }
    for (unsigned i = 0; i < change->table->indexes; i++)
        memcpy(change->table->index[i].alike, request->found->alike[i], sizeof change->table->index[i].alike);
    return redefine(change, error);
}

/* SQLite says what is wrong with a view, by making it once. */
static int view_try(struct connection *connection, const char *name, const char *text, char **error)
{
    char *sql = sqlite3_mprintf("CREATE VIEW maemio.\"%w\" %s", name, text);
    int code = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(connection->sqlite, sql, NULL, NULL, error);
    sqlite3_free(sql);
    if (code != SQLITE_OK)
        return code;
    sql = sqlite3_mprintf("DROP VIEW maemio.\"%w\"", name);
    code = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(connection->sqlite, sql, NULL, NULL, error);
    sqlite3_free(sql);
    return code;
}

static int add_view(struct redefinition *change, const struct request *request, char **error)
{
    struct connection *connection = change->connection;
    const struct database *database = connection->database;
    const bool is_table = tables_named(database, request->name) != NULL;
    if (is_table || tables_view_named(database, request->name) != NULL) {
        if (request->lax)
            return SQLITE_OK;
        (void)refuse(error, sqlite3_mprintf("%s %s already exists", is_table ? "table" : "view", request->name));
        return SQLITE_ERROR;
    }
    int code = view_try(connection, request->name, request->text, error);
    if (code != SQLITE_OK)
        return code;
    char *text = schema_view_text(request->text);
    change->table = text == NULL ? NULL : schema_read(request->name, text, error);
    sqlite3_free(text);
    if (change->table == NULL)
        return refused(error);
    return alter_end(connection, alter_write(connection, change->table), false, error);
}

static int drop_view(struct redefinition *change, const struct request *request, char **error)
{
    struct connection *connection = change->connection;
    const struct table *view = tables_view_named(connection->database, request->name);
    if (view == NULL)
        return SQLITE_NOTFOUND;
    const enum mae_status status = tables_remove(connection->database, connection->writer->txn, view);
    return alter_end(connection, status, false, error);
}

/* Writes the view anew if `look` finds it changed. A code of SQLite's statements, or *status of the engine. */
static int view_follow(struct connection *connection, const struct table *view, sqlite3_stmt *look,
                       enum mae_status *status)
{
    int code = sqlite3_bind_text(look, 1, view->name, -1, SQLITE_STATIC);
    if (code != SQLITE_OK)
        return code;
    if ((code = sqlite3_step(look)) != SQLITE_ROW)
        return code == SQLITE_DONE ? SQLITE_OK : code;
    const char *create = (const char *)sqlite3_column_text(look, 0);
    if (create == NULL)
        return SQLITE_NOMEM;
    if (schema_view_is(view, create))
        return SQLITE_OK;
    const char *body = create;
    char *name = NULL, *error = NULL, *text = NULL;
    struct table *changed = NULL;
    (void)words_take_both(&body, "CREATE", "VIEW");
    if (words_name(&body, &name) == SQLITE_OK && (text = schema_view_text(words_blanks_end(body))) != NULL)
        changed = schema_read(view->name, text, &error);
    *status = MAE_NO_MEMORY;
    if (changed != NULL) {
        changed->id = view->id;
        *status = alter_write(connection, changed);
    }
    schema_free(changed);
    sqlite3_free(text);
    sqlite3_free(name);
    return SQLITE_OK;
}

int alter_views_follow(struct connection *connection, enum mae_status *status)
{
    sqlite3_stmt *look;
    int code = sqlite3_prepare_v2(
        connection->sqlite, "SELECT sql FROM maemio.sqlite_schema WHERE type = 'view' AND name = ?1 COLLATE NOCASE", -1,
        &look, NULL);
    const struct table *view = connection->database->tables;
    *status = MAE_OK;
    for (; view != NULL && code == SQLITE_OK && *status == MAE_OK; view = view->next) {
        if (!view->dropped && view->is_view && !MUTATED(sql_view_unfollowed))
            code = view_follow(connection, view, look, status);
        (void)sqlite3_reset(look);
    }
    (void)sqlite3_finalize(look);
    return code;
}

/* Takes back what was done since the mark, or all if there is none, and lets the list of tables follow. */
static int take_back(struct connection *connection, const uint64_t *mark)
{
    struct session *writer = connection->writer;
    enum mae_status status = mark != NULL ? mae_rollback_to(writer->txn, *mark) : connection_restart(connection, NULL);
    return connection_list(connection, status);
}

/* Whether the writer's transaction is still open: if a statement within has no memory, SQLite rolls all back. */
static bool is_open(const struct connection *connection, const struct session *writer)
{
    return connection->writer == writer && writer->txn != NULL;
}

/* Does it, or leaves all as it was. */
static int alter_or_not(struct redefinition *change, alter_fn what, const struct request *request, char **error)
{
    struct session *writer = change->connection->writer;
    const bool marked = writer->used; /* else the transaction may begin again, without its marks */
    uint64_t mark;
    enum mae_status status = marked ? mae_savepoint(writer->txn, &mark) : MAE_OK;
    if (status != MAE_OK)
        return session_code(writer, status);
    int code = what(change, request, error);
    /* SQLite then connects anew if this is rolled back. */
    if (code == SQLITE_OK) {
        char *sql = sqlite3_mprintf("PRAGMA maemio.schema_version = %u",
                                    (unsigned)(change->connection->database->version % INT32_MAX));
        code = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(change->connection->sqlite, sql, NULL, NULL, error);
        sqlite3_free(sql);
    }
    if (code != SQLITE_OK && is_open(change->connection, writer)) {
        int back = take_back(change->connection, marked ? &mark : NULL);
        code = back == SQLITE_OK ? code : back;
    }
    if (marked && is_open(change->connection, writer))
        status = mae_release(writer->txn, mark);
    return status == MAE_OK ? code : session_code(writer, status);
}

/* In a transaction of its own, if none is open. */
static int alter(struct connection *connection, alter_fn what, const struct request *request, char **error)
{
    struct redefinition change = {.connection = connection, .added = {.type = VALUE_NULL}};
    sqlite3 *sqlite = connection->sqlite;
    const bool own = sqlite3_get_autocommit(sqlite);
    int code = own ? sqlite3_exec(sqlite, "BEGIN", NULL, NULL, error) : SQLITE_OK;
    if (code == SQLITE_OK && (code = alter_begin(connection, error)) == SQLITE_OK)
        code = alter_or_not(&change, what, request, error);
    schema_free(change.table);
    if (own && code == SQLITE_OK)
        code = sqlite3_exec(sqlite, "COMMIT", NULL, NULL, error);
    if (own && !sqlite3_get_autocommit(sqlite))
        (void)sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return code;
    /* The change has been committed: what fails here is done before the next statement. */
    code = connection_refresh(connection, own ? NULL : error);
    return own ? SQLITE_OK : code;
}

int alter_add_column(struct connection *connection, const char *table, const char *definition, char **error)
{
    return alter(connection, add, &(struct request){.table = table, .text = definition}, error);
}

int alter_add_index(struct connection *connection, const char *table, const char *index, const char *definition,
                    bool lax, char **error)
{
    const struct request request = {.table = table, .name = index, .text = definition, .lax = lax};
    return alter(connection, add, &request, error);
}

int alter_drop_column(struct connection *connection, const char *table, const char *column, char **error)
{
    return alter(connection, drop_column, &(struct request){.table = table, .name = column}, error);
}

int alter_rename_column(struct connection *connection, const char *table, const char *from, const char *to,
                        char **error)
{
    return alter(connection, rename_column, &(struct request){.table = table, .name = from, .text = to}, error);
}

int alter_add_view(struct connection *connection, const char *view, const char *text, bool lax, char **error)
{
    return alter(connection, add_view, &(struct request){.name = view, .text = text, .lax = lax}, error);
}

int alter_drop_view(struct connection *connection, const char *view, char **error)
{
    return alter(connection, drop_view, &(struct request){.name = view}, error);
}

int alter_statistics(struct connection *connection, const struct table *table, const struct statistics *found,
                     char **error)
{
    return alter(connection, set_statistics, &(struct request){.table = table->name, .counted = table, .found = found},
                 error);
}

int alter_drop_index(struct connection *connection, const char *index, char **error)
{
    return alter(connection, drop_index, &(struct request){.name = index}, error);
}
