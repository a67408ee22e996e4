/* latency.c - harness/record/latency.h: attempts, with and without first attempts that commit; merging; digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "harness/record/latency.h"

static void single_attempts_count_though_they_are_not_stored(void **state)
{
    (void)state;
    struct latency *latency = latencies_create(1);
    struct histogram *attempts = malloc(sizeof *attempts);
    for (int i = 0; i < 97; i++)
        latency_record(latency, 100, 1);
    latency_record(latency, 5000, 2);
    latency_record(latency, 6000, 2);
    latency_record(latency, 9000, 7);
    latency_attempts(latency, attempts);
    assert_int_equal(attempts->count, 100);
    assert_int_equal(attempts->sum, 97 + 2 + 2 + 7);
    assert_int_equal(attempts->min, 1);
    assert_int_equal(attempts->max, 7);
    assert_int_equal(histogram_percentile(attempts, 97), 1);
    assert_int_equal(histogram_percentile(attempts, 98), 2);
    assert_true(histogram_complete(attempts));
    free(attempts);
    free(latency);
}

static void an_empty_one_has_no_attempts(void **state)
{
    (void)state;
    struct latency *latency = latencies_create(1);
    struct latency_summary summary;
    latency_summarize(latency, &summary);
    assert_int_equal(summary.service.count, 0);
    assert_int_equal(summary.response.count, 0);
    assert_int_equal(summary.attempts.count, 0);
    free(latency);
}

static void workers_merge_to_what_one_would_have_seen(void **state)
{
    (void)state;
    struct latency *parts = latencies_create(2), *whole = latencies_create(1);
    for (uint64_t i = 0; i < 1000; i++) {
        latency_record(&parts[i % 2], i * i, 1 + i % 3);
        latency_record(whole, i * i, 1 + i % 3);
        histogram_record(&parts[i % 2].response, i * i + 5);
        histogram_record(&whole->response, i * i + 5);
    }
    latency_merge(&parts[0], &parts[1]);
    struct latency_summary merged, expected;
    latency_summarize(&parts[0], &merged);
    latency_summarize(whole, &expected);
    assert_memory_equal(&merged, &expected, sizeof merged);
    assert_int_equal(merged.service.count, 1000);
    assert_int_equal(merged.service.max, 999 * 999);
    assert_int_equal(merged.response.max, 999 * 999 + 5);
    assert_int_equal(merged.attempts.max, 3);
    assert_true(merged.service.p50 <= merged.service.p90 && merged.service.p99 <= merged.service.p99_99);
    latencies_clear(parts, 2);
    latency_summarize(&parts[0], &merged);
    assert_int_equal(merged.service.count, 0);
    free(whole);
    free(parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_attempts_count_though_they_are_not_stored),
        cmocka_unit_test(an_empty_one_has_no_attempts),
        cmocka_unit_test(workers_merge_to_what_one_would_have_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
