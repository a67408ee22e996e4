/*
 * tables.h - which tables a database has.
 *
 * The catalogue is a table of the engine: a row for each SQL table and view, with its name and its definition
 * (schema.h). The list of `struct table` is what the catalogue says. It is read again after each change, and taken back
 * with it; only the owner of the gate (database.h) writes it, and only who is inside the gate reads it. A table whose
 * definition has changed gets a new `struct table`, and the old one is marked as dropped; none is freed before the
 * database is closed, since statements of SQLite point to it.
 *
 * The engine's objects of the table with the number 7 are the table `sql.7`, its index of rowids `sql.7.rowid`, and for
 * each index, which has a number of its own, `sql.7.index.3`. What the catalogue does not name is dropped or, while
 * transactions are open that may know it, emptied (tables_sweep), and used again where it is needed.
 * Checked by: tests/unit/sql/module.c.
 */
#ifndef SQL_TABLES_H
#define SQL_TABLES_H

#include "sql/database.h"

/* Makes or finds the catalogue, reads it, and empties what it does not name. And frees the list. */
enum mae_status tables_open(struct database *database);
void tables_close(struct database *database);

/* The table of that name, one that has or had it, the view of that name, or the table with an index of that name; or
 * NULL. Inside the gate only. */
struct table *tables_named(const struct database *database, const char *name);
struct table *tables_once_named(const struct database *database, const char *name);
struct table *tables_view_named(const struct database *database, const char *name);
struct table *tables_with_index(const struct database *database, const char *name);

/*
 * Gives a view its number. Makes what a table lacks in the engine, and fills in `id`, `rows`, `by_rowid` and the
 * indexes' `entries` and `id`: all if its number is 0, else the indexes whose number is 0. In the transaction of the
 * owner of the gate, which looks whether an index that is there can be used again: a look of another one would be
 * later, and the first could not write there any more. A transaction that has begun before does not see the new
 * indexes, and fails (MAE_ABORT_INDEX) if it uses them.
 */
enum mae_status tables_make(struct database *database, struct mae_txn *txn, struct table *table);

/* Changes of the catalogue, in a transaction of the owner of the gate. Writing adds the table or takes the place of
 * what its number had. The memory of `table` stays the caller's. */
enum mae_status tables_write(struct database *database, struct mae_txn *txn, const struct table *table);
enum mae_status tables_remove(struct database *database, struct mae_txn *txn, const struct table *table);

/* Makes the list what the catalogue says in `txn`; if that fails, it stays as it is. The owner of the gate only. */
enum mae_status tables_read(struct database *database, struct mae_txn *txn);

/* Notes what the list is when the gate gets an owner, and makes it that again, for which no memory is needed. */
void tables_keep(struct database *database);
void tables_take_back(struct database *database);

/* Drops what the catalogue does not name, or empties it in transactions of its own: without `drop` all of it. The owner
 * of the gate only, after its transaction. Behind one that has not committed it drops nothing: if that was too old to
 * see an index that it had made, it finds the index when it is run again. */
enum mae_status tables_sweep(struct database *database, struct mae_worker *worker, bool drop);

#endif
