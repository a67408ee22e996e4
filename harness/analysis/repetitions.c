/* repetitions.c - see repetitions.h. */
#include "harness/analysis/repetitions.h"

#include "harness/analysis/nodes.h"
#include "harness/record/csv.h"

/* ---- Grouping. ---- */

static void group_add(struct repetitions *repetitions, const struct results_group *from)
{
    struct repetitions_group *group = &repetitions->groups[repetitions->group_count++];
    const struct results *results = &repetitions->results;
    *group = (struct repetitions_group){.first = results->rows[from->rows[0]],
                                        .values = support_alloc(from->count * sizeof *group->values),
                                        .names = support_alloc(from->count * sizeof *group->names),
                                        .outliers = support_alloc(from->count * sizeof *group->outliers)};
    for (size_t i = 0; i < from->count; i++)
        if (results_numbers(results, &from->rows[i], 1, repetitions->metric, &group->values[group->count]) > 0)
            group->names[group->count++] = results_text(results, from->rows[i], "repetition");
    (void)statistics_summarize(group->values, group->count, &group->summary);
    (void)statistics_outliers(group->values, group->count, group->outliers);
    repetitions->value_count += group->count;
}

bool repetitions_read(struct repetitions *repetitions, const char *path, const char *metric, const char *type,
                      char *error)
{
    struct results *results = &repetitions->results;
    *repetitions = (struct repetitions){.metric = metric};
    if (!results_load(results, path, type, error) || !results_has(results, metric, error))
        return false;
    SUPPORT_FREED char *unused = results_unused_text(results);
    if (results->count == 0)
        return support_error(error, CSV_TABLE_ERROR_BYTES, "%.500s: no row to use%s%.200s", path,
                             unused[0] == '\0' ? "" : ": ", unused);
    /* People tell their runs apart by labels, of one configuration, too. */
    if (csv_table_column(&results->table, "label") >= 0)
        results_key_add(&repetitions->configuration, csv_table_column(&results->table, "label"));
    results_key_add_configuration(&repetitions->configuration, results);
    results_key_look(&repetitions->configuration, results, NULL, NULL);
    SUPPORT_ENDED_BY(results_groups_free)
    struct results_groups groups = results_group(results, &repetitions->configuration, NULL, 0);
    repetitions->groups = support_alloc(groups.count * sizeof *repetitions->groups);
    for (size_t i = 0; i < groups.count; i++)
        group_add(repetitions, &groups.items[i]);
    const char *text = results_text(results, 0, metric);
    return repetitions->value_count > 0 || *text == '\0' ||
           support_error(error, CSV_TABLE_ERROR_BYTES,
                         "%.500s: the column '%.100s' has texts, such as '%.100s': name one that has numbers, see "
                         "`maemio list columns`",
                         path, metric, text);
}

void repetitions_free(struct repetitions *repetitions)
{
    for (size_t i = 0; i < repetitions->group_count; i++) {
        free(repetitions->groups[i].values);
        free(repetitions->groups[i].names);
        free(repetitions->groups[i].outliers);
    }
    free(repetitions->groups);
    results_key_free(&repetitions->configuration);
    results_free(&repetitions->results);
    *repetitions = (struct repetitions){0};
}

/* ---- Printing. ---- */

/* Whether all rows have the same label, which then tells none from another. */
static bool all_labelled(const struct repetitions *repetitions)
{
    const char *label = results_text(&repetitions->results, 0, "label");
    bool same = *label != '\0';
    for (size_t i = 1; same && i < repetitions->results.count; i++)
        same = strcmp(results_text(&repetitions->results, i, "label"), label) == 0;
    return same;
}

void repetitions_print_table(const struct repetitions *repetitions, FILE *file)
{
    const char *label = results_text(&repetitions->results, 0, "label");
    (void)fprintf(file, "%s: %s%s%s\n%3s  %12s  %12s  %12s  %12s  %-33s  configuration; outliers\n",
                  repetitions->results.table.path, repetitions->metric, all_labelled(repetitions) ? ", label " : "",
                  all_labelled(repetitions) ? label : "", "n", "median", "mean", "min", "max",
                  "interval of the median: coverage");
    for (size_t i = 0; i < repetitions->group_count; i++) {
        const struct repetitions_group *group = &repetitions->groups[i];
        SUPPORT_FREED char *text =
            results_label(&repetitions->configuration, &repetitions->results.table, group->first);
        const struct statistics_interval *median = &group->summary.median_interval;
        const char *interval = !isfinite(median->low) ? "-"
                                                      : support_short("%.6g .. %.6g: %g%%", median->low, median->high,
                                                                      statistics_coverage_percent(*median));
        if (group->count == 0)
            (void)fprintf(file, "%3s  %12s  %12s  %12s  %12s  %-33s  %s", "0", "-", "-", "-", "-", "-", text);
        else
            (void)fprintf(file, "%3zu  %12.6g  %12.6g  %12.6g  %12.6g  %-33s  %s", group->count, group->summary.median,
                          group->summary.mean, group->summary.min, group->summary.max, interval, text);
        const char *separator = "; outliers (counted in): ";
        for (size_t j = 0; j < group->count; j++)
            if (group->outliers[j]) {
                (void)fprintf(file, "%s#%s %.6g", separator, group->names[j][0] == '\0' ? "?" : group->names[j],
                              group->values[j]);
                separator = ", ";
            }
        (void)fputc('\n', file);
    }
    SUPPORT_FREED char *unused = results_unused_text(&repetitions->results);
    if (unused[0] != '\0')
        (void)fprintf(file, "not used: %s\n", unused);
    nodes_print(file, &repetitions->results);
}

void repetitions_print_csv(const struct repetitions *repetitions, FILE *file)
{
    SUPPORT_FREED struct support_text text = {0};
    const struct results_key *key = &repetitions->configuration;
    results_varying_csv(key, repetitions->results.table.columns, &text);
    support_text_add(&text, "metric,n,median,mean,min,max,median_low,median_high,coverage,q1,q3,outliers\n");
    for (size_t i = 0; i < repetitions->group_count; i++) {
        const struct repetitions_group *group = &repetitions->groups[i];
        const struct statistics_summary *s = &group->summary;
        results_varying_csv(key, group->first->fields, &text);
        csv_field_add(&text, repetitions->metric);
        if (group->count == 0) {
            support_text_add(&text, ",0,,,,,,,,,,\n");
            continue;
        }
        support_text_add(&text, ",%zu,%.10g,%.10g,%.10g,%.10g,", group->count, s->median, s->mean, s->min, s->max);
        if (isfinite(s->median_interval.low))
            support_text_add(&text, "%.10g,%.10g,%.10g,", s->median_interval.low, s->median_interval.high,
                             s->median_interval.coverage);
        else
            support_text_add(&text, ",,,");
        support_text_add(&text, "%.10g,%.10g,%zu\n", s->q1, s->q3, s->outliers);
    }
    (void)fputs(text.text, file);
}
