/* result.c - see result.h. */
#include "harness/record/result.h"

#include <ctype.h>

struct result *result_create(const struct options *options, const struct placement *placement, unsigned repetition)
{
    struct result *result = support_alloc(sizeof *result);
    result->options = options;
    result->placement = placement;
    result->repetition = repetition;
    result->warmup_settled = result->steady = -1;
    result->type_count = workload_type_count(options->workload, options->workload_values);
    MAE_CHECK(result->type_count > 0);
    result->types = support_alloc(result->type_count * sizeof *result->types);
    for (const struct workload_share *share = options->workload->shares; share != NULL && share->name != NULL; share++)
        result->share_count++;
    if (result->share_count > 0)
        result->shares = support_alloc(result->share_count * sizeof *result->shares);
    result->committed_since_load = support_alloc(result->type_count * sizeof *result->committed_since_load);
    return result;
}

void result_destroy(struct result *result)
{
    if (result == NULL)
        return;
    free(result->types);
    free(result->committed_since_load);
    free(result->shares);
    free(result->latencies);
    free(result->operations);
    free(result->engine);
    free(result);
}

double result_worker_ns(const struct result *result)
{
    return result->window_s * 1e9 * (double)result->options->run.threads;
}

uint64_t result_space_bytes(const struct result *result)
{
    return result->rows.row_bytes + result->rows.version_bytes + result->indexes.row_bytes +
           result->indexes.version_bytes;
}

uint64_t result_growth_bytes(const struct result *result)
{
    uint64_t now = result_space_bytes(result), loaded = result->loaded.space_bytes;
    return now > loaded ? now - loaded : 0;
}

uint64_t result_small_bytes(const struct result *result)
{
    uint64_t huge = result->memory.hugetlb_bytes + result->memory.transparent_bytes;
    return result->memory.resident_bytes > huge ? result->memory.resident_bytes - huge : 0;
}

double result_durable_lag_us(const struct result *result)
{
    uint64_t ended = result->state.min_wts, safe = result->state.durable_ts; /* 8 bits: worker */
    return ended > safe ? (double)((ended - safe) >> 8) / result->state.ticks_per_us : 0;
}

const char *result_isolation(const struct target_promises *promises)
{
    if (promises->isolation == TARGET_ISOLATION_SERIALIZABLE && !promises->phantom_safe)
        return "serializable but for phantoms";
    return target_isolation_text(promises->isolation);
}

const char *result_counter_name(const char *event)
{
    char *name = support_short("%s", event);
    MAE_CHECK(strcmp(name, event) == 0); /* it is shorter */
    for (char *at = name; *at != '\0'; at++)
        *at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '_';
    return name;
}
