/*
 * txn.c - the read phase: what each row call returns, and each way in which it aborts early.
 *
 * Two or three workers on one thread; the order of begin is the order of timestamps, so every outcome is certain.
 * Catches the mutation ignore_pending.
 */
#include "tests/support/world.h"

#include <pthread.h>
#include <stdatomic.h>

static void own_writes_are_read_back(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 64, 1);
    uint64_t row = new_row(world.workers[0], world.table, 5), value, fresh_row;
    const void *old, *data;
    void *first, *second;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_row_update(txn, world.table, row, 0, &old, &first));
    assert_int_equal(*(const uint64_t *)old, 5);
    assert_int_equal(*(uint64_t *)first, 5);
    *(uint64_t *)first = 6;
    assert_ok(row_get(txn, world.table, row, &value));
    assert_int_equal(value, 6);
    assert_ok(mae_row_update(txn, world.table, row, 0, &old, &second));
    assert_ptr_equal(first, second);
    assert_ptr_equal(old, first);
    assert_ok(mae_row_read(txn, world.table, row, &data, NULL));
    assert_ptr_equal(data, first);
    assert_ok(row_set(txn, world.table, row, 7)); /* blind, over an own version */
    assert_ok(row_get(txn, world.table, row, &value));
    assert_int_equal(value, 7);

    assert_ok(mae_row_insert(txn, world.table, 8, &fresh_row, &first));
    assert_int_equal((uintptr_t)first % 8, 0);
    memset(first, 0, 8);
    assert_ok(row_add(txn, world.table, fresh_row, 3));
    assert_ok(row_get(txn, world.table, fresh_row, &value));
    assert_int_equal(value, 3);
    assert_ok(mae_row_delete(txn, world.table, fresh_row));
    assert_status(MAE_NOT_FOUND, row_get(txn, world.table, fresh_row, &value));
    assert_status(MAE_NOT_FOUND, row_add(txn, world.table, fresh_row, 3));
    assert_status(MAE_NOT_FOUND, row_set(txn, world.table, fresh_row, 3));
    assert_status(MAE_NOT_FOUND, mae_row_delete(txn, world.table, fresh_row));
    assert_ok(mae_commit(txn));
    assert_int_equal(row_value(world.workers[0], world.table, row), 7);
    world_close(&world);
}

static void deleted_rows_are_not_found(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 5), value;
    struct mae_txn *before = begin(world.workers[1]), *txn = begin(world.workers[0]);
    assert_ok(mae_row_delete(txn, world.table, row));
    assert_status(MAE_NOT_FOUND, row_get(txn, world.table, row, &value));
    assert_ok(mae_commit(txn));
    assert_ok(row_get(before, world.table, row, &value)); /* it was there at that time */
    assert_int_equal(value, 5);
    assert_ok(mae_commit(before));
    txn = begin(world.workers[1]);
    assert_status(MAE_NOT_FOUND, row_get(txn, world.table, row, &value));
    assert_status(MAE_NOT_FOUND, row_add(txn, world.table, row, 1));
    assert_status(MAE_NOT_FOUND, row_set(txn, world.table, row, 1));
    assert_status(MAE_NOT_FOUND, mae_row_delete(txn, world.table, row));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* Sizes at both sides of every edge: of the inline slot, of the version classes, of the table's maximum. */
static void payloads_are_cut_and_padded(void **state)
{
    (void)state;
    static const size_t maxima[] = {1, 7, 100, 216, 217, 1000, 5000, MAE_PAYLOAD_MAX_BYTES};
    for (size_t m = 0; m < sizeof maxima / sizeof maxima[0]; m++) {
        size_t max = maxima[m];
        struct world world = world_open("", MAE_INDEX_HASH, max, 1);
        const size_t sizes[] = {max, 1, max / 2 + 1, max - max / 3, 1, max, max / 4 + 1};
        struct mae_txn *txn = begin(world.workers[0]);
        uint64_t row;
        void *data;
        assert_ok(mae_row_insert(txn, world.table, max, &row, &data));
        memset(data, 'a', max);
        size_t kept = max; /* bytes that are 'a', the rest was cut at some time and is zero */
        assert_status(MAE_TOO_LARGE, mae_row_update(txn, world.table, row, max + 1, NULL, &data));
        assert_ok(mae_commit(txn));
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            bool twice = s % 2; /* resized again in the same transaction */
            txn = begin(world.workers[0]);
            if (twice) {
                size_t other = sizes[(s + 3) % 7];
                assert_ok(mae_row_update(txn, world.table, row, other, NULL, &data));
                kept = other < kept ? other : kept;
            }
            const void *old;
            assert_ok(mae_row_update(txn, world.table, row, sizes[s], &old, &data));
            kept = sizes[s] < kept ? sizes[s] : kept;
            assert_ok(mae_commit(txn));
            txn = begin(world.workers[0]);
            const void *read;
            size_t bytes = 0;
            assert_ok(mae_row_read(txn, world.table, row, &read, &bytes));
            assert_int_equal(bytes, sizes[s]);
            for (size_t i = 0; i < bytes; i++)
                assert_int_equal(((const char *)read)[i], i < kept ? 'a' : 0);
            assert_ok(mae_commit(txn));
        }
        world_close(&world);
    }
}

/* A blind write has the size it asks for, 0 included, whatever the transaction has done with the row before. */
static void a_blind_write_may_be_empty(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 4; before++) {
        struct world world = world_open("", MAE_INDEX_HASH, 100, 1);
        uint64_t row = new_row(world.workers[0], world.table, 5), value;
        size_t bytes = 99;
        const void *read;
        void *data;
        struct mae_txn *txn = begin(world.workers[0]);
        if (before == 1)
            assert_ok(row_get(txn, world.table, row, &value));
        if (before == 2)
            assert_ok(mae_row_update(txn, world.table, row, 50, NULL, &data));
        if (before == 3)
            assert_ok(mae_row_overwrite(txn, world.table, row, 20, &data));
        assert_ok(mae_row_overwrite(txn, world.table, row, 0, &data));
        assert_ok(mae_row_read(txn, world.table, row, &read, &bytes));
        assert_int_equal(bytes, 0);
        assert_ok(mae_row_update(txn, world.table, row, 0, NULL, &data)); /* keeps it */
        assert_ok(mae_commit(txn));
        txn = begin(world.workers[0]);
        assert_ok(mae_row_read(txn, world.table, row, &read, &bytes));
        assert_int_equal(bytes, 0);
        assert_ok(mae_commit(txn));
        world_close(&world);
    }
}

static void bad_calls_are_refused(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 16, 1);
    uint64_t row = new_row(world.workers[0], world.table, 5), value, limit = mae_table_row_limit(world.table), key = 1;
    void *data;
    struct mae_txn *txn = begin(world.workers[0]), *second = NULL;
    assert_status(MAE_BUSY, mae_begin(world.workers[0], MAE_READ_WRITE, 0, &second));
    assert_status(MAE_INVALID, row_get(txn, world.table, limit, &value));
    assert_status(MAE_INVALID, row_get(txn, world.table, UINT64_MAX, &value));
    assert_status(MAE_INVALID, row_add(txn, world.table, limit, 1));
    assert_status(MAE_INVALID, row_set(txn, world.table, limit, 1));
    assert_status(MAE_INVALID, mae_row_delete(txn, world.table, limit));
    assert_status(MAE_INVALID, mae_table_scan(txn, world.table, 0, 1, NULL, NULL));
    assert_status(MAE_TOO_LARGE, mae_row_insert(txn, world.table, 17, &row, &data));
    assert_status(MAE_TOO_LARGE, mae_row_overwrite(txn, world.table, row, 17, &data));
    assert_status(MAE_TOO_LARGE, mae_insert(txn, world.index, &key, 17, NULL, &data));
    assert_ok(row_add(txn, world.table, row, 1)); /* none of that has harmed the transaction */
    assert_ok(mae_commit(txn));
    assert_int_equal(row_value(world.workers[0], world.table, row), 6);

    txn = begin_snapshot(world.workers[0]);
    assert_status(MAE_BUSY, mae_begin(world.workers[0], MAE_SNAPSHOT, 0, &second));
    assert_status(MAE_READ_ONLY, row_add(txn, world.table, row, 1));
    assert_status(MAE_READ_ONLY, row_set(txn, world.table, row, 1));
    assert_status(MAE_READ_ONLY, mae_row_delete(txn, world.table, row));
    assert_status(MAE_READ_ONLY, mae_row_insert(txn, world.table, 8, &row, &data));
    assert_status(MAE_READ_ONLY, key_insert(txn, world.index, 1, 1));
    assert_status(MAE_READ_ONLY, key_delete(txn, world.index, 1));
    assert_status(MAE_READ_ONLY, mae_index_insert(txn, world.index, &key, 0));
    assert_status(MAE_READ_ONLY, mae_index_remove(txn, world.index, &key, 0));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* ---- Early aborts. ---- */

static void update_below_a_newer_version_aborts(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        struct world world = world_open(early ? "" : "early_abort_newer=off", MAE_INDEX_HASH, 8, 2);
        uint64_t row = new_row(world.workers[0], world.table, 5);
        struct mae_txn *older = begin(world.workers[0]), *newer = begin(world.workers[1]);
        assert_ok(row_set(newer, world.table, row, 100));
        assert_ok(mae_commit(newer));
        if (early) {
            assert_status(MAE_ABORT_NEWER, row_add(older, world.table, row, 1));
            assert_status(MAE_ABORT_NEWER, row_add(older, world.table, row, 1)); /* doomed */
            assert_status(MAE_ABORT_NEWER, mae_commit(older));
        } else { /* goes in below the blind write, which hides it */
            assert_ok(row_add(older, world.table, row, 1));
            assert_ok(mae_commit(older));
        }
        assert_int_equal(row_value(world.workers[0], world.table, row), 100);
        assert_int_equal(db_counter(world.db, "aborts_newer"), early);
        world_close(&world);
    }
}

static void write_of_a_version_read_later_aborts(void **state)
{
    (void)state;
    enum { UPDATE, OVERWRITE, DELETE, KINDS };
    for (int kind = 0; kind < KINDS; kind++) {
        for (int read_before = 0; read_before < 2; read_before++) {
            struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
            uint64_t row = new_row(world.workers[0], world.table, 5), value;
            struct mae_txn *older = begin(world.workers[0]), *newer = begin(world.workers[1]);
            if (read_before)
                assert_ok(row_get(older, world.table, row, &value));
            assert_ok(row_get(newer, world.table, row, &value));
            assert_ok(mae_commit(newer));
            enum mae_status status = kind == UPDATE      ? row_add(older, world.table, row, 1)
                                     : kind == OVERWRITE ? row_set(older, world.table, row, 1)
                                                         : mae_row_delete(older, world.table, row);
            assert_status(MAE_ABORT_RTS, status);
            assert_status(MAE_ABORT_RTS, mae_commit(older));
            assert_int_equal(row_value(world.workers[0], world.table, row), 5);
            assert_int_equal(db_counter(world.db, "aborts_rts"), 1);
            world_close(&world);
        }
    }
}

/* ---- Meeting a pending version: the point in a commit at which one is installed and undecided. ---- */

struct meeting {
    struct world *world;
    uint64_t row, value;
    struct mae_txn *reader;
    enum mae_status status;
};

static void read_now(void *arg)
{
    struct meeting *meeting = arg;
    meeting->status = row_get(meeting->reader, meeting->world->table, meeting->row, &meeting->value);
}

static void pending_abort_aborts_the_reader(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = world_open("pending=abort", MAE_INDEX_HASH, 8, 2);
    struct meeting meeting = {.world = &world, .row = new_row(world.workers[0], world.table, 5)};
    struct mae_txn *writer = begin(world.workers[0]);
    meeting.reader = begin(world.workers[1]);
    assert_ok(row_add(writer, world.table, meeting.row, 1));
    at_race(RACE_CHECK_WRITE, 1, read_now, &meeting);
    assert_ok(mae_commit(writer));
    assert_status(MAE_ABORT_PENDING, meeting.status);
    assert_status(MAE_ABORT_PENDING, mae_commit(meeting.reader));
    assert_int_equal(db_counter(world.db, "aborts_pending"), 1);
    assert_int_equal(db_counter(world.db, "pending_waits"), 0);
    world_close(&world);
}

static void pending_skip_reads_past_it_and_validation_decides(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = world_open("pending=skip adaptive_skip=off", MAE_INDEX_HASH, 8, 2);
    struct meeting meeting = {.world = &world, .row = new_row(world.workers[0], world.table, 5)};
    struct mae_txn *writer = begin(world.workers[0]);
    meeting.reader = begin(world.workers[1]);
    assert_ok(row_add(writer, world.table, meeting.row, 1));
    at_race(RACE_CHECK_WRITE, 1, read_now, &meeting);
    assert_ok(mae_commit(writer));
    assert_ok(meeting.status);
    assert_int_equal(meeting.value, 5); /* as if the writer aborted, but it did not */
    assert_status(MAE_ABORT_PRECHECK, mae_commit(meeting.reader));
    world_close(&world);
}

struct disturbance {
    struct meeting meeting;
    struct mae_txn *before;
    uint64_t other;
    enum mae_status add, commit;
};

static void read_then_disturb(void *arg)
{
    struct disturbance *disturbance = arg;
    read_now(&disturbance->meeting);
    disturbance->add = row_add(disturbance->before, disturbance->meeting.world->table, disturbance->other, 1);
    disturbance->commit = mae_commit(disturbance->before);
}

static void pending_skip_is_right_when_the_writer_aborts(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = world_open("pending=skip", MAE_INDEX_HASH, 8, 3);
    struct disturbance d = {.meeting = {.world = &world, .row = new_row(world.workers[0], world.table, 5)}};
    d.other = new_row(world.workers[0], world.table, 5);
    uint64_t value;
    d.before = begin(world.workers[2]);
    struct mae_txn *writer = begin(world.workers[0]);
    d.meeting.reader = begin(world.workers[1]);
    assert_ok(row_add(writer, world.table, d.meeting.row, 1));
    assert_ok(row_get(writer, world.table, d.other, &value)); /* what `before` is going to change */
    at_race(RACE_RAISE_RTS, 1, read_then_disturb, &d);
    assert_status(MAE_ABORT_READ_CHECK, mae_commit(writer));
    assert_ok(d.add);
    assert_ok(d.commit);
    assert_ok(d.meeting.status);
    assert_int_equal(d.meeting.value, 5);
    assert_ok(mae_commit(d.meeting.reader));
    world_close(&world);
}

/* Waiting takes a second thread: it reads and commits while the writer stands in its commit until it is waited for. */
struct waiting {
    struct meeting meeting;
    struct mae_worker *worker;
    pthread_t thread;
    enum mae_status commit;
};

static void *read_and_commit(void *arg)
{
    struct waiting *waiting = arg;
    read_now(&waiting->meeting);
    waiting->commit = mae_commit(waiting->meeting.reader);
    return NULL;
}

static void start_and_be_waited_for(void *arg)
{
    struct waiting *waiting = arg;
    if (pthread_create(&waiting->thread, NULL, read_and_commit, waiting) != 0)
        abort();
    while (worker_counter(waiting->worker, "pending_waits") == 0) {
    }
}

static void pending_wait_waits_for_the_decision(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = world_open("pending=wait", MAE_INDEX_HASH, 8, 2);
    struct waiting waiting = {.meeting = {.world = &world, .row = new_row(world.workers[0], world.table, 5)},
                              .worker = world.workers[1]};
    struct mae_txn *writer = begin(world.workers[0]);
    waiting.meeting.reader = begin(world.workers[1]);
    assert_ok(row_add(writer, world.table, waiting.meeting.row, 1));
    at_race(RACE_CHECK_WRITE, 1, start_and_be_waited_for, &waiting);
    assert_ok(mae_commit(writer));
    assert_int_equal(pthread_join(waiting.thread, NULL), 0);
    assert_ok(waiting.meeting.status);
    assert_int_equal(waiting.meeting.value, 6);
    assert_ok(waiting.commit);
    world_close(&world);
}

/* ---- Inlining and promotion. ---- */

static void small_payloads_are_written_into_the_row(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        size_t payload_bytes;
        bool inlined;
    } cases[] = {
        {"inline_bytes=216", 216, true}, {"inline_bytes=216", 217, false}, {"inline_bytes=0", 1, false},
        {"inline_bytes=8", 8, true},     {"inline_bytes=8", 9, false},     {"inline_bytes=4096", 4096, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world = world_open(cases[i].options, MAE_INDEX_HASH, cases[i].payload_bytes, 1);
        struct mae_txn *txn = begin(world.workers[0]);
        uint64_t row;
        void *data;
        assert_ok(mae_row_insert(txn, world.table, cases[i].payload_bytes, &row, &data));
        memset(data, 1, cases[i].payload_bytes);
        assert_ok(mae_commit(txn));
        struct mae_space space;
        mae_table_space(world.table, &space);
        assert_int_equal(space.rows, 1);
        assert_int_equal(space.versions, 1);
        assert_int_equal(space.inlined_versions, cases[i].inlined);
        assert_int_equal(worker_counter(world.workers[0], "inlined_writes"), cases[i].inlined);
        assert_int_equal(worker_counter(world.workers[0], "pool_writes"), !cases[i].inlined);
        world_close(&world);
    }
}

/* Of two writers that find the inline slot free, one gets it. */
static void the_inline_slot_has_one_owner(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1 promote=off settle=off", MAE_INDEX_HASH, 8, 2);
    struct mae_space space;
    uint64_t row = new_row(world.workers[0], world.table, 5);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(row_add(txn, world.table, row, 1));
    assert_ok(mae_commit(txn));
    settle(&world);
    mae_table_space(world.table, &space);
    assert_int_equal(space.unused_inline_slots, 1);
    txn = begin(world.workers[0]);
    assert_ok(row_add(txn, world.table, row, 1));
    mae_abort(txn); /* a transaction that never installed its version in the slot gives the slot back */
    uint64_t inlined = worker_counter(world.workers[0], "inlined_writes");
    struct mae_txn *first = begin(world.workers[0]), *second = begin(world.workers[1]);
    const void *old;
    void *data, *other;
    assert_ok(mae_row_update(first, world.table, row, 8, &old, &data));
    assert_ok(mae_row_update(second, world.table, row, 8, &old, &other));
    assert_ptr_not_equal(data, other);
    *(uint64_t *)data = 1;
    *(uint64_t *)other = 2;
    assert_ok(mae_commit(second));
    assert_true(mae_status_is_retryable(mae_commit(first)));
    assert_int_equal(worker_counter(world.workers[0], "inlined_writes"), inlined + 1);
    assert_int_equal(row_value(world.workers[0], world.table, row), 2);
    world_close(&world);
}

static void a_read_promotes_an_old_version(void **state)
{
    (void)state;
    for (int promote = 0; promote < 2; promote++) {
        struct world world =
            world_open(promote ? "gc_interval_us=1 settle=off promote=on" : "gc_interval_us=1 settle=off promote=off",
                       MAE_INDEX_HASH, 8, 1);
        struct mae_space space;
        uint64_t row = new_row(world.workers[0], world.table, 5), value;
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(row_add(txn, world.table, row, 1)); /* the inline slot is in use: this one goes to the pool */
        assert_ok(mae_commit(txn));
        mae_table_space(world.table, &space);
        assert_int_equal(space.versions, 2);
        assert_int_equal(space.inlined_versions, 1);
        settle(&world);
        mae_table_space(world.table, &space);
        assert_int_equal(space.versions, 1);
        assert_int_equal(space.inlined_versions, 0);
        assert_int_equal(space.unused_inline_slots, 1);
        txn = begin(world.workers[0]);
        assert_ok(row_get(txn, world.table, row, &value));
        assert_int_equal(value, 6);
        assert_ok(row_get(txn, world.table, row, &value)); /* from the promoted version */
        assert_int_equal(value, 6);
        assert_ok(mae_commit(txn));
        settle(&world);
        mae_table_space(world.table, &space);
        assert_int_equal(space.versions, 1);
        assert_int_equal(space.inlined_versions, promote);
        assert_int_equal(worker_counter(world.workers[0], "promotions"), promote);
        assert_int_equal(row_value(world.workers[0], world.table, row), 6);
        world_close(&world);
    }
}

static void a_snapshot_does_not_promote(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 1);
    uint64_t row = new_row(world.workers[0], world.table, 5), value;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(row_add(txn, world.table, row, 1));
    assert_ok(mae_commit(txn));
    settle(&world);
    txn = begin_snapshot(world.workers[0]);
    assert_ok(row_get(txn, world.table, row, &value));
    assert_int_equal(value, 6);
    assert_ok(mae_commit(txn));
    assert_int_equal(worker_counter(world.workers[0], "promotions"), 0);
    world_close(&world);
}

/* ---- Scans of rows. ---- */

struct scanned {
    uint64_t rows, sum, first, stop_after;
};

static bool add_row(void *arg, uint64_t row, const void *data, size_t bytes)
{
    struct scanned *scanned = arg;
    scanned->first = scanned->rows == 0 ? row : scanned->first;
    scanned->rows++;
    scanned->sum += bytes == sizeof(uint64_t) ? *(const uint64_t *)data : 1000000;
    return scanned->rows != scanned->stop_after;
}

static void a_table_scan_sees_the_snapshot(void **state)
{
    (void)state;
    enum { ROWS = 100 };
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 2);
    uint64_t rows[ROWS];
    for (uint64_t i = 0; i < ROWS; i++)
        rows[i] = new_row(world.workers[0], world.table, i);
    settle(&world);
    struct mae_txn *snapshot = begin_snapshot(world.workers[1]), *txn = begin(world.workers[0]);
    for (uint64_t i = 0; i < ROWS; i += 2)
        assert_ok(row_add(txn, world.table, rows[i], 1));
    assert_ok(mae_row_delete(txn, world.table, rows[1]));
    assert_ok(mae_commit(txn));
    (void)new_row(world.workers[0], world.table, 7777);
    struct scanned scanned = {0};
    assert_ok(mae_table_scan(snapshot, world.table, 0, UINT64_MAX, add_row, &scanned));
    assert_int_equal(scanned.rows, ROWS);
    assert_int_equal(scanned.sum, ROWS * (ROWS - 1) / 2);
    scanned = (struct scanned){.stop_after = 3};
    assert_ok(mae_table_scan(snapshot, world.table, rows[0], UINT64_MAX, add_row, &scanned));
    assert_int_equal(scanned.rows, 3);
    scanned = (struct scanned){0};
    assert_ok(mae_table_scan(snapshot, world.table, rows[4], 1, add_row, &scanned));
    assert_int_equal(scanned.rows, 1);
    assert_int_equal(scanned.first, rows[4]);
    /* Beyond the end there is nothing, however the range is given. */
    uint64_t limit = mae_table_row_limit(world.table);
    const uint64_t starts[] = {limit, limit + 5, limit << 20, UINT64_MAX - 1, UINT64_MAX};
    const uint64_t counts[] = {0, 1, 10, UINT64_MAX};
    scanned = (struct scanned){0};
    for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            assert_ok(mae_table_scan(snapshot, world.table, starts[s], counts[c], add_row, &scanned));
    assert_int_equal(scanned.rows, 0);
    assert_ok(mae_commit(snapshot));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_writes_are_read_back),
        cmocka_unit_test(deleted_rows_are_not_found),
        cmocka_unit_test(payloads_are_cut_and_padded),
        cmocka_unit_test(a_blind_write_may_be_empty),
        cmocka_unit_test(bad_calls_are_refused),
        cmocka_unit_test(update_below_a_newer_version_aborts),
        cmocka_unit_test(write_of_a_version_read_later_aborts),
        cmocka_unit_test(pending_abort_aborts_the_reader),
        cmocka_unit_test(pending_skip_reads_past_it_and_validation_decides),
        cmocka_unit_test(pending_skip_is_right_when_the_writer_aborts),
        cmocka_unit_test(pending_wait_waits_for_the_decision),
        cmocka_unit_test(small_payloads_are_written_into_the_row),
        cmocka_unit_test(the_inline_slot_has_one_owner),
        cmocka_unit_test(a_read_promotes_an_old_version),
        cmocka_unit_test(a_snapshot_does_not_promote),
        cmocka_unit_test(a_table_scan_sees_the_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
