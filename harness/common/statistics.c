/* statistics.c - see statistics.h. */
#include "harness/common/statistics.h"

#include "workloads/rng.h"

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
    MAE_CHECK(count > 0 && quantile >= 0 && quantile <= 1);
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
    SUPPORT_FREED double *sorted = sorted_copy(values, count);
    return statistics_quantile(sorted, count, 0.5);
}

/* ---- The interval of a median. ---- */

/* P(X <= most) of X successes in `count` fair throws. */
static double binomial_tail(size_t count, size_t most)
{
    double sum = 0, one = -(double)count * log(2); /* log P(X = i): P itself may be too small for a double */
    for (size_t i = 0; i <= most; i++) {
        sum += exp(one);
        one += log((double)(count - i) / (double)(i + 1));
    }
    return sum;
}

double statistics_coverage_percent(struct statistics_interval interval)
{
    return floor(1000 * interval.coverage + 1e-6) / 10;
}

static const struct statistics_interval no_interval = {NAN, NAN, 0};

/*
 * The interval goes from the k-th value to the k-th from the end. The true median lies below the k-th value only if
 * fewer than k values are below the median, and each value is below it with probability one half. k is the largest that
 * gives the requested coverage; if none does, k is 1.
 */
static struct statistics_interval median_interval(const double *sorted, size_t count, double confidence)
{
    if (count < 2)
        return no_interval;
    size_t k = 1;
    while (2 * (k + 1) <= count && 1 - 2 * binomial_tail(count, k) >= confidence)
        k++;
    MAE_CHECK(2 * k <= count); /* low is not above high */
    return (struct statistics_interval){sorted[k - 1], sorted[count - k], 1 - 2 * binomial_tail(count, k - 1)};
}

/* ---- Summary. ---- */

static bool beyond_fence(const struct statistics_summary *summary, double value)
{
    double reach = 1.5 * (summary->q3 - summary->q1);
    return value < summary->q1 - reach || value > summary->q3 + reach;
}

bool statistics_summarize(const double *values, size_t count, struct statistics_summary *summary)
{
    memset(summary, 0, sizeof(*summary));
    if (count == 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;

    SUPPORT_FREED double *sorted = sorted_copy(values, count);
    summary->count = count;
    for (size_t i = 0; i < count; i++)
        summary->mean += sorted[i] / (double)count;
    summary->min = sorted[0];
    summary->max = sorted[count - 1];
    summary->median = statistics_quantile(sorted, count, 0.5);
    summary->q1 = statistics_quantile(sorted, count, 0.25);
    summary->q3 = statistics_quantile(sorted, count, 0.75);
    summary->median_interval = median_interval(sorted, count, 0.95);
    for (size_t i = 0; i < count; i++)
        summary->outliers += beyond_fence(summary, sorted[i]);
    return true;
}

size_t statistics_outliers(const double *values, size_t count, bool *marks)
{
    struct statistics_summary summary;
    if (!statistics_summarize(values, count, &summary))
        return 0;
    for (size_t i = 0; i < count; i++)
        marks[i] = beyond_fence(&summary, values[i]);
    return summary.outliers;
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

/* The largest possible double rank sum of `chosen` of the values. */
static size_t rank_sum_end(size_t count)
{
    return count * (count + 1) + 1;
}

/*
 * For each s the number of ways in which `chosen` of the values have double ranks that sum to s. The caller frees the
 * array. ways[k][s] counts selections of k of the values seen so far. Doubles hold the numbers exactly up to 2^53 and
 * to 16 digits beyond (C(60, 30) is 1.2e17); only sums of positive terms occur.
 */
static double *rank_sum_ways(const struct ranked *all, size_t count, size_t chosen)
{
    MAE_CHECK(chosen <= count);
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
    MAE_CHECK(total > 0 && observed < sums);
    return fmin(1.0, 2 * fmin(below, above) / total);
}

/* The variance of u. */
static double u_variance(double a_count, double b_count, double ties)
{
    double n = a_count + b_count;
    return a_count * b_count / 12 * (n + 1 - ties / (n * (n - 1)));
}

static double normal_p(double u, double middle, double variance)
{
    if (variance <= 0)
        return 1; /* all values are equal */
    double z = (fabs(u - middle) - 0.5) / sqrt(variance);
    return fmin(1.0, erfc(z / sqrt(2.0)));
}

/* Both sets in one array, ranked; the caller frees it. *ties as in rank_all; *double_sum: the double rank sum of b. */
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
    const struct statistics_block block = {a, b, a_count, b_count};
    if (a_count == 0 || b_count == 0)
        return (struct statistics_u_test){NAN, NAN, false};
    if (a_count + b_count <= STATISTICS_EXACT_MAX)
        return statistics_block_test(&block, 1);
    double ties;
    size_t double_sum;
    free(pool_values(a, a_count, b, b_count, &ties, &double_sum)); /* the sums are enough */
    double u = u_of(double_sum, b_count);
    double variance = u_variance((double)a_count, (double)b_count, ties);
    return (struct statistics_u_test){u, normal_p(u, (double)a_count * (double)b_count / 2, variance), false};
}

/* ---- The interval of a factor. ---- */

/* The u at which the lower tail of the standard normal distribution is `tail`. */
static double normal_quantile(double tail)
{
    double low = -40, high = 0;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (erfc(-middle / sqrt(2.0)) / 2 < tail)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/*
 * One plus the number of the smallest of a_count x b_count pairs that lie outside an interval of `confidence`, and the
 * interval's coverage. A true factor lies outside if the U test refuses the values divided by that factor.
 */
static size_t pairs_outside(size_t a_count, size_t b_count, double confidence, double *coverage)
{
    size_t count = a_count + b_count, k = 1;
    double tail = (1 - confidence) / 2;
    if (count > STATISTICS_EXACT_MAX) {
        double pairs = (double)a_count * (double)b_count;
        double place = pairs / 2 + normal_quantile(tail) * sqrt(pairs * ((double)count + 1) / 12);
        *coverage = confidence;
        return place < 1 ? 1 : (size_t)place;
    }
    SUPPORT_FREED struct ranked *all = support_alloc(count * sizeof(*all));
    for (size_t i = 0; i < count; i++)
        all[i].double_rank = (unsigned)(2 * (i + 1));
    SUPPORT_FREED double *ways = rank_sum_ways(all, count, b_count);
    double total = 0, below = 0;
    size_t least = b_count * (b_count + 1); /* the doubled rank sum at u = 0; u + 1 is 2 more */
    for (size_t s = 0; s < rank_sum_end(count); s++)
        total += ways[s];
    below = ways[least] / total;
    while (2 * k <= a_count * b_count && below + ways[least + 2 * k] / total <= tail * (1 + 1e-12)) {
        below += ways[least + 2 * k] / total;
        k++;
    }
    *coverage = 1 - 2 * below;
    return k;
}

static bool any_below_0(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(values[i] >= 0))
            return true;
    return false;
}

/* b / a of values that may be 0; `undecided` stands for 0 / 0. */
static double factor_of(double a, double b, double undecided)
{
    if (a > 0)
        return b / a;
    return b > 0 ? HUGE_VAL : undecided;
}

static double largest(const double *values, size_t count)
{
    double most = values[0];
    for (size_t i = 1; i < count; i++)
        most = fmax(most, values[i]);
    return most;
}

static struct statistics_interval factor_interval(const double *a, size_t a_count, const double *b, size_t b_count,
                                                  double confidence)
{
    struct statistics_interval interval;
    size_t pairs = a_count * b_count, k = pairs_outside(a_count, b_count, confidence, &interval.coverage);
    MAE_CHECK(k >= 1 && k <= pairs);
    /* 0 / 0 may be any factor, unless all values are 0: then nothing differs. */
    bool nothing = largest(a, a_count) == 0 && largest(b, b_count) == 0;
    SUPPORT_FREED double *lows = support_alloc(pairs * sizeof(*lows)), *highs = support_alloc(pairs * sizeof(*highs));
    for (size_t i = 0; i < pairs; i++) {
        lows[i] = factor_of(a[i / b_count], b[i % b_count], nothing ? 1 : 0);
        highs[i] = factor_of(a[i / b_count], b[i % b_count], nothing ? 1 : HUGE_VAL);
    }
    qsort(lows, pairs, sizeof(*lows), ascending);
    qsort(highs, pairs, sizeof(*highs), ascending);
    interval.low = lows[k - 1];
    interval.high = highs[pairs - k];
    return interval;
}

void statistics_median_ratio(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
                             double *ratio, struct statistics_interval *interval)
{
    *ratio = NAN;
    *interval = no_interval;
    if (a_count == 0 || b_count == 0 || any_below_0(a, a_count) || any_below_0(b, b_count))
        return;
    *ratio = factor_of(statistics_median(a, a_count), statistics_median(b, b_count), 1);
    if (a_count < 2 || b_count < 2)
        return;
    *interval = factor_interval(a, a_count, b, b_count, confidence);
    interval->low = fmin(interval->low, *ratio);
    interval->high = fmax(interval->high, *ratio);
}

/* ---- Several tests. ---- */

struct placed {
    double p;
    size_t place;
};

static int by_p(const void *left, const void *right)
{
    return ascending(&((const struct placed *)left)->p, &((const struct placed *)right)->p);
}

void statistics_holm(const double *p, size_t count, double *adjusted)
{
    SUPPORT_FREED struct placed *sorted = support_alloc((count + 1) * sizeof(*sorted));
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        adjusted[i] = NAN;
        if (!isnan(p[i]))
            sorted[known++] = (struct placed){p[i], i};
    }
    qsort(sorted, known, sizeof(*sorted), by_p);
    double least = 0; /* the adjusted p of a test is at least that of a test with a smaller p */
    for (size_t i = 0; i < known; i++) {
        least = fmax(least, fmin(1, (double)(known - i) * sorted[i].p));
        adjusted[sorted[i].place] = least;
    }
}

/* ---- Blocks. ---- */

/* The logarithm of the geometric mean: minus infinity if a value is 0, NAN if one is below 0. */
static double mean_log(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += log(values[i]);
    return sum / (double)count;
}

/* The logarithms of the blocks' ratios, infinite if a mean is 0. NULL if a block has no ratio. The caller frees
 * them. */
static double *block_logs(const struct statistics_block *blocks, size_t count)
{
    double *logs = support_alloc((count + 1) * sizeof(*logs));
    for (size_t i = 0; i < count; i++) {
        double a = mean_log(blocks[i].a, blocks[i].a_count), b = mean_log(blocks[i].b, blocks[i].b_count);
        logs[i] = isinf(a) && isinf(b) ? 0 : b - a; /* 0 against 0: no difference */
        if (isnan(logs[i])) {
            free(logs);
            return NULL;
        }
    }
    return logs;
}

/* The mean of the two values in the middle; 0 if these are minus and plus infinity. */
static double middle_log(const double *sorted, size_t count)
{
    double low = sorted[(count - 1) / 2], high = sorted[count / 2];
    return isinf(low) && isinf(high) && low < high ? 0 : low / 2 + high / 2;
}

void statistics_block_ratio(const struct statistics_block *blocks, size_t count, double confidence, double *ratio,
                            struct statistics_interval *interval)
{
    *ratio = NAN;
    *interval = no_interval;
    SUPPORT_FREED double *logs = count == 0 ? NULL : block_logs(blocks, count);
    if (!logs)
        return;
    qsort(logs, count, sizeof(*logs), ascending);
    *ratio = exp(middle_log(logs, count));
    *interval = median_interval(logs, count, confidence);
    interval->low = exp(interval->low);
    interval->high = exp(interval->high);
}

static struct statistics_u_test block_test_normal(const struct statistics_block *blocks, size_t count)
{
    double u = 0, middle = 0, variance = 0;
    for (size_t i = 0; i < count; i++) {
        const struct statistics_block *block = &blocks[i];
        double a_count = (double)block->a_count, b_count = (double)block->b_count, ties;
        size_t double_sum;
        free(pool_values(block->a, block->a_count, block->b, block->b_count, &ties, &double_sum));
        u += u_of(double_sum, block->b_count);
        middle += a_count * b_count / 2;
        variance += u_variance(a_count, b_count, ties);
    }
    return (struct statistics_u_test){u, normal_p(u, middle, variance), false};
}

struct statistics_u_test statistics_block_test(const struct statistics_block *blocks, size_t count)
{
    struct statistics_u_test test = {NAN, NAN, true};
    size_t values = 0;
    for (size_t i = 0; i < count; i++)
        values += blocks[i].a_count + blocks[i].b_count;
    if (count == 0)
        return test;
    if (values > STATISTICS_BLOCKS_EXACT_MAX)
        return block_test_normal(blocks, count);
    /* chances[s] of the double rank sum over the blocks so far: each block's own, convolved. */
    double *chances = support_alloc(sizeof(*chances));
    size_t sums = 1, observed = 0;
    chances[0] = 1;
    test.u = 0;
    for (size_t i = 0; i < count; i++) {
        const struct statistics_block *block = &blocks[i];
        double ties, total = 0;
        size_t here_sum, here_count = block->a_count + block->b_count, here_sums = rank_sum_end(here_count);
        SUPPORT_FREED struct ranked *all =
            pool_values(block->a, block->a_count, block->b, block->b_count, &ties, &here_sum);
        SUPPORT_FREED double *ways = rank_sum_ways(all, here_count, block->b_count);
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
        chances = next;
    }
    test.p = two_sided(chances, sums, observed);
    free(chances);
    return test;
}

/* ---- Noise of blocks. ---- */

/* The median of `draws` draws with replacement from `count` ascending values. It draws places instead of values and
 * counts the draws of each place, which gives the draws in order without a sort. */
static double resampled_median(const double *sorted, size_t count, size_t draws, uint32_t *times, struct rng *rng)
{
    MAE_CHECK(count > 0 && draws > 0);
    memset(times, 0, count * sizeof(*times));
    for (size_t i = 0; i < draws; i++)
        times[rng_below(rng, count)]++;
    size_t lower = (draws - 1) / 2, upper = draws / 2, seen = 0, i = 0;
    while (seen + times[i] <= lower)
        seen += times[i++];
    double low = sorted[i];
    while (seen + times[i] <= upper)
        seen += times[i++];
    return (low + sorted[i]) / 2;
}

double statistics_block_noise(const struct statistics_block *blocks, size_t count, size_t size, uint64_t seed)
{
    SUPPORT_FREED double *logs = count == 0 || size == 0 ? NULL : block_logs(blocks, count);
    if (!logs)
        return NAN;
    for (size_t i = 0; i < count; i++)
        if (isinf(logs[i]))
            return NAN;
    /* Each as it is and turned round. */
    logs = support_realloc(logs, 2 * count * sizeof(*logs));
    for (size_t i = 0; i < count; i++)
        logs[count + i] = -logs[i];
    qsort(logs, 2 * count, sizeof(*logs), ascending);
    SUPPORT_FREED double *medians = support_alloc(STATISTICS_RESAMPLES * sizeof(*medians));
    SUPPORT_FREED uint32_t *times = support_alloc(2 * count * sizeof(*times));
    struct rng rng;
    rng_init(&rng, seed, 0);
    for (size_t i = 0; i < STATISTICS_RESAMPLES; i++)
        medians[i] = fabs(resampled_median(logs, 2 * count, size, times, &rng));
    qsort(medians, STATISTICS_RESAMPLES, sizeof(*medians), ascending);
    return expm1(statistics_quantile(medians, STATISTICS_RESAMPLES, 0.95));
}

const char *statistics_ratio_text(double ratio)
{
    return isnan(ratio) ? "-"
           : ratio >= 2 ? support_short("%.1f times", ratio)
                        : support_short("%+.1f%%", (ratio - 1) * 100);
}

const char *statistics_interval_text(struct statistics_interval ratio)
{
    if (isnan(ratio.low) || isnan(ratio.high))
        return "no interval";
    return support_short("%g%% interval %.30s to %.30s", statistics_coverage_percent(ratio),
                         statistics_ratio_text(ratio.low), statistics_ratio_text(ratio.high));
}
