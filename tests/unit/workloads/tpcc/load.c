/* load.c - counts and checks what TPC-C 4.3.3.1 says of the loaded database (workloads/tpcc/load.c). */
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

static void table_sizes_are_the_specifications(void **state)
{
    (void)state;
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_WAREHOUSE), 1);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_DISTRICT), 10);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_CUSTOMER), 30000);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_HISTORY), 30000);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_NEW_ORDER), 9000);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_ORDER), 30000);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_ITEM), 100000);
    assert_int_equal(table_rows(&loaded, TPCC_TABLE_STOCK), 100000);
    assert_in_range(table_rows(&loaded, TPCC_TABLE_ORDER_LINE), 297000, 303000); /* 300000 on average */
}

static void the_load_is_consistent(void **state)
{
    (void)state;
    assert_consistent(&loaded, at_rest);
    assert_string_equal(loaded.report, ""); /* all twelve applied */
}

static void data_size_agrees_with_the_target(void **state)
{
    uint64_t rows, bytes, target_rows = 0, target_bytes = 0;
    struct target_space row_space, index_space;
    (void)state;
    tpcc_workload_ops.data_size(loaded.tpcc, &rows, &bytes);
    tpcc_workload_ops.space(loaded.tpcc, &row_space, &index_space);
    for (unsigned i = 0; i < TPCC_TABLE_SPLIT_FIRST; i++)
        target_rows += table_rows(&loaded, (enum tpcc_table)i);
    assert_int_equal(rows, target_rows);
    assert_int_equal(row_space.rows, target_rows);
    target_bytes = row_space.payload_bytes;
    /* 8 bytes a key; CUSTOMER has two indexes, one of 24 bytes; ORDER two; HISTORY none. */
    target_bytes += 8 * (target_rows - 30000) + 24 * 30000 + 8 * 30000;
    assert_int_equal(bytes, target_bytes);
    assert_int_equal(index_space.rows, 0); /* the oracle has no such statistic */
}

static void warehouse_and_districts_are_as_specified(void **state)
{
    struct tpcc_warehouse warehouse;
    (void)state;
    GET(&loaded, WAREHOUSE, tpcc_warehouse_key(1), &warehouse);
    assert_int_equal(warehouse.info.id, 1);
    assert_int_equal(warehouse.ytd.cents, 30000000);
    assert_in_range(warehouse.info.tax_e4, 0, 2000);
    assert_in_range(strnlen(warehouse.info.name, 10), 6, 10);
    assert_memory_equal(warehouse.info.zip + 4, "11111", 5);
    for (uint32_t d = 1; d <= 10; d++) {
        struct tpcc_district district;
        GET(&loaded, DISTRICT, tpcc_district_key(1, d), &district);
        assert_int_equal(district.info.id, d);
        assert_int_equal(district.ytd.cents, 3000000);
        assert_int_equal(district.next.o_id, 3001);
        assert_in_range(strnlen(district.info.street_1, 20), 10, 20);
    }
}

static void customers_are_as_specified(void **state)
{
    unsigned bad = 0, names[1000] = {0};
    (void)state;
    for (uint32_t c = 1; c <= 3000; c++) {
        struct tpcc_customer customer;
        GET(&loaded, CUSTOMER, tpcc_customer_key(1, 4, c), &customer);
        assert_int_equal(customer.info.id, c);
        assert_int_equal(customer.info.d_id, 4);
        assert_int_equal(customer.account.balance_cents, -1000);
        assert_int_equal(customer.account.ytd_payment_cents, 1000);
        assert_int_equal(customer.account.payment_cnt, 1);
        assert_int_equal(customer.account.delivery_cnt, 0);
        assert_int_equal(customer.info.credit_lim_cents, 5000000);
        assert_in_range(customer.info.discount_e4, 0, 5000);
        assert_in_range(strnlen(customer.info.first, 16), 8, 16);
        assert_in_range(strnlen(customer.data.text, 500), 300, 500);
        assert_memory_equal(customer.info.middle, "OE", 2);
        bad += !memcmp(customer.info.credit, "BC", 2);
        assert_true(!memcmp(customer.info.credit, "BC", 2) || !memcmp(customer.info.credit, "GC", 2));
        char last[16];
        if (c <= 1000) {
            tpcc_last_name(c - 1, last);
            assert_memory_equal(customer.info.last, last, 16);
        }
        for (uint32_t name = 0; c > 1000 && name < 1000; name++) {
            tpcc_last_name(name, last);
            if (!memcmp(customer.info.last, last, 16))
                names[name]++;
        }
    }
    assert_in_range(bad, 190, 410); /* 300 +- 6 standard deviations */
    unsigned most = 0, sum = 0;
    for (unsigned name = 0; name < 1000; name++) {
        most = names[name] > most ? names[name] : most;
        sum += names[name];
    }
    assert_int_equal(sum, 2000);
    assert_true(most >= 8); /* non-uniform: uniform would give 2 on average */
}

struct name_scan {
    struct fixture *fixture;
    struct target_txn *txn;
    uint64_t entries;
    char before[24];
};

static bool check_name_entry(void *arg, const void *key, uint64_t ref)
{
    struct name_scan *scan = arg;
    const void *row;
    size_t bytes;
    assert_int_equal(
        oracle_target_ops.row_read(scan->txn, scan->fixture->tpcc->tables[TPCC_TABLE_CUSTOMER], ref, &row, &bytes),
        TARGET_OK);
    const struct tpcc_customer *customer = row;
    struct tpcc_name_key entry;
    memcpy(&entry, key, sizeof(entry));
    char last[16];
    tpcc_last_name((uint32_t)(be64toh(entry.name_be) % TPCC_NAMES), last);
    assert_memory_equal(customer->info.last, last, 16);
    assert_memory_equal(customer->info.first, entry.first, 16);
    assert_true(memcmp(scan->before, key, 24) <= 0);
    memcpy(scan->before, key, 24);
    scan->entries++;
    return true;
}

static void the_name_index_has_every_customer_sorted_by_first_name(void **state)
{
    struct name_scan scan = {.fixture = &loaded};
    (void)state;
    scan.txn = begin(&loaded, TARGET_SNAPSHOT);
    assert_int_equal(oracle_target_ops.scan(scan.txn, loaded.tpcc->indexes[TPCC_INDEX_CUSTOMER_NAME], NULL, NULL, 0, 0,
                                            check_name_entry, &scan),
                     TARGET_OK);
    commit(scan.txn);
    assert_int_equal(scan.entries, 30000);
}

static void orders_are_as_specified(void **state)
{
    static uint8_t seen[3001];
    unsigned sum = 0;
    (void)state;
    for (uint32_t o = 1; o <= 3000; o++) {
        struct tpcc_order order;
        struct tpcc_new_order_row new_order;
        GET(&loaded, ORDER, tpcc_order_key(1, 7, o), &order);
        assert_int_equal(order.id, o);
        assert_int_equal(seen[order.c_id]++, 0); /* a permutation: each customer has one order */
        assert_in_range(order.ol_cnt, 5, 15);
        assert_int_equal(order.all_local, 1);
        sum += order.ol_cnt;
        if (o <= 2100) {
            assert_in_range(order.carrier_id, 1, 10);
            GONE(&loaded, NEW_ORDER, tpcc_order_key(1, 7, o), &new_order);
        } else {
            assert_int_equal(order.carrier_id, TPCC_CARRIER_NULL);
            GET(&loaded, NEW_ORDER, tpcc_order_key(1, 7, o), &new_order);
            assert_int_equal(new_order.o_id, o);
        }
        for (uint32_t number = 1; number <= 15; number++) {
            struct tpcc_order_line line;
            uint64_t key = tpcc_order_line_key(1, 7, o, number);
            if (number > order.ol_cnt) {
                GONE(&loaded, ORDER_LINE, key, &line);
                continue;
            }
            GET(&loaded, ORDER_LINE, key, &line);
            assert_int_equal(line.number, number);
            assert_int_equal(line.quantity, 5);
            assert_int_equal(line.supply_w_id, 1);
            assert_in_range(line.i_id, 1, 100000);
            if (o <= 2100) {
                assert_int_equal(line.amount_cents, 0);
                assert_int_equal(line.delivery_us, order.entry_us);
            } else {
                assert_in_range(line.amount_cents, 1, 999999);
                assert_int_equal(line.delivery_us, TPCC_DATE_NULL);
            }
        }
    }
    assert_in_range(sum, 29000, 31000);
}

static void items_and_stocks_are_as_specified(void **state)
{
    unsigned originals = 0;
    (void)state;
    for (uint32_t i = 1; i <= 100000; i += 7) {
        struct tpcc_item item;
        struct tpcc_stock stock;
        GET(&loaded, ITEM, tpcc_item_key(i), &item);
        GET(&loaded, STOCK, tpcc_stock_key(1, i), &stock);
        assert_int_equal(item.id, i);
        assert_in_range(item.im_id, 1, 10000);
        assert_in_range(item.price_cents, 100, 10000);
        assert_in_range(strnlen(item.name, 24), 14, 24);
        originals += tpcc_is_original(item.data) != 0;
        assert_int_equal(stock.i_id, i);
        assert_in_range(stock.quantity, 10, 100);
        assert_int_equal(strnlen(stock.dist[9], 24), 24);
        assert_true(stock.ytd == 0 && stock.order_cnt == 0 && stock.remote_cnt == 0);
    }
    assert_in_range(originals, 1200, 1660); /* 1429 +- 6 standard deviations */
}

/* ---- The same contents however the work is dealt out. ---- */

struct digest {
    enum tpcc_table table;
    uint64_t sum;
};

/* Order-independent; dates are constant in the instances compared. */
static bool add_row(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    struct digest *digest = arg;
    uint64_t hash = digest->table;
    (void)ref;
    for (size_t i = 0; i < bytes; i++) {
        if (digest->table == TPCC_TABLE_ORDER_LINE && i >= 55) /* padding */
            break;
        hash = rng_mix(hash ^ ((const uint8_t *)data)[i]) + i;
    }
    digest->sum += hash;
    return true;
}

static uint64_t contents(struct fixture *fixture)
{
    static const enum tpcc_table tables[] = {TPCC_TABLE_WAREHOUSE, TPCC_TABLE_DISTRICT, TPCC_TABLE_CUSTOMER,
                                             TPCC_TABLE_HISTORY,   TPCC_TABLE_ORDER,    TPCC_TABLE_ORDER_LINE};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        struct digest digest = {.table = tables[i]};
        struct target_txn *txn = begin(fixture, TARGET_SNAPSHOT);
        assert_int_equal(oracle_target_ops.table_scan(txn, fixture->tpcc->tables[tables[i]], add_row, &digest),
                         TARGET_OK);
        commit(txn);
        sum += digest.sum;
    }
    return sum;
}

static void contents_do_not_depend_on_parts_nor_on_retries(void **state)
{
    static const char *const pairs[] = {"mode", "paper", NULL};
    struct fixture one, three;
    (void)state;
    open_unloaded(&one, 1, pairs);
    open_unloaded(&three, 3, pairs);
    load_part(&one, 0, 1);
    for (uint64_t i = 1; i < 3; i++) { /* a part begins, meets a conflict, and goes on */
        oracle_fail_at(three.target, 100 * i, TARGET_RETRY + 7);
        load_part(&three, (unsigned)i, 3);
    }
    load_part(&three, 0, 3);
    assert_true(contents(&one) == contents(&three));
    assert_consistent(&three, at_rest);
    close_fixture(&one);
    close_fixture(&three);
}

static void warehouses_are_loaded_by_the_worker_at_home_there(void **state)
{
    struct fixture fixture;
    struct tpcc_district district;
    (void)state;
    open_unloaded(&fixture, 2, (const char *const[]){"warehouses", "2", "home", "worker", NULL});
    load_part(&fixture, 1, 2);
    GET(&fixture, DISTRICT, tpcc_district_key(2, 10), &district);
    GONE(&fixture, DISTRICT, tpcc_district_key(1, 10), &district);
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_ITEM), 0);
    load_part(&fixture, 0, 2);
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_ITEM), 100000);
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_STOCK), 200000);
    assert_consistent(&fixture, at_rest);
    close_fixture(&fixture);
}

static void a_stopped_load_ends_early(void **state)
{
    struct fixture fixture;
    struct workload_progress progress = {0};
    const _Atomic bool stop = true;
    (void)state;
    open_unloaded(&fixture, 1, NULL);
    assert_int_equal(tpcc_workload_ops.load(fixture.tpcc, fixture.worker, 0, 1, &progress, &stop), TARGET_OK);
    assert_int_equal(progress.done, 0);
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_ITEM), 0);
    close_fixture(&fixture);
}

static void a_load_without_memory_says_so(void **state)
{
    struct fixture fixture;
    struct workload_progress progress = {0};
    const _Atomic bool stop = false;
    (void)state;
    open_unloaded(&fixture, 1, NULL);
    oracle_fail_at(fixture.target, 5000, TARGET_NO_MEMORY);
    assert_int_equal(tpcc_workload_ops.load(fixture.tpcc, fixture.worker, 0, 1, &progress, &stop), TARGET_NO_MEMORY);
    assert_true(progress.done > 0 && progress.done < progress.total);
    close_fixture(&fixture);
}

static void without_inserts_the_tables_stay_empty(void **state)
{
    struct fixture fixture;
    (void)state;
    open_loaded(&fixture, (const char *const[]){"mode", "paper-np", NULL});
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_CUSTOMER), 30000);
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_HISTORY), 0);
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_ORDER), 0);
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_NEW_ORDER), 0);
    assert_int_equal(table_rows(&fixture, TPCC_TABLE_ORDER_LINE), 0);
    uint64_t rows, bytes;
    tpcc_workload_ops.data_size(fixture.tpcc, &rows, &bytes);
    assert_int_equal(rows, 1 + 10 + 30000 + 100000 + 100000);
    close_fixture(&fixture);
}

/* The authors' hash index of last names gives the customers of a name in the order in which they were loaded. */
static void the_hash_index_leads_to_the_same_customers(void **state)
{
    static const char *const kinds[] = {"ordered", "hash"};
    struct fixture fixtures[2];
    uint32_t several = 0;
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        open_loaded(&fixtures[i], (const char *[]){"mode", "paper-np", "lastname_index", kinds[i], NULL});
    for (uint32_t name = 0; name < TPCC_NAMES; name++) {
        uint32_t ids[2], matches[2];
        for (unsigned i = 0; i < 2; i++) {
            const struct tpcc_customer_choice choice = {
                .w_id = 1, .d_id = name % 10 + 1, .by_name = true, .name = name};
            struct target_txn *txn = begin(&fixtures[i], TARGET_READ_WRITE);
            const void *row;
            uint64_t ref;
            fixtures[i].self->operations = 0;
            assert_int_equal(tpcc_find_by_name(fixtures[i].self, txn, &choice, &ref), TARGET_OK);
            matches[i] = fixtures[i].self->operations;
            assert_int_equal(tpcc_row_read(fixtures[i].self, txn, TPCC_TABLE_CUSTOMER, ref, &row), TARGET_OK);
            ids[i] = ((const struct tpcc_customer *)row)->info.id;
            commit(txn);
        }
        assert_int_equal(ids[0], ids[1]);
        assert_int_equal(matches[0], matches[1]);
        several += matches[0] > 1;
    }
    assert_true(several > 100);
    for (unsigned i = 0; i < 2; i++)
        close_fixture(&fixtures[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_sizes_are_the_specifications),
        cmocka_unit_test(the_load_is_consistent),
        cmocka_unit_test(data_size_agrees_with_the_target),
        cmocka_unit_test(warehouse_and_districts_are_as_specified),
        cmocka_unit_test(customers_are_as_specified),
        cmocka_unit_test(the_name_index_has_every_customer_sorted_by_first_name),
        cmocka_unit_test(orders_are_as_specified),
        cmocka_unit_test(items_and_stocks_are_as_specified),
        cmocka_unit_test(contents_do_not_depend_on_parts_nor_on_retries),
        cmocka_unit_test(warehouses_are_loaded_by_the_worker_at_home_there),
        cmocka_unit_test(a_stopped_load_ends_early),
        cmocka_unit_test(the_hash_index_leads_to_the_same_customers),
        cmocka_unit_test(a_load_without_memory_says_so),
        cmocka_unit_test(without_inserts_the_tables_stay_empty),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
