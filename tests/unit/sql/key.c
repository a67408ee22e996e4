/* key.c - rows and keys as bytes: what is written is read, and keys sort as the values do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "sql/key.h"

static struct table *parse(const char *text)
{
    char *error;
    struct table *table = schema_parse("t", text, &error);
    assert_non_null(table);
    return table;
}

static struct value text_of(const char *text)
{
    return (struct value){.type = VALUE_TEXT, .bytes = text, .length = strlen(text)};
}

static void a_row_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct value values[] = {{.type = VALUE_NULL},
                             {.type = VALUE_INTEGER, .integer = INT64_MIN},
                             {.type = VALUE_REAL, .real = -1.5},
                             text_of(""),
                             text_of("some text"),
                             {.type = VALUE_TEXT, .bytes = "with\0zero", .length = 9},
                             {.type = VALUE_BLOB, .bytes = "\0\1", .length = 2}};
    enum { COUNT = sizeof values / sizeof values[0] };
    uint64_t row[64];
    assert_true(row_bytes(values, COUNT) <= sizeof row);
    row_encode(row, -7, values, COUNT);
    assert_true(row_rowid(row) == -7);
    assert_int_equal(row_columns(row), COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        struct value value = row_column(row, i);
        assert_int_equal(value.type, values[i].type);
        if (value.type == VALUE_TEXT || value.type == VALUE_BLOB) {
            assert_int_equal(value.length, values[i].length);
            assert_memory_equal(value.bytes, values[i].bytes, value.length);
            assert_int_equal(value.ended, value.type == VALUE_TEXT && memchr(values[i].bytes, 0, value.length) == NULL);
            assert_true(!value.ended || strlen(value.bytes) == value.length);
        } else if (value.type != VALUE_NULL) {
            assert_true(value.integer == values[i].integer);
        }
    }
}

/* Compares the keys of two values of the table's first index, whose only column is the first one. */
static int compare(const struct table *table, const struct value *a, const struct value *b)
{
    uint8_t one[KEY_BYTES_MAX], other[KEY_BYTES_MAX];
    key_make(table, &table->index[0], a, one);
    key_make(table, &table->index[0], b, other);
    return memcmp(one, other, key_bytes(table, &table->index[0]));
}

static void numbers_sort_as_they_are(void **state)
{
    (void)state;
    static const int64_t integers[] = {INT64_MIN, -256, -1, 0, 1, 255, 256, INT64_MAX};
    static const double reals[] = {-1e300, -1.5, -1e-300, 0, 1e-300, 1, 1.5, 1e300};
    struct table *of_integers = parse("a INTEGER, INDEX i(a)"), *of_reals = parse("a REAL, INDEX i(a)");
    struct value null = {.type = VALUE_NULL};
    for (unsigned i = 0; i < 8; i++) {
        struct value integer = {.type = VALUE_INTEGER, .integer = integers[i]};
        struct value real = {.type = VALUE_REAL, .real = reals[i]};
        assert_true(compare(of_integers, &null, &integer) < 0);
        for (unsigned j = 0; j < 8; j++) {
            struct value integer_j = {.type = VALUE_INTEGER, .integer = integers[j]};
            struct value real_j = {.type = VALUE_REAL, .real = reals[j]};
            assert_int_equal(compare(of_integers, &integer, &integer_j) < 0, i < j);
            assert_int_equal(compare(of_reals, &real, &real_j) < 0, i < j);
        }
    }
    struct value zero = {.type = VALUE_REAL, .real = 0.0}, minus = {.type = VALUE_REAL, .real = -0.0};
    assert_int_equal(compare(of_reals, &zero, &minus), 0);
    schema_free(of_integers);
    schema_free(of_reals);
}

static void texts_are_never_behind_larger_ones(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\x01", "a", "aa", "ab", "b", "\xff"};
    struct table *table = parse("a TEXT, INDEX i(a)");
    for (unsigned i = 0; i < 7; i++)
        for (unsigned j = i + 1; j < 7; j++) {
            struct value a = text_of(texts[i]), b = text_of(texts[j]);
            assert_true(compare(table, &a, &b) < 0);
        }
    struct value zero = {.type = VALUE_TEXT, .bytes = "a\0", .length = 2}, a = text_of("a");
    assert_int_equal(compare(table, &a, &zero), 0); /* not told apart: the rows are compared */
    assert_false(key_is_exact(table, &table->index[0], 0));
    schema_free(table);
}

/* Also where a text is longer than its part in the key, and behind a byte of 0, where NOCASE ends. */
static void keys_follow_the_collation(void **state)
{
    (void)state;
    static const char *const definitions[] = {"a TEXT, INDEX i(a)", "a TEXT COLLATE NOCASE, INDEX i(a)",
                                              "a TEXT, INDEX i(a COLLATE RTRIM)"};
    static const struct {
        const char *text;
        size_t length;
    } texts[] = {{"", 0},
                 {" ", 1},
                 {"a", 1},
                 {"A", 1},
                 {"a  ", 3},
                 {"a b", 3},
                 {"A B ", 4},
                 {"[", 1},
                 {"\0x", 2},
                 {"\0y", 2},
                 {"ab\0", 3},
                 {"_", 1},
                 {"\xc3\xa4", 2},
                 {"\xc3\x84", 2},
                 {"the same beginning, as long as a key, and then more: a", 54},
                 {"The same beginning, as long as a key, and then more: B", 54}};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    sqlite3 *sqlite;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    for (unsigned c = 0; c < 3; c++) {
        struct table *table = parse(definitions[c]);
        char sql[100];
        (void)snprintf(sql, sizeof sql, "SELECT (?1 < ?2 COLLATE %s) - (?1 > ?2 COLLATE %s)",
                       schema_collation_name((enum collation)c), schema_collation_name((enum collation)c));
        assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL), SQLITE_OK);
        for (unsigned i = 0; i < TEXTS * TEXTS; i++) {
            struct value a = {.type = VALUE_TEXT, .bytes = texts[i / TEXTS].text, .length = texts[i / TEXTS].length};
            struct value b = {.type = VALUE_TEXT, .bytes = texts[i % TEXTS].text, .length = texts[i % TEXTS].length};
            sqlite3_bind_text(statement, 1, a.bytes, (int)a.length, SQLITE_STATIC);
            sqlite3_bind_text(statement, 2, b.bytes, (int)b.length, SQLITE_STATIC);
            assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
            int less = sqlite3_column_int(statement, 0);
            if (less > 0)
                assert_true(compare(table, &a, &b) <= 0);
            if (less == 0)
                assert_int_equal(compare(table, &a, &b), 0);
            assert_int_equal(key_equals(&table->index[0], 0, &a, &b), less == 0);
            sqlite3_reset(statement);
        }
        sqlite3_finalize(statement);
        schema_free(table);
    }
    sqlite3_close(sqlite);
}

static void a_key_has_room_for_as_many_columns_as_fit(void **state)
{
    (void)state;
    struct table *table =
        parse("a INTEGER, b INTEGER, c INTEGER, d INTEGER, e INTEGER, f INTEGER, g INTEGER, h INTEGER, "
              "t TEXT, INDEX i(a, b, c, d, e, f, g, h), INDEX j(t, a)");
    assert_int_equal(key_columns(table, &table->index[0]), 7);
    assert_int_equal(key_bytes(table, &table->index[0]), 63);
    assert_int_equal(key_columns(table, &table->index[1]), 2);
    assert_int_equal(key_bytes(table, &table->index[1]), KEY_BYTES_MAX);
    schema_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_read_as_it_was_written),           cmocka_unit_test(numbers_sort_as_they_are),
        cmocka_unit_test(texts_are_never_behind_larger_ones),        cmocka_unit_test(keys_follow_the_collation),
        cmocka_unit_test(a_key_has_room_for_as_many_columns_as_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
