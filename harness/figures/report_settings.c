/*
 * report_settings.c - settings side by side, see report_html.h. All numbers but the ratio are medians over the
 * repetitions, as everywhere on the page; the reasons are shares of all aborts of all repetitions.
 */
#include "harness/figures/report_html.h"

#include "harness/analysis/settings.h"

static double sum_of(const struct settings *settings, const struct setting *setting, const char *column, double *values)
{
    double sum = 0;
    size_t count = settings_numbers(settings, setting, column, values);
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum;
}

/* The median share of aborts, as the figure's numbers have it, and by reason in percent of all aborts. */
static void aborts_put(json_t *row, const struct settings *settings, const struct setting *setting, double *values)
{
    const struct csv_table *table = &settings->set->table;
    SUPPORT_FREED struct support_text text = {0};
    double aborts = sum_of(settings, setting, "aborts", values);
    size_t count = settings_numbers(settings, setting, "abort_ratio", values);
    const char *separator = ": ";
    if (count > 0)
        support_text_add(&text, "%.3g%%", 100 * statistics_median(values, count));
    for (size_t i = 0; i < table->column_count; i++) {
        const char *column = table->columns[i];
        double share = 0;
        if (strncmp(column, "aborts_", 7) == 0 && aborts > 0)
            share = 100 * sum_of(settings, setting, column, values) / aborts;
        if (share < 0.5)
            continue;
        support_text_add(&text, "%s%.0f%% %s", separator, share, column + 7);
        separator = ", ";
    }
    html_put_texts(row, "aborted", text.bytes == 0 ? "" : text.text, NULL);
}

static void setting_put(json_t *row, const struct settings *settings, const struct setting *setting,
                        const struct settings_difference *difference, double *values)
{
    static const struct {
        const char *key, *column, *unit;
        double scale;
    } medians[] = {{"attempts", "attempts_per_commit", "", 1},
                   {"p50", "latency_p50_ns", " µs", 1e-3},
                   {"p99", "latency_p99_ns", " µs", 1e-3},
                   {"backoff", "backoff_max_us", " µs", 1}};
    struct statistics_summary speed;
    html_put_texts(row, "name", setting->name, NULL);
    if (statistics_summarize(values, settings_numbers(settings, setting, "throughput_txn_per_s", values), &speed)) {
        html_put(row, "speed", "%s", html_count(speed.median));
        html_put(row, "range", "%s to %s", html_count(speed.min), html_count(speed.max));
    }
    if (setting != &settings->items[0])
        html_put_texts(row, "ratio", statistics_ratio_text(difference->ratio), "interval",
                       statistics_interval_text(difference->interval), "noise",
                       settings_noise_text(settings, difference), NULL);
    for (size_t i = 0; i < sizeof(medians) / sizeof(medians[0]); i++) {
        size_t count = settings_numbers(settings, setting, medians[i].column, values);
        if (count > 0)
            html_put(row, medians[i].key, "%.4g%s", statistics_median(values, count) * medians[i].scale,
                     medians[i].unit);
        else
            html_put(row, medians[i].key, "-");
    }
    aborts_put(row, settings, setting, values);
}

static void group_put(json_t *group, const char *title, const struct settings *settings)
{
    SUPPORT_FREED double *values = support_alloc((settings->set->count + 1) * sizeof(double));
    SUPPORT_FREED struct settings_difference *differences = support_alloc((settings->count + 1) * sizeof(*differences));
    SUPPORT_FREED char *verdict = settings_verdict(settings);
    settings_compare(settings, 0, differences);
    html_put(group, "heading", "%s%s%s", title, *title == '\0' || *settings->heading == '\0' ? "" : ": ",
             settings->heading);
    html_put_texts(group, "verdict", verdict, NULL);
    for (size_t i = 0; i < settings->count; i++)
        setting_put(html_row(group, "rows"), settings, &settings->items[i], &differences[i], values);
}

void report_settings(json_t *data, const char *title, const struct results *set, char **order)
{
    size_t count;
    struct settings *all = settings_of(set, order, &count);
    for (size_t i = 0; i < count; i++)
        if (all[i].count >= 2)
            group_put(html_row(data, "groups"), title, &all[i]);
    settings_free(all, count);
    if (json_object_get(data, "groups") != NULL)
        html_put(data, "explained", "1");
}
