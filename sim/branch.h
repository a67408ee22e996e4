/*
 * branch.h - a core's branch predictor: whether the program goes where the core has gone on before it knew.
 *
 * It sees basic blocks: the compiler calls for each (sim/runtime/access.c). What follows a block is foretold by the
 * block alone, or by the block and the way by which the core came to it, whichever of three tables with a longer and
 * longer way knows it. So loops with few rounds and what depends on earlier branches are foretold, what is random is
 * not. A block that is new is taken as foretold: programs soon run out of these. Most blocks are only ever followed by
 * one: these are noted once for all cores, and the tables of a core have only what can go either way.
 *
 *   B1  What always follows a block is foretold from the second time on.
 *   B2  What follows by a rule of the last blocks is foretold when the rule has been seen.
 * Source: A. Seznec, P. Michaud: A case for (partially) tagged geometric history length branch prediction, Journal of
 * Instruction-Level Parallelism 8 (2006), with fewer tables. Not here: what a wrong prediction costs (cpu.c).
 * Checked by: tests/unit/sim/branch.c.
 */
#ifndef SIM_BRANCH_H
#define SIM_BRANCH_H

#include <stdbool.h>
#include <stdint.h>

enum { BRANCH_TABLES = 3, BRANCH_ENTRIES = 1 << 12, BRANCH_TRUST_MAX = 3, BRANCH_PLACES = 1 << 16 };

struct branch_entry {
    uint32_t tag, next; /* of the block and the way to it; what follows */
    uint8_t trust;
};

/* A block, and the one that has always followed it on all cores. */
struct branch_only {
    uint32_t block, next; /* block 0: the place is free; next 0: more than one has followed */
};

struct branches {
    struct branch_entry (*tables)[BRANCH_ENTRIES];
    struct branch_only *only; /* BRANCH_PLACES of them */
    uint64_t way;             /* of the last 32 blocks; each has 8 bits, of which the next four take some over */
    uint32_t block;
};

/* `only` is all zero at first, is shared by all cores, stays the caller's and must outlive them. False: no memory. */
bool branches_init(struct branches *branches, struct branch_only *only);
void branches_fini(struct branches *branches);

/* Not for callers: the core goes on with a block that is not the only one that ever followed, or not known as that. */
bool branches_choose(struct branches *branches, struct branch_only *only, uint32_t block);

/* The core goes on with that block. False: it had gone on with another one. */
static inline bool branches_follow(struct branches *branches, uint32_t block)
{
    struct branch_only *only = &branches->only[branches->block / 4 % BRANCH_PLACES];
    bool foretold = (only->block == branches->block && only->next == block) || branches_choose(branches, only, block);
    branches->way = branches->way << 2 ^ block * UINT32_C(0x9E3779B9) >> 24;
    branches->block = block;
    return foretold;
}

#endif
