/* csv.c - harness/record/csv.h and harness/record/columns.h: quoting, appending, and files that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness/common/support.h"
#include "harness/record/columns.h"
#include "harness/record/csv.h"
#include "tests/unit/harness/bench/fake_target.h"
#include "tests/unit/harness/common/csv_read.h"

static char folder[] = "/tmp/maemio-csv-XXXXXX", path[64], error[CSV_ERROR_BYTES];
static struct options *options;
static struct placement placement;
static struct result *result;

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_row(void)
{
    struct csv *csv = csv_open(path, error);
    if (csv == NULL)
        fail_msg("%s", error);
    assert_true(csv_write(csv, result, error));
    assert_true(csv_close(csv, error));
}

static int prepare(void **state)
{
    (void)state;
    (void)unlink(path);
    char message[OPTION_ERROR_BYTES];
    options = options_create();
    if (!options_set(options, "label", "plain", message) || !options_set(options, "threads", "1", message) ||
        !options_resolve_for(options, &fake_workload_ops, &fake_target_ops, message))
        return 1;
    placement = (struct placement){1, false, support_alloc(sizeof(struct placement_worker))};
    result = result_create(options, &placement, 1);
    return 0;
}

static int discard(void **state)
{
    (void)state;
    result_destroy(result);
    placement_free(&placement);
    options_destroy(options);
    (void)unlink(path);
    return 0;
}

static void rows_append_to_a_file_with_the_same_header(void **state)
{
    (void)state;
    write_row();
    write_row();
    struct csv_read *csv = csv_read(path);
    assert_int_equal(csv->row_count, 1 + 2 * 3);
    for (size_t row = 1; row < csv->row_count; row++)
        assert_int_equal(csv->field_counts[row], column_count());
    for (size_t i = 0; i < column_count(); i++)
        assert_string_equal(csv->fields[0][i], column_info(i)->name);
    assert_null(column_info(column_count()));
    csv_read_free(csv);
}

static void odd_texts_are_quoted_and_come_back(void **state)
{
    (void)state;
    static const char *const labels[] = {"a,b", "say \"x\"", " lead", "trail ", "\"", "plain", "a;b", ","};
    char message[OPTION_ERROR_BYTES];
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        (void)unlink(path);
        assert_true(options_set(options, "label", labels[i], message));
        write_row();
        struct csv_read *csv = csv_read(path);
        assert_string_equal(csv_read_get(csv, 1, "label"), labels[i]);
        assert_int_equal(csv->field_counts[1], column_count());
        csv_read_free(csv);
    }
}

static void other_files_are_left_alone(void **state)
{
    (void)state;
    write_text("a,b,c\n1,2,3\n");
    assert_null(csv_open(path, error));
    assert_non_null(strstr(error, "has other columns"));
    char *text = csv_read_text(path);
    assert_string_equal(text, "a,b,c\n1,2,3\n");
    free(text);
}

static void a_torn_last_line_is_noticed(void **state)
{
    (void)state;
    write_row();
    FILE *file = fopen(path, "a");
    assert_true(fputs("ycsb,1,2", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_null(csv_open(path, error));
    assert_non_null(strstr(error, "the last line is incomplete"));
}

static void an_empty_file_gets_a_header(void **state)
{
    (void)state;
    write_text("");
    write_row();
    struct csv_read *csv = csv_read(path);
    assert_int_equal(csv->row_count, 4);
    csv_read_free(csv);
}

static void unknown_values_are_empty_not_zero(void **state)
{
    (void)state;
    write_row();
    struct csv_read *csv = csv_read(path);
    static const char *const unknown[] = {
        "throughput_txn_per_s", "abort_ratio", "versions_per_row", "mem_resident_bytes", "ns_per_op",
        "backoff_max_us",       "check_s",     "opt_backoff",      "eng_commits"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        const char *text = csv_read_get(csv, 1, unknown[i]);
        if (text == NULL || text[0] != '\0')
            fail_msg("%s is '%s'", unknown[i], text == NULL ? "missing" : text);
    }
    assert_string_equal(csv_read_get(csv, 1, "commits"), "0"); /* counted, and none */
    csv_read_free(csv);
}

static struct value value_of(const char *name, int type, char text[64])
{
    for (size_t i = 0; i < column_count(); i++)
        if (strcmp(column_info(i)->name, name) == 0) {
            char *shown = column_text(i, result, type);
            struct value value = column_value(i, result, type);
            (void)snprintf(text, 64, "%s", shown);
            free(shown);
            free(value.owned);
            return value;
        }
    fail_msg("no column %s", name);
    return (struct value){0};
}

static void values_have_the_kind_of_what_they_are(void **state)
{
    (void)state;
    char text[64];
    result->window_s = 0.5;
    result->all.committed = 3;
    strcpy(result->config_hash, "0000000000000123");
    strcpy(result->provenance.memlock_bytes, "unlimited");
    strcpy(result->provenance.cpu_mhz, "2299.90");
    assert_true(value_of("commits", COLUMN_ALL_TYPES, text).u64 == 3);
    assert_int_equal(value_of("commits", COLUMN_ALL_TYPES, text).kind, VALUE_U64);
    assert_string_equal(text, "3");
    assert_int_equal(value_of("throughput_txn_per_s", COLUMN_ALL_TYPES, text).kind, VALUE_REAL);
    assert_string_equal(text, "6");
    assert_int_equal(value_of("threads", COLUMN_ALL_TYPES, text).kind, VALUE_U64);
    assert_int_equal(value_of("time_s", COLUMN_ALL_TYPES, text).kind, VALUE_U64);
    assert_int_equal(value_of("label", COLUMN_ALL_TYPES, text).kind, VALUE_TEXT);
    assert_int_equal(value_of("config_hash", COLUMN_ALL_TYPES, text).kind, VALUE_TEXT); /* digits, but no number */
    assert_int_equal(value_of("memlock_bytes", COLUMN_ALL_TYPES, text).kind, VALUE_TEXT);
    assert_int_equal(value_of("cpu_mhz", COLUMN_ALL_TYPES, text).kind, VALUE_REAL);
    assert_string_equal(text, "2299.90"); /* as the kernel spells it */
    assert_int_equal(value_of("steady", COLUMN_ALL_TYPES, text).kind, VALUE_NONE);
    assert_string_equal(text, "");
    assert_int_equal(value_of("load_s", COLUMN_ALL_TYPES, text).kind, VALUE_REAL);
    assert_int_equal(value_of("load_s", 0, text).kind, VALUE_NONE); /* not known of a single type */
}

static void column_names_are_unique_and_plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < column_count(); i++) {
        const char *name = column_info(i)->name;
        if (name[0] == '\0' || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
            fail_msg("'%s'", name);
        if (column_info(i)->help == NULL || column_info(i)->help[0] == '\0')
            fail_msg("%s has no help", name);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(name, column_info(j)->name);
    }
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/x.csv", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_append_to_a_file_with_the_same_header, prepare, discard),
        cmocka_unit_test_setup_teardown(odd_texts_are_quoted_and_come_back, prepare, discard),
        cmocka_unit_test_setup_teardown(other_files_are_left_alone, prepare, discard),
        cmocka_unit_test_setup_teardown(a_torn_last_line_is_noticed, prepare, discard),
        cmocka_unit_test_setup_teardown(an_empty_file_gets_a_header, prepare, discard),
        cmocka_unit_test_setup_teardown(unknown_values_are_empty_not_zero, prepare, discard),
        cmocka_unit_test_setup_teardown(values_have_the_kind_of_what_they_are, prepare, discard),
        cmocka_unit_test_setup_teardown(column_names_are_unique_and_plain, prepare, discard),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
