/* module.c - the module: tables, and what concerns a transaction. See module.h. */
#include "sql/module.h"

#include <string.h>

#include "engine/base/compiler.h"
#include "sql/alter.h"
#include "sql/tables.h"

/* ---- xCreate, xConnect, xDisconnect, xDestroy, xRename. ---- */

/* The definition: what stands in the parentheses. */
static char *arguments(int count, const char *const *argument)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (int i = 3; i < count; i++)
        sqlite3_str_appendf(text, "%s%s", i > 3 ? ", " : "", argument[i]);
    if (sqlite3_str_length(text) == 0)
        sqlite3_str_appendchar(text, 1, ' ');
    return sqlite3_str_finish(text);
}

static bool has_same_text(const struct table *a, const struct table *b)
{
    char *one = schema_text(a, true), *other = schema_text(b, true);
    bool same = one != NULL && other != NULL && strcmp(one, other) == 0 && a->indexes == b->indexes;
    sqlite3_free(one);
    sqlite3_free(other);
    return same;
}

/* Adds a table to the catalogue. If there is one of that name and definition, that is it: SQLite does not tell whether
 * the statement said IF NOT EXISTS, and another connection may have made it. */
static int table_create(struct connection *connection, const char *name, const char *text, char **error)
{
    struct table *table = schema_parse(name, text, error);
    if (table == NULL)
        return *error == NULL ? SQLITE_NOMEM : SQLITE_ERROR;
    int code = alter_begin(connection, error);
    if (code == SQLITE_OK) {
        const struct table *there = tables_named(connection->database, name);
        if (tables_view_named(connection->database, name) != NULL) {
            *error = sqlite3_mprintf("view %s already exists; SELECT maemio_refresh() shows it", name);
            code = SQLITE_ERROR;
        } else if (there == NULL)
            code = alter_end(connection, alter_write(connection, table), true, error);
        else if (!has_same_text(table, there)) {
            *error = sqlite3_mprintf("table %s already exists; SELECT maemio_refresh() shows it", name);
            code = SQLITE_ERROR;
        }
    }
    schema_free(table);
    return code;
}

/* Finds the table. A connection that has no transaction enters the gate for it. */
static int table_find(struct connection *connection, const char *name, struct table **found, char **error)
{
    int code = connection->database == NULL ? connection_open(connection, "", NULL, error) : SQLITE_OK;
    if (code != SQLITE_OK)
        return code;
    struct mae_worker *worker = NULL;
    if (connection->inside == 0 && !connection->refreshing)
        code = connection_enter(connection, &worker, error);
    if (code != SQLITE_OK)
        return code;
    struct table *table = tables_named(connection->database, name);
    if (table == NULL && connection->refreshing)
        table = tables_once_named(connection->database, name); /* SQLite connects to a table before it drops it */
    if (table == NULL)
        *error = sqlite3_mprintf("no such table: %s", name);
    if (worker != NULL)
        gate_leave(connection->database, worker);
    *found = table;
    return table != NULL ? SQLITE_OK : SQLITE_ERROR;
}

static int vtab_make(struct connection *connection, struct table *table, sqlite3_vtab **made, char **error)
{
    struct vtab *vtab = memory_zeroed(sizeof *vtab);
    char *declaration = schema_declaration(table);
    int code = vtab == NULL || declaration == NULL ? SQLITE_NOMEM : SQLITE_OK;
    if (code == SQLITE_OK)
        code = sqlite3_declare_vtab(connection->sqlite, declaration);
    sqlite3_free(declaration);
    if (code == SQLITE_OK) {
        (void)sqlite3_vtab_config(connection->sqlite, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
        (void)sqlite3_vtab_config(connection->sqlite, SQLITE_VTAB_INNOCUOUS);
        vtab->connection = connection;
        vtab->table = table;
        *made = &vtab->base;
        return SQLITE_OK;
    }
    sqlite3_free(vtab);
    if (*error == NULL && code != SQLITE_NOMEM)
        *error = sqlite3_mprintf("maemio: %s", sqlite3_errmsg(connection->sqlite));
    return code;
}

static int vtab_connect(sqlite3 *sqlite, void *arg, int count, const char *const *argument, sqlite3_vtab **made,
                        char **error)
{
    struct connection *connection = arg;
    (void)sqlite, (void)count;
    struct table *table;
    int code = table_find(connection, argument[2], &table, error);
    return code == SQLITE_OK ? vtab_make(connection, table, made, error) : code;
}

static int vtab_disconnect(sqlite3_vtab *base)
{
    struct vtab *vtab = (struct vtab *)base;
    update_free(vtab);
    sqlite3_free(vtab->spare);
    sqlite3_free(base->zErrMsg); /* SQLite takes none from xDestroy */
    sqlite3_free(vtab);
    return SQLITE_OK;
}

static int vtab_create(sqlite3 *sqlite, void *arg, int count, const char *const *argument, sqlite3_vtab **made,
                       char **error)
{
    struct connection *connection = arg;
    if (strcmp(argument[1], "maemio") != 0) {
        *error = sqlite3_mprintf("maemio: tables are in the schema maemio: CREATE VIRTUAL TABLE maemio.\"%w\" ...",
                                 argument[2]);
        return SQLITE_ERROR;
    }
    if (sqlite3_strnicmp(argument[2], "maemio_", 7) == 0) {
        *error = sqlite3_mprintf("maemio: names that begin with maemio_ are not for tables");
        return SQLITE_ERROR;
    }
    if (connection->refreshing || count <= 3)
        return vtab_connect(sqlite, arg, count, argument, made, error);
    char *text = arguments(count, argument);
    int code = text == NULL ? SQLITE_NOMEM : table_create(connection, argument[2], text, error);
    sqlite3_free(text);
    if (code == SQLITE_OK)
        code = vtab_connect(sqlite, arg, count, argument, made, error);
    if (code != SQLITE_OK)
        return code;
    struct vtab *vtab = (struct vtab *)*made;
    if ((code = update_prepare(vtab)) != SQLITE_OK) {
        *error = vtab->base.zErrMsg;
        vtab->base.zErrMsg = NULL;
        (void)vtab_disconnect(*made);
    }
    return code;
}

static int vtab_destroy(sqlite3_vtab *base)
{
    struct vtab *vtab = (struct vtab *)base;
    struct connection *connection = vtab->connection;
    if (!connection->refreshing) {
        char *error = NULL;
        int code = alter_begin(connection, &error);
        const struct table *table = vtab->table;
        if (code == SQLITE_OK && table->dropped) /* another connection has changed it */
            table = tables_named(connection->database, table->name);
        if (code == SQLITE_OK && table != NULL)
            code = alter_end(connection, tables_remove(connection->database, connection->writer->txn, table), true,
                             &error);
        if (code != SQLITE_OK)
            return vtab_refuse(vtab, code, error);
    }
    return vtab_disconnect(base);
}

/* SQLite changes the views that it has, and the catalogue's follow: they must be the same. */
static bool views_are_old(const struct connection *connection)
{
    const struct table *table = connection->database->tables;
    while (table != NULL && (table->dropped || !table->is_view))
        table = table->next;
    return table != NULL && connection->version != connection->database->version;
}

static int vtab_rename(sqlite3_vtab *base, const char *name)
{
    struct vtab *vtab = (struct vtab *)base;
    struct connection *connection = vtab->connection;
    char *error = NULL;
    struct table *table = schema_read(name, vtab->table->text, &error);
    if (table == NULL)
        return vtab_refuse(vtab, error == NULL ? SQLITE_NOMEM : SQLITE_ERROR, error);
    table->id = vtab->table->id;
    int code = alter_begin(connection, &error);
    if (code == SQLITE_OK && (vtab->table->dropped || views_are_old(connection))) {
        error = sqlite3_mprintf("maemio: tables or views have changed; SELECT maemio_refresh() shows how");
        code = SQLITE_ERROR;
    }
    if (code == SQLITE_OK) {
        enum mae_status status = alter_write(connection, table);
        if (status == MAE_OK)
            code = alter_views_follow(connection, &status);
        if (code == SQLITE_OK)
            code = alter_end(connection, status, true, &error);
    }
    schema_free(table);
    if (code != SQLITE_OK)
        return vtab_refuse(vtab, code, error);
    /* SQLite goes on with this one. If the transaction is rolled back it connects anew. */
    vtab->table = tables_named(connection->database, name);
    return SQLITE_OK;
}

/* ---- Transactions. ---- */

static int vtab_begin(sqlite3_vtab *base)
{
    struct vtab *vtab = (struct vtab *)base;
    char *error = NULL;
    int code = connection_refresh(vtab->connection, &error);
    if (code == SQLITE_OK)
        code = connection_write(vtab->connection, &error);
    if (code == SQLITE_OK)
        return code;
    vtab->connection->version = 0; /* SQLite may roll back names, and not say so */
    return vtab_refuse(vtab, code, error);
}

static int vtab_sync(sqlite3_vtab *base)
{
    char *error = NULL;
    int code = connection_sync(((struct vtab *)base)->connection, &error);
    return code == SQLITE_OK ? code : vtab_refuse((struct vtab *)base, code, error);
}

static int vtab_commit(sqlite3_vtab *base)
{
    return connection_commit(((struct vtab *)base)->connection);
}

static int vtab_rollback(sqlite3_vtab *base)
{
    return connection_rollback(((struct vtab *)base)->connection);
}

static int vtab_savepoint(sqlite3_vtab *base, int level)
{
    return connection_savepoint(((struct vtab *)base)->connection, level);
}

static int vtab_release(sqlite3_vtab *base, int level)
{
    return connection_release(((struct vtab *)base)->connection, level);
}

static int vtab_rollback_to(sqlite3_vtab *base, int level)
{
    return connection_rollback_to(((struct vtab *)base)->connection, level);
}

static const sqlite3_module reading_and_writing = {
    .iVersion = 2,
    .xCreate = vtab_create,
    .xConnect = vtab_connect,
    .xBestIndex = plan_best_index,
    .xDisconnect = vtab_disconnect,
    .xDestroy = vtab_destroy,
    .xOpen = cursor_open,
    .xClose = cursor_close,
    .xFilter = cursor_filter,
    .xNext = cursor_next,
    .xEof = cursor_eof,
    .xColumn = cursor_column,
    .xRowid = cursor_rowid,
    .xUpdate = update_row,
    .xBegin = vtab_begin,
    .xSync = vtab_sync,
    .xCommit = vtab_commit,
    .xRollback = vtab_rollback,
    .xRename = vtab_rename,
    .xSavepoint = vtab_savepoint,
    .xRelease = vtab_release,
    .xRollbackTo = vtab_rollback_to,
};

/* ---- The table of enlisting, which is always empty; and that of keeping. ----
 * SQLite refuses to close a connection that has statements, and the statement that enlists holds its table. So there is
 * another table, which nothing holds: SQLite disconnects it before it looks for statements. */

static int enlist_connect(sqlite3 *sqlite, void *arg, int count, const char *const *argument, sqlite3_vtab **made,
                          char **error)
{
    (void)count, (void)error;
    int code = sqlite3_declare_vtab(sqlite, "CREATE TABLE x(empty)");
    struct vtab *vtab = code == SQLITE_OK ? memory_zeroed(sizeof *vtab) : NULL;
    if (vtab == NULL)
        return code == SQLITE_OK ? SQLITE_NOMEM : code;
    vtab->connection = arg;
    vtab->keeper = strcmp(argument[2], "maemio_keeper") == 0;
    *made = &vtab->base;
    return SQLITE_OK;
}

static int enlist_disconnect(sqlite3_vtab *base)
{
    struct vtab *vtab = (struct vtab *)base;
    struct connection *connection = vtab->connection;
    bool keeper = vtab->keeper;
    sqlite3_free(vtab->spare);
    sqlite3_free(base->zErrMsg);
    sqlite3_free(base);
    if (keeper)
        connection_forget(connection);
    return SQLITE_OK;
}

static int enlist_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base, (void)info;
    return SQLITE_OK;
}

static int enlist_filter(sqlite3_vtab_cursor *base, int plan, const char *letters, int count, sqlite3_value **values)
{
    (void)base, (void)plan, (void)letters, (void)count, (void)values;
    return SQLITE_OK;
}

static int enlist_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    (void)base, (void)context, (void)column;
    return SQLITE_OK;
}

static int enlist_update(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid)
{
    (void)count, (void)values, (void)rowid;
    return vtab_refuse((struct vtab *)base, SQLITE_READONLY, sqlite3_mprintf("maemio_enlist is always empty"));
}

static const sqlite3_module enlisting = {
    .iVersion = 2,
    .xCreate = enlist_connect,
    .xConnect = enlist_connect,
    .xBestIndex = enlist_best_index,
    .xDisconnect = enlist_disconnect,
    .xDestroy = enlist_disconnect,
    .xOpen = cursor_open,
    .xClose = cursor_close,
    .xFilter = enlist_filter,
    .xNext = cursor_next,
    .xEof = cursor_eof,
    .xColumn = enlist_column,
    .xRowid = cursor_rowid,
    .xUpdate = enlist_update,
    .xBegin = vtab_begin,
    .xSync = vtab_sync,
    .xCommit = vtab_commit,
    .xRollback = vtab_rollback,
    .xSavepoint = vtab_savepoint,
    .xRelease = vtab_release,
    .xRollbackTo = vtab_rollback_to,
};

/* ---- Registering. ---- */

static void modules_remove(sqlite3 *sqlite)
{
    (void)sqlite3_create_module_v2(sqlite, "maemio_enlist", NULL, NULL, NULL);
    (void)sqlite3_create_module_v2(sqlite, "maemio", NULL, NULL, NULL);
}

/* Keys of texts, and with them the bounds of ranges, have the order of UTF-8. */
static int encoding_check(sqlite3 *sqlite, char **error)
{
    sqlite3_stmt *look;
    int code = sqlite3_prepare_v2(sqlite, "PRAGMA encoding", -1, &look, NULL);
    if (code != SQLITE_OK)
        return code;
    const char *encoding = sqlite3_step(look) == SQLITE_ROW ? (const char *)sqlite3_column_text(look, 0) : NULL;
    if (encoding != NULL && strcmp(encoding, "UTF-8") != 0 && !MUTATED(sql_encoding_ignored)) {
        *error = sqlite3_mprintf("maemio: the main database's texts are %s; they must be UTF-8", encoding);
        code = SQLITE_ERROR;
    }
    int end = sqlite3_finalize(look);
    return code == SQLITE_OK ? end : code;
}

int module_register(struct connection *connection, char **error)
{
    sqlite3 *sqlite = connection->sqlite;
    /* If that fails, SQLite has destroyed the connection. */
    int code = sqlite3_create_module_v2(sqlite, "maemio", &reading_and_writing, connection, connection_destroy);
    if (code == SQLITE_OK)
        code = sqlite3_create_module_v2(sqlite, "maemio_enlist", &enlisting, connection, NULL);
    if (code == SQLITE_OK)
        code = encoding_check(sqlite, error);
    if (code == SQLITE_OK)
        code = sqlite3_exec(sqlite, "ATTACH ':memory:' AS maemio", NULL, NULL, error);
    if (code == SQLITE_OK)
        code = sqlite3_exec(sqlite,
                            "CREATE VIRTUAL TABLE maemio.maemio_enlist USING maemio_enlist;"
                            "CREATE VIRTUAL TABLE maemio.maemio_keeper USING maemio_enlist;",
                            NULL, NULL, error);
    if (code != SQLITE_OK)
        modules_remove(sqlite);
    return code;
}
