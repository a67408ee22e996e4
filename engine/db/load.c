/*
 * load.c - many new rows with their entries, in transactions of some rows each; see maemio.h.
 *
 *   L1  The rows that have been loaded are the first ones that the source has given, in its order, and each has the
 *       entries that came with it. Rows are held here until the transaction that inserts them has committed. A
 *       transaction that aborts is tried again with half of its rows, so that they meet fewer conflicts. If one fails
 *       for good, its rows are tried one by one: all before the row that cannot be loaded are.
 *   L2  What a crash leaves of a load are its first rows as well: they are commits of one worker, whose timestamps
 *       ascend, and a recovery restores those below its cut (D4).
 *
 * Nothing of the load is special to other transactions. So it needs no table that nobody uses, and is in step with
 * whatever they do.
 * Checked by: tests/unit/db/load.c, tests/model/load.c, tests/schedule/load.c, tests/stress/load.c; mutations
 * load_passes_aborted and load_gives_up_whole.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/db/guard.h"

#ifdef MAE_DEBUG
enum { BATCH_ROWS = 4 }; /* so that tests of a few rows have several batches */
#else
enum { BATCH_ROWS = MAE_PREFETCH_MAX };
#endif
enum { BATCH_BYTES = 64 * 1024 }; /* no row has more */
static_assert(BATCH_BYTES >= MAE_PAYLOAD_MAX_BYTES, "a batch takes any row");

/* The entries of the rows that are held in one index, in the order of the rows. Rows may have none. */
struct held_entries {
    struct mae_index *index;
    size_t key_bytes; /* from one key to the next, as mae_prefetch takes them */
    unsigned char *keys;
    unsigned rows[BATCH_ROWS]; /* numbers of held rows */
    unsigned count, first;     /* first: that has not been loaded */
    unsigned next;             /* in the transaction that runs */
};

struct held_row {
    size_t at, bytes; /* in `data` */
};

struct load {
    struct mae_worker *worker;
    struct mae_table *table;
    uint64_t loaded; /* in all */
    struct held_row rows[BATCH_ROWS];
    unsigned count;       /* rows held */
    unsigned first, last; /* of them, those that the next transaction inserts */
    bool inserted;        /* it has come to its commit */
    size_t index_count, bytes;
    unsigned char *data;
    struct held_entries *entries;
};

static void load_fini(struct load *load)
{
    for (size_t i = 0; load->entries && i < load->index_count; i++)
        free(load->entries[i].keys);
    free(load->entries);
    free(load->data);
}

static enum mae_status load_init(struct load *load, struct mae_index *const *indexes)
{
    load->data = mem_alloc(BATCH_BYTES);
    load->entries = mem_alloc((load->index_count + 1) * sizeof *load->entries);
    if (!load->data || !load->entries)
        return MAE_NO_MEMORY;
    for (size_t i = 0; i < load->index_count; i++) {
        struct held_entries *entries = &load->entries[i];
        const struct mae_index_config *config = &indexes[i]->config;
        entries->index = indexes[i];
        entries->key_bytes = config->variable ? sizeof(struct mae_key) : config->key_bytes;
        entries->keys = mem_alloc(BATCH_ROWS * entries->key_bytes);
        if (!entries->keys)
            return MAE_NO_MEMORY;
    }
    return MAE_OK;
}

/* ---- Holding rows. ---- */

static bool has_room(const struct load *load, size_t bytes)
{
    return load->count < BATCH_ROWS && load->bytes + bytes <= BATCH_BYTES;
}

/* What could not be held: a payload or key that is longer than there is room for. */
static enum mae_status check_row(const struct load *load, const struct mae_load_row *row)
{
    if (row->bytes > load->table->config.payload_max_bytes)
        return MAE_TOO_LARGE;
    if ((row->bytes > 0 && !row->data) || (load->index_count > 0 && !row->keys))
        return MAE_INVALID;
    for (size_t i = 0; i < load->index_count; i++)
        if (row->keys[i] && !index_has_key(load->entries[i].index, row->keys[i]))
            return MAE_INVALID;
    return MAE_OK;
}

/* Copies the row: what the source has given need not stay, and a transaction may run twice. */
static void hold(struct load *load, const struct mae_load_row *row)
{
    for (size_t i = 0; i < load->index_count; i++) {
        struct held_entries *entries = &load->entries[i];
        if (!row->keys[i])
            continue;
        memcpy(entries->keys + entries->count * entries->key_bytes, row->keys[i],
               index_key_length(entries->index, row->keys[i]) + entries->index->config.variable);
        entries->rows[entries->count++] = load->count;
    }
    if (row->bytes > 0)
        memcpy(load->data + load->bytes, row->data, row->bytes);
    load->rows[load->count++] = (struct held_row){load->bytes, row->bytes};
    load->bytes += row->bytes;
}

static void let_go(struct load *load)
{
    for (size_t i = 0; i < load->index_count; i++)
        load->entries[i].count = load->entries[i].first = 0;
    load->count = load->first = 0;
    load->bytes = 0;
}

/* ---- Loading what is held. ---- */

/* The number of entries from `first` on that are of the rows which the transaction inserts. */
static unsigned entries_of_rows(const struct load *load, const struct held_entries *entries)
{
    unsigned end = entries->first;
    while (end < entries->count && entries->rows[end] < load->last)
        end++;
    return end - entries->first;
}

static enum mae_status insert_row(struct mae_txn *txn, struct load *load, unsigned i)
{
    const struct held_row *row = &load->rows[i];
    uint64_t id;
    void *data;
    enum mae_status status = mae_row_insert(txn, load->table, row->bytes, &id, &data);
    if (status == MAE_OK && row->bytes > 0)
        memcpy(data, load->data + row->at, row->bytes);
    for (size_t k = 0; k < load->index_count && status == MAE_OK; k++) {
        struct held_entries *entries = &load->entries[k];
        if (entries->next == entries->count || entries->rows[entries->next] != i)
            continue;
        status = mae_index_insert(txn, entries->index, entries->keys + entries->next * entries->key_bytes, id);
        entries->next++;
    }
    return status;
}

static enum mae_status insert_all(struct mae_txn *txn, void *arg)
{
    struct load *load = arg;
    enum mae_status status = MAE_OK;
    for (size_t k = 0; k < load->index_count; k++) {
        struct held_entries *entries = &load->entries[k];
        entries->next = entries->first;
        /* Into an ordered index an insert searches its own way, which this would only double. */
        if (entries->index->config.kind == MAE_INDEX_HASH)
            mae_prefetch(txn, entries->index, entries->keys + entries->first * entries->key_bytes,
                         entries_of_rows(load, entries));
    }
    for (unsigned i = load->first; i < load->last && status == MAE_OK; i++)
        status = insert_row(txn, load, i);
    load->inserted = status == MAE_OK;
    return status;
}

/* The rows up to `last` are in the table. */
static void go_on(struct load *load)
{
    for (size_t i = 0; i < load->index_count; i++)
        load->entries[i].first += entries_of_rows(load, &load->entries[i]);
    load->loaded += load->last - load->first;
    load->first = load->last;
}

/* Loads all rows that are held. Ends as a program that calls mae_run: after a while a single row meets no conflict, or
 * its status is no longer one to try again. A full disk may stay full: whether to wait for it is the caller's. */
static enum mae_status load_held(struct load *load)
{
    enum mae_status status = MAE_OK;
    unsigned rows = load->count;
    while (load->first < load->count) {
        load->last = load->count - load->first < rows ? load->count : load->first + rows;
        load->inserted = false;
        status = mae_run(load->worker, MAE_READ_WRITE, insert_all, load, 1);
        /* With durability=sync mae_run waits for what a body that gives up has read, too: that is no commit. */
        const bool committed = status == MAE_OK || (status == MAE_IO_UNKNOWN && load->inserted);
        const bool again = mae_status_is_retryable(status) && !(status == MAE_ABORT_LOG && rows == 1);
        if (committed || (again && MUTATED(load_passes_aborted)))
            go_on(load);
        else if (again)
            mae_backoff(load->worker);
        if (!again && status != MAE_OK && (committed || rows == 1 || MUTATED(load_gives_up_whole)))
            break;
        if (!committed)
            rows = again && rows > 1 ? rows / 2 : 1;
        status = MAE_OK;
    }
    let_go(load);
    return status;
}

/* ---- The whole. ---- */

static enum mae_status load_from(struct load *load, mae_load_fn next, void *arg)
{
    for (;;) {
        struct mae_load_row row = {.data = NULL};
        enum mae_status status = next(arg, &row);
        if (status == MAE_OK)
            status = check_row(load, &row);
        if (status != MAE_OK || !has_room(load, row.bytes)) {
            enum mae_status loaded = load_held(load);
            if (loaded != MAE_OK)
                return loaded;
        }
        if (status != MAE_OK)
            return status == MAE_STOP ? MAE_OK : status;
        hold(load, &row);
    }
}

enum mae_status mae_load(struct mae_worker *worker, struct mae_table *table, struct mae_index *const *indexes,
                         size_t index_count, mae_load_fn next, void *arg, uint64_t *loaded)
{
    if (loaded)
        *loaded = 0;
    if (!worker || !table || !next || (index_count > 0 && !indexes))
        return MAE_INVALID;
    GUARDED const struct guard guard = guard_worker(worker);
    if (guard.status != MAE_OK)
        return guard.status;
    if (worker->txn.running)
        return MAE_BUSY;
    if (atomic_load_explicit(&table->db, memory_order_relaxed) != db_of(worker))
        return MAE_INVALID;
    for (size_t i = 0; i < index_count; i++)
        if (!indexes[i] || indexes[i]->table != table)
            return MAE_INVALID;
    __attribute__((cleanup(load_fini))) struct load load = {
        .worker = worker, .table = table, .index_count = index_count};
    enum mae_status status = load_init(&load, indexes);
    if (status == MAE_OK)
        status = load_from(&load, next, arg);
    if (loaded)
        *loaded = load.loaded;
    return status;
}
