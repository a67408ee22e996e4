/* run_session.c - a session: a target with the workload's data in it and workers joined; see run_inner.h. */
#include <math.h>
#include <sys/resource.h>

#include "engine/base/cgroup.h"
#include "harness/bench/run_inner.h"
#include "harness/common/quantity.h"
#include "harness/machine/facts.h"
#include "harness/targets/recording.h"
#include "sim/simulated.h"

/* ---- What workers are told to do. ---- */

/* Of the calling thread. */
static bool priority_set(unsigned priority)
{
    static const int nice[] = {[RUN_PRIORITY_NORMAL] = 0, [RUN_PRIORITY_LOW] = 10, [RUN_PRIORITY_HIGH] = -10};
    return priority == RUN_PRIORITY_NORMAL || setpriority(PRIO_PROCESS, 0, nice[priority]) == 0;
}

static enum target_status task_bind(void *arg, unsigned worker)
{
    const struct run_session *session = arg;
    const struct placement_worker *place = &session->setup->placement.workers[worker];
    simulated_core(place->cpu);
    if (!priority_set(session->setup->options->run.priority))
        return TARGET_BUSY; /* the kernel's refusal; crew_open has the words for it */
    return topology_bind(session->setup->topology, place) ? TARGET_OK : TARGET_UNSUPPORTED;
}

static enum target_status lane_join(struct run_session *session, unsigned lane)
{
    struct loop_worker *loop = &session->workers[lane].loop;
    enum target_status status = session->setup->target_ops->worker_join(session->target, &loop->target_worker);
    if (status != TARGET_OK) {
        loop->target_worker = NULL;
        return status;
    }
    loop->counters = loop_counters_create(session->setup->type_count);
    if (session->setup->options->run.latency_operations)
        operation_times_join();
    if (run_is_timed(session->setup))
        loop->latencies = latencies_create(session->setup->type_count);
    if (session->setup->target_ops->durable != NULL &&
        options_promises(session->setup->options).durability != TARGET_DURABILITY_OFF)
        loop->pending = pending_create(session->target);
    target_idle(session->setup->target_ops, loop->target_worker);
    return TARGET_OK;
}

static enum target_status task_join(void *arg, unsigned worker)
{
    struct run_session *session = arg;
    enum target_status status = TARGET_OK;
    for (unsigned lane = worker; lane < session->setup->lane_count && status == TARGET_OK;
         lane += session->setup->worker_count)
        status = lane_join(session, lane);
    return status;
}

static enum target_status task_load(void *arg, unsigned worker)
{
    struct run_session *session = arg;
    struct run_worker *own = &session->workers[worker];
    enum target_status status =
        session->setup->workload_ops->load(session->workload, own->loop.target_worker, worker,
                                           session->setup->worker_count, &own->progress, &session->stop);
    target_idle(session->setup->target_ops, own->loop.target_worker);
    return status;
}

void run_commits_sum(const struct run_session *session, uint64_t *committed)
{
    SUPPORT_FREED struct counts *sums = support_alloc(session->setup->type_count * sizeof *sums);
    for (unsigned i = 0; i < session->setup->lane_count; i++)
        loop_counters_add(session->workers[i].loop.counters, session->setup->type_count, sums);
    for (unsigned type = 0; type < session->setup->type_count; type++)
        committed[type] = sums[type].committed;
}

/* The target's own check of its structure takes a worker of the target itself, which may have no more than there are:
 * this one leaves for that long. Nothing of it is running. */
static enum target_status verify(struct run_session *session, unsigned worker, char *finding, size_t finding_bytes)
{
    struct target_worker **own = &session->workers[worker].loop.target_worker;
    session->setup->target_ops->worker_leave(*own);
    *own = NULL;
    enum target_status status = session->setup->target_ops->verify(session->target, finding, finding_bytes);
    enum target_status joined = session->setup->target_ops->worker_join(session->target, own);
    if (joined != TARGET_OK) {
        *own = NULL;
        return status == TARGET_OK ? joined : status;
    }
    target_idle(session->setup->target_ops, *own);
    return status;
}

bool run_check_passes(struct run_session *session, unsigned worker, char *report, size_t report_bytes)
{
    MAE_CHECK(worker < session->setup->worker_count && report_bytes > 0);
    SUPPORT_FREED uint64_t *committed = support_alloc(session->setup->type_count * sizeof *committed);
    run_commits_sum(session, committed);
    struct target_worker *target_worker = session->workers[worker].loop.target_worker;
    report[0] = '\0';
    enum target_status status =
        session->setup->workload_ops->check(session->workload, target_worker, committed, report, report_bytes);
    target_idle(session->setup->target_ops, target_worker);
    if (status == TARGET_OK &&
        session->setup->target_ops->verify != NULL) { /* what the check said of its success stays */
        char finding[RESULT_REPORT_BYTES] = "";
        status = verify(session, worker, finding, sizeof finding);
        if (status != TARGET_OK)
            (void)snprintf(report, report_bytes, "%s", finding);
    }
    if (status != TARGET_OK && report[0] == '\0')
        (void)snprintf(report, report_bytes, "%s: %s", target_status_name(status), target_status_text(status));
    return status == TARGET_OK;
}

void run_space_read(const struct run_session *session, struct result *result)
{
    session->setup->workload_ops->data_size(session->workload, &result->data_rows, &result->data_bytes);
    if (session->setup->workload_ops->space != NULL && session->setup->target_ops->table_space != NULL &&
        session->setup->target_ops->index_space != NULL) {
        session->setup->workload_ops->space(session->workload, &result->rows, &result->indexes);
        result->has_space = true;
    }
    if (session->setup->target_ops->memory != NULL) {
        session->setup->target_ops->memory(session->target, &result->memory);
        result->has_memory = true;
    }
}

static enum target_status task_check_loaded(void *arg, unsigned worker)
{
    struct run_session *session = arg;
    struct result result = {0};
    run_space_read(session, &result);
    session->loaded = (struct loaded){.has_space = result.has_space,
                                      .has_memory = result.has_memory,
                                      .space_bytes = result_space_bytes(&result),
                                      .resident_bytes = result.memory.resident_bytes,
                                      .data_bytes = result.data_bytes};
    if (session->setup->workload_ops->scale != NULL)
        session->loaded.scale = session->setup->workload_ops->scale(session->workload, &session->loaded.scale_unit);
    if (run_check_passes(session, worker, session->load_report, sizeof session->load_report))
        session->load_report[0] = '\0'; /* what it says of its success is said after the run */
    return TARGET_OK;
}

void run_worker_discard(struct run_session *session, unsigned lane)
{
    struct loop_worker *loop = &session->workers[lane].loop;
    if (loop->state != NULL)
        session->setup->workload_ops->worker_destroy(loop->state);
    loop->state = NULL;
    terminals_destroy(loop->terminals);
    loop->terminals = NULL;
    if (loop->counters_set != NULL)
        pmu_set_close(loop->counters_set);
    loop->counters_set = NULL;
}

static enum target_status task_leave(void *arg, unsigned worker)
{
    struct run_session *session = arg;
    for (unsigned lane = worker; lane < session->setup->lane_count; lane += session->setup->worker_count) {
        struct loop_worker *loop = &session->workers[lane].loop;
        run_worker_discard(session, lane);
        if (loop->target_worker != NULL)
            session->setup->target_ops->worker_leave(loop->target_worker);
        loop->target_worker = NULL;
    }
    return TARGET_OK;
}

/*
 * The harness's own cost: the loop as this run will have it, around the skeleton workload, which does nothing. The
 * least of some rounds is taken: whatever else runs on the CPU can only add to it.
 */
static enum target_status task_cost(void *arg, unsigned worker)
{
    enum { ROUNDS = 5, ROUND_TXNS = 10000 };
    struct run_session *session = arg;
    const struct workload_ops *skeleton = workload_by_name("skeleton");
    char error[OPTION_ERROR_BYTES];
    struct workload *workload;
    (void)worker;
    void *values = option_defaults(skeleton->options);
    enum target_status status =
        skeleton->create(values, session->setup->target_ops, 1, 1, &workload, error, sizeof error);
    option_values_destroy(skeleton->options, values);
    if (status != TARGET_OK)
        return TARGET_OK; /* the column stays empty */
    struct loop_worker loop = {
        .workload = skeleton, .target = session->setup->target_ops, .stop = &session->stop, .commits_max = ROUND_TXNS};
    if (skeleton->worker_create(workload, NULL, 0, &loop.state) == TARGET_OK) {
        loop.counters = loop_counters_create(1);
        loop.latencies = run_is_timed(session->setup) ? latencies_create(1) : NULL;
        loop.exact = session->setup->options->run.latency == RUN_LATENCY_EXACT;
        for (int i = 0; i < ROUNDS; i++) {
            (void)loop_run(&loop);
            double ns = (double)(loop.end_ns - loop.begin_ns) / ROUND_TXNS;
            session->harness_ns = session->harness_ns <= 0 || ns < session->harness_ns ? ns : session->harness_ns;
        }
        free(loop.latencies);
        free(loop.counters);
        skeleton->worker_destroy(loop.state);
    }
    skeleton->destroy(workload);
    return TARGET_OK;
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

static struct allowance allowance_of(const struct run_session *session)
{
    struct allowance allowance = {INFINITY, ""};
    struct target_memory memory;
    struct rlimit limit;
    long long available_kib;
    double group;
    if (fact_number("", FACT_MEMORY_AVAILABLE, &available_kib))
        allow(&allowance, 1024 * (double)available_kib, "memory the machine has available");
    if (cgroup_limit("", CGROUP_MEMORY, &group, NULL))
        allow(&allowance, group, "memory of the control group");
    if (session->setup->target_ops->memory != NULL) {
        session->setup->target_ops->memory(session->target, &memory);
        if (memory.limit_bytes != 0)
            allow(&allowance, (double)memory.limit_bytes, "memory_limit");
    }
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        allow(&allowance, (double)limit.rlim_cur, "address space, ulimit -v");
    return allowance;
}

static void allowance_say(struct run_session *session, const struct allowance *allowance)
{
    uint64_t rows, bytes;
    session->setup->workload_ops->data_size(session->workload, &rows, &bytes);
    run_complain(session->watch, "%s rows need more than %s, which is what data and keys alone take; there are %s (%s)",
                 quantity_count((double)rows), quantity_bytes((double)bytes), quantity_bytes(allowance->bytes),
                 allowance->by);
}

/* What can be known of memory beforehand: that data and keys alone need more than there is. */
static bool data_fits(struct run_session *session)
{
    uint64_t rows, bytes;
    session->setup->workload_ops->data_size(session->workload, &rows, &bytes);
    struct allowance allowance = allowance_of(session);
    if ((double)bytes <= allowance.bytes)
        return true;
    allowance_say(session, &allowance);
    return false;
}

/* The load ran out of memory: what it had, and what all of it would have taken. */
static void shortage_explain(struct run_session *session)
{
    uint64_t done, total;
    struct target_memory memory;
    struct allowance allowance = allowance_of(session);
    run_loaded_sum(session, &done, &total);
    if (session->setup->target_ops->memory == NULL || done == 0 || total == 0)
        return;
    session->setup->target_ops->memory(session->target, &memory);
    double share = (double)done / (double)total;
    run_complain(session->watch, "%.0f%% of the load took %s, so all of it needs some %s; the least limit is %s (%s)",
                 100 * share, quantity_bytes((double)memory.committed_bytes),
                 quantity_bytes((double)memory.committed_bytes / share), quantity_bytes(allowance.bytes), allowance.by);
}

/* ---- A session: a target with the workload's data in it and workers joined. ---- */

static enum exit_code exit_of(enum target_status status)
{
    return status == TARGET_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

static enum exit_code workload_open(struct run_session *session)
{
    char error[OPTION_ERROR_BYTES] = "";
    const struct options *options = session->setup->options;
    enum target_status status =
        session->setup->workload_ops->create(options->workload_values, session->setup->target_ops, options->run.seed,
                                             session->setup->lane_count, &session->workload, error, sizeof error);
    if (status == TARGET_OK)
        return EXIT_FINE;
    session->workload = NULL;
    run_complain(session->watch, "workload %s: %s", session->setup->workload_ops->name,
                 error[0] != '\0' ? error : target_status_text(status));
    return exit_of(status);
}

static enum exit_code target_open(struct run_session *session)
{
    char error[OPTION_ERROR_BYTES] = "";
    enum target_status status = session->setup->target_ops->open(
        session->setup->target_ops, session->setup->options->target_values, &session->target, error, sizeof error);
    if (status != TARGET_OK) {
        session->target = NULL;
        run_complain(session->watch, "%s: %s", status == TARGET_INVALID ? "--set" : "opening the target",
                     error[0] != '\0' ? error : target_status_text(status));
        return exit_of(status);
    }
    if (!data_fits(session))
        return EXIT_FAILED;
    status = session->setup->workload_ops->setup(session->workload, session->target, error, sizeof error);
    if (status == TARGET_OK)
        return EXIT_FINE;
    run_complain(session->watch, "setting up workload %s on target %s: %s%s", session->setup->workload_ops->name,
                 session->setup->target_ops->name, error[0] != '\0' ? error : target_status_text(status),
                 status == TARGET_EXISTS ? "; if an earlier run has left it in log_dir, give another folder" : "");
    if (status == TARGET_NO_MEMORY) {
        struct allowance allowance = allowance_of(session);
        allowance_say(session, &allowance);
    }
    return exit_of(status);
}

static enum exit_code crew_open(struct run_session *session)
{
    unsigned worker;
    enum target_status status;
    session->crew = crew_create(session->setup->worker_count, task_bind, session);
    if (session->crew == NULL)
        return run_complain(session->watch, "cannot start %u threads", session->setup->worker_count);
    if (crew_failure(session->crew, &worker, &status) && status == TARGET_BUSY)
        return run_complain(session->watch,
                            "--priority: the kernel refuses it to worker %u; a higher one than the "
                            "process has takes CAP_SYS_NICE or a limit of nice (ulimit -e)",
                            worker);
    if (crew_failure(session->crew, &worker, &status))
        return run_complain(session->watch, "worker %u cannot be pinned to CPU %d; --pin none runs it anywhere", worker,
                            session->setup->placement.workers[worker].cpu);
    atomic_store(&session->watch->watched, session->crew);
    session->workers = support_alloc_aligned(session->setup->lane_count * sizeof *session->workers);
    session->proximity =
        SIMULATED ? NULL : proximity_create(&session->setup->placement); /* the machine's file says it */
    return run_crew_do(session, session->setup->worker_count, task_join, session) &&
                   run_crew_do(session, 1, task_cost, session)
               ? EXIT_FINE
               : run_unfinished(session->watch);
}

static enum exit_code load(struct run_session *session)
{
    uint64_t total;
    unsigned worker;
    enum target_status status;
    run_phase_begin(session->watch, PHASE_LOAD, 0);
    bool done = run_crew_do(session, session->setup->worker_count, task_load, session);
    if (!done && crew_failure(session->crew, &worker, &status) && status == TARGET_NO_MEMORY)
        shortage_explain(session);
    session->load_s = (double)(support_clock_ns() - session->watch->phase_begin_ns) / 1e9;
    run_loaded_sum(session, &session->load_rows, &total);
    run_deadline_renew(session->watch, session->load_rows);
    return done && !session->watch->interrupted ? EXIT_FINE : run_unfinished(session->watch);
}

/* A workload that states what holds at any time states it of what was loaded, too. */
static enum exit_code check_loaded(struct run_session *session)
{
    if (!run_is_checked(session->setup) || !session->setup->workload_ops->check_live)
        return EXIT_FINE;
    run_phase_begin(session->watch, PHASE_CHECK_LOADED, 0);
    if (!run_crew_do(session, 1, task_check_loaded, session))
        return run_unfinished(session->watch);
    session->loaded.check_s = (double)(support_clock_ns() - session->watch->phase_begin_ns) / 1e9;
    if (session->load_report[0] == '\0')
        return EXIT_FINE;
    run_complain(session->watch, "the check of what was loaded failed: %s", session->load_report);
    return EXIT_CHECK;
}

enum exit_code run_session_open(struct run_session *session)
{
    MAE_CHECK(session->target == NULL && session->workload == NULL && session->crew == NULL);
    static enum exit_code (*const steps[])(struct run_session * session) = {workload_open, target_open, crew_open, load,
                                                                            check_loaded};
    enum exit_code code = EXIT_FINE;
    run_phase_begin(session->watch, PHASE_SETUP, 0);
    for (size_t i = 0; code == EXIT_FINE && i < sizeof steps / sizeof steps[0]; i++)
        code = steps[i] == load && session->watch->interrupted ? EXIT_INTERRUPTED : steps[i](session);
    return code;
}

bool run_session_close(struct run_session *session)
{
    char error[OPTION_ERROR_BYTES];
    bool fine = true;
    run_phase_begin(session->watch, PHASE_CLOSE, 0);
    if (session->workers != NULL) {
        crew_begin(session->crew, session->setup->worker_count, task_leave, session);
        run_wait_stopped(session);
        for (unsigned i = 0; i < session->setup->lane_count; i++) {
            free(session->workers[i].loop.counters);
            free(session->workers[i].loop.latencies);
            free(session->workers[i].loop.pending);
            free(session->workers[i].overdue);
        }
    }
    atomic_store(&session->watch->watched, NULL);
    crew_destroy(session->crew);
    session->crew = NULL;
    proximity_destroy(session->proximity);
    session->proximity = NULL;
    if (session->target != NULL && session->setup->options->run.history[0] != '\0' &&
        !recording_finish(session->target, error, sizeof error)) {
        run_complain(session->watch, "--history %s", error);
        fine = false;
    }
    if (session->target != NULL)
        fine &= session->setup->target_ops->close(session->target) == TARGET_OK;
    if (session->workload != NULL)
        session->setup->workload_ops->destroy(session->workload);
    free(session->workers);
    session->workers = NULL;
    session->target = NULL;
    session->workload = NULL;
    return fine;
}
