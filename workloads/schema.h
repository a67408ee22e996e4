/*
 * schema.h - the tables and indexes of a workload, created from lists and summed up in statistics.
 *
 * Threads: as target_ops.table_create and its like: any thread, one at a time.
 * Checked by: tests/unit/workloads/schema.c.
 */
#ifndef WORKLOADS_SCHEMA_H
#define WORKLOADS_SCHEMA_H

#include "workloads/target.h"

struct schema_table {
    const char *name;
    struct target_table_config config;
};

struct schema_index {
    const char *name;
    unsigned table; /* its place in the list of tables */
    struct target_index_config config;
};

struct schema {
    const char *workload; /* its name, for messages */
    const struct schema_table *tables;
    const struct schema_index *indexes;
    unsigned table_count, index_count;
};

/* Creates all of them, in their order. On failure `error` names what could not be created. */
enum target_status schema_create(const struct schema *schema, const struct target_ops *ops, struct target *target,
                                 struct target_table **tables, struct target_index **indexes, char *error,
                                 size_t error_bytes);

/* As `space` in struct workload_ops. */
void schema_space(const struct target_ops *ops, struct target_table *const *tables, unsigned table_count,
                  struct target_index *const *indexes, unsigned index_count, struct target_space *row_space,
                  struct target_space *index_space);

#endif
