/* request.c - draws requests: the transaction, its customer, its other input. Changes only the worker. */
#include "workloads/mix.h"
#include "workloads/tpcc/instance.h"

static bool chance(struct rng *rng, uint64_t share)
{
    return rng_next(rng) >> 32 < share;
}

/* Any warehouse but `w_id`. There must be more than one. */
static uint32_t other_warehouse(struct workload_worker *self, uint32_t w_id)
{
    uint32_t other = tpcc_uniform(&self->rng, 1, self->tpcc->options.warehouses - 1);
    return other + (other >= w_id);
}

/* The customer within the district; TPC-C 2.5.1.2, 2.6.1.2: 60% by last name. */
static void choose_customer(struct workload_worker *self, uint32_t w_id, uint32_t d_id,
                            struct tpcc_customer_choice *customer)
{
    const struct tpcc_nurand *c = &self->tpcc->nurand_run;
    customer->w_id = w_id;
    customer->d_id = d_id;
    customer->by_name = tpcc_uniform(&self->rng, 1, 100) <= 60;
    if (customer->by_name)
        customer->name = tpcc_nurand(&self->rng, 255, c->c_last, 0, TPCC_NAMES - 1);
    else
        customer->id = tpcc_nurand(&self->rng, 1023, c->c_id, 1, TPCC_CUSTOMERS);
}

static bool is_on_order(const struct tpcc_new_order_request *request, uint32_t count, uint64_t stock_key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (request->stock_keys[i] == stock_key)
            return true;
    }
    return false;
}

/* TPC-C 2.4.1 */
static void draw_new_order(struct workload_worker *self, struct tpcc_new_order_request *request, uint32_t w_id)
{
    const struct tpcc_options *options = &self->tpcc->options;
    struct rng *rng = &self->rng;
    uint32_t drawn = tpcc_uniform(rng, TPCC_LINES_MIN, TPCC_LINES_MAX); /* 2.4.1.3 */
    uint32_t count = 0;
    request->w_id = w_id;
    request->d_id = tpcc_uniform(rng, 1, TPCC_DISTRICTS); /* 2.4.1.2 */
    request->c_id = tpcc_nurand(rng, 1023, self->tpcc->nurand_run.c_id, 1, TPCC_CUSTOMERS);
    request->remote_lines = 0;
    request->stock_print = 0;
    request->rolls_back = options->user_abort && chance(rng, options->user_abort); /* 2.4.1.4 */
    for (uint32_t i = 0; i < drawn; i++) {
        /* 2.4.1.5 */
        uint32_t item = tpcc_nurand(rng, 8191, self->tpcc->nurand_run.i_id, 1, TPCC_ITEMS);
        uint32_t supply_w_id = w_id;
        uint8_t quantity = (uint8_t)tpcc_uniform(rng, 1, 10);
        if (options->warehouses > 1 && chance(rng, options->remote_stock))
            supply_w_id = other_warehouse(self, w_id);
        uint64_t stock_key = tpcc_stock_key(supply_w_id, item);
        if (options->drop_duplicate_items && is_on_order(request, count, stock_key))
            continue;
        request->item_keys[count] = tpcc_item_key(item);
        request->stock_keys[count] = stock_key;
        request->stock_print += tpcc_stock_weight(stock_key);
        request->item_ids[count] = item;
        request->supply_w_ids[count] = supply_w_id;
        request->quantities[count] = quantity;
        request->remote_lines += supply_w_id != w_id;
        count++;
    }
    request->line_count = count;
    if (request->rolls_back) /* 2.4.1.5: the last item's number is an unused one */
        request->item_keys[count - 1] = tpcc_item_key(TPCC_ITEMS + 1);
}

/* TPC-C 2.5.1 */
static void draw_payment(struct workload_worker *self, struct tpcc_payment_request *request, uint32_t w_id)
{
    const struct tpcc_options *options = &self->tpcc->options;
    struct rng *rng = &self->rng;
    uint32_t d_id = tpcc_uniform(rng, 1, TPCC_DISTRICTS);
    uint32_t c_w_id = w_id, c_d_id = d_id;
    /* 2.5.1.2; with a single warehouse it is another district's customer that is remote, as its comment 1 says. */
    request->remote = options->remote_payment != TPCC_REMOTE_OFF && tpcc_uniform(rng, 1, 100) > 85;
    if (request->remote) {
        c_d_id = tpcc_uniform(rng, 1, TPCC_DISTRICTS);
        if (options->warehouses > 1)
            c_w_id = other_warehouse(self, w_id);
    }
    request->w_id = w_id;
    request->d_id = d_id;
    request->h_c_w_id = c_w_id;
    request->h_c_d_id = c_d_id;
    if (options->remote_payment == TPCC_REMOTE_HISTORY)
        choose_customer(self, w_id, d_id, &request->customer);
    else
        choose_customer(self, c_w_id, c_d_id, &request->customer);
    request->amount_cents = options->whole_amounts ? (int32_t)tpcc_uniform(rng, 1, 5000) * 100
                                                   : (int32_t)tpcc_uniform(rng, 100, 500000); /* 2.5.1.3 */
}

void tpcc_draw(struct workload_worker *self, struct tpcc_request *request, enum tpcc_txn type, uint32_t w_id,
               uint32_t d_id)
{
    struct rng *rng = &self->rng;
    request->type = type;
    switch (type) {
    case TPCC_new_order:
        draw_new_order(self, &request->new_order, w_id);
        break;
    case TPCC_payment:
        draw_payment(self, &request->payment, w_id);
        break;
    case TPCC_order_status: /* 2.6.1 */
        choose_customer(self, w_id, tpcc_uniform(rng, 1, TPCC_DISTRICTS), &request->order_status.customer);
        break;
    case TPCC_delivery: /* 2.7.1 */
        request->delivery =
            (struct tpcc_delivery_request){.w_id = w_id, .carrier_id = (uint8_t)tpcc_uniform(rng, 1, 10)};
        break;
    case TPCC_stock_level: /* 2.8.1 */
        request->stock_level =
            (struct tpcc_stock_level_request){.w_id = w_id,
                                              .d_id = d_id ? d_id : tpcc_uniform(rng, 1, TPCC_DISTRICTS),
                                              .threshold = (int32_t)tpcc_uniform(rng, 10, 20)};
        break;
    case TPCC_TXN_COUNT:
        __builtin_unreachable();
    }
}

static void draw(struct workload_worker *self, struct tpcc_request *request)
{
    uint32_t w_id = self->home_first;
    if (self->homes > 1)
        w_id += tpcc_uniform(&self->rng, 0, self->homes - 1) * self->home_step;
    tpcc_draw(self, request, (enum tpcc_txn)mix_draw(self->tpcc->options.mix, &self->rng), w_id, 0); /* 5.2.3 */
}

bool tpcc_draw_ahead(struct workload_worker *self)
{
    if (self->requests_left > 0)
        return false;
    for (unsigned i = 0; i < TPCC_REQUESTS_AHEAD; i++)
        draw(self, &self->requests[i]);
    self->requests_left = TPCC_REQUESTS_AHEAD;
    return true;
}

unsigned tpcc_next(struct workload_worker *self)
{
    (void)tpcc_draw_ahead(self);
    self->request = &self->requests[TPCC_REQUESTS_AHEAD - self->requests_left--];
    self->missing = 0;
    self->now_us = tpcc_now_us(&self->tpcc->options); /* 2.4.1.6, 2.5.1.4, 2.7.1 */
    return self->request->type;
}
