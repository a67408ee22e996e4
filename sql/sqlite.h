/*
 * sqlite.h - SQLite's calls, for the sources of this folder.
 *
 * In the loadable extension (maemio.so) they go through the table that SQLite hands to the entry point, so that the
 * extension uses the very SQLite that has loaded it. In programs that link SQLite (SQLITE_CORE is defined) they are
 * plain calls.
 */
#ifndef SQL_SQLITE_H
#define SQL_SQLITE_H

#include <sqlite3ext.h> /* or sqlite3.h, where SQLITE_CORE is defined */

#ifndef SQLITE_CORE
extern const sqlite3_api_routines *sqlite3_api; /* set in extension.c */
#endif

#endif
