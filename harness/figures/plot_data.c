/* plot_data.c - see plot_data.h. */
#define _GNU_SOURCE /* qsort_r, strverscmp */
#include "harness/figures/plot_data.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/settings.h"
#include "harness/common/quantity.h"
#include "harness/common/statistics.h"
#include "harness/common/support.h"

static const char *const metric_columns[] = {
#define PLOT_METRIC_COLUMN(name, column) column,
    PLOT_METRIC_TABLE(PLOT_METRIC_COLUMN)
#undef PLOT_METRIC_COLUMN
};

/* ---- A row's line and place. ---- */

/* One column's text as it stands on an axis: fixed:2.81 is 2.81, and adaptive has no place on an axis of numbers. */
static const char *shown_text(const struct results *set, size_t row, const char *column)
{
    const char *text = results_text(set, row, column);
    /* A sweep labels points that have no label and stand in no section of their own "global". */
    if (strcmp(column, "label") == 0 && (*text == '\0' || strcmp(text, "global") == 0))
        return results_text(set, row, "target");
    if (strcmp(column, "opt_backoff") == 0)
        return strncmp(text, "fixed:", 6) == 0 ? text + 6 : "";
    return text;
}

static void joined_text(const struct results *set, size_t row, const char *columns, char *text)
{
    char copy[PLOT_TEXT_BYTES], *rest = copy, *column;
    size_t used = 0;
    *text = '\0';
    (void)snprintf(copy, sizeof(copy), "%s", columns);
    while ((column = strsep(&rest, " ")) != NULL && used < PLOT_TEXT_BYTES)
        used += (size_t)snprintf(text + used, PLOT_TEXT_BYTES - used, "%s%s", used > 0 ? "-" : "",
                                 shown_text(set, row, column));
}

/* A word that gnuplot can keep in a list, and that needs no quotes in a CSV. */
static void reduce_to_word(char *text)
{
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && !strchr(".-_", *text))
            *text = '_';
}

/* ---- Order. ---- */

static int compare_texts(const char *a, const char *b, const char *const *order)
{
    size_t rank_a = support_list_place(order, a), rank_b = support_list_place(order, b);
    double number_a, number_b;
    if (rank_a != rank_b)
        return rank_a < rank_b ? -1 : 1;
    bool ours_a = strcmp(a, "native") == 0, ours_b = strcmp(b, "native") == 0;
    if (ours_a != ours_b)
        return ours_a ? -1 : 1;
    if (quantity_parse_f64(a, &number_a) && quantity_parse_f64(b, &number_b) && number_a != number_b)
        return number_a < number_b ? -1 : 1;
    return strverscmp(a, b);
}

static int by_line_and_place(const void *left, const void *right, void *order)
{
    const struct plot_point *a = left, *b = right;
    int lines = compare_texts(a->line, b->line, order);
    return lines != 0 ? lines : compare_texts(a->x, b->x, order);
}

static int by_place(const void *left, const void *right, void *order)
{
    return compare_texts(*(const char *const *)left, *(const char *const *)right, order);
}

/* The distinct texts on the x axis, sorted: a point's place is its text's. */
static void find_places(struct plot_data *data, void *order)
{
    const char **texts = support_alloc((data->count + 1) * sizeof(const char *));
    size_t count = 0;
    for (size_t i = 0; i < data->count; i++)
        texts[i] = data->points[i].x;
    qsort_r(texts, data->count, sizeof(const char *), by_place, order);
    for (size_t i = 0; i < data->count; i++)
        if (*texts[i] != '\0' && (count == 0 || strcmp(texts[count - 1], texts[i]) != 0))
            texts[count++] = texts[i];
    for (size_t i = 0; i < data->count; i++)
        for (size_t place = 0; place < count; place++)
            if (strcmp(texts[place], data->points[i].x) == 0)
                data->points[i].place = place;
    free(texts);
}

static void find_lines(struct plot_data *data)
{
    data->lines = support_alloc((data->count + 1) * sizeof(const char *));
    for (size_t i = 0; i < data->count; i++) {
        if (i == 0 || strcmp(data->points[i - 1].line, data->points[i].line) != 0)
            data->lines[data->line_count++] = data->points[i].line;
        data->points[i].line_place = data->line_count - 1;
    }
}

/* ---- Groups. ---- */

static struct plot_point *point_of(struct plot_data *data, const char *line, const char *x)
{
    for (size_t i = 0; i < data->count; i++)
        if (strcmp(data->points[i].line, line) == 0 && strcmp(data->points[i].x, x) == 0)
            return &data->points[i];
    struct plot_point *point = &data->points[data->count++];
    (void)snprintf(point->line, sizeof(point->line), "%s", line);
    (void)snprintf(point->x, sizeof(point->x), "%s", x);
    return point;
}

static void row_texts(const struct results *set, const struct figure *figure, size_t row, char *line, char *x)
{
    joined_text(set, row, figure->lines, line);
    joined_text(set, row, figure->axis, x);
    reduce_to_word(line);
    reduce_to_word(x);
}

static struct plot_range range_of(double *values, size_t count)
{
    struct statistics_summary summary;
    if (!statistics_summarize(values, count, &summary))
        return (struct plot_range){NAN, NAN, NAN};
    return (struct plot_range){summary.median, summary.min, summary.max};
}

static void measure(struct plot_point *point, const struct results *set, const struct figure *figure, double *values)
{
    char line[PLOT_TEXT_BYTES], x[PLOT_TEXT_BYTES];
    for (size_t metric = 0; metric < PLOT_METRIC_COUNT; metric++) {
        size_t count = 0;
        point->runs = 0;
        for (size_t row = 0; row < set->count; row++) {
            row_texts(set, figure, row, line, x);
            if (strcmp(line, point->line) != 0 || strcmp(x, point->x) != 0)
                continue;
            point->runs++;
            point->oversubscribed |= strcmp(results_text(set, row, "oversubscribed"), "1") == 0;
            if (quantity_parse_f64(results_text(set, row, metric_columns[metric]), &values[count]))
                count++;
        }
        point->metrics[metric] = range_of(values, count);
    }
}

/* Throughput against the first label, where labels are what stands along the axis. */
static void relate(struct plot_data *data, const struct results *set, const struct figure *figure,
                   const char *const *order)
{
    size_t groups;
    struct settings *all = settings_of(set, order, &groups);
    for (size_t i = 0; i < groups; i++) {
        struct settings_difference *to = support_alloc((all[i].count + 1) * sizeof(*to));
        settings_compare(&all[i], 0, to);
        for (size_t k = 0; k < all[i].count; k++) {
            char line[PLOT_TEXT_BYTES], x[PLOT_TEXT_BYTES];
            row_texts(set, figure, all[i].items[k].rows[0], line, x);
            struct plot_point *point = point_of(data, line, x);
            point->relative = to[k].ratio;
            point->relative_interval = to[k].interval;
        }
        free(to);
    }
    settings_free(all, groups);
}

void plot_data_make(struct plot_data *data, const struct results *set, const struct figure *figure,
                    const char *const *order)
{
    union { /* qsort_r hands the order through without const */
        const char *const *given;
        void *plain;
    } texts = {order};
    double *values = support_alloc((set->count + 1) * sizeof(double));
    memset(data, 0, sizeof(*data));
    data->points = support_alloc((set->count + 1) * sizeof(struct plot_point));
    for (size_t row = 0; row < set->count; row++) {
        char line[PLOT_TEXT_BYTES], x[PLOT_TEXT_BYTES];
        row_texts(set, figure, row, line, x);
        (void)point_of(data, line, x);
    }
    for (size_t i = 0; i < data->count; i++)
        measure(&data->points[i], set, figure, values);
    for (size_t i = 0; i < data->count; i++) {
        data->points[i].relative = NAN;
        data->points[i].relative_interval = (struct statistics_interval){NAN, NAN, NAN};
    }
    if (strcmp(figure->axis, "label") == 0)
        relate(data, set, figure, order);
    qsort_r(data->points, data->count, sizeof(struct plot_point), by_line_and_place, texts.plain);
    find_places(data, texts.plain);
    find_lines(data);
    free(values);
}

void plot_data_free(struct plot_data *data)
{
    free(data->points);
    free(data->lines);
    memset(data, 0, sizeof(*data));
}

/* ---- Captions. ---- */

static size_t rows_with(const struct results *set, const char *column, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += strcmp(results_text(set, i, column), text) == 0;
    return count;
}

/* As a job file has it: 500k, 10M. */
static void count_add(struct support_text *text, double count)
{
    if (count >= 1e6)
        support_text_add(text, "%gM", count / 1e6);
    else if (count >= 1e3)
        support_text_add(text, "%gk", count / 1e3);
    else
        support_text_add(text, "%g", count);
}

/* How much data: the first of these that the runs have. */
static void size_add(struct support_text *text, const struct results *set)
{
    static const char *const sizes[][2] = {{"wl_records", "records"},
                                           {"wl_warehouses", "warehouses"},
                                           {"wl_accounts", "accounts"},
                                           {"wl_counters", "counters"}};
    double least = 0, most = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (!results_range(set, sizes[i][0], &least, &most))
            continue;
        if (least < most) {
            count_add(text, least);
            support_text_add(text, " to ");
        }
        count_add(text, most);
        support_text_add(text, " %s", sizes[i][1]);
        return;
    }
}

char *plot_facts(const struct results *set)
{
    struct support_text text = {0};
    size_t unsteady = rows_with(set, "steady", "0"), unknown = rows_with(set, "steady", ""),
           moved = rows_with(set, "moved", "1");
    double least = 0, most = 0;
    size_add(&text, set);
    const char *separator = text.bytes > 0 ? "; " : "";
    if (unknown == set->count)
        support_text_add(&text, "%snot known whether steady", separator);
    else if (unsteady == 0)
        support_text_add(&text, "%sall %zu runs steady", separator, set->count - unknown);
    else if (results_range(set, "drift", &least, &most))
        support_text_add(&text, "%s%zu of %zu runs not steady (drift %+.0f%% to %+.0f%%)", separator, unsteady,
                         set->count, 100 * least, 100 * most);
    else
        support_text_add(&text, "%s%zu of %zu runs not steady", separator, unsteady, set->count);
    if (moved > 0)
        support_text_add(&text, "; %zu moved by the hypervisor", moved);
    if (results_range(set, "line_before_ns", &least, &most))
        (void)(round(least) < round(most) ? support_text_add(&text, "; CPUs %.0f to %.0f ns apart", least, most)
                                          : support_text_add(&text, "; CPUs %.0f ns apart", least));
    return text.text;
}

/* ---- CSV. ---- */

static void number_write(FILE *file, double value)
{
    (void)fputc(',', file);
    if (!isnan(value))
        (void)fprintf(file, "%.9g", value);
}

void plot_data_write(const struct plot_data *data, FILE *file)
{
    (void)fputs("line,x,place,oversubscribed,runs", file);
#define PLOT_METRIC_HEADER(name, column) (void)fputs("," #name "," #name "_min," #name "_max", file);
    PLOT_METRIC_TABLE(PLOT_METRIC_HEADER)
#undef PLOT_METRIC_HEADER
    (void)fputs(",relative,relative_low,relative_high,relative_coverage\n", file);
    for (size_t i = 0; i < data->count; i++) {
        const struct plot_point *point = &data->points[i];
        (void)fprintf(file, "%s,%s,%zu,%d,%zu", point->line, point->x, point->place + 1, point->oversubscribed,
                      point->runs);
        for (size_t metric = 0; metric < PLOT_METRIC_COUNT; metric++) {
            number_write(file, point->metrics[metric].median);
            number_write(file, point->metrics[metric].min);
            number_write(file, point->metrics[metric].max);
        }
        number_write(file, point->relative);
        number_write(file, point->relative_interval.low);
        number_write(file, point->relative_interval.high);
        number_write(file, point->relative_interval.coverage);
        (void)fputc('\n', file);
    }
}
