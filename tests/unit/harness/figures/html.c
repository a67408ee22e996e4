/* Tests of harness/figures/html.c: escaping, pictures whose ids cannot clash, numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/figures/html.h"
#include "tests/support/scratch.h"

static void assert_page(FILE *page, const char *expected)
{
    char *written = scratch_text_close(page);
    assert_string_equal(written, expected);
    free(written);
}

static void text_cannot_become_markup(void **state)
{
    (void)state;
    FILE *page = scratch_text_open();
    html_text(page, "<script>\"a\" & 'b'</script>");
    assert_page(page, "&lt;script&gt;&quot;a&quot; &amp; 'b'&lt;/script&gt;");
    page = scratch_text_open();
    html_name(page, "wl_<x");
    assert_page(page, "wl_<wbr>&lt;x");
}

static void a_picture_is_scaled_and_its_ids_are_its_own(void **state)
{
    (void)state;
    scratch_file_write(
        "<?xml version=\"1.0\"?>\n<svg width=\"520\" height=\"420\" viewBox=\"0 0 520 420\">\n<title>Gnuplot</title>"
        "<circle id='gpDot' r='0.5'/><g id=\"gnuplot_plot_1\"/><g id=\"gnuplot_plot_1\"/>"
        "<use xlink:href='#gpDot' stroke=\"#0072B2\" clip-path=\"url(#clip)\"/></svg>\n");
    FILE *page = scratch_text_open();
    assert_true(html_svg(page, scratch_path, "fig", "a \"b\""));
    assert_page(page, "<svg role=\"img\" aria-label=\"a &quot;b&quot;\"   viewBox=\"0 0 520 420\">\n"
                      "<circle id='fig-gpDot' r='0.5'/><g id=\"fig-1-gnuplot_plot_1\"/>"
                      "<g id=\"fig-2-gnuplot_plot_1\"/>"
                      "<use xlink:href='#fig-gpDot' stroke=\"#0072B2\" clip-path=\"url(#fig-clip)\"/></svg>\n");
}

static void what_is_no_picture_writes_nothing(void **state)
{
    (void)state;
    FILE *page = scratch_text_open();
    scratch_file_write("no picture");
    assert_false(html_svg(page, scratch_path, "fig", ""));
    assert_false(html_svg(page, "/nonexistent.svg", "fig", ""));
    assert_page(page, "");
}

static void numbers_are_short_and_missing_ones_a_dash(void **state)
{
    (void)state;
    char text[HTML_NUMBER_BYTES];
    assert_string_equal(html_count(NAN, text), "-");
    assert_string_equal(html_count(264000, text), "264k");
    assert_string_equal(statistics_ratio_text(NAN, text), "-");
    assert_string_equal(statistics_ratio_text(0.868, text), "-13.2%");
    assert_string_equal(statistics_ratio_text(1.05, text), "+5.0%");
    assert_string_equal(statistics_ratio_text(9.08, text), "9.1 times");
    assert_string_equal(statistics_interval_text((struct statistics_interval){0.9, 1.1, 0.95}, text),
                        "95% interval -10.0% to +10.0%");
    assert_string_equal(statistics_interval_text((struct statistics_interval){NAN, NAN, 0}, text), "no interval");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cannot_become_markup),
        cmocka_unit_test(a_picture_is_scaled_and_its_ids_are_its_own),
        cmocka_unit_test(what_is_no_picture_writes_nothing),
        cmocka_unit_test(numbers_are_short_and_missing_ones_a_dash),
    };
    return cmocka_run_group_tests(tests, scratch_file_create, scratch_file_remove);
}
