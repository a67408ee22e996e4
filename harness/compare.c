/* compare.c - see compare.h: joining and judging. compare_print.c prints. */
#define _GNU_SOURCE 1 /* qsort_r */
#include "harness/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/quantity.h"
#include "harness/support.h"
#include "harness/text_file.h"

/* Rows of one configuration in one file: a run of the sorted row list. */
struct group {
    const struct csv_table_row **rows;
    size_t count;
};

/* One file on its way into the result. */
struct side {
    const struct csv_table *table;
    bool is_b;
    const struct csv_table_row **sorted;
    size_t row_count, group_count;
    struct group *groups; /* ascending in configuration */
};

static const char *const verdict_names[] = {
#define COMPARE_VERDICT_NAME(name, text) text,
    COMPARE_VERDICT_TABLE(COMPARE_VERDICT_NAME)
#undef COMPARE_VERDICT_NAME
};

const char *compare_verdict_name(enum compare_verdict verdict)
{
    return verdict_names[verdict];
}

__attribute__((format(printf, 2, 3))) static void note(struct compare *compare, const char *format, ...)
{
    char text[CSV_TABLE_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    compare->notes = support_realloc(compare->notes, (compare->note_count + 1) * sizeof(char *));
    compare->notes[compare->note_count++] = support_copy(text);
}

/* ---- Columns. ---- */

static bool is_configuration(const struct compare_options *options, const char *name)
{
    if (strcmp(name, options->metric) == 0)
        return false;
    for (const char *const *other = options->not_configuration; other && *other; other++) {
        size_t bytes = strlen(*other);
        bool prefix = bytes > 0 && (*other)[bytes - 1] == '*';
        if (prefix ? strncmp(*other, name, bytes - 1) == 0 : strcmp(*other, name) == 0)
            return false;
    }
    return true;
}

static bool varies(const struct csv_table *table, int column)
{
    for (size_t i = 1; column >= 0 && i < table->row_count; i++)
        if (strcmp(table->rows[i].fields[column], table->rows[0].fields[column]) != 0)
            return true;
    return false;
}

/* Whether two rows of the table have different values, neither of them empty; *seen is the first of all. */
static bool tells(const struct csv_table *table, int column, const char **seen)
{
    for (size_t i = 0; column >= 0 && i < table->row_count; i++) {
        const char *value = table->rows[i].fields[column];
        if (value[0] == '\0')
            continue;
        if (*seen != NULL && strcmp(*seen, value) != 0)
            return true;
        *seen = value;
    }
    return false;
}

static bool add_columns(struct compare *compare, const struct csv_table *table, const struct csv_table *other,
                        bool is_b, char *error)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i];
        int there = csv_table_column(other, name);
        if (!is_configuration(&compare->options, name) || (is_b && there >= 0))
            continue;
        struct compare_column column = {name, is_b ? there : (int)i, is_b ? (int)i : there, false, false};
        column.varies = varies(&compare->a, column.a) || varies(&compare->b, column.b);
        if (there >= 0) {
            column.varies = column.varies ||
                            (compare->a.row_count > 0 && compare->b.row_count > 0 &&
                             strcmp(compare->a.rows[0].fields[column.a], compare->b.rows[0].fields[column.b]) != 0);
            const char *seen = NULL;
            bool optional = strncmp(name, "wl_", 3) == 0 || strncmp(name, "opt_", 4) == 0;
            column.telling = column.varies &&
                             (!optional || tells(&compare->a, column.a, &seen) || tells(&compare->b, column.b, &seen));
            compare->columns[compare->column_count++] = column;
            continue;
        }
        char shown[TEXT_SHOWN_BYTES];
        text_shown(name, strlen(name), shown);
        if (column.varies) {
            snprintf(
                error, COMPARE_ERROR_BYTES,
                "%.300s: configuration column %s varies there, but %.300s has no such column: they cannot be matched",
                table->path, shown, other->path);
            return false;
        }
        if (table->row_count > 0) {
            char value[TEXT_SHOWN_BYTES];
            const char *text = table->rows[0].fields[i];
            note(compare, "configuration column %s is in %.300s only (always '%s')", shown, table->path,
                 text_shown(text, strlen(text), value));
        }
    }
    return true;
}

/* ---- Rows. ---- */

static bool accepted(const char *words, const char *value)
{
    size_t bytes = strlen(value);
    for (;;) {
        size_t word = strcspn(words, "|");
        if (word == bytes && memcmp(words, value, bytes) == 0)
            return true;
        if (words[word] == '\0')
            return false;
        words += word + 1;
    }
}

static bool is_chosen(const struct compare *compare, const struct csv_table *table, const struct csv_table_row *row)
{
    for (const struct compare_filter *filter = compare->options.chosen; filter && filter->column; filter++) {
        int column = csv_table_column(table, filter->column);
        if (column >= 0 && !accepted(filter->accepted, row->fields[column]))
            return false;
    }
    return true;
}

static bool passes_filters(struct compare *compare, const struct csv_table *table, const struct csv_table_row *row)
{
    if (!is_chosen(compare, table, row))
        return false;
    for (const struct compare_filter *filter = compare->options.filters; filter && filter->column; filter++) {
        int column = csv_table_column(table, filter->column);
        if (column < 0 || accepted(filter->accepted, row->fields[column]))
            continue;
        char shown[TEXT_SHOWN_BYTES];
        note(compare, "%.300s:%u: %s is '%s': not used", table->path, row->line, filter->column,
             text_shown(row->fields[column], strlen(row->fields[column]), shown));
        compare->unused_count++;
        return false;
    }
    return true;
}

/* Compares the configurations of two rows, each of its own file. */
static int compare_rows(const struct compare *compare, const struct csv_table_row *left, bool left_is_b,
                        const struct csv_table_row *right, bool right_is_b)
{
    for (size_t i = 0; i < compare->column_count; i++) {
        const struct compare_column *column = &compare->columns[i];
        int order = column->varies ? strcmp(left->fields[left_is_b ? column->b : column->a],
                                            right->fields[right_is_b ? column->b : column->a])
                                   : 0;
        if (order)
            return order;
    }
    return 0;
}

struct sort_context {
    const struct compare *compare;
    bool is_b;
};

static int by_configuration(const void *left, const void *right, void *arg)
{
    const struct sort_context *context = arg;
    const struct csv_table_row *a = *(const struct csv_table_row *const *)left;
    const struct csv_table_row *b = *(const struct csv_table_row *const *)right;
    int order = compare_rows(context->compare, a, context->is_b, b, context->is_b);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static void make_groups(struct compare *compare, struct side *side)
{
    side->sorted = support_alloc((side->table->row_count + 1) * sizeof(const struct csv_table_row *));
    side->groups = support_alloc((side->table->row_count + 1) * sizeof(*side->groups));
    for (size_t i = 0; i < side->table->row_count; i++)
        if (passes_filters(compare, side->table, &side->table->rows[i]))
            side->sorted[side->row_count++] = &side->table->rows[i];
    struct sort_context context = {compare, side->is_b};
    qsort_r(side->sorted, side->row_count, sizeof(const struct csv_table_row *), by_configuration, &context);
    for (size_t i = 0; i < side->row_count; i++) {
        if (i == 0 || compare_rows(compare, side->sorted[i - 1], side->is_b, side->sorted[i], side->is_b) != 0)
            side->groups[side->group_count++] = (struct group){&side->sorted[i], 0};
        side->groups[side->group_count - 1].count++;
    }
}

/* The metric of a group's rows into `values`; empty fields are noted and left out. */
static bool read_values(struct compare *compare, const struct side *side, const struct group *group, double *values,
                        size_t *count, char *error)
{
    int column = csv_table_column(side->table, compare->options.metric);
    *count = 0;
    for (size_t i = 0; i < group->count; i++) {
        const char *text = group->rows[i]->fields[column];
        if (*text == '\0') {
            note(compare, "%.300s:%u: %s is empty: not used", side->table->path, group->rows[i]->line,
                 compare->options.metric);
            compare->unused_count++;
            continue;
        }
        if (!quantity_parse_f64(text, &values[*count])) {
            char shown[TEXT_SHOWN_BYTES];
            snprintf(error, COMPARE_ERROR_BYTES,
                     "%.300s:%u: %s is '%s': want a number, or an empty field if there is none", side->table->path,
                     group->rows[i]->line, compare->options.metric, text_shown(text, strlen(text), shown));
            return false;
        }
        ++*count;
    }
    return true;
}

/* ---- Judging. ---- */

static void judge(const struct compare_options *options, struct compare_row *row)
{
    double bound = fmax(options->threshold, options->noise);
    row->verdict = COMPARE_INCONCLUSIVE;
    row->reason = "";
    if (row->a_count == 0 || row->b_count == 0) {
        row->reason = "no value in one of the files";
        return;
    }
    if (isnan(row->ratio)) {
        row->reason = "a median is not above 0";
        return;
    }
    if (isnan(row->interval.low)) {
        row->reason = "a single repetition has no spread: run at least 10 of each";
        return;
    }
    /* As speed: above 1 is faster. */
    double speed = row->ratio, low = row->interval.low, high = row->interval.high;
    if (options->lower_is_better) {
        speed = 1 / row->ratio;
        low = 1 / row->interval.high;
        high = 1 / row->interval.low;
    }
    bool excludes_1 = low > 1 || high < 1;
    bool beyond = speed > 1 + bound || speed < 1 - bound;
    if (excludes_1 && beyond && row->u_test.p <= COMPARE_P_MAX)
        row->verdict = speed > 1 ? COMPARE_FASTER : COMPARE_SLOWER;
    else if (low >= 1 - bound && high <= 1 + bound)
        row->verdict = COMPARE_SAME;
    else if (excludes_1 && beyond)
        row->reason = "too few or too overlapping repetitions: the U test cannot tell";
    else
        row->reason = "the interval is too wide for the threshold: run more repetitions";
}

static bool match(struct compare *compare, const struct side *a, const struct group *in_a, const struct side *b,
                  const struct group *in_b, char *error)
{
    struct compare_row *row = &compare->rows[compare->row_count++];
    double *a_values = support_alloc((in_a ? in_a->count : 0) * sizeof(double) + sizeof(double));
    double *b_values = support_alloc((in_b ? in_b->count : 0) * sizeof(double) + sizeof(double));
    row->a = in_a ? in_a->rows[0] : NULL;
    row->b = in_b ? in_b->rows[0] : NULL;
    bool good = (!in_a || read_values(compare, a, in_a, a_values, &row->a_count, error)) &&
                (!in_b || read_values(compare, b, in_b, b_values, &row->b_count, error));
    row->a_median = statistics_median(a_values, row->a_count);
    row->b_median = statistics_median(b_values, row->b_count);
    statistics_median_ratio(a_values, row->a_count, b_values, row->b_count, COMPARE_CONFIDENCE, compare->options.seed,
                            &row->ratio, &row->interval);
    row->u_test = statistics_mann_whitney(a_values, row->a_count, b_values, row->b_count);
    if (in_a && in_b) {
        judge(&compare->options, row);
        compare->matched_count++;
    } else {
        row->verdict = COMPARE_INCONCLUSIVE;
        row->reason = in_a ? "only in A" : "only in B";
    }
    free(b_values);
    free(a_values);
    return good;
}

/* Matched first, then A's, then B's; each as its file has them. */
static int by_place(const void *left, const void *right)
{
    const struct compare_row *a = left, *b = right;
    int a_kind = a->a && a->b ? 0 : a->a ? 1 : 2, b_kind = b->a && b->b ? 0 : b->a ? 1 : 2;
    if (a_kind != b_kind)
        return a_kind - b_kind;
    unsigned a_line = a->a ? a->a->line : a->b->line, b_line = b->a ? b->a->line : b->b->line;
    return (a_line > b_line) - (a_line < b_line);
}

/* Walks the groups of both files, which are in the same order. */
static bool join(struct compare *compare, char *error)
{
    struct side a = {.table = &compare->a}, b = {.table = &compare->b, .is_b = true};
    make_groups(compare, &a);
    make_groups(compare, &b);
    compare->rows = support_alloc((a.group_count + b.group_count + 1) * sizeof(*compare->rows));
    bool good = true;
    for (size_t i = 0, k = 0; good && (i < a.group_count || k < b.group_count);) {
        int order = i == a.group_count   ? 1
                    : k == b.group_count ? -1
                                         : compare_rows(compare, a.groups[i].rows[0], false, b.groups[k].rows[0], true);
        good = match(compare, &a, order <= 0 ? &a.groups[i] : NULL, &b, order >= 0 ? &b.groups[k] : NULL, error);
        i += order <= 0;
        k += order >= 0;
    }
    if (good)
        qsort(compare->rows, compare->row_count, sizeof(*compare->rows), by_place);
    free(a.groups);
    free(a.sorted);
    free(b.groups);
    free(b.sorted);
    return good;
}

static bool check_table(const struct compare *compare, const struct csv_table *table, char *error)
{
    if (csv_table_column(table, compare->options.metric) < 0)
        snprintf(error, COMPARE_ERROR_BYTES, "%.300s:1: no column %.100s to compare", table->path,
                 compare->options.metric);
    else if (table->row_count == 0)
        snprintf(error, COMPARE_ERROR_BYTES, "%.300s: a header but no rows", table->path);
    else
        return true;
    return false;
}

struct compare *compare_files(const char *a_path, const char *b_path, const struct compare_options *options,
                              char *error)
{
    struct compare *compare = support_alloc(sizeof(*compare));
    compare->options = *options;
    if (!csv_table_read(&compare->a, a_path, error) || !csv_table_read(&compare->b, b_path, error) ||
        !check_table(compare, &compare->a, error) || !check_table(compare, &compare->b, error))
        goto destroy;
    compare->columns = support_alloc((compare->a.column_count + compare->b.column_count) * sizeof(*compare->columns));
    if (!add_columns(compare, &compare->a, &compare->b, false, error) ||
        !add_columns(compare, &compare->b, &compare->a, true, error) || !join(compare, error))
        goto destroy;
    return compare;

destroy:
    compare_destroy(compare);
    return NULL;
}

void compare_destroy(struct compare *compare)
{
    if (!compare)
        return;
    for (size_t i = 0; i < compare->note_count; i++)
        free(compare->notes[i]);
    free(compare->notes);
    free(compare->rows);
    free(compare->columns);
    csv_table_free(&compare->a);
    csv_table_free(&compare->b);
    free(compare);
}

enum exit_code compare_exit(const struct compare *compare, bool strict)
{
    bool inconclusive = compare->matched_count < compare->row_count || compare->unused_count > 0;
    for (size_t i = 0; i < compare->matched_count; i++) {
        if (compare->rows[i].verdict == COMPARE_SLOWER)
            return EXIT_REGRESSION;
        inconclusive = inconclusive || compare->rows[i].verdict == COMPARE_INCONCLUSIVE;
    }
    if (compare->matched_count == 0)
        return EXIT_FAILED; /* nothing was compared: that must not look like a pass */
    return strict && inconclusive ? EXIT_INCONCLUSIVE : EXIT_FINE;
}
