/*
 * slow.h - test builds that are slower by a known share (make SLOW=N), to show that the performance checks notice.
 *
 * MAE_SLOW=N: commits spin for N% of the time that passes from begin to begin, retries and the caller's work included.
 * MAE_SLOW_INSTRUCTIONS=N: for N% of the instructions a commit of so many accesses takes, as counted for YCSB with gcc
 * 12; the same for the same input, so that counts of instructions repeat. Nothing of it in any other build.
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
