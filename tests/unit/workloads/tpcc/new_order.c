/* new_order.c - what a New-Order does to the tables, and what one that rolls back does not (TPC-C 2.4). */
#include "tests/unit/workloads/tpcc/fixture.h"
#include "workloads/tpcc/report.h"

static struct fixture loaded;

static int open_group(void **state)
{
    (void)state;
    open_loaded(&loaded, (const char *const[]){"warehouses", "2", NULL});
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    assert_consistent(&loaded, at_rest);
    close_fixture(&loaded);
    return 0;
}

/* An order of customer 17 for `count` items from `first_item` on, quantity 3 each, the last one from warehouse 2. */
static void request_order(struct tpcc_new_order_request *request, uint32_t d_id, uint32_t count, uint32_t first_item)
{
    *request =
        (struct tpcc_new_order_request){.w_id = 1, .d_id = d_id, .c_id = 17, .line_count = count, .remote_lines = 1};
    for (uint32_t i = 0; i < count; i++) {
        request->item_ids[i] = first_item + i;
        request->supply_w_ids[i] = i + 1 == count ? 2 : 1;
        request->item_keys[i] = tpcc_item_key(first_item + i);
        request->stock_keys[i] = tpcc_stock_key(request->supply_w_ids[i], first_item + i);
        request->stock_print += tpcc_stock_weight(request->stock_keys[i]);
        request->quantities[i] = 3;
    }
}

static void an_order_and_its_lines_are_inserted(void **state)
{
    struct tpcc_order order;
    struct tpcc_new_order_row new_order;
    struct tpcc_district district;
    struct workload_part shares[TPCC_SHARE_COUNT];
    (void)state;
    request_order(&loaded.self->request->new_order, 3, 6, 500);
    loaded.self->now_us = 123456789;
    assert_int_equal(run(&loaded, TPCC_new_order), TARGET_OK);
    tpcc_workload_ops.count_shares(loaded.tpcc, shares);
    assert_int_equal(shares[TPCC_SHARE_remote_lines].part, 1);
    assert_int_equal(shares[TPCC_SHARE_remote_lines].whole, 6);

    GET(&loaded, DISTRICT, tpcc_district_key(1, 3), &district);
    assert_int_equal(district.next.o_id, 3002);
    GET(&loaded, ORDER, tpcc_order_key(1, 3, 3001), &order);
    assert_int_equal(order.id, 3001);
    assert_int_equal(order.c_id, 17);
    assert_int_equal(order.ol_cnt, 6);
    assert_int_equal(order.all_local, 0);
    assert_int_equal(order.carrier_id, TPCC_CARRIER_NULL);
    assert_int_equal(order.entry_us, 123456789);
    GET(&loaded, NEW_ORDER, tpcc_order_key(1, 3, 3001), &new_order);
    GET(&loaded, ORDER_CUSTOMER, tpcc_order_customer_key(1, 3, 17, 3001), &order);
    assert_int_equal(order.id, 3001);
    for (uint32_t number = 1; number <= 6; number++) {
        struct tpcc_order_line line;
        struct tpcc_item item;
        struct tpcc_stock stock;
        GET(&loaded, ORDER_LINE, tpcc_order_line_key(1, 3, 3001, number), &line);
        GET(&loaded, ITEM, tpcc_item_key(499 + number), &item);
        GET(&loaded, STOCK, tpcc_stock_key(number == 6 ? 2 : 1, 499 + number), &stock);
        assert_int_equal(line.i_id, 499 + number);
        assert_int_equal(line.supply_w_id, number == 6 ? 2 : 1);
        assert_int_equal(line.quantity, 3);
        assert_int_equal(line.amount_cents, 3 * item.price_cents);
        assert_int_equal(line.delivery_us, TPCC_DATE_NULL);
        assert_memory_equal(line.dist_info, stock.dist[2], 24);
    }
}

static void stock_is_taken_and_refilled_below_ten(void **state)
{
    struct tpcc_stock before[3], after;
    (void)state;
    /* Exceeds the quantity by ten: goes down. By nine: up by 91. TPC-C 2.4.2.2 */
    CHANGE(&loaded, STOCK, tpcc_stock_key(1, 900), tpcc_stock, stock, stock->quantity = 13);
    CHANGE(&loaded, STOCK, tpcc_stock_key(1, 901), tpcc_stock, stock, stock->quantity = 12);
    GET(&loaded, STOCK, tpcc_stock_key(1, 900), &before[0]);
    GET(&loaded, STOCK, tpcc_stock_key(1, 901), &before[1]);
    GET(&loaded, STOCK, tpcc_stock_key(2, 904), &before[2]);
    request_order(&loaded.self->request->new_order, 1, 5, 900);
    assert_int_equal(run(&loaded, TPCC_new_order), TARGET_OK);
    GET(&loaded, STOCK, tpcc_stock_key(1, 900), &after);
    assert_int_equal(after.quantity, 10);
    assert_int_equal(after.ytd, before[0].ytd + 3);
    assert_int_equal(after.order_cnt, before[0].order_cnt + 1);
    assert_int_equal(after.remote_cnt, before[0].remote_cnt);
    GET(&loaded, STOCK, tpcc_stock_key(1, 901), &after);
    assert_int_equal(after.quantity, 12 - 3 + 91);
    GET(&loaded, STOCK, tpcc_stock_key(2, 904), &after);
    assert_int_equal(after.remote_cnt, before[2].remote_cnt + 1);
}

static void an_item_ordered_twice_is_taken_twice(void **state)
{
    struct tpcc_stock after;
    struct tpcc_new_order_request *request = &loaded.self->request->new_order;
    (void)state;
    CHANGE(&loaded, STOCK, tpcc_stock_key(1, 2000), tpcc_stock, stock, stock->quantity = 50);
    request_order(request, 2, 5, 2000);
    request->item_ids[1] = request->item_ids[0];
    request->item_keys[1] = request->item_keys[0];
    request->stock_print += tpcc_stock_weight(request->stock_keys[0]) - tpcc_stock_weight(request->stock_keys[1]);
    request->stock_keys[1] = request->stock_keys[0];
    assert_int_equal(run(&loaded, TPCC_new_order), TARGET_OK);
    GET(&loaded, STOCK, tpcc_stock_key(1, 2000), &after);
    assert_int_equal(after.quantity, 44);
    assert_int_equal(after.order_cnt, 2);
}

static void the_total_has_tax_and_discount(void **state)
{
    struct tpcc_warehouse warehouse;
    struct tpcc_district district;
    struct tpcc_customer customer;
    double sum = 0;
    (void)state;
    request_order(&loaded.self->request->new_order, 5, 8, 700);
    assert_int_equal(run(&loaded, TPCC_new_order), TARGET_OK);
    GET(&loaded, WAREHOUSE, tpcc_warehouse_key(1), &warehouse);
    GET(&loaded, DISTRICT, tpcc_district_key(1, 5), &district);
    GET(&loaded, CUSTOMER, tpcc_customer_key(1, 5, 17), &customer);
    for (uint32_t i = 700; i < 708; i++) {
        struct tpcc_item item;
        GET(&loaded, ITEM, tpcc_item_key(i), &item);
        sum += 3 * item.price_cents;
    }
    double total =
        sum * (1 - customer.info.discount_e4 / 1e4) * (1 + warehouse.info.tax_e4 / 1e4 + district.info.tax_e4 / 1e4);
    assert_in_range(loaded.self->output.total_cents, (int64_t)total - 1, (int64_t)total + 1);
    assert_int_equal(loaded.self->output.lines, 8);
    assert_int_equal(loaded.self->output.o_id, district.next.o_id - 1);
}

static void brand_needs_original_in_both_data(void **state)
{
    (void)state;
    for (uint32_t i = 3000; i < 3005; i++) {
        CHANGE(&loaded, ITEM, tpcc_item_key(i), tpcc_item, item,
               memcpy(item->data, i < 3003 ? "xxORIGINALxx" : "xxxxxxxxxxxx", 12), memset(item->data + 12, 'x', 38));
        CHANGE(&loaded, STOCK, tpcc_stock_key(i == 3004 ? 2 : 1, i), tpcc_stock, stock,
               memcpy(stock->data, i > 3001 ? "xxORIGINALxx" : "xxxxxxxxxxxx", 12), memset(stock->data + 12, 'x', 38));
    }
    request_order(&loaded.self->request->new_order, 5, 5, 3000);
    assert_int_equal(run(&loaded, TPCC_new_order), TARGET_OK);
    assert_int_equal(loaded.self->output.brands, 1); /* 3002 */
}

static void a_roll_back_leaves_nothing_and_takes_no_order_id(void **state)
{
    struct tpcc_district before, after;
    struct tpcc_stock stock_before, stock_after;
    struct tpcc_order order;
    uint64_t lines = table_rows(&loaded, TPCC_TABLE_ORDER_LINE);
    (void)state;
    GET(&loaded, DISTRICT, tpcc_district_key(1, 9), &before);
    GET(&loaded, STOCK, tpcc_stock_key(1, 100), &stock_before);
    for (unsigned items_first = 0; items_first < 2; items_first++) {
        request_order(&loaded.self->request->new_order, 9, 7, 100);
        loaded.self->request->new_order.rolls_back = true;
        loaded.self->request->new_order.item_keys[6] = tpcc_item_key(TPCC_ITEMS + 1);
        loaded.tpcc->options.items_first = items_first;
        assert_int_equal(run(&loaded, TPCC_new_order), TARGET_ROLLED_BACK); /* done, as the specification defines it */
        /* Line by line, six lines were written before the item was missed (2.4.2.3); else nothing was. */
        assert_true(items_first ? loaded.self->operations < 8 : loaded.self->operations > 20);
    }
    loaded.tpcc->options.items_first = false;
    GET(&loaded, DISTRICT, tpcc_district_key(1, 9), &after);
    GET(&loaded, STOCK, tpcc_stock_key(1, 100), &stock_after);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_memory_equal(&stock_before, &stock_after, sizeof(stock_before));
    GONE(&loaded, ORDER, tpcc_order_key(1, 9, before.next.o_id), &order);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_ORDER_LINE), lines);
    /* The next order has the id. */
    request_order(&loaded.self->request->new_order, 9, 7, 100);
    assert_int_equal(run(&loaded, TPCC_new_order), TARGET_OK);
    GET(&loaded, ORDER, tpcc_order_key(1, 9, before.next.o_id), &order);
}

static void a_missing_item_that_was_not_meant_is_an_error(void **state)
{
    (void)state;
    request_order(&loaded.self->request->new_order, 9, 5, 100);
    loaded.self->request->new_order.item_keys[1] = tpcc_item_key(TPCC_ITEMS + 1);
    assert_int_equal(run(&loaded, TPCC_new_order), TARGET_RETRY_MISSING); /* perhaps not yet visible: again */
    loaded.self->request->type = TPCC_new_order;
    enum target_status status = TARGET_RETRY_MISSING;
    loaded.self->missing = 1900; /* of the 2000 it waits for */
    for (int i = 0; i < 200 && status == TARGET_RETRY_MISSING; i++)
        status = tpcc_workload_ops.attempt(loaded.self);
    assert_int_equal(status, TARGET_CORRUPT); /* but not for ever */
}

static void without_inserts_only_district_and_stock_change(void **state)
{
    struct fixture np;
    struct tpcc_district district;
    struct tpcc_stock stock;
    (void)state;
    open_loaded(&np, (const char *const[]){"mode", "paper-np", "warehouses", "2", NULL});
    request_order(&np.self->request->new_order, 3, 6, 500);
    assert_int_equal(run(&np, TPCC_new_order), TARGET_OK);
    GET(&np, DISTRICT, tpcc_district_key(1, 3), &district);
    assert_int_equal(district.next.o_id, 3002);
    GET(&np, STOCK, tpcc_stock_key(2, 505), &stock);
    assert_int_equal(stock.ytd, 3);
    assert_int_equal(table_rows(&np, TPCC_TABLE_ORDER), 0);
    assert_int_equal(table_rows(&np, TPCC_TABLE_ORDER_LINE), 0);
    assert_int_equal(np.self->operations, 3 + 2 * 6);
    assert_consistent(&np, at_rest);
    close_fixture(&np);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_and_its_lines_are_inserted),
        cmocka_unit_test(stock_is_taken_and_refilled_below_ten),
        cmocka_unit_test(an_item_ordered_twice_is_taken_twice),
        cmocka_unit_test(the_total_has_tax_and_discount),
        cmocka_unit_test(brand_needs_original_in_both_data),
        cmocka_unit_test(a_roll_back_leaves_nothing_and_takes_no_order_id),
        cmocka_unit_test(a_missing_item_that_was_not_meant_is_an_error),
        cmocka_unit_test(without_inserts_only_district_and_stock_change),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
