/* hdr_log.c - harness/record/hdr_log.h: the bytes of a line, read back step by step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/record/hdr_log.h"

enum { HEADER_BYTES = 40, STREAM_AT = 8, CONTENT_AT = STREAM_AT + 7 };

/* What a line's base64 holds; the caller frees it. */
static unsigned char *decoded(const char *line, size_t *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *text = strrchr(line, ',') + 1;
    unsigned char *items = malloc(strlen(text));
    unsigned bits = 0, group = 0;
    *bytes = 0;
    for (; *text != '\n' && *text != '='; text++) {
        const char *digit = strchr(digits, *text);
        assert_non_null(digit);
        group = group << 6 | (unsigned)(digit - digits);
        bits += 6;
        if (bits >= 8)
            items[(*bytes)++] = (unsigned char)(group >> (bits -= 8));
    }
    return items;
}

static uint64_t word_at(const unsigned char *bytes, unsigned size)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < size; i++)
        word = word << 8 | bytes[i];
    return word;
}

static void a_line_has_its_times_its_header_and_its_counts(void **state)
{
    (void)state;
    struct histogram *histogram = support_alloc(sizeof *histogram);
    SUPPORT_FREED struct support_text log = {0};
    size_t bytes;
    histogram_init(histogram);
    histogram_record_times(histogram, 3, 5);
    histogram_record_times(histogram, 5, 200);
    histogram_record_times(histogram, 6, 1);
    hdr_log_add(&log, "service.read", 1700000000.25, 2, histogram);
    assert_memory_equal(log.text, "Tag=service.read,1700000000.250,2.000,0.000,HISTFA", 50);
    unsigned char *line = decoded(log.text, &bytes);
    assert_int_equal(word_at(line, 4), 0x1c849314);
    assert_int_equal(word_at(line + 4, 4), bytes - 8);
    assert_int_equal(word_at(line + STREAM_AT, 2) % 31, 0); /* zlib's check of its first two bytes */
    assert_int_equal(line[STREAM_AT + 2], 1);               /* one stored block */
    const unsigned char *content = line + CONTENT_AT, counts[] = {5, 10, 0, 0x90, 0x03, 2};
    assert_int_equal(word_at(content, 4), 0x1c849313);
    assert_int_equal(word_at(content + 4, 4), sizeof counts);
    assert_int_equal(word_at(content + 12, 4), 2);
    assert_int_equal(word_at(content + 24, 8), 6);
    /* Three empty buckets, 5 values, one empty bucket, 200 values, 1 value: doubled, and less one below zero. */
    assert_memory_equal(content + HEADER_BYTES, counts, sizeof counts);
    assert_int_equal(bytes, CONTENT_AT + HEADER_BYTES + sizeof counts + 4);
    free(line);
    free(histogram);
}

static void long_ones_take_several_blocks(void **state)
{
    (void)state;
    struct histogram *histogram = support_alloc(sizeof *histogram);
    SUPPORT_FREED struct support_text log = {0};
    size_t bytes;
    histogram_init(histogram);
    for (size_t bucket = 0; bucket < HISTOGRAM_BUCKETS - 128; bucket++)
        histogram_record_times(histogram, histogram_bucket_low(bucket), UINT64_C(1) << 55); /* nine bytes each */
    hdr_log_add(&log, NULL, 1700000000, 2, histogram);
    unsigned char *line = decoded(log.text, &bytes);
    size_t content = HEADER_BYTES + 9 * (HISTOGRAM_BUCKETS - 128);
    assert_int_equal(line[STREAM_AT + 2], content <= 65535);
    assert_int_equal(bytes, STREAM_AT + 2 + 5 * ((content + 65534) / 65535) + content + 4);
    free(line);
    free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_its_times_its_header_and_its_counts),
        cmocka_unit_test(long_ones_take_several_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
