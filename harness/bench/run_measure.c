/*
 * run_measure.c - warm-up, window, drain; see run_inner.h.
 *
 * The window is the time between two snapshots of counters that the workers keep for themselves. In between, and in
 * the warm-up, the coordinator samples the same counters every interval (interval.h); workers do not notice. They see
 * the window open through a flag, between two requests, and then begin to time, and to count events (loop.h).
 */
#include <math.h>
#include <sys/resource.h>

#include "harness/bench/interleave.h"
#include "harness/bench/run_inner.h"
#include "harness/common/quantity.h"
#include "sim/simulated.h"

/* A snapshot that took longer (its reader was preempted) is taken again, so often. */
#define SNAPSHOT_NS_MAX UINT64_C(1000000)
enum { SNAPSHOT_TRIES = 3 };

/* --interval auto: so many a window, within these bounds. */
enum { INTERVALS_WINDOW = 20 };
#define INTERVAL_NS_MIN (SECOND_NS / 100)
#define INTERVAL_NS_MAX SECOND_NS

/* An open loop's backlog counts as drained when no worker is later than this; it has the warm-up's time for that, and
 * at least a second. */
#define DRAINED_NS (SECOND_NS / 200)

/* An open loop is saturated if a worker is later than this, plus 1% of the window, when it closes: a stall of a busy
 * machine is shorter, a rate that is 1% too high takes it there. What was due before it closed gets the same time again
 * to begin and to commit. Commits may fall short of rate x window by what is due in that time, too. */
#define SATURATED_NS (SECOND_NS / 100)

/* ---- Snapshots. ---- */

static void snapshot_init(const struct run_window *window, struct snapshot *snapshot)
{
    snapshot->types = support_alloc(window->setup->type_count * sizeof *snapshot->types);
    snapshot->engine = window->setup->counter_count == 0
                           ? NULL
                           : support_alloc(window->setup->counter_count * sizeof *snapshot->engine);
    snapshot->shares =
        window->setup->share_count == 0 ? NULL : support_alloc(window->setup->share_count * sizeof *snapshot->shares);
}

static void snapshot_fini(struct snapshot *snapshot)
{
    free(snapshot->types);
    free(snapshot->engine);
    free(snapshot->shares);
}

static void counters_sum(struct run_window *window, struct snapshot *snapshot)
{
    memset(snapshot->types, 0, window->setup->type_count * sizeof *snapshot->types);
    for (unsigned i = 0; i < window->setup->lane_count; i++)
        loop_counters_add(window->session->workers[i].loop.counters, window->setup->type_count, snapshot->types);
    if (snapshot->shares != NULL)
        window->setup->workload_ops->count_shares(window->session->workload, snapshot->shares);
    if (window->setup->counter_count == 0)
        return;
    memset(snapshot->engine, 0, window->setup->counter_count * sizeof *snapshot->engine);
    for (unsigned i = 0; i < window->setup->lane_count; i++) {
        window->setup->target_ops->worker_counters(window->session->workers[i].loop.target_worker, window->counters);
        for (size_t j = 0; j < window->setup->counter_count; j++)
            snapshot->engine[j] += window->counters[j];
    }
}

/* The time is the middle of the reading; a reading that was preempted is repeated. */
static void snapshot_take(struct run_window *window, struct snapshot *snapshot)
{
    for (int i = 0; i < SNAPSHOT_TRIES; i++) {
        uint64_t begin_ns = support_clock_ns();
        counters_sum(window, snapshot);
        uint64_t length_ns = support_clock_ns() - begin_ns;
        snapshot->at_ns = begin_ns + length_ns / 2;
        if (length_ns <= SNAPSHOT_NS_MAX)
            break;
    }
}

/* When it was taken, on the workers' clock: what is due in a window is due between its two snapshots. */
static uint64_t snapshot_ticks(const struct snapshot *snapshot)
{
    return clock_ticks_at(snapshot->at_ns);
}

/* A version is made as one of the first three; those of the fourth were seen by nobody; those of the last are gone. */
static const char *const version_counters[RUN_VERSION_COUNTERS] = {"inlined_writes", "pool_writes", "settled",
                                                                   "versions_discarded", "versions_reclaimed"};

void run_window_init(struct run_window *window)
{
    snapshot_init(window, &window->before);
    snapshot_init(window, &window->after);
    snapshot_init(window, &window->now);
    window->counters = support_alloc((window->setup->counter_count + 1) * sizeof *window->counters);
    for (size_t k = 0; k < RUN_VERSION_COUNTERS; k++) {
        window->version_counters[k] = SIZE_MAX;
        for (size_t i = 0; i < window->setup->counter_count; i++)
            if (strcmp(window->setup->target_ops->counter_info(i)->name, version_counters[k]) == 0)
                window->version_counters[k] = i;
    }
}

void run_window_fini(struct run_window *window)
{
    interval_fini(&window->series);
    free(window->counters);
    snapshot_fini(&window->now);
    snapshot_fini(&window->after);
    snapshot_fini(&window->before);
}

/* ---- Samples. ---- */

static uint64_t interval_ns(const struct run_window *window)
{
    const struct run_options *options = &window->setup->options->run;
    if (options->interval != 0)
        return options->interval;
    uint64_t ns = options->time / INTERVALS_WINDOW;
    return ns < INTERVAL_NS_MIN ? INTERVAL_NS_MIN : ns > INTERVAL_NS_MAX ? INTERVAL_NS_MAX : ns;
}

/* How late the worker is that is furthest behind with what was due until `until_ticks`; 0: until now. */
static uint64_t late_ns(const struct run_window *window, uint64_t until_ticks)
{
    uint64_t latest = 0, now = clock_now_ticks();
    until_ticks = until_ticks == 0 ? now : until_ticks;
    for (unsigned i = 0; window->setup->options->run.rate != 0 && i < window->setup->worker_count; i++) {
        uint64_t late = arrivals_late_ns(&window->session->workers[i].arrivals, until_ticks, now);
        latest = late > latest ? late : latest;
    }
    return latest;
}

/* Hardware events so far, once every worker has its own enabled; the rest stays unknown. */
static void sample_counters(struct run_window *window, struct interval_sample *sample)
{
    struct pmu_value total[PMU_EVENTS_MAX] = {0}, values[PMU_EVENTS_MAX];
    for (unsigned i = 0; i < window->setup->worker_count; i++)
        if (!atomic_load_explicit(&window->session->workers[i].loop.measuring, memory_order_acquire))
            return;
    for (unsigned i = 0; i < window->setup->worker_count; i++) {
        pmu_set_read(&window->session->workers[i].counters, values);
        pmu_values_add(&window->setup->plan, total, i, values);
    }
    for (unsigned i = 0; i < window->setup->plan.event_count; i++)
        if (window->setup->plan.events[i].hardware && total[i].status == PMU_COUNTED)
            sample->counters[i] = total[i].value;
}

/* Keeps what `snapshot`, just taken, says, and what else there is to know now. */
static void sample_keep(struct run_window *window, const struct snapshot *snapshot, bool in_window)
{
    struct interval_sample *sample = interval_next(&window->series);
    if (sample == NULL)
        return;
    sample->at_ns = snapshot->at_ns;
    sample->in_window = in_window;
    for (unsigned type = 0; type < window->setup->type_count; type++) {
        sample->committed += snapshot->types[type].committed;
        sample->operations += snapshot->types[type].operations;
        for (unsigned reason = 0; reason < TARGET_REASONS_MAX; reason++)
            sample->aborted[reason] += snapshot->types[type].aborted[reason];
    }
    if (window->setup->target_ops->state != NULL) {
        window->setup->target_ops->state(window->session->target, &sample->state);
        sample->has_state = true;
    }
    uint64_t counts[RUN_VERSION_COUNTERS];
    sample->has_versions = true;
    for (size_t k = 0; k < RUN_VERSION_COUNTERS; k++) {
        bool there = window->version_counters[k] != SIZE_MAX;
        sample->has_versions &= there;
        counts[k] = there ? snapshot->engine[window->version_counters[k]] : 0;
    }
    sample->versions_made = counts[0] + counts[1] + counts[2] - counts[3];
    sample->versions_reclaimed = counts[4];
    sample->process_bytes = interval_process_bytes();
    sample->late_ns = late_ns(window, 0);
    if (in_window && window->samples_counters)
        sample_counters(window, sample);
    interval_keep(&window->series);
}

/* Waits and samples on the way; what is left of an interval at the end is part of the last one. */
static enum wait_end wait_sampling(struct run_window *window, uint64_t until_ns, bool in_window)
{
    uint64_t step_ns = interval_ns(window), next_ns = support_clock_ns() + step_ns;
    for (;;) {
        bool samples = next_ns + step_ns / 2 < until_ns;
        enum wait_end end = run_wait_until(window->session, samples ? next_ns : until_ns);
        if (end != WAIT_TIME || !samples)
            return end;
        snapshot_take(window, &window->now);
        sample_keep(window, &window->now, in_window);
        while (next_ns <= window->now.at_ns)
            next_ns += step_ns;
    }
}

/* ---- The workers' loops. ---- */

static enum target_status task_loop(void *arg, unsigned worker)
{
    struct run_session *session = arg;
    const struct run_setup *setup = session->setup;
    struct loop_worker *loops[INTERLEAVE_MAX];
    unsigned count = 0;
    if (setup->options->run.interleave > 1) {
        for (unsigned lane = worker; lane < setup->lane_count; lane += setup->worker_count)
            loops[count++] = &session->workers[lane].loop;
        return interleave_run(loops, count);
    }
    enum target_status status = loop_run(&session->workers[worker].loop);
    target_idle(setup->target_ops, session->workers[worker].loop.target_worker);
    return status;
}

/* The i-th of `parts` equal parts. */
static uint64_t share(uint64_t whole, uint64_t parts, uint64_t i)
{
    return whole / parts + (i < whole % parts);
}

/* How many requests the loop has to do: its part of what its thread has. */
static uint64_t requests_of(const struct run_options *options, unsigned lane)
{
    uint64_t thread = lane % options->threads, of_thread = options->txns;
    if (options->txns_total != 0)
        of_thread = share(options->txns_total, options->threads, thread);
    return options->txns == 0 ? UINT64_MAX : share(of_thread, options->interleave, lane / options->threads);
}

static void loops_arm(struct run_window *window)
{
    const struct run_options *options = &window->setup->options->run;
    for (unsigned i = 0; i < window->setup->lane_count; i++) {
        struct loop_worker *loop = &window->session->workers[i].loop;
        /* Counted requests are due from when their worker begins, which may be late: so is what is measured. */
        loop->opened_ticks = options->txns != 0 ? NULL : &window->opened_ticks;
        loop->closed_ticks = &window->closed_ticks;
        loop->exact = options->latency == RUN_LATENCY_EXACT;
        loop->times_aborted = options->latency_aborted;
        loop->attempts_max = options->give_up_after;
        loop->give_up_ns = options->give_up_time;
        if (options->rate != 0) {
            arrivals_init(&window->session->workers[i].arrivals, options->arrival == RUN_ARRIVAL_POISSON,
                          (double)options->rate, i, window->setup->worker_count,
                          options->seed + window->session->watch->repetition);
            loop->arrivals = &window->session->workers[i].arrivals;
            loop->arrivals->plan =
                window->setup->options->rate_plan.count > 0 ? &window->setup->options->rate_plan : NULL;
        }
        loop->workload = window->setup->workload_ops;
        loop->target = window->setup->target_ops;
        loop->stop = &window->session->stop;
        loop->commits_max = requests_of(options, i);
        atomic_store(&loop->entered, false);
    }
}

static bool loops_entered(const struct run_window *window)
{
    for (unsigned i = 0; i < window->setup->lane_count; i++)
        if (!atomic_load_explicit(&window->session->workers[i].loop.entered, memory_order_acquire))
            return false;
    return true;
}

static double window_length_s(const struct run_window *window)
{
    uint64_t begin_ns = window->before.at_ns, end_ns = window->after.at_ns;
    if (window->setup->options->run.txns != 0) { /* the loops are over: from the first start to the last end */
        begin_ns = UINT64_MAX;
        end_ns = 0;
        for (unsigned i = 0; i < window->setup->lane_count; i++) {
            const struct loop_worker *loop = &window->session->workers[i].loop;
            begin_ns = loop->begin_ns < begin_ns ? loop->begin_ns : begin_ns;
            end_ns = loop->end_ns > end_ns ? loop->end_ns : end_ns;
        }
    }
    MAE_CHECK(begin_ns <= end_ns);
    return (double)(end_ns - begin_ns) / 1e9;
}

static void window_keep(struct run_window *window, struct result *result)
{
    MAE_CHECK(window->before.at_ns <= window->after.at_ns);
    for (unsigned type = 0; type < window->setup->type_count; type++) {
        result->types[type] = window->after.types[type];
        counts_subtract(&result->types[type], &window->before.types[type]);
        counts_add(&result->all, &result->types[type]);
    }
    for (size_t i = 0; i < window->setup->counter_count; i++)
        result->engine[i] = window->after.engine[i] - window->before.engine[i];
    for (unsigned i = 0; i < window->setup->share_count; i++) {
        result->shares[i].part = window->after.shares[i].part - window->before.shares[i].part;
        result->shares[i].whole = window->after.shares[i].whole - window->before.shares[i].whole;
    }
    result->window_s = window_length_s(window);
}

static void latencies_keep(const struct run_window *window, struct result *result)
{
    if (!run_is_timed(window->setup))
        return;
    SUPPORT_FREED struct latency *merged = latencies_create(1), *all = latencies_create(1);
    result->latencies = support_alloc((window->setup->type_count + 1) * sizeof *result->latencies);
    for (unsigned type = 0; type < window->setup->type_count; type++) {
        latencies_clear(merged, 1);
        for (unsigned i = 0; i < window->setup->lane_count; i++)
            latency_merge(merged, &window->session->workers[i].loop.latencies[type]);
        latency_summarize(merged, &result->latencies[type]);
        latency_merge(all, merged);
    }
    for (unsigned i = 0; i < window->setup->worker_count; i++)
        if (window->session->workers[i].overdue != NULL)
            histogram_merge(&all->response, window->session->workers[i].overdue);
    latency_summarize(all, &result->latencies[window->setup->type_count]);
    /* With --txns every request was timed: as many times as commits. */
    MAE_CHECK(window->setup->options->run.txns == 0 || all->service.count == result->all.committed);
    for (unsigned type = 0; result->saturated && type <= window->setup->type_count; type++)
        result->latencies[type].response = (struct latency_digest){0}; /* it only grows with the window */
}

static void operations_keep(const struct run_window *window, struct result *result)
{
    if (!window->setup->options->run.latency_operations)
        return;
    SUPPORT_FREED struct histogram *merged = support_alloc(sizeof *merged);
    result->operations = support_alloc(OPERATION_COUNT * sizeof *result->operations);
    for (unsigned i = 0; i < OPERATION_COUNT; i++) {
        histogram_init(merged);
        operation_times_merge((enum operation)i, merged);
        latency_digest(merged, &result->operations[i]);
    }
}

static void counters_keep(struct run_window *window, struct result *result)
{
    if (window->setup->plan.event_count == 0)
        return;
    result->plan = &window->setup->plan;
    for (unsigned i = 0; i < window->setup->worker_count; i++) {
        pmu_set_read(&window->session->workers[i].counters, window->session->workers[i].values);
        pmu_values_add(&window->setup->plan, result->counters, i, window->session->workers[i].values);
    }
}

/* ---- Warm-up. ---- */

static enum wait_end warmup_settle(struct run_window *window, struct result *result, uint64_t begin_ns)
{
    uint64_t until_ns = begin_ns + window->setup->options->run.warmup_max;
    result->warmup_settled = 0;
    for (;;) {
        double drift;
        size_t last = window->series.count;
        if (last > INTERVAL_STEADY_WARMUP &&
            interval_steady(&window->series, last - 1 - INTERVAL_STEADY_WARMUP, &drift) == 1) {
            result->warmup_settled = 1;
            return WAIT_TIME;
        }
        uint64_t now_ns = support_clock_ns(), next_ns = now_ns + interval_ns(window);
        if (now_ns >= until_ns)
            return WAIT_TIME;
        enum wait_end end = run_wait_until(window->session, next_ns < until_ns ? next_ns : until_ns);
        if (end != WAIT_TIME)
            return end;
        snapshot_take(window, &window->now);
        sample_keep(window, &window->now, false);
    }
}

static enum wait_end backlog_drain(struct run_window *window, struct result *result)
{
    uint64_t warmup_ns = window->setup->options->run.warmup;
    uint64_t until_ns = support_clock_ns() + (warmup_ns > SECOND_NS ? warmup_ns : SECOND_NS);
    enum wait_end end = WAIT_TIME;
    while (end == WAIT_TIME && late_ns(window, 0) > DRAINED_NS && support_clock_ns() < until_ns)
        end = run_wait_until(window->session, support_clock_ns() + SECOND_NS / 100);
    uint64_t late = late_ns(window, 0);
    result->backlog_dropped_s = late > DRAINED_NS ? (double)late / 1e9 : 0;
    return end;
}

static enum wait_end warm_up(struct run_window *window, struct result *result)
{
    const struct run_options *options = &window->setup->options->run;
    enum wait_end end = WAIT_TIME;
    while (end == WAIT_TIME && !loops_entered(window))
        end = run_wait_until(window->session, support_clock_ns() + SECOND_NS / 1000);
    uint64_t begin_ns = support_clock_ns();
    if (end == WAIT_TIME && options->warmup != 0) {
        snapshot_take(window, &window->now);
        sample_keep(window, &window->now, false);
        end = wait_sampling(window, window->now.at_ns + options->warmup, false);
    }
    if (end == WAIT_TIME && options->warmup_until == RUN_WARMUP_UNTIL_STEADY)
        end = warmup_settle(window, result, begin_ns);
    if (end == WAIT_TIME && options->rate != 0 && options->warmup != 0)
        end = backlog_drain(window, result);
    result->warmup_s = (double)(support_clock_ns() - begin_ns) / 1e9;
    return end;
}

/* ---- The window. ---- */

/* CPU time of this process, and what the target says of what is outside of it. */
static void outside_read(const struct run_window *window, struct target_outside *outside, double *client_cpu_s)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_SELF, &usage);
    *client_cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    if (window->setup->target_ops->outside != NULL)
        window->setup->target_ops->outside(window->session->target, outside);
}

/* What the window had of both. */
static void outside_close(const struct run_window *window, struct result *result)
{
    outside_read(window, &result->outside, &result->client_cpu_s);
    result->client_cpu_s -= window->client_cpu_s;
    result->outside.round_trips -= window->outside.round_trips;
    result->outside.server_cpu_s -= window->outside.server_cpu_s;
}

static void window_open(struct run_window *window, uint64_t length_ns)
{
    run_phase_begin(window->session->watch, PHASE_MEASURE, length_ns);
    outside_read(window, &window->outside, &window->client_cpu_s); /* takes a while: before the counters */
    if (window->setup->options->run.profile == RUN_PROFILE_LINES)
        simulated_profile();
    snapshot_take(window, &window->before);
    if (window->setup->target_ops->state != NULL)
        window->setup->target_ops->state(window->session->target, &window->opened);
    atomic_store_explicit(&window->opened_ticks, snapshot_ticks(&window->before), memory_order_relaxed);
    window->first = window->series.count;
    window->series.begin_ns = window->before.at_ns;
    operation_times_count(true); /* of workers that have joined, if they were asked to */
}

static uint64_t saturated_ns(const struct run_window *window)
{
    MAE_DCHECK(window->before.at_ns <= window->after.at_ns);
    return SATURATED_NS + (window->after.at_ns - window->before.at_ns) / 100;
}

/* An open loop's window is over: notes how late it is, and lets what was due by now begin and commit. */
static void arrivals_close(struct run_window *window, struct result *result)
{
    uint64_t closed_ticks = snapshot_ticks(&window->after), bound_ns = saturated_ns(window),
             late = late_ns(window, closed_ticks);
    atomic_store_explicit(&window->closed_ticks, closed_ticks, memory_order_relaxed);
    result->saturated = late > bound_ns;
    result->late_s = (double)late / 1e9;
    if (result->saturated || run_wait_until(window->session, support_clock_ns() + bound_ns) != WAIT_TIME)
        return;
    late = late_ns(window, closed_ticks); /* 0 if only requests that have begun keep workers from their rest */
    result->saturated = late > 0;
    result->late_s = late > 0 ? (double)late / 1e9 : result->late_s;
}

/* The workers are at rest. What was due in the window, what of it never began, and whether commits fell short of the
 * rate; a Poisson process itself strays by four standard deviations once in some ten thousand windows. */
static void arrivals_keep(struct run_window *window, struct result *result)
{
    uint64_t opened = atomic_load(&window->opened_ticks), closed = atomic_load(&window->closed_ticks);
    bool in_time = window->setup->options->run.txns == 0; /* else what was due has begun, or was told to stop */
    double due = (double)window->setup->options->run.rate * result->window_s;
    const struct rate_plan *plan = &window->setup->options->rate_plan;
    double highest = plan->count > 0 ? rate_plan_highest(plan) : (double)window->setup->options->run.rate;
    double slack = highest * (double)saturated_ns(window) / 1e9 + window->setup->worker_count;
    slack += window->setup->options->run.arrival == RUN_ARRIVAL_POISSON ? 4 * sqrt(due) : 0;
    uint64_t done = result->all.committed + result->all.rolled_back + result->all.given_up;
    result->saturated |= (double)done + slack < due;
    for (unsigned i = 0; i < window->setup->worker_count; i++) {
        struct run_worker *worker = &window->session->workers[i];
        if (!atomic_load(&worker->loop.measuring)) /* it was stopped all the time */
            arrivals_restart(&worker->arrivals, opened);
        if (worker->overdue == NULL)
            worker->overdue = support_alloc(sizeof *worker->overdue);
        histogram_init(worker->overdue);
        result->due += worker->arrivals.taken;
        if (in_time)
            result->due += arrivals_overdue(&worker->arrivals, closed, clock_now_ticks(), worker->overdue);
    }
}

static enum wait_end window_in_time(struct run_window *window, struct result *result)
{
    uint64_t length_ns = window->setup->options->run.time;
    window_open(window, length_ns);
    sample_keep(window, &window->before, true);
    enum wait_end end = wait_sampling(window, window->before.at_ns + length_ns, true);
    snapshot_take(window, &window->after);
    sample_keep(window, &window->after, true);
    if (window->setup->options->run.rate != 0)
        arrivals_close(window, result);
    result->steady = interval_steady(&window->series, window->first, &result->drift);
    return end;
}

/* False, with the report in the result, when a check failed meanwhile. */
static bool live_check_end(struct run_window *window, struct result *result)
{
    bool passed = live_check_stop(window->session->live_check, &result->live_checks, result->check_report,
                                  sizeof result->check_report);
    window->session->live_check = NULL;
    if (!passed)
        result->check = CHECK_FAILED;
    return passed;
}

static enum wait_end phases(struct run_window *window, struct result *result, bool *opened)
{
    const struct run_options *options = &window->setup->options->run;
    bool in_time = options->txns == 0;
    atomic_store(&window->opened_ticks, 0);
    atomic_store(&window->closed_ticks, 0);
    run_phase_begin(window->session->watch, PHASE_WARMUP,
                    options->warmup_until == RUN_WARMUP_UNTIL_STEADY ? options->warmup_max : options->warmup);
    if (!in_time)
        window_open(window, 0); /* the loops have not begun: every commit is inside */
    crew_begin(window->session->crew, window->setup->worker_count, task_loop, window->session);
    enum wait_end end = in_time ? warm_up(window, result) : WAIT_TIME;
    *opened = end == WAIT_TIME;
    if (*opened)
        end = in_time ? window_in_time(window, result) : run_wait_until(window->session, UINT64_MAX);
    if (*opened)
        outside_close(window, result);
    if (*opened && window->setup->target_ops->state != NULL) {
        window->setup->target_ops->state(window->session->target, &result->state);
        result->has_state = true;
        result->has_log = window->session->workers[0].loop.pending != NULL;
        result->log_bytes = result->state.log_bytes - window->opened.log_bytes;
        result->log_flushes = result->state.log_flushes - window->opened.log_flushes;
        if (result->state.log_folder != NULL)
            (void)disk_describe("", result->state.log_folder, result->log_disk);
        result->state.log_folder = NULL; /* the result outlives the target */
    }
    return end;
}

static size_t series_room(const struct run_window *window)
{
    const struct run_options *options = &window->setup->options->run;
    uint64_t warmup = options->warmup_until == RUN_WARMUP_UNTIL_STEADY ? options->warmup_max : options->warmup;
    return options->txns != 0 ? 0 : (size_t)((warmup + options->time) / interval_ns(window)) + 16;
}

enum exit_code run_measure(struct run_window *window, struct result *result)
{
    MAE_CHECK(window->session->workers != NULL && window->session->live_check == NULL);
    const struct run_options *options = &window->setup->options->run;
    unsigned worker;
    enum target_status status;
    bool opened = false;
    loops_arm(window);
    operation_times_clear();
    interval_fini(&window->series); /* of the repetition before */
    interval_init(&window->series, series_room(window));
    if (options->check_every != 0) {
        window->session->live_check =
            live_check_start(window->setup->workload_ops, window->session->workload, window->setup->target_ops,
                             window->session->target, options->check_every);
        if (window->session->live_check == NULL)
            return run_complain(window->session->watch, "cannot start the thread of --check-every");
    }
    simulated_costs(true);
    proximity_measure(window->session->proximity, window->session->crew, &result->proximity.before);
    enum wait_end end = phases(window, result, &opened);
    run_phase_begin(window->session->watch, PHASE_DRAIN, 0);
    simulated_costs(false);
    operation_times_count(false);
    run_wait_stopped(window->session); /* ends the loops, whatever they are at */
    bool consistent = live_check_end(window, result);
    if (options->txns != 0)
        snapshot_take(window, &window->after);
    if (crew_failure(window->session->crew, &worker, &status)) {
        run_complain(window->session->watch, "worker %u cannot go on: %s: %s", worker, target_status_name(status),
                     target_status_text(status));
        return status == TARGET_CORRUPT ? EXIT_CHECK : EXIT_FAILED;
    }
    proximity_measure(window->session->proximity, window->session->crew, &result->proximity.after);
    result->outcome = end == WAIT_INTERRUPTED || end == WAIT_FAILED ? OUTCOME_INTERRUPTED : OUTCOME_COMPLETE;
    if (opened) {
        window_keep(window, result);
        if (options->rate != 0)
            arrivals_keep(window, result);
        latencies_keep(window, result);
        counters_keep(window, result);
        operations_keep(window, result);
        return EXIT_FINE;
    }
    if (!consistent)
        run_complain(window->session->watch, "the check while the workload ran failed: %s", result->check_report);
    return consistent ? EXIT_INTERRUPTED : EXIT_CHECK;
}
