/* Tests of harness/figures/html.c: templates, escaping, pictures, numbers. */
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

static void assert_rendered(const char *template, const json_t *data, const char *expected)
{
    char error[HTML_ERROR_BYTES] = "";
    struct support_text page = {0};
    bool made = html_render("t.html", template, data, &page, error);
    assert_string_equal(made ? page.text : error, expected);
    free(page.text);
}

static void text_cannot_become_markup(void **state)
{
    (void)state;
    json_t *data = json_object();
    html_put(data, "text", "<script>\"%s\" & 'b'</script>", "a");
    html_put(data, "bytes", "\xff\xfe"); /* labels may have any */
    assert_rendered("{{text}}", data, "&lt;script&gt;&quot;a&quot; &amp; 'b'&lt;/script&gt;");
    assert_rendered("{{{text}}}{{bytes}}{{other}}.", data, "<script>\"a\" & 'b'</script>\xff\xfe.");
    json_decref(data);
}

static void sections_stand_for_each_object_or_for_none(void **state)
{
    (void)state;
    json_t *data = json_object();
    html_put_texts(data, "outer", "o", "empty", "", NULL);
    for (int i = 0; i < 2; i++)
        html_put(html_row(data, "rows"), "n", "%d", i);
    html_put(html_row(json_array_get(json_object_get(data, "rows"), 1), "rows"), "n", "inner");
    assert_rendered("<{{#rows}}{{n}}{{outer}},{{/rows}}>", data, "<0o,1o,>");
    assert_rendered("{{#rows}}{{#rows}}{{n}} {{/rows}}{{/rows}}", data, "0 1 inner "); /* none of its own: the outer */
    assert_rendered("{{#outer}}a{{outer}}{{/outer}}{{^outer}}b{{/outer}}", data, "ao");
    assert_rendered("{{#empty}}a{{/empty}}{{^empty}}b{{/empty}}{{^none}}c{{/none}}", data, "bc");
    assert_rendered("x\n{{#rows}}\n{{n}}\n{{/rows}}\ny\n", data, "x\n0\n1\ny\n");
    json_decref(data);
}

static void a_template_that_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    json_t *data = json_object();
    html_put(data, "a", "1");
    assert_rendered("x\n{{#a}}\n{{b}}", data, "t.html:2: this section has no end: {{#a}}");
    assert_rendered("x\n\n y{{/a}}", data, "t.html:3: ends a section that has not begun: {{/a}}");
    assert_rendered("{{#a}}{{#b}}{{/a}}", data, "t.html:1: this section has no end: {{#b}}{{/a}}");
    assert_rendered("{{a}", data, "t.html:1: want {{name}}, {{{name}}}, {{#name}}, {{^name}} or {{/name}}: {{a}");
    json_decref(data);
}

static void a_picture_is_part_of_a_url(void **state)
{
    (void)state;
    json_t *data = json_object();
    scratch_file_write("<svg id=\"a&b\">\xc3\xa9</svg>\n");
    html_put_svg(data, "picture", scratch_path);
    assert_rendered("{{{picture}}}", data, "%3Csvg%20id%3D%22a%26b%22%3E%C3%A9%3C%2Fsvg%3E%0A");
    json_decref(data);
}

static void what_is_no_picture_puts_nothing(void **state)
{
    (void)state;
    json_t *data = json_object();
    scratch_file_write("no picture");
    html_put_svg(data, "picture", scratch_path);
    html_put_svg(data, "picture", "/nonexistent.svg");
    assert_rendered("{{^picture}}none{{/picture}}", data, "none");
    json_decref(data);
}

static void numbers_are_short_and_missing_ones_a_dash(void **state)
{
    (void)state;
    assert_string_equal(html_count(NAN), "-");
    assert_string_equal(html_count(264000), "264k");
    assert_string_equal(statistics_ratio_text(NAN), "-");
    assert_string_equal(statistics_ratio_text(0.868), "-13.2%");
    assert_string_equal(statistics_ratio_text(1.05), "+5.0%");
    assert_string_equal(statistics_ratio_text(9.08), "9.1 times");
    assert_string_equal(statistics_interval_text((struct statistics_interval){0.9, 1.1, 0.95}),
                        "95% interval -10.0% to +10.0%");
    assert_string_equal(statistics_interval_text((struct statistics_interval){NAN, NAN, 0}), "no interval");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cannot_become_markup),
        cmocka_unit_test(sections_stand_for_each_object_or_for_none),
        cmocka_unit_test(a_template_that_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(a_picture_is_part_of_a_url),
        cmocka_unit_test(what_is_no_picture_puts_nothing),
        cmocka_unit_test(numbers_are_short_and_missing_ones_a_dash),
    };
    return cmocka_run_group_tests(tests, scratch_file_create, scratch_file_remove);
}
