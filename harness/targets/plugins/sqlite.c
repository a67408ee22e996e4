/*
 * sqlite.c - the store for SQLite: a keyspace is a table of a database with a write-ahead log.
 *
 * Keys of 8 bytes are INTEGER PRIMARY KEY, with the top bit turned so that they sort as unsigned numbers; others are
 * blobs in a table WITHOUT ROWID. Each session has a connection of its own, and its statements, prepared once.
 *
 * A read-write transaction begins with BEGIN IMMEDIATE: SQLite has one writer. Before that it takes a mutex of ours,
 * because SQLite's own way to wait for a writer is to sleep up to 100 ms and to try again. A snapshot is a transaction
 * of SQLite that only reads; it waits for nobody.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/targets/plugins/folder.h"
#include "harness/targets/plugins/store.h"

enum { SQL_BYTES = 160, PATH_BYTES = 4096, BUSY_MS = 10000, RETRY_BUSY = TARGET_RETRY, KIB = 1024 };

#define TOP_BIT (UINT64_C(1) << 63)

enum statement { GET, PUT, DELETE, UP, DOWN, STATEMENTS };

struct store {
    struct folder folder;
    struct sqlite_options options; /* without its strings */
    sqlite3 *db;                   /* makes the tables */
    pthread_mutex_t writer;        /* held by the read-write transaction */
    bool is_number[STORE_SPACES_MAX];
};

struct store_session {
    struct store *store;
    sqlite3 *db;
    sqlite3_stmt *begin_read, *begin_write, *commit, *rollback;
    sqlite3_stmt *statements[STORE_SPACES_MAX][STATEMENTS];
    bool is_walked[STORE_SPACES_MAX][STATEMENTS]; /* a cursor has the statement */
    sqlite3_stmt *open;                           /* whose row was given out; NULL */
    bool is_writer;
};

struct store_cursor {
    struct store_session *session;
    sqlite3_stmt *statement;
    bool *is_walked; /* NULL: the statement is the cursor's own */
    bool is_number;
    unsigned char number[sizeof(uint64_t)];
};

const size_t store_options_bytes = sizeof(struct sqlite_options);
const bool store_locks_writes = false;

static enum target_status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return TARGET_OK;
    case SQLITE_BUSY:
        return (enum target_status)RETRY_BUSY;
    case SQLITE_NOMEM:
        return TARGET_NO_MEMORY;
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
        return TARGET_IO;
    case SQLITE_CORRUPT:
        return TARGET_CORRUPT;
    default:
        return TARGET_FAILED;
    }
}

/* ---- Opening. ---- */

static int set(sqlite3 *db, const char *format, unsigned long long value)
{
    char sql[SQL_BYTES];
    (void)snprintf(sql, sizeof sql, format, value);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int connect(const struct store *store, sqlite3 **db)
{
    static const char *const synchronous[] = {
        [EXTERNAL_OFF] = "PRAGMA synchronous=OFF",
        [EXTERNAL_ASYNC] = "PRAGMA synchronous=NORMAL",
        [EXTERNAL_DURABLE] = "PRAGMA synchronous=FULL",
    };
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/data.sqlite", store->folder.path) >= PATH_BYTES)
        return SQLITE_CANTOPEN;
    int code = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(*db, BUSY_MS);
    if (code == SQLITE_OK)
        code = sqlite3_exec(*db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(*db, synchronous[store->options.durability], NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = set(*db, "PRAGMA cache_size=-%llu", store->options.cache_bytes / KIB);
    return code;
}

enum target_status store_open(const void *values, struct store **result, char *error, size_t error_bytes)
{
    const struct sqlite_options *options = values;
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return TARGET_NO_MEMORY;
    }
    store->options = *options;
    store->options.dir = NULL;
    pthread_mutex_init(&store->writer, NULL);
    if (!folder_take(&store->folder, options->dir, options->durability != EXTERNAL_OFF, error, error_bytes)) {
        (void)store_close(store);
        return TARGET_INVALID;
    }
    /* Its count of allocated bytes is one mutex for all threads. Refused once SQLite is in use, which is no harm. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int code = connect(store, &store->db);
    if (code != SQLITE_OK) {
        (void)snprintf(error, error_bytes, "SQLite in %s: %s", store->folder.path, sqlite3_errstr(code));
        (void)store_close(store);
        return status_of(code);
    }
    *result = store;
    return TARGET_OK;
}

enum target_status store_close(struct store *store)
{
    int code = sqlite3_close(store->db);
    if (code != SQLITE_OK)
        (void)fprintf(stderr, "maemio: SQLite in %s: close: %s\n", store->folder.path, sqlite3_errstr(code));
    folder_release(&store->folder);
    pthread_mutex_destroy(&store->writer);
    free(store);
    return status_of(code);
}

void store_outside(struct store *store, struct target_outside *outside)
{
    (void)snprintf(outside->version, sizeof outside->version, "SQLite %s", sqlite3_libversion());
    outside->disk_bytes = folder_bytes(&store->folder);
}

enum target_status store_space_create(struct store *store, unsigned space, size_t key_bytes)
{
    store->is_number[space] = key_bytes == sizeof(uint64_t);
    return status_of(set(store->db,
                         store->is_number[space] ? "CREATE TABLE s%llu (k INTEGER PRIMARY KEY, v BLOB NOT NULL)"
                                                 : "CREATE TABLE s%llu (k BLOB PRIMARY KEY, v BLOB NOT NULL) "
                                                   "WITHOUT ROWID",
                         space));
}

/* ---- Sessions. ---- */

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
}

enum target_status store_join(struct store *store, struct store_session **result)
{
    struct store_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return TARGET_NO_MEMORY;
    session->store = store;
    int code = connect(store, &session->db);
    if (code == SQLITE_OK)
        code = prepare(session->db, "BEGIN", &session->begin_read);
    if (code == SQLITE_OK)
        code = prepare(session->db, "BEGIN IMMEDIATE", &session->begin_write);
    if (code == SQLITE_OK)
        code = prepare(session->db, "COMMIT", &session->commit);
    if (code == SQLITE_OK)
        code = prepare(session->db, "ROLLBACK", &session->rollback);
    if (code == SQLITE_OK)
        *result = session;
    else
        store_leave(session);
    return status_of(code);
}

void store_leave(struct store_session *session)
{
    sqlite3_finalize(session->begin_read);
    sqlite3_finalize(session->begin_write);
    sqlite3_finalize(session->commit);
    sqlite3_finalize(session->rollback);
    for (unsigned space = 0; space < STORE_SPACES_MAX; space++)
        for (unsigned i = 0; i < STATEMENTS; i++)
            sqlite3_finalize(session->statements[space][i]);
    (void)sqlite3_close(session->db);
    free(session);
}

/* Ends the statement whose row was given out. */
static void release(struct store_session *session)
{
    if (session->open != NULL)
        (void)sqlite3_reset(session->open);
    session->open = NULL;
}

/* Runs a statement without rows. */
static int step(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    int ended = sqlite3_reset(statement); /* the same error, in full */
    return code == SQLITE_DONE ? SQLITE_OK : ended;
}

/* ---- Transactions. ---- */

static void writer_ends(struct store_session *session)
{
    if (session->is_writer)
        (void)pthread_mutex_unlock(&session->store->writer);
    session->is_writer = false;
}

enum target_status store_begin(struct store_session *session, bool snapshot)
{
    if (!snapshot) {
        (void)pthread_mutex_lock(&session->store->writer);
        session->is_writer = true;
    }
    int code = step(snapshot ? session->begin_read : session->begin_write);
    if (code != SQLITE_OK)
        writer_ends(session);
    return status_of(code);
}

void store_abort(struct store_session *session)
{
    release(session);
    if (sqlite3_get_autocommit(session->db) == 0) /* an error may have ended it */
        (void)step(session->rollback);
    writer_ends(session);
}

enum target_status store_commit(struct store_session *session)
{
    release(session);
    int code = step(session->commit);
    if (code != SQLITE_OK)
        store_abort(session);
    writer_ends(session);
    return status_of(code);
}

/* ---- Keys. ---- */

static const char *const sql_of[STATEMENTS] = {
    [GET] = "SELECT v FROM s%u WHERE k = ?1",
    [PUT] = "REPLACE INTO s%u VALUES (?1, ?2)",
    [DELETE] = "DELETE FROM s%u WHERE k = ?1",
    [UP] = "SELECT k, v FROM s%u WHERE k >= ?1 AND k <= ?2 ORDER BY k",
    [DOWN] = "SELECT k, v FROM s%u WHERE k >= ?1 AND k <= ?2 ORDER BY k DESC",
};

static int prepare_for(struct store_session *session, unsigned space, enum statement which, sqlite3_stmt **statement)
{
    char sql[SQL_BYTES];
    (void)snprintf(sql, sizeof sql, sql_of[which], space);
    return prepare(session->db, sql, statement);
}

static int statement_of(struct store_session *session, unsigned space, enum statement which, sqlite3_stmt **statement)
{
    sqlite3_stmt **known = &session->statements[space][which];
    int code = *known == NULL ? prepare_for(session, space, which, known) : SQLITE_OK;
    *statement = *known;
    return code;
}

static int64_t number_of(const void *key)
{
    uint64_t number;
    memcpy(&number, key, sizeof number);
    return (int64_t)(__builtin_bswap64(number) ^ TOP_BIT);
}

static int bind_key(sqlite3_stmt *statement, int place, bool is_number, struct store_bytes key)
{
    return is_number ? sqlite3_bind_int64(statement, place, number_of(key.data))
                     : sqlite3_bind_blob(statement, place, key.data, (int)key.count, SQLITE_STATIC);
}

void (*const store_prefetch)(struct store_session *session, unsigned space, struct store_bytes key) = NULL;

enum target_status store_get(struct store_session *session, unsigned space, struct store_bytes key, enum store_use use,
                             struct store_bytes *value)
{
    sqlite3_stmt *statement;
    (void)use; /* who may write is alone */
    release(session);
    int code = statement_of(session, space, GET, &statement);
    if (code == SQLITE_OK)
        code = bind_key(statement, 1, session->store->is_number[space], key);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        session->open = statement;
        *value = (struct store_bytes){sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)};
        return TARGET_OK;
    }
    if (statement != NULL)
        (void)sqlite3_reset(statement);
    return code == SQLITE_DONE ? TARGET_NOT_FOUND : status_of(code);
}

enum target_status store_put(struct store_session *session, unsigned space, struct store_bytes key,
                             struct store_bytes value, bool is_new)
{
    (void)is_new; /* it replaces what is there */
    sqlite3_stmt *statement;
    release(session);
    int code = statement_of(session, space, PUT, &statement);
    if (code == SQLITE_OK)
        code = bind_key(statement, 1, session->store->is_number[space], key);
    if (code == SQLITE_OK)
        code = sqlite3_bind_blob(statement, 2, value.data, (int)value.count, SQLITE_STATIC);
    return status_of(code == SQLITE_OK ? step(statement) : code);
}

enum target_status store_delete(struct store_session *session, unsigned space, struct store_bytes key)
{
    sqlite3_stmt *statement;
    release(session);
    int code = statement_of(session, space, DELETE, &statement);
    if (code == SQLITE_OK)
        code = bind_key(statement, 1, session->store->is_number[space], key);
    if (code == SQLITE_OK)
        code = step(statement);
    return code != SQLITE_OK ? status_of(code) : sqlite3_changes(session->db) > 0 ? TARGET_OK : TARGET_NOT_FOUND;
}

/* ---- Cursors. ---- */

/* Bounds are copied: they may be gone before the cursor is. */
static int bind_bound(sqlite3_stmt *statement, int place, bool is_number, struct store_bytes key)
{
    static const unsigned char beyond[STORE_KEY_MAX_BYTES + 1] = {[0 ... STORE_KEY_MAX_BYTES] = 0xff};
    bool is_lo = place == 1;
    if (is_number)
        return sqlite3_bind_int64(statement, place,
                                  key.data != NULL ? number_of(key.data)
                                  : is_lo          ? INT64_MIN
                                                   : INT64_MAX);
    if (key.data == NULL)
        return is_lo ? sqlite3_bind_zeroblob(statement, place, 0)
                     : sqlite3_bind_blob(statement, place, beyond, sizeof beyond, SQLITE_STATIC);
    return sqlite3_bind_blob(statement, place, key.data, (int)key.count, SQLITE_TRANSIENT);
}

enum target_status store_cursor_open(struct store_session *session, unsigned space, struct store_bytes lo,
                                     struct store_bytes hi, bool backward, uint64_t wanted,
                                     struct store_cursor **result)
{
    (void)wanted; /* an entry is taken when it is asked for */
    enum statement which = backward ? DOWN : UP;
    bool *is_walked = &session->is_walked[space][which], is_own = *is_walked;
    struct store_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL)
        return TARGET_NO_MEMORY;
    release(session);
    cursor->session = session;
    cursor->is_number = session->store->is_number[space];
    int code = is_own ? prepare_for(session, space, which, &cursor->statement)
                      : statement_of(session, space, which, &cursor->statement);
    if (!is_own)
        *(cursor->is_walked = is_walked) = true;
    if (code == SQLITE_OK)
        code = bind_bound(cursor->statement, 1, cursor->is_number, lo);
    if (code == SQLITE_OK)
        code = bind_bound(cursor->statement, 2, cursor->is_number, hi);
    if (code == SQLITE_OK)
        *result = cursor;
    else
        store_cursor_close(cursor);
    return status_of(code);
}

enum target_status store_cursor_next(struct store_cursor *cursor, struct store_bytes *key, struct store_bytes *value)
{
    sqlite3_stmt *statement = cursor->statement;
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? TARGET_NOT_FOUND : status_of(code);
    if (cursor->is_number) {
        uint64_t number = __builtin_bswap64((uint64_t)sqlite3_column_int64(statement, 0) ^ TOP_BIT);
        memcpy(cursor->number, &number, sizeof number);
        *key = (struct store_bytes){cursor->number, sizeof cursor->number};
    } else {
        *key = (struct store_bytes){sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0)};
    }
    *value = (struct store_bytes){sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1)};
    return TARGET_OK;
}

void store_cursor_close(struct store_cursor *cursor)
{
    if (cursor->is_walked == NULL) {
        sqlite3_finalize(cursor->statement);
    } else {
        (void)sqlite3_reset(cursor->statement);
        *cursor->is_walked = false;
    }
    free(cursor);
}
