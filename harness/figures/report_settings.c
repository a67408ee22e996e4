/* report_settings.c - see report_settings.h. */
#include "harness/figures/report_settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/settings.h"
#include "harness/common/quantity.h"
#include "harness/common/support.h"
#include "harness/figures/html.h"

/* The numbers in a column of the setting's rows, into `values`; returns how many. */
static size_t values_of(const struct settings *settings, const struct setting *setting, const char *column,
                        double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < setting->row_count; i++)
        if (quantity_parse_f64(results_text(settings->set, setting->rows[i], column), &values[count]))
            count++;
    return count;
}

static double sum_of(const struct settings *settings, const struct setting *setting, const char *column, double *values)
{
    double sum = 0;
    size_t count = values_of(settings, setting, column, values);
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* The median share of aborts, as the figure's numbers have it, and by reason in percent of all aborts. */
static void aborts_write(FILE *page, const struct settings *settings, const struct setting *setting, double *values)
{
    const struct csv_table *table = &settings->set->table;
    double aborts = sum_of(settings, setting, "aborts", values);
    size_t count = values_of(settings, setting, "abort_ratio", values);
    const char *separator = ": ";
    if (count > 0)
        (void)fprintf(page, "%.3g%%", 100 * statistics_median(values, count));
    for (size_t i = 0; i < table->column_count; i++) {
        const char *column = table->columns[i];
        double share = 0;
        if (strncmp(column, "aborts_", 7) == 0 && aborts > 0)
            share = 100 * sum_of(settings, setting, column, values) / aborts;
        if (share < 0.5)
            continue;
        (void)fprintf(page, "%s%.0f%% %s", separator, share, column + 7);
        separator = ", ";
    }
}

static void cell_median(FILE *page, const struct settings *settings, const struct setting *setting, const char *name,
                        const char *column, double scale, const char *unit, double *values)
{
    size_t count = values_of(settings, setting, column, values);
    (void)fprintf(page, "<td class=\"number\" data-name=\"%s\">", name);
    if (count > 0)
        (void)fprintf(page, "%.4g%s", statistics_median(values, count) * scale, unit);
    else
        (void)fputs("-", page);
    (void)fputs("</td>", page);
}

static void ratio_write(FILE *page, const struct settings *settings, size_t i, const struct settings_difference *d)
{
    char ratio[HTML_NUMBER_BYTES], interval[HTML_NUMBER_BYTES], noise[SETTINGS_NOISE_BYTES];
    if (i == 0)
        (void)fputs("<td data-name=\"against the first\">compared with</td>", page);
    else
        (void)fprintf(page, "<td data-name=\"against the first\">%s <span class=\"soft\">(%s)</span>, %s</td>",
                      statistics_ratio_text(d->ratio, ratio), statistics_interval_text(d->interval, interval),
                      settings_noise_text(settings, d, noise));
}

static void setting_write(FILE *page, const struct settings *settings, size_t i, const struct settings_difference *d,
                          double *values)
{
    const struct setting *setting = &settings->items[i];
    char a[HTML_NUMBER_BYTES], b[HTML_NUMBER_BYTES], c[HTML_NUMBER_BYTES];
    struct statistics_summary summary;
    (void)fputs("<tr><td><strong>", page);
    html_text(page, setting->name);
    (void)fputs("</strong></td>", page);
    if (statistics_summarize(values, values_of(settings, setting, "throughput_txn_per_s", values), &summary))
        (void)fprintf(page,
                      "<td class=\"number\" data-name=\"transactions / s\">%s <span class=\"soft\">(%s to %s)"
                      "</span></td>",
                      html_count(summary.median, a), html_count(summary.min, b), html_count(summary.max, c));
    ratio_write(page, settings, i, d);
    cell_median(page, settings, setting, "attempts a commit", "attempts_per_commit", 1, "", values);
    cell_median(page, settings, setting, "latency, median", "latency_p50_ns", 1e-3, " µs", values);
    cell_median(page, settings, setting, "latency, 99%", "latency_p99_ns", 1e-3, " µs", values);
    cell_median(page, settings, setting, "back-off bound", "backoff_max_us", 1, " µs", values);
    (void)fputs("<td data-name=\"aborted, and why\">", page);
    aborts_write(page, settings, setting, values);
    (void)fputs("</td></tr>\n", page);
}

static void table_write(FILE *page, const struct settings *settings)
{
    double *values = support_alloc((settings->set->count + 1) * sizeof(double));
    struct settings_difference *differences = support_alloc((settings->count + 1) * sizeof(*differences));
    settings_compare(settings, 0, differences);
    (void)fputs(
        "<table class=\"cards\"><thead><tr><th>setting</th><th class=\"number\">transactions / s, median "
        "(range)</th><th>against the first, within rounds</th><th class=\"number\">attempts a commit</th>"
        "<th class=\"number\">latency, median</th><th class=\"number\">latency, 99%</th>"
        "<th class=\"number\">back-off bound at the end</th><th>aborted, and of these why</th></tr></thead><tbody>\n",
        page);
    for (size_t i = 0; i < settings->count; i++)
        setting_write(page, settings, i, &differences[i], values);
    (void)fputs("</tbody></table>\n", page);
    free(differences);
    free(values);
}

static void group_write(FILE *page, const struct settings *settings)
{
    char *verdict = settings_verdict(settings);
    (void)fputs("<h3>", page);
    html_text(page, settings->heading[0] == '\0' ? "All settings" : settings->heading);
    (void)fputs("</h3>\n<p class=\"winner\">", page);
    html_text(page, verdict);
    (void)fputs("</p>\n", page);
    table_write(page, settings);
    free(verdict);
}

void report_settings(FILE *page, const struct results *set, const char *const *order)
{
    size_t count;
    struct settings *all = settings_of(set, order, &count);
    if (settings_any(all, count))
        (void)fputs("<p class=\"small soft\">Medians over the repetitions. Settings are compared with the first one "
                    "within rounds: one repetition of all settings, run one after the other in random order. So the "
                    "machine's drift drops out, and the ranges of two settings may overlap although one is always "
                    "faster. Beyond noise: corrected for the number of settings (Holm), p is at most 0.05.</p>\n",
                    page);
    for (size_t i = 0; i < count; i++)
        if (all[i].count >= 2)
            group_write(page, &all[i]);
    settings_free(all, count);
}
