/*
 * parts.c - the rows that split_rows=on cuts into parts (schema.h): what the transactions do with them.
 *
 * Each function has the two layouts one below the other. Whole: one access gives all parts. Split: one access a part,
 * by the same key; a part that is never written conflicts with nobody. Both read the columns that TPC-C wants shown,
 * also where nothing is shown.
 *
 * With commit_updates=on W_YTD and D_YTD are added to without being read (target_apply). A whole row is read in any
 * case, for its other columns. The account is read, too: two transactions seldom want the same one.
 *
 * Checked by: tests/unit/workloads/tpcc/parts.c.
 */
#include "workloads/tpcc/instance.h"

enum target_status tpcc_read_warehouse(struct workload_worker *self, struct target_txn *txn, uint32_t w_id,
                                       const struct tpcc_warehouse_info **info)
{
    const void *row;
    enum target_status status = tpcc_read(self, txn, TPCC_INDEX_WAREHOUSE, tpcc_warehouse_key(w_id), &row);
    if (status == TARGET_OK)
        *info = self->tpcc->options.split_rows ? row : &((const struct tpcc_warehouse *)row)->info;
    return status;
}

/* Returns the new balance. */
static int64_t account_pay(struct tpcc_customer_account *account, int64_t cents)
{
    account->balance_cents -= cents;
    account->ytd_payment_cents += cents;
    account->payment_cnt++;
    return account->balance_cents;
}

/* Adds to an integer of so many bytes at `offset`. */
static enum target_status add(struct workload_worker *self, struct target_txn *txn, enum tpcc_index index, uint64_t key,
                              size_t offset, size_t bytes, int64_t addend)
{
    self->operations++;
    return target_apply(self->ops, txn, self->tpcc->indexes[index], &key, TARGET_ADD, offset, bytes, addend);
}
#define ADD(self, txn, index, key, row, column, addend) \
    add(self, txn, index, key, offsetof(struct row, column), sizeof((struct row){0}.column), addend)

enum target_status tpcc_pay_warehouse(struct workload_worker *self, struct target_txn *txn, uint32_t w_id,
                                      int64_t cents, const struct tpcc_warehouse_info **info)
{
    bool split = self->tpcc->options.split_rows;
    uint64_t key = tpcc_warehouse_key(w_id);
    void *row;
    enum target_status status = TARGET_OK;
    if (split)
        status = tpcc_read_warehouse(self, txn, w_id, info);
    if (status == TARGET_OK && split && self->tpcc->options.commit_updates)
        return ADD(self, txn, TPCC_INDEX_WAREHOUSE_YTD, key, tpcc_warehouse_ytd, cents, cents);
    if (status == TARGET_OK)
        status = tpcc_update(self, txn, split ? TPCC_INDEX_WAREHOUSE_YTD : TPCC_INDEX_WAREHOUSE, key, &row);
    if (status != TARGET_OK)
        return status;
    if (!split)
        *info = &((struct tpcc_warehouse *)row)->info;
    struct tpcc_warehouse_ytd *ytd = split ? row : &((struct tpcc_warehouse *)row)->ytd;
    ytd->cents += cents;
    return TARGET_OK;
}

static enum target_status read_district_info(struct workload_worker *self, struct target_txn *txn, uint64_t key,
                                             const struct tpcc_district_info **info)
{
    const void *row;
    enum target_status status = tpcc_read(self, txn, TPCC_INDEX_DISTRICT, key, &row);
    if (status == TARGET_OK)
        *info = row;
    return status;
}

enum target_status tpcc_pay_district(struct workload_worker *self, struct target_txn *txn, uint64_t key, int64_t cents,
                                     const struct tpcc_district_info **info)
{
    bool split = self->tpcc->options.split_rows;
    void *row;
    enum target_status status = TARGET_OK;
    if (split)
        status = read_district_info(self, txn, key, info);
    if (status == TARGET_OK && split && self->tpcc->options.commit_updates)
        return ADD(self, txn, TPCC_INDEX_DISTRICT_YTD, key, tpcc_district_ytd, cents, cents);
    if (status == TARGET_OK)
        status = tpcc_update(self, txn, split ? TPCC_INDEX_DISTRICT_YTD : TPCC_INDEX_DISTRICT, key, &row);
    if (status != TARGET_OK)
        return status;
    if (!split)
        *info = &((struct tpcc_district *)row)->info;
    struct tpcc_district_ytd *ytd = split ? row : &((struct tpcc_district *)row)->ytd;
    ytd->cents += cents;
    return TARGET_OK;
}

enum target_status tpcc_take_order_id(struct workload_worker *self, struct target_txn *txn, uint64_t key,
                                      uint32_t *o_id, const struct tpcc_district_info **info)
{
    bool split = self->tpcc->options.split_rows;
    void *row;
    enum target_status status = TARGET_OK;
    if (split)
        status = read_district_info(self, txn, key, info);
    if (status == TARGET_OK)
        status = tpcc_update(self, txn, split ? TPCC_INDEX_DISTRICT_NEXT : TPCC_INDEX_DISTRICT, key, &row);
    if (status != TARGET_OK)
        return status;
    if (!split)
        *info = &((struct tpcc_district *)row)->info;
    struct tpcc_district_next *next = split ? row : &((struct tpcc_district *)row)->next;
    *o_id = next->o_id++;
    return TARGET_OK;
}

enum target_status tpcc_read_order_id(struct workload_worker *self, struct target_txn *txn, uint64_t key,
                                      uint32_t *o_id)
{
    bool split = self->tpcc->options.split_rows;
    const void *row;
    enum target_status status = tpcc_read(self, txn, split ? TPCC_INDEX_DISTRICT_NEXT : TPCC_INDEX_DISTRICT, key, &row);
    if (status == TARGET_OK)
        *o_id = (split ? (const struct tpcc_district_next *)row : &((const struct tpcc_district *)row)->next)->o_id;
    return status;
}

/* The row of table CUSTOMER. */
static enum target_status read_customer_row(struct workload_worker *self, struct target_txn *txn,
                                            const struct tpcc_customer_choice *choice, const void **row)
{
    if (!choice->by_name)
        return tpcc_read(self, txn, TPCC_INDEX_CUSTOMER, tpcc_customer_key(choice->w_id, choice->d_id, choice->id),
                         row);
    uint64_t ref;
    enum target_status status = tpcc_find_by_name(self, txn, choice, &ref);
    return status == TARGET_OK ? tpcc_row_read(self, txn, TPCC_TABLE_CUSTOMER, ref, row) : status;
}

static uint64_t customer_key(const struct tpcc_customer_info *info)
{
    return tpcc_customer_key(info->w_id, info->d_id, info->id);
}

enum target_status tpcc_read_customer(struct workload_worker *self, struct target_txn *txn,
                                      const struct tpcc_customer_choice *choice, const struct tpcc_customer_info **info,
                                      const struct tpcc_customer_account **account)
{
    const void *row;
    enum target_status status = read_customer_row(self, txn, choice, &row);
    if (status != TARGET_OK)
        return status;
    if (!self->tpcc->options.split_rows) {
        const struct tpcc_customer *customer = row;
        *info = &customer->info;
        if (account)
            *account = &customer->account;
        return TARGET_OK;
    }
    *info = row;
    if (!account)
        return TARGET_OK;
    if ((status = tpcc_read(self, txn, TPCC_INDEX_CUSTOMER_ACCOUNT, customer_key(*info), &row)) == TARGET_OK)
        *account = row;
    return status;
}

static enum target_status pay_whole_customer(struct workload_worker *self, struct target_txn *txn,
                                             const struct tpcc_customer_choice *choice, int64_t cents,
                                             struct tpcc_paid *paid)
{
    uint64_t ref;
    void *row;
    enum target_status status;
    if (!choice->by_name)
        status = tpcc_update(self, txn, TPCC_INDEX_CUSTOMER, tpcc_customer_key(choice->w_id, choice->d_id, choice->id),
                             &row);
    else if ((status = tpcc_find_by_name(self, txn, choice, &ref)) == TARGET_OK)
        status = tpcc_row_update(self, txn, TPCC_TABLE_CUSTOMER, ref, &row);
    if (status != TARGET_OK)
        return status;
    struct tpcc_customer *customer = row;
    *paid = (struct tpcc_paid){&customer->info, account_pay(&customer->account, cents), &customer->data};
    return TARGET_OK;
}

enum target_status tpcc_pay_customer(struct workload_worker *self, struct target_txn *txn,
                                     const struct tpcc_customer_choice *choice, int64_t cents, struct tpcc_paid *paid)
{
    const struct tpcc_options *options = &self->tpcc->options;
    const void *info;
    void *row;
    enum target_status status;
    if (!options->split_rows)
        return pay_whole_customer(self, txn, choice, cents, paid);
    if ((status = read_customer_row(self, txn, choice, &info)) != TARGET_OK)
        return status;
    paid->info = info;
    uint64_t key = customer_key(paid->info);
    if ((status = tpcc_update(self, txn, TPCC_INDEX_CUSTOMER_ACCOUNT, key, &row)) != TARGET_OK)
        return status;
    paid->balance_cents = account_pay(row, cents);
    if (!options->c_data_rewrite || paid->info->credit[0] != 'B')
        return TARGET_OK;
    if ((status = tpcc_update(self, txn, TPCC_INDEX_CUSTOMER_DATA, key, &row)) == TARGET_OK)
        paid->data = row;
    return status;
}

enum target_status tpcc_credit_customer(struct workload_worker *self, struct target_txn *txn, uint64_t key,
                                        int64_t cents)
{
    bool split = self->tpcc->options.split_rows;
    enum tpcc_index index = split ? TPCC_INDEX_CUSTOMER_ACCOUNT : TPCC_INDEX_CUSTOMER;
    void *row;
    enum target_status status;
    if ((status = tpcc_update(self, txn, index, key, &row)) != TARGET_OK)
        return status;
    struct tpcc_customer_account *account = split ? row : &((struct tpcc_customer *)row)->account;
    account->balance_cents += cents;
    account->delivery_cnt++;
    return TARGET_OK;
}

void tpcc_announce_customer(struct workload_worker *self, struct target_txn *txn, unsigned parts, uint64_t key)
{
    if (!self->tpcc->options.batch)
        return;
    if (!self->tpcc->options.split_rows)
        parts = TPCC_CUSTOMER_INFO;
    if (parts & TPCC_CUSTOMER_INFO)
        target_prefetch(self->ops, txn, self->tpcc->indexes[TPCC_INDEX_CUSTOMER], &key, 1);
    if (parts & TPCC_CUSTOMER_ACCOUNT)
        target_prefetch(self->ops, txn, self->tpcc->indexes[TPCC_INDEX_CUSTOMER_ACCOUNT], &key, 1);
}
