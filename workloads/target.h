/*
 * target.h - the contract between workloads and everything that stores data.
 *
 * A workload speaks only to a target, so that every engine and scheme runs the very same requests. The calls have the
 * shape of the native engine's, because that is the target that must not pay for the indirection: reads return a
 * pointer into the version, updates a pointer into the new version. A target that has no such pointers copies into
 * buffers of its own.
 *
 * Threads. target_ops.open, table_create, index_create and the statistics run on any thread, one at a time. A
 * target_worker and its transaction belong to the thread that joined.
 *
 * Failure. Every call that can fail returns an `enum target_status`. After a status for which target_status_is_abort()
 * is true the transaction cannot commit any more: the workload calls abort and, if target_status_is_retry(), may run
 * the transaction again. TARGET_NOT_FOUND and TARGET_EXISTS leave the transaction usable.
 *
 * `ref` names a row inside the target (native: the row id); it is what secondary indexes lead to.
 *
 * A small core and extras. TARGET_CORE lists the calls that every target has, TARGET_EXTRAS those that it may leave
 * NULL. `durable` is of a target with a log only, `outside` of external databases, `apply` of a target that writes
 * without reading, `on_miss` of one that can let a thread run several transactions by turns. A workload calls an extra
 * through the function below that says what happens without it.
 */
#ifndef WORKLOADS_TARGET_H
#define WORKLOADS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/option.h"

/* name, kind, text. Kinds: DONE (no failure), USE (the transaction stays usable), DOOMED (aborted: the same transaction
 * would fail again), REFUSED (the call did nothing). */
#define TARGET_STATUS_TABLE(X)                                                                       \
    X(TARGET_OK, DONE, "ok")                                                                         \
    X(TARGET_NOT_FOUND, USE, "no such key or row is visible to the transaction")                     \
    X(TARGET_EXISTS, USE, "the key is already there")                                                \
    X(TARGET_ROLLED_BACK, DOOMED, "rolled back on purpose")                                          \
    X(TARGET_TOO_OLD, DOOMED, "aborted: the transaction was open for longer than the target allows") \
    X(TARGET_NO_MEMORY, DOOMED, "out of memory: a limit is reached or the system has no more")       \
    X(TARGET_NO_ADDRESSES, DOOMED, "out of address space: the process may reserve no more")          \
    X(TARGET_TOO_LARGE, USE, "the payload is larger than the table's maximum")                       \
    X(TARGET_READ_ONLY, USE, "a snapshot transaction cannot write")                                  \
    X(TARGET_INVALID, REFUSED, "invalid argument")                                                   \
    X(TARGET_BUSY, REFUSED, "in use, or the worker already runs a transaction")                      \
    X(TARGET_FULL, REFUSED, "full: too many workers, tables or indexes, or no space on the disk")    \
    X(TARGET_UNSUPPORTED, REFUSED, "not supported here")                                             \
    X(TARGET_CORRUPT, REFUSED, "an invariant does not hold")                                         \
    X(TARGET_IO, DOOMED, "aborted, or refused: a file cannot be read or written")                    \
    X(TARGET_IO_UNKNOWN, REFUSED, "committed, but perhaps not after a restart: a file cannot be written")

/* How many reasons for aborts there can be. The last one is the workload's own: it did not find what it knows to be
 * committed, and is to try again. The others are the target's. */
#define TARGET_REASONS_MAX 32
#define TARGET_REASON_MISSING (TARGET_REASONS_MAX - 1)

enum target_status {
#define TARGET_STATUS_ENUM(name, kind, text) name,
    TARGET_STATUS_TABLE(TARGET_STATUS_ENUM)
#undef TARGET_STATUS_ENUM
    /* Aborted; run again it may succeed. TARGET_RETRY + i: for the i-th of target_ops.reasons. */
    TARGET_RETRY,
    TARGET_RETRY_MISSING = TARGET_RETRY + TARGET_REASON_MISSING,
    /* Nothing more can be done with this target, such as a server that is gone. */
    TARGET_FAILED = TARGET_RETRY + TARGET_REASONS_MAX
};

const char *target_status_name(enum target_status status); /* "TARGET_OK"; "TARGET_RETRY" whatever the reason */
const char *target_status_text(enum target_status status); /* one line, static */
bool target_status_is_abort(enum target_status status);    /* the transaction must be aborted */

static inline bool target_status_is_retry(enum target_status status)
{
    return (unsigned)status - TARGET_RETRY < TARGET_REASONS_MAX;
}

/* The number of the reason, of a status for which target_status_is_retry is true. */
static inline unsigned target_status_reason(enum target_status status)
{
    return (unsigned)status - TARGET_RETRY;
}

/* Why a target aborts: a name for columns ("read_check") and a line for people. */
struct target_reason {
    const char *name, *text;
};

enum target_mode { TARGET_READ_WRITE, TARGET_SNAPSHOT };
enum target_index_kind { TARGET_INDEX_HASH, TARGET_INDEX_ORDERED };
enum { TARGET_SCAN_BACKWARD = 1 };

/* What apply does with the signed integer in a row: adds the operand, or puts it there if it is larger. */
enum target_function { TARGET_ADD, TARGET_MAX };

/* What workloads may ask of any target; a target may have lower limits and refuses with TARGET_UNSUPPORTED. */
enum {
    TARGET_WORKERS_MAX = 256,
    TARGET_PREFETCH_MAX = 64,
    TARGET_PAYLOAD_MAX_BYTES = 65528,
    TARGET_KEY_MIN_BYTES = 8,
    TARGET_KEY_MAX_BYTES = 64,
    TARGET_VARIABLE_KEY_MAX_BYTES = 255,
    TARGET_VARIABLE_KEY_STRIDE = 1 + TARGET_VARIABLE_KEY_MAX_BYTES /* from one key to the next in arrays of such keys */
};

struct target_table_config {
    size_t payload_max_bytes; /* largest payload of a row, 1 to TARGET_PAYLOAD_MAX_BYTES */
    uint64_t expected_rows;   /* a hint, 0 if unknown; never a limit */
};

/* Keys of 8 bytes are `uint64_t` in native order and sort as integers; longer ones are byte strings. A key of variable
 * length is a byte that says how many bytes it has, and these bytes. They sort as memcmp does, and of two keys of which
 * one begins the other the shorter one comes first. */
struct target_index_config {
    enum target_index_kind kind;
    size_t key_bytes;       /* fixed per index, TARGET_KEY_MIN_BYTES to TARGET_KEY_MAX_BYTES; but see `variable` */
    bool non_unique;        /* ordered only: several rows may have one key; entries are (key, ref) pairs */
    bool variable;          /* ordered only: 1 to key_bytes bytes, and that at most TARGET_VARIABLE_KEY_MAX_BYTES */
    uint64_t expected_rows; /* a hint, 0 if unknown; never a limit */
};

/* ---- What statistics say. ---- */

struct target_space {
    uint64_t rows;                /* that are there now */
    uint64_t versions;            /* of those and of deleted rows */
    uint64_t inlined_versions;    /* of them, inside rows */
    uint64_t unused_inline_slots; /* places for versions in used rows that hold nothing */
    uint64_t payload_bytes;       /* sum of the newest payloads */
    uint64_t row_bytes;           /* memory of rows in use */
    uint64_t version_bytes;       /* memory of versions outside rows, in use */
};

struct target_memory {
    uint64_t limit_bytes;
    uint64_t committed_bytes;   /* handed out under the limit */
    uint64_t resident_bytes;    /* backed by memory now */
    uint64_t hugetlb_bytes;     /* of them on reserved huge pages */
    uint64_t transparent_bytes; /* of them on transparent huge pages */
};

struct target_state {
    uint64_t min_wts, min_rts; /* timestamps: all transactions below have ended; nothing below is read any more */
    double ticks_per_us;       /* of the clock part of a timestamp */
    double backoff_max_us;     /* the present upper bound of waits */
    unsigned workers;          /* joined */
    uint64_t durable_ts;       /* commits below are safe; 0: there is no log */
    uint64_t log_flushes, log_bytes;
    const char *log_folder; /* the target's; NULL: there is no log */
};

/* Of a database that is not the program's own code. Counts are since it was opened. */
enum { TARGET_VERSION_BYTES = 128 };
struct target_outside {
    char version[TARGET_VERSION_BYTES]; /* what it says of itself */
    uint64_t disk_bytes;                /* of its files; 0: they are elsewhere */
    bool has_server;                    /* the rest is known */
    uint64_t round_trips;               /* requests that were waited for */
    double server_cpu_s;                /* of its processes; NaN: they are elsewhere */
};

struct target_counter_info {
    const char *name, *unit, *help;
};

struct target; /* an open database; each binding defines its own structs behind these names */
struct target_worker;
struct target_txn;
struct target_table;
struct target_index;

/* name, text: from the weakest to the strongest */
#define TARGET_ISOLATION_TABLE(X)       \
    X(NONE, "not transactional")        \
    X(READ_COMMITTED, "read committed") \
    X(SNAPSHOT, "snapshot isolation")   \
    X(SERIALIZABLE, "serializable")
#define TARGET_DURABILITY_TABLE(X)                                                     \
    X(OFF, "off")     /* nothing outlives the process */                               \
    X(ASYNC, "async") /* the last commits may be lost */                               \
    X(GROUP, "group") /* a commit is answered when it is safe, together with others */ \
    X(SYNC, "sync")   /* each commit by itself */
#define TARGET_ROWS_TABLE(X)                                      \
    X(IN_PLACE, "in place") /* reads point into what is stored */ \
    X(COPIES, "copies")     /* reads point into a copy made for the transaction */
#define TARGET_ORDER_TABLE(X)                                                            \
    X(NEVER, "never")         /* the target does not say in which order it serializes */ \
    X(AT_COMMIT, "at commit") /* when commit has returned */                             \
    X(AT_BEGIN, "at begin")   /* and before, but final at commit only */

enum target_isolation {
#define TARGET_ISOLATION_ENUM(name, text) TARGET_ISOLATION_##name,
    TARGET_ISOLATION_TABLE(TARGET_ISOLATION_ENUM)
#undef TARGET_ISOLATION_ENUM
};
enum target_durability {
#define TARGET_DURABILITY_ENUM(name, text) TARGET_DURABILITY_##name,
    TARGET_DURABILITY_TABLE(TARGET_DURABILITY_ENUM)
#undef TARGET_DURABILITY_ENUM
};
enum target_rows {
#define TARGET_ROWS_ENUM(name, text) TARGET_ROWS_##name,
    TARGET_ROWS_TABLE(TARGET_ROWS_ENUM)
#undef TARGET_ROWS_ENUM
};
enum target_order {
#define TARGET_ORDER_ENUM(name, text) TARGET_ORDER_##name,
    TARGET_ORDER_TABLE(TARGET_ORDER_ENUM)
#undef TARGET_ORDER_ENUM
};

const char *target_isolation_text(enum target_isolation isolation);
const char *target_durability_text(enum target_durability durability);
const char *target_rows_text(enum target_rows rows);
const char *target_order_text(enum target_order order);

/* What the target promises: printed beside every result, and what decides which checks apply. */
struct target_promises {
    enum target_isolation isolation;
    bool phantom_safe; /* what is promised of rows holds for misses and scans, too */
    enum target_durability durability;
    enum target_rows rows;
    enum target_order order;
    unsigned workers_max; /* 1: single-threaded */
    const char *note;     /* one line for people */
};

/* Whether it has transactions at all: roll-back, and several workers that lose nothing. */
static inline bool target_is_transactional(const struct target_promises *promises)
{
    return promises->isolation != TARGET_ISOLATION_NONE;
}

typedef bool (*target_entry_fn)(void *arg, const void *key, uint64_t ref);
typedef bool (*target_row_fn)(void *arg, uint64_t ref, const void *data, size_t bytes);

struct target_ops {
    const char *name;  /* "native" */
    const char *label; /* for plots: "Maemio" */
    const char *help;
    const struct option_spec *options; /* what --set takes, ended by OPTION_END; NULL: nothing */
    struct target_promises promises;
    /* What these values of its options leave of the promises; NULL: all, whatever the options. */
    struct target_promises (*promises_with)(const void *values);
    /* Why it aborts, ended by {NULL, NULL}; what TARGET_RETRY + i stands for. NULL: it never aborts. */
    const struct target_reason *reasons;

    /*
     * `ops` is what it is called through: a target that wraps another one finds itself by it, and every handle that it
     * gives out leads to its target. `values` is the struct of `options`, every value of its range. On failure writes
     * to `error` what was wrong.
     */
    enum target_status (*open)(const struct target_ops *ops, const void *values, struct target **target, char *error,
                               size_t error_bytes);
    /* Frees it, whatever it returns. TARGET_OK: it keeps all commits as far as it has promised. Else some may be lost,
     * and it has said on stderr which and why. */
    enum target_status (*close)(struct target *target);

    enum target_status (*table_create)(struct target *target, const char *name,
                                       const struct target_table_config *config, struct target_table **table);
    enum target_status (*index_create)(struct target *target, struct target_table *table, const char *name,
                                       const struct target_index_config *config, struct target_index **index);

    enum target_status (*worker_join)(struct target *target, struct target_worker **worker);
    void (*worker_idle)(struct target_worker *worker); /* it runs nothing now and holds nobody back; see target_idle */
    void (*worker_leave)(struct target_worker *worker);

    enum target_status (*begin)(struct target_worker *worker, enum target_mode mode, struct target_txn **txn);
    enum target_status (*commit)(struct target_txn *txn); /* a transaction that does not commit has been aborted */
    void (*abort)(struct target_txn *txn);
    void (*backoff)(struct target_worker *worker); /* wait before a retry; see target_backoff */
    /* For a thread that lets several workers take turns: `on_miss` is called with `arg` where the worker's transaction
     * has begun to load memory, and where it waits, and never while another transaction could wait for this one. NULL:
     * no more. Between transactions; TARGET_UNSUPPORTED if its options do not allow it. May be NULL. */
    enum target_status (*on_miss)(struct target_worker *worker, void (*on_miss)(void *arg), void *arg);
    /* Its place in the serial order, unique for read-write transactions, above 0; a snapshot sees what has its place or
     * a smaller one. Final when commit has returned TARGET_OK, and told until the worker begins again; before that only
     * where the order is known at begin. NULL where it is never known. Whoever asks calls target_tell_order before. */
    uint64_t (*timestamp)(const struct target_txn *txn);
    /* Before a worker joins: transactions get their places. For targets where places cost, and do nothing else. */
    void (*tell_order)(struct target *target);
    /* Where commits become safe some time after they return (promises.durability): those with a smaller place than the
     * one returned are. `last`: the place of the worker's last commit. */
    uint64_t (*durable)(const struct target *target, const struct target_worker *worker, uint64_t *last);

    /*
     * Rows by key. `data` and `old` stay valid until the transaction ends and are 8-byte aligned. `bytes`: of the new
     * payload; 0 keeps the size. update hands out the new payload, filled with the old one as far as both reach;
     * overwrite's and insert's is to be filled whole. TARGET_NOT_FOUND, insert: TARGET_EXISTS. `bytes`, `old` and
     * `ref` may be NULL where they are results.
     */
    enum target_status (*read)(struct target_txn *txn, struct target_index *index, const void *key, const void **data,
                               size_t *bytes);
    enum target_status (*update)(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                 const void **old, void **data);
    enum target_status (*overwrite)(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                    void **data);
    enum target_status (*insert)(struct target_txn *txn, struct target_index *index, const void *key, size_t bytes,
                                 uint64_t *ref, void **data);
    enum target_status (*erase)(struct target_txn *txn, struct target_index *index, const void *key);
    /* Changes a row without reading it: those that apply the same function do not conflict with each other; see
     * target_apply. */
    enum target_status (*apply)(struct target_txn *txn, struct target_index *index, const void *key,
                                enum target_function function, size_t offset, size_t bytes, int64_t operand);
    /* Keys that will be asked for soon; see target_prefetch. */
    void (*prefetch)(struct target_txn *txn, struct target_index *index, const void *keys, size_t count);

    /* Rows by ref, in no index unless index_insert is called. */
    enum target_status (*row_read)(struct target_txn *txn, struct target_table *table, uint64_t ref, const void **data,
                                   size_t *bytes);
    enum target_status (*row_update)(struct target_txn *txn, struct target_table *table, uint64_t ref, size_t bytes,
                                     const void **old, void **data);
    enum target_status (*row_insert)(struct target_txn *txn, struct target_table *table, size_t bytes, uint64_t *ref,
                                     void **data);
    enum target_status (*row_erase)(struct target_txn *txn, struct target_table *table, uint64_t ref);

    /*
     * Index entries. scan visits lo <= key <= hi in key order (TARGET_SCAN_BACKWARD: descending) until `visit` returns
     * false or `limit` entries were visited (0: no limit); lo or hi NULL: open end; ordered indexes only. `visit` may
     * read and update rows; it must not change the same index. NULL if the target has no ordered indexes. table_scan:
     * in a snapshot only; see target_needs_table_scan.
     */
    enum target_status (*find)(struct target_txn *txn, struct target_index *index, const void *key, uint64_t *ref);
    enum target_status (*index_insert)(struct target_txn *txn, struct target_index *index, const void *key,
                                       uint64_t ref);
    enum target_status (*index_remove)(struct target_txn *txn, struct target_index *index, const void *key,
                                       uint64_t ref);
    enum target_status (*scan)(struct target_txn *txn, struct target_index *index, const void *lo, const void *hi,
                               unsigned flags, uint64_t limit, target_entry_fn visit, void *arg);
    enum target_status (*table_scan)(struct target_txn *txn, struct target_table *table, target_row_fn visit,
                                     void *arg);

    /* Statistics. Without one of these its columns stay empty. */
    size_t (*counter_count)(void);
    const struct target_counter_info *(*counter_info)(size_t i);
    void (*worker_counters)(const struct target_worker *worker, uint64_t *values);     /* any thread */
    void (*table_space)(const struct target_table *table, struct target_space *space); /* no transaction may run */
    void (*index_space)(const struct target_index *index, struct target_space *space);
    void (*memory)(const struct target *target, struct target_memory *memory);
    void (*state)(const struct target *target, struct target_state *state);
    void (*outside)(const struct target *target, struct target_outside *outside);
    /* Structural check; TARGET_CORRUPT with a finding. No transaction may run. */
    enum target_status (*verify)(struct target *target, char *report, size_t report_bytes);
};

/* The members of target_ops that are calls: a list of X(prefix, call). TARGET_CALL initializes such a member, in a
 * target whose functions are called PREFIX_open and so on. */
#define TARGET_CORE(X, prefix)                                                                                        \
    X(prefix, open), X(prefix, close), X(prefix, table_create), X(prefix, index_create), X(prefix, worker_join),      \
        X(prefix, worker_leave), X(prefix, begin), X(prefix, commit), X(prefix, abort), X(prefix, read),              \
        X(prefix, update), X(prefix, overwrite), X(prefix, insert), X(prefix, erase), X(prefix, row_read),            \
        X(prefix, row_update), X(prefix, row_insert), X(prefix, row_erase), X(prefix, find), X(prefix, index_insert), \
        X(prefix, index_remove)
#define TARGET_EXTRAS(X, prefix)                                                                            \
    X(prefix, worker_idle), X(prefix, backoff), X(prefix, prefetch), X(prefix, timestamp), X(prefix, scan), \
        X(prefix, table_scan), X(prefix, worker_counters), X(prefix, table_space), X(prefix, index_space),  \
        X(prefix, memory), X(prefix, state), X(prefix, verify)
#define TARGET_CALL(prefix, call) .call = prefix##_##call

/* Tells the target that the worker runs nothing for a while. Without the extra: an idle worker holds nobody back. */
static inline void target_idle(const struct target_ops *ops, struct target_worker *worker)
{
    if (ops->worker_idle != NULL)
        ops->worker_idle(worker);
}

/* For whoever will ask for places (timestamp). Before a worker joins. Without the extra: places are always told. */
static inline void target_tell_order(const struct target_ops *ops, struct target *target)
{
    if (ops->tell_order != NULL)
        ops->tell_order(target);
}

/* Waits before a retry, as the target's contention policy says. Without the extra: not at all. */
static inline void target_backoff(const struct target_ops *ops, struct target_worker *worker)
{
    if (ops->backoff != NULL)
        ops->backoff(worker);
}

/* A hint, which without the extra does nothing: the first TARGET_PREFETCH_MAX of these keys, which lie one behind the
 * other (of variable length: TARGET_VARIABLE_KEY_STRIDE bytes apart), will be asked for soon. */
static inline void target_prefetch(const struct target_ops *ops, struct target_txn *txn, struct target_index *index,
                                   const void *keys, size_t count)
{
    if (ops->prefetch != NULL)
        ops->prefetch(txn, index, keys, count < TARGET_PREFETCH_MAX ? count : TARGET_PREFETCH_MAX);
}

/*
 * Applies `function` to the signed integer of 4 or 8 `bytes` that stands so far into the row's payload, at any
 * alignment; additions are modulo 2 to the power of its bits. The integer is there: the caller knows the row. Without
 * the extra it reads and updates the row, with all conflicts of that. The status is that of update.
 */
enum target_status target_apply(const struct target_ops *ops, struct target_txn *txn, struct target_index *index,
                                const void *key, enum target_function function, size_t offset, size_t bytes,
                                int64_t operand);
/* The same to an integer in memory. */
void target_function_run(enum target_function function, void *integer, size_t bytes, int64_t operand);

/* For a workload that cannot do without table_scan: TARGET_OK, or TARGET_UNSUPPORTED with a message. */
enum target_status target_needs_table_scan(const struct target_ops *ops, char *error, size_t error_bytes);

#endif
