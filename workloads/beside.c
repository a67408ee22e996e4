/* beside.c - see beside.h. Workers of the second workload are the last ones; each worker's state says whose it is. */
#include "workloads/beside.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

enum { FIRST, SECOND, BOTH };
enum { TYPES_MAX = 32, NAME_BYTES = 64 };

/* What the composition is made of; set before a run, then only read. */
static struct {
    const struct workload_ops *ops[BOTH];
    const void *values; /* of the second */
    unsigned workers;   /* of the second */
    unsigned type_count[BOTH];
    char names[TYPES_MAX][NAME_BYTES];
    const char *types[TYPES_MAX + 1];
    struct workload_ops composed;
} pair;

struct workload {
    struct workload *parts[BOTH];
    unsigned first_workers;
};

struct workload_worker {
    const struct workload_ops *ops;
    struct workload_worker *state;
    unsigned type_offset;
};

/* ---- The whole. ---- */

static void destroy(struct workload *workload)
{
    for (int i = 0; i < BOTH; i++)
        if (workload->parts[i] != NULL)
            pair.ops[i]->destroy(workload->parts[i]);
    free(workload);
}

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **workload, char *error, size_t error_bytes)
{
    const void *const both[] = {values, pair.values};
    MAE_CHECK(pair.workers > 0 && pair.workers < workers);
    const unsigned counts[] = {workers - pair.workers, pair.workers};
    struct workload *fresh = calloc(1, sizeof *fresh);
    enum target_status status = fresh == NULL ? TARGET_NO_MEMORY : TARGET_OK;
    for (unsigned i = 0; status == TARGET_OK && i < BOTH; i++) {
        status = pair.ops[i]->create(both[i], ops, seed + i, counts[i], &fresh->parts[i], error, error_bytes);
        if (status != TARGET_OK)
            fresh->parts[i] = NULL;
    }
    if (status == TARGET_OK) {
        fresh->first_workers = counts[FIRST];
        *workload = fresh;
    } else if (fresh != NULL) {
        destroy(fresh);
    }
    return status;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    enum target_status status = pair.ops[FIRST]->setup(workload->parts[FIRST], target, error, error_bytes);
    return status != TARGET_OK ? status : pair.ops[SECOND]->setup(workload->parts[SECOND], target, error, error_bytes);
}

/* One after the other, each by all workers. The second's progress adds to the first's when it is done. */
static enum target_status load(struct workload *workload, struct target_worker *worker, unsigned part, unsigned parts,
                               struct workload_progress *progress, const _Atomic bool *stop)
{
    struct workload_progress second = {0};
    enum target_status status = pair.ops[FIRST]->load(workload->parts[FIRST], worker, part, parts, progress, stop);
    if (status != TARGET_OK)
        return status;
    status = pair.ops[SECOND]->load(workload->parts[SECOND], worker, part, parts, &second, stop);
    atomic_fetch_add(&progress->total, atomic_load(&second.total));
    atomic_fetch_add(&progress->done, atomic_load(&second.done));
    return status;
}

static enum target_status check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                                char *report, size_t report_bytes)
{
    enum target_status status = pair.ops[FIRST]->check(workload->parts[FIRST], worker, committed, report, report_bytes);
    if (status != TARGET_OK)
        return status;
    size_t length = strlen(report);
    if (length + 3 < report_bytes && length > 0)
        length += (size_t)snprintf(report + length, report_bytes - length, "; ");
    return pair.ops[SECOND]->check(workload->parts[SECOND], worker,
                                   committed == NULL ? NULL : committed + pair.type_count[FIRST], report + length,
                                   report_bytes - length);
}

static void data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    uint64_t second_rows, second_bytes;
    pair.ops[FIRST]->data_size(workload->parts[FIRST], rows, bytes);
    pair.ops[SECOND]->data_size(workload->parts[SECOND], &second_rows, &second_bytes);
    *rows += second_rows;
    *bytes += second_bytes;
}

/* The first's shares, if it has some; else the second's. */
static int sharer(void)
{
    return pair.ops[FIRST]->shares != NULL ? FIRST : SECOND;
}

static void count_shares(const struct workload *workload, struct workload_part *counts)
{
    pair.ops[sharer()]->count_shares(workload->parts[sharer()], counts);
}

static void space_add(struct target_space *into, const struct target_space *add)
{
    into->rows += add->rows;
    into->versions += add->versions;
    into->inlined_versions += add->inlined_versions;
    into->unused_inline_slots += add->unused_inline_slots;
    into->payload_bytes += add->payload_bytes;
    into->row_bytes += add->row_bytes;
    into->version_bytes += add->version_bytes;
}

static void space(const struct workload *workload, struct target_space *rows, struct target_space *indexes)
{
    struct target_space second_rows = {0}, second_indexes = {0};
    pair.ops[FIRST]->space(workload->parts[FIRST], rows, indexes);
    pair.ops[SECOND]->space(workload->parts[SECOND], &second_rows, &second_indexes);
    space_add(rows, &second_rows);
    space_add(indexes, &second_indexes);
}

/* ---- A worker. ---- */

static enum target_status worker_create(struct workload *workload, struct target_worker *worker, unsigned worker_idx,
                                        struct workload_worker **state)
{
    int which = worker_idx < workload->first_workers ? FIRST : SECOND;
    struct workload_worker *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL)
        return TARGET_NO_MEMORY;
    fresh->ops = pair.ops[which];
    fresh->type_offset = which == FIRST ? 0 : pair.type_count[FIRST];
    enum target_status status =
        fresh->ops->worker_create(workload->parts[which], worker,
                                  which == FIRST ? worker_idx : worker_idx - workload->first_workers, &fresh->state);
    if (status == TARGET_OK)
        *state = fresh;
    else
        free(fresh);
    return status;
}

static void worker_destroy(struct workload_worker *state)
{
    state->ops->worker_destroy(state->state);
    free(state);
}

static bool draw_ahead(struct workload_worker *state)
{
    return state->ops->draw_ahead != NULL && state->ops->draw_ahead(state->state);
}

static unsigned next(struct workload_worker *state)
{
    return state->type_offset + state->ops->next(state->state);
}

static enum target_status attempt(struct workload_worker *state)
{
    return state->ops->attempt(state->state);
}

static void gave_up(struct workload_worker *state)
{
    if (state->ops->gave_up != NULL)
        state->ops->gave_up(state->state);
}

static unsigned operations(const struct workload_worker *state)
{
    return state->ops->operations(state->state);
}

/* ---- The composition. ---- */

static void types_compose(const void *const *values)
{
    unsigned count = 0;
    for (unsigned i = 0; i < BOTH; i++) {
        pair.type_count[i] = workload_type_count(pair.ops[i], values[i]);
        for (unsigned type = 0; type < pair.type_count[i]; type++) {
            MAE_CHECK(count < TYPES_MAX);
            (void)snprintf(pair.names[count], NAME_BYTES, "%s%s%s", i == FIRST ? "" : pair.ops[i]->name,
                           i == FIRST ? "" : ".", pair.ops[i]->txn_types[type]);
            pair.types[count] = pair.names[count];
            count++;
        }
    }
    pair.types[count] = NULL;
}

const struct workload_ops *beside_compose(const struct workload_ops *first, const void *first_values,
                                          const struct workload_ops *second, const void *second_values)
{
    pair.ops[FIRST] = first;
    pair.ops[SECOND] = second;
    pair.values = second_values;
    types_compose((const void *const[]){first_values, second_values});
    pair.composed = (struct workload_ops){
        .name = first->name,
        .help = first->help,
        .options = first->options,
        .txn_types = pair.types,
        .presets = first->presets,
        .preset = first->preset,
        .create = create,
        .destroy = destroy,
        .setup = setup,
        .load = load,
        .worker_create = worker_create,
        .worker_destroy = worker_destroy,
        .draw_ahead = first->draw_ahead == NULL && second->draw_ahead == NULL ? NULL : draw_ahead,
        .next = next,
        .attempt = attempt,
        .gave_up = gave_up,
        .operations = operations,
        .check = check,
        .check_live = first->check_live && second->check_live,
        .data_size = data_size,
        .shares = pair.ops[sharer()]->shares,
        .count_shares = pair.ops[sharer()]->shares == NULL ? NULL : count_shares,
        .report = first->report, /* its types and shares come first */
        .space = first->space == NULL || second->space == NULL ? NULL : space,
    };
    return &pair.composed;
}

void beside_set_workers(unsigned workers)
{
    pair.workers = workers;
}
