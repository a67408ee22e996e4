/*
 * lines.h - which line of the simulated memory lies behind an address: lines are numbered in the order in which cores
 * first touch them, on the socket that touches them first.
 *
 * Caches and homes go by these numbers, translations by those of pages, which are numbered in the same way. What lies
 * on one page is told by the addresses of tables and of what malloc gives, which never change (addresses.h); all else
 * lies on pages of 4 KiB that are put together to larger ones as they are touched. So what a run costs depends on the
 * order of what it does, and on no address that the kernel has chosen. Each access of a simulated core asks for a
 * number, so a region of the address space has its numbers in arrays, and only the few regions are in a hash table.
 * Checked by: tests/unit/sim/memory.c.
 */
#ifndef SIM_LINES_H
#define SIM_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/machine.h"

/* The numbers of a region's lines fill a large page. */
enum { LINES_REGION = 1 << 19 };

struct lines_region {
    uint64_t number;     /* address / LINE_BYTES / LINES_REGION, + 1; 0: the place is free */
    uint32_t *numbers;   /* of its lines, + 1; 0: no core has touched it */
    uint32_t *pages;     /* of its pages, as these; a page that is larger than the region counts once a region */
    unsigned page_shift; /* of a line's place in the region */
};

struct lines {
    uint64_t places, regions, used, homes_room;
    uint64_t page_bytes, pages_used, small_pages, pieced_page; /* the last one that is put together from small pages */
    struct lines_region *table;
    uint8_t *homes;       /* a line's socket */
    uint32_t *touched_us; /* when a last level was last asked for the line, or given it; modulo 2^32 */
};

bool lines_init(struct lines *lines, uint64_t page_bytes); /* a power of two */
void lines_fini(struct lines *lines);

/* Not for callers: where the region is in the table, or would be; a line that no core has touched. */
static inline struct lines_region *lines_seek(const struct lines *lines, uint64_t region)
{
    uint64_t i = region & (lines->places - 1);
    /* Ends: at most half of the places are taken. */
    while (lines->table[i].number != 0 && lines->table[i].number != region)
        i = (i + 1) & (lines->places - 1);
    return &lines->table[i];
}

uint64_t lines_touch(struct lines *lines, uint64_t address, unsigned socket);

/* The line of an address; `socket` touches it. */
static inline uint64_t lines_find(struct lines *lines, uint64_t address, unsigned socket)
{
    uint64_t number = address / LINE_BYTES;
    const struct lines_region *region = lines_seek(lines, number / LINES_REGION + 1);
    uint32_t known = region->number == 0 ? 0 : region->numbers[number % LINES_REGION];
    return known != 0 ? known - 1 : lines_touch(lines, address, socket);
}

uint64_t lines_page_touch(struct lines *lines, uint64_t address);

/* The page of an address, some line of which has been found. */
static inline uint64_t lines_page(struct lines *lines, uint64_t address)
{
    uint64_t number = address / LINE_BYTES;
    const struct lines_region *region = lines_seek(lines, number / LINES_REGION + 1);
    uint32_t known = region->pages[number % LINES_REGION >> region->page_shift];
    return known != 0 ? known - 1 : lines_page_touch(lines, address);
}

#endif
