/*
 * latency.h - the times that transactions took, for each worker and transaction type.
 *
 *   service    the time from the begin of the first attempt to the commit, retries and back-off included. With
 *   --latency
 *              exact the clock is read at both. Otherwise it is read once a transaction, at the end, and the next
 *              transaction begins at that reading. The time then includes counting and stepping to the next request,
 *              some 5 to 30 ns, but no drawing: if drawing takes longer, it is done for some requests at a time, and
 *              the clock is read after it
 *   response   open loop only: the time from when the request was due to its commit, so service and the waiting before
 *   durable    where commits become safe some time after they return: the time from the begin of the first attempt, or
 *              in an open loop from when the request was due, until the worker saw that the commit was safe
 *   aborted    with --latency-aborted: the time of one attempt, from its begin to its abort, back-off not included;
 *   also of
 *              transactions that never committed
 *   attempts   how many the transaction took, the one that committed included
 *
 * But for `aborted`, the histograms have the transactions that committed and that began after the worker had seen the
 * window open. A transaction that was still retrying when the window closed is in no histogram; in an open loop its
 * waiting so far is a response time. The error is the histogram's (histogram.h): 0.4%; count, minimum, maximum and mean
 * are exact.
 *
 * Only its worker writes it; it is read and merged while the worker has no task.
 */
#ifndef HARNESS_RECORD_LATENCY_H
#define HARNESS_RECORD_LATENCY_H

#include "harness/record/histogram.h"

struct latency {
    struct histogram service;  /* ns */
    struct histogram retried;  /* attempts of those that needed more than one: the others are not worth a store */
    struct histogram response; /* ns; from here on last, so that the memory of a closed loop ends before it */
    struct histogram durable;  /* ns */
    struct histogram aborted;  /* ns */
};

/* What a histogram is reduced to, for columns. */
#define LATENCY_PERCENTILE_TABLE(X) X(p50, 50) X(p90, 90) X(p95, 95) X(p99, 99) X(p99_9, 99.9) X(p99_99, 99.99)

struct latency_digest {
    uint64_t count, max;
    double mean;
#define LATENCY_PERCENTILE_FIELD(name, percent) uint64_t name;
    LATENCY_PERCENTILE_TABLE(LATENCY_PERCENTILE_FIELD)
#undef LATENCY_PERCENTILE_FIELD
};

struct latency_summary {
    struct latency_digest service, response, durable, aborted, attempts; /* count is 0: does not apply */
};

/* One for each of `types` transaction types, empty and touched: call it on the thread that records. free() them. */
struct latency *latencies_create(unsigned types);
void latencies_clear(struct latency *latencies, unsigned types);

static inline void latency_record(struct latency *latency, uint64_t service_ns, uint64_t attempts)
{
    histogram_record(&latency->service, service_ns);
    if (attempts > 1)
        histogram_record(&latency->retried, attempts);
}

void latency_merge(struct latency *into, const struct latency *from);

/* All attempts, the single ones included. */
void latency_attempts(const struct latency *latency, struct histogram *attempts);

void latency_digest(const struct histogram *histogram, struct latency_digest *digest);
void latency_summarize(const struct latency *latency, struct latency_summary *summary);

#endif
