/*
 * restamp.h - timestamps that move (option restamp), so that fewer transactions abort.
 *
 * A transaction that would write a row which a later transaction has read, or written, has to abort, since its place in
 * the order is before that one. With restamp=extend it moves behind that one instead, if all that it has read is still
 * visible from there. With restamp=retry and extend what was aborted is tried again behind all that it had met.
 *
 *   T4  A timestamp only grows, takes the worker's clock along, and moves only while no version of its transaction is
 *       linked. So T1 and H1 hold as they are, and a version has the timestamp at which its transaction commits.
 *   T5  A transaction moves only to where it still sees each version that it has read. So its body sees no more states
 *       that never existed than it would without.
 *   T6  While others may overtake the transaction, its slot has the timestamp at which it reads (H6). An overtaken
 *       transaction does not move before its commit, which then gives it a new timestamp anyway (commit.c).
 * That the result is serializable follows from none of these: a commit validates all that was read at the timestamp
 * that it has then, as it does after a transaction was overtaken.
 *
 * A move costs as much as the pre-check of what has been read so far, and only a transaction that would abort pays it.
 * Checked by: tests/unit/txn/restamp.c, tests/model/rows.c, tests/model/keys.c, tests/schedule/explore.c.
 * Source: lazy snapshots that are extended (Riegel, Felber, Fetzer: LSA, DISC 2006); not in the paper.
 */
#ifndef ENGINE_TXN_RESTAMP_H
#define ENGINE_TXN_RESTAMP_H

#include "engine/txn/worker.h"

/* In the read phase: moves the transaction behind all versions of the row of `access` and their readers. `unread`: the
 * body has not seen the version in `access` yet, so it need not be visible any more. False: nothing has changed. */
bool restamp_behind(struct mae_txn *txn, struct access *access, bool unread);

/* In the commit, before anything is linked: moves the transaction behind those who have read what it writes. Where it
 * cannot, the next steps of the commit find why. */
void restamp_writes(struct mae_txn *txn, uint32_t write_count);

/* After a conflict, while the versions of the transaction are still there: sees to it that the worker's next timestamp
 * is above all that the transaction has met. */
void restamp_retry(struct mae_txn *txn);

#endif
