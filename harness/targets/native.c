/*
 * native.c - the target for Maemio's own engine: each operation is the public call of engine/maemio.h, nothing is
 * copied or looked up twice. The target's tables, indexes, workers and transactions are the engine's, under the
 * target's names.
 */
#include "harness/targets/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "engine/maemio.h"
#include "harness/common/support.h"

enum { SETTING_TEXT_BYTES = 64 };

struct target {
    struct mae_db *db;
    size_t setting_count;
    char (*settings)[SETTING_TEXT_BYTES]; /* resolved values in the order of the engine's options */
};

#define TXN(txn) ((struct mae_txn *)(txn))
#define TABLE(table) ((struct mae_table *)(table))
#define INDEX(index) ((struct mae_index *)(index))
#define WORKER(worker) ((struct mae_worker *)(worker))

/* ---- Faults, in builds made for it only (tests/mutations). ----
 * They leave the load alone: a worker is told to be idle once when it has joined and once when it has loaded. After
 * that every FAULT_EVERY-th commit, or update by key, of a thread is a bad one. */

enum { IDLES_BEFORE_FAULTS = 2, FAULT_EVERY = 64 };
static _Thread_local unsigned idles, faults_due;

static bool fault_is_due(void)
{
    return idles >= IDLES_BEFORE_FAULTS && ++faults_due % FAULT_EVERY == 0;
}

/* ---- Opening. ---- */

static enum mae_status options_read(struct mae_options *options, const struct target_key_value *settings, char *error,
                                    size_t error_bytes)
{
    for (; settings->key != NULL; settings++) {
        enum mae_status status = mae_options_set(options, settings->key, settings->value, error, error_bytes);
        if (status != MAE_OK)
            return status;
    }
    return MAE_OK;
}

static void settings_keep(struct target *target, const struct mae_options *options)
{
    target->setting_count = mae_option_count();
    target->settings = support_alloc(target->setting_count * sizeof *target->settings);
    for (size_t i = 0; i < target->setting_count; i++)
        (void)mae_options_get(options, i, target->settings[i], SETTING_TEXT_BYTES);
}

static enum mae_status native_open(const struct target_key_value *settings, struct target **target, char *error,
                                   size_t error_bytes)
{
    struct mae_options *options = mae_options_create();
    if (options == NULL) {
        (void)snprintf(error, error_bytes, "%s", mae_status_text(MAE_NO_MEMORY));
        return MAE_NO_MEMORY;
    }
    enum mae_status status = options_read(options, settings, error, error_bytes);
    if (status == MAE_OK) {
        struct mae_db *db;
        status = mae_open(options, &db);
        if (status == MAE_OK) {
            *target = support_alloc(sizeof **target);
            (*target)->db = db;
            settings_keep(*target, options);
        } else {
            (void)snprintf(error, error_bytes, "%s",
                           status == MAE_INVALID ? "these options cannot be combined" : mae_status_text(status));
        }
    }
    mae_options_destroy(options);
    return status;
}

static void native_close(struct target *target)
{
    mae_close(target->db);
    free(target->settings);
    free(target);
}

static struct target_key_value native_setting(const struct target *target, size_t i)
{
    if (i >= target->setting_count)
        return (struct target_key_value){NULL, NULL};
    return (struct target_key_value){mae_option_info(i)->name, target->settings[i]};
}

static enum mae_status native_table_create(struct target *target, const char *name,
                                           const struct mae_table_config *config, struct target_table **table)
{
    struct mae_table *created = NULL;
    enum mae_status status = mae_table_create(target->db, name, config, &created);
    *table = (struct target_table *)created;
    return status;
}

static enum mae_status native_index_create(struct target *target, struct target_table *table, const char *name,
                                           const struct mae_index_config *config, struct target_index **index)
{
    struct mae_index *created = NULL;
    enum mae_status status = mae_index_create(target->db, TABLE(table), name, config, &created);
    *index = (struct target_index *)created;
    return status;
}

/* ---- Workers and transactions. ---- */

static enum mae_status native_worker_join(struct target *target, struct target_worker **worker)
{
    struct mae_worker *joined = NULL;
    enum mae_status status = mae_worker_join(target->db, &joined);
    *worker = (struct target_worker *)joined;
    return status;
}

static void native_worker_idle(struct target_worker *worker)
{
    if (MUTATED(lost_commit) || MUTATED(doubled_commit) || MUTATED(misled_update))
        idles++;
    mae_worker_idle(WORKER(worker));
}

static void native_worker_leave(struct target_worker *worker)
{
    mae_worker_leave(WORKER(worker));
}

static enum mae_status native_begin(struct target_worker *worker, enum mae_mode mode, struct target_txn **txn)
{
    struct mae_txn *begun = NULL;
    enum mae_status status = mae_begin(WORKER(worker), mode, 0, &begun);
    *txn = (struct target_txn *)begun;
    return status;
}

static enum mae_status native_commit(struct target_txn *txn)
{
    if (MUTATED(lost_commit) && fault_is_due()) {
        mae_abort(TXN(txn));
        return MAE_OK;
    }
    enum mae_status status = mae_commit(TXN(txn));
    if (MUTATED(doubled_commit) && status == MAE_OK && fault_is_due())
        return MAE_ABORT_WRITE_CHECK; /* so that the workload does it again */
    return status;
}

static void native_abort(struct target_txn *txn)
{
    mae_abort(TXN(txn));
}

static void native_backoff(struct target_worker *worker)
{
    mae_backoff(WORKER(worker));
}

static uint64_t native_timestamp(const struct target_txn *txn)
{
    return mae_txn_timestamp((const struct mae_txn *)txn);
}

/* ---- Rows. ---- */

static enum mae_status native_read(struct target_txn *txn, struct target_index *index, const void *key,
                                   const void **data, size_t *bytes)
{
    return mae_read(TXN(txn), INDEX(index), key, data, bytes);
}

static enum mae_status native_update(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                     const void **old, void **data)
{
    if (MUTATED(misled_update) && fault_is_due()) { /* into the neighbour's row; keys here begin with an integer */
        uint64_t neighbour;
        memcpy(&neighbour, key, sizeof neighbour);
        neighbour ^= 1;
        enum mae_status status = mae_update(TXN(txn), INDEX(index), &neighbour, bytes, old, data);
        if (status != MAE_NOT_FOUND)
            return status;
    }
    return mae_update(TXN(txn), INDEX(index), key, bytes, old, data);
}

static enum mae_status native_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                        size_t bytes, void **data)
{
    if (MUTATED(misled_update) && fault_is_due()) {
        uint64_t neighbour;
        memcpy(&neighbour, key, sizeof neighbour);
        neighbour ^= 1;
        enum mae_status status = mae_overwrite(TXN(txn), INDEX(index), &neighbour, bytes, data);
        if (status != MAE_NOT_FOUND)
            return status;
    }
    return mae_overwrite(TXN(txn), INDEX(index), key, bytes, data);
}

static enum mae_status native_insert(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                     uint64_t *ref, void **data)
{
    return mae_insert(TXN(txn), INDEX(index), key, bytes, ref, data);
}

static enum mae_status native_erase(struct target_txn *txn, struct target_index *index, const void *key)
{
    return mae_delete(TXN(txn), INDEX(index), key);
}

static void native_prefetch(struct target_txn *txn, struct target_index *index, const void *keys, size_t count)
{
    mae_prefetch(TXN(txn), INDEX(index), keys, count);
}

static enum mae_status native_row_read(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                       const void **data, size_t *bytes)
{
    return mae_row_read(TXN(txn), TABLE(table), ref, data, bytes);
}

static enum mae_status native_row_update(struct target_txn *txn, struct target_table *table, uint64_t ref, size_t bytes,
                                         const void **old, void **data)
{
    return mae_row_update(TXN(txn), TABLE(table), ref, bytes, old, data);
}

static enum mae_status native_row_insert(struct target_txn *txn, struct target_table *table, size_t bytes,
                                         uint64_t *ref, void **data)
{
    return mae_row_insert(TXN(txn), TABLE(table), bytes, ref, data);
}

static enum mae_status native_row_erase(struct target_txn *txn, struct target_table *table, uint64_t ref)
{
    return mae_row_delete(TXN(txn), TABLE(table), ref);
}

static enum mae_status native_find(struct target_txn *txn, struct target_index *index, const void *key, uint64_t *ref)
{
    return mae_index_find(TXN(txn), INDEX(index), key, ref);
}

static enum mae_status native_index_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                           uint64_t ref)
{
    return mae_index_insert(TXN(txn), INDEX(index), key, ref);
}

static enum mae_status native_index_remove(struct target_txn *txn, struct target_index *index, const void *key,
                                           uint64_t ref)
{
    return mae_index_remove(TXN(txn), INDEX(index), key, ref);
}

static enum mae_status native_scan(struct target_txn *txn, struct target_index *index, const void *lo, const void *hi,
                                   unsigned flags, uint64_t limit, target_entry_fn visit, void *arg)
{
    return mae_index_scan(TXN(txn), INDEX(index), lo, hi, flags, limit, visit, arg);
}

static enum mae_status native_table_scan(struct target_txn *txn, struct target_table *table, target_row_fn visit,
                                         void *arg)
{
    return mae_table_scan(TXN(txn), TABLE(table), 0, UINT64_MAX, visit, arg);
}

/* ---- Statistics. ---- */

static void native_worker_counters(const struct target_worker *worker, uint64_t *values)
{
    mae_worker_counters((const struct mae_worker *)worker, values);
}

static void native_table_space(const struct target_table *table, struct mae_space *space)
{
    mae_table_space((const struct mae_table *)table, space);
}

static void native_index_space(const struct target_index *index, struct mae_space *space)
{
    mae_index_space((const struct mae_index *)index, space);
}

static void native_memory(const struct target *target, struct mae_memory *memory)
{
    mae_db_memory(target->db, memory);
}

static void native_state(const struct target *target, struct mae_state *state)
{
    mae_db_state(target->db, state);
}

static enum mae_status native_verify(struct target *target, char *report, size_t report_bytes)
{
    return mae_db_verify(target->db, report, report_bytes);
}

/* The single-version ordered index gives up phantom protection, and with it serializability. */
static struct target_guarantees native_guarantees_with(const struct target_key_value *settings)
{
    struct target_guarantees guarantees = native_target_ops.guarantees;
    for (; settings->key != NULL; settings++) {
        if (strcmp(settings->key, "simple_index_update") != 0)
            continue;
        guarantees.phantom_safe = guarantees.serializable = strcmp(settings->value, "on") != 0;
        guarantees.note = guarantees.serializable
                              ? native_target_ops.guarantees.note
                              : "no phantom protection in ordered indexes; in memory only, not durable";
    }
    return guarantees;
}

const struct target_ops native_target_ops = {
    .name = "native",
    .label = "Maemio",
    .help = "Maemio's own engine",
    .guarantees = {.transactional = true,
                   .serializable = true,
                   .phantom_safe = true,
                   .durable = false,
                   .workers_max = MAE_WORKERS_MAX,
                   .note = "in timestamp order; in memory only, not durable"},
    .guarantees_with = native_guarantees_with,
    .open = native_open,
    .close = native_close,
    .table_create = native_table_create,
    .index_create = native_index_create,
    .worker_join = native_worker_join,
    .worker_idle = native_worker_idle,
    .worker_leave = native_worker_leave,
    .begin = native_begin,
    .commit = native_commit,
    .abort = native_abort,
    .backoff = native_backoff,
    .timestamp = native_timestamp,
    .read = native_read,
    .update = native_update,
    .overwrite = native_overwrite,
    .insert = native_insert,
    .erase = native_erase,
    .prefetch = native_prefetch,
    .row_read = native_row_read,
    .row_update = native_row_update,
    .row_insert = native_row_insert,
    .row_erase = native_row_erase,
    .find = native_find,
    .index_insert = native_index_insert,
    .index_remove = native_index_remove,
    .scan = native_scan,
    .table_scan = native_table_scan,
    .counter_count = mae_counter_count,
    .counter_info = mae_counter_info,
    .worker_counters = native_worker_counters,
    .table_space = native_table_space,
    .index_space = native_index_space,
    .memory = native_memory,
    .state = native_state,
    .verify = native_verify,
    .setting = native_setting,
};
