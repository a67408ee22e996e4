/*
 * check.c - breaks each of the twelve consistency conditions on purpose and sees it caught (workloads/tpcc/check.c).
 *
 * The tests run on the oracle target and on the native one. Each tampers with rows through the target, looks for the
 * condition's number, row and both values in the report, and mends what it broke. If a condition can be broken alone,
 * the test asserts that no other was reported.
 */
#include "tests/unit/workloads/tpcc/fixture.h"

#include "engine/base/mem.h"

static struct fixture loaded;

static int open_group(void **state)
{
    (void)state;
    fixture_ops = &oracle_target_ops;
    open_loaded(&loaded, NULL);
    return 0;
}

static int open_native_group(void **state)
{
    (void)state;
    fixture_ops = &native_target_ops;
    open_loaded(&loaded, NULL);
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    assert_consistent(&loaded, at_rest);
    close_fixture(&loaded);
    return 0;
}

static bool reported(unsigned condition)
{
    char words[32];
    snprintf(words, sizeof(words), "condition %u (", condition);
    return strstr(loaded.report, words) != NULL;
}

/* The set of reported conditions is that of `mask`, at rest and while workers run, and the words are in the report. */
static void assert_caught(unsigned mask, const char *words)
{
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(run_check(&loaded, i ? NULL : at_rest), TARGET_CORRUPT);
        if (!strstr(loaded.report, words))
            print_error("%s\n", loaded.report);
        assert_non_null(strstr(loaded.report, words));
        for (unsigned c = 0; c <= 13; c++) {
            if (reported(c) != (mask >> c & 1))
                print_error("condition %u, report:\n%s\n", c, loaded.report);
            assert_int_equal(reported(c), mask >> c & 1);
        }
    }
}
#define ONLY(...) mask_of((const unsigned[]){__VA_ARGS__, 99})

static unsigned mask_of(const unsigned *conditions)
{
    unsigned mask = 0;
    for (; *conditions != 99; conditions++)
        mask |= 1u << *conditions;
    return mask;
}

static void add_to_warehouse(int64_t cents)
{
    CHANGE(&loaded, WAREHOUSE, tpcc_warehouse_key(1), tpcc_warehouse, row, row->ytd.cents += cents);
}

static void add_to_district(uint32_t d_id, int64_t cents)
{
    CHANGE(&loaded, DISTRICT, tpcc_district_key(1, d_id), tpcc_district, row, row->ytd.cents += cents);
}

static void condition_1_w_ytd_is_the_sum_of_d_ytd(void **state)
{
    (void)state;
    add_to_warehouse(1);
    assert_caught(ONLY(1, 8), "warehouse 1: W_YTD = 300000.01, sum of D_YTD = 300000.00");
    add_to_warehouse(-30000002);
    assert_caught(ONLY(1, 8), "warehouse 1: W_YTD = -0.01, sum of D_YTD = 300000.00");
    add_to_warehouse(30000001);
}

static void condition_2_next_order_id(void **state)
{
    (void)state;
    CHANGE(&loaded, DISTRICT, tpcc_district_key(1, 3), tpcc_district, row, row->next.o_id++);
    assert_caught(ONLY(2), "district (1,3): D_NEXT_O_ID - 1 = 3001, max(O_ID) = 3000 (and ");
    CHANGE(&loaded, DISTRICT, tpcc_district_key(1, 3), tpcc_district, row, row->next.o_id--);
}

static uint64_t erase_new_order(uint32_t d_id, uint32_t o_id)
{
    struct target_txn *txn = begin(&loaded, TARGET_READ_WRITE);
    uint64_t key = tpcc_order_key(1, d_id, o_id);
    assert_int_equal(fixture_ops->erase(txn, loaded.tpcc->indexes[TPCC_INDEX_NEW_ORDER], &key), TARGET_OK);
    commit_seen(&loaded, txn);
    return key;
}

static void insert_new_order(uint32_t d_id, uint32_t o_id)
{
    struct target_txn *txn = begin(&loaded, TARGET_READ_WRITE);
    uint64_t key = tpcc_order_key(1, d_id, o_id);
    void *row;
    assert_int_equal(fixture_ops->insert(txn, loaded.tpcc->indexes[TPCC_INDEX_NEW_ORDER], &key,
                                         sizeof(struct tpcc_new_order_row), NULL, &row),
                     TARGET_OK);
    *(struct tpcc_new_order_row *)row = (struct tpcc_new_order_row){.o_id = o_id, .w_id = 1, .d_id = (uint8_t)d_id};
    commit_seen(&loaded, txn);
}

static void condition_2_knows_the_last_new_order_too(void **state)
{
    (void)state;
    erase_new_order(3, 3000);
    assert_caught(ONLY(2, 5, 11), "district (1,3): D_NEXT_O_ID - 1 = 3000, max(NO_O_ID) = 2999");
    insert_new_order(3, 3000);
}

static void condition_2_counts_committed_orders_at_rest(void **state)
{
    (void)state;
    atomic_fetch_add(&loaded.self->tallies[4].new_orders, 1);
    assert_int_equal(run_check(&loaded, at_rest), TARGET_CORRUPT);
    assert_non_null(strstr(loaded.report, "district (1,5): D_NEXT_O_ID = 3001, 3001 + committed New-Orders = 3002"));
    assert_int_equal(run_check(&loaded, NULL), TARGET_OK);
    atomic_fetch_sub(&loaded.self->tallies[4].new_orders, 1);
}

static void condition_3_new_orders_have_no_gap(void **state)
{
    (void)state;
    erase_new_order(2, 2500);
    assert_caught(ONLY(3, 5, 11), "district (1,2): max(NO_O_ID) - min(NO_O_ID) + 1 = 900, NEW-ORDER rows = 899");
    insert_new_order(2, 2500);
}

static void condition_4_order_lines_are_counted(void **state)
{
    struct tpcc_order order;
    char words[100];
    (void)state;
    GET(&loaded, ORDER, tpcc_order_key(1, 6, 40), &order);
    CHANGE(&loaded, ORDER, tpcc_order_key(1, 6, 40), tpcc_order, row, row->ol_cnt++);
    assert_caught(ONLY(4, 6), "district (1,6): sum of O_OL_CNT = ");
    snprintf(words, sizeof(words), "order (1,6,40): O_OL_CNT = %u, order lines = %u", order.ol_cnt + 1, order.ol_cnt);
    assert_non_null(strstr(loaded.report, words));
    CHANGE(&loaded, ORDER, tpcc_order_key(1, 6, 40), tpcc_order, row, row->ol_cnt--);
}

static void condition_5_carrier_is_null_while_new(void **state)
{
    (void)state;
    insert_new_order(9, 2100); /* delivered, and the one in front of the oldest new order: no gap */
    assert_caught(ONLY(5, 11), "order (1,9,2100): O_CARRIER_ID is not null, its NEW-ORDER row is there");
    erase_new_order(9, 2100);
    insert_new_order(9, 4000);
    assert_caught(ONLY(2, 3, 5, 11), "order (1,9,4000): NEW-ORDER has it, ORDER has not");
    erase_new_order(9, 4000);
}

static void condition_6_each_order_has_its_lines(void **state)
{
    (void)state;
    CHANGE(&loaded, ORDER, tpcc_order_key(1, 6, 40), tpcc_order, row, row->ol_cnt++);
    CHANGE(&loaded, ORDER, tpcc_order_key(1, 6, 41), tpcc_order, row, row->ol_cnt--);
    assert_caught(ONLY(6), "order (1,6,40): O_OL_CNT = ");
    CHANGE(&loaded, ORDER, tpcc_order_key(1, 6, 40), tpcc_order, row, row->ol_cnt--);
    CHANGE(&loaded, ORDER, tpcc_order_key(1, 6, 41), tpcc_order, row, row->ol_cnt++);
}

static void condition_7_lines_are_delivered_with_their_order(void **state)
{
    int64_t before = 0;
    (void)state;
    /* A delivered line of amount 0.00: no sum tells. */
    CHANGE(&loaded, ORDER_LINE, tpcc_order_line_key(1, 1, 7, 3), tpcc_order_line, row, before = row->delivery_us,
           row->delivery_us = TPCC_DATE_NULL);
    assert_caught(ONLY(7), "order line (1,1,7,3): OL_DELIVERY_D is null, its order's O_CARRIER_ID is not null");
    CHANGE(&loaded, ORDER_LINE, tpcc_order_line_key(1, 1, 7, 3), tpcc_order_line, row, row->delivery_us = before);
    CHANGE(&loaded, ORDER_LINE, tpcc_order_line_key(1, 1, 2900, 1), tpcc_order_line, row, row->delivery_us = 1);
    assert_caught(ONLY(7, 10, 12),
                  "order line (1,1,2900,1): OL_DELIVERY_D is not null, its order's O_CARRIER_ID is null");
    CHANGE(&loaded, ORDER_LINE, tpcc_order_line_key(1, 1, 2900, 1), tpcc_order_line, row,
           row->delivery_us = TPCC_DATE_NULL);
}

static void condition_8_w_ytd_is_what_history_says(void **state)
{
    (void)state;
    add_to_warehouse(100);
    add_to_district(8, 100);
    assert_caught(ONLY(8, 9), "warehouse 1: W_YTD = 300001.00, sum of H_AMOUNT = 300000.00");
    add_to_warehouse(-100);
    add_to_district(8, -100);
}

static void condition_9_d_ytd_is_what_history_says(void **state)
{
    (void)state;
    add_to_district(1, 5);
    add_to_district(2, -5);
    assert_caught(ONLY(9), "district (1,1): D_YTD = 30000.05, sum of H_AMOUNT = 30000.00");
    add_to_district(1, -5);
    add_to_district(2, 5);
}

static void condition_9_counts_committed_payments_at_rest(void **state)
{
    (void)state;
    atomic_fetch_add(&loaded.self->tallies[9].payment_cents, 250);
    assert_int_equal(run_check(&loaded, at_rest), TARGET_CORRUPT);
    assert_non_null(
        strstr(loaded.report, "district (1,10): D_YTD = 30000.00, 30000.00 + committed Payments = 30002.50"));
    atomic_fetch_sub(&loaded.self->tallies[9].payment_cents, 250);
}

static void add_to_customer(int64_t balance_cents, int64_t ytd_cents, uint32_t deliveries)
{
    CHANGE(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 3), tpcc_customer, row,
           row->account.balance_cents += balance_cents, row->account.ytd_payment_cents += ytd_cents,
           row->account.delivery_cnt += deliveries);
}

static void condition_10_balance_is_what_lines_and_history_say(void **state)
{
    (void)state;
    add_to_customer(1, -1, 0);
    CHANGE(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 4), tpcc_customer, row, row->account.balance_cents--,
           row->account.ytd_payment_cents++);
    assert_caught(ONLY(10), "customer (1,2,3): C_BALANCE = -9.99, delivered OL_AMOUNT - H_AMOUNT = -10.00");
    CHANGE(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 4), tpcc_customer, row, row->account.balance_cents++,
           row->account.ytd_payment_cents--);
    add_to_customer(-1, 1, 0);
}

static void condition_11_deliveries_are_counted(void **state)
{
    (void)state;
    add_to_customer(0, 0, 1);
    assert_caught(ONLY(11), "district (1,2): ORDER rows - NEW-ORDER rows = 2100, 2100 + sum of C_DELIVERY_CNT = 2101");
    add_to_customer(0, 0, -1u);
}

static void condition_11_counts_committed_deliveries_at_rest(void **state)
{
    (void)state;
    atomic_fetch_add(&loaded.self->tallies[1].deliveries, 1);
    assert_int_equal(run_check(&loaded, at_rest), TARGET_CORRUPT);
    assert_non_null(strstr(loaded.report,
                           "district (1,2): ORDER rows - NEW-ORDER rows = 2100, 2100 + committed deliveries = 2101"));
    atomic_fetch_sub(&loaded.self->tallies[1].deliveries, 1);
}

static void condition_12_turnover_is_what_was_delivered(void **state)
{
    (void)state;
    add_to_customer(0, 1, 0);
    assert_caught(ONLY(12), "customer (1,2,3): C_BALANCE + C_YTD_PAYMENT = 0.01, delivered OL_AMOUNT = 0.00");
    add_to_customer(0, -1, 0);
}

static void condition_12_counts_committed_payments_at_rest(void **state)
{
    (void)state;
    CHANGE(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 3), tpcc_customer, row, row->account.payment_cnt++);
    assert_int_equal(run_check(&loaded, at_rest), TARGET_CORRUPT);
    assert_non_null(strstr(loaded.report, "all customers: C_PAYMENT_CNT = 30001"));
    CHANGE(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 3), tpcc_customer, row, row->account.payment_cnt--);
}

static void condition_13_stock_is_what_order_lines_say(void **state)
{
    (void)state;
    uint64_t key = tpcc_stock_key(1, 77);
    CHANGE(&loaded, STOCK, key, tpcc_stock, row, row->ytd += 5);
    assert_caught(ONLY(13), "stock (1,77): S_YTD, S_ORDER_CNT, S_REMOTE_CNT = 5, 0, 0, by order lines 0, 0, 0");
    CHANGE(&loaded, STOCK, key, tpcc_stock, row, row->ytd -= 5, row->remote_cnt++);
    assert_caught(ONLY(13), "stock (1,77): S_YTD, S_ORDER_CNT, S_REMOTE_CNT = 0, 0, 1, by order lines 0, 0, 0");
    CHANGE(&loaded, STOCK, key, tpcc_stock, row, row->remote_cnt--, row->quantity += 200);
    assert_caught(ONLY(13), "stock (1,77): S_QUANTITY = 2");
    CHANGE(&loaded, STOCK, key, tpcc_stock, row, row->quantity -= 200, row->i_id++);
    assert_caught(ONLY(0), "stock (1,77): its key leads to the row (1,78)");
    CHANGE(&loaded, STOCK, key, tpcc_stock, row, row->i_id--);
}

static void condition_13_counts_committed_lines_at_rest(void **state)
{
    (void)state;
    atomic_fetch_add(&loaded.self->tallies[1].stock_print, 1);
    assert_int_equal(run_check(&loaded, at_rest), TARGET_CORRUPT);
    assert_non_null(strstr(loaded.report, "all stocks: S_ORDER_CNT = 0 (print 0), committed order lines = 0"));
    atomic_fetch_sub(&loaded.self->tallies[1].stock_print, 1);
}

static void a_lost_order_line_is_noticed(void **state)
{
    uint64_t key = tpcc_order_line_key(1, 4, 3000, 2);
    struct tpcc_order_line line;
    void *row;
    (void)state;
    GET(&loaded, ORDER_LINE, key, &line);
    struct target_txn *txn = begin(&loaded, TARGET_READ_WRITE);
    assert_int_equal(fixture_ops->erase(txn, loaded.tpcc->indexes[TPCC_INDEX_ORDER_LINE], &key), TARGET_OK);
    commit_seen(&loaded, txn);
    assert_caught(ONLY(4, 6), "order (1,4,3000): O_OL_CNT = ");
    txn = begin(&loaded, TARGET_READ_WRITE);
    assert_int_equal(
        fixture_ops->insert(txn, loaded.tpcc->indexes[TPCC_INDEX_ORDER_LINE], &key, sizeof(line), NULL, &row),
        TARGET_OK);
    memcpy(row, &line, sizeof(line));
    commit_seen(&loaded, txn);
}

static void a_key_that_leads_to_another_row_is_noticed(void **state)
{
    (void)state;
    CHANGE(&loaded, ORDER, tpcc_order_key(1, 6, 40), tpcc_order, row, row->id = 39);
    assert_caught(ONLY(0), "ORDER key of (1,6,40): leads to the row (1,6,39)");
    CHANGE(&loaded, ORDER, tpcc_order_key(1, 6, 40), tpcc_order, row, row->id = 40);
    CHANGE(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 3), tpcc_customer, row, row->info.id = 3001);
    assert_caught(ONLY(0), "(1,2,3001) is no customer (and 1 more)"); /* and one too few in number */
    CHANGE(&loaded, CUSTOMER, tpcc_customer_key(1, 2, 3), tpcc_customer, row, row->info.id = 3);
}

static void an_index_entry_without_a_row_is_noticed(void **state)
{
    uint64_t key = tpcc_order_key(1, 2, 2500), ref;
    void *row;
    (void)state;
    struct target_txn *txn = begin(&loaded, TARGET_READ_WRITE);
    assert_int_equal(fixture_ops->find(txn, loaded.tpcc->indexes[TPCC_INDEX_NEW_ORDER], &key, &ref), TARGET_OK);
    assert_int_equal(fixture_ops->row_erase(txn, loaded.tpcc->tables[TPCC_TABLE_NEW_ORDER], ref), TARGET_OK);
    if (fixture_ops == &native_target_ops) { /* notices it by itself: nothing happens */
        assert_int_equal(fixture_ops->commit(txn), TARGET_CORRUPT);
        return;
    }
    commit_seen(&loaded, txn);
    assert_caught(ONLY(0, 3, 5, 11), "NEW-ORDER key 0x");
    txn = begin(&loaded, TARGET_READ_WRITE);
    assert_int_equal(fixture_ops->index_remove(txn, loaded.tpcc->indexes[TPCC_INDEX_NEW_ORDER], &key, ref), TARGET_OK);
    assert_int_equal(fixture_ops->insert(txn, loaded.tpcc->indexes[TPCC_INDEX_NEW_ORDER], &key,
                                         sizeof(struct tpcc_new_order_row), &ref, &row),
                     TARGET_OK);
    *(struct tpcc_new_order_row *)row = (struct tpcc_new_order_row){.o_id = 2500, .w_id = 1, .d_id = 2};
    commit_seen(&loaded, txn);
}

static void a_short_report_is_cut_not_overrun(void **state)
{
    char report[40];
    (void)state;
    add_to_warehouse(1);
    memset(report, '?', sizeof(report));
    assert_int_equal(tpcc_workload_ops.check(loaded.tpcc, loaded.worker, at_rest, report, 20), TARGET_CORRUPT);
    assert_int_equal(strlen(report), 19);
    assert_int_equal(report[20], '?');
    add_to_warehouse(-1);
}

static void empty_tables_do_not_pass(void **state)
{
    struct fixture empty;
    (void)state;
    open_unloaded(&empty, 1, NULL);
    assert_int_equal(run_check(&empty, NULL), TARGET_CORRUPT);
    memcpy(loaded.report, empty.report, sizeof(loaded.report));
    for (unsigned c = 0; c <= 12; c++)
        assert_true(reported(c));
    assert_non_null(strstr(empty.report, "no row to check it with"));
    close_fixture(&empty);
}

static void everything_delivered_is_not_vacuous_but_named(void **state)
{
    struct fixture fixture;
    (void)state;
    open_loaded(&fixture, (const char *const[]){"mix", "0/0/0/100/0", NULL});
    for (int i = 0; i < 901; i++) {
        tpcc_workload_ops.next(fixture.self);
        assert_int_equal(tpcc_workload_ops.attempt(fixture.self), TARGET_OK);
    }
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_NEW_ORDER), 0);
    assert_int_equal(run_check(&fixture, at_rest), TARGET_OK);
    assert_string_equal(fixture.report,
                        "not checked in full: condition 3 (every order is delivered, as condition 11 shows)");
    close_fixture(&fixture);
}

/* ---- Reading that does not go through. ---- */

static unsigned lags;
static bool (*lagging_visit)(void *arg, uint64_t ref, const void *data, size_t bytes);

static bool skip_first(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    return lags && ref == 0 ? true : lagging_visit(arg, ref, data, bytes);
}

/* A snapshot that lags behind: the first row is not there yet, the first `lags` times. */
static enum target_status lagging_scan(struct target_txn *txn, struct target_table *table, target_row_fn visit,
                                       void *arg)
{
    lagging_visit = visit;
    enum target_status status = oracle_target_ops.table_scan(txn, table, skip_first, arg);
    lags -= lags > 0;
    return status;
}

static void a_snapshot_that_lags_is_waited_for(void **state)
{
    struct target_ops ops = oracle_target_ops;
    (void)state;
    ops.table_scan = lagging_scan;
    loaded.tpcc->ops = &ops;
    lags = 4; /* HISTORY and CUSTOMER, twice */
    assert_int_equal(run_check(&loaded, at_rest), TARGET_OK);
    lags = 1000;
    assert_int_equal(run_check(&loaded, at_rest), TARGET_CORRUPT);
    assert_non_null(strstr(loaded.report, "CUSTOMER: 29999 rows, expected 30000"));
    lags = 0;
    loaded.tpcc->ops = &oracle_target_ops;
}

static void an_abort_is_retried_and_a_failure_told(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 20; n += 6) {
        oracle_fail_at(loaded.target, n, TARGET_RETRY + 2);
        assert_int_equal(run_check(&loaded, at_rest), TARGET_OK);
    }
    oracle_fail_at(loaded.target, 10000, TARGET_RETRY + 7); /* inside a scan's visit */
    assert_int_equal(run_check(&loaded, at_rest), TARGET_OK);
    oracle_fail_at(loaded.target, 10000, TARGET_INVALID);
    assert_int_equal(run_check(&loaded, at_rest), TARGET_INVALID);
    assert_non_null(strstr(loaded.report, "the tables cannot be read: invalid argument"));
}

#ifdef MAE_DEBUG /* only debug builds can make allocations fail */
static void a_check_without_memory_says_so(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (uint64_t n = 1;; n++) {
        mem_fail_at(n);
        enum target_status status = run_check(&loaded, at_rest);
        if (!mem_fail_happened()) {
            assert_int_equal(status, TARGET_OK);
            break;
        }
        assert_int_equal(status, TARGET_NO_MEMORY);
        assert_string_equal(loaded.report, "out of memory for the check's sums");
        failed++;
    }
    mem_fail_at(0);
    assert_true(failed >= 5);
}
#endif

/* Need nothing of the target but its contract. */
#define ON_ANY_TARGET                                                                                                  \
    cmocka_unit_test(condition_1_w_ytd_is_the_sum_of_d_ytd), cmocka_unit_test(condition_2_next_order_id),              \
        cmocka_unit_test(condition_2_knows_the_last_new_order_too),                                                    \
        cmocka_unit_test(condition_2_counts_committed_orders_at_rest),                                                 \
        cmocka_unit_test(condition_3_new_orders_have_no_gap), cmocka_unit_test(condition_4_order_lines_are_counted),   \
        cmocka_unit_test(condition_5_carrier_is_null_while_new),                                                       \
        cmocka_unit_test(condition_6_each_order_has_its_lines),                                                        \
        cmocka_unit_test(condition_7_lines_are_delivered_with_their_order),                                            \
        cmocka_unit_test(condition_8_w_ytd_is_what_history_says),                                                      \
        cmocka_unit_test(condition_9_d_ytd_is_what_history_says),                                                      \
        cmocka_unit_test(condition_9_counts_committed_payments_at_rest),                                               \
        cmocka_unit_test(condition_10_balance_is_what_lines_and_history_say),                                          \
        cmocka_unit_test(condition_11_deliveries_are_counted),                                                         \
        cmocka_unit_test(condition_11_counts_committed_deliveries_at_rest),                                            \
        cmocka_unit_test(condition_12_turnover_is_what_was_delivered),                                                 \
        cmocka_unit_test(condition_12_counts_committed_payments_at_rest),                                              \
        cmocka_unit_test(condition_13_stock_is_what_order_lines_say),                                                  \
        cmocka_unit_test(condition_13_counts_committed_lines_at_rest), cmocka_unit_test(a_lost_order_line_is_noticed), \
        cmocka_unit_test(a_key_that_leads_to_another_row_is_noticed),                                                  \
        cmocka_unit_test(an_index_entry_without_a_row_is_noticed),                                                     \
        cmocka_unit_test(a_short_report_is_cut_not_overrun), cmocka_unit_test(empty_tables_do_not_pass),               \
        cmocka_unit_test(everything_delivered_is_not_vacuous_but_named)

int main(void)
{
    const struct CMUnitTest on_oracle[] = {
        ON_ANY_TARGET,
        cmocka_unit_test(a_snapshot_that_lags_is_waited_for),
        cmocka_unit_test(an_abort_is_retried_and_a_failure_told),
#ifdef MAE_DEBUG
        cmocka_unit_test(a_check_without_memory_says_so),
#endif
    };
    const struct CMUnitTest on_native[] = {ON_ANY_TARGET};
    int failed = cmocka_run_group_tests(on_oracle, open_group, close_group);
    return failed + cmocka_run_group_tests(on_native, open_native_group, close_group);
}
