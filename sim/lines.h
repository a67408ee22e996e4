/*
 * lines.h - which line of the simulated memory lies behind an address: lines are numbered in the order in which cores
 * first touch them, on the socket that touches them first.
 *
 * Caches, translations and homes go by these numbers. So what a run costs depends on the order of what it does, and on
 * no address that the kernel or malloc has chosen.
 * Checked by: tests/unit/sim/memory.c.
 */
#ifndef SIM_LINES_H
#define SIM_LINES_H

#include <stdbool.h>
#include <stdint.h>

struct line_place {
    uint64_t number; /* address / LINE_BYTES, + 1; 0: the place is free */
    uint64_t line;
};

enum { LINES_RECENT = 1024 };

/* What a core has found lately, so that it need not be looked up again. */
struct lines_recent {
    struct line_place places[LINES_RECENT];
};

struct lines {
    uint64_t places, used;
    struct line_place *table;
    uint8_t *homes; /* a line's socket */
};

bool lines_init(struct lines *lines);
void lines_fini(struct lines *lines);

/* The line of an address; `socket` touches it. */
uint64_t lines_find(struct lines *lines, struct lines_recent *recent, uint64_t address, unsigned socket);

#endif
