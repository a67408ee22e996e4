/*
 * sql.c - the target for SQL over Maemio: each operation is a prepared statement of a SQLite connection, one a worker,
 * on virtual tables of sql/. sql_text.h says how a workload's tables and indexes are tables of SQL.
 *
 * Payloads are copies. A workload fills one after the call that has handed it out, so that writes of rows become
 * statements at commit (sql_writes.h); entries of indexes are written at once. A snapshot is a SELECT that is kept
 * open: what a connection selects meanwhile outside of BEGIN reads the same snapshot of the engine (S2 in
 * sql/connection.h). The tables are those of the process's database in memory, so that there is one such target at a
 * time, or of the database in the folder log_dir.
 * Checked by: tests/conformance, tests/unit/harness/targets/sql.c, tests/crash/sql.c.
 */
#include "harness/targets/targets.h"

#include <stdatomic.h>

#include "harness/common/support.h"
#include "harness/targets/engine_parts.h"
#include "harness/targets/sql_text.h"
#include "harness/targets/sql_writes.h"
#include "sql/connection.h"
#include "sql/maemio_sql.h"

enum {
    ROW_HEAD_BYTES = 32, /* what a row of SQL has beside the payload (sql/row.c) */
    PAYLOAD_MAX_BYTES = MAE_PAYLOAD_MAX_BYTES - ROW_HEAD_BYTES,
    WORKERS_MAX = SESSIONS_MAX,
    OBJECTS_MAX = 128,
    REFS_AT_ONCE = 64 /* that a worker takes, so that workers insert into different leaves */
};

struct target_table {
    struct target *target;
    char *name;
    unsigned number; /* of the target's tables and indexes */
    size_t payload_max_bytes;
    _Atomic uint64_t next_ref;
};

struct target_index {
    struct target_table *table;
    char *name;
    unsigned number;
    size_t key_bytes;
    unsigned words;
    bool non_unique, ordered;
};

/* A worker's refs of one table that it has not used yet. */
struct refs {
    uint64_t next, end;
};

struct target_txn {
    struct target_worker *worker;
    bool running, snapshot;
    struct sql_writes writes;
};

struct target_worker {
    struct target *target;
    sqlite3 *sqlite;
    sqlite3_stmt *begin, *commit, *rollback, *snapshot;
    sqlite3_stmt *statements[OBJECTS_MAX][SQL_INDEX_KINDS]; /* as they were first needed */
    struct refs refs[OBJECTS_MAX];
    unsigned objects_seen; /* the target had so many when this connection last asked for names */
    struct target_txn txn;
    void *row; /* the payload that a scan of a table shows */
};

struct target {
    sqlite3 *sqlite; /* makes tables, and keeps the database open */
    struct log_folder log;
    struct target_table *tables[OBJECTS_MAX];
    struct target_index *indexes[OBJECTS_MAX];
    _Atomic unsigned objects; /* tables and indexes, numbered together; the other list has a NULL there */
    _Atomic unsigned workers;
};

static const struct target_reason sql_reasons[] = {
    {"conflict", "aborted: the transaction and another one conflict (SQLITE_BUSY_SNAPSHOT)"}, {NULL, NULL}};

/* Of what leaves nothing to be done, stderr has the reason: no status tells it. */
static enum target_status status_of(sqlite3 *sqlite, int code)
{
    if (code == SQLITE_BUSY_SNAPSHOT)
        return TARGET_RETRY;
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return TARGET_OK;
    case SQLITE_BUSY:
        return TARGET_BUSY;
    case SQLITE_NOMEM:
        return TARGET_NO_MEMORY;
    case SQLITE_TOOBIG:
        return TARGET_TOO_LARGE;
    case SQLITE_READONLY:
        return TARGET_READ_ONLY;
    case SQLITE_FULL:
        return TARGET_FULL;
    case SQLITE_CORRUPT:
        return TARGET_CORRUPT;
    case SQLITE_IOERR:
        return TARGET_IO;
    case SQLITE_CONSTRAINT:
        return TARGET_EXISTS;
    default:
        (void)support_complain("SQL", "%s (%d)", sqlite != NULL ? sqlite3_errmsg(sqlite) : sqlite3_errstr(code), code);
        return TARGET_FAILED;
    }
}

/* ---- Statements. ---- */

static struct sql_names names_of_index(const struct target_index *index)
{
    return (struct sql_names){index->table->name, index->name, index->words, index->non_unique};
}

static enum target_status prepare(const struct target_worker *worker, char *text, sqlite3_stmt **statement)
{
    int code = sqlite3_prepare_v3(worker->sqlite, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    free(text);
    return status_of(worker->sqlite, code);
}

/* The worker's statement of that kind of the object with this number; a second one, if a scan is using the first. */
static enum target_status statement_take(struct target_worker *worker, unsigned number, unsigned kind,
                                         sqlite3_stmt **statement)
{
    sqlite3_stmt **own = &worker->statements[number][kind];
    const struct target_table *table = worker->target->tables[number];
    bool is_taken = *own != NULL && sqlite3_stmt_busy(*own);
    *statement = *own;
    if (*own != NULL && !is_taken)
        return TARGET_OK;
    const struct sql_names names =
        table != NULL ? (struct sql_names){.table = table->name} : names_of_index(worker->target->indexes[number]);
    enum target_status status =
        prepare(worker, table != NULL ? sql_text_table(&names, kind) : sql_text_index(&names, kind),
                is_taken ? statement : own);
    if (!is_taken)
        *statement = *own;
    return status;
}

static void statement_give(struct target_worker *worker, unsigned number, unsigned kind, sqlite3_stmt *statement)
{
    if (statement == worker->statements[number][kind])
        (void)sqlite3_reset(statement);
    else
        (void)sqlite3_finalize(statement);
}

/* The code of SQLite with which a statement ends that gives no rows. */
static int finish(sqlite3_stmt *statement)
{
    (void)sqlite3_step(statement);
    return sqlite3_reset(statement);
}

/* The engine's index has room for all words but the eighth, and long keys mostly differ at the end. So where their
 * order does not matter the last word is the first column. */
static void bind_key(const struct target_index *index, const void *key, sqlite3_stmt *statement)
{
    int64_t words[SQL_WORDS_MAX];
    sql_words_of_key(key, index->key_bytes, words);
    for (unsigned i = 0; i < index->words; i++)
        (void)sqlite3_bind_int64(statement, SQL_LO + (int)i, words[index->ordered ? i : index->words - 1 - i]);
}

/* ---- Opening. ---- */

#define SQL_OPTIONS(X)                                                                                      \
    X(enum, durability, "off", "off|group", "",                                                             \
      "group: a commit returns when it is on the disk; those of several workers are flushed together")      \
    X(string, log_dir, "", "", "", "durability=group: the database's folder, a new one; auto: as native's") \
    X(enum, huge_pages, "auto", "auto|transparent|off", "", "as native's")                                  \
    X(bytes, memory_limit, "0", "", "bytes", "of the engine; 0: 90% of what the machine or control group gives")

struct sql_options {
    SQL_OPTIONS(OPTION_FIELD)
};

static const struct option_spec sql_options[] = {SQL_OPTIONS(OPTION_SPEC) OPTION_END};

enum { DURABILITY_IS_OFF, DURABILITY_IS_GROUP };

/* The engine's among these values as words for mae_sql_attach_with, which knows by the folder that there is a log. */
static char *options_text(const void *values)
{
    struct support_text text = {0};
    char value[64];
    for (size_t i = 0; i < option_count(sql_options); i++) {
        if (strcmp(sql_options[i].name, "durability") == 0 || strcmp(sql_options[i].name, "log_dir") == 0)
            continue;
        option_text(sql_options, i, values, value, sizeof value);
        support_text_add(&text, "%s=%s ", sql_options[i].name, value);
    }
    return text.text;
}

/* A connection to the target's database; options NULL: the database is open. */
static int connect(const struct target *target, sqlite3 **sqlite, const char *options, char **error)
{
    int code =
        sqlite3_open_v2(":memory:", sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_extended_result_codes(*sqlite, 1);
    if (code == SQLITE_OK)
        code = mae_sql_attach_with(*sqlite, target->log.path, options, error);
    if (code == SQLITE_OK)
        return code;
    (void)sqlite3_close(*sqlite);
    *sqlite = NULL;
    return code;
}

/* What SQLite counts for sqlite3_memory_used takes a lock of the whole process in each statement. */
static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused if SQLite is in use already */
}

#define SNAPSHOT_TABLE "target.snapshot"

static atomic_flag is_open = ATOMIC_FLAG_INIT; /* there is one target at a time */

/* The last connection closes the database, whose folder may go away then. SQLite's code. */
static int target_free(struct target *target)
{
    int code = sqlite3_close(target->sqlite);
    log_folder_free(&target->log);
    free(target);
    atomic_flag_clear(&is_open);
    return code;
}

/* Opens the database, and makes the table that snapshots read if an earlier run has not. */
static int database_make(struct target *target, const char *options, char **why)
{
    int code = connect(target, &target->sqlite, options, why);
    if (code == SQLITE_OK)
        code = mae_sql_exec(target->sqlite,
                            "BEGIN; CREATE TABLE IF NOT EXISTS \"" SNAPSHOT_TABLE "\"(one INTEGER PRIMARY KEY);"
                            "DELETE FROM \"" SNAPSHOT_TABLE "\"; INSERT INTO \"" SNAPSHOT_TABLE "\" VALUES (1); COMMIT",
                            NULL, NULL, why);
    return code;
}

static bool settings_fit(const struct sql_options *options, char *error, size_t error_bytes)
{
    const bool has_folder = options->log_dir[0] != '\0';
    if (has_folder == (options->durability != DURABILITY_IS_OFF))
        return true;
    (void)snprintf(error, error_bytes,
                   has_folder ? "SQL: log_dir without durability=group: the tables would be in memory"
                              : "SQL: durability=group needs log_dir, the database's folder");
    return false;
}

static enum target_status sql_open(const struct target_ops *ops, const void *values, struct target **opened,
                                   char *error, size_t error_bytes)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)ops;
    if (!settings_fit(values, error, error_bytes))
        return TARGET_INVALID;
    (void)pthread_once(&once, configure);
    if (atomic_flag_test_and_set(&is_open)) {
        (void)snprintf(error, error_bytes, "SQL: this process has a target sql already; it can have one at a time");
        return TARGET_BUSY;
    }
    struct target *target = support_alloc(sizeof *target);
    SUPPORT_FREED char *options = options_text(values);
    if (!log_folder_choose(&target->log, ((const struct sql_options *)values)->log_dir, error, error_bytes)) {
        (void)target_free(target);
        return TARGET_IO;
    }
    char *why = NULL;
    int code = database_make(target, options, &why);
    if (code == SQLITE_OK) {
        *opened = target;
        return TARGET_OK;
    }
    (void)snprintf(error, error_bytes, "SQL: %s", why != NULL ? why : sqlite3_errstr(code));
    sqlite3_free(why);
    (void)target_free(target);
    return status_of(NULL, code);
}

static enum target_status sql_close(struct target *target)
{
    for (unsigned i = 0; i < target->objects; i++) {
        if (target->tables[i] != NULL)
            free(target->tables[i]->name);
        if (target->indexes[i] != NULL)
            free(target->indexes[i]->name);
        free(target->tables[i]);
        free(target->indexes[i]);
    }
    int code = target_free(target);
    if (code != SQLITE_OK)
        (void)support_complain("SQL", "close: %s", sqlite3_errstr(code));
    return status_of(NULL, code);
}

/* Runs the statement that makes a table of SQL. */
static enum target_status create(const struct target *target, char *text)
{
    if (target->objects == OBJECTS_MAX) {
        free(text);
        return TARGET_FULL;
    }
    int code = mae_sql_exec(target->sqlite, text, NULL, NULL, NULL);
    if (!sqlite3_get_autocommit(target->sqlite))
        (void)sqlite3_exec(target->sqlite, "ROLLBACK", NULL, NULL, NULL);
    free(text);
    return status_of(target->sqlite, code);
}

static bool is_taken(const struct target *target, const struct target_table *of, const char *name)
{
    for (unsigned i = 0; i < target->objects; i++) {
        const struct target_table *table = target->tables[i];
        const struct target_index *index = target->indexes[i];
        if (of == NULL && table != NULL && sqlite3_stricmp(table->name, name) == 0)
            return true;
        if (of != NULL && index != NULL && index->table == of && sqlite3_stricmp(index->name, name) == 0)
            return true;
    }
    return false;
}

/* An earlier run has left a table of this name in log_dir. */
static bool is_left(const struct target *target, const char *name)
{
    return sqlite3_table_column_metadata(target->sqlite, "maemio", name, NULL, NULL, NULL, NULL, NULL, NULL) ==
           SQLITE_OK;
}

/* Quotes would have to be doubled in the texts of statements. */
static bool is_name(const char *name)
{
    return name[0] != '\0' && strchr(name, '"') == NULL;
}

static enum target_status sql_table_create(struct target *target, const char *name,
                                           const struct target_table_config *config, struct target_table **created)
{
    const struct sql_names names = {.table = name};
    if (!is_name(name) || config->payload_max_bytes == 0 || config->payload_max_bytes > TARGET_PAYLOAD_MAX_BYTES)
        return TARGET_INVALID;
    if (config->payload_max_bytes > PAYLOAD_MAX_BYTES)
        return TARGET_UNSUPPORTED;
    if (is_taken(target, NULL, name) || is_left(target, name))
        return TARGET_EXISTS;
    enum target_status status = create(target, sql_text_table_create(&names));
    if (status != TARGET_OK)
        return status;
    struct target_table *table = support_alloc(sizeof *table);
    *table = (struct target_table){.target = target,
                                   .name = support_copy(name),
                                   .number = target->objects,
                                   .payload_max_bytes = config->payload_max_bytes};
    target->tables[target->objects] = *created = table;
    target->objects++;
    return TARGET_OK;
}

static enum target_status sql_index_create(struct target *target, struct target_table *table, const char *name,
                                           const struct target_index_config *config, struct target_index **created)
{
    struct target_index made = {.table = table,
                                .number = target->objects,
                                .key_bytes = config->key_bytes,
                                .words = (unsigned)(config->key_bytes + SQL_WORD_BYTES - 1) / SQL_WORD_BYTES,
                                .non_unique = config->non_unique,
                                .ordered = config->kind == TARGET_INDEX_ORDERED};
    const struct sql_names names = {table->name, name, made.words, made.non_unique};
    if (config->variable)
        return TARGET_UNSUPPORTED;
    if (!is_name(name) || config->key_bytes < TARGET_KEY_MIN_BYTES || config->key_bytes > TARGET_KEY_MAX_BYTES ||
        (config->non_unique && !made.ordered))
        return TARGET_INVALID;
    if (is_taken(target, table, name))
        return TARGET_EXISTS;
    enum target_status status = create(target, sql_text_index_create(&names));
    if (status != TARGET_OK)
        return status;
    struct target_index *index = support_alloc(sizeof *index);
    *index = made;
    index->name = support_copy(name);
    target->indexes[target->objects] = *created = index;
    target->objects++;
    return TARGET_OK;
}

/* ---- Workers and transactions. ---- */

static void sql_abort(struct target_txn *txn);

static void sql_worker_leave(struct target_worker *worker)
{
    if (worker->txn.running)
        sql_abort(&worker->txn);
    for (unsigned i = 0; i < OBJECTS_MAX; i++)
        for (unsigned kind = 0; kind < SQL_INDEX_KINDS; kind++)
            (void)sqlite3_finalize(worker->statements[i][kind]);
    (void)sqlite3_finalize(worker->begin);
    (void)sqlite3_finalize(worker->commit);
    (void)sqlite3_finalize(worker->rollback);
    (void)sqlite3_finalize(worker->snapshot);
    if (worker->sqlite != NULL)
        MAE_CHECK(sqlite3_close(worker->sqlite) == SQLITE_OK);
    sql_writes_free(&worker->txn.writes);
    free(worker->row);
    worker->target->workers--;
    free(worker);
}

static enum target_status sql_worker_join(struct target *target, struct target_worker **joined)
{
    if (target->workers++ >= WORKERS_MAX) {
        target->workers--;
        return TARGET_FULL;
    }
    struct target_worker *worker = support_alloc(sizeof *worker);
    worker->target = target;
    worker->txn.worker = worker;
    worker->objects_seen = target->objects;
    const struct {
        const char *text;
        sqlite3_stmt **statement;
    } own[] = {{"BEGIN", &worker->begin},
               {"COMMIT", &worker->commit},
               {"ROLLBACK", &worker->rollback},
               {"SELECT one FROM \"" SNAPSHOT_TABLE "\"", &worker->snapshot}};
    enum target_status status = status_of(NULL, connect(target, &worker->sqlite, NULL, NULL));
    for (size_t i = 0; i < sizeof own / sizeof own[0] && status == TARGET_OK; i++)
        status = prepare(worker, support_copy(own[i].text), own[i].statement);
    if (status == TARGET_OK)
        *joined = worker;
    else
        sql_worker_leave(worker);
    return status;
}

/* Ends what runs, if it still does, and forgets it. */
static void txn_end(struct target_txn *txn)
{
    struct target_worker *worker = txn->worker;
    (void)sqlite3_reset(worker->snapshot);
    if (!sqlite3_get_autocommit(worker->sqlite))
        (void)finish(worker->rollback);
    sql_writes_clear(&txn->writes);
    txn->running = false;
}

static enum target_status sql_begin(struct target_worker *worker, enum target_mode mode, struct target_txn **begun)
{
    struct target_txn *txn = &worker->txn;
    unsigned objects = worker->target->objects;
    int code = SQLITE_OK;
    if (txn->running)
        return TARGET_BUSY;
    if (worker->objects_seen != objects)
        code = sqlite3_exec(worker->sqlite, "SELECT maemio_refresh()", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        worker->objects_seen = objects;
        txn->snapshot = mode == TARGET_SNAPSHOT;
        code = txn->snapshot ? sqlite3_step(worker->snapshot) : finish(worker->begin);
    }
    txn->running = code == SQLITE_OK || code == SQLITE_ROW;
    *begun = txn;
    enum target_status status = status_of(worker->sqlite, code);
    if (!txn->running)
        txn_end(txn);
    return status;
}

/* The statement of a row's write. */
static enum target_status row_write(struct target_worker *worker, const struct sql_write *write)
{
    sqlite3_stmt *statement;
    if (write->kind == SQL_ERASED)
        return TARGET_OK;
    unsigned kind = write->kind == SQL_INSERTED ? SQL_ROW_INSERT : SQL_ROW_UPDATE;
    enum target_status status = statement_take(worker, write->table, kind, &statement);
    if (status != TARGET_OK)
        return status;
    (void)sqlite3_bind_int64(statement, SQL_REF, (int64_t)write->ref);
    (void)sqlite3_bind_blob64(statement, SQL_DATA, write->data, write->bytes, SQLITE_STATIC);
    return status_of(worker->sqlite, finish(statement));
}

static enum target_status sql_commit(struct target_txn *txn)
{
    struct target_worker *worker = txn->worker;
    enum target_status status = TARGET_OK;
    for (size_t i = 0; i < txn->writes.count && status == TARGET_OK; i++)
        status = row_write(worker, &txn->writes.writes[i]);
    if (status == TARGET_OK && !txn->snapshot)
        status = status_of(worker->sqlite, finish(worker->commit));
    txn_end(txn);
    return status;
}

static void sql_abort(struct target_txn *txn)
{
    txn_end(txn);
}

/* ---- Rows. ---- */

/* A row as the transaction sees it. */
struct found {
    uint64_t ref;
    void *data; /* of the transaction's memory */
    size_t bytes;
    struct sql_write *write; /* NULL: it has not written the row */
};

/* Takes what the transaction has written in place of what the columns 0 and 1 of the statement's row say. */
static enum target_status found_take(struct target_txn *txn, const struct target_table *table, sqlite3_stmt *statement,
                                     struct found *found)
{
    found->write = sql_writes_find(&txn->writes, table->number, found->ref);
    if (found->write != NULL) {
        found->data = found->write->data;
        found->bytes = found->write->bytes;
        return found->write->kind == SQL_ERASED ? TARGET_NOT_FOUND : TARGET_OK;
    }
    const void *data = sqlite3_column_blob(statement, 1);
    if (data == NULL)
        return TARGET_NOT_FOUND;
    found->bytes = (size_t)sqlite3_column_bytes(statement, 1);
    found->data = sql_writes_payload(&txn->writes, found->bytes);
    memcpy(found->data, data, found->bytes);
    return TARGET_OK;
}

static enum target_status found_by_ref(struct target_txn *txn, const struct target_table *table, uint64_t ref,
                                       struct found *found)
{
    sqlite3_stmt *statement;
    found->ref = ref;
    if (sql_writes_find(&txn->writes, table->number, ref) != NULL)
        return found_take(txn, table, NULL, found);
    enum target_status status = statement_take(txn->worker, table->number, SQL_ROW_READ, &statement);
    if (status != TARGET_OK)
        return status;
    (void)sqlite3_bind_int64(statement, SQL_REF, (int64_t)ref);
    int code = sqlite3_step(statement);
    status = code == SQLITE_ROW    ? found_take(txn, table, statement, found)
             : code == SQLITE_DONE ? TARGET_NOT_FOUND
                                   : status_of(txn->worker->sqlite, code);
    statement_give(txn->worker, table->number, SQL_ROW_READ, statement);
    return status;
}

static enum target_status found_by_key(struct target_txn *txn, const struct target_index *index, const void *key,
                                       struct found *found)
{
    sqlite3_stmt *statement;
    enum target_status status = statement_take(txn->worker, index->number, SQL_READ, &statement);
    if (status != TARGET_OK)
        return status;
    bind_key(index, key, statement);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        found->ref = (uint64_t)sqlite3_column_int64(statement, 0);
        status = found_take(txn, index->table, statement, found);
    } else {
        status = code == SQLITE_DONE ? TARGET_NOT_FOUND : status_of(txn->worker->sqlite, code);
    }
    statement_give(txn->worker, index->number, SQL_READ, statement);
    return status;
}

static enum target_status hand_out(const struct found *found, const void **data, size_t *bytes)
{
    *data = found->data;
    if (bytes != NULL)
        *bytes = found->bytes;
    return TARGET_OK;
}

/* The new payload of a row that was found, filled with the old one or, `blind`, to be filled whole. */
static enum target_status replace(struct target_txn *txn, const struct target_table *table, struct found *found,
                                  size_t bytes, bool blind, void **data)
{
    if (bytes > table->payload_max_bytes)
        return TARGET_TOO_LARGE;
    if (bytes == 0)
        bytes = found->bytes;
    if (found->write == NULL || found->write->bytes != bytes || blind) {
        *data = sql_writes_payload(&txn->writes, bytes);
        if (!blind)
            memcpy(*data, found->data, bytes < found->bytes ? bytes : found->bytes);
    } else {
        *data = found->data;
    }
    if (found->write != NULL) {
        found->write->data = *data;
        found->write->bytes = bytes;
    } else {
        const struct sql_write write = {
            .table = table->number, .ref = found->ref, .kind = SQL_UPDATED, .data = *data, .bytes = bytes};
        sql_writes_add(&txn->writes, &write);
    }
    return TARGET_OK;
}

static uint64_t ref_take(struct target_worker *worker, struct target_table *table)
{
    struct refs *refs = &worker->refs[table->number];
    if (refs->next == refs->end) {
        refs->next = atomic_fetch_add_explicit(&table->next_ref, REFS_AT_ONCE, memory_order_relaxed);
        refs->end = refs->next + REFS_AT_ONCE;
    }
    return refs->next++;
}

static void row_add(struct target_txn *txn, const struct target_table *table, uint64_t ref, size_t bytes, void **data)
{
    *data = sql_writes_payload(&txn->writes, bytes);
    const struct sql_write write = {
        .table = table->number, .ref = ref, .kind = SQL_INSERTED, .data = *data, .bytes = bytes};
    sql_writes_add(&txn->writes, &write);
}

/* Runs a statement on a ref that says by the number of changes whether there was one. */
static enum target_status row_remove(struct target_txn *txn, const struct target_table *table, uint64_t ref)
{
    struct sql_write *write = sql_writes_find(&txn->writes, table->number, ref);
    sqlite3_stmt *statement;
    if (write != NULL && write->kind != SQL_UPDATED) {
        enum target_status was = write->kind == SQL_ERASED ? TARGET_NOT_FOUND : TARGET_OK;
        write->kind = SQL_ERASED;
        return was;
    }
    enum target_status status = statement_take(txn->worker, table->number, SQL_ROW_ERASE, &statement);
    if (status != TARGET_OK)
        return status;
    (void)sqlite3_bind_int64(statement, SQL_REF, (int64_t)ref);
    int code = finish(statement);
    if (code != SQLITE_OK)
        return status_of(txn->worker->sqlite, code);
    if (write != NULL)
        write->kind = SQL_ERASED;
    return sqlite3_changes(txn->worker->sqlite) > 0 ? TARGET_OK : TARGET_NOT_FOUND;
}

static enum target_status entry_change(struct target_txn *txn, const struct target_index *index, unsigned kind,
                                       const void *key, uint64_t ref)
{
    sqlite3_stmt *statement;
    enum target_status status = statement_take(txn->worker, index->number, kind, &statement);
    if (status != TARGET_OK)
        return status;
    bind_key(index, key, statement);
    (void)sqlite3_bind_int64(statement, SQL_REF, (int64_t)ref);
    int code = finish(statement);
    if (code == SQLITE_OK && sqlite3_changes(txn->worker->sqlite) == 0)
        return TARGET_NOT_FOUND;
    return status_of(txn->worker->sqlite, code);
}

static enum target_status sql_read(struct target_txn *txn, struct target_index *index, const void *key,
                                   const void **data, size_t *bytes)
{
    struct found found;
    enum target_status status = found_by_key(txn, index, key, &found);
    return status == TARGET_OK ? hand_out(&found, data, bytes) : status;
}

static enum target_status sql_update(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                     const void **old, void **data)
{
    struct found found;
    if (txn->snapshot)
        return TARGET_READ_ONLY;
    enum target_status status = found_by_key(txn, index, key, &found);
    if (status == TARGET_OK && old != NULL)
        *old = found.data;
    return status == TARGET_OK ? replace(txn, index->table, &found, bytes, false, data) : status;
}

static enum target_status sql_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                        size_t bytes, void **data)
{
    struct found found;
    if (txn->snapshot)
        return TARGET_READ_ONLY;
    enum target_status status = found_by_key(txn, index, key, &found);
    return status == TARGET_OK ? replace(txn, index->table, &found, bytes, true, data) : status;
}

static enum target_status sql_insert(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                     uint64_t *ref, void **data)
{
    if (txn->snapshot)
        return TARGET_READ_ONLY;
    if (bytes > index->table->payload_max_bytes)
        return TARGET_TOO_LARGE;
    uint64_t taken = ref_take(txn->worker, index->table);
    enum target_status status = entry_change(txn, index, SQL_INSERT, key, taken);
    if (status != TARGET_OK)
        return status;
    row_add(txn, index->table, taken, bytes, data);
    if (ref != NULL)
        *ref = taken;
    return TARGET_OK;
}

static enum target_status sql_erase(struct target_txn *txn, struct target_index *index, const void *key)
{
    struct found found;
    if (txn->snapshot)
        return TARGET_READ_ONLY;
    enum target_status status = found_by_key(txn, index, key, &found);
    if (status == TARGET_OK)
        status = entry_change(txn, index, SQL_REMOVE, key, found.ref);
    return status == TARGET_OK ? row_remove(txn, index->table, found.ref) : status;
}

static enum target_status sql_row_read(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                       const void **data, size_t *bytes)
{
    struct found found;
    enum target_status status = found_by_ref(txn, table, ref, &found);
    return status == TARGET_OK ? hand_out(&found, data, bytes) : status;
}

static enum target_status sql_row_update(struct target_txn *txn, struct target_table *table, uint64_t ref, size_t bytes,
                                         const void **old, void **data)
{
    struct found found;
    if (txn->snapshot)
        return TARGET_READ_ONLY;
    enum target_status status = found_by_ref(txn, table, ref, &found);
    if (status == TARGET_OK && old != NULL)
        *old = found.data;
    return status == TARGET_OK ? replace(txn, table, &found, bytes, false, data) : status;
}

static enum target_status sql_row_insert(struct target_txn *txn, struct target_table *table, size_t bytes,
                                         uint64_t *ref, void **data)
{
    if (txn->snapshot)
        return TARGET_READ_ONLY;
    if (bytes > table->payload_max_bytes)
        return TARGET_TOO_LARGE;
    *ref = ref_take(txn->worker, table);
    row_add(txn, table, *ref, bytes, data);
    return TARGET_OK;
}

static enum target_status sql_row_erase(struct target_txn *txn, struct target_table *table, uint64_t ref)
{
    return txn->snapshot ? TARGET_READ_ONLY : row_remove(txn, table, ref);
}

/* ---- Entries of indexes. ---- */

static enum target_status sql_find(struct target_txn *txn, struct target_index *index, const void *key, uint64_t *ref)
{
    sqlite3_stmt *statement;
    enum target_status status = statement_take(txn->worker, index->number, SQL_FIND, &statement);
    if (status != TARGET_OK)
        return status;
    bind_key(index, key, statement);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ref = (uint64_t)sqlite3_column_int64(statement, 0);
    status = code == SQLITE_DONE ? TARGET_NOT_FOUND : status_of(txn->worker->sqlite, code);
    statement_give(txn->worker, index->number, SQL_FIND, statement);
    return status;
}

static enum target_status sql_index_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                           uint64_t ref)
{
    return txn->snapshot ? TARGET_READ_ONLY : entry_change(txn, index, SQL_INSERT, key, ref);
}

static enum target_status sql_index_remove(struct target_txn *txn, struct target_index *index, const void *key,
                                           uint64_t ref)
{
    return txn->snapshot ? TARGET_READ_ONLY : entry_change(txn, index, SQL_REMOVE, key, ref);
}

/* The words of both ends; an open end has the least or the greatest words. How many they have in common, but for the
 * last one. */
static unsigned ends_of(const struct target_index *index, const void *lo, const void *hi,
                        int64_t words[2][SQL_WORDS_MAX])
{
    const void *keys[2] = {lo, hi};
    unsigned common = 0;
    for (unsigned end = 0; end < 2; end++) {
        for (unsigned i = 0; i < index->words; i++)
            words[end][i] = end == 0 ? INT64_MIN : INT64_MAX;
        if (keys[end] != NULL)
            sql_words_of_key(keys[end], index->key_bytes, words[end]);
    }
    while (common + 1 < index->words && words[0][common] == words[1][common])
        common++;
    return common;
}

static enum target_status sql_scan(struct target_txn *txn, struct target_index *index, const void *lo, const void *hi,
                                   unsigned flags, uint64_t limit, target_entry_fn visit, void *arg)
{
    int64_t words[2][SQL_WORDS_MAX];
    _Alignas(SQL_WORD_BYTES) char key[TARGET_KEY_MAX_BYTES];
    sqlite3_stmt *statement;
    if (!index->ordered)
        return TARGET_INVALID;
    unsigned kind = (flags & TARGET_SCAN_BACKWARD ? SQL_SCAN_BACKWARD : SQL_SCAN) + ends_of(index, lo, hi, words);
    enum target_status status = statement_take(txn->worker, index->number, kind, &statement);
    if (status != TARGET_OK)
        return status;
    for (unsigned i = 0; i < index->words; i++) {
        (void)sqlite3_bind_int64(statement, SQL_LO + (int)i, words[0][i]);
        (void)sqlite3_bind_int64(statement, SQL_HI + (int)i, words[1][i]);
    }
    (void)sqlite3_bind_int64(statement, SQL_LIMIT, limit == 0 || limit > INT64_MAX ? -1 : (int64_t)limit);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (unsigned i = 0; i < index->words; i++)
            words[0][i] = sqlite3_column_int64(statement, 1 + (int)i);
        sql_key_of_words(words[0], index->key_bytes, key);
        if (!visit(arg, key, (uint64_t)sqlite3_column_int64(statement, 0)))
            break;
    }
    statement_give(txn->worker, index->number, kind, statement);
    return status_of(txn->worker->sqlite, code);
}

static enum target_status sql_table_scan(struct target_txn *txn, struct target_table *table, target_row_fn visit,
                                         void *arg)
{
    struct target_worker *worker = txn->worker;
    sqlite3_stmt *statement;
    if (!txn->snapshot)
        return TARGET_INVALID;
    enum target_status status = statement_take(worker, table->number, SQL_TABLE_SCAN, &statement);
    if (status != TARGET_OK)
        return status;
    if (worker->row == NULL)
        worker->row = support_alloc(TARGET_PAYLOAD_MAX_BYTES);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        size_t bytes = (size_t)sqlite3_column_bytes(statement, 1);
        memcpy(worker->row, sqlite3_column_blob(statement, 1), bytes);
        if (!visit(arg, (uint64_t)sqlite3_column_int64(statement, 0), worker->row, bytes))
            break;
    }
    statement_give(worker, table->number, SQL_TABLE_SCAN, statement);
    return status_of(worker->sqlite, code);
}

/* ---- Statistics. ---- */

static struct mae_db *engine_of(const struct target *target)
{
    return connection_find(target->sqlite)->database->db;
}

static void sql_memory(const struct target *target, struct target_memory *memory)
{
    engine_memory(engine_of(target), memory);
}

static void sql_state(const struct target *target, struct target_state *state)
{
    engine_state(engine_of(target), &target->log, state);
}

static enum target_status sql_verify(struct target *target, char *report, size_t report_bytes)
{
    return mae_db_verify(engine_of(target), report, report_bytes) == MAE_OK ? TARGET_OK : TARGET_CORRUPT;
}

#define SQL_PROMISES(kept, what)                                                                                  \
    {                                                                                                             \
        .isolation = TARGET_ISOLATION_SERIALIZABLE, .phantom_safe = true, .durability = TARGET_DURABILITY_##kept, \
        .rows = TARGET_ROWS_COPIES, .order = TARGET_ORDER_NEVER, .workers_max = WORKERS_MAX,                      \
        .note = "a transaction sees what had committed before it began; " what                                    \
    }

static struct target_promises sql_promises_with(const void *values)
{
    static const struct target_promises in_memory = SQL_PROMISES(OFF, "in memory only"),
                                        in_folder = SQL_PROMISES(GROUP, "commits are safe when they return");
    return ((const struct sql_options *)values)->durability == DURABILITY_IS_OFF ? in_memory : in_folder;
}

const struct target_ops sql_target_ops = {
    .name = "sql",
    .label = "Maemio through SQL",
    .help = "Maemio through SQL: prepared statements of SQLite on tables of the engine, a connection for each worker",
    .options = sql_options,
    .promises = SQL_PROMISES(OFF, "in memory only"),
    .promises_with = sql_promises_with,
    .reasons = sql_reasons,
    TARGET_CORE(TARGET_CALL, sql),
    TARGET_CALL(sql, scan),
    TARGET_CALL(sql, table_scan),
    TARGET_CALL(sql, memory),
    TARGET_CALL(sql, state),
    TARGET_CALL(sql, verify),
};
