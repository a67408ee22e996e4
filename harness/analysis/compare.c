/* compare.c - see compare.h: joining and judging. compare_print.c prints. */
#include "harness/analysis/compare.h"

#include <fnmatch.h>

#include "harness/analysis/pairs.h"
#include "harness/common/quantity.h"
#include "harness/common/text_file.h"
#include "harness/record/columns.h"

/* ---- Columns. ---- */

static bool fits_any(char *const *patterns, const char *name)
{
    for (; patterns && *patterns; patterns++)
        if (fnmatch(*patterns, name, 0) == 0)
            return true;
    return false;
}

static bool is_configuration(const struct compare_options *options, const char *name)
{
    if (options->match)
        return strcmp(name, options->match) == 0;
    return column_is_configuration(name) && strcmp(name, options->metric) != 0 &&
           strcmp(name, "txn_type") != 0 && /* one is chosen */
           !fits_any(options->ignored, name);
}

/* A misspelled --ignore would silently ignore nothing. */
static bool check_ignored(const struct compare *compare, char *error)
{
    const struct csv_table *a = &compare->a.table, *b = &compare->b.table;
    for (char *const *pattern = compare->options.ignored; pattern && *pattern; pattern++) {
        bool found = false;
        for (size_t i = 0; !found && i < a->column_count + b->column_count; i++)
            found = fnmatch(*pattern, i < a->column_count ? a->columns[i] : b->columns[i - a->column_count], 0) == 0;
        if (!found)
            return support_error(error, COMPARE_ERROR_BYTES, "--ignore: no column of %.300s or %.300s is called '%s'",
                                 a->path, b->path, text_shown(*pattern));
    }
    return true;
}

/* Columns of the configuration that only one file has: noted, and refused if they vary there. */
static bool check_lonely_columns(struct compare *compare, const struct results *there, const struct results *other,
                                 char *error)
{
    for (size_t at = 0; at < there->table.column_count; at++) {
        const char *name = there->table.columns[at];
        if (!is_configuration(&compare->options, name) || csv_table_column(&other->table, name) >= 0)
            continue;
        const char *shown = text_shown(name);
        for (size_t i = 1; i < there->count; i++)
            if (strcmp(there->rows[i]->fields[at], there->rows[0]->fields[at]) != 0)
                return support_error(error, COMPARE_ERROR_BYTES,
                                     "%.300s: configuration column %s varies there, but %.300s has no such column: "
                                     "they cannot be matched",
                                     there->table.path, shown, other->table.path);
        if (there->count > 0)
            support_list_add(&compare->notes, "configuration column %s is in %.300s only (always '%s')", shown,
                             there->table.path, text_shown(there->rows[0]->fields[at]));
    }
    return true;
}

/* The columns of the configuration that both files have, as keys of the three files. */
static bool find_columns(struct compare *compare, char *error)
{
    const struct csv_table *a = &compare->a.table, *b = &compare->b.table;
    if (!check_lonely_columns(compare, &compare->a, &compare->b, error) ||
        !check_lonely_columns(compare, &compare->b, &compare->a, error))
        return false;
    for (size_t i = 0; i < a->column_count; i++) {
        int there = csv_table_column(b, a->columns[i]);
        if (!is_configuration(&compare->options, a->columns[i]) || there < 0)
            continue;
        results_key_add(&compare->a_key, (int)i);
        results_key_add(&compare->b_key, there);
        results_key_add(&compare->noise_key, csv_table_column(&compare->noise.table, a->columns[i]));
    }
    results_key_look(&compare->a_key, &compare->a, &compare->b_key, &compare->b);
    return true;
}

/* ---- Rows. ---- */

/* Notes the rows of a file that cannot be used. */
static void note_unused(struct compare *compare, const struct results *results)
{
    const struct csv_table *table = &results->table;
    for (size_t i = 0; i < table->row_count; i++) {
        const struct csv_table_row *row = &table->rows[i];
        const char *column = results_is_of(table, row, compare->options.type) ? results_flaw(table, row) : NULL;
        if (column == NULL)
            continue;
        const char *value = results_total_text(table, row, column);
        support_list_add(&compare->notes, "%.300s:%u: %s is '%s': not used", table->path, row->line, column,
                         text_shown(value));
        compare->unused_count++;
        compare->failed_count += strcmp(value, "failed") == 0;
    }
}

/* The metric of a group's rows, their blocks and where they ran; empty fields are noted and left out. */
static bool read_values(struct compare *compare, const struct results *results, const struct results_group *group,
                        struct pairs_side *side, char *error)
{
    const struct csv_table *table = &results->table;
    int column = csv_table_column(table, compare->options.metric);
    int block = compare->options.blocks ? csv_table_column(table, compare->options.blocks) : -1;
    for (size_t i = 0; group != NULL && i < group->count; i++) {
        const struct csv_table_row *row = results->rows[group->rows[i]];
        const char *text = row->fields[column];
        double value;
        if (*text == '\0') {
            support_list_add(&compare->notes, "%.300s:%u: %s is empty: not used", table->path, row->line,
                             compare->options.metric);
            compare->unused_count++;
            continue;
        }
        if (!quantity_parse_f64(text, &value)) {
            return support_error(error, COMPARE_ERROR_BYTES,
                                 "%.300s:%u: %s is '%s': want a number, or an empty field if there is none",
                                 table->path, row->line, compare->options.metric, text_shown(text));
        }
        pairs_add(side, value, block >= 0 ? row->fields[block] : "", table, row);
    }
    return true;
}

/* ---- Judging. ---- */

/*
 * A/A noise of a configuration, measured in blocks of A A' A' A: as `size` blocks would show it. False if the file has
 * nothing of use about it. `row` is of file A.
 */
static bool noise_of(const struct compare *compare, const struct csv_table_row *row, size_t size, double *noise)
{
    const struct results *results = &compare->noise;
    const struct csv_table *table = &results->table;
    const struct compare_options *options = &compare->options;
    int metric = csv_table_column(table, options->metric), block = csv_table_column(table, options->blocks);
    SUPPORT_FREED double *values = support_alloc((results->count + 4) * sizeof(*values));
    SUPPORT_FREED struct statistics_block *blocks = support_alloc((results->count + 1) * sizeof(*blocks));
    const char *last = NULL;
    size_t count = 0, in_block = 0;
    for (size_t i = 0; i < results->count; i++) {
        const struct csv_table_row *here = results->rows[i];
        double value;
        if (!results_agree(&compare->noise_key, here, &compare->a_key, row) ||
            !quantity_parse_f64(here->fields[metric], &value))
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
    return !isnan(*noise);
}

/* All but the verdict, which needs the p of all configurations. */
static void measure(struct compare *compare, struct compare_row *row, struct pairs *pairs)
{
    const struct compare_options *options = &compare->options;
    const struct pairs_side *a = &pairs->a, *b = &pairs->b;
    double confidence = 1 - compare->alpha, measured = 0;
    pairs_make(pairs, options->blocks != NULL);
    compare->unused_count += pairs->far + pairs->alone;
    if (pairs->far > 0)
        support_list_add(&compare->notes,
                         "%zu rows ran on CPUs that were not as near to each other as the others': not used",
                         pairs->far);
    if (pairs->alone > 0)
        support_list_add(&compare->notes, "%zu rows have no neighbour of the same %s in the other file: not used",
                         pairs->alone, options->blocks);
    row->apart = pairs->apart;
    row->block_count = pairs->block_count;
    if (options->blocks) {
        statistics_block_ratio(pairs->blocks, pairs->block_count, confidence, &row->ratio, &row->interval);
        row->u_test = statistics_block_test(pairs->blocks, pairs->block_count);
    } else {
        statistics_median_ratio(a->values, a->count, b->values, b->count, confidence, &row->ratio, &row->interval);
        row->u_test = statistics_mann_whitney(a->values, a->count, b->values, b->count);
    }
    size_t size = options->noise_blocks > 0 ? options->noise_blocks : row->block_count;
    if (options->noise_path && size > 0 && !noise_of(compare, row->a, size, &measured)) {
        support_list_add(&compare->notes,
                         "%.300s: no whole block of A for the configuration of line %u: its noise is unknown",
                         options->noise_path, row->a->line);
        compare->unused_count++;
    }
    row->noise = fmax(options->noise, measured); /* fmax leaves out a NAN */
    row->bound = fmax(options->threshold, row->noise);
}

/* The verdicts on all matched rows, which come first. */
static void judge_all(struct compare *compare)
{
    SUPPORT_FREED double *plain = support_alloc((compare->matched_count + 1) * sizeof(double)),
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
}

/* A configuration that only one file has. */
static void judge_lonely(struct compare_row *row, struct pairs *pairs)
{
    struct pairs_side *side = row->a ? &pairs->a : &pairs->b;
    side->values = support_alloc((side->count + 1) * sizeof *side->values);
    for (size_t i = 0; i < side->count; i++)
        side->values[i] = side->runs[i].value;
    row->ratio = row->interval.low = row->interval.high = row->u_test.u = row->u_test.p = row->p_holm = NAN;
    row->verdict = VERDICT_INCONCLUSIVE;
    row->reason = row->a ? "only in A" : "only in B";
}

/* Adds the row of one configuration: a group of each file, NULL where a file has none. */
static bool match(struct compare *compare, const struct results_group *in_a, const struct results_group *in_b,
                  char *error)
{
    struct compare_row *row = &compare->rows[compare->row_count++];
    struct pairs pairs = {0};
    row->a = in_a ? compare->a.rows[in_a->rows[0]] : NULL;
    row->b = in_b ? compare->b.rows[in_b->rows[0]] : NULL;
    bool good = read_values(compare, &compare->a, in_a, &pairs.a, error) &&
                read_values(compare, &compare->b, in_b, &pairs.b, error);
    if (good && in_a && in_b)
        measure(compare, row, &pairs);
    else
        judge_lonely(row, &pairs);
    row->a_count = pairs.a.count;
    row->b_count = pairs.b.count;
    row->a_median = statistics_median(pairs.a.values, pairs.a.count);
    row->b_median = statistics_median(pairs.b.values, pairs.b.count);
    pairs_free(&pairs);
    return good;
}

/* ---- What would let rows match. ---- */

enum { APART_NAMED = 3 }; /* more columns of one family are named by a pattern */

/* How rows without a partner differ in a column: A's and B's have no text in common, or one, which is not empty. */
struct apart {
    bool disjoint, shared;
};

static struct apart apart_in(const struct compare *compare, int a_at, int b_at)
{
    struct apart apart = {.disjoint = true};
    const struct compare_row *rows = compare->rows + compare->matched_count, *end = compare->rows + compare->row_count;
    for (const struct compare_row *a = rows; a < end; a++)
        for (const struct compare_row *b = rows; a->a != NULL && b < end; b++)
            if (b->b != NULL && strcmp(a->a->fields[a_at], b->b->fields[b_at]) == 0) {
                apart.disjoint = false;
                apart.shared |= a->a->fields[a_at][0] != '\0';
            }
    return apart;
}

/* The columns in which they are disjoint, as --ignore takes them; those of a target's or workload's options, if there
 * are many, as opt_* or wl_*. */
static void apart_list(const struct compare *compare, struct support_text *ignore)
{
    static const char *const families[] = {"opt_", "wl_", ""};
    for (size_t family = 0; family < sizeof families / sizeof families[0]; family++) {
        SUPPORT_FREED struct support_text named = {0};
        unsigned count = 0;
        for (size_t i = 0; i < compare->a_key.count; i++) {
            int a_at = compare->a_key.columns[i].at, b_at = compare->b_key.columns[i].at;
            const char *name = compare->a.table.columns[a_at];
            bool of_earlier = strncmp(name, "opt_", 4) == 0 || strncmp(name, "wl_", 3) == 0;
            bool fits = families[family][0] == '\0' ? !of_earlier : strncmp(name, families[family], 3) == 0;
            if (!fits || !apart_in(compare, a_at, b_at).disjoint)
                continue;
            support_text_add(&named, " --ignore %s", name);
            count++;
        }
        if (families[family][0] != '\0' && count > APART_NAMED)
            support_text_add(ignore, " --ignore '%s*'", families[family]);
        else if (count > 0)
            support_text_add(ignore, "%s", named.text);
    }
}

/* Of two settings no row finds a partner, and the user wants to hear how they can be compared all the same. */
static void suggest(struct compare *compare)
{
    SUPPORT_FREED struct support_text ignore = {0};
    bool in_a = false, in_b = false;
    for (size_t i = compare->matched_count; i < compare->row_count; i++) {
        in_a |= compare->rows[i].a != NULL;
        in_b |= compare->rows[i].b != NULL;
    }
    if (!in_a || !in_b || compare->options.match != NULL)
        return;
    apart_list(compare, &ignore);
    if (ignore.bytes > 0)
        support_list_add(&compare->notes, "to compare A and B although they differ there, say%s", ignore.text);
    int a_at = csv_table_column(&compare->a.table, "label"), b_at = csv_table_column(&compare->b.table, "label");
    if (a_at >= 0 && b_at >= 0 && apart_in(compare, a_at, b_at).shared)
        support_list_add(&compare->notes,
                         "to compare rows of the same label, whatever else differs, say --match label");
}

/* Matched rows first, then A's, then B's; each as its file has them. */
static bool join(struct compare *compare, char *error)
{
    SUPPORT_ENDED_BY(results_groups_free)
    struct results_groups a = results_group(&compare->a, &compare->a_key, NULL, 0),
                          b = results_group(&compare->b, &compare->b_key, NULL, 0);
    SUPPORT_FREED const struct results_group **partners = support_alloc((a.count + 1) * sizeof(*partners));
    SUPPORT_FREED bool *taken = support_alloc(b.count + 1);
    bool good = true;
    compare->rows = support_alloc((a.count + b.count + 1) * sizeof(*compare->rows));
    compare->alpha = verdict_alpha(compare->options.looks);
    for (size_t i = 0; i < a.count; i++) {
        const struct csv_table_row *row = compare->a.rows[a.items[i].rows[0]];
        partners[i] = results_group_like(&b, &compare->b, &compare->b_key, row, &compare->a_key);
        if (partners[i] != NULL)
            taken[partners[i] - b.items] = true;
        compare->matched_count += partners[i] != NULL;
    }
    for (size_t i = 0; good && i < a.count; i++)
        good = partners[i] == NULL || match(compare, &a.items[i], partners[i], error);
    for (size_t i = 0; good && i < a.count; i++)
        good = partners[i] != NULL || match(compare, &a.items[i], NULL, error);
    for (size_t k = 0; good && k < b.count; k++)
        good = taken[k] || match(compare, NULL, &b.items[k], error);
    if (good) {
        judge_all(compare);
        suggest(compare);
    }
    return good;
}

/* Reads a file and refuses one that cannot be compared. */
static bool read_file(const struct compare *compare, struct results *results, const char *path, char *error)
{
    const struct csv_table *table = &results->table;
    if (!results_load(results, path, compare->options.type, error))
        return false;
    const struct compare_options *options = &compare->options;
    const char *const needed[] = {options->metric, options->match, options->blocks};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (needed[i] && !results_has(results, needed[i], error))
            return false;
    return table->row_count > 0 ||
           support_error(error, COMPARE_ERROR_BYTES, "%.300s: a header but no rows", table->path);
}

struct compare *compare_files(const char *a_path, const char *b_path, const struct compare_options *options,
                              char *error)
{
    struct compare *compare = support_alloc(sizeof(*compare));
    compare->options = *options;
    bool good = read_file(compare, &compare->a, a_path, error) && read_file(compare, &compare->b, b_path, error) &&
                (!options->noise_path || read_file(compare, &compare->noise, options->noise_path, error)) &&
                check_ignored(compare, error) && find_columns(compare, error);
    if (good) {
        note_unused(compare, &compare->a);
        note_unused(compare, &compare->b);
        good = join(compare, error);
    }
    if (good)
        return compare;
    compare_destroy(compare);
    return NULL;
}

void compare_destroy(struct compare *compare)
{
    if (!compare)
        return;
    support_list_free(&compare->notes);
    free(compare->rows);
    results_key_free(&compare->a_key);
    results_key_free(&compare->b_key);
    results_key_free(&compare->noise_key);
    results_free(&compare->a);
    results_free(&compare->b);
    results_free(&compare->noise);
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
