/*
 * loads.h - loads of rows beside each other and beside transactions, and what must hold at every moment.
 *
 * Each loader has rows of its own, numbered from 0 on, whose keys lie between those of the others. A disturber inserts
 * rows into the gaps, and now and then one with a key that a loader will come to: that load then ends there. Whoever
 * looks at the table in a transaction that commits sees the first rows of each load, and no others, each with both its
 * entries (L1). At the end those are as many as mae_load has told.
 *
 * Any thread may call the functions with a worker of its own, but loads_open and loads_close: they assert.
 */
#ifndef TESTS_SUPPORT_LOADS_H
#define TESTS_SUPPORT_LOADS_H

#include "tests/support/world.h"

enum { LOADERS = 2, LOADS_ROWS_MAX = 4096 };

struct loads {
    struct world world;
    struct mae_index *second; /* ordered, not unique */
    uint64_t rows;            /* of each loader */
    uint64_t loaded[LOADERS];
    enum mae_status ended[LOADERS];
    uint64_t last[LOADERS + 1]; /* last commits: of the loaders, and of who disturbs */
};

/* Without workers. `rows`: how many each loader has. */
struct loads loads_open(const char *options, enum mae_index_kind kind, uint64_t rows);
void loads_close(struct loads *loads); /* verifies */

/* Loads all rows of a loader. What is wrong about how it ended, or NULL. */
const char *loads_load(struct loads *loads, struct mae_worker *worker, unsigned loader);
/* Inserts a row with a random key. NULL, or what is wrong. */
const char *loads_disturb(struct loads *loads, struct mae_worker *worker, uint64_t *random);
/* Looks at all rows, in a snapshot or not. NULL, or what is wrong. With `all`, the loads are over. */
const char *loads_look(struct loads *loads, struct mae_worker *worker, bool snapshot, bool all);

#endif
