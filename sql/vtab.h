/*
 * vtab.h - a table as one connection of SQLite sees it, and what the parts of the module say to each other about it.
 */
#ifndef SQL_VTAB_H
#define SQL_VTAB_H

#include "sql/connection.h"
#include "sql/key.h"

struct vtab {
    sqlite3_vtab base; /* its first member, as SQLite demands */
    struct connection *connection;
    struct table *table; /* NULL: a table of module.c, which is always empty */
    bool keeper;
    int64_t rowid_next, rowid_end; /* numbers for new rows that this connection has taken; equal: none are left */
    sqlite3_vtab_cursor *spare;    /* a cursor that is closed, for the next one; NULL: none */
    uint64_t met_key, met_row;     /* the key of the rowid of the row that was met last, and where it was */
    bool steady;                   /* the row that was met before it was as far from its key */
    sqlite3_stmt *defaults, *checks;
    struct value *values; /* scratch: two rows' worth */
    void *scratch;        /* for a row's bytes */
    size_t scratch_bytes;
};

/* How xBestIndex tells xFilter what to do: idxNum has the index, and idxStr a letter for each value. */
enum {
    PLAN_ROWIDS = 0, /* the index of rowids; i + 1: the table's i-th index */
    PLAN_INDEX = 0xff,
    PLAN_BACKWARD = 0x100,
    PLAN_ORDERED = 0x200, /* the order is wanted */
    PLAN_LETTERS_MAX = INDEX_COLUMNS_MAX + 2
};
#define PLAN_EQ 'e'
#define PLAN_IN 'i' /* the value is a list: = one of them */
#define PLAN_GT 'g'
#define PLAN_GE 'G'
#define PLAN_LT 'l'
#define PLAN_LE 'L'

/* Says in the table's zErrMsg what is wrong, and returns the code. `why` is freed. */
int vtab_refuse(struct vtab *vtab, int code, char *why);
int vtab_refuse_status(struct vtab *vtab, struct session *session, enum mae_status status);

/* Called when the connection is inside the gate: SQLITE_OK if the table is what the catalogue says. SQLITE_SCHEMA: the
 * statement has to be prepared again; SQLITE_ABORT: it has perhaps given rows already; SQLITE_ERROR: there is none. */
int vtab_is_current(struct vtab *vtab);

/*
 * Finds the row of a rowid; MAE_NOT_FOUND: the transaction sees none. Rows that were inserted in the order of their
 * rowids lie in that order, so the row is first looked for where the rows that were met last let it be expected. Its
 * own rowid says whether it is the one: then the index need not be searched. Not for rowids that are new: what stands
 * in their place would be read for nothing.
 */
enum mae_status vtab_find(struct vtab *vtab, struct mae_txn *txn, int64_t rowid, uint64_t *row, const void **data);

/* A row with that rowid was met. */
void vtab_meet(struct vtab *vtab, int64_t rowid, uint64_t row);

/* The value as SQLite has it; its bytes are SQLite's. */
struct value value_of(sqlite3_value *value);

/* Binds the value, whose bytes stay where they are. */
int value_bind(sqlite3_stmt *statement, int at, const struct value *value);

#endif
