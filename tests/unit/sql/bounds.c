/*
 * bounds.c - bounds of a range of an indexed column at the end of the integers, given as doubles. A program of its own:
 * SQLite compares such values in a long double, of which valgrind has 53 bits only.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "tests/support/sql.h"

static void bounds_do_not_overflow(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(i INTEGER, INDEX by_i(i))");
    assert_sql(sqlite, "INSERT INTO t VALUES (1), (NULL), (-9223372036854775808), (9223372036854775807)");
    assert_rows(sqlite, "9223372036854775807\n", "SELECT i FROM t WHERE i < 9223372036854775808.0 AND i >= 4");
    assert_rows(sqlite, "", "SELECT i FROM t WHERE i > 9223372036854775807.0 AND i > 9");
    assert_rows(sqlite, "-9223372036854775808\n", "SELECT i FROM t WHERE i >= -9223372036854775808.0 AND i < 1");
    assert_rows(sqlite, "", "SELECT i FROM t WHERE i < -9223372036854775808.0");
}

/* SQLite does not test again what the index of rowids has found. */
static void bounds_of_rowids_are_exact(void **state)
{
    sqlite3 *sqlite = *state;
    assert_sql(sqlite, "CREATE VIRTUAL TABLE maemio.t USING maemio(id INTEGER PRIMARY KEY)");
    assert_sql(sqlite, "INSERT INTO t VALUES (1), (2), (3), (-9223372036854775808), (9223372036854775807)");
    assert_rows(sqlite, "2\n", "SELECT id FROM t WHERE id > 1.0 AND id < 3.0 ORDER BY id");
    assert_rows(sqlite, "1\n2\n3\n", "SELECT id FROM t WHERE id >= 1.0 AND id <= 3.0 ORDER BY id");
    assert_rows(sqlite, "2\n", "SELECT id FROM t WHERE id > 1.5 AND id < 2.5 ORDER BY id");
    assert_rows(sqlite, "2\n", "SELECT id FROM t WHERE rowid > '1' AND rowid < '3.0' ORDER BY id");
    assert_rows(sqlite, "", "SELECT id FROM t WHERE id > 'x' OR id < NULL OR id >= x'00'");
    assert_rows(sqlite, "5\n", "SELECT count(*) FROM t WHERE id < 'x' AND id <= x''");
    assert_rows(sqlite, "9223372036854775807\n", "SELECT id FROM t WHERE id > 3 AND id < 9223372036854775808.0");
    assert_rows(sqlite, "", "SELECT id FROM t WHERE id >= 9223372036854775808.0 OR id < -9223372036854775808.0");
    assert_rows(sqlite, "4\n", "SELECT count(*) FROM t WHERE id > -9223372036854775808.0");
    assert_rows(sqlite, "4\n", "SELECT count(*) FROM t WHERE id < 9223372036854775807");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bounds_do_not_overflow, sql_open_one, sql_close_one),
        cmocka_unit_test_setup_teardown(bounds_of_rowids_are_exact, sql_open_one, sql_close_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
