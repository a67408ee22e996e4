/*
 * rows.c - the calls of a target (workloads/target.h) on a store of keyspaces (store.h); the same for every database,
 * so that all of them run the same requests.
 *
 * A table has a keyspace of rows, by ref, and each index one of entries: key -> ref, or of a non-unique index
 * (key, ref) -> nothing. That would be two look-ups for a read by key. So a table's first unique index of 8-byte keys
 * has the rows, too, as a clustered index of other databases has: a row that was inserted by its key lies there, and
 * the key is its ref. All other rows have refs from LOOSE_REF on, also those with such keys: a row with one of them
 * never lies under its key. Keys are stored so that their bytes sort as the keys do.
 *
 * What a transaction has changed waits in records (records.h); entries of the other indexes go to the store at once.
 * Reads copy, since the stores' own pointers do not live long enough.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/targets/plugins/records.h"

#define LOOSE_REF (UINT64_C(1) << 63)
enum {
    NAME_MAX_BYTES = 64,
    REF_BYTES = sizeof(uint64_t),
    NO_SPACE = STORE_SPACES_MAX,
    REFS_TAKEN = 1024 /* by a worker at once, so that workers seldom write what others read */
};

struct target_table {
    struct target_table *next;
    char name[NAME_MAX_BYTES];
    size_t payload_max_bytes;
    unsigned loose;     /* the keyspace of rows by ref */
    unsigned clustered; /* that of rows by key; NO_SPACE */
};

struct target_index {
    struct target_index *next;
    struct target_table *table;
    size_t key_bytes;
    bool is_clustered, is_ordered, non_unique;
    unsigned space;
};

struct target_worker {
    struct target *target;
    struct store_session *session;
    struct records records;
    uint64_t next_ref, refs_end; /* its own, for rows of no key */
    bool is_running, is_snapshot;
};

struct target {
    struct store *store;
    struct target_table *tables;
    struct target_index *indexes;
    unsigned spaces;
    /* Relaxed: each value is taken once, and tells nothing else. */
    atomic_uint workers;
    _Atomic uint64_t next_ref;
};

/* A worker's transaction is the worker, under another name. */
static struct target_worker *worker_of(struct target_txn *txn)
{
    return (struct target_worker *)txn;
}

/* ---- Opening. ---- */

static enum target_status rows_open(const struct target_ops *ops, const void *values, struct target **result,
                                    char *error, size_t error_bytes)
{
    (void)ops;
    struct target *target = calloc(1, sizeof *target);
    if (target == NULL)
        return TARGET_NO_MEMORY;
    enum target_status status = store_open(values, &target->store, error, error_bytes);
    if (status != TARGET_OK)
        free(target);
    else
        *result = target;
    return status;
}

static enum target_status rows_close(struct target *target)
{
    enum target_status status = store_close(target->store);
    for (struct target_table *table = target->tables, *next; table != NULL; table = next) {
        next = table->next;
        free(table);
    }
    for (struct target_index *index = target->indexes, *next; index != NULL; index = next) {
        next = index->next;
        free(index);
    }
    free(target);
    return status;
}

static enum target_status space_make(struct target *target, size_t key_bytes, unsigned *space)
{
    if (target->spaces == STORE_SPACES_MAX)
        return TARGET_FULL;
    enum target_status status = store_space_create(target->store, target->spaces, key_bytes);
    if (status == TARGET_OK)
        *space = target->spaces++;
    return status;
}

static enum target_status rows_table_create(struct target *target, const char *name,
                                            const struct target_table_config *config, struct target_table **result)
{
    size_t name_bytes = strlen(name);
    if (name_bytes == 0 || name_bytes >= NAME_MAX_BYTES || config->payload_max_bytes == 0 ||
        config->payload_max_bytes > TARGET_PAYLOAD_MAX_BYTES)
        return TARGET_INVALID;
    for (const struct target_table *table = target->tables; table != NULL; table = table->next)
        if (strcmp(table->name, name) == 0)
            return TARGET_EXISTS;
    struct target_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return TARGET_NO_MEMORY;
    *table = (struct target_table){
        .next = target->tables, .payload_max_bytes = config->payload_max_bytes, .clustered = NO_SPACE};
    memcpy(table->name, name, name_bytes);
    enum target_status status = space_make(target, REF_BYTES, &table->loose);
    if (status == TARGET_OK)
        *result = target->tables = table;
    else
        free(table);
    return status;
}

static enum target_status rows_index_create(struct target *target, struct target_table *table, const char *name,
                                            const struct target_index_config *config, struct target_index **result)
{
    (void)name; /* the caller's; nobody asks for it again */
    if (config->variable)
        return TARGET_UNSUPPORTED;
    if (config->key_bytes < TARGET_KEY_MIN_BYTES || config->key_bytes > TARGET_KEY_MAX_BYTES ||
        (config->non_unique && config->kind != TARGET_INDEX_ORDERED))
        return TARGET_INVALID;
    struct target_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return TARGET_NO_MEMORY;
    *index = (struct target_index){.next = target->indexes,
                                   .table = table,
                                   .key_bytes = config->key_bytes,
                                   .is_ordered = config->kind == TARGET_INDEX_ORDERED,
                                   .non_unique = config->non_unique};
    enum target_status status =
        space_make(target, index->key_bytes + (index->non_unique ? REF_BYTES : 0), &index->space);
    if (status != TARGET_OK) {
        free(index);
        return status;
    }
    index->is_clustered = !index->non_unique && index->key_bytes == REF_BYTES && table->clustered == NO_SPACE;
    if (index->is_clustered)
        table->clustered = index->space;
    *result = target->indexes = index;
    return TARGET_OK;
}

/* ---- Workers and transactions. ---- */

static enum target_status rows_worker_join(struct target *target, struct target_worker **result)
{
    if (atomic_fetch_add_explicit(&target->workers, 1, memory_order_relaxed) >= TARGET_WORKERS_MAX) {
        atomic_fetch_sub_explicit(&target->workers, 1, memory_order_relaxed);
        return TARGET_FULL;
    }
    struct target_worker *worker = calloc(1, sizeof *worker);
    enum target_status status = worker == NULL ? TARGET_NO_MEMORY : store_join(target->store, &worker->session);
    if (status != TARGET_OK) {
        free(worker);
        atomic_fetch_sub_explicit(&target->workers, 1, memory_order_relaxed);
        return status;
    }
    worker->target = target;
    *result = worker;
    return TARGET_OK;
}

static enum target_status rows_begin(struct target_worker *worker, enum target_mode mode, struct target_txn **txn)
{
    if (worker->is_running)
        return TARGET_BUSY;
    enum target_status status = store_begin(worker->session, mode == TARGET_SNAPSHOT);
    if (status != TARGET_OK)
        return status;
    worker->is_running = true;
    worker->is_snapshot = mode == TARGET_SNAPSHOT;
    *txn = (struct target_txn *)worker;
    return TARGET_OK;
}

static void end(struct target_worker *worker)
{
    records_reset(&worker->records);
    worker->is_running = false;
}

static void rows_abort(struct target_txn *txn)
{
    store_abort(worker_of(txn)->session);
    end(worker_of(txn));
}

static enum target_status rows_commit(struct target_txn *txn)
{
    struct target_worker *worker = worker_of(txn);
    enum target_status status = records_write(&worker->records, worker->session, RECORDS_ALL_SPACES);
    if (status != TARGET_OK) {
        rows_abort(txn);
        return status;
    }
    status = store_commit(worker->session);
    end(worker);
    return status;
}

static void rows_worker_leave(struct target_worker *worker)
{
    if (worker->is_running)
        rows_abort((struct target_txn *)worker);
    store_leave(worker->session);
    records_free(&worker->records);
    atomic_fetch_sub_explicit(&worker->target->workers, 1, memory_order_relaxed);
    free(worker);
}

static enum target_status may_write(const struct target_worker *worker, const struct target_table *table, size_t bytes)
{
    if (worker->is_snapshot)
        return TARGET_READ_ONLY;
    return bytes <= table->payload_max_bytes ? TARGET_OK : TARGET_TOO_LARGE;
}

/* ---- Rows by ref. ---- */

static unsigned space_of(const struct target_table *table, uint64_t ref)
{
    return ref < LOOSE_REF && table->clustered != NO_SPACE ? table->clustered : table->loose;
}

static enum target_status look_at_row(struct target_worker *worker, const struct target_table *table, uint64_t ref,
                                      struct record_view *view)
{
    return records_look(&worker->records, worker->session, space_of(table, ref), ref, STORE_READ, view);
}

/* Gives the row out, if there is one: the record's payload, or a copy of the store's. */
static enum target_status give_out(struct target_worker *worker, const struct record_view *view, const void **data,
                                   size_t *bytes)
{
    if (!(view->flags & RECORD_ROW))
        return TARGET_NOT_FOUND;
    const char *payload = view->payload;
    if (view->record == NULL) {
        char *copy = arena_take(&worker->records.arena, view->bytes);
        if (copy == NULL)
            return TARGET_NO_MEMORY;
        payload = memcpy(copy, view->payload, view->bytes);
    }
    *data = payload;
    if (bytes != NULL)
        *bytes = view->bytes;
    return TARGET_OK;
}

static enum target_status rows_row_read(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                        const void **data, size_t *bytes)
{
    struct record_view view;
    enum target_status status = look_at_row(worker_of(txn), table, ref, &view);
    return status == TARGET_OK ? give_out(worker_of(txn), &view, data, bytes) : status;
}

/* Of a record that has a row. */
static enum target_status change_row(struct target_worker *worker, struct record *record, size_t bytes,
                                     const void **old, void **data)
{
    if (old != NULL) {
        char *copy = arena_take(&worker->records.arena, record->bytes);
        if (copy == NULL)
            return TARGET_NO_MEMORY;
        *old = memcpy(copy, record->payload, record->bytes);
    }
    enum target_status status = record_resize(&worker->records, record, bytes == 0 ? record->bytes : bytes);
    record->is_changed = true;
    *data = record->payload;
    return status;
}

static enum target_status rows_row_update(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                          size_t bytes, const void **old, void **data)
{
    struct target_worker *worker = worker_of(txn);
    struct record *record;
    enum target_status status = may_write(worker, table, bytes);
    if (status == TARGET_OK)
        status = records_take(&worker->records, worker->session, space_of(table, ref), ref, STORE_CHANGE, &record);
    if (status != TARGET_OK)
        return status;
    return record->flags & RECORD_ROW ? change_row(worker, record, bytes, old, data) : TARGET_NOT_FOUND;
}

/* Puts a new row into a record that has none. */
static enum target_status put_row(struct target_worker *worker, struct record *record, size_t bytes, void **data)
{
    enum target_status status = record_resize(&worker->records, record, bytes);
    if (status != TARGET_OK)
        return status;
    record->flags |= RECORD_ROW;
    record->is_changed = true;
    *data = record->payload;
    return TARGET_OK;
}

/* One that nobody has had. */
static uint64_t take_ref(struct target_worker *worker)
{
    if (worker->next_ref == worker->refs_end) {
        worker->next_ref =
            atomic_fetch_add_explicit(&worker->target->next_ref, REFS_TAKEN, memory_order_relaxed) | LOOSE_REF;
        worker->refs_end = worker->next_ref + REFS_TAKEN;
    }
    return worker->next_ref++;
}

static enum target_status rows_row_insert(struct target_txn *txn, struct target_table *table, size_t bytes,
                                          uint64_t *ref, void **data)
{
    struct target_worker *worker = worker_of(txn);
    struct record *record;
    enum target_status status = may_write(worker, table, bytes);
    if (status != TARGET_OK)
        return status;
    *ref = take_ref(worker);
    status = records_make(&worker->records, table->loose, *ref, &record);
    return status == TARGET_OK ? put_row(worker, record, bytes, data) : status;
}

static enum target_status rows_row_erase(struct target_txn *txn, struct target_table *table, uint64_t ref)
{
    struct target_worker *worker = worker_of(txn);
    struct record *record;
    enum target_status status = may_write(worker, table, 0);
    if (status == TARGET_OK)
        status = records_take(&worker->records, worker->session, space_of(table, ref), ref, STORE_CHANGE, &record);
    if (status != TARGET_OK)
        return status;
    if (!(record->flags & RECORD_ROW))
        return TARGET_NOT_FOUND;
    record->flags &= RECORD_OWN | RECORD_OTHER; /* entries go by calls of their own */
    record->is_changed = true;
    record->bytes = 0;
    return TARGET_OK;
}

/* ---- Index entries. ---- */

struct key_bytes {
    unsigned char bytes[STORE_KEY_MAX_BYTES];
};

static uint64_t number_of(const void *key)
{
    uint64_t number;
    memcpy(&number, key, sizeof number);
    return number;
}

/* The key as the store has it; of a non-unique index together with the ref. */
static struct store_bytes entry_key(const struct target_index *index, const void *key, uint64_t ref,
                                    struct key_bytes *room)
{
    size_t count = index->key_bytes;
    if (index->key_bytes == REF_BYTES)
        record_key(number_of(key), room->bytes);
    else
        memcpy(room->bytes, key, index->key_bytes);
    if (index->non_unique) {
        record_key(ref, room->bytes + count);
        count += REF_BYTES;
    }
    return (struct store_bytes){room->bytes, count};
}

static uint64_t read_number(const void *bytes)
{
    return __builtin_bswap64(number_of(bytes));
}

static void rows_prefetch(struct target_txn *txn, struct target_index *index, const void *keys, size_t count)
{
    struct key_bytes room;
    for (size_t i = 0; store_prefetch != NULL && !index->non_unique && i < count; i++) {
        const void *key = (const char *)keys + i * index->key_bytes;
        store_prefetch(worker_of(txn)->session, index->space, entry_key(index, key, 0, &room));
    }
}

/* The entry of a key, in an index that is not clustered; of several the first. */
static enum target_status entry_find(struct target_worker *worker, const struct target_index *index, const void *key,
                                     enum store_use use, uint64_t *ref)
{
    struct key_bytes lo, hi;
    struct store_bytes value, found;
    struct store_cursor *cursor;
    if (!index->non_unique) {
        enum target_status status =
            store_get(worker->session, index->space, entry_key(index, key, 0, &lo), use, &value);
        if (status == TARGET_OK)
            *ref = read_number(value.data);
        return status;
    }
    enum target_status status = store_cursor_open(worker->session, index->space, entry_key(index, key, 0, &lo),
                                                  entry_key(index, key, UINT64_MAX, &hi), false, 1, &cursor);
    if (status != TARGET_OK)
        return status;
    status = store_cursor_next(cursor, &found, &value);
    if (status == TARGET_OK)
        *ref = read_number((const char *)found.data + index->key_bytes);
    store_cursor_close(cursor);
    return status;
}

/* The row that a key leads to, and what is there. One look, where the row lies under the key. */
static enum target_status look_up(struct target_worker *worker, const struct target_index *index, const void *key,
                                  uint64_t *ref, struct record_view *view)
{
    enum target_status status;
    if (index->is_clustered) {
        *ref = number_of(key);
        status = records_look(&worker->records, worker->session, index->space, *ref, STORE_READ, view);
        if (status != TARGET_OK || view->flags & RECORD_OWN)
            return status;
        if (!(view->flags & RECORD_OTHER))
            return TARGET_NOT_FOUND;
        *ref = view->other;
    } else if ((status = entry_find(worker, index, key, STORE_READ, ref)) != TARGET_OK) {
        return status;
    }
    return look_at_row(worker, index->table, *ref, view);
}

/* As look_up, without the row. For one that lies under its key, that is not looked up either: its record will be
 * taken, and that says what the key leads to. */
static enum target_status find_ref(struct target_worker *worker, const struct target_index *index, const void *key,
                                   enum store_use use, uint64_t *ref)
{
    struct record_view view;
    if (!index->is_clustered)
        return entry_find(worker, index, key, use, ref);
    enum target_status status =
        records_look(&worker->records, worker->session, index->space, number_of(key), use, &view);
    if (status != TARGET_OK)
        return status;
    *ref = view.flags & RECORD_OWN ? number_of(key) : view.other;
    return view.flags & (RECORD_OWN | RECORD_OTHER) ? TARGET_OK : TARGET_NOT_FOUND;
}

static enum target_status rows_find(struct target_txn *txn, struct target_index *index, const void *key, uint64_t *ref)
{
    return find_ref(worker_of(txn), index, key, STORE_READ, ref);
}

/* The entry in a clustered index: in the record of its key. */
static enum target_status clustered_insert(struct target_worker *worker, const struct target_index *index,
                                           uint64_t number, uint64_t ref)
{
    struct record *record;
    enum target_status status =
        records_take(&worker->records, worker->session, index->space, number, STORE_ADD, &record);
    if (status != TARGET_OK)
        return status;
    if (record->flags & (RECORD_OWN | RECORD_OTHER))
        return TARGET_EXISTS;
    bool is_own = ref == number && ref < LOOSE_REF; /* a loose row's ref may happen to be its key */
    record->flags |= is_own ? RECORD_OWN : RECORD_OTHER;
    record->other = is_own ? 0 : ref;
    record->is_changed = true;
    return TARGET_OK;
}

static enum target_status clustered_remove(struct target_worker *worker, const struct target_index *index,
                                           uint64_t number, uint64_t ref)
{
    struct record *record;
    enum target_status status =
        records_take(&worker->records, worker->session, index->space, number, STORE_CHANGE, &record);
    if (status != TARGET_OK)
        return status;
    unsigned flag = record->flags & (RECORD_OWN | RECORD_OTHER);
    if (flag == 0 || ref != (flag == RECORD_OWN ? number : record->other))
        return TARGET_NOT_FOUND;
    record->flags &= RECORD_ROW;
    record->is_changed = true;
    return TARGET_OK;
}

static enum target_status rows_index_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                            uint64_t ref)
{
    struct target_worker *worker = worker_of(txn);
    struct key_bytes room;
    unsigned char value[REF_BYTES];
    struct store_bytes there;
    enum target_status status = may_write(worker, index->table, 0);
    if (status != TARGET_OK)
        return status;
    if (index->is_clustered)
        return clustered_insert(worker, index, number_of(key), ref);
    const struct store_bytes entry = entry_key(index, key, ref, &room);
    status = store_get(worker->session, index->space, entry, STORE_ADD, &there);
    if (status != TARGET_NOT_FOUND)
        return status == TARGET_OK ? TARGET_EXISTS : status;
    record_key(ref, value);
    return store_put(worker->session, index->space, entry,
                     (struct store_bytes){value, index->non_unique ? 1 : sizeof value}, true);
}

static enum target_status rows_index_remove(struct target_txn *txn, struct target_index *index, const void *key,
                                            uint64_t ref)
{
    struct target_worker *worker = worker_of(txn);
    struct key_bytes room;
    struct store_bytes there;
    enum target_status status = may_write(worker, index->table, 0);
    if (status != TARGET_OK)
        return status;
    if (index->is_clustered)
        return clustered_remove(worker, index, number_of(key), ref);
    const struct store_bytes entry = entry_key(index, key, ref, &room);
    status = store_get(worker->session, index->space, entry, STORE_CHANGE, &there);
    if (status != TARGET_OK)
        return status;
    if (!index->non_unique && read_number(there.data) != ref)
        return TARGET_NOT_FOUND;
    return store_delete(worker->session, index->space, entry);
}

/* ---- Rows by key. ---- */

static enum target_status rows_read(struct target_txn *txn, struct target_index *index, const void *key,
                                    const void **data, size_t *bytes)
{
    struct record_view view;
    uint64_t ref;
    enum target_status status = look_up(worker_of(txn), index, key, &ref, &view);
    return status == TARGET_OK ? give_out(worker_of(txn), &view, data, bytes) : status;
}

static enum target_status rows_update(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                      const void **old, void **data)
{
    struct target_worker *worker = worker_of(txn);
    struct record *record;
    uint64_t ref;
    enum target_status status = may_write(worker, index->table, bytes);
    if (status != TARGET_OK)
        return status;
    if (!index->is_clustered) {
        status = entry_find(worker, index, key, STORE_READ, &ref);
        return status == TARGET_OK ? rows_row_update(txn, index->table, ref, bytes, old, data) : status;
    }
    status = records_take(&worker->records, worker->session, index->space, number_of(key), STORE_CHANGE, &record);
    if (status != TARGET_OK)
        return status;
    if (record->flags & RECORD_OTHER)
        return rows_row_update(txn, index->table, record->other, bytes, old, data);
    return record->flags == (RECORD_OWN | RECORD_ROW) ? change_row(worker, record, bytes, old, data) : TARGET_NOT_FOUND;
}

static enum target_status rows_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                         size_t bytes, void **data)
{
    return rows_update(txn, index, key, bytes, NULL, data);
}

static enum target_status insert_loose(struct target_txn *txn, struct target_index *index, const void *key,
                                       size_t bytes, uint64_t *ref, void **data)
{
    uint64_t there;
    enum target_status status = find_ref(worker_of(txn), index, key, STORE_ADD, &there);
    if (status != TARGET_NOT_FOUND)
        return status == TARGET_OK ? TARGET_EXISTS : status;
    status = rows_row_insert(txn, index->table, bytes, ref, data);
    return status == TARGET_OK ? rows_index_insert(txn, index, key, *ref) : status;
}

static enum target_status rows_insert(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                      uint64_t *result, void **data)
{
    struct target_worker *worker = worker_of(txn);
    struct record *record = NULL;
    uint64_t ref = index->is_clustered ? number_of(key) : 0;
    enum target_status status = may_write(worker, index->table, bytes);
    if (status == TARGET_OK && index->non_unique)
        return TARGET_INVALID; /* the key would not say which row */
    if (status == TARGET_OK && index->is_clustered)
        status = records_take(&worker->records, worker->session, index->space, ref, STORE_ADD, &record);
    if (status != TARGET_OK)
        return status;
    if (record == NULL || ref >= LOOSE_REF || record->flags & RECORD_ROW) {
        status = insert_loose(txn, index, key, bytes, &ref, data);
    } else if (record->flags != 0) {
        status = TARGET_EXISTS;
    } else {
        status = put_row(worker, record, bytes, data);
        if (status == TARGET_OK)
            record->flags |= RECORD_OWN;
    }
    if (status == TARGET_OK && result != NULL)
        *result = ref;
    return status;
}

static enum target_status rows_erase(struct target_txn *txn, struct target_index *index, const void *key)
{
    uint64_t ref;
    enum target_status status = may_write(worker_of(txn), index->table, 0);
    if (status == TARGET_OK && index->non_unique)
        return TARGET_INVALID;
    if (status == TARGET_OK)
        status = find_ref(worker_of(txn), index, key, STORE_CHANGE, &ref);
    if (status == TARGET_OK)
        status = rows_index_remove(txn, index, key, ref);
    return status == TARGET_OK ? rows_row_erase(txn, index->table, ref) : status;
}

/* ---- Scans. ---- */

/* What an entry of an index leads to; false: none, a row without an entry lies here. */
static bool entry_read(const struct target_index *index, struct store_bytes key, struct store_bytes value,
                       uint64_t *ref)
{
    struct record_view view = {0};
    if (index->non_unique)
        *ref = read_number((const char *)key.data + index->key_bytes);
    else if (!index->is_clustered)
        *ref = read_number(value.data);
    else if (record_decode(value, &view))
        *ref = view.flags & RECORD_OWN ? read_number(key.data) : view.other;
    return !index->is_clustered || view.flags & (RECORD_OWN | RECORD_OTHER);
}

static enum target_status scan_entries(struct store_cursor *cursor, const struct target_index *index, uint64_t limit,
                                       target_entry_fn visit, void *arg)
{
    struct store_bytes key, value;
    enum target_status status;
    uint64_t visited = 0, ref = 0, number;
    char copy[TARGET_KEY_MAX_BYTES];
    bool goes_on = true;
    while (goes_on && (limit == 0 || visited < limit) &&
           (status = store_cursor_next(cursor, &key, &value)) != TARGET_NOT_FOUND) {
        if (status != TARGET_OK)
            return status;
        if (!entry_read(index, key, value, &ref))
            continue;
        memcpy(copy, key.data, index->key_bytes); /* the visitor may call the store */
        if (index->key_bytes == REF_BYTES) {
            number = read_number(copy);
            memcpy(copy, &number, sizeof number);
        }
        visited++;
        goes_on = visit(arg, copy, ref);
    }
    return TARGET_OK;
}

static enum target_status rows_scan(struct target_txn *txn, struct target_index *index, const void *lo, const void *hi,
                                    unsigned flags, uint64_t limit, target_entry_fn visit, void *arg)
{
    struct target_worker *worker = worker_of(txn);
    struct key_bytes lo_room, hi_room;
    struct store_cursor *cursor;
    enum target_status status = TARGET_OK;
    if (!index->is_ordered)
        return TARGET_INVALID;
    if (index->is_clustered)
        status = records_write(&worker->records, worker->session, index->space);
    if (status == TARGET_OK)
        status = store_cursor_open(worker->session, index->space,
                                   lo == NULL ? (struct store_bytes){0} : entry_key(index, lo, 0, &lo_room),
                                   hi == NULL ? (struct store_bytes){0} : entry_key(index, hi, UINT64_MAX, &hi_room),
                                   flags & TARGET_SCAN_BACKWARD, limit, &cursor);
    if (status != TARGET_OK)
        return status;
    status = scan_entries(cursor, index, limit, visit, arg);
    store_cursor_close(cursor);
    return status;
}

/* The rows in a keyspace. *goes_on: the visitor wants more. */
static enum target_status scan_rows(struct target_worker *worker, unsigned space, target_row_fn visit, void *arg,
                                    bool *goes_on)
{
    _Alignas(16) static _Thread_local char payload[TARGET_PAYLOAD_MAX_BYTES];
    struct store_cursor *cursor;
    struct store_bytes key, value;
    struct record_view view;
    enum target_status status =
        store_cursor_open(worker->session, space, (struct store_bytes){0}, (struct store_bytes){0}, false, 0, &cursor);
    if (status != TARGET_OK)
        return status;
    while (*goes_on && (status = store_cursor_next(cursor, &key, &value)) == TARGET_OK) {
        if (!record_decode(value, &view) || !(view.flags & RECORD_ROW) || view.bytes > sizeof payload)
            continue;
        memcpy(payload, view.payload, view.bytes);
        *goes_on = visit(arg, read_number(key.data), payload, view.bytes);
    }
    store_cursor_close(cursor);
    return status == TARGET_NOT_FOUND ? TARGET_OK : status;
}

static enum target_status rows_table_scan(struct target_txn *txn, struct target_table *table, target_row_fn visit,
                                          void *arg)
{
    struct target_worker *worker = worker_of(txn);
    bool goes_on = true;
    if (!worker->is_snapshot)
        return TARGET_INVALID;
    enum target_status status =
        table->clustered != NO_SPACE ? scan_rows(worker, table->clustered, visit, arg, &goes_on) : TARGET_OK;
    return status == TARGET_OK && goes_on ? scan_rows(worker, table->loose, visit, arg, &goes_on) : status;
}

static void rows_outside(const struct target *target, struct target_outside *outside)
{
    *outside = (struct target_outside){0};
    store_outside(target->store, outside);
}

static const struct target_ops rows_ops = {
    TARGET_CORE(TARGET_CALL, rows), .prefetch = rows_prefetch, .scan = rows_scan,
    .table_scan = rows_table_scan,  .outside = rows_outside,
};

const struct external_plugin maemio_target = {.abi = EXTERNAL_ABI,
                                              .ops_bytes = sizeof(struct target_ops),
                                              .options_bytes = &store_options_bytes,
                                              .ops = &rows_ops};
