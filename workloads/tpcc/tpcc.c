/* tpcc.c - see tpcc.h: the instance, its tables, and one attempt of a request. */
#include "workloads/tpcc/tpcc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/mem.h"
#include "workloads/schema.h"
#include "workloads/tpcc/instance.h"
#include "workloads/tpcc/report.h"

/*
 * All rows that a request looks up were loaded or are found through an index. One may be missing for a moment all the
 * same: a transaction may be placed before another worker's last commits, since the order is serial and not real-time,
 * a snapshot lags behind, and a target may not protect scans against phantoms. The request is then attempted again,
 * after a pause when it has been missed a few times; what is missed for good is lost.
 */
enum { MISSING_PAUSE = 10, MISSING_MAX = 2000, MISSING_PAUSE_NS = 500000 };

/* ---- Life of the instance. ---- */

static void tpcc_destroy(struct workload *workload)
{
    if (!workload)
        return;
    for (unsigned i = 0; workload->tallies && i < workload->workers; i++)
        free(workload->tallies[i]);
    free(workload->tallies);
    free(workload->choices);
    free(workload);
}

static enum target_status tpcc_create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                      struct workload **created, char *error, size_t error_bytes)
{
    struct tpcc_options options;
    enum target_status status = tpcc_options_resolve(values, &options, error, error_bytes);
    if (status == TARGET_OK)
        status =
            target_needs_table_scan(ops, error, error_bytes); /* so that the check can read history and customers */
    if (status != TARGET_OK)
        return status;
    if (!target_is_transactional(&ops->promises) && options.user_abort) {
        snprintf(error, error_bytes, "tpcc: target %s cannot roll back, but user_abort=%g: set user_abort=0", ops->name,
                 (double)options.user_abort / 0x1p32);
        return TARGET_INVALID;
    }
    if (options.terminals && (uint64_t)options.terminals * options.warehouses < workers) {
        snprintf(error, error_bytes,
                 "tpcc: think=spec: %u warehouses have %" PRIu64 " terminals for %u workers: raise "
                 "warehouses or lower threads",
                 options.warehouses, (uint64_t)options.terminals * options.warehouses, workers);
        return TARGET_INVALID;
    }
    struct workload *workload = mem_alloc(sizeof(*workload));
    if (!workload)
        goto out_of_memory;
    workload->ops = ops;
    workload->options = options;
    workload->seed = seed;
    workload->workers = workers;
    workload->districts = options.warehouses * TPCC_DISTRICTS;
    struct rng rng;
    rng_init(&rng, seed, 0);
    tpcc_nurand_draw(&rng, options.nurand_differ, &workload->nurand_load, &workload->nurand_run);
    workload->tallies = mem_alloc(sizeof(struct tpcc_tally *) * (workers ? workers : 1));
    workload->choices = mem_alloc(sizeof(struct tpcc_choices) * (workers ? workers : 1));
    if (!workload->tallies || !workload->choices)
        goto out_of_memory;
    for (unsigned i = 0; i < workers; i++) {
        workload->tallies[i] = mem_alloc(sizeof(struct tpcc_tally) * workload->districts);
        if (!workload->tallies[i])
            goto out_of_memory;
    }
    *created = workload;
    return TARGET_OK;

out_of_memory:
    tpcc_destroy(workload);
    snprintf(error, error_bytes, "tpcc: out of memory for %u workers and %u warehouses", workers, options.warehouses);
    return TARGET_NO_MEMORY;
}

/* ---- Tables and indexes. ---- */

static const struct {
    const char *name;
    size_t row_bytes;
    uint64_t rows; /* a warehouse; items: in all */
} tables[TPCC_TABLE_COUNT] = {
#define TABLE_ROW(id, name, row, rows) {name, sizeof(struct row), (uint64_t)(rows)},
    TPCC_TABLES(TABLE_ROW)
#undef TABLE_ROW
};

static const struct {
    const char *name;
    enum tpcc_table table;
    enum target_index_kind kind;
    bool non_unique;
} indexes[TPCC_INDEX_COUNT] = {
#define INDEX_ROW(id, name, table, kind, non_unique) {name, TPCC_TABLE_##table, TARGET_INDEX_##kind, non_unique},
    TPCC_INDEXES(INDEX_ROW)
#undef INDEX_ROW
};

static unsigned table_count(const struct tpcc_options *options)
{
    return options->split_rows ? TPCC_TABLE_COUNT : TPCC_TABLE_SPLIT_FIRST;
}

static unsigned index_count(const struct tpcc_options *options)
{
    return options->split_rows ? TPCC_INDEX_COUNT : TPCC_INDEX_SPLIT_FIRST;
}

static size_t row_bytes(const struct tpcc_options *options, enum tpcc_table table)
{
    switch (options->split_rows ? table : TPCC_TABLE_COUNT) {
    case TPCC_TABLE_WAREHOUSE:
        return sizeof(struct tpcc_warehouse_info);
    case TPCC_TABLE_DISTRICT:
        return sizeof(struct tpcc_district_info);
    case TPCC_TABLE_CUSTOMER:
        return sizeof(struct tpcc_customer_info);
    default:
        return tables[table].row_bytes;
    }
}

static bool table_is_filled(const struct tpcc_options *options, enum tpcc_table table)
{
    switch (table) {
    case TPCC_TABLE_HISTORY:
        return options->insert_history;
    case TPCC_TABLE_NEW_ORDER:
    case TPCC_TABLE_ORDER:
    case TPCC_TABLE_ORDER_LINE:
        return options->insert_orders;
    default:
        return true;
    }
}

static uint64_t rows_loaded(const struct tpcc_options *options, enum tpcc_table table)
{
    if (!table_is_filled(options, table))
        return 0;
    return table == TPCC_TABLE_ITEM ? TPCC_ITEMS : tables[table].rows * options->warehouses;
}

static size_t key_bytes(const struct workload *workload, enum tpcc_index index)
{
    return index == TPCC_INDEX_CUSTOMER_NAME ? workload->name_key_bytes : sizeof(uint64_t);
}

/* The largest row the table is declared for. */
static size_t payload_max_bytes(const struct tpcc_options *options, enum tpcc_table table)
{
    /* More than the native engine inlines by default, 216 bytes, as the authors of the paper did it. Not much more:
     * where all rows of a table have the room of the largest, each pays for it. */
    enum { NOT_INLINED = 217 };
    bool order = table == TPCC_TABLE_ORDER || table == TPCC_TABLE_ORDER_LINE;
    return order && !options->orders_inlined ? NOT_INLINED : row_bytes(options, table);
}

static enum target_status tpcc_setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    struct schema_table all_tables[TPCC_TABLE_COUNT];
    struct schema_index all_indexes[TPCC_INDEX_COUNT];
    const struct schema schema = {"tpcc", all_tables, all_indexes, table_count(&workload->options),
                                  index_count(&workload->options)};
    workload->name_key_bytes = workload->options.median_sorted ? sizeof(struct tpcc_name_key) : sizeof(uint64_t);
    for (unsigned i = 0; i < schema.table_count; i++)
        all_tables[i] =
            (struct schema_table){tables[i].name,
                                  {.payload_max_bytes = payload_max_bytes(&workload->options, (enum tpcc_table)i),
                                   .expected_rows = rows_loaded(&workload->options, (enum tpcc_table)i)}};
    for (unsigned i = 0; i < schema.index_count; i++) {
        bool hashed = i == TPCC_INDEX_CUSTOMER_NAME && workload->options.names_hashed;
        all_indexes[i] = (struct schema_index){indexes[i].name,
                                               indexes[i].table,
                                               {.kind = hashed ? TARGET_INDEX_HASH : indexes[i].kind,
                                                .key_bytes = key_bytes(workload, (enum tpcc_index)i),
                                                .non_unique = indexes[i].non_unique && !hashed,
                                                .expected_rows = rows_loaded(&workload->options, indexes[i].table)}};
    }
    return schema_create(&schema, workload->ops, target, workload->tables, workload->indexes, error, error_bytes);
}

/* ---- A worker. ---- */

static void choose_homes(struct workload_worker *self)
{
    uint32_t warehouses = self->tpcc->options.warehouses, workers = self->tpcc->workers;
    if (!self->tpcc->options.home_worker) {
        self->homes = warehouses;
        self->home_first = 1;
        self->home_step = 1;
    } else if (warehouses <= workers) {
        self->homes = 1;
        self->home_first = self->worker_idx % warehouses + 1;
    } else {
        self->homes = (warehouses - self->worker_idx - 1) / workers + 1;
        self->home_first = self->worker_idx + 1;
        self->home_step = workers;
    }
}

static enum target_status tpcc_worker_create(struct workload *workload, struct target_worker *worker,
                                             unsigned worker_idx, struct workload_worker **created)
{
    if (worker_idx >= workload->workers)
        return TARGET_INVALID;
    struct workload_worker *self = mem_alloc(sizeof(*self));
    if (!self)
        return TARGET_NO_MEMORY;
    self->tpcc = workload;
    self->ops = workload->ops;
    self->worker = worker;
    self->worker_idx = worker_idx;
    self->request = self->requests;
    self->tallies = workload->tallies[worker_idx];
    self->choices = &workload->choices[worker_idx];
    rng_init(&self->rng, workload->seed, 1 + (uint64_t)worker_idx);
    choose_homes(self);
    if (tpcc_terminals_open(self) != TARGET_OK) {
        free(self);
        return TARGET_NO_MEMORY;
    }
    *created = self;
    return TARGET_OK;
}

static void tpcc_worker_destroy(struct workload_worker *self)
{
    free(self->terminals);
    free(self);
}

/* ---- One attempt. ---- */

/* One writer: no read-modify-write needed. T1 */
static void tally_add(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by, memory_order_relaxed);
}

static void tally(struct workload_worker *self)
{
    struct tpcc_tally *tallies = self->tallies;
    switch (self->request->type) {
    case TPCC_new_order:
        tallies += tpcc_district_key(self->request->new_order.w_id, self->request->new_order.d_id);
        tally_add(&tallies->new_orders, 1);
        tally_add(&tallies->lines, self->request->new_order.line_count);
        tally_add(&tallies->stock_print, self->request->new_order.stock_print);
        tally_add(&self->choices->remote_lines, self->request->new_order.remote_lines);
        break;
    case TPCC_payment:
        tallies += tpcc_district_key(self->request->payment.w_id, self->request->payment.d_id);
        tally_add(&tallies->payments, 1);
        atomic_store_explicit(&tallies->payment_cents,
                              atomic_load_explicit(&tallies->payment_cents, memory_order_relaxed) +
                                  self->request->payment.amount_cents,
                              memory_order_relaxed);
        tally_add(&self->choices->remote_payments, self->request->payment.remote);
        tally_add(&self->choices->payments_by_name, self->request->payment.customer.by_name);
        break;
    case TPCC_order_status:
        tally_add(&self->choices->order_statuses, 1);
        tally_add(&self->choices->order_statuses_by_name, self->request->order_status.customer.by_name);
        break;
    case TPCC_delivery:
        tallies += tpcc_district_key(self->request->delivery.w_id, 1);
        for (uint32_t d = 0; d < TPCC_DISTRICTS; d++) {
            tally_add(&tallies[d].deliveries, self->delivered >> d & 1);
            tally_add(&tallies[d].skipped, self->skipped >> d & 1);
        }
        break;
    default:
        break;
    }
}

static enum target_status run_in(struct workload_worker *self, struct target_txn *txn)
{
    switch (self->request->type) {
    case TPCC_new_order:
        return tpcc_run_new_order(self, txn);
    case TPCC_payment:
        return tpcc_run_payment(self, txn);
    case TPCC_order_status:
        return tpcc_run_order_status(self, txn);
    case TPCC_delivery:
        if (self->tpcc->options.delivery_per_district) {
            uint32_t d_id = self->request->delivery.d_id_done + 1;
            return tpcc_run_delivery(self, txn, d_id, d_id);
        }
        return tpcc_run_delivery(self, txn, 1, TPCC_DISTRICTS);
    case TPCC_stock_level:
        return tpcc_run_stock_level(self, txn);
    case TPCC_TXN_COUNT:
        break;
    }
    return TARGET_INVALID;
}

static COLD enum target_status missing(struct workload_worker *self)
{
    if (++self->missing >= MISSING_MAX)
        return TARGET_CORRUPT;
    if (self->missing > MISSING_PAUSE) {
        target_idle(self->ops, self->worker); /* or the horizon would wait for us, and we for it */
        nanosleep(&(struct timespec){.tv_nsec = MISSING_PAUSE_NS}, NULL);
    }
    return TARGET_RETRY_MISSING;
}

/* The status that the caller gets for a transaction that did not commit. */
static enum target_status settle(struct workload_worker *self, enum target_status status)
{
    switch (status) {
    case TARGET_ROLLED_BACK: /* New-Order rolled back on purpose: done. TPC-C 2.4.2.3 */
        return self->request->type == TPCC_new_order && self->request->new_order.rolls_back ? status : TARGET_CORRUPT;
    case TARGET_NOT_FOUND:
    case TARGET_EXISTS: /* an order id is taken once: we have not seen that it was */
        return missing(self);
    default:
        return status;
    }
}

static enum target_status attempt_once(struct workload_worker *self, enum target_mode mode)
{
    struct target_txn *txn;
    enum target_status status = self->ops->begin(self->worker, mode, &txn);
    if (status != TARGET_OK)
        return status;
    self->delivered = self->skipped = 0;
    status = run_in(self, txn);
    if (status != TARGET_OK) {
        self->ops->abort(txn);
        return settle(self, status);
    }
    status = self->ops->commit(txn);
    if (status == TARGET_OK)
        tally(self);
    return status;
}

static enum target_status tpcc_attempt(struct workload_worker *self)
{
    bool reads = self->request->type == TPCC_order_status || self->request->type == TPCC_stock_level;
    enum target_mode mode = reads && self->tpcc->options.snapshot_reads ? TARGET_SNAPSHOT : TARGET_READ_WRITE;
    self->operations = 0;
    if (self->request->type != TPCC_delivery || !self->tpcc->options.delivery_per_district)
        return attempt_once(self, mode);
    /* The districts behind us are committed: a retry goes on where it stopped. */
    while (self->request->delivery.d_id_done < TPCC_DISTRICTS) {
        enum target_status status = attempt_once(self, mode);
        if (status != TARGET_OK)
            return status;
        self->request->delivery.d_id_done++;
    }
    return TARGET_OK;
}

static unsigned tpcc_operations(const struct workload_worker *self)
{
    return self->operations;
}

/* ---- Sizes. ---- */

static void tpcc_data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    uint64_t counts[TPCC_TABLE_COUNT];
    const struct tpcc_options *options = &workload->options;
    for (unsigned i = 0; i < table_count(options); i++)
        counts[i] = rows_loaded(&workload->options, (enum tpcc_table)i);
    if (workload->options.insert_orders)
        counts[TPCC_TABLE_ORDER_LINE] = atomic_load_explicit(&workload->lines_loaded, memory_order_relaxed);
    for (unsigned i = 0; i < workload->workers; i++) {
        for (uint32_t d = 0; d < workload->districts; d++) {
            const struct tpcc_tally *tallies = &workload->tallies[i][d];
            uint64_t orders = atomic_load_explicit(&tallies->new_orders, memory_order_relaxed);
            if (workload->options.insert_orders) {
                counts[TPCC_TABLE_ORDER] += orders;
                counts[TPCC_TABLE_NEW_ORDER] +=
                    orders - atomic_load_explicit(&tallies->deliveries, memory_order_relaxed);
                counts[TPCC_TABLE_ORDER_LINE] += atomic_load_explicit(&tallies->lines, memory_order_relaxed);
            }
            if (workload->options.insert_history)
                counts[TPCC_TABLE_HISTORY] += atomic_load_explicit(&tallies->payments, memory_order_relaxed);
        }
    }
    *rows = 0;
    *bytes = 0;
    for (unsigned i = 0; i < table_count(options); i++) {
        *rows += counts[i];
        *bytes += counts[i] * row_bytes(options, (enum tpcc_table)i);
    }
    for (unsigned i = 0; i < index_count(options); i++)
        *bytes += counts[indexes[i].table] * key_bytes(workload, (enum tpcc_index)i);
}

static uint64_t loaded(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void tpcc_count_shares(const struct workload *workload, struct workload_part *counts)
{
    memset(counts, 0, TPCC_SHARE_COUNT * sizeof *counts);
    for (unsigned i = 0; i < workload->workers; i++) {
        const struct tpcc_choices *choices = &workload->choices[i];
        counts[TPCC_SHARE_remote_lines].part += loaded(&choices->remote_lines);
        counts[TPCC_SHARE_remote_payments].part += loaded(&choices->remote_payments);
        counts[TPCC_SHARE_payments_by_name].part += loaded(&choices->payments_by_name);
        counts[TPCC_SHARE_order_status_by_name].part += loaded(&choices->order_statuses_by_name);
        counts[TPCC_SHARE_order_status_by_name].whole += loaded(&choices->order_statuses);
        for (uint32_t d = 0; d < workload->districts; d++) {
            const struct tpcc_tally *tallies = &workload->tallies[i][d];
            uint64_t found_none = loaded(&tallies->skipped);
            counts[TPCC_SHARE_deliveries_skipped].part += found_none;
            counts[TPCC_SHARE_deliveries_skipped].whole += found_none + loaded(&tallies->deliveries);
            counts[TPCC_SHARE_remote_lines].whole += loaded(&tallies->lines);
            counts[TPCC_SHARE_remote_payments].whole += loaded(&tallies->payments);
        }
    }
    counts[TPCC_SHARE_payments_by_name].whole = counts[TPCC_SHARE_remote_payments].whole;
}

static uint64_t tpcc_scale(const struct workload *workload, const char **unit)
{
    *unit = "warehouse";
    return workload->options.warehouses;
}

static void tpcc_space(const struct workload *workload, struct target_space *row_space,
                       struct target_space *index_space)
{
    schema_space(workload->ops, workload->tables, table_count(&workload->options), workload->indexes,
                 index_count(&workload->options), row_space, index_space);
}

static const char *const txn_types[] = {
#define TXN_NAME(name) #name,
    TPCC_TXNS(TXN_NAME)
#undef TXN_NAME
        NULL,
};

const struct workload_ops tpcc_workload_ops = {
    .name = "tpcc",
    .help = "TPC-C: nine tables, five transactions; to the specification or as in the paper",
    .options = tpcc_option_table,
    .txn_types = txn_types,
    .presets = tpcc_presets,
    .preset = tpcc_preset,
    .create = tpcc_create,
    .destroy = tpcc_destroy,
    .setup = tpcc_setup,
    .load = tpcc_load,
    .worker_create = tpcc_worker_create,
    .worker_destroy = tpcc_worker_destroy,
    .draw_ahead = tpcc_draw_ahead,
    .next = tpcc_next,
    .terminals = &tpcc_terminals,
    .attempt = tpcc_attempt,
    .operations = tpcc_operations,
    .check = tpcc_check,
    .check_live = true,
    .data_size = tpcc_data_size,
    .shares = tpcc_shares,
    .count_shares = tpcc_count_shares,
    .report = tpcc_report,
    .scale = tpcc_scale,
    .space = tpcc_space,
};
