/*
 * connection.h - a connection of SQLite that is attached to a database, and its transactions of the engine.
 *
 * A session is a worker and its transaction. A connection has at most one writer, and readers, which are snapshots that
 * cursors share and count.
 *
 *   S1  While the writer is open all new cursors use it.
 *   S2  Outside of BEGIN a cursor uses a reader, which is never older than the connection's last commit before the
 *       cursor was first filtered. It keeps that until it is closed: SQLite may have values of it, as the largest one
 *       of a group, when it filters the cursor again. And where a subquery runs again, or an OR looks in its next
 *       index, SQLite opens a cursor, and closes the one that it had there: the new one inherits the snapshot.
 *   S3  Each transaction of SQLite that has read from the writer gets xSync at its COMMIT, also if it has written
 *       nothing: SQLite's call of xBegin for the table of enlisting makes sure of that.
 *       A connection that only reads (maemio_snapshot) has a snapshot for its writer, which lasts as a reader does.
 *   S4  The writer's transaction ends in xSync, xRollback, or at once if it cannot commit any more; then every call
 *       fails with the same code until xRollback. A snapshot that has failed (the engine's option txn_max_ms) stays
 *       open until its last cursor is closed, since SQLite has its values.
 *
 * Checked by: tests/unit/sql/isolation.c. sql/DESIGN.md says why.
 */
#ifndef SQL_CONNECTION_H
#define SQL_CONNECTION_H

#include "sql/database.h"
#include "sql/sqlite.h"

struct session {
    struct mae_worker *worker;
    struct mae_txn *txn;     /* NULL: it has ended */
    enum mae_status failure; /* why it has failed, or a snapshot is to end; MAE_OK: it is open, or was committed */
    bool snapshot;
    bool used;        /* the writer has read or written */
    unsigned cursors; /* that use it */
    uint64_t changes; /* how many calls have written; pointers into rows are older or younger than such a call */
};

struct upsert;

struct connection {
    sqlite3 *sqlite;
    struct database *database; /* NULL: none yet */
    uint64_t version;          /* of the list of tables that the names in SQLite's schema follow */
    uint64_t altered;          /* how often the list had got other definitions when SQLite last connected anew */
    struct session *writer, *reader;
    struct session *spare;       /* memory for the next session; NULL: none */
    void *opened;                /* the cursor that was opened last, until one is filtered or closed; NULL: none */
    struct mae_worker *worker;   /* that it was given last, and may be another's now; NULL: none */
    uint64_t views;              /* how many names of views it has dropped, which prepared statements may contain */
    sqlite3_stmt *enlist;        /* prepared while the table maemio_keeper (module.c) is connected */
    bool enlisting, forgets;     /* that statement runs; it is to be finalised afterwards */
    unsigned inside;             /* transactions that have entered the gate */
    bool owner;                  /* of the gate */
    bool changed_amid;           /* it has changed the schema while queries of its own that go on were open */
    bool refreshing;             /* names follow the catalogue: xCreate and xDestroy change nothing there */
    bool synced;                 /* xSync has committed, xCommit has not been called yet */
    int sync_code;               /* what that xSync has returned */
    bool only_reads;             /* what it opens as its writer is a snapshot */
    bool broken;                 /* SQLite has rolled back what is committed */
    uint64_t *marks;             /* savepoints of the engine, one a level of SQLite's */
    unsigned levels, levels_max; /* how many there are, and fit */
    struct upsert *upsert;       /* what is done instead of inserting a row that is there: upsert.c */
    int (*commit_hook)(void *arg);
    void *commit_hook_arg;
    struct connection *next;
};

/* Makes the connection of this SQLite connection, or finds it; NULL: out of memory, or (find) there is none. */
struct connection *connection_create(sqlite3 *sqlite);
struct connection *connection_find(sqlite3 *sqlite);
void connection_destroy(void *connection);

/* Chooses the database in a folder, "" the one in memory; `options` as database_open has them. SQLITE_BUSY: a
 * transaction is open. */
int connection_open(struct connection *connection, const char *folder, const char *options, char **error);

/* From now on the connection's transactions are snapshots, or not any more. SQLITE_BUSY: a transaction is open. */
int connection_only_reads(struct connection *connection, bool only_reads, char **error);

/* Enters the gate. SQLITE_BUSY, SQLITE_NOMEM. */
int connection_enter(struct connection *connection, struct mae_worker **worker, char **error);

/* Within a statement: SQLITE_INTERRUPT if sqlite3_interrupt has been called, or what else keeps statements from running
 * now; SQLITE_OK: nothing. Costs some microseconds. */
int connection_interrupted(const struct connection *connection);

/* SQLite's code for a status, and for one that has ended a session's transaction; the latter notes it. */
int code_of(enum mae_status status);
int session_code(struct session *session, enum mae_status status);

/* The session that a cursor is to use, which counts it; and when the cursor is closed or filtered again. `before`: what
 * it has used until now, of which a snapshot stays (S2); NULL: it is new. */
int connection_read(struct connection *connection, struct session *before, struct session **session, char **error);
void connection_read_end(struct connection *connection, struct session *session);

/* Opens the writer, if it is not. For changes: SQLITE_READONLY if it is a snapshot. And for a change of the schema:
 * takes the gate, too. */
int connection_write(struct connection *connection, char **error);
int connection_change(struct connection *connection, char **error);
int connection_own(struct connection *connection, char **error);

/* Begins the writer's transaction again, which takes back what it has done, and lets it see the table's indexes (NULL:
 * there is none), which were just made. */
enum mae_status connection_restart(struct connection *connection, const struct table *table);

/* Has xBegin, xSync and so on called for the transaction that SQLite has open: see S3. */
int connection_enlist(struct connection *connection, char **error);
void connection_forget(struct connection *connection); /* finalises the statement that does that */

/* What SQLite calls; the same for all tables. */
int connection_sync(struct connection *connection, char **error);
int connection_commit(struct connection *connection);
int connection_rollback(struct connection *connection);
int connection_savepoint(struct connection *connection, int level);
int connection_release(struct connection *connection, int level);
int connection_rollback_to(struct connection *connection, int level);

/* The writer has gone back to a savepoint, with this status: the list of tables follows. If either fails, the
 * transaction ends (S4). */
int connection_list(struct connection *connection, enum mae_status status);

/* Creates and drops names of SQLite's schema as the catalogue says, if that has changed: for who enlists then. And for
 * who does not: if that was within BEGIN, the connection has to be told when SQLite takes it back. */
int connection_refresh(struct connection *connection, char **error);
int connection_follow(struct connection *connection, char **error);

#endif
