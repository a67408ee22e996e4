/*
 * timestamp.h - a timestamp: 56 bits of clock above 8 bits of the worker's number. The clock orders transactions, the
 * number makes timestamps of different workers differ. Source: section 3.1.
 */
#ifndef ENGINE_TIME_TIMESTAMP_H
#define ENGINE_TIME_TIMESTAMP_H

#include <stdint.h>

#include "engine/base/check.h"

enum { TIMESTAMP_WORKER_BITS = 8 };

static inline uint64_t timestamp_make(uint64_t clock, unsigned worker)
{
    MAE_DCHECK(worker < 1u << TIMESTAMP_WORKER_BITS);                /* T1: the low bits tell workers apart */
    MAE_DCHECK(clock < UINT64_C(1) << (64 - TIMESTAMP_WORKER_BITS)); /* T1, T2: the clock does not wrap */
    return clock << TIMESTAMP_WORKER_BITS | worker;
}

static inline uint64_t timestamp_clock(uint64_t timestamp)
{
    return timestamp >> TIMESTAMP_WORKER_BITS;
}

#endif
