/*
 * workload.h - what the harness needs from a workload.
 *
 * Life cycle, driven by the harness:
 *     create (options resolved) -> setup (tables, one thread) -> load on each worker in parallel -> [check]
 *     -> per worker: worker_create, then through warm-up and window
 *        { [draw_ahead]; next; attempt until it commits or is given up }*
 *     -> check -> destroy
 *
 * `next` draws one request into the worker's state. `attempt` runs the request once as a transaction, from begin to
 * commit. After a retryable abort the harness calls `attempt` again for the same request, so `attempt` must not draw.
 * Neither allocates, locks or prints.
 */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include "engine/base/option.h"
#include "workloads/target.h"

struct workload;        /* an instance with its options; each workload defines its own */
struct workload_worker; /* one worker's generator and scratch memory */

/* What a workload counts beside transactions, as a part of a whole, such as the order lines that another warehouse
 * supplied. A column share_<name>; the summary has them all. */
struct workload_share {
    const char *name, *help;
    double least, most; /* what the workload's source allows; most 0: anything */
};

struct workload_part {
    uint64_t part, whole;
};

/* What was measured of one transaction type. */
struct workload_outcome {
    uint64_t committed, rolled_back;
    uint64_t timed, p90_ns; /* timed 0: the next two are not known */
    double mean_ns;         /* of response times if there are any, else of service times */
};

/* A place of a workload's load or check to report progress from; single writer, any reader. */
struct workload_progress {
    _Atomic uint64_t done, total;
};

/*
 * Requests that come from terminals, whose users key in a request, wait for the answer and think about it. The harness
 * knows when each terminal is due and serves one after the other; the workload knows what users do, and how long.
 */
struct workload_terminals {
    bool (*on)(const void *values);                         /* by options, as in create */
    unsigned (*count)(const struct workload_worker *state); /* how many the worker serves, above 0 if on */
    /* Draws the terminal's next request. Returns for how long (ns) its user thinks about the answer to the last one and
     * keys in this one. */
    uint64_t (*draw)(struct workload_worker *state, unsigned terminal);
    void (*serve)(struct workload_worker *state, unsigned terminal); /* `next` will take what was drawn for it */
};

struct workload_ops {
    const char *name;
    const char *help;
    const struct option_spec *options; /* ended by OPTION_END */
    const char *const *txn_types;      /* names, NULL-ended, for result rows a type: {"txn", NULL} if just one */
    unsigned (*type_count)(const void *values); /* so many of txn_types, the first ones, are there; NULL: all */
    const char *const *presets;                 /* names, NULL-ended; NULL if none */

    /* Sets the options that a preset stands for through `set(arg, option, value)`; false if unknown. May be NULL. */
    bool (*preset)(const char *name, void (*set)(void *arg, const char *option, const char *value), void *arg);

    /*
     * `values` is the struct of `options`, every value of its range; its strings last for the call. `seed` is the
     * run's, `workers` how many will run. TARGET_INVALID with `error` for combinations that cannot work (and for bad
     * values the ranges cannot express).
     */
    enum target_status (*create)(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **workload, char *error, size_t error_bytes);
    void (*destroy)(struct workload *workload);

    enum target_status (*setup)(struct workload *workload, struct target *target, char *error, size_t error_bytes);

    /* Loads part `part` of `parts`; called on that many pinned workers at once. Stops early when *stop becomes true. */
    enum target_status (*load)(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                               struct workload_progress *progress, const _Atomic bool *stop);

    /* Once per worker and run, on its pinned thread, before warm-up; pre-generates what it can. */
    enum target_status (*worker_create)(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                        struct workload_worker **state);
    void (*worker_destroy)(struct workload_worker *state);

    /*
     * For workloads in which drawing takes longer than reading the clock: draws some requests ahead if none is left,
     * and returns true if it did, so that the time counts for no transaction. `next` then only steps to the next one.
     * NULL if `next` takes only some ns.
     */
    bool (*draw_ahead)(struct workload_worker *state);
    /* Draws the next request; returns its type, an index into txn_types. */
    unsigned (*next)(struct workload_worker *state);
    const struct workload_terminals *terminals; /* NULL: it has none */
    /* Runs the request once. TARGET_OK: committed. TARGET_ROLLED_BACK: rolled back on purpose, by the workload's rules,
     * so the request is done, too. */
    enum target_status (*attempt)(struct workload_worker *state);
    /* The last request was aborted and will not be attempted again: the run gives requests up (--give-up-after).
     * NULL if the workload's check does without. */
    void (*gave_up)(struct workload_worker *state);
    /* Operations (reads, writes, scanned records) in the last request; for per-operation columns. */
    unsigned (*operations)(const struct workload_worker *state);

    /*
     * Proves the result after a run, while no transaction runs, on `worker`. Prints nothing. On failure it returns
     * TARGET_CORRUPT and a report that names the row and both values. `committed` has the commits of each txn type in
     * the whole run, warm-up included, summed over workers.
     * With check_live the harness also calls it after the load, and possibly while workers run, on a worker of its own.
     * Then `committed` is NULL, and it proves only what holds in every snapshot.
     */
    enum target_status (*check)(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                                char *report, size_t report_bytes);
    bool check_live;

    /* Bytes of user data in the tables now (payloads and keys), for bytes-per-row columns, and the number of rows. */
    void (*data_size)(const struct workload *workload, uint64_t *rows, uint64_t *bytes);

    /* What it counts beside transactions, ended by a NULL name, and the counts since the load, one each. Any thread,
     * any time. Both may be NULL. */
    const struct workload_share *shares;
    void (*count_shares)(const struct workload *workload, struct workload_part *counts);

    /* What people report of this workload and of no other: hands lines to `line`, each a name and a text. `values` as
     * in create; an outcome for each type and a part for each share, of one window. May be NULL. */
    void (*report)(const void *values, double window_s, const struct workload_outcome *types,
                   const struct workload_part *shares, void (*line)(void *arg, const char *name, const char *text),
                   void *arg);

    /* The unit by which the data scales ("warehouse") and how many of them were loaded. The summary then has the bytes
     * of one, and the growth per transaction of the first type. May be NULL. */
    uint64_t (*scale)(const struct workload *workload, const char **unit);

    /* Space of all tables and indexes through the target's table_space / index_space, summed. May be NULL. */
    void (*space)(const struct workload *workload, struct target_space *rows, struct target_space *indexes);
};

/* registry.c: the i-th workload, NULL past the end. */
const struct workload_ops *workload_at(size_t i);
const struct workload_ops *workload_by_name(const char *name);
/* How many types of transactions there are with these options. */
unsigned workload_type_count(const struct workload_ops *workload, const void *values);

#endif
