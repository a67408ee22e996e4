/* settings.c - see settings.h. */
#define _GNU_SOURCE /* qsort_r */
#include "harness/analysis/settings.h"

#include "harness/analysis/pairs.h"
#include "harness/analysis/verdict.h"
#include "harness/common/quantity.h"
#include "harness/record/columns.h"

#define THROUGHPUT "throughput_txn_per_s"

/* ---- Which rows belong together. ---- */

/* The target, or an option of it: what settings differ in. */
static bool is_option(const char *column)
{
    return strcmp(column, "target") == 0 || strncmp(column, "opt_", 4) == 0;
}

/* The columns of the configuration that are options (or, without `options`, the rest), and what varies in them. */
static struct results_key key_of(const struct results *set, bool options)
{
    struct results_key key = {0};
    if (options)
        results_key_add(&key, csv_table_column(&set->table, "label"));
    for (size_t i = 0; i < set->table.column_count; i++)
        if (column_is_configuration(set->table.columns[i]) && is_option(set->table.columns[i]) == options)
            results_key_add(&key, (int)i);
    results_key_look(&key, set, NULL, NULL);
    return key;
}

/* The label; where another setting has it too, with the options in which those of that label differ. */
static char *name_of(const struct settings *settings, const struct setting *setting)
{
    const struct results *set = settings->set;
    struct support_text name = {0};
    support_text_add(&name, "%s", setting->label);
    for (size_t i = 0; i < set->table.column_count; i++) {
        const char *column = set->table.columns[i], *text = set->rows[setting->rows[0]]->fields[i];
        bool differs = false;
        for (size_t k = 0; is_option(column) && k < settings->count; k++)
            differs |= strcmp(settings->items[k].label, setting->label) == 0 &&
                       strcmp(set->rows[settings->items[k].rows[0]]->fields[i], text) != 0;
        if (differs)
            support_text_add(&name, " %s=%s", strncmp(column, "opt_", 4) == 0 ? column + 4 : column, text);
    }
    return name.text;
}

/* The texts of what differs between this group and others, without what only another workload has. */
static char *heading_of(const struct results *set, const struct results_key *key, size_t row)
{
    struct support_text text = {0};
    support_text_add(&text, "%s", "");
    for (size_t i = 0; i < key->count; i++) {
        const char *column = set->table.columns[key->columns[i].at], *here = set->rows[row]->fields[key->columns[i].at];
        if (key->columns[i].telling && *here != '\0')
            support_text_add(&text, "%s%s %s", text.bytes > 0 ? ", " : "",
                             strncmp(column, "wl_", 3) == 0 ? column + 3 : column, here);
    }
    return text.text;
}

size_t settings_numbers(const struct settings *settings, const struct setting *setting, const char *column,
                        double *values)
{
    return results_numbers(settings->set, setting->rows, setting->row_count, column, values);
}

/* In the order of the job file, others as they came. */
static int by_place(const void *left, const void *right, void *order)
{
    const struct setting *a = left, *b = right;
    size_t place_a = support_list_place(order, a->label), place_b = support_list_place(order, b->label);
    return place_a != place_b ? (place_a > place_b) - (place_a < place_b)
                              : (a->rows[0] > b->rows[0]) - (a->rows[0] < b->rows[0]);
}

/* The settings of one group: of rows that agree in all but the options. */
static struct settings settings_with(const struct results *set, const struct results_group *group,
                                     const struct results_key *rest, const struct results_key *options, char **order)
{
    struct settings settings = {.set = set, .heading = heading_of(set, rest, group->rows[0])};
    SUPPORT_FREED double *values = support_alloc((group->count + 1) * sizeof(*values));
    settings.groups = results_group(set, options, group->rows, group->count);
    settings.count = settings.groups.count;
    settings.items = support_alloc((settings.count + 1) * sizeof(*settings.items));
    for (size_t i = 0; i < settings.count; i++)
        settings.items[i] = (struct setting){.label = results_text(set, settings.groups.items[i].rows[0], "label"),
                                             .row_count = settings.groups.items[i].count,
                                             .rows = settings.groups.items[i].rows};
    qsort_r(settings.items, settings.count, sizeof(*settings.items), by_place, order);
    for (size_t i = 0; i < settings.count; i++) {
        struct setting *setting = &settings.items[i];
        setting->name = name_of(&settings, setting);
        setting->median = statistics_median(values, settings_numbers(&settings, setting, THROUGHPUT, values));
    }
    return settings;
}

struct settings *settings_of(const struct results *set, char **order, size_t *count)
{
    SUPPORT_ENDED_BY(results_key_free) struct results_key rest = key_of(set, false), options = key_of(set, true);
    SUPPORT_FREED size_t *rows = support_alloc((set->count + 1) * sizeof(*rows));
    size_t row_count = 0;
    double unused;
    for (size_t row = 0; row < set->count; row++)
        if (quantity_parse_f64(results_text(set, row, THROUGHPUT), &unused))
            rows[row_count++] = row;
    struct results_groups groups = results_group(set, &rest, rows, row_count);
    struct settings *all = support_alloc((groups.count + 1) * sizeof(*all));
    *count = groups.count;
    for (size_t i = 0; i < groups.count; i++)
        all[i] = settings_with(set, &groups.items[i], &rest, &options, order);
    results_groups_free(&groups);
    return all;
}

void settings_free(struct settings *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < all[i].count; k++)
            free(all[i].items[k].name);
        results_groups_free(&all[i].groups);
        free(all[i].items);
        free(all[i].heading);
    }
    free(all);
}

/* ---- Differences within rounds. ---- */

static void runs_add(const struct settings *settings, const struct setting *setting, struct pairs_side *side)
{
    const struct results *set = settings->set;
    double value;
    for (size_t i = 0; i < setting->row_count; i++)
        if (quantity_parse_f64(results_text(set, setting->rows[i], THROUGHPUT), &value))
            pairs_add(side, value, results_text(set, setting->rows[i], "repetition"), &set->table,
                      set->rows[setting->rows[i]]);
}

static struct settings_difference difference_of(const struct settings *settings, size_t base, size_t other)
{
    struct settings_difference d = {.ratio = NAN, .p = NAN, .p_holm = NAN};
    struct pairs pairs = {0};
    runs_add(settings, &settings->items[base], &pairs.a);
    runs_add(settings, &settings->items[other], &pairs.b);
    pairs_make(&pairs, true);
    d.rounds = pairs.block_count;
    d.left_out = pairs.common - pairs.block_count;
    statistics_block_ratio(pairs.blocks, d.rounds, 1 - VERDICT_ALPHA, &d.ratio, &d.interval);
    d.p = statistics_block_test(pairs.blocks, d.rounds).p;
    pairs_free(&pairs);
    return d;
}

void settings_compare(const struct settings *settings, size_t base, struct settings_difference *differences)
{
    SUPPORT_FREED double *p = support_alloc((settings->count + 1) * sizeof(*p)),
                         *holm = support_alloc((settings->count + 1) * sizeof(*holm));
    for (size_t i = 0; i < settings->count; i++) {
        differences[i] = i == base
                             ? (struct settings_difference){.ratio = 1, .interval = {1, 1, 1}, .p = NAN, .p_holm = NAN}
                             : difference_of(settings, base, i);
        p[i] = differences[i].p;
    }
    statistics_holm(p, settings->count, holm);
    for (size_t i = 0; i < settings->count; i++) {
        struct settings_difference *d = &differences[i];
        d->p_holm = holm[i];
        d->beyond_noise = (d->interval.low > 1 || d->interval.high < 1) && holm[i] <= VERDICT_ALPHA;
    }
}

/* The rounds below which nothing can be beyond noise: each halves the chance that all of them agree. */
static size_t rounds_needed(const struct settings *settings)
{
    size_t rounds = 1;
    for (double p = (double)(settings->count - 1); p > VERDICT_ALPHA; p /= 2)
        rounds++;
    return rounds;
}

const char *settings_noise_text(const struct settings *settings, const struct settings_difference *d)
{
    size_t needed = rounds_needed(settings);
    if (d->beyond_noise)
        return "beyond noise";
    if (d->rounds == 0 && d->left_out > 0)
        return "never on the same CPUs: cannot be told";
    if (d->rounds >= needed)
        return "within noise";
    return support_short("too few repetitions to tell: %zu, and it takes %zu", d->rounds, needed);
}

/* ---- The verdict. ---- */

/* The largest ratio to the first; without ratios the largest median. */
static size_t best_of(const struct settings *settings, const struct settings_difference *to_first)
{
    size_t best = 0;
    bool ratios = true;
    for (size_t i = 0; i < settings->count; i++)
        ratios = ratios && !isnan(to_first[i].ratio);
    for (size_t i = 1; i < settings->count; i++)
        if (ratios ? to_first[i].ratio > to_first[best].ratio
                   : settings->items[i].median > settings->items[best].median)
            best = i;
    return best;
}

/* "+3.2% against NAME (97.8% interval +1.0% to +5.5%): beyond noise" */
static void difference_add(struct support_text *text, const struct settings *settings, size_t other,
                           const struct settings_difference *d)
{
    support_text_add(text, "%s against %s (%s): %s", statistics_ratio_text(d->ratio), settings->items[other].name,
                     statistics_interval_text(d->interval), settings_noise_text(settings, d));
}

/* B against A from A against B. */
static struct settings_difference turned(struct settings_difference d)
{
    struct settings_difference other = d;
    other.ratio = 1 / d.ratio;
    other.interval.low = 1 / d.interval.high;
    other.interval.high = 1 / d.interval.low;
    return other;
}

/* Compares all with the best one; returns the one that is nearest to it, or even ahead of it. */
static size_t next_to(const struct settings *settings, size_t best, struct settings_difference *to)
{
    size_t next = best == 0;
    settings_compare(settings, best, to);
    for (size_t i = 0; i < settings->count; i++)
        if (i != best && to[i].ratio > to[next].ratio)
            next = i;
    return next;
}

char *settings_verdict(const struct settings *settings)
{
    SUPPORT_FREED struct settings_difference *to = support_alloc((settings->count + 1) * sizeof(*to));
    settings_compare(settings, 0, to);
    size_t best = best_of(settings, to), next = next_to(settings, best, to);
    /* Who is furthest ahead of the first one may be behind another one, in few rounds even in a circle. */
    for (size_t i = 0; i < settings->count && to[next].ratio > 1; i++) {
        best = next;
        next = next_to(settings, best, to);
    }
    struct settings_difference lead = turned(to[next]);
    struct support_text text = {0};
    if (lead.beyond_noise && lead.ratio > 1)
        support_text_add(&text, "%s wins: ", settings->items[best].name);
    else
        support_text_add(&text, "No winner beyond noise. %s %s: ", settings->items[best].name,
                         lead.ratio < 1 ? "is ahead of some, but not of all" : "is ahead");
    difference_add(&text, settings, next, &lead);
    if (best != 0 && next != 0) {
        const struct settings_difference to_first = turned(to[0]);
        support_text_add(&text, "; ");
        difference_add(&text, settings, 0, &to_first);
    }
    support_text_add(&text, ".");
    if (to[next].left_out > 0)
        support_text_add(&text, " %zu rounds are left out: the two ran on CPUs that were not equally near.",
                         to[next].left_out);
    return text.text;
}

void settings_print(FILE *file, const struct results *set, char **order)
{
    size_t count;
    struct settings *all = settings_of(set, order, &count);
    for (size_t i = 0; i < count; i++) {
        if (all[i].count < 2)
            continue;
        SUPPORT_FREED char *verdict = settings_verdict(&all[i]);
        (void)fprintf(file, "%s%s%s\n", all[i].heading, all[i].heading[0] == '\0' ? "" : ": ", verdict);
    }
    settings_free(all, count);
}
