/*
 * host.h - what the owner of tables and indexes does for checkpoints and recoveries: the catalogue stands above them.
 */
#ifndef ENGINE_DURABLE_HOST_H
#define ENGINE_DURABLE_HOST_H

#include "engine/index/position.h"
#include "engine/maemio.h"
#include "engine/store/table.h"
#include "engine/txn/worker.h"

struct durable_index {
    uint64_t number;
    size_t key_bytes;
    bool hashed; /* `order` spreads keys evenly */
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
    /* For a recovery, by any thread. Where the key stands in the index, roughly: whoever adds keys by this order goes
     * through the index from one end to the other. */
    uint64_t (*order)(void *index, const void *key);
    /* So many entries will be added; none has been. MAE_OK, MAE_NO_MEMORY, MAE_NO_ADDRESSES. */
    enum mae_status (*expect)(void *index, uint64_t count);
    /* Adds an entry without a write of its row, which must be there. When it is committed, `added` has the row count it
     * (I4); one thread at a time for a row. */
    enum mae_status (*add)(struct mae_txn *txn, void *index, const void *key, uint64_t row);
    enum mae_status (*added)(void *index, uint64_t row);
    /* Ends a worker that has used any tables. */
    void (*leave)(void *owner, struct mae_worker *worker);
    /* Visits the next entries, about until `visit` returns false, and moves the position on. MAE_NOT_FOUND: it was at
     * the end. */
    enum mae_status (*walk)(struct mae_txn *txn, void *index, struct index_position *position, mae_entry_fn visit,
                            void *arg);
};

#endif
