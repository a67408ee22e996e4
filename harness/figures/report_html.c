/* report_html.c - see report_html.h. */
#define _GNU_SOURCE /* strverscmp */
#include "harness/figures/report_html.h"

#include <unistd.h>

#include "harness/analysis/nodes.h"
#include "harness/common/program.h"
#include "harness/common/quantity.h"
#include "harness/common/text_file.h"
#include "harness/figures/plot_data.h"

#include "harness/record/csv.h"

enum { TEMPLATE_BYTES_MAX = 1 << 20 };

struct experiment {
    const struct figure *figure; /* NULL: one sweep, no figure */
    char *changed;               /* ",theta=0.5": what was overridden, as the folder's name has it; "" if nothing was */
    struct results set;
    struct results_key build; /* configuration and revision */
    struct results_groups builds;
    struct support_list labels; /* in the job file's order */
    struct support_list left_out;
};

struct report {
    const char *command, *folder;
    struct catalogue catalogue;
    size_t count, row_count;
    struct experiment *experiments;
    struct support_text missing; /* folders that have no results: their names */
};

/* ---- Reading. ---- */

/* The results of one folder, with the job that is kept there. False with a message if there are results that cannot be
 * read; none at all is fine. */
static bool experiment_read(struct report *report, const struct figure *figure, const char *changed, const char *folder)
{
    char error[CSV_TABLE_ERROR_BYTES];
    struct experiment read = {.figure = figure};
    SUPPORT_FREED char *results = support_format("%s/results.csv", folder),
                       *job = support_format("%s/job.conf", folder);
    if (access(results, F_OK) != 0) {
        if (figure != NULL)
            support_text_add(&report->missing, "%s%s%s", report->missing.bytes > 0 ? ", " : "", figure->name, changed);
        return true;
    }
    if (!results_read(&read.set, results, error)) {
        results_free(&read.set);
        return support_complain(report->command, "%s", error);
    }
    results_key_add(&read.build, csv_table_column(&read.set.table, "config_hash"));
    results_key_add(&read.build, csv_table_column(&read.set.table, "revision"));
    read.builds = results_group(&read.set, &read.build, NULL, 0);
    read.changed = support_copy(changed);
    read.labels = figure_labels(figure, job);
    read.left_out = jobfile_left_out(job);
    report->experiments = support_more(report->experiments, report->count, sizeof(read));
    report->experiments[report->count++] = read;
    report->row_count += read.set.count;
    return true;
}

/* The folders of a figure, as it is and with other options: "fig6a", "fig6a,theta=0.5". */
static bool figure_folders_read(struct report *report, const struct figure *figure, const struct support_list *names)
{
    bool fine = true;
    size_t bytes = strlen(figure->name);
    for (size_t i = 0; fine && i < names->count; i++) {
        const char *changed = names->items[i] + bytes;
        if (strncmp(names->items[i], figure->name, bytes) != 0 || (*changed != '\0' && *changed != ','))
            continue;
        SUPPORT_FREED char *folder = support_format("%s/%s", report->folder, names->items[i]);
        fine = !program_is_folder(folder) || experiment_read(report, figure, changed, folder);
    }
    return fine;
}

static bool experiments_read(struct report *report)
{
    SUPPORT_ENDED_BY(support_list_free) struct support_list names = program_folder_names(report->folder);
    bool fine = true;
    for (size_t i = 0; fine && i < report->catalogue.count; i++)
        fine = figure_folders_read(report, &report->catalogue.figures[i], &names);
    if (fine && report->count == 0) /* the folder of one sweep */
        fine = experiment_read(report, NULL, "", report->folder);
    return fine && (report->count > 0 ||
                    support_complain(report->command,
                                     "%s: no results here: want FOLDER/results.csv of a sweep, or "
                                     "FOLDER/fig6a/results.csv and so on, as `maemio figure --out FOLDER` leaves them",
                                     report->folder));
}

static void report_free(struct report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        struct experiment *experiment = &report->experiments[i];
        free(experiment->changed);
        results_key_free(&experiment->build);
        results_groups_free(&experiment->builds);
        results_free(&experiment->set);
        support_list_free(&experiment->labels);
        support_list_free(&experiment->left_out);
    }
    free(report->experiments);
    free(report->missing.text);
    catalogue_free(&report->catalogue);
}

/* Whether a folder is the paper's experiment, on equal or on the paper's terms, measured or on one simulated machine:
 * with other options it is another experiment. `changed` is what its name has after the figure's. */
static bool as_in_paper(const char *changed)
{
    static const char *const allowed[] = {",terms=paper", ",machine="};
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        if (strncmp(changed, allowed[i], strlen(allowed[i])) == 0)
            changed += 1 + strcspn(changed + 1, ",");
    return *changed == '\0';
}

/* The next experiment of this figure as in the paper, from the i-th on; NULL if there is none. */
static const struct experiment *experiment_next(const struct report *report, const char *name, size_t *i)
{
    while (*i < report->count) {
        const struct experiment *experiment = &report->experiments[(*i)++];
        if (experiment->figure != NULL && strcmp(experiment->figure->name, name) == 0 &&
            as_in_paper(experiment->changed))
            return experiment;
    }
    return NULL;
}

/* ---- What the numbers rest on. ---- */

/* A column's texts in all rows of all experiments; the caller frees the array. */
static const char **texts_of(const struct report *report, const char *column)
{
    const char **texts = support_alloc((report->row_count + 1) * sizeof(const char *));
    for (size_t e = 0, at = 0; e < report->count; e++)
        for (size_t i = 0; i < report->experiments[e].set.count; i++)
            texts[at++] = results_text(&report->experiments[e].set, i, column);
    return texts;
}

/* Least and most of a column's numbers over everything; false without one. */
static bool column_range(const struct report *report, const char *column, double *least, double *most)
{
    bool any = false;
    double low = 0, high = 0;
    for (size_t i = 0; i < report->count; i++)
        if (results_range(&report->experiments[i].set, column, &low, &high)) {
            *least = any ? fmin(*least, low) : low;
            *most = any ? fmax(*most, high) : high;
            any = true;
        }
    return any;
}

/* `key` is not empty if any row fits. */
static void flag_put(json_t *page, const char *key, const struct report *report, const char *selector)
{
    for (size_t e = 0; e < report->count; e++)
        for (size_t i = 0; i < report->experiments[e].set.count; i++)
            if (results_fits(&report->experiments[e].set, i, selector))
                html_put(page, key, "1");
}

static void summary_put(json_t *page, const struct report *report)
{
    static const char *const texts[] = {"cpu_model", "cpus_online", "hypervisor", "start_utc", "version", "revision"};
    double least = 0, most = 0;
    size_t left_out = 0;
    html_put(page, "runs", "%zu", report->row_count);
    html_put(page, "experiments", "%zu experiment%s", report->count, report->count == 1 ? "" : "s");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        SUPPORT_FREED const char **here = texts_of(report, texts[i]);
        html_put_texts(page, texts[i], report->row_count == 0 ? "" : here[0], NULL);
    }
    if (column_range(report, "time_s", &least, &most))
        html_put(page, "windows", least < most ? "%g to %g" : "%g", least, most);
    if (column_range(report, "repetition", &least, &most))
        html_put(page, "repetitions", most > 1 ? "up to %g repetitions" : "%g repetition", most);
    flag_put(page, "not_release", report, "build_mode!=release");
    flag_put(page, "dirty", report, "dirty=1");
    flag_put(page, "unchecked", report, "check_result=skipped");
    if (column_range(report, "load_average", &least, &most) &&
        most > strtod(json_string_value(json_object_get(page, "cpus_online")), NULL) + 1)
        html_put(page, "busy", "1");
    for (size_t i = 0; i < report->count; i++)
        left_out += report->experiments[i].set.interrupted + report->experiments[i].set.failed;
    if (left_out > 0)
        html_put(page, "left_out", "%zu", left_out);
    if (report->missing.bytes > 0)
        html_put(page, "missing", "%s", report->missing.text);
}

/* ---- One configuration in several figures. ---- */

/* The throughputs of one configuration and build in one experiment. False if there are none. */
static bool speeds_of(const struct experiment *experiment, const struct results_group *group,
                      struct statistics_summary *summary)
{
    SUPPORT_FREED double *values = support_alloc((experiment->set.count + 1) * sizeof(double));
    return group != NULL &&
           statistics_summarize(
               values, results_numbers(&experiment->set, group->rows, group->count, "throughput_txn_per_s", values),
               summary);
}

static void speed_put(json_t *row, const char *key, const struct experiment *experiment,
                      const struct statistics_summary *speeds)
{
    html_put(row, key, "%s txn/s in %s%s", html_count(speeds->median), experiment->figure->name, experiment->changed);
}

/* Warns if not even the ranges of two experiments' runs of one configuration, which is a group of A, meet. */
static void pair_put(json_t *page, const struct experiment *a, const struct experiment *b,
                     const struct results_group *group, size_t *shared)
{
    struct statistics_summary of_a, of_b;
    size_t row = group->rows[0];
    const struct results_group *other = results_group_like(&b->builds, &b->set, &b->build, a->set.rows[row], &a->build);
    if (!speeds_of(a, group, &of_a) || !speeds_of(b, other, &of_b))
        return;
    ++*shared;
    if (of_a.min <= of_b.max && of_b.min <= of_a.max)
        return;
    json_t *apart = html_row(page, "apart");
    html_put_texts(apart, "label", results_text(&a->set, row, "label"), "threads",
                   results_text(&a->set, row, "threads"), "ratio", statistics_ratio_text(of_b.median / of_a.median),
                   NULL);
    speed_put(apart, "a", a, &of_a);
    speed_put(apart, "b", b, &of_b);
    html_put(apart, "a_runs", "%zu", of_a.count);
    html_put(apart, "b_runs", "%zu", of_b.count);
}

static void shared_put(json_t *page, const struct report *report)
{
    size_t shared = 0;
    for (size_t e = 0; e < report->count; e++) {
        const struct experiment *experiment = &report->experiments[e];
        for (size_t i = 0; i < experiment->builds.count; i++) {
            const struct results_group *group = &experiment->builds.items[i];
            bool known = results_text(&experiment->set, group->rows[0], "config_hash")[0] != '\0';
            for (size_t other = e + 1; known && other < report->count; other++)
                pair_put(page, experiment, &report->experiments[other], group, &shared);
        }
    }
    if (shared == 0)
        return;
    html_put(page, "shared", "%zu", shared);
    html_put(page, "shared_apart", "%zu", json_array_size(json_object_get(page, "apart")));
}

/* ---- Claims. ---- */

/* "12.3k", and of the best group which it is. */
static char *side_text(const struct claim_side *side)
{
    return side->group[0] == '\0' ? support_copy(html_count(side->median))
                                  : support_format("%s (%s)", html_count(side->median), side->group);
}

static void measured_put(json_t *row, const struct claim *claim, const struct claim_result *result)
{
    const char *unit = strcmp(claim->metric, "throughput_op_per_s") == 0 ? "op/s" : "txn/s";
    SUPPORT_FREED char *side_a = side_text(&result->a), *side_b = side_text(&result->b);
    if (claim->against[0] != '\0' && !isnan(result->ratio)) {
        html_put(row, "measured", "%s", statistics_ratio_text(result->ratio));
        html_put(row, "told", ": ratio %.3g (%s)", result->ratio, statistics_interval_text(result->interval));
        html_put(row, "sides", "%s against %s %s", side_a, side_b, unit);
    } else if (result->a.runs > 0) {
        html_put(row, "measured", "%s", side_a);
        if (claim->against[0] != '\0')
            html_put(row, "told", " %s, nothing to compare with", unit);
        else
            html_put(row, "told", " %s (%s to %s)", unit, html_count(result->interval.low),
                     html_count(result->interval.high));
    }
}

/* Nothing for what is not there. */
static void number_put(json_t *row, const char *key, double value)
{
    if (isfinite(value))
        html_put(row, key, "%.9g", value);
}

static void claim_put(json_t *row, const struct claim *claim, const char *changed, const struct claim_result *result)
{
    static const char *const classes[] = {"holds", "fails", "unknown"};
    /* What is claimed, then from where to where it holds. */
    const char *ratio = claim->ratio > 0 ? support_short("%.3g; holds ", claim->ratio) : "";
    html_put(row, "experiment", "%s%s", claim->experiment, changed);
    html_put_texts(row, "changed", changed + (changed[0] == ','), "where", claim->where, "claim", claim->text, "paper",
                   claim->paper, "metric", claim->metric, "class", classes[result->verdict], "reason", result->reason,
                   "remark", claim->remark, NULL);
    html_put(row, "verdict", "%s%s", result->simulated ? "in simulation: " : "", claim_verdict_texts[result->verdict]);
    if (claim->against[0] != '\0' && !isfinite(claim->to))
        html_put(row, "wanted", "%sfrom %.3g on", ratio, claim->from);
    else if (claim->against[0] != '\0' && claim->from > 0)
        html_put(row, "wanted", "%sfrom %.3g to %.3g", ratio, claim->from, claim->to);
    else if (claim->against[0] != '\0')
        html_put(row, "wanted", "%sup to %.3g", ratio, claim->to);
    measured_put(row, claim, result);
    html_put(row, "runs", "%zu", result->a.runs);
    html_put(row, "runs_compared", "%zu", result->b.runs);
    number_put(row, "median", result->a.median);
    number_put(row, "median_compared", result->b.median);
    number_put(row, "expected", claim->ratio > 0 ? claim->ratio : NAN);
    number_put(row, "holds_from", claim->against[0] != '\0' ? claim->from : NAN);
    number_put(row, "holds_to", claim->to);
    number_put(row, "ratio", result->ratio);
    number_put(row, "low", result->interval.low);
    number_put(row, "high", result->interval.high);
    number_put(row, "coverage", result->interval.coverage > 0 ? result->interval.coverage : NAN);
}

/* The columns of claims.csv, each what claim_put puts under this name. */
static const char *const claim_columns[] = {
    "where",         "claim",           "paper",    "experiment", "metric",   "runs",  "median",
    "runs_compared", "median_compared", "expected", "holds_from", "holds_to", "ratio", "low",
    "high",          "coverage",        "verdict",  "reason",     "remark"};
enum { CLAIM_COLUMNS = sizeof(claim_columns) / sizeof(claim_columns[0]) };

static void claim_csv(struct support_text *csv, const json_t *row)
{
    for (size_t i = 0; i < CLAIM_COLUMNS; i++) {
        const char *text = json_string_value(json_object_get(row, claim_columns[i]));
        support_text_add(csv, "%s", i == 0 ? "" : ",");
        csv_field_add(csv, text == NULL ? "" : text);
    }
    support_text_add(csv, "\n");
}

static void claim_judge_put(json_t *page, struct support_text *csv, const struct claim *claim,
                            const struct experiment *experiment, size_t *verdicts)
{
    struct claim_result result;
    claim_judge(claim, experiment ? &experiment->set : NULL, &result);
    verdicts[result.verdict]++;
    json_t *row = html_row(page, "claims");
    claim_put(row, claim, experiment ? experiment->changed : "", &result);
    claim_csv(csv, row);
}

/* On the terms and the machines that were measured; a claim of which nothing was is judged once. */
static void claim_judge_all(json_t *page, struct support_text *csv, const struct report *report,
                            const struct claim *claim, size_t *verdicts)
{
    size_t i = 0;
    const struct experiment *experiment = experiment_next(report, claim->experiment, &i);
    do {
        claim_judge_put(page, csv, claim, experiment, verdicts);
        experiment = experiment_next(report, claim->experiment, &i);
    } while (experiment != NULL);
}

static void claims_put(json_t *page, struct support_text *csv, const struct report *report)
{
    size_t verdicts[3] = {0}; /* how many claims ended in each */
    for (size_t i = 0; i < CLAIM_COLUMNS; i++)
        support_text_add(csv, "%s%s", claim_columns[i], i + 1 < CLAIM_COLUMNS ? "," : "\n");
    for (size_t f = 0; f < report->catalogue.count; f++)
        for (size_t i = 0; i < report->catalogue.figures[f].claim_count; i++)
            claim_judge_all(page, csv, report, &report->catalogue.figures[f].claims[i], verdicts);
    html_put(page, "hold", "%zu", verdicts[CLAIM_HOLDS]);
    html_put(page, "fail", "%zu", verdicts[CLAIM_FAILS]);
    html_put(page, "unknown", "%zu", verdicts[CLAIM_UNKNOWN]);
    html_put(page, "claim_runs", "%d", CLAIM_RUNS_MIN);
}

/* ---- Figures. ---- */

static void metric_put(json_t *row, const char *key, const struct plot_range *range, double scale, const char *unit)
{
    if (isnan(range->median))
        html_put(row, key, "-");
    else
        html_put(row, key, "%.3g%s", range->median * scale, unit);
}

static void point_put(json_t *row, const struct plot_point *point)
{
    const struct plot_range *speed = &point->metrics[PLOT_throughput];
    html_put_texts(row, "line", point->line, "x", point->x, "oversubscribed", point->oversubscribed ? "1" : "", "speed",
                   html_count(speed->median), NULL);
    if (!isnan(speed->median))
        html_put(row, "range", "%s to %s", html_count(speed->min), html_count(speed->max));
    metric_put(row, "aborts", &point->metrics[PLOT_aborts], 100, "%");
    metric_put(row, "latency", &point->metrics[PLOT_latency_p99_ns], 1e-3, " µs");
    metric_put(row, "versions", &point->metrics[PLOT_versions], 1, "");
    html_put(row, "runs", "%zu", point->runs);
}

static void figure_put(json_t *row, const struct report *report, const struct experiment *experiment)
{
    const struct figure *figure = experiment->figure;
    SUPPORT_FREED char *heading = figure_heading(figure), *facts = plot_facts(&experiment->set),
                       *terms = plot_terms(&experiment->set);
    SUPPORT_FREED char *number = support_format("%s-%zu", figure->name, (size_t)(experiment - report->experiments));
    SUPPORT_FREED char *picture = support_format("%s/%s%s.svg", report->folder, figure->name, experiment->changed);
    html_put_texts(row, "id", experiment->changed[0] == '\0' ? figure->name : number, "heading", heading, "claim",
                   figure->says, "paper", figure->paper, "here", figure->here, "changed",
                   experiment->changed + (experiment->changed[0] == ','), "facts", facts, "terms", terms, "axis",
                   figure->axis, NULL);
    html_put_svg(row, "picture", picture);
    SUPPORT_ENDED_BY(plot_data_free) struct plot_data data = {0};
    plot_data_make(&data, &experiment->set, figure, experiment->labels.items);
    for (size_t i = 0; i < experiment->left_out.count; i++)
        html_put(html_row(row, "left_out"), "target", "%s", experiment->left_out.items[i]);
    for (size_t i = 0; i < data.count; i++)
        point_put(html_row(row, "points"), &data.points[i]);
}

/* Of the figures that are about it. */
static void figures_settings_put(json_t *page, const struct report *report)
{
    static const char *const figures[] = {"contention", "schemes", "databases"};
    json_t *settings = json_object();
    for (size_t f = 0; f < sizeof(figures) / sizeof(figures[0]); f++) {
        const struct experiment *experiment;
        for (size_t i = 0; (experiment = experiment_next(report, figures[f], &i)) != NULL;) {
            SUPPORT_FREED char *title = support_format("%s%s", experiment->figure->title, experiment->changed);
            report_settings(settings, title, &experiment->set, experiment->labels.items);
        }
    }
    if (json_object_size(settings) > 0)
        (void)json_object_set(page, "settings", settings);
    json_decref(settings);
}

static void sweep_settings_put(json_t *page, const struct report *report)
{
    const struct experiment *experiment = &report->experiments[0];
    json_t *settings = json_object();
    (void)json_object_set_new(page, "settings", settings);
    report_settings(settings, "", &experiment->set, experiment->labels.items);
    size_t bytes = strlen(report->folder); /* what `maemio figure` drew beside the folder */
    SUPPORT_FREED char *picture =
        support_format("%.*s.svg", (int)(bytes - (report->folder[bytes - 1] == '/')), report->folder);
    html_put_svg(html_row(settings, "one_sweep"), "picture", picture);
}

/* ---- Provenance. ---- */

static int by_text(const void *a, const void *b)
{
    return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

/* All values of a column; many are given as first and last. The caller frees it. */
static char *values_text(const struct report *report, const char *column)
{
    enum { SHOWN = 3 };
    size_t distinct = 0;
    struct support_text text = {0};
    SUPPORT_FREED const char **values = texts_of(report, column);
    qsort(values, report->row_count, sizeof(const char *), by_text);
    for (size_t i = 0; i < report->row_count; i++)
        if (i == 0 || strcmp(values[distinct - 1], values[i]) != 0)
            values[distinct++] = values[i];
    for (size_t i = 0; i<distinct; i += distinct> SHOWN ? distinct - 1 : 1)
        support_text_add(&text, "%s%s", i == 0 ? "" : distinct > SHOWN ? " to " : "; ", values[i]);
    return text.bytes > 0 || distinct > 1 ? text.text : (free(text.text), support_copy("not available"));
}

/* Everything from the column start_utc on is about the build and the machine (columns.def). */
static void provenance_put(json_t *page, const struct report *report)
{
    const struct csv_table *table = &report->experiments[0].set.table;
    int first = csv_table_column(table, "start_utc");
    for (size_t i = first < 0 ? table->column_count : (size_t)first; i < table->column_count; i++) {
        json_t *row = html_row(page, "provenance");
        SUPPORT_FREED char *name = support_copy(table->columns[i]), *values = values_text(report, name);
        char *rest = name, *part;
        html_put_texts(row, "values", values, NULL);
        while ((part = strsep(&rest, "_")) != NULL) /* a narrow page may break it at each _ */
            html_put(html_row(row, "parts"), "part", "%s%s", part, rest ? "_" : "");
    }
}

/* The machines that have measured, side by side, where a sweep was over several. */
static void nodes_put(json_t *page, const struct report *report)
{
    size_t count, disagree = 0;
    SUPPORT_FREED struct node_speed *nodes = nodes_compare(&report->experiments[0].set, &count);
    if (count < 2)
        return;
    json_t *section = html_row(page, "nodes");
    for (size_t i = 0; i < count; i++) {
        json_t *row = html_row(section, "rows");
        html_put_texts(row, "name", nodes[i].name, "speed", nodes_text(&nodes[i]), NULL);
        html_put(row, "runs", "%zu", nodes[i].runs);
        disagree += nodes[i].disagrees;
    }
    if (disagree > 0)
        html_put_texts(section, "warning", nodes_warning, NULL);
}

/* ---- The page. ---- */

static json_t *page_data(const struct report *report, bool one_sweep, struct support_text *csv)
{
    json_t *page = json_object();
    html_put(page, "title", "Maemio: %s", one_sweep ? "settings side by side" : "the paper's figures on this machine");
    summary_put(page, report);
    shared_put(page, report);
    if (!one_sweep) {
        html_put(page, "paper_page", "1");
        claims_put(page, csv, report);
        for (size_t i = 0; i < report->count; i++)
            figure_put(html_row(page, "figures"), report, &report->experiments[i]);
    }
    if (one_sweep)
        sweep_settings_put(page, report);
    else
        figures_settings_put(page, report);
    if (one_sweep)
        nodes_put(page, report);
    provenance_put(page, report);
    return page;
}

static bool file_write(const struct report *report, const char *name, const struct support_text *text)
{
    SUPPORT_FREED char *path = support_format("%s/%s", report->folder, name);
    return text_file_write(report->command, path, text->text, text->bytes);
}

static bool page_write(const struct report *report, const char *share)
{
    char error[HTML_ERROR_BYTES];
    bool one_sweep = report->experiments[0].figure == NULL;
    SUPPORT_FREED struct support_text csv = {0}, page = {0};
    SUPPORT_FREED char *path = support_format("%splots/page.html", share);
    SUPPORT_FREED char *template = text_file_read(path, TEMPLATE_BYTES_MAX, true, NULL, error, sizeof(error));
    json_t *data = page_data(report, one_sweep, &csv);
    bool made =
        (template && html_render(path, template, data, &page, error)) || support_complain(report->command, "%s", error);
    json_decref(data);
    if (!made || (!one_sweep && !file_write(report, "claims.csv", &csv)) || !file_write(report, "report.html", &page))
        return false;
    (void)printf("%s/report.html\n", report->folder);
    return true;
}

enum exit_code report_page(const char *name, const char *share, const char *folder)
{
    char error[CATALOGUE_ERROR_BYTES];
    SUPPORT_ENDED_BY(report_free) struct report report = {.command = name, .folder = folder};
    bool fine = catalogue_read(&report.catalogue, share, error) || support_complain(name, "%s", error);
    return fine && experiments_read(&report) && page_write(&report, share) ? EXIT_FINE : EXIT_FAILED;
}
