/*
 * load.c - fills the tables. TPC-C 4.3.3.1.
 *
 * Model. The load is cut into units: a range of items, a warehouse row with a range of its stocks, a district with its
 * customers and orders. The contents of a unit depend only on the seed and the unit, not on the part that loads it. If
 * there are enough warehouses, one part loads a whole warehouse (with home=worker the part of the worker whose home it
 * is); else districts and ranges are spread over the parts. A unit is loaded in batches, each a transaction. A batch
 * that aborts runs again from the generator state with which it began.
 *
 * Source: TPC-C 4.3.2, 4.3.3. Not here: how values are drawn (random.c).
 */
#include <stdlib.h>

#include "engine/base/mem.h"
#include "workloads/tpcc/instance.h"

enum {
    ITEM_UNITS = 20,  /* in all */
    STOCK_UNITS = 10, /* a warehouse */
    ITEMS_A_UNIT = TPCC_ITEMS / ITEM_UNITS,
    STOCKS_A_UNIT = TPCC_ITEMS / STOCK_UNITS,
    WAREHOUSE_UNITS = STOCK_UNITS + TPCC_DISTRICTS,
    SMALL_ROWS_A_BATCH = 100,
    CUSTOMERS_A_BATCH = 50,
    ORDERS_A_BATCH = 10,
};
static_assert(TPCC_ITEMS % ITEM_UNITS == 0 && TPCC_ITEMS % STOCK_UNITS == 0, "units cover all rows");
static_assert(ITEMS_A_UNIT % SMALL_ROWS_A_BATCH == 0 && STOCKS_A_UNIT % SMALL_ROWS_A_BATCH == 0 &&
                  TPCC_CUSTOMERS % CUSTOMERS_A_BATCH == 0 && TPCC_ORDERS % ORDERS_A_BATCH == 0,
              "batches cover a unit");

struct loader {
    struct workload *tpcc;
    const struct target_ops *ops;
    struct target_worker *worker;
    struct target_txn *txn;
    struct workload_progress *progress;
    const _Atomic bool *stop;
    struct rng rng;
    int64_t now_us;
    uint32_t w_id, d_id;
    uint32_t *order_customers;  /* 3000, a permutation; TPC-C 4.3.3.1 */
    uint64_t lines;             /* inserted by the running batch */
    uint16_t named[TPCC_NAMES]; /* customers of each last name in the district so far */
};

/* Inserts rows first .. first + count - 1 of something, from 1. */
typedef enum target_status (*batch_fn)(struct loader *loader, uint32_t first, uint32_t count);

static enum target_status insert(struct loader *loader, enum tpcc_index index, uint64_t key, size_t bytes,
                                 uint64_t *ref, void **row)
{
    return loader->ops->insert(loader->txn, loader->tpcc->indexes[index], &key, bytes, ref, row);
}

/* Runs one batch as a transaction until it commits. */
static enum target_status run_batch(struct loader *loader, batch_fn batch, uint32_t first, uint32_t count)
{
    const struct rng rng = loader->rng;
    uint16_t named[TPCC_NAMES];
    memcpy(named, loader->named, sizeof named);
    for (;;) { /* ends: retryable aborts come from other loaders at work, which commit */
        if (atomic_load_explicit(loader->stop, memory_order_relaxed))
            return TARGET_OK;
        loader->rng = rng;
        memcpy(loader->named, named, sizeof named);
        loader->lines = 0;
        enum target_status status = loader->ops->begin(loader->worker, TARGET_READ_WRITE, &loader->txn);
        if (status != TARGET_OK)
            return status;
        status = batch(loader, first, count);
        if (status == TARGET_OK)
            status = loader->ops->commit(loader->txn);
        else
            loader->ops->abort(loader->txn);
        if (status == TARGET_OK) {
            atomic_fetch_add_explicit(&loader->tpcc->lines_loaded, loader->lines, memory_order_relaxed);
            uint64_t done = atomic_load_explicit(&loader->progress->done, memory_order_relaxed);
            atomic_store_explicit(&loader->progress->done, done + count, memory_order_relaxed);
            return TARGET_OK;
        }
        if (!target_status_is_retry(status))
            return status;
        target_backoff(loader->ops, loader->worker);
    }
}

static enum target_status run_batches(struct loader *loader, batch_fn batch, uint32_t first, uint32_t count,
                                      uint32_t a_batch)
{
    for (uint32_t i = 0; i < count; i += a_batch) {
        enum target_status status = run_batch(loader, batch, first + i, count - i < a_batch ? count - i : a_batch);
        if (status != TARGET_OK)
            return status;
    }
    return TARGET_OK;
}

/* ---- Rows. ---- */

/* W_STREET_1 and on, the same in three tables; TPC-C 4.3.2.7. */
static void fill_address(struct rng *rng, char street_1[20], char street_2[20], char city[20], char state[2],
                         char zip[9])
{
    tpcc_text(rng, street_1, 10, 20);
    tpcc_text(rng, street_2, 10, 20);
    tpcc_text(rng, city, 10, 20);
    tpcc_state(rng, state);
    tpcc_digits(rng, zip, 4);
    memset(zip + 4, '1', 5);
}

static enum target_status load_items(struct loader *loader, uint32_t first, uint32_t count)
{
    for (uint32_t id = first; id < first + count; id++) {
        void *row;
        enum target_status status =
            insert(loader, TPCC_INDEX_ITEM, tpcc_item_key(id), sizeof(struct tpcc_item), NULL, &row);
        if (status != TARGET_OK)
            return status;
        struct tpcc_item *item = memset(row, 0, sizeof(*item));
        item->id = id;
        item->im_id = tpcc_uniform(&loader->rng, 1, 10000);
        item->price_cents = (int32_t)tpcc_uniform(&loader->rng, 100, 10000);
        tpcc_text(&loader->rng, item->name, 14, 24);
        tpcc_original_data(&loader->rng, item->data);
    }
    return TARGET_OK;
}

/* A row of so many bytes, copied from `from`. */
static enum target_status insert_copy(struct loader *loader, enum tpcc_index index, uint64_t key, const void *from,
                                      size_t bytes, uint64_t *ref)
{
    void *row;
    enum target_status status = insert(loader, index, key, bytes, ref, &row);
    if (status == TARGET_OK)
        memcpy(row, from, bytes);
    return status;
}

static enum target_status insert_warehouse(struct loader *loader, const struct tpcc_warehouse *warehouse)
{
    uint64_t key = tpcc_warehouse_key(warehouse->info.id);
    if (!loader->tpcc->options.split_rows)
        return insert_copy(loader, TPCC_INDEX_WAREHOUSE, key, warehouse, sizeof *warehouse, NULL);
    enum target_status status =
        insert_copy(loader, TPCC_INDEX_WAREHOUSE, key, &warehouse->info, sizeof warehouse->info, NULL);
    if (status == TARGET_OK)
        status = insert_copy(loader, TPCC_INDEX_WAREHOUSE_YTD, key, &warehouse->ytd, sizeof warehouse->ytd, NULL);
    return status;
}

static enum target_status load_warehouse(struct loader *loader, uint32_t w_id, uint32_t count)
{
    struct tpcc_warehouse warehouse;
    struct tpcc_warehouse_info *info = &warehouse.info;
    (void)count;
    memset(&warehouse, 0, sizeof warehouse); /* the padding, too */
    warehouse.ytd.cents = 30000000;
    info->id = w_id;
    info->tax_e4 = tpcc_uniform(&loader->rng, 0, 2000);
    tpcc_text(&loader->rng, info->name, 6, 10);
    fill_address(&loader->rng, info->street_1, info->street_2, info->city, info->state, info->zip);
    return insert_warehouse(loader, &warehouse);
}

static enum target_status load_stocks(struct loader *loader, uint32_t first, uint32_t count)
{
    for (uint32_t i_id = first; i_id < first + count; i_id++) {
        void *row;
        enum target_status status =
            insert(loader, TPCC_INDEX_STOCK, tpcc_stock_key(loader->w_id, i_id), sizeof(struct tpcc_stock), NULL, &row);
        if (status != TARGET_OK)
            return status;
        struct tpcc_stock *stock = memset(row, 0, sizeof(*stock));
        stock->quantity = (int32_t)tpcc_uniform(&loader->rng, 10, 100);
        stock->i_id = i_id;
        stock->w_id = loader->w_id;
        for (unsigned d = 0; d < TPCC_DISTRICTS; d++)
            tpcc_text(&loader->rng, stock->dist[d], TPCC_TEXT_DIST, TPCC_TEXT_DIST);
        tpcc_original_data(&loader->rng, stock->data);
    }
    return TARGET_OK;
}

static enum target_status insert_district(struct loader *loader, const struct tpcc_district *district)
{
    uint64_t key = tpcc_district_key(district->info.w_id, district->info.id);
    if (!loader->tpcc->options.split_rows)
        return insert_copy(loader, TPCC_INDEX_DISTRICT, key, district, sizeof *district, NULL);
    enum target_status status =
        insert_copy(loader, TPCC_INDEX_DISTRICT, key, &district->info, sizeof district->info, NULL);
    if (status == TARGET_OK)
        status = insert_copy(loader, TPCC_INDEX_DISTRICT_YTD, key, &district->ytd, sizeof district->ytd, NULL);
    if (status == TARGET_OK)
        status = insert_copy(loader, TPCC_INDEX_DISTRICT_NEXT, key, &district->next, sizeof district->next, NULL);
    return status;
}

static enum target_status load_district(struct loader *loader, uint32_t d_id, uint32_t count)
{
    struct tpcc_district district;
    struct tpcc_district_info *info = &district.info;
    (void)count;
    memset(&district, 0, sizeof district);
    district.ytd.cents = 3000000;
    district.next.o_id = TPCC_ORDERS + 1;
    info->w_id = loader->w_id;
    info->tax_e4 = tpcc_uniform(&loader->rng, 0, 2000);
    info->id = (uint8_t)d_id;
    tpcc_text(&loader->rng, info->name, 6, 10);
    fill_address(&loader->rng, info->street_1, info->street_2, info->city, info->state, info->zip);
    return insert_district(loader, &district);
}

static void fill_customer(struct loader *loader, uint32_t id, uint32_t name, struct tpcc_customer *customer)
{
    struct rng *rng = &loader->rng;
    struct tpcc_customer_info *info = &customer->info;
    memset(customer, 0, sizeof(*customer));
    customer->account =
        (struct tpcc_customer_account){.balance_cents = -1000, .ytd_payment_cents = 1000, .payment_cnt = 1};
    info->id = id;
    info->w_id = loader->w_id;
    info->d_id = (uint8_t)loader->d_id;
    info->credit_lim_cents = 5000000;
    info->since_us = loader->now_us;
    info->discount_e4 = tpcc_uniform(rng, 0, 5000);
    memcpy(info->credit, rng_next(rng) >> 32 < loader->tpcc->options.credit_bad ? "BC" : "GC", 2);
    memcpy(info->middle, "OE", 2);
    tpcc_last_name(name, info->last);
    tpcc_text(rng, info->first, 8, 16);
    fill_address(rng, info->street_1, info->street_2, info->city, info->state, info->zip);
    tpcc_digits(rng, info->phone, sizeof(info->phone));
    tpcc_text(rng, customer->data.text, 300, 500);
}

/* `ref`: of the row of table CUSTOMER. */
static enum target_status insert_customer(struct loader *loader, const struct tpcc_customer *customer, uint64_t *ref)
{
    uint64_t key = tpcc_customer_key(customer->info.w_id, customer->info.d_id, customer->info.id);
    if (!loader->tpcc->options.split_rows)
        return insert_copy(loader, TPCC_INDEX_CUSTOMER, key, customer, sizeof *customer, ref);
    enum target_status status =
        insert_copy(loader, TPCC_INDEX_CUSTOMER, key, &customer->info, sizeof customer->info, ref);
    if (status == TARGET_OK)
        status =
            insert_copy(loader, TPCC_INDEX_CUSTOMER_ACCOUNT, key, &customer->account, sizeof customer->account, NULL);
    if (status == TARGET_OK)
        status = insert_copy(loader, TPCC_INDEX_CUSTOMER_DATA, key, &customer->data, sizeof customer->data, NULL);
    return status;
}

static enum target_status load_history(struct loader *loader, uint32_t c_id)
{
    uint64_t ref;
    void *row;
    enum target_status status = loader->ops->row_insert(loader->txn, loader->tpcc->tables[TPCC_TABLE_HISTORY],
                                                        sizeof(struct tpcc_history), &ref, &row);
    if (status != TARGET_OK)
        return status;
    struct tpcc_history *history = memset(row, 0, sizeof(*history));
    history->date_us = loader->now_us;
    history->amount_cents = 1000;
    history->c_id = c_id;
    history->c_w_id = history->w_id = loader->w_id;
    history->c_d_id = history->d_id = (uint8_t)loader->d_id;
    tpcc_text(&loader->rng, history->data, 12, 24);
    return TARGET_OK;
}

static enum target_status load_customers(struct loader *loader, uint32_t first, uint32_t count)
{
    struct workload *tpcc = loader->tpcc;
    for (uint32_t id = first; id < first + count; id++) {
        /* The first thousand customers have each name once, so that every name has a customer. */
        uint32_t name =
            id <= TPCC_NAMES ? id - 1 : tpcc_nurand(&loader->rng, 255, tpcc->nurand_load.c_last, 0, TPCC_NAMES - 1);
        uint64_t ref;
        struct tpcc_customer customer;
        fill_customer(loader, id, name, &customer);
        enum target_status status = insert_customer(loader, &customer, &ref);
        if (status != TARGET_OK)
            return status;
        struct tpcc_name_key name_key = tpcc_name_key(loader->w_id, loader->d_id, name, customer.info.first, 0);
        uint64_t name_number = tpcc_name_number_key(loader->w_id, loader->d_id, name);
        if (tpcc->options.names_hashed)
            name_number = tpcc_name_entry_key(name_number, loader->named[name]++);
        status = loader->ops->index_insert(loader->txn, tpcc->indexes[TPCC_INDEX_CUSTOMER_NAME],
                                           tpcc->options.median_sorted ? (const void *)&name_key : &name_number, ref);
        if (status == TARGET_OK && tpcc->options.insert_history)
            status = load_history(loader, id);
        if (status != TARGET_OK)
            return status;
    }
    return TARGET_OK;
}

static enum target_status load_order_line(struct loader *loader, const struct tpcc_order *order, uint32_t number)
{
    bool delivered = order->carrier_id != TPCC_CARRIER_NULL;
    void *row;
    enum target_status status =
        insert(loader, TPCC_INDEX_ORDER_LINE, tpcc_order_line_key(loader->w_id, loader->d_id, order->id, number),
               sizeof(struct tpcc_order_line), NULL, &row);
    if (status != TARGET_OK)
        return status;
    struct tpcc_order_line *line = memset(row, 0, sizeof(*line));
    line->delivery_us = delivered ? order->entry_us : TPCC_DATE_NULL;
    line->amount_cents = delivered ? 0 : (int32_t)tpcc_uniform(&loader->rng, 1, 999999);
    line->o_id = order->id;
    line->w_id = line->supply_w_id = loader->w_id;
    line->i_id = tpcc_uniform(&loader->rng, 1, TPCC_ITEMS);
    line->d_id = (uint8_t)loader->d_id;
    line->number = (uint8_t)number;
    line->quantity = 5;
    tpcc_text(&loader->rng, line->dist_info, TPCC_TEXT_DIST, TPCC_TEXT_DIST);
    loader->lines++;
    return TARGET_OK;
}

static enum target_status load_orders(struct loader *loader, uint32_t first, uint32_t count)
{
    for (uint32_t id = first; id < first + count; id++) {
        bool delivered = id <= TPCC_DELIVERED;
        uint64_t key = tpcc_order_key(loader->w_id, loader->d_id, id), ref;
        uint32_t c_id = loader->order_customers[id - 1];
        void *row;
        enum target_status status = insert(loader, TPCC_INDEX_ORDER, key, sizeof(struct tpcc_order), &ref, &row);
        if (status != TARGET_OK)
            return status;
        struct tpcc_order *order = row;
        *order = (struct tpcc_order){
            .entry_us = loader->now_us,
            .id = id,
            .w_id = loader->w_id,
            .c_id = c_id,
            .d_id = (uint8_t)loader->d_id,
            .carrier_id = delivered ? (uint8_t)tpcc_uniform(&loader->rng, 1, 10) : TPCC_CARRIER_NULL,
            .ol_cnt = (uint8_t)tpcc_uniform(&loader->rng, TPCC_LINES_MIN, TPCC_LINES_MAX),
            .all_local = 1,
        };
        uint64_t customer_key = tpcc_order_customer_key(loader->w_id, loader->d_id, c_id, id);
        status = loader->ops->index_insert(loader->txn, loader->tpcc->indexes[TPCC_INDEX_ORDER_CUSTOMER], &customer_key,
                                           ref);
        for (uint32_t number = 1; status == TARGET_OK && number <= order->ol_cnt; number++)
            status = load_order_line(loader, order, number);
        if (status != TARGET_OK)
            return status;
        if (delivered)
            continue;
        status = insert(loader, TPCC_INDEX_NEW_ORDER, key, sizeof(struct tpcc_new_order_row), NULL, &row);
        if (status != TARGET_OK)
            return status;
        *(struct tpcc_new_order_row *)row =
            (struct tpcc_new_order_row){.o_id = id, .w_id = loader->w_id, .d_id = (uint8_t)loader->d_id};
    }
    return TARGET_OK;
}

/* ---- Units and parts. ---- */

/* Items: units 0 to ITEM_UNITS - 1; then each warehouse's. */
static uint64_t unit_count(const struct workload *tpcc)
{
    return ITEM_UNITS + (uint64_t)tpcc->options.warehouses * WAREHOUSE_UNITS;
}

static bool is_mine(const struct workload *tpcc, uint64_t unit, unsigned part, unsigned parts)
{
    if (tpcc->options.warehouses < parts)
        return unit % parts == part;
    if (unit < ITEM_UNITS)
        return part == 0;
    return (unit - ITEM_UNITS) / WAREHOUSE_UNITS % parts == part;
}

static uint64_t unit_rows(const struct workload *tpcc, uint64_t unit)
{
    if (unit < ITEM_UNITS)
        return ITEMS_A_UNIT;
    uint64_t within = (unit - ITEM_UNITS) % WAREHOUSE_UNITS;
    if (within < STOCK_UNITS)
        return STOCKS_A_UNIT + (within == 0);
    return 1 + TPCC_CUSTOMERS + (tpcc->options.insert_orders ? TPCC_ORDERS : 0);
}

static enum target_status load_unit(struct loader *loader, uint64_t unit)
{
    rng_init(&loader->rng, loader->tpcc->seed, (UINT64_C(1) << 32) + unit); /* streams of workers are below */
    if (unit < ITEM_UNITS)
        return run_batches(loader, load_items, 1 + (uint32_t)unit * ITEMS_A_UNIT, ITEMS_A_UNIT, SMALL_ROWS_A_BATCH);

    uint32_t within = (uint32_t)((unit - ITEM_UNITS) % WAREHOUSE_UNITS);
    loader->w_id = 1 + (uint32_t)((unit - ITEM_UNITS) / WAREHOUSE_UNITS);
    if (within < STOCK_UNITS) {
        enum target_status status = within == 0 ? run_batch(loader, load_warehouse, loader->w_id, 1) : TARGET_OK;
        if (status != TARGET_OK)
            return status;
        return run_batches(loader, load_stocks, 1 + within * STOCKS_A_UNIT, STOCKS_A_UNIT, SMALL_ROWS_A_BATCH);
    }
    loader->d_id = 1 + within - STOCK_UNITS;
    memset(loader->named, 0, sizeof loader->named);
    enum target_status status = run_batch(loader, load_district, loader->d_id, 1);
    if (status == TARGET_OK)
        status = run_batches(loader, load_customers, 1, TPCC_CUSTOMERS, CUSTOMERS_A_BATCH);
    if (status != TARGET_OK || !loader->tpcc->options.insert_orders)
        return status;
    tpcc_permutation(&loader->rng, loader->order_customers, TPCC_ORDERS);
    return run_batches(loader, load_orders, 1, TPCC_ORDERS, ORDERS_A_BATCH);
}

enum target_status tpcc_load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                             struct workload_progress *progress, const _Atomic bool *stop)
{
    struct loader loader = {.tpcc = workload,
                            .ops = workload->ops,
                            .worker = worker,
                            .progress = progress,
                            .stop = stop,
                            .now_us = tpcc_now_us(&workload->options)};
    uint64_t total = 0;
    for (uint64_t unit = 0; unit < unit_count(workload); unit++) {
        if (is_mine(workload, unit, part, parts))
            total += unit_rows(workload, unit);
    }
    atomic_store_explicit(&progress->total, total, memory_order_relaxed);

    loader.order_customers = mem_alloc(TPCC_ORDERS * sizeof(uint32_t));
    if (!loader.order_customers)
        return TARGET_NO_MEMORY;
    enum target_status status = TARGET_OK;
    for (uint64_t unit = 0; status == TARGET_OK && unit < unit_count(workload); unit++) {
        if (is_mine(workload, unit, part, parts) && !atomic_load_explicit(stop, memory_order_relaxed))
            status = load_unit(&loader, unit);
    }
    free(loader.order_customers);
    return status;
}
