/* ring.c - see ring.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "workloads/ycsb/ring.h"

#include <sys/mman.h>

enum { HUGE_PAGE_BYTES = 2 * 1024 * 1024, DRAWS_PER_TXN_MAX = 1000000, PROBE_DRAWS_MAX = 100000 };

struct draft {
    unsigned count;
    bool read_only;
    uint64_t keys[RING_OPS_MAX];
    uint8_t kinds[RING_OPS_MAX];
};

static enum ring_kind draw_kind(const struct ring_config *config, struct rng *rng)
{
    double u = rng_unit(rng), below = config->read_ratio;
    if (u < below)
        return config->read_field ? RING_READ_FIELD : RING_READ;
    if (u < (below += config->insert_ratio))
        return RING_INSERT;
    if (u < (below += config->scan_ratio))
        return RING_SCAN;
    if (u < below + config->modify_ratio)
        return RING_MODIFY;
    return config->update_fields ? RING_UPDATE_FIELDS : RING_UPDATE;
}

static uint64_t draw_key(const struct ring_config *config, struct rng *rng)
{
    uint64_t key = distribution_draw(config->keys, rng);
    if (!config->age_workers)
        return key;
    uint64_t age = config->keys->n - 1 - key;
    return age / config->age_workers << config->age_shift | age % config->age_workers;
}

/* One transaction. Returns the draws used, 0 if it took more than `draws_max`. */
static uint64_t draw_txn(const struct ring_config *config, struct rng *rng, struct draft *draft, uint64_t draws_max)
{
    uint64_t draws = 0;
    draft->count = 0;
    draft->read_only = true;
    for (unsigned i = 0; i < config->ops_per_txn; i++) {
        enum ring_kind kind = draw_kind(config, rng);
        uint64_t key = 0; /* an insert gets its key when it runs */
        bool equal = false;
        do {
            if (draws++ == draws_max)
                return 0;
            if (kind == RING_INSERT)
                break;
            key = draw_key(config, rng);
            equal = false;
            for (unsigned j = 0; j < draft->count; j++)
                equal |= draft->keys[j] == key && draft->kinds[j] != RING_INSERT;
        } while (equal && config->redraw);
        if (equal)
            continue;
        draft->keys[draft->count] = key;
        draft->kinds[draft->count++] = (uint8_t)kind;
        draft->read_only &= kind != RING_INSERT && !ring_kind_updates(kind);
    }
    return draws;
}

bool ring_probe(const struct ring_config *config)
{
    struct draft draft;
    struct rng rng;
    rng_init(&rng, config->seed, config->stream);
    return draw_txn(config, &rng, &draft, PROBE_DRAWS_MAX) > 0;
}

static void put_word(struct ring *ring, bool wide, uint64_t word)
{
    if (wide)
        ((uint64_t *)ring->words)[ring->word_count++] = word;
    else
        ((uint32_t *)ring->words)[ring->word_count++] = (uint32_t)word;
}

enum target_status ring_create(const struct ring_config *config, struct ring *ring)
{
    uint64_t txns_max = config->requests / config->ops_per_txn + 1;
    size_t words_max = (size_t)(txns_max * (config->ops_per_txn + 1) + 1);
    size_t bytes = words_max * (config->wide ? sizeof(uint64_t) : sizeof(uint32_t));
    bytes = (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    *ring = (struct ring){0};
    /* One huge page more, of which what lies outside the aligned part goes back. */
    char *raw = mmap(NULL, bytes + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED)
        return TARGET_NO_MEMORY;
    size_t before = (size_t) - (intptr_t)raw & (HUGE_PAGE_BYTES - 1);
    if (before)
        munmap(raw, before);
    munmap(raw + before + bytes, HUGE_PAGE_BYTES - before);
    ring->words = raw + before;
    ring->mapped_bytes = bytes;
    (void)madvise(ring->words, bytes, MADV_HUGEPAGE); /* kernels without THP refuse: small pages then */

    struct draft draft;
    struct rng rng;
    rng_init(&rng, config->seed, config->stream);
    unsigned bits = config->wide ? RING_WIDE_BITS : RING_NARROW_BITS;
    uint64_t draws_left = RING_KEY_DRAWS_PER_REQUEST * (config->requests + config->ops_per_txn);
    /* At least a few transactions, however often they had to draw. */
    for (uint64_t txn = 0, draws = 1; txn < txns_max && (draws_left > draws || txn < txns_max / 64 + 1); txn++) {
        draws_left = draws_left > draws ? draws_left - draws : 0;
        draws = draw_txn(config, &rng, &draft, DRAWS_PER_TXN_MAX);
        if (!draws) {
            ring_destroy(ring);
            return TARGET_INVALID;
        }
        put_word(ring, config->wide, draft.count | (draft.read_only ? RING_READ_ONLY : 0u));
        for (unsigned i = 0; i < draft.count; i++)
            put_word(ring, config->wide, draft.keys[i] | (uint64_t)draft.kinds[i] << bits);
        ring->txns++;
        ring->requests += draft.count;
    }
    put_word(ring, config->wide, 0);
    return TARGET_OK;
}

void ring_destroy(struct ring *ring)
{
    if (ring->words)
        munmap(ring->words, ring->mapped_bytes);
    *ring = (struct ring){0};
}
