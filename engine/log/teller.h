/*
 * teller.h - tells the program of its commits that have become safe: calls the functions that it has given with them.
 *
 * Each slot of the horizon has a queue. A worker adds to its own; the teller, a thread of the database's own, takes
 * from all. It is there once a function has been given. It waits for the log as any other thread does, so it never
 * keeps the logger or a worker waiting, and it calls functions with no lock held.
 *   D20 A function is called once, after its commit is safe or the log has failed, and in the order in which the worker
 *       has committed. Proof: a queue is filled in that order and emptied from its front, and only while the front's
 *       timestamp is below durable_ts.
 * Checked by: tests/unit/db/durability.c; mutation told_early.
 */
#ifndef ENGINE_LOG_TELLER_H
#define ENGINE_LOG_TELLER_H

#include <pthread.h>

#include "engine/maemio.h"
#include "engine/time/horizon.h"

struct told {
    struct told *next;
    uint64_t ts;
    mae_durable_fn tell;
    void *arg;
};

struct told_queue {
    pthread_mutex_t lock;
    struct told *first, *last; /* last: unless it is empty */
};

/* Waits for the log until it is safe above ts: MAE_OK, or MAE_IO_UNKNOWN; in both cases says what is safe. */
typedef enum mae_status (*teller_await_fn)(void *arg, uint64_t ts, uint64_t *safe_ts);

struct teller {
    teller_await_fn await;
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool runs, stop, filled; /* under `lock` */
    struct told_queue queues[HORIZON_SLOTS];
};

void teller_init(struct teller *teller, teller_await_fn await, void *arg);
/* Calls what is left, with MAE_IO_UNKNOWN where the log has not got so far. */
void teller_fini(struct teller *teller, uint64_t safe_ts);

/* Starts the thread, unless it runs. MAE_OK or MAE_NO_MEMORY. */
enum mae_status teller_start(struct teller *teller);
/* Adds to the slot's queue, which then owns it. */
void teller_add(struct teller *teller, unsigned slot, struct told *commit);

/* Calls the functions of all commits below `safe_ts`. */
void teller_tell(struct teller *teller, uint64_t safe_ts, enum mae_status status);

#endif
