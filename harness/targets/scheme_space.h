/*
 * scheme_space.h - memory and space of targets that stand on schemes/base: the schemes, and bare. Their tables, indexes
 * and workers are those of schemes/base, and their struct target begins with a struct database.
 */
#ifndef HARNESS_TARGETS_SCHEME_SPACE_H
#define HARNESS_TARGETS_SCHEME_SPACE_H

#include "workloads/target.h"

/* As the members of struct target_ops. No transaction may run while space is counted; linear in the rows. */
void scheme_table_space(const struct target_table *table, struct target_space *space);
void scheme_index_space(const struct target_index *index, struct target_space *space);
void scheme_memory(const struct target *target, struct target_memory *memory);

#endif
