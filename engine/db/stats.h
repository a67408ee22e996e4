/*
 * stats.h - what tables and indexes occupy, for the calls that are asked.
 */
#ifndef ENGINE_DB_STATS_H
#define ENGINE_DB_STATS_H

#include "engine/maemio.h"

struct table;

/* Adds what the table's rows and versions occupy. Any thread; counts change while others write. */
void stats_add_table(const struct table *table, struct mae_space *space);

#endif
