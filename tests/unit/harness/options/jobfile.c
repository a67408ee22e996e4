/* Tests of harness/options/jobfile.c: expansion, inheritance, includes, exact messages, and random bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/options/jobfile.h"

static char error[JOBFILE_ERROR_BYTES];

static const char *key_at(size_t i)
{
    static const char *const keys[] = {"workload", "theta", "threads", "read_ratio", "record_bytes", "counters",
                                       "label",    "a",     "b",       "c",          "set"};
    return i < sizeof(keys) / sizeof(keys[0]) ? keys[i] : NULL;
}

static bool check(const char *key, const char *value, char *why)
{
    if (strcmp(key, "threads") != 0 || strspn(value, "0123456789") == strlen(value))
        return true;
    snprintf(why, JOBFILE_ERROR_BYTES, "'%s' is no number: want 1..256", value);
    return false;
}

static const struct jobfile_rules rules = {.key_at = key_at, .check = check, .cores = 4};

static struct jobfile *parse(const char *text)
{
    error[0] = '\0';
    return jobfile_parse("jobs/test.conf", text, strlen(text), &rules, error);
}

static struct jobfile *parse_good(const char *text)
{
    struct jobfile *jobfile = parse(text);
    if (!jobfile)
        fail_msg("%s", error);
    return jobfile;
}

/* One point as "section: key=value key=value". */
static const char *shown(const struct jobfile_point *point)
{
    static char text[4096];
    size_t used = (size_t)snprintf(text, sizeof(text), "%s:", point->section);
    for (size_t i = 0; i < point->count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, " %s=%s", point->settings[i].key,
                                 point->settings[i].value);
    return text;
}

static void assert_points(const char *text, const char *const *expected)
{
    struct jobfile *jobfile = parse_good(text);
    size_t i = 0;
    for (; expected[i]; i++) {
        assert_true(i < jobfile->count);
        assert_string_equal(shown(&jobfile->points[i]), expected[i]);
    }
    assert_int_equal(jobfile->count, i);
    jobfile_destroy(jobfile);
}

static void assert_refused(const char *text, const char *expected)
{
    struct jobfile *jobfile = parse(text);
    if (jobfile)
        fail_msg("accepted: %s", text);
    assert_string_equal(error, expected);
}

static void lists_expand_to_their_product_the_last_key_fastest(void **state)
{
    (void)state;
    assert_points("[s]\na = 1, 2\nb=x\nc = p ,q\n",
                  (const char *[]){"s: a=1 b=x c=p", "s: a=1 b=x c=q", "s: a=2 b=x c=p", "s: a=2 b=x c=q", NULL});
}

static void sections_inherit_and_override_global_keys_wherever_they_stand(void **state)
{
    (void)state;
    assert_points("theta = 0.5\n"
                  "[one]\n"
                  "b = 2\n"
                  "[two]\n"
                  "theta = 0.9, 0.99 # its own\n"
                  "[global]\n"
                  "workload = ycsb\n"
                  "[three]\n",
                  (const char *[]){"one: theta=0.5 workload=ycsb b=2", "two: theta=0.9 workload=ycsb",
                                   "two: theta=0.99 workload=ycsb", "three: theta=0.5 workload=ycsb", NULL});
    assert_points("a=1,2", (const char *[]){"global: a=1", "global: a=2", NULL});
}

static void ranges_run_to_the_number_of_cores_by_steps_and_by_factors(void **state)
{
    (void)state;
    assert_points("a=1..cores", (const char *[]){"global: a=1", "global: a=2", "global: a=3", "global: a=4", NULL});
    assert_points("a=1..8*2", (const char *[]){"global: a=1", "global: a=2", "global: a=4", "global: a=8", NULL});
    assert_points("a=1..6*2", (const char *[]){"global: a=1", "global: a=2", "global: a=4", "global: a=6", NULL});
    assert_points("a=0..1+0.25", (const char *[]){"global: a=0", "global: a=0.25", "global: a=0.5", "global: a=0.75",
                                                  "global: a=1", NULL});
    assert_points("a=0.1..0.3+0.1", (const char *[]){"global: a=0.1", "global: a=0.2", "global: a=0.3", NULL});
    assert_refused("a=1..7+3, cores", "jobs/test.conf:1: key 'a': value '4' is in the list twice");
    assert_points("a=cores, 1..7+6", (const char *[]){"global: a=4", "global: a=1", "global: a=7", NULL});
    assert_points("a=1..cores*3, 2cores",
                  (const char *[]){"global: a=1", "global: a=3", "global: a=4", "global: a=8", NULL});
    assert_points("a=cores..2cores+4", (const char *[]){"global: a=4", "global: a=8", NULL});
    assert_points("a=hardcores, 2coresx", (const char *[]){"global: a=hardcores", "global: a=2coresx", NULL});
}

static void a_value_can_be_that_of_another_key(void **state)
{
    (void)state;
    assert_points(
        "a = $threads\nthreads = 1, 2\n[s]\n[t]\na = 7",
        (const char *[]){"s: a=1 threads=1", "s: a=2 threads=2", "t: a=7 threads=1", "t: a=7 threads=2", NULL});
    assert_points("threads = $a\na = 3", (const char *[]){"global: threads=3 a=3", NULL});
    assert_refused("a=1\nthreads = $a, $b\nb=x", "jobs/test.conf:2: key 'threads': 'x' is no number: want 1..256");
    assert_refused("a = $thread\nthreads = 1",
                   "jobs/test.conf:1: key 'a': '$thread': want $ and another key that has a value of its own here");
    assert_refused("a = $a",
                   "jobs/test.conf:1: key 'a': '$a': want $ and another key that has a value of its own here");
    assert_refused("a = $b\nb = $a",
                   "jobs/test.conf:1: key 'a': '$b': want $ and another key that has a value of its own here");
}

static void words_quotes_and_comments_are_read_as_written(void **state)
{
    (void)state;
    assert_points(
        "counters = \"cycles,branches\", off # a comment, with = and \"\n"
        "# label = no\n"
        "label = a#b",
        (const char *[]){"global: counters=cycles,branches label=a#b", "global: counters=off label=a#b", NULL});
    assert_points("label = \"# \\\"x\\\" \\\\ 1..3\"", (const char *[]){"global: label=# \"x\" \\ 1..3", NULL});
    assert_points("label = \"\"\r\n\r\n", (const char *[]){"global: label=", NULL});
    assert_points("\xef\xbb\xbf[s]\n  read-ratio =   0.5  \n label=../x",
                  (const char *[]){"s: read_ratio=0.5 label=../x", NULL});
    assert_points("set.sort-writes = on, off",
                  (const char *[]){"global: set.sort_writes=on", "global: set.sort_writes=off", NULL});
}

static void long_lines_are_not_cut(void **state)
{
    (void)state;
    enum { BYTES = 200000 };
    char *text = malloc(BYTES + 10);
    memcpy(text, "label = ", 8);
    memset(text + 8, 'x', BYTES);
    text[BYTES + 8] = '\0';
    struct jobfile *jobfile = parse_good(text);
    assert_int_equal(strlen(jobfile->points[0].settings[0].value), BYTES);
    jobfile_destroy(jobfile);
    free(text);
}

static void a_list_goes_on_after_a_comma_at_a_lines_end(void **state)
{
    (void)state;
    assert_points(
        "threads = 1,\n  2, \r\n 3 # three, and\nlabel = x",
        (const char *[]){"global: threads=1 label=x", "global: threads=2 label=x", "global: threads=3 label=x", NULL});
    assert_refused("# a, b,\nthreads = 1,\n\n[s]", "jobs/test.conf:2: key 'threads': a value is missing; write \"\" "
                                                   "for an empty one");
    assert_refused("threads = 1,\n2\nthraeds = 2", "jobs/test.conf:3: unknown key 'thraeds': did you mean 'threads'?");
}

static void notes_are_kept_and_are_no_points(void **state)
{
    (void)state;
    struct jobfile *jobfile = parse_good("threads = 2\n[figure]\ntitle = \"a, b\",\n \"c\"\n[claim x]\nof = label=a\n");
    assert_int_equal(jobfile->count, 1);
    assert_string_equal(shown(&jobfile->points[0]), "global: threads=2");
    assert_int_equal(jobfile->note_count, 2);
    assert_string_equal(jobfile->notes[0].section, "figure");
    assert_string_equal(jobfile->notes[0].settings[0].value, "a, b c");
    assert_int_equal(jobfile->notes[1].line, 5);
    assert_string_equal(jobfile->notes[1].settings[0].value, "label=a");
    jobfile_destroy(jobfile);
    assert_refused("[figure]\ntitle = x", "jobs/test.conf: nothing to run: no section and no key");
}

static void a_point_keeps_its_hash_when_lines_move_and_only_then(void **state)
{
    (void)state;
    struct jobfile *first = parse_good("[s]\na=1,2\nb=3"), *second = parse_good("b=3\n[s]\na = 2, 1\n[t]\na=1");
    assert_true(first->points[0].hash == second->points[1].hash);
    assert_true(first->points[1].hash == second->points[0].hash);
    assert_true(first->points[0].hash != first->points[1].hash);
    assert_true(second->points[2].hash != second->points[1].hash); /* another section is another point */
    assert_true(first->points[0].hash ==
                UINT64_C(0xe70e4c9a7ed6bf67)); /* computed apart; results refer to it, so it stays */
    assert_int_equal(first->points[0].settings[1].line, 3);
    assert_string_equal(first->points[0].settings[1].file, "jobs/test.conf");
    jobfile_destroy(first);
    jobfile_destroy(second);
}

static void errors_name_file_line_key_and_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "jobs/test.conf: nothing to run: no section and no key"},
        {"# x\n", "jobs/test.conf: nothing to run: no section and no key"},
        {"\nthraeds = 2", "jobs/test.conf:2: unknown key 'thraeds': did you mean 'threads'?"},
        {"entirely_else = 2", "jobs/test.conf:1: unknown key 'entirely_else': keys are the options of `maemio run`, "
                              "see `maemio list options`"},
        {"threads = 1, x", "jobs/test.conf:1: key 'threads': 'x' is no number: want 1..256"},
        {"threads", "jobs/test.conf:1: 'threads': want `key = value`, a [section] or a # comment"},
        {"= 3", "jobs/test.conf:1: '' is no key: want letters, digits, - _ or . before the ="},
        {"a b = 3", "jobs/test.conf:1: 'a b' is no key: want letters, digits, - _ or . before the ="},
        {"a =", "jobs/test.conf:1: key 'a': a value is missing; write \"\" for an empty one"},
        {"a = 1,,2", "jobs/test.conf:1: key 'a': a value is missing; write \"\" for an empty one"},
        {"a = 1,", "jobs/test.conf:1: key 'a': a value is missing; write \"\" for an empty one"},
        {"a = 1, 2, 1", "jobs/test.conf:1: key 'a': value '1' is in the list twice"},
        {"a = 1\na = 2",
         "jobs/test.conf:2: key 'a' is given twice, first in line 1; write a list to run several values"},
        {"[x\na=1", "jobs/test.conf:1: '[x': a section's header ends with ]"},
        {"[]", "jobs/test.conf:1: a section needs a name"},
        {"[x]\n[y]\n[x]", "jobs/test.conf:3: section [x] is there twice, first in line 1"},
        {"[a,b]",
         "jobs/test.conf:1: section 'a,b': the name holds a character it may not: [ ] , \" or a control character"},
        {"a = \"x", "jobs/test.conf:1: key 'a': the closing quote is missing"},
        {"a = \"x\" y", "jobs/test.conf:1: key 'a': after a closing quote only a comma or a comment may follow"},
        {"a = x\"y\"", "jobs/test.conf:1: key 'a': 'x\"y\"': a quote must stand around the whole value"},
        {"a = 8..1", "jobs/test.conf:1: key 'a': range '8..1' ends before it begins"},
        {"a = 1..8+0", "jobs/test.conf:1: key 'a': range '1..8+0' never ends: want a step above 0"},
        {"a = 1..8*1",
         "jobs/test.conf:1: key 'a': range '1..8*1' never ends: want a factor above 1 and a beginning above 0"},
        {"a = 0..8*2",
         "jobs/test.conf:1: key 'a': range '0..8*2' never ends: want a factor above 1 and a beginning above 0"},
        {"a = 1..1000000", "jobs/test.conf:1: key 'a': range '1..1000000' has more than 10000 values"},
        {"a = 1..8x",
         "jobs/test.conf:1: key 'a': '1..8x' is no range: want 1..8, 1..cores, 0..1+0.25 or 1..64*2, in plain "
         "digits (or \"...\" around a text)"},
        {"set = a=b", "jobs/test.conf:1: key 'set': write set.NAME = VALUE, for example set.sort_writes = off"},
        {"[s]\na=1..1000\nb=1..1000",
         "jobs/test.conf:1: section [s] takes the file beyond 100000 points: shorten a list"},
        {"include = nowhere.conf", "jobs/test.conf:1: key 'include': jobs/nowhere.conf: No such file or directory"},
        {"include = /", "jobs/test.conf:1: key 'include': /: is a folder; a plain file is wanted"},
        {"include = /dev/zero", "jobs/test.conf:1: key 'include': /dev/zero: is no plain file; a plain file is wanted"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(cases[i].text, cases[i].expected);
    error[0] = '\0';
    assert_null(jobfile_parse("x", "a=\0", 3, &rules, error));
    assert_string_equal(error, "x:1: the line holds a NUL byte: this is not a text file");
}

/* ---- Files. ---- */

static char folder[] = "/tmp/maemio-jobfile-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"main.conf", "common.conf", "circle.conf", "bad.conf"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

static void an_include_stands_for_its_lines_and_the_includer_overrides(void **state)
{
    (void)state;
    write_file("common.conf", "workload = ycsb\ntheta = 0.5\n[shared]\na = 1\n");
    write_file("main.conf", "include = common.conf\ntheta = 0.9\n[mine]\nb = 2\n");
    struct jobfile *jobfile = jobfile_read(path_of("main.conf"), &rules, error);
    if (!jobfile)
        fail_msg("%s", error);
    assert_int_equal(jobfile->count, 2);
    assert_string_equal(shown(&jobfile->points[0]), "shared: workload=ycsb theta=0.9 a=1");
    assert_string_equal(shown(&jobfile->points[1]), "mine: workload=ycsb theta=0.9 b=2");
    assert_string_equal(jobfile->points[0].settings[0].file, path_of("common.conf"));
    jobfile_destroy(jobfile);
}

static void an_include_in_a_section_stands_there(void **state)
{
    (void)state;
    write_file("common.conf", "theta = 0.5\n");
    write_file("main.conf", "a = 1\n[mine]\ninclude = common.conf\nb = 2\n[other]\n");
    struct jobfile *jobfile = jobfile_read(path_of("main.conf"), &rules, error);
    if (!jobfile)
        fail_msg("%s", error);
    assert_int_equal(jobfile->count, 2);
    assert_string_equal(shown(&jobfile->points[0]), "mine: a=1 theta=0.5 b=2");
    assert_string_equal(shown(&jobfile->points[1]), "other: a=1");
    jobfile_destroy(jobfile);
}

static void a_kept_job_says_what_it_lacks(void **state)
{
    (void)state;
    write_file("main.conf",
               "# a head\n" JOBFILE_LEFT_OUT "lmdb: not built\na = 1\n" JOBFILE_LEFT_OUT "redis: no server");
    struct support_list left_out = jobfile_left_out(path_of("main.conf"));
    assert_int_equal(left_out.count, 2);
    assert_string_equal(left_out.items[0], "lmdb: not built");
    assert_string_equal(left_out.items[1], "redis: no server");
    support_list_free(&left_out);
    left_out = jobfile_left_out(folder);
    assert_int_equal(left_out.count, 0);
}

static void a_circle_of_includes_is_found_and_an_included_error_is_placed(void **state)
{
    (void)state;
    write_file("circle.conf", "\ninclude = main.conf\n");
    write_file("main.conf", "a = 1\ninclude = circle.conf\n");
    assert_null(jobfile_read(path_of("main.conf"), &rules, error));
    assert_non_null(strstr(error, "/circle.conf:2: key 'include': "));
    assert_non_null(strstr(error, "/main.conf is being read already: the includes go in a circle"));
    write_file("bad.conf", "a = 1\n\nthreads = many\n");
    write_file("main.conf", "include = bad.conf\n");
    assert_null(jobfile_read(path_of("main.conf"), &rules, error));
    assert_non_null(strstr(error, "/bad.conf:3: key 'threads': 'many' is no number"));
    assert_null(jobfile_read(folder, &rules, error));
    assert_non_null(strstr(error, "is a folder"));
}

/* ---- Random bytes: whatever comes in, there are points or a message. ---- */

static void random_bytes_give_points_or_one_line_of_message(void **state)
{
    (void)state;
    const char *given = getenv("MAE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("MAE_SEED=%llu\n", (unsigned long long)seed);
    srand48((long)seed);
    static const char *const pieces[] = {
        "[",    "]",        "=",       ",",       "\"",      "\\",       "#",  "\n",
        "\r",   " ",        "..",      "+",       "*",       "cores",    "1",  "0.5",
        "a",    "b",        "threads", "set.x",   "include", "[global]", "\t", "99999999999",
        "\xff", "\xc3\xa4", "a=1..3",  "a=1,2\n", "[s]\n",   ".",        "$"};
    const struct jobfile_rules anything = {.cores = 3};
    for (int round = 0; round < 20000; round++) {
        char text[512];
        size_t bytes = 0;
        for (long left = lrand48() % 40; left > 0; left--) {
            const char *piece = pieces[(size_t)lrand48() % (sizeof(pieces) / sizeof(pieces[0]))];
            char one[2] = {(char)lrand48(), '\0'};
            piece = lrand48() % 20 == 0 ? one : piece;
            memcpy(text + bytes, piece, strlen(piece));
            bytes += strlen(piece);
        }
        char *copy = malloc(bytes ? bytes : 1); /* so that a sanitizer sees reads past the end */
        memcpy(copy, text, bytes);
        error[0] = '\0';
        struct jobfile *jobfile = jobfile_parse("random", copy, bytes, round % 2 ? &rules : &anything, error);
        if (jobfile)
            assert_true(jobfile->count > 0);
        else if (strncmp(error, "random", 6) != 0 || strchr(error, '\n'))
            fail_msg("message: %s", error);
        jobfile_destroy(jobfile);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_expand_to_their_product_the_last_key_fastest),
        cmocka_unit_test(sections_inherit_and_override_global_keys_wherever_they_stand),
        cmocka_unit_test(ranges_run_to_the_number_of_cores_by_steps_and_by_factors),
        cmocka_unit_test(a_value_can_be_that_of_another_key),
        cmocka_unit_test(words_quotes_and_comments_are_read_as_written),
        cmocka_unit_test(long_lines_are_not_cut),
        cmocka_unit_test(a_list_goes_on_after_a_comma_at_a_lines_end),
        cmocka_unit_test(notes_are_kept_and_are_no_points),
        cmocka_unit_test(a_point_keeps_its_hash_when_lines_move_and_only_then),
        cmocka_unit_test(errors_name_file_line_key_and_what_would_be_right),
        cmocka_unit_test(an_include_stands_for_its_lines_and_the_includer_overrides),
        cmocka_unit_test(an_include_in_a_section_stands_there),
        cmocka_unit_test(a_kept_job_says_what_it_lacks),
        cmocka_unit_test(a_circle_of_includes_is_found_and_an_included_error_is_placed),
        cmocka_unit_test(random_bytes_give_points_or_one_line_of_message),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
