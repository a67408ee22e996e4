/*
 * histogram.h - counts of values (nanoseconds, attempts) in buckets whose relative width is bounded.
 *
 * Model. Values below 256 have a bucket each. Above, every power of two [2^e, 2^(e+1)) is cut into 128 equal buckets,
 * of width 2^(e-7). The whole range of 64 bits is covered: nothing is clamped.
 *
 * Error. A bucket [low, low + width) with low >= 2^e has width / low <= 2^(e-7) / 2^e = 1/128. A percentile is given as
 * the middle of its bucket, so it is off by at most width / 2 <= low / 256, that is 0.4% of the true value; it is
 * exact below 256. Count, minimum, maximum and mean are exact (the sum as long as it is below 2^64, which for
 * nanoseconds is 584 years of waiting).
 *
 * Cost. Recording is a bit scan, two shifts and five stores: no division, no branch that depends on the distribution
 * except the first. 58 KiB of address space, touched where there are values.
 *
 * A histogram has one writer; merge histograms when their writers have stopped.
 * Checked by: tests/unit/harness/record/histogram.c. Source of the idea: fio stat.h, HDR histogram.
 */
#ifndef HARNESS_RECORD_HISTOGRAM_H
#define HARNESS_RECORD_HISTOGRAM_H

#include "harness/common/support.h"

enum {
    HISTOGRAM_SUB_BITS = 7, /* 128 buckets a power of two: error <= 1/256 */
    HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS
};

struct histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t min; /* UINT64_MAX while empty */
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);                                         /* also: empties it */
void histogram_record_times(struct histogram *histogram, uint64_t value, uint64_t times); /* so often the same */
static inline void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram_record_times(histogram, value, 1);
}

void histogram_merge(struct histogram *into, const struct histogram *from);

/* The smallest value that at least `percent` (0..100) of the values do not exceed, within the error above; the exact
 * minimum and maximum at 0 and 100. 0 if empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);
double histogram_mean(const struct histogram *histogram); /* 0 if empty */

/* The bucket of a value, and the values [low, high] of a bucket. */
size_t histogram_bucket(uint64_t value);
uint64_t histogram_bucket_low(size_t bucket);
uint64_t histogram_bucket_high(size_t bucket);

/*
 * The dump: lossless, and mergeable by reading several dumps into one histogram. Lines of the columns below, each after
 * `prefix`, which is the caller's own leading fields with their comma ("3,payment,latency_ns,"), or "".
 *     total,<min>,<max>,<count>,<sum>     one line, also when empty (then min and max are empty fields)
 *     bucket,<low>,<high>,<count>,        one line for each bucket that is not empty, ascending; sum is an empty field
 * Loading adds one line's fields (without prefix and newline). False: `error` says what is wrong and what would be
 * right. When all lines are in, histogram_complete tells whether totals and buckets agree, that is whether lines are
 * missing.
 */
#define HISTOGRAM_CSV_COLUMNS "row,low,high,count,sum"
void histogram_dump(const struct histogram *histogram, const char *prefix, FILE *file);
bool histogram_load_line(struct histogram *histogram, const char *fields, char *error, size_t error_bytes);
bool histogram_complete(const struct histogram *histogram);

#endif
