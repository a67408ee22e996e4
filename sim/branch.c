/* branch.c - see branch.h. */
#include "sim/branch.h"

#include <stdlib.h>

#include "engine/base/compiler.h"

bool branches_init(struct branches *branches, struct branch_only *only)
{
    *branches = (struct branches){.tables = calloc(BRANCH_TABLES, sizeof *branches->tables), .only = only};
    return branches->tables != NULL;
}

void branches_fini(struct branches *branches)
{
    free(branches->tables);
    branches->tables = NULL;
}

/* What the table has for the block, or would have; and its tag, which is never 0. */
static struct branch_entry *place(const struct branches *branches, unsigned table, uint32_t *tag)
{
    static const uint64_t ways[BRANCH_TABLES] = {0, 0xffff, UINT64_MAX}; /* of 0, 8 and 32 blocks */
    uint64_t mixed = (branches->way & ways[table]) * UINT64_C(0xD6E8FEB86659FD93);
    mixed = (mixed ^ mixed >> 32 ^ branches->block) * UINT64_C(0x9E3779B97F4A7C15);
    *tag = (uint32_t)mixed | 1;
    return &branches->tables[table][mixed >> 32 & (BRANCH_ENTRIES - 1)];
}

static void learn(struct branch_entry *entry, uint32_t tag, uint32_t next)
{
    if (entry->tag == tag && entry->next == next)
        entry->trust = (uint8_t)(entry->trust + (entry->trust < BRANCH_TRUST_MAX));
    else if (entry->trust > 0)
        entry->trust--;
    else
        *entry = (struct branch_entry){tag, next, 0};
}

/* What a core's own tables say. */
static bool tables_follow(struct branches *branches, uint32_t block)
{
    struct branch_entry *entry = NULL;
    uint32_t tag = 0;
    unsigned table = BRANCH_TABLES;
    while (table > 0) {
        entry = place(branches, --table, &tag);
        if (entry->tag == tag)
            break;
    }
    bool is_known = entry->tag == tag, foretold = !is_known || entry->next == block;
    learn(entry, tag, block);
    if (!foretold && table + 1 < BRANCH_TABLES) { /* a longer way may tell */
        entry = place(branches, table + 1, &tag);
        learn(entry, tag, block);
    }
    return foretold;
}

bool branches_choose(struct branches *branches, struct branch_only *only, uint32_t block)
{
    bool is_new = only->block == 0, varies_now = !is_new && only->block == branches->block && only->next != 0;
    if (is_new)
        *only = (struct branch_only){branches->block, block};
    if (varies_now)
        only->next = 0;
    bool foretold = is_new || tables_follow(branches, block);
    return (foretold && !varies_now) || MUTATED(branches_always_right);
}
