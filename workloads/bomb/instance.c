/* instance.c - which rows of BoMB are loaded, and what they hold; all of it follows from the seed. */
#include "workloads/bomb/instance.h"

#include <inttypes.h>
#include <stdio.h>

const char *const bomb_txn_types[] = {
#define TXN_NAME(name) #name,
    BOMB_TXNS(TXN_NAME)
#undef TXN_NAME
        NULL,
};

void bomb_prints_add(struct bomb_prints *sum, const struct bomb_prints *prints)
{
#define PRINT_ADD(name, text) sum->name += prints->name;
    BOMB_PRINTS(PRINT_ADD)
#undef PRINT_ADD
}

/* ---- What is loaded. ---- */

static uint64_t draw_of(const struct workload *workload, unsigned table, uint64_t key)
{
    return rng_mix(workload->micro.seed ^ rng_mix(key * BOMB_TABLES + table));
}

uint64_t bomb_quantity(const struct workload *workload, uint64_t key)
{
    return 1 + draw_of(workload, BOMB_BOM, key) % 4; /* few, since they multiply along a path */
}

uint64_t bomb_node_item(const struct workload *workload, uint64_t tree, unsigned node)
{
    return BOMB_NODE_FIRST + tree * workload->options.material_tree_size + node;
}

/* Each node but the root has a parent among those before it. */
static unsigned parent_of(const struct workload *workload, uint64_t tree, unsigned node)
{
    return (unsigned)(draw_of(workload, BOMB_ITEM, bomb_node_item(workload, tree, node)) % node);
}

uint64_t bomb_leaves(const struct workload *workload, uint64_t tree)
{
    unsigned size = (unsigned)workload->options.material_tree_size;
    uint64_t leaves = UINT64_MAX >> (64 - size);
    for (unsigned node = 1; node < size; node++)
        leaves &= ~((uint64_t)1 << parent_of(workload, tree, node));
    return leaves;
}

static void add_link(const struct workload *workload, uint64_t item, uint64_t part, unsigned *count, uint64_t *links,
                     uint64_t *quantities)
{
    links[*count] = bomb_key(item, part);
    quantities[*count] = bomb_quantity(workload, links[*count]);
    ++*count;
}

unsigned bomb_product_links(const struct workload *workload, uint64_t product, uint64_t links[BOMB_LINKS_MAX],
                            uint64_t quantities[BOMB_LINKS_MAX])
{
    uint64_t item = bomb_product_item(product), trees[BOMB_LINKS_MAX];
    unsigned count = 0, wanted = (unsigned)workload->options.material_trees_per_product;
    struct rng rng;
    rng_init(&rng, draw_of(workload, BOMB_BOM, item), 0);
    micro_draw_distinct(&rng, workload->options.material_types, trees, wanted);
    while (count < wanted)
        add_link(workload, item, bomb_node_item(workload, trees[count], 0), &count, links, quantities);
    return count;
}

unsigned bomb_node_links(const struct workload *workload, uint64_t tree, unsigned node, uint64_t links[BOMB_LINKS_MAX],
                         uint64_t quantities[BOMB_LINKS_MAX])
{
    uint64_t item = bomb_node_item(workload, tree, node), raws[BOMB_LINKS_MAX];
    unsigned count = 0, wanted = (unsigned)workload->options.raw_materials_per_leaf;
    for (unsigned child = node + 1; child < workload->options.material_tree_size; child++)
        if (parent_of(workload, tree, child) == node)
            add_link(workload, item, bomb_node_item(workload, tree, child), &count, links, quantities);
    if (count > 0)
        return count;
    struct rng rng;
    rng_init(&rng, draw_of(workload, BOMB_BOM, item), 0);
    micro_draw_distinct(&rng, workload->options.raw_material_types, raws, wanted);
    while (count < wanted)
        add_link(workload, item, bomb_raw_item(raws[count]), &count, links, quantities);
    return count;
}

uint64_t bomb_first_product(const struct workload *workload, uint64_t factory, uint64_t i)
{
    return (draw_of(workload, BOMB_FACTORY, factory) + i) % workload->options.product_types;
}

void bomb_fill_material_cost(const struct workload *workload, uint64_t key, struct bomb_material_cost *row)
{
    uint64_t draw = draw_of(workload, BOMB_MATERIAL_COST, key), quantity = 1 + draw % 1000;
    *row =
        (struct bomb_material_cost){.key = key, .quantity = quantity, .amount = quantity * (1 + (draw >> 32) % 1000)};
}

void bomb_fill_item(uint64_t id, struct bomb_item *row)
{
    static const char *const names[] = {"product", "material", "raw material"};
    *row = (struct bomb_item){.id = id,
                              .type = id >= BOMB_NODE_FIRST  ? BOMB_TYPE_NODE
                                      : id >= BOMB_RAW_FIRST ? BOMB_TYPE_RAW
                                                             : BOMB_TYPE_PRODUCT};
    snprintf(row->name, sizeof row->name, "%s %" PRIu64, names[row->type], id);
}
