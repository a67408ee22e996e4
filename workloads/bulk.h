/*
 * bulk.h - what every workload does outside the measured window: load rows, walk over all of them, and prove a result.
 *
 * Keys are 8-byte integers. Rows go in and are read in read-write transactions of at most BULK_ROWS rows, announced
 * to the target first so that their cache misses overlap. Nothing may write while bulk_walk runs.
 * Threads: a target_worker's own; bulk_load runs on several workers at once, each with a range of its own.
 */
#ifndef WORKLOADS_BULK_H
#define WORKLOADS_BULK_H

#include "workloads/workload.h"

enum { BULK_ROWS = 64 };

struct bulk {
    const struct target_ops *ops;
    struct target_worker *worker;
    struct target_index *index;
    size_t bytes; /* of each row loaded */
    void *arg;
    uint64_t (*key)(void *arg, uint64_t i);            /* NULL: the i-th key is i */
    void (*fill)(void *arg, uint64_t key, void *data); /* bulk_load: writes the whole row */
    /* bulk_walk: data NULL where the key has no row. False ends the walk with TARGET_CORRUPT. */
    bool (*visit)(void *arg, uint64_t key, const void *data, size_t bytes);
};

/* The i of [0, n) that belong to part `part` of `parts`. */
void bulk_part(uint64_t n, unsigned part, unsigned parts, uint64_t *first, uint64_t *last);

/* Inserts the rows of [first, last), retrying what is retryable. TARGET_OK, also when stopped early; or what failed. */
enum target_status bulk_load(const struct bulk *bulk, uint64_t first, uint64_t last, struct workload_progress *progress,
                             const _Atomic bool *stop);

/* Visits the rows of [first, last) in order, each once. */
enum target_status bulk_walk(const struct bulk *bulk, uint64_t first, uint64_t last);

/* Adds up what several tables or indexes take. */
void bulk_add_space(struct target_space *sum, const struct target_space *space);

/*
 * Runs one pass of a check, and if it finds something, once more: the order of transactions is serial, not real-time,
 * so that the very first ones of a worker may still be placed before another worker's last commits. Nothing else
 * runs, so a true finding stays. `pass` starts its sums afresh.
 */
typedef enum target_status bulk_pass_fn(struct workload *workload, struct target_worker *worker, char *report,
                                        size_t report_bytes);
enum target_status bulk_prove(bulk_pass_fn *pass, const struct target_ops *ops, struct workload *workload,
                              struct target_worker *worker, char *report, size_t report_bytes);

/*
 * For an attempt that met TARGET_NOT_FOUND on a row that was loaded: for the reason above it may run before the load in
 * the serial order. Waits and attempts again, at most SETTLE_TRIES times; the row is lost if it is still not there.
 */
enum { SETTLE_TRIES = 1000 };
typedef enum target_status bulk_attempt_fn(struct workload_worker *state);
enum target_status bulk_settle(bulk_attempt_fn *attempt, struct workload_worker *state, const struct target_ops *ops,
                               struct target_worker *worker);

#endif
