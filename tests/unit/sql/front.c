/* front.c - statements that SQLite refuses for virtual tables: CREATE TABLE and INDEX, ALTER TABLE, ON CONFLICT. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/maemio_sql.h"
#include "tests/support/sql.h"

static void runs(sqlite3 *sqlite, const char *sql)
{
    char *error;
    if (mae_sql_exec(sqlite, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

static void refused(sqlite3 *sqlite, int code, const char *why, const char *sql)
{
    char *error;
    int found = mae_sql_exec(sqlite, sql, NULL, NULL, &error);
    if (found != code || error == NULL || strstr(error, why) == NULL)
        fail_msg("%s: %d: %s", sql, found, error != NULL ? error : "");
    sqlite3_free(error);
}

static int rows_count(void *arg, sqlite3_stmt *statement)
{
    *(int *)arg += sqlite3_column_int(statement, 0);
    return *(int *)arg > 100;
}

static void tables_are_created_in_the_engine(void **state)
{
    sqlite3 *sqlite = *state;
    int sum = 0;
    runs(sqlite,
         "-- a comment; with a semicolon\n;; CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v TEXT DEFAULT "
         "';') STRICT; CREATE TABLE IF NOT EXISTS maemio.t(id INTEGER PRIMARY KEY, v TEXT DEFAULT ';');"
         "INSERT INTO t(id) VALUES (1), (2)");
    assert_rows(sqlite, "1|;\n2|;\n", "SELECT * FROM maemio.t ORDER BY id");
    assert_int_equal(mae_sql_exec(sqlite, "SELECT id FROM t; SELECT 10", rows_count, &sum, NULL), SQLITE_OK);
    assert_int_equal(sum, 13);
    assert_int_equal(mae_sql_exec(sqlite, "SELECT 1000; SELECT 1", rows_count, &sum, NULL), SQLITE_ABORT);
    runs(sqlite,
         "CREATE TABLE main.m(a UNIQUE); INSERT INTO m VALUES (1) ON CONFLICT DO NOTHING; CREATE INDEX mi ON m(a);"
         "CREATE TEMP TABLE x(a); DROP INDEX mi; DROP TABLE m");
    runs(sqlite, "CREATE TABLE 'it''s'(a INTEGER); CREATE INDEX 'by a' ON 'it''s'(a); DROP INDEX [by a]; DROP TABLE "
                 "maemio.\"it's\"");
    refused(sqlite, SQLITE_ERROR, "unrecognized token", "DROP INDEX \"ta");
    refused(sqlite, SQLITE_ERROR, "already exists", "CREATE TABLE t(id INTEGER)");
    refused(sqlite, SQLITE_ERROR, "AS is not supported", "CREATE TABLE u AS SELECT 1");
    refused(sqlite, SQLITE_ERROR, "'WITHOUT ROWID' behind", "CREATE TABLE u(a INTEGER) WITHOUT ROWID");
    refused(sqlite, SQLITE_ERROR, "does not end", "CREATE TABLE u(a INTEGER");
    assert_sql(sqlite, "SELECT maemio_exec('CREATE TABLE u(a INTEGER); CREATE INDEX ui ON u(a)')");
    assert_rows(sqlite, "", "SELECT * FROM u");
    assert_int_equal(sql_run(sqlite, "SELECT maemio_exec('CREATE TABLE u(b INTEGER)')"), SQLITE_ERROR);
    assert_non_null(strstr(sql_error(), "already exists"));
    runs(sqlite, "DROP TABLE t; DROP TABLE u; CREATE TABLE t(b REAL); INSERT INTO t VALUES (1)");
    assert_rows(sqlite, "1.0\n", "SELECT * FROM t");
}

static void indexes_come_and_go_over_rows(void **state)
{
    sqlite3 *sqlite = *state, *other = sql_connect("");
    runs(sqlite,
         "CREATE TABLE t(a INTEGER, b TEXT); WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE "
         "i < 999) INSERT INTO t SELECT i % 100, 'x' || i FROM n");
    runs(sqlite, "CREATE INDEX ta ON t(a); CREATE UNIQUE INDEX tb ON t(b); CREATE INDEX IF NOT EXISTS ta ON t(b)");
    assert_rows(sqlite, "10\n", "SELECT count(*) FROM t WHERE a = 7");
    runs(other, "SELECT maemio_refresh(); DELETE FROM t WHERE a = 7; UPDATE t SET a = 7 WHERE b = 'x1'");
    assert_rows(sqlite, "x1\n", "SELECT b FROM t WHERE a = 7");
    refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "UNIQUE", "CREATE UNIQUE INDEX tu ON t(a)");
    refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.b", "INSERT INTO t VALUES (1, 'x2')");
    refused(sqlite, SQLITE_ERROR, "already exists", "CREATE INDEX ta ON t(b)");
    refused(sqlite, SQLITE_ERROR, "no column 'c'", "CREATE INDEX tc ON t(c)");
    refused(sqlite, SQLITE_ERROR, "no such index", "DROP INDEX tc");
    runs(sqlite, "BEGIN; DROP INDEX tb; INSERT INTO t VALUES (1, 'x2'); DELETE FROM t WHERE a = 5; ROLLBACK");
    refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.b", "INSERT INTO t VALUES (1, 'x2')");
    runs(sqlite, "BEGIN; DROP INDEX tb; DELETE FROM t WHERE a = 5; INSERT INTO t VALUES (1, 'x2'); COMMIT;"
                 "DROP INDEX ta; DROP INDEX IF EXISTS ta; CREATE INDEX ta ON t(a, b)");
    assert_rows(other, "x2\nx2\n", "SELECT b FROM t WHERE b = 'x2'");
    assert_rows(other, "972|49\n", "SELECT count(*), max(a) - 50 FROM t WHERE a <> 1 OR b = 'x2'");
    sql_close(other);
}

static void columns_come_and_go(void **state)
{
    sqlite3 *sqlite = *state, *other = sql_connect("");
    runs(sqlite,
         "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INTEGER, UNIQUE(b)); INSERT INTO t VALUES (1, 'x', 10), "
         "(2, 'y', 20)");
    runs(other, "SELECT maemio_refresh()");
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(other, "SELECT * FROM t ORDER BY id", -1, &statement, NULL), SQLITE_OK);
    runs(sqlite, "ALTER TABLE t ADD COLUMN c REAL; ALTER TABLE t ADD d TEXT NOT NULL DEFAULT 'd'");
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_count(statement), 5);
    assert_string_equal(sqlite3_column_text(statement, 4), "d");
    sqlite3_finalize(statement);
    runs(sqlite, "ALTER TABLE t DROP COLUMN a; ALTER TABLE t RENAME b TO bb; ALTER TABLE t RENAME COLUMN c TO cc; "
                 "INSERT INTO t(bb, cc) VALUES (30, 1)");
    assert_rows(sqlite, "1|10||d\n2|20||d\n3|30|1.0|d\n", "SELECT id, bb, cc, d FROM t ORDER BY id");
    assert_rows(other, "1|10||d\n", "SELECT * FROM t ORDER BY id LIMIT 1");
    assert_rows(other, "2|20||d\n", "SELECT * FROM t WHERE bb = 20");
    refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.bb", "INSERT INTO t(bb) VALUES (20)");
    refused(sqlite, SQLITE_ERROR, "in an index", "ALTER TABLE t DROP COLUMN bb");
    refused(sqlite, SQLITE_ERROR, "NOT NULL", "ALTER TABLE t ADD e TEXT NOT NULL");
    refused(sqlite, SQLITE_ERROR, "cannot be a key", "ALTER TABLE t ADD e TEXT UNIQUE");
    refused(sqlite, SQLITE_ERROR, "duplicate", "ALTER TABLE t RENAME cc TO d");
    refused(sqlite, SQLITE_ERROR, "no such column", "ALTER TABLE t DROP COLUMN zz");
    runs(sqlite, "BEGIN; SAVEPOINT s; ALTER TABLE t DROP COLUMN cc; UPDATE t SET d = 'z'; ROLLBACK TO s; "
                 "UPDATE t SET cc = cc; COMMIT; BEGIN; ALTER TABLE t DROP COLUMN cc; UPDATE t SET d = 'z'; ROLLBACK");
    assert_rows(sqlite, "3|30|1.0|d\n", "SELECT * FROM t WHERE cc = 1");
    runs(sqlite, "ALTER TABLE t RENAME TO u; DELETE FROM u WHERE id = 1; DROP TABLE u");
    sql_close(other);
}

/* It must not begin again: its first rows have been given. */
static void a_query_ends_whose_table_the_connection_changes(void **state)
{
    sqlite3 *sqlite = *state;
    static const char *const queries[] = {"SELECT a, b FROM t CROSS JOIN u WHERE b > a",
                                          "SELECT a FROM t UNION ALL SELECT b FROM u"};
    runs(sqlite, "CREATE TABLE t(a INTEGER); CREATE TABLE u(b INTEGER); INSERT INTO t VALUES (1), (2), (3);"
                 "INSERT INTO u VALUES (10), (20)");
    for (int i = 0; i < 4; i++) {
        sqlite3_stmt *statement;
        runs(sqlite, i % 2 == 0 ? "" : "BEGIN");
        assert_int_equal(sqlite3_prepare_v2(sqlite, queries[i / 2], -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        runs(sqlite, "ALTER TABLE u ADD COLUMN c INTEGER");
        int code, rows = 1;
        while ((code = sqlite3_step(statement)) == SQLITE_ROW)
            rows++;
        assert_int_equal(code, SQLITE_ABORT);
        assert_int_equal(rows, i < 2 ? 2 : 3);
        assert_int_equal(sqlite3_reset(statement), SQLITE_ABORT);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        sqlite3_finalize(statement);
        runs(sqlite, i % 2 == 0 ? "ALTER TABLE u DROP COLUMN c" : "ROLLBACK");
    }
}

static void views_are_in_the_catalogue(void **state)
{
    sqlite3 *sqlite = *state, *other = sql_connect("");
    runs(sqlite, "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y')");
    runs(sqlite, "CREATE VIEW w(n, b) AS SELECT v.id * 10, v.a FROM v -- not made yet\n;"
                 "CREATE VIEW IF NOT EXISTS maemio.v AS SELECT * FROM t WHERE id > 1;"
                 "CREATE VIEW IF NOT EXISTS v AS SELECT 1");
    assert_rows(sqlite, "20|y\n", "SELECT * FROM w");
    runs(other, "SELECT n FROM w");
    assert_rows(other, "20|y\n", "SELECT n, b FROM w");
    refused(other, SQLITE_ERROR, "view v already exists", "CREATE VIEW v AS SELECT 1");
    refused(other, SQLITE_ERROR, "table t already exists", "CREATE VIEW t AS SELECT 1");
    refused(other, SQLITE_ERROR, "already exists", "CREATE TABLE v(a INTEGER)");
    refused(other, SQLITE_ERROR, "syntax error", "CREATE VIEW u AS SELEC 1");
    refused(other, SQLITE_ERROR, "parameters are not allowed", "CREATE VIEW u AS SELECT ?");
    refused(other, SQLITE_ERROR, "cannot reference objects", "CREATE VIEW u AS SELECT * FROM main.t");
    refused(other, SQLITE_ERROR, "no such view: u", "DROP VIEW u");
    refused(other, SQLITE_ERROR, "use DROP TABLE", "DROP VIEW t");
    refused(other, SQLITE_ERROR, "", "INSERT INTO v VALUES (1, 'z')");
    runs(sqlite, "BEGIN; DROP VIEW v; CREATE VIEW v AS SELECT 7 AS id, a FROM t; SAVEPOINT s; DROP VIEW IF EXISTS w");
    refused(sqlite, SQLITE_ERROR, "no such table: w", "SELECT * FROM w");
    runs(sqlite, "ROLLBACK TO s");
    assert_rows(sqlite, "70|x\n70|y\n", "SELECT * FROM w ORDER BY b");
    runs(sqlite, "ROLLBACK");
    assert_rows(sqlite, "20|y\n", "SELECT * FROM w");
    runs(sqlite, "BEGIN; CREATE VIEW u AS SELECT 1; ROLLBACK");
    refused(sqlite, SQLITE_ERROR, "no such table: u", "SELECT * FROM u");
    runs(sqlite,
         "DROP VIEW IF EXISTS u; DROP VIEW IF EXISTS w; CREATE VIEW main.m AS SELECT 5; DROP VIEW m; DROP VIEW v;"
         "CREATE VIEW v AS SELECT count(*) AS c FROM t");
    /* The statement was prepared with the view that was there before. */
    assert_rows(other, "2\n", "SELECT * FROM v");
    refused(other, SQLITE_ERROR, "no such table: w", "SELECT * FROM w");
    /* Its text ends as that of the view before. */
    runs(sqlite, "DROP VIEW v; CREATE VIEW v(d) AS SELECT count(*) AS c FROM t");
    runs(other, "SELECT maemio_refresh(); SELECT d FROM v");
    runs(sqlite, "DROP VIEW v; CREATE VIEW v AS SELECT count(*) AS c FROM t");
    runs(other, "SELECT maemio_refresh(); SELECT c FROM v");
    sql_close(other);
}

/* SQLite changes the views of its schema, and the catalogue's must be the same. */
static void views_follow_when_a_table_gets_another_name(void **state)
{
    sqlite3 *sqlite = *state, *other = sql_connect("");
    runs(sqlite, "CREATE TABLE t(a INTEGER); INSERT INTO t VALUES (5); CREATE VIEW v AS SELECT t.a FROM t;"
                 "CREATE VIEW w AS SELECT a + 1 FROM v");
    runs(other, "SELECT * FROM v");
    runs(sqlite, "ALTER TABLE t RENAME TO u");
    assert_rows(sqlite, "6\n", "SELECT * FROM w");
    runs(other, "SELECT maemio_refresh()");
    assert_rows(other, "6\n", "SELECT * FROM w");
    runs(other, "BEGIN; ALTER TABLE u RENAME TO x");
    assert_rows(other, "5\n", "SELECT * FROM v");
    runs(other, "ROLLBACK");
    assert_rows(other, "5\n", "SELECT * FROM v");
    runs(sqlite, "ALTER TABLE u RENAME TO z");
    assert_rows(other, "5\n", "SELECT * FROM v"); /* the view is another one, and its table has another name */
    runs(sqlite, "ALTER TABLE z RENAME TO u; DROP VIEW w");
    assert_rows(sqlite, "5\n", "SELECT * FROM v");
    runs(other, "SELECT * FROM v; SELECT maemio_refresh()");
    runs(sqlite, "DROP VIEW v; CREATE VIEW v AS SELECT a FROM u");
    assert_int_equal(sql_run(other, "ALTER TABLE u RENAME TO y"), SQLITE_ERROR); /* it does not know of that */
    runs(other, "ALTER TABLE u RENAME TO y");
    assert_rows(other, "5\n", "SELECT * FROM v");
    /* What SQLite itself creates, drops and renames leaves its names as they should be. */
    assert_sql(other, "CREATE VIRTUAL TABLE maemio.n USING maemio(b TEXT); ALTER TABLE n RENAME TO m;"
                      "ALTER TABLE y RENAME TO u; DROP TABLE m; ALTER TABLE u RENAME TO y");
    assert_sql(other, "BEGIN; CREATE VIRTUAL TABLE maemio.n USING maemio(b TEXT); SAVEPOINT s;"
                      "ALTER TABLE n RENAME TO m; ROLLBACK TO s; SELECT * FROM n; SELECT * FROM v; COMMIT");
    assert_rows(other, "5\n", "SELECT * FROM v");
    assert_sql(sqlite, "SELECT maemio_refresh()");
    assert_rows(sqlite, "5\n", "SELECT v.a FROM v, y");
    sql_close(other);
}

static void a_row_that_is_there_is_updated_instead(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite, "CREATE TABLE t(k TEXT PRIMARY KEY, n INTEGER DEFAULT 1 CHECK (n < 100), u INTEGER UNIQUE)");
    for (int i = 0; i < 3; i++)
        runs(sqlite, "INSERT INTO t(k) VALUES ('a'), ('b'), ('a') ON CONFLICT (k) DO UPDATE SET n = n + excluded.n");
    assert_rows(sqlite, "a|6\nb|3\n", "SELECT k, n FROM t ORDER BY k");
    runs(sqlite, "INSERT INTO t(k, n) SELECT k, 40 FROM t WHERE true ON CONFLICT(k) DO UPDATE SET n = excluded.n, u = "
                 "length(t.k) WHERE k = 'b' OR excluded.k = 'c';");
    assert_rows(sqlite, "a|6|\nb|40|1\n", "SELECT * FROM t ORDER BY k");
    runs(sqlite, "INSERT INTO t VALUES ('a', 1, 9), ('z', 2, 1), ('c', 3, 3) ON CONFLICT DO NOTHING");
    assert_rows(sqlite, "a|6|\nb|40|1\nc|3|3\n", "SELECT * FROM t ORDER BY k");
    refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.u", "INSERT INTO t VALUES ('x', 1, 3) ON CONFLICT (k) DO NOTHING");
    refused(sqlite, SQLITE_CONSTRAINT_CHECK, "n < 100",
            "INSERT INTO t VALUES ('a', 1, 30) ON CONFLICT (k) DO UPDATE SET n = 100");
    refused(sqlite, SQLITE_ERROR, "no such column",
            "INSERT INTO t(k) VALUES ('a') ON CONFLICT DO UPDATE SET n = "
            "excluded.q");
    refused(sqlite, SQLITE_ERROR, "RETURNING",
            "INSERT INTO t(k) VALUES ('a') ON CONFLICT (k) DO UPDATE SET n = 1 RETURNING n");
    refused(sqlite, SQLITE_ERROR, "DO NOTHING or", "INSERT INTO t(k) VALUES ('a') ON CONFLICT (k) DO");
    runs(sqlite, "BEGIN; INSERT INTO t VALUES ('a', 1, 1) ON CONFLICT (k) DO UPDATE SET n = 7; ROLLBACK");
    assert_rows(sqlite, "6\n", "SELECT n FROM t WHERE k = 'a'");
    runs(sqlite, "CREATE TABLE i(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO i VALUES (1, 'x') ON CONFLICT (id) DO "
                 "NOTHING; INSERT INTO i VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET v = v || excluded.v");
    assert_rows(sqlite, "1|xy\n", "SELECT * FROM i");
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, sql_open_one, sql_close_one)
    const struct CMUnitTest tests[] = {
        ONE(tables_are_created_in_the_engine),
        ONE(indexes_come_and_go_over_rows),
        ONE(columns_come_and_go),
        ONE(a_query_ends_whose_table_the_connection_changes),
        ONE(views_are_in_the_catalogue),
        ONE(views_follow_when_a_table_gets_another_name),
        ONE(a_row_that_is_there_is_updated_instead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
