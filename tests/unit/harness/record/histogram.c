/* Tests of harness/record/histogram.c: the stated error bound, exact totals, lossless and mergeable dumps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "harness/record/histogram.h"
#include "tests/support/scratch.h"

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void seed_random(void)
{
    const char *given = getenv("MAE_SEED");
    random_state = (given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL)) | 1;
    print_message("MAE_SEED=%llu\n", (unsigned long long)random_state);
}

static void check_bucket(uint64_t value)
{
    size_t bucket = histogram_bucket(value);
    assert_true(bucket < HISTOGRAM_BUCKETS);
    uint64_t low = histogram_bucket_low(bucket), high = histogram_bucket_high(bucket);
    assert_true(low <= value && value <= high);
    if (value < 256)
        assert_true(low == high);
    else
        assert_true((high - low + 1) <= low / 128 + (low % 128 != 0)); /* width / low <= 1/128 */
}

static void every_value_lies_in_a_bucket_no_wider_than_1_in_128(void **state)
{
    (void)state;
    seed_random();
    for (uint64_t value = 0; value < 5000; value++)
        check_bucket(value);
    for (unsigned bit = 0; bit < 64; bit++) {
        check_bucket(UINT64_C(1) << bit);
        check_bucket((UINT64_C(1) << bit) - 1);
        check_bucket((UINT64_C(1) << bit) + 1);
    }
    check_bucket(UINT64_MAX);
    for (int i = 0; i < 100000; i++)
        check_bucket(next_random() >> (next_random() % 64));
}

static void buckets_join_without_gap_or_overlap(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket_low(0), 0);
    for (size_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        assert_true(histogram_bucket_high(i) + 1 == histogram_bucket_low(i + 1));
        assert_true(histogram_bucket(histogram_bucket_low(i)) == i);
        assert_true(histogram_bucket(histogram_bucket_high(i)) == i);
    }
    assert_true(histogram_bucket_high(HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

static int ascending(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void percentiles_keep_the_stated_error(void **state)
{
    (void)state;
    seed_random();
    enum { COUNT = 20000 };
    static uint64_t values[COUNT];
    static struct histogram histogram;
    histogram_init(&histogram);
    uint64_t sum = 0;
    for (int i = 0; i < COUNT; i++) {
        values[i] = next_random() >> (20 + next_random() % 40); /* up to 2^44 ns: five hours */
        sum += values[i];
        histogram_record(&histogram, values[i]);
    }
    qsort(values, COUNT, sizeof(values[0]), ascending);
    static const struct {
        double percent;
        size_t rank;
    } cases[] = {{1, 200},    {25, 5000},    {50, 10000},    {90, 18000},     {95, 19000},
                 {99, 19800}, {99.9, 19980}, {99.99, 19998}, {99.995, 19999}, {0.005, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t exact = values[cases[i].rank - 1], got = histogram_percentile(&histogram, cases[i].percent);
        uint64_t off = got > exact ? got - exact : exact - got;
        assert_true(off <= exact / 256);
    }
    assert_true(histogram_percentile(&histogram, 0) == values[0]);
    assert_true(histogram_percentile(&histogram, 100) == values[COUNT - 1]);
    assert_true(histogram.min == values[0] && histogram.max == values[COUNT - 1]);
    assert_true(histogram.count == COUNT && histogram.sum == sum);
    assert_true(histogram_mean(&histogram) == (double)sum / COUNT);
}

static void small_counts_have_exact_ranks(void **state)
{
    (void)state;
    static struct histogram histogram;
    histogram_init(&histogram);
    assert_int_equal(histogram_percentile(&histogram, 50), 0);
    assert_true(histogram_mean(&histogram) == 0.0);
    for (uint64_t value = 1; value <= 100; value++)
        histogram_record(&histogram, value);
    for (unsigned percent = 1; percent <= 100; percent++)
        assert_int_equal(histogram_percentile(&histogram, percent), percent);
    assert_int_equal(histogram_percentile(&histogram, 0.5), 1);
    assert_int_equal(histogram_percentile(&histogram, 50.1), 51);
    /* One value only: every percentile is that value, though it is no bucket's middle. */
    histogram_init(&histogram);
    histogram_record(&histogram, 1000003);
    assert_int_equal(histogram_percentile(&histogram, 50), 1000003);
    assert_int_equal(histogram_percentile(&histogram, 99.99), 1000003);
}

/* Loads a dump whose lines carry `prefix` into `histogram`. */
static void load_dump(struct histogram *histogram, char *text, const char *prefix)
{
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char error[200] = "";
        assert_int_equal(strncmp(line, prefix, strlen(prefix)), 0);
        if (!histogram_load_line(histogram, line + strlen(prefix), error, sizeof(error)))
            fail_msg("%s", error);
    }
}

static char *dump(const struct histogram *histogram, const char *prefix)
{
    FILE *file = scratch_text_open();
    histogram_dump(histogram, prefix, file);
    return scratch_text_close(file);
}

static void a_dump_is_lossless_and_two_dumps_merge(void **state)
{
    (void)state;
    seed_random();
    static struct histogram a, b, merged, loaded, empty;
    histogram_init(&a);
    histogram_init(&b);
    histogram_init(&merged);
    histogram_init(&loaded);
    histogram_init(&empty);
    for (int i = 0; i < 5000; i++) {
        histogram_record(&a, next_random() >> (20 + next_random() % 40));
        histogram_record(&b, 100 + next_random() % 1000);
    }
    histogram_merge(&merged, &a);
    histogram_merge(&merged, &b);
    histogram_merge(&merged, &empty);

    const struct histogram *parts[] = {&a, &empty, &b};
    for (size_t i = 0; i < 3; i++) {
        char *text = dump(parts[i], "3,payment,");
        load_dump(&loaded, text, "3,payment,");
        free(text);
    }
    assert_memory_equal(&loaded, &merged, sizeof(merged));
    assert_true(histogram_complete(&loaded));
    assert_true(histogram_complete(&empty));
}

static void a_lost_line_is_noticed(void **state)
{
    (void)state;
    static struct histogram histogram;
    char error[200];
    histogram_init(&histogram);
    assert_true(histogram_load_line(&histogram, "total,5,7,2,12", error, sizeof(error)));
    assert_true(histogram_load_line(&histogram, "bucket,5,5,1,", error, sizeof(error)));
    assert_false(histogram_complete(&histogram));
    assert_true(histogram_load_line(&histogram, "bucket,7,7,1,", error, sizeof(error)));
    assert_true(histogram_complete(&histogram));
}

static void bad_lines_are_refused_with_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *line, *expect;
    } cases[] = {
        {"", "must be total or bucket"},
        {"sum,1,2,3,4", "must be total or bucket"},
        {"total,1,2,3", "want total,<min>,<max>,<count>,<sum>"},
        {"total,9,2,3,4", "want total"},
        {"total,1,2,3,4,5", "want total"},
        {"total,1,2,0,4", "want total"},
        {"total,-1,2,3,4", "want total"},
        {"bucket,5,6,1,", "not a bucket"},       /* 5 has a bucket of its own */
        {"bucket,1024,1030,1,", "not a bucket"}, /* it is 1024..1031 */
        {"bucket,1025,1031,1,", "not a bucket"},
        {"bucket,5,5,0,", "not a bucket"},
        {"bucket,5,5,1", "not a bucket"},
        {"bucket,5,5,99999999999999999999,", "not a bucket"},
    };
    static struct histogram histogram, empty;
    histogram_init(&histogram);
    histogram_init(&empty);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[200] = "";
        assert_false(histogram_load_line(&histogram, cases[i].line, error, sizeof(error)));
        if (!strstr(error, cases[i].expect))
            fail_msg("'%s': %s", cases[i].line, error);
    }
    assert_memory_equal(&histogram, &empty, sizeof(empty));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_lies_in_a_bucket_no_wider_than_1_in_128),
        cmocka_unit_test(buckets_join_without_gap_or_overlap),
        cmocka_unit_test(percentiles_keep_the_stated_error),
        cmocka_unit_test(small_counts_have_exact_ranks),
        cmocka_unit_test(a_dump_is_lossless_and_two_dumps_merge),
        cmocka_unit_test(a_lost_line_is_noticed),
        cmocka_unit_test(bad_lines_are_refused_with_what_would_be_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
