/*
 * timestamp.h - a timestamp: 56 bits of clock above 8 bits of the worker's number. The clock orders transactions, the
 * number makes timestamps of different workers differ. Source: section 3.1.
 */
#ifndef ENGINE_TIME_TIMESTAMP_H
#define ENGINE_TIME_TIMESTAMP_H

#include <stdint.h>

enum { TIMESTAMP_WORKER_BITS = 8 };

static inline uint64_t timestamp_make(uint64_t clock, unsigned worker)
{
    return clock << TIMESTAMP_WORKER_BITS | worker;
}

static inline uint64_t timestamp_clock(uint64_t timestamp)
{
    return timestamp >> TIMESTAMP_WORKER_BITS;
}

#endif
