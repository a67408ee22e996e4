/* interval.c - harness/bench/interval.h: what counts as steady, and the rows of a made-up series. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/bench/interval.h"
#include "harness/targets/targets.h"

#define SECOND UINT64_C(1000000000)

static unsigned aborts; /* in each interval */

/* Each interval is a second and commits speeds[i]. */
static struct interval_series series_of(const unsigned *speeds, const double *backoffs, size_t count)
{
    struct interval_series series;
    interval_init(&series, count + 1);
    uint64_t committed = 0;
    for (size_t i = 0; i <= count; i++) {
        struct interval_sample *sample = interval_next(&series);
        committed += i == 0 ? 0 : speeds[i - 1];
        sample->at_ns = (i + 1) * SECOND;
        sample->committed = committed;
        sample->aborted[1] = aborts * i;
        sample->has_state = true;
        sample->state.backoff_max_us = backoffs == NULL ? 0 : backoffs[i == 0 ? 0 : i - 1];
        interval_keep(&series);
    }
    return series;
}

static int steady_of(const unsigned *speeds, const double *backoffs, size_t count, double *drift)
{
    struct interval_series series = series_of(speeds, backoffs, count);
    int steady = interval_steady(&series, 0, drift);
    interval_fini(&series);
    return steady;
}

static void flat_and_noisy_series_are_steady(void **state)
{
    (void)state;
    const unsigned flat[] = {100, 100, 100, 100, 100, 100, 100, 101};
    const unsigned noisy[] = {80, 120, 95, 110, 85, 115, 90, 105, 100, 92};
    double drift;
    assert_int_equal(steady_of(flat, NULL, 8, &drift), 1);
    assert_true(fabs(drift - 0.0025) < 1e-9);
    assert_int_equal(steady_of(noisy, NULL, 10, &drift), 1);
}

static void growth_and_moving_backoff_are_not(void **state)
{
    (void)state;
    const unsigned growing[] = {100, 102, 104, 106, 108, 110, 112, 114};
    const unsigned flat[] = {100, 100, 100, 100, 100, 100, 100, 100};
    const double moving[] = {10, 11, 12, 13, 14, 15, 16, 17}, small[] = {0.5, 0.5, 1, 1, 1, 1.5, 1.5, 1.5};
    double drift;
    aborts = 10000;
    assert_int_equal(steady_of(growing, NULL, 8, &drift), 0);
    assert_true(drift > 0.07 && drift < 0.08);
    assert_int_equal(steady_of(flat, moving, 8, &drift), 0);
    assert_int_equal(steady_of(flat, small, 8, &drift), 1); /* within 2 us */
    aborts = 100;                                           /* they wait for 0.07% of a worker's time */
    assert_int_equal(steady_of(flat, moving, 8, &drift), 1);
    aborts = 0; /* a single worker: nobody waits, wherever the bound goes */
    assert_int_equal(steady_of(flat, moving, 8, &drift), 1);
}

static void too_few_intervals_say_nothing(void **state)
{
    (void)state;
    const unsigned growing[] = {1, 2, 3, 4, 5, 6, 7};
    double drift;
    assert_int_equal(steady_of(growing, NULL, 7, &drift), -1);
    struct interval_series series = series_of(growing, NULL, 7);
    assert_int_equal(interval_steady(&series, 100, &drift), -1);
    interval_fini(&series);
}

static void a_standstill_is_not_steady(void **state)
{
    (void)state;
    const unsigned none[] = {0, 0, 0, 0, 0, 0, 0, 0};
    double drift;
    assert_int_equal(steady_of(none, NULL, 8, &drift), 0);
}

static void samples_beyond_the_room_are_not_kept(void **state)
{
    (void)state;
    struct interval_series series;
    interval_init(&series, 2);
    assert_non_null(interval_next(&series));
    interval_keep(&series);
    assert_non_null(interval_next(&series));
    interval_keep(&series);
    assert_null(interval_next(&series));
    interval_fini(&series);
}

/* The text of a column in row `row` (0: the first), of rows without quotes. */
static char *cell(const char *header, const char *rows, size_t row, const char *column, char text[64])
{
    size_t at = 0, length = strlen(column);
    const char *name = header;
    for (; strncmp(name, column, length) != 0 || (name[length] != ',' && name[length] != '\n'); at++) {
        name += strcspn(name, ",");
        assert_int_equal(*name, ',');
        name++;
    }
    while (row-- > 0)
        rows = strchr(rows, '\n') + 1;
    while (at-- > 0)
        rows = strchr(rows, ',') + 1;
    size_t bytes = strcspn(rows, ",\n");
    memcpy(text, rows, bytes);
    text[bytes] = '\0';
    return text;
}

static void rows_are_differences(void **state)
{
    (void)state;
    struct interval_series series;
    struct support_text header = {0}, rows = {0};
    char text[64];
    interval_init(&series, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct interval_sample *sample = interval_next(&series);
        sample->at_ns = (1 + i) * SECOND;
        sample->committed = 100 * i * i;
        sample->aborted[1] = 10 * i;
        sample->in_window = i >= 1;
        sample->has_state = true;
        sample->state.ticks_per_us = 2;
        /* min_wts keeps pace with the clock; min_rts stands still: it falls behind by a second each. */
        sample->state.min_wts = (uint64_t)(2e6 * (1 + i)) << 8;
        sample->state.min_rts = (uint64_t)2e6 << 8;
        sample->has_versions = true;
        sample->versions_made = 50 * i;
        sample->versions_reclaimed = 60 * i;
        sample->process_bytes = 4096;
        interval_keep(&series);
    }
    series.begin_ns = 2 * SECOND;
    interval_header(&header);
    interval_rows(&series, &native_target_ops, NULL, false, "", &rows);
    assert_string_equal(cell(header.text, rows.text, 0, "phase", text), "warm-up");
    assert_string_equal(cell(header.text, rows.text, 1, "phase", text), "measure");
    assert_string_equal(cell(header.text, rows.text, 0, "begin_s", text), "-1.000000");
    assert_string_equal(cell(header.text, rows.text, 1, "begin_s", text), "0.000000");
    assert_string_equal(cell(header.text, rows.text, 0, "commits", text), "100");
    assert_string_equal(cell(header.text, rows.text, 1, "commits", text), "300");
    assert_string_equal(cell(header.text, rows.text, 1, "throughput_txn_per_s", text), "300");
    assert_string_equal(cell(header.text, rows.text, 1, "aborts_rts", text), "10");
    assert_string_equal(cell(header.text, rows.text, 0, "horizon_lag_us", text), "1e+06");
    assert_string_equal(cell(header.text, rows.text, 1, "horizon_lag_us", text), "2e+06");
    assert_string_equal(cell(header.text, rows.text, 1, "versions_growth", text), "-10");
    assert_string_equal(cell(header.text, rows.text, 1, "process_bytes", text), "4096");
    assert_string_equal(cell(header.text, rows.text, 1, "late_us", text), ""); /* a closed loop */
    assert_string_equal(cell(header.text, rows.text, 1, "pmu_cycles", text), "");
    free(header.text);
    free(rows.text);
    interval_fini(&series);
}

static void this_process_has_a_size(void **state)
{
    (void)state;
    assert_true(interval_process_bytes() > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_and_noisy_series_are_steady),
        cmocka_unit_test(growth_and_moving_backoff_are_not),
        cmocka_unit_test(too_few_intervals_say_nothing),
        cmocka_unit_test(a_standstill_is_not_steady),
        cmocka_unit_test(samples_beyond_the_room_are_not_kept),
        cmocka_unit_test(rows_are_differences),
        cmocka_unit_test(this_process_has_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
