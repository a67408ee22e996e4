/* graph.h - the serialization graph of a history that has been collected; see graph.c. */
#ifndef HARNESS_PROOF_GRAPH_H
#define HARNESS_PROOF_GRAPH_H

#include "harness/proof/collect.h"

/* Whether all edges between registers lead to later transactions; the order is known. May run beside history_replay. */
bool history_graph_is_forward(struct history_checker *checker);
/* Looks for cycles in the whole graph. */
void history_graph_search(struct history_checker *checker);

#endif
