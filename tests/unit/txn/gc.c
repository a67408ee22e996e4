/*
 * gc.c - old versions are given back, and only when no transaction can read them; deleted rows are used again.
 *
 * Catches the mutations gc_early, row_free_early, horizon_too_high, lost_tombstone, park_without_flush,
 * settle_without_rts, follow_without_raise, look_past_once, aborted_free_early, aborted_left, pin_ignored,
 * held_dropped, held_few_at_once, adopts_one, overtaken_keeps_garbage, awaited_stops_early, pinned_walks_on,
 * walks_again, all_at_once, postponed_as_walked, retyped_trusted, free_memory_hoarded and delta_kept_unresolved.
 */
#include "tests/support/world.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "engine/db/db.h"

static struct mae_space space_of(const struct world *world)
{
    struct mae_space space;
    mae_table_space(world->table, &space);
    return space;
}

static void add_one(struct world *world, unsigned worker, uint64_t row)
{
    struct mae_txn *txn = begin(world->workers[worker]);
    assert_ok(row_add(txn, world->table, row, 1));
    assert_ok(mae_commit(txn));
}

static void versions_do_not_pile_up(void **state)
{
    (void)state;
    static const char *const cases[] = {"gc_interval_us=1", "gc_interval_us=1 inline_bytes=0",
                                        "gc_interval_us=1 timestamps=central", "gc_interval_us=1 promote=off"};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct world world = world_open(cases[c], MAE_INDEX_HASH, 8, 2);
        uint64_t row = new_row(world.workers[0], world.table, 0), most = 0;
        for (unsigned i = 0; i < 5000; i++) {
            add_one(&world, i % 2, row);
            uint64_t versions = space_of(&world).versions;
            most = versions > most ? versions : most;
        }
        /* A quiescent point every microsecond of each, and a few of them for a horizon: some dozens at most. */
        assert_true(most < 2000);
        settle(&world);
        assert_int_equal(space_of(&world).versions, 1);
        assert_int_equal(db_counter(world.db, "versions_reclaimed"), 5000 + db_counter(world.db, "settled"));
        assert_int_equal(row_value(world.workers[0], world.table, row), 5000);
        world_close(&world);
    }
}

static void the_interval_decides_how_often(void **state)
{
    (void)state;
    for (int often = 0; often < 2; often++) {
        struct world world = world_open(often ? "gc_interval_us=1" : "gc_interval_us=10000000", MAE_INDEX_HASH, 8, 1);
        uint64_t row = new_row(world.workers[0], world.table, 0);
        uint64_t before = worker_counter(world.workers[0], "quiescent_points");
        for (int i = 0; i < 100; i++)
            add_one(&world, 0, row);
        settle(&world);
        uint64_t points = worker_counter(world.workers[0], "quiescent_points") - before;
        assert_true(often ? points > 10 : points == 0);
        assert_int_equal(worker_counter(world.workers[0], "leader_rounds") > 0, often);
        assert_int_equal(space_of(&world).versions, often ? 1 : 101);
        world_close(&world);
    }
}

/* A reader holds what it may still read, of every row, for as long as it runs; then all of it goes. */
static void a_long_reader_keeps_its_versions(void **state)
{
    (void)state;
    enum { ROWS = 10, UPDATES = 200 };
    for (int snapshot = 0; snapshot < 2; snapshot++) {
        struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 3);
        uint64_t rows[ROWS], value;
        for (uint64_t i = 0; i < ROWS; i++)
            rows[i] = new_row(world.workers[0], world.table, 1000 + i);
        settle(&world);
        struct mae_txn *reader = snapshot ? begin_snapshot(world.workers[2]) : begin(world.workers[2]);
        world.worker_count = 2; /* settle() with the others only */
        for (unsigned u = 0; u < UPDATES; u++) {
            for (uint64_t i = 0; i < ROWS; i++)
                add_one(&world, u % 2, rows[i]);
            if (u % 50 == 0) {
                settle(&world);
                assert_ok(row_get(reader, world.table, rows[u / 50], &value));
                assert_int_equal(value, 1000 + u / 50);
            }
        }
        settle(&world);
        for (uint64_t i = 0; i < ROWS; i++) {
            assert_ok(row_get(reader, world.table, rows[i], &value));
            assert_int_equal(value, 1000 + i);
        }
        assert_ok(mae_commit(reader));
        world.worker_count = 3;
        settle(&world);
        assert_int_equal(space_of(&world).versions, ROWS);
        assert_int_equal(row_value(world.workers[2], world.table, rows[3]), 1003 + UPDATES);
        world_close(&world);
    }
}

/* ---- Versions that settle in their row (gc.h, G4). ---- */

static void a_lone_version_settles_in_its_row(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct world world = world_open(on ? "gc_interval_us=1 settle=on" : "gc_interval_us=1 settle=off promote=off",
                                        MAE_INDEX_HASH, 8, 1);
        uint64_t row = new_row(world.workers[0], world.table, 5);
        settle(&world);
        add_one(&world, 0, row);
        settle(&world);
        assert_int_equal(space_of(&world).versions, 1);
        assert_int_equal(space_of(&world).inlined_versions, on);
        assert_int_equal(db_counter(world.db, "settled"), on);
        assert_int_equal(row_value(world.workers[0], world.table, row), 6);
        world_close(&world);
    }
}

/* A row whose version, written by worker 0, is about to settle; a writer and a later reader that began before that. */
struct settling {
    struct world world;
    uint64_t row, other;
    struct mae_txn *writer, *reader;
    const void *seen;
};

/* Without the pre-check it is validation itself that finds the version moved. */
#define BY_VALIDATION "gc_interval_us=1 precheck=off"

static struct settling settling_open(const char *options)
{
    struct settling settling = {.world = world_open(options, MAE_INDEX_HASH, 8, 3)};
    struct world *world = &settling.world;
    size_t bytes;
    settling.row = new_row(world->workers[0], world->table, 5);
    settling.other = new_row(world->workers[0], world->table, 100);
    settle(world);
    add_one(world, 0, settling.row);
    for (unsigned i = 0; i < 8; i++) /* the others say that they have come so far */
        for (unsigned worker = 1; worker < 3; worker++) {
            for (uint64_t start = monotonic_ns(); monotonic_ns() - start < 2000;) {
            }
            mae_abort(begin(world->workers[worker]));
        }
    settling.writer = begin(world->workers[1]);
    assert_ok(mae_begin(world->workers[2], MAE_READ_WRITE, mae_txn_timestamp(settling.writer), &settling.reader));
    assert_ok(mae_row_read(settling.reader, world->table, settling.row, &settling.seen, &bytes));
    assert_int_equal(*(const uint64_t *)settling.seen, 6);
    world->worker_count = 1; /* settle() with worker 0 only: the others are in their transactions */
    return settling;
}

static void version_settles(struct settling *settling)
{
    assert_int_equal(db_counter(settling->world.db, "settled"), 0);
    settle(&settling->world);
    assert_int_equal(db_counter(settling->world.db, "settled"), 1);
    assert_int_equal(space_of(&settling->world).inlined_versions, 2); /* with the other row's */
}

static void settling_close(struct settling *settling)
{
    settling->world.worker_count = 3;
    world_close(&settling->world);
}

static void a_read_of_the_settled_version_binds_writers(void **state)
{
    (void)state;
    for (int committed_before = 0; committed_before < 2; committed_before++) {
        struct settling settling = settling_open(BY_VALIDATION);
        if (committed_before)
            assert_ok(mae_commit(settling.reader));
        version_settles(&settling);
        if (!committed_before)
            assert_ok(mae_commit(settling.reader));
        /* The reader did not see the writer's update, so that must not come before the reader. */
        assert_status(MAE_ABORT_RTS, row_add(settling.writer, settling.world.table, settling.row, 1));
        mae_abort(settling.writer);
        settling_close(&settling);
    }
}

static void what_was_read_stays_where_it_was(void **state)
{
    (void)state;
    struct settling settling = settling_open(BY_VALIDATION);
    version_settles(&settling);
    for (int i = 0; i < 100; i++) /* transactions that reuse the memory write other values */
        add_one(&settling.world, 0, settling.other);
    assert_int_equal(*(const uint64_t *)settling.seen, 6);
    mae_abort(settling.writer);
    assert_ok(mae_commit(settling.reader));
    settling_close(&settling);
}

static void a_write_follows_the_settled_version(void **state)
{
    (void)state;
    for (int remove = 0; remove < 2; remove++) {
        struct settling settling = settling_open(BY_VALIDATION);
        version_settles(&settling);
        assert_ok(remove ? mae_row_delete(settling.reader, settling.world.table, settling.row)
                         : row_add(settling.reader, settling.world.table, settling.row, 1));
        assert_ok(mae_commit(settling.reader));
        assert_true(mae_status_is_retryable(row_add(settling.writer, settling.world.table, settling.row, 1)));
        mae_abort(settling.writer);
        if (!remove)
            assert_int_equal(row_value(settling.world.workers[2], settling.world.table, settling.row), 7);
        settling_close(&settling);
    }
}

/* Written before it settled, committed after. */
static void a_private_write_installs_above_the_settled_version(void **state)
{
    (void)state;
    struct settling settling = settling_open(BY_VALIDATION);
    assert_ok(row_add(settling.reader, settling.world.table, settling.row, 1));
    mae_abort(settling.writer);
    version_settles(&settling);
    assert_ok(mae_commit(settling.reader));
    assert_int_equal(row_value(settling.world.workers[2], settling.world.table, settling.row), 7);
    settling_close(&settling);
}

#ifdef MAE_DEBUG
/* The collector stands with its copy pending; the reader has met that; the collector ends; the reader looks below. */
enum { BEFORE, COPY_PENDING, LOOKED_PAST, SETTLED };
static _Atomic int stage;
static bool looked_past; /* the reader's; read when it has ended */
static pthread_t collector;

static void stage_await(int wanted)
{
    while (atomic_load(&stage) < wanted)
        sched_yield();
}

static void settling_hook(enum race_point point)
{
    static unsigned settle_points;
    if (pthread_equal(pthread_self(), collector)) {
        if (point == RACE_SETTLE && ++settle_points == 2) {
            atomic_store(&stage, COPY_PENDING);
            stage_await(LOOKED_PAST);
        } else if (atomic_load(&stage) == LOOKED_PAST) {
            atomic_store(&stage, SETTLED);
        }
    } else if (point == RACE_READ_OLDER && atomic_load(&stage) == COPY_PENDING) {
        looked_past = true;
        atomic_store(&stage, LOOKED_PAST);
        stage_await(SETTLED);
    }
}

struct late_read {
    struct settling *settling;
    enum mae_status status;
    uint64_t value;
};

/* Whoever ends lets the other one go on. */
static void *late_reader(void *arg)
{
    struct late_read *read = arg;
    stage_await(COPY_PENDING);
    read->status = row_get(read->settling->writer, read->settling->world.table, read->settling->row, &read->value);
    atomic_store(&stage, SETTLED);
    return NULL;
}
#endif

static void a_version_that_settles_meanwhile_is_not_missed(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    struct settling settling = settling_open("gc_interval_us=1 pending=skip");
    struct late_read read = {.settling = &settling};
    pthread_t thread;
    collector = pthread_self();
    race_hook = settling_hook;
    assert_int_equal(pthread_create(&thread, NULL, late_reader, &read), 0);
    version_settles(&settling);
    atomic_store(&stage, SETTLED);
    pthread_join(thread, NULL);
    race_hook = NULL;
    assert_true(looked_past);
    assert_status(MAE_OK, read.status);
    assert_int_equal(read.value, 6);
    mae_abort(settling.writer);
    assert_ok(mae_commit(settling.reader));
    settling_close(&settling);
#endif
}

/* A worker that has joined but runs nothing holds everything back until it says that it is idle. */
static void an_idle_worker_holds_nothing_back(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 0);
    struct mae_state before, after;
    world.worker_count = 1;
    settle(&world);
    mae_db_state(world.db, &before);
    for (int i = 0; i < 100; i++)
        add_one(&world, 0, row);
    settle(&world);
    mae_db_state(world.db, &after);
    assert_int_equal(after.min_wts, before.min_wts);
    assert_true(space_of(&world).versions > 100);
    mae_worker_idle(world.workers[1]);
    mae_worker_idle(world.workers[1]); /* twice does no harm */
    settle(&world);
    mae_db_state(world.db, &after);
    assert_true(after.min_wts > before.min_wts);
    assert_true(after.min_rts > before.min_rts);
    assert_int_equal(space_of(&world).versions, 1);
    world.worker_count = 2;
    assert_int_equal(row_value(world.workers[1], world.table, row), 100); /* wakes up, and sees it */
    struct mae_txn *txn = begin(world.workers[1]);
    mae_worker_idle(world.workers[1]); /* does nothing inside a transaction */
    assert_ok(row_add(txn, world.table, row, 1));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* The garbage of a worker that goes is collected by the others. */
static void garbage_is_inherited(void **state)
{
    (void)state;
    for (int idle = 0; idle < 2; idle++) {
        struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 2);
        uint64_t row = new_row(world.workers[0], world.table, 0);
        struct mae_txn *reader = begin(world.workers[0]);
        for (int i = 0; i < 100; i++)
            add_one(&world, 1, row);
        if (idle) {
            mae_worker_idle(world.workers[1]);
        } else {
            mae_worker_leave(world.workers[1]);
            world.workers[1] = NULL;
        }
        world.worker_count = 1;
        assert_int_equal(space_of(&world).versions, 101);
        assert_ok(mae_commit(reader));
        settle(&world);
        assert_int_equal(space_of(&world).versions, 1);
        assert_true(worker_counter(world.workers[0], "versions_reclaimed") >= 100);
        world.worker_count = 2;
        world_close(&world);
    }
}

static void deleted_rows_are_used_again(void **state)
{
    (void)state;
    enum { ROWS = 100, ROUNDS = 20 };
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 2);
    uint64_t rows[ROWS], value, limit = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (uint64_t i = 0; i < ROWS; i++)
            rows[i] = new_row(world.workers[round % 2], world.table, i);
        settle(&world);
        if (round == 3)
            limit = mae_table_row_limit(world.table);
        for (uint64_t i = 0; i < ROWS; i++) {
            assert_int_equal(row_value(world.workers[0], world.table, rows[i]), i);
            struct mae_txn *txn = begin(world.workers[(round + i) % 2]);
            assert_ok(mae_row_delete(txn, world.table, rows[i]));
            assert_ok(mae_commit(txn));
        }
        settle(&world);
        struct mae_space space = space_of(&world);
        assert_int_equal(space.rows, 0);
        assert_int_equal(space.versions, 0); /* the tombstones have gone too */
    }
    assert_int_equal(mae_table_row_limit(world.table), limit); /* no new ones since the first rounds */
    assert_int_equal(db_counter(world.db, "rows_reclaimed"), ROWS * ROUNDS);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_status(MAE_NOT_FOUND, row_get(txn, world.table, rows[0], &value));
    assert_ok(mae_commit(txn));
    world_close(&world);
}

/* While a transaction may still look at a deleted row, its id is not given out. */
static void a_reader_keeps_a_deleted_row(void **state)
{
    (void)state;
    enum { ROWS = 50 };
    for (int snapshot = 0; snapshot < 2; snapshot++) {
        struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 3);
        uint64_t rows[ROWS], value;
        for (uint64_t i = 0; i < ROWS; i++)
            rows[i] = new_row(world.workers[0], world.table, i);
        settle(&world);
        struct mae_txn *reader = snapshot ? begin_snapshot(world.workers[2]) : begin(world.workers[2]);
        world.worker_count = 2;
        for (uint64_t i = 0; i < ROWS; i++) {
            struct mae_txn *txn = begin(world.workers[0]);
            assert_ok(mae_row_delete(txn, world.table, rows[i]));
            assert_ok(mae_commit(txn));
        }
        settle(&world);
        for (uint64_t i = 0; i < 2 * ROWS; i++) {
            uint64_t row = new_row(world.workers[i % 2], world.table, 777);
            for (uint64_t r = 0; r < ROWS; r++)
                assert_true(row != rows[r]);
        }
        for (uint64_t i = 0; i < ROWS; i++) {
            assert_ok(row_get(reader, world.table, rows[i], &value));
            assert_int_equal(value, i);
        }
        assert_ok(mae_commit(reader));
        world.worker_count = 3;
        settle(&world);
        assert_int_equal(space_of(&world).rows, 2 * ROWS);
        assert_int_equal(space_of(&world).versions, 2 * ROWS);
        world_close(&world);
    }
}

/* A transaction that stands on a tombstone when it is unlinked can still raise its read timestamp, and go on. */
static void a_row_in_limbo_is_not_given_out(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 3);
    uint64_t row = new_row(world.workers[0], world.table, 5), value;
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_row_delete(txn, world.table, row));
    assert_ok(mae_commit(txn));
    struct mae_txn *late =
        begin(world.workers[2]); /* begins after the deletion has committed, before the row is freed */
    assert_status(MAE_NOT_FOUND, row_get(late, world.table, row, &value));
    world.worker_count = 2;
    settle(&world);
    for (unsigned i = 0; i < 64; i++)
        assert_true(new_row(world.workers[i % 2], world.table, 7) != row);
    enum mae_status status = mae_commit(late);
    assert_true(status == MAE_OK || mae_status_is_retryable(status));
    world.worker_count = 3;
    settle(&world);
    assert_int_equal(db_counter(world.db, "rows_reclaimed"), 1);
    world_close(&world);
}

struct standing {
    struct world *world;
    uint64_t row;
    struct mae_txn *txn;
};

static void begin_and_stand(void *arg)
{
    struct standing *standing = arg;
    uint64_t value;
    standing->txn = begin(standing->world->workers[2]);
    assert_status(MAE_NOT_FOUND, row_get(standing->txn, standing->world->table, standing->row, &value));
}

/* The same, when it begins at the last moment: the horizon has passed the tombstone and the collector is about to
 * go. */
static void a_row_is_in_limbo_for_who_began_just_before(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = world_open("gc_interval_us=1", MAE_INDEX_HASH, 8, 3);
    uint64_t row = new_row(world.workers[0], world.table, 5);
    settle(&world);
    mae_worker_idle(world.workers[2]);
    struct standing standing = {.world = &world, .row = row};
    at_race(RACE_GC_UNLINK, 1, begin_and_stand, &standing);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_row_delete(txn, world.table, row));
    assert_ok(mae_commit(txn));
    world.worker_count = 2;
    settle(&world);
    assert_non_null(standing.txn);
    for (unsigned i = 0; i < 64; i++)
        assert_true(new_row(world.workers[i % 2], world.table, 7) != row);
    enum mae_status status = mae_commit(standing.txn);
    assert_true(status == MAE_OK || mae_status_is_retryable(status));
    world.worker_count = 3;
    settle(&world);
    assert_int_equal(db_counter(world.db, "rows_reclaimed"), 1);
    world_close(&world);
}

/* Rows that a transaction made and took back, or that never committed, are given out again at once. */
static void rows_of_aborted_inserts_are_used_again(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    uint64_t first, row;
    void *data;
    for (int i = 0; i < 1000; i++) {
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_row_insert(txn, world.table, 8, &row, &data));
        if (i == 0)
            first = row;
        assert_int_equal(row, first);
        if (i % 2) {
            assert_ok(mae_row_delete(txn, world.table, row));
            assert_ok(mae_commit(txn));
        } else {
            mae_abort(txn);
        }
    }
    assert_int_equal(space_of(&world).rows, 0);
    world_close(&world);
}

/* ---- Aborted versions (gc.h, G5). ---- */

/* Worker 0 updates the row and fails after that was installed, on another row. */
static void abort_installed(struct world *world, uint64_t row, uint64_t other)
{
    struct mae_txn *first = begin(world->workers[1]), *second = begin(world->workers[0]);
    assert_ok(row_add(second, world->table, row, 1));
    assert_ok(row_add(second, world->table, other, 1));
    assert_ok(row_add(first, world->table, other, 1));
    assert_ok(mae_commit(first));
    assert_status(MAE_ABORT_INSTALL, mae_commit(second));
}

#define INSTALLS "gc_interval_us=1 precheck=off sort_writes=off "

/* No transaction ever commits to the row, and it keeps no aborted version, in the row or outside. */
static void aborted_versions_do_not_pile_up(void **state)
{
    (void)state;
    static const char *const cases[] = {INSTALLS, INSTALLS "inline_bytes=0", INSTALLS "settle=off"};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct world world = world_open(cases[c], MAE_INDEX_HASH, 8, 2);
        uint64_t row = new_row(world.workers[0], world.table, 0), other = new_row(world.workers[0], world.table, 0);
        for (int i = 0; i < 20; i++) {
            abort_installed(&world, row, other);
            settle(&world);
            assert_int_equal(space_of(&world).versions, 2);
        }
        uint64_t most = 0;
        for (int i = 0; i < 3000; i++) {
            abort_installed(&world, row, other);
            uint64_t versions = space_of(&world).versions;
            most = versions > most ? versions : most;
        }
        assert_true(most < 1500);
        add_one(&world, 0, row);
        settle(&world);
        assert_int_equal(space_of(&world).versions, 2);
        assert_int_equal(row_value(world.workers[0], world.table, row), 1);
        world_close(&world);
    }
}

struct reuse {
    struct world *world;
    uint64_t row;
    bool done;
};

/* Collects as worker 0, and writes so much that what it has freed is used again. */
static void collect_and_reuse(void *arg)
{
    struct reuse *reuse = arg;
    settle(reuse->world);
    for (int i = 0; i < 100; i++)
        add_one(reuse->world, 0, reuse->row);
    reuse->done = true;
}

/* A reader has come to the aborted version, and is about to go on to what is older, when that is collected. */
static void who_stands_on_an_aborted_version_goes_on(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    struct world world = world_open(INSTALLS "inline_bytes=0", MAE_INDEX_HASH, 8, 3);
    uint64_t row = new_row(world.workers[0], world.table, 5), other = new_row(world.workers[0], world.table, 0), value;
    struct reuse reuse = {&world, new_row(world.workers[0], world.table, 0), false};
    settle(&world);
    abort_installed(&world, row, other);
    for (unsigned i = 0; i < 8; i++) /* the others say that they have come so far */
        for (unsigned worker = 1; worker < 3; worker++) {
            for (uint64_t start = monotonic_ns(); monotonic_ns() - start < 2000;) {
            }
            mae_abort(begin(world.workers[worker]));
        }
    uint64_t reclaimed = db_counter(world.db, "versions_reclaimed");
    struct mae_txn *reader = begin(world.workers[2]);
    world.worker_count = 1;
    at_race(RACE_READ_OLDER, 1, collect_and_reuse, &reuse);
    assert_ok(row_get(reader, world.table, row, &value));
    assert_true(reuse.done);
    assert_int_equal(value, 5);
    assert_ok(mae_commit(reader));
    world.worker_count = 3;
    settle(&world);
    assert_true(db_counter(world.db, "versions_reclaimed") > reclaimed);
    assert_int_equal(space_of(&world).versions, 3);
    world_close(&world);
}

/* ---- Collection between the versions that pins need (gc.h, G6). ---- */

static void set_pin(struct world *world, unsigned slot_id, uint64_t lo, uint64_t hi)
{
    struct horizon *horizon = &((struct core *)world->db)->horizon; /* its first member */
    struct horizon_slot *slot = &horizon->slots[slot_id];
    uint32_t count = atomic_load(&horizon->pin_count);
    atomic_store(&horizon->pin_count, count + (hi != 0) - (atomic_load(&slot->pin_hi) != 0));
    atomic_store(&slot->pin_lo, lo);
    atomic_store(&slot->pin_hi, hi);
}

static uint64_t now_ts_of(struct world *world, unsigned worker)
{
    struct mae_txn *txn = begin(world->workers[worker]);
    uint64_t ts = mae_txn_timestamp(txn);
    mae_abort(txn);
    return ts;
}

static uint64_t now_ts(struct world *world)
{
    return now_ts_of(world, 0);
}

/* What a timestamp sees; UINT64_MAX: nothing. */
static uint64_t value_at(const struct world *world, uint64_t row_id, uint64_t ts)
{
    const struct table *table = &world->table->rows;
    char *row = table_row(table, row_id);
    version_handle handle = atomic_load(row_head(table, row));
    while (handle != HANDLE_NONE) {
        struct version *version = row_version(table, row, handle);
        uint8_t status = atomic_load(&version->status);
        if (version_wts(version) < ts && status != VERSION_ABORTED)
            return status == VERSION_DELETED ? UINT64_MAX : *(const uint64_t *)(const void *)version->payload;
        handle = atomic_load(&version->older);
    }
    return UINT64_MAX;
}

static const char *const pin_cases[] = {INSTALLS, INSTALLS "inline_bytes=0", INSTALLS "settle=off"};
enum { PIN_CASES = sizeof pin_cases / sizeof pin_cases[0] };

/* Workers 0 and 1 go on, worker 2's slot stands for a transaction that has been overtaken. */
static struct world world_with_pins(const char *options)
{
    struct world world = world_open(options, MAE_INDEX_HASH, 8, 3);
    mae_worker_idle(world.workers[2]);
    world.worker_count = 2;
    return world;
}

static void close_with_pins(struct world *world)
{
    world->worker_count = 3;
    world_close(world);
}

static void a_pin_keeps_what_it_sees_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned c = 0; c < PIN_CASES; c++) {
        struct world world = world_with_pins(pin_cases[c]);
        uint64_t row = new_row(world.workers[0], world.table, 1000), other = new_row(world.workers[0], world.table, 0);
        settle(&world);
        uint64_t ts = now_ts(&world);
        set_pin(&world, 2, ts, ts);
        for (unsigned i = 0; i < 200; i++) {
            add_one(&world, i % 2, row);
            if (i % 10 == 0)
                abort_installed(&world, row, other);
            if (i % 50 == 0) {
                settle(&world);
                /* Two rows, and of each what the pin sees. The last of other's updates was before the pin, or after. */
                assert_int_equal(space_of(&world).versions, 4);
            }
            assert_int_equal(value_at(&world, row, ts), 1000);
        }
        settle(&world);
        assert_int_equal(space_of(&world).versions, 4);
        assert_int_equal(value_at(&world, other, ts), 0);
        set_pin(&world, 2, 0, 0);
        settle(&world); /* no transaction writes the rows any more: the kept versions go all the same */
        assert_int_equal(space_of(&world).versions, 2);
        assert_int_equal(row_value(world.workers[0], world.table, row), 1200);
        close_with_pins(&world);
    }
}

static void note_one(struct world *world, unsigned worker, uint64_t row)
{
    const int64_t one = 1;
    struct mae_txn *txn = begin(world->workers[worker]);
    assert_ok(mae_row_apply(txn, world->table, row, MAE_ADD, 0, &one, sizeof one));
    assert_ok(mae_commit(txn));
}

/* CU3. What a pin sees has its value before what is below it goes, although its own item is worked off late, and what
 * is above does not need the value. */
static void a_pin_keeps_the_value_of_noted_operations(void **state)
{
    (void)state;
    for (unsigned c = 0; c < PIN_CASES; c++) {
        struct world world = world_with_pins(pin_cases[c]);
        uint64_t row = new_row(world.workers[0], world.table, 1000);
        struct mae_worker *late = world.workers[1];
        settle(&world);
        note_one(&world, 1, row);
        const struct gc_queue queue = late->gc;
        memset(&late->gc, 0, sizeof late->gc);
        uint64_t ts = now_ts(&world);
        set_pin(&world, 2, ts, ts);
        struct mae_txn *blind = begin(world.workers[0]);
        assert_ok(row_set(blind, world.table, row, 2000));
        assert_ok(mae_commit(blind));
        for (unsigned i = 0; i < 100; i++)
            note_one(&world, 0, row);
        settle(&world);
        assert_int_equal(value_at(&world, row, ts), 1001);
        late->gc = queue;
        settle(&world);
        assert_int_equal(space_of(&world).versions, 2);
        set_pin(&world, 2, 0, 0);
        settle(&world);
        assert_int_equal(space_of(&world).versions, 1);
        assert_int_equal(row_value(world.workers[0], world.table, row), 2100);
        close_with_pins(&world);
    }
}

/* A read-write transaction may have in hand what was superseded behind its back, by timestamps below its own. */
static void a_pin_keeps_what_was_visible_in_its_time(void **state)
{
    (void)state;
    struct world world = world_with_pins(INSTALLS);
    uint64_t row = new_row(world.workers[0], world.table, 0);
    settle(&world);
    add_one(&world, 0, row);
    uint64_t lo = now_ts(&world);
    for (int i = 0; i < 5; i++)
        add_one(&world, 0, row);
    uint64_t hi = now_ts(&world);
    set_pin(&world, 2, lo, hi);
    for (int i = 0; i < 100; i++)
        add_one(&world, 0, row);
    settle(&world);
    assert_int_equal(space_of(&world).versions, 1 + 6);
    for (unsigned i = 0; i < 2; i++) /* the versions of timestamps around lo and hi are all there */
        assert_int_equal(value_at(&world, row, i ? hi : lo), i ? 6 : 1);
    set_pin(&world, 2, 0, 0);
    settle(&world);
    assert_int_equal(space_of(&world).versions, 1);
    close_with_pins(&world);
}

static void a_deletion_waits_for_pins(void **state)
{
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        struct world world = world_with_pins(INSTALLS);
        uint64_t row = new_row(world.workers[0], world.table, 7), ts = 0;
        settle(&world);
        if (!late)
            ts = now_ts(&world);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_row_delete(txn, world.table, row));
        assert_ok(mae_commit(txn));
        if (late) /* sees the tombstone, and may have it in its read set */
            ts = now_ts(&world);
        set_pin(&world, 2, ts, ts);
        settle(&world);
        for (unsigned i = 0; i < 64; i++)
            assert_true(new_row(world.workers[i % 2], world.table, 1) != row);
        if (!late)
            assert_int_equal(value_at(&world, row, ts), 7);
        assert_int_equal(db_counter(world.db, "rows_reclaimed"), 0);
        set_pin(&world, 2, 0, 0);
        settle(&world);
        settle(&world);
        assert_int_equal(db_counter(world.db, "rows_reclaimed"), 1);
        assert_int_equal(space_of(&world).versions, 64);
        close_with_pins(&world);
    }
}

/*
 * The row has kept something, so worker 1 waits for the pin to go, and takes the tombstone out. Worker 0, who has
 * deleted the row, comes to its own item for that afterwards. Other rows wait before it: so it is its turn then.
 */
static void a_tombstone_is_unlinked_once(void **state)
{
    (void)state;
    for (int others = 0; others < 400; others += 20) {
        struct world world = world_with_pins(INSTALLS);
        uint64_t rows[401];
        for (int i = 0; i <= others; i++)
            rows[i] = new_row(world.workers[1], world.table, 7);
        settle(&world);
        uint64_t ts = now_ts(&world);
        set_pin(&world, 2, ts, ts);
        for (int i = 0; i <= others; i++)
            add_one(&world, 1, rows[i]);
        settle(&world);
        assert_int_equal(world.workers[1]->held.count, others + 1);
        struct mae_txn *txn = begin(world.workers[0]);
        assert_ok(mae_row_delete(txn, world.table, rows[others]));
        assert_ok(mae_commit(txn));
        set_pin(&world, 2, 0, 0);
        settle(&world);
        settle(&world);
        assert_int_equal(db_counter(world.db, "rows_reclaimed"), 1);
        assert_int_equal(space_of(&world).versions, others);
        close_with_pins(&world);
    }
}

/* A quiescent point of one worker, whose clock stays its own. */
static void pass(struct world *world, unsigned worker)
{
    struct mae_txn *txn;
    for (uint64_t start = monotonic_ns(); monotonic_ns() - start <= 2000;) {
    }
    assert_ok(mae_begin(world->workers[worker], MAE_READ_WRITE, 0, &txn));
    mae_abort(txn);
}

struct stolen {
    struct world *world;
    struct version *version; /* the tombstone */
    uint64_t row;            /* another row, which will use its memory */
    uint64_t ts, value;      /* that row's value before it does */
    bool reused;
};

/* Worker 1 gives the version back, and writes until it is another row's newest one. */
static void give_back_and_use(void *arg)
{
    struct stolen *stolen = arg;
    const struct table *table = &stolen->world->table->rows;
    char *row = table_row(table, stolen->row);
    for (int i = 0; i < 16; i++)
        pass(stolen->world, 1);
    for (int i = 0; i < 100 && !stolen->reused; i++) {
        stolen->ts = now_ts_of(stolen->world, 1);
        stolen->value = value_at(stolen->world, stolen->row, stolen->ts);
        add_one(stolen->world, 1, stolen->row);
        stolen->reused = row_version(table, row, atomic_load(row_head(table, row))) == stolen->version;
    }
}

/*
 * Worker 1 waits for a pin to go, and takes worker 0's tombstone out. Worker 0 has come to its own item for that, and
 * is about to look at the tombstone or has just done so, when it is given back and used again: worker 0 must not touch
 * what is another row's now.
 */
static void tombstone_is_left_alone(enum race_point point)
{
    struct world world = world_with_pins(INSTALLS "clock_sync_us=1000000");
    const struct table *table = &world.table->rows;
    uint64_t row = new_row(world.workers[1], world.table, 7);
    struct stolen stolen = {.world = &world, .row = new_row(world.workers[1], world.table, 1000)};
    settle(&world);
    uint64_t ts = now_ts(&world);
    set_pin(&world, 2, ts, ts);
    add_one(&world, 1, row);
    settle(&world);
    assert_int_equal(world.workers[1]->held.count, 1);
    struct mae_txn *txn = begin(world.workers[0]);
    assert_ok(mae_row_delete(txn, world.table, row));
    assert_ok(mae_commit(txn));
    char *place = table_row(table, row);
    stolen.version = row_version(table, place, atomic_load(row_head(table, place)));
    struct horizon *horizon = &((struct core *)world.db)->horizon;
    for (;;) {
        /* Worker 0's clock is ahead, so it publishes more than the timestamp at which the tombstone goes to limbo. */
        world.workers[0]->clock.clock += UINT64_C(1) << 24;
        pthread_mutex_lock(&horizon->leader); /* so worker 1 sees the new horizon first */
        pass(&world, 0);
        pthread_mutex_unlock(&horizon->leader);
        if (atomic_load(&horizon->slots[world.workers[0]->id].rts) > version_wts(stolen.version))
            break;
        pass(&world, 1);
    }
    set_pin(&world, 2, 0, 0);
    pass(&world, 1);
    assert_int_equal(atomic_load(row_head(table, place)), HANDLE_NONE);
    for (int i = 0; i < 4; i++)
        pass(&world, 1); /* min_wts, too, is above that timestamp */
    at_race(point, 1, give_back_and_use, &stolen);
    pass(&world, 0);
    assert_true(stolen.reused);
    assert_int_equal(value_at(&world, stolen.row, stolen.ts), stolen.value);
    close_with_pins(&world);
}

static void a_tombstone_in_limbo_is_left_alone(void **state)
{
    (void)state;
    NEEDS_HOOKS();
    tombstone_is_left_alone(RACE_GC_LOCK);
    tombstone_is_left_alone(RACE_GC_LOOK);
}

/* Pins come and go; each sees at any time what it saw at first, and the rows keep no more than the pins need. */
static void pins_at_random(void **state)
{
    (void)state;
    enum { ROWS = 8, PINS = 3, STEPS = 3000 };
    uint64_t random = seed_from_environment();
    for (unsigned c = 0; c < PIN_CASES; c++) {
        struct world world = world_open(pin_cases[c], MAE_INDEX_HASH, 8, 2 + PINS);
        uint64_t rows[ROWS], seen[PINS][ROWS], ts[PINS] = {0}, other = new_row(world.workers[0], world.table, 0);
        for (unsigned p = 0; p < PINS; p++)
            mae_worker_idle(world.workers[2 + p]);
        world.worker_count = 2;
        for (unsigned i = 0; i < ROWS; i++)
            rows[i] = new_row(world.workers[0], world.table, i);
        for (unsigned step = 0; step < STEPS; step++) {
            unsigned p = (unsigned)random_below(&random, PINS), r = (unsigned)random_below(&random, ROWS);
            switch (random_below(&random, 32)) {
            case 0:
                if (ts[p] == 0) {
                    ts[p] = now_ts(&world);
                    set_pin(&world, 2 + p, ts[p], ts[p]);
                    for (unsigned i = 0; i < ROWS; i++)
                        seen[p][i] = value_at(&world, rows[i], ts[p]);
                    break;
                }
                ts[p] = 0;
                set_pin(&world, 2 + p, 0, 0);
                break;
            case 1:
                settle(&world);
                assert_true(space_of(&world).versions <= (1 + ROWS) * (1 + PINS));
                break;
            case 2:
                abort_installed(&world, rows[r], other);
                break;
            case 3: /* a worker that leaves hands over the items that wait */
                mae_worker_idle(world.workers[random_below(&random, 2)]);
                break;
            default:
                add_one(&world, (unsigned)random_below(&random, 2), rows[r]);
            }
            for (unsigned i = 0; i < PINS * ROWS; i++)
                if (ts[i / ROWS])
                    assert_int_equal(value_at(&world, rows[i % ROWS], ts[i / ROWS]), seen[i / ROWS][i % ROWS]);
        }
        for (unsigned p = 0; p < PINS; p++)
            set_pin(&world, 2 + p, 0, 0);
        settle(&world);
        settle(&world);
        assert_int_equal(space_of(&world).versions, 1 + ROWS);
        world.worker_count = 2 + PINS;
        world_close(&world);
    }
}

/* However often a row is written under a pin, one item waits for that to go. */
static void what_waits_for_a_pin_is_bounded(void **state)
{
    (void)state;
    struct world world = world_with_pins(INSTALLS);
    uint64_t row = new_row(world.workers[0], world.table, 0);
    settle(&world);
    uint64_t ts = now_ts(&world);
    set_pin(&world, 2, ts, ts);
    for (int i = 0; i < 500; i++) {
        add_one(&world, 0, row);
        settle(&world); /* each is the newest when it is collected */
    }
    assert_int_equal(world.workers[0]->held.count + world.workers[1]->held.count, 1);
    set_pin(&world, 2, 0, 0);
    settle(&world);
    assert_int_equal(world.workers[0]->held.count + world.workers[1]->held.count, 0);
    assert_int_equal(space_of(&world).versions, 1);
    close_with_pins(&world);
}

/* However many rows wait for a pin, some dozens of runs see to all of them once it has gone. */
static void many_rows_that_wait_are_seen_to_in_a_few_runs(void **state)
{
    (void)state;
    enum { ROWS = 64 * 200, RUNS_MOST = 120 };
    struct world world = world_with_pins(INSTALLS);
    mae_worker_idle(world.workers[1]);
    world.worker_count = 1;
    struct mae_worker *worker = world.workers[0];
    static uint64_t rows[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = new_row(worker, world.table, 0);
    settle(&world);
    uint64_t ts = now_ts(&world);
    set_pin(&world, 2, ts, ts);
    for (size_t i = 0; i < ROWS; i++)
        add_one(&world, 0, rows[i]);
    settle(&world);
    assert_int_equal(worker->held.count, ROWS);
    set_pin(&world, 2, 0, 0);
    const struct horizon *horizon = &worker->core->horizon;
    for (uint64_t before = atomic_load(&horizon->min_rts); atomic_load(&horizon->min_rts) == before;)
        mae_abort(begin(worker)); /* a pass begins when min_rts has moved */
    for (int runs = 0; runs < RUNS_MOST; runs++)
        gc_run(worker);
    assert_int_equal(worker->held.count, 0);
    settle(&world);
    close_with_pins(&world);
}

/* Who goes leaves its garbage; one run of another worker takes that of several. */
static void one_run_takes_several_orphans(void **state)
{
    (void)state;
    enum { OTHERS = 4 };
    struct world world = world_open(INSTALLS, MAE_INDEX_HASH, 8, 1 + OTHERS);
    const struct core *core = world.workers[0]->core;
    uint64_t row = new_row(world.workers[0], world.table, 0);
    struct mae_txn *reader = begin(world.workers[0]); /* so that nothing is due meanwhile */
    for (unsigned i = 1; i <= OTHERS; i++)
        add_one(&world, i, row);
    for (unsigned i = 1; i <= OTHERS; i++) /* as when it goes, but without a run, which would take what others left */
        gc_orphan(world.workers[i]);
    mae_abort(reader);
    gc_run(world.workers[0]);
    assert_null(atomic_load(&core->orphans));
    settle(&world);
    world_close(&world);
}

/* Of two pins the older one goes: what only that one needed goes with it, though the other keeps something above. */
static void a_pin_that_goes_frees_what_is_below_another(void **state)
{
    (void)state;
    struct world world = world_with_pins(INSTALLS);
    mae_worker_idle(world.workers[1]);
    world.worker_count = 1;
    uint64_t row = new_row(world.workers[0], world.table, 0), ts[2];
    for (unsigned p = 0; p < 2; p++) {
        settle(&world);
        ts[p] = now_ts(&world);
        set_pin(&world, 1 + p, ts[p], ts[p]);
        add_one(&world, 0, row);
    }
    for (int i = 0; i < 20; i++) {
        add_one(&world, 0, row);
        settle(&world);
    }
    assert_int_equal(space_of(&world).versions, 3);
    set_pin(&world, 1, 0, 0);
    settle(&world);
    settle(&world);
    assert_int_equal(space_of(&world).versions, 2);
    assert_int_equal(value_at(&world, row, ts[1]), 1);
    set_pin(&world, 2, 0, 0);
    settle(&world);
    settle(&world);
    assert_int_equal(space_of(&world).versions, 1);
    close_with_pins(&world);
}

/* Waits until the transaction of `worker` has been overtaken, while worker 0 runs transactions. */
static void await_overtaking(struct world *world, unsigned worker)
{
    const struct horizon_slot *slot = world->workers[worker]->slot;
    while (atomic_load(&slot->state) != SLOT_OVERTAKEN)
        mae_abort(begin(world->workers[0]));
}

/* As settle, with worker 0 only, while transactions are overtaken: then min_rts comes on more slowly (horizon.h, H7).
 * What waits for pins is seen to in one pass, and what that unlinks goes in the next. */
static void settle_beside_overtaken(struct world *world)
{
    enum { PASSES = 4 };
    const struct horizon *horizon = &world->workers[0]->core->horizon;
    for (int pass = 0; pass < PASSES; pass++) {
        uint64_t ts = now_ts(world);
        while (atomic_load(&horizon->min_rts) <= ts)
            mae_abort(begin(world->workers[0]));
    }
}

/* G8. Worker 1 has garbage, and its list has a row that waits for a pin. Then its next transaction stays open. */
static void who_is_overtaken_leaves_its_garbage_to_others(void **state)
{
    (void)state;
    struct world world = world_with_pins(INSTALLS "overtake_us=1");
    uint64_t waits = new_row(world.workers[0], world.table, 0), garbage = new_row(world.workers[0], world.table, 0);
    settle(&world);
    uint64_t ts = now_ts(&world);
    set_pin(&world, 2, ts, ts);
    add_one(&world, 1, waits);
    settle(&world);
    assert_int_equal(world.workers[1]->held.count, 1);
    add_one(&world, 1, garbage); /* after the pin's time, but seen by the transaction that begins now */
    struct mae_txn *reader = begin(world.workers[1]);
    world.worker_count = 1;
    await_overtaking(&world, 1);
    settle_beside_overtaken(&world);
    assert_int_equal(world.workers[1]->held.count, 0);
    assert_true(world.workers[1]->gc.head == world.workers[1]->gc.tail);
    set_pin(&world, 2, 0, 0);
    settle_beside_overtaken(&world);
    assert_true(space_of(&world).versions <= 3);       /* of the garbage the reader may still see the old version */
    assert_ok(row_add(reader, world.table, waits, 1)); /* the owner goes on with empty queues */
    assert_ok(mae_commit(reader));
    world.worker_count = 2;
    settle(&world);
    settle(&world);
    assert_int_equal(space_of(&world).versions, 2);
    close_with_pins(&world);
}

/* G8. Pins come and go, one overlapping the next, so that each leaves a version below one that stays; the row waits in
 * the list of a worker whose transaction is open all the time. */
static void overlapping_pins_leave_nothing_behind_a_long_transaction(void **state)
{
    (void)state;
    enum { PINS = 30 };
    struct world world = world_open(INSTALLS "overtake_us=1", MAE_INDEX_HASH, 8, 4);
    mae_worker_idle(world.workers[2]);
    mae_worker_idle(world.workers[3]);
    world.worker_count = 2;
    uint64_t row = new_row(world.workers[0], world.table, 0);
    settle(&world);
    set_pin(&world, 2, now_ts(&world), now_ts(&world));
    add_one(&world, 1, row);
    settle(&world);
    assert_int_equal(world.workers[1]->held.count, 1);
    struct mae_txn *reader = begin(world.workers[1]);
    world.worker_count = 1;
    await_overtaking(&world, 1);
    for (unsigned i = 0; i < PINS; i++) {
        uint64_t ts = now_ts(&world);
        set_pin(&world, 2 + (i + 1) % 2, ts, ts);
        add_one(&world, 0, row);
        settle_beside_overtaken(&world);
        set_pin(&world, 2 + i % 2, 0, 0);
        add_one(&world, 0, row);
        settle_beside_overtaken(&world);
    }
    assert_true(space_of(&world).versions <= 6); /* the newest, and what two pins and the reader see */
    mae_abort(reader);
    set_pin(&world, 2, 0, 0);
    set_pin(&world, 3, 0, 0);
    world.worker_count = 4;
    settle(&world);
    world_close(&world);
}

/* ---- What collection costs: however long a chain has become, each version is looked at a few times. ---- */

enum { FEW_TIMES = 4, SHORT = 300, LONG = 3000 };

static uint64_t versions_passed(const struct world *world)
{
    return db_counter(world->db, "versions_passed");
}

/* Worker 1 is silent, and a long queue becomes due at once when it goes: no single run works off all of it. */
static void a_long_queue_is_worked_off_in_parts(void **state)
{
    (void)state;
    enum { UPDATES = 640 * GC_CHUNK_ITEMS, AT_ONCE_MOST = 100 * GC_CHUNK_ITEMS };
    struct world world = world_open(INSTALLS, MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 0);
    settle(&world);
    for (unsigned i = 0; i < UPDATES; i++)
        add_one(&world, 0, row);
    mae_worker_idle(world.workers[1]);
    world.worker_count = 1;
    uint64_t first = db_counter(world.db, "versions_reclaimed"), before = first, most = 0;
    assert_true(first < AT_ONCE_MOST);
    while (before < UPDATES) { /* versions that settle come on top */
        mae_abort(begin(world.workers[0]));
        uint64_t now = db_counter(world.db, "versions_reclaimed");
        most = now - before > most ? now - before : most;
        before = now;
    }
    assert_true(most <= AT_ONCE_MOST);
    settle(&world);
    assert_int_equal(space_of(&world).versions, 1);
    world.worker_count = 2;
    world_close(&world);
}

/* Worker 1 does not come to a quiescent point, and behind it versions pile up that were aborted; one in `committed` was
 * not. Then it comes to one. */
static void aborted_versions_cost_the_same_in_a_long_chain(void **state)
{
    (void)state;
    static const unsigned chains[] = {SHORT, LONG}, committed[] = {UINT32_MAX, 10};
    for (unsigned c = 0; c < 4; c++) {
        unsigned length = chains[c % 2];
        struct world world = world_open(INSTALLS, MAE_INDEX_HASH, 8, 3);
        uint64_t row = new_row(world.workers[0], world.table, 0), other = new_row(world.workers[0], world.table, 0);
        settle(&world);
        struct mae_txn *reader = begin(world.workers[2]);
        world.worker_count = 2;
        for (unsigned i = 0; i < length; i++) {
            abort_installed(&world, row, other);
            if (i % committed[c / 2] == committed[c / 2] - 1)
                add_one(&world, i % 2, row);
        }
        assert_true(space_of(&world).versions >= length);
        mae_abort(reader);
        world.worker_count = 3;
        settle(&world);
        assert_int_equal(space_of(&world).versions, 2);
        assert_true(versions_passed(&world) <= FEW_TIMES * length);
        world_close(&world);
    }
}

/* A pin keeps a long chain while the row is written on. */
static void a_wide_pin_costs_the_same_in_a_long_chain(void **state)
{
    (void)state;
    static const unsigned chains[] = {SHORT, LONG};
    for (unsigned c = 0; c < 2; c++) {
        unsigned length = chains[c];
        struct world world = world_with_pins(INSTALLS);
        uint64_t row = new_row(world.workers[0], world.table, 0), lo = now_ts(&world);
        for (unsigned i = 0; i < length; i++) /* worker 1 does nothing, so none is collected yet */
            add_one(&world, 0, row);
        set_pin(&world, 2, lo, now_ts(&world));
        for (unsigned i = 0; i < length; i++) {
            add_one(&world, i % 2, row);
            if (i % 10 == 0)
                settle(&world);
        }
        assert_true(space_of(&world).versions >= length);
        assert_true(versions_passed(&world) <= FEW_TIMES * 2 * length);
        set_pin(&world, 2, 0, 0);
        settle(&world);
        settle(&world);
        assert_int_equal(space_of(&world).versions, 1);
        assert_true(versions_passed(&world) <= FEW_TIMES * 2 * length);
        close_with_pins(&world);
    }
}

/* A pin keeps a long chain while others come and go, so that the row is looked at again and again. */
static void pins_that_come_and_go_cost_the_same_above_a_long_chain(void **state)
{
    (void)state;
    static const unsigned chains[] = {SHORT, LONG};
    for (unsigned c = 0; c < 2; c++) {
        unsigned length = chains[c];
        struct world world = world_with_pins(INSTALLS);
        uint64_t row = new_row(world.workers[0], world.table, 0), lo = now_ts(&world);
        for (unsigned i = 0; i < length; i++)
            add_one(&world, 0, row);
        set_pin(&world, 2, lo, now_ts(&world));
        settle(&world);
        mae_worker_idle(world.workers[1]);
        world.worker_count = 1;
        uint64_t before = versions_passed(&world);
        for (unsigned i = 0; i < SHORT; i++) {
            uint64_t ts = now_ts(&world);
            set_pin(&world, 1, ts, ts);
            add_one(&world, 0, row);
            settle(&world);
            set_pin(&world, 1, 0, 0);
            settle(&world);
        }
        assert_true(versions_passed(&world) - before <= FEW_TIMES * FEW_TIMES * SHORT);
        set_pin(&world, 2, 0, 0);
        settle(&world);
        settle(&world);
        assert_int_equal(space_of(&world).versions, 1);
        close_with_pins(&world);
    }
}

/* Collectors look along the chains from now on, as they do once memory has run out. */
static struct core *look_along_chains(struct world *world)
{
    struct core *core = (struct core *)world->db;
    atomic_store(&core->walks, true);
    atomic_store(&core->attention, true);
    return core;
}

/* Worker 1 lags behind, so that half of a long chain becomes due while the other half is above the horizon. */
static void looking_along_a_long_chain_costs_the_same(void **state)
{
    (void)state;
    static const unsigned chains[] = {SHORT, LONG};
    for (unsigned c = 0; c < 4; c++) {
        unsigned length = chains[c % 2];
        bool pinned = c / 2;
        struct world world = world_with_pins(INSTALLS);
        look_along_chains(&world);
        uint64_t row = new_row(world.workers[0], world.table, 0), other = new_row(world.workers[0], world.table, 0);
        settle(&world);
        uint64_t lo = now_ts(&world);
        for (unsigned half = 0; half < 2; half++) {
            for (unsigned i = 0; i < length; i++)
                add_one(&world, 0, row);
            if (half == 0 && pinned)
                set_pin(&world, 2, lo, now_ts(&world));
            mae_abort(begin(world.workers[1]));
        }
        for (unsigned i = 0; i < 10; i++)
            mae_abort(begin(world.workers[0]));
        assert_true(versions_passed(&world) <= FEW_TIMES * 2 * length);
        abort_installed(&world, row, other);
        settle(&world);
        set_pin(&world, 2, 0, 0);
        settle(&world);
        settle(&world);
        assert_int_equal(space_of(&world).versions, 2);
        assert_true(versions_passed(&world) <= FEW_TIMES * FEW_TIMES * length);
        close_with_pins(&world);
    }
}

/* ---- Memory that has changed its class (gc.h, G7). ---- */

/* An item names a version that was given back long ago. Where it was, there is now payload, and that looks like the
 * version. */
/* Takes all memory that chunks of queues could get. Gives what was taken back, if `taken` has some. */
enum { TAKEN_MOST = 1 << 15 };

struct taken {
    size_t count;
    version_handle handles[TAKEN_MOST];
};

static void take_all(struct pool *pool, struct taken *taken)
{
    const size_t bytes = sizeof(struct gc_chunk);
    version_handle *handle = taken->handles;
    while (pool_alloc(pool, bytes, handle) || pool_alloc_reserved(pool, bytes, handle))
        assert_true(++handle < taken->handles + TAKEN_MOST);
    taken->count = (size_t)(handle - taken->handles);
}

static void give_all(struct pool *pool, const struct taken *taken)
{
    for (size_t i = 0; i < taken->count; i++)
        pool_free(pool, taken->handles[i], arena_version(pool->base, pool->unit_bytes, taken->handles[i]));
}

/* G6, G7. There is no memory for the list of what waits for pins: then the row's item itself waits in the queue, and is
 * not taken for one of a row that has been seen to. */
static void what_no_list_has_room_for_is_looked_at_again(void **state)
{
    (void)state;
    static struct taken taken;
    struct world world = world_with_pins(INSTALLS "memory_limit=32M");
    mae_worker_idle(world.workers[1]);
    world.worker_count = 1;
    struct mae_worker *worker = world.workers[0];
    uint64_t row = new_row(worker, world.table, 0);
    settle(&world);
    uint64_t ts = now_ts(&world);
    set_pin(&world, 2, ts, ts);
    add_one(&world, 0, row);
    (void)look_along_chains(&world);
    take_all(&worker->pool, &taken);
    settle(&world);
    for (int i = 0; i < 2; i++) /* for the same min_rts */
        gc_run(worker);
    assert_int_equal(worker->held.count, 0);
    give_all(&worker->pool, &taken);
    settle(&world);
    assert_int_equal(worker->held.count, 1);
    set_pin(&world, 2, 0, 0);
    settle(&world);
    settle(&world);
    assert_int_equal(space_of(&world).versions, 1);
    close_with_pins(&world);
}

static void an_old_handle_is_not_followed_once_memory_changes_class(void **state)
{
    (void)state;
    enum { UNIT = 32 };
    struct world world = world_open("gc_interval_us=1 inline_bytes=0", MAE_INDEX_HASH, 200, 2);
    struct mae_worker *worker = world.workers[0];
    struct table *table = &world.table->rows;
    uint64_t row;
    void *data;
    struct mae_txn *txn = begin(worker);
    assert_ok(mae_row_insert(txn, world.table, 200, &row, &data));
    memset(data, 0, 200);
    assert_ok(mae_commit(txn));
    settle(&world);
    uint64_t stamp = now_ts(&world);
    settle(&world);
    version_handle handle = atomic_load(row_head(table, table_row(table, row)));
    struct version *old = row_version(table, table_row(table, row), handle + 1);
    assert_ptr_equal(old, (char *)row_version(table, table_row(table, row), handle) + UNIT);
    atomic_store(&old->older, handle);
    atomic_store(&old->status, VERSION_COMMITTED);
    atomic_store(&old->wts, stamp);
    atomic_store(&look_along_chains(&world)->arena.may_retype, true);
    assert_true(gc_reserve_more(worker, &worker->gc, 1, false));
    gc_push(&worker->gc, table, table_row(table, row), handle + 1, stamp, GC_BASE);
    settle(&world);
    assert_int_equal(atomic_load(&old->older), handle); /* the payload is as it was */
    assert_int_equal(space_of(&world).versions, 1);
    world_close(&world);
}

/* ---- The queue. ---- */

static uint64_t committed_bytes(const struct world *world)
{
    struct mae_memory memory;
    mae_db_memory(world->db, &memory);
    assert_true(memory.committed_bytes <= memory.limit_bytes);
    assert_true(memory.resident_bytes <= memory.limit_bytes);
    return memory.committed_bytes;
}

/* What is queued counts against the limit, and serves versions when it has been worked off. */
static void the_queue_counts_as_memory(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1 overtake_us=0 memory_limit=32M inline_bytes=0 huge_pages=off",
                                    MAE_INDEX_HASH, 8, 3);
    uint64_t row = new_row(world.workers[0], world.table, 0), updates = 0;
    for (int round = 0; round < 3; round++) {
        struct mae_txn *reader = begin(world.workers[2]);
        world.worker_count = 2;
        enum mae_status status = MAE_OK;
        for (uint64_t i = 0; status != MAE_NO_MEMORY && i < 2000000; i++) { /* 32 bytes of a version, 32 of an item */
            struct mae_txn *txn = begin(world.workers[i % 2]);
            status = row_add(txn, world.table, row, 1);
            if (status == MAE_OK)
                status = mae_commit(txn);
            else
                mae_abort(txn);
            updates += status == MAE_OK;
        }
        assert_status(MAE_NO_MEMORY, status); /* as long as the reader is there; tried again for a while */
        assert_true(committed_bytes(&world) > 30 * 1024 * 1024);
        assert_true(space_of(&world).versions > 200000);
        if (round == 1) { /* what a worker leaves behind changes hands without any memory */
            mae_worker_leave(world.workers[0]);
            mae_worker_leave(world.workers[1]);
            assert_ok(mae_worker_join(world.db, &world.workers[0]));
            assert_ok(mae_worker_join(world.db, &world.workers[1]));
        }
        assert_ok(mae_commit(reader));
        world.worker_count = 3;
        settle(&world);
        assert_int_equal(space_of(&world).versions, 1);
        assert_int_equal(row_value(world.workers[1], world.table, row), updates);
    }
    world_close(&world);
}

static enum mae_status insert_key(struct mae_worker *worker, struct mae_index *index, uint64_t key)
{
    void *data;
    struct mae_txn *txn = begin(worker);
    enum mae_status status = mae_insert(txn, index, &key, 1000, NULL, &data);
    if (status == MAE_OK)
        return mae_commit(txn);
    mae_abort(txn);
    return status;
}

static enum mae_status delete_key(struct mae_worker *worker, struct mae_index *index, uint64_t key)
{
    struct mae_txn *txn = begin(worker);
    enum mae_status status = mae_delete(txn, index, &key);
    if (status == MAE_OK)
        return mae_commit(txn);
    mae_abort(txn);
    return status;
}

/* At the limit, what a worker has free and does not need is another's, though it goes on: versions, and with rows that
 * hold their versions, row ids. A transaction that is refused meanwhile is told to try again. */
static void at_the_limit_free_memory_reaches_others(void **state)
{
    (void)state;
    enum { DELETED = 500, INSERTED = 400 };
    static const char *const cases[] = {"inline_bytes=0", "inline_bytes=1024"};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        char options[128];
        snprintf(options, sizeof options, "gc_interval_us=1 memory_limit=40M huge_pages=off %s", cases[c]);
        struct world world = world_open(options, MAE_INDEX_HASH, 1000, 2);
        struct mae_worker *rich = world.workers[0], *poor = world.workers[1];
        uint64_t count = 0, key = 0, refused = 0;
        enum mae_status status;
        while ((status = insert_key(rich, world.index, count)) == MAE_OK || mae_status_is_retryable(status))
            count += status == MAE_OK;
        assert_status(MAE_NO_MEMORY, status);
        assert_true(count > 10000);
        for (uint64_t i = 0; i < DELETED; i++) {
            while ((status = delete_key(rich, world.index, i)) == MAE_ABORT_MEMORY)
                mae_abort(begin(poor));
            assert_ok(status);
        }
        settle(&world);
        while (key < INSERTED) {
            status = insert_key(poor, world.index, count + key);
            key += status == MAE_OK;
            refused += status == MAE_ABORT_MEMORY;
            if (status != MAE_ABORT_MEMORY)
                assert_ok(status);
            mae_abort(begin(rich));
        }
        print_message("%" PRIu64 " refusals\n", refused);
        world_close(&world);
    }
}

static enum mae_status insert_row(struct mae_worker *worker, struct mae_table *table, size_t bytes, uint64_t *row)
{
    void *data;
    struct mae_txn *txn = begin(worker);
    enum mae_status status = mae_row_insert(txn, table, bytes, row, &data);
    if (status == MAE_OK) {
        memset(data, (int)(bytes & 255), bytes);
        return mae_commit(txn);
    }
    mae_abort(txn);
    return status;
}

static enum mae_status delete_row(struct mae_worker *worker, struct mae_table *table, uint64_t row)
{
    struct mae_txn *txn = begin(worker);
    enum mae_status status = mae_row_delete(txn, table, row);
    if (status == MAE_OK)
        return mae_commit(txn);
    mae_abort(txn);
    return status;
}

/* Filled with rows of one size, emptied, filled with another. */
static void memory_of_one_size_serves_another(void **state)
{
    (void)state;
    enum { LIMIT = 40 << 20, ROWS = 150000 };
    static const size_t sizes[] = {300, 3000, 900, 300};
    static uint64_t rows[ROWS];
    struct world world =
        world_open("gc_interval_us=1 memory_limit=40M inline_bytes=0 huge_pages=off", MAE_INDEX_HASH, 4000, 2);
    struct mae_worker *worker = world.workers[0];
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint64_t count = 0;
        enum mae_status status;
        while ((status = insert_row(worker, world.table, sizes[s], &rows[count])) == MAE_OK ||
               mae_status_is_retryable(status)) {
            count += status == MAE_OK;
            assert_true(count < ROWS);
            if (status != MAE_OK)
                mae_abort(begin(world.workers[1]));
        }
        assert_status(MAE_NO_MEMORY, status);
        print_message("%zu bytes: %" PRIu64 " rows\n", sizes[s], count);
        assert_true(count * sizes[s] > LIMIT / 2);
        for (uint64_t i = 0; i < count; i++) {
            while (mae_status_is_retryable(status = delete_row(worker, world.table, rows[i])) ||
                   status == MAE_NO_MEMORY) /* comes free with what was deleted before */
                mae_abort(begin(world.workers[1]));
            assert_ok(status);
        }
        settle(&world);
        assert_int_equal(space_of(&world).versions, 0);
    }
    world_close(&world);
}

/* A worker that is alone and has no garbage is refused for good at once. */
static void what_cannot_come_free_is_refused_for_good(void **state)
{
    (void)state;
    struct world world =
        world_open("gc_interval_us=1 memory_limit=40M inline_bytes=0 huge_pages=off", MAE_INDEX_HASH, 1000, 1);
    enum mae_status status;
    for (uint64_t i = 0; (status = insert_key(world.workers[0], world.index, i)) == MAE_OK; i++)
        if (i % 1000 == 0 || i > 30000)
            settle(&world); /* what the index makes garbage */
    assert_status(MAE_NO_MEMORY, status);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_do_not_pile_up),
        cmocka_unit_test(the_interval_decides_how_often),
        cmocka_unit_test(a_long_reader_keeps_its_versions),
        cmocka_unit_test(a_lone_version_settles_in_its_row),
        cmocka_unit_test(a_read_of_the_settled_version_binds_writers),
        cmocka_unit_test(what_was_read_stays_where_it_was),
        cmocka_unit_test(a_write_follows_the_settled_version),
        cmocka_unit_test(a_private_write_installs_above_the_settled_version),
        cmocka_unit_test(a_version_that_settles_meanwhile_is_not_missed),
        cmocka_unit_test(an_idle_worker_holds_nothing_back),
        cmocka_unit_test(garbage_is_inherited),
        cmocka_unit_test(deleted_rows_are_used_again),
        cmocka_unit_test(a_reader_keeps_a_deleted_row),
        cmocka_unit_test(a_row_in_limbo_is_not_given_out),
        cmocka_unit_test(a_row_is_in_limbo_for_who_began_just_before),
        cmocka_unit_test(rows_of_aborted_inserts_are_used_again),
        cmocka_unit_test(aborted_versions_do_not_pile_up),
        cmocka_unit_test(who_stands_on_an_aborted_version_goes_on),
        cmocka_unit_test(a_pin_keeps_what_it_sees_and_nothing_else),
        cmocka_unit_test(a_pin_keeps_what_was_visible_in_its_time),
        cmocka_unit_test(a_pin_keeps_the_value_of_noted_operations),
        cmocka_unit_test(a_deletion_waits_for_pins),
        cmocka_unit_test(a_tombstone_is_unlinked_once),
        cmocka_unit_test(a_tombstone_in_limbo_is_left_alone),
        cmocka_unit_test(pins_at_random),
        cmocka_unit_test(what_waits_for_a_pin_is_bounded),
        cmocka_unit_test(a_pin_that_goes_frees_what_is_below_another),
        cmocka_unit_test(many_rows_that_wait_are_seen_to_in_a_few_runs),
        cmocka_unit_test(one_run_takes_several_orphans),
        cmocka_unit_test(who_is_overtaken_leaves_its_garbage_to_others),
        cmocka_unit_test(overlapping_pins_leave_nothing_behind_a_long_transaction),
        cmocka_unit_test(a_long_queue_is_worked_off_in_parts),
        cmocka_unit_test(aborted_versions_cost_the_same_in_a_long_chain),
        cmocka_unit_test(a_wide_pin_costs_the_same_in_a_long_chain),
        cmocka_unit_test(pins_that_come_and_go_cost_the_same_above_a_long_chain),
        cmocka_unit_test(looking_along_a_long_chain_costs_the_same),
        cmocka_unit_test(what_no_list_has_room_for_is_looked_at_again),
        cmocka_unit_test(an_old_handle_is_not_followed_once_memory_changes_class),
        cmocka_unit_test(the_queue_counts_as_memory),
        cmocka_unit_test(at_the_limit_free_memory_reaches_others),
        cmocka_unit_test(what_cannot_come_free_is_refused_for_good),
        cmocka_unit_test(memory_of_one_size_serves_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
