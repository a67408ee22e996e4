/*
 * run_output.c - the files beside the result CSV: intervals, histograms, counters, JSON; see run_inner.h.
 * Rows of all of them begin with the columns of `leading`, so that files of many runs can be joined.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "harness/bench/run_inner.h"
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

static bool other_open(struct csv **csv, const char *path, const char *option, const char *columns, char *error)
{
    if (path[0] == '\0')
        return true;
    struct support_text header = {0};
    support_text_add(&header, "%s%s", LEADING, columns);
    *csv = csv_open_other(path, option, header.text, error);
    free(header.text);
    return *csv != NULL;
}

/* runs.csv -> runs.jsonl; NULL if the CSV is no file, present or to be made, to stand beside. */
static char *json_path(const char *csv_path)
{
    struct stat file;
    if (csv_path[0] == '\0' || strcmp(csv_path, "-") == 0 || (stat(csv_path, &file) == 0 && !S_ISREG(file.st_mode)))
        return NULL;
    size_t length = strlen(csv_path);
    bool has_ending = length > 4 && strcmp(csv_path + length - 4, ".csv") == 0;
    struct support_text path = {0};
    support_text_add(&path, "%.*s.jsonl", (int)(has_ending ? length - 4 : length), csv_path);
    return path.text;
}

/* Where JSON goes; NULL: nowhere. */
static char *json_place(const struct run_options *options)
{
    if (strcmp(options->json, "off") == 0)
        return NULL;
    return strcmp(options->json, "auto") == 0 ? json_path(options->csv) : support_copy(options->json);
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
    char *folder = slash == NULL ? support_copy(".") : support_format("%.*s/", (int)(slash - path), path);
    bool known = stat(folder, &file) == 0;
    free(folder);
    *identity = (struct identity){false, file.st_dev, file.st_ino, slash == NULL ? path : slash + 1};
    return known; /* no such folder: opening says so */
}

bool run_outputs_differ(const struct options *all, char *error)
{
    const struct run_options *options = &all->run;
    char *json = json_place(options);
    const struct {
        const char *option, *path;
    } outputs[] = {{"--csv", options->csv},
                   {"--json", json == NULL ? "" : json},
                   {"--interval-csv", options->interval_csv},
                   {"--latency-csv", options->latency_csv},
                   {"--counters-csv", options->counters_csv},
                   {"--history", options->history}};
    enum { OUTPUTS = sizeof outputs / sizeof outputs[0] };
    struct identity identities[OUTPUTS];
    bool differ = true, known[OUTPUTS];
    for (size_t i = 0; i < OUTPUTS; i++) {
        known[i] = outputs[i].path[0] != '\0' && identity_of(outputs[i].path, &identities[i]);
        for (size_t j = 0; differ && known[i] && j < i; j++) {
            const struct identity *a = &identities[i], *b = &identities[j];
            if (!known[j] || a->exists != b->exists || a->device != b->device || a->inode != b->inode ||
                strcmp(a->name, b->name) != 0)
                continue;
            differ = false;
            (void)snprintf(error, CSV_ERROR_BYTES, "%s and %s: both write to %.700s", outputs[j].option,
                           outputs[i].option, strcmp(outputs[i].path, "-") == 0 ? "stdout" : outputs[i].path);
        }
    }
    free(json);
    return differ;
}

bool run_prints_rows(const struct options *all)
{
    const struct run_options *options = &all->run;
    const char *const paths[] = {options->csv, options->json, options->interval_csv, options->latency_csv,
                                 options->counters_csv};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (strcmp(paths[i], "-") == 0)
            return true;
    return false;
}

static bool json_open(struct run_outputs *outputs, char *error)
{
    char *path = json_place(&outputs->setup->options->run);
    if (path == NULL)
        return true;
    outputs->json = csv_open_other(path, "--json", "", error);
    free(path);
    return outputs->json != NULL;
}

bool run_outputs_open(struct run_outputs *outputs, char *error)
{
    const struct run_options *options = &outputs->setup->options->run;
    if (options->csv[0] != '\0') {
        outputs->csv = csv_open(options->csv, error);
        if (outputs->csv == NULL)
            return false;
    }
    struct support_text intervals = {0};
    interval_header(&intervals);
    bool fine = other_open(&outputs->interval_csv, options->interval_csv, "--interval-csv", intervals.text, error) &&
                other_open(&outputs->latency_csv, options->latency_csv, "--latency-csv",
                           "worker,txn_type,quantity," HISTOGRAM_CSV_COLUMNS "\n", error) &&
                other_open(&outputs->counters_csv, options->counters_csv, "--counters-csv",
                           "worker,counter,status,raw,value,share,per_txn,per_op,reason\n", error) &&
                json_open(outputs, error);
    free(intervals.text);
    return fine;
}

bool run_outputs_close(struct run_outputs *outputs, char *error)
{
    struct csv **const files[] = {&outputs->csv, &outputs->interval_csv, &outputs->latency_csv, &outputs->counters_csv,
                                  &outputs->json};
    bool fine = true;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char ignored[CSV_ERROR_BYTES];
        fine &= csv_close(*files[i], fine ? error : ignored);
        *files[i] = NULL;
    }
    return fine;
}

/* ---- Writing. ---- */

static bool intervals_write(struct run_outputs *outputs, const struct interval_series *series, const char *prefix,
                            char *error)
{
    struct support_text rows = {0};
    interval_rows(series, outputs->setup->target_ops, &outputs->setup->plan, outputs->setup->options->run.rate != 0,
                  prefix, &rows);
    bool fine = rows.text == NULL || csv_write_text(outputs->interval_csv, &rows, error);
    free(rows.text);
    return fine;
}

static void histogram_write(FILE *file, const char *prefix, unsigned worker, const char *type, const char *quantity,
                            const struct histogram *histogram)
{
    if (histogram->count == 0)
        return;
    struct support_text line = {0};
    support_text_add(&line, "%s%u,%s,%s,", prefix, worker, type, quantity);
    histogram_dump(histogram, line.text, file);
    free(line.text);
}

static bool latencies_write(struct run_outputs *outputs, const struct run_worker *workers, const char *prefix,
                            char *error)
{
    struct support_text rows = {0};
    FILE *file = open_memstream(&rows.text, &rows.bytes);
    if (file == NULL) {
        (void)snprintf(error, CSV_ERROR_BYTES, "--latency-csv: out of memory");
        return false;
    }
    struct histogram *attempts = support_alloc(sizeof *attempts);
    for (unsigned i = 0; i < outputs->setup->worker_count; i++) {
        if (workers[i].overdue != NULL)
            histogram_write(file, prefix, i, "overdue", "response_ns", workers[i].overdue);
        for (unsigned type = 0; workers[i].loop.latencies != NULL && type < outputs->setup->type_count; type++) {
            const struct latency *latency = &workers[i].loop.latencies[type];
            const char *name = outputs->setup->workload_ops->txn_types[type];
            latency_attempts(latency, attempts);
            histogram_write(file, prefix, i, name, "service_ns", &latency->service);
            histogram_write(file, prefix, i, name, "response_ns", &latency->response);
            histogram_write(file, prefix, i, name, "attempts", attempts);
        }
    }
    free(attempts);
    bool fine = fclose(file) == 0 && (rows.bytes == 0 || csv_write_text(outputs->latency_csv, &rows, error));
    free(rows.text);
    return fine;
}

static void real_add(struct support_text *row, double value)
{
    support_text_add(row, ",");
    if (value == value)
        support_text_add(row, "%.10g", value);
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
        real_add(rows, pmu_per(value, result == NULL ? 0 : result->all.committed));
        real_add(rows, pmu_per(value, result == NULL ? 0 : result->all.operations));
        support_text_add(rows, ",");
        csv_field_add(rows, pmu_value_reason(plan, i, value));
        support_text_add(rows, "\n");
    }
}

static bool counters_write(struct run_outputs *outputs, const struct run_worker *workers, const struct result *result,
                           const char *prefix, char *error)
{
    struct support_text rows = {0};
    for (unsigned i = 0; i < outputs->setup->worker_count; i++) {
        char worker[16];
        (void)snprintf(worker, sizeof worker, "%u", i);
        counter_rows(&rows, &outputs->setup->plan, prefix, worker, workers[i].values, NULL);
    }
    counter_rows(&rows, &outputs->setup->plan, prefix, "all", result->counters, result);
    bool fine = rows.text == NULL || csv_write_text(outputs->counters_csv, &rows, error);
    free(rows.text);
    return fine;
}

static bool json_write(struct run_outputs *outputs, const struct result *result, char *error)
{
    struct support_text line = {.text = metadata_json(result)};
    line.bytes = strlen(line.text);
    bool fine = csv_write_text(outputs->json, &line, error);
    free(line.text);
    return fine;
}

bool run_outputs_write(struct run_outputs *outputs, const struct run_session *session, const struct run_window *window,
                       const struct result *result, char *error)
{
    MAE_CHECK(result->type_count == outputs->setup->type_count);
    char *prefix = leading(result);
    bool fine = (outputs->interval_csv == NULL || intervals_write(outputs, &window->series, prefix, error)) &&
                (outputs->latency_csv == NULL || latencies_write(outputs, session->workers, prefix, error)) &&
                (outputs->counters_csv == NULL || counters_write(outputs, session->workers, result, prefix, error)) &&
                (outputs->json == NULL || json_write(outputs, result, error)) &&
                (outputs->csv == NULL || csv_write(outputs->csv, result, error));
    free(prefix);
    return fine;
}
