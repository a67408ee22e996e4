/*
 * log.c - threads, loggers, checkpoints and the maintenance thread at once, on real files; then everything is there
 * again.
 *
 * Movers move money between accounts and count what they have done; every now and then one waits until its last commit
 * is safe, and must then find the durable timestamp above it, or asks to be told, and must then be told in the order of
 * its commits. A reader sees the same sum in every snapshot, and that the durable timestamp only grows. Another thread
 * makes checkpoints, and a copy of the database in the middle. Buffers are small, so that commits wait for the logger,
 * and segments as well, so that it goes from one to the next. At the end all is synced, and a second life finds exactly
 * what the movers have counted; the copy has the sum, and of what they had counted a part. All that with the log in one
 * folder; in two, between which the workers are divided; and in two written by io_uring, where the system lets it.
 *
 * How to read a failure: under ThreadSanitizer, by its report. Otherwise the sums are wrong: a record was lost or torn
 * on its way through a buffer, or replay is wrong. Durability is async where /tmp is in memory.
 */
#include "tests/support/world.h"

#include <inttypes.h>

enum { ACCOUNTS = 40, MOVERS = 2, MONEY = 1000, TEXT_BYTES = 300, CASES = 3, WAITS_EACH = 64 };

static char stage[] = "/tmp/maemio-log-XXXXXX", log_dir[2 * TEXT_BYTES], copy_dir[TEXT_BYTES];
static const char *log_io;

struct thread {
    struct mae_db *db;
    uint64_t number, count, start_ns;
    uint64_t asked, told, told_ts; /* the last two belong to the thread that tells */
    bool is_reader;
};

struct move {
    struct mae_index *index;
    uint64_t from, to, number;
    struct thread *asks; /* NULL: who moves does not want to be told */
};

static enum mae_status add_up(struct mae_txn *txn, struct mae_index *index, uint64_t *sum)
{
    uint64_t value;
    *sum = 0;
    for (uint64_t key = 0; key < ACCOUNTS; key++) {
        enum mae_status status = key_get(txn, index, key, &value);
        if (status != MAE_OK)
            return status;
        *sum += value;
    }
    return MAE_OK;
}

/* Threads other than the main one must not use cmocka's asserts. */
static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "log: %s\n", what);
    abort();
}

static bool goes_on(const struct thread *thread)
{
    return time_left(thread->start_ns, stress_ms() / CASES);
}

static void hear(void *arg, uint64_t ts, enum mae_status status)
{
    struct thread *thread = arg;
    demand(status == MAE_OK && ts > thread->told_ts, "a commit is told as lost, or out of order");
    demand(mae_durable_timestamp(thread->db) > ts, "a commit is told before it is safe");
    thread->told_ts = ts;
    thread->told++;
}

static enum mae_status move_money(struct mae_txn *txn, void *arg)
{
    const struct move *move = arg;
    enum mae_status status = key_add(txn, move->index, move->from, (uint64_t)-1);
    if (status == MAE_OK)
        status = key_add(txn, move->index, move->to, 1);
    if (status == MAE_OK && move->asks)
        status = mae_on_durable(txn, hear, move->asks);
    return status == MAE_OK ? key_add(txn, move->index, ACCOUNTS + move->number, 1) : status;
}

static void read_along(struct thread *thread, struct mae_worker *worker)
{
    struct mae_index *index = mae_index_by_name(thread->db, "keys");
    struct mae_txn *txn;
    for (uint64_t last = 0, sum; goes_on(thread); thread->count++) {
        uint64_t durable = mae_durable_timestamp(thread->db);
        demand(durable >= last, "the durable timestamp went back");
        last = durable;
        demand(mae_begin(worker, MAE_SNAPSHOT, 0, &txn) == MAE_OK, "a snapshot does not begin");
        demand(add_up(txn, index, &sum) == MAE_OK && sum == ACCOUNTS * MONEY, "a snapshot sees another sum");
        demand(mae_commit(txn) == MAE_OK, "a snapshot does not end");
    }
}

static void move_along(struct thread *thread, struct mae_worker *worker)
{
    struct move move = {.index = mae_index_by_name(thread->db, "keys"), .number = thread->number};
    for (uint64_t random = thread->number + 1; goes_on(thread); thread->count++) {
        move.from = random_below(&random, ACCOUNTS);
        move.to = random_below(&random, ACCOUNTS);
        move.asks = random_below(&random, 2) ? thread : NULL;
        thread->asked += move.asks != NULL;
        demand(mae_run(worker, MAE_READ_WRITE, move_money, &move, 0) == MAE_OK, "a move does not commit");
        if (random_below(&random, WAITS_EACH) != 0)
            continue;
        uint64_t ts = mae_worker_last_commit(worker);
        demand(mae_wait_durable(worker, ts) == MAE_OK, "a wait fails");
        demand(mae_durable_timestamp(thread->db) > ts, "a wait ends too early");
    }
}

static void *run(void *arg)
{
    struct thread *thread = arg;
    struct mae_worker *worker;
    demand(mae_worker_join(thread->db, &worker) == MAE_OK, "a worker does not join");
    if (thread->is_reader)
        read_along(thread, worker);
    else
        move_along(thread, worker);
    mae_worker_leave(worker);
    return NULL;
}

/* NULL: the system lets nobody use io_uring. */
static struct mae_db *open_folder(const char *folder)
{
    char text[3 * TEXT_BYTES];
    static const char *durability = "group";
    for (;;) {
        struct mae_db *db = NULL;
        (void)snprintf(text, sizeof text,
                       "durability=%s log_io=%s log_dir=%s log_segment_bytes=256K log_buffer_bytes=4K "
                       "overtake_us=5000 checkpoint_log_bytes=512K checkpoint_rate=0",
                       durability, log_io, folder);
        struct mae_options *options = world_options(text);
        enum mae_status status = mae_open(options, &db);
        mae_options_destroy(options);
        if (status == MAE_OK)
            return db;
        if (status == MAE_UNSUPPORTED && strstr(mae_open_problem(), "io_uring"))
            return NULL;
        if (status != MAE_UNSUPPORTED || strcmp(durability, "async") == 0)
            fail_msg("mae_open: %s", mae_open_problem());
        durability = "async"; /* in memory */
    }
}

static void load(struct mae_db *db)
{
    const struct mae_table_config table_config = {.payload_max_bytes = sizeof(uint64_t)};
    const struct mae_index_config index_config = {.kind = MAE_INDEX_HASH, .key_bytes = sizeof(uint64_t)};
    struct mae_table *table;
    struct mae_index *index;
    struct mae_worker *worker;
    assert_ok(mae_table_create(db, "rows", &table_config, &table));
    assert_ok(mae_index_create(db, table, "keys", &index_config, &index));
    assert_ok(mae_worker_join(db, &worker));
    new_keys(worker, index, 0, ACCOUNTS, MONEY);
    new_keys(worker, index, ACCOUNTS, MOVERS, 0);
    mae_worker_leave(worker);
}

/* The numbers of moves that the database knows of. */
static void check(struct mae_db *db, uint64_t *counts)
{
    struct mae_index *index = mae_index_by_name(db, "keys");
    struct mae_worker *worker;
    struct mae_txn *txn;
    uint64_t sum;
    world_verify(db);
    assert_ok(mae_worker_join(db, &worker));
    assert_ok(mae_begin(worker, MAE_READ_WRITE, 0, &txn));
    assert_ok(add_up(txn, index, &sum));
    assert_int_equal(sum, ACCOUNTS * MONEY);
    for (unsigned i = 0; i < MOVERS; i++)
        assert_ok(key_get(txn, index, ACCOUNTS + i, &counts[i]));
    assert_ok(mae_commit(txn));
    mae_worker_leave(worker);
}

/* Checkpoints, and one copy, while the others run. */
static void *keep_along(void *arg)
{
    struct thread *thread = arg;
    do {
        demand(mae_checkpoint(thread->db) == MAE_OK, "a checkpoint fails");
        if (thread->count++ == 0)
            demand(mae_backup(thread->db, copy_dir) == MAE_OK, "a copy fails");
    } while (goes_on(thread));
    return NULL;
}

static void *run_any(void *arg)
{
    struct thread *thread = arg;
    return thread->number > MOVERS ? keep_along(thread) : run(thread);
}

static void check_again(const struct thread *threads)
{
    uint64_t counts[MOVERS];
    struct mae_db *db = open_folder(log_dir);
    check(db, counts);
    mae_close(db);
    for (unsigned i = 0; i < MOVERS; i++)
        assert_int_equal(counts[i], threads[i].count);
    db = open_folder(copy_dir);
    check(db, counts);
    mae_close(db);
    for (unsigned i = 0; i < MOVERS; i++)
        assert_true(counts[i] <= threads[i].count);
}

static void run_all(struct mae_db *db)
{
    struct thread threads[MOVERS + 2];
    struct mae_log_state log;
    load(db);
    enum mae_status maintained = mae_maintenance_start(db);
    assert_true(maintained == MAE_OK || maintained == MAE_UNSUPPORTED);
    for (uint64_t i = 0; i < MOVERS + 2; i++)
        threads[i] = (struct thread){.db = db, .number = i, .start_ns = monotonic_ns(), .is_reader = i == MOVERS};
    run_threads(MOVERS + 2, run_any, threads, sizeof threads[0]);
    assert_ok(mae_sync(db));
    mae_log_state(db, &log);
    printf("%" PRIu64 " and %" PRIu64 " moves, %" PRIu64 " snapshots, %" PRIu64 " flushes of %" PRIu64
           " bytes, %" PRIu64 " checkpoints\n",
           threads[0].count, threads[1].count, threads[2].count, log.flushes, log.written_bytes, log.checkpoints);
    mae_close(db);
    for (unsigned i = 0; i < MOVERS; i++)
        assert_int_equal(threads[i].told, threads[i].asked);
    check_again(threads);
}

static void with_log(const char *format, const char *io)
{
    char command[TEXT_BYTES];
    strcpy(strrchr(stage, '-'), "-XXXXXX");
    assert_non_null(mkdtemp(stage));
    (void)snprintf(log_dir, sizeof log_dir, format, stage, stage);
    (void)snprintf(copy_dir, sizeof copy_dir, "%s/copy", stage);
    log_io = io;
    struct mae_db *db = open_folder(log_dir);
    if (db)
        run_all(db);
    (void)snprintf(command, sizeof command, "rm -rf %s", stage);
    assert_int_equal(system(command), 0);
    if (!db)
        skip();
}

static void everything_is_there_again(void **state)
{
    (void)state;
    with_log("%s/log", "sync");
}

static void in_two_folders(void **state)
{
    (void)state;
    with_log("%s/log,%s/more", "sync");
}

static void in_two_folders_by_io_uring(void **state)
{
    (void)state;
    with_log("%s/log,%s/more", "uring");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_is_there_again), cmocka_unit_test(in_two_folders),
                                       cmocka_unit_test(in_two_folders_by_io_uring)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
