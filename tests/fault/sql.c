/*
 * sql.c - every single request for memory fails once while SQL runs: SQLite's requests, to which those of sql/ belong,
 * and then the engine's. A statement ends with SQLITE_NOMEM, does without the memory, or, if the
 * engine hopes for memory to come free, ends with SQLITE_BUSY_SNAPSHOT. What has failed has changed
 * nothing: run again, it succeeds, and in the end the tables are those of a run without a failure. After that nothing
 * of SQLite's memory is left in use.
 *
 * The same holds if sqlite3_interrupt is called at a step at which SQLite calls its progress handler, of the program's
 * statements or of those that sql/ runs within: then the statement ends with SQLITE_INTERRUPT.
 *
 * The scenario runs everything that changes tables and their definitions, with two connections. It runs with the first
 * request failing, then with the second, and so on, until a run makes fewer requests. Without MAE_FAULT only each
 * STRIDE-th request fails, from a random one on.
 *
 * How to read a failure: the last line "request" or "step" has the number of the failing one. MAE_FAULT=<number> begins
 * there, and leaves none out.
 */
#include <sqlite3.h>

#include "engine/base/mem.h"
#include "sql/maemio_sql.h"
#include "tests/support/sql.h"
#include "tests/support/world.h"

#ifdef MAE_DEBUG

enum { STRIDE = 331, ENGINE_STRIDE = 5, INTERRUPT_STRIDE = 37, REQUESTS_MAX = 1000000 };
enum what { SQLITE, ENGINE, INTERRUPT };

static sqlite3_mem_methods memory; /* SQLite's own */
static unsigned long left;         /* requests until one fails; 0: none will */
static bool failed;
static bool interrupts; /* `left` counts calls of the progress handler */
static bool interrupted;

static bool fails_now(void)
{
    if (interrupts || left == 0 || --left > 0)
        return false;
    return failed = true;
}

static int interrupt(void *sqlite)
{
    if (interrupts && left > 0 && --left == 0) {
        failed = interrupted = true;
        sqlite3_interrupt(sqlite);
    }
    return 0;
}

static void *failing_malloc(int bytes)
{
    return fails_now() ? NULL : memory.xMalloc(bytes);
}

static void *failing_realloc(void *block, int bytes)
{
    return fails_now() ? NULL : memory.xRealloc(block, bytes);
}

static bool has_failed(void)
{
    return failed || mem_fail_happened();
}

/* Each is a transaction. */
static const char *const units[] = {
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, UNIQUE(b))",
    "INSERT INTO t VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, NULL)",
    "CREATE INDEX by_a ON t(a)",
    ("BEGIN; UPDATE t SET a = a + 1 WHERE id = 1; SAVEPOINT s; DELETE FROM t WHERE a > 15; ROLLBACK TO s;"
     "INSERT INTO t SELECT id + 10, a, b || '.' FROM t WHERE a >= 20; COMMIT"),
    "INSERT INTO t VALUES (1, 5, 'one'), (4, 4, 'four') ON CONFLICT (id) DO UPDATE SET a = a + excluded.a",
    ("SELECT id FROM t WHERE b IN ('one', 'two', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', "
     "'14', '15', '16')"),
    "ALTER TABLE t ADD COLUMN c TEXT DEFAULT ('c' || 1)",
    "INSERT OR REPLACE INTO t(id, a, b) VALUES (20, 7, 'two')",
    /* Of these each statement is one. */
    "SELECT maemio_exec('CREATE VIEW IF NOT EXISTS x AS SELECT a FROM t; CREATE INDEX IF NOT EXISTS by_ba ON t(b, a)')",
    ("SELECT maemio_exec('DROP VIEW IF EXISTS x; DROP INDEX IF EXISTS by_ba; INSERT INTO t(id) VALUES (20) ON CONFLICT "
     "DO "
     "NOTHING')"),
    "ANALYZE",
    "ALTER TABLE t RENAME COLUMN c TO d",
    "CREATE TABLE u(x REAL CHECK (x > 0), y BLOB)",
    "INSERT INTO u VALUES (1.5, x'00'), (2.5, zeroblob(3000))",
    "BEGIN; SAVEPOINT s; DROP TABLE u; ROLLBACK TO s; INSERT INTO u VALUES (7, NULL); ROLLBACK",
    "CREATE VIEW s AS SELECT count(*) AS n FROM u",
    "ALTER TABLE u RENAME TO v",
    "SELECT n FROM s",
    "DELETE FROM v WHERE x < 2",
    "BEGIN; DROP TABLE v; ROLLBACK",
    "BEGIN; DROP VIEW s; CREATE VIEW s AS SELECT 1 FROM t WHERE a = 7; SAVEPOINT s; DROP VIEW s; ROLLBACK TO s; COMMIT",
    "DROP TABLE v",
    "DROP INDEX by_a",
    "ALTER TABLE t DROP COLUMN d",
    "CREATE INDEX by_b ON t(b, a)",
    "CREATE INDEX by_hash ON t USING HASH (a)",
    "BEGIN; DELETE FROM t WHERE a = 30; INSERT INTO t VALUES (3, 30, NULL), (13, 30, NULL); COMMIT",
    "SELECT b FROM t WHERE a IN (30, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)",
    "SELECT b FROM t WHERE a IN (30, NULL)",
    "SELECT a FROM t WHERE b = (SELECT a FROM t WHERE id = 4) ORDER BY a",
    "DROP INDEX by_hash",
};

static sqlite3 *connect_patiently(void)
{
    for (int i = 0; i < 2; i++) {
        sqlite3 *sqlite;
        char *error = NULL;
        int code = sqlite3_open(":memory:", &sqlite);
        if (code == SQLITE_OK)
            code = sqlite3_extended_result_codes(sqlite, 1);
        if (code == SQLITE_OK) {
            sqlite3_progress_handler(sqlite, 1, interrupt, sqlite);
            code = mae_sql_attach(sqlite, "", &error);
        }
        if (code == SQLITE_OK)
            return sqlite;
        if (!has_failed() || i > 0)
            fail_msg("connect: %d: %s", code, error);
        sqlite3_free(error);
        assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
    }
    return NULL;
}

static unsigned refused; /* units that have failed, in one run */

/* Twice at most. */
static void run_patiently(sqlite3 *sqlite, const char *unit)
{
    for (int i = 0; i < 2; i++) {
        char *error = NULL;
        int code = mae_sql_exec(sqlite, unit, NULL, NULL, &error);
        if (code == SQLITE_OK)
            return;
        bool told = (code & 0xff) == SQLITE_NOMEM || (code == SQLITE_BUSY_SNAPSHOT && mem_fail_happened());
        if (interrupted) /* what SQLite's ALTER TABLE runs within tells it in the message alone */
            told = code == SQLITE_INTERRUPT || (code == SQLITE_ERROR && strstr(error, "interrupted") != NULL);
        if (!told || !has_failed() || i > 0)
            fail_msg("%s: %d: %s", unit, code, error);
        sqlite3_free(error);
        if (!sqlite3_get_autocommit(sqlite)) {
            if (strstr(unit, "BEGIN") == NULL)
                fail_msg("%s: leaves a transaction open", unit);
            assert_sql(sqlite, "ROLLBACK");
        }
        assert_int_equal(refused++, 0);
    }
}

#define OWN_NAMES "SELECT name FROM maemio.sqlite_schema WHERE name NOT LIKE 'maemio%' ORDER BY name"

static void play(void)
{
    sqlite3 *one = connect_patiently(), *two = connect_patiently();
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        run_patiently(i % 3 == 0 ? two : one, units[i]);
        run_patiently(i % 2 == 0 ? two : one, "SELECT maemio_refresh()");
        run_patiently(i % 2 == 0 ? two : one, "SELECT * FROM t AS t JOIN t AS o ON t.a = o.id + 10 ORDER BY t.b");
    }
    left = 0;
    failed = has_failed();
    mem_fail_at(0);
    assert_rows(one, "1|16|one\n3|30|\n4|4|four\n12|20|two.\n13|30|\n20|7|two\n", "SELECT * FROM t ORDER BY id");
    assert_rows(two, "12|20\n20|7\n", "SELECT id, a FROM t WHERE b BETWEEN 'two' AND 'two.' ORDER BY id");
    assert_rows(one, "s\nt\n", OWN_NAMES);
    assert_rows(two, "s\nt\n", OWN_NAMES);
    sql_close(one);
    sql_close(two);
    assert_int_equal(sqlite3_memory_used(), 0);
}

static void fail_each(enum what what, unsigned long stride)
{
    const char *text = getenv("MAE_FAULT");
    unsigned long request;
    stride = text != NULL ? 1 : stride * WORLD_SLOWNESS;
    request = text != NULL ? strtoul(text, NULL, 10) : seed_from_environment() % stride + 1;
    unsigned long runs = 0, noticed = 0;
    for (; request < REQUESTS_MAX; request += stride) {
        static const char *const names[] = {"request of SQLite", "request of the engine", "step"};
        printf("%s: %lu\n", names[what], request);
        fflush(stdout);
        failed = interrupted = false;
        refused = 0;
        left = what == ENGINE ? 0 : request;
        interrupts = what == INTERRUPT;
        mem_fail_at(what == ENGINE ? request : 0);
        play();
        if (!failed)
            break;
        runs++;
        noticed += refused;
    }
    printf("%lu of %lu failures were told\n", noticed, runs);
    assert_true(runs > 0 && request < REQUESTS_MAX);
}

#endif

static void every_request_of_sqlite_may_fail(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    fail_each(SQLITE, STRIDE);
#endif
}

static void every_request_of_the_engine_may_fail(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    fail_each(ENGINE, ENGINE_STRIDE);
#endif
}

static void every_step_may_be_interrupted(void **state)
{
    (void)state;
    NEEDS_HOOKS();
#ifdef MAE_DEBUG
    fail_each(INTERRUPT, INTERRUPT_STRIDE);
#endif
}

int main(void)
{
#ifdef MAE_DEBUG
    (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    sqlite3_mem_methods failing = memory;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
#endif
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_request_of_sqlite_may_fail),
                                       cmocka_unit_test(every_request_of_the_engine_may_fail),
                                       cmocka_unit_test(every_step_may_be_interrupted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
