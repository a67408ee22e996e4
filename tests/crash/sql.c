/*
 * sql.c - a process that is killed, or a machine that stops, between or in the middle of changes of the schema leaves
 * tables as they were before a change, or behind it, with all their rows and entries, and the next one goes on.
 *
 * A child opens a database in a real folder and runs steps, each a transaction of statements of SQL: tables, columns
 * and indexes come and go, rows follow. After each step it writes a byte into a pipe. The parent waits for some of
 * them, waits a little longer, kills the child (SIGKILL) and opens the folder itself. What it finds, names, columns,
 * rows, and what each index finds, must be what the steps that the pipe has told leave in a database in memory, or
 * these and the one after them. Then it runs the steps that are left; what an index adds nobody sees, so a step that
 * only makes or drops one may run twice.
 *
 * The page cache survives the end of a process. So the same steps also run on a simulated disk (tests/support/disk.h),
 * which loses its power at its first call, then at its second, and so on, and again while the folder is recovered from
 * that; and in lives whose first call fails, then the second, and so on, while the machine goes on until a step is
 * refused. A step that was told is there afterwards; the one that was refused is there as a whole or not at all. Some
 * calls fail without a step that says so, such as those of what DROP TABLE leaves to be done behind its commit.
 *
 * Another child adds rows through the target sql of the harness. Behind its end there are all rows that it has told,
 * and at most the one whose answer was lost.
 *
 * MAE_KILLS is the number of kills. How to read a failure: it prints the seed, which MAE_SEED repeats, but for the
 * time of the kill; or the number of the call.
 */
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/targets/targets.h"
#include "sql/maemio_sql.h"
#include "tests/support/disk.h"
#include "tests/support/sql.h"
#include "tests/support/target_open.h"
#include "tests/support/world.h"

static const char *const steps[] = {
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, UNIQUE(b))",
    "INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, NULL)",
    "CREATE INDEX IF NOT EXISTS by_a ON t(a)",
    "CREATE INDEX IF NOT EXISTS by_hash ON t USING HASH (a)",
    ("WITH RECURSIVE n(i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, i % 7, i "
     "FROM n"),
    "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'added'",
    "BEGIN; UPDATE t SET a = a + 1 WHERE id % 2; ALTER TABLE t RENAME COLUMN c TO d; DELETE FROM t WHERE a = 3; COMMIT",
    "CREATE TABLE u(x REAL, y TEXT)",
    "BEGIN; INSERT INTO u SELECT a, b FROM t; DELETE FROM t WHERE id > 250; COMMIT",
    "CREATE VIEW s(n) AS SELECT count(*) FROM u",
    "ALTER TABLE u RENAME TO v",
    "DROP INDEX IF EXISTS by_a",
    "DROP INDEX IF EXISTS by_hash",
    "ALTER TABLE t DROP COLUMN d",
    "BEGIN; DROP TABLE v; CREATE TABLE v(z INTEGER UNIQUE); INSERT INTO v SELECT id FROM t; COMMIT",
    "CREATE INDEX IF NOT EXISTS by_ba ON t(b, a)",
    "ANALYZE",
    "BEGIN; DROP VIEW s; CREATE VIEW s AS SELECT sum(z) FROM v; COMMIT",
    "DROP TABLE v",
    "DROP VIEW s",
    "UPDATE t SET b = b || '.' WHERE a > 2",
};

enum { STEPS = sizeof steps / sizeof steps[0], LITTLE_US = 4000, WHY_BYTES = 256 };

static const char *const questions[] = {
    ("SELECT name, (SELECT group_concat(c.name || ' ' || c.type) FROM pragma_table_info(s.name, 'maemio') AS c) FROM "
     "maemio.sqlite_schema AS s WHERE type = 'table' AND name NOT LIKE 'maemio%' ORDER BY name"),
    "SELECT * FROM t ORDER BY id",
    "SELECT id FROM t WHERE a BETWEEN 2 AND 5 ORDER BY id",
    "SELECT id FROM t WHERE a = 2 ORDER BY id",
    "SELECT id FROM t WHERE b > '2' ORDER BY id",
    "SELECT * FROM u ORDER BY rowid",
    "SELECT * FROM v ORDER BY rowid",
    "SELECT * FROM s",
    "SELECT sql FROM maemio.sqlite_schema WHERE type = 'view'",
    "SELECT count(*) FROM v WHERE z BETWEEN 10 AND 99",
};

static char *states[STEPS + 1]; /* what is to be found after so many steps */

/* A transaction that makes an index when it has done something else finds it when it is run again. */
static int try_step(sqlite3 *sqlite, unsigned step, char **error)
{
    int code = mae_sql_exec(sqlite, steps[step], NULL, NULL, error);
    if (code != SQLITE_BUSY_SNAPSHOT)
        return code;
    sqlite3_free(*error);
    if (!sqlite3_get_autocommit(sqlite))
        assert_sql(sqlite, "ROLLBACK");
    return mae_sql_exec(sqlite, steps[step], NULL, NULL, error);
}

static void run_step(sqlite3 *sqlite, unsigned step)
{
    char *error = NULL;
    if (try_step(sqlite, step, &error) != SQLITE_OK)
        fail_msg("%s: %s", steps[step], error);
}

/* All that can be asked; a table that is not there answers with nothing. */
static char *state_of(sqlite3 *sqlite)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        int code;
        char *rows = sql_rows(sqlite, questions[i], true, &code);
        sqlite3_str_appendf(text, "%s:\n%s", questions[i], rows != NULL ? rows : "none\n");
        free(rows);
    }
    return sqlite3_str_finish(text);
}

static void child_of_steps(const char *folder, int pipe)
{
    sqlite3 *sqlite = sql_connect(folder);
    for (unsigned i = 0; i < STEPS; i++) {
        run_step(sqlite, i);
        if (write(pipe, "", 1) != 1)
            break;
    }
    for (;;)
        (void)pause();
}

/* Kills a child some time after it has told of so many steps; how many it has told of in the end. */
static unsigned kill_one(void (*child)(const char *folder, int pipe), const char *folder, unsigned wanted, long us)
{
    int ends[2], result;
    unsigned told = 0;
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        child(folder, ends[1]);
    }
    (void)close(ends[1]);
    while (told < wanted && read(ends[0], &byte, 1) == 1)
        told++;
    const struct timespec little = {.tv_nsec = us * 1000};
    (void)nanosleep(&little, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (read(ends[0], &byte, 1) == 1)
        told++;
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &result, 0), pid);
    if (!WIFSIGNALED(result) || WTERMSIG(result) != SIGKILL)
        fail_msg("the child has ended by itself");
    return told;
}

static void remove_folder(const char *folder)
{
    char command[64];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static void life(uint64_t seed)
{
    char folder[] = "/tmp/maemio-sql-XXXXXX";
    assert_non_null(mkdtemp(folder));
    unsigned told =
        kill_one(child_of_steps, folder, (unsigned)(seed % (STEPS + 1)), (long)(seed / (STEPS + 1) % LITTLE_US));
    sqlite3 *sqlite = sql_connect(folder);
    char *found = state_of(sqlite);
    unsigned steps_found = told;
    if (strcmp(found, states[told]) != 0 && told < STEPS)
        steps_found++;
    if (strcmp(found, states[steps_found]) != 0)
        fail_msg("MAE_SEED=%" PRIu64 ": after %u steps in %s:\n%s\nwanted:\n%s", seed, told, folder, found,
                 states[told]);
    for (unsigned i = steps_found; i < STEPS; i++)
        run_step(sqlite, i);
    sqlite3_free(found);
    found = state_of(sqlite);
    assert_string_equal(found, states[STEPS]);
    sqlite3_free(found);
    sql_close(sqlite);
    remove_folder(folder);
}

/* ---- On a simulated disk. ---- */

/* The simulated disk fills a segment when it is made. */
static int attach(sqlite3 **sqlite, char **error)
{
    int code = sqlite3_open(":memory:", sqlite);
    if (code == SQLITE_OK)
        code = sqlite3_extended_result_codes(*sqlite, 1);
    return code == SQLITE_OK ? mae_sql_attach_with(*sqlite, "/sql", "log_segment_bytes=1M", error) : code;
}

/* Opens the folder and runs the steps until the disk is in the way; how many have succeeded. */
static unsigned run_until_refused(bool *all)
{
    sqlite3 *sqlite;
    char *error = NULL;
    unsigned told = 0;
    int code = attach(&sqlite, &error);
    while (code == SQLITE_OK && told < STEPS)
        if ((code = try_step(sqlite, told, &error)) == SQLITE_OK)
            told++;
    *all = code == SQLITE_OK;
    if (code != SQLITE_OK && code != SQLITE_CANTOPEN && (code & 0xff) != SQLITE_IOERR)
        fail_msg("behind %u steps: %d: %s", told, code, error);
    sqlite3_free(error);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
    return told;
}

/* What is found is what so many steps leave, or one more; then the rest is done. */
static void find_and_go_on(unsigned told, uint64_t call)
{
    sqlite3 *sqlite;
    char *error = NULL;
    if (attach(&sqlite, &error) != SQLITE_OK)
        fail_msg("call %" PRIu64 ": %s", call, error);
    char *found = state_of(sqlite);
    unsigned steps_found = told + (strcmp(found, states[told]) != 0 && told < STEPS);
    if (strcmp(found, states[steps_found]) != 0)
        fail_msg("call %" PRIu64 ", after %u steps:\n%s\nwanted:\n%s", call, told, found, states[told]);
    sqlite3_free(found);
    for (unsigned i = steps_found; i < STEPS; i++)
        run_step(sqlite, i);
    found = state_of(sqlite);
    assert_string_equal(found, states[STEPS]);
    sqlite3_free(found);
    sql_close(sqlite);
}

/* False: the steps make fewer calls. */
static bool life_on_disk(void (*fault_at)(uint64_t call), uint64_t call, uint64_t *random)
{
    sqlite3 *sqlite;
    bool all;
    disk_open();
    fault_at(call);
    const unsigned told = run_until_refused(&all);
    const bool reached = disk_calls() >= call;
    disk_crash(random);
    /* The machine stops again, early or late in the recovery. */
    disk_count_from_here();
    disk_stop_at(1 + random_below(random, 40));
    (void)attach(&sqlite, NULL);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
    disk_crash(random);
    find_and_go_on(told, call);
    disk_close();
    return reached || !all;
}

static void at_each_call(void (*fault_at)(uint64_t call))
{
    uint64_t random = seed_from_environment(), call = 1 + random_below(&random, WORLD_SLOWNESS);
    while (life_on_disk(fault_at, call, &random))
        call += WORLD_SLOWNESS;
    assert_true(call > STEPS); /* each has at least written its commit */
}

static void a_stop_at_any_call_leaves_the_tables_of_some_step(void **state)
{
    (void)state;
    at_each_call(disk_stop_at);
}

static void a_failure_at_any_call_leaves_the_tables_of_some_step(void **state)
{
    (void)state;
    at_each_call(disk_fail_at);
}

/* ---- By a kill. ---- */

static void a_kill_leaves_the_tables_of_some_step(void **state)
{
    (void)state;
    const char *given = getenv("MAE_KILLS");
    long kills = given != NULL ? atol(given) : 20;
    uint64_t seed = seed_from_environment();
    for (; kills > 0; kills--, seed++)
        life(seed * UINT64_C(0x9e3779b97f4a7c15) >> 20);
}

/* A worker of the target sql adds rows, one a transaction, each with the next number. */
static void child_of_target(const char *folder, int pipe)
{
    const struct target_ops *ops = target_by_name("sql");
    const struct target_key_value settings[] = {
        {"durability", "group"}, {"log_dir", folder}, {"memory_limit", "64M"}, {"huge_pages", "off"}, {NULL, NULL}};
    const struct target_table_config rows = {.payload_max_bytes = sizeof(uint64_t)};
    const struct target_index_config keys = {.kind = TARGET_INDEX_HASH, .key_bytes = sizeof(uint64_t)};
    struct target *target;
    struct target_table *table;
    struct target_index *index;
    struct target_worker *worker;
    char why[WHY_BYTES] = "";
    bool good = target_open(ops, settings, &target, why, sizeof why) == TARGET_OK &&
                ops->table_create(target, "rows", &rows, &table) == TARGET_OK &&
                ops->index_create(target, table, "keys", &keys, &index) == TARGET_OK &&
                ops->worker_join(target, &worker) == TARGET_OK;
    for (uint64_t key = 0; good; key++) {
        struct target_txn *txn;
        void *data;
        good = ops->begin(worker, TARGET_READ_WRITE, &txn) == TARGET_OK &&
               ops->insert(txn, index, &key, sizeof key, NULL, &data) == TARGET_OK;
        if (good)
            memcpy(data, &key, sizeof key);
        good = good && ops->commit(txn) == TARGET_OK && write(pipe, "", 1) == 1;
    }
    (void)fprintf(stderr, "the child cannot go on: %s\n", why);
    _exit(1);
}

static void a_killed_target_has_what_it_answered(void **state)
{
    (void)state;
    uint64_t random = seed_from_environment();
    for (unsigned n = 0; n < 4; n++) {
        char folder[] = "/tmp/maemio-sql-XXXXXX";
        int code;
        assert_non_null(mkdtemp(folder));
        unsigned told = kill_one(child_of_target, folder, 1 + (unsigned)random_below(&random, 200),
                                 (long)random_below(&random, LITTLE_US));
        sqlite3 *sqlite = sql_connect(folder);
        char *found = sql_rows(sqlite, "SELECT count(*), count(DISTINCT data) FROM rows", false, &code);
        assert_int_equal(code, SQLITE_OK);
        unsigned rows = 0, different = 0;
        assert_int_equal(sscanf(found, "%u|%u", &rows, &different), 2);
        if ((rows != told && rows != told + 1) || different != rows)
            fail_msg("%u commits were answered, there are %u rows, %u of them different", told, rows, different);
        free(found);
        sql_close(sqlite);
        remove_folder(folder);
    }
}

static int states_make(void **state)
{
    (void)state;
    sqlite3 *sqlite = sql_connect("");
    states[0] = state_of(sqlite);
    for (unsigned i = 0; i < STEPS; i++) {
        run_step(sqlite, i);
        states[i + 1] = state_of(sqlite);
    }
    sql_close(sqlite);
    return 0;
}

static int states_free(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= STEPS; i++)
        sqlite3_free(states[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_leaves_the_tables_of_some_step),
        cmocka_unit_test(a_killed_target_has_what_it_answered),
        cmocka_unit_test(a_stop_at_any_call_leaves_the_tables_of_some_step),
        cmocka_unit_test(a_failure_at_any_call_leaves_the_tables_of_some_step),
    };
    return cmocka_run_group_tests(tests, states_make, states_free);
}
