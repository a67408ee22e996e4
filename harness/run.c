/* run.c - the coordinator of a run, see run.h. */
#include "harness/run.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/crew.h"
#include "harness/csv.h"
#include "harness/deadline.h"
#include "harness/loop.h"
#include "harness/phase.h"
#include "harness/progress.h"
#include "harness/quantity.h"
#include "harness/report.h"
#include "harness/result.h"
#include "harness/support.h"
#include "harness/topology.h"

#define SECOND_NS UINT64_C(1000000000)

/* The automatic deadline, see its option. */
#define DEADLINE_BASE_NS (120 * SECOND_NS)
#define DEADLINE_TXN_NS UINT64_C(1000000)
#define DEADLINE_ROW_NS UINT64_C(20000)

/* How long the coordinator sleeps at most before it looks at signals and failures. */
#define POLL_NS (SECOND_NS / 10)

/* A snapshot that took longer (its reader was preempted) is taken again, so often. */
#define SNAPSHOT_NS_MAX UINT64_C(1000000)
enum { SNAPSHOT_TRIES = 3 };

/* What one worker owns; nobody else writes its lines while it runs. */
struct run_worker {
    struct loop_worker loop;
    char pad[SUPPORT_LINE_BYTES];
    struct workload_progress progress;
    char pad_end[SUPPORT_LINE_BYTES];
};

struct snapshot {
    uint64_t at_ns;
    struct loop_counts *types;
    uint64_t *engine; /* NULL: the target has no counters */
};

struct run {
    struct options *options;
    const struct workload_ops *workload_ops;
    const struct target_ops *target_ops;
    unsigned worker_count, type_count;
    size_t counter_count;
    struct topology *topology;
    struct placement placement;
    struct csv *csv;
    struct deadline *deadline;
    struct progress progress;
    uint64_t begin_ns;

    /* From session_open to session_close. */
    struct crew *crew;
    struct target *target;
    struct workload *workload;
    struct run_worker *workers;
    double load_s;
    uint64_t load_rows;

    struct snapshot before, after;
    uint64_t *counters; /* of one worker, while a snapshot is taken */
    struct result **results;
    size_t result_count;

    bool interrupted;
    uint64_t drawn_ns, drawn_commits, phase_begin_ns, phase_ns;
    /* The deadline's thread reads these. */
    _Atomic int phase;
    _Atomic unsigned repetition; /* from 1; 0 before the first */
    _Atomic unsigned results_kept;
    _Atomic uint64_t deadline_ns; /* from begin_ns */
    struct crew *_Atomic watched; /* NULL when there is none, or it is going away */

    char pad[SUPPORT_LINE_BYTES];
    _Atomic bool stop; /* workers read it once an attempt */
    char pad_end[SUPPORT_LINE_BYTES];
};

static atomic_int signal_received;

static void signal_note(int number)
{
    atomic_store_explicit(&signal_received, number, memory_order_relaxed);
}

static void __attribute__((format(printf, 2, 3))) complain(struct run *run, const char *format, ...)
{
    va_list arguments;
    progress_clear(&run->progress);
    (void)fputs("maemio: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

/* ---- Deadline. ---- */

static uint64_t deadline_length(const struct run *run)
{
    const struct run_options *options = &run->options->run;
    if (options->deadline != 0)
        return options->deadline;
    uint64_t passes = options->reload ? 2 * options->repetitions : 1 + options->repetitions; /* over all rows */
    double ns = (double)DEADLINE_BASE_NS +
                (double)options->repetitions *
                    (2 * (double)(options->warmup + options->time) + (double)options->txns * (double)DEADLINE_TXN_NS) +
                (double)passes * (double)run->load_rows * (double)DEADLINE_ROW_NS;
    double latest = 3e18; /* a century; keeps the sum in range */
    return (uint64_t)(ns < latest ? ns : latest);
}

/* The rows to load have become known. */
static void deadline_renew(struct run *run)
{
    atomic_store(&run->deadline_ns, deadline_length(run));
    deadline_set(run->deadline, run->begin_ns + atomic_load(&run->deadline_ns));
}

/* On the deadline's thread; the coordinator may be anywhere. */
static void deadline_expired(void *arg)
{
    struct run *run = arg;
    char text[QUANTITY_TEXT_BYTES];
    unsigned repetition = atomic_load(&run->repetition);
    const struct crew *crew = atomic_load(&run->watched);
    (void)fprintf(stderr, "%smaemio: the deadline of %s passed in phase %s", run->progress.terminal ? "\n" : "",
                  quantity_format_time(atomic_load(&run->deadline_ns), text),
                  phase_text((enum phase)atomic_load(&run->phase)));
    if (repetition > 0)
        (void)fprintf(stderr, " of repetition %u", repetition);
    const char *separator = "; not ready: worker ";
    for (unsigned i = 0; crew != NULL && i < run->worker_count; i++)
        if (crew_is_busy(crew, i)) {
            (void)fprintf(stderr, "%s%u", separator, i);
            separator = ", ";
        }
    (void)fprintf(stderr, "; %u of %llu repetitions were measured\n", atomic_load(&run->results_kept),
                  (unsigned long long)run->options->run.repetitions);
    (void)fflush(stderr);
    _exit(EXIT_DEADLINE);
}

/* ---- Waiting, with progress on the way. ---- */

static void phase_begin(struct run *run, enum phase phase, uint64_t length_ns)
{
    run->phase_begin_ns = support_clock_ns();
    run->phase_ns = length_ns;
    run->drawn_ns = run->phase_begin_ns;
    run->drawn_commits = 0;
    atomic_store(&run->phase, (int)phase);
}

static void loaded_sum(const struct run *run, uint64_t *done, uint64_t *total)
{
    *done = *total = 0;
    for (unsigned i = 0; i < run->worker_count; i++) {
        *done += atomic_load_explicit(&run->workers[i].progress.done, memory_order_relaxed);
        *total += atomic_load_explicit(&run->workers[i].progress.total, memory_order_relaxed);
    }
}

static void load_draw(struct run *run)
{
    char speed_text[QUANTITY_TEXT_BYTES];
    uint64_t done, total;
    loaded_sum(run, &done, &total);
    double passed_s = (double)(support_clock_ns() - run->phase_begin_ns) / 1e9;
    double speed = passed_s > 0 ? (double)done / passed_s : 0;
    progress_draw(&run->progress, "load %3.0f%%  %s rows/s  %.0f s left",
                  total == 0 ? 0 : 100 * (double)done / (double)total, quantity_format_count(speed, speed_text),
                  speed > 0 ? (double)(total - done) / speed : 0);
}

static void window_draw(struct run *run)
{
    struct loop_counts sum = {0}, *types = support_alloc(run->type_count * sizeof *types);
    for (unsigned i = 0; i < run->worker_count; i++)
        loop_counters_add(run->workers[i].loop.counters, run->type_count, types);
    for (unsigned type = 0; type < run->type_count; type++)
        loop_counts_add(&sum, &types[type]);
    free(types);
    uint64_t now = support_clock_ns(), aborted = loop_counts_aborted(&sum);
    char speed[QUANTITY_TEXT_BYTES] = "";
    if (run->drawn_commits != 0 && now > run->drawn_ns)
        (void)quantity_format_count((double)(sum.committed - run->drawn_commits) * 1e9 / (double)(now - run->drawn_ns),
                                    speed);
    run->drawn_commits = sum.committed;
    run->drawn_ns = now;
    double passed_s = (double)(now - run->phase_begin_ns) / 1e9, length_s = (double)run->phase_ns / 1e9;
    progress_draw(&run->progress, "repetition %u of %llu  %s %.1f s  %s txn/s  aborts %.2f%%  %.0f s left",
                  atomic_load(&run->repetition), (unsigned long long)run->options->run.repetitions,
                  phase_text((enum phase)atomic_load(&run->phase)), passed_s, speed,
                  aborted == 0 ? 0 : 100 * (double)aborted / (double)(sum.committed + aborted),
                  length_s > passed_s ? length_s - passed_s : 0);
}

static void draw(struct run *run)
{
    if (!progress_due(&run->progress))
        return;
    enum phase phase = (enum phase)atomic_load(&run->phase);
    if (phase == PHASE_LOAD)
        load_draw(run);
    else if (phase == PHASE_WARMUP || phase == PHASE_MEASURE)
        window_draw(run);
    else
        progress_draw(&run->progress, "%s", phase_text(phase));
}

enum wait_end { WAIT_REST, WAIT_TIME, WAIT_FAILED, WAIT_INTERRUPTED };

/* Until the crew is at rest, the time has come, a worker failed, or a signal came that no earlier wait has reported. */
static enum wait_end wait_until(struct run *run, uint64_t until_ns)
{
    for (;;) {
        unsigned worker;
        enum mae_status status;
        uint64_t now = support_clock_ns(), slice = now + POLL_NS;
        bool rest = crew_wait(run->crew, slice < until_ns ? slice : until_ns);
        if (crew_failure(run->crew, &worker, &status))
            return WAIT_FAILED;
        if (rest)
            return WAIT_REST;
        if (!run->interrupted && atomic_load(&signal_received) != 0) {
            run->interrupted = true;
            complain(run, "interrupted in phase %s; a second signal ends the program at once",
                     phase_text((enum phase)atomic_load(&run->phase)));
            return WAIT_INTERRUPTED;
        }
        if (support_clock_ns() >= until_ns)
            return WAIT_TIME;
        if (atomic_load(&run->phase) == PHASE_LOAD) {
            uint64_t done;
            loaded_sum(run, &done, &run->load_rows);
            deadline_renew(run);
        }
        draw(run);
    }
}

/* Until every worker is at rest, whatever happens; the deadline watches. */
static void wait_rest(struct run *run)
{
    (void)crew_wait(run->crew, UINT64_MAX);
}

static enum exit_code unfinished(const struct run *run)
{
    return run->interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
}

/* Lets workers [0, count) do a task to its end. False, with a message unless interrupted, when one failed. */
static bool crew_do(struct run *run, unsigned count, crew_task_fn task)
{
    unsigned worker;
    enum mae_status status;
    crew_begin(run->crew, count, task, run);
    while (wait_until(run, UINT64_MAX) == WAIT_INTERRUPTED)
        atomic_store_explicit(&run->stop, true, memory_order_relaxed); /* the load heeds it */
    atomic_store_explicit(&run->stop, true, memory_order_relaxed);
    wait_rest(run);
    atomic_store_explicit(&run->stop, false, memory_order_relaxed);
    if (!crew_failure(run->crew, &worker, &status))
        return true;
    if (!run->interrupted)
        complain(run, "phase %s failed on worker %u: %s: %s", phase_text((enum phase)atomic_load(&run->phase)), worker,
                 mae_status_name(status), mae_status_text(status));
    return false;
}

/* ---- What workers are told to do. ---- */

static enum mae_status task_bind(void *arg, unsigned worker)
{
    const struct run *run = arg;
    return topology_bind(run->topology, &run->placement.workers[worker]) ? MAE_OK : MAE_UNSUPPORTED;
}

static enum mae_status task_join(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct loop_worker *loop = &run->workers[worker].loop;
    enum mae_status status = run->target_ops->worker_join(run->target, &loop->target_worker);
    if (status != MAE_OK) {
        loop->target_worker = NULL;
        return status;
    }
    loop->counters = loop_counters_create(run->type_count);
    run->target_ops->worker_idle(loop->target_worker);
    return MAE_OK;
}

static enum mae_status task_load(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct run_worker *own = &run->workers[worker];
    enum mae_status status = run->workload_ops->load(run->workload, own->loop.target_worker, worker, run->worker_count,
                                                     &own->progress, &run->stop);
    run->target_ops->worker_idle(own->loop.target_worker);
    return status;
}

static enum mae_status task_prepare(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct loop_worker *loop = &run->workers[worker].loop;
    enum mae_status status = run->workload_ops->worker_create(run->workload, loop->target_worker, worker, &loop->state);
    if (status != MAE_OK)
        loop->state = NULL;
    run->target_ops->worker_idle(loop->target_worker);
    return status;
}

static enum mae_status task_loop(void *arg, unsigned worker)
{
    struct run *run = arg;
    enum mae_status status = loop_run(&run->workers[worker].loop);
    run->target_ops->worker_idle(run->workers[worker].loop.target_worker);
    return status;
}

static enum mae_status task_discard(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct loop_worker *loop = &run->workers[worker].loop;
    if (loop->state != NULL)
        run->workload_ops->worker_destroy(loop->state);
    loop->state = NULL;
    return MAE_OK;
}

static enum mae_status task_leave(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct loop_worker *loop = &run->workers[worker].loop;
    (void)task_discard(arg, worker);
    if (loop->target_worker != NULL)
        run->target_ops->worker_leave(loop->target_worker);
    loop->target_worker = NULL;
    return MAE_OK;
}

static enum mae_status task_space(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct result *result = run->results[run->result_count];
    (void)worker;
    run->workload_ops->data_size(run->workload, &result->data_rows, &result->data_bytes);
    if (run->workload_ops->space != NULL && run->target_ops->table_space != NULL &&
        run->target_ops->index_space != NULL) {
        run->workload_ops->space(run->workload, &result->rows, &result->indexes);
        result->has_space = true;
    }
    if (run->target_ops->memory != NULL) {
        run->target_ops->memory(run->target, &result->memory);
        result->has_memory = true;
    }
    return MAE_OK;
}

/* The verdict is in the result; the status is that of the task itself. */
static enum mae_status task_check(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct result *result = run->results[run->result_count];
    struct loop_counts *sums = support_alloc(run->type_count * sizeof *sums);
    uint64_t *committed = support_alloc(run->type_count * sizeof *committed);
    for (unsigned i = 0; i < run->worker_count; i++)
        loop_counters_add(run->workers[i].loop.counters, run->type_count, sums);
    for (unsigned type = 0; type < run->type_count; type++)
        committed[type] = sums[type].committed;
    struct target_worker *target_worker = run->workers[worker].loop.target_worker;
    result->check_report[0] = '\0';
    enum mae_status status = run->workload_ops->check(run->workload, target_worker, committed, result->check_report,
                                                      sizeof result->check_report);
    run->target_ops->worker_idle(target_worker);
    if (status == MAE_OK && run->target_ops->verify != NULL)
        status = run->target_ops->verify(run->target, result->check_report, sizeof result->check_report);
    result->check = status == MAE_OK ? CHECK_PASSED : CHECK_FAILED;
    if (status != MAE_OK && result->check_report[0] == '\0')
        (void)snprintf(result->check_report, sizeof result->check_report, "%s: %s", mae_status_name(status),
                       mae_status_text(status));
    free(committed);
    free(sums);
    return MAE_OK;
}

/* ---- A session: a target with the workload's data in it and workers joined. ---- */

static enum exit_code exit_of(enum mae_status status)
{
    return status == MAE_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

static enum exit_code workload_open(struct run *run)
{
    char error[OPTION_ERROR_BYTES] = "";
    const struct options *options = run->options;
    const char **values = support_alloc((options->workload_value_count + 1) * sizeof *values);
    for (size_t i = 0; i < options->workload_value_count; i++)
        values[i] = options->workload_values[i];
    enum mae_status status = run->workload_ops->create(values, run->target_ops, options->run.seed, run->worker_count,
                                                       &run->workload, error, sizeof error);
    free(values);
    if (status == MAE_OK)
        return EXIT_FINE;
    run->workload = NULL;
    complain(run, "workload %s: %s", run->workload_ops->name, error[0] != '\0' ? error : mae_status_text(status));
    return exit_of(status);
}

static enum exit_code target_open(struct run *run)
{
    char error[OPTION_ERROR_BYTES] = "";
    struct target_key_value *settings = options_settings(run->options);
    enum mae_status status = run->target_ops->open(settings, &run->target, error, sizeof error);
    free(settings);
    if (status != MAE_OK) {
        run->target = NULL;
        complain(run, "%s: %s", status == MAE_INVALID ? "--set" : "opening the target",
                 error[0] != '\0' ? error : mae_status_text(status));
        return exit_of(status);
    }
    status = run->workload_ops->setup(run->workload, run->target, error, sizeof error);
    if (status == MAE_OK)
        return EXIT_FINE;
    complain(run, "setting up workload %s on target %s: %s", run->workload_ops->name, run->target_ops->name,
             error[0] != '\0' ? error : mae_status_text(status));
    return exit_of(status);
}

static enum exit_code crew_open(struct run *run)
{
    unsigned worker;
    enum mae_status status;
    run->crew = crew_create(run->worker_count, task_bind, run);
    if (run->crew == NULL) {
        complain(run, "cannot start %u threads", run->worker_count);
        return EXIT_FAILED;
    }
    if (crew_failure(run->crew, &worker, &status)) {
        complain(run, "worker %u cannot be pinned to CPU %d; --pin none runs it anywhere", worker,
                 run->placement.workers[worker].cpu);
        return EXIT_FAILED;
    }
    atomic_store(&run->watched, run->crew);
    run->workers = support_alloc_aligned(run->worker_count * sizeof *run->workers);
    return crew_do(run, run->worker_count, task_join) ? EXIT_FINE : unfinished(run);
}

static enum exit_code load(struct run *run)
{
    uint64_t total;
    phase_begin(run, PHASE_LOAD, 0);
    bool done = crew_do(run, run->worker_count, task_load);
    run->load_s = (double)(support_clock_ns() - run->phase_begin_ns) / 1e9;
    loaded_sum(run, &run->load_rows, &total);
    deadline_renew(run);
    return done && !run->interrupted ? EXIT_FINE : unfinished(run);
}

static enum exit_code session_open(struct run *run)
{
    phase_begin(run, PHASE_SETUP, 0);
    enum exit_code code = workload_open(run);
    if (code == EXIT_FINE)
        code = target_open(run);
    if (code == EXIT_FINE)
        code = crew_open(run);
    return code == EXIT_FINE ? load(run) : code;
}

static void session_close(struct run *run)
{
    phase_begin(run, PHASE_CLOSE, 0);
    if (run->workers != NULL) {
        crew_begin(run->crew, run->worker_count, task_leave, run);
        wait_rest(run);
        for (unsigned i = 0; i < run->worker_count; i++)
            free(run->workers[i].loop.counters);
    }
    atomic_store(&run->watched, NULL);
    crew_destroy(run->crew);
    run->crew = NULL;
    if (run->target != NULL)
        run->target_ops->close(run->target);
    if (run->workload != NULL)
        run->workload_ops->destroy(run->workload);
    free(run->workers);
    run->workers = NULL;
    run->target = NULL;
    run->workload = NULL;
}

/* ---- A repetition. ---- */

static void snapshot_init(struct run *run, struct snapshot *snapshot)
{
    snapshot->types = support_alloc(run->type_count * sizeof *snapshot->types);
    snapshot->engine = run->counter_count == 0 ? NULL : support_alloc(run->counter_count * sizeof *snapshot->engine);
}

static void snapshot_fini(struct snapshot *snapshot)
{
    free(snapshot->types);
    free(snapshot->engine);
}

static void counters_sum(struct run *run, struct snapshot *snapshot)
{
    memset(snapshot->types, 0, run->type_count * sizeof *snapshot->types);
    for (unsigned i = 0; i < run->worker_count; i++)
        loop_counters_add(run->workers[i].loop.counters, run->type_count, snapshot->types);
    if (run->counter_count == 0)
        return;
    memset(snapshot->engine, 0, run->counter_count * sizeof *snapshot->engine);
    for (unsigned i = 0; i < run->worker_count; i++) {
        run->target_ops->worker_counters(run->workers[i].loop.target_worker, run->counters);
        for (size_t j = 0; j < run->counter_count; j++)
            snapshot->engine[j] += run->counters[j];
    }
}

/* The time is the middle of the reading; a reading that was preempted is repeated. */
static void snapshot_take(struct run *run, struct snapshot *snapshot)
{
    for (int i = 0; i < SNAPSHOT_TRIES; i++) {
        uint64_t begin_ns = support_clock_ns();
        counters_sum(run, snapshot);
        uint64_t length_ns = support_clock_ns() - begin_ns;
        snapshot->at_ns = begin_ns + length_ns / 2;
        if (length_ns <= SNAPSHOT_NS_MAX)
            break;
    }
}

static void loops_arm(struct run *run)
{
    for (unsigned i = 0; i < run->worker_count; i++) {
        struct loop_worker *loop = &run->workers[i].loop;
        loop->workload = run->workload_ops;
        loop->backoff = run->target_ops->backoff;
        loop->stop = &run->stop;
        loop->commits_max = run->options->run.txns == 0 ? UINT64_MAX : run->options->run.txns;
        atomic_store(&loop->entered, false);
    }
}

static bool loops_entered(const struct run *run)
{
    for (unsigned i = 0; i < run->worker_count; i++)
        if (!atomic_load_explicit(&run->workers[i].loop.entered, memory_order_acquire))
            return false;
    return true;
}

static double window_length_s(const struct run *run)
{
    uint64_t begin_ns = run->before.at_ns, end_ns = run->after.at_ns;
    if (run->options->run.txns != 0) { /* the loops are over: from the first start to the last end */
        begin_ns = UINT64_MAX;
        end_ns = 0;
        for (unsigned i = 0; i < run->worker_count; i++) {
            const struct loop_worker *loop = &run->workers[i].loop;
            begin_ns = loop->begin_ns < begin_ns ? loop->begin_ns : begin_ns;
            end_ns = loop->end_ns > end_ns ? loop->end_ns : end_ns;
        }
    }
    return (double)(end_ns - begin_ns) / 1e9;
}

static void window_keep(struct run *run, struct result *result)
{
    for (unsigned type = 0; type < run->type_count; type++) {
        result->types[type] = run->after.types[type];
        loop_counts_subtract(&result->types[type], &run->before.types[type]);
        loop_counts_add(&result->all, &result->types[type]);
    }
    for (size_t i = 0; i < run->counter_count; i++)
        result->engine[i] = run->after.engine[i] - run->before.engine[i];
    result->window_s = window_length_s(run);
}

/* Warm-up, window, drain. EXIT_FINE: there is a window, cut short perhaps; else why there is none. */
static enum exit_code measure(struct run *run, struct result *result)
{
    const struct run_options *options = &run->options->run;
    unsigned worker;
    enum mae_status status;
    loops_arm(run);
    phase_begin(run, PHASE_WARMUP, options->warmup);
    if (options->txns != 0) {
        phase_begin(run, PHASE_MEASURE, 0);
        snapshot_take(run, &run->before); /* the loops have not begun: every commit is inside */
    }
    crew_begin(run->crew, run->worker_count, task_loop, run);
    enum wait_end end = WAIT_TIME;
    if (options->txns == 0) {
        while (end == WAIT_TIME && !loops_entered(run))
            end = wait_until(run, support_clock_ns() + SECOND_NS / 1000);
        if (end == WAIT_TIME && options->warmup != 0)
            end = wait_until(run, support_clock_ns() + options->warmup);
    }
    bool opened = end == WAIT_TIME;
    if (opened && options->txns == 0) {
        phase_begin(run, PHASE_MEASURE, options->time);
        snapshot_take(run, &run->before);
        end = wait_until(run, run->before.at_ns + options->time);
        snapshot_take(run, &run->after);
    } else if (opened) {
        end = wait_until(run, UINT64_MAX);
    }
    if (opened && run->target_ops->state != NULL) {
        run->target_ops->state(run->target, &result->state);
        result->has_state = true;
    }
    phase_begin(run, PHASE_DRAIN, 0);
    atomic_store_explicit(&run->stop, true, memory_order_relaxed);
    wait_rest(run);
    atomic_store_explicit(&run->stop, false, memory_order_relaxed);
    if (options->txns != 0)
        snapshot_take(run, &run->after);
    if (crew_failure(run->crew, &worker, &status)) {
        complain(run, "worker %u cannot go on: %s: %s", worker, mae_status_name(status), mae_status_text(status));
        return EXIT_FAILED;
    }
    result->outcome = end == WAIT_INTERRUPTED ? OUTCOME_INTERRUPTED : OUTCOME_COMPLETE;
    if (opened)
        window_keep(run, result);
    return opened ? EXIT_FINE : EXIT_INTERRUPTED;
}

static void settings_keep(struct run *run, struct result *result)
{
    struct target_key_value setting;
    if (run->target_ops->setting == NULL)
        return;
    for (size_t i = 0; (setting = run->target_ops->setting(run->target, i)).key != NULL; i++) {
        result->settings.items = support_realloc(result->settings.items, (i + 1) * sizeof *result->settings.items);
        result->settings.items[i] = (struct option_pair){support_copy(setting.key), support_copy(setting.value)};
        result->settings.count = i + 1;
    }
}

static struct result *result_begin(struct run *run, unsigned repetition)
{
    struct result *result = result_create(run->options, &run->placement, repetition);
    result->load_s = run->load_s;
    result->load_rows = run->load_rows;
    result->engine = run->counter_count == 0 ? NULL : support_alloc(run->counter_count * sizeof *result->engine);
    settings_keep(run, result);
    provenance_read(&result->provenance);
    run->results[run->result_count] = result; /* counted once it is measured */
    return result;
}

static bool check(struct run *run, struct result *result)
{
    if (!run->options->run.check || run->interrupted)
        return true;
    phase_begin(run, PHASE_CHECK, 0);
    if (!crew_do(run, 1, task_check))
        return false;
    result->check_s = (double)(support_clock_ns() - run->phase_begin_ns) / 1e9;
    return true;
}

static enum exit_code verdict(struct run *run, const struct result *result)
{
    char text[QUANTITY_TEXT_BYTES];
    if (result->check == CHECK_FAILED) {
        complain(run, "the check of repetition %u failed: %s", result->repetition, result->check_report);
        return EXIT_CHECK;
    }
    if (result->all.committed == 0 && !run->interrupted) {
        complain(run, "no transaction committed in the window of %s",
                 quantity_format_time((uint64_t)(result->window_s * 1e9), text));
        return EXIT_FAILED;
    }
    return run->interrupted ? EXIT_INTERRUPTED : EXIT_FINE;
}

/* After the window: what it takes to trust the result, then the result itself. */
static enum exit_code result_finish(struct run *run, struct result *result)
{
    char error[CSV_ERROR_BYTES];
    struct rusage usage;
    phase_begin(run, PHASE_SPACE, 0);
    if (!crew_do(run, run->worker_count, task_discard) || !crew_do(run, 1, task_space) || !check(run, result)) {
        result_destroy(result);
        return unfinished(run);
    }
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        result->process_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    run->result_count++;
    enum exit_code code = verdict(run, result);
    if (run->csv != NULL && !csv_write(run->csv, result, error)) {
        complain(run, "%s", error);
        return code == EXIT_CHECK ? code : EXIT_FAILED;
    }
    atomic_fetch_add(&run->results_kept, 1);
    return code;
}

static enum exit_code repetition_run(struct run *run, unsigned repetition)
{
    atomic_store(&run->repetition, repetition);
    struct result *result = result_begin(run, repetition);
    phase_begin(run, PHASE_PREPARE, 0);
    enum exit_code code =
        crew_do(run, run->worker_count, task_prepare) && !run->interrupted ? measure(run, result) : unfinished(run);
    if (code == EXIT_FINE)
        return result_finish(run, result);
    result_destroy(result);
    return code;
}

/* ---- The whole. ---- */

static enum exit_code repetitions_run(struct run *run)
{
    unsigned repetitions = (unsigned)run->options->run.repetitions;
    run->results = support_alloc(repetitions * sizeof(struct result *));
    enum exit_code code = session_open(run);
    for (unsigned i = 1; code == EXIT_FINE && i <= repetitions; i++) {
        if (i > 1 && run->options->run.reload) {
            session_close(run);
            code = session_open(run);
        }
        if (code == EXIT_FINE)
            code = repetition_run(run, i);
    }
    session_close(run);
    return code;
}

static enum exit_code place(struct run *run)
{
    char error[OPTION_ERROR_BYTES], number[32];
    struct run_options *options = &run->options->run;
    run->topology = topology_open(NULL, NULL, error);
    if (run->topology == NULL) {
        complain(run, "%s", error);
        return EXIT_FAILED;
    }
    if (options->threads == 0) {
        unsigned cores = topology_core_count(run->topology), most = run->target_ops->guarantees.workers_max;
        (void)snprintf(number, sizeof number, "%u", cores < most ? cores : most);
        (void)options_set(run->options, "threads", number, error); /* the column shows the number */
    }
    run->worker_count = (unsigned)options->threads;
    if (topology_place(run->topology, options->pin, run->worker_count, &run->placement, error))
        return EXIT_FINE;
    complain(run, "--pin: %s", error);
    return EXIT_USAGE;
}

static enum exit_code outputs_open(struct run *run)
{
    char error[CSV_ERROR_BYTES];
    const char *path = run->options->run.csv;
    if (path[0] == '\0')
        return EXIT_FINE;
    run->csv = csv_open(path, error);
    if (run->csv != NULL)
        return EXIT_FINE;
    complain(run, "%s", error);
    return EXIT_FAILED;
}

static enum exit_code outputs_close(struct run *run, enum exit_code code)
{
    char error[CSV_ERROR_BYTES];
    progress_clear(&run->progress);
    if (!csv_close(run->csv, error)) {
        complain(run, "%s", error);
        code = code == EXIT_FINE ? EXIT_FAILED : code;
    }
    if (strcmp(run->options->run.csv, "-") == 0)
        return code;
    report_print(stdout, run->results, run->result_count);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain(run, "the summary cannot be written to stdout");
        code = code == EXIT_FINE ? EXIT_FAILED : code;
    }
    return code;
}

static void signals_take(struct sigaction before[2])
{
    struct sigaction action = {.sa_handler = signal_note, .sa_flags = (int)SA_RESETHAND};
    atomic_store(&signal_received, 0);
    (void)sigaction(SIGINT, &action, &before[0]);
    (void)sigaction(SIGTERM, &action, &before[1]);
}

static void signals_return(const struct sigaction before[2])
{
    (void)sigaction(SIGINT, &before[0], NULL);
    (void)sigaction(SIGTERM, &before[1], NULL);
}

static enum exit_code run_all(struct run *run)
{
    enum exit_code code = place(run);
    if (code == EXIT_FINE)
        code = outputs_open(run);
    if (code != EXIT_FINE)
        return code;
    run->begin_ns = support_clock_ns();
    atomic_store(&run->deadline_ns, deadline_length(run));
    run->deadline = deadline_start(run->begin_ns + atomic_load(&run->deadline_ns), deadline_expired, run);
    if (run->deadline == NULL) {
        complain(run, "cannot start the deadline's thread");
        return EXIT_FAILED;
    }
    struct sigaction before[2];
    signals_take(before);
    snapshot_init(run, &run->before);
    snapshot_init(run, &run->after);
    run->counters = support_alloc((run->counter_count + 1) * sizeof *run->counters);
    code = repetitions_run(run);
    free(run->counters);
    snapshot_fini(&run->after);
    snapshot_fini(&run->before);
    signals_return(before);
    deadline_stop(run->deadline);
    return code;
}

enum exit_code run_execute(struct options *options)
{
    struct run *run = support_alloc_aligned(sizeof *run);
    run->options = options;
    run->workload_ops = options->workload;
    run->target_ops = options->target;
    while (run->workload_ops->txn_types[run->type_count] != NULL)
        run->type_count++;
    if (run->target_ops->counter_count != NULL && run->target_ops->worker_counters != NULL)
        run->counter_count = run->target_ops->counter_count();
    progress_init(&run->progress, options->run.progress);
    enum exit_code code = outputs_close(run, run_all(run));
    for (size_t i = 0; i < run->result_count; i++)
        result_destroy(run->results[i]);
    free(run->results);
    placement_free(&run->placement);
    topology_close(run->topology);
    free(run);
    return code;
}
