/*
 * terminal.c - the users at the terminals: what each keys in, and how long that and thinking take. TPC-C 5.2.
 *
 * Terminals are numbered through all warehouses and dealt out to the workers in turn. A terminal keeps its warehouse
 * for good, and its district for Stock-Level (2.8.1.1). Changes only the worker.
 */
#include <math.h>

#include "engine/base/mem.h"
#include "workloads/mix.h"
#include "workloads/tpcc/instance.h"

/* TPC-C 5.2.5, in seconds: keying in takes exactly so long; thinking so long on average, and no more than ten times. */
static const struct {
    double keying, thinking;
} times[TPCC_TXN_COUNT] = {
    [TPCC_new_order] = {18, 12}, [TPCC_payment] = {3, 12},    [TPCC_order_status] = {2, 10},
    [TPCC_delivery] = {2, 5},    [TPCC_stock_level] = {2, 5},
};
enum { THINKING_MAX = 10 };

enum target_status tpcc_terminals_open(struct workload_worker *self)
{
    const struct workload *tpcc = self->tpcc;
    uint64_t all = (uint64_t)tpcc->options.terminals * tpcc->options.warehouses;
    if (all == 0)
        return TARGET_OK;
    self->terminal_count = (unsigned)((all - self->worker_idx - 1) / tpcc->workers + 1);
    self->terminals = mem_alloc(self->terminal_count * sizeof *self->terminals);
    if (!self->terminals)
        return TARGET_NO_MEMORY;
    for (unsigned i = 0; i < self->terminal_count; i++) {
        uint64_t number = (uint64_t)i * tpcc->workers + self->worker_idx;
        self->terminals[i].w_id = (uint32_t)(number / tpcc->options.terminals) + 1;
        self->terminals[i].d_id = (uint32_t)(number % tpcc->options.terminals % TPCC_DISTRICTS) + 1;
    }
    return TARGET_OK;
}

static bool on(const void *values)
{
    return ((const struct tpcc_values *)values)->think != 0;
}

static unsigned count(const struct workload_worker *self)
{
    return self->terminal_count;
}

/* TPC-C 5.2.5.4 */
static double thinking_s(struct workload_worker *self, enum tpcc_txn about)
{
    double share = -log(1 - rng_unit(&self->rng));
    return times[about].thinking * (share < THINKING_MAX ? share : THINKING_MAX);
}

static uint64_t draw(struct workload_worker *self, unsigned number)
{
    struct tpcc_terminal *terminal = &self->terminals[number];
    double seconds = thinking_s(self, terminal->request.type); /* at first as if there had been one */
    enum tpcc_txn type = (enum tpcc_txn)mix_draw(self->tpcc->options.mix, &self->rng);
    tpcc_draw(self, &terminal->request, type, terminal->w_id, terminal->d_id);
    seconds += times[type].keying;
    return (uint64_t)(seconds * self->tpcc->options.think_scale * 1e9);
}

static void serve(struct workload_worker *self, unsigned number)
{
    self->requests[TPCC_REQUESTS_AHEAD - 1] = self->terminals[number].request;
    self->requests_left = 1;
}

const struct workload_terminals tpcc_terminals = {.on = on, .count = count, .draw = draw, .serve = serve};
