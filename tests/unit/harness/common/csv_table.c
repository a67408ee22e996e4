/* Tests of harness/common/csv_table.c: quotes, line ends, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "harness/common/csv_table.h"
#include "tests/support/scratch.h"

static char error[CSV_TABLE_ERROR_BYTES];

static bool read_text(struct csv_table *table, const char *text, size_t bytes)
{
    FILE *file = fopen(scratch_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    return csv_table_read(table, scratch_path, error);
}

static void fields_may_be_quoted_empty_and_span_lines(void **state)
{
    (void)state;
    static const char text[] = "a,b,\"c,d\"\r\n1,,\"x \"\"y\"\"\nz\"\n\"\",\xff,3\n";
    struct csv_table table;
    if (!read_text(&table, text, sizeof(text) - 1))
        fail_msg("%s", error);
    assert_int_equal(table.column_count, 3);
    assert_int_equal(table.row_count, 2);
    assert_int_equal(csv_table_column(&table, "c,d"), 2);
    assert_int_equal(csv_table_column(&table, "d"), -1);
    assert_string_equal(table.rows[0].fields[1], "");
    assert_string_equal(table.rows[0].fields[2], "x \"y\"\nz");
    assert_string_equal(table.rows[1].fields[0], "");
    assert_string_equal(table.rows[1].fields[1], "\xff");
    assert_int_equal(table.rows[0].line, 2);
    assert_int_equal(table.rows[1].line, 4); /* the first took two */
    csv_table_free(&table);
}

static void what_cannot_be_trusted_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ":1: the file is empty: the header is missing"},
        {"a,b", ":1: the line has no end: it was cut off while being written"},
        {"a,b\n1,2\n3,4", ":3: the line has no end: it was cut off while being written"},
        {"a,b\n1,2\n3\n", ":3: 1 fields, but the header has 2: a half-written row, or rows of another schema"},
        {"a,b\n1,2,3\n", ":2: 3 fields, but the header has 2: a half-written row, or rows of another schema"},
        {"a,b\n\n", ":2: 1 fields, but the header has 2: a half-written row, or rows of another schema"},
        {"a,b,a\n", ":1: column a is there twice"},
        {"a,b\n1,\"2\n", ":2: a quote is never closed"},
        {"a,b\n1,\"2\"x\n", ":2: after a closing quote only a comma or the line's end may follow"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct csv_table table;
        assert_false(read_text(&table, cases[i].text, strlen(cases[i].text)));
        assert_string_equal(error + strlen(scratch_path), cases[i].expected);
        assert_int_equal(table.row_count, 0);
    }
    struct csv_table table;
    assert_false(read_text(&table, "a\n\0\n", 4));
    assert_non_null(strstr(error, "NUL"));
    assert_false(csv_table_read(&table, "/nowhere.csv", error));
    assert_string_equal(error, "/nowhere.csv: No such file or directory");
}

static void random_bytes_give_a_table_or_a_message(void **state)
{
    (void)state;
    const char *given = getenv("MAE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("MAE_SEED=%llu\n", (unsigned long long)seed);
    srand48((long)seed);
    for (int round = 0; round < 3000; round++) {
        char text[64];
        size_t bytes = (size_t)lrand48() % sizeof(text);
        for (size_t i = 0; i < bytes; i++)
            text[i] = "ab,,\"\"\n\n\r\xff"[lrand48() % 10];
        struct csv_table table;
        error[0] = '\0';
        if (read_text(&table, text, bytes))
            csv_table_free(&table);
        else
            assert_int_equal(strncmp(error, scratch_path, strlen(scratch_path)), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_may_be_quoted_empty_and_span_lines),
        cmocka_unit_test(what_cannot_be_trusted_is_refused_with_its_line),
        cmocka_unit_test(random_bytes_give_a_table_or_a_message),
    };
    return cmocka_run_group_tests(tests, scratch_file_create, scratch_file_remove);
}
