/*
 * host.h - what the owner of tables and indexes does for checkpoints and recoveries: the catalogue stands above them.
 */
#ifndef ENGINE_DURABLE_HOST_H
#define ENGINE_DURABLE_HOST_H

#include "engine/index/hash_index.h"
#include "engine/index/position.h"
#include "engine/index/tree_index.h"
#include "engine/maemio.h"
#include "engine/store/table.h"
#include "engine/txn/worker.h"

struct durable_index {
    uint64_t number;
    struct mae_index_config config;
    struct hash_index *hash; /* the one or the other, else NULL */
    struct tree_index *tree;
    struct table *rows; /* to which the entries lead */
    void *index;        /* the owner's */
};

/* Whether an index can have keys of so many bytes. */
static inline bool index_has_keys_of(const struct mae_index_config *config, size_t bytes)
{
    return config->variable ? bytes >= 1 && bytes <= config->key_bytes : bytes == config->key_bytes;
}

struct durable_host {
    void *owner;
    /* The table of rows with this number, or NULL. */
    struct table *(*table)(void *owner, uint64_t number);
    /* The first that was made after the one with this number, so that none is left out when others are dropped
     * meanwhile. NULL or false: there is none. Any thread. */
    struct table *(*table_after)(void *owner, uint64_t number);
    bool (*index_after)(void *owner, uint64_t number, struct durable_index *index);
    /* Ends a worker that has used any tables. */
    void (*leave)(struct mae_worker *worker);
    /* Visits the next entries, about until `visit` returns false, and moves the position on. MAE_NOT_FOUND: it was at
     * the end. */
    enum mae_status (*walk)(struct mae_txn *txn, void *index, struct index_position *position, mae_entry_fn visit,
                            void *arg);
};

#endif
