/*
 * cursor.c - reading: xOpen, xFilter, xNext, xColumn.
 *
 * A cursor looks up one rowid, or those of a list in their order, walks the index of rowids or some ranges of another
 * index, or, in a snapshot and if no order is wanted, takes the rows as they lie, some at a time. Values of a snapshot
 * are given to SQLite without a copy, since the snapshot lasts as long as the cursor. A transaction that writes may
 * end, or move its rows, while SQLite still has the value.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "sql/bounds.h"
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
    bool lists_rows;         /* the list has rows of the engine's, which a HASH index has given; else keys of rowids */
    struct ranges ranges;    /* of `index`, which are walked one after the other */
    size_t range_at;         /* how many of them have been opened */
    struct mae_index *index; /* of `entries` */
    size_t key_bytes;        /* of its keys */
    bool backward;           /* it and the ranges are walked from the end on */
    struct row_ahead rows[ROWS_AHEAD];
};

static struct vtab *vtab_of(const struct cursor *cursor)
{
    return (struct vtab *)cursor->base.pVtab;
}

/* ---- Moving. ---- */

static void cursor_reset(struct cursor *cursor)
{
    mae_cursor_close(cursor->entries);
    cursor->entries = NULL;
    sqlite3_free(cursor->list);
    cursor->list = NULL;
    ranges_free(&cursor->ranges);
    cursor->range_at = 0;
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

/* The range to open when `at` have been opened. */
static const struct range *range_of(const struct cursor *cursor, size_t at)
{
    return &cursor->ranges.range[cursor->backward ? cursor->ranges.count - 1 - at : at];
}

static void ranges_announce(const struct cursor *cursor)
{
    uint8_t keys[MAE_PREFETCH_MAX * KEY_BYTES_MAX];
    size_t count = 0;
    for (size_t at = cursor->range_at; at < cursor->ranges.count && count < MAE_PREFETCH_MAX; at++)
        memcpy(keys + count++ * cursor->key_bytes, range_of(cursor, at)->lo, cursor->key_bytes);
    mae_prefetch(cursor->session->txn, cursor->index, keys, count);
}

/* MAE_NOT_FOUND: there is no other range. */
static enum mae_status range_open(struct cursor *cursor)
{
    if (cursor->range_at == cursor->ranges.count)
        return MAE_NOT_FOUND;
    if (cursor->range_at % MAE_PREFETCH_MAX == 0)
        ranges_announce(cursor);
    const struct range *range = range_of(cursor, cursor->range_at++);
    mae_cursor_close(cursor->entries);
    cursor->entries = NULL;
    return mae_cursor_open(cursor->session->txn, cursor->index, range->lo, range->hi,
                           cursor->backward ? MAE_SCAN_BACKWARD : 0, &cursor->entries);
}

static int entries_next(struct cursor *cursor)
{
    enum mae_status status;
    do { /* ends: each round moves on, in a range or to the next one */
        status = mae_cursor_next(cursor->entries, NULL, &cursor->row);
        if (status == MAE_NOT_FOUND) {
            status = range_open(cursor);
            cursor->eof = status == MAE_NOT_FOUND;
            if (cursor->eof)
                return SQLITE_OK;
            if (status == MAE_OK)
                status = MAE_NOT_FOUND;
        } else if (status == MAE_OK)
            status = mae_row_read(cursor->session->txn, vtab_of(cursor)->table->rows, cursor->row, &cursor->data, NULL);
    } while (status == MAE_NOT_FOUND);
    cursor->changes = cursor->session->changes;
    return status == MAE_OK ? SQLITE_OK : fail(cursor, status);
}

/* What is taken as a whole, before SQLite goes on, may be much: whether sqlite3_interrupt has been called, asked behind
 * some of `count` items. SQLITE_OK: it has not. */
static int interrupted(struct connection *connection, size_t count)
{
    enum { ITEMS_BETWEEN = 4096 };
    return count % ITEMS_BETWEEN == 0 && !MUTATED(sql_interrupt_unheard) ? connection_interrupted(connection)
                                                                         : SQLITE_OK;
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
    cursor->eof = false;
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

/* What a list comes with: the values of the other constraints, among which its own stand in turn at `at`. */
struct taking {
    struct cursor *cursor;
    const struct index *index;
    const char *letters;
    sqlite3_value *values[PLAN_LETTERS_MAX];
    size_t at;
    bool all; /* a value of the list may equal what no hash says */
};

/* Calls `take` with each value of the list, which lasts until the next one. A status but SQLITE_OK ends it. */
static int list_each(sqlite3_value *list, int (*take)(struct taking *taking), struct taking *taking)
{
    sqlite3_value **value = &taking->values[taking->at];
    int code = sqlite3_vtab_in_first(list, value);
    while (code == SQLITE_OK && *value != NULL) {
        code = take(taking);
        if (code != SQLITE_OK)
            return code;
        code = sqlite3_vtab_in_next(list, value);
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int rowid_take(struct taking *taking)
{
    int64_t rowid;
    return bound_rowid(taking->values[0], &rowid) ? list_add(taking->cursor, rowid_key(rowid)) : SQLITE_OK;
}

/* Takes the rowids of an IN. The list has no value twice, but may have some that are no rowid. */
static int rowids_filter(struct cursor *cursor, int plan, sqlite3_value *list)
{
    list_begin(cursor, false);
    int code = list_each(list, rowid_take, &(struct taking){.cursor = cursor});
    if (code != SQLITE_OK)
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
    if (listing->code == SQLITE_OK)
        listing->code = interrupted(vtab_of(listing->cursor)->connection, listing->cursor->listed);
    return listing->code == SQLITE_OK ? MAE_OK : MAE_STOP;
}

/* Takes the rows that a HASH index has for the hashes. */
static int hashes_filter(struct cursor *cursor, const struct index *index, const uint64_t *hashes, size_t count)
{
    struct listing listing = {.cursor = cursor, .code = SQLITE_OK};
    list_begin(cursor, true);
    enum mae_status status = entries_visit_hashes(cursor->session->txn, index, hashes, count, list_row, &listing);
    if (status != MAE_OK)
        return fail(cursor, status);
    return listing.code == SQLITE_OK ? list_next(cursor) : listing.code;
}

/* What is compared with a value of a kind that is not the column's may equal several: then all rows are looked at. */
static int all_filter(struct cursor *cursor)
{
    return entries_filter(cursor, vtab_of(cursor)->table->by_rowid, NULL, NULL, 0);
}

static int hash_filter(struct cursor *cursor, const struct index *index, sqlite3_value **values)
{
    uint64_t hash;
    switch (bound_hash(vtab_of(cursor)->table, index, values, &hash)) {
    case BOUND_VALUE:
        return hashes_filter(cursor, index, &hash, 1);
    case BOUND_NONE:
        return all_filter(cursor);
    default:
        return SQLITE_OK; /* no row is equal */
    }
}

static int hash_take(struct taking *taking)
{
    uint64_t hash;
    enum bound bound = bound_hash(vtab_of(taking->cursor)->table, taking->index, taking->values, &hash);
    taking->all = taking->all || bound == BOUND_NONE;
    return bound == BOUND_VALUE ? list_add(taking->cursor, hash) : SQLITE_OK;
}

/* As hash_filter, for a list. Different values may have one hash, whose rows must come once. */
static int hash_list_filter(struct taking *taking, sqlite3_value *list)
{
    struct cursor *cursor = taking->cursor;
    list_begin(cursor, false);
    int code = list_each(list, hash_take, taking);
    uint64_t *hashes = cursor->list;
    size_t count = 0;
    cursor->list = NULL;
    if (code == SQLITE_OK && taking->all) {
        code = all_filter(cursor);
    } else if (code == SQLITE_OK && hashes != NULL) {
        qsort(hashes, cursor->listed, sizeof *hashes, key_compare);
        for (size_t i = 0; i < cursor->listed; i++)
            if (count == 0 || hashes[i] != hashes[count - 1] || MUTATED(sql_hashes_twice))
                hashes[count++] = hashes[i];
        code = hashes_filter(cursor, taking->index, hashes, count);
    }
    sqlite3_free(hashes);
    return code;
}

static int range_take(struct taking *taking)
{
    struct range range = {.empty = false};
    key_range(vtab_of(taking->cursor)->table, taking->index, taking->letters, taking->values, &range);
    return range.empty || range_add(&taking->cursor->ranges, &range) ? SQLITE_OK : SQLITE_NOMEM;
}

/* Takes the ranges of an ordered index in which the values of a list are. */
static int ranges_filter(struct taking *taking, int plan, sqlite3_value *list)
{
    struct cursor *cursor = taking->cursor;
    int code = list_each(list, range_take, taking);
    if (code != SQLITE_OK)
        return code;
    ranges_merge(&cursor->ranges);
    cursor->index = taking->index->entries;
    cursor->key_bytes = key_bytes(vtab_of(cursor)->table, taking->index);
    cursor->backward = plan & PLAN_BACKWARD;
    enum mae_status status = range_open(cursor);
    if (status == MAE_NOT_FOUND)
        return SQLITE_OK;
    cursor->eof = false;
    return status == MAE_OK ? entries_next(cursor) : fail(cursor, status);
}

/* Entries that are to come in the order of the parts of their keys from `from` on. */
struct entry {
    uint8_t key[KEY_BYTES_MAX];
    uint64_t row;
};

struct sorting {
    struct entry *entry;
    size_t count, room, from, bytes;
    struct connection *connection;
    int code; /* of SQLite */
};

static enum mae_status sorting_add(void *arg, const void *key, uint64_t row)
{
    struct sorting *sorting = arg;
    if (sorting->count == sorting->room) {
        const size_t room = sorting->room * 2 + 16;
        struct entry *longer = sqlite3_realloc64(sorting->entry, room * sizeof *longer);
        sorting->code = longer == NULL ? SQLITE_NOMEM : SQLITE_OK;
        if (longer == NULL)
            return MAE_STOP;
        sorting->entry = longer;
        sorting->room = room;
    }
    struct entry *entry = &sorting->entry[sorting->count++];
    *entry = (struct entry){.row = row};
    memcpy(entry->key, (const uint8_t *)key + sorting->from, sorting->bytes - sorting->from);
    sorting->code = interrupted(sorting->connection, sorting->count);
    return sorting->code == SQLITE_OK ? MAE_OK : MAE_STOP;
}

static int entry_compare(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    return memcmp(one->key, other->key, sizeof one->key);
}

/* What is equal to the values may have several keys: the order of what stands behind is made here. */
static int sorted_filter(struct cursor *cursor, int plan, const struct index *index, unsigned equal,
                         const struct range *range)
{
    const struct table *table = vtab_of(cursor)->table;
    struct sorting sorting = {.from = key_offset(table, index, equal),
                              .bytes = key_bytes(table, index),
                              .connection = vtab_of(cursor)->connection};
    enum mae_status status =
        mae_index_visit(cursor->session->txn, index->entries, range->lo, range->hi, 0, sorting_add, &sorting);
    int code = status != MAE_OK ? fail(cursor, status) : sorting.code;
    if (code == SQLITE_OK && sorting.count > 0)
        qsort(sorting.entry, sorting.count, sizeof *sorting.entry, entry_compare);
    list_begin(cursor, true);
    for (size_t i = 0; i < sorting.count && code == SQLITE_OK; i++)
        code = list_add(cursor, sorting.entry[plan & PLAN_BACKWARD ? sorting.count - 1 - i : i].row);
    sqlite3_free(sorting.entry);
    return code == SQLITE_OK ? list_next(cursor) : code;
}

/* Looks in an index that is not that of rowids. */
static int index_filter(struct cursor *cursor, int plan, const char *letters, sqlite3_value **values)
{
    const struct table *table = vtab_of(cursor)->table;
    const struct index *index = &table->index[(plan & PLAN_INDEX) - 1];
    const char *list = strchr(letters, PLAN_IN);
    if (list != NULL) {
        struct taking taking = {.cursor = cursor, .index = index, .letters = letters, .at = (size_t)(list - letters)};
        memcpy(taking.values, values, strlen(letters) * sizeof *values);
        sqlite3_value *in = values[taking.at];
        return index->hash ? hash_list_filter(&taking, in) : ranges_filter(&taking, plan, in);
    }
    if (index->hash)
        return hash_filter(cursor, index, values);
    struct range range = {.empty = false};
    key_range(table, index, letters, values, &range);
    bool loosely = false;
    const unsigned equal = plan & PLAN_ORDERED ? bound_equals(table, index, letters, values, &loosely) : 0;
    if (loosely && !range.empty && !MUTATED(sql_order_behind_text))
        return sorted_filter(cursor, plan, index, equal, &range);
    return range.empty ? SQLITE_OK : entries_filter(cursor, index->entries, range.lo, range.hi, plan);
}

static int range_filter(struct cursor *cursor, int plan, const char *letters, sqlite3_value **values)
{
    const struct table *table = vtab_of(cursor)->table;
    struct range range = {.empty = false};
    if ((plan & PLAN_INDEX) != PLAN_ROWIDS)
        return index_filter(cursor, plan, letters, values);
    if (letters[0] == PLAN_IN)
        return rowids_filter(cursor, plan, values[0]);
    rowid_range(letters, values, &range);
    if (range.empty)
        return SQLITE_OK;
    if (letters[0] == PLAN_EQ)
        return point_filter(cursor, (int64_t)rowid_key((int64_t)range.lo_rowid));
    if (letters[0] == '\0' && cursor->session->snapshot && !(plan & PLAN_ORDERED)) {
        cursor->scans = true;
        cursor->ahead = cursor->taken = 0;
        cursor->scan_next = 0;
        cursor->eof = false;
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
    vtab->connection->opened = NULL;
    const uint64_t views = vtab->connection->views;
    int code = connection_refresh(vtab->connection, &error);
    if (code == SQLITE_OK && views != vtab->connection->views && !MUTATED(sql_view_stale))
        code = SQLITE_SCHEMA; /* the statement may contain a view that has gone; SQLite prepares it again */
    if (code == SQLITE_OK)
        code = connection_read(vtab->connection, before, &cursor->session, &error);
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
        sqlite3_result_text(context, value.bytes, value.ended ? -1 : (int)value.length, lasts);
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
    cursor->ranges = (struct ranges){NULL, 0, 0};
    cursor->range_at = 0;
    cursor->data = NULL;
    cursor->eof = true;
    cursor->scans = false;
    vtab->connection->opened = cursor;
    *opened = &cursor->base;
    return SQLITE_OK;
}

/* S2. SQLite has opened the heir for the same place in a statement, and does nothing before it closes this one. */
static void snapshot_inherit(struct cursor *heir, const struct cursor *cursor)
{
    if (heir == NULL || heir == cursor || cursor->session == NULL || !cursor->session->snapshot ||
        MUTATED(sql_snapshot_uninherited))
        return;
    heir->session = cursor->session;
    heir->session->cursors++;
}

int cursor_close(sqlite3_vtab_cursor *base)
{
    struct vtab *vtab = (struct vtab *)base->pVtab;
    snapshot_inherit(vtab->connection->opened, (struct cursor *)base);
    vtab->connection->opened = NULL;
    cursor_reset((struct cursor *)base);
    if (vtab->spare == NULL)
        vtab->spare = base;
    else
        sqlite3_free(base);
    return SQLITE_OK;
}
