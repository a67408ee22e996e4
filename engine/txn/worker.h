/*
 * worker.h - a worker and its transaction: everything one thread needs, in memory of its own.
 */
#ifndef ENGINE_TXN_WORKER_H
#define ENGINE_TXN_WORKER_H

#include "engine/store/table.h"
#include "engine/time/tsclock.h"
#include "engine/txn/access_set.h"
#include "engine/txn/core.h"
#include "engine/txn/gc.h"

struct counters {
#define COUNTER(name, unit, help) _Atomic uint64_t name;
#include "engine/txn/stats.def"
#undef COUNTER
};
enum { COUNTER_COUNT = sizeof(struct counters) / sizeof(uint64_t) };

/* Entries a transaction adds to a hash index, counted when it commits so that the index grows in time. */
struct index_growth {
    void *index;
    int64_t entries;
};

/* A key announced by mae_prefetch and the row it led to. */
struct announced {
    uint64_t key, row;
    const void *index;
};

/* The leaf of an ordered index that the transaction inserted into last: keys often come in runs. */
struct last_leaf {
    const void *index; /* NULL: none, as at a transaction's begin */
    void *node;        /* its new version */
};

struct mae_txn {
    uint64_t ts; /* reads see versions with wts < ts; a snapshot's is min_wts */
    struct mae_worker *worker;
    bool running, snapshot;
    bool plain;             /* read-write and not doomed */
    bool direct;            /* plain, no index node written, no keys announced: a key's bucket says where its row is */
    bool met_moved;         /* has found a MOVED version: entries peeked at before may be out of date, I3 */
    bool frees;             /* deletes or removes something: may take from the reserve of memory */
    bool overtaken;         /* was, by now is not any more: its worker's slot has a pin */
    enum mae_status doomed; /* the abort status of an earlier call, or MAE_OK; MAE_INVALID: it has ended */
    struct access_set accesses;
    struct index_growth *growth; /* an entry each hash index that gains or loses entries; stays with the worker */
    unsigned growth_count, growth_capacity;
    unsigned announced_next, announced_count;
    struct announced announced[MAE_PREFETCH_MAX];
    /* What waits for the decision (single-version indexes), or NULL: called once when it is made, before the worker's
     * next quiescent point, so that no row that a stale entry leads to is used again while the entry stands. */
    void (*on_decision)(struct mae_txn *txn, bool committed);
    void *deferred; /* on_decision's; stays with the worker */
    struct last_leaf last_leaf;
};

struct SEPARATED mae_worker {
    struct mae_txn txn;
    /* What begin and end of a transaction touch. */
    struct protocol protocol;
    struct core *core;
    struct horizon_slot *slot;
    struct tsclock clock;
    unsigned id;     /* of its slot */
    unsigned number; /* the low bits of its timestamps; HORIZON_NO_NUMBER: one of the database's own */
    unsigned commits_in_a_row;
    uint64_t quiescent_ticks; /* when the last quiescent point was */
    uint64_t sync_ticks;      /* when the last clock was looked at */
    unsigned sync_next;       /* whose clock is next */
    uint64_t random;
    struct pool pool;
    struct gc_queue gc;
    struct gc_held held;
    bool refused; /* memory; see gc_refused */
    uint64_t refused_commits, refused_ticks;
    struct row_allocator *rows; /* by table id */
    unsigned rows_count;
    _Atomic bool joined;
#ifdef MAE_DEBUG
    _Atomic uintptr_t user; /* the thread that is inside a call, or 0; see db/guard.h */
#endif
    SEPARATED struct counters counters; /* read by any thread */
};

/* Single writer: a relaxed load and store, no locked instruction. */
#define COUNT_ADD(worker, counter, n)                                                                              \
    atomic_store_explicit(&(worker)->counters.counter,                                                             \
                          atomic_load_explicit(&(worker)->counters.counter, memory_order_relaxed) + (uint64_t)(n), \
                          memory_order_relaxed)
#define COUNT(worker, counter) COUNT_ADD(worker, counter, 1)

/* MAE_OK, MAE_FULL or MAE_NO_MEMORY. */
enum mae_status worker_join(struct core *core, struct mae_worker **worker);
/*
 * For the database's own work, of which HORIZON_OWN may be joined at once. Its timestamps are those of number 0, so
 * that it may write only rows that nobody else can see yet.
 */
enum mae_status worker_join_own(struct core *core, struct mae_worker **worker);
void worker_leave(struct mae_worker *worker, struct table *const *tables, unsigned table_count);

/* The allocator for a table, NULL when out of memory. */
struct row_allocator *worker_rows(struct mae_worker *worker, const struct table *table);

/* Passes a quiescent point: between transactions, on the worker's thread. */
void worker_quiescent(struct mae_worker *worker, uint64_t now_ticks);

/*
 * Whether a transaction of this worker may be ordered behind `after`: a timestamp that the database can have issued, or
 * one at most an hour ahead of those. Anything else is no timestamp, and would lead all clocks away, or wrap. The
 * worker is active and `now_ticks` is the time.
 */
bool worker_may_follow(struct mae_worker *worker, uint64_t after, uint64_t now_ticks);

/*
 * Waits until min_wts has passed `after`, so that a snapshot sees what has committed with that timestamp. The worker is
 * active and between transactions, OWNER_BUSY. Ends: its own bound is above at once, and it leads rounds itself; who
 * works passes with its next quiescent point; who is between transactions is parked and comes back above; an open
 * transaction is overtaken; a commit ends. Without membarrier it waits for the silent to act and the open to end.
 */
void worker_await(struct mae_worker *worker, uint64_t after);

/* Parks another worker if it is between transactions, and hands over its garbage; true if so. */
bool worker_park_other(struct mae_worker *own, unsigned id);

void worker_park(struct mae_worker *worker);
void worker_unpark(struct mae_worker *worker, uint64_t now_ticks);

/* Adds a span of ticks to a phase's counter if phase times are on, and moves *from on. */
#define PHASE_END(worker, counter, from)                     \
    do {                                                     \
        if (UNLIKELY(PROTOCOL(worker, phase_times))) {       \
            uint64_t phase_now = tsc_now();                  \
            COUNT_ADD(worker, counter, phase_now - *(from)); \
            *(from) = phase_now;                             \
        }                                                    \
    } while (0)

#endif
