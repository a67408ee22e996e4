/*
 * zipf.h - two generators of zipf-like ranks, 0 the most frequent.
 *
 * `zipf` draws rank k - 1 with probability exactly k^-theta / zeta(n, theta), any theta >= 0, in constant time and
 * memory: rejection-inversion, about 1.1 candidates per draw (Hoermann and Derflinger, "Rejection-inversion to
 * generate variates from monotone discrete distributions", ACM TOMACS 6(3), 1996).
 * `gray` is the quick formula of Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994,
 * which YCSB and the paper's experiments use: exact for the first two ranks, approximate beyond, theta in [0, 1).
 * Both are read-only once initialised: threads may share them, each with its own rng.
 * Checked by: tests/unit/workloads/zipf.c.
 */
#ifndef WORKLOADS_ZIPF_H
#define WORKLOADS_ZIPF_H

#include "workloads/rng.h"

/* The sum of k^-theta for k in 1..n, to about 13 digits; constant time. theta >= 0, n >= 1. */
double zeta(uint64_t n, double theta);

struct zipf {
    double n, theta;
    double area_first, area_last; /* the hat's integral at both ends */
    double accept;                /* candidates at most this far below their rounding are accepted at once */
};

void zipf_init(struct zipf *zipf, uint64_t n, double theta);
uint64_t zipf_draw(const struct zipf *zipf, struct rng *rng);

struct gray {
    double n, alpha, eta, zeta_n, second;
};

/* `zeta_n` is the sum to use; pass zeta(n, theta) unless a published constant is wanted. */
void gray_init(struct gray *gray, uint64_t n, double theta, double zeta_n);
uint64_t gray_draw(const struct gray *gray, struct rng *rng);

#endif
