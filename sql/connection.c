/* connection.c - see connection.h. */
#include "sql/connection.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/compiler.h"
#include "sql/tables.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct connection *list;

static int refuse(char **error, int code, const char *why)
{
    if (error != NULL) {
        sqlite3_free(*error);
        *error = sqlite3_mprintf("maemio: %s", why);
    }
    return code;
}

int code_of(enum mae_status status)
{
    if (mae_status_is_retryable(status) || status == MAE_ABORT_OLD)
        return SQLITE_BUSY_SNAPSHOT;
    switch (status) {
    case MAE_OK:
        return SQLITE_OK;
    case MAE_NO_MEMORY:
    case MAE_NO_ADDRESSES:
        return SQLITE_NOMEM;
    case MAE_TOO_LARGE:
        return SQLITE_TOOBIG;
    case MAE_READ_ONLY:
        return SQLITE_READONLY;
    case MAE_FULL:
        return SQLITE_FULL;
    case MAE_CORRUPT:
        return SQLITE_CORRUPT;
    case MAE_IO:
    case MAE_IO_UNKNOWN:
        return SQLITE_IOERR;
    default:
        return SQLITE_ERROR;
    }
}

/* sqlite3_is_interrupted is too new (SQLite 3.41). A statement within another one does not begin. */
int connection_interrupted(const struct connection *connection)
{
    return sqlite3_exec(connection->sqlite, "SELECT 1", NULL, NULL, NULL);
}

/* ---- Sessions. ---- */

int connection_enter(struct connection *connection, struct mae_worker **worker, char **error)
{
    *worker = connection->worker;
    enum mae_status status = gate_enter(connection->database, connection, connection->inside, worker);
    connection->worker = *worker;
    if (status == MAE_BUSY)
        return refuse(error, SQLITE_BUSY, "the schema is being changed, or too many transactions are open");
    return status == MAE_OK ? SQLITE_OK : refuse(error, code_of(status), mae_status_text(status));
}

static struct session *session_new(struct connection *connection)
{
    struct session *session = connection->spare;
    if (session == NULL)
        return memory_zeroed(sizeof *session);
    connection->spare = NULL;
    *session = (struct session){.worker = NULL};
    return session;
}

static void session_free(struct connection *connection, struct session *session)
{
    if (connection->spare == NULL)
        connection->spare = session;
    else
        sqlite3_free(session);
}

static int session_open(struct connection *connection, enum mae_mode mode, struct session **opened, char **error)
{
    if (connection->broken)
        return refuse(error, SQLITE_MISUSE,
                      "a commit hook of SQLite has refused what was committed already; close the connection");
    if (connection->database == NULL) {
        int code = connection_open(connection, "", NULL, error);
        if (code != SQLITE_OK)
            return code;
    }
    struct session *session = session_new(connection);
    if (session == NULL)
        return SQLITE_NOMEM;
    session->snapshot = mode == MAE_SNAPSHOT;
    int entered = connection_enter(connection, &session->worker, error);
    if (entered != SQLITE_OK) {
        session_free(connection, session);
        return entered;
    }
    connection->inside++;
    enum mae_status status = mae_begin(session->worker, mode, 0, &session->txn);
    if (status == MAE_OK) {
        *opened = session;
        return SQLITE_OK;
    }
    gate_leave(connection->database, session->worker);
    connection->inside--;
    session_free(connection, session);
    return refuse(error, code_of(status), mae_status_text(status));
}

/* The last transaction that was open has ended, for which something could not be dropped. */
static void leftovers_drop(struct connection *connection)
{
    struct database *database = connection->database;
    struct mae_worker *worker = NULL;
    if (!atomic_load_explicit(&database->has_leftovers, memory_order_relaxed) || connection->owner ||
        MUTATED(sql_leftovers_stay) || !gate_own_idle(database, connection))
        return;
    if (gate_enter(database, connection, connection->inside, &worker) == MAE_OK) {
        (void)tables_sweep(database, worker, true);
        gate_leave(database, worker);
    }
    gate_disown(database);
}

/* Ends the transaction, if it has not ended, and gives the worker back. */
static void session_end(struct connection *connection, struct session *session)
{
    if (session->txn != NULL)
        (void)mae_abort(session->txn);
    session->txn = NULL;
    if (session->worker != NULL) {
        gate_leave(connection->database, session->worker);
        connection->inside--;
        connection->changed_amid = connection->changed_amid && connection->inside > 0;
        leftovers_drop(connection);
    }
    session->worker = NULL;
}

/* The transaction can only be ended. A snapshot stays open meanwhile: SQLite may have its values, for another query. */
static void session_fail(struct session *session, enum mae_status status)
{
    if (session->txn == NULL)
        return;
    session->failure = status;
    if (session->snapshot && !MUTATED(sql_old_snapshot_ends))
        return;
    (void)mae_abort(session->txn);
    session->txn = NULL;
}

static bool has_failed(const struct session *session)
{
    return session->txn == NULL || session->failure != MAE_OK;
}

/* Says why the session can do no more. */
static int refuse_failed(const struct session *session, char **error)
{
    if (session->failure != MAE_OK)
        return refuse(error, code_of(session->failure), mae_status_text(session->failure));
    return refuse(error, SQLITE_ERROR,
                  "this transaction has ended here, but a file has refused the COMMIT: repeat it, or ROLLBACK");
}

int session_code(struct session *session, enum mae_status status)
{
    if (mae_status_is_abort(status))
        session_fail(session, status);
    return code_of(status);
}

/* Opens what new cursors read from, if it is not open: the writer within BEGIN, and else a reader. */
static int reading_open(struct connection *connection, char **error)
{
    int code = SQLITE_OK;
    if (connection->writer == NULL && !sqlite3_get_autocommit(connection->sqlite) && !MUTATED(sql_reads_unenlisted))
        code = connection_enlist(connection, error);
    if (code == SQLITE_OK && connection->writer == NULL && connection->reader == NULL)
        code = session_open(connection, MAE_SNAPSHOT, &connection->reader, error);
    return code;
}

int connection_read(struct connection *connection, struct session *before, struct session **session, char **error)
{
    struct session *open = before;
    if (before == NULL || !before->snapshot || MUTATED(sql_snapshot_unkept)) {
        int code = reading_open(connection, error);
        if (code != SQLITE_OK)
            return code;
        open = connection->writer != NULL ? connection->writer : connection->reader;
    }
    if (has_failed(open))
        return refuse_failed(open, error);
    open->used = true;
    open->cursors++;
    *session = open;
    return SQLITE_OK;
}

void connection_read_end(struct connection *connection, struct session *session)
{
    MAE_DCHECK(session->cursors > 0);
    if (--session->cursors > 0 || session == connection->writer)
        return;
    if (session == connection->reader)
        connection->reader = NULL;
    session_end(connection, session);
    session_free(connection, session);
}

int connection_write(struct connection *connection, char **error)
{
    if (connection->writer == NULL) {
        connection->synced = false;
        connection->levels = 0;
        const enum mae_mode mode = connection->only_reads ? MAE_SNAPSHOT : MAE_READ_WRITE;
        return session_open(connection, mode, &connection->writer, error);
    }
    return has_failed(connection->writer) ? refuse_failed(connection->writer, error) : SQLITE_OK;
}

int connection_change(struct connection *connection, char **error)
{
    int code = connection_write(connection, error);
    if (code != SQLITE_OK || !connection->writer->snapshot)
        return code;
    return refuse(error, SQLITE_READONLY, "this connection only reads; SELECT maemio_snapshot(0) lets it write");
}

int connection_own(struct connection *connection, char **error)
{
    int code = connection_change(connection, error);
    if (code != SQLITE_OK)
        return code;
    if (!gate_own(connection->database, connection, connection->inside))
        return refuse(error, SQLITE_BUSY, "other connections have transactions open: the schema cannot be changed");
    if (!connection->owner)
        tables_keep(connection->database);
    connection->owner = true;
    return SQLITE_OK;
}

void connection_forget(struct connection *connection)
{
    sqlite3_stmt *enlist = connection->enlist;
    connection->forgets = connection->enlisting;
    if (connection->enlisting)
        return;
    connection->enlist = NULL;
    sqlite3_finalize(enlist);
}

int connection_enlist(struct connection *connection, char **error)
{
    int code = SQLITE_OK;
    if (connection->enlist == NULL) {
        code = sqlite3_exec(connection->sqlite, "SELECT 1 FROM maemio.maemio_keeper", NULL, NULL, NULL);
        /* A DELETE that finds nothing changes neither last_insert_rowid() nor total_changes(). */
        if (code == SQLITE_OK)
            code = sqlite3_prepare_v3(connection->sqlite, "DELETE FROM maemio.maemio_enlist", -1,
                                      SQLITE_PREPARE_PERSISTENT, &connection->enlist, NULL);
    }
    if (code == SQLITE_OK) {
        connection->enlisting = true;
        (void)sqlite3_step(connection->enlist);
        code = sqlite3_reset(connection->enlist);
        connection->enlisting = false;
        if (connection->forgets)
            connection_forget(connection);
    }
    if (code == SQLITE_OK)
        return code;
    connection->version = 0; /* SQLite may roll back names, and not say so */
    return refuse(error, code, sqlite3_errmsg(connection->sqlite));
}

/* Whether the transaction sees the index. */
static enum mae_status index_look(struct mae_txn *txn, struct mae_index *index)
{
    uint64_t row;
    uint8_t key[MAE_KEY_MAX_BYTES] = {0};
    enum mae_status status = mae_index_find(txn, index, key, &row);
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

enum mae_status connection_restart(struct connection *connection, const struct table *table)
{
    struct session *writer = connection->writer;
    enum mae_status status;
    do { /* ends: clocks go on, and what was made has a timestamp of the past */
        (void)mae_abort(writer->txn);
        writer->txn = NULL;
        writer->used = false;
        status = writer->failure = mae_begin(writer->worker, MAE_READ_WRITE, 0, &writer->txn);
        for (unsigned i = 0; status == MAE_OK && i < connection->levels; i++)
            status = mae_savepoint(writer->txn, &connection->marks[i]);
        if (status == MAE_OK && table != NULL)
            status = index_look(writer->txn, table->by_rowid);
        for (unsigned i = 0; status == MAE_OK && table != NULL && i < table->indexes; i++)
            status = index_look(writer->txn, table->index[i].entries);
    } while (status == MAE_ABORT_INDEX);
    return status;
}

/* ---- The end of a transaction. ---- */

/* The owner of the gate lets the list of tables be as before, if the change is taken back, and opens the gate. */
static void gate_open(struct connection *connection, bool committed)
{
    struct database *database = connection->database;
    if (!committed)
        tables_take_back(database);
    struct mae_worker *worker = NULL;
    if (gate_enter(database, connection, connection->inside, &worker) == MAE_OK) {
        (void)tables_sweep(database, worker, committed); /* what it cannot empty, it does at the next opening */
        gate_leave(database, worker);
    }
    connection->owner = false;
    gate_disown(database);
}

static void writer_end(struct connection *connection, bool committed)
{
    struct session *writer = connection->writer, *reader = connection->reader;
    connection->writer = NULL;
    if (!MUTATED(sql_reader_stays))
        connection->reader = NULL; /* S2: what it sees is older now */
    connection->synced = false;
    connection->levels = 0;
    if (reader != NULL && reader->cursors == 0) {
        session_end(connection, reader);
        session_free(connection, reader);
    }
    /* The cursors of a snapshot may go on, and their values stay: the last one ends it. */
    bool stays = writer != NULL && writer->snapshot && writer->cursors > 0 && !MUTATED(sql_snapshot_ends);
    if (writer != NULL && !stays) {
        session_end(connection, writer);
        if (writer->cursors == 0)
            session_free(connection, writer);
    }
    if (connection->owner)
        gate_open(connection, committed);
}

/* A file of SQLite that is written in the same transaction would commit after, and perhaps fail alone. */
static bool writes_elsewhere(const struct connection *connection)
{
    const char *name;
    for (int i = 0; (name = sqlite3_db_name(connection->sqlite, i)) != NULL; i++) {
        const char *file = sqlite3_db_filename(connection->sqlite, name);
        if (file != NULL && file[0] != '\0' && sqlite3_txn_state(connection->sqlite, name) == SQLITE_TXN_WRITE)
            return true;
    }
    return false;
}

int connection_sync(struct connection *connection, char **error)
{
    struct session *writer = connection->writer;
    if (writer == NULL)
        return SQLITE_OK;
    if (connection->synced)
        return connection->sync_code;
    if (has_failed(writer))
        return refuse_failed(writer, error);
    if (writer->snapshot)
        return SQLITE_OK; /* there is nothing to validate */
    const bool changes = writer->changes > 0 || connection->owner;
    if (changes && !MUTATED(sql_mixes_files) && writes_elsewhere(connection))
        return refuse(error, SQLITE_ERROR, "a transaction cannot write a file of SQLite and tables of Maemio");
    if (connection->commit_hook != NULL && !MUTATED(sql_hook_unasked) &&
        connection->commit_hook(connection->commit_hook_arg) != 0)
        return refuse(error, SQLITE_CONSTRAINT_COMMITHOOK, "the commit hook has refused");
    enum mae_status status = mae_commit(writer->txn);
    writer->txn = NULL;
    writer->failure = status;
    connection->synced = true;
    connection->sync_code = MUTATED(sql_conflict_is_busy) && status != MAE_OK ? SQLITE_BUSY : code_of(status);
    return status == MAE_OK ? SQLITE_OK : refuse(error, connection->sync_code, mae_status_text(status));
}

int connection_commit(struct connection *connection)
{
    writer_end(connection, true);
    return SQLITE_OK;
}

int connection_rollback(struct connection *connection)
{
    const struct session *writer = connection->writer;
    if (writer != NULL && connection->synced && connection->sync_code == SQLITE_OK)
        connection->broken = writer->changes > 0 || connection->owner; /* reads alone need not be taken back */
    /* What may be lost at the next opening is committed here. */
    const bool unknown = writer != NULL && connection->synced && writer->failure == MAE_IO_UNKNOWN;
    writer_end(connection, connection->broken || unknown);
    connection->version = 0; /* SQLite may have rolled back names */
    return SQLITE_OK;
}

/* ---- Savepoints. Each call comes once for each table, so that a second one at a level must change nothing. ---- */

int connection_savepoint(struct connection *connection, int level)
{
    struct session *writer = connection->writer;
    if (writer == NULL || has_failed(writer))
        return SQLITE_OK; /* the next read or write says what is wrong */
    while (connection->levels <= (unsigned)level) {
        if (connection->levels == connection->levels_max) {
            unsigned more = connection->levels_max * 2 + 8;
            uint64_t *marks = sqlite3_realloc64(connection->marks, more * sizeof *marks);
            if (marks == NULL)
                return SQLITE_NOMEM;
            connection->marks = marks;
            connection->levels_max = more;
        }
        enum mae_status status = mae_savepoint(writer->txn, &connection->marks[connection->levels]);
        if (status != MAE_OK)
            return session_code(writer, status);
        connection->levels++;
    }
    return SQLITE_OK;
}

int connection_release(struct connection *connection, int level)
{
    struct session *writer = connection->writer;
    if (writer == NULL || has_failed(writer) || (unsigned)level >= connection->levels)
        return SQLITE_OK;
    connection->levels = (unsigned)level;
    return session_code(writer, mae_release(writer->txn, connection->marks[level]));
}

int connection_rollback_to(struct connection *connection, int level)
{
    struct session *writer = connection->writer;
    if (writer == NULL || (unsigned)level >= connection->levels)
        return SQLITE_OK;
    /* S4: nothing is left, and the next call says why. A failure here would have SQLite end the transaction, and run
     * what the program still takes for its statements outside of any. */
    if (has_failed(writer))
        return MUTATED(sql_doomed_ends) ? code_of(writer->failure) : SQLITE_OK;
    connection->levels = (unsigned)level + 1;
    connection->version = 0; /* SQLite may have rolled back names */
    writer->changes++;
    enum mae_status status =
        MUTATED(sql_statement_stays) ? MAE_OK : mae_rollback_to(writer->txn, connection->marks[level]);
    return connection_list(connection, status);
}

int connection_list(struct connection *connection, enum mae_status status)
{
    struct session *writer = connection->writer;
    if (status == MAE_OK && connection->owner && !MUTATED(sql_list_stays))
        status = tables_read(connection->database, writer->txn);
    if (status != MAE_OK)
        session_fail(writer, status);
    return code_of(status);
}

/* ---- Names. ---- */

static int run(struct connection *connection, char *sql)
{
    int code = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(connection->sqlite, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return code;
}

/* Whether the catalogue does not have, or has got anew, the view of SQLite's schema. What the program has created
 * there by itself stays. */
static bool view_has_gone(const struct database *database, const char *name, const char *create, bool all)
{
    const struct table *view = tables_view_named(database, name);
    if (view != NULL)
        return all || !schema_view_is(view, create);
    for (view = database->tables; view != NULL; view = view->next)
        if (view->is_view && sqlite3_stricmp(view->name, name) == 0 && schema_view_is(view, create))
            return true;
    return false;
}

/* Drops the names that the catalogue does not have, or all. A table that a statement is reading stays. */
static int names_drop(struct connection *connection, bool all)
{
    sqlite3_stmt *names;
    sqlite3_str *drop = sqlite3_str_new(connection->sqlite);
    int code = sqlite3_prepare_v2(connection->sqlite,
                                  "SELECT name, type = 'view', sql FROM maemio.sqlite_schema WHERE type = 'view' OR "
                                  "(type = 'table' AND name NOT LIKE 'maemio!_%' ESCAPE '!' AND sql LIKE 'CREATE "
                                  "VIRTUAL TABLE%') ORDER BY type DESC", /* a table may stay: views first */
                                  -1, &names, NULL);
    while (code == SQLITE_OK && sqlite3_step(names) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(names, 0);
        const char *create = (const char *)sqlite3_column_text(names, 2);
        const bool view = sqlite3_column_int(names, 1) != 0;
        if (name == NULL || create == NULL)
            continue; /* out of memory, which the statement's end says */
        if (view && view_has_gone(connection->database, name, create, all) && !MUTATED(sql_view_stays)) {
            sqlite3_str_appendf(drop, "DROP VIEW maemio.\"%w\";", name);
            connection->views++;
        } else if (!view && (all || tables_named(connection->database, name) == NULL)) {
            sqlite3_str_appendf(drop, "DROP TABLE maemio.\"%w\";", name);
        }
    }
    int end = sqlite3_finalize(names);
    bool empty = sqlite3_str_length(drop) == 0 && sqlite3_str_errcode(drop) == SQLITE_OK;
    char *sql = sqlite3_str_finish(drop);
    if (code == SQLITE_OK)
        code = end;
    if (code == SQLITE_OK && !empty)
        return run(connection, sql);
    sqlite3_free(sql);
    return code;
}

static int names_create(struct connection *connection)
{
    int code = SQLITE_OK;
    for (struct table *table = connection->database->tables; table != NULL && code == SQLITE_OK; table = table->next)
        if (!table->dropped && table->is_view)
            code = run(connection, schema_view_create(table, "IF NOT EXISTS maemio."));
        else if (!table->dropped)
            code = run(connection,
                       sqlite3_mprintf("CREATE VIRTUAL TABLE IF NOT EXISTS maemio.\"%w\" USING maemio", table->name));
    return code;
}

int connection_refresh(struct connection *connection, char **error)
{
    struct database *database = connection->database;
    if (database == NULL || connection->refreshing || connection->version == database->version)
        return SQLITE_OK;
    struct mae_worker *worker;
    int code = connection_enter(connection, &worker, error);
    if (code != SQLITE_OK)
        return code;
    connection->refreshing = true;
    connection->inside++;
    connection->version = database->version;
    code = names_drop(connection, false);
    if (code == SQLITE_LOCKED) /* it is tried again, and what is left fails when it is used */
        connection->version = 0;
    if (code == SQLITE_OK || code == SQLITE_LOCKED)
        code = names_create(connection);
    /* SQLite forgets its schema, so that it connects again, with the columns that there are now. */
    if (code == SQLITE_OK && connection->altered != database->altered) {
        connection->altered = database->altered;
        code = sqlite3_exec(connection->sqlite, "PRAGMA writable_schema=RESET", NULL, NULL, NULL);
    }
    connection->refreshing = false;
    connection->inside--;
    gate_leave(database, worker);
    if (code == SQLITE_OK)
        return SQLITE_OK;
    connection->version = 0;
    return refuse(error, code, sqlite3_errmsg(connection->sqlite));
}

int connection_follow(struct connection *connection, char **error)
{
    const uint64_t before = connection->version;
    int code = connection_refresh(connection, error);
    if (code != SQLITE_OK || connection->version == before || sqlite3_get_autocommit(connection->sqlite) ||
        MUTATED(sql_names_unenlisted))
        return code;
    return connection_enlist(connection, error);
}

/* ---- Connections. ---- */

struct connection *connection_find(sqlite3 *sqlite)
{
    pthread_mutex_lock(&list_lock);
    struct connection *connection = list;
    while (connection != NULL && connection->sqlite != sqlite)
        connection = connection->next;
    pthread_mutex_unlock(&list_lock);
    return connection;
}

struct connection *connection_create(sqlite3 *sqlite)
{
    struct connection *connection = memory_zeroed(sizeof *connection);
    if (connection == NULL)
        return NULL;
    connection->sqlite = sqlite;
    pthread_mutex_lock(&list_lock);
    connection->next = list;
    list = connection;
    pthread_mutex_unlock(&list_lock);
    return connection;
}

void connection_destroy(void *arg)
{
    struct connection *connection = arg;
    pthread_mutex_lock(&list_lock);
    struct connection **link = &list;
    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
    pthread_mutex_unlock(&list_lock);
    if (connection->database != NULL) {
        writer_end(connection, false);
        database_close(connection->database);
    }
    sqlite3_free(connection->spare);
    sqlite3_free(connection->marks);
    sqlite3_free(connection);
}

/* The connection is to have another database: what it names is dropped, while it has this one. */
static int names_leave(struct connection *connection, char **error)
{
    struct mae_worker *worker;
    int code = connection_enter(connection, &worker, error);
    if (code != SQLITE_OK)
        return code;
    connection->refreshing = true;
    code = names_drop(connection, true);
    connection->refreshing = false;
    gate_leave(connection->database, worker);
    return code == SQLITE_OK ? code : refuse(error, code, sqlite3_errmsg(connection->sqlite));
}

int connection_only_reads(struct connection *connection, bool only_reads, char **error)
{
    if (connection->inside > 0 || !sqlite3_get_autocommit(connection->sqlite))
        return refuse(error, SQLITE_BUSY, "transactions are open");
    connection->only_reads = only_reads;
    return SQLITE_OK;
}

int connection_open(struct connection *connection, const char *folder, const char *options, char **error)
{
    struct database *database;
    char *why;
    if (connection->inside > 0)
        return refuse(error, SQLITE_BUSY, "transactions are open");
    int code = database_open(folder, options, &database, &why);
    if (code != SQLITE_OK) {
        if (error != NULL)
            *error = why;
        else
            sqlite3_free(why);
        return code;
    }
    if (connection->database != NULL) {
        code = names_leave(connection, error);
        database_close(code == SQLITE_OK ? connection->database : database);
        if (code != SQLITE_OK)
            return code;
    }
    connection->database = database;
    connection->version = 0;
    connection->altered = database->altered;
    return SQLITE_OK;
}
