/*
 * order.c - real-time order across threads, and open transactions that are overtaken meanwhile.
 *
 * Writers increment a row. After a commit a writer tells all threads the value that it wrote and the timestamp. A
 * transaction that begins afterwards must see at least that value: with order=strict always, by default if it is given
 * the timestamp as `after`. One thread keeps its transactions open for longer than overtake_us. It must read equal
 * values twice, and its commit must succeed only if they still hold.
 * How to read a failure: "saw A, was told B before it began" means that the order is lost; a wrong sum means that an
 * update is lost.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/support/world.h"

enum { THREADS = 4, HOLD_US = 400 };

static struct shared {
    struct mae_db *db;
    struct mae_table *table;
    uint64_t counter, kept; /* rows */
    bool strict;
    unsigned ms;
    pthread_mutex_t lock;
    uint64_t told_value, told_ts; /* of the highest commit told so far */
    _Atomic uint64_t increments, kept_increments, held;
} shared;

static void tell(uint64_t value, uint64_t ts)
{
    pthread_mutex_lock(&shared.lock);
    if (value > shared.told_value) {
        shared.told_value = value;
        shared.told_ts = ts;
    }
    pthread_mutex_unlock(&shared.lock);
}

static uint64_t ask(uint64_t *ts)
{
    pthread_mutex_lock(&shared.lock);
    uint64_t value = shared.told_value;
    *ts = shared.strict ? 0 : shared.told_ts;
    pthread_mutex_unlock(&shared.lock);
    return value;
}

static void check(uint64_t saw, uint64_t told, const char *mode)
{
    if (saw >= told)
        return;
    printf("%s: saw %lu, was told %lu before it began\n", mode, (unsigned long)saw, (unsigned long)told);
    abort();
}

static void look(struct mae_worker *worker)
{
    struct mae_txn *txn;
    uint64_t ts, told = ask(&ts), value = 0;
    if (mae_begin(worker, MAE_SNAPSHOT, ts, &txn) != MAE_OK ||
        row_get(txn, shared.table, shared.counter, &value) != MAE_OK || mae_commit(txn) != MAE_OK)
        abort();
    check(value, told, "snapshot");
}

static void count(struct mae_worker *worker)
{
    struct mae_txn *txn;
    uint64_t ts, told = ask(&ts), value = 0;
    if (mae_begin(worker, MAE_READ_WRITE, ts, &txn) != MAE_OK)
        abort();
    enum mae_status status = row_get(txn, shared.table, shared.counter, &value);
    if (status == MAE_OK)
        status = row_add(txn, shared.table, shared.counter, 1);
    if (status == MAE_OK)
        status = mae_commit(txn);
    else
        (void)mae_abort(txn);
    if (status == MAE_OK) { /* reads are true only if it has committed */
        check(value, told, "read-write");
        atomic_fetch_add(&shared.increments, 1);
        tell(value + 1, mae_txn_timestamp(txn));
    } else if (!mae_status_is_retryable(status)) {
        abort();
    }
}

/* Reads, waits, reads again, adds one to a row of its own. */
static void hold(struct mae_worker *worker, bool snapshot)
{
    const struct timespec wait = {0, HOLD_US * 1000};
    struct mae_txn *txn;
    uint64_t first = 0, second = 0;
    if (mae_begin(worker, snapshot ? MAE_SNAPSHOT : MAE_READ_WRITE, 0, &txn) != MAE_OK)
        abort();
    /* A read-write transaction that reads what others write could never commit. */
    uint64_t row = snapshot ? shared.counter : shared.kept;
    enum mae_status status = row_get(txn, shared.table, row, &first);
    nanosleep(&wait, NULL);
    if (status == MAE_OK)
        status = row_get(txn, shared.table, row, &second);
    if (status != MAE_OK || first != second)
        abort();
    if (!snapshot)
        status = row_add(txn, shared.table, shared.kept, 1);
    if (status != MAE_OK || mae_commit(txn) != MAE_OK)
        abort();
    atomic_fetch_add(&shared.held, 1);
    if (!snapshot)
        atomic_fetch_add(&shared.kept_increments, 1);
}

static void *run(void *arg)
{
    unsigned number = *(unsigned *)arg;
    struct mae_worker *worker;
    if (mae_worker_join(shared.db, &worker) != MAE_OK)
        abort();
    uint64_t random = number, start = monotonic_ns();
    while (time_left(start, shared.ms)) {
        if (number == 0)
            hold(worker, random_below(&random, 2));
        else if (random_below(&random, 3))
            count(worker);
        else
            look(worker);
        if (random_below(&random, 50) == 0)
            mae_worker_idle(worker);
    }
    mae_worker_leave(worker);
    return NULL;
}

static void run_with(const char *options, bool strict)
{
    struct world world = world_open(options, MAE_INDEX_HASH, 8, 1);
    unsigned numbers[THREADS];
    memset(&shared, 0, sizeof shared);
    pthread_mutex_init(&shared.lock, NULL);
    shared.db = world.db;
    shared.table = world.table;
    shared.strict = strict;
    shared.ms = stress_ms();
    shared.counter = new_row(world.workers[0], world.table, 0);
    shared.kept = new_row(world.workers[0], world.table, 0);
    uint64_t loaded = mae_worker_last_commit(world.workers[0]);
    tell(0, loaded);
    shared.told_ts = loaded;
    mae_worker_leave(world.workers[0]);
    for (unsigned i = 0; i < THREADS; i++)
        numbers[i] = i;
    run_threads(THREADS, run, numbers, sizeof numbers[0]);
    assert_ok(mae_worker_join(world.db, &world.workers[0]));
    assert_int_equal(row_value(world.workers[0], world.table, shared.counter), shared.increments);
    assert_int_equal(row_value(world.workers[0], world.table, shared.kept), shared.kept_increments);
    assert_true(shared.increments > 0 && shared.held > 0);
    world_close(&world);
    pthread_mutex_destroy(&shared.lock);
}

static void strict_order_holds(void **state)
{
    (void)state;
    run_with("order=strict overtake_us=100 gc_interval_us=1", true);
    run_with("order=strict overtake_us=100 timestamps=central", true);
}

static void after_is_honoured(void **state)
{
    (void)state;
    run_with("overtake_us=100", false);
    run_with("overtake_us=100 clock_sync_us=0 gc_interval_us=1000", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_order_holds),
        cmocka_unit_test(after_is_honoured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
