/*
 * extension.c - how a connection of SQLite gets Maemio: the entry point of the loadable extension maemio.so, the
 * calls of maemio_sql.h, and the functions of SQL.
 */
#include <stddef.h>

#include "sql/front.h"
#include "sql/module.h"
#ifdef SQLITE_CORE
#include "sql/maemio_sql.h"
#else
const sqlite3_api_routines *sqlite3_api;

int sqlite3_maemio_init(sqlite3 *sqlite, char **error, const sqlite3_api_routines *routines);
#endif

static void answer(sqlite3_context *context, int code, char *error)
{
    if (code == SQLITE_OK)
        return;
    sqlite3_result_error(context, error != NULL ? error : sqlite3_errstr(code), -1);
    sqlite3_result_error_code(context, code);
    sqlite3_free(error);
}

/* maemio_open(FOLDER), maemio_open(FOLDER, OPTIONS): the connection's tables are those of the folder's database. */
static void open_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct connection *connection = sqlite3_user_data(context);
    const char *folder = (const char *)sqlite3_value_text(values[0]);
    const char *options = count > 1 ? (const char *)sqlite3_value_text(values[1]) : NULL;
    char *error = NULL;
    int code = connection_open(connection, folder == NULL ? "" : folder, options, &error);
    if (code == SQLITE_OK)
        code = connection_follow(connection, &error);
    answer(context, code, error);
}

/* maemio_refresh(): makes the connection's names what other connections have created and dropped. */
static void refresh_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct connection *connection = sqlite3_user_data(context);
    char *error = NULL;
    (void)count, (void)values;
    int code = connection->database == NULL ? connection_open(connection, "", NULL, &error) : SQLITE_OK;
    if (code == SQLITE_OK)
        code = connection_follow(connection, &error);
    answer(context, code, error);
}

/* maemio_snapshot(ON): whether the connection's transactions are snapshots, which never conflict and cannot write. */
static void snapshot_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    char *error = NULL;
    (void)count;
    int code = SQLITE_ERROR;
    const bool is_integer = sqlite3_value_numeric_type(values[0]) == SQLITE_INTEGER;
    const sqlite3_int64 on = is_integer ? sqlite3_value_int64(values[0]) : -1;
    if (on == 0 || on == 1)
        code = connection_only_reads(sqlite3_user_data(context), on == 1, &error);
    else
        error = sqlite3_mprintf("maemio: maemio_snapshot takes 1 or 0");
    answer(context, code, error);
}

static int run_all(struct connection *connection, const char *sql, front_row_fn row, void *arg, char **error)
{
    int code = SQLITE_OK;
    while (code == SQLITE_OK && *sql != '\0')
        code = front_run(connection, &sql, row, arg, error);
    return code;
}

/* maemio_exec(STATEMENTS): those that SQLite refuses for virtual tables, too; rows that they give are not seen. */
static void exec_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *sql = (const char *)sqlite3_value_text(values[0]);
    char *error = NULL;
    (void)count;
    int code = sql == NULL ? SQLITE_OK : run_all(sqlite3_user_data(context), sql, NULL, NULL, &error);
    answer(context, code, error);
}

static const struct function {
    const char *name;
    int arguments;
    void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
} functions[] = {
    {"maemio_open", 1, open_function},       {"maemio_open", 2, open_function},
    {"maemio_refresh", 0, refresh_function}, {"maemio_snapshot", 1, snapshot_function},
    {"maemio_exec", 1, exec_function},
};

static int attach(sqlite3 *sqlite, const char *folder, const char *options, char **error)
{
    struct connection *connection = connection_find(sqlite);
    int code = SQLITE_OK;
    if (connection == NULL) {
        if ((connection = connection_create(sqlite)) == NULL)
            return SQLITE_NOMEM;
        code = module_register(connection, error);
        for (size_t i = 0; code == SQLITE_OK && i < sizeof functions / sizeof functions[0]; i++)
            code = sqlite3_create_function(sqlite, functions[i].name, functions[i].arguments,
                                           SQLITE_UTF8 | SQLITE_DIRECTONLY, connection, functions[i].call, NULL, NULL);
    }
    if (code == SQLITE_OK && folder != NULL)
        code = connection_open(connection, folder, options, error);
    return code == SQLITE_OK && folder != NULL ? connection_follow(connection, error) : code;
}

#ifdef SQLITE_CORE
int mae_sql_attach(sqlite3 *sqlite, const char *folder, char **error)
{
    return mae_sql_attach_with(sqlite, folder, NULL, error);
}

int mae_sql_attach_with(sqlite3 *sqlite, const char *folder, const char *options, char **error)
{
    char *why = NULL;
    int code = attach(sqlite, folder != NULL ? folder : "", options, &why);
    if (error != NULL)
        *error = why;
    else
        sqlite3_free(why);
    return code;
}

int mae_sql_exec(sqlite3 *sqlite, const char *sql, int (*row)(void *arg, sqlite3_stmt *statement), void *arg,
                 char **error)
{
    struct connection *connection = connection_find(sqlite);
    char *why = NULL;
    int code = connection == NULL ? SQLITE_MISUSE : run_all(connection, sql, row, arg, &why);
    if (error != NULL)
        *error = why;
    else
        sqlite3_free(why);
    return code;
}

int mae_sql_commit_hook(sqlite3 *sqlite, int (*hook)(void *arg), void *arg)
{
    struct connection *connection = connection_find(sqlite);
    if (connection == NULL)
        return SQLITE_MISUSE;
    connection->commit_hook = hook;
    connection->commit_hook_arg = arg;
    return SQLITE_OK;
}
#else
/* The extension stays in memory: its database has a thread of its own. */
int sqlite3_maemio_init(sqlite3 *sqlite, char **error, const sqlite3_api_routines *routines)
{
    sqlite3_api = routines;
    int code = attach(sqlite, NULL, NULL, error);
    return code == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : code;
}
#endif
