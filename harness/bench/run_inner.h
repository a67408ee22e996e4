/*
 * run_inner.h - what the parts of a run share; included by run*.c only.
 *
 *     run.c             the command: placement, outputs, signals, the repetitions
 *     run_repetition.c  prepare, measure, space, check, result
 *     run_output.c      run_outputs: what goes into the files
 *     run_measure.c     run_window: warm-up, window, drain
 *     run_proof.c       --check full: a sample judged by its history
 *     run_session.c     run_session: a target with the workload's data in it, workers joined
 *     run_metrics.c     live numbers for Prometheus
 *     run_wait.c        the coordinator waits for a session's workers: progress, signals, failures
 *     run_state.c       run_watch: phase, messages, deadline
 *
 * Each uses those below it only. The coordinator is one thread. What others touch is marked.
 */
#ifndef HARNESS_BENCH_RUN_INNER_H
#define HARNESS_BENCH_RUN_INNER_H

#include <signal.h>

#include "harness/bench/deadline.h"
#include "harness/bench/interval.h"
#include "harness/bench/live_check.h"
#include "harness/bench/loop.h"
#include "harness/bench/metrics.h"
#include "harness/bench/operation_times.h"
#include "harness/bench/phase.h"
#include "harness/bench/progress.h"
#include "harness/common/clock.h"
#include "harness/common/exit_code.h"
#include "harness/record/csv.h"

#define SECOND_NS UINT64_C(1000000000)

/* What one loop owns: those of thread t are t, t + worker_count and so on. Only the first of a thread loads, checks and
 * counts events. Nobody else writes its lines while it runs. */
struct run_worker {
    struct loop_worker loop;
    char pad[SUPPORT_LINE_BYTES];
    struct arrivals arrivals;
    struct histogram *overdue; /* open loop: how long requests waited that never began; NULL: there was no window yet */
    char pad_arrivals[SUPPORT_LINE_BYTES];
    struct pmu_set counters;
    struct pmu_value values[PMU_EVENTS_MAX]; /* in the last window; written when it is at rest */
    char pad_counters[SUPPORT_LINE_BYTES];
    struct workload_progress progress;
    char pad_end[SUPPORT_LINE_BYTES];
};

struct snapshot {
    uint64_t at_ns;
    struct counts *types;
    uint64_t *engine;             /* NULL: the target has no counters */
    struct workload_part *shares; /* NULL: the workload has none */
};

/* What is decided before anything begins; constant from then on. */
struct run_setup {
    struct options *options;
    const struct workload_ops *workload_ops;
    const struct target_ops *target_ops;
    unsigned worker_count; /* threads */
    unsigned lane_count;   /* loops; with --interleave a thread has several */
    unsigned type_count, share_count;
    size_t counter_count;
    struct topology *topology;
    struct placement placement;
    struct pmu_plan plan;
    char *plan_warning; /* NULL: none */
};

/* How far the run is, for whoever watches it: the progress line, signals, the deadline. */
struct run_watch {
    const struct run_setup *setup;
    struct deadline *deadline;
    struct progress progress;
    struct metrics metrics;
    struct support_text work; /* the metrics of what workers did, as they were read last */
    uint64_t begin_ns;
    bool interrupted;
    uint64_t drawn_ns, drawn_commits, phase_begin_ns, phase_ns;
    struct counts *status_types; /* --status: as they were when the last line was told; NULL: there was none */
    uint64_t status_ns;          /* when that was */
    enum phase status_phase;
    /* The deadline's thread reads these. */
    _Atomic int phase;
    _Atomic unsigned repetition; /* from 1; 0 before the first */
    _Atomic unsigned results_kept;
    _Atomic uint64_t deadline_ns; /* from begin_ns */
    struct crew *_Atomic watched; /* NULL when there is none, or it is going away */
};

/* A target with the workload's data in it and workers joined: from run_session_open to run_session_close. */
struct run_session {
    const struct run_setup *setup;
    struct run_watch *watch;
    struct crew *crew;
    struct target *target;
    struct workload *workload;
    struct run_worker *workers; /* by lane */
    double load_s, harness_ns;
    struct loaded loaded;
    char load_report[RESULT_REPORT_BYTES]; /* what the check found of what was loaded; empty: nothing */
    uint64_t load_rows;
    struct live_check *live_check; /* NULL: none */
    struct proximity_probe *proximity;
    char pad[SUPPORT_LINE_BYTES];
    _Atomic bool stop; /* workers read it once an attempt; nobody writes its line meanwhile */
    char pad_end[SUPPORT_LINE_BYTES];
};

enum { RUN_VERSION_COUNTERS = 5 };

/* What is measured between two snapshots, and on the way there. */
struct run_window {
    const struct run_setup *setup;
    struct run_session *session;
    bool samples_counters; /* hardware events of each interval are asked for */
    struct snapshot before, after, now;
    struct target_state opened; /* when it opened, if the target tells */
    struct target_outside outside;
    double client_cpu_s;
    struct interval_series series;
    size_t first;                                  /* sample at which the window begins */
    size_t version_counters[RUN_VERSION_COUNTERS]; /* see run_measure.c; SIZE_MAX: the target has none */
    uint64_t *counters;                            /* of one worker, while a snapshot is taken */
    char pad[SUPPORT_LINE_BYTES];
    /* The edges; 0: not yet. Workers read them once a request; nobody writes their line meanwhile. */
    _Atomic uint64_t opened_ticks, closed_ticks;
    char pad_end[SUPPORT_LINE_BYTES];
};

/* What results go into. */
enum run_output { RUN_CSV, RUN_JSON, RUN_INTERVALS, RUN_LATENCIES, RUN_COUNTERS, RUN_HDR_LOG, RUN_OUTPUTS };
struct run_outputs {
    const struct run_setup *setup;
    struct csv *files[RUN_OUTPUTS]; /* NULL: not asked for */
};

struct run {
    struct run_setup setup;
    struct run_watch watch;
    struct run_session session;
    struct run_window window;
    struct run_outputs outputs;
    struct recording *recording;      /* --history, else NULL */
    struct support_text proof_report; /* --check full: what was proved; empty: nothing */
    struct result **results;
    size_t result_count;
};

/* ---- run_state.c ---- */

extern atomic_int run_signal; /* the number of the signal that came; 0: none */

/* Rows that the load has put in, and that it is to put in. */
void run_loaded_sum(const struct run_session *session, uint64_t *done, uint64_t *total);
bool run_is_timed(const struct run_setup *setup);   /* --latency */
bool run_is_checked(const struct run_setup *setup); /* --check */

/* Returns EXIT_FAILED. */
enum exit_code run_complain(struct run_watch *watch, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_phase_begin(struct run_watch *watch, enum phase phase, uint64_t length_ns);
enum exit_code run_unfinished(const struct run_watch *watch); /* why it is not: interrupted, or failed */

bool run_deadline_start(struct run_watch *watch);                     /* false: no thread */
void run_deadline_renew(struct run_watch *watch, uint64_t load_rows); /* the rows to load have become known */

/* ---- run_wait.c ---- */

enum wait_end { WAIT_REST, WAIT_TIME, WAIT_FAILED, WAIT_INTERRUPTED };

/* Until the crew is at rest, the time has come, a worker or the live check failed, or a signal came that no earlier
 * wait has reported. */
enum wait_end run_wait_until(struct run_session *session, uint64_t until_ns);

/* Tells the workers to stop and waits until every one is at rest, whatever happens; the deadline watches. */
void run_wait_stopped(struct run_session *session);

/* Lets workers [0, count) do a task to its end. False, with a message unless interrupted, when one failed. */
bool run_crew_do(struct run_session *session, unsigned count, crew_task_fn task, void *arg);
/* The same; after this time they are told to stop. */
bool run_crew_do_for(struct run_session *session, unsigned count, crew_task_fn task, void *arg, uint64_t length_ns);

/* Rests with the workers, served and watched as while they work. Returns early when interrupted. */
void run_rest(struct run_session *session, uint64_t length_ns);

/* ---- run_metrics.c ---- */

enum { RUN_CLIENTS_MAX = 8 }; /* clients that are answered before the coordinator looks at its workers again */

/* Answers who asks, and writes the file when it is due. */
void run_metrics_serve(struct run_session *session);
/* The same at once, with the last counts of a window. The workers are at rest. */
void run_metrics_settle(struct run_session *session);

/* ---- run_session.c ---- */

enum exit_code run_session_open(struct run_session *session);
/* False with a message if the history could not be written, or if the target has lost commits. */
bool run_session_close(struct run_session *session);

/* The workload's check, then the target's own of its structure. No transaction may run. The report says what was
 * found, or, if it passes, what the check left out. */
bool run_check_passes(struct run_session *session, unsigned worker, char *report, size_t report_bytes);

void run_worker_discard(struct run_session *session, unsigned lane); /* what task_prepare has made; on its thread */

/* Commits of each type since the load. */
void run_commits_sum(const struct run_session *session, uint64_t *committed);

/* Rows, bytes, space and memory as they are now; no transaction may run. */
void run_space_read(const struct run_session *session, struct result *result);

/* ---- run_proof.c ---- */

/* EXIT_FINE with what was proved in `report`, or what is to end the run, complained about. */
enum exit_code run_proof(const struct run_setup *setup, struct run_watch *watch, struct support_text *report);

/* ---- run_repetition.c ---- */

enum exit_code run_repetition(struct run *run, unsigned repetition);

/* ---- run_measure.c ---- */

void run_window_init(struct run_window *window);
void run_window_fini(struct run_window *window);

/* Warm-up, window, drain. EXIT_FINE: there is a window, cut short perhaps; else why there is none. */
enum exit_code run_measure(struct run_window *window, struct result *result);

/* ---- run_output.c ---- */

bool run_prints_rows(const struct options *options); /* an output goes to stdout, which then carries no summary */

/* False with a message in `error` (CSV_ERROR_BYTES). */
bool run_outputs_differ(const struct options *options, char *error); /* no two of them go to one file */
bool run_outputs_open(struct run_outputs *outputs, char *error);
bool run_outputs_write(struct run_outputs *outputs, const struct run_session *session, const struct run_window *window,
                       const struct result *result, char *error);
bool run_outputs_close(struct run_outputs *outputs, char *error);

#endif
