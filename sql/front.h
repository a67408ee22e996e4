/*
 * front.h - statements that SQLite refuses for virtual tables, or means for its own: CREATE TABLE, CREATE and DROP
 * INDEX, CREATE and DROP VIEW, ALTER TABLE, ANALYZE, INSERT ... ON CONFLICT. All others go to SQLite as they are.
 *
 * Only the beginning of a statement is read here, word for word; expressions stay texts. A table whose schema is named
 * and is not `maemio` is SQLite's. Checked by: tests/unit/sql/front.c.
 */
#ifndef SQL_FRONT_H
#define SQL_FRONT_H

#include "sql/connection.h"

/* Called for each row that a statement gives; other than 0 ends with SQLITE_ABORT. */
typedef int (*front_row_fn)(void *arg, sqlite3_stmt *statement);

/* Runs the first statement of *sql, and moves *sql behind it. An empty one is SQLITE_OK. */
int front_run(struct connection *connection, const char **sql, front_row_fn row, void *arg, char **error);

#endif
