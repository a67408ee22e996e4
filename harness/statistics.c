/* statistics.c - see statistics.h. */
#include "harness/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/support.h"

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double *sorted_copy(const double *values, size_t count)
{
    double *copy = support_alloc(count * sizeof(*copy));
    memcpy(copy, values, count * sizeof(*copy));
    qsort(copy, count, sizeof(*copy), ascending);
    return copy;
}

double statistics_quantile(const double *sorted, size_t count, double quantile)
{
    double place = quantile * (double)(count - 1);
    size_t below = (size_t)place;
    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

double statistics_median(const double *values, size_t count)
{
    if (count == 0)
        return NAN;
    double *sorted = sorted_copy(values, count);
    double median = statistics_quantile(sorted, count, 0.5);
    free(sorted);
    return median;
}

/* ---- Bootstrap. ---- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t draw(uint64_t *state, size_t count)
{
    return (size_t)(((unsigned __int128)next_random(state) * count) >> 64);
}

/* The median of `draws` draws with replacement from `count` ascending values. Drawing places instead of values, and
 * counting how often each came, gives the draws in order without a sort. */
static double resampled_median(const double *sorted, size_t count, size_t draws, uint32_t *times, uint64_t *state)
{
    memset(times, 0, count * sizeof(*times));
    for (size_t i = 0; i < draws; i++)
        times[draw(state, count)]++;
    size_t lower = (draws - 1) / 2, upper = draws / 2, seen = 0, i = 0;
    while (seen + times[i] <= lower)
        seen += times[i++];
    double low = sorted[i];
    while (seen + times[i] <= upper)
        seen += times[i++];
    return (low + sorted[i]) / 2;
}

static struct statistics_interval ends(double *values, size_t count, double confidence)
{
    qsort(values, count, sizeof(*values), ascending);
    double tail = (1 - confidence) / 2;
    return (struct statistics_interval){statistics_quantile(values, count, tail),
                                        statistics_quantile(values, count, 1 - tail)};
}

static struct statistics_interval median_interval(const double *sorted, size_t count, double confidence, uint64_t seed)
{
    if (count < 2)
        return (struct statistics_interval){NAN, NAN};
    double *medians = support_alloc(STATISTICS_RESAMPLES * sizeof(*medians));
    uint32_t *times = support_alloc(count * sizeof(*times));
    for (size_t i = 0; i < STATISTICS_RESAMPLES; i++)
        medians[i] = resampled_median(sorted, count, count, times, &seed);
    struct statistics_interval interval = ends(medians, STATISTICS_RESAMPLES, confidence);
    free(times);
    free(medians);
    return interval;
}

void statistics_median_ratio(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
                             uint64_t seed, double *ratio, struct statistics_interval *interval)
{
    *ratio = NAN;
    *interval = (struct statistics_interval){NAN, NAN};
    if (a_count == 0 || b_count == 0)
        return;

    double *a_sorted = sorted_copy(a, a_count), *b_sorted = sorted_copy(b, b_count);
    double a_median = statistics_quantile(a_sorted, a_count, 0.5),
           b_median = statistics_quantile(b_sorted, b_count, 0.5);
    if (a_median > 0 && b_median > 0) {
        *ratio = b_median / a_median;
        if (a_count > 1 && b_count > 1) {
            double *ratios = support_alloc(STATISTICS_RESAMPLES * sizeof(*ratios));
            uint32_t *times = support_alloc((a_count > b_count ? a_count : b_count) * sizeof(*times));
            for (size_t i = 0; i < STATISTICS_RESAMPLES; i++) {
                double divisor = resampled_median(a_sorted, a_count, a_count, times, &seed);
                double dividend = resampled_median(b_sorted, b_count, b_count, times, &seed);
                ratios[i] = divisor > 0 ? dividend / divisor : HUGE_VAL;
            }
            *interval = ends(ratios, STATISTICS_RESAMPLES, confidence);
            free(times);
            free(ratios);
        }
    }
    free(b_sorted);
    free(a_sorted);
}

/* ---- Summary. ---- */

static bool beyond_fence(const struct statistics_summary *summary, double value)
{
    double reach = 1.5 * (summary->q3 - summary->q1);
    return value < summary->q1 - reach || value > summary->q3 + reach;
}

bool statistics_summarize(const double *values, size_t count, uint64_t seed, struct statistics_summary *summary)
{
    memset(summary, 0, sizeof(*summary));
    if (count == 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;

    double *sorted = sorted_copy(values, count);
    summary->count = count;
    for (size_t i = 0; i < count; i++)
        summary->mean += sorted[i] / (double)count;
    summary->min = sorted[0];
    summary->max = sorted[count - 1];
    summary->median = statistics_quantile(sorted, count, 0.5);
    summary->q1 = statistics_quantile(sorted, count, 0.25);
    summary->q3 = statistics_quantile(sorted, count, 0.75);
    summary->median_95 = median_interval(sorted, count, 0.95, seed);
    for (size_t i = 0; i < count; i++)
        summary->outliers += beyond_fence(summary, sorted[i]);
    free(sorted);
    return true;
}

size_t statistics_outliers(const double *values, size_t count, bool *marks)
{
    if (count == 0)
        return 0;
    double *sorted = sorted_copy(values, count);
    struct statistics_summary summary = {.q1 = statistics_quantile(sorted, count, 0.25),
                                         .q3 = statistics_quantile(sorted, count, 0.75)};
    free(sorted);
    size_t marked = 0;
    for (size_t i = 0; i < count; i++) {
        marks[i] = beyond_fence(&summary, values[i]);
        marked += marks[i];
    }
    return marked;
}

/* ---- Mann-Whitney U. ---- */

struct ranked {
    double value;
    bool is_b;
    unsigned double_rank; /* twice the mid-rank: a whole number also for ties */
};

static int by_value(const void *left, const void *right)
{
    return ascending(&((const struct ranked *)left)->value, &((const struct ranked *)right)->value);
}

/* Fills double ranks; returns the sum over ties of t^3 - t. */
static double rank_all(struct ranked *all, size_t count)
{
    double ties = 0;
    qsort(all, count, sizeof(*all), by_value);
    for (size_t first = 0, next; first < count; first = next) {
        for (next = first + 1; next < count && !(all[first].value < all[next].value);)
            next++;
        double t = (double)(next - first);
        ties += t * t * t - t;
        for (size_t i = first; i < next; i++)
            all[i].double_rank = (unsigned)(first + next + 1); /* (first+1 + next) / 2, doubled */
    }
    return ties;
}

/* How large the rank sum of `chosen` of the values can be, doubled. */
static size_t rank_sum_end(size_t count)
{
    return count * (count + 1) + 1;
}

/*
 * In how many ways `chosen` of the values have double ranks that sum to s, for each s; the caller frees it. Counted in
 * ways[k][s], k of the values seen so far. Doubles hold the numbers exactly up to 2^53 and to 16 digits beyond (C(60,
 * 30) is 1.2e17); only sums of positive terms occur.
 */
static double *rank_sum_ways(const struct ranked *all, size_t count, size_t chosen)
{
    size_t sums = rank_sum_end(count);
    double *ways = support_alloc((chosen + 1) * sums * sizeof(*ways));
    ways[0] = 1;
    for (size_t i = 0; i < count; i++) {
        unsigned rank = all[i].double_rank;
        for (size_t k = chosen < i + 1 ? chosen : i + 1; k > 0; k--)
            for (size_t s = sums - 1; s >= rank; s--)
                ways[k * sums + s] += ways[(k - 1) * sums + s - rank];
    }
    memmove(ways, ways + chosen * sums, sums * sizeof(*ways));
    return ways;
}

/* Twice the smaller tail, `observed` in both, at most 1. */
static double two_sided(const double *ways, size_t sums, size_t observed)
{
    double below = 0, above = 0, total = 0;
    for (size_t s = 0; s < sums; s++) {
        total += ways[s];
        below += s <= observed ? ways[s] : 0;
        above += s >= observed ? ways[s] : 0;
    }
    return fmin(1.0, 2 * fmin(below, above) / total);
}

static double exact_p(const struct ranked *all, size_t count, size_t chosen, size_t observed)
{
    double *ways = rank_sum_ways(all, count, chosen);
    double p = two_sided(ways, rank_sum_end(count), observed);
    free(ways);
    return p;
}

static double normal_p(double u, double a_count, double b_count, double ties)
{
    double n = a_count + b_count, middle = a_count * b_count / 2;
    double variance = a_count * b_count / 12 * (n + 1 - ties / (n * (n - 1)));
    if (variance <= 0)
        return 1; /* all values are equal */
    double z = (fabs(u - middle) - 0.5) / sqrt(variance);
    return fmin(1.0, erfc(z / sqrt(2.0)));
}

/* Both sets in one, ranked; the caller frees it. *ties as rank_all, *double_sum: the double ranks of b. */
static struct ranked *pool_values(const double *a, size_t a_count, const double *b, size_t b_count, double *ties,
                                  size_t *double_sum)
{
    size_t count = a_count + b_count;
    struct ranked *all = support_alloc(count * sizeof(*all));
    for (size_t i = 0; i < count; i++)
        all[i] = (struct ranked){i < a_count ? a[i] : b[i - a_count], i >= a_count, 0};
    *ties = rank_all(all, count);
    *double_sum = 0;
    for (size_t i = 0; i < count; i++)
        *double_sum += all[i].is_b ? all[i].double_rank : 0;
    return all;
}

static double u_of(size_t double_sum, size_t b_count)
{
    return (double)double_sum / 2 - (double)b_count * ((double)b_count + 1) / 2;
}

struct statistics_u_test statistics_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count)
{
    struct statistics_u_test test = {NAN, NAN, false};
    if (a_count == 0 || b_count == 0)
        return test;

    double ties;
    size_t count = a_count + b_count, double_sum;
    struct ranked *all = pool_values(a, a_count, b, b_count, &ties, &double_sum);
    test.u = u_of(double_sum, b_count);
    test.exact = count <= STATISTICS_EXACT_MAX;
    test.p = test.exact ? exact_p(all, count, b_count, double_sum)
                        : normal_p(test.u, (double)a_count, (double)b_count, ties);
    free(all);
    return test;
}

/* ---- Blocks. ---- */

static double mean_log(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i] > 0 ? log(values[i]) : NAN;
    return sum / (double)count;
}

/* The logarithms of the blocks' ratios; the caller frees them. NULL if one cannot be had. */
static double *block_logs(const struct statistics_block *blocks, size_t count)
{
    double *logs = support_alloc((count + 1) * sizeof(*logs));
    for (size_t i = 0; i < count; i++) {
        logs[i] = mean_log(blocks[i].b, blocks[i].b_count) - mean_log(blocks[i].a, blocks[i].a_count);
        if (!isfinite(logs[i])) {
            free(logs);
            return NULL;
        }
    }
    return logs;
}

void statistics_block_ratio(const struct statistics_block *blocks, size_t count, double confidence, uint64_t seed,
                            double *ratio, struct statistics_interval *interval)
{
    *ratio = NAN;
    *interval = (struct statistics_interval){NAN, NAN};
    double *logs = count == 0 ? NULL : block_logs(blocks, count);
    if (!logs)
        return;
    qsort(logs, count, sizeof(*logs), ascending);
    *ratio = exp(statistics_quantile(logs, count, 0.5));
    *interval = median_interval(logs, count, confidence, seed);
    interval->low = exp(interval->low);
    interval->high = exp(interval->high);
    free(logs);
}

struct statistics_u_test statistics_block_test(const struct statistics_block *blocks, size_t count)
{
    struct statistics_u_test test = {NAN, NAN, true};
    if (count == 0)
        return test;
    /* chances[s] of the double rank sum over the blocks so far: each block's own, convolved. */
    double *chances = support_alloc(sizeof(*chances));
    size_t sums = 1, observed = 0;
    chances[0] = 1;
    test.u = 0;
    for (size_t i = 0; i < count; i++) {
        const struct statistics_block *block = &blocks[i];
        double ties, total = 0;
        size_t here_sum, here_count = block->a_count + block->b_count, here_sums = rank_sum_end(here_count);
        struct ranked *all = pool_values(block->a, block->a_count, block->b, block->b_count, &ties, &here_sum);
        double *ways = rank_sum_ways(all, here_count, block->b_count);
        double *next = support_alloc((sums + here_sums) * sizeof(*next));
        for (size_t s = 0; s < here_sums; s++)
            total += ways[s];
        for (size_t s = 0; s < here_sums; s++)
            for (size_t k = 0; ways[s] > 0 && k < sums; k++)
                next[s + k] += chances[k] * ways[s] / total;
        sums += here_sums - 1;
        observed += here_sum;
        test.u += u_of(here_sum, block->b_count);
        free(chances);
        free(ways);
        free(all);
        chances = next;
    }
    test.p = two_sided(chances, sums, observed);
    free(chances);
    return test;
}

double statistics_block_noise(const struct statistics_block *blocks, size_t count, size_t size, uint64_t seed)
{
    double *logs = count == 0 || size == 0 ? NULL : block_logs(blocks, count);
    if (!logs)
        return NAN;
    /* Each as it is and turned round. */
    logs = support_realloc(logs, 2 * count * sizeof(*logs));
    for (size_t i = 0; i < count; i++)
        logs[count + i] = -logs[i];
    qsort(logs, 2 * count, sizeof(*logs), ascending);
    double *medians = support_alloc(STATISTICS_RESAMPLES * sizeof(*medians));
    uint32_t *times = support_alloc(2 * count * sizeof(*times));
    for (size_t i = 0; i < STATISTICS_RESAMPLES; i++)
        medians[i] = fabs(resampled_median(logs, 2 * count, size, times, &seed));
    qsort(medians, STATISTICS_RESAMPLES, sizeof(*medians), ascending);
    double noise = expm1(statistics_quantile(medians, STATISTICS_RESAMPLES, 0.95));
    free(times);
    free(medians);
    free(logs);
    return noise;
}
