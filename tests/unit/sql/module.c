/*
 * module.c - tables and statements of one connection, and what another one sees of them: types, constraints, indexes,
 * changes of the schema. tests/unit/sql/isolation.c has transactions.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/maemio_sql.h"
#include "tests/support/disk.h"
#include "tests/support/sql.h"

static void assert_refused(sqlite3 *sqlite, int code, const char *why, const char *sql)
{
    int found = sql_run(sqlite, sql);
    if (found != code || strstr(sql_error(), why) == NULL)
        fail_msg("%s: %d: %s", sql, found, sql_error());
}

static void values_are_converted_as_in_strict_tables(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(i INTEGER, r REAL, t TEXT, b BLOB, a ANY)");
    assert_sql(sqlite, "INSERT INTO t VALUES ('12', 3, 4.5, x'00ff', '7'), (13.0, '2.5', 9, x'', 7), (NULL, NULL, "
                       "NULL, NULL, NULL)");
    assert_rows(sqlite,
                "12|integer|3.0|real|4.5|text|blob|text\n13|integer|2.5|real|9|text|blob|integer\n"
                "|null||null||null|null|null\n",
                "SELECT i, typeof(i), r, typeof(r), t, typeof(t), typeof(b), typeof(a) FROM t ORDER BY rowid");
    assert_refused(sqlite, SQLITE_CONSTRAINT_DATATYPE, "TEXT value in INTEGER column t.i",
                   "INSERT INTO t(i) VALUES ('x')");
    assert_refused(sqlite, SQLITE_CONSTRAINT_DATATYPE, "REAL value in INTEGER", "INSERT INTO t(i) VALUES (1.5)");
    assert_refused(sqlite, SQLITE_CONSTRAINT_DATATYPE, "BLOB value in TEXT", "INSERT INTO t(t) VALUES (x'00')");
    assert_refused(sqlite, SQLITE_CONSTRAINT_DATATYPE, "INTEGER value in BLOB", "INSERT INTO t(b) VALUES (1)");
    assert_refused(sqlite, SQLITE_TOOBIG, "a row of", "INSERT INTO t(b) VALUES (zeroblob(70000))");
}

static void constraints_hold(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(id INTEGER PRIMARY KEY, n TEXT NOT NULL DEFAULT "
                       "'none', v INTEGER DEFAULT (1 + 2) CHECK (v > 0), u TEXT UNIQUE, CHECK (v < id * 100))");
    assert_sql(sqlite, "INSERT INTO t(id) VALUES (1); INSERT INTO t(u, v) VALUES ('a', 5)");
    assert_rows(sqlite, "1|none|3|\n2|none|5|a\n", "SELECT * FROM t ORDER BY id");
    assert_refused(sqlite, SQLITE_CONSTRAINT_CHECK, "CHECK constraint failed: v > 0", "UPDATE t SET v = 0");
    assert_refused(sqlite, SQLITE_CONSTRAINT_CHECK, "v < id * 100", "UPDATE t SET v = 150");
    assert_refused(sqlite, SQLITE_CONSTRAINT_NOTNULL, "t.n", "UPDATE t SET n = NULL");
    assert_refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.u", "INSERT INTO t(u) VALUES ('a')");
    assert_refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.u", "UPDATE t SET u = 'a'");
    assert_refused(sqlite, SQLITE_CONSTRAINT_PRIMARYKEY, "t.id", "UPDATE t SET id = 2 WHERE id = 1");
    assert_rows(sqlite, "1|none|3|\n2|none|5|a\n", "SELECT * FROM t ORDER BY id");
    assert_sql(sqlite, "INSERT OR IGNORE INTO t(u) VALUES ('a'), ('b')");
    assert_sql(sqlite, "INSERT OR REPLACE INTO t(id, u) VALUES (1, 'a')");
    assert_rows(sqlite, "1|a\n3|b\n", "SELECT id, u FROM t ORDER BY id");
    assert_sql(sqlite, "UPDATE t SET id = 7 WHERE u = 'a'");
    assert_rows(sqlite, "7|a\n", "SELECT id, u FROM t WHERE id > 4");
}

/* Rowids and rows are mostly as far from each other as for the last ones; here they are not. */
static void rowids_out_of_order_are_found(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(id INTEGER PRIMARY KEY, v INTEGER)");
    assert_sql(sqlite, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (10, 10), (5, 5), (6, 6), (-7, -7)");
    assert_rows(sqlite, "1\n", "SELECT v FROM t WHERE id = 1");
    assert_rows(sqlite, "2\n", "SELECT v FROM t WHERE id = 2");
    assert_rows(sqlite, "", "SELECT v FROM t WHERE id = 4");
    assert_rows(sqlite, "5\n", "SELECT v FROM t WHERE id = 5");
    assert_rows(sqlite, "6\n", "SELECT v FROM t WHERE id = 6");
    assert_rows(sqlite, "-7\n", "SELECT v FROM t WHERE id = -7");
    assert_rows(sqlite, "10\n", "SELECT v FROM t WHERE id = 10");
    assert_sql(sqlite, "BEGIN; DELETE FROM t WHERE id = 2; UPDATE t SET id = 2 WHERE id = 3");
    assert_rows(sqlite, "3\n", "SELECT v FROM t WHERE id = 2");
    assert_rows(sqlite, "", "SELECT v FROM t WHERE id = 3");
    assert_sql(sqlite, "ROLLBACK");
    assert_rows(sqlite, "3\n", "SELECT v FROM t WHERE id = 3");
}

/* Beginnings of texts and of more columns than keys hold are tested on the rows. */
static void long_values_are_told_apart(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(a TEXT, b TEXT, c BLOB, PRIMARY KEY(a, b, c))");
    assert_sql(sqlite, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) INSERT INTO t "
                       "SELECT printf('%.50c', 'a'), printf('%.30c', 'b') || i, CAST(i AS BLOB) FROM n");
    assert_rows(sqlite, "1|50\n", "SELECT count(*), length(a) FROM t WHERE b = printf('%.30c', 'b') || 17");
    assert_rows(sqlite, "100\n", "SELECT count(*) FROM t WHERE a = printf('%.50c', 'a')");
    assert_rows(sqlite, "11\n", "SELECT count(*) FROM t WHERE a > 'a' AND b LIKE '%b1%'");
    assert_rows(sqlite, "0\n", "SELECT count(*) FROM t WHERE a = 'a'");
    assert_refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.a, t.b, t.c",
                   "INSERT INTO t SELECT * FROM t WHERE b LIKE '%b5'");
    assert_sql(sqlite, "INSERT INTO t SELECT a, b || char(0), c FROM t WHERE b LIKE '%b5'");
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.s USING maemio(a TEXT, INDEX by_a(a));"
                       "INSERT INTO s VALUES (printf('%.80c', 'a') || 2), (printf('%.80c', 'a') || 1)");
    assert_rows(sqlite, "1\n2\n", "SELECT substr(a, 81) FROM s WHERE a > 'a' ORDER BY a");
}

static void indexes_lose_no_row(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(i INTEGER, r REAL, s TEXT, INDEX by_i(i, r), INDEX "
                       "by_r(r), INDEX by_s(s))");
    assert_sql(sqlite, "INSERT INTO t VALUES (1, 1.5, 'a'), (2, -0.0, 'A'), (3, 1e300, '3'), (NULL, NULL, NULL), "
                       "(-9223372036854775808, -1e300, 'b'), (9223372036854775807, 9007199254740993, 'b')");
    assert_rows(sqlite, "2\n3\n", "SELECT i FROM t WHERE i > 1.5 AND i < 3.5 ORDER BY i");
    assert_rows(sqlite, "2\n", "SELECT i FROM t WHERE r = 0");
    assert_rows(sqlite, "1\n", "SELECT i FROM t WHERE i = '1'");
    assert_rows(sqlite, "", "SELECT i FROM t WHERE i = 'x'");
    assert_rows(sqlite, "5\n", "SELECT count(*) FROM t WHERE i < 'x'");
    assert_rows(sqlite, "", "SELECT i FROM t WHERE i = NULL");
    assert_rows(sqlite, "1\n2\n", "SELECT i FROM t WHERE s = 'a' COLLATE NOCASE ORDER BY i");
    assert_rows(sqlite, "3\n", "SELECT i FROM t WHERE s = 3");
    assert_rows(sqlite, "1\n", "SELECT count(*) FROM t WHERE r >= 9007199254740992 AND r < 1e17");
    assert_rows(sqlite, "", "SELECT i FROM t WHERE i > 9223372036854775807 OR rowid < -9223372036854775808");
    assert_rows(sqlite, "", "SELECT i FROM t WHERE i < -9223372036854775808 OR rowid > 9223372036854775807");
    assert_rows(sqlite, "3\n2\n1\n", "SELECT i FROM t WHERE i IN (1, 2, 3) ORDER BY i DESC");
    assert_rows(sqlite, "6\n", "SELECT count(*) FROM t WHERE i IS NULL OR i < 4 OR i > 5");
    assert_sql(sqlite, "UPDATE t SET i = i + 10 WHERE i IN (1, 2)");
    assert_rows(sqlite, "3\n11\n12\n", "SELECT i FROM t WHERE i BETWEEN 0 AND 99");
}

static void texts_are_compared_by_their_collation(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite,
               "CREATE VIRTUAL TABLE maemio.t USING maemio(a TEXT COLLATE NOCASE PRIMARY KEY, b TEXT COLLATE RTRIM, "
               "c TEXT CHECK (c <> b AND a <> 'NEVER'), INDEX by_b(b), INDEX by_c(c), INDEX by_c_nocase(c COLLATE "
               "NOCASE), INDEX by_a(a COLLATE BINARY))");
    assert_sql(sqlite, "INSERT INTO t VALUES ('Ann', 'x', 'P'), ('BOB', 'x  ', 'p'), ('cid', ' x', 'Q')");
    assert_refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.a", "INSERT INTO t(a) VALUES ('ANN')");
    assert_refused(sqlite, SQLITE_CONSTRAINT_CHECK, "NEVER", "INSERT INTO t VALUES ('never', '', 'c')");
    assert_rows(sqlite, "Ann\n", "SELECT a FROM t WHERE a = 'aNN'");
    assert_rows(sqlite, "", "SELECT a FROM t WHERE a = 'aNN' COLLATE BINARY");
    assert_rows(sqlite, "Ann\n", "SELECT a FROM t WHERE a = 'Ann' COLLATE BINARY");
    assert_rows(sqlite, "Ann\nBOB\n", "SELECT a FROM t WHERE a < 'C' ORDER BY a");
    assert_rows(sqlite, "BOB\ncid\n", "SELECT a FROM t WHERE a >= 'bob' ORDER BY a");
    assert_rows(sqlite, "Ann\nBOB\n", "SELECT a FROM t WHERE b = 'x ' ORDER BY a");
    assert_rows(sqlite, "Ann\n", "SELECT a FROM t WHERE b COLLATE BINARY = 'x'");
    assert_rows(sqlite, "Ann\n", "SELECT a FROM t WHERE c = 'P'");
    assert_rows(sqlite, "Ann\nBOB\n", "SELECT a FROM t WHERE c = 'p' COLLATE NOCASE ORDER BY a");
    assert_rows(sqlite, "BOB\ncid\n", "SELECT a FROM t WHERE a IN ('bob', 'CID', 'dan') ORDER BY a");
    assert_sql(sqlite, "INSERT OR REPLACE INTO t VALUES ('ANN', 'y', 'R'); UPDATE t SET a = 'bob' WHERE a = 'BOB'");
    assert_rows(sqlite, "ANN|R\nbob|p\ncid|Q\n", "SELECT a, c FROM t ORDER BY a");
    assert_rows(sqlite, "bob\n", "SELECT a FROM t WHERE a = 'bob' COLLATE BINARY");
}

static void rows_come_in_the_order_that_is_wanted(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(i INTEGER, r REAL, INDEX by_i(i, r))");
    assert_sql(sqlite, "INSERT INTO t VALUES (1, 1), (2, 1), (1, 2), (NULL, 3), (2, NULL)");
    assert_rows(sqlite, "|3.0\n1|1.0\n1|2.0\n2|\n2|1.0\n", "SELECT * FROM t ORDER BY i, r");
    assert_rows(sqlite, "2|1.0\n2|\n1|2.0\n1|1.0\n|3.0\n", "SELECT * FROM t ORDER BY i DESC, r DESC");
    assert_rows(sqlite, "|3.0\n1|2.0\n1|1.0\n2|1.0\n2|\n", "SELECT * FROM t ORDER BY i, r DESC");
    assert_rows(sqlite, "1|1.0\n1|2.0\n2|\n2|1.0\n|3.0\n", "SELECT * FROM t ORDER BY i NULLS LAST, r");
    assert_rows(sqlite, "1|2.0\n1|1.0\n2|1.0\n2|\n", "SELECT * FROM t WHERE i > 0 ORDER BY i, r DESC");
    assert_rows(sqlite, "2|1.0\n2|\n1|2.0\n1|1.0\n", "SELECT * FROM t WHERE i > 0 ORDER BY i DESC, r DESC");
    assert_rows(sqlite, "2.0\n1.0\n", "SELECT r FROM t WHERE i = 1 ORDER BY r DESC");
    /* A text that is compared with a number may have several keys. */
    assert_sql(sqlite,
               "CREATE VIRTUAL TABLE maemio.s USING maemio(n TEXT, i INTEGER, r REAL, INDEX by_n(n, i, r));"
               "INSERT INTO s VALUES ('1', 9, 1), ('1.0', 3, 2), ('01', 6, 3), ('1', 6, 4), ('x', 0, 0), ('y', 1, "
               "0), (NULL, 2, 0)");
    assert_rows(sqlite, "3\n6\n6\n9\n", "SELECT i FROM s WHERE n = (SELECT i FROM t WHERE r = 2) ORDER BY i");
    assert_rows(sqlite, "9|1.0\n6|4.0\n6|3.0\n3|2.0\n",
                "SELECT i, r FROM s WHERE n = (SELECT i FROM t WHERE r = 2) ORDER BY i DESC, r DESC");
    assert_rows(sqlite, "3.0\n4.0\n", "SELECT r FROM s WHERE n = (SELECT i FROM t WHERE r = 2) AND i = 6 ORDER BY r");
    assert_rows(sqlite, "6\n9\n", "SELECT i FROM s WHERE n = 1 ORDER BY i");
    assert_rows(sqlite, "", "SELECT i FROM s WHERE n = x'31' ORDER BY i");
}

/* Also when the table gets another definition, and has the first one again. */
static void rowids_of_deleted_rows_are_not_given_out(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(a INTEGER); INSERT INTO t VALUES (1), (2), (3);"
                       "DELETE FROM t WHERE rowid = 3; SELECT maemio_exec('CREATE INDEX i ON t(a)');"
                       "INSERT INTO t VALUES (4)");
    assert_rows(sqlite, "1|1\n2|1\n4|0\n", "SELECT a, rowid <= 3 FROM t ORDER BY a");
    assert_sql(sqlite, "INSERT INTO t(rowid) VALUES (1000); DELETE FROM t WHERE rowid = 1000;"
                       "SELECT maemio_exec('DROP INDEX i'); INSERT INTO t VALUES (5)");
    assert_rows(sqlite, "0\n", "SELECT rowid <= 1000 FROM t WHERE a = 5");
}

static void rowids_begin_again_behind_the_largest(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(id INTEGER PRIMARY KEY, a INTEGER);"
                       "INSERT INTO t VALUES (9223372036854775807, 1); SELECT maemio_exec('CREATE INDEX i ON t(a)');"
                       "INSERT INTO t(a) VALUES (2), (3)");
    assert_rows(sqlite, "-9223372036854775808|2\n-9223372036854775807|3\n9223372036854775807|1\n",
                "SELECT * FROM t ORDER BY id");
}

static void lists_of_rowids_are_taken_as_a_whole(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(id INTEGER PRIMARY KEY, v TEXT);"
                       "WITH RECURSIVE n(i) AS (SELECT -100 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO t "
                       "SELECT i, 'v' || i FROM n WHERE i % 2 = 0");
    assert_rows(sqlite, "-4\n2\n8\n20\n",
                "SELECT id FROM t WHERE id IN (8, 2, 20, 3, -4, 2.0, '8', 2.5, 'x', NULL, "
                "x'32', 1e300) ORDER BY id");
    assert_rows(sqlite, "20\n8\n2\n-4\n", "SELECT id FROM t WHERE rowid IN (8, 2, 20, 3, -4) ORDER BY id DESC");
    assert_rows(sqlite, "", "SELECT id FROM t WHERE id IN (NULL, 'a', 1)");
    assert_rows(sqlite, "2|0|0|SCAN t VIRTUAL TABLE INDEX 0:i\n",
                "EXPLAIN QUERY PLAN SELECT v FROM t WHERE id IN (2, 4)");
    assert_rows(sqlite, "v4\n", "SELECT v FROM t WHERE id IN (2, 4, 6) AND v IN ('v4', 'v8')");
    assert_rows(sqlite, "176|13200\n",
                "SELECT count(*), sum(id) FROM t WHERE id IN (SELECT 200 - id FROM t WHERE id "
                "BETWEEN -50 AND 348)");
    assert_rows(sqlite, "2|2\n4|\n",
                "SELECT a.id, b.id FROM t AS a LEFT JOIN t AS b ON b.id IN (a.id / 2 + 1, 7) AND "
                "b.id % 4 = 2 WHERE a.id IN (2, 4) ORDER BY a.id");
    assert_sql(sqlite, "BEGIN; UPDATE t SET id = id + 1 WHERE id IN (6, 4, 2, 0); DELETE FROM t WHERE id IN (3, 4, 5)");
    assert_rows(sqlite, "1\n7\n", "SELECT id FROM t WHERE id IN (0, 1, 2, 3, 4, 5, 6, 7) ORDER BY id");
    assert_sql(sqlite, "COMMIT");
}

static void another_connection_follows_the_schema(void **state)
{
    sqlite3 *one = *state, *two = sql_connect("");
    assert_sql(one, "CREATE VIRTUAL TABLE maemio.t USING maemio(a INTEGER); INSERT INTO t VALUES (1)");
    assert_int_equal(sql_run(two, "SELECT * FROM t"), SQLITE_ERROR);
    assert_sql(two, "SELECT maemio_refresh()");
    assert_rows(two, "1\n", "SELECT * FROM t");
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(two, "SELECT * FROM t", -1, &statement, NULL), SQLITE_OK);
    assert_sql(one, "CREATE VIRTUAL TABLE maemio.u USING maemio(b TEXT); INSERT INTO u VALUES ('x')");
    assert_rows(two, "1\n", "SELECT * FROM t");
    assert_rows(two, "x\n", "SELECT * FROM u");
    assert_sql(one, "ALTER TABLE t RENAME TO v");
    assert_int_not_equal(sqlite3_step(statement), SQLITE_ROW);
    sqlite3_finalize(statement);
    assert_rows(two, "1\n", "SELECT * FROM v");
    assert_sql(two, "BEGIN; DROP TABLE v; ROLLBACK");
    assert_rows(one, "1\n", "SELECT * FROM v");
    assert_sql(two, "DROP TABLE v");
    assert_refused(one, SQLITE_ERROR, "no such table", "SELECT * FROM v");
    assert_sql(one, "SELECT maemio_refresh(); CREATE VIRTUAL TABLE maemio.v USING maemio(z REAL)");
    assert_rows(one, "", "SELECT z FROM v");
    assert_sql(two, "SELECT maemio_refresh(); INSERT INTO v VALUES (2)");
    assert_rows(one, "2.0\n", "SELECT z FROM v");
    sql_close(two);
}

#define NAMES "SELECT name FROM maemio.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'maemio%' ORDER BY 1"

/* Also where SQLite has disconnected the tables meanwhile, and connects again before it drops one. */
static void names_that_have_gone_are_forgotten(void **state)
{
    sqlite3 *one = *state, *two = sql_connect("");
    assert_sql(one, "SELECT maemio_exec('CREATE TABLE t(a INTEGER); CREATE TABLE u(a INTEGER)')");
    assert_sql(two, "SELECT maemio_refresh(); PRAGMA writable_schema=RESET");
    assert_sql(one, "ALTER TABLE u RENAME TO v; DROP TABLE t");
    assert_sql(two, "SELECT maemio_refresh()");
    assert_rows(two, "v\n", NAMES);
    sql_close(two);
}

/* SQLite compares texts by their bytes, which in UTF-16 have another order than those of the keys. */
static void a_connection_with_another_encoding_is_refused(void **state)
{
    sqlite3 *sqlite;
    char *error = NULL;
    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    assert_int_equal(sql_run(sqlite, "PRAGMA encoding = 'UTF-16le'"), SQLITE_OK);
    assert_int_equal(mae_sql_attach(sqlite, "", &error), SQLITE_ERROR);
    assert_non_null(strstr(error, "must be UTF-8"));
    sqlite3_free(error);
    sql_close(sqlite);
}

static void names_that_a_rollback_takes_back_are_made_again(void **state)
{
    sqlite3 *one = *state, *two = sql_connect("");
    assert_sql(one, "CREATE VIRTUAL TABLE maemio.t USING maemio(a INTEGER)");
    assert_sql(two, "BEGIN; SELECT maemio_refresh(); SELECT * FROM t; ROLLBACK");
    assert_sql(two, "BEGIN; SELECT maemio_refresh(); ROLLBACK; SELECT maemio_refresh(); SELECT * FROM t");
    assert_sql(one, "DROP TABLE t; CREATE VIRTUAL TABLE maemio.u USING maemio(a INTEGER)");
    assert_sql(two, "BEGIN; SAVEPOINT s; SELECT maemio_refresh(); ROLLBACK TO s; SELECT maemio_refresh();"
                    "SELECT * FROM u; COMMIT");
    assert_rows(two, "u\n", NAMES);
    assert_sql(one, "SELECT maemio_exec('CREATE VIEW v AS SELECT a FROM u')");
    assert_sql(two, "BEGIN; SELECT maemio_refresh(); ROLLBACK; SELECT maemio_refresh(); SELECT * FROM v");
    sql_close(two);
}

static void a_table_that_has_changed_can_be_dropped(void **state)
{
    sqlite3 *one = *state, *two = sql_connect("");
    assert_sql(one, "SELECT maemio_exec('CREATE TABLE t(a INTEGER); CREATE TABLE u(a INTEGER)')");
    assert_sql(two, "SELECT maemio_refresh(); SELECT * FROM t; SELECT * FROM u");
    assert_sql(one, "ALTER TABLE t RENAME TO v; DROP TABLE v; SELECT maemio_exec('ALTER TABLE u ADD COLUMN b TEXT')");
    assert_sql(two, "DROP TABLE u");
    assert_sql(one, "SELECT maemio_refresh()");
    assert_rows(one, "", NAMES);
    assert_sql(one, "SELECT maemio_exec('CREATE TABLE t(a INTEGER)'); BEGIN; ALTER TABLE t RENAME TO v; ROLLBACK");
    assert_sql(one,
               "BEGIN; ALTER TABLE t RENAME TO v; INSERT INTO v VALUES (1); ALTER TABLE v RENAME TO w; DROP TABLE w;"
               "COMMIT");
    assert_rows(one, "", NAMES);
    assert_sql(two, "SELECT maemio_refresh()");
    assert_rows(two, "", NAMES);
    assert_sql(two, "SELECT maemio_exec('CREATE TABLE t(a INTEGER)'); INSERT INTO t VALUES (1); BEGIN; DROP TABLE t;"
                    "SELECT maemio_exec('CREATE TABLE t(b TEXT)'); COMMIT; DROP TABLE t");
    sqlite3 *three = sql_connect("");
    assert_rows(three, "", NAMES);
    sql_close(three);
    sql_close(two);
}

static void another_database_has_its_own_tables(void **state)
{
    sqlite3 *sqlite = *state;
    disk_open();
    assert_sql(sqlite, "SELECT maemio_exec('CREATE TABLE t(a INTEGER); CREATE TABLE u(a INTEGER)');"
                       "INSERT INTO t VALUES (1)");
    assert_sql(sqlite, "SELECT maemio_open('/sql')");
    assert_rows(sqlite, "", NAMES);
    assert_sql(sqlite, "SELECT maemio_exec('CREATE TABLE t(b TEXT, c TEXT)'); INSERT INTO t VALUES ('x', 'y')");
    assert_rows(sqlite, "x|y\n", "SELECT * FROM t");
    assert_sql(sqlite, "SELECT maemio_open('')"); /* the one in memory has ended with its last connection */
    assert_rows(sqlite, "", NAMES);
    assert_sql(sqlite, "SELECT maemio_open('/sql')");
    assert_rows(sqlite, "x|y\n", "SELECT * FROM t");
    assert_sql(sqlite, "SELECT maemio_open('')");
    disk_close();
}

static void a_database_takes_options_of_the_engine(void **state)
{
    (void)state;
    sqlite3 *sqlite;
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    assert_int_equal(mae_sql_attach_with(sqlite, "", "memory_limit=64M\thuge_pages=off", NULL), SQLITE_OK);
    assert_sql(sqlite, "SELECT maemio_open('', 'memory_limit=64M\thuge_pages=off'); SELECT maemio_open('')");
    assert_refused(sqlite, SQLITE_CANTOPEN, "is open already, with the options 'memory_limit=64M\thuge_pages=off'",
                   "SELECT maemio_open('', 'memory_limit=65M')");
    sqlite3_close(sqlite);
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    assert_int_equal(mae_sql_attach_with(sqlite, "", "order=vector", NULL), SQLITE_CANTOPEN);
    sqlite3_close(sqlite);
    sqlite = sql_connect("");
    disk_open();
    static const char *const wrong[][2] = {
        {"huge_pages", "option 'huge_pages' has no value: NAME=VALUE"},
        {"huge_pages=maybe", "maybe"},
        {"no_such_option=1", "no_such_option"},
        {"order=strict", "option 'order' cannot be chosen in SQL"},
        {"log_dir=/x", "option 'log_dir' cannot be chosen in SQL"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *sql = sqlite3_mprintf("SELECT maemio_open('/sql', %Q)", wrong[i][0]);
        assert_refused(sqlite, SQLITE_CANTOPEN, wrong[i][1], sql);
        sqlite3_free(sql);
    }
    sql_close(sqlite);
    disk_close();
}

static void a_created_table_goes_with_its_transaction(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "BEGIN; CREATE VIRTUAL TABLE maemio.t USING maemio(a INTEGER); INSERT INTO t VALUES (1)");
    assert_rows(sqlite, "1\n", "SELECT * FROM t");
    assert_sql(sqlite, "ROLLBACK");
    assert_refused(sqlite, SQLITE_ERROR, "no such table: t", "SELECT * FROM t");
    assert_refused(sqlite, SQLITE_ERROR, "is no type", "CREATE VIRTUAL TABLE maemio.t USING maemio(a)");
    assert_refused(sqlite, SQLITE_ERROR, "no such column: z",
                   "CREATE VIRTUAL TABLE maemio.t USING maemio(a INTEGER CHECK (z > 1))");
    assert_refused(sqlite, SQLITE_ERROR, "in the schema maemio", "CREATE VIRTUAL TABLE t USING maemio(a INTEGER)");
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(a INTEGER)");
    assert_rows(sqlite, "", "SELECT * FROM t");
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, sql_open_one, sql_close_one)
    const struct CMUnitTest tests[] = {
        ONE(values_are_converted_as_in_strict_tables),
        ONE(constraints_hold),
        ONE(rowids_out_of_order_are_found),
        ONE(long_values_are_told_apart),
        ONE(indexes_lose_no_row),
        ONE(texts_are_compared_by_their_collation),
        ONE(rows_come_in_the_order_that_is_wanted),
        ONE(rowids_of_deleted_rows_are_not_given_out),
        ONE(rowids_begin_again_behind_the_largest),
        ONE(lists_of_rowids_are_taken_as_a_whole),
        ONE(another_connection_follows_the_schema),
        ONE(names_that_have_gone_are_forgotten),
        cmocka_unit_test(a_connection_with_another_encoding_is_refused),
        ONE(names_that_a_rollback_takes_back_are_made_again),
        ONE(a_table_that_has_changed_can_be_dropped),
        ONE(another_database_has_its_own_tables),
        cmocka_unit_test(a_database_takes_options_of_the_engine),
        ONE(a_created_table_goes_with_its_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
