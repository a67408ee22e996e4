/* histogram.c - see histogram.h. */
#include "harness/record/histogram.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>

enum { SUB_BUCKETS = 1 << HISTOGRAM_SUB_BITS };

/* The largest value's bucket is the last one: shift 63 - 7 and the leading 8 bits all ones. */
static_assert(((64 - 1 - HISTOGRAM_SUB_BITS) << HISTOGRAM_SUB_BITS) + 2 * SUB_BUCKETS - 1 == HISTOGRAM_BUCKETS - 1,
              "buckets cover 64 bits");

void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
    histogram->min = UINT64_MAX;
}

/* Keeps the leading 8 bits of a value: `value >> shift` lies in [128, 256), and each shift begins 128 buckets later.
 * For shift 0 this is the value itself, as it is for all smaller ones. */
size_t histogram_bucket(uint64_t value)
{
    if (value < 2 * SUB_BUCKETS)
        return (size_t)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return ((size_t)shift << HISTOGRAM_SUB_BITS) + (size_t)(value >> shift);
}

uint64_t histogram_bucket_low(size_t bucket)
{
    if (bucket < 2 * SUB_BUCKETS)
        return bucket;
    size_t shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    return (uint64_t)(bucket - (shift << HISTOGRAM_SUB_BITS)) << shift;
}

uint64_t histogram_bucket_high(size_t bucket)
{
    return bucket + 1 < HISTOGRAM_BUCKETS ? histogram_bucket_low(bucket + 1) - 1 : UINT64_MAX;
}

void histogram_record_times(struct histogram *histogram, uint64_t value, uint64_t times)
{
    if (times == 0)
        return;
    histogram->count += times;
    histogram->sum += value * times;
    histogram->min = value < histogram->min ? value : histogram->min;
    histogram->max = value > histogram->max ? value : histogram->max;
    histogram->buckets[histogram_bucket(value)] += times;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    MAE_DCHECK(from->count == 0 || from->min <= from->max);
    into->count += from->count;
    into->sum += from->sum;
    into->min = from->min < into->min ? from->min : into->min;
    into->max = from->max > into->max ? from->max : into->max;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    if (histogram->count == 0)
        return 0;
    /* 99.9 / 100 * 1000 is 999.0000000000001 in floating point: the tolerance keeps it rank 999, not 1000. */
    double exact = percent / 100.0 * (double)histogram->count;
    double rank = ceil(exact - 1e-9 * fmax(1.0, exact));
    if (rank < 1 || percent <= 0)
        return histogram->min;
    if (rank >= (double)histogram->count)
        return histogram->max;

    uint64_t seen = 0;
    size_t bucket = 0;
    for (; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if ((double)seen >= rank)
            break;
    }
    MAE_CHECK(bucket < HISTOGRAM_BUCKETS); /* the buckets add up to the count */
    uint64_t low = histogram_bucket_low(bucket), high = histogram_bucket_high(bucket);
    uint64_t middle = low + (high - low) / 2;
    if (middle < histogram->min)
        return histogram->min;
    return middle > histogram->max ? histogram->max : middle;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count ? (double)histogram->sum / (double)histogram->count : 0.0;
}

/* ---- The dump. ---- */

void histogram_dump(const struct histogram *histogram, const char *prefix, FILE *file)
{
    if (histogram->count == 0) {
        fprintf(file, "%stotal,,,0,0\n", prefix);
        return;
    }
    fprintf(file, "%stotal,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", prefix, histogram->min, histogram->max,
            histogram->count, histogram->sum);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (histogram->buckets[i])
            fprintf(file, "%sbucket,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",\n", prefix, histogram_bucket_low(i),
                    histogram_bucket_high(i), histogram->buckets[i]);
}

/* One unsigned field that must be followed by `end`; moves *text past it. */
static bool parse_field(const char **text, char end, uint64_t *value)
{
    if (!isdigit((unsigned char)**text))
        return false;
    char *rest;
    errno = 0;
    *value = strtoull(*text, &rest, 10);
    if (errno || *rest != end)
        return false;
    *text = end ? rest + 1 : rest;
    return true;
}

static bool load_total(struct histogram *histogram, const char *text)
{
    uint64_t min, max, count, sum;
    if (strcmp(text, ",,0,0") == 0)
        return true;
    if (!parse_field(&text, ',', &min) || !parse_field(&text, ',', &max) || !parse_field(&text, ',', &count) ||
        !parse_field(&text, '\0', &sum))
        return false;
    if (min > max || count == 0 || __builtin_add_overflow(histogram->count, count, &count) ||
        __builtin_add_overflow(histogram->sum, sum, &sum))
        return false;
    histogram->count = count;
    histogram->sum = sum;
    histogram->min = min < histogram->min ? min : histogram->min;
    histogram->max = max > histogram->max ? max : histogram->max;
    return true;
}

static bool load_bucket(struct histogram *histogram, const char *text)
{
    uint64_t low, high, count;
    if (!parse_field(&text, ',', &low) || !parse_field(&text, ',', &high) || !parse_field(&text, ',', &count) ||
        *text != '\0')
        return false;
    size_t bucket = histogram_bucket(low);
    if (histogram_bucket_low(bucket) != low || histogram_bucket_high(bucket) != high || count == 0)
        return false;
    return !__builtin_add_overflow(histogram->buckets[bucket], count, &histogram->buckets[bucket]);
}

bool histogram_load_line(struct histogram *histogram, const char *fields, char *error, size_t error_bytes)
{
    if (strncmp(fields, "total,", 6) == 0)
        return load_total(histogram, fields + 6) ||
               support_error(error, error_bytes, "'%.60s' is not a total: want total,<min>,<max>,<count>,<sum>",
                             fields);
    if (strncmp(fields, "bucket,", 7) == 0)
        return load_bucket(histogram, fields + 7) ||
               support_error(error, error_bytes,
                             "'%.60s' is not a bucket of this histogram: want bucket,<low>,<high>,<count>,", fields);
    return support_error(error, error_bytes, "'%.60s': the row must be total or bucket", fields);
}

bool histogram_complete(const struct histogram *histogram)
{
    uint64_t seen = 0;
    size_t first = HISTOGRAM_BUCKETS, last = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (!histogram->buckets[i])
            continue;
        if (__builtin_add_overflow(seen, histogram->buckets[i], &seen))
            return false;
        first = first < i ? first : i;
        last = i;
    }
    if (seen != histogram->count)
        return false;
    return seen == 0 || (first == histogram_bucket(histogram->min) && last == histogram_bucket(histogram->max));
}
