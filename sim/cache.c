/* cache.c - see cache.h. */
#include "sim/cache.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

bool cache_init(struct cache *cache, uint64_t entries, unsigned ways)
{
    MAE_CHECK(ways > 0 && entries % ways == 0);
    cache->sets = entries / ways;
    cache->ways = ways;
    cache->lines = calloc(entries, sizeof *cache->lines);
    return cache->lines != NULL;
}

void cache_fini(struct cache *cache)
{
    free(cache->lines);
    cache->lines = NULL;
}

static uint64_t *set_of(const struct cache *cache, uint64_t line)
{
    /* Most caches have a power of two of sets; a last level that is put together from slices may not. */
    uint64_t set = (cache->sets & (cache->sets - 1)) == 0 ? line & (cache->sets - 1) : line % cache->sets;
    return &cache->lines[set * cache->ways];
}

static unsigned way_of(const struct cache *cache, const uint64_t *set, uint64_t line)
{
    unsigned way = 0;
    while (way < cache->ways && (set[way] >> 2 != line || set[way] == 0))
        way++;
    return way;
}

/* The way becomes the first, those before it move on by one. */
static void to_front(uint64_t *set, unsigned way, uint64_t entry)
{
    memmove(set + 1, set, way * sizeof *set);
    set[0] = entry;
}

enum line_state cache_look(const struct cache *cache, uint64_t line)
{
    const uint64_t *set = set_of(cache, line);
    unsigned way = way_of(cache, set, line);
    return way == cache->ways ? LINE_ABSENT : (enum line_state)(set[way] & 3);
}

enum line_state cache_use(struct cache *cache, uint64_t line)
{
    uint64_t *set = set_of(cache, line);
    unsigned way = way_of(cache, set, line);
    if (way == cache->ways)
        return LINE_ABSENT;
    if (way > 0)
        to_front(set, way, set[way]);
    return (enum line_state)(set[0] & 3);
}

void cache_set(struct cache *cache, uint64_t line, enum line_state state)
{
    uint64_t *set = set_of(cache, line);
    unsigned way = way_of(cache, set, line);
    if (way == cache->ways)
        return;
    if (state != LINE_ABSENT) {
        set[way] = line << 2 | state;
        return;
    }
    memmove(set + way, set + way + 1, (cache->ways - way - 1) * sizeof *set);
    set[cache->ways - 1] = 0;
}

enum line_state cache_add(struct cache *cache, uint64_t line, enum line_state state, uint64_t *gone)
{
    uint64_t *set = set_of(cache, line), last = set[cache->ways - 1];
    MAE_DCHECK(cache_look(cache, line) == LINE_ABSENT && state != LINE_ABSENT); /* C1 */
    to_front(set, cache->ways - 1, line << 2 | state);
    *gone = last >> 2;
    return (enum line_state)(last & 3);
}
