/* distribution.c - tests of workloads/distribution.[ch]. */
#include <math.h>

#include "tests/unit/workloads/drive.h"
#include "workloads/distribution.h"

enum { DRAWS = 300000, KEYS = 1000 };

static void expect_share(uint64_t count, double p)
{
    if (fabs((double)count - p * DRAWS) > 6 * sqrt(DRAWS * p * (1 - p)) + 6)
        fail_msg("%llu of %d, expected %g", (unsigned long long)count, DRAWS, p * DRAWS);
}

static void draw_all(const struct distribution_config *config, uint64_t n, uint64_t seed, uint64_t counts[KEYS])
{
    struct distribution distribution;
    struct rng rng;
    char error[256];
    rng_init(&rng, seed, (uint64_t)config->kind);
    assert_int_equal(distribution_init(&distribution, config, n, error, sizeof error), TARGET_OK);
    memset(counts, 0, KEYS * sizeof *counts);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t key = distribution_draw(&distribution, &rng);
        assert_true(key < n);
        if (key < KEYS)
            counts[key]++;
    }
}

static void the_table_names_each_once(void **state)
{
    (void)state;
    size_t bars = 0;
    for (const char *at = DISTRIBUTION_NAMES; *at; at++)
        bars += *at == '|';
    assert_int_equal(bars + 1, DISTRIBUTION_COUNT);
    for (size_t i = 0; i < DISTRIBUTION_COUNT; i++) {
        assert_non_null(distribution_at(i));
        assert_true(strlen(distribution_at(i)->help) > 10);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(distribution_at(i)->name, distribution_at(j)->name);
    }
    assert_null(distribution_at(DISTRIBUTION_COUNT));
    assert_string_equal(distribution_at(DISTRIBUTION_YCSB_SCRAMBLED)->name, "ycsb-scrambled");
}

static void uniform_zipfian_and_latest_have_their_shares(void **state)
{
    (void)state;
    uint64_t counts[KEYS], seed = drive_seed();
    struct distribution_config config = {.theta = 1.2};
    double zeta_n = zeta(KEYS, config.theta);

    config.kind = DISTRIBUTION_UNIFORM;
    draw_all(&config, KEYS, seed, counts);
    for (int i = 0; i < KEYS; i++)
        expect_share(counts[i], 1.0 / KEYS);
    config.kind = DISTRIBUTION_ZIPFIAN;
    draw_all(&config, KEYS, seed, counts);
    for (int i = 0; i < KEYS; i++)
        expect_share(counts[i], pow(i + 1, -config.theta) / zeta_n);
    config.kind = DISTRIBUTION_LATEST;
    draw_all(&config, KEYS, seed, counts);
    for (int i = 0; i < KEYS; i++)
        expect_share(counts[KEYS - 1 - i], pow(i + 1, -config.theta) / zeta_n);
}

static void hotspot_splits_requests_as_asked(void **state)
{
    (void)state;
    uint64_t counts[KEYS], seed = drive_seed(), hot = 0;
    struct distribution_config config = {.kind = DISTRIBUTION_HOTSPOT, .hot_fraction = 0.2, .hot_ratio = 0.8};
    draw_all(&config, KEYS, seed, counts);
    for (int i = 0; i < KEYS; i++) {
        hot += i < 200 ? counts[i] : 0;
        expect_share(counts[i], i < 200 ? 0.8 / 200 : 0.2 / 800);
    }
    expect_share(hot, 0.8);
    config.hot_fraction = 1; /* no cold part */
    draw_all(&config, KEYS, seed, counts);
    for (int i = 0; i < KEYS; i++)
        expect_share(counts[i], 1.0 / KEYS);
}

static void exponential_ages_have_their_shares(void **state)
{
    (void)state;
    uint64_t counts[KEYS], seed = drive_seed(), newest = 0;
    struct distribution_config config = {.kind = DISTRIBUTION_EXPONENTIAL, .exp_fraction = 0.2, .exp_ratio = 0.9};
    double gamma = -log(1 - 0.9) / (KEYS * 0.2); /* as YCSB's ExponentialGenerator has it */
    double mass = 1 - exp(-gamma * KEYS);
    draw_all(&config, KEYS, seed, counts);
    for (int age = 0; age < KEYS; age++) {
        expect_share(counts[KEYS - 1 - age], (exp(-gamma * age) - exp(-gamma * (age + 1))) / mass);
        newest += age < 200 ? counts[KEYS - 1 - age] : 0;
    }
    expect_share(newest, 0.9 / mass);
    config.exp_ratio = 1e-9; /* nearly uniform, and no draw takes longer */
    draw_all(&config, KEYS, seed, counts);
    for (int i = 0; i < KEYS; i++)
        expect_share(counts[i], 1.0 / KEYS);
    config.exp_ratio = 1 - 1e-12; /* hardly anything but the newest */
    config.exp_fraction = 1.0 / KEYS;
    draw_all(&config, KEYS, seed, counts);
    expect_share(counts[KEYS - 1], 1);
}

static void ycsb_hash_gives_ycsbs_keys(void **state)
{
    (void)state;
    /* The first keys every YCSB load with hashed order inserts: "user6284781860667377211", ... */
    assert_true(ycsb_hash(0) == 6284781860667377211u);
    assert_true(ycsb_hash(1) == 8517097267634966620u);
}

static void ycsb_scrambled_is_not_zipf_over_the_records(void **state)
{
    (void)state;
    uint64_t counts[KEYS];
    struct distribution_config config = {.kind = DISTRIBUTION_YCSB_SCRAMBLED, .theta = 0.99};
    draw_all(&config, KEYS, drive_seed(), counts);
    /* Of 10^10 items, those beyond the first 10^6 spread so evenly over the records that each gets its equal part. */
    double zeta_n = 26.46902820178302;
    double share = 1 / zeta_n;
    struct gray gray;
    gray_init(&gray, 10000000001u, 0.99, zeta_n);
    double million = (pow(1e6 / gray.n, 1 / gray.alpha) - 1 + gray.eta) / gray.eta; /* drawn are the first 10^6 */
    double floor_p = (1 - million) / KEYS;
    uint64_t first = counts[ycsb_hash(0) % KEYS], second = counts[ycsb_hash(1) % KEYS];
    assert_true((double)first > 0.95 * (share + floor_p) * DRAWS && (double)first < 1.2 * (share + floor_p) * DRAWS);
    assert_true((double)second > 0.95 * share * pow(0.5, 0.99) * DRAWS);
    for (int i = 0; i < KEYS; i++) /* 6 standard deviations below the floor, and 5% for its being nearly even */
        assert_true((double)counts[i] > 0.95 * floor_p * DRAWS - 6 * sqrt(floor_p * DRAWS));
}

static void what_cannot_be_drawn_is_refused(void **state)
{
    (void)state;
    struct distribution distribution;
    char error[256];
    struct distribution_config config = {.kind = DISTRIBUTION_ZIPFIAN_GRAY, .theta = 1};
    assert_int_equal(distribution_init(&distribution, &config, 10, error, sizeof error), TARGET_INVALID);
    assert_non_null(strstr(error, "theta 1"));
    assert_non_null(strstr(error, "zipfian-gray"));
    config.kind = DISTRIBUTION_YCSB_SCRAMBLED;
    assert_int_equal(distribution_init(&distribution, &config, 10, error, sizeof error), TARGET_INVALID);
    config = (struct distribution_config){.kind = DISTRIBUTION_ZIPFIAN, .theta = -1};
    assert_int_equal(distribution_init(&distribution, &config, 10, error, sizeof error), TARGET_INVALID);
    assert_non_null(strstr(error, "-1"));
    config.theta = 1;
    assert_int_equal(distribution_init(&distribution, &config, 0, error, sizeof error), TARGET_INVALID);
    config = (struct distribution_config){.kind = DISTRIBUTION_HOTSPOT, .hot_fraction = 0, .hot_ratio = 0.5};
    assert_int_equal(distribution_init(&distribution, &config, 10, error, sizeof error), TARGET_INVALID);
    assert_non_null(strstr(error, "hot_fraction"));
    config = (struct distribution_config){.kind = DISTRIBUTION_EXPONENTIAL, .exp_fraction = 0.5, .exp_ratio = 1};
    assert_int_equal(distribution_init(&distribution, &config, 10, error, sizeof error), TARGET_INVALID);
    assert_non_null(strstr(error, "exp_ratio 1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_names_each_once),
        cmocka_unit_test(uniform_zipfian_and_latest_have_their_shares),
        cmocka_unit_test(hotspot_splits_requests_as_asked),
        cmocka_unit_test(exponential_ages_have_their_shares),
        cmocka_unit_test(ycsb_hash_gives_ycsbs_keys),
        cmocka_unit_test(ycsb_scrambled_is_not_zipf_over_the_records),
        cmocka_unit_test(what_cannot_be_drawn_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
