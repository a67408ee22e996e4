/*
 * pairs.h - which runs of A and of B may be held against each other.
 *
 * Placement. A hypervisor moves the CPUs of a virtual machine about (proximity.h), which alone halves the speed of a
 * contended run. Only runs on CPUs that were equally near are kept: runs at the distance that the most runs of A and B
 * had. With blocks this is decided in each block.
 *
 * Blocks. Runs of A and B that were made side by side carry the same text (the number of their repetition, a round of a
 * sweep). Only they are compared with each other, so that the machine's drift drops out (statistics.h). A block that
 * only one side has is left out.
 * Checked by: tests/unit/harness/analysis/compare.c, settings.c.
 */
#ifndef HARNESS_ANALYSIS_PAIRS_H
#define HARNESS_ANALYSIS_PAIRS_H

#include "harness/common/statistics.h"
#include "harness/machine/proximity.h"

struct pairs_run {
    double value;
    const char *block; /* "" without blocks */
    struct proximity_span place;
};

struct pairs_side {
    size_t count; /* pairs_make: of what is kept */
    struct pairs_run *runs;
    double *values; /* pairs_make: of what is kept, block by block */
};

struct pairs {
    struct pairs_side a, b;
    size_t block_count; /* pairs_make */
    struct statistics_block *blocks;
    size_t common; /* blocks that both sides had before the placement was looked at */
    size_t far;    /* runs left out: on CPUs that were not as near to each other as the others' */
    size_t alone;  /* runs left out: the other side has none of their block */
    bool apart;    /* a side has no run left because of its placement */
};

/* {0} is empty. `row` is of the file `table`. */
void pairs_add(struct pairs_side *side, double value, const char *block, const struct csv_table *table,
               const struct csv_table_row *row);
void pairs_make(struct pairs *pairs, bool blocks);
void pairs_free(struct pairs *pairs);

#endif
