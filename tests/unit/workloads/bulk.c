/* bulk.c - tests of workloads/bulk.[ch] on the oracle target. */
#include "workloads/bulk.h"

#include "tests/unit/workloads/drive.h"
#include "tests/support/target_open.h"

struct bulk_fixture {
    struct bulk bulk;
    struct target *target;
    struct target_table *table;
    uint64_t visited, missing, limit;
    unsigned passes;
};

/* What bulk_prove's pass gets as its workload. */
struct workload {
    unsigned passes, failures;
};

static uint64_t key_of(void *arg, uint64_t i)
{
    (void)arg;
    return i * 3;
}

static void fill(void *arg, uint64_t key, void *data)
{
    (void)arg;
    *(uint64_t *)data = key;
}

static bool visit(void *arg, uint64_t key, const void *data, size_t bytes)
{
    struct bulk_fixture *fixture = arg;
    assert_int_equal(key, fixture->visited * 3); /* each once, in order */
    fixture->visited++;
    if (data) {
        assert_int_equal(bytes, 8);
        assert_int_equal(*(const uint64_t *)data, key);
    } else {
        fixture->missing++;
    }
    return fixture->visited < fixture->limit;
}

static void open_with(struct bulk_fixture *fixture, enum target_index_kind kind)
{
    char error[256];
    struct target_table_config table = {.payload_max_bytes = 8};
    struct target_index_config index = {.kind = kind, .key_bytes = 8};
    *fixture = (struct bulk_fixture){.limit = UINT64_MAX};
    fixture->bulk = (struct bulk){
        .ops = &oracle_target_ops, .bytes = 8, .arg = fixture, .key = key_of, .fill = fill, .visit = visit};
    assert_int_equal(target_open(&oracle_target_ops, NULL, &fixture->target, error, sizeof error), TARGET_OK);
    assert_int_equal(oracle_target_ops.table_create(fixture->target, "t", &table, &fixture->table), TARGET_OK);
    assert_int_equal(oracle_target_ops.index_create(fixture->target, fixture->table, "i", &index, &fixture->bulk.index),
                     TARGET_OK);
    assert_int_equal(oracle_target_ops.worker_join(fixture->target, &fixture->bulk.worker), TARGET_OK);
    fixture->bulk.table = fixture->table;
}

static void open_bulk(struct bulk_fixture *fixture)
{
    open_with(fixture, TARGET_INDEX_HASH);
}

static void close_bulk(struct bulk_fixture *fixture)
{
    oracle_target_ops.worker_leave(fixture->bulk.worker);
    assert_int_equal(oracle_target_ops.close(fixture->target), TARGET_OK);
}

static void parts_cover_everything_once(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 7, 1000, UINT64_MAX / 2};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (unsigned parts = 1; parts < 20; parts++) {
            uint64_t expected = 0, first, last;
            for (unsigned part = 0; part < parts; part++) {
                bulk_part(sizes[s], part, parts, &first, &last);
                assert_true(first == expected && last >= first);
                assert_true(last - first <= sizes[s] / parts + 1);
                expected = last;
            }
            assert_true(expected == sizes[s]);
        }
}

static void retries_load_and_visit_each_row_once(void **state)
{
    (void)state;
    struct bulk_fixture fixture;
    struct workload_progress progress = {0};
    const _Atomic bool stop = false;
    open_bulk(&fixture);
    for (uint64_t first = 0; first < 1000; first += 100) {
        oracle_fail_at(fixture.target, first / 100 * 17 + 1, TARGET_RETRY + 4);
        assert_int_equal(bulk_load(&fixture.bulk, first, first + 100, &progress, &stop), TARGET_OK);
        assert_int_equal(progress.done, 100);
        assert_int_equal(progress.total, 100);
    }
    for (uint64_t fail_at = 1; fail_at < 60; fail_at += 7) { /* reads, before the first commit */
        fixture.visited = fixture.missing = 0;
        oracle_fail_at(fixture.target, fail_at, TARGET_RETRY + 2);
        assert_int_equal(bulk_walk(&fixture.bulk, 0, 1001), TARGET_OK);
        assert_int_equal(fixture.visited, 1001);
        assert_int_equal(fixture.missing, 1);
    }
    close_bulk(&fixture);
}

static void failures_and_stops_end_the_work(void **state)
{
    (void)state;
    struct bulk_fixture fixture;
    struct workload_progress progress = {0};
    _Atomic bool stop = true;
    open_bulk(&fixture);
    assert_int_equal(bulk_load(&fixture.bulk, 0, 1000, &progress, &stop), TARGET_OK);
    assert_int_equal(progress.done, 0);
    stop = false;
    oracle_fail_at(fixture.target, 100, TARGET_NO_MEMORY);
    assert_int_equal(bulk_load(&fixture.bulk, 0, 1000, &progress, &stop), TARGET_NO_MEMORY);
    assert_int_equal(bulk_load(&fixture.bulk, 0, 1000, &progress, &stop), TARGET_EXISTS); /* the first part is there */
    oracle_fail_at(fixture.target, 3, TARGET_NO_MEMORY);
    assert_int_equal(bulk_walk(&fixture.bulk, 0, 1000), TARGET_NO_MEMORY);
    fixture.visited = 0;
    fixture.limit = 10;
    assert_int_equal(bulk_walk(&fixture.bulk, 0, 1000), TARGET_CORRUPT);
    assert_int_equal(fixture.visited, 10);
    close_bulk(&fixture);
}

static enum target_status pass(struct workload *workload, struct target_worker *worker, char *report,
                               size_t report_bytes)
{
    (void)worker;
    if (++workload->passes > workload->failures)
        return TARGET_OK;
    snprintf(report, report_bytes, "finding %u", workload->passes);
    return TARGET_CORRUPT;
}

static void a_finding_must_be_found_twice(void **state)
{
    (void)state;
    struct bulk_fixture fixture;
    char report[64];
    open_bulk(&fixture);
    struct workload clean = {0, 0}, once = {0, 1}, always = {0, 100};
    assert_int_equal(bulk_prove(pass, &oracle_target_ops, &clean, fixture.bulk.worker, report, sizeof report),
                     TARGET_OK);
    assert_int_equal(clean.passes, 1);
    assert_int_equal(bulk_prove(pass, &oracle_target_ops, &once, fixture.bulk.worker, report, sizeof report),
                     TARGET_OK);
    assert_string_equal(report, "");
    assert_int_equal(bulk_prove(pass, &oracle_target_ops, &always, fixture.bulk.worker, report, sizeof report),
                     TARGET_CORRUPT);
    assert_string_equal(report, "finding 2");
    close_bulk(&fixture);
}

/* Around the size of a piece, with aborts in between. */
static void scans_visit_each_entry_once_in_order(void **state)
{
    static const uint64_t counts[] = {0, 1, BULK_ROWS - 1, BULK_ROWS, BULK_ROWS + 1, 2 * BULK_ROWS, 200};
    const _Atomic bool stop = false;
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct bulk_fixture fixture;
        struct workload_progress progress = {0};
        open_with(&fixture, TARGET_INDEX_ORDERED);
        assert_int_equal(bulk_load(&fixture.bulk, 0, counts[i], &progress, &stop), TARGET_OK);
        oracle_fail_at(fixture.target, counts[i] / 2 + 1, TARGET_RETRY + 1);
        assert_int_equal(bulk_scan(&fixture.bulk), TARGET_OK);
        assert_int_equal(fixture.visited, counts[i]);
        assert_int_equal(fixture.missing, 0);
        close_bulk(&fixture);
    }
}

static void scans_end_where_the_visitor_says(void **state)
{
    struct bulk_fixture fixture;
    struct workload_progress progress = {0};
    const _Atomic bool stop = false;
    (void)state;
    open_with(&fixture, TARGET_INDEX_ORDERED);
    assert_int_equal(bulk_load(&fixture.bulk, 0, 200, &progress, &stop), TARGET_OK);
    fixture.limit = 70;
    assert_int_equal(bulk_scan(&fixture.bulk), TARGET_CORRUPT);
    assert_int_equal(fixture.visited, 70);
    fixture.visited = 0;
    oracle_fail_at(fixture.target, 5, TARGET_NO_MEMORY);
    assert_int_equal(bulk_scan(&fixture.bulk), TARGET_NO_MEMORY);
    close_bulk(&fixture);
}

/* An entry to a row that is not there is a key without data. */
static void scans_show_entries_that_lead_nowhere(void **state)
{
    struct bulk_fixture fixture;
    struct workload_progress progress = {0};
    const _Atomic bool stop = false;
    struct target_txn *txn;
    uint64_t key = 3, ref;
    (void)state;
    open_with(&fixture, TARGET_INDEX_ORDERED);
    assert_int_equal(bulk_load(&fixture.bulk, 0, 4, &progress, &stop), TARGET_OK);
    assert_int_equal(oracle_target_ops.begin(fixture.bulk.worker, TARGET_READ_WRITE, &txn), TARGET_OK);
    assert_int_equal(oracle_target_ops.find(txn, fixture.bulk.index, &key, &ref), TARGET_OK);
    assert_int_equal(oracle_target_ops.row_erase(txn, fixture.table, ref), TARGET_OK);
    assert_int_equal(oracle_target_ops.commit(txn), TARGET_OK);
    assert_int_equal(bulk_scan(&fixture.bulk), TARGET_OK);
    assert_int_equal(fixture.visited, 4);
    assert_int_equal(fixture.missing, 1);
    close_bulk(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_cover_everything_once),      cmocka_unit_test(retries_load_and_visit_each_row_once),
        cmocka_unit_test(failures_and_stops_end_the_work),  cmocka_unit_test(scans_visit_each_entry_once_in_order),
        cmocka_unit_test(scans_end_where_the_visitor_says), cmocka_unit_test(scans_show_entries_that_lead_nowhere),
        cmocka_unit_test(a_finding_must_be_found_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
