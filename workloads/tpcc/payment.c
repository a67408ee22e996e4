/* payment.c - the Payment transaction: short, and contended on the WAREHOUSE row. TPC-C 2.5. */
#include "workloads/tpcc/instance.h"

/* Appends `value` in decimal and a space; no format string in the measured path. Returns the new length. */
static size_t append_number(char *text, size_t length, uint64_t value)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count)
        text[length++] = digits[--count];
    text[length++] = ' ';
    return length;
}

/* 2.5.2.2: the payment's data are put in front of C_DATA, which is cut at 500 characters. */
static void rewrite_data(const struct tpcc_payment_request *request, const struct tpcc_paid *customer)
{
    char text[7 * 21];
    size_t length = 0;
    length = append_number(text, length, customer->info->id);
    length = append_number(text, length, customer->info->d_id);
    length = append_number(text, length, customer->info->w_id);
    length = append_number(text, length, request->d_id);
    length = append_number(text, length, request->w_id);
    length = append_number(text, length, (uint64_t)request->amount_cents);
    char *data = customer->data->text;
    memmove(data + length, data, sizeof(customer->data->text) - length);
    memcpy(data, text, length);
}

static enum target_status insert_history(struct workload_worker *self, struct target_txn *txn, uint32_t c_id,
                                         const struct tpcc_warehouse_info *warehouse,
                                         const struct tpcc_district_info *district)
{
    const struct tpcc_payment_request *request = &self->request->payment;
    uint64_t ref;
    void *row;
    enum target_status status =
        self->ops->row_insert(txn, self->tpcc->tables[TPCC_TABLE_HISTORY], sizeof(struct tpcc_history), &ref, &row);
    self->operations++;
    if (status != TARGET_OK)
        return status;
    struct tpcc_history *history = row;
    history->date_us = self->now_us;
    history->amount_cents = request->amount_cents;
    history->c_id = c_id;
    history->c_w_id = request->h_c_w_id;
    history->w_id = request->w_id;
    history->c_d_id = (uint8_t)request->h_c_d_id;
    history->d_id = (uint8_t)request->d_id;
    /* W_NAME, four spaces, D_NAME */
    size_t w_length = strnlen(warehouse->name, sizeof(warehouse->name));
    size_t d_length = strnlen(district->name, sizeof(district->name));
    memset(history->data, 0, sizeof(history->data));
    memcpy(history->data, warehouse->name, w_length);
    memset(history->data + w_length, ' ', 4);
    memcpy(history->data + w_length + 4, district->name, d_length);
    return TARGET_OK;
}

enum target_status tpcc_run_payment(struct workload_worker *self, struct target_txn *txn)
{
    const struct tpcc_options *options = &self->tpcc->options;
    const struct tpcc_payment_request *request = &self->request->payment;
    const struct tpcc_customer_choice *choice = &request->customer;
    uint64_t district_key = tpcc_district_key(request->w_id, request->d_id);
    const struct tpcc_warehouse_info *warehouse;
    const struct tpcc_district_info *district;
    struct tpcc_paid customer;
    enum target_status status;

    if (!choice->by_name)
        tpcc_announce_customer(self, txn, TPCC_CUSTOMER_INFO | TPCC_CUSTOMER_ACCOUNT,
                               tpcc_customer_key(choice->w_id, choice->d_id, choice->id));
    /* 2.5.2.2, in its order */
    if ((status = tpcc_pay_warehouse(self, txn, request->w_id, request->amount_cents, &warehouse)) != TARGET_OK)
        return status;
    if ((status = tpcc_pay_district(self, txn, district_key, request->amount_cents, &district)) != TARGET_OK)
        return status;
    if ((status = tpcc_pay_customer(self, txn, choice, request->amount_cents, &customer)) != TARGET_OK)
        return status;
    if (options->c_data_rewrite && customer.info->credit[0] == 'B')
        rewrite_data(request, &customer);
    if (options->outputs) {
        self->output.c_id = customer.info->id;
        self->output.balance_cents = customer.balance_cents;
    }
    if (!options->insert_history)
        return TARGET_OK;
    return insert_history(self, txn, customer.info->id, warehouse, district);
}
