/* interval.c - see interval.h. */
#include "harness/bench/interval.h"

#include <math.h>
#include <unistd.h>

#include "harness/record/csv.h"
#include "harness/targets/targets.h"

/* The hardware events of events.def, whether or not this run counts them: the columns are always the same. */
static const char *const hardware_events[] = {
#define PMU_HARDWARE(name, group, encoding, floor_percent, meaning) name,
#include "harness/machine/events.def"
};
enum { HARDWARE_EVENTS = sizeof hardware_events / sizeof hardware_events[0] };

void interval_init(struct interval_series *series, size_t room)
{
    *series = (struct interval_series){.room = room < INTERVAL_SAMPLES_MAX ? room : INTERVAL_SAMPLES_MAX};
    series->samples = support_alloc(series->room * sizeof *series->samples);
}

void interval_fini(struct interval_series *series)
{
    free(series->samples);
    *series = (struct interval_series){0};
}

struct interval_sample *interval_next(struct interval_series *series)
{
    if (series->count == series->room)
        return NULL;
    struct interval_sample *sample = &series->samples[series->count];
    memset(sample, 0, sizeof *sample);
    for (size_t i = 0; i < PMU_EVENTS_MAX; i++)
        sample->counters[i] = NAN;
    return sample;
}

void interval_keep(struct interval_series *series)
{
    const struct interval_sample *sample = &series->samples[series->count];
    MAE_CHECK(series->count < series->room);
    MAE_CHECK(series->count == 0 || (sample[-1].at_ns <= sample->at_ns && sample[-1].committed <= sample->committed));
    series->count++;
}

uint64_t interval_process_bytes(void)
{
    unsigned long long size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &size, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- Steady? ---- */

/* If workers wait less than this share of one worker's time, the back-off cannot make a run unsteady. */
#define WAITED_MIN 0.01

struct half {
    double speed, speed_error2, backoff; /* means; squared standard error */
    double waited;                       /* time in back-off, as a share of one worker's */
};

/* Of the intervals that end at samples (first, last]. */
static struct half half_of(const struct interval_sample *samples, size_t first, size_t last)
{
    MAE_CHECK(last > first + 1); /* one interval has no spread */
    struct half half = {0};
    double count = (double)(last - first), squares = 0;
    for (size_t i = first; i < last; i++) {
        double length_s = (double)(samples[i + 1].at_ns - samples[i].at_ns) / 1e9;
        double speed = length_s > 0 ? (double)(samples[i + 1].committed - samples[i].committed) / length_s : 0;
        half.speed += speed / count;
        squares += speed * speed / count;
        half.backoff += samples[i + 1].state.backoff_max_us / count;
        for (unsigned reason = 0; length_s > 0 && reason < TARGET_REASONS_MAX; reason++)
            half.waited += (double)(samples[i + 1].aborted[reason] - samples[i].aborted[reason]) *
                           samples[i + 1].state.backoff_max_us / 2e6 / length_s / count;
    }
    half.speed_error2 = fmax(squares - half.speed * half.speed, 0) / (count - 1);
    return half;
}

int interval_steady(const struct interval_series *series, size_t first, double *drift)
{
    *drift = 0;
    if (series->count < first + INTERVAL_STEADY_MIN + 1)
        return -1;
    size_t last = series->count - 1, middle = first + (last - first) / 2;
    struct half a = half_of(series->samples, first, middle), b = half_of(series->samples, middle, last);
    if (a.speed <= 0 || b.speed <= 0)
        return 0;
    *drift = b.speed / a.speed - 1;
    double speed_bound = fmax(0.02 * a.speed, 2 * sqrt(a.speed_error2 + b.speed_error2));
    double backoff_bound = fmax(0.1 * a.backoff, 2);
    bool waits = fmax(a.waited, b.waited) > WAITED_MIN;
    return fabs(b.speed - a.speed) <= speed_bound && (!waits || fabs(b.backoff - a.backoff) <= backoff_bound);
}

/* ---- CSV. ---- */

void interval_header(struct support_text *text)
{
    support_text_add(text, "phase,interval,begin_s,length_s,commits,throughput_txn_per_s,operations,aborts,"
                           "abort_ratio");
    const struct target_reason *reason;
    for (size_t i = 0; (reason = target_reason_at(i)) != NULL; i++)
        support_text_add(text, ",aborts_%s", reason->name);
    support_text_add(text, ",backoff_max_us,horizon_lag_us,versions_made,versions_reclaimed,versions_growth,"
                           "process_bytes,late_us");
    for (size_t i = 0; i < HARDWARE_EVENTS; i++)
        support_text_add(text, ",pmu_%s", result_counter_name(hardware_events[i]));
    support_text_add(text, "\n");
}

/* The horizon on the wall clock's scale: us by which a timestamp is ahead of it, up to a constant. */
static double ahead_us(const struct interval_sample *sample, uint64_t timestamp)
{
    return (double)(timestamp >> 8) / sample->state.ticks_per_us - (double)sample->at_ns / 1e3; /* 8 bits: worker */
}

static void sample_counts_add(struct support_text *text, const struct target_ops *target,
                              const struct interval_sample *from, const struct interval_sample *to)
{
    double commits = (double)(to->committed - from->committed), aborts = 0;
    double length_s = (double)(to->at_ns - from->at_ns) / 1e9;
    for (unsigned reason = 0; reason < TARGET_REASONS_MAX; reason++)
        aborts += (double)(to->aborted[reason] - from->aborted[reason]);
    csv_number_add(text, 17, commits);
    csv_number_add(text, 10, length_s > 0 ? commits / length_s : NAN);
    csv_number_add(text, 17, (double)(to->operations - from->operations));
    csv_number_add(text, 17, aborts);
    csv_number_add(text, 6, commits + aborts > 0 ? aborts / (commits + aborts) : NAN);
    const struct target_reason *known;
    for (size_t i = 0; (known = target_reason_at(i)) != NULL; i++) {
        unsigned reason = target_reason_number(target, known->name);
        csv_number_add(text, 17,
                       reason == TARGET_REASONS_MAX ? NAN : (double)(to->aborted[reason] - from->aborted[reason]));
    }
}

static void state_add(struct support_text *text, const struct interval_sample *from, const struct interval_sample *to,
                      double best_us, bool open_loop)
{
    bool has_clock = to->has_state && to->state.ticks_per_us > 0;
    double made = to->has_versions ? (double)(to->versions_made - from->versions_made) : NAN;
    double reclaimed = (double)(to->versions_reclaimed - from->versions_reclaimed);
    csv_number_add(text, 6, to->has_state ? to->state.backoff_max_us : NAN);
    csv_number_add(text, 6, has_clock ? best_us - ahead_us(to, to->state.min_rts) : NAN);
    csv_number_add(text, 17, made);
    csv_number_add(text, 17, to->has_versions ? reclaimed : NAN);
    csv_number_add(text, 17, made - reclaimed);
    csv_number_add(text, 17, to->process_bytes != 0 ? (double)to->process_bytes : NAN);
    csv_number_add(text, 6, open_loop ? (double)to->late_ns / 1e3 : NAN);
}

static void counters_add(struct support_text *text, const struct pmu_plan *plan, const struct interval_sample *from,
                         const struct interval_sample *to)
{
    for (size_t i = 0; i < HARDWARE_EVENTS; i++) {
        int at = plan == NULL ? -1 : pmu_find(plan, hardware_events[i]);
        csv_number_add(text, 10,
                       at < 0 ? NAN : to->counters[at] - (isnan(from->counters[at]) ? 0 : from->counters[at]));
    }
}

void interval_rows(const struct interval_series *series, const struct target_ops *target, const struct pmu_plan *plan,
                   bool open_loop, const char *prefix, struct support_text *text)
{
    double best_us = -INFINITY;
    for (size_t i = 0; i < series->count; i++) {
        const struct interval_sample *to = &series->samples[i];
        if (to->has_state && to->state.ticks_per_us > 0)
            best_us = fmax(best_us, ahead_us(to, to->state.min_wts));
        if (i == 0)
            continue;
        const struct interval_sample *from = to - 1;
        double begin_s = series->begin_ns == 0 ? 0 : ((double)from->at_ns - (double)series->begin_ns) / 1e9;
        support_text_add(text, "%s%s,%zu,%.6f,%.6f", prefix, from->in_window ? "measure" : "warm-up", i, begin_s,
                         (double)(to->at_ns - from->at_ns) / 1e9);
        sample_counts_add(text, target, from, to);
        state_add(text, from, to, best_us, open_loop);
        counters_add(text, plan, from, to);
        support_text_add(text, "\n");
    }
}
