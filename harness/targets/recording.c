/* recording.c - see recording.h; the records are those of harness/proof/history.h. */
#include "harness/targets/recording.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

/* In front of each payload: the transaction and the write that made it. */
struct header {
    uint64_t row; /* register << 8 | seq */
    uint64_t name;
};
enum { HEADER_BYTES = sizeof(struct header), SEQ_BITS = 8, SEQ_MAX = 255, TABLE_SHIFT = 48, STREAM_SHIFT = 32 };

struct recording {
    struct target_ops ops; /* first, so that open finds the recording */
    struct recording *self;
    const struct target_ops *inner;
    bool knows_order; /* the target does, and it is a serial one */
    char *path;       /* NULL: in memory */
    int fd;           /* until open takes it */
};

struct target_table {
    struct target_table *inner;
    struct target *target;
    unsigned id;
};

struct target_index {
    struct target_index *inner;
    struct target_table *table;
    unsigned id, key_words;
    size_t key_bytes;
    bool ordered, non_unique, variable;
    _Atomic bool by_key; /* its rows are inserted through it, so key and register are one */
};

struct target_txn {
    struct target_txn *inner;
    struct target_worker *worker;
    uint64_t name;
    uint64_t place; /* in the inner target's order, of one that has committed; 0 if it does not say */
    unsigned writes;
};

struct target_worker {
    struct target_worker *inner, *next;
    struct target *target;
    struct target_txn txn;
    struct history_log log;
    uint64_t txns, rows; /* begun; inserted without a key */
    /* Entries of the scans that run, the innermost last. */
    uint64_t *visited;
    size_t visited_words, visited_capacity;
};

struct target {
    struct target *inner;
    const struct recording *recording;
    int fd;
    pthread_mutex_t lock;                  /* joining and leaving */
    struct target_worker *workers, *spare; /* spare: left, their logs in memory stay */
    struct history_log catalog;
    uint32_t streams;
    unsigned table_count, index_count;
    struct target_table tables[HISTORY_INDEXES_MAX];
    struct target_index indexes[HISTORY_INDEXES_MAX];
    int error;
};

/* The target inside. */
static const struct target_ops *inner_ops(const struct target *target)
{
    return target->recording->inner;
}

static const struct target_ops *inner_of(const struct target_txn *txn)
{
    return txn->worker->target->recording->inner;
}

static bool knows_order(const struct target_txn *txn)
{
    return txn->worker->target->recording->knows_order;
}

/* ---- Records. ---- */

static void record(struct target_txn *txn, enum history_kind kind, uint64_t a, uint64_t b, size_t words, uint64_t first,
                   uint64_t second)
{
    uint64_t *at = history_log_add(&txn->worker->log, words);
    if (at == NULL)
        return;
    at[0] = history_word(kind, a, b);
    if (words > 1)
        at[1] = first;
    if (words > 2)
        at[2] = second;
}

/* How many bytes stand at a key; the length of one of variable length is one of them. */
static size_t key_size(const struct target_index *index, const void *key)
{
    return index->variable ? 1u + *(const unsigned char *)key : index->key_bytes;
}

static void copy_key(const struct target_index *index, const void *key, uint64_t *words)
{
    const size_t bytes = key_size(index, key);
    memcpy(words, key, bytes);
    memset((char *)words + bytes, 0, index->key_words * sizeof *words - bytes);
}

static void record_entry(struct target_txn *txn, enum history_kind kind, const struct target_index *index,
                         const void *key, uint64_t ref)
{
    bool has_ref = kind != HISTORY_ABSENT;
    uint64_t *at = history_log_add(&txn->worker->log, 1 + index->key_words + has_ref);
    if (at == NULL)
        return;
    at[0] = history_word(kind, 0, index->id);
    copy_key(index, key, at + 1);
    if (has_ref)
        at[1 + index->key_words] = ref;
}

static uint64_t register_of(const struct header *header)
{
    return header->row >> SEQ_BITS;
}

static uint64_t seq_of(const struct header *header)
{
    return header->row & ((1u << SEQ_BITS) - 1);
}

static struct header *write_header(struct target_txn *txn, void *data, uint64_t row)
{
    struct header *header = data;
    txn->writes += txn->writes < SEQ_MAX;
    *header = (struct header){row << SEQ_BITS | txn->writes, txn->name};
    return header;
}

static bool is_by_key(const struct target_index *index)
{
    return atomic_load_explicit(&index->by_key, memory_order_relaxed);
}

static uint64_t key_register(const struct target_index *index, const void *key)
{
    return history_register(index->id, key, key_size(index, key), !index->variable);
}

static void record_miss(struct target_txn *txn, const struct target_index *index, const void *key)
{
    if (is_by_key(index) || (!index->ordered && !index->non_unique))
        record(txn, HISTORY_MISS, 0, 0, 2, key_register(index, key), 0);
    if (!is_by_key(index))
        record_entry(txn, HISTORY_ABSENT, index, key, 0);
}

/* A row was found by key: is it that key's? */
static void record_hit(struct target_txn *txn, const struct target_index *index, const void *key,
                       const struct header *header)
{
    if (!is_by_key(index))
        record_entry(txn, HISTORY_FIND, index, key, HISTORY_ANY_REF);
    else if (register_of(header) != key_register(index, key))
        record(txn, HISTORY_WRONG, 0, 0, 3, key_register(index, key), register_of(header));
}

static void record_read(struct target_txn *txn, const struct header *header)
{
    record(txn, HISTORY_READ, seq_of(header), 0, 3, register_of(header), header->name);
}

/* What was read; the workload gets the payload behind the header. */
static enum target_status read_give(struct target_txn *txn, const void **data, size_t *bytes)
{
    record_read(txn, *data);
    *data = (const char *)*data + HEADER_BYTES;
    if (bytes)
        *bytes -= HEADER_BYTES;
    return TARGET_OK;
}

/* A new version in `data` of the row whose old version has `before`; both may be the same memory. */
static enum target_status update_give(struct target_txn *txn, const void *before, const void **old, void **data)
{
    const struct header replaced = *(const struct header *)before;
    const struct header *now = write_header(txn, *data, register_of(&replaced));
    record(txn, HISTORY_WRITE, seq_of(now), seq_of(&replaced), 3, register_of(&replaced), replaced.name);
    if (old)
        *old = (const char *)before + HEADER_BYTES;
    *data = (char *)*data + HEADER_BYTES;
    return TARGET_OK;
}

/* A new version that says of the one before only that it was there. */
static enum target_status overwrite_give(struct target_txn *txn, uint64_t row, void **data)
{
    const struct header *header = write_header(txn, *data, row);
    record(txn, HISTORY_BLIND, seq_of(header), 0, 2, row, 0);
    *data = (char *)*data + HEADER_BYTES;
    return TARGET_OK;
}

static void record_delete(struct target_txn *txn, const struct header *before)
{
    txn->writes += txn->writes < SEQ_MAX;
    record(txn, HISTORY_DELETE, txn->writes, seq_of(before), 3, register_of(before), before->name);
}

/* ---- Opening. ---- */

static enum target_status rec_open(const struct target_ops *ops, const void *values, struct target **opened,
                                   char *error, size_t error_bytes)
{
    struct recording *recording = ((const struct recording *)(const void *)ops)->self;
    struct target *target = support_alloc(sizeof *target);
    target->recording = recording;
    enum target_status status = recording->inner->open(recording->inner, values, &target->inner, error, error_bytes);
    if (status != TARGET_OK) {
        free(target);
        return status;
    }
    target_tell_order(recording->inner, target->inner);
    target->fd = recording->fd;
    recording->fd = -1;
    pthread_mutex_init(&target->lock, NULL);
    history_log_init(&target->catalog, target->fd, target->streams++);
    *opened = target;
    return TARGET_OK;
}

static void worker_free(struct target *target, struct target_worker *worker)
{
    history_log_fini(&worker->log);
    if (worker->log.error && !target->error)
        target->error = worker->log.error;
    free(worker->visited);
    free(worker);
}

static enum target_status rec_close(struct target *target)
{
    char error[256];
    (void)recording_finish(target, error, sizeof error);
    enum target_status status = inner_ops(target)->close(target->inner);
    while (target->spare) {
        struct target_worker *next = target->spare->next;
        worker_free(target, target->spare);
        target->spare = next;
    }
    free(target->catalog.words);
    pthread_mutex_destroy(&target->lock);
    free(target);
    return status;
}

bool recording_finish(struct target *target, char *error, size_t error_bytes)
{
    if (target->fd >= 0) {
        history_log_flush(&target->catalog, true);
        if (target->catalog.error && !target->error)
            target->error = target->catalog.error;
        int ended = history_file_end(target->fd, target->error == 0);
        if (!target->error)
            target->error = ended;
        target->fd = target->catalog.fd = -1;
    }
    if (target->error)
        snprintf(error, error_bytes, "%s: %s", target->recording->path ? target->recording->path : "in memory",
                 strerror(target->error));
    return target->error == 0;
}

bool recording_history(struct target *target, struct history *history, char *error, size_t error_bytes)
{
    if (!history_add(history, target->catalog.words, target->catalog.count, error, error_bytes))
        return false;
    struct target_worker *lists[] = {target->workers, target->spare};
    for (int i = 0; i < 2; i++)
        for (struct target_worker *worker = lists[i]; worker; worker = worker->next)
            if (worker->log.count && !history_add(history, worker->log.words, worker->log.count, error, error_bytes))
                return false;
    return true;
}

void recording_clear(struct target *target)
{
    struct target_worker *lists[] = {target->workers, target->spare};
    for (int i = 0; i < 2; i++)
        for (struct target_worker *worker = lists[i]; worker; worker = worker->next)
            history_log_clear(&worker->log);
}

size_t recording_words(const struct target_worker *worker)
{
    return worker->log.count;
}

bool recording_wrote(const struct target_txn *txn, const void *data)
{
    return ((const struct header *)data - 1)->name == txn->name;
}

struct target_worker *recording_worker_inner(struct target_worker *worker)
{
    return worker->inner;
}

static enum target_status rec_table_create(struct target *target, const char *name,
                                           const struct target_table_config *config, struct target_table **created)
{
    struct target_table_config larger = *config;
    larger.payload_max_bytes += HEADER_BYTES;
    if (target->table_count == HISTORY_INDEXES_MAX)
        return TARGET_FULL;
    struct target_table *table = &target->tables[target->table_count];
    enum target_status status = inner_ops(target)->table_create(target->inner, name, &larger, &table->inner);
    if (status != TARGET_OK)
        return status;
    table->target = target;
    table->id = target->table_count++;
    *created = table;
    return TARGET_OK;
}

static enum target_status rec_index_create(struct target *target, struct target_table *table, const char *name,
                                           const struct target_index_config *config, struct target_index **created)
{
    if (target->index_count == HISTORY_INDEXES_MAX)
        return TARGET_FULL;
    struct target_index *index = &target->indexes[target->index_count];
    enum target_status status =
        inner_ops(target)->index_create(target->inner, table->inner, name, config, &index->inner);
    if (status != TARGET_OK)
        return status;
    index->table = table;
    index->id = target->index_count++;
    index->key_bytes = config->key_bytes;
    index->variable = config->variable;
    index->key_words = history_key_words(config->key_bytes, config->variable);
    index->ordered = config->kind == TARGET_INDEX_ORDERED;
    index->non_unique = config->non_unique;
    uint64_t *at = history_log_add(&target->catalog, 10);
    if (at != NULL) {
        memset(at, 0, 10 * sizeof *at);
        at[0] = history_word(HISTORY_INDEX,
                             (index->ordered ? HISTORY_ORDERED : 0u) | (index->non_unique ? HISTORY_NON_UNIQUE : 0u) |
                                 (index->variable ? HISTORY_VARIABLE : 0u),
                             index->id);
        at[1] = config->key_bytes;
        memcpy(at + 2, name, strnlen(name, HISTORY_NAME_BYTES));
    }
    *created = index;
    return TARGET_OK;
}

/* ---- Workers and transactions. ---- */

static enum target_status rec_worker_join(struct target *target, struct target_worker **joined)
{
    struct target_worker *inner;
    enum target_status status = inner_ops(target)->worker_join(target->inner, &inner);
    if (status != TARGET_OK)
        return status;
    pthread_mutex_lock(&target->lock);
    struct target_worker *worker = target->spare;
    if (worker) {
        target->spare = worker->next;
    } else {
        worker = support_alloc(sizeof *worker);
        history_log_init(&worker->log, target->fd, target->streams++);
        worker->target = target;
        worker->txn.worker = worker;
    }
    worker->next = target->workers;
    target->workers = worker;
    pthread_mutex_unlock(&target->lock);
    worker->inner = inner;
    *joined = worker;
    return TARGET_OK;
}

static void rec_worker_idle(struct target_worker *worker)
{
    inner_ops(worker->target)->worker_idle(worker->inner);
}

/* `place`: of one that has committed, 0 if the target does not know it. */
static void end(struct target_txn *txn, enum target_status status, uint64_t place)
{
    struct history_log *log = &txn->worker->log;
    if (status == TARGET_OK)
        record(txn, HISTORY_COMMIT, 0, 0, 2, place, 0);
    else
        record(txn, HISTORY_ABORT, (unsigned)status, 0, 1, 0, 0);
    txn->inner = NULL;
    txn->place = place;
    history_log_flush(log, false);
}

static void rec_worker_leave(struct target_worker *worker)
{
    struct target *target = worker->target;
    if (worker->txn.inner != NULL)
        end(&worker->txn, TARGET_ROLLED_BACK, 0); /* a worker may leave in the middle of a transaction */
    inner_ops(worker->target)->worker_leave(worker->inner);
    history_log_flush(&worker->log, true);
    pthread_mutex_lock(&target->lock);
    struct target_worker **at = &target->workers;
    while (*at != worker)
        at = &(*at)->next;
    *at = worker->next;
    if (worker->log.error && !target->error)
        target->error = worker->log.error;
    worker->next = target->spare;
    target->spare = worker;
    pthread_mutex_unlock(&target->lock);
}

static enum target_status rec_begin(struct target_worker *worker, enum target_mode mode, struct target_txn **begun)
{
    struct target_txn *txn = &worker->txn;
    struct target_txn *inner;
    enum target_status status = inner_ops(worker->target)->begin(worker->inner, mode, &inner);
    if (status != TARGET_OK)
        return status;
    txn->inner = inner;
    txn->name = (uint64_t)worker->log.stream << HISTORY_NAME_BITS | ++worker->txns;
    txn->writes = 0;
    record(txn, HISTORY_BEGIN, mode == TARGET_SNAPSHOT ? HISTORY_SNAPSHOT : 0, worker->log.stream, 2, txn->name, 0);
    *begun = txn;
    return TARGET_OK;
}

static enum target_status rec_commit(struct target_txn *txn)
{
    enum target_status status = inner_of(txn)->commit(txn->inner);
    uint64_t place = status == TARGET_OK && knows_order(txn) ? inner_of(txn)->timestamp(txn->inner) : 0;
    end(txn, status, place);
    return status;
}

static void rec_abort(struct target_txn *txn)
{
    inner_of(txn)->abort(txn->inner);
    end(txn, TARGET_ROLLED_BACK, 0);
}

static void rec_backoff(struct target_worker *worker)
{
    inner_ops(worker->target)->backoff(worker->inner);
}

static enum target_status rec_on_miss(struct target_worker *worker, void (*on_miss)(void *arg), void *arg)
{
    return inner_ops(worker->target)->on_miss(worker->inner, on_miss, arg);
}

static uint64_t rec_timestamp(const struct target_txn *txn)
{
    return txn->inner ? inner_of(txn)->timestamp(txn->inner) : txn->place;
}

/* ---- Rows by key. ---- */

static enum target_status rec_read(struct target_txn *txn, struct target_index *index, const void *key,
                                   const void **data, size_t *bytes)
{
    enum target_status status = inner_of(txn)->read(txn->inner, index->inner, key, data, bytes);
    if (status == TARGET_NOT_FOUND)
        record_miss(txn, index, key);
    if (status != TARGET_OK)
        return status;
    record_hit(txn, index, key, *data);
    return read_give(txn, data, bytes);
}

static enum target_status rec_update(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                     const void **old, void **data)
{
    const void *before;
    enum target_status status =
        inner_of(txn)->update(txn->inner, index->inner, key, bytes ? bytes + HEADER_BYTES : 0, &before, data);
    if (status == TARGET_NOT_FOUND)
        record_miss(txn, index, key);
    if (status != TARGET_OK)
        return status;
    record_hit(txn, index, key, before);
    return update_give(txn, before, old, data);
}

/* An overwrite that must say what it replaced, because nothing else does, reads that first. */
static enum target_status overwrite_after_read(struct target_txn *txn, struct target_index *index, const void *key,
                                               size_t bytes, void **data)
{
    const void *read;
    enum target_status status = rec_read(txn, index, key, &read, NULL);
    if (status != TARGET_OK)
        return status;
    struct header before = *((const struct header *)read - 1);
    status = inner_of(txn)->overwrite(txn->inner, index->inner, key, bytes + HEADER_BYTES, data);
    if (status != TARGET_OK)
        return status;
    return knows_order(txn) ? overwrite_give(txn, register_of(&before), data) : update_give(txn, &before, NULL, data);
}

static enum target_status rec_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                        size_t bytes, void **data)
{
    if (!is_by_key(index) || !knows_order(txn))
        return overwrite_after_read(txn, index, key, bytes, data);
    uint64_t row = key_register(index, key);
    enum target_status status = inner_of(txn)->overwrite(txn->inner, index->inner, key, bytes + HEADER_BYTES, data);
    if (status == TARGET_NOT_FOUND)
        record_miss(txn, index, key);
    if (status != TARGET_OK)
        return status;
    return overwrite_give(txn, row, data);
}

static void record_insert(struct target_txn *txn, const struct target_table *table, uint64_t row, uint64_t ref,
                          void **data)
{
    const struct header *header = write_header(txn, *data, row);
    record(txn, HISTORY_INSERT, seq_of(header), 0, 3, row, (uint64_t)table->id << TABLE_SHIFT | ref);
    *data = (char *)*data + HEADER_BYTES;
}

static uint64_t next_row(struct target_worker *worker)
{
    return (uint64_t)worker->log.stream << STREAM_SHIFT | ++worker->rows;
}

static enum target_status rec_insert(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                     uint64_t *ref, void **data)
{
    uint64_t row;
    if (!index->non_unique && !is_by_key(index))
        atomic_store_explicit(&index->by_key, true, memory_order_relaxed);
    enum target_status status = inner_of(txn)->insert(txn->inner, index->inner, key, bytes + HEADER_BYTES, &row, data);
    if (status == TARGET_EXISTS)
        record(txn, HISTORY_EXISTS, 0, 0, 2, key_register(index, key), 0);
    if (status != TARGET_OK)
        return status;
    record_insert(txn, index->table, index->non_unique ? next_row(txn->worker) : key_register(index, key), row, data);
    if (index->ordered)
        record_entry(txn, HISTORY_ADD, index, key, row);
    if (ref)
        *ref = row;
    return TARGET_OK;
}

/* Which row and version a key leads to; what erase must know if the key does not say the row, or nothing else says
 * which version it was. */
static enum target_status look_up(struct target_txn *txn, struct target_index *index, const void *key,
                                  struct header *before, uint64_t *ref)
{
    const void *data;
    enum target_status status = inner_of(txn)->read(txn->inner, index->inner, key, &data, NULL);
    if (status != TARGET_OK)
        return status;
    *before = *(const struct header *)data;
    return inner_of(txn)->find(txn->inner, index->inner, key, ref);
}

static enum target_status rec_erase(struct target_txn *txn, struct target_index *index, const void *key)
{
    uint64_t ref = HISTORY_ANY_REF;
    struct header before = {key_register(index, key) << SEQ_BITS, HISTORY_ANY_NAME};
    enum target_status status = TARGET_OK;
    if (!is_by_key(index) || !knows_order(txn))
        status = look_up(txn, index, key, &before, &ref);
    if (status == TARGET_OK)
        status = inner_of(txn)->erase(txn->inner, index->inner, key);
    if (status == TARGET_NOT_FOUND)
        record_miss(txn, index, key);
    if (status != TARGET_OK)
        return status;
    record_delete(txn, &before);
    if (index->ordered || !is_by_key(index))
        record_entry(txn, HISTORY_REMOVE, index, key, ref);
    return TARGET_OK;
}

/* The name in the row's header says what was applied to it (history.h), so each apply adds to that, too. What has not
 * been found by the key of its own row, or has no order, is updated: nothing else would tell which row that was, or
 * what a reader has seen. */
static enum target_status rec_apply(struct target_txn *txn, struct target_index *index, const void *key,
                                    enum target_function function, size_t offset, size_t bytes, int64_t operand)
{
    const struct target_ops *ops = inner_of(txn);
    if (!is_by_key(index) || !knows_order(txn)) {
        void *data;
        enum target_status status = rec_update(txn, index, key, 0, NULL, &data);
        if (status == TARGET_OK)
            target_function_run(function, (char *)data + offset, bytes, operand);
        return status;
    }
    enum target_status status =
        ops->apply(txn->inner, index->inner, key, function, HEADER_BYTES + offset, bytes, operand);
    if (status == TARGET_NOT_FOUND)
        record_miss(txn, index, key);
    if (status != TARGET_OK)
        return status;
    txn->writes += txn->writes < SEQ_MAX;
    if (MUTATED(apply_untold))
        return TARGET_OK;
    record(txn, HISTORY_APPLY, txn->writes, 0, 2, key_register(index, key), 0);
    return ops->apply(txn->inner, index->inner, key, TARGET_ADD, offsetof(struct header, name), sizeof(uint64_t),
                      (int64_t)history_apply_weight(txn->name, txn->writes));
}

static void rec_prefetch(struct target_txn *txn, struct target_index *index, const void *keys, size_t count)
{
    inner_of(txn)->prefetch(txn->inner, index->inner, keys, count);
}

/* ---- Rows by ref. ---- */

static enum target_status rec_row_read(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                       const void **data, size_t *bytes)
{
    enum target_status status = inner_of(txn)->row_read(txn->inner, table->inner, ref, data, bytes);
    return status == TARGET_OK ? read_give(txn, data, bytes) : status;
}

static enum target_status rec_row_update(struct target_txn *txn, struct target_table *table, uint64_t ref, size_t bytes,
                                         const void **old, void **data)
{
    const void *before;
    enum target_status status =
        inner_of(txn)->row_update(txn->inner, table->inner, ref, bytes ? bytes + HEADER_BYTES : 0, &before, data);
    return status == TARGET_OK ? update_give(txn, before, old, data) : status;
}

static enum target_status rec_row_insert(struct target_txn *txn, struct target_table *table, size_t bytes,
                                         uint64_t *ref, void **data)
{
    enum target_status status = inner_of(txn)->row_insert(txn->inner, table->inner, bytes + HEADER_BYTES, ref, data);
    if (status == TARGET_OK)
        record_insert(txn, table, next_row(txn->worker), *ref, data);
    return status;
}

static enum target_status rec_row_erase(struct target_txn *txn, struct target_table *table, uint64_t ref)
{
    const void *data;
    enum target_status status = inner_of(txn)->row_read(txn->inner, table->inner, ref, &data, NULL);
    if (status != TARGET_OK)
        return status;
    struct header before = *(const struct header *)data;
    status = inner_of(txn)->row_erase(txn->inner, table->inner, ref);
    if (status == TARGET_OK)
        record_delete(txn, &before);
    return status;
}

/* ---- Index entries. ---- */

static enum target_status rec_find(struct target_txn *txn, struct target_index *index, const void *key, uint64_t *ref)
{
    enum target_status status = inner_of(txn)->find(txn->inner, index->inner, key, ref);
    if (status == TARGET_NOT_FOUND)
        record_miss(txn, index, key);
    else if (status == TARGET_OK && is_by_key(index))
        record(txn, HISTORY_EXISTS, 0, 0, 2, key_register(index, key), 0);
    else if (status == TARGET_OK)
        record_entry(txn, HISTORY_FIND, index, key, *ref);
    return status;
}

static enum target_status rec_index_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                           uint64_t ref)
{
    enum target_status status = inner_of(txn)->index_insert(txn->inner, index->inner, key, ref);
    if (status == TARGET_OK)
        record_entry(txn, HISTORY_ADD, index, key, ref);
    else if (status == TARGET_EXISTS)
        record_entry(txn, HISTORY_FIND, index, key, index->non_unique ? ref : HISTORY_ANY_REF);
    return status;
}

static enum target_status rec_index_remove(struct target_txn *txn, struct target_index *index, const void *key,
                                           uint64_t ref)
{
    enum target_status status = inner_of(txn)->index_remove(txn->inner, index->inner, key, ref);
    if (status == TARGET_OK)
        record_entry(txn, HISTORY_REMOVE, index, key, ref);
    return status;
}

struct scan {
    struct target_txn *txn;
    const struct target_index *index;
    target_entry_fn visit;
    void *arg;
    uint64_t count;
    bool stopped;
};

static bool scan_visit(void *arg, const void *key, uint64_t ref)
{
    struct scan *scan = arg;
    struct target_worker *worker = scan->txn->worker;
    size_t words = scan->index->key_words + 1;
    if (worker->visited_words + words > worker->visited_capacity) {
        worker->visited_capacity = 2 * worker->visited_capacity + 1024;
        worker->visited = support_realloc(worker->visited, worker->visited_capacity * sizeof *worker->visited);
    }
    uint64_t *at = worker->visited + worker->visited_words;
    copy_key(scan->index, key, at);
    at[words - 1] = ref;
    worker->visited_words += words;
    scan->count++;
    if (!scan->visit(scan->arg, key, ref))
        scan->stopped = true;
    return !scan->stopped;
}

static void record_scan(const struct scan *scan, const void *lo, const void *hi, unsigned scan_flags,
                        const uint64_t *entries)
{
    const struct target_index *index = scan->index;
    size_t key_words = index->key_words, words = scan->count * (key_words + 1);
    uint64_t *at = history_log_add(&scan->txn->worker->log, 2 + 2 * key_words + words);
    if (at == NULL)
        return;
    bool backward = scan_flags & TARGET_SCAN_BACKWARD;
    unsigned flags = (backward ? HISTORY_BACKWARD : 0) | (lo ? 0 : HISTORY_LOW_OPEN) | (hi ? 0 : HISTORY_HIGH_OPEN);
    if (scan->stopped) { /* at the last entry, which there is then */
        unsigned open = backward ? HISTORY_LOW_OPEN : HISTORY_HIGH_OPEN;
        *(backward ? &lo : &hi) = entries + words - key_words - 1;
        flags = (flags & ~open) | (index->non_unique ? HISTORY_PART : 0);
    }
    memset(at + 1, 0, 2 * key_words * sizeof *at);
    if (!(flags & HISTORY_LOW_OPEN))
        copy_key(index, lo, at + 1);
    if (!(flags & HISTORY_HIGH_OPEN))
        copy_key(index, hi, at + 1 + key_words);
    at[0] = history_word(HISTORY_SCAN, flags, index->id);
    at[1 + 2 * key_words] = scan->count;
    if (words)
        memcpy(at + 2 + 2 * key_words, entries, words * sizeof *at);
}

static enum target_status rec_scan(struct target_txn *txn, struct target_index *index, const void *lo, const void *hi,
                                   unsigned flags, uint64_t limit, target_entry_fn visit, void *arg)
{
    struct target_worker *worker = txn->worker;
    struct scan scan = {.txn = txn, .index = index, .visit = visit, .arg = arg};
    size_t base = worker->visited_words;
    enum target_status status = inner_of(txn)->scan(txn->inner, index->inner, lo, hi, flags, limit, scan_visit, &scan);
    scan.stopped |= limit && scan.count >= limit;
    if (status == TARGET_OK)
        record_scan(&scan, lo, hi, flags, worker->visited + base);
    worker->visited_words = base;
    return status;
}

struct table_scan {
    struct target_txn *txn;
    target_row_fn visit;
    void *arg;
    uint64_t count;
    bool stopped;
};

static bool table_visit(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    struct table_scan *scan = arg;
    scan->count++;
    record_read(scan->txn, data);
    if (!scan->visit(scan->arg, ref, (const char *)data + HEADER_BYTES, bytes - HEADER_BYTES))
        scan->stopped = true;
    return !scan->stopped;
}

static enum target_status rec_table_scan(struct target_txn *txn, struct target_table *table, target_row_fn visit,
                                         void *arg)
{
    struct table_scan scan = {.txn = txn, .visit = visit, .arg = arg};
    enum target_status status = inner_of(txn)->table_scan(txn->inner, table->inner, table_visit, &scan);
    if (status == TARGET_OK && !scan.stopped)
        record(txn, HISTORY_ROWS, 0, table->id, 2, scan.count, 0);
    return status;
}

static uint64_t rec_durable(const struct target *target, const struct target_worker *worker, uint64_t *last)
{
    return inner_ops(target)->durable(target->inner, worker->inner, last);
}

/* ---- Statistics: the inner target's. ---- */

static void rec_worker_counters(const struct target_worker *worker, uint64_t *values)
{
    inner_ops(worker->target)->worker_counters(worker->inner, values);
}

static void rec_table_space(const struct target_table *table, struct target_space *space)
{
    inner_ops(table->target)->table_space(table->inner, space);
}

static void rec_index_space(const struct target_index *index, struct target_space *space)
{
    inner_ops(index->table->target)->index_space(index->inner, space);
}

static void rec_outside(const struct target *target, struct target_outside *outside)
{
    inner_ops(target)->outside(target->inner, outside);
}

static void rec_memory(const struct target *target, struct target_memory *memory)
{
    inner_ops(target)->memory(target->inner, memory);
}

static void rec_state(const struct target *target, struct target_state *state)
{
    inner_ops(target)->state(target->inner, state);
}

static enum target_status rec_verify(struct target *target, char *report, size_t report_bytes)
{
    return inner_ops(target)->verify(target->inner, report, report_bytes);
}

struct recording *recording_create(const struct target_ops *inner, const char *path, char *error, size_t error_bytes)
{
    int fd = path ? history_file_create(path) : -1;
    if (path && fd < 0) {
        snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct recording *recording = support_alloc(sizeof *recording);
    *recording = (struct recording){.ops = *inner,
                                    .self = recording,
                                    .inner = inner,
                                    .knows_order = inner->promises.order != TARGET_ORDER_NEVER &&
                                                   inner->promises.isolation == TARGET_ISOLATION_SERIALIZABLE,
                                    .path = path ? support_copy(path) : NULL,
                                    .fd = fd};
    /* Names, promises, reasons and counters stay the inner target's, and what it lacks stays NULL. */
#define WRAP(prefix, call) recording->ops.call = inner->call != NULL ? prefix##_##call : NULL
    TARGET_CORE(WRAP, rec), TARGET_EXTRAS(WRAP, rec), WRAP(rec, durable), WRAP(rec, outside), WRAP(rec, apply),
        WRAP(rec, on_miss);
#undef WRAP
    recording->ops.tell_order = NULL; /* rec_open has called it */
    return recording;
}

const struct target_ops *recording_ops(const struct recording *recording)
{
    return &recording->ops;
}

void recording_destroy(struct recording *recording)
{
    if (recording == NULL)
        return;
    if (recording->fd >= 0)
        close(recording->fd);
    free(recording->path);
    free(recording);
}
