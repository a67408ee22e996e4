/* rng.c - tests of workloads/rng.h against the published generators' outputs. */
#include "tests/unit/workloads/drive.h"
#include "workloads/rng.h"

static void splitmix64_gives_the_published_numbers(void **state)
{
    (void)state;
    static const uint64_t expected[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                        4593380528125082431u, 16408922859458223821u};
    uint64_t seed = 1234567;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(splitmix64(&seed) == expected[i]);
}

static void xoshiro_gives_the_published_numbers(void **state)
{
    (void)state;
    static const uint64_t expected[] = {11520u,
                                        0u,
                                        1509978240u,
                                        1215971899390074240u,
                                        1216172134540287360u,
                                        607988272756665600u,
                                        16172922978634559625u,
                                        8476171486693032832u,
                                        10595114339597558777u,
                                        2904607092377533576u};
    struct rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(rng_next(&rng) == expected[i]);
}

static void streams_of_a_seed_differ_and_repeat(void **state)
{
    (void)state;
    struct rng a, b, again;
    uint64_t seed = drive_seed();
    for (uint64_t stream = 0; stream < 1000; stream++) {
        rng_init(&a, seed, stream);
        rng_init(&again, seed, stream);
        rng_init(&b, seed, stream + 1);
        for (int i = 0; i < 4; i++) {
            uint64_t x = rng_next(&a);
            assert_true(x == rng_next(&again));
            assert_true(x != rng_next(&b));
        }
    }
}

static void below_is_uniform_and_stays_below(void **state)
{
    (void)state;
    enum { CELLS = 7, DRAWS = 700000 };
    uint64_t counts[CELLS] = {0};
    struct rng rng;
    rng_init(&rng, drive_seed(), 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = rng_below(&rng, CELLS);
        assert_true(x < CELLS);
        counts[x]++;
    }
    double square = 0, each = (double)DRAWS / CELLS;
    for (int i = 0; i < CELLS; i++)
        square += ((double)counts[i] - each) * ((double)counts[i] - each) / each;
    assert_true(square < 44); /* 6 degrees of freedom: 1 in 10^7 */
    assert_int_equal(rng_below(&rng, 1), 0);
    for (int i = 0; i < 1000; i++) { /* where a bias would be largest */
        uint64_t n = ((uint64_t)1 << 63) + 1;
        assert_true(rng_below(&rng, n) < n);
    }
}

static void unit_is_in_the_half_open_interval(void **state)
{
    (void)state;
    struct rng rng;
    double sum = 0;
    rng_init(&rng, drive_seed(), 0);
    for (int i = 0; i < 100000; i++) {
        double u = rng_unit(&rng);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(sum > 49400 && sum < 50600); /* 6.5 standard deviations */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitmix64_gives_the_published_numbers), cmocka_unit_test(xoshiro_gives_the_published_numbers),
        cmocka_unit_test(streams_of_a_seed_differ_and_repeat),    cmocka_unit_test(below_is_uniform_and_stays_below),
        cmocka_unit_test(unit_is_in_the_half_open_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
