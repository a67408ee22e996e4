/*
 * kill.c - a process that is killed under load leaves everything that it was told to be safe.
 *
 * A child opens a database in a real folder and moves money between accounts with two threads. Each transaction also
 * writes its thread's own count. When a count is safe, the thread writes it into a pipe. The parent kills the child
 * (SIGKILL) at a random moment, opens the database itself, and finds: the sum of all accounts; each thread's count not
 * below what the pipe says; nothing that mae_db_verify complains about. Then a child goes on with the same folder.
 *
 * The page cache survives the end of a process, so this shows nothing about syncs: power.c does.
 * MAE_KILLS is the number of kills. The folder is below /tmp; where that keeps nothing, durability is async.
 */
#include "tests/support/world.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ACCOUNTS = 50, THREADS = 2, MONEY = 1000, TEXT_BYTES = 300 };

struct told {
    uint64_t thread, count;
};

struct mover {
    struct mae_db *db;
    uint64_t thread;
    int pipe;
};

static char folder[] = "/tmp/maemio-kill-XXXXXX";
static const char *durability = "group";

static struct mae_db *open_folder(enum mae_status *status)
{
    char text[TEXT_BYTES];
    (void)snprintf(text, sizeof text, "durability=%s log_dir=%s log_segment_bytes=1M", durability, folder);
    struct mae_options *options = world_options(text);
    struct mae_db *db = NULL;
    *status = mae_open(options, &db);
    mae_options_destroy(options);
    return db;
}

/* Accounts have the keys from 0 on, the counts of threads those behind. */
static enum mae_status load(struct mae_txn *txn, void *arg)
{
    for (uint64_t key = 0; key < ACCOUNTS + THREADS; key++) {
        enum mae_status status = key_insert(txn, arg, key, key < ACCOUNTS ? MONEY : 0);
        if (status != MAE_OK)
            return status;
    }
    return MAE_OK;
}

static struct mae_index *make(struct mae_db *db)
{
    const struct mae_table_config table_config = {.payload_max_bytes = sizeof(uint64_t)};
    const struct mae_index_config index_config = {.kind = MAE_INDEX_HASH, .key_bytes = sizeof(uint64_t)};
    struct mae_table *table;
    struct mae_index *index;
    struct mae_worker *worker;
    assert_ok(mae_table_create(db, "rows", &table_config, &table));
    assert_ok(mae_index_create(db, table, "keys", &index_config, &index));
    assert_ok(mae_worker_join(db, &worker));
    assert_ok(mae_run(worker, MAE_READ_WRITE, load, index, 0));
    mae_worker_leave(worker);
    return index;
}

struct move {
    struct mae_index *index;
    uint64_t from, to, thread, count;
};

static enum mae_status move_money(struct mae_txn *txn, void *arg)
{
    struct move *move = arg;
    enum mae_status status = key_add(txn, move->index, move->from, (uint64_t)-1);
    if (status == MAE_OK)
        status = key_add(txn, move->index, move->to, 1);
    if (status == MAE_OK)
        status = key_add(txn, move->index, ACCOUNTS + move->thread, 1);
    return status == MAE_OK ? key_get(txn, move->index, ACCOUNTS + move->thread, &move->count) : status;
}

static void *mover_run(void *arg)
{
    struct mover *mover = arg;
    struct mae_worker *worker;
    uint64_t random = mover->thread + 1;
    struct move move = {.index = mae_index_by_name(mover->db, "keys"), .thread = mover->thread};
    if (mae_worker_join(mover->db, &worker) != MAE_OK)
        _exit(1);
    for (uint64_t i = 0;; i++) { /* until it is killed */
        move.from = random_below(&random, ACCOUNTS);
        move.to = random_below(&random, ACCOUNTS);
        if (mae_run(worker, MAE_READ_WRITE, move_money, &move, 0) != MAE_OK)
            _exit(2);
        if (i % 64 != 0)
            continue;
        if (mae_wait_durable(worker, mae_worker_last_commit(worker)) != MAE_OK)
            _exit(3);
        struct told told = {mover->thread, move.count};
        if (write(mover->pipe, &told, sizeof told) != (ssize_t)sizeof told)
            _exit(4);
    }
    return NULL;
}

static void child(int pipe)
{
    enum mae_status status;
    struct mae_db *db = open_folder(&status);
    pthread_t threads[THREADS];
    struct mover movers[THREADS];
    if (status != MAE_OK)
        _exit(5);
    for (uint64_t i = 0; i < THREADS; i++) {
        movers[i] = (struct mover){db, i, pipe};
        if (pthread_create(&threads[i], NULL, mover_run, &movers[i]) != 0)
            _exit(6);
    }
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
}

/* Lets a child run for a while, kills it, and notes what it has told. */
static void run_and_kill(uint64_t ms, uint64_t *told_counts)
{
    int ends[2], result;
    struct told told;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        child(ends[1]);
        _exit(7);
    }
    (void)close(ends[1]);
    const struct timespec moment = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&moment, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (read(ends[0], &told, sizeof told) == (ssize_t)sizeof told)
        told_counts[told.thread] = told.count;
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &result, 0), pid);
    if (WIFEXITED(result))
        fail_msg("the child has ended by itself with %d", WEXITSTATUS(result));
}

struct sums {
    struct mae_index *index;
    uint64_t money, counts[THREADS];
};

static enum mae_status add_up(struct mae_txn *txn, void *arg)
{
    struct sums *sums = arg;
    uint64_t value;
    sums->money = 0;
    for (uint64_t key = 0; key < ACCOUNTS; key++) {
        enum mae_status status = key_get(txn, sums->index, key, &value);
        if (status != MAE_OK)
            return status;
        sums->money += value;
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        enum mae_status status = key_get(txn, sums->index, ACCOUNTS + i, &sums->counts[i]);
        if (status != MAE_OK)
            return status;
    }
    return MAE_OK;
}

static void check(const uint64_t *told_counts)
{
    enum mae_status status;
    struct mae_db *db = open_folder(&status);
    struct mae_worker *worker;
    struct mae_recover_info info;
    if (status != MAE_OK)
        fail_msg("mae_open: %s: %s", mae_status_name(status), mae_open_problem());
    struct sums sums = {.index = mae_index_by_name(db, "keys")};
    world_verify(db);
    assert_ok(mae_worker_join(db, &worker));
    assert_ok(mae_run(worker, MAE_READ_WRITE, add_up, &sums, 0));
    mae_worker_leave(worker);
    mae_recover_info(db, &info);
    printf("life %" PRIu64 ": %" PRIu64 " transactions in %" PRIu64 " ms; counts %" PRIu64 " and %" PRIu64 "\n",
           info.lives, info.transactions, info.elapsed_ns / 1000000, sums.counts[0], sums.counts[1]);
    assert_int_equal(sums.money, ACCOUNTS * MONEY);
    for (unsigned i = 0; i < THREADS; i++)
        assert_true(sums.counts[i] >= told_counts[i]);
    mae_close(db);
}

/* With the database in it. False: the system has not what a log needs. */
static bool make_folder(void)
{
    enum mae_status status;
    assert_non_null(mkdtemp(folder));
    struct mae_db *db = open_folder(&status);
    if (status == MAE_UNSUPPORTED) {
        printf("%s\n", mae_open_problem());
        durability = "async";
        db = open_folder(&status);
    }
    if (status == MAE_UNSUPPORTED)
        return false;
    assert_ok(status);
    (void)make(db);
    mae_close(db);
    return true;
}

static void remove_folder(void)
{
    char command[TEXT_BYTES];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static void what_was_told_to_be_safe_survives_a_kill(void **state)
{
    (void)state;
    const char *wanted = getenv("MAE_KILLS");
    uint64_t random = seed_from_environment(), told_counts[THREADS] = {0};
    uint64_t kills = wanted ? strtoull(wanted, NULL, 0) : 10;
    if (!make_folder()) {
        remove_folder();
        skip();
    }
    for (uint64_t i = 0; i < kills; i++) {
        run_and_kill(20 + random_below(&random, 200), told_counts);
        check(told_counts);
    }
    assert_true(told_counts[0] > 0 && told_counts[1] > 0);
    remove_folder();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_told_to_be_safe_survives_a_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
