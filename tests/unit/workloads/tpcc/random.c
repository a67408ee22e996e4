/* random.c - ranges and shapes of workloads/tpcc/random.h. Seed: MAE_SEED, or 1. */
#include "tests/unit/workloads/tpcc/fixture.h"

static struct rng rng;

static int seed_rng(void **state)
{
    const char *text = getenv("MAE_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    (void)state;
    print_message("MAE_SEED=%llu\n", (unsigned long long)seed);
    rng_init(&rng, seed, 0);
    return 0;
}

static void uniform_reaches_both_ends_and_no_further(void **state)
{
    unsigned seen[6] = {0};
    (void)state;
    for (int i = 0; i < 6000; i++) {
        uint32_t value = tpcc_uniform(&rng, 10, 15);
        assert_in_range(value, 10, 15);
        seen[value - 10]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(seen[i], 800, 1200); /* 1000 +- 7 standard deviations */
    assert_int_equal(tpcc_uniform(&rng, 7, 7), 7);
}

static void nurand_stays_in_its_range_for_each_use(void **state)
{
    static const uint32_t uses[][3] = {{255, 0, 999}, {1023, 1, 3000}, {8191, 1, 100000}};
    (void)state;
    for (size_t use = 0; use < 3; use++) {
        uint32_t min = UINT32_MAX, max = 0;
        for (int i = 0; i < 300000; i++) {
            uint32_t value = tpcc_nurand(&rng, uses[use][0], 123, uses[use][1], uses[use][2]);
            assert_in_range(value, uses[use][1], uses[use][2]);
            min = value < min ? value : min;
            max = value > max ? value : max;
        }
        assert_true(min < uses[use][1] + 100);
        assert_true(max > uses[use][2] - 100);
    }
}

static void nurand_is_not_uniform_and_its_constant_shifts_it(void **state)
{
    enum { DRAWS = 200000 };
    static unsigned at[2][1000];
    uint32_t hottest[2] = {0, 0};
    (void)state;
    for (unsigned c = 0; c < 2; c++) {
        for (int i = 0; i < DRAWS; i++)
            at[c][tpcc_nurand(&rng, 255, c * 100, 0, 999)]++;
        for (uint32_t i = 0; i < 1000; i++)
            hottest[c] = at[c][i] > at[c][hottest[c]] ? i : hottest[c];
        assert_true(at[c][hottest[c]] > 4 * DRAWS / 1000);
    }
    assert_int_equal(at[0][0] < DRAWS / 1000, true); /* few ones survive an OR as zero */
    assert_int_equal((hottest[1] + 1000 - hottest[0]) % 1000 % 4, 0);
    assert_int_not_equal(hottest[0], hottest[1]);
}

static void constants_differ_by_what_clause_2_1_6_1_allows(void **state)
{
    struct tpcc_nurand load, run;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        tpcc_nurand_draw(&rng, 1, &load, &run);
        int delta = abs((int)run.c_last - (int)load.c_last);
        assert_in_range(delta, 65, 119);
        assert_int_not_equal(delta, 96);
        assert_int_not_equal(delta, 112);
        assert_true(run.c_last <= 255 && run.c_id <= 1023 && run.i_id <= 8191);
    }
    tpcc_nurand_draw(&rng, 0, &load, &run);
    assert_memory_equal(&load, &run, sizeof(load));
}

static void last_names_are_the_digits_syllables(void **state)
{
    char name[16];
    (void)state;
    tpcc_last_name(0, name);
    assert_string_equal(name, "BARBARBAR");
    tpcc_last_name(371, name); /* the specification's own example */
    assert_string_equal(name, "PRICALLYOUGHT");
    tpcc_last_name(40, name);
    assert_string_equal(name, "BARPRESBAR");
    tpcc_last_name(999, name);
    assert_string_equal(name, "EINGEINGEING");
    tpcc_last_name(777, name);
    assert_string_equal(name, "CALLYCALLYCALLY"); /* the longest, 15 */
}

static void last_names_are_all_different(void **state)
{
    static char names[1000][16];
    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        tpcc_last_name(i, names[i]);
    for (size_t i = 0; i < 1000; i++) {
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(names[i], names[j], 16);
    }
}

static void text_has_its_length_and_is_padded(void **state)
{
    char text[51];
    size_t min = 99, max = 0;
    (void)state;
    for (int i = 0; i < 2000; i++) {
        memset(text, '?', sizeof(text));
        tpcc_text(&rng, text, 26, 50);
        assert_int_equal(text[50], '?');
        size_t length = strnlen(text, 50);
        min = length < min ? length : min;
        max = length > max ? length : max;
        for (size_t k = 0; k < 50; k++)
            assert_true(k < length
                            ? strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", text[k]) != NULL
                            : text[k] == 0);
    }
    assert_int_equal(min, 26);
    assert_int_equal(max, 50);
}

static void one_in_ten_data_is_original(void **state)
{
    unsigned originals = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char data[50];
        tpcc_original_data(&rng, data);
        assert_in_range(strnlen(data, 50), 26, 50);
        originals += tpcc_is_original(data) != 0;
    }
    assert_in_range(originals, 1700, 2300); /* 2000 +- 7 standard deviations */
}

static void permutation_has_each_number_once(void **state)
{
    uint32_t values[3000];
    uint8_t seen[3001] = {0};
    unsigned in_place = 0;
    (void)state;
    tpcc_permutation(&rng, values, 3000);
    for (uint32_t i = 0; i < 3000; i++) {
        assert_in_range(values[i], 1, 3000);
        assert_int_equal(seen[values[i]]++, 0);
        in_place += values[i] == i + 1;
    }
    assert_true(in_place < 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_reaches_both_ends_and_no_further),
        cmocka_unit_test(nurand_stays_in_its_range_for_each_use),
        cmocka_unit_test(nurand_is_not_uniform_and_its_constant_shifts_it),
        cmocka_unit_test(constants_differ_by_what_clause_2_1_6_1_allows),
        cmocka_unit_test(last_names_are_the_digits_syllables),
        cmocka_unit_test(last_names_are_all_different),
        cmocka_unit_test(text_has_its_length_and_is_padded),
        cmocka_unit_test(one_in_ten_data_is_original),
        cmocka_unit_test(permutation_has_each_number_once),
    };
    return cmocka_run_group_tests(tests, seed_rng, NULL);
}
