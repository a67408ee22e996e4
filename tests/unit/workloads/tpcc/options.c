/* options.c - what a mode sets, what overrides it, and what is refused (workloads/tpcc/options.h). */
#include "tests/unit/workloads/tpcc/fixture.h"

static struct tpcc_options read_options(const char *const *pairs)
{
    struct tpcc_values values;
    struct tpcc_options options;
    char error[256];
    resolve(pairs, &values);
    assert_int_equal(tpcc_options_resolve(&values, &options, error, sizeof(error)), TARGET_OK);
    option_values_clear(tpcc_option_table, &values);
    return options;
}

static void assert_refused(const char *const *pairs, const char *words)
{
    struct tpcc_values values;
    struct tpcc_options options;
    char error[256] = "";
    resolve(pairs, &values);
    assert_int_equal(tpcc_options_resolve(&values, &options, error, sizeof(error)), TARGET_INVALID);
    option_values_clear(tpcc_option_table, &values);
    assert_non_null(strstr(error, words));
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void spec_is_the_specification(void **state)
{
    struct tpcc_options options = read_options(NULL);
    (void)state;
    assert_int_equal(options.mode, TPCC_MODE_SPEC);
    assert_int_equal(options.warehouses, 1);
    assert_int_equal(options.remote_payment, TPCC_REMOTE_ON);
    assert_int_equal(options.user_abort, (uint64_t)(0.01 * 0x1p32));
    assert_int_equal(options.remote_stock, (uint64_t)(0.01 * 0x1p32));
    assert_int_equal(options.credit_bad, (uint64_t)(0.1 * 0x1p32));
    assert_memory_equal(options.mix, ((uint8_t[]){45, 43, 4, 4, 4}), 5);
    assert_true(options.median_sorted && options.nurand_differ && options.c_data_rewrite && options.outputs);
    assert_true(options.insert_orders && options.insert_history && options.snapshot_reads && options.batch);
    assert_false(options.drop_duplicate_items || options.items_first || options.dates_constant);
    assert_false(options.whole_amounts || options.stock_level_own || options.delivery_per_district);
    assert_false(options.home_worker);
}

static void paper_sets_every_deviation(void **state)
{
    struct tpcc_options options = read_options(PAIRS("mode", "paper", "warehouses", "4"));
    (void)state;
    assert_int_equal(options.mode, TPCC_MODE_PAPER);
    assert_int_equal(options.warehouses, 4);
    assert_int_equal(options.remote_payment, TPCC_REMOTE_HISTORY);
    assert_int_equal(options.user_abort, 0);
    assert_int_equal(options.credit_bad, (uint64_t)(0.9 * 0x1p32));
    assert_memory_equal(options.mix, ((uint8_t[]){45, 43, 4, 4, 4}), 5);
    assert_false(options.median_sorted || options.nurand_differ || options.outputs);
    assert_true(options.insert_orders && options.insert_history && options.snapshot_reads && options.c_data_rewrite);
    assert_true(options.drop_duplicate_items && options.items_first && options.dates_constant);
    assert_true(options.whole_amounts && options.stock_level_own && options.home_worker);
    assert_false(options.delivery_per_district);
}

static void paper_np_inserts_nothing(void **state)
{
    struct tpcc_options options = read_options(PAIRS("mode", "paper-np"));
    (void)state;
    assert_false(options.insert_orders || options.insert_history || options.c_data_rewrite);
    assert_memory_equal(options.mix, ((uint8_t[]){50, 50, 0, 0, 0}), 5);
    assert_int_equal(options.remote_payment, TPCC_REMOTE_HISTORY);
}

static void a_switch_overrides_its_mode(void **state)
{
    struct tpcc_options options = read_options(PAIRS(
        "mode", "paper", "remote_payment", "on", "user_abort", "0.5", "lastname_median", "sorted", "lastname_index",
        "ordered", "mix", "0/0/0/100/0", "batch", "off", "delivery_per_district", "on", "home", "random"));
    (void)state;
    assert_int_equal(options.remote_payment, TPCC_REMOTE_ON);
    assert_int_equal(options.user_abort, UINT64_C(1) << 31);
    assert_true(options.median_sorted && options.delivery_per_district);
    assert_false(options.batch || options.home_worker);
    assert_memory_equal(options.mix, ((uint8_t[]){0, 0, 0, 100, 0}), 5);
    assert_true(options.items_first); /* still the mode's */
    assert_int_equal(read_options(PAIRS("remote_payment", "off")).remote_payment, TPCC_REMOTE_OFF);
    assert_int_equal(read_options(PAIRS("remote_stock", "1")).remote_stock, UINT64_C(1) << 32);
    assert_int_equal(read_options(PAIRS("warehouses", "2K")).warehouses, 2000);
}

static void every_mode_value_is_one_its_option_takes(void **state)
{
    (void)state;
    for (size_t mode = 0; tpcc_presets[mode]; mode++)
        read_options(PAIRS("mode", tpcc_presets[mode]));
}

static void a_mix_that_is_none_is_refused(void **state)
{
    (void)state;
    assert_refused(PAIRS("mode", "paper", "lastname_median", "sorted"),
                   "lastname_median=sorted with lastname_index=hash");
    assert_refused(PAIRS("mix", "45/43/4/4"), "mix=45/43/4/4: must be mode or five percents");
    assert_refused(PAIRS("mix", "45/43/4/4/4/0"), "mix=45/43/4/4/4/0");
    assert_refused(PAIRS("mix", "45/43/4/4/5"), "sum up to 101, must be 100");
    assert_refused(PAIRS("mix", "-1/93/4/4/0"), "mix=-1/93/4/4/0");
}

static void combinations_without_meaning_are_refused(void **state)
{
    (void)state;
    assert_refused(PAIRS("insert_orders", "off"), "needs orders, but insert_orders=off");
    assert_refused(PAIRS("mode", "paper-np", "mix", "40/40/20/0/0"), "mix=40/40/20/0/0 needs orders");
}

static void a_target_without_roll_back_is_refused_where_it_matters(void **state)
{
    struct target_ops ops = oracle_target_ops;
    struct tpcc_values values;
    struct workload *workload;
    char error[256] = "";
    (void)state;
    ops.promises.isolation = TARGET_ISOLATION_NONE;
    resolve(NULL, &values);
    assert_int_equal(tpcc_workload_ops.create(&values, &ops, 1, 1, &workload, error, sizeof(error)), TARGET_INVALID);
    assert_non_null(strstr(error, "set user_abort=0"));
    option_values_clear(tpcc_option_table, &values);
    resolve(PAIRS("user_abort", "0"), &values);
    assert_int_equal(tpcc_workload_ops.create(&values, &ops, 1, 1, &workload, error, sizeof(error)), TARGET_OK);
    option_values_clear(tpcc_option_table, &values);
    tpcc_workload_ops.destroy(workload);
}

static void set_pair(void *arg, const char *option, const char *value)
{
    const char **pair = arg;
    pair[0] = option;
    pair[1] = value;
}

static void presets_are_the_modes(void **state)
{
    const char *pair[2] = {0};
    (void)state;
    assert_true(tpcc_preset("paper", set_pair, pair));
    assert_string_equal(pair[0], "mode");
    assert_string_equal(pair[1], "paper");
    assert_false(tpcc_preset("a", set_pair, pair));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spec_is_the_specification),
        cmocka_unit_test(paper_sets_every_deviation),
        cmocka_unit_test(paper_np_inserts_nothing),
        cmocka_unit_test(a_switch_overrides_its_mode),
        cmocka_unit_test(every_mode_value_is_one_its_option_takes),
        cmocka_unit_test(a_mix_that_is_none_is_refused),
        cmocka_unit_test(combinations_without_meaning_are_refused),
        cmocka_unit_test(a_target_without_roll_back_is_refused_where_it_matters),
        cmocka_unit_test(presets_are_the_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
