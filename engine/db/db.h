/*
 * db.h - a database: the core that workers share, and the catalogue of tables and indexes.
 */
#ifndef ENGINE_DB_DB_H
#define ENGINE_DB_DB_H

#include "engine/durable/durable.h"
#include "engine/index/hash_index.h"
#include "engine/index/tree_index.h"
#include "engine/index/tree_simple.h"
#include "engine/txn/worker.h"

enum { CATALOG_MAX = 1024, NAME_BYTES = MAE_NAME_MAX_BYTES + 1 };

struct mae_table {
    struct table rows;
    _Atomic(struct mae_db *) db; /* NULL: it has been dropped, or is about to be (drop.c) */
    char name[NAME_BYTES];
    struct mae_table_config config;
    struct mae_table *next_dropped;
};

struct index_ops;

/* Besides enum mae_index_kind: the index has been dropped, or is about to be, so no call takes a short way to it. */
enum { INDEX_DROPPED = MAE_INDEX_ORDERED + 1 };

struct mae_index {
    _Atomic uint32_t kind;
    _Atomic(struct mae_db *) db; /* as of a table */
    const struct index_ops *ops; /* of the member of the union below that it uses */
    struct mae_table *table;     /* whose rows the entries lead to */
    uint64_t number;             /* in the log; 0 without one */
    char name[NAME_BYTES];
    union {
        struct hash_index hash;
        struct tree_index tree;
        struct tree_simple simple; /* an ordered one with simple_index_update=on */
    };
    struct table nodes, overflow; /* of `hash`; `tree` has no overflow, `simple` neither */
    struct mae_index_config config;
    struct mae_index *next_dropped;
    bool freed; /* it has been dropped, and its memory has been given back */
};

struct mae_db {
    struct core core;
    /* A reader needs no lock once it has a pointer: what is dropped leaves the lists, and stays in memory. */
    pthread_mutex_t lock;
    struct table *tables[CATALOG_MAX]; /* by id: rows of tables and nodes of indexes; NULL: the id is free */
    struct mae_table *named[CATALOG_MAX];
    struct mae_index *indexes[CATALOG_MAX];
    unsigned table_count, named_count, index_count; /* all ids are below table_count */
    struct mae_table *dropped_tables;
    struct mae_index *dropped_indexes;
    struct span *spans; /* all there are, the newest first: the memory of mae_db_memory */
    struct maintenance *maintenance;
    struct durable *durable;   /* NULL without a log */
    struct mae_worker *logger; /* the worker of its own that the log has */
};

/* A key's bytes, without the length that stands before those of variable length, and how many they are. */
static inline const void *index_key_data(const struct mae_index *index, const void *key)
{
    return index->config.variable ? (const char *)key + 1 : key;
}

static inline size_t index_key_length(const struct mae_index *index, const void *key)
{
    return index->config.variable ? *(const unsigned char *)key : index->config.key_bytes;
}

/* Whether the index can have this key. Calls that look for others find none. */
static inline bool index_has_key(const struct mae_index *index, const void *key)
{
    const size_t length = index_key_length(index, key);
    return !index->config.variable || (length > 0 && length <= index->config.key_bytes);
}

/* The database of a worker. */
static inline struct mae_db *db_of(const struct mae_worker *worker)
{
    return (struct mae_db *)(void *)((char *)worker->core - offsetof(struct mae_db, core));
}

/* workers.c: ends a caller's worker or one of the database's own, and frees what indexes have kept for it. */
void db_worker_leave(struct mae_worker *worker);

/* durability.c: opens the log's folder if the options name one, and restores what it holds; ends the log. */
enum mae_status durability_open(struct mae_db *db);
enum mae_status durability_close(struct mae_db *db);

/* catalogue.c: make what the manifest names. */
enum mae_status db_restore_table(struct mae_db *db, const struct manifest_object *object);
enum mae_status db_restore_index(struct mae_db *db, const struct manifest_object *object);

/* catalogue.c: takes a table of rows or nodes out of the lists, and gives its memory back. */
void db_remove_table(struct mae_db *db, struct table *table);
void db_remove_span(struct mae_db *db, struct span *span);

/* drop.c: frees what is left of dropped tables and indexes. Their tables of rows and nodes have been freed. */
void drop_close(struct mae_db *db);

/* Whether calls by key may take the short way of a hash index. ORD-4. */
static ALWAYS_INLINE bool index_is_hashed(const struct mae_index *index)
{
    return atomic_load_explicit(&index->kind, memory_order_relaxed) == MAE_INDEX_HASH;
}

/* Stops the maintenance thread if it runs; maintenance.c. */
void maintenance_close(struct mae_db *db);

#endif
