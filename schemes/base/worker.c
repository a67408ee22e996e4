/* worker.c - see worker.h. */
#include "schemes/base/worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "schemes/base/room.h"

static_assert((int)DATABASE_WORKERS_MAX <= 1 << ORDER_WORKER_BITS, "places are unique");

/* ---- Database. ---- */

void database_init(struct database *database, uint64_t memory_limit, enum mem_huge_pages huge_pages, uint64_t backoff,
                   uint64_t collect_after, size_t row_bytes)
{
    database->collect_after = collect_after;
    database->row_bytes = row_bytes;
    mem_budget_init(&database->budget, memory_limit, huge_pages);
    pthread_mutex_init(&database->lock, NULL);
    order_init(&database->order);
    policy_init(&database->policy, backoff);
    epochs_init(&database->epochs);
}

static void worker_free(struct worker *worker)
{
    row_set_fini(&worker->rows);
    node_set_fini(&worker->nodes);
    copies_fini(&worker->copies);
    entry_changes_fini(&worker->entries);
    free(worker);
}

static void table_free(struct table *table)
{
    if (table->versions) {
        store_table_fini(table->versions);
        free(table->versions);
    }
    store_table_fini(table);
    free(table);
}

void database_fini(struct database *database)
{
    for (unsigned i = 0; i < atomic_load_explicit(&database->worker_count, memory_order_relaxed); i++)
        worker_free(database->workers[i]);
    for (unsigned i = 0; i < database->index_count; i++) {
        index_fini(&database->indexes[i]->index);
        free(database->indexes[i]);
    }
    for (unsigned i = 0; i < database->table_count; i++)
        table_free(database->tables[i]);
    policy_fini(&database->policy);
    pthread_mutex_destroy(&database->lock);
}

static void enlist(struct database *database, struct span *span)
{
    span->next = database->spans;
    database->spans = span;
}

static bool name_is_good(const char *name)
{
    return *name && strlen(name) < STORE_NAME_BYTES;
}

static enum scheme_status store_create(struct database *database, uint32_t number, const char *name,
                                       size_t payload_max_bytes, struct table **result)
{
    struct table *table = mem_alloc(sizeof *table);
    if (!table)
        return SCHEME_NO_MEMORY;
    enum mae_status status = store_table_init(table, &database->budget, number, name, payload_max_bytes);
    if (status != MAE_OK)
        free(table);
    else
        *result = table;
    return (enum scheme_status)status;
}

/* Where rows have versions, these have the payloads. */
static enum scheme_status stores_create(struct database *database, const char *name, size_t payload_max_bytes,
                                        struct table **result)
{
    uint32_t number = database->table_count;
    if (!database->row_bytes)
        return store_create(database, number, name, payload_max_bytes, result);
    struct table *table, *versions;
    size_t version_bytes = CHAIN_VERSION_BYTES + payload_max_bytes;
    size_t inline_bytes = payload_max_bytes <= CHAIN_INLINE_MAX_BYTES ? version_bytes : 0;
    size_t row_bytes = database->row_bytes + inline_bytes;
    enum scheme_status status = store_create(database, number, name, row_bytes - ROW_HEADER_BYTES, &table);
    if (status != SCHEME_OK)
        return status;
    status = store_create(database, DATABASE_TABLES_MAX + number, name, version_bytes - ROW_HEADER_BYTES, &versions);
    if (status != SCHEME_OK) {
        table_free(table);
        return status;
    }
    table->payload_max_bytes = payload_max_bytes;
    table->versions = versions;
    table->inline_at = inline_bytes ? database->row_bytes : 0;
    *result = table;
    return SCHEME_OK;
}

static enum scheme_status table_create(struct database *database, const char *name, size_t payload_max_bytes,
                                       struct table **result)
{
    if (database->table_count == DATABASE_TABLES_MAX)
        return SCHEME_FULL;
    for (unsigned i = 0; i < database->table_count; i++)
        if (strcmp(database->tables[i]->name, name) == 0)
            return SCHEME_EXISTS;
    struct table *table;
    enum scheme_status status = stores_create(database, name, payload_max_bytes, &table);
    if (status != SCHEME_OK)
        return status;
    enlist(database, &table->span);
    if (table->versions)
        enlist(database, &table->versions->span);
    *result = database->tables[database->table_count++] = table;
    return SCHEME_OK;
}

enum scheme_status database_table_create(struct database *database, const char *name, size_t payload_max_bytes,
                                         struct table **table)
{
    if (!name_is_good(name))
        return SCHEME_INVALID;
    pthread_mutex_lock(&database->lock);
    enum scheme_status status = table_create(database, name, payload_max_bytes, table);
    pthread_mutex_unlock(&database->lock);
    return status;
}

static enum scheme_status index_create(struct database *database, struct table *table, const char *name,
                                       const struct index_config *config, struct table_index **result)
{
    if (database->index_count == DATABASE_INDEXES_MAX)
        return SCHEME_FULL;
    for (unsigned i = 0; i < database->index_count; i++)
        if (strcmp(database->indexes[i]->name, name) == 0)
            return SCHEME_EXISTS;
    struct table_index *index = mem_alloc(sizeof *index);
    if (!index)
        return SCHEME_NO_MEMORY;
    enum mae_status status = index_init(&index->index, &database->budget, config);
    if (status != MAE_OK) {
        free(index);
        return (enum scheme_status)status;
    }
    if (config->ordered) {
        enlist(database, &index->index.tree.span);
    } else {
        enlist(database, &index->index.hash.bucket_span);
        enlist(database, &index->index.hash.overflow_span);
    }
    index->table = table;
    index->key_bytes = config->key_bytes;
    index->non_unique = config->non_unique;
    index->number = database->index_count;
    index->words = !config->ordered && config->key_bytes == sizeof(uint64_t);
    strcpy(index->name, name);
    *result = database->indexes[database->index_count++] = index;
    return SCHEME_OK;
}

enum scheme_status database_index_create(struct database *database, struct table *table, const char *name,
                                         const struct index_config *config, struct table_index **index)
{
    if (!name_is_good(name))
        return SCHEME_INVALID;
    pthread_mutex_lock(&database->lock);
    enum scheme_status status = index_create(database, table, name, config, index);
    pthread_mutex_unlock(&database->lock);
    return status;
}

/* ---- Workers. ---- */

static struct worker *worker_create(struct database *database, const void *settings, size_t bytes, unsigned number)
{
    struct worker *worker = mem_alloc(bytes);
    if (!worker)
        return NULL;
    worker->database = database;
    worker->settings = settings;
    worker->number = number;
    worker->retries.random = number + 1;
    worker->epoch = &database->epochs.slots[number];
    if (row_set_init(&worker->rows) && node_set_init(&worker->nodes) && copies_grow(&worker->copies))
        return worker;
    worker_free(worker);
    return NULL;
}

static enum scheme_status join(struct database *database, const void *settings, size_t bytes, struct worker **result)
{
    unsigned used = atomic_load_explicit(&database->worker_count, memory_order_relaxed), number = 0;
    while (number < used && database->joined[number])
        number++;
    if (number == DATABASE_WORKERS_MAX)
        return SCHEME_FULL;
    if (number == used) {
        struct worker *worker = worker_create(database, settings, bytes, number);
        if (!worker)
            return SCHEME_NO_MEMORY;
        database->workers[number] = worker;
        epoch_use(&database->epochs, number);
        atomic_store_explicit(&database->worker_count, used + 1, memory_order_release); /* ORD-WORKER-1 */
    }
    database->joined[number] = true;
    *result = database->workers[number];
    return SCHEME_OK;
}

enum scheme_status database_join(struct database *database, const void *settings, size_t bytes, struct worker **worker)
{
    pthread_mutex_lock(&database->lock);
    enum scheme_status status = join(database, settings, bytes, worker);
    pthread_mutex_unlock(&database->lock);
    return status;
}

/* A row or a version, which come from stores alike, or a row's room for a version. */
static void give_back(struct retired *item, void *owner)
{
    struct worker *worker = owner;
    struct row *row = retired_row(item);
    uint32_t store = row->table;
    if (store == CHAIN_INLINE) {
        room_give_back(worker, (struct version *)row);
        return;
    }
    struct table *table = worker->database->tables[store % DATABASE_TABLES_MAX];
    store_give_back(store < DATABASE_TABLES_MAX ? table : table->versions, &worker->supplies[store], row);
}

static void collect(struct worker *worker)
{
    counter_add(worker, COUNTER_rows_reclaimed,
                epoch_collect(&worker->database->epochs, worker->epoch, give_back, worker));
}

/* Tries to move the epoch on until what is retired now can be given back. */
static void collect_hard(struct worker *worker)
{
    struct epochs *epochs = &worker->database->epochs;
    for (int i = 0; i < EPOCH_SAFE && worker->epoch->retired && epoch_advance(epochs); i++)
        collect(worker);
}

void worker_idle(struct worker *worker)
{
    if (worker->running)
        return;
    if (!MUTATED(worker_idle_in_epoch))
        epoch_leave(worker->epoch);
    collect_hard(worker);
}

void database_leave(struct worker *worker)
{
    struct database *database = worker->database;
    worker_idle(worker);
    pthread_mutex_lock(&database->lock);
    for (unsigned i = 0; i < database->table_count; i++) {
        struct table *table = database->tables[i];
        store_supply_fini(table, &worker->supplies[i]);
        if (table->versions)
            store_supply_fini(table->versions, &worker->supplies[table->versions->number]);
    }
    database->joined[worker->number] = false;
    pthread_mutex_unlock(&database->lock);
}

/* ---- Transactions. ---- */

static void retire_rows(struct worker *worker, uint16_t flag)
{
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        struct access *access = row_set_written(&worker->rows, i);
        if (access->flags & flag)
            epoch_retire(worker->epoch, row_retired(access->row));
    }
}

void worker_end(struct worker *worker, bool committed)
{
    if (UNLIKELY(worker->retiring) && (committed || !MUTATED(worker_aborted_rows_kept)))
        retire_rows(worker, committed ? ACCESS_ERASE : ACCESS_FRESH);
    worker->running = false;
    if (LIKELY(worker->epoch->retired == 0))
        return;
    if (worker->doom == SCHEME_ABORTED(MEMORY)) {
        epoch_leave(worker->epoch);
        collect_hard(worker);
    } else if (worker->epoch->retired >= (MUTATED(worker_collects_late) ? 100 : 1) * worker->database->collect_after) {
        epoch_leave(worker->epoch);
        epoch_advance(&worker->database->epochs);
        if (worker->database->row_bytes)
            epoch_enter(&worker->database->epochs, worker->epoch); /* C8 */
        collect(worker);
    }
}

/* `largest`: of stamps that the worker has met. */
static void meet_stamp(uint64_t *largest, const struct index_node *node)
{
    uint64_t stamp = node_stamp(node);
    if (stamp > *largest)
        *largest = stamp;
}

enum scheme_status worker_take_row(struct worker *worker, struct table *table, struct row **row)
{
    struct row_supply *supply = &worker->supplies[table->number];
    enum mae_status status = store_take(table, supply, row);
    if (UNLIKELY(status != MAE_OK) && worker->epoch->retired) {
        collect_hard(worker);
        status = store_take(table, supply, row);
        if (status != MAE_OK && worker->epoch->retired)
            return SCHEME_ABORTED(MEMORY);
    }
    meet_stamp(&worker->stamp, &table->growth);
    return (enum scheme_status)status;
}

/* No entry has gone from the node since the time as of which the transaction reads. */
static bool node_is_as_of(const struct worker *worker, const struct index_node *node)
{
    return node_stamp(node) <= worker->as_of || MUTATED(stamp_unchecked);
}

enum scheme_status worker_note(struct worker *worker, struct node_seen seen)
{
    bool same;
    if (worker->as_of)
        return node_is_as_of(worker, seen.node) ? SCHEME_OK : worker_doom(worker, SCHEME_ABORTED(NODE_CHECK));
    meet_stamp(&worker->met, seen.node);
    if (!node_set_note(&worker->nodes, seen, &same))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    return same ? SCHEME_OK : worker_doom(worker, SCHEME_ABORTED(NODE_CHECK));
}

enum scheme_status worker_follow(struct worker *worker, const struct node_changes *changes)
{
    bool same;
    for (unsigned i = 0; i < changes->count; i++)
        meet_stamp(&worker->stamp, changes->list[i].node);
    if (worker->as_of)
        return worker->stamp <= worker->as_of ? SCHEME_OK : worker_doom(worker, SCHEME_ABORTED(NODE_CHECK));
    if (!node_set_follow(&worker->nodes, changes, &same))
        return worker_doom(worker, SCHEME_NO_MEMORY);
    return same ? SCHEME_OK : worker_doom(worker, SCHEME_ABORTED(NODE_CHECK));
}

struct raise {
    uint64_t stamp;
    bool changed;
};

static bool raise_leaf(void *arg, struct node_seen seen)
{
    struct raise *raise = arg;
    node_raise(seen.node, raise->stamp);
    raise->changed |= node_version(seen.node) != seen.version;
    return true;
}

static bool visit_on(void *arg, const void *key, uint64_t ref)
{
    (void)arg, (void)key, (void)ref;
    return true;
}

/* Raises the stamp of the entry's node, which a node that takes over from it then gets, too (node.h, N4). Ends: each
 * time others have changed the node. */
static void raise_stamp(const struct entry_change *change, uint64_t stamp)
{
    const struct index *index = &change->index->index;
    struct raise raise;
    do {
        raise = (struct raise){stamp, false};
        if (change->index->non_unique) {
            tree_scan(&index->tree, change->key, change->key, 0, visit_on, raise_leaf, &raise);
        } else {
            uint64_t ref;
            struct node_seen seen;
            (void)index_find(index, change->key, &ref, &seen);
            (void)raise_leaf(&raise, seen);
        }
    } while (raise.changed);
}

void worker_apply_entries(struct worker *worker, uint64_t stamp)
{
    for (uint32_t i = 0; i < worker->entries.count; i++) {
        struct entry_change *change = &worker->entries.list[i];
        struct node_changes changes = {0};
        enum mae_status status = MAE_OK;
        if (stamp && change->flags & (ENTRY_REMOVED | ENTRY_REPLACED))
            raise_stamp(change, stamp);
        RACE(ENTRY_APPLY);
        if (change->flags & ENTRY_REPLACED)
            status = index_replace(&change->index->index, change->key, change->ref, change->new_ref, &changes);
        else if (change->flags & ENTRY_REMOVED)
            status = index_remove(&change->index->index, change->key, change->ref, &changes);
        MAE_CHECK(status == MAE_OK); /* EN1, EN2: only this transaction may take the entry out */
    }
}

void worker_undo_entries(struct worker *worker)
{
    for (uint32_t i = worker->entries.count; i-- > 0;) {
        struct entry_change *change = &worker->entries.list[i];
        struct node_changes changes = {0};
        if (!(change->flags & ENTRY_ADDED))
            continue;
        RACE(ENTRY_UNDO);
        MAE_CHECK(index_remove(&change->index->index, change->key, change->ref, &changes) == MAE_OK); /* EN1 */
    }
}

/* ---- Verification. ---- */

struct verify {
    const struct table_index *index;
    char *report;
    size_t report_bytes;
    bool bad;
};

static bool verify_entry(void *arg, const void *key, uint64_t ref)
{
    struct verify *verify = arg;
    const struct table *table = verify->index->table;
    (void)key;
    if (ref < table_limit(table) && row_size(table_row(table, ref)))
        return true;
    snprintf(verify->report, verify->report_bytes, "index %s: an entry leads to row %" PRIu64 ", which is not there",
             verify->index->name, ref);
    verify->bad = true;
    return false;
}

static bool any_leaf(void *arg, struct node_seen seen)
{
    (void)arg, (void)seen;
    return true;
}

static enum scheme_status verify_index(struct verify *verify)
{
    const struct index *index = &verify->index->index;
    uint64_t entries, nodes;
    if (index->ordered) {
        if (tree_verify(&index->tree, &entries, &nodes, verify->report, verify->report_bytes) != MAE_OK)
            return SCHEME_CORRUPT;
        tree_scan(&index->tree, NULL, NULL, 0, verify_entry, any_leaf, verify);
    } else if (!hash_walk(&index->hash, verify_entry, verify) && !verify->bad) {
        snprintf(verify->report, verify->report_bytes, "index %s: an entry is in a bucket that is not its key's",
                 verify->index->name);
        return SCHEME_CORRUPT;
    }
    return verify->bad ? SCHEME_CORRUPT : SCHEME_OK;
}

enum scheme_status database_verify(const struct database *database, char *report, size_t report_bytes)
{
    *report = '\0';
    for (unsigned i = 0; i < database->index_count; i++) {
        struct verify verify = {database->indexes[i], report, report_bytes, false};
        enum scheme_status status = verify_index(&verify);
        if (status != SCHEME_OK)
            return status;
    }
    return SCHEME_OK;
}
