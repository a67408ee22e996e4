/* run.c - the coordinator of a run, see run.h and run_inner.h. */
#include "harness/bench/run.h"

#include "harness/bench/line_profile.h"
#include "harness/bench/run_inner.h"
#include "harness/bench/summary.h"
#include "harness/common/interrupt.h"
#include "harness/machine/simulated_machine.h"
#include "harness/targets/recording.h"
#include "sim/simulated.h"
#include "workloads/beside.h"

static void signal_note(int number)
{
    atomic_store_explicit(&run_signal, number, memory_order_relaxed);
}

/* ---- The whole. ---- */

static enum exit_code repetitions_run(struct run *run)
{
    unsigned repetitions = (unsigned)run->setup.options->run.repetitions;
    run->results = support_alloc(repetitions * sizeof(struct result *));
    enum exit_code code = run_session_open(&run->session);
    for (unsigned i = 1; code == EXIT_FINE && i <= repetitions; i++) {
        if (i > 1 && run->setup.options->run.reload) {
            if (!run_session_close(&run->session))
                return EXIT_FAILED;
            code = run_session_open(&run->session);
        }
        if (code == EXIT_FINE)
            code = run_repetition(run, i);
    }
    bool fine = run_session_close(&run->session);
    return code == EXIT_FINE && !fine ? EXIT_FAILED : code;
}

static enum exit_code place(struct run_setup *setup, struct run_watch *watch)
{
    char error[OPTION_ERROR_BYTES];
    struct run_options *options = &setup->options->run;
    setup->topology = topology_open(simulated_topology(), simulated_allowed(), error);
    if (setup->topology == NULL)
        return run_complain(watch, "%s", error);
    if (topology_is_foreign(setup->topology))
        return run_complain(watch,
                            "hwloc describes another machine than this one; unset HWLOC_SYNTHETIC, HWLOC_XMLFILE, "
                            "HWLOC_FSROOT and HWLOC_THISSYSTEM");
    unsigned cores = topology_core_count(setup->topology);
    if (options->free_cores >= cores || (options->free_cores > 0 && options->threads > cores - options->free_cores)) {
        run_complain(watch, "--free-cores: of %u cores %" PRIu64 " are to be free; that leaves %s", cores,
                     options->free_cores, options->free_cores >= cores ? "none" : "fewer than --threads");
        return EXIT_USAGE;
    }
    if (options->threads == 0) {
        unsigned most = setup->target_ops->promises.workers_max / (unsigned)options->interleave;
        cores -= (unsigned)options->free_cores;
        const char *number = support_short("%u", cores < most ? cores : most);
        (void)options_set(setup->options, "threads", number, error); /* the column shows the number */
    }
    if (SIMULATED && (options->threads > topology_core_count(setup->topology) || strcmp(options->pin, "none") == 0)) {
        run_complain(watch, "a simulated core has one worker: want at most %u --threads, pinned",
                     topology_core_count(setup->topology));
        return EXIT_USAGE;
    }
    setup->worker_count = (unsigned)options->threads;
    setup->lane_count = (unsigned)(options->threads * options->interleave);
    if (setup->options->beside != NULL && options->beside_threads >= options->threads) {
        run_complain(watch, "--beside-threads: %" PRIu64 " of %u workers leave none for --workload",
                     options->beside_threads, setup->worker_count);
        return EXIT_USAGE;
    }
    beside_set_workers((unsigned)options->beside_threads);
    if (options->txns_total != 0) { /* what the busiest worker has to do; task_loop knows each one's share */
        const char *number = support_short("%" PRIu64, (options->txns_total - 1) / options->threads + 1);
        (void)options_set(setup->options, "txns", number, error);
    }
    if (topology_place(setup->topology, options->pin, setup->worker_count, &setup->placement, error))
        return EXIT_FINE;
    run_complain(watch, "--pin: %s", error);
    return EXIT_USAGE;
}

static enum exit_code outputs_open(struct run *run)
{
    char error[CSV_ERROR_BYTES];
    if (!run_outputs_differ(run->setup.options, error)) {
        run_complain(&run->watch, "%s", error);
        return EXIT_USAGE;
    }
    if (!run_outputs_open(&run->outputs, error))
        return run_complain(&run->watch, "%s", error);
    if (run->setup.options->run.history[0] == '\0')
        return EXIT_FINE;
    run->recording = recording_create(run->setup.target_ops, run->setup.options->run.history, error, sizeof error);
    if (run->recording == NULL)
        return run_complain(&run->watch, "--history %s", error);
    run->setup.target_ops = recording_ops(run->recording);
    return EXIT_FINE;
}

/* The plan of what to count; the warning, if there is one, is for the summary, or stderr where there is none. */
static enum exit_code counters_plan(struct run_setup *setup, struct run_watch *watch)
{
    char error[OPTION_ERROR_BYTES];
    enum pmu_result planned = pmu_plan_init(&setup->plan, setup->options->run.counters, setup->worker_count,
                                            &pmu_sys_linux, error, sizeof error);
    if (planned != PMU_OK) {
        run_complain(watch, "--counters: %s", error);
        return planned == PMU_USAGE ? EXIT_USAGE : EXIT_FAILED;
    }
    setup->plan_warning = pmu_plan_warning(&setup->plan);
    if (setup->plan_warning != NULL && run_prints_rows(setup->options))
        run_complain(watch, "warning: %s", setup->plan_warning);
    return EXIT_FINE;
}

static enum exit_code outputs_close(struct run *run, enum exit_code code)
{
    char error[CSV_ERROR_BYTES];
    progress_clear(&run->watch.progress);
    if (!run_outputs_close(&run->outputs, error)) {
        run_complain(&run->watch, "%s", error);
        code = code == EXIT_FINE ? EXIT_FAILED : code;
    }
    if (run_prints_rows(run->setup.options))
        return code;
    summary_print(stdout, run->results, run->result_count, run->setup.plan_warning);
    if (run->result_count > 0)
        line_profile_print(stdout, run->results[run->result_count - 1]->all.committed);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        run_complain(&run->watch, "the summary cannot be written to stdout");
        code = code == EXIT_FINE ? EXIT_FAILED : code;
    }
    return code;
}

/* In a build that simulates, the machine begins to run here. Repetitions of a sweep are processes of their own, and
 * differ by the spread of transfers. */
static enum exit_code machine_open(const struct run_options *options)
{
    char error[SIMULATED_MACHINE_ERROR_BYTES];
    struct simulated_choice choice = {options->machine, options->cores, options->first_repetition};
    if (!SIMULATED || simulated_machine_open("maemio run", &choice, error))
        return EXIT_FINE;
    support_complain("maemio run", "--machine: %s", error);
    return EXIT_USAGE;
}

static enum exit_code run_all(struct run *run)
{
    enum exit_code code = place(&run->setup, &run->watch);
    if (code == EXIT_FINE)
        code = counters_plan(&run->setup, &run->watch);
    if (code == EXIT_FINE)
        code = outputs_open(run);
    if (code != EXIT_FINE)
        return code;
    char error[METRICS_ERROR_BYTES];
    const struct run_options *options = &run->setup.options->run;
    if (!metrics_open(&run->watch.metrics, options->metrics_file, (unsigned)options->metrics_port, error))
        return run_complain(&run->watch, "%s", error);
    if (!run_deadline_start(&run->watch))
        return run_complain(&run->watch, "cannot start the deadline's thread");
    struct sigaction before[INTERRUPT_SIGNALS];
    atomic_store(&run_signal, 0);
    interrupt_take(signal_note, before);
    run_window_init(&run->window);
    if (run->setup.options->run.check == RUN_CHECK_FULL)
        code = run_proof(&run->setup, &run->watch, &run->proof_report);
    if (code == EXIT_FINE)
        code = repetitions_run(run);
    run_window_fini(&run->window);
    interrupt_return(before);
    deadline_stop(run->watch.deadline);
    return code;
}

struct execution {
    struct options *options;
    enum exit_code code;
};

static void execute(void *arg)
{
    struct execution *execution = arg;
    struct options *options = execution->options;
    struct run *run = support_alloc_aligned(sizeof *run);
    struct run_setup *setup = &run->setup;
    run->watch.setup = run->session.setup = run->window.setup = run->outputs.setup = setup;
    run->watch.metrics.listener = -1;
    run->session.watch = &run->watch;
    run->window.session = &run->session;
    run->window.samples_counters = options->run.interval_csv[0] != '\0';
    setup->options = options;
    if (options->beside != NULL)
        options->workload =
            beside_compose(options->workload, options->workload_values, options->beside, options->beside_values);
    setup->workload_ops = options->workload;
    setup->target_ops = options->run.latency_operations ? operation_times_around(options->target) : options->target;
    const struct workload_share *shares = setup->workload_ops->shares;
    while (shares != NULL && shares[setup->share_count].name != NULL)
        setup->share_count++;
    setup->type_count = workload_type_count(setup->workload_ops, options->workload_values);
    if (setup->target_ops->counter_count != NULL && setup->target_ops->worker_counters != NULL)
        setup->counter_count = setup->target_ops->counter_count();
    clock_init();
    progress_init(&run->watch.progress, options->run.progress);
    execution->code = outputs_close(run, run_all(run));
    for (size_t i = 0; i < run->result_count; i++)
        result_destroy(run->results[i]);
    free(run->results);
    free(run->proof_report.text);
    free(run->watch.work.text);
    metrics_close(&run->watch.metrics);
    free(run->watch.status_types);
    operation_times_end();
    free(setup->plan_warning);
    placement_free(&setup->placement);
    topology_close(setup->topology);
    recording_destroy(run->recording);
    free(run);
}

enum exit_code run_execute(struct options *options)
{
    struct execution execution = {options, machine_open(&options->run)};
    if (execution.code == EXIT_FINE)
        simulated_run(execute, &execution);
    return execution.code;
}
