/*
 * check.c - the twelve consistency conditions. TPC-C 3.3.2.1 to 3.3.2.12. A thirteenth is ours: TPC-C has none for
 * STOCK, the table that New-Order writes most.
 *
 * Model. One snapshot transaction sees everything and visits each row once. It scans HISTORY and CUSTOMER as tables. It
 * scans ORDER, NEW-ORDER and ORDER-LINE a district at a time through their indexes and merges them, since these have a
 * common order. Meanwhile it keeps a few words for each customer and district, and the orders of one district.
 *
 *   C1  A condition that the options make inapplicable is named with the reason, never dropped in silence.
 *   C2  A condition that met no row has failed.
 *   C3  With no transaction running, what the workers have committed must be in the tables (instance.h T1): conditions
 *       2, 9, 11, 12 and 13 then compare with that, too. While workers run, condition 11 counts deliveries by
 *       C_DELIVERY_CNT.
 *
 * A snapshot may lag behind the last commits for a moment. If something committed is missing while no transaction runs,
 * the check waits a little and looks again before it reports that.
 *
 * Checked by: tests/unit/workloads/tpcc/check.c breaks each condition on purpose.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/mem.h"
#include "workloads/tpcc/instance.h"

enum { CONDITIONS = 13, FINDING_BYTES = 240, MONEY_BYTES = 24 };

static const char *const condition_texts[CONDITIONS + 1] = {
    "keys lead to their rows, and rows that are never deleted are there",
    "W_YTD = sum of D_YTD",
    "D_NEXT_O_ID - 1 = max(O_ID) = max(NO_O_ID)",
    "max(NO_O_ID) - min(NO_O_ID) + 1 = number of NEW-ORDER rows",
    "sum of O_OL_CNT = number of ORDER-LINE rows",
    "O_CARRIER_ID is null exactly where the NEW-ORDER row is there",
    "O_OL_CNT = number of the order's lines",
    "OL_DELIVERY_D is null exactly where the order's O_CARRIER_ID is",
    "W_YTD = sum of H_AMOUNT",
    "D_YTD = sum of H_AMOUNT",
    "C_BALANCE = delivered OL_AMOUNT - sum of H_AMOUNT",
    "ORDER rows - NEW-ORDER rows = 2100 + deliveries",
    "C_BALANCE + C_YTD_PAYMENT = delivered OL_AMOUNT",
    "S_YTD, S_ORDER_CNT and S_REMOTE_CNT = the order lines supplied, S_QUANTITY is 10 to 100",
};

struct finding {
    uint64_t count;
    char text[FINDING_BYTES]; /* the first one */
};

struct warehouse_sums {
    int64_t ytd_cents, district_cents, history_cents;
};

struct district_sums {
    uint32_t w_id, d_id;
    uint32_t next_o_id;
    uint64_t deliveries; /* by C_DELIVERY_CNT */
    uint64_t orders, new_orders;
    int64_t ytd_cents, history_cents;
};

struct committed_sums {
    uint64_t new_orders, deliveries, lines, stock_print, payments;
    int64_t payment_cents;
};

struct customer_sums {
    int64_t delivered_cents, history_cents;
};

/* By the order lines; those that were loaded took nothing. */
struct stock_sums {
    uint32_t quantity, lines, remote;
};

struct order_facts {
    uint32_t o_id;
    uint64_t customer; /* customer key, or NOBODY */
    uint8_t ol_cnt, lines;
    bool has_carrier, is_new;
};

#define NOBODY UINT64_MAX

struct check {
    const struct workload *tpcc;
    const struct target_ops *ops;
    struct target_txn *txn;
    bool at_rest;
    bool behind;               /* the snapshot lacks something that was committed */
    enum target_status status; /* of reading, inside visits */
    uint64_t customers;
    int64_t balance_sum_cents, delivered_sum_cents, history_sum_cents, ytd_payment_sum_cents;
    uint64_t payment_cnt_sum, order_cnt_sum, stock_print;
    struct warehouse_sums *warehouse;
    struct district_sums *district;
    struct customer_sums *customer;
    struct stock_sums *stock; /* NULL: insert_orders=off */
    /* The district at hand. */
    struct district_sums *now;
    struct order_facts *orders;
    size_t order_count, orders_room, cursor;
    uint64_t line_count, ol_cnt_sum;
    uint32_t new_order_min, new_order_max;
    uint64_t checked[CONDITIONS + 1];
    struct finding findings[CONDITIONS + 1];
};

/* ---- Findings. ---- */

static const char *money(int64_t cents, char text[MONEY_BYTES])
{
    uint64_t size = cents < 0 ? 0 - (uint64_t)cents : (uint64_t)cents;
    snprintf(text, MONEY_BYTES, "%s%" PRIu64 ".%02" PRIu64, cents < 0 ? "-" : "", size / 100, size % 100);
    return text;
}
#define MONEY(cents) money(cents, (char[MONEY_BYTES]){0})

__attribute__((format(printf, 3, 4))) static void fail(struct check *check, unsigned condition, const char *format, ...)
{
    struct finding *finding = &check->findings[condition];
    if (finding->count++)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof(finding->text), format, arguments);
    va_end(arguments);
}

static uint64_t customer_slot(const struct check *check, uint32_t w_id, uint32_t d_id, uint32_t c_id)
{
    if (w_id < 1 || w_id > check->tpcc->options.warehouses || d_id < 1 || d_id > TPCC_DISTRICTS || c_id < 1 ||
        c_id > TPCC_CUSTOMERS)
        return NOBODY;
    return tpcc_customer_key(w_id, d_id, c_id);
}

/* Summed over the workers; C3. */
static struct committed_sums committed_of(const struct check *check, uint64_t district_key)
{
    struct committed_sums sums = {0};
    for (unsigned i = 0; i < check->tpcc->workers; i++) {
        const struct tpcc_tally *tally = &check->tpcc->tallies[i][district_key];
        sums.new_orders += atomic_load_explicit(&tally->new_orders, memory_order_relaxed);
        sums.deliveries += atomic_load_explicit(&tally->deliveries, memory_order_relaxed);
        sums.payment_cents += atomic_load_explicit(&tally->payment_cents, memory_order_relaxed);
        sums.payments += atomic_load_explicit(&tally->payments, memory_order_relaxed);
        sums.lines += atomic_load_explicit(&tally->lines, memory_order_relaxed);
        sums.stock_print += atomic_load_explicit(&tally->stock_print, memory_order_relaxed);
    }
    return sums;
}

/* ---- WAREHOUSE and DISTRICT. ---- */

static enum target_status read_key(struct check *check, enum tpcc_index index, uint64_t key, const void **row)
{
    size_t bytes;
    return check->ops->read(check->txn, check->tpcc->indexes[index], &key, row, &bytes);
}

/* Copies the row of the key to `part`, which is so large. */
static enum target_status read_part(struct check *check, enum tpcc_index index, uint64_t key, void *part, size_t bytes)
{
    const void *row;
    enum target_status status = read_key(check, index, key, &row);
    if (status == TARGET_OK)
        memcpy(part, row, bytes);
    return status;
}
#define READ_PART(check, index, key, part) read_part(check, TPCC_INDEX_##index, key, part, sizeof *(part))

/* With split_rows put together again. */
static enum target_status read_warehouse(struct check *check, uint64_t key, struct tpcc_warehouse *whole)
{
    if (!check->tpcc->options.split_rows)
        return READ_PART(check, WAREHOUSE, key, whole);
    enum target_status status = READ_PART(check, WAREHOUSE, key, &whole->info);
    return status == TARGET_OK ? READ_PART(check, WAREHOUSE_YTD, key, &whole->ytd) : status;
}

static enum target_status read_district(struct check *check, uint64_t key, struct tpcc_district *whole)
{
    if (!check->tpcc->options.split_rows)
        return READ_PART(check, DISTRICT, key, whole);
    enum target_status status = READ_PART(check, DISTRICT, key, &whole->info);
    if (status == TARGET_OK)
        status = READ_PART(check, DISTRICT_YTD, key, &whole->ytd);
    return status == TARGET_OK ? READ_PART(check, DISTRICT_NEXT, key, &whole->next) : status;
}

static enum target_status gather_district(struct check *check, uint32_t w_id, uint32_t d_id)
{
    uint64_t key = tpcc_district_key(w_id, d_id);
    struct district_sums *sums = &check->district[key];
    struct tpcc_district district;
    enum target_status status = read_district(check, key, &district);
    sums->w_id = w_id;
    sums->d_id = d_id;
    if (status == TARGET_NOT_FOUND) {
        fail(check, 0, "district (%u,%u): no such row in DISTRICT, or in one of its parts", w_id, d_id);
        check->behind = true;
        return TARGET_OK;
    }
    if (status != TARGET_OK)
        return status;
    if (district.info.w_id != w_id || district.info.id != d_id)
        fail(check, 0, "district (%u,%u): its key leads to the row (%u,%u)", w_id, d_id, district.info.w_id,
             district.info.id);
    sums->next_o_id = district.next.o_id;
    sums->ytd_cents = district.ytd.cents;
    check->warehouse[w_id - 1].district_cents += district.ytd.cents;
    check->checked[1]++;
    return TARGET_OK;
}

static enum target_status gather_warehouses(struct check *check)
{
    for (uint32_t w_id = 1; w_id <= check->tpcc->options.warehouses; w_id++) {
        struct tpcc_warehouse warehouse;
        enum target_status status = read_warehouse(check, tpcc_warehouse_key(w_id), &warehouse);
        if (status == TARGET_NOT_FOUND) {
            fail(check, 0, "warehouse %u: no such row in WAREHOUSE, or in one of its parts", w_id);
            check->behind = true;
        } else if (status != TARGET_OK) {
            return status;
        } else {
            check->warehouse[w_id - 1].ytd_cents = warehouse.ytd.cents;
        }
        for (uint32_t d_id = 1; d_id <= TPCC_DISTRICTS; d_id++) {
            if ((status = gather_district(check, w_id, d_id)) != TARGET_OK)
                return status;
        }
    }
    return TARGET_OK;
}

/* ---- HISTORY. ---- */

static bool visit_history(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    struct check *check = arg;
    const struct tpcc_history *history = data;
    (void)bytes;
    uint64_t slot = customer_slot(check, history->c_w_id, history->c_d_id, history->c_id);
    if (slot == NOBODY || customer_slot(check, history->w_id, history->d_id, 1) == NOBODY) {
        fail(check, 0, "HISTORY row %" PRIu64 ": customer (%u,%u,%u) or district (%u,%u) does not exist", ref,
             history->c_w_id, history->c_d_id, history->c_id, history->w_id, history->d_id);
        return true;
    }
    check->customer[slot].history_cents += history->amount_cents;
    check->district[tpcc_district_key(history->w_id, history->d_id)].history_cents += history->amount_cents;
    check->warehouse[history->w_id - 1].history_cents += history->amount_cents;
    check->history_sum_cents += history->amount_cents;
    check->checked[8]++;
    check->checked[9]++;
    check->checked[10]++;
    return true;
}

/* ---- ORDER, NEW-ORDER and ORDER-LINE of one district. ---- */

static bool make_room(struct check *check)
{
    if (check->order_count < check->orders_room)
        return true;
    size_t room = check->orders_room ? 2 * check->orders_room : 2 * (size_t)TPCC_ORDERS;
    struct order_facts *larger =
        mem_realloc(check->orders, check->orders_room * sizeof(*larger), room * sizeof(*larger));
    if (!larger)
        return false;
    check->orders = larger;
    check->orders_room = room;
    return true;
}

static uint64_t key_of(const void *key)
{
    uint64_t packed;
    memcpy(&packed, key, sizeof(packed));
    return packed;
}

/* The row behind an index entry, or NULL: with a finding, or check->status. */
static const void *row_of(struct check *check, enum tpcc_table table, const char *name, uint64_t key, uint64_t ref)
{
    const void *row;
    size_t bytes;
    check->status = check->ops->row_read(check->txn, check->tpcc->tables[table], ref, &row, &bytes);
    if (check->status == TARGET_OK)
        return row;
    if (check->status == TARGET_NOT_FOUND) {
        fail(check, 0, "%s key 0x%" PRIx64 " of district (%u,%u): leads to no row", name, key, check->now->w_id,
             check->now->d_id);
        check->status = TARGET_OK;
    }
    return NULL;
}

static bool visit_order(void *arg, const void *key, uint64_t ref)
{
    struct check *check = arg;
    const struct tpcc_order *order = row_of(check, TPCC_TABLE_ORDER, "ORDER", key_of(key), ref);
    if (!order)
        return check->status == TARGET_OK;
    if (!make_room(check)) {
        check->status = TARGET_NO_MEMORY;
        return false;
    }
    uint64_t slot = customer_slot(check, order->w_id, order->d_id, order->c_id);
    if (tpcc_order_key(order->w_id, order->d_id, order->id) != key_of(key))
        fail(check, 0, "ORDER key of (%u,%u,%u): leads to the row (%u,%u,%u)", check->now->w_id, check->now->d_id,
             tpcc_key_order(key_of(key)), order->w_id, order->d_id, order->id);
    if (slot == NOBODY)
        fail(check, 0, "order (%u,%u,%u): its O_C_ID = %u is no customer", check->now->w_id, check->now->d_id,
             order->id, order->c_id);
    check->orders[check->order_count++] = (struct order_facts){
        .o_id = tpcc_key_order(key_of(key)),
        .customer = slot,
        .ol_cnt = order->ol_cnt,
        .has_carrier = order->carrier_id != TPCC_CARRIER_NULL,
    };
    check->ol_cnt_sum += order->ol_cnt;
    return true;
}

/* The order of that id; the ids come in ascending order. */
static struct order_facts *merge(struct check *check, uint32_t o_id)
{
    while (check->cursor < check->order_count && check->orders[check->cursor].o_id < o_id)
        check->cursor++;
    if (check->cursor < check->order_count && check->orders[check->cursor].o_id == o_id)
        return &check->orders[check->cursor];
    return NULL;
}

static bool visit_new_order(void *arg, const void *key, uint64_t ref)
{
    struct check *check = arg;
    const struct tpcc_new_order_row *row = row_of(check, TPCC_TABLE_NEW_ORDER, "NEW-ORDER", key_of(key), ref);
    if (!row)
        return check->status == TARGET_OK;
    uint32_t o_id = tpcc_key_order(key_of(key));
    if (tpcc_order_key(row->w_id, row->d_id, row->o_id) != key_of(key))
        fail(check, 0, "NEW-ORDER key of (%u,%u,%u): leads to the row (%u,%u,%u)", check->now->w_id, check->now->d_id,
             o_id, row->w_id, row->d_id, row->o_id);
    struct order_facts *order = merge(check, o_id);
    if (order)
        order->is_new = true;
    else
        fail(check, 5, "order (%u,%u,%u): NEW-ORDER has it, ORDER has not", check->now->w_id, check->now->d_id, o_id);
    if (!check->now->new_orders++)
        check->new_order_min = o_id;
    check->new_order_max = o_id;
    return true;
}

/* Condition 13: what the line took from a stock. */
static void gather_line_stock(struct check *check, const struct tpcc_order_line *line)
{
    if (line->o_id <= TPCC_ORDERS)
        return;
    if (line->supply_w_id < 1 || line->supply_w_id > check->tpcc->options.warehouses || line->i_id < 1 ||
        line->i_id > TPCC_ITEMS) {
        fail(check, 0, "order line (%u,%u,%u,%u): there is no stock (%u,%u) to supply it", line->w_id, line->d_id,
             line->o_id, line->number, line->supply_w_id, line->i_id);
        return;
    }
    struct stock_sums *sums = &check->stock[tpcc_stock_key(line->supply_w_id, line->i_id)];
    sums->quantity += line->quantity;
    sums->lines++;
    sums->remote += line->supply_w_id != line->w_id;
}

static bool visit_line(void *arg, const void *key, uint64_t ref)
{
    struct check *check = arg;
    const struct tpcc_order_line *line = row_of(check, TPCC_TABLE_ORDER_LINE, "ORDER-LINE", key_of(key), ref);
    if (!line)
        return check->status == TARGET_OK;
    uint32_t o_id = tpcc_key_order(key_of(key) >> TPCC_LINE_BITS);
    bool has_date = line->delivery_us != TPCC_DATE_NULL;
    check->line_count++;
    if (tpcc_order_line_key(line->w_id, line->d_id, line->o_id, line->number) != key_of(key))
        fail(check, 0, "ORDER-LINE key of (%u,%u,%u): leads to the row (%u,%u,%u,%u)", check->now->w_id,
             check->now->d_id, o_id, line->w_id, line->d_id, line->o_id, line->number);
    struct order_facts *order = merge(check, o_id);
    if (!order) {
        fail(check, 6, "order (%u,%u,%u): ORDER-LINE has line %u of it, ORDER has not", check->now->w_id,
             check->now->d_id, o_id, line->number);
        return true;
    }
    order->lines++;
    gather_line_stock(check, line);
    check->checked[7]++;
    if (has_date != order->has_carrier)
        fail(check, 7, "order line (%u,%u,%u,%u): OL_DELIVERY_D is %s, its order's O_CARRIER_ID is %s",
             check->now->w_id, check->now->d_id, o_id, line->number, has_date ? "not null" : "null",
             order->has_carrier ? "not null" : "null");
    if (has_date && order->customer != NOBODY) {
        check->customer[order->customer].delivered_cents += line->amount_cents;
        check->delivered_sum_cents += line->amount_cents;
    }
    return true;
}

static enum target_status scan_range(struct check *check, enum tpcc_index index, uint64_t lo, uint64_t hi,
                                     target_entry_fn visit)
{
    check->cursor = 0;
    check->status = TARGET_OK;
    enum target_status status = check->ops->scan(check->txn, check->tpcc->indexes[index], &lo, &hi, 0, 0, visit, check);
    return status == TARGET_OK ? check->status : status;
}

static void judge_orders(struct check *check)
{
    for (size_t i = 0; i < check->order_count; i++) {
        const struct order_facts *order = &check->orders[i];
        check->checked[5]++;
        check->checked[6]++;
        if (order->has_carrier == order->is_new)
            fail(check, 5, "order (%u,%u,%u): O_CARRIER_ID is %s, its NEW-ORDER row is %s", check->now->w_id,
                 check->now->d_id, order->o_id, order->has_carrier ? "not null" : "null",
                 order->is_new ? "there" : "not there");
        if (order->ol_cnt != order->lines)
            fail(check, 6, "order (%u,%u,%u): O_OL_CNT = %u, order lines = %u", check->now->w_id, check->now->d_id,
                 order->o_id, order->ol_cnt, order->lines);
    }
}

static void judge_district_orders(struct check *check)
{
    struct district_sums *now = check->now;
    uint32_t max = check->order_count ? check->orders[check->order_count - 1].o_id : 0;
    now->orders = check->order_count;
    if (check->order_count) {
        check->checked[2]++;
        check->checked[11]++;
    }
    if (now->next_o_id - 1 != max)
        fail(check, 2, "district (%u,%u): D_NEXT_O_ID - 1 = %u, max(O_ID) = %u", now->w_id, now->d_id,
             now->next_o_id - 1, max);
    if (now->new_orders) {
        check->checked[3]++;
        if (now->next_o_id - 1 != check->new_order_max)
            fail(check, 2, "district (%u,%u): D_NEXT_O_ID - 1 = %u, max(NO_O_ID) = %u", now->w_id, now->d_id,
                 now->next_o_id - 1, check->new_order_max);
        uint64_t width = (uint64_t)check->new_order_max - check->new_order_min + 1;
        if (width != now->new_orders)
            fail(check, 3, "district (%u,%u): max(NO_O_ID) - min(NO_O_ID) + 1 = %" PRIu64 ", NEW-ORDER rows = %" PRIu64,
                 now->w_id, now->d_id, width, now->new_orders);
    }
    check->checked[4] += check->line_count;
    if (check->ol_cnt_sum != check->line_count)
        fail(check, 4, "district (%u,%u): sum of O_OL_CNT = %" PRIu64 ", ORDER-LINE rows = %" PRIu64, now->w_id,
             now->d_id, check->ol_cnt_sum, check->line_count);
}

static enum target_status gather_orders(struct check *check)
{
    for (uint32_t key = 0; key < check->tpcc->districts; key++) {
        struct district_sums *now = check->now = &check->district[key];
        uint32_t w = now->w_id, d = now->d_id;
        enum target_status status;
        check->order_count = 0;
        check->line_count = check->ol_cnt_sum = 0;
        status =
            scan_range(check, TPCC_INDEX_ORDER, tpcc_order_key(w, d, 0), tpcc_order_key(w, d, UINT32_MAX), visit_order);
        if (status == TARGET_OK)
            status = scan_range(check, TPCC_INDEX_NEW_ORDER, tpcc_order_key(w, d, 0), tpcc_order_key(w, d, UINT32_MAX),
                                visit_new_order);
        if (status == TARGET_OK)
            status = scan_range(check, TPCC_INDEX_ORDER_LINE, tpcc_order_line_key(w, d, 0, 0),
                                tpcc_order_line_key(w, d, UINT32_MAX, (1 << TPCC_LINE_BITS) - 1), visit_line);
        if (status != TARGET_OK)
            return status;
        judge_orders(check);
        judge_district_orders(check);
    }
    return TARGET_OK;
}

/* ---- CUSTOMER; after the others, whose sums it is compared with. ---- */

static void judge_account(struct check *check, uint32_t w_id, uint32_t d_id, uint32_t c_id,
                          const struct tpcc_customer_account *account)
{
    const struct tpcc_options *options = &check->tpcc->options;
    const struct customer_sums *sums = &check->customer[tpcc_customer_key(w_id, d_id, c_id)];
    check->checked[12]++;
    check->balance_sum_cents += account->balance_cents;
    check->ytd_payment_sum_cents += account->ytd_payment_cents;
    check->payment_cnt_sum += account->payment_cnt;
    check->district[tpcc_district_key(w_id, d_id)].deliveries += account->delivery_cnt;
    int64_t expected_cents = sums->delivered_cents - sums->history_cents;
    if (options->insert_history && options->remote_payment != TPCC_REMOTE_HISTORY &&
        account->balance_cents != expected_cents)
        fail(check, 10, "customer (%u,%u,%u): C_BALANCE = %s, delivered OL_AMOUNT - H_AMOUNT = %s", w_id, d_id, c_id,
             MONEY(account->balance_cents), MONEY(expected_cents));
    int64_t turnover_cents = account->balance_cents + account->ytd_payment_cents;
    if (turnover_cents != sums->delivered_cents)
        fail(check, 12, "customer (%u,%u,%u): C_BALANCE + C_YTD_PAYMENT = %s, delivered OL_AMOUNT = %s", w_id, d_id,
             c_id, MONEY(turnover_cents), MONEY(sums->delivered_cents));
}

static bool visit_customer(void *arg, uint64_t ref, const void *data, size_t bytes)
{
    struct check *check = arg;
    bool split = check->tpcc->options.split_rows;
    const struct tpcc_customer_info *info = split ? data : &((const struct tpcc_customer *)data)->info;
    (void)bytes;
    if (customer_slot(check, info->w_id, info->d_id, info->id) == NOBODY) {
        fail(check, 0, "CUSTOMER row %" PRIu64 ": (%u,%u,%u) is no customer", ref, info->w_id, info->d_id, info->id);
        return true;
    }
    check->customers++;
    if (!split)
        judge_account(check, info->w_id, info->d_id, info->id, &((const struct tpcc_customer *)data)->account);
    return true;
}

/* With split_rows, which leaves no account in the rows that visit_customer sees. */
static enum target_status gather_accounts(struct check *check)
{
    for (uint64_t key = 0; key < (uint64_t)check->tpcc->districts * TPCC_CUSTOMERS; key++) {
        uint32_t c_id = (uint32_t)(key % TPCC_CUSTOMERS) + 1;
        const struct district_sums *district = &check->district[key / TPCC_CUSTOMERS];
        struct tpcc_customer_account account;
        struct tpcc_customer_data data;
        enum target_status status = READ_PART(check, CUSTOMER_ACCOUNT, key, &account);
        if (status == TARGET_OK) {
            judge_account(check, district->w_id, district->d_id, c_id, &account);
            status = READ_PART(check, CUSTOMER_DATA, key, &data);
        }
        if (status == TARGET_NOT_FOUND) {
            fail(check, 0, "customer (%u,%u,%u): no such row in CUSTOMER_ACCOUNT or CUSTOMER_DATA", district->w_id,
                 district->d_id, c_id);
            check->behind = true;
        } else if (status != TARGET_OK) {
            return status;
        }
    }
    return TARGET_OK;
}

static void judge_customers(struct check *check)
{
    const struct tpcc_options *options = &check->tpcc->options;
    uint64_t expected = (uint64_t)check->tpcc->districts * TPCC_CUSTOMERS;
    if (check->customers != expected) {
        fail(check, 0, "CUSTOMER: %" PRIu64 " rows, expected %" PRIu64, check->customers, expected);
        check->behind |= check->customers < expected;
    }
    int64_t expected_cents = check->delivered_sum_cents - check->history_sum_cents;
    if (options->insert_history && options->remote_payment == TPCC_REMOTE_HISTORY &&
        check->balance_sum_cents != expected_cents)
        fail(check, 10, "all customers: C_BALANCE = %s, delivered OL_AMOUNT - H_AMOUNT = %s",
             MONEY(check->balance_sum_cents), MONEY(expected_cents));
}

/* ---- STOCK; after the orders, whose lines it is compared with. ---- */

static void judge_stock(struct check *check, uint32_t w_id, uint32_t i_id, const struct tpcc_stock *stock)
{
    uint64_t key = tpcc_stock_key(w_id, i_id);
    check->checked[13]++;
    check->order_cnt_sum += stock->order_cnt;
    check->stock_print += stock->order_cnt * tpcc_stock_weight(key);
    if (stock->w_id != w_id || stock->i_id != i_id)
        fail(check, 0, "stock (%u,%u): its key leads to the row (%u,%u)", w_id, i_id, stock->w_id, stock->i_id);
    if (stock->quantity < 10 || stock->quantity > 100)
        fail(check, 13, "stock (%u,%u): S_QUANTITY = %d", w_id, i_id, stock->quantity);
    if (!check->stock)
        return;
    const struct stock_sums *sums = &check->stock[key];
    if (stock->ytd != sums->quantity || stock->order_cnt != sums->lines || stock->remote_cnt != sums->remote)
        fail(check, 13,
             "stock (%u,%u): S_YTD, S_ORDER_CNT, S_REMOTE_CNT = %" PRId64 ", %u, %u, by order lines %u, %u, %u", w_id,
             i_id, stock->ytd, stock->order_cnt, stock->remote_cnt, sums->quantity, sums->lines, sums->remote);
}

static enum target_status gather_stocks(struct check *check)
{
    for (uint32_t w_id = 1; w_id <= check->tpcc->options.warehouses; w_id++) {
        for (uint32_t i_id = 1; i_id <= TPCC_ITEMS; i_id++) {
            const void *row;
            enum target_status status = read_key(check, TPCC_INDEX_STOCK, tpcc_stock_key(w_id, i_id), &row);
            if (status == TARGET_OK) {
                judge_stock(check, w_id, i_id, row);
            } else if (status == TARGET_NOT_FOUND) {
                fail(check, 0, "stock (%u,%u): no such row in STOCK", w_id, i_id);
                check->behind = true;
            } else {
                return status;
            }
        }
    }
    return TARGET_OK;
}

/* C3: what adds up over all districts only. */
static void judge_all_committed(struct check *check)
{
    struct committed_sums sums = {0};
    for (uint32_t key = 0; key < check->tpcc->districts; key++) {
        struct committed_sums district = committed_of(check, key);
        sums.lines += district.lines;
        sums.stock_print += district.stock_print;
        sums.payments += district.payments;
        sums.payment_cents += district.payment_cents;
    }
    if (check->order_cnt_sum != sums.lines || check->stock_print != sums.stock_print) {
        fail(check, 13,
             "all stocks: S_ORDER_CNT = %" PRIu64 " (print %#" PRIx64 "), committed order lines = %" PRIu64
             " (print %#" PRIx64 ")",
             check->order_cnt_sum, check->stock_print, sums.lines, sums.stock_print);
        check->behind |= check->order_cnt_sum < sums.lines;
    }
    uint64_t payments = check->customers + sums.payments;
    int64_t ytd_cents = 1000 * (int64_t)check->customers + sums.payment_cents;
    if (check->payment_cnt_sum != payments || check->ytd_payment_sum_cents != ytd_cents) {
        fail(check, 12,
             "all customers: C_PAYMENT_CNT = %" PRIu64 ", C_YTD_PAYMENT = %s, by committed Payments %" PRIu64 ", %s",
             check->payment_cnt_sum, MONEY(check->ytd_payment_sum_cents), payments, MONEY(ytd_cents));
        check->behind |= check->payment_cnt_sum < payments;
    }
}

/* ---- Sums a district and a warehouse. ---- */

/* C3 */
static void judge_committed(struct check *check, uint64_t key)
{
    const struct district_sums *sums = &check->district[key];
    struct committed_sums committed = committed_of(check, key);
    uint64_t next_o_id = TPCC_ORDERS + 1 + committed.new_orders;
    if (sums->next_o_id != next_o_id) {
        fail(check, 2, "district (%u,%u): D_NEXT_O_ID = %u, 3001 + committed New-Orders = %" PRIu64, sums->w_id,
             sums->d_id, sums->next_o_id, next_o_id);
        check->behind |= sums->next_o_id < next_o_id;
    }
    int64_t ytd_cents = 3000000 + committed.payment_cents;
    if (sums->ytd_cents != ytd_cents) {
        fail(check, 9, "district (%u,%u): D_YTD = %s, 30000.00 + committed Payments = %s", sums->w_id, sums->d_id,
             MONEY(sums->ytd_cents), MONEY(ytd_cents));
        check->behind |= sums->ytd_cents < ytd_cents;
    }
    uint64_t delivered = sums->orders - sums->new_orders, expected = TPCC_DELIVERED + committed.deliveries;
    if (check->tpcc->options.insert_orders && delivered != expected) {
        fail(check, 11,
             "district (%u,%u): ORDER rows - NEW-ORDER rows = %" PRIu64 ", 2100 + committed deliveries = %" PRIu64,
             sums->w_id, sums->d_id, delivered, expected);
        check->behind |= delivered < expected;
    }
    if (!check->tpcc->options.insert_orders)
        check->checked[2]++;
    if (!check->tpcc->options.insert_history)
        check->checked[9]++;
}

static void judge_sums(struct check *check)
{
    const struct tpcc_options *options = &check->tpcc->options;
    for (uint32_t w = 0; w < options->warehouses; w++) {
        const struct warehouse_sums *sums = &check->warehouse[w];
        if (sums->ytd_cents != sums->district_cents)
            fail(check, 1, "warehouse %u: W_YTD = %s, sum of D_YTD = %s", w + 1, MONEY(sums->ytd_cents),
                 MONEY(sums->district_cents));
        if (options->insert_history && sums->ytd_cents != sums->history_cents)
            fail(check, 8, "warehouse %u: W_YTD = %s, sum of H_AMOUNT = %s", w + 1, MONEY(sums->ytd_cents),
                 MONEY(sums->history_cents));
    }
    for (uint32_t key = 0; key < check->tpcc->districts; key++) {
        const struct district_sums *sums = &check->district[key];
        if (options->insert_history && sums->ytd_cents != sums->history_cents)
            fail(check, 9, "district (%u,%u): D_YTD = %s, sum of H_AMOUNT = %s", sums->w_id, sums->d_id,
                 MONEY(sums->ytd_cents), MONEY(sums->history_cents));
        uint64_t delivered = sums->orders - sums->new_orders, expected = TPCC_DELIVERED + sums->deliveries;
        if (options->insert_orders && delivered != expected)
            fail(check, 11,
                 "district (%u,%u): ORDER rows - NEW-ORDER rows = %" PRIu64 ", 2100 + sum of C_DELIVERY_CNT = %" PRIu64,
                 sums->w_id, sums->d_id, delivered, expected);
        if (check->at_rest)
            judge_committed(check, key);
    }
    if (check->at_rest)
        judge_all_committed(check);
}

/* ---- What applies; C1, C2. ---- */

static const char no_orders[] = "insert_orders=off keeps no orders";
static const char no_history[] = "insert_history=off keeps no history";

/* Why the options make the condition inapplicable, or NULL. The same reason is the same pointer. */
static const char *left_out(const struct check *check, unsigned condition)
{
    const struct tpcc_options *options = &check->tpcc->options;
    switch (condition) {
    case 2:
        if (options->insert_orders)
            return NULL;
        return check->at_rest ? "against committed New-Orders only, as insert_orders=off keeps no orders" : no_orders;
    case 3:
        if (options->insert_orders && !check->checked[3] && !check->findings[11].count)
            return "every order is delivered, as condition 11 shows";
        return options->insert_orders ? NULL : no_orders;
    case 4:
    case 5:
    case 6:
    case 7:
    case 11:
        return options->insert_orders ? NULL : no_orders;
    case 9:
        if (options->insert_history)
            return NULL;
        return check->at_rest ? "against committed Payments only, as insert_history=off keeps no history" : no_history;
    case 13:
        if (options->insert_orders)
            return NULL;
        return check->at_rest ? "in sum over all stocks only, as insert_orders=off keeps no orders" : no_orders;
    case 8:
        return options->insert_history ? NULL : no_history;
    case 10:
        if (!options->insert_history)
            return no_history;
        return options->remote_payment == TPCC_REMOTE_HISTORY
                   ? "in sum over all customers only, as remote_payment=history names others than who was paid for"
                   : NULL;
    default:
        return NULL;
    }
}

static void judge_vacuous(struct check *check)
{
    for (unsigned i = 1; i <= CONDITIONS; i++) {
        if (!check->checked[i] && !left_out(check, i)) {
            fail(check, i, "no row to check it with");
            check->behind = true;
        }
    }
}

__attribute__((format(printf, 4, 5))) static size_t append(char *report, size_t report_bytes, size_t length,
                                                           const char *format, ...)
{
    va_list arguments;
    if (length >= report_bytes)
        return length;
    va_start(arguments, format);
    int written = vsnprintf(report + length, report_bytes - length, format, arguments);
    va_end(arguments);
    return written > 0 ? length + (size_t)written : length;
}

/* The broken conditions, each with its first row; or, if none is, what was left out. */
static enum target_status write_report(const struct check *check, char *report, size_t report_bytes)
{
    size_t length = 0;
    if (report_bytes)
        report[0] = '\0';
    for (unsigned i = 0; i <= CONDITIONS; i++) {
        const struct finding *finding = &check->findings[i];
        if (!finding->count)
            continue;
        length = append(report, report_bytes, length, "%scondition %u (%s): %s", length ? "\n" : "", i,
                        condition_texts[i], finding->text);
        if (finding->count > 1)
            length = append(report, report_bytes, length, " (and %" PRIu64 " more)", finding->count - 1);
    }
    if (length)
        return TARGET_CORRUPT;
    for (unsigned i = 1; i <= CONDITIONS; i++) {
        const char *reason = left_out(check, i);
        bool told = false;
        for (unsigned j = 1; reason && j < i; j++)
            told |= left_out(check, j) == reason;
        if (!reason || told)
            continue;
        length = append(report, report_bytes, length, "%scondition %u", length ? "; " : "not checked in full: ", i);
        for (unsigned j = i + 1; j <= CONDITIONS; j++) {
            if (left_out(check, j) == reason)
                length = append(report, report_bytes, length, ", %u", j);
        }
        length = append(report, report_bytes, length, " (%s)", reason);
    }
    return TARGET_OK;
}

/* ---- One look, and the call. ---- */

static enum target_status look(struct check *check)
{
    const struct tpcc_options *options = &check->tpcc->options;
    const struct workload *tpcc = check->tpcc;
    enum target_status status = gather_warehouses(check);
    if (status == TARGET_OK && options->insert_history)
        status = check->ops->table_scan(check->txn, tpcc->tables[TPCC_TABLE_HISTORY], visit_history, check);
    if (status == TARGET_OK && options->insert_orders)
        status = gather_orders(check);
    if (status == TARGET_OK)
        status = check->ops->table_scan(check->txn, tpcc->tables[TPCC_TABLE_CUSTOMER], visit_customer, check);
    if (status == TARGET_OK && options->split_rows)
        status = gather_accounts(check);
    if (status == TARGET_OK)
        status = gather_stocks(check);
    if (status != TARGET_OK)
        return status;
    judge_customers(check);
    judge_sums(check);
    judge_vacuous(check);
    return TARGET_OK;
}

static void clear(struct check *check)
{
    const struct workload *tpcc = check->tpcc;
    check->behind = false;
    check->customers = 0;
    check->balance_sum_cents = check->delivered_sum_cents = check->history_sum_cents = 0;
    check->ytd_payment_sum_cents = 0;
    check->payment_cnt_sum = check->order_cnt_sum = check->stock_print = 0;
    if (check->stock)
        memset(check->stock, 0, tpcc->options.warehouses * (size_t)TPCC_ITEMS * sizeof(*check->stock));
    memset(check->warehouse, 0, tpcc->options.warehouses * sizeof(*check->warehouse));
    memset(check->district, 0, tpcc->districts * sizeof(*check->district));
    memset(check->customer, 0, (size_t)tpcc->districts * TPCC_CUSTOMERS * sizeof(*check->customer));
    memset(check->checked, 0, sizeof(check->checked));
    memset(check->findings, 0, sizeof(check->findings));
}

/* Empty transactions move this worker's clock on, and with it the horizon that snapshots read below. */
static void wait_for_horizon(struct check *check, struct target_worker *worker, long wait_ms)
{
    const struct timespec pause = {.tv_nsec = 200000};
    for (long i = 0; i < 5 * wait_ms; i++) {
        struct target_txn *txn;
        if (check->ops->begin(worker, TARGET_READ_WRITE, &txn) == TARGET_OK && check->ops->commit(txn) != TARGET_OK)
            continue; /* the transaction did nothing, so its commit does not matter */
        nanosleep(&pause, NULL);
    }
}

static enum target_status look_in_snapshot(struct check *check, struct target_worker *worker)
{
    clear(check);
    enum target_status status = check->ops->begin(worker, TARGET_SNAPSHOT, &check->txn);
    if (status != TARGET_OK)
        return status;
    status = look(check);
    if (status == TARGET_OK)
        return check->ops->commit(check->txn);
    check->ops->abort(check->txn);
    return status;
}

enum target_status tpcc_check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                              char *report, size_t report_bytes)
{
    enum { LOOKS = 6 };
    struct check *check = mem_alloc(sizeof(*check));
    enum target_status status = TARGET_NO_MEMORY;
    if (!check)
        goto done;
    check->tpcc = workload;
    check->ops = workload->ops;
    check->at_rest = committed != NULL;
    check->warehouse = mem_alloc(workload->options.warehouses * sizeof(*check->warehouse));
    check->district = mem_alloc(workload->districts * sizeof(*check->district));
    check->customer = mem_alloc((size_t)workload->districts * TPCC_CUSTOMERS * sizeof(*check->customer));
    if (workload->options.insert_orders)
        check->stock = mem_alloc(workload->options.warehouses * (size_t)TPCC_ITEMS * sizeof(*check->stock));
    if (!check->warehouse || !check->district || !check->customer || (workload->options.insert_orders && !check->stock))
        goto free_check;
    for (unsigned i = 0; i < LOOKS; i++) {
        if (i)
            wait_for_horizon(check, worker, 2L << i);
        status = look_in_snapshot(check, worker);
        if (status == TARGET_OK ? !check->behind : !target_status_is_retry(status))
            break;
    }
    if (status == TARGET_OK)
        status = write_report(check, report, report_bytes);
    else if (report_bytes)
        snprintf(report, report_bytes, "the tables cannot be read: %s", target_status_text(status));

free_check:
    free(check->orders);
    free(check->stock);
    free(check->customer);
    free(check->district);
    free(check->warehouse);
    free(check);
done:
    if (status == TARGET_NO_MEMORY && report_bytes)
        snprintf(report, report_bytes, "out of memory for the check's sums");
    return status;
}
