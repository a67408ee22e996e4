/* schema.c - keys of workloads/tpcc/schema.h: order (K1), density (K2), no two rows with one key. */
#include "tests/unit/workloads/tpcc/fixture.h"

static void dense_keys_count_up_from_zero(void **state)
{
    (void)state;
    assert_int_equal(tpcc_warehouse_key(1), 0);
    assert_int_equal(tpcc_district_key(1, 1), 0);
    assert_int_equal(tpcc_district_key(1, 10) + 1, tpcc_district_key(2, 1));
    assert_int_equal(tpcc_customer_key(1, 1, 1), 0);
    assert_int_equal(tpcc_customer_key(1, 1, 3000) + 1, tpcc_customer_key(1, 2, 1));
    assert_int_equal(tpcc_customer_key(1, 10, 3000) + 1, tpcc_customer_key(2, 1, 1));
    assert_int_equal(tpcc_stock_key(1, 100000) + 1, tpcc_stock_key(2, 1));
    assert_int_equal(tpcc_item_key(1), 0);
    assert_int_equal(tpcc_item_key(100000), 99999);
}

static void order_keys_sort_by_district_then_order(void **state)
{
    (void)state;
    assert_true(tpcc_order_key(1, 1, 1) < tpcc_order_key(1, 1, 2));
    assert_true(tpcc_order_key(1, 1, UINT32_MAX) < tpcc_order_key(1, 2, 0));
    assert_true(tpcc_order_key(1, 10, UINT32_MAX) < tpcc_order_key(2, 1, 0));
    assert_int_equal(tpcc_key_order(tpcc_order_key(7, 3, 123456)), 123456);
}

static void customer_order_keys_sort_by_customer_then_order(void **state)
{
    (void)state;
    assert_true(tpcc_order_customer_key(1, 1, 1, 9) < tpcc_order_customer_key(1, 1, 1, 10));
    assert_true(tpcc_order_customer_key(1, 1, 1, UINT32_MAX) < tpcc_order_customer_key(1, 1, 2, 0));
    assert_true(tpcc_order_customer_key(1, 1, 3000, UINT32_MAX) < tpcc_order_customer_key(1, 2, 1, 0));
    assert_int_equal(tpcc_key_order(tpcc_order_customer_key(7, 3, 3000, 123456)), 123456);
    /* The largest of all still fits: one more district would wrap. */
    assert_true(tpcc_order_customer_key(TPCC_WAREHOUSES_MAX, 10, 3000, UINT32_MAX) >
                tpcc_order_customer_key(TPCC_WAREHOUSES_MAX, 10, 2999, UINT32_MAX));
    assert_true(tpcc_order_customer_key(TPCC_WAREHOUSES_MAX, 1, 1, 1) > tpcc_order_customer_key(1, 10, 3000, 1));
}

static void order_line_keys_sort_by_order_then_number(void **state)
{
    (void)state;
    assert_true(tpcc_order_line_key(1, 1, 5, 1) < tpcc_order_line_key(1, 1, 5, 15));
    assert_true(tpcc_order_line_key(1, 1, 5, 15) < tpcc_order_line_key(1, 1, 6, 1));
    assert_true(tpcc_order_line_key(1, 1, UINT32_MAX, 15) < tpcc_order_line_key(1, 2, 0, 1));
    assert_true(tpcc_order_line_key(TPCC_WAREHOUSES_MAX, 10, UINT32_MAX, 15) >
                tpcc_order_line_key(TPCC_WAREHOUSES_MAX, 9, UINT32_MAX, 15));
    assert_int_equal(tpcc_key_order(tpcc_order_line_key(7, 3, 123456, 9) >> TPCC_LINE_BITS), 123456);
}

static void name_keys_sort_by_district_name_and_first_name_bytewise(void **state)
{
    (void)state;
    char a[16] = "Adam", b[16] = "Bert";
    struct tpcc_name_key lo = tpcc_name_key(300, 5, 77, NULL, 0), hi = tpcc_name_key(300, 5, 77, NULL, 0xff);
    struct tpcc_name_key ka = tpcc_name_key(300, 5, 77, a, 0), kb = tpcc_name_key(300, 5, 77, b, 0);
    struct tpcc_name_key next = tpcc_name_key(300, 5, 78, NULL, 0), district = tpcc_name_key(300, 6, 0, NULL, 0);
    assert_true(memcmp(&lo, &ka, sizeof(lo)) < 0);
    assert_true(memcmp(&ka, &kb, sizeof(lo)) < 0);
    assert_true(memcmp(&kb, &hi, sizeof(lo)) < 0);
    assert_true(memcmp(&hi, &next, sizeof(lo)) < 0);
    assert_true(memcmp(&next, &district, sizeof(lo)) < 0);
    assert_int_equal(tpcc_name_number_key(1, 1, 999) + 1, tpcc_name_number_key(1, 2, 0));
}

static void nulls_are_outside_their_domains(void **state)
{
    (void)state;
    assert_int_equal(TPCC_CARRIER_NULL, 0);
    assert_true(TPCC_DATE_NULL < 0 && TPCC_DATE_2013_US > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_keys_count_up_from_zero),
        cmocka_unit_test(order_keys_sort_by_district_then_order),
        cmocka_unit_test(customer_order_keys_sort_by_customer_then_order),
        cmocka_unit_test(order_line_keys_sort_by_order_then_number),
        cmocka_unit_test(name_keys_sort_by_district_name_and_first_name_bytewise),
        cmocka_unit_test(nulls_are_outside_their_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
