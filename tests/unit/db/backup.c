/* backup.c - a copy of a running database is a database of its own. Real folders, since a simulated disk has one. */
#include "tests/support/world.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/db/db.h"

#ifdef MAE_DEBUG

enum { TEXT_BYTES = 300 };

static char stage[] = "/tmp/maemio-backup-XXXXXX";
static char options[TEXT_BYTES], from[TEXT_BYTES], to[TEXT_BYTES];

static int set_up(void **state)
{
    (void)state;
    log_by_hand = true;
    strcpy(strrchr(stage, '-'), "-XXXXXX");
    assert_non_null(mkdtemp(stage));
    (void)snprintf(from, sizeof from, "%s/from", stage);
    (void)snprintf(to, sizeof to, "%s/to", stage);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[TEXT_BYTES];
    (void)snprintf(command, sizeof command, "rm -rf %s", stage);
    assert_int_equal(system(command), 0);
    log_by_hand = false;
    return 0;
}

static const char *options_for(const char *folder)
{
    (void)snprintf(options, sizeof options,
                   "durability=async log_dir=%s log_segment_bytes=64K checkpoint_rate=0 gc_interval_us=1 "
                   "recovery_threads=1",
                   folder);
    return options;
}

static struct world *changing;

/* Changes rows that the walk has passed, and rows that are to come. */
static void change(enum race_point point)
{
    static uint64_t next;
    if (point != RACE_CHECKPOINT_BATCH)
        return;
    race_hook = NULL;
    for (unsigned i = 0; i < 3; i++) {
        struct mae_txn *txn = begin(changing->workers[0]);
        uint64_t key = 1 + next++ % 200;
        assert_ok(key_add(txn, changing->index, key, 1));
        assert_ok(key_add(txn, changing->index, 201 - key, (uint64_t)-1));
        assert_ok(mae_commit(txn));
    }
    (void)log_round(changing->db->core.log);
    race_hook = change;
}

static void it_is_a_state_of_its_own(void **state)
{
    (void)state;
    struct world world = world_open(options_for(from), MAE_INDEX_HASH, 8, 1);
    struct mae_recover_info info, copy_info;
    uint64_t sum = 0, value;
    new_keys(world.workers[0], world.index, 1, 200, 7);
    assert_ok(mae_sync(world.db));
    changing = &world;
    race_hook = change;
    assert_ok(mae_backup(world.db, to));
    race_hook = NULL;
    new_keys(world.workers[0], world.index, 1000, 5, 8);
    mae_recover_info(world.db, &info);
    struct world copy = world_again(options_for(to)); /* beside the original */
    mae_recover_info(copy.db, &copy_info);
    assert_int_not_equal(info.database, copy_info.database);
    assert_int_equal(copy_info.rows, 200);
    struct mae_txn *txn = begin(copy.workers[0]);
    for (uint64_t key = 1; key <= 200; key++) {
        assert_ok(key_get(txn, copy.index, key, &value));
        sum += value;
    }
    assert_status(MAE_NOT_FOUND, key_get(txn, copy.index, 1000, &value));
    assert_ok(mae_commit(txn));
    assert_int_equal(sum, 200 * 7);
    new_keys(copy.workers[0], copy.index, 2000, 5, 9);
    world_close(&copy);
    copy = world_again(options_for(to));
    world_check_keys(&copy, 2000, 5, 9);
    world_close(&copy);
    world_close(&world);
    world = world_again(options_for(from));
    mae_recover_info(world.db, &info);
    assert_int_equal(info.rows, 205);
    world_close(&world);
}

/* The blocks of one are none of the other's. */
static void a_segment_of_the_original_is_not_the_copys(void **state)
{
    (void)state;
    struct world world = world_open(options_for(from), MAE_INDEX_HASH, 8, 1);
    char command[3 * TEXT_BYTES];
    new_keys(world.workers[0], world.index, 1, 20, 7);
    assert_ok(mae_sync(world.db));
    assert_ok(mae_backup(world.db, to));
    new_keys(world.workers[0], world.index, 100, 20, 7);
    assert_ok(mae_sync(world.db));
    (void)snprintf(command, sizeof command, "cp %s/log-00000001 %s/log-00000002", from, to);
    assert_int_equal(system(command), 0);
    world_close(&world);
    assert_status(MAE_CORRUPT, world_status(options_for(to)));
    assert_non_null(strstr(mae_open_problem(), "log-00000002 at 0: a block of another database"));
}

/* Two processes cannot have one folder. */
static void one_process_at_a_time(void **state)
{
    (void)state;
    int ends[2], result;
    char byte = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct mae_db *db = world_db(options_for(from));
        if (write(ends[1], &byte, 1) != 1)
            _exit(1);
        (void)pause(); /* until it is killed */
        mae_close(db);
        _exit(2);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_status(MAE_BUSY, world_status(options_for(from)));
    assert_non_null(strstr(mae_open_problem(), "in use: another process, or this one, has the database open"));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &result, 0), pid);
    assert_ok(world_status(options_for(from)));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void it_wants_a_folder_of_its_own(void **state)
{
    (void)state;
    struct world world = world_open(options_for(from), MAE_INDEX_HASH, 8, 1);
    assert_status(MAE_EXISTS, mae_backup(world.db, from));
    assert_non_null(strstr(mae_open_problem(), from));
    assert_ok(mae_backup(world.db, to));
    assert_status(MAE_EXISTS, mae_backup(world.db, to));
    assert_status(MAE_IO, mae_backup(world.db, "/proc/none"));
    assert_status(MAE_INVALID, mae_backup(world.db, ""));
    world_close(&world);
    world = world_open("", MAE_INDEX_HASH, 8, 1);
    assert_status(MAE_UNSUPPORTED, mae_backup(world.db, to));
    world_close(&world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_a_state_of_its_own),
        TEST(a_segment_of_the_original_is_not_the_copys),
        TEST(one_process_at_a_time),
        TEST(it_wants_a_folder_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* the logger's rounds are made by hand in debug builds only */
}

#endif
