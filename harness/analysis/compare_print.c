/* compare_print.c - a comparison as a table for people, as CSV and as JSON; see compare.h. */
#include "harness/analysis/compare.h"

#include "harness/record/csv.h"
#include "harness/record/metadata.h"

/* The text of the i-th column of the configuration. */
static const char *field_of(const struct compare *compare, const struct compare_row *row, size_t i)
{
    return row->a ? row->a->fields[compare->a_key.columns[i].at] : row->b->fields[compare->b_key.columns[i].at];
}

static const char *name_of(const struct compare *compare, size_t i)
{
    return compare->a.table.columns[compare->a_key.columns[i].at];
}

/* ---- For people. ---- */

static void print_row(const struct compare_row *row, const char *name, int width, FILE *file)
{
    const char *ratio = isnan(row->ratio) ? "-" : support_short("%.4f", row->ratio),
               *p = isnan(row->u_test.p) ? "-" : support_short("%.2g", row->u_test.p),
               *holm = isnan(row->u_test.p) ? "-" : support_short("%.2g", row->p_holm), *interval = "-";
    if (!isnan(row->interval.low))
        interval = support_short("%.4f..%.4f: %g%%", row->interval.low, row->interval.high,
                                 statistics_coverage_percent(row->interval));
    fprintf(file, "%-*s  %12.6g  %12.6g  %8s  %-23s  %8s  %8s  %5.2f%%  %3zu/%-3zu  %s%s%s\n", width, name,
            row->a_median, row->b_median, ratio, interval, p, holm, 100 * row->bound, row->a_count, row->b_count,
            verdict_names[row->verdict], *row->reason ? ": " : "", row->reason);
}

void compare_print_table(const struct compare *compare, FILE *file)
{
    const struct compare_options *options = &compare->options;
    SUPPORT_ENDED_BY(support_list_free) struct support_list names = {0};
    int width = (int)strlen("configuration");
    size_t verdicts[VERDICT_INCONCLUSIVE + 1] = {0};
    for (size_t i = 0; i < compare->row_count; i++) {
        const struct compare_row *row = &compare->rows[i];
        SUPPORT_FREED char *name = row->a ? results_label(&compare->a_key, &compare->a.table, row->a)
                                          : results_label(&compare->b_key, &compare->b.table, row->b);
        support_list_add(&names, "%s", name);
        if (i < compare->matched_count && (int)strlen(name) > width)
            width = (int)strlen(name);
    }

    fprintf(file, "A: %s\nB: %s\nmetric: %s (%s is better), compared %s\n", compare->a.table.path,
            compare->b.table.path, options->metric, options->lower_is_better ? "lower" : "higher",
            options->blocks ? "within blocks of runs side by side" : "as two sets of runs");
    fprintf(file,
            "slower or faster: p, corrected for %zu configuration%s (Holm), is at most %.2g, the interval excludes 1, "
            "and B/A is beyond the bound\n\n",
            compare->matched_count, compare->matched_count == 1 ? "" : "s", compare->alpha);
    if (compare->matched_count > 0)
        fprintf(file, "%-*s  %12s  %12s  %8s  %-23s  %8s  %8s  %6s  %7s  %s\n", width, "configuration", "median A",
                "median B", "B/A", "interval: coverage", "p", "p (Holm)", "bound", "n A/B", "verdict");
    for (size_t i = 0; i < compare->matched_count; i++) {
        print_row(&compare->rows[i], names.items[i], width, file);
        verdicts[compare->rows[i].verdict]++;
    }
    for (size_t i = compare->matched_count; i < compare->row_count; i++) {
        const struct compare_row *row = &compare->rows[i];
        fprintf(file, "%sonly in %s (line %u, %zu repetition%s): %s\n", i == compare->matched_count ? "\n" : "",
                row->a ? compare->a.table.path : compare->b.table.path, row->a ? row->a->line : row->b->line,
                row->a_count + row->b_count, row->a_count + row->b_count == 1 ? "" : "s", names.items[i]);
    }
    for (size_t i = 0; i < compare->notes.count; i++)
        fprintf(file, "%snote: %s\n", i == 0 ? "\n" : "", compare->notes.items[i]);
    if (compare->failed_count > 0)
        fprintf(file, "\n%zu row%s failed a correctness check: no speed of such a program means anything\n",
                compare->failed_count, compare->failed_count == 1 ? "" : "s");
    fprintf(file, "\n%zu compared: %zu slower, %zu faster, %zu same, %zu inconclusive; %zu not matched\n",
            compare->matched_count, verdicts[VERDICT_SLOWER], verdicts[VERDICT_FASTER], verdicts[VERDICT_SAME],
            verdicts[VERDICT_INCONCLUSIVE], compare->row_count - compare->matched_count);
}

/* ---- For programs. ---- */

/* What was measured of a configuration, in order; NAN: there is none. */
enum { NUMBERS = 9 };
struct number {
    const char *name;
    double value;
};

static void numbers_of(const struct compare_row *row, struct number numbers[NUMBERS])
{
    const struct number all[NUMBERS] = {{"a_median", row->a_median},
                                        {"b_median", row->b_median},
                                        {"ratio", row->ratio},
                                        {"ratio_low", row->interval.low},
                                        {"ratio_high", row->interval.high},
                                        {"coverage", isnan(row->interval.low) ? NAN : row->interval.coverage},
                                        {"u", row->u_test.u},
                                        {"p", row->u_test.p},
                                        {"p_holm", row->p_holm}};
    memcpy(numbers, all, sizeof all);
}

void compare_print_csv(const struct compare *compare, FILE *file)
{
    struct number numbers[NUMBERS];
    SUPPORT_FREED struct support_text text = {0};
    results_varying_csv(&compare->a_key, compare->a.table.columns, &text);
    support_text_add(&text, "metric,a_count,b_count,a_median,b_median,ratio,ratio_low,ratio_high,coverage,u,p,p_holm,"
                            "u_exact,alpha,noise,bound,verdict,reason\n");
    for (size_t i = 0; i < compare->row_count; i++) {
        const struct compare_row *row = &compare->rows[i];
        results_varying_csv(row->a ? &compare->a_key : &compare->b_key, (row->a ? row->a : row->b)->fields, &text);
        csv_field_add(&text, compare->options.metric);
        support_text_add(&text, ",%zu,%zu", row->a_count, row->b_count);
        numbers_of(row, numbers);
        for (size_t k = 0; k < NUMBERS; k++)
            csv_number_add(&text, 12, numbers[k].value);
        bool matched = i < compare->matched_count;
        support_text_add(&text, ",%s", isnan(row->u_test.p) ? "" : row->u_test.exact ? "1" : "0");
        csv_number_add(&text, 12, matched ? compare->alpha : NAN);
        csv_number_add(&text, 12, matched ? row->noise : NAN);
        csv_number_add(&text, 12, matched ? row->bound : NAN);
        support_text_add(&text, ",%s,", matched ? verdict_names[row->verdict] : "unmatched");
        csv_field_add(&text, row->reason);
        support_text_add(&text, "\n");
    }
    (void)fputs(text.text, file);
}

static json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_configuration(const struct compare *compare, const struct compare_row *row, bool varying)
{
    json_t *object = json_object();
    for (size_t i = 0; i < compare->a_key.count; i++)
        if (compare->a_key.columns[i].varies == varying)
            json_object_set_new(object, name_of(compare, i), metadata_json_text(field_of(compare, row, i)));
    return object;
}

static json_t *json_row(const struct compare *compare, const struct compare_row *row)
{
    struct number numbers[NUMBERS];
    json_t *object = json_pack("{s:o, s:I, s:I}", "configuration", json_configuration(compare, row, true), "a_count",
                               (json_int_t)row->a_count, "b_count", (json_int_t)row->b_count);
    numbers_of(row, numbers);
    for (size_t i = 0; i < NUMBERS; i++)
        json_object_set_new(object, numbers[i].name, json_number(numbers[i].value));
    json_t *verdict =
        json_pack("{s:b, s:o, s:o, s:s, s:s}", "u_exact", row->u_test.exact, "noise", json_number(row->noise), "bound",
                  json_number(row->bound), "verdict", verdict_names[row->verdict], "reason", row->reason);
    json_object_update_new(object, verdict);
    return object;
}

static json_t *json_unmatched(const struct compare *compare, const struct compare_row *row)
{
    return json_pack(
        "{s:o, s:i, s:I, s:o}", "file", metadata_json_text(row->a ? compare->a.table.path : compare->b.table.path),
        "line", (int)(row->a ? row->a->line : row->b->line), "repetitions", (json_int_t)(row->a_count + row->b_count),
        "configuration", json_configuration(compare, row, true));
}

void compare_print_json(const struct compare *compare, FILE *file)
{
    const struct compare_options *options = &compare->options;
    json_t *rows = json_array(), *unmatched = json_array(), *notes = json_array();
    for (size_t i = 0; i < compare->row_count; i++)
        if (i < compare->matched_count)
            json_array_append_new(rows, json_row(compare, &compare->rows[i]));
        else
            json_array_append_new(unmatched, json_unmatched(compare, &compare->rows[i]));
    for (size_t i = 0; i < compare->notes.count; i++)
        json_array_append_new(notes, metadata_json_text(compare->notes.items[i]));
    json_t *root = json_pack(
        "{s:o, s:o, s:o, s:b, s:o, s:o, s:f, s:f, s:o, s:I, s:I, s:I, s:i, s:i, s:o, s:o, s:o, s:o}", "a",
        metadata_json_text(compare->a.table.path), "b", metadata_json_text(compare->b.table.path), "metric",
        metadata_json_text(options->metric), "lower_is_better", options->lower_is_better, "threshold",
        json_number(options->threshold), "noise", json_number(options->noise), "confidence", 1 - compare->alpha,
        "alpha", compare->alpha, "blocks", options->blocks ? metadata_json_text(options->blocks) : json_null(), "looks",
        (json_int_t)options->looks, "seed", (json_int_t)options->seed, "failed_checks",
        (json_int_t)compare->failed_count, "exit", (int)compare_exit(compare, false), "exit_strict",
        (int)compare_exit(compare, true), "configuration",
        compare->row_count ? json_configuration(compare, &compare->rows[0], false) : json_object(), "rows", rows,
        "unmatched", unmatched, "notes", notes);
    json_dumpf(root, file, JSON_INDENT(2));
    putc('\n', file);
    json_decref(root);
}
