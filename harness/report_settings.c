/* report_settings.c - see report_settings.h. */
#include "harness/report_settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verdict.h"
#include "harness/html.h"
#include "harness/statistics.h"
#include "harness/support.h"

enum { SETTINGS_MAX = 256, CONTEXT_BYTES = 256 };
#define THROUGHPUT "throughput_txn_per_s"

struct setting {
    const char *label;
    char selector[RESULT_SET_SELECTOR_BYTES];
    double *values;
    size_t count;
    double median;
};

struct settings {
    const struct result_set *set;
    size_t count;
    struct setting items[SETTINGS_MAX];
};

/* What sets points apart besides the label. */
static const char *const context_columns[] = {"workload",      "target",     "threads",         "wl_theta",
                                              "wl_read_ratio", "wl_records", "wl_record_bytes", "wl_ops_per_txn",
                                              "wl_warehouses", "wl_mode",    "wl_counters",     "wl_lists"};
enum { CONTEXT_COUNT = sizeof(context_columns) / sizeof(context_columns[0]) };

static void context_selector(const struct result_set *set, size_t row, char *selector, size_t bytes)
{
    size_t used = (size_t)snprintf(selector, bytes, "%s", "");
    for (size_t i = 0; i < CONTEXT_COUNT && used < bytes; i++)
        used += (size_t)snprintf(selector + used, bytes - used, "%s%s=%s", i > 0 ? "&" : "", context_columns[i],
                                 result_set_text(set, row, context_columns[i]));
}

/* ---- The settings of one context. ---- */

static void setting_add(struct settings *settings, const char *context, const char *label)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->items[i].label, label) == 0)
            return;
    if (settings->count == SETTINGS_MAX)
        return;
    struct setting *setting = &settings->items[settings->count];
    setting->label = label;
    (void)snprintf(setting->selector, sizeof(setting->selector), "%s&label=%s", context, label);
    double *values = support_alloc((settings->set->count + 1) * sizeof(double));
    setting->count = result_set_values(settings->set, setting->selector, THROUGHPUT, values);
    if (setting->count == 0) {
        free(values);
        return;
    }
    setting->values = values;
    setting->median = statistics_median(values, setting->count);
    settings->count++;
}

static void settings_find(struct settings *settings, const char *context, const char *const *order)
{
    for (; order && *order; order++)
        setting_add(settings, context, *order);
    for (size_t row = 0; row < settings->set->count; row++)
        if (result_set_fits(settings->set, row, context))
            setting_add(settings, context, result_set_text(settings->set, row, "label"));
}

static void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        free(settings->items[i].values);
}

/* ---- Differences. ---- */

struct difference {
    double ratio;
    struct statistics_interval interval;
    bool beyond_noise, too_few;
};

static struct difference difference_of(const struct setting *base, const struct setting *other)
{
    struct difference d = {.too_few = base->count < 4 || other->count < 4};
    statistics_median_ratio(base->values, base->count, other->values, other->count, 1 - VERDICT_ALPHA, &d.ratio,
                            &d.interval);
    struct statistics_u_test test = statistics_mann_whitney(base->values, base->count, other->values, other->count);
    d.beyond_noise = !d.too_few && (d.interval.low > 1 || d.interval.high < 1) && test.p <= VERDICT_ALPHA;
    return d;
}

static const char *noise_text(const struct difference *d)
{
    return d->beyond_noise ? "beyond noise" : d->too_few ? "too few repetitions to tell" : "within noise";
}

/* ---- Output. ---- */

static void winner_write(FILE *page, const struct settings *settings)
{
    size_t best = 0, next = 1;
    for (size_t i = 0; i < settings->count; i++)
        if (settings->items[i].median > settings->items[best].median)
            best = i;
    next = best == 0;
    for (size_t i = 0; i < settings->count; i++)
        if (i != best && settings->items[i].median > settings->items[next].median)
            next = i;
    char ratio[HTML_NUMBER_BYTES], interval[HTML_NUMBER_BYTES];
    struct difference d = difference_of(&settings->items[next], &settings->items[best]);
    (void)fputs("<p><strong>", page);
    html_text(page, settings->items[best].label);
    (void)fprintf(page, "</strong> has the highest median: %s against the next, ", html_ratio(d.ratio, ratio));
    html_text(page, settings->items[next].label);
    (void)fprintf(page, " (%s): %s.", html_interval(d.interval, interval), noise_text(&d));
    if (best != 0 && next != 0) {
        d = difference_of(&settings->items[0], &settings->items[best]);
        (void)fputs(" Against ", page);
        html_text(page, settings->items[0].label);
        (void)fprintf(page, ": %s (%s): %s.", html_ratio(d.ratio, ratio), html_interval(d.interval, interval),
                      noise_text(&d));
    }
    (void)fputs("</p>\n", page);
}

static double sum_of(const struct result_set *set, const char *selector, const char *column, double *values)
{
    double sum = 0;
    size_t count = result_set_values(set, selector, column, values);
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* Aborts by reason, in percent of attempts. */
static void reasons_write(FILE *page, const struct result_set *set, const char *selector, double attempts,
                          double *values)
{
    bool first = true;
    for (size_t i = 0; i < set->table.column_count; i++) {
        const char *column = set->table.columns[i];
        if (strncmp(column, "aborts_", 7) != 0)
            continue;
        double share = attempts > 0 ? 100 * sum_of(set, selector, column, values) / attempts : 0;
        if (share < 0.005)
            continue;
        (void)fprintf(page, "%s%s %.2f%%", first ? "" : ", ", column + 7, share);
        first = false;
    }
    if (first)
        (void)fputs("none", page);
}

static void cell_median(FILE *page, const struct settings *settings, const struct setting *setting, const char *name,
                        const char *column, double scale, const char *unit, double *values)
{
    size_t count = result_set_values(settings->set, setting->selector, column, values);
    (void)fprintf(page, "<td class=\"number\" data-name=\"%s\">", name);
    if (count > 0)
        (void)fprintf(page, "%.3g%s", statistics_median(values, count) * scale, unit);
    else
        (void)fputs("-", page);
    (void)fputs("</td>", page);
}

static void setting_write(FILE *page, const struct settings *settings, size_t i, double *values)
{
    const struct setting *setting = &settings->items[i];
    char a[HTML_NUMBER_BYTES], b[HTML_NUMBER_BYTES], c[HTML_NUMBER_BYTES];
    struct statistics_summary summary;
    (void)fputs("<tr><td><strong>", page);
    html_text(page, setting->label);
    (void)fputs("</strong></td>", page);
    if (statistics_summarize(setting->values, setting->count, &summary))
        (void)fprintf(page,
                      "<td class=\"number\" data-name=\"transactions / s\">%s <span class=\"soft\">(%s to %s)"
                      "</span></td>",
                      html_count(summary.median, a), html_count(summary.min, b), html_count(summary.max, c));
    struct difference d = difference_of(&settings->items[0], setting);
    if (i == 0)
        (void)fputs("<td data-name=\"against the first\">compared with</td>", page);
    else
        (void)fprintf(page, "<td data-name=\"against the first\">%s <span class=\"soft\">(%s)</span>, %s</td>",
                      html_ratio(d.ratio, a), html_interval(d.interval, b), noise_text(&d));
    double commits = sum_of(settings->set, setting->selector, "commits", values);
    double attempts = commits + sum_of(settings->set, setting->selector, "aborts", values);
    (void)fprintf(page, "<td class=\"number\" data-name=\"attempts a commit\">%.3f</td>",
                  commits > 0 ? attempts / commits : NAN);
    cell_median(page, settings, setting, "latency, median", "latency_p50_ns", 1e-3, " µs", values);
    cell_median(page, settings, setting, "latency, 99%", "latency_p99_ns", 1e-3, " µs", values);
    cell_median(page, settings, setting, "back-off bound", "backoff_max_us", 1, " µs", values);
    (void)fputs("<td data-name=\"aborts, % of attempts\">", page);
    reasons_write(page, settings->set, setting->selector, attempts, values);
    (void)fputs("</td></tr>\n", page);
}

/* The texts of what differs between contexts, as a heading. */
static void context_write(FILE *page, const struct result_set *set, size_t row)
{
    (void)fputs("<h3>", page);
    bool any = false;
    for (size_t i = 0; i < CONTEXT_COUNT; i++) {
        const char *column = context_columns[i], *text = result_set_text(set, row, column);
        bool varies = false;
        for (size_t other = 0; other < set->count; other++)
            varies |= strcmp(result_set_text(set, other, column), text) != 0;
        if (!varies || *text == '\0')
            continue;
        (void)fprintf(page, "%s%s ", any ? ", " : "", strncmp(column, "wl_", 3) == 0 ? column + 3 : column);
        html_text(page, text);
        any = true;
    }
    (void)fputs(any ? "</h3>\n" : "All settings</h3>\n", page);
}

static void table_write(FILE *page, const struct settings *settings)
{
    double *values = support_alloc((settings->set->count + 1) * sizeof(double));
    (void)fputs(
        "<table class=\"cards\"><thead><tr><th>setting</th><th class=\"number\">transactions / s, median "
        "(range)</th><th>against the first (interval)</th><th class=\"number\">attempts a commit</th>"
        "<th class=\"number\">latency, median</th><th class=\"number\">latency, 99%</th>"
        "<th class=\"number\">back-off bound at the end</th><th>aborts, % of attempts</th></tr></thead><tbody>\n",
        page);
    for (size_t i = 0; i < settings->count; i++)
        setting_write(page, settings, i, values);
    (void)fputs("</tbody></table>\n", page);
    free(values);
}

void report_settings(FILE *page, const struct result_set *set, const char *const *order)
{
    bool *seen = support_alloc(set->count + 1);
    struct settings *settings = support_alloc(sizeof(*settings));
    for (size_t row = 0; row < set->count; row++) {
        char context[CONTEXT_BYTES * 2];
        if (seen[row])
            continue;
        context_selector(set, row, context, sizeof(context) - 64);
        for (size_t other = row; other < set->count; other++)
            seen[other] |= result_set_fits(set, other, context);
        *settings = (struct settings){.set = set};
        settings_find(settings, context, order);
        if (settings->count >= 2) {
            context_write(page, set, row);
            winner_write(page, settings);
            table_write(page, settings);
        }
        settings_free(settings);
    }
    free(settings);
    free(seen);
}
