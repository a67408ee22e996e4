/*
 * run_metrics.c - the live numbers of a run (metrics.h); see run_inner.h.
 *
 * What workers count is read only while they run requests, as in other phases a worker may leave the target for a
 * while; between these phases the last reading stays, so that counters never go back.
 */
#include "engine/maemio.h"
#include "harness/bench/interval.h"
#include "harness/bench/run_inner.h"
#include "harness/targets/targets.h"

static void counts_read(const struct run_session *session, struct counts *types)
{
    for (unsigned i = 0; i < session->setup->lane_count; i++)
        loop_counters_add(session->workers[i].loop.counters, session->setup->type_count, types);
}

static void count_add(struct run_session *session, struct support_text *text, const char *name, const char *help,
                      const struct counts *types, size_t at)
{
    metrics_head(text, name, "counter", help);
    for (unsigned type = 0; type < session->setup->type_count; type++) {
        SUPPORT_FREED struct support_text labels = {0};
        uint64_t value;
        memcpy(&value, (const char *)&types[type] + at, sizeof value);
        metrics_label_add(&labels, "txn_type", session->setup->workload_ops->txn_types[type]);
        metrics_add(text, name, labels.text, (double)value);
    }
}

static void aborts_add(struct run_session *session, struct support_text *text, const struct counts *types)
{
    metrics_head(text, "aborted_attempts_total", "counter", "attempts that were aborted since the load");
    for (unsigned type = 0; type < session->setup->type_count; type++)
        for (unsigned reason = 0; reason < TARGET_REASONS_MAX; reason++) {
            SUPPORT_FREED struct support_text labels = {0};
            if (types[type].aborted[reason] == 0)
                continue;
            metrics_label_add(&labels, "txn_type", session->setup->workload_ops->txn_types[type]);
            metrics_label_add(&labels, "reason", target_reason(session->setup->target_ops, reason)->name);
            metrics_add(text, "aborted_attempts_total", labels.text, (double)types[type].aborted[reason]);
        }
}

/* The target's own counters, summed over its workers. */
static void counters_add(struct run_session *session, struct support_text *text)
{
    const struct run_setup *setup = session->setup;
    SUPPORT_FREED uint64_t *sums = support_alloc((setup->counter_count + 1) * sizeof *sums),
                           *values = support_alloc((setup->counter_count + 1) * sizeof *values);
    if (setup->counter_count == 0)
        return;
    for (unsigned i = 0; i < setup->lane_count; i++) {
        setup->target_ops->worker_counters(session->workers[i].loop.target_worker, values);
        for (size_t k = 0; k < setup->counter_count; k++)
            sums[k] += values[k];
    }
    metrics_head(text, "target_counter", "counter", "a counter of the target, by name; see `maemio list columns`");
    for (size_t k = 0; k < setup->counter_count; k++) {
        SUPPORT_FREED struct support_text labels = {0};
        metrics_label_add(&labels, "counter", setup->target_ops->counter_info(k)->name);
        metrics_add(text, "target_counter", labels.text, (double)sums[k]);
    }
}

/* Keeps what workers have counted so far. */
static void work_read(struct run_session *session, struct support_text *text)
{
    SUPPORT_FREED struct counts *types = support_alloc(session->setup->type_count * sizeof *types);
    struct target_state state;
    text->bytes = 0;
    counts_read(session, types);
    count_add(session, text, "transactions_total", "transactions committed since the load", types,
              offsetof(struct counts, committed));
    count_add(session, text, "operations_total", "operations of committed transactions", types,
              offsetof(struct counts, operations));
    count_add(session, text, "rolled_back_total", "transactions rolled back on purpose", types,
              offsetof(struct counts, rolled_back));
    count_add(session, text, "given_up_total", "requests given up after aborts", types,
              offsetof(struct counts, given_up));
    aborts_add(session, text, types);
    counters_add(session, text);
    if (session->setup->target_ops->state == NULL)
        return;
    session->setup->target_ops->state(session->target, &state);
    metrics_head(text, "backoff_max_seconds", "gauge", "upper bound of the back-off");
    metrics_add(text, "backoff_max_seconds", NULL, state.backoff_max_us / 1e6);
}

static void run_add(struct run_session *session, struct support_text *text)
{
    const struct run_options *options = &session->setup->options->run;
    SUPPORT_FREED struct support_text info = {0}, phase = {0};
    uint64_t loaded, to_load;
    metrics_label_add(&info, "version", MAE_VERSION);
    metrics_label_add(&info, "workload", options->workload);
    metrics_label_add(&info, "target", options->target);
    metrics_label_add(&info, "label", options->label);
    metrics_label_add(&info, "point", options->point);
    metrics_head(text, "run_info", "gauge", "what runs");
    metrics_add(text, "run_info", info.text, 1);
    metrics_label_add(&phase, "phase", phase_text((enum phase)atomic_load(&session->watch->phase)));
    metrics_head(text, "phase", "gauge", "the phase of the run, and for how many seconds it has lasted");
    metrics_add(text, "phase", phase.text, (double)(support_clock_ns() - session->watch->phase_begin_ns) / 1e9);
    metrics_head(text, "repetition", "gauge", "the repetition at hand, from 1; 0 before the first");
    metrics_add(text, "repetition", NULL, atomic_load(&session->watch->repetition));
    metrics_head(text, "workers", "gauge", "worker threads");
    metrics_add(text, "workers", NULL, session->setup->worker_count);
    metrics_head(text, "process_resident_bytes", "gauge", "resident memory of the process");
    metrics_add(text, "process_resident_bytes", NULL, (double)interval_process_bytes());
    if (session->workers == NULL)
        return;
    run_loaded_sum(session, &loaded, &to_load);
    metrics_head(text, "loaded_rows", "gauge", "rows that the load has put in");
    metrics_add(text, "loaded_rows", NULL, (double)loaded);
    metrics_head(text, "rows_to_load", "gauge", "rows that the load is to put in");
    metrics_add(text, "rows_to_load", NULL, (double)to_load);
}

static void put(struct run_session *session, int client, bool reads_work)
{
    char error[METRICS_ERROR_BYTES];
    struct run_watch *watch = session->watch;
    SUPPORT_FREED struct support_text text = {0};
    if (reads_work)
        work_read(session, &watch->work);
    run_add(session, &text);
    if (watch->work.bytes > 0)
        support_text_add(&text, "%s", watch->work.text);
    if (metrics_put(&watch->metrics, client, text.text, error))
        return;
    run_complain(watch, "%s", error); /* once; the run goes on */
    watch->metrics.path = NULL;
}

void run_metrics_serve(struct run_session *session)
{
    int client;
    enum phase phase = (enum phase)atomic_load(&session->watch->phase);
    for (int i = 0; i < RUN_CLIENTS_MAX && metrics_wanted(&session->watch->metrics, &client); i++)
        put(session, client, phase == PHASE_WARMUP || phase == PHASE_MEASURE);
}

void run_metrics_settle(struct run_session *session)
{
    if (session->watch->metrics.path == NULL && session->watch->metrics.listener < 0)
        return;
    session->watch->metrics.next_ns = 0;
    put(session, -1, true);
}
