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
    cache->entries = calloc(entries, sizeof *cache->entries);
    return cache->entries != NULL;
}

void cache_fini(struct cache *cache)
{
    free(cache->entries);
    cache->entries = NULL;
}

static unsigned way_of(const struct cache *cache, const uint32_t *set, uint64_t line)
{
    unsigned way = 0;
    while (way < cache->ways && !cache_entry_is(set[way], line))
        way++;
    return way;
}

/* The way becomes the first, those before it move on by one. */
static void to_front(uint32_t *set, unsigned way, uint32_t entry)
{
    memmove(set + 1, set, way * sizeof *set);
    set[0] = entry;
}

enum line_state cache_look(const struct cache *cache, uint64_t line)
{
    const uint32_t *set = cache_set_of(cache, line);
    unsigned way = way_of(cache, set, line);
    return way == cache->ways ? LINE_ABSENT : (enum line_state)(set[way] & 3);
}

enum line_state cache_use_older(struct cache *cache, uint64_t line)
{
    uint32_t *set = cache_set_of(cache, line);
    unsigned way = way_of(cache, set, line);
    if (way == cache->ways)
        return LINE_ABSENT;
    to_front(set, way, set[way]);
    return (enum line_state)(set[0] & 3);
}

void cache_set(struct cache *cache, uint64_t line, enum line_state state)
{
    uint32_t *set = cache_set_of(cache, line);
    unsigned way = way_of(cache, set, line);
    if (way == cache->ways)
        return;
    if (state != LINE_ABSENT) {
        set[way] = (uint32_t)line << 2 | state;
        return;
    }
    memmove(set + way, set + way + 1, (cache->ways - way - 1) * sizeof *set);
    set[cache->ways - 1] = 0;
}

enum line_state cache_add(struct cache *cache, uint64_t line, enum line_state state, uint64_t *gone)
{
    uint32_t *set = cache_set_of(cache, line), last = set[cache->ways - 1];
    MAE_DCHECK(line < CACHE_LINES_MAX && cache_look(cache, line) == LINE_ABSENT && state != LINE_ABSENT); /* C1 */
    to_front(set, cache->ways - 1, (uint32_t)line << 2 | state);
    *gone = last >> 2;
    return (enum line_state)(last & 3);
}
