/*
 * drive.h - runs a workload on a target within one thread, for the tests of this folder and its siblings.
 *
 * Options are given as a NULL-ended list of names and values, the rest are defaults. Workers take turns, each with a
 * transaction at a time; targets that allow a single worker serve all of them through it.
 */
#ifndef TESTS_UNIT_WORKLOADS_DRIVE_H
#define TESTS_UNIT_WORKLOADS_DRIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "harness/targets/targets.h"
#include "tests/support/oracle_target.h"
#include "workloads/workload.h"
#include "tests/support/target_open.h"

enum { DRIVE_OPTIONS_MAX = 64, DRIVE_WORKERS_MAX = 8, DRIVE_TYPES_MAX = 8 };
#define DRIVE __attribute__((unused)) static

struct drive {
    const struct target_ops *ops;
    const struct workload_ops *workload_ops;
    struct target *target;
    struct target_worker *worker;
    struct workload *workload;
    struct workload_worker *states[DRIVE_WORKERS_MAX];
    unsigned workers;
    uint64_t committed[DRIVE_TYPES_MAX], operations;
    char error[512], report[512];
};

/* From MAE_SEED, else the clock; printed. */
DRIVE uint64_t drive_seed(void)
{
    const char *given = getenv("MAE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("MAE_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* Fills the struct of a workload's options. False with the option, its value and what would be right in `error`. */
DRIVE bool drive_values(const struct workload_ops *workload_ops, const char *const *pairs, void *values, char *error,
                        size_t error_bytes)
{
    char why[256];
    assert_true(option_count(workload_ops->options) <= DRIVE_OPTIONS_MAX);
    assert_true(option_values_init(workload_ops->options, values, why, sizeof why));
    for (; pairs && pairs[0]; pairs += 2) {
        size_t i = option_find(workload_ops->options, pairs[0]);
        if (!workload_ops->options[i].name)
            fail_msg("no option %s", pairs[0]);
        if (option_set(workload_ops->options, i, pairs[1], values, why, sizeof why))
            continue;
        snprintf(error, error_bytes, "%s: %s", pairs[0], why);
        return false;
    }
    return true;
}

DRIVE enum target_status drive_create(struct drive *drive, const struct target_ops *ops,
                                      const struct workload_ops *workload_ops, unsigned workers, uint64_t seed,
                                      const char *const *pairs)
{
    uint64_t values[DRIVE_OPTIONS_MAX] = {0};
    *drive = (struct drive){.ops = ops, .workload_ops = workload_ops, .workers = workers};
    enum target_status status = TARGET_INVALID;
    if (drive_values(workload_ops, pairs, values, drive->error, sizeof drive->error))
        status = workload_ops->create(values, ops, seed, workers, &drive->workload, drive->error, sizeof drive->error);
    option_values_clear(workload_ops->options, values);
    return status;
}

/* Creating it must fail, with the text in the error. */
DRIVE void drive_expect_refused(const struct workload_ops *workload_ops, const char *const *pairs, const char *text)
{
    struct drive drive;
    assert_int_equal(drive_create(&drive, &oracle_target_ops, workload_ops, 1, 1, pairs), TARGET_INVALID);
    if (!strstr(drive.error, text))
        fail_msg("'%s' is not in: %s", text, drive.error);
}

/* Every preset must set options that the workload has, to values of their ranges, and no other name be a preset. */
struct drive_pairs {
    const char *pairs[2 * DRIVE_OPTIONS_MAX + 1];
    size_t count;
};

DRIVE void drive_pair(void *arg, const char *option, const char *value)
{
    struct drive_pairs *pairs = arg;
    pairs->pairs[pairs->count++] = option;
    pairs->pairs[pairs->count++] = value;
}

DRIVE void drive_expect_presets(const struct workload_ops *workload_ops)
{
    struct drive_pairs none = {0};
    for (size_t i = 0; workload_ops->presets[i]; i++) {
        struct drive_pairs pairs = {0};
        struct drive drive;
        assert_true(workload_ops->preset(workload_ops->presets[i], drive_pair, &pairs));
        if (drive_create(&drive, &oracle_target_ops, workload_ops, 1, 1, pairs.pairs) != TARGET_OK)
            fail_msg("preset %s: %s", workload_ops->presets[i], drive.error);
        workload_ops->destroy(drive.workload);
    }
    assert_false(workload_ops->preset("no such preset", drive_pair, &none));
    assert_int_equal(none.count, 0);
}

/* Creates, sets up, loads in three parts, and makes the workers. */
DRIVE void drive_open(struct drive *drive, const struct target_ops *ops, const struct workload_ops *workload_ops,
                      unsigned workers, uint64_t seed, const char *const *pairs)
{
    const _Atomic bool stop = false;
    if (drive_create(drive, ops, workload_ops, workers, seed, pairs) != TARGET_OK)
        fail_msg("create: %s", drive->error);
    const struct target_key_value defaults = {NULL, NULL};
    assert_int_equal(target_open(ops, &defaults, &drive->target, drive->error, sizeof drive->error), TARGET_OK);
    if (workload_ops->setup(drive->workload, drive->target, drive->error, sizeof drive->error) != TARGET_OK)
        fail_msg("setup: %s", drive->error);
    assert_int_equal(ops->worker_join(drive->target, &drive->worker), TARGET_OK);
    for (unsigned part = 0; part < 3; part++) {
        struct workload_progress progress = {0};
        assert_int_equal(workload_ops->load(drive->workload, drive->worker, part, 3, &progress, &stop), TARGET_OK);
        assert_int_equal(progress.done, progress.total);
    }
    for (unsigned i = 0; i < workers; i++)
        assert_int_equal(workload_ops->worker_create(drive->workload, drive->worker, i, &drive->states[i]), TARGET_OK);
}

DRIVE void drive_close(struct drive *drive)
{
    for (unsigned i = 0; i < drive->workers; i++)
        drive->workload_ops->worker_destroy(drive->states[i]);
    drive->ops->worker_leave(drive->worker);
    drive->workload_ops->destroy(drive->workload);
    assert_int_equal(drive->ops->close(drive->target), TARGET_OK);
}

/* One request of one worker, until it commits. */
DRIVE void drive_step(struct drive *drive, unsigned worker)
{
    struct workload_worker *state = drive->states[worker];
    unsigned type = drive->workload_ops->next(state);
    enum target_status status;
    while (target_status_is_retry(status = drive->workload_ops->attempt(state)))
        target_backoff(drive->ops, drive->worker);
    if (status == TARGET_ROLLED_BACK)
        return; /* rolled back on purpose */
    assert_int_equal(status, TARGET_OK);
    drive->committed[type]++;
    drive->operations += drive->workload_ops->operations(state);
}

DRIVE void drive_run(struct drive *drive, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++)
        drive_step(drive, i % drive->workers);
}

DRIVE enum target_status drive_check(struct drive *drive)
{
    return drive->workload_ops->check(drive->workload, drive->worker, drive->committed, drive->report,
                                      sizeof drive->report);
}

DRIVE void drive_expect_sound(struct drive *drive)
{
    if (drive_check(drive) != TARGET_OK)
        fail_msg("check: %s", drive->report);
}

/* The check must fail, with each of the NULL-ended texts in its report. */
DRIVE void drive_expect_corrupt(struct drive *drive, const char *const *texts)
{
    assert_int_equal(drive_check(drive), TARGET_CORRUPT);
    for (; *texts; texts++)
        if (!strstr(drive->report, *texts))
            fail_msg("'%s' is not in the report: %s", *texts, drive->report);
}

/* A row to change behind the workload's back. */
struct drive_row {
    struct target_txn *txn;
    unsigned char *data;
};

DRIVE struct drive_row drive_row_open(struct drive *drive, struct target_index *index, uint64_t key, size_t bytes)
{
    struct drive_row row;
    void *data;
    assert_int_equal(drive->ops->begin(drive->worker, TARGET_READ_WRITE, &row.txn), TARGET_OK);
    assert_int_equal(drive->ops->update(row.txn, index, &key, bytes, NULL, &data), TARGET_OK);
    row.data = data;
    return row;
}

DRIVE void drive_row_close(struct drive *drive, struct drive_row row)
{
    assert_int_equal(drive->ops->commit(row.txn), TARGET_OK);
}

DRIVE void drive_erase(struct drive *drive, struct target_index *index, uint64_t key)
{
    struct target_txn *txn;
    assert_int_equal(drive->ops->begin(drive->worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    assert_int_equal(drive->ops->erase(txn, index, &key), TARGET_OK);
    assert_int_equal(drive->ops->commit(txn), TARGET_OK);
}

#endif
