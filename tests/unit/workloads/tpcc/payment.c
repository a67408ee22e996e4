/* payment.c - what a Payment does to the tables, and how its customer is found (TPC-C 2.5). */
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

/* Of 123.45 at (1, d_id), for a customer of (c_w_id, c_d_id). */
static struct tpcc_payment_request request_payment(uint32_t d_id, uint32_t c_w_id, uint32_t c_d_id, uint32_t c_id)
{
    return (struct tpcc_payment_request){.w_id = 1,
                                         .d_id = d_id,
                                         .customer = {.w_id = c_w_id, .d_id = c_d_id, .id = c_id},
                                         .h_c_w_id = c_w_id,
                                         .h_c_d_id = c_d_id,
                                         .amount_cents = 12345};
}

static void set_credit(uint32_t w_id, uint32_t d_id, uint32_t c_id, const char *credit)
{
    CHANGE(&loaded, CUSTOMER, tpcc_customer_key(w_id, d_id, c_id), tpcc_customer, customer,
           memcpy(customer->info.credit, credit, 2));
}

static void warehouse_district_customer_and_history_agree(void **state)
{
    struct tpcc_warehouse w_before, w_after;
    struct tpcc_district d_before, d_after;
    struct tpcc_customer c_before, c_after;
    (void)state;
    set_credit(1, 2, 30, "GC");
    GET(&loaded, WAREHOUSE, tpcc_warehouse_key(1), &w_before);
    GET(&loaded, DISTRICT, tpcc_district_key(1, 2), &d_before);
    GET(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 30), &c_before);
    loaded.self->request->payment = request_payment(2, 1, 2, 30);
    loaded.self->now_us = 987654321;
    assert_int_equal(run(&loaded, TPCC_payment), TARGET_OK);
    GET(&loaded, WAREHOUSE, tpcc_warehouse_key(1), &w_after);
    GET(&loaded, DISTRICT, tpcc_district_key(1, 2), &d_after);
    GET(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 30), &c_after);
    assert_int_equal(w_after.ytd.cents, w_before.ytd.cents + 12345);
    assert_int_equal(d_after.ytd.cents, d_before.ytd.cents + 12345);
    assert_int_equal(c_after.account.balance_cents, c_before.account.balance_cents - 12345);
    assert_int_equal(c_after.account.ytd_payment_cents, c_before.account.ytd_payment_cents + 12345);
    assert_int_equal(c_after.account.payment_cnt, c_before.account.payment_cnt + 1);
    assert_memory_equal(c_after.data.text, c_before.data.text, 500); /* good credit: C_DATA stays */
    assert_int_equal(loaded.self->output.balance_cents, c_after.account.balance_cents);

    struct tpcc_history history = last_history(&loaded);
    char data[25] = "";
    snprintf(data, sizeof(data), "%.10s    %.10s", w_before.info.name, d_before.info.name);
    assert_int_equal(history.amount_cents, 12345);
    assert_int_equal(history.date_us, 987654321);
    assert_true(history.w_id == 1 && history.d_id == 2);
    assert_true(history.c_w_id == 1 && history.c_d_id == 2 && history.c_id == 30);
    assert_memory_equal(history.data, data, 24);
}

static void bad_credit_puts_the_payment_in_front_of_c_data(void **state)
{
    struct tpcc_customer before, after;
    const char *front = "31 2 1 2 1 12345 ";
    size_t length = strlen(front);
    (void)state;
    set_credit(1, 2, 31, "BC");
    GET(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 31), &before);
    loaded.self->request->payment = request_payment(2, 1, 2, 31);
    assert_int_equal(run(&loaded, TPCC_payment), TARGET_OK);
    GET(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 31), &after);
    assert_memory_equal(after.data.text, front, length);
    assert_memory_equal(after.data.text + length, before.data.text, 500 - length);

    loaded.tpcc->options.c_data_rewrite = false;
    assert_int_equal(run(&loaded, TPCC_payment), TARGET_OK);
    loaded.tpcc->options.c_data_rewrite = true;
    GET(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 31), &before);
    assert_memory_equal(after.data.text, before.data.text, 500);
    assert_int_equal(before.account.payment_cnt, after.account.payment_cnt + 1);
}

static void a_remote_customer_pays_at_our_warehouse(void **state)
{
    struct tpcc_customer before, after;
    struct tpcc_district d_before, d_after;
    struct workload_part shares_before[TPCC_SHARE_COUNT], shares[TPCC_SHARE_COUNT];
    (void)state;
    tpcc_workload_ops.count_shares(loaded.tpcc, shares_before);
    GET(&loaded, CUSTOMER, tpcc_customer_key(2, 7, 40), &before);
    GET(&loaded, DISTRICT, tpcc_district_key(2, 7), &d_before);
    loaded.self->request->payment = request_payment(2, 2, 7, 40);
    loaded.self->request->payment.remote = true;
    assert_int_equal(run(&loaded, TPCC_payment), TARGET_OK);
    tpcc_workload_ops.count_shares(loaded.tpcc, shares);
    for (unsigned i = TPCC_SHARE_remote_payments; i <= TPCC_SHARE_payments_by_name; i++) {
        assert_int_equal(shares[i].part - shares_before[i].part, i == TPCC_SHARE_remote_payments);
        assert_int_equal(shares[i].whole - shares_before[i].whole, 1);
    }
    GET(&loaded, CUSTOMER, tpcc_customer_key(2, 7, 40), &after);
    GET(&loaded, DISTRICT, tpcc_district_key(2, 7), &d_after);
    assert_int_equal(after.account.balance_cents, before.account.balance_cents - 12345);
    assert_int_equal(d_after.ytd.cents, d_before.ytd.cents);
    struct tpcc_history history = last_history(&loaded);
    assert_true(history.w_id == 1 && history.d_id == 2 && history.c_w_id == 2 && history.c_d_id == 7);
}

/* The customers of a name in a district, ordered by C_FIRST; returns how many. */
static unsigned namesakes(struct fixture *fixture, uint32_t d_id, uint32_t name, struct tpcc_customer *found,
                          unsigned max)
{
    char last[16];
    unsigned count = 0;
    tpcc_last_name(name, last);
    for (uint32_t c = 1; c <= 3000; c++) {
        struct tpcc_customer customer;
        GET(fixture, CUSTOMER, tpcc_customer_key(1, d_id, c), &customer);
        if (memcmp(customer.info.last, last, 16))
            continue;
        assert_true(count < max);
        unsigned i = count++;
        while (i && memcmp(found[i - 1].info.first, customer.info.first, 16) > 0) {
            found[i] = found[i - 1];
            i--;
        }
        found[i] = customer;
    }
    return count;
}

static uint32_t pay_by_name(struct fixture *fixture, uint32_t d_id, uint32_t name)
{
    fixture->self->request->payment = request_payment(d_id, 1, d_id, 0);
    fixture->self->request->payment.customer.by_name = true;
    fixture->self->request->payment.customer.name = name;
    assert_int_equal(run(fixture, TPCC_payment), TARGET_OK);
    return last_history(fixture).c_id;
}

static void by_last_name_it_is_the_median_of_the_first_names(void **state)
{
    struct tpcc_customer found[200];
    bool odd = false, even = false;
    (void)state;
    for (uint32_t name = 0; name < 30 || !odd || !even; name++) {
        unsigned count = namesakes(&loaded, 6, name, found, 200);
        assert_true(count >= 1);
        odd |= count > 1 && count % 2;
        even |= count > 1 && count % 2 == 0;
        assert_int_equal(pay_by_name(&loaded, 6, name), found[(count + 1) / 2 - 1].info.id); /* ceil(n/2) */
    }
}

static void unsorted_half_takes_element_n_half_as_stored(void **state)
{
    struct fixture paper;
    struct tpcc_customer found[200];
    bool differs = false;
    (void)state;
    open_loaded(&paper, (const char *const[]){"mode", "paper", "remote_payment", "on", NULL});
    for (uint32_t name = 0; name < 30; name++) {
        unsigned count = namesakes(&paper, 6, name, found, 200);
        uint32_t median = found[(count + 1) / 2 - 1].info.id;
        for (unsigned i = 0; i < count; i++) { /* the one that has as many below it by id as n/2 */
            unsigned below = 0;
            for (unsigned k = 0; k < count; k++)
                below += found[k].info.id < found[i].info.id;
            if (below == count / 2)
                assert_int_equal(pay_by_name(&paper, 6, name), found[i].info.id);
        }
        differs |= last_history(&paper).c_id != median;
    }
    assert_true(differs);
    assert_consistent(&paper, at_rest);
    close_fixture(&paper);
}

static void without_history_none_is_written(void **state)
{
    struct fixture np;
    struct tpcc_customer before, after;
    (void)state;
    open_loaded(&np, (const char *const[]){"mode", "paper-np", NULL});
    GET(&np, CUSTOMER, tpcc_customer_key(1, 2, 30), &before);
    np.self->request->payment = request_payment(2, 1, 2, 30);
    assert_int_equal(run(&np, TPCC_payment), TARGET_OK);
    GET(&np, CUSTOMER, tpcc_customer_key(1, 2, 30), &after);
    assert_int_equal(after.account.balance_cents, before.account.balance_cents - 12345);
    assert_memory_equal(after.data.text, before.data.text, 500); /* TPC-C-NP rewrites no C_DATA either */
    assert_int_equal(table_rows(&np, TPCC_TABLE_HISTORY), 0);
    assert_consistent(&np, at_rest);
    close_fixture(&np);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warehouse_district_customer_and_history_agree),
        cmocka_unit_test(bad_credit_puts_the_payment_in_front_of_c_data),
        cmocka_unit_test(a_remote_customer_pays_at_our_warehouse),
        cmocka_unit_test(by_last_name_it_is_the_median_of_the_first_names),
        cmocka_unit_test(unsorted_half_takes_element_n_half_as_stored),
        cmocka_unit_test(without_history_none_is_written),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
