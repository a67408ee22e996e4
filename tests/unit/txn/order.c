/* order.c - what `after`, order=strict, overtaking and txn_max_ms promise; which worker holds the horizon back. */
#include <pthread.h>

#include "engine/base/race.h"
#include "engine/db/db.h"
#include "engine/txn/txn.h"
#include "tests/support/world.h"

/* Whether there is a membarrier system call. */
static bool overtakes(const struct world *world)
{
    return world->db->core.horizon.barrier != NULL;
}

static uint64_t commit_add(struct world *world, unsigned worker, uint64_t row)
{
    struct mae_txn *txn;
    assert_ok(mae_begin(world->workers[worker], MAE_READ_WRITE, mae_worker_last_commit(world->workers[0]), &txn));
    assert_ok(row_add(txn, world->table, row, 1));
    assert_ok(mae_commit(txn));
    assert_int_equal(mae_worker_last_commit(world->workers[worker]), mae_txn_timestamp(txn));
    return mae_txn_timestamp(txn);
}

static uint64_t snapshot_value(struct world *world, unsigned worker, uint64_t row, uint64_t after)
{
    struct mae_txn *txn;
    uint64_t value = UINT64_MAX;
    assert_ok(mae_begin(world->workers[worker], MAE_SNAPSHOT, after, &txn));
    assert_true(mae_txn_timestamp(txn) >= after);
    assert_ok(row_get(txn, world->table, row, &value));
    assert_ok(mae_commit(txn));
    return value;
}

/* Own commits, and those of a worker that is silent afterwards, or between short transactions. */
static void a_snapshot_sees_what_it_is_ordered_behind(void **state)
{
    (void)state;
    static const char *const options[] = {"", "timestamps=central", "clock_sync_us=0", "gc_interval_us=10000000"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct world world = world_open(options[i], MAE_INDEX_HASH, 8, 3);
        uint64_t row = new_row(world.workers[0], world.table, 0);
        for (uint64_t n = 1; overtakes(&world) && n <= 60; n++) {
            uint64_t ts = commit_add(&world, 0, row);
            assert_int_equal(snapshot_value(&world, n % 2, row, ts), n); /* the third is always silent */
        }
        world_close(&world);
    }
}

/* The wait passes quiescent points, which lie between transactions, and is no part of the transaction's age. */
static void a_snapshot_begins_when_it_has_waited(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=10000000", MAE_INDEX_HASH, 8, 2);
    const struct mae_worker *worker = world.workers[0];
    uint64_t row = new_row(world.workers[0], world.table, 0);
    for (uint64_t n = 1; overtakes(&world) && n <= 20; n++) {
        uint64_t ts = commit_add(&world, 0, row), waits = worker_counter(worker, "snapshot_waits");
        struct mae_txn *txn;
        assert_ok(mae_begin(world.workers[0], MAE_SNAPSHOT, ts, &txn));
        assert_int_equal(worker_counter(worker, "snapshot_waits"), waits + 1);
        assert_true(atomic_load(&worker->slot->begin_ticks) >= worker->quiescent_ticks);
        assert_ok(mae_commit(txn));
    }
    world_close(&world);
}

/* A timestamp ahead of all clocks: a worker that is between transactions comes back above it. */
static void a_snapshot_may_be_ordered_behind_the_future(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 3);
    uint64_t row = new_row(world.workers[0], world.table, 5);
    if (overtakes(&world)) {
        uint64_t future = mae_worker_last_commit(world.workers[0]) + (UINT64_C(1) << 44);
        assert_int_equal(snapshot_value(&world, 1, row, future), 5);
        struct mae_txn *txn;
        assert_ok(mae_begin(world.workers[2], MAE_READ_WRITE, 0, &txn));
        assert_true(mae_txn_timestamp(txn) > future); /* no transaction commits below a snapshot */
        assert_ok(mae_commit(txn));
        assert_status(MAE_INVALID, mae_begin(world.workers[1], MAE_SNAPSHOT, UINT64_MAX, &txn));
    }
    world_close(&world);
}

/* An open transaction is overtaken, so that the wait ends. */
static void a_snapshot_does_not_wait_for_the_open(void **state)
{
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        struct world world = world_open("overtake_us=100", MAE_INDEX_HASH, 8, 2);
        uint64_t row = new_row(world.workers[0], world.table, 0), value;
        if (overtakes(&world)) {
            uint64_t ts = commit_add(&world, 0, row);
            struct mae_txn *open;
            assert_ok(mae_begin(world.workers[1], mode ? MAE_SNAPSHOT : MAE_READ_WRITE, ts, &open));
            assert_ok(row_get(open, world.table, row, &value));
            ts = commit_add(&world, 0, row);
            assert_int_equal(snapshot_value(&world, 0, row, ts), 2);
            assert_ok(row_get(open, world.table, row, &value));
            assert_int_equal(value, 1);
            /* What the read-write one has read is no more: it would have to come behind. */
            enum mae_status status = mae_commit(open);
            assert_true(mode ? status == MAE_OK : mae_status_is_retryable(status));
        }
        world_close(&world);
    }
}

static void strict_order_is_that_of_real_time(void **state)
{
    (void)state;
    struct world world = world_open("order=strict clock_sync_us=0 gc_interval_us=10000000", MAE_INDEX_HASH, 8, 3);
    uint64_t row = new_row(world.workers[0], world.table, 0), last = 0;
    /* One clock is minutes ahead, and nothing but the order brings the others there. */
    struct mae_txn *txn;
    assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, UINT64_C(1) << 44, &txn));
    assert_ok(mae_commit(txn));
    for (uint64_t n = 1; n <= 60; n++) {
        assert_ok(mae_begin(world.workers[n % 3], MAE_READ_WRITE, 0, &txn));
        assert_true(mae_txn_timestamp(txn) > last);
        last = mae_txn_timestamp(txn);
        assert_ok(row_add(txn, world.table, row, 1));
        assert_ok(mae_commit(txn));
        if (overtakes(&world))
            assert_int_equal(snapshot_value(&world, (unsigned)(n + 1) % 3, row, 0), n);
    }
    world_close(&world);
}

struct body {
    struct mae_table *table;
    uint64_t row, value, ts;
};

static enum mae_status read_row(struct mae_txn *txn, void *arg)
{
    struct body *body = arg;
    body->ts = mae_txn_timestamp(txn);
    return row_get(txn, body->table, body->row, &body->value);
}

static void run_after_is_ordered_behind(void **state)
{
    (void)state;
    struct world world = world_open("clock_sync_us=0", MAE_INDEX_HASH, 8, 2);
    struct body body = {.table = world.table, .row = new_row(world.workers[0], world.table, 0)};
    for (uint64_t n = 1; n <= 20; n++) {
        uint64_t ts = commit_add(&world, 0, body.row);
        for (int mode = 0; mode < (overtakes(&world) ? 2 : 1); mode++) {
            assert_ok(mae_run_after(world.workers[1], mode ? MAE_SNAPSHOT : MAE_READ_WRITE, ts, read_row, &body, 0));
            assert_int_equal(body.value, n);
            assert_true(body.ts >= ts);
        }
    }
    assert_status(MAE_INVALID, mae_run_after(world.workers[1], MAE_READ_WRITE, UINT64_MAX, read_row, &body, 0));
    world_close(&world);
}

/* Another worker works until the open transaction's next call fails. */
static void an_old_transaction_is_aborted(void **state)
{
    (void)state;
    enum { PATIENCE_MS = 10000 };
    for (int mode = 0; mode < 3; mode++) { /* it calls; it only commits; it is a snapshot */
        struct world world = world_open("txn_max_ms=1 overtake_us=0 gc_interval_us=1", MAE_INDEX_ORDERED, 8, 2);
        uint64_t row = new_row(world.workers[0], world.table, 0), own = new_row(world.workers[0], world.table, 0),
                 value;
        struct mae_txn *txn;
        enum mae_status status = MAE_OK;
        settle(&world);
        assert_ok(mae_begin(world.workers[0], mode == 2 ? MAE_SNAPSHOT : MAE_READ_WRITE, 0, &txn));
        if (mode < 2)
            assert_ok(row_add(txn, world.table, own, 1));
        for (uint64_t start = cpu_ns(); overtakes(&world) && cpu_time_left(start, PATIENCE_MS) && status == MAE_OK;) {
            (void)commit_add(&world, 1, row);
            if (mode == 1 && atomic_load(&world.workers[0]->slot->doomed_ticks))
                break;
            if (mode != 1)
                status = mode == 2 ? row_get(txn, world.table, own, &value)
                                   : mae_row_delete(txn, world.table, own == 0 ? 1 : own);
            status = status == MAE_NOT_FOUND ? MAE_OK : status;
        }
        if (overtakes(&world)) {
            if (mode != 1)
                assert_status(MAE_ABORT_OLD, status);
            assert_status(MAE_ABORT_OLD, mae_commit(txn));
            assert_int_equal(row_value(world.workers[1], world.table, own), 0);
            assert_int_equal(worker_counter(world.workers[0], "aborts_old"), mode < 2);
        } else {
            (void)mae_abort(txn);
        }
        (void)commit_add(&world, 0, row); /* the next one is not old */
        world_close(&world);
    }
}

static void the_oldest_is_told(void **state)
{
    (void)state;
    struct world world = world_open("gc_interval_us=1 overtake_us=200", MAE_INDEX_HASH, 8, 3);
    uint64_t row = new_row(world.workers[1], world.table, 0);
    struct mae_oldest oldest;
    mae_worker_idle(world.workers[0]);
    mae_worker_idle(world.workers[1]);
    assert_ok(mae_oldest(world.db, &oldest));
    assert_int_equal(oldest.worker, 2);
    assert_int_equal(oldest.activity, MAE_BETWEEN);
    struct mae_txn *txn = begin(world.workers[2]);
    for (int i = 0; i < 200; i++)
        (void)commit_add(&world, 1, row);
    assert_ok(mae_oldest(world.db, &oldest));
    assert_int_equal(oldest.worker, 2);
    assert_int_equal(oldest.activity, MAE_READING);
    assert_int_equal(oldest.timestamp, mae_txn_timestamp(txn));
    assert_true(oldest.age_ns > 0);
    for (int i = 0; i < 100000 && overtakes(&world) && !oldest.overtaken; i++) {
        (void)commit_add(&world, 1, row);
        assert_ok(mae_oldest(world.db, &oldest));
    }
    assert_int_equal(oldest.overtaken, overtakes(&world));
    assert_ok(mae_commit(txn));
    for (unsigned i = 0; i < 3; i++)
        mae_worker_idle(world.workers[i]);
    assert_status(MAE_NOT_FOUND, mae_oldest(world.db, &oldest));
    world_close(&world);
}

struct bystander {
    struct world *world;
    uint64_t row;
    _Atomic bool ends;
    bool failed;
};

static void *commit_on(void *arg)
{
    struct bystander *bystander = arg;
    struct mae_worker *worker = bystander->world->workers[1];
    while (!atomic_load(&bystander->ends)) {
        struct mae_txn *txn;
        bystander->failed |= mae_begin(worker, MAE_READ_WRITE, 0, &txn) != MAE_OK;
        bystander->failed |= row_add(txn, bystander->world->table, bystander->row, 1) != MAE_OK;
        bystander->failed |= mae_commit(txn) != MAE_OK;
    }
    return NULL;
}

/* While another thread commits all the time. What the snapshot reads stays, also across savepoints. */
static void a_worker_sees_its_own_last_commit(void **state)
{
    (void)state;
    enum { COMMITS = 50 };
    struct world world = world_open("", MAE_INDEX_HASH, 8, 2);
    struct bystander bystander = {.world = &world, .row = new_row(world.workers[1], world.table, 0)};
    uint64_t row = new_row(world.workers[0], world.table, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, commit_on, &bystander), 0);
    for (uint64_t n = 1; overtakes(&world) && n <= COMMITS; n++) {
        struct mae_txn *txn;
        uint64_t mark, before, after, ts = commit_add(&world, 0, row);
        assert_int_equal(snapshot_value(&world, 0, row, mae_worker_last_commit(world.workers[0])), n);
        assert_ok(mae_begin(world.workers[0], MAE_SNAPSHOT, ts, &txn));
        assert_ok(mae_savepoint(txn, &mark));
        assert_ok(row_get(txn, world.table, bystander.row, &before));
        assert_ok(mae_rollback_to(txn, mark));
        assert_ok(row_get(txn, world.table, bystander.row, &after));
        assert_int_equal(before, after);
        assert_ok(mae_commit(txn));
    }
    atomic_store(&bystander.ends, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(bystander.failed);
    world_close(&world);
}

/* A commit whose index then grows, which takes transactions of the worker's own, still tells its own timestamp. */
static void a_commit_keeps_its_timestamp_while_the_index_grows(void **state)
{
    (void)state;
    struct world world = world_open("", MAE_INDEX_HASH, 8, 1);
    for (uint64_t key = 0; key < 2000; key++) {
        struct mae_txn *txn;
        assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &txn));
        assert_ok(key_insert(txn, world.index, key, key));
        uint64_t timestamp = mae_txn_timestamp(txn); /* nothing is overtaken here */
        assert_ok(mae_commit(txn));
        assert_int_equal(mae_txn_timestamp(txn), timestamp);
    }
    world_close(&world);
}

/* ---- A snapshot is overtaken in the middle of a read.: debug builds have the hook that it takes. ---- */

#ifdef MAE_DEBUG
static struct between_loads {
    struct world *world;
    uint64_t row;
    version_handle newest; /* what the snapshot has found at the row's head, and is about to look at */
    bool reused;
} between_loads;

/* Worker 0 goes on until the version has been given back, and lets it serve again in an index node of the beginning of
 * time, whose timestamp every snapshot sees. */
static void give_back_and_reuse(enum race_point point)
{
    enum { PATIENCE_MS = 10000, NODES = 1000 };
    struct between_loads *between = &between_loads;
    struct world *world = between->world;
    struct table *table = &world->table->rows;
    if (point != RACE_READ_VERSION)
        return;
    race_hook = NULL;
    const struct version *version = row_version(table, table_row(table, between->row), between->newest);
    for (uint64_t start = cpu_ns();
         atomic_load(&version->status) != VERSION_UNUSED && cpu_time_left(start, PATIENCE_MS);)
        (void)commit_add(world, 0, between->row);
    struct mae_txn *txn = begin(world->workers[0]);
    for (int node = 0; node < NODES && !between->reused; node++) {
        uint64_t row;
        assert_ok(row_alloc(table, worker_rows(world->workers[0], table), &row));
        assert_ok(txn_materialise(txn, table, row, 8));
        table_count_rows(table, 0, 1); /* which nobody counts in a table of nodes */
        between->reused = atomic_load(row_head(table, table_row(table, row))) == between->newest;
    }
    mae_abort(txn);
}

static void a_snapshot_overtaken_in_a_read_takes_nothing_unprotected(void **state)
{
    (void)state;
    struct world world = world_open("overtake_us=100 gc_interval_us=1 inline_bytes=0", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 7), value;
    struct table *table = &world.table->rows;
    if (overtakes(&world)) {
        struct mae_txn *txn;
        assert_ok(mae_begin(world.workers[1], MAE_SNAPSHOT, mae_worker_last_commit(world.workers[0]), &txn));
        (void)commit_add(&world, 0, row); /* which the snapshot does not see */
        between_loads = (struct between_loads){
            .world = &world,
            .row = row,
            .newest = atomic_load(row_head(table, table_row(table, row))),
        };
        race_hook = give_back_and_reuse;
        assert_ok(row_get(txn, world.table, row, &value));
        assert_true(between_loads.reused);
        assert_int_equal(value, 7);
        assert_ok(mae_commit(txn));
    }
    world_close(&world);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_sees_what_it_is_ordered_behind),
        cmocka_unit_test(a_snapshot_begins_when_it_has_waited),
        cmocka_unit_test(a_snapshot_may_be_ordered_behind_the_future),
        cmocka_unit_test(a_snapshot_does_not_wait_for_the_open),
        cmocka_unit_test(strict_order_is_that_of_real_time),
        cmocka_unit_test(run_after_is_ordered_behind),
        cmocka_unit_test(an_old_transaction_is_aborted),
#ifdef MAE_DEBUG
        cmocka_unit_test(a_snapshot_overtaken_in_a_read_takes_nothing_unprotected),
#endif
        cmocka_unit_test(a_worker_sees_its_own_last_commit),
        cmocka_unit_test(the_oldest_is_told),
        cmocka_unit_test(a_commit_keeps_its_timestamp_while_the_index_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
