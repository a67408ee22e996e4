/* cycles.h - the components of the serialization graph (Tarjan), and in them the shortest cycle. */
#ifndef HARNESS_PROOF_CYCLES_H
#define HARNESS_PROOF_CYCLES_H

#include "harness/proof/versions.h"

/* Looks for cycles of the edges collected, and describes the shortest one in the verdict. */
void graph_search_cycles(struct graph *graph);

#endif
