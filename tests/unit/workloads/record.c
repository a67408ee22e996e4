/* record.c - tests of workloads/record.[ch]. */
#include "tests/unit/workloads/drive.h"
#include "workloads/record.h"

static const size_t sizes[] = {8, 9, 10, 15, 16, 17, 63, 64, 65, 66, 100, 128, 129, 216, 512, 513, 1000, 65528};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void a_filled_record_passes_and_keeps_its_stamp(void **state)
{
    (void)state;
    static unsigned char data[65528];
    char report[256];
    for (size_t s = 0; s < SIZES; s++)
        for (uint64_t key = 0; key < 1u << 31; key = key * 5 + 1) {
            uint64_t stamp = 0, written = key / 3;
            record_fill(data, sizes[s], key, written);
            if (!record_check(data, sizes[s], sizes[s], key, &stamp, report, sizeof report))
                fail_msg("%zu bytes: %s", sizes[s], report);
            assert_int_equal(stamp, sizes[s] >= 16 ? written : (uint32_t)written);
        }
}

static void an_increment_is_what_a_fill_with_the_next_stamp_is(void **state)
{
    (void)state;
    static unsigned char counted[65528], filled[65528];
    for (size_t s = 0; s < SIZES; s++) {
        record_fill(counted, sizes[s], 77, 0);
        for (uint64_t stamp = 1; stamp < 600; stamp++) {
            record_increment(counted, sizes[s]);
            record_fill(filled, sizes[s], 77, stamp);
            assert_memory_equal(counted, filled, sizes[s]);
        }
    }
}

static void any_changed_byte_is_found_and_named(void **state)
{
    (void)state;
    unsigned char data[1000];
    char report[256];
    for (size_t s = 0; sizes[s] <= sizeof data; s++) {
        size_t bytes = sizes[s], header = bytes >= 16 ? 16 : 8;
        for (size_t i = 0; i < bytes; i++) {
            uint64_t stamp;
            record_fill(data, bytes, 123456, 789);
            data[i] ^= 0x40;
            bool in_stamp = i >= header / 2 && i < header;
            /* A stamp alone proves nothing where no sampled byte depends on it, or only modulo 256. */
            if (in_stamp && (bytes == header || i > header / 2))
                continue;
            assert_false(record_check(data, bytes, bytes, 123456, &stamp, report, sizeof report));
            assert_non_null(strstr(report, "key 123456"));
            assert_non_null(strstr(report, "expected"));
        }
    }
}

static void a_missing_foreign_or_cut_record_is_found(void **state)
{
    (void)state;
    unsigned char data[100];
    char report[256];
    uint64_t stamp;
    record_fill(data, 100, 5, 0);
    assert_false(record_check(NULL, 0, 100, 5, &stamp, report, sizeof report));
    assert_non_null(strstr(report, "key 5: no row"));
    assert_false(record_check(data, 100, 100, 6, &stamp, report, sizeof report));
    assert_non_null(strstr(report, "key 6"));
    assert_non_null(strstr(report, "says key 5"));
    assert_false(record_check(data, 99, 100, 5, &stamp, report, sizeof report));
    assert_non_null(strstr(report, "99"));
    /* Torn: the counter of one update with the body of another. */
    unsigned char next[100];
    record_fill(next, 100, 5, 1);
    memcpy(data, next, 16);
    assert_false(record_check(data, 100, 100, 5, &stamp, report, sizeof report));
    assert_non_null(strstr(report, "torn"));
}

static void the_sum_is_over_strides_and_the_last_byte(void **state)
{
    (void)state;
    unsigned char data[200] = {0};
    data[0] = 1;
    data[64] = 10;
    data[128] = 100;
    data[192] = 30;
    data[199] = 7;
    data[1] = data[65] = data[198] = 200;
    assert_int_equal(record_sum(data, 200), 148);
    assert_int_equal(record_sum(data, 100), 1 + 10 + 0);
    assert_int_equal(record_sum(data, 65), 1 + 10 + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filled_record_passes_and_keeps_its_stamp),
        cmocka_unit_test(an_increment_is_what_a_fill_with_the_next_stamp_is),
        cmocka_unit_test(any_changed_byte_is_found_and_named),
        cmocka_unit_test(a_missing_foreign_or_cut_record_is_found),
        cmocka_unit_test(the_sum_is_over_strides_and_the_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
