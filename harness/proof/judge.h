/*
 * judge.h - does a history have a serial order, and is it the one it claims?
 *
 * Two checks that share nothing but the reading of records (collect.c):
 *   replay.c  if every transaction says its place in the serial order: runs the committed transactions one after the
 *             other in that order on a model of registers and entries, and compares what each saw with what the model
 *             holds. That is checks (a) the order explains every read, (c) nothing aborted or intermediate was read,
 *             (d) snapshots are consistent, (e) there are no phantoms.
 *   graph.c   (b) builds the serialization graph (ww, wr, rw) from the version order that the writes recorded
 *             themselves: each update names the version it replaced. Where a write does not (blind writes, inserts
 *             after a delete, entries), the claimed order says it, or what can be deduced (placing.h). cycles.c looks
 *             for cycles. Without a claimed order this is the only check; it also finds (c).
 * Both are linear but for looking up index entries, O(log n), and objects that came and went, which are looked at in
 * pairs where no order is known. Memory: some 130 bytes a write, 60 a transaction.
 *
 * A register that nobody is seen to insert has existed before: the first version read, if no transaction of the history
 * wrote it, is its initial one. Index entries that nobody is seen to add do not exist.
 */
#ifndef HARNESS_PROOF_JUDGE_H
#define HARNESS_PROOF_JUDGE_H

#include "harness/proof/anomaly.h"
#include "harness/proof/history.h"

/* Memory that checks reuse; one at a time may use it. */
struct history_checker;
struct history_checker *history_checker_create(void);
void history_checker_destroy(struct history_checker *checker);

/* True if nothing was found that these promises forbid. Fills the verdict, whose former contents must have been
 * finished. */
bool history_check(struct history_checker *checker, const struct history *history,
                   const struct target_promises *promises, struct history_verdict *verdict);

#endif
