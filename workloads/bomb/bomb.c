/* bomb.c - see bomb.h: the options, and the life of an instance. */
#include "workloads/bomb/bomb.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "workloads/bomb/instance.h"
#include "workloads/mix.h"

#define MIX_WANTED "five percents (of the short transactions) such as 62/12/1/24/1"

static const struct option_spec option_table[] = {BOMB_OPTIONS(OPTION_SPEC) OPTION_END};

/* name, the mix of short transactions, whether the sizes are the paper's */
static const struct {
    const char *name, *mix, *product_types, *material_types, *raw_material_types;
} presets[] = {
    {"dynamic", "62/12/1/24/1", "7200", "19800", "7500"},
    {"static", "50/50/0/0/0", "7200", "19800", "7500"},
    {"paper-dynamic", "62/12/1/24/1", "72k", "198k", "75k"},
    {"paper-static", "50/50/0/0/0", "72k", "198k", "75k"},
};
static const char *const preset_names[] = {"dynamic", "static", "paper-dynamic", "paper-static", NULL};

static bool preset(const char *name, void (*set)(void *arg, const char *option, const char *value), void *arg)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(name, presets[i].name) != 0)
            continue;
        set(arg, "mix", presets[i].mix);
        set(arg, "product_types", presets[i].product_types);
        set(arg, "material_types", presets[i].material_types);
        set(arg, "raw_material_types", presets[i].raw_material_types);
        return true;
    }
    return false;
}

/* ---- Life of the instance. ---- */

static bulk_key_fn item_at;
static bulk_fill_fn fill_item;
static bulk_fill_more_fn fill_more;
static const struct micro_traits traits = {
    .workload_bytes = sizeof(struct workload),
    .worker_bytes = sizeof(struct workload_worker),
    .load_index = BOMB_ITEM,
    .key = item_at,
    .fill = fill_item,
    .fill_more = fill_more,
    .attempt = bomb_attempt,
    .check_pass = bomb_check_pass,
};

static uint64_t nodes_of(const struct workload *workload)
{
    return workload->options.material_types * workload->options.material_tree_size;
}

static bool options_fit(const struct bomb_options *o, char *error, size_t error_bytes)
{
    const struct {
        const char *part, *whole;
        uint64_t parts, wholes;
    } pairs[] = {
        {"target_products", "product_types", o->target_products, o->product_types},
        {"factories", "product_types", o->factories, o->product_types},
        {"material_trees_per_product", "material_types", o->material_trees_per_product, o->material_types},
        {"raw_materials_per_leaf", "raw_material_types", o->raw_materials_per_leaf, o->raw_material_types},
        {"target_materials", "raw_material_types", o->target_materials, o->raw_material_types},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].parts <= pairs[i].wholes)
            continue;
        snprintf(error, error_bytes, "%s=%" PRIu64 ": must be at most %s, %" PRIu64, pairs[i].part, pairs[i].parts,
                 pairs[i].whole, pairs[i].wholes);
        return false;
    }
    return true;
}

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **result, char *error, size_t error_bytes)
{
    struct bomb_options options = *(const struct bomb_options *)values;
    uint8_t mix[BOMB_SHORT_COUNT];
    if (!mix_read(options.mix, BOMB_SHORT_COUNT, mix, MIX_WANTED, error, error_bytes) ||
        !options_fit(&options, error, error_bytes))
        return TARGET_INVALID;
    uint64_t items =
        options.product_types + options.raw_material_types + options.material_types * options.material_tree_size;
    struct workload *workload =
        micro_create(&traits, ops, seed, workers, items, sizeof(struct bomb_item), sizeof(struct bomb_tally));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    workload->options.mix = NULL; /* it lasts for this call only */
    memcpy(workload->mix, mix, sizeof mix);
    workload->apart = options.long_workers > 0 && workers > options.long_workers;
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    const struct bomb_options *o = &workload->options;
    const uint64_t made = o->factories * o->target_products, priced = o->factories * o->raw_material_types;
    const uint64_t links =
        o->product_types * o->material_trees_per_product + nodes_of(workload) * (1 + o->raw_materials_per_leaf / 2);
    const struct {
        const char *name, *key_name;
        size_t bytes;
        uint64_t rows;
        enum target_index_kind kind;
    } list[BOMB_TABLES] = {
        [BOMB_FACTORY] = {"factory", "factory_key", sizeof(struct bomb_factory), o->factories, TARGET_INDEX_HASH},
        [BOMB_ITEM] = {"item", "item_key", sizeof(struct bomb_item), workload->micro.rows, TARGET_INDEX_HASH},
        [BOMB_PRODUCT] = {"product", "product_key", sizeof(struct bomb_product), made, TARGET_INDEX_ORDERED},
        [BOMB_BOM] = {"bom", "bom_key", sizeof(struct bomb_link), links, TARGET_INDEX_ORDERED},
        [BOMB_MATERIAL_COST] = {"material_cost", "material_cost_key", sizeof(struct bomb_material_cost), priced,
                                TARGET_INDEX_HASH},
        [BOMB_RESULT_COST] = {"result_cost", "result_cost_key", sizeof(struct bomb_result_cost), made,
                              TARGET_INDEX_ORDERED},
        [BOMB_VOUCHER] = {"journal_voucher", "journal_voucher_key", sizeof(struct bomb_voucher), 0, TARGET_INDEX_HASH},
    };
    struct schema_table tables[BOMB_TABLES];
    struct schema_index indexes[BOMB_TABLES];
    for (unsigned i = 0; i < BOMB_TABLES; i++) {
        tables[i] = (struct schema_table){list[i].name, {list[i].bytes, list[i].rows}};
        indexes[i] = (struct schema_index){
            list[i].key_name, i, {.kind = list[i].kind, .key_bytes = sizeof(uint64_t), .expected_rows = list[i].rows}};
    }
    const struct schema schema = {"bomb", tables, indexes, BOMB_TABLES, BOMB_TABLES};
    return micro_create_all(workload, target, &schema, error, error_bytes);
}

/* ---- Load: item by item, with all that belongs to it. ---- */

static uint64_t item_at(void *arg, uint64_t i)
{
    const struct workload *workload = arg;
    const struct bomb_options *o = &workload->options;
    if (i < o->product_types)
        return bomb_product_item(i);
    i -= o->product_types;
    return i < o->raw_material_types ? bomb_raw_item(i) : BOMB_NODE_FIRST + i - o->raw_material_types;
}

static void fill_item(void *arg, uint64_t id, void *data)
{
    (void)arg;
    bomb_fill_item(id, data);
}

static enum target_status insert(const struct workload *workload, struct target_txn *txn, unsigned table,
                                 const void *row, size_t bytes)
{
    void *data; /* all rows begin with their key */
    enum target_status status =
        workload->micro.ops->insert(txn, workload->micro.indexes[table], row, bytes, NULL, &data);
    if (status == TARGET_OK)
        memcpy(data, row, bytes);
    return status;
}

static enum target_status load_factory(const struct workload *workload, struct target_txn *txn, uint64_t factory)
{
    struct bomb_factory row = {.id = factory};
    snprintf(row.name, sizeof row.name, "factory %" PRIu64, factory);
    enum target_status status = insert(workload, txn, BOMB_FACTORY, &row, sizeof row);
    for (uint64_t i = 0; i < workload->options.target_products && status == TARGET_OK; i++) {
        uint64_t key = bomb_key(factory, bomb_product_item(bomb_first_product(workload, factory, i)));
        const struct bomb_product product = {.key = key, .quantity = 1 + key % 100};
        const struct bomb_result_cost result = {.key = key};
        status = insert(workload, txn, BOMB_PRODUCT, &product, sizeof product);
        if (status == TARGET_OK)
            status = insert(workload, txn, BOMB_RESULT_COST, &result, sizeof result);
    }
    return status;
}

/* Loads what belongs to an item: the links to its parts, or a raw material's costs. The first items, which are
 * products, also bring a factory each. */
static enum target_status fill_more(void *arg, struct target_txn *txn, uint64_t id, uint64_t ref)
{
    const struct workload *workload = arg;
    const struct bomb_options *o = &workload->options;
    uint64_t links[BOMB_LINKS_MAX], quantities[BOMB_LINKS_MAX];
    enum target_status status = TARGET_OK;
    unsigned count = 0;
    (void)ref;
    if (id >= BOMB_NODE_FIRST) {
        uint64_t tree = (id - BOMB_NODE_FIRST) / o->material_tree_size;
        count = bomb_node_links(workload, tree, (unsigned)((id - BOMB_NODE_FIRST) % o->material_tree_size), links,
                                quantities);
    } else if (id >= BOMB_RAW_FIRST) {
        for (uint64_t factory = 0; factory < o->factories && status == TARGET_OK; factory++) {
            struct bomb_material_cost row;
            bomb_fill_material_cost(workload, bomb_key(factory, id), &row);
            status = insert(workload, txn, BOMB_MATERIAL_COST, &row, sizeof row);
        }
    } else {
        uint64_t product = id - bomb_product_item(0);
        count = bomb_product_links(workload, product, links, quantities);
        if (product < o->factories)
            status = load_factory(workload, txn, product);
    }
    for (unsigned i = 0; i < count && status == TARGET_OK; i++) {
        const struct bomb_link row = {links[i], quantities[i]};
        status = insert(workload, txn, BOMB_BOM, &row, sizeof row);
    }
    return status;
}

/* ---- Sizes. ---- */

static void data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    const struct bomb_options *o = &workload->options;
    uint64_t counts[BOMB_TABLES] = {[BOMB_FACTORY] = o->factories,
                                    [BOMB_ITEM] = workload->micro.rows,
                                    [BOMB_PRODUCT] = o->factories * o->target_products,
                                    [BOMB_MATERIAL_COST] = o->factories * o->raw_material_types,
                                    [BOMB_RESULT_COST] = o->factories * o->target_products};
    static const size_t sizes[BOMB_TABLES] = {
        [BOMB_FACTORY] = sizeof(struct bomb_factory),
        [BOMB_ITEM] = sizeof(struct bomb_item),
        [BOMB_PRODUCT] = sizeof(struct bomb_product),
        [BOMB_BOM] = sizeof(struct bomb_link),
        [BOMB_MATERIAL_COST] = sizeof(struct bomb_material_cost),
        [BOMB_RESULT_COST] = sizeof(struct bomb_result_cost),
        [BOMB_VOUCHER] = sizeof(struct bomb_voucher),
    };
    uint64_t products = o->product_types;
    for (unsigned i = 0; i < workload->micro.workers; i++) {
        const struct bomb_tally *tally = micro_tally(workload, i);
        products += tally->products;
        counts[BOMB_ITEM] += tally->products;
        counts[BOMB_VOUCHER] += tally->vouchers;
    }
    counts[BOMB_BOM] = products * o->material_trees_per_product + nodes_of(workload) - o->material_types;
    for (uint64_t tree = 0; tree < o->material_types; tree++)
        counts[BOMB_BOM] += (uint64_t)__builtin_popcountll(bomb_leaves(workload, tree)) * o->raw_materials_per_leaf;
    *rows = *bytes = 0;
    for (unsigned i = 0; i < BOMB_TABLES; i++) {
        *rows += counts[i];
        *bytes += counts[i] * (sizes[i] + sizeof(uint64_t));
    }
}

const struct workload_ops bomb_workload_ops = {
    .name = "bomb",
    .help = "BoMB: long updates of product costs among short ones of what these are computed from",
    .options = option_table,
    .txn_types = bomb_txn_types,
    .presets = preset_names,
    .preset = preset,
    .create = create,
    .destroy = micro_destroy,
    .setup = setup,
    .load = micro_load,
    .worker_create = bomb_worker_create,
    .worker_destroy = bomb_worker_destroy,
    .next = bomb_next,
    .attempt = micro_attempt,
    .operations = bomb_operations,
    .check = micro_check,
    .data_size = data_size,
    .space = micro_space,
};
