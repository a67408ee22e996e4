/* on_miss.c - mae_worker_on_miss: where a worker gives its thread to another one, and that nobody waits for it there
 * (txn/approach.h). The function that a worker calls runs a transaction of another worker, to its end. */
#include "engine/base/race.h"
#include "tests/support/logged.h"
#include "tests/support/world.h"

enum { KEYS = 300 };

/* What the first worker calls: the second one reads, and sometimes writes, rows that the first one's transaction has
 * written or will write. With pending=abort it would notice a version that is not decided. */
struct turns {
    struct world world;
    uint64_t calls, random;
    uint64_t added; /* by the second worker */
    bool writes;
};

static void take_turn(void *arg)
{
    struct turns *turns = arg;
    struct mae_txn *txn;
    uint64_t value, key = random_below(&turns->random, KEYS);
    turns->calls++;
    assert_ok(mae_begin(turns->world.workers[1], MAE_READ_WRITE, 0, &txn));
    for (uint64_t i = 0; i < 8; i++)
        assert_ok(key_get(txn, turns->world.index, (key + i) % KEYS, &value));
    if (turns->writes && key_add(txn, turns->world.index, key, 1) == MAE_OK)
        turns->added += mae_commit(txn) == MAE_OK;
    else
        (void)mae_abort(txn);
}

static bool count_entry(void *arg, const void *key, uint64_t row)
{
    (void)key, (void)row;
    ++*(uint64_t *)arg;
    return true;
}

/* Everything that a transaction can do with rows and entries. MAE_OK or why it was aborted. */
static enum mae_status do_all(struct turns *turns, struct mae_txn *txn, uint64_t round, uint64_t *added)
{
    const struct world *world = &turns->world;
    uint64_t key = random_below(&turns->random, KEYS), row, value, extra = KEYS + round, seen = 0;
    const void *read;
    void *data;
    size_t bytes;
    enum mae_status status = key_add(txn, world->index, key, 1);
    *added = 1;
    if (status == MAE_OK)
        status = mae_index_find(txn, world->index, &key, &row);
    if (status == MAE_OK)
        status = mae_row_read(txn, world->table, row, &read, &bytes);
    if (status == MAE_OK)
        status = mae_row_update(txn, world->table, row, 0, NULL, &data);
    if (status == MAE_OK) {
        ++*(uint64_t *)data;
        ++*added;
        status = mae_read_row(txn, world->index, &key, &row, &read, &bytes);
    }
    if (status == MAE_OK)
        status = key_get(txn, world->index, (key + 1) % KEYS, &value);
    if (status == MAE_OK)
        status = mae_insert(txn, world->index, &extra, sizeof(uint64_t), NULL, &data);
    if (status == MAE_OK) {
        *(uint64_t *)data = 0;
        status = mae_delete(txn, world->index, &extra);
    }
    struct mae_index_config config;
    mae_index_config_of(world->index, &config);
    if (status == MAE_OK && config.kind == MAE_INDEX_ORDERED)
        status = mae_index_scan(txn, world->index, NULL, NULL, 0, 20, count_entry, &seen);
    return status;
}

static struct turns turns_open(const char *options, enum mae_index_kind kind)
{
    struct turns turns = {.world = world_open(options, kind, 8, 2), .random = 1};
    for (uint64_t key = 0; key < KEYS; key++) {
        struct mae_txn *txn = begin(turns.world.workers[0]);
        void *data;
        assert_ok(mae_insert(txn, turns.world.index, &key, sizeof(uint64_t), NULL, &data));
        *(uint64_t *)data = 0;
        assert_ok(mae_commit(txn));
    }
    return turns;
}

static uint64_t sum_of(struct turns *turns)
{
    uint64_t sum = 0, value;
    struct mae_txn *txn = begin(turns->world.workers[0]);
    for (uint64_t key = 0; key < KEYS; key++) {
        assert_ok(key_get(txn, turns->world.index, key, &value));
        sum += value;
    }
    assert_ok(mae_commit(txn));
    return sum;
}

static void nobody_waits_for_a_worker_that_gives_its_thread_away(void **state)
{
    (void)state;
    static const char *const options[] = {"pending=abort backoff=off", "pending=abort backoff=off inline_bytes=0",
                                          "pending=abort backoff=off order=strict"};
    for (unsigned i = 0; i < 2 * sizeof options / sizeof options[0]; i++) {
        struct turns turns = turns_open(options[i / 2], i % 2 ? MAE_INDEX_ORDERED : MAE_INDEX_HASH);
        uint64_t added = 0, commits = 0;
        assert_ok(mae_worker_on_miss(turns.world.workers[0], take_turn, &turns));
        for (uint64_t round = 0; round < 200; round++) {
            struct mae_txn *txn;
            uint64_t adds;
            turns.writes = round % 2;
            assert_ok(mae_begin(turns.world.workers[0], MAE_READ_WRITE, 0, &txn));
            if (do_all(&turns, txn, round, &adds) != MAE_OK) {
                (void)mae_abort(txn);
            } else if (mae_commit(txn) == MAE_OK) {
                added += adds;
                commits++;
            }
        }
        assert_ok(mae_worker_on_miss(turns.world.workers[0], NULL, NULL));
        assert_true(turns.calls > 1000 && turns.added > 0);
        assert_true(commits > 100); /* those that met no write of the other, at least */
        assert_int_equal(sum_of(&turns), added + turns.added);
        world_close(&turns.world);
    }
}

static void a_snapshot_gives_its_thread_away(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct turns turns = turns_open("pending=abort backoff=off", kind ? MAE_INDEX_ORDERED : MAE_INDEX_HASH);
        uint64_t before, after;
        struct mae_txn *txn;
        assert_ok(mae_worker_on_miss(turns.world.workers[0], take_turn, &turns));
        uint64_t last = mae_worker_last_commit(turns.world.workers[0]);
        assert_ok(mae_begin(turns.world.workers[0], MAE_SNAPSHOT, last, &txn));
        turns.writes = true;
        for (uint64_t key = 0; key < KEYS; key++) { /* it sees one state, whatever is committed meanwhile */
            assert_ok(key_get(txn, turns.world.index, key, &before));
            assert_int_equal(before, 0);
        }
        assert_ok(mae_commit(txn));
        assert_true(turns.calls >= KEYS && turns.added > 0);
        assert_ok(mae_worker_on_miss(turns.world.workers[0], NULL, NULL));
        after = sum_of(&turns);
        assert_int_equal(after, turns.added);
        world_close(&turns.world);
    }
}

static void a_call_counter(void *arg)
{
    ++*(uint64_t *)arg;
}

static void a_wait_before_a_retry_gives_the_thread_away(void **state)
{
    (void)state;
    struct world world = world_open("backoff=fixed:100", MAE_INDEX_HASH, 8, 1);
    uint64_t calls = 0;
    assert_ok(mae_worker_on_miss(world.workers[0], a_call_counter, &calls));
    for (int i = 0; i < 20; i++)
        mae_backoff(world.workers[0]);
    assert_true(calls > 0);
    world_close(&world);
}

struct older {
    struct world *world;
    struct mae_txn *txn; /* of the second worker, open until its turn comes */
    unsigned calls;
};

static void end_the_older_one(void *arg)
{
    struct older *older = arg;
    older->calls++;
    if (older->txn)
        assert_ok(mae_commit(older->txn));
    older->txn = NULL;
    mae_worker_idle(older->world->workers[1]);
}

#ifdef MAE_DEBUG
static struct older *waited_for;
static unsigned rounds;

/* If the wait has not let the older one go on in its first round, ends it, so that the wait ends, too. */
static void end_it_in_the_second_round(enum race_point point)
{
    if (point != RACE_WAIT_HORIZON || rounds++ == 0 || !waited_for->txn)
        return;
    assert_ok(mae_commit(waited_for->txn));
    waited_for->txn = NULL;
    mae_worker_idle(waited_for->world->workers[1]);
}
#endif

static void a_snapshot_that_waits_lets_the_one_go_on_that_it_waits_for(void **state)
{
    (void)state;
    struct world world = world_open("order=strict", MAE_INDEX_HASH, 8, 2);
    uint64_t row = new_row(world.workers[0], world.table, 5), value;
    struct older older = {.world = &world};
    struct mae_txn *txn;
    assert_ok(mae_begin(world.workers[1], MAE_READ_WRITE, 0, &older.txn));
    assert_ok(row_get(older.txn, world.table, row, &value));
    assert_ok(mae_begin(world.workers[0], MAE_READ_WRITE, 0, &txn));
    assert_ok(row_set(txn, world.table, row, 6));
    assert_ok(mae_commit(txn));
    assert_ok(mae_worker_on_miss(world.workers[0], end_the_older_one, &older));
#ifdef MAE_DEBUG
    waited_for = &older;
    race_hook = end_it_in_the_second_round;
#endif
    assert_ok(mae_begin(world.workers[0], MAE_SNAPSHOT, 0, &txn)); /* would wait for ever: the older one is open */
#ifdef MAE_DEBUG
    race_hook = NULL;
#endif
    assert_true(older.calls > 0 && !older.txn);
    assert_ok(row_get(txn, world.table, row, &value));
    assert_int_equal(value, 6);
    assert_ok(mae_commit(txn));
    world_close(&world);
}

static void it_is_set_between_transactions_and_of_one_worker(void **state)
{
    (void)state;
    struct turns turns = turns_open("backoff=off", MAE_INDEX_HASH);
    struct mae_worker **workers = turns.world.workers;
    uint64_t calls = 0, value;
    struct mae_txn *txn = begin(workers[0]);
    assert_status(MAE_BUSY, mae_worker_on_miss(workers[0], a_call_counter, &calls));
    assert_ok(mae_commit(txn));
    assert_ok(mae_worker_on_miss(workers[0], a_call_counter, &calls));
    txn = begin(workers[1]);
    assert_ok(key_get(txn, turns.world.index, 1, &value));
    assert_ok(mae_commit(txn));
    assert_int_equal(calls, 0); /* the other worker has none */
    txn = begin(workers[0]);
    assert_ok(key_get(txn, turns.world.index, 1, &value));
    assert_ok(mae_commit(txn));
    assert_true(calls > 0);
    calls = 0;
    assert_ok(mae_worker_on_miss(workers[0], NULL, NULL));
    txn = begin(workers[0]);
    assert_ok(key_get(txn, turns.world.index, 1, &value));
    assert_ok(mae_commit(txn));
    assert_int_equal(calls, 0);
    assert_ok(mae_worker_on_miss(workers[0], a_call_counter, &calls));
    mae_worker_leave(workers[0]); /* the next worker in its place has none */
    assert_ok(mae_worker_join(turns.world.db, &workers[0]));
    txn = begin(workers[0]);
    assert_ok(key_get(txn, turns.world.index, 1, &value));
    assert_ok(mae_commit(txn));
    assert_int_equal(calls, 0);
    world_close(&turns.world);
}

#ifdef MAE_DEBUG
static void a_commit_that_waits_for_others_cannot_give_its_thread_away(void **state)
{
    (void)state;
    static const char *const options[] = {"durability=group log_dir=group", "durability=sync log_dir=sync"};
    for (int sync = 0; sync < 2; sync++) {
        struct world world = world_open(options[sync], MAE_INDEX_HASH, 8, 1);
        uint64_t calls = 0;
        assert_string_equal(mae_status_name(mae_worker_on_miss(world.workers[0], a_call_counter, &calls)),
                            sync ? "MAE_UNSUPPORTED" : "MAE_OK");
        world_close(&world);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_a_worker_that_gives_its_thread_away),
        cmocka_unit_test(a_snapshot_gives_its_thread_away),
        cmocka_unit_test(a_wait_before_a_retry_gives_the_thread_away),
        cmocka_unit_test(a_snapshot_that_waits_lets_the_one_go_on_that_it_waits_for),
        cmocka_unit_test(it_is_set_between_transactions_and_of_one_worker),
#ifdef MAE_DEBUG
        cmocka_unit_test_setup_teardown(a_commit_that_waits_for_others_cannot_give_its_thread_away, disk_set_up,
                                        disk_tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
