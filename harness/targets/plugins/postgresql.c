/*
 * postgresql.c - the store for PostgreSQL, and for what speaks its protocol: a keyspace is a table of a schema of the
 * store's own.
 *
 * The store starts a server of its own (server.h), which listens on a socket in its folder only, or connects to one
 * that runs elsewhere (conninfo=). Each session has a connection of its own, and its statements, prepared once. Keys of
 * 8 bytes are bigint, with the top bit turned so that they sort as unsigned numbers; others are bytea.
 *
 * Connections are in pipeline mode. With requests=batched a request whose answer nobody needs at once, which are BEGIN
 * and all writes, waits for the next one whose answer is needed, and goes out together with it; its failure is the
 * failure of that one. So a transaction costs a round trip for each read and one for its commit.
 *
 * What the transaction will add is looked for by the next key that is there (STORE_ADD). Until it ends nothing is
 * between the two for it: a snapshot does not change, serializable transactions are checked for what others put there,
 * and whoever adds a key second fails (unique_violation). So rows that are added in ascending order cost one look.
 *
 * Keys that the workload announces (ahead.h) are looked for together, all by the round trip of the first one. In a
 * snapshot it is the same when a key is read; with read committed, what will be written is read anew, and locked.
 *
 * A scan whose rows are asked for one by one, while it stands on them, has them already.
 *
 * With read committed, keys that will be written are read with FOR UPDATE, else updates would be lost. The stronger
 * levels see to that themselves.
 */
#define _GNU_SOURCE /* asprintf */
#include <postgresql/libpq-fe.h>

#include <endian.h>
#include <libgen.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/targets/plugins/ahead.h"
#include "harness/targets/plugins/server.h"
#include "harness/targets/plugins/store.h"
#include "harness/targets/plugins/trips.h"
#include "harness/targets/server_program.h"

enum {
    SQL_BYTES = 256,
    NUMBER_BYTES = sizeof(uint64_t),
    CONNECT_S = 5,
    CONNECTIONS_MAX = TARGET_WORKERS_MAX + 16, /* some are the server's own */
    ENTRIES_LEAST = 32, /* of a scan that does not say how many it wants; each time four times as many */
    ENTRIES_MOST = 2048,
    NS_PER_MS = 1000000,
    MIB = 1 << 20
};

#define TOP_BIT 0x80 /* of the first byte of a number's key */

/* name, parameters, text */
#define STATEMENT_TABLE(X)                                                                        \
    X(GET, 1, "SELECT v FROM s%u WHERE k = $1")                                                   \
    X(GET_LOCKED, 1, "SELECT v FROM s%u WHERE k = $1 FOR UPDATE")                                 \
    X(NEXT, 1, "SELECT CASE WHEN k = $1 THEN v END, k FROM s%u WHERE k >= $1 ORDER BY k LIMIT 1") \
    X(ADD, 2, "INSERT INTO s%u (k, v) VALUES ($1, $2)")                                           \
    X(CHANGE, 2, "UPDATE s%u SET v = $2 WHERE k = $1")                                            \
    X(DELETE, 1, "DELETE FROM s%u WHERE k = $1")                                                  \
    X(UP, 3, "SELECT v, k FROM s%u WHERE k >= $1 AND k <= $2 ORDER BY k LIMIT $3")                \
    X(UP_FROM, 3, "SELECT v, k FROM s%u WHERE k > $1 AND k <= $2 ORDER BY k LIMIT $3")            \
    X(DOWN, 3, "SELECT v, k FROM s%u WHERE k >= $1 AND k <= $2 ORDER BY k DESC LIMIT $3")         \
    X(DOWN_FROM, 3, "SELECT v, k FROM s%u WHERE k >= $1 AND k < $2 ORDER BY k DESC LIMIT $3")

enum statement {
#define STATEMENT_ENUM(name, parameters, text) name,
    STATEMENT_TABLE(STATEMENT_ENUM)
#undef STATEMENT_ENUM
        STATEMENTS
};

/* Keys that are known to be missing while the transaction runs: from one that was looked for, or behind one that was
 * added, to the next one. */
struct gap {
    uint64_t txn;            /* of which transaction; 0: none */
    bool is_behind, is_open; /* `lo` itself is there; there is no next key */
    unsigned char lo[STORE_KEY_MAX_BYTES], hi[STORE_KEY_MAX_BYTES];
};

struct store {
    struct folder folder; /* of the server, if that is the store's own */
    struct server server;
    struct postgresql_options options; /* without its strings */
    char *conninfo;
    char schema[64];
    bool is_postgresql; /* and not another server that speaks its protocol */
    PGconn *connection; /* makes the tables */
    size_t key_bytes[STORE_SPACES_MAX];
    char version[TARGET_VERSION_BYTES]; /* what the server says */
    atomic_bool has_complained;         /* relaxed: one of those who set it says why */
    struct trips trips;
};

struct store_session {
    struct store *store;
    PGconn *connection;
    PGresult *answer; /* of the last request that has one; its bytes are given out */
    unsigned waiting; /* requests that were not sent, or not answered */
    bool is_prepared[STORE_SPACES_MAX][STATEMENTS];
    uint64_t txn; /* how many there were */
    struct gap gaps[STORE_SPACES_MAX];
    struct ahead ahead;                /* answers are PGresult */
    const struct store_cursor *cursor; /* that has given out an entry last, and is open; NULL */
    struct trips_session trips;
};

struct store_cursor {
    struct store_session *session;
    unsigned space;
    bool backward, is_last; /* no more will come than there is in `entries` */
    uint64_t wanted;
    PGresult *entries;
    int at;
    size_t lo_bytes, hi_bytes;
    unsigned char lo[STORE_KEY_MAX_BYTES + 1], hi[STORE_KEY_MAX_BYTES + 1], key[STORE_KEY_MAX_BYTES];
};

const size_t store_options_bytes = sizeof(struct postgresql_options);
const bool store_locks_writes = true;

/* ---- What went wrong. ---- */

static enum target_status status_of_state(const char *state)
{
    static const struct {
        const char *begin; /* of the SQLSTATE */
        int status;
    } meanings[] = {
        {"40P01", TARGET_RETRY + POSTGRESQL_DEADLOCK},
        {"40", TARGET_RETRY + POSTGRESQL_CONFLICT},    /* serialization_failure */
        {"23505", TARGET_RETRY + POSTGRESQL_CONFLICT}, /* unique_violation: others have added the key */
        {"55P03", TARGET_RETRY + POSTGRESQL_TIMEOUT},  /* lock_not_available */
        {"53100", TARGET_IO},                          /* disk_full */
        {"53", TARGET_NO_MEMORY},
        {"58", TARGET_IO},
        {"XX", TARGET_CORRUPT},
    };
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (strncmp(state, meanings[i].begin, strlen(meanings[i].begin)) == 0)
            return (enum target_status)meanings[i].status;
    return TARGET_FAILED;
}

/* What nobody can act on is told once. */
static void complain(struct store *store, const char *text)
{
    if (!atomic_exchange_explicit(&store->has_complained, true, memory_order_relaxed))
        (void)fprintf(stderr, "maemio: PostgreSQL: %.*s\n", (int)strcspn(text, "\n"), text);
}

static enum target_status status_of(struct store_session *session, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    enum target_status status = state == NULL ? TARGET_FAILED : status_of_state(state);
    if (!target_status_is_retry(status))
        complain(session->store, PQresultErrorMessage(result));
    return status;
}

/* ---- Requests. ---- */

static void release(struct store_session *session)
{
    PQclear(session->answer);
    session->answer = NULL;
}

static void clear_answer(void *answer)
{
    PQclear(answer);
}

/* One answer of several; of a refused request the first reason counts. */
static enum target_status take(struct store_session *session, PGresult *result, enum target_status before)
{
    ExecStatusType type = PQresultStatus(result);
    enum target_status status = before;
    struct ahead *ahead = &session->ahead;
    if (type == PGRES_TUPLES_OK && ahead->answered < ahead->asked) {
        ahead->keys[ahead->answered++].answer = result;
        return before;
    }
    if (type == PGRES_TUPLES_OK) {
        release(session);
        session->answer = result;
        return before;
    }
    if (before == TARGET_OK && type == PGRES_FATAL_ERROR)
        status = status_of(session, result);
    else if (before == TARGET_OK && type != PGRES_COMMAND_OK)
        status = TARGET_FAILED;
    PQclear(result);
    return status;
}

/* Sends what waits, and takes all answers: one round trip. */
static enum target_status collect(struct store_session *session)
{
    enum target_status status = TARGET_OK;
    PGconn *connection = session->connection;
    bool has_ended = PQpipelineSync(connection) != 1;
    session->waiting = 0;
    trips_count(&session->trips);
    release(session);
    while (!has_ended) {
        PGresult *result = PQgetResult(connection);
        if (result == NULL) /* the end of one request's answer */
            has_ended = PQstatus(connection) != CONNECTION_OK;
        else if (PQresultStatus(result) != PGRES_PIPELINE_SYNC)
            status = take(session, result, status);
        else {
            PQclear(result);
            return status;
        }
    }
    complain(session->store, PQerrorMessage(connection));
    return TARGET_FAILED;
}

static enum target_status collect_if_single(struct store_session *session)
{
    return session->store->options.requests == POSTGRESQL_SINGLE ? collect(session) : TARGET_OK;
}

static enum target_status failed(struct store_session *session)
{
    complain(session->store, PQerrorMessage(session->connection));
    return TARGET_FAILED;
}

static const char *name_of(unsigned space, enum statement which, char name[SQL_BYTES])
{
    (void)snprintf(name, SQL_BYTES, "s%u_%u", space, (unsigned)which);
    return name;
}

static enum target_status prepare(struct store_session *session, unsigned space, enum statement which)
{
    static const char *const texts[] = {
#define STATEMENT_TEXT(name, parameters, text) text,
        STATEMENT_TABLE(STATEMENT_TEXT)
#undef STATEMENT_TEXT
    };
    char name[SQL_BYTES], sql[SQL_BYTES];
    /* A failure before it would leave it out. */
    enum target_status status = session->waiting > 0 ? collect(session) : TARGET_OK;
    if (status != TARGET_OK)
        return status;
    (void)snprintf(sql, sizeof sql, texts[which], space);
    if (PQsendPrepare(session->connection, name_of(space, which, name), sql, 0, NULL) != 1)
        return failed(session);
    status = collect(session);
    session->is_prepared[space][which] = status == TARGET_OK;
    return status;
}

/* Lets a statement wait to be sent; its parameters are binary. */
static enum target_status ask(struct store_session *session, unsigned space, enum statement which,
                              const struct store_bytes *parameters)
{
    static const int counts[] = {
#define STATEMENT_COUNT(name, parameters, text) parameters,
        STATEMENT_TABLE(STATEMENT_COUNT)
#undef STATEMENT_COUNT
    };
    enum { PARAMETERS_MAX = 3 };
    static const int binary[PARAMETERS_MAX] = {1, 1, 1};
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX];
    char name[SQL_BYTES];
    for (int i = 0; i < counts[which]; i++) {
        values[i] = parameters[i].data;
        lengths[i] = (int)parameters[i].count;
    }
    if (!session->is_prepared[space][which]) {
        enum target_status status = prepare(session, space, which);
        if (status != TARGET_OK)
            return status;
    }
    session->waiting++;
    return PQsendQueryPrepared(session->connection, name_of(space, which, name), counts[which], values, lengths, binary,
                               1) == 1
               ? TARGET_OK
               : failed(session);
}

/* ---- The server. ---- */

/* $1: the folder of its programs. What comes behind are the server's settings. Nothing of it lies outside of the
 * folder: no shared memory with a name, no port. */
static const char server_script[] =
    "programs=$1\n"
    "shift\n"
    "\"$programs/initdb\" -D data -U maemio -A trust -E UTF8 --locale=C --no-sync || exit\n"
    "exec \"$programs/postgres\" -D data -k \"$PWD\" -c listen_addresses= -c dynamic_shared_memory_type=mmap "
    "-c jit=off \"$@\"\n";

static bool own_server_start(struct store *store, const struct postgresql_options *options, char *error,
                             size_t error_bytes)
{
    char connections[64], buffers[64], fsync_is[32], path[PATH_MAX];
    bool is_named = strcmp(options->server, "auto") != 0;
    if (!is_named && !server_program_find(POSTGRESQL_PLACES, path)) {
        (void)snprintf(error, error_bytes,
                       "no PostgreSQL server here: apt install postgresql, or --set server=FOLDER of its programs, or "
                       "--set conninfo= of one that runs elsewhere");
        return false;
    }
    const char *programs = is_named ? options->server : dirname(path);
    (void)snprintf(connections, sizeof connections, "max_connections=%d", CONNECTIONS_MAX);
    (void)snprintf(buffers, sizeof buffers, "shared_buffers=%lluMB", (unsigned long long)options->cache_bytes / MIB);
    (void)snprintf(fsync_is, sizeof fsync_is, "fsync=%s", options->durability == EXTERNAL_OFF ? "off" : "on");
    /* Locks of reads that do not fit become locks of whole tables, and a deadlock is looked for after a second only. */
    const char *const arguments[] = {programs,
                                     "-c",
                                     connections,
                                     "-c",
                                     buffers,
                                     "-c",
                                     fsync_is,
                                     "-c",
                                     "max_pred_locks_per_transaction=1024",
                                     "-c",
                                     "deadlock_timeout=20ms",
                                     NULL};
    const struct server_plan plan = {.folder = &store->folder,
                                     .user = "postgres",
                                     .signal = "INT", /* without waiting for connections */
                                     .cpus = options->server_cpus,
                                     .script = server_script,
                                     .arguments = arguments};
    bool started = server_start(&store->server, &plan, error, error_bytes);
    if (started && asprintf(&store->conninfo, "host=%s user=maemio dbname=postgres", store->folder.path) < 0)
        store->conninfo = NULL;
    return started && store->conninfo != NULL;
}

/* ---- Connections. ---- */

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg, (void)result;
}

static PGconn *connect_to(const char *conninfo)
{
    char seconds[16];
    (void)snprintf(seconds, sizeof seconds, "%d", CONNECT_S);
    /* What conninfo says of the first two counts. */
    const char *const names[] = {"connect_timeout", "application_name", "dbname", NULL};
    const char *const values[] = {seconds, "maemio", conninfo, NULL};
    PGconn *connection = PQconnectdbParams(names, values, 1);
    (void)PQsetNoticeReceiver(connection, ignore_notice, NULL);
    return connection;
}

/* Runs one statement or several; not in pipeline mode. False with the reason. */
static bool run(PGconn *connection, const char *sql, char *error, size_t error_bytes)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType type = PQresultStatus(result);
    bool fine = type == PGRES_COMMAND_OK || type == PGRES_TUPLES_OK;
    if (!fine) {
        const char *said = PQerrorMessage(connection);
        (void)snprintf(error, error_bytes, "PostgreSQL: %.*s", (int)strcspn(said, "\n"), said);
    }
    PQclear(result);
    return fine;
}

/* The one value that a statement gives; "" if it fails. */
static void ask_text(PGconn *connection, const char *sql, char *text, size_t text_bytes)
{
    PGresult *result = PQexec(connection, sql);
    bool is_there = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    (void)snprintf(text, text_bytes, "%s", is_there ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
}

static const char *const levels[] = {
    [POSTGRESQL_SERIALIZABLE] = "serializable",
    [POSTGRESQL_SNAPSHOT] = "repeatable read",
    [POSTGRESQL_READ_COMMITTED] = "read committed",
};

/* What the server makes of a level is asked, not assumed. */
static bool check_isolation(const struct store *store, PGconn *connection, char *error, size_t error_bytes)
{
    const char *level = levels[store->options.isolation];
    char sql[SQL_BYTES], given[64];
    (void)snprintf(sql, sizeof sql, "BEGIN ISOLATION LEVEL %s", level);
    if (!run(connection, sql, error, error_bytes))
        return false;
    ask_text(connection, "SHOW transaction_isolation", given, sizeof given);
    if (!run(connection, "ROLLBACK", error, error_bytes))
        return false;
    if (strcmp(given, level) == 0)
        return true;
    (void)snprintf(error, error_bytes,
                   "isolation: asked for %s, the server gives '%s': want the setting isolation= that it has", level,
                   given);
    return false;
}

/* Where commits are to be safe, the server must flush them. */
static bool check_durability(const struct store *store, PGconn *connection, char *error, size_t error_bytes)
{
    static const char *const settings[] = {"fsync", "full_page_writes"};
    char sql[SQL_BYTES], value[64];
    for (size_t i = 0; store->options.durability != EXTERNAL_OFF && i < sizeof settings / sizeof settings[0]; i++) {
        (void)snprintf(sql, sizeof sql, "SHOW %s", settings[i]);
        ask_text(connection, sql, value, sizeof value);
        if (strcmp(value, "on") == 0)
            continue;
        (void)snprintf(error, error_bytes, "durability: the server has %s='%s'; want on, or durability=off",
                       settings[i], value);
        return false;
    }
    return true;
}

/* Settings of a connection. Reads are by index: a scan of a whole table would be in conflict with everybody. */
static bool configure(const struct store *store, PGconn *connection, char *error, size_t error_bytes)
{
    char sql[SQL_BYTES * 2];
    (void)snprintf(sql, sizeof sql, "SET search_path = %s; SET synchronous_commit = %s; SET lock_timeout = %llu",
                   store->schema, store->options.durability == EXTERNAL_DURABLE ? "on" : "off",
                   (unsigned long long)store->options.lock_timeout / NS_PER_MS);
    return run(connection, sql, error, error_bytes) &&
           (!store->is_postgresql ||
            run(connection,
                "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan",
                error, error_bytes));
}

/* ---- Opening. ---- */

static bool first_connect(struct store *store, char *error, size_t error_bytes)
{
    uint64_t begun_ns = server_clock_ns();
    bool is_own = store->server.guard != 0;
    for (;;) {
        store->connection = connect_to(store->conninfo);
        if (PQstatus(store->connection) == CONNECTION_OK)
            return true;
        const char *said = PQerrorMessage(store->connection);
        (void)snprintf(error, error_bytes, "PostgreSQL: %.*s", (int)strcspn(said, "\n"), said);
        PQfinish(store->connection);
        store->connection = NULL;
        if (!is_own || !server_wait(&store->server, begun_ns, error, error_bytes))
            return false;
    }
}

static bool schema_make(struct store *store, char *error, size_t error_bytes)
{
    char sql[SQL_BYTES];
    const char *version = store->version;
    ask_text(store->connection, "SELECT version()", store->version, sizeof store->version);
    store->version[strcspn(store->version, ",")] = '\0'; /* behind it is how it was compiled */
    store->is_postgresql = strncmp(version, "PostgreSQL", strlen("PostgreSQL")) == 0 && strstr(version, "-YB-") == NULL;
    (void)snprintf(sql, sizeof sql, "maemio_%ld_%llx", (long)getpid(), (unsigned long long)server_clock_ns());
    if (!check_isolation(store, store->connection, error, error_bytes) ||
        !check_durability(store, store->connection, error, error_bytes))
        return false;
    memcpy(store->schema, sql, strlen(sql) + 1);
    (void)snprintf(sql, sizeof sql, "CREATE SCHEMA %s", store->schema);
    if (!run(store->connection, sql, error, error_bytes)) {
        store->schema[0] = '\0';
        return false;
    }
    return configure(store, store->connection, error, error_bytes);
}

enum target_status store_open(const void *values, struct store **result, char *error, size_t error_bytes)
{
    const struct postgresql_options *options = values;
    struct store *store = calloc(1, sizeof *store);
    bool is_own = options->conninfo[0] == '\0';
    if (store == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return TARGET_NO_MEMORY;
    }
    trips_init(&store->trips);
    store->options = *options;
    store->options.dir = store->options.conninfo = store->options.server = store->options.server_cpus = NULL;
    if (is_own &&
        (!folder_take(&store->folder, options->dir, options->durability != EXTERNAL_OFF, error, error_bytes) ||
         !own_server_start(store, options, error, error_bytes))) {
        (void)store_close(store);
        return TARGET_INVALID;
    }
    if (!is_own)
        store->conninfo = strdup(options->conninfo);
    if (store->conninfo == NULL || !first_connect(store, error, error_bytes) ||
        !schema_make(store, error, error_bytes)) {
        (void)store_close(store);
        return TARGET_INVALID;
    }
    *result = store;
    return TARGET_OK;
}

enum target_status store_close(struct store *store)
{
    char sql[SQL_BYTES], error[SQL_BYTES];
    /* On a server of our own the tables stay with the folder. */
    if (store->schema[0] != '\0' && store->server.guard == 0) {
        (void)snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", store->schema);
        if (!run(store->connection, sql, error, sizeof error))
            complain(store, error);
    }
    PQfinish(store->connection);
    server_stop(&store->server);
    folder_release(&store->folder);
    trips_fini(&store->trips);
    free(store->conninfo);
    free(store);
    return TARGET_OK;
}

void store_outside(struct store *store, struct target_outside *outside)
{
    (void)snprintf(outside->version, sizeof outside->version, "%s", store->version);
    server_outside(&store->server, &store->folder, trips_sum(&store->trips), outside);
}

enum target_status store_space_create(struct store *store, unsigned space, size_t key_bytes)
{
    char sql[SQL_BYTES], error[SQL_BYTES];
    store->key_bytes[space] = key_bytes;
    (void)snprintf(sql, sizeof sql, "CREATE %s TABLE s%u (k %s PRIMARY KEY, v bytea NOT NULL)",
                   store->options.durability == EXTERNAL_OFF && store->is_postgresql ? "UNLOGGED" : "", space,
                   key_bytes == NUMBER_BYTES ? "bigint" : "bytea");
    if (run(store->connection, sql, error, sizeof error))
        return TARGET_OK;
    complain(store, error);
    return TARGET_FAILED;
}

/* ---- Sessions and transactions. ---- */

static bool session_prepare(const struct store *store, PGconn *connection, char *error, size_t error_bytes)
{
    const char *level = levels[store->options.isolation];
    /* A snapshot of serializable transactions is one of them, else it could see what no order of them gives. */
    const char *of_snapshot = store->options.isolation == POSTGRESQL_SERIALIZABLE ? level : levels[POSTGRESQL_SNAPSHOT];
    char sql[SQL_BYTES];
    PGresult *results[4];
    bool fine = true;
    (void)snprintf(sql, sizeof sql, "BEGIN ISOLATION LEVEL %s", level);
    results[0] = PQprepare(connection, "begin_write", sql, 0, NULL);
    (void)snprintf(sql, sizeof sql, "BEGIN ISOLATION LEVEL %s, READ ONLY", of_snapshot);
    results[1] = PQprepare(connection, "begin_read", sql, 0, NULL);
    results[2] = PQprepare(connection, "commit", "COMMIT", 0, NULL);
    results[3] = PQprepare(connection, "rollback", "ROLLBACK", 0, NULL);
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        fine &= PQresultStatus(results[i]) == PGRES_COMMAND_OK;
        PQclear(results[i]);
    }
    if (!fine || PQenterPipelineMode(connection) != 1) {
        const char *said = PQerrorMessage(connection);
        (void)snprintf(error, error_bytes, "PostgreSQL: %.*s", (int)strcspn(said, "\n"), said);
        return false;
    }
    return true;
}

enum target_status store_join(struct store *store, struct store_session **result)
{
    char error[SQL_BYTES];
    struct store_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return TARGET_NO_MEMORY;
    session->store = store;
    trips_join(&store->trips, &session->trips);
    session->connection = connect_to(store->conninfo);
    if (PQstatus(session->connection) != CONNECTION_OK) {
        enum target_status status = failed(session);
        store_leave(session);
        return status;
    }
    if (!configure(store, session->connection, error, sizeof error) ||
        !session_prepare(store, session->connection, error, sizeof error)) {
        complain(store, error);
        store_leave(session);
        return TARGET_FAILED;
    }
    *result = session;
    return TARGET_OK;
}

void store_leave(struct store_session *session)
{
    release(session);
    ahead_reset(&session->ahead, clear_answer);
    trips_leave(&session->store->trips, &session->trips);
    PQfinish(session->connection);
    free(session);
}

static enum target_status ask_plain(struct store_session *session, const char *name)
{
    session->waiting++;
    return PQsendQueryPrepared(session->connection, name, 0, NULL, NULL, NULL, 1) == 1 ? TARGET_OK : failed(session);
}

enum target_status store_begin(struct store_session *session, bool snapshot)
{
    session->txn++;
    ahead_reset(&session->ahead, clear_answer);
    enum target_status status = ask_plain(session, snapshot ? "begin_read" : "begin_write");
    return status == TARGET_OK ? collect_if_single(session) : status;
}

void store_abort(struct store_session *session)
{
    release(session);
    if (session->waiting > 0) /* perhaps the beginning */
        (void)collect(session);
    if (PQtransactionStatus(session->connection) != PQTRANS_IDLE && ask_plain(session, "rollback") == TARGET_OK)
        (void)collect(session);
}

/* Where the transaction has failed before, COMMIT rolls back and is no error; but that one was answered then. */
enum target_status store_commit(struct store_session *session)
{
    enum target_status status = ask_plain(session, "commit");
    if (status == TARGET_OK)
        status = collect(session);
    if (status != TARGET_OK)
        store_abort(session);
    return status;
}

/* ---- Keys. ---- */

/* The key as PostgreSQL has it: a number with the top bit turned. */
static struct store_bytes to_sql(const struct store *store, unsigned space, struct store_bytes key,
                                 unsigned char room[STORE_KEY_MAX_BYTES])
{
    memcpy(room, key.data, key.count);
    if (store->key_bytes[space] == NUMBER_BYTES)
        room[0] ^= TOP_BIT;
    return (struct store_bytes){room, key.count};
}

/* The key in a row of an answer. */
static size_t from_sql(const struct store *store, unsigned space, const PGresult *rows, int row,
                       unsigned char room[STORE_KEY_MAX_BYTES])
{
    enum { KEY_COLUMN = 1 };
    size_t count = (size_t)PQgetlength(rows, row, KEY_COLUMN);
    memcpy(room, PQgetvalue(rows, row, KEY_COLUMN), count);
    if (store->key_bytes[space] == NUMBER_BYTES)
        room[0] ^= TOP_BIT;
    return count;
}

static enum target_status look(struct store_session *session, unsigned space, enum statement which,
                               struct store_bytes key)
{
    unsigned char room[STORE_KEY_MAX_BYTES];
    const struct store_bytes parameter = to_sql(session->store, space, key, room);
    enum target_status status = ask(session, space, which, &parameter);
    return status == TARGET_OK ? collect(session) : status;
}

/* Looks for the key or the next one, and remembers that nothing is between. */
static enum target_status look_ahead(struct store_session *session, unsigned space, struct store_bytes key, bool *found)
{
    struct gap *gap = &session->gaps[space];
    enum target_status status = look(session, space, NEXT, key);
    if (status != TARGET_OK)
        return status;
    *gap = (struct gap){.txn = session->txn, .is_open = PQntuples(session->answer) == 0};
    memcpy(gap->lo, key.data, key.count);
    if (!gap->is_open)
        (void)from_sql(session->store, space, session->answer, 0, gap->hi);
    *found = !gap->is_open && memcmp(gap->lo, gap->hi, key.count) == 0;
    return TARGET_OK;
}

static bool is_in_gap(const struct store_session *session, unsigned space, struct store_bytes key)
{
    const struct gap *gap = &session->gaps[space];
    if (gap->txn != session->txn || (!gap->is_open && memcmp(key.data, gap->hi, key.count) >= 0))
        return false;
    int order = memcmp(key.data, gap->lo, key.count);
    return order > 0 || (order == 0 && !gap->is_behind);
}

/* Whether a cursor has just given out this key's entry, as when a scan asks for the row that it stands on. */
static bool is_at_cursor(const struct store_session *session, unsigned space, struct store_bytes key)
{
    const struct store_cursor *cursor = session->cursor;
    return cursor != NULL && cursor->space == space && memcmp(cursor->key, key.data, key.count) == 0;
}

static struct store_bytes value_at(const PGresult *rows, int row)
{
    return (struct store_bytes){PQgetvalue(rows, row, 0), (size_t)PQgetlength(rows, row, 0)};
}

static void note(struct store_session *session, unsigned space, struct store_bytes key)
{
    if (session->store->options.requests == POSTGRESQL_BATCHED)
        ahead_note(&session->ahead, space, key);
}
void (*const store_prefetch)(struct store_session *session, unsigned space, struct store_bytes key) = note;

/* The answer about a key that was noted; asks for all that were, if it has none. */
static enum target_status look_noted(struct store_session *session, const struct ahead_key *noted,
                                     struct store_bytes *value)
{
    struct ahead *ahead = &session->ahead;
    enum target_status status = TARGET_OK;
    bool has_answer = noted->answer != NULL;
    while (!has_answer && status == TARGET_OK && ahead->asked < ahead->count) {
        const struct ahead_key *next = &ahead->keys[ahead->asked];
        unsigned char room[STORE_KEY_MAX_BYTES];
        const struct store_bytes key = {next->key, next->key_bytes};
        const struct store_bytes parameter = to_sql(session->store, next->space, key, room);
        status = ask(session, next->space, GET, &parameter);
        ahead->asked += status == TARGET_OK;
    }
    if (!has_answer && status == TARGET_OK)
        status = collect(session);
    if (status != TARGET_OK)
        return status;
    if (PQntuples(noted->answer) == 0)
        return TARGET_NOT_FOUND;
    *value = value_at(noted->answer, 0);
    return TARGET_OK;
}

enum target_status store_get(struct store_session *session, unsigned space, struct store_bytes key, enum store_use use,
                             struct store_bytes *value)
{
    bool locks = session->store->options.isolation == POSTGRESQL_READ_COMMITTED, found = true;
    enum target_status status = TARGET_OK;
    if ((use == STORE_READ || !locks) && is_at_cursor(session, space, key)) {
        *value = value_at(session->cursor->entries, session->cursor->at - 1);
        return TARGET_OK;
    }
    struct ahead_key *noted =
        use == STORE_READ || (use == STORE_CHANGE && !locks) ? ahead_find(&session->ahead, space, key) : NULL;
    if (noted != NULL) {
        noted->is_stale = locks; /* the next read is of what is committed by then */
        return look_noted(session, noted, value);
    }
    if (locks && use != STORE_READ)
        ahead_forget(&session->ahead, space, key); /* an answer from before would be older than what is seen now */
    if (use == STORE_ADD && is_in_gap(session, space, key))
        return TARGET_NOT_FOUND;
    if (use == STORE_ADD)
        status = look_ahead(session, space, key, &found);
    if (status == TARGET_OK && found && (use != STORE_ADD || locks))
        status = look(session, space, use != STORE_READ && locks ? GET_LOCKED : GET, key);
    if (status != TARGET_OK)
        return status;
    if (!found || PQntuples(session->answer) == 0)
        return TARGET_NOT_FOUND;
    *value = value_at(session->answer, 0);
    return TARGET_OK;
}

enum target_status store_put(struct store_session *session, unsigned space, struct store_bytes key,
                             struct store_bytes value, bool is_new)
{
    unsigned char room[STORE_KEY_MAX_BYTES];
    const struct store_bytes parameters[] = {to_sql(session->store, space, key, room), value};
    ahead_forget(&session->ahead, space, key);
    if (is_new && is_in_gap(session, space, key)) {
        struct gap *gap = &session->gaps[space];
        memcpy(gap->lo, key.data, key.count);
        gap->is_behind = true;
    }
    enum target_status status = ask(session, space, is_new ? ADD : CHANGE, parameters);
    return status == TARGET_OK ? collect_if_single(session) : status;
}

enum target_status store_delete(struct store_session *session, unsigned space, struct store_bytes key)
{
    unsigned char room[STORE_KEY_MAX_BYTES];
    const struct store_bytes parameter = to_sql(session->store, space, key, room);
    ahead_forget(&session->ahead, space, key);
    enum target_status status = ask(session, space, DELETE, &parameter);
    return status == TARGET_OK ? collect_if_single(session) : status;
}

/* ---- Cursors. ---- */

enum target_status store_cursor_open(struct store_session *session, unsigned space, struct store_bytes lo,
                                     struct store_bytes hi, bool backward, uint64_t wanted,
                                     struct store_cursor **result)
{
    struct store_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL)
        return TARGET_NO_MEMORY;
    bool is_number = session->store->key_bytes[space] == NUMBER_BYTES;
    cursor->session = session;
    cursor->space = space;
    cursor->backward = backward;
    cursor->wanted = wanted == 0 ? ENTRIES_LEAST : wanted < ENTRIES_MOST ? wanted : ENTRIES_MOST;
    cursor->lo_bytes = lo.data != NULL ? lo.count : is_number ? NUMBER_BYTES : 0;
    cursor->hi_bytes = hi.data != NULL ? hi.count : is_number ? NUMBER_BYTES : sizeof cursor->hi; /* beyond all keys */
    memset(cursor->hi, 0xff, sizeof cursor->hi);
    if (lo.data != NULL)
        memcpy(cursor->lo, lo.data, lo.count);
    if (hi.data != NULL)
        memcpy(cursor->hi, hi.data, hi.count);
    if (is_number) {
        cursor->lo[0] ^= TOP_BIT;
        cursor->hi[0] ^= TOP_BIT;
    }
    *result = cursor;
    return TARGET_OK;
}

/* Gets the next entries: those behind the last one. */
static enum target_status fetch(struct store_cursor *cursor)
{
    struct store_session *session = cursor->session;
    bool goes_on = cursor->entries != NULL;
    if (goes_on) { /* the last one's key is the new bound */
        size_t count = (size_t)PQgetlength(cursor->entries, cursor->at - 1, 1);
        memcpy(cursor->backward ? cursor->hi : cursor->lo, PQgetvalue(cursor->entries, cursor->at - 1, 1), count);
        *(cursor->backward ? &cursor->hi_bytes : &cursor->lo_bytes) = count;
        PQclear(cursor->entries);
        cursor->entries = NULL;
        session->cursor = NULL;
        cursor->wanted = cursor->wanted * 4 < ENTRIES_MOST ? cursor->wanted * 4 : ENTRIES_MOST;
    }
    const uint64_t limit = htobe64(cursor->wanted);
    const struct store_bytes parameters[] = {
        {cursor->lo, cursor->lo_bytes}, {cursor->hi, cursor->hi_bytes}, {&limit, sizeof limit}};
    enum statement which = cursor->backward ? (goes_on ? DOWN_FROM : DOWN) : goes_on ? UP_FROM : UP;
    enum target_status status = ask(session, cursor->space, which, parameters);
    if (status == TARGET_OK)
        status = collect(session);
    if (status != TARGET_OK)
        return status;
    cursor->entries = session->answer;
    session->answer = NULL;
    cursor->at = 0;
    cursor->is_last = (uint64_t)PQntuples(cursor->entries) < cursor->wanted;
    return TARGET_OK;
}

enum target_status store_cursor_next(struct store_cursor *cursor, struct store_bytes *key, struct store_bytes *value)
{
    if (cursor->entries == NULL || (cursor->at == PQntuples(cursor->entries) && !cursor->is_last)) {
        enum target_status status = fetch(cursor);
        if (status != TARGET_OK)
            return status;
    }
    if (cursor->at == PQntuples(cursor->entries))
        return TARGET_NOT_FOUND;
    int row = cursor->at++;
    size_t count = from_sql(cursor->session->store, cursor->space, cursor->entries, row, cursor->key);
    *key = (struct store_bytes){cursor->key, count};
    *value = value_at(cursor->entries, row);
    cursor->session->cursor = cursor;
    return TARGET_OK;
}

void store_cursor_close(struct store_cursor *cursor)
{
    if (cursor->session->cursor == cursor)
        cursor->session->cursor = NULL;
    PQclear(cursor->entries);
    free(cursor);
}
