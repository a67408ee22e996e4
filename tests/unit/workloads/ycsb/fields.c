/* fields.c - where fields are, and what a check finds in them (workloads/ycsb/fields.h). */
#include "tests/unit/workloads/drive.h"
#include "workloads/record.h"
#include "workloads/ycsb/fields.h"

enum { KEYS = 2000, ALL = FIELDS_MAX };

static struct fields fields;
static char report[512];

static void init(uint64_t count, uint64_t record_bytes, enum field_lengths lengths)
{
    char error[256];
    memset(&fields, 0, sizeof fields);
    if (fields_init(&fields, count, record_bytes, lengths, drive_seed(), error, sizeof error) != TARGET_OK)
        fail_msg("%s", error);
}

static bool checks(const void *record, uint64_t key, uint64_t *stamps)
{
    return fields_check(&fields, record, fields_bytes(&fields, key), key, stamps, report, sizeof report);
}

static void lengths_are_in_range_and_as_distributed(void **state)
{
    (void)state;
    double mean[3] = {0};
    for (unsigned lengths = FIELD_LENGTHS_CONSTANT; lengths <= FIELD_LENGTHS_ZIPFIAN; lengths++) {
        init(10, 1000, (enum field_lengths)lengths);
        for (uint64_t key = 0; key < KEYS; key++) {
            size_t bytes = fields_bytes(&fields, key);
            assert_in_range(bytes, 160, 1000);
            assert_int_equal(bytes, fields_bytes(&fields, key)); /* for good */
            mean[lengths] += (double)bytes / KEYS;
        }
        assert_true(mean[lengths] > 0.98 * fields.bytes_mean && mean[lengths] < 1.02 * fields.bytes_mean);
    }
    assert_true(mean[0] == 1000);
    assert_true(mean[1] > 570 && mean[1] < 590); /* 10 x (16 + 100) / 2 */
    assert_true(mean[2] < 0.75 * mean[1]);       /* most are short */
}

static void an_update_of_a_field_changes_no_other(void **state)
{
    (void)state;
    for (unsigned lengths = FIELD_LENGTHS_CONSTANT; lengths <= FIELD_LENGTHS_ZIPFIAN; lengths++) {
        init(7, 7 * 50, (enum field_lengths)lengths);
        for (uint64_t key = 0; key < KEYS; key++) {
            uint8_t record[7 * 50];
            uint64_t stamps[7], sum = 0;
            fields_fill(&fields, record, key, ALL, 0);
            assert_true(checks(record, key, stamps));
            fields_increment(&fields, record, key, (unsigned)key % 7);
            fields_fill(&fields, record, key, (unsigned)(key + 1) % 7, 99);
            if (!checks(record, key, stamps))
                fail_msg("%s", report);
            for (unsigned i = 0; i < 7; i++) {
                assert_int_equal(stamps[i], i == key % 7 ? 1 : i == (key + 1) % 7 ? 99 : 0);
                sum += fields_sum(&fields, record, key, i);
            }
            assert_int_equal(sum, fields_sum(&fields, record, key, ALL));
            fields_increment(&fields, record, key, ALL);
            assert_true(checks(record, key, stamps));
            for (unsigned i = 0; i < 7; i++)
                assert_int_equal(stamps[i], i == key % 7 ? 2 : i == (key + 1) % 7 ? 100 : 1);
        }
    }
}

static void a_fault_names_key_and_field(void **state)
{
    (void)state;
    uint8_t record[4 * 32], other[4 * 32];
    uint64_t stamps[4];
    init(4, sizeof record, FIELD_LENGTHS_CONSTANT);
    fields_fill(&fields, record, 17, ALL, 5);
    record[2 * 32 + 20] ^= 1;
    assert_false(checks(record, 17, stamps));
    assert_non_null(strstr(report, "key 17: field 2"));
    assert_non_null(strstr(report, "lost or torn write"));
    fields_fill(&fields, record, 17, ALL, 5);
    memcpy(other, record, sizeof record);
    memcpy(record + 32, other + 64, 32); /* a field in the place of another */
    assert_false(checks(record, 17, stamps));
    assert_non_null(strstr(report, "key 17: field 1"));
    assert_false(fields_check(&fields, other, sizeof other - 1, 17, stamps, report, sizeof report));
    assert_non_null(strstr(report, "127 bytes, expected 128"));
    assert_false(fields_check(&fields, NULL, 0, 17, stamps, report, sizeof report));
    assert_non_null(strstr(report, "no row"));
}

static void fields_that_cannot_be_are_refused(void **state)
{
    (void)state;
    char error[256];
    assert_int_equal(fields_init(&fields, 3, 100, FIELD_LENGTHS_CONSTANT, 1, error, sizeof error), TARGET_INVALID);
    assert_non_null(strstr(error, "fields=3 of record_bytes=100"));
    assert_int_equal(fields_init(&fields, 10, 150, FIELD_LENGTHS_CONSTANT, 1, error, sizeof error), TARGET_INVALID);
    assert_non_null(strstr(error, "16 at least"));
    init(1, 16, FIELD_LENGTHS_ZIPFIAN); /* the only length there is */
    assert_int_equal(fields_bytes(&fields, 3), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_in_range_and_as_distributed),
        cmocka_unit_test(an_update_of_a_field_changes_no_other),
        cmocka_unit_test(a_fault_names_key_and_field),
        cmocka_unit_test(fields_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
