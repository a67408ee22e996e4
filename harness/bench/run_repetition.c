/* run_repetition.c - one repetition: prepare, measure, space, check, and the result; see run_inner.h. */
#include <sys/resource.h>

#include "harness/bench/run_inner.h"
#include "harness/common/quantity.h"
#include "harness/record/metadata.h"

/* What the tasks after the window are about. */
struct finish {
    struct run_session *session;
    struct result *result;
    const struct support_text *proof_report;
};

/* ---- What workers are told to do. ---- */

static enum target_status lane_prepare(struct run_session *session, unsigned lane)
{
    struct loop_worker *loop = &session->workers[lane].loop;
    enum target_status status =
        session->setup->workload_ops->worker_create(session->workload, loop->target_worker, lane, &loop->state);
    if (status != TARGET_OK)
        loop->state = NULL;
    else if (options_think(session->setup->options))
        loop->terminals = terminals_create(session->setup->workload_ops->terminals, loop->state,
                                           session->setup->options->run.seed + lane);
    if (loop->latencies != NULL)
        latencies_clear(loop->latencies, session->setup->type_count);
    if (session->setup->plan.event_count != 0 && lane < session->setup->worker_count) {
        loop->counters_set = &session->workers[lane].counters;
        pmu_set_open(loop->counters_set, &session->setup->plan); /* on this thread, for this thread */
    }
    target_idle(session->setup->target_ops, loop->target_worker);
    return status;
}

static enum target_status task_prepare(void *arg, unsigned worker)
{
    struct run_session *session = arg;
    enum target_status status = TARGET_OK;
    for (unsigned lane = worker; lane < session->setup->lane_count && status == TARGET_OK;
         lane += session->setup->worker_count)
        status = lane_prepare(session, lane);
    return status;
}

static enum target_status task_discard(void *arg, unsigned worker)
{
    struct run_session *session = arg;
    for (unsigned lane = worker; lane < session->setup->lane_count; lane += session->setup->worker_count)
        run_worker_discard(session, lane);
    return TARGET_OK;
}

static enum target_status task_space(void *arg, unsigned worker)
{
    struct finish *finish = arg;
    (void)worker;
    run_space_read(finish->session, finish->result);
    run_commits_sum(finish->session, finish->result->committed_since_load);
    return TARGET_OK;
}

/* The verdict is in the result; the status is that of the task itself. */
static enum target_status task_check(void *arg, unsigned worker)
{
    struct finish *finish = arg;
    struct result *result = finish->result;
    bool passed = run_check_passes(finish->session, worker, result->check_report, sizeof result->check_report);
    result->check = passed ? CHECK_PASSED : CHECK_FAILED;
    size_t length = strlen(result->check_report);
    if (passed && finish->proof_report->bytes > 0)
        (void)snprintf(result->check_report + length, sizeof result->check_report - length, "%s%s",
                       length > 0 ? "; " : "", finish->proof_report->text);
    return TARGET_OK;
}

/* ---- The result. ---- */

static struct result *result_begin(struct run *run, unsigned repetition)
{
    unsigned number = (unsigned)run->setup.options->run.first_repetition + repetition - 1;
    struct result *result = result_create(run->setup.options, &run->setup.placement, number);
    result->harness_ns = run->session.harness_ns;
    result->load_s = run->session.load_s;
    result->load_rows = run->session.load_rows;
    result->loaded = run->session.loaded;
    result->engine =
        run->setup.counter_count == 0 ? NULL : support_alloc(run->setup.counter_count * sizeof *result->engine);
    metadata_config_hash(run->setup.options, result->config_hash);
    provenance_read(&result->provenance);
    run->results[run->result_count] = result; /* counted once it is measured */
    return result;
}

static bool check(struct finish *finish)
{
    struct run_session *session = finish->session;
    if (!run_is_checked(session->setup) || session->watch->interrupted || finish->result->check == CHECK_FAILED)
        return true;
    run_phase_begin(session->watch, PHASE_CHECK, 0);
    if (!run_crew_do(session, 1, task_check, finish))
        return false;
    finish->result->check_s = (double)(support_clock_ns() - session->watch->phase_begin_ns) / 1e9;
    return true;
}

static enum exit_code verdict(struct run_watch *watch, const struct result *result)
{
    if (result->check == CHECK_FAILED) {
        run_complain(watch, "the check of repetition %u failed: %s", result->repetition, result->check_report);
        return EXIT_CHECK;
    }
    if (result->all.committed == 0 && !watch->interrupted)
        return run_complain(
            watch, "no transaction committed in the window of %s, so there is nothing to tell; try a longer --time",
            quantity_time((uint64_t)(result->window_s * 1e9)));
    return watch->interrupted ? EXIT_INTERRUPTED : EXIT_FINE;
}

/* After the window: what it takes to trust the result, then the result itself. */
static enum exit_code result_finish(struct run *run, struct result *result)
{
    MAE_CHECK(result == run->results[run->result_count]);
    char error[CSV_ERROR_BYTES];
    struct rusage usage;
    struct run_session *session = &run->session;
    struct finish finish = {session, result, &run->proof_report};
    run_metrics_settle(session);
    run_phase_begin(&run->watch, PHASE_SPACE, 0);
    if (!run_crew_do(session, run->setup.worker_count, task_discard, session) ||
        !run_crew_do(session, 1, task_space, &finish) || !check(&finish)) {
        result_destroy(result);
        return run_unfinished(&run->watch);
    }
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        result->process_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    run->result_count++;
    enum exit_code code = verdict(&run->watch, result);
    if (!run_outputs_write(&run->outputs, session, &run->window, result, error)) {
        run_complain(&run->watch, "%s", error);
        return code == EXIT_CHECK ? code : EXIT_FAILED;
    }
    atomic_fetch_add(&run->watch.results_kept, 1);
    return code;
}

enum exit_code run_repetition(struct run *run, unsigned repetition)
{
    MAE_CHECK(repetition > 0 && repetition <= run->setup.options->run.repetitions);
    MAE_CHECK(run->result_count < repetition); /* one result a repetition */
    atomic_store(&run->watch.repetition, repetition);
    struct result *result = result_begin(run, repetition);
    run_phase_begin(&run->watch, PHASE_COOLDOWN, 0);
    run_rest(&run->session, run->setup.options->run.cooldown);
    run_phase_begin(&run->watch, PHASE_PREPARE, 0);
    bool prepared = !run->watch.interrupted &&
                    run_crew_do(&run->session, run->setup.worker_count, task_prepare, &run->session) &&
                    !run->watch.interrupted;
    enum exit_code code = prepared ? run_measure(&run->window, result) : run_unfinished(&run->watch);
    if (code == EXIT_FINE)
        return result_finish(run, result);
    result_destroy(result);
    return code;
}
