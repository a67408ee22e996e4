/* loop.c - the workers' loop, see loop.h. */
#include "harness/bench/loop.h"

#include "harness/common/clock.h"

enum { READ_TRIES = 64 };

struct loop_counters *loop_counters_create(unsigned types)
{
    return support_alloc_aligned(types * sizeof(struct loop_counters));
}

/* One writer: relaxed load, add, relaxed store. */
static void count(_Atomic uint64_t *counter, uint64_t add)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + add, memory_order_relaxed);
}

static bool stopped(const struct loop_worker *worker)
{
    return atomic_load_explicit(worker->stop, memory_order_relaxed);
}

/* The time of the window's edge; 0: the edge has not come yet, or there is none. */
static uint64_t flag_ticks(const _Atomic uint64_t *edge_ticks)
{
    return edge_ticks == NULL ? 0 : atomic_load_explicit(edge_ticks, memory_order_relaxed);
}

/* The window has opened. */
static void window_enter(struct loop_worker *worker)
{
    worker->mark_ticks = clock_now_ticks();
    if (worker->arrivals != NULL)
        arrivals_restart(worker->arrivals,
                         worker->opened_ticks == NULL ? worker->mark_ticks : flag_ticks(worker->opened_ticks));
    if (worker->counters_set != NULL)
        pmu_set_enable(worker->counters_set);
    atomic_store_explicit(&worker->measuring, true, memory_order_release);
}

static bool window_opened(const struct loop_worker *worker)
{
    return !atomic_load_explicit(&worker->measuring, memory_order_relaxed) &&
           (worker->opened_ticks == NULL || flag_ticks(worker->opened_ticks) != 0);
}

/* The worker spins through a shorter wait. Of a longer wait it sleeps all but this time, since sleepers wake late. */
#define SPIN_NS 500000
/* Before a longer wait the worker tells the target that it is idle, so that it does not hold others back. */
#define IDLE_NS 20000
/* The longest time for which a waiting worker does not look at stop flag and window. */
#define NAP_NS 20000000

static void nap(uint64_t ns)
{
    struct timespec length = {.tv_nsec = (long)(ns < NAP_NS ? ns : NAP_NS)};
    (void)nanosleep(&length, NULL);
}

/* How long a worker that waits for a request sleeps while commits are pending, and how long it waits for the last. */
#define PENDING_NAP_NS 100000
#define SETTLE_NS 1000000000

static bool has_pending(const struct loop_worker *worker)
{
    return worker->pending != NULL && worker->pending->first < worker->pending->end;
}

/* Counts and times the commits that have become safe. */
static void pending_settle(struct loop_worker *worker)
{
    uint64_t last_ts, safe_ts = worker->target->durable(worker->pending->target, worker->target_worker, &last_ts);
    struct pending_commit commit;
    if (safe_ts == worker->pending->safe_ts)
        return;
    MAE_CHECK(safe_ts > worker->pending->safe_ts); /* what is safe stays safe */
    worker->pending->safe_ts = safe_ts;
    uint64_t now = clock_now_ticks();
    while (pending_take(worker->pending, safe_ts, &commit)) {
        count(&worker->counters[commit.type].acknowledged, commit.count);
        if (commit.begun_ticks != 0)
            histogram_record_times(&worker->latencies[commit.type].durable, clock_passed_ns(commit.begun_ticks, now),
                                   commit.count);
    }
}

static void pending_end(struct loop_worker *worker)
{
    uint64_t begin_ns = support_clock_ns();
    if (!has_pending(worker))
        return;
    target_idle(worker->target, worker->target_worker); /* so that it does not hold back what it waits for */
    for (pending_settle(worker); has_pending(worker) && support_clock_ns() - begin_ns < SETTLE_NS;
         pending_settle(worker))
        nap(PENDING_NAP_NS);
    worker->pending->first = worker->pending->end;
}

/* A commit that has just returned. */
static void pending_note(struct loop_worker *worker, unsigned type, uint64_t begun_ticks)
{
    struct pending_commit commit = {.begun_ticks = begun_ticks, .type = type, .count = 1};
    (void)worker->target->durable(worker->pending->target, worker->target_worker, &commit.ts);
    pending_add(worker->pending, &commit);
    pending_settle(worker);
}

static uint64_t request_due(const struct loop_worker *worker)
{
    return worker->arrivals != NULL ? arrivals_due(worker->arrivals) : terminals_due(worker->terminals);
}

static void request_take(struct loop_worker *worker)
{
    if (worker->arrivals != NULL)
        arrivals_take(worker->arrivals);
    else
        terminals_serve(worker->terminals);
    worker->served = worker->terminals != NULL;
}

/* Waits until the next request is due. False if told to stop meanwhile, or if no more request is due in the window. */
static NOINLINE bool request_await(struct loop_worker *worker, uint64_t *due_ticks)
{
    bool idle = false;
    if (worker->served) /* its request has just ended */
        terminals_answer(worker->terminals, clock_now_ticks());
    worker->served = false;
    for (;;) {
        if (window_opened(worker))
            window_enter(worker);
        uint64_t due = request_due(worker), now = clock_now_ticks();
        uint64_t closed = flag_ticks(worker->closed_ticks);
        if (closed != 0 && due > closed)
            return false;
        if ((int64_t)(due - now) <= 0) {
            request_take(worker);
            *due_ticks = due;
            worker->mark_ticks = now;
            return true;
        }
        if (stopped(worker))
            return false;
        uint64_t left_ns = clock_passed_ns(now, due);
        if (!idle && left_ns > IDLE_NS) {
            target_idle(worker->target, worker->target_worker);
            idle = true;
        }
        if (has_pending(worker))
            pending_settle(worker);
        if (left_ns > 2 * SPIN_NS)
            nap(has_pending(worker) ? PENDING_NAP_NS : left_ns - SPIN_NS);
        else
            cpu_pause();
    }
}

static ALWAYS_INLINE void request_record(struct loop_worker *worker, bool paced, unsigned type, uint64_t due_ticks,
                                         uint64_t attempts)
{
    uint64_t now = clock_now_ticks();
    struct latency *latency = &worker->latencies[type];
    latency_record(latency, clock_passed_ns(worker->mark_ticks, now), attempts);
    worker->mark_ticks = now;
    if (paced)
        histogram_record(&latency->response, clock_passed_ns(due_ticks, now));
}

/* Ends a request without recording its time. */
static COLD void request_roll_back(struct loop_worker *worker, unsigned type, bool timed)
{
    if (timed)
        worker->mark_ticks = clock_now_ticks();
    count(&worker->counters[type].rolled_back, 1);
}

/* Whether the request, aborted just now for the attempts-th time, is not tried again. */
static COLD bool is_given_up(struct loop_worker *worker, uint64_t attempts)
{
    if (worker->give_up_ns == 0)
        return attempts == worker->attempts_max;
    uint64_t now = clock_now_ticks();
    worker->aborted_ticks = attempts == 1 ? now : worker->aborted_ticks;
    return attempts == worker->attempts_max || clock_passed_ns(worker->aborted_ticks, now) >= worker->give_up_ns;
}

/* Waits after an abort, the attempts-th of its request. False if the request is not to be tried again. */
static NOINLINE bool request_retry(struct loop_worker *worker, unsigned type, bool timed, uint64_t due_ticks,
                                   uint64_t attempts)
{
    bool times = timed && worker->times_aborted;
    if (times)
        histogram_record(
            &worker->latencies[type].aborted,
            clock_passed_ns(attempts == 1 ? worker->mark_ticks : worker->attempt_ticks, clock_now_ticks()));
    bool given_up = (worker->attempts_max != 0 || worker->give_up_ns != 0) && is_given_up(worker, attempts);
    if (given_up || stopped(worker)) {
        if (timed)
            worker->mark_ticks = clock_now_ticks();
        if (timed && worker->paced)
            histogram_record(&worker->latencies[type].response, clock_passed_ns(due_ticks, worker->mark_ticks));
        count(&worker->counters[type].given_up, given_up);
        if (given_up && worker->workload->gave_up != NULL)
            worker->workload->gave_up(worker->state);
        return false;
    }
    target_backoff(worker->target, worker->target_worker);
    if (times)
        worker->attempt_ticks = clock_now_ticks();
    return true;
}

/* Attempts the drawn request until it commits, is rolled back on purpose or given up. TARGET_OK also when told to stop.
 */
static ALWAYS_INLINE enum target_status request_run(struct loop_worker *worker, bool is_plain, unsigned type,
                                                    bool timed, uint64_t due_ticks)
{
    enum target_status (*attempt)(struct workload_worker *) = worker->workload->attempt;
    struct loop_counters *counters = &worker->counters[type];
    for (uint64_t attempts = 1;; attempts++) {
        enum target_status status = attempt(worker->state);
        if (status == TARGET_OK) {
            if (!is_plain && worker->pending != NULL)
                pending_note(worker, type, !timed ? 0 : worker->paced ? due_ticks : worker->mark_ticks);
            if (timed)
                request_record(worker, !is_plain && worker->paced, type, due_ticks, attempts);
            count(&counters->committed, 1);
            count(&counters->operations, worker->workload->operations(worker->state));
            return TARGET_OK;
        }
        if (status == TARGET_ROLLED_BACK) {
            request_roll_back(worker, type, timed);
            return TARGET_OK;
        }
        if (!target_status_is_retry(status))
            return status;
        count(&counters->aborted[target_status_reason(status)], 1);
        if (!request_retry(worker, type, timed, due_ticks, attempts))
            return TARGET_OK;
    }
}

/* A loop is plain if its requests follow at once upon each other, their commits need no wait until they
 * are safe, and the clock is read once for each. Such loops are compiled on their own, without tests for the rest. */
static bool is_plain_loop(const struct loop_worker *worker)
{
    return !worker->paced && !worker->exact && worker->pending == NULL;
}

static ALWAYS_INLINE enum target_status requests_run(struct loop_worker *worker, bool is_plain)
{
    enum target_status status = TARGET_OK;
    uint64_t due_ticks = 0;
    for (uint64_t left = worker->commits_max; status == TARGET_OK && left > 0 && !stopped(worker); left--) {
        if (worker->draw_ahead != NULL && worker->draw_ahead(worker->state))
            worker->mark_ticks = clock_now_ticks();
        if (window_opened(worker))
            window_enter(worker);
        if (!is_plain && worker->paced && !request_await(worker, &due_ticks))
            break;
        bool timed = worker->latencies != NULL && atomic_load_explicit(&worker->measuring, memory_order_relaxed);
        unsigned type = worker->workload->next(worker->state);
        if (!is_plain && timed && worker->exact)
            worker->mark_ticks = clock_now_ticks();
        status = request_run(worker, is_plain, type, timed, due_ticks);
    }
    return status;
}

void loop_begin(struct loop_worker *worker)
{
    MAE_CHECK(worker->stop != NULL && worker->counters != NULL);
    worker->paced = worker->arrivals != NULL || worker->terminals != NULL;
    worker->draw_ahead = worker->terminals == NULL ? worker->workload->draw_ahead : NULL; /* else drawn for it */
    worker->served = false;
    atomic_store_explicit(&worker->measuring, false, memory_order_relaxed);
    worker->begin_ns = support_clock_ns();
    if (worker->terminals != NULL)
        terminals_begin(worker->terminals, clock_now_ticks());
    atomic_store_explicit(&worker->entered, true, memory_order_release);
}

enum target_status loop_requests(struct loop_worker *worker)
{
    enum target_status status = is_plain_loop(worker) ? requests_run(worker, true) : requests_run(worker, false);
    if (worker->counters_set != NULL && atomic_load_explicit(&worker->measuring, memory_order_relaxed))
        pmu_set_disable(worker->counters_set);
    worker->end_ns = support_clock_ns();
    return status;
}

void loop_end(struct loop_worker *worker)
{
    pending_end(worker);
}

enum target_status loop_run(struct loop_worker *worker)
{
    loop_begin(worker);
    enum target_status status = loop_requests(worker);
    loop_end(worker);
    return status;
}

/* Reads `committed` and `operations` of one type as a consistent pair, except that the operations of the commit which
 * is being counted now may be missing. If the worker has committed in between, it reads both again. */
static void read_commits(const struct loop_counters *counters, struct counts *sum)
{
    uint64_t committed = 0, operations = 0;
    for (int i = 0; i < READ_TRIES; i++) {
        committed = atomic_load_explicit(&counters->committed, memory_order_acquire);   /* before the operations */
        operations = atomic_load_explicit(&counters->operations, memory_order_acquire); /* before the second look */
        if (committed == atomic_load_explicit(&counters->committed, memory_order_relaxed))
            break;
    }
    sum->committed += committed;
    sum->operations += operations;
}

void loop_counters_add(const struct loop_counters *counters, unsigned types, struct counts *sums)
{
    for (unsigned type = 0; type < types; type++) {
        read_commits(&counters[type], &sums[type]);
        sums[type].acknowledged += atomic_load_explicit(&counters[type].acknowledged, memory_order_relaxed);
        sums[type].given_up += atomic_load_explicit(&counters[type].given_up, memory_order_relaxed);
        sums[type].rolled_back += atomic_load_explicit(&counters[type].rolled_back, memory_order_relaxed);
        for (unsigned reason = 0; reason < TARGET_REASONS_MAX; reason++)
            sums[type].aborted[reason] += atomic_load_explicit(&counters[type].aborted[reason], memory_order_relaxed);
    }
}
