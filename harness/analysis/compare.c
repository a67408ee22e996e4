/* compare.c - see compare.h: joining and judging. compare_print.c prints. */
#define _GNU_SOURCE 1 /* qsort_r */
#include "harness/analysis/compare.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/results.h"
#include "harness/common/quantity.h"
#include "harness/common/support.h"
#include "harness/common/text_file.h"
#include "harness/machine/proximity.h"

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

/* A * at the end of the pattern stands for any ending. */
static bool fits(const char *pattern, const char *name)
{
    size_t bytes = strlen(pattern);
    bool prefix = bytes > 0 && pattern[bytes - 1] == '*';
    return prefix ? strncmp(pattern, name, bytes - 1) == 0 : strcmp(pattern, name) == 0;
}

static bool fits_any(const char *const *patterns, const char *name)
{
    for (; patterns && *patterns; patterns++)
        if (fits(*patterns, name))
            return true;
    return false;
}

static bool is_configuration(const struct compare_options *options, const char *name)
{
    if (options->match)
        return strcmp(name, options->match) == 0;
    return strcmp(name, options->metric) != 0 && !fits_any(options->not_configuration, name) &&
           !fits_any(options->ignored, name);
}

/* A misspelled --ignore would silently ignore nothing. */
static bool check_ignored(const struct compare *compare, char *error)
{
    const struct csv_table *tables[] = {&compare->a, &compare->b};
    for (const char *const *pattern = compare->options.ignored; pattern && *pattern; pattern++) {
        bool found = false;
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < tables[i]->column_count; k++)
                found = found || fits(*pattern, tables[i]->columns[k]);
        char shown[TEXT_SHOWN_BYTES];
        if (!found) {
            snprintf(error, COMPARE_ERROR_BYTES, "--ignore: no column of %.300s or %.300s is called '%s'",
                     compare->a.path, compare->b.path, text_shown(*pattern, strlen(*pattern), shown));
            return false;
        }
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

/* The first filter that the row does not pass, and *value, what it has there; NULL if it passes all. */
static const struct compare_filter *stopped_by(const struct compare *compare, const struct csv_table *table,
                                               const struct csv_table_row *row, const char **value)
{
    for (const struct compare_filter *filter = compare->options.filters; filter && filter->column; filter++) {
        if (csv_table_column(table, filter->column) < 0)
            continue;
        *value = results_total_text(table, row, filter->column);
        if (!accepted(filter->accepted, *value))
            return filter;
    }
    return NULL;
}

static bool passes_filters(struct compare *compare, const struct csv_table *table, const struct csv_table_row *row)
{
    const char *value;
    if (!is_chosen(compare, table, row))
        return false;
    const struct compare_filter *filter = stopped_by(compare, table, row, &value);
    if (!filter)
        return true;
    char shown[TEXT_SHOWN_BYTES];
    note(compare, "%.300s:%u: %s is '%s': not used", table->path, row->line, filter->column,
         text_shown(value, strlen(value), shown));
    compare->unused_count++;
    compare->failed_count += filter->failing != NULL && strcmp(filter->failing, value) == 0;
    return false;
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

/* The metric of a group's rows into `values`, their blocks and where they ran; empty fields are noted and left out. */
static bool read_values(struct compare *compare, const struct side *side, const struct group *group, double *values,
                        const char **blocks, struct proximity_span *places, size_t *count, char *error)
{
    int column = csv_table_column(side->table, compare->options.metric);
    int block = compare->options.blocks ? csv_table_column(side->table, compare->options.blocks) : -1;
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
        blocks[*count] = block >= 0 ? group->rows[i]->fields[block] : "";
        proximity_read(side->table, results_total_row(side->table, group->rows[i]), &places[*count]);
        ++*count;
    }
    return true;
}

/* ---- Judging. ---- */

/* The values of one configuration in both files. */
struct values {
    double *a, *b;
    const char **a_blocks, **b_blocks;
    struct proximity_span *a_places, *b_places;
    size_t a_count, b_count;
};

static struct values values_make(const struct group *a, const struct group *b)
{
    size_t a_room = a ? a->count : 0, b_room = b ? b->count : 0;
    return (struct values){.a = support_alloc((a_room + 1) * sizeof(double)),
                           .b = support_alloc((b_room + 1) * sizeof(double)),
                           .a_blocks = support_alloc((a_room + 1) * sizeof(char *)),
                           .b_blocks = support_alloc((b_room + 1) * sizeof(char *)),
                           .a_places = support_alloc((a_room + 1) * sizeof(struct proximity_span)),
                           .b_places = support_alloc((b_room + 1) * sizeof(struct proximity_span))};
}

static void values_free(struct values *values)
{
    free(values->a);
    free(values->b);
    free(values->a_blocks);
    free(values->b_blocks);
    free(values->a_places);
    free(values->b_places);
}

/* ---- Placement. ---- */

/* How many values of one block ran on CPUs as near as `place`. */
static size_t count_near(const struct proximity_span *places, const char **blocks, size_t count, const char *block,
                         const struct proximity_span *place)
{
    size_t near = 0;
    for (size_t i = 0; i < count; i++)
        near += strcmp(blocks[i], block) == 0 && proximity_same(place, &places[i]);
    return near;
}

/* The place of a block that the most runs of both sides agree with; `best` of another block is left as it is. */
static void better_place(const struct values *values, const char *block, const struct proximity_span *place,
                         struct proximity_span *best, size_t *agree)
{
    size_t a = count_near(values->a_places, values->a_blocks, values->a_count, block, place),
           b = count_near(values->b_places, values->b_blocks, values->b_count, block, place);
    size_t here = (a < b ? a : b) * (values->a_count + values->b_count + 1) + a + b;
    if (here > *agree) {
        *agree = here;
        *best = *place;
    }
}

/* Where the most runs of a block were, on both sides; false if all of them were moved about. */
static bool place_of(const struct values *values, const char *block, struct proximity_span *best)
{
    size_t agree = 0;
    for (size_t i = 0; i < values->a_count; i++)
        if (strcmp(values->a_blocks[i], block) == 0)
            better_place(values, block, &values->a_places[i], best, &agree);
    for (size_t i = 0; i < values->b_count; i++)
        if (strcmp(values->b_blocks[i], block) == 0)
            better_place(values, block, &values->b_places[i], best, &agree);
    return agree > 0;
}

/* Marks the runs of one side that were on CPUs as near as the most of their block. */
static void mark_near(const struct values *values, const struct proximity_span *places, const char **blocks,
                      size_t count, bool *kept)
{
    struct proximity_span best;
    bool known = false;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(blocks[i], blocks[i - 1]) != 0)
            known = place_of(values, blocks[i], &best);
        kept[i] = known && proximity_same(&best, &places[i]);
    }
}

static void keep_some(double *values, const char **blocks, const bool *kept, size_t *count)
{
    size_t at = 0;
    for (size_t i = 0; i < *count; i++)
        if (kept[i]) {
            values[at] = values[i];
            blocks[at++] = blocks[i];
        }
    *count = at;
}

/* Leaves out what ran on CPUs that were not as near as the others'; true if nothing is left of one side by that. */
static bool keep_near(struct compare *compare, struct values *values)
{
    size_t a_before = values->a_count, b_before = values->b_count;
    bool *a_kept = support_alloc(a_before + 1), *b_kept = support_alloc(b_before + 1);
    mark_near(values, values->a_places, values->a_blocks, a_before, a_kept);
    mark_near(values, values->b_places, values->b_blocks, b_before, b_kept);
    keep_some(values->a, values->a_blocks, a_kept, &values->a_count);
    keep_some(values->b, values->b_blocks, b_kept, &values->b_count);
    free(a_kept);
    free(b_kept);
    size_t unused = a_before - values->a_count + b_before - values->b_count;
    compare->unused_count += unused;
    if (unused > 0)
        note(compare, "%zu rows ran on CPUs that were not as near to each other as the others': not used", unused);
    return (a_before > 0 && values->a_count == 0) || (b_before > 0 && values->b_count == 0);
}

/* Brings the values of one block to the front of what is left of a set; returns how many. */
static size_t gather(double *values, const char **blocks, size_t from, size_t count, const char *block)
{
    size_t found = from;
    for (size_t i = from; i < count; i++) {
        if (strcmp(blocks[i], block) != 0)
            continue;
        double value = values[i];
        memmove(&values[found + 1], &values[found], (i - found) * sizeof(*values));
        memmove(&blocks[found + 1], &blocks[found], (i - found) * sizeof(*blocks));
        values[found] = value;
        blocks[found++] = block;
    }
    return found - from;
}

/* The blocks that both sets have; the values then stand in their order, and those of no block are noted and dropped. */
static struct statistics_block *blocks_make(struct compare *compare, struct values *values, size_t *count)
{
    struct statistics_block *blocks = support_alloc((values->a_count + 1) * sizeof(*blocks));
    size_t a_at = 0, b_at = 0, unused = 0;
    *count = 0;
    while (a_at < values->a_count) {
        const char *block = values->a_blocks[a_at];
        size_t a_here = gather(values->a, values->a_blocks, a_at, values->a_count, block);
        size_t b_here = gather(values->b, values->b_blocks, b_at, values->b_count, block);
        if (b_here == 0) {
            memmove(&values->a[a_at], &values->a[a_at + a_here], (values->a_count - a_at - a_here) * sizeof(double));
            memmove(&values->a_blocks[a_at], &values->a_blocks[a_at + a_here],
                    (values->a_count - a_at - a_here) * sizeof(char *));
            values->a_count -= a_here;
            unused += a_here;
            continue;
        }
        blocks[(*count)++] = (struct statistics_block){&values->a[a_at], &values->b[b_at], a_here, b_here};
        a_at += a_here;
        b_at += b_here;
    }
    unused += values->b_count - b_at;
    values->b_count = b_at;
    if (unused > 0) {
        note(compare, "%zu rows have no neighbour of the same %s in the other file: not used", unused,
             compare->options.blocks);
        compare->unused_count += unused;
    }
    return blocks;
}

/*
 * A/A noise of a configuration, measured in blocks of A A' A' A: as `size` blocks would show it. False if the file has
 * nothing of use about it. `row` is of file A.
 */
static bool noise_of(const struct compare *compare, const struct csv_table_row *row, size_t size, double *noise)
{
    const struct csv_table *table = &compare->noise;
    const struct compare_options *options = &compare->options;
    int metric = csv_table_column(table, options->metric), block = csv_table_column(table, options->blocks);
    double *values = support_alloc((table->row_count + 4) * sizeof(*values));
    struct statistics_block *blocks = support_alloc((table->row_count + 1) * sizeof(*blocks));
    const char *last = NULL;
    size_t count = 0, in_block = 0;
    for (size_t i = 0; i < table->row_count; i++) {
        const struct csv_table_row *here = &table->rows[i];
        const char *stopped;
        bool same = is_chosen(compare, table, here) && stopped_by(compare, table, here, &stopped) == NULL;
        for (size_t k = 0; same && k < compare->column_count; k++) {
            int column = csv_table_column(table, compare->columns[k].name);
            same = column >= 0 && strcmp(here->fields[column], row->fields[compare->columns[k].a]) == 0;
        }
        double value;
        if (!same || !quantity_parse_f64(here->fields[metric], &value))
            continue;
        if (last == NULL || strcmp(last, here->fields[block]) != 0)
            in_block = 0;
        last = here->fields[block];
        if (in_block == 4)
            continue;
        /* A A' A' A: the outer two stand first. */
        values[4 * count + (size_t[]){0, 2, 3, 1}[in_block++]] = value;
        if (in_block == 4) {
            blocks[count] = (struct statistics_block){&values[4 * count], &values[4 * count + 2], 2, 2};
            count++;
        }
    }
    *noise = statistics_block_noise(blocks, count, size, options->seed);
    free(blocks);
    free(values);
    return !isnan(*noise);
}

/* All but the verdict, which needs the p of all configurations. */
static void measure(struct compare *compare, struct compare_row *row, struct values *values)
{
    const struct compare_options *options = &compare->options;
    double confidence = 1 - compare->alpha;
    row->apart = keep_near(compare, values);
    if (options->blocks) {
        struct statistics_block *blocks = blocks_make(compare, values, &row->block_count);
        statistics_block_ratio(blocks, row->block_count, confidence, &row->ratio, &row->interval);
        row->u_test = statistics_block_test(blocks, row->block_count);
        free(blocks);
    } else {
        statistics_median_ratio(values->a, values->a_count, values->b, values->b_count, confidence, &row->ratio,
                                &row->interval);
        row->u_test = statistics_mann_whitney(values->a, values->a_count, values->b, values->b_count);
    }
    row->a_count = values->a_count;
    row->b_count = values->b_count;
    row->a_median = statistics_median(values->a, values->a_count);
    row->b_median = statistics_median(values->b, values->b_count);
    size_t size = options->noise_blocks > 0 ? options->noise_blocks : row->block_count;
    double measured = 0;
    if (options->noise_path && size > 0 && !noise_of(compare, row->a, size, &measured)) {
        note(compare, "%.300s: no whole block of A for the configuration of line %u: its noise is unknown",
             options->noise_path, row->a->line);
        compare->unused_count++;
    }
    row->noise = fmax(options->noise, measured); /* fmax leaves out a NAN */
    row->bound = fmax(options->threshold, row->noise);
}

/* The verdicts on all matched rows, which come first. */
static void judge_all(struct compare *compare)
{
    double *plain = support_alloc((compare->matched_count + 1) * sizeof(double)),
           *holm = support_alloc((compare->matched_count + 1) * sizeof(double));
    for (size_t i = 0; i < compare->matched_count; i++)
        plain[i] = compare->rows[i].u_test.p;
    statistics_holm(plain, compare->matched_count, holm);
    for (size_t i = 0; i < compare->matched_count; i++) {
        struct compare_row *row = &compare->rows[i];
        row->p_holm = holm[i];
        struct verdict_evidence evidence = {row->a_count, row->b_count, row->ratio, row->interval, row->p_holm};
        row->verdict =
            verdict_of(&evidence, compare->options.lower_is_better, row->bound, compare->alpha, &row->reason);
        if (row->apart)
            row->reason = "A and B never ran on CPUs that were equally near";
    }
    free(plain);
    free(holm);
}

/* A configuration that only one file has. */
static void judge_lonely(struct compare_row *row, const struct values *values)
{
    row->a_count = values->a_count;
    row->b_count = values->b_count;
    row->a_median = statistics_median(values->a, values->a_count);
    row->b_median = statistics_median(values->b, values->b_count);
    row->ratio = row->interval.low = row->interval.high = row->u_test.u = row->u_test.p = row->p_holm = NAN;
    row->verdict = VERDICT_INCONCLUSIVE;
    row->reason = row->a ? "only in A" : "only in B";
}

static bool match(struct compare *compare, const struct side *a, const struct group *in_a, const struct side *b,
                  const struct group *in_b, char *error)
{
    struct compare_row *row = &compare->rows[compare->row_count++];
    struct values values = values_make(in_a, in_b);
    row->a = in_a ? in_a->rows[0] : NULL;
    row->b = in_b ? in_b->rows[0] : NULL;
    bool good =
        (!in_a || read_values(compare, a, in_a, values.a, values.a_blocks, values.a_places, &values.a_count, error)) &&
        (!in_b || read_values(compare, b, in_b, values.b, values.b_blocks, values.b_places, &values.b_count, error));
    if (good && in_a && in_b)
        measure(compare, row, &values);
    else
        judge_lonely(row, &values);
    values_free(&values);
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

/* How group i of A and group k of B compare; a file that has no more comes last. */
static int order_of(const struct compare *compare, const struct side *a, size_t i, const struct side *b, size_t k)
{
    if (i == a->group_count || k == b->group_count)
        return i == a->group_count ? 1 : -1;
    return compare_rows(compare, a->groups[i].rows[0], false, b->groups[k].rows[0], true);
}

static size_t count_matches(const struct compare *compare, const struct side *a, const struct side *b)
{
    size_t matched = 0;
    for (size_t i = 0, k = 0; i < a->group_count && k < b->group_count;) {
        int order = order_of(compare, a, i, b, k);
        matched += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    return matched;
}

/* Walks the groups of both files, which are in the same order. */
static bool join(struct compare *compare, char *error)
{
    struct side a = {.table = &compare->a}, b = {.table = &compare->b, .is_b = true};
    make_groups(compare, &a);
    make_groups(compare, &b);
    compare->rows = support_alloc((a.group_count + b.group_count + 1) * sizeof(*compare->rows));
    compare->matched_count = count_matches(compare, &a, &b);
    compare->alpha = verdict_alpha(compare->options.looks);
    bool good = true;
    for (size_t i = 0, k = 0; good && (i < a.group_count || k < b.group_count);) {
        int order = order_of(compare, &a, i, &b, k);
        good = match(compare, &a, order <= 0 ? &a.groups[i] : NULL, &b, order >= 0 ? &b.groups[k] : NULL, error);
        i += order <= 0;
        k += order >= 0;
    }
    if (good) {
        qsort(compare->rows, compare->row_count, sizeof(*compare->rows), by_place);
        judge_all(compare);
    }
    free(a.groups);
    free(a.sorted);
    free(b.groups);
    free(b.sorted);
    return good;
}

static bool check_table(const struct compare *compare, const struct csv_table *table, char *error)
{
    const struct compare_options *options = &compare->options;
    const char *const needed[] = {options->metric, options->match, options->blocks};
    const char *missing = NULL;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && !missing; i++)
        missing = needed[i] && csv_table_column(table, needed[i]) < 0 ? needed[i] : NULL;
    if (missing)
        snprintf(error, COMPARE_ERROR_BYTES, "%.300s:1: no column %.100s to compare", table->path, missing);
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
    if (options->noise_path &&
        (!csv_table_read(&compare->noise, options->noise_path, error) || !check_table(compare, &compare->noise, error)))
        goto destroy;
    if (!check_ignored(compare, error))
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
    csv_table_free(&compare->noise);
    free(compare);
}

enum exit_code compare_exit(const struct compare *compare, bool strict)
{
    bool inconclusive = compare->matched_count < compare->row_count || compare->unused_count > 0;
    if (compare->failed_count > 0)
        return EXIT_CHECK;
    for (size_t i = 0; i < compare->matched_count; i++) {
        if (compare->rows[i].verdict == VERDICT_SLOWER)
            return EXIT_REGRESSION;
        inconclusive = inconclusive || compare->rows[i].verdict == VERDICT_INCONCLUSIVE;
    }
    if (compare->matched_count == 0)
        return EXIT_FAILED; /* nothing was compared: that must not look like a pass */
    return strict && inconclusive ? EXIT_INCONCLUSIVE : EXIT_FINE;
}
