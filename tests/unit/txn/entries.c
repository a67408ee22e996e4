/* entries.c - a row that is deleted leaves no index entry behind (I4). */
#include "engine/txn/entries.h"

#include "engine/db/db.h"
#include "engine/store/table.h"
#include "tests/support/world.h"

enum { KEY = 5, OTHER = 6 };

static const enum mae_index_kind kinds[] = {MAE_INDEX_HASH, MAE_INDEX_ORDERED};

static const uint64_t key = KEY, other = OTHER;

/* A row with one entry. */
static struct world world_of_one(enum mae_index_kind kind, uint64_t *row)
{
    struct world world = world_open("gc_interval_us=1", kind, 8, 2);
    struct mae_txn *txn = begin(world.workers[0]);
    void *data;
    assert_ok(mae_insert(txn, world.index, &key, 8, row, &data));
    memset(data, 0, 8);
    assert_ok(mae_commit(txn));
    return world;
}

static struct mae_index *pairs_of(const struct world *world)
{
    struct mae_index *pairs;
    const struct mae_index_config config = {.kind = MAE_INDEX_ORDERED, .key_bytes = 8, .non_unique = true};
    assert_ok(mae_index_create(world->db, world->table, "pairs", &config, &pairs));
    return pairs;
}

static unsigned bodies;

static enum mae_status forget(struct mae_txn *txn, void *arg)
{
    const struct world *world = arg;
    uint64_t row;
    bodies++;
    enum mae_status status = mae_index_find(txn, world->index, &key, &row);
    return status == MAE_OK ? mae_row_delete(txn, world->table, row) : status;
}

static void a_deletion_that_leaves_an_entry_is_refused(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        uint64_t row, value;
        struct world world = world_of_one(kinds[k], &row);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_row_delete(txn, world.table, row));
        assert_status(MAE_CORRUPT, mae_commit(txn));
        bodies = 0;
        assert_status(MAE_CORRUPT, mae_run(world.workers[0], MAE_READ_WRITE, forget, &world, 0));
        assert_int_equal(bodies, 1);
        txn = begin(world.workers[0]); /* nothing has happened */
        assert_ok(key_get(txn, world.index, KEY, &value));
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

/* The deletion comes later in the order of timestamps: had the entry gone, it would not have been refused. */
static void what_a_refused_deletion_has_read_stays(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        uint64_t row;
        struct world world = world_of_one(kinds[k], &row);
        struct mae_txn *remover = begin(world.workers[0]), *deleter = begin(world.workers[1]);
        assert_ok(mae_index_remove(remover, world.index, &key, row));
        assert_ok(mae_row_delete(deleter, world.table, row));
        assert_status(MAE_CORRUPT, mae_commit(deleter));
        assert_true(mae_status_is_retryable(mae_commit(remover)));
        world_close(&world);
    }
}

static void every_index_of_the_table_counts(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        uint64_t row;
        struct world world = world_of_one(kinds[k], &row);
        struct mae_index *pairs = pairs_of(&world);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_index_insert(txn, pairs, &other, row));
        assert_ok(mae_index_insert(txn, pairs, &key, row));
        assert_ok(mae_commit(txn));
        for (int removed = 0; removed < 3; removed++) { /* in the end all are */
            txn = begin(world.workers[0]);
            assert_ok(mae_delete(txn, world.index, &key));
            if (removed > 0)
                assert_ok(mae_index_remove(txn, pairs, &key, row));
            if (removed > 1)
                assert_ok(mae_index_remove(txn, pairs, &other, row));
            if (removed > 1)
                assert_ok(mae_commit(txn));
            else
                assert_status(MAE_CORRUPT, mae_commit(txn));
        }
        world_close(&world);
    }
}

static void what_did_not_happen_does_not_count(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        uint64_t row, more;
        struct world world = world_of_one(kinds[k], &row);
        struct mae_index *pairs = pairs_of(&world);
        void *data;
        struct mae_txn *txn = begin(world.workers[0]); /* rolled back */
        assert_ok(mae_index_insert(txn, world.index, &other, row));
        assert_ok(mae_index_insert(txn, pairs, &other, row));
        assert_ok(mae_abort(txn));
        txn = begin(world.workers[0]); /* refused, and there already */
        assert_ok(mae_index_insert(txn, pairs, &other, row));
        assert_status(MAE_EXISTS, mae_index_insert(txn, pairs, &other, row));
        assert_status(MAE_EXISTS, mae_index_insert(txn, world.index, &key, row));
        assert_status(MAE_NOT_FOUND, mae_index_remove(txn, world.index, &other, row));
        assert_status(MAE_EXISTS, mae_insert(txn, world.index, &key, 8, &more, &data));
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]); /* inserted and gone again */
        assert_ok(mae_insert(txn, world.index, &other, 8, &more, &data));
        assert_ok(mae_row_delete(txn, world.table, more));
        assert_ok(mae_index_remove(txn, world.index, &other, more));
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]); /* removed before the row is deleted */
        assert_ok(mae_index_remove(txn, world.index, &key, row));
        assert_ok(mae_index_remove(txn, pairs, &other, row));
        assert_ok(mae_row_delete(txn, world.table, row));
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

static void a_new_row_may_not_leave_an_entry_either(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        uint64_t row;
        struct world world = world_of_one(kinds[k], &row);
        void *data;
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_insert(txn, world.index, &other, 8, &row, &data));
        assert_ok(mae_row_delete(txn, world.table, row));
        assert_status(MAE_CORRUPT, mae_commit(txn));
        world_close(&world);
    }
}

static void an_entry_needs_a_row(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        uint64_t row, fresh;
        struct world world = world_of_one(kinds[k], &row);
        struct mae_txn *txn = begin(world.workers[0]);
        const uint64_t never = mae_table_row_limit(world.table) - 1;
        void *data;
        assert_int_not_equal(never, row);
        assert_status(MAE_NOT_FOUND, mae_index_insert(txn, world.index, &other, never));
        assert_ok(mae_delete(txn, world.index, &key));
        assert_status(MAE_NOT_FOUND, mae_index_insert(txn, world.index, &other, row)); /* own deletion */
        assert_ok(mae_row_insert(txn, world.table, 8, &fresh, &data));
        assert_ok(mae_row_delete(txn, world.table, fresh));
        assert_status(MAE_NOT_FOUND, mae_index_insert(txn, world.index, &other, fresh));
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]);
        assert_status(MAE_NOT_FOUND, mae_index_insert(txn, world.index, &other, row));
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

/* Who adds an entry writes the row: either is first, and the other fails. */
static void an_entry_and_the_deletion_of_its_row_conflict(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        uint64_t row;
        struct world world = world_of_one(kinds[k % 2], &row);
        struct mae_index *index = k < 2 ? world.index : pairs_of(&world);
        struct mae_txn *adds = begin(world.workers[0]), *deletes = begin(world.workers[1]);
        assert_ok(mae_index_insert(adds, index, &other, row));
        assert_ok(mae_delete(deletes, world.index, &key));
        assert_ok(mae_commit(deletes));
        assert_true(mae_status_is_retryable(mae_commit(adds)));
        world_close(&world);

        world = world_of_one(kinds[k % 2], &row);
        index = k < 2 ? world.index : pairs_of(&world);
        adds = begin(world.workers[0]);
        deletes = begin(world.workers[1]);
        assert_ok(mae_delete(deletes, world.index, &key));
        assert_ok(mae_index_insert(adds, index, &other, row));
        assert_ok(mae_commit(adds));
        assert_true(mae_status_is_retryable(mae_commit(deletes)));
        world_close(&world);
    }
}

/* A blind write above could have committed by now, and a deletion above that, which would have missed the entry. */
static void an_entry_does_not_come_below_a_blind_write(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        uint64_t row;
        struct world world = world_of_one(kinds[k], &row);
        struct mae_txn *adds = begin(world.workers[0]), *blind = begin(world.workers[1]);
        assert_ok(row_set(adds, world.table, row, 1));
        assert_ok(mae_index_insert(adds, world.index, &other, row));
        assert_ok(row_set(blind, world.table, row, 2));
        assert_ok(mae_commit(blind));
        assert_status(MAE_ABORT_WRITE_CHECK, mae_commit(adds));
        world_close(&world);
    }
}

static void entries_that_move_are_counted_where_they_lead(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        uint64_t rows[2];
        struct world world = world_of_one(kinds[k], &rows[0]);
        void *data;
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_insert(txn, world.index, &other, 8, &rows[1], &data));
        memset(data, 0, 8);
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]); /* one row has both, the other none */
        assert_ok(mae_index_remove(txn, world.index, &other, rows[1]));
        assert_ok(mae_index_insert(txn, world.index, &other, rows[0]));
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]);
        assert_ok(mae_row_delete(txn, world.table, rows[1]));
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]);
        assert_ok(mae_delete(txn, world.index, &key));
        assert_status(MAE_CORRUPT, mae_commit(txn));
        world_close(&world);
    }
}

/* The row is only touched when its entry goes, so that a full database can be emptied in this order, too. */
static void a_row_that_loses_its_entry_and_goes_is_not_copied(void **state)
{
    (void)state;
    enum { BYTES = 60000 };
    for (int k = 0; k < 3; k++) {
        struct world world = world_open(k < 2 ? "memory_limit=64M huge_pages=off gc_interval_us=1"
                                              : "memory_limit=64M huge_pages=off simple_index_update=on",
                                        kinds[k > 0], BYTES, 1);
        struct mae_worker *worker = world.workers[0];
        uint64_t count = 0, discarded, row;
        enum mae_status status;
        for (;; count++) {
            void *data;
            struct mae_txn *txn = begin(worker);
            status = mae_insert(txn, world.index, &count, BYTES, &row, &data);
            if (status != MAE_OK)
                break;
            assert_ok(mae_commit(txn));
        }
        assert_true(mae_status_is_abort(status) && count > 0);
        assert_ok(mae_abort(&worker->txn));
        discarded = worker_counter(worker, "versions_discarded");
        for (uint64_t i = 0; i < count; i++) {
            struct mae_txn *txn = begin(worker);
            assert_ok(mae_index_find(txn, world.index, &i, &row));
            assert_ok(mae_index_remove(txn, world.index, &i, row));
            assert_ok(mae_row_delete(txn, world.table, row));
            assert_ok(mae_commit(txn));
        }
        assert_int_equal(worker_counter(worker, "versions_discarded"), discarded);
        world_close(&world);
    }
}

/* What a transaction reads and writes in a row that it has touched is what it would be without that. */
static void a_touched_row_is_like_any_other(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        uint64_t row, value;
        struct world world = world_of_one(kinds[k], &row);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_index_insert(txn, world.index, &other, row)); /* touched, then read and changed */
        assert_ok(key_get(txn, world.index, OTHER, &value));
        assert_int_equal(value, 0);
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(key_get(txn, world.index, OTHER, &value));
        assert_int_equal(value, 1);
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]); /* only touched: the copy is equal */
        assert_ok(mae_index_remove(txn, world.index, &other, row));
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]); /* changed, then touched */
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(mae_index_insert(txn, world.index, &other, row));
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]); /* touched, then written blindly */
        assert_ok(mae_index_remove(txn, world.index, &other, row));
        assert_ok(row_get(txn, world.table, row, &value));
        assert_int_equal(value, 3);
        assert_ok(row_set(txn, world.table, row, 9));
        assert_ok(mae_commit(txn));
        assert_int_equal(row_value(world.workers[1], world.table, row), 9);
        world_close(&world);
    }
}

/* Adds or removes `count` entries of one row. */
static void change_many(struct mae_txn *txn, struct mae_index *pairs, uint64_t row, uint64_t count, bool add)
{
    for (uint64_t i = 0; i < count; i++)
        assert_ok(add ? mae_index_insert(txn, pairs, &i, row) : mae_index_remove(txn, pairs, &i, row));
}

/* However many entries a row has, one that is left is noticed: also where the number leaves the row's lock byte. */
static void many_entries_are_counted(void **state)
{
    (void)state;
    static const uint64_t counts[] = {ROW_ENTRIES_MANY - 2, ROW_ENTRIES_MANY - 1, ROW_ENTRIES_MANY, 300, 1000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const uint64_t count = counts[i], last = count - 1;
        uint64_t row;
        struct world world = world_of_one(MAE_INDEX_HASH, &row);
        struct mae_index *pairs = pairs_of(&world);
        struct table *table = &world.table->rows;
        struct mae_txn *txn = begin(world.workers[0]);
        change_many(txn, pairs, row, count, true);
        assert_ok(mae_commit(txn));
        world_verify(world.db);
        assert_int_equal(row_entries(table, table_row(table, row)), count + 1); /* one is in the other index */
        txn = begin(world.workers[0]);
        assert_ok(mae_delete(txn, world.index, &key));
        change_many(txn, pairs, row, count - 1, false);
        assert_status(MAE_CORRUPT, mae_commit(txn));
        txn = begin(world.workers[0]);
        change_many(txn, pairs, row, count - 1, false);
        assert_ok(mae_commit(txn));
        assert_int_equal(row_entries(table, table_row(table, row)), 2);
        txn = begin(world.workers[0]);
        assert_ok(mae_delete(txn, world.index, &key));
        assert_ok(mae_index_remove(txn, pairs, &last, row));
        assert_ok(mae_commit(txn));
        assert_int_equal(row_entries(table, table_row(table, row)), 0);
        world_close(&world);
    }
}

/* In one transaction, too. */
static void many_changes_are_counted(void **state)
{
    (void)state;
    enum { CHANGES = 300 };
    uint64_t row;
    struct world world = world_of_one(MAE_INDEX_ORDERED, &row);
    struct mae_index *pairs = pairs_of(&world);
    struct mae_txn *txn = begin(world.workers[0]);
    change_many(txn, pairs, row, CHANGES, true);
    change_many(txn, pairs, row, CHANGES - 1, false);
    assert_ok(mae_commit(txn));
    const uint64_t last = CHANGES - 1;
    for (int all = 0; all < 2; all++) {
        txn = begin(world.workers[0]);
        assert_ok(mae_delete(txn, world.index, &key));
        if (all)
            assert_ok(mae_index_remove(txn, pairs, &last, row));
        if (all)
            assert_ok(mae_commit(txn));
        else
            assert_status(MAE_CORRUPT, mae_commit(txn));
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deletion_that_leaves_an_entry_is_refused),
        cmocka_unit_test(what_a_refused_deletion_has_read_stays),
        cmocka_unit_test(every_index_of_the_table_counts),
        cmocka_unit_test(what_did_not_happen_does_not_count),
        cmocka_unit_test(a_new_row_may_not_leave_an_entry_either),
        cmocka_unit_test(an_entry_needs_a_row),
        cmocka_unit_test(an_entry_and_the_deletion_of_its_row_conflict),
        cmocka_unit_test(an_entry_does_not_come_below_a_blind_write),
        cmocka_unit_test(entries_that_move_are_counted_where_they_lead),
        cmocka_unit_test(a_row_that_loses_its_entry_and_goes_is_not_copied),
        cmocka_unit_test(a_touched_row_is_like_any_other),
        cmocka_unit_test(many_entries_are_counted),
        cmocka_unit_test(many_changes_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
