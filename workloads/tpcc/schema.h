/*
 * schema.h - TPC-C's nine tables with all their columns, the rows that three of them can be split into, the indexes
 * over them, and how keys are packed.
 *
 * Model. A row is one fixed-layout struct. Money is in integer cents, rates (taxes, discounts) in 1/10000, dates in
 * microseconds since 1970. Text is padded with zero bytes to its maximum and not terminated. NULL has a value outside
 * the column's domain and a name: TPCC_CARRIER_NULL, TPCC_DATE_NULL. Columns that change come first in a row.
 *
 *   K1  Keys of 8 bytes sort as integers: district, then order, then line, so a district's orders, an order's lines and
 *       a customer's orders are each one range, oldest first.
 *   K2  Keys of hash indexes are dense integers from 0, except those of customers by last name.
 *
 * Checked by: tests/unit/workloads/tpcc/schema.c.   Source: TPC-C 5.11, clauses 1.3.1, 1.4.
 * Not here: the values of the columns (load.c).
 */
#ifndef WORKLOADS_TPCC_SCHEMA_H
#define WORKLOADS_TPCC_SCHEMA_H

#include <assert.h>
#include <endian.h>
#include <stdint.h>
#include <string.h>

enum {
    TPCC_DISTRICTS = 10,   /* a warehouse; TPC-C 1.2.1 */
    TPCC_CUSTOMERS = 3000, /* a district */
    TPCC_ORDERS = 3000,    /* a district, loaded */
    TPCC_DELIVERED = 2100, /* of them; TPC-C 4.3.3.1 */
    TPCC_ITEMS = 100000,
    TPCC_NAMES = 1000,  /* last names; TPC-C 4.3.2.3 */
    TPCC_LINES_MIN = 5, /* an order; TPC-C 2.4.1.3 */
    TPCC_LINES_MAX = 15,
    TPCC_WAREHOUSES_MAX = 100000,
    TPCC_TEXT_DIST = 24,
};

#define TPCC_DATE_NULL INT64_MIN
enum { TPCC_CARRIER_NULL = 0 }; /* carriers are 1 to 10 */

/*
 * WAREHOUSE, DISTRICT and CUSTOMER consist of parts: what is written together is one part, and what is never written
 * another. With split_rows=on each part is a row of its own, which has the key of the whole; else the row is the whole.
 */
struct tpcc_warehouse_ytd {
    int64_t cents;
};

struct tpcc_warehouse_info {
    uint32_t id;
    uint32_t tax_e4;
    char name[10], street_1[20], street_2[20], city[20], state[2], zip[9];
};

struct tpcc_warehouse {
    struct tpcc_warehouse_ytd ytd;   /* Payment writes it */
    struct tpcc_warehouse_info info; /* never written */
};

struct tpcc_district_ytd {
    int64_t cents;
};

struct tpcc_district_next {
    uint32_t o_id;
};

struct tpcc_district_info {
    uint32_t w_id;
    uint32_t tax_e4;
    uint8_t id;
    char name[10], street_1[20], street_2[20], city[20], state[2], zip[9];
};

struct tpcc_district {
    struct tpcc_district_ytd ytd;   /* Payment writes it */
    struct tpcc_district_next next; /* New-Order writes it */
    struct tpcc_district_info info; /* never written */
};

struct tpcc_customer_account {
    int64_t balance_cents;
    int64_t ytd_payment_cents;
    uint32_t payment_cnt;
    uint32_t delivery_cnt;
};

struct tpcc_customer_info {
    uint32_t id;
    uint32_t w_id;
    int64_t credit_lim_cents;
    int64_t since_us;
    uint32_t discount_e4;
    uint8_t d_id;
    char credit[2], middle[2], last[16], first[16];
    char street_1[20], street_2[20], city[20], state[2], zip[9], phone[16];
};

struct tpcc_customer_data {
    char text[500];
};

struct tpcc_customer {
    struct tpcc_customer_account account; /* Payment and Delivery write it */
    struct tpcc_customer_info info;       /* never written */
    struct tpcc_customer_data data;       /* Payment writes it where the credit is bad */
};

struct tpcc_history {
    int64_t date_us;
    int32_t amount_cents;
    uint32_t c_id, c_w_id, w_id;
    uint8_t c_d_id, d_id;
    char data[24];
};

struct tpcc_new_order_row {
    uint32_t o_id, w_id;
    uint8_t d_id;
};

struct tpcc_order {
    int64_t entry_us;
    uint32_t id, w_id, c_id;
    uint8_t d_id;
    uint8_t carrier_id; /* or TPCC_CARRIER_NULL */
    uint8_t ol_cnt;
    uint8_t all_local;
};

struct tpcc_order_line {
    int64_t delivery_us; /* or TPCC_DATE_NULL */
    int32_t amount_cents;
    uint32_t o_id, w_id, i_id, supply_w_id;
    uint8_t d_id, number, quantity;
    char dist_info[TPCC_TEXT_DIST];
};

struct tpcc_item {
    uint32_t id, im_id;
    int32_t price_cents;
    char name[24], data[50];
};

struct tpcc_stock {
    int32_t quantity;
    uint32_t order_cnt, remote_cnt;
    uint32_t i_id, w_id;
    char data[50]; /* beside the counters, with which New-Order reads it */
    char dist[TPCC_DISTRICTS][TPCC_TEXT_DIST];
    int64_t ytd; /* units sold, numeric(8) */
};

/* A row of up to 216 bytes is stored inline by the native engine; the four that are updated or read most stay below. */
static_assert(sizeof(struct tpcc_warehouse) <= 216 && sizeof(struct tpcc_district) <= 216, "hot rows are inlined");
static_assert(sizeof(struct tpcc_item) <= 216 && sizeof(struct tpcc_order_line) == 56, "small rows stay small");
static_assert(sizeof(struct tpcc_order) == 24 && sizeof(struct tpcc_new_order_row) == 12, "small rows stay small");

/* name, row struct, rows loaded a warehouse (order lines: on average; items: in all) */
#define TPCC_TABLES(X)                                                                             \
    X(WAREHOUSE, "warehouse", tpcc_warehouse, 1)                                                   \
    X(DISTRICT, "district", tpcc_district, TPCC_DISTRICTS)                                         \
    X(CUSTOMER, "customer", tpcc_customer, TPCC_DISTRICTS *TPCC_CUSTOMERS)                         \
    X(HISTORY, "history", tpcc_history, TPCC_DISTRICTS *TPCC_CUSTOMERS)                            \
    X(NEW_ORDER, "new_order", tpcc_new_order_row, TPCC_DISTRICTS *(TPCC_ORDERS - TPCC_DELIVERED))  \
    X(ORDER, "orders", tpcc_order, TPCC_DISTRICTS *TPCC_ORDERS)                                    \
    X(ORDER_LINE, "order_line", tpcc_order_line, TPCC_DISTRICTS *TPCC_ORDERS * 10)                 \
    X(ITEM, "item", tpcc_item, TPCC_ITEMS)                                                         \
    X(STOCK, "stock", tpcc_stock, TPCC_ITEMS)                                                      \
    X(WAREHOUSE_YTD, "warehouse_ytd", tpcc_warehouse_ytd, 1)                                       \
    X(DISTRICT_YTD, "district_ytd", tpcc_district_ytd, TPCC_DISTRICTS)                             \
    X(DISTRICT_NEXT, "district_next", tpcc_district_next, TPCC_DISTRICTS)                          \
    X(CUSTOMER_ACCOUNT, "customer_account", tpcc_customer_account, TPCC_DISTRICTS *TPCC_CUSTOMERS) \
    X(CUSTOMER_DATA, "customer_data", tpcc_customer_data, TPCC_DISTRICTS *TPCC_CUSTOMERS)

/* Those from TPCC_TABLE_SPLIT_FIRST on, and their indexes, are there with split_rows=on only. */
enum tpcc_table {
#define TPCC_TABLE_ENUM(id, name, row, rows) TPCC_TABLE_##id,
    TPCC_TABLES(TPCC_TABLE_ENUM)
#undef TPCC_TABLE_ENUM
        TPCC_TABLE_COUNT,
    TPCC_TABLE_SPLIT_FIRST = TPCC_TABLE_WAREHOUSE_YTD
};

/* name, table, kind, non-unique. CUSTOMER_NAME's kind depends on lastname_index, its key size on lastname_median, see
 * setup. HISTORY has no index. */
#define TPCC_INDEXES(X)                                                       \
    X(ITEM, "item_id", ITEM, HASH, false)                                     \
    X(WAREHOUSE, "warehouse_id", WAREHOUSE, HASH, false)                      \
    X(DISTRICT, "district_id", DISTRICT, HASH, false)                         \
    X(CUSTOMER, "customer_id", CUSTOMER, HASH, false)                         \
    X(CUSTOMER_NAME, "customer_name", CUSTOMER, ORDERED, true)                \
    X(STOCK, "stock_id", STOCK, HASH, false)                                  \
    X(ORDER, "orders_id", ORDER, ORDERED, false)                              \
    X(ORDER_CUSTOMER, "orders_customer", ORDER, ORDERED, false)               \
    X(NEW_ORDER, "new_order_id", NEW_ORDER, ORDERED, false)                   \
    X(ORDER_LINE, "order_line_id", ORDER_LINE, ORDERED, false)                \
    X(WAREHOUSE_YTD, "warehouse_ytd_id", WAREHOUSE_YTD, HASH, false)          \
    X(DISTRICT_YTD, "district_ytd_id", DISTRICT_YTD, HASH, false)             \
    X(DISTRICT_NEXT, "district_next_id", DISTRICT_NEXT, HASH, false)          \
    X(CUSTOMER_ACCOUNT, "customer_account_id", CUSTOMER_ACCOUNT, HASH, false) \
    X(CUSTOMER_DATA, "customer_data_id", CUSTOMER_DATA, HASH, false)

enum tpcc_index {
#define TPCC_INDEX_ENUM(id, name, table, kind, non_unique) TPCC_INDEX_##id,
    TPCC_INDEXES(TPCC_INDEX_ENUM)
#undef TPCC_INDEX_ENUM
        TPCC_INDEX_COUNT,
    TPCC_INDEX_SPLIT_FIRST = TPCC_INDEX_WAREHOUSE_YTD
};

/* ---- Keys. Here and inline because the five transactions pack some fifty a call. Ids count from 1. ---- */

enum { TPCC_ORDER_SHIFT = 32, TPCC_CUSTOMER_BITS = 12, TPCC_LINE_BITS = 4 };
static_assert(TPCC_CUSTOMERS < 1 << TPCC_CUSTOMER_BITS && TPCC_LINES_MAX < 1 << TPCC_LINE_BITS, "ids fit their bits");
static_assert(TPCC_WAREHOUSES_MAX * TPCC_DISTRICTS < 1 << (64 - TPCC_ORDER_SHIFT - TPCC_CUSTOMER_BITS),
              "district, customer and order fit 64 bits");

static inline uint64_t tpcc_warehouse_key(uint32_t w_id)
{
    return w_id - 1;
}

static inline uint64_t tpcc_district_key(uint32_t w_id, uint32_t d_id)
{
    return (uint64_t)(w_id - 1) * TPCC_DISTRICTS + (d_id - 1);
}

static inline uint64_t tpcc_customer_key(uint32_t w_id, uint32_t d_id, uint32_t c_id)
{
    return tpcc_district_key(w_id, d_id) * TPCC_CUSTOMERS + (c_id - 1);
}

static inline uint64_t tpcc_item_key(uint32_t i_id)
{
    return i_id - 1;
}

static inline uint64_t tpcc_stock_key(uint32_t w_id, uint32_t i_id)
{
    return (uint64_t)(w_id - 1) * TPCC_ITEMS + (i_id - 1);
}

/* ORDER and NEW-ORDER. */
static inline uint64_t tpcc_order_key(uint32_t w_id, uint32_t d_id, uint32_t o_id)
{
    return tpcc_district_key(w_id, d_id) << TPCC_ORDER_SHIFT | o_id;
}

static inline uint64_t tpcc_order_customer_key(uint32_t w_id, uint32_t d_id, uint32_t c_id, uint32_t o_id)
{
    return (tpcc_district_key(w_id, d_id) << TPCC_CUSTOMER_BITS | c_id) << TPCC_ORDER_SHIFT | o_id;
}

/* The order in the low bits of one of the last two keys. */
static inline uint32_t tpcc_key_order(uint64_t key)
{
    return (uint32_t)key;
}

static inline uint64_t tpcc_order_line_key(uint32_t w_id, uint32_t d_id, uint32_t o_id, uint32_t number)
{
    return (tpcc_district_key(w_id, d_id) << TPCC_ORDER_SHIFT | o_id) << TPCC_LINE_BITS | number;
}

/*
 * CUSTOMER by last name. Last names are the numbers 0 to 999 spelled out (TPC-C 4.3.2.3), so the number stands for the
 * name. With lastname_median=sorted the key goes on with C_FIRST, so that the index itself sorts a name's customers as
 * TPC-C 2.5.2.2 wants them; else it is `name` alone, an 8-byte integer, and customers of a name come in row order.
 */
static inline uint64_t tpcc_name_number_key(uint32_t w_id, uint32_t d_id, uint32_t name)
{
    return tpcc_district_key(w_id, d_id) * TPCC_NAMES + name;
}

/*
 * With lastname_index=hash the i-th customer of a name, from 0, has a key of its own, as hash indexes are unique here.
 * The authors' index had one entry a bucket and chained those of a name, so that n customers were n buckets one after
 * the other; here they are n lookups, and one more that finds nothing and ends the list.
 */
enum { TPCC_NAME_ENTRY_BITS = 12 };
static_assert(TPCC_CUSTOMERS < 1 << TPCC_NAME_ENTRY_BITS, "all customers of a district may have one name");

static inline uint64_t tpcc_name_entry_key(uint64_t name_number_key, uint32_t i)
{
    return name_number_key << TPCC_NAME_ENTRY_BITS | i;
}

struct tpcc_name_key {
    uint64_t name_be; /* tpcc_name_number_key, big-endian: keys longer than 8 bytes sort bytewise */
    char first[16];
};
static_assert(sizeof(struct tpcc_name_key) == 24, "no padding in a key");

/* `first` 16 bytes, or NULL for `fill` in each of them: the ends of a name's range. */
static inline struct tpcc_name_key tpcc_name_key(uint32_t w_id, uint32_t d_id, uint32_t name, const char *first,
                                                 int fill)
{
    struct tpcc_name_key key = {.name_be = htobe64(tpcc_name_number_key(w_id, d_id, name))};
    if (first)
        memcpy(key.first, first, sizeof(key.first));
    else
        memset(key.first, fill, sizeof(key.first));
    return key;
}

#endif
