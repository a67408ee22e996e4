/*
 * Tests of harness/figures/catalogue.c: what the files of plots/ say about figures and claims, and what is refused,
 * with file, line, key and what would be right.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/common/support.h"
#include "harness/figures/catalogue.h"
#include "tests/support/scratch.h"

/* ---- The project's own. ---- */

static void every_figure_has_what_draws_it(void **state)
{
    (void)state;
    struct catalogue catalogue;
    char error[CATALOGUE_ERROR_BYTES] = "";
    size_t compare_systems = 0;
    if (!catalogue_read(&catalogue, "", error))
        fail_msg("%s", error);
    assert_true(catalogue.count >= 36);
    assert_string_equal(catalogue.figures[0].name, "fig3a"); /* the paper's first, by their place there */
    for (size_t i = 0; i < catalogue.count; i++) {
        assert_ptr_equal(catalogue_find(&catalogue, catalogue.figures[i].name), &catalogue.figures[i]);
        compare_systems += figure_compares_systems(&catalogue.figures[i]);
        char *plot = support_format("plots/%s.gp", catalogue.figures[i].name);
        if (access(plot, R_OK) != 0)
            fail_msg("no %s", plot);
        free(plot);
    }
    assert_int_equal(compare_systems, 18); /* Figures 3 to 8 and 11, and schemes */
    assert_null(catalogue_find(&catalogue, "fig99"));
    catalogue_free(&catalogue);
}

/* Never twice the effect: that is another finding; small ones are known to two points only. */
static void claim_is_sound(const struct claim *claim, bool *gain, bool *loss)
{
    double effect = claim->ratio - 1;
    assert_true(effect > 0 ? claim->from > 1 : claim->to < 1); /* never the other sign */
    assert_true(fabs((effect > 0 ? claim->to : claim->from) - 1) < fmax(2 * fabs(effect), 0.043));
    *gain |= effect > 0;
    *loss |= effect < 0;
}

static void each_claim_has_a_range_of_its_own(void **state)
{
    (void)state;
    struct catalogue catalogue;
    char error[CATALOGUE_ERROR_BYTES];
    bool gain = false, loss = false;
    assert_true(catalogue_read(&catalogue, "", error));
    for (size_t f = 0; f < catalogue.count; f++)
        for (size_t i = 0; i < catalogue.figures[f].claim_count; i++)
            if (catalogue.figures[f].claims[i].ratio > 0)
                claim_is_sound(&catalogue.figures[f].claims[i], &gain, &loss);
    assert_true(gain && loss);
    catalogue_free(&catalogue);
}

/* ---- One file. ---- */

#define FIGURE "threads = 1\n[figure]\ntitle = t\naxis = threads\nlines = label\nclaim = c\npaper = p\nhere = h\n"

static void a_file_says_what_a_figure_shows(void **state)
{
    (void)state;
    struct figure figure;
    char error[CATALOGUE_ERROR_BYTES];
    scratch_file_write("workload = ycsb\nthreads = 1, 2\n"
                       "[figure]\nwhere = \"Figure 9\"\ntitle = \"one, two\", # a comment\n    \"three\"\n"
                       "axis = threads\nlines = \"wl_mode label\"\nclaim = c\npaper = p\nhere = h\n"
                       "[claim one]\ntext = x\nof = label=a\nagainst = best:target:label=b&threads!=@cores\n"
                       "ratio = 0.5\nfrom = 0.4\nto = 0.6\n[claim two]\ntext = y\nwhere = Abstract\n");
    assert_false(figure_read(&figure, scratch_path, error)); /* a comment ends a line, whatever stands before it */
    figure_free(&figure);
    scratch_file_write("workload = ycsb\nthreads = 1, 2\n"
                       "[figure]\nwhere = \"Figure 9\"\ntitle = \"one, two\",\n    \"three\" # a comment\n"
                       "axis = threads\nlines = \"wl_mode label\"\nclaim = c\npaper = p\nhere = h\n"
                       "[claim one]\ntext = x\nof = label=a\nagainst = best:target:label=b&threads!=@cores\n"
                       "ratio = 0.5\nfrom = 0.4\nto = 0.6\n[claim two]\ntext = y\nwhere = Abstract\n");
    if (!figure_read(&figure, scratch_path, error))
        fail_msg("%s", error);
    assert_int_equal(figure.jobfile->count, 2); /* sections about the figure are no points */
    assert_string_equal(figure.title, "one, two three");
    assert_string_equal(figure.lines, "wl_mode label");
    assert_false(figure_compares_systems(&figure));
    assert_true(figure_is_in_all(&figure, "quick"));
    assert_int_equal(figure.claim_count, 2);
    assert_string_equal(figure.claims[0].where, "Figure 9");
    assert_string_equal(figure.claims[0].metric, "throughput_txn_per_s");
    assert_true(figure.claims[0].ratio == 0.5 && figure.claims[0].to == 0.6 && figure.claims[0].cores == 1);
    assert_string_equal(figure.claims[1].where, "Abstract");
    assert_string_equal(figure.claims[1].of, "");
    assert_true(figure.claims[1].ratio == 0 && isinf(figure.claims[1].to));
    char *heading = figure_heading(&figure);
    assert_string_equal(heading, "Figure 9: one, two three");
    free(heading);
    figure_free(&figure);
    scratch_file_write(FIGURE "all = normal\n");
    assert_true(figure_read(&figure, scratch_path, error));
    assert_false(figure_is_in_all(&figure, "quick"));
    assert_true(figure_is_in_all(&figure, "normal") && figure_is_in_all(&figure, "paper"));
    figure_free(&figure);
}

static void errors_name_file_line_key_and_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"threads = 1\n", ":1: has no section [figure]: it says title, axis and lines, see docs/figures.md"},
        {"threads = 1\n\n[figure]\ntitle = x\n",
         ":3: [figure] lacks the key 'axis': the column of the results along the axis, such as threads"},
        {"threads = 1\n[figure]\naxsi = threads\n",
         ":3: unknown key 'axsi' in [figure]: want title, where, kind, axis, lines, claim, paper, here or "
         "all"},
        {"threads = 1\n[figure]\naxis = thread\n",
         ":3: key 'axis': results have no column 'thread': see `maemio list columns`"},
        {FIGURE "all = most\n", ":9: key 'all': 'most' is none of quick, normal or paper"},
        {FIGURE "[claim x]\ntext = x\nfrom = much\n", ":11: key 'from': 'much' is no number: want one such as 0.868"},
        {FIGURE "[claim x]\nof = label=a\n", ":9: [claim x] lacks the key 'text': the claim in words"},
        {FIGURE "[claim x]\ntext = x\nagainst = label=a\n", ":9: [claim x] lacks the key 'of': what is compared"},
        {FIGURE "[claim x]\ntext = x\nof = label\n",
         ":11: key 'of': 'label': want COLUMN=VALUE or COLUMN!=VALUE, several with & between"},
        {FIGURE "[claim x]\ntext = x\nof = label=a&wl_thta=0\n",
         ":11: key 'of': results have no column 'wl_thta': see `maemio list columns`"},
        {FIGURE "[claim x]\ntext = x\nof = best:label\n", ":11: key 'of': want best:COLUMN:CONDITIONS"},
        {FIGURE "[claim x]\ntext = x\nof = label=a\nagainst = label=b\nratio = 2\nfrom = 0.5\nto = 1.5\n",
         ":9: [claim x]: want from < to, and the paper's ratio between them"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct figure figure;
        char error[CATALOGUE_ERROR_BYTES] = "";
        scratch_file_write(cases[i].text);
        assert_false(figure_read(&figure, scratch_path, error));
        assert_memory_equal(error, scratch_path, strlen(scratch_path));
        assert_string_equal(error + strlen(scratch_path), cases[i].expected);
        figure_free(&figure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_has_what_draws_it),
        cmocka_unit_test(each_claim_has_a_range_of_its_own),
        cmocka_unit_test(a_file_says_what_a_figure_shows),
        cmocka_unit_test(errors_name_file_line_key_and_what_would_be_right),
    };
    return cmocka_run_group_tests(tests, scratch_file_create, scratch_file_remove);
}
