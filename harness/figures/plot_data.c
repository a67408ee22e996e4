/* plot_data.c - see plot_data.h. */
#define _GNU_SOURCE /* qsort_r, strverscmp */
#include "harness/figures/plot_data.h"

#include <ctype.h>

#include "harness/analysis/settings.h"
#include "harness/common/quantity.h"
#include "harness/record/csv.h"

static const char *const metric_columns[] = {PLOT_METRIC_TABLE(TABLE_SECONDS)};

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

/* The columns' texts as one word, which gnuplot can keep in a list and which needs no quotes in a CSV. */
static void joined_text(const struct results *set, size_t row, const char *columns, char *text)
{
    char copy[PLOT_TEXT_BYTES], *rest = copy, *column;
    size_t used = 0;
    *text = '\0';
    (void)snprintf(copy, sizeof(copy), "%s", columns);
    while ((column = strsep(&rest, " ")) != NULL && used < PLOT_TEXT_BYTES)
        used += (size_t)snprintf(text + used, PLOT_TEXT_BYTES - used, "%s%s", used > 0 ? "-" : "",
                                 shown_text(set, row, column));
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && !strchr(".-_", *text))
            *text = '_';
}

/* ---- Order. ---- */

static int compare_texts(const char *a, const char *b, char **order)
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
static void find_places(struct plot_data *data, char **order)
{
    SUPPORT_FREED const char **texts = support_alloc((data->count + 1) * sizeof(const char *));
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
}

static void find_lines(struct plot_data *data)
{
    data->lines = support_alloc((data->count + 1) * sizeof(const char *));
    for (size_t i = 0; i < data->count; i++)
        if (i == 0 || strcmp(data->points[i - 1].line, data->points[i].line) != 0)
            data->lines[data->line_count++] = data->points[i].line;
}

/* ---- Groups. ---- */

/* The point that a row belongs to; a new one if it is the first. */
static struct plot_point *point_of(struct plot_data *data, const struct results *set, const struct figure *figure,
                                   size_t row)
{
    struct plot_point fresh = {.relative = NAN, .relative_interval = {NAN, NAN, NAN}};
    joined_text(set, row, figure->lines, fresh.line);
    joined_text(set, row, figure->axis, fresh.x);
    for (size_t i = 0; i < data->count; i++)
        if (strcmp(data->points[i].line, fresh.line) == 0 && strcmp(data->points[i].x, fresh.x) == 0)
            return &data->points[i];
    data->points[data->count] = fresh;
    return &data->points[data->count++];
}

static struct plot_range range_of(double *values, size_t count)
{
    struct statistics_summary summary;
    if (!statistics_summarize(values, count, &summary))
        return (struct plot_range){NAN, NAN, NAN};
    return (struct plot_range){summary.median, summary.min, summary.max};
}

/* All points: the rows of each side by side, then their ranges. */
static void measure(struct plot_data *data, const struct results *set, const struct figure *figure)
{
    SUPPORT_FREED size_t *point_at = support_alloc((set->count + 1) * sizeof(size_t)),
                         *rows = support_alloc((set->count + 1) * sizeof(size_t));
    SUPPORT_FREED double *values = support_alloc((set->count + 1) * sizeof(double));
    for (size_t row = 0; row < set->count; row++)
        point_at[row] = (size_t)(point_of(data, set, figure, row) - data->points);
    for (size_t i = 0; i < data->count; i++) {
        struct plot_point *point = &data->points[i];
        for (size_t row = 0; row < set->count; row++) {
            if (point_at[row] != i)
                continue;
            rows[point->runs++] = row;
            point->oversubscribed |= strcmp(results_text(set, row, "oversubscribed"), "1") == 0;
        }
        for (size_t metric = 0; metric < PLOT_METRIC_COUNT; metric++)
            point->metrics[metric] =
                range_of(values, results_numbers(set, rows, point->runs, metric_columns[metric], values));
    }
}

/* Throughput against the first label, where labels are what stands along the axis. */
static void relate(struct plot_data *data, const struct results *set, const struct figure *figure, char **order)
{
    size_t groups;
    struct settings *all = settings_of(set, order, &groups);
    for (size_t i = 0; i < groups; i++) {
        SUPPORT_FREED struct settings_difference *to = support_alloc((all[i].count + 1) * sizeof(*to));
        settings_compare(&all[i], 0, to);
        for (size_t k = 0; k < all[i].count; k++) {
            struct plot_point *point = point_of(data, set, figure, all[i].items[k].rows[0]);
            point->relative = to[k].ratio;
            point->relative_interval = to[k].interval;
        }
    }
    settings_free(all, groups);
}

void plot_data_make(struct plot_data *data, const struct results *set, const struct figure *figure, char **order)
{
    *data = (struct plot_data){.points = support_alloc((set->count + 1) * sizeof(struct plot_point))};
    measure(data, set, figure);
    if (strcmp(figure->axis, "label") == 0)
        relate(data, set, figure, order);
    qsort_r(data->points, data->count, sizeof(struct plot_point), by_line_and_place, order);
    find_places(data, order);
    find_lines(data);
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

/* How much data: of these what the runs have. */
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
        support_text_add(text, "%s", text->bytes > 0 ? ", " : "");
        if (least < most) {
            count_add(text, least);
            support_text_add(text, " to ");
        }
        count_add(text, most);
        bool one = least == 1 && most == 1;
        support_text_add(text, " %.*s", (int)(strlen(sizes[i][1]) - one), sizes[i][1]);
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

static void list_sort(struct support_list *list)
{
    if (list->count > 1)
        qsort_r(list->items, list->count, sizeof(list->items[0]), by_place, NULL);
}

/* The targets whose rows have this text in a column (NULL: all targets), each once. */
static struct support_list targets_with(const struct results *set, const char *column, const char *text)
{
    struct support_list targets = {0};
    for (size_t i = 0; i < set->count; i++) {
        const char *target = results_text(set, i, "target");
        if ((column == NULL || strcmp(results_text(set, i, column), text) == 0) &&
            support_list_place(targets.items, target) == targets.count)
            support_list_add(&targets, "%s", target);
    }
    list_sort(&targets);
    return targets;
}

/* "back-off adaptive", or of several values "back-off adaptive (native), dbx1000 (silo_paper, twopl)". */
static void term_add(struct support_text *text, const struct results *set, const char *column, const char *name)
{
    SUPPORT_ENDED_BY(support_list_free) struct support_list values = {0};
    for (size_t i = 0; i < set->count; i++) {
        const char *value = results_text(set, i, column);
        if (*value != '\0' && support_list_place(values.items, value) == values.count)
            support_list_add(&values, "%s", value);
    }
    list_sort(&values);
    for (size_t i = 0; i < values.count; i++) {
        SUPPORT_ENDED_BY(support_list_free) struct support_list targets = targets_with(set, column, values.items[i]);
        support_text_add(text, "%s%s", i > 0 ? ", " : text->bytes > 0 ? "; " : "", i > 0 ? "" : name);
        support_text_add(text, "%s%s", i > 0 ? "" : " ", values.items[i]);
        for (size_t k = 0; values.count > 1 && k < targets.count; k++)
            support_text_add(text, "%s%s%s", k == 0 ? " (" : " ", targets.items[k], k + 1 == targets.count ? ")" : "");
    }
}

char *plot_terms(const struct results *set)
{
    struct support_text text = {0};
    SUPPORT_ENDED_BY(support_list_free) struct support_list targets = targets_with(set, NULL, "");
    support_text_add(&text, "%s", "");
    if (targets.count < 2)
        return text.text;
    term_add(&text, set, "opt_backoff", "back-off");
    support_text_add(&text, "%sretry of the same transaction", text.bytes > 0 ? "; " : "");
    term_add(&text, set, "opt_index_insert", "index entries");
    bool rivals = rows_with(set, "opt_index_insert", "late") > 0,
         eager = rows_with(set, "opt_index_insert", "eager") > 0;
    if (support_list_place(targets.items, "native") == targets.count)
        return text.text;
    if (rows_with(set, "opt_simple_index_update", "on") > 0)
        support_text_add(&text, ", native's at once, without validation (simple_index_update)");
    else if (eager)
        support_text_add(&text, ", late (native)");
    else if (!rivals)
        support_text_add(&text, "; index entries late");
    return text.text;
}

/* ---- CSV. ---- */

void plot_data_write(const struct plot_data *data, struct support_text *text)
{
#define PLOT_METRIC_HEADER(name, column) "," #name "," #name "_min," #name "_max"
    support_text_add(text, "line,x,place,oversubscribed,runs" PLOT_METRIC_TABLE(PLOT_METRIC_HEADER));
    support_text_add(text, ",relative,relative_low,relative_high,relative_coverage\n");
    for (size_t i = 0; i < data->count; i++) {
        const struct plot_point *point = &data->points[i];
        support_text_add(text, "%s,%s,%zu,%d,%zu", point->line, point->x, point->place + 1, point->oversubscribed,
                         point->runs);
        for (size_t metric = 0; metric < PLOT_METRIC_COUNT; metric++) {
            csv_number_add(text, 9, point->metrics[metric].median);
            csv_number_add(text, 9, point->metrics[metric].min);
            csv_number_add(text, 9, point->metrics[metric].max);
        }
        csv_number_add(text, 9, point->relative);
        csv_number_add(text, 9, point->relative_interval.low);
        csv_number_add(text, 9, point->relative_interval.high);
        csv_number_add(text, 9, point->relative_interval.coverage);
        support_text_add(text, "\n");
    }
}
