/*
 * sql.h - connections of SQLite for tests: run a statement, compare what a query gives.
 */
#ifndef TESTS_SUPPORT_SQL_H
#define TESTS_SUPPORT_SQL_H

#include <sqlite3.h>

/* A connection whose database is in the folder; "": the process's database in memory. */
sqlite3 *sql_connect(const char *folder);
void sql_close(sqlite3 *sqlite); /* fails the test if statements are left */

/* For cmocka: before and after a test that has one connection, in memory, as its state. */
int sql_open_one(void **state);
int sql_close_one(void **state);

/* The extended code of SQLite that the statements end with, and the message of a failure until the next call. */
int sql_run(sqlite3 *sqlite, const char *sql);
const char *sql_error(void);

/* Runs the statements; they must succeed. */
#define assert_sql(sqlite, sql) sql_succeed(sqlite, sql, __FILE__, __LINE__)
void sql_succeed(sqlite3 *sqlite, const char *sql, const char *file, int line);

/* Each row of the query is one line, and values are parted by bars; NULL is nothing. */
#define assert_rows(sqlite, rows, sql) sql_compare(sqlite, rows, sql, __FILE__, __LINE__)
void sql_compare(sqlite3 *sqlite, const char *rows, const char *sql, const char *file, int line);

/* The rows of the query as text, to be freed; NULL: it fails with *code. With types: each value has the letter of its
 * type before it. */
char *sql_rows(sqlite3 *sqlite, const char *sql, int with_types, int *code);

#endif
