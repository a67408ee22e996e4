/*
 * update.c - xUpdate: inserting, updating and deleting a row and its index entries.
 *
 * SQLite checks neither types nor constraints of virtual tables, and passes NULL for a column that an INSERT does not
 * name. All constraints are checked before anything is written, so that a row that is refused has changed nothing. New
 * rows are made in memory of the table's own, since the values may lie in the row that is to be written.
 */
#include <stdatomic.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "sql/entries.h"
#include "sql/module.h"
#include "sql/upsert.h"

/* A row that is about to be written. */
struct change {
    struct vtab *vtab;
    const struct table *table;
    struct session *session;
    struct value *values, *old; /* one for each column; `old` of an update */
    uint64_t row;               /* of an update */
    int64_t rowid, old_rowid;
    bool is_update, replaces, took_rowid;
    bool is_done; /* something else was done instead (upsert.h) */
};

static int refuse_status(const struct change *change, enum mae_status status)
{
    return vtab_refuse_status(change->vtab, change->session, status);
}

/* ---- Types, defaults, NOT NULL, CHECK. ---- */

static int refuse_type(const struct change *change, unsigned column, sqlite3_value *value)
{
    static const char *const names[] = {"", "INTEGER", "REAL", "TEXT", "BLOB", "NULL"};
    /* OR IGNORE lets no value of another type pass. */
    bool ignores = sqlite3_vtab_on_conflict(change->vtab->connection->sqlite) == SQLITE_IGNORE;
    return vtab_refuse(change->vtab, ignores ? SQLITE_MISMATCH : SQLITE_CONSTRAINT_DATATYPE,
                       sqlite3_mprintf("cannot store %s value in %s column %s.%s", names[sqlite3_value_type(value)],
                                       change->table->column[column].type_name, change->table->name,
                                       change->table->column[column].name));
}

/* Converts as tables that are STRICT do. */
static int convert(const struct change *change, unsigned column, sqlite3_value *from, struct value *value)
{
    const enum column_type type = change->table->column[column].type;
    int is = sqlite3_value_type(from);
    if (type == COLUMN_ANY || is == SQLITE_NULL) {
        *value = value_of(from);
        return SQLITE_OK;
    }
    if ((type == COLUMN_INTEGER || type == COLUMN_REAL) && is == SQLITE_TEXT)
        is = sqlite3_value_numeric_type(from);
    *value = value_of(from);
    if (type == COLUMN_INTEGER && value->type == VALUE_REAL && value->real >= -9223372036854775808.0 &&
        value->real < 9223372036854775808.0 && (double)(int64_t)value->real == value->real) {
        value->type = VALUE_INTEGER;
        value->integer = (int64_t)value->real;
    } else if (type == COLUMN_REAL && value->type == VALUE_INTEGER) {
        value->type = VALUE_REAL;
        value->real = (double)value->integer;
    } else if (type == COLUMN_TEXT && (value->type == VALUE_INTEGER || value->type == VALUE_REAL)) {
        value->type = VALUE_TEXT;
        value->bytes = sqlite3_value_text(from);
        value->length = (size_t)sqlite3_value_bytes(from);
        return value->bytes == NULL ? SQLITE_NOMEM : SQLITE_OK;
    }
    static const enum value_type wanted[] = {[COLUMN_INTEGER] = VALUE_INTEGER,
                                             [COLUMN_REAL] = VALUE_REAL,
                                             [COLUMN_TEXT] = VALUE_TEXT,
                                             [COLUMN_BLOB] = VALUE_BLOB};
    return value->type == wanted[type] ? SQLITE_OK : refuse_type(change, column, from);
}

/* Values for columns that have a default and got NULL. They are valid until the statement is reset. */
static int defaults_apply(struct change *change)
{
    struct vtab *vtab = change->vtab;
    bool stepped = false;
    for (unsigned i = 0; i < change->table->columns; i++) {
        if (change->values[i].type != VALUE_NULL || change->table->column[i].default_text == NULL)
            continue;
        int step = stepped ? SQLITE_ROW : sqlite3_step(vtab->defaults);
        if (step != SQLITE_ROW)
            return vtab_refuse(vtab, step,
                               sqlite3_mprintf("maemio: a DEFAULT: %s", sqlite3_errmsg(vtab->connection->sqlite)));
        stepped = true;
        int code = convert(change, i, sqlite3_column_value(vtab->defaults, (int)i), &change->values[i]);
        if (code != SQLITE_OK)
            return code;
    }
    return SQLITE_OK;
}

static int checks_apply(struct change *change)
{
    struct vtab *vtab = change->vtab;
    int code = SQLITE_OK;
    for (unsigned i = 0; i < change->table->columns && code == SQLITE_OK; i++)
        code = value_bind(vtab->checks, (int)i + 1, &change->values[i]);
    if (code == SQLITE_OK && (code = sqlite3_step(vtab->checks)) != SQLITE_ROW)
        code =
            vtab_refuse(vtab, code, sqlite3_mprintf("maemio: a CHECK: %s", sqlite3_errmsg(vtab->connection->sqlite)));
    else if (code == SQLITE_ROW)
        code = SQLITE_OK;
    for (unsigned i = 0; i < change->table->checks && code == SQLITE_OK; i++)
        if (sqlite3_column_int(vtab->checks, (int)i) != 0)
            code = vtab_refuse(vtab, SQLITE_CONSTRAINT_CHECK,
                               sqlite3_mprintf("CHECK constraint failed: %s", change->table->check[i]));
    sqlite3_reset(vtab->checks);
    sqlite3_clear_bindings(vtab->checks);
    return code;
}

static int values_check(struct change *change)
{
    const struct table *table = change->table;
    for (unsigned i = 0; i < table->columns; i++)
        if (table->column[i].not_null && change->values[i].type == VALUE_NULL && (int)i != table->key)
            return vtab_refuse(
                change->vtab, SQLITE_CONSTRAINT_NOTNULL,
                sqlite3_mprintf("NOT NULL constraint failed: %s.%s", table->name, table->column[i].name));
    return table->checks > 0 ? checks_apply(change) : SQLITE_OK;
}

/* ---- Removing a row. ---- */

static enum mae_status row_remove(const struct change *change, uint64_t row, const void *data)
{
    const struct table *table = change->table;
    struct mae_txn *txn = change->session->txn;
    struct value values[COLUMNS_MAX];
    uint64_t rowid = rowid_key(row_rowid(data));
    enum mae_status status = MAE_OK;
    change->session->changes++;
    for (unsigned i = 0; i < table->columns; i++)
        values[i] = row_column(data, i);
    for (unsigned i = 0; i < table->indexes && status == MAE_OK; i++)
        status = entries_remove(txn, table, &table->index[i], values, row);
    if (status == MAE_OK)
        status = mae_index_remove(txn, table->by_rowid, &rowid, row);
    return status == MAE_OK ? mae_row_delete(txn, table->rows, row) : status;
}

static enum mae_status row_find(const struct change *change, int64_t rowid, uint64_t *row, const void **data)
{
    uint64_t key = rowid_key(rowid);
    return mae_read_row(change->session->txn, change->table->by_rowid, &key, row, data, NULL);
}

/* Finds the row that is to be changed. Mostly a cursor has just met it. */
static enum mae_status row_find_old(const struct change *change, uint64_t *row, const void **data)
{
    return vtab_find(change->vtab, change->session->txn, change->old_rowid, row, data);
}

static int row_delete(const struct change *change)
{
    uint64_t row;
    const void *data;
    enum mae_status status = row_find_old(change, &row, &data);
    if (status == MAE_NOT_FOUND)
        return SQLITE_OK;
    return refuse_status(change, status == MAE_OK ? row_remove(change, row, data) : status);
}

/* ---- UNIQUE. ---- */

struct search {
    const struct change *change;
    const struct index *index;
    bool found;
    uint64_t row;
    const void *data;
};

/* An entry with the same key: is it another row with the same values? */
static enum mae_status search_visit(void *arg, const void *key, uint64_t row)
{
    struct search *search = arg;
    const struct change *change = search->change;
    (void)key;
    if (change->is_update && row == change->row)
        return MAE_OK;
    enum mae_status status = mae_row_read(change->session->txn, change->table->rows, row, &search->data, NULL);
    if (status == MAE_NOT_FOUND)
        return MAE_OK;
    if (status != MAE_OK)
        return status;
    for (unsigned i = 0; i < search->index->columns; i++) {
        struct value value = row_column(search->data, search->index->column[i]);
        if (!key_equals(search->index, i, &value, &change->values[search->index->column[i]]) &&
            !MUTATED(sql_prefix_is_unique))
            return MAE_OK;
    }
    search->found = true;
    search->row = row;
    return MAE_STOP;
}

static int refuse_unique(const struct change *change, const struct index *index)
{
    sqlite3_str *why = sqlite3_str_new(NULL);
    sqlite3_str_appendall(why, "UNIQUE constraint failed: ");
    for (unsigned i = 0; i < index->columns; i++)
        sqlite3_str_appendf(why, "%s%s.%s", i > 0 ? ", " : "", change->table->name,
                            change->table->column[index->column[i]].name);
    return vtab_refuse(change->vtab, SQLITE_CONSTRAINT_UNIQUE, sqlite3_str_finish(why));
}

/* Looks for a row that has the values of the index's columns. The entries that it passes are protected against others
 * that come in beside them. */
static enum mae_status unique_search(const struct change *change, const struct index *index, struct search *search)
{
    *search = (struct search){.change = change, .index = index};
    for (unsigned i = 0; i < index->columns; i++)
        if (change->values[index->column[i]].type == VALUE_NULL)
            return MAE_OK; /* NULL equals nothing */
    return entries_visit(change->session->txn, change->table, index, change->values, search_visit, search);
}

static bool index_changes(const struct change *change, const struct index *index)
{
    for (unsigned i = 0; change->is_update && i < index->columns; i++)
        if (!value_equals(&change->values[index->column[i]], &change->old[index->column[i]]))
            return true;
    return !change->is_update;
}

/* INSERT ... ON CONFLICT: the row that is there, with this data, is not inserted but perhaps updated. */
static bool does_instead(const struct change *change, const struct index *index)
{
    return !change->is_update && upsert_takes(change->vtab->connection, change->table, index);
}

static int instead(struct change *change, const void *data)
{
    change->is_done = true;
    struct connection *connection = change->vtab->connection;
    int code = upsert_instead(connection, change->table, change->values, row_rowid(data));
    return code == SQLITE_OK
               ? code
               : vtab_refuse(change->vtab, code, sqlite3_mprintf("%s", sqlite3_errmsg(connection->sqlite)));
}

static int refuse_rowid(const struct change *change)
{
    const struct table *table = change->table;
    return vtab_refuse(change->vtab, SQLITE_CONSTRAINT_PRIMARYKEY,
                       sqlite3_mprintf("UNIQUE constraint failed: %s.%s", table->name,
                                       table->key < 0 ? "rowid" : table->column[table->key].name));
}

/* Looks for another row that has the index's values or, NULL, the rowid. It is removed if the statement replaces. */
static int unique_check_one(struct change *change, const struct index *index)
{
    struct search search = {.found = false};
    enum mae_status status = MAE_OK;
    if (index != NULL && index->unique && index_changes(change, index)) {
        status = unique_search(change, index, &search);
    } else if (index == NULL && (!change->is_update || change->rowid != change->old_rowid)) {
        status = row_find(change, change->rowid, &search.row, &search.data);
        search.found = status == MAE_OK;
        status = status == MAE_NOT_FOUND ? MAE_OK : status;
    }
    if (status != MAE_OK || !search.found)
        return refuse_status(change, status);
    if (does_instead(change, index))
        return instead(change, search.data);
    if (!change->replaces)
        return index == NULL ? refuse_rowid(change) : refuse_unique(change, index);
    return refuse_status(change, row_remove(change, search.row, search.data));
}

/* Refuses what would be there twice. What ON CONFLICT names is looked at first, then the rowid, as SQLite does. */
static int unique_check(struct change *change)
{
    const struct table *table = change->table;
    int code = SQLITE_OK;
    for (int named = 1; named >= 0; named--)
        for (int i = -1; i < (int)table->indexes && code == SQLITE_OK && !change->is_done; i++) {
            const struct index *index = i < 0 ? NULL : &table->index[i];
            if (does_instead(change, index) == named)
                code = unique_check_one(change, index);
        }
    return code;
}

/* ---- Writing a row. ---- */

/* Makes the row's bytes in the table's scratch memory. */
static int row_make(struct change *change, size_t *bytes)
{
    struct vtab *vtab = change->vtab;
    *bytes = row_bytes(change->values, change->table->columns);
    if (*bytes > MAE_PAYLOAD_MAX_BYTES)
        return vtab_refuse(vtab, SQLITE_TOOBIG,
                           sqlite3_mprintf("maemio: a row of %llu bytes; there may be %d", (unsigned long long)*bytes,
                                           (int)MAE_PAYLOAD_MAX_BYTES));
    if (*bytes > vtab->scratch_bytes) {
        void *scratch = sqlite3_realloc64(vtab->scratch, *bytes * 2);
        if (scratch == NULL)
            return SQLITE_NOMEM;
        vtab->scratch = scratch;
        vtab->scratch_bytes = *bytes * 2;
    }
    row_encode(vtab->scratch, change->rowid, change->values, change->table->columns);
    return SQLITE_OK;
}

static enum mae_status index_write(const struct change *change, const struct index *index, uint64_t row)
{
    struct mae_txn *txn = change->session->txn;
    return change->is_update ? entries_change(txn, change->table, index, change->old, change->values, row)
                             : entries_add(txn, change->table, index, change->values, row);
}

static enum mae_status rowid_move(const struct change *change)
{
    uint64_t old = rowid_key(change->old_rowid), new = rowid_key(change->rowid);
    enum mae_status status = mae_index_remove(change->session->txn, change->table->by_rowid, &old, change->row);
    if (status == MAE_OK)
        status = mae_index_insert(change->session->txn, change->table->by_rowid, &new, change->row);
    return status;
}

static enum mae_status row_write(struct change *change, size_t bytes)
{
    const struct table *table = change->table;
    struct mae_txn *txn = change->session->txn;
    uint64_t key = rowid_key(change->rowid);
    enum mae_status status = MAE_OK;
    void *data;
    change->session->changes++;
    if (!change->is_update)
        status = mae_insert(txn, table->by_rowid, &key, bytes, &change->row, &data);
    for (unsigned i = 0; i < table->indexes && status == MAE_OK; i++)
        status = index_write(change, &table->index[i], change->row);
    if (status == MAE_OK && change->is_update && change->rowid != change->old_rowid)
        status = rowid_move(change);
    if (status == MAE_OK && change->is_update)
        status = mae_row_overwrite(txn, table->rows, change->row, bytes, &data);
    if (status == MAE_OK)
        memcpy(data, change->vtab->scratch, bytes);
    return status;
}

static int row_put(struct change *change)
{
    size_t bytes;
    int code = values_check(change);
    if (code == SQLITE_OK)
        code = row_make(change, &bytes);
    if (code == SQLITE_OK && !MUTATED(sql_unique_unchecked))
        code = unique_check(change);
    return code == SQLITE_OK && !change->is_done ? refuse_status(change, row_write(change, bytes)) : code;
}

/* ---- Rowids. ---- */

/* A rowid for a row that brings none: numbers are taken from the table some at a time, so that connections that insert
 * at the same time write different leaves of the index. */
static enum mae_status rowid_take(struct change *change)
{
    enum { TAKEN_AT_ONCE = 64 };
    struct vtab *vtab = change->vtab;
    uint64_t row;
    const void *data;
    enum mae_status status;
    do { /* ends: rowids only grow, the least follows the largest, and what others have inserted is finite */
        if (vtab->rowid_next == vtab->rowid_end) {
            vtab->rowid_next = atomic_fetch_add_explicit(&vtab->table->next_rowid, TAKEN_AT_ONCE, memory_order_relaxed);
            vtab->rowid_end = (int64_t)((uint64_t)vtab->rowid_next + TAKEN_AT_ONCE);
        }
        change->rowid = vtab->rowid_next;
        vtab->rowid_next = (int64_t)((uint64_t)vtab->rowid_next + 1);
        status = row_find(change, change->rowid, &row, &data);
    } while (status == MAE_OK);
    change->took_rowid = true;
    return status == MAE_NOT_FOUND ? MAE_OK : status;
}

/* A rowid that was given: numbers that are taken later are larger. */
static void rowid_note(struct vtab *vtab, int64_t rowid)
{
    if (rowid < vtab->rowid_next || rowid > INT64_MAX - 1000)
        return;
    if (rowid < vtab->rowid_end) {
        vtab->rowid_next = rowid + 1;
        return;
    }
    int64_t next = atomic_load_explicit(&vtab->table->next_rowid, memory_order_relaxed);
    while (next <= rowid && !atomic_compare_exchange_weak_explicit(&vtab->table->next_rowid, &next, rowid + 1,
                                                                   memory_order_relaxed, memory_order_relaxed))
        ; /* ends: a failure means that another connection has raised it, or fails for no reason, which passes */
    vtab->rowid_next = vtab->rowid_end;
}

/* ---- xUpdate. ---- */

static int row_insert(struct change *change, sqlite3_value **values)
{
    const struct table *table = change->table;
    for (unsigned i = 0; i < table->columns; i++) {
        int code = convert(change, i, values[i + 2], &change->values[i]);
        if (code != SQLITE_OK)
            return code;
    }
    int code = table->has_defaults ? defaults_apply(change) : SQLITE_OK;
    if (code != SQLITE_OK)
        return code;
    const struct value *key = table->key >= 0 ? &change->values[table->key] : NULL;
    if (key != NULL && key->type == VALUE_INTEGER) {
        change->rowid = key->integer;
    } else if (sqlite3_value_type(values[1]) == SQLITE_INTEGER) {
        change->rowid = sqlite3_value_int64(values[1]);
    } else {
        enum mae_status status = rowid_take(change);
        if (status != MAE_OK)
            return refuse_status(change, status);
    }
    if (key != NULL)
        change->values[table->key] = (struct value){.type = VALUE_INTEGER, .integer = change->rowid};
    return row_put(change);
}

static int row_update(struct change *change, sqlite3_value **values)
{
    const struct table *table = change->table;
    const void *data;
    enum mae_status status = row_find_old(change, &change->row, &data);
    if (status == MAE_NOT_FOUND)
        return SQLITE_OK;
    if (status != MAE_OK)
        return refuse_status(change, status);
    change->is_update = true;
    for (unsigned i = 0; i < table->columns; i++) {
        change->old[i] = change->values[i] = row_column(data, i);
        if (sqlite3_value_nochange(values[i + 2]))
            continue;
        int code = convert(change, i, values[i + 2], &change->values[i]);
        if (code != SQLITE_OK)
            return code;
    }
    change->rowid = sqlite3_value_int64(values[1]);
    if (table->key >= 0) {
        const struct value *key = &change->values[table->key];
        if (key->type != VALUE_INTEGER)
            return vtab_refuse(
                change->vtab, SQLITE_CONSTRAINT_NOTNULL,
                sqlite3_mprintf("NOT NULL constraint failed: %s.%s", table->name, table->column[table->key].name));
        if (change->rowid == change->old_rowid)
            change->rowid = key->integer;
        change->values[table->key].integer = change->rowid;
    }
    return row_put(change);
}

/* Prepares what a table with defaults or checks needs. */
static int statements_prepare(struct vtab *vtab)
{
    const struct table *table = vtab->table;
    sqlite3 *sqlite = vtab->connection->sqlite;
    sqlite3_str *text = sqlite3_str_new(sqlite);
    sqlite3_stmt **statement = table->has_defaults && vtab->defaults == NULL ? &vtab->defaults : &vtab->checks;
    sqlite3_str_appendall(text, "SELECT ");
    if (statement == &vtab->defaults) {
        for (unsigned i = 0; i < table->columns; i++) {
            const char *value = table->column[i].default_text;
            sqlite3_str_appendf(text, "%s(%s)", i > 0 ? ", " : "", value != NULL ? value : "NULL");
        }
    } else {
        for (unsigned i = 0; i < table->checks; i++)
            sqlite3_str_appendf(text, "%sNOT (%s)", i > 0 ? ", " : "", table->check[i]);
        sqlite3_str_appendall(text, " FROM (SELECT ");
        for (unsigned i = 0; i < table->columns; i++) {
            const struct column *column = &table->column[i];
            bool any = column->type == COLUMN_ANY;
            sqlite3_str_appendf(text, "%s%s?%u%s%s%s COLLATE %s AS \"%w\"", i > 0 ? ", " : "", any ? "" : "CAST(",
                                i + 1, any ? "" : " AS ", any ? "" : column->type_name, any ? "" : ")",
                                schema_collation_name(column->collation), column->name);
        }
        sqlite3_str_appendall(text, ")");
    }
    char *sql = sqlite3_str_finish(text);
    int code =
        sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v3(sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    sqlite3_free(sql);
    return code == SQLITE_OK
               ? code
               : vtab_refuse(vtab, code, sqlite3_mprintf("maemio: %s: %s", table->name, sqlite3_errmsg(sqlite)));
}

int update_prepare(struct vtab *vtab)
{
    int code = SQLITE_OK;
    if (vtab->values == NULL &&
        (vtab->values = sqlite3_malloc64(2 * vtab->table->columns * sizeof *vtab->values)) == NULL)
        return SQLITE_NOMEM;
    if (vtab->table->has_defaults && vtab->defaults == NULL)
        code = statements_prepare(vtab);
    if (code == SQLITE_OK && vtab->table->checks > 0 && vtab->checks == NULL)
        code = statements_prepare(vtab);
    return code;
}

void update_free(struct vtab *vtab)
{
    sqlite3_finalize(vtab->defaults);
    sqlite3_finalize(vtab->checks);
    sqlite3_free(vtab->values);
    sqlite3_free(vtab->scratch);
}

int update_row(sqlite3_vtab *base, int count, sqlite3_value **values, sqlite3_int64 *rowid)
{
    struct vtab *vtab = (struct vtab *)base;
    char *error = NULL;
    int code = connection_change(vtab->connection, &error);
    if (code != SQLITE_OK)
        return vtab_refuse(vtab, code, error);
    if ((code = vtab_is_current(vtab)) != SQLITE_OK || (code = update_prepare(vtab)) != SQLITE_OK)
        return code;
    struct change change = {.vtab = vtab,
                            .table = vtab->table,
                            .session = vtab->connection->writer,
                            .values = vtab->values,
                            .old = vtab->values + vtab->table->columns,
                            .replaces = sqlite3_vtab_on_conflict(vtab->connection->sqlite) == SQLITE_REPLACE};
    change.session->used = true;
    if (sqlite3_value_type(values[0]) != SQLITE_NULL)
        change.old_rowid = sqlite3_value_int64(values[0]);
    if (count == 1)
        return row_delete(&change);
    bool inserts = sqlite3_value_type(values[0]) == SQLITE_NULL;
    code = inserts ? row_insert(&change, values) : row_update(&change, values);
    if (vtab->defaults != NULL)
        sqlite3_reset(vtab->defaults);
    if (code == SQLITE_OK && !change.is_done) {
        if (!change.took_rowid && (inserts || change.rowid != change.old_rowid))
            rowid_note(vtab, change.rowid);
        *rowid = inserts ? change.rowid : *rowid;
    } else if (change.took_rowid)
        vtab->rowid_next = change.rowid; /* a row that was refused leaves no gap */
    return code;
}
