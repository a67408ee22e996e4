/*
 * native.c - the target for Maemio's own engine: each operation is the public call of engine/maemio.h, nothing is
 * copied or looked up twice. The target's tables, indexes, workers and transactions are the engine's, under the
 * target's names.
 */
#include "harness/targets/targets.h"

#include <assert.h>

#include "engine/base/options.h"
#include "harness/common/support.h"
#include "harness/targets/engine_parts.h"

struct target {
    struct mae_db *db;
    struct log_folder log;
};

/*
 * The target's statuses, modes, kinds and flags have the engine's values, so that nothing is translated. Retryable
 * statuses are the last of the engine's, as they are the last of the target's: the i-th is TARGET_RETRY + i.
 */
#define SAME_STATUSES(X) \
    X(OK)                \
    X(NOT_FOUND)         \
    X(EXISTS)            \
    X(NO_MEMORY)         \
    X(NO_ADDRESSES) X(TOO_LARGE) X(READ_ONLY) X(INVALID) X(BUSY) X(FULL) X(UNSUPPORTED) X(CORRUPT) X(IO) X(IO_UNKNOWN)
#define SAME_STATUS(name) static_assert((int)TARGET_##name == (int)MAE_##name, "the engine's status");
SAME_STATUSES(SAME_STATUS)
static_assert((int)TARGET_ROLLED_BACK == (int)MAE_ABORT_USER && (int)TARGET_TOO_OLD == (int)MAE_ABORT_OLD, "same");
static_assert((int)TARGET_RETRY == (int)MAE_ABORT_NEWER, "the first retryable status");
static_assert(MAE_STATUS_COUNT - MAE_ABORT_NEWER <= TARGET_REASON_MISSING, "a reason for each retryable status");
static_assert((int)TARGET_READ_WRITE == (int)MAE_READ_WRITE && (int)TARGET_SNAPSHOT == (int)MAE_SNAPSHOT, "same");
static_assert((int)TARGET_INDEX_HASH == (int)MAE_INDEX_HASH && (int)TARGET_INDEX_ORDERED == (int)MAE_INDEX_ORDERED,
              "same");
static_assert((int)TARGET_SCAN_BACKWARD == (int)MAE_SCAN_BACKWARD && TARGET_PREFETCH_MAX == MAE_PREFETCH_MAX, "same");
static_assert(TARGET_KEY_MAX_BYTES <= MAE_KEY_MAX_BYTES && TARGET_PAYLOAD_MAX_BYTES <= MAE_PAYLOAD_MAX_BYTES, "fits");
static_assert(TARGET_VARIABLE_KEY_MAX_BYTES <= MAE_KEY_DATA_BYTES, "fits");
static_assert(TARGET_VARIABLE_KEY_STRIDE == sizeof(struct mae_key), "mae_prefetch takes such arrays");

#define STATUS(status) ((enum target_status)(status))

#define TXN(txn) ((struct mae_txn *)(txn))
#define TABLE(table) ((struct mae_table *)(table))
#define INDEX(index) ((struct mae_index *)(index))
#define WORKER(worker) ((struct mae_worker *)(worker))

/* ---- Faults, in builds made for it only (tests/mutations). ----
 * The load has no faults: the harness tells a worker to be idle once when it has joined and once when it has loaded.
 * After that every FAULT_EVERY-th commit, or update by key, of a thread is a faulty one. */

enum { IDLES_BEFORE_FAULTS = 2, FAULT_EVERY = 64 };
static _Thread_local unsigned idles, faults_due;

static bool fault_is_due(void)
{
    return idles >= IDLES_BEFORE_FAULTS && ++faults_due % FAULT_EVERY == 0;
}

/* The key, or that of its neighbour, if that fault is due; keys here begin with an integer. */
static const void *misled(const void *key, uint64_t *neighbour)
{
    if (!MUTATED(misled_update) || !fault_is_due())
        return key;
    memcpy(neighbour, key, sizeof *neighbour);
    *neighbour ^= 1;
    return neighbour;
}

/* ---- Opening. ---- */

static void target_free(struct target *target)
{
    log_folder_free(&target->log);
    free(target);
}

static enum target_status native_open(const struct target_ops *ops, const void *values, struct target **opened,
                                      char *error, size_t error_bytes)
{
    (void)ops;
    struct target *target = support_alloc(sizeof *target);
    struct mae_options options = *(const struct mae_options *)values; /* it is the struct of options_table */
    if (!log_folder_choose(&target->log, options.log_dir, error, error_bytes)) {
        free(target);
        return TARGET_IO;
    }
    options.log_dir = target->log.path != NULL ? target->log.path : "";
    enum target_status status = STATUS(mae_open(&options, &target->db));
    if (status == TARGET_OK) {
        *opened = target;
        return TARGET_OK;
    }
    const char *other = status == TARGET_INVALID ? "these options cannot be combined" : target_status_text(status);
    (void)snprintf(error, error_bytes, "%s", mae_open_problem()[0] ? mae_open_problem() : other);
    target_free(target);
    return status;
}

static enum target_status native_close(struct target *target)
{
    enum target_status status = STATUS(mae_close(target->db));
    if (status != TARGET_OK)
        support_complain("native", "%s", mae_open_problem());
    target_free(target);
    return status;
}

static enum target_status native_table_create(struct target *target, const char *name,
                                              const struct target_table_config *config, struct target_table **table)
{
    struct mae_table *created = NULL;
    const struct mae_table_config same = {config->payload_max_bytes, config->expected_rows};
    enum target_status status = STATUS(mae_table_create(target->db, name, &same, &created));
    *table = (struct target_table *)created;
    return status;
}

static enum target_status native_index_create(struct target *target, struct target_table *table, const char *name,
                                              const struct target_index_config *config, struct target_index **index)
{
    struct mae_index *created = NULL;
    const struct mae_index_config same = {.kind = (enum mae_index_kind)config->kind,
                                          .key_bytes = config->key_bytes,
                                          .non_unique = config->non_unique,
                                          .variable = config->variable,
                                          .expected_rows = config->expected_rows};
    enum target_status status = STATUS(mae_index_create(target->db, TABLE(table), name, &same, &created));
    *index = (struct target_index *)created;
    return status;
}

/* ---- Workers and transactions. ---- */

static enum target_status native_worker_join(struct target *target, struct target_worker **worker)
{
    struct mae_worker *joined = NULL;
    enum target_status status = STATUS(mae_worker_join(target->db, &joined));
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

static enum target_status native_begin(struct target_worker *worker, enum target_mode mode, struct target_txn **txn)
{
    struct mae_txn *begun = NULL;
    enum target_status status = STATUS(mae_begin(WORKER(worker), (enum mae_mode)mode, 0, &begun));
    *txn = (struct target_txn *)begun;
    return status;
}

static enum target_status native_commit(struct target_txn *txn)
{
    if (MUTATED(lost_commit) && fault_is_due()) {
        mae_abort(TXN(txn));
        return TARGET_OK;
    }
    enum target_status status = STATUS(mae_commit(TXN(txn)));
    if (MUTATED(doubled_commit) && status == TARGET_OK && fault_is_due())
        return STATUS(MAE_ABORT_WRITE_CHECK); /* so that the workload does it again */
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

static enum target_status native_on_miss(struct target_worker *worker, void (*on_miss)(void *arg), void *arg)
{
    return STATUS(mae_worker_on_miss(WORKER(worker), on_miss, arg));
}

static uint64_t native_timestamp(const struct target_txn *txn)
{
    return mae_txn_timestamp((const struct mae_txn *)txn);
}

static uint64_t native_durable(const struct target *target, const struct target_worker *worker, uint64_t *last)
{
    *last = mae_worker_last_commit((const struct mae_worker *)worker);
    return mae_durable_timestamp(target->db);
}

/* ---- Rows. ---- */

static enum target_status native_read(struct target_txn *txn, struct target_index *index, const void *key,
                                      const void **data, size_t *bytes)
{
    return STATUS(mae_read(TXN(txn), INDEX(index), key, data, bytes));
}

static enum target_status native_update(struct target_txn *txn, struct target_index *index, const void *key,
                                        size_t bytes, const void **old, void **data)
{
    uint64_t neighbour;
    enum mae_status status = mae_update(TXN(txn), INDEX(index), misled(key, &neighbour), bytes, old, data);
    if (MUTATED(misled_update) && status == MAE_NOT_FOUND)
        status = mae_update(TXN(txn), INDEX(index), key, bytes, old, data);
    return STATUS(status);
}

static enum target_status native_overwrite(struct target_txn *txn, struct target_index *index, const void *key,
                                           size_t bytes, void **data)
{
    uint64_t neighbour;
    enum mae_status status = mae_overwrite(TXN(txn), INDEX(index), misled(key, &neighbour), bytes, data);
    if (MUTATED(misled_update) && status == MAE_NOT_FOUND)
        status = mae_overwrite(TXN(txn), INDEX(index), key, bytes, data);
    return STATUS(status);
}

static enum target_status native_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                        size_t bytes, uint64_t *ref, void **data)
{
    return STATUS(mae_insert(TXN(txn), INDEX(index), key, bytes, ref, data));
}

static enum target_status native_erase(struct target_txn *txn, struct target_index *index, const void *key)
{
    return STATUS(mae_delete(TXN(txn), INDEX(index), key));
}

static_assert((int)TARGET_ADD == MAE_ADD && (int)TARGET_MAX == MAE_MAX, "the engine's functions");

static enum target_status native_apply(struct target_txn *txn, struct target_index *index, const void *key,
                                       enum target_function function, size_t offset, size_t bytes, int64_t operand)
{
    uint64_t neighbour;
    const int32_t narrow = (int32_t)operand;
    const void *value = bytes == sizeof narrow ? (const void *)&narrow : &operand;
    const enum mae_function wanted = (enum mae_function)function;
    enum mae_status status = mae_apply(TXN(txn), INDEX(index), misled(key, &neighbour), wanted, offset, value, bytes);
    if (MUTATED(misled_update) && status == MAE_NOT_FOUND)
        status = mae_apply(TXN(txn), INDEX(index), key, wanted, offset, value, bytes);
    return STATUS(status);
}

static void native_prefetch(struct target_txn *txn, struct target_index *index, const void *keys, size_t count)
{
    mae_prefetch(TXN(txn), INDEX(index), keys, count);
}

static enum target_status native_row_read(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                          const void **data, size_t *bytes)
{
    return STATUS(mae_row_read(TXN(txn), TABLE(table), ref, data, bytes));
}

static enum target_status native_row_update(struct target_txn *txn, struct target_table *table, uint64_t ref,
                                            size_t bytes, const void **old, void **data)
{
    return STATUS(mae_row_update(TXN(txn), TABLE(table), ref, bytes, old, data));
}

static enum target_status native_row_insert(struct target_txn *txn, struct target_table *table, size_t bytes,
                                            uint64_t *ref, void **data)
{
    return STATUS(mae_row_insert(TXN(txn), TABLE(table), bytes, ref, data));
}

static enum target_status native_row_erase(struct target_txn *txn, struct target_table *table, uint64_t ref)
{
    return STATUS(mae_row_delete(TXN(txn), TABLE(table), ref));
}

static enum target_status native_find(struct target_txn *txn, struct target_index *index, const void *key,
                                      uint64_t *ref)
{
    return STATUS(mae_index_find(TXN(txn), INDEX(index), key, ref));
}

static enum target_status native_index_insert(struct target_txn *txn, struct target_index *index, const void *key,
                                              uint64_t ref)
{
    return STATUS(mae_index_insert(TXN(txn), INDEX(index), key, ref));
}

static enum target_status native_index_remove(struct target_txn *txn, struct target_index *index, const void *key,
                                              uint64_t ref)
{
    return STATUS(mae_index_remove(TXN(txn), INDEX(index), key, ref));
}

static enum target_status native_scan(struct target_txn *txn, struct target_index *index, const void *lo,
                                      const void *hi, unsigned flags, uint64_t limit, target_entry_fn visit, void *arg)
{
    return STATUS(mae_index_scan(TXN(txn), INDEX(index), lo, hi, flags, limit, visit, arg));
}

static enum target_status native_table_scan(struct target_txn *txn, struct target_table *table, target_row_fn visit,
                                            void *arg)
{
    return STATUS(mae_table_scan(TXN(txn), TABLE(table), 0, UINT64_MAX, visit, arg));
}

/* ---- Statistics. ---- */

static void native_worker_counters(const struct target_worker *worker, uint64_t *values)
{
    mae_worker_counters((const struct mae_worker *)worker, values);
}

static const struct target_counter_info *native_counter_info(size_t i)
{
    static_assert(sizeof(struct target_counter_info) == sizeof(struct mae_counter_info), "the same three texts");
    return (const struct target_counter_info *)mae_counter_info(i);
}

static struct target_space space_of(const struct mae_space *space)
{
    return (struct target_space){.rows = space->rows,
                                 .versions = space->versions,
                                 .inlined_versions = space->inlined_versions,
                                 .unused_inline_slots = space->unused_inline_slots,
                                 .payload_bytes = space->payload_bytes,
                                 .row_bytes = space->row_bytes,
                                 .version_bytes = space->version_bytes};
}

static void native_table_space(const struct target_table *table, struct target_space *space)
{
    struct mae_space engine;
    mae_table_space((const struct mae_table *)table, &engine);
    *space = space_of(&engine);
}

static void native_index_space(const struct target_index *index, struct target_space *space)
{
    struct mae_space engine;
    mae_index_space((const struct mae_index *)index, &engine);
    *space = space_of(&engine);
}

static void native_memory(const struct target *target, struct target_memory *memory)
{
    engine_memory(target->db, memory);
}

static void native_state(const struct target *target, struct target_state *state)
{
    engine_state(target->db, &target->log, state);
}

static enum target_status native_verify(struct target *target, char *report, size_t report_bytes)
{
    return STATUS(mae_db_verify(target->db, report, report_bytes));
}

static_assert((int)TARGET_DURABILITY_OFF == DURABILITY_OFF && (int)TARGET_DURABILITY_ASYNC == DURABILITY_ASYNC &&
                  (int)TARGET_DURABILITY_GROUP == DURABILITY_GROUP && (int)TARGET_DURABILITY_SYNC == DURABILITY_SYNC,
              "the engine's words");

/* The single-version ordered index gives up phantom protection. */
static struct target_promises native_promises_with(const void *values)
{
    static const char *const notes[][2] = {
        {"", ""},
        {"commits outlive the process once the log is written",
         "commits outlive the process once io_uring has written the log"},
        {"commits are safe some time after they return", "commits are safe some time after they return, by io_uring"},
        {"commits are safe when they return", "commits are safe when they return, by io_uring"}};
    const struct mae_options *options = values;
    struct target_promises promises = native_target_ops.promises;
    promises.durability = (enum target_durability)options->durability;
    if (options->durability != DURABILITY_OFF)
        promises.note = notes[options->durability][options->log_io == LOG_IO_URING];
    if (!options->simple_index_update)
        return promises;
    promises.phantom_safe = false;
    promises.note = "no phantom protection in ordered indexes; in memory only";
    return promises;
}

/* The reasons are the retryable statuses of the engine's table, in its order. */
#define NAME_MAE_ABORT_NEWER "newer"
#define NAME_MAE_ABORT_RTS "rts"
#define NAME_MAE_ABORT_PENDING "pending"
#define NAME_MAE_ABORT_PRECHECK "precheck"
#define NAME_MAE_ABORT_INSTALL "install"
#define NAME_MAE_ABORT_READ_CHECK "read_check"
#define NAME_MAE_ABORT_WRITE_CHECK "write_check"
#define NAME_MAE_ABORT_INDEX "index"
#define NAME_MAE_ABORT_MEMORY "memory"
#define NAME_MAE_ABORT_LOG "log"
#define REASON_RETRY(status, text) {NAME_##status, text},
#define REASON_DONE(status, text)
#define REASON_USE(status, text)
#define REASON_DOOMED(status, text)
#define REASON_REFUSED(status, text)
#define REASON_UNKNOWN(status, text)
static const struct target_reason native_reasons[] = {
#define REASON(status, kind, text) REASON_##kind(status, text)
    MAE_STATUS_TABLE(REASON)
#undef REASON
        {NULL, NULL}};

const struct target_ops native_target_ops = {
    .name = "native",
    .label = "Maemio",
    .help =
        "Maemio's own engine; log_dir=auto is a new folder below TMPDIR (else /var/tmp) that goes away with the run",
    .options = options_table,
    .promises = {.isolation = TARGET_ISOLATION_SERIALIZABLE,
                 .phantom_safe = true,
                 .durability = TARGET_DURABILITY_OFF,
                 .rows = TARGET_ROWS_IN_PLACE,
                 .order = TARGET_ORDER_AT_BEGIN,
                 .workers_max = TARGET_WORKERS_MAX,
                 .note = "in timestamp order; in memory only"},
    .promises_with = native_promises_with,
    .reasons = native_reasons,
    TARGET_CORE(TARGET_CALL, native),
    TARGET_EXTRAS(TARGET_CALL, native),
    TARGET_CALL(native, durable),
    TARGET_CALL(native, apply),
    TARGET_CALL(native, on_miss),
    .counter_count = mae_counter_count,
    .counter_info = native_counter_info,
};
