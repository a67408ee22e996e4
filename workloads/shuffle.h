/*
 * shuffle.h - a pseudo-random permutation of 0..n-1, computed element by element, so that loaders need no shared array.
 *
 * It is a Feistel network over the next even power of two, applied until the value is below n (on average at most 4
 * times).
 * Read-only once initialised; any thread. Checked by: tests/unit/workloads/shuffle.c (a bijection, and not in order).
 */
#ifndef WORKLOADS_SHUFFLE_H
#define WORKLOADS_SHUFFLE_H

#include <stdint.h>

enum { SHUFFLE_ROUNDS = 4 };

struct shuffle {
    uint64_t n, half_mask;
    unsigned half_bits;
    uint64_t keys[SHUFFLE_ROUNDS];
};

void shuffle_init(struct shuffle *shuffle, uint64_t n, uint64_t seed); /* n >= 1 */
uint64_t shuffle_at(const struct shuffle *shuffle, uint64_t i);        /* i < n */

#endif
