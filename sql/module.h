/*
 * module.h - the module `maemio` of virtual tables, in parts: module.c has what concerns tables, plan.c the choice of
 * an index, cursor.c reading, update.c writing. They have vtab.h in common.
 */
#ifndef SQL_MODULE_H
#define SQL_MODULE_H

#include "sql/vtab.h"

/* Registers the module and what it needs, and attaches the schema `maemio`. */
int module_register(struct connection *connection, char **error);

/* plan.c */
int plan_best_index(sqlite3_vtab *base, sqlite3_index_info *info);

/* cursor.c */
int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **opened);
int cursor_close(sqlite3_vtab_cursor *base);
int cursor_filter(sqlite3_vtab_cursor *base, int plan, const char *letters, int count, sqlite3_value **values);
int cursor_next(sqlite3_vtab_cursor *base);
int cursor_eof(sqlite3_vtab_cursor *base);
int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid);

/* update.c */
int update_row(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid);
int update_prepare(struct vtab *vtab); /* prepares what CHECK and DEFAULT need, which tests them */
void update_free(struct vtab *vtab);   /* what it has prepared and allocated */

#endif
