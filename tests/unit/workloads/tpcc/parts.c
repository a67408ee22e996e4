/*
 * parts.c - split_rows=on stores the same columns in more rows (workloads/tpcc/parts.c): the same requests bring the
 * same answers and leave the same columns, and the check notices a part that is wrong or missing.
 */
#include "tests/unit/workloads/tpcc/fixture.h"

enum { REQUESTS = 400 };

/* The columns of the three tables, wherever they are. */

static void read_warehouse(struct fixture *fixture, uint64_t key, struct tpcc_warehouse *whole)
{
    if (!fixture->tpcc->options.split_rows) {
        GET(fixture, WAREHOUSE, key, whole);
        return;
    }
    GET(fixture, WAREHOUSE, key, &whole->info);
    GET(fixture, WAREHOUSE_YTD, key, &whole->ytd);
}

static void read_district(struct fixture *fixture, uint64_t key, struct tpcc_district *whole)
{
    if (!fixture->tpcc->options.split_rows) {
        GET(fixture, DISTRICT, key, whole);
        return;
    }
    GET(fixture, DISTRICT, key, &whole->info);
    GET(fixture, DISTRICT_YTD, key, &whole->ytd);
    GET(fixture, DISTRICT_NEXT, key, &whole->next);
}

static void read_customer(struct fixture *fixture, uint64_t key, struct tpcc_customer *whole)
{
    if (!fixture->tpcc->options.split_rows) {
        GET(fixture, CUSTOMER, key, whole);
        return;
    }
    GET(fixture, CUSTOMER, key, &whole->info);
    GET(fixture, CUSTOMER_ACCOUNT, key, &whole->account);
    GET(fixture, CUSTOMER_DATA, key, &whole->data);
}

static void assert_equal_columns(struct fixture *one, struct fixture *other, uint32_t warehouses)
{
    static struct tpcc_warehouse warehouse[2];
    static struct tpcc_district district[2];
    static struct tpcc_customer customer[2];
    for (uint64_t key = 0; key < warehouses; key++) {
        read_warehouse(one, key, &warehouse[0]);
        read_warehouse(other, key, &warehouse[1]);
        assert_memory_equal(&warehouse[0], &warehouse[1], sizeof warehouse[0]);
    }
    for (uint64_t key = 0; key < (uint64_t)warehouses * TPCC_DISTRICTS; key++) {
        read_district(one, key, &district[0]);
        read_district(other, key, &district[1]);
        assert_memory_equal(&district[0], &district[1], sizeof district[0]);
    }
    for (uint64_t key = 0; key < (uint64_t)warehouses * TPCC_DISTRICTS * TPCC_CUSTOMERS; key++) {
        read_customer(one, key, &customer[0]);
        read_customer(other, key, &customer[1]);
        assert_memory_equal(&customer[0], &customer[1], sizeof customer[0]);
    }
}

/* The same requests on both; where outputs=on, with the same answers. */
static void run_both(const char *const *whole, const char *const *split, uint32_t warehouses)
{
    struct fixture fixtures[2];
    open_loaded(&fixtures[0], whole);
    open_loaded(&fixtures[1], split);
    assert_equal_columns(&fixtures[0], &fixtures[1], warehouses);
    for (unsigned i = 0; i < REQUESTS; i++) {
        enum target_status status[2];
        for (unsigned k = 0; k < 2; k++) {
            tpcc_workload_ops.next(fixtures[k].self);
            fixtures[k].self->missing = 0;
            status[k] = tpcc_workload_ops.attempt(fixtures[k].self);
            assert_true(status[k] == TARGET_OK || status[k] == TARGET_ROLLED_BACK);
        }
        assert_int_equal(status[0], status[1]);
        const struct tpcc_output *one = &fixtures[0].self->output, *other = &fixtures[1].self->output;
        assert_int_equal(one->total_cents, other->total_cents);
        assert_int_equal(one->balance_cents, other->balance_cents);
        assert_int_equal(one->c_id, other->c_id);
        assert_int_equal(one->o_id, other->o_id);
        assert_int_equal(one->low_stock, other->low_stock);
    }
    assert_equal_columns(&fixtures[0], &fixtures[1], warehouses);
    for (unsigned k = 0; k < 2; k++) {
        assert_consistent(&fixtures[k], at_rest);
        close_fixture(&fixtures[k]);
    }
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void the_same_requests_do_the_same_to_the_specification(void **state)
{
    (void)state;
    run_both(PAIRS("warehouses", "2", "dates", "constant", "credit_bad_ratio", "0.5"),
             PAIRS("warehouses", "2", "dates", "constant", "credit_bad_ratio", "0.5", "split_rows", "on"), 2);
}

static void the_same_requests_do_the_same_as_in_the_paper(void **state)
{
    (void)state;
    run_both(PAIRS("mode", "paper"), PAIRS("mode", "paper", "split_rows", "on"), 1);
    run_both(PAIRS("mode", "paper-np"), PAIRS("mode", "paper-np", "split_rows", "on"), 1);
}

static void additions_at_commit_do_the_same(void **state)
{
    (void)state;
    run_both(PAIRS("mode", "paper"), PAIRS("mode", "paper", "split_rows", "on", "commit_updates", "on"), 1);
    run_both(PAIRS("mode", "paper-np"), PAIRS("mode", "paper-np", "commit_updates", "on"), 1);
    run_both(PAIRS("dates", "constant"), PAIRS("dates", "constant", "split_rows", "on", "commit_updates", "on"), 1);
}

static void assert_caught(struct fixture *fixture, const char *words)
{
    assert_int_equal(run_check(fixture, at_rest), TARGET_CORRUPT);
    if (!strstr(fixture->report, words))
        print_error("%s\n", fixture->report);
    assert_non_null(strstr(fixture->report, words));
}

static void erase(struct fixture *fixture, enum tpcc_index index, uint64_t key)
{
    struct target_txn *txn = begin(fixture, TARGET_READ_WRITE);
    assert_int_equal(fixture_ops->erase(txn, fixture->tpcc->indexes[index], &key), TARGET_OK);
    commit_seen(fixture, txn);
}

static void the_check_sees_each_part(void **state)
{
    struct fixture split;
    (void)state;
    open_loaded(&split, PAIRS("split_rows", "on"));
    CHANGE(&split, WAREHOUSE_YTD, tpcc_warehouse_key(1), tpcc_warehouse_ytd, row, row->cents++);
    assert_caught(&split, "warehouse 1: W_YTD = 300000.01, sum of D_YTD = 300000.00");
    CHANGE(&split, WAREHOUSE_YTD, tpcc_warehouse_key(1), tpcc_warehouse_ytd, row, row->cents--);
    CHANGE(&split, DISTRICT_YTD, tpcc_district_key(1, 3), tpcc_district_ytd, row, row->cents++);
    assert_caught(&split, "district (1,3): D_YTD = 30000.01, sum of H_AMOUNT = 30000.00");
    CHANGE(&split, DISTRICT_YTD, tpcc_district_key(1, 3), tpcc_district_ytd, row, row->cents--);
    CHANGE(&split, DISTRICT_NEXT, tpcc_district_key(1, 3), tpcc_district_next, row, row->o_id++);
    assert_caught(&split, "district (1,3): D_NEXT_O_ID - 1 = 3001, max(O_ID) = 3000");
    CHANGE(&split, DISTRICT_NEXT, tpcc_district_key(1, 3), tpcc_district_next, row, row->o_id--);
    CHANGE(&split, CUSTOMER_ACCOUNT, tpcc_customer_key(1, 2, 3), tpcc_customer_account, row, row->balance_cents++);
    assert_caught(&split, "customer (1,2,3): C_BALANCE = -9.99");
    CHANGE(&split, CUSTOMER_ACCOUNT, tpcc_customer_key(1, 2, 3), tpcc_customer_account, row, row->balance_cents--);
    assert_consistent(&split, at_rest);
    erase(&split, TPCC_INDEX_CUSTOMER_DATA, tpcc_customer_key(1, 2, 3));
    assert_caught(&split, "customer (1,2,3): no such row in CUSTOMER_ACCOUNT or CUSTOMER_DATA");
    erase(&split, TPCC_INDEX_DISTRICT_NEXT, tpcc_district_key(1, 3));
    assert_caught(&split, "district (1,3): no such row in DISTRICT, or in one of its parts");
    erase(&split, TPCC_INDEX_WAREHOUSE_YTD, tpcc_warehouse_key(1));
    assert_caught(&split, "warehouse 1: no such row in WAREHOUSE, or in one of its parts");
    close_fixture(&split);
}

static void sizes_count_the_parts(void **state)
{
    struct fixture split;
    uint64_t rows, bytes, target_rows = 0;
    struct target_space row_space, index_space;
    (void)state;
    open_loaded(&split, PAIRS("split_rows", "on", "mode", "paper-np"));
    tpcc_workload_ops.data_size(split.tpcc, &rows, &bytes);
    tpcc_workload_ops.space(split.tpcc, &row_space, &index_space);
    for (unsigned i = 0; i < TPCC_TABLE_COUNT; i++)
        target_rows += table_rows(&split, (enum tpcc_table)i);
    assert_int_equal(rows, target_rows);
    assert_int_equal(row_space.rows, target_rows);
    assert_int_equal(bytes, row_space.payload_bytes + 8 * (target_rows + 30000)); /* CUSTOMER has two indexes */
    close_fixture(&split);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_requests_do_the_same_to_the_specification),
        cmocka_unit_test(the_same_requests_do_the_same_as_in_the_paper),
        cmocka_unit_test(additions_at_commit_do_the_same),
        cmocka_unit_test(the_check_sees_each_part),
        cmocka_unit_test(sizes_count_the_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
