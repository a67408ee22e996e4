/* tables.c - see tables.h. */
#include "sql/tables.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sql/entries.h"
#include "sql/key.h"
#include "sql/sqlite.h"

enum { SWEEP_BATCH = 256 };

/* ---- Names of the engine's objects. ---- */

struct object_name {
    char text[MAE_NAME_MAX_BYTES + 1];
};

static struct object_name rows_name(uint64_t table)
{
    struct object_name name;
    (void)snprintf(name.text, sizeof name.text, "sql.%llu", (unsigned long long)table);
    return name;
}

static struct object_name rowid_name(uint64_t table)
{
    struct object_name name;
    (void)snprintf(name.text, sizeof name.text, "sql.%llu.rowid", (unsigned long long)table);
    return name;
}

static struct object_name index_name(uint64_t table, uint64_t index)
{
    struct object_name name;
    (void)snprintf(name.text, sizeof name.text, "sql.%llu.index.%llu", (unsigned long long)table,
                   (unsigned long long)index);
    return name;
}

/* ---- Finding. ---- */

struct table *tables_named(const struct database *database, const char *name)
{
    for (struct table *table = database->tables; table != NULL; table = table->next)
        if (!table->dropped && !table->is_view && strcasecmp(table->name, name) == 0)
            return table;
    return NULL;
}

struct table *tables_view_named(const struct database *database, const char *name)
{
    for (struct table *table = database->tables; table != NULL; table = table->next)
        if (!table->dropped && table->is_view && strcasecmp(table->name, name) == 0)
            return table;
    return NULL;
}

struct table *tables_once_named(const struct database *database, const char *name)
{
    struct table *table = database->tables;
    while (table != NULL && (table->is_view || strcasecmp(table->name, name) != 0))
        table = table->next;
    return table;
}

struct table *tables_with_index(const struct database *database, const char *name)
{
    for (struct table *table = database->tables; table != NULL; table = table->next)
        for (unsigned i = 0; !table->dropped && i < table->indexes; i++)
            if (table->index[i].name != NULL && strcasecmp(table->index[i].name, name) == 0)
                return table;
    return NULL;
}

static const struct table *table_by_id(const struct database *database, uint64_t id)
{
    const struct table *table = database->tables;
    while (table != NULL && (table->dropped || table->id != id))
        table = table->next;
    return table;
}

/* ---- Changes. ---- */

static bool is_hash(struct mae_index *index)
{
    struct mae_index_config config;
    mae_index_config_of(index, &config);
    return config.kind == MAE_INDEX_HASH;
}

/* Whether an index has no entries. */
struct emptiness {
    struct mae_index *index;
    bool empty;
};

static enum mae_status entry_meet(void *arg, const void *key, uint64_t row)
{
    (void)key, (void)row;
    ((struct emptiness *)arg)->empty = false;
    return MAE_STOP;
}

static enum mae_status empty_look(struct mae_txn *txn, struct emptiness *look)
{
    look->empty = true;
    return is_hash(look->index) ? MAE_OK : mae_index_visit(txn, look->index, NULL, NULL, 0, entry_meet, look);
}

static bool is_used(const struct table *table, uint64_t id)
{
    for (unsigned i = 0; i < table->indexes; i++)
        if (table->index[i].id == id)
            return true;
    return false;
}

static struct mae_index_config config_wanted(const struct table *table, const struct index *index)
{
    if (index->hash)
        return (struct mae_index_config){.kind = MAE_INDEX_HASH, .key_bytes = HASH_KEY_BYTES};
    return (struct mae_index_config){
        .kind = MAE_INDEX_ORDERED, .key_bytes = key_bytes(table, index), .non_unique = true};
}

/* Whether the engine's index is one that this version of Maemio makes: HASH indexes once had other keys. */
static bool is_as_wanted(const struct table *table, const struct index *index)
{
    const struct mae_index_config wanted = config_wanted(table, index);
    struct mae_index_config config;
    mae_index_config_of(index->entries, &config);
    return config.kind == wanted.kind && config.key_bytes == wanted.key_bytes;
}

/* Makes the engine's index, or takes one that an index which is no more has left empty. A hash index of the table is:
 * who drops an index removes its entries, and what a transaction has put into one that it has made goes with it. */
static enum mae_status index_make(struct database *database, struct mae_txn *txn, struct table *table,
                                  struct index *index)
{
    const struct mae_index_config wanted = config_wanted(table, index);
    /* Ends: each round names a larger number, and the engine has a maximum of indexes. */
    for (uint64_t id = 1;; id++) {
        struct object_name name = index_name(table->id, id);
        struct emptiness look = {.index = mae_index_by_name(database->db, name.text)};
        struct mae_index_config config = wanted;
        if (is_used(table, id) ||
            (table_by_id(database, table->id) != NULL && is_used(table_by_id(database, table->id), id)))
            continue;
        if (look.index != NULL)
            mae_index_config_of(look.index, &config);
        if (config.kind != wanted.kind || config.key_bytes != wanted.key_bytes)
            continue;
        enum mae_status status;
        if (look.index == NULL) {
            look.empty = true;
            status = mae_index_create(database->db, table->rows, name.text, &wanted, &look.index);
        } else {
            status = empty_look(txn, &look);
        }
        if (status == MAE_OK && !look.empty)
            continue;
        index->id = id;
        index->entries = look.index;
        return status;
    }
}

/* Whether a table of the engine has no rows: none that were committed, and none of a table that this transaction has
 * made and dropped. */
static enum mae_status rows_look(struct database *database, struct mae_txn *txn, const struct table *table, bool *empty)
{
    struct emptiness look = {.index = mae_index_by_name(database->db, rowid_name(table->id).text)};
    *empty = mae_table_rows(table->rows) == 0;
    if (!*empty || look.index == NULL)
        return MAE_OK;
    enum mae_status status = empty_look(txn, &look);
    *empty = look.empty;
    return status;
}

/* Makes the engine's table, or takes one that a table which is no more has left empty. */
static enum mae_status rows_make(struct database *database, struct mae_txn *txn, struct table *table)
{
    const struct mae_table_config rows = {.payload_max_bytes = MAE_PAYLOAD_MAX_BYTES};
    const struct mae_index_config by_rowid = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8};
    enum mae_status status = MAE_OK;
    bool empty = false;
    /* Ends as in index_make. */
    for (table->id = 1; status == MAE_OK && !empty; table->id += !empty) {
        if (table_by_id(database, table->id) != NULL)
            continue;
        struct object_name name = rows_name(table->id);
        table->rows = mae_table_find(database->db, name.text);
        empty = table->rows == NULL;
        status = empty ? mae_table_create(database->db, name.text, &rows, &table->rows)
                       : rows_look(database, txn, table, &empty);
    }
    struct object_name name = rowid_name(table->id);
    table->by_rowid = mae_index_by_name(database->db, name.text);
    if (status == MAE_OK && table->by_rowid == NULL)
        status = mae_index_create(database->db, table->rows, name.text, &by_rowid, &table->by_rowid);
    return status;
}

/* The table has another definition now, and the engine's objects that it had. */
static void objects_copy(const struct table *before, struct table *table)
{
    table->rows = before->rows;
    table->by_rowid = before->by_rowid;
    for (unsigned i = 0; i < table->indexes; i++)
        for (unsigned j = 0; j < before->indexes; j++)
            if (table->index[i].id == before->index[j].id)
                table->index[i].entries = before->index[j].entries;
}

/* Views have numbers of their own, behind those of tables, in the order in which they were made. */
static uint64_t view_number(const struct database *database)
{
    uint64_t last = UINT64_C(1) << 63;
    for (const struct table *view = database->tables; view != NULL; view = view->next)
        if (!view->dropped && view->is_view && view->id > last)
            last = view->id;
    return last + 1;
}

enum mae_status tables_make(struct database *database, struct mae_txn *txn, struct table *table)
{
    if (table->is_view) {
        table->id = table->id != 0 ? table->id : view_number(database);
        return MAE_OK;
    }
    const struct table *before = table_by_id(database, table->id);
    enum mae_status status = MAE_OK;
    if (before == NULL)
        status = rows_make(database, txn, table);
    else
        objects_copy(before, table);
    for (unsigned i = 0; i < table->indexes && status == MAE_OK; i++)
        if (table->index[i].id == 0)
            status = index_make(database, txn, table, &table->index[i]);
    return status;
}

enum mae_status tables_write(struct database *database, struct mae_txn *txn, const struct table *table)
{
    void *data;
    char *text = schema_text(table, false);
    if (text == NULL)
        return MAE_NO_MEMORY;
    size_t name_bytes = strlen(table->name) + 1, text_bytes = strlen(text) + 1;
    enum mae_status status =
        mae_upsert(txn, database->by_id, &table->id, name_bytes + text_bytes, NULL, NULL, &data, NULL);
    if (status == MAE_OK) {
        memcpy(data, table->name, name_bytes);
        memcpy((char *)data + name_bytes, text, text_bytes);
    }
    sqlite3_free(text);
    return status;
}

enum mae_status tables_remove(struct database *database, struct mae_txn *txn, const struct table *table)
{
    return mae_delete(txn, database->by_id, &table->id);
}

/* ---- Reading. ---- */

static bool largest(void *arg, const void *key, uint64_t row)
{
    (void)row;
    memcpy(arg, key, sizeof(uint64_t));
    return false;
}

/* False: there is none. Other connections plan statements meanwhile, which look at tables that stay as they are: so
 * what is the same is not written. */
static bool index_find(const struct database *database, struct object_name name, struct mae_index **index)
{
    struct mae_index *found = mae_index_by_name(database->db, name.text);
    if (*index != found)
        *index = found;
    return found != NULL;
}

/* Finds the engine's part of a table, and the rowid that follows its largest. */
static enum mae_status table_find(struct database *database, struct mae_txn *txn, struct table *table)
{
    struct mae_table *rows = mae_table_find(database->db, rows_name(table->id).text);
    if (table->rows != rows) /* as in index_find */
        table->rows = rows;
    if (rows == NULL || !index_find(database, rowid_name(table->id), &table->by_rowid))
        return MAE_CORRUPT;
    for (unsigned i = 0; i < table->indexes; i++) {
        if (!index_find(database, index_name(table->id, table->index[i].id), &table->index[i].entries))
            return MAE_CORRUPT;
        if (!is_as_wanted(table, &table->index[i]))
            return MAE_UNSUPPORTED;
    }
    uint64_t key = rowid_key(0);
    enum mae_status status = mae_index_scan(txn, table->by_rowid, NULL, NULL, MAE_SCAN_BACKWARD, 1, largest, &key);
    int64_t rowid = (int64_t)rowid_key((int64_t)key);
    rowid = rowid < 1 ? 1 : rowid == INT64_MAX ? rowid : rowid + 1;
    if (table->next_rowid < rowid) /* connections have taken numbers that are in no row yet */
        table->next_rowid = rowid;
    return status;
}

struct reading {
    struct database *database;
    struct mae_txn *txn;
};

/* One row of the catalogue: a table that is as it was, or a new one. */
static enum mae_status table_read(void *arg, const void *key, uint64_t row)
{
    struct reading *reading = arg;
    struct database *database = reading->database;
    uint64_t id;
    const void *data;
    char *error;
    memcpy(&id, key, sizeof id);
    enum mae_status status = mae_row_read(reading->txn, database->catalogue, row, &data, NULL);
    if (status != MAE_OK)
        return status;
    const char *name = data, *text = name + strlen(name) + 1;
    struct table *table = database->tables;
    while (table != NULL && (table->id != id || strcmp(table->text, text) != 0 || strcmp(table->name, name) != 0))
        table = table->next;
    if (table == NULL) {
        if ((table = schema_read(name, text, &error)) == NULL) {
            status = error == NULL ? MAE_NO_MEMORY : MAE_CORRUPT;
            sqlite3_free(error);
            return status;
        }
        table->id = id;
        table->dropped = true;
        table->next = database->tables;
        database->tables = table;
    }
    table->is_read = true;
    const struct table *before = table_by_id(database, id);
    if (before != NULL && table->next_rowid < before->next_rowid) /* of rows that were deleted, too */
        table->next_rowid = before->next_rowid;
    return table->is_view ? MAE_OK : table_find(database, reading->txn, table);
}

/* The tables of the list are now those that were read. */
static void list_change(struct database *database)
{
    for (struct table *table = database->tables; table != NULL; table = table->next) {
        table->was_there = !table->dropped;
        table->dropped = !table->is_read;
    }
    database->version++;
    for (const struct table *table = database->tables; table != NULL; table = table->next)
        if (table->was_there && table->dropped && tables_named(database, table->name) != NULL)
            database->altered++;
}

enum mae_status tables_read(struct database *database, struct mae_txn *txn)
{
    struct reading reading = {.database = database, .txn = txn};
    for (struct table *table = database->tables; table != NULL; table = table->next)
        table->is_read = false;
    enum mae_status status = mae_index_visit(txn, database->by_id, NULL, NULL, 0, table_read, &reading);
    if (status == MAE_OK)
        list_change(database);
    return status;
}

void tables_keep(struct database *database)
{
    for (struct table *table = database->tables; table != NULL; table = table->next)
        table->is_kept = !table->dropped;
}

void tables_take_back(struct database *database)
{
    for (struct table *table = database->tables; table != NULL; table = table->next)
        table->is_read = table->is_kept;
    list_change(database);
}

/* ---- Dropping, or emptying, what is named no more. ---- */

struct batch {
    struct mae_table *rows; /* whose rows go with the entries; NULL: they stay */
    struct mae_index *index;
    unsigned count;
};

struct swept {
    struct mae_txn *txn;
    struct batch *batch;
};

static enum mae_status entry_sweep(void *arg, const void *key, uint64_t row)
{
    struct swept *swept = arg;
    struct batch *batch = swept->batch;
    if (batch->count == SWEEP_BATCH)
        return MAE_STOP;
    batch->count++;
    enum mae_status status = mae_index_remove(swept->txn, batch->index, key, row);
    if (status == MAE_OK && batch->rows != NULL)
        status = mae_row_delete(swept->txn, batch->rows, row);
    return status;
}

static enum mae_status batch_sweep(struct mae_txn *txn, void *arg)
{
    struct swept swept = {.txn = txn, .batch = arg};
    swept.batch->count = 0;
    return mae_index_visit(txn, swept.batch->index, NULL, NULL, 0, entry_sweep, &swept);
}

static enum mae_status index_sweep(struct mae_worker *worker, struct mae_index *index, struct mae_table *rows)
{
    struct batch batch = {.rows = rows, .index = index};
    enum mae_status status;
    do
        status = mae_run(worker, MAE_READ_WRITE, batch_sweep, &batch, 0);
    while (status == MAE_OK && batch.count == SWEEP_BATCH); /* ends: nobody else is inside the gate */
    return status;
}

/* What the catalogue says of an index of the engine. */
enum standing { STANDING_USED, STANDING_ENTRIES, STANDING_ROWS };

static enum standing index_standing(const struct database *database, struct mae_index *index)
{
    unsigned long long id, number;
    int end = 0;
    const char *name = mae_index_name(index);
    if (sscanf(name, "sql.%llu.rowid%n", &id, &end) == 1 && end > 0)
        return table_by_id(database, id) == NULL ? STANDING_ROWS : STANDING_USED;
    if (sscanf(name, "sql.%llu.index.%llu", &id, &number) != 2)
        return STANDING_USED;
    const struct table *table = table_by_id(database, id);
    for (unsigned i = 0; table != NULL && i < table->indexes; i++)
        if (table->index[i].id == number)
            return STANDING_USED;
    return STANDING_ENTRIES;
}

/* Whether rows of the table have entries in a hash index, which cannot be listed. */
static bool has_hash(struct mae_db *db, const struct mae_table *rows)
{
    struct mae_index *index = mae_index_next(db, NULL);
    while (index != NULL && !(mae_index_table(index) == rows && is_hash(index)))
        index = mae_index_next(db, index);
    return index != NULL;
}

/* Drops the engine's index, or table with all its indexes, or, while other transactions are open, makes it empty. A
 * table with a hash index stays as it is then: its rows have entries there, and it is for the next sweep. */
static enum mae_status object_sweep(struct database *database, struct mae_worker *worker, struct mae_index *index,
                                    enum standing standing, bool *busy, bool *left)
{
    struct mae_table *rows = standing == STANDING_ROWS ? mae_index_table(index) : NULL;
    enum mae_status status = MAE_BUSY;
    if (!*busy) /* no need to wait once more */
        status = rows != NULL ? mae_table_drop(database->db, rows) : mae_index_drop(database->db, index);
    *busy = status == MAE_BUSY;
    const bool stays = is_hash(index) || (rows != NULL && has_hash(database->db, rows));
    if (!*busy || !stays)
        return *busy ? index_sweep(worker, index, rows) : status;
    *left = true;
    return MAE_OK;
}

enum mae_status tables_sweep(struct database *database, struct mae_worker *worker, bool drop)
{
    enum mae_status status = MAE_OK;
    bool busy = !drop, left = false;
    /* Entries of all other indexes go before the rows that they lead to. */
    for (enum standing standing = STANDING_ENTRIES; standing <= STANDING_ROWS; standing++) {
        struct mae_index *index = mae_index_next(database->db, NULL), *next;
        for (; status == MAE_OK && index != NULL; index = next) {
            next = mae_index_next(database->db, index);
            if (index_standing(database, index) == standing)
                status = object_sweep(database, worker, index, standing, &busy, &left);
        }
    }
    if (drop) /* who failed has not seen all */
        atomic_store_explicit(&database->has_leftovers, left || status != MAE_OK, memory_order_relaxed);
    return status;
}

/* ---- Opening and closing. ---- */

static enum mae_status read_first(struct mae_txn *txn, void *arg)
{
    return tables_read(arg, txn);
}

enum mae_status tables_open(struct database *database)
{
    const struct mae_table_config rows = {.payload_max_bytes = MAE_PAYLOAD_MAX_BYTES};
    const struct mae_index_config by_id = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8};
    struct mae_worker *worker;
    enum mae_status status = MAE_OK;
    database->catalogue = mae_table_find(database->db, "sql.catalogue");
    database->by_id = mae_index_by_name(database->db, "sql.catalogue.by_id");
    if (database->catalogue == NULL)
        status = mae_table_create(database->db, "sql.catalogue", &rows, &database->catalogue);
    if (status == MAE_OK && database->by_id == NULL)
        status = mae_index_create(database->db, database->catalogue, "sql.catalogue.by_id", &by_id, &database->by_id);
    if (status == MAE_OK)
        status = mae_worker_join(database->db, &worker);
    if (status != MAE_OK)
        return status;
    status = mae_run(worker, MAE_READ_WRITE, read_first, database, 0);
    if (status == MAE_OK)
        status = tables_sweep(database, worker, true);
    mae_worker_leave(worker);
    return status;
}

void tables_close(struct database *database)
{
    for (struct table *table = database->tables, *next; table != NULL; table = next) {
        next = table->next;
        schema_free(table);
    }
}
