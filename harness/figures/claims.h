/*
 * claims.h - what the paper claims against what was measured: holds, does not hold, or cannot be told, and why.
 *
 * A claim is a section of a figure's file (catalogue.h): a ratio of two medians and a range around it. A claim without
 * `against` is a number that another machine measured: no run here can tell. A claim without `of` has no
 * run. The verdict follows from the interval of the measured ratio, which must cover 95%:
 *     holds            the whole interval lies in the range
 *     does not hold    the whole interval lies elsewhere
 *     cannot be told   anything else: too noisy, fewer than CLAIM_RUNS_MIN repetitions, too few cores for what the
 *                      claim is about, or nothing measured. What was measured is shown all the same.
 * Checked by: tests/unit/harness/analysis/results.c. Not here: how it looks (report_html.c).
 */
#ifndef HARNESS_FIGURES_CLAIMS_H
#define HARNESS_FIGURES_CLAIMS_H

#include "harness/analysis/results.h"
#include "harness/common/statistics.h"

enum { CLAIM_RUNS_MIN = 6, CLAIM_REASON_BYTES = 256 };
#define CLAIM_CONFIDENCE 0.95

#define CLAIM_VERDICT_TABLE(X) \
    X(HOLDS, "holds")          \
    X(FAILS, "does not hold")  \
    X(UNKNOWN, "cannot be told here")

#define CLAIM_VERDICT_ENUM(name, text) CLAIM_##name,
enum claim_verdict { CLAIM_VERDICT_TABLE(CLAIM_VERDICT_ENUM) };
extern const char *const claim_verdict_texts[];

/* The keys of [claim ...], as docs/figures.md explains them; texts that are not given are "". */
struct claim {
    const char *experiment, *where, *text, *paper, *metric, *of, *against, *remark;
    double ratio, from, to; /* the paper's ratio, 0 if there is none; where the ratio must lie, INFINITY: no end */
    double cores;
};

struct claim_side {
    size_t runs;
    double median;     /* NAN without runs */
    const char *group; /* the best group's text; "" */
};

struct claim_result {
    struct claim_side a, b;
    double ratio;                        /* NAN if it cannot be had, and for claims without b */
    struct statistics_interval interval; /* of the ratio; without b: least and greatest of a */
    enum claim_verdict verdict;
    bool simulated;                  /* the results are those of a simulated machine */
    char reason[CLAIM_REASON_BYTES]; /* why it cannot be told; "" otherwise */
};

/* `set`: the results of the claim's experiment, which must outlive the result; NULL if there are none. */
void claim_judge(const struct claim *claim, const struct results *set, struct claim_result *result);

#endif
