/*
 * rng.h - random numbers for workloads: xoshiro256** seeded through splitmix64.
 *
 * A generator belongs to one thread. A seed and a stream give equal numbers on every machine. Streams of one seed
 * differ in their whole state, so that workers do not share a sequence. Bodies are here because a draw is some ten
 * instructions in loops of millions. Checked by: tests/unit/workloads/rng.c (published test vectors). Source: Vigna and
 * Blackman, prng.di.unimi.it (splitmix64.c, xoshiro256starstar.c).
 */
#ifndef WORKLOADS_RNG_H
#define WORKLOADS_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* Mixes 64 bits well; a bijection. */
static inline uint64_t rng_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline uint64_t splitmix64(uint64_t *state)
{
    return rng_mix(*state += 0x9e3779b97f4a7c15u);
}

static inline void rng_init(struct rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t state = splitmix64(&seed) ^ rng_mix(stream * 0xd1342543de82ef95u);
    for (int i = 0; i < 4; i++)
        rng->s[i] = splitmix64(&state); /* never all zero: splitmix64 is a bijection of four different states */
}

static inline uint64_t rng_rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->s, result = rng_rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotate(s[3], 45);
    return result;
}

/* Uniform in [0, n), n > 0, without bias (Lemire 2019; the division is as rare as the bias). */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
    __uint128_t product = (__uint128_t)rng_next(rng) * n;
    if ((uint64_t)product < n) {
        uint64_t threshold = -n % n;
        while ((uint64_t)product < threshold)
            product = (__uint128_t)rng_next(rng) * n;
    }
    return (uint64_t)(product >> 64);
}

/* Uniform in [0, 1), a multiple of 2^-53. */
static inline double rng_unit(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1.0p-53;
}

#endif
