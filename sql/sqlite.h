/*
 * sqlite.h - SQLite's calls, for the sources of this folder.
 *
 * In the loadable extension (maemio.so) they go through the table that SQLite hands to the entry point, so that the
 * extension uses the very SQLite that has loaded it. In programs that link SQLite (SQLITE_CORE is defined) they are
 * plain calls.
 *
 * All memory of this folder is SQLite's (but for the shell's), so that who limits, counts or fails that finds it all.
 * Checked by: tests/fault/sql.c.
 */
#ifndef SQL_SQLITE_H
#define SQL_SQLITE_H

#include <stddef.h>

#include <sqlite3ext.h> /* or sqlite3.h, where SQLITE_CORE is defined */

#ifndef SQLITE_CORE
extern const sqlite3_api_routines *sqlite3_api; /* set in extension.c */
#endif

/* Memory of zeros, and a copy of a text; NULL: out of memory. sqlite3_free gives it back. */
void *memory_zeroed(size_t bytes);
char *memory_text(const char *text);

#endif
