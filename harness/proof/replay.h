/* replay.h - runs a history that has been collected in its serial order, on a model; see judge.h. */
#ifndef HARNESS_PROOF_REPLAY_H
#define HARNESS_PROOF_REPLAY_H

#include "harness/proof/collect.h"

/* The order is known. */
void history_replay(struct history_checker *checker);

#endif
