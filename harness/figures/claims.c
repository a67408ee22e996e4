/* claims.c - see claims.h. */
#include "harness/figures/claims.h"

const char *const claim_verdict_texts[] = {CLAIM_VERDICT_TABLE(TABLE_SECONDS)};

/* The values of one side; "best:COLUMN:SELECTOR" takes the best group. */
static struct claim_side side_values(const struct results *set, const char *metric, const char *side, double *values)
{
    struct claim_side read = {0, NAN, ""};
    char group[RESULTS_SELECTOR_BYTES];
    if (strncmp(side, "best:", 5) == 0) {
        const char *colon = strchr(side + 5, ':');
        (void)snprintf(group, sizeof(group), "%.*s", (int)(colon - side - 5), side + 5);
        read.runs = results_best(set, colon + 1, group, metric, values, &read.group);
    } else {
        read.runs = results_values(set, side, metric, values);
    }
    if (read.runs > 0)
        read.median = statistics_median(values, read.runs);
    return read;
}

/* The first reason counts. */
static void unknown(struct claim_result *result, const char *reason)
{
    if (result->reason[0] == '\0')
        (void)support_error(result->reason, sizeof result->reason, "%s", reason);
}

static void judge_measured(const struct claim *claim, const struct results *set, struct claim_result *result)
{
    unsigned long cores = strtoul(set->cores, NULL, 10);
    bool has_b = claim->against[0] != '\0';
    if (result->a.runs == 0 || (has_b && result->b.runs == 0))
        unknown(result, support_short("No results in %s for what %s.", claim->experiment,
                                      result->a.runs == 0 ? "is claimed" : "it is compared with"));
    if ((double)cores < claim->cores)
        unknown(result, support_short("It is about %g cores or more; %s were %lu.", claim->cores,
                                      result->simulated ? "simulated" : "measured", cores));
    if (!has_b)
        unknown(result, "It is a number of another machine.");
    if (result->a.runs < CLAIM_RUNS_MIN || (has_b && result->b.runs < CLAIM_RUNS_MIN))
        unknown(result, support_short("Fewer than %d repetitions.", CLAIM_RUNS_MIN));
    if (result->reason[0] != '\0')
        return;
    if (!isfinite(result->interval.low) || !isfinite(result->interval.high))
        unknown(result, "The ratio has no interval.");
    else if (result->interval.coverage < CLAIM_CONFIDENCE)
        unknown(result, support_short("The interval covers %g%% only.", statistics_coverage_percent(result->interval)));
    else if (result->interval.low >= claim->from && result->interval.high <= claim->to)
        result->verdict = CLAIM_HOLDS;
    else if (result->interval.high < claim->from || result->interval.low > claim->to)
        result->verdict = CLAIM_FAILS;
    else
        unknown(result, "Too noisy: the interval lies partly where the claim holds.");
}

void claim_judge(const struct claim *claim, const struct results *set, struct claim_result *result)
{
    *result = (struct claim_result){.a = {0, NAN, ""}, .b = {0, NAN, ""}, .ratio = NAN, .verdict = CLAIM_UNKNOWN};
    result->interval = (struct statistics_interval){NAN, NAN, 0};
    if (claim->of[0] == '\0') {
        unknown(result, "Not measured.");
        return;
    }
    if (!set) {
        unknown(result, support_short("Not measured: `maemio figure %s` does.", claim->experiment));
        return;
    }
    result->simulated = set->count > 0 && strcmp(results_text(set, 0, "simulated"), "1") == 0;
    SUPPORT_FREED double *a = support_alloc((set->count + 1) * sizeof(double)),
                         *b = support_alloc((set->count + 1) * sizeof(double));
    result->a = side_values(set, claim->metric, claim->of, a);
    if (claim->against[0] != '\0') {
        result->b = side_values(set, claim->metric, claim->against, b);
        statistics_median_ratio(b, result->b.runs, a, result->a.runs, CLAIM_CONFIDENCE, &result->ratio,
                                &result->interval);
    } else {
        struct statistics_summary summary;
        if (statistics_summarize(a, result->a.runs, &summary))
            result->interval = (struct statistics_interval){summary.min, summary.max, 0};
    }
    judge_measured(claim, set, result);
}
