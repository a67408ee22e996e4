/*
 * placing.h - what can be said about versions where the serial order is not known.
 *
 * Most writes name the version that they replaced. An insert replaced an absence, and a read that found nothing saw an
 * absence. If a row came and went several times, the history does not say which absence that was. It is deduced, on
 * the assumption that the history keeps what the target promises: no transaction replaced a version that came after its
 * own, and under snapshot isolation or more, each absence was replaced at most once. A deduction is made only where one
 * candidate is left. So a serializable history never gets a wrong edge, and a cycle is a proof. A read that stays open
 * gives no edge, so a cycle may be missed: the verdict counts that read as undecided.
 *
 * If the history must be serializable, its edges decide more reads. A transaction T has not seen a version whose writer
 * comes after T along the edges. Nor has T seen a version that was replaced by a transaction which comes before T. A
 * read for which these rules leave no version has no place in any serial order: it gets the edges of one of the
 * versions, and these close a cycle.
 */
#ifndef HARNESS_PROOF_PLACING_H
#define HARNESS_PROOF_PLACING_H

#include "harness/proof/versions.h"

/* Finds what the unplaced versions of all objects replaced, as far as it can be told. */
void graph_place(struct graph *graph);

/* When all edges are there: decides what was seen of the reads that were left open, as far as the edges tell. */
void graph_decide(struct graph *graph);

/* The only version of the object that fits what the transaction being visited has seen. HISTORY_NOBODY if none or
 * several fit; several are noted for graph_decide. */
uint32_t graph_only_seen(const struct graph *graph, const struct object *object, bool present, uint64_t ref);

#endif
