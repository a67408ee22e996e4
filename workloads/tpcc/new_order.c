/*
 * new_order.c - the New-Order transaction: a read-write transaction in the middle of everything. TPC-C 2.4.
 *
 * The contended row is the DISTRICT, from which every New-Order of the district takes the next order id. items_first
 * moves the reads of ITEM, which no transaction writes, before it. A New-Order that names an unused item rolls back
 * completely, including the order id that it took.
 */
#include "workloads/tpcc/instance.h"

struct lines {
    const struct tpcc_item *items[TPCC_LINES_MAX];
    int64_t sum_cents;
};

static enum target_status read_item(struct workload_worker *self, struct target_txn *txn, uint32_t line,
                                    struct lines *lines)
{
    const struct tpcc_new_order_request *request = &self->request->new_order;
    const void *row;
    enum target_status status = tpcc_read(self, txn, TPCC_INDEX_ITEM, request->item_keys[line], &row);
    if (status == TARGET_NOT_FOUND && request->rolls_back && line + 1 == request->line_count)
        return TARGET_ROLLED_BACK; /* 2.4.2.3 */
    lines->items[line] = row;
    return status;
}

/* 2.4.2.2: the STOCK row takes the quantity off, and up again by 91 when it runs low. */
static void take_stock(struct tpcc_stock *stock, uint32_t quantity, bool remote)
{
    stock->quantity -= (int32_t)quantity;
    if (stock->quantity < 10)
        stock->quantity += 91;
    stock->ytd += quantity;
    stock->order_cnt++;
    stock->remote_cnt += remote;
}

static enum target_status insert_order(struct workload_worker *self, struct target_txn *txn, uint32_t o_id)
{
    const struct tpcc_new_order_request *request = &self->request->new_order;
    uint64_t key = tpcc_order_key(request->w_id, request->d_id, o_id), ref;
    void *row;
    enum target_status status = tpcc_insert(self, txn, TPCC_INDEX_ORDER, key, sizeof(struct tpcc_order), &ref, &row);
    if (status != TARGET_OK)
        return status;
    *(struct tpcc_order *)row = (struct tpcc_order){
        .entry_us = self->now_us,
        .id = o_id,
        .w_id = request->w_id,
        .c_id = request->c_id,
        .d_id = (uint8_t)request->d_id,
        .carrier_id = TPCC_CARRIER_NULL,
        .ol_cnt = (uint8_t)request->line_count,
        .all_local = request->remote_lines == 0,
    };
    uint64_t customer_key = tpcc_order_customer_key(request->w_id, request->d_id, request->c_id, o_id);
    status = self->ops->index_insert(txn, self->tpcc->indexes[TPCC_INDEX_ORDER_CUSTOMER], &customer_key, ref);
    if (status != TARGET_OK)
        return status;
    status = tpcc_insert(self, txn, TPCC_INDEX_NEW_ORDER, key, sizeof(struct tpcc_new_order_row), NULL, &row);
    if (status != TARGET_OK)
        return status;
    *(struct tpcc_new_order_row *)row =
        (struct tpcc_new_order_row){.o_id = o_id, .w_id = request->w_id, .d_id = (uint8_t)request->d_id};
    return TARGET_OK;
}

static enum target_status order_line(struct workload_worker *self, struct target_txn *txn, uint32_t o_id, uint32_t line,
                                     struct lines *lines)
{
    const struct tpcc_new_order_request *request = &self->request->new_order;
    const struct tpcc_options *options = &self->tpcc->options;
    const struct tpcc_item *item = lines->items[line];
    uint32_t quantity = request->quantities[line];
    int32_t amount_cents = (int32_t)quantity * item->price_cents;
    void *row;
    enum target_status status = tpcc_update(self, txn, TPCC_INDEX_STOCK, request->stock_keys[line], &row);
    if (status != TARGET_OK)
        return status;
    struct tpcc_stock *stock = row;
    take_stock(stock, quantity, request->supply_w_ids[line] != request->w_id);
    lines->sum_cents += amount_cents;
    if (options->outputs && tpcc_is_original(item->data) && tpcc_is_original(stock->data))
        self->output.brands++;
    if (!options->insert_orders)
        return TARGET_OK;

    uint64_t key = tpcc_order_line_key(request->w_id, request->d_id, o_id, line + 1);
    status = tpcc_insert(self, txn, TPCC_INDEX_ORDER_LINE, key, sizeof(struct tpcc_order_line), NULL, &row);
    if (status != TARGET_OK)
        return status;
    struct tpcc_order_line *inserted = row;
    inserted->delivery_us = TPCC_DATE_NULL;
    inserted->amount_cents = amount_cents;
    inserted->o_id = o_id;
    inserted->w_id = request->w_id;
    inserted->i_id = request->item_ids[line];
    inserted->supply_w_id = request->supply_w_ids[line];
    inserted->d_id = (uint8_t)request->d_id;
    inserted->number = (uint8_t)(line + 1);
    inserted->quantity = (uint8_t)quantity;
    memcpy(inserted->dist_info, stock->dist[request->d_id - 1], sizeof(inserted->dist_info));
    return TARGET_OK;
}

static void announce(struct workload_worker *self, struct target_txn *txn)
{
    const struct tpcc_new_order_request *request = &self->request->new_order;
    struct target_index *const *indexes = self->tpcc->indexes;
    uint64_t customer_key = tpcc_customer_key(request->w_id, request->d_id, request->c_id);
    target_prefetch(self->ops, txn, indexes[TPCC_INDEX_ITEM], request->item_keys, request->line_count);
    target_prefetch(self->ops, txn, indexes[TPCC_INDEX_STOCK], request->stock_keys, request->line_count);
    tpcc_announce_customer(self, txn, TPCC_CUSTOMER_INFO, customer_key);
}

enum target_status tpcc_run_new_order(struct workload_worker *self, struct target_txn *txn)
{
    const struct tpcc_options *options = &self->tpcc->options;
    const struct tpcc_new_order_request *request = &self->request->new_order;
    uint64_t district_key = tpcc_district_key(request->w_id, request->d_id);
    const struct tpcc_customer_choice choice = {.w_id = request->w_id, .d_id = request->d_id, .id = request->c_id};
    const struct tpcc_warehouse_info *warehouse;
    const struct tpcc_district_info *district;
    const struct tpcc_customer_info *customer;
    struct lines lines;
    uint32_t o_id;
    enum target_status status;

    lines.sum_cents = 0;
    self->output.brands = 0;
    if (options->batch)
        announce(self, txn);
    for (uint32_t i = 0; options->items_first && i < request->line_count; i++) {
        if ((status = read_item(self, txn, i, &lines)) != TARGET_OK)
            return status;
    }

    /* 2.4.2.2, in its order */
    if ((status = tpcc_read_warehouse(self, txn, request->w_id, &warehouse)) != TARGET_OK)
        return status;
    if ((status = tpcc_take_order_id(self, txn, district_key, &o_id, &district)) != TARGET_OK)
        return status;
    if ((status = tpcc_read_customer(self, txn, &choice, &customer, NULL)) != TARGET_OK)
        return status;
    if (options->insert_orders && (status = insert_order(self, txn, o_id)) != TARGET_OK)
        return status;
    for (uint32_t i = 0; i < request->line_count; i++) {
        if (!options->items_first && (status = read_item(self, txn, i, &lines)) != TARGET_OK)
            return status;
        if ((status = order_line(self, txn, o_id, i, &lines)) != TARGET_OK)
            return status;
    }

    if (options->outputs) { /* 2.4.3.3: sum(OL_AMOUNT) * (1 - C_DISCOUNT) * (1 + W_TAX + D_TAX), rounded */
        int64_t rate_e8 =
            (int64_t)(10000 - customer->discount_e4) * (int64_t)(10000 + warehouse->tax_e4 + district->tax_e4);
        self->output.total_cents = (lines.sum_cents * rate_e8 + 50000000) / 100000000;
        self->output.c_id = request->c_id;
        self->output.o_id = o_id;
        self->output.lines = request->line_count;
    }
    return TARGET_OK;
}
