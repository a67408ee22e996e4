/*
 * lists.c - IN over the columns of an index: which rows are found, each once, in which order, and what disturbs. The
 * same query of the table w, which has no index, says what is right. tests/model/sql.c compares lists with SQLite's own
 * tables, and unit/sql/module.c has those of rowids.
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
#include "sql/ranges.h"
#include "tests/support/sql.h"

static void runs(sqlite3 *sqlite, const char *sql)
{
    char *error = NULL;
    if (mae_sql_exec(sqlite, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error != NULL ? error : "");
}

static char *rows_of(sqlite3 *sqlite, char *sql)
{
    int code;
    char *rows = sql_rows(sqlite, sql, 0, &code);
    if (code != SQLITE_OK)
        fail_msg("%s: %d: %s", sql, code, sqlite3_errmsg(sqlite));
    sqlite3_free(sql);
    return rows;
}

/* The rows of t where the column is in the list come by this plan, and are those of w. */
static void finds(sqlite3 *sqlite, const char *plan, const char *column, const char *list)
{
    static const char query[] = "SELECT id FROM %s WHERE %s IN %s ORDER BY +id";
    char *how = rows_of(sqlite, sqlite3_mprintf("EXPLAIN QUERY PLAN SELECT id FROM t WHERE %s IN %s", column, list));
    if (strstr(how, plan) == NULL)
        fail_msg("%s IN %s: %s", column, list, how);
    char *found = rows_of(sqlite, sqlite3_mprintf(query, "t", column, list));
    char *right = rows_of(sqlite, sqlite3_mprintf(query, "w", column, list));
    if (strcmp(found, right) != 0)
        fail_msg("%s IN %s: %s instead of %s", column, list, found, right);
    free(how);
    free(found);
    free(right);
}

#define MANY "(WITH RECURSIVE n(i) AS (SELECT -7 UNION ALL SELECT i + 3 FROM n WHERE i < 700) SELECT i FROM n)"
#define LONG "'a text of which no index with other columns holds more than its beginning "

#define COPY "INSERT INTO w SELECT * FROM t"

/* 1,000 rows: i has 500 values, r as many, some of them too large to be exact; s has texts long and short. */
static void make_rows(sqlite3 *sqlite)
{
    runs(sqlite,
         "CREATE TABLE t(id INTEGER PRIMARY KEY, i INTEGER, r REAL, s TEXT, n TEXT COLLATE NOCASE, u INTEGER UNIQUE);"
         "CREATE TABLE w(id INTEGER PRIMARY KEY, i INTEGER, r REAL, s TEXT, n TEXT COLLATE NOCASE, u INTEGER);"
         "WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < 999) INSERT INTO t SELECT i, "
         "i % 500, i % 500 * 9007199254740993.0 / (1 + i % 2 * 9007199254740992), CASE i % 3 WHEN 0 THEN i % 500 "
         "ELSE " LONG "' || i % 500 END, char(65 + i % 2 * 32 + i % 26), i * 2 FROM k;"
         "INSERT INTO t(id) VALUES (1000), (1001); UPDATE t SET n = 'a' || char(0) || id WHERE id IN (5, 50, "
         "500);" COPY);
}

static void check_lists(sqlite3 *sqlite, const char *index, const char *i, const char *r, const char *s, const char *n)
{
    runs(sqlite, index);
    finds(sqlite, i, "i", "(7, 3, 499, 500, -1)");
    finds(sqlite, i, "i", "(7, 7)");
    finds(sqlite, i, "i", "(SELECT 7)");
    finds(sqlite, i, "i", "(7, 7.0, '7', 7.5, 'x', x'37', NULL, 1e300, -1e300, 9223372036854775807)");
    finds(sqlite, i, "i", "(NULL, NULL)");
    finds(sqlite, i, "i", MANY);
    finds(sqlite, i, "i", "(SELECT s FROM t WHERE id < 40)");
    finds(sqlite, i, "i", "(SELECT i FROM t WHERE id > 5000)");
    finds(sqlite, r, "r", "(1, 3.0, '5.0', 0, -0.0, 1.5, NULL, 'x')");
    finds(sqlite, r, "r", "(9007199254740992, 9007199254740993, 18014398509481986, 36028797018963972.0)");
    finds(sqlite, s, "s", "(3, '3', '6', x'36', NULL, 'x', " LONG "4', " LONG "5', " LONG "8')");
    finds(sqlite, s, "s", "(SELECT i FROM t WHERE i % 2 = 0)");
    finds(sqlite, n, "n", "('a', 'A', 'b', 'Z', 'y', NULL, 7, 'a' || char(0) || 5, 'A' || char(0) || 50)");
}

static void ordered_indexes_find_lists(void **state)
{
    sqlite3 *sqlite = *state;
    make_rows(sqlite);
    finds(sqlite, "VIRTUAL TABLE INDEX 1:i\n", "u", "(4, 2, 1998, 3, NULL, 2.0, '4', 4.5)");
    check_lists(sqlite,
                "CREATE INDEX ti ON t(i); CREATE INDEX tr ON t(r, i); CREATE INDEX ts ON t(s, i, r); CREATE "
                "INDEX tn ON t(n)",
                "INDEX 2:i\n", "INDEX 3:i\n", "INDEX 4:i\n", "INDEX 5:i\n");
}

static void hash_indexes_find_lists(void **state)
{
    sqlite3 *sqlite = *state;
    make_rows(sqlite);
    check_lists(sqlite,
                "CREATE INDEX ti ON t USING HASH (i); CREATE INDEX tr ON t USING HASH (r); CREATE INDEX ts ON t USING "
                "HASH (s); CREATE INDEX tn ON t USING HASH (n)",
                "INDEX 2:i\n", "INDEX 3:i\n", "INDEX 4:i\n", "INDEX 5:i\n");
}

/* One list is taken as a whole; of another one SQLite gives the values one by one. */
static void a_list_may_be_of_any_column(void **state)
{
    sqlite3 *sqlite = *state;
    make_rows(sqlite);
    for (int hash = 0; hash < 2; hash++) {
        runs(sqlite, hash ? "CREATE INDEX tsi ON t USING HASH (s, i)" : "CREATE INDEX tsi ON t(s, i)");
        finds(sqlite, "INDEX 2:ei\n", "s = '6' AND i", "(5, 6, 7, NULL)");
        finds(sqlite, "INDEX 2:ie\n", "i = 6 AND s", "('5', '6', '7', " LONG "6')");
        finds(sqlite, "INDEX 2:ie\n", "i IN (6, 8, 9) AND s", "('5', '6', '9', " LONG "8')");
        finds(sqlite, "INDEX 2:ei\n", "s = " LONG "8' AND i", MANY);
        runs(sqlite, "DROP INDEX tsi");
    }
    runs(sqlite, "CREATE INDEX tir ON t(i, r)");
    finds(sqlite, "INDEX 2:iGL\n", "r >= 2 AND r <= 9e17 AND i", "(2, 3, 4, 5, 60, 61, NULL)");
    finds(sqlite, "INDEX 2:il\n", "r < 'x' AND i", MANY);
    assert_rows(
        sqlite, "1|3\n2|5\n3|5\n4|\n",
        "SELECT a.id, b.id FROM t AS a LEFT JOIN t AS b ON b.i IN (a.i * 2 + 1, a.i + 2) AND b.id < 500 AND b.id "
        "% 2 = 1 AND b.id < 7 WHERE a.id IN (1, 2, 3, 4) GROUP BY a.id");
}

/* The ranges of a list are in the order of the index, but what comes behind the list in it is not. */
static void lists_come_in_the_order_that_is_wanted(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite,
         "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER); CREATE INDEX tabc ON t(a, b, "
         "c); INSERT INTO t VALUES (1, 1, 9, 5), (2, 2, 1, 4), (3, 3, 5, 3), (4, 1, 2, 2), (5, 2, 7, 1), (6, 9, "
         "0, 0), (7, 2, 7, 0), (8, 8, 8, 8), (9, 7, 7, 7)");
    assert_rows(sqlite, "4\n1\n2\n7\n5\n", "SELECT id FROM t WHERE a IN (2, 1) ORDER BY a, b, c");
    assert_rows(sqlite, "5\n7\n2\n1\n4\n", "SELECT id FROM t WHERE a IN (2, 1) ORDER BY a DESC, b DESC, c DESC");
    assert_rows(sqlite, "2\n4\n7\n5\n1\n", "SELECT id FROM t WHERE a IN (1, 2) ORDER BY b, a, c");
    assert_rows(sqlite, "2\n4\n3\n5\n7\n1\n", "SELECT id FROM t WHERE a IN (1, 2, 3) ORDER BY b, id");
    assert_rows(sqlite, "2\n7\n5\n", "SELECT id FROM t WHERE a = 2 AND b IN (7, 1) ORDER BY b, c");
    assert_rows(sqlite, "2\n7\n5\n", "SELECT id FROM t WHERE a = 2 AND b IN (7, 1) ORDER BY id % 2 = 1, c");
    assert_rows(sqlite, "7\n5\n", "SELECT id FROM t WHERE b = 7 AND a IN (2, 1) ORDER BY a, c");
    assert_rows(sqlite, "7\n5\n2\n", "SELECT id FROM t WHERE a = 2 AND b IN (1, 7) ORDER BY c");
    /* A text that is compared with a number equals several. */
    runs(sqlite,
         "CREATE TABLE s(n TEXT, a INTEGER, c INTEGER); CREATE INDEX sna ON s(n, a); CREATE INDEX sanc ON s(a, "
         "n, c); INSERT INTO s VALUES ('7', 2, 3), ('7.0', 1, 2), ('07', 3, 1), ('x', 2, 0), ('y', 2, 0), ('z', "
         "4, 0)");
    assert_rows(sqlite, "1|2\n2|3\n3|1\n",
                "SELECT a, c FROM s WHERE n = (SELECT a FROM t WHERE id = 9) AND a IN (3, 1, 2) ORDER BY a");
    runs(sqlite, "DROP INDEX sna; UPDATE s SET a = 1 WHERE c > 0");
    assert_rows(sqlite, "1|1\n1|2\n1|3\n",
                "SELECT a, c FROM s WHERE n = (SELECT a FROM t WHERE id = 9) AND a IN (1, 2) ORDER BY a, c");
    assert_rows(sqlite, "3|0|0|SCAN t VIRTUAL TABLE INDEX 769:i\n",
                "EXPLAIN QUERY PLAN SELECT id FROM t WHERE a IN (2, 1) ORDER BY a DESC, b DESC");
}

/* Texts and blobs are not numbers, and so bound nothing in an index of numbers: their range holds the others. */
static void ranges_that_overlap_are_one(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite, "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, s TEXT); CREATE INDEX tr ON t(r); CREATE INDEX ts ON "
                 "t(s); WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 100) INSERT INTO t "
                 "SELECT i, i, " LONG "' || i FROM k; CREATE TABLE w(id INTEGER PRIMARY KEY, r REAL, s TEXT);" COPY);
    finds(sqlite, "INDEX 1:i\n", "r", "(1.0, 2.0, 50, 'x', x'00')");
    finds(sqlite, "INDEX 2:i\n", "s", "(" LONG "1', " LONG "2', " LONG "3')");
    assert_rows(sqlite, "50.0\n2.0\n", "SELECT r FROM t WHERE r IN (2.0, 50, 'x', x'00') ORDER BY r DESC");
}

/* SQLite gives the values sorted, but has not promised it. */
static void ranges_are_sorted(void **state)
{
    (void)state;
    static const char given[][2] = {{'m', 'p'}, {'c', 'c'}, {'b', 'd'}, {'x', 'x'}, {'o', 'o'},
                                    {'e', 'f'}, {'x', 'x'}, {'a', 'c'}, {'p', 'q'}};
    struct ranges ranges = {NULL, 0, 0};
    char merged[sizeof given + 1] = "";
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        struct range range = {.empty = false};
        range.lo[0] = (uint8_t)given[i][0];
        range.hi[0] = (uint8_t)given[i][1];
        assert_true(range_add(&ranges, &range));
    }
    ranges_merge(&ranges);
    for (size_t i = 0; i < ranges.count; i++) {
        merged[2 * i] = (char)ranges.range[i].lo[0];
        merged[2 * i + 1] = (char)ranges.range[i].hi[0];
    }
    assert_string_equal(merged, "adefmqxx");
    ranges_free(&ranges);
    ranges_merge(&ranges);
    assert_int_equal(ranges.count, 0);
}

/* A transaction changes rows of the list while a query of its own gives them. */
static void a_query_passes_changes_of_its_transaction(void **state)
{
    sqlite3 *sqlite = *state;
    for (int hash = 0; hash < 2; hash++) {
        sqlite3_stmt *query;
        char found[100] = "";
        size_t length = 0;
        runs(sqlite, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT)");
        runs(sqlite, hash ? "CREATE INDEX ta ON t USING HASH (a)" : "CREATE INDEX ta ON t(a)");
        runs(sqlite,
             "INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'x'), (3, 3, 'x'), (4, 3, 'x'), (5, 4, 'x'), (6, 5, 'x');"
             "BEGIN; UPDATE t SET b = 'y' WHERE id = 6");
        assert_int_equal(sqlite3_prepare_v2(sqlite, "SELECT id, b FROM t WHERE a IN (5, 4, 3, 1)", -1, &query, NULL),
                         SQLITE_OK);
        while (sqlite3_step(query) == SQLITE_ROW) {
            const int id = sqlite3_column_int(query, 0);
            length +=
                (size_t)snprintf(found + length, sizeof found - length, "%d%s ", id, sqlite3_column_text(query, 1));
            if (length == 3)
                runs(sqlite, "DELETE FROM t WHERE id IN (3, 1); UPDATE t SET a = 7 WHERE id = 5; UPDATE t SET b = 'z' "
                             "WHERE id = 4; INSERT INTO t VALUES (9, 2, 'x')");
        }
        assert_int_equal(sqlite3_finalize(query), SQLITE_OK);
        if (hash) { /* in an order that nobody has promised; what it began with it may also have been 3, 4, 5 or 6 */
            assert_true(strlen(found) > 0 && strstr(found, "9x") == NULL);
        } else {
            assert_string_equal(found, "1x 4z 6y ");
        }
        runs(sqlite, "COMMIT");
        assert_rows(sqlite, "4\n6\n", "SELECT id FROM t WHERE a IN (5, 4, 3, 1) ORDER BY +id");
        runs(sqlite, "DROP TABLE t");
    }
}

/* 1: it has succeeded; 0: a conflict, and the transaction is over. */
static int tried(sqlite3 *sqlite, const char *sql)
{
    int code = sql_run(sqlite, sql);
    if (code != SQLITE_OK) {
        assert_int_equal(code, SQLITE_BUSY_SNAPSHOT);
        if (!sqlite3_get_autocommit(sqlite))
            assert_sql(sqlite, "ROLLBACK");
    }
    return code == SQLITE_OK;
}

/* Of two transactions that each add what the other one has not found, one fails at least. */
static void lists_are_protected_against_phantoms(void **state)
{
    sqlite3 *sqlite = *state, *other = sql_connect("");
    for (int hash = 0; hash < 2; hash++) {
        runs(sqlite, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER)");
        runs(sqlite, hash ? "CREATE INDEX ta ON t USING HASH (a)" : "CREATE INDEX ta ON t(a)");
        runs(sqlite,
             "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 500) INSERT INTO t SELECT "
             "i, i * 2 FROM k");
        runs(other, "SELECT maemio_refresh()");
        int one = tried(sqlite, "BEGIN; INSERT INTO t SELECT 9998, 701 + 0 * count(*) FROM t WHERE a IN (2, 3, 501)");
        int two = tried(other, "BEGIN; INSERT INTO t SELECT 9999, 501 + 0 * count(*) FROM t WHERE a IN (4, 701, 801)");
        one = one && tried(sqlite, "COMMIT");
        two = two && tried(other, "COMMIT");
        assert_true(one + two < 2);
        runs(sqlite, "DROP TABLE t");
    }
    sql_close(other);
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, sql_open_one, sql_close_one)
    const struct CMUnitTest tests[] = {
        ONE(ordered_indexes_find_lists),
        ONE(hash_indexes_find_lists),
        ONE(a_list_may_be_of_any_column),
        ONE(lists_come_in_the_order_that_is_wanted),
        ONE(ranges_that_overlap_are_one),
        cmocka_unit_test(ranges_are_sorted),
        ONE(a_query_passes_changes_of_its_transaction),
        ONE(lists_are_protected_against_phantoms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
