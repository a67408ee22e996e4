/* settings.c - see settings.h. */
#include "harness/analysis/settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/analysis/repetitions.h"
#include "harness/analysis/verdict.h"
#include "harness/common/quantity.h"
#include "harness/common/support.h"
#include "harness/machine/proximity.h"

#define THROUGHPUT "throughput_txn_per_s"

/* ---- Which rows belong together. ---- */

/* An option of the engine or of another target: what settings differ in. */
static bool is_option(const char *column)
{
    return strncmp(column, "opt_", 4) == 0 || strcmp(column, "other_settings") == 0;
}

/* Whether two rows of the set agree in the options (or, without `options`, in the rest) of their configuration. */
static bool agree(const struct results *set, size_t a, size_t b, bool options)
{
    for (size_t i = 0; i < set->table.column_count; i++) {
        const char *column = set->table.columns[i];
        if (repetitions_is_configuration(column) && is_option(column) == options &&
            strcmp(set->rows[a]->fields[i], set->rows[b]->fields[i]) != 0)
            return false;
    }
    return true;
}

static size_t rank_in(const char *const *order, const char *label)
{
    size_t rank = 0;
    while (order && order[rank] && strcmp(order[rank], label) != 0)
        rank++;
    return rank;
}

static struct setting *setting_of(struct settings *settings, size_t row)
{
    const char *label = results_text(settings->set, row, "label");
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->items[i].label, label) == 0 && agree(settings->set, settings->items[i].rows[0], row, true))
            return &settings->items[i];
    settings->items = support_realloc(settings->items, (settings->count + 1) * sizeof(*settings->items));
    settings->items[settings->count] = (struct setting){
        .label = label, .rows = support_alloc((settings->set->count + 1) * sizeof(size_t)), .median = NAN};
    return &settings->items[settings->count++];
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

/* The texts of what differs between this group and others. */
static char *heading_of(const struct results *set, size_t row)
{
    struct support_text text = {0};
    support_text_add(&text, "%s", "");
    for (size_t i = 0; i < set->table.column_count; i++) {
        const char *column = set->table.columns[i], *here = set->rows[row]->fields[i];
        bool varies = false;
        if (!repetitions_is_configuration(column) || is_option(column) || *here == '\0')
            continue;
        for (size_t other = 0; other < set->count; other++)
            varies |= strcmp(set->rows[other]->fields[i], here) != 0;
        if (varies)
            support_text_add(&text, "%s%s %s", text.bytes > 0 ? ", " : "",
                             strncmp(column, "wl_", 3) == 0 ? column + 3 : column, here);
    }
    return text.text;
}

static size_t throughputs(const struct settings *settings, const struct setting *setting, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < setting->row_count; i++)
        if (quantity_parse_f64(results_text(settings->set, setting->rows[i], THROUGHPUT), &values[count]))
            count++;
    return count;
}

/* The settings in the order of the job file, others as they came. */
static void put_in_order(struct settings *settings, const char *const *order)
{
    for (size_t i = 1; i < settings->count; i++)
        for (size_t k = i;
             k > 0 && rank_in(order, settings->items[k].label) < rank_in(order, settings->items[k - 1].label); k--) {
            struct setting swapped = settings->items[k];
            settings->items[k] = settings->items[k - 1];
            settings->items[k - 1] = swapped;
        }
}

static struct settings settings_with(const struct results *set, size_t first, bool *seen, const char *const *order)
{
    struct settings settings = {.set = set, .heading = heading_of(set, first)};
    double *values = support_alloc((set->count + 1) * sizeof(*values)), unused;
    for (size_t row = first; row < set->count; row++) {
        if (seen[row] || !agree(set, first, row, false))
            continue;
        seen[row] = true;
        if (!quantity_parse_f64(results_text(set, row, THROUGHPUT), &unused))
            continue;
        struct setting *setting = setting_of(&settings, row);
        setting->rows[setting->row_count++] = row;
    }
    put_in_order(&settings, order);
    for (size_t i = 0; i < settings.count; i++) {
        settings.items[i].name = name_of(&settings, &settings.items[i]);
        settings.items[i].median = statistics_median(values, throughputs(&settings, &settings.items[i], values));
    }
    free(values);
    return settings;
}

struct settings *settings_of(const struct results *set, const char *const *order, size_t *count)
{
    bool *seen = support_alloc(set->count + 1);
    struct settings *all = support_alloc((set->count + 1) * sizeof(*all));
    *count = 0;
    for (size_t row = 0; row < set->count; row++)
        if (!seen[row])
            all[(*count)++] = settings_with(set, row, seen, order);
    free(seen);
    return all;
}

void settings_free(struct settings *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < all[i].count; k++) {
            free(all[i].items[k].name);
            free(all[i].items[k].rows);
        }
        free(all[i].items);
        free(all[i].heading);
    }
    free(all);
}

bool settings_any(const struct settings *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].count >= 2)
            return true;
    return false;
}

/* ---- Differences within rounds. ---- */

/* Whether the two runs were of one round and on the same CPUs; *left_out counts those that were not on the same. */
static bool side_by_side(const struct results *set, size_t a, size_t b, size_t *left_out)
{
    struct proximity_span of_a, of_b;
    if (strcmp(results_text(set, a, "repetition"), results_text(set, b, "repetition")) != 0)
        return false;
    proximity_read(&set->table, set->rows[a], &of_a);
    proximity_read(&set->table, set->rows[b], &of_b);
    bool same = proximity_same(&of_a, &of_b);
    *left_out += !same;
    return same;
}

static struct settings_difference difference_of(const struct settings *settings, size_t base, size_t other)
{
    const struct results *set = settings->set;
    const struct setting *a = &settings->items[base], *b = &settings->items[other];
    struct settings_difference d = {.ratio = NAN, .p = NAN, .p_holm = NAN};
    size_t room = a->row_count < b->row_count ? a->row_count : b->row_count;
    double *values = support_alloc(2 * (room + 1) * sizeof(*values));
    struct statistics_block *blocks = support_alloc((room + 1) * sizeof(*blocks));
    bool *used = support_alloc(b->row_count + 1);
    for (size_t i = 0; i < a->row_count; i++)
        for (size_t k = 0; k < b->row_count; k++) {
            double *pair = &values[2 * d.rounds];
            if (used[k] || !side_by_side(set, a->rows[i], b->rows[k], &d.left_out))
                continue;
            (void)quantity_parse_f64(results_text(set, a->rows[i], THROUGHPUT), &pair[0]);
            (void)quantity_parse_f64(results_text(set, b->rows[k], THROUGHPUT), &pair[1]);
            blocks[d.rounds++] = (struct statistics_block){&pair[0], &pair[1], 1, 1};
            used[k] = true;
            break;
        }
    statistics_block_ratio(blocks, d.rounds, 1 - VERDICT_ALPHA, &d.ratio, &d.interval);
    d.p = statistics_block_test(blocks, d.rounds).p;
    free(used);
    free(blocks);
    free(values);
    return d;
}

void settings_compare(const struct settings *settings, size_t base, struct settings_difference *differences)
{
    double *p = support_alloc((settings->count + 1) * sizeof(*p)),
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
    free(p);
    free(holm);
}

/* The rounds below which nothing can be beyond noise: each halves the chance that all of them agree. */
static size_t rounds_needed(const struct settings *settings)
{
    size_t rounds = 1;
    for (double p = (double)(settings->count - 1); p > VERDICT_ALPHA; p /= 2)
        rounds++;
    return rounds;
}

const char *settings_noise_text(const struct settings *settings, const struct settings_difference *d, char *text)
{
    size_t needed = rounds_needed(settings);
    if (d->beyond_noise)
        (void)snprintf(text, SETTINGS_NOISE_BYTES, "beyond noise");
    else if (d->rounds == 0 && d->left_out > 0)
        (void)snprintf(text, SETTINGS_NOISE_BYTES, "never on the same CPUs: cannot be told");
    else if (d->rounds < needed)
        (void)snprintf(text, SETTINGS_NOISE_BYTES, "too few repetitions to tell: %zu, and it takes %zu", d->rounds,
                       needed);
    else
        (void)snprintf(text, SETTINGS_NOISE_BYTES, "within noise");
    return text;
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
    char ratio[STATISTICS_TEXT_BYTES], interval[STATISTICS_TEXT_BYTES], noise[SETTINGS_NOISE_BYTES];
    support_text_add(text, "%s against %s (%s): %s", statistics_ratio_text(d->ratio, ratio),
                     settings->items[other].name, statistics_interval_text(d->interval, interval),
                     settings_noise_text(settings, d, noise));
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

char *settings_verdict(const struct settings *settings)
{
    struct settings_difference *to = support_alloc((settings->count + 1) * sizeof(*to));
    settings_compare(settings, 0, to);
    size_t best = best_of(settings, to), next = best == 0;
    struct settings_difference to_first = to[best];
    settings_compare(settings, best, to); /* the others against the best: below 1 */
    for (size_t i = 0; i < settings->count; i++)
        if (i != best && to[i].ratio > to[next].ratio)
            next = i;
    struct settings_difference lead = turned(to[next]);
    struct support_text text = {0};
    if (lead.beyond_noise)
        support_text_add(&text, "%s wins: ", settings->items[best].name);
    else
        support_text_add(&text, "No winner beyond noise. %s is ahead: ", settings->items[best].name);
    difference_add(&text, settings, next, &lead);
    if (best != 0 && next != 0) {
        support_text_add(&text, "; ");
        difference_add(&text, settings, 0, &to_first);
    }
    support_text_add(&text, ".");
    if (to[next].left_out > 0)
        support_text_add(&text, " %zu rounds are left out: the two ran on CPUs that were not equally near.",
                         to[next].left_out);
    free(to);
    return text.text;
}

void settings_print(FILE *file, const struct results *set, const char *const *order)
{
    size_t count;
    struct settings *all = settings_of(set, order, &count);
    for (size_t i = 0; i < count; i++) {
        if (all[i].count < 2)
            continue;
        char *verdict = settings_verdict(&all[i]);
        (void)fprintf(file, "%s%s%s\n", all[i].heading, all[i].heading[0] == '\0' ? "" : ": ", verdict);
        free(verdict);
    }
    settings_free(all, count);
}
