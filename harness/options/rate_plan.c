/* rate_plan.c - see rate_plan.h. */
#include "harness/options/rate_plan.h"

#include <math.h>

#include "engine/base/quantity.h"

/* As that of --rate: beyond it, the gap between two requests vanishes in the time of the window. */
#define RATE_MAX UINT64_C(1000000000)

/* After a plan that ends with a rate of 0 nothing is due any more: decades. */
#define NEVER_S 1e9

static bool refuse(const char *stage, char *error)
{
    return support_error(error, RATE_PLAN_ERROR_BYTES,
                         "'%.100s' is no stage such as 10k/5s, or 10k..50k/20s for a rate that changes", stage);
}

static bool stage_read(struct rate_stage *stage, const char *text, char *error)
{
    SUPPORT_FREED char *copy = support_copy(text);
    char *slash = strchr(copy, '/'), *dots = strstr(copy, "..");
    uint64_t from, to, length_ns;
    if (slash == NULL)
        return refuse(text, error);
    *slash = '\0';
    if (dots != NULL)
        *dots = '\0';
    if (!quantity_parse_u64(copy, QUANTITY_COUNT, &from) ||
        !quantity_parse_u64(dots == NULL ? copy : dots + 2, QUANTITY_COUNT, &to) ||
        !quantity_parse_time(slash + 1, &length_ns) || length_ns == 0 || from > RATE_MAX || to > RATE_MAX)
        return refuse(text, error);
    *stage = (struct rate_stage){(double)from, (double)to, (double)length_ns / 1e9};
    return true;
}

bool rate_plan_read(struct rate_plan *plan, const char *text, char *error)
{
    SUPPORT_FREED char *copy = support_copy(text);
    char *state = NULL;
    *plan = (struct rate_plan){0};
    for (const char *stage = strtok_r(copy, ",", &state); stage != NULL; stage = strtok_r(NULL, ",", &state)) {
        if (plan->count == RATE_PLAN_STAGES_MAX)
            return support_error(error, RATE_PLAN_ERROR_BYTES, "more than %d stages", RATE_PLAN_STAGES_MAX);
        if (!stage_read(&plan->stages[plan->count++], stage, error))
            return false;
    }
    return rate_plan_requests(plan) >= 1 ||
           support_error(error, RATE_PLAN_ERROR_BYTES, "no request is due in all of it");
}

double rate_plan_length_s(const struct rate_plan *plan)
{
    double length_s = 0;
    for (size_t i = 0; i < plan->count; i++)
        length_s += plan->stages[i].length_s;
    return length_s;
}

static double requests_in(const struct rate_stage *stage)
{
    return (stage->from + stage->to) / 2 * stage->length_s;
}

double rate_plan_requests(const struct rate_plan *plan)
{
    double requests = 0;
    for (size_t i = 0; i < plan->count; i++)
        requests += requests_in(&plan->stages[i]);
    return requests;
}

double rate_plan_highest(const struct rate_plan *plan)
{
    double highest = 0;
    for (size_t i = 0; i < plan->count; i++)
        highest = fmax(highest, fmax(plan->stages[i].from, plan->stages[i].to));
    return highest;
}

/* The time t with from t + slope t^2 / 2 = n: the root that stays right where the slope is 0. */
static double time_in(const struct rate_stage *stage, double n)
{
    double slope = (stage->to - stage->from) / stage->length_s;
    double root = sqrt(fmax(stage->from * stage->from + 2 * slope * n, 0));
    return stage->from + root > 0 ? 2 * n / (stage->from + root) : 0;
}

double rate_plan_time_s(const struct rate_plan *plan, double n)
{
    double before_s = 0;
    for (size_t i = 0; i < plan->count; i++) {
        double requests = requests_in(&plan->stages[i]);
        if (n <= requests && requests > 0)
            return before_s + fmin(time_in(&plan->stages[i], n), plan->stages[i].length_s);
        n -= requests;
        before_s += plan->stages[i].length_s;
    }
    double last = plan->stages[plan->count - 1].to;
    return last > 0 ? before_s + n / last : NEVER_S;
}
