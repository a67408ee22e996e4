/*
 * tpcc.c - requests are drawn as clause 2 demands; an attempt that fails at any point leaves nothing; whole runs stay
 * consistent in each mode (workloads/tpcc/request.c, tpcc.c).
 */
#include <math.h>

#include "tests/unit/workloads/tpcc/fixture.h"

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { DRAWS = 100000 };

/* Within 6 standard deviations of n * p. */
static void assert_share(unsigned count, double n, double p)
{
    double deviation = 6 * sqrt(n * p * (1 - p)) + 1;
    if (count < n * p - deviation || count > n * p + deviation)
        fail_msg("%u of %.0f, expected a share of %.4f", count, n, p);
}

/* ---- Requests. ---- */

static void the_mix_is_45_43_4_4_4(void **state)
{
    struct fixture fixture;
    unsigned count[TPCC_TXN_COUNT] = {0};
    static const double share[] = {0.45, 0.43, 0.04, 0.04, 0.04};
    (void)state;
    open_unloaded(&fixture, 1, NULL);
    for (int i = 0; i < DRAWS; i++)
        count[tpcc_workload_ops.next(fixture.self)]++;
    for (unsigned i = 0; i < TPCC_TXN_COUNT; i++)
        assert_share(count[i], DRAWS, share[i]);
    assert_int_equal(oracle_calls(fixture.target), 0); /* drawing touches no target */
    close_fixture(&fixture);
}

static void txn_types_are_named_in_the_order_of_next(void **state)
{
    (void)state;
    assert_string_equal(tpcc_workload_ops.txn_types[TPCC_new_order], "new_order");
    assert_string_equal(tpcc_workload_ops.txn_types[TPCC_payment], "payment");
    assert_string_equal(tpcc_workload_ops.txn_types[TPCC_order_status], "order_status");
    assert_string_equal(tpcc_workload_ops.txn_types[TPCC_delivery], "delivery");
    assert_string_equal(tpcc_workload_ops.txn_types[TPCC_stock_level], "stock_level");
    assert_null(tpcc_workload_ops.txn_types[TPCC_TXN_COUNT]);
}

static void new_orders_are_drawn_as_specified(void **state)
{
    struct fixture fixture;
    unsigned lines = 0, remote = 0, rolls_back = 0, duplicates = 0, sizes[16] = {0};
    (void)state;
    open_unloaded(&fixture, 1, PAIRS("warehouses", "10", "mix", "100/0/0/0/0"));
    for (int i = 0; i < DRAWS; i++) {
        tpcc_workload_ops.next(fixture.self);
        const struct tpcc_new_order_request *request = &fixture.self->request->new_order;
        bool all_local = true, duplicate = false;
        assert_in_range(request->w_id, 1, 10);
        assert_in_range(request->d_id, 1, 10);
        assert_in_range(request->c_id, 1, 3000);
        assert_in_range(request->line_count, 5, 15);
        sizes[request->line_count]++;
        for (uint32_t k = 0; k < request->line_count; k++) {
            assert_in_range(request->item_ids[k], 1, 100000);
            assert_in_range(request->quantities[k], 1, 10);
            assert_in_range(request->supply_w_ids[k], 1, 10);
            assert_int_equal(request->stock_keys[k], tpcc_stock_key(request->supply_w_ids[k], request->item_ids[k]));
            bool last = request->rolls_back && k + 1 == request->line_count;
            assert_int_equal(request->item_keys[k], last ? 100000 : request->item_ids[k] - 1);
            remote += request->supply_w_ids[k] != request->w_id;
            all_local &= request->supply_w_ids[k] == request->w_id;
            for (uint32_t j = 0; j < k; j++)
                duplicate |= request->stock_keys[j] == request->stock_keys[k];
        }
        assert_int_equal(request->remote_lines == 0, all_local);
        lines += request->line_count;
        rolls_back += request->rolls_back;
        duplicates += duplicate;
    }
    for (unsigned size = 5; size <= 15; size++)
        assert_share(sizes[size], DRAWS, 1.0 / 11);
    assert_share(remote, lines, 0.01);
    assert_share(rolls_back, DRAWS, 0.01);
    assert_true(duplicates > 0); /* the specification allows an item twice */
    close_fixture(&fixture);
}

static void the_paper_drops_duplicates_and_never_rolls_back(void **state)
{
    struct fixture fixture;
    unsigned shorter = 0;
    (void)state;
    open_unloaded(&fixture, 1, PAIRS("mode", "paper", "mix", "100/0/0/0/0"));
    for (int i = 0; i < DRAWS; i++) {
        tpcc_workload_ops.next(fixture.self);
        const struct tpcc_new_order_request *request = &fixture.self->request->new_order;
        assert_false(request->rolls_back);
        assert_int_equal(request->remote_lines, 0); /* one warehouse */
        shorter += request->line_count < 5;
        for (uint32_t k = 0; k < request->line_count; k++) {
            for (uint32_t j = 0; j < k; j++)
                assert_true(request->stock_keys[j] != request->stock_keys[k]);
        }
    }
    assert_true(shorter > 0);
    close_fixture(&fixture);
}

static void payments_are_drawn_as_specified(void **state)
{
    struct fixture fixture;
    unsigned remote = 0, by_name = 0, cents = 0;
    (void)state;
    open_unloaded(&fixture, 1, PAIRS("warehouses", "10", "mix", "0/100/0/0/0"));
    for (int i = 0; i < DRAWS; i++) {
        tpcc_workload_ops.next(fixture.self);
        const struct tpcc_payment_request *request = &fixture.self->request->payment;
        assert_in_range(request->amount_cents, 100, 500000);
        assert_in_range(request->customer.d_id, 1, 10);
        assert_in_range(request->customer.w_id, 1, 10);
        assert_int_equal(request->h_c_w_id, request->customer.w_id);
        assert_int_equal(request->h_c_d_id, request->customer.d_id);
        if (request->customer.by_name)
            assert_in_range(request->customer.name, 0, 999);
        else
            assert_in_range(request->customer.id, 1, 3000);
        if (request->customer.w_id == request->w_id)
            assert_int_equal(request->customer.d_id, request->d_id);
        assert_int_equal(request->remote, request->customer.w_id != request->w_id);
        remote += request->customer.w_id != request->w_id;
        by_name += request->customer.by_name;
        cents += request->amount_cents % 100 != 0;
    }
    assert_share(remote, DRAWS, 0.15);
    assert_share(by_name, DRAWS, 0.60);
    assert_share(cents, DRAWS, 0.99);
    close_fixture(&fixture);
}

static void the_papers_remote_customers_are_on_paper_only(void **state)
{
    struct fixture fixture;
    unsigned remote = 0;
    (void)state;
    open_unloaded(&fixture, 1, PAIRS("mode", "paper", "warehouses", "4", "mix", "0/100/0/0/0"));
    for (int i = 0; i < DRAWS; i++) {
        tpcc_workload_ops.next(fixture.self);
        const struct tpcc_payment_request *request = &fixture.self->request->payment;
        assert_int_equal(request->customer.w_id, request->w_id);
        assert_int_equal(request->customer.d_id, request->d_id);
        assert_int_equal(request->amount_cents % 100, 0);
        assert_int_equal(fixture.self->now_us, TPCC_DATE_2013_US);
        remote += request->h_c_w_id != request->w_id;
    }
    assert_share(remote, DRAWS, 0.15);
    close_fixture(&fixture);
    open_unloaded(&fixture, 1, PAIRS("remote_payment", "off", "warehouses", "4", "mix", "0/100/0/0/0"));
    for (int i = 0; i < 1000; i++) {
        tpcc_workload_ops.next(fixture.self);
        const struct tpcc_payment_request *request = &fixture.self->request->payment;
        assert_true(request->h_c_w_id == request->w_id && request->customer.d_id == request->d_id);
    }
    close_fixture(&fixture);
}

static void with_one_warehouse_remote_is_another_district(void **state)
{
    struct fixture fixture;
    unsigned remote = 0;
    (void)state;
    open_unloaded(&fixture, 1, PAIRS("mix", "0/100/0/0/0"));
    for (int i = 0; i < DRAWS; i++) {
        tpcc_workload_ops.next(fixture.self);
        assert_int_equal(fixture.self->request->payment.customer.w_id, 1);
        remote += fixture.self->request->payment.customer.d_id != fixture.self->request->payment.d_id;
    }
    assert_share(remote, DRAWS, 0.15 * 0.9);
    close_fixture(&fixture);
}

static void the_other_requests_are_in_range(void **state)
{
    struct fixture fixture;
    unsigned carriers = 0, thresholds = 0;
    (void)state;
    open_unloaded(&fixture, 1, PAIRS("mix", "0/0/30/30/40"));
    for (int i = 0; i < 10000; i++) {
        switch (tpcc_workload_ops.next(fixture.self)) {
        case TPCC_order_status:
            assert_in_range(fixture.self->request->order_status.customer.d_id, 1, 10);
            break;
        case TPCC_delivery:
            assert_in_range(fixture.self->request->delivery.carrier_id, 1, 10);
            assert_int_equal(fixture.self->request->delivery.d_id_done, 0);
            assert_true(fixture.self->now_us > TPCC_DATE_2013_US); /* the clock's */
            carriers |= 1u << fixture.self->request->delivery.carrier_id;
            break;
        case TPCC_stock_level:
            assert_in_range(fixture.self->request->stock_level.threshold, 10, 20);
            thresholds |= 1u << fixture.self->request->stock_level.threshold;
            break;
        default:
            fail_msg("a transaction that is not in the mix");
        }
    }
    assert_int_equal(carriers, 0x7fe);
    assert_int_equal(thresholds, 0x1ffc00);
    close_fixture(&fixture);
}

/* The home warehouses that worker `worker_idx` of `workers` draws, as bits. */
static unsigned homes(const char *warehouses, unsigned workers, unsigned worker_idx, const char *policy)
{
    struct fixture fixture;
    struct workload_worker *self;
    unsigned seen = 0;
    open_unloaded(&fixture, workers, PAIRS("warehouses", warehouses, "home", policy));
    assert_int_equal(tpcc_workload_ops.worker_create(fixture.tpcc, fixture.worker, worker_idx, &self), TARGET_OK);
    for (int i = 0; i < 1000; i++) {
        if (tpcc_workload_ops.next(self) == TPCC_new_order)
            seen |= 1u << self->request->new_order.w_id;
    }
    tpcc_workload_ops.worker_destroy(self);
    close_fixture(&fixture);
    return seen;
}

static void a_worker_keeps_to_its_home_warehouses(void **state)
{
    (void)state;
    assert_int_equal(homes("5", 2, 0, "worker"), 1 << 1 | 1 << 3 | 1 << 5);
    assert_int_equal(homes("5", 2, 1, "worker"), 1 << 2 | 1 << 4);
    assert_int_equal(homes("4", 4, 3, "worker"), 1 << 4);
    assert_int_equal(homes("2", 5, 3, "worker"), 1 << 2);
    assert_int_equal(homes("2", 5, 4, "worker"), 1 << 1);
    assert_int_equal(homes("3", 2, 1, "random"), 1 << 1 | 1 << 2 | 1 << 3);
}

static void a_worker_that_was_not_announced_is_refused(void **state)
{
    struct fixture fixture;
    struct workload_worker *self;
    (void)state;
    open_unloaded(&fixture, 2, NULL);
    assert_int_equal(tpcc_workload_ops.worker_create(fixture.tpcc, fixture.worker, 2, &self), TARGET_INVALID);
    close_fixture(&fixture);
}

static void setup_tells_what_could_not_be_created(void **state)
{
    struct fixture fixture;
    (void)state;
    open_unloaded(&fixture, 1, NULL);
    assert_int_equal(tpcc_workload_ops.setup(fixture.tpcc, fixture.target, fixture.error, sizeof(fixture.error)),
                     TARGET_EXISTS);
    assert_string_equal(fixture.error,
                        "tpcc: table warehouse of 104-byte rows on target oracle: the key is already there");
    close_fixture(&fixture);
}

/* ---- Attempts and runs. ---- */

static void an_attempt_that_aborts_anywhere_leaves_nothing(void **state)
{
    struct fixture fixture;
    (void)state;
    open_loaded(&fixture, PAIRS("user_abort", "0"));
    for (unsigned type = 0; type < TPCC_TXN_COUNT; type++) {
        next_of(&fixture, (enum tpcc_txn)type);
        uint64_t rows, bytes, rows_now, bytes_now;
        unsigned failed = 0;
        tpcc_workload_ops.data_size(fixture.tpcc, &rows, &bytes);
        for (uint64_t n = 1;; n++, failed++) { /* ends: the attempt makes a finite number of calls */
            uint64_t before = oracle_calls(fixture.target);
            oracle_fail_at(fixture.target, n, TARGET_RETRY + 1);
            enum target_status status = tpcc_workload_ops.attempt(fixture.self);
            if (status == TARGET_OK) {
                assert_true(oracle_calls(fixture.target) < before + n);
                break;
            }
            assert_int_equal(status, TARGET_RETRY + 1);
            tpcc_workload_ops.data_size(fixture.tpcc, &rows_now, &bytes_now);
            assert_int_equal(rows, rows_now);
        }
        oracle_fail_at(fixture.target, 0, TARGET_OK);
        assert_true(failed >= 4);
        assert_consistent(&fixture, at_rest); /* it happened once */
    }
    close_fixture(&fixture);
}

static void a_memory_failure_is_handed_on(void **state)
{
    struct fixture fixture;
    (void)state;
    open_loaded(&fixture, NULL);
    next_of(&fixture, TPCC_payment);
    oracle_fail_at(fixture.target, 3, TARGET_NO_MEMORY);
    assert_int_equal(tpcc_workload_ops.attempt(fixture.self), TARGET_NO_MEMORY);
    assert_int_equal(tpcc_workload_ops.attempt(fixture.self), TARGET_OK);
    close_fixture(&fixture);
}

static void run_mode(const char *const *pairs, const char *left_out)
{
    enum { TXNS = 3000 };
    struct fixture fixture;
    uint64_t committed[TPCC_TXN_COUNT] = {0}, rows, bytes;
    unsigned operations = 0;
    open_loaded(&fixture, pairs);
    for (int i = 0; i < TXNS; i++) {
        unsigned type = tpcc_workload_ops.next(fixture.self);
        enum target_status status = tpcc_workload_ops.attempt(fixture.self);
        assert_true(status == TARGET_OK ||
                    (status == TARGET_ROLLED_BACK && fixture.self->request->new_order.rolls_back));
        operations += tpcc_workload_ops.operations(fixture.self);
        committed[type] += status == TARGET_OK;
        if (i == TXNS / 2)
            assert_consistent(&fixture, NULL);
    }
    assert_consistent(&fixture, committed);
    assert_int_equal(run_check(&fixture, committed), TARGET_OK);
    assert_string_equal(fixture.report, left_out);
    assert_true(operations > TXNS * 3);

    struct target_space row_space, index_space;
    tpcc_workload_ops.data_size(fixture.tpcc, &rows, &bytes);
    tpcc_workload_ops.space(fixture.tpcc, &row_space, &index_space);
    assert_int_equal(rows, row_space.rows);
    assert_true(bytes > row_space.payload_bytes);
    close_fixture(&fixture);
}

static void a_run_to_the_specification_is_consistent(void **state)
{
    (void)state;
    run_mode(PAIRS("mode", "spec", "warehouses", "2"), "");
    run_mode(PAIRS("mode", "spec", "user_abort", "0.5", "batch", "off", "snapshot_reads", "off", "items_first", "on"),
             "");
    run_mode(PAIRS("mode", "spec", "delivery_per_district", "on", "mix", "20/20/20/20/20"), "");
}

static void a_run_as_in_the_paper_names_condition_10(void **state)
{
    static const char left_out[] = "not checked in full: condition 10 (in sum over all customers only, as "
                                   "remote_payment=history names others than who was paid for)";
    (void)state;
    run_mode(PAIRS("mode", "paper", "warehouses", "2"), left_out);
    run_mode(PAIRS("mode", "paper", "remote_payment", "on"), "");
}

static void a_run_without_inserts_names_what_it_cannot_check(void **state)
{
    (void)state;
    run_mode(
        PAIRS("mode", "paper-np"),
        "not checked in full: condition 2 (against committed New-Orders only, as insert_orders=off keeps no orders); "
        "condition 3, 4, 5, 6, 7, 11 (insert_orders=off keeps no orders); "
        "condition 8, 10 (insert_history=off keeps no history); "
        "condition 9 (against committed Payments only, as insert_history=off keeps no history); "
        "condition 13 (in sum over all stocks only, as insert_orders=off keeps no orders)");
}

static void what_the_paper_breaks_would_be_caught(void **state)
{
    struct fixture fixture;
    (void)state;
    open_loaded(&fixture, PAIRS("mode", "paper"));
    for (int i = 0; i < 500; i++) {
        tpcc_workload_ops.next(fixture.self);
        assert_int_equal(tpcc_workload_ops.attempt(fixture.self), TARGET_OK);
    }
    fixture.tpcc->options.remote_payment = TPCC_REMOTE_ON; /* now condition 10 is asked for each customer */
    assert_int_equal(run_check(&fixture, at_rest), TARGET_CORRUPT);
    assert_non_null(
        strstr(fixture.report, "condition 10 (C_BALANCE = delivered OL_AMOUNT - sum of H_AMOUNT): customer "));
    fixture.tpcc->options.remote_payment = TPCC_REMOTE_HISTORY; /* and in sum a single cent shows */
    CHANGE(&fixture, CUSTOMER, tpcc_customer_key(1, 1, 1), tpcc_customer, row, row->account.balance_cents++,
           row->account.ytd_payment_cents--);
    assert_int_equal(run_check(&fixture, at_rest), TARGET_CORRUPT);
    assert_non_null(strstr(fixture.report, "all customers: C_BALANCE = "));
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mix_is_45_43_4_4_4),
        cmocka_unit_test(txn_types_are_named_in_the_order_of_next),
        cmocka_unit_test(new_orders_are_drawn_as_specified),
        cmocka_unit_test(the_paper_drops_duplicates_and_never_rolls_back),
        cmocka_unit_test(payments_are_drawn_as_specified),
        cmocka_unit_test(the_papers_remote_customers_are_on_paper_only),
        cmocka_unit_test(with_one_warehouse_remote_is_another_district),
        cmocka_unit_test(the_other_requests_are_in_range),
        cmocka_unit_test(a_worker_keeps_to_its_home_warehouses),
        cmocka_unit_test(a_worker_that_was_not_announced_is_refused),
        cmocka_unit_test(setup_tells_what_could_not_be_created),
        cmocka_unit_test(an_attempt_that_aborts_anywhere_leaves_nothing),
        cmocka_unit_test(a_memory_failure_is_handed_on),
        cmocka_unit_test(a_run_to_the_specification_is_consistent),
        cmocka_unit_test(a_run_as_in_the_paper_names_condition_10),
        cmocka_unit_test(a_run_without_inserts_names_what_it_cannot_check),
        cmocka_unit_test(what_the_paper_breaks_would_be_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
