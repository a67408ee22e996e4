/*
 * run_measure.c - warm-up, window, drain; see run_inner.h.
 *
 * The window is the time between two snapshots of counters that the workers keep for themselves. In between, and in
 * the warm-up, the coordinator samples the same counters every interval (interval.h); workers do not notice. They see
 * the window open through a flag, between two requests, and then begin to time, and to count events (loop.h).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bench/run_inner.h"
#include "harness/common/quantity.h"

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

static void snapshot_init(const struct run *run, struct snapshot *snapshot)
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
    if (run->workload_ops->skipped != NULL)
        run->workload_ops->skipped(run->workload, &snapshot->skipped, &snapshot->tried);
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

/* When it was taken, on the workers' clock: what is due in a window is due between its two snapshots. */
static uint64_t snapshot_ticks(const struct snapshot *snapshot)
{
    return clock_now_ticks() - (uint64_t)clock_ticks_of_ns((double)(support_clock_ns() - snapshot->at_ns));
}

/* A version is made as one of the first three; those of the fourth were seen by nobody; those of the last are gone. */
static const char *const version_counters[RUN_VERSION_COUNTERS] = {"inlined_writes", "pool_writes", "settled",
                                                                   "versions_discarded", "versions_reclaimed"};

void run_snapshots_init(struct run *run)
{
    snapshot_init(run, &run->before);
    snapshot_init(run, &run->after);
    snapshot_init(run, &run->now);
    run->counters = support_alloc((run->counter_count + 1) * sizeof *run->counters);
    for (size_t k = 0; k < RUN_VERSION_COUNTERS; k++) {
        run->version_counters[k] = SIZE_MAX;
        for (size_t i = 0; i < run->counter_count; i++)
            if (strcmp(run->target_ops->counter_info(i)->name, version_counters[k]) == 0)
                run->version_counters[k] = i;
    }
}

void run_snapshots_fini(struct run *run)
{
    free(run->counters);
    snapshot_fini(&run->now);
    snapshot_fini(&run->after);
    snapshot_fini(&run->before);
}

/* ---- Samples. ---- */

static uint64_t interval_ns(const struct run *run)
{
    const struct run_options *options = &run->options->run;
    if (options->interval != 0)
        return options->interval;
    uint64_t ns = options->time / INTERVALS_WINDOW;
    return ns < INTERVAL_NS_MIN ? INTERVAL_NS_MIN : ns > INTERVAL_NS_MAX ? INTERVAL_NS_MAX : ns;
}

/* How late the worker is that is furthest behind with what was due until `until_ticks`; 0: until now. */
static uint64_t late_ns(const struct run *run, uint64_t until_ticks)
{
    uint64_t latest = 0, now = clock_now_ticks();
    until_ticks = until_ticks == 0 ? now : until_ticks;
    for (unsigned i = 0; run->options->run.rate != 0 && i < run->worker_count; i++) {
        uint64_t late = arrivals_late_ns(&run->workers[i].arrivals, until_ticks, now);
        latest = late > latest ? late : latest;
    }
    return latest;
}

/* Hardware events so far, once every worker has its own enabled; the rest stays unknown. */
static void sample_counters(struct run *run, struct interval_sample *sample)
{
    struct pmu_value total[PMU_EVENTS_MAX] = {0}, values[PMU_EVENTS_MAX];
    for (unsigned i = 0; i < run->worker_count; i++)
        if (!atomic_load_explicit(&run->workers[i].loop.measuring, memory_order_acquire))
            return;
    for (unsigned i = 0; i < run->worker_count; i++) {
        pmu_set_read(&run->workers[i].counters, values);
        pmu_values_add(&run->plan, total, i, values);
    }
    for (unsigned i = 0; i < run->plan.event_count; i++)
        if (run->plan.events[i].hardware && total[i].status == PMU_COUNTED)
            sample->counters[i] = total[i].value;
}

static bool counts_hardware(const struct run *run)
{
    for (unsigned i = 0; i < run->plan.event_count; i++)
        if (run->plan.events[i].hardware && run->plan.events[i].status == PMU_COUNTED)
            return true;
    return false;
}

/* Keeps what `snapshot`, just taken, says, and what else there is to know now. */
static void sample_keep(struct run *run, const struct snapshot *snapshot, bool in_window)
{
    struct interval_sample *sample = interval_next(&run->series);
    if (sample == NULL)
        return;
    sample->at_ns = snapshot->at_ns;
    sample->in_window = in_window;
    for (unsigned type = 0; type < run->type_count; type++) {
        sample->committed += snapshot->types[type].committed;
        sample->operations += snapshot->types[type].operations;
        for (int status = 0; status < MAE_STATUS_COUNT; status++)
            sample->aborted[status] += snapshot->types[type].aborted[status];
    }
    if (run->target_ops->state != NULL) {
        run->target_ops->state(run->target, &sample->state);
        sample->has_state = true;
    }
    uint64_t counts[RUN_VERSION_COUNTERS];
    sample->has_versions = true;
    for (size_t k = 0; k < RUN_VERSION_COUNTERS; k++) {
        bool there = run->version_counters[k] != SIZE_MAX;
        sample->has_versions &= there;
        counts[k] = there ? snapshot->engine[run->version_counters[k]] : 0;
    }
    sample->versions_made = counts[0] + counts[1] + counts[2] - counts[3];
    sample->versions_reclaimed = counts[4];
    sample->process_bytes = interval_process_bytes();
    sample->late_ns = late_ns(run, 0);
    if (in_window && run->interval_csv != NULL && counts_hardware(run))
        sample_counters(run, sample);
    interval_keep(&run->series);
}

/* Waits and samples on the way; what is left of an interval at the end is part of the last one. */
static enum wait_end wait_sampling(struct run *run, uint64_t until_ns, bool in_window)
{
    uint64_t step_ns = interval_ns(run), next_ns = support_clock_ns() + step_ns;
    for (;;) {
        bool samples = next_ns + step_ns / 2 < until_ns;
        enum wait_end end = run_wait_until(run, samples ? next_ns : until_ns);
        if (end != WAIT_TIME || !samples)
            return end;
        snapshot_take(run, &run->now);
        sample_keep(run, &run->now, in_window);
        while (next_ns <= run->now.at_ns)
            next_ns += step_ns;
    }
}

/* ---- The workers' loops. ---- */

static enum mae_status task_loop(void *arg, unsigned worker)
{
    struct run *run = arg;
    enum mae_status status = loop_run(&run->workers[worker].loop);
    run->target_ops->worker_idle(run->workers[worker].loop.target_worker);
    return status;
}

/* How many requests the worker has to do. */
static uint64_t requests_of(const struct run_options *options, unsigned worker)
{
    if (options->txns_total == 0)
        return options->txns == 0 ? UINT64_MAX : options->txns;
    return options->txns_total / options->threads + (worker < options->txns_total % options->threads);
}

static void loops_arm(struct run *run)
{
    const struct run_options *options = &run->options->run;
    for (unsigned i = 0; i < run->worker_count; i++) {
        struct loop_worker *loop = &run->workers[i].loop;
        loop->opened_ticks = &run->opened_ticks;
        loop->closed_ticks = &run->closed_ticks;
        loop->exact = strcmp(options->latency, "exact") == 0;
        loop->idle = run->target_ops->worker_idle;
        if (options->rate != 0) {
            arrivals_init(&run->workers[i].arrivals, strcmp(options->arrival, "poisson") == 0, (double)options->rate, i,
                          run->worker_count, options->seed + run->repetition);
            loop->arrivals = &run->workers[i].arrivals;
        }
        loop->workload = run->workload_ops;
        loop->backoff = run->target_ops->backoff;
        loop->stop = &run->stop;
        loop->commits_max = requests_of(options, i);
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
        counts_subtract(&result->types[type], &run->before.types[type]);
        counts_add(&result->all, &result->types[type]);
    }
    for (size_t i = 0; i < run->counter_count; i++)
        result->engine[i] = run->after.engine[i] - run->before.engine[i];
    result->has_skipped = run->workload_ops->skipped != NULL;
    result->skipped = run->after.skipped - run->before.skipped;
    result->tried = run->after.tried - run->before.tried;
    result->window_s = window_length_s(run);
}

static void latencies_keep(const struct run *run, struct result *result)
{
    if (!run_is_timed(run))
        return;
    struct latency *merged = latencies_create(1), *all = latencies_create(1);
    result->latencies = support_alloc((run->type_count + 1) * sizeof *result->latencies);
    for (unsigned type = 0; type < run->type_count; type++) {
        latencies_clear(merged, 1);
        for (unsigned i = 0; i < run->worker_count; i++)
            latency_merge(merged, &run->workers[i].loop.latencies[type]);
        latency_summarize(merged, &result->latencies[type]);
        latency_merge(all, merged);
    }
    for (unsigned i = 0; i < run->worker_count; i++)
        if (run->workers[i].overdue != NULL)
            histogram_merge(&all->response, run->workers[i].overdue);
    latency_summarize(all, &result->latencies[run->type_count]);
    free(all);
    free(merged);
    for (unsigned type = 0; result->saturated && type <= run->type_count; type++)
        result->latencies[type].response = (struct latency_digest){0}; /* it only grows with the window */
}

static void counters_keep(struct run *run, struct result *result)
{
    if (run->plan.event_count == 0)
        return;
    result->plan = &run->plan;
    for (unsigned i = 0; i < run->worker_count; i++) {
        pmu_set_read(&run->workers[i].counters, run->workers[i].values);
        pmu_values_add(&run->plan, result->counters, i, run->workers[i].values);
    }
}

/* ---- Warm-up. ---- */

static enum wait_end warmup_settle(struct run *run, struct result *result, uint64_t begin_ns)
{
    uint64_t until_ns = begin_ns + run->options->run.warmup_max;
    result->warmup_settled = 0;
    for (;;) {
        double drift;
        size_t last = run->series.count;
        if (last > INTERVAL_STEADY_WARMUP &&
            interval_steady(&run->series, last - 1 - INTERVAL_STEADY_WARMUP, &drift) == 1) {
            result->warmup_settled = 1;
            return WAIT_TIME;
        }
        uint64_t now_ns = support_clock_ns(), next_ns = now_ns + interval_ns(run);
        if (now_ns >= until_ns)
            return WAIT_TIME;
        enum wait_end end = run_wait_until(run, next_ns < until_ns ? next_ns : until_ns);
        if (end != WAIT_TIME)
            return end;
        snapshot_take(run, &run->now);
        sample_keep(run, &run->now, false);
    }
}

static enum wait_end backlog_drain(struct run *run, struct result *result)
{
    uint64_t warmup_ns = run->options->run.warmup;
    uint64_t until_ns = support_clock_ns() + (warmup_ns > SECOND_NS ? warmup_ns : SECOND_NS);
    enum wait_end end = WAIT_TIME;
    while (end == WAIT_TIME && late_ns(run, 0) > DRAINED_NS && support_clock_ns() < until_ns)
        end = run_wait_until(run, support_clock_ns() + SECOND_NS / 100);
    uint64_t late = late_ns(run, 0);
    result->backlog_dropped_s = late > DRAINED_NS ? (double)late / 1e9 : 0;
    return end;
}

static enum wait_end warm_up(struct run *run, struct result *result)
{
    const struct run_options *options = &run->options->run;
    enum wait_end end = WAIT_TIME;
    while (end == WAIT_TIME && !loops_entered(run))
        end = run_wait_until(run, support_clock_ns() + SECOND_NS / 1000);
    uint64_t begin_ns = support_clock_ns();
    if (end == WAIT_TIME && options->warmup != 0) {
        snapshot_take(run, &run->now);
        sample_keep(run, &run->now, false);
        end = wait_sampling(run, run->now.at_ns + options->warmup, false);
    }
    if (end == WAIT_TIME && strcmp(options->warmup_until, "steady") == 0)
        end = warmup_settle(run, result, begin_ns);
    if (end == WAIT_TIME && options->rate != 0 && options->warmup != 0)
        end = backlog_drain(run, result);
    result->warmup_s = (double)(support_clock_ns() - begin_ns) / 1e9;
    return end;
}

/* ---- The window. ---- */

static void window_open(struct run *run, uint64_t length_ns)
{
    run_phase_begin(run, PHASE_MEASURE, length_ns);
    snapshot_take(run, &run->before);
    atomic_store_explicit(&run->opened_ticks, snapshot_ticks(&run->before), memory_order_relaxed);
    run->window_first = run->series.count;
    run->series.begin_ns = run->before.at_ns;
}

static uint64_t saturated_ns(const struct run *run)
{
    return SATURATED_NS + (run->after.at_ns - run->before.at_ns) / 100;
}

/* An open loop's window is over: notes how late it is, and lets what was due by now begin and commit. */
static void arrivals_close(struct run *run, struct result *result)
{
    uint64_t closed_ticks = snapshot_ticks(&run->after), bound_ns = saturated_ns(run),
             late = late_ns(run, closed_ticks);
    atomic_store_explicit(&run->closed_ticks, closed_ticks, memory_order_relaxed);
    result->saturated = late > bound_ns;
    result->late_s = (double)late / 1e9;
    if (result->saturated || run_wait_until(run, support_clock_ns() + bound_ns) != WAIT_TIME)
        return;
    late = late_ns(run, closed_ticks); /* 0 if only requests that have begun keep workers from their rest */
    result->saturated = late > 0;
    result->late_s = late > 0 ? (double)late / 1e9 : result->late_s;
}

/* The workers are at rest. What was due in the window, what of it never began, and whether commits fell short of the
 * rate; a Poisson process itself strays by four standard deviations once in some ten thousand windows. */
static void arrivals_keep(struct run *run, struct result *result)
{
    uint64_t opened = atomic_load(&run->opened_ticks), closed = atomic_load(&run->closed_ticks);
    double due = (double)run->options->run.rate * result->window_s;
    double slack = (double)run->options->run.rate * (double)saturated_ns(run) / 1e9 + run->worker_count;
    slack += strcmp(run->options->run.arrival, "poisson") == 0 ? 4 * sqrt(due) : 0;
    result->saturated |= (double)(result->all.committed + result->all.rolled_back) + slack < due;
    for (unsigned i = 0; i < run->worker_count; i++) {
        struct run_worker *worker = &run->workers[i];
        if (!atomic_load(&worker->loop.measuring)) /* it was stopped all the time */
            arrivals_restart(&worker->arrivals, opened);
        if (worker->overdue == NULL)
            worker->overdue = support_alloc(sizeof *worker->overdue);
        histogram_init(worker->overdue);
        result->due +=
            worker->arrivals.taken + arrivals_overdue(&worker->arrivals, closed, clock_now_ticks(), worker->overdue);
    }
}

static enum wait_end window_in_time(struct run *run, struct result *result)
{
    uint64_t length_ns = run->options->run.time;
    window_open(run, length_ns);
    sample_keep(run, &run->before, true);
    enum wait_end end = wait_sampling(run, run->before.at_ns + length_ns, true);
    snapshot_take(run, &run->after);
    sample_keep(run, &run->after, true);
    if (run->options->run.rate != 0)
        arrivals_close(run, result);
    result->steady = interval_steady(&run->series, run->window_first, &result->drift);
    return end;
}

/* Ends the loops, whatever they are at. */
static void drain(struct run *run)
{
    run_phase_begin(run, PHASE_DRAIN, 0);
    atomic_store_explicit(&run->stop, true, memory_order_relaxed);
    run_wait_rest(run);
    atomic_store_explicit(&run->stop, false, memory_order_relaxed);
}

/* False, with the report in the result, when a check failed meanwhile. */
static bool live_check_end(struct run *run, struct result *result)
{
    bool passed =
        live_check_stop(run->live_check, &result->live_checks, result->check_report, sizeof result->check_report);
    run->live_check = NULL;
    if (!passed)
        result->check = CHECK_FAILED;
    return passed;
}

static enum wait_end phases(struct run *run, struct result *result, bool *opened)
{
    const struct run_options *options = &run->options->run;
    bool in_time = options->txns == 0;
    atomic_store(&run->opened_ticks, 0);
    atomic_store(&run->closed_ticks, 0);
    run_phase_begin(run, PHASE_WARMUP,
                    strcmp(options->warmup_until, "steady") == 0 ? options->warmup_max : options->warmup);
    if (!in_time)
        window_open(run, 0); /* the loops have not begun: every commit is inside */
    crew_begin(run->crew, run->worker_count, task_loop, run);
    enum wait_end end = in_time ? warm_up(run, result) : WAIT_TIME;
    *opened = end == WAIT_TIME;
    if (*opened)
        end = in_time ? window_in_time(run, result) : run_wait_until(run, UINT64_MAX);
    if (*opened && run->target_ops->state != NULL) {
        run->target_ops->state(run->target, &result->state);
        result->has_state = true;
    }
    return end;
}

static size_t series_room(const struct run *run)
{
    const struct run_options *options = &run->options->run;
    uint64_t warmup = strcmp(options->warmup_until, "steady") == 0 ? options->warmup_max : options->warmup;
    return options->txns != 0 ? 0 : (size_t)((warmup + options->time) / interval_ns(run)) + 16;
}

enum exit_code run_measure(struct run *run, struct result *result)
{
    const struct run_options *options = &run->options->run;
    unsigned worker;
    enum mae_status status;
    bool opened = false;
    loops_arm(run);
    interval_fini(&run->series); /* of the repetition before */
    interval_init(&run->series, series_room(run));
    if (options->check_every != 0) {
        run->live_check =
            live_check_start(run->workload_ops, run->workload, run->target_ops, run->target, options->check_every);
        if (run->live_check == NULL) {
            run_complain(run, "cannot start the thread of --check-every");
            return EXIT_FAILED;
        }
    }
    proximity_measure(run->proximity, run->crew, &result->proximity.before);
    enum wait_end end = phases(run, result, &opened);
    drain(run);
    bool consistent = live_check_end(run, result);
    if (options->txns != 0)
        snapshot_take(run, &run->after);
    if (crew_failure(run->crew, &worker, &status)) {
        run_complain(run, "worker %u cannot go on: %s: %s", worker, mae_status_name(status), mae_status_text(status));
        return status == MAE_CORRUPT ? EXIT_CHECK : EXIT_FAILED;
    }
    proximity_measure(run->proximity, run->crew, &result->proximity.after);
    result->outcome = end == WAIT_INTERRUPTED || end == WAIT_FAILED ? OUTCOME_INTERRUPTED : OUTCOME_COMPLETE;
    if (opened) {
        window_keep(run, result);
        if (options->rate != 0)
            arrivals_keep(run, result);
        latencies_keep(run, result);
        counters_keep(run, result);
        return EXIT_FINE;
    }
    if (!consistent)
        run_complain(run, "the check while the workload ran failed: %s", result->check_report);
    return consistent ? EXIT_INTERRUPTED : EXIT_CHECK;
}
