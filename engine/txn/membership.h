/*
 * membership.h - how workers join and leave, pass quiescent points, and are parked: what the horizon knows of them.
 */
#ifndef ENGINE_TXN_MEMBERSHIP_H
#define ENGINE_TXN_MEMBERSHIP_H

#include "engine/txn/worker.h"

/* MAE_OK, MAE_FULL or MAE_NO_MEMORY. */
enum mae_status worker_join(struct core *core, struct mae_worker **worker);
/*
 * As worker_join, for the database's own work. At most HORIZON_OWN such workers are joined at once. They share the
 * timestamps of number 0 with a caller's worker, so they may write only rows that no other worker can see yet.
 */
enum mae_status worker_join_own(struct core *core, struct mae_worker **worker);
void worker_leave(struct mae_worker *worker);

/* For a parked worker: it counts again, and nobody parks it until it calls worker_park. */
void worker_wake(struct mae_worker *worker);
/* A quiescent point of an active worker that waits for others, and a round, unless another worker leads one. */
void worker_lead(struct mae_worker *worker, uint64_t now_ticks);

/* Passes a quiescent point. Between transactions, on the worker's thread, OWNER_BUSY: no other thread may park the
 * worker meanwhile. */
void worker_quiescent(struct mae_worker *worker, uint64_t now_ticks);

/*
 * Whether a transaction of this worker may be ordered behind `after`. It may if `after` is a timestamp that the
 * database can have issued, or one at most an hour ahead of those. Any other number is no timestamp and would lead all
 * clocks away, or make them wrap. The worker must be active. `now_ticks` is the time.
 */
bool worker_may_follow(struct mae_worker *worker, uint64_t after, uint64_t now_ticks);

/*
 * Waits until snapshots see what was committed with the timestamp `after`. MAE_OK; MAE_IO: with snapshot=durable they
 * never will, since the log has failed. The worker is
 * active and between transactions, OWNER_BUSY. The wait ends: this worker's own bound is above `after` at once, and it
 * leads rounds itself; a worker that runs transactions passes `after` at its next quiescent point; this worker parks a
 * worker that is between transactions, which later comes back above `after`; the leader overtakes an open transaction;
 * a commit ends. Without membarrier this worker waits until silent workers act and open transactions end.
 */
enum mae_status worker_await(struct mae_worker *worker, uint64_t after);

/* Parks another worker, if it is between transactions, and makes its garbage an orphan; true if it did. */
bool worker_park_other(struct mae_worker *own, unsigned id);

void worker_park(struct mae_worker *worker);
/* The worker is OWNER_BUSY. */
void worker_unpark(struct mae_worker *worker, uint64_t now_ticks);
/* For a parked worker: comes back, passes a quiescent point, and is parked again. */
void worker_pass_parked(struct mae_worker *worker);

#endif
