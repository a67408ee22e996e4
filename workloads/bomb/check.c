/* check.c - the proof of a run: M1 to M5 of all rows. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "workloads/bomb/instance.h"

struct check {
    struct workload *workload;
    bool racy;
    uint64_t high, run; /* of the rows whose keys begin with `high`, how many have been visited */
    uint64_t stamp;     /* of the factory's result costs; 0: none yet */
    bool raws;          /* they lead to raw materials */
    uint64_t rows, worker;
    struct bomb_prints found;
    char *report;
    size_t report_bytes;
};

static bool bad(struct check *check, const char *what, uint64_t key, uint64_t found, uint64_t expected)
{
    if (check->racy)
        return true;
    snprintf(check->report, check->report_bytes, "%s %" PRIu64 "/%" PRIu64 ": %" PRIu64 ", expected %" PRIu64, what,
             key >> 32, (uint64_t)(uint32_t)key, found, expected);
    return false;
}

/* A row that is missing, or another one than any transaction wrote. */
static bool bad_row(struct check *check, const char *table, uint64_t key, const void *data)
{
    unsigned shift = strcmp(table, "voucher") == 0 ? BOMB_VOUCHER_SHIFT : 32;
    if (check->racy)
        return true;
    snprintf(check->report, check->report_bytes, "%s %" PRIu64 "/%" PRIu64 ": %s", table, key >> shift,
             key & (((uint64_t)1 << shift) - 1), data ? "not as any transaction wrote it" : "no row");
    return false;
}

/* ---- M1 and M2: how many rows there are of each factory, product and leaf. ---- */

/* How many rows there must be whose keys begin with check->high. A node that is no leaf may have any number. */
static uint64_t owed(const struct check *check, bool links)
{
    const struct bomb_options *o = &check->workload->options;
    if (!links)
        return o->target_products;
    return check->high < BOMB_RAW_FIRST ? o->material_trees_per_product
           : check->raws                ? o->raw_materials_per_leaf
                                        : check->run;
}

static bool run_ends(struct check *check, bool links)
{
    uint64_t expected = owed(check, links);
    return check->run == 0 || check->run == expected ||
           bad(check, links ? "parts of item" : "products of factory", check->high << 32, check->run, expected);
}

/* Counts a row. False if the row begins another factory or item, and the one before had too few or too many. */
static bool count_row(struct check *check, uint64_t key, bool links)
{
    bool ended = key >> 32 != check->high;
    if (ended && !run_ends(check, links))
        return false;
    if (ended) {
        check->high = key >> 32;
        check->run = 0;
        check->stamp = 0;
        check->raws = links && (uint32_t)key >= BOMB_RAW_FIRST && (uint32_t)key < BOMB_NODE_FIRST;
    }
    check->run++;
    check->rows++;
    return true;
}

/* ---- The rows of each table. ---- */

static bool check_item(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    struct bomb_item expected;
    bomb_fill_item(key, &expected);
    return (data && bytes == sizeof expected && memcmp(data, &expected, sizeof expected) == 0) ||
           bad_row(check, "item", key, data);
}

static bool check_link(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct bomb_link *row = data;
    if (!row || bytes != sizeof *row || row->key != key || row->quantity != bomb_quantity(check->workload, key))
        return bad_row(check, "row of BOM", key, row);
    check->found.links += micro_weight(key);
    return count_row(check, key, true);
}

static bool check_product(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct bomb_product *row = data;
    if (!row || bytes != sizeof *row || row->key != key)
        return bad_row(check, "product", key, row);
    check->found.products += micro_weight(key) * (1 + row->updates);
    return count_row(check, key, false);
}

/* M3 */
static bool check_result(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct bomb_result_cost *row = data;
    if (!row || bytes != sizeof *row || row->key != key)
        return bad_row(check, "result cost", key, row);
    if (!count_row(check, key, false))
        return false;
    check->found.results += micro_weight(key) * (1 + row->updates);
    uint64_t writer = row->stamp >> 32;
    const struct bomb_tally *tally = writer > 0 && writer <= check->workload->micro.workers
                                         ? micro_tally(check->workload, (unsigned)writer - 1)
                                         : NULL;
    if (row->stamp != 0 && (!tally || (uint32_t)row->stamp > tally->longs))
        return bad(check, "result cost of no committed transaction,", key, row->stamp, 0);
    if (row->stamp != 0 && check->stamp != 0 && row->stamp != check->stamp)
        return bad(check, "result cost of another transaction than its factory's others,", key, row->stamp,
                   check->stamp);
    check->stamp = row->stamp != 0 ? row->stamp : check->stamp;
    return true;
}

static bool check_material(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct bomb_material_cost *row = data;
    struct bomb_material_cost loaded;
    bomb_fill_material_cost(check->workload, key, &loaded);
    if (!row || bytes != sizeof *row || row->key != key)
        return bad_row(check, "material cost", key, row);
    if (row->quantity != loaded.quantity + row->updates)
        return bad(check, "quantity of material cost", key, row->quantity, loaded.quantity + row->updates);
    check->found.materials += micro_weight(key) * row->updates;
    check->found.amounts += micro_weight(key) * (row->amount - loaded.amount);
    return true;
}

static bool check_voucher(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct bomb_voucher *row = data;
    if (!row || bytes != sizeof *row || row->key != key)
        return bad_row(check, "voucher", key, row);
    check->found.vouchers += micro_weight(key) * row->amount;
    return true;
}

static bool check_no_voucher(void *arg, uint64_t key, const void *data, size_t bytes)
{
    (void)bytes;
    return !data || bad(arg, "voucher that was never committed,", key, 1, 0);
}

/* ---- Walks. ---- */

static uint64_t item_at(void *arg, uint64_t i)
{
    const struct check *check = arg;
    const struct bomb_options *o = &check->workload->options;
    if (i < o->product_types)
        return bomb_product_item(i);
    i -= o->product_types;
    return i < o->raw_material_types ? bomb_raw_item(i) : BOMB_NODE_FIRST + i - o->raw_material_types;
}

static uint64_t material_at(void *arg, uint64_t i)
{
    const struct check *check = arg;
    uint64_t raws = check->workload->options.raw_material_types;
    return bomb_key(i / raws, bomb_raw_item(i % raws));
}

static uint64_t voucher_at(void *arg, uint64_t i)
{
    const struct check *check = arg;
    return check->worker << BOMB_VOUCHER_SHIFT | i;
}

static enum target_status walk(struct check *check, struct target_worker *worker, unsigned table,
                               uint64_t (*key)(void *arg, uint64_t i),
                               bool (*visit)(void *arg, uint64_t key, const void *data, size_t bytes), uint64_t first,
                               uint64_t last)
{
    const struct micro *micro = &check->workload->micro;
    struct bulk bulk = {
        .ops = micro->ops, .worker = worker, .index = micro->indexes[table], .arg = check, .key = key, .visit = visit};
    return bulk_walk(&bulk, first, last);
}

/* All rows of an ordered index, and M1 or M2 of the last of them. */
static enum target_status scan(struct check *check, struct target_worker *worker, unsigned table,
                               bool (*visit)(void *arg, uint64_t key, const void *data, size_t bytes))
{
    const struct micro *micro = &check->workload->micro;
    const struct bomb_options *o = &check->workload->options;
    struct bulk bulk = {.ops = micro->ops,
                        .worker = worker,
                        .table = micro->tables[table],
                        .index = micro->indexes[table],
                        .arg = check,
                        .visit = visit};
    check->high = check->run = check->rows = check->stamp = 0;
    enum target_status status = bulk_scan(&bulk);
    if (status != TARGET_OK)
        return status;
    if (!run_ends(check, table == BOMB_BOM))
        return TARGET_CORRUPT;
    uint64_t expected = table == BOMB_BOM ? check->rows : o->factories * o->target_products;
    return check->rows == expected || bad(check, "products of all factories", 0, check->rows, expected)
               ? TARGET_OK
               : TARGET_CORRUPT;
}

/* M5 */
static enum target_status walk_vouchers(struct check *check, struct target_worker *worker)
{
    enum target_status status = TARGET_OK;
    for (check->worker = 0; check->worker < check->workload->micro.workers && status == TARGET_OK; check->worker++) {
        const struct bomb_tally *tally = micro_tally(check->workload, (unsigned)check->worker);
        status = walk(check, worker, BOMB_VOUCHER, voucher_at, check_voucher, 0, tally->vouchers);
        if (status == TARGET_OK)
            status =
                walk(check, worker, BOMB_VOUCHER, voucher_at, check_no_voucher, tally->vouchers, tally->vouchers + 1);
    }
    return status;
}

static enum target_status walk_all(struct check *check, struct target_worker *worker)
{
    const struct workload *workload = check->workload;
    const struct bomb_options *o = &workload->options;
    enum target_status status = walk(check, worker, BOMB_ITEM, item_at, check_item, 0, workload->micro.rows);
    if (status == TARGET_OK)
        status = walk(check, worker, BOMB_MATERIAL_COST, material_at, check_material, 0,
                      o->factories * o->raw_material_types);
    if (status == TARGET_OK)
        status = scan(check, worker, BOMB_BOM, check_link);
    if (status == TARGET_OK)
        status = scan(check, worker, BOMB_PRODUCT, check_product);
    if (status == TARGET_OK)
        status = scan(check, worker, BOMB_RESULT_COST, check_result);
    return status == TARGET_OK ? walk_vouchers(check, worker) : status;
}

/* ---- M4. ---- */

static struct bomb_prints prints_loaded(const struct workload *workload)
{
    const struct bomb_options *o = &workload->options;
    struct bomb_prints prints = {0};
    uint64_t links[BOMB_LINKS_MAX], quantities[BOMB_LINKS_MAX];
    unsigned count;
    for (uint64_t product = 0; product < o->product_types; product++) {
        count = bomb_product_links(workload, product, links, quantities);
        while (count > 0)
            prints.links += micro_weight(links[--count]);
    }
    for (uint64_t tree = 0; tree < o->material_types; tree++)
        for (unsigned node = 0; node < o->material_tree_size; node++) {
            count = bomb_node_links(workload, tree, node, links, quantities);
            while (count > 0)
                prints.links += micro_weight(links[--count]);
        }
    for (uint64_t factory = 0; factory < o->factories; factory++)
        for (uint64_t i = 0; i < o->target_products; i++)
            prints.products +=
                micro_weight(bomb_key(factory, bomb_product_item(bomb_first_product(workload, factory, i))));
    prints.results = prints.products;
    return prints;
}

static bool prints_are_right(struct check *check)
{
    static const struct {
        size_t offset;
        const char *text;
    } list[] = {
#define PRINT_ROW(name, text) {offsetof(struct bomb_prints, name), text},
        BOMB_PRINTS(PRINT_ROW)
#undef PRINT_ROW
    };
    struct bomb_prints expected = prints_loaded(check->workload);
    for (unsigned i = 0; i < check->workload->micro.workers; i++)
        bomb_prints_add(&expected, &((const struct bomb_tally *)micro_tally(check->workload, i))->prints);
    for (size_t i = 0; i < sizeof list / sizeof *list && !check->racy; i++) {
        if (memcmp((char *)&check->found + list[i].offset, (char *)&expected + list[i].offset, sizeof(uint64_t)) == 0)
            continue;
        snprintf(check->report, check->report_bytes,
                 "the %s are not what was loaded and committed: one is missing, doubled, or of another row",
                 list[i].text);
        return false;
    }
    return true;
}

enum target_status bomb_check_pass(struct workload *workload, struct target_worker *worker, char *report,
                                   size_t report_bytes)
{
    struct check check = {
        .workload = workload, .racy = micro_is_racy(workload), .report = report, .report_bytes = report_bytes};
    uint64_t longs = 0, products = 0, vouchers = 0;
    enum target_status status = walk_all(&check, worker);
    if (status != TARGET_OK || (status = micro_findings(workload, report, report_bytes)) != TARGET_OK)
        return status;
    if (!prints_are_right(&check))
        return TARGET_CORRUPT;
    for (unsigned i = 0; i < workload->micro.workers; i++) {
        const struct bomb_tally *tally = micro_tally(workload, i);
        longs += tally->longs;
        products += tally->products;
        vouchers += tally->vouchers;
    }
    snprintf(report, report_bytes, "%" PRIu64 " long transactions, %" PRIu64 " new products, %" PRIu64 " vouchers%s",
             longs, products, vouchers,
             check.racy ? " (not transactional: not compared)" : ": every committed change, in its row");
    return TARGET_OK;
}
