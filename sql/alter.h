/*
 * alter.h - changes of the schema in a connection's transaction: what SQLite does for virtual tables and what it
 * refuses.
 *
 * Rows and entries are changed in the transaction that changes the catalogue. Nobody else is inside the gate meanwhile
 * (database.h).
 */
#ifndef SQL_ALTER_H
#define SQL_ALTER_H

#include "sql/connection.h"

/* Begins a change: the transaction is enlisted and owns the gate. And ends it with the status of what was done: the
 * list of tables follows. `sqlite_follows`: SQLite does the same to its names, which then are the catalogue's if they
 * were so before; else they are made anew. */
int alter_begin(struct connection *connection, char **error);
int alter_end(struct connection *connection, enum mae_status status, bool sqlite_follows, char **error);

/* In between: makes what the table lacks in the engine, and writes it into the catalogue. */
enum mae_status alter_write(struct connection *connection, struct table *table);

/*
 * Each in the transaction that is open, or in one of its own. `definition` is what the catalogue's text has: a
 * column, or an index with its columns (INDEX name(a, b)). SQLITE_OK; SQLITE_ERROR with the reason;
 * SQLITE_CONSTRAINT_*: rows that are there do not comply; else as a write.
 */
int alter_add_column(struct connection *connection, const char *table, const char *definition, char **error);
/* `lax`: nothing is done if there is such an index. */
int alter_add_index(struct connection *connection, const char *table, const char *index, const char *definition,
                    bool lax, char **error);
int alter_drop_column(struct connection *connection, const char *table, const char *column, char **error);
int alter_rename_column(struct connection *connection, const char *table, const char *from, const char *to,
                        char **error);
/* `text` is what follows the name in CREATE VIEW. `lax`: nothing is done if there is a table or view of that name. */
int alter_add_view(struct connection *connection, const char *view, const char *text, bool lax, char **error);
int alter_drop_view(struct connection *connection, const char *view, char **error); /* or SQLITE_NOTFOUND */

/* In a change: SQLite has given a table another name, also in the views that name it. The catalogue's views follow. A
 * code of SQLite's (SQLITE_NOMEM, SQLITE_INTERRUPT), or SQLITE_OK and what the engine says. */
int alter_views_follow(struct connection *connection, enum mae_status *status);

/* Notes what ANALYZE has found of the table's indexes: `alike` of each (schema.h), in their order. SQLITE_SCHEMA if the
 * table has changed meanwhile, or gone. */
struct statistics {
    uint64_t alike[INDEXES_MAX][INDEX_COLUMNS_MAX];
};
int alter_statistics(struct connection *connection, const struct table *table, const struct statistics *found,
                     char **error);

int alter_drop_index(struct connection *connection, const char *index, char **error); /* or SQLITE_NOTFOUND */

#endif
