/*
 * statistics.h - what repeated measurements say: location, spread, intervals, and whether two sets differ.
 *
 * Inputs are plain arrays, left as they are; every value must be finite. All of this is for cold paths (it sorts
 * copies). Random resampling takes a seed and repeats exactly. Not here: deciding what a difference means (compare.c).
 * Checked by: tests/unit/harness/statistics.c, against SciPy 1.10.
 */
#ifndef HARNESS_STATISTICS_H
#define HARNESS_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STATISTICS_RESAMPLES = 10000, /* the 2.5% end of an interval then rests on 250 resamples */
    STATISTICS_EXACT_MAX = 60     /* values of both sets up to which the U test counts arrangements */
};

struct statistics_interval {
    double low, high; /* NAN if it cannot be had: fewer than two values */
};

struct statistics_summary {
    size_t count;
    double mean, median, min, max;
    double q1, q3;                        /* quartiles */
    struct statistics_interval median_95; /* of the median, bootstrap */
    size_t outliers;                      /* marked by statistics_outliers; they count in all of the above */
};

/* False if there is no value or one is not finite. */
bool statistics_summarize(const double *values, size_t count, uint64_t seed, struct statistics_summary *summary);

/* Quantile 0..1 of ascending values, linear between neighbours (R type 7, NumPy's default). count > 0. */
double statistics_quantile(const double *sorted, size_t count, double quantile);
double statistics_median(const double *values, size_t count); /* NAN if count is 0 */

/* Marks values beyond 1.5 interquartile ranges from the quartiles (Tukey); returns how many. They stay in the data. */
size_t statistics_outliers(const double *values, size_t count, bool *marks);

/*
 * median(b) / median(a), and its percentile bootstrap interval at `confidence` (0.95): each of STATISTICS_RESAMPLES
 * draws takes both sets anew with replacement, independently. *ratio is NAN if a set is empty or a median is not above
 * 0; the interval needs two values in each set.
 */
void statistics_median_ratio(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
                             uint64_t seed, double *ratio, struct statistics_interval *interval);

struct statistics_u_test {
    double u; /* pairs in which b is larger than a; ties count one half */
    double p; /* two-sided: twice the smaller tail, at most 1. NAN if a set is empty */
    bool exact;
};

/*
 * Mann-Whitney U. Up to STATISTICS_EXACT_MAX values in all the distribution of the rank sum is counted over all
 * arrangements of the observed ranks, ties included (mid-ranks); beyond that it is the normal approximation with
 * tie and continuity corrections.
 */
struct statistics_u_test statistics_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count);

/* ---- Runs side by side. ----
 *
 * On a machine whose speed drifts, A and B are run next to each other, A B B A, again and again. What one such block
 * says is free of whatever changed between blocks: statistics of blocks compare only runs of the same block.
 */
struct statistics_block {
    const double *a, *b;
    size_t a_count, b_count; /* of neither 0 */
};

/* As statistics_median_ratio, of the blocks' own ratios (of geometric means): whole blocks are drawn anew. *ratio is
 * NAN without blocks or if a value is not above 0; the interval needs two blocks. */
void statistics_block_ratio(const struct statistics_block *blocks, size_t count, double confidence, uint64_t seed,
                            double *ratio, struct statistics_interval *interval);

/* The stratified test of van Elteren (1960): u is summed over blocks, and p is exact under exchange of runs within
 * blocks, whatever happens between them. One block of all values is statistics_mann_whitney. */
struct statistics_u_test statistics_block_test(const struct statistics_block *blocks, size_t count);

/* Of blocks that hold the same program twice: how far from 1 the median ratio of `size` such blocks comes, in 95 of 100
 * cases: resampled, each ratio as likely its inverse. NAN without blocks or if a value is not above 0. */
double statistics_block_noise(const struct statistics_block *blocks, size_t count, size_t size, uint64_t seed);

#endif
