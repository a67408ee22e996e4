/* schema.c - definitions of tables: what is understood, its one spelling, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "sql/schema.h"

static void assert_text(const char *text, bool for_people, const char *wanted)
{
    char *error;
    struct table *table = schema_read("t", text, &error);
    if (table == NULL)
        fail_msg("%s: %s", text, error);
    char *found = schema_text(table, for_people);
    assert_string_equal(found, wanted);
    sqlite3_free(found);
    schema_free(table);
}

static void assert_refused(const char *text, const char *why)
{
    char *error;
    assert_null(schema_parse("t", text, &error));
    if (strstr(error, why) == NULL)
        fail_msg("%s: %s", text, error);
    sqlite3_free(error);
}

static void a_definition_has_one_spelling(void **state)
{
    (void)state;
    assert_text("id integer primary key, [a b] text not null default 'it''s' /* c */, \"q\"\"q\" int unique -- end",
                false,
                "\"id\" INTEGER PRIMARY KEY, \"a b\" TEXT NOT NULL DEFAULT ('it''s'), \"q\"\"q\" INT, UNIQUE 0 "
                "(\"q\"\"q\")");
    assert_text(
        "a REAL DEFAULT -1.5e-3 CHECK (a < ')'), b BLOB DEFAULT x'00', c ANY DEFAULT (1+(2)), INDEX 7 20 1 i(a, b)",
        false,
        "\"a\" REAL DEFAULT (-1.5e-3), \"b\" BLOB DEFAULT (x'00'), \"c\" ANY DEFAULT (1+(2)), CHECK (a < ')'), "
        "INDEX 7 20 1 \"i\"(\"a\", \"b\")");
    assert_text("a TEXT, b INTEGER, PRIMARY KEY (a, b), UNIQUE u(b), INDEX i(b)", true,
                "\"a\" TEXT NOT NULL, \"b\" INTEGER NOT NULL, UNIQUE (\"a\", \"b\")");
    assert_text("a TEXT UNIQUE COLLATE nocase, b TEXT collate Rtrim, INDEX i(a, b COLLATE BINARY), UNIQUE (b)", false,
                "\"a\" TEXT COLLATE NOCASE, \"b\" TEXT COLLATE RTRIM, UNIQUE 0 (\"a\"), INDEX 0 \"i\"(\"a\", \"b\" "
                "COLLATE BINARY), UNIQUE 0 (\"b\")");
    assert_text("a TEXT PRIMARY KEY COLLATE NOCASE", false, "\"a\" TEXT NOT NULL COLLATE NOCASE, UNIQUE 0 (\"a\")");
    assert_text("a INTEGER, PRIMARY KEY(a)", false, "\"a\" INTEGER PRIMARY KEY");
}

/* What the catalogue keeps is read again. */
static void a_spelling_is_its_own(void **state)
{
    (void)state;
    const char *text = "\"id\" INTEGER PRIMARY KEY, \"n\" TEXT NOT NULL DEFAULT ('x'), CHECK (n <> ''), UNIQUE 3 "
                       "(\"n\"), INDEX 4 \"i\"(\"n\", \"id\")";
    assert_text(text, false, text);
}

static void what_is_not_understood_is_refused(void **state)
{
    (void)state;
    assert_refused("", "column's name");
    assert_refused("a", "is no type");
    assert_refused("a NUMBER", "is no type");
    assert_refused("a INTEGER, A TEXT", "two columns A");
    assert_refused("a INTEGER PRIMARY KEY, b INTEGER PRIMARY KEY", "two primary keys");
    assert_refused("a INTEGER REFERENCES t", "'REFERENCES' is not supported");
    assert_refused("a TEXT COLLATE french", "'french' is no collation");
    assert_refused("a TEXT, INDEX i(a COLLATE b)", "'b' is no collation");
    assert_refused("a INTEGER, INDEX i(b)", "no column 'b'");
    assert_refused("a INTEGER, INDEX (a)", "INDEX without a name");
    assert_refused("a INTEGER, UNIQUE 5 (a)", "an index's name should be");
    assert_refused("a ANY, INDEX i(a)", "other than ANY");
    assert_refused("a INTEGER CHECK (a > 1", "does not end");
    assert_refused("a INTEGER DEFAULT", "no value follows DEFAULT");
    assert_refused("a INTEGER DEFAULT 'x", "does not end");
    assert_refused("\"a INTEGER", "does not end");
    assert_refused("a INTEGER,", "column's name");
    assert_refused("a INTEGER) STRICT", "')' is not supported");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_definition_has_one_spelling),
        cmocka_unit_test(a_spelling_is_its_own),
        cmocka_unit_test(what_is_not_understood_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
