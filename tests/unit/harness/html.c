/* Tests of harness/html.c: escaping, pictures whose ids cannot clash, numbers. */
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

#include "harness/html.h"

static char path[] = "/tmp/maemio-svg-XXXXXX";
static char *written;
static size_t written_bytes;

static FILE *page_open(void)
{
    FILE *page = open_memstream(&written, &written_bytes);
    assert_non_null(page);
    return page;
}

static void assert_page(FILE *page, const char *expected)
{
    assert_int_equal(fclose(page), 0);
    assert_string_equal(written, expected);
    free(written);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void text_cannot_become_markup(void **state)
{
    (void)state;
    FILE *page = page_open();
    html_text(page, "<script>\"a\" & 'b'</script>");
    assert_page(page, "&lt;script&gt;&quot;a&quot; &amp; 'b'&lt;/script&gt;");
    page = page_open();
    html_name(page, "wl_<x");
    assert_page(page, "wl_<wbr>&lt;x");
}

static void a_picture_is_scaled_and_its_ids_are_its_own(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("<?xml version=\"1.0\"?>\n<svg width=\"520\" height=\"420\" viewBox=\"0 0 520 420\">\n<title>Gnuplot</title>"
          "<circle id='gpDot' r='0.5'/><g id=\"gnuplot_plot_1\"/><g id=\"gnuplot_plot_1\"/>"
          "<use xlink:href='#gpDot' stroke=\"#0072B2\" clip-path=\"url(#clip)\"/></svg>\n",
          file);
    assert_int_equal(fclose(file), 0);
    FILE *page = page_open();
    assert_true(html_svg(page, path, "fig", "a \"b\""));
    assert_page(page, "<svg role=\"img\" aria-label=\"a &quot;b&quot;\"   viewBox=\"0 0 520 420\">\n"
                      "<circle id='fig-gpDot' r='0.5'/><g id=\"fig-1-gnuplot_plot_1\"/>"
                      "<g id=\"fig-2-gnuplot_plot_1\"/>"
                      "<use xlink:href='#fig-gpDot' stroke=\"#0072B2\" clip-path=\"url(#fig-clip)\"/></svg>\n");
}

static void what_is_no_picture_writes_nothing(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w"), *page = page_open();
    assert_non_null(file);
    fputs("no picture", file);
    assert_int_equal(fclose(file), 0);
    assert_false(html_svg(page, path, "fig", ""));
    assert_false(html_svg(page, "/nonexistent.svg", "fig", ""));
    assert_page(page, "");
}

static void numbers_are_short_and_missing_ones_a_dash(void **state)
{
    (void)state;
    char text[HTML_NUMBER_BYTES];
    assert_string_equal(html_count(NAN, text), "-");
    assert_string_equal(html_count(264000, text), "264k");
    assert_string_equal(html_ratio(NAN, text), "-");
    assert_string_equal(html_ratio(0.868, text), "-13.2%");
    assert_string_equal(html_ratio(1.05, text), "+5.0%");
    assert_string_equal(html_ratio(9.08, text), "9.1 times");
    assert_string_equal(html_interval((struct statistics_interval){0.9, 1.1}, text), "-10.0% to +10.0%");
    assert_string_equal(html_interval((struct statistics_interval){NAN, NAN}, text), "no interval");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cannot_become_markup),
        cmocka_unit_test(a_picture_is_scaled_and_its_ids_are_its_own),
        cmocka_unit_test(what_is_no_picture_writes_nothing),
        cmocka_unit_test(numbers_are_short_and_missing_ones_a_dash),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
