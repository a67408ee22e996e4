/* lines.c - see lines.h. */
#include "sim/lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/check.h"
#include "sim/cache.h"

enum { PLACES_FIRST = 1 << 8, HOMES_FIRST = 1 << 16 };

bool lines_init(struct lines *lines)
{
    *lines = (struct lines){.places = PLACES_FIRST, .homes_room = HOMES_FIRST};
    lines->table = calloc(lines->places, sizeof *lines->table);
    lines->homes = calloc(lines->homes_room, sizeof *lines->homes);
    return lines->table != NULL && lines->homes != NULL;
}

void lines_fini(struct lines *lines)
{
    for (uint64_t i = 0; lines->table != NULL && i < lines->places; i++)
        free(lines->table[i].numbers);
    free(lines->table);
    free(lines->homes);
    *lines = (struct lines){0};
}

static void grow(struct lines *lines)
{
    struct lines_region *old = lines->table;
    uint64_t places = lines->places;
    lines->places *= 2;
    lines->table = calloc(lines->places, sizeof *lines->table);
    MAE_CHECK(lines->table != NULL);
    for (uint64_t i = 0; i < places; i++)
        if (old[i].number != 0)
            *lines_seek(lines, old[i].number) = old[i];
    free(old);
}

static struct lines_region *region_of(struct lines *lines, uint64_t number)
{
    struct lines_region *region = lines_seek(lines, number);
    if (region->number != 0)
        return region;
    if (++lines->regions > lines->places / 2) {
        grow(lines);
        region = lines_seek(lines, number);
    }
    size_t bytes = LINES_REGION * sizeof *region->numbers;
    *region = (struct lines_region){number, aligned_alloc(bytes, bytes)};
    MAE_CHECK(region->numbers != NULL);
    (void)madvise(region->numbers, bytes, MADV_HUGEPAGE); /* where this is refused, pages are small */
    memset(region->numbers, 0, bytes);
    return region;
}

uint64_t lines_touch(struct lines *lines, uint64_t address, unsigned socket)
{
    uint64_t number = address / LINE_BYTES, line = lines->used++;
    MAE_CHECK(line < CACHE_LINES_MAX);
    if (line == lines->homes_room) {
        lines->homes_room *= 2;
        lines->homes = realloc(lines->homes, lines->homes_room * sizeof *lines->homes);
        MAE_CHECK(lines->homes != NULL);
    }
    lines->homes[line] = (uint8_t)socket;
    region_of(lines, number / LINES_REGION + 1)->numbers[number % LINES_REGION] = (uint32_t)line + 1;
    return line;
}
