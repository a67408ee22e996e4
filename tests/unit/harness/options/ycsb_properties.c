/*
 * Tests of harness/options/ycsb_properties.c: the format of java.util.Properties, the translation, messages, random
 * bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "harness/options/ycsb_properties.h"

static char error[YCSB_PROPERTIES_ERROR_BYTES];
static const char *end_option; /* what the command line says of the run's end */

/* The translation as "key=value key=value", or the message. */
static const char *translated(const char *text, const char *const *assignments, char *notes, size_t notes_bytes)
{
    static char out[2048];
    struct ycsb_translation translation = {0};
    struct option_pairs properties = {0};
    bool good = ycsb_properties_parse(&properties, "w.properties", text, strlen(text), error);
    for (size_t i = 0; good && assignments && assignments[i]; i++)
        good = ycsb_properties_add(&properties, assignments[i], error);
    good = good && ycsb_properties_resolve(&properties, end_option, &translation, error);
    size_t used = 0;
    out[0] = notes[0] = '\0';
    for (size_t i = 0; good && i < translation.options.count; i++)
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s=%s", i ? " " : "",
                                 translation.options.items[i].key, translation.options.items[i].value);
    for (size_t i = 0; i < translation.notes.count; i++)
        snprintf(notes + strlen(notes), notes_bytes - strlen(notes), "%s\n", translation.notes.items[i]);
    ycsb_translation_free(&translation);
    option_pairs_free(&properties);
    return good ? out : error;
}

static char notes[2048];

static void assert_translated(const char *text, const char *expected)
{
    assert_string_equal(translated(text, NULL, notes, sizeof(notes)), expected);
}

static void ycsb_workload_a_translates_whole(void **state)
{
    (void)state;
    assert_translated("# Yahoo! Cloud System Benchmark, workload A\n"
                      "recordcount=1000\n"
                      "operationcount=1000\n"
                      "workload=site.ycsb.workloads.CoreWorkload\n"
                      "\n"
                      "readallfields=true\n"
                      "readproportion=0.5\n"
                      "updateproportion=0.5\n"
                      "scanproportion=0\n"
                      "insertproportion=0\n"
                      "\n"
                      "requestdistribution=zipfian\n",
                      "workload=ycsb records=1000 record_bytes=1000 fields=10 update_fields=one load_order=shuffled "
                      "ops_per_txn=1 read_ratio=0.5 "
                      "insert_ratio=0 scan_ratio=0 update_kind=blind distribution=ycsb-scrambled theta=0.99 "
                      "txns_total=1000");
    assert_string_equal(notes, "");
}

static void what_is_left_out_has_ycsbs_default(void **state)
{
    (void)state;
    assert_translated("", "workload=ycsb record_bytes=1000 fields=10 update_fields=one load_order=shuffled "
                          "ops_per_txn=1 read_ratio=0.95 insert_ratio=0 "
                          "scan_ratio=0 update_kind=blind distribution=uniform");
    assert_string_equal(notes, "");
}

static void scans_modifications_and_the_run_translate(void **state)
{
    (void)state;
    assert_translated(
        "readproportion=0\nupdateproportion=0\nscanproportion=0.95\ninsertproportion=0.05\nmaxscanlength=100\n"
        "requestdistribution=latest\nfieldcount=1\nfieldlength=8\ninsertorder=ordered\n"
        "threadcount=4\ntarget=5000\nmaxexecutiontime=30\n",
        "workload=ycsb record_bytes=8 load_order=sequential ops_per_txn=1 read_ratio=0 insert_ratio=0.05 "
        "scan_ratio=0.95 update_kind=blind index=ordered scan_length_max=100 distribution=latest theta=0.99 "
        "threads=4 rate=5000 time=30s");
    assert_translated(
        "readproportion=5\nupdateproportion=0\nreadmodifywriteproportion=15\nrequestdistribution=hotspot\n"
        "hotspotdatafraction=0.1\noperationcount=10\nthreadcount=3\n",
        "workload=ycsb record_bytes=1000 fields=10 update_fields=one load_order=shuffled ops_per_txn=1 read_ratio=0.25 "
        "insert_ratio=0 "
        "scan_ratio=0 update_kind=rmw distribution=hotspot hot_fraction=0.1 hot_ratio=0.8 threads=3 txns_total=10");
}

static void both_kinds_of_updates_translate(void **state)
{
    (void)state;
    const char *text = translated("readproportion=0.5\nupdateproportion=0.3\nreadmodifywriteproportion=0.2\n", NULL,
                                  notes, sizeof(notes));
    assert_non_null(strstr(text, " update_kind=blind modify_ratio=0.2 "));
    assert_string_equal(notes, "");
}

static void fields_translate(void **state)
{
    (void)state;
    const char *text = translated("fieldcount=4\nfieldlength=25\nfieldlengthdistribution=uniform\nreadallfields=false\n"
                                  "writeallfields=true\n",
                                  NULL, notes, sizeof(notes));
    assert_non_null(strstr(text, " record_bytes=100 field_lengths=uniform fields=4 read_fields=one load_order"));
    assert_non_null(strstr(notes, "lengths begin at 16 bytes"));
    text = translated("fieldcount=4\nfieldlength=15\n", NULL, notes, sizeof(notes));
    assert_non_null(strstr(text, " record_bytes=60 load_order"));
    assert_non_null(strstr(notes, "fieldcount=4, fieldlength=15: want 1024 fields at most, of 16 bytes at least"));
    text = translated("fieldcount=1\nfieldlength=100\n", NULL, notes, sizeof(notes));
    assert_non_null(strstr(text, " record_bytes=100 load_order"));
    assert_string_equal(notes, "");
    text = translated("readallfields=false\nscanproportion=0.5\n", NULL, notes, sizeof(notes));
    assert_non_null(strstr(notes, "a scan reads whole records"));
}

static void exponential_keys_have_names_with_dots(void **state)
{
    (void)state;
    const char *text = translated("requestdistribution=exponential\nexponential.percentile=90\nexponential.frac=0.5\n",
                                  NULL, notes, sizeof(notes));
    assert_non_null(strstr(text, " distribution=exponential exp_ratio=0.9 exp_fraction=0.5"));
    assert_string_equal(notes, "");
    text = translated("requestdistribution=exponential\nexponential_frac=0.5\n", NULL, notes, sizeof(notes));
    assert_non_null(strstr(text, " exp_ratio=0.95 exp_fraction=0.8571428571"));
    assert_non_null(strstr(notes, "exponential_frac: this property has no counterpart"));
}

static const char *run_options_of(const char *text)
{
    const char *out = translated(text, NULL, notes, sizeof(notes)), *after = "distribution=uniform";
    return strstr(out, after) + strlen(after);
}

static void zero_is_no_limit(void **state)
{
    (void)state;
    assert_string_equal(run_options_of("operationcount=0\nmaxexecutiontime=30\ntarget=0\n"), " time=30s");
    assert_string_equal(notes, "");
    assert_string_equal(run_options_of("operationcount=70\nmaxexecutiontime=0\nthreadcount=2\n"),
                        " threads=2 txns_total=70");
    assert_string_equal(notes, "");
    assert_string_equal(run_options_of("operationcount=0\nmaxexecutiontime=0\n"), "");
    assert_non_null(strstr(notes, "YCSB would never end; --time decides"));
}

static void a_target_goes_with_a_count_of_operations(void **state)
{
    (void)state;
    assert_string_equal(run_options_of("operationcount=1000\ntarget=200\n"), " rate=200 txns_total=1000");
    assert_string_equal(notes, "");
    assert_string_equal(run_options_of("operationcount=1000\ntarget=200\nmaxexecutiontime=9\n"),
                        " rate=200 txns_total=1000");
    assert_string_equal(run_options_of("operationcount=1000\ntarget=200\nmaxexecutiontime=2\n"), " rate=200 time=2s");
    assert_non_null(strstr(notes, "operationcount=1000: not used, maxexecutiontime decides"));
    end_option = "txns";
    assert_string_equal(run_options_of("target=200\n"), " rate=200");
    end_option = NULL;
    assert_string_equal(notes, "");
}

static void scans_are_over_hashed_keys_unless_ordered(void **state)
{
    (void)state;
    assert_non_null(strstr(translated("scanproportion=0.95\n", NULL, notes, sizeof(notes)), " insert_order=hashed "));
    assert_null(strstr(translated("scanproportion=0.95\ninsertorder=ordered\n", NULL, notes, sizeof(notes)), "hashed"));
    assert_null(strstr(translated("readproportion=1\n", NULL, notes, sizeof(notes)), "insert_order"));
    assert_null(strstr(translated("scanproportion=0.9\ninsertproportion=0.1\nrequestdistribution=latest\n", NULL, notes,
                                  sizeof(notes)),
                       "hashed"));
    assert_non_null(strstr(notes, "insertorder=hashed with requestdistribution=latest: not supported"));
}

static void what_has_no_counterpart_is_said(void **state)
{
    (void)state;
    translated("exporter=x\n\nfieldlengthdistribution=histogram\nrequestdistribution=zipfian\ntheta=0.6\n",
               (const char *[]){"db=jdbc", NULL}, notes, sizeof(notes));
    assert_string_equal(
        notes, "fieldlengthdistribution=histogram: not supported; all fields have fieldlength bytes\n"
               "theta 0.6: YCSB's scrambled zipfian knows only 0.99; taken as an exact zipfian over the records\n"
               "w.properties:1: exporter: this property has no counterpart here and is not used\n"
               "-p db: this property has no counterpart here and is not used\n");
}

static void the_last_of_two_wins(void **state)
{
    (void)state;
    const char *text = translated("recordcount=1\nrecordcount=2",
                                  (const char *[]){"recordcount=30", "fieldcount=1", NULL}, notes, sizeof(notes));
    assert_non_null(strstr(text, "records=30 record_bytes=100 "));
}

static void the_format_is_javas(void **state)
{
    (void)state;
    static const char *const same[] = {
        "recordcount=7",      "  recordcount = 7  ",   "recordcount:7",       "recordcount 7",
        "#\\\nrecordcount=7", "recordcount\t:\t7\r\n", "!x\\\nrecordcount=7", "\r\n  \r\n\frecordcount = 7\r\n",
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        const char *text = translated(same[i], NULL, notes, sizeof(notes));
        if (strncmp(text, "workload=ycsb records=7 ", 24) != 0)
            fail_msg("'%s': %s", same[i], text);
    }
}

#define NO_ESCAPES "escapes and lines that go on after a \\ are not read; write the text as it is"

static void errors_name_file_line_property_and_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"\nrecordcount=0", "w.properties:2: recordcount=0: '0' is out of range, it can be 1..1T"},
        {"recordcount=many", "w.properties:1: recordcount=many: 'many' is not a whole number such as 1000, 10k, 10M"},
        {"readproportion=-1", "w.properties:1: readproportion=-1: '-1' is out of range, it can be 0..1e6"},
        {"readproportion=nan", "w.properties:1: readproportion=nan: 'nan' is not a number such as 0.99"},
        {"readproportion=0\nupdateproportion=0", "w.properties:1: readproportion=0: all proportions are 0"},
        {"requestdistribution=sequential", "w.properties:1: requestdistribution=sequential: 'sequential' is none of "
                                           "uniform|zipfian|latest|hotspot|exponential"},
        {"fieldlength=100000",
         "w.properties:1: fieldlength=100000: fieldcount x fieldlength is 1000000 bytes: want 8 to 65528"},
        {"workload=TimeSeries", "w.properties:1: workload=TimeSeries: only YCSB's CoreWorkload is known"},
        {"insertorder=random", "w.properties:1: insertorder=random: 'random' is none of hashed|ordered"},
        {"=5", "w.properties:1: '=5': a property needs a name before the ="},
        {"a=\\u0063", "w.properties:1: 'a=\\u0063': " NO_ESCAPES},
        {"#\nrecordcount=1\\\n0", "w.properties:2: 'recordcount=1\\': " NO_ESCAPES},
        {"re\\cordcount=7", "w.properties:1: 're\\cordcount=7': " NO_ESCAPES},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_translated(cases[i].text, cases[i].expected);
    assert_string_equal(translated("", (const char *[]){"recordcount", NULL}, notes, sizeof(notes)),
                        "-p 'recordcount': want KEY=VALUE, for example recordcount=1000000");
    assert_string_equal(translated("", (const char *[]){"recordcount=x", NULL}, notes, sizeof(notes)),
                        "-p recordcount=x: 'x' is not a whole number such as 1000, 10k, 10M");
    struct option_pairs properties = {0};
    assert_false(ycsb_properties_parse(&properties, "w", "a=\0b", 4, error));
    assert_string_equal(error, "w: holds a NUL byte: this is not a text file");
    assert_false(ycsb_properties_read(&properties, "/nowhere/w", error));
    assert_string_equal(error, "/nowhere/w: No such file or directory");
    option_pairs_free(&properties);
}

static void random_bytes_translate_or_give_a_message(void **state)
{
    (void)state;
    const char *given = getenv("MAE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("MAE_SEED=%llu\n", (unsigned long long)seed);
    srand48((long)seed);
    static const char *const pieces[] = {
        "=",    ":",    " ",           "\\",        "\n", "\r\n", "#",       "!",
        "\\u",  "00e9", "recordcount", "theta",     "1",  "0.5",  "zipfian", "requestdistribution",
        "\\\n", "\t",   "\xff",        "target=1\n"};
    for (int round = 0; round < 20000; round++) {
        char text[800];
        size_t bytes = 0;
        for (long left = lrand48() % 40; left > 0; left--) {
            const char *piece = pieces[(size_t)lrand48() % (sizeof(pieces) / sizeof(pieces[0]))];
            char one[2] = {(char)lrand48(), '\0'};
            piece = lrand48() % 20 == 0 ? one : piece;
            memcpy(text + bytes, piece, strlen(piece));
            bytes += strlen(piece);
        }
        char *copy = malloc(bytes ? bytes : 1);
        memcpy(copy, text, bytes);
        struct option_pairs properties = {0};
        struct ycsb_translation translation = {0};
        error[0] = '\0';
        bool good = ycsb_properties_parse(&properties, "random", copy, bytes, error) &&
                    ycsb_properties_resolve(&properties, end_option, &translation, error);
        assert_true(good ? translation.options.count > 5 : strncmp(error, "random", 6) == 0);
        ycsb_translation_free(&translation);
        option_pairs_free(&properties);
        free(copy);
    }
}

static void the_command_line_decides_when_the_run_ends(void **state)
{
    (void)state;
    end_option = "time";
    const char *out = translated("operationcount=1000\nmaxexecutiontime=30\n", NULL, notes, sizeof(notes));
    end_option = NULL;
    assert_null(strstr(out, "txns="));
    assert_null(strstr(out, "time="));
    assert_non_null(strstr(notes, "operationcount=1000: not used, --time decides"));
    assert_non_null(strstr(notes, "maxexecutiontime=30: not used, --time decides"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ycsb_workload_a_translates_whole),
        cmocka_unit_test(the_command_line_decides_when_the_run_ends),
        cmocka_unit_test(what_is_left_out_has_ycsbs_default),
        cmocka_unit_test(scans_modifications_and_the_run_translate),
        cmocka_unit_test(scans_are_over_hashed_keys_unless_ordered),
        cmocka_unit_test(both_kinds_of_updates_translate),
        cmocka_unit_test(fields_translate),
        cmocka_unit_test(exponential_keys_have_names_with_dots),
        cmocka_unit_test(zero_is_no_limit),
        cmocka_unit_test(a_target_goes_with_a_count_of_operations),
        cmocka_unit_test(what_has_no_counterpart_is_said),
        cmocka_unit_test(the_last_of_two_wins),
        cmocka_unit_test(the_format_is_javas),
        cmocka_unit_test(errors_name_file_line_property_and_what_would_be_right),
        cmocka_unit_test(random_bytes_translate_or_give_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
