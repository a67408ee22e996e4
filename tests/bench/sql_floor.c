/* sql_floor.c - see sql_floor.h. */
#include "tests/bench/sql_floor.h"

#include <stdbool.h>
#include <string.h>

enum { LENGTH = 84, USES_EQUAL = 1, USES_LOW = 2, USES_HIGH = 4 };

struct floor_table {
    sqlite3_vtab base; /* its first member, as SQLite demands */
    int64_t rows;
    char text[LENGTH + 1]; /* ends with 0 */
};

struct floor_cursor {
    sqlite3_vtab_cursor base; /* its first member, as SQLite demands */
    int64_t row, end;
};

static int floor_connect(sqlite3 *sqlite, void *rows, int count, const char *const *argument, sqlite3_vtab **made,
                         char **error)
{
    (void)count, (void)argument, (void)error;
    int code = sqlite3_declare_vtab(sqlite, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT)");
    struct floor_table *table = sqlite3_malloc(sizeof *table);
    if (code != SQLITE_OK || table == NULL) {
        sqlite3_free(table);
        return code != SQLITE_OK ? code : SQLITE_NOMEM;
    }
    memset(table, 0, sizeof *table);
    memset(table->text, '0', LENGTH);
    table->rows = *(int64_t *)rows;
    *made = &table->base;
    return SQLITE_OK;
}

static int floor_disconnect(sqlite3_vtab *table)
{
    sqlite3_free(table);
    return SQLITE_OK;
}

/* Takes the first usable constraint on the id of each kind. */
static int floor_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    static const unsigned char kinds[] = {SQLITE_INDEX_CONSTRAINT_EQ, SQLITE_INDEX_CONSTRAINT_GE,
                                          SQLITE_INDEX_CONSTRAINT_LE};
    int used = 0;
    for (int kind = 0; kind < 3 && info->idxNum != USES_EQUAL; kind++)
        for (int i = 0; i < info->nConstraint; i++) {
            if (!info->aConstraint[i].usable || info->aConstraint[i].iColumn > 0 ||
                info->aConstraint[i].op != kinds[kind])
                continue;
            info->aConstraintUsage[i].argvIndex = ++used;
            info->aConstraintUsage[i].omit = 1;
            info->idxNum |= 1 << kind;
            break;
        }
    info->estimatedCost = used > 0 ? 10 : 1e6;
    if (info->idxNum == USES_EQUAL)
        info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    return SQLITE_OK;
}

static int floor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **opened)
{
    (void)table;
    struct floor_cursor *cursor = sqlite3_malloc(sizeof *cursor);
    if (cursor == NULL)
        return SQLITE_NOMEM;
    *cursor = (struct floor_cursor){.row = 0};
    *opened = &cursor->base;
    return SQLITE_OK;
}

static int floor_close(sqlite3_vtab_cursor *cursor)
{
    sqlite3_free(cursor);
    return SQLITE_OK;
}

static int floor_filter(sqlite3_vtab_cursor *base, int uses, const char *text, int count, sqlite3_value **values)
{
    (void)text, (void)count;
    struct floor_cursor *cursor = (struct floor_cursor *)base;
    cursor->row = 0;
    cursor->end = ((struct floor_table *)base->pVtab)->rows;
    if (uses == USES_EQUAL) {
        cursor->row = sqlite3_value_int64(values[0]);
        cursor->end = cursor->row + 1;
        return SQLITE_OK;
    }
    if (uses & USES_LOW)
        cursor->row = sqlite3_value_int64(*values++);
    if (uses & USES_HIGH)
        cursor->end = sqlite3_value_int64(*values) + 1;
    return SQLITE_OK;
}

static int floor_next(sqlite3_vtab_cursor *base)
{
    ((struct floor_cursor *)base)->row++;
    return SQLITE_OK;
}

static int floor_eof(sqlite3_vtab_cursor *base)
{
    const struct floor_cursor *cursor = (struct floor_cursor *)base;
    return cursor->row >= cursor->end;
}

static int floor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    if (sqlite3_vtab_nochange(context))
        return SQLITE_OK;
    const int64_t row = ((struct floor_cursor *)base)->row;
    if (column == 2)
        sqlite3_result_text(context, ((struct floor_table *)base->pVtab)->text, -1, SQLITE_STATIC);
    else
        sqlite3_result_int64(context, column == 0 ? row : row % 1000);
    return SQLITE_OK;
}

static int floor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = ((struct floor_cursor *)base)->row;
    return SQLITE_OK;
}

static int floor_update(sqlite3_vtab *table, int count, sqlite3_value **values, sqlite3_int64 *rowid)
{
    (void)table, (void)rowid;
    for (int i = 0; i < count; i++)
        if (i < 2 || !sqlite3_value_nochange(values[i]))
            (void)sqlite3_value_int64(values[i]);
    return SQLITE_OK;
}

static int floor_transaction(sqlite3_vtab *table)
{
    (void)table;
    return SQLITE_OK;
}

static int floor_savepoint(sqlite3_vtab *table, int level)
{
    (void)table, (void)level;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 2,
    .xCreate = floor_connect,
    .xConnect = floor_connect,
    .xBestIndex = floor_best_index,
    .xDisconnect = floor_disconnect,
    .xDestroy = floor_disconnect,
    .xOpen = floor_open,
    .xClose = floor_close,
    .xFilter = floor_filter,
    .xNext = floor_next,
    .xEof = floor_eof,
    .xColumn = floor_column,
    .xRowid = floor_rowid,
    .xUpdate = floor_update,
    .xBegin = floor_transaction,
    .xSync = floor_transaction,
    .xCommit = floor_transaction,
    .xRollback = floor_transaction,
    .xSavepoint = floor_savepoint,
    .xRelease = floor_savepoint,
    .xRollbackTo = floor_savepoint,
};

int sql_floor_create(sqlite3 *sqlite, int64_t rows)
{
    int64_t *count = sqlite3_malloc(sizeof *count);
    if (count == NULL)
        return SQLITE_NOMEM;
    *count = rows;
    int code = sqlite3_create_module_v2(sqlite, "sql_floor", &module, count, sqlite3_free);
    return code == SQLITE_OK ? sqlite3_exec(sqlite, "CREATE VIRTUAL TABLE t USING sql_floor", NULL, NULL, NULL) : code;
}
