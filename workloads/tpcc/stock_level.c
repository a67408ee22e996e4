/* stock_level.c - the Stock-Level transaction: how many recently sold items run low. Only reads. TPC-C 2.8. */
#include "workloads/tpcc/instance.h"

#include "engine/base/check.h"

enum { RECENT_ORDERS = 20, ITEMS_MAX = RECENT_ORDERS * TPCC_LINES_MAX };
static_assert(TPCC_DISTINCT_SLOTS > 3 * ITEMS_MAX, "probes stay short");

struct recent {
    struct workload_worker *self;
    struct target_txn *txn;
    enum target_status status;
    uint32_t w_id, count;
    uint64_t stock_keys[ITEMS_MAX];
};

/* True if the item was not in the worker's set yet. */
static bool add_distinct(struct workload_worker *self, uint32_t i_id)
{
    uint32_t slot = i_id * 0x9e3779b1u >> 22;
    static_assert(TPCC_DISTINCT_SLOTS == 1 << 10, "ten bits of the hash");
    while (self->distinct[slot]) { /* ends: at most ITEMS_MAX of the slots are taken */
        if (self->distinct[slot] == i_id)
            return false;
        slot = (slot + 1) % TPCC_DISTINCT_SLOTS;
    }
    self->distinct[slot] = i_id;
    return true;
}

static bool collect_item(void *arg, const void *key, uint64_t ref)
{
    struct recent *recent = arg;
    const void *row;
    (void)key;
    recent->status = tpcc_row_read(recent->self, recent->txn, TPCC_TABLE_ORDER_LINE, ref, &row);
    if (recent->status != TARGET_OK)
        return false;
    const struct tpcc_order_line *line = row;
    if (recent->self->tpcc->options.stock_level_own && line->supply_w_id != recent->w_id)
        return true;
    if (add_distinct(recent->self, line->i_id)) {
        MAE_DCHECK(recent->count < ITEMS_MAX); /* the range of keys has no room for more lines */
        recent->stock_keys[recent->count++] = tpcc_stock_key(recent->w_id, line->i_id);
    }
    return true;
}

static enum target_status count_low(struct workload_worker *self, struct target_txn *txn, const struct recent *recent)
{
    self->output.low_stock = 0;
    for (uint32_t i = 0; i < recent->count; i++) {
        if (self->tpcc->options.batch && i % TARGET_PREFETCH_MAX == 0) {
            uint32_t left = recent->count - i;
            target_prefetch(self->ops, txn, self->tpcc->indexes[TPCC_INDEX_STOCK], &recent->stock_keys[i],
                            left < TARGET_PREFETCH_MAX ? left : TARGET_PREFETCH_MAX);
        }
        const void *row;
        enum target_status status = tpcc_read(self, txn, TPCC_INDEX_STOCK, recent->stock_keys[i], &row);
        if (status != TARGET_OK)
            return status;
        self->output.low_stock += ((const struct tpcc_stock *)row)->quantity < self->request->stock_level.threshold;
    }
    return TARGET_OK;
}

/* 2.8.2.2 */
enum target_status tpcc_run_stock_level(struct workload_worker *self, struct target_txn *txn)
{
    const struct workload *tpcc = self->tpcc;
    uint32_t w_id = self->request->stock_level.w_id, d_id = self->request->stock_level.d_id;
    uint32_t next_o_id;
    enum target_status status = tpcc_read_order_id(self, txn, tpcc_district_key(w_id, d_id), &next_o_id);
    if (status != TARGET_OK)
        return status;

    struct recent recent;
    recent.self = self;
    recent.txn = txn;
    recent.status = TARGET_OK;
    recent.w_id = w_id;
    recent.count = 0;
    memset(self->distinct, 0, sizeof(self->distinct));
    uint64_t lo = tpcc_order_line_key(w_id, d_id, next_o_id - RECENT_ORDERS, 1);
    uint64_t hi = tpcc_order_line_key(w_id, d_id, next_o_id - 1, TPCC_LINES_MAX);
    status = self->ops->scan(txn, tpcc->indexes[TPCC_INDEX_ORDER_LINE], &lo, &hi, 0, 0, collect_item, &recent);
    if (status == TARGET_OK)
        status = recent.status;
    return status == TARGET_OK ? count_low(self, txn, &recent) : status;
}
