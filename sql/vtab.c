/* vtab.c - see vtab.h. */
#include "sql/vtab.h"

#include "engine/base/compiler.h"
#include "sql/tables.h"

int vtab_refuse(struct vtab *vtab, int code, char *why)
{
    sqlite3_free(vtab->base.zErrMsg);
    vtab->base.zErrMsg = why;
    return code;
}

int vtab_refuse_status(struct vtab *vtab, struct session *session, enum mae_status status)
{
    if (status == MAE_OK)
        return SQLITE_OK;
    /* A row and its entries do not fit together: between two reads another transaction with an earlier place has
     * committed. What has seen that could not commit. */
    if ((status == MAE_NOT_FOUND || status == MAE_EXISTS) && !MUTATED(sql_torn_is_error))
        status = MAE_ABORT_READ_CHECK;
    return vtab_refuse(vtab, session_code(session, status), sqlite3_mprintf("maemio: %s", mae_status_text(status)));
}

void vtab_meet(struct vtab *vtab, int64_t rowid, uint64_t row)
{
    const uint64_t key = rowid_key(rowid);
    vtab->steady = row - key == vtab->met_row - vtab->met_key;
    vtab->met_key = key;
    vtab->met_row = row;
}

enum mae_status vtab_find(struct vtab *vtab, struct mae_txn *txn, int64_t rowid, uint64_t *row, const void **data)
{
    const struct table *table = vtab->table;
    const uint64_t key = rowid_key(rowid);
    enum mae_status status;
    if (vtab->steady || key == vtab->met_key) {
        *row = vtab->met_row + (key - vtab->met_key);
        status = mae_row_read(txn, table->rows, *row, data, NULL);
        if (status == MAE_OK && (row_rowid(*data) == rowid || MUTATED(sql_place_untested)))
            return MAE_OK;
        if (status != MAE_OK && status != MAE_NOT_FOUND && status != MAE_INVALID)
            return status;
    }
    status = mae_read_row(txn, table->by_rowid, &key, row, data, NULL);
    if (status == MAE_OK)
        vtab_meet(vtab, rowid, *row);
    return status;
}

struct value value_of(sqlite3_value *from)
{
    struct value value = {.type = VALUE_NULL};
    switch (sqlite3_value_type(from)) {
    case SQLITE_INTEGER:
        value.type = VALUE_INTEGER;
        value.integer = sqlite3_value_int64(from);
        break;
    case SQLITE_FLOAT:
        value.type = VALUE_REAL;
        value.real = sqlite3_value_double(from);
        break;
    case SQLITE_TEXT:
        value.type = VALUE_TEXT;
        value.bytes = sqlite3_value_text(from);
        value.length = (size_t)sqlite3_value_bytes(from);
        break;
    case SQLITE_BLOB:
        value.type = VALUE_BLOB;
        value.bytes = sqlite3_value_blob(from);
        value.length = (size_t)sqlite3_value_bytes(from);
        break;
    default:
        break;
    }
    return value;
}

int value_bind(sqlite3_stmt *statement, int at, const struct value *value)
{
    switch (value->type) {
    case VALUE_INTEGER:
        return sqlite3_bind_int64(statement, at, value->integer);
    case VALUE_REAL:
        return sqlite3_bind_double(statement, at, value->real);
    case VALUE_TEXT:
        return sqlite3_bind_text(statement, at, value->bytes, (int)value->length, SQLITE_STATIC);
    case VALUE_BLOB:
        return sqlite3_bind_blob(statement, at, value->length > 0 ? value->bytes : "", (int)value->length,
                                 SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, at);
    }
}

int vtab_is_current(struct vtab *vtab)
{
    if (!vtab->table->dropped || MUTATED(sql_schema_stale))
        return SQLITE_OK;
    if (tables_named(vtab->connection->database, vtab->table->name) == NULL)
        return vtab_refuse(vtab, SQLITE_ERROR, sqlite3_mprintf("no such table: %s", vtab->table->name));
    /* SQLite connects again, and prepares the statement again. */
    (void)sqlite3_exec(vtab->connection->sqlite, "PRAGMA writable_schema=RESET", NULL, NULL, NULL);
    /* It would run from its beginning, and give rows twice. Only the connection's own changes come while it is inside
     * the gate. Statements that it runs after them are prepared again before they begin. */
    if (vtab->connection->changed_amid)
        return vtab_refuse(vtab, SQLITE_ABORT,
                           sqlite3_mprintf("table %s has changed during the query", vtab->table->name));
    return vtab_refuse(vtab, SQLITE_SCHEMA, sqlite3_mprintf("table %s has changed", vtab->table->name));
}
