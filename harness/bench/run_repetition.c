/* run_repetition.c - one repetition: prepare, measure, space, check, and the result; see run_inner.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "harness/bench/run_inner.h"
#include "harness/common/quantity.h"
#include "harness/record/metadata.h"

/* ---- What workers are told to do. ---- */

static enum mae_status task_prepare(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct loop_worker *loop = &run->workers[worker].loop;
    enum mae_status status = run->workload_ops->worker_create(run->workload, loop->target_worker, worker, &loop->state);
    if (status != MAE_OK)
        loop->state = NULL;
    if (loop->latencies != NULL)
        latencies_clear(loop->latencies, run->type_count);
    if (run->plan.event_count != 0) {
        loop->counters_set = &run->workers[worker].counters;
        pmu_set_open(loop->counters_set, &run->plan); /* on this thread, for this thread */
    }
    run->target_ops->worker_idle(loop->target_worker);
    return status;
}

void run_space_read(const struct run *run, struct result *result)
{
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
}

static enum mae_status task_space(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct result *result = run->results[run->result_count];
    (void)worker;
    run_space_read(run, result);
    run_commits_sum(run, result->committed_since_load);
    return MAE_OK;
}

/* The verdict is in the result; the status is that of the task itself. */
static enum mae_status task_check(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct result *result = run->results[run->result_count];
    bool passed = run_check_passes(run, worker, result->check_report, sizeof result->check_report);
    result->check = passed ? CHECK_PASSED : CHECK_FAILED;
    size_t length = strlen(result->check_report);
    if (passed && run->proof_report[0] != '\0')
        (void)snprintf(result->check_report + length, sizeof result->check_report - length, "%s%s",
                       length > 0 ? "; " : "", run->proof_report);
    return MAE_OK;
}

/* ---- The result. ---- */

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
    unsigned number = (unsigned)run->options->run.first_repetition + repetition - 1;
    struct result *result = result_create(run->options, &run->placement, number);
    result->harness_ns = run->harness_ns;
    result->load_s = run->load_s;
    result->load_rows = run->load_rows;
    result->loaded = run->loaded;
    result->engine = run->counter_count == 0 ? NULL : support_alloc(run->counter_count * sizeof *result->engine);
    settings_keep(run, result);
    metadata_config_hash(run->options, &result->settings, result->config_hash);
    provenance_read(&result->provenance);
    run->results[run->result_count] = result; /* counted once it is measured */
    return result;
}

static bool check(struct run *run, struct result *result)
{
    if (!run_is_checked(run) || run->interrupted || result->check == CHECK_FAILED)
        return true;
    run_phase_begin(run, PHASE_CHECK, 0);
    if (!run_crew_do(run, 1, task_check))
        return false;
    result->check_s = (double)(support_clock_ns() - run->phase_begin_ns) / 1e9;
    return true;
}

static enum exit_code verdict(struct run *run, const struct result *result)
{
    char text[QUANTITY_TEXT_BYTES];
    if (result->check == CHECK_FAILED) {
        run_complain(run, "the check of repetition %u failed: %s", result->repetition, result->check_report);
        return EXIT_CHECK;
    }
    if (result->all.committed == 0 && !run->interrupted) {
        run_complain(run, "no transaction committed in the window of %s",
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
    run_phase_begin(run, PHASE_SPACE, 0);
    if (!run_crew_do(run, run->worker_count, run_task_discard) || !run_crew_do(run, 1, task_space) ||
        !check(run, result)) {
        result_destroy(result);
        return run_unfinished(run);
    }
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        result->process_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    run->result_count++;
    enum exit_code code = verdict(run, result);
    if (!run_outputs_write(run, result, error)) {
        run_complain(run, "%s", error);
        return code == EXIT_CHECK ? code : EXIT_FAILED;
    }
    atomic_fetch_add(&run->results_kept, 1);
    return code;
}

enum exit_code run_repetition(struct run *run, unsigned repetition)
{
    atomic_store(&run->repetition, repetition);
    struct result *result = result_begin(run, repetition);
    run_phase_begin(run, PHASE_PREPARE, 0);
    enum exit_code code = run_crew_do(run, run->worker_count, task_prepare) && !run->interrupted
                              ? run_measure(run, result)
                              : run_unfinished(run);
    if (code == EXIT_FINE)
        return result_finish(run, result);
    result_destroy(result);
    return code;
}
