/*
 * random.h - TPC-C's random values: NURand, last names, strings, permutations.
 *
 * One rng a worker or load unit, never shared. A bounded draw's bias is below 2^-32 a value.
 * Source: TPC-C 2.1.4 to 2.1.6, 4.3.2.
 */
#ifndef WORKLOADS_TPCC_RANDOM_H
#define WORKLOADS_TPCC_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "workloads/rng.h"

/* C of NURand for each of its three uses; constant over a load or a run. */
struct tpcc_nurand {
    uint32_t c_last; /* A = 255 */
    uint32_t c_id;   /* A = 1023 */
    uint32_t i_id;   /* A = 8191 */
};

/* Uniform in [lo, hi]; TPC-C 2.1.4. */
static inline uint32_t tpcc_uniform(struct rng *rng, uint32_t lo, uint32_t hi)
{
    return lo + (uint32_t)((rng_next(rng) >> 32) * ((uint64_t)hi - lo + 1) >> 32);
}

/* TPC-C 2.1.6: NURand(A, x, y) = (((random(0, A) | random(x, y)) + C) % (y - x + 1)) + x */
static inline uint32_t tpcc_nurand(struct rng *rng, uint32_t a, uint32_t c, uint32_t x, uint32_t y)
{
    return ((tpcc_uniform(rng, 0, a) | tpcc_uniform(rng, x, y)) + c) % (y - x + 1) + x;
}

/*
 * Draws the constants of the load and of the run. differ: C_LAST's satisfy TPC-C 2.1.6.1, their distance is in 65..119
 * and neither 96 nor 112. Else both are the same.
 */
void tpcc_nurand_draw(struct rng *rng, int differ, struct tpcc_nurand *load, struct tpcc_nurand *run);

/* Writes the last name of `number` (0..999), padded with zeros to 16 bytes; TPC-C 4.3.2.3. */
void tpcc_last_name(uint32_t number, char name[16]);

/* An a-string of `min` to `max` characters (letters and digits), padded with zeros to `max`; TPC-C 4.3.2.2. */
void tpcc_text(struct rng *rng, char *text, size_t min, size_t max);

/* As tpcc_text with digits only and of fixed length: an n-string. */
void tpcc_digits(struct rng *rng, char *text, size_t length);

/* Two capital letters, as in W_STATE. */
void tpcc_state(struct rng *rng, char state[2]);

/* I_DATA and S_DATA: 26 to 50 characters, in 10% of the rows with "ORIGINAL" somewhere; TPC-C 4.3.3.1. */
void tpcc_original_data(struct rng *rng, char data[50]);
int tpcc_is_original(const char data[50]);

/* Fills `values` with a random permutation of 1..count. */
void tpcc_permutation(struct rng *rng, uint32_t *values, uint32_t count);

#endif
