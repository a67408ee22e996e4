/* order_status.c - Order-Status finds the last order of its customer and all its lines (TPC-C 2.6). */
#include "tests/unit/workloads/tpcc/fixture.h"

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

static void order(uint32_t d_id, uint32_t c_id, uint32_t lines)
{
    struct tpcc_new_order_request *request = &loaded.self->request->new_order;
    *request = (struct tpcc_new_order_request){.w_id = 1, .d_id = d_id, .c_id = c_id, .line_count = lines};
    for (uint32_t i = 0; i < lines; i++) {
        request->item_ids[i] = 1 + i;
        request->supply_w_ids[i] = 1;
        request->item_keys[i] = tpcc_item_key(1 + i);
        request->stock_keys[i] = tpcc_stock_key(1, 1 + i);
        request->quantities[i] = 1;
    }
    assert_int_equal(run(&loaded, TPCC_new_order), TARGET_OK);
}

static void ask(struct tpcc_customer_choice choice)
{
    loaded.self->request->order_status.customer = choice;
    assert_int_equal(run(&loaded, TPCC_order_status), TARGET_OK);
}

static void the_last_order_is_found(void **state)
{
    (void)state;
    for (uint32_t lines = 5; lines <= 15; lines += 5) {
        order(4, 77, lines);
        order(4, 78, 9); /* a neighbour's later order is not it */
        order(5, 77, 9);
        ask((struct tpcc_customer_choice){.w_id = 1, .d_id = 4, .id = 77});
        assert_int_equal(loaded.self->output.c_id, 77);
        assert_int_equal(loaded.self->output.lines, lines);
        assert_int_equal(loaded.self->operations, 2 + lines);
    }
    assert_int_equal(loaded.self->output.o_id, 3001 + 4);
}

static void a_loaded_order_is_shown_with_its_sum(void **state)
{
    struct tpcc_order row;
    int64_t sum = 0;
    (void)state;
    GET(&loaded, ORDER, tpcc_order_key(1, 8, 3000), &row);
    for (uint32_t number = 1; number <= row.ol_cnt; number++) {
        struct tpcc_order_line line;
        GET(&loaded, ORDER_LINE, tpcc_order_line_key(1, 8, 3000, number), &line);
        sum += line.amount_cents;
    }
    ask((struct tpcc_customer_choice){.w_id = 1, .d_id = 8, .id = row.c_id});
    assert_int_equal(loaded.self->output.o_id, 3000);
    assert_int_equal(loaded.self->output.total_cents, sum);
    assert_int_equal(loaded.self->output.balance_cents, -1000);
}

static void by_last_name_it_is_a_customer_of_that_name(void **state)
{
    struct tpcc_customer customer;
    char last[16];
    (void)state;
    tpcc_last_name(123, last);
    ask((struct tpcc_customer_choice){.w_id = 1, .d_id = 8, .by_name = true, .name = 123});
    GET(&loaded, CUSTOMER, tpcc_customer_key(1, 8, loaded.self->output.c_id), &customer);
    assert_memory_equal(customer.info.last, last, 16);
}

static void it_runs_validated_too(void **state)
{
    (void)state;
    loaded.tpcc->options.snapshot_reads = false;
    ask((struct tpcc_customer_choice){.w_id = 1, .d_id = 8, .by_name = true, .name = 123});
    assert_int_equal(loaded.self->output.lines > 0, true);
    loaded.tpcc->options.snapshot_reads = true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_order_is_found),
        cmocka_unit_test(a_loaded_order_is_shown_with_its_sum),
        cmocka_unit_test(by_last_name_it_is_a_customer_of_that_name),
        cmocka_unit_test(it_runs_validated_too),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
