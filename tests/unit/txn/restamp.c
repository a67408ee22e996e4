/*
 * restamp.c - transactions that move behind others: when, where to, and when not (engine/txn/restamp.h).
 *
 * Two workers on one thread; the order of begin is the order of timestamps, so every outcome is certain.
 * Catches the mutations restamp_unread, restamp_linked, restamp_clock_stays, restamp_untold and restamp_retry_early.
 */
#include "engine/db/db.h"
#include "tests/support/world.h"

#include <inttypes.h>

static const char *const options[] = {"restamp=off", "restamp=retry", "restamp=extend"};
enum { OFF, RETRY, EXTEND, OPTION_COUNT };

static struct world open_world(int option, const char *more)
{
    char text[200];
    snprintf(text, sizeof text, "%s %s", options[option], more);
    return world_open(text, MAE_INDEX_HASH, 8, 2);
}

enum conflict { READ, WRITTEN, DELETED };

/* A later transaction reads or writes the row and commits. Returns its timestamp. */
static uint64_t meet(const struct world *world, struct mae_txn *later, uint64_t row, enum conflict conflict)
{
    uint64_t value;
    if (conflict == READ)
        assert_ok(row_get(later, world->table, row, &value));
    else
        assert_ok(conflict == WRITTEN ? row_add(later, world->table, row, 10)
                                      : mae_row_delete(later, world->table, row));
    assert_ok(mae_commit(later));
    return mae_txn_timestamp(later);
}

static void a_write_goes_behind_a_later_reader_or_writer(void **state)
{
    (void)state;
    for (int option = 0; option < OPTION_COUNT; option++) {
        for (enum conflict conflict = READ; conflict <= WRITTEN; conflict++) {
            struct world world = open_world(option, "");
            uint64_t row = new_row(world.workers[0], world.table, 5);
            struct mae_txn *txn = begin(world.workers[0]), *later = begin(world.workers[1]);
            uint64_t began = mae_txn_timestamp(txn), met = meet(&world, later, row, conflict);
            enum mae_status status = row_add(txn, world.table, row, 1);
            if (option == EXTEND) {
                assert_ok(status);
                assert_true(mae_txn_timestamp(txn) > met);
                uint64_t moved = mae_txn_timestamp(txn);
                assert_ok(mae_commit(txn));
                assert_int_equal(mae_txn_timestamp(txn), moved);
                assert_int_equal(mae_worker_last_commit(world.workers[0]), moved);
                assert_int_equal(row_value(world.workers[0], world.table, row), conflict == READ ? 6 : 16);
            } else {
                if (conflict == READ)
                    assert_status(MAE_ABORT_RTS, status);
                else
                    assert_status(MAE_ABORT_NEWER, status);
                assert_int_equal(mae_txn_timestamp(txn), began);
                mae_abort(txn);
            }
            assert_int_equal(db_counter(world.db, "restamps"), option == EXTEND);
            world_close(&world);
        }
    }
}

static void a_write_goes_behind_a_later_writer_and_its_readers(void **state)
{
    (void)state;
    struct world world = open_world(EXTEND, "");
    uint64_t row = new_row(world.workers[0], world.table, 5);
    struct mae_txn *txn = begin(world.workers[0]);
    (void)meet(&world, begin(world.workers[1]), row, WRITTEN);
    uint64_t met = meet(&world, begin(world.workers[1]), row, READ);
    assert_ok(row_add(txn, world.table, row, 1));
    assert_true(mae_txn_timestamp(txn) > met);
    assert_ok(mae_commit(txn));
    assert_int_equal(row_value(world.workers[0], world.table, row), 16);
    world_close(&world);
}

static void a_blind_write_goes_behind_a_later_reader(void **state)
{
    (void)state;
    struct world world = open_world(EXTEND, "");
    uint64_t row = new_row(world.workers[0], world.table, 5);
    struct mae_txn *txn = begin(world.workers[0]), *later = begin(world.workers[1]);
    uint64_t met = meet(&world, later, row, READ);
    assert_ok(row_set(txn, world.table, row, 7));
    assert_true(mae_txn_timestamp(txn) > met);
    assert_ok(mae_commit(txn));
    assert_int_equal(row_value(world.workers[1], world.table, row), 7);
    world_close(&world);
}

/* Before they are noted; and before the transaction reads what they make of the row. */
static void noted_operations_go_behind_a_later_reader(void **state)
{
    (void)state;
    const int64_t one = 1;
    for (int noted = 0; noted < 2; noted++) {
        struct world world = open_world(EXTEND, "");
        uint64_t row = new_row(world.workers[0], world.table, 5), value;
        struct mae_txn *txn = begin(world.workers[0]), *later = begin(world.workers[1]);
        if (noted)
            assert_ok(mae_row_apply(txn, world.table, row, MAE_ADD, 0, &one, sizeof one));
        uint64_t met = meet(&world, later, row, READ);
        if (!noted)
            assert_ok(mae_row_apply(txn, world.table, row, MAE_ADD, 0, &one, sizeof one));
        else
            assert_ok(row_get(txn, world.table, row, &value));
        assert_true(mae_txn_timestamp(txn) > met);
        assert_ok(mae_commit(txn));
        assert_int_equal(row_value(world.workers[1], world.table, row), 6);
        world_close(&world);
    }
}

static void a_row_that_a_later_transaction_has_deleted_is_not_there(void **state)
{
    (void)state;
    struct world world = open_world(EXTEND, "");
    uint64_t row = new_row(world.workers[0], world.table, 5);
    struct mae_txn *txn = begin(world.workers[0]), *later = begin(world.workers[1]);
    meet(&world, later, row, DELETED);
    assert_status(MAE_NOT_FOUND, row_add(txn, world.table, row, 1));
    assert_ok(mae_commit(txn)); /* what it knows is true at its new place */
    world_close(&world);
}

/* T5: from behind the other one the transaction would not see what it has read. */
static void who_has_read_what_has_changed_since_does_not_move(void **state)
{
    (void)state;
    struct world world = open_world(EXTEND, "");
    uint64_t read = new_row(world.workers[0], world.table, 1), row = new_row(world.workers[0], world.table, 2), value;
    struct mae_txn *txn = begin(world.workers[0]), *later = begin(world.workers[1]);
    uint64_t began = mae_txn_timestamp(txn);
    assert_ok(row_get(txn, world.table, read, &value));
    assert_ok(row_add(later, world.table, read, 1));
    meet(&world, later, row, WRITTEN);
    assert_status(MAE_ABORT_NEWER, row_add(txn, world.table, row, 1));
    assert_int_equal(mae_txn_timestamp(txn), began);
    mae_abort(txn);
    assert_int_equal(db_counter(world.db, "restamps"), 0);
    world_close(&world);
}

/* Aborted versions above what was read change nothing. */
static void what_was_read_may_lie_below_aborted_versions(void **state)
{
    (void)state;
    struct world world = open_world(EXTEND, "precheck=off gc_interval_us=1000000");
    uint64_t rows[3], value;
    for (int i = 0; i < 3; i++)
        rows[i] = new_row(world.workers[0], world.table, 1);
    struct mae_txn *first = begin(world.workers[0]), *early = begin(world.workers[1]);
    assert_ok(row_get(early, world.table, rows[0], &value));
    assert_ok(row_add(early, world.table, rows[1], 1));
    assert_ok(row_add(first, world.table, rows[0], 1)); /* so `early` aborts once it has installed its version */
    assert_ok(mae_commit(first));
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(row_get(txn, world.table, rows[1], &value));
    assert_true(mae_status_is_retryable(mae_commit(early)));
    struct mae_txn *later = begin(world.workers[1]);
    meet(&world, later, rows[2], READ);
    assert_ok(row_add(txn, world.table, rows[2], 1));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

static void a_commit_goes_behind_who_has_read_what_it_writes(void **state)
{
    (void)state;
    for (int blind = 0; blind < 2; blind++) {
        for (int precheck = 0; precheck < 2; precheck++) {
            struct world world = open_world(EXTEND, precheck ? "adaptive_skip=off" : "precheck=off");
            uint64_t row = new_row(world.workers[0], world.table, 5), other = new_row(world.workers[0], world.table, 5);
            struct mae_txn *txn = begin(world.workers[0]), *later = begin(world.workers[1]);
            assert_ok(row_add(txn, world.table, other, 1)); /* installed before the row with the conflict */
            assert_ok(blind ? row_set(txn, world.table, row, 6) : row_add(txn, world.table, row, 1));
            uint64_t met = meet(&world, later, row, READ);
            assert_ok(mae_commit(txn));
            assert_true(mae_txn_timestamp(txn) > met);
            assert_int_equal(row_value(world.workers[1], world.table, row), 6);
            assert_int_equal(row_value(world.workers[1], world.table, other), 6);
            world_close(&world);
        }
    }
}

/* T4: what comes after a transaction that has moved is later, of its worker and of the next one with the number. */
static void timestamps_grow_past_one_that_has_moved(void **state)
{
    (void)state;
    const uint64_t far = UINT64_C(1) << 45; /* minutes ahead */
    for (int leaves = 0; leaves < 2; leaves++) {
        struct world world = open_world(EXTEND, "clock_sync_us=0");
        uint64_t row = new_row(world.workers[0], world.table, 5);
        struct mae_txn *txn = begin(world.workers[0]), *later, *next;
        assert_ok(mae_begin(world.workers[1], MAE_READ_WRITE, far, &later));
        meet(&world, later, row, READ);
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(mae_commit(txn));
        uint64_t moved = mae_txn_timestamp(txn);
        assert_true(moved > far);
        if (leaves) {
            mae_worker_leave(world.workers[0]);
            assert_ok(mae_worker_join(world.db, &world.workers[0]));
        }
        assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &next));
        assert_true(mae_txn_timestamp(next) > moved);
        assert_ok(mae_commit(next));
        world_close(&world);
    }
}

static void a_retry_begins_behind_what_its_predecessor_met(void **state)
{
    (void)state;
    const uint64_t far = UINT64_C(1) << 45;
    for (int option = 0; option < OPTION_COUNT; option++) {
        for (enum conflict conflict = READ; conflict <= WRITTEN; conflict++) {
            struct world world = open_world(option, "clock_sync_us=0 clock_boost_ns=0");
            uint64_t row = new_row(world.workers[0], world.table, 5), value;
            struct mae_txn *txn = begin(world.workers[0]), *later, *again;
            assert_ok(row_get(txn, world.table, row, &value)); /* so that it does not move behind a writer */
            assert_ok(mae_begin(world.workers[1], MAE_READ_WRITE, far, &later));
            meet(&world, later, row, conflict);
            enum mae_status status = row_add(txn, world.table, row, 1);
            if (option == EXTEND && conflict == READ)
                assert_ok(status);
            else
                assert_true(mae_status_is_retryable(status));
            mae_abort(txn);
            assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &again));
            assert_int_equal(mae_txn_timestamp(again) > mae_txn_timestamp(later), option != OFF);
            mae_abort(again);
            world_close(&world);
        }
    }
}

static void snapshots_do_not_move(void **state)
{
    (void)state;
    struct world world = open_world(EXTEND, "");
    uint64_t row = new_row(world.workers[0], world.table, 5), value;
    struct mae_txn *snapshot;
    assert_ok(mae_begin(world.workers[0], MAE_SNAPSHOT, mae_worker_last_commit(world.workers[0]), &snapshot));
    uint64_t began = mae_txn_timestamp(snapshot);
    meet(&world, begin(world.workers[1]), row, WRITTEN);
    assert_ok(row_get(snapshot, world.table, row, &value));
    assert_int_equal(value, 5);
    assert_status(MAE_READ_ONLY, row_add(snapshot, world.table, row, 1));
    assert_ok(mae_commit(snapshot));
    assert_int_equal(mae_txn_timestamp(snapshot), began);
    world_close(&world);
}

static bool is_overtaken(const struct world *world, unsigned worker)
{
    struct mae_oldest oldest;
    return mae_oldest(world->db, &oldest) == MAE_OK && oldest.worker == mae_worker_id(world->workers[worker]) &&
           oldest.overtaken;
}

/* Lets the leader, which is the other worker, overtake the first one's transaction. */
static void overtake(struct world *world)
{
    while (!is_overtaken(world, 0)) { /* ends: each round takes time, and the transaction gets older */
        struct mae_txn *txn = begin(world->workers[1]);
        assert_ok(mae_commit(txn));
    }
}

/* T6: the others know at which timestamp it reads now. */
static void who_moves_tells_the_others_its_timestamp(void **state)
{
    (void)state;
    struct world world = open_world(EXTEND, "overtake_us=1000 gc_interval_us=1");
    uint64_t row = new_row(world.workers[0], world.table, 5);
    struct mae_txn *txn = begin(world.workers[0]), *later = begin(world.workers[1]);
    uint64_t met = meet(&world, later, row, READ);
    assert_ok(row_add(txn, world.table, row, 1));
    if (db_counter(world.db, "restamps") == 1) { /* and was not overtaken before */
        overtake(&world);
        struct mae_oldest oldest;
        assert_ok(mae_oldest(world.db, &oldest));
        assert_true(oldest.timestamp > met);
        assert_int_equal(oldest.timestamp, mae_txn_timestamp(txn));
    }
    assert_ok(mae_commit(txn));
    world_close(&world);
}

static void an_overtaken_transaction_moves_at_its_commit_only(void **state)
{
    (void)state;
    struct world world = open_world(EXTEND, "overtake_us=1 gc_interval_us=1");
    uint64_t row = new_row(world.workers[0], world.table, 5), other = new_row(world.workers[0], world.table, 5);
    for (int reads = 0; reads < 2; reads++) {
        struct mae_txn *txn = begin(world.workers[0]);
        uint64_t began = mae_txn_timestamp(txn);
        if (reads)
            assert_ok(row_add(txn, world.table, other, 1));
        overtake(&world);
        uint64_t met = meet(&world, begin(world.workers[1]), row, READ);
        if (reads) {
            assert_ok(mae_commit(txn));
            assert_true(mae_txn_timestamp(txn) > met);
        } else {
            assert_status(MAE_ABORT_RTS, row_add(txn, world.table, row, 1));
            assert_int_equal(mae_txn_timestamp(txn), began);
            mae_abort(txn);
        }
    }
    assert_int_equal(db_counter(world.db, "restamps"), 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_goes_behind_a_later_reader_or_writer),
        cmocka_unit_test(a_write_goes_behind_a_later_writer_and_its_readers),
        cmocka_unit_test(a_blind_write_goes_behind_a_later_reader),
        cmocka_unit_test(noted_operations_go_behind_a_later_reader),
        cmocka_unit_test(a_row_that_a_later_transaction_has_deleted_is_not_there),
        cmocka_unit_test(who_has_read_what_has_changed_since_does_not_move),
        cmocka_unit_test(what_was_read_may_lie_below_aborted_versions),
        cmocka_unit_test(a_commit_goes_behind_who_has_read_what_it_writes),
        cmocka_unit_test(timestamps_grow_past_one_that_has_moved),
        cmocka_unit_test(a_retry_begins_behind_what_its_predecessor_met),
        cmocka_unit_test(snapshots_do_not_move),
        cmocka_unit_test(who_moves_tells_the_others_its_timestamp),
        cmocka_unit_test(an_overtaken_transaction_moves_at_its_commit_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
