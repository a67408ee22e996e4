/* result.h - what one repetition of a run has measured; written by run.c, read by columns.c and summary.c. */
#ifndef HARNESS_RECORD_RESULT_H
#define HARNESS_RECORD_RESULT_H

#include "harness/machine/disk.h"
#include "harness/machine/pmu.h"
#include "harness/machine/provenance.h"
#include "harness/machine/proximity.h"
#include "harness/options/options.h"
#include "harness/record/counts.h"
#include "harness/record/latency.h"

enum result_outcome { OUTCOME_COMPLETE, OUTCOME_INTERRUPTED };
enum result_check { CHECK_SKIPPED, CHECK_PASSED, CHECK_FAILED };

enum { RESULT_REPORT_BYTES = 1024 };

/* What the load left, for workloads that are checked then. */
struct loaded {
    double check_s;
    bool has_space, has_memory;
    uint64_t space_bytes;    /* of tables and indexes */
    uint64_t resident_bytes; /* all the target's memory */
    uint64_t data_bytes;     /* payloads and keys */
    uint64_t scale;          /* how many of what the workload scales by; 0: nothing */
    const char *scale_unit;
};

struct result {
    const struct options *options;
    const struct placement *placement;
    unsigned repetition; /* from 1 */
    enum result_outcome outcome;
    double load_s, window_s, check_s;
    uint64_t load_rows;
    struct loaded loaded;

    unsigned type_count, share_count;
    struct counts *types; /* in the window, by transaction type */
    struct counts all;
    uint64_t *committed_since_load;    /* by transaction type, warm-ups and earlier repetitions included */
    struct workload_part *shares;      /* in the window, those of the workload; NULL: it has none */
    uint64_t *engine;                  /* the target's counters in the window, summed over workers; NULL: it has none */
    struct latency_summary *latencies; /* by transaction type, then one over all; NULL: not timed */
    struct latency_digest *operations; /* by kind of call, as operation_times.h has them; NULL: not timed */
    double harness_ns;                 /* the harness's own cost of a transaction; 0: not measured */

    const struct pmu_plan *plan; /* NULL: no counters */
    struct pmu_value counters[PMU_EVENTS_MAX];

    double warmup_s;    /* as it was */
    int warmup_settled; /* --warmup-until steady: 1 steady, 0 ended by --warmup-max; -1: not asked */
    int steady;         /* the window: 1, 0; -1: too few intervals to tell */
    double drift;
    uint64_t due;                    /* open loop: requests that were due in the window */
    bool saturated;                  /* open loop: the target cannot keep up */
    double late_s;                   /* open loop: how late the worker that is furthest behind was in the end */
    double backlog_dropped_s;        /* open loop: the same when the window opened, after the backlog had its time */
    struct proximity_span proximity; /* before the warm-up and after the window */
    unsigned live_checks;

    uint64_t data_rows, data_bytes;
    bool has_space, has_memory, has_state;
    struct target_space rows, indexes;
    struct target_memory memory;
    struct target_state state;       /* at the window's end */
    bool has_log;                    /* commits become safe some time after they return */
    uint64_t log_bytes, log_flushes; /* in the window */
    char log_disk[DISK_TEXT_BYTES];  /* see disk_describe */
    struct target_outside outside;   /* zero: the target is not one; counts and times: in the window */
    double client_cpu_s;             /* of this process, in the window */
    uint64_t process_peak_bytes;

    enum result_check check;
    char check_report[RESULT_REPORT_BYTES];
    struct provenance provenance;
    char config_hash[17];
};

struct result *result_create(const struct options *options, const struct placement *placement, unsigned repetition);
void result_destroy(struct result *result); /* NULL is fine */

/* Worker time in the window, ns. */
double result_worker_ns(const struct result *result);
/* Memory of tables and indexes in the end; its growth since the load, never below 0. Known if has_space. */
uint64_t result_space_bytes(const struct result *result);
uint64_t result_growth_bytes(const struct result *result);
/* How far what is safe was behind what had ended, at the window's end. Known if has_log. */
double result_durable_lag_us(const struct result *result);
/* Memory on small pages, never below 0 (the parts are read one after the other). */
uint64_t result_small_bytes(const struct result *result);
/* "serializable", "serializable but for phantoms", "snapshot isolation", "not transactional", ... */
const char *result_isolation(const struct target_promises *promises);

/* The name of a counter's column after its prefix: "llc_load_misses" for LLC-load-misses. */
const char *result_counter_name(const char *event); /* a support_short */

#endif
