/* latency.c - see latency.h. */
#include "harness/record/latency.h"

struct latency *latencies_create(unsigned types)
{
    struct latency *latencies = support_alloc_aligned(types * sizeof *latencies);
    latencies_clear(latencies, types);
    return latencies;
}

void latencies_clear(struct latency *latencies, unsigned types)
{
    for (unsigned type = 0; type < types; type++) {
        histogram_init(&latencies[type].service);
        histogram_init(&latencies[type].retried);
        histogram_init(&latencies[type].response);
        histogram_init(&latencies[type].durable);
        histogram_init(&latencies[type].aborted);
    }
}

void latency_merge(struct latency *into, const struct latency *from)
{
    histogram_merge(&into->service, &from->service);
    histogram_merge(&into->retried, &from->retried);
    histogram_merge(&into->response, &from->response);
    histogram_merge(&into->durable, &from->durable);
    histogram_merge(&into->aborted, &from->aborted);
}

void latency_attempts(const struct latency *latency, struct histogram *attempts)
{
    MAE_CHECK(latency->retried.count <= latency->service.count); /* some of all */
    *attempts = latency->retried;
    uint64_t single = latency->service.count - latency->retried.count;
    histogram_record_times(attempts, 1, single);
}

void latency_digest(const struct histogram *histogram, struct latency_digest *digest)
{
    *digest =
        (struct latency_digest){.count = histogram->count, .max = histogram->max, .mean = histogram_mean(histogram)};
#define LATENCY_PERCENTILE_DIGEST(name, percent) digest->name = histogram_percentile(histogram, percent);
    LATENCY_PERCENTILE_TABLE(LATENCY_PERCENTILE_DIGEST)
}

void latency_summarize(const struct latency *latency, struct latency_summary *summary)
{
    SUPPORT_FREED struct histogram *attempts = support_alloc(sizeof *attempts);
    latency_attempts(latency, attempts);
    latency_digest(&latency->service, &summary->service);
    latency_digest(&latency->response, &summary->response);
    latency_digest(&latency->durable, &summary->durable);
    latency_digest(&latency->aborted, &summary->aborted);
    latency_digest(attempts, &summary->attempts);
}
