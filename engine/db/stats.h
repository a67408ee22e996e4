/*
 * stats.h - the space of tables and indexes, for mae_table_space and mae_index_space.
 */
#ifndef ENGINE_DB_STATS_H
#define ENGINE_DB_STATS_H

#include "engine/maemio.h"

struct table;

/* Adds the space of the table's rows and versions. Any thread; the counts change while transactions write. */
void stats_add_table(const struct table *table, struct mae_space *space);

#endif
