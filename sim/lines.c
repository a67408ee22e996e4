/* lines.c - see lines.h. */
#include "sim/lines.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "sim/machine.h"

enum { PLACES_FIRST = 1 << 16 };

bool lines_init(struct lines *lines)
{
    lines->places = PLACES_FIRST;
    lines->used = 0;
    lines->table = calloc(lines->places, sizeof *lines->table);
    lines->homes = calloc(lines->places, sizeof *lines->homes);
    return lines->table != NULL && lines->homes != NULL;
}

void lines_fini(struct lines *lines)
{
    free(lines->table);
    free(lines->homes);
}

static struct line_place *seek(const struct lines *lines, uint64_t number)
{
    uint64_t i = (number * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (lines->places - 1);
    /* Ends: at most half of the places are taken. */
    while (lines->table[i].number != 0 && lines->table[i].number != number)
        i = (i + 1) & (lines->places - 1);
    return &lines->table[i];
}

static void grow(struct lines *lines)
{
    struct line_place *old = lines->table;
    uint64_t places = lines->places;
    lines->places *= 2;
    lines->table = calloc(lines->places, sizeof *lines->table);
    lines->homes = realloc(lines->homes, lines->places * sizeof *lines->homes);
    MAE_CHECK(lines->table != NULL && lines->homes != NULL);
    for (uint64_t i = 0; i < places; i++)
        if (old[i].number != 0)
            *seek(lines, old[i].number) = old[i];
    free(old);
}

uint64_t lines_find(struct lines *lines, struct lines_recent *recent, uint64_t address, unsigned socket)
{
    uint64_t number = address / LINE_BYTES + 1;
    struct line_place *known = &recent->places[number % LINES_RECENT];
    if (known->number == number)
        return known->line;
    struct line_place *place = seek(lines, number);
    if (place->number == 0) {
        if (lines->used >= lines->places / 2) {
            grow(lines);
            place = seek(lines, number);
        }
        *place = (struct line_place){number, lines->used++};
        lines->homes[place->line] = (uint8_t)socket;
    }
    *known = *place;
    return place->line;
}
