/*
 * verdict.h - the rule that says whether B is slower than A, from what statistics.h makes of their repetitions.
 *
 * With ratio = median(B) / median(A), its interval (statistics.h), the p of the exact U test, corrected for the number
 * of configurations, and bound = max(threshold, A/A noise):
 *     slower, faster   the interval excludes 1, and p <= alpha, and the ratio is beyond the bound
 *     same             the whole interval lies within 1 +- bound, and it covers 1 - alpha
 *     inconclusive     anything else: the interval is too wide to tell, too few repetitions
 * The ratio may be 0 or infinite: a side that does nothing any more is slower, not inconclusive.
 *
 * Each configuration is one more chance of a false alarm. So p values are corrected by Holm's method (statistics_holm),
 * which keeps the probability of any false alarm among all configurations at alpha.
 *
 * Looking while data comes in. A comparison that ends at the first clear one of several looks has several chances of a
 * false alarm, too. So verdict_alpha shares VERDICT_ALPHA out evenly over the looks (Bonferroni). Since p is exact
 * under exchange of runs, the probability of any false alarm in the whole comparison is at most VERDICT_ALPHA, however
 * the looks depend on each other and whatever the noise is like. Ending early on "same" only lowers it.
 *
 * Checked by: tests/unit/harness/analysis/verdict.c, on simulated machines.
 */
#ifndef HARNESS_ANALYSIS_VERDICT_H
#define HARNESS_ANALYSIS_VERDICT_H

#include "harness/common/statistics.h"

#define VERDICT_ALPHA 0.05

#define VERDICT_TABLE(X) X(FASTER, "faster") X(SLOWER, "slower") X(SAME, "same") X(INCONCLUSIVE, "inconclusive")

#define VERDICT_ENUM(name, text) VERDICT_##name,
enum verdict { VERDICT_TABLE(VERDICT_ENUM) };

struct verdict_evidence {
    size_t a_count, b_count;
    double ratio;                        /* b / a, NAN if it cannot be had */
    struct statistics_interval interval; /* at confidence 1 - alpha, or what could be had */
    double p;                            /* corrected for the number of configurations */
};

extern const char *const verdict_names[];

/* Of one look, if there are so many in all; 0 counts as 1. */
double verdict_alpha(size_t looks);

/* *reason: of an inconclusive verdict; "" otherwise. Static. */
enum verdict verdict_of(const struct verdict_evidence *evidence, bool lower_is_better, double bound, double alpha,
                        const char **reason);

#endif
