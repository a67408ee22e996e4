/* repetitions.c - see repetitions.h. */
#include "harness/analysis/repetitions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/results.h"
#include "harness/common/support.h"
#include "harness/record/columns.h"
#include "harness/record/csv.h"

bool repetitions_is_configuration(const char *column)
{
    static const char *const prefixes[] = {"aborts_", "eng_", "pmu_", "latency_", "response_", "mem_"};
    for (size_t i = 0; i < column_count(); i++)
        if (strcmp(column_info(i)->name, column) == 0)
            return column_info(i)->is_configuration;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(column, prefixes[i], strlen(prefixes[i])) == 0)
            return false;
    return true;
}

/* ---- Grouping. ---- */

struct place {
    const struct csv_table *table;
    const bool *configuration; /* by column */
    const struct csv_table_row *row;
    size_t order;
};

static int compare_configuration(const struct place *a, const struct place *b)
{
    for (size_t i = 0; i < a->table->column_count; i++) {
        int order = a->configuration[i] ? strcmp(a->row->fields[i], b->row->fields[i]) : 0;
        if (order != 0)
            return order;
    }
    return 0;
}

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    int order = compare_configuration(a, b);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

static bool field_is(const struct csv_table *table, const struct csv_table_row *row, const char *column,
                     const char *text)
{
    int at = csv_table_column(table, column);
    return at < 0 || strcmp(row->fields[at], text) == 0;
}

static void group_add(struct repetitions *repetitions, const struct place *places, size_t count)
{
    struct repetitions_group *group = &repetitions->groups[repetitions->group_count++];
    int metric = csv_table_column(&repetitions->table, repetitions->metric);
    int number = csv_table_column(&repetitions->table, "repetition");
    *group = (struct repetitions_group){.first = places[0].row,
                                        .values = support_alloc(count * sizeof *group->values),
                                        .names = support_alloc(count * sizeof *group->names),
                                        .outliers = support_alloc(count * sizeof *group->outliers)};
    for (size_t i = 0; i < count; i++) {
        char *end, *text = places[i].row->fields[metric];
        double value = strtod(text, &end);
        if (end == text || *end != '\0' || !isfinite(value))
            continue; /* unavailable */
        group->values[group->count] = value;
        group->names[group->count++] = number < 0 ? NULL : places[i].row->fields[number];
    }
    (void)statistics_summarize(group->values, group->count, &group->summary);
    if (group->count > 0)
        (void)statistics_outliers(group->values, group->count, group->outliers);
}

static int compare_groups(const void *left, const void *right)
{
    const struct repetitions_group *a = left, *b = right;
    return (a->first->line > b->first->line) - (a->first->line < b->first->line);
}

/* Options that only one workload or target has vary between a value and none: the workload's name tells that. */
static bool tells(const struct repetitions *repetitions, size_t column)
{
    const char *name = repetitions->table.columns[column], *seen = NULL;
    if (strncmp(name, "wl_", 3) != 0 && strncmp(name, "opt_", 4) != 0)
        return true;
    for (size_t i = 0; i < repetitions->group_count; i++) {
        const char *value = repetitions->groups[i].first->fields[column];
        if (value[0] != '\0' && seen != NULL && strcmp(value, seen) != 0)
            return true;
        seen = value[0] == '\0' ? seen : value;
    }
    return false;
}

static void groups_make(struct repetitions *repetitions, const char *type)
{
    const struct csv_table *table = &repetitions->table;
    bool *configuration = support_alloc((table->column_count + 1) * sizeof *configuration);
    struct place *places = support_alloc((table->row_count + 1) * sizeof *places);
    size_t count = 0;
    for (size_t i = 0; i < table->column_count; i++)
        configuration[i] = repetitions_is_configuration(table->columns[i]);
    for (size_t i = 0; i < table->row_count; i++) {
        const struct csv_table_row *row = &table->rows[i];
        if (!field_is(table, row, "txn_type", type))
            continue;
        if (!field_is(table, row, "outcome", "complete") ||
            strcmp(results_total_text(table, row, "check_result"), "failed") == 0)
            repetitions->unused_count++;
        else
            places[count++] = (struct place){table, configuration, row, i};
    }
    qsort(places, count, sizeof *places, compare_places);
    repetitions->groups = support_alloc((count + 1) * sizeof *repetitions->groups);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && compare_configuration(&places[first], &places[end]) == 0;)
            end++;
        group_add(repetitions, &places[first], end - first);
    }
    qsort(repetitions->groups, repetitions->group_count, sizeof *repetitions->groups, compare_groups);
    repetitions->varies = support_alloc((table->column_count + 1) * sizeof *repetitions->varies);
    for (size_t i = 0; i < table->column_count; i++)
        for (size_t j = 1; configuration[i] && j < repetitions->group_count; j++)
            repetitions->varies[i] |=
                strcmp(repetitions->groups[j].first->fields[i], repetitions->groups[0].first->fields[i]) != 0;
    repetitions->telling = support_alloc((table->column_count + 1) * sizeof *repetitions->telling);
    for (size_t i = 0; i < table->column_count; i++)
        repetitions->telling[i] = repetitions->varies[i] && tells(repetitions, i);
    free(places);
    free(configuration);
}

bool repetitions_read(struct repetitions *repetitions, const char *path, const char *metric, const char *type,
                      char *error)
{
    *repetitions = (struct repetitions){.metric = metric};
    if (!csv_table_read(&repetitions->table, path, error))
        return false;
    if (csv_table_column(&repetitions->table, metric) < 0) {
        (void)snprintf(error, CSV_TABLE_ERROR_BYTES, "%.500s: has no column '%.100s'", path, metric);
        return false;
    }
    groups_make(repetitions, type);
    if (repetitions->group_count > 0)
        return true;
    (void)snprintf(error, CSV_TABLE_ERROR_BYTES, "%.500s: no row to use (%zu interrupted or failed)", path,
                   repetitions->unused_count);
    return false;
}

void repetitions_free(struct repetitions *repetitions)
{
    for (size_t i = 0; i < repetitions->group_count; i++) {
        free(repetitions->groups[i].values);
        free(repetitions->groups[i].names);
        free(repetitions->groups[i].outliers);
    }
    free(repetitions->groups);
    free(repetitions->varies);
    free(repetitions->telling);
    csv_table_free(&repetitions->table);
    *repetitions = (struct repetitions){0};
}

/* ---- Printing. ---- */

static char *configuration_text(const struct repetitions *repetitions, const struct repetitions_group *group)
{
    struct support_text text = {0};
    for (size_t i = 0; i < repetitions->table.column_count; i++)
        if (repetitions->telling[i] && group->first->fields[i][0] != '\0')
            support_text_add(&text, "%s%s=%s", text.text == NULL ? "" : " ", repetitions->table.columns[i],
                             group->first->fields[i]);
    if (text.text == NULL)
        support_text_add(&text, "(one configuration)");
    return text.text;
}

void repetitions_print_table(const struct repetitions *repetitions, FILE *file)
{
    (void)fprintf(file, "%s: %s\n%3s  %12s  %12s  %12s  %12s  %-33s  configuration; outliers\n",
                  repetitions->table.path, repetitions->metric, "n", "median", "mean", "min", "max",
                  "interval of the median: coverage");
    for (size_t i = 0; i < repetitions->group_count; i++) {
        const struct repetitions_group *group = &repetitions->groups[i];
        char *text = configuration_text(repetitions, group), interval[64] = "-";
        const struct statistics_interval *median = &group->summary.median_interval;
        if (isfinite(median->low))
            (void)snprintf(interval, sizeof interval, "%.6g .. %.6g: %g%%", median->low, median->high,
                           statistics_coverage_percent(*median));
        if (group->count == 0)
            (void)fprintf(file, "%3s  %12s  %12s  %12s  %12s  %-33s  %s", "0", "-", "-", "-", "-", "-", text);
        else
            (void)fprintf(file, "%3zu  %12.6g  %12.6g  %12.6g  %12.6g  %-33s  %s", group->count, group->summary.median,
                          group->summary.mean, group->summary.min, group->summary.max, interval, text);
        const char *separator = "; outliers (counted in): ";
        for (size_t j = 0; j < group->count; j++)
            if (group->outliers[j]) {
                (void)fprintf(file, "%s#%s %.6g", separator, group->names[j] == NULL ? "?" : group->names[j],
                              group->values[j]);
                separator = ", ";
            }
        (void)fputc('\n', file);
        free(text);
    }
    if (repetitions->unused_count > 0)
        (void)fprintf(file, "not used: %zu rows of interrupted windows or failed checks\n", repetitions->unused_count);
}

void repetitions_print_csv(const struct repetitions *repetitions, FILE *file)
{
    struct support_text text = {0};
    for (size_t i = 0; i < repetitions->table.column_count; i++)
        if (repetitions->varies[i]) {
            csv_field_add(&text, repetitions->table.columns[i]);
            support_text_add(&text, ",");
        }
    support_text_add(&text, "metric,n,median,mean,min,max,median_low,median_high,coverage,q1,q3,outliers\n");
    for (size_t i = 0; i < repetitions->group_count; i++) {
        const struct repetitions_group *group = &repetitions->groups[i];
        const struct statistics_summary *s = &group->summary;
        for (size_t j = 0; j < repetitions->table.column_count; j++)
            if (repetitions->varies[j]) {
                csv_field_add(&text, group->first->fields[j]);
                support_text_add(&text, ",");
            }
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
    free(text.text);
}
