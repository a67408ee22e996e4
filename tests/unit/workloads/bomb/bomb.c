/*
 * bomb.c - tests of BoMB: what products cost, what each transaction does, and that the check and the transactions find
 * what a broken database could do. That it runs and proves itself: tests/unit/workloads/micro/micro.c.
 */
#include "workloads/bomb/bomb.h"

#include "tests/unit/workloads/drive.h"
#include "workloads/bomb/instance.h"

enum { FACTORIES = 2, TARGETS = 5 };

/* Two workers; long_ratio and mix choose what they do. */
static void open_bakery(struct drive *drive, const char *long_ratio, const char *mix)
{
    drive_open(drive, &oracle_target_ops, &bomb_workload_ops, 2, drive_seed(),
               (const char *[]){"factories",
                                "2",
                                "product_types",
                                "20",
                                "material_types",
                                "12",
                                "raw_material_types",
                                "15",
                                "material_trees_per_product",
                                "3",
                                "material_tree_size",
                                "6",
                                "target_products",
                                "5",
                                "long_workers",
                                "0",
                                "long_ratio",
                                long_ratio,
                                "mix",
                                mix,
                                NULL});
}

static struct drive_row open_row(struct drive *drive, unsigned table, uint64_t key)
{
    return drive_row_open(drive, drive->workload->micro.indexes[table], key, 0);
}

static uint64_t number_at(struct drive *drive, unsigned table, uint64_t key, size_t offset)
{
    uint64_t number;
    struct drive_row row = open_row(drive, table, key);
    memcpy(&number, row.data + offset, sizeof number);
    drive_row_close(drive, row);
    return number;
}

static void add_to(struct drive *drive, unsigned table, uint64_t key, size_t offset, uint64_t amount)
{
    uint64_t number;
    struct drive_row row = open_row(drive, table, key);
    memcpy(&number, row.data + offset, sizeof number);
    number += amount;
    memcpy(row.data + offset, &number, sizeof number);
    drive_row_close(drive, row);
}

static void insert_row(struct drive *drive, unsigned table, const void *row, size_t bytes)
{
    struct target_txn *txn;
    void *data;
    assert_int_equal(drive->ops->begin(drive->worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    assert_int_equal(drive->ops->insert(txn, drive->workload->micro.indexes[table], row, bytes, NULL, &data),
                     TARGET_OK);
    memcpy(data, row, bytes);
    assert_int_equal(drive->ops->commit(txn), TARGET_OK);
}

static void erase_row(struct drive *drive, unsigned table, uint64_t key)
{
    drive_erase(drive, drive->workload->micro.indexes[table], key);
}

static uint64_t first_key(struct drive *drive, uint64_t factory, uint64_t i)
{
    return bomb_key(factory, bomb_product_item(bomb_first_product(drive->workload, factory, i)));
}

static struct bomb_tally tally_of(struct drive *drive)
{
    struct bomb_tally sum = {0};
    for (unsigned i = 0; i < 2; i++) {
        const struct bomb_tally *tally = micro_tally(drive->workload, i);
        sum.longs += tally->longs;
        sum.products += tally->products;
        sum.vouchers += tally->vouchers;
        bomb_prints_add(&sum.prints, &tally->prints);
    }
    return sum;
}

/* ---- Trees and costs. ---- */

static uint64_t node_cost(const struct workload *workload, uint64_t factory, uint64_t tree, unsigned node)
{
    uint64_t links[BOMB_LINKS_MAX], quantities[BOMB_LINKS_MAX], cost = 0;
    unsigned count = bomb_node_links(workload, tree, node, links, quantities);
    for (unsigned i = 0; i < count; i++) {
        uint64_t part = (uint32_t)links[i];
        if (part >= BOMB_NODE_FIRST) {
            cost += quantities[i] *
                    node_cost(workload, factory, tree, (unsigned)(part - bomb_node_item(workload, tree, 0)));
            continue;
        }
        struct bomb_material_cost material;
        bomb_fill_material_cost(workload, bomb_key(factory, part), &material);
        cost += quantities[i] * (material.amount / material.quantity);
    }
    return cost;
}

static void products_cost_what_they_are_made_of(void **state)
{
    struct drive drive;
    (void)state;
    open_bakery(&drive, "1", "100/0/0/0/0");
    drive_run(&drive, 20); /* each factory once at least */
    for (uint64_t factory = 0; factory < FACTORIES; factory++)
        for (uint64_t i = 0; i < TARGETS; i++) {
            uint64_t links[BOMB_LINKS_MAX], quantities[BOMB_LINKS_MAX], cost = 0;
            unsigned count =
                bomb_product_links(drive.workload, bomb_first_product(drive.workload, factory, i), links, quantities);
            assert_int_equal(count, 3);
            for (unsigned k = 0; k < count; k++) {
                uint64_t root = (uint32_t)links[k];
                uint64_t tree = (root - BOMB_NODE_FIRST) / drive.workload->options.material_tree_size;
                assert_int_equal(root, bomb_node_item(drive.workload, tree, 0));
                cost += quantities[k] * node_cost(drive.workload, factory, tree, 0);
            }
            uint64_t key = first_key(&drive, factory, i);
            if (number_at(&drive, BOMB_RESULT_COST, key, offsetof(struct bomb_result_cost, stamp)) == 0)
                continue; /* this factory was not drawn */
            assert_int_equal(number_at(&drive, BOMB_RESULT_COST, key, offsetof(struct bomb_result_cost, cost)), cost);
        }
    assert_int_equal(tally_of(&drive).longs, 20);
    drive_expect_sound(&drive);
    drive_close(&drive);
}

/* Every node but the root is below one other, and leaves are those with raw materials. */
static void trees_are_whole(void **state)
{
    struct drive drive;
    (void)state;
    open_bakery(&drive, "0", "100/0/0/0/0");
    for (uint64_t tree = 0; tree < 12; tree++) {
        uint64_t links[BOMB_LINKS_MAX], quantities[BOMB_LINKS_MAX], leaves = 0, children = 0;
        for (unsigned node = 0; node < 6; node++) {
            unsigned count = bomb_node_links(drive.workload, tree, node, links, quantities);
            bool leaf = (uint32_t)links[0] < BOMB_NODE_FIRST;
            leaves |= (uint64_t)leaf << node;
            assert_true(!leaf || count == 3);
            for (unsigned i = 0; i < count && !leaf; i++)
                children |= (uint64_t)1 << ((uint32_t)links[i] - bomb_node_item(drive.workload, tree, 0));
        }
        assert_int_equal(children, 0x3e);
        assert_int_equal(leaves, bomb_leaves(drive.workload, tree));
    }
    drive_close(&drive);
}

/* ---- Transactions, each type by itself. ---- */

static void each_transaction_does_its_part(void **state)
{
    static const struct {
        const char *mix;
        bool links, products, results, materials;
        unsigned new_products, vouchers; /* by 50 transactions */
    } cases[] = {
        {"100/0/0/0/0", false, false, false, true, 0, 0}, {"0/100/0/0/0", false, false, false, false, 0, 50 * TARGETS},
        {"0/0/100/0/0", true, true, true, false, 50, 0},  {"0/0/0/100/0", true, false, false, false, 0, 0},
        {"0/0/0/0/100", false, true, false, false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct drive drive;
        uint64_t before, after, bytes;
        open_bakery(&drive, "0", cases[i].mix);
        drive.workload_ops->data_size(drive.workload, &before, &bytes);
        drive_run(&drive, 50);
        drive.workload_ops->data_size(drive.workload, &after, &bytes);
        struct bomb_tally tally = tally_of(&drive);
        assert_int_equal(tally.products, cases[i].new_products);
        assert_int_equal(tally.vouchers, cases[i].vouchers);
        assert_int_equal(tally.prints.links != 0, cases[i].links);
        assert_int_equal(tally.prints.products != 0, cases[i].products);
        assert_int_equal(tally.prints.results != 0, cases[i].results);
        assert_int_equal(tally.prints.materials != 0, cases[i].materials);
        assert_int_equal(after - before, tally.products * 4 + tally.vouchers); /* an item and three links */
        drive_expect_sound(&drive);
        drive_close(&drive);
    }
}

/* long_workers sets workers apart if there are others; a worker alone draws from all types. */
static void long_transactions_are_set_apart(void **state)
{
    struct drive drive;
    const char *pairs[] = {"target_products", "3", "product_types", "20", "material_types", "12", NULL};
    (void)state;
    drive_open(&drive, &oracle_target_ops, &bomb_workload_ops, 3, drive_seed(), pairs);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(drive.workload_ops->next(drive.states[0]), BOMB_update_product_cost);
        assert_int_not_equal(drive.workload_ops->next(drive.states[1]), BOMB_update_product_cost);
        assert_int_not_equal(drive.workload_ops->next(drive.states[2]), BOMB_update_product_cost);
    }
    drive_close(&drive);
    drive_open(&drive, &oracle_target_ops, &bomb_workload_ops, 1, drive_seed(), pairs);
    unsigned longs = 0;
    for (int i = 0; i < 100000; i++)
        longs += drive.workload_ops->next(drive.states[0]) == BOMB_update_product_cost;
    assert_in_range(longs, 50, 160); /* 100 expected */
    drive_close(&drive);
}

/* ---- The check. ---- */

static void the_check_finds_lost_and_doubled_changes(void **state)
{
    static const struct {
        unsigned table;
        size_t offset;
        const char *text;
    } cases[] = {
        {BOMB_PRODUCT, offsetof(struct bomb_product, updates), "rows of PRODUCT and their updates"},
        {BOMB_RESULT_COST, offsetof(struct bomb_result_cost, updates), "rows of RESULT_COST and their updates"},
        {BOMB_MATERIAL_COST, offsetof(struct bomb_material_cost, amount), "amounts of MATERIAL_COST"},
    };
    struct drive drive;
    (void)state;
    open_bakery(&drive, "0.1", "40/20/0/20/20"); /* the products stay the first ones */
    drive_run(&drive, 300);
    drive_expect_sound(&drive);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool material = cases[i].table == BOMB_MATERIAL_COST;
        uint64_t key = material ? bomb_key(1, bomb_raw_item(3)) : first_key(&drive, 1, 3);
        uint64_t other = material ? bomb_key(1, bomb_raw_item(4)) : first_key(&drive, 1, 4);
        add_to(&drive, cases[i].table, key, cases[i].offset, 1);
        drive_expect_corrupt(&drive, (const char *[]){cases[i].text, "missing, doubled", NULL});
        add_to(&drive, cases[i].table, other, cases[i].offset, (uint64_t)-1); /* the sum is right */
        drive_expect_corrupt(&drive, (const char *[]){cases[i].text, NULL});
        add_to(&drive, cases[i].table, key, cases[i].offset, (uint64_t)-1);
        add_to(&drive, cases[i].table, other, cases[i].offset, 1);
        drive_expect_sound(&drive);
    }
    add_to(&drive, BOMB_MATERIAL_COST, bomb_key(0, bomb_raw_item(0)), offsetof(struct bomb_material_cost, quantity), 1);
    drive_expect_corrupt(&drive, (const char *[]){"quantity of material cost 0/1073741824", NULL});
    drive_close(&drive);
}

static void the_check_finds_missing_rows_and_phantoms(void **state)
{
    struct drive drive;
    uint64_t links[BOMB_LINKS_MAX], quantities[BOMB_LINKS_MAX];
    (void)state;
    open_bakery(&drive, "0", "0/100/0/0/0");
    drive_run(&drive, 20);
    drive_expect_sound(&drive);

    struct bomb_product product = {.key = bomb_key(1, bomb_product_item(50))};
    insert_row(&drive, BOMB_PRODUCT, &product, sizeof product);
    drive_expect_corrupt(&drive, (const char *[]){"products of factory 1/0: 6, expected 5", NULL});
    erase_row(&drive, BOMB_PRODUCT, first_key(&drive, 1, 0)); /* the number is right */
    drive_expect_corrupt(&drive, (const char *[]){"rows of PRODUCT", NULL});
    product.key = first_key(&drive, 1, 0);
    erase_row(&drive, BOMB_PRODUCT, bomb_key(1, bomb_product_item(50)));
    insert_row(&drive, BOMB_PRODUCT, &product, sizeof product);
    drive_expect_sound(&drive);

    uint64_t leaves = bomb_leaves(drive.workload, 7);
    unsigned leaf = (unsigned)__builtin_ctzll(leaves);
    assert_int_equal(bomb_node_links(drive.workload, 7, leaf, links, quantities), 3);
    struct bomb_link link = {links[1], quantities[1]};
    erase_row(&drive, BOMB_BOM, link.key);
    drive_expect_corrupt(&drive, (const char *[]){"parts of item", ": 2, expected 3", NULL});
    struct bomb_link other = {.key = links[1]};
    do
        other.key = bomb_key(links[1] >> 32, bomb_raw_item(((uint32_t)other.key - BOMB_RAW_FIRST + 1) % 15));
    while (other.key == links[0] || other.key == links[2]);
    other.quantity = bomb_quantity(drive.workload, other.key);
    insert_row(&drive, BOMB_BOM, &other, sizeof other); /* the number is right */
    drive_expect_corrupt(&drive, (const char *[]){"rows of BOM", NULL});
    erase_row(&drive, BOMB_BOM, other.key);
    insert_row(&drive, BOMB_BOM, &link, sizeof link);
    drive_expect_sound(&drive);

    uint64_t count = ((const struct bomb_tally *)micro_tally(drive.workload, 1))->vouchers;
    struct bomb_voucher voucher = {.key = (uint64_t)1 << 40 | count};
    insert_row(&drive, BOMB_VOUCHER, &voucher, sizeof voucher);
    drive_expect_corrupt(&drive, (const char *[]){"voucher that was never committed", NULL});
    erase_row(&drive, BOMB_VOUCHER, voucher.key);
    add_to(&drive, BOMB_VOUCHER, voucher.key - 1, offsetof(struct bomb_voucher, amount), 1);
    drive_expect_corrupt(&drive, (const char *[]){"amounts of JOURNAL_VOUCHER", NULL});
    add_to(&drive, BOMB_VOUCHER, voucher.key - 1, offsetof(struct bomb_voucher, amount), (uint64_t)-1);
    erase_row(&drive, BOMB_VOUCHER, voucher.key - 1);
    drive_expect_corrupt(&drive, (const char *[]){"voucher 1/", "no row", NULL});
    add_to(&drive, BOMB_ITEM, bomb_raw_item(2), offsetof(struct bomb_item, type), 1);
    drive_expect_corrupt(&drive, (const char *[]){"item 0/1073741826: not as any transaction wrote it", NULL});
    drive_close(&drive);
}

/* M3 */
static void costs_of_two_transactions_are_found(void **state)
{
    struct drive drive;
    (void)state;
    open_bakery(&drive, "0", "0/100/0/0/0");
    for (unsigned worker = 0; worker < 2; worker++)
        ((struct bomb_tally *)micro_tally(drive.workload, worker))->longs = 3;
    const size_t stamp = offsetof(struct bomb_result_cost, stamp);
    for (uint64_t factory = 0; factory < FACTORIES; factory++) {
        add_to(&drive, BOMB_RESULT_COST, first_key(&drive, factory, 1), stamp, bomb_key(1, 3));
        drive_expect_sound(&drive); /* the others are of new products */
        add_to(&drive, BOMB_RESULT_COST, first_key(&drive, factory, 4), stamp, bomb_key(2, 3));
        drive_expect_corrupt(&drive, (const char *[]){"of another transaction than its factory's others", NULL});
        add_to(&drive, BOMB_RESULT_COST, first_key(&drive, factory, 4), stamp, 1);
        drive_expect_corrupt(&drive, (const char *[]){"of no committed transaction", NULL});
        add_to(&drive, BOMB_RESULT_COST, first_key(&drive, factory, 4), stamp, -bomb_key(1, 1));
        drive_expect_sound(&drive);
    }
    for (uint64_t factory = 0; factory < FACTORIES; factory++)
        add_to(&drive, BOMB_RESULT_COST, first_key(&drive, factory, 4), stamp, (uint64_t)-1);
    drive_step(&drive, 1); /* sees it, whatever becomes of it */
    for (uint64_t factory = 0; factory < FACTORIES; factory++)
        add_to(&drive, BOMB_RESULT_COST, first_key(&drive, factory, 4), stamp, 1);
    drive_expect_corrupt(&drive, (const char *[]){"worker 1: issue_vouchers", "costs of two transactions", NULL});
    drive_close(&drive);
}

/* M1 and M2, as a committed transaction sees them: one too many does not keep it from going on. */
static void what_transactions_see_is_found(void **state)
{
    static const char *const mixes[] = {"0/0/0/0/100", "0/100/0/0/0"};
    static const char *const texts[] = {"change_quantity", "issue_vouchers"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct drive drive;
        open_bakery(&drive, "0", mixes[i]);
        for (uint64_t factory = 0; factory < FACTORIES; factory++) {
            struct bomb_product product = {.key = bomb_key(factory, bomb_product_item(50))};
            struct bomb_result_cost result = {.key = product.key};
            insert_row(&drive, BOMB_PRODUCT, &product, sizeof product);
            insert_row(&drive, BOMB_RESULT_COST, &result, sizeof result);
        }
        drive_step(&drive, 1);
        for (uint64_t factory = 0; factory < FACTORIES; factory++) {
            erase_row(&drive, BOMB_PRODUCT, bomb_key(factory, bomb_product_item(50)));
            erase_row(&drive, BOMB_RESULT_COST, bomb_key(factory, bomb_product_item(50)));
        }
        drive_expect_corrupt(&drive, (const char *[]){"worker 1", texts[i], ": 6, expected 5", NULL});
        drive_close(&drive);
    }
}

/* Keys that a transaction inserts are its own: one that is there is left of an attempt that had aborted. */
static void rows_of_aborted_attempts_are_found(void **state)
{
    struct drive drive;
    (void)state;
    open_bakery(&drive, "0", "0/100/0/0/0");
    const struct bomb_voucher voucher = {.key = (uint64_t)1 << 40 | 2};
    insert_row(&drive, BOMB_VOUCHER, &voucher, sizeof voucher);
    drive_step(&drive, 1);
    drive_expect_corrupt(&drive, (const char *[]){"its own row of an aborted attempt", NULL});
    drive_close(&drive);
}

static void presets_are_sets_of_options(void **state)
{
    (void)state;
    drive_expect_presets(&bomb_workload_ops);
}

static void combinations_that_cannot_work_are_refused(void **state)
{
    static const struct {
        const char *pairs[4], *text;
    } bad[] = {
        {{"mix", "50/50", NULL}, "mix=50/50: must be five percents"},
        {{"target_products", "8000", NULL}, "target_products=8000: must be at most product_types, 7200"},
        {{"material_types", "4", NULL}, "material_trees_per_product=5: must be at most material_types, 4"},
        {{"raw_material_types", "2", NULL}, "raw_materials_per_leaf=3: must be at most raw_material_types, 2"},
        {{"factories", "8000", NULL}, "factories=8000: must be at most product_types, 7200"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        drive_expect_refused(&bomb_workload_ops, bad[i].pairs, bad[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_cost_what_they_are_made_of),
        cmocka_unit_test(trees_are_whole),
        cmocka_unit_test(each_transaction_does_its_part),
        cmocka_unit_test(long_transactions_are_set_apart),
        cmocka_unit_test(the_check_finds_lost_and_doubled_changes),
        cmocka_unit_test(the_check_finds_missing_rows_and_phantoms),
        cmocka_unit_test(costs_of_two_transactions_are_found),
        cmocka_unit_test(what_transactions_see_is_found),
        cmocka_unit_test(rows_of_aborted_attempts_are_found),
        cmocka_unit_test(presets_are_sets_of_options),
        cmocka_unit_test(combinations_that_cannot_work_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
