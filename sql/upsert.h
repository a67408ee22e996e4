/*
 * upsert.h - INSERT ... ON CONFLICT, which SQLite refuses for virtual tables.
 *
 * The statement is run as the INSERT that stands before ON CONFLICT. While it runs the connection knows what is to be
 * done instead of a row that is there already: nothing, or an UPDATE of the row by its rowid, which was prepared with a
 * parameter in place of each `excluded.column`. Checked by: tests/unit/sql/front.c.
 */
#ifndef SQL_UPSERT_H
#define SQL_UPSERT_H

#include "sql/connection.h"

/* Runs the INSERT into the table. `clauses` stands behind ON CONFLICT: (a, b) DO UPDATE SET price = excluded.price
 * WHERE ... */
int upsert_run(struct connection *connection, const char *table, const char *insert, const char *clauses, char **error);

/* Whether a row that is refused for the index, or NULL: for its rowid, is one of those. And what is done instead: the
 * values are those that were to be inserted. */
bool upsert_takes(const struct connection *connection, const struct table *table, const struct index *index);
int upsert_instead(struct connection *connection, const struct table *table, const struct value *values, int64_t rowid);

#endif
