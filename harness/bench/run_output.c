/*
 * run_output.c - the files beside the result CSV: intervals, histograms, counters, JSON; see run_inner.h.
 * Rows of all CSV files begin with the columns of `leading`, so that files of many runs can be joined.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "harness/bench/run_inner.h"
#include "harness/record/hdr_log.h"
#include "harness/record/metadata.h"

#define LEADING "config_hash,label,point,workload,target,threads,repetition,start_utc,"

static char *leading(const struct result *result)
{
    const struct run_options *options = &result->options->run;
    struct support_text text = {0};
    support_text_add(&text, "%s,", result->config_hash);
    csv_field_add(&text, options->label);
    support_text_add(&text, ",");
    csv_field_add(&text, options->point);
    support_text_add(&text, ",%s,%s,%u,%u,%s,", options->workload, options->target, result->placement->count,
                     result->repetition, result->provenance.start_utc);
    return text.text;
}

/* ---- Opening. ---- */

static const struct {
    const char *option, *columns; /* behind the leading ones; of some they are made elsewhere */
    size_t at;                    /* of the option's value */
} outputs_table[] = {
    [RUN_CSV] = {"--csv", "", offsetof(struct run_options, csv)},
    [RUN_JSON] = {"--json", "", offsetof(struct run_options, json)},
    [RUN_INTERVALS] = {"--interval-csv", "", offsetof(struct run_options, interval_csv)},
    [RUN_LATENCIES] = {"--latency-csv", "worker,txn_type,quantity," HISTOGRAM_CSV_COLUMNS "\n",
                       offsetof(struct run_options, latency_csv)},
    [RUN_COUNTERS] = {"--counters-csv", "worker,counter,status,raw,value,share,per_txn,per_op,reason\n",
                      offsetof(struct run_options, counters_csv)},
    [RUN_HDR_LOG] = {"--hdr-log", HDR_LOG_HEADER, offsetof(struct run_options, hdr_log)},
    /* Opened elsewhere: */
    [RUN_OUTPUTS] = {"--history", "", offsetof(struct run_options, history)},
    {"--metrics-file", "", offsetof(struct run_options, metrics_file)},
};
enum { FILES = sizeof outputs_table / sizeof outputs_table[0] };

/* Where it goes, "" if nowhere; the caller frees it. With `auto` JSON goes to runs.jsonl beside runs.csv, if that is a
 * file, present or to be made. */
static char *place_of(const struct run_options *options, unsigned output)
{
    struct stat file;
    const char *path = *(char *const *)(const void *)((const char *)options + outputs_table[output].at);
    if (output != RUN_JSON || strcmp(path, "auto") != 0)
        return support_copy(output == RUN_JSON && strcmp(path, "off") == 0 ? "" : path);
    path = options->csv;
    if (path[0] == '\0' || strcmp(path, "-") == 0 || (stat(path, &file) == 0 && !S_ISREG(file.st_mode)))
        return support_copy("");
    size_t length = strlen(path);
    bool has_ending = length > 4 && strcmp(path + length - 4, ".csv") == 0;
    return support_format("%.*s.jsonl", (int)(has_ending ? length - 4 : length), path);
}

/* ---- No two in one file. ---- */

/* A file, under whatever path: one that exists by its inode, one to be made by its folder's and its name. */
struct identity {
    bool exists;
    dev_t device;
    ino_t inode;
    const char *name; /* in its folder; "" if it exists */
};

/* False for what takes text of many without mixing it into a file: /dev/null, a terminal. */
static bool identity_of(const char *path, struct identity *identity)
{
    struct stat file;
    bool is_stdout = strcmp(path, "-") == 0;
    *identity = (struct identity){.name = ""};
    if ((is_stdout ? fstat(STDOUT_FILENO, &file) : stat(path, &file)) == 0) {
        *identity = (struct identity){true, file.st_dev, file.st_ino, ""};
        return is_stdout || !S_ISCHR(file.st_mode);
    }
    const char *slash = strrchr(path, '/');
    SUPPORT_FREED char *folder = slash == NULL ? support_copy(".") : support_format("%.*s/", (int)(slash - path), path);
    bool known = stat(folder, &file) == 0;
    *identity = (struct identity){false, file.st_dev, file.st_ino, slash == NULL ? path : slash + 1};
    return known; /* no such folder: opening says so */
}

static bool same_file(const struct identity *a, const struct identity *b)
{
    return a->exists == b->exists && a->device == b->device && a->inode == b->inode && strcmp(a->name, b->name) == 0;
}

bool run_outputs_differ(const struct options *options, char *error)
{
    char *paths[FILES];
    struct identity identities[FILES];
    bool differ = true, known[FILES];
    for (unsigned i = 0; i < FILES; i++) {
        paths[i] = place_of(&options->run, i);
        known[i] = paths[i][0] != '\0' && identity_of(paths[i], &identities[i]);
        for (unsigned j = 0; differ && known[i] && j < i; j++)
            if (known[j] && same_file(&identities[i], &identities[j]))
                differ =
                    support_error(error, CSV_ERROR_BYTES, "%s and %s: both write to %.700s", outputs_table[j].option,
                                  outputs_table[i].option, strcmp(paths[i], "-") == 0 ? "stdout" : paths[i]);
    }
    for (unsigned i = 0; i < FILES; i++)
        free(paths[i]);
    return differ;
}

bool run_prints_rows(const struct options *options)
{
    bool prints = false;
    for (unsigned i = 0; i < RUN_OUTPUTS; i++) {
        SUPPORT_FREED char *path = place_of(&options->run, i);
        prints |= strcmp(path, "-") == 0;
    }
    return prints;
}

bool run_outputs_open(struct run_outputs *outputs, char *error)
{
    bool fine = true;
    for (unsigned i = 0; fine && i < RUN_OUTPUTS; i++) {
        SUPPORT_FREED char *path = place_of(&outputs->setup->options->run, i);
        SUPPORT_FREED struct support_text header = {0};
        support_text_add(&header, "%s%s", i >= RUN_INTERVALS && i != RUN_HDR_LOG ? LEADING : "",
                         outputs_table[i].columns);
        if (i == RUN_INTERVALS)
            interval_header(&header);
        if (path[0] != '\0')
            outputs->files[i] = i == RUN_CSV ? csv_open(path, error)
                                             : csv_open_other(path, outputs_table[i].option, header.text, error);
        fine = path[0] == '\0' || outputs->files[i] != NULL;
    }
    return fine;
}

bool run_outputs_close(struct run_outputs *outputs, char *error)
{
    bool fine = true;
    for (unsigned i = 0; i < RUN_OUTPUTS; i++) {
        char ignored[CSV_ERROR_BYTES];
        fine &= csv_close(outputs->files[i], fine ? error : ignored);
        outputs->files[i] = NULL;
    }
    return fine;
}

/* ---- Writing. ---- */

static bool intervals_write(struct run_outputs *outputs, const struct interval_series *series, const char *prefix,
                            char *error)
{
    SUPPORT_FREED struct support_text rows = {0};
    interval_rows(series, outputs->setup->target_ops, &outputs->setup->plan, outputs->setup->options->run.rate != 0,
                  prefix, &rows);
    return rows.text == NULL || csv_write_text(outputs->files[RUN_INTERVALS], rows.text, error);
}

static void histogram_write(FILE *file, const char *prefix, const char *worker, const char *type, const char *quantity,
                            const struct histogram *histogram)
{
    if (histogram->count == 0)
        return;
    SUPPORT_FREED struct support_text line = {0};
    support_text_add(&line, "%s%s,%s,%s,", prefix, worker, type, quantity);
    histogram_dump(histogram, line.text, file);
}

static bool latencies_write(struct run_outputs *outputs, const struct run_worker *workers, const char *prefix,
                            char *error)
{
    SUPPORT_FREED struct support_text rows = {0};
    FILE *file = open_memstream(&rows.text, &rows.bytes);
    if (file == NULL) {
        (void)snprintf(error, CSV_ERROR_BYTES, "--latency-csv: out of memory");
        return false;
    }
    SUPPORT_FREED struct histogram *attempts = support_alloc(sizeof *attempts);
    for (unsigned i = 0; i < outputs->setup->lane_count; i++) {
        const char *worker = support_short("%u", i);
        if (workers[i].overdue != NULL)
            histogram_write(file, prefix, worker, "overdue", "response_ns", workers[i].overdue);
        for (unsigned type = 0; workers[i].loop.latencies != NULL && type < outputs->setup->type_count; type++) {
            const struct latency *latency = &workers[i].loop.latencies[type];
            const char *name = outputs->setup->workload_ops->txn_types[type];
            latency_attempts(latency, attempts);
            histogram_write(file, prefix, worker, name, "service_ns", &latency->service);
            histogram_write(file, prefix, worker, name, "response_ns", &latency->response);
            histogram_write(file, prefix, worker, name, "durable_ns", &latency->durable);
            histogram_write(file, prefix, worker, name, "aborted_ns", &latency->aborted);
            histogram_write(file, prefix, worker, name, "attempts", attempts);
        }
    }
    for (unsigned i = 0; outputs->setup->options->run.latency_operations && i < OPERATION_COUNT; i++) {
        histogram_init(attempts);
        operation_times_merge((enum operation)i, attempts);
        histogram_write(file, prefix, "all", operation_name((enum operation)i), "call_ns", attempts);
    }
    return fclose(file) == 0 && (rows.bytes == 0 || csv_write_text(outputs->files[RUN_LATENCIES], rows.text, error));
}

/* The histograms of a log, in order. */
static const struct {
    const char *name;
    size_t at;
} hdr_quantities[] = {{"service", offsetof(struct latency, service)},
                      {"response", offsetof(struct latency, response)},
                      {"durable", offsetof(struct latency, durable)},
                      {"aborted", offsetof(struct latency, aborted)}};

/* A line without a tag is what HdrHistogram's tools show first: over all types, what an open loop's clients see, or a
 * closed loop's. Then one of each type and quantity. */
static bool hdr_log_write(struct run_outputs *outputs, const struct run_worker *workers,
                          const struct run_window *window, const struct result *result, char *error)
{
    SUPPORT_FREED struct support_text log = {0}, tagged = {0};
    SUPPORT_FREED struct latency *all = latencies_create(1), *of_type = latencies_create(1);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    double begin_s =
        (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)(support_clock_ns() - window->before.at_ns) / 1e9;
    for (unsigned type = 0; run_is_timed(outputs->setup) && type < outputs->setup->type_count; type++) {
        latencies_clear(of_type, 1);
        for (unsigned i = 0; i < outputs->setup->lane_count; i++)
            latency_merge(of_type, &workers[i].loop.latencies[type]);
        latency_merge(all, of_type);
        for (size_t k = 0; k < sizeof hdr_quantities / sizeof hdr_quantities[0]; k++) {
            const struct histogram *histogram = (const void *)((const char *)of_type + hdr_quantities[k].at);
            SUPPORT_FREED char *tag =
                support_format("%s.%s", hdr_quantities[k].name, outputs->setup->workload_ops->txn_types[type]);
            if (histogram->count > 0)
                hdr_log_add(&tagged, tag, begin_s, result->window_s, histogram);
        }
    }
    for (unsigned i = 0; outputs->setup->options->run.latency_operations && i < OPERATION_COUNT; i++) {
        SUPPORT_FREED char *tag = support_format("call.%s", operation_name((enum operation)i));
        histogram_init(&of_type->service);
        operation_times_merge((enum operation)i, &of_type->service);
        if (of_type->service.count > 0)
            hdr_log_add(&tagged, tag, begin_s, result->window_s, &of_type->service);
    }
    for (unsigned i = 0; i < outputs->setup->worker_count; i++)
        if (workers[i].overdue != NULL)
            histogram_merge(&all->response, workers[i].overdue);
    if (all->service.count + all->response.count > 0)
        hdr_log_add(&log, NULL, begin_s, result->window_s,
                    outputs->setup->options->run.rate != 0 ? &all->response : &all->service);
    if (tagged.bytes > 0)
        support_text_add(&log, "%s", tagged.text);
    return log.bytes == 0 || csv_write_text(outputs->files[RUN_HDR_LOG], log.text, error);
}

/* `result` NULL: of one worker, whose transactions are not told apart here. */
static void counter_rows(struct support_text *rows, const struct pmu_plan *plan, const char *prefix, const char *worker,
                         const struct pmu_value *values, const struct result *result)
{
    MAE_DCHECK(plan->event_count <= PMU_EVENTS_MAX);
    for (unsigned i = 0; i < plan->event_count; i++) {
        const struct pmu_value *value = &values[i];
        support_text_add(rows, "%s%s,", prefix, worker);
        csv_field_add(rows, plan->events[i].name);
        support_text_add(rows, ",%s", pmu_status_name(value->status));
        if (value->status == PMU_COUNTED)
            support_text_add(rows, ",%llu,%.10g,%.6g", (unsigned long long)value->raw, value->value, value->share);
        else
            support_text_add(rows, ",,,");
        csv_number_add(rows, 10, pmu_per(value, result == NULL ? 0 : result->all.committed));
        csv_number_add(rows, 10, pmu_per(value, result == NULL ? 0 : result->all.operations));
        support_text_add(rows, ",");
        csv_field_add(rows, pmu_value_reason(plan, i, value));
        support_text_add(rows, "\n");
    }
}

static bool counters_write(struct run_outputs *outputs, const struct run_worker *workers, const struct result *result,
                           const char *prefix, char *error)
{
    SUPPORT_FREED struct support_text rows = {0};
    for (unsigned i = 0; i < outputs->setup->worker_count; i++) {
        char worker[16];
        (void)snprintf(worker, sizeof worker, "%u", i);
        counter_rows(&rows, &outputs->setup->plan, prefix, worker, workers[i].values, NULL);
    }
    counter_rows(&rows, &outputs->setup->plan, prefix, "all", result->counters, result);
    return rows.text == NULL || csv_write_text(outputs->files[RUN_COUNTERS], rows.text, error);
}

bool run_outputs_write(struct run_outputs *outputs, const struct run_session *session, const struct run_window *window,
                       const struct result *result, char *error)
{
    MAE_CHECK(result->type_count == outputs->setup->type_count);
    SUPPORT_FREED char *prefix = leading(result),
                       *json = outputs->files[RUN_JSON] == NULL ? NULL : metadata_json(result);
    return (outputs->files[RUN_INTERVALS] == NULL || intervals_write(outputs, &window->series, prefix, error)) &&
           (outputs->files[RUN_LATENCIES] == NULL || latencies_write(outputs, session->workers, prefix, error)) &&
           (outputs->files[RUN_HDR_LOG] == NULL || hdr_log_write(outputs, session->workers, window, result, error)) &&
           (outputs->files[RUN_COUNTERS] == NULL || counters_write(outputs, session->workers, result, prefix, error)) &&
           (json == NULL || csv_write_text(outputs->files[RUN_JSON], json, error)) &&
           (outputs->files[RUN_CSV] == NULL || csv_write(outputs->files[RUN_CSV], result, error));
}
