/*
 * ermia.c - what the serial safety net (schemes/ermia.h) is for: of circles of dependencies that snapshot isolation
 * lets pass one transaction aborts, whatever the dependency is made of, and whatever the moment at which one looks for
 * the other. And what it must let pass.
 *
 * Most circles here are one: X reads key 0, then U writes it and commits; R sees that, and what X has not written yet,
 * and commits; X writes it. So R is after U, U after X, X after R.
 */
#include "tests/support/few_keys.h"

#include "engine/base/race.h"

enum { MISSING = 7 }; /* a key that is not there */

static void open_ermia(const char *isolation)
{
    open_fixture(&ermia_target_ops, "ermia_isolation", isolation);
}

/* X of the circle has begun, and U has committed. */
static struct target_txn *begin_circle(void)
{
    struct target_txn *x = begin_one(1, TARGET_READ_WRITE);
    assert_reads(x, 0, 1);
    commit_write(0, 2);
    return x;
}

/* ---- Rows. ---- */

static enum target_status skew(const char *isolation)
{
    open_ermia(isolation);
    return skewed();
}

static void skew_is_what_certification_is_for(void **state)
{
    (void)state;
    assert_reason(skew("ssn"), "exclusion");
    assert_int_equal(skew("si"), TARGET_OK);
}

/* Fekete, O'Neil, O'Neil: A Read-Only Transaction Anomaly Under Snapshot Isolation, SIGMOD Record 33(3), 2004. */
static enum target_status read_only_anomaly(const char *option, const char *word)
{
    open_fixture(&ermia_target_ops, option, word);
    struct target_txn *x = begin_circle(), *r = begin_one(2, TARGET_SNAPSHOT);
    assert_reads(r, 0, 2);
    assert_reads(r, 1, 1);
    assert_int_equal(fixture.ops->commit(r), TARGET_OK);
    assert_int_equal(write_one(x, 1, 2), TARGET_OK);
    enum target_status status = fixture.ops->commit(x);
    close_fixture();
    return status;
}

static void snapshots_are_certified_or_safe(void **state)
{
    (void)state;
    assert_reason(read_only_anomaly("ermia_isolation", "ssn"), "exclusion");
    assert_reason(read_only_anomaly("safe_snapshots", "off"), "exclusion");
    assert_int_equal(read_only_anomaly("ermia_isolation", "si"), TARGET_OK);
}

/* A snapshot in whose place another transaction would abort (a_reader_in_vain_aborts_early): it reads what was there
 * when it began, and commits, whatever has happened meanwhile; and whoever would close a circle with it aborts. */
static void a_safe_snapshot_never_aborts_for_rows(void **state)
{
    (void)state;
    for (int safe = 0; safe < 2; safe++) {
        open_fixture(&ermia_target_ops, "safe_snapshots", safe ? "on" : "off");
        struct target_txn *w = begin_circle(), *r = begin_one(2, TARGET_SNAPSHOT);
        assert_int_equal(write_one(w, 1, 2), TARGET_OK);
        enum target_status committed = fixture.ops->commit(w);
        assert_int_equal(committed == TARGET_OK, !safe);
        assert_reads(r, 0, 2);
        commit_write(0, 3);
        uint64_t key = 1;
        const void *data;
        enum target_status status = fixture.ops->read(r, fixture.index, &key, &data, NULL);
        assert_int_equal(status == TARGET_OK, safe);
        if (safe)
            assert_int_equal(fixture.ops->commit(r), TARGET_OK);
        else
            fixture.ops->abort(r);
        close_fixture();
    }
}

/* Who has read nothing that was overwritten before the snapshot commits beside it, whatever the snapshot reads. */
static void a_safe_snapshot_harms_few(void **state)
{
    (void)state;
    open_ermia("ssn");
    struct target_txn *w = begin_one(1, TARGET_READ_WRITE);
    assert_reads(w, 0, 1);
    struct target_txn *r = begin_one(2, TARGET_SNAPSHOT);
    assert_reads(r, 1, 1);
    commit_write(0, 2);
    assert_int_equal(write_one(w, 1, 2), TARGET_OK);
    assert_int_equal(fixture.ops->commit(w), TARGET_OK);
    assert_reads(r, 1, 1);
    assert_reads(r, 0, 1);
    assert_int_equal(fixture.ops->commit(r), TARGET_OK);
    close_fixture();
}

/* Without R, X is just ordered before U, although it ends later; and another R may come before both. */
static void order_may_differ_from_timestamps(void **state)
{
    (void)state;
    open_ermia("ssn");
    struct target_txn *r = begin_one(2, TARGET_READ_WRITE), *x = begin_circle();
    assert_reads(r, 1, 1);
    assert_reads(r, 0, 1);
    assert_int_equal(write_one(x, 1, 2), TARGET_OK);
    assert_int_equal(fixture.ops->commit(x), TARGET_OK);
    assert_int_equal(fixture.ops->commit(r), TARGET_OK);
    close_fixture();
}

/* Who can never commit any more aborts when it reads. */
static void a_reader_in_vain_aborts_early(void **state)
{
    uint64_t key = 1;
    const void *data;
    (void)state;
    open_ermia("ssn");
    struct target_txn *w = begin_circle(), *r = begin_one(2, TARGET_READ_WRITE);
    assert_int_equal(write_one(w, 1, 2), TARGET_OK);
    assert_int_equal(fixture.ops->commit(w), TARGET_OK);
    assert_reads(r, 0, 2);
    assert_reason(fixture.ops->read(r, fixture.index, &key, &data, NULL), "exclusion");
    fixture.ops->abort(r);
    close_fixture();
}

/* A writer that has not committed is no successor yet: CCBench's ERMIA takes its number for a timestamp. */
static void an_owner_is_no_successor(void **state)
{
    (void)state;
    open_ermia("ssn");
    struct target_txn *writer = begin_one(1, TARGET_READ_WRITE), *reader = begin_one(2, TARGET_READ_WRITE);
    assert_int_equal(write_one(writer, 0, 2), TARGET_OK);
    assert_reads(reader, 0, 1);
    assert_int_equal(fixture.ops->commit(reader), TARGET_OK);
    assert_int_equal(fixture.ops->commit(writer), TARGET_OK);
    close_fixture();
}

/* ---- Entries and absent rows. ---- */

/* Two insert, each if the other has not; their entries are there already, with rows that are absent. */
static void absence_is_read(void **state)
{
    (void)state;
    open_ermia("ssn");
    struct target_txn *one = begin_one(0, TARGET_READ_WRITE), *two = begin_one(1, TARGET_READ_WRITE);
    assert_int_equal(insert_one(one, MISSING), TARGET_OK);
    assert_int_equal(insert_one(two, MISSING + 1), TARGET_OK);
    assert_misses(one, MISSING + 1);
    assert_misses(two, MISSING);
    assert_int_equal(fixture.ops->commit(one), TARGET_OK);
    assert_reason(fixture.ops->commit(two), "exclusion");
    close_fixture();
}

/* Rows whose last version says that they are not there: they came and went in one transaction. Returns the next ref
 * that has not been used yet. */
static uint64_t leave_empty_versions(void)
{
    enum { ROWS = 40 };
    uint64_t key = MISSING, ref, limit = 0;
    void *data;
    for (unsigned i = 0; i < ROWS; i++) {
        struct target_txn *txn = begin_one(0, TARGET_READ_WRITE);
        assert_int_equal(fixture.ops->insert(txn, fixture.index, &key, 8, &ref, &data), TARGET_OK);
        assert_int_equal(fixture.ops->erase(txn, fixture.index, &key), TARGET_OK);
        assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
        fixture.ops->worker_idle(fixture.workers[0]);
        limit = ref >= limit ? ref + 1 : limit;
    }
    return limit;
}

/* The same as a skew with a row in the place of such a one: who misses it and who inserts it mean one absence. */
static void absence_is_read_once(void **state)
{
    uint64_t key = MISSING, ref;
    void *data;
    (void)state;
    open_ermia("ssn");
    uint64_t limit = leave_empty_versions();
    struct target_txn *inserter = begin_one(0, TARGET_READ_WRITE), *other = begin_one(1, TARGET_READ_WRITE);
    assert_reads(inserter, 0, 1);
    assert_int_equal(fixture.ops->insert(inserter, fixture.index, &key, 8, &ref, &data), TARGET_OK);
    assert_true(ref < limit);
    assert_misses(other, MISSING);
    assert_int_equal(write_one(other, 0, 2), TARGET_OK);
    assert_int_equal(fixture.ops->commit(other), TARGET_OK);
    assert_reason(fixture.ops->commit(inserter), "exclusion");
    close_fixture();
}

/* R misses a key that X then inserts. */
static void a_miss_precedes_the_insert(void **state)
{
    (void)state;
    open_ermia("ssn");
    struct target_txn *x = begin_circle(), *r = begin_one(2, TARGET_READ_WRITE);
    assert_reads(r, 0, 2);
    assert_misses(r, MISSING);
    assert_int_equal(fixture.ops->commit(r), TARGET_OK);
    assert_int_equal(insert_one(x, MISSING), TARGET_OK);
    assert_reason(fixture.ops->commit(x), "exclusion");
    close_fixture();
}

/* X misses a key whose entry R has taken out since X began. */
static void a_removal_precedes_the_miss(void **state)
{
    uint64_t key = 1;
    (void)state;
    open_ermia("ssn");
    struct target_txn *x = begin_circle(), *r = begin_one(2, TARGET_READ_WRITE);
    assert_reads(r, 0, 2);
    assert_int_equal(fixture.ops->erase(r, fixture.index, &key), TARGET_OK);
    assert_int_equal(fixture.ops->commit(r), TARGET_OK);
    assert_misses(x, key);
    assert_reason(fixture.ops->commit(x), "exclusion");
    close_fixture();
}

/* What was missed has come before the commit. */
static void a_miss_is_validated(void **state)
{
    (void)state;
    open_ermia("ssn");
    struct target_txn *one = begin_one(1, TARGET_READ_WRITE), *two = begin_one(2, TARGET_READ_WRITE);
    assert_misses(one, MISSING);
    assert_int_equal(insert_one(two, MISSING), TARGET_OK);
    assert_int_equal(fixture.ops->commit(two), TARGET_OK);
    assert_reason(fixture.ops->commit(one), "node_check");
    close_fixture();
}

/* phantoms=off is ERMIA as its authors ran it: the same passes. */
static void phantoms_off_lets_phantoms_pass(void **state)
{
    (void)state;
    open_fixture(&ermia_target_ops, "phantoms", "off");
    struct target_txn *x = begin_circle(), *r = begin_one(2, TARGET_READ_WRITE);
    assert_reads(r, 0, 2);
    assert_misses(r, MISSING);
    assert_int_equal(fixture.ops->commit(r), TARGET_OK);
    assert_int_equal(insert_one(x, MISSING), TARGET_OK);
    assert_int_equal(fixture.ops->commit(x), TARGET_OK);
    close_fixture();
}

/* ---- Moments. ---- */

#ifdef MAE_DEBUG
static struct {
    struct target_txn *txn;
    enum target_status status;
} inside;

/* R has committed, and its versions do not have its timestamp yet. */
static void commit_inside(enum race_point point)
{
    if (point != RACE_ROW_RAISE)
        return;
    race_hook = NULL;
    inside.status = fixture.ops->commit(inside.txn);
}

static void commit_two_inside(enum race_point point)
{
    if (point != RACE_ROW_RAISE)
        return;
    race_hook = NULL;
    commit_write(0, 3); /* takes the timestamp that the snapshot is about to say */
    inside.status = fixture.ops->commit(inside.txn);
}

/* X commits after the snapshot has looked at the counter, and before it says as of when it reads. Then it is too late
 * for that timestamp, and the snapshot must see what X has written. */
static void a_snapshot_looks_again(void **state)
{
    (void)state;
    open_ermia("ssn");
    inside.txn = begin_circle();
    assert_int_equal(write_one(inside.txn, 1, 2), TARGET_OK);
    race_hook = commit_two_inside;
    struct target_txn *r = begin_one(2, TARGET_SNAPSHOT);
    assert_null(race_hook);
    assert_int_equal(inside.status, TARGET_OK);
    assert_reads(r, 0, 3);
    assert_reads(r, 1, 2);
    assert_int_equal(fixture.ops->commit(r), TARGET_OK);
    close_fixture();
}

/* X commits while R, which has told that it has committed, has not left the rows that it has read. X must find R there,
 * whatever R's worker is called: that of CCBench's ERMIA with number 32 would be taken for number 0. */
static void a_reader_is_there_until_its_timestamp_is(void **state)
{
    static const unsigned numbers[] = {2, 32};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        open_ermia("ssn");
        inside.txn = begin_circle();
        assert_int_equal(write_one(inside.txn, 1, 2), TARGET_OK);
        struct target_txn *r = begin_one(numbers[i], TARGET_READ_WRITE);
        assert_reads(r, 1, 1); /* first, since X is to commit before R leaves it */
        assert_reads(r, 0, 2);
        race_hook = commit_inside;
        assert_int_equal(fixture.ops->commit(r), TARGET_OK);
        assert_null(race_hook);
        assert_reason(inside.status, "exclusion");
        close_fixture();
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skew_is_what_certification_is_for),
        cmocka_unit_test(snapshots_are_certified_or_safe),
        cmocka_unit_test(a_safe_snapshot_never_aborts_for_rows),
        cmocka_unit_test(a_safe_snapshot_harms_few),
        cmocka_unit_test(order_may_differ_from_timestamps),
        cmocka_unit_test(a_reader_in_vain_aborts_early),
        cmocka_unit_test(an_owner_is_no_successor),
        cmocka_unit_test(absence_is_read),
        cmocka_unit_test(absence_is_read_once),
        cmocka_unit_test(a_miss_precedes_the_insert),
        cmocka_unit_test(a_removal_precedes_the_miss),
        cmocka_unit_test(a_miss_is_validated),
        cmocka_unit_test(phantoms_off_lets_phantoms_pass),
#ifdef MAE_DEBUG
        cmocka_unit_test(a_reader_is_there_until_its_timestamp_is),
        cmocka_unit_test(a_snapshot_looks_again),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
