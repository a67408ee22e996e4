/*
 * bare.c - the upper bound: the schemes' index and row layout with no concurrency control at all.
 *
 * Not transactional: a transaction reads and writes rows in place, commit does nothing and abort undoes nothing.
 * Several workers race by design, and what they do to one row may be lost. Only the structure is kept whole, by the
 * index and the tables that the schemes have in common (schemes/base), so that several can load.
 *
 * Layout, as native's: a row is {24-byte header, payload, 4-byte head} rounded up to cache lines, at base + row *
 * stride on huge pages, and the index costs the same dependent misses. So a read or update costs here what the memory
 * costs, and what others add to it is the price of concurrency control. Larger payloads than native inlines have the
 * same layout here, where native goes through one more pointer.
 * Not here: ordered indexes, and keys of other than 8 bytes (TARGET_UNSUPPORTED).
 */
#include "harness/targets/scheme_space.h"
#include "harness/targets/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/options.h"
#include "schemes/base/worker.h"

enum { PREFETCH_LINES_MAX = 4 /* of a row */ };

/* The target's tables, indexes, workers and transactions are those of the base, under the target's names; statuses
 * have the same values (scheme.inc). */
#define STATUS(status) ((enum target_status)(status))
#define TABLE(t) ((struct table *)(t))
#define INDEX(i) ((struct table_index *)(i))
#define WORKER(t) ((struct worker *)(t))

#define BARE_OPTIONS(X)                                                    \
    X(enum, huge_pages, "auto", "auto|transparent|off", "", "as native's") \
    X(bytes, memory_limit, "0", "", "bytes", "for rows and index; 0: 90% of what the machine or control group gives")

struct bare_options {
    BARE_OPTIONS(OPTION_FIELD)
};

static const struct option_spec bare_options[] = {BARE_OPTIONS(OPTION_SPEC) OPTION_END};

struct target {
    struct database database;
};
static_assert(offsetof(struct target, database) == 0, "scheme_space.h relies on it");

/* ---- Tables and indexes. ---- */

static enum target_status bare_open(const struct target_ops *ops, const void *values, struct target **result,
                                    char *error, size_t error_bytes)
{
    (void)ops;
    const struct bare_options *options = values;
    struct target *target = mem_alloc(sizeof *target);
    if (!target) {
        snprintf(error, error_bytes, "%s", target_status_text(TARGET_NO_MEMORY));
        return TARGET_NO_MEMORY;
    }
    database_init(&target->database, options->memory_limit, (enum mem_huge_pages)options->huge_pages, BACKOFF_OFF, 1,
                  0);
    *result = target;
    return TARGET_OK;
}

static enum target_status bare_close(struct target *target)
{
    if (!target)
        return TARGET_OK;
    database_fini(&target->database);
    free(target);
    return TARGET_OK;
}

static enum target_status bare_table_create(struct target *target, const char *name,
                                            const struct target_table_config *config, struct target_table **result)
{
    struct table *table = NULL;
    if (config->payload_max_bytes == 0 || config->payload_max_bytes > TARGET_PAYLOAD_MAX_BYTES)
        return TARGET_INVALID;
    enum target_status status =
        STATUS(database_table_create(&target->database, name, config->payload_max_bytes, &table));
    *result = (struct target_table *)table;
    return status;
}

static enum target_status bare_index_create(struct target *target, struct target_table *table, const char *name,
                                            const struct target_index_config *config, struct target_index **result)
{
    const struct index_config same = {.key_bytes = config->key_bytes, .expected_keys = config->expected_rows};
    struct table_index *index = NULL;
    if (config->kind != TARGET_INDEX_HASH || config->key_bytes != sizeof(uint64_t) || config->non_unique ||
        config->variable)
        return TARGET_UNSUPPORTED;
    enum target_status status = STATUS(database_index_create(&target->database, TABLE(table), name, &same, &index));
    *result = (struct target_index *)index;
    return status;
}

/* ---- Workers and transactions. ---- */

static enum target_status bare_worker_join(struct target *target, struct target_worker **result)
{
    struct worker *worker = NULL;
    enum target_status status = STATUS(database_join(&target->database, NULL, sizeof *worker, &worker));
    *result = (struct target_worker *)worker;
    return status;
}

static void bare_worker_leave(struct target_worker *worker)
{
    WORKER(worker)->running = false;
    database_leave(WORKER(worker));
}

static enum target_status bare_begin(struct target_worker *target_worker, enum target_mode mode,
                                     struct target_txn **txn)
{
    struct worker *worker = WORKER(target_worker);
    if (worker->running)
        return TARGET_BUSY;
    worker->running = true;
    worker->snapshot = mode == TARGET_SNAPSHOT;
    *txn = (struct target_txn *)worker;
    return TARGET_OK;
}

static enum target_status bare_commit(struct target_txn *txn)
{
    WORKER(txn)->running = false;
    return TARGET_OK;
}

static void bare_abort(struct target_txn *txn)
{
    WORKER(txn)->running = false;
}

/* ---- Rows. ---- */

static inline enum target_status may_write(const struct target_txn *txn, const struct table *table, size_t bytes)
{
    if (UNLIKELY(((const struct worker *)txn)->snapshot))
        return TARGET_READ_ONLY;
    return LIKELY(bytes <= table->payload_max_bytes) ? TARGET_OK : TARGET_TOO_LARGE;
}

static inline enum target_status read_in_place(struct row *row, const void **data, size_t *bytes)
{
    uint32_t size = row_size(row);
    if (UNLIKELY(size == 0))
        return TARGET_NOT_FOUND;
    *data = row_payload(row);
    if (bytes)
        *bytes = size - 1;
    return TARGET_OK;
}

static inline enum target_status update_in_place(struct target_txn *txn, const struct table *table, struct row *row,
                                                 size_t bytes, const void **old, void **data)
{
    enum target_status status = may_write(txn, table, bytes);
    uint32_t size = row_size(row);
    if (UNLIKELY(status != TARGET_OK))
        return status;
    if (UNLIKELY(size == 0))
        return TARGET_NOT_FOUND;
    *data = row_payload(row);
    if (old)
        *old = *data;
    if (UNLIKELY(bytes >= size))
        memset((char *)*data + size - 1, 0, bytes + 1 - size);
    if (UNLIKELY(bytes != 0 && bytes + 1 != size))
        row_set_size(row, (uint32_t)bytes + 1);
    return TARGET_OK;
}

static void row_give_back(struct target_txn *txn, struct table *table, struct row *row)
{
    row_set_size(row, 0);
    store_give_back(table, &WORKER(txn)->supplies[table->number], row);
}

/* The row, or NULL if there is none. */
static struct row *row_of(const struct table *table, uint64_t ref)
{
    struct row *row = ref < table_limit(table) ? table_row(table, ref) : NULL;
    return row != NULL && row_size(row) != 0 ? row : NULL;
}

static enum target_status bare_row_read(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                        const void **data, size_t *bytes)
{
    (void)txn;
    struct row *row = row_of(TABLE(table), ref);
    return row ? read_in_place(row, data, bytes) : TARGET_NOT_FOUND;
}

static enum target_status bare_row_update(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                          size_t bytes, const void **old, void **data)
{
    struct row *row = row_of(TABLE(table), ref);
    return row ? update_in_place(txn, TABLE(table), row, bytes, old, data) : TARGET_NOT_FOUND;
}

static enum target_status bare_row_insert(struct target_txn *txn, struct target_table *target_table, size_t bytes,
                                          uint64_t *ref, void **data)
{
    struct table *table = TABLE(target_table);
    struct row *row;
    enum target_status status = may_write(txn, table, bytes);
    if (status == TARGET_OK)
        status = STATUS(store_take(table, &WORKER(txn)->supplies[table->number], &row));
    if (status != TARGET_OK)
        return status;
    row_set_size(row, (uint32_t)bytes + 1);
    *ref = table_ref(table, row);
    *data = row_payload(row);
    return TARGET_OK;
}

static enum target_status bare_row_erase(struct target_txn *txn, struct target_table *table, uint64_t ref)
{
    enum target_status status = may_write(txn, TABLE(table), 0);
    struct row *row = row_of(TABLE(table), ref);
    if (status == TARGET_OK && row != NULL)
        row_give_back(txn, TABLE(table), row);
    return status != TARGET_OK ? status : row != NULL ? TARGET_OK : TARGET_NOT_FOUND;
}

static enum target_status bare_table_scan(struct target_txn *txn, struct target_table *target_table,
                                          target_row_fn visit, void *arg)
{
    enum { AHEAD = 16 };
    const struct table *table = TABLE(target_table);
    if (!WORKER(txn)->snapshot)
        return TARGET_INVALID;
    uint64_t limit = table_limit(table);
    for (uint64_t ref = 0; ref < limit; ref++) {
        const char *ahead = (const char *)table_row(table, ref + AHEAD); /* only a hint: may lie past the end */
        for (size_t i = 0; i < PREFETCH_LINES_MAX && i * CACHE_LINE_BYTES < table->stride_bytes; i++)
            __builtin_prefetch(ahead + i * CACHE_LINE_BYTES);
        const void *data;
        size_t bytes;
        if (read_in_place(table_row(table, ref), &data, &bytes) == TARGET_OK && !visit(arg, ref, data, bytes))
            break;
    }
    return TARGET_OK;
}

/* ---- Index entries, and rows by key. ---- */

static inline uint64_t key_of(const void *key)
{
    uint64_t value;
    memcpy(&value, key, sizeof value);
    return value;
}

/* The ref of a key; false if there is none. */
static inline bool find_ref(const struct target_index *index, const void *key, uint64_t *ref)
{
    const struct hash *hash = &((const struct table_index *)index)->index.hash;
    struct node_seen seen;
    return LIKELY(hash_find_word(hash, key_of(key), ref)) || hash_find(hash, key, ref, &seen);
}

static enum target_status bare_find(struct target_txn *txn, struct target_index *index, const void *key, uint64_t *ref)
{
    (void)txn;
    return find_ref(index, key, ref) ? TARGET_OK : TARGET_NOT_FOUND;
}

static enum target_status bare_index_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                            uint64_t ref)
{
    uint64_t there;
    struct node_changes changes;
    enum target_status status = may_write(txn, INDEX(index)->table, 0);
    return status != TARGET_OK ? status : STATUS(hash_insert(&INDEX(index)->index.hash, key, ref, &there, &changes));
}

static enum target_status bare_index_remove(struct target_txn *txn, struct target_index *index, const void *key,
                                            uint64_t ref)
{
    struct node_changes changes;
    enum target_status status = may_write(txn, INDEX(index)->table, 0);
    return status != TARGET_OK ? status : STATUS(hash_remove(&INDEX(index)->index.hash, key, ref, &changes));
}

static enum target_status bare_read(struct target_txn *txn, struct target_index *index, const void *key,
                                    const void **data, size_t *bytes)
{
    uint64_t ref;
    (void)txn;
    return LIKELY(find_ref(index, key, &ref)) ? read_in_place(table_row(INDEX(index)->table, ref), data, bytes)
                                              : TARGET_NOT_FOUND;
}

static enum target_status bare_update(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                      const void **old, void **data)
{
    const struct table *table = INDEX(index)->table;
    uint64_t ref;
    return LIKELY(find_ref(index, key, &ref)) ? update_in_place(txn, table, table_row(table, ref), bytes, old, data)
                                              : TARGET_NOT_FOUND;
}

static enum target_status bare_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                         size_t bytes, void **data)
{
    return bare_update(txn, index, key, bytes, NULL, data);
}

static enum target_status bare_insert(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                      uint64_t *result, void **data)
{
    struct table *table = INDEX(index)->table;
    uint64_t ref;
    enum target_status status = bare_row_insert(txn, (struct target_table *)table, bytes, &ref, data);
    if (status != TARGET_OK)
        return status;
    status = bare_index_insert(txn, index, key, ref);
    if (status != TARGET_OK)
        row_give_back(txn, table, table_row(table, ref));
    else if (result)
        *result = ref;
    return status;
}

static enum target_status bare_erase(struct target_txn *txn, struct target_index *index, const void *key)
{
    struct table *table = INDEX(index)->table;
    uint64_t ref;
    enum target_status status = bare_find(txn, index, key, &ref);
    if (status == TARGET_OK)
        status = bare_index_remove(txn, index, key, ref);
    if (status == TARGET_OK)
        row_give_back(txn, table, table_row(table, ref));
    return status;
}

/* In two stages, as native: all buckets, then all rows, so that the misses of each stage overlap. */
static void bare_prefetch(struct target_txn *txn, struct target_index *target_index, const void *keys, size_t count)
{
    const struct table_index *index = INDEX(target_index);
    const char *at = keys;
    size_t lines = index->table->stride_bytes / CACHE_LINE_BYTES;
    (void)txn;
    if (lines > PREFETCH_LINES_MAX)
        lines = PREFETCH_LINES_MAX;
    for (size_t i = 0; i < count; i++)
        hash_prefetch_word(&index->index.hash, key_of(at + i * sizeof(uint64_t)));
    for (size_t i = 0; i < count; i++) {
        uint64_t ref;
        if (!hash_find_word(&index->index.hash, key_of(at + i * sizeof(uint64_t)), &ref))
            continue;
        const char *line = (const char *)table_row(index->table, ref);
        for (size_t j = 0; j < lines; j++)
            __builtin_prefetch(line + j * CACHE_LINE_BYTES);
    }
}

/* ---- Statistics. ---- */

static enum target_status bare_verify(struct target *target, char *report, size_t report_bytes)
{
    return STATUS(database_verify(&target->database, report, report_bytes));
}

const struct target_ops bare_target_ops = {
    .name = "bare",
    .label = "no concurrency control",
    .help = "the same index and row layout with no concurrency control: an upper bound, not transactional",
    .options = bare_options,
    .promises = {.isolation = TARGET_ISOLATION_NONE,
                 .durability = TARGET_DURABILITY_OFF,
                 .rows = TARGET_ROWS_IN_PLACE,
                 .order = TARGET_ORDER_NEVER,
                 .workers_max = TARGET_WORKERS_MAX,
                 .note = "not transactional: no isolation, no roll-back, concurrent updates may be lost"},
    TARGET_CORE(TARGET_CALL, bare),
    .prefetch = bare_prefetch,
    .table_scan = bare_table_scan,
    .table_space = scheme_table_space,
    .index_space = scheme_index_space,
    .memory = scheme_memory,
    .verify = bare_verify,
};
