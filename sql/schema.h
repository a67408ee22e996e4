/*
 * schema.h - tables and views as SQL knows them, and the text that defines one.
 *
 * The text is what stands in the parentheses of CREATE TABLE, and what the catalogue keeps: id INTEGER PRIMARY KEY,
 * name TEXT NOT NULL DEFAULT '', zip INTEGER CHECK (zip > 0), UNIQUE(name), INDEX by_zip(zip, name), INDEX at USING
 * HASH (zip, name). A column has a name, a type, and may be NOT NULL, UNIQUE, PRIMARY KEY, have a DEFAULT and CHECKs. A
 * PRIMARY KEY of one INTEGER column is the rowid; any other is a unique index over columns that are NOT NULL. A column
 * may have a COLLATE, and so may a column of an index, which else has that of the table's column. The catalogue's text
 * has the number of the engine's index behind the words UNIQUE and INDEX, and what ANALYZE has found. What is not
 * understood is refused. The catalogue's text of a view is the word VIEW and what follows the name in CREATE VIEW,
 * which only SQLite understands.
 * Checked by: tests/unit/sql/schema.c.
 */
#ifndef SQL_SCHEMA_H
#define SQL_SCHEMA_H

#include "engine/maemio.h"
#include "sql/row.h"

enum { COLUMNS_MAX = 250, INDEXES_MAX = 16, INDEX_COLUMNS_MAX = 16, CHECKS_MAX = 64 };

/* Declared types and what they mean. Values are converted as SQLite's STRICT tables do, or refused. */
#define COLUMN_TYPE_TABLE(X) \
    X(INTEGER, INTEGER)      \
    X(INT, INTEGER)          \
    X(BIGINT, INTEGER) X(REAL, REAL) X(DOUBLE, REAL) X(FLOAT, REAL) X(TEXT, TEXT) X(BLOB, BLOB) X(ANY, ANY)

enum column_type { COLUMN_INTEGER, COLUMN_REAL, COLUMN_TEXT, COLUMN_BLOB, COLUMN_ANY };

/* How texts are compared, as SQLite does: by their bytes; with A to Z as a to z; without the blanks at the end. */
#define COLLATION_TABLE(X) X(BINARY) X(NOCASE) X(RTRIM)

enum collation {
#define COLLATION_NAME(word) COLLATION_##word,
    COLLATION_TABLE(COLLATION_NAME)
#undef COLLATION_NAME
};

struct column {
    char *name;
    const char *type_name; /* as COLUMN_TYPE_TABLE has it */
    enum column_type type;
    enum collation collation;
    bool not_null;
    char *default_text; /* an expression of SQL; NULL: none */
};

/* An index beside that of rowids. */
struct index {
    char *name;        /* NULL: it is a constraint of the table, and cannot be dropped alone */
    bool unique, hash; /* hash: it serves = on all its columns, and nothing else */
    unsigned columns;
    unsigned column[INDEX_COLUMNS_MAX];
    enum collation collation[INDEX_COLUMNS_MAX];
    uint64_t id;                       /* names the engine's index; 0: it is not made yet */
    uint64_t alike[INDEX_COLUMNS_MAX]; /* how many rows have, on average, the same value of the first column, the first
                                        * two, and so on; 0: ANALYZE has not run */
    struct mae_index *entries;
};

struct table {
    char *name;
    char *text;   /* the definition, as the catalogue has it */
    uint64_t id;  /* of its row in the catalogue; names the engine's table */
    bool is_view; /* it has only a name, a text and an id */
    unsigned columns, indexes, checks;
    int key; /* the column that is the rowid; -1: none */
    bool has_defaults;
    struct column column[COLUMNS_MAX];
    struct index index[INDEXES_MAX];
    char *check[CHECKS_MAX]; /* expressions */
    struct mae_table *rows;
    struct mae_index *by_rowid; /* the key is rowid_key() */
    _Atomic int64_t next_rowid;
    bool dropped;       /* the catalogue has it no more, or has another text; changes under the gate (database.h) */
    bool was_there;     /* in the list, before it changed */
    bool is_read;       /* the catalogue that is being read has it */
    bool is_kept;       /* it was there when the gate's owner came */
    struct table *next; /* in the database's list */
};

/* The key of a rowid in `by_rowid`: unsigned integers in the order of the signed ones. It is its own inverse. */
static inline uint64_t rowid_key(int64_t rowid)
{
    return (uint64_t)rowid ^ UINT64_C(1) << 63;
}

/* Reads a definition: what people have written, or what the catalogue has, where a view may stand. NULL: *error says
 * why (free it with sqlite3_free), or is NULL when out of memory. */
struct table *schema_parse(const char *name, const char *text, char **error);
struct table *schema_read(const char *name, const char *text, char **error);
void schema_free(struct table *table); /* NULL is fine */

/* The number of the column of that name, or -1. */
int schema_column(const struct table *table, const char *name);

/* The name of a collation, as COLLATION_TABLE has it. */
const char *schema_collation_name(enum collation collation);

/* The table's definition as text: for the catalogue, or for people, without the numbers of indexes. And the CREATE
 * TABLE that tells SQLite of the columns. Free them with sqlite3_free; NULL: out of memory. */
char *schema_text(const struct table *table, bool for_people);
char *schema_declaration(const struct table *table);

/* The catalogue's text of a view, of what stands behind its name; and the CREATE VIEW, whose name has this before it
 * ("" or a schema's). Whether that is the CREATE VIEW which SQLite has. */
char *schema_view_text(const char *body);
char *schema_view_create(const struct table *view, const char *before);
bool schema_view_is(const struct table *view, const char *create);

/* The CREATE INDEX of an index that has a name, without a semicolon. As above. */
char *schema_index_text(const struct table *table, const struct index *index);

#endif
