/*
 * oracle_target.c - see oracle_target.h.
 *
 * A table is an array of pointers, one to each row's present version. An index is a list of blocks of sorted entries,
 * and an entry is a key and a ref. A full block is split, and an empty one dropped. The undo log has every change with
 * the state before it; abort walks the log backwards.
 */
#include "tests/support/oracle_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ENTRIES = 256, JUNK = 0xa5 };

struct row {
    void *data; /* NULL: no such row */
    size_t bytes;
    uint64_t txn; /* the transaction that wrote data last */
};

struct target_table {
    struct target *target;
    struct target_table *next;
    char *name;
    size_t payload_max_bytes;
    struct row *rows;
    uint64_t row_count, rows_room;
    uint64_t *free_rows;
    uint64_t free_count, free_room;
};

struct block {
    unsigned count;
    char entries[]; /* BLOCK_ENTRIES of key_bytes and a ref */
};

struct target_index {
    struct target_index *next;
    struct target_table *table;
    char *name;
    enum target_index_kind kind;
    size_t key_bytes, entry_bytes;
    bool non_unique;
    struct block **blocks; /* none of them empty */
    size_t block_count, blocks_room;
};

enum undo_kind { UNDO_VERSION, UNDO_ROW_ERASE, UNDO_ROW_INSERT, UNDO_ENTRY_INSERT, UNDO_ENTRY_REMOVE };

struct undo {
    enum undo_kind kind;
    struct target_table *table;
    struct target_index *index;
    uint64_t ref;
    struct row before; /* UNDO_VERSION, UNDO_ROW_ERASE */
    char key[TARGET_KEY_MAX_BYTES];
};

struct target_txn {
    enum target_mode mode;
    uint64_t id;
    enum target_status doom; /* of an earlier call that failed with an abort */
};

struct target_worker {
    struct target *target;
    bool running;
    struct target_txn txn;
};

struct target {
    struct target_table *tables;
    struct target_index *indexes;
    bool joined;
    struct target_worker worker;
    uint64_t txns, calls, fail_at;
    enum target_status fail_status;
    struct undo *undo;
    size_t undo_count, undo_room;
};

static void *must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "oracle_target: out of memory\n");
        abort();
    }
    return memory;
}

static void *grow(void *array, size_t element_bytes, size_t count, uint64_t *room)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 64;
    return must(realloc(array, element_bytes * *room));
}

void oracle_fail_at(struct target *target, uint64_t n, enum target_status status)
{
    target->fail_at = n ? target->calls + n : 0;
    target->fail_status = status;
}

uint64_t oracle_calls(const struct target *target)
{
    return target->calls;
}

/* ---- Sorted entries. ---- */

static char *entry_at(const struct target_index *index, size_t block, unsigned i)
{
    return index->blocks[block]->entries + i * index->entry_bytes;
}

static uint64_t entry_ref(const struct target_index *index, const char *entry)
{
    uint64_t ref;
    memcpy(&ref, entry + index->key_bytes, sizeof(ref));
    return ref;
}

static int compare_keys(const struct target_index *index, const void *a, const void *b)
{
    if (index->key_bytes != sizeof(uint64_t))
        return memcmp(a, b, index->key_bytes);
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static int compare(const struct target_index *index, const char *entry, const void *key, uint64_t ref)
{
    int order = compare_keys(index, entry, key);
    if (order)
        return order;
    uint64_t other = entry_ref(index, entry);
    return (other > ref) - (other < ref);
}

/* A place between entries: in front of the i-th of a block; at the end of the last block, or block 0 of none. */
struct place {
    size_t block;
    unsigned i;
};

/* The first entry that is not below (key, ref). */
static struct place lower_bound(const struct target_index *index, const void *key, uint64_t ref)
{
    size_t lo = 0, hi = index->block_count;
    while (lo < hi) { /* the first block whose last entry is not below */
        size_t mid = (lo + hi) / 2;
        if (compare(index, entry_at(index, mid, index->blocks[mid]->count - 1), key, ref) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == index->block_count)
        return lo ? (struct place){lo - 1, index->blocks[lo - 1]->count} : (struct place){0, 0};
    unsigned first = 0, last = index->blocks[lo]->count;
    while (first < last) {
        unsigned mid = (first + last) / 2;
        if (compare(index, entry_at(index, lo, mid), key, ref) < 0)
            first = mid + 1;
        else
            last = mid;
    }
    return (struct place){lo, first};
}

static const char *entry_of(const struct target_index *index, struct place place)
{
    if (place.block >= index->block_count || place.i >= index->blocks[place.block]->count)
        return NULL;
    return entry_at(index, place.block, place.i);
}

static void insert_block(struct target_index *index, size_t at)
{
    uint64_t room = index->blocks_room;
    index->blocks = grow(index->blocks, sizeof(index->blocks[0]), index->block_count, &room);
    index->blocks_room = room;
    memmove(index->blocks + at + 1, index->blocks + at, (index->block_count - at) * sizeof(index->blocks[0]));
    index->blocks[at] = must(malloc(sizeof(struct block) + BLOCK_ENTRIES * index->entry_bytes));
    index->blocks[at]->count = 0;
    index->block_count++;
}

static void entry_insert(struct target_index *index, const void *key, uint64_t ref)
{
    struct place place = lower_bound(index, key, ref);
    if (!index->block_count)
        insert_block(index, 0);
    struct block *block = index->blocks[place.block];
    if (block->count == BLOCK_ENTRIES) {
        /* A block that is appended to stays full: loads come in key order. */
        unsigned keep = place.i == BLOCK_ENTRIES ? BLOCK_ENTRIES : BLOCK_ENTRIES / 2;
        insert_block(index, place.block + 1);
        struct block *right = index->blocks[place.block + 1];
        right->count = BLOCK_ENTRIES - keep;
        memcpy(right->entries, block->entries + keep * index->entry_bytes, right->count * index->entry_bytes);
        block->count = keep;
        if (place.i > keep || keep == BLOCK_ENTRIES) {
            place.block++;
            place.i -= keep;
            block = right;
        }
    }
    char *entry = entry_at(index, place.block, place.i);
    memmove(entry + index->entry_bytes, entry, (block->count - place.i) * index->entry_bytes);
    memcpy(entry, key, index->key_bytes);
    memcpy(entry + index->key_bytes, &ref, sizeof(ref));
    block->count++;
}

static bool entry_remove(struct target_index *index, const void *key, uint64_t ref)
{
    struct place place = lower_bound(index, key, ref);
    const char *found = entry_of(index, place);
    if (!found || compare(index, found, key, ref) != 0)
        return false;
    struct block *block = index->blocks[place.block];
    char *entry = entry_at(index, place.block, place.i);
    memmove(entry, entry + index->entry_bytes, (block->count - place.i - 1) * index->entry_bytes);
    if (!--block->count) {
        free(block);
        index->block_count--;
        memmove(index->blocks + place.block, index->blocks + place.block + 1,
                (index->block_count - place.block) * sizeof(index->blocks[0]));
    }
    return true;
}

/* The entry of `key` with the smallest ref, or NULL. */
static const char *entry_find(const struct target_index *index, const void *key)
{
    const char *entry = entry_of(index, lower_bound(index, key, 0));
    return entry && compare_keys(index, entry, key) == 0 ? entry : NULL;
}

/* ---- Life. ---- */

static enum target_status oracle_open(const struct target_ops *ops, const void *values, struct target **target,
                                      char *error, size_t error_bytes)
{
    (void)ops;
    (void)values, (void)error, (void)error_bytes; /* it has no options */
    *target = must(calloc(1, sizeof(**target)));
    return TARGET_OK;
}

static enum target_status oracle_close(struct target *target)
{
    for (struct target_index *index = target->indexes, *next; index; index = next) {
        next = index->next;
        for (size_t i = 0; i < index->block_count; i++)
            free(index->blocks[i]);
        free(index->blocks);
        free(index->name);
        free(index);
    }
    for (struct target_table *table = target->tables, *next; table; table = next) {
        next = table->next;
        for (uint64_t i = 0; i < table->row_count; i++)
            free(table->rows[i].data);
        free(table->rows);
        free(table->free_rows);
        free(table->name);
        free(table);
    }
    free(target->undo);
    free(target);
    return TARGET_OK;
}

static enum target_status oracle_table_create(struct target *target, const char *name,
                                              const struct target_table_config *config, struct target_table **table)
{
    if (!*name || config->payload_max_bytes < 1 || config->payload_max_bytes > TARGET_PAYLOAD_MAX_BYTES)
        return TARGET_INVALID;
    for (struct target_table *other = target->tables; other; other = other->next) {
        if (!strcmp(other->name, name))
            return TARGET_EXISTS;
    }
    *table = must(calloc(1, sizeof(**table)));
    (*table)->target = target;
    (*table)->name = must(strdup(name));
    (*table)->payload_max_bytes = config->payload_max_bytes;
    (*table)->next = target->tables;
    target->tables = *table;
    return TARGET_OK;
}

static enum target_status oracle_index_create(struct target *target, struct target_table *table, const char *name,
                                              const struct target_index_config *config, struct target_index **index)
{
    if (config->variable)
        return TARGET_UNSUPPORTED;
    if (!*name || config->key_bytes < TARGET_KEY_MIN_BYTES || config->key_bytes > TARGET_KEY_MAX_BYTES ||
        (config->kind == TARGET_INDEX_HASH && config->non_unique))
        return TARGET_INVALID;
    for (struct target_index *other = target->indexes; other; other = other->next) {
        if (!strcmp(other->name, name))
            return TARGET_EXISTS;
    }
    *index = must(calloc(1, sizeof(**index)));
    (*index)->table = table;
    (*index)->name = must(strdup(name));
    (*index)->kind = config->kind;
    (*index)->key_bytes = config->key_bytes;
    (*index)->entry_bytes = config->key_bytes + sizeof(uint64_t);
    (*index)->non_unique = config->non_unique;
    (*index)->next = target->indexes;
    target->indexes = *index;
    return TARGET_OK;
}

static enum target_status oracle_worker_join(struct target *target, struct target_worker **worker)
{
    if (target->joined)
        return TARGET_FULL;
    target->joined = true;
    target->worker = (struct target_worker){.target = target};
    *worker = &target->worker;
    return TARGET_OK;
}

/* ---- Transactions. ---- */

/* There is one worker, so a transaction lies in it and it in the target. */
static struct target *target_of(struct target_txn *txn)
{
    return ((struct target_worker *)(void *)((char *)txn - offsetof(struct target_worker, txn)))->target;
}

static struct undo *note(struct target *target, enum undo_kind kind)
{
    uint64_t room = target->undo_room;
    target->undo = grow(target->undo, sizeof(target->undo[0]), target->undo_count, &room);
    target->undo_room = room;
    struct undo *undo = &target->undo[target->undo_count++];
    undo->kind = kind;
    return undo;
}

static void free_row(struct target_table *table, uint64_t ref)
{
    table->free_rows = grow(table->free_rows, sizeof(table->free_rows[0]), table->free_count, &table->free_room);
    table->free_rows[table->free_count++] = ref;
}

static enum target_status oracle_begin(struct target_worker *worker, enum target_mode mode, struct target_txn **txn)
{
    if (worker->running)
        return TARGET_BUSY;
    worker->running = true;
    worker->txn = (struct target_txn){.mode = mode, .id = ++worker->target->txns, .doom = TARGET_OK};
    worker->target->undo_count = 0;
    *txn = &worker->txn;
    return TARGET_OK;
}

static void oracle_abort(struct target_txn *txn)
{
    struct target *target = target_of(txn);
    while (target->undo_count) {
        struct undo *undo = &target->undo[--target->undo_count];
        struct row *row = undo->table ? &undo->table->rows[undo->ref] : NULL;
        switch (undo->kind) {
        case UNDO_VERSION:
        case UNDO_ROW_ERASE:
            free(row->data);
            *row = undo->before;
            break;
        case UNDO_ROW_INSERT:
            free(row->data);
            *row = (struct row){0};
            free_row(undo->table, undo->ref);
            break;
        case UNDO_ENTRY_INSERT:
            entry_remove(undo->index, undo->key, undo->ref);
            break;
        case UNDO_ENTRY_REMOVE:
            entry_insert(undo->index, undo->key, undo->ref);
            break;
        }
    }
    target->worker.running = false;
}

/* Every call inside a transaction begins here. */
static enum target_status enter(struct target_txn *txn, bool writes)
{
    struct target *target = target_of(txn);
    target->calls++;
    if (txn->doom != TARGET_OK)
        return txn->doom;
    if (target->calls == target->fail_at) {
        if (target_status_is_abort(target->fail_status))
            txn->doom = target->fail_status;
        return target->fail_status;
    }
    return writes && txn->mode == TARGET_SNAPSHOT ? TARGET_READ_ONLY : TARGET_OK;
}

static enum target_status oracle_commit(struct target_txn *txn)
{
    struct target *target = target_of(txn);
    enum target_status status = enter(txn, false);
    if (status != TARGET_OK) {
        oracle_abort(txn);
        return status;
    }
    for (size_t i = 0; i < target->undo_count; i++) {
        struct undo *undo = &target->undo[i];
        if (undo->kind == UNDO_VERSION || undo->kind == UNDO_ROW_ERASE)
            free(undo->before.data);
        if (undo->kind == UNDO_ROW_ERASE)
            free_row(undo->table, undo->ref);
    }
    target->undo_count = 0;
    target->worker.running = false;
    return TARGET_OK;
}

static void oracle_worker_leave(struct target_worker *worker)
{
    if (worker->running)
        oracle_abort(&worker->txn);
    worker->target->joined = false;
}

/* ---- Rows by ref. ---- */

static enum target_status read_row(struct target_table *table, uint64_t ref, const void **data, size_t *bytes)
{
    if (ref >= table->row_count)
        return TARGET_INVALID;
    const struct row *row = &table->rows[ref];
    if (!row->data)
        return TARGET_NOT_FOUND;
    *data = row->data;
    if (bytes)
        *bytes = row->bytes;
    return TARGET_OK;
}

/* Replaces the row's version by a fresh one of `bytes` bytes, or by none if 0. The old one stays until the end. */
static void *replace(struct target_table *table, struct target_txn *txn, uint64_t ref, size_t bytes)
{
    struct row *row = &table->rows[ref];
    struct undo *undo = note(table->target, bytes ? UNDO_VERSION : UNDO_ROW_ERASE);
    undo->table = table;
    undo->ref = ref;
    undo->before = *row;
    row->data = NULL;
    row->bytes = bytes;
    row->txn = txn->id;
    if (bytes) {
        row->data = must(malloc(bytes));
        memset(row->data, JUNK, bytes);
    }
    return row->data;
}

static enum target_status update_row(struct target_txn *txn, struct target_table *table, uint64_t ref, size_t bytes,
                                     const void **old, void **data)
{
    const void *before;
    size_t old_bytes;
    enum target_status status = read_row(table, ref, &before, &old_bytes);
    if (status != TARGET_OK)
        return status;
    if (!bytes)
        bytes = old_bytes;
    if (bytes > table->payload_max_bytes)
        return TARGET_TOO_LARGE;
    struct row *row = &table->rows[ref];
    if (row->txn == txn->id && row->bytes == bytes) { /* a second update returns the same version */
        *data = row->data;
    } else {
        bool first = row->txn != txn->id;
        *data = replace(table, txn, ref, bytes);
        memcpy(*data, before, old_bytes < bytes ? old_bytes : bytes);
        if (bytes > old_bytes)
            memset((char *)*data + old_bytes, 0, bytes - old_bytes);
        if (!first)
            before = *data;
    }
    if (old)
        *old = before;
    return TARGET_OK;
}

static enum target_status overwrite_row(struct target_txn *txn, struct target_table *table, uint64_t ref, size_t bytes,
                                        void **data)
{
    const void *before;
    enum target_status status = read_row(table, ref, &before, NULL);
    if (status != TARGET_OK)
        return status;
    if (bytes > table->payload_max_bytes)
        return TARGET_TOO_LARGE;
    if (!bytes)
        return TARGET_INVALID;
    *data = replace(table, txn, ref, bytes);
    return TARGET_OK;
}

static enum target_status insert_row(struct target_txn *txn, struct target_table *table, size_t bytes, uint64_t *ref,
                                     void **data)
{
    if (bytes > table->payload_max_bytes)
        return TARGET_TOO_LARGE;
    if (!bytes)
        return TARGET_INVALID;
    uint64_t fresh;
    if (table->free_count) {
        fresh = table->free_rows[--table->free_count];
    } else {
        table->rows = grow(table->rows, sizeof(table->rows[0]), table->row_count, &table->rows_room);
        fresh = table->row_count++;
    }
    struct undo *undo = note(table->target, UNDO_ROW_INSERT);
    undo->table = table;
    undo->ref = fresh;
    table->rows[fresh] = (struct row){.data = must(malloc(bytes)), .bytes = bytes, .txn = txn->id};
    memset(table->rows[fresh].data, JUNK, bytes);
    if (ref)
        *ref = fresh;
    *data = table->rows[fresh].data;
    return TARGET_OK;
}

static enum target_status erase_row(struct target_txn *txn, struct target_table *table, uint64_t ref)
{
    const void *before;
    enum target_status status = read_row(table, ref, &before, NULL);
    if (status == TARGET_OK)
        replace(table, txn, ref, 0);
    return status;
}

/* ---- Index entries. ---- */

static enum target_status insert_entry(struct target_txn *txn, struct target_index *index, const void *key,
                                       uint64_t ref)
{
    if (!index->non_unique && entry_find(index, key))
        return TARGET_EXISTS;
    if (index->non_unique) {
        const char *entry = entry_of(index, lower_bound(index, key, ref));
        if (entry && compare(index, entry, key, ref) == 0)
            return TARGET_EXISTS;
    }
    entry_insert(index, key, ref);
    struct undo *undo = note(target_of(txn), UNDO_ENTRY_INSERT);
    undo->table = NULL;
    undo->index = index;
    undo->ref = ref;
    memcpy(undo->key, key, index->key_bytes);
    return TARGET_OK;
}

static enum target_status remove_entry(struct target_txn *txn, struct target_index *index, const void *key,
                                       uint64_t ref)
{
    char copy[TARGET_KEY_MAX_BYTES]; /* `key` may point into the index */
    memcpy(copy, key, index->key_bytes);
    if (!entry_remove(index, copy, ref))
        return TARGET_NOT_FOUND;
    struct undo *undo = note(target_of(txn), UNDO_ENTRY_REMOVE);
    undo->table = NULL;
    undo->index = index;
    undo->ref = ref;
    memcpy(undo->key, copy, index->key_bytes);
    return TARGET_OK;
}

static enum target_status find_ref(struct target_index *index, const void *key, uint64_t *ref)
{
    const char *entry = entry_find(index, key);
    if (!entry)
        return TARGET_NOT_FOUND;
    *ref = entry_ref(index, entry);
    return TARGET_OK;
}

/* ---- The calls: enter, then the above. ---- */

static enum target_status oracle_read(struct target_txn *txn, struct target_index *index, const void *key,
                                      const void **data, size_t *bytes)
{
    uint64_t ref;
    enum target_status status = enter(txn, false);
    if (status == TARGET_OK)
        status = find_ref(index, key, &ref);
    return status == TARGET_OK ? read_row(index->table, ref, data, bytes) : status;
}

static enum target_status oracle_update(struct target_txn *txn, struct target_index *index, const void *key,
                                        size_t bytes, const void **old, void **data)
{
    uint64_t ref;
    enum target_status status = enter(txn, true);
    if (status == TARGET_OK)
        status = find_ref(index, key, &ref);
    return status == TARGET_OK ? update_row(txn, index->table, ref, bytes, old, data) : status;
}

static enum target_status oracle_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                           size_t bytes, void **data)
{
    uint64_t ref;
    enum target_status status = enter(txn, true);
    if (status == TARGET_OK)
        status = find_ref(index, key, &ref);
    return status == TARGET_OK ? overwrite_row(txn, index->table, ref, bytes, data) : status;
}

static enum target_status oracle_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                        size_t bytes, uint64_t *ref, void **data)
{
    uint64_t fresh;
    enum target_status status = enter(txn, true);
    if (status != TARGET_OK)
        return status;
    if (!index->non_unique && entry_find(index, key))
        return TARGET_EXISTS;
    status = insert_row(txn, index->table, bytes, &fresh, data);
    if (status != TARGET_OK)
        return status;
    if (ref)
        *ref = fresh;
    return insert_entry(txn, index, key, fresh);
}

static enum target_status oracle_erase(struct target_txn *txn, struct target_index *index, const void *key)
{
    uint64_t ref;
    enum target_status status = enter(txn, true);
    if (status == TARGET_OK)
        status = find_ref(index, key, &ref);
    if (status == TARGET_OK)
        status = erase_row(txn, index->table, ref);
    return status == TARGET_OK ? remove_entry(txn, index, key, ref) : status;
}

static void oracle_prefetch(struct target_txn *txn, struct target_index *index, const void *keys, size_t count)
{
    (void)txn;
    /* Only a hint, but the keys must be there to be read. */
    for (size_t i = 0; i < count && i < TARGET_PREFETCH_MAX; i++)
        (void)entry_find(index, (const char *)keys + i * index->key_bytes);
}

static enum target_status oracle_row_read(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                          const void **data, size_t *bytes)
{
    enum target_status status = enter(txn, false);
    return status == TARGET_OK ? read_row(table, ref, data, bytes) : status;
}

static enum target_status oracle_row_update(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                            size_t bytes, const void **old, void **data)
{
    enum target_status status = enter(txn, true);
    return status == TARGET_OK ? update_row(txn, table, ref, bytes, old, data) : status;
}

static enum target_status oracle_row_insert(struct target_txn *txn, struct target_table *table, size_t bytes,
                                            uint64_t *ref, void **data)
{
    enum target_status status = enter(txn, true);
    return status == TARGET_OK ? insert_row(txn, table, bytes, ref, data) : status;
}

static enum target_status oracle_row_erase(struct target_txn *txn, struct target_table *table, uint64_t ref)
{
    enum target_status status = enter(txn, true);
    return status == TARGET_OK ? erase_row(txn, table, ref) : status;
}

static enum target_status oracle_find(struct target_txn *txn, struct target_index *index, const void *key,
                                      uint64_t *ref)
{
    enum target_status status = enter(txn, false);
    return status == TARGET_OK ? find_ref(index, key, ref) : status;
}

static enum target_status oracle_index_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                              uint64_t ref)
{
    enum target_status status = enter(txn, true);
    return status == TARGET_OK ? insert_entry(txn, index, key, ref) : status;
}

static enum target_status oracle_index_remove(struct target_txn *txn, struct target_index *index, const void *key,
                                              uint64_t ref)
{
    enum target_status status = enter(txn, true);
    return status == TARGET_OK ? remove_entry(txn, index, key, ref) : status;
}

static enum target_status oracle_scan(struct target_txn *txn, struct target_index *index, const void *lo,
                                      const void *hi, unsigned flags, uint64_t limit, target_entry_fn visit, void *arg)
{
    enum target_status status = enter(txn, false);
    if (status != TARGET_OK)
        return status;
    if (index->kind == TARGET_INDEX_HASH)
        return TARGET_UNSUPPORTED;
    if (!index->block_count)
        return TARGET_OK;
    bool backward = flags & TARGET_SCAN_BACKWARD;
    struct place first = lo ? lower_bound(index, lo, 0) : (struct place){0, 0};
    size_t last = index->block_count - 1;
    struct place end = hi ? lower_bound(index, hi, UINT64_MAX) : (struct place){last, index->blocks[last]->count};
    const char *at_end = hi ? entry_of(index, end) : NULL;
    if (at_end && compare(index, at_end, hi, UINT64_MAX) == 0)
        end.i++;
    struct place place = backward ? end : first;
    for (uint64_t visited = 0; !limit || visited < limit; visited++) { /* no visit changes this index */
        if (backward) {
            if (place.block < first.block || (place.block == first.block && place.i <= first.i))
                break;
            if (!place.i)
                place = (struct place){place.block - 1, index->blocks[place.block - 1]->count};
            if (place.block == first.block && place.i <= first.i)
                break;
            place.i--;
        } else if (place.i == index->blocks[place.block]->count && place.block < last) {
            place = (struct place){place.block + 1, 0};
        }
        if (!backward && (place.block > end.block || (place.block == end.block && place.i >= end.i)))
            break;
        const char *entry = entry_at(index, place.block, place.i);
        if (!visit(arg, entry, entry_ref(index, entry)))
            break;
        if (!backward)
            place.i++;
    }
    return TARGET_OK;
}

static enum target_status oracle_table_scan(struct target_txn *txn, struct target_table *table, target_row_fn visit,
                                            void *arg)
{
    enum target_status status = enter(txn, false);
    if (status != TARGET_OK)
        return status;
    if (txn->mode != TARGET_SNAPSHOT)
        return TARGET_INVALID;
    for (uint64_t ref = 0; ref < table->row_count; ref++) {
        if (table->rows[ref].data && !visit(arg, ref, table->rows[ref].data, table->rows[ref].bytes))
            break;
    }
    return TARGET_OK;
}

/* ---- Statistics. ---- */

static void oracle_table_space(const struct target_table *table, struct target_space *space)
{
    *space = (struct target_space){0};
    for (uint64_t ref = 0; ref < table->row_count; ref++) {
        if (!table->rows[ref].data)
            continue;
        space->rows++;
        space->versions++;
        space->payload_bytes += table->rows[ref].bytes;
        space->row_bytes += sizeof(struct row);
        space->version_bytes += table->rows[ref].bytes;
    }
}

/* Every entry leads to a row, and entries are in order. */
static enum target_status oracle_verify(struct target *target, char *report, size_t report_bytes)
{
    for (const struct target_index *index = target->indexes; index; index = index->next) {
        const char *before = NULL;
        for (size_t b = 0; b < index->block_count; b++) {
            for (unsigned i = 0; i < index->blocks[b]->count; i++) {
                const char *entry = entry_at(index, b, i);
                uint64_t ref = entry_ref(index, entry);
                if (before && compare(index, before, entry, ref) >= 0) {
                    snprintf(report, report_bytes, "index %s: entries out of order at ref %lu", index->name,
                             (unsigned long)ref);
                    return TARGET_CORRUPT;
                }
                if (ref >= index->table->row_count || !index->table->rows[ref].data) {
                    snprintf(report, report_bytes, "index %s: an entry leads to row %lu, which is not there",
                             index->name, (unsigned long)ref);
                    return TARGET_CORRUPT;
                }
                before = entry;
            }
        }
    }
    return TARGET_OK;
}

const struct target_ops oracle_target_ops = {
    .name = "oracle",
    .label = "oracle",
    .help = "a single-threaded model for tests: sorted arrays and an undo log",
    .promises = {.isolation = TARGET_ISOLATION_SERIALIZABLE,
                 .phantom_safe = true,
                 .durability = TARGET_DURABILITY_OFF,
                 .rows = TARGET_ROWS_IN_PLACE,
                 .order = TARGET_ORDER_NEVER,
                 .workers_max = 1,
                 .note = "one worker; snapshots are the present state"},
    TARGET_CORE(TARGET_CALL, oracle),
    .prefetch = oracle_prefetch,
    .scan = oracle_scan,
    .table_scan = oracle_table_scan,
    .table_space = oracle_table_space,
    .verify = oracle_verify,
};
