/* db.c - opening, closing and the catalogue; see maemio.h. */
#include "engine/db/db.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine/base/check.h"
#include "engine/base/tsc.h"
#include "engine/db/index_ops.h"
#include "engine/txn/commit.h"
#include "engine/txn/membership.h"

enum mae_status mae_open(const struct mae_options *options, struct mae_db **opened)
{
    struct mae_options defaults;
    if (!opened)
        return MAE_INVALID;
    if (!options) {
        options_init(&defaults);
        options = &defaults;
    }
    struct mae_db *db = mem_alloc(sizeof *db);
    if (!db)
        return MAE_NO_MEMORY;
    enum mae_status status = core_init(&db->core, options);
    if (status != MAE_OK) {
        free(db);
        return status;
    }
    pthread_mutex_init(&db->lock, NULL);
    db->spans = &db->core.arena.span;
    *opened = db;
    return MAE_OK;
}

void mae_close(struct mae_db *db)
{
    if (!db)
        return;
    maintenance_close(db);
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        struct mae_worker *worker = atomic_load_explicit(&db->core.workers[i], memory_order_acquire);
        MAE_CHECK(!worker || !atomic_load_explicit(&worker->joined, memory_order_acquire)); /* workers leave first */
    }
    for (unsigned i = 0; i < db->table_count; i++)
        table_fini(db->tables[i]);
    for (unsigned i = 0; i < db->index_count; i++) {
        db->indexes[i]->ops->fini(db->indexes[i]);
        free(db->indexes[i]);
    }
    for (unsigned i = 0; i < db->named_count; i++)
        free(db->named[i]);
    pthread_mutex_destroy(&db->lock);
    core_fini(&db->core);
    free(db);
}

/* ---- Catalogue. The lock is held. ---- */

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

/* Registers a table under the next id. */
static enum mae_status add_table(struct mae_db *db, struct table *table, size_t payload_max_bytes, bool is_node,
                                 uint64_t expected_rows)
{
    if (db->table_count == CATALOG_MAX)
        return MAE_FULL;
    enum mae_status status = table_init(table, &db->core.budget, &db->core.arena, db->table_count, payload_max_bytes,
                                        db->core.options.inline_bytes, expected_rows);
    if (status != MAE_OK)
        return status;
    table->is_node = is_node;
    table->rows.next = db->spans;
    db->spans = &table->rows;
    db->tables[db->table_count++] = table;
    return MAE_OK;
}

static void drop_last_table(struct mae_db *db)
{
    MAE_DCHECK(db->table_count > 0);
    MAE_DCHECK(db->spans == &db->tables[db->table_count - 1]->rows);
    struct table *table = db->tables[--db->table_count];
    db->spans = table->rows.next;
    table_fini(table);
}

enum mae_status mae_table_create(struct mae_db *db, const char *name, const struct mae_table_config *config,
                                 struct mae_table **created)
{
    if (!db || !name_is_valid(name) || !config || !created || config->payload_max_bytes < 1 ||
        config->payload_max_bytes > MAE_PAYLOAD_MAX_BYTES)
        return MAE_INVALID;
    struct mae_table *table = mem_alloc(sizeof *table);
    if (!table)
        return MAE_NO_MEMORY;
    pthread_mutex_lock(&db->lock);
    enum mae_status status = named_table(db, name)
                                 ? MAE_EXISTS
                                 : add_table(db, &table->rows, config->payload_max_bytes, false, config->expected_rows);
    if (status == MAE_OK) {
        table->db = db;
        strcpy(table->name, name);
        db->named[db->named_count++] = table;
        *created = table;
    }
    pthread_mutex_unlock(&db->lock);
    if (status != MAE_OK)
        free(table);
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
    drop_last_table(db);
drop_nodes:
    drop_last_table(db);
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
    db_worker_leave(worker, db->table_count);
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
        return create_simple(db, index, config);
    enum mae_status status =
        add_table(db, &index->nodes, tree_index_node_bytes(config->key_bytes, config->non_unique), true, 0);
    if (status != MAE_OK)
        return status;
    index->ops = &tree_index_ops;
    tree_index_init(&index->tree, &index->nodes, config->key_bytes, config->non_unique);
    status = create_root(db, index);
    if (status != MAE_OK)
        drop_last_table(db);
    return status;
}

enum mae_status mae_index_create(struct mae_db *db, struct mae_table *table, const char *name,
                                 const struct mae_index_config *config, struct mae_index **created)
{
    if (!db || !table || table->db != db || !name_is_valid(name) || !config || !created ||
        config->key_bytes < MAE_KEY_MIN_BYTES || config->key_bytes > MAE_KEY_MAX_BYTES ||
        (config->kind != MAE_INDEX_HASH && config->kind != MAE_INDEX_ORDERED) ||
        (config->kind == MAE_INDEX_HASH && config->non_unique))
        return MAE_INVALID;
    struct mae_index *index = mem_alloc(sizeof *index);
    if (!index)
        return MAE_NO_MEMORY;
    pthread_mutex_lock(&db->lock);
    enum mae_status status = MAE_EXISTS;
    if (db->index_count == CATALOG_MAX)
        status = MAE_FULL;
    else if (!named_index(db, name))
        status = config->kind == MAE_INDEX_HASH ? create_hash(db, index, config) : create_tree(db, index, config);
    if (status == MAE_OK) {
        index->kind = config->kind;
        index->table = table;
        strcpy(index->name, name);
        db->indexes[db->index_count++] = index;
        *created = index;
    }
    pthread_mutex_unlock(&db->lock);
    if (status != MAE_OK)
        free(index);
    return status;
}

struct mae_table *mae_table_find(struct mae_db *db, const char *name)
{
    pthread_mutex_lock(&db->lock);
    struct mae_table *table = named_table(db, name);
    pthread_mutex_unlock(&db->lock);
    return table;
}

struct mae_index *mae_index_by_name(struct mae_db *db, const char *name)
{
    pthread_mutex_lock(&db->lock);
    struct mae_index *index = named_index(db, name);
    pthread_mutex_unlock(&db->lock);
    return index;
}
