/*
 * cycles.h - the components of the serialization graph (Tarjan), and in them the shortest cycle that the target owes
 * not to have. If there is none, the shortest one that it may have is counted.
 */
#ifndef HARNESS_PROOF_CYCLES_H
#define HARNESS_PROOF_CYCLES_H

#include "harness/proof/versions.h"

/* Looks for cycles of the edges collected; the verdict describes the one that is forbidden. */
void graph_search_cycles(struct graph *graph);

#endif
