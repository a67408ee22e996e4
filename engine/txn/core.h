/*
 * core.h - what the workers of one database share.
 */
#ifndef ENGINE_TXN_CORE_H
#define ENGINE_TXN_CORE_H

#include "engine/base/options.h"
#include "engine/log/logger.h"
#include "engine/store/version_pool.h"
#include "engine/time/backoff.h"
#include "engine/time/relay.h"
#include "engine/time/horizon.h"
#include "engine/txn/elder.h"

struct gc_chunk;
struct mae_worker;

/* The options, in the units that workers count in. Constant after core_init. */
struct protocol {
    bool early_abort_newer, sort_writes, precheck, adaptive_skip, promote, settle, phase_times, strict;
    bool plain_commits; /* no option asks for more in a commit than most transactions need */
    bool begins_slowly; /* see worker_set_beginning: transactions do not take the shortest beginning */
    uint8_t pending, restamp;
    uint32_t elder_after;
    uint64_t clock_sync_ticks; /* UINT64_MAX: never */
    uint64_t clock_boost_units;
    uint64_t gc_interval_ticks;
};

/*
 * The switches that every transaction reads. In a build with OPTIONS=fixed they are constants at their defaults and
 * core_init refuses anything else: the difference to the normal build is the price of run-time options (make bench).
 */
#define PROTOCOL_SWITCHES(X)   \
    X(early_abort_newer, true) \
    X(sort_writes, true)       \
    X(precheck, true)          \
    X(adaptive_skip, true)     \
    X(promote, true)           \
    X(phase_times, false)      \
    X(plain_commits, true)     \
    X(pending, PENDING_WAIT)

#ifdef MAE_FIXED_OPTIONS
#define PROTOCOL_FIXED(field, value) FIXED_##field = (value),
enum { PROTOCOL_SWITCHES(PROTOCOL_FIXED) };
#undef PROTOCOL_FIXED
#define PROTOCOL(worker, field) ((void)(worker), +FIXED_##field)
#else
#define PROTOCOL(worker, field) ((worker)->protocol.field)
#endif

struct core {
    struct mae_options options;
    struct protocol protocol;
    struct mem_budget budget;
    struct arena arena;
    double ticks_per_us;
    unsigned clock_shift;
    /* Held by the database's own workers while they collect, and by calls that look at all versions while no
     * transaction runs. */
    pthread_mutex_t upkeep_lock;
    struct log *log;                          /* NULL with durability=off, and while the database is being restored */
    SEPARATED _Atomic uint64_t central_clock; /* timestamps=central only */
    SEPARATED struct horizon horizon;
    struct backoff backoff;
    struct relay relay;
    struct elder elder;
    /* ORD-4. True if there are orphans or memory has run out at least once. Workers look at it at quiescent points. */
    SEPARATED _Atomic bool attention;
    /* Of `orphans`: the garbage of workers that have left or are parked, for any worker at its next quiescent point. */
    pthread_mutex_t orphans_lock;
    /* G7. Whether collectors look for versions along the chain, and a timestamp: once min_rts has passed it, all do. */
    _Atomic bool walks;
    _Atomic uint64_t walks_stamp;
    _Atomic(struct gc_chunk *) orphans;
    /* Turns (turn.h): the number of the present one, whether it goes on, and whether queues are swept in it. */
    _Atomic uint64_t turn;
    _Atomic bool turning, sweeps;
    /* By slot. The memory of a worker stays until core_fini, so that its counters can be read at any time. */
    _Atomic(struct mae_worker *) workers[HORIZON_SLOTS];
};

enum mae_status core_init(struct core *core, const struct mae_options *options);
void core_fini(struct core *core); /* no worker may be joined */

#endif
