/*
 * limit.c - the memory limit is reached in the middle of a statement that changes many rows. The statement fails whole,
 * and what the transaction has done is kept whole or taken back whole; every index finds the same rows. When rows have
 * gone, there is room again.
 *
 * Unlike in tests/fault, what has been refused once is refused again, while rows, entries and versions are made.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/maemio_sql.h"
#include "tests/support/sql.h"

enum { TRIES_MAX = 10000, BATCH = 500, BATCHES_MAX = 1000 };

#define INSERT_ROWS(from, rows)                                                              \
    "WITH RECURSIVE n(i) AS (SELECT " from " UNION ALL SELECT i + 1 FROM n LIMIT " rows ") " \
    "INSERT INTO t SELECT i, i * 7, printf('%0200d', i) FROM n"

static sqlite3 *connect_limited(void)
{
    sqlite3 *sqlite;
    char *error = NULL;
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_extended_result_codes(sqlite, 1), SQLITE_OK);
    if (mae_sql_attach_with(sqlite, "", "memory_limit=32M huge_pages=off", &error) != SQLITE_OK)
        fail_msg("%s", error);
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(id INTEGER PRIMARY KEY, a INTEGER, s TEXT, "
                       "UNIQUE(a), INDEX by_s(s))");
    return sqlite;
}

/* Until it is done or there is no memory: the engine may hope for memory to come free, and say that it is to be run
 * again. */
static int run_finally(sqlite3 *sqlite, const char *sql)
{
    int code = SQLITE_BUSY_SNAPSHOT;
    for (int i = 0; i < TRIES_MAX && code == SQLITE_BUSY_SNAPSHOT; i++) {
        code = sql_run(sqlite, sql);
        if (code != SQLITE_OK && !sqlite3_get_autocommit(sqlite))
            assert_sql(sqlite, "ROLLBACK");
    }
    return code;
}

static long number(sqlite3 *sqlite, const char *sql)
{
    int code;
    char *rows = sql_rows(sqlite, sql, 0, &code);
    if (rows == NULL)
        fail_msg("%s: %s", sql, sql_error());
    long result = atol(rows);
    free(rows);
    return result;
}

/* All ways to the rows find the same; how many there are. */
static long count(sqlite3 *sqlite)
{
    long rows = number(sqlite, "SELECT count(*) FROM t WHERE id >= 0");
    assert_int_equal(number(sqlite, "SELECT count(*) FROM t WHERE a >= 0"), rows);
    assert_int_equal(number(sqlite, "SELECT count(*) FROM t WHERE s >= ''"), rows);
    assert_int_equal(number(sqlite, "SELECT count(*) FROM (SELECT * FROM t)"), rows);
    assert_int_equal(number(sqlite, "SELECT count(*) FROM t WHERE a != id * 7 OR s != printf('%0200d', id)"), 0);
    return rows;
}

static long fill(sqlite3 *sqlite)
{
    int code = SQLITE_OK;
    for (int i = 0; i < BATCHES_MAX && code == SQLITE_OK; i++)
        code = run_finally(sqlite, INSERT_ROWS("(SELECT coalesce(max(id), 0) + 1 FROM t)", "500"));
    if (code != SQLITE_NOMEM && code != SQLITE_BUSY_SNAPSHOT)
        fail_msg("%d: %s", code, sql_error());
    long rows = count(sqlite);
    assert_true(rows >= BATCH && rows % BATCH == 0);
    return rows;
}

static void an_insert_of_many_rows_fails_whole(void **state)
{
    (void)state;
    sqlite3 *sqlite = connect_limited();
    long rows = fill(sqlite);
    assert_true(run_finally(sqlite, INSERT_ROWS("1000000", "5000")) != SQLITE_OK);
    assert_int_equal(count(sqlite), rows);
    sql_close(sqlite);
}

static void an_update_of_all_rows_fails_whole(void **state)
{
    (void)state;
    sqlite3 *sqlite = connect_limited();
    long rows = fill(sqlite);
    assert_true(run_finally(sqlite, "UPDATE t SET a = a + 7 * 1000000, id = id + 1000000, s = s || s") != SQLITE_OK);
    assert_int_equal(count(sqlite), rows);
    sql_close(sqlite);
}

/* After the failure it has ended, or it goes on and keeps what it had done: never less. */
static void a_transaction_ends_or_keeps_what_it_has_done(void **state)
{
    (void)state;
    sqlite3 *sqlite = connect_limited();
    long rows = fill(sqlite);
    for (int i = 0; i < 5; i++) {
        assert_sql(sqlite, "BEGIN");
        int code = sql_run(sqlite, "DELETE FROM t WHERE id = 5");
        if (code == SQLITE_OK)
            code = sql_run(sqlite, INSERT_ROWS("1000000", "5000"));
        if (code != SQLITE_NOMEM && code != SQLITE_BUSY_SNAPSHOT)
            fail_msg("%d: %s", code, sql_error());
        if (!sqlite3_get_autocommit(sqlite)) {
            int again = sql_run(sqlite, "SELECT count(*) FROM t WHERE id < 10");
            assert_true(again == code || again == SQLITE_OK);
            int commit = sql_run(sqlite, "COMMIT");
            assert_true(again == SQLITE_OK || commit != SQLITE_OK);
            code = commit;
        }
        if (!sqlite3_get_autocommit(sqlite))
            assert_sql(sqlite, "ROLLBACK");
        rows -= code == SQLITE_OK && i == 0;
        assert_int_equal(count(sqlite), rows);
    }
    sql_close(sqlite);
}

static void there_is_room_when_rows_have_gone(void **state)
{
    (void)state;
    sqlite3 *sqlite = connect_limited();
    long rows = fill(sqlite), gone = 0;
    for (long id = 1; id <= rows / 2; id += 20) {
        char sql[100];
        (void)snprintf(sql, sizeof sql, "DELETE FROM t WHERE id BETWEEN %ld AND %ld", id, id + 19);
        int code = SQLITE_NOMEM;
        for (int i = 0; i < TRIES_MAX && code != SQLITE_OK; i++)
            code = run_finally(sqlite, sql);
        if (code != SQLITE_OK)
            fail_msg("%s: %d: %s", sql, code, sql_error());
        gone += 20;
    }
    assert_int_equal(count(sqlite), rows - gone);
    int code = SQLITE_NOMEM;
    for (int i = 0; i < TRIES_MAX && code != SQLITE_OK; i++)
        code = run_finally(sqlite, INSERT_ROWS("1000000", "500"));
    assert_int_equal(code, SQLITE_OK);
    assert_int_equal(count(sqlite), rows - gone + BATCH);
    sql_close(sqlite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_insert_of_many_rows_fails_whole),
        cmocka_unit_test(an_update_of_all_rows_fails_whole),
        cmocka_unit_test(a_transaction_ends_or_keeps_what_it_has_done),
        cmocka_unit_test(there_is_room_when_rows_have_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
