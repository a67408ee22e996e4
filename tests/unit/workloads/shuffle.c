/* shuffle.c - tests of workloads/shuffle.[ch]. */
#include "tests/unit/workloads/drive.h"
#include "workloads/shuffle.h"

static void every_number_comes_once(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 1000, 65536, 100003};
    uint64_t seed = drive_seed();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct shuffle shuffle;
        bool *seen = calloc(sizes[s], sizeof *seen);
        assert_non_null(seen);
        shuffle_init(&shuffle, sizes[s], seed);
        for (uint64_t i = 0; i < sizes[s]; i++) {
            uint64_t at = shuffle_at(&shuffle, i);
            assert_true(at < sizes[s]);
            assert_false(seen[at]);
            seen[at] = true;
        }
        free(seen);
    }
}

static void it_is_out_of_order_and_repeats_by_seed(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct shuffle a, again, other;
    uint64_t seed = drive_seed(), ascending = 0, equal = 0, fixed = 0;
    shuffle_init(&a, N, seed);
    shuffle_init(&again, N, seed);
    shuffle_init(&other, N, seed + 1);
    for (uint64_t i = 0; i + 1 < N; i++) {
        assert_int_equal(shuffle_at(&a, i), shuffle_at(&again, i));
        ascending += shuffle_at(&a, i) < shuffle_at(&a, i + 1);
        equal += shuffle_at(&a, i) == shuffle_at(&other, i);
        fixed += shuffle_at(&a, i) == i;
    }
    assert_true(ascending > N / 100 * 48 && ascending < N / 100 * 52);
    assert_true(equal < 30 && fixed < 30); /* one is expected of each */
}

static void large_ranges_work(void **state)
{
    (void)state;
    struct shuffle shuffle;
    const uint64_t n = 1000000000000;
    shuffle_init(&shuffle, n, drive_seed());
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(shuffle_at(&shuffle, n - 1 - i) < n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_comes_once),
        cmocka_unit_test(it_is_out_of_order_and_repeats_by_seed),
        cmocka_unit_test(large_ranges_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
