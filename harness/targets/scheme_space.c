/* scheme_space.c - see scheme_space.h. */
#include "harness/targets/scheme_space.h"

#include "schemes/base/worker.h"

void scheme_table_space(const struct target_table *target_table, struct target_space *space)
{
    const struct table *table = (const struct table *)target_table;
    *space = (struct target_space){0};
    for (uint64_t ref = 0; ref < table_limit(table); ref++) {
        uint32_t size = row_size(table_row(table, ref));
        space->rows += size != 0;
        space->payload_bytes += size ? size - 1 : 0;
    }
    space->versions = space->inlined_versions = space->rows;
    space->row_bytes = space->rows * table->stride_bytes;
}

void scheme_index_space(const struct target_index *target_index, struct target_space *space)
{
    const struct index *index = &((const struct table_index *)target_index)->index;
    uint64_t nodes = index_node_count(index), bytes = index_node_bytes(index);
    *space = (struct target_space){.rows = nodes,
                                   .versions = nodes,
                                   .inlined_versions = nodes,
                                   .payload_bytes = nodes * (bytes - ROW_HEADER_BYTES),
                                   .row_bytes = nodes * bytes};
}

void scheme_memory(const struct target *target, struct target_memory *memory)
{
    const struct database *database = (const struct database *)target;
    struct mae_memory usage;
    mem_usage(&database->budget, database->spans, &usage);
    *memory = (struct target_memory){.limit_bytes = usage.limit_bytes,
                                     .committed_bytes = usage.committed_bytes,
                                     .resident_bytes = usage.resident_bytes,
                                     .hugetlb_bytes = usage.hugetlb_bytes,
                                     .transparent_bytes = usage.transparent_bytes};
}
