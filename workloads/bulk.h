/*
 * bulk.h - the work of every workload outside the measured window: loading rows, walking over them, proving a result.
 *
 * Keys are 8-byte integers. Rows are inserted and read in read-write transactions of at most BULK_ROWS rows, which are
 * announced to the target first so that their cache misses overlap. No transaction may write while bulk_walk
 * or bulk_scan runs.
 * Threads: each function belongs to its target_worker's thread. Several workers may call bulk_load at once, each with a
 * range of its own.
 */
#ifndef WORKLOADS_BULK_H
#define WORKLOADS_BULK_H

#include "workloads/workload.h"

enum { BULK_ROWS = 64 };

typedef uint64_t bulk_key_fn(void *arg, uint64_t i);
typedef size_t bulk_bytes_fn(void *arg, uint64_t key);
typedef void bulk_fill_fn(void *arg, uint64_t key, void *data);
typedef enum target_status bulk_fill_more_fn(void *arg, struct target_txn *txn, uint64_t key, uint64_t ref);

struct bulk {
    const struct target_ops *ops;
    struct target_worker *worker;
    struct target_table *table; /* of the index; for bulk_scan */
    struct target_index *index;
    size_t bytes;            /* of each row loaded */
    bulk_bytes_fn *bytes_of; /* not NULL: of the key's row, instead */
    void *arg;
    bulk_key_fn *key;   /* NULL: the i-th key is i */
    bulk_fill_fn *fill; /* bulk_load: writes the whole row */
    /* bulk_load, may be NULL: inserts what else belongs to the key, in the same transaction. `ref` is of its row. */
    bulk_fill_more_fn *fill_more;
    /* bulk_walk: data is NULL if the key has no row. False ends the walk with TARGET_CORRUPT. */
    bool (*visit)(void *arg, uint64_t key, const void *data, size_t bytes);
};

/* The i of [0, n) that belong to part `part` of `parts`. */
void bulk_part(uint64_t n, unsigned part, unsigned parts, uint64_t *first, uint64_t *last);

/* Inserts the rows of [first, last) and retries retryable statuses. TARGET_OK, also when stopped early, or the status
 * that failed. */
enum target_status bulk_load(const struct bulk *bulk, uint64_t first, uint64_t last, struct workload_progress *progress,
                             const _Atomic bool *stop);

/* Visits the rows of [first, last) in order, each once. */
enum target_status bulk_walk(const struct bulk *bulk, uint64_t first, uint64_t last);

/* Visits the row of each entry of an ordered, unique index in the order of keys, each once. */
enum target_status bulk_scan(const struct bulk *bulk);

/* Adds up the space of several tables or indexes. */
void bulk_add_space(struct target_space *sum, const struct target_space *space);

/*
 * Runs one pass of a check, and a second pass if the first finds something. The order of transactions is serial, not
 * that of real time, so a worker's very first transactions may still stand before another worker's last commits. No
 * other transaction runs, so a true finding stays. `pass` begins its sums anew.
 */
typedef enum target_status bulk_pass_fn(struct workload *workload, struct target_worker *worker, char *report,
                                        size_t report_bytes);
enum target_status bulk_prove(bulk_pass_fn *pass, const struct target_ops *ops, struct workload *workload,
                              struct target_worker *worker, char *report, size_t report_bytes);

/*
 * For an attempt that met TARGET_NOT_FOUND for a loaded row: for the reason above the attempt may stand before the load
 * in the serial order. Waits and attempts again, at most SETTLE_TRIES times. If the row is still not found it is lost:
 * TARGET_CORRUPT.
 */
enum { SETTLE_TRIES = 1000 };
typedef enum target_status bulk_attempt_fn(struct workload_worker *state);
enum target_status bulk_settle(bulk_attempt_fn *attempt, struct workload_worker *state, const struct target_ops *ops,
                               struct target_worker *worker);

#endif
