/*
 * upkeep.h - what a worker of the database's own does so that the horizon moves on although other workers are silent.
 */
#ifndef ENGINE_TXN_UPKEEP_H
#define ENGINE_TXN_UPKEEP_H

#include "engine/txn/worker.h"

/*
 * Parks the workers that are between transactions and have been silent since the last round, and takes over their
 * garbage. Then passes a quiescent point as `worker`, which is parked before and after. last_wts: the slots' wts at the
 * last round, HORIZON_SLOTS words. False if no other worker has published since and the round reclaimed nothing. One
 * thread at a time may call it with one worker, and must be registered for membarrier if the process has other threads.
 */
bool upkeep_round(struct mae_worker *worker, uint64_t *last_wts);

#endif
