/* trend.c - see trend.h. */
#include "harness/analysis/trend.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "harness/analysis/results.h"
#include "harness/common/program.h"
#include "harness/common/quantity.h"
#include "harness/common/statistics.h"
#include "harness/common/text_file.h"
#include "harness/record/csv.h"

enum { HASH_SHOWN = 8 };

#define TREND_HEADER_METRIC(name) "," #name "," #name "_low," #name "_high"
static const char header[] = "time,commit,machine,runs" TREND_METRIC_TABLE(TREND_HEADER_METRIC) "\n";
static const char *const metrics[] = {TREND_METRIC_TABLE(TABLE_NAMES)};
enum { METRIC_COUNT = sizeof metrics / sizeof metrics[0] };

/* What is asked for, where plots are (program_share), and how many entries were new, and known already. */
struct work {
    const struct trend_request *asked;
    const char *name, *share;
    size_t added, known;
};

/* What decides where a row belongs: its series (named for the label, else the workload), then its entry there. */
static const char *const entry_columns[] = {"label", "workload", "config_hash", "revision", "dirty"};

/* ---- A series. ---- */

/* The file of a row's series; its name has only what may stand in one. */
static char *series_path(const struct work *work, const struct results *set, size_t row)
{
    const char *label = results_text(set, row, "label");
    SUPPORT_FREED char *name = support_format("%s-%.*s", *label ? label : results_text(set, row, "workload"),
                                              HASH_SHOWN, results_text(set, row, "config_hash"));
    for (char *c = name; *c != '\0'; c++)
        if ((!isalnum((unsigned char)*c) && strchr("-_.=", *c) == NULL) || (c == name && *c == '.'))
            *c = '_';
    return support_format("%s/%s.csv", work->asked->into, name);
}

static void line_add(struct support_text *text, char *const *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        support_text_add(text, "%s", i == 0 ? "" : ",");
        csv_field_add(text, fields[i]);
    }
    support_text_add(text, "\n");
}

/* Reads the series, if there is one; false with a message. The caller frees the table. */
static bool series_read(const struct work *work, const char *path, struct csv_table *table)
{
    char error[CSV_TABLE_ERROR_BYTES];
    *table = (struct csv_table){0};
    if (access(path, F_OK) != 0)
        return true;
    if (!csv_table_read(table, path, error))
        return support_complain(work->name, "%s", error);
    SUPPORT_FREED struct support_text columns = {0};
    line_add(&columns, table->columns, table->column_count);
    return strcmp(columns.text, header) == 0 ||
           support_complain(work->name, "%s:1: these are not the columns of a series; use a new --into", path);
}

/* Puts a line at its place in time; *known if it is there already. */
static bool series_add(struct work *work, const char *path, const char *time, const char *commit, const char *machine,
                       const char *line)
{
    SUPPORT_ENDED_BY(csv_table_free) struct csv_table table = {0};
    if (!series_read(work, path, &table))
        return false;
    size_t at = table.row_count;
    for (size_t i = 0; i < table.row_count; i++) {
        if (strcmp(table.rows[i].fields[0], time) == 0 && strcmp(table.rows[i].fields[1], commit) == 0) {
            work->known++;
            return true;
        }
        if (at == table.row_count && strcmp(table.rows[i].fields[0], time) > 0)
            at = i;
    }
    if (at > 0 && strcmp(table.rows[at - 1].fields[2], machine) != 0)
        support_complain(work->name, "note: %s: measured on another machine than the entry before it: '%s', '%s'", path,
                         machine, table.rows[at - 1].fields[2]);
    SUPPORT_FREED struct support_text text = {0};
    support_text_add(&text, "%s", header);
    for (size_t i = 0; i <= table.row_count; i++) {
        if (i == at)
            support_text_add(&text, "%s", line);
        if (i < table.row_count)
            line_add(&text, table.rows[i].fields, table.column_count);
    }
    bool fine = text_file_write(work->name, path, text.text, text.bytes);
    work->added += fine;
    return fine;
}

/* ---- One entry. ---- */

static void metric_add(const struct results *set, const struct results_group *group, const char *metric, double *values,
                       struct support_text *line)
{
    struct statistics_summary summary;
    if (!statistics_summarize(values, results_numbers(set, group->rows, group->count, metric, values), &summary))
        support_text_add(line, ",,,");
    else if (isnan(summary.median_interval.low))
        support_text_add(line, ",%.10g,,", summary.median);
    else
        support_text_add(line, ",%.10g,%.10g,%.10g", summary.median, summary.median_interval.low,
                         summary.median_interval.high);
}

static bool entry_add(struct work *work, const struct results *set, const struct results_group *group,
                      struct support_list *touched)
{
    size_t first = group->rows[0];
    const char *time = results_text(set, first, "start_utc"), *machine = results_text(set, first, "cpu_model"),
               *revision = results_text(set, first, "revision");
    bool unknown = *revision == '\0' || strcmp(revision, "unknown") == 0;
    if (*results_text(set, first, "config_hash") == '\0' || *time == '\0' || (unknown && work->asked->commit == NULL))
        return support_complain(work->name, "%s:%u: %s", set->table.path, set->rows[first]->line,
                                unknown && work->asked->commit == NULL ? "of a build without a commit: give --commit"
                                                                       : "has no config_hash or no start_utc");
    bool mark = strcmp(results_text(set, first, "dirty"), "1") == 0 && strstr(revision, "-dirty") == NULL;
    SUPPORT_FREED char *commit = work->asked->commit ? support_copy(work->asked->commit)
                                                     : support_format("%s%s", revision, mark ? "-dirty" : "");
    SUPPORT_FREED struct support_text line = {0};
    for (size_t i = 0; i < group->count; i++)
        if (strcmp(results_text(set, group->rows[i], "start_utc"), time) < 0)
            time = results_text(set, group->rows[i], "start_utc");
    support_text_add(&line, "%s,", time);
    csv_field_add(&line, commit);
    support_text_add(&line, ",");
    csv_field_add(&line, machine);
    support_text_add(&line, ",%zu", group->count);
    SUPPORT_FREED double *values = support_alloc((set->count + 1) * sizeof *values);
    for (size_t i = 0; i < METRIC_COUNT; i++)
        metric_add(set, group, metrics[i], values, &line);
    support_text_add(&line, "\n");

    SUPPORT_FREED char *path = series_path(work, set, first);
    if (!series_add(work, path, time, commit, machine, line.text))
        return false;
    if (support_list_place(touched->items, path) == touched->count)
        support_list_add(touched, "%s", path);
    return true;
}

/* ---- Pictures. ---- */

static bool picture_draw(const struct work *work, const char *series, const char *results)
{
    SUPPORT_FREED struct support_text script = {0};
    SUPPORT_FREED char *output = support_format("%.*s.svg", (int)(strlen(series) - strlen(".csv")), series);
    program_gnuplot_set(&script, "format", "svg");
    program_gnuplot_set(&script, "data", series);
    program_gnuplot_set(&script, "csv", results);
    bool fine = program_gnuplot(work->name, work->share, "trend", &script, output);
    if (fine)
        (void)printf("%s\n", output);
    else
        support_complain(work->name, "%s has its entry", series);
    return fine;
}

/* ---- Sources. ---- */

static bool results_add(struct work *work, const char *path)
{
    char error[CSV_TABLE_ERROR_BYTES];
    SUPPORT_ENDED_BY(results_free) struct results set = {0};
    if (!results_read(&set, path, error))
        return support_complain(work->name, "%s", error);
    SUPPORT_FREED char *unused = results_unused_text(&set);
    if (set.count == 0)
        return support_complain(work->name, "%s: holds no complete result%s%s", path, unused[0] == '\0' ? "" : ": ",
                                unused);
    SUPPORT_ENDED_BY(results_key_free) struct results_key key = {0};
    for (size_t i = 0; i < sizeof entry_columns / sizeof entry_columns[0]; i++)
        results_key_add(&key, csv_table_column(&set.table, entry_columns[i]));
    SUPPORT_ENDED_BY(results_groups_free) struct results_groups groups = results_group(&set, &key, NULL, 0);
    SUPPORT_ENDED_BY(support_list_free) struct support_list touched = {0};
    for (size_t i = 0; i < groups.count; i++)
        if (!entry_add(work, &set, &groups.items[i], &touched))
            return false;
    for (size_t i = 0; !work->asked->no_plot && i < touched.count; i++)
        if (!picture_draw(work, touched.items[i], path))
            return false;
    return true;
}

/* DIR/results.csv, else DIR/b.csv (of scripts/regress: what HEAD did), and the same of the folders in it. */
static bool folder_add(struct work *work, const char *folder, bool inner, size_t *found)
{
    static const char *const files[] = {"results.csv", "b.csv"};
    bool fine = true, here = false;
    for (size_t i = 0; fine && !here && i < sizeof files / sizeof files[0]; i++) {
        SUPPORT_FREED char *path = support_format("%s/%s", folder, files[i]);
        here = access(path, F_OK) == 0;
        if (here)
            fine = results_add(work, path);
        *found += here;
    }
    SUPPORT_ENDED_BY(support_list_free) struct support_list names = {0};
    if (!inner && !here)
        names = program_folder_names(folder);
    for (size_t i = 0; fine && i < names.count; i++) {
        SUPPORT_FREED char *path = support_format("%s/%s", folder, names.items[i]);
        fine = folder_add(work, path, true, found);
    }
    return fine;
}

static bool source_add(struct work *work, const char *source)
{
    size_t found = 0, bytes = strlen(source);
    if (access(source, R_OK) != 0)
        return support_complain(work->name, "%s: %s", source, strerror(errno));
    if (bytes > 4 && strcmp(source + bytes - 4, ".csv") == 0)
        return results_add(work, source);
    return folder_add(work, source, false, &found) &&
           (found > 0 ||
            support_complain(work->name, "%s: %s", source,
                             program_is_folder(source) ? "no results.csv there, nor in a folder in it"
                                                       : "neither a folder nor a file whose name ends with .csv"));
}

/* ---- All of it. ---- */

/* The lock's file; -1 with a message. Held until the program ends. */
static int folder_lock(const struct work *work)
{
    SUPPORT_FREED char *path = support_format("%s/.lock", work->asked->into);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0 || flock(lock, LOCK_EX) != 0)
        support_complain(work->name, "%s: cannot be locked: %s", path, strerror(errno));
    return lock;
}

enum exit_code trend_add(const char *name, const struct trend_request *asked)
{
    SUPPORT_FREED char *share = asked->no_plot ? NULL : program_share(name);
    struct work work = {.asked = asked, .name = name, .share = share};
    if (!asked->no_plot && share == NULL)
        return EXIT_USAGE;
    bool fine = program_folder_make(name, asked->into);
    int lock = fine ? folder_lock(&work) : -1;
    fine = fine && lock >= 0;
    for (size_t i = 0; fine && i < asked->source_count; i++)
        fine = source_add(&work, asked->sources[i]);
    (void)printf("%zu added, %zu known already\n", work.added, work.known);
    if (lock >= 0)
        (void)close(lock);
    return fine ? EXIT_FINE : EXIT_FAILED;
}
