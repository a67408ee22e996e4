/*
 * cache.h - a set-associative cache of numbered lines with true LRU: which lines are in it, and in which state.
 *
 *   C1  A line is in at most one way of one set.
 *   C2  Within a set the ways stand in the order of their last use.
 * Also serves as a TLB, whose lines are pages. Knows nothing of time or of other caches (memory.c). Every access of a
 * simulated core looks into caches, so what finds a line that was the last one used is in this header.
 * Checked by: tests/unit/sim/cache.c.
 */
#ifndef SIM_CACHE_H
#define SIM_CACHE_H

#include <stdbool.h>
#include <stdint.h>

/* What a core may do with its line. OWNED: nobody else has it; DIRTY: and it was written. */
enum line_state { LINE_ABSENT, LINE_SHARED, LINE_OWNED, LINE_DIRTY };

/* Lines are numbered from 0 to less than this: an entry has four bytes. */
#define CACHE_LINES_MAX (UINT64_C(1) << 30)

struct cache {
    uint64_t sets;
    unsigned ways;
    uint32_t *entries; /* line * 4 + state; 0: none */
};

bool cache_init(struct cache *cache, uint64_t entries, unsigned ways); /* false: no memory */
void cache_fini(struct cache *cache);

/* Not for callers: a line's set; whether an entry is that of the line; cache_use of a line that was not the last. */
static inline uint32_t *cache_set_of(const struct cache *cache, uint64_t line)
{
    /* Most caches have a power of two of sets; a last level that is put together from slices may not. */
    uint64_t set = (cache->sets & (cache->sets - 1)) == 0 ? line & (cache->sets - 1) : line % cache->sets;
    return &cache->entries[set * cache->ways];
}

static inline bool cache_entry_is(uint32_t entry, uint64_t line)
{
    return entry - ((uint32_t)line << 2 | LINE_SHARED) <= LINE_DIRTY - LINE_SHARED;
}

enum line_state cache_use_older(struct cache *cache, uint64_t line);

/* The line's state. cache_use also makes it the last one used. */
enum line_state cache_look(const struct cache *cache, uint64_t line);
static inline enum line_state cache_use(struct cache *cache, uint64_t line)
{
    uint32_t last = *cache_set_of(cache, line);
    return cache_entry_is(last, line) ? (enum line_state)(last & 3) : cache_use_older(cache, line);
}

/* Changes the state of a line that is in the cache; LINE_ABSENT removes it. Does nothing if it is not there. */
void cache_set(struct cache *cache, uint64_t line, enum line_state state);

/* Puts in a line that is not there, as the last one used. The state of what had to go, and its line; LINE_ABSENT. */
enum line_state cache_add(struct cache *cache, uint64_t line, enum line_state state, uint64_t *gone);

#endif
