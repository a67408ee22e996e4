/* delivery.c - a Delivery takes the oldest order of each of ten districts (TPC-C 2.7). */
#include "tests/unit/workloads/tpcc/fixture.h"
#include "workloads/tpcc/report.h"

static struct fixture loaded;

static int open_group(void **state)
{
    (void)state;
    open_loaded(&loaded, NULL);
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    close_fixture(&loaded);
    return 0;
}

static void request_delivery(uint8_t carrier)
{
    loaded.self->request->delivery = (struct tpcc_delivery_request){.w_id = 1, .carrier_id = carrier};
    loaded.self->now_us = 5555;
}

static void assert_delivered(uint32_t d_id, uint32_t o_id, uint8_t carrier)
{
    struct tpcc_new_order_row new_order;
    struct tpcc_order order;
    struct tpcc_customer customer;
    int64_t sum = 0;
    GONE(&loaded, NEW_ORDER, tpcc_order_key(1, d_id, o_id), &new_order);
    GET(&loaded, NEW_ORDER, tpcc_order_key(1, d_id, o_id + 1), &new_order);
    GET(&loaded, ORDER, tpcc_order_key(1, d_id, o_id), &order);
    assert_int_equal(order.carrier_id, carrier);
    for (uint32_t number = 1; number <= order.ol_cnt; number++) {
        struct tpcc_order_line line;
        GET(&loaded, ORDER_LINE, tpcc_order_line_key(1, d_id, o_id, number), &line);
        assert_int_equal(line.delivery_us, 5555);
        sum += line.amount_cents;
    }
    GET(&loaded, CUSTOMER, tpcc_customer_key(1, d_id, order.c_id), &customer);
    assert_int_equal(customer.account.balance_cents, -1000 + sum); /* a loaded customer has but one order */
    assert_int_equal(customer.account.delivery_cnt, 1);
}

static void all_ten_districts_are_delivered(void **state)
{
    (void)state;
    uint64_t before = table_rows(&loaded, TPCC_TABLE_NEW_ORDER);
    request_delivery(7);
    assert_int_equal(run(&loaded, TPCC_delivery), TARGET_OK);
    for (uint32_t d = 1; d <= 10; d++)
        assert_delivered(d, 2101, 7);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_NEW_ORDER), before - 10);
    assert_consistent(&loaded, at_rest);
}

static void the_next_delivery_takes_the_next_orders(void **state)
{
    (void)state;
    request_delivery(3);
    assert_int_equal(run(&loaded, TPCC_delivery), TARGET_OK);
    for (uint32_t d = 1; d <= 10; d++)
        assert_delivered(d, 2102, 3);
}

static void a_district_without_new_orders_is_skipped(void **state)
{
    struct tpcc_district district;
    uint64_t left = 898;
    (void)state;
    GET(&loaded, DISTRICT, tpcc_district_key(1, 4), &district);
    while (left--) { /* deliver district 4 empty */
        struct target_txn *txn = begin(&loaded, TARGET_READ_WRITE);
        loaded.self->delivered = 0;
        assert_int_equal(tpcc_run_delivery(loaded.self, txn, 4, 4), TARGET_OK);
        assert_int_equal(loaded.self->delivered, 1 << 3);
        commit(txn);
        atomic_fetch_add(&loaded.self->tallies[3].deliveries, 1);
    }
    struct workload_part before[TPCC_SHARE_COUNT], after[TPCC_SHARE_COUNT];
    tpcc_workload_ops.count_shares(loaded.tpcc, before);
    request_delivery(9);
    assert_int_equal(run(&loaded, TPCC_delivery), TARGET_OK);
    assert_int_equal(loaded.self->delivered, 0x3ff & ~(1 << 3));
    tpcc_workload_ops.count_shares(loaded.tpcc, after);
    const struct workload_part *told = &after[TPCC_SHARE_deliveries_skipped];
    assert_int_equal(told->part - before[TPCC_SHARE_deliveries_skipped].part, 1); /* 2.7.4.2: and it is told */
    assert_int_equal(told->whole - before[TPCC_SHARE_deliveries_skipped].whole, 10);
    assert_delivered(3, 2103, 9);
    assert_delivered(5, 2103, 9);
    assert_consistent(&loaded, at_rest);
}

static void a_district_at_a_time_a_retry_goes_on_where_it_stopped(void **state)
{
    struct tpcc_order order;
    uint64_t before = table_rows(&loaded, TPCC_TABLE_NEW_ORDER);
    (void)state;
    loaded.tpcc->options.delivery_per_district = true;
    request_delivery(2);
    /* District 4 has nothing to deliver; let the sixth district's transaction fail. */
    uint64_t calls = oracle_calls(loaded.target);
    oracle_fail_at(loaded.target, 90, TARGET_RETRY + 1);
    assert_int_equal(run(&loaded, TPCC_delivery), TARGET_RETRY + 1);
    assert_true(oracle_calls(loaded.target) - calls >= 90);
    uint32_t done = loaded.self->request->delivery.d_id_done;
    assert_in_range(done, 1, 9);
    GET(&loaded, ORDER, tpcc_order_key(1, 1, 2104), &order);
    assert_int_equal(order.carrier_id, 2);
    GET(&loaded, ORDER, tpcc_order_key(1, 10, 2104), &order);
    assert_int_equal(order.carrier_id, TPCC_CARRIER_NULL);
    assert_int_equal(tpcc_workload_ops.attempt(loaded.self), TARGET_OK);
    assert_int_equal(loaded.self->request->delivery.d_id_done, 10);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_NEW_ORDER), before - 9);
    assert_consistent(&loaded, at_rest);
    loaded.tpcc->options.delivery_per_district = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ten_districts_are_delivered),
        cmocka_unit_test(the_next_delivery_takes_the_next_orders),
        cmocka_unit_test(a_district_without_new_orders_is_skipped),
        cmocka_unit_test(a_district_at_a_time_a_retry_goes_on_where_it_stopped),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
