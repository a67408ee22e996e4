/* report_html.c - see report_html.h. */
#define _GNU_SOURCE /* strverscmp */
#include "harness/figures/report_html.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/analysis/results.h"
#include "harness/common/quantity.h"
#include "harness/common/support.h"
#include "harness/figures/claims.h"
#include "harness/figures/html.h"
#include "harness/figures/plot_data.h"
#include "harness/figures/report_settings.h"
#include "harness/options/jobfile.h"
#include "harness/record/csv.h"

enum { EXPERIMENTS_MAX = 128, LABELS_MAX = 256 };

struct experiment {
    char *name;    /* of a figure; "" of one sweep */
    char *changed; /* ",theta=0.5": what was overridden, as the folder's name has it; "" if nothing was */
    struct results set;
    struct jobfile *jobfile;            /* NULL if it cannot be read any more: labels then stand by name */
    const char *labels[LABELS_MAX + 1]; /* in the job file's order, ended by NULL */
};

struct report {
    const char *command, *folder;
    struct catalogue catalogue;
    size_t count;
    struct experiment experiments[EXPERIMENTS_MAX];
    size_t verdicts[3];          /* how many claims ended in each */
    struct support_text missing; /* folders that have no results: their names */
};

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* ---- Reading. ---- */

static void labels_read(struct experiment *experiment, const char *job)
{
    char unused[JOBFILE_ERROR_BYTES];
    struct jobfile_rules rules = {.cores = 1};
    experiment->jobfile = jobfile_read(job, &rules, unused);
    (void)jobfile_labels(experiment->jobfile, experiment->labels, LABELS_MAX);
}

/* The results of one folder, with the job that is kept there; earlier ones have it beside the folder. False with a
 * message if there are results that cannot be read; none at all is fine. */
static bool experiment_read(struct report *report, const char *name, const char *changed, const char *folder)
{
    char error[CSV_TABLE_ERROR_BYTES];
    struct experiment *experiment = &report->experiments[report->count];
    char *results = support_format("%s/results.csv", folder), *job = support_format("%s/job.conf", folder);
    bool there = access(results, F_OK) == 0, fine = true;
    if (there && report->count == EXPERIMENTS_MAX) {
        (void)fprintf(stderr, "%s: %s: more than %d experiments\n", report->command, folder, EXPERIMENTS_MAX);
        fine = false;
    } else if (there && !results_read(&experiment->set, results, error)) {
        (void)fprintf(stderr, "%s: %s\n", report->command, error);
        fine = false;
    } else if (there) {
        experiment->name = support_copy(name);
        experiment->changed = support_copy(changed);
        labels_read(experiment, job);
        report->count++;
    } else if (is_folder(folder) && *name != '\0') {
        support_text_add(&report->missing, "%s%s%s", report->missing.bytes > 0 ? ", " : "", name, changed);
    }
    free(results);
    free(job);
    return fine;
}

/* The folders of a figure with other options: "fig6a,theta=0.5". */
static bool variants_read(struct report *report, const char *name)
{
    struct dirent **entries;
    int count = scandir(report->folder, &entries, NULL, alphasort);
    bool fine = true;
    size_t bytes = strlen(name);
    for (int i = 0; i < count; i++) {
        const char *entry = entries[i]->d_name;
        char *folder = support_format("%s/%s", report->folder, entry);
        if (fine && strncmp(entry, name, bytes) == 0 && entry[bytes] == ',' && is_folder(folder))
            fine = experiment_read(report, name, entry + bytes, folder);
        free(folder);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return fine;
}

static bool experiments_read(struct report *report)
{
    bool fine = true;
    for (size_t i = 0; fine && i < report->catalogue.count; i++) {
        const char *name = report->catalogue.figures[i].name;
        char *folder = support_format("%s/%s", report->folder, name);
        fine = experiment_read(report, name, "", folder) && variants_read(report, name);
        free(folder);
    }
    if (fine && report->count == 0) /* the folder of one sweep */
        fine = experiment_read(report, "", "", report->folder);
    if (fine && report->count == 0)
        (void)fprintf(stderr,
                      "%s: %s: no results here: want FOLDER/results.csv of a sweep, or FOLDER/fig6a/results.csv and so "
                      "on, as `maemio figure --out FOLDER` leaves them\n",
                      report->command, report->folder);
    return fine && report->count > 0;
}

static void report_free(struct report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->experiments[i].name);
        free(report->experiments[i].changed);
        results_free(&report->experiments[i].set);
        jobfile_destroy(report->experiments[i].jobfile);
    }
    free(report->missing.text);
    catalogue_free(&report->catalogue);
}

/* As the paper has it: with other options it is another experiment. */
static const struct experiment *experiment_of(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->count; i++)
        if (strcmp(report->experiments[i].name, name) == 0 && report->experiments[i].changed[0] == '\0')
            return &report->experiments[i];
    return NULL;
}

/* ---- What the numbers rest on. ---- */

/* Least and most of a column's numbers over everything; false without one. */
static bool column_range(const struct report *report, const char *column, double *least, double *most)
{
    bool any = false;
    for (size_t e = 0; e < report->count; e++)
        for (size_t i = 0; i < report->experiments[e].set.count; i++) {
            double value;
            if (!quantity_parse_f64(results_text(&report->experiments[e].set, i, column), &value))
                continue;
            *least = any && *least < value ? *least : value;
            *most = any && *most > value ? *most : value;
            any = true;
        }
    return any;
}

static const char *first_text(const struct report *report, const char *column)
{
    for (size_t e = 0; e < report->count; e++)
        if (report->experiments[e].set.count > 0)
            return results_text(&report->experiments[e].set, 0, column);
    return "";
}

static bool any_row(const struct report *report, const char *selector)
{
    for (size_t e = 0; e < report->count; e++)
        for (size_t i = 0; i < report->experiments[e].set.count; i++)
            if (results_fits(&report->experiments[e].set, i, selector))
                return true;
    return false;
}

static size_t rows_left_out(const struct report *report)
{
    size_t left_out = 0;
    for (size_t e = 0; e < report->count; e++) {
        const struct results *set = &report->experiments[e].set;
        int type = csv_table_column(&set->table, "txn_type");
        for (size_t i = 0; i < set->table.row_count; i++)
            left_out += strcmp(set->table.rows[i].fields[type], "all") == 0;
        left_out -= set->count;
    }
    return left_out;
}

static void warning(FILE *page, const char *text)
{
    (void)fputs("<p class=\"warn\">", page);
    html_text(page, text);
    (void)fputs("</p>\n", page);
}

static void summary_write(FILE *page, const struct report *report)
{
    double least = 0, most = 0;
    size_t runs = 0;
    for (size_t e = 0; e < report->count; e++)
        runs += report->experiments[e].set.count;
    (void)fprintf(page, "<p>%zu runs of %zu experiment%s on ", runs, report->count, report->count == 1 ? "" : "s");
    html_text(page, first_text(report, "cpu_model"));
    (void)fputs(", ", page);
    html_text(page, first_text(report, "cpus_online"));
    (void)fputs(" CPUs (hypervisor: ", page);
    html_text(page, first_text(report, "hypervisor"));
    (void)fputs("), begun ", page);
    html_text(page, first_text(report, "start_utc"));
    (void)fputs(", Maemio ", page);
    html_text(page, first_text(report, "version"));
    (void)fputs(" ", page);
    html_text(page, first_text(report, "revision"));
    if (column_range(report, "time_s", &least, &most))
        (void)(least < most ? fprintf(page, ". Measured windows of %g to %g s", least, most)
                            : fprintf(page, ". Measured windows of %g s", most));
    if (column_range(report, "repetition", &least, &most))
        (void)fprintf(page, most > 1 ? ", up to %g repetitions" : ", %g repetition", most);
    (void)fputs(". Every run loaded a database of its own and was checked after its window. Points are medians, bars "
                "and brackets reach from minimum to maximum unless they say interval.</p>\n",
                page);
    if (any_row(report, "build_mode!=release"))
        warning(page, "Some runs are of a build that is not for measuring (build_mode is not release).");
    if (any_row(report, "dirty=1"))
        warning(page, "The build had changes that were not committed: its revision does not name all of it.");
    if (column_range(report, "load_average", &least, &most) &&
        most > strtod(first_text(report, "cpus_online"), NULL) + 1)
        warning(page, "The machine was busy with other things during some runs (load average above its CPUs): numbers "
                      "may be too low.");
    if (any_row(report, "check_result=skipped"))
        warning(page, "Some runs were not checked.");
    if (report->missing.bytes > 0) {
        char *begun = support_format("Begun, but without results, since all runs failed or were cut short: %s.",
                                     report->missing.text);
        warning(page, begun);
        free(begun);
    }
    char text[128];
    (void)snprintf(text, sizeof(text), "%zu runs are left out: they failed their check or were cut short.",
                   rows_left_out(report));
    if (rows_left_out(report) > 0)
        warning(page, text);
}

/* ---- One configuration in several figures. ---- */

/* The throughputs of a configuration in one experiment, by one build, into `values`; returns how many. */
static size_t values_with(const struct results *set, const char *hash, const char *revision, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(results_text(set, i, "config_hash"), hash) == 0 &&
            strcmp(results_text(set, i, "revision"), revision) == 0 &&
            quantity_parse_f64(results_text(set, i, "throughput_txn_per_s"), &values[count]))
            count++;
    return count;
}

static bool is_first_of(const struct results *set, size_t row, const char *hash, const char *revision)
{
    for (size_t i = 0; i < row; i++)
        if (strcmp(results_text(set, i, "config_hash"), hash) == 0 &&
            strcmp(results_text(set, i, "revision"), revision) == 0)
            return false;
    return true;
}

/* Warns if not even the ranges of two experiments' runs of one configuration meet. */
static bool pair_check(FILE *page, const struct experiment *a, const struct experiment *b, size_t row, size_t *shared)
{
    const char *hash = results_text(&a->set, row, "config_hash"), *revision = results_text(&a->set, row, "revision");
    double *values = support_alloc((a->set.count + b->set.count + 1) * sizeof(double));
    struct statistics_summary of_a, of_b;
    bool apart = statistics_summarize(values, values_with(&a->set, hash, revision, values), &of_a) &&
                 statistics_summarize(values, values_with(&b->set, hash, revision, values), &of_b);
    free(values);
    *shared += apart;
    if (!apart || (of_a.min <= of_b.max && of_b.min <= of_a.max))
        return false;
    char ratio[HTML_NUMBER_BYTES], median_a[HTML_NUMBER_BYTES], median_b[HTML_NUMBER_BYTES];
    char *text = support_format(
        "One configuration, %s with %s workers, in two figures: %s txn/s in %s%s, %s in %s%s (%s). Not even the ranges "
        "of the %zu and %zu runs meet: the machine was another then, and the two figures do not compare.",
        results_text(&a->set, row, "label"), results_text(&a->set, row, "threads"), html_count(of_a.median, median_a),
        a->name, a->changed, html_count(of_b.median, median_b), b->name, b->changed,
        statistics_ratio_text(of_b.median / of_a.median, ratio), of_a.count, of_b.count);
    warning(page, text);
    free(text);
    return true;
}

static void shared_write(FILE *page, const struct report *report)
{
    size_t shared = 0, apart = 0;
    for (size_t e = 0; e < report->count; e++)
        for (size_t row = 0; row < report->experiments[e].set.count; row++) {
            const struct results *set = &report->experiments[e].set;
            const char *hash = results_text(set, row, "config_hash");
            if (*hash == '\0' || !is_first_of(set, row, hash, results_text(set, row, "revision")))
                continue;
            for (size_t other = e + 1; other < report->count; other++)
                apart += pair_check(page, &report->experiments[e], &report->experiments[other], row, &shared);
        }
    if (shared > 0)
        (void)fprintf(page,
                      "<p class=\"small soft\">%zu times two figures measured the same configuration; %zu of these are "
                      "further apart than their runs.</p>\n",
                      shared, apart);
}

/* ---- Claims. ---- */

static void side_write(FILE *page, const struct claim_side *side)
{
    char number[HTML_NUMBER_BYTES];
    (void)fprintf(page, "%s", html_count(side->median, number));
    if (side->group[0] != '\0') {
        (void)fputs(" (", page);
        html_text(page, side->group);
        (void)fputs(")", page);
    }
}

static void measured_write(FILE *page, const struct claim *claim, const struct claim_result *result)
{
    char a[HTML_NUMBER_BYTES], b[HTML_NUMBER_BYTES];
    const char *unit = strcmp(claim->metric, "throughput_op_per_s") == 0 ? "op/s" : "txn/s";
    if (result->a.runs == 0) {
        (void)fputs("-", page);
    } else if (claim->against[0] == '\0') {
        (void)fprintf(page, "<strong>%s</strong> %s (%s to %s)", html_count(result->a.median, a), unit,
                      html_count(result->interval.low, b),
                      html_count(result->interval.high, (char[HTML_NUMBER_BYTES]){0}));
    } else if (isnan(result->ratio)) {
        side_write(page, &result->a);
        (void)fprintf(page, " %s, nothing to compare with", unit);
    } else {
        (void)fprintf(page, "<strong>%s</strong>: ratio %.3g (%s)<br><span class=\"soft\">",
                      statistics_ratio_text(result->ratio, a), result->ratio,
                      statistics_interval_text(result->interval, b));
        side_write(page, &result->a);
        (void)fputs(" against ", page);
        side_write(page, &result->b);
        (void)fprintf(page, " %s</span>", unit);
    }
}

/* The ratio that is claimed, and from where to where it holds. */
static void wanted_write(FILE *page, const struct claim *claim)
{
    if (claim->against[0] == '\0')
        return;
    (void)fputs("<br><span class=\"soft\">ratio ", page);
    if (claim->ratio > 0)
        (void)fprintf(page, "%.3g; holds ", claim->ratio);
    if (!isfinite(claim->to))
        (void)fprintf(page, "from %.3g on</span>", claim->from);
    else if (claim->from > 0)
        (void)fprintf(page, "from %.3g to %.3g</span>", claim->from, claim->to);
    else
        (void)fprintf(page, "up to %.3g</span>", claim->to);
}

static void claim_write(FILE *page, const struct claim *claim, const struct claim_result *result)
{
    static const char *const classes[] = {"holds", "fails", "unknown"};
    (void)fputs("<tr><td class=\"soft\">", page);
    html_text(page, claim->where);
    (void)fputs("</td><td>", page);
    html_text(page, claim->text);
    (void)fputs("</td><td data-name=\"paper\">", page);
    html_text(page, claim->paper[0] == '\0' ? "shown, no number" : claim->paper);
    wanted_write(page, claim);
    (void)fputs("</td><td data-name=\"here\">", page);
    measured_write(page, claim, result);
    (void)fprintf(page, "</td><td><span class=\"verdict %s\">%s</span>", classes[result->verdict],
                  claim_verdict_text(result->verdict));
    if (result->reason[0] != '\0' || claim->remark[0] != '\0') {
        (void)fputs("<br><span class=\"small soft\">", page);
        html_text(page, result->reason);
        (void)fputs(result->reason[0] != '\0' ? " " : "", page);
        html_text(page, claim->remark);
        (void)fputs("</span>", page);
    }
    (void)fputs("</td></tr>\n", page);
}

static void number_add(struct support_text *line, double value)
{
    support_text_add(line, ",");
    if (isfinite(value))
        support_text_add(line, "%.9g", value);
}

static void claim_csv(FILE *csv, const struct claim *claim, const struct claim_result *result)
{
    struct support_text line = {0};
    const char *const texts[] = {claim->where, claim->text, claim->paper, claim->experiment, claim->metric};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        csv_field_add(&line, texts[i]);
        support_text_add(&line, ",");
    }
    support_text_add(&line, "%zu", result->a.runs);
    number_add(&line, result->a.median);
    support_text_add(&line, ",%zu", result->b.runs);
    number_add(&line, result->b.median);
    number_add(&line, claim->ratio > 0 ? claim->ratio : NAN);
    number_add(&line, claim->from);
    number_add(&line, claim->to);
    number_add(&line, result->ratio);
    number_add(&line, result->interval.low);
    number_add(&line, result->interval.high);
    number_add(&line, result->interval.coverage > 0 ? result->interval.coverage : NAN);
    support_text_add(&line, ",");
    csv_field_add(&line, claim_verdict_text(result->verdict));
    support_text_add(&line, ",");
    csv_field_add(&line, result->reason);
    support_text_add(&line, ",");
    csv_field_add(&line, claim->remark);
    (void)fprintf(csv, "%s\n", line.text);
    free(line.text);
}

static void claims_write(FILE *page, FILE *csv, struct report *report)
{
    size_t claims = 0;
    for (size_t f = 0; f < report->catalogue.count; f++)
        claims += report->catalogue.figures[f].claim_count;
    struct claim_result *results = support_alloc((claims + 1) * sizeof(*results));
    (void)fputs("where,claim,paper,experiment,metric,runs,median,runs_compared,median_compared,expected,holds_from,"
                "holds_to,ratio,low,high,coverage,"
                "verdict,"
                "reason,remark\n",
                csv);
    for (size_t f = 0, at = 0; f < report->catalogue.count; f++)
        for (size_t i = 0; i < report->catalogue.figures[f].claim_count; i++, at++) {
            const struct claim *claim = &report->catalogue.figures[f].claims[i];
            const struct experiment *experiment = experiment_of(report, claim->experiment);
            claim_judge(claim, experiment ? &experiment->set : NULL, &results[at]);
            report->verdicts[results[at].verdict]++;
            claim_csv(csv, claim, &results[at]);
        }
    (void)fputs("<h2 id=\"claims\">The paper's claims</h2>\n<p>", page);
    (void)fprintf(
        page,
        "%zu hold, %zu do not hold, %zu cannot be told here. A claim is tested as a ratio of medians of at least %d "
        "runs "
        "each. It has a range of its own around the paper's number, which stands beside it: the whole interval of the "
        "ratio must lie in there, or all of it elsewhere, to tell. Claims about contention or scaling name the cores "
        "they need: fewer cannot show or refute them, and the measured number is given all the same.</p>\n",
        report->verdicts[CLAIM_HOLDS], report->verdicts[CLAIM_FAILS], report->verdicts[CLAIM_UNKNOWN], CLAIM_RUNS_MIN);
    (void)fputs("<table class=\"cards\"><thead><tr><th>where</th><th>claim</th><th>paper</th><th>here (interval)"
                "</th><th>verdict</th></tr></thead><tbody>\n",
                page);
    for (size_t f = 0, at = 0; f < report->catalogue.count; f++)
        for (size_t i = 0; i < report->catalogue.figures[f].claim_count; i++)
            claim_write(page, &report->catalogue.figures[f].claims[i], &results[at++]);
    (void)fputs("</tbody></table>\n", page);
    free(results);
}

/* ---- Figures. ---- */

static void head_write(FILE *page, const struct figure *figure)
{
    const char *const parts[][2] = {{"Claim", figure->says}, {"Paper", figure->paper}, {"Here", figure->here}};
    char *heading = figure_heading(figure);
    (void)fputs("<h3>", page);
    html_text(page, heading);
    (void)fputs("</h3>", page);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        (void)fprintf(page, "<p><strong>%s:</strong> ", parts[i][0]);
        html_text(page, parts[i][1]);
        (void)fputs("</p>\n", page);
    }
    free(heading);
}

static void range_cell(FILE *page, const char *name, const struct plot_range *range, double scale, const char *unit)
{
    (void)fprintf(page, "<td class=\"number\" data-name=\"%s\">", name);
    if (isnan(range->median))
        (void)fputs("-", page);
    else if (scale == 1)
        (void)fprintf(
            page, "%s <span class=\"soft\">(%s to %s)</span>", html_count(range->median, (char[HTML_NUMBER_BYTES]){0}),
            html_count(range->min, (char[HTML_NUMBER_BYTES]){0}), html_count(range->max, (char[HTML_NUMBER_BYTES]){0}));
    else
        (void)fprintf(page, "%.3g%s", range->median * scale, unit);
    (void)fputs("</td>", page);
}

static void table_write(FILE *page, const struct experiment *experiment, const struct figure *figure)
{
    struct plot_data data;
    plot_data_make(&data, &experiment->set, figure, experiment->labels);
    (void)fputs("<details><summary>Numbers</summary><div class=\"wide\"><table><thead><tr><th>line</th><th>", page);
    html_text(page, figure->axis);
    (void)fputs("</th><th class=\"number\">transactions / s</th><th class=\"number\">aborts</th><th class=\"number\">"
                "latency, 99%</th><th class=\"number\">versions / row</th><th class=\"number\">runs</th></tr></thead>"
                "<tbody>\n",
                page);
    for (size_t i = 0; i < data.count; i++) {
        const struct plot_point *point = &data.points[i];
        (void)fputs("<tr><td>", page);
        html_text(page, point->line);
        (void)fputs("</td><td>", page);
        html_text(page, point->x);
        (void)fputs(point->oversubscribed ? " <span class=\"soft\">oversubscribed</span></td>" : "</td>", page);
        range_cell(page, "transactions / s", &point->metrics[PLOT_throughput], 1, "");
        range_cell(page, "aborts", &point->metrics[PLOT_aborts], 100, "%");
        range_cell(page, "latency, 99%", &point->metrics[PLOT_latency_p99_ns], 1e-3, " µs");
        range_cell(page, "versions", &point->metrics[PLOT_versions], 1.0000000001, "");
        (void)fprintf(page, "<td class=\"number\">%zu</td></tr>\n", point->runs);
    }
    (void)fputs("</tbody></table></div></details>\n", page);
    plot_data_free(&data);
}

static void changed_write(FILE *page, const char *changed)
{
    (void)fputs("<p class=\"warn\">Not as above: ", page);
    html_text(page, changed);
    (void)fputs("</p>\n", page);
}

static void figures_write(FILE *page, const struct report *report)
{
    (void)fputs("<h2 id=\"figures\">Figures and tables</h2>\n<div class=\"figures\">\n", page);
    for (size_t i = 0; i < report->count; i++) {
        const struct experiment *experiment = &report->experiments[i];
        const struct figure *figure = catalogue_find(&report->catalogue, experiment->name);
        if (!figure)
            continue;
        char *picture = support_format("%s/%s%s.svg", report->folder, experiment->name, experiment->changed);
        char *id = support_format("%s-%zu", experiment->name, i);
        (void)fprintf(page, "<figure id=\"%s\">\n", experiment->changed[0] == '\0' ? experiment->name : id);
        head_write(page, figure);
        if (experiment->changed[0] != '\0')
            changed_write(page, experiment->changed + 1);
        if (!html_svg(page, picture, id, experiment->name))
            (void)fputs("<p class=\"warn\">Not drawn: see `maemio figure --plot-only`.</p>\n", page);
        char *facts = plot_facts(&experiment->set);
        (void)fputs("<p class=\"small soft\">", page);
        html_text(page, facts);
        (void)fputs("</p>\n", page);
        free(facts);
        table_write(page, experiment, figure);
        (void)fputs("</figure>\n", page);
        free(id);
        free(picture);
    }
    (void)fputs("</div>\n", page);
}

static void settings_write(FILE *page, const struct report *report)
{
    const struct experiment *experiment = experiment_of(report, "contention");
    if (!experiment && report->count == 1 && report->experiments[0].name[0] == '\0')
        experiment = &report->experiments[0];
    if (!experiment)
        return;
    (void)fputs("<h2 id=\"settings\">Settings side by side</h2>\n", page);
    report_settings(page, &experiment->set, experiment->labels[0] ? experiment->labels : NULL);
    if (experiment->name[0] != '\0')
        return;
    char *picture =
        support_format("%.*s.svg", (int)(strlen(report->folder) - (report->folder[strlen(report->folder) - 1] == '/')),
                       report->folder);
    (void)fputs("<div class=\"figures\"><figure>\n", page); /* what `maemio figure` drew beside the folder */
    if (!html_svg(page, picture, "settings", "settings side by side"))
        (void)fputs("<p class=\"small soft\">No picture: `maemio figure contention` draws one.</p>", page);
    (void)fputs("</figure></div>\n", page);
    free(picture);
}

/* ---- Provenance. ---- */

static int by_text(const void *a, const void *b)
{
    return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

/* All values of a column; many are given as first and last. */
static void values_write(FILE *page, const struct report *report, const char *column)
{
    enum { SHOWN = 3 };
    size_t room = 0, count = 0, distinct = 0;
    for (size_t e = 0; e < report->count; e++)
        room += report->experiments[e].set.count;
    const char **values = support_alloc((room + 1) * sizeof(const char *));
    for (size_t e = 0; e < report->count; e++)
        for (size_t i = 0; i < report->experiments[e].set.count; i++)
            values[count++] = results_text(&report->experiments[e].set, i, column);
    qsort(values, count, sizeof(const char *), by_text);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(values[distinct - 1], values[i]) != 0)
            values[distinct++] = values[i];
    for (size_t i = 0; i < distinct; i++) {
        if (distinct > SHOWN && i > 0 && i + 1 < distinct)
            continue;
        (void)fputs(i == 0 ? "" : distinct > SHOWN ? " to " : "; ", page);
        html_text(page, *values[i] == '\0' && distinct == 1 ? "not available" : values[i]);
    }
    free(values);
}

/* Everything from the column start_utc on is about the build and the machine (columns.def). */
static void provenance_write(FILE *page, const struct report *report)
{
    const struct csv_table *table = &report->experiments[0].set.table;
    int first = csv_table_column(table, "start_utc");
    (void)fputs("<h2 id=\"provenance\">Where the numbers come from</h2>\n<p class=\"small soft\">Every result row "
                "carries these, and every option, in results.csv.</p>\n<details><summary>Build and machine</summary>"
                "<table><tbody>\n",
                page);
    for (size_t i = first < 0 ? table->column_count : (size_t)first; i < table->column_count; i++) {
        (void)fputs("<tr><th>", page);
        html_name(page, table->columns[i]);
        (void)fputs("</th><td class=\"value\">", page);
        values_write(page, report, table->columns[i]);
        (void)fputs("</td></tr>\n", page);
    }
    (void)fputs("</tbody></table></details>\n", page);
}

/* ---- The page. ---- */

static void page_write(FILE *page, FILE *csv, struct report *report)
{
    bool one_sweep = report->experiments[0].name[0] == '\0';
    const char *title = one_sweep ? "Maemio: settings side by side" : "Maemio: the paper's figures on this machine";
    html_begin(page, title);
    (void)fprintf(page, "<h1>%s</h1>\n", title);
    summary_write(page, report);
    shared_write(page, report);
    if (!one_sweep) {
        (void)fputs("<nav><a href=\"#claims\">Claims</a> <a href=\"#figures\">Figures</a> ", page);
        if (experiment_of(report, "contention"))
            (void)fputs("<a href=\"#settings\">Settings</a> ", page);
        (void)fputs("<a href=\"#provenance\">Provenance</a></nav>\n", page);
        claims_write(page, csv, report);
        figures_write(page, report);
    }
    settings_write(page, report);
    provenance_write(page, report);
    html_end(page);
}

static FILE *file_open(const struct report *report, const char *name, char **path)
{
    *path = support_format("%s/%s", report->folder, name);
    FILE *file = fopen(*path, "w");
    if (!file)
        (void)fprintf(stderr, "%s: %s: cannot be written: %s\n", report->command, *path, strerror(errno));
    return file;
}

static bool file_close(const struct report *report, FILE *file, const char *path)
{
    bool whole = file && ferror(file) == 0;
    if (file && fclose(file) == 0 && whole)
        return true;
    if (file)
        (void)fprintf(stderr, "%s: %s: cannot be written\n", report->command, path);
    return false;
}

enum exit_code report_page(const char *name, const char *share, const char *folder)
{
    char error[CATALOGUE_ERROR_BYTES];
    struct report *report = support_alloc(sizeof(*report));
    report->command = name;
    report->folder = folder;
    bool fine = catalogue_read(&report->catalogue, share, error);
    if (!fine)
        (void)fprintf(stderr, "%s: %s\n", name, error);
    fine = fine && experiments_read(report);
    if (fine) {
        bool one_sweep = report->experiments[0].name[0] == '\0';
        char *page_path, *csv_path;
        FILE *page = file_open(report, "report.html", &page_path);
        FILE *csv = one_sweep ? NULL : file_open(report, "claims.csv", &csv_path);
        fine = page && (csv || one_sweep);
        if (fine)
            page_write(page, csv, report);
        fine &= file_close(report, page, page_path);
        if (!one_sweep) {
            fine &= file_close(report, csv, csv_path);
            free(csv_path);
        }
        if (fine)
            (void)printf("%s\n", page_path);
        free(page_path);
    }
    report_free(report);
    free(report);
    return fine ? EXIT_FINE : EXIT_FAILED;
}
