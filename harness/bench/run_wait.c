/* run_wait.c - the coordinator waits for its workers, and says meanwhile how far they are; see run_inner.h. */
#include <stdlib.h>

#include "harness/bench/run_inner.h"
#include "harness/common/quantity.h"

/* How long the coordinator sleeps at most before it looks at signals and failures. */
#define POLL_NS (SECOND_NS / 10)

void run_phase_begin(struct run *run, enum phase phase, uint64_t length_ns)
{
    run->phase_begin_ns = support_clock_ns();
    run->phase_ns = length_ns;
    run->drawn_ns = run->phase_begin_ns;
    run->drawn_commits = 0;
    atomic_store(&run->phase, (int)phase);
}

void run_loaded_sum(const struct run *run, uint64_t *done, uint64_t *total)
{
    *done = *total = 0;
    for (unsigned i = 0; i < run->worker_count; i++) {
        *done += atomic_load_explicit(&run->workers[i].progress.done, memory_order_relaxed);
        *total += atomic_load_explicit(&run->workers[i].progress.total, memory_order_relaxed);
    }
}

static void load_draw(struct run *run)
{
    char speed_text[QUANTITY_TEXT_BYTES];
    uint64_t done, total;
    run_loaded_sum(run, &done, &total);
    double passed_s = (double)(support_clock_ns() - run->phase_begin_ns) / 1e9;
    double speed = passed_s > 0 ? (double)done / passed_s : 0;
    progress_draw(&run->progress, "load %3.0f%%  %s rows/s  %.0f s left",
                  total == 0 ? 0 : 100 * (double)done / (double)total, quantity_format_count(speed, speed_text),
                  speed > 0 ? (double)(total - done) / speed : 0);
}

static void window_draw(struct run *run)
{
    struct counts sum = {0}, *types = support_alloc(run->type_count * sizeof *types);
    for (unsigned i = 0; i < run->worker_count; i++)
        loop_counters_add(run->workers[i].loop.counters, run->type_count, types);
    for (unsigned type = 0; type < run->type_count; type++)
        counts_add(&sum, &types[type]);
    free(types);
    uint64_t now = support_clock_ns(), aborted = counts_aborted(&sum);
    char speed[QUANTITY_TEXT_BYTES] = "";
    if (run->drawn_commits != 0 && now > run->drawn_ns)
        (void)quantity_format_count((double)(sum.committed - run->drawn_commits) * 1e9 / (double)(now - run->drawn_ns),
                                    speed);
    run->drawn_commits = sum.committed;
    run->drawn_ns = now;
    double passed_s = (double)(now - run->phase_begin_ns) / 1e9, length_s = (double)run->phase_ns / 1e9;
    progress_draw(&run->progress, "repetition %u of %llu  %s %.1f s  %s txn/s  aborts %.2f%%  %.0f s left",
                  atomic_load(&run->repetition), (unsigned long long)run->options->run.repetitions,
                  phase_text((enum phase)atomic_load(&run->phase)), passed_s, speed,
                  aborted == 0 ? 0 : 100 * (double)aborted / (double)(sum.committed + aborted),
                  length_s > passed_s ? length_s - passed_s : 0);
}

static void draw(struct run *run)
{
    if (!progress_due(&run->progress))
        return;
    enum phase phase = (enum phase)atomic_load(&run->phase);
    if (phase == PHASE_LOAD)
        load_draw(run);
    else if (phase == PHASE_WARMUP || phase == PHASE_MEASURE)
        window_draw(run);
    else
        progress_draw(&run->progress, "%s", phase_text(phase));
}

enum wait_end run_wait_until(struct run *run, uint64_t until_ns)
{
    for (;;) {
        unsigned worker;
        enum mae_status status;
        uint64_t now = support_clock_ns(), slice = now + POLL_NS;
        bool rest = crew_wait(run->crew, slice < until_ns ? slice : until_ns);
        if (crew_failure(run->crew, &worker, &status) || live_check_failed(run->live_check))
            return WAIT_FAILED;
        if (rest)
            return WAIT_REST;
        if (!run->interrupted && atomic_load(&run_signal) != 0) {
            run->interrupted = true;
            run_complain(run, "interrupted in phase %s; a second signal ends the program at once",
                         phase_text((enum phase)atomic_load(&run->phase)));
            return WAIT_INTERRUPTED;
        }
        if (support_clock_ns() >= until_ns)
            return WAIT_TIME;
        if (atomic_load(&run->phase) == PHASE_LOAD) {
            uint64_t done;
            run_loaded_sum(run, &done, &run->load_rows);
            run_deadline_renew(run);
        }
        draw(run);
    }
}

void run_wait_rest(struct run *run)
{
    (void)crew_wait(run->crew, UINT64_MAX);
}

enum exit_code run_unfinished(const struct run *run)
{
    return run->interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
}

bool run_crew_do(struct run *run, unsigned count, crew_task_fn task)
{
    unsigned worker;
    enum mae_status status;
    crew_begin(run->crew, count, task, run);
    while (run_wait_until(run, UINT64_MAX) == WAIT_INTERRUPTED)
        atomic_store_explicit(&run->stop, true, memory_order_relaxed); /* the load heeds it */
    atomic_store_explicit(&run->stop, true, memory_order_relaxed);
    run_wait_rest(run);
    atomic_store_explicit(&run->stop, false, memory_order_relaxed);
    if (!crew_failure(run->crew, &worker, &status))
        return true;
    if (!run->interrupted)
        run_complain(run, "phase %s failed on worker %u: %s: %s", phase_text((enum phase)atomic_load(&run->phase)),
                     worker, mae_status_name(status), mae_status_text(status));
    return false;
}
