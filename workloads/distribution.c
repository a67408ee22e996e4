/* distribution.c - see distribution.h. */
#include "workloads/distribution.h"

#include <math.h>
#include <stdio.h>

static const struct distribution_info infos[] = {
#define DISTRIBUTION_INFO(symbol, name, help) {name, help},
    DISTRIBUTION_FIRST(DISTRIBUTION_INFO) DISTRIBUTION_OTHERS(DISTRIBUTION_INFO)
#undef DISTRIBUTION_INFO
};

const struct distribution_info *distribution_at(size_t i)
{
    return i < DISTRIBUTION_COUNT ? &infos[i] : NULL;
}

/* YCSB's ScrambledZipfianGenerator draws from this many items, with this zeta for its theta of 0.99 (the sum as YCSB
 * rounded it, kept to its last digit). */
#define YCSB_ITEMS 10000000000u
#define YCSB_THETA 0.99
#define YCSB_ZETA 26.46902820178302

static bool theta_is_for_gray(const struct distribution_config *config)
{
    return config->theta < 1;
}

enum target_status distribution_init(struct distribution *distribution, const struct distribution_config *config,
                                     uint64_t n, char *error, size_t error_bytes)
{
    *distribution = (struct distribution){.kind = config->kind, .n = n, .hot_ratio = config->hot_ratio};
    if (n == 0) {
        snprintf(error, error_bytes, "a distribution needs at least 1 key");
        return TARGET_INVALID;
    }
    if (!(config->theta >= 0)) {
        snprintf(error, error_bytes, "theta %g: must be 0 or more", config->theta);
        return TARGET_INVALID;
    }
    switch (config->kind) {
    case DISTRIBUTION_UNIFORM:
        return TARGET_OK;
    case DISTRIBUTION_ZIPFIAN:
    case DISTRIBUTION_LATEST:
        zipf_init(&distribution->zipf, n, config->theta);
        return TARGET_OK;
    case DISTRIBUTION_ZIPFIAN_GRAY:
        if (!theta_is_for_gray(config))
            break;
        gray_init(&distribution->gray, n, config->theta, zeta(n, config->theta));
        return TARGET_OK;
    case DISTRIBUTION_YCSB_SCRAMBLED:
        if (!theta_is_for_gray(config))
            break;
        /* YCSB passes its item count as the inclusive maximum, hence one more. */
        gray_init(&distribution->gray, YCSB_ITEMS + 1, config->theta,
                  config->theta == YCSB_THETA ? YCSB_ZETA : zeta(YCSB_ITEMS + 1, config->theta));
        return TARGET_OK;
    case DISTRIBUTION_HOTSPOT:
        if (!(config->hot_fraction > 0 && config->hot_fraction <= 1 && config->hot_ratio >= 0 &&
              config->hot_ratio <= 1)) {
            snprintf(error, error_bytes, "hotspot: hot_fraction %g must be in (0, 1], hot_ratio %g in [0, 1]",
                     config->hot_fraction, config->hot_ratio);
            return TARGET_INVALID;
        }
        distribution->hot = (uint64_t)((double)n * config->hot_fraction);
        if (distribution->hot == 0)
            distribution->hot = 1;
        if (distribution->hot >= n) { /* no cold part: everything is hot */
            distribution->hot = n;
            distribution->hot_ratio = 1;
        }
        return TARGET_OK;
    case DISTRIBUTION_EXPONENTIAL:
        if (!(config->exp_fraction > 0 && config->exp_fraction <= 1 && config->exp_ratio > 0 &&
              config->exp_ratio < 1)) {
            snprintf(error, error_bytes, "exponential: exp_fraction %g must be in (0, 1], exp_ratio %g in (0, 1)",
                     config->exp_fraction, config->exp_ratio);
            return TARGET_INVALID;
        }
        distribution->exp_age = -(double)n * config->exp_fraction / log1p(-config->exp_ratio);
        distribution->exp_mass = -expm1(-(double)n / distribution->exp_age);
        return TARGET_OK;
    case DISTRIBUTION_COUNT:
        break;
    }
    if (config->kind < DISTRIBUTION_COUNT)
        snprintf(error, error_bytes,
                 "theta %g with distribution %s: its formula needs theta below 1; zipfian takes any", config->theta,
                 infos[config->kind].name);
    else
        snprintf(error, error_bytes, "no distribution of number %d", (int)config->kind);
    return TARGET_INVALID;
}

uint64_t ycsb_hash(uint64_t x)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < 8; i++, x >>= 8)
        hash = (hash ^ (x & 0xff)) * 1099511628211u;
    return hash >> 63 ? -hash : hash;
}

/* YCSB draws ages until one is below n; this draws the same ages in one step. */
static uint64_t exponential_draw(const struct distribution *distribution, struct rng *rng)
{
    double age = -log1p(-rng_unit(rng) * distribution->exp_mass) * distribution->exp_age;
    uint64_t whole = (uint64_t)age;
    return distribution->n - 1 - (whole < distribution->n ? whole : distribution->n - 1); /* rounding */
}

uint64_t distribution_draw(const struct distribution *distribution, struct rng *rng)
{
    switch (distribution->kind) {
    case DISTRIBUTION_ZIPFIAN:
        return zipf_draw(&distribution->zipf, rng);
    case DISTRIBUTION_LATEST:
        return distribution->n - 1 - zipf_draw(&distribution->zipf, rng);
    case DISTRIBUTION_ZIPFIAN_GRAY:
        return gray_draw(&distribution->gray, rng);
    case DISTRIBUTION_YCSB_SCRAMBLED:
        return ycsb_hash(gray_draw(&distribution->gray, rng)) % distribution->n;
    case DISTRIBUTION_HOTSPOT:
        return rng_unit(rng) < distribution->hot_ratio
                   ? rng_below(rng, distribution->hot)
                   : distribution->hot + rng_below(rng, distribution->n - distribution->hot);
    case DISTRIBUTION_EXPONENTIAL:
        return exponential_draw(distribution, rng);
    case DISTRIBUTION_UNIFORM:
    case DISTRIBUTION_COUNT:
        break;
    }
    return rng_below(rng, distribution->n);
}
