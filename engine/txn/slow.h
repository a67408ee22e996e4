/*
 * slow.h - test builds that are slower by a known share (make SLOW=N), to show that the performance checks notice.
 *
 * MAE_SLOW=N: a commit spins for N% of the time from one begin to the next, retries and the caller's work included.
 * MAE_SLOW_INSTRUCTIONS=N: a commit spins for N% of the instructions that a commit of so many accesses takes, counted
 * for YCSB with gcc 12. That number depends only on the input, so counts of instructions repeat. Other builds contain
 * none of this.
 * Used by: scripts/regress-proof.
 */
#ifndef ENGINE_TXN_SLOW_H
#define ENGINE_TXN_SLOW_H

#include "engine/base/compiler.h"

#if defined(MAE_SLOW) || defined(MAE_SLOW_INSTRUCTIONS)
struct mae_txn;
NOINLINE void slow_down(const struct mae_txn *txn);
#define SLOW_DOWN(txn) slow_down(txn)
#else
#define SLOW_DOWN(txn) ((void)0)
#endif

#endif
