/* lines.c - see lines.h. */
#include "sim/lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/check.h"
#include "sim/addresses.h"
#include "sim/cache.h"

enum { PLACES_FIRST = 1 << 8, HOMES_FIRST = 1 << 16, SMALL_PAGE_BYTES = 4096 };

bool lines_init(struct lines *lines, uint64_t page_bytes)
{
    *lines = (struct lines){.places = PLACES_FIRST, .homes_room = HOMES_FIRST, .page_bytes = page_bytes};
    lines->table = calloc(lines->places, sizeof *lines->table);
    lines->homes = calloc(lines->homes_room, sizeof *lines->homes);
    lines->touched_us = calloc(lines->homes_room, sizeof *lines->touched_us);
    return lines->table != NULL && lines->homes != NULL && lines->touched_us != NULL;
}

void lines_fini(struct lines *lines)
{
    for (uint64_t i = 0; lines->table != NULL && i < lines->places; i++) {
        free(lines->table[i].numbers);
        free(lines->table[i].pages);
    }
    free(lines->table);
    free(lines->homes);
    free(lines->touched_us);
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

static uint64_t page_bytes_at(const struct lines *lines, uint64_t address)
{
    return addresses_never_change(address) ? lines->page_bytes : SMALL_PAGE_BYTES;
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
    uint64_t page_lines = page_bytes_at(lines, (number - 1) * LINES_REGION * LINE_BYTES) / LINE_BYTES;
    unsigned shift = (unsigned)__builtin_ctzll(page_lines < LINES_REGION ? page_lines : LINES_REGION);
    *region = (struct lines_region){number, aligned_alloc(bytes, bytes),
                                    calloc(LINES_REGION >> shift, sizeof *region->pages), shift};
    MAE_CHECK(region->numbers != NULL && region->pages != NULL);
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
        lines->touched_us = realloc(lines->touched_us, lines->homes_room * sizeof *lines->touched_us);
        MAE_CHECK(lines->homes != NULL && lines->touched_us != NULL);
    }
    lines->homes[line] = (uint8_t)socket;
    region_of(lines, number / LINES_REGION + 1)->numbers[number % LINES_REGION] = (uint32_t)line + 1;
    return line;
}

uint64_t lines_page_touch(struct lines *lines, uint64_t address)
{
    uint64_t number = address / LINE_BYTES, page = lines->pieced_page;
    struct lines_region *region = region_of(lines, number / LINES_REGION + 1);
    if (addresses_never_change(address))
        page = lines->pages_used++;
    else if (lines->small_pages++ % (lines->page_bytes / SMALL_PAGE_BYTES) == 0)
        page = lines->pieced_page = lines->pages_used++;
    MAE_CHECK(page < CACHE_LINES_MAX);
    region->pages[number % LINES_REGION >> region->page_shift] = (uint32_t)page + 1;
    return page;
}
