/*
 * sql_floor.h - a virtual table of SQLite that does next to nothing: what SQLite itself takes for a statement.
 *
 * Its rows are computed: id is the rowid, `a` a number, `b` a text of 84 bytes that is always the same. It looks up
 * rowids, ranges of them and all rows, and its updates only ask for their arguments. All calls of a transaction are
 * there and do nothing.
 */
#ifndef TESTS_BENCH_SQL_FLOOR_H
#define TESTS_BENCH_SQL_FLOOR_H

#include <stdint.h>

#include <sqlite3.h>

/* Creates the table t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT) with ids of [0, rows). Returns SQLite's code. */
int sql_floor_create(sqlite3 *sqlite, int64_t rows);

#endif
