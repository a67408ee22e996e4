/*
 * turn.h - waiting until every worker has passed a point between transactions.
 *
 * Who has hidden something from transactions, say a table that is to be dropped, begins a turn. When the turn is over,
 * every transaction that may have found it is over, too, whether it was a snapshot or was overtaken, and so is the work
 * of every collector that did.
 *   X4  A worker takes part at a quiescent point, which lies between transactions and after the work of collectors.
 *       A worker that is parked, or is parked by who waits, is between transactions; it comes back under the leader's
 *       lock, which the one who waits has held since. So what a worker does after it has taken part comes after what
 *       was done before the turn began (ORD-17).
 *   X5  A turn that sweeps leaves nothing of closed tables in any queue of garbage. Each worker sweeps its own. The
 *       queues of a parked or overtaken worker have become orphans. Who adopts an orphan meanwhile sweeps it, and who
 *       waits sweeps those that are left in the end.
 * Without the membarrier system call a worker that is silent is not parked, so the wait may come to nothing.
 * One thread at a time may have turns; the lock of the database's catalogue sees to that.
 * Checked by: tests/unit/db/drop.c, tests/stress/drop.c.
 */
#ifndef ENGINE_TXN_TURN_H
#define ENGINE_TXN_TURN_H

#include <stdbool.h>

struct mae_worker;

/* Begins a turn and waits until it is over, with a parked worker. `sweeps`: no transaction uses closed tables any more,
 * so that an overtaken transaction need not be waited for. False: some worker has not taken part within so many
 * milliseconds. */
bool turn_wait(struct mae_worker *own, bool sweeps, unsigned patience_ms);

#endif
