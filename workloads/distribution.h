/*
 * distribution.h - the distributions from which a workload draws keys.
 *
 * Keys are 0..n-1. A distribution is read-only once initialised: threads share it, and each draws with its own rng.
 * Checked by: tests/unit/workloads/distribution.c (chi-square against exact probabilities, YCSB's own hash values).
 */
#ifndef WORKLOADS_DISTRIBUTION_H
#define WORKLOADS_DISTRIBUTION_H

#include "workloads/target.h"
#include "workloads/zipf.h"

/* symbol, name, help. The first is apart because a list of n names has n - 1 bars. */
#define DISTRIBUTION_FIRST(X) X(UNIFORM, "uniform", "every key equally often")
#define DISTRIBUTION_OTHERS(X)                                                                                      \
    X(ZIPFIAN, "zipfian", "exact zipf over the records, rank = key (0 the hottest), any theta >= 0")                \
    X(ZIPFIAN_GRAY, "zipfian-gray", "the formula the paper used (Gray et al. 1994), rank = key, theta < 1")         \
    X(YCSB_SCRAMBLED, "ycsb-scrambled",                                                                             \
      "as YCSB computes it: zipfian-gray over 10^10 items, FNV-hashed modulo the records; not zipf over them")      \
    X(LATEST, "latest", "zipf over the age, the newest key (the last, or the last inserted) the hottest")           \
    X(HOTSPOT, "hotspot", "share hot_ratio of requests go to the first hot_fraction of keys, uniform in each part") \
    X(EXPONENTIAL, "exponential",                                                                                   \
      "as YCSB's: exponential over the age, share exp_ratio within exp_fraction of the keys")

#define DISTRIBUTION_ENUM(symbol, name, help) DISTRIBUTION_##symbol,
#define DISTRIBUTION_NAME(symbol, name, help) name
#define DISTRIBUTION_BAR_NAME(symbol, name, help) "|" name
#define DISTRIBUTION_NAMES DISTRIBUTION_FIRST(DISTRIBUTION_NAME) DISTRIBUTION_OTHERS(DISTRIBUTION_BAR_NAME)

enum distribution_kind {
    DISTRIBUTION_FIRST(DISTRIBUTION_ENUM) DISTRIBUTION_OTHERS(DISTRIBUTION_ENUM) DISTRIBUTION_COUNT
};

struct distribution_info {
    const char *name, *help;
};

/* The i-th, in the order of the enum; NULL past the end. Static storage. */
const struct distribution_info *distribution_at(size_t i);

struct distribution_config {
    enum distribution_kind kind;
    double theta;                   /* the zipf-like ones */
    double hot_fraction, hot_ratio; /* hotspot */
    double exp_fraction, exp_ratio; /* exponential */
};

struct distribution {
    enum distribution_kind kind;
    uint64_t n, hot;
    double hot_ratio;
    double exp_age, exp_mass; /* mean age, and how likely an age is below n, if ages had no bound */
    struct zipf zipf;
    struct gray gray;
};

/* TARGET_OK, or TARGET_INVALID; then `error` says what is wrong and what would be right. */
enum target_status distribution_init(struct distribution *distribution, const struct distribution_config *config,
                                     uint64_t n, char *error, size_t error_bytes);

/* Draws a key in [0, n). Takes some 5 ns (uniform) to 100 ns (zipfian, latest). */
uint64_t distribution_draw(const struct distribution *distribution, struct rng *rng);

/* YCSB's 64-bit FNV-1a over the 8 bytes of x, low byte first, made positive as Java's Math.abs does. */
uint64_t ycsb_hash(uint64_t x);

#endif
