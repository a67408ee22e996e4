/*
 * transactions.c - requests and transactions.
 *
 * A transaction that finds no row where TATP expects that to happen has failed. It commits, which proves the miss, if
 * it has written nothing; update_subscriber_data, which then has changed the subscriber, rolls back.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "workloads/mix.h"
#include "workloads/tatp/instance.h"
#include "workloads/tpcc/random.h"

/* ---- Requests. ---- */

enum target_status tatp_worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                      struct workload_worker **state)
{
    struct tatp_tally *tally = micro_tally(workload, worker_idx);
    enum target_status status = micro_worker_create(workload, worker, worker_idx, state);
    if (status == TARGET_OK)
        rng_init(&(*state)->base.rng, workload->micro.seed, tally->rounds++ << 32 | worker_idx);
    return status;
}

unsigned tatp_next(struct workload_worker *w)
{
    const struct workload *workload = w->base.workload;
    struct rng *rng = &w->base.rng;
    uint32_t subscribers = (uint32_t)workload->options.subscribers;
    w->type = (enum tatp_txn)mix_draw(workload->mix, rng);
    w->subscriber = workload->options.choice == TATP_NONUNIFORM
                        ? tpcc_nurand(rng, workload->nurand_a, 0, 1, subscribers)
                        : tpcc_uniform(rng, 1, subscribers);
    w->kind = tpcc_uniform(rng, 0, TATP_KINDS - 1);
    w->start = tpcc_uniform(rng, 0, TATP_STARTS - 1);
    w->end_hour = tpcc_uniform(rng, 1, 24);
    w->location = tpcc_uniform(rng, 1, UINT32_MAX);
    uint64_t bits = rng_next(rng);
    w->bit = (uint8_t)(bits >> 63);
    w->data_a = (uint8_t)bits;
    tatp_number(w->subscriber, w->number);
    return w->type;
}

/* ---- Rows. ---- */

static void find(struct workload_worker *w, const char *what, uint64_t key)
{
    if (!w->finding[0])
        snprintf(w->finding, sizeof w->finding, "%s of subscriber %" PRIu64 " met %s, key %" PRIu64,
                 tatp_txn_types[w->type], w->subscriber, what, key);
}

/* T4. A row that was not loaded is missing rightly, and then *data is NULL. */
static enum target_status read_row(struct workload_worker *w, unsigned table, uint64_t key, const void **data)
{
    const struct workload *workload = w->base.workload;
    bool loaded = tatp_is_loaded(workload, table, key);
    w->operations++;
    *data = NULL;
    enum target_status status = workload->micro.ops->read(w->txn, workload->micro.indexes[table], &key, data, NULL);
    if (status == TARGET_NOT_FOUND && !loaded)
        return TARGET_OK;
    if (status != TARGET_OK)
        return status;
    if (UNLIKELY(!loaded))
        find(w, "a row that was never loaded", key);
    if (UNLIKELY(*(const uint64_t *)*data != key)) /* all rows begin with their key */
        find(w, "another row", key);
    return TARGET_OK;
}

/* The subscriber's row by number. */
static enum target_status find_by_number(struct workload_worker *w, uint64_t *ref)
{
    const struct workload *workload = w->base.workload;
    w->operations++;
    return workload->micro.ops->find(w->txn, workload->micro.indexes[TATP_NUMBER], w->number, ref);
}

static enum target_status read_by_number(struct workload_worker *w, uint64_t *id)
{
    const struct workload *workload = w->base.workload;
    const void *data;
    uint64_t ref;
    enum target_status status = find_by_number(w, &ref);
    if (status == TARGET_OK)
        status = workload->micro.ops->row_read(w->txn, workload->micro.tables[TATP_SUBSCRIBER], ref, &data, NULL);
    if (status != TARGET_OK)
        return status;
    *id = *(const uint64_t *)data;
    if (UNLIKELY(*id != w->subscriber))
        find(w, "another subscriber", *id);
    return TARGET_OK;
}

/* ---- Transactions. ---- */

static enum target_status run_get_subscriber_data(struct workload_worker *w, struct target_txn *txn)
{
    const void *data;
    w->txn = txn;
    return read_row(w, TATP_SUBSCRIBER, w->subscriber, &data);
}

static bool visit_forwarding(void *arg, const void *entry_key, uint64_t ref)
{
    struct workload_worker *w = arg;
    const struct workload *workload = w->base.workload;
    const void *data;
    size_t bytes;
    uint64_t key;
    memcpy(&key, entry_key, sizeof key);
    w->operations++;
    w->status = workload->micro.ops->row_read(w->txn, workload->micro.tables[TATP_FORWARDING], ref, &data, &bytes);
    if (w->status != TARGET_OK)
        return false;
    if (UNLIKELY(!tatp_forwarding_is_sound(data, bytes, key)))
        find(w, "an unsound call forwarding", key);
    else
        w->reached |= w->end_hour < ((const struct tatp_forwarding *)data)->end_hour;
    return true;
}

static enum target_status run_get_new_destination(struct workload_worker *w, struct target_txn *txn)
{
    const struct workload *workload = w->base.workload;
    uint64_t facility_key = tatp_kind_key(w->subscriber, w->kind);
    uint64_t first = tatp_forwarding_key(facility_key, 0), last = tatp_forwarding_key(facility_key, w->start);
    const void *data;
    w->txn = txn;
    enum target_status status = read_row(w, TATP_FACILITY, facility_key, &data);
    if (status != TARGET_OK)
        return status;
    if (data && ((const struct tatp_facility *)data)->is_active) {
        status = workload->micro.ops->scan(txn, workload->micro.indexes[TATP_FORWARDING], &first, &last, 0, 0,
                                           visit_forwarding, w);
        if (status == TARGET_OK)
            status = w->status;
    }
    w->failed = !w->reached;
    return status;
}

static enum target_status run_get_access_data(struct workload_worker *w, struct target_txn *txn)
{
    const void *data;
    w->txn = txn;
    enum target_status status = read_row(w, TATP_ACCESS, tatp_kind_key(w->subscriber, w->kind), &data);
    w->failed = !data;
    return status;
}

static enum target_status run_update_subscriber_data(struct workload_worker *w, struct target_txn *txn)
{
    const struct workload *workload = w->base.workload;
    uint64_t facility_key = tatp_kind_key(w->subscriber, w->kind);
    void *data;
    w->operations += 2;
    enum target_status status =
        workload->micro.ops->update(txn, workload->micro.indexes[TATP_SUBSCRIBER], &w->subscriber, 0, NULL, &data);
    if (status != TARGET_OK)
        return status;
    struct tatp_subscriber *subscriber = data;
    subscriber->bits[0] = w->bit;
    subscriber->updates++;
    w->done.subscriber_print += micro_weight(w->subscriber);
    status = workload->micro.ops->update(txn, workload->micro.indexes[TATP_FACILITY], &facility_key, 0, NULL, &data);
    if (status == TARGET_NOT_FOUND && !tatp_is_loaded(workload, TATP_FACILITY, facility_key)) {
        w->failed = true;
        return TARGET_ROLLED_BACK;
    }
    if (status != TARGET_OK)
        return status;
    struct tatp_facility *facility = data;
    facility->data_a = w->data_a;
    facility->updates++;
    w->done.facility_print += micro_weight(facility_key);
    return TARGET_OK;
}

static enum target_status run_update_location(struct workload_worker *w, struct target_txn *txn)
{
    const struct workload *workload = w->base.workload;
    void *data;
    uint64_t ref;
    w->txn = txn;
    enum target_status status = find_by_number(w, &ref);
    if (status == TARGET_OK)
        status = workload->micro.ops->row_update(txn, workload->micro.tables[TATP_SUBSCRIBER], ref, 0, NULL, &data);
    if (status != TARGET_OK)
        return status;
    struct tatp_subscriber *subscriber = data;
    if (UNLIKELY(subscriber->id != w->subscriber))
        find(w, "another subscriber", subscriber->id);
    subscriber->vlr_location = w->location;
    subscriber->updates++;
    w->done.subscriber_print += micro_weight(w->subscriber);
    return TARGET_OK;
}

static enum target_status run_insert_call_forwarding(struct workload_worker *w, struct target_txn *txn)
{
    const struct workload *workload = w->base.workload;
    uint64_t id;
    bool has_facility = false;
    void *row;
    w->txn = txn;
    enum target_status status = read_by_number(w, &id);
    for (unsigned kind = 0; kind < TATP_KINDS && status == TARGET_OK; kind++) { /* which facilities there are */
        const void *data;
        status = read_row(w, TATP_FACILITY, tatp_kind_key(id, kind), &data);
        has_facility |= data && kind == w->kind;
    }
    w->failed = !has_facility;
    if (status != TARGET_OK || w->failed)
        return status;
    uint64_t key = tatp_forwarding_key(tatp_kind_key(id, w->kind), w->start);
    w->operations++;
    status = workload->micro.ops->insert(txn, workload->micro.indexes[TATP_FORWARDING], &key,
                                         sizeof(struct tatp_forwarding), NULL, &row);
    if (status == TARGET_EXISTS) {
        w->failed = true;
        return TARGET_OK;
    }
    if (status != TARGET_OK)
        return status;
    tatp_fill_forwarding(key, w->end_hour, row);
    w->done.forwarding_print += micro_weight(key);
    w->done.forwardings++;
    return TARGET_OK;
}

static enum target_status run_delete_call_forwarding(struct workload_worker *w, struct target_txn *txn)
{
    const struct workload *workload = w->base.workload;
    uint64_t id;
    w->txn = txn;
    enum target_status status = read_by_number(w, &id);
    if (status != TARGET_OK)
        return status;
    uint64_t key = tatp_forwarding_key(tatp_kind_key(id, w->kind), w->start);
    w->operations++;
    status = workload->micro.ops->erase(txn, workload->micro.indexes[TATP_FORWARDING], &key);
    if (status == TARGET_NOT_FOUND) {
        w->failed = true;
        return TARGET_OK;
    }
    w->done.forwarding_print -= micro_weight(key);
    w->done.forwardings--;
    return status;
}

/* ---- Attempts. ---- */

enum target_status tatp_attempt(struct workload_worker *w)
{
    static micro_txn_fn *const runs[] = {
#define TXN_RUN(name, least, most) run_##name,
        TATP_TXNS(TXN_RUN)
#undef TXN_RUN
    };
    bool reads = w->type <= TATP_get_access_data;
    struct tatp_tally *tally = w->base.tally, *done = &w->done;
    w->status = TARGET_OK;
    w->operations = 0;
    w->failed = w->reached = false;
    done->subscriber_print = done->facility_print = done->forwarding_print = 0;
    done->forwardings = 0;
    w->finding[0] = '\0';
    enum target_status status = micro_run(
        w, reads && w->base.workload->options.snapshot_reads ? TARGET_SNAPSHOT : TARGET_READ_WRITE, runs[w->type]);
    if (status == TARGET_OK || status == TARGET_ROLLED_BACK) {
        tally->tries[w->type]++;
        tally->failures[w->type] += w->failed;
    }
    if (status != TARGET_OK)
        return status;
    tally->subscriber_print += done->subscriber_print;
    tally->facility_print += done->facility_print;
    tally->forwarding_print += done->forwarding_print;
    tally->forwardings += done->forwardings;
    if (UNLIKELY(w->finding[0]))
        micro_find(w, "%s", w->finding);
    return TARGET_OK;
}

unsigned tatp_operations(const struct workload_worker *w)
{
    return w->operations;
}
