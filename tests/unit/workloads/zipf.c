/* zipf.c - tests of workloads/zipf.[ch]: frequencies against exact probabilities. */
#include <math.h>

#include "tests/unit/workloads/drive.h"
#include "workloads/zipf.h"

enum { DRAWS = 400000 };

/* Pearson's statistic over cells 0..cells-1 and one for all the rest; fails beyond 6.5 standard deviations. */
static void expect_fit(const uint64_t *counts, const double *probabilities, unsigned cells, const char *what)
{
    double square = 0, rest_probability = 1, rest = DRAWS;
    unsigned used = 0;
    for (unsigned i = 0; i < cells; i++) {
        double expected = probabilities[i] * DRAWS;
        rest_probability -= probabilities[i];
        rest -= (double)counts[i];
        square += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
        used++;
    }
    if (rest_probability * DRAWS > 5) {
        double expected = rest_probability * DRAWS;
        square += (rest - expected) * (rest - expected) / expected;
        used++;
    } else {
        assert_true(rest < 40);
    }
    double freedom = used - 1;
    if (square > freedom + 6.5 * sqrt(2 * freedom) + 15)
        fail_msg("%s: chi-square %g with %g degrees of freedom", what, square, freedom);
}

static void zeta_is_the_sum(void **state)
{
    (void)state;
    static const double thetas[] = {0, 0.4, 0.99, 1, 1.5, 3};
    for (size_t t = 0; t < sizeof thetas / sizeof *thetas; t++)
        for (uint64_t n = 1; n <= 100000; n = n * 7 + 3) {
            double sum = 0;
            for (uint64_t k = n; k > 0; k--)
                sum += pow((double)k, -thetas[t]);
            assert_true(fabs(zeta(n, thetas[t]) / sum - 1) < 1e-12);
        }
    /* The values published with the experiments this reproduces, and YCSB's constant. */
    assert_true(fabs(zeta(10000000, 0.99) - 18.0662) < 1e-4);
    assert_true(fabs(zeta(10000000, 0.40) - 26413.75) < 1e-2);
    assert_true(fabs(zeta(10000000, 0.80) - 121.157) < 1e-3);
    assert_true(fabs(zeta(10000000000u, 0.99) - 26.46902820178302) < 1e-9);
}

static void zipf_has_exact_frequencies(void **state)
{
    (void)state;
    static const double thetas[] = {0, 0.3, 0.8, 0.99, 1, 1.01, 1.5, 3};
    static const uint64_t sizes[] = {1, 2, 3, 50, 1000, 10000000};
    enum { CELLS_MAX = 50 };
    struct rng rng;
    rng_init(&rng, drive_seed(), 0);
    for (size_t t = 0; t < sizeof thetas / sizeof *thetas; t++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            uint64_t n = sizes[s], counts[CELLS_MAX] = {0};
            double probabilities[CELLS_MAX];
            struct zipf zipf;
            char what[64];
            unsigned cells = 0;
            zipf_init(&zipf, n, thetas[t]);
            for (; cells < CELLS_MAX && cells < n; cells++) {
                probabilities[cells] = pow(cells + 1, -thetas[t]) / zeta(n, thetas[t]);
                if (probabilities[cells] * DRAWS < 5)
                    break;
            }
            for (unsigned i = 0; i < DRAWS; i++) {
                uint64_t rank = zipf_draw(&zipf, &rng);
                assert_true(rank < n);
                if (rank < cells)
                    counts[rank]++;
            }
            snprintf(what, sizeof what, "theta %g over %llu", thetas[t], (unsigned long long)n);
            expect_fit(counts, probabilities, cells, what);
        }
}

/* Where the single ranks are too rare to count, the distribution function is compared. */
static void zipf_has_the_right_tail(void **state)
{
    (void)state;
    static const double thetas[] = {0, 0.5, 0.99, 1, 1.2};
    const uint64_t n = 10000000;
    struct rng rng;
    rng_init(&rng, drive_seed(), 1);
    for (size_t t = 0; t < sizeof thetas / sizeof *thetas; t++) {
        static const uint64_t bounds[] = {10, 100, 1000, 10000, 100000, 1000000, 5000000};
        uint64_t below[7] = {0};
        struct zipf zipf;
        zipf_init(&zipf, n, thetas[t]);
        for (unsigned i = 0; i < DRAWS; i++) {
            uint64_t rank = zipf_draw(&zipf, &rng);
            for (size_t b = 0; b < 7; b++)
                below[b] += rank < bounds[b];
        }
        for (size_t b = 0; b < 7; b++) {
            double p = zeta(bounds[b], thetas[t]) / zeta(n, thetas[t]);
            assert_true(fabs((double)below[b] - p * DRAWS) < 6 * sqrt(DRAWS * p * (1 - p)) + 6);
        }
    }
}

/* Exactly what the formula says: the first two as in zipf, rank k >= 2 for u between two solutions of it. */
static double gray_below(const struct gray *gray, double rank)
{
    return (pow(rank / gray->n, 1 / gray->alpha) - 1 + gray->eta) / gray->eta;
}

static void gray_follows_its_formula(void **state)
{
    (void)state;
    static const double thetas[] = {0, 0.5, 0.9, 0.99};
    enum { CELLS = 50 };
    const uint64_t n = 10000000;
    struct rng rng;
    rng_init(&rng, drive_seed(), 2);
    for (size_t t = 0; t < sizeof thetas / sizeof *thetas; t++) {
        uint64_t counts[CELLS] = {0}, hundred = 0;
        double probabilities[CELLS], zeta_n = zeta(n, thetas[t]);
        struct gray gray;
        gray_init(&gray, n, thetas[t], zeta_n);
        for (unsigned i = 0; i < DRAWS; i++) {
            uint64_t rank = gray_draw(&gray, &rng);
            assert_true(rank < n);
            hundred += rank < 100;
            if (rank < CELLS)
                counts[rank]++;
        }
        double p = thetas[t] > 0 ? gray_below(&gray, 100) : 100 / (double)n;
        assert_true(fabs((double)hundred - p * DRAWS) < 6 * sqrt(DRAWS * p * (1 - p)) + 6);
        if (thetas[t] < 0.9)
            continue; /* too rare to count one by one */
        probabilities[0] = 1 / zeta_n;
        probabilities[1] = pow(0.5, thetas[t]) / zeta_n;
        probabilities[2] = gray_below(&gray, 3) - gray.second / zeta_n;
        for (unsigned k = 3; k < CELLS; k++)
            probabilities[k] = gray_below(&gray, k + 1) - gray_below(&gray, k);
        expect_fit(counts, probabilities, CELLS, "gray");
        if (thetas[t] == 0.99) { /* the published probabilities at 10M */
            assert_true(fabs(probabilities[0] - 0.05535) < 1e-5);
            assert_true(fabs(probabilities[1] - 0.02787) < 1e-5);
            assert_true(fabs(probabilities[2] - 0.0223) < 1e-4);
            assert_true(fabs(gray_below(&gray, 100) - 0.3025) < 1e-4);
        }
    }
}

static void gray_of_tiny_sizes_stays_inside(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, drive_seed(), 3);
    for (uint64_t n = 1; n <= 3; n++) {
        struct gray gray;
        gray_init(&gray, n, 0.99, zeta(n, 0.99));
        for (int i = 0; i < 10000; i++)
            assert_true(gray_draw(&gray, &rng) < n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeta_is_the_sum),
        cmocka_unit_test(zipf_has_exact_frequencies),
        cmocka_unit_test(zipf_has_the_right_tail),
        cmocka_unit_test(gray_follows_its_formula),
        cmocka_unit_test(gray_of_tiny_sizes_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
