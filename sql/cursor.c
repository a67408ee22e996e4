/*
 * cursor.c - reading: xOpen, xFilter, xNext, xColumn.
 *
 * A cursor looks up one rowid, or those of a list in their order, walks the index of rowids or another index, or, in a
 * snapshot and if no order is wanted, takes the rows as they lie, some at a time. Values of a snapshot are given to
 * SQLite without a copy, since the snapshot lasts as long as the cursor. A transaction that writes may end, or move its
 * rows, while SQLite still has the value.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "sql/entries.h"
#include "sql/module.h"

enum { ROWS_AHEAD = 8 };

static const char ended[] = "the transaction in which the query began has ended";

struct row_ahead {
    uint64_t row;
    const void *data;
};

struct cursor {
    sqlite3_vtab_cursor base; /* its first member, as SQLite demands */
    struct session *session;  /* NULL: not filtered yet */
    struct mae_cursor *entries;
    bool eof, scans;
    uint64_t row;
    const void *data;
    uint64_t changes; /* of the session when `data` was read */
    unsigned ahead, taken;
    uint64_t scan_next;
    uint64_t *list; /* what is looked up one after the other; NULL: none */
    size_t listed, list_room, list_at;
    bool lists_rows; /* the list has rows of the engine's, which a HASH index has given; else keys of rowids */
    struct row_ahead rows[ROWS_AHEAD];
};

/* From where to where xFilter looks in an index. */
struct range {
    uint8_t lo[KEY_BYTES_MAX], hi[KEY_BYTES_MAX];
    uint64_t lo_rowid, hi_rowid;
    bool has_lo, has_hi, empty;
};

static struct vtab *vtab_of(const struct cursor *cursor)
{
    return (struct vtab *)cursor->base.pVtab;
}

/* ---- Bounds. Each loses no row, and those of integers are exact; of the others SQLite tests the rows. ---- */

/* What a value is when it is compared with a number: a text that looks like one is one. */
static struct value as_number(sqlite3_value *value)
{
    (void)sqlite3_value_numeric_type(value);
    return value_of(value);
}

/* The smallest integer that is not below the real, or the largest that is not above; false: there is none. */
static bool integer_bound(double real, bool lower, int64_t *integer)
{
    double whole = lower ? ceil(real) : floor(real);
    if (whole >= 9223372036854775808.0) {
        *integer = INT64_MAX;
        return !lower;
    }
    if (whole < -9223372036854775808.0) {
        *integer = INT64_MIN;
        return lower;
    }
    *integer = (int64_t)whole;
    return true;
}

/* A bound with > or < is the next integer with >= or <=; false: there is none. */
static bool integer_beyond(char letter, int64_t *bound)
{
    if (letter != PLAN_GT && letter != PLAN_LT)
        return true;
    if (*bound == (letter == PLAN_GT ? INT64_MAX : INT64_MIN))
        return false;
    *bound += letter == PLAN_GT ? 1 : -1;
    return true;
}

/* Makes of a value the exact bound of an integer column. `letter` is PLAN_EQ or how it is compared; false: no row is
 * there. `none`: the value bounds nothing. */
static bool integer_bound_of(sqlite3_value *from, char letter, bool lower, int64_t *bound, bool *none)
{
    struct value value = as_number(from);
    *none = false;
    if (value.type == VALUE_NULL)
        return false;
    if (value.type == VALUE_INTEGER) {
        *bound = value.integer;
        return integer_beyond(letter, bound);
    }
    if (value.type == VALUE_REAL) {
        if (!integer_bound(value.real, lower, bound))
            return false;
        const bool equals = value.real < 9223372036854775808.0 && (double)*bound == value.real;
        if (MUTATED(sql_bound_cut) && letter == PLAN_LT)
            --*bound;
        return equals ? integer_beyond(letter, bound) : letter != PLAN_EQ;
    }
    /* Texts and blobs are behind all numbers. */
    *none = true;
    return letter == PLAN_LT || letter == PLAN_LE;
}

static void rowid_range(const char *letters, sqlite3_value **values, struct range *range)
{
    int64_t lo = INT64_MIN, hi = INT64_MAX, bound;
    bool none;
    for (int i = 0; letters[i] != '\0' && !range->empty; i++) {
        char letter = letters[i];
        bool upper = letter == PLAN_LT || letter == PLAN_LE;
        if (!integer_bound_of(values[i], letter, !upper, &bound, &none))
            range->empty = true;
        else if (!none && !upper && bound > lo)
            lo = bound;
        if (!range->empty && !none && (upper || letter == PLAN_EQ) && bound < hi)
            hi = bound;
    }
    range->empty = range->empty || lo > hi;
    range->has_lo = lo != INT64_MIN;
    range->has_hi = hi != INT64_MAX;
    range->lo_rowid = rowid_key(lo);
    range->hi_rowid = rowid_key(hi);
}

enum bound { BOUND_VALUE, BOUND_NONE, BOUND_EMPTY };

/* Makes of a value the bound of a column's part of a key. */
static enum bound key_bound(const struct column *column, sqlite3_value *from, char letter, bool lower,
                            struct value *bound)
{
    bool none;
    if (column->type == COLUMN_INTEGER) {
        bound->type = VALUE_INTEGER;
        if (!integer_bound_of(from, letter, lower, &bound->integer, &none))
            return BOUND_EMPTY;
        return none ? BOUND_NONE : BOUND_VALUE;
    }
    *bound = column->type == COLUMN_REAL ? as_number(from) : value_of(from);
    if (bound->type == VALUE_NULL)
        return BOUND_EMPTY;
    if (column->type == COLUMN_REAL) {
        if (bound->type == VALUE_INTEGER) {
            double real = (double)bound->integer; /* perhaps rounded: then one further out */
            bound->type = VALUE_REAL;
            bound->real = fabs(real) < 9e15 ? real : nextafter(real, lower ? -HUGE_VAL : HUGE_VAL);
        }
        return bound->type == VALUE_REAL ? BOUND_VALUE : BOUND_NONE;
    }
    enum value_type own = column->type == COLUMN_TEXT ? VALUE_TEXT : VALUE_BLOB;
    return bound->type == own || MUTATED(sql_bound_unconverted)
               ? BOUND_VALUE
               : BOUND_NONE; /* which conversion SQLite makes is not known here */
}

/* Fills what remains of the keys so that all keys with the beginnings lie between them. */
static void key_range_end(struct range *range, size_t bytes, size_t lo, size_t hi)
{
    memset(range->lo + lo, 0, bytes - lo);
    memset(range->hi + hi, 0xff, bytes - hi);
    range->has_lo = range->has_hi = true;
}

static void key_range(const struct table *table, const struct index *index, const char *letters, sqlite3_value **values,
                      struct range *range)
{
    size_t bytes = key_bytes(table, index);
    uint8_t *lo = range->lo, *hi = range->hi;
    unsigned i = 0;
    struct value value;
    for (; letters[i] == PLAN_EQ; i++) {
        const struct column *column = &table->column[index->column[i]];
        enum bound low = key_bound(column, values[i], PLAN_EQ, true, &value);
        if (low == BOUND_VALUE)
            lo = key_part(table, index, i, &value, lo);
        enum bound high = key_bound(column, values[i], PLAN_EQ, false, &value);
        if (high == BOUND_VALUE)
            hi = key_part(table, index, i, &value, hi);
        range->empty = range->empty || low == BOUND_EMPTY || high == BOUND_EMPTY;
        if (low != BOUND_VALUE || high != BOUND_VALUE || lo - range->lo != hi - range->hi ||
            memcmp(range->lo, range->hi, (size_t)(lo - range->lo)) != 0) {
            key_range_end(range, bytes, (size_t)(lo - range->lo), (size_t)(hi - range->hi));
            return;
        }
    }
    /* A comparison with < or > is never true for NULL, whose part begins with 0. */
    const unsigned part = i;
    if (letters[part] != '\0')
        *lo = 1;
    size_t lo_end = (size_t)(lo - range->lo) + (letters[part] != '\0'), hi_end = (size_t)(hi - range->hi);
    for (; letters[i] != '\0'; i++) {
        const struct column *column = &table->column[index->column[part]];
        bool lower = letters[i] == PLAN_GT || letters[i] == PLAN_GE;
        enum bound bound = key_bound(column, values[i], letters[i], lower, &value);
        range->empty = range->empty || bound == BOUND_EMPTY;
        if (bound == BOUND_VALUE && lower)
            lo_end = (size_t)(key_part(table, index, part, &value, lo) - range->lo);
        else if (bound == BOUND_VALUE)
            hi_end = (size_t)(key_part(table, index, part, &value, hi) - range->hi);
    }
    key_range_end(range, bytes, lo_end, hi_end);
}

/* ---- Moving. ---- */

static void cursor_reset(struct cursor *cursor)
{
    mae_cursor_close(cursor->entries);
    cursor->entries = NULL;
    sqlite3_free(cursor->list);
    cursor->list = NULL;
    if (cursor->session != NULL)
        connection_read_end(vtab_of(cursor)->connection, cursor->session);
    cursor->session = NULL;
    cursor->data = NULL;
    cursor->eof = true;
    cursor->scans = false;
}

static int fail(struct cursor *cursor, enum mae_status status)
{
    cursor->eof = true;
    return vtab_refuse_status(vtab_of(cursor), cursor->session, status);
}

static enum mae_status row_ahead_take(void *arg, uint64_t row, const void *data, size_t bytes)
{
    struct cursor *cursor = arg;
    (void)bytes;
    cursor->rows[cursor->ahead++] = (struct row_ahead){row, data};
    cursor->scan_next = row + 1;
    return cursor->ahead == ROWS_AHEAD ? MAE_STOP : MAE_OK;
}

static int scan_next(struct cursor *cursor)
{
    if (cursor->taken == cursor->ahead) {
        cursor->taken = cursor->ahead = 0;
        enum mae_status status = mae_table_visit(cursor->session->txn, vtab_of(cursor)->table->rows, cursor->scan_next,
                                                 UINT64_MAX, row_ahead_take, cursor);
        if (status != MAE_OK)
            return fail(cursor, status);
        cursor->eof = cursor->ahead == 0;
        if (cursor->eof)
            return SQLITE_OK;
    }
    cursor->row = cursor->rows[cursor->taken].row;
    cursor->data = cursor->rows[cursor->taken++].data;
    return SQLITE_OK;
}

static int entries_next(struct cursor *cursor)
{
    enum mae_status status;
    do { /* ends: each round moves on */
        status = mae_cursor_next(cursor->entries, NULL, &cursor->row);
        if (status == MAE_NOT_FOUND) {
            cursor->eof = true;
            return SQLITE_OK;
        }
        if (status == MAE_OK)
            status = mae_row_read(cursor->session->txn, vtab_of(cursor)->table->rows, cursor->row, &cursor->data, NULL);
    } while (status == MAE_NOT_FOUND);
    cursor->changes = cursor->session->changes;
    return status == MAE_OK ? SQLITE_OK : fail(cursor, status);
}

static int list_add(struct cursor *cursor, uint64_t item)
{
    if (cursor->listed == cursor->list_room) {
        const size_t room = cursor->list_room * 2 + 16;
        uint64_t *longer = sqlite3_realloc64(cursor->list, room * sizeof *longer);
        if (longer == NULL)
            return SQLITE_NOMEM;
        cursor->list = longer;
        cursor->list_room = room;
    }
    cursor->list[cursor->listed++] = item;
    return SQLITE_OK;
}

static void list_begin(struct cursor *cursor, bool lists_rows)
{
    cursor->listed = cursor->list_room = cursor->list_at = 0;
    cursor->lists_rows = lists_rows;
}

/* The next row of the list that is there: rows that a HASH index has given may have gone since. */
static int list_next(struct cursor *cursor)
{
    struct mae_txn *txn = cursor->session->txn;
    struct vtab *vtab = vtab_of(cursor);
    enum mae_status status = MAE_NOT_FOUND;
    while (status == MAE_NOT_FOUND && cursor->list_at < cursor->listed) {
        const size_t at = cursor->list_at++, left = cursor->listed - at;
        if (cursor->lists_rows) {
            cursor->row = cursor->list[at];
            status = mae_row_read(txn, vtab->table->rows, cursor->row, &cursor->data, NULL);
            continue;
        }
        if (at % MAE_PREFETCH_MAX == 0)
            mae_prefetch(txn, vtab->table->by_rowid, &cursor->list[at], left);
        status = vtab_find(vtab, txn, (int64_t)rowid_key((int64_t)cursor->list[at]), &cursor->row, &cursor->data);
    }
    cursor->changes = cursor->session->changes;
    cursor->eof = status != MAE_OK;
    return status == MAE_OK || status == MAE_NOT_FOUND ? SQLITE_OK : fail(cursor, status);
}

int cursor_next(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    if (cursor->session->txn == NULL) {
        cursor->eof = true;
        return vtab_refuse(vtab_of(cursor), SQLITE_ABORT, sqlite3_mprintf("maemio: %s", ended));
    }
    if (cursor->scans)
        return scan_next(cursor);
    if (cursor->entries != NULL)
        return entries_next(cursor);
    if (cursor->list != NULL)
        return list_next(cursor);
    cursor->eof = true;
    return SQLITE_OK;
}

/* ---- xFilter. ---- */

static int point_filter(struct cursor *cursor, int64_t rowid)
{
    enum mae_status status = vtab_find(vtab_of(cursor), cursor->session->txn, rowid, &cursor->row, &cursor->data);
    cursor->changes = cursor->session->changes;
    cursor->eof = status != MAE_OK;
    return status == MAE_OK || status == MAE_NOT_FOUND ? SQLITE_OK : fail(cursor, status);
}

static int entries_filter(struct cursor *cursor, struct mae_index *index, const void *lo, const void *hi, int plan)
{
    unsigned flags = plan & PLAN_BACKWARD ? MAE_SCAN_BACKWARD : 0;
    enum mae_status status = mae_cursor_open(cursor->session->txn, index, lo, hi, flags, &cursor->entries);
    return status == MAE_OK ? entries_next(cursor) : fail(cursor, status);
}

static int key_compare(const void *a, const void *b)
{
    const uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

static int key_compare_down(const void *a, const void *b)
{
    return key_compare(b, a);
}

/* Takes the rowids of an IN. The list has no value twice, but may have some that are no rowid. */
static int list_filter(struct cursor *cursor, int plan, sqlite3_value *list)
{
    sqlite3_value *value;
    list_begin(cursor, false);
    int code = sqlite3_vtab_in_first(list, &value);
    for (; code == SQLITE_OK && value != NULL; code = sqlite3_vtab_in_next(list, &value)) {
        int64_t rowid;
        bool none;
        if (!integer_bound_of(value, PLAN_EQ, true, &rowid, &none) || none)
            continue;
        if (list_add(cursor, rowid_key(rowid)) != SQLITE_OK)
            return SQLITE_NOMEM;
    }
    if (code != SQLITE_OK && code != SQLITE_DONE)
        return code;
    if (cursor->listed > 1 && !MUTATED(sql_list_unsorted))
        qsort(cursor->list, cursor->listed, sizeof *cursor->list,
              plan & PLAN_BACKWARD ? key_compare_down : key_compare);
    return list_next(cursor);
}

struct listing {
    struct cursor *cursor;
    int code; /* of SQLite */
};

static enum mae_status list_row(void *arg, const void *key, uint64_t row)
{
    struct listing *listing = arg;
    (void)key;
    listing->code = list_add(listing->cursor, row);
    return listing->code == SQLITE_OK ? MAE_OK : MAE_STOP;
}

/* Takes the rows that a HASH index has for the values. What is compared with a value of a kind that is not the
 * column's may equal several, so all rows are looked at then. */
static int hash_filter(struct cursor *cursor, const struct index *index, sqlite3_value **values)
{
    const struct table *table = vtab_of(cursor)->table;
    struct value wanted[COLUMNS_MAX], other;
    bool exact = true;
    for (unsigned i = 0; i < index->columns; i++) {
        const struct column *column = &table->column[index->column[i]];
        struct value *value = &wanted[index->column[i]];
        enum bound low = key_bound(column, values[i], PLAN_EQ, true, value);
        enum bound high = key_bound(column, values[i], PLAN_EQ, false, &other);
        if (low == BOUND_EMPTY || high == BOUND_EMPTY)
            return SQLITE_OK;
        exact = exact && low == BOUND_VALUE && high == BOUND_VALUE && value_equals(value, &other);
    }
    cursor->eof = false;
    if (!exact && !MUTATED(sql_hash_of_another_type))
        return entries_filter(cursor, table->by_rowid, NULL, NULL, 0);
    struct listing listing = {.cursor = cursor, .code = SQLITE_OK};
    list_begin(cursor, true);
    enum mae_status status = entries_visit(cursor->session->txn, table, index, wanted, list_row, &listing);
    if (status != MAE_OK)
        return fail(cursor, status);
    return listing.code == SQLITE_OK ? list_next(cursor) : listing.code;
}

static int range_filter(struct cursor *cursor, int plan, const char *letters, sqlite3_value **values)
{
    const struct table *table = vtab_of(cursor)->table;
    struct range range = {.empty = false};
    if ((plan & PLAN_INDEX) != PLAN_ROWIDS) {
        const struct index *index = &table->index[(plan & PLAN_INDEX) - 1];
        if (index->hash)
            return hash_filter(cursor, index, values);
        key_range(table, index, letters, values, &range);
        cursor->eof = range.empty || memcmp(range.lo, range.hi, key_bytes(table, index)) > 0;
        return cursor->eof ? SQLITE_OK : entries_filter(cursor, index->entries, range.lo, range.hi, plan);
    }
    if (letters[0] == PLAN_IN)
        return list_filter(cursor, plan, values[0]);
    rowid_range(letters, values, &range);
    cursor->eof = range.empty;
    if (range.empty)
        return SQLITE_OK;
    if (letters[0] == PLAN_EQ)
        return point_filter(cursor, (int64_t)rowid_key((int64_t)range.lo_rowid));
    if (letters[0] == '\0' && cursor->session->snapshot && !(plan & PLAN_ORDERED)) {
        cursor->scans = true;
        cursor->ahead = cursor->taken = 0;
        cursor->scan_next = 0;
        return scan_next(cursor);
    }
    return entries_filter(cursor, table->by_rowid, range.has_lo ? &range.lo_rowid : NULL,
                          range.has_hi ? &range.hi_rowid : NULL, plan);
}

int cursor_filter(sqlite3_vtab_cursor *base, int plan, const char *letters, int count, sqlite3_value **values)
{
    struct cursor *cursor = (struct cursor *)base;
    struct vtab *vtab = vtab_of(cursor);
    (void)count;
    /* What is open stays until the new session counts this cursor: the subquery of a join reads one snapshot. */
    struct session *before = cursor->session;
    char *error = NULL;
    cursor->session = NULL;
    const uint64_t views = vtab->connection->views;
    int code = connection_refresh(vtab->connection, &error);
    if (code == SQLITE_OK && views != vtab->connection->views && !MUTATED(sql_view_stale))
        code = SQLITE_SCHEMA; /* the statement may contain a view that has gone; SQLite prepares it again */
    if (code == SQLITE_OK)
        code = connection_read(vtab->connection, &cursor->session, &error);
    struct session *now = cursor->session;
    cursor->session = before;
    cursor_reset(cursor);
    cursor->session = now;
    if (code == SQLITE_OK)
        code = vtab_is_current(vtab);
    else
        (void)vtab_refuse(vtab, code, error);
    return code == SQLITE_OK ? range_filter(cursor, plan, letters, values) : code;
}

int cursor_eof(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)base)->eof;
}

/* ---- Values. ---- */

/* The row's data: read again if the transaction has changed something since, which may have moved it. */
static int data_refresh(struct cursor *cursor)
{
    struct session *session = cursor->session;
    if (session->snapshot)
        return SQLITE_OK;
    if (session->txn == NULL && !MUTATED(sql_data_outlives))
        return vtab_refuse(vtab_of(cursor), SQLITE_ABORT, sqlite3_mprintf("maemio: %s", ended));
    if (cursor->changes == session->changes)
        return SQLITE_OK;
    enum mae_status status = mae_row_read(session->txn, vtab_of(cursor)->table->rows, cursor->row, &cursor->data, NULL);
    cursor->changes = session->changes;
    if (status == MAE_NOT_FOUND)
        cursor->data = NULL;
    return status == MAE_OK || status == MAE_NOT_FOUND ? SQLITE_OK : fail(cursor, status);
}

int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    struct cursor *cursor = (struct cursor *)base;
    if (!cursor->session->snapshot && sqlite3_vtab_nochange(context))
        return SQLITE_OK; /* an UPDATE that leaves the column as it is */
    int code = data_refresh(cursor);
    if (code != SQLITE_OK || cursor->data == NULL || column < 0)
        return code;
    struct value value = row_column(cursor->data, (unsigned)column);
    const sqlite3_destructor_type lasts = cursor->session->snapshot ? SQLITE_STATIC : SQLITE_TRANSIENT;
    switch (value.type) {
    case VALUE_INTEGER:
        sqlite3_result_int64(context, value.integer);
        break;
    case VALUE_REAL:
        sqlite3_result_double(context, value.real);
        break;
    case VALUE_TEXT:
        sqlite3_result_text(context, value.bytes, (int)value.length, lasts);
        break;
    case VALUE_BLOB:
        if (value.length == 0)
            sqlite3_result_zeroblob(context, 0);
        else
            sqlite3_result_blob(context, value.bytes, (int)value.length, lasts);
        break;
    default:
        break;
    }
    return SQLITE_OK;
}

int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    struct cursor *cursor = (struct cursor *)base;
    int code = data_refresh(cursor);
    struct vtab *vtab = vtab_of(cursor);
    *rowid = code == SQLITE_OK && cursor->data != NULL ? row_rowid(cursor->data) : 0;
    vtab_meet(vtab, *rowid, cursor->row);
    return code;
}

/* ---- Opening. ---- */

int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **opened)
{
    struct vtab *vtab = (struct vtab *)base;
    struct cursor *cursor = vtab->spare != NULL ? (struct cursor *)vtab->spare : sqlite3_malloc64(sizeof *cursor);
    if (cursor == NULL)
        return SQLITE_NOMEM;
    vtab->spare = NULL;
    cursor->session = NULL;
    cursor->entries = NULL;
    cursor->list = NULL;
    cursor->data = NULL;
    cursor->eof = true;
    cursor->scans = false;
    *opened = &cursor->base;
    return SQLITE_OK;
}

int cursor_close(sqlite3_vtab_cursor *base)
{
    struct vtab *vtab = (struct vtab *)base->pVtab;
    cursor_reset((struct cursor *)base);
    if (vtab->spare == NULL)
        vtab->spare = base;
    else
        sqlite3_free(base);
    return SQLITE_OK;
}
