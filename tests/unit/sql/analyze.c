/* analyze.c - ANALYZE: what it finds, which plans follow from it, and for whom. */
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

static void runs(sqlite3 *sqlite, const char *sql)
{
    char *error;
    if (mae_sql_exec(sqlite, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

/* What the plan of the query begins with has this in it. */
static void plan_begins(sqlite3 *sqlite, const char *what, const char *query)
{
    int code;
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", query), *plan = sql_rows(sqlite, sql, 0, &code);
    sqlite3_free(sql);
    assert_int_equal(code, SQLITE_OK);
    const char *line = strchr(plan, '\n'), *found = strstr(plan, what);
    if (found == NULL || found > line)
        fail_msg("%s: wanted %s, found\n%s", query, what, plan);
    free(plan);
}

/* 2,000 rows each: of a.few two values, of b.many a thousand. */
#define TABLES                                                                                                       \
    "CREATE TABLE a(id INTEGER, few INTEGER, many TEXT); CREATE INDEX a_few ON a(few); CREATE INDEX a_many ON "      \
    "a(many);"                                                                                                       \
    "CREATE INDEX a_id ON a(id); CREATE TABLE b(id INTEGER, few INTEGER, many TEXT); CREATE INDEX b_few ON b(few);"  \
    "CREATE INDEX b_many ON b(many, few); CREATE INDEX b_id ON b(id); CREATE TABLE empty(x INTEGER UNIQUE);"         \
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999) INSERT INTO a SELECT i, i % 2, " \
    "'text ' || (i % 1000) FROM n; INSERT INTO b SELECT * FROM a"
#define JOIN "SELECT count(*) FROM a JOIN b ON a.id = b.id WHERE a.few = 1 AND b.many = 'text 7'"
#define CHOICE "SELECT count(*) FROM a WHERE few = 1 AND many = 'text 7'"

static void joins_begin_with_the_fewest_rows(void **state)
{
    sqlite3 *sqlite = *state, *other = sql_connect("");
    runs(sqlite, TABLES);
    runs(other, "SELECT * FROM a LIMIT 1");
    plan_begins(sqlite, "SCAN a VIRTUAL TABLE INDEX 1:", JOIN);
    plan_begins(sqlite, "INDEX 1:", CHOICE);
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(other, JOIN, -1, &statement, NULL), SQLITE_OK);
    runs(sqlite, "ANALYZE");
    plan_begins(sqlite, "SCAN b VIRTUAL TABLE INDEX 2:", JOIN);
    plan_begins(sqlite, "INDEX 2:", CHOICE);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW); /* is prepared again */
    assert_int_equal(sqlite3_column_int(statement, 0), 2);
    sqlite3_finalize(statement);
    plan_begins(other, "SCAN b VIRTUAL TABLE INDEX 2:", JOIN);
    assert_rows(other, "2\n", JOIN);
    sql_close(other);
}

/* Texts that differ only behind what an ordered index keeps of them. */
static void hash_indexes_count_whole_values(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite,
         "CREATE TABLE t(a TEXT, b TEXT); WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < "
         "1999) INSERT INTO t SELECT printf('%080d', i), NULL FROM n; CREATE INDEX ta ON t USING HASH (a); CREATE "
         "INDEX tb ON t USING HASH (b); ANALYZE t");
    plan_begins(sqlite, "INDEX 1:e", "SELECT * FROM t WHERE a = 'x'");
    runs(sqlite, "UPDATE t SET b = a || 'b', a = 'x'; ANALYZE t");
    plan_begins(sqlite, "INDEX 2:e", "SELECT * FROM t WHERE a = 'x' AND b = 'y'");
}

static void one_table_is_analyzed_alone(void **state)
{
    sqlite3 *sqlite = *state;
    char *error = NULL;
    runs(sqlite, TABLES "; ANALYZE b");
    assert_int_equal(mae_sql_exec(sqlite, "ANALYZE maemio.", NULL, NULL, &error), SQLITE_ERROR);
    assert_non_null(strstr(error, "incomplete input"));
    sqlite3_free(error);
    plan_begins(sqlite, "INDEX 1:", CHOICE);
    runs(sqlite, "ANALYZE maemio.'a_few'");
    plan_begins(sqlite, "INDEX 2:", CHOICE);
    runs(sqlite, "ANALYZE main; DROP INDEX a_few; CREATE INDEX a_few ON a(few); ALTER TABLE a ADD COLUMN c TEXT");
    plan_begins(sqlite, "INDEX 1:", CHOICE); /* what is known of the others stays */
    assert_int_equal(mae_sql_exec(sqlite, "ANALYZE absent", NULL, NULL, &error), SQLITE_ERROR);
    assert_non_null(strstr(error, "no such table: absent"));
    sqlite3_free(error);
}

/* What another connection runs when this one has looked at a table and is about to note what it has found. */
struct beside {
    sqlite3 *other;
    const char *const *next; /* statements; NULL: no more */
};

static int run_beside(unsigned trace, void *arg, void *statement, void *text)
{
    struct beside *beside = arg;
    (void)trace, (void)statement;
    if (strcmp(text, "BEGIN") == 0 && *beside->next != NULL)
        runs(beside->other, *beside->next++);
    return 0;
}

static void tables_may_change_and_go_meanwhile(void **state)
{
    sqlite3 *sqlite = *state, *other = sql_connect("");
    static const char *const all[] = {"DROP TABLE a", "ALTER TABLE b ADD COLUMN c TEXT", "DROP TABLE last", NULL};
    static const char *const one[] = {"DROP TABLE b", NULL};
    struct beside beside = {.other = other, .next = all};
    char *error;
    runs(sqlite, TABLES "; CREATE TABLE last(a INTEGER UNIQUE)");
    runs(other, "SELECT maemio_refresh()");
    assert_int_equal(sqlite3_trace_v2(sqlite, SQLITE_TRACE_STMT, run_beside, &beside), SQLITE_OK);
    runs(sqlite, "ANALYZE");
    assert_null(*beside.next);
    plan_begins(sqlite, "INDEX 2:", "SELECT count(*) FROM b WHERE few = 1 AND many = 'text 7'");
    beside.next = one;
    assert_int_equal(mae_sql_exec(sqlite, "ANALYZE b", NULL, NULL, &error), SQLITE_ERROR);
    assert_non_null(strstr(error, "no such table: b"));
    sqlite3_free(error);
    assert_int_equal(sqlite3_trace_v2(sqlite, 0, NULL, NULL), SQLITE_OK);
    sql_close(other);
}

static void it_goes_with_its_transaction(void **state)
{
    sqlite3 *sqlite = *state;
    runs(sqlite, TABLES);
    runs(sqlite, "BEGIN; DELETE FROM b WHERE few = 1; ANALYZE; ROLLBACK");
    plan_begins(sqlite, "INDEX 1:", CHOICE);
    runs(sqlite, "BEGIN; DELETE FROM b WHERE id > 9; ANALYZE maemio; COMMIT");
    plan_begins(sqlite, "INDEX 2:", CHOICE);
    assert_rows(sqlite, "10\n", "SELECT count(*) FROM b");
}

static void a_folder_keeps_what_was_found(void **state)
{
    sqlite3 *sqlite = *state;
    disk_open();
    assert_sql(sqlite, "SELECT maemio_open('/sql')");
    runs(sqlite, TABLES "; ANALYZE");
    assert_sql(sqlite, "SELECT maemio_open('')");
    assert_sql(sqlite, "SELECT maemio_open('/sql')");
    plan_begins(sqlite, "INDEX 2:", CHOICE);
    assert_sql(sqlite, "SELECT maemio_open('')");
    disk_close();
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, sql_open_one, sql_close_one)
    const struct CMUnitTest tests[] = {
        ONE(joins_begin_with_the_fewest_rows), ONE(hash_indexes_count_whole_values),
        ONE(one_table_is_analyzed_alone),      ONE(tables_may_change_and_go_meanwhile),
        ONE(it_goes_with_its_transaction),     ONE(a_folder_keeps_what_was_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
