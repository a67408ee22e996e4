/*
 * statistics.h - statistics of repeated measurements: location, spread, intervals, and whether two sets differ.
 *
 * Inputs are plain arrays, which are not changed. Every value must be finite. The functions are for cold paths, since
 * they sort copies.
 *
 * Intervals are exact and assume nothing about the shape of the noise, because they are made from the order of the
 * values. The coverage of an interval is the share of repeated experiments in which it holds the true value; it is
 * known and told. Coverage moves in steps: with few values the widest possible interval covers less than was asked for
 * (of a median: 2 values 50%, 3 75%, 4 87.5%, 5 93.7%, 6 96.8%), and its coverage says so. Checked by:
 * tests/unit/harness/common/statistics.c, against SciPy 1.10 and by simulated experiments. Not here: deciding what a
 * difference means (verdict.c).
 */
#ifndef HARNESS_COMMON_STATISTICS_H
#define HARNESS_COMMON_STATISTICS_H

#include <math.h> /* NAN is no value */

#include "harness/common/support.h"

enum {
    STATISTICS_RESAMPLES = 10000,     /* of block noise: 500 of them lie beyond its end */
    STATISTICS_EXACT_MAX = 60,        /* up to so many values of both sets the U test counts arrangements */
    STATISTICS_BLOCKS_EXACT_MAX = 400 /* the same of all blocks */
};

struct statistics_interval {
    double low, high; /* NAN if there is no interval: fewer than two values */
    double coverage;  /* the share of experiments in which such an interval holds the true value; 0 without interval */
};

/* In percent, rounded down, so that an interval that covers less than 95% is never printed as 95%. */
double statistics_coverage_percent(struct statistics_interval interval);

struct statistics_summary {
    size_t count;
    double mean, median, min, max;
    double q1, q3;                              /* quartiles */
    struct statistics_interval median_interval; /* of the median, at 95% or the next lower possible coverage */
    size_t outliers;                            /* marked by statistics_outliers; all of the above include them */
};

/* False if there is no value or one is not finite. */
bool statistics_summarize(const double *values, size_t count, struct statistics_summary *summary);

/* Quantile 0..1 of ascending values, linear between neighbours (R type 7, NumPy's default). count > 0. */
double statistics_quantile(const double *sorted, size_t count, double quantile);
double statistics_median(const double *values, size_t count); /* NAN if count is 0 */

/* Marks values beyond 1.5 interquartile ranges from the quartiles (Tukey); returns how many. They stay in the data. */
size_t statistics_outliers(const double *values, size_t count, bool *marks);

/*
 * median(b) / median(a), and an interval of the factor between the two sets. The interval has all factors that the U
 * test would not refuse at `confidence` (0.95) if b were divided by them (Moses' interval, of logarithms). Its coverage
 * is exact if the two sets differ only by a factor. If it does not contain the ratio of medians, it is widened to it.
 * A median of 0 in b gives 0, one in a INFINITY, in both 1. *ratio is NAN if a set is empty or a value is below 0. The
 * interval needs two values in each set.
 */
void statistics_median_ratio(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
                             double *ratio, struct statistics_interval *interval);

struct statistics_u_test {
    double u; /* pairs in which b is larger than a; ties count one half */
    double p; /* two-sided: twice the smaller tail, at most 1. NAN if a set is empty */
    bool exact;
};

/*
 * Mann-Whitney U. For up to STATISTICS_EXACT_MAX values in both sets together the distribution of the rank sum is
 * counted over all arrangements of the observed ranks, ties included (mid-ranks). For more values it is the normal
 * approximation with corrections for ties and continuity.
 */
struct statistics_u_test statistics_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count);

/*
 * Holm (1979): adjusts the p values of several tests. If every test with adjusted[i] <= alpha counts as a find, the
 * probability of any false find is at most alpha, however the tests depend on each other. A NAN stays NAN and does not
 * count as a test.
 */
void statistics_holm(const double *p, size_t count, double *adjusted);

/* ---- Runs side by side. ----
 *
 * On a machine whose speed drifts, A and B run next to each other, A B B A, again and again. Statistics of blocks
 * compare only runs of one block, so changes of the machine between blocks do not affect them.
 */
struct statistics_block {
    const double *a, *b;
    size_t a_count, b_count; /* of neither 0 */
};

/* As statistics_median_ratio, for the blocks' own ratios (of geometric means): their median and its interval. *ratio is
 * NAN without blocks or if a value is below 0. The interval needs two blocks. */
void statistics_block_ratio(const struct statistics_block *blocks, size_t count, double confidence, double *ratio,
                            struct statistics_interval *interval);

/* The stratified test of van Elteren (1960): u is summed over blocks, and p is under exchange of runs within blocks,
 * whatever happens between blocks. Up to STATISTICS_BLOCKS_EXACT_MAX values in all it is exact, and with one block of
 * all values it equals statistics_mann_whitney; for more it is the normal approximation, as there. */
struct statistics_u_test statistics_block_test(const struct statistics_block *blocks, size_t count);

/* For blocks that hold one program as both A and B: how far from 1 the median ratio of `size` such blocks is, in 95 of
 * 100 cases. The blocks are resampled, and each ratio is as likely its inverse. The seed repeats the result. NAN
 * without blocks or if a value is not above 0. */
double statistics_block_noise(const struct statistics_block *blocks, size_t count, size_t size, uint64_t seed);

/* For people; each is static or a support_short. */
/* A ratio as a change, "+3.2%", or beyond a factor of two as "9.1 times". */
const char *statistics_ratio_text(double ratio);
/* "95.9% interval +1.0% to +5.5%", with its coverage; or "no interval". */
const char *statistics_interval_text(struct statistics_interval ratio);

#endif
