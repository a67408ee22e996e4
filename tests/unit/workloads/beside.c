/* beside.c - workloads/beside.h: two workloads on one target, each with its workers, its types and its check. */
#include "workloads/beside.h"

#include "tests/unit/workloads/drive.h"
#include "workloads/micro/micro.h"

enum { STEPS = 2000, WORKERS = 3 };

static void each_worker_runs_its_workload_and_both_are_checked(void **state)
{
    (void)state;
    static const struct target_ops *const targets[] = {&oracle_target_ops, &bare_target_ops};
    static const char *const types[] = {"transfer", "audit", "scan.scan", "scan.update", NULL};
    static const char *const accounts[] = {"accounts", "50", NULL}, *const records[] = {"records", "300", NULL};
    uint64_t values[DRIVE_OPTIONS_MAX] = {0};
    char error[256];
    assert_true(drive_values(&scan_workload_ops, records, values, error, sizeof error));
    const struct workload_ops *both = beside_compose(&bank_workload_ops, NULL, &scan_workload_ops, values);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(both->txn_types[i], types[i]);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct drive drive;
        uint64_t rows, bytes;
        beside_set_workers(1);
        drive_open(&drive, targets[i], both, WORKERS, 7, accounts);
        drive_run(&drive, STEPS);
        assert_int_equal(drive.committed[0] + drive.committed[1] + drive.committed[2] + drive.committed[3], STEPS);
        assert_int_equal(drive.committed[2] + drive.committed[3], STEPS / WORKERS); /* the last worker */
        both->data_size(drive.workload, &rows, &bytes);
        assert_int_equal(rows, 350);
        drive_expect_sound(&drive);
        drive_close(&drive);
    }
    option_values_clear(scan_workload_ops.options, values);
}

/* A second workload that does nothing, and whose check knows how often that was committed. */
static uint64_t expected;
static unsigned workers_told, idx_told;

static enum target_status idle_create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                      struct workload **workload, char *error, size_t error_bytes)
{
    (void)values, (void)ops, (void)seed, (void)error, (void)error_bytes;
    workers_told = workers;
    *workload = (void *)&expected;
    return TARGET_OK;
}

static void idle_destroy(struct workload *workload)
{
    (void)workload;
}

static enum target_status idle_setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    (void)workload, (void)target, (void)error, (void)error_bytes;
    return TARGET_OK;
}

static enum target_status idle_load(struct workload *workload, struct target_worker *worker, unsigned part,
                                    unsigned parts, struct workload_progress *progress, const _Atomic bool *stop)
{
    (void)workload, (void)worker, (void)part, (void)parts, (void)progress, (void)stop;
    return TARGET_OK;
}

static enum target_status idle_worker_create(struct workload *workload, struct target_worker *worker,
                                             unsigned worker_idx, struct workload_worker **state)
{
    (void)worker;
    idx_told = worker_idx;
    *state = (void *)workload;
    return TARGET_OK;
}

static void idle_worker_destroy(struct workload_worker *state)
{
    (void)state;
}

static unsigned idle_next(struct workload_worker *state)
{
    (void)state;
    return 0;
}

static enum target_status idle_attempt(struct workload_worker *state)
{
    (void)state;
    return TARGET_OK;
}

static unsigned idle_operations(const struct workload_worker *state)
{
    (void)state;
    return 0;
}

static enum target_status idle_check(struct workload *workload, struct target_worker *worker, const uint64_t *committed,
                                     char *report, size_t report_bytes)
{
    (void)workload, (void)worker;
    snprintf(report, report_bytes, "idle %s", committed[0] == expected ? "as expected" : "too often");
    return committed[0] == expected ? TARGET_OK : TARGET_CORRUPT;
}

static void idle_data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    (void)workload;
    *rows = *bytes = 0;
}

static const char *const idle_types[] = {"nothing", NULL};
static const struct option_spec idle_options[] = {OPTION_END};
static const struct workload_ops idle_ops = {.name = "idle",
                                             .options = idle_options,
                                             .txn_types = idle_types,
                                             .create = idle_create,
                                             .destroy = idle_destroy,
                                             .setup = idle_setup,
                                             .load = idle_load,
                                             .worker_create = idle_worker_create,
                                             .worker_destroy = idle_worker_destroy,
                                             .next = idle_next,
                                             .attempt = idle_attempt,
                                             .operations = idle_operations,
                                             .check = idle_check,
                                             .data_size = idle_data_size};

static void a_check_that_fails_in_the_second_fails_the_run(void **state)
{
    (void)state;
    static const char *const texts[] = {"idle too often", NULL};
    struct drive drive;
    const struct workload_ops *both = beside_compose(&bank_workload_ops, NULL, &idle_ops, NULL);
    assert_true(both->draw_ahead == NULL && both->space == NULL && both->shares == NULL); /* what one does not have */
    beside_set_workers(2);
    drive_open(&drive, &oracle_target_ops, both, WORKERS, 7, NULL);
    assert_true(workers_told == 2 && idx_told == 1); /* it counts its own */
    drive_run(&drive, STEPS);
    expected = drive.committed[2];
    assert_in_range(expected, STEPS * 2 / WORKERS - 1, STEPS * 2 / WORKERS + 1);
    drive_expect_sound(&drive);
    assert_non_null(strstr(drive.report, "; idle as expected")); /* behind what the first says */
    expected--;
    drive_expect_corrupt(&drive, texts);
    drive_close(&drive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_runs_its_workload_and_both_are_checked),
        cmocka_unit_test(a_check_that_fails_in_the_second_fails_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
