/*
 * common.h - what the micro-workloads share: one table with one index, the load, the sizes, the workers with their
 * counts and findings, and the way a check runs. Larger workloads with more
 * tables (SmallBank and others) use it, too.
 *
 * The `struct workload` of each begins with a struct micro, and its `struct workload_worker` with a struct
 * micro_worker, so that the functions here work for all of them.
 */
#ifndef WORKLOADS_MICRO_COMMON_H
#define WORKLOADS_MICRO_COMMON_H

#include <stdlib.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "workloads/bulk.h"
#include "workloads/rng.h"
#include "workloads/schema.h"
#include "workloads/workload.h"

enum { MICRO_FINDING_BYTES = 256, MICRO_TABLES_MAX = 8, MICRO_INDEXES_MAX = 12 };

/* What all instances of one workload have in common. */
struct micro_traits {
    size_t workload_bytes, worker_bytes; /* of its struct workload and struct workload_worker */
    unsigned load_index;                 /* of micro_load: the index that its rows go into; 0: the only one */
    bulk_key_fn *key;                    /* of micro_load, as in struct bulk; arg is the workload */
    bulk_fill_fn *fill;                  /* the same */
    bulk_fill_more_fn *fill_more;        /* the same */
    bulk_attempt_fn *attempt;            /* of micro_attempt */
    bulk_pass_fn *check_pass;            /* of micro_check */
};

/* The part that only one worker writes during the run; zeros at first. */
struct micro_share {
    SEPARATED char finding[MICRO_FINDING_BYTES]; /* its first; only those of committed transactions count */
    SEPARATED char tally[];                      /* what the workload counts of what the worker has committed */
};

struct micro {
    const struct micro_traits *traits;
    const struct target_ops *ops;
    uint64_t seed;
    unsigned workers;
    uint64_t rows;
    size_t row_bytes; /* when loaded */
    /* What it has of the target; most workloads have one table with one index. */
    unsigned table_count, index_count;
    union {
        struct target_table *table;
        struct target_table *tables[MICRO_TABLES_MAX];
    };
    union {
        struct target_index *index;
        struct target_index *indexes[MICRO_INDEXES_MAX];
    };
    char *shares; /* a struct micro_share per worker */
    size_t share_bytes;
};

struct micro_worker {
    struct workload *workload;
    struct target_worker *worker;
    void *tally; /* its own */
    struct rng rng;
    unsigned worker_idx;
};

/*
 * A zeroed workload with its struct micro filled in; NULL when out of memory. `rows` of `row_bytes` are what micro_load
 * loads; each worker has a tally of tally_bytes.
 */
struct workload *micro_create(const struct micro_traits *traits, const struct target_ops *ops, uint64_t seed,
                              unsigned workers, uint64_t rows, size_t row_bytes, size_t tally_bytes);
void micro_destroy(struct workload *workload);

/* A zeroed worker with its struct micro_worker filled in. */
enum target_status micro_worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                       struct workload_worker **state);
void micro_worker_destroy(struct workload_worker *state);
void *micro_tally(const struct workload *workload, unsigned worker_idx);

/* Creates what `schema` lists. */
enum target_status micro_create_all(struct workload *workload, struct target *target, const struct schema *schema,
                                    char *error, size_t error_bytes);
/* Creates one table and its index, both named after the workload. */
enum target_status micro_setup(struct workload *workload, struct target *target, const char *name, size_t row_bytes_max,
                               enum target_index_kind kind, char *error, size_t error_bytes);
enum target_status micro_load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                              struct workload_progress *progress, const _Atomic bool *stop);
/* A bulk_fill_fn: the record of the key with stamp 0 (workloads/record.h). */
void micro_fill(void *workload, uint64_t key, void *data);
void micro_data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes);
void micro_space(const struct workload *workload, struct target_space *rows, struct target_space *indexes);

/* True for several workers on a target that is not transactional: then only the rows' presence can be demanded. */
bool micro_is_racy(const struct workload *workload);

/* TARGET_CORRUPT with the first finding of any worker, unless the target promises nothing. */
enum target_status micro_findings(const struct workload *workload, char *report, size_t report_bytes);

/* Remembers a finding, if it is the worker's first. */
void micro_find(struct workload_worker *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs `run` once as a transaction: begins it, and commits it if `run` returns TARGET_OK, else rolls it back. */
typedef enum target_status micro_txn_fn(struct workload_worker *state, struct target_txn *txn);
enum target_status micro_run(struct workload_worker *state, enum target_mode mode, micro_txn_fn *run);

/* As `attempt` in struct workload_ops: the attempt of the traits, with bulk_settle where it does not find its rows. */
enum target_status micro_attempt(struct workload_worker *state);

/* As `check` in struct workload_ops: proves with the check_pass of the traits. */
enum target_status micro_check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                               char *report, size_t report_bytes);

/* Visits every row, see bulk_walk. */
enum target_status micro_walk(struct workload *workload, struct target_worker *worker, void *arg,
                              bool (*visit)(void *arg, uint64_t key, const void *data, size_t bytes));

/* Sums of these, modulo 2^64, tell which keys are in them, and how often, but for an accident in 2^64. */
static inline uint64_t micro_weight(uint64_t key)
{
    return rng_mix(key + 1);
}

/* `count` different numbers below n >= count into `keys`; for small counts. */
void micro_draw_distinct(struct rng *rng, uint64_t n, uint64_t *keys, unsigned count);

#endif
