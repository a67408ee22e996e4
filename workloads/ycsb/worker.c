/*
 * worker.c - YCSB's requests and transactions; the only part that runs in the measured window.
 *
 * next unpacks a transaction from the ring into keys and kinds; attempt runs it once. A transaction counts in locals,
 * which are added to the worker's share after its commit.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "workloads/bulk.h"
#include "workloads/record.h"
#include "workloads/ycsb/instance.h"

enum { READ_ONLY, READ_WRITE, LONG }; /* transaction types, see ycsb.c */
enum { NEWEST_PERIOD = 64 };          /* transactions between two looks at what the others inserted */

struct workload_worker {
    /* Read only, but for `at`. */
    const struct target_ops *ops;
    struct target_worker *worker;
    struct target_table *table;
    struct target_index *index;
    struct ycsb_share *share;
    const void *at, *ring; /* the next header in the ring; its first */
    uint64_t rounds;       /* how often the ring began anew */
    uint64_t records;
    size_t record_bytes;
    unsigned worker_idx, workers;
    bool is_long, batch, blind, one_field, snapshot_reads, wide, inserts, follow_newest, hashed;
    /* The present request. */
    enum target_mode mode;
    unsigned count;   /* requests in the transaction */
    unsigned scanned; /* rows its scans visited */
    uint64_t *keys;
    uint8_t *kinds;
    uint64_t scan_length_max;
    uint32_t *scan_lengths;
    struct rng rng;
    /* Following the newest. */
    uint64_t *known, known_total; /* rows each worker is known to have inserted; all of them */
    unsigned age_shift, newest_wait;
    struct workload *workload;
};

struct scan {
    struct workload_worker *state;
    struct target_txn *txn;
    enum target_status status;
    uint64_t sum;
    unsigned rows;
};

/* Bits that hold 0..n-1. */
static unsigned bits_for(uint64_t n)
{
    return n > 1 ? 64 - (unsigned)__builtin_clzll(n - 1) : 0;
}

static uint64_t ring_requests(const struct workload *workload)
{
    uint64_t share = RING_REQUESTS_SUM / workload->workers;
    if (workload->options.ring_requests != 0)
        return workload->options.ring_requests;
    return share < RING_REQUESTS_MAX ? share : RING_REQUESTS_MAX;
}

void ycsb_ring_config(const struct workload *workload, unsigned worker_idx, struct ring_config *config)
{
    const struct ycsb_options *options = &workload->options;
    *config = (struct ring_config){
        .keys = &workload->distribution,
        .seed = workload->seed,
        .stream = worker_idx,
        .requests = ring_requests(workload),
        .ops_per_txn =
            (unsigned)(ycsb_is_long(workload, worker_idx) ? options->long_ops_per_txn : options->ops_per_txn),
        .read_ratio = options->read_ratio,
        .insert_ratio = options->insert_ratio,
        .scan_ratio = options->scan_ratio,
        .modify_ratio = options->modify_ratio,
        .read_field = workload->fields && options->read_fields == FIELDS_ONE,
        .update_fields = workload->fields != NULL,
        .redraw = options->duplicates == DUPLICATES_REDRAW,
        .age_workers = workload->follow_newest ? workload->workers : 0,
        .age_shift = workload->follow_newest ? bits_for(workload->workers) : 0,
    };
    uint64_t largest = options->records - 1;
    if (workload->follow_newest)
        largest = (largest / workload->workers + 1) << config->age_shift;
    config->wide = largest >> RING_NARROW_BITS != 0;
}

void ycsb_walk_note(struct ycsb_share *share)
{
    const struct workload_worker *w = share->walker;
    struct ycsb_walk *walk = &share->walk;
    if (!w)
        return;
    size_t word_bytes = w->wide ? sizeof(uint64_t) : sizeof(uint32_t);
    walk->at.rounds = w->rounds;
    walk->at.word = (size_t)((const char *)w->at - (const char *)w->ring) / word_bytes;
    walk->last = walk->at.word ? walk->at.word - w->count - 1 : 0;
}

/* A walk of its own, from the beginning of a new ring. The ring of the run before goes. */
static enum target_status begin_walk(struct workload *workload, struct ycsb_share *share,
                                     const struct ring_config *config)
{
    struct ycsb_walk *walk = &share->walk;
    if (walk->ring.words && share->updates != walk->updates_entered)
        atomic_store_explicit(&workload->unentered, true, memory_order_relaxed);
    ring_destroy(&walk->ring);
    *walk = (struct ycsb_walk){.wide = config->wide, .updates_entered = share->updates};
    return ring_create(config, &walk->ring);
}

enum target_status ycsb_worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                      struct workload_worker **state)
{
    const struct ycsb_options *options = &workload->options;
    struct ring_config config;
    ycsb_ring_config(workload, worker_idx, &config);
    size_t ops = config.ops_per_txn;

    struct workload_worker *w = mem_alloc(sizeof *w);
    if (!w)
        return TARGET_NO_MEMORY;
    w->keys = mem_alloc(ops * sizeof *w->keys);
    w->kinds = mem_alloc(ops);
    w->scan_lengths = mem_alloc(ops * sizeof *w->scan_lengths);
    w->known = mem_alloc(workload->workers * sizeof *w->known);
    enum target_status status = TARGET_NO_MEMORY;
    w->share = &workload->shares[worker_idx];
    if (w->keys && w->kinds && w->scan_lengths && w->known)
        status = begin_walk(workload, w->share, &config);
    if (status != TARGET_OK) {
        ycsb_worker_destroy(w);
        return status;
    }
    w->ops = workload->ops;
    w->worker = worker;
    w->table = workload->table;
    w->index = workload->index;
    w->at = w->ring = w->share->walk.ring.words;
    w->share->walker = w;
    w->records = options->records;
    w->record_bytes = (size_t)options->record_bytes;
    w->worker_idx = worker_idx;
    w->workers = workload->workers;
    w->is_long = ycsb_is_long(workload, worker_idx);
    w->batch = options->batch;
    w->blind = options->update_kind == UPDATE_BLIND;
    w->one_field = workload->fields && options->update_fields == FIELDS_ONE;
    w->snapshot_reads = options->snapshot_reads;
    w->wide = config.wide;
    w->inserts = options->insert_ratio > 0;
    w->follow_newest = workload->follow_newest;
    w->hashed = options->insert_order == INSERT_HASHED;
    w->scan_length_max = options->scan_ratio > 0 ? options->scan_length_max : 0;
    w->age_shift = config.age_shift;
    w->workload = workload;
    rng_init(&w->rng, ~workload->seed, worker_idx);
    *state = w;
    return TARGET_OK;
}

void ycsb_worker_destroy(struct workload_worker *state)
{
    if (state->share->walker == state) {
        ycsb_walk_note(state->share);
        state->share->walker = NULL;
    }
    free(state->known);
    free(state->scan_lengths);
    free(state->kinds);
    free(state->keys);
    free(state);
}

/* Reads, every NEWEST_PERIOD transactions, how much the other workers have inserted: one cache line of each, which its
 * worker does not write often. */
static NOINLINE void look_at_newest(struct workload_worker *w)
{
    w->known_total = 0;
    for (unsigned i = 0; i < w->workers; i++) {
        w->known[i] = atomic_load_explicit(&w->workload->shares[i].inserted, memory_order_acquire);
        w->known_total += w->known[i];
    }
    w->newest_wait = NEWEST_PERIOD;
}

/* The key at the distance that the ring holds: the `back`-th newest of the `other`-th worker after this one, or, past
 * what that worker inserted, among the loaded keys. Different distances give different keys. */
static uint64_t key_by_age(const struct workload_worker *w, uint64_t packed)
{
    uint64_t back = packed >> w->age_shift, other = packed & (((uint64_t)1 << w->age_shift) - 1);
    uint64_t owner = w->worker_idx + other;
    if (owner >= w->workers)
        owner -= w->workers;
    if (back < w->known[owner])
        return w->records + (w->known[owner] - 1 - back) * w->workers + owner;
    return w->records - 1 - ((back - w->known[owner]) * w->workers + other);
}

/* A scan begins at any existing record, as YCSB's do: at an inserted one with the share that such records have. */
static uint64_t scan_number(struct workload_worker *w, uint64_t loaded)
{
    uint64_t pick = rng_below(&w->rng, w->records + w->known_total);
    if (pick < w->records)
        return loaded;
    uint64_t owner = (pick - w->records) % w->workers, i = (pick - w->records) / w->workers;
    return i < w->known[owner] ? w->records + i * w->workers + owner : loaded;
}

/* Gives inserts their keys and turns ages into keys. The same again if the request before was given up. */
static NOINLINE void assign_keys(struct workload_worker *w)
{
    uint64_t own = atomic_load_explicit(&w->share->inserted, memory_order_relaxed);
    if ((w->follow_newest || w->scan_length_max) && w->newest_wait-- == 0)
        look_at_newest(w);
    w->known[w->worker_idx] = own;
    uint64_t fresh = w->records + own * w->workers + w->worker_idx;
    for (unsigned i = 0; i < w->count; i++) {
        if (w->kinds[i] == RING_INSERT) {
            w->keys[i] = fresh;
            fresh += w->workers;
        } else if (w->follow_newest) {
            w->keys[i] = key_by_age(w, w->keys[i]);
        } else if (w->kinds[i] == RING_SCAN) {
            w->keys[i] = scan_number(w, w->keys[i]);
        }
    }
}

unsigned ycsb_next(struct workload_worker *w)
{
    uint64_t header;
    if (!w->wide) {
        const uint32_t *at = w->at;
        if (UNLIKELY(!*at)) {
            at = w->ring;
            w->rounds++;
        }
        header = *at++;
        w->count = (unsigned)(header & RING_COUNT_MASK);
        for (unsigned i = 0; i < w->count; i++) {
            w->keys[i] = at[i] & ((1u << RING_NARROW_BITS) - 1);
            w->kinds[i] = (uint8_t)(at[i] >> RING_NARROW_BITS);
        }
        w->at = at + w->count;
    } else {
        const uint64_t *at = w->at;
        if (UNLIKELY(!*at)) {
            at = w->ring;
            w->rounds++;
        }
        header = *at++;
        w->count = (unsigned)(header & RING_COUNT_MASK);
        for (unsigned i = 0; i < w->count; i++) {
            w->keys[i] = at[i] & (((uint64_t)1 << RING_WIDE_BITS) - 1);
            w->kinds[i] = (uint8_t)(at[i] >> RING_WIDE_BITS);
        }
        w->at = at + w->count;
    }
    if (w->inserts)
        assign_keys(w);
    for (unsigned i = 0; w->hashed && i < w->count; i++)
        w->keys[i] = ycsb_key(true, w->keys[i]);
    for (unsigned i = 0; w->scan_length_max && i < w->count; i++)
        if (w->kinds[i] == RING_SCAN)
            w->scan_lengths[i] = (uint32_t)(1 + rng_below(&w->rng, w->scan_length_max));
    bool read_only = header & RING_READ_ONLY;
    w->mode = read_only && w->snapshot_reads ? TARGET_SNAPSHOT : TARGET_READ_WRITE;
    return w->is_long ? LONG : read_only ? READ_ONLY : READ_WRITE;
}

unsigned ycsb_request(const struct workload_worker *w, const uint64_t **keys, const uint8_t **kinds)
{
    *keys = w->keys;
    *kinds = w->kinds;
    return w->count;
}

static bool scan_visit(void *arg, const void *key, uint64_t ref)
{
    struct scan *scan = arg;
    const void *data;
    size_t bytes;
    uint64_t number;
    memcpy(&number, key, sizeof number);
    scan->status = scan->state->ops->row_read(scan->txn, scan->state->table, ref, &data, &bytes);
    bool may_be_new = scan->state->hashed ? scan->state->inserts : number >= scan->state->records;
    if (UNLIKELY(scan->status == TARGET_NOT_FOUND) && may_be_new) {
        scan->status = TARGET_OK; /* inserted lately, and the index is not protected against phantoms: not there yet */
        return true;
    }
    if (UNLIKELY(scan->status != TARGET_OK))
        return false;
    scan->sum += record_sum(data, bytes);
    scan->rows++;
    return true;
}

static NOINLINE enum target_status run_scan(struct workload_worker *w, struct target_txn *txn, unsigned i,
                                            uint64_t *sum)
{
    struct scan scan = {w, txn, TARGET_OK, 0, 0};
    enum target_status status =
        w->ops->scan(txn, w->index, &w->keys[i], NULL, 0, w->scan_lengths[i], scan_visit, &scan);
    *sum += scan.sum;
    w->scanned += scan.rows;
    return status != TARGET_OK ? status : scan.status;
}

/* The number-th update of this worker overwrites a record without reading it. */
static NOINLINE enum target_status write_blindly(const struct workload_worker *w, struct target_txn *txn, uint64_t key,
                                                 uint64_t number)
{
    void *data;
    enum target_status status = w->ops->overwrite(txn, w->index, &key, w->record_bytes, &data);
    if (LIKELY(status == TARGET_OK))
        record_fill(data, w->record_bytes, key, ycsb_stamp(w->record_bytes, w->worker_idx, number));
    return status;
}

/* The field that request i of this transaction is about. */
static unsigned field_of(const struct workload_worker *w, unsigned i)
{
    size_t word_bytes = w->wide ? sizeof(uint64_t) : sizeof(uint32_t);
    size_t end = (size_t)((const char *)w->at - (const char *)w->ring) / word_bytes;
    return ycsb_field_of(end - w->count + i, w->workload->fields->count);
}

/* Request i, which reads or updates fields, or modifies beside blind updates; the number-th update of this worker. */
static NOINLINE enum target_status run_fields(const struct workload_worker *w, struct target_txn *txn, unsigned i,
                                              uint64_t number, uint64_t *sum)
{
    const struct fields *fields = w->workload->fields;
    uint64_t key = w->keys[i], stamp = ycsb_stamp(w->record_bytes, w->worker_idx, number);
    bool modifies = w->kinds[i] == RING_MODIFY;
    const void *old;
    void *data;
    size_t bytes;
    enum target_status status;
    if (w->kinds[i] == RING_READ_FIELD) {
        status = w->ops->read(txn, w->index, &key, &old, &bytes);
        if (LIKELY(status == TARGET_OK))
            *sum += fields_sum(fields, old, key, field_of(w, i));
        return status;
    }
    if (w->blind && !w->one_field && !modifies) {
        status = w->ops->overwrite(txn, w->index, &key, ycsb_record_bytes(w->workload, key), &data);
        if (LIKELY(status == TARGET_OK))
            ycsb_record_fill(w->workload, data, key, stamp);
        return status;
    }
    status = w->ops->update(txn, w->index, &key, 0, modifies ? &old : NULL, &data);
    if (UNLIKELY(status != TARGET_OK))
        return status;
    unsigned field = w->one_field ? field_of(w, i) : FIELDS_MAX;
    if (modifies)
        *sum += fields ? fields_sum(fields, old, key, field) : record_sum(old, w->record_bytes);
    if (!w->blind)
        fields_increment(fields, data, key, field);
    else if (fields)
        fields_fill(fields, data, key, field, stamp);
    else
        record_fill(data, w->record_bytes, key, stamp);
    return TARGET_OK;
}

/* What a transaction that has committed did. */
static inline void share_add(struct ycsb_share *share, uint64_t updates, uint64_t inserts, uint64_t lost)
{
    share->updates += updates;
    if (UNLIKELY(lost))
        share->lost += lost;
    if (inserts) /* one writer; release: a worker that sees the count may look for the rows */
        atomic_store_explicit(&share->inserted, atomic_load_explicit(&share->inserted, memory_order_relaxed) + inserts,
                              memory_order_release);
}

static enum target_status attempt_once(struct workload_worker *w)
{
    const struct target_ops *ops = w->ops;
    struct target_index *index = w->index;
    const uint64_t *keys = w->keys;
    const uint8_t *kinds = w->kinds;
    const bool batch = w->batch, blind = w->blind;
    size_t record_bytes = w->record_bytes, bytes;
    uint64_t sum = 0, updates = 0, inserts = 0, lost = 0, first_update = w->share->updates + 1;
    unsigned count = w->count;
    struct target_txn *txn;
    const void *old;
    void *data;

    w->scanned = 0;
    enum target_status status = ops->begin(w->worker, w->mode, &txn);
    if (UNLIKELY(status != TARGET_OK))
        return status;
    for (unsigned i = 0; i < count; i++) {
        if (batch && i % TARGET_PREFETCH_MAX == 0)
            target_prefetch(ops, txn, index, &keys[i], count - i);
        switch ((enum ring_kind)kinds[i]) {
        case RING_READ:
            status = ops->read(txn, index, &keys[i], &old, &bytes);
            if (LIKELY(status == TARGET_OK))
                sum += record_sum(old, bytes);
            break;
        case RING_UPDATE:
            if (blind) {
                status = write_blindly(w, txn, keys[i], first_update + updates);
            } else {
                status = ops->update(txn, index, &keys[i], 0, NULL, &data);
                if (LIKELY(status == TARGET_OK))
                    record_increment(data, record_bytes);
            }
            updates += status == TARGET_OK;
            break;
        case RING_INSERT:
            status = ops->insert(txn, index, &keys[i], ycsb_record_bytes(w->workload, keys[i]), NULL, &data);
            if (LIKELY(status == TARGET_OK))
                ycsb_record_fill(w->workload, data, keys[i], 0);
            inserts += status == TARGET_OK;
            break;
        case RING_SCAN:
            status = run_scan(w, txn, i, &sum);
            break;
        case RING_READ_FIELD:
        case RING_UPDATE_FIELDS:
        case RING_MODIFY:
            status = run_fields(w, txn, i, first_update + updates, &sum);
            updates += status == TARGET_OK && kinds[i] != RING_READ_FIELD;
            break;
        }
        if (UNLIKELY(status != TARGET_OK)) {
            /* A row inserted lately may be above the transaction's timestamp: it is not there yet (instance.h). */
            if (status != TARGET_NOT_FOUND || !w->follow_newest || keys[i] < w->records) {
                ops->abort(txn);
                return status;
            }
            lost++;
        }
    }
    status = ops->commit(txn);
    if (LIKELY(status == TARGET_OK)) {
        __asm__ volatile("" : : "r"(sum)); /* the reads have a use */
        share_add(w->share, updates, inserts, lost);
    }
    return status;
}

enum target_status ycsb_attempt(struct workload_worker *w)
{
    enum target_status status = attempt_once(w);
    if (UNLIKELY(status == TARGET_NOT_FOUND))
        status = bulk_settle(attempt_once, w, w->ops, w->worker);
    /* No other worker inserts this worker's keys, and this worker counts its inserts: so this is a row of a
     * transaction that never said it had committed. Or else a row that was loaded is gone. */
    return UNLIKELY(status == TARGET_EXISTS || status == TARGET_NOT_FOUND) ? TARGET_CORRUPT : status;
}

/* The ledger takes it that every request of the ring was committed. */
void ycsb_gave_up(struct workload_worker *w)
{
    atomic_store_explicit(&w->workload->unentered, true, memory_order_relaxed);
}

unsigned ycsb_operations(const struct workload_worker *w)
{
    if (!w->scan_length_max)
        return w->count;
    unsigned others = 0;
    for (unsigned i = 0; i < w->count; i++)
        others += w->kinds[i] != RING_SCAN;
    return others + w->scanned;
}
