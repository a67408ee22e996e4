/* verdict.c - see verdict.h. */
#include "harness/analysis/verdict.h"

const char *const verdict_names[] = {VERDICT_TABLE(TABLE_SECONDS)};

double verdict_alpha(size_t looks)
{
    return looks > 1 ? VERDICT_ALPHA / (double)looks : VERDICT_ALPHA;
}

enum verdict verdict_of(const struct verdict_evidence *evidence, bool lower_is_better, double bound, double alpha,
                        const char **reason)
{
    MAE_CHECK(bound >= 0 && alpha > 0 && alpha < 1);
    *reason = "";
    if (evidence->a_count == 0 || evidence->b_count == 0)
        *reason = "no value in one of the files";
    else if (isnan(evidence->ratio))
        *reason = "a value is below 0: there is no ratio";
    else if (isnan(evidence->interval.low))
        *reason = "a single repetition has no spread: run at least 10 of each";
    if (**reason != '\0')
        return VERDICT_INCONCLUSIVE;

    /* As speed: above 1 is faster. */
    double speed = evidence->ratio, low = evidence->interval.low, high = evidence->interval.high;
    if (lower_is_better) {
        speed = 1 / evidence->ratio;
        low = 1 / evidence->interval.high;
        high = 1 / evidence->interval.low;
    }
    bool excludes_1 = low > 1 || high < 1;
    bool beyond = speed > 1 + bound || speed < 1 - bound;
    if (excludes_1 && beyond && evidence->p <= alpha)
        return speed > 1 ? VERDICT_FASTER : VERDICT_SLOWER;
    bool within = low >= 1 - bound && high <= 1 + bound;
    if (within && evidence->interval.coverage >= 1 - alpha - 1e-9)
        return VERDICT_SAME;
    *reason = excludes_1 && beyond ? "too few or too overlapping repetitions: the U test cannot tell"
              : within             ? "too few repetitions: the interval covers too little to call it the same"
                                   : "the interval is too wide for the threshold: run more repetitions";
    return VERDICT_INCONCLUSIVE;
}
