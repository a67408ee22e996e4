/*
 * isolation.c - transactions of two connections of SQLite: what is serializable, what a conflict looks like, what an
 * autocommit SELECT sees, and savepoints.
 */
#define _GNU_SOURCE
#define SQLITE_CORE /* SQLite is linked: its calls are plain ones */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sql/connection.h"
#include "sql/maemio_sql.h"
#include "tests/support/sql.h"

struct two {
    sqlite3 *a, *b;
};

static int open_two(void **state)
{
    struct two *two = malloc(sizeof *two);
    two->a = sql_connect("");
    assert_sql(two->a, "CREATE VIRTUAL TABLE maemio.t USING maemio(id INTEGER PRIMARY KEY, v INTEGER, s TEXT, "
                       "INDEX by_v(v));"
                       "INSERT INTO t VALUES (1, 50, 'one'), (2, 50, 'two')");
    two->b = sql_connect("");
    *state = two;
    return 0;
}

static int close_two(void **state)
{
    struct two *two = *state;
    sql_close(two->a);
    sql_close(two->b);
    free(two);
    return 0;
}

static void write_skew_fails_one_commit(void **state)
{
    struct two *two = *state;
    assert_sql(two->a, "BEGIN");
    assert_sql(two->b, "BEGIN");
    assert_rows(two->a, "100\n", "SELECT sum(v) FROM t");
    assert_rows(two->b, "100\n", "SELECT sum(v) FROM t");
    assert_sql(two->a, "UPDATE t SET v = v - 100 WHERE id = 1");
    assert_sql(two->b, "UPDATE t SET v = v - 100 WHERE id = 2");
    int first = sql_run(two->a, "COMMIT");
    int second = sql_run(two->b, "COMMIT");
    assert_true((first == SQLITE_OK) + (second == SQLITE_OK) == 1);
    assert_int_equal(first == SQLITE_OK ? second : first, SQLITE_BUSY_SNAPSHOT);
    assert_true(sqlite3_get_autocommit(two->a));
    assert_true(sqlite3_get_autocommit(two->b));
    assert_rows(two->a, "0\n", "SELECT sum(v) FROM t");
}

static void a_phantom_fails_one_commit(void **state)
{
    struct two *two = *state;
    assert_sql(two->a, "BEGIN");
    assert_sql(two->b, "BEGIN");
    assert_rows(two->a, "", "SELECT id FROM t WHERE v BETWEEN 70 AND 90");
    assert_rows(two->b, "", "SELECT id FROM t WHERE v BETWEEN 70 AND 90");
    (void)sql_run(two->a, "INSERT INTO t VALUES (3, 80, 'three')"); /* a conflict may show here */
    (void)sql_run(two->b, "INSERT INTO t VALUES (4, 81, 'four')");
    int first = sql_run(two->a, "COMMIT");
    int second = sql_run(two->b, "COMMIT");
    assert_true((first == SQLITE_OK) + (second == SQLITE_OK) == 1);
    assert_int_equal(first == SQLITE_OK ? second : first, SQLITE_BUSY_SNAPSHOT);
    assert_rows(two->a, "3\n", "SELECT count(*) FROM t");
}

/* SQLite itself would not tell of this COMMIT at all. */
static void a_transaction_that_only_reads_is_validated(void **state)
{
    struct two *two = *state;
    assert_sql(two->a, "BEGIN");
    assert_rows(two->a, "50\n", "SELECT v FROM t WHERE id = 1");
    assert_sql(two->b, "UPDATE t SET v = v + CASE id WHEN 1 THEN -50 ELSE 50 END");
    int code, commit = SQLITE_BUSY_SNAPSHOT;
    char *rows = sql_rows(two->a, "SELECT v FROM t WHERE id = 2", 0, &code);
    if (code == SQLITE_OK)
        commit = sql_run(two->a, "COMMIT");
    /* It may stand before the other one, if it has seen nothing of it. */
    assert_true(commit == SQLITE_BUSY_SNAPSHOT || strcmp(rows, "50\n") == 0);
    free(rows);
    (void)sql_run(two->a, "ROLLBACK");
    assert_rows(two->a, "1|0\n2|100\n", "SELECT id, v FROM t ORDER BY id");
}

static void a_snapshot_is_not_disturbed(void **state)
{
    struct two *two = *state;
    sqlite3_stmt *reader;
    assert_int_equal(sqlite3_prepare_v2(two->a, "SELECT v FROM t ORDER BY id", -1, &reader, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(reader), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(reader, 0), 50);
    assert_sql(two->b, "UPDATE t SET v = 7");
    assert_sql(two->a, "INSERT INTO t VALUES (3, 9, 'three')");
    assert_rows(two->a, "7\n7\n9\n", "SELECT v FROM t ORDER BY id");
    assert_int_equal(sqlite3_step(reader), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(reader, 0), 50);
    assert_int_equal(sqlite3_step(reader), SQLITE_DONE);
    sqlite3_finalize(reader);
}

/* Of a connection that only reads. Its statements see one state, also those that go on behind COMMIT. */
static void a_transaction_may_be_a_snapshot(void **state)
{
    struct two *two = *state;
    sqlite3_stmt *reader;
    assert_sql(two->a, "SELECT maemio_snapshot(1)");
    assert_int_equal(sql_run(two->a, "SELECT maemio_snapshot('on')"), SQLITE_ERROR);
    assert_sql(two->a, "BEGIN");
    assert_int_equal(sql_run(two->a, "SELECT maemio_snapshot(0)"), SQLITE_BUSY);
    assert_non_null(strstr(sql_error(), "transactions are open"));
    assert_rows(two->a, "50\n", "SELECT v FROM t WHERE id = 1");
    assert_sql(two->b, "UPDATE t SET v = 7; INSERT INTO t VALUES (3, 9, 'three')");
    assert_rows(two->a, "1|50\n2|50\n", "SELECT id, v FROM t");
    assert_rows(two->a, "50\n50\n", "SELECT v FROM t WHERE v > 8");
    assert_int_equal(sql_run(two->a, "UPDATE t SET v = 1"), SQLITE_READONLY);
    assert_non_null(strstr(sql_error(), "maemio_snapshot(0)"));
    assert_int_equal(sql_run(two->a, "INSERT INTO t VALUES (4, 1, '')"), SQLITE_READONLY);
    assert_int_equal(sql_run(two->a, "DELETE FROM t WHERE id = 1"), SQLITE_READONLY);
    assert_int_equal(sql_run(two->a, "CREATE VIRTUAL TABLE maemio.u USING maemio(a INTEGER)"), SQLITE_READONLY);
    assert_int_equal(sql_run(two->a, "DROP TABLE t"), SQLITE_READONLY);
    assert_int_equal(sqlite3_prepare_v2(two->a, "SELECT s FROM t ORDER BY id", -1, &reader, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(reader), SQLITE_ROW);
    assert_sql(two->a, "SAVEPOINT s; ROLLBACK TO s; COMMIT");
    assert_sql(two->b, "UPDATE t SET s = 'other'");
    assert_string_equal((const char *)sqlite3_column_text(reader, 0), "one");
    assert_rows(two->a, "7\n7\n9\n", "SELECT v FROM t ORDER BY id");
    assert_int_equal(sqlite3_step(reader), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(reader, 0), "two");
    assert_int_equal(sqlite3_step(reader), SQLITE_DONE);
    sqlite3_finalize(reader);
    assert_int_equal(sql_run(two->a, "UPDATE t SET v = 1"), SQLITE_READONLY);
    assert_sql(two->a, "BEGIN; SELECT * FROM t; ROLLBACK; SELECT maemio_snapshot(0); UPDATE t SET v = 1");
    assert_rows(two->b, "1\n1\n1\n", "SELECT v FROM t");
}

static void a_select_sees_what_has_committed_before(void **state)
{
    struct two *two = *state;
    for (int i = 0; i < 200; i++) {
        char sql[64], rows[16];
        (void)snprintf(sql, sizeof sql, "UPDATE t SET v = %d WHERE id = 1", i);
        (void)snprintf(rows, sizeof rows, "%d\n", i);
        assert_sql(i % 2 ? two->a : two->b, sql);
        assert_rows(two->a, rows, "SELECT v FROM t WHERE id = 1");
        assert_rows(two->b, rows, "SELECT v FROM t WHERE id = 1");
    }
}

/* SQLite has the largest text of a group when it looks for the next group's first row, and gives it afterwards. */
static void a_query_keeps_its_snapshot_when_it_looks_again(void **state)
{
    struct two *two = *state;
    sqlite3_stmt *query;
    char expected[32];
    assert_sql(two->a, "CREATE TABLE main.n(i INTEGER PRIMARY KEY); INSERT INTO n VALUES (1), (2), (3), (4);"
                       "DELETE FROM t; INSERT INTO t SELECT i, 0, 'text ' || i FROM n");
    assert_int_equal(
        sqlite3_prepare_v2(two->a, "SELECT max(s) FROM n CROSS JOIN t ON t.id = n.i GROUP BY n.i", -1, &query, NULL),
        SQLITE_OK);
    for (int i = 1; i <= 4; i++) {
        assert_int_equal(sqlite3_step(query), SQLITE_ROW);
        (void)snprintf(expected, sizeof expected, "text %d", i);
        assert_string_equal((const char *)sqlite3_column_text(query, 0), expected);
        assert_sql(two->a, "UPDATE t SET s = 'changed'");
    }
    assert_int_equal(sqlite3_step(query), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(query), SQLITE_OK);
    assert_rows(two->a, "4\n", "SELECT count(*) FROM t WHERE s = 'changed'");
}

/* Other connections commit between two runs of a subquery, and SQLite has the least text of the first run. */
static void subqueries_see_one_snapshot(void **state)
{
    static const char *const queries[] = {"SELECT (SELECT s FROM t WHERE id = i) FROM n",
                                          "SELECT min((SELECT s FROM t WHERE id = i)) FROM n GROUP BY i / 2"};
    struct two *two = *state;
    sqlite3_stmt *query;
    assert_sql(two->a, "CREATE TABLE main.n(i INTEGER PRIMARY KEY); INSERT INTO n VALUES (1), (2), (3), (4);"
                       "DELETE FROM t; INSERT INTO t SELECT i, 0, '' FROM n");
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_sql(two->b, "UPDATE t SET s = 'as it was'");
        assert_int_equal(sqlite3_prepare_v2(two->a, queries[i], -1, &query, NULL), SQLITE_OK);
        int code;
        while ((code = sqlite3_step(query)) == SQLITE_ROW) {
            assert_sql(two->b, "UPDATE t SET s = 'changed'");
            assert_string_equal((const char *)sqlite3_column_text(query, 0), "as it was");
        }
        assert_int_equal(code, SQLITE_DONE);
        assert_int_equal(sqlite3_finalize(query), SQLITE_OK);
        assert_int_equal(connection_find(two->a)->inside, 0);
    }
    assert_rows(two->a, "changed\n", "SELECT DISTINCT (SELECT s FROM t WHERE id = i) FROM n");
}

static void row_move(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    assert_sql(sqlite3_user_data(context), "UPDATE t SET v = 1, s = '' WHERE s = 'here'");
    sqlite3_result_value(context, values[0]);
}

/* SQLite looks in one index and then, with a new cursor, in the other one. Meanwhile the row moves from what is looked
 * at later to what has been looked at. */
static void an_or_sees_one_snapshot(void **state)
{
    static const char query[] = "SELECT count(*) FROM t WHERE v = 1 OR s = moved('here')";
    struct two *two = *state;
    assert_int_equal(sqlite3_create_function(two->a, "moved", 1, SQLITE_UTF8, two->b, row_move, NULL, NULL), SQLITE_OK);
    assert_int_equal(mae_sql_exec(two->a,
                                  "CREATE INDEX by_s ON t(s); WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 "
                                  "FROM n WHERE i < 1000) INSERT INTO t SELECT i, i, 'text ' || i FROM n; UPDATE t SET "
                                  "s = 'here' WHERE id = 7",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_sql(two->b, "SELECT maemio_refresh()");
    assert_rows(two->a, "1\n", query);
    assert_rows(two->a, "1\n", query);
}

static void a_doomed_transaction_fails_until_rollback(void **state)
{
    struct two *two = *state;
    assert_sql(two->a, "BEGIN; UPDATE t SET v = v + 1 WHERE id = 1");
    assert_sql(two->b, "UPDATE t SET v = 0 WHERE id = 1");
    int code = sql_run(two->a, "UPDATE t SET v = v + 1 WHERE id = 1");
    if (code == SQLITE_BUSY_SNAPSHOT) {
        assert_int_equal(sql_run(two->a, "SELECT * FROM t"), SQLITE_BUSY_SNAPSHOT);
        assert_int_equal(sql_run(two->a, "INSERT INTO t VALUES (5, 5, '')"), SQLITE_BUSY_SNAPSHOT);
    }
    assert_int_equal(sql_run(two->a, "COMMIT"), SQLITE_BUSY_SNAPSHOT);
    assert_rows(two->a, "1|0\n2|50\n", "SELECT id, v FROM t ORDER BY id");
}

static void rollback_to_keeps_earlier_work(void **state)
{
    struct two *two = *state;
    assert_sql(two->a, "BEGIN; UPDATE t SET v = 1 WHERE id = 1; SAVEPOINT s; UPDATE t SET v = v + 10; DELETE FROM t "
                       "WHERE id = 2; SAVEPOINT u; INSERT INTO t VALUES (3, 3, 'x'); RELEASE u");
    assert_rows(two->a, "1|11\n3|3\n", "SELECT id, v FROM t ORDER BY id");
    assert_sql(two->a, "ROLLBACK TO s");
    assert_rows(two->a, "1|1\n2|50\n", "SELECT id, v FROM t ORDER BY id");
    assert_sql(two->a, "INSERT INTO t VALUES (3, 4, 'y'); COMMIT");
    assert_rows(two->b, "1|1\n3|4\n2|50\n", "SELECT id, v FROM t ORDER BY v, id");
}

static void a_failed_statement_leaves_the_transaction_as_it_was(void **state)
{
    struct two *two = *state;
    assert_sql(two->a, "BEGIN; UPDATE t SET v = 8 WHERE id = 1");
    assert_int_equal(sql_run(two->a, "INSERT INTO t VALUES (3, 1, 'a'), (4, 1, 'b'), (2, 1, 'c')"),
                     SQLITE_CONSTRAINT_PRIMARYKEY);
    assert_sql(two->a, "COMMIT");
    assert_rows(two->b, "1|8\n2|50\n", "SELECT id, v FROM t ORDER BY id");
}

static void an_update_may_read_its_own_row(void **state)
{
    struct two *two = *state;
    assert_sql(two->a, "BEGIN; UPDATE t SET s = 'x'; UPDATE t SET s = s || s || s || v, v = length(s); COMMIT");
    assert_rows(two->b, "1|1|xxx50\n2|1|xxx50\n", "SELECT * FROM t ORDER BY id");
}

static int refuse_commit(void *arg)
{
    (void)arg;
    return 1;
}

static void a_commit_hook_of_maemio_refuses_in_time(void **state)
{
    struct two *two = *state;
    assert_int_equal(mae_sql_commit_hook(two->a, refuse_commit, NULL), SQLITE_OK);
    assert_int_equal(sql_run(two->a, "UPDATE t SET v = 3"), SQLITE_CONSTRAINT_COMMITHOOK);
    assert_int_equal(mae_sql_commit_hook(two->a, NULL, NULL), SQLITE_OK);
    assert_rows(two->a, "50\n50\n", "SELECT v FROM t");
    sqlite3_commit_hook(two->a, refuse_commit, NULL);
    assert_int_not_equal(sql_run(two->a, "UPDATE t SET v = 3"), SQLITE_OK);
    assert_int_equal(sql_run(two->a, "SELECT * FROM t"), SQLITE_MISUSE);
}

static void a_file_of_sqlite_is_not_written_beside(void **state)
{
    struct two *two = *state;
    char file[] = "/tmp/maemio-sql-XXXXXX", sql[64];
    close(mkstemp(file));
    (void)snprintf(sql, sizeof sql, "ATTACH '%s' AS file; CREATE TABLE file.f(a)", file);
    assert_sql(two->a, sql);
    assert_sql(two->a, "BEGIN; UPDATE t SET v = 7; INSERT INTO f VALUES (1)");
    assert_int_equal(sql_run(two->a, "COMMIT"), SQLITE_ERROR);
    (void)sql_run(two->a, "ROLLBACK");
    assert_rows(two->b, "50\n50\n", "SELECT v FROM t");
    assert_sql(two->a, "BEGIN; INSERT INTO f VALUES (1); CREATE VIRTUAL TABLE maemio.u USING maemio(a INTEGER)");
    assert_int_equal(sql_run(two->a, "COMMIT"), SQLITE_ERROR);
    (void)sql_run(two->a, "ROLLBACK");
    assert_int_equal(sql_run(two->b, "SELECT * FROM u"), SQLITE_ERROR);
    assert_sql(two->a, "BEGIN; SELECT * FROM t; INSERT INTO f VALUES (1); COMMIT; DETACH file");
    (void)unlink(file);
}

/* Its COMMIT fails behind that of Maemio, which has nothing to take back. */
static void a_file_that_is_locked_breaks_no_transaction_that_has_read(void **state)
{
    struct two *two = *state;
    char file[] = "/tmp/maemio-sql-XXXXXX", sql[64];
    sqlite3 *reader;
    close(mkstemp(file));
    (void)snprintf(sql, sizeof sql, "ATTACH '%s' AS file; CREATE TABLE file.f(a)", file);
    assert_sql(two->a, sql);
    assert_int_equal(sqlite3_open(file, &reader), SQLITE_OK);
    for (int again = 0; again < 2; again++) {
        assert_sql(reader, "BEGIN; SELECT * FROM f");
        assert_sql(two->a, "BEGIN; SELECT * FROM t; INSERT INTO f VALUES (1)");
        assert_int_equal(sql_run(two->a, "COMMIT"), SQLITE_BUSY);
        /* What it has read was valid when COMMIT came, and what it would read now is of another time. */
        const char *const more[] = {"SELECT * FROM t", "UPDATE t SET v = 1",
                                    "CREATE VIRTUAL TABLE maemio.u USING maemio(a INTEGER)",
                                    "SAVEPOINT s; SELECT v FROM t"};
        for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
            assert_int_equal(sql_run(two->a, more[i]), SQLITE_ERROR);
            if (strstr(sql_error(), "a file has refused the COMMIT") == NULL)
                fail_msg("%s: %s", more[i], sql_error());
        }
        assert_sql(reader, "COMMIT");
        assert_sql(two->a, again ? "COMMIT" : "ROLLBACK");
        assert_rows(two->a, "50\n50\n", "SELECT v FROM t");
    }
    assert_rows(reader, "1\n", "SELECT * FROM f");
    assert_sql(two->a, "DETACH file");
    sql_close(reader);
    (void)unlink(file);
}

static void *make_index(void *sqlite)
{
    char *error = NULL;
    int code = mae_sql_exec(sqlite, "CREATE INDEX by_s ON t(s)", NULL, NULL, &error);
    sqlite3_free(error);
    return (void *)(intptr_t)code;
}

static void a_change_of_the_schema_waits_for_transactions(void **state)
{
    struct two *two = *state;
    pthread_t thread;
    struct timespec until;
    void *code;
    assert_sql(two->a, "BEGIN; INSERT INTO t VALUES (3, 3, 'three')");
    assert_int_equal(pthread_create(&thread, NULL, make_index, two->b), 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 100000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    assert_int_equal(pthread_clockjoin_np(thread, &code, CLOCK_MONOTONIC, &until), ETIMEDOUT);
    /* Who is waited for waits for nobody: here the names are looked at again. */
    assert_sql(two->a, "SAVEPOINT s; UPDATE t SET v = 4 WHERE id = 3; ROLLBACK TO s; SELECT * FROM t");
    assert_sql(two->a, "COMMIT");
    assert_int_equal(pthread_join(thread, &code), 0);
    assert_int_equal((int)(intptr_t)code, SQLITE_OK);
    assert_rows(two->b, "3\n", "SELECT id FROM t WHERE s = 'three'");
    assert_rows(two->a, "3\n", "SELECT id FROM t WHERE s = 'three'");
}

/* The transaction has the later place and has read the row, but not all of its entries, when another one deletes it. */
static void a_row_without_its_entries_is_a_conflict(void **state)
{
    static const char *const changes[] = {"DELETE FROM u WHERE s = 'one'", "UPDATE u SET v = 7 WHERE s = 'one'",
                                          "REPLACE INTO u VALUES (1, 7, 'seven')"};
    struct two *two = *state;
    assert_sql(two->a, "CREATE VIRTUAL TABLE maemio.u USING maemio(id INTEGER PRIMARY KEY, v INTEGER, s TEXT, "
                       "INDEX by_v(v), INDEX by_s(s))");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_sql(two->a, "REPLACE INTO u VALUES (1, 50, 'one')");
        assert_sql(two->b, "BEGIN; SELECT * FROM t WHERE id = 2");
        (void)usleep(5000); /* workers' clocks are nearer to each other than that: so a's place is the later one */
        assert_sql(two->a, "BEGIN; SELECT * FROM u WHERE s = 'one'");
        assert_sql(two->b, "DELETE FROM u WHERE id = 1; COMMIT");
        int code = sql_run(two->a, changes[i]);
        assert_true(code == SQLITE_OK || code == SQLITE_BUSY_SNAPSHOT);
        assert_int_equal(sql_run(two->a, "COMMIT"), SQLITE_BUSY_SNAPSHOT);
        if (!sqlite3_get_autocommit(two->a))
            assert_sql(two->a, "ROLLBACK");
        assert_rows(two->a, "", "SELECT * FROM u");
    }
}

/* ---- Four threads move money; others add it up. ---- */

enum { ACCOUNTS = 16, TRANSFERS = 300 };

struct mover {
    pthread_t thread;
    unsigned number;
    int conflicts, busy;
};

static void *move(void *arg)
{
    struct mover *mover = arg;
    sqlite3 *sqlite = sql_connect("");
    unsigned random = mover->number * 7919 + 1;
    for (int i = 0; i < TRANSFERS; i++) {
        char sql[256];
        random = random * 1103515245 + 12345;
        (void)snprintf(
            sql, sizeof sql,
            "BEGIN; UPDATE bank SET cents = cents - 1 WHERE id = %u; UPDATE bank SET cents = cents + 1 WHERE "
            "id = %u; COMMIT",
            random >> 16 & (ACCOUNTS - 1), random >> 20 & (ACCOUNTS - 1));
        int code = i % 4 == 3 ? sql_run(sqlite, "BEGIN; SELECT sum(cents) FROM bank; COMMIT") : sql_run(sqlite, sql);
        mover->conflicts += code == SQLITE_BUSY_SNAPSHOT;
        mover->busy += code != SQLITE_OK && code != SQLITE_BUSY_SNAPSHOT;
        if (code != SQLITE_OK && !sqlite3_get_autocommit(sqlite))
            (void)sql_run(sqlite, "ROLLBACK");
        int sum;
        char *rows = sql_rows(sqlite, "SELECT sum(cents) FROM bank", 0, &sum);
        mover->busy += rows == NULL || atoi(rows) != ACCOUNTS * 100;
        free(rows);
    }
    sql_close(sqlite);
    return NULL;
}

static void four_threads_never_meet_a_lock(void **state)
{
    struct two *two = *state;
    struct mover movers[4] = {{.number = 0}};
    assert_sql(two->a, "CREATE VIRTUAL TABLE maemio.bank USING maemio(id INTEGER PRIMARY KEY, cents INTEGER)");
    assert_sql(two->a, "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 15) "
                       "INSERT INTO bank SELECT i, 100 FROM c");
    for (unsigned i = 0; i < 4; i++) {
        movers[i].number = i;
        assert_int_equal(pthread_create(&movers[i].thread, NULL, move, &movers[i]), 0);
    }
    int conflicts = 0;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(movers[i].thread, NULL), 0);
        assert_int_equal(movers[i].busy, 0);
        conflicts += movers[i].conflicts;
    }
    assert_true(conflicts < 4 * TRANSFERS);
    assert_rows(two->a, "1600\n", "SELECT sum(cents) FROM bank");
}

/* One connection changes the table while three others move money in it: a transaction sees the table before or after a
 * change, and an index that is there finds every row. Statements that were prepared before are prepared again. */
static void the_schema_changes_beside_transfers(void **state)
{
    static const char *const changes[] = {
        "CREATE INDEX by_cents ON bank(cents)", "ALTER TABLE bank ADD COLUMN note TEXT DEFAULT 'none'",
        "CREATE TABLE other(a INTEGER)",        "DROP INDEX by_cents",
        "ALTER TABLE bank DROP COLUMN note",    "DROP TABLE other",
    };
    enum { CHANGES = sizeof changes / sizeof changes[0], ROUNDS = 3 };
    struct two *two = *state;
    struct mover movers[3] = {{.number = 0}};
    assert_sql(two->a, "CREATE VIRTUAL TABLE maemio.bank USING maemio(id INTEGER PRIMARY KEY, cents INTEGER)");
    assert_sql(two->a, "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 15) "
                       "INSERT INTO bank SELECT i, 100 FROM c");
    for (unsigned i = 0; i < 3; i++) {
        movers[i].number = i;
        assert_int_equal(pthread_create(&movers[i].thread, NULL, move, &movers[i]), 0);
    }
    for (unsigned i = 0; i < ROUNDS * CHANGES; i++) {
        int code;
        do /* ends: a conflict means that another transaction has committed, and their number is finite */
            code = mae_sql_exec(two->a, changes[i % CHANGES], NULL, NULL, NULL);
        while (code == SQLITE_BUSY_SNAPSHOT);
        assert_int_equal(code, SQLITE_OK);
        if (i % CHANGES < 3)
            assert_rows(two->a, "16|1600\n", "SELECT count(*), sum(cents) FROM bank WHERE cents > -1000000");
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(movers[i].thread, NULL), 0);
        assert_int_equal(movers[i].busy, 0);
    }
    assert_rows(two->a, "16|1600\n", "SELECT count(*), sum(cents) FROM bank");
}

/* The rows were the transaction's: a query that goes on behind its end must not touch them. */
static void a_query_reads_no_row_of_a_transaction_that_has_ended(void **state)
{
    struct two *two = *state;
    sqlite3_stmt *statement;
    assert_sql(two->a, "BEGIN");
    assert_int_equal(
        sqlite3_prepare_v2(two->a, "SELECT s, value FROM t CROSS JOIN json_each('[1,2]')", -1, &statement, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "one");
    assert_sql(two->a, "ROLLBACK");
    assert_int_equal(sqlite3_step(statement), SQLITE_ABORT);
    sqlite3_finalize(statement);
}

/* The machine may be so busy that a statement is too old, too. */
static void run_finally(sqlite3 *sqlite, const char *sql)
{
    int code;
    while ((code = sql_run(sqlite, sql)) == SQLITE_BUSY_SNAPSHOT)
        ;
    assert_int_equal(code, SQLITE_OK);
}

/* The values that SQLite has are those of the snapshot: it stays until its last query has ended. */
static void a_snapshot_that_is_too_old_keeps_its_values(void **state)
{
    enum { LOOKS_MAX = 10000 };
    sqlite3 *sqlite, *other;
    sqlite3_stmt *statement;
    int code = SQLITE_OK;
    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_extended_result_codes(sqlite, 1), SQLITE_OK);
    assert_int_equal(mae_sql_attach_with(sqlite, "", "txn_max_ms=400", NULL), SQLITE_OK);
    other = sql_connect("");
    run_finally(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(id INTEGER PRIMARY KEY, s BLOB)");
    run_finally(sqlite, "INSERT INTO t VALUES (1, CAST(printf('%03000d', 7) AS BLOB)), (2, x'00')");
    run_finally(other, "SELECT maemio_refresh()");
    assert_int_equal(sqlite3_prepare_v2(sqlite, "SELECT s FROM t", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    run_finally(other, "UPDATE t SET s = CAST(printf('%03000d', 8) AS BLOB) WHERE id = 1");
    for (int i = 0; i < LOOKS_MAX && code == SQLITE_OK; i++) {
        usleep(1000);
        code = sql_run(sqlite, "SELECT s FROM t WHERE id = 1");
    }
    if (code != SQLITE_OK) /* without the membarrier system call it is never too old */
        assert_int_equal(code, SQLITE_BUSY_SNAPSHOT);
    assert_non_null(connection_find(sqlite)->reader->txn);
    run_finally(other, "UPDATE t SET s = CAST(printf('%03000d', 9) AS BLOB) WHERE id = 1");
    assert_int_equal(((const char *)sqlite3_column_blob(statement, 0))[2999], '7');
    (void)sqlite3_finalize(statement);
    sql_close(other);
    sql_close(sqlite);
}

int main(void)
{
#define TWO(name) cmocka_unit_test_setup_teardown(name, open_two, close_two)
    const struct CMUnitTest tests[] = {
        TWO(write_skew_fails_one_commit),
        TWO(a_phantom_fails_one_commit),
        TWO(a_transaction_that_only_reads_is_validated),
        TWO(a_snapshot_is_not_disturbed),
        TWO(a_transaction_may_be_a_snapshot),
        TWO(a_select_sees_what_has_committed_before),
        TWO(a_query_keeps_its_snapshot_when_it_looks_again),
        TWO(subqueries_see_one_snapshot),
        TWO(an_or_sees_one_snapshot),
        TWO(a_doomed_transaction_fails_until_rollback),
        TWO(rollback_to_keeps_earlier_work),
        TWO(a_failed_statement_leaves_the_transaction_as_it_was),
        TWO(an_update_may_read_its_own_row),
        TWO(a_commit_hook_of_maemio_refuses_in_time),
        TWO(a_file_of_sqlite_is_not_written_beside),
        TWO(a_file_that_is_locked_breaks_no_transaction_that_has_read),
        TWO(a_change_of_the_schema_waits_for_transactions),
        TWO(a_row_without_its_entries_is_a_conflict),
        TWO(a_query_reads_no_row_of_a_transaction_that_has_ended),
        cmocka_unit_test(a_snapshot_that_is_too_old_keeps_its_values),
        TWO(four_threads_never_meet_a_lock),
        TWO(the_schema_changes_beside_transfers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
