/*
 * bare.c - the upper bound: the native engine's index and row layout with no concurrency control at all.
 *
 * Not transactional: a transaction reads and writes rows in place, commit does nothing and abort undoes nothing.
 * Several workers race by design, and what they do to one row may be lost. Only the structure is kept whole, by the
 * hash index of the other schemes (schemes/base/hash.h), so that several can load.
 *
 * Layout, as native's: a row is {24-byte header, payload, 4-byte head} rounded up to cache lines, at base + row *
 * stride on huge pages, and the index costs the same dependent misses. So a read or update costs here what the memory
 * costs, and what native adds to it is the price of concurrency control. Larger payloads than native inlines have the
 * same layout here, where native goes through one more pointer.
 * Not here: ordered indexes, and keys of other than 8 bytes (TARGET_UNSUPPORTED).
 */
#include "harness/targets/targets.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "schemes/base/hash.h"

enum {
    TABLES_MAX = 64,
    INDEXES_MAX = 64,
    NAME_BYTES = 64,
    ROW_HEADER_BYTES = 24,
    ROW_HEAD_BYTES = 4,
    ROW_CHUNK_BYTES = 64 * 1024, /* rows a worker takes at once */
    PREFETCH_LINES_MAX = 4,      /* of a row */
};

/* Address space for a table's rows; costs nothing until used. */
#define TABLE_RESERVED_BYTES ((size_t)1 << 40)
#define TABLE_RESERVED_MIN_BYTES ((size_t)1 << 30)

struct row_header {
    uint32_t payload_bytes;
    uint32_t unused;
    uint64_t next_free_plus_1; /* of a free row */
    uint64_t unused_too;
};
static_assert(sizeof(struct row_header) == ROW_HEADER_BYTES, "as native's version header");

struct target_table {
    char *base;
    size_t stride_bytes, payload_max_bytes;
    uint64_t rows_per_chunk;
    unsigned number;
    struct target *target;
    struct span span;
    char name[NAME_BYTES];
    SEPARATED _Atomic uint64_t next_row; /* rows from here on were never taken */
};

struct target_index {
    struct hash hash;
    struct target_table *table;
    char name[NAME_BYTES];
};

struct target_txn {
    struct target_worker *worker;
    enum target_mode mode;
    bool running;
};

/* Rows of one table that a worker may use. */
struct row_supply {
    uint64_t next, end, free_plus_1;
};

struct target_worker {
    struct target_txn txn;
    struct target *target;
    struct row_supply supplies[TABLES_MAX];
};

#define BARE_OPTIONS(X)                                                    \
    X(enum, huge_pages, "auto", "auto|transparent|off", "", "as native's") \
    X(bytes, memory_limit, "0", "", "bytes", "for rows and index; 0: 90% of what the machine or control group gives")

struct bare_options {
    BARE_OPTIONS(OPTION_FIELD)
};

static const struct option_spec bare_options[] = {BARE_OPTIONS(OPTION_SPEC) OPTION_END};

struct target {
    struct mem_budget budget;
    struct span *spans;
    pthread_mutex_t lock; /* over joining and leaving, and taking rows */
    struct target_table *tables[TABLES_MAX];
    struct target_index *indexes[INDEXES_MAX];
    unsigned table_count, index_count, worker_count;
};

/* ---- Open and close. ---- */

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
    pthread_mutex_init(&target->lock, NULL);
    mem_budget_init(&target->budget, options->memory_limit, (enum mem_huge_pages)options->huge_pages);
    *result = target;
    return TARGET_OK;
}

static void bare_close(struct target *target)
{
    if (!target)
        return;
    for (unsigned i = 0; i < target->index_count; i++) {
        hash_fini(&target->indexes[i]->hash);
        free(target->indexes[i]);
    }
    for (unsigned i = 0; i < target->table_count; i++) {
        span_fini(&target->tables[i]->span);
        free(target->tables[i]);
    }
    pthread_mutex_destroy(&target->lock);
    free(target);
}

/* ---- Tables and indexes. ---- */

static void span_enlist(struct target *target, struct span *span)
{
    span->next = target->spans;
    target->spans = span;
}

static bool is_name(const char *name)
{
    return *name != '\0' && strlen(name) < NAME_BYTES;
}

static enum target_status bare_table_create(struct target *target, const char *name,
                                            const struct target_table_config *config, struct target_table **result)
{
    if (!is_name(name) || config->payload_max_bytes == 0 || config->payload_max_bytes > TARGET_PAYLOAD_MAX_BYTES)
        return TARGET_INVALID;
    if (target->table_count == TABLES_MAX)
        return TARGET_FULL;
    for (unsigned i = 0; i < target->table_count; i++)
        if (strcmp(target->tables[i]->name, name) == 0)
            return TARGET_EXISTS;
    struct target_table *table = mem_alloc(sizeof *table);
    if (!table || span_init(&table->span, &target->budget, TABLE_RESERVED_BYTES, TABLE_RESERVED_MIN_BYTES) != MAE_OK) {
        free(table);
        return TARGET_NO_MEMORY;
    }
    size_t bytes = ROW_HEADER_BYTES + config->payload_max_bytes + ROW_HEAD_BYTES;
    table->stride_bytes = (bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
    table->payload_max_bytes = config->payload_max_bytes;
    table->rows_per_chunk = table->stride_bytes < ROW_CHUNK_BYTES ? ROW_CHUNK_BYTES / table->stride_bytes : 1;
    table->base = table->span.base;
    table->number = target->table_count;
    table->target = target;
    strcpy(table->name, name);
    span_enlist(target, &table->span);
    target->tables[target->table_count++] = table;
    *result = table;
    return TARGET_OK;
}

static enum target_status bare_index_create(struct target *target, struct target_table *table, const char *name,
                                            const struct target_index_config *config, struct target_index **result)
{
    if (!is_name(name))
        return TARGET_INVALID;
    if (config->kind != TARGET_INDEX_HASH || config->key_bytes != sizeof(uint64_t) || config->non_unique)
        return TARGET_UNSUPPORTED;
    if (target->index_count == INDEXES_MAX)
        return TARGET_FULL;
    for (unsigned i = 0; i < target->index_count; i++)
        if (strcmp(target->indexes[i]->name, name) == 0)
            return TARGET_EXISTS;
    struct target_index *index = mem_alloc(sizeof *index);
    if (!index || hash_init(&index->hash, &target->budget, config->key_bytes, config->expected_rows) != MAE_OK) {
        free(index);
        return TARGET_NO_MEMORY;
    }
    index->table = table;
    strcpy(index->name, name);
    span_enlist(target, &index->hash.bucket_span);
    span_enlist(target, &index->hash.overflow_span);
    target->indexes[target->index_count++] = index;
    *result = index;
    return TARGET_OK;
}

/* ---- Workers. ---- */

static enum target_status bare_worker_join(struct target *target, struct target_worker **result)
{
    struct target_worker *worker = mem_alloc(sizeof *worker);
    if (!worker)
        return TARGET_NO_MEMORY;
    worker->target = target;
    worker->txn.worker = worker;
    pthread_mutex_lock(&target->lock);
    enum target_status status = target->worker_count < TARGET_WORKERS_MAX ? TARGET_OK : TARGET_FULL;
    target->worker_count += status == TARGET_OK;
    pthread_mutex_unlock(&target->lock);
    if (status == TARGET_OK)
        *result = worker;
    else
        free(worker);
    return status;
}

/* Rows it took and did not use stay unused. */
static void bare_worker_leave(struct target_worker *worker)
{
    struct target *target = worker->target;
    pthread_mutex_lock(&target->lock);
    target->worker_count--;
    pthread_mutex_unlock(&target->lock);
    free(worker);
}

/* ---- Transactions. ---- */

static enum target_status bare_begin(struct target_worker *worker, enum target_mode mode, struct target_txn **txn)
{
    if (worker->txn.running)
        return TARGET_BUSY;
    worker->txn.running = true;
    worker->txn.mode = mode;
    *txn = &worker->txn;
    return TARGET_OK;
}

static enum target_status bare_commit(struct target_txn *txn)
{
    txn->running = false;
    return TARGET_OK;
}

static void bare_abort(struct target_txn *txn)
{
    txn->running = false;
}

/* ---- Rows. ---- */

static inline struct row_header *row_at(const struct target_table *table, uint64_t row)
{
    return (void *)(table->base + row * table->stride_bytes);
}

/* 1: in use. At the end of the row, as native's head. */
static inline _Atomic uint32_t *row_head(const struct target_table *table, struct row_header *header)
{
    return (void *)((char *)header + table->stride_bytes - ROW_HEAD_BYTES);
}

static inline bool row_exists(const struct target_table *table, uint64_t row)
{
    return row < atomic_load_explicit(&table->next_row, memory_order_acquire) &&
           atomic_load_explicit(row_head(table, row_at(table, row)), memory_order_acquire);
}

static enum target_status row_take(struct target_worker *worker, struct target_table *table, uint64_t *row)
{
    struct row_supply *supply = &worker->supplies[table->number];
    if (supply->free_plus_1) {
        *row = supply->free_plus_1 - 1;
        supply->free_plus_1 = row_at(table, *row)->next_free_plus_1;
        return TARGET_OK;
    }
    if (supply->next == supply->end) {
        /* Committed before they count, so that a scan up to next_row never touches what is not there. */
        pthread_mutex_lock(&table->target->lock);
        uint64_t first = atomic_load_explicit(&table->next_row, memory_order_relaxed);
        uint64_t end = first + table->rows_per_chunk;
        enum target_status status =
            span_commit(&table->span, end * table->stride_bytes) == MAE_OK ? TARGET_OK : TARGET_NO_MEMORY;
        if (status == TARGET_OK)
            atomic_store_explicit(&table->next_row, end, memory_order_release);
        pthread_mutex_unlock(&table->target->lock);
        if (status != TARGET_OK)
            return status;
        supply->next = first;
        supply->end = end;
    }
    *row = supply->next++;
    return TARGET_OK;
}

static void row_give_back(struct target_worker *worker, struct target_table *table, uint64_t row)
{
    struct row_supply *supply = &worker->supplies[table->number];
    struct row_header *header = row_at(table, row);
    atomic_store_explicit(row_head(table, header), 0, memory_order_release);
    header->next_free_plus_1 = supply->free_plus_1;
    supply->free_plus_1 = row + 1;
}

static inline enum target_status may_write(const struct target_txn *txn, const struct target_table *table, size_t bytes)
{
    if (UNLIKELY(txn->mode == TARGET_SNAPSHOT))
        return TARGET_READ_ONLY;
    return LIKELY(bytes <= table->payload_max_bytes) ? TARGET_OK : TARGET_TOO_LARGE;
}

static inline void resize(struct row_header *header, size_t bytes)
{
    if (LIKELY(bytes == 0 || bytes == header->payload_bytes))
        return;
    if (bytes > header->payload_bytes)
        memset((char *)(header + 1) + header->payload_bytes, 0, bytes - header->payload_bytes);
    header->payload_bytes = (uint32_t)bytes;
}

static inline enum target_status update_in_place(struct target_txn *txn, struct target_table *table, uint64_t row,
                                                 size_t bytes, const void **old, void **data)
{
    enum target_status status = may_write(txn, table, bytes);
    if (UNLIKELY(status != TARGET_OK))
        return status;
    struct row_header *header = row_at(table, row);
    resize(header, bytes);
    if (old)
        *old = header + 1;
    *data = header + 1;
    return TARGET_OK;
}

static enum target_status bare_row_read(struct target_txn *txn, struct target_table *table, uint64_t row,
                                        const void **data, size_t *bytes)
{
    (void)txn;
    if (!row_exists(table, row))
        return TARGET_NOT_FOUND;
    struct row_header *header = row_at(table, row);
    *data = header + 1;
    if (bytes)
        *bytes = header->payload_bytes;
    return TARGET_OK;
}

static enum target_status bare_row_update(struct target_txn *txn, struct target_table *table, uint64_t row,
                                          size_t bytes, const void **old, void **data)
{
    return row_exists(table, row) ? update_in_place(txn, table, row, bytes, old, data) : TARGET_NOT_FOUND;
}

static enum target_status bare_row_insert(struct target_txn *txn, struct target_table *table, size_t bytes,
                                          uint64_t *row, void **data)
{
    enum target_status status = may_write(txn, table, bytes);
    if (status != TARGET_OK || (status = row_take(txn->worker, table, row)) != TARGET_OK)
        return status;
    struct row_header *header = row_at(table, *row);
    header->payload_bytes = (uint32_t)bytes;
    atomic_store_explicit(row_head(table, header), 1, memory_order_release);
    *data = header + 1;
    return TARGET_OK;
}

static enum target_status bare_row_erase(struct target_txn *txn, struct target_table *table, uint64_t row)
{
    enum target_status status = may_write(txn, table, 0);
    if (status != TARGET_OK)
        return status;
    if (!row_exists(table, row))
        return TARGET_NOT_FOUND;
    row_give_back(txn->worker, table, row);
    return TARGET_OK;
}

static enum target_status bare_table_scan(struct target_txn *txn, struct target_table *table, target_row_fn visit,
                                          void *arg)
{
    enum { AHEAD = 16 };
    if (txn->mode != TARGET_SNAPSHOT)
        return TARGET_INVALID;
    uint64_t limit = atomic_load_explicit(&table->next_row, memory_order_acquire);
    for (uint64_t row = 0; row < limit; row++) {
        const char *ahead = table->base + (row + AHEAD) * table->stride_bytes; /* only a hint: may lie past the end */
        for (size_t i = 0; i < PREFETCH_LINES_MAX && i * CACHE_LINE_BYTES < table->stride_bytes; i++)
            __builtin_prefetch(ahead + i * CACHE_LINE_BYTES);
        struct row_header *header = row_at(table, row);
        if (atomic_load_explicit(row_head(table, header), memory_order_acquire) &&
            !visit(arg, row, header + 1, header->payload_bytes))
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

/* The row of a key; false if there is none. */
static inline bool find_row(const struct target_index *index, const void *key, uint64_t *row)
{
    struct node_seen seen;
    return LIKELY(hash_find_word(&index->hash, key_of(key), row)) || hash_find(&index->hash, key, row, &seen);
}

static enum target_status bare_find(struct target_txn *txn, struct target_index *index, const void *key, uint64_t *ref)
{
    (void)txn;
    return find_row(index, key, ref) ? TARGET_OK : TARGET_NOT_FOUND;
}

static enum target_status bare_index_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                            uint64_t ref)
{
    uint64_t there;
    struct node_changes changes;
    enum target_status status = may_write(txn, index->table, 0);
    if (status != TARGET_OK)
        return status;
    enum mae_status inserted = hash_insert(&index->hash, key, ref, &there, &changes);
    return inserted == MAE_OK ? TARGET_OK : inserted == MAE_EXISTS ? TARGET_EXISTS : TARGET_NO_MEMORY;
}

static enum target_status bare_index_remove(struct target_txn *txn, struct target_index *index, const void *key,
                                            uint64_t ref)
{
    struct node_changes changes;
    enum target_status status = may_write(txn, index->table, 0);
    if (status != TARGET_OK)
        return status;
    return hash_remove(&index->hash, key, ref, &changes) == MAE_OK ? TARGET_OK : TARGET_NOT_FOUND;
}

static enum target_status bare_read(struct target_txn *txn, struct target_index *index, const void *key,
                                    const void **data, size_t *bytes)
{
    uint64_t row;
    (void)txn;
    if (UNLIKELY(!find_row(index, key, &row)))
        return TARGET_NOT_FOUND;
    struct row_header *header = row_at(index->table, row);
    *data = header + 1;
    if (bytes)
        *bytes = header->payload_bytes;
    return TARGET_OK;
}

static enum target_status bare_update(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                      const void **old, void **data)
{
    uint64_t row;
    return LIKELY(find_row(index, key, &row)) ? update_in_place(txn, index->table, row, bytes, old, data)
                                              : TARGET_NOT_FOUND;
}

static enum target_status bare_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                         size_t bytes, void **data)
{
    return bare_update(txn, index, key, bytes, NULL, data);
}

static enum target_status bare_insert(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                      uint64_t *ref, void **data)
{
    uint64_t row;
    enum target_status status = bare_row_insert(txn, index->table, bytes, &row, data);
    if (status != TARGET_OK)
        return status;
    status = bare_index_insert(txn, index, key, row);
    if (status != TARGET_OK) {
        row_give_back(txn->worker, index->table, row);
        return status;
    }
    if (ref)
        *ref = row;
    return TARGET_OK;
}

static enum target_status bare_erase(struct target_txn *txn, struct target_index *index, const void *key)
{
    uint64_t row;
    enum target_status status = bare_find(txn, index, key, &row);
    if (status != TARGET_OK || (status = bare_index_remove(txn, index, key, row)) != TARGET_OK)
        return status;
    row_give_back(txn->worker, index->table, row);
    return TARGET_OK;
}

/* In two stages, as native: all buckets, then all rows, so that the misses of each stage overlap. */
static void bare_prefetch(struct target_txn *txn, struct target_index *index, const void *keys, size_t count)
{
    (void)txn;
    const struct target_table *table = index->table;
    const char *at = keys;
    size_t lines = table->stride_bytes / CACHE_LINE_BYTES;
    if (lines > PREFETCH_LINES_MAX)
        lines = PREFETCH_LINES_MAX;
    for (size_t i = 0; i < count; i++)
        hash_prefetch_word(&index->hash, key_of(at + i * sizeof(uint64_t)));
    for (size_t i = 0; i < count; i++) {
        uint64_t row;
        if (!hash_find_word(&index->hash, key_of(at + i * sizeof(uint64_t)), &row))
            continue;
        const char *line = (const char *)row_at(table, row);
        for (size_t j = 0; j < lines; j++)
            __builtin_prefetch(line + j * CACHE_LINE_BYTES);
    }
}

/* ---- Statistics. ---- */

static void bare_table_space(const struct target_table *table, struct target_space *space)
{
    *space = (struct target_space){0};
    uint64_t limit = atomic_load_explicit(&table->next_row, memory_order_acquire);
    for (uint64_t row = 0; row < limit; row++) {
        struct row_header *header = row_at(table, row);
        if (!atomic_load_explicit(row_head(table, header), memory_order_relaxed))
            continue;
        space->rows++;
        space->payload_bytes += header->payload_bytes;
    }
    space->versions = space->inlined_versions = space->rows;
    space->row_bytes = space->rows * table->stride_bytes;
}

static void bare_index_space(const struct target_index *index, struct target_space *space)
{
    uint64_t buckets = hash_bucket_count(&index->hash), bytes = index->hash.bucket_bytes;
    *space = (struct target_space){.rows = buckets,
                                   .versions = buckets,
                                   .inlined_versions = buckets,
                                   .payload_bytes = buckets * (bytes - ROW_HEADER_BYTES),
                                   .row_bytes = buckets * bytes};
}

static void bare_memory(const struct target *target, struct target_memory *memory)
{
    struct mae_memory usage;
    mem_usage(&target->budget, target->spans, &usage);
    *memory = (struct target_memory){.limit_bytes = usage.limit_bytes,
                                     .committed_bytes = usage.committed_bytes,
                                     .resident_bytes = usage.resident_bytes,
                                     .hugetlb_bytes = usage.hugetlb_bytes,
                                     .transparent_bytes = usage.transparent_bytes};
}

struct verify {
    const struct target_index *index;
    char *report;
    size_t report_bytes;
};

static bool verify_entry(void *arg, const void *key, uint64_t row)
{
    const struct verify *verify = arg;
    if (row_exists(verify->index->table, row))
        return true;
    snprintf(verify->report, verify->report_bytes,
             "index %s: key %" PRIu64 " leads to row %" PRIu64 ", which is not in use", verify->index->name,
             key_of(key), row);
    return false;
}

static enum target_status bare_verify(struct target *target, char *report, size_t report_bytes)
{
    for (unsigned i = 0; i < target->index_count; i++) {
        struct verify verify = {target->indexes[i], report, report_bytes};
        snprintf(report, report_bytes, "index %s: an entry is in a bucket that is not its key's", verify.index->name);
        if (!hash_walk(&verify.index->hash, verify_entry, &verify))
            return TARGET_CORRUPT;
    }
    *report = '\0';
    return TARGET_OK;
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
    .table_space = bare_table_space,
    .index_space = bare_index_space,
    .memory = bare_memory,
    .verify = bare_verify,
};
