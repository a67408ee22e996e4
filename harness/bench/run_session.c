/* run_session.c - a session: a target with the workload's data in it and workers joined; see run_inner.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/base/cgroup.h"
#include "harness/bench/run_inner.h"
#include "harness/common/quantity.h"
#include "harness/targets/recording.h"

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
    if (run_is_timed(run))
        loop->latencies = latencies_create(run->type_count);
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

void run_commits_sum(const struct run *run, uint64_t *committed)
{
    struct counts *sums = support_alloc(run->type_count * sizeof *sums);
    for (unsigned i = 0; i < run->worker_count; i++)
        loop_counters_add(run->workers[i].loop.counters, run->type_count, sums);
    for (unsigned type = 0; type < run->type_count; type++)
        committed[type] = sums[type].committed;
    free(sums);
}

/* The target's own check of its structure takes a worker of the target itself, which may have no more than there are:
 * this one leaves for that long. Nothing of it is running. */
static enum mae_status verify(struct run *run, unsigned worker, char *finding, size_t finding_bytes)
{
    struct target_worker **own = &run->workers[worker].loop.target_worker;
    run->target_ops->worker_leave(*own);
    *own = NULL;
    enum mae_status status = run->target_ops->verify(run->target, finding, finding_bytes);
    enum mae_status joined = run->target_ops->worker_join(run->target, own);
    if (joined != MAE_OK) {
        *own = NULL;
        return status == MAE_OK ? joined : status;
    }
    run->target_ops->worker_idle(*own);
    return status;
}

bool run_check_passes(struct run *run, unsigned worker, char *report, size_t report_bytes)
{
    uint64_t *committed = support_alloc(run->type_count * sizeof *committed);
    run_commits_sum(run, committed);
    struct target_worker *target_worker = run->workers[worker].loop.target_worker;
    report[0] = '\0';
    enum mae_status status = run->workload_ops->check(run->workload, target_worker, committed, report, report_bytes);
    run->target_ops->worker_idle(target_worker);
    if (status == MAE_OK && run->target_ops->verify != NULL) { /* what the check said of its success stays */
        char finding[RESULT_REPORT_BYTES] = "";
        status = verify(run, worker, finding, sizeof finding);
        if (status != MAE_OK)
            (void)snprintf(report, report_bytes, "%s", finding);
    }
    if (status != MAE_OK && report[0] == '\0')
        (void)snprintf(report, report_bytes, "%s: %s", mae_status_name(status), mae_status_text(status));
    free(committed);
    return status == MAE_OK;
}

static enum mae_status task_check_loaded(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct result result = {0};
    run_space_read(run, &result);
    run->loaded = (struct loaded){.has_space = result.has_space,
                                  .has_memory = result.has_memory,
                                  .space_bytes = result_space_bytes(&result),
                                  .resident_bytes = result.memory.resident_bytes,
                                  .data_bytes = result.data_bytes};
    if (run->workload_ops->scale != NULL)
        run->loaded.scale = run->workload_ops->scale(run->workload, &run->loaded.scale_unit);
    if (run_check_passes(run, worker, run->load_report, sizeof run->load_report))
        run->load_report[0] = '\0'; /* what it says of its success is said after the run */
    return MAE_OK;
}

enum mae_status run_task_discard(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct loop_worker *loop = &run->workers[worker].loop;
    if (loop->state != NULL)
        run->workload_ops->worker_destroy(loop->state);
    loop->state = NULL;
    if (loop->counters_set != NULL)
        pmu_set_close(loop->counters_set);
    loop->counters_set = NULL;
    return MAE_OK;
}

static enum mae_status task_leave(void *arg, unsigned worker)
{
    struct run *run = arg;
    struct loop_worker *loop = &run->workers[worker].loop;
    (void)run_task_discard(arg, worker);
    if (loop->target_worker != NULL)
        run->target_ops->worker_leave(loop->target_worker);
    loop->target_worker = NULL;
    return MAE_OK;
}

/*
 * The harness's own cost: the loop as this run will have it, around the skeleton workload, which does nothing. The
 * least of some rounds is taken: whatever else runs on the CPU can only add to it.
 */
static enum mae_status task_cost(void *arg, unsigned worker)
{
    enum { ROUNDS = 5, ROUND_TXNS = 10000, OPTIONS_MAX = 16 };
    struct run *run = arg;
    const struct workload_ops *skeleton = workload_by_name("skeleton");
    const char *values[OPTIONS_MAX] = {NULL};
    char error[OPTION_ERROR_BYTES];
    struct workload *workload;
    (void)worker;
    for (size_t i = 0; i < OPTIONS_MAX - 1 && skeleton->options[i].name != NULL; i++)
        values[i] = skeleton->options[i].default_value;
    if (skeleton->create(values, run->target_ops, 1, 1, &workload, error, sizeof error) != MAE_OK)
        return MAE_OK; /* the column stays empty */
    struct loop_worker loop = {.workload = skeleton, .stop = &run->stop, .commits_max = ROUND_TXNS};
    if (skeleton->worker_create(workload, NULL, 0, &loop.state) == MAE_OK) {
        loop.counters = loop_counters_create(1);
        loop.latencies = run_is_timed(run) ? latencies_create(1) : NULL;
        loop.exact = strcmp(run->options->run.latency, "exact") == 0;
        for (int i = 0; i < ROUNDS; i++) {
            (void)loop_run(&loop);
            double ns = (double)(loop.end_ns - loop.begin_ns) / ROUND_TXNS;
            run->harness_ns = run->harness_ns <= 0 || ns < run->harness_ns ? ns : run->harness_ns;
        }
        free(loop.latencies);
        free(loop.counters);
        skeleton->worker_destroy(loop.state);
    }
    skeleton->destroy(workload);
    return MAE_OK;
}

/* ---- Is there memory enough? ---- */

/* What the database may take, at most, and who says so. */
struct allowance {
    double bytes;
    const char *by;
};

static void allow(struct allowance *allowance, double bytes, const char *by)
{
    if (bytes < allowance->bytes)
        *allowance = (struct allowance){bytes, by};
}

static struct allowance allowance_of(const struct run *run)
{
    struct allowance allowance = {INFINITY, ""};
    struct mae_memory memory;
    struct rlimit limit;
    struct provenance *machine = support_alloc(sizeof *machine);
    double group;
    provenance_read(machine);
    if (machine->memory_available_bytes[0] != '\0')
        allow(&allowance, strtod(machine->memory_available_bytes, NULL), "memory the machine has available");
    free(machine);
    if (cgroup_limit("", CGROUP_MEMORY, &group, NULL))
        allow(&allowance, group, "memory of the control group");
    if (run->target_ops->memory != NULL) {
        run->target_ops->memory(run->target, &memory);
        if (memory.limit_bytes != 0)
            allow(&allowance, (double)memory.limit_bytes, "memory_limit");
    }
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        allow(&allowance, (double)limit.rlim_cur, "address space, ulimit -v");
    return allowance;
}

static void allowance_say(struct run *run, const struct allowance *allowance)
{
    uint64_t rows, bytes;
    char rows_text[QUANTITY_TEXT_BYTES], needed[QUANTITY_TEXT_BYTES], there[QUANTITY_TEXT_BYTES];
    run->workload_ops->data_size(run->workload, &rows, &bytes);
    run_complain(run, "%s rows need more than %s, which is what data and keys alone take; there are %s (%s)",
                 quantity_format_count((double)rows, rows_text), quantity_format_bytes((double)bytes, needed),
                 quantity_format_bytes(allowance->bytes, there), allowance->by);
}

/* What can be known of memory beforehand: that data and keys alone need more than there is. */
static bool data_fits(struct run *run)
{
    uint64_t rows, bytes;
    run->workload_ops->data_size(run->workload, &rows, &bytes);
    struct allowance allowance = allowance_of(run);
    if ((double)bytes <= allowance.bytes)
        return true;
    allowance_say(run, &allowance);
    return false;
}

/* The load ran out of memory: what it had, and what all of it would have taken. */
static void shortage_explain(struct run *run)
{
    uint64_t done, total, rows, bytes;
    struct mae_memory memory;
    struct allowance allowance = allowance_of(run);
    char had[QUANTITY_TEXT_BYTES], needed[QUANTITY_TEXT_BYTES], there[QUANTITY_TEXT_BYTES];
    run_loaded_sum(run, &done, &total);
    run->workload_ops->data_size(run->workload, &rows, &bytes);
    if (run->target_ops->memory == NULL || done == 0 || total == 0)
        return;
    run->target_ops->memory(run->target, &memory);
    double share = (double)done / (double)total;
    run_complain(run, "%.0f%% of the load took %s, so all of it needs some %s; the least limit is %s (%s)", 100 * share,
                 quantity_format_bytes((double)memory.committed_bytes, had),
                 quantity_format_bytes((double)memory.committed_bytes / share, needed),
                 quantity_format_bytes(allowance.bytes, there), allowance.by);
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
    run_complain(run, "workload %s: %s", run->workload_ops->name, error[0] != '\0' ? error : mae_status_text(status));
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
        run_complain(run, "%s: %s", status == MAE_INVALID ? "--set" : "opening the target",
                     error[0] != '\0' ? error : mae_status_text(status));
        return exit_of(status);
    }
    if (!data_fits(run))
        return EXIT_FAILED;
    status = run->workload_ops->setup(run->workload, run->target, error, sizeof error);
    if (status == MAE_OK)
        return EXIT_FINE;
    run_complain(run, "setting up workload %s on target %s: %s", run->workload_ops->name, run->target_ops->name,
                 error[0] != '\0' ? error : mae_status_text(status));
    if (status == MAE_NO_MEMORY) {
        struct allowance allowance = allowance_of(run);
        allowance_say(run, &allowance);
    }
    return exit_of(status);
}

static enum exit_code crew_open(struct run *run)
{
    unsigned worker;
    enum mae_status status;
    run->crew = crew_create(run->worker_count, task_bind, run);
    if (run->crew == NULL) {
        run_complain(run, "cannot start %u threads", run->worker_count);
        return EXIT_FAILED;
    }
    if (crew_failure(run->crew, &worker, &status)) {
        run_complain(run, "worker %u cannot be pinned to CPU %d; --pin none runs it anywhere", worker,
                     run->placement.workers[worker].cpu);
        return EXIT_FAILED;
    }
    atomic_store(&run->watched, run->crew);
    run->workers = support_alloc_aligned(run->worker_count * sizeof *run->workers);
    run->proximity = proximity_create(&run->placement);
    return run_crew_do(run, run->worker_count, task_join) && run_crew_do(run, 1, task_cost) ? EXIT_FINE
                                                                                            : run_unfinished(run);
}

static enum exit_code load(struct run *run)
{
    uint64_t total;
    unsigned worker;
    enum mae_status status;
    run_phase_begin(run, PHASE_LOAD, 0);
    bool done = run_crew_do(run, run->worker_count, task_load);
    if (!done && crew_failure(run->crew, &worker, &status) && status == MAE_NO_MEMORY)
        shortage_explain(run);
    run->load_s = (double)(support_clock_ns() - run->phase_begin_ns) / 1e9;
    run_loaded_sum(run, &run->load_rows, &total);
    run_deadline_renew(run);
    return done && !run->interrupted ? EXIT_FINE : run_unfinished(run);
}

/* A workload that states what holds at any time states it of what was loaded, too. */
static enum exit_code check_loaded(struct run *run)
{
    if (!run_is_checked(run) || !run->workload_ops->check_live)
        return EXIT_FINE;
    run_phase_begin(run, PHASE_CHECK_LOADED, 0);
    if (!run_crew_do(run, 1, task_check_loaded))
        return run_unfinished(run);
    run->loaded.check_s = (double)(support_clock_ns() - run->phase_begin_ns) / 1e9;
    if (run->load_report[0] == '\0')
        return EXIT_FINE;
    run_complain(run, "the check of what was loaded failed: %s", run->load_report);
    return EXIT_CHECK;
}

enum exit_code run_session_open(struct run *run)
{
    run_phase_begin(run, PHASE_SETUP, 0);
    enum exit_code code = workload_open(run);
    if (code == EXIT_FINE)
        code = target_open(run);
    if (code == EXIT_FINE)
        code = crew_open(run);
    if (code == EXIT_FINE && run->interrupted)
        code = EXIT_INTERRUPTED;
    if (code == EXIT_FINE)
        code = load(run);
    return code == EXIT_FINE ? check_loaded(run) : code;
}

bool run_session_close(struct run *run)
{
    char error[OPTION_ERROR_BYTES];
    bool fine = true;
    run_phase_begin(run, PHASE_CLOSE, 0);
    if (run->workers != NULL) {
        crew_begin(run->crew, run->worker_count, task_leave, run);
        run_wait_rest(run);
        for (unsigned i = 0; i < run->worker_count; i++) {
            free(run->workers[i].loop.counters);
            free(run->workers[i].loop.latencies);
            free(run->workers[i].overdue);
        }
    }
    atomic_store(&run->watched, NULL);
    crew_destroy(run->crew);
    run->crew = NULL;
    proximity_destroy(run->proximity);
    run->proximity = NULL;
    if (run->target != NULL && run->options->run.history[0] != '\0' &&
        !recording_finish(run->target, error, sizeof error)) {
        run_complain(run, "--history %s", error);
        fine = false;
    }
    if (run->target != NULL)
        run->target_ops->close(run->target);
    if (run->workload != NULL)
        run->workload_ops->destroy(run->workload);
    free(run->workers);
    run->workers = NULL;
    run->target = NULL;
    run->workload = NULL;
    return fine;
}
