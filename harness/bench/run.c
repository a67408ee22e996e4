/* run.c - the coordinator of a run, see run.h and run_inner.h. */
#include "harness/bench/run.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/bench/run_inner.h"
#include "harness/bench/summary.h"
#include "harness/common/clock.h"
#include "harness/common/interrupt.h"
#include "harness/common/quantity.h"
#include "harness/machine/pmu_sys.h"
#include "harness/targets/recording.h"

/* The automatic deadline, see its option. */
#define DEADLINE_BASE_NS (120 * SECOND_NS)
#define DEADLINE_TXN_NS UINT64_C(1000000)
#define DEADLINE_ROW_NS UINT64_C(20000)

atomic_int run_signal;

static void signal_note(int number)
{
    atomic_store_explicit(&run_signal, number, memory_order_relaxed);
}

void run_complain(struct run *run, const char *format, ...)
{
    va_list arguments;
    progress_clear(&run->progress);
    (void)fputs("maemio: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

bool run_is_timed(const struct run *run)
{
    return strcmp(run->options->run.latency, "off") != 0;
}

bool run_is_checked(const struct run *run)
{
    return strcmp(run->options->run.check, "off") != 0;
}

/* ---- Deadline. ---- */

static uint64_t deadline_length(const struct run *run)
{
    const struct run_options *options = &run->options->run;
    if (options->deadline != 0)
        return options->deadline;
    bool steady = strcmp(options->warmup_until, "steady") == 0;
    uint64_t passes = options->reload ? 2 * options->repetitions : 1 + options->repetitions; /* over all rows */
    if (strcmp(options->check, "full") == 0)
        passes += 2; /* load and history of the sample */
    double ns =
        (double)DEADLINE_BASE_NS +
        (double)options->repetitions * (2 * (double)((steady ? options->warmup_max : options->warmup) + options->time) +
                                        (double)options->txns * (double)DEADLINE_TXN_NS) +
        (double)passes * (double)run->load_rows * (double)DEADLINE_ROW_NS;
    double latest = 3e18; /* a century; keeps the sum in range */
    return (uint64_t)(ns < latest ? ns : latest);
}

void run_deadline_renew(struct run *run)
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

/* ---- The whole. ---- */

static enum exit_code repetitions_run(struct run *run)
{
    unsigned repetitions = (unsigned)run->options->run.repetitions;
    run->results = support_alloc(repetitions * sizeof(struct result *));
    enum exit_code code = run_session_open(run);
    for (unsigned i = 1; code == EXIT_FINE && i <= repetitions; i++) {
        if (i > 1 && run->options->run.reload) {
            (void)run_session_close(run); /* nothing is recorded: options_resolve */
            code = run_session_open(run);
        }
        if (code == EXIT_FINE)
            code = run_repetition(run, i);
    }
    bool fine = run_session_close(run);
    return code == EXIT_FINE && !fine ? EXIT_FAILED : code;
}

static enum exit_code place(struct run *run)
{
    char error[OPTION_ERROR_BYTES], number[32];
    struct run_options *options = &run->options->run;
    run->topology = topology_open(NULL, NULL, error);
    if (run->topology == NULL) {
        run_complain(run, "%s", error);
        return EXIT_FAILED;
    }
    if (topology_is_foreign(run->topology)) {
        run_complain(run, "hwloc describes another machine than this one; unset HWLOC_SYNTHETIC, HWLOC_XMLFILE, "
                          "HWLOC_FSROOT and HWLOC_THISSYSTEM");
        return EXIT_FAILED;
    }
    if (options->threads == 0) {
        unsigned cores = topology_core_count(run->topology), most = run->target_ops->guarantees.workers_max;
        (void)snprintf(number, sizeof number, "%u", cores < most ? cores : most);
        (void)options_set(run->options, "threads", number, error); /* the column shows the number */
    }
    run->worker_count = (unsigned)options->threads;
    if (options->txns_total != 0) { /* what the busiest worker has to do; task_loop knows each one's share */
        (void)snprintf(number, sizeof number, "%llu",
                       (unsigned long long)((options->txns_total - 1) / options->threads + 1));
        (void)options_set(run->options, "txns", number, error);
    }
    if (topology_place(run->topology, options->pin, run->worker_count, &run->placement, error))
        return EXIT_FINE;
    run_complain(run, "--pin: %s", error);
    return EXIT_USAGE;
}

static enum exit_code outputs_open(struct run *run)
{
    char error[CSV_ERROR_BYTES];
    if (!run_outputs_differ(run, error)) {
        run_complain(run, "%s", error);
        return EXIT_USAGE;
    }
    if (!run_outputs_open(run, error)) {
        run_complain(run, "%s", error);
        return EXIT_FAILED;
    }
    if (run->options->run.history[0] == '\0')
        return EXIT_FINE;
    run->target_ops = recording_target(run->target_ops, run->options->run.history, error, sizeof error);
    if (run->target_ops != NULL)
        return EXIT_FINE;
    run_complain(run, "--history %s", error);
    return EXIT_FAILED;
}

/* The plan of what to count; the warning, if there is one, is for the summary, or stderr where there is none. */
static enum exit_code counters_plan(struct run *run)
{
    char error[OPTION_ERROR_BYTES];
    enum pmu_result planned =
        pmu_plan_init(&run->plan, run->options->run.counters, run->worker_count, &pmu_sys_linux, error, sizeof error);
    if (planned != PMU_OK) {
        run_complain(run, "--counters: %s", error);
        return planned == PMU_USAGE ? EXIT_USAGE : EXIT_FAILED;
    }
    pmu_plan_warning(&run->plan, run->plan_warning, sizeof run->plan_warning);
    if (run->plan_warning[0] != '\0' && run_prints_rows(run))
        run_complain(run, "warning: %s", run->plan_warning);
    return EXIT_FINE;
}

static enum exit_code outputs_close(struct run *run, enum exit_code code)
{
    char error[CSV_ERROR_BYTES];
    progress_clear(&run->progress);
    if (!run_outputs_close(run, error)) {
        run_complain(run, "%s", error);
        code = code == EXIT_FINE ? EXIT_FAILED : code;
    }
    if (run_prints_rows(run))
        return code;
    summary_print(stdout, run->results, run->result_count, run->plan_warning);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        run_complain(run, "the summary cannot be written to stdout");
        code = code == EXIT_FINE ? EXIT_FAILED : code;
    }
    return code;
}

static enum exit_code run_all(struct run *run)
{
    enum exit_code code = place(run);
    if (code == EXIT_FINE)
        code = counters_plan(run);
    if (code == EXIT_FINE)
        code = outputs_open(run);
    if (code != EXIT_FINE)
        return code;
    run->begin_ns = support_clock_ns();
    atomic_store(&run->deadline_ns, deadline_length(run));
    run->deadline = deadline_start(run->begin_ns + atomic_load(&run->deadline_ns), deadline_expired, run);
    if (run->deadline == NULL) {
        run_complain(run, "cannot start the deadline's thread");
        return EXIT_FAILED;
    }
    struct sigaction before[INTERRUPT_SIGNALS];
    atomic_store(&run_signal, 0);
    interrupt_take(signal_note, before);
    run_snapshots_init(run);
    if (strcmp(run->options->run.check, "full") == 0)
        code = run_proof(run);
    if (code == EXIT_FINE)
        code = repetitions_run(run);
    run_snapshots_fini(run);
    interval_fini(&run->series);
    interrupt_return(before);
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
    clock_init();
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
