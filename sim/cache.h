/*
 * cache.h - a set-associative cache of numbered lines with true LRU: which lines are in it, and in which state.
 *
 *   C1  A line is in at most one way of one set.
 *   C2  Within a set the ways stand in the order of their last use.
 * Also serves as a TLB, whose lines are pages. Knows nothing of time or of other caches (memory.c).
 * Checked by: tests/unit/sim/cache.c.
 */
#ifndef SIM_CACHE_H
#define SIM_CACHE_H

#include <stdbool.h>
#include <stdint.h>

/* What a core may do with its line. OWNED: nobody else has it; DIRTY: and it was written. */
enum line_state { LINE_ABSENT, LINE_SHARED, LINE_OWNED, LINE_DIRTY };

struct cache {
    uint64_t sets;
    unsigned ways;
    uint64_t *lines; /* line * 4 + state; 0: none */
};

bool cache_init(struct cache *cache, uint64_t entries, unsigned ways); /* false: no memory */
void cache_fini(struct cache *cache);

/* The line's state. cache_use also makes it the last one used. */
enum line_state cache_look(const struct cache *cache, uint64_t line);
enum line_state cache_use(struct cache *cache, uint64_t line);

/* Changes the state of a line that is in the cache; LINE_ABSENT removes it. Does nothing if it is not there. */
void cache_set(struct cache *cache, uint64_t line, enum line_state state);

/* Puts in a line that is not there, as the last one used. The state of what had to go, and its line; LINE_ABSENT. */
enum line_state cache_add(struct cache *cache, uint64_t line, enum line_state state, uint64_t *gone);

#endif
