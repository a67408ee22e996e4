/*
 * timestamp.h - a timestamp is 64 bits: 56 bits of clock, 8 bits of worker id. Order and identity in one.
 * Source: section 3.1.
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
