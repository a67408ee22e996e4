/*
 * delta.c - threads that add to one row all the time, which nobody reads: no addition is lost or counts twice, and the
 * operations do not pile up (CU4).
 *
 * Scenarios: two and four threads; one more that keeps a transaction open, so that nothing can be collected; readers;
 * with a log. After each round, in which the threads come, add and go, the row has no more versions with operations
 * than the bound of resolve.h allows. At the end the sum is exact, and once all is collected there is one version.
 *
 * How to read a failure: "notes" is the number of versions without a value; MAE_STRESS_MS=10000 makes rounds longer.
 */
#include "tests/support/world.h"

#include <inttypes.h>
#include <unistd.h>

#include "engine/db/db.h"
#include "engine/txn/resolve.h"

enum { THREADS_MAX = 6, ROUNDS = 3, LOOKS_MISSED = 30, TEXT_BYTES = 200 };

struct adder {
    struct world *world;
    uint64_t row, start_ns, added;
    enum { ADDS, READS, HOLDS } does;
    enum mae_status failure;
};

static enum mae_status add_once(struct mae_txn *txn, void *arg)
{
    struct adder *adder = arg;
    const int64_t one = 1;
    return mae_row_apply(txn, adder->world->table, adder->row, MAE_ADD, 0, &one, sizeof one);
}

static enum mae_status read_once(struct mae_txn *txn, void *arg)
{
    struct adder *adder = arg;
    uint64_t value;
    return row_get(txn, adder->world->table, adder->row, &value);
}

static void *thread_body(void *arg)
{
    struct adder *adder = arg;
    struct mae_worker *worker;
    struct mae_txn *held = NULL;
    adder->failure = mae_worker_join(adder->world->db, &worker);
    if (adder->failure != MAE_OK)
        return NULL;
    if (adder->does == HOLDS)
        adder->failure = mae_begin(worker, MAE_READ_WRITE, 0, &held);
    while (adder->failure == MAE_OK && time_left(adder->start_ns, stress_ms())) {
        if (adder->does == ADDS) {
            adder->failure = mae_run(worker, MAE_READ_WRITE, add_once, adder, 0);
            adder->added += adder->failure == MAE_OK;
        } else if (adder->does == READS) {
            adder->failure = mae_run(worker, MAE_READ_WRITE, read_once, adder, 0);
        }
        if (adder->does != ADDS)
            (void)usleep(500);
    }
    if (held)
        mae_abort(held);
    mae_worker_leave(worker);
    return NULL;
}

static uint64_t run_round(struct world *world, uint64_t row, unsigned adders, unsigned readers, unsigned holders)
{
    struct adder threads[THREADS_MAX];
    const unsigned count = adders + readers + holders;
    uint64_t added = 0, start = monotonic_ns();
    for (unsigned i = 0; i < count; i++)
        threads[i] = (struct adder){.world = world,
                                    .row = row,
                                    .start_ns = start,
                                    .does = i < adders             ? ADDS
                                            : i < adders + readers ? READS
                                                                   : HOLDS};
    run_threads(count, thread_body, threads, sizeof threads[0]);
    for (unsigned i = 0; i < count; i++) {
        assert_ok(threads[i].failure);
        added += threads[i].added;
    }
    const unsigned notes = row_notes(world->table, row);
    printf("%u adders, %u readers, %u holders: %" PRIu64 " additions, %u notes\n", adders, readers, holders, added,
           notes);
    assert_true(notes <= RESOLVE_NOTES_MOST + LOOKS_MISSED * RESOLVE_LOOK_EACH);
    return added;
}

/* A worker that joins after the others have left begins above all their timestamps. */
static void check_garbage_is_gone(struct world *world)
{
    struct mae_space space = {0};
    for (int i = 0; i < 1000 && space.versions != 1; i++) {
        settle(world);
        mae_table_space(world->table, &space);
    }
    assert_int_equal(space.versions, 1);
}

static void scenario(const char *options, unsigned adders, unsigned readers, unsigned holders)
{
    struct world world = world_open(options, MAE_INDEX_HASH, 16, 1);
    uint64_t row = new_row(world.workers[0], world.table, 0), added = 0;
    world_leave(&world);
    for (unsigned i = 0; i < ROUNDS; i++)
        added += run_round(&world, row, adders, readers, holders);
    assert_ok(mae_worker_join(world.db, &world.workers[0]));
    assert_int_equal(row_value(world.workers[0], world.table, row), added);
    printf("%" PRIu64 " additions, %" PRIu64 " values computed, %" PRIu64 " versions passed\n", added,
           db_counter(world.db, "deltas_resolved"), db_counter(world.db, "versions_passed"));
    check_garbage_is_gone(&world);
    world_close(&world);
}

static void many_add_to_one_row(void **state)
{
    (void)state;
    scenario("", 2, 0, 0);
    scenario("overtake_us=5000", 4, 0, 0);
    scenario("gc_interval_us=1 inline_bytes=0", 3, 0, 0);
}

static void many_add_while_nothing_can_be_collected(void **state)
{
    (void)state;
    scenario("", 2, 0, 1);
    scenario("overtake_us=300", 2, 1, 1);
}

static void many_add_while_others_read(void **state)
{
    (void)state;
    scenario("gc_interval_us=1", 2, 1, 0);
    scenario("restamp=extend pending=skip", 2, 2, 0);
}

static void many_add_with_a_log(void **state)
{
    (void)state;
    char folder[] = "/tmp/maemio-delta-XXXXXX", options[TEXT_BYTES], command[TEXT_BYTES];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(options, sizeof options, "durability=async log_segment_bytes=1M log_dir=%s/db", folder);
    enum mae_status status = world_status(options);
    if (status == MAE_OK)
        scenario(options, 2, 1, 0);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
    if (status != MAE_OK)
        skip(); /* the system has not what a log needs */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_add_to_one_row),
        cmocka_unit_test(many_add_while_nothing_can_be_collected),
        cmocka_unit_test(many_add_while_others_read),
        cmocka_unit_test(many_add_with_a_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
