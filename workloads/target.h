/*
 * target.h - what a workload needs from a database.
 *
 * A workload speaks only to a target, so that every engine and scheme runs the very same requests. The calls mirror the
 * native engine's (engine/maemio.h, whose statuses they return), because that is the target that must not pay for the
 * indirection: reads return a pointer into the version, updates a pointer into the new version. A target that has no
 * such pointers copies into buffers of its own.
 *
 * Threads. target_ops.open, table_create, index_create and the statistics run on any thread, one at a time. A
 * target_worker and its transaction belong to the thread that joined.
 *
 * Failure. As in engine/maemio.h: after a status for which mae_status_is_abort() is true the workload calls abort and
 * may run the transaction again if mae_status_is_retryable().
 *
 * `ref` names a row inside the target (native: the row id); it is what secondary indexes lead to.
 */
#ifndef WORKLOADS_TARGET_H
#define WORKLOADS_TARGET_H

#include "engine/maemio.h"

struct target; /* an open database; each binding defines its own structs behind these names */
struct target_worker;
struct target_txn;
struct target_table;
struct target_index;

/* What the target guarantees; printed beside every result, and what decides which checks apply. */
struct target_guarantees {
    bool transactional; /* false: no isolation and no roll-back at all ("not transactional") */
    bool serializable;
    bool phantom_safe;
    bool durable;
    unsigned workers_max; /* 1: single-threaded */
    const char *note;     /* one line for people */
};

struct target_key_value {
    const char *key, *value;
};

typedef bool (*target_entry_fn)(void *arg, const void *key, uint64_t ref);
typedef bool (*target_row_fn)(void *arg, uint64_t ref, const void *data, size_t bytes);

struct target_ops {
    const char *name;  /* "native" */
    const char *label; /* for plots: "Maemio" */
    const char *help;
    struct target_guarantees guarantees;
    /* What these settings leave of the guarantees; NULL: all, whatever the settings. */
    struct target_guarantees (*guarantees_with)(const struct target_key_value *settings);

    /* `settings` are the --set key=value pairs, ended by {NULL, NULL}. On failure writes to `error` what was wrong. */
    enum mae_status (*open)(const struct target_key_value *settings, struct target **target, char *error,
                            size_t error_bytes);
    void (*close)(struct target *target);

    enum mae_status (*table_create)(struct target *target, const char *name, const struct mae_table_config *config,
                                    struct target_table **table);
    enum mae_status (*index_create)(struct target *target, struct target_table *table, const char *name,
                                    const struct mae_index_config *config, struct target_index **index);

    enum mae_status (*worker_join)(struct target *target, struct target_worker **worker);
    void (*worker_idle)(struct target_worker *worker);
    void (*worker_leave)(struct target_worker *worker);

    enum mae_status (*begin)(struct target_worker *worker, enum mae_mode mode, struct target_txn **txn);
    enum mae_status (*commit)(struct target_txn *txn);
    void (*abort)(struct target_txn *txn);
    void (*backoff)(struct target_worker *worker); /* wait before a retry, as the target's contention policy says */
    /* Where the running transaction stands in the serial order, unique for read-write transactions; a snapshot sees
     * what has its timestamp or a smaller one. NULL: the target has none, and its histories cannot be recorded. */
    uint64_t (*timestamp)(const struct target_txn *txn);

    /* Rows by key: see mae_read, mae_update, mae_overwrite, mae_insert, mae_delete, mae_prefetch. */
    enum mae_status (*read)(struct target_txn *txn, struct target_index *index, const void *key, const void **data,
                            size_t *bytes);
    enum mae_status (*update)(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                              const void **old, void **data);
    enum mae_status (*overwrite)(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                 void **data);
    enum mae_status (*insert)(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                              uint64_t *ref, void **data);
    enum mae_status (*erase)(struct target_txn *txn, struct target_index *index, const void *key);
    void (*prefetch)(struct target_txn *txn, struct target_index *index, const void *keys, size_t count);

    /* Rows by ref: see mae_row_read, mae_row_update, mae_row_insert, mae_row_delete. */
    enum mae_status (*row_read)(struct target_txn *txn, struct target_table *table, uint64_t ref, const void **data,
                                size_t *bytes);
    enum mae_status (*row_update)(struct target_txn *txn, struct target_table *table, uint64_t ref, size_t bytes,
                                  const void **old, void **data);
    enum mae_status (*row_insert)(struct target_txn *txn, struct target_table *table, size_t bytes, uint64_t *ref,
                                  void **data);
    enum mae_status (*row_erase)(struct target_txn *txn, struct target_table *table, uint64_t ref);

    /* Index entries: see mae_index_find, _insert, _remove, _scan; mae_table_scan (snapshot only). */
    enum mae_status (*find)(struct target_txn *txn, struct target_index *index, const void *key, uint64_t *ref);
    enum mae_status (*index_insert)(struct target_txn *txn, struct target_index *index, const void *key, uint64_t ref);
    enum mae_status (*index_remove)(struct target_txn *txn, struct target_index *index, const void *key, uint64_t ref);
    enum mae_status (*scan)(struct target_txn *txn, struct target_index *index, const void *lo, const void *hi,
                            unsigned flags, uint64_t limit, target_entry_fn visit, void *arg);
    enum mae_status (*table_scan)(struct target_txn *txn, struct target_table *table, target_row_fn visit, void *arg);

    /* Statistics. Any of these may be NULL: the columns stay empty. */
    size_t (*counter_count)(void);
    const struct mae_counter_info *(*counter_info)(size_t i);
    void (*worker_counters)(const struct target_worker *worker, uint64_t *values);  /* any thread */
    void (*table_space)(const struct target_table *table, struct mae_space *space); /* no transaction may run */
    void (*index_space)(const struct target_index *index, struct mae_space *space);
    void (*memory)(const struct target *target, struct mae_memory *memory);
    void (*state)(const struct target *target, struct mae_state *state);
    /* Structural check; MAE_CORRUPT with a finding. No transaction may run. */
    enum mae_status (*verify)(struct target *target, char *report, size_t report_bytes);
    /* The resolved value of each setting, for the CSV: the i-th {key, value}, or key NULL past the end. */
    struct target_key_value (*setting)(const struct target *target, size_t i);
};

#endif
