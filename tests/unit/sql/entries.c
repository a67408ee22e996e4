/*
 * entries.c - HASH indexes: which rows = finds through them, how their chains grow and shrink, and how they come and
 * go. tests/model/sql.c compares them with SQLite.
 */
#define SQLITE_CORE /* SQLite is linked: its calls are plain ones */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/connection.h"
#include "sql/maemio_sql.h"
#include "tests/support/disk.h"
#include "tests/support/sql.h"

static void runs(sqlite3 *sqlite, const char *sql)
{
    char *error = NULL;
    if (mae_sql_exec(sqlite, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error != NULL ? error : "");
}

static void refused(sqlite3 *sqlite, int code, const char *why, const char *sql)
{
    char *error = NULL;
    int found = mae_sql_exec(sqlite, sql, NULL, NULL, &error);
    if (found != code || error == NULL || strstr(error, why) == NULL)
        fail_msg("%s: %d: %s", sql, found, error != NULL ? error : "");
    sqlite3_free(error);
}

/* Whether the plan of the query begins with this: 1:e, the first index with one =. */
static void planned(sqlite3 *sqlite, const char *plan, const char *query)
{
    int code;
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", query), *rows = sql_rows(sqlite, sql, 0, &code);
    sqlite3_free(sql);
    assert_int_equal(code, SQLITE_OK);
    if (strstr(rows, plan) == NULL)
        fail_msg("%s: %s", query, rows);
    free(rows);
}

/* 1,000 rows: a has ten values, b each one twice, c all different. */
static void make_rows(sqlite3 *sqlite)
{
    runs(sqlite,
         "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c REAL); WITH RECURSIVE n(i) AS (SELECT 0 "
         "UNION ALL SELECT i + 1 FROM n WHERE i < 999) INSERT INTO t SELECT i, i % 10, 'x' || (i % 500), i FROM "
         "n");
}

static void rows_are_found_by_equality(void **state)
{
    sqlite3 *sqlite = *state;
    make_rows(sqlite);
    runs(sqlite, "CREATE INDEX tb ON t USING HASH (b); CREATE INDEX tca ON t USING HASH (c, a)");
    planned(sqlite, "VIRTUAL TABLE INDEX 1:e\n", "SELECT * FROM t WHERE b = 'x7'");
    assert_rows(sqlite, "7\n507\n", "SELECT id FROM t WHERE b = 'x7' ORDER BY id");
    planned(sqlite, "VIRTUAL TABLE INDEX 2:ee\n", "SELECT * FROM t WHERE a = 4 AND c = 24");
    assert_rows(sqlite, "24\n", "SELECT id FROM t WHERE a = 4 AND c = 24");
    assert_rows(sqlite, "", "SELECT id FROM t WHERE a = 5 AND c = 24");
    /* It serves neither a part of its columns nor a range nor an order. */
    planned(sqlite, "VIRTUAL TABLE INDEX 0:\n", "SELECT * FROM t WHERE c = 24");
    planned(sqlite, "VIRTUAL TABLE INDEX 0:\n", "SELECT * FROM t WHERE b > 'x7'");
    planned(sqlite, "USE TEMP B-TREE FOR ORDER BY", "SELECT * FROM t ORDER BY b");
    assert_rows(sqlite, "24\n", "SELECT id FROM t WHERE c = 24");
    assert_rows(sqlite, "2\n", "SELECT count(*) FROM t WHERE b > 'x7' AND b < 'x72' AND id < 100");
    assert_rows(sqlite, "1000\n", "SELECT count(*) FROM t AS one JOIN t AS other ON one.b = other.b AND one.id < 500");
}

static void a_column_may_stand_twice(void **state)
{
    sqlite3 *sqlite = *state;
    make_rows(sqlite);
    runs(sqlite, "CREATE INDEX twice ON t(c, c COLLATE NOCASE, a); CREATE INDEX hash ON t USING HASH (b, b)");
    planned(sqlite, "VIRTUAL TABLE INDEX 1:e\n", "SELECT * FROM t WHERE c = 24 AND a = 4");
    assert_rows(sqlite, "24\n", "SELECT id FROM t WHERE c = 24 AND a = 4");
    assert_rows(sqlite, "1\n", "SELECT count(*) FROM t WHERE c = 24 AND c > 23 AND c < 25");
    assert_rows(sqlite, "7\n507\n", "SELECT id FROM t WHERE b = 'x7' ORDER BY id");
    runs(sqlite, "UPDATE t SET b = 'x8', c = 1000 WHERE b = 'x7'");
    assert_rows(sqlite, "2|0|4\n",
                "SELECT (SELECT count(*) FROM t WHERE c = 1000), (SELECT count(*) FROM t WHERE b = 'x7'), (SELECT "
                "count(*) FROM t WHERE b = 'x8')");
}

/* Rows of one chain go from its beginning, its middle and its end, and others come. */
static void a_chain_has_no_gap(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER); CREATE INDEX ta ON t USING HASH (a)");
    for (int first = 0; first < 8; first++) {
        char text[200];
        runs(sqlite, "INSERT INTO t VALUES (0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5), (6, 5), (7, 5)");
        for (int i = 0; i < 8; i++) {
            int id = (first + i * 3) % 8;
            (void)snprintf(text, sizeof text,
                           i % 2 ? "DELETE FROM t WHERE id = %d" : "UPDATE t SET a = 6 WHERE id = %d", id);
            runs(sqlite, text);
            (void)snprintf(text, sizeof text, "%d|%d\n", 7 - i, i / 2 + 1);
            assert_rows(sqlite, text,
                        "SELECT (SELECT count(*) FROM t WHERE a = 5), (SELECT count(*) FROM t WHERE a = 6)");
        }
        runs(sqlite, "DELETE FROM t");
        assert_rows(sqlite, "", "SELECT * FROM t WHERE a = 6");
    }
}

static void interrupt(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_interrupt(sqlite3_context_db_handle(context));
    sqlite3_result_value(context, values[0]);
}

/* What looks at much before it gives the first row stops there if sqlite3_interrupt has been called. SQLite itself
 * would give that row. */
static void long_looks_can_be_interrupted(void **state)
{
    static const char *const queries[] = {
        "SELECT a FROM t WHERE a = stopped(1)",
        /* A text equals several numbers, so that entries are sorted. */
        "SELECT b FROM u WHERE a = (SELECT a FROM t WHERE rowid = 1 AND stopped(1)) ORDER BY b",
    };
    sqlite3 *sqlite = *state;
    sqlite3_stmt *query;
    assert_int_equal(sqlite3_create_function(sqlite, "stopped", 1, SQLITE_UTF8, NULL, interrupt, NULL, NULL),
                     SQLITE_OK);
    runs(sqlite,
         "CREATE TABLE t(a INTEGER); CREATE INDEX ta ON t USING HASH (a); CREATE TABLE u(a TEXT, b INTEGER); CREATE "
         "INDEX ua ON u(a, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT "
         "INTO t SELECT 1 FROM n; INSERT INTO u SELECT '1', rowid FROM t");
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_int_equal(sqlite3_prepare_v2(sqlite, queries[i], -1, &query, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(query), SQLITE_INTERRUPT);
        assert_int_equal(sqlite3_finalize(query), SQLITE_INTERRUPT);
    }
    assert_rows(sqlite, "10000\n", "SELECT count(*) FROM t WHERE a = 1");
}

/* The rows of a chain change while a query gives them. */
static void a_query_passes_rows_that_have_gone(void **state)
{
    sqlite3 *sqlite = *state;
    sqlite3_stmt *query;
    int rows = 0;
    runs(sqlite,
         "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER); CREATE INDEX ta ON t USING HASH (a); INSERT INTO t "
         "VALUES (0, 5), (1, 5), (2, 5), (3, 5), (4, 5); BEGIN");
    assert_int_equal(sqlite3_prepare_v2(sqlite, "SELECT id FROM t WHERE a = 5", -1, &query, NULL), SQLITE_OK);
    while (sqlite3_step(query) == SQLITE_ROW)
        if (rows++ == 1)
            runs(sqlite,
                 "DELETE FROM t WHERE id IN (0, 2); UPDATE t SET a = 6 WHERE id = 3; INSERT INTO t VALUES (9, 5)");
    assert_int_equal(sqlite3_finalize(query), SQLITE_OK);
    assert_int_equal(rows, 3); /* 0, 1 and 4 */
    runs(sqlite, "COMMIT");
    assert_rows(sqlite, "1\n4\n9\n", "SELECT id FROM t WHERE a = 5 ORDER BY id");
}

static void texts_are_hashed_by_their_collation(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite,
         "CREATE TABLE t(a TEXT COLLATE NOCASE, b TEXT COLLATE RTRIM, c BLOB); CREATE INDEX ta ON t USING HASH "
         "(a); CREATE INDEX tb ON t USING HASH (b); CREATE UNIQUE INDEX tc ON t USING HASH (c, a COLLATE BINARY)");
    runs(sqlite,
         "INSERT INTO t VALUES ('Ab', 'x  ', x'00'), ('aB', 'x', x'0000'), ('ab ', ' x', x''), ('', '', x'00')");
    planned(sqlite, "VIRTUAL TABLE INDEX 1:e\n", "SELECT * FROM t WHERE a = 'AB'");
    assert_rows(sqlite, "2\n", "SELECT count(*) FROM t WHERE a = 'AB'");
    assert_rows(sqlite, "2\n", "SELECT count(*) FROM t WHERE b = 'x '");
    assert_rows(sqlite, "1\n", "SELECT count(*) FROM t WHERE b = '    '");
    assert_rows(sqlite, "1\n", "SELECT count(*) FROM t WHERE c = x'00' AND a = '' COLLATE BINARY");
    assert_rows(sqlite, "1\n", "SELECT count(*) FROM t WHERE a = 'Ab' COLLATE BINARY"); /* by no index */
}

static void null_and_other_types_lose_no_row(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite,
         "CREATE TABLE t(i INTEGER, r REAL, s TEXT); CREATE INDEX ti ON t USING HASH (i); CREATE INDEX tr ON t "
         "USING HASH (r); CREATE INDEX ts ON t USING HASH (s); INSERT INTO t VALUES (3, 3, '3'), (0, -0.0, '3.0'), "
         "(NULL, NULL, NULL), (9007199254740993, 9007199254740992, ''), (NULL, 1.5, 'x')");
    assert_rows(sqlite, "1|1|1|0\n",
                "SELECT (SELECT count(*) FROM t WHERE i = 3.0), (SELECT count(*) FROM t WHERE i = '3'), (SELECT "
                "count(*) FROM t WHERE i = ' 3 '), (SELECT count(*) FROM t WHERE i = 'x')");
    assert_rows(sqlite, "1|1|1\n",
                "SELECT (SELECT count(*) FROM t WHERE r = 3), (SELECT count(*) FROM t WHERE r = 0), (SELECT count(*) "
                "FROM t WHERE r = 9007199254740992)");
    assert_rows(sqlite, "1|1\n", "SELECT (SELECT count(*) FROM t WHERE s = 3), (SELECT count(*) FROM t WHERE s = 3.0)");
    assert_rows(sqlite, "0|0|2|1\n",
                "SELECT (SELECT count(*) FROM t WHERE i = NULL), (SELECT count(*) FROM t WHERE i = 3.5), (SELECT "
                "count(*) FROM t WHERE i IS NULL), (SELECT count(*) FROM t WHERE s IS NULL)");
    runs(sqlite, "UPDATE t SET i = 7 WHERE i IS NULL; UPDATE t SET i = NULL WHERE i = 3");
    assert_rows(sqlite, "2|0\n", "SELECT (SELECT count(*) FROM t WHERE i = 7), (SELECT count(*) FROM t WHERE i = 3)");
    runs(sqlite, "DELETE FROM t");
    assert_rows(sqlite, "0\n", "SELECT count(*) FROM t WHERE i = 7");
}

static void unique_holds(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite, "CREATE TABLE t(a TEXT, b INTEGER, UNIQUE USING HASH (a, b))");
    runs(sqlite, "INSERT INTO t VALUES ('x', 1), ('x', 2), (NULL, 1), (NULL, 1)");
    refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.a, t.b", "INSERT INTO t VALUES ('x', 2)");
    refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "t.a, t.b", "UPDATE t SET b = 1 WHERE a = 'x'");
    runs(sqlite,
         "INSERT OR REPLACE INTO t VALUES ('x', 2); INSERT INTO t VALUES ('x', 1) ON CONFLICT (a, b) DO UPDATE SET "
         "b = 3");
    assert_rows(sqlite, "|1\n|1\nx|2\nx|3\n", "SELECT * FROM t ORDER BY a, b");
    runs(sqlite, "CREATE TABLE u(a INTEGER); INSERT INTO u VALUES (1), (2), (1)");
    refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "UNIQUE", "CREATE UNIQUE INDEX ua ON u USING HASH (a)");
    runs(sqlite, "DELETE FROM u WHERE rowid = 3; CREATE UNIQUE INDEX ua ON u USING HASH (a)");
    refused(sqlite, SQLITE_CONSTRAINT_UNIQUE, "u.a", "INSERT INTO u VALUES (2)");
}

static void definitions_are_checked(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite, "CREATE TABLE t(a INTEGER, b ANY)");
    refused(sqlite, SQLITE_ERROR, "there are HASH and BTREE", "CREATE INDEX ta ON t USING RTREE (a)");
    refused(sqlite, SQLITE_ERROR, "ANY", "CREATE INDEX ta ON t USING HASH (b)");
    refused(sqlite, SQLITE_ERROR, "syntax error", "CREATE INDEX ta ON t USING (a)");
    refused(sqlite, SQLITE_ERROR, "u is none", "CREATE INDEX ta ON u USING HASH (a)");
    runs(sqlite, "CREATE INDEX ta ON t USING btree(a); CREATE INDEX tb ON t /* why */ USING/**/hash(a)");
    refused(sqlite, SQLITE_ERROR, "already exists", "CREATE INDEX tb ON t USING HASH (a)");
    assert_rows(sqlite, "", "SELECT * FROM t WHERE a = 1");
}

/* Each of two transactions misses the value and inserts it: only one may commit. And chains have no lost place. */
static void writers_of_one_chain_see_each_other(void **state)
{
    sqlite3 *sqlite = *state, *other = sql_connect("");
    runs(sqlite, "CREATE TABLE t(a INTEGER); CREATE INDEX ta ON t USING HASH (a)");
    runs(other, "SELECT maemio_refresh()");
    for (int i = 0; i < 4; i++) {
        runs(sqlite, "BEGIN");
        runs(other, "BEGIN");
        runs(sqlite, "INSERT INTO t SELECT 5 WHERE (SELECT count(*) FROM t WHERE a = 5) < 10");
        runs(other, "INSERT INTO t SELECT 5 WHERE (SELECT count(*) FROM t WHERE a = 5) < 10");
        runs(sqlite, "COMMIT");
        assert_int_equal(sql_run(other, "COMMIT"), SQLITE_BUSY_SNAPSHOT);
        runs(other, "INSERT INTO t VALUES (5)");
        assert_int_equal(sql_run(sqlite, "INSERT INTO t VALUES (5)"), SQLITE_OK);
    }
    assert_rows(other, "12|12\n", "SELECT (SELECT count(*) FROM t WHERE a = 5), (SELECT count(*) FROM t)");
    runs(other, "DELETE FROM t WHERE a = 5");
    assert_rows(sqlite, "0|0\n", "SELECT (SELECT count(*) FROM t WHERE a = 5), (SELECT count(*) FROM t)");
    sql_close(other);
}

static void indexes_come_and_go_over_rows(void **state)
{
    sqlite3 *sqlite = *state, *other = sql_connect("");
    make_rows(sqlite);
    runs(sqlite, "CREATE INDEX ta ON t USING HASH (a)");
    runs(other, "SELECT maemio_refresh(); DELETE FROM t WHERE a = 3 AND id > 500; UPDATE t SET a = 3 WHERE id = 1");
    assert_rows(sqlite, "51\n", "SELECT count(*) FROM t WHERE a = 3");
    runs(sqlite, "ALTER TABLE t RENAME COLUMN a TO aa; ALTER TABLE t ADD COLUMN d INTEGER DEFAULT 4; ANALYZE t");
    runs(other, "SELECT maemio_refresh()");
    planned(other, "VIRTUAL TABLE INDEX 1:e\n", "SELECT * FROM t WHERE aa = 3");
    assert_rows(other, "51\n", "SELECT count(*) FROM t WHERE aa = 3");
    runs(other, "DROP INDEX ta; CREATE INDEX ta ON t(aa); DROP INDEX ta; CREATE INDEX ta ON t USING HASH (aa)");
    assert_rows(sqlite, "51\n", "SELECT count(*) FROM t WHERE aa = 3");
    runs(sqlite, "BEGIN; CREATE INDEX td ON t USING HASH (d); ROLLBACK; CREATE INDEX td ON t USING HASH (d)");
    assert_rows(sqlite, "950\n", "SELECT count(*) FROM t WHERE d = 4");
    sql_close(other);
}

/* A query whose snapshot is open keeps the engine from dropping what a table had. */
static void a_dropped_table_may_stay_for_a_while(void **state)
{
    sqlite3 *sqlite = *state;
    sqlite3_stmt *query;
    runs(sqlite, "CREATE TABLE w(a INTEGER); INSERT INTO w VALUES (1), (2)");
    for (int i = 0; i < 3; i++) {
        make_rows(sqlite);
        runs(sqlite, "CREATE INDEX ta ON t USING HASH (a); CREATE INDEX tb ON t(b)");
        assert_int_equal(sqlite3_prepare_v2(sqlite, "SELECT * FROM w", -1, &query, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(query), SQLITE_ROW);
        runs(sqlite, i == 1 ? "DROP INDEX ta" : "DROP TABLE t");
        assert_int_equal(sqlite3_finalize(query), SQLITE_OK);
        if (i == 1)
            runs(sqlite, "DROP TABLE t");
    }
    make_rows(sqlite);
    runs(sqlite, "CREATE INDEX ta ON t USING HASH (a)");
    assert_rows(sqlite, "100\n", "SELECT count(*) FROM t WHERE a = 7");
}

/* Its memory goes with the query that has kept it. */
static void the_last_query_frees_a_dropped_table(void **state)
{
    sqlite3 *sqlite = *state;
    sqlite3_stmt *query;
    struct mae_db *db = connection_find(sqlite)->database->db;
    struct mae_memory before, kept, after;
    runs(sqlite, "CREATE TABLE w(a INTEGER); INSERT INTO w VALUES (1), (2)");
    mae_db_memory(db, &before);
    runs(sqlite,
         "CREATE TABLE t(a INTEGER, b BLOB); CREATE INDEX ta ON t USING HASH (a); WITH RECURSIVE n(i) AS (SELECT 1 "
         "UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i % 100, zeroblob(2000) FROM n");
    assert_int_equal(sqlite3_prepare_v2(sqlite, "SELECT * FROM w", -1, &query, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(query), SQLITE_ROW);
    runs(sqlite, "DROP TABLE t");
    mae_db_memory(db, &kept);
    assert_int_equal(sqlite3_finalize(query), SQLITE_OK);
    mae_db_memory(db, &after);
    assert_non_null(mae_table_find(db, "sql.catalogue"));
    assert_null(mae_index_by_name(db, "sql.2.index.1"));
    assert_true(after.committed_bytes < kept.committed_bytes);
}

/* Whichever goes first: rows of one chain are no further away than others. */
static void rows_with_equal_values_go_one_by_one(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite,
         "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER); CREATE INDEX ta ON t USING HASH (a); WITH RECURSIVE n(i) "
         "AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999) INSERT INTO t SELECT i, 1 FROM n");
    runs(sqlite, "DELETE FROM t WHERE id % 2; UPDATE t SET a = 2 WHERE id % 4 = 0");
    assert_rows(sqlite, "5000|5000|9998\n",
                "SELECT (SELECT count(*) FROM t WHERE a = 1), (SELECT count(*) FROM t WHERE a = 2), (SELECT max(id) "
                "FROM t WHERE a = 1) % 10000");
    runs(sqlite, "DELETE FROM t WHERE a = 2; DELETE FROM t WHERE a = 1");
    assert_rows(sqlite, "0|0\n", "SELECT (SELECT count(*) FROM t WHERE a = 1), (SELECT count(*) FROM t)");
}

/* One transaction makes a table, fills it, drops it and makes one again. */
static void a_table_begins_empty(void **state)
{
    static const char counts[] = "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM t WHERE a = 1)";
    sqlite3 *sqlite = *state;
    int code;
    /* Ends: what an attempt has made in the engine is older than the next one. */
    while (code = mae_sql_exec(sqlite,
                               "BEGIN; CREATE TABLE t(a INTEGER); CREATE INDEX ta ON t USING HASH (a); INSERT INTO t "
                               "VALUES (1), (1); DROP TABLE t; CREATE TABLE t(a INTEGER); CREATE INDEX ta ON t USING "
                               "HASH (a); INSERT INTO t VALUES (1)",
                               NULL, NULL, NULL),
           (code & 0xff) == SQLITE_BUSY)
        runs(sqlite, "ROLLBACK");
    assert_int_equal(code, SQLITE_OK);
    assert_rows(sqlite, "1|1\n", counts);
    runs(sqlite, "COMMIT");
    assert_rows(sqlite, "1|1\n", counts);
    runs(sqlite, "DELETE FROM t");
    assert_rows(sqlite, "0|0\n", counts);
}

static void a_folder_keeps_indexes(void **state)
{
    sqlite3 *sqlite = *state;
    disk_open();
    assert_sql(sqlite, "SELECT maemio_open('/sql')");
    make_rows(sqlite);
    runs(sqlite,
         "CREATE INDEX tb ON t USING HASH (b); CREATE INDEX tca ON t USING HASH (c, a); DELETE FROM t WHERE id % 3 "
         "= 0; DROP INDEX tca");
    assert_sql(sqlite, "SELECT maemio_open('')");
    assert_sql(sqlite, "SELECT maemio_open('/sql')");
    planned(sqlite, "VIRTUAL TABLE INDEX 1:e\n", "SELECT * FROM t WHERE b = 'x7'");
    assert_rows(sqlite, "7\n", "SELECT id FROM t WHERE b = 'x7'");
    assert_rows(sqlite, "1\n508\n8\n", "SELECT id FROM t WHERE b IN ('x1', 'x8') ORDER BY b, id DESC");
    runs(sqlite, "INSERT INTO t VALUES (2000, 1, 'x7', 1); DELETE FROM t WHERE id = 7");
    assert_rows(sqlite, "2000\n", "SELECT id FROM t WHERE b = 'x7'");
    assert_sql(sqlite, "SELECT maemio_open('')");
    disk_close();
}

/* HASH indexes once had keys of 16 bytes. */
static void an_index_of_another_version_is_refused(void **state)
{
    static const char name[] = "sql.1.index.1";
    const struct mae_index_config old = {.kind = MAE_INDEX_HASH, .key_bytes = 16};
    sqlite3 *sqlite = *state;
    disk_open();
    assert_sql(sqlite, "SELECT maemio_open('/sql')");
    runs(sqlite, "CREATE TABLE t(a INTEGER, UNIQUE USING HASH (a))");
    struct mae_db *db = connection_find(sqlite)->database->db;
    struct mae_index *index = mae_index_by_name(db, name);
    struct mae_table *rows = mae_index_table(index);
    assert_int_equal(mae_index_drop(db, index), MAE_OK);
    assert_int_equal(mae_index_create(db, rows, name, &old, &index), MAE_OK);
    assert_sql(sqlite, "SELECT maemio_open('')");
    refused(sqlite, SQLITE_CANTOPEN, "of another version of Maemio", "SELECT maemio_open('/sql')");
    disk_close();
}

/* The commit of a change happens, but the disk fails before it is safe: the list of tables says what the engine has. A
 * snapshot is refused from then on. */
static void a_change_stays_that_may_be_lost(void **state)
{
    sqlite3 *sqlite = *state;
    disk_open();
    assert_sql(sqlite, "SELECT maemio_open('/sql')");
    make_rows(sqlite);
    runs(sqlite, "CREATE INDEX tb ON t USING HASH (b)");
    disk_stop_at(1);
    refused(sqlite, SQLITE_IOERR, "may have lost it", "DROP INDEX tb");
    runs(sqlite, "BEGIN");
    assert_rows(sqlite, "7\n507\n", "SELECT id FROM t WHERE b = 'x7'");
    runs(sqlite, "ROLLBACK");
    assert_sql(sqlite, "SELECT maemio_open('')");
    disk_close();
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, sql_open_one, sql_close_one)
    const struct CMUnitTest tests[] = {
        ONE(rows_are_found_by_equality),
        ONE(a_column_may_stand_twice),
        ONE(a_chain_has_no_gap),
        ONE(long_looks_can_be_interrupted),
        ONE(rows_with_equal_values_go_one_by_one),
        ONE(the_last_query_frees_a_dropped_table),
        ONE(a_query_passes_rows_that_have_gone),
        ONE(texts_are_hashed_by_their_collation),
        ONE(null_and_other_types_lose_no_row),
        ONE(unique_holds),
        ONE(definitions_are_checked),
        ONE(writers_of_one_chain_see_each_other),
        ONE(indexes_come_and_go_over_rows),
        ONE(a_dropped_table_may_stay_for_a_while),
        ONE(a_table_begins_empty),
        ONE(a_folder_keeps_indexes),
        ONE(an_index_of_another_version_is_refused),
        ONE(a_change_stays_that_may_be_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
