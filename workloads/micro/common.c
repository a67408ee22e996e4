/* common.c - see common.h. */
#include "workloads/micro/common.h"
#include "workloads/record.h"

#include <stdarg.h>
#include <stdio.h>

/* Every struct workload here begins with its struct micro, and every struct workload_worker with its micro_worker. */
static struct micro *micro_of(struct workload *workload)
{
    return (void *)workload;
}

static const struct micro *micro_of_const(const struct workload *workload)
{
    return (const void *)workload;
}

static struct micro_worker *worker_of(struct workload_worker *state)
{
    return (void *)state;
}

static struct micro_share *share_of(const struct micro *micro, unsigned worker_idx)
{
    return (void *)(micro->shares + worker_idx * micro->share_bytes);
}

struct workload *micro_create(const struct micro_traits *traits, const struct target_ops *ops, uint64_t seed,
                              unsigned workers, uint64_t rows, size_t row_bytes, size_t tally_bytes)
{
    const size_t line = SEPARATE_WRITERS_BYTES;
    size_t share_bytes = sizeof(struct micro_share) + (tally_bytes + line - 1) / line * line;
    struct workload *workload = mem_alloc(traits->workload_bytes);
    char *shares = mem_alloc(workers * share_bytes);
    if (!workload || !shares) {
        free(workload);
        free(shares);
        return NULL;
    }
    *micro_of(workload) = (struct micro){.traits = traits,
                                         .ops = ops,
                                         .seed = seed,
                                         .workers = workers,
                                         .rows = rows,
                                         .row_bytes = row_bytes,
                                         .shares = shares,
                                         .share_bytes = share_bytes};
    return workload;
}

void micro_destroy(struct workload *workload)
{
    free(micro_of(workload)->shares);
    free(workload);
}

enum target_status micro_worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                       struct workload_worker **state)
{
    const struct micro *micro = micro_of(workload);
    *state = mem_alloc(micro->traits->worker_bytes);
    if (!*state)
        return TARGET_NO_MEMORY;
    struct micro_worker *base = worker_of(*state);
    base->workload = workload;
    base->worker = worker;
    base->tally = micro_tally(workload, worker_idx);
    base->worker_idx = worker_idx;
    rng_init(&base->rng, micro->seed, worker_idx);
    return TARGET_OK;
}

void micro_worker_destroy(struct workload_worker *state)
{
    free(state);
}

void *micro_tally(const struct workload *workload, unsigned worker_idx)
{
    return share_of(micro_of_const(workload), worker_idx)->tally;
}

enum target_status micro_create_all(struct workload *workload, struct target *target, const struct schema *schema,
                                    char *error, size_t error_bytes)
{
    struct micro *micro = micro_of(workload);
    micro->table_count = schema->table_count;
    micro->index_count = schema->index_count;
    return schema_create(schema, micro->ops, target, micro->tables, micro->indexes, error, error_bytes);
}

enum target_status micro_setup(struct workload *workload, struct target *target, const char *name, size_t row_bytes_max,
                               enum target_index_kind kind, char *error, size_t error_bytes)
{
    const struct micro *micro = micro_of(workload);
    char index_name[64];
    snprintf(index_name, sizeof index_name, "%s_key", name);
    const struct schema_table table = {name, {.payload_max_bytes = row_bytes_max, .expected_rows = micro->rows}};
    const struct schema_index index = {
        index_name, 0, {.kind = kind, .key_bytes = sizeof(uint64_t), .expected_rows = micro->rows}};
    const struct schema schema = {name, &table, &index, 1, 1};
    return micro_create_all(workload, target, &schema, error, error_bytes);
}

enum target_status micro_load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                              struct workload_progress *progress, const _Atomic bool *stop)
{
    const struct micro *micro = micro_of(workload);
    struct bulk bulk = {.ops = micro->ops,
                        .worker = worker,
                        .index = micro->indexes[micro->traits->load_index],
                        .bytes = micro->row_bytes,
                        .arg = workload,
                        .key = micro->traits->key,
                        .fill = micro->traits->fill,
                        .fill_more = micro->traits->fill_more};
    uint64_t first, last;
    bulk_part(micro->rows, part, parts, &first, &last);
    return bulk_load(&bulk, first, last, progress, stop);
}

void micro_fill(void *workload, uint64_t key, void *data)
{
    record_fill(data, micro_of(workload)->row_bytes, key, 0);
}

void micro_data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    const struct micro *micro = micro_of_const(workload);
    *rows = micro->rows;
    *bytes = micro->rows * (micro->row_bytes + sizeof(uint64_t));
}

void micro_space(const struct workload *workload, struct target_space *rows, struct target_space *indexes)
{
    const struct micro *micro = micro_of_const(workload);
    schema_space(micro->ops, micro->tables, micro->table_count, micro->indexes, micro->index_count, rows, indexes);
}

bool micro_is_racy(const struct workload *workload)
{
    const struct micro *micro = micro_of_const(workload);
    return !target_is_transactional(&micro->ops->promises) && micro->workers > 1;
}

enum target_status micro_findings(const struct workload *workload, char *report, size_t report_bytes)
{
    const struct micro *micro = micro_of_const(workload);
    for (unsigned i = 0; i < micro->workers && !micro_is_racy(workload); i++)
        if (share_of(micro, i)->finding[0]) {
            snprintf(report, report_bytes, "worker %u: %s", i, share_of(micro, i)->finding);
            return TARGET_CORRUPT;
        }
    return TARGET_OK;
}

void micro_find(struct workload_worker *state, const char *format, ...)
{
    const struct micro_worker *base = worker_of(state);
    struct micro_share *share = share_of(micro_of(base->workload), base->worker_idx);
    if (share->finding[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(share->finding, sizeof share->finding, format, arguments);
    va_end(arguments);
}

enum target_status micro_run(struct workload_worker *state, enum target_mode mode, micro_txn_fn *run)
{
    const struct micro_worker *base = worker_of(state);
    const struct target_ops *ops = micro_of(base->workload)->ops;
    struct target_txn *txn;
    enum target_status status = ops->begin(base->worker, mode, &txn);
    if (status != TARGET_OK)
        return status;
    status = run(state, txn);
    if (status == TARGET_OK)
        return ops->commit(txn);
    ops->abort(txn);
    return status;
}

enum target_status micro_attempt(struct workload_worker *state)
{
    const struct micro_worker *base = worker_of(state);
    const struct micro *micro = micro_of(base->workload);
    enum target_status status = micro->traits->attempt(state);
    return LIKELY(status != TARGET_NOT_FOUND) ? status
                                              : bulk_settle(micro->traits->attempt, state, micro->ops, base->worker);
}

enum target_status micro_check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                               char *report, size_t report_bytes)
{
    (void)committed;
    const struct micro *micro = micro_of(workload);
    return bulk_prove(micro->traits->check_pass, micro->ops, workload, worker, report, report_bytes);
}

enum target_status micro_walk(struct workload *workload, struct target_worker *worker, void *arg,
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
