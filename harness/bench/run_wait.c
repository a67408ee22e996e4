/* run_wait.c - the coordinator waits for its workers, and says meanwhile how far they are; see run_inner.h. */

#include "harness/bench/run_inner.h"
#include "harness/common/quantity.h"

/* How long the coordinator sleeps at most before it looks at signals and failures. */
#define POLL_NS (SECOND_NS / 10)

static void load_draw(struct run_session *session)
{
    struct run_watch *watch = session->watch;
    uint64_t done, total;
    run_loaded_sum(session, &done, &total);
    double passed_s = (double)(support_clock_ns() - watch->phase_begin_ns) / 1e9;
    double speed = passed_s > 0 ? (double)done / passed_s : 0;
    progress_draw(&watch->progress, "load %3.0f%%  %s rows/s  %.0f s left",
                  total == 0 ? 0 : 100 * (double)done / (double)total, quantity_count(speed),
                  speed > 0 ? (double)(total - done) / speed : 0);
}

/* All types, and their sum. free() the types. */
static struct counts *counts_now(const struct run_session *session, struct counts *sum)
{
    struct counts *types = support_alloc(session->setup->type_count * sizeof *types);
    for (unsigned i = 0; i < session->setup->lane_count; i++)
        loop_counters_add(session->workers[i].loop.counters, session->setup->type_count, types);
    *sum = (struct counts){0};
    for (unsigned type = 0; type < session->setup->type_count; type++)
        counts_add(sum, &types[type]);
    return types;
}

static void window_draw(struct run_session *session)
{
    struct run_watch *watch = session->watch;
    struct counts sum;
    free(counts_now(session, &sum));
    uint64_t now = support_clock_ns(), aborted = counts_aborted(&sum);
    const char *speed = "";
    if (watch->drawn_commits != 0 && now > watch->drawn_ns)
        speed = quantity_count((double)(sum.committed - watch->drawn_commits) * 1e9 / (double)(now - watch->drawn_ns));
    watch->drawn_commits = sum.committed;
    watch->drawn_ns = now;
    double passed_s = (double)(now - watch->phase_begin_ns) / 1e9, length_s = (double)watch->phase_ns / 1e9;
    progress_draw(&watch->progress, "repetition %u of %llu  %s %.1f s  %s txn/s  aborts %.2f%%  %.0f s left",
                  atomic_load(&watch->repetition), (unsigned long long)session->setup->options->run.repetitions,
                  phase_text((enum phase)atomic_load(&watch->phase)), passed_s, speed,
                  aborted == 0 ? 0 : 100 * (double)aborted / (double)(sum.committed + aborted),
                  length_s > passed_s ? length_s - passed_s : 0);
}

/* How long what is asked for will take at this speed; below 0: nobody knows. */
static double left_s(const struct run_session *session, uint64_t now_ns, double speed)
{
    const struct run_options *options = &session->setup->options->run;
    const struct run_watch *watch = session->watch;
    double passed_s = (double)(now_ns - watch->phase_begin_ns) / 1e9, length_s = (double)watch->phase_ns / 1e9;
    if (options->txns == 0)
        return length_s > passed_s ? length_s - passed_s : 0;
    double requests = options->txns_total != 0 ? (double)options->txns_total
                                               : (double)options->txns * (double)session->setup->worker_count;
    double left = requests / (options->rate != 0 ? (double)options->rate : speed) - passed_s;
    return !(speed > 0) ? -1 : left > 0 ? left : 0;
}

/* "2026-11-29 12:00:10 measure 10 s: 1234567 transactions; 123k/s: read_only 62.1k, read_write 61.3k; aborts 0.12%;
 * 50 s left" */
static void status_tell(struct run_session *session, uint64_t now_ns)
{
    struct run_watch *watch = session->watch;
    const char *const *names = session->setup->workload_ops->txn_types;
    struct counts sum, before = {0};
    SUPPORT_FREED struct counts *types = counts_now(session, &sum);
    double since_s = (double)(now_ns - watch->status_ns) / 1e9;
    char day[32];
    time_t now = time(NULL);
    struct tm local;
    for (unsigned type = 0; type < session->setup->type_count; type++)
        counts_add(&before, &watch->status_types[type]);
    double speed = (double)(sum.committed - before.committed) / since_s;
    uint64_t aborted = counts_aborted(&sum) - counts_aborted(&before);
    (void)strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
    progress_clear(&watch->progress);
    (void)fprintf(stderr, "%s %s %.1f s: %llu transactions; %s/s", day,
                  phase_text((enum phase)atomic_load(&watch->phase)), (double)(now_ns - watch->phase_begin_ns) / 1e9,
                  (unsigned long long)sum.committed, quantity_count(speed));
    for (unsigned type = 0; session->setup->type_count > 1 && type < session->setup->type_count; type++) {
        uint64_t commits = types[type].committed - watch->status_types[type].committed;
        (void)fprintf(stderr, "%s %s %s", type == 0 ? ":" : ",", names[type],
                      quantity_count((double)commits / since_s));
    }
    uint64_t attempts = aborted + sum.committed - before.committed;
    (void)fprintf(stderr, "; aborts %.2f%%", attempts == 0 ? 0 : 100 * (double)aborted / (double)attempts);
    double left = left_s(session, now_ns, speed);
    if (left >= 0)
        (void)fprintf(stderr, "; %.0f s left", left);
    (void)fputc('\n', stderr);
    memcpy(watch->status_types, types, session->setup->type_count * sizeof *types);
    watch->status_ns = now_ns;
}

/* --status: a line whenever its time has come, first after that time. */
static void status_show(struct run_session *session)
{
    struct run_watch *watch = session->watch;
    uint64_t every_ns = session->setup->options->run.status, now_ns = support_clock_ns();
    enum phase phase = (enum phase)atomic_load(&watch->phase);
    if (every_ns == 0 || (phase != PHASE_WARMUP && phase != PHASE_MEASURE))
        return;
    if (watch->status_types == NULL || watch->status_phase != phase) {
        struct counts sum;
        free(watch->status_types);
        watch->status_types = counts_now(session, &sum);
        watch->status_ns = now_ns;
        watch->status_phase = phase;
    } else if (now_ns - watch->status_ns >= every_ns) {
        status_tell(session, now_ns);
    }
}

static void draw(struct run_session *session)
{
    struct run_watch *watch = session->watch;
    if (!progress_due(&watch->progress))
        return;
    enum phase phase = (enum phase)atomic_load(&watch->phase);
    if (phase == PHASE_LOAD)
        load_draw(session);
    else if (phase == PHASE_WARMUP || phase == PHASE_MEASURE)
        window_draw(session);
    else
        progress_draw(&watch->progress, "%s", phase_text(phase));
}

enum wait_end run_wait_until(struct run_session *session, uint64_t until_ns)
{
    for (;;) {
        unsigned worker;
        enum target_status status;
        draw(session); /* before it waits, so that what comes at `until_ns` does not wait for it */
        status_show(session);
        run_metrics_serve(session);
        uint64_t now = support_clock_ns(), slice = now + POLL_NS;
        bool rest = crew_wait(session->crew, slice < until_ns ? slice : until_ns);
        if (crew_failure(session->crew, &worker, &status) || live_check_failed(session->live_check))
            return WAIT_FAILED;
        if (rest)
            return WAIT_REST;
        if (!session->watch->interrupted && atomic_load(&run_signal) != 0) {
            session->watch->interrupted = true;
            run_complain(session->watch, "interrupted in phase %s; a second signal ends the program at once",
                         phase_text((enum phase)atomic_load(&session->watch->phase)));
            return WAIT_INTERRUPTED;
        }
        if (support_clock_ns() >= until_ns)
            return WAIT_TIME;
        if (atomic_load(&session->watch->phase) == PHASE_LOAD) {
            uint64_t done;
            run_loaded_sum(session, &done, &session->load_rows);
            run_deadline_renew(session->watch, session->load_rows);
        }
    }
}

void run_rest(struct run_session *session, uint64_t length_ns)
{
    uint64_t until_ns = support_clock_ns() + length_ns, now;
    while (!session->watch->interrupted && (now = support_clock_ns()) < until_ns) {
        uint64_t left_ns = until_ns - now < POLL_NS ? until_ns - now : POLL_NS;
        const struct timespec length = {.tv_nsec = (long)left_ns};
        (void)nanosleep(&length, NULL);
        draw(session);
        run_metrics_serve(session);
        if (atomic_load(&run_signal) != 0) {
            session->watch->interrupted = true;
            run_complain(session->watch, "interrupted in phase %s; a second signal ends the program at once",
                         phase_text((enum phase)atomic_load(&session->watch->phase)));
        }
    }
}

void run_wait_stopped(struct run_session *session)
{
    atomic_store_explicit(&session->stop, true, memory_order_relaxed);
    (void)crew_wait(session->crew, UINT64_MAX);
    atomic_store_explicit(&session->stop, false, memory_order_relaxed);
}

bool run_crew_do(struct run_session *session, unsigned count, crew_task_fn task, void *arg)
{
    return run_crew_do_for(session, count, task, arg, UINT64_MAX);
}

bool run_crew_do_for(struct run_session *session, unsigned count, crew_task_fn task, void *arg, uint64_t length_ns)
{
    MAE_CHECK(count > 0 && count <= session->setup->worker_count);
    MAE_CHECK(!atomic_load(&session->stop)); /* nobody has told them to stop before they begin */
    unsigned worker;
    enum target_status status;
    uint64_t now = support_clock_ns();
    crew_begin(session->crew, count, task, arg);
    while (run_wait_until(session, length_ns < UINT64_MAX - now ? now + length_ns : UINT64_MAX) == WAIT_INTERRUPTED)
        atomic_store_explicit(&session->stop, true, memory_order_relaxed); /* the load heeds it */
    run_wait_stopped(session);
    if (!crew_failure(session->crew, &worker, &status))
        return true;
    if (!session->watch->interrupted)
        run_complain(session->watch, "phase %s failed on worker %u: %s: %s",
                     phase_text((enum phase)atomic_load(&session->watch->phase)), worker, target_status_name(status),
                     target_status_text(status));
    return false;
}
