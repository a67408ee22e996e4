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
    struct mae_db *db;
    char name[NAME_BYTES];
    struct mae_table_config config;
};

struct index_ops;

struct mae_index {
    enum mae_index_kind kind;
    const struct index_ops *ops; /* of the member of the union below that it uses */
    struct mae_table *table;     /* whose rows the entries lead to */
    size_t key_bytes;
    uint64_t number; /* in the log; 0 without one */
    char name[NAME_BYTES];
    union {
        struct hash_index hash;
        struct tree_index tree;
        struct tree_simple simple; /* an ordered one with simple_index_update=on */
    };
    struct table nodes, overflow; /* of `hash`; `tree` has no overflow, `simple` neither */
    struct mae_index_config config;
};

struct mae_db {
    struct core core;
    /* The catalogue only grows; readers need no lock once they have a pointer. */
    pthread_mutex_t lock;
    struct table *tables[CATALOG_MAX]; /* by id: rows of tables and nodes of indexes */
    struct mae_table *named[CATALOG_MAX];
    struct mae_index *indexes[CATALOG_MAX];
    unsigned table_count, named_count, index_count;
    struct span *spans; /* all there are, the newest first: the memory of mae_db_memory */
    struct maintenance *maintenance;
    struct durable *durable;   /* NULL without a log */
    struct mae_worker *logger; /* the worker of its own that the log has */
};

/* The database of a worker. */
static inline struct mae_db *db_of(const struct mae_worker *worker)
{
    return (struct mae_db *)(void *)((char *)worker->core - offsetof(struct mae_db, core));
}

/* workers.c: ends a caller's worker or one of the database's own, and frees what indexes have kept for it. The worker
 * may have used only tables with ids below table_count. */
void db_worker_leave(struct mae_worker *worker, unsigned table_count);

/* durability.c: opens the log's folder if the options name one, and restores what it holds; ends the log. */
enum mae_status durability_open(struct mae_db *db);
void durability_close(struct mae_db *db);

/* catalogue.c: make what the manifest names. */
enum mae_status db_restore_table(struct mae_db *db, const struct manifest_object *object);
enum mae_status db_restore_index(struct mae_db *db, const struct manifest_object *object);

/* Stops the maintenance thread if it runs; maintenance.c. */
void maintenance_close(struct mae_db *db);

#endif
