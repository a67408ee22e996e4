/*
 * instance.h - what BoMB's files share: the rows, the instance, and what its workers have committed.
 *
 * An item is a product, a node of a material tree, or a raw material. Rows of BOM lead from an item to the items that
 * it is made of: from a product to roots of trees, from a node to its children, and from a leaf to raw materials.
 * A factory makes some products (PRODUCT), each with the cost that was last computed for it (RESULT_COST), and has a
 * price of each raw material (MATERIAL_COST). Vouchers are only inserted.
 *     M1  Each factory makes target_products products, and has a result cost of each of them and of no other.
 *     M2  A product is made of material_trees_per_product trees, a leaf of raw_materials_per_leaf raw materials.
 *     M3  All result costs of a factory are of one update_product_cost, or of none since the product came.
 *     M4  The rows, and the changes that they count, are those loaded and committed, row by row (in sum, weighted by
 *         row).
 *     M5  Each worker's vouchers are the committed ones, without gap.
 * A committed transaction sees M1 to M3 of whatever it reads; check.c demands all of them of all rows.
 * Costs and amounts are counted modulo 2^64, so that they are exact.
 */
#ifndef WORKLOADS_BOMB_INSTANCE_H
#define WORKLOADS_BOMB_INSTANCE_H

#include "workloads/micro/common.h"

/* The long one, and the short ones in the order of the mix. */
#define BOMB_TXNS(X)        \
    X(update_product_cost)  \
    X(update_material_cost) \
    X(issue_vouchers)       \
    X(change_product)       \
    X(change_raw_material)  \
    X(change_quantity)

enum bomb_txn {
#define BOMB_TXN_ENUM(name) BOMB_##name,
    BOMB_TXNS(BOMB_TXN_ENUM)
#undef BOMB_TXN_ENUM
        BOMB_TXN_COUNT
};
enum { BOMB_SHORT_COUNT = BOMB_TXN_COUNT - 1 };

#define BOMB_OPTIONS(X)                                                                                        \
    X(u64, factories, "8", "1..10000", "", "factories; a long transaction is about one of them")               \
    X(u64, product_types, "7200", "1..100000000", "", "products that some factory could make at first")        \
    X(u64, material_types, "19800", "1..30000000", "", "trees of materials")                                   \
    X(u64, raw_material_types, "7500", "1..100000000", "", "raw materials, each with a price in each factory") \
    X(u64, material_trees_per_product, "5", "1..64", "", "trees that a product is made of")                    \
    X(u64, material_tree_size, "10", "1..64", "", "materials in a tree")                                       \
    X(u64, raw_materials_per_leaf, "3", "1..64", "", "raw materials that a leaf of a tree is made of")         \
    X(u64, target_products, "100", "1..10000", "", "products that a factory makes at a time")                  \
    X(u64, target_materials, "1", "1..64", "", "raw materials that an update_material_cost changes")           \
    X(u64, long_workers, "1", "0..256", "",                                                                    \
      "so many workers, the first, run update_product_cost only, the others "                                  \
      "none, if there are others")                                                                             \
    X(f64, long_ratio, "0.001", "0..1", "",                                                                    \
      "share of update_product_cost where no workers are set apart (long_workers=0, or no others)")            \
    X(string, mix, "62/12/1/24/1", "", "%",                                                                    \
      "percent of the short update_material_cost/issue_vouchers/change_product/change_raw_material/change_quantity")

struct bomb_options {
    BOMB_OPTIONS(OPTION_FIELD)
};

/* Tables, and the index by key of each. */
enum {
    BOMB_FACTORY,
    BOMB_ITEM,
    BOMB_PRODUCT,
    BOMB_BOM,
    BOMB_MATERIAL_COST,
    BOMB_RESULT_COST,
    BOMB_VOUCHER,
    BOMB_TABLES
};
enum { BOMB_TYPE_PRODUCT, BOMB_TYPE_NODE, BOMB_TYPE_RAW };
/* Keys of vouchers have the worker above the bits of the number. */
enum { BOMB_VOUCHER_SHIFT = 40 };
enum { BOMB_NAME_BYTES = 32, BOMB_LINKS_MAX = 64, BOMB_MATERIALS_MAX = 64 };

struct bomb_factory {
    uint64_t id;
    char name[BOMB_NAME_BYTES];
};

struct bomb_item {
    uint64_t id, type;
    char name[BOMB_NAME_BYTES];
};

struct bomb_product {
    uint64_t key; /* factory, item */
    uint64_t quantity, updates;
};

struct bomb_link { /* a row of BOM */
    uint64_t key;  /* item, what it is made of */
    uint64_t quantity;
};

struct bomb_material_cost {
    uint64_t key; /* factory, raw material */
    uint64_t quantity, amount, updates;
};

struct bomb_result_cost {
    uint64_t key; /* factory, item */
    uint64_t cost, updates;
    uint64_t stamp; /* of the transaction that computed it; 0: none yet */
};

struct bomb_voucher {
    uint64_t key; /* worker, number */
    uint64_t amount;
    uint64_t date;
    uint32_t debit, credit;
};

/* Two numbers below 2^32 in the order of keys. */
static inline uint64_t bomb_key(uint64_t high, uint64_t low)
{
    return high << 32 | low;
}

/* Items. New products go on where the loaded ones end. */
enum { BOMB_RAW_FIRST = 1 << 30 };
#define BOMB_NODE_FIRST (UINT64_C(1) << 31)

static inline uint64_t bomb_product_item(uint64_t product)
{
    return 1 + product;
}

static inline uint64_t bomb_raw_item(uint64_t raw)
{
    return BOMB_RAW_FIRST + raw;
}

/* What M4 and M5 sum up: micro_weight of each key, times ... */
#define BOMB_PRINTS(X)                                                                                \
    X(links, "rows of BOM")                             /* 1 */                                       \
    X(products, "rows of PRODUCT and their updates")    /* 1 + updates */                             \
    X(results, "rows of RESULT_COST and their updates") /* 1 + updates */                             \
    X(materials, "updates of MATERIAL_COST")            /* updates */                                 \
    X(amounts, "amounts of MATERIAL_COST")              /* what amounts have gained since the load */ \
    X(vouchers, "amounts of JOURNAL_VOUCHER")           /* amount */

struct bomb_prints {
#define BOMB_PRINT_FIELD(name, text) uint64_t name;
    BOMB_PRINTS(BOMB_PRINT_FIELD)
#undef BOMB_PRINT_FIELD
};

void bomb_prints_add(struct bomb_prints *sum, const struct bomb_prints *prints);

/* What a worker has committed. */
struct bomb_tally {
    uint64_t longs, products, vouchers; /* update_product_costs; new products; vouchers */
    struct bomb_prints prints;
};

struct workload {
    struct micro micro;
    struct bomb_options options;
    uint8_t mix[BOMB_SHORT_COUNT];
    bool apart; /* the first long_workers run only long transactions, the others none */
};

/* An item to be costed: how many of it are needed. */
struct bomb_need {
    uint64_t item, quantity;
};

struct workload_worker {
    struct micro_worker base;
    /* The request. */
    enum bomb_txn type;
    uint64_t factory, place, amount; /* place: of a product in the factory, or of a raw material in the leaf */
    uint64_t leaf;                   /* an item */
    uint64_t materials[BOMB_MATERIALS_MAX];
    uint64_t trees[BOMB_LINKS_MAX]; /* of the new product */
    /* Of the running attempt. */
    struct target_txn *txn;
    enum target_status status; /* of a scan */
    unsigned operations;
    unsigned table; /* that is scanned */
    uint64_t row_count, rows_max;
    uint64_t *rows;          /* keys that a scan of PRODUCT has met; target_products and one more */
    struct bomb_need *needs; /* a stack */
    uint64_t need_count;
    uint64_t links[BOMB_LINKS_MAX + 1];      /* keys that a scan of BOM has met */
    uint64_t quantities[BOMB_LINKS_MAX + 1]; /* and their quantities */
    uint64_t stamp;                          /* of the result costs that a scan has met */
    struct bomb_tally done;
    char finding[MICRO_FINDING_BYTES];
};

extern const char *const bomb_txn_types[];

/* ---- What is loaded; follows from the seed. ---- */

/* The links from a product, by its place, or from a node, and their quantities. Returns how many. */
unsigned bomb_product_links(const struct workload *workload, uint64_t product, uint64_t links[BOMB_LINKS_MAX],
                            uint64_t quantities[BOMB_LINKS_MAX]);
unsigned bomb_node_links(const struct workload *workload, uint64_t tree, unsigned node, uint64_t links[BOMB_LINKS_MAX],
                         uint64_t quantities[BOMB_LINKS_MAX]);
uint64_t bomb_quantity(const struct workload *workload,
                       uint64_t key); /* of any row of BOM, also of those inserted later */
/* Bit i: the i-th node of the tree is a leaf. */
uint64_t bomb_leaves(const struct workload *workload, uint64_t tree);
uint64_t bomb_node_item(const struct workload *workload, uint64_t tree, unsigned node);
/* The i-th product of a factory at first. */
uint64_t bomb_first_product(const struct workload *workload, uint64_t factory, uint64_t i);
void bomb_fill_material_cost(const struct workload *workload, uint64_t key, struct bomb_material_cost *row);
void bomb_fill_item(uint64_t id, struct bomb_item *row);

/* ---- transactions.c ---- */

enum target_status bomb_worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                      struct workload_worker **state);
void bomb_worker_destroy(struct workload_worker *state);
unsigned bomb_next(struct workload_worker *state);
bulk_attempt_fn bomb_attempt;
unsigned bomb_operations(const struct workload_worker *state);

bulk_pass_fn bomb_check_pass; /* check.c */

#endif
