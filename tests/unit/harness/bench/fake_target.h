/*
 * fake_target.h - a target and a workload that do almost nothing, with faults on demand, to drive the harness in tests.
 *
 * The workload counts each commit in its worker, and its check compares the count with the harness's. `fault` says what
 * goes wrong, `fault_at` in which call. The target stores nothing and takes one setting, speed=slow|fast.
 */
#ifndef TESTS_UNIT_HARNESS_FAKE_TARGET_H
#define TESTS_UNIT_HARNESS_FAKE_TARGET_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/target.h"
#include "workloads/workload.h"

enum { FAKE_WORKERS_MAX = 4, FAKE_STALL_ATTEMPT = 50 };

/* How often each was called, for tests that run in the same process. */
static _Atomic unsigned fake_opens, fake_closes, fake_loads, fake_joins, fake_leaves, fake_creates, fake_destroys;

/* ---- The target. ---- */

static enum target_status fake_close_status; /* what it says when it is closed */

struct target {
    char unused;
};

struct target_worker {
    _Atomic uint64_t begun; /* its only counter */
};

static const struct option_spec fake_target_options[] = {
    {"speed", OPTION_enum, "slow", "slow|fast", "", "of nothing", ""}, OPTION_END};

static enum target_status fake_open(const struct target_ops *ops, const void *values, struct target **target,
                                    char *error, size_t error_bytes)
{
    (void)ops;
    (void)values, (void)error, (void)error_bytes;
    *target = calloc(1, sizeof **target);
    fake_opens++;
    return TARGET_OK;
}

static enum target_status fake_close(struct target *target)
{
    free(target);
    fake_closes++;
    return fake_close_status;
}

static enum target_status fake_worker_join(struct target *target, struct target_worker **worker)
{
    (void)target;
    *worker = aligned_alloc(64, 64);
    memset(*worker, 0, 64);
    fake_joins++;
    return TARGET_OK;
}

static void fake_worker_leave(struct target_worker *worker)
{
    free(worker);
    fake_leaves++;
}

static size_t fake_counter_count(void)
{
    return 1;
}

static const struct target_counter_info *fake_counter_info(size_t i)
{
    static const struct target_counter_info info = {"fake_begun", "", "attempts"};
    return i == 0 ? &info : NULL;
}

static void fake_worker_counters(const struct target_worker *worker, uint64_t *values)
{
    values[0] = atomic_load_explicit(&worker->begun, memory_order_relaxed);
}

static const struct target_reason fake_reasons[] = {
    {"newer", "as told"}, {"rts", "as told"}, {"install", "as told"}, {"index", "as told"}, {NULL, NULL}};

static const struct target_ops fake_target_ops = {
    .name = "fake",
    .label = "Fake",
    .help = "does nothing",
    .options = fake_target_options,
    .promises = {.isolation = TARGET_ISOLATION_NONE, .workers_max = FAKE_WORKERS_MAX, .note = "for tests"},
    .reasons = fake_reasons,
    .open = fake_open,
    .close = fake_close,
    .worker_join = fake_worker_join,
    .worker_leave = fake_worker_leave,
    .counter_count = fake_counter_count,
    .counter_info = fake_counter_info,
    .worker_counters = fake_worker_counters,
};

/* ---- The workload. ---- */

struct workload {
    uint64_t rows, abort_every;
    char fault[16], fault_at[16];
    _Atomic uint64_t counted[2];
};

struct workload_worker {
    struct workload *workload;
    struct target_worker *target_worker;
    unsigned idx;
    uint64_t requests, attempts;
    uint64_t counted[2];
};

#define FAKE_OPTIONS(X)                                                                              \
    X(u64, rows, "1000", "1..1G", "rows", "how many to pretend")                                     \
    X(bytes, record_bytes, "100", "8..64K", "bytes", "how large")                                    \
    X(f64, share, "0.5", "0..1", "", "of nothing")                                                   \
    X(bool, batch, "on", "", "", "a switch")                                                         \
    X(u64, abort_every, "0", "", "", "each so many attempts abort; 0: none")                         \
    X(enum, fault, "none", "none|hang|stall|no_memory|invalid|corrupt|abort", "", "what goes wrong") \
    X(enum, fault_at, "attempt", "create|setup|load|loaded|prepare|attempt|check", "", "where")

struct fake_values {
    FAKE_OPTIONS(OPTION_FIELD)
};

static const struct option_spec fake_options[] = {FAKE_OPTIONS(OPTION_SPEC) OPTION_END};

static const char *const fake_txn_types[] = {"even", "odd", NULL};
static const char *const fake_presets[] = {"small", "broken", NULL};

static bool fake_preset(const char *name, void (*set)(void *arg, const char *option, const char *value), void *arg)
{
    if (strcmp(name, "small") == 0) {
        set(arg, "rows", "10");
        set(arg, "share", "0.25");
        return true;
    }
    if (strcmp(name, "broken") == 0) {
        set(arg, "no_such", "1");
        return true;
    }
    return false;
}

static enum target_status fake_fault(const struct workload *workload, const char *at)
{
    if (strcmp(workload->fault_at, at) != 0 || strcmp(workload->fault, "none") == 0)
        return TARGET_OK;
    if (strcmp(workload->fault, "hang") == 0)
        for (;;)
            (void)sleep(1000);
    if (strcmp(workload->fault, "stall") == 0) {
        (void)sleep(1);
        return TARGET_OK;
    }
    return strcmp(workload->fault, "no_memory") == 0 ? TARGET_NO_MEMORY
           : strcmp(workload->fault, "invalid") == 0 ? TARGET_INVALID
           : strcmp(workload->fault, "abort") == 0   ? TARGET_RETRY
                                                     : TARGET_CORRUPT;
}

static enum target_status fake_create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                      struct workload **workload, char *error, size_t error_bytes)
{
    (void)ops, (void)seed, (void)workers;
    *workload = calloc(1, sizeof **workload);
    (*workload)->rows = ((const struct fake_values *)values)->rows;
    (*workload)->abort_every = ((const struct fake_values *)values)->abort_every;
    option_text(fake_options, 5, values, (*workload)->fault, sizeof(*workload)->fault);
    option_text(fake_options, 6, values, (*workload)->fault_at, sizeof(*workload)->fault_at);
    enum target_status status = fake_fault(*workload, "create");
    if (status != TARGET_OK) {
        (void)snprintf(error, error_bytes, "rows and share do not fit together");
        free(*workload);
        return status;
    }
    fake_creates++;
    return TARGET_OK;
}

static void fake_destroy(struct workload *workload)
{
    free(workload);
    fake_destroys++;
}

static enum target_status fake_setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    (void)target, (void)error, (void)error_bytes;
    return fake_fault(workload, "setup");
}

static enum target_status fake_load(struct workload *workload, struct target_worker *worker, unsigned part,
                                    unsigned parts, struct workload_progress *progress, const _Atomic bool *stop)
{
    (void)worker;
    uint64_t rows = workload->rows / parts + (part < workload->rows % parts);
    atomic_store(&progress->total, rows);
    atomic_store(&progress->done, 0);
    if (part == 0 && strcmp(workload->fault, "hang") == 0 && strcmp(workload->fault_at, "load") == 0)
        while (!atomic_load(stop) || getenv("FAKE_STUBBORN") != NULL) /* ends when told, unless stubborn */
            (void)usleep(1000);
    else if (part == 0 && fake_fault(workload, "load") != TARGET_OK)
        return fake_fault(workload, "load");
    atomic_store(&progress->done, rows);
    fake_loads += part == 0;
    return TARGET_OK;
}

static enum target_status fake_worker_create(struct workload *workload, struct target_worker *worker,
                                             unsigned worker_idx, struct workload_worker **state)
{
    enum target_status status = fake_fault(workload, "prepare");
    if (status != TARGET_OK)
        return status;
    *state = aligned_alloc(128, 128);
    **state = (struct workload_worker){.workload = workload, .target_worker = worker, .idx = worker_idx};
    return TARGET_OK;
}

static void fake_worker_destroy(struct workload_worker *state)
{
    for (int i = 0; i < 2; i++)
        atomic_fetch_add(&state->workload->counted[i], state->counted[i]);
    free(state);
}

static unsigned fake_next(struct workload_worker *state)
{
    return (unsigned)(state->requests++ % 2);
}

static enum target_status fake_attempt(struct workload_worker *state)
{
    _Atomic uint64_t *begun = &state->target_worker->begun;
    atomic_store_explicit(begun, atomic_load_explicit(begun, memory_order_relaxed) + 1, memory_order_relaxed);
    state->attempts++;
    if (state->workload->abort_every != 0 && state->attempts % state->workload->abort_every == 0)
        return TARGET_RETRY + 1;
    bool stalls = strcmp(state->workload->fault, "stall") == 0; /* once */
    if (state->idx == 0 && (!stalls || state->attempts == FAKE_STALL_ATTEMPT)) {
        enum target_status status = fake_fault(state->workload, "attempt");
        if (status != TARGET_OK)
            return status;
    }
    state->counted[(state->requests - 1) % 2]++;
    return TARGET_OK;
}

static unsigned fake_operations(const struct workload_worker *state)
{
    (void)state;
    return 3;
}

static enum target_status fake_check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                                     char *report, size_t report_bytes)
{
    (void)worker;
    for (int i = 0; committed != NULL && i < 2; i++)
        if (committed[i] != workload->counted[i]) {
            (void)snprintf(report, report_bytes, "type %d: the harness counted %llu, the workload %llu", i,
                           (unsigned long long)committed[i], (unsigned long long)workload->counted[i]);
            return TARGET_CORRUPT;
        }
    bool loaded = committed != NULL && committed[0] + committed[1] == 0; /* the check after the load */
    enum target_status status = fake_fault(workload, loaded ? "loaded" : "check");
    if (status != TARGET_OK)
        (void)snprintf(report, report_bytes, "row 7: found 1, expected 2");
    return status;
}

static void fake_data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    *rows = workload->rows;
    *bytes = workload->rows * 100;
}

static const struct workload_ops fake_workload_ops = {
    .name = "fake",
    .help = "pretends",
    .options = fake_options,
    .txn_types = fake_txn_types,
    .presets = fake_presets,
    .preset = fake_preset,
    .create = fake_create,
    .destroy = fake_destroy,
    .setup = fake_setup,
    .load = fake_load,
    .worker_create = fake_worker_create,
    .worker_destroy = fake_worker_destroy,
    .next = fake_next,
    .attempt = fake_attempt,
    .operations = fake_operations,
    .check = fake_check,
    .check_live = true,
    .data_size = fake_data_size,
};

#endif
