/*
 * cycles.h - the components of the serialization graph (Tarjan), and in them the shortest cycle that the target's
 * promises forbid. If there is none, the shortest one that they allow is counted.
 */
#ifndef HARNESS_PROOF_CYCLES_H
#define HARNESS_PROOF_CYCLES_H

#include "harness/proof/versions.h"

/* Looks for cycles of the edges collected; the verdict describes the one that is forbidden. */
void graph_search_cycles(struct graph *graph);

#endif
