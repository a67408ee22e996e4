/*
 * maemio_sql.h - SQL over a Maemio database, with SQLite as the front end: for C programs that link SQLite.
 *
 * A connection of SQLite is attached to a Maemio database. It then has a schema named `maemio`, whose tables are stored
 * in that database:
 *     CREATE VIRTUAL TABLE maemio.account USING maemio(id INTEGER PRIMARY KEY, owner TEXT NOT NULL, cents INTEGER);
 * All connections of the process that are attached to the same database see the same tables. Use a connection in one
 * thread at a time, and open it with ":memory:" as its main database: then writers of different connections run in
 * parallel. sql/DESIGN.md says why, and what differs from SQLite's own tables.
 *
 * Conflicts. Transactions of all connections are serializable. One that conflicts with another fails with
 * SQLITE_BUSY_SNAPSHOT, mostly at COMMIT, and is rolled back then: run it again. If a statement inside a transaction
 * fails with it, so do all later ones until ROLLBACK. A SELECT outside of transactions never fails for a conflict.
 *
 * Link with -lmaemio_sql -lmaemio -lsqlite3. The calls are in sql/extension.c.
 */
#ifndef MAEMIO_SQL_H
#define MAEMIO_SQL_H

#include <sqlite3.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Attaches the connection to the database in the folder, which is opened (and made, if it does not exist) by the first
 * connection and closed with the last. Commits there return when they are on the disk. NULL or "" is the process's
 * database in memory, which lives as long as a connection is attached to it.
 * SQLITE_OK; SQLITE_CANTOPEN if the database cannot be opened, with the reason in `*error` (may be NULL; free it with
 * sqlite3_free); SQLITE_NOMEM; SQLITE_BUSY if the connection has open transactions; SQLITE_ERROR if the texts of its
 * main database are not UTF-8; what SQLite returns.
 */
int mae_sql_attach(sqlite3 *connection, const char *folder, char **error);

/*
 * The same, with options of the engine for a database that is not open yet: words such as "memory_limit=2G
 * huge_pages=off", parted by white space; mae_option_info names them all. NULL: the defaults, or those that it is open
 * with. What SQL relies on cannot be chosen: order, durability, snapshot, log_dir, simple_index_update. SQLITE_CANTOPEN
 * also if an option is wrong, or if the database is open already with other ones. In SQL the same is
 * maemio_open(folder, options).
 */
int mae_sql_attach_with(sqlite3 *connection, const char *folder, const char *options, char **error);

/*
 * Runs statements, parted by semicolons, as sqlite3_exec does. Beside what SQLite runs they may be, for tables of the
 * schema `maemio`, CREATE TABLE t(...); CREATE [UNIQUE] INDEX i ON t(a, b); DROP INDEX i; ALTER TABLE t ADD COLUMN
 * c ...; ALTER TABLE t DROP COLUMN c; ALTER TABLE t RENAME COLUMN c TO d; INSERT INTO t ... ON CONFLICT (a) DO NOTHING;
 * and ... ON CONFLICT (a) DO UPDATE SET b = b + excluded.b WHERE ..., which SQLite itself refuses for virtual tables.
 * CREATE VIEW v AS SELECT ... and DROP VIEW v are for all connections. ANALYZE, of a table or of all, counts what
 * SQLite's planner then knows of the indexes. What is created is in `maemio`, unless another
 * schema is named. `row` (may be NULL) is called for each row,
 * and reads it with sqlite3_column_*; if it returns other than 0, that is SQLITE_ABORT. Returns the code of the first
 * statement that fails, with the reason in *error (may be NULL; free it with sqlite3_free); those behind it do not
 * run. In SQL the same is the function maemio_exec(statements).
 */
int mae_sql_exec(sqlite3 *connection, const char *sql, int (*row)(void *arg, sqlite3_stmt *statement), void *arg,
                 char **error);

/*
 * Has `hook` called before each commit of the connection's changes to Maemio's tables; if it returns other than 0, the
 * transaction is rolled back and COMMIT fails with SQLITE_CONSTRAINT_COMMITHOOK. NULL: none. Use this and not
 * sqlite3_commit_hook, which SQLite calls when Maemio has committed already: after its veto the connection refuses
 * every further call. SQLITE_OK; SQLITE_MISUSE if the connection is not attached.
 */
int mae_sql_commit_hook(sqlite3 *connection, int (*hook)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
