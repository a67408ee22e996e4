/*
 * mix.h - how often each type of transaction is drawn, in percent, given as a text such as 45/43/4/4/4.
 * Thread-safe. Checked by: tests/unit/workloads/mix.c.
 */
#ifndef WORKLOADS_MIX_H
#define WORKLOADS_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/rng.h"

/*
 * Reads `types` percents, separated by slashes and 100 in sum. False with `error`, which says that the mix must be what
 * `wanted` says, such as "five percents such as 45/43/4/4/4".
 */
bool mix_read(const char *text, unsigned types, uint8_t *percents, const char *wanted, char *error, size_t error_bytes);

/* The type of the next transaction. */
static inline unsigned mix_draw(const uint8_t *percents, struct rng *rng)
{
    uint32_t left = (uint32_t)((rng_next(rng) >> 32) * 100 >> 32);
    unsigned type = 0;
    while (left >= percents[type]) /* ends: the percents sum up to 100 */
        left -= percents[type++];
    return type;
}

#endif
