/*
 * placing.h - what can be said about versions where the serial order is not known.
 *
 * Most writes name the version they replaced. An insert replaced an absence, and someone who found nothing saw one; but
 * which, if a row came and went several times? What follows is deduced under the assumption that the history keeps what
 * the target promises: then nobody replaced what comes after it, and from snapshot isolation on every absence was
 * replaced at most once. A deduction is made
 * only where one candidate is left, so a serializable history never gets a wrong edge, and a cycle is a proof. What
 * stays open gives no edge, so that a cycle may be missed: the verdict counts it as undecided.
 *
 * If the history is to be serializable, its edges tell more: nobody saw what was written by whom it leads to, nor what
 * was replaced by who leads to it. A read for which no version is left has no place in any serial order; it gets the
 * edges of one of them, which then close a cycle.
 */
#ifndef HARNESS_PROOF_PLACING_H
#define HARNESS_PROOF_PLACING_H

#include "harness/proof/versions.h"

/* Finds what the unplaced versions of all objects replaced, as far as it can be told. */
void graph_place(struct graph *graph);

/* When all edges are there: decides what was seen of the reads that were left open, as far as the edges tell. */
void graph_decide(struct graph *graph);

/* The only version that looks as it was seen by the transaction being visited; HISTORY_NOBODY if none or
 * several do; then it notes the read for graph_decide. */
uint32_t graph_only_seen(const struct graph *graph, const struct object *object, bool present, uint64_t ref);

#endif
