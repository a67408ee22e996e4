/*
 * instance.h - what ycsb.c and worker.c share; other files do not include it.
 *
 * Keys 0..records-1 are loaded. Worker w of W inserts records + i * W + w for i = 0, 1, ... So there is no shared
 * counter and no gap, and `inserted` of each worker tells exactly which keys exist. With insert_order=hashed these are
 * numbers, and the keys are a bijection of them, so that the order of keys is not the order of insertion.
 *     Y1  A loaded row is never missing.
 *     Y2  Keys records + i * W + w exist for i < inserted of w, and for no other i.
 *     Y3  update_kind=rmw: the stamps of all rows sum to the updates of all workers, and each is the number of
 *         committed updates of that very row (ledger.h, L1).
 *     Y4  update_kind=blind: a row's stamp names a worker and one of its committed updates (0: as loaded), its last one
 *         of that very row (L2).
 *     Y5  Each row is consistent with its stamp (record.h), or each of its fields (fields.h, F1).
 * With update_fields=one Y3 and Y4 are of each field of a row.
 * check_pass (ycsb.c) checks all of them after every run. Y3 to Y5 are demanded of a target that is not transactional
 * only if there is a single worker.
 */
#ifndef WORKLOADS_YCSB_INSTANCE_H
#define WORKLOADS_YCSB_INSTANCE_H

#include <stdatomic.h>

#include "engine/base/compiler.h"
#include "workloads/distribution.h"
#include "workloads/record.h"
#include "workloads/rng.h"
#include "workloads/shuffle.h"
#include "workloads/workload.h"
#include "workloads/ycsb/fields.h"
#include "workloads/ycsb/ledger.h"

/* type, name, default, range, unit, help */
#define YCSB_OPTIONS(X)                                                                                                \
    X(u64, records, "10M", "1..1000000000000", "rows", "rows loaded, keys 0 and up")                                   \
    X(bytes, record_bytes, "100", "8..65528", "bytes", "size of a record; the key (8 bytes) is not part of it")        \
    X(u64, ops_per_txn, "16", "1..1024", "", "requests in a transaction")                                              \
    X(u64, long_workers, "0", "0..256", "", "so many workers, the first, run long transactions only")                  \
    X(u64, long_ops_per_txn, "1000", "1..1024", "", "requests in a long transaction, of the same kinds as the others") \
    X(f64, read_ratio, "0.5", "0..1", "", "share of requests that read; what no ratio claims are updates")             \
    X(u64, fields, "1", "1..1024", "", "fields of a record, each of record_bytes / fields bytes")                      \
    X(enum, field_lengths, "constant", "constant|uniform|zipfian", "",                                                 \
      "how long the fields are: all as long as they can, or each of 16 bytes up to that, for good; zipfian: the "      \
      "shorter, the more of them")                                                                                     \
    X(enum, read_fields, "all", "all|one", "", "a read is of the whole record or of one field, at random")             \
    X(enum, update_fields, "all", "all|one", "", "an update writes all fields, or one at random")                      \
    X(f64, insert_ratio, "0", "0..1", "", "share of requests that insert a new key")                                   \
    X(f64, scan_ratio, "0", "0..1", "", "share of requests that scan from a key on; needs index=ordered")              \
    X(f64, modify_ratio, "0", "0..1", "",                                                                              \
      "share of requests that read a record, change it and write it, beside the updates of update_kind=blind")         \
    X(u64, scan_length_max, "100", "1..1000000", "rows", "a scan reads 1 to this many rows, uniformly")                \
    X(enum, update_kind, "rmw", "rmw|blind", "",                                                                       \
      "rmw: read, copy and change what is updated; blind: write it without looking at what it was")                    \
    X(enum, distribution, "zipfian", DISTRIBUTION_NAMES, "", "which keys are asked for (maemio list distributions)")   \
    X(f64, theta, "0.99", "0..100", "", "skew of the zipf-like distributions")                                         \
    X(f64, hot_fraction, "0.2", "0..1", "", "distribution=hotspot: share of the keys that is hot")                     \
    X(f64, hot_ratio, "0.8", "0..1", "", "distribution=hotspot: share of the requests that goes to them")              \
    X(f64, exp_fraction, "0.8571428571", "0..1", "", "distribution=exponential: share of the keys, the newest")        \
    X(f64, exp_ratio, "0.95", "0..1", "", "distribution=exponential: share of the requests that goes to them")         \
    X(enum, duplicates, "redraw", "redraw|drop", "",                                                                   \
      "a key drawn twice in a transaction: draw again, or do fewer requests (as the paper's runs did)")                \
    X(bool, batch, "off", "", "", "announce the keys of a transaction before its first request")                       \
    X(enum, index, "hash", "hash|ordered", "", "kind of the index")                                                    \
    X(bool, snapshot_reads, "off", "", "", "transactions that only read run as snapshots (not in the paper)")          \
    X(bool, size_hint, "on", "", "", "tell the table and the index how many rows to expect")                           \
    X(enum, load_order, "shuffled", "shuffled|sequential", "", "order in which keys are loaded, so of rows in memory") \
    X(enum, insert_order, "ordered", "ordered|hashed", "",                                                             \
      "ordered: keys go on where the loaded ones end; hashed: all keys are scattered, as YCSB's are")                  \
    X(u64, ring_requests, "0", "0..1000000000", "",                                                                    \
      "requests drawn beforehand per worker; then they repeat. 0: 4194304, or fewer from 17 workers on, so that all "  \
      "together draw no more than 64 times 1048576; a sixteenth of both on a simulated machine")

/* What ring_requests=0 gives a worker at most, and all of them together: 256 MiB of memory in words of 4 bytes, and
 * some five seconds of CPU time, however many there are. The rings of many workers share the caches that they must be
 * longer than, so it is their sum that counts. Simulated windows are short: a core takes some 200,000 requests in 50
 * ms. */
#ifdef MAE_SIM
enum { RING_REQUESTS_MAX = 1 << 18, RING_REQUESTS_SUM = 4 << 20 };
#else
enum { RING_REQUESTS_MAX = 4 << 20, RING_REQUESTS_SUM = 64 << 20 };
#endif

enum { FIELDS_ALL, FIELDS_ONE };
enum { UPDATE_RMW, UPDATE_BLIND };
enum { DUPLICATES_REDRAW, DUPLICATES_DROP };
enum { INSERT_ORDERED, INSERT_HASHED };
enum { LOAD_SHUFFLED, LOAD_SEQUENTIAL };

struct ycsb_options {
    YCSB_OPTIONS(OPTION_FIELD)
};

/* What one worker has committed since the load. Written by it alone; outlives its workload_worker. */
struct ycsb_share {
    SEPARATED uint64_t updates;
    uint64_t lost;             /* reads that found nothing where they may: rows newer than the snapshot or timestamp */
    _Atomic uint64_t inserted; /* others look at it now and then, to know the newest keys */
    SEPARATED struct ycsb_walk walk;
    struct workload_worker *walker; /* the worker that walks now; NULL: it was destroyed, and the walk has all of it */
};

struct workload {
    const struct target_ops *ops;
    struct ycsb_options options;
    uint64_t seed;
    unsigned workers;
    bool follow_newest;    /* latest or exponential keys, and inserts: keys are distances from the newest */
    struct fields *fields; /* NULL: records are plain ones */
    struct distribution distribution;
    struct shuffle shuffle;
    struct target *target;
    struct target_table *table;
    struct target_index *index;
    struct ycsb_share *shares;  /* one per worker */
    struct ycsb_ledger *ledger; /* NULL before the first check */
    _Atomic bool unentered;     /* a walk went on without a check, or skipped a request: then there is no ledger */
};

/* The key of a record's number. */
static inline uint64_t ycsb_key(bool hashed, uint64_t number)
{
    return hashed ? rng_mix(number + 1) : number;
}

/* The field that the request in this word of a ring is about, of `fields`; the same in every round. */
static inline unsigned ycsb_field_of(size_t word, unsigned fields)
{
    return (unsigned)((rng_mix(word + 1) >> 32) * fields >> 32);
}

/* How many stamps of a record the requests decide by themselves. */
static inline unsigned ycsb_stamps(const struct workload *workload)
{
    return workload->fields && workload->options.update_fields == FIELDS_ONE ? workload->fields->count : 1;
}

/* Writes the whole record as it is with this stamp, and says how long it is. */
static inline size_t ycsb_record_bytes(const struct workload *workload, uint64_t key)
{
    return workload->fields ? fields_bytes(workload->fields, key) : (size_t)workload->options.record_bytes;
}

static inline void ycsb_record_fill(const struct workload *workload, void *data, uint64_t key, uint64_t stamp)
{
    if (workload->fields)
        fields_fill(workload->fields, data, key, FIELDS_MAX, stamp);
    else
        record_fill(data, (size_t)workload->options.record_bytes, key, stamp);
}

/* Whether all transactions of this worker are long ones. */
static inline bool ycsb_is_long(const struct workload *workload, unsigned worker_idx)
{
    return worker_idx < workload->options.long_workers;
}

/* How requests are drawn for a worker; what create probes and worker_create draws. */
void ycsb_ring_config(const struct workload *workload, unsigned worker_idx, struct ring_config *config);

/* A blind writer's stamp: its worker and the number of the update. 0 is the loader's. Short records keep few bits. */
static inline uint64_t ycsb_stamp(size_t record_bytes, unsigned worker_idx, uint64_t update)
{
    return record_bytes >= 16 ? (uint64_t)(worker_idx + 1) << 48 | update
                              : (uint64_t)(worker_idx + 1) << 22 | (update & 0x3fffff);
}

/* The writer's number + 1, 0 for the loader. */
static inline uint64_t ycsb_stamp_writer(size_t record_bytes, uint64_t stamp)
{
    return record_bytes >= 16 ? stamp >> 48 : stamp >> 22;
}

/* Notes in the share's walk how far its worker has come, which must be at rest. */
void ycsb_walk_note(struct ycsb_share *share);

enum target_status ycsb_worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                      struct workload_worker **state);
void ycsb_worker_destroy(struct workload_worker *state);
unsigned ycsb_next(struct workload_worker *state);
/* The request at hand: how many operations, their keys and kinds. For tests. */
unsigned ycsb_request(const struct workload_worker *state, const uint64_t **keys, const uint8_t **kinds);
enum target_status ycsb_attempt(struct workload_worker *state);
unsigned ycsb_operations(const struct workload_worker *state);
void ycsb_gave_up(struct workload_worker *state);

#endif
