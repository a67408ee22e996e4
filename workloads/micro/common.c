/* common.c - see common.h. */
#include "workloads/micro/common.h"

#include <stdarg.h>
#include <stdio.h>

/* Every struct workload here begins with its struct micro. */
static struct micro *micro_of(struct workload *workload)
{
    return (void *)workload;
}

static const struct micro *micro_of_const(const struct workload *workload)
{
    return (const void *)workload;
}

struct workload *micro_create(size_t bytes, const struct target_ops *ops, uint64_t seed, unsigned workers,
                              uint64_t rows, size_t row_bytes, void (*fill)(void *arg, uint64_t key, void *data))
{
    struct workload *workload = mem_alloc(bytes);
    if (!workload)
        return NULL;
    struct micro_share *shares = mem_alloc(workers * sizeof *shares);
    if (!shares) {
        free(workload);
        return NULL;
    }
    *micro_of(workload) = (struct micro){.ops = ops,
                                         .seed = seed,
                                         .workers = workers,
                                         .rows = rows,
                                         .row_bytes = row_bytes,
                                         .shares = shares,
                                         .fill = fill};
    return workload;
}

void micro_destroy(struct workload *workload)
{
    free(micro_of(workload)->shares);
    free(workload);
}

enum mae_status micro_setup(struct workload *workload, struct target *target, const char *name, size_t row_bytes_max,
                            enum mae_index_kind kind, char *error, size_t error_bytes)
{
    struct micro *micro = micro_of(workload);
    struct mae_table_config table = {.payload_max_bytes = row_bytes_max, .expected_rows = micro->rows};
    struct mae_index_config index = {.kind = kind, .key_bytes = sizeof(uint64_t), .expected_rows = micro->rows};
    char index_name[64];
    snprintf(index_name, sizeof index_name, "%s_key", name);
    enum mae_status status = micro->ops->table_create(target, name, &table, &micro->table);
    if (status == MAE_OK)
        status = micro->ops->index_create(target, micro->table, index_name, &index, &micro->index);
    if (status != MAE_OK)
        snprintf(error, error_bytes, "%s: table of %zu-byte rows with %s index on target %s: %s", name, row_bytes_max,
                 kind == MAE_INDEX_ORDERED ? "an ordered" : "a hash", micro->ops->name, mae_status_text(status));
    return status;
}

enum mae_status micro_load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                           struct workload_progress *progress, const _Atomic bool *stop)
{
    const struct micro *micro = micro_of(workload);
    struct bulk bulk = {.ops = micro->ops,
                        .worker = worker,
                        .index = micro->index,
                        .bytes = micro->row_bytes,
                        .arg = workload,
                        .fill = micro->fill};
    uint64_t first, last;
    bulk_part(micro->rows, part, parts, &first, &last);
    return bulk_load(&bulk, first, last, progress, stop);
}

void micro_data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    const struct micro *micro = micro_of_const(workload);
    *rows = micro->rows;
    *bytes = micro->rows * (micro->row_bytes + sizeof(uint64_t));
}

void micro_space(const struct workload *workload, struct mae_space *rows, struct mae_space *indexes)
{
    const struct micro *micro = micro_of_const(workload);
    *rows = *indexes = (struct mae_space){0};
    if (micro->ops->table_space)
        micro->ops->table_space(micro->table, rows);
    if (micro->ops->index_space)
        micro->ops->index_space(micro->index, indexes);
}

bool micro_is_racy(const struct workload *workload)
{
    const struct micro *micro = micro_of_const(workload);
    return !micro->ops->guarantees.transactional && micro->workers > 1;
}

enum mae_status micro_findings(const struct workload *workload, char *report, size_t report_bytes)
{
    const struct micro *micro = micro_of_const(workload);
    for (unsigned i = 0; i < micro->workers && !micro_is_racy(workload); i++)
        if (micro->shares[i].finding[0]) {
            snprintf(report, report_bytes, "worker %u: %s", i, micro->shares[i].finding);
            return MAE_CORRUPT;
        }
    return MAE_OK;
}

void micro_find(struct micro_share *share, const char *format, ...)
{
    if (share->finding[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(share->finding, sizeof share->finding, format, arguments);
    va_end(arguments);
}

enum mae_status micro_walk(struct workload *workload, struct target_worker *worker, void *arg,
                           bool (*visit)(void *arg, uint64_t key, const void *data, size_t bytes))
{
    const struct micro *micro = micro_of(workload);
    struct bulk bulk = {.ops = micro->ops, .worker = worker, .index = micro->index, .arg = arg, .visit = visit};
    return bulk_walk(&bulk, 0, micro->rows);
}

void micro_draw_distinct(struct rng *rng, uint64_t n, uint64_t *keys, unsigned count)
{
    /* Floyd's: each step adds one key, without a retry. */
    for (unsigned i = 0; i < count; i++) {
        uint64_t top = n - count + i, key = rng_below(rng, top + 1);
        for (unsigned j = 0; j < i; j++)
            if (keys[j] == key) {
                key = top;
                break;
            }
        keys[i] = key;
    }
}
