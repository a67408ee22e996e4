/* shuffle.c - see shuffle.h. */
#include "workloads/shuffle.h"

#include "workloads/rng.h"

void shuffle_init(struct shuffle *shuffle, uint64_t n, uint64_t seed)
{
    shuffle->n = n;
    shuffle->half_bits = 1;
    while (shuffle->half_bits < 32 && (n - 1) >> (2 * shuffle->half_bits))
        shuffle->half_bits++;
    shuffle->half_mask = ((uint64_t)1 << shuffle->half_bits) - 1;
    for (int round = 0; round < SHUFFLE_ROUNDS; round++)
        shuffle->keys[round] = splitmix64(&seed);
}

uint64_t shuffle_at(const struct shuffle *shuffle, uint64_t i)
{
    /* Ends: the walk stays on i's cycle of a permutation, and i itself is below n. */
    do {
        uint64_t left = i >> shuffle->half_bits, right = i & shuffle->half_mask;
        for (int round = 0; round < SHUFFLE_ROUNDS; round++) {
            uint64_t mixed = left ^ (rng_mix(right + shuffle->keys[round]) & shuffle->half_mask);
            left = right;
            right = mixed;
        }
        i = left << shuffle->half_bits | right;
    } while (i >= shuffle->n);
    return i;
}
