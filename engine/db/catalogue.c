/* catalogue.c - the tables and indexes of a database, by name: making them, also anew from a log's manifest, and
 * finding them; see maemio.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine/base/check.h"
#include "engine/base/tsc.h"
#include "engine/db/db.h"
#include "engine/db/index_ops.h"
#include "engine/txn/commit.h"
#include "engine/txn/membership.h"

/* ---- What the functions below are made of. The lock is held. ---- */

static struct mae_table *named_table(const struct mae_db *db, const char *name)
{
    for (unsigned i = 0; i < db->named_count; i++)
        if (strcmp(db->named[i]->name, name) == 0)
            return db->named[i];
    return NULL;
}

static struct mae_index *named_index(const struct mae_db *db, const char *name)
{
    for (unsigned i = 0; i < db->index_count; i++)
        if (strcmp(db->indexes[i]->name, name) == 0)
            return db->indexes[i];
    return NULL;
}

static bool name_is_valid(const char *name)
{
    return name && name[0] && strlen(name) < NAME_BYTES;
}

static unsigned free_id(const struct mae_db *db)
{
    unsigned id = 0;
    while (id < db->table_count && db->tables[id])
        id++;
    return id;
}

/* Registers a table under the first free id. */
static enum mae_status add_table(struct mae_db *db, struct table *table, size_t payload_max_bytes, bool is_node,
                                 uint64_t expected_rows)
{
    const unsigned id = free_id(db);
    if (id == CATALOG_MAX)
        return MAE_FULL;
    enum mae_status status = table_init(table, &db->core.budget, &db->core.arena, id, payload_max_bytes,
                                        db->core.options.inline_bytes, expected_rows);
    if (status != MAE_OK)
        return status;
    table->is_node = is_node;
    table->rows.next = db->spans;
    db->spans = &table->rows;
    db->tables[id] = table;
    if (id == db->table_count)
        db->table_count++;
    return MAE_OK;
}

void db_remove_span(struct mae_db *db, struct span *span)
{
    struct span **at = &db->spans;
    while (*at != span)
        at = &(*at)->next; /* ends: it is in the list */
    *at = span->next;
}

void db_remove_table(struct mae_db *db, struct table *table)
{
    MAE_DCHECK(db->tables[table->id] == table);
    db_remove_span(db, &table->rows);
    db->tables[table->id] = NULL;
    table_fini(table);
}

/* Makes the table that `object` describes. If it has no number (one that is restored has), the log gives it one. */
static enum mae_status create_table(struct mae_db *db, struct manifest_object *object, struct mae_table **created)
{
    const struct mae_table_config *config = &object->table_config;
    if (named_table(db, object->name))
        return MAE_EXISTS;
    struct mae_table *table = mem_alloc(sizeof *table);
    if (!table)
        return MAE_NO_MEMORY;
    enum mae_status status = add_table(db, &table->rows, config->payload_max_bytes, false, config->expected_rows);
    if (status == MAE_OK && db->durable && object->number == 0) {
        status = durable_create(db->durable, object);
        if (status != MAE_OK)
            db_remove_table(db, &table->rows);
    }
    if (status != MAE_OK) {
        free(table);
        return status;
    }
    table->rows.number = object->number;
    atomic_store_explicit(&table->db, db, memory_order_relaxed); /* published by the catalogue's lock */
    table->config = *config;
    strcpy(table->name, object->name);
    db->named[db->named_count++] = table;
    *created = table;
    return MAE_OK;
}

static bool table_is_valid(const char *name, const struct mae_table_config *config)
{
    return name_is_valid(name) && config && config->payload_max_bytes >= 1 &&
           config->payload_max_bytes <= MAE_PAYLOAD_MAX_BYTES;
}

enum mae_status db_restore_table(struct mae_db *db, const struct manifest_object *object)
{
    struct mae_table *table;
    struct manifest_object same = *object;
    return table_is_valid(same.name, &same.table_config) ? create_table(db, &same, &table) : MAE_CORRUPT;
}

enum mae_status mae_table_create(struct mae_db *db, const char *name, const struct mae_table_config *config,
                                 struct mae_table **created)
{
    if (!db || !table_is_valid(name, config) || !created)
        return MAE_INVALID;
    struct manifest_object object = {.kind = MANIFEST_TABLE, .table_config = *config};
    strcpy(object.name, name);
    pthread_mutex_lock(&db->lock);
    enum mae_status status = create_table(db, &object, created);
    pthread_mutex_unlock(&db->lock);
    return status;
}

/* The seed is drawn for each index, unless the option fixes it. If the system has no entropy yet, it is the clock. */
static uint64_t hash_seed(const struct mae_db *db)
{
    uint64_t seed = db->core.options.hash_seed;
    if (seed == 0 && getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = hash_mix(tsc_now());
    return seed;
}

static enum mae_status create_hash(struct mae_db *db, struct mae_index *index, const struct mae_index_config *config)
{
    size_t bytes = hash_index_bucket_bytes(config->key_bytes);
    index->ops = &hash_index_ops;
    enum mae_status status =
        add_table(db, &index->nodes, bytes, true, config->expected_rows / 2 /* a bucket has more entries */);
    if (status != MAE_OK)
        return status;
    status = add_table(db, &index->overflow, bytes, true, 0);
    if (status != MAE_OK)
        goto drop_nodes;
    status = hash_index_init(&index->hash, &index->nodes, &index->overflow, config->key_bytes, config->expected_rows,
                             hash_seed(db));
    if (status == MAE_OK)
        return MAE_OK;
    db_remove_table(db, &index->overflow);
drop_nodes:
    db_remove_table(db, &index->nodes);
    return status;
}

/* A worker of the database's own makes the root, before any other worker can use the index. */
static enum mae_status create_root(struct mae_db *db, struct mae_index *index)
{
    struct mae_worker *worker;
    struct mae_txn *txn;
    enum mae_status status = worker_join_own(&db->core, &worker);
    if (status != MAE_OK)
        return status;
    status = txn_begin(worker, MAE_READ_WRITE, 0, &txn);
    if (status == MAE_OK) {
        status = tree_index_create_root(txn, &index->tree);
        if (status == MAE_OK)
            status = txn_commit(txn);
        else
            txn_abort(txn);
    }
    db_worker_leave(worker);
    return status == MAE_ABORT_MEMORY ? MAE_NO_MEMORY : status; /* the caller has no transaction to retry */
}

static enum mae_status create_simple(struct mae_db *db, struct mae_index *index, const struct mae_index_config *config)
{
    enum mae_status status = tree_simple_init(&index->simple, &db->core.budget, config->key_bytes, config->non_unique);
    if (status != MAE_OK)
        return status;
    index->ops = &simple_index_ops;
    index->simple.span.next = db->spans;
    db->spans = &index->simple.span;
    return MAE_OK;
}

static enum mae_status create_tree(struct mae_db *db, struct mae_index *index, const struct mae_index_config *config)
{
    if (db->core.options.simple_index_update)
        return config->variable ? MAE_UNSUPPORTED : create_simple(db, index, config);
    enum mae_status status = add_table(db, &index->nodes, tree_index_node_bytes(config), true, 0);
    if (status != MAE_OK)
        return status;
    index->ops = &tree_index_ops;
    tree_index_init(&index->tree, &index->nodes, config);
    status = create_root(db, index);
    if (status != MAE_OK)
        db_remove_table(db, &index->nodes);
    return status;
}

/* Undoes create_hash or create_tree. With a log there are no others. */
static void undo_index(struct mae_db *db, struct mae_index *index)
{
    db_remove_table(db, &index->nodes);
    if (index_is_hashed(index))
        db_remove_table(db, &index->overflow);
}

/* As create_table. */
static enum mae_status create_index(struct mae_db *db, struct mae_table *table, struct manifest_object *object,
                                    struct mae_index **created)
{
    const struct mae_index_config *config = &object->index_config;
    if (db->index_count == CATALOG_MAX)
        return MAE_FULL;
    if (named_index(db, object->name))
        return MAE_EXISTS;
    struct mae_index *index = mem_alloc(sizeof *index);
    if (!index)
        return MAE_NO_MEMORY;
    atomic_store_explicit(&index->kind, config->kind, memory_order_relaxed);
    atomic_store_explicit(&index->db, db, memory_order_relaxed); /* published by the catalogue's lock */
    index->table = table;
    index->config = *config;
    strcpy(index->name, object->name);
    enum mae_status status =
        config->kind == MAE_INDEX_HASH ? create_hash(db, index, config) : create_tree(db, index, config);
    if (status == MAE_OK && db->durable && object->number == 0) {
        status = durable_create(db->durable, object);
        if (status != MAE_OK)
            undo_index(db, index);
    }
    if (status != MAE_OK) {
        free(index);
        return status;
    }
    index->number = object->number;
    db->indexes[db->index_count++] = index;
    *created = index;
    return MAE_OK;
}

static bool index_is_valid(const char *name, const struct mae_index_config *config)
{
    if (!name_is_valid(name) || !config)
        return false;
    if (config->variable)
        return config->kind == MAE_INDEX_ORDERED && config->key_bytes >= 1 && config->key_bytes <= MAE_KEY_DATA_BYTES;
    return config->key_bytes >= MAE_KEY_MIN_BYTES && config->key_bytes <= MAE_KEY_MAX_BYTES &&
           (config->kind == MAE_INDEX_ORDERED || (config->kind == MAE_INDEX_HASH && !config->non_unique));
}

enum mae_status db_restore_index(struct mae_db *db, const struct manifest_object *object)
{
    struct mae_index *index;
    struct manifest_object same = *object;
    if (!index_is_valid(same.name, &same.index_config))
        return MAE_CORRUPT;
    for (unsigned i = 0; i < db->named_count; i++)
        if (db->named[i]->rows.number == object->table)
            return create_index(db, db->named[i], &same, &index);
    return MAE_CORRUPT;
}

enum mae_status mae_index_create(struct mae_db *db, struct mae_table *table, const char *name,
                                 const struct mae_index_config *config, struct mae_index **created)
{
    if (!db || !table || !index_is_valid(name, config) || !created)
        return MAE_INVALID;
    struct manifest_object object = {.kind = MANIFEST_INDEX, .table = table->rows.number, .index_config = *config};
    strcpy(object.name, name);
    pthread_mutex_lock(&db->lock);
    bool fits = atomic_load_explicit(&table->db, memory_order_relaxed) == db;
    enum mae_status status = fits ? create_index(db, table, &object, created) : MAE_INVALID;
    pthread_mutex_unlock(&db->lock);
    return status;
}

struct mae_table *mae_table_find(struct mae_db *db, const char *name)
{
    pthread_mutex_lock(&db->lock);
    struct mae_table *table = named_table(db, name);
    pthread_mutex_unlock(&db->lock);
    return table;
}

/* The one behind `now` in a list of `count`, the first if that is NULL, or NULL. */
static void *next_of(void *const *list, unsigned count, const void *now)
{
    unsigned i = 0;
    while (now && i < count && list[i++] != now) {
    }
    return i < count ? list[i] : NULL;
}

struct mae_table *mae_table_next(struct mae_db *db, const struct mae_table *table)
{
    pthread_mutex_lock(&db->lock);
    struct mae_table *next = next_of((void *const *)db->named, db->named_count, table);
    pthread_mutex_unlock(&db->lock);
    return next;
}

struct mae_index *mae_index_next(struct mae_db *db, const struct mae_index *index)
{
    pthread_mutex_lock(&db->lock);
    struct mae_index *next = next_of((void *const *)db->indexes, db->index_count, index);
    pthread_mutex_unlock(&db->lock);
    return next;
}

const char *mae_table_name(const struct mae_table *table)
{
    return table->name;
}

const char *mae_index_name(const struct mae_index *index)
{
    return index->name;
}

void mae_table_config_of(const struct mae_table *table, struct mae_table_config *config)
{
    *config = table->config;
}

void mae_index_config_of(const struct mae_index *index, struct mae_index_config *config)
{
    *config = index->config;
}

struct mae_table *mae_index_table(const struct mae_index *index)
{
    return index->table;
}

struct mae_index *mae_index_by_name(struct mae_db *db, const char *name)
{
    pthread_mutex_lock(&db->lock);
    struct mae_index *index = named_index(db, name);
    pthread_mutex_unlock(&db->lock);
    return index;
}
