/*
 * hekaton.c - what several versions of a row are for (schemes/hekaton.h): snapshots that see the past and never abort
 * for a row, the first writer wins, and what hekaton_validate leaves out.
 */
#include "tests/support/few_keys.h"

#include <pthread.h>
#include <semaphore.h>

#include "engine/base/race.h"

static void snapshot_sees_the_past(void **state)
{
    enum { COMMITS = 200 }; /* enough for versions to be given back */
    (void)state;
    open_fixture(&hekaton_target_ops, "hekaton_validate", "full");
    struct target_txn *snapshot = begin_one(1, TARGET_SNAPSHOT);
    assert_reads(snapshot, 0, 1);
    for (uint64_t i = 2; i < COMMITS; i++) {
        struct target_txn *txn = begin_one(0, TARGET_READ_WRITE);
        for (uint64_t key = 0; key < KEYS; key++)
            assert_int_equal(write_one(txn, key, i), TARGET_OK);
        assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    }
    for (uint64_t key = 0; key < KEYS; key++)
        assert_reads(snapshot, key, 1);
    assert_int_equal(fixture.ops->commit(snapshot), TARGET_OK);
    snapshot = begin_one(1, TARGET_SNAPSHOT);
    assert_reads(snapshot, 1, COMMITS - 1);
    assert_int_equal(fixture.ops->commit(snapshot), TARGET_OK);
    close_fixture();
}

/* A deleted row is there for who began before; its entry has gone, so who has not met it yet aborts. */
static void snapshot_outlives_a_delete(void **state)
{
    uint64_t key = 0;
    const void *data;
    (void)state;
    open_fixture(&hekaton_target_ops, "hekaton_validate", "full");
    struct target_txn *snapshot = begin_one(1, TARGET_SNAPSHOT), *txn = begin_one(0, TARGET_READ_WRITE);
    assert_reads(snapshot, 1, 1);
    assert_int_equal(fixture.ops->erase(txn, fixture.index, &key), TARGET_OK);
    assert_reads(snapshot, 0, 1);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    assert_reason(fixture.ops->read(snapshot, fixture.index, &key, &data, NULL), "node_check");
    fixture.ops->abort(snapshot);
    snapshot = begin_one(1, TARGET_SNAPSHOT);
    assert_int_equal(fixture.ops->read(snapshot, fixture.index, &key, &data, NULL), TARGET_NOT_FOUND);
    assert_int_equal(fixture.ops->commit(snapshot), TARGET_OK);
    close_fixture();
}

static void first_writer_wins(void **state)
{
    (void)state;
    open_fixture(&hekaton_target_ops, "hekaton_validate", "full");
    struct target_txn *one = begin_one(0, TARGET_READ_WRITE), *two = begin_one(1, TARGET_READ_WRITE);
    assert_int_equal(write_one(one, 0, 2), TARGET_OK);
    assert_reason(write_one(two, 0, 3), "lock");
    fixture.ops->abort(two);
    two = begin_one(1, TARGET_READ_WRITE);
    assert_int_equal(fixture.ops->commit(one), TARGET_OK);
    assert_reason(write_one(two, 0, 3), "newer");
    fixture.ops->abort(two);
    two = begin_one(1, TARGET_READ_WRITE);
    assert_reads(two, 0, 2);
    assert_int_equal(fixture.ops->commit(two), TARGET_OK);
    close_fixture();
}

static enum target_status skew(const char *validate)
{
    open_fixture(&hekaton_target_ops, "hekaton_validate", validate);
    return skewed();
}

static void skew_is_what_validation_is_for(void **state)
{
    (void)state;
    assert_reason(skew("full"), "read_check");
    assert_int_equal(skew("dbx1000"), TARGET_OK);
}

#ifdef MAE_DEBUG
/* ---- An entry that goes and comes back while a snapshot looks at it. ---- */

static const uint64_t ALIAS = 100; /* a second key of the row that key 0 leads to */

static struct {
    uint64_t ref;
    pthread_t remover;
    sem_t removes, may_end; /* the remover is about to take its entry out of the index; it may go on */
    bool waits, waited, added;
} alias;

static void change_alias(unsigned worker, bool add)
{
    struct target_txn *txn = begin_one(worker, TARGET_READ_WRITE);
    enum target_status status = add ? fixture.ops->index_insert(txn, fixture.index, &ALIAS, alias.ref)
                                    : fixture.ops->index_remove(txn, fixture.index, &ALIAS, alias.ref);
    assert_int_equal(status, TARGET_OK);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
}

static void *remove_alias(void *arg)
{
    (void)arg;
    change_alias(1, false);
    return NULL;
}

/* Three steps, each once: the remover, whose end timestamp is drawn by now, stops before it changes the index; the
 * snapshot, which has found the entry and waits for the remover to end, lets it; and before the snapshot looks whether
 * the entry is still there, another transaction adds it again. */
static void pass_the_alias_on(enum race_point point)
{
    if (point == RACE_ENTRY_APPLY && !alias.waits) {
        alias.waits = true;
        sem_post(&alias.removes);
        sem_wait(&alias.may_end);
    } else if (point == RACE_WAIT_LOCK && !alias.waited) {
        alias.waited = true;
        sem_post(&alias.may_end);
        pthread_join(alias.remover, NULL);
    } else if (point == RACE_ENTRY_CHECK && alias.waited && !alias.added) {
        alias.added = true;
        change_alias(2, true);
    }
}

/* As of its beginning the entry is not there. */
static void snapshot_sees_no_entry_that_came_back(void **state)
{
    uint64_t key = 0, ref;
    (void)state;
    open_fixture(&hekaton_target_ops, "hekaton_validate", "full");
    alias.waits = alias.waited = alias.added = false;
    sem_init(&alias.removes, 0, 0);
    sem_init(&alias.may_end, 0, 0);
    struct target_txn *txn = begin_one(0, TARGET_READ_WRITE);
    assert_int_equal(fixture.ops->find(txn, fixture.index, &key, &alias.ref), TARGET_OK);
    assert_int_equal(fixture.ops->index_insert(txn, fixture.index, &ALIAS, alias.ref), TARGET_OK);
    assert_int_equal(fixture.ops->commit(txn), TARGET_OK);
    race_hook = pass_the_alias_on;
    assert_int_equal(pthread_create(&alias.remover, NULL, remove_alias, NULL), 0);
    sem_wait(&alias.removes);
    txn = begin_one(0, TARGET_SNAPSHOT);
    assert_reason(fixture.ops->find(txn, fixture.index, &ALIAS, &ref), "node_check");
    race_hook = NULL;
    fixture.ops->abort(txn);
    assert_true(alias.waited && alias.added);
    sem_destroy(&alias.may_end);
    sem_destroy(&alias.removes);
    close_fixture();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_sees_the_past),
        cmocka_unit_test(snapshot_outlives_a_delete),
        cmocka_unit_test(first_writer_wins),
        cmocka_unit_test(skew_is_what_validation_is_for),
#ifdef MAE_DEBUG
        cmocka_unit_test(snapshot_sees_no_entry_that_came_back),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
