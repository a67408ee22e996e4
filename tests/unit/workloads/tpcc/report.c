/* report.c - what a report says, and of which numbers it says that a limit is not kept (workloads/tpcc/report.h). */
#include "tests/unit/workloads/tpcc/fixture.h"
#include "workloads/tpcc/report.h"

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A run of two hours on ten warehouses that keeps every limit. */
static struct workload_outcome types[TPCC_TXN_COUNT];
static struct workload_part shares[TPCC_SHARE_COUNT];
static double window_s;
static char said[4096];

static int make_numbers(void **state)
{
    static const unsigned committed[TPCC_TXN_COUNT] = {14850, 14440, 1350, 1350, 1350};
    (void)state;
    window_s = 7200;
    for (unsigned i = 0; i < TPCC_TXN_COUNT; i++)
        types[i] = (struct workload_outcome){
            .committed = committed[i], .timed = committed[i], .p90_ns = 2500000, .mean_ns = 2000000};
    types[TPCC_new_order].rolled_back = 150;
    shares[TPCC_SHARE_remote_lines] = (struct workload_part){1485, 148500};
    shares[TPCC_SHARE_remote_payments] = (struct workload_part){2166, 14440};
    shares[TPCC_SHARE_payments_by_name] = (struct workload_part){8664, 14440};
    shares[TPCC_SHARE_order_status_by_name] = (struct workload_part){810, 1350};
    shares[TPCC_SHARE_deliveries_skipped] = (struct workload_part){10, 13500};
    return 0;
}

static void take_line(void *arg, const char *name, const char *text)
{
    size_t length = strlen(said);
    (void)arg;
    snprintf(said + length, sizeof said - length, "%s: %s\n", name, text);
}

static void report(const char *const *pairs)
{
    struct tpcc_values values;
    resolve(pairs, &values);
    said[0] = '\0';
    tpcc_report(&values, window_s, types, shares, take_line, NULL);
    option_values_clear(tpcc_option_table, &values);
}

static void assert_limits(const char *const *pairs, const char *what)
{
    char line[256];
    report(pairs);
    snprintf(line, sizeof line, "TPC-C's limits: %s\n", what);
    if (!strstr(said, line))
        fail_msg("expected %s%s", line, said);
}

#define THINK "think", "spec", "warehouses", "10"

static void a_run_that_keeps_the_limits_says_so(void **state)
{
    (void)state;
    types[TPCC_new_order].committed = 14850 * 10; /* 1237.5 a minute, 123.75 a warehouse: too many for ten */
    report(PAIRS("think", "spec", "warehouses", "100"));
    assert_non_null(strstr(said, "tpmC: 1237.5, not audited; 12.38 a warehouse, of 12.86 possible\n"));
    assert_non_null(strstr(said, "90% within: new_order 2.5 ms, payment 2.5 ms, order_status 2.5 ms, delivery 2.5 ms, "
                                 "stock_level 2.5 ms\n"));
    types[TPCC_new_order].committed = 148500000; /* its digits are all there */
    report(PAIRS("think", "spec", "warehouses", "100"));
    assert_non_null(strstr(said, "tpmC: 1237500, not audited; 12375 a warehouse"));
    types[TPCC_new_order].committed = 14850;
    assert_limits(PAIRS(THINK), "kept");
}

static void every_limit_is_held_against_the_run(void **state)
{
    (void)state;
    assert_limits(PAIRS(THINK, "mode", "paper"), "mode is not spec");
    assert_limits(PAIRS(THINK, "terminals", "5"), "5 terminals a warehouse, want 10");
    assert_limits(PAIRS(THINK, "think_scale", "0.5"), "users wait 0.5 of their time");
    window_s = 7199;
    assert_limits(PAIRS(THINK), "a window of 7199 s, want 7200");
    window_s = 7200;
    assert_limits(PAIRS("think", "spec", "warehouses", "14"), "tpmC of a warehouse below 9");
    assert_limits(PAIRS("think", "spec", "warehouses", "9"), "tpmC of a warehouse above 12.86");
    types[TPCC_stock_level].p90_ns = 20000000001;
    assert_limits(PAIRS(THINK), "stock_level 90% within 20 s, want 20");
    types[TPCC_stock_level].p90_ns = 19000000000;
    assert_limits(PAIRS(THINK), "kept");
    types[TPCC_delivery].p90_ns = 6000000000;
    assert_limits(PAIRS(THINK), "delivery 90% within 6 s, want 5");
    make_numbers(NULL);
    types[TPCC_payment].mean_ns = 3000000;
    assert_limits(PAIRS(THINK), "payment: mean above the 90th percentile");
    types[TPCC_payment].timed = 0; /* --latency off */
    assert_limits(PAIRS(THINK), "kept");
}

static void shares_are_held_against_the_run(void **state)
{
    (void)state;
    types[TPCC_payment].committed = 14000;
    assert_limits(PAIRS(THINK), "payment 42.36% of all, want 43");
    make_numbers(NULL);
    shares[TPCC_SHARE_remote_lines].part = 2000;
    assert_limits(PAIRS(THINK), "remote_lines 1.35%, want 0.95 to 1.05");
    make_numbers(NULL);
    shares[TPCC_SHARE_deliveries_skipped].part = 150;
    assert_limits(PAIRS(THINK), "deliveries_skipped 1.11%, want 0 to 1");
    make_numbers(NULL);
    shares[TPCC_SHARE_remote_lines].part = 1600;
    shares[TPCC_SHARE_remote_lines].whole = 160000;
    assert_limits(PAIRS(THINK), "10.77 lines an order, want 9.5 to 10.5");
    make_numbers(NULL);
    types[TPCC_new_order].rolled_back = 100;
    assert_limits(PAIRS(THINK), "0.67% of New-Orders rolled back, want 0.9 to 1.1");
}

static void a_single_warehouse_has_no_remote_lines(void **state)
{
    (void)state;
    shares[TPCC_SHARE_remote_lines].part = 0;
    window_s = 72000; /* 12.4 a minute */
    assert_limits(PAIRS("think", "spec"), "kept");
}

static void without_terminals_there_is_no_tpmc(void **state)
{
    (void)state;
    report(NULL);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_run_that_keeps_the_limits_says_so, make_numbers),
        cmocka_unit_test_setup(every_limit_is_held_against_the_run, make_numbers),
        cmocka_unit_test_setup(shares_are_held_against_the_run, make_numbers),
        cmocka_unit_test_setup(a_single_warehouse_has_no_remote_lines, make_numbers),
        cmocka_unit_test_setup(without_terminals_there_is_no_tpmc, make_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
