/* stock_level.c - Stock-Level counts distinct items of the last twenty orders (TPC-C 2.8). */
#include "tests/unit/workloads/tpcc/fixture.h"

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
    close_fixture(&loaded);
    return 0;
}

static uint32_t ask(uint32_t d_id, int32_t threshold)
{
    loaded.self->request->stock_level =
        (struct tpcc_stock_level_request){.w_id = 1, .d_id = d_id, .threshold = threshold};
    assert_int_equal(run(&loaded, TPCC_stock_level), TARGET_OK);
    return loaded.self->output.low_stock;
}

/* The same, the slow way. */
static uint32_t expected(uint32_t d_id, uint32_t next_o_id, int32_t threshold, bool own)
{
    static uint8_t seen[TPCC_ITEMS + 1];
    uint32_t low = 0;
    memset(seen, 0, sizeof(seen));
    for (uint32_t o = next_o_id - 20; o < next_o_id; o++) {
        for (uint32_t number = 1; number <= 15; number++) {
            struct tpcc_order_line line;
            struct tpcc_stock stock;
            if (!get(&loaded, TPCC_INDEX_ORDER_LINE, tpcc_order_line_key(1, d_id, o, number), &line, sizeof(line)))
                break;
            if ((own && line.supply_w_id != 1) || seen[line.i_id]++)
                continue;
            GET(&loaded, STOCK, tpcc_stock_key(1, line.i_id), &stock);
            low += stock.quantity < threshold;
        }
    }
    return low;
}

static void distinct_low_items_are_counted(void **state)
{
    (void)state;
    for (int32_t threshold = 10; threshold <= 20; threshold++)
        assert_int_equal(ask(2, threshold), expected(2, 3001, threshold, false));
    assert_int_equal(ask(2, 0), 0);
    assert_true(ask(2, 1000) > 100); /* all of some 200 */
    assert_int_equal(ask(2, 1000), expected(2, 3001, 1000, false));
}

/* An order of ten lines: items 11 to 15, each twice, supplied by warehouse 2 but the first. */
static void order_twice(uint32_t d_id)
{
    struct tpcc_new_order_request *request = &loaded.self->request->new_order;
    *request = (struct tpcc_new_order_request){.w_id = 1, .d_id = d_id, .c_id = 1, .line_count = 10};
    for (uint32_t i = 0; i < 10; i++) {
        request->item_ids[i] = 11 + i % 5;
        request->supply_w_ids[i] = i % 5 ? 2 : 1;
        request->item_keys[i] = tpcc_item_key(request->item_ids[i]);
        request->stock_keys[i] = tpcc_stock_key(request->supply_w_ids[i], request->item_ids[i]);
        request->quantities[i] = 1;
    }
    assert_int_equal(run(&loaded, TPCC_new_order), TARGET_OK);
}

static void an_item_counts_once_and_only_the_last_twenty_orders_do(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        order_twice(3);
    assert_int_equal(ask(3, 1000), 5);
    assert_true(ask(4, 1000) > 5);
    loaded.tpcc->options.stock_level_own = true; /* the paper's */
    assert_int_equal(ask(3, 1000), 1);
    loaded.tpcc->options.stock_level_own = false;
}

static void batched_or_not_validated_or_not_it_is_the_same(void **state)
{
    uint32_t low = ask(7, 50);
    (void)state;
    assert_int_equal(low, expected(7, 3001, 50, false));
    loaded.tpcc->options.batch = false;
    assert_int_equal(ask(7, 50), low);
    loaded.tpcc->options.snapshot_reads = false;
    assert_int_equal(ask(7, 50), low);
    loaded.tpcc->options.batch = true;
    loaded.tpcc->options.snapshot_reads = true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distinct_low_items_are_counted),
        cmocka_unit_test(an_item_counts_once_and_only_the_last_twenty_orders_do),
        cmocka_unit_test(batched_or_not_validated_or_not_it_is_the_same),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
