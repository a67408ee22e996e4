/* order_status.c - the Order-Status transaction: the last order of a customer. Only reads. TPC-C 2.6. */
#include "workloads/tpcc/instance.h"

struct last_order {
    struct workload_worker *self;
    struct target_txn *txn;
    enum target_status status;
    uint32_t id;
};

/* An index without phantom protection may show orders that a snapshot does not see yet: then it takes one before. */
static bool take_last(void *arg, const void *key, uint64_t ref)
{
    struct last_order *last = arg;
    const void *row;
    uint64_t packed;
    memcpy(&packed, key, sizeof(packed));
    last->status = tpcc_row_read(last->self, last->txn, TPCC_TABLE_ORDER, ref, &row);
    if (last->status == TARGET_NOT_FOUND)
        return true;
    last->id = tpcc_key_order(packed);
    return false;
}

struct reading {
    struct workload_worker *self;
    struct target_txn *txn;
    enum target_status status;
    int64_t sum_cents;
    uint32_t lines;
};

static bool read_line(void *arg, const void *key, uint64_t ref)
{
    struct reading *reading = arg;
    const void *row;
    (void)key;
    reading->status = tpcc_row_read(reading->self, reading->txn, TPCC_TABLE_ORDER_LINE, ref, &row);
    if (reading->status != TARGET_OK)
        return false;
    reading->sum_cents += ((const struct tpcc_order_line *)row)->amount_cents;
    reading->lines++;
    return true;
}

enum target_status tpcc_run_order_status(struct workload_worker *self, struct target_txn *txn)
{
    const struct workload *tpcc = self->tpcc;
    const struct tpcc_customer_choice *choice = &self->request->order_status.customer;
    const struct tpcc_customer_info *customer;
    const struct tpcc_customer_account *account;
    enum target_status status = tpcc_read_customer(self, txn, choice, &customer, &account);
    if (status != TARGET_OK)
        return status;

    /* 2.6.2.2: the order with the largest O_ID. Every customer has one: the load gives each an order. */
    struct last_order last = {.self = self, .txn = txn, .status = TARGET_NOT_FOUND};
    uint64_t lo = tpcc_order_customer_key(choice->w_id, choice->d_id, customer->id, 0);
    uint64_t hi = tpcc_order_customer_key(choice->w_id, choice->d_id, customer->id, UINT32_MAX);
    status = self->ops->scan(txn, tpcc->indexes[TPCC_INDEX_ORDER_CUSTOMER], &lo, &hi, TARGET_SCAN_BACKWARD, 0,
                             take_last, &last);
    if (status == TARGET_OK)
        status = last.status;
    if (status != TARGET_OK)
        return status;

    struct reading reading = {.self = self, .txn = txn};
    lo = tpcc_order_line_key(choice->w_id, choice->d_id, last.id, 1);
    hi = tpcc_order_line_key(choice->w_id, choice->d_id, last.id, TPCC_LINES_MAX);
    status = self->ops->scan(txn, tpcc->indexes[TPCC_INDEX_ORDER_LINE], &lo, &hi, 0, 0, read_line, &reading);
    if (status == TARGET_OK)
        status = reading.status;
    if (tpcc->options.outputs) { /* 2.6.3.3 */
        self->output.c_id = customer->id;
        self->output.balance_cents = account->balance_cents;
        self->output.o_id = last.id;
        self->output.lines = reading.lines;
        self->output.total_cents = reading.sum_cents;
    }
    return status;
}
