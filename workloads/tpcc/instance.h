/*
 * instance.h - what TPC-C's files share: the instance, a worker with its request, and the calls between the files.
 *
 * Model. `next` (request.c) draws a request. The file of each transaction runs the request inside a transaction that
 * tpcc.c has begun and ends. A transaction function returns TARGET_OK to commit, TARGET_ROLLED_BACK to roll back on
 * purpose, and any other status as it came from the target.
 *
 *   T1  Only one worker writes a tally, after the commit. The sum over workers says, for each home district, what must
 *       be in the tables. check.c compares both.
 *
 * Threads: the instance is constant after setup, except the tallies. A worker belongs to its thread.
 */
#ifndef WORKLOADS_TPCC_INSTANCE_H
#define WORKLOADS_TPCC_INSTANCE_H

#include <stdatomic.h>

#include "engine/base/compiler.h"
#include "workloads/tpcc/options.h"
#include "workloads/tpcc/random.h"
#include "workloads/tpcc/schema.h"

/* What one worker has committed for one home district. */
struct tpcc_tally {
    _Atomic uint64_t new_orders, lines, payments, deliveries;
    _Atomic uint64_t stock_print; /* sum of tpcc_stock_weight of the stocks that the lines took from */
    _Atomic uint64_t skipped;     /* deliveries that found no order here */
    _Atomic int64_t payment_cents;
};

/* What one worker's committed transactions have chosen: the parts of the shares (report.h). */
struct tpcc_choices {
    SEPARATED _Atomic uint64_t remote_lines, remote_payments, payments_by_name, order_statuses, order_statuses_by_name;
};

struct workload {
    const struct target_ops *ops;
    struct tpcc_options options;
    uint64_t seed;
    unsigned workers;
    uint32_t districts; /* in all */
    struct tpcc_nurand nurand_load, nurand_run;
    struct target_table *tables[TPCC_TABLE_COUNT];
    struct target_index *indexes[TPCC_INDEX_COUNT];
    size_t name_key_bytes;         /* of CUSTOMER_NAME */
    _Atomic uint64_t lines_loaded; /* order lines; the other tables' sizes are constants */
    struct tpcc_tally **tallies;   /* [worker][district key] */
    struct tpcc_choices *choices;  /* [worker] */
};

struct tpcc_new_order_request {
    uint32_t w_id, d_id, c_id;
    uint32_t line_count, remote_lines;
    bool rolls_back;
    uint64_t stock_print;
    uint64_t item_keys[TPCC_LINES_MAX], stock_keys[TPCC_LINES_MAX]; /* contiguous: prefetch takes them so */
    uint32_t item_ids[TPCC_LINES_MAX], supply_w_ids[TPCC_LINES_MAX];
    uint8_t quantities[TPCC_LINES_MAX];
};

/* A sum of these, modulo 2^64, tells which stocks are in it, but for an accident. Cheap: each line is drawn with it. */
static inline uint64_t tpcc_stock_weight(uint64_t stock_key)
{
    return (stock_key + 1) * (stock_key + 1);
}

/* A customer by id, or by last name if by_name. */
struct tpcc_customer_choice {
    uint32_t w_id, d_id;
    bool by_name;
    uint32_t id;   /* 1..3000 */
    uint32_t name; /* 0..999 */
};

struct tpcc_payment_request {
    uint32_t w_id, d_id;
    struct tpcc_customer_choice customer; /* the customer of the payment */
    uint32_t h_c_w_id, h_c_d_id;          /* what HISTORY says; the same unless remote_payment=history */
    int32_t amount_cents;
    bool remote; /* the customer is of another district, or HISTORY says so */
};

struct tpcc_order_status_request {
    struct tpcc_customer_choice customer;
};

struct tpcc_delivery_request {
    uint32_t w_id;
    uint8_t carrier_id;
    uint32_t d_id_done; /* districts behind us, with delivery_per_district */
};

struct tpcc_stock_level_request {
    uint32_t w_id, d_id;
    int32_t threshold;
};

/* What the terminal would show; filled only with outputs=on. */
struct tpcc_output {
    int64_t total_cents;   /* New-Order: with tax and discount; Order-Status: sum of the lines */
    int64_t balance_cents; /* of the customer */
    uint32_t c_id, o_id;
    uint32_t brands;    /* New-Order lines with brand "B" */
    uint32_t lines;     /* of the order */
    uint32_t low_stock; /* Stock-Level; always filled */
};

enum { TPCC_DISTINCT_SLOTS = 1024 }; /* over three times what 20 orders of 15 lines can fill */

struct tpcc_request {
    enum tpcc_txn type;
    union {
        struct tpcc_new_order_request new_order;
        struct tpcc_payment_request payment;
        struct tpcc_order_status_request order_status;
        struct tpcc_delivery_request delivery;
        struct tpcc_stock_level_request stock_level;
    };
};

/* TPC-C 5.2.2: a place where a user works. */
struct tpcc_terminal {
    uint32_t w_id, d_id;
    struct tpcc_request request; /* the one that its user keys in; before it is drawn, the one before */
};

/* Drawn at a time, so that the time of drawing is no transaction's and costs one reading of the clock for so many. */
enum { TPCC_REQUESTS_AHEAD = 16 };

struct workload_worker {
    const struct workload *tpcc;
    const struct target_ops *ops;
    struct target_worker *worker;
    struct tpcc_tally *tallies; /* [district key], this worker's */
    struct tpcc_choices *choices;
    struct rng rng;
    unsigned worker_idx;
    unsigned operations;
    unsigned missing; /* attempts of this request that missed a row which must be there */
    uint32_t homes;   /* how many home warehouses; the k-th (from 0) is home_first + k * home_step */
    uint32_t home_first, home_step;
    int64_t now_us;
    struct tpcc_terminal *terminals; /* NULL: there are none */
    unsigned terminal_count;
    struct tpcc_request *request; /* the one at hand */
    uint32_t requests_left;       /* drawn and not yet at hand, the next one being requests[AHEAD - requests_left] */
    struct tpcc_request requests[TPCC_REQUESTS_AHEAD];
    struct tpcc_output output;
    uint32_t delivered; /* bit d - 1: the running Delivery found an order in district d */
    uint32_t skipped;   /* likewise: found none */
    uint32_t distinct[TPCC_DISTINCT_SLOTS];
    uint64_t matches[TPCC_CUSTOMERS]; /* rows of a last name; no more can have one */
};

static_assert(_Alignof(struct workload_worker) <= 64, "mem_alloc aligns to cache lines");

/* request.c: draws requests; see workload.h. */
bool tpcc_draw_ahead(struct workload_worker *self);
unsigned tpcc_next(struct workload_worker *self);

/* Draws one of `type` for this warehouse. Stock-Level is of the district, 0: of any. */
void tpcc_draw(struct workload_worker *self, struct tpcc_request *request, enum tpcc_txn type, uint32_t w_id,
               uint32_t d_id);

/* terminal.c: see workload.h. */
extern const struct workload_terminals tpcc_terminals;
enum target_status tpcc_terminals_open(struct workload_worker *self); /* none if the options want none */

/* One transaction each: new_order.c, payment.c, order_status.c, delivery.c, stock_level.c. */
enum target_status tpcc_run_new_order(struct workload_worker *self, struct target_txn *txn);
enum target_status tpcc_run_payment(struct workload_worker *self, struct target_txn *txn);
enum target_status tpcc_run_order_status(struct workload_worker *self, struct target_txn *txn);
/* Districts d_id_first to d_id_last; adds to self->delivered and self->skipped. */
enum target_status tpcc_run_delivery(struct workload_worker *self, struct target_txn *txn, uint32_t d_id_first,
                                     uint32_t d_id_last);
enum target_status tpcc_run_stock_level(struct workload_worker *self, struct target_txn *txn);

/* customer.c: the row of a customer by last name; TPC-C 2.5.2.2, 2.6.2.2. TARGET_NOT_FOUND if no customer has it. */
enum target_status tpcc_find_by_name(struct workload_worker *self, struct target_txn *txn,
                                     const struct tpcc_customer_choice *customer, uint64_t *ref);

/*
 * parts.c: what the transactions do with WAREHOUSE, DISTRICT and CUSTOMER, whether split_rows cuts them or not. Each
 * result is a pointer into what the target has handed out.
 */
enum target_status tpcc_read_warehouse(struct workload_worker *self, struct target_txn *txn, uint32_t w_id,
                                       const struct tpcc_warehouse_info **info);
/* Adds to W_YTD. */
enum target_status tpcc_pay_warehouse(struct workload_worker *self, struct target_txn *txn, uint32_t w_id,
                                      int64_t cents, const struct tpcc_warehouse_info **info);
/* Adds to D_YTD. */
enum target_status tpcc_pay_district(struct workload_worker *self, struct target_txn *txn, uint64_t key, int64_t cents,
                                     const struct tpcc_district_info **info);
/* `o_id`: D_NEXT_O_ID, which becomes one more. */
enum target_status tpcc_take_order_id(struct workload_worker *self, struct target_txn *txn, uint64_t key,
                                      uint32_t *o_id, const struct tpcc_district_info **info);
/* `o_id`: D_NEXT_O_ID. */
enum target_status tpcc_read_order_id(struct workload_worker *self, struct target_txn *txn, uint64_t key,
                                      uint32_t *o_id);
/* `account` may be NULL. */
enum target_status tpcc_read_customer(struct workload_worker *self, struct target_txn *txn,
                                      const struct tpcc_customer_choice *choice, const struct tpcc_customer_info **info,
                                      const struct tpcc_customer_account **account);

struct tpcc_paid {
    const struct tpcc_customer_info *info;
    int64_t balance_cents;           /* afterwards */
    struct tpcc_customer_data *data; /* to be changed; undefined unless c_data_rewrite=on and the credit is bad */
};
/* Takes from C_BALANCE, and adds to C_YTD_PAYMENT, and 1 to C_PAYMENT_CNT. */
enum target_status tpcc_pay_customer(struct workload_worker *self, struct target_txn *txn,
                                     const struct tpcc_customer_choice *choice, int64_t cents, struct tpcc_paid *paid);
/* Adds to C_BALANCE, and 1 to C_DELIVERY_CNT. */
enum target_status tpcc_credit_customer(struct workload_worker *self, struct target_txn *txn, uint64_t key,
                                        int64_t cents);
/* Announces these parts of a customer, when batch=on. */
enum { TPCC_CUSTOMER_INFO = 1, TPCC_CUSTOMER_ACCOUNT = 2 };
void tpcc_announce_customer(struct workload_worker *self, struct target_txn *txn, unsigned parts, uint64_t key);

/* load.c; see workload.h. */
enum target_status tpcc_load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                             struct workload_progress *progress, const _Atomic bool *stop);

/* check.c; see workload.h. On TARGET_OK the report names what was left out, and why, or is empty. */
enum target_status tpcc_check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                              char *report, size_t report_bytes);

/* ---- Short forms. Each transaction uses them some tens of times. ---- */

static inline enum target_status tpcc_read(struct workload_worker *self, struct target_txn *txn, enum tpcc_index index,
                                           uint64_t key, const void **row)
{
    size_t bytes;
    self->operations++;
    return self->ops->read(txn, self->tpcc->indexes[index], &key, row, &bytes);
}

/* The row's new version, to be changed in place. */
static inline enum target_status tpcc_update(struct workload_worker *self, struct target_txn *txn,
                                             enum tpcc_index index, uint64_t key, void **row)
{
    self->operations++;
    return self->ops->update(txn, self->tpcc->indexes[index], &key, 0, NULL, row);
}

static inline enum target_status tpcc_insert(struct workload_worker *self, struct target_txn *txn,
                                             enum tpcc_index index, uint64_t key, size_t bytes, uint64_t *ref,
                                             void **row)
{
    self->operations++;
    return self->ops->insert(txn, self->tpcc->indexes[index], &key, bytes, ref, row);
}

static inline enum target_status tpcc_row_read(struct workload_worker *self, struct target_txn *txn,
                                               enum tpcc_table table, uint64_t ref, const void **row)
{
    size_t bytes;
    self->operations++;
    return self->ops->row_read(txn, self->tpcc->tables[table], ref, row, &bytes);
}

static inline enum target_status tpcc_row_update(struct workload_worker *self, struct target_txn *txn,
                                                 enum tpcc_table table, uint64_t ref, void **row)
{
    self->operations++;
    return self->ops->row_update(txn, self->tpcc->tables[table], ref, 0, NULL, row);
}

#endif
