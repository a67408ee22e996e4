/*
 * transactions.c - requests and transactions.
 *
 * M1 to M3 hold of whatever a committed transaction reads. An attempt that finds them broken goes on, or gives up as if
 * a row were missing where it cannot; if it commits, it is a finding.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/bomb/instance.h"
#include "workloads/mix.h"

enum { VOUCHER_DATE = 20250101, VOUCHER_DEBIT = 1, VOUCHER_CREDIT = 2 };

/* ---- Life of a worker. ---- */

void bomb_worker_destroy(struct workload_worker *w)
{
    free(w->rows);
    free(w->needs);
    micro_worker_destroy(w);
}

enum target_status bomb_worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                      struct workload_worker **state)
{
    const struct bomb_options *o = &workload->options;
    enum target_status status = micro_worker_create(workload, worker, worker_idx, state);
    if (status != TARGET_OK)
        return status;
    struct workload_worker *w = *state;
    /* Each step takes one need away and adds at most BOMB_LINKS_MAX; a tree is at most as deep as it is large. */
    uint64_t needs = 1 + BOMB_LINKS_MAX * (2 + o->material_tree_size);
    w->rows_max = o->target_products + 1;
    w->rows = mem_alloc((size_t)w->rows_max * sizeof *w->rows);
    w->needs = mem_alloc((size_t)needs * sizeof *w->needs);
    if (w->rows && w->needs)
        return TARGET_OK;
    bomb_worker_destroy(w);
    *state = NULL;
    return TARGET_NO_MEMORY;
}

/* ---- Requests. ---- */

static enum bomb_txn draw_type(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    bool is_long = workload->apart ? w->base.worker_idx < workload->options.long_workers
                                   : rng_unit(&w->base.rng) < workload->options.long_ratio;
    return is_long ? BOMB_update_product_cost
                   : (enum bomb_txn)(1 + mix_draw(workload->mix, &w->base.rng)); /* the short ones follow */
}

static uint64_t draw_leaf(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    uint64_t tree = rng_below(&w->base.rng, workload->options.material_types), leaves = bomb_leaves(workload, tree);
    uint64_t skip = rng_below(&w->base.rng, (uint64_t)__builtin_popcountll(leaves));
    while (skip-- > 0)
        leaves &= leaves - 1;
    return bomb_node_item(workload, tree, (unsigned)__builtin_ctzll(leaves));
}

unsigned bomb_next(struct workload_worker *w)
{
    const struct bomb_options *o = &w->base.workload->options;
    struct rng *rng = &w->base.rng;
    w->type = draw_type(w);
    w->factory = rng_below(rng, o->factories);
    w->amount = 1 + rng_below(rng, 1000);
    switch (w->type) {
    case BOMB_update_material_cost:
        micro_draw_distinct(rng, o->raw_material_types, w->materials, (unsigned)o->target_materials);
        break;
    case BOMB_change_product:
        micro_draw_distinct(rng, o->material_types, w->trees, (unsigned)o->material_trees_per_product);
        w->place = rng_below(rng, o->target_products);
        break;
    case BOMB_change_raw_material:
        w->leaf = draw_leaf(w);
        w->place = rng_below(rng, o->raw_materials_per_leaf);
        w->materials[0] = rng_below(rng, o->raw_material_types);
        break;
    case BOMB_change_quantity:
        w->place = rng_below(rng, o->target_products);
        break;
    default:
        break;
    }
    return w->type;
}

/* ---- Rows. ---- */

static void find(struct workload_worker *w, const char *what, uint64_t of, uint64_t found, uint64_t expected)
{
    if (!w->finding[0])
        snprintf(w->finding, sizeof w->finding,
                 "%s of factory %" PRIu64 " met %s %" PRIu64 ": %" PRIu64 ", expected %" PRIu64,
                 bomb_txn_types[w->type], w->factory, what, of, found, expected);
}

static enum target_status read_row(struct workload_worker *w, unsigned table, uint64_t key, const void **data)
{
    const struct micro *micro = &w->base.workload->micro;
    w->operations++;
    return micro->ops->read(w->txn, micro->indexes[table], &key, data, NULL);
}

static enum target_status update_row(struct workload_worker *w, unsigned table, uint64_t key, void **data)
{
    const struct micro *micro = &w->base.workload->micro;
    w->operations++;
    return micro->ops->update(w->txn, micro->indexes[table], &key, 0, NULL, data);
}

static enum target_status insert_row(struct workload_worker *w, unsigned table, const void *row, size_t bytes)
{
    const struct micro *micro = &w->base.workload->micro;
    void *data; /* all rows begin with their key */
    w->operations++;
    enum target_status status = micro->ops->insert(w->txn, micro->indexes[table], row, bytes, NULL, &data);
    if (status == TARGET_OK)
        memcpy(data, row, bytes);
    return status;
}

/* A key that no other transaction inserts. If it is there, it is from an attempt of this one that had aborted. */
static enum target_status insert_own(struct workload_worker *w, unsigned table, const void *row, size_t bytes)
{
    enum target_status status = insert_row(w, table, row, bytes);
    if (status != TARGET_EXISTS)
        return status;
    find(w, "its own row of an aborted attempt,", *(const uint64_t *)row, 1, 0);
    return TARGET_OK;
}

static enum target_status erase_row(struct workload_worker *w, unsigned table, uint64_t key)
{
    const struct micro *micro = &w->base.workload->micro;
    w->operations++;
    return micro->ops->erase(w->txn, micro->indexes[table], &key);
}

/* ---- Scans: all rows whose keys begin with `high`. ---- */

static enum target_status scan_rows(struct workload_worker *w, unsigned table, uint64_t high, target_entry_fn visit)
{
    const struct micro *micro = &w->base.workload->micro;
    uint64_t first = bomb_key(high, 0), last = bomb_key(high, UINT32_MAX);
    w->table = table;
    w->row_count = 0;
    w->status = TARGET_OK;
    w->operations++;
    enum target_status status = micro->ops->scan(w->txn, micro->indexes[table], &first, &last, 0, 0, visit, w);
    return status == TARGET_OK ? w->status : status;
}

static bool read_ref(struct workload_worker *w, uint64_t ref, const void **data)
{
    const struct micro *micro = &w->base.workload->micro;
    w->operations++;
    w->status = micro->ops->row_read(w->txn, micro->tables[w->table], ref, data, NULL);
    return w->status == TARGET_OK;
}

static bool visit_product(void *arg, const void *key, uint64_t ref)
{
    struct workload_worker *w = arg;
    (void)ref;
    if (w->row_count < w->rows_max)
        memcpy(&w->rows[w->row_count], key, sizeof *w->rows);
    w->row_count++;
    return true;
}

/* M1. The keys of the factory's products in w->rows. */
static enum target_status scan_products(struct workload_worker *w)
{
    const uint64_t expected = w->base.workload->options.target_products;
    enum target_status status = scan_rows(w, BOMB_PRODUCT, w->factory, visit_product);
    if (status != TARGET_OK || w->row_count == expected)
        return status;
    find(w, "products of factory", w->factory, w->row_count, expected);
    return w->row_count < expected ? TARGET_NOT_FOUND : TARGET_OK;
}

static bool visit_link(void *arg, const void *entry_key, uint64_t ref)
{
    struct workload_worker *w = arg;
    const void *data;
    if (!read_ref(w, ref, &data))
        return false;
    if (w->row_count <= BOMB_LINKS_MAX) {
        const struct bomb_link *link = data;
        memcpy(&w->links[w->row_count], entry_key, sizeof *w->links);
        w->quantities[w->row_count] = link->quantity;
        if (UNLIKELY(link->key != w->links[w->row_count]))
            find(w, "in BOM, under another key, row", w->links[w->row_count], link->key, w->links[w->row_count]);
    }
    w->row_count++;
    return true;
}

/* M2 of a product or a leaf; other nodes have as many links as there are. The links in w->links. */
static enum target_status scan_links(struct workload_worker *w, uint64_t item, uint64_t type)
{
    const struct bomb_options *o = &w->base.workload->options;
    enum target_status status = scan_rows(w, BOMB_BOM, item, visit_link);
    if (status != TARGET_OK)
        return status;
    bool is_leaf = type == BOMB_TYPE_NODE && w->row_count > 0 && (uint32_t)w->links[0] < BOMB_NODE_FIRST;
    uint64_t expected = type == BOMB_TYPE_PRODUCT ? o->material_trees_per_product
                        : is_leaf                 ? o->raw_materials_per_leaf
                                                  : w->row_count;
    if (w->row_count == expected && w->row_count > 0 && w->row_count <= BOMB_LINKS_MAX)
        return TARGET_OK;
    find(w, "parts of item", item, w->row_count, expected);
    return TARGET_NOT_FOUND;
}

/* ---- update_product_cost. ---- */

static enum target_status add_raw_material(struct workload_worker *w, const struct bomb_need *need, uint64_t *cost)
{
    const void *data;
    enum target_status status = read_row(w, BOMB_MATERIAL_COST, bomb_key(w->factory, need->item), &data);
    if (status != TARGET_OK)
        return status;
    const struct bomb_material_cost *material = data;
    *cost += need->quantity * (material->amount / material->quantity);
    return TARGET_OK;
}

/* What a product costs: raw materials by their quantities along each path to them. */
static enum target_status cost_of(struct workload_worker *w, uint64_t product, uint64_t *cost)
{
    *cost = 0;
    w->needs[0] = (struct bomb_need){product, 1};
    w->need_count = 1;
    while (w->need_count > 0) { /* ends: links lead to later nodes of a tree, and then to raw materials */
        const struct bomb_need need = w->needs[--w->need_count];
        const void *data;
        enum target_status status = read_row(w, BOMB_ITEM, need.item, &data);
        if (status != TARGET_OK)
            return status;
        uint64_t type = ((const struct bomb_item *)data)->type;
        if (type == BOMB_TYPE_RAW) {
            status = add_raw_material(w, &need, cost);
        } else {
            status = scan_links(w, need.item, type);
            for (uint64_t i = 0; i < w->row_count && status == TARGET_OK; i++)
                w->needs[w->need_count++] = (struct bomb_need){(uint32_t)w->links[i], need.quantity * w->quantities[i]};
        }
        if (status != TARGET_OK)
            return status;
    }
    return TARGET_OK;
}

static enum target_status run_update_product_cost(struct workload_worker *w, struct target_txn *txn)
{
    const struct bomb_tally *tally = w->base.tally;
    const void *factory;
    void *data;
    w->txn = txn;
    enum target_status status = read_row(w, BOMB_FACTORY, w->factory, &factory);
    if (status == TARGET_OK)
        status = scan_products(w);
    uint64_t count = w->row_count;
    for (uint64_t i = 0; i < count && i < w->rows_max && status == TARGET_OK; i++) {
        uint64_t cost;
        status = cost_of(w, (uint32_t)w->rows[i], &cost);
        if (status == TARGET_OK)
            status = update_row(w, BOMB_RESULT_COST, w->rows[i], &data);
        if (status != TARGET_OK)
            return status;
        struct bomb_result_cost *result = data;
        result->cost = cost;
        result->updates++;
        result->stamp = bomb_key(w->base.worker_idx + 1, tally->longs + 1);
        w->done.prints.results += micro_weight(w->rows[i]);
    }
    w->done.longs = 1;
    return status;
}

/* ---- The short ones. ---- */

static enum target_status run_update_material_cost(struct workload_worker *w, struct target_txn *txn)
{
    w->txn = txn;
    for (uint64_t i = 0; i < w->base.workload->options.target_materials; i++) {
        uint64_t key = bomb_key(w->factory, bomb_raw_item(w->materials[i]));
        void *data;
        enum target_status status = update_row(w, BOMB_MATERIAL_COST, key, &data);
        if (status != TARGET_OK)
            return status;
        struct bomb_material_cost *material = data;
        material->quantity++;
        material->amount += w->amount;
        material->updates++;
        w->done.prints.materials += micro_weight(key);
        w->done.prints.amounts += micro_weight(key) * w->amount;
    }
    return TARGET_OK;
}

/* M3. The costs themselves go into w->rows: their products are not needed. */
static bool visit_result(void *arg, const void *entry_key, uint64_t ref)
{
    struct workload_worker *w = arg;
    const void *data;
    if (!read_ref(w, ref, &data))
        return false;
    const struct bomb_result_cost *result = data;
    (void)entry_key;
    if (w->row_count < w->rows_max)
        w->rows[w->row_count] = result->cost;
    w->row_count++;
    if (result->stamp == 0)
        return true;
    if (UNLIKELY(w->stamp != 0 && w->stamp != result->stamp))
        find(w, "costs of two transactions, of product", (uint32_t)result->key, result->stamp, w->stamp);
    w->stamp = result->stamp;
    return true;
}

static enum target_status run_issue_vouchers(struct workload_worker *w, struct target_txn *txn)
{
    const uint64_t expected = w->base.workload->options.target_products;
    const struct bomb_tally *tally = w->base.tally;
    const void *factory;
    w->txn = txn;
    enum target_status status = read_row(w, BOMB_FACTORY, w->factory, &factory);
    if (status == TARGET_OK)
        status = scan_rows(w, BOMB_RESULT_COST, w->factory, visit_result);
    if (status == TARGET_OK && w->row_count != expected) {
        find(w, "result costs of factory", w->factory, w->row_count, expected);
        status = w->row_count < expected ? TARGET_NOT_FOUND : TARGET_OK;
    }
    uint64_t count = w->row_count < w->rows_max ? w->row_count : w->rows_max;
    for (uint64_t i = 0; i < count && status == TARGET_OK; i++) {
        const struct bomb_voucher voucher = {.key = (uint64_t)w->base.worker_idx << BOMB_VOUCHER_SHIFT |
                                                    (tally->vouchers + i),
                                             .amount = w->amount * w->rows[i],
                                             .date = VOUCHER_DATE,
                                             .debit = VOUCHER_DEBIT,
                                             .credit = VOUCHER_CREDIT};
        status = insert_own(w, BOMB_VOUCHER, &voucher, sizeof voucher);
        w->done.prints.vouchers += micro_weight(voucher.key) * voucher.amount;
        w->done.vouchers++;
    }
    return status;
}

/* The product leaves the factory, with its result cost; what it is made of stays known. */
static enum target_status drop_product(struct workload_worker *w, uint64_t key)
{
    const void *data;
    enum target_status status = read_row(w, BOMB_PRODUCT, key, &data);
    if (status != TARGET_OK)
        return status;
    w->done.prints.products -= micro_weight(key) * (1 + ((const struct bomb_product *)data)->updates);
    status = read_row(w, BOMB_RESULT_COST, key, &data);
    if (status != TARGET_OK)
        return status;
    w->done.prints.results -= micro_weight(key) * (1 + ((const struct bomb_result_cost *)data)->updates);
    status = erase_row(w, BOMB_PRODUCT, key);
    return status == TARGET_OK ? erase_row(w, BOMB_RESULT_COST, key) : status;
}

static enum target_status add_product(struct workload_worker *w, uint64_t item)
{
    const struct workload *workload = w->base.workload;
    const uint64_t key = bomb_key(w->factory, item);
    const struct bomb_product product = {.key = key, .quantity = w->amount};
    const struct bomb_result_cost result = {.key = key};
    struct bomb_item row;
    bomb_fill_item(item, &row);
    enum target_status status = insert_own(w, BOMB_ITEM, &row, sizeof row);
    for (uint64_t i = 0; i < workload->options.material_trees_per_product && status == TARGET_OK; i++) {
        struct bomb_link link = {.key = bomb_key(item, bomb_node_item(workload, w->trees[i], 0))};
        link.quantity = bomb_quantity(workload, link.key);
        w->done.prints.links += micro_weight(link.key);
        status = insert_own(w, BOMB_BOM, &link, sizeof link);
    }
    if (status == TARGET_OK)
        status = insert_own(w, BOMB_PRODUCT, &product, sizeof product);
    if (status == TARGET_OK)
        status = insert_own(w, BOMB_RESULT_COST, &result, sizeof result);
    w->done.prints.products += micro_weight(key);
    w->done.prints.results += micro_weight(key);
    w->done.products = 1;
    return status;
}

static enum target_status run_change_product(struct workload_worker *w, struct target_txn *txn)
{
    const struct workload *workload = w->base.workload;
    const struct bomb_tally *tally = w->base.tally;
    w->txn = txn;
    enum target_status status = scan_products(w);
    if (status == TARGET_OK)
        status = drop_product(w, w->rows[w->place]);
    if (status != TARGET_OK)
        return status;
    uint64_t product = workload->options.product_types + tally->products * workload->micro.workers + w->base.worker_idx;
    return add_product(w, bomb_product_item(product));
}

/* A raw material that the leaf has already leaves it as it is. */
static enum target_status run_change_raw_material(struct workload_worker *w, struct target_txn *txn)
{
    const struct workload *workload = w->base.workload;
    w->txn = txn;
    enum target_status status = scan_links(w, w->leaf, BOMB_TYPE_NODE);
    if (status != TARGET_OK)
        return status;
    struct bomb_link link = {.key = bomb_key(w->leaf, bomb_raw_item(w->materials[0]))};
    link.quantity = bomb_quantity(workload, link.key);
    for (uint64_t i = 0; i < w->row_count; i++)
        if (w->links[i] == link.key)
            return TARGET_OK;
    status = erase_row(w, BOMB_BOM, w->links[w->place]);
    if (status == TARGET_OK)
        status = insert_row(w, BOMB_BOM, &link, sizeof link);
    w->done.prints.links += micro_weight(link.key) - micro_weight(w->links[w->place]);
    return status;
}

static enum target_status run_change_quantity(struct workload_worker *w, struct target_txn *txn)
{
    void *data;
    w->txn = txn;
    enum target_status status = scan_products(w);
    if (status == TARGET_OK)
        status = update_row(w, BOMB_PRODUCT, w->rows[w->place], &data);
    if (status != TARGET_OK)
        return status;
    struct bomb_product *product = data;
    product->quantity = w->amount;
    product->updates++;
    w->done.prints.products += micro_weight(w->rows[w->place]);
    return TARGET_OK;
}

/* ---- Attempts. ---- */

enum target_status bomb_attempt(struct workload_worker *w)
{
    static micro_txn_fn *const runs[] = {
#define TXN_RUN(name) run_##name,
        BOMB_TXNS(TXN_RUN)
#undef TXN_RUN
    };
    struct bomb_tally *tally = w->base.tally;
    w->operations = 0;
    w->stamp = 0;
    w->done = (struct bomb_tally){0};
    w->finding[0] = '\0';
    enum target_status status = micro_run(w, TARGET_READ_WRITE, runs[w->type]);
    if (status == TARGET_EXISTS) /* what was missing is there: another transaction has committed in between */
        return TARGET_NOT_FOUND;
    if (status != TARGET_OK)
        return status;
    tally->longs += w->done.longs;
    tally->products += w->done.products;
    tally->vouchers += w->done.vouchers;
    bomb_prints_add(&tally->prints, &w->done.prints);
    if (UNLIKELY(w->finding[0]))
        micro_find(w, "%s", w->finding);
    return TARGET_OK;
}

unsigned bomb_operations(const struct workload_worker *w)
{
    return w->operations;
}
