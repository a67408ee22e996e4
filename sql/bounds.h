/*
 * bounds.h - from where to where xFilter looks in an index: what the values that it gets mean as keys.
 *
 * A value may come with another type than the column has. Each bound loses no row. Those of integers are exact; of the
 * others SQLite tests the rows. `letter` is how the column is compared with the value, as PLAN_EQ and its neighbours
 * have it (vtab.h). Values stay the caller's. Nothing here fails.
 * Checked by: tests/unit/sql/module.c, tests/unit/sql/lists.c, tests/model/sql.c; mutations sql_bound_cut,
 * sql_bound_unconverted and sql_hash_of_another_type.
 */
#ifndef SQL_BOUNDS_H
#define SQL_BOUNDS_H

#include "sql/ranges.h"
#include "sql/sqlite.h"

enum bound { BOUND_VALUE, BOUND_NONE, BOUND_EMPTY };

/* The rowid that equals a value; false: none does. */
bool bound_rowid(sqlite3_value *value, int64_t *rowid);

/* The hash in a HASH index of the rows whose columns equal the values, of which there is one for each of its columns.
 * BOUND_EMPTY: no row is equal. BOUND_NONE: rows with other hashes may be equal, too, since a value is of another kind
 * than its column. */
enum bound bound_hash(const struct table *table, const struct index *index, sqlite3_value **values, uint64_t *hash);

/* Adds to a range, which is zero at first, what the constraints with these letters say of the rowid. */
void rowid_range(const char *letters, sqlite3_value **values, struct range *range);

/* The same for an index: columns that are equal, from its first on, and then bounds of the next. Those of a list
 * (PLAN_IN) count as equal to the value that stands in its place. Sets `empty` if no key is in the range. */
void key_range(const struct table *table, const struct index *index, const char *letters, sqlite3_value **values,
               struct range *range);

/* How many columns are equal to a value. `loosely`: one of the values is of another kind than its column, so that
 * several of the column's may equal it. */
unsigned bound_equals(const struct table *table, const struct index *index, const char *letters, sqlite3_value **values,
                      bool *loosely);

#endif
