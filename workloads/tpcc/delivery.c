/*
 * delivery.c - the Delivery transaction: the oldest undelivered order of each of the ten districts. TPC-C 2.7.
 *
 * Run at once rather than deferred through a queue (2.7.2). A district without undelivered orders is skipped (2.7.4.2).
 */
#include "workloads/tpcc/instance.h"

struct oldest {
    uint64_t key, ref;
    bool found;
};

static bool take_oldest(void *arg, const void *key, uint64_t ref)
{
    struct oldest *oldest = arg;
    memcpy(&oldest->key, key, sizeof(oldest->key));
    oldest->ref = ref;
    oldest->found = true;
    return false;
}

struct delivering {
    struct workload_worker *self;
    struct target_txn *txn;
    enum target_status status;
    int64_t sum_cents;
};

static bool deliver_line(void *arg, const void *key, uint64_t ref)
{
    struct delivering *delivering = arg;
    void *row;
    (void)key;
    delivering->status = tpcc_row_update(delivering->self, delivering->txn, TPCC_TABLE_ORDER_LINE, ref, &row);
    if (delivering->status != TARGET_OK)
        return false;
    struct tpcc_order_line *line = row;
    line->delivery_us = delivering->self->now_us;
    delivering->sum_cents += line->amount_cents;
    return true;
}

/* 2.7.4.2 */
static enum target_status deliver_district(struct workload_worker *self, struct target_txn *txn, uint32_t d_id)
{
    const struct workload *tpcc = self->tpcc;
    const struct target_ops *ops = self->ops;
    uint32_t w_id = self->request->delivery.w_id;
    uint64_t lo = tpcc_order_key(w_id, d_id, 0), hi = tpcc_order_key(w_id, d_id, UINT32_MAX);
    struct oldest oldest = {.found = false};
    void *row;
    enum target_status status =
        ops->scan(txn, tpcc->indexes[TPCC_INDEX_NEW_ORDER], &lo, &hi, 0, 1, take_oldest, &oldest);
    if (status != TARGET_OK)
        return status;
    if (!oldest.found) {
        self->skipped |= 1u << (d_id - 1);
        return TARGET_OK;
    }
    self->operations++;
    if ((status = ops->row_erase(txn, tpcc->tables[TPCC_TABLE_NEW_ORDER], oldest.ref)) != TARGET_OK)
        return status;
    if ((status = ops->index_remove(txn, tpcc->indexes[TPCC_INDEX_NEW_ORDER], &oldest.key, oldest.ref)) != TARGET_OK)
        return status;

    if ((status = tpcc_update(self, txn, TPCC_INDEX_ORDER, oldest.key, &row)) != TARGET_OK)
        return status;
    struct tpcc_order *order = row;
    order->carrier_id = self->request->delivery.carrier_id;

    /* Announced before the lines are walked, so that its misses pass meanwhile. */
    uint64_t payer_key = tpcc_customer_key(w_id, d_id, order->c_id);
    tpcc_announce_customer(self, txn, TPCC_CUSTOMER_ACCOUNT, payer_key);
    uint32_t o_id = tpcc_key_order(oldest.key);
    struct delivering delivering = {.self = self, .txn = txn};
    lo = tpcc_order_line_key(w_id, d_id, o_id, 1);
    hi = tpcc_order_line_key(w_id, d_id, o_id, TPCC_LINES_MAX);
    status = ops->scan(txn, tpcc->indexes[TPCC_INDEX_ORDER_LINE], &lo, &hi, 0, 0, deliver_line, &delivering);
    if (status == TARGET_OK)
        status = delivering.status;
    if (status != TARGET_OK)
        return status;

    if ((status = tpcc_credit_customer(self, txn, payer_key, delivering.sum_cents)) != TARGET_OK)
        return status;
    self->delivered |= 1u << (d_id - 1);
    return TARGET_OK;
}

enum target_status tpcc_run_delivery(struct workload_worker *self, struct target_txn *txn, uint32_t d_id_first,
                                     uint32_t d_id_last)
{
    for (uint32_t d_id = d_id_first; d_id <= d_id_last; d_id++) {
        enum target_status status = deliver_district(self, txn, d_id);
        if (status != TARGET_OK)
            return status;
    }
    return TARGET_OK;
}
