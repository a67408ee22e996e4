/*
 * host.h - what the owner of tables and indexes does for checkpoints and recoveries: the catalogue stands above them.
 */
#ifndef ENGINE_DURABLE_HOST_H
#define ENGINE_DURABLE_HOST_H

#include "engine/index/position.h"
#include "engine/maemio.h"
#include "engine/store/table.h"

struct durable_index {
    uint64_t number;
    size_t key_bytes;
    void *index; /* the owner's */
};

struct durable_host {
    void *owner;
    /* The table of rows, or the index, with this number. NULL or false: there is none. */
    struct table *(*table)(void *owner, uint64_t number);
    bool (*index)(void *owner, uint64_t number, struct durable_index *index);
    /* The i-th, in the order in which they were made. Any thread. */
    struct table *(*table_at)(void *owner, size_t i);
    bool (*index_at)(void *owner, size_t i, struct durable_index *index);
    /* Adds an entry. */
    enum mae_status (*add)(struct mae_txn *txn, void *index, const void *key, uint64_t row);
    /* Visits the next entries, about until `visit` returns false, and moves the position on. MAE_NOT_FOUND: it was at
     * the end. */
    enum mae_status (*walk)(struct mae_txn *txn, void *index, struct index_position *position, mae_entry_fn visit,
                            void *arg);
};

#endif
