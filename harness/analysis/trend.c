/* trend.c - see trend.h. */
#define _GNU_SOURCE /* asprintf */
#include "harness/analysis/trend.h"

#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "harness/analysis/results.h"
#include "harness/common/program.h"
#include "harness/common/quantity.h"
#include "harness/common/statistics.h"
#include "harness/common/support.h"
#include "harness/record/csv.h"

enum { SOURCES_MAX = 256, HASH_SHOWN = 8 };

#define TREND_HEADER_METRIC(name) "," #name "," #name "_low," #name "_high"
static const char header[] = "time,commit,machine,runs" TREND_METRIC_TABLE(TREND_HEADER_METRIC) "\n";
static const char *const metrics[] = {
#define TREND_METRIC_NAME(name) #name,
    TREND_METRIC_TABLE(TREND_METRIC_NAME)
#undef TREND_METRIC_NAME
};
enum { METRIC_COUNT = sizeof metrics / sizeof metrics[0] };

struct request {
    const char *name, *into, *commit;
    const char *sources[SOURCES_MAX];
    size_t source_count;
    bool no_plot;
    size_t added, known;
};

/* What decides where a row belongs: its series (named for the label, else the workload), then its entry there. */
static const char *const entry_columns[] = {"label", "workload", "config_hash", "revision", "dirty"};
struct entry {
    const char *label, *hash, *revision, *dirty;
};

/* ---- A series. ---- */

/* What may stand in a file's name. */
static char *series_name(const struct entry *entry)
{
    struct support_text name = {0};
    support_text_add(&name, "%s-%.*s", entry->label, HASH_SHOWN, entry->hash);
    for (char *c = name.text; *c != '\0'; c++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=", *c) == NULL ||
            (c == name.text && *c == '.'))
            *c = '_';
    return name.text;
}

static bool whole_file_write(const struct request *request, const char *path, const char *text)
{
    char *part = NULL;
    if (asprintf(&part, "%s.part", path) < 0)
        abort();
    FILE *file = fopen(part, "we");
    bool fine = file != NULL && fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file != NULL)
        fine = fclose(file) == 0 && fine;
    fine = fine && rename(part, path) == 0;
    if (!fine) {
        (void)fprintf(stderr, "%s: %s: cannot be written: %s\n", request->name, path, strerror(errno));
        (void)unlink(part);
    }
    free(part);
    return fine;
}

static void line_of(const struct csv_table *table, size_t row, struct support_text *text)
{
    for (size_t i = 0; i < table->column_count; i++) {
        support_text_add(text, "%s", i == 0 ? "" : ",");
        csv_field_add(text, table->rows[row].fields[i]);
    }
    support_text_add(text, "\n");
}

/* Reads the series, if there is one; false with a message. */
static bool series_read(const struct request *request, const char *path, struct csv_table *table)
{
    char error[CSV_TABLE_ERROR_BYTES];
    *table = (struct csv_table){0};
    if (access(path, F_OK) != 0)
        return true;
    if (!csv_table_read(table, path, error)) {
        (void)fprintf(stderr, "%s: %s\n", request->name, error);
        return false;
    }
    struct support_text columns = {0};
    for (size_t i = 0; i < table->column_count; i++)
        support_text_add(&columns, "%s%s", i == 0 ? "" : ",", table->columns[i]);
    support_text_add(&columns, "\n");
    bool same = strcmp(columns.text, header) == 0;
    free(columns.text);
    if (!same) {
        (void)fprintf(stderr, "%s: %s:1: these are not the columns of a series; use a new --into\n", request->name,
                      path);
        csv_table_free(table);
    }
    return same;
}

/* Puts a line at its place in time; *known if it is there already. */
static bool series_add(struct request *request, const char *path, const char *time, const char *commit,
                       const char *machine, const char *line)
{
    struct csv_table table;
    if (!series_read(request, path, &table))
        return false;
    size_t at = table.row_count;
    for (size_t i = 0; i < table.row_count; i++) {
        if (strcmp(table.rows[i].fields[0], time) == 0 && strcmp(table.rows[i].fields[1], commit) == 0) {
            request->known++;
            csv_table_free(&table);
            return true;
        }
        if (at == table.row_count && strcmp(table.rows[i].fields[0], time) > 0)
            at = i;
    }
    if (at > 0 && strcmp(table.rows[at - 1].fields[2], machine) != 0)
        (void)fprintf(stderr, "%s: note: %s: measured on another machine than the entry before it: '%s', '%s'\n",
                      request->name, path, machine, table.rows[at - 1].fields[2]);
    struct support_text text = {0};
    support_text_add(&text, "%s", header);
    for (size_t i = 0; i <= table.row_count; i++) {
        if (i == at)
            support_text_add(&text, "%s", line);
        if (i < table.row_count)
            line_of(&table, i, &text);
    }
    csv_table_free(&table);
    bool fine = whole_file_write(request, path, text.text);
    free(text.text);
    request->added += fine;
    return fine;
}

/* ---- One entry. ---- */

static struct entry entry_of(const struct results *set, size_t i)
{
    const char *label = results_text(set, i, "label");
    return (struct entry){.label = *label ? label : results_text(set, i, "workload"),
                          .hash = results_text(set, i, "config_hash"),
                          .revision = results_text(set, i, "revision"),
                          .dirty = results_text(set, i, "dirty")};
}

static void metric_add(const struct results *set, const struct results_group *group, const char *metric, double *values,
                       struct support_text *line)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++)
        count += quantity_parse_f64(results_text(set, group->rows[i], metric), &values[count]);
    struct statistics_summary summary;
    if (!statistics_summarize(values, count, &summary)) {
        support_text_add(line, ",,,");
        return;
    }
    support_text_add(line, ",%.10g", summary.median);
    if (isnan(summary.median_interval.low))
        support_text_add(line, ",,");
    else
        support_text_add(line, ",%.10g,%.10g", summary.median_interval.low, summary.median_interval.high);
}

static bool entry_add(struct request *request, const struct results *set, const struct results_group *group,
                      struct support_text *touched)
{
    size_t first = group->rows[0];
    struct entry entry = entry_of(set, first);
    const char *time = results_text(set, first, "start_utc"), *machine = results_text(set, first, "cpu_model");
    struct support_text line = {0}, commit = {0};
    bool unknown = *entry.revision == '\0' || strcmp(entry.revision, "unknown") == 0, fine = false;
    if (*entry.hash == '\0' || *time == '\0' || (unknown && request->commit == NULL)) {
        (void)fprintf(stderr, "%s: %s:%u: %s\n", request->name, set->table.path, set->rows[first]->line,
                      unknown && request->commit == NULL ? "of a build without a commit: give --commit"
                                                         : "has no config_hash or no start_utc");
        return false;
    }
    support_text_add(
        &commit, "%s%s", request->commit ? request->commit : entry.revision,
        request->commit == NULL && strcmp(entry.dirty, "1") == 0 && strstr(entry.revision, "-dirty") == NULL ? "-dirty"
                                                                                                             : "");
    for (size_t i = 0; i < group->count; i++)
        if (strcmp(results_text(set, group->rows[i], "start_utc"), time) < 0)
            time = results_text(set, group->rows[i], "start_utc");
    support_text_add(&line, "%s,", time);
    csv_field_add(&line, commit.text);
    support_text_add(&line, ",");
    csv_field_add(&line, machine);
    support_text_add(&line, ",%zu", group->count);
    double *values = support_alloc((set->count + 1) * sizeof *values);
    for (size_t i = 0; i < METRIC_COUNT; i++)
        metric_add(set, group, metrics[i], values, &line);
    free(values);
    support_text_add(&line, "\n");

    char *name = series_name(&entry), *path = NULL;
    if (asprintf(&path, "%s/%s.csv", request->into, name) < 0)
        abort();
    fine = series_add(request, path, time, commit.text, machine, line.text);
    if (fine && (touched->text == NULL || strstr(touched->text, path) == NULL))
        support_text_add(touched, "%s\n", path);
    free(path);
    free(name);
    free(commit.text);
    free(line.text);
    return fine;
}

/* ---- Pictures. ---- */

static bool picture_draw(const struct request *request, const char *series, const char *results)
{
    struct support_text script = {0};
    char *output = NULL;
    if (asprintf(&output, "%.*s.svg", (int)(strlen(series) - strlen(".csv")), series) < 0)
        abort();
    program_gnuplot_set(&script, "format", "svg");
    program_gnuplot_set(&script, "output", output);
    program_gnuplot_set(&script, "data", series);
    program_gnuplot_set(&script, "csv", results);
    const char *argv[] = {"gnuplot", "-e", script.text, "plots/trend.gp", NULL};
    int code = program_run(request->name, argv);
    if (code != 0) {
        (void)fprintf(stderr, "%s: plots/trend.gp: gnuplot ended with %d; %s has its entry\n", request->name, code,
                      series);
        (void)unlink(output); /* a half-drawn picture looks like any other */
    } else {
        (void)printf("%s\n", output);
    }
    free(script.text);
    free(output);
    return code == 0;
}

/* ---- Sources. ---- */

static bool results_add(struct request *request, const char *path)
{
    char error[CSV_TABLE_ERROR_BYTES];
    struct results set;
    struct support_text touched = {0};
    if (!results_read(&set, path, error)) {
        (void)fprintf(stderr, "%s: %s\n", request->name, error);
        return false;
    }
    bool fine = set.count > 0;
    if (!fine) {
        char *unused = results_unused_text(&set);
        (void)fprintf(stderr, "%s: %s: holds no complete result%s%s\n", request->name, path,
                      unused[0] == '\0' ? "" : ": ", unused);
        free(unused);
    }
    struct results_key key = {0};
    for (size_t i = 0; i < sizeof entry_columns / sizeof entry_columns[0]; i++)
        results_key_add(&key, csv_table_column(&set.table, entry_columns[i]));
    struct results_groups groups = results_group(&set, &key, NULL, 0);
    for (size_t i = 0; fine && i < groups.count; i++)
        fine = entry_add(request, &set, &groups.items[i], &touched);
    results_groups_free(&groups);
    free(key.columns);
    results_free(&set);
    char *rest = touched.text, *series;
    while (fine && !request->no_plot && (series = strsep(&rest, "\n")) != NULL)
        if (*series != '\0')
            fine = picture_draw(request, series, path);
    free(touched.text);
    return fine;
}

/* DIR/results.csv, else DIR/b.csv (of scripts/regress: what HEAD did), and the same of the folders in it. */
static bool folder_add(struct request *request, const char *folder, bool inner, size_t *found)
{
    static const char *const files[] = {"results.csv", "b.csv"};
    bool fine = true, here = false;
    for (size_t i = 0; fine && !here && i < sizeof files / sizeof files[0]; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, files[i]) < 0)
            abort();
        here = access(path, F_OK) == 0;
        if (here)
            fine = results_add(request, path);
        *found += here;
        free(path);
    }
    struct dirent **entries = NULL;
    int count = inner || here ? 0 : scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
            abort();
        if (fine && entries[i]->d_name[0] != '.')
            fine = folder_add(request, path, true, found);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return fine;
}

static bool source_add(struct request *request, const char *source)
{
    size_t found = 0, bytes = strlen(source);
    if (access(source, R_OK) != 0) {
        (void)fprintf(stderr, "%s: %s: %s\n", request->name, source, strerror(errno));
        return false;
    }
    if (bytes > 4 && strcmp(source + bytes - 4, ".csv") == 0)
        return results_add(request, source);
    bool fine = folder_add(request, source, false, &found);
    if (fine && found == 0)
        (void)fprintf(stderr, "%s: %s: no results.csv there, nor in a folder in it\n", request->name, source);
    return fine && found > 0;
}

/* ---- The command. ---- */

enum { KEY_INTO = 0x100, KEY_COMMIT, KEY_NO_PLOT };

static const struct argp_option options[] = {
    {"into", KEY_INTO, "FOLDER", 0, "of the series, one CSV and picture each [default results/trend]", 0},
    {"commit", KEY_COMMIT, "TEXT", 0, "what the results are of, instead of the revision they name", 0},
    {"no-plot", KEY_NO_PLOT, NULL, 0, "add to the series only", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct request *request = state->input;
    switch (key) {
    case KEY_INTO:
        request->into = argument;
        return 0;
    case KEY_COMMIT:
        if (*argument == '\0')
            argp_error(state, "--commit: is empty");
        request->commit = argument;
        return 0;
    case KEY_NO_PLOT:
        request->no_plot = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->source_count == SOURCES_MAX)
            argp_error(state, "more than %d sources", SOURCES_MAX);
        request->sources[request->source_count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a folder of results");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The lock's file; -1 with a message. Held until the program ends. */
static int folder_lock(const struct request *request)
{
    char *path = NULL;
    if (asprintf(&path, "%s/.lock", request->into) < 0)
        abort();
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0 || flock(lock, LOCK_EX) != 0)
        (void)fprintf(stderr, "%s: %s: cannot be locked: %s\n", request->name, path, strerror(errno));
    free(path);
    return lock;
}

enum exit_code trend_command(int argc, char **argv)
{
    struct request request = {.name = argv[0], .into = "results/trend"};
    const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "DIR|RESULTS.csv...",
        .doc = "Adds results to the trend over commits: a CSV for each configuration, with time, commit and the median "
               "of each metric with its interval, as change-point tools read them, and a picture of it. What was "
               "added before is not added again.\v"
               "DIR holds a results.csv, as sweep and figure leave it, or folders that do, or is a report of "
               "scripts/regress. Histories of transactions are something else: see `maemio --help'."};
    argp_err_exit_status = EXIT_USAGE;
    (void)argp_parse(&argp, argc, argv, 0, NULL, &request);
    if (!request.no_plot && access("plots/trend.gp", R_OK) != 0) {
        (void)fprintf(stderr,
                      "%s: there is no plots/trend.gp here: run it from the project's root, or with --no-plot\n",
                      request.name);
        return EXIT_USAGE;
    }
    bool fine = program_folder_make(request.name, request.into);
    int lock = fine ? folder_lock(&request) : -1;
    fine = fine && lock >= 0;
    for (size_t i = 0; fine && i < request.source_count; i++)
        fine = source_add(&request, request.sources[i]);
    (void)printf("%zu added, %zu known already\n", request.added, request.known);
    if (lock >= 0)
        (void)close(lock);
    return fine && fflush(stdout) == 0 && !ferror(stdout) ? EXIT_FINE : EXIT_FAILED;
}
