/*
 * worker.h - a worker and its transaction: everything that one thread needs, in memory that only it writes.
 */
#ifndef ENGINE_TXN_WORKER_H
#define ENGINE_TXN_WORKER_H

#include "engine/store/table.h"
#include "engine/time/tsclock.h"
#include "engine/txn/access_set.h"
#include "engine/txn/core.h"
#include "engine/txn/gc.h"
#include "engine/txn/undo.h"

struct counters {
#define COUNTER(name, unit, help) _Atomic uint64_t name;
#include "engine/txn/stats.def"
#undef COUNTER
};
enum { COUNTER_COUNT = sizeof(struct counters) / sizeof(uint64_t) };

/* The size of the memory that a transaction lends to indexes; index/scratch.h knows its contents. */
enum { INDEX_SCRATCH_BYTES = 80 + MAE_PREFETCH_MAX * 24 };

struct savepoints;

struct mae_txn {
    uint64_t ts; /* reads see versions with wts < ts; a snapshot's is min_wts */
    struct mae_worker *worker;
    bool running, snapshot;
    bool plain;             /* read-write and not doomed */
    bool direct;            /* plain, no index node written, no keys announced: a key's bucket says where its row is */
    bool met_moved;         /* has found a MOVED version, so entries peeked at before may be out of date (I3) */
    bool frees;             /* deletes or removes something, so it may take from the reserve of memory */
    bool scratch_used;      /* the scratch is of this transaction, else of an earlier one */
    bool yields;            /* its worker has an on_miss: reads are approached (approach.h) */
    bool overtaken;         /* was overtaken and has come back: its worker's slot has a pin until it ends */
    enum mae_status doomed; /* MAE_OK, or the abort status of an earlier call; MAE_INVALID: it has ended */
    struct access_set accesses;
    /* NULL, or what changes single-version indexes once the commit is certain. It is called once, before any version is
     * decided. So whoever sees a row of this transaction finds the row's entries, and no row that a stale entry leads
     * to is used again while the entry stands. */
    void (*on_decision)(struct mae_txn *txn, bool committed);
    struct undo undo;
    uint64_t scans_epoch; /* of the access set of the transaction that has begun a scan; and how many are running */
    unsigned scans;
    struct savepoints *savepoints; /* db/savepoint.c: NULL until the worker sets its first */
    _Alignas(16) unsigned char scratch[INDEX_SCRATCH_BYTES];
};

struct SEPARATED mae_worker {
    struct mae_txn txn;
    /* The beginning and the end of a transaction touch these. */
    struct protocol protocol;
    struct core *core;
    struct horizon_slot *slot;
    struct log_buffer *log; /* NULL: what it does is not logged */
    struct tsclock clock;
    unsigned id;     /* the index of its slot */
    unsigned number; /* the low bits of its timestamps; HORIZON_NO_NUMBER: a worker of the database's own */
    unsigned commits_in_a_row;
    uint64_t quiescent_ticks; /* when the last quiescent point was */
    uint64_t sync_ticks;      /* when it last looked at another worker's clock */
    unsigned sync_next;       /* the slot whose clock is next */
    struct retries retries;
    struct elder_claim elder;
    void (*on_miss)(void *arg); /* what mae_worker_on_miss has set; NULL: nothing */
    void *on_miss_arg;
    struct pool pool;
    struct gc_queue gc;
    struct gc_held held;
    struct gc_walked walked[1 << GC_WALKED_BITS]; /* by a hash of the row; for items that stand for a row (G7, CU4) */
    bool refused;                                 /* it was refused memory; see gc_refused */
    uint64_t refused_commits, refused_ticks;
    struct row_allocator *rows; /* by table id */
    unsigned rows_count;
    _Atomic bool joined;
    _Atomic(struct elder_rows *) elder_rows; /* stay for the next worker of the slot */
    _Atomic uint64_t turn;                   /* the last one that a worker in this slot has taken part in (turn.h) */
#ifdef MAE_DEBUG
    _Atomic uintptr_t user; /* the thread that is inside a call, or 0; see db/guard.h */
#endif
    SEPARATED struct counters counters; /* read by any thread */
};

/* A counter has one writer: a relaxed load and store, no locked instruction. */
#define COUNT_ADD(worker, counter, n)                                                                              \
    atomic_store_explicit(&(worker)->counters.counter,                                                             \
                          atomic_load_explicit(&(worker)->counters.counter, memory_order_relaxed) + (uint64_t)(n), \
                          memory_order_relaxed)
#define COUNT(worker, counter) COUNT_ADD(worker, counter, 1)

/* Of a worker between two transactions: whether the next one takes the shortest beginning. */
static inline void worker_set_beginning(struct mae_worker *worker)
{
    worker->protocol.begins_slowly = worker->protocol.strict || worker->txn.yields || elder_is_due(worker);
}

/* Waits before a retry, first for the turn of the worker's node. Returns the ticks. */
static inline uint64_t worker_backoff(struct mae_worker *worker)
{
    uint64_t waited = relay_wait(&worker->core->relay, &worker->retries);
    return waited + backoff_wait(&worker->core->backoff, &worker->retries,
                                 atomic_load_explicit(&worker->counters.commits, memory_order_relaxed));
}

/* Whether the transaction has savepoints. */
static ALWAYS_INLINE bool txn_has_savepoints(const struct mae_txn *txn)
{
    return UNLIKELY(txn->undo.epoch == txn->accesses.epoch);
}

/* The allocator for a table, NULL when out of memory. */
struct row_allocator *worker_rows(struct mae_worker *worker, struct table *table);

/* If phase times are on: adds the ticks since *from to a phase's counter and sets *from to now. */
#define PHASE_END(worker, counter, from)                     \
    do {                                                     \
        if (UNLIKELY(PROTOCOL(worker, phase_times))) {       \
            uint64_t phase_now = tsc_now();                  \
            COUNT_ADD(worker, counter, phase_now - *(from)); \
            *(from) = phase_now;                             \
        }                                                    \
    } while (0)

#endif
