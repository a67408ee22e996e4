/* hdr_log.c - see hdr_log.h. */
#include "harness/record/hdr_log.h"

#include <assert.h>

/* The low byte's 0x10 says that counts are in ZigZag LEB128. */
#define COOKIE_PLAIN UINT32_C(0x1c849313)
#define COOKIE_COMPRESSED UINT32_C(0x1c849314)
enum { DIGITS = 2, LEB_BYTES_MAX = 9, STORED_MAX = 65535 };

static_assert(HISTOGRAM_SUB_BITS == 7, "the buckets are those of HdrHistogram with two significant digits");

struct bytes {
    unsigned char *items;
    size_t count;
};

static void put(struct bytes *bytes, uint64_t byte)
{
    bytes->items = support_more(bytes->items, bytes->count, 1);
    bytes->items[bytes->count++] = (unsigned char)byte;
}

/* Big end first. */
static void put_word(struct bytes *bytes, uint64_t value, unsigned size)
{
    for (unsigned i = size; i-- > 0;)
        put(bytes, value >> (8 * i) & 0xff);
}

/* ZigZag makes small numbers of both signs small; LEB128 writes 7 bits a byte. The ninth byte has 8. */
static void put_count(struct bytes *bytes, int64_t count)
{
    uint64_t rest = (uint64_t)count << 1 ^ (uint64_t)(count >> 63);
    for (unsigned i = 1; i < LEB_BYTES_MAX && rest >= 0x80; i++) {
        put(bytes, (rest & 0x7f) | 0x80);
        rest >>= 7;
    }
    put(bytes, rest);
}

/* Up to the last bucket that is not empty; of several empty ones their number, below zero. */
static void put_buckets(struct bytes *bytes, const struct histogram *histogram, size_t end)
{
    for (size_t i = 0; i < end;) {
        size_t empty = i;
        while (empty < end && histogram->buckets[empty] == 0)
            empty++;
        put_count(bytes, empty - i > 1 ? -(int64_t)(empty - i) : (int64_t)histogram->buckets[i]);
        i = empty - i > 1 ? empty : i + 1;
    }
}

static void put_histogram(struct bytes *bytes, const struct histogram *histogram)
{
    struct bytes counts = {0};
    size_t end = histogram->count == 0 ? 0 : histogram_bucket(histogram->max) + 1;
    uint64_t highest = end == 0 ? 0 : histogram_bucket_high(end - 1);
    double ratio = 1;
    uint64_t ratio_bits;
    memcpy(&ratio_bits, &ratio, sizeof ratio_bits);
    put_buckets(&counts, histogram, end);
    put_word(bytes, COOKIE_PLAIN, 4);
    put_word(bytes, counts.count, 4);
    put_word(bytes, 0, 4); /* how far the buckets are shifted */
    put_word(bytes, DIGITS, 4);
    put_word(bytes, 1, 8); /* the least value told from 0 */
    put_word(bytes, highest < 2 ? 2 : highest > INT64_MAX ? INT64_MAX : highest, 8);
    put_word(bytes, ratio_bits, 8);
    for (size_t i = 0; i < counts.count; i++)
        put(bytes, counts.items[i]);
    free(counts.items);
}

/* A zlib stream (RFC 1950) of stored blocks (RFC 1951, 3.2.4). */
static void put_stream(struct bytes *bytes, const struct bytes *content)
{
    uint32_t a = 1, b = 0; /* Adler-32 */
    put(bytes, 0x78);
    put(bytes, 0x01);
    for (size_t at = 0; at < content->count;) {
        size_t left = content->count - at, size = left < STORED_MAX ? left : STORED_MAX;
        put(bytes, size == left); /* the last block */
        put(bytes, size & 0xff);
        put(bytes, size >> 8);
        put(bytes, ~size & 0xff);
        put(bytes, (~size >> 8) & 0xff);
        for (size_t end = at + size; at < end; at++) {
            put(bytes, content->items[at]);
            a = (a + content->items[at]) % 65521;
            b = (b + a) % 65521;
        }
    }
    put_word(bytes, (uint64_t)b << 16 | a, 4);
}

static void base64_add(struct support_text *text, const struct bytes *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes->count; i += 3) {
        size_t left = bytes->count - i;
        unsigned group = (unsigned)bytes->items[i] << 16;
        group |= left > 1 ? (unsigned)bytes->items[i + 1] << 8 : 0;
        group |= left > 2 ? bytes->items[i + 2] : 0;
        support_text_add(text, "%c%c%c%c", digits[group >> 18], digits[group >> 12 & 63],
                         left > 1 ? digits[group >> 6 & 63] : '=', left > 2 ? digits[group & 63] : '=');
    }
}

void hdr_log_add(struct support_text *log, const char *tag, double begin_s, double length_s,
                 const struct histogram *histogram)
{
    struct bytes content = {0}, stream = {0}, encoded = {0};
    put_histogram(&content, histogram);
    put_stream(&stream, &content);
    put_word(&encoded, COOKIE_COMPRESSED, 4);
    put_word(&encoded, stream.count, 4);
    for (size_t i = 0; i < stream.count; i++)
        put(&encoded, stream.items[i]);
    if (tag != NULL)
        support_text_add(log, "Tag=%s,", tag);
    support_text_add(log, "%.3f,%.3f,%.3f,", begin_s, length_s, (double)histogram->max / 1e6);
    base64_add(log, &encoded);
    support_text_add(log, "\n");
    free(content.items);
    free(stream.items);
    free(encoded.items);
}
