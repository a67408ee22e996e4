/* entry_counts.c - the numbers of entries of rows that have many. */
#include "engine/store/entry_counts.h"

#include "tests/support/world.h"

/* Row ids in a row, far apart, and 0; each keeps its own number, however much the table grows. */
static void each_row_has_its_number(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    static const uint64_t steps[] = {1, 64, UINT64_C(1) << 33};
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct entry_counts counts;
        entry_counts_init(&counts);
        for (uint64_t i = 0; i < ROWS; i++) {
            assert_true(entry_counts_reserve(&counts, i * steps[s]));
            entry_counts_set(&counts, i * steps[s], (uint32_t)(1000 + i));
        }
        for (uint64_t i = 0; i < ROWS; i++)
            assert_int_equal(entry_counts_get(&counts, i * steps[s]), 1000 + i);
        assert_int_equal(counts.used, ROWS);
        entry_counts_fini(&counts);
    }
}

static void a_place_is_made_once(void **state)
{
    (void)state;
    struct entry_counts counts;
    entry_counts_init(&counts);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(entry_counts_reserve(&counts, 7));
        if (i == 0)
            entry_counts_set(&counts, 7, 300);
        assert_int_equal(entry_counts_get(&counts, 7), 300);
    }
    assert_int_equal(counts.used, 1);
    entry_counts_fini(&counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_has_its_number),
        cmocka_unit_test(a_place_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
