/*
 * common.h - what the micro-workloads share: one table with one index, its load, sizes, and what workers found wrong.
 *
 * Each `struct workload` of theirs begins with a struct micro, so that the functions here work on all of them.
 */
#ifndef WORKLOADS_MICRO_COMMON_H
#define WORKLOADS_MICRO_COMMON_H

#include <stdlib.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "workloads/bulk.h"
#include "workloads/option.h"
#include "workloads/rng.h"

enum { MICRO_FINDING_BYTES = 256 };

/* A worker's first finding. Written by it alone, in the run; only findings of committed transactions count. */
struct micro_share {
    SEPARATED char finding[MICRO_FINDING_BYTES]; /* empty: none */
};

struct micro {
    const struct target_ops *ops;
    uint64_t seed;
    unsigned workers;
    uint64_t rows;
    size_t row_bytes; /* when loaded */
    struct target_table *table;
    struct target_index *index;
    struct micro_share *shares;                        /* one per worker */
    void (*fill)(void *arg, uint64_t key, void *data); /* as in struct bulk; arg is the workload */
};

/*
 * A zeroed workload of `bytes` with its struct micro filled in; NULL when out of memory. `rows` of `row_bytes` are what
 * micro_load loads.
 */
struct workload *micro_create(size_t bytes, const struct target_ops *ops, uint64_t seed, unsigned workers,
                              uint64_t rows, size_t row_bytes, void (*fill)(void *arg, uint64_t key, void *data));
void micro_destroy(struct workload *workload);

/* Creates table and index, both named after the workload. */
enum mae_status micro_setup(struct workload *workload, struct target *target, const char *name, size_t row_bytes_max,
                            enum mae_index_kind kind, char *error, size_t error_bytes);
enum mae_status micro_load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                           struct workload_progress *progress, const _Atomic bool *stop);
void micro_data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes);
void micro_space(const struct workload *workload, struct mae_space *rows, struct mae_space *indexes);

/* Several workers of a target that is not transactional: nothing is owed but that the rows are there. */
bool micro_is_racy(const struct workload *workload);

/* MAE_CORRUPT with the first finding of any worker, if one is owed. */
enum mae_status micro_findings(const struct workload *workload, char *report, size_t report_bytes);

/* Remembers a finding, if it is the worker's first. */
void micro_find(struct micro_share *share, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Visits every row, see bulk_walk. */
enum mae_status micro_walk(struct workload *workload, struct target_worker *worker, void *arg,
                           bool (*visit)(void *arg, uint64_t key, const void *data, size_t bytes));

/* `count` different numbers below n >= count into `keys`; for small counts. */
void micro_draw_distinct(struct rng *rng, uint64_t n, uint64_t *keys, unsigned count);

#endif
