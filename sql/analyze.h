/*
 * analyze.h - ANALYZE: how many rows of a table have the same values in the columns of its indexes, which xBestIndex
 * (plan.c) weighs plans with.
 *
 * All rows are looked at, in a snapshot, so that nobody waits; what is found is a change of the schema (alter.h). The
 * number of different values is estimated, within some per cent, in memory that does not grow with it.
 * Checked by: tests/unit/sql/analyze.c.
 */
#ifndef SQL_ANALYZE_H
#define SQL_ANALYZE_H

#include "sql/connection.h"

/* Of the table of that name, or the one with an index of that name, as it was committed last; NULL: of each table, in
 * a transaction of its own if none is open. SQLITE_NOTFOUND: there is none; else as alter_statistics. */
int analyze_run(struct connection *connection, const char *name, char **error);

#endif
