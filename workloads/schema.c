/* schema.c - see schema.h. */
#include "workloads/schema.h"

#include <stdio.h>

#include "workloads/bulk.h"

enum target_status schema_create(const struct schema *schema, const struct target_ops *ops, struct target *target,
                                 struct target_table **tables, struct target_index **indexes, char *error,
                                 size_t error_bytes)
{
    for (unsigned i = 0; i < schema->table_count; i++) {
        const struct schema_table *table = &schema->tables[i];
        enum target_status status = ops->table_create(target, table->name, &table->config, &tables[i]);
        if (status != TARGET_OK) {
            snprintf(error, error_bytes, "%s: table %s of %zu-byte rows on target %s: %s", schema->workload,
                     table->name, table->config.payload_max_bytes, ops->name, target_status_text(status));
            return status;
        }
    }
    for (unsigned i = 0; i < schema->index_count; i++) {
        const struct schema_index *index = &schema->indexes[i];
        enum target_status status =
            ops->index_create(target, tables[index->table], index->name, &index->config, &indexes[i]);
        if (status != TARGET_OK) {
            snprintf(error, error_bytes, "%s: %s index %s with keys of %zu bytes on target %s: %s", schema->workload,
                     index->config.kind == TARGET_INDEX_ORDERED ? "ordered" : "hash", index->name,
                     index->config.key_bytes, ops->name, target_status_text(status));
            return status;
        }
    }
    return TARGET_OK;
}

void schema_space(const struct target_ops *ops, struct target_table *const *tables, unsigned table_count,
                  struct target_index *const *indexes, unsigned index_count, struct target_space *row_space,
                  struct target_space *index_space)
{
    *row_space = *index_space = (struct target_space){0};
    struct target_space space = {0};
    for (unsigned i = 0; ops->table_space && i < table_count; i++) {
        ops->table_space(tables[i], &space);
        bulk_add_space(row_space, &space);
    }
    for (unsigned i = 0; ops->index_space && i < index_count; i++) {
        ops->index_space(indexes[i], &space);
        bulk_add_space(index_space, &space);
    }
}
